/*
 * A small shop for the engine's tests: a region in shared anonymous memory
 * (children of fork see the same one), opened without a journal, and short
 * calls for what every test does.  Time stands still unless a test moves it.
 */

#ifndef FAKA_ENGINE_SHOP_H_INCLUDED_
#define FAKA_ENGINE_SHOP_H_INCLUDED_


#include <sys/mman.h>

#include "fk_priv.h"
#include "tap.h"


#define SHOP_SIZE     FK_REGION_SIZE_MIN
#define SHOP_START_S  1700000000u
#define SHOP_HOLD_S   900u


static fk_t      shop;
static fk_env_t  shop_env;
static uint32_t  shop_serial;          /* makes ids, cards, trade numbers */

__attribute__((unused))
static const uint8_t  shop_seed[FK_SEED_SIZE] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
};


__attribute__((unused))
static fk_str_t
str(const char *text)
{
    return (fk_str_t) { (const uint8_t *) text, strlen(text) };
}


__attribute__((unused))
static void
shop_must(int condition, const char *what)
{
    if (!condition) {
        printf("Bail out! %s\n", what);
        exit(EXIT_FAILURE);
    }
}


__attribute__((unused))
static void
shop_open_in(void *mem, size_t size)
{
    char         why[256];
    const char  *wrong;

    shop_env.now_ms = (int64_t) SHOP_START_S * 1000;

    shop_must(fk_format(mem, size, shop_seed) == FK_OK, "format");
    shop_must(fk_attach(&shop, mem, size, &wrong) == FK_OK, "attach");
    shop_must(fk_recover_begin(&shop, 1, 0) == FK_OK, "recover");
    shop_must(fk_recover_end(&shop, &shop_env, 1, 1, why, sizeof(why))
              == FK_OK, "open");
}


/* A new shop in new memory; the old one is dropped. */
__attribute__((unused))
static void
shop_open(void)
{
    void  *mem;

    if (shop.base != NULL) {
        (void) munmap(shop.base, shop.size);
    }

    mem = mmap(NULL, SHOP_SIZE, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shop_must(mem != MAP_FAILED, "mmap");
    shop_open_in(mem, SHOP_SIZE);
}


__attribute__((unused))
static void
shop_wait_s(int64_t seconds)
{
    shop_env.now_ms += seconds * 1000;
}


/* A record that nobody else has read meanwhile; no order has the id 0. */
__attribute__((unused))
static fk_code_t
shop_restore(fk_t *fk, const uint8_t *record, size_t size,
    fk_order_view_t *out)
{
    static const fk_order_id_t  none;

    return fk_archive_restore(fk, &shop_env, record, size,
                              fk_archive_mark(fk, &none), out);
}


__attribute__((unused))
static fk_code_t
shop_put(fk_product_put_t *put, fk_product_view_t *view)
{
    int                created;
    uint64_t           seq;
    const char        *field;
    fk_product_view_t  unused;

    return fk_product_put(&shop, &shop_env, put, view != NULL ? view : &unused,
                          &created, &seq, &field);
}


/* A product that costs 500 fen; stock is for counted ones only. */
__attribute__((unused))
static void
shop_product(const char *sku, fk_kind_t kind, int64_t stock)
{
    fk_product_put_t  put;

    memset(&put, 0, sizeof(put));
    put.sku = str(sku);
    put.fields = FK_PUT_NAME | FK_PUT_PRICE | FK_PUT_KIND;
    put.name = str("a product");
    put.price = 500;
    strcpy(put.currency, "CNY");
    put.kind = (uint8_t) kind;

    if (kind == FK_KIND_COUNTED) {
        put.fields |= FK_PUT_STOCK;
        put.stock = stock;
    }

    shop_must(shop_put(&put, NULL) == FK_OK, "product");
}


/* Sealed bytes as they look to the engine: a nonce and something. */
__attribute__((unused))
static void
shop_seal(uint32_t number, uint8_t *sealed, uint32_t size)
{
    uint32_t  i;

    for (i = 0; i < size; i++) {
        sealed[i] = (uint8_t) (number * 31 + i * 7);
    }

    memcpy(sealed, &number, sizeof(number));
    memcpy(sealed + 4, "12345678", 8);
}


__attribute__((unused))
static fk_code_t
shop_add(uint32_t batch, uint32_t first, uint32_t n, uint16_t size,
    uint8_t *results)
{
    uint32_t      i;
    uint8_t       sealed[FK_IMPORT_SLICE_MAX][FK_SEALED_SIZE_MAX];
    fk_card_in_t  cards[FK_IMPORT_SLICE_MAX];

    for (i = 0; i < n; i++) {
        shop_seal(first + i, sealed[i], size);
        cards[i].sealed = sealed[i];
        cards[i].size = size;
        cards[i].old_nonce = NULL;
    }

    return fk_import_add(&shop, &shop_env, batch, cards, n, results);
}


/* Imports n cards numbered from first on. */
__attribute__((unused))
static void
shop_stock(const char *sku, uint32_t first, uint32_t n)
{
    uint8_t   results[FK_IMPORT_SLICE_MAX];
    uint32_t  batch, i, slice, accepted;
    uint64_t  seq;

    shop_must(fk_import_begin(&shop, &shop_env, str(sku), &batch) == FK_OK,
              "import");

    for (i = 0; i < n; i += slice) {
        slice = n - i < FK_IMPORT_SLICE_MAX ? n - i : FK_IMPORT_SLICE_MAX;
        shop_must(shop_add(batch, first + i, slice, 60, results) == FK_OK,
                  "import add");
    }

    shop_must(fk_import_commit(&shop, &shop_env, batch, &accepted, &seq)
              == FK_OK && accepted == n, "import commit");
}


__attribute__((unused))
static fk_order_id_t
shop_id(uint32_t number)
{
    uint8_t        random[10];
    fk_order_id_t  id;

    memset(random, 0x5a, sizeof(random));
    memcpy(random + 2, &number, sizeof(number));
    fk_order_id_make(&id, (int64_t) SHOP_START_S * 1000, random);
    return id;
}


/* A checkout with nothing wrong about it. */
__attribute__((unused))
static fk_checkout_t
shop_cart(const char *sku, uint32_t qty)
{
    fk_checkout_t  in;

    memset(&in, 0, sizeof(in));
    in.id = shop_id(++shop_serial);
    in.sku = str(sku);
    in.qty = qty;
    in.contact = str("buyer-number-one@example.invalid");
    strcpy(in.channel, "epay");
    in.hold_s = SHOP_HOLD_S;
    in.has_idem = 1;
    memset(in.idem, 0x77, sizeof(in.idem));
    memcpy(in.idem, &shop_serial, sizeof(shop_serial));
    memset(in.body, 0x11, sizeof(in.body));
    return in;
}


/* As the operator's rules have it: a total, and a reason to look, or NULL. */
__attribute__((unused))
static void
shop_rules(fk_checkout_t *in, int64_t list, int64_t total, const char *reason)
{
    int  i;

    in->priced = 1;
    in->rules = 77;

    for (i = 0; i < FK_STEP_COUNT; i++) {
        in->step[i] = i < FK_STEP_RULE ? list : total;
    }

    if (reason != NULL) {
        in->review = 1;
        in->reason = str(reason);
    }
}


/* Digests as a caller makes them: of a buyer, and of him and something. */
__attribute__((unused))
static void
shop_digest(uint32_t who, fk_str_t what, uint8_t key[FK_TALLY_KEY_SIZE])
{
    uint64_t  hash;

    hash = fk_hash_bytes(what.data, what.size) * 31 + who;
    memset(key, 0x33, FK_TALLY_KEY_SIZE);
    memcpy(key, &hash, sizeof(hash));
    memcpy(key + 8, &who, sizeof(who));
}


/* Bought by somebody who is known again, with a coupon or "". */
__attribute__((unused))
static void
shop_buyer(fk_checkout_t *in, uint32_t who, const char *coupon)
{
    in->has_buyer = 1;
    in->has_quota = 1;
    in->coupon = str(coupon);
    shop_digest(who, str(""), in->buyer);
    shop_digest(who, in->sku, in->quota);
    shop_digest(who, in->coupon, in->coupon_use);
}


/* A coupon with nothing special about it. */
__attribute__((unused))
static fk_coupon_put_t
shop_coupon_of(const char *code, fk_coupon_kind_t kind, int64_t value)
{
    fk_coupon_put_t  in;

    memset(&in, 0, sizeof(in));
    in.code = str(code);
    in.kind = (uint8_t) kind;
    in.on = 1;
    in.value = value;

    if (kind == FK_COUPON_FIXED) {
        strcpy(in.currency, "CNY");
    }

    return in;
}


__attribute__((unused))
static fk_code_t
shop_coupon_put(const fk_coupon_put_t *in)
{
    int          created;
    uint64_t     seq;
    const char  *field;

    return fk_coupon_put(&shop, &shop_env, in, &created, &seq, &field);
}


__attribute__((unused))
static fk_code_t
shop_level(const char *name, uint16_t off_bp, int64_t min_spent)
{
    uint64_t        seq;
    const char     *field;
    fk_level_put_t  in;

    in.name = str(name);
    in.off_bp = off_bp;
    in.min_spent = min_spent;

    return fk_level_put(&shop, &shop_env, &in, &seq, &field);
}


/* Units a buyer, and a tier of 400 from 3 units and of 300 from 10 on. */
__attribute__((unused))
static void
shop_terms(const char *sku, uint16_t buyer_limit)
{
    fk_product_put_t  put;

    memset(&put, 0, sizeof(put));
    put.sku = str(sku);
    put.fields = FK_PUT_BUYER_LIMIT | FK_PUT_TIERS;
    put.buyer_limit = buyer_limit;
    put.tier_count = 2;
    put.tier[0] = (fk_tier_t) { 400, 3 };
    put.tier[1] = (fk_tier_t) { 300, 10 };

    shop_must(shop_put(&put, NULL) == FK_OK, "terms");
}


__attribute__((unused))
static fk_buyer_view_t
shop_buyer_view(uint32_t who)
{
    uint8_t          key[FK_TALLY_KEY_SIZE];
    fk_buyer_view_t  view;

    shop_digest(who, str(""), key);
    shop_must(fk_buyer_get(&shop, key, &view) == FK_OK, "buyer");
    return view;
}


__attribute__((unused))
static fk_coupon_view_t
shop_coupon_view(const char *code)
{
    fk_coupon_view_t  view;

    shop_must(fk_coupon_get(&shop, str(code), &view) == FK_OK, "coupon");
    return view;
}


__attribute__((unused))
static fk_code_t
shop_buy(const char *sku, uint32_t qty, fk_order_view_t *out)
{
    fk_checkout_t  in;

    in = shop_cart(sku, qty);
    return fk_checkout(&shop, &shop_env, &in, out);
}


__attribute__((unused))
static fk_code_t
shop_pay(const fk_order_id_t *id, const char *trade_no, int64_t amount,
    fk_pay_result_t *result, fk_order_view_t *out)
{
    fk_pay_t  in;

    memset(&in, 0, sizeof(in));
    in.id = *id;
    in.channel = str("epay");
    in.trade_no = str(trade_no);
    in.amount = amount;
    strcpy(in.currency, "CNY");

    return fk_pay(&shop, &shop_env, &in, result, out);
}


/* The same, to be looked at. */
__attribute__((unused))
static fk_code_t
shop_pay_review(const fk_order_id_t *id, const char *trade_no,
    int64_t amount, const char *reason, fk_pay_result_t *result,
    fk_order_view_t *out)
{
    fk_pay_t  in;

    memset(&in, 0, sizeof(in));
    in.id = *id;
    in.channel = str("epay");
    in.trade_no = str(trade_no);
    in.amount = amount;
    strcpy(in.currency, "CNY");
    in.review = 1;
    in.reason = str(reason);

    return fk_pay(&shop, &shop_env, &in, result, out);
}


__attribute__((unused))
static fk_product_view_t
shop_view(const char *sku)
{
    fk_product_view_t  view;

    memset(&view, 0, sizeof(view));
    shop_must(fk_product_get(&shop, &shop_env, str(sku), &view) == FK_OK,
              "product view");
    return view;
}


/* Ticks until nothing is due. */
__attribute__((unused))
static fk_tick_t
shop_tick(void)
{
    uint32_t   i;
    fk_code_t  code;
    fk_tick_t  out, sum;

    memset(&sum, 0, sizeof(sum));

    for (i = 0; i < 100000; i++) {
        code = fk_tick(&shop, &shop_env, 100, &out);
        sum.expired_count += out.expired_count;
        sum.served_count += out.served_count;
        sum.reaped_count += out.reaped_count;

        if (out.seq != 0) {
            sum.seq = out.seq;
        }

        if (code != FK_AGAIN) {
            break;
        }
    }

    shop_must(code == FK_OK, "tick");
    return sum;
}


/* Everything recomputed, every link followed. */
__attribute__((unused))
static int
shop_sound(void)
{
    char  why[256];

    if (fk_check(&shop, why, sizeof(why)) == FK_OK) {
        return 1;
    }

    printf("#   %s\n", why);
    return 0;
}


/* Says that everything written is durable, so that the ring empties. */
__attribute__((unused))
static void
shop_flush(void)
{
    fk_batch_t  batch;

    while (fk_flush_take(&shop, 1, 0, &batch) == FK_FLUSH_SEND) {
        shop_must(fk_flush_done(&shop, 1, batch.last_seq) == FK_OK, "flush");
    }
}


/* An order as words. */

__attribute__((unused))
static const char *
shop_status(const fk_order_id_t *id, fk_order_view_t *view)
{
    shop_must(fk_order_get(&shop, id, view) == FK_OK, "order");
    return fk_status_word[view->status];
}


/* The states of its payments, oldest first. */
__attribute__((unused))
static const char *
shop_money(const fk_order_id_t *id)
{
    static char        text[2048];
    uint32_t           i, n;
    fk_payment_view_t  rows[16];

    n = 16;
    shop_must(fk_order_payments(&shop, id, rows, &n) == FK_OK, "payments");
    text[0] = '\0';

    for (i = 0; i < n; i++) {
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s=%s",
                 i != 0 ? " " : "", rows[i].trade_no,
                 fk_payment_state_word[rows[i].state]);
    }

    return text;
}


#endif /* FAKA_ENGINE_SHOP_H_INCLUDED_ */

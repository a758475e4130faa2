/*
 * The edges that a busy shop does not come to: words and numbers just beyond
 * what is allowed, clocks beyond what can be counted, keys that meet in one
 * bucket, chains without an end, tables with one slot too few.
 */

#include "journal_parts.h"


static uint32_t  plan_products, plan_blocks;


/* 0: as always. */
static void
plan_small(fk_plan_t *plan)
{
    plan->products = plan_products != 0 ? plan_products : plan->products;
    plan->blocks = plan_blocks != 0 ? plan_blocks : plan->blocks;
}


static void
shop_small(uint32_t products, uint32_t blocks)
{
    plan_products = products;
    plan_blocks = blocks;
    fk_test_plan = plan_small;
    shop_open();
}


static void
shop_usual(void)
{
    fk_test_plan = NULL;
    shop_open();
}


/* Each byte as the second one of a SKU. */
static void
test_sku(void)
{
    char              sku[3];
    unsigned          c, wrong;
    fk_code_t         rc, want;
    fk_product_put_t  put;

    shop_usual();
    wrong = 0;

    for (c = 1; c < 256; c++) {
        sku[0] = 's';
        sku[1] = (char) c;
        sku[2] = '\0';
        want = strchr("0123456789._-abcdefghijklmnopqrstuvwxyz"
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ", (int) c) != NULL
               ? FK_OK : FK_INVALID;

        memset(&put, 0, sizeof(put));
        put.sku = str(sku);
        put.fields = FK_PUT_NAME | FK_PUT_PRICE | FK_PUT_KIND;
        put.name = str("a name");
        put.price = 1;
        strcpy(put.currency, "CNY");
        rc = shop_put(&put, NULL);
        wrong += rc != want;
    }

    EQ_INT(wrong, 0, "SKUs of letters, digits, and three more");
    EQ_INT(fk_product_get(&shop, &shop_env, str("none"),
                          &(fk_product_view_t) { 0 }), FK_NOT_FOUND,
           "a product that is not there");
    EQ_INT(fk_product_peek(&shop, &shop_env, str(
           "a-name-of-sixty-four-bytes-is-one-byte-too-long-to-be-a-sku-0001"),
           1), FK_NOT_FOUND, "nor with a name that cannot be");
}


/* Two SKUs of one bucket, where one is the beginning of the other. */
static void
test_sku_bucket(void)
{
    char       text[FK_SKU_SIZE_MAX + 1];
    unsigned   i, n;
    uint32_t  *bucket;

    shop_small(4, 0);
    memset(text, 'a', sizeof(text));
    i = 0;

    for (n = 2; n < sizeof(text) && i == 0; n++) {
        bucket = fk_product_bucket(&shop, text, n);

        for (i = n - 1; i > 0; i--) {
            if (fk_product_bucket(&shop, text, i) == bucket) {
                break;
            }
        }
    }

    shop_must(i != 0, "two of one bucket");
    n--;

    /* The one that came last stands first. */
    text[i] = '\0';
    shop_product(text, FK_KIND_COUNTED, 1);
    text[i] = 'a';
    text[n] = '\0';
    shop_product(text, FK_KIND_COUNTED, 2);
    EQ_INT(shop_view(text).available, 2, "the longer one");
    text[i] = '\0';
    EQ_INT(shop_view(text).available, 1, "and its beginning");

    /* Without the lock a chain may lead back to where it came from. */
    FK_PRODUCT(&shop, 1)->hnext = 2;
    memset(text, 'z', sizeof(text));
    for (n = 1; fk_product_bucket(&shop, text, n) != bucket; n++) {
        shop_must(n < FK_SKU_SIZE_MAX, "one more of the bucket");
    }
    text[n] = '\0';
    EQ_INT(fk_product_peek(&shop, &shop_env, str(text), 1), FK_NOT_FOUND,
           "a chain without an end is left");
}


/* What has no stock yet may change its kind, but not under an import. */
static void
test_kind(void)
{
    uint32_t          batch;
    fk_product_put_t  put;

    shop_usual();
    shop_product("card", FK_KIND_CARD, 0);
    memset(&put, 0, sizeof(put));
    put.sku = str("card");
    put.fields = FK_PUT_KIND;
    put.kind = FK_KIND_COUNTED;

    shop_must(fk_import_begin(&shop, &shop_env, str("card"), &batch)
              == FK_OK, "import");
    EQ_INT(shop_put(&put, NULL), FK_CONFLICT, "not while cards come");
    shop_must(fk_import_abort(&shop, &shop_env, batch) == FK_OK, "abort");
    EQ_INT(shop_put(&put, NULL), FK_OK, "but when none came");
}


static void
test_clock(void)
{
    fk_order_view_t  out;

    shop_usual();
    shop_env.now_ms = -5000;
    shop_product("early", FK_KIND_COUNTED, 5);
    EQ_INT(shop_view("early").created_s, 0, "a clock before 1970");

    shop_env.now_ms = INT64_MAX;
    shop_product("late", FK_KIND_COUNTED, 5);
    EQ_INT(shop_view("late").created_s, UINT32_MAX - FK_HOLD_S_MAX,
           "a clock behind 2106");
    EQ_INT(shop_buy("late", 1, &out), FK_OK, "sells");
    EQ_INT(out.expires_s, UINT32_MAX - FK_HOLD_S_MAX + SHOP_HOLD_S,
           "and its holds can be counted");
}


static fk_code_t
pay_as(const fk_order_view_t *order, const char *channel,
    const char *trade_no, int64_t amount, uint8_t odd,
    fk_pay_result_t *result)
{
    fk_pay_t         in;
    fk_order_view_t  out;

    memset(&in, 0, sizeof(in));
    in.id = order->id;
    in.channel = str(channel);
    in.trade_no = str(trade_no);
    in.amount = amount;
    in.odd = odd;
    strcpy(in.currency, "CNY");

    return fk_pay(&shop, &shop_env, &in, result, &out);
}


static void
test_pay(void)
{
    uint32_t           n;
    fk_order_id_t      none;
    fk_order_view_t    order;
    fk_pay_result_t    result;
    fk_payment_view_t  view;

    shop_usual();
    shop_product("seats", FK_KIND_COUNTED, 100);
    shop_must(shop_buy("seats", 1, &order) == FK_OK, "buy");

    EQ_INT(pay_as(&order, "epay", "t", FK_AMOUNT_MAX + 1, 0, &result),
           FK_INVALID, "more money than there is");
    EQ_INT(pay_as(&order, "epay", "t\x7f", 500, 0, &result), FK_INVALID,
           "a trade number with a DEL");
    EQ_INT(pay_as(&order, "epax", "t", 500, 0, &result), FK_CHANNEL,
           "another channel, of the same length");
    EQ_INT(pay_as(&order, "epay", "t", 500, 1, &result), FK_OK,
           "half a fen more");
    EQ_INT(result, FK_PAY_REVIEW, "is not the right sum");

    memset(&none, 0xee, sizeof(none));
    n = 1;
    EQ_INT(fk_order_payments(&shop, &none, &view, &n), FK_NOT_FOUND,
           "no payments of no order");
}


/* The payment's chain and number, moved to where another trade would be. */
static void
collide(uint32_t payment, const char *channel, const char *trade_no)
{
    char               name[FK_CHANNEL_SIZE_MAX + 1];
    fk_payment_rec_t  *p;

    memset(name, 0, sizeof(name));
    memcpy(name, channel, strlen(channel));
    p = FK_PAYMENT(&shop, payment);

    shop_must(fk_lock(&shop) == FK_OK, "lock");
    fk_chain_remove(&shop, fk_bucket(&shop, FK_INDEX_PAYMENTS, p->hash),
                    FK_TABLE_PAYMENTS, offsetof(fk_payment_rec_t, hnext),
                    payment);
    FK_SET(&shop, p->hash, fk_trade_hash(name, (const uint8_t *) trade_no,
                                         strlen(trade_no)));
    fk_chain_insert(&shop, fk_bucket(&shop, FK_INDEX_PAYMENTS, p->hash),
                    &p->hnext, payment);
    fk_commit(&shop);
    fk_unlock(&shop);
}


/* A hash is no proof: the trade numbers themselves are compared. */
static void
test_trade_hash(void)
{
    fk_checkout_t    in;
    fk_order_view_t  order, other;
    fk_pay_result_t  result;

    shop_usual();
    shop_product("seats", FK_KIND_COUNTED, 100);
    shop_must(shop_buy("seats", 1, &order) == FK_OK
              && pay_as(&order, "epay", "known-one", 500, 0, &result)
                 == FK_OK, "pay");
    in = shop_cart("seats", 1);
    strcpy(in.channel, "other");
    shop_must(fk_checkout(&shop, &shop_env, &in, &other) == FK_OK, "buy");

    collide(1, "epay", "known");
    EQ_INT(pay_as(&order, "epay", "known", 500, 0, &result), FK_OK,
           "the hash of a number that is its beginning");
    EQ_INT(result, FK_PAY_EXTRA, "is money of its own");

    collide(1, "epay", "known-two");
    EQ_INT(pay_as(&order, "epay", "known-two", 500, 0, &result), FK_OK,
           "the hash of another number");
    EQ_INT(result, FK_PAY_EXTRA, "is money of its own");

    collide(1, "other", "known-one");
    EQ_INT(pay_as(&other, "other", "known-one", 500, 0, &result), FK_OK,
           "the hash of another channel's");
    EQ_INT(result, FK_PAY_DELIVERED, "pays its own order");
}


static void
test_orders(void)
{
    uint8_t            buf[FK_SEALED_SIZE_MAX];
    uint32_t           cursor, n;
    fk_card_out_t      cards[FK_LIST_SLICE_MAX];
    fk_order_id_t      none;
    fk_order_view_t    out, list[2];
    fk_order_filter_t  filter;
    fk_pay_result_t    result;

    shop_usual();
    shop_product("card", FK_KIND_CARD, 0);
    shop_stock("card", 1, 100);
    shop_must(shop_buy("card", FK_QTY_MAX, &out) == FK_OK
              && pay_as(&out, "epay", "t", out.amount, 0, &result) == FK_OK,
              "order");

    memset(&none, 0xee, sizeof(none));
    cursor = 0;
    n = 1;
    EQ_INT(fk_order_cards(&shop, &none, &cursor, buf, sizeof(buf), cards,
                          &n), FK_NOT_FOUND, "cards of no order");

    n = UINT32_MAX;
    EQ_INT(fk_order_cards(&shop, &out.id, &cursor, buf, sizeof(buf), cards,
                          &n), FK_OK, "all cards at once");
    EQ_INT(n, sizeof(buf) / 60, "as many as there is room for");

    memset(&filter, 0, sizeof(filter));
    filter.status = -1;
    cursor = UINT32_MAX;
    n = 2;
    OK(fk_order_list(&shop, &filter, &cursor, list, &n) == FK_OK && n == 1,
       "a cursor above all orders begins with the highest");
}


/* Blocks for what varies in size are a table as any other. */
static void
test_blocks(void)
{
    uint8_t          results[1];
    uint32_t         batch;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    shop_small(0, 3);
    shop_product("seats", FK_KIND_COUNTED, 100);
    shop_product("card", FK_KIND_CARD, 0);
    shop_must(shop_buy("seats", 1, &out) == FK_OK, "buy");

    shop_must(fk_import_begin(&shop, &shop_env, str("card"), &batch)
              == FK_OK, "import");
    EQ_INT(shop_add(batch, 1, 1, 200, results), FK_TABLE_FULL,
           "no blocks for a card");
    EQ_INT(shop_add(batch, 1, 1, 60, results), FK_OK,
           "a short one needs none");

    EQ_INT(pay_as(&out, "epay", "a-trade-number-of-more-than-36-bytes-"
                  "and-of-less-than-64", 500, 0, &result), FK_OK,
           "two are left for a trade number");
    EQ_INT(pay_as(&out, "epay", "t", 500, 0, &result), FK_TABLE_FULL,
           "none for another");
    EQ_INT(shop_buy("seats", 1, &out), FK_TABLE_FULL, "none for a contact");
    OK(shop_sound(), "sound");
}


/* 64 orders of the same wheel slot stand in front of one that is due. */
static void
test_hidden(void)
{
    unsigned         n;
    fk_env_t         set_back;
    fk_checkout_t    in;
    fk_order_view_t  due, out;

    shop_usual();
    shop_product("seats", FK_KIND_COUNTED, 100);
    (void) shop_tick();
    shop_must(shop_buy("seats", 1, &due) == FK_OK, "buy");
    set_back = shop_env;

    /* A clock that is ahead by more than a day, and then is not any more. */
    shop_wait_s((int64_t) SHOP_HOLD_S + FK_WHEEL_SLOTS - FK_HOLD_S_MAX);

    for (n = 0; n < 64; n++) {
        in = shop_cart("seats", 1);
        in.hold_s = FK_HOLD_S_MAX;
        shop_must(fk_checkout(&shop, &shop_env, &in, &out) == FK_OK, "buy");
    }

    shop_must(out.expires_s == due.expires_s + FK_WHEEL_SLOTS, "one slot");
    shop_env = set_back;
    shop_wait_s(SHOP_HOLD_S + 1);
    EQ_INT(shop_tick().expired_count, 0, "the one that is due is hidden");
    OK(shop_sound(), "sound");

    shop_wait_s(FK_WHEEL_SLOTS + 1);
    EQ_INT(shop_tick().expired_count, 65, "one turn later all are found");
    EQ_INT(shop_view("seats").available, 100, "every unit is back");
}


/* The waiting list is looked through without the lock. */
static void
test_waiting_loop(void)
{
    fk_tick_t        tick;
    fk_order_view_t  a, b;
    fk_pay_result_t  result;

    shop_usual();
    shop_product("seats", FK_KIND_COUNTED, 1);
    shop_must(shop_buy("seats", 1, &a) == FK_OK, "buy");
    shop_wait_s(SHOP_HOLD_S + 1);
    (void) shop_tick();
    shop_must(shop_buy("seats", 1, &b) == FK_OK
              && pay_as(&a, "epay", "a", 500, 0, &result) == FK_OK
              && result == FK_PAY_WAITING, "waiting");

    FK_PRODUCT(&shop, 1)->next_waiting = 1;
    EQ_INT(fk_tick(&shop, &shop_env, 10, &tick), FK_OK,
           "a list without an end is left");
}


/* A batch is bounded, and goes on where the last one ended. */
static void
test_batches(void)
{
    void        *mem;
    uint8_t      results[FK_IMPORT_SLICE_MAX];
    uint32_t     handle, n, batches, wrong;
    uint64_t     seq;
    fk_batch_t   batch;

    mem = mmap(NULL, 8 * SHOP_SIZE, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shop_must(mem != MAP_FAILED, "mmap");
    region_drop(&shop);
    shop_open_in(mem, 8 * SHOP_SIZE);
    shop_product("card", FK_KIND_CARD, 0);
    shop_must(fk_import_begin(&shop, &shop_env, str("card"), &handle)
              == FK_OK, "import");

    /* Twice around: the second time a batch meets the ring's end. */
    for (wrong = 0, batches = 0, n = 0; batches < 12; n++) {
        while (shop_add(handle, 1 + n * FK_IMPORT_SLICE_MAX,
                        FK_IMPORT_SLICE_MAX, FK_SEALED_SIZE_MAX, results)
               == FK_OK)
        {
            n++;
        }

        seq = fk_durable_seq(&shop);
        while (fk_flush_take(&shop, 1, 0, &batch) == FK_FLUSH_SEND) {
            wrong += batch.size[0] + batch.size[1] > FK_BATCH_SIZE_MAX;
            wrong += batch.last_seq != seq + batch.count;
            seq = batch.last_seq;
            shop_must(fk_flush_done(&shop, 1, seq) == FK_OK, "done");
            batches++;
        }
        wrong += seq != fk_last_seq(&shop);
    }

    EQ_INT(wrong, 0, "%u batches, none larger than allowed", batches);
    OK(shop_sound(), "the ring is sound");
    shop_usual();
}


static void
test_flush(void)
{
    fk_batch_t     batch;
    fk_snapshot_t  out;

    shop_usual();
    shop_product("seats", FK_KIND_COUNTED, 1);
    shop.region->ring.probe = UINT32_MAX;
    shop_must(fk_flush_suspect(&shop) == FK_OK, "suspect");
    EQ_INT(shop.region->ring.probe, 1, "a doubt that is counted on from 1");
    EQ_INT(fk_flush_take(&shop, 3, 0, &batch), FK_FLUSH_PROBE,
           "is a doubt");
    EQ_INT(fk_flush_top(&shop, 0, 1, 1), FK_CONFLICT, "nobody's answer");

    parts_take();
    shop.region->state = FK_SHOP_HEALING;
    EQ_INT(fk_heal_end(&shop, 0, snapshot.begin_seq), FK_CONFLICT,
           "nobody's healing");
    shop.region->state = FK_SHOP_OPEN;

    parts_begin();
    while (parts_step() == FK_AGAIN) { /* void */ }
    out = snapshot;
    shop_product("more", FK_KIND_COUNTED, 1);
    shop.region->state = FK_SHOP_HEALING;
    EQ_INT(fk_heal_end(&shop, WALKER, out.begin_seq), FK_CONFLICT,
           "a snapshot that the shop went on from");
}


/* With no end to its purse a part ends where it is full. */
static void
test_parts(void)
{
    char             why[256];
    fk_t             twin;
    size_t           at, wrong;
    uint32_t         n;
    fk_order_view_t  out;

    shop_usual();
    kept_size = 0;
    shop_product("seats", FK_KIND_COUNTED, 1000);
    for (n = 0; n < 900; n++) {
        shop_must(shop_buy("seats", 1, &out) == FK_OK, "buy");
    }
    kept_flush();

    fk_test_purse = UINT32_MAX;
    parts_take();
    fk_test_purse = 0;
    wrong = 0;
    n = 0;

    for (at = 0; at < parts_size; at += fk_get(parts + at, 4)) {
        wrong += fk_get(parts + at, 4) > FK_SNAPSHOT_PART_SIZE_MAX;
        n++;
    }

    OK(wrong == 0 && n > 1, "%u parts, none larger than allowed", n);
    region_new(&twin, SHOP_SIZE);
    EQ_INT(parts_recover(&twin, why), FK_OK, "the same shop: %s", why);
    EQ_INT(fk_table_used(&twin, FK_TABLE_ORDERS), 900, "with its orders");
    region_drop(&twin);
}


/* States that no rule leads to have a word: a person looks at them. */
static void
test_status(void)
{
    unsigned   p, s, d, wrong;
    fk_axes_t  axes;

    wrong = 0;

    for (p = 0; p < FK_PAYMENT_REFUNDING; p++) {
        for (s = 0; s < FK_STOCK_COUNT; s++) {
            for (d = 0; d < FK_DELIVERY_COUNT; d++) {
                if (p == FK_PAYMENT_UNPAID ? s <= FK_STOCK_RELEASED
                    : s == FK_STOCK_SHORT
                      || (s == FK_STOCK_ALLOCATED && d >= FK_DELIVERY_READY))
                {
                    continue;
                }

                axes = (fk_axes_t) { (uint8_t) p, (uint8_t) s, (uint8_t) d,
                                     0 };
                wrong += fk_status_of(&axes) != FK_STATUS_UNDER_REVIEW;
            }
        }
    }

    EQ_INT(wrong, 0, "what cannot be is under review");
}


/* Words that do not fit are cut, and end. */
static void
test_text(void)
{
    char       buf[8];
    fk_text_t  text;

    fk_text_init(&text, buf, sizeof(buf));
    fk_text_add(&text, "number ");
    fk_text_num(&text, -12345);
    EQ_STR(buf, "number ", "full");
    fk_text_init(&text, buf, sizeof(buf));
    fk_text_num(&text, INT64_MIN);
    EQ_STR(buf, "-922337", "cut");
}


int
main(void)
{
    test_sku();
    test_sku_bucket();
    test_kind();
    test_clock();
    test_pay();
    test_trade_hash();
    test_orders();
    test_blocks();
    test_hidden();
    test_waiting_loop();
    test_batches();
    test_flush();
    test_parts();
    test_status();
    test_text();

    return tap_done();
}

/*
 * Every call of fk.h that looks at the shop's state, takes its lock or writes
 * a record, each with something to do; and what it answers when it may not.
 * The calls keep what they get on their own stack: threads run them at once.
 */

#ifndef FAKA_CALL_TABLE_H_INCLUDED_
#define FAKA_CALL_TABLE_H_INCLUDED_


#include "call_ledger.h"
#include "call_money.h"
#include "call_terms.h"


#define AUDITOR    9
#define WALKER     7
#define FLUSHER    5
#define RECOVERER  2

static uint32_t       call_batch;      /* an import with a card in it */
static uint8_t        call_record[FK_ARCHIVE_SIZE_MAX];
static size_t         call_record_size;
static uint64_t       call_mark;


__attribute__((unused))
static void
call_buy(unsigned which, const char *sku)
{
    fk_order_view_t  out;

    shop_must(shop_buy(sku, 1, &out) == FK_OK, "buy");
    call_ids[which] = out.id;
}


/* A shop in which each call of the table has something to do. */
__attribute__((unused))
static void
call_shop(void)
{
    size_t           size;
    uint8_t          results[2], part[FK_SNAPSHOT_PART_SIZE_MAX];
    fk_batch_t       batch;
    fk_snapshot_t    snapshot;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    shop_open();
    shop_serial = 0;
    shop_product("card", FK_KIND_CARD, 0);
    shop_product("more", FK_KIND_CARD, 0);
    shop_stock("card", 1, 9);
    shop_must(shop_level("silver", 1, FK_UNITS_MAX) == FK_OK, "level");

    call_buy(ORDER_UNPAID, "card");
    call_buy(ORDER_PAID, "card");
    call_buy(ORDER_REVIEW, "card");
    call_buy(ORDER_CANCELLED, "card");
    call_buy(ORDER_EXTRA, "card");
    call_buy(ORDER_ASKED, "card");
    call_buy(ORDER_AWAY, "card");

    call_ledger(&call_ids[ORDER_EXTRA], "t-4");

    shop_must(shop_pay(&call_ids[ORDER_PAID], "t-1", 500, &result, &out)
              == FK_OK
              && shop_pay(&call_ids[ORDER_REVIEW], "t-2", 501, &result, &out)
                 == FK_OK
              && shop_pay(&call_ids[ORDER_EXTRA], "t-5", 500, &result, &out)
                 == FK_OK
              && shop_pay(&call_ids[ORDER_ASKED], "t-6", 500, &result, &out)
                 == FK_OK
              && shop_pay(&call_ids[ORDER_ASKED], "t-7", 500, &result, &out)
                 == FK_OK
              && fk_refund_ask(&shop, &shop_env, &call_ids[ORDER_ASKED],
                               str("t-7"), &out) == FK_OK
              && fk_cancel(&shop, &shop_env, &call_ids[ORDER_CANCELLED], &out)
                 == FK_OK
              && shop_pay(&call_ids[ORDER_AWAY], "t-3", 500, &result, &out)
                 == FK_OK
              && fk_archive_read(&shop, &call_ids[ORDER_AWAY], &out,
                                 call_record, sizeof(call_record),
                                 &call_record_size) == FK_OK
              && fk_archive_drop(&shop, &shop_env, &call_ids[ORDER_AWAY],
                                 out.seq) == FK_OK, "orders");
    call_mark = fk_archive_mark(&shop, &call_ids[ORDER_AWAY]);

    shop_must(fk_import_begin(&shop, &shop_env, str("card"), &call_batch)
              == FK_OK && shop_add(call_batch, 100, 1, 60, results) == FK_OK,
              "import");

    /* A walk that is over frees nothing and stops nothing. */
    shop_must(fk_snapshot_begin(&shop, &shop_env, WALKER, 0, &snapshot)
              == FK_OK, "snapshot");
    while (fk_snapshot_step(&shop, &shop_env, WALKER, 0, part, sizeof(part),
                            &size, &snapshot) == FK_AGAIN) { /* void */ }

    shop_must(fk_audit_begin(&shop, &shop_env, AUDITOR) == FK_OK
              && fk_audit_step(&shop, &shop_env, AUDITOR, UINT32_MAX) == FK_OK,
              "audit");

    /* All but the last records are durable, and the flusher is late. */
    shop_flush();
    call_buy(0, "card");
    shop_must(fk_flush_take(&shop, FLUSHER, 0, &batch) == FK_FLUSH_SEND,
              "flush");
}


static int
call_product_put(fk_t *fk)
{
    int                created;
    uint64_t           seq;
    const char        *field;
    fk_product_put_t   in;
    fk_product_view_t  out;

    memset(&in, 0, sizeof(in));
    in.sku = str("card");
    in.fields = FK_PUT_NAME;
    in.name = str("another name");
    return fk_product_put(fk, &shop_env, &in, &out, &created, &seq, &field);
}


static int
call_product_get(fk_t *fk)
{
    fk_product_view_t  out;

    return fk_product_get(fk, &shop_env, str("card"), &out);
}


/* A list is whole, or there is none. */
static int
call_listed(fk_code_t code, uint32_t n, uint32_t want)
{
    return n == (code == FK_OK ? want : 0) ? (int) code : -1;
}


static int
call_product_list(fk_t *fk)
{
    uint32_t           n, cursor;
    fk_code_t          code;
    fk_product_view_t  out[2];

    n = 2;
    cursor = 0;
    code = fk_product_list(fk, &shop_env, &cursor, out, &n);
    return call_listed(code, n, 2);
}


static int
call_product_peek(fk_t *fk)
{
    return fk_product_peek(fk, &shop_env, str("card"), 1);
}


static int
call_import_begin(fk_t *fk)
{
    uint32_t  batch;

    return fk_import_begin(fk, &shop_env, str("more"), &batch);
}


static int
call_import_add(fk_t *fk)
{
    uint8_t       sealed[60], result;
    fk_card_in_t  card;

    shop_seal(200, sealed, sizeof(sealed));
    card.sealed = sealed;
    card.size = sizeof(sealed);
    card.old_nonce = NULL;
    return fk_import_add(fk, &shop_env, call_batch, &card, 1, &result);
}


static int
call_import_commit(fk_t *fk)
{
    uint32_t  accepted;
    uint64_t  seq;

    return fk_import_commit(fk, &shop_env, call_batch, &accepted, &seq);
}


static int
call_import_abort(fk_t *fk)
{
    return fk_import_abort(fk, &shop_env, call_batch);
}


static int
call_checkout(fk_t *fk)
{
    fk_checkout_t    in;
    fk_order_view_t  out;

    memset(&in, 0, sizeof(in));
    in.id = shop_id(1000);
    in.sku = str("card");
    in.qty = 1;
    in.contact = str("a buyer");
    in.hold_s = SHOP_HOLD_S;
    strcpy(in.channel, "epay");
    return fk_checkout(fk, &shop_env, &in, &out);
}


static int
call_order_get(fk_t *fk)
{
    fk_order_view_t  out;

    return fk_order_get(fk, &call_ids[ORDER_PAID], &out);
}


static int
call_order_by_idem(fk_t *fk)
{
    uint8_t          idem[FK_IDEM_SIZE], body[8];
    fk_order_view_t  out;

    memset(idem, 0, sizeof(idem));
    memset(body, 0, sizeof(body));
    return fk_order_by_idem(fk, idem, body, &out);
}


static int
call_order_cards(fk_t *fk)
{
    uint8_t        buf[64];
    uint32_t       cursor, n;
    fk_card_out_t  out;

    n = 1;
    cursor = 0;
    return fk_order_cards(fk, &call_ids[ORDER_PAID], &cursor, buf,
                          sizeof(buf), &out, &n);
}


static int
call_order_payments(fk_t *fk)
{
    uint32_t           n;
    fk_code_t          code;
    fk_payment_view_t  out;

    n = 1;
    code = fk_order_payments(fk, &call_ids[ORDER_PAID], &out, &n);
    return call_listed(code, n, 1);
}


static int
call_order_list(fk_t *fk)
{
    uint32_t           n, cursor;
    fk_code_t          code;
    fk_order_view_t    out[2];
    fk_order_filter_t  filter;

    memset(&filter, 0, sizeof(filter));
    filter.status = -1;
    n = 2;
    cursor = 0;
    code = fk_order_list(fk, &filter, &cursor, out, &n);
    return call_listed(code, n, 2);
}


static int
call_cancel(fk_t *fk)
{
    fk_order_view_t  out;

    return fk_cancel(fk, &shop_env, &call_ids[ORDER_UNPAID], &out);
}


/* An hour later a hold is over. */
static int
call_tick(fk_t *fk)
{
    fk_env_t   env;
    fk_tick_t  out;

    env.now_ms = shop_env.now_ms + 3600 * 1000;
    return fk_tick(fk, &env, 10000, &out);
}


static int
call_flush_take(fk_t *fk)
{
    fk_batch_t  batch;

    return fk_flush_take(fk, FLUSHER, 2 * FK_FLUSH_LEASE_MS, &batch);
}


static int
call_flush_done(fk_t *fk)
{
    return fk_flush_done(fk, FLUSHER + 1, fk_last_seq(fk));
}


static int
call_flush_unknown(fk_t *fk)
{
    fk_flush_unknown(fk, FLUSHER + 1);
    return 0;
}


static int
call_flush_break(fk_t *fk)
{
    fk_flush_break(fk, 0);
    return 0;
}


static int
call_flush_suspect(fk_t *fk)
{
    return fk_flush_suspect(fk);
}


static int
call_flush_top(fk_t *fk)
{
    return fk_flush_top(fk, FLUSHER, 1, 1);
}


static int
call_snapshot_begin(fk_t *fk)
{
    fk_snapshot_t  out;

    return fk_snapshot_begin(fk, &shop_env, WALKER + 1, 0, &out);
}


static int
call_snapshot_step(fk_t *fk)
{
    size_t         size;
    uint8_t        buf[FK_SNAPSHOT_PART_SIZE_MAX];
    fk_snapshot_t  out;

    return fk_snapshot_step(fk, &shop_env, WALKER + 1, 0, buf, sizeof(buf),
                            &size, &out);
}


static int
call_snapshot_end(fk_t *fk)
{
    fk_snapshot_end(fk, WALKER + 1);
    return 0;
}


static int
call_snapshot_break(fk_t *fk)
{
    fk_snapshot_break(fk, 0);
    return 0;
}


static int
call_heal_end(fk_t *fk)
{
    return fk_heal_end(fk, WALKER, 0);
}


static int
call_apply(fk_t *fk)
{
    size_t   at;
    uint8_t  data[8];

    memset(data, 0, sizeof(data));
    return fk_apply(fk, RECOVERER, 0, data, sizeof(data), &at);
}


static int
call_snapshot_load(fk_t *fk)
{
    size_t   at;
    uint8_t  data[8];

    memset(data, 0, sizeof(data));
    return fk_snapshot_load(fk, RECOVERER, 0, data, sizeof(data), &at);
}


static int
call_recover_renew(fk_t *fk)
{
    return fk_recover_renew(fk, RECOVERER, 0);
}


static int
call_recover_fence(fk_t *fk)
{
    return fk_recover_fence(fk, RECOVERER);
}


static int
call_recover_break(fk_t *fk)
{
    fk_recover_break(fk, RECOVERER);
    return 0;
}


static int
call_recover_end(fk_t *fk)
{
    char  why[64];

    return fk_recover_end(fk, &shop_env, RECOVERER, 2, why, sizeof(why));
}


static int
call_archive_list(fk_t *fk)
{
    uint32_t       cursor;
    fk_env_t       env;
    fk_order_id_t  ids[2];

    cursor = 0;
    env.now_ms = shop_env.now_ms + 86400 * 1000;
    return (int) fk_archive_list(fk, &env, 3600, &cursor, ids, 2);
}


static int
call_archive_read(fk_t *fk)
{
    size_t           size;
    uint8_t          buf[8192];
    fk_order_view_t  out;

    return fk_archive_read(fk, &call_ids[ORDER_PAID], &out, buf, sizeof(buf),
                           &size);
}


static int
call_archive_view(fk_t *fk)
{
    fk_order_view_t  out;

    return fk_archive_view(fk, call_record, call_record_size, &out, NULL,
                           NULL);
}


/* The number of its cancel, the only record behind the first pay. */
static int
call_archive_drop(fk_t *fk)
{
    uint32_t  order;

    order = fk_order_find(fk, call_ids[ORDER_CANCELLED].bytes);
    return fk_archive_drop(fk, &shop_env, &call_ids[ORDER_CANCELLED],
                           FK_ORDER(fk, order)->seq);
}


static int
call_archive_restore(fk_t *fk)
{
    fk_order_view_t  out;

    return fk_archive_restore(fk, &shop_env, call_record, call_record_size,
                              call_mark, &out);
}


static int
call_audit_begin(fk_t *fk)
{
    return fk_audit_begin(fk, &shop_env, AUDITOR + 1);
}


static int
call_audit_step(fk_t *fk)
{
    return fk_audit_step(fk, &shop_env, AUDITOR + 1, 10);
}


static int
call_audit_products(fk_t *fk)
{
    uint32_t            cursor;
    fk_audit_product_t  out[2];

    cursor = 0;
    return (int) fk_audit_products(fk, AUDITOR, &cursor, out, 2);
}


static int
call_audit_end(fk_t *fk)
{
    fk_audit_totals_t  out;

    return fk_audit_end(fk, AUDITOR + 1, &out);
}


/* Answers while open, in the states in which it is not, and at the lock. */
typedef struct {
    const char  *name;
    int        (*run)(fk_t *fk);
    int          open;
    int          full;                 /* with a full ring */
    int          empty;
    int          recovering;
    int          healing;
    int          fenced;
    int          failed;
    int          locked;
} call_t;

#define CLOSED   FK_RECOVERING, FK_RECOVERING, FK_HEALING, FK_FENCED,        \
                 FK_FAILED, FK_LOCK_TIMEOUT
#define NOTHING  0, 0, 0, 0, 0, 0
#define ALWAYS(code)  code, code, code, code, code, code, code,              \
                      FK_LOCK_TIMEOUT

#define READS(name, open)  { #name, call_##name, open, open, CLOSED }
#define WRITES(name)  { #name, call_##name, FK_OK, FK_RING_FULL, CLOSED }
#define LISTS(name, n)  { #name, call_##name, n, n, NOTHING }

static const call_t  call_table[] = {
    WRITES(product_put),
    READS(product_get, FK_OK),
    READS(product_list, FK_OK),
    { "product_peek", call_product_peek, FK_OK, FK_OK, FK_RECOVERING,
      FK_RECOVERING, FK_HEALING, FK_FENCED, FK_FAILED, FK_OK },
    WRITES(level_put),
    READS(level_get, FK_OK),
    READS(level_list, FK_OK),
    READS(buyer_get, FK_OK),
    WRITES(buyer_put),
    WRITES(coupon_put),
    READS(coupon_get, FK_NOT_FOUND),
    READS(coupon_list, FK_OK),
    WRITES(import_begin),
    WRITES(import_add),
    WRITES(import_commit),
    WRITES(import_abort),
    WRITES(checkout), WRITES(checkout_balance), WRITES(credit),
    READS(order_get, FK_OK),
    READS(sale_cart, FK_OK),
    READS(sale_order, FK_NOT_FOUND),
    READS(order_by_idem, FK_NOT_FOUND),
    READS(order_cards, FK_OK),
    READS(order_payments, FK_OK),
    READS(order_list, FK_OK),
    WRITES(cancel),
    WRITES(order_start),
    READS(order_start_get, FK_OK),
    WRITES(pay),
    WRITES(decide),
    WRITES(refund),
    WRITES(refund_ask),
    WRITES(refund_back),
    WRITES(refund_part),
    READS(order_split, FK_OK),
    WRITES(account_put),
    READS(account_get, FK_OK),
    READS(sale_shares, FK_OK),
    READS(account_list, FK_OK),
    READS(account_entries, FK_OK),
    WRITES(withdrawal_request),
    WRITES(withdrawal_request_once),
    WRITES(withdrawal_decide),
    READS(withdrawal_list, FK_OK),
    WRITES(tick),
    { "flush_take", call_flush_take, FK_FLUSH_PROBE, FK_FLUSH_PROBE,
      FK_FLUSH_NOTHING, FK_FLUSH_NOTHING, FK_FLUSH_NOTHING,
      FK_FLUSH_NOTHING, FK_FLUSH_NOTHING, FK_FLUSH_OTHER },
    { "flush_done", call_flush_done, ALWAYS(FK_CONFLICT) },
    LISTS(flush_unknown, 0),
    LISTS(flush_break, 0),
    READS(flush_suspect, FK_OK),
    READS(flush_top, FK_CONFLICT),
    { "snapshot_begin", call_snapshot_begin, FK_CONFLICT, FK_CONFLICT,
      FK_RECOVERING, FK_RECOVERING, FK_CONFLICT, FK_FENCED, FK_FAILED,
      FK_LOCK_TIMEOUT },
    { "snapshot_step", call_snapshot_step, FK_CONFLICT, FK_CONFLICT,
      FK_RECOVERING, FK_RECOVERING, FK_CONFLICT, FK_FENCED, FK_FAILED,
      FK_LOCK_TIMEOUT },
    LISTS(snapshot_end, 0),
    LISTS(snapshot_break, 0),
    { "heal_end", call_heal_end, ALWAYS(FK_CONFLICT) },
    { "apply", call_apply, ALWAYS(FK_CONFLICT) },
    { "snapshot_load", call_snapshot_load, ALWAYS(FK_CONFLICT) },
    { "recover_renew", call_recover_renew, ALWAYS(FK_CONFLICT) },
    { "recover_fence", call_recover_fence, ALWAYS(FK_CONFLICT) },
    LISTS(recover_break, 0),
    { "recover_end", call_recover_end, ALWAYS(FK_CONFLICT) },
    LISTS(archive_list, 2),
    READS(archive_read, FK_OK),
    READS(archive_view, FK_OK),
    READS(archive_split, FK_OK),
    WRITES(archive_drop),
    LISTS(archive_mark, 1),
    WRITES(archive_restore),
    READS(audit_begin, FK_CONFLICT),
    READS(audit_step, FK_CONFLICT),
    LISTS(audit_products, 2),
    READS(audit_end, FK_CONFLICT),
};

#define CALLS  (sizeof(call_table) / sizeof(call_table[0]))


#endif /* FAKA_CALL_TABLE_H_INCLUDED_ */

/*
 * Every kind of transaction that the engine knows, as an operation on a shop
 * with some history.  Nearly all do one transaction at most, so that after a
 * death the shop must be as it was before or as it is after.
 */

#include "exhaust.h"


#define EX_RETENTION  60


static fk_env_t ex_env(const ex_shop_t *x);
static fk_code_t ex_put(ex_shop_t *x, int is_new);
static const fk_order_id_t *ex_order(const ex_shop_t *x);
static void ex_cart(ex_shop_t *x, const fk_env_t *env, fk_checkout_t *in);
static void ex_rules(ex_shop_t *x, const fk_env_t *env, fk_checkout_t *in);
static fk_code_t ex_decide(ex_shop_t *x, fk_event_t event);
static fk_code_t ex_pay(ex_shop_t *x, int64_t more);


static fk_env_t
ex_env(const ex_shop_t *x)
{
    return (fk_env_t) { .now_ms = x->book.now_ms };
}


uint64_t
ex_random(ex_shop_t *x)
{
    uint64_t  z;

    x->book.random += UINT64_C(0x9e3779b97f4a7c15);
    z = x->book.random;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}


static const fk_order_id_t *
ex_order(const ex_shop_t *x)
{
    static const fk_order_id_t  none;

    return x->book.order_count != 0
           ? &x->book.id[x->draw.a % x->book.order_count] : &none;
}


/* --- products ---------------------------------------------------------- */

static fk_code_t
ex_put(ex_shop_t *x, int is_new)
{
    int                created;
    uint64_t           seq;
    fk_env_t           env;
    const char        *field;
    fk_product_put_t   put;
    fk_product_view_t  view;

    memset(&put, 0, sizeof(put));
    put.sku = request_sku(is_new ? 5 : (uint32_t) (x->draw.a % EX_PRODUCTS));
    put.fields = FK_PUT_NAME | FK_PUT_PRICE | FK_PUT_KIND | FK_PUT_ON_SALE;
    put.name = put.sku;
    put.price = 100 + (int64_t) (x->draw.b % 900);
    put.on_sale = 1;
    put.kind = (uint8_t) (request_product_of((const char *) put.sku.data)
                          % FK_KIND_COUNT);
    memcpy(put.currency, "CNY", 4);

    if (put.kind == FK_KIND_COUNTED) {
        put.fields |= FK_PUT_STOCK;
        put.stock = x->draw.c % 3 == 0 ? 0 : (int64_t) (x->draw.c % 20);
    }

    if (x->draw.c % 2 == 0) {
        put.fields |= FK_PUT_TIERS | FK_PUT_BUYER_LIMIT;
        put.buyer_limit = x->draw.b % 3 == 0 ? 12 : 0;
        put.tier_count = (uint16_t) (x->draw.a % 3);
        put.tier[0] = (fk_tier_t) { 1 + (int64_t) (x->draw.b % 99), 2 };
        put.tier[1] = (fk_tier_t) { 1 + (int64_t) (x->draw.c % 99), 4 };
    }

    ex_merchant(x, &put);
    env = ex_env(x);
    return fk_product_put(&x->fk, &env, &put, &view, &created, &seq, &field);
}


static fk_code_t
ex_product(ex_shop_t *x)
{
    return ex_put(x, 0);
}


static fk_code_t
ex_product_new(ex_shop_t *x)
{
    return ex_put(x, 1);
}


/* --- imports ----------------------------------------------------------- */

static fk_code_t
ex_begin(ex_shop_t *x)
{
    fk_env_t   env;
    fk_code_t  rc;

    env = ex_env(x);
    rc = fk_import_begin(&x->fk, &env,
                         request_sku((uint32_t) (x->draw.a % EX_PRODUCTS)),
                         &x->book.batch);
    return rc == FK_BUSY_IMPORT ? FK_EXISTS : rc;
}


static fk_code_t
ex_add(ex_shop_t *x)
{
    uint32_t      i, n;
    uint8_t       sealed[FK_IMPORT_SLICE_MAX][256];
    uint8_t       results[FK_IMPORT_SLICE_MAX];
    fk_env_t      env;
    fk_card_in_t  cards[FK_IMPORT_SLICE_MAX];

    n = 1 + (uint32_t) (x->draw.a % 8);
    env = ex_env(x);

    for (i = 0; i < n; i++) {
        cards[i].size = (uint16_t) request_seal(x->book.card_count + 1 + i,
                                                sealed[i]);
        cards[i].sealed = sealed[i];
        cards[i].old_nonce = NULL;
    }

    return fk_import_add(&x->fk, &env, x->book.batch, cards, n, results);
}


static fk_code_t
ex_commit(ex_shop_t *x)
{
    uint32_t  accepted;
    uint64_t  seq;
    fk_env_t  env;

    env = ex_env(x);
    return fk_import_commit(&x->fk, &env, x->book.batch, &accepted, &seq);
}


static fk_code_t
ex_abort(ex_shop_t *x)
{
    fk_env_t  env;

    env = ex_env(x);
    return fk_import_abort(&x->fk, &env, x->book.batch);
}


/* Its process is dead: the next tick takes it apart. */

static fk_code_t
ex_import_break(ex_shop_t *x)
{
    uint32_t  slot;
    uint64_t  owner;

    slot = 0;
    owner = fk_import_owner(&x->fk, &slot);

    if (owner == 0) {
        return FK_NOT_FOUND;
    }

    fk_import_break(&x->fk, slot, owner);
    return FK_OK;
}


/* --- orders ------------------------------------------------------------ */

static fk_code_t
ex_checkout(ex_shop_t *x)
{
    fk_env_t         env;
    fk_checkout_t    in;
    fk_order_view_t  out;

    env = ex_env(x);
    ex_cart(x, &env, &in);

    return fk_checkout(&x->fk, &env, &in, &out);
}


static fk_code_t
ex_spend(ex_shop_t *x)
{
    fk_env_t       env;
    fk_checkout_t  in;

    env = ex_env(x);
    ex_cart(x, &env, &in);

    return ex_purchase(x, &env, &in);
}


static void
ex_cart(ex_shop_t *x, const fk_env_t *env, fk_checkout_t *in)
{
    uint8_t  random[10];

    memset(in, 0, sizeof(*in));
    memset(random, 0x5a, sizeof(random));
    fk_put(random, x->draw.b, 8);
    fk_order_id_make(&in->id, env->now_ms, random);
    in->sku = request_sku((uint32_t) (x->draw.a % EX_PRODUCTS));
    in->qty = x->draw.a % EX_PRODUCTS == FK_KIND_SHARED
              ? 1 : 1 + (uint32_t) (x->draw.c % 5);
    in->contact = (fk_str_t) { (const uint8_t *) "somebody@example.invalid, "
                               "who has a rather long address", 24 };
    in->contact.size += x->draw.c % 30;
    memcpy(in->channel, "epay", 5);
    in->hold_s = 1 + (uint32_t) (x->draw.b % 30);
    in->has_idem = 1;
    fk_put(in->idem, x->draw.b, 8);
    fk_put(in->idem + 8, x->draw.c, 8);
    ex_terms(x, (uint32_t) (x->draw.a % EX_PRODUCTS), in);
    ex_rules(x, env, in);
}


/* Every third has a price of its own, every fifth is to be looked at. */

static void
ex_rules(ex_shop_t *x, const fk_env_t *env, fk_checkout_t *in)
{
    if (x->draw.c % 3 == 0
        && terms_steps(&x->fk, env, (uint32_t) (x->draw.c % 99), in)
           == FK_OK)
    {
        in->step[FK_STEP_RULE] += (int64_t) (x->draw.c % 9);
        in->step[FK_STEP_COUPON] = in->step[FK_STEP_RULE];
        in->coupon.size = 0;
        in->priced = 1;
    }

    if (x->draw.c % 5 == 0) {
        in->review = 1;
        in->reason = in->contact;
        in->reason.size -= x->draw.c % 2 * in->reason.size;
    }
}


static fk_code_t
ex_cancel(ex_shop_t *x)
{
    fk_env_t         env;
    fk_order_view_t  out;

    env = ex_env(x);
    return fk_cancel(&x->fk, &env, ex_order(x), &out);
}


static fk_code_t
ex_pay(ex_shop_t *x, int64_t more)
{
    char             trade_no[32];
    fk_env_t         env;
    fk_pay_t         in;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    if (x->book.order_count == 0) {
        return FK_NOT_FOUND;
    }

    env = ex_env(x);
    memset(&in, 0, sizeof(in));
    (void) snprintf(trade_no, sizeof(trade_no), "trade-%" PRIu64,
                    x->draw.b % 100000);
    in.id = *ex_order(x);
    in.channel = (fk_str_t) { (const uint8_t *) "epay", 4 };
    in.trade_no = (fk_str_t) { (uint8_t *) trade_no, strlen(trade_no) };
    in.amount = x->book.amount[x->draw.a % x->book.order_count] + more;
    memcpy(in.currency, "CNY", 4);
    in.review = x->draw.c % 7 == 0;
    in.reason = (fk_str_t) { (const uint8_t *) "paid too soon", 13 };
    in.reason.size = in.review ? in.reason.size : 0;
    in.returned = x->draw.c % 11 == 0;
    ex_split(x, in.amount, &in.split);

    return fk_pay(&x->fk, &env, &in, &result, &out);
}


static fk_code_t
ex_pay_right(ex_shop_t *x)
{
    return ex_pay(x, 0);
}


static fk_code_t
ex_pay_wrong(ex_shop_t *x)
{
    return ex_pay(x, 1);
}


static fk_code_t
ex_decide(ex_shop_t *x, fk_event_t event)
{
    fk_env_t         env;
    fk_order_view_t  out;

    env = ex_env(x);
    return fk_decide(&x->fk, &env, ex_order(x), event, &out);
}


static fk_code_t
ex_deny(ex_shop_t *x)
{
    return ex_decide(x, FK_EVENT_DENY);
}


void
ex_make_wait(ex_shop_t *x)
{
    int                created;
    uint32_t           i;
    uint64_t           seq;
    fk_env_t           env;
    const char        *field;
    fk_order_view_t    view;
    fk_product_put_t   put;
    fk_product_view_t  product;

    env = ex_env(x);

    for (i = 0; i < x->book.order_count; i++) {
        if (fk_order_get(&x->fk, &x->book.id[i], &view) != FK_OK
            || view.status != FK_STATUS_EXPIRED
            || view.kind != FK_KIND_COUNTED)
        {
            continue;
        }

        memset(&put, 0, sizeof(put));
        put.sku = (fk_str_t) { (uint8_t *) view.sku, strlen(view.sku) };
        put.fields = FK_PUT_STOCK;
        x->draw.a = i;

        if (fk_product_put(&x->fk, &env, &put, &product, &created, &seq,
                           &field) == FK_OK)
        {
            (void) ex_pay_right(x);
        }

        return;
    }
}


static fk_code_t
ex_give_up(ex_shop_t *x)
{
    return ex_decide(x, FK_EVENT_GIVE_UP);
}


static fk_code_t
ex_refunded(ex_shop_t *x)
{
    return ex_decide(x, FK_EVENT_REFUNDED);
}


/* One step: what it is, the shop's history decides. */

static fk_code_t
ex_tick(ex_shop_t *x)
{
    fk_env_t   env;
    fk_code_t  rc;
    fk_tick_t  out;

    env = ex_env(x);
    rc = fk_tick(&x->fk, &env, 1, &out);
    return rc == FK_AGAIN ? FK_OK : rc;
}


/* --- the journal ------------------------------------------------------- */

static fk_code_t
ex_take(ex_shop_t *x)
{
    fk_batch_t  batch;
    fk_flush_t  work;

    work = fk_flush_take(&x->fk, EX_OWNER, x->book.now_ms, &batch);

    if (work == FK_FLUSH_SEND) {
        x->book.last_seq = batch.last_seq;
    }

    return work == FK_FLUSH_SEND || work == FK_FLUSH_PROBE ? FK_OK
                                                           : FK_CONFLICT;
}


static fk_code_t
ex_done(ex_shop_t *x)
{
    return fk_flush_done(&x->fk, EX_OWNER, x->book.last_seq);
}


static fk_code_t
ex_unknown(ex_shop_t *x)
{
    fk_flush_unknown(&x->fk, EX_OWNER);
    return FK_OK;
}


static fk_code_t
ex_suspect(ex_shop_t *x)
{
    return fk_flush_suspect(&x->fk);
}


/* Between what is known to be durable and what may be. */

static fk_code_t
ex_top(ex_shop_t *x)
{
    uint64_t  low, high;

    low = fk_durable_seq(&x->fk);
    high = x->fk.region->ring.sent_seq;

    return fk_flush_top(&x->fk, EX_OWNER, x->fk.region->ring.epoch,
                        low + x->draw.a % (high - low + 1));
}


static fk_code_t
ex_break(ex_shop_t *x)
{
    fk_flush_break(&x->fk, EX_OWNER);
    return FK_OK;
}


/* --- audit, snapshot, archive ------------------------------------------ */

static fk_code_t
ex_audit_begin(ex_shop_t *x)
{
    fk_env_t   env;
    fk_code_t  rc;

    env = ex_env(x);
    rc = fk_audit_begin(&x->fk, &env, EX_OWNER);
    return rc == FK_AGAIN ? FK_OK : rc;
}


static fk_code_t
ex_audit_step(ex_shop_t *x)
{
    fk_env_t   env;
    fk_code_t  rc;

    env = ex_env(x);
    rc = fk_audit_step(&x->fk, &env, EX_OWNER,
                       1 + (uint32_t) (x->draw.a % 64));
    return rc == FK_AGAIN ? FK_OK : rc;
}


static fk_code_t
ex_snapshot_begin(ex_shop_t *x)
{
    fk_env_t       env;
    fk_snapshot_t  out;

    env = ex_env(x);
    return fk_snapshot_begin(&x->fk, &env, EX_OWNER, x->book.now_ms, &out);
}


static fk_code_t
ex_snapshot_step(ex_shop_t *x)
{
    size_t         size;
    fk_env_t       env;
    fk_code_t      rc;
    fk_snapshot_t  out;

    env = ex_env(x);
    rc = fk_snapshot_step(&x->fk, &env, EX_OWNER, x->book.now_ms, x->part,
                          EX_PART_SIZE, &size, &out);
    return rc == FK_AGAIN ? FK_OK : rc;
}


static fk_code_t
ex_snapshot_end(ex_shop_t *x)
{
    fk_snapshot_end(&x->fk, EX_OWNER);
    return FK_OK;
}


static fk_code_t
ex_drop(ex_shop_t *x)
{
    fk_env_t  env;

    if (x->book.archive_size == 0) {
        return FK_NOT_FOUND;
    }

    env = ex_env(x);
    return fk_archive_drop(&x->fk, &env, &x->book.archive_id,
                           x->book.archive_seq);
}


static fk_code_t
ex_restore(ex_shop_t *x)
{
    fk_env_t         env;
    fk_order_view_t  out;

    if (x->book.archive_size == 0) {
        return FK_NOT_FOUND;
    }

    env = ex_env(x);
    return fk_archive_restore(&x->fk, &env, x->archive, x->book.archive_size,
                              fk_archive_mark(&x->fk, &x->book.archive_id),
                              &out);
}


/* Reads only: chooses the order that the next drop is about. */

static fk_code_t
ex_archive(ex_shop_t *x)
{
    size_t           size;
    uint32_t         n;
    fk_env_t         env;
    fk_order_id_t    id;
    fk_order_view_t  view;

    env = ex_env(x);
    n = fk_archive_list(&x->fk, &env, EX_RETENTION, &x->book.archive_cursor,
                        &id, 1);

    if (n == 0 || fk_archive_read(&x->fk, &id, &view, x->archive,
                                  FK_ARCHIVE_SIZE_MAX, &size) != FK_OK)
    {
        return FK_NOT_FOUND;
    }

    x->book.archive_id = id;
    x->book.archive_seq = view.seq;
    x->book.archive_size = size;
    return FK_OK;
}


static fk_code_t
ex_later(ex_shop_t *x)
{
    x->book.now_ms += (int64_t) (x->draw.a % 8000);

    /* Now and then so long that what is finished may leave. */
    if (x->draw.b % 4 == 0) {
        x->book.now_ms += (EX_RETENTION + 40) * 1000;
    }

    if (x->draw.b % 16 == 0) {
        x->book.now_ms += FK_SETTLE_UNIT_S * 1000;
    }

    return FK_OK;
}


const ex_op_t  ex_ops[EX_OP_COUNT] = {
    { "product, changed", ex_product, EX_REPEATS, EX_ANY },
    { "product, new", ex_product_new, EX_REPEATS, EX_ANY },
    { "import, begin", ex_begin, EX_REPEATS, EX_ANY },
    { "import, add", ex_add, EX_REPEATS, EX_ANY },
    { "import, commit", ex_commit, EX_REPEATS, EX_ANY },
    { "import, abort", ex_abort, EX_REPEATS, EX_ANY },
    { "checkout", ex_checkout, EX_REPEATS, EX_ANY },
    { "cancel", ex_cancel, EX_REPEATS, FK_STATUS_AWAITING_PAYMENT },
    { "pay", ex_pay_right, EX_REPEATS, EX_ANY },
    { "pay a wrong sum", ex_pay_wrong, EX_REPEATS, EX_ANY },
    { "approve", ex_approve, EX_REPEATS, FK_STATUS_UNDER_REVIEW },
    { "deny", ex_deny, EX_REPEATS, FK_STATUS_UNDER_REVIEW },
    { "give up", ex_give_up, EX_REPEATS,
      FK_STATUS_WAITING_FOR_STOCK },
    { "refunded", ex_refunded, EX_REPEATS, FK_STATUS_REFUND_DUE },
    { "tick", ex_tick, EX_STEP, EX_ANY },
    { "flush, take", ex_take, EX_STEP, EX_ANY },
    { "flush, done", ex_done, EX_REPEATS, EX_ANY },
    { "flush, unknown", ex_unknown, EX_REPEATS, EX_ANY },
    { "flush, suspect", ex_suspect, EX_STEP, EX_ANY },
    { "flush, top", ex_top, EX_REPEATS, EX_ANY },
    { "flush, break", ex_break, EX_REPEATS, EX_ANY },
    { "audit, begin", ex_audit_begin, EX_READS, EX_ANY },
    { "audit, step", ex_audit_step, EX_SEVERAL, EX_ANY },
    { "snapshot, begin", ex_snapshot_begin, EX_STEP, EX_ANY },
    { "snapshot, step", ex_snapshot_step, EX_STEP, EX_ANY },
    { "snapshot, end", ex_snapshot_end, EX_REPEATS, EX_ANY },
    { "archive, drop", ex_drop, EX_REPEATS, EX_ANY },
    { "archive, restore", ex_restore, EX_REPEATS, EX_ANY },
    { "archive, read", ex_archive, EX_READS, EX_ANY },
    { "later", ex_later, EX_READS, EX_ANY },
    { "checkout again", ex_checkout, EX_REPEATS, EX_ANY },
    { "pay late", ex_pay_right, EX_REPEATS, FK_STATUS_EXPIRED },
    { "refund", ex_refund, EX_REPEATS, FK_STATUS_REFUND_DUE },
    { "import, break", ex_import_break, EX_REPEATS, EX_ANY },
    { "level", ex_level, EX_REPEATS, EX_ANY },
    { "buyer's level", ex_buyer, EX_REPEATS, EX_ANY },
    { "coupon", ex_coupon, EX_REPEATS, EX_ANY },
    { "account", ex_account, EX_REPEATS, EX_ANY },
    { "part back", ex_part, EX_REPEATS, FK_STATUS_DELIVERED },
    { "withdrawal", ex_withdraw, EX_STEP, EX_ANY },
    { "withdrawal, decided", ex_payout, EX_REPEATS, EX_ANY },
    { "commission afterwards", ex_commission, EX_REPEATS, EX_ANY },
    { "withdrawal, once", ex_withdraw_once, EX_REPEATS, EX_ANY },
    { "start", ex_start, EX_REPEATS, FK_STATUS_AWAITING_PAYMENT },
    { "refund, ask", ex_refund_ask, EX_REPEATS, FK_STATUS_REFUND_DUE },
    { "refund, back", ex_refund_back, EX_REPEATS, FK_STATUS_REFUND_DUE },
    { "revoke", ex_revoke, EX_REPEATS, FK_STATUS_DELIVERED },
    { "credit", ex_credit, EX_REPEATS, EX_ANY },
    { "checkout from a balance", ex_spend, EX_REPEATS, EX_ANY },
};


void
ex_book(ex_shop_t *x, unsigned op)
{
    fk_order_id_t    id;
    fk_order_view_t  view;
    uint8_t          idem[FK_IDEM_SIZE], body[8];

    if (ex_ops[op].run == ex_add) {
        x->book.card_count += 8;
    }

    if ((ex_ops[op].run != ex_checkout && ex_ops[op].run != ex_spend)
        || x->code != FK_OK
        || x->book.order_count == EX_ORDERS_MAX)
    {
        return;
    }

    memset(body, 0, sizeof(body));
    fk_put(idem, x->draw.b, 8);
    fk_put(idem + 8, x->draw.c, 8);

    if (fk_order_by_idem(&x->fk, idem, body, &view) == FK_EXISTS) {
        id = view.id;
        x->book.id[x->book.order_count] = id;
        x->book.amount[x->book.order_count++] = view.amount;
    }
}

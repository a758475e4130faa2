/*
 * Checkout and cancel: how an order begins, and how its buyer ends it.
 *
 * Checkout is the hot path of a flash sale.  It is a ladder of checks, the
 * request's own faults first and without the lock, then under the lock state,
 * idempotency, product, window, quantity, stock, what the buyer is to get
 * (fk_deal.c), room; and then one transaction of some fifteen stores, and a
 * few more for a buyer who is counted.  An order that costs nothing, or that
 * an account pays from its balance, is paid in the same transaction.
 */

#include "fk_tally.h"


static int fk_checkout_valid(const fk_checkout_t *in);
static void fk_checkout_prefetch(const fk_t *fk, const fk_env_t *env,
    const fk_checkout_t *in);
static fk_code_t fk_checkout_ladder(fk_t *fk, const fk_env_t *env,
    const fk_checkout_t *in, uint32_t *product, uint32_t *order,
    fk_deal_t *deal);
static uint32_t fk_checkout_make(fk_t *fk, const fk_env_t *env,
    const fk_checkout_t *in, uint32_t product, const fk_deal_t *deal);
static void fk_checkout_hold(fk_t *fk, uint32_t order);
static void fk_checkout_settle(fk_t *fk, const fk_env_t *env, uint32_t order,
    const fk_deal_t *deal);


fk_code_t
fk_checkout(fk_t *fk, const fk_env_t *env, const fk_checkout_t *in,
    fk_order_view_t *out)
{
    uint8_t    taken[FK_TALLY_COUNT];
    uint32_t   product, order, kind;
    fk_code_t  code;
    fk_deal_t  deal;

    if (!fk_checkout_valid(in)) {
        return FK_INVALID;
    }

    fk_checkout_prefetch(fk, env, in);
    fk_deal_begin(fk, in, &deal);

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    code = fk_checkout_ladder(fk, env, in, &product, &order, &deal);

    if (code == FK_OK) {
        fk_deal_take(fk, in, &deal, taken);
        order = fk_checkout_make(fk, env, in, product, &deal);
        fk_checkout_hold(fk, order);

        fk_record_begin(fk, env);

        /* What the order's image points at stands before it. */
        for (kind = 0; kind < FK_TALLY_COUNT; kind++) {
            if (taken[kind]) {
                fk_record_tally(fk, deal.tally[kind]);
            }
        }

        if (deal.payer != 0 || FK_ORDER(fk, order)->amount == 0) {
            fk_checkout_settle(fk, env, order, &deal);

        } else {
            fk_record_order(fk, order);
        }

        (void) fk_record_end(fk);
        fk_commit(fk);
    }

    if (code == FK_OK || code == FK_EXISTS) {
        fk_order_fill(fk, order, out);
    }

    fk_unlock(fk);
    return code;
}


static int
fk_checkout_valid(const fk_checkout_t *in)
{
    return in->qty >= 1 && in->qty <= FK_QTY_MAX
           && in->contact.size >= 1 && in->contact.size <= FK_CONTACT_SIZE_MAX
           && in->channel[0] != '\0'
           && memchr(in->channel, '\0', sizeof(in->channel)) != NULL
           && memchr(in->free_channel, '\0', sizeof(in->free_channel)) != NULL
           && in->way < FK_WAY_COUNT
           && in->hold_s >= 1 && in->hold_s <= FK_HOLD_S_MAX
           && in->review <= 1 && in->reason.size <= FK_REASON_SIZE_MAX
           && in->has_buyer <= 1 && in->has_quota <= in->has_buyer
           && (!in->priced || fk_steps_good(in->step));
}


/*
 * The lines that nothing else brings into the cache: fetched before the lock,
 * so that nobody waits for them while it is held.
 */
static void
fk_checkout_prefetch(const fk_t *fk, const fk_env_t *env,
    const fk_checkout_t *in)
{
    __builtin_prefetch(fk_order_bucket(fk, in->id.bytes), 1);
    __builtin_prefetch(fk_wheel_slot(fk, fk_now_s(env) + in->hold_s), 1);

    if (in->has_idem) {
        __builtin_prefetch(fk_idem_bucket(fk, in->idem), 1);
    }
}


/* FK_OK with *product, FK_EXISTS with *order, or the first reason not to. */
static fk_code_t
fk_checkout_ladder(fk_t *fk, const fk_env_t *env, const fk_checkout_t *in,
    uint32_t *product, uint32_t *order, fk_deal_t *deal)
{
    fk_code_t                code;
    const char              *why;
    const fk_product_rec_t  *p;

    *product = 0;
    *order = in->has_idem ? fk_idem_find(fk, in->idem) : 0;

    if (*order != 0) {
        return memcmp(FK_ORDER(fk, *order)->body, in->body, sizeof(in->body))
               == 0 ? FK_EXISTS : FK_IDEM_MISMATCH;
    }

    /* An id that is not fresh comes from a broken source of randomness. */
    if (fk_order_find(fk, in->id.bytes) != 0
        || (in->way == FK_WAY_BALANCE
            && fk_pay_used(fk, in->channel, &in->id)))
    {
        return FK_INVALID;
    }

    *product = fk_product_find(fk, in->sku);
    if (*product == 0) {
        return FK_NOT_FOUND;
    }

    p = FK_PRODUCT(fk, *product);

    if (!fk_product_open(p, env->now_ms)) {
        return FK_NOT_ON_SALE;
    }

    if (in->qty > p->qty_max) {
        return FK_LIMIT;
    }

    if (fk_product_sellable(p) < (int64_t) in->qty) {
        return FK_SOLD_OUT;
    }

    code = fk_deal_judge(fk, env, in, *product, deal, &why);

    if ((code == FK_COUPON || code == FK_CHANNEL) && in->why != NULL) {
        *in->why = why;
    }

    if (code != FK_OK) {
        return code;
    }

    if (in->agent.size != 0 && fk_agent_for(fk, in->agent, p->currency) == 0)
    {
        return FK_AGENT;
    }

    if (fk_table_room(fk, FK_TABLE_ORDERS) == 0
        || fk_table_room(fk, FK_TABLE_BLOCKS)
           < FK_BLOCKS_FOR(in->contact.size)
             + fk_note_blocks(deal->step, in->reason.size)
             + (deal->payer != 0) * FK_BLOCKS_FOR(FK_ORDER_TEXT_SIZE))
    {
        return FK_TABLE_FULL;
    }

    code = fk_deal_room(fk, env, deal);
    if (code != FK_OK) {
        return code;
    }

    /* If it is paid, too, the buyer's tally once more. */
    return fk_record_room(fk, FK_IMAGE_ORDER_SIZE(in->qty)
                              + FK_IMAGE_TALLIES_SIZE + FK_IMAGE_TALLY_SIZE
                              + (deal->payer != 0)
                                * (FK_IMAGE_PAYMENT_SIZE
                                   + FK_IMAGE_SPLIT_SIZE))
           ? FK_OK : FK_RING_FULL;
}


/*
 * The order's own record, by plain stores: until an index leads to the slot,
 * nobody sees it.  Only the used mark is noted, as the slot may be one that
 * was freed, where a mark left by a rollback would be believed.
 */
static uint32_t
fk_checkout_make(fk_t *fk, const fk_env_t *env, const fk_checkout_t *in,
    uint32_t product, const fk_deal_t *deal)
{
    uint32_t         order;
    fk_order_rec_t  *o;

    order = fk_slot_take(fk, FK_TABLE_ORDERS);
    o = FK_ORDER(fk, order);

    memcpy(o->id, in->id.bytes, FK_ORDER_ID_SIZE);
    o->seq = 0;
    o->amount = deal->step[FK_STEP_COUPON];
    o->created_ms = env->now_ms;
    o->expires_s = fk_now_s(env) + in->hold_s;
    o->paid_s = 0;
    o->product = product;
    o->qty = in->qty;
    o->first_card = 0;
    o->payment = 0;
    memcpy(o->tally, deal->tally, sizeof(o->tally));
    o->coupon = deal->coupon;
    o->agent = in->agent.size == 0 ? 0
               : fk_agent_for(fk, in->agent,
                              FK_PRODUCT(fk, product)->currency);
    o->split = 0;
    o->flagged = 0;
    o->rules = in->rules;
    o->review = in->review;
    o->has_idem = in->has_idem ? 1 : 0;
    o->contact_size = (uint8_t) in->contact.size;
    o->queued = FK_QUEUED_NO;
    o->axis_payment = FK_PAYMENT_UNPAID;
    o->axis_stock = FK_STOCK_HELD;
    o->axis_delivery = FK_DELIVERY_NONE;
    o->cancelled = 0;
    memset(o->channel, 0, sizeof(o->channel));
    memcpy(o->channel, deal->channel, strlen(deal->channel));
    memcpy(o->idem, in->idem, FK_IDEM_SIZE);
    memcpy(o->body, in->body, sizeof(o->body));
    o->pad = 0;
    o->contact = fk_blob_make(fk, in->contact.data,
                              (uint32_t) in->contact.size);
    o->steps = fk_note_steps(fk, deal->step);
    o->reason_size = (uint8_t) in->reason.size;
    o->reason = in->reason.size == 0 ? 0
                : fk_blob_make(fk, in->reason.data,
                               (uint32_t) in->reason.size);
    o->start = 0;
    o->start_size = 0;
    memset(o->pad2, 0, sizeof(o->pad2));

    FK_SET(fk, o->used, 1);

    return order;
}


/* The units, the indexes and the wheel. */
static void
fk_checkout_hold(fk_t *fk, uint32_t order)
{
    fk_axes_t          axes;
    fk_units_t         none, held;
    fk_order_rec_t    *o;
    fk_product_rec_t  *p;

    o = FK_ORDER(fk, order);
    p = FK_PRODUCT(fk, o->product);
    assert(o->amount >= 0 && o->amount <= FK_AMOUNT_MAX);

    switch (p->kind) {

    case FK_KIND_CARD:
        o->first_card = fk_cards_take(fk, order);
        break;

    case FK_KIND_SHARED:
        o->first_card = p->pool_tail;
        break;
    }

    if (p->kind != FK_KIND_SHARED) {
        FK_SET(fk, p->available, p->available - o->qty);
    }

    FK_SET(fk, p->held, p->held + o->qty);
    FK_SET(fk, p->orders_count, p->orders_count + 1);

    /* Last: what leads to the order makes its plain stores count. */
    fk_wheel_insert(fk, order);
    fk_chain_insert(fk, fk_order_bucket(fk, o->id), &o->hnext, order);

    if (o->has_idem) {
        fk_chain_insert(fk, fk_idem_bucket(fk, o->idem), &o->idem_hnext,
                        order);
    }

    none = fk_order_units(0, FK_STOCK_RELEASED);
    held = fk_order_units(o->qty, FK_STOCK_HELD);
    fk_audit_order(fk, order, &none, &held, 1);
    axes = fk_order_axes(o);
    fk_tally_book(fk, order, NULL, &axes);
}


/* Paid by being made.  What it holds it has: nothing can come between. */
static void
fk_checkout_settle(fk_t *fk, const fk_env_t *env, uint32_t order,
    const fk_deal_t *deal)
{
    uint32_t         payment;
    fk_axes_t        now, next;
    fk_code_t        code;
    fk_order_rec_t  *o;

    o = FK_ORDER(fk, order);
    now = fk_order_axes(o);
    code = fk_next_state(&now, o->review ? FK_EVENT_PAY_REVIEW : FK_EVENT_PAY,
                         0, &next);
    assert(code == FK_OK);
    (void) code;

    payment = deal->payer != 0 ? fk_pay_made(fk, env, order) : 0;

    FK_SET(fk, o->paid_s, fk_now_s(env));
    fk_tally_paid(fk, env, o);
    fk_order_move(fk, order, &next);
    fk_record_order(fk, order);

    if (payment != 0) {
        fk_record_split(fk, fk_split_make(fk, env, order, &deal->plan,
                                          o->amount));
        fk_record_payment(fk, payment);
    }
}


fk_code_t
fk_cancel(fk_t *fk, const fk_env_t *env, const fk_order_id_t *id,
    fk_order_view_t *out)
{
    uint32_t         order;
    fk_axes_t        now, next;
    fk_code_t        code;
    fk_order_rec_t  *o;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    order = fk_order_find(fk, id->bytes);

    if (order == 0) {
        fk_unlock(fk);
        return FK_NOT_FOUND;
    }

    o = FK_ORDER(fk, order);
    now = fk_order_axes(o);
    code = fk_next_state(&now, FK_EVENT_CANCEL, 0, &next);

    if (code == FK_OK && !fk_record_room(fk, FK_IMAGE_ORDER_SIZE(o->qty))) {
        code = FK_RING_FULL;
    }

    if (code == FK_OK) {
        fk_order_change(fk, env, order, &next);
        fk_order_fill(fk, order, out);
    }

    fk_unlock(fk);
    return code;
}

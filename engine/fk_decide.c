/*
 * A person's decision about money that a rule cannot decide; for one payment
 * that goes back see fk_refund.c, for parts of one fk_ledger.c.
 *
 * A decision turns all payments of an order in one record.  Approving one
 * that was not paid yet makes it paid, and then its money is split as it is
 * with a payment.
 */

#include "fk_tally.h"


/* Bit sets of payment states, for fk_payments_turn(). */
#define APPLIED     (1u << FK_PAYMENT_STATE_APPLIED)
#define REVIEW      (1u << FK_PAYMENT_STATE_REVIEW)

/* What a decision makes of the order's payments; from 0: no decision. */
typedef struct {
    uint8_t  from;
    uint8_t  to;
    uint8_t  revokes;                  /* 1: what paid it is marked so */
} fk_turn_t;

static const fk_turn_t  fk_turns[FK_EVENT_COUNT] = {
    [FK_EVENT_APPROVE] = { REVIEW, FK_PAYMENT_STATE_APPLIED, 0 },
    [FK_EVENT_DENY] = { REVIEW | APPLIED, FK_PAYMENT_STATE_REFUND_DUE, 0 },
    [FK_EVENT_GIVE_UP] = { REVIEW | APPLIED, FK_PAYMENT_STATE_REFUND_DUE, 0 },
    [FK_EVENT_REFUNDED] = { FK_OWED_BITS, FK_PAYMENT_STATE_REFUNDED, 0 },
    [FK_EVENT_REVOKE] = { REVIEW | APPLIED, FK_PAYMENT_STATE_REFUND_DUE, 1 },
};


/* The order has its money, and this came besides: it is owed, as money is
 * that comes second. */
static const fk_turn_t  fk_turn_besides = {
    REVIEW, FK_PAYMENT_STATE_REFUND_DUE, 0
};


static fk_code_t fk_decide_locked(fk_t *fk, const fk_env_t *env,
    uint32_t order, fk_event_t event, const fk_split_t *split);
static fk_code_t fk_decide_next(const fk_t *fk, const fk_order_rec_t *o,
    fk_event_t event, const fk_turn_t *turn, fk_axes_t *next);
static void fk_payments_turn(fk_t *fk, const fk_order_rec_t *o,
    const fk_turn_t *turn);


fk_code_t
fk_decide(fk_t *fk, const fk_env_t *env, const fk_order_id_t *id,
    fk_event_t event, fk_order_view_t *out)
{
    uint32_t   order;
    fk_code_t  code;

    if ((unsigned) event >= FK_EVENT_COUNT || fk_turns[event].from == 0) {
        return FK_INVALID;
    }

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    order = fk_order_find(fk, id->bytes);
    code = order == 0 ? FK_NOT_FOUND
           : fk_decide_locked(fk, env, order, event, NULL);

    if (code == FK_OK) {
        fk_order_fill(fk, order, out);
    }

    fk_unlock(fk);
    return code;
}


fk_code_t
fk_approve(fk_t *fk, const fk_env_t *env, const fk_order_id_t *id,
    const fk_split_t *split, fk_order_view_t *out)
{
    uint32_t   order;
    fk_code_t  code;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    order = fk_order_find(fk, id->bytes);
    code = order == 0 ? FK_NOT_FOUND
           : fk_decide_locked(fk, env, order, FK_EVENT_APPROVE, split);

    if (code == FK_OK) {
        fk_order_fill(fk, order, out);
        out->seq = fk->region->ring.seq;
    }

    fk_unlock(fk);
    return code;
}


static fk_code_t
fk_decide_locked(fk_t *fk, const fk_env_t *env, uint32_t order,
    fk_event_t event, const fk_split_t *split)
{
    int               pays;
    size_t            size;
    int64_t           paid;
    fk_axes_t         now, next;
    fk_code_t         code;
    fk_order_rec_t   *o;
    fk_split_plan_t   plan;
    const fk_turn_t  *turn;

    o = FK_ORDER(fk, order);
    now = fk_order_axes(o);
    turn = event == FK_EVENT_APPROVE && now.payment == FK_PAYMENT_PAID
           ? &fk_turn_besides : &fk_turns[event];

    code = fk_decide_next(fk, o, event, turn, &next);
    if (code != FK_OK) {
        return code;
    }

    /* Approved with a wrong sum: that is when it counts as paid. */
    pays = now.payment == FK_PAYMENT_UNPAID
           && next.payment == FK_PAYMENT_PAID;
    paid = fk_payments_amount(fk, o, turn->from | FK_APPLIED_BIT);

    code = fk_split_plan(fk, order, pays ? split : NULL, paid, &plan);
    if (code != FK_OK) {
        return code;
    }

    /* All of them in one record: bounded by FK_ORDER_PAYMENTS_MAX. */
    size = FK_IMAGE_ORDER_SIZE(o->qty) + FK_IMAGE_TALLY_SIZE
           + fk_payments_count(fk, o, turn->from) * FK_IMAGE_PAYMENT_SIZE
           + (plan.count != 0) * FK_IMAGE_SPLIT_SIZE
           + turn->revokes * FK_IMAGE_PRODUCT_SIZE;

    if (turn->to == FK_PAYMENT_STATE_APPLIED
        && !fk_tally_room(fk, o, FK_ORDER_PAYMENTS_MAX * FK_AMOUNT_MAX))
    {
        return FK_TABLE_FULL;
    }

    if (!fk_record_room(fk, size)) {
        return FK_RING_FULL;
    }

    fk_record_begin(fk, env);

    if (pays) {
        FK_SET(fk, o->paid_s, fk_now_s(env));
        fk_tally_paid(fk, env, o);
    }

    if (pays && split != NULL && split->flagged) {
        FK_SET(fk, o->flagged, 1);
    }

    fk_order_move(fk, order, &next);
    fk_record_order(fk, order);
    fk_payments_turn(fk, o, turn);

    /* What is void is the product's to know. */
    if (turn->revokes) {
        fk_record_product(fk, o->product);
    }

    if (plan.count != 0) {
        fk_record_split(fk, fk_split_make(fk, env, order, &plan, paid));
    }

    (void) fk_record_end(fk);
    fk_commit(fk);

    return FK_OK;
}


static fk_code_t
fk_decide_next(const fk_t *fk, const fk_order_rec_t *o, fk_event_t event,
    const fk_turn_t *turn, fk_axes_t *next)
{
    fk_axes_t  now;
    fk_code_t  code;

    now = fk_order_axes(o);

    code = fk_next_state(&now, event, fk_order_stock_left(fk, o), next);
    if (code != FK_OK) {
        return code;
    }

    /* Nobody has paid for it: then nothing is owed. */
    if (next->payment == FK_PAYMENT_REFUNDING
        && fk_payments_count(fk, o, turn->from | FK_OWED_BITS) == 0)
    {
        now = *next;
        code = fk_next_state(&now, FK_EVENT_REFUNDED, 0, next);
        assert(code == FK_OK);
    }

    return code;
}


static void
fk_payments_turn(fk_t *fk, const fk_order_rec_t *o, const fk_turn_t *turn)
{
    uint32_t           index;
    fk_payment_rec_t  *p;

    for (index = o->payment; index != 0; index = p->next) {
        p = FK_PAYMENT(fk, index);

        /* The rest stays: extra money of a delivered order is still owed. */
        if (turn->from >> p->state & 1u) {
            if (turn->revokes && p->state == FK_PAYMENT_STATE_APPLIED) {
                FK_SET(fk, p->revoked, 1);
            }

            fk_audit_payment(fk, index, p->state, turn->to);
            fk_tally_payment(fk, index, p->state, turn->to);
            FK_SET(fk, p->state, turn->to);
            fk_record_payment(fk, index);
        }
    }
}

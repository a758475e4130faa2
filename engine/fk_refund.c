/*
 * One payment that goes back to its buyer: asked for, refused, given.
 *
 * The three are steps of a row, and each may be said twice.  The order moves
 * with the last of them: until then the shop has the money.
 */

#include "fk_priv.h"


static fk_code_t fk_refund_step(fk_t *fk, const fk_env_t *env,
    const fk_order_id_t *id, fk_str_t trade_no, fk_payment_state_t to,
    fk_order_view_t *out);
static uint32_t fk_payment_of(const fk_t *fk, uint32_t order,
    fk_str_t trade_no);
static fk_code_t fk_refund_locked(fk_t *fk, const fk_env_t *env,
    uint32_t order, uint32_t payment, fk_payment_state_t to,
    fk_order_view_t *out);


/* By the state that is asked for: from which ones it is reached. */
static const unsigned  fk_refund_from[FK_PAYMENT_STATE_COUNT] = {
    [FK_PAYMENT_STATE_ASKED] = 1u << FK_PAYMENT_STATE_REFUND_DUE,
    [FK_PAYMENT_STATE_REFUND_DUE] = 1u << FK_PAYMENT_STATE_ASKED,
    [FK_PAYMENT_STATE_REFUNDED] = FK_OWED_BITS
};


fk_code_t
fk_refund(fk_t *fk, const fk_env_t *env, const fk_order_id_t *id,
    fk_str_t trade_no, fk_order_view_t *out)
{
    return fk_refund_step(fk, env, id, trade_no, FK_PAYMENT_STATE_REFUNDED,
                          out);
}


fk_code_t
fk_refund_ask(fk_t *fk, const fk_env_t *env, const fk_order_id_t *id,
    fk_str_t trade_no, fk_order_view_t *out)
{
    return fk_refund_step(fk, env, id, trade_no, FK_PAYMENT_STATE_ASKED,
                          out);
}


fk_code_t
fk_refund_back(fk_t *fk, const fk_env_t *env, const fk_order_id_t *id,
    fk_str_t trade_no, fk_order_view_t *out)
{
    return fk_refund_step(fk, env, id, trade_no, FK_PAYMENT_STATE_REFUND_DUE,
                          out);
}


static fk_code_t
fk_refund_step(fk_t *fk, const fk_env_t *env, const fk_order_id_t *id,
    fk_str_t trade_no, fk_payment_state_t to, fk_order_view_t *out)
{
    uint32_t   order, payment;
    fk_code_t  code;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    order = fk_order_find(fk, id->bytes);
    payment = order != 0 ? fk_payment_of(fk, order, trade_no) : 0;

    code = payment == 0 ? FK_NOT_FOUND
           : fk_refund_locked(fk, env, order, payment, to, out);

    fk_unlock(fk);
    return code;
}


/* A trade number is a channel's own: it must be this order's as well. */

static uint32_t
fk_payment_of(const fk_t *fk, uint32_t order, fk_str_t trade_no)
{
    uint32_t               payment;
    uint64_t               hash;
    const fk_order_rec_t  *o;

    if (trade_no.size > FK_TRADE_NO_SIZE_MAX) {
        return 0;
    }

    o = FK_ORDER(fk, order);
    hash = fk_trade_hash(o->channel, trade_no.data, trade_no.size);
    payment = fk_trade_find(fk, o->channel, hash, trade_no.data,
                            trade_no.size);

    return payment != 0 && FK_PAYMENT(fk, payment)->order == order ? payment
                                                                   : 0;
}


static fk_code_t
fk_refund_locked(fk_t *fk, const fk_env_t *env, uint32_t order,
    uint32_t payment, fk_payment_state_t to, fk_order_view_t *out)
{
    uint64_t           seq;
    fk_axes_t          now, next;
    fk_order_rec_t    *o;
    fk_payment_rec_t  *p;

    o = FK_ORDER(fk, order);
    p = FK_PAYMENT(fk, payment);

    if (p->state == to) {
        fk_order_fill(fk, order, out);
        out->seq = p->seq > o->seq ? p->seq : o->seq;
        return FK_EXISTS;
    }

    if (!(fk_refund_from[to] >> p->state & 1u)) {
        return FK_CONFLICT;
    }

    if (!fk_record_room(fk, FK_IMAGE_ORDER_SIZE(o->qty)
                            + FK_IMAGE_PAYMENT_SIZE))
    {
        return FK_RING_FULL;
    }

    fk_record_begin(fk, env);

    fk_audit_payment(fk, payment, p->state, to);
    FK_SET(fk, p->state, to);

    /* One that is asked for is owed still, so that only the last of all that
     * was given back moves its order; and only one that owes by itself: not
     * the order of extra money. */
    now = fk_order_axes(o);

    if (fk_payments_count(fk, o, FK_OWED_BITS) == 0
        && fk_next_state(&now, FK_EVENT_REFUNDED, 0, &next) == FK_OK)
    {
        fk_order_move(fk, order, &next);
        fk_record_order(fk, order);
    }

    fk_record_payment(fk, payment);
    seq = fk_record_end(fk);
    fk_commit(fk);

    fk_order_fill(fk, order, out);
    out->seq = seq;

    return FK_OK;
}


/* The parts are their order's, and no payment's: so they are taken off those
 * that paid it, the oldest first. */

int64_t
fk_payment_parts(const fk_t *fk, const fk_payment_rec_t *p)
{
    int64_t                  left, part;
    uint32_t                 index, steps;
    const fk_order_rec_t    *o;
    const fk_payment_rec_t  *one;

    o = FK_ORDER(fk, p->order);

    if (!p->revoked || o->split == 0) {
        return 0;
    }

    left = FK_SPLIT(fk, o->split)->returned;
    steps = 0;

    for (index = o->payment; index != 0; index = one->next) {
        assert(steps < FK_ORDER_PAYMENTS_MAX);
        steps++;
        one = FK_PAYMENT(fk, index);
        part = !one->revoked ? 0 : left < one->amount ? left : one->amount;

        if (one == p) {
            return part;
        }

        left -= part;
    }

    return 0;
}

/*
 * What gateways have to be asked about: see fk_due.h.
 *
 * Both tables are walked, slice by slice with the lock given back in between,
 * as there is no list of what is unpaid or owed: it would cost every order
 * two more links, for a walk that nobody waits for.
 */

#include "fk_priv.h"


typedef struct {
    fk_str_t  channel;
    uint32_t  after_s;
} fk_unpaid_t;


static uint32_t fk_unpaid_slice(const fk_t *fk, const fk_unpaid_t *which,
    uint32_t *at, fk_order_view_t *out, uint32_t n);
static int fk_unpaid_is(const fk_order_rec_t *o, const fk_unpaid_t *which);
static uint32_t fk_owed_slice(const fk_t *fk, fk_str_t channel, uint32_t *at,
    fk_owed_t *out, uint32_t n);
static int fk_channel_is(const fk_order_rec_t *o, fk_str_t channel);
static uint32_t fk_owed_number(const fk_t *fk, uint32_t payment);


fk_code_t
fk_unpaid_list(fk_t *fk, fk_str_t channel, uint32_t after_s,
    uint32_t *cursor, fk_order_view_t *out, uint32_t *n)
{
    uint32_t     at, end, count, n_max;
    fk_code_t    code;
    fk_unpaid_t  which;

    n_max = *n;
    *n = 0;
    count = 0;

    if (n_max == 0 || n_max > FK_LIST_SLICE_MAX) {
        return FK_INVALID;
    }

    which.channel = channel;
    which.after_s = after_s;

    at = FK_GET(fk->region->table[FK_TABLE_ORDERS].fresh);
    if (*cursor != 0 && *cursor < at) {
        at = *cursor;
    }

    end = at > FK_DUE_SLOTS_MAX ? at - FK_DUE_SLOTS_MAX : 0;

    do {
        code = fk_lock_open(fk);
        if (code != FK_OK) {
            return code;
        }

        count += fk_unpaid_slice(fk, &which, &at, out + count, n_max - count);
        fk_unlock(fk);

    } while (at > end && count < n_max);

    *cursor = at;
    *n = count;
    return FK_OK;
}


static uint32_t
fk_unpaid_slice(const fk_t *fk, const fk_unpaid_t *which, uint32_t *at,
    fk_order_view_t *out, uint32_t n)
{
    uint32_t  index, steps, count;

    count = 0;
    index = fk->region->table[FK_TABLE_ORDERS].fresh;

    /* Without the lock, it may have been that of a checkout rolled back. */
    if (*at < index) {
        index = *at;
    }

    for (steps = FK_LIST_SLICE_MAX;
         steps != 0 && index != 0 && count < n;
         steps--)
    {
        if (fk_unpaid_is(FK_ORDER(fk, index), which)) {
            fk_order_fill(fk, index, &out[count++]);
        }

        index--;
    }

    *at = index;
    return count;
}


static int
fk_unpaid_is(const fk_order_rec_t *o, const fk_unpaid_t *which)
{
    return o->used
           && o->axis_payment == FK_PAYMENT_UNPAID
           && o->expires_s > which->after_s
           && fk_channel_is(o, which->channel);
}


static int
fk_channel_is(const fk_order_rec_t *o, fk_str_t channel)
{
    return strnlen(o->channel, FK_CHANNEL_SIZE_MAX) == channel.size
           && memcmp(o->channel, channel.data, channel.size) == 0;
}


fk_code_t
fk_owed_list(fk_t *fk, fk_str_t channel, uint32_t *cursor, fk_owed_t *out,
    uint32_t *n)
{
    uint32_t   at, end, fresh, count, n_max;
    fk_code_t  code;

    n_max = *n;
    *n = 0;
    count = 0;

    if (n_max == 0 || n_max > FK_LIST_SLICE_MAX) {
        return FK_INVALID;
    }

    at = *cursor;
    fresh = FK_GET(fk->region->table[FK_TABLE_PAYMENTS].fresh);
    end = fresh > at && fresh - at > FK_DUE_SLOTS_MAX ? at + FK_DUE_SLOTS_MAX
                                                      : fresh;

    while (at < end && count < n_max) {
        code = fk_lock_open(fk);
        if (code != FK_OK) {
            return code;
        }

        count += fk_owed_slice(fk, channel, &at, out + count, n_max - count);
        fk_unlock(fk);
    }

    *cursor = at < fresh ? at : 0;
    *n = count;
    return FK_OK;
}


static uint32_t
fk_owed_slice(const fk_t *fk, fk_str_t channel, uint32_t *at, fk_owed_t *out,
    uint32_t n)
{
    uint32_t                 steps, count, fresh;
    const fk_order_rec_t    *o;
    const fk_payment_rec_t  *p;

    count = 0;
    fresh = fk->region->table[FK_TABLE_PAYMENTS].fresh;

    for (steps = FK_LIST_SLICE_MAX; steps != 0 && count < n; steps--) {

        /* Without the lock, there may have been more of them. */
        if (*at >= fresh) {
            *at = UINT32_MAX;
            break;
        }

        p = FK_PAYMENT(fk, ++*at);

        if (!p->used || !(FK_OWED_BITS >> p->state & 1u)) {
            continue;
        }

        o = FK_ORDER(fk, p->order);

        if (fk_channel_is(o, channel)) {
            memcpy(out[count].id.bytes, o->id, FK_ORDER_ID_SIZE);
            out[count].number = fk_owed_number(fk, *at);
            fk_payment_fill(fk, *at, &out[count].payment);
            count++;
        }
    }

    return count;
}


static uint32_t
fk_owed_number(const fk_t *fk, uint32_t payment)
{
    uint32_t  index, number;

    number = 1;

    for (index = FK_ORDER(fk, FK_PAYMENT(fk, payment)->order)->payment;
         index != payment;
         index = FK_PAYMENT(fk, index)->next)
    {
        assert(index != 0 && number <= FK_ORDER_PAYMENTS_MAX);
        number++;
    }

    return number;
}

/*
 * The archive: which orders are finished, and old enough to leave.
 */

#include "fk_priv.h"


#define FK_ARCHIVE_SLOTS_MAX   1024    /* one fk_archive_list() looks at */


static int fk_archive_cards_before(const fk_t *fk, const fk_order_rec_t *o,
    int64_t before_s, uint32_t *steps);
static uint32_t fk_archive_list_slice(fk_t *fk, int64_t before_s,
    uint32_t *at, fk_order_id_t *out, uint32_t n);


/* The payments too: one that is owed or doubtful keeps the order here, and so
 * does a split that is to be settled. */

int
fk_archive_finished(const fk_t *fk, const fk_order_rec_t *o)
{
    uint32_t                 index, steps;
    fk_axes_t                axes;
    const fk_payment_rec_t  *p;

    axes = fk_order_axes(o);

    if (!fk_archive_final(&axes) || !fk_split_finished(fk, o)) {
        return 0;
    }

    steps = 0;

    for (index = o->payment; index != 0; index = p->next) {
        assert(steps < FK_ORDER_PAYMENTS_MAX);
        steps++;
        p = FK_PAYMENT(fk, index);

        if (p->state != FK_PAYMENT_STATE_APPLIED
            && p->state != FK_PAYMENT_STATE_REFUNDED)
        {
            return 0;
        }
    }

    return 1;
}


int
fk_archive_final(const fk_axes_t *axes)
{
    fk_status_t  status;

    status = fk_status_of(axes);

    return status == FK_STATUS_EXPIRED || status == FK_STATUS_CANCELLED
           || status == FK_STATUS_DELIVERED || status == FK_STATUS_REFUNDED;
}


uint32_t
fk_archive_list(fk_t *fk, const fk_env_t *env, uint32_t retention_s,
    uint32_t *cursor, fk_order_id_t *out, uint32_t n)
{
    int64_t   before_s;
    uint32_t  at, end, count;

    /* The cursor comes from outside: it is no more than a wish. */
    at = FK_GET(fk->region->table[FK_TABLE_ORDERS].fresh);
    at = *cursor < at ? *cursor : at;
    end = at + FK_ARCHIVE_SLOTS_MAX;
    before_s = (int64_t) fk_now_s(env) - retention_s;
    *cursor = 0;
    count = 0;

    if (n > FK_LIST_SLICE_MAX) {
        n = FK_LIST_SLICE_MAX;
    }

    while (at < end && count < n) {

        if (fk_lock_open(fk) != FK_OK) {
            return count;
        }

        count += fk_archive_list_slice(fk, before_s, &at, out + count,
                                       n - count);
        fk_unlock(fk);

        if (at == 0) {
            return count;
        }
    }

    *cursor = at;
    return count;
}


/* *at is the last slot that was looked at; it becomes 0 at the end. */

static uint32_t
fk_archive_list_slice(fk_t *fk, int64_t before_s, uint32_t *at,
    fk_order_id_t *out, uint32_t n)
{
    uint32_t               steps, count, fresh;
    const fk_order_rec_t  *o;

    count = 0;
    fresh = fk->region->table[FK_TABLE_ORDERS].fresh;

    for (steps = FK_LIST_SLICE_MAX; steps != 0 && *at < fresh; steps--) {
        if (count == n) {
            return count;
        }

        o = FK_ORDER(fk, ++*at);

        if (o->used && o->created_ms / 1000 <= before_s
            && o->expires_s <= before_s && o->paid_s <= before_s
            && fk_archive_finished(fk, o)
            && fk_archive_cards_before(fk, o, before_s, &steps))
        {
            memcpy(out[count++].bytes, o->id, FK_ORDER_ID_SIZE);
        }
    }

    if (*at >= fresh) {
        *at = 0;
    }

    return count;
}


/*
 * Whether its cards were imported so long ago, too.  Who waited for them got
 * them late; and an operator who has not heard how an import ended sends the
 * file again, when what it brought must still be known.  A look at a card is a
 * step, but for the last of the slice.
 */

static int
fk_archive_cards_before(const fk_t *fk, const fk_order_rec_t *o,
    int64_t before_s, uint32_t *steps)
{
    uint32_t              n, card;
    const fk_card_rec_t  *c;

    if (FK_PRODUCT(fk, o->product)->kind != FK_KIND_CARD) {
        return 1;
    }

    card = o->first_card;

    for (n = 0; card != 0; n++) {
        assert(n < o->qty);
        c = FK_CARD(fk, card);
        *steps -= *steps > 1;

        if (FK_BATCH(fk, FK_CARD_BATCH(c))->created_s > before_s) {
            return 0;
        }

        card = c->next;
    }

    return 1;
}

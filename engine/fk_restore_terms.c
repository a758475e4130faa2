/*
 * The buyer of an order that comes back from the archive.  Its tallies are
 * found by their keys, as their slots may be others' by now.  One with nothing
 * in it has gone with its last order, and is made again if there is room.  One
 * that ought to have this order in its sums must have it, but for a buyer's
 * own, who may have been forgotten: then the order comes back without him.
 */

#include "fk_journal.h"


fk_code_t
fk_restore_parse_tally(fk_restored_t *r, const fk_image_tally_t *in)
{
    if (in->kind >= FK_TALLY_COUNT || r->there[in->kind]) {
        return FK_CORRUPT;
    }

    r->there[in->kind] = 1;
    memcpy(r->key[in->kind], in->key, FK_TALLY_KEY_SIZE);
    r->count++;

    return FK_OK;
}


int
fk_restore_buyer_fits(const fk_t *fk, const fk_image_order_t *in,
    const fk_archived_t *sum, fk_restored_t *r)
{
    uint8_t                kind;
    fk_axes_t              axes;
    fk_share_t             share;
    const fk_tally_rec_t  *t;

    static const fk_tally_rec_t  none;

    axes.payment = in->axis_payment;
    axes.stock = in->axis_stock;
    axes.delivery = in->axis_delivery;
    axes.cancelled = in->cancelled;

    for (kind = 0; kind < FK_TALLY_COUNT; kind++) {
        if (!r->there[kind]) {
            continue;
        }

        r->tally[kind] = fk_tally_find(fk, kind, r->key[kind]);
        t = r->tally[kind] != 0 ? FK_TALLY(fk, r->tally[kind]) : &none;
        share = fk_archived_share(kind, in->qty, &axes, sum);

        if (t->archived.orders >= share.orders
            && t->archived.units >= share.units
            && t->archived.amount >= share.amount)
        {
            continue;
        }

        if (kind != FK_TALLY_BUYER) {
            return 0;
        }

        r->there[kind] = 0;
        r->tally[kind] = 0;
    }

    if (in->coupon == 0) {
        return 1;
    }

    share = fk_tally_share(FK_TALLY_COUPON_USE, 1, &axes);

    return fk_coupon_used(fk, in->coupon)
           && FK_COUPON_AT(fk, in->coupon)->archived_uses >= share.orders;
}


/*
 * Late money must find its order: one that is not there has nothing of it to
 * give back, so without room the order comes back without it.
 */

int
fk_restore_buyer_room(const fk_t *fk, int64_t amount, fk_restored_t *r)
{
    uint32_t  kind, need, room;

    need = 0;
    room = fk_table_room(fk, FK_TABLE_TALLIES);

    for (kind = FK_TALLY_QUOTA; kind < FK_TALLY_COUNT; kind++) {
        if (!r->there[kind] || r->tally[kind] != 0) {
            continue;
        }

        if (need < room) {
            need++;
        } else {
            r->there[kind] = 0;
        }
    }

    if (r->tally[FK_TALLY_BUYER] == 0 && room <= need + fk_tally_kept(fk)) {
        r->there[FK_TALLY_BUYER] = 0;
    }

    return fk_tally_bears(fk, r->tally[FK_TALLY_BUYER], amount);
}


void
fk_restore_take(fk_t *fk, fk_restored_t *r)
{
    uint8_t  kind;

    for (kind = 0; kind < FK_TALLY_COUNT; kind++) {
        if (r->there[kind] && r->tally[kind] == 0) {
            r->tally[kind] = fk_tally_take(fk,
                                           fk_tally_bucket(fk, r->key[kind]),
                                           kind, r->key[kind]);
        }
    }
}

/*
 * How an order's payment was begun: what the gateway said when it was called,
 * which the order's buyer needs to pay, and whoever is notified to compare.
 *
 * The engine keeps the bytes and asks nothing of them.  They stand in blocks
 * and in an image of their own, as few orders have them and none changes
 * them: an order's own image is written with each of its changes.
 */

#include "fk_journal.h"


static fk_code_t fk_start_locked(fk_t *fk, const fk_env_t *env,
    uint32_t order, fk_str_t start);
static int fk_start_same(const fk_t *fk, const fk_order_rec_t *o,
    const fk_image_start_t *in);


fk_code_t
fk_order_start(fk_t *fk, const fk_env_t *env, const fk_order_id_t *id,
    fk_str_t start, fk_order_view_t *out)
{
    uint32_t   order;
    fk_code_t  code;

    if (start.size == 0 || start.size > FK_START_SIZE_MAX) {
        return FK_INVALID;
    }

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    order = fk_order_find(fk, id->bytes);
    code = order == 0 ? FK_NOT_FOUND
           : fk_start_locked(fk, env, order, start);

    if (code == FK_OK || code == FK_EXISTS) {
        fk_order_fill(fk, order, out);
    }

    fk_unlock(fk);
    return code;
}


static fk_code_t
fk_start_locked(fk_t *fk, const fk_env_t *env, uint32_t order,
    fk_str_t start)
{
    fk_order_rec_t  *o;

    o = FK_ORDER(fk, order);

    if (o->start_size != 0) {
        return FK_EXISTS;
    }

    /* One that waits for stock must have no other record, too: its number is
     * its turn. */
    if (o->axis_payment != FK_PAYMENT_UNPAID) {
        return FK_CONFLICT;
    }

    if (fk_table_room(fk, FK_TABLE_BLOCKS) < FK_BLOCKS_FOR(start.size)) {
        return FK_TABLE_FULL;
    }

    if (!fk_record_room(fk, FK_IMAGE_START_SIZE)) {
        return FK_RING_FULL;
    }

    FK_SET(fk, o->start, fk_blob_make(fk, start.data,
                                      (uint32_t) start.size));
    FK_SET(fk, o->start_size, start.size);

    fk_record_begin(fk, env);
    fk_record_start(fk, order);
    (void) fk_record_end(fk);
    fk_commit(fk);

    return FK_OK;
}


fk_code_t
fk_order_start_get(fk_t *fk, const fk_order_id_t *id,
    uint8_t out[FK_START_SIZE_MAX], size_t *size)
{
    uint32_t               order;
    fk_code_t              code;
    const fk_order_rec_t  *o;

    *size = 0;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    order = fk_order_find(fk, id->bytes);

    if (order != 0) {
        o = FK_ORDER(fk, order);
        assert(o->start_size <= FK_START_SIZE_MAX);
        fk_blob_read(fk, o->start, out, o->start_size);
        *size = o->start_size;
    }

    fk_unlock(fk);
    return order != 0 ? FK_OK : FK_NOT_FOUND;
}


/*
 * Not only of an unpaid order: with one that comes back from the archive its
 * start comes back, too.  In the window of a snapshot it may be there already.
 */

fk_code_t
fk_apply_start(fk_t *fk, const fk_origin_t *from, const fk_image_t *image)
{
    uint32_t                 order;
    fk_order_rec_t          *o;
    const fk_image_start_t  *in;

    in = &image->start;

    if (in->start_size == 0) {
        return FK_CORRUPT;
    }

    order = fk_order_find(fk, in->order);

    if (order == 0) {
        return fk_apply_missing(from);
    }

    o = FK_ORDER(fk, order);

    if (o->start_size != 0) {
        if (from->loading || !from->fuzzy || !fk_start_same(fk, o, in)) {
            return FK_CORRUPT;
        }

    } else {
        if (fk_table_room(fk, FK_TABLE_BLOCKS)
            < FK_BLOCKS_FOR(in->start_size))
        {
            return FK_TABLE_FULL;
        }

        o->start = fk_blob_make(fk, in->start, in->start_size);
        o->start_size = in->start_size;
    }

    o->seq = from->seq;

    return FK_OK;
}


static int
fk_start_same(const fk_t *fk, const fk_order_rec_t *o,
    const fk_image_start_t *in)
{
    uint8_t  start[FK_START_SIZE_MAX];

    if (o->start_size != in->start_size) {
        return 0;
    }

    assert(o->start_size <= FK_START_SIZE_MAX);
    fk_blob_read(fk, o->start, start, o->start_size);

    return memcmp(start, in->start, in->start_size) == 0;
}

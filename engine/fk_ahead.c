/*
 * Recovery, hints: the memory that the next records will ask for.
 *
 * Applying an order or a payment looks its id up: a bucket and a slot, each
 * anywhere in the region, and main memory is slow.  So the ids of some dozens
 * of records are read ahead, all their buckets are asked for at once, then
 * all slots: the waiting overlaps, and the records find what they look up in
 * the cache.
 *
 * Nothing is judged here and nothing stored.  The bytes may be damaged or
 * the slots gone: then the hint is useless, and the record is judged in its
 * turn.
 */

#include "fk_journal.h"


/* Enough for the waiting to overlap: with half it is slower, with twice as
 * many no faster. */
#define FK_AHEAD_MAX  64

/* The most that one image looks up: an order, by its two names. */
#define FK_AHEAD_IMAGE_MAX  2


typedef struct {
    uint32_t         count;
    const uint32_t  *bucket[FK_AHEAD_MAX];
} fk_ahead_t;


static size_t fk_ahead_image(const fk_t *fk, fk_ahead_t *ahead,
    const uint8_t *at, size_t size);
static void fk_ahead_bucket(fk_ahead_t *ahead, const uint32_t *bucket);
static void fk_ahead_orders(const fk_t *fk, const fk_ahead_t *ahead);


size_t
fk_ahead_records(const fk_t *fk, const uint8_t *data, size_t size)
{
    size_t      done, used, image_size, record_size;
    fk_ahead_t  ahead;

    ahead.count = 0;

    for (done = 0;
         size - done >= FK_RECORD_HEAD_SIZE
         && ahead.count <= FK_AHEAD_MAX - FK_AHEAD_IMAGE_MAX;
         done += record_size)
    {
        record_size = (size_t) fk_get(data + done, 4);

        if (record_size < FK_RECORD_HEAD_SIZE || record_size > size - done) {
            break;
        }

        for (used = FK_RECORD_HEAD_SIZE; used < record_size;
             used += image_size)
        {
            image_size = fk_ahead_image(fk, &ahead, data + done + used,
                                        record_size - used);
            if (image_size == 0) {
                break;
            }
        }
    }

    fk_ahead_orders(fk, &ahead);

    /* Nothing to be had: not asked again for these bytes. */
    return done != 0 ? done : size;
}


size_t
fk_ahead_part(const fk_t *fk, const uint8_t *at, size_t size)
{
    size_t      used, image_size;
    fk_ahead_t  ahead;

    ahead.count = 0;

    for (used = 0;
         used < size && ahead.count <= FK_AHEAD_MAX - FK_AHEAD_IMAGE_MAX;
         used += image_size)
    {
        image_size = fk_ahead_image(fk, &ahead, at + used, size - used);

        if (image_size == 0) {
            used = size;
            break;
        }

        image_size += fk_part_seq_size(at[used]);
    }

    fk_ahead_orders(fk, &ahead);
    return used;
}


/* The size of the image, or 0 if there is none to go on from. */

static size_t
fk_ahead_image(const fk_t *fk, fk_ahead_t *ahead, const uint8_t *at,
    size_t size)
{
    const uint8_t  *id, *idem;

    size = fk_image_names(at, size, &id, &idem);

    if (size != 0 && id != NULL) {
        fk_ahead_bucket(ahead, fk_order_bucket(fk, id));

        if (idem != NULL) {
            fk_ahead_bucket(ahead, fk_idem_bucket(fk, idem));
        }
    }

    return size;
}


static void
fk_ahead_bucket(fk_ahead_t *ahead, const uint32_t *bucket)
{
    if (ahead->count < FK_AHEAD_MAX) {
        __builtin_prefetch(bucket);
        ahead->bucket[ahead->count++] = bucket;
    }
}


/* The first of each chain: most chains are no longer. */

static void
fk_ahead_orders(const fk_t *fk, const fk_ahead_t *ahead)
{
    uint32_t           n, i;
    const fk_table_t  *t;
    const uint8_t     *slot;

    t = &fk->region->table[FK_TABLE_ORDERS];

    for (n = 0; n < ahead->count; n++) {
        i = *ahead->bucket[n];

        if (i != 0 && i <= t->fresh) {
            slot = fk_slot(fk, FK_TABLE_ORDERS, i);
            __builtin_prefetch(slot);
            __builtin_prefetch(slot + offsetof(fk_order_rec_t, hnext));
            __builtin_prefetch(slot + offsetof(fk_order_rec_t, idem));
        }
    }
}

/*
 * The ring writer: one record for each transaction.
 *
 * A record's bytes go into the free part of the ring with plain stores, where
 * nobody looks; ring.head and ring.seq, set last and within the transaction,
 * make it part of the journal.  A writer that dies before the commit leaves
 * bytes that the next one overwrites.
 *
 * Records that are durable stay in the ring until their room is needed: they
 * are what is sent again when the journal lost its tail.  Forgetting one is a
 * single store outside of the transaction, right at any time: undoing it
 * would bring back a record whose bytes may be gone.
 */

#include "fk_journal.h"


static void fk_record_add(fk_t *fk, fk_image_type_t type, const void *image);


int
fk_record_room(fk_t *fk, size_t size)
{
    uint64_t    at, need, tail, to_end;
    fk_ring_t  *ring;

    need = (FK_RECORD_HEAD_SIZE + size + FK_RECORD_ALIGN - 1)
           & ~(uint64_t) (FK_RECORD_ALIGN - 1);
    assert(need <= FK_RECORD_SIZE_MAX);

    ring = &fk->region->ring;
    at = ring->head;
    to_end = ring->size - (at & (ring->size - 1));

    /* A record in two pieces could not be sent or checked as one. */
    if (to_end < need) {
        at += to_end;
    }

    /* What is not durable is the only copy: full is full. */
    if (at + need - ring->durable_pos > ring->size) {
        return 0;
    }

    tail = ring->tail;

    /* At most need / FK_RECORD_HEAD_SIZE of them, and one filler. */
    while (at + need - tail > ring->size) {
        tail = fk_ring_record(fk, tail, ring->durable_pos);
        if (tail < ring->durable_pos) {
            tail = fk_ring_next(fk, tail);
        }
    }

    __atomic_store_n(&ring->tail, tail, __ATOMIC_RELAXED);

    fk->record_at = at;
    fk->record_end = at + need;
    return 1;
}


void
fk_record_begin(fk_t *fk, const fk_env_t *env)
{
    fk_ring_t         *ring;
    fk_record_head_t   head;

    ring = &fk->region->ring;
    assert(fk->record_at >= ring->head && fk->record_end > fk->record_at);

    if (fk->record_at != ring->head) {
        fk_put(fk_ring_at(fk, ring->head), FK_RING_FILLER, 4);
    }

    head.size = FK_RECORD_HEAD_SIZE;
    head.crc = 0;
    head.seq = ring->seq + 1;
    head.time_ms = env->now_ms;
    head.version = FK_RECORD_VERSION;
    head.count = 0;
    head.reserved = 0;

    fk_record_head_put(fk_ring_at(fk, fk->record_at), &head);
    fk->record_images = 0;
}


void
fk_record_product(fk_t *fk, uint32_t product)
{
    fk_image_product_t  image;

    fk_product_image(fk, product, &image);
    fk_record_add(fk, FK_IMAGE_PRODUCT, &image);
    FK_SET(fk, FK_PRODUCT(fk, product)->seq, fk->region->ring.seq + 1);
}


void
fk_record_batch(fk_t *fk, uint32_t batch)
{
    fk_image_batch_t  image;

    fk_batch_image(fk, batch, &image);
    fk_record_add(fk, FK_IMAGE_BATCH, &image);
    FK_SET(fk, FK_BATCH(fk, batch)->seq, fk->region->ring.seq + 1);
}


void
fk_record_batch_archived(fk_t *fk, uint32_t batch)
{
    fk_image_batch_archived_t  image;

    image.slot = batch;
    image.archived = FK_BATCH(fk, batch)->archived;

    fk_record_add(fk, FK_IMAGE_BATCH_ARCHIVED, &image);
}


void
fk_record_card(fk_t *fk, uint32_t card)
{
    fk_image_card_t  image;

    fk_card_image(fk, card, &image);
    fk_record_add(fk, FK_IMAGE_CARD, &image);
}


void
fk_record_card_free(fk_t *fk, uint32_t card)
{
    fk_image_card_free_t  image;

    image.slot = card;
    fk_record_add(fk, FK_IMAGE_CARD_FREE, &image);
}


void
fk_record_order(fk_t *fk, uint32_t order)
{
    fk_image_order_t  image;

    fk_order_image(fk, order, &image);
    fk_record_add(fk, FK_IMAGE_ORDER, &image);
    FK_SET(fk, FK_ORDER(fk, order)->seq, fk->region->ring.seq + 1);
}


void
fk_record_payment(fk_t *fk, uint32_t payment)
{
    fk_image_payment_t  image;

    fk_payment_image(fk, payment, &image);
    fk_record_add(fk, FK_IMAGE_PAYMENT, &image);
    FK_SET(fk, FK_PAYMENT(fk, payment)->seq, fk->region->ring.seq + 1);
}


/* A fact of its order, which it touches. */

void
fk_record_start(fk_t *fk, uint32_t order)
{
    fk_image_start_t  image;

    fk_start_image(fk, order, &image);
    fk_record_add(fk, FK_IMAGE_START, &image);
    FK_SET(fk, FK_ORDER(fk, order)->seq, fk->region->ring.seq + 1);
}


void
fk_record_level(fk_t *fk, uint32_t level)
{
    fk_image_level_t  image;

    fk_level_image(fk, level, &image);
    fk_record_add(fk, FK_IMAGE_LEVEL, &image);
    FK_SET(fk, FK_LEVEL(fk, level)->seq, fk->region->ring.seq + 1);
}


void
fk_record_coupon(fk_t *fk, uint32_t coupon)
{
    fk_image_coupon_t  image;

    fk_coupon_image(fk, coupon, &image);
    fk_record_add(fk, FK_IMAGE_COUPON, &image);
    FK_SET(fk, FK_COUPON_AT(fk, coupon)->seq, fk->region->ring.seq + 1);
}


void
fk_record_tally(fk_t *fk, uint32_t tally)
{
    fk_image_tally_t  image;

    fk_tally_image(fk, tally, &image);
    fk_record_add(fk, FK_IMAGE_TALLY, &image);
    FK_SET(fk, FK_TALLY(fk, tally)->seq, fk->region->ring.seq + 1);
}


void
fk_record_account(fk_t *fk, uint32_t account)
{
    fk_image_account_t  image;

    fk_account_image(fk, account, &image);
    fk_record_add(fk, FK_IMAGE_ACCOUNT, &image);
    FK_SET(fk, FK_ACCOUNT(fk, account)->seq, fk->region->ring.seq + 1);
}


void
fk_record_split(fk_t *fk, uint32_t split)
{
    fk_image_split_t  image;

    fk_split_image(fk, split, &image);
    fk_record_add(fk, FK_IMAGE_SPLIT, &image);
    FK_SET(fk, FK_SPLIT(fk, split)->seq, fk->region->ring.seq + 1);
}


void
fk_record_withdrawal(fk_t *fk, uint32_t withdrawal)
{
    fk_image_withdrawal_t  image;

    fk_withdrawal_image(fk, withdrawal, &image);
    fk_record_add(fk, FK_IMAGE_WITHDRAWAL, &image);
    FK_SET(fk, FK_WITHDRAWAL(fk, withdrawal)->seq, fk->region->ring.seq + 1);
}


/* Before the slot is given back: the image takes the id from it. */

void
fk_record_order_gone(fk_t *fk, uint32_t order)
{
    fk_image_order_gone_t  image;

    memcpy(image.id, FK_ORDER(fk, order)->id, sizeof(image.id));
    fk_record_add(fk, FK_IMAGE_ORDER_GONE, &image);
}


uint64_t
fk_record_end(fk_t *fk)
{
    uint8_t    *at;
    uint32_t    size, used;
    uint64_t    seq;
    fk_ring_t  *ring;

    assert(fk->record_images > 0 && fk->record_images <= UINT16_MAX);

    ring = &fk->region->ring;
    at = fk_ring_at(fk, fk->record_at);
    used = (uint32_t) fk_get(at, 4);
    size = (used + FK_RECORD_ALIGN - 1) & ~(uint32_t) (FK_RECORD_ALIGN - 1);
    assert(fk->record_at + size <= fk->record_end);

    /* Old bytes of the ring must not leak into a journal that others read. */
    memset(at + used, 0, size - used);
    fk_put(at, size, 4);
    fk_put(at + 26, fk->record_images, 2);
    fk_put(at + 4, fk_crc32c(0, at + 8, size - 8), 4);

    /* Bytes first, marks last: a sender never sees a record half-written. */
    seq = ring->seq + 1;
    FK_SET(fk, ring->head, fk->record_at + size);
    FK_SET(fk, ring->seq, seq);

    fk->record_end = 0;
    return seq;
}


uint64_t
fk_ring_record(const fk_t *fk, uint64_t pos, uint64_t limit)
{
    uint64_t  size;

    size = fk->region->ring.size;

    if (pos < limit && fk_get(fk_ring_at(fk, pos), 4) == FK_RING_FILLER) {
        pos += size - (pos & (size - 1));
    }

    assert(pos <= limit);
    return pos;
}


uint64_t
fk_ring_next(const fk_t *fk, uint64_t pos)
{
    uint64_t  size;

    size = fk_get(fk_ring_at(fk, pos), 4);
    assert(size >= FK_RECORD_HEAD_SIZE && size <= FK_RECORD_SIZE_MAX);
    return pos + size;
}


uint64_t
fk_ring_first_seq(const fk_t *fk)
{
    uint64_t          at;
    const fk_ring_t  *ring;

    ring = &fk->region->ring;
    at = fk_ring_record(fk, ring->tail, ring->head);

    if (at == ring->head) {
        return ring->seq + 1;
    }

    return fk_get(fk_ring_at(fk, at) + 8, 8);
}


/*
 * While a record is being written, its size field says how far it is.  The
 * assertion is for the next image's place, not for its bytes: those are
 * bounded by the image's form, and their sum again by fk_record_end().
 */

static void
fk_record_add(fk_t *fk, fk_image_type_t type, const void *image)
{
    uint8_t   *at;
    uint32_t   used;

    at = fk_ring_at(fk, fk->record_at);
    used = (uint32_t) fk_get(at, 4);
    assert(fk->record_at + used < fk->record_end);

    used += (uint32_t) fk_image_put(at + used, type, image);
    fk_put(at, used, 4);
    fk->record_images++;
}

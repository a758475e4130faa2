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
static uint16_t fk_text_size(const char *text, size_t max);


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
    fk_product_rec_t    *p;
    fk_image_product_t   image;

    p = FK_PRODUCT(fk, product);

    image.price = p->price;
    image.imported = p->imported;
    image.voided = p->voided;
    image.sale_from_s = p->sale_from_s;
    image.sale_to_s = p->sale_to_s;
    image.created_s = p->created_s;
    image.updated_s = p->updated_s;

    /* The pool's order is rebuilt from batches, but not which key is sold. */
    image.key = p->kind == FK_KIND_SHARED ? p->pool_tail : 0;
    image.qty_max = p->qty_max;
    image.kind = p->kind;
    image.on_sale = p->on_sale;
    memcpy(image.currency, p->currency, sizeof(image.currency));

    image.sku_size = fk_text_size(p->sku, FK_SKU_SIZE_MAX);
    memcpy(image.sku, p->sku, image.sku_size);
    image.name_size = fk_text_size(p->name, FK_NAME_SIZE_MAX);
    memcpy(image.name, p->name, image.name_size);

    fk_record_add(fk, FK_IMAGE_PRODUCT, &image);
    FK_SET(fk, p->seq, fk->region->ring.seq + 1);
}


void
fk_record_batch(fk_t *fk, uint32_t batch)
{
    const char        *sku;
    fk_batch_rec_t    *b;
    fk_image_batch_t   image;

    b = FK_BATCH(fk, batch);

    image.slot = batch;
    image.accepted = b->accepted;
    image.created_s = b->created_s;
    image.state = (uint8_t) b->state;
    image.sku_size = 0;

    /* One that is free names no product: its slot may serve another soon. */
    if (b->state != FK_BATCH_FREE) {
        sku = FK_PRODUCT(fk, b->product)->sku;
        image.sku_size = fk_text_size(sku, FK_SKU_SIZE_MAX);
        memcpy(image.sku, sku, image.sku_size);
    }

    fk_record_add(fk, FK_IMAGE_BATCH, &image);
    FK_SET(fk, b->seq, fk->region->ring.seq + 1);
}


void
fk_record_card(fk_t *fk, uint32_t card)
{
    fk_card_rec_t    *c;
    fk_image_card_t   image;

    c = FK_CARD(fk, card);
    assert(c->owner != FK_OWNER_FREE);

    image.slot = card;
    image.batch = FK_CARD_BATCH(c);
    image.sealed_size = (uint16_t) FK_CARD_SEALED(c);
    fk_card_read(fk, c, image.sealed);

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
    uint32_t           card;
    fk_order_rec_t    *o;
    fk_product_rec_t  *p;
    fk_image_order_t   image;

    o = FK_ORDER(fk, order);
    p = FK_PRODUCT(fk, o->product);

    memcpy(image.id, o->id, sizeof(image.id));
    image.amount = o->amount;
    image.created_ms = o->created_ms;
    image.expires_s = o->expires_s;
    image.paid_s = o->paid_s;
    image.qty = (uint16_t) o->qty;
    image.axis_payment = o->axis_payment;
    image.axis_stock = o->axis_stock;
    image.axis_delivery = o->axis_delivery;
    image.cancelled = o->cancelled;
    memcpy(image.body, o->body, sizeof(image.body));

    image.sku_size = fk_text_size(p->sku, FK_SKU_SIZE_MAX);
    memcpy(image.sku, p->sku, image.sku_size);
    image.channel_size = fk_text_size(o->channel, FK_CHANNEL_SIZE_MAX);
    memcpy(image.channel, o->channel, image.channel_size);
    image.idem_size = o->has_idem ? FK_IDEM_SIZE : 0;
    memcpy(image.idem, o->idem, sizeof(image.idem));
    image.contact_size = o->contact_size;
    fk_blob_read(fk, o->contact, image.contact, o->contact_size);

    /* The key of a shared product is one card of many orders: not linked. */
    image.card_count = 0;
    for (card = o->first_card; card != 0; card = FK_CARD(fk, card)->next) {
        assert(image.card_count < FK_QTY_MAX);
        image.card[image.card_count++] = card;

        if (p->kind == FK_KIND_SHARED) {
            break;
        }
    }

    fk_record_add(fk, FK_IMAGE_ORDER, &image);
    FK_SET(fk, o->seq, fk->region->ring.seq + 1);
}


void
fk_record_payment(fk_t *fk, uint32_t payment)
{
    fk_payment_rec_t    *p;
    fk_image_payment_t   image;

    p = FK_PAYMENT(fk, payment);

    memcpy(image.order, FK_ORDER(fk, p->order)->id, sizeof(image.order));
    image.amount = p->amount;
    image.at_s = p->at_s;
    image.state = p->state;
    image.trade_no_size = p->trade_no_size;
    fk_blob_read(fk, p->trade_no, image.trade_no, p->trade_no_size);

    fk_record_add(fk, FK_IMAGE_PAYMENT, &image);
    FK_SET(fk, p->seq, fk->region->ring.seq + 1);
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


static uint16_t
fk_text_size(const char *text, size_t max)
{
    return (uint16_t) strnlen(text, max);
}

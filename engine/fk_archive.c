/*
 * The archive: a finished order as one record, and its leaving the region.
 *
 * The order leaves with its payments and its sold cards, in one transaction.
 * What stays are sums: the product's units, orders and kept money, what each
 * account has earned by it, and in each batch the number of its cards that
 * are gone.  So every sum that was true before still is, and can still be
 * proved.  With its last card a batch goes as well: else imports would fill
 * the table in the end.
 *
 * The reading is done in slices, each under its own lock, as an order may
 * have 200 KiB of cards; the order's numbers say whether it changed between
 * two of them.  What the record is stored in, and for how long, is not known
 * here.  fk_restore.c is the way back.
 */

#include "fk_journal.h"


#define FK_ARCHIVE_SLICE_SIZE  ((size_t) 16 << 10)  /* cards under one lock */

_Static_assert(FK_RECORD_HEAD_SIZE + FK_IMAGE_ORDER_SIZE(FK_QTY_MAX)
               + FK_QTY_MAX * FK_IMAGE_CARD_SIZE(FK_SEALED_SIZE_MAX)
               + FK_ORDER_PAYMENTS_MAX * FK_IMAGE_PAYMENT_SIZE
               + FK_IMAGE_SPLIT_SIZE + FK_IMAGE_START_SIZE
               + FK_IMAGE_TALLIES_SIZE
               + FK_RECORD_ALIGN <= FK_ARCHIVE_SIZE_MAX,
               "the largest order fits into the largest record");


/* A record that is being written, and how far it is. */
typedef struct {
    uint8_t           *buf;
    size_t             size;
    size_t             used;
    uint32_t           images;
    uint32_t           cards;          /* of the order, written */
    fk_image_order_t   order;
} fk_reading_t;


static uint64_t fk_archive_seq(const fk_t *fk, const fk_order_rec_t *o);
static fk_code_t fk_archive_read_slice(fk_t *fk, const fk_order_id_t *id,
    fk_order_view_t *out, fk_reading_t *rd);
static int fk_archive_put_split(const fk_t *fk, uint32_t split,
    fk_reading_t *rd);
static int fk_archive_put_start(const fk_t *fk, uint32_t order,
    fk_reading_t *rd);
static int fk_archive_put(fk_reading_t *rd, size_t size_max,
    fk_image_type_t type, const void *image);
static fk_archived_t fk_archive_sum(const fk_t *fk, const fk_order_rec_t *o);
static fk_code_t fk_archive_room(fk_t *fk, const fk_order_rec_t *o,
    const fk_archived_t *sum);
static void fk_archive_drop_cards(fk_t *fk, uint32_t order);
static void fk_archive_remove(fk_t *fk, uint32_t order);


/* A payment or a split may be younger than its order's last change. */

static uint64_t
fk_archive_seq(const fk_t *fk, const fk_order_rec_t *o)
{
    uint32_t                 index;
    uint64_t                 seq;
    const fk_payment_rec_t  *p;

    seq = o->seq;

    if (o->split != 0 && FK_SPLIT(fk, o->split)->seq > seq) {
        seq = FK_SPLIT(fk, o->split)->seq;
    }

    for (index = o->payment; index != 0; index = p->next) {
        p = FK_PAYMENT(fk, index);
        seq = p->seq > seq ? p->seq : seq;
    }

    return seq;
}


fk_code_t
fk_archive_read(fk_t *fk, const fk_order_id_t *id, fk_order_view_t *out,
    uint8_t *buf, size_t buf_size, size_t *size)
{
    size_t            total;
    fk_code_t         rc;
    fk_reading_t      rd;
    fk_record_head_t  head;

    rd.buf = buf;
    rd.size = buf_size;
    rd.used = FK_RECORD_HEAD_SIZE;
    rd.images = 0;
    rd.cards = 0;

    do {
        rc = fk_lock_open(fk);

        if (rc == FK_OK) {
            rc = fk_archive_read_slice(fk, id, out, &rd);
            fk_unlock(fk);
        }
    } while (rc == FK_AGAIN);

    if (rc != FK_OK) {
        return rc;
    }

    /* The room asked for an image is larger than it by more than that. */
    total = (rd.used + FK_RECORD_ALIGN - 1) & ~(size_t) (FK_RECORD_ALIGN - 1);
    assert(total <= buf_size);

    memset(buf + rd.used, 0, total - rd.used);

    head.size = (uint32_t) total;
    head.crc = 0;
    head.seq = out->seq;
    head.time_ms = out->created_ms;
    head.version = FK_RECORD_VERSION_ARCHIVE;
    head.count = (uint16_t) rd.images;
    head.reserved = 0;

    /* Without the lock: the bytes are the caller's own. */
    fk_record_head_put(buf, &head);
    fk_put(buf + 4, fk_crc32c(0, buf + 8, total - 8), 4);
    *size = total;

    return FK_OK;
}


static fk_code_t
fk_archive_read_slice(fk_t *fk, const fk_order_id_t *id,
    fk_order_view_t *out, fk_reading_t *rd)
{
    size_t                 end;
    uint32_t               order, index, kind;
    fk_image_t             image;
    const fk_order_rec_t  *o;

    order = fk_order_find(fk, id->bytes);
    if (order == 0) {
        return FK_NOT_FOUND;
    }

    o = FK_ORDER(fk, order);

    if (!fk_archive_finished(fk, o)
        || (rd->images != 0 && fk_archive_seq(fk, o) != out->seq))
    {
        return FK_CONFLICT;
    }

    if (rd->images == 0) {
        fk_order_fill(fk, order, out);
        out->seq = fk_archive_seq(fk, o);
        fk_order_image(fk, order, &rd->order);

        if (!fk_archive_put(rd, FK_IMAGE_ORDER_SIZE(o->qty), FK_IMAGE_ORDER,
                            &rd->order))
        {
            return FK_INVALID;
        }

        /* Their slots may be others' when it comes back, not their keys. */
        for (kind = 0; kind < FK_TALLY_COUNT; kind++) {
            if (o->tally[kind] == 0) {
                continue;
            }

            fk_tally_image(fk, o->tally[kind], &image.tally);

            if (!fk_archive_put(rd, FK_IMAGE_TALLY_SIZE, FK_IMAGE_TALLY,
                                &image))
            {
                return FK_INVALID;
            }
        }
    }

    end = rd->used + FK_ARCHIVE_SLICE_SIZE;

    while (rd->cards < rd->order.card_count) {
        if (rd->used >= end) {
            return FK_AGAIN;
        }

        fk_card_image(fk, rd->order.card[rd->cards++], &image.card);

        if (!fk_archive_put(rd, FK_IMAGE_CARD_SIZE(image.card.sealed_size),
                            FK_IMAGE_CARD, &image))
        {
            return FK_INVALID;
        }
    }

    for (index = o->payment; index != 0; index = FK_PAYMENT(fk, index)->next) {
        fk_payment_image(fk, index, &image.payment);

        if (!fk_archive_put(rd, FK_IMAGE_PAYMENT_SIZE, FK_IMAGE_PAYMENT,
                            &image))
        {
            return FK_INVALID;
        }
    }

    return fk_archive_put_split(fk, o->split, rd)
           && fk_archive_put_start(fk, order, rd) ? FK_OK : FK_INVALID;
}


static int
fk_archive_put_split(const fk_t *fk, uint32_t split, fk_reading_t *rd)
{
    fk_image_split_t  image;

    if (split == 0) {
        return 1;
    }

    fk_split_image(fk, split, &image);
    return fk_archive_put(rd, FK_IMAGE_SPLIT_SIZE, FK_IMAGE_SPLIT, &image);
}


/* The last one: who does not know it has read all the rest before. */

static int
fk_archive_put_start(const fk_t *fk, uint32_t order, fk_reading_t *rd)
{
    fk_image_start_t  image;

    if (FK_ORDER(fk, order)->start_size == 0) {
        return 1;
    }

    fk_start_image(fk, order, &image);
    return fk_archive_put(rd, FK_IMAGE_START_SIZE, FK_IMAGE_START, &image);
}


static int
fk_archive_put(fk_reading_t *rd, size_t size_max, fk_image_type_t type,
    const void *image)
{
    if (rd->used > rd->size || rd->size - rd->used < size_max) {
        return 0;
    }

    rd->used += fk_image_put(rd->buf + rd->used, type, image);
    rd->images++;
    return 1;
}


fk_code_t
fk_archive_drop(fk_t *fk, const fk_env_t *env, const fk_order_id_t *id,
    uint64_t seq)
{
    uint32_t         order, product, coupon, tally[FK_TALLY_COUNT];
    fk_code_t        rc;
    fk_archived_t    sum;
    fk_order_rec_t  *o;

    rc = fk_lock_open(fk);
    if (rc != FK_OK) {
        return rc;
    }

    order = fk_order_find(fk, id->bytes);
    if (order == 0) {
        fk_unlock(fk);
        return FK_NOT_FOUND;
    }

    o = FK_ORDER(fk, order);
    product = o->product;
    coupon = o->coupon;
    memcpy(tally, o->tally, sizeof(tally));
    sum = fk_archive_sum(fk, o);

    if (!fk_archive_finished(fk, o) || fk_archive_seq(fk, o) != seq) {
        rc = FK_CONFLICT;

    } else if (fk_snapshot_pauses(fk, env)) {
        /* What it has written may refer to this, and must find it. */
        rc = FK_AGAIN;

    } else {
        rc = fk_archive_room(fk, o, &sum);
    }

    if (rc == FK_OK) {
        fk_record_begin(fk, env);
        fk_record_order_gone(fk, order);

        if (o->split != 0) {
            fk_split_archive(fk, o->split);
        }

        fk_archive_book(fk, order, sum, 1);
        fk_archive_drop_cards(fk, order);
        fk_archive_remove(fk, order);
        fk_tally_archived(fk, tally, coupon);

        fk_record_product(fk, product);
        (void) fk_record_end(fk);
        fk_commit(fk);
    }

    fk_unlock(fk);
    return rc;
}


static fk_archived_t
fk_archive_sum(const fk_t *fk, const fk_order_rec_t *o)
{
    fk_archived_t  sum;

    sum.returned = fk_order_returned(fk, o);
    sum.units = fk_order_units(o->qty, o->axis_stock).sold;
    sum.orders = 1;
    sum.applied = fk_payments_amount(fk, o, FK_APPLIED_BIT);
    sum.amount = sum.applied + sum.returned.amount;

    return sum;
}


static fk_code_t
fk_archive_room(fk_t *fk, const fk_order_rec_t *o, const fk_archived_t *sum)
{
    const fk_product_rec_t  *p;

    p = FK_PRODUCT(fk, o->product);

    /* Beyond it no recovery would believe the sums. */
    if (p->archived_units > FK_UNITS_MAX - sum->units
        || p->archived_orders > FK_UNITS_MAX - sum->orders
        || p->archived_amount > FK_UNITS_MAX - sum->amount
        || !fk_tally_archive_room(fk, o, sum)
        || (o->split != 0 && !fk_split_archive_room(fk, o->split)))
    {
        return FK_TABLE_FULL;
    }

    return fk_record_room(fk, FK_IMAGE_ORDER_GONE_SIZE + FK_IMAGE_PRODUCT_SIZE
                              + FK_IMAGE_TERMS_SIZE
                              + o->qty * FK_IMAGE_BATCH_SIZE
                              + FK_LINE_SLOTS * FK_IMAGE_ACCOUNT_SIZE)
           ? FK_OK : FK_RING_FULL;
}


void
fk_archive_book(fk_t *fk, uint32_t order, fk_archived_t sum, int sign)
{
    fk_units_t         none, units;
    fk_order_rec_t    *o;
    fk_product_rec_t  *p;

    o = FK_ORDER(fk, order);
    p = FK_PRODUCT(fk, o->product);
    none = fk_order_units(0, FK_STOCK_RELEASED);
    units = fk_order_units(o->qty, o->axis_stock);
    assert(units.held == 0 && units.owed == 0 && units.sold == sum.units);

    fk_tally_archive(fk, order, &sum, sign);

    sum.units *= sign;
    sum.orders *= sign;
    sum.amount *= sign;

    /* What is void stays so, wherever its order is. */
    if (units.revoked != 0) {
        FK_SET(fk, p->revoked, p->revoked - sign * units.revoked);
    }

    FK_SET(fk, p->sold, p->sold - sum.units);
    FK_SET(fk, p->orders_count, p->orders_count - sum.orders);
    FK_SET(fk, p->archived_units, p->archived_units + sum.units);
    FK_SET(fk, p->archived_orders, p->archived_orders + sum.orders);
    FK_SET(fk, p->archived_amount, p->archived_amount + sum.amount);

    if (sign > 0) {
        fk_audit_order(fk, order, &units, &none, -1);
    } else {
        fk_audit_order(fk, order, &none, &units, 1);
    }

    fk_audit_archived(fk, o->product, &sum);
}


/* The key of a shared product stays: it is not this order's own. */

static void
fk_archive_drop_cards(fk_t *fk, uint32_t order)
{
    uint32_t               card, next, batch, count;
    const fk_card_rec_t   *c;
    const fk_order_rec_t  *o;

    o = FK_ORDER(fk, order);

    if (FK_PRODUCT(fk, o->product)->kind != FK_KIND_CARD) {
        return;
    }

    batch = 0;
    count = 0;

    /* Neighbours are mostly of one batch: counted together. */
    for (card = o->first_card; card != 0; card = next) {
        c = FK_CARD(fk, card);
        next = c->next;

        if (FK_CARD_BATCH(c) != batch) {
            fk_archive_count(fk, batch, count);
            batch = FK_CARD_BATCH(c);
            count = 0;
        }

        fk_card_discard(fk, card);
        count++;
    }

    fk_archive_count(fk, batch, count);
}


void
fk_archive_count(fk_t *fk, uint32_t batch, int64_t n)
{
    fk_batch_rec_t  *b;

    if (n == 0) {
        return;
    }

    b = FK_BATCH(fk, batch);
    assert(b->state == FK_BATCH_LIVE && b->archived + n >= 0
           && b->archived + n <= b->accepted);

    FK_SET(fk, b->archived, b->archived + n);

    if (b->archived < b->accepted) {
        fk_record_batch_archived(fk, batch);
        return;
    }

    FK_SET(fk, b->state, FK_BATCH_FREE);
    FK_SET(fk, b->generation, b->generation + 1);
    fk_record_batch(fk, batch);
    fk_slot_free(fk, FK_TABLE_BATCHES, batch);
}


/* The order and its payments, out of every index and back to their tables. */

static void
fk_archive_remove(fk_t *fk, uint32_t order)
{
    uint32_t           payment, next;
    fk_order_rec_t    *o;
    fk_payment_rec_t  *p;

    o = FK_ORDER(fk, order);
    assert(o->queued == FK_QUEUED_NO);

    for (payment = o->payment; payment != 0; payment = next) {
        p = FK_PAYMENT(fk, payment);
        next = p->next;

        fk_audit_payment(fk, payment, p->state, FK_PAYMENT_STATE_COUNT);
        fk_chain_remove(fk, fk_bucket(fk, FK_INDEX_PAYMENTS, p->hash),
                        FK_TABLE_PAYMENTS, offsetof(fk_payment_rec_t, hnext),
                        payment);
        fk_blob_free(fk, p->trade_no);
        FK_SET(fk, p->used, 0);
        fk_slot_free(fk, FK_TABLE_PAYMENTS, payment);
    }

    if (o->has_idem) {
        fk_chain_remove(fk, fk_idem_bucket(fk, o->idem), FK_TABLE_ORDERS,
                        offsetof(fk_order_rec_t, idem_hnext), order);
    }

    fk_chain_remove(fk, fk_order_bucket(fk, o->id), FK_TABLE_ORDERS,
                    offsetof(fk_order_rec_t, hnext), order);
    fk_blob_free(fk, o->contact);

    if (o->steps != 0) {
        fk_blob_free(fk, o->steps);
    }

    if (o->reason != 0) {
        fk_blob_free(fk, o->reason);
    }

    if (o->start != 0) {
        fk_blob_free(fk, o->start);
    }

    if (o->split != 0) {
        fk_split_free(fk, o->split);
    }

    FK_SET(fk, o->used, 0);
    fk_slot_free(fk, FK_TABLE_ORDERS, order);
}


/*
 * In a recovery: cards are in no index yet, and their table's free list is
 * made when all are there.  The sums come with images of their own.
 */

fk_code_t
fk_apply_order_gone(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image)
{
    uint32_t         order, card, next, block;
    fk_card_rec_t   *c;
    fk_order_rec_t  *o;

    order = fk_order_find(fk, image->order_gone.id);

    if (order == 0 || !fk_archive_finished(fk, FK_ORDER(fk, order))) {
        return FK_CORRUPT;
    }

    o = FK_ORDER(fk, order);
    card = FK_PRODUCT(fk, o->product)->kind == FK_KIND_CARD ? o->first_card
                                                            : 0;

    for (/* void */ ; card != 0; card = next) {
        c = FK_CARD(fk, card);
        next = c->next;

        if (c->owner != order) {
            return FK_CORRUPT;
        }

        if (FK_CARD_SEALED(c) > FK_CARD_INLINE_SIZE) {
            memcpy(&block, c->sealed + FK_CARD_HEAD_SIZE, sizeof(block));
            fk_blob_free(fk, block);
        }

        c->owner = FK_OWNER_FREE;
    }

    FK_PRODUCT(fk, o->product)->orders_count--;
    fk_archive_remove(fk, order);

    return FK_OK;
}


fk_code_t
fk_apply_batch_archived(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image)
{
    fk_batch_rec_t                   *b;
    const fk_image_batch_archived_t  *in;

    in = &image->batch_archived;

    if (in->slot == 0 || in->slot > fk->region->table[FK_TABLE_BATCHES].fresh)
    {
        return FK_CORRUPT;
    }

    b = FK_BATCH(fk, in->slot);

    if (b->state != FK_BATCH_LIVE || in->archived > b->accepted) {
        return FK_CORRUPT;
    }

    b->archived = in->archived;

    return FK_OK;
}

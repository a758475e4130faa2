/*
 * A record's images into the tables of a shop that recovers.
 *
 * Nothing that stands in a record is trusted: every slot number, size and
 * count is held against the tables before it is used, and an entity that
 * names one which is not there is damage.  What cannot be judged from one
 * record alone (sums, double use) is found by fk_rebuild() and fk_check()
 * before the shop opens.
 *
 * Until fk_rebuild() the tables are raw: cards of an order are linked,
 * payments of an order too, and the indexes of products, orders,
 * Idempotency-Keys and payments are up to date; the rest is not there yet.
 * A shared product's key waits in product.importing.
 */

#include "fk_journal.h"


typedef fk_code_t (*fk_apply_pt)(fk_t *fk, uint64_t seq,
    const fk_image_t *image);


static fk_code_t fk_apply_product(fk_t *fk, uint64_t seq,
    const fk_image_t *image);
static fk_code_t fk_apply_batch(fk_t *fk, uint64_t seq,
    const fk_image_t *image);
static fk_code_t fk_apply_card(fk_t *fk, uint64_t seq,
    const fk_image_t *image);
static fk_code_t fk_apply_card_free(fk_t *fk, uint64_t seq,
    const fk_image_t *image);
static fk_code_t fk_apply_order(fk_t *fk, uint64_t seq,
    const fk_image_t *image);
static fk_code_t fk_apply_payment(fk_t *fk, uint64_t seq,
    const fk_image_t *image);
static fk_code_t fk_slot_judge(const fk_t *fk, fk_table_id_t id,
    uint32_t slot);
static int fk_text_good(const char *text, size_t size);
static int fk_order_image_good(const fk_image_order_t *in);
static fk_code_t fk_order_make(fk_t *fk, uint32_t product,
    const fk_image_order_t *in, uint32_t *order);
static fk_code_t fk_order_cards_apply(fk_t *fk, uint32_t order,
    const fk_image_order_t *in);
static fk_code_t fk_payment_make(fk_t *fk, uint32_t order, uint64_t hash,
    const fk_image_payment_t *in, uint32_t *payment);


static const fk_apply_pt  fk_apply_table[FK_IMAGE_LAST] = {
    [FK_IMAGE_PRODUCT] = fk_apply_product,
    [FK_IMAGE_BATCH] = fk_apply_batch,
    [FK_IMAGE_CARD] = fk_apply_card,
    [FK_IMAGE_CARD_FREE] = fk_apply_card_free,
    [FK_IMAGE_ORDER] = fk_apply_order,
    [FK_IMAGE_PAYMENT] = fk_apply_payment
};


fk_code_t
fk_apply_images(fk_t *fk, const fk_record_head_t *head, const uint8_t *data)
{
    size_t           used, image_size;
    uint32_t         n;
    fk_code_t        rc;
    fk_image_t       image;
    fk_image_type_t  type;

    used = FK_RECORD_HEAD_SIZE;

    for (n = 0; n < head->count; n++) {
        rc = fk_image_get(data + used, head->size - used, &type, &image_size,
                          &image);
        if (rc != FK_OK) {
            return rc;
        }

        rc = fk_apply_table[type](fk, head->seq, &image);

        /* The helpers note what they overwrite; nobody will need it. */
        fk_commit(fk);

        if (rc != FK_OK) {
            return rc;
        }

        used += image_size;
    }

    return head->size - used < FK_RECORD_ALIGN ? FK_OK : FK_CORRUPT;
}


/*
 * Counters that other entities add up to (held, sold, available) are not in
 * the image and not touched: fk_rebuild() counts them when all are there.
 */

static fk_code_t
fk_apply_product(fk_t *fk, uint64_t seq, const fk_image_t *image)
{
    fk_str_t                   sku;
    uint32_t                   i;
    fk_product_rec_t          *p;
    const fk_image_product_t  *in;

    in = &image->product;

    if (!fk_text_good(in->sku, in->sku_size)
        || !fk_text_good(in->name, in->name_size)
        || !fk_text_good(in->currency, FK_CURRENCY_SIZE - 1)
        || in->kind >= FK_KIND_COUNT || in->on_sale > 1
        || in->qty_max < 1 || in->qty_max > FK_QTY_MAX
        || in->price < 1 || in->price > FK_AMOUNT_MAX
        || in->imported < 0 || in->imported > FK_UNITS_MAX
        || in->voided < 0 || in->voided > in->imported)
    {
        return FK_CORRUPT;
    }

    sku.data = (const uint8_t *) in->sku;
    sku.size = in->sku_size;
    i = fk_product_find(fk, sku);

    if (i == 0) {
        if (fk_table_room(fk, FK_TABLE_PRODUCTS) == 0) {
            return FK_TABLE_FULL;
        }

        i = fk_slot_take(fk, FK_TABLE_PRODUCTS);
        p = FK_PRODUCT(fk, i);
        memset(p, 0, sizeof(*p));
        memcpy(p->sku, in->sku, in->sku_size);
        p->used = 1;
        fk_chain_insert(fk, fk_product_bucket(fk, in->sku, in->sku_size),
                        &p->hnext, i);
    }

    p = FK_PRODUCT(fk, i);

    if (p->seq >= seq) {
        return FK_OK;
    }

    p->seq = seq;
    memset(p->name, 0, sizeof(p->name));
    memcpy(p->name, in->name, in->name_size);
    memcpy(p->currency, in->currency, FK_CURRENCY_SIZE - 1);
    p->price = in->price;
    p->imported = in->imported;
    p->voided = in->voided;
    p->sale_from_s = in->sale_from_s;
    p->sale_to_s = in->sale_to_s;
    p->created_s = in->created_s;
    p->updated_s = in->updated_s;
    p->qty_max = in->qty_max;
    p->kind = in->kind;
    p->on_sale = in->on_sale;

    /* The key's card may come later, or go again: judged at the end. */
    p->importing = in->key;

    return FK_OK;
}


/*
 * A batch and a card come back to the very slot that they had, since other
 * images name them by it.  Products, orders and payments have names of their
 * own and take the next slot.
 */

static fk_code_t
fk_apply_batch(fk_t *fk, uint64_t seq, const fk_image_t *image)
{
    fk_str_t                 sku;
    uint32_t                 product;
    fk_code_t                rc;
    fk_batch_rec_t          *b;
    const fk_image_batch_t  *in;

    in = &image->batch;

    rc = fk_slot_judge(fk, FK_TABLE_BATCHES, in->slot);
    if (rc != FK_OK) {
        return rc;
    }

    sku.data = (const uint8_t *) in->sku;
    sku.size = in->sku_size;
    product = in->sku_size == 0 ? 0 : fk_product_find(fk, sku);

    if (in->state > FK_BATCH_ABORTED
        || (product == 0) != (in->state == FK_BATCH_FREE))
    {
        return FK_CORRUPT;
    }

    fk_slot_claim(fk, FK_TABLE_BATCHES, in->slot);
    b = FK_BATCH(fk, in->slot);

    /* What the slot was before says nothing about the batch that it is. */
    if (b->state == FK_BATCH_FREE) {
        memset(b, 0, sizeof(*b));
    }

    if (b->seq >= seq) {
        return FK_OK;
    }

    b->seq = seq;
    b->product = product;
    b->state = in->state;
    b->accepted = in->accepted;
    b->created_s = in->created_s;

    return FK_OK;
}


/*
 * A card has no record number, to stay small.  It needs none: a card never
 * changes, it only comes and goes, and records are applied without gaps.
 */

static fk_code_t
fk_apply_card(fk_t *fk, uint64_t seq, const fk_image_t *image)
{
    uint32_t                blocks;
    fk_code_t               rc;
    fk_card_rec_t          *c;
    const fk_image_card_t  *in;

    in = &image->card;

    rc = fk_slot_judge(fk, FK_TABLE_CARDS, in->slot);
    if (rc != FK_OK) {
        return rc;
    }

    if (in->batch == 0 || in->batch > fk->region->table[FK_TABLE_BATCHES].fresh
        || FK_BATCH(fk, in->batch)->state == FK_BATCH_FREE
        || in->sealed_size <= FK_SEAL_SIZE)
    {
        return FK_CORRUPT;
    }

    blocks = in->sealed_size <= FK_CARD_INLINE_SIZE ? 0
             : FK_BLOCKS_FOR(in->sealed_size - FK_CARD_HEAD_SIZE);

    if (blocks > fk_table_room(fk, FK_TABLE_BLOCKS)) {
        return FK_TABLE_FULL;
    }

    fk_slot_claim(fk, FK_TABLE_CARDS, in->slot);
    c = FK_CARD(fk, in->slot);

    /* Two cards in one slot: one of them would be lost without a word. */
    if (c->owner != FK_OWNER_FREE) {
        return FK_CORRUPT;
    }

    fk_card_write(fk, in->slot, in->batch, in->sealed, in->sealed_size);
    c->next = 0;
    c->owner = FK_OWNER_POOL;

    return FK_OK;
}


static fk_code_t
fk_apply_card_free(fk_t *fk, uint64_t seq, const fk_image_t *image)
{
    uint32_t        slot, block;
    fk_card_rec_t  *c;

    slot = image->card_free.slot;

    if (slot == 0 || slot > fk->region->table[FK_TABLE_CARDS].fresh) {
        return FK_CORRUPT;
    }

    c = FK_CARD(fk, slot);

    /* Nor is a card taken away that a buyer has. */
    if (c->owner != FK_OWNER_POOL) {
        return FK_CORRUPT;
    }

    if (FK_CARD_SEALED(c) > FK_CARD_INLINE_SIZE) {
        memcpy(&block, c->sealed + FK_CARD_HEAD_SIZE, sizeof(block));
        fk_blob_free(fk, block);
    }

    c->owner = FK_OWNER_FREE;

    return FK_OK;
}


static fk_code_t
fk_apply_order(fk_t *fk, uint64_t seq, const fk_image_t *image)
{
    fk_str_t                 sku;
    uint32_t                 i, product;
    fk_code_t                rc;
    fk_order_rec_t          *o;
    const fk_image_order_t  *in;

    in = &image->order;

    if (!fk_order_image_good(in)) {
        return FK_CORRUPT;
    }

    sku.data = (const uint8_t *) in->sku;
    sku.size = in->sku_size;
    product = fk_product_find(fk, sku);

    if (product == 0) {
        return FK_CORRUPT;
    }

    i = fk_order_find(fk, in->id);

    if (i == 0) {
        rc = fk_order_make(fk, product, in, &i);
        if (rc != FK_OK) {
            return rc;
        }
    }

    o = FK_ORDER(fk, i);

    /* What its cards and counters hang on cannot have changed. */
    if (o->product != product || o->qty != in->qty) {
        return FK_CORRUPT;
    }

    if (o->seq >= seq) {
        return FK_OK;
    }

    o->seq = seq;
    o->amount = in->amount;
    o->created_ms = in->created_ms;
    o->expires_s = in->expires_s;
    o->paid_s = in->paid_s;
    o->axis_payment = in->axis_payment;
    o->axis_stock = in->axis_stock;
    o->axis_delivery = in->axis_delivery;
    o->cancelled = in->cancelled;

    return fk_order_cards_apply(fk, i, in);
}


static fk_code_t
fk_apply_payment(fk_t *fk, uint64_t seq, const fk_image_t *image)
{
    uint32_t                   order, i;
    uint64_t                   hash;
    fk_code_t                  rc;
    fk_order_rec_t            *o;
    fk_payment_rec_t          *p;
    const fk_image_payment_t  *in;

    in = &image->payment;
    order = fk_order_find(fk, in->order);

    if (order == 0 || in->trade_no_size == 0 || in->amount < 1
        || in->state >= FK_PAYMENT_STATE_COUNT)
    {
        return FK_CORRUPT;
    }

    o = FK_ORDER(fk, order);
    hash = fk_trade_hash(o->channel, in->trade_no, in->trade_no_size);
    i = fk_trade_find(fk, o->channel, hash, in->trade_no, in->trade_no_size);

    if (i == 0) {
        rc = fk_payment_make(fk, order, hash, in, &i);
        if (rc != FK_OK) {
            return rc;
        }
    }

    p = FK_PAYMENT(fk, i);

    /* One payment pays one order: the same money is not there twice. */
    if (p->order != order) {
        return FK_CORRUPT;
    }

    if (p->seq >= seq) {
        return FK_OK;
    }

    p->seq = seq;
    p->amount = in->amount;
    p->at_s = in->at_s;
    p->state = in->state;

    return FK_OK;
}


/* A stable slot number beyond the table asks for a larger region. */

static fk_code_t
fk_slot_judge(const fk_t *fk, fk_table_id_t id, uint32_t slot)
{
    if (slot == 0) {
        return FK_CORRUPT;
    }

    return slot > fk->region->table[id].capacity ? FK_TABLE_FULL : FK_OK;
}


/* Not empty, and without the NUL that will stand behind it. */

static int
fk_text_good(const char *text, size_t size)
{
    return size > 0 && memchr(text, '\0', size) == NULL;
}


static int
fk_order_image_good(const fk_image_order_t *in)
{
    return fk_text_good(in->sku, in->sku_size)
           && fk_text_good(in->channel, in->channel_size)
           && (in->idem_size == 0 || in->idem_size == FK_IDEM_SIZE)
           && in->contact_size > 0
           && in->qty >= 1 && in->qty <= FK_QTY_MAX
           && in->card_count <= in->qty
           && in->amount >= 1 && in->amount <= FK_AMOUNT_MAX
           && in->axis_payment < FK_PAYMENT_COUNT
           && in->axis_stock < FK_STOCK_COUNT
           && in->axis_delivery < FK_DELIVERY_COUNT
           && in->cancelled <= 1;
}


/* What of an order never changes is taken from its first image. */

static fk_code_t
fk_order_make(fk_t *fk, uint32_t product, const fk_image_order_t *in,
    uint32_t *order)
{
    uint32_t         i;
    fk_order_rec_t  *o;

    if (fk_table_room(fk, FK_TABLE_ORDERS) == 0
        || fk_table_room(fk, FK_TABLE_BLOCKS)
           < FK_BLOCKS_FOR(in->contact_size))
    {
        return FK_TABLE_FULL;
    }

    /* A repeated request would find only one of the two. */
    if (in->idem_size > 0 && fk_idem_find(fk, in->idem) != 0) {
        return FK_CORRUPT;
    }

    i = fk_slot_take(fk, FK_TABLE_ORDERS);
    o = FK_ORDER(fk, i);
    memset(o, 0, sizeof(*o));

    memcpy(o->id, in->id, sizeof(o->id));
    o->product = product;
    o->qty = in->qty;
    memcpy(o->body, in->body, sizeof(o->body));
    memcpy(o->channel, in->channel, in->channel_size);
    o->contact_size = (uint8_t) in->contact_size;
    o->contact = fk_blob_make(fk, in->contact, in->contact_size);
    o->used = 1;

    fk_chain_insert(fk, fk_order_bucket(fk, o->id), &o->hnext, i);

    if (in->idem_size > 0) {
        o->has_idem = 1;
        memcpy(o->idem, in->idem, sizeof(o->idem));
        fk_chain_insert(fk, fk_idem_bucket(fk, o->idem), &o->idem_hnext, i);
    }

    *order = i;
    return FK_OK;
}


/*
 * The cards that the order had before go back, those of the image are its
 * own.  Each must be for sale: nobody else's, of this product, and live.
 */

static fk_code_t
fk_order_cards_apply(fk_t *fk, uint32_t order, const fk_image_order_t *in)
{
    int               shared;
    uint32_t          n, slot, next;
    fk_card_rec_t    *c;
    fk_batch_rec_t   *b;
    fk_order_rec_t   *o;

    o = FK_ORDER(fk, order);
    shared = FK_PRODUCT(fk, o->product)->kind == FK_KIND_SHARED;

    for (slot = o->first_card; slot != 0; slot = next) {
        c = FK_CARD(fk, slot);
        next = c->next;

        if (c->owner == order) {
            c->owner = FK_OWNER_POOL;
            c->next = 0;
        }
    }

    o->first_card = 0;

    /* From the last one: each is put in front, so the order stays. */
    for (n = in->card_count; n > 0; n--) {
        slot = in->card[n - 1];

        if (slot == 0 || slot > fk->region->table[FK_TABLE_CARDS].fresh) {
            return FK_CORRUPT;
        }

        c = FK_CARD(fk, slot);

        if (c->owner != FK_OWNER_POOL) {
            return FK_CORRUPT;
        }

        b = FK_BATCH(fk, FK_CARD_BATCH(c));

        if (b->state != FK_BATCH_LIVE || b->product != o->product) {
            return FK_CORRUPT;
        }

        if (!shared) {
            c->owner = order;
            c->next = o->first_card;
        }

        o->first_card = slot;
    }

    return FK_OK;
}


/* The new one goes to the end of its order's list: oldest first. */

static fk_code_t
fk_payment_make(fk_t *fk, uint32_t order, uint64_t hash,
    const fk_image_payment_t *in, uint32_t *payment)
{
    uint32_t          i, count, *link;
    fk_payment_rec_t  *p;

    count = 0;
    for (link = &FK_ORDER(fk, order)->payment; *link != 0;
         link = &FK_PAYMENT(fk, *link)->next)
    {
        if (++count == FK_ORDER_PAYMENTS_MAX) {
            return FK_CORRUPT;
        }
    }

    if (fk_table_room(fk, FK_TABLE_PAYMENTS) == 0
        || fk_table_room(fk, FK_TABLE_BLOCKS)
           < FK_BLOCKS_FOR(in->trade_no_size))
    {
        return FK_TABLE_FULL;
    }

    i = fk_slot_take(fk, FK_TABLE_PAYMENTS);
    p = FK_PAYMENT(fk, i);
    memset(p, 0, sizeof(*p));

    p->hash = hash;
    p->order = order;
    p->trade_no_size = (uint8_t) in->trade_no_size;
    p->trade_no = fk_blob_make(fk, in->trade_no, in->trade_no_size);
    p->used = 1;
    *link = i;

    fk_chain_insert(fk, fk_bucket(fk, FK_INDEX_PAYMENTS, hash), &p->hnext, i);

    *payment = i;
    return FK_OK;
}

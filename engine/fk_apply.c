/*
 * A record's images into the tables of a shop that recovers; those of orders
 * and payments are in fk_apply_order.c.
 *
 * Nothing that stands in a record is trusted: every slot number, size and
 * count is held against the tables before it is used, and an entity that
 * names one which is not there is damage.  What cannot be judged from one
 * record alone (sums, double use) is found by fk_rebuild() and fk_check()
 * before the shop opens.
 *
 * Until fk_rebuild() the tables are raw: cards of an order are linked, its
 * payments and its split too, and the indexes of products, orders,
 * Idempotency-Keys, payments and accounts are up to date, as is
 * product.orders_count; the rest is not there yet.  A shared product's key
 * waits in product.importing.
 */

#include "fk_journal.h"


typedef fk_code_t (*fk_apply_pt)(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image);


static fk_code_t fk_apply_product(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image);
static fk_code_t fk_apply_batch(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image);
static fk_code_t fk_apply_card(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image);
static fk_code_t fk_apply_card_free(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image);
static int fk_product_image_good(const fk_image_product_t *in);
static int fk_image_tiers_good(const fk_image_product_t *in);
static int fk_product_fixed(const fk_product_rec_t *p,
    const fk_image_product_t *in);
static int fk_card_same(const fk_t *fk, const fk_card_rec_t *c,
    const fk_image_card_t *in);


static const fk_apply_pt  fk_apply_table[FK_IMAGE_LAST] = {
    [FK_IMAGE_PRODUCT] = fk_apply_product,
    [FK_IMAGE_BATCH] = fk_apply_batch,
    [FK_IMAGE_CARD] = fk_apply_card,
    [FK_IMAGE_CARD_FREE] = fk_apply_card_free,
    [FK_IMAGE_ORDER] = fk_apply_order,
    [FK_IMAGE_PAYMENT] = fk_apply_payment,
    [FK_IMAGE_ORDER_GONE] = fk_apply_order_gone,
    [FK_IMAGE_BATCH_ARCHIVED] = fk_apply_batch_archived,
    [FK_IMAGE_LEVEL] = fk_apply_level,
    [FK_IMAGE_COUPON] = fk_apply_coupon,
    [FK_IMAGE_TALLY] = fk_apply_tally,
    [FK_IMAGE_ACCOUNT] = fk_apply_account,
    [FK_IMAGE_SPLIT] = fk_apply_split,
    [FK_IMAGE_WITHDRAWAL] = fk_apply_withdrawal,
    [FK_IMAGE_START] = fk_apply_start
};


fk_code_t
fk_apply_images(fk_t *fk, const fk_record_head_t *head, const uint8_t *data)
{
    size_t           used, image_size;
    uint32_t         n;
    fk_code_t        rc;
    fk_image_t       image;
    fk_origin_t      from;
    fk_image_type_t  type;

    used = FK_RECORD_HEAD_SIZE;
    from.seq = head->seq;
    from.loading = 0;
    from.fuzzy = head->seq <= fk->region->load.end_seq;

    for (n = 0; n < head->count; n++) {
        rc = fk_image_get(data + used, head->size - used, &type, &image_size,
                          &image);
        if (rc != FK_OK) {
            return rc;
        }

        rc = fk_apply_image(fk, &from, type, &image);
        if (rc != FK_OK) {
            return rc;
        }

        used += image_size;
    }

    return head->size - used < FK_RECORD_ALIGN ? FK_OK : FK_CORRUPT;
}


fk_code_t
fk_apply_image(fk_t *fk, const fk_origin_t *from, fk_image_type_t type,
    const fk_image_t *image)
{
    fk_code_t  rc;

    /* Nothing changes by the head and the foot of a snapshot. */
    if (fk_apply_table[type] == NULL) {
        return FK_CORRUPT;
    }

    rc = fk_apply_table[type](fk, from, image);

    /* The helpers note what they overwrite; nobody will need it. */
    fk_commit(fk);

    return rc;
}


/*
 * Counters that other entities add up to (held, sold, available) are not in
 * the image and not touched: fk_rebuild() counts them when all are there.
 */

static fk_code_t
fk_apply_product(fk_t *fk, const fk_origin_t *from, const fk_image_t *image)
{
    fk_str_t                   sku;
    uint32_t                   i;
    fk_product_rec_t          *p;
    const fk_image_product_t  *in;

    in = &image->product;

    if (!fk_product_image_good(in)) {
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

    } else if (from->loading) {
        return FK_CORRUPT;
    }

    p = FK_PRODUCT(fk, i);

    /* In the window what hangs on it may be younger than this image. */
    if (!from->fuzzy && !fk_product_fixed(p, in)) {
        return FK_CORRUPT;
    }

    p->seq = from->seq;
    memset(p->name, 0, sizeof(p->name));
    memcpy(p->name, in->name, in->name_size);
    memcpy(p->currency, in->currency, FK_CURRENCY_SIZE - 1);
    p->price = in->price;
    p->imported = in->imported;
    p->voided = in->voided;
    p->archived_units = in->archived_units;
    p->archived_orders = in->archived_orders;
    p->archived_amount = in->archived_amount;
    p->sale_from_s = in->sale_from_s;
    p->sale_to_s = in->sale_to_s;
    p->created_s = in->created_s;
    p->updated_s = in->updated_s;
    p->qty_max = in->qty_max;
    p->kind = in->kind;
    p->on_sale = in->on_sale;
    p->buyer_limit = in->buyer_limit;
    p->tier_count = (uint8_t) in->tier_count;
    memcpy(p->tier_min_qty, in->tier_min_qty,
           in->tier_count * sizeof(in->tier_min_qty[0]));
    memcpy(p->tier_price, in->tier_price,
           in->tier_count * sizeof(in->tier_price[0]));

    /* The key's card may come later, or go again: judged at the end.  So may
     * the merchant, whose place in a snapshot is behind the products'. */
    p->importing = in->key;
    p->merchant = in->merchant;

    return FK_OK;
}


static int
fk_product_image_good(const fk_image_product_t *in)
{
    return fk_text_good(in->sku, in->sku_size)
           && fk_text_good(in->name, in->name_size)
           && fk_text_good(in->currency, FK_CURRENCY_SIZE - 1)
           && in->kind < FK_KIND_COUNT && in->on_sale <= 1
           && in->qty_max >= 1 && in->qty_max <= FK_QTY_MAX
           && (in->kind != FK_KIND_SHARED || in->qty_max == 1)
           && in->price >= 0 && in->price <= FK_AMOUNT_MAX / in->qty_max
           && in->imported >= 0 && in->imported <= FK_UNITS_MAX
           && in->voided >= 0 && in->voided <= in->imported
           && in->archived_units >= 0 && in->archived_units <= FK_UNITS_MAX
           && in->archived_orders >= 0 && in->archived_orders <= FK_UNITS_MAX
           && in->archived_amount >= 0 && in->archived_amount <= FK_UNITS_MAX
           && in->tier_count == in->tier_price_count
           && fk_image_tiers_good(in);
}


static int
fk_image_tiers_good(const fk_image_product_t *in)
{
    uint32_t   n;
    fk_tier_t  tier[FK_TIERS_MAX];

    assert(in->tier_count <= FK_TIERS_MAX);

    for (n = 0; n < in->tier_count; n++) {
        tier[n].min_qty = in->tier_min_qty[n];
        tier[n].price = in->tier_price[n];
    }

    return fk_tiers_good(tier, in->tier_count, in->qty_max);
}


/*
 * As fk_product_put() has it: stock and orders hang on these two.  A batch
 * that is no stock yet does not: it may have been given up by a restart,
 * which writes no record.
 */

static int
fk_product_fixed(const fk_product_rec_t *p, const fk_image_product_t *in)
{
    return (p->imported == 0 && p->orders_count == 0)
           || (p->kind == in->kind
               && memcmp(p->currency, in->currency, FK_CURRENCY_SIZE - 1)
                  == 0);
}


/*
 * A batch and a card come back to the very slot that they had, since other
 * images name them by it.  Products, orders and payments have names of their
 * own and take the next slot.
 */

static fk_code_t
fk_apply_batch(fk_t *fk, const fk_origin_t *from, const fk_image_t *image)
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
        || (product == 0) != (in->state == FK_BATCH_FREE)
        || in->archived > in->accepted)
    {
        return FK_CORRUPT;
    }

    fk_slot_claim(fk, FK_TABLE_BATCHES, in->slot);
    b = FK_BATCH(fk, in->slot);

    /*
     * What the slot was before says nothing about the batch that it is.  One
     * that is there stays its product's: its cards do.
     */
    if (b->state == FK_BATCH_FREE) {
        memset(b, 0, sizeof(*b));

    } else if (from->loading || (product != 0 && product != b->product)) {
        return FK_CORRUPT;
    }

    b->seq = from->seq;
    b->product = product;
    b->state = in->state;
    b->accepted = in->accepted;
    b->archived = in->archived;
    b->created_s = in->created_s;

    return FK_OK;
}


/*
 * A card has no record number, to stay small.  It needs none: a card never
 * changes, it only comes and goes.  Nothing goes while a snapshot is made, so
 * in its window a card may come that is there, but never another one.
 */

static fk_code_t
fk_apply_card(fk_t *fk, const fk_origin_t *from, const fk_image_t *image)
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

    if (in->batch == 0 || in->sealed_size <= FK_SEAL_SIZE) {
        return FK_CORRUPT;
    }

    /* A batch that came when the walk was past its slot: the tail has both. */
    if (in->batch > fk->region->table[FK_TABLE_BATCHES].fresh
        || FK_BATCH(fk, in->batch)->state == FK_BATCH_FREE)
    {
        return from->loading ? FK_OK : FK_CORRUPT;
    }

    blocks = in->sealed_size <= FK_CARD_INLINE_SIZE ? 0
             : FK_BLOCKS_FOR(in->sealed_size - FK_CARD_HEAD_SIZE);

    fk_slot_claim(fk, FK_TABLE_CARDS, in->slot);
    c = FK_CARD(fk, in->slot);

    /* Two cards in one slot: one of them would be lost without a word. */
    if (c->owner != FK_OWNER_FREE) {
        return from->fuzzy && !from->loading && fk_card_same(fk, c, in)
               ? FK_OK : FK_CORRUPT;
    }

    if (blocks > fk_table_room(fk, FK_TABLE_BLOCKS)) {
        return FK_TABLE_FULL;
    }

    fk_card_write(fk, in->slot, in->batch, in->sealed, in->sealed_size);
    c->next = 0;
    c->owner = FK_OWNER_POOL;

    return FK_OK;
}


static int
fk_card_same(const fk_t *fk, const fk_card_rec_t *c,
    const fk_image_card_t *in)
{
    uint8_t  sealed[FK_SEALED_SIZE_MAX];

    if (FK_CARD_BATCH(c) != in->batch || FK_CARD_SEALED(c) != in->sealed_size)
    {
        return 0;
    }

    fk_card_read(fk, c, sealed);
    return memcmp(sealed, in->sealed, in->sealed_size) == 0;
}


static fk_code_t
fk_apply_card_free(fk_t *fk, const fk_origin_t *from, const fk_image_t *image)
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


fk_code_t
fk_slot_judge(const fk_t *fk, fk_table_id_t id, uint32_t slot)
{
    if (slot == 0) {
        return FK_CORRUPT;
    }

    return slot > fk->region->table[id].capacity ? FK_TABLE_FULL : FK_OK;
}


/* Not empty, and without the NUL that will stand behind it. */

int
fk_text_good(const char *text, size_t size)
{
    return size > 0 && memchr(text, '\0', size) == NULL;
}

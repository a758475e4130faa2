/*
 * Images of orders and payments into the tables of a shop that recovers, and
 * the cards that an order names.
 *
 * In the window of a snapshot an order may name a card that another one has
 * in these tables, or one that is not there yet: what is fuzzy is tolerated,
 * as the journal has it again, and nothing else.  Outside of it a card that
 * is not for sale is damage.
 */

#include "fk_check.h"
#include "fk_journal.h"


static fk_code_t fk_order_notes_apply(fk_t *fk, const fk_origin_t *from,
    fk_order_rec_t *o, const fk_image_order_t *in);
static int fk_image_steps_good(const fk_image_order_t *in);
static fk_code_t fk_order_make(fk_t *fk, uint32_t product,
    const fk_image_order_t *in, uint32_t *order);
static fk_code_t fk_order_cards_apply(fk_t *fk, const fk_origin_t *from,
    uint32_t order, const fk_image_order_t *in);
static fk_code_t fk_order_card_judge(fk_t *fk, const fk_origin_t *from,
    uint32_t order, uint32_t slot);
static fk_code_t fk_order_card_steal(fk_t *fk, uint32_t order, uint32_t slot);
static fk_code_t fk_payment_make(fk_t *fk, uint32_t order, uint64_t hash,
    const fk_image_payment_t *in, uint32_t *payment);


fk_code_t
fk_apply_order(fk_t *fk, const fk_origin_t *from, const fk_image_t *image)
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

    if (product == 0 || !fk_order_terms_there(fk, in->tally, in->coupon)
        || (in->agent != 0 && !fk_account_used(fk, in->agent)))
    {
        return fk_apply_missing(from);
    }

    i = fk_order_find(fk, in->id);

    if (i == 0) {
        rc = fk_order_make(fk, product, in, &i);
        if (rc != FK_OK) {
            return rc;
        }

    } else if (from->loading) {
        return FK_CORRUPT;
    }

    o = FK_ORDER(fk, i);

    /* What its cards and counters hang on cannot have changed. */
    if (o->product != product || o->qty != in->qty
        || o->coupon != in->coupon || o->agent != in->agent
        || memcmp(o->tally, in->tally, sizeof(o->tally)) != 0)
    {
        return FK_CORRUPT;
    }

    o->seq = from->seq;
    o->amount = in->amount;
    o->created_ms = in->created_ms;
    o->expires_s = in->expires_s;
    o->paid_s = in->paid_s;
    o->axis_payment = in->axis_payment;
    o->axis_stock = in->axis_stock;
    o->axis_delivery = in->axis_delivery;
    o->cancelled = in->cancelled;
    o->rules = in->rules;
    o->review = in->review;
    o->flagged = in->flagged;

    rc = fk_order_notes_apply(fk, from, o, in);

    return rc == FK_OK ? fk_order_cards_apply(fk, from, i, in) : rc;
}


/*
 * The steps are its first image's; a reason may come with a payment, and
 * stays.  In the window the image may be older than that payment.
 */

static fk_code_t
fk_order_notes_apply(fk_t *fk, const fk_origin_t *from, fk_order_rec_t *o,
    const fk_image_order_t *in)
{
    if (o->reason_size != 0 || in->reason_size == 0) {
        return o->reason_size == in->reason_size
               || (from->fuzzy && in->reason_size == 0) ? FK_OK : FK_CORRUPT;
    }

    if (fk_table_room(fk, FK_TABLE_BLOCKS) < FK_BLOCKS_FOR(in->reason_size)) {
        return FK_TABLE_FULL;
    }

    o->reason = fk_blob_make(fk, in->reason, in->reason_size);
    o->reason_size = (uint8_t) in->reason_size;

    return FK_OK;
}


fk_code_t
fk_apply_payment(fk_t *fk, const fk_origin_t *from, const fk_image_t *image)
{
    uint32_t                   order, i;
    uint64_t                   hash;
    fk_code_t                  rc;
    fk_order_rec_t            *o;
    fk_payment_rec_t          *p;
    const fk_image_payment_t  *in;

    in = &image->payment;

    if (in->trade_no_size == 0
        || in->amount < 1 || in->amount > FK_AMOUNT_MAX
        || in->state >= FK_PAYMENT_STATE_COUNT || in->revoked > 1)
    {
        return FK_CORRUPT;
    }

    order = fk_order_find(fk, in->order);

    if (order == 0) {
        return fk_apply_missing(from);
    }

    o = FK_ORDER(fk, order);
    hash = fk_trade_hash(o->channel, in->trade_no, in->trade_no_size);
    i = fk_trade_find(fk, o->channel, hash, in->trade_no, in->trade_no_size);

    if (i == 0) {
        rc = fk_payment_make(fk, order, hash, in, &i);
        if (rc != FK_OK) {
            return rc;
        }

    } else if (from->loading) {
        return FK_CORRUPT;
    }

    p = FK_PAYMENT(fk, i);

    /* One payment pays one order: the same money is not there twice. */
    if (p->order != order) {
        return FK_CORRUPT;
    }

    p->seq = from->seq;
    p->amount = in->amount;
    p->at_s = in->at_s;
    p->state = in->state;
    p->revoked = in->revoked;

    return FK_OK;
}


/*
 * What an entity of a snapshot refers to is not there: then that came after
 * the snapshot's begin, and so did the reference; the journal brings both.
 * One that is older cannot refer to what was not there yet.
 */

fk_code_t
fk_apply_missing(const fk_origin_t *from)
{
    if (!from->loading || !from->fuzzy) {
        return FK_CORRUPT;
    }

    FK_REACHED(MISSING);
    return FK_OK;
}


int
fk_order_image_good(const fk_image_order_t *in)
{
    return fk_text_good(in->sku, in->sku_size)
           && fk_text_good(in->channel, in->channel_size)
           && (in->idem_size == 0 || in->idem_size == FK_IDEM_SIZE)
           && in->contact_size > 0
           && in->qty >= 1 && in->qty <= FK_QTY_MAX
           && in->card_count <= in->qty
           && in->amount <= FK_AMOUNT_MAX
           && fk_amount_good(in->amount, in->axis_payment)
           && in->axis_payment < FK_PAYMENT_COUNT
           && in->axis_stock < FK_STOCK_COUNT
           && in->axis_delivery < FK_DELIVERY_COUNT
           && in->cancelled <= 1 && in->review <= FK_REVIEW_RETURNED_LATE
           && in->flagged <= 1
           && (in->step_count == 0
               || (in->step_count == FK_STEPS_KEPT
                   && fk_image_steps_good(in)));
}


static int
fk_image_steps_good(const fk_image_order_t *in)
{
    int64_t  step[FK_STEP_COUNT];

    memcpy(step, in->step, FK_STEPS_SIZE);
    step[FK_STEP_COUPON] = in->amount;

    return fk_steps_good(step);
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
           < FK_BLOCKS_FOR(in->contact_size) + (in->step_count != 0))
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
    o->agent = in->agent;
    o->coupon = in->coupon;
    memcpy(o->tally, in->tally, sizeof(o->tally));
    memcpy(o->body, in->body, sizeof(o->body));
    memcpy(o->channel, in->channel, in->channel_size);
    o->contact_size = (uint8_t) in->contact_size;
    o->contact = fk_blob_make(fk, in->contact, in->contact_size);

    if (in->step_count != 0) {
        o->steps = fk_blob_make(fk, (const uint8_t *) in->step,
                                FK_STEPS_SIZE);
    }

    o->used = 1;
    FK_PRODUCT(fk, product)->orders_count++;

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
fk_order_cards_apply(fk_t *fk, const fk_origin_t *from, uint32_t order,
    const fk_image_order_t *in)
{
    int              shared;
    uint32_t         n, slot, next;
    fk_code_t        rc;
    fk_card_rec_t   *c;
    fk_order_rec_t  *o;

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

        rc = fk_order_card_judge(fk, from, order, slot);
        if (rc == FK_AGAIN) {
            continue;
        }

        if (rc != FK_OK) {
            return rc;
        }

        if (!shared) {
            c = FK_CARD(fk, slot);
            c->owner = order;
            c->next = o->first_card;
        }

        o->first_card = slot;
    }

    return FK_OK;
}


/*
 * FK_OK: the card can be the order's.  FK_AGAIN: it is not there yet, and the
 * journal will name the order again.
 */

static fk_code_t
fk_order_card_judge(fk_t *fk, const fk_origin_t *from, uint32_t order,
    uint32_t slot)
{
    fk_card_rec_t   *c;
    fk_batch_rec_t  *b;

    if (slot == 0) {
        return FK_CORRUPT;
    }

    if (slot > fk->region->table[FK_TABLE_CARDS].fresh
        || FK_CARD(fk, slot)->owner == FK_OWNER_FREE)
    {
        return fk_apply_missing(from) == FK_OK ? FK_AGAIN : FK_CORRUPT;
    }

    c = FK_CARD(fk, slot);
    b = FK_BATCH(fk, FK_CARD_BATCH(c));

    if (b->product != FK_ORDER(fk, order)->product) {
        return FK_CORRUPT;
    }

    /* Read while it was still being staged, and sold when the walk came to
     * the orders. */
    if (b->state != FK_BATCH_LIVE) {
        return fk_apply_missing(from) == FK_OK ? FK_AGAIN : FK_CORRUPT;
    }

    if (c->owner == FK_OWNER_POOL) {
        return FK_OK;
    }

    if (c->owner == order || !from->fuzzy) {
        return FK_CORRUPT;
    }

    return fk_order_card_steal(fk, c->owner, slot);
}


/*
 * The card went from one order to another while the walk was between them, or
 * went through several: the journal names each of them again.  An order that
 * does not list what says that it is its own was lied about: its product was
 * of cards, and of one key, and of cards again.
 */

static fk_code_t
fk_order_card_steal(fk_t *fk, uint32_t order, uint32_t slot)
{
    uint32_t  n, *link;

    FK_REACHED(STEAL);
    link = &FK_ORDER(fk, order)->first_card;

    for (n = 0; n < FK_QTY_MAX && *link != 0; n++) {
        if (*link == slot) {
            *link = FK_CARD(fk, slot)->next;
            return FK_OK;
        }

        link = &FK_CARD(fk, *link)->next;
    }

    return FK_CORRUPT;
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

/*
 * Entities as images: what of a slot goes into the journal and into
 * snapshots.  Nothing is written here but the image, so a snapshot may take
 * one at any time under the lock.
 *
 * What is derived stays behind: it is made again by fk_rebuild().  Of a text
 * or a card only the bytes that count are set; fk_image_put() reads no more.
 */

#include "fk_journal.h"


static uint16_t fk_text_size(const char *text, size_t max);


void
fk_product_image(const fk_t *fk, uint32_t product, fk_image_product_t *image)
{
    const fk_product_rec_t  *p;

    p = FK_PRODUCT(fk, product);

    image->price = p->price;
    image->imported = p->imported;
    image->voided = p->voided;
    image->archived_units = p->archived_units;
    image->archived_orders = p->archived_orders;
    image->archived_amount = p->archived_amount;
    image->sale_from_s = p->sale_from_s;
    image->sale_to_s = p->sale_to_s;
    image->created_s = p->created_s;
    image->updated_s = p->updated_s;

    /* The pool's order is rebuilt from batches, but not which key is sold. */
    image->key = p->kind == FK_KIND_SHARED ? p->pool_tail : 0;
    image->qty_max = p->qty_max;
    image->kind = p->kind;
    image->on_sale = p->on_sale;
    memcpy(image->currency, p->currency, sizeof(image->currency));

    image->sku_size = fk_text_size(p->sku, FK_SKU_SIZE_MAX);
    memcpy(image->sku, p->sku, image->sku_size);
    image->name_size = fk_text_size(p->name, FK_NAME_SIZE_MAX);
    memcpy(image->name, p->name, image->name_size);

    image->buyer_limit = p->buyer_limit;
    image->tier_count = p->tier_count;
    image->tier_price_count = p->tier_count;
    memcpy(image->tier_min_qty, p->tier_min_qty, sizeof(p->tier_min_qty));
    memcpy(image->tier_price, p->tier_price, sizeof(p->tier_price));
    image->merchant = p->merchant;
}


void
fk_batch_image(const fk_t *fk, uint32_t batch, fk_image_batch_t *image)
{
    const char            *sku;
    const fk_batch_rec_t  *b;

    b = FK_BATCH(fk, batch);

    image->slot = batch;
    image->accepted = b->accepted;
    image->archived = b->archived;
    image->created_s = b->created_s;
    image->state = (uint8_t) b->state;
    image->sku_size = 0;

    /* One that is free names no product: its slot may serve another soon. */
    if (b->state != FK_BATCH_FREE) {
        sku = FK_PRODUCT(fk, b->product)->sku;
        image->sku_size = fk_text_size(sku, FK_SKU_SIZE_MAX);
        memcpy(image->sku, sku, image->sku_size);
    }
}


void
fk_card_image(const fk_t *fk, uint32_t card, fk_image_card_t *image)
{
    const fk_card_rec_t  *c;

    c = FK_CARD(fk, card);
    assert(c->owner != FK_OWNER_FREE);

    image->slot = card;
    image->batch = FK_CARD_BATCH(c);
    image->sealed_size = (uint16_t) FK_CARD_SEALED(c);
    fk_card_read(fk, c, image->sealed);
}


void
fk_order_image(const fk_t *fk, uint32_t order, fk_image_order_t *image)
{
    uint32_t                 card;
    const fk_order_rec_t    *o;
    const fk_product_rec_t  *p;

    o = FK_ORDER(fk, order);
    p = FK_PRODUCT(fk, o->product);

    memcpy(image->id, o->id, sizeof(image->id));
    image->amount = o->amount;
    image->created_ms = o->created_ms;
    image->expires_s = o->expires_s;
    image->paid_s = o->paid_s;
    image->qty = (uint16_t) o->qty;
    image->axis_payment = o->axis_payment;
    image->axis_stock = o->axis_stock;
    image->axis_delivery = o->axis_delivery;
    image->cancelled = o->cancelled;
    memcpy(image->body, o->body, sizeof(image->body));

    image->sku_size = fk_text_size(p->sku, FK_SKU_SIZE_MAX);
    memcpy(image->sku, p->sku, image->sku_size);
    image->channel_size = fk_text_size(o->channel, FK_CHANNEL_SIZE_MAX);
    memcpy(image->channel, o->channel, image->channel_size);
    image->idem_size = o->has_idem ? FK_IDEM_SIZE : 0;
    memcpy(image->idem, o->idem, sizeof(image->idem));
    assert(o->contact_size <= FK_CONTACT_SIZE_MAX);
    image->contact_size = o->contact_size;
    fk_blob_read(fk, o->contact, image->contact, o->contact_size);

    image->rules = o->rules;
    image->review = o->review;
    image->reason_size = o->reason_size;
    fk_blob_read(fk, o->reason, image->reason, o->reason_size);
    image->step_count = o->steps != 0 ? FK_STEPS_KEPT : 0;
    memcpy(image->tally, o->tally, sizeof(image->tally));
    image->coupon = o->coupon;

    if (o->steps != 0) {
        fk_blob_read(fk, o->steps, (uint8_t *) image->step, FK_STEPS_SIZE);
    }

    image->agent = o->agent;
    image->flagged = o->flagged;

    /* The key of a shared product is one card of many orders: not linked. */
    image->card_count = 0;
    for (card = o->first_card; card != 0; card = FK_CARD(fk, card)->next) {
        assert(image->card_count < FK_QTY_MAX);
        image->card[image->card_count++] = card;

        if (p->kind == FK_KIND_SHARED) {
            break;
        }
    }
}


void
fk_payment_image(const fk_t *fk, uint32_t payment, fk_image_payment_t *image)
{
    const fk_payment_rec_t  *p;

    p = FK_PAYMENT(fk, payment);

    memcpy(image->order, FK_ORDER(fk, p->order)->id, sizeof(image->order));
    image->amount = p->amount;
    image->at_s = p->at_s;
    image->state = p->state;
    image->revoked = p->revoked;
    assert(p->trade_no_size <= FK_TRADE_NO_SIZE_MAX);
    image->trade_no_size = p->trade_no_size;
    fk_blob_read(fk, p->trade_no, image->trade_no, p->trade_no_size);
}


void
fk_start_image(const fk_t *fk, uint32_t order, fk_image_start_t *image)
{
    const fk_order_rec_t  *o;

    o = FK_ORDER(fk, order);
    assert(o->start_size <= FK_START_SIZE_MAX);

    memcpy(image->order, o->id, sizeof(image->order));
    image->start_size = o->start_size;
    fk_blob_read(fk, o->start, image->start, o->start_size);
}


void
fk_level_image(const fk_t *fk, uint32_t level, fk_image_level_t *image)
{
    const fk_level_rec_t  *l;

    l = FK_LEVEL(fk, level);

    image->slot = level;
    image->min_spent = l->min_spent;
    image->off_bp = l->off_bp;
    image->name_size = fk_text_size(l->name, FK_LEVEL_NAME_SIZE_MAX);
    memcpy(image->name, l->name, image->name_size);
}


/* Slots of products are not stable: a journal knows them by SKU. */

void
fk_coupon_image(const fk_t *fk, uint32_t coupon, fk_image_coupon_t *image)
{
    uint32_t                n, size;
    const char             *sku;
    const fk_coupon_rec_t  *c;

    c = FK_COUPON_AT(fk, coupon);
    assert(c->product_count <= FK_COUPON_PRODUCTS_MAX);

    image->slot = coupon;
    image->from_s = c->from_s;
    image->to_s = c->to_s;
    image->created_s = c->created_s;
    image->updated_s = c->updated_s;
    image->uses_max = c->uses_max;
    image->value = c->value;
    image->cap = c->cap;
    image->min_amount = c->min_amount;
    image->archived_uses = c->archived_uses;
    image->uses_buyer_max = c->uses_buyer_max;
    image->kind = c->kind;
    image->on = c->on;
    memcpy(image->currency, c->currency, sizeof(image->currency));
    image->code_size = fk_text_size(c->code, FK_COUPON_CODE_SIZE_MAX);
    memcpy(image->code, c->code, image->code_size);
    image->products_size = 0;

    for (n = 0; n < c->product_count; n++) {
        sku = FK_PRODUCT(fk, c->product[n])->sku;
        size = fk_text_size(sku, FK_SKU_SIZE_MAX);
        memcpy(image->products + image->products_size, sku, size);
        image->products[image->products_size + size] = '\0';
        image->products_size = (uint16_t) (image->products_size + size + 1);
    }
}


void
fk_tally_image(const fk_t *fk, uint32_t tally, fk_image_tally_t *image)
{
    const fk_tally_rec_t  *t;

    t = FK_TALLY(fk, tally);

    image->slot = tally;
    image->last_paid_s = t->last_paid_s;
    image->archived_orders = t->archived.orders;
    image->archived_units = t->archived.units;
    image->archived_amount = t->archived.amount;
    memcpy(image->key, t->key, sizeof(image->key));
    image->used = t->used;
    image->kind = t->kind;
    image->level = t->level;
}


void
fk_account_image(const fk_t *fk, uint32_t account, fk_image_account_t *image)
{
    const fk_account_rec_t  *a;

    a = FK_ACCOUNT(fk, account);

    image->slot = account;
    image->parent = a->parent;
    image->created_s = a->created_s;
    image->archived_earned = a->archived_earned;
    image->archived_withdrawn = a->archived_withdrawn;
    image->archived_spent = a->archived_spent;
    image->archived_credited = a->archived_credited;
    memcpy(image->rate_bp, a->rate_bp, sizeof(image->rate_bp));
    image->kind = a->kind;
    image->closed = a->closed;
    memcpy(image->currency, a->currency, sizeof(image->currency));
    memcpy(image->token, a->token, sizeof(image->token));
    memcpy(image->buyer, a->buyer, sizeof(image->buyer));
    image->id_size = fk_text_size(a->id, FK_ACCOUNT_SIZE_MAX);
    memcpy(image->id, a->id, image->id_size);
}


void
fk_split_image(const fk_t *fk, uint32_t split, fk_image_split_t *image)
{
    uint32_t               n;
    const fk_split_rec_t  *s;

    s = FK_SPLIT(fk, split);

    memcpy(image->order, FK_ORDER(fk, s->order)->id, sizeof(image->order));
    image->paid = s->paid;
    image->made_s = s->made_s;
    image->settle_at_s = s->settle_at_s;
    image->payer = s->line[FK_LINE_PAYER].account;
    image->state = s->state;
    image->line_count = s->line_count;
    image->amount_count = s->line_count;

    for (n = 0; n < s->line_count; n++) {
        image->account[n] = s->line[n].account;
        image->amount[n] = s->amount[n];
    }

    image->part_count = s->part_count;
    image->parts_size = 0;

    for (n = 0; n < s->part_count; n++) {
        assert(s->part_size[n] <= FK_PART_SIZE_MAX);
        image->part_size[n] = s->part_size[n];
        fk_blob_read(fk, s->part[n], image->parts + image->parts_size,
                     s->part_size[n]);
        image->parts_size += s->part_size[n];
    }
}


void
fk_withdrawal_image(const fk_t *fk, uint32_t withdrawal,
    fk_image_withdrawal_t *image)
{
    const fk_withdrawal_rec_t  *w;

    w = FK_WITHDRAWAL(fk, withdrawal);

    image->slot = withdrawal;
    image->account = w->account;
    image->serial = w->serial;
    image->amount = w->amount;
    image->requested_s = w->requested_s;
    image->decided_s = w->decided_s;
    image->used = w->used;
    image->state = w->state;
    image->credit = w->credit;
    assert(w->note_size <= FK_REF_SIZE_MAX);
    image->note_size = w->note_size;
    memcpy(image->note, w->note, w->note_size);
}


static uint16_t
fk_text_size(const char *text, size_t max)
{
    return (uint16_t) strnlen(text, max);
}

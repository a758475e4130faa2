/*
 * An archived order back into the region, because a payment came for it:
 * money that is paid twice, or for an order that expired long ago, is booked
 * like any other.
 *
 * The record comes from outside.  Its bytes are judged before the lock is
 * taken; under the lock it is held against this shop; and only then one
 * transaction puts everything back.  The cards take new slots, as their old
 * ones may be others' by now, and belong to their old batches again; those
 * whose batch went with its last card get a new one, all together.
 *
 * A card that was imported again meanwhile comes back beside its twin: the
 * import could not know it, and the buyer has it already.
 */

#include "fk_restore.h"


static fk_code_t fk_restore_locked(fk_t *fk, const fk_env_t *env,
    fk_archive_t *a, uint64_t mark, fk_order_view_t *out);
static int fk_restore_fits(const fk_t *fk, fk_archive_t *a, uint32_t product);
static void fk_restore_batches(const fk_t *fk, fk_archive_t *a,
    uint32_t product);
static int fk_restore_payments_fit(const fk_t *fk, const fk_archive_t *a);
static fk_code_t fk_restore_room(fk_t *fk, fk_archive_t *a);
static uint32_t fk_restore_order(fk_t *fk, const fk_archive_t *a,
    uint32_t product);
static uint32_t fk_restore_batch(fk_t *fk, const fk_env_t *env,
    uint32_t product, uint32_t count);
static void fk_restore_cards(fk_t *fk, const fk_archive_t *a, uint32_t order,
    uint32_t stray_batch, fk_archive_walk_t *walk);
static void fk_restore_payments(fk_t *fk, const fk_archive_t *a,
    uint32_t order, fk_archive_walk_t *walk);
static void fk_restore_audit(fk_t *fk, const fk_order_rec_t *o);


uint64_t
fk_archive_mark(fk_t *fk, const fk_order_id_t *id)
{
    uint64_t  mark;

    if (fk_lock_open(fk) != FK_OK) {
        return 0;
    }

    mark = fk_order_find(fk, id->bytes) == 0 ? fk->region->restores : 0;

    fk_unlock(fk);
    return mark;
}


fk_code_t
fk_archive_restore(fk_t *fk, const fk_env_t *env, const uint8_t *data,
    size_t size, uint64_t mark, fk_order_view_t *out)
{
    fk_code_t     rc;
    fk_archive_t  a;

    rc = fk_restore_parse(&a, data, size);
    if (rc != FK_OK) {
        return rc;
    }

    rc = fk_lock_open(fk);
    if (rc != FK_OK) {
        return rc;
    }

    rc = fk_restore_locked(fk, env, &a, mark, out);

    fk_unlock(fk);
    return rc;
}


/*
 * An archived order changes only by coming back, so while none has come back
 * its record is still the newest.  The sums could not tell: they fit as long
 * as other orders have left as much.
 */

static fk_code_t
fk_restore_locked(fk_t *fk, const fk_env_t *env, fk_archive_t *a,
    uint64_t mark, fk_order_view_t *out)
{
    fk_str_t           sku;
    uint32_t           n, order, product, batch;
    fk_code_t          rc;
    fk_archive_walk_t  walk;

    order = fk_order_find(fk, a->order.id);

    if (order != 0) {
        fk_order_fill(fk, order, out);
        return FK_EXISTS;
    }

    if (mark != fk->region->restores) {
        return FK_AGAIN;
    }

    sku.data = (const uint8_t *) a->order.sku;
    sku.size = a->order.sku_size;
    product = fk_product_find(fk, sku);

    if (product == 0 || !fk_restore_fits(fk, a, product)) {
        return FK_CONFLICT;
    }

    rc = fk_restore_room(fk, a);
    if (rc != FK_OK) {
        return rc;
    }

    fk_archive_walk(&walk, a->data, &a->head);
    fk_record_begin(fk, env);
    FK_SET(fk, fk->region->restores, fk->region->restores + 1);

    /* The images were read before: none of them is refused now. */
    fk_restore_take(fk, &a->buyer);
    order = fk_restore_order(fk, a, product);

    /* Behind the order and its tallies. */
    for (n = 0; n <= a->buyer.count; n++) {
        (void) fk_archive_next(&walk);
    }

    batch = a->strays != 0 ? fk_restore_batch(fk, env, product, a->strays)
                           : 0;
    fk_restore_cards(fk, a, order, batch, &walk);
    fk_archive_book(fk, order, a->sum, -1);
    fk_tally_archived(fk, FK_ORDER(fk, order)->tally, a->order.coupon);

    fk_record_order(fk, order);
    fk_restore_payments(fk, a, order, &walk);

    if (a->has_split) {
        fk_split_restore(fk, order, &a->split);
    }

    fk_restore_audit(fk, FK_ORDER(fk, order));

    if (a->start.start_size != 0) {
        fk_record_start(fk, order);
    }

    fk_record_product(fk, product);
    (void) fk_record_end(fk);
    fk_commit(fk);

    fk_order_fill(fk, order, out);

    return FK_OK;
}


/* Whether this very order can have left this shop. */

static int
fk_restore_fits(const fk_t *fk, fk_archive_t *a, uint32_t product)
{
    int64_t                  revoked;
    uint32_t                 key;
    const fk_product_rec_t  *p;

    p = FK_PRODUCT(fk, product);
    revoked = fk_order_units(a->order.qty, a->order.axis_stock).revoked;

    if (p->archived_units < a->sum.units
        || p->archived_orders < a->sum.orders
        || p->archived_amount < a->sum.amount
        || (p->kind != FK_KIND_SHARED && p->voided - p->revoked < revoked)
        || !fk_restore_payments_fit(fk, a)
        || !fk_restore_buyer_fits(fk, &a->order, &a->sum, &a->buyer)
        || (a->order.agent != 0 && !fk_account_used(fk, a->order.agent))
        || (a->has_split
            && !fk_split_restore_fits(fk, product, &a->split,
                                      a->order.axis_payment)))
    {
        return 0;
    }

    if (p->kind == FK_KIND_COUNTED || a->sum.units + revoked == 0) {
        return a->cards == 0;
    }

    if (p->kind == FK_KIND_CARD) {
        fk_restore_batches(fk, a, product);
        return a->cards == a->order.qty;
    }

    /* The key that this buyer got; newer ones may be for sale by now. */
    key = a->cards == 1 ? fk_card_find(fk, product, a->nonce) : 0;
    a->key = key;

    return key != 0 && a->order.qty == 1
           && FK_BATCH(fk, FK_CARD_BATCH(FK_CARD(fk, key)))->state
              == FK_BATCH_LIVE;
}


/*
 * A card is its batch's again if as many of it are archived as would come
 * back.  Its slot may be another batch's by now, of this product or not: then
 * it is a stray, or one of those, and the numbers are right either way.
 */

static void
fk_restore_batches(const fk_t *fk, fk_archive_t *a, uint32_t product)
{
    uint32_t               i, n, count;
    const fk_batch_rec_t  *b;

    for (i = 0; i < a->cards; i++) {
        b = a->batch[i] != 0
            && a->batch[i] <= fk->region->table[FK_TABLE_BATCHES].fresh
            ? FK_BATCH(fk, a->batch[i]) : NULL;

        count = 1;
        for (n = 0; n < i; n++) {
            count += a->batch[n] == a->batch[i];
        }

        if (b == NULL || b->state != FK_BATCH_LIVE || b->product != product
            || b->archived < count)
        {
            a->batch[i] = 0;
            a->strays++;
        }
    }
}


/* None of its trade numbers is booked for another order by now. */

static int
fk_restore_payments_fit(const fk_t *fk, const fk_archive_t *a)
{
    uint32_t                   n;
    fk_archive_walk_t          walk;
    const fk_image_payment_t  *in;

    in = &walk.image.payment;
    fk_archive_walk(&walk, a->data, &a->head);
    walk.next = a->payments_at;

    for (n = 0; n < a->payments; n++) {
        (void) fk_archive_next(&walk);

        if (fk_trade_find(fk, a->order.channel, a->trade[n], in->trade_no,
                          in->trade_no_size) != 0)
        {
            return 0;
        }
    }

    return 1;
}


/* A shared product's key is here: it takes no room. */

static fk_code_t
fk_restore_room(fk_t *fk, fk_archive_t *a)
{
    uint32_t  cards, blocks;

    cards = a->key != 0 ? 0 : a->cards;
    blocks = a->blocks + (a->key != 0 ? 0 : a->card_blocks);

    if (fk_table_room(fk, FK_TABLE_ORDERS) == 0
        || fk_table_room(fk, FK_TABLE_PAYMENTS) < a->payments
        || (a->has_split && fk_table_room(fk, FK_TABLE_SPLITS) == 0)
        || fk_table_room(fk, FK_TABLE_CARDS) < cards
        || fk_table_room(fk, FK_TABLE_BATCHES) < (a->strays != 0)
        || fk_table_room(fk, FK_TABLE_BLOCKS) < blocks
        || !fk_restore_buyer_room(fk, a->sum.amount, &a->buyer))
    {
        return FK_TABLE_FULL;
    }

    return fk_record_room(fk, a->images_size) ? FK_OK : FK_RING_FULL;
}


/* As a checkout makes one: plain stores, and the used mark noted. */

static uint32_t
fk_restore_order(fk_t *fk, const fk_archive_t *a, uint32_t product)
{
    uint32_t                 order;
    fk_order_rec_t          *o;
    const fk_image_order_t  *in;

    in = &a->order;
    order = fk_slot_take(fk, FK_TABLE_ORDERS);
    o = FK_ORDER(fk, order);
    memset(o, 0, sizeof(*o));

    memcpy(o->id, in->id, FK_ORDER_ID_SIZE);
    o->amount = in->amount;
    o->created_ms = in->created_ms;
    o->expires_s = in->expires_s;
    o->paid_s = in->paid_s;
    o->product = product;
    o->qty = in->qty;
    o->first_card = a->key;
    o->contact_size = (uint8_t) in->contact_size;
    o->contact = fk_blob_make(fk, in->contact, in->contact_size);
    o->queued = FK_QUEUED_NO;
    o->axis_payment = in->axis_payment;
    o->axis_stock = in->axis_stock;
    o->axis_delivery = in->axis_delivery;
    o->cancelled = in->cancelled;
    o->rules = in->rules;
    o->review = in->review;
    o->coupon = in->coupon;
    memcpy(o->tally, a->buyer.tally, sizeof(o->tally));
    o->agent = in->agent;
    o->flagged = in->flagged;

    if (in->step_count != 0) {
        o->steps = fk_blob_make(fk, (const uint8_t *) in->step,
                                FK_STEPS_SIZE);
    }

    if (in->reason_size != 0) {
        o->reason = fk_blob_make(fk, in->reason, in->reason_size);
        o->reason_size = (uint8_t) in->reason_size;
    }

    if (a->start.start_size != 0) {
        o->start = fk_blob_make(fk, a->start.start, a->start.start_size);
        o->start_size = a->start.start_size;
    }

    memcpy(o->channel, in->channel, sizeof(o->channel));
    memcpy(o->body, in->body, sizeof(o->body));

    FK_SET(fk, o->used, 1);
    fk_chain_insert(fk, fk_order_bucket(fk, o->id), &o->hnext, order);

    /* One key, one order: who has taken it since then keeps it. */
    if (in->idem_size != 0 && fk_idem_find(fk, in->idem) == 0) {
        o->has_idem = 1;
        memcpy(o->idem, in->idem, FK_IDEM_SIZE);
        fk_chain_insert(fk, fk_idem_bucket(fk, o->idem), &o->idem_hnext,
                        order);
    }

    return order;
}


/* A batch of cards that are all sold: it has none in its list. */

static uint32_t
fk_restore_batch(fk_t *fk, const fk_env_t *env, uint32_t product,
    uint32_t count)
{
    uint32_t         batch;
    fk_batch_rec_t  *b;

    FK_REACHED(STRAY);
    batch = fk_batch_take(fk);
    b = FK_BATCH(fk, batch);
    b->product = product;
    b->accepted = count;
    b->created_s = fk_now_s(env);

    FK_SET(fk, b->state, FK_BATCH_LIVE);
    fk_record_batch(fk, batch);

    return batch;
}


/*
 * The cards in the order in which the buyer saw them.  Of a shared product
 * only the walk goes on: its key never left.
 */

static void
fk_restore_cards(fk_t *fk, const fk_archive_t *a, uint32_t order,
    uint32_t stray_batch, fk_archive_walk_t *walk)
{
    uint32_t          n, card, batch, *link;
    fk_card_rec_t    *c;
    fk_order_rec_t   *o;
    fk_image_card_t  *in;

    o = FK_ORDER(fk, order);
    in = &walk->image.card;
    link = &o->first_card;

    for (n = 0; n < a->cards; n++) {
        (void) fk_archive_next(walk);

        if (a->key != 0) {
            continue;
        }

        batch = a->batch[n] != 0 ? a->batch[n] : stray_batch;
        card = fk_slot_take(fk, FK_TABLE_CARDS);
        c = FK_CARD(fk, card);
        c->next = 0;
        fk_card_write(fk, card, batch, in->sealed, in->sealed_size);

        FK_SET(fk, c->owner, order);
        fk_chain_insert(fk, fk_card_bucket(fk, o->product, c->sealed),
                        &c->hnext, card);
        fk_audit_card(fk, card, 0, 1);
        fk_record_card(fk, card);

        *link = card;
        link = &c->next;

        if (batch != stray_batch) {
            fk_archive_count(fk, batch, -1);
        }
    }
}


static void
fk_restore_payments(fk_t *fk, const fk_archive_t *a, uint32_t order,
    fk_archive_walk_t *walk)
{
    uint32_t             n, payment, *link;
    fk_order_rec_t      *o;
    fk_payment_rec_t    *p;
    fk_image_payment_t  *in;

    o = FK_ORDER(fk, order);
    in = &walk->image.payment;
    link = &o->payment;

    for (n = 0; n < a->payments; n++) {
        (void) fk_archive_next(walk);
        payment = fk_slot_take(fk, FK_TABLE_PAYMENTS);
        p = FK_PAYMENT(fk, payment);
        memset(p, 0, sizeof(*p));

        p->hash = fk_trade_hash(o->channel, in->trade_no, in->trade_no_size);
        p->amount = in->amount;
        p->order = order;
        p->at_s = in->at_s;
        p->state = in->state;
        p->revoked = in->revoked;
        p->trade_no_size = (uint8_t) in->trade_no_size;
        p->trade_no = fk_blob_make(fk, in->trade_no, in->trade_no_size);

        FK_SET(fk, p->used, 1);
        fk_chain_insert(fk, fk_bucket(fk, FK_INDEX_PAYMENTS, p->hash),
                        &p->hnext, payment);
        fk_record_payment(fk, payment);

        *link = payment;
        link = &p->next;
    }
}


/* Behind the split: what of a payment went back in parts, it says. */

static void
fk_restore_audit(fk_t *fk, const fk_order_rec_t *o)
{
    uint32_t                 index;
    const fk_payment_rec_t  *p;

    for (index = o->payment; index != 0; index = p->next) {
        p = FK_PAYMENT(fk, index);
        fk_audit_payment(fk, index, FK_PAYMENT_STATE_COUNT, p->state);
    }
}

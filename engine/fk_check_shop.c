/*
 * fk_check(), the entities: what orders, cards, payments, batches and
 * products say about each other, and every sum over them.
 */

#include "fk_check.h"
#include "fk_tally.h"


/* Slots ahead of the walk: what they point at arrives when it gets there. */
#define FK_CHECK_AHEAD  16


/* The states that fk_next_state() leads to; a test walks and compares. */

static const fk_axes_t  fk_states[] = {
    { FK_PAYMENT_UNPAID, FK_STOCK_HELD, FK_DELIVERY_NONE, 0 },
    { FK_PAYMENT_UNPAID, FK_STOCK_HELD, FK_DELIVERY_REVIEW, 0 },
    { FK_PAYMENT_UNPAID, FK_STOCK_RELEASED, FK_DELIVERY_NONE, 1 },
    { FK_PAYMENT_UNPAID, FK_STOCK_RELEASED, FK_DELIVERY_REVIEW, 1 },
    { FK_PAYMENT_PAID, FK_STOCK_ALLOCATED, FK_DELIVERY_REVIEW, 0 },
    { FK_PAYMENT_PAID, FK_STOCK_ALLOCATED, FK_DELIVERY_DONE, 1 },
    { FK_PAYMENT_PAID, FK_STOCK_RELEASED, FK_DELIVERY_REVIEW, 1 },
    { FK_PAYMENT_PAID, FK_STOCK_SHORT, FK_DELIVERY_NONE, 1 },
    { FK_PAYMENT_REFUNDING, FK_STOCK_RELEASED, FK_DELIVERY_NONE, 1 },
    { FK_PAYMENT_REFUNDED, FK_STOCK_RELEASED, FK_DELIVERY_NONE, 1 },
    { FK_PAYMENT_REFUNDING, FK_STOCK_VOIDED, FK_DELIVERY_NONE, 1 },
    { FK_PAYMENT_REFUNDED, FK_STOCK_VOIDED, FK_DELIVERY_NONE, 1 }
};


static fk_code_t fk_check_card(fk_check_t *ck, uint32_t i);
static fk_code_t fk_check_order(fk_check_t *ck, uint32_t i);
static void fk_check_order_fetch(const fk_t *fk, uint32_t i);
static int fk_check_order_notes(fk_check_t *ck, const fk_order_rec_t *o);
static int fk_check_order_cards(fk_check_t *ck, uint32_t i);
static const char *fk_check_order_payments(fk_check_t *ck, uint32_t i);
static int fk_check_payment(fk_check_t *ck, const fk_order_rec_t *o,
    const fk_payment_rec_t *p);
static int fk_check_order_queue(fk_check_t *ck, const fk_order_rec_t *o);
static fk_code_t fk_check_product(fk_check_t *ck, uint32_t i);
static int fk_check_pool(const fk_t *fk, uint32_t i);
static int fk_check_waiters(const fk_t *fk, uint32_t i);


fk_code_t
fk_check_cards(fk_check_t *ck)
{
    uint32_t   i;
    fk_code_t  rc;

    for (i = 1; i <= ck->fk->region->table[FK_TABLE_CARDS].fresh; i++) {
        if (!fk_check_used(ck->fk, FK_TABLE_CARDS, i)) {
            continue;
        }

        rc = fk_check_card(ck, i);
        if (rc != FK_OK) {
            return rc;
        }
    }

    return FK_OK;
}


static fk_code_t
fk_check_card(fk_check_t *ck, uint32_t i)
{
    uint32_t           size, block;
    fk_card_rec_t     *c;
    fk_batch_rec_t    *b;
    fk_product_rec_t  *p;

    c = FK_CARD(ck->fk, i);
    size = FK_CARD_SEALED(c);

    if (!fk_check_used(ck->fk, FK_TABLE_BATCHES, FK_CARD_BATCH(c))) {
        return fk_check_bad(ck, "card", i, "its batch is not there");
    }

    b = FK_BATCH(ck->fk, FK_CARD_BATCH(c));

    if (!fk_check_used(ck->fk, FK_TABLE_PRODUCTS, b->product)) {
        return fk_check_bad(ck, "batch", FK_CARD_BATCH(c),
                            "its product is not there");
    }

    if (size <= FK_SEAL_SIZE || size > FK_SEALED_SIZE_MAX) {
        return fk_check_bad(ck, "card", i, "its size is not possible");
    }

    if (size > FK_CARD_INLINE_SIZE) {
        memcpy(&block, c->sealed + FK_CARD_HEAD_SIZE, sizeof(block));

        if (!fk_check_blob(ck, block, size - FK_CARD_HEAD_SIZE)) {
            return fk_check_bad(ck, "card", i, "its blocks are damaged");
        }
    }

    p = FK_PRODUCT(ck->fk, b->product);
    ck->used_count[FK_TABLE_CARDS]++;

    /* A staged card is nobody's stock yet, so only its batch counts it. */
    if (c->owner == FK_OWNER_POOL) {
        b->audit_available++;
        p->audit_available += b->state == FK_BATCH_LIVE;
        return FK_OK;
    }

    /*
     * Its order is not looked up.  Orders list live cards that say whose they
     * are, and as many as the product's stock says, which these sums must
     * agree with: so whatever says that it is taken is listed.
     */
    b->audit_taken++;
    p->audit_taken++;

    return FK_OK;
}


fk_code_t
fk_check_orders(fk_check_t *ck)
{
    uint32_t   i;
    fk_code_t  rc;

    for (i = 1; i <= ck->fk->region->table[FK_TABLE_ORDERS].fresh; i++) {
        fk_check_order_fetch(ck->fk, i);

        if (!fk_check_used(ck->fk, FK_TABLE_ORDERS, i)) {
            continue;
        }

        rc = fk_check_order(ck, i);
        if (rc != FK_OK) {
            return rc;
        }
    }

    return FK_OK;
}


/* What an order points at is anywhere, and what a payment points at, too. */

static void
fk_check_order_fetch(const fk_t *fk, uint32_t i)
{
    uint32_t               fresh;
    const fk_order_rec_t  *o;

    fresh = fk->region->table[FK_TABLE_ORDERS].fresh;

    if (fresh - i >= 2 * FK_CHECK_AHEAD) {
        o = FK_ORDER(fk, i + 2 * FK_CHECK_AHEAD);
        fk_check_fetch(fk, FK_TABLE_CARDS, o->first_card);
        fk_check_fetch(fk, FK_TABLE_PAYMENTS, o->payment);
        fk_check_fetch(fk, FK_TABLE_BLOCKS, o->contact);
    }

    if (fresh - i >= FK_CHECK_AHEAD) {
        o = FK_ORDER(fk, i + FK_CHECK_AHEAD);

        if (fk_check_used(fk, FK_TABLE_PAYMENTS, o->payment)) {
            fk_check_fetch(fk, FK_TABLE_BLOCKS,
                           FK_PAYMENT(fk, o->payment)->trade_no);
        }
    }
}


static fk_code_t
fk_check_order(fk_check_t *ck, uint32_t i)
{
    fk_axes_t          axes;
    const char        *problem;
    fk_units_t         units;
    fk_order_rec_t    *o;
    fk_product_rec_t  *p;

    o = FK_ORDER(ck->fk, i);

    if (!fk_check_used(ck->fk, FK_TABLE_PRODUCTS, o->product)) {
        return fk_check_bad(ck, "order", i, "its product is not there");
    }

    if (o->qty < 1 || o->qty > FK_QTY_MAX || o->cancelled > 1
        || o->used != 1 || o->has_idem > 1 || o->flagged > 1)
    {
        return fk_check_bad(ck, "order", i, "a value is not possible");
    }

    /* Compared as a whole field by who looks for a trade number. */
    if (!fk_check_text(o->channel, sizeof(o->channel))) {
        return fk_check_bad(ck, "order", i, "its channel is damaged");
    }

    axes.payment = o->axis_payment;
    axes.stock = o->axis_stock;
    axes.delivery = o->axis_delivery;
    axes.cancelled = o->cancelled;

    if (!fk_axes_possible(&axes) || o->amount > FK_AMOUNT_MAX
        || !fk_amount_good(o->amount, axes.payment))
    {
        return fk_check_bad(ck, "order", i, "its state is not possible");
    }

    if (o->contact_size == 0 || o->contact_size > FK_CONTACT_SIZE_MAX
        || !fk_check_blob(ck, o->contact, o->contact_size))
    {
        return fk_check_bad(ck, "order", i, "its contact is damaged");
    }

    if (!fk_check_order_notes(ck, o)) {
        return fk_check_bad(ck, "order", i, "its price, its reason or its "
                            "start is damaged");
    }

    if (!fk_check_order_cards(ck, i)) {
        return fk_check_bad(ck, "order", i, "it has not the cards that its "
                            "state says");
    }

    problem = fk_check_order_payments(ck, i);
    problem = problem != NULL ? problem : fk_check_split(ck, i);

    if (problem == NULL) {
        problem = fk_check_order_terms(ck, o);
    }

    if (problem != NULL) {
        return fk_check_bad(ck, "order", i, problem);
    }

    if (!fk_check_order_queue(ck, o)) {
        return fk_check_bad(ck, "order", i, "it does not wait where its "
                            "state says");
    }

    p = FK_PRODUCT(ck->fk, o->product);
    units = fk_order_units(o->qty, o->axis_stock);
    p->audit_held += units.held;
    p->audit_sold += units.sold;
    p->audit_owed += units.owed;
    p->audit_revoked += units.revoked;
    p->audit_orders++;

    ck->used_count[FK_TABLE_ORDERS]++;
    ck->idem_count += o->has_idem;

    return FK_OK;
}


static int
fk_check_order_notes(fk_check_t *ck, const fk_order_rec_t *o)
{
    int64_t  step[FK_STEP_COUNT];

    if (o->review > FK_REVIEW_RETURNED_LATE
        || o->reason_size > FK_REASON_SIZE_MAX
        || !fk_check_blob(ck, o->reason, o->reason_size)
        || o->start_size > FK_START_SIZE_MAX
        || !fk_check_blob(ck, o->start, o->start_size))
    {
        return 0;
    }

    if (o->steps == 0) {
        return 1;
    }

    if (!fk_check_blob(ck, o->steps, FK_STEPS_SIZE)) {
        return 0;
    }

    fk_steps_read(ck->fk, o, step);
    return fk_steps_good(step);
}


int
fk_axes_possible(const fk_axes_t *axes)
{
    size_t            n;
    const fk_axes_t  *state;

    for (n = 0; n < sizeof(fk_states) / sizeof(fk_states[0]); n++) {
        state = &fk_states[n];

        /* In a state that may have been cancelled, it need not have been. */
        if (axes->payment == state->payment && axes->stock == state->stock
            && axes->delivery == state->delivery
            && axes->cancelled <= state->cancelled)
        {
            return 1;
        }
    }

    return 0;
}


static int
fk_check_order_cards(fk_check_t *ck, uint32_t i)
{
    uint32_t         n, slot, want;
    uint8_t          kind;
    fk_units_t       units;
    fk_card_rec_t   *c;
    fk_batch_rec_t  *b;
    fk_order_rec_t  *o;

    o = FK_ORDER(ck->fk, i);
    kind = FK_PRODUCT(ck->fk, o->product)->kind;
    units = fk_order_units(o->qty, o->axis_stock);
    slot = o->first_card;

    /* Nothing of a released order may stay behind, or it is sold twice. */
    if (units.held + units.sold + units.revoked == 0
        || kind == FK_KIND_COUNTED)
    {
        return slot == 0;
    }

    want = kind == FK_KIND_SHARED ? 1 : o->qty;

    for (n = 0; n < want; n++) {
        if (!fk_check_used(ck->fk, FK_TABLE_CARDS, slot)) {
            return 0;
        }

        c = FK_CARD(ck->fk, slot);
        b = FK_BATCH(ck->fk, FK_CARD_BATCH(c));

        if (b->product != o->product || b->state != FK_BATCH_LIVE) {
            return 0;
        }

        if (kind == FK_KIND_SHARED) {
            return c->owner == FK_OWNER_POOL;
        }

        if (c->owner != i) {
            return 0;
        }

        slot = c->next;
    }

    return slot == 0;
}


/* What is wrong with them, or NULL. */

static const char *
fk_check_order_payments(fk_check_t *ck, uint32_t i)
{
    uint32_t           n, slot;
    fk_order_rec_t    *o;
    fk_payment_rec_t  *p;

    o = FK_ORDER(ck->fk, i);
    n = 0;

    for (slot = o->payment; slot != 0; slot = p->next) {
        if (!fk_check_used(ck->fk, FK_TABLE_PAYMENTS, slot)
            || ++n > FK_ORDER_PAYMENTS_MAX)
        {
            return "its payments are damaged";
        }

        p = FK_PAYMENT(ck->fk, slot);

        if (p->order != i) {
            return "it lists the payment of another";
        }

        if (!fk_check_payment(ck, o, p)) {
            return "one of its payments is damaged";
        }
    }

    /* Money in the table that no order lists would be forgotten. */
    ck->payments_listed += n;
    return NULL;
}


static int
fk_check_payment(fk_check_t *ck, const fk_order_rec_t *o,
    const fk_payment_rec_t *p)
{
    uint8_t  trade_no[FK_TRADE_NO_SIZE_MAX];

    if (p->state >= FK_PAYMENT_STATE_COUNT || p->used != 1
        || p->amount < 1 || p->amount > FK_AMOUNT_MAX
        || p->trade_no_size < 1 || p->trade_no_size > FK_TRADE_NO_SIZE_MAX
        || !fk_check_blob(ck, p->trade_no, p->trade_no_size)
        || p->revoked > 1
        || (p->revoked && (o->axis_stock != FK_STOCK_VOIDED
                           || p->state == FK_PAYMENT_STATE_APPLIED
                           || p->state == FK_PAYMENT_STATE_REVIEW)))
    {
        return 0;
    }

    /* Under another hash it is not found, and is booked a second time. */
    fk_blob_read(ck->fk, p->trade_no, trade_no, p->trade_no_size);
    return p->hash == fk_trade_hash(o->channel, trade_no, p->trade_no_size);
}


static int
fk_check_order_queue(fk_check_t *ck, const fk_order_rec_t *o)
{
    /* Who holds and is not in the wheel keeps its units for ever. */
    if (o->axis_stock == FK_STOCK_HELD) {
        ck->wheel_count++;
        return o->axis_payment == FK_PAYMENT_UNPAID
               && o->queued == FK_QUEUED_WHEEL;
    }

    if (o->axis_stock == FK_STOCK_SHORT) {
        return o->axis_payment == FK_PAYMENT_PAID
               && o->queued == FK_QUEUED_WAIT;
    }

    return o->queued == FK_QUEUED_NO;
}


/* What they say was judged by their orders: here, how many there are. */

fk_code_t
fk_check_payments(fk_check_t *ck)
{
    uint32_t  i, count;

    count = 0;

    for (i = 1; i <= ck->fk->region->table[FK_TABLE_PAYMENTS].fresh; i++) {
        count += (uint32_t) fk_check_used(ck->fk, FK_TABLE_PAYMENTS, i);
    }

    ck->used_count[FK_TABLE_PAYMENTS] = count;
    return FK_OK;
}


/* A batch that is not live lists its cards, and only those. */

fk_code_t
fk_check_batches(fk_check_t *ck)
{
    uint32_t         i, slot, n, last;
    fk_batch_rec_t  *b;

    for (i = 1; i <= ck->fk->region->table[FK_TABLE_BATCHES].fresh; i++) {
        if (!fk_check_used(ck->fk, FK_TABLE_BATCHES, i)) {
            continue;
        }

        b = FK_BATCH(ck->fk, i);
        ck->used_count[FK_TABLE_BATCHES]++;

        if (b->state > FK_BATCH_ABORTED
            || !fk_check_used(ck->fk, FK_TABLE_PRODUCTS, b->product))
        {
            return fk_check_bad(ck, "batch", i, "a value is not possible");
        }

        /* Live cards have left the list: they are in pools and orders. */
        if (b->state == FK_BATCH_LIVE) {
            if (b->accepted
                != b->audit_available + b->audit_taken + b->archived)
            {
                return fk_check_bad(ck, "batch", i, "cards are missing");
            }

            continue;
        }

        /* Else its product would take another import beside it. */
        if ((b->state == FK_BATCH_LOADING || b->head != 0)
            && FK_PRODUCT(ck->fk, b->product)->importing != i)
        {
            return fk_check_bad(ck, "batch", i, "its product does not know "
                                "it");
        }

        /* What a commit will add to the product's stock. */
        if (b->archived != 0
            || (b->state == FK_BATCH_LOADING
                && b->accepted != b->audit_available))
        {
            return fk_check_bad(ck, "batch", i, "cards are missing");
        }

        ck->loading_count += b->state == FK_BATCH_LOADING;
        ck->aborted_count += b->state == FK_BATCH_ABORTED;

        last = 0;
        slot = b->head;

        for (n = 0; n < b->audit_available; n++) {
            if (!fk_check_used(ck->fk, FK_TABLE_CARDS, slot)
                || FK_CARD_BATCH(FK_CARD(ck->fk, slot)) != i)
            {
                return fk_check_bad(ck, "batch", i, "its list is damaged");
            }

            last = slot;
            slot = FK_CARD(ck->fk, slot)->next;
        }

        if (slot != 0 || last != b->tail) {
            return fk_check_bad(ck, "batch", i, "its list does not end");
        }
    }

    return FK_OK;
}


fk_code_t
fk_check_products(fk_check_t *ck)
{
    uint32_t   i;
    fk_code_t  rc;

    for (i = 1; i <= ck->fk->region->table[FK_TABLE_PRODUCTS].fresh; i++) {
        if (!fk_check_used(ck->fk, FK_TABLE_PRODUCTS, i)) {
            continue;
        }

        rc = fk_check_product(ck, i);
        if (rc != FK_OK) {
            return rc;
        }

        ck->used_count[FK_TABLE_PRODUCTS]++;
        ck->waiting_count += FK_PRODUCT(ck->fk, i)->wait_head != 0;
    }

    return FK_OK;
}


static fk_code_t
fk_check_product(fk_check_t *ck, uint32_t i)
{
    fk_batch_rec_t    *b;
    fk_product_rec_t  *p;

    p = FK_PRODUCT(ck->fk, i);

    if (!fk_check_text(p->sku, sizeof(p->sku))
        || !fk_check_text(p->name, sizeof(p->name))
        || !fk_check_text(p->currency, sizeof(p->currency)))
    {
        return fk_check_bad(ck, "product", i, "a text is damaged");
    }

    if (p->kind >= FK_KIND_COUNT || p->used != 1 || p->on_sale > 1
        || p->price < 0 || p->price > FK_AMOUNT_MAX
        || p->qty_max < 1 || p->qty_max > FK_QTY_MAX
        || p->price > FK_AMOUNT_MAX / p->qty_max
        || p->imported < 0 || p->imported > FK_UNITS_MAX
        || p->available < 0 || p->available > FK_UNITS_MAX
        || p->voided < 0 || p->voided > p->imported
        || p->archived_units < 0 || p->archived_units > FK_UNITS_MAX
        || p->archived_orders < 0 || p->archived_orders > FK_UNITS_MAX
        || p->archived_amount < 0 || p->archived_amount > FK_UNITS_MAX
        || !fk_check_tiers(p))
    {
        return fk_check_bad(ck, "product", i, "a value is not possible");
    }

    if (!fk_check_merchant(ck->fk, p)) {
        return fk_check_bad(ck, "product", i, "its merchant is not there");
    }

    if (p->held != p->audit_held || p->sold != p->audit_sold
        || p->owed != p->audit_owed || p->revoked != p->audit_revoked
        || p->orders_count != p->audit_orders)
    {
        return fk_check_bad(ck, "product", i, "its orders add up to other "
                            "numbers");
    }

    if (!fk_audit_stock_good(p)) {
        return fk_check_bad(ck, "product", i, "imported is not available, "
                            "held, sold and void together");
    }

    if (!fk_check_pool(ck->fk, i)) {
        return fk_check_bad(ck, "product", i, "its pool is damaged");
    }

    if (!fk_check_waiters(ck->fk, i)) {
        return fk_check_bad(ck, "product", i, "its waiting list is damaged");
    }

    /* Staged, or aborted and still with cards: else it would stay taken. */
    if (p->importing != 0) {
        b = fk_check_used(ck->fk, FK_TABLE_BATCHES, p->importing)
            ? FK_BATCH(ck->fk, p->importing) : NULL;

        if (b == NULL || b->state == FK_BATCH_LIVE || b->product != i) {
            return fk_check_bad(ck, "product", i, "its import is not there");
        }
    }

    return FK_OK;
}


/* As many cards as are available, all for sale, and no more. */

static int
fk_check_pool(const fk_t *fk, uint32_t i)
{
    int64_t            n, count;
    uint32_t           slot, last;
    fk_card_rec_t     *c;
    fk_batch_rec_t    *b;
    fk_product_rec_t  *p;

    p = FK_PRODUCT(fk, i);
    count = p->kind == FK_KIND_COUNTED ? 0 : p->available;
    slot = p->pool_head;
    last = 0;

    /* Counted, not followed to its end: a ring has none. */
    for (n = 0; n < count; n++) {
        if (!fk_check_used(fk, FK_TABLE_CARDS, slot)) {
            return 0;
        }

        c = FK_CARD(fk, slot);
        b = FK_BATCH(fk, FK_CARD_BATCH(c));

        if (c->owner != FK_OWNER_POOL || b->product != i
            || b->state != FK_BATCH_LIVE)
        {
            return 0;
        }

        last = slot;
        slot = c->next;
    }

    return slot == 0 && last == p->pool_tail;
}


static int
fk_check_waiters(const fk_t *fk, uint32_t i)
{
    int64_t            owed;
    uint32_t           slot, prev;
    fk_order_rec_t    *o;
    fk_product_rec_t  *p;

    p = FK_PRODUCT(fk, i);
    owed = 0;
    prev = 0;

    for (slot = p->wait_head; slot != 0; slot = o->next) {
        if (!fk_check_used(fk, FK_TABLE_ORDERS, slot)) {
            return 0;
        }

        o = FK_ORDER(fk, slot);
        owed += o->qty;

        if (o->queued != FK_QUEUED_WAIT || o->product != i || o->prev != prev
            || owed > p->owed)
        {
            return 0;
        }

        prev = slot;
    }

    return owed == p->owed && prev == p->wait_tail;
}

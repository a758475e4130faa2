/*
 * The audit: the sums of fk_check(), beside a shop that goes on selling.
 *
 * It walks the tables in slices, each under the lock.  What is behind its
 * cursor is in the sums, and whoever changes something there afterwards
 * corrects the sums in the same transaction (the first functions here); what
 * is ahead will be met as it is then.  So the sums are exact at every moment
 * after the walk, and the comparison may take its time as well.
 *
 * What was archived is there as sums only, which each product keeps.  They
 * are added when its turn to be compared comes, and follow from then on: an
 * order that leaves meanwhile is counted once, here or there.
 *
 * A slice stores plainly.  If its process dies in it, the sums are worth
 * nothing, and nobody reads them: the owner is gone, and the next
 * fk_audit_begin() starts from zero.
 */

#include "fk_tally.h"
#include "fk_text.h"


#define FK_AUDIT_LEASE_MS  10000


typedef void (*fk_audit_pt)(fk_t *fk, uint32_t i);


static fk_code_t fk_audit_lock(fk_t *fk, uint64_t owner);
static uint32_t fk_audit_slice(fk_t *fk, uint32_t slots);
static void fk_audit_reset_batch(fk_t *fk, uint32_t i);
static void fk_audit_add_card(fk_t *fk, uint32_t i);
static void fk_audit_add_order(fk_t *fk, uint32_t i);
static void fk_audit_add_payment(fk_t *fk, uint32_t i);
static void fk_audit_compare(fk_t *fk, uint32_t i);
static void fk_audit_payment_count(fk_t *fk, unsigned state, int delta);
static int64_t fk_audit_kept(const fk_t *fk, const fk_payment_rec_t *p,
    unsigned state);
static int fk_audit_product_good(const fk_product_rec_t *p);


static const struct {
    fk_table_id_t  table;
    fk_audit_pt    slot;
} fk_audit_phases[FK_AUDIT_DONE] = {
    [FK_AUDIT_RESET_PRODUCTS] = { FK_TABLE_PRODUCTS, fk_audit_reset_product },
    [FK_AUDIT_RESET_BATCHES] = { FK_TABLE_BATCHES, fk_audit_reset_batch },
    [FK_AUDIT_RESET_COUPONS] = { FK_TABLE_COUPONS, fk_audit_reset_coupon },
    [FK_AUDIT_RESET_TALLIES] = { FK_TABLE_TALLIES, fk_audit_reset_tally },
    [FK_AUDIT_RESET_ACCOUNTS] = { FK_TABLE_ACCOUNTS, fk_audit_reset_account },
    [FK_AUDIT_CARDS] = { FK_TABLE_CARDS, fk_audit_add_card },
    [FK_AUDIT_ORDERS] = { FK_TABLE_ORDERS, fk_audit_add_order },
    [FK_AUDIT_PAYMENTS] = { FK_TABLE_PAYMENTS, fk_audit_add_payment },
    [FK_AUDIT_SPLITS] = { FK_TABLE_SPLITS, fk_audit_add_split },
    [FK_AUDIT_WITHDRAWALS] = { FK_TABLE_WITHDRAWALS,
                               fk_audit_add_withdrawal },
    [FK_AUDIT_COMPARE] = { FK_TABLE_PRODUCTS, fk_audit_compare },
    [FK_AUDIT_COMPARE_COUPONS] = { FK_TABLE_COUPONS,
                                   fk_audit_compare_coupon },
    [FK_AUDIT_COMPARE_TALLIES] = { FK_TABLE_TALLIES,
                                   fk_audit_compare_tally },
    [FK_AUDIT_ACCOUNTS] = { FK_TABLE_ACCOUNTS, fk_audit_compare_account }
};


/* Which total counts the slots of a table. */

static const struct {
    const char    *name;
    fk_table_id_t  table;
    size_t         count;
} fk_audit_tables[] = {
    { "orders", FK_TABLE_ORDERS, offsetof(fk_audit_totals_t, orders_count) },
    { "cards", FK_TABLE_CARDS, offsetof(fk_audit_totals_t, cards_count) },
    { "payments", FK_TABLE_PAYMENTS,
      offsetof(fk_audit_totals_t, payments_count) },
    { "coupons", FK_TABLE_COUPONS,
      offsetof(fk_audit_totals_t, coupons_count) },
    { "tallies", FK_TABLE_TALLIES,
      offsetof(fk_audit_totals_t, tallies_count) },
    { "splits", FK_TABLE_SPLITS, offsetof(fk_audit_totals_t, splits_count) },
    { "withdrawals", FK_TABLE_WITHDRAWALS,
      offsetof(fk_audit_totals_t, withdrawals_count) }
};


/* Which total counts the payments of a state. */

static const size_t  fk_audit_payment_totals[FK_PAYMENT_STATE_COUNT] = {
    [FK_PAYMENT_STATE_APPLIED] = offsetof(fk_audit_totals_t, applied_count),
    [FK_PAYMENT_STATE_REVIEW] = offsetof(fk_audit_totals_t, review_count),
    [FK_PAYMENT_STATE_REFUND_DUE] = offsetof(fk_audit_totals_t,
                                             refund_due_count),
    [FK_PAYMENT_STATE_REFUNDED] = offsetof(fk_audit_totals_t, refunded_count),
    [FK_PAYMENT_STATE_ASKED] = offsetof(fk_audit_totals_t, refund_due_count)
};


void
fk_audit_order(fk_t *fk, uint32_t order, const fk_units_t *was,
    const fk_units_t *is, int orders_delta)
{
    fk_product_rec_t   *p;
    fk_audit_totals_t  *totals;

    if (!fk_audit_passed(fk, FK_AUDIT_ORDERS, order)) {
        return;
    }

    p = FK_PRODUCT(fk, FK_ORDER(fk, order)->product);
    totals = &fk->region->audit.totals;

    FK_SET(fk, p->audit_held, p->audit_held + is->held - was->held);
    FK_SET(fk, p->audit_sold, p->audit_sold + is->sold - was->sold);
    FK_SET(fk, p->audit_owed, p->audit_owed + is->owed - was->owed);

    if (is->revoked != was->revoked) {
        FK_SET(fk, p->audit_revoked,
               p->audit_revoked + is->revoked - was->revoked);
    }

    if (orders_delta != 0) {
        FK_SET(fk, p->audit_orders, p->audit_orders + orders_delta);
        FK_SET(fk, totals->orders_count, totals->orders_count + orders_delta);
    }
}


void
fk_audit_card(fk_t *fk, uint32_t card, int available_delta, int taken_delta)
{
    int                 cards_delta;
    fk_batch_rec_t     *b;
    fk_product_rec_t   *p;
    fk_audit_totals_t  *totals;

    if (!fk_audit_passed(fk, FK_AUDIT_CARDS, card)) {
        return;
    }

    b = FK_BATCH(fk, FK_CARD_BATCH(FK_CARD(fk, card)));
    totals = &fk->region->audit.totals;
    cards_delta = available_delta + taken_delta;

    if (cards_delta != 0) {
        FK_SET(fk, totals->cards_count, totals->cards_count + cards_delta);
    }

    /* Not stock yet, or never to be: its batch keeps the count. */
    if (b->state != FK_BATCH_LIVE) {
        FK_SET(fk, b->audit_available,
               b->audit_available + (uint32_t) available_delta);
        return;
    }

    p = FK_PRODUCT(fk, b->product);
    FK_SET(fk, p->audit_available, p->audit_available + available_delta);
    FK_SET(fk, p->audit_taken, p->audit_taken + taken_delta);
}


void
fk_audit_batch(fk_t *fk, uint32_t batch)
{
    fk_batch_rec_t    *b;
    fk_product_rec_t  *p;

    /* Its cards that were met are in its count, whatever the phase. */
    if (!fk_audit_passed(fk, FK_AUDIT_RESET_BATCHES, batch)) {
        return;
    }

    b = FK_BATCH(fk, batch);
    p = FK_PRODUCT(fk, b->product);

    FK_SET(fk, p->audit_available, p->audit_available + b->audit_available);
    FK_SET(fk, b->audit_available, 0);
}


void
fk_audit_payment(fk_t *fk, uint32_t payment, unsigned was, unsigned is)
{
    int                      applied;
    int64_t                  kept;
    uint32_t                 buyer;
    fk_tally_rec_t          *t;
    const fk_payment_rec_t  *p;

    if (!fk_audit_passed(fk, FK_AUDIT_PAYMENTS, payment)) {
        return;
    }

    fk_audit_payment_count(fk, was, -1);
    fk_audit_payment_count(fk, is, 1);

    p = FK_PAYMENT(fk, payment);
    kept = fk_audit_kept(fk, p, is) - fk_audit_kept(fk, p, was);

    if (kept != 0) {
        fk_audit_money(fk, FK_PRODUCT(fk, FK_ORDER(fk, p->order)->product)
                           ->currency, kept, 0);
    }

    buyer = FK_ORDER(fk, p->order)->tally[FK_TALLY_BUYER];
    applied = (is == FK_PAYMENT_STATE_APPLIED)
              - (was == FK_PAYMENT_STATE_APPLIED);

    if (applied != 0 && buyer != 0) {
        t = FK_TALLY(fk, buyer);
        FK_SET(fk, t->audit.amount, t->audit.amount + applied * p->amount);
    }
}


void
fk_audit_archived(fk_t *fk, uint32_t product, const fk_archived_t *delta)
{
    fk_audit_totals_t  *totals;

    if (!fk_audit_passed(fk, FK_AUDIT_COMPARE, product)) {
        return;
    }

    totals = &fk->region->audit.totals;

    FK_SET(fk, totals->archived_units, totals->archived_units + delta->units);
    FK_SET(fk, totals->archived_orders,
           totals->archived_orders + delta->orders);

    if (delta->amount != 0) {
        fk_audit_money(fk, FK_PRODUCT(fk, product)->currency, delta->amount,
                       delta->amount);
    }
}


int
fk_audit_stock_good(const fk_product_rec_t *p)
{
    int64_t  moving, gone, revoked;

    /* The key of a shared product is not used up by its orders. */
    moving = p->kind == FK_KIND_SHARED ? 0 : p->held + p->sold;
    gone = p->kind == FK_KIND_SHARED ? 0 : p->archived_units;
    revoked = p->kind == FK_KIND_SHARED ? 0 : p->revoked;

    if (revoked > p->voided) {
        return 0;
    }

    if (p->imported != p->available + moving + gone + p->voided) {
        return 0;
    }

    return p->kind == FK_KIND_COUNTED
           ? p->audit_available == 0 && p->audit_taken == 0
           : p->available == p->audit_available
             && moving + revoked == p->audit_taken;
}


fk_code_t
fk_audit_begin(fk_t *fk, const fk_env_t *env, uint64_t owner)
{
    fk_code_t        rc;
    fk_audit_rec_t  *audit;

    assert(owner != 0);

    rc = fk_lock_open(fk);
    if (rc != FK_OK) {
        return rc;
    }

    audit = &fk->region->audit;

    if (audit->owner != 0 && audit->owner != owner
        && env->now_ms < audit->fresh_until_ms)
    {
        fk_unlock(fk);
        return FK_CONFLICT;
    }

    /* The owner last: a death before it leaves no audit under way. */
    memset(audit, 0, sizeof(*audit));
    audit->phase = FK_AUDIT_RESET_PRODUCTS;
    audit->fresh_until_ms = env->now_ms + FK_AUDIT_LEASE_MS;
    audit->owner = owner;
    fk_unlock(fk);

    return FK_OK;
}


fk_code_t
fk_audit_step(fk_t *fk, const fk_env_t *env, uint64_t owner, uint32_t slots)
{
    fk_code_t        rc;
    fk_audit_rec_t  *audit;

    rc = fk_audit_lock(fk, owner);
    if (rc != FK_OK) {
        return rc;
    }

    audit = &fk->region->audit;
    audit->fresh_until_ms = env->now_ms + FK_AUDIT_LEASE_MS;

    while (slots > 0 && audit->phase != FK_AUDIT_DONE) {
        slots -= fk_audit_slice(fk, slots);
    }

    rc = audit->phase == FK_AUDIT_DONE ? FK_OK : FK_AGAIN;
    fk_unlock(fk);

    return rc;
}


uint32_t
fk_audit_products(fk_t *fk, uint64_t owner, uint32_t *cursor,
    fk_audit_product_t *out, uint32_t n)
{
    uint32_t           i, count, fresh;
    fk_product_rec_t  *p;

    count = 0;
    i = *cursor;
    *cursor = 0;

    if (fk_audit_lock(fk, owner) != FK_OK) {
        return 0;
    }

    if (n > FK_LIST_SLICE_MAX) {
        n = FK_LIST_SLICE_MAX;
    }

    fresh = fk->region->table[FK_TABLE_PRODUCTS].fresh;

    for ( /* void */ ; i < fresh && count < n; i++) {
        p = FK_PRODUCT(fk, i + 1);
        if (!p->used) {
            continue;
        }

        memcpy(out->sku, p->sku, sizeof(out->sku));
        out->sku[FK_SKU_SIZE_MAX] = '\0';
        out->kind = p->kind;
        out->ok = (uint8_t) fk_audit_product_good(p);
        out->imported = p->imported;
        out->voided = p->voided;
        out->available = p->kind == FK_KIND_COUNTED
                         ? p->imported - p->voided - p->audit_held
                           - p->audit_sold - p->archived_units
                         : p->audit_available;
        out->held = p->audit_held;
        out->sold = p->audit_sold + p->archived_units;
        out->owed = p->audit_owed;
        out->orders_count = p->audit_orders;
        out->archived_units = p->archived_units;
        out->archived_orders = p->archived_orders;
        out->archived_amount = p->archived_amount;
        out++;
        count++;
    }

    if (i < fresh) {
        *cursor = i;
    }

    fk_unlock(fk);
    return count;
}


fk_code_t
fk_audit_end(fk_t *fk, uint64_t owner, fk_audit_totals_t *out)
{
    size_t              n;
    fk_code_t           rc;
    const int64_t      *count;
    fk_audit_totals_t  *totals;

    rc = fk_audit_lock(fk, owner);
    if (rc != FK_OK) {
        return rc;
    }

    if (fk->region->audit.phase != FK_AUDIT_DONE) {
        fk_unlock(fk);
        return FK_AGAIN;
    }

    totals = &fk->region->audit.totals;

    /* Against the free lists, which know nothing of the sums. */
    for (n = 0; n < sizeof(fk_audit_tables) / sizeof(fk_audit_tables[0]); n++)
    {
        count = (const int64_t *) (const void *)
                ((const uint8_t *) totals + fk_audit_tables[n].count);

        if (*count != fk_table_used(fk, fk_audit_tables[n].table)) {
            fk_audit_problem(totals, "table ", fk_audit_tables[n].name,
                             "another number is in use");
        }
    }

    for (n = 0; n < totals->currency_count; n++) {
        if (totals->money[n].ledger_sum != 0) {
            fk_audit_problem(totals, "currency ", totals->money[n].currency,
                             "the sum of its ledger is not zero");
        }
    }

    totals->ok = totals->problem_count == 0;
    memcpy(out, totals, sizeof(*out));
    fk->region->audit.owner = 0;       /* from here on changes cost nothing */
    fk_unlock(fk);

    return FK_OK;
}


/* Whether the slot's content is in the sums already. */

int
fk_audit_passed(const fk_t *fk, uint32_t phase, uint32_t i)
{
    const fk_audit_rec_t  *audit;

    audit = &fk->region->audit;

    return audit->owner != 0
           && (audit->phase > phase
               || (audit->phase == phase && i <= audit->cursor));
}


static fk_code_t
fk_audit_lock(fk_t *fk, uint64_t owner)
{
    fk_code_t  rc;

    assert(owner != 0);

    rc = fk_lock_open(fk);
    if (rc != FK_OK) {
        return rc;
    }

    if (fk->region->audit.owner != owner) {
        fk_unlock(fk);
        return FK_CONFLICT;
    }

    return FK_OK;
}


/* Returns how many slots it has looked at, at least 1. */

static uint32_t
fk_audit_slice(fk_t *fk, uint32_t slots)
{
    uint32_t         n, fresh;
    fk_audit_rec_t  *audit;

    audit = &fk->region->audit;
    assert(audit->phase < FK_AUDIT_DONE);
    fresh = fk->region->table[fk_audit_phases[audit->phase].table].fresh;

    for (n = 0; n < slots; n++) {
        if (audit->cursor >= fresh) {
            audit->phase++;
            audit->cursor = 0;
            return n + 1;
        }

        /* Under one lock, so nobody sees the cursor past a slot not added. */
        audit->cursor++;
        fk_audit_phases[audit->phase].slot(fk, audit->cursor);
    }

    return n;
}


void
fk_audit_reset_product(fk_t *fk, uint32_t i)
{
    fk_product_rec_t  *p;

    p = FK_PRODUCT(fk, i);
    p->audit_held = 0;
    p->audit_sold = 0;
    p->audit_owed = 0;
    p->audit_revoked = 0;
    p->audit_orders = 0;
    p->audit_available = 0;
    p->audit_taken = 0;
}


static void
fk_audit_reset_batch(fk_t *fk, uint32_t i)
{
    FK_BATCH(fk, i)->audit_available = 0;
}


static void
fk_audit_add_card(fk_t *fk, uint32_t i)
{
    fk_card_rec_t     *c;
    fk_batch_rec_t    *b;
    fk_product_rec_t  *p;

    c = FK_CARD(fk, i);
    if (c->owner == FK_OWNER_FREE) {
        return;
    }

    fk->region->audit.totals.cards_count++;
    b = FK_BATCH(fk, FK_CARD_BATCH(c));

    if (b->state != FK_BATCH_LIVE) {
        b->audit_available++;
        return;
    }

    p = FK_PRODUCT(fk, b->product);

    if (c->owner == FK_OWNER_POOL) {
        p->audit_available++;
    } else {
        p->audit_taken++;
    }
}


static void
fk_audit_add_order(fk_t *fk, uint32_t i)
{
    fk_units_t         units;
    fk_order_rec_t    *o;
    fk_product_rec_t  *p;

    o = FK_ORDER(fk, i);
    if (!o->used) {
        return;
    }

    p = FK_PRODUCT(fk, o->product);
    units = fk_order_units(o->qty, o->axis_stock);
    p->audit_held += units.held;
    p->audit_sold += units.sold;
    p->audit_owed += units.owed;
    p->audit_revoked += units.revoked;
    p->audit_orders++;
    fk->region->audit.totals.orders_count++;
    fk_audit_add_terms(fk, o);
}


static void
fk_audit_add_payment(fk_t *fk, uint32_t i)
{
    const fk_payment_rec_t  *p;

    p = FK_PAYMENT(fk, i);

    if (p->used) {
        fk_audit_payment(fk, i, FK_PAYMENT_STATE_COUNT, p->state);
        fk_commit(fk);
    }
}


static void
fk_audit_compare(fk_t *fk, uint32_t i)
{
    fk_archived_t      sums;
    fk_product_rec_t  *p;

    p = FK_PRODUCT(fk, i);

    if (!p->used) {
        return;
    }

    if (!fk_audit_product_good(p)) {
        fk_audit_problem(&fk->region->audit.totals, "product ", p->sku,
                         "its counters are not the sums of its parts");
    }

    sums.units = p->archived_units;
    sums.orders = p->archived_orders;
    sums.amount = p->archived_amount;
    fk_audit_archived(fk, i, &sums);
    fk_commit(fk);
}


static void
fk_audit_payment_count(fk_t *fk, unsigned state, int delta)
{
    int64_t            *count;
    fk_audit_totals_t  *totals;

    if (state == FK_PAYMENT_STATE_COUNT) {
        return;
    }

    assert(state < FK_PAYMENT_STATE_COUNT);

    totals = &fk->region->audit.totals;
    count = (int64_t *) (void *) ((uint8_t *) totals
                                  + fk_audit_payment_totals[state]);

    FK_SET(fk, *count, *count + delta);
    FK_SET(fk, totals->payments_count, totals->payments_count + delta);
}


/* What was given back is not kept, and is not given back twice: the parts
 * have left the sum with their split. */

static int64_t
fk_audit_kept(const fk_t *fk, const fk_payment_rec_t *p, unsigned state)
{
    return state == FK_PAYMENT_STATE_COUNT ? 0
           : state == FK_PAYMENT_STATE_REFUNDED ? fk_payment_parts(fk, p)
           : p->amount;
}


/* The first one is told in words, all are counted. */

void
fk_audit_problem(fk_audit_totals_t *totals, const char *what,
    const char *name, const char *problem)
{
    fk_text_t  text;

    totals->problem_count++;

    if (totals->problem_count == 1) {
        fk_text_init(&text, totals->problem, sizeof(totals->problem));
        fk_text_add(&text, what);
        fk_text_add(&text, name);
        fk_text_add(&text, ": ");
        fk_text_add(&text, problem);
    }
}


static int
fk_audit_product_good(const fk_product_rec_t *p)
{
    return p->held == p->audit_held && p->sold == p->audit_sold
           && p->owed == p->audit_owed && p->revoked == p->audit_revoked
           && p->orders_count == p->audit_orders
           && p->available >= 0 && fk_audit_stock_good(p);
}

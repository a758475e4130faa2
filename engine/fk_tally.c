/*
 * Tallies: what one buyer has, in one respect.  How many orders and units
 * count is a sum over the orders in the region (derived: fk_rebuild and
 * fk_check make it again) and one over those that left (durable).
 *
 * fk_tally_book() follows each change of an order's state, so that what is
 * counted is given back exactly once, whichever way an order ends.
 */

#include "fk_tally.h"


static uint32_t fk_tally_oldest(fk_t *fk, uint32_t but, uint32_t look);
static void fk_tally_move(fk_t *fk, uint32_t order, uint32_t tally,
    const fk_share_t *delta, int refs);
static void fk_coupon_move(fk_t *fk, uint32_t order, uint32_t coupon,
    int64_t uses);
static void fk_share_add(fk_t *fk, fk_share_t *sum, const fk_share_t *delta);
static fk_share_t fk_share_times(const fk_share_t *share, int n);


uint32_t *
fk_tally_bucket(const fk_t *fk, const uint8_t *key)
{
    uint64_t  hash;

    /* Keys are plain digests: who seeks long enough finds some alike. */
    hash = fk_hash_secret(fk, key, FK_TALLY_KEY_SIZE);

    return fk_bucket(fk, FK_INDEX_TALLIES, hash);
}


uint32_t
fk_tally_find(const fk_t *fk, uint8_t kind, const uint8_t *key)
{
    return fk_tally_find_in(fk, fk_tally_bucket(fk, key), kind, key);
}


uint32_t
fk_tally_find_in(const fk_t *fk, const uint32_t *bucket, uint8_t kind,
    const uint8_t *key)
{
    uint32_t               i, steps;
    const fk_tally_rec_t  *t;

    steps = fk->region->table[FK_TABLE_TALLIES].capacity;

    for (i = *bucket; i != 0; i = t->hnext) {
        assert(steps != 0);
        steps--;
        t = FK_TALLY(fk, i);

        if (t->kind == kind && memcmp(t->key, key, sizeof(t->key)) == 0) {
            return i;
        }
    }

    return 0;
}


uint32_t
fk_tally_take(fk_t *fk, uint32_t *bucket, uint8_t kind, const uint8_t *key)
{
    uint32_t         i;
    fk_tally_rec_t  *t;

    assert(kind < FK_TALLY_COUNT);

    i = fk_slot_take(fk, FK_TABLE_TALLIES);
    t = FK_TALLY(fk, i);

    memcpy(t->key, key, sizeof(t->key));
    t->seq = 0;
    memset(&t->archived, 0, sizeof(t->archived));
    memset(&t->live, 0, sizeof(t->live));
    memset(&t->audit, 0, sizeof(t->audit));
    t->refs = 0;
    t->audit_refs = 0;
    t->last_paid_s = 0;
    t->kind = kind;
    t->level = 0;
    memset(t->pad, 0, sizeof(t->pad));

    FK_SET(fk, t->used, 1);
    fk_chain_insert(fk, bucket, &t->hnext, i);
    fk_audit_terms(fk, FK_AUDIT_COMPARE_TALLIES, i, 1);

    return i;
}


int
fk_tally_empty(const fk_tally_rec_t *t)
{
    return t->level == 0 && fk_tally_orderless(t);
}


int
fk_tally_orderless(const fk_tally_rec_t *t)
{
    return t->refs == 0 && t->archived.orders == 0
           && t->archived.units == 0 && t->archived.amount == 0;
}


void
fk_tally_free(fk_t *fk, uint32_t tally)
{
    fk_tally_rec_t  *t;

    t = FK_TALLY(fk, tally);
    assert(t->used && fk_tally_empty(t));

    fk_chain_remove(fk, fk_tally_bucket(fk, t->key),
                    FK_TABLE_TALLIES, offsetof(fk_tally_rec_t, hnext), tally);
    FK_SET(fk, t->used, 0);
    fk_audit_terms(fk, FK_AUDIT_COMPARE_TALLIES, tally, -1);
    fk_record_tally(fk, tally);
    fk_slot_free(fk, FK_TABLE_TALLIES, tally);
}


uint32_t
fk_tally_kept(const fk_t *fk)
{
    return fk->region->table[FK_TABLE_TALLIES].capacity / 4;
}


int
fk_tally_buyer_room(fk_t *fk, const fk_env_t *env, uint32_t need)
{
    /* Within the share of the others he takes the place of another one. */
    return fk_table_room(fk, FK_TABLE_TALLIES) > need + fk_tally_kept(fk)
           || fk_tally_forget(fk, env, 0, FK_TALLY_LOOK_SHORT);
}


int
fk_tally_forget(fk_t *fk, const fk_env_t *env, uint32_t but, uint32_t look)
{
    uint32_t         tally;
    fk_tally_rec_t  *t;

    if (fk_snapshot_pauses(fk, env)
        || !fk_record_room(fk, FK_IMAGE_TALLY_SIZE))
    {
        return 0;
    }

    /* One transaction: a death leaves the hand where it was. */
    tally = fk_tally_oldest(fk, but, look);
    if (tally == 0) {
        fk_commit(fk);
        return 0;
    }

    t = FK_TALLY(fk, tally);

    fk_record_begin(fk, env);
    FK_SET(fk, t->archived.orders, 0);
    FK_SET(fk, t->archived.units, 0);
    FK_SET(fk, t->archived.amount, 0);
    fk_tally_free(fk, tally);
    (void) fk_record_end(fk);
    fk_commit(fk);

    return 1;
}


/*
 * From where the last look ended.  A short one goes through with it, to have
 * some to choose from; a longer one goes on until it has found any.
 */

static uint32_t
fk_tally_oldest(fk_t *fk, uint32_t but, uint32_t look)
{
    uint32_t               n, slot, fresh, oldest;
    const fk_tally_rec_t  *t;

    fresh = fk->region->table[FK_TABLE_TALLIES].fresh;
    slot = fk->region->tally_hand;
    oldest = 0;

    for (n = 0; n < look && n < fresh; n++) {
        if (n >= FK_TALLY_LOOK_SHORT && oldest != 0) {
            break;
        }

        slot = slot < fresh ? slot + 1 : 1;
        t = FK_TALLY(fk, slot);

        if (!t->used || t->kind != FK_TALLY_BUYER || t->refs != 0
            || t->level != 0 || slot == but)
        {
            continue;
        }

        if (oldest == 0
            || t->last_paid_s < FK_TALLY(fk, oldest)->last_paid_s)
        {
            oldest = slot;
        }
    }

    FK_SET(fk, fk->region->tally_hand, slot);

    return oldest;
}


/*
 * A buyer's orders are those that he has paid; a limit and a coupon are held
 * as long as units are, or somebody waits for them.
 */

fk_share_t
fk_tally_share(uint8_t kind, uint32_t qty, const fk_axes_t *axes)
{
    int         counts;
    fk_share_t  share;

    counts = kind == FK_TALLY_BUYER ? axes->payment == FK_PAYMENT_PAID
                                    : axes->stock != FK_STOCK_RELEASED
                                      && axes->stock != FK_STOCK_VOIDED;
    share.orders = counts;
    share.units = counts ? qty : 0;
    share.amount = 0;

    return share;
}


void
fk_tally_book(fk_t *fk, uint32_t order, const fk_axes_t *was,
    const fk_axes_t *is)
{
    int                    refs;
    uint8_t                kind;
    fk_share_t             a, b;
    const fk_order_rec_t  *o;

    static const fk_share_t  none;

    o = FK_ORDER(fk, order);
    refs = (is != NULL) - (was != NULL);

    for (kind = 0; kind < FK_TALLY_COUNT; kind++) {
        if (o->tally[kind] == 0) {
            continue;
        }

        a = was != NULL ? fk_tally_share(kind, o->qty, was) : none;
        b = is != NULL ? fk_tally_share(kind, o->qty, is) : none;
        b.orders -= a.orders;
        b.units -= a.units;
        fk_tally_move(fk, order, o->tally[kind], &b, refs);
    }

    if (o->coupon != 0) {
        a = was != NULL ? fk_tally_share(FK_TALLY_COUPON_USE, 1, was) : none;
        b = is != NULL ? fk_tally_share(FK_TALLY_COUPON_USE, 1, is) : none;
        fk_coupon_move(fk, order, o->coupon, b.orders - a.orders);
    }
}


static void
fk_tally_move(fk_t *fk, uint32_t order, uint32_t tally,
    const fk_share_t *delta, int refs)
{
    int              passed;
    fk_tally_rec_t  *t;

    t = FK_TALLY(fk, tally);
    passed = fk_audit_passed(fk, FK_AUDIT_ORDERS, order);

    fk_share_add(fk, &t->live, delta);

    if (passed) {
        fk_share_add(fk, &t->audit, delta);
    }

    if (refs == 0) {
        return;
    }

    FK_SET(fk, t->refs, t->refs + (uint32_t) refs);

    if (passed) {
        FK_SET(fk, t->audit_refs, t->audit_refs + (uint32_t) refs);
    }
}


static void
fk_coupon_move(fk_t *fk, uint32_t order, uint32_t coupon, int64_t uses)
{
    fk_coupon_rec_t  *c;

    if (uses == 0) {
        return;
    }

    c = FK_COUPON_AT(fk, coupon);
    FK_SET(fk, c->live_uses, c->live_uses + uses);

    if (fk_audit_passed(fk, FK_AUDIT_ORDERS, order)) {
        FK_SET(fk, c->audit_uses, c->audit_uses + uses);
    }
}


/* A note for each number that changes, not for all. */

static void
fk_share_add(fk_t *fk, fk_share_t *sum, const fk_share_t *delta)
{
    if (delta->orders != 0) {
        FK_SET(fk, sum->orders, sum->orders + delta->orders);
    }

    if (delta->units != 0) {
        FK_SET(fk, sum->units, sum->units + delta->units);
    }

    if (delta->amount != 0) {
        FK_SET(fk, sum->amount, sum->amount + delta->amount);
    }
}


static fk_share_t
fk_share_times(const fk_share_t *share, int n)
{
    fk_share_t  product;

    product.orders = n * share->orders;
    product.units = n * share->units;
    product.amount = n * share->amount;

    return product;
}


fk_share_t
fk_share_returned(uint32_t qty, int64_t paid, int64_t returned)
{
    int         whole;
    fk_share_t  share;

    whole = returned != 0 && returned == paid;
    share.orders = -whole;
    share.units = whole ? -(int64_t) qty : 0;
    share.amount = -returned;

    return share;
}


fk_share_t
fk_order_returned(const fk_t *fk, const fk_order_rec_t *o)
{
    const fk_split_rec_t  *s;

    /* Of one that is not paid nothing counts that could be less. */
    if (o->split == 0 || o->axis_payment != FK_PAYMENT_PAID) {
        return fk_share_returned(o->qty, 0, 0);
    }

    s = FK_SPLIT(fk, o->split);
    return fk_share_returned(o->qty, s->paid, s->returned);
}


void
fk_tally_parts(fk_t *fk, uint32_t order, int sign)
{
    fk_share_t             share;
    const fk_order_rec_t  *o;

    o = FK_ORDER(fk, order);

    if (o->tally[FK_TALLY_BUYER] == 0) {
        return;
    }

    share = fk_order_returned(fk, o);
    share = fk_share_times(&share, sign);
    fk_tally_move(fk, order, o->tally[FK_TALLY_BUYER], &share, 0);
}


void
fk_tally_payment(fk_t *fk, uint32_t payment, unsigned was, unsigned is)
{
    int                      more;
    fk_tally_rec_t          *t;
    const fk_order_rec_t    *o;
    const fk_payment_rec_t  *p;

    p = FK_PAYMENT(fk, payment);
    o = FK_ORDER(fk, p->order);
    more = (is == FK_PAYMENT_STATE_APPLIED)
           - (was == FK_PAYMENT_STATE_APPLIED);

    if (more != 0 && o->tally[FK_TALLY_BUYER] != 0) {
        t = FK_TALLY(fk, o->tally[FK_TALLY_BUYER]);
        FK_SET(fk, t->live.amount, t->live.amount + more * p->amount);
    }
}


int
fk_tally_room(const fk_t *fk, const fk_order_rec_t *o, int64_t amount)
{
    return fk_tally_bears(fk, o->tally[FK_TALLY_BUYER], amount);
}


int
fk_tally_bears(const fk_t *fk, uint32_t buyer, int64_t amount)
{
    return buyer == 0
           || FK_TALLY(fk, buyer)->live.amount <= FK_UNITS_MAX - amount;
}


/* The clock may be set back: the last time is the latest. */

void
fk_tally_paid(fk_t *fk, const fk_env_t *env, const fk_order_rec_t *o)
{
    uint32_t         buyer;
    fk_tally_rec_t  *t;

    buyer = o->tally[FK_TALLY_BUYER];

    if (buyer == 0) {
        return;
    }

    t = FK_TALLY(fk, buyer);

    if (t->last_paid_s < fk_now_s(env)) {
        FK_SET(fk, t->last_paid_s, fk_now_s(env));
    }

    fk_record_tally(fk, buyer);
}


fk_share_t
fk_archived_share(uint8_t kind, uint32_t qty, const fk_axes_t *axes,
    const fk_archived_t *sum)
{
    fk_share_t  share;

    share = fk_tally_share(kind, qty, axes);

    if (kind == FK_TALLY_BUYER) {
        share.orders += sum->returned.orders;
        share.units += sum->returned.units;
        share.amount = sum->amount;
    }

    return share;
}


int
fk_tally_archive_room(const fk_t *fk, const fk_order_rec_t *o,
    const fk_archived_t *sum)
{
    uint8_t                kind;
    fk_axes_t              axes;
    fk_share_t             share;
    const fk_tally_rec_t  *t;

    axes = fk_order_axes(o);

    for (kind = 0; kind < FK_TALLY_COUNT; kind++) {
        if (o->tally[kind] == 0) {
            continue;
        }

        t = FK_TALLY(fk, o->tally[kind]);
        share = fk_archived_share(kind, o->qty, &axes, sum);

        if (t->archived.orders > FK_UNITS_MAX - share.orders
            || t->archived.units > FK_UNITS_MAX - share.units
            || t->archived.amount > FK_UNITS_MAX - share.amount)
        {
            return 0;
        }
    }

    return o->coupon == 0
           || FK_COUPON_AT(fk, o->coupon)->archived_uses < FK_UNITS_MAX;
}


void
fk_tally_archive(fk_t *fk, uint32_t order, const fk_archived_t *sum, int sign)
{
    uint8_t                kind;
    fk_axes_t              axes;
    fk_share_t             share;
    fk_tally_rec_t        *t;
    fk_coupon_rec_t       *c;
    const fk_order_rec_t  *o;

    o = FK_ORDER(fk, order);
    axes = fk_order_axes(o);
    fk_tally_book(fk, order, sign > 0 ? &axes : NULL,
                  sign > 0 ? NULL : &axes);

    for (kind = 0; kind < FK_TALLY_COUNT; kind++) {
        if (o->tally[kind] == 0) {
            continue;
        }

        t = FK_TALLY(fk, o->tally[kind]);
        share = fk_archived_share(kind, o->qty, &axes, sum);
        share = fk_share_times(&share, sign);
        fk_share_add(fk, &t->archived, &share);

        if (kind != FK_TALLY_BUYER) {
            continue;
        }

        share = fk_share_times(&sum->returned, -sign);
        fk_tally_move(fk, order, o->tally[kind], &share, 0);

        /* Its payments go without a word: the audit hears of each. */
        if (sum->applied != 0) {
            FK_SET(fk, t->live.amount, t->live.amount - sign * sum->applied);
        }

        if (t->last_paid_s < o->paid_s) {
            FK_SET(fk, t->last_paid_s, o->paid_s);
        }
    }

    if (o->coupon != 0) {
        c = FK_COUPON_AT(fk, o->coupon);
        share = fk_tally_share(FK_TALLY_COUPON_USE, 1, &axes);
        FK_SET(fk, c->archived_uses, c->archived_uses + sign * share.orders);
    }
}


void
fk_tally_archived(fk_t *fk, const uint32_t tally[FK_TALLY_COUNT],
    uint32_t coupon)
{
    unsigned  kind;

    for (kind = 0; kind < FK_TALLY_COUNT; kind++) {
        if (tally[kind] == 0) {
            continue;
        }

        if (fk_tally_empty(FK_TALLY(fk, tally[kind]))) {
            fk_tally_free(fk, tally[kind]);
        } else {
            fk_record_tally(fk, tally[kind]);
        }
    }

    if (coupon != 0) {
        fk_record_coupon(fk, coupon);
    }
}

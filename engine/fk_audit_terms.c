/*
 * The audit, what buyers have: coupons and tallies, by the same rule as the
 * rest of it (fk_audit.c).  What is behind the cursor of the orders is in
 * their sums, and fk_tally_book() corrects them with each change; applied
 * money comes with the payments, and what was given back with its order.
 */

#include "fk_tally.h"
#include "fk_text.h"


static int fk_share_same(const fk_share_t *a, const fk_share_t *b);


void
fk_audit_terms(fk_t *fk, fk_audit_phase_t compare, uint32_t i, int delta)
{
    int64_t  *count;

    if (!fk_audit_passed(fk, compare, i)) {
        return;
    }

    count = compare == FK_AUDIT_COMPARE_COUPONS
            ? &fk->region->audit.totals.coupons_count
            : &fk->region->audit.totals.tallies_count;
    FK_SET(fk, *count, *count + delta);
}


void
fk_audit_reset_coupon(fk_t *fk, uint32_t i)
{
    FK_COUPON_AT(fk, i)->audit_uses = 0;
}


void
fk_audit_reset_tally(fk_t *fk, uint32_t i)
{
    fk_tally_rec_t  *t;

    t = FK_TALLY(fk, i);
    memset(&t->audit, 0, sizeof(t->audit));
    t->audit_refs = 0;
}


/* One order, which the walk has come to. */

void
fk_audit_add_terms(fk_t *fk, const fk_order_rec_t *o)
{
    uint8_t          kind;
    fk_axes_t        axes;
    fk_share_t       share;
    fk_tally_rec_t  *t;

    axes = fk_order_axes(o);

    for (kind = 0; kind < FK_TALLY_COUNT; kind++) {
        if (o->tally[kind] == 0) {
            continue;
        }

        t = FK_TALLY(fk, o->tally[kind]);
        share = fk_tally_share(kind, o->qty, &axes);
        t->audit.orders += share.orders;
        t->audit.units += share.units;
        t->audit_refs++;
    }

    if (o->tally[FK_TALLY_BUYER] != 0) {
        t = FK_TALLY(fk, o->tally[FK_TALLY_BUYER]);
        share = fk_order_returned(fk, o);
        t->audit.orders += share.orders;
        t->audit.units += share.units;
        t->audit.amount += share.amount;
    }

    if (o->coupon != 0) {
        share = fk_tally_share(FK_TALLY_COUPON_USE, 1, &axes);
        FK_COUPON_AT(fk, o->coupon)->audit_uses += share.orders;
    }
}


void
fk_audit_compare_coupon(fk_t *fk, uint32_t i)
{
    const fk_coupon_rec_t  *c;

    c = FK_COUPON_AT(fk, i);

    if (!c->used) {
        return;
    }

    fk->region->audit.totals.coupons_count++;

    if (c->live_uses != c->audit_uses) {
        fk_audit_problem(&fk->region->audit.totals, "coupon ", c->code,
                         "its uses are not its orders");
    }
}


/* The first in words: the slot, as nobody can read a digest. */

void
fk_audit_compare_tally(fk_t *fk, uint32_t i)
{
    char                   name[24];
    fk_text_t              text;
    const fk_tally_rec_t  *t;

    static const char *const  what[FK_TALLY_COUNT] = {
        [FK_TALLY_BUYER] = "buyer ",
        [FK_TALLY_QUOTA] = "quota ",
        [FK_TALLY_COUPON_USE] = "use of a coupon "
    };

    t = FK_TALLY(fk, i);

    if (!t->used) {
        return;
    }

    fk->region->audit.totals.tallies_count++;

    if (fk_share_same(&t->live, &t->audit) && t->refs == t->audit_refs) {
        return;
    }

    fk_text_init(&text, name, sizeof(name));
    fk_text_num(&text, i);
    fk_audit_problem(&fk->region->audit.totals,
                     t->kind < FK_TALLY_COUNT ? what[t->kind] : "tally ",
                     name, "its counters are not the sums of its orders");
}


static int
fk_share_same(const fk_share_t *a, const fk_share_t *b)
{
    return a->orders == b->orders && a->units == b->units
           && a->amount == b->amount;
}

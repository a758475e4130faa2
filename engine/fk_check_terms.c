/*
 * fk_check(), what buyers have: levels, coupons, tallies, and the sums over
 * the orders that point at them.
 */

#include "fk_check.h"
#include "fk_tally.h"


static fk_code_t fk_check_levels(fk_check_t *ck);
static fk_code_t fk_check_coupons(fk_check_t *ck);
static int fk_check_coupon(const fk_t *fk, const fk_coupon_rec_t *c);
static fk_code_t fk_check_tallies(fk_check_t *ck);
static int fk_check_tally(const fk_t *fk, const fk_tally_rec_t *t);
static int fk_check_share(const fk_share_t *s);


void
fk_check_reset_terms(fk_check_t *ck)
{
    uint32_t  i;

    for (i = 1; i <= ck->fk->region->table[FK_TABLE_COUPONS].fresh; i++) {
        fk_audit_reset_coupon(ck->fk, i);
    }

    for (i = 1; i <= ck->fk->region->table[FK_TABLE_TALLIES].fresh; i++) {
        fk_audit_reset_tally(ck->fk, i);
    }
}


/* What is wrong, or NULL; its payments are good. */

const char *
fk_check_order_terms(fk_check_t *ck, const fk_order_rec_t *o)
{
    uint32_t                 i;
    fk_tally_rec_t          *t;
    const fk_payment_rec_t  *p;

    if (!fk_order_terms_there(ck->fk, o->tally, o->coupon)) {
        return "its buyer or its coupon is not there";
    }

    fk_audit_add_terms(ck->fk, o);

    if (o->tally[FK_TALLY_BUYER] == 0) {
        return NULL;
    }

    t = FK_TALLY(ck->fk, o->tally[FK_TALLY_BUYER]);

    if (o->paid_s > t->last_paid_s) {
        return "its buyer has not paid for so long";
    }

    for (i = o->payment; i != 0; i = p->next) {
        p = FK_PAYMENT(ck->fk, i);

        if (p->state != FK_PAYMENT_STATE_APPLIED) {
            continue;
        }

        t->audit.amount += p->amount;

        if (t->audit.amount > FK_UNITS_MAX) {
            return "its buyer has paid more than can be";
        }
    }

    return NULL;
}


fk_code_t
fk_check_terms(fk_check_t *ck)
{
    fk_code_t  rc;

    rc = fk_check_levels(ck);

    if (rc == FK_OK) {
        rc = fk_check_coupons(ck);
    }

    return rc == FK_OK ? fk_check_tallies(ck) : rc;
}


static fk_code_t
fk_check_levels(fk_check_t *ck)
{
    uint32_t               i, n;
    const fk_level_rec_t  *l;

    for (i = 1; i <= ck->fk->region->table[FK_TABLE_LEVELS].fresh; i++) {
        if (!fk_check_used(ck->fk, FK_TABLE_LEVELS, i)) {
            continue;
        }

        l = FK_LEVEL(ck->fk, i);
        ck->used_count[FK_TABLE_LEVELS]++;

        if (!fk_check_text(l->name, sizeof(l->name)) || l->used != 1
            || l->off_bp > FK_BP || l->min_spent < 0
            || l->min_spent > FK_UNITS_MAX)
        {
            return fk_check_bad(ck, "level", i, "a value is not possible");
        }

        /* Levels are in no index. */
        for (n = 1; n < i; n++) {
            if (FK_LEVEL(ck->fk, n)->used
                && strncmp(FK_LEVEL(ck->fk, n)->name, l->name,
                           sizeof(l->name)) == 0)
            {
                return fk_check_bad(ck, "level", i, "it is there twice");
            }
        }
    }

    return FK_OK;
}


static fk_code_t
fk_check_coupons(fk_check_t *ck)
{
    uint32_t                i;
    const fk_coupon_rec_t  *c;

    for (i = 1; i <= ck->fk->region->table[FK_TABLE_COUPONS].fresh; i++) {
        if (!fk_check_used(ck->fk, FK_TABLE_COUPONS, i)) {
            continue;
        }

        c = FK_COUPON_AT(ck->fk, i);
        ck->used_count[FK_TABLE_COUPONS]++;

        if (!fk_check_coupon(ck->fk, c)) {
            return fk_check_bad(ck, "coupon", i, "a value is not possible");
        }

        if (c->live_uses != c->audit_uses) {
            return fk_check_bad(ck, "coupon", i, "its uses are not its "
                                "orders");
        }
    }

    return FK_OK;
}


static int
fk_check_coupon(const fk_t *fk, const fk_coupon_rec_t *c)
{
    uint32_t  n;

    if (!fk_check_text(c->code, sizeof(c->code)) || c->used != 1
        || !fk_coupon_code_good(c->code, strnlen(c->code, sizeof(c->code)))
        || c->currency[FK_CURRENCY_SIZE - 1] != '\0'
        || c->kind >= FK_COUPON_KIND_COUNT || c->on > 1 || c->value < 1
        || c->value > (c->kind == FK_COUPON_PERCENT ? FK_BP : FK_AMOUNT_MAX)
        || c->cap < 0 || c->cap > FK_AMOUNT_MAX
        || c->min_amount < 0 || c->min_amount > FK_AMOUNT_MAX
        || c->archived_uses < 0 || c->archived_uses > FK_UNITS_MAX
        || c->product_count > FK_COUPON_PRODUCTS_MAX)
    {
        return 0;
    }

    for (n = 0; n < FK_COUPON_PRODUCTS_MAX; n++) {
        if (n < c->product_count
            ? !fk_check_used(fk, FK_TABLE_PRODUCTS, c->product[n])
            : c->product[n] != 0)
        {
            return 0;
        }
    }

    return 1;
}


static fk_code_t
fk_check_tallies(fk_check_t *ck)
{
    uint32_t               i;
    const fk_tally_rec_t  *t;

    for (i = 1; i <= ck->fk->region->table[FK_TABLE_TALLIES].fresh; i++) {
        if (!fk_check_used(ck->fk, FK_TABLE_TALLIES, i)) {
            continue;
        }

        t = FK_TALLY(ck->fk, i);
        ck->used_count[FK_TABLE_TALLIES]++;

        if (!fk_check_tally(ck->fk, t)) {
            return fk_check_bad(ck, "tally", i, "a value is not possible");
        }

        if (t->refs != t->audit_refs || t->live.orders != t->audit.orders
            || t->live.units != t->audit.units
            || t->live.amount != t->audit.amount)
        {
            return fk_check_bad(ck, "tally", i, "its orders add up to other "
                                "numbers");
        }

        /* Nobody would ever free it. */
        if (fk_tally_empty(t)) {
            return fk_check_bad(ck, "tally", i, "there is nothing in it");
        }
    }

    return FK_OK;
}


static int
fk_check_tally(const fk_t *fk, const fk_tally_rec_t *t)
{
    if (t->used != 1 || t->kind >= FK_TALLY_COUNT
        || !fk_check_share(&t->archived) || !fk_check_share(&t->live))
    {
        return 0;
    }

    if (t->kind != FK_TALLY_BUYER) {
        return t->level == 0 && t->last_paid_s == 0
               && t->archived.amount == 0;
    }

    return t->level == 0 || fk_check_used(fk, FK_TABLE_LEVELS, t->level);
}


static int
fk_check_share(const fk_share_t *s)
{
    return s->orders >= 0 && s->orders <= FK_UNITS_MAX
           && s->units >= 0 && s->units <= FK_UNITS_MAX
           && s->amount >= 0 && s->amount <= FK_UNITS_MAX;
}


int
fk_check_tiers(const fk_product_rec_t *p)
{
    fk_tier_t  tier[FK_TIERS_MAX];

    if (p->tier_count > FK_TIERS_MAX) {
        return 0;
    }

    fk_product_tiers(p, tier);
    return fk_tiers_good(tier, p->tier_count, p->qty_max);
}

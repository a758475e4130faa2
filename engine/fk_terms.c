/*
 * Wholesale tiers, and what a level or a coupon leaves of a total: arithmetic
 * without a region, so that a caller can compute what the engine will.
 */

#include "fk_tally.h"


int64_t
fk_tier_price(const fk_product_view_t *product, uint32_t qty)
{
    return fk_tier_unit(product->tier, product->tier_count, qty,
                        product->price);
}


/* The last tier that is reached: they ascend. */

int64_t
fk_tier_unit(const fk_tier_t *tier, uint32_t count, uint32_t qty,
    int64_t price)
{
    uint32_t  n;

    assert(count <= FK_TIERS_MAX);

    for (n = 0; n < count && qty >= tier[n].min_qty; n++) {
        price = tier[n].price;
    }

    return price;
}


int
fk_tiers_good(const fk_tier_t *tier, uint32_t count, uint16_t qty_max)
{
    uint32_t  n, least;

    assert(qty_max != 0);

    if (count > FK_TIERS_MAX) {
        return 0;
    }

    for (n = 0, least = 2; n < count; n++) {
        if (tier[n].min_qty < least || tier[n].min_qty > FK_QTY_MAX
            || tier[n].price < 0 || tier[n].price > FK_AMOUNT_MAX / qty_max)
        {
            return 0;
        }

        least = tier[n].min_qty + 1u;
    }

    return 1;
}


void
fk_product_tiers(const fk_product_rec_t *p, fk_tier_t *tier)
{
    uint32_t  n;

    assert(p->tier_count <= FK_TIERS_MAX);

    memset(tier, 0, FK_TIERS_MAX * sizeof(*tier));

    for (n = 0; n < p->tier_count; n++) {
        tier[n].min_qty = p->tier_min_qty[n];
        tier[n].price = p->tier_price[n];
    }
}


/* What is taken off is rounded down. */

int64_t
fk_level_price(uint16_t off_bp, int64_t total)
{
    assert(off_bp <= FK_BP && total >= 0 && total <= FK_AMOUNT_MAX);

    return total - total * off_bp / FK_BP;
}


int64_t
fk_coupon_price(const fk_coupon_view_t *coupon, int64_t total)
{
    fk_coupon_rec_t  c;

    c.kind = coupon->kind;
    c.value = coupon->value;
    c.cap = coupon->cap;

    return fk_coupon_left(&c, total);
}


int64_t
fk_coupon_left(const fk_coupon_rec_t *c, int64_t total)
{
    int64_t  off;

    assert(total >= 0 && total <= FK_AMOUNT_MAX);

    if (c->kind == FK_COUPON_FIXED) {
        return total > c->value ? total - c->value : 0;
    }

    off = total * c->value / FK_BP;

    return total - (c->cap != 0 && off > c->cap ? c->cap : off);
}

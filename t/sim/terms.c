/*
 * Tiers, levels, coupons and limits: who buys with what, by the number of the
 * purchase alone, and what the operator puts.
 *
 * The price is worked out as a worker does it, outside of the lock: by the
 * product, the buyer and the coupon that it sees.
 */

#include "sim.h"


#define TERMS_TIER_QTY     3
#define TERMS_LIMIT        5           /* units a buyer of every other one */
#define TERMS_ANONYMOUS    5           /* every so many buyers are not known */


const char *const  terms_code[SIM_COUPONS] = { "OFF", "FEW" };


static void terms_digest(uint32_t buyer, uint32_t kind, uint32_t what,
    uint8_t key[FK_TALLY_KEY_SIZE]);


uint16_t
terms_limit(uint32_t product)
{
    return product % 2 != 0 ? TERMS_LIMIT : 0;
}


uint32_t
terms_buyer(uint32_t purchase, uint32_t product)
{
    return purchase % TERMS_ANONYMOUS == 0 && terms_limit(product) == 0
           ? 0 : 1 + purchase % SIM_BUYERS;
}


uint32_t
terms_coupon(uint32_t purchase, uint32_t product)
{
    return terms_buyer(purchase, product) == 0 || purchase % 7 > SIM_COUPONS
           ? SIM_COUPONS : purchase % 7;
}


int64_t
terms_unit(int64_t price, uint32_t qty)
{
    return qty >= TERMS_TIER_QTY ? price - price / 5 : price;
}


void
terms_product(uint32_t product, fk_product_put_t *put)
{
    put->fields |= FK_PUT_TIERS | FK_PUT_BUYER_LIMIT;
    put->buyer_limit = terms_limit(product);
    put->tier_count = 1;
    put->tier[0].min_qty = TERMS_TIER_QTY;
    put->tier[0].price = terms_unit(put->price, TERMS_TIER_QTY);
}


/* --- who --------------------------------------------------------------- */

static void
terms_digest(uint32_t buyer, uint32_t kind, uint32_t what,
    uint8_t key[FK_TALLY_KEY_SIZE])
{
    memset(key, 0x2b, FK_TALLY_KEY_SIZE);
    fk_put(key, (buyer + 1) * UINT64_C(0x9e3779b97f4a7c15), 8);
    fk_put(key + 8, kind, 2);
    fk_put(key + 10, what, 4);
}


void
terms_key(uint32_t buyer, uint32_t kind, uint32_t what,
    uint8_t key[FK_TALLY_KEY_SIZE])
{
    terms_digest(buyer, kind, kind == FK_TALLY_BUYER ? 0 : what, key);
}


void
terms_fill(uint32_t purchase, uint32_t product, fk_checkout_t *in)
{
    uint32_t  buyer, coupon;

    buyer = terms_buyer(purchase, product);
    coupon = terms_coupon(purchase, product);

    if (buyer == 0) {
        return;
    }

    in->has_buyer = 1;
    in->has_quota = 1;
    terms_key(buyer, FK_TALLY_BUYER, 0, in->buyer);
    terms_key(buyer, FK_TALLY_QUOTA, product, in->quota);
    terms_key(buyer, FK_TALLY_COUPON_USE, coupon, in->coupon_use);

    if (coupon < SIM_COUPONS) {
        in->coupon = redis_str(terms_code[coupon]);
    }
}


/* --- how much ---------------------------------------------------------- */

fk_code_t
terms_steps(fk_t *fk, const fk_env_t *env, uint32_t purchase,
    fk_checkout_t *in)
{
    int64_t            left;
    fk_code_t          code;
    fk_buyer_view_t    buyer;
    fk_coupon_view_t   coupon;
    fk_product_view_t  product;

    code = fk_product_get(fk, env, in->sku, &product);
    memset(&buyer, 0, sizeof(buyer));

    if (code == FK_OK && in->has_buyer) {
        code = fk_buyer_get(fk, in->buyer, &buyer);
    }

    if (code != FK_OK) {
        return code;
    }

    in->step[FK_STEP_LIST] = product.price * (int64_t) in->qty;
    in->step[FK_STEP_TIER] = fk_tier_price(&product, in->qty)
                             * (int64_t) in->qty;
    in->step[FK_STEP_LEVEL] = fk_level_price(buyer.off_bp,
                                             in->step[FK_STEP_TIER]);
    in->step[FK_STEP_RULE] = request_total(purchase,
                                           in->step[FK_STEP_LEVEL]);
    in->step[FK_STEP_COUPON] = in->step[FK_STEP_RULE];

    /* Who has no rule leaves all of it to the shop. */
    in->priced = in->step[FK_STEP_RULE] != in->step[FK_STEP_LEVEL];

    if (in->coupon.size != 0
        && fk_coupon_get(fk, in->coupon, &coupon) == FK_OK)
    {
        left = fk_coupon_price(&coupon, in->step[FK_STEP_RULE]);
        in->step[FK_STEP_COUPON] = left >= 1 ? left
                                   : in->step[FK_STEP_RULE];
    }

    return FK_OK;
}


/* --- the operator ------------------------------------------------------- */

/* Both levels and both coupons, each a record of its own; count: how much the
 * second coupon takes off, and the first one says. */

void
terms_put(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r)
{
    int              created;
    uint32_t         n;
    const char      *field;
    fk_level_put_t   level;
    fk_coupon_put_t  coupon;

    static const struct {
        const char  *name;
        int64_t      min_spent;
        uint16_t     off_bp;
    } levels[SIM_LEVELS] = { { "silver", 900, 500 }, { "gold", 2500, 1000 } };

    for (n = 0; n < SIM_LEVELS; n++) {
        level.name = redis_str(levels[n].name);
        level.off_bp = (uint16_t) (levels[n].off_bp + r->count);
        level.min_spent = levels[n].min_spent;
        r->code = fk_level_put(fk, env, &level, &r->seq, &field);

        if (r->code != FK_OK) {
            return;
        }
    }

    for (n = 0; n < SIM_COUPONS; n++) {
        memset(&coupon, 0, sizeof(coupon));
        coupon.code = redis_str(terms_code[n]);
        coupon.kind = n == 0 ? FK_COUPON_PERCENT : FK_COUPON_FIXED;
        coupon.on = 1;
        coupon.value = n == 0 ? 1000 + r->count : 20 + r->count;
        coupon.cap = n == 0 ? 60 : 0;
        coupon.min_amount = 150;
        coupon.uses_max = n == 0 ? 0 : 8;
        coupon.uses_buyer_max = n == 0 ? 2 : 0;
        memcpy(coupon.currency, n == 0 ? "" : "CNY", n == 0 ? 1 : 4);
        r->code = fk_coupon_put(fk, env, &coupon, &created, &r->seq, &field);

        if (r->code != FK_OK) {
            return;
        }
    }
}

/*
 * The operations upon levels, buyers and coupons, and what a checkout brings
 * of them: few buyers, so that each has a past.
 */

#include "exhaust.h"


#define EX_BUYERS  5


static void
ex_key(uint64_t n, uint8_t key[FK_TALLY_KEY_SIZE])
{
    terms_key((uint32_t) (n % EX_BUYERS), FK_TALLY_BUYER, 0, key);
}


/* Every eighth is not known; every third of the others has a coupon. */

void
ex_terms(ex_shop_t *x, uint32_t product, fk_checkout_t *in)
{
    uint32_t  buyer, coupon;

    if (x->draw.b % 8 == 0) {
        return;
    }

    buyer = (uint32_t) (x->draw.b % EX_BUYERS);
    coupon = (uint32_t) (x->draw.c % SIM_COUPONS);
    in->has_buyer = 1;
    in->has_quota = 1;
    terms_key(buyer, FK_TALLY_BUYER, 0, in->buyer);
    terms_key(buyer, FK_TALLY_QUOTA, product, in->quota);
    terms_key(buyer, FK_TALLY_COUPON_USE, coupon, in->coupon_use);

    if (x->draw.a % 3 == 0) {
        in->coupon = redis_str(terms_code[coupon]);
    }
}


/* One level of two; the second one is what a few orders make. */

fk_code_t
ex_level(ex_shop_t *x)
{
    fk_env_t         env;
    uint64_t         seq;
    const char      *field;
    fk_level_put_t   in;

    env.now_ms = x->book.now_ms;
    in.name = redis_str(x->draw.a % 2 ? "gold" : "silver");
    in.off_bp = (uint16_t) (x->draw.b % 2000);
    in.min_spent = (int64_t) (x->draw.c % 3000);

    return fk_level_put(&x->fk, &env, &in, &seq, &field);
}


fk_code_t
ex_buyer(ex_shop_t *x)
{
    uint8_t    key[FK_TALLY_KEY_SIZE];
    fk_env_t   env;
    uint64_t   seq;
    fk_code_t  rc;

    static const char *const  names[] = { "gold", "silver", "" };

    env.now_ms = x->book.now_ms;
    ex_key(x->draw.a, key);
    rc = fk_buyer_put(&x->fk, &env, key, redis_str(names[x->draw.b % 3]),
                      &seq);

    /* Who is forgotten is not there to be forgotten again. */
    return rc == FK_OK && seq == 0 ? FK_EXISTS : rc;
}


fk_code_t
ex_coupon(ex_shop_t *x)
{
    int               created;
    fk_env_t          env;
    uint64_t          seq;
    const char       *field;
    fk_coupon_put_t   in;

    env.now_ms = x->book.now_ms;
    memset(&in, 0, sizeof(in));
    in.code = redis_str(terms_code[x->draw.a % SIM_COUPONS]);
    in.kind = (uint8_t) (x->draw.b % FK_COUPON_KIND_COUNT);
    in.on = 1;
    in.value = 1 + (int64_t) (x->draw.c % 150);
    in.uses_max = (uint32_t) (x->draw.b % 3 * 4);
    in.uses_buyer_max = (uint16_t) (x->draw.c % 3);
    in.product_count = x->draw.c % 5 == 0;
    in.product[0] = request_sku((uint32_t) (x->draw.b % EX_PRODUCTS));

    if (in.kind == FK_COUPON_FIXED) {
        memcpy(in.currency, "CNY", 4);
    }

    return fk_coupon_put(&x->fk, &env, &in, &created, &seq, &field);
}

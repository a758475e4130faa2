/*
 * What a buyer pays beside the list price, and how much he may buy: wholesale
 * tiers, member levels, coupons, purchase limits.  A part of fk.h, which
 * includes it: nobody else does.
 *
 * Who a buyer is, the engine does not know: the caller gives digests of 16
 * bytes, and the engine keeps a tally for each.  A checkout brings up to three
 * of them: of the buyer, of the buyer and the product, of the buyer and the
 * coupon.  What a tally counts is held with the stock, in one transaction, and
 * given back with it: when the order expires, is cancelled or refunded.
 *
 * A payment that comes after the order has expired counts again, also above
 * a limit: money is not refused for it.
 */

#ifndef FK_TERMS_H_INCLUDED_
#define FK_TERMS_H_INCLUDED_


/* --- prices ----------------------------------------------------------- */

/*
 * The totals that fk_checkout holds a caller's steps against.  Pure functions
 * of what the views say; in minor units, rounded in the shop's favour.
 */

/* The price of one unit when qty are bought. */
int64_t fk_tier_price(const fk_product_view_t *product, uint32_t qty);

/* What is left of a total by a level: 0 only by one that takes all. */
int64_t fk_level_price(uint16_t off_bp, int64_t total);


/* --- member levels ---------------------------------------------------- */

/* A buyer who has spent so much, in any currency, gets it by that alone. */
typedef struct {
    fk_str_t  name;                    /* 1..FK_LEVEL_NAME_SIZE_MAX bytes */
    uint16_t  off_bp;                  /* 0..FK_BP */
    int64_t   min_spent;               /* minor units, 0: everybody */
} fk_level_put_t;

typedef struct {
    char      name[FK_LEVEL_NAME_SIZE_MAX + 1];
    uint16_t  off_bp;
    int64_t   min_spent;
    uint64_t  seq;
} fk_level_view_t;

/*
 * Makes the level of that name, or changes it.  FK_INVALID: *field is wrong.
 * FK_TABLE_FULL: there are FK_LEVELS_MAX.  A level never goes: one that
 * nobody shall have takes nothing off.
 */
fk_code_t fk_level_put(fk_t *fk, const fk_env_t *env,
    const fk_level_put_t *in, uint64_t *seq, const char **field);

fk_code_t fk_level_get(fk_t *fk, fk_str_t name, fk_level_view_t *out);

/* All of them; *n is how many, 0 with any answer but FK_OK. */
fk_code_t fk_level_list(fk_t *fk, fk_level_view_t out[FK_LEVELS_MAX],
    uint32_t *n);


/* --- buyers ----------------------------------------------------------- */

typedef struct {
    int64_t   orders_count;            /* paid, and not given back whole */
    int64_t   units_count;             /* of these orders */
    int64_t   spent;                   /* minor units, applied and kept */
    uint32_t  last_paid_s;             /* 0: never */
    uint16_t  off_bp;                  /* by the level */
    uint8_t   by_operator;             /* 1: the level was set by hand */
    char      level[FK_LEVEL_NAME_SIZE_MAX + 1];   /* empty: none */
} fk_buyer_view_t;

/*
 * A look before the checkout.  A buyer that the shop does not know has bought
 * nothing, and the level of those who have: that is FK_OK, too.
 */
fk_code_t fk_buyer_get(fk_t *fk, const uint8_t key[FK_TALLY_KEY_SIZE],
    fk_buyer_view_t *out);

/*
 * Sets a buyer's level by its name; empty: the one that was spent for.
 *   FK_NOT_FOUND   no such level
 *   FK_AGAIN       nothing is left to be known of the buyer, and while a
 *                  snapshot runs nothing can be forgotten
 *   FK_TABLE_FULL, FK_RING_FULL  no room now, nothing was done
 */
fk_code_t fk_buyer_put(fk_t *fk, const fk_env_t *env,
    const uint8_t key[FK_TALLY_KEY_SIZE], fk_str_t level, uint64_t *seq);


/* --- coupons ---------------------------------------------------------- */

typedef struct {
    fk_str_t  code;                    /* A-Z a-z 0-9 _ -; case is nothing */
    uint8_t   kind;                    /* fk_coupon_kind_t */
    uint8_t   on;                      /* the operator's switch */
    uint16_t  uses_buyer_max;          /* 0: no limit, as the next ones */
    uint32_t  uses_max;
    uint32_t  from_s;
    uint32_t  to_s;
    int64_t   value;                   /* fixed: 1.., percent: 1..FK_BP */
    int64_t   cap;                     /* percent only: takes off no more */
    int64_t   min_amount;              /* of the total before the coupon */
    char      currency[FK_CURRENCY_SIZE];      /* of fixed; else empty */
    uint32_t  product_count;           /* 0: all products */
    fk_str_t  product[FK_COUPON_PRODUCTS_MAX]; /* SKUs */
} fk_coupon_put_t;

typedef struct {
    uint64_t  seq;
    char      code[FK_COUPON_CODE_SIZE_MAX + 1];       /* upper case */
    uint8_t   kind;
    uint8_t   on;
    uint16_t  uses_buyer_max;
    uint32_t  uses_max;
    uint32_t  from_s;
    uint32_t  to_s;
    uint32_t  created_s;
    uint32_t  updated_s;
    int64_t   value;
    int64_t   cap;
    int64_t   min_amount;
    int64_t   uses_count;              /* orders that hold or have used it */
    int64_t   archived_uses;           /* of these, left with their orders */
    char      currency[FK_CURRENCY_SIZE];
    uint32_t  product_count;
    char      product[FK_COUPON_PRODUCTS_MAX][FK_SKU_SIZE_MAX + 1];
} fk_coupon_view_t;

/*
 * Makes a coupon or changes it to what is given; *created says which.
 * FK_INVALID: *field is wrong.  A coupon never goes, it is switched off.
 * Uses by one buyer are counted while there is a limit for them: those from
 * before it was set are not.
 */
fk_code_t fk_coupon_put(fk_t *fk, const fk_env_t *env,
    const fk_coupon_put_t *in, int *created, uint64_t *seq,
    const char **field);

fk_code_t fk_coupon_get(fk_t *fk, fk_str_t code, fk_coupon_view_t *out);

/* As fk_product_list. */
fk_code_t fk_coupon_list(fk_t *fk, uint32_t *cursor, fk_coupon_view_t *out,
    uint32_t *n);

/*
 * What is left of a total by the coupon, which takes no more than the total.
 * Whether it may be used is not asked here.
 */
int64_t fk_coupon_price(const fk_coupon_view_t *coupon, int64_t total);


#endif /* FK_TERMS_H_INCLUDED_ */

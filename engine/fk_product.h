/*
 * Products: what is for sale, for how much, and how many there are.  A part
 * of fk.h, which includes it: nobody else does.
 */

#ifndef FK_PRODUCT_H_INCLUDED_
#define FK_PRODUCT_H_INCLUDED_


/* Which optional fields of fk_product_put_t are given. */
#define FK_PUT_NAME       0x01
#define FK_PUT_PRICE      0x02         /* price and currency */
#define FK_PUT_KIND       0x04
#define FK_PUT_ON_SALE    0x08
#define FK_PUT_QTY_MAX    0x10
#define FK_PUT_WINDOW     0x20         /* sale_from_s and sale_to_s */
#define FK_PUT_STOCK      0x40         /* counted only */
#define FK_PUT_BUYER_LIMIT  0x80
#define FK_PUT_TIERS      0x100        /* all of them; none: tier_count 0 */
#define FK_PUT_MERCHANT   0x200

/* From min_qty units on, each of them costs price. */
typedef struct {
    int64_t    price;                  /* minor units a unit, 0.. */
    uint16_t   min_qty;                /* 2..FK_QTY_MAX, ascending */
} fk_tier_t;

typedef struct {
    fk_str_t   sku;
    uint32_t   fields;                 /* FK_PUT_* */
    fk_str_t   name;
    int64_t    price;                  /* minor units a unit, 0.. */
    char       currency[FK_CURRENCY_SIZE];
    uint8_t    kind;
    uint8_t    on_sale;
    uint16_t   qty_max;                /* 1..FK_QTY_MAX; shared: 1 */
    uint32_t   sale_from_s;            /* 0: no limit */
    uint32_t   sale_to_s;
    int64_t    stock;                  /* units to be available now */
    uint16_t   buyer_limit;            /* units a buyer, 0: no limit */
    uint16_t   tier_count;
    fk_tier_t  tier[FK_TIERS_MAX];
    fk_str_t   merchant;               /* an account's id; empty: none */
} fk_product_put_t;

typedef struct {
    uint32_t   index;
    uint64_t   seq;                    /* last record that touched it */
    char       sku[FK_SKU_SIZE_MAX + 1];
    char       name[FK_NAME_SIZE_MAX + 1];
    char       currency[FK_CURRENCY_SIZE];
    int64_t    price;
    uint8_t    kind;
    uint8_t    on_sale;                /* the operator's switch */
    uint8_t    on_sale_now;            /* switch, window, a key if shared */
    uint16_t   qty_max;
    uint32_t   sale_from_s;
    uint32_t   sale_to_s;
    uint32_t   created_s;
    uint32_t   updated_s;
    int64_t    sellable;               /* available less what is owed */
    int64_t    imported;
    int64_t    available;
    int64_t    held;
    int64_t    sold;
    int64_t    voided;
    int64_t    owed;                   /* units that paid orders wait for */
    int64_t    archived_units;         /* of sold: left with their orders */
    int64_t    archived_orders;
    int64_t    archived_amount;        /* kept money of these orders */
    uint16_t   buyer_limit;
    uint16_t   tier_count;
    fk_tier_t  tier[FK_TIERS_MAX];
    char       merchant[FK_ACCOUNT_SIZE_MAX + 1];      /* "": none */
} fk_product_view_t;

/*
 * Makes or changes a product.  *created says which.  A new one needs NAME,
 * PRICE and KIND.  FK_INVALID: *field names the field that is wrong or
 * missing.  FK_CONFLICT: kind or currency of a product that has had stock or
 * orders cannot change (*field).  STOCK sets available units: the difference
 * is booked as imported, or as void when it falls.
 *
 * MERCHANT: an account of that kind and of the product's currency, which is
 * asked of the one that it has, too, when the currency changes.  From then on
 * what is paid for the product is split for that merchant (fk_split_t); what
 * was split before stays as it is.
 */
fk_code_t fk_product_put(fk_t *fk, const fk_env_t *env,
    const fk_product_put_t *in, fk_product_view_t *out, int *created,
    uint64_t *seq, const char **field);

fk_code_t fk_product_get(fk_t *fk, const fk_env_t *env, fk_str_t sku,
    fk_product_view_t *out);

/*
 * Up to *n (1 .. FK_LIST_SLICE_MAX) products from *cursor (0 to begin);
 * *cursor becomes 0 at the end, *n how many were written to out.  When the
 * shop is not open or its lock cannot be had, that is the answer: *n is 0,
 * *cursor stays, and it is not the end of the list.
 */
fk_code_t fk_product_list(fk_t *fk, const fk_env_t *env, uint32_t *cursor,
    fk_product_view_t *out, uint32_t *n);

/*
 * The cheapest refusal: one read, no lock.  FK_OK means "perhaps": the full
 * ladder of fk_checkout decides.  FK_SOLD_OUT, FK_NOT_ON_SALE and
 * FK_NOT_FOUND are sure at this moment; FK_NOT_OPEN and its like too.
 */
fk_code_t fk_product_peek(const fk_t *fk, const fk_env_t *env, fk_str_t sku,
    uint32_t qty);


#endif /* FK_PRODUCT_H_INCLUDED_ */

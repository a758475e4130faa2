/*
 * The calls of fk_terms.h and fk_sale.h, for call_table.h.
 */

#ifndef FAKA_CALL_TERMS_H_INCLUDED_
#define FAKA_CALL_TERMS_H_INCLUDED_


#include "engine_shop.h"


static int
call_level_put(fk_t *fk)
{
    uint64_t        seq;
    const char     *field;
    fk_level_put_t  in;

    memset(&in, 0, sizeof(in));
    in.name = str("gold");
    return fk_level_put(fk, &shop_env, &in, &seq, &field);
}


static int
call_level_get(fk_t *fk)
{
    fk_level_view_t  out;

    return fk_level_get(fk, str("silver"), &out);
}


static int
call_level_list(fk_t *fk)
{
    uint32_t         n;
    fk_level_view_t  out[FK_LEVELS_MAX];

    return fk_level_list(fk, out, &n);
}


static int
call_buyer_get(fk_t *fk)
{
    uint8_t          key[FK_TALLY_KEY_SIZE];
    fk_buyer_view_t  out;

    shop_digest(1, str(""), key);
    return fk_buyer_get(fk, key, &out);
}


static int
call_sale_cart(fk_t *fk)
{
    uint8_t            key[FK_TALLY_KEY_SIZE];
    fk_buyer_view_t    buyer;
    fk_product_view_t  product;

    shop_digest(1, str(""), key);
    return fk_sale_cart(fk, &shop_env, str("card"), key, &product, &buyer);
}


static int
call_sale_order(fk_t *fk)
{
    int                known;
    uint8_t            key[FK_TALLY_KEY_SIZE];
    fk_buyer_view_t    buyer;
    fk_order_id_t      id;
    fk_order_view_t    order;
    fk_product_view_t  product;

    memset(&id, 0xff, sizeof(id));
    return fk_sale_order(fk, &shop_env, &id, &order, &product, &known, key,
                         &buyer);
}


static int
call_buyer_put(fk_t *fk)
{
    uint8_t   key[FK_TALLY_KEY_SIZE];
    uint64_t  seq;

    shop_digest(1, str(""), key);
    return fk_buyer_put(fk, &shop_env, key, str("silver"), &seq);
}


static int
call_coupon_put(fk_t *fk)
{
    int              created;
    uint64_t         seq;
    const char      *field;
    fk_coupon_put_t  in;

    in = shop_coupon_of("off", FK_COUPON_FIXED, 1);
    return fk_coupon_put(fk, &shop_env, &in, &created, &seq, &field);
}


static int
call_coupon_get(fk_t *fk)
{
    fk_coupon_view_t  out;

    return fk_coupon_get(fk, str("spring"), &out);
}


static int
call_coupon_list(fk_t *fk)
{
    uint32_t          cursor, n;
    fk_coupon_view_t  out[2];

    cursor = 0;
    n = 2;
    return fk_coupon_list(fk, &cursor, out, &n);
}


#endif /* FAKA_CALL_TERMS_H_INCLUDED_ */

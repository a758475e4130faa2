/*
 * What a sale is judged by: all that rules and commission are to know of it,
 * looked up under the lock once.  It is so a moment ago; what it leads to is
 * judged again under the lock.
 *
 * Part of fk.h, which includes it.
 */

#ifndef FK_SALE_H_INCLUDED_
#define FK_SALE_H_INCLUDED_


/*
 * Before the checkout: the product, and the buyer of this key as fk_buyer_get
 * has him, unless buyer is NULL.  FK_NOT_FOUND: no such product.
 */
fk_code_t fk_sale_cart(fk_t *fk, const fk_env_t *env, fk_str_t sku,
    const uint8_t *buyer, fk_product_view_t *product, fk_buyer_view_t *out);

/*
 * Before money is booked: the order, its product, and its buyer, if one is
 * counted with it; otherwise *known is 0, and key and buyer are zeros.
 * FK_NOT_FOUND: no such order.
 */
fk_code_t fk_sale_order(fk_t *fk, const fk_env_t *env,
    const fk_order_id_t *id, fk_order_view_t *order,
    fk_product_view_t *product, int *known, uint8_t key[FK_TALLY_KEY_SIZE],
    fk_buyer_view_t *buyer);

/*
 * Who may have a share of an order: its agent and those above, at most *n of
 * them, the nearest first, and how many there are; agent may be empty.  And
 * the platform of this currency, whose id is empty if there is none.
 */
fk_code_t fk_sale_shares(fk_t *fk, fk_str_t agent, const char *currency,
    fk_account_view_t *out, uint32_t *n, fk_account_view_t *platform);


#endif /* FK_SALE_H_INCLUDED_ */

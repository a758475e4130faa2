/*
 * What a sale is judged by, under one lock: each turn at it costs more than
 * what is looked up in it.
 */

#include "fk_tally.h"


fk_code_t
fk_sale_cart(fk_t *fk, const fk_env_t *env, fk_str_t sku,
    const uint8_t *buyer, fk_product_view_t *product, fk_buyer_view_t *out)
{
    uint32_t   index;
    fk_code_t  code;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    index = fk_product_find(fk, sku);

    if (index != 0) {
        fk_product_fill(fk, env, index, product);
    }

    if (index != 0 && buyer != NULL) {
        fk_buyer_fill(fk, fk_tally_find(fk, FK_TALLY_BUYER, buyer), out);
    }

    fk_unlock(fk);
    return index != 0 ? FK_OK : FK_NOT_FOUND;
}


fk_code_t
fk_sale_order(fk_t *fk, const fk_env_t *env, const fk_order_id_t *id,
    fk_order_view_t *order, fk_product_view_t *product, int *known,
    uint8_t key[FK_TALLY_KEY_SIZE], fk_buyer_view_t *buyer)
{
    uint32_t   index, tally;
    fk_code_t  code;

    *known = 0;
    memset(key, 0, FK_TALLY_KEY_SIZE);
    memset(buyer, 0, sizeof(*buyer));

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    index = fk_order_find(fk, id->bytes);

    if (index != 0) {
        fk_order_fill(fk, index, order);
        fk_product_fill(fk, env, FK_ORDER(fk, index)->product, product);
        tally = FK_ORDER(fk, index)->tally[FK_TALLY_BUYER];

        if (tally != 0) {
            *known = 1;
            memcpy(key, FK_TALLY(fk, tally)->key, FK_TALLY_KEY_SIZE);
            fk_buyer_fill(fk, tally, buyer);
        }
    }

    fk_unlock(fk);
    return index != 0 ? FK_OK : FK_NOT_FOUND;
}


fk_code_t
fk_sale_shares(fk_t *fk, fk_str_t agent, const char *currency,
    fk_account_view_t *out, uint32_t *n, fk_account_view_t *platform)
{
    uint32_t   account, n_max;
    fk_code_t  code;

    n_max = *n;
    *n = 0;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    account = fk_account_find(fk, agent);

    for (/* void */ ; account != 0 && *n < n_max; (*n)++) {
        fk_account_fill(fk, account, &out[*n]);
        account = FK_ACCOUNT(fk, account)->parent;
    }

    account = fk_platform_of(fk, currency);

    if (account != 0) {
        fk_account_fill(fk, account, platform);
    } else {
        platform->id[0] = '\0';
    }

    fk_unlock(fk);
    return FK_OK;
}

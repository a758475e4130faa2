/*
 * GET /products: what the shop has, with live stock.
 *
 * Read in slices, each under its own short lock, so a long list holds nobody
 * up; between two slices stock may change, and each product is right for the
 * moment at which it was read.
 */


#include "ngx_faka_order.h"
#include "ngx_faka_rules.h"


/* An item with a name of usual length; longer ones open another buffer. */
#define NGX_FAKA_PRODUCT_JSON_SIZE  224


static fk_code_t ngx_faka_products_json(ngx_http_request_t *r,
    ngx_faka_shop_t *shop, ngx_chain_t **body);
static void ngx_faka_products_item(ngx_faka_json_t *json,
    const fk_product_view_t *product, int64_t price);


ngx_int_t
ngx_faka_products_handler(ngx_http_request_t *r)
{
    fk_code_t             code;
    ngx_chain_t          *body;
    ngx_faka_loc_conf_t  *flcf;

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_faka_module);

    if (ngx_faka_ctx_get(r, flcf->shop) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_faka_no_body(r);

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        ngx_faka_send_not_allowed(r, "GET, HEAD");
        return NGX_DONE;
    }

    body = NULL;
    code = ngx_faka_shop_code(flcf->shop);

    if (code == FK_OK) {
        code = ngx_faka_products_json(r, flcf->shop, &body);
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    ngx_faka_send_json(r, NGX_HTTP_OK, body);

    return NGX_DONE;
}


/* The whole list or none; *body is NULL when memory ran out on the way. */

static fk_code_t
ngx_faka_products_json(ngx_http_request_t *r, ngx_faka_shop_t *shop,
    ngx_chain_t **body)
{
    uint32_t            i, n, cursor;
    fk_env_t            env;
    fk_code_t           code;
    int64_t             price;
    ngx_faka_json_t     json;
    ngx_faka_quotes_t   quotes;
    fk_product_view_t  *products;

    products = ngx_palloc(r->pool,
                          FK_LIST_SLICE_MAX * sizeof(fk_product_view_t));
    if (products == NULL) {
        return FK_TABLE_FULL;
    }

    ngx_faka_env(&env);

    code = ngx_faka_rules_quotes(shop->worker, &quotes);
    if (code != FK_OK) {
        return code;
    }

    ngx_faka_json_begin(&json, r->pool,
                        FK_LIST_SLICE_MAX * NGX_FAKA_PRODUCT_JSON_SIZE / 4);
    ngx_faka_json_array(&json, NULL);

    cursor = 0;

    do {
        n = FK_LIST_SLICE_MAX;
        code = fk_product_list(&shop->worker->fk, &env, &cursor, products, &n);

        if (code != FK_OK) {
            return code;
        }

        for (i = 0; i < n; i++) {
            price = ngx_faka_rules_quote(shop->worker, &env, &products[i],
                                         &quotes);
            ngx_faka_products_item(&json, &products[i], price);
        }

    } while (cursor != 0);

    ngx_faka_json_array_end(&json);

    (void) ngx_pfree(r->pool, products);

    *body = ngx_faka_json_end(&json);

    return FK_OK;
}


static void
ngx_faka_products_item(ngx_faka_json_t *json, const fk_product_view_t *product,
    int64_t price)
{
    ngx_faka_json_object(json, NULL);
    ngx_faka_product_members(json, product, price, product->on_sale_now);
    ngx_faka_json_integer(json, "list_price", product->price);
    ngx_faka_json_object_end(json);
}


void
ngx_faka_product_members(ngx_faka_json_t *json,
    const fk_product_view_t *product, int64_t price, ngx_uint_t on_sale)
{
    uint32_t  i;

    ngx_faka_json_text(json, "sku", product->sku);
    ngx_faka_json_text(json, "name", product->name);
    ngx_faka_json_integer(json, "price", price);
    ngx_faka_json_text(json, "currency", product->currency);
    ngx_faka_json_text(json, "kind", fk_kind_word[product->kind]);

    /* a shared key is never used up, so it has no stock to count */

    if (product->kind != FK_KIND_SHARED) {
        ngx_faka_json_integer(json, "stock", ngx_max(product->sellable, 0));
    }

    ngx_faka_json_bool(json, "on_sale", on_sale);
    ngx_faka_json_time(json, "sale_from", product->sale_from_s);
    ngx_faka_json_time(json, "sale_to", product->sale_to_s);
    ngx_faka_json_integer(json, "qty_max", product->qty_max);
    ngx_faka_json_integer(json, "buyer_limit", product->buyer_limit);
    ngx_faka_json_array(json, "tiers");

    for (i = 0; i < product->tier_count; i++) {
        ngx_faka_json_object(json, NULL);
        ngx_faka_json_integer(json, "min_qty", product->tier[i].min_qty);
        ngx_faka_json_integer(json, "price", product->tier[i].price);
        ngx_faka_json_object_end(json);
    }

    ngx_faka_json_array_end(json);
}

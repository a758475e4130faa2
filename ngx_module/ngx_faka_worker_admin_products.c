/*
 * GET /admin/products: all products with every counter; and PUT
 * /admin/products/SKU, which makes or changes one.
 *
 * Unknown fields are refused by name, for a typing error must not pass as
 * "keep the old value".  A change is answered when it is durable.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_order.h"


#define NGX_FAKA_PRODUCTS_SLICE      16        /* fetched under one lock */
#define NGX_FAKA_PRODUCTS_JSON_SIZE  8192
#define NGX_FAKA_PRODUCT_JSON_SIZE   768

#define NGX_FAKA_STOCK_MAX           1000000000
#define NGX_FAKA_KIND_SIZE_MAX       16


/* Rows of the table below, as bits of "given". */

typedef enum {
    NGX_FAKA_PUT_NAME = 0,
    NGX_FAKA_PUT_PRICE,
    NGX_FAKA_PUT_CURRENCY,
    NGX_FAKA_PUT_KIND,
    NGX_FAKA_PUT_ON_SALE,
    NGX_FAKA_PUT_QTY_MAX,
    NGX_FAKA_PUT_SALE_FROM,
    NGX_FAKA_PUT_SALE_TO,
    NGX_FAKA_PUT_STOCK,
    NGX_FAKA_PUT_BUYER_LIMIT,
    NGX_FAKA_PUT_TIERS,
    NGX_FAKA_PUT_MERCHANT
} ngx_faka_put_row_t;

#define NGX_FAKA_GIVEN(given, row)  (((given) >> NGX_FAKA_PUT_##row) & 1)

typedef struct {
    ngx_str_t            name;
    int64_t              price;
    ngx_str_t            currency;
    ngx_str_t            kind;
    ngx_uint_t           on_sale;
    int64_t              qty_max;
    int64_t              sale_from;
    int64_t              sale_to;
    int64_t              stock;
    int64_t              buyer_limit;
    ngx_faka_list_t      tiers;                /* ngx_faka_tier_in_t */
    ngx_str_t            merchant;             /* empty: nobody's */
} ngx_faka_put_fields_t;

typedef struct {
    int64_t              min_qty;
    int64_t              price;
} ngx_faka_tier_in_t;

/* What stays of a PUT while it waits. */

typedef struct {
    ngx_str_t            sku;
    int                  created;
    fk_product_view_t    product;
} ngx_faka_put_t;


static void ngx_faka_admin_put_body(ngx_http_request_t *r, ngx_str_t *body);
static fk_code_t ngx_faka_admin_put(ngx_faka_ctx_t *ctx,
    const ngx_faka_put_fields_t *in, uint32_t given, uint64_t *seq,
    ngx_faka_field_error_t *error);
static fk_code_t ngx_faka_admin_put_pairs(ngx_faka_ctx_t *ctx,
    const fk_env_t *env, ngx_faka_put_fields_t *in, uint32_t given,
    fk_product_put_t *put, ngx_faka_field_error_t *error);
static fk_code_t ngx_faka_admin_put_kind(const ngx_str_t *word,
    fk_product_put_t *put);
static void ngx_faka_admin_put_done(ngx_http_request_t *r, fk_code_t code);
static void ngx_faka_admin_product(ngx_faka_json_t *json,
    const fk_product_view_t *product);


#define NGX_FAKA_PUT_OFFSET(member)  offsetof(ngx_faka_put_fields_t, member)

static const ngx_faka_field_t  ngx_faka_tier_field[] = {
    { "min_qty", NGX_FAKA_FIELD_INTEGER,
      offsetof(ngx_faka_tier_in_t, min_qty), 2, FK_QTY_MAX, 1, NULL, 0 },
    { "price", NGX_FAKA_FIELD_INTEGER, offsetof(ngx_faka_tier_in_t, price),
      0, FK_AMOUNT_MAX, 1, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};

static const ngx_faka_field_t  ngx_faka_put_field[] = {
    { "name", NGX_FAKA_FIELD_TEXT, NGX_FAKA_PUT_OFFSET(name),
      1, FK_NAME_SIZE_MAX, 0, NULL, 0 },
    { "price", NGX_FAKA_FIELD_INTEGER, NGX_FAKA_PUT_OFFSET(price),
      0, FK_AMOUNT_MAX, 0, NULL, 0 },
    { "currency", NGX_FAKA_FIELD_WORD, NGX_FAKA_PUT_OFFSET(currency),
      PAY_CURRENCY_SIZE, PAY_CURRENCY_SIZE, 0, NULL, 0 },
    { "kind", NGX_FAKA_FIELD_WORD, NGX_FAKA_PUT_OFFSET(kind),
      1, NGX_FAKA_KIND_SIZE_MAX, 0, NULL, 0 },
    { "on_sale", NGX_FAKA_FIELD_BOOL, NGX_FAKA_PUT_OFFSET(on_sale),
      0, 1, 0, NULL, 0 },
    { "qty_max", NGX_FAKA_FIELD_INTEGER, NGX_FAKA_PUT_OFFSET(qty_max),
      1, FK_QTY_MAX, 0, NULL, 0 },
    { "sale_from", NGX_FAKA_FIELD_TIME, NGX_FAKA_PUT_OFFSET(sale_from),
      1, UINT32_MAX, 0, NULL, 0 },
    { "sale_to", NGX_FAKA_FIELD_TIME, NGX_FAKA_PUT_OFFSET(sale_to),
      1, UINT32_MAX, 0, NULL, 0 },
    { "stock", NGX_FAKA_FIELD_INTEGER, NGX_FAKA_PUT_OFFSET(stock),
      0, NGX_FAKA_STOCK_MAX, 0, NULL, 0 },
    { "buyer_limit", NGX_FAKA_FIELD_INTEGER,
      NGX_FAKA_PUT_OFFSET(buyer_limit), 0, UINT16_MAX, 0, NULL, 0 },
    { "tiers", NGX_FAKA_FIELD_ARRAY, NGX_FAKA_PUT_OFFSET(tiers),
      0, FK_TIERS_MAX, 0, ngx_faka_tier_field, sizeof(ngx_faka_tier_in_t) },
    { "merchant", NGX_FAKA_FIELD_TEXT, NGX_FAKA_PUT_OFFSET(merchant),
      0, FK_ACCOUNT_SIZE_MAX, 0, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};


ngx_int_t
ngx_faka_admin_products(ngx_http_request_t *r, ngx_str_t *name)
{
    fk_env_t            env;
    uint32_t            i, n, cursor;
    fk_code_t           code;
    ngx_faka_ctx_t     *ctx;
    ngx_faka_json_t     json;
    fk_product_view_t   product[NGX_FAKA_PRODUCTS_SLICE];

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    ngx_faka_env(&env);
    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_PRODUCTS_JSON_SIZE);
    ngx_faka_json_array(&json, NULL);

    cursor = 0;

    do {
        n = NGX_FAKA_PRODUCTS_SLICE;
        code = fk_product_list(&ctx->shop->worker->fk, &env, &cursor, product,
                               &n);

        if (code != FK_OK) {
            ngx_faka_send_problem(r, code, NULL, NULL);
            return NGX_DONE;
        }

        for (i = 0; i < n; i++) {
            ngx_faka_admin_product(&json, &product[i]);
        }

    } while (cursor != 0);

    ngx_faka_json_array_end(&json);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));

    return NGX_DONE;
}


ngx_int_t
ngx_faka_admin_product_put(ngx_http_request_t *r, ngx_str_t *name)
{
    fk_code_t        code;
    ngx_faka_ctx_t  *ctx;
    ngx_faka_put_t  *put;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    code = ngx_faka_may_write(ctx->shop);

    put = ngx_palloc(r->pool, sizeof(ngx_faka_put_t));
    if (put == NULL) {
        code = FK_TABLE_FULL;
    }

    if (code != FK_OK) {
        ngx_faka_no_body(r);
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    put->sku = *name;
    ctx->data = put;

    return ngx_faka_read_body(r, ngx_faka_admin_put_body);
}


static void
ngx_faka_admin_put_body(ngx_http_request_t *r, ngx_str_t *body)
{
    uint32_t                 given;
    uint64_t                 seq;
    ngx_int_t                rc;
    fk_code_t                code;
    ngx_faka_ctx_t          *ctx;
    ngx_faka_put_fields_t    in;
    ngx_faka_field_error_t   error;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (!ngx_faka_content_type_is(r, "application/json")) {
        ngx_faka_send_http_problem(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                   "unsupported_media_type", "Content-Type",
                                   "send application/json");
        return;
    }

    seq = 0;
    ngx_memzero(&in, sizeof(ngx_faka_put_fields_t));

    rc = ngx_faka_json_read(r->pool, body, ngx_faka_put_field,
                            NGX_FAKA_FIELDS_CLOSED, &in, &given, &error);

    if (rc == NGX_DECLINED) {
        ngx_faka_send_field_error(r, &error);
        return;
    }

    error.field = NULL;
    error.detail = NULL;

    code = rc == NGX_OK ? ngx_faka_admin_put(ctx, &in, given, &seq, &error)
                        : FK_TABLE_FULL;

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, error.field, error.detail);
        return;
    }

    ngx_faka_journal_kick(ctx->shop->worker->journal);
    ngx_faka_wait_durable(r, ctx, seq, ngx_faka_admin_put_done);
}


static fk_code_t
ngx_faka_admin_put(ngx_faka_ctx_t *ctx, const ngx_faka_put_fields_t *fields,
    uint32_t given, uint64_t *seq, ngx_faka_field_error_t *error)
{
    fk_env_t                env;
    fk_code_t               code;
    ngx_uint_t              i;
    ngx_faka_put_t         *data;
    fk_product_put_t        put;
    ngx_faka_tier_in_t     *tier;
    ngx_faka_put_fields_t   in;

    data = ctx->data;
    in = *fields;

    if (!pay_is_plain_id(ngx_faka_pay_str(&data->sku), FK_SKU_SIZE_MAX, ".")) {
        error->field = "sku";
        error->detail = "must be 1 to 63 of letters, digits, '.', '_' and '-'";
        return FK_INVALID;
    }

    ngx_memzero(&put, sizeof(fk_product_put_t));

    put.sku = ngx_faka_fk_str(&data->sku);
    put.name = ngx_faka_fk_str(&in.name);
    put.on_sale = in.on_sale != 0;
    put.qty_max = (uint16_t) in.qty_max;
    put.stock = in.stock;

    put.fields = (NGX_FAKA_GIVEN(given, NAME) ? FK_PUT_NAME : 0)
                 | (NGX_FAKA_GIVEN(given, KIND) ? FK_PUT_KIND : 0)
                 | (NGX_FAKA_GIVEN(given, ON_SALE) ? FK_PUT_ON_SALE : 0)
                 | (NGX_FAKA_GIVEN(given, QTY_MAX) ? FK_PUT_QTY_MAX : 0)
                 | (NGX_FAKA_GIVEN(given, STOCK) ? FK_PUT_STOCK : 0)
                 | (NGX_FAKA_GIVEN(given, BUYER_LIMIT) ? FK_PUT_BUYER_LIMIT
                                                       : 0)
                 | (NGX_FAKA_GIVEN(given, TIERS) ? FK_PUT_TIERS : 0)
                 | (NGX_FAKA_GIVEN(given, MERCHANT) ? FK_PUT_MERCHANT : 0);

    put.merchant = ngx_faka_fk_str(&in.merchant);
    put.buyer_limit = (uint16_t) in.buyer_limit;
    put.tier_count = (uint16_t) in.tiers.nelts;
    tier = in.tiers.elts;

    for (i = 0; i < in.tiers.nelts; i++) {
        put.tier[i].min_qty = (uint16_t) tier[i].min_qty;
        put.tier[i].price = tier[i].price;
    }

    if (NGX_FAKA_GIVEN(given, KIND)
        && ngx_faka_admin_put_kind(&in.kind, &put) != FK_OK)
    {
        error->field = "kind";
        error->detail = "must be card, shared or counted";
        return FK_INVALID;
    }

    ngx_faka_env(&env);

    code = ngx_faka_admin_put_pairs(ctx, &env, &in, given, &put, error);
    if (code != FK_OK) {
        return code;
    }

    code = fk_product_put(&ctx->shop->worker->fk, &env, &put, &data->product,
                          &data->created, seq, &error->field);

    if (code == FK_INVALID) {
        error->detail = "is missing, or does not go with the other fields";
    }

    return code;
}


/*
 * The engine takes price and currency together, and both ends of the sale
 * window.  Of a pair that is half given the other half stays as it is.
 */

static fk_code_t
ngx_faka_admin_put_pairs(ngx_faka_ctx_t *ctx, const fk_env_t *env,
    ngx_faka_put_fields_t *in, uint32_t given, fk_product_put_t *put,
    ngx_faka_field_error_t *error)
{
    fk_code_t           code;
    fk_product_view_t   now;

    ngx_memzero(&now, sizeof(fk_product_view_t));

    code = fk_product_get(&ctx->shop->worker->fk, env, put->sku, &now);
    if (code != FK_OK && code != FK_NOT_FOUND) {
        return code;
    }

    /* A new product has no other half: the engine says that it is missing. */
    if (NGX_FAKA_GIVEN(given, PRICE)
        || (NGX_FAKA_GIVEN(given, CURRENCY) && code == FK_OK))
    {
        put->fields |= FK_PUT_PRICE;
        put->price = NGX_FAKA_GIVEN(given, PRICE) ? in->price : now.price;
        ngx_memcpy(put->currency, now.currency, FK_CURRENCY_SIZE);
    }

    if (NGX_FAKA_GIVEN(given, CURRENCY)) {

        if (pay_currency_exponent(ngx_faka_pay_str(&in->currency)) < 0) {
            error->field = "currency";
            error->detail = "must be a currency of ISO 4217, for example CNY";
            return FK_INVALID;
        }

        ngx_memcpy(put->currency, in->currency.data, PAY_CURRENCY_SIZE);
    }

    if (NGX_FAKA_GIVEN(given, SALE_FROM) || NGX_FAKA_GIVEN(given, SALE_TO)) {
        put->fields |= FK_PUT_WINDOW;
        put->sale_from_s = NGX_FAKA_GIVEN(given, SALE_FROM)
                           ? (uint32_t) in->sale_from : now.sale_from_s;
        put->sale_to_s = NGX_FAKA_GIVEN(given, SALE_TO)
                         ? (uint32_t) in->sale_to : now.sale_to_s;
    }

    return FK_OK;
}


static fk_code_t
ngx_faka_admin_put_kind(const ngx_str_t *word, fk_product_put_t *put)
{
    uint8_t  i;

    for (i = 0; i < FK_KIND_COUNT; i++) {
        if (ngx_strcmp(word->data, fk_kind_word[i]) == 0) {
            put->kind = i;
            return FK_OK;
        }
    }

    return FK_INVALID;
}


static void
ngx_faka_admin_put_done(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t   *ctx;
    ngx_faka_put_t   *put;
    ngx_faka_json_t   json;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    put = ctx->data;

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_PRODUCT_JSON_SIZE);
    ngx_faka_admin_product(&json, &put->product);

    ngx_faka_send_json(r, put->created ? NGX_HTTP_CREATED : NGX_HTTP_OK,
                       ngx_faka_json_end(&json));
}


static void
ngx_faka_admin_product(ngx_faka_json_t *json,
    const fk_product_view_t *product)
{
    ngx_faka_json_object(json, NULL);
    ngx_faka_product_members(json, product, product->price,
                             product->on_sale);

    if (product->merchant[0] != '\0') {
        ngx_faka_json_text(json, "merchant", product->merchant);

    } else {
        ngx_faka_json_null(json, "merchant");
    }

    ngx_faka_json_integer(json, "imported", product->imported);
    ngx_faka_json_integer(json, "available", product->available);
    ngx_faka_json_integer(json, "held", product->held);
    ngx_faka_json_integer(json, "sold", product->sold);
    ngx_faka_json_integer(json, "void", product->voided);
    ngx_faka_json_integer(json, "waiting", product->owed);
    ngx_faka_json_integer(json, "created_at", product->created_s);
    ngx_faka_json_integer(json, "updated_at", product->updated_s);
    ngx_faka_json_object_end(json);
}

/*
 * /admin/coupons: what takes something off, for whom and until when.
 *
 * PUT says all of a coupon, whether it is there or not: what is not given has
 * its default again.  A coupon is never deleted, as orders carry it; "on":
 * false ends it.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_order.h"


#define NGX_FAKA_COUPON_JSON_SIZE  512
#define NGX_FAKA_COUPONS_SLICE     8


typedef struct {
    ngx_str_t         code;                    /* of the path */
    ngx_str_t         kind;
    int64_t           value;
    int64_t           cap;
    int64_t           min_amount;
    ngx_str_t         currency;
    int64_t           from;
    int64_t           to;
    int64_t           uses_max;
    int64_t           uses_buyer_max;
    ngx_faka_list_t   products;                /* ngx_str_t */
    ngx_uint_t        on;

    int               created;
} ngx_faka_coupon_in_t;


static void ngx_faka_admin_coupon_body(ngx_http_request_t *r,
    ngx_str_t *body);
static fk_code_t ngx_faka_admin_coupon_make(ngx_faka_ctx_t *ctx,
    ngx_faka_coupon_in_t *in, uint64_t *seq, const char **field);
static void ngx_faka_admin_coupon_done(ngx_http_request_t *r, fk_code_t code);
static void ngx_faka_admin_coupon(ngx_faka_json_t *json,
    const fk_coupon_view_t *coupon);


#define NGX_FAKA_COUPON_OFFSET(member)  offsetof(ngx_faka_coupon_in_t, member)

static const ngx_faka_field_t  ngx_faka_coupon_product[] = {
    { "", NGX_FAKA_FIELD_WORD, 0, 1, FK_SKU_SIZE_MAX, 0, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};

static const ngx_faka_field_t  ngx_faka_coupon_field[] = {
    { "kind", NGX_FAKA_FIELD_WORD, NGX_FAKA_COUPON_OFFSET(kind), 1, 16, 1,
      NULL, 0 },
    { "value", NGX_FAKA_FIELD_INTEGER, NGX_FAKA_COUPON_OFFSET(value),
      1, FK_AMOUNT_MAX, 1, NULL, 0 },
    { "cap", NGX_FAKA_FIELD_INTEGER, NGX_FAKA_COUPON_OFFSET(cap),
      0, FK_AMOUNT_MAX, 0, NULL, 0 },
    { "min_amount", NGX_FAKA_FIELD_INTEGER,
      NGX_FAKA_COUPON_OFFSET(min_amount), 0, FK_AMOUNT_MAX, 0, NULL, 0 },
    { "currency", NGX_FAKA_FIELD_WORD, NGX_FAKA_COUPON_OFFSET(currency),
      PAY_CURRENCY_SIZE, PAY_CURRENCY_SIZE, 0, NULL, 0 },
    { "from", NGX_FAKA_FIELD_TIME, NGX_FAKA_COUPON_OFFSET(from),
      1, UINT32_MAX, 0, NULL, 0 },
    { "to", NGX_FAKA_FIELD_TIME, NGX_FAKA_COUPON_OFFSET(to),
      1, UINT32_MAX, 0, NULL, 0 },
    { "uses_max", NGX_FAKA_FIELD_INTEGER, NGX_FAKA_COUPON_OFFSET(uses_max),
      0, UINT32_MAX, 0, NULL, 0 },
    { "uses_buyer_max", NGX_FAKA_FIELD_INTEGER,
      NGX_FAKA_COUPON_OFFSET(uses_buyer_max), 0, UINT16_MAX, 0, NULL, 0 },
    { "products", NGX_FAKA_FIELD_ARRAY, NGX_FAKA_COUPON_OFFSET(products),
      0, FK_COUPON_PRODUCTS_MAX, 0, ngx_faka_coupon_product,
      sizeof(ngx_str_t) },
    { "on", NGX_FAKA_FIELD_BOOL, NGX_FAKA_COUPON_OFFSET(on), 0, 1, 0,
      NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};


ngx_int_t
ngx_faka_admin_coupon_put(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_faka_admin_change(r, name, sizeof(ngx_faka_coupon_in_t),
                                 ngx_faka_admin_coupon_body);
}


static void
ngx_faka_admin_coupon_body(ngx_http_request_t *r, ngx_str_t *body)
{
    uint32_t               given;
    uint64_t               seq;
    fk_code_t              code;
    const char            *field;
    ngx_faka_ctx_t        *ctx;
    ngx_faka_coupon_in_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;
    in->on = 1;

    if (ngx_faka_admin_read(r, body, ngx_faka_coupon_field, in, &given)
        != NGX_OK)
    {
        return;
    }

    field = NULL;
    code = ngx_faka_admin_coupon_make(ctx, in, &seq, &field);

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, field,
                              code == FK_INVALID
                                  ? "is not possible, or does not go with the "
                                    "other fields" : NULL);
        return;
    }

    ngx_faka_journal_kick(ctx->shop->worker->journal);
    ngx_faka_wait_durable(r, ctx, seq, ngx_faka_admin_coupon_done);
}


static fk_code_t
ngx_faka_admin_coupon_make(ngx_faka_ctx_t *ctx, ngx_faka_coupon_in_t *in,
    uint64_t *seq, const char **field)
{
    fk_env_t          env;
    ngx_str_t        *sku;
    ngx_uint_t        i;
    fk_coupon_put_t   put;

    ngx_memzero(&put, sizeof(fk_coupon_put_t));

    put.code = ngx_faka_fk_str(&in->code);
    put.kind = FK_COUPON_KIND_COUNT;

    for (i = 0; i < FK_COUPON_KIND_COUNT; i++) {
        if (ngx_strcmp(in->kind.data, fk_coupon_kind_word[i]) == 0) {
            put.kind = (uint8_t) i;
        }
    }

    if (put.kind == FK_COUPON_KIND_COUNT) {
        *field = "kind";
        return FK_INVALID;
    }

    if (in->currency.len != 0) {
        if (pay_currency_exponent(ngx_faka_pay_str(&in->currency)) < 0) {
            *field = "currency";
            return FK_INVALID;
        }

        ngx_memcpy(put.currency, in->currency.data, in->currency.len);
    }

    put.on = in->on != 0;
    put.value = in->value;
    put.cap = in->cap;
    put.min_amount = in->min_amount;
    put.from_s = (uint32_t) in->from;
    put.to_s = (uint32_t) in->to;
    put.uses_max = (uint32_t) in->uses_max;
    put.uses_buyer_max = (uint16_t) in->uses_buyer_max;
    put.product_count = (uint32_t) in->products.nelts;

    sku = in->products.elts;

    for (i = 0; i < in->products.nelts; i++) {
        put.product[i] = ngx_faka_fk_str(&sku[i]);
    }

    ngx_faka_env(&env);

    return fk_coupon_put(&ctx->shop->worker->fk, &env, &put, &in->created,
                         seq, field);
}


static void
ngx_faka_admin_coupon_done(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t        *ctx;
    ngx_faka_json_t        json;
    fk_coupon_view_t       coupon;
    ngx_faka_coupon_in_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;

    if (code == FK_OK) {
        code = fk_coupon_get(&ctx->shop->worker->fk,
                             ngx_faka_fk_str(&in->code), &coupon);
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_COUPON_JSON_SIZE);
    ngx_faka_admin_coupon(&json, &coupon);

    ngx_faka_send_json(r, in->created ? NGX_HTTP_CREATED : NGX_HTTP_OK,
                       ngx_faka_json_end(&json));
}


ngx_int_t
ngx_faka_admin_coupon_get(ngx_http_request_t *r, ngx_str_t *name)
{
    fk_code_t         code;
    ngx_faka_ctx_t   *ctx;
    ngx_faka_json_t   json;
    fk_coupon_view_t  coupon;

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    code = fk_coupon_get(&ctx->shop->worker->fk, ngx_faka_fk_str(name),
                         &coupon);
    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_COUPON_JSON_SIZE);
    ngx_faka_admin_coupon(&json, &coupon);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));

    return NGX_DONE;
}


ngx_int_t
ngx_faka_admin_coupons(ngx_http_request_t *r, ngx_str_t *name)
{
    uint32_t          i, n, at;
    uint64_t          cursor;
    fk_code_t         code;
    ngx_faka_ctx_t   *ctx;
    ngx_faka_json_t   json;
    fk_coupon_view_t  coupon[NGX_FAKA_COUPONS_SLICE];

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (ngx_faka_admin_cursor(r, &cursor) != NGX_OK) {
        return NGX_DONE;
    }

    at = (uint32_t) cursor;
    n = NGX_FAKA_COUPONS_SLICE;
    code = fk_coupon_list(&ctx->shop->worker->fk, &at, coupon, &n);

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    ngx_faka_json_begin(&json, r->pool,
                        NGX_FAKA_COUPONS_SLICE * NGX_FAKA_COUPON_JSON_SIZE);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_json_array(&json, "coupons");

    for (i = 0; i < n; i++) {
        ngx_faka_admin_coupon(&json, &coupon[i]);
    }

    ngx_faka_json_array_end(&json);
    ngx_faka_admin_next(&json, at);
    ngx_faka_json_object_end(&json);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));

    return NGX_DONE;
}


static void
ngx_faka_admin_coupon(ngx_faka_json_t *json, const fk_coupon_view_t *coupon)
{
    uint32_t  i;

    ngx_faka_json_object(json, NULL);
    ngx_faka_json_text(json, "code", coupon->code);
    ngx_faka_json_text(json, "kind", fk_coupon_kind_word[coupon->kind]);
    ngx_faka_json_integer(json, "value", coupon->value);
    ngx_faka_json_integer(json, "cap", coupon->cap);
    ngx_faka_json_integer(json, "min_amount", coupon->min_amount);

    if (coupon->currency[0] != '\0') {
        ngx_faka_json_text(json, "currency", coupon->currency);

    } else {
        ngx_faka_json_null(json, "currency");
    }

    ngx_faka_json_time(json, "from", coupon->from_s);
    ngx_faka_json_time(json, "to", coupon->to_s);
    ngx_faka_json_integer(json, "uses_max", coupon->uses_max);
    ngx_faka_json_integer(json, "uses_buyer_max", coupon->uses_buyer_max);
    ngx_faka_json_array(json, "products");

    for (i = 0; i < coupon->product_count; i++) {
        ngx_faka_json_text(json, NULL, coupon->product[i]);
    }

    ngx_faka_json_array_end(json);
    ngx_faka_json_bool(json, "on", coupon->on);
    ngx_faka_json_integer(json, "uses", coupon->uses_count);
    ngx_faka_json_integer(json, "created_at", coupon->created_s);
    ngx_faka_json_integer(json, "updated_at", coupon->updated_s);
    ngx_faka_json_object_end(json);
}

/*
 * faka_admin: the door to the operator's calls below /admin/.
 *
 * The token comes first: without it nobody learns which paths exist.  Then
 * the path is looked up in one table, then the method, then the call in
 * ngx_faka_admin.h is made.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_order.h"


#define NGX_FAKA_ADMIN_SEGMENTS  3


typedef struct {
    const char   *collection;
    const char   *verb;
    ngx_uint_t    segments;            /* of collection/name/verb */
    ngx_uint_t    method;
    const char   *allow;
    ngx_int_t   (*handler)(ngx_http_request_t *r, ngx_str_t *name);
} ngx_faka_admin_route_t;


static const ngx_faka_admin_route_t *ngx_faka_admin_route(
    ngx_http_request_t *r, ngx_str_t *name);
static ngx_uint_t ngx_faka_admin_is(const ngx_str_t *segment,
    const char *word);


static const ngx_faka_admin_route_t  ngx_faka_admin_routes[] = {
    { "products", NULL, 1, NGX_HTTP_GET, "GET", ngx_faka_admin_products },
    { "products", NULL, 2, NGX_HTTP_PUT, "PUT", ngx_faka_admin_product_put },
    { "products", "cards", 3, NGX_HTTP_POST, "POST", ngx_faka_admin_import },
    { "orders", NULL, 1, NGX_HTTP_GET, "GET", ngx_faka_admin_orders },
    { "orders", NULL, 2, NGX_HTTP_GET, "GET", ngx_faka_admin_order },
    { "orders", "approve", 3, NGX_HTTP_POST, "POST", ngx_faka_admin_approve },
    { "orders", "deny", 3, NGX_HTTP_POST, "POST", ngx_faka_admin_deny },
    { "orders", "refund", 3, NGX_HTTP_POST, "POST", ngx_faka_admin_refund },
    { "orders", "refunded", 3, NGX_HTTP_POST, "POST",
      ngx_faka_admin_refunded },
    { "orders", "refunds", 3, NGX_HTTP_POST, "POST",
      ngx_faka_admin_refund_part },
    { "orders", "commission", 3, NGX_HTTP_POST, "POST",
      ngx_faka_admin_commission },
    { "accounts", NULL, 1, NGX_HTTP_GET, "GET", ngx_faka_admin_accounts },
    { "accounts", NULL, 2, NGX_HTTP_GET, "GET, PUT",
      ngx_faka_admin_account_get },
    { "accounts", NULL, 2, NGX_HTTP_PUT, "GET, PUT",
      ngx_faka_admin_account_put },
    { "accounts", "ledger", 3, NGX_HTTP_GET, "GET", ngx_faka_admin_ledger },
    { "accounts", "credits", 3, NGX_HTTP_POST, "POST",
      ngx_faka_admin_credit },
    { "accounts", "withdrawals", 3, NGX_HTTP_POST, "POST",
      ngx_faka_admin_withdrawal_request },
    { "withdrawals", NULL, 1, NGX_HTTP_GET, "GET",
      ngx_faka_admin_withdrawals },
    { "withdrawals", "approve", 3, NGX_HTTP_POST, "POST",
      ngx_faka_admin_withdrawal_approve },
    { "withdrawals", "paid", 3, NGX_HTTP_POST, "POST",
      ngx_faka_admin_withdrawal_paid },
    { "withdrawals", "reject", 3, NGX_HTTP_POST, "POST",
      ngx_faka_admin_withdrawal_reject },
    { "coupons", NULL, 1, NGX_HTTP_GET, "GET", ngx_faka_admin_coupons },
    { "coupons", NULL, 2, NGX_HTTP_GET, "GET, PUT",
      ngx_faka_admin_coupon_get },
    { "coupons", NULL, 2, NGX_HTTP_PUT, "GET, PUT",
      ngx_faka_admin_coupon_put },
    { "levels", NULL, 1, NGX_HTTP_GET, "GET", ngx_faka_admin_levels },
    { "levels", NULL, 2, NGX_HTTP_PUT, "PUT", ngx_faka_admin_level_put },
    { "buyers", NULL, 2, NGX_HTTP_GET, "GET, PUT", ngx_faka_admin_buyer_get },
    { "buyers", NULL, 2, NGX_HTTP_PUT, "GET, PUT", ngx_faka_admin_buyer_put },
    { "signals", NULL, 1, NGX_HTTP_GET, "GET", ngx_faka_admin_signals },
    { "signals", NULL, 2, NGX_HTTP_PUT, "PUT", ngx_faka_admin_signal_put },
    { "strays", NULL, 1, NGX_HTTP_GET, "GET", ngx_faka_admin_strays },
    { "strays", "settled", 3, NGX_HTTP_POST, "POST",
      ngx_faka_admin_stray_settled },
    { "channels", "ping", 3, NGX_HTTP_POST, "POST", ngx_faka_admin_ping },
    { "audit", NULL, 1, NGX_HTTP_GET, "GET", ngx_faka_admin_audit },
    { "takeover", NULL, 1, NGX_HTTP_POST, "POST", ngx_faka_admin_takeover }
};


ngx_int_t
ngx_faka_admin_handler(ngx_http_request_t *r)
{
    fk_code_t                      code;
    ngx_str_t                      name;
    ngx_faka_loc_conf_t           *flcf;
    const ngx_faka_admin_route_t  *route;

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_faka_module);

    if (ngx_faka_ctx_get(r, flcf->shop) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!ngx_faka_bearer_ok(r, &flcf->shop->admin_token)) {
        ngx_faka_no_body(r);
        ngx_faka_send_http_problem(r, NGX_HTTP_UNAUTHORIZED, "unauthorized",
                                   NULL, NULL);
        return NGX_DONE;
    }

    route = ngx_faka_admin_route(r, &name);

    if (route == NULL) {
        ngx_faka_no_body(r);
        ngx_faka_send_problem(r, FK_NOT_FOUND, NULL, NULL);
        return NGX_DONE;
    }

    if (r->method != route->method) {
        ngx_faka_no_body(r);
        ngx_faka_send_not_allowed(r, route->allow);
        return NGX_DONE;
    }

    code = ngx_faka_may_read(flcf->shop);

    if (code != FK_OK) {
        ngx_faka_no_body(r);
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    return route->handler(r, &name);
}


static const ngx_faka_admin_route_t *
ngx_faka_admin_route(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_str_t                      rest, segment[NGX_FAKA_ADMIN_SEGMENTS];
    ngx_uint_t                     i, segments;
    const ngx_faka_admin_route_t  *route, *other;

    ngx_faka_subpath(r, &rest);

    for (segments = 0; segments < NGX_FAKA_ADMIN_SEGMENTS; segments++) {
        if (!ngx_faka_subpath_next(&rest, &segment[segments])) {
            break;
        }
    }

    if (rest.data != NULL) {
        return NULL;
    }

    ngx_str_null(name);

    if (segments > 1) {
        *name = segment[1];

        if (name->len == 0) {
            return NULL;
        }
    }

    /* Of another method it is the right path all the same. */
    other = NULL;

    for (i = 0; i < NGX_FAKA_ARRAY_COUNT(ngx_faka_admin_routes); i++) {
        route = &ngx_faka_admin_routes[i];

        if (route->segments == segments
            && ngx_faka_admin_is(&segment[0], route->collection)
            && (route->verb == NULL
                || ngx_faka_admin_is(&segment[2], route->verb)))
        {
            if (route->method == r->method) {
                return route;
            }

            other = route;
        }
    }

    return other;
}


static ngx_uint_t
ngx_faka_admin_is(const ngx_str_t *segment, const char *word)
{
    return segment->len == ngx_strlen(word)
           && ngx_memcmp(segment->data, word, segment->len) == 0;
}


ngx_int_t
ngx_faka_admin_read(ngx_http_request_t *r, ngx_str_t *body,
    const ngx_faka_field_t *fields, void *out, uint32_t *given)
{
    ngx_int_t               rc;
    ngx_faka_field_error_t  error;

    if (!ngx_faka_content_type_is(r, "application/json")) {
        ngx_faka_send_http_problem(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                   "unsupported_media_type", "Content-Type",
                                   "send application/json");
        return NGX_DONE;
    }

    rc = ngx_faka_json_read(r->pool, body, fields, NGX_FAKA_FIELDS_CLOSED,
                            out, given, &error);

    if (rc == NGX_DECLINED) {
        ngx_faka_send_field_error(r, &error);
        return NGX_DONE;
    }

    if (rc != NGX_OK) {
        ngx_faka_send_problem(r, FK_TABLE_FULL, NULL, NULL);
        return NGX_DONE;
    }

    return NGX_OK;
}


ngx_int_t
ngx_faka_admin_change(ngx_http_request_t *r, ngx_str_t *name, size_t size,
    ngx_faka_body_pt next)
{
    fk_code_t        code;
    ngx_faka_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    code = ngx_faka_may_write(ctx->shop);

    ctx->data = ngx_pcalloc(r->pool, size);
    if (ctx->data == NULL) {
        code = FK_TABLE_FULL;
    }

    if (code != FK_OK) {
        ngx_faka_no_body(r);
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    *(ngx_str_t *) ctx->data = *name;

    return ngx_faka_read_body(r, next);
}


ngx_int_t
ngx_faka_admin_cursor(ngx_http_request_t *r, uint64_t *cursor)
{
    off_t                   number;
    uint32_t                given;
    ngx_int_t               rc;
    ngx_str_t               text;
    ngx_faka_field_error_t  error;

    static const ngx_faka_field_t  field[] = {
        { "cursor", NGX_FAKA_FIELD_WORD, 0, 1, NGX_INT64_LEN, 0, NULL, 0 },
        { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
    };

    ngx_str_null(&text);
    *cursor = 0;

    rc = ngx_faka_form_read(r->pool, &r->args, field, NGX_FAKA_FIELDS_CLOSED,
                            &text, &given, &error);

    if (rc == NGX_OK && text.len != 0) {
        number = ngx_atoof(text.data, text.len);

        if (number < 1) {
            error.field = "cursor";
            error.detail = "give the \"next\" of the page before";
            rc = NGX_DECLINED;
        }

        *cursor = (uint64_t) number;
    }

    if (rc == NGX_DECLINED) {
        ngx_faka_send_field_error(r, &error);
        return NGX_DONE;
    }

    if (rc != NGX_OK) {
        ngx_faka_send_problem(r, FK_TABLE_FULL, NULL, NULL);
        return NGX_DONE;
    }

    return NGX_OK;
}


void
ngx_faka_admin_next(ngx_faka_json_t *json, uint64_t cursor)
{
    u_char  next[NGX_INT64_LEN], *last;

    if (cursor == 0) {
        ngx_faka_json_null(json, "next");
        return;
    }

    last = ngx_sprintf(next, "%uL", cursor);
    ngx_faka_json_string(json, "next", next, last - next);
}

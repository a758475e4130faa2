/*
 * GET /admin/strays: the payments that came for no order of their channel; and
 * POST /admin/strays/CHANNEL/settled, that one of them was given back at the
 * gateway, or is no concern of the shop's.
 *
 * Redis has them, a page of them a call, in no order.  One that was booked
 * since, as far as memory knows, is left out, and removed.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_stray.h"


#define NGX_FAKA_STRAYS_JSON_SIZE  4096


/* What stands in Redis: ngx_faka_stray_describe(). */

typedef struct {
    ngx_str_t  currency;
    ngx_str_t  why;
    int64_t    amount;
    int64_t    first_at;
} ngx_faka_stray_text_t;

typedef struct {
    ngx_str_t  channel;                        /* of the path */
    ngx_str_t  trade_no;
    ngx_str_t  order;
} ngx_faka_settled_in_t;


static void ngx_faka_admin_strays_show(ngx_http_request_t *r,
    fk_code_t code);
static uint64_t ngx_faka_admin_strays_page(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx, ngx_faka_json_t *json);
static void ngx_faka_admin_stray(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    ngx_faka_json_t *json, const ngx_str_t *field, const ngx_str_t *text);
static void ngx_faka_admin_settled_body(ngx_http_request_t *r,
    ngx_str_t *body);
static void ngx_faka_admin_settled_show(ngx_http_request_t *r,
    fk_code_t code);


static const ngx_faka_field_t  ngx_faka_stray_field[] = {
    { "currency", NGX_FAKA_FIELD_WORD,
      offsetof(ngx_faka_stray_text_t, currency),
      PAY_CURRENCY_SIZE, PAY_CURRENCY_SIZE, 1, NULL, 0 },
    { "why", NGX_FAKA_FIELD_WORD, offsetof(ngx_faka_stray_text_t, why),
      1, 64, 1, NULL, 0 },
    { "amount", NGX_FAKA_FIELD_INTEGER,
      offsetof(ngx_faka_stray_text_t, amount), 0, INT64_MAX, 1,
      NULL, 0 },
    { "first_at", NGX_FAKA_FIELD_INTEGER,
      offsetof(ngx_faka_stray_text_t, first_at), 0, INT64_MAX, 1,
      NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};

static const ngx_faka_field_t  ngx_faka_settled_field[] = {
    { "trade_no", NGX_FAKA_FIELD_WORD,
      offsetof(ngx_faka_settled_in_t, trade_no),
      1, PAY_TRADE_NO_SIZE_MAX, 1, NULL, 0 },
    { "order", NGX_FAKA_FIELD_WORD,
      offsetof(ngx_faka_settled_in_t, order),
      1, PAY_ORDER_NO_SIZE_MAX, 1, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};


/* --- the list ------------------------------------------------------------ */

ngx_int_t
ngx_faka_admin_strays(ngx_http_request_t *r, ngx_str_t *name)
{
    uint64_t           cursor;
    fk_code_t          code;
    ngx_faka_ctx_t    *ctx;
    ngx_faka_stray_t  *stray;

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (ngx_faka_admin_cursor(r, &cursor) != NGX_OK) {
        return NGX_DONE;
    }

    code = ngx_faka_may_write(ctx->shop);
    stray = ngx_faka_stray_new(r, FJ_STRAY_LIST);

    if (stray == NULL) {
        code = FK_TABLE_FULL;
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    *ngx_sprintf(stray->field, "%uL", cursor) = '\0';
    ngx_faka_stray_ask(r, ctx, stray, ngx_faka_admin_strays_show);

    return NGX_DONE;
}


static void
ngx_faka_admin_strays_show(ngx_http_request_t *r, fk_code_t code)
{
    uint64_t          cursor;
    ngx_faka_ctx_t   *ctx;
    ngx_faka_json_t   json;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_STRAYS_JSON_SIZE);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_json_array(&json, "strays");
    cursor = ngx_faka_admin_strays_page(r, ctx, &json);
    ngx_faka_json_array_end(&json);
    ngx_faka_admin_next(&json, cursor);
    ngx_faka_json_object_end(&json);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));
}


/* Where the list goes on, or 0. */

static uint64_t
ngx_faka_admin_strays_page(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    ngx_faka_json_t *json)
{
    off_t        cursor;
    size_t       left;
    ngx_str_t    field, text;
    const char  *p, *line;

    p = (const char *) ctx->stray->page.data;
    left = ctx->stray->page.len;

    if (!fj_stray_line(&p, &left, &line, &text.len)) {
        return 0;
    }

    cursor = ngx_atoof((u_char *) line, text.len);

    while (ngx_faka_stray_next(&p, &left, &field, &text)) {
        ngx_faka_admin_stray(r, ctx, json, &field, &text);
    }

    return cursor > 0 ? (uint64_t) cursor : 0;
}


static void
ngx_faka_admin_stray(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    ngx_faka_json_t *json, const ngx_str_t *field, const ngx_str_t *text)
{
    uint32_t                 given;
    ngx_faka_stray_name_t    name;
    ngx_faka_stray_text_t    kept;
    ngx_faka_field_error_t   error;

    if (!ngx_faka_stray_split(&name, field)
        || ngx_faka_json_read(r->pool, text, ngx_faka_stray_field,
                              NGX_FAKA_FIELDS_OPEN, &kept, &given, &error)
           != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, ctx->shop->worker->log, 0,
                      "faka: a stray payment of shop \"%V\" in redis cannot "
                      "be read", &ctx->shop->name);
        return;
    }

    if (ngx_faka_stray_is_booked(ctx->shop->worker, &name)) {
        return;
    }

    ngx_faka_json_object(json, NULL);
    ngx_faka_json_string(json, "channel", name.channel.data,
                         name.channel.len);
    ngx_faka_json_text(json, "trade_no", name.trade_no);
    ngx_faka_json_text(json, "order", name.order_no);
    ngx_faka_json_integer(json, "amount", kept.amount);
    ngx_faka_json_string(json, "currency", kept.currency.data,
                         kept.currency.len);
    ngx_faka_json_string(json, "why", kept.why.data, kept.why.len);
    ngx_faka_json_integer(json, "first_at", kept.first_at);
    ngx_faka_json_object_end(json);
}


/* --- settled ------------------------------------------------------------- */

ngx_int_t
ngx_faka_admin_stray_settled(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_faka_admin_change(r, name, sizeof(ngx_faka_settled_in_t),
                                 ngx_faka_admin_settled_body);
}


static void
ngx_faka_admin_settled_body(ngx_http_request_t *r, ngx_str_t *body)
{
    uint32_t                given;
    ngx_faka_ctx_t         *ctx;
    ngx_faka_stray_t       *stray;
    ngx_faka_settled_in_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;

    if (ngx_faka_admin_read(r, body, ngx_faka_settled_field, in, &given)
        != NGX_OK)
    {
        return;
    }

    /* Its channel may be gone from the configuration: the name is enough. */

    if (in->channel.len > PAY_CHANNEL_NAME_SIZE_MAX) {
        ngx_faka_send_problem(r, FK_NOT_FOUND, NULL, NULL);
        return;
    }

    stray = ngx_faka_stray_new(r, FJ_STRAY_SETTLE);
    if (stray == NULL) {
        ngx_faka_send_problem(r, FK_TABLE_FULL, NULL, NULL);
        return;
    }

    ngx_faka_stray_name(stray, ngx_faka_pay_str(&in->channel),
                        (const char *) in->trade_no.data,
                        (const char *) in->order.data);
    ngx_faka_stray_ask(r, ctx, stray, ngx_faka_admin_settled_show);
}


static void
ngx_faka_admin_settled_show(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t         *ctx;
    ngx_faka_json_t         json;
    ngx_faka_settled_in_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;

    if (code == FK_OK && ctx->stray->done == 0) {
        code = FK_NOT_FOUND;
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                  "faka: operator's word on stray payment \"%V\" of channel "
                  "\"%V\", for order %V: settled", &in->trade_no,
                  &in->channel, &in->order);

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_STRAYS_JSON_SIZE);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_json_string(&json, "channel", in->channel.data,
                         in->channel.len);
    ngx_faka_json_string(&json, "trade_no", in->trade_no.data,
                         in->trade_no.len);
    ngx_faka_json_string(&json, "order", in->order.data, in->order.len);
    ngx_faka_json_integer(&json, "strays", (int64_t) ctx->stray->count);
    ngx_faka_json_object_end(&json);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));
}

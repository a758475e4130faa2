/*
 * GET /admin/orders: orders page by page; and one of them, GET
 * /admin/orders/ID, also from the archive.
 *
 * Keys are never shown here.  Pages come as the orders stand in their table,
 * which is not by age, as slots are used again: that way a page costs the same
 * with a million orders, and one that stays is met once.  Within a page the
 * newest is first.  A page looks at a bounded number of slots, so it may be
 * short while there is more: "next" says whether there is.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_order.h"


#define NGX_FAKA_ORDERS_DEFAULT    50
#define NGX_FAKA_ORDERS_MAX        100
#define NGX_FAKA_CURSOR_SIZE_MAX   10          /* decimal digits of uint32 */
#define NGX_FAKA_ORDERS_JSON_SIZE  8192
#define NGX_FAKA_RETURNED          "the gateway gave it back"
#define NGX_FAKA_RETURNED_LATE     " after its delivery"


typedef struct {
    ngx_str_t  status;
    ngx_str_t  sku;
    int64_t    limit;
    ngx_str_t  cursor;
} ngx_faka_orders_query_t;


static ngx_int_t ngx_faka_admin_query(ngx_http_request_t *r,
    ngx_faka_orders_query_t *query, fk_order_filter_t *filter,
    uint32_t *cursor, ngx_faka_field_error_t *error);
static int ngx_faka_admin_status(const ngx_str_t *word);
static void ngx_faka_admin_page(ngx_http_request_t *r,
    const fk_order_view_t *orders, uint32_t n, uint32_t cursor);
static fk_code_t ngx_faka_admin_item(ngx_http_request_t *r,
    ngx_faka_json_t *json, const fk_order_view_t *order);
static void ngx_faka_admin_rules(ngx_faka_json_t *json,
    const fk_order_view_t *order);
static void ngx_faka_admin_review(ngx_faka_json_t *json,
    const fk_order_view_t *order);
static void ngx_faka_admin_split(ngx_faka_json_t *json,
    const fk_split_view_t *split);
static void ngx_faka_admin_payments(ngx_faka_json_t *json,
    const fk_payment_view_t *payment, uint32_t n);
static int ngx_libc_cdecl ngx_faka_admin_newest(const void *one,
    const void *two);


static const ngx_faka_field_t  ngx_faka_orders_field[] = {
    { "status", NGX_FAKA_FIELD_WORD,
      offsetof(ngx_faka_orders_query_t, status), 1, 32, 0, NULL, 0 },
    { "sku", NGX_FAKA_FIELD_WORD, offsetof(ngx_faka_orders_query_t, sku),
      1, FK_SKU_SIZE_MAX, 0, NULL, 0 },
    { "limit", NGX_FAKA_FIELD_INTEGER,
      offsetof(ngx_faka_orders_query_t, limit), 1, NGX_FAKA_ORDERS_MAX, 0,
      NULL, 0 },
    { "cursor", NGX_FAKA_FIELD_WORD,
      offsetof(ngx_faka_orders_query_t, cursor),
      1, NGX_FAKA_CURSOR_SIZE_MAX, 0, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};


ngx_int_t
ngx_faka_admin_orders(ngx_http_request_t *r, ngx_str_t *name)
{
    uint32_t                  n, cursor;
    fk_code_t                 code;
    ngx_int_t                 rc;
    ngx_faka_ctx_t           *ctx;
    fk_order_view_t          *orders;
    fk_order_filter_t         filter;
    ngx_faka_field_error_t    error;
    ngx_faka_orders_query_t   query;

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    rc = ngx_faka_admin_query(r, &query, &filter, &cursor, &error);

    if (rc == NGX_DECLINED) {
        ngx_faka_send_field_error(r, &error);
        return NGX_DONE;
    }

    orders = ngx_palloc(r->pool, query.limit * sizeof(fk_order_view_t));

    if (rc != NGX_OK || orders == NULL) {
        ngx_faka_send_problem(r, FK_TABLE_FULL, NULL, NULL);
        return NGX_DONE;
    }

    n = (uint32_t) query.limit;
    code = fk_order_list(&ctx->shop->worker->fk, &filter, &cursor, orders, &n);

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    ngx_qsort(orders, n, sizeof(fk_order_view_t), ngx_faka_admin_newest);
    ngx_faka_admin_page(r, orders, n, cursor);

    return NGX_DONE;
}


/* Of two of the same millisecond the higher slot is the later one, mostly. */

static int ngx_libc_cdecl
ngx_faka_admin_newest(const void *one, const void *two)
{
    const fk_order_view_t  *a = one;
    const fk_order_view_t  *b = two;

    if (a->created_ms != b->created_ms) {
        return a->created_ms < b->created_ms ? 1 : -1;
    }

    return a->index < b->index ? 1 : -1;
}


static ngx_int_t
ngx_faka_admin_query(ngx_http_request_t *r, ngx_faka_orders_query_t *query,
    fk_order_filter_t *filter, uint32_t *cursor,
    ngx_faka_field_error_t *error)
{
    off_t      number;
    uint32_t   given;
    ngx_int_t  rc;

    ngx_memzero(query, sizeof(ngx_faka_orders_query_t));
    query->limit = NGX_FAKA_ORDERS_DEFAULT;

    rc = ngx_faka_form_read(r->pool, &r->args, ngx_faka_orders_field,
                            NGX_FAKA_FIELDS_CLOSED, query, &given, error);
    if (rc != NGX_OK) {
        return rc;
    }

    filter->sku = ngx_faka_fk_str(&query->sku);
    filter->status = -1;
    *cursor = 0;

    if (query->status.len != 0) {
        filter->status = ngx_faka_admin_status(&query->status);

        if (filter->status < 0) {
            error->field = "status";
            error->detail = "there is no such status";
            return NGX_DECLINED;
        }
    }

    if (query->cursor.len != 0) {
        number = ngx_atoof(query->cursor.data, query->cursor.len);

        if (number < 1 || number > (off_t) UINT32_MAX) {
            error->field = "cursor";
            error->detail = "give the \"next\" of the page before";
            return NGX_DECLINED;
        }

        *cursor = (uint32_t) number;
    }

    return NGX_OK;
}


static int
ngx_faka_admin_status(const ngx_str_t *word)
{
    int  i;

    for (i = 0; i < FK_STATUS_COUNT; i++) {
        if (ngx_strcmp(word->data, fk_status_word[i]) == 0) {
            return i;
        }
    }

    return -1;
}


static void
ngx_faka_admin_page(ngx_http_request_t *r, const fk_order_view_t *orders,
    uint32_t n, uint32_t cursor)
{
    u_char           next[NGX_INT32_LEN + 1], *last;
    uint32_t         i;
    fk_code_t        code;
    ngx_faka_json_t  json;

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_ORDERS_JSON_SIZE);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_json_array(&json, "orders");

    for (i = 0; i < n; i++) {
        code = ngx_faka_admin_item(r, &json, &orders[i]);

        /* not found: it has left memory since it was listed */

        if (code != FK_OK && code != FK_NOT_FOUND) {
            ngx_faka_send_problem(r, code, NULL, NULL);
            return;
        }
    }

    ngx_faka_json_array_end(&json);

    if (cursor != 0) {
        last = ngx_sprintf(next, "%uD", cursor);
        ngx_faka_json_string(&json, "next", next, last - next);

    } else {
        ngx_faka_json_null(&json, "next");
    }

    ngx_faka_json_object_end(&json);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));
}


/* An order with its split and its payments.  Without them it is not written at
 * all.  For its split it is asked first: an order that is still there when its
 * payments are asked for has none, and has not just left memory. */

static fk_code_t
ngx_faka_admin_item(ngx_http_request_t *r, ngx_faka_json_t *json,
    const fk_order_view_t *order)
{
    uint32_t            n;
    fk_code_t           code;
    ngx_faka_ctx_t     *ctx;
    fk_split_view_t     split;
    fk_payment_view_t   payment[FK_ORDER_PAYMENTS_MAX];

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    code = fk_order_split(&ctx->shop->worker->fk, &order->id, &split);

    if (code == FK_NOT_FOUND) {
        split.line_count = 0;
        split.payer[0] = '\0';

    } else if (code != FK_OK) {
        return code;
    }

    n = FK_ORDER_PAYMENTS_MAX;
    code = fk_order_payments(&ctx->shop->worker->fk, &order->id, payment, &n);

    if (code != FK_OK) {
        return code;
    }

    ngx_faka_json_object(json, NULL);
    ngx_faka_order_members(json, order);
    ngx_faka_admin_rules(json, order);
    ngx_faka_admin_split(json, &split);
    ngx_faka_admin_payments(json, payment, n);
    ngx_faka_json_object_end(json);

    return FK_OK;
}


/* How the amount came about, and what the rules said about the order. */

static void
ngx_faka_admin_rules(ngx_faka_json_t *json, const fk_order_view_t *order)
{
    u_char      version[8];
    ngx_uint_t  i;

    ngx_faka_json_object(json, "pricing");

    for (i = 0; i < FK_STEP_COUNT; i++) {
        ngx_faka_json_integer(json, fk_price_step_word[i], order->step[i]);
    }

    ngx_faka_json_object_end(json);

    if (order->coupon[0] != '\0') {
        ngx_faka_json_text(json, "coupon", order->coupon);

    } else {
        ngx_faka_json_null(json, "coupon");
    }

    if (order->agent[0] != '\0') {
        ngx_faka_json_text(json, "agent", order->agent);

    } else {
        ngx_faka_json_null(json, "agent");
    }

    ngx_faka_json_bool(json, "commission_failed", order->flagged);
    ngx_faka_json_integer(json, "returned", order->returned);

    if (order->rules == 0) {
        ngx_faka_json_null(json, "rules");

    } else {
        (void) ngx_sprintf(version, "%08xD", order->rules);
        ngx_faka_json_string(json, "rules", version, sizeof(version));
    }

    ngx_faka_admin_review(json, order);
}


/* The gateway's word comes first: whoever approves has to read it. */

static void
ngx_faka_admin_review(ngx_faka_json_t *json, const fk_order_view_t *order)
{
    u_char  *p, text[sizeof(NGX_FAKA_RETURNED NGX_FAKA_RETURNED_LATE) + 2
                     + FK_REASON_SIZE_MAX];

    ngx_faka_json_bool(json, "review", order->review != FK_REVIEW_NO);

    p = text;

    if (order->review >= FK_REVIEW_RETURNED) {
        p = ngx_cpymem(p, NGX_FAKA_RETURNED, sizeof(NGX_FAKA_RETURNED) - 1);
    }

    if (order->review == FK_REVIEW_RETURNED_LATE) {
        p = ngx_cpymem(p, NGX_FAKA_RETURNED_LATE,
                       sizeof(NGX_FAKA_RETURNED_LATE) - 1);
    }

    if (p != text && order->reason_size != 0) {
        *p++ = ';';
        *p++ = ' ';
    }

    p = ngx_cpymem(p, order->reason, order->reason_size);

    if (p == text) {
        ngx_faka_json_null(json, "review_reason");

    } else {
        ngx_faka_json_string(json, "review_reason", text, p - text);
    }
}


/* Who got what of the money, and what of that went back with it. */

static void
ngx_faka_admin_split(ngx_faka_json_t *json, const fk_split_view_t *split)
{
    uint32_t  i;

    if (split->payer[0] != '\0') {
        ngx_faka_json_text(json, "payer", split->payer);

    } else {
        ngx_faka_json_null(json, "payer");
    }

    if (split->line_count == 0) {
        ngx_faka_json_null(json, "split");
        return;
    }

    ngx_faka_json_object(json, "split");
    ngx_faka_json_text(json, "state", fk_split_state_word[split->state]);
    ngx_faka_json_integer(json, "paid", split->paid);
    ngx_faka_json_integer(json, "settles_at", split->settle_at_s);
    ngx_faka_json_array(json, "lines");

    for (i = 0; i < split->line_count; i++) {
        ngx_faka_json_object(json, NULL);
        ngx_faka_json_text(json, "account", split->line[i].account);
        ngx_faka_json_integer(json, "amount", split->line[i].amount);
        ngx_faka_json_integer(json, "clawed", split->line[i].clawed);
        ngx_faka_json_object_end(json);
    }

    ngx_faka_json_array_end(json);
    ngx_faka_json_object_end(json);
}


static void
ngx_faka_admin_payments(ngx_faka_json_t *json,
    const fk_payment_view_t *payment, uint32_t n)
{
    uint32_t  i;

    ngx_faka_json_array(json, "payments");

    for (i = 0; i < n; i++) {
        ngx_faka_json_object(json, NULL);
        ngx_faka_json_text(json, "trade_no", payment[i].trade_no);
        ngx_faka_json_integer(json, "amount", payment[i].amount);
        ngx_faka_json_text(json, "state",
                           fk_payment_state_word[payment[i].state]);
        ngx_faka_json_integer(json, "at", payment[i].at_s);
        ngx_faka_json_object_end(json);
    }

    ngx_faka_json_array_end(json);
}


/* --- one order --------------------------------------------------------- */

ngx_int_t
ngx_faka_admin_order(ngx_http_request_t *r, ngx_str_t *name)
{
    fk_code_t        code;
    fk_order_id_t    id;
    ngx_faka_ctx_t  *ctx;

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    code = ngx_faka_admin_order_name(r, name, &id);

    if (code == FK_OK) {
        code = fk_order_get(&ctx->shop->worker->fk, &id, ctx->order);

        if (code == FK_NOT_FOUND) {
            ngx_faka_archive_find(r, ctx, &id,
                                  ngx_faka_admin_order_archived);
            return NGX_DONE;
        }
    }

    ngx_faka_admin_order_show(r, code);

    return NGX_DONE;
}


fk_code_t
ngx_faka_admin_order_name(ngx_http_request_t *r, ngx_str_t *name,
    fk_order_id_t *id)
{
    ngx_faka_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (fk_order_id_parse(id, name->data, name->len) != FK_OK) {
        return FK_NOT_FOUND;
    }

    ctx->order = ngx_palloc(r->pool, sizeof(fk_order_view_t));

    return ctx->order != NULL && ngx_faka_order_name(r, ctx, id) == NGX_OK
           ? FK_OK : FK_TABLE_FULL;
}


void
ngx_faka_admin_order_archived(ngx_http_request_t *r, fk_code_t code)
{
    uint32_t            n;
    ngx_faka_ctx_t     *ctx;
    ngx_faka_json_t     json;
    fk_split_view_t     split;
    fk_payment_view_t   payment[FK_ORDER_PAYMENTS_MAX];

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    n = FK_ORDER_PAYMENTS_MAX;

    if (code == FK_OK) {
        code = fk_archive_view(&ctx->shop->worker->fk, ctx->record.data,
                               ctx->record.len, ctx->order, payment, &n);
    }

    if (code == FK_OK) {
        code = fk_archive_split(&ctx->shop->worker->fk, ctx->record.data,
                                ctx->record.len, &split);

        if (code == FK_NOT_FOUND) {
            split.line_count = 0;
        split.payer[0] = '\0';
            code = FK_OK;
        }
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_ORDER_JSON_SIZE);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_order_members(&json, ctx->order);
    ngx_faka_admin_rules(&json, ctx->order);
    ngx_faka_admin_split(&json, &split);
    ngx_faka_admin_payments(&json, payment, n);
    ngx_faka_json_object_end(&json);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));
}


void
ngx_faka_admin_order_show(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t   *ctx;
    ngx_faka_json_t   json;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (code == FK_OK) {
        ngx_faka_json_begin(&json, r->pool, NGX_FAKA_ORDER_JSON_SIZE);
        code = ngx_faka_admin_item(r, &json, ctx->order);
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));
}

/*
 * faka_orders: GET /orders/ID and POST /orders/ID/cancel for the buyer who
 * has the order's token.
 *
 * Guarantees.  An order that does not exist, a missing token and a wrong one
 * are answered alike: the token is checked first, over whatever id was asked
 * for, and only then is the order looked up.  What is shown is durable: a
 * state whose record is not on disk yet is waited for.  Cards are unsealed
 * for a delivered order only, and wiped from our buffers after use.
 *
 * Reading works while the journal is down; cancelling does not.  An order that
 * is not in memory may be in the archive: who has its token waits for that
 * answer, and is shown the same, unless Redis is down.
 */

#include "ngx_faka_gateway.h"


/* Sealed cards are fetched in pieces of this size. */
#define NGX_FAKA_CARDS_BUFFER_SIZE  (16 * 1024)

_Static_assert(NGX_FAKA_CARDS_BUFFER_SIZE >= FK_SEALED_SIZE_MAX,
               "any card fits");


static void ngx_faka_orders_answer(ngx_http_request_t *r, ngx_uint_t cancel,
    ngx_str_t *id_text);
static ngx_uint_t ngx_faka_orders_token(ngx_http_request_t *r,
    ngx_str_t *token);
static void ngx_faka_orders_show(ngx_http_request_t *r, fk_code_t code);
static void ngx_faka_orders_payable(ngx_http_request_t *r, fk_code_t code);
static void ngx_faka_orders_send(ngx_http_request_t *r, fk_code_t code);
static void ngx_faka_orders_uncancelled(ngx_http_request_t *r,
    fk_code_t code);
static fk_code_t ngx_faka_orders_cards(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx, ngx_faka_json_t *json);
static fk_code_t ngx_faka_orders_archived_cards(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx, ngx_faka_json_t *json);
static fk_code_t ngx_faka_orders_unseal(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx, ngx_faka_json_t *json, const uint8_t *sealed,
    size_t size);


ngx_int_t
ngx_faka_orders_handler(ngx_http_request_t *r)
{
    ngx_str_t             rest, id, verb;
    ngx_uint_t            cancel;
    ngx_faka_loc_conf_t  *flcf;

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_faka_module);

    if (ngx_faka_ctx_get(r, flcf->shop) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_faka_no_body(r);

    ngx_faka_subpath(r, &rest);
    (void) ngx_faka_subpath_next(&rest, &id);

    cancel = 0;

    if (ngx_faka_subpath_next(&rest, &verb)) {
        if (rest.data != NULL || verb.len != sizeof("cancel") - 1
            || ngx_memcmp(verb.data, "cancel", verb.len) != 0)
        {
            ngx_faka_send_problem(r, FK_NOT_FOUND, NULL, NULL);
            return NGX_DONE;
        }

        cancel = 1;
    }

    if (cancel && r->method != NGX_HTTP_POST) {
        ngx_faka_send_not_allowed(r, "POST");
        return NGX_DONE;
    }

    if (!cancel && r->method != NGX_HTTP_GET) {
        ngx_faka_send_not_allowed(r, "GET");
        return NGX_DONE;
    }

    ngx_faka_orders_answer(r, cancel, &id);

    return NGX_DONE;
}


static void
ngx_faka_orders_answer(ngx_http_request_t *r, ngx_uint_t cancel,
    ngx_str_t *id_text)
{
    char                text[FK_ORDER_TEXT_SIZE];
    fk_env_t            env;
    ngx_str_t           token;
    fk_code_t           code;
    fk_order_id_t       id;
    ngx_faka_ctx_t     *ctx;
    ngx_faka_worker_t  *w;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    w = ctx->shop->worker;

    code = cancel ? ngx_faka_may_write(ctx->shop)
                  : ngx_faka_may_read(ctx->shop);
    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    /* What is no id takes the same way, over an id that nobody has. */

    if (fk_order_id_parse(&id, id_text->data, id_text->len) != FK_OK) {
        ngx_memzero(&id, sizeof(fk_order_id_t));
    }

    fk_order_id_text(&id, text);

    if (!ngx_faka_orders_token(r, &token)
        || !pay_token_verify(w->vault, pay_str(text, sizeof(text)),
                             ngx_faka_pay_str(&token)))
    {
        ngx_faka_send_problem(r, FK_NOT_FOUND, NULL, NULL);
        return;
    }

    ctx->order = ngx_palloc(r->pool, sizeof(fk_order_view_t));
    if (ctx->order == NULL || ngx_faka_order_name(r, ctx, &id) != NGX_OK) {
        ngx_faka_send_problem(r, FK_TABLE_FULL, NULL, NULL);
        return;
    }

    if (cancel) {
        ngx_faka_env(&env);
        code = fk_cancel(&w->fk, &env, &id, ctx->order);

    } else {
        code = fk_order_get(&w->fk, &id, ctx->order);
    }

    if (code == FK_NOT_FOUND) {
        ngx_faka_archive_find(r, ctx, &id, cancel
                                           ? ngx_faka_orders_uncancelled
                                           : ngx_faka_orders_show);
        return;
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    if (cancel) {
        ngx_faka_journal_kick(w->journal);
    }

    ngx_faka_wait_durable(r, ctx, ctx->order->seq, ngx_faka_orders_show);
}


/* The header counts if both are there; two headers are no token at all. */

static ngx_uint_t
ngx_faka_orders_token(ngx_http_request_t *r, ngx_str_t *token)
{
    ngx_int_t                   rc;
    ngx_uint_t                  key;
    ngx_str_t                   name;
    u_char                      lowcase[sizeof("cookie_faka_token") - 1];
    ngx_http_variable_value_t  *cookie;

    rc = ngx_faka_bearer(r, token);
    if (rc != NGX_DECLINED) {
        return rc == NGX_OK;
    }

    /* By its variable: how cookies are kept differs between nginx versions. */

    ngx_str_set(&name, "cookie_faka_token");
    key = ngx_hash_strlow(lowcase, name.data, name.len);
    name.data = lowcase;

    cookie = ngx_http_get_variable(r, &name, key);
    if (cookie == NULL || cookie->not_found || cookie->len == 0) {
        return 0;
    }

    token->data = cookie->data;
    token->len = cookie->len;

    return 1;
}


/* What is archived is finished, and cannot be cancelled. */

static void
ngx_faka_orders_uncancelled(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_send_problem(r, code == FK_OK ? FK_CONFLICT : code, NULL, NULL);
}


static void
ngx_faka_orders_show(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (code == FK_OK && ctx->order->status == FK_STATUS_AWAITING_PAYMENT) {
        ngx_faka_pay_find(r, ctx, ngx_faka_orders_payable);
        return;
    }

    ngx_faka_orders_send(r, code);
}


/* Its channel may have left the configuration, or the gateway refuses it. */

static void
ngx_faka_orders_payable(ngx_http_request_t *r, fk_code_t code)
{
    if (code == FK_CHANNEL) {
        ngx_faka_send_problem(r, FK_NOT_OPEN, NULL,
                              "the order's payment channel is closed");
        return;
    }

    ngx_faka_orders_send(r, code);
}


static void
ngx_faka_orders_send(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t   *ctx;
    ngx_faka_json_t   json;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_ORDER_JSON_SIZE);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_order_members(&json, ctx->order);

    if (ctx->order->status == FK_STATUS_AWAITING_PAYMENT) {
        ngx_faka_json_pay(&json, &ctx->way);
    }

    if (ctx->order->status == FK_STATUS_DELIVERED) {
        ngx_faka_json_array(&json, "cards");

        code = ctx->record.len != 0
               ? ngx_faka_orders_archived_cards(r, ctx, &json)
               : ngx_faka_orders_cards(r, ctx, &json);

        ngx_faka_json_array_end(&json);

        if (code != FK_OK) {
            ngx_faka_send_problem(r, code, NULL, NULL);
            return;
        }
    }

    ngx_faka_json_object_end(&json);

    ctx->result = fk_code_info[FK_OK].word;
    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));
}


static fk_code_t
ngx_faka_orders_cards(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    ngx_faka_json_t *json)
{
    uint32_t        i, n, cursor;
    uint8_t        *buf;
    fk_code_t       code;
    fk_card_out_t   cards[FK_QTY_MAX];

    buf = ngx_palloc(r->pool, NGX_FAKA_CARDS_BUFFER_SIZE);
    if (buf == NULL) {
        return FK_TABLE_FULL;
    }

    cursor = 0;

    do {
        n = FK_QTY_MAX;
        code = fk_order_cards(&ctx->shop->worker->fk, &ctx->order->id,
                              &cursor, buf, NGX_FAKA_CARDS_BUFFER_SIZE,
                              cards, &n);

        /* It was delivered a moment ago: the next try shows what it is now. */

        if (code != FK_OK) {
            return code == FK_CONFLICT ? FK_LOCK_TIMEOUT : code;
        }

        for (i = 0; i < n; i++) {
            code = ngx_faka_orders_unseal(r, ctx, json, buf + cards[i].offset,
                                          cards[i].size);
            if (code != FK_OK) {
                return code;
            }
        }

    } while (cursor != 0);

    return FK_OK;
}


static fk_code_t
ngx_faka_orders_archived_cards(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    ngx_faka_json_t *json)
{
    uint32_t       i, n;
    fk_code_t      code;
    fk_card_out_t  cards[FK_QTY_MAX];

    n = fk_archive_cards(ctx->record.data, ctx->record.len, cards,
                         FK_QTY_MAX);

    for (i = 0; i < n; i++) {
        code = ngx_faka_orders_unseal(r, ctx, json,
                                      ctx->record.data + cards[i].offset,
                                      cards[i].size);
        if (code != FK_OK) {
            return code;
        }
    }

    return FK_OK;
}


static fk_code_t
ngx_faka_orders_unseal(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    ngx_faka_json_t *json, const uint8_t *sealed, size_t size)
{
    size_t  plain_size;
    u_char  plain[FK_CARD_SIZE_MAX];

    plain_size = size > FK_SEAL_SIZE ? size - FK_SEAL_SIZE : 0;

    if (plain_size == 0 || plain_size > sizeof(plain)
        || !pay_unseal(ctx->shop->worker->vault,
                       pay_str(ctx->order->sku, ngx_strlen(ctx->order->sku)),
                       pay_str(sealed, size), plain, plain_size))
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "faka: a card of order %V cannot be unsealed: key_file "
                      "is not the one it was sealed with, or it is damaged",
                      &ctx->order_text);
        return FK_CORRUPT;
    }

    ngx_faka_json_string(json, NULL, plain, plain_size);
    pay_wipe(plain, plain_size);

    return FK_OK;
}

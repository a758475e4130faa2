/*
 * POST /admin/orders/ID/commission: an order that was paid and could not be
 * split, because a rule failed or an account was closed in between, is split
 * by the rules of now.
 *
 * An archived order comes back for it, as it does for a payment.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_order.h"
#include "ngx_faka_rules.h"


static void ngx_faka_admin_split(ngx_http_request_t *r);
static fk_code_t ngx_faka_admin_split_order(ngx_faka_ctx_t *ctx,
    const fk_order_id_t *id, const char **why);
static void ngx_faka_admin_split_archived(ngx_http_request_t *r,
    fk_code_t code);


ngx_int_t
ngx_faka_admin_commission(ngx_http_request_t *r, ngx_str_t *name)
{
    fk_code_t        code;
    fk_order_id_t   *id;
    ngx_faka_ctx_t  *ctx;

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    code = ngx_faka_may_write(ctx->shop);

    id = ngx_palloc(r->pool, sizeof(fk_order_id_t));
    if (id == NULL) {
        code = FK_TABLE_FULL;
    }

    if (code == FK_OK) {
        code = ngx_faka_admin_order_name(r, name, id);
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    ctx->data = id;
    ngx_faka_admin_split(r);

    return NGX_DONE;
}


static void
ngx_faka_admin_split(ngx_http_request_t *r)
{
    fk_code_t        code;
    const char      *why;
    ngx_faka_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    code = ngx_faka_admin_split_order(ctx, ctx->data, &why);

    if (code == FK_NOT_FOUND) {
        ngx_faka_archive_find(r, ctx, ctx->data,
                              ngx_faka_admin_split_archived);
        return;
    }

    if (code != FK_OK && code != FK_EXISTS) {
        ngx_faka_send_problem(r, code, NULL, why);
        return;
    }

    if (code == FK_OK) {
        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "faka: commission of order %V booked afterwards",
                      &ctx->order_text);
    }

    ngx_faka_journal_kick(ctx->shop->worker->journal);
    ngx_faka_wait_durable(r, ctx, ctx->order->seq, ngx_faka_admin_order_show);
}


static fk_code_t
ngx_faka_admin_split_order(ngx_faka_ctx_t *ctx, const fk_order_id_t *id,
    const char **why)
{
    fk_env_t            env;
    fk_code_t           code;
    fk_split_t          split;
    ngx_faka_worker_t  *w;

    w = ctx->shop->worker;
    *why = NULL;
    ngx_faka_env(&env);

    code = ngx_faka_rules_commission(w, &env, id, &split);
    if (code != FK_OK) {
        return code;
    }

    code = fk_order_commission(&w->fk, &env, id, &split, ctx->order);

    if (code == FK_INVALID) {
        *why = split.flagged ? "the rules give no commission for it now"
                             : "what the rules give is not possible now";
        code = FK_CONFLICT;

    } else if (code == FK_CONFLICT) {
        *why = "it is not paid, waits for stock, or a part of it was "
               "given back";

    } else if (code == FK_AGAIN) {
        code = FK_LOCK_TIMEOUT;
    }

    return code;
}


static void
ngx_faka_admin_split_archived(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (code == FK_OK) {
        code = ngx_faka_archive_restore(ctx);
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    ngx_faka_admin_split(r);
}

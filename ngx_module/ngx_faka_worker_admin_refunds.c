/*
 * POST /admin/orders/ID/refunds: a part of a paid order's money was given back
 * at the gateway; the operator's word for it, under a ref of his own.  The
 * lines of its commission give back their shares.
 *
 * An archived order comes back for it, as it does for a payment.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_order.h"


typedef struct {
    ngx_str_t      name;                       /* of the path */
    int64_t        amount;
    ngx_str_t      ref;

    fk_order_id_t  id;
} ngx_faka_part_in_t;


static void ngx_faka_admin_part_body(ngx_http_request_t *r, ngx_str_t *body);
static void ngx_faka_admin_part(ngx_http_request_t *r);
static void ngx_faka_admin_part_archived(ngx_http_request_t *r,
    fk_code_t code);


static const ngx_faka_field_t  ngx_faka_part_field[] = {
    { "amount", NGX_FAKA_FIELD_INTEGER, offsetof(ngx_faka_part_in_t, amount),
      1, FK_AMOUNT_MAX, 1, NULL, 0 },
    { "ref", NGX_FAKA_FIELD_TEXT, offsetof(ngx_faka_part_in_t, ref),
      1, FK_REF_SIZE_MAX, 1, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};


ngx_int_t
ngx_faka_admin_refund_part(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_faka_admin_change(r, name, sizeof(ngx_faka_part_in_t),
                                 ngx_faka_admin_part_body);
}


static void
ngx_faka_admin_part_body(ngx_http_request_t *r, ngx_str_t *body)
{
    uint32_t             given;
    fk_code_t            code;
    ngx_faka_ctx_t      *ctx;
    ngx_faka_part_in_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;

    if (ngx_faka_admin_read(r, body, ngx_faka_part_field, in, &given)
        != NGX_OK)
    {
        return;
    }

    code = ngx_faka_admin_order_name(r, &in->name, &in->id);

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    ngx_faka_admin_part(r);
}


static void
ngx_faka_admin_part(ngx_http_request_t *r)
{
    fk_env_t             env;
    fk_code_t            code;
    ngx_faka_ctx_t      *ctx;
    ngx_faka_part_in_t  *in;
    ngx_faka_worker_t   *w;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    w = ctx->shop->worker;
    in = ctx->data;

    ngx_faka_env(&env);
    code = fk_refund_part(&w->fk, &env, &in->id, in->amount,
                          ngx_faka_fk_str(&in->ref), ctx->order);

    if (code == FK_NOT_FOUND) {
        ngx_faka_archive_find(r, ctx, &in->id, ngx_faka_admin_part_archived);
        return;
    }

    if (code != FK_OK && code != FK_EXISTS) {
        ngx_faka_send_problem(r, code, code == FK_INVALID ? "amount" : NULL,
                              code == FK_INVALID
                                  ? "more than is left of it" : NULL);
        return;
    }

    if (code == FK_OK) {
        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "faka: operator's word on order %V: %L was given back, "
                      "\"%V\"", &ctx->order_text, in->amount, &in->ref);
    }

    ngx_faka_journal_kick(w->journal);
    ngx_faka_wait_durable(r, ctx, ctx->order->seq, ngx_faka_admin_order_show);
}


static void
ngx_faka_admin_part_archived(ngx_http_request_t *r, fk_code_t code)
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

    ngx_faka_admin_part(r);
}

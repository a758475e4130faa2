/*
 * Credits: POST /admin/accounts/ID/credits says that money came for an account
 * some other way than by an order, so that its buyer can spend it.  It is
 * named by the caller's reference, and booked once, however often it is sent;
 * known are those of the account's latest FK_WITHDRAWALS_KNOWN withdrawals and
 * credits.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_order.h"


#define NGX_FAKA_CREDIT_JSON_SIZE  384


typedef struct {
    ngx_str_t             account;             /* of the path */
    int64_t               amount;
    ngx_str_t             ref;

    ngx_uint_t            status;              /* of the answer */
    fk_withdrawal_view_t  credit;
} ngx_faka_credit_in_t;


static void ngx_faka_admin_credit_body(ngx_http_request_t *r,
    ngx_str_t *body);
static void ngx_faka_admin_credit_done(ngx_http_request_t *r, fk_code_t code);


static const ngx_faka_field_t  ngx_faka_credit_field[] = {
    { "amount", NGX_FAKA_FIELD_INTEGER, offsetof(ngx_faka_credit_in_t, amount),
      1, FK_AMOUNT_MAX, 1, NULL, 0 },
    { "ref", NGX_FAKA_FIELD_TEXT, offsetof(ngx_faka_credit_in_t, ref),
      1, FK_REF_SIZE_MAX, 1, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};


ngx_int_t
ngx_faka_admin_credit(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_faka_admin_change(r, name, sizeof(ngx_faka_credit_in_t),
                                 ngx_faka_admin_credit_body);
}


static void
ngx_faka_admin_credit_body(ngx_http_request_t *r, ngx_str_t *body)
{
    fk_env_t               env;
    uint32_t               given;
    fk_code_t              code;
    ngx_faka_ctx_t        *ctx;
    ngx_faka_credit_in_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;

    if (ngx_faka_admin_read(r, body, ngx_faka_credit_field, in, &given)
        != NGX_OK)
    {
        return;
    }

    ngx_faka_env(&env);
    code = fk_credit(&ctx->shop->worker->fk, &env,
                     ngx_faka_fk_str(&in->account), in->amount,
                     ngx_faka_fk_str(&in->ref), &in->credit);

    if (code == FK_EXISTS && in->credit.amount != in->amount) {
        ngx_faka_send_problem(r, FK_CONFLICT, "ref",
                              "it belongs to a credit of another amount");
        return;
    }

    if (code != FK_OK && code != FK_EXISTS) {
        ngx_faka_send_problem(r, code, code == FK_INVALID ? "ref" : NULL,
                              NULL);
        return;
    }

    if (code == FK_OK) {
        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "faka: operator's word on account %s: %L %s came",
                      in->credit.account, in->amount, in->credit.currency);
    }

    in->status = code == FK_OK ? NGX_HTTP_CREATED : NGX_HTTP_OK;
    ngx_faka_journal_kick(ctx->shop->worker->journal);
    ngx_faka_wait_durable(r, ctx, in->credit.seq, ngx_faka_admin_credit_done);
}


static void
ngx_faka_admin_credit_done(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t        *ctx;
    ngx_faka_json_t        json;
    fk_withdrawal_view_t  *credit;
    ngx_faka_credit_in_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;
    credit = &in->credit;

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_CREDIT_JSON_SIZE);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_json_integer(&json, "credit", (int64_t) credit->id);
    ngx_faka_json_text(&json, "account", credit->account);
    ngx_faka_json_text(&json, "currency", credit->currency);
    ngx_faka_json_integer(&json, "amount", credit->amount);
    ngx_faka_json_string(&json, "ref", credit->note, credit->note_size);
    ngx_faka_json_integer(&json, "at", credit->requested_s);
    ngx_faka_json_object_end(&json);

    ngx_faka_send_json(r, in->status, ngx_faka_json_end(&json));
}

/*
 * Withdrawals: POST /admin/accounts/ID/withdrawals reserves an amount, with
 * the caller's own reference once, however often it is sent; a person approves
 * or rejects it, pays it out somewhere else, and says so.
 *
 * A reference is the note, also one that was sent as "note"; known are those
 * of the account's open withdrawals and of its latest FK_WITHDRAWALS_KNOWN.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_order.h"


#define NGX_FAKA_WITHDRAWAL_JSON_SIZE   384
#define NGX_FAKA_WITHDRAWALS_JSON_SIZE  8192


typedef struct {
    ngx_str_t             account;             /* of the path */
    int64_t               amount;
    ngx_str_t             note;
    ngx_str_t             ref;

    ngx_uint_t            status;              /* of the answer */
    fk_withdrawal_view_t  withdrawal;
} ngx_faka_withdrawal_in_t;


static void ngx_faka_admin_withdrawal_body(ngx_http_request_t *r,
    ngx_str_t *body);
static void ngx_faka_admin_withdrawal_done(ngx_http_request_t *r,
    fk_code_t code);
static ngx_int_t ngx_faka_admin_withdrawal_decide(ngx_http_request_t *r,
    ngx_str_t *name, fk_withdrawal_state_t state);
static void ngx_faka_admin_withdrawal(ngx_faka_json_t *json,
    const fk_withdrawal_view_t *withdrawal);


static const ngx_faka_field_t  ngx_faka_withdrawal_field[] = {
    { "amount", NGX_FAKA_FIELD_INTEGER,
      offsetof(ngx_faka_withdrawal_in_t, amount), 1, FK_AMOUNT_MAX, 1,
      NULL, 0 },
    { "note", NGX_FAKA_FIELD_TEXT, offsetof(ngx_faka_withdrawal_in_t, note),
      0, FK_REF_SIZE_MAX, 0, NULL, 0 },
    { "ref", NGX_FAKA_FIELD_TEXT, offsetof(ngx_faka_withdrawal_in_t, ref),
      1, FK_REF_SIZE_MAX, 0, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};


ngx_int_t
ngx_faka_admin_withdrawal_request(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_faka_admin_change(r, name, sizeof(ngx_faka_withdrawal_in_t),
                                 ngx_faka_admin_withdrawal_body);
}


static void
ngx_faka_admin_withdrawal_body(ngx_http_request_t *r, ngx_str_t *body)
{
    fk_t                      *fk;
    fk_env_t                   env;
    fk_str_t                   account;
    uint32_t                   given;
    fk_code_t                  code;
    ngx_faka_ctx_t            *ctx;
    ngx_faka_withdrawal_in_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;
    fk = &ctx->shop->worker->fk;

    if (ngx_faka_admin_read(r, body, ngx_faka_withdrawal_field, in, &given)
        != NGX_OK)
    {
        return;
    }

    if (in->ref.len != 0 && in->note.len != 0) {
        ngx_faka_send_problem(r, FK_INVALID, "note",
                              "\"ref\" becomes the note");
        return;
    }

    ngx_faka_env(&env);
    account = ngx_faka_fk_str(&in->account);

    code = in->ref.len != 0
           ? fk_withdrawal_request_once(fk, &env, account, in->amount,
                                        ngx_faka_fk_str(&in->ref),
                                        &in->withdrawal)
           : fk_withdrawal_request(fk, &env, account, in->amount,
                                   ngx_faka_fk_str(&in->note),
                                   &in->withdrawal);

    if (code == FK_EXISTS && in->withdrawal.amount != in->amount) {
        ngx_faka_send_problem(r, FK_CONFLICT, "ref",
                              "it belongs to a withdrawal of another amount");
        return;
    }

    if (code != FK_OK && code != FK_EXISTS) {
        ngx_faka_send_problem(r, code,
                              code == FK_CONFLICT ? "amount" : NULL,
                              code == FK_CONFLICT
                                  ? "so much is not available" : NULL);
        return;
    }

    in->status = code == FK_OK ? NGX_HTTP_CREATED : NGX_HTTP_OK;
    ngx_faka_journal_kick(ctx->shop->worker->journal);
    ngx_faka_wait_durable(r, ctx, in->withdrawal.seq,
                          ngx_faka_admin_withdrawal_done);
}


ngx_int_t
ngx_faka_admin_withdrawal_approve(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_faka_admin_withdrawal_decide(r, name, FK_WITHDRAWAL_APPROVED);
}


ngx_int_t
ngx_faka_admin_withdrawal_paid(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_faka_admin_withdrawal_decide(r, name, FK_WITHDRAWAL_PAID);
}


ngx_int_t
ngx_faka_admin_withdrawal_reject(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_faka_admin_withdrawal_decide(r, name, FK_WITHDRAWAL_REJECTED);
}


/* Said twice, it is answered as the first time. */

static ngx_int_t
ngx_faka_admin_withdrawal_decide(ngx_http_request_t *r, ngx_str_t *name,
    fk_withdrawal_state_t state)
{
    off_t                      id;
    fk_env_t                   env;
    fk_code_t                  code;
    ngx_faka_ctx_t            *ctx;
    ngx_faka_withdrawal_in_t  *in;

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    code = ngx_faka_may_write(ctx->shop);

    in = ngx_pcalloc(r->pool, sizeof(ngx_faka_withdrawal_in_t));
    if (in == NULL) {
        code = FK_TABLE_FULL;
    }

    if (code == FK_OK) {
        ctx->data = in;
        id = ngx_atoof(name->data, name->len);
        ngx_faka_env(&env);

        code = id < 1 ? FK_NOT_FOUND
               : fk_withdrawal_decide(&ctx->shop->worker->fk, &env,
                                      (uint64_t) id, state, &in->withdrawal);
    }

    if (code != FK_OK && code != FK_EXISTS) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    if (code == FK_OK) {
        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "faka: operator's word on withdrawal %V of %s: %s",
                      name, in->withdrawal.account,
                      fk_withdrawal_state_word[state]);
    }

    in->status = NGX_HTTP_OK;
    ngx_faka_journal_kick(ctx->shop->worker->journal);
    ngx_faka_wait_durable(r, ctx, in->withdrawal.seq,
                          ngx_faka_admin_withdrawal_done);

    return NGX_DONE;
}


static void
ngx_faka_admin_withdrawal_done(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t            *ctx;
    ngx_faka_json_t            json;
    ngx_faka_withdrawal_in_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_WITHDRAWAL_JSON_SIZE);
    ngx_faka_admin_withdrawal(&json, &in->withdrawal);

    ngx_faka_send_json(r, in->status, ngx_faka_json_end(&json));
}


ngx_int_t
ngx_faka_admin_withdrawals(ngx_http_request_t *r, ngx_str_t *name)
{
    uint32_t               i, n, at;
    uint64_t               cursor;
    fk_code_t              code;
    ngx_faka_ctx_t        *ctx;
    ngx_faka_json_t        json;
    fk_withdrawal_view_t   withdrawal[FK_LIST_SLICE_MAX];

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (ngx_faka_admin_cursor(r, &cursor) != NGX_OK) {
        return NGX_DONE;
    }

    at = (uint32_t) cursor;
    n = FK_LIST_SLICE_MAX;
    code = fk_withdrawal_list(&ctx->shop->worker->fk, -1, &at, withdrawal,
                              &n);

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_WITHDRAWALS_JSON_SIZE);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_json_array(&json, "withdrawals");

    for (i = 0; i < n; i++) {
        ngx_faka_admin_withdrawal(&json, &withdrawal[i]);
    }

    ngx_faka_json_array_end(&json);
    ngx_faka_admin_next(&json, at);
    ngx_faka_json_object_end(&json);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));

    return NGX_DONE;
}


static void
ngx_faka_admin_withdrawal(ngx_faka_json_t *json,
    const fk_withdrawal_view_t *withdrawal)
{
    ngx_faka_json_object(json, NULL);
    ngx_faka_json_integer(json, "withdrawal", (int64_t) withdrawal->id);
    ngx_faka_json_text(json, "account", withdrawal->account);
    ngx_faka_json_text(json, "currency", withdrawal->currency);
    ngx_faka_json_integer(json, "amount", withdrawal->amount);
    ngx_faka_json_text(json, "state",
                       fk_withdrawal_state_word[withdrawal->state]);
    ngx_faka_json_string(json, "note", withdrawal->note,
                         withdrawal->note_size);
    ngx_faka_json_integer(json, "requested_at", withdrawal->requested_s);
    ngx_faka_json_time(json, "decided_at", withdrawal->decided_s);
    ngx_faka_json_object_end(json);
}

/*
 * /admin/accounts: agents, merchants and the platform, what they have and how
 * it came about.  PUT makes one or changes what is given; a closed account
 * keeps what it has and gets no more.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_account.h"
#include "ngx_faka_order.h"


#define NGX_FAKA_ACCOUNT_JSON_SIZE  704
#define NGX_FAKA_ACCOUNTS_SLICE     16

#define NGX_FAKA_ACCOUNT_TOKEN_MIN  32
#define NGX_FAKA_ACCOUNT_TOKEN_MAX  128


/* Rows of the table below, as bits of "given". */

typedef enum {
    NGX_FAKA_ACCOUNT_KIND = 0,
    NGX_FAKA_ACCOUNT_CURRENCY,
    NGX_FAKA_ACCOUNT_PARENT,
    NGX_FAKA_ACCOUNT_RATES,
    NGX_FAKA_ACCOUNT_CLOSED,
    NGX_FAKA_ACCOUNT_TOKEN,
    NGX_FAKA_ACCOUNT_CONTACT
} ngx_faka_account_row_t;

typedef struct {
    ngx_str_t          id;                     /* of the path */
    ngx_str_t          kind;
    ngx_str_t          currency;
    ngx_str_t          parent;
    ngx_faka_list_t    rates;                  /* int64_t */
    ngx_uint_t         closed;
    ngx_str_t          token;
    ngx_str_t          contact;

    int                created;
    fk_account_view_t  account;
} ngx_faka_account_in_t;


static void ngx_faka_admin_account_body(ngx_http_request_t *r,
    ngx_str_t *body);
static fk_code_t ngx_faka_admin_account_make(ngx_faka_ctx_t *ctx,
    ngx_faka_account_in_t *in, uint32_t given, uint64_t *seq,
    const char **field);
static fk_code_t ngx_faka_admin_account_digests(ngx_faka_worker_t *w,
    const ngx_faka_account_in_t *in, fk_account_put_t *put,
    const char **field);
static void ngx_faka_admin_account_done(ngx_http_request_t *r,
    fk_code_t code);
static void ngx_faka_admin_account(ngx_faka_json_t *json,
    const fk_account_view_t *account);


#define NGX_FAKA_ACCOUNT_OFFSET(member)                                       \
    offsetof(ngx_faka_account_in_t, member)

/* -1: by the rule. */
static const ngx_faka_field_t  ngx_faka_account_rate[] = {
    { "", NGX_FAKA_FIELD_INTEGER, 0, -1, FK_RATE_MAX, 0, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};

static const ngx_faka_field_t  ngx_faka_account_field[] = {
    { "kind", NGX_FAKA_FIELD_WORD, NGX_FAKA_ACCOUNT_OFFSET(kind), 1, 16, 0,
      NULL, 0 },
    { "currency", NGX_FAKA_FIELD_WORD, NGX_FAKA_ACCOUNT_OFFSET(currency),
      PAY_CURRENCY_SIZE, PAY_CURRENCY_SIZE, 0, NULL, 0 },
    { "parent", NGX_FAKA_FIELD_TEXT, NGX_FAKA_ACCOUNT_OFFSET(parent),
      0, FK_ACCOUNT_SIZE_MAX, 0, NULL, 0 },
    { "rates", NGX_FAKA_FIELD_ARRAY, NGX_FAKA_ACCOUNT_OFFSET(rates),
      FK_ACCOUNT_RATES, FK_ACCOUNT_RATES, 0, ngx_faka_account_rate,
      sizeof(int64_t) },
    { "closed", NGX_FAKA_FIELD_BOOL, NGX_FAKA_ACCOUNT_OFFSET(closed), 0, 1,
      0, NULL, 0 },
    { "token", NGX_FAKA_FIELD_WORD, NGX_FAKA_ACCOUNT_OFFSET(token),
      0, NGX_FAKA_ACCOUNT_TOKEN_MAX, 0, NULL, 0 },
    { "contact", NGX_FAKA_FIELD_TEXT, NGX_FAKA_ACCOUNT_OFFSET(contact),
      0, FK_CONTACT_SIZE_MAX, 0, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};


ngx_int_t
ngx_faka_admin_account_put(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_faka_admin_change(r, name, sizeof(ngx_faka_account_in_t),
                                 ngx_faka_admin_account_body);
}


static void
ngx_faka_admin_account_body(ngx_http_request_t *r, ngx_str_t *body)
{
    uint32_t                given;
    uint64_t                seq;
    fk_code_t               code;
    const char             *field;
    ngx_faka_ctx_t         *ctx;
    ngx_faka_account_in_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;

    if (ngx_faka_admin_read(r, body, ngx_faka_account_field, in, &given)
        != NGX_OK)
    {
        return;
    }

    field = NULL;
    code = ngx_faka_admin_account_make(ctx, in, given, &seq, &field);

    /* The engine's word for what stands in the path. */
    if (field != NULL && ngx_strcmp(field, "id") == 0) {
        field = "account";
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, field,
                              code == FK_INVALID
                                  ? "is missing, or not possible" : NULL);
        return;
    }

    ngx_faka_journal_kick(ctx->shop->worker->journal);
    ngx_faka_wait_durable(r, ctx, seq, ngx_faka_admin_account_done);
}


static fk_code_t
ngx_faka_admin_account_make(ngx_faka_ctx_t *ctx, ngx_faka_account_in_t *in,
    uint32_t given, uint64_t *seq, const char **field)
{
    int64_t             *rate;
    fk_env_t             env;
    fk_code_t            code;
    ngx_uint_t           i;
    fk_account_put_t     put;
    ngx_faka_worker_t   *w;

    static const uint32_t  fields[] = {
        [NGX_FAKA_ACCOUNT_KIND] = FK_ACCOUNT_PUT_KIND,
        [NGX_FAKA_ACCOUNT_CURRENCY] = FK_ACCOUNT_PUT_CURRENCY,
        [NGX_FAKA_ACCOUNT_PARENT] = FK_ACCOUNT_PUT_PARENT,
        [NGX_FAKA_ACCOUNT_RATES] = FK_ACCOUNT_PUT_RATES,
        [NGX_FAKA_ACCOUNT_CLOSED] = FK_ACCOUNT_PUT_CLOSED,
        [NGX_FAKA_ACCOUNT_TOKEN] = FK_ACCOUNT_PUT_TOKEN,
        [NGX_FAKA_ACCOUNT_CONTACT] = FK_ACCOUNT_PUT_BUYER
    };

    w = ctx->shop->worker;
    ngx_memzero(&put, sizeof(fk_account_put_t));

    for (i = 0; i < NGX_FAKA_ARRAY_COUNT(fields); i++) {
        put.fields |= given >> i & 1 ? fields[i] : 0;
    }

    put.id = ngx_faka_fk_str(&in->id);
    put.parent = ngx_faka_fk_str(&in->parent);
    put.closed = in->closed != 0;
    put.kind = FK_ACCOUNT_KIND_COUNT;

    for (i = 0; i < FK_ACCOUNT_KIND_COUNT && in->kind.len != 0; i++) {
        if (ngx_strcmp(in->kind.data, fk_account_kind_word[i]) == 0) {
            put.kind = (uint8_t) i;
        }
    }

    if (in->kind.len != 0 && put.kind == FK_ACCOUNT_KIND_COUNT) {
        *field = "kind";
        return FK_INVALID;
    }

    if (in->currency.len != 0) {
        if (pay_currency_exponent(ngx_faka_pay_str(&in->currency)) < 0) {
            *field = "currency";
            return FK_INVALID;
        }

        ngx_memcpy(put.currency, in->currency.data, PAY_CURRENCY_SIZE);
    }

    rate = in->rates.elts;

    for (i = 0; i < in->rates.nelts; i++) {
        put.rate_bp[i] = rate[i] < 0 ? FK_RATE_BY_RULE : (uint16_t) rate[i];
    }

    code = ngx_faka_admin_account_digests(w, in, &put, field);
    if (code != FK_OK) {
        return code;
    }

    ngx_faka_env(&env);

    return fk_account_put(&w->fk, &env, &put, &in->account, &in->created, seq,
                          field);
}


/* Only digests stay: nobody reads a token out of a journal.  An empty one, as
 * an empty contact, is none from now on. */

static fk_code_t
ngx_faka_admin_account_digests(ngx_faka_worker_t *w,
    const ngx_faka_account_in_t *in, fk_account_put_t *put,
    const char **field)
{
    u_char     digest[PAY_SHA256_SIZE], form[FK_CONTACT_SIZE_MAX];
    fk_str_t   contact;
    pay_str_t  token;

    if (in->token.len != 0) {

        if (in->token.len < NGX_FAKA_ACCOUNT_TOKEN_MIN) {
            *field = "token";
            return FK_INVALID;
        }

        token = ngx_faka_pay_str(&in->token);

        if (!pay_sha256(w->crypto, &token, 1, digest)) {
            return FK_LOCK_TIMEOUT;
        }

        ngx_memcpy(put->token, digest, sizeof(put->token));
    }

    if (in->contact.len == 0) {
        return FK_OK;
    }

    contact = ngx_faka_contact(ngx_faka_fk_str(&in->contact), form);

    return ngx_faka_buyer_key(w, contact, put->buyer);
}


static void
ngx_faka_admin_account_done(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t         *ctx;
    ngx_faka_json_t         json;
    ngx_faka_account_in_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_ACCOUNT_JSON_SIZE);
    ngx_faka_admin_account(&json, &in->account);

    ngx_faka_send_json(r, in->created ? NGX_HTTP_CREATED : NGX_HTTP_OK,
                       ngx_faka_json_end(&json));
}


ngx_int_t
ngx_faka_admin_account_get(ngx_http_request_t *r, ngx_str_t *name)
{
    fk_code_t           code;
    ngx_faka_ctx_t     *ctx;
    ngx_faka_json_t     json;
    fk_account_view_t   account;

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    code = fk_account_get(&ctx->shop->worker->fk, ngx_faka_fk_str(name),
                          &account);
    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_ACCOUNT_JSON_SIZE);
    ngx_faka_admin_account(&json, &account);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));

    return NGX_DONE;
}


ngx_int_t
ngx_faka_admin_accounts(ngx_http_request_t *r, ngx_str_t *name)
{
    uint32_t            i, n, at;
    uint64_t            cursor;
    fk_code_t           code;
    ngx_faka_ctx_t     *ctx;
    ngx_faka_json_t     json;
    fk_account_view_t   account[NGX_FAKA_ACCOUNTS_SLICE];

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (ngx_faka_admin_cursor(r, &cursor) != NGX_OK) {
        return NGX_DONE;
    }

    at = (uint32_t) cursor;
    n = NGX_FAKA_ACCOUNTS_SLICE;
    code = fk_account_list(&ctx->shop->worker->fk, &at, account, &n);

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    ngx_faka_json_begin(&json, r->pool,
                        NGX_FAKA_ACCOUNTS_SLICE * NGX_FAKA_ACCOUNT_JSON_SIZE);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_json_array(&json, "accounts");

    for (i = 0; i < n; i++) {
        ngx_faka_admin_account(&json, &account[i]);
    }

    ngx_faka_json_array_end(&json);
    ngx_faka_admin_next(&json, at);
    ngx_faka_json_object_end(&json);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));

    return NGX_DONE;
}


ngx_int_t
ngx_faka_admin_ledger(ngx_http_request_t *r, ngx_str_t *name)
{
    uint64_t         cursor;
    ngx_faka_ctx_t  *ctx;

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (ngx_faka_admin_cursor(r, &cursor) == NGX_OK) {
        ngx_faka_account_ledger(r, ctx, ngx_faka_fk_str(name), cursor);
    }

    return NGX_DONE;
}


static void
ngx_faka_admin_account(ngx_faka_json_t *json,
    const fk_account_view_t *account)
{
    ngx_uint_t  i;

    ngx_faka_json_object(json, NULL);
    ngx_faka_json_text(json, "account", account->id);
    ngx_faka_json_text(json, "kind", fk_account_kind_word[account->kind]);

    if (account->parent[0] != '\0') {
        ngx_faka_json_text(json, "parent", account->parent);

    } else {
        ngx_faka_json_null(json, "parent");
    }

    ngx_faka_json_array(json, "rates");

    for (i = 0; i < FK_ACCOUNT_RATES; i++) {
        ngx_faka_json_integer(json, NULL,
                              account->rate_bp[i] == FK_RATE_BY_RULE
                                  ? -1 : account->rate_bp[i]);
    }

    ngx_faka_json_array_end(json);
    ngx_faka_json_bool(json, "closed", account->closed);
    ngx_faka_account_members(json, account);
    ngx_faka_json_integer(json, "created_at", account->created_s);
    ngx_faka_json_object_end(json);
}

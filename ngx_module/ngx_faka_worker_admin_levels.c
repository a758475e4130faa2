/*
 * /admin/levels: what members of a level save, and what they must have spent;
 * and /admin/buyers/CONTACT: what the shop knows of one, and the level that
 * the operator gives him by hand.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_order.h"
#include "pay/utf8.h"


#define NGX_FAKA_LEVELS_JSON_SIZE  2048
#define NGX_FAKA_BUYER_JSON_SIZE   384


typedef struct {
    ngx_str_t  name;                           /* of the path */
    int64_t    off_bp;
    int64_t    min_spent;
} ngx_faka_level_in_t;

typedef struct {
    ngx_str_t  contact;                        /* of the path */
    ngx_str_t  level;
} ngx_faka_buyer_in_t;


static void ngx_faka_admin_level_body(ngx_http_request_t *r,
    ngx_str_t *body);
static void ngx_faka_admin_level_done(ngx_http_request_t *r, fk_code_t code);
static void ngx_faka_admin_level(ngx_faka_json_t *json,
    const fk_level_view_t *level);
static void ngx_faka_admin_buyer_body(ngx_http_request_t *r,
    ngx_str_t *body);
static void ngx_faka_admin_buyer_done(ngx_http_request_t *r, fk_code_t code);
static fk_code_t ngx_faka_admin_buyer_key(ngx_faka_ctx_t *ctx,
    const ngx_str_t *contact, uint8_t key[FK_TALLY_KEY_SIZE]);


static const ngx_faka_field_t  ngx_faka_level_field[] = {
    { "off_bp", NGX_FAKA_FIELD_INTEGER, offsetof(ngx_faka_level_in_t, off_bp),
      0, FK_BP, 1, NULL, 0 },
    { "min_spent", NGX_FAKA_FIELD_INTEGER,
      offsetof(ngx_faka_level_in_t, min_spent), 0, FK_AMOUNT_MAX, 1,
      NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};

static const ngx_faka_field_t  ngx_faka_buyer_field[] = {
    { "level", NGX_FAKA_FIELD_TEXT, offsetof(ngx_faka_buyer_in_t, level),
      0, FK_LEVEL_NAME_SIZE_MAX, 1, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};


/* --- levels ------------------------------------------------------------- */

ngx_int_t
ngx_faka_admin_levels(ngx_http_request_t *r, ngx_str_t *name)
{
    uint32_t         i, n;
    fk_code_t        code;
    ngx_faka_ctx_t  *ctx;
    ngx_faka_json_t  json;
    fk_level_view_t  level[FK_LEVELS_MAX];

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    code = fk_level_list(&ctx->shop->worker->fk, level, &n);

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_LEVELS_JSON_SIZE);
    ngx_faka_json_array(&json, NULL);

    for (i = 0; i < n; i++) {
        ngx_faka_admin_level(&json, &level[i]);
    }

    ngx_faka_json_array_end(&json);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));

    return NGX_DONE;
}


ngx_int_t
ngx_faka_admin_level_put(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_faka_admin_change(r, name, sizeof(ngx_faka_level_in_t),
                                 ngx_faka_admin_level_body);
}


static void
ngx_faka_admin_level_body(ngx_http_request_t *r, ngx_str_t *body)
{
    fk_env_t              env;
    uint32_t              given;
    uint64_t              seq;
    fk_code_t             code;
    const char           *field;
    fk_level_put_t        put;
    ngx_faka_ctx_t       *ctx;
    ngx_faka_level_in_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;

    if (ngx_faka_admin_read(r, body, ngx_faka_level_field, in, &given)
        != NGX_OK)
    {
        return;
    }

    put.name = ngx_faka_fk_str(&in->name);
    put.off_bp = (uint16_t) in->off_bp;
    put.min_spent = in->min_spent;

    ngx_faka_env(&env);
    field = NULL;
    code = fk_level_put(&ctx->shop->worker->fk, &env, &put, &seq, &field);

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, field, NULL);
        return;
    }

    ngx_faka_journal_kick(ctx->shop->worker->journal);
    ngx_faka_wait_durable(r, ctx, seq, ngx_faka_admin_level_done);
}


static void
ngx_faka_admin_level_done(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t       *ctx;
    ngx_faka_json_t       json;
    fk_level_view_t       level;
    ngx_faka_level_in_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;

    if (code == FK_OK) {
        code = fk_level_get(&ctx->shop->worker->fk,
                            ngx_faka_fk_str(&in->name), &level);
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_BUYER_JSON_SIZE);
    ngx_faka_admin_level(&json, &level);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));
}


static void
ngx_faka_admin_level(ngx_faka_json_t *json, const fk_level_view_t *level)
{
    ngx_faka_json_object(json, NULL);
    ngx_faka_json_text(json, "name", level->name);
    ngx_faka_json_integer(json, "off_bp", level->off_bp);
    ngx_faka_json_integer(json, "min_spent", level->min_spent);
    ngx_faka_json_object_end(json);
}


/* --- buyers ------------------------------------------------------------- */

ngx_int_t
ngx_faka_admin_buyer_get(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_faka_ctx_t       *ctx;
    ngx_faka_buyer_in_t  *in;

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    in = ngx_pcalloc(r->pool, sizeof(ngx_faka_buyer_in_t));
    if (in == NULL) {
        ngx_faka_send_problem(r, FK_TABLE_FULL, NULL, NULL);
        return NGX_DONE;
    }

    in->contact = *name;
    ctx->data = in;
    ngx_faka_admin_buyer_done(r, FK_OK);

    return NGX_DONE;
}


ngx_int_t
ngx_faka_admin_buyer_put(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_faka_admin_change(r, name, sizeof(ngx_faka_buyer_in_t),
                                 ngx_faka_admin_buyer_body);
}


static void
ngx_faka_admin_buyer_body(ngx_http_request_t *r, ngx_str_t *body)
{
    uint8_t               key[FK_TALLY_KEY_SIZE];
    fk_env_t              env;
    uint32_t              given;
    uint64_t              seq;
    fk_code_t             code;
    ngx_faka_ctx_t       *ctx;
    ngx_faka_buyer_in_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;

    if (ngx_faka_admin_read(r, body, ngx_faka_buyer_field, in, &given)
        != NGX_OK)
    {
        return;
    }

    seq = 0;
    ngx_faka_env(&env);
    code = ngx_faka_admin_buyer_key(ctx, &in->contact, key);

    if (code == FK_OK) {
        code = fk_buyer_put(&ctx->shop->worker->fk, &env, key,
                            ngx_faka_fk_str(&in->level), &seq);
    }

    /* While a snapshot is made nobody is forgotten: in a moment. */
    if (code == FK_AGAIN) {
        code = FK_LOCK_TIMEOUT;
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code,
                              code == FK_NOT_FOUND ? "level"
                              : code == FK_INVALID ? "contact" : NULL, NULL);
        return;
    }

    ngx_faka_journal_kick(ctx->shop->worker->journal);
    ngx_faka_wait_durable(r, ctx, seq, ngx_faka_admin_buyer_done);
}


static void
ngx_faka_admin_buyer_done(ngx_http_request_t *r, fk_code_t code)
{
    uint8_t               key[FK_TALLY_KEY_SIZE];
    ngx_faka_ctx_t       *ctx;
    ngx_faka_json_t       json;
    fk_buyer_view_t       buyer;
    ngx_faka_buyer_in_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;

    if (code == FK_OK) {
        code = ngx_faka_admin_buyer_key(ctx, &in->contact, key);
    }

    if (code == FK_OK) {
        code = fk_buyer_get(&ctx->shop->worker->fk, key, &buyer);
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, code == FK_INVALID ? "contact" : NULL,
                              NULL);
        return;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_BUYER_JSON_SIZE);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_json_string(&json, "contact", in->contact.data, in->contact.len);
    ngx_faka_json_integer(&json, "orders", buyer.orders_count);
    ngx_faka_json_integer(&json, "units", buyer.units_count);
    ngx_faka_json_integer(&json, "spent", buyer.spent);
    ngx_faka_json_time(&json, "last_paid_at", buyer.last_paid_s);

    if (buyer.level[0] != '\0') {
        ngx_faka_json_text(&json, "level", buyer.level);

    } else {
        ngx_faka_json_null(&json, "level");
    }

    ngx_faka_json_integer(&json, "off_bp", buyer.off_bp);
    ngx_faka_json_bool(&json, "by_operator", buyer.by_operator);
    ngx_faka_json_object_end(&json);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));
}


static fk_code_t
ngx_faka_admin_buyer_key(ngx_faka_ctx_t *ctx, const ngx_str_t *contact,
    uint8_t key[FK_TALLY_KEY_SIZE])
{
    u_char  form[FK_CONTACT_SIZE_MAX];

    /* What no checkout takes is nobody's, and could not be shown. */
    if (contact->len < 1 || contact->len > FK_CONTACT_SIZE_MAX
        || !pay_utf8_printable(ngx_faka_pay_str(contact)))
    {
        return FK_INVALID;
    }

    return ngx_faka_buyer_key(ctx->shop->worker,
                              ngx_faka_contact(ngx_faka_fk_str(contact), form),
                              key);
}

/*
 * /admin/signals: numbers that the operator pushes for the rules.
 *
 * They are in this server's memory and in no journal: a program that pushes
 * them does so again and again anyway, to each server that may sell.  So they
 * are taken in any state of the shop, and answered at once.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_order.h"


#define NGX_FAKA_SIGNAL_TTL_S_MAX     (366 * 86400)
#define NGX_FAKA_SIGNALS_JSON_SIZE    4096


typedef struct {
    int64_t  value;
    int64_t  ttl;
} ngx_faka_signal_in_t;


static void ngx_faka_admin_signal_body(ngx_http_request_t *r,
    ngx_str_t *body);
static void ngx_faka_admin_signal(ngx_faka_json_t *json,
    const fk_signal_t *signal);


static const ngx_faka_field_t  ngx_faka_signal_field[] = {
    { "value", NGX_FAKA_FIELD_INTEGER, offsetof(ngx_faka_signal_in_t, value),
      -FK_SIGNAL_MAX, FK_SIGNAL_MAX, 1, NULL, 0 },
    { "ttl", NGX_FAKA_FIELD_INTEGER, offsetof(ngx_faka_signal_in_t, ttl),
      1, NGX_FAKA_SIGNAL_TTL_S_MAX, 1, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};


ngx_int_t
ngx_faka_admin_signal_put(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_str_t       *kept;
    ngx_faka_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    kept = ngx_palloc(r->pool, sizeof(ngx_str_t));
    if (kept == NULL) {
        ngx_faka_no_body(r);
        ngx_faka_send_problem(r, FK_TABLE_FULL, NULL, NULL);
        return NGX_DONE;
    }

    *kept = *name;
    ctx->data = kept;

    return ngx_faka_read_body(r, ngx_faka_admin_signal_body);
}


static void
ngx_faka_admin_signal_body(ngx_http_request_t *r, ngx_str_t *body)
{
    fk_env_t                 env;
    uint32_t                 given;
    ngx_int_t                rc;
    fk_code_t                code;
    ngx_str_t               *name;
    const char              *field;
    fk_signal_t              signal;
    ngx_faka_ctx_t          *ctx;
    ngx_faka_json_t          json;
    ngx_faka_signal_in_t     in;
    ngx_faka_field_error_t   error;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    name = ctx->data;

    if (!ngx_faka_content_type_is(r, "application/json")) {
        ngx_faka_send_http_problem(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                   "unsupported_media_type", "Content-Type",
                                   "send application/json");
        return;
    }

    ngx_memzero(&in, sizeof(ngx_faka_signal_in_t));

    rc = ngx_faka_json_read(r->pool, body, ngx_faka_signal_field,
                            NGX_FAKA_FIELDS_CLOSED, &in, &given, &error);

    if (rc == NGX_DECLINED) {
        ngx_faka_send_field_error(r, &error);
        return;
    }

    ngx_faka_env(&env);

    code = rc != NGX_OK ? FK_TABLE_FULL
           : fk_signal_put(&ctx->shop->worker->fk, &env,
                           ngx_faka_fk_str(name), in.value, in.ttl * 1000,
                           &field);

    if (code == FK_INVALID) {
        ngx_faka_send_problem(r, code, field,
                              "a name has 1 to 31 letters, digits and '_', "
                              "and begins with none of the digits");
        return;
    }

    if (code == FK_TABLE_FULL) {
        ngx_faka_send_problem(r, code, NULL,
                              "64 other signals are alive; let one of them "
                              "end, or use it");
        return;
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    ngx_memzero(&signal, sizeof(fk_signal_t));
    ngx_memcpy(signal.name, name->data, name->len);
    signal.value = in.value;
    signal.expires_ms = env.now_ms + in.ttl * 1000;

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_SIGNALS_JSON_SIZE);
    ngx_faka_admin_signal(&json, &signal);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));
}


ngx_int_t
ngx_faka_admin_signals(ngx_http_request_t *r, ngx_str_t *name)
{
    fk_env_t          env;
    uint32_t          i, count;
    fk_signal_t       signal[FK_SIGNALS_MAX];
    ngx_faka_ctx_t   *ctx;
    ngx_faka_json_t   json;

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    ngx_faka_env(&env);
    count = fk_signal_list(&ctx->shop->worker->fk, &env, signal);

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_SIGNALS_JSON_SIZE);
    ngx_faka_json_array(&json, NULL);

    for (i = 0; i < count; i++) {
        ngx_faka_admin_signal(&json, &signal[i]);
    }

    ngx_faka_json_array_end(&json);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));

    return NGX_DONE;
}


static void
ngx_faka_admin_signal(ngx_faka_json_t *json, const fk_signal_t *signal)
{
    ngx_faka_json_object(json, NULL);
    ngx_faka_json_text(json, "name", signal->name);
    ngx_faka_json_integer(json, "value", signal->value);
    ngx_faka_json_integer(json, "expires_at", signal->expires_ms / 1000);
    ngx_faka_json_object_end(json);
}

/*
 * The variables for log_format: what became of a request.
 *
 *   $faka_order     the order's id; the order's token never shows up here
 *   $faka_result    "ok" or the code word of the refusal
 *   $faka_queue_us  microseconds that the answer waited for the disk
 *
 * All are empty (logged as "-") for requests that were none of ours.
 */


#include "ngx_faka.h"


static ngx_int_t ngx_faka_variable_order(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_faka_variable_result(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_faka_variable_queue(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_faka_variable_set(ngx_http_variable_value_t *v,
    u_char *data, size_t size);


static ngx_http_variable_t  ngx_faka_variables[] = {

    { ngx_string("faka_order"), NULL, ngx_faka_variable_order, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("faka_result"), NULL, ngx_faka_variable_result, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("faka_queue_us"), NULL, ngx_faka_variable_queue, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_faka_variables_add(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_faka_variables; v->name.len > 0; v++) {

        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_faka_variable_set(ngx_http_variable_value_t *v, u_char *data, size_t size)
{
    v->data = data;
    v->len = (unsigned) size;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = (size == 0);

    return NGX_OK;
}


static ngx_int_t
ngx_faka_variable_order(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_faka_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (ctx == NULL) {
        return ngx_faka_variable_set(v, NULL, 0);
    }

    return ngx_faka_variable_set(v, ctx->order_text.data,
                                 ctx->order_text.len);
}


static ngx_int_t
ngx_faka_variable_result(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_faka_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (ctx == NULL || ctx->result == NULL) {
        return ngx_faka_variable_set(v, NULL, 0);
    }

    return ngx_faka_variable_set(v, (u_char *) ctx->result,
                                 ngx_strlen(ctx->result));
}


static ngx_int_t
ngx_faka_variable_queue(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    u_char          *text;
    ngx_faka_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (ctx == NULL) {
        return ngx_faka_variable_set(v, NULL, 0);
    }

    text = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (text == NULL) {
        return NGX_ERROR;
    }

    return ngx_faka_variable_set(v, text,
                                 ngx_sprintf(text, "%uL", ctx->queue_us)
                                 - text);
}

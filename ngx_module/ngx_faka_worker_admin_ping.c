/*
 * POST /admin/channels/NAME/ping: can this server reach the channel's gateway?
 *
 * A GET of the channel's url, without a word of ours: any reply shows that
 * name, network, TLS and certificate are in order, whatever its status is.
 * It proves nothing of account and keys, and what came is only counted.
 *
 * It is a call like those about payments, over the same code and within the
 * same limits.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_call.h"
#include "ngx_faka_order.h"


#define NGX_FAKA_PING_JSON_SIZE  256


typedef struct {
    const pay_channel_t     *channel;
    ngx_faka_call_t         *call;         /* NULL: it is over */
    uint64_t                 began_us;
    ngx_faka_call_result_t   result;
    ngx_uint_t               sent;
    ngx_uint_t               status;       /* 0: no reply */
    size_t                   size;         /* of its body */
} ngx_faka_ping_t;


static ngx_faka_ping_t *ngx_faka_ping_create(ngx_http_request_t *r);
static void ngx_faka_ping_start(ngx_http_request_t *r,
    ngx_faka_ping_t *ping, const ngx_faka_gateway_t *gateway);
static void ngx_faka_ping_cleanup(void *data);
static void ngx_faka_ping_done(void *data, ngx_faka_call_result_t result,
    ngx_uint_t sent, const pay_reply_t *reply);
static void ngx_faka_ping_answer(ngx_http_request_t *r, fk_code_t code);


ngx_int_t
ngx_faka_admin_ping(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_faka_ctx_t            *ctx;
    ngx_faka_ping_t           *ping;
    const pay_channel_t       *channel;
    const ngx_faka_gateway_t  *gateway;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    ngx_faka_no_body(r);

    channel = ngx_faka_channel_find(ctx->shop, name->data, name->len);

    if (channel == NULL) {
        ngx_faka_send_problem(r, FK_NOT_FOUND, NULL, NULL);
        return NGX_DONE;
    }

    if (channel->protocol->behind != PAY_BEHIND_GATEWAY) {
        ngx_faka_send_problem(r, FK_INVALID, NULL,
                              "the channel has no gateway");
        return NGX_DONE;
    }

    gateway = ngx_faka_call_gateway(ctx->shop, channel);

    if (gateway == NULL) {
        ngx_faka_send_problem(r, FK_INVALID, "url",
                              "the channel's url is neither https nor of "
                              "this machine, so nothing is sent there");
        return NGX_DONE;
    }

    ping = ngx_faka_ping_create(r);

    if (ping == NULL || ngx_faka_park_watch(r, ctx) != NGX_OK) {
        ngx_faka_send_problem(r, FK_TABLE_FULL, NULL, NULL);
        return NGX_DONE;
    }

    ping->channel = channel;
    ngx_faka_ping_start(r, ping, gateway);

    return NGX_DONE;
}


static ngx_faka_ping_t *
ngx_faka_ping_create(ngx_http_request_t *r)
{
    ngx_faka_ctx_t      *ctx;
    ngx_faka_ping_t     *ping;
    ngx_http_cleanup_t  *cln;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    ping = ngx_pcalloc(r->pool, sizeof(ngx_faka_ping_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (ping == NULL || cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_faka_ping_cleanup;
    cln->data = ping;

    ctx->data = ping;

    return ping;
}


static void
ngx_faka_ping_start(ngx_http_request_t *r, ngx_faka_ping_t *ping,
    const ngx_faka_gateway_t *gateway)
{
    ngx_faka_ctx_t   *ctx;
    pay_request_t     request;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    ngx_memzero(&request, sizeof(pay_request_t));
    request.method = "GET";
    request.target = ngx_faka_pay_str(&gateway->path);

    ping->began_us = ngx_faka_steady_us();
    ping->call = ngx_faka_call(ctx->shop->worker, ping->channel, &request,
                               ngx_faka_ping_done, ctx);

    if (ping->call == NULL) {
        ping->result = NGX_FAKA_CALL_BUSY;
        ngx_faka_ping_answer(r, FK_OK);
        return;
    }

    ctx->done = ngx_faka_ping_answer;
}


static void
ngx_faka_ping_cleanup(void *data)
{
    ngx_faka_ping_t *ping = data;

    if (ping->call != NULL) {
        ngx_faka_call_cancel(ping->call);
        ping->call = NULL;
    }
}


static void
ngx_faka_ping_done(void *data, ngx_faka_call_result_t result,
    ngx_uint_t sent, const pay_reply_t *reply)
{
    ngx_faka_ctx_t *ctx = data;

    ngx_faka_ping_t  *ping;

    ping = ctx->data;

    ping->call = NULL;
    ping->result = result;
    ping->sent = sent;

    if (reply != NULL) {
        ping->status = reply->status;
        ping->size = reply->body.size;
    }

    ngx_faka_park_resume(ctx, FK_OK);
}


static void
ngx_faka_ping_answer(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t   *ctx;
    ngx_faka_json_t   json;
    ngx_faka_ping_t  *ping;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    ping = ctx->data;

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_PING_JSON_SIZE);

    ngx_faka_json_object(&json, NULL);
    ngx_faka_json_string(&json, "channel", ping->channel->name.data,
                         ping->channel->name.size);
    ngx_faka_json_text(&json, "result", ngx_faka_call_word(ping->result));
    ngx_faka_json_bool(&json, "sent", ping->sent);

    if (ping->status != 0) {
        ngx_faka_json_integer(&json, "status", (int64_t) ping->status);
        ngx_faka_json_integer(&json, "size", (int64_t) ping->size);

    } else {
        ngx_faka_json_null(&json, "status");
        ngx_faka_json_null(&json, "size");
    }

    ngx_faka_json_integer(&json, "ms",
                          (int64_t) ((ngx_faka_steady_us() - ping->began_us)
                                     / 1000));
    ngx_faka_json_object_end(&json);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));
}

/*
 * faka_notify: what a payment gateway says to /notify/CHANNEL.
 *
 * pay/ decides what a notice proves, the engine decides where the money goes,
 * and this file answers the gateway: with its success body once the outcome
 * is durable, with its failure body otherwise.
 *
 * Guarantees.  "success" is never sent for money that is not on record (under
 * "durability disk": on disk).  A verified payment that cannot be delivered
 * is recorded all the same and acknowledged, for sending it again would
 * repair nothing.  Whatever can be repaired by sending it again (journal
 * down, shop busy) is answered 503.
 *
 * A refusal is logged without the notice: it holds signatures, and it was
 * written by whoever sent it.
 */

#include "ngx_faka_order.h"


#define NGX_FAKA_NOTIFY_LOGS_MAX  10   /* lines a second and worker */


/* What stays of a notice while the request is parked. */

typedef struct {
    const pay_channel_t  *channel;
    fk_pay_result_t       result;
    fk_order_view_t       order;
} ngx_faka_notify_t;


static void ngx_faka_notify_body(ngx_http_request_t *r, ngx_str_t *body);
static ngx_int_t ngx_faka_notify_carrier(ngx_http_request_t *r,
    ngx_str_t *body);
static void ngx_faka_notify_paid(ngx_http_request_t *r,
    const pay_fact_t *fact, ngx_uint_t odd);
static fk_code_t ngx_faka_notify_book(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx, const pay_fact_t *fact, ngx_uint_t odd);
static void ngx_faka_notify_alert(ngx_http_request_t *r,
    const pay_fact_t *fact, const char *word);
static void ngx_faka_notify_show(ngx_http_request_t *r, fk_code_t code);
static void ngx_faka_notify_refuse(ngx_http_request_t *r,
    ngx_uint_t status, const char *word, const char *field);
static void ngx_faka_notify_send(ngx_http_request_t *r, ngx_uint_t status,
    const char *text);


ngx_int_t
ngx_faka_notify_handler(ngx_http_request_t *r)
{
    unsigned              methods;
    ngx_str_t             rest, name;
    ngx_faka_ctx_t       *ctx;
    ngx_faka_notify_t    *notify;
    ngx_faka_loc_conf_t  *flcf;
    const pay_channel_t  *channel;

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_faka_module);

    ctx = ngx_faka_ctx_get(r, flcf->shop);
    notify = ngx_palloc(r->pool, sizeof(ngx_faka_notify_t));

    if (ctx == NULL || notify == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_faka_subpath(r, &rest);
    (void) ngx_faka_subpath_next(&rest, &name);

    channel = rest.data == NULL
              ? ngx_faka_channel_find(ctx->shop, name.data, name.len) : NULL;

    if (channel == NULL) {
        ngx_faka_no_body(r);
        ngx_faka_send_problem(r, FK_NOT_FOUND, NULL, NULL);
        return NGX_DONE;
    }

    notify->channel = channel;
    ctx->data = notify;
    ctx->order = &notify->order;

    methods = pay_channel_methods(channel);

    if (!(r->method == NGX_HTTP_GET && (methods & PAY_METHOD_GET))
        && !(r->method == NGX_HTTP_POST && (methods & PAY_METHOD_POST)))
    {
        ngx_faka_no_body(r);
        ngx_faka_send_not_allowed(r, (methods & PAY_METHOD_POST)
                                     ? "GET, POST" : "GET");
        return NGX_DONE;
    }

    return ngx_faka_read_body(r, ngx_faka_notify_body);
}


static void
ngx_faka_notify_body(ngx_http_request_t *r, ngx_str_t *body)
{
    pay_fact_t           fact;
    pay_notice_t         notice;
    pay_verdict_e        verdict;
    ngx_faka_ctx_t      *ctx;
    ngx_faka_worker_t   *w;
    ngx_faka_notify_t   *notify;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    notify = ctx->data;
    w = ctx->shop->worker;

    if (ngx_faka_may_read(ctx->shop) != FK_OK) {
        ngx_faka_notify_send(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                             notify->channel->protocol->failure_body);
        return;
    }

    if (r->method == NGX_HTTP_POST
        && !ngx_faka_content_type_is(r, "application/x-www-form-urlencoded"))
    {
        ngx_faka_send_http_problem(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                   "unsupported_media_type", "Content-Type",
                                   "send application/x-www-form-urlencoded");
        return;
    }

    notice.method = r->method == NGX_HTTP_GET ? PAY_METHOD_GET
                                              : PAY_METHOD_POST;
    notice.query = ngx_faka_pay_str(&r->args);
    notice.body = ngx_faka_pay_str(body);

    verdict = notify->channel->protocol->verify(w->crypto, notify->channel,
                                                &notice, &fact);

    fk_stat_add(&w->fk, NGX_FAKA_STAT_NOTIFY_VERDICT + verdict, 1);
    ctx->result = pay_verdict_word(verdict);

    switch (verdict) {

    case PAY_PAID:
    case PAY_ODD_AMOUNT:
        ngx_faka_notify_paid(r, &fact, verdict == PAY_ODD_AMOUNT);
        return;

    case PAY_NOT_PAID:
        ngx_faka_notify_send(r, NGX_HTTP_OK,
                             notify->channel->protocol->success_body);
        return;

    case PAY_INTERNAL:
        ngx_faka_notify_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                               pay_verdict_word(verdict), fact.field);
        return;

    default:
        ngx_faka_notify_refuse(r, NGX_HTTP_BAD_REQUEST,
                               pay_verdict_word(verdict), fact.field);
    }
}

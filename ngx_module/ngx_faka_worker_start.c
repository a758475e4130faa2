/*
 * Where an order is paid: an address that we sign ourselves, or one that the
 * gateway was asked for.
 *
 * What a gateway answered is kept with the order, so it is asked once, and
 * shown again after a restart.  The question is sent when the order is
 * durable: money for an order that a crash takes away could not be booked.  A
 * buyer who goes away does not stop it, and whoever comes back meanwhile is
 * told to wait ("pending"); so is one whose gateway did not answer, and his
 * next look asks again, under the same order number.
 */

#include "ngx_faka_gateway.h"


static ngx_uint_t ngx_faka_pay_kept(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx);
static ngx_int_t ngx_faka_pay_show(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx, const pay_started_t *started);
static void ngx_faka_pay_asked(ngx_faka_ask_t *ask,
    const pay_answer_t *answer);
static void ngx_faka_pay_keep(ngx_faka_ask_t *ask,
    const pay_started_t *started);


void
ngx_faka_pay_find(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    ngx_faka_done_pt done)
{
    ngx_faka_ask_t     *ask;
    ngx_faka_worker_t  *w;

    w = ctx->shop->worker;
    ctx->way.method = "pending";
    ngx_str_null(&ctx->way.url);

    ctx->start = ngx_faka_pay_url(r, ctx->shop, ctx->order, &ctx->way.url);

    if (ctx->start == PAY_START_OK) {
        ctx->way.method = pay_by_word(PAY_BY_REDIRECT);
        done(r, FK_OK);
        return;
    }

    if (ctx->start != PAY_START_ASK) {
        done(r, FK_CHANNEL);
        return;
    }

    if (ngx_faka_pay_kept(r, ctx)
        || ngx_faka_ask_find(w, &ctx->order->id, PAY_ASK_START) != NULL)
    {
        done(r, FK_OK);
        return;
    }

    ask = ngx_faka_ask_create(w, ctx->order, PAY_ASK_START);

    if (ask == NULL
        || ngx_faka_ask_send(ask, ngx_faka_pay_asked, NULL) != NGX_OK)
    {
        done(r, FK_OK);
        return;
    }

    ngx_faka_ask_wait(r, ctx, ask, done);
}


/* 1: the gateway was asked before. */

static ngx_uint_t
ngx_faka_pay_kept(ngx_http_request_t *r, ngx_faka_ctx_t *ctx)
{
    size_t         size;
    uint8_t        text[FK_START_SIZE_MAX];
    pay_started_t  started;

    return fk_order_start_get(&ctx->shop->worker->fk, &ctx->order->id, text,
                              &size) == FK_OK
           && pay_started_read(&started, pay_str(text, size))
           && ngx_faka_pay_show(r, ctx, &started) == NGX_OK;
}


static ngx_int_t
ngx_faka_pay_show(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    const pay_started_t *started)
{
    size_t  size;

    size = ngx_strlen(started->address);

    ctx->way.url.data = ngx_pnalloc(r->pool, size);
    if (ctx->way.url.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ctx->way.url.data, started->address, size);
    ctx->way.url.len = size;
    ctx->way.method = pay_by_word(started->by);

    return NGX_OK;
}


static void
ngx_faka_pay_asked(ngx_faka_ask_t *ask, const pay_answer_t *answer)
{
    fk_code_t        code;
    ngx_faka_ctx_t  *ctx;

    ctx = ask->data;
    code = FK_OK;

    if (answer->code == PAY_ANSWER_STARTED) {
        ngx_faka_pay_keep(ask, &answer->started);
    }

    if (ctx == NULL) {
        return;
    }

    /* Another worker may have asked, too, and been first. */

    if (ngx_faka_pay_kept(ctx->r, ctx)) {
        /* void */

    } else if (answer->code == PAY_ANSWER_REFUSED) {
        code = FK_CHANNEL;

    } else if (answer->code == PAY_ANSWER_STARTED) {
        (void) ngx_faka_pay_show(ctx->r, ctx, &answer->started);
    }

    ngx_faka_ask_resume(ask, code);
}


/* The first one wins, whichever worker asked: a buyer sees one address. */

static void
ngx_faka_pay_keep(ngx_faka_ask_t *ask, const pay_started_t *started)
{
    size_t              size;
    fk_env_t            env;
    fk_code_t           code;
    ngx_faka_worker_t  *w;
    unsigned char       text[PAY_STARTED_SIZE_MAX];

    w = ask->worker;

    if (!pay_started_write(started, text, &size)) {
        return;
    }

    ngx_faka_env(&env);
    code = fk_order_start(&w->fk, &env, &ask->order.id,
                          (fk_str_t) { text, size }, &ask->order);

    if (code == FK_OK) {
        ngx_faka_journal_kick(w->journal);

    } else if (code != FK_EXISTS) {
        ngx_log_error(NGX_LOG_WARN, w->log, 0,
                      "faka: where order %*s is paid could not be kept: %s",
                      (size_t) FK_ORDER_TEXT_SIZE, ask->order_no,
                      fk_code_info[code].text);
    }
}

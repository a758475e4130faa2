/*
 * Questions to gateways: an order becomes a request, the reply an answer.
 *
 * Whoever asks need not be there any more when the answer comes: a question
 * owns its texts, and what follows from the answer (an address to keep, money
 * to book) is done all the same.
 *
 * A gateway that does not answer must not cost more than it has to: see the
 * gate in ngx_faka_gateway.h.  Each worker learns that by itself.
 */

#include "ngx_faka_gateway.h"


static ngx_faka_gate_t *ngx_faka_gate(ngx_faka_worker_t *worker,
    const pay_channel_t *channel);
static ngx_uint_t ngx_faka_gate_pass(ngx_faka_gate_t *gate);
static ngx_uint_t ngx_faka_gate_is_due(ngx_faka_gate_t *gate);
static void ngx_faka_gate_count(ngx_faka_ask_t *ask,
    const pay_reply_t *reply, pay_answer_e code);
static ngx_uint_t ngx_faka_gate_is_no_sign(const ngx_faka_ask_t *ask,
    const pay_reply_t *reply, pay_answer_e code);
static ngx_uint_t ngx_faka_gate_is_answered(const ngx_faka_ask_t *ask,
    const pay_reply_t *reply);
static void ngx_faka_ask_started(ngx_faka_ask_t *ask);
static void ngx_faka_ask_answered(void *data, ngx_faka_call_result_t result,
    ngx_uint_t sent, const pay_reply_t *reply);
static void ngx_faka_ask_log(const ngx_faka_ask_t *ask,
    const pay_reply_t *reply, const pay_answer_t *answer);


ngx_faka_ask_t *
ngx_faka_ask_create(ngx_faka_worker_t *worker, const fk_order_view_t *order,
    pay_ask_e what)
{
    pay_ask_t            *question;
    ngx_faka_ask_t       *ask;
    const pay_channel_t  *channel;

    channel = ngx_faka_channel_find(worker->shop, order->channel,
                                    ngx_strlen(order->channel));

    if (channel == NULL || !(pay_channel_asks(channel) & (1u << what))) {
        return NULL;
    }

    ask = ngx_calloc(sizeof(ngx_faka_ask_t), worker->log);
    if (ask == NULL) {
        return NULL;
    }

    ask->worker = worker;
    ask->channel = channel;
    ask->order = *order;
    fk_order_id_text(&order->id, ask->order_no);
    ngx_faka_ask_started(ask);

    question = &ask->question;
    question->what = what;
    question->order_no = pay_str(ask->order_no, FK_ORDER_TEXT_SIZE);
    question->amount = order->amount;
    ngx_memcpy(question->currency, order->currency, FK_CURRENCY_SIZE);
    question->ref = pay_text(ask->started.ref);
    question->trade_no = pay_text(ask->trade_no);
    question->refund_no = pay_text(ask->refund_no);
    question->now_s = ngx_time();
    question->created_s = (int64_t) (order->created_ms / 1000);
    question->expires_s = order->expires_s;

    if (!ngx_faka_pay_urls(worker->shop, channel, question->order_no,
                           ask->urls, &question->notify_url,
                           &question->return_url))
    {
        ngx_free(ask);
        return NULL;
    }

    return ask;
}


/* What the gateway said when the payment began, if it was asked then. */

static void
ngx_faka_ask_started(ngx_faka_ask_t *ask)
{
    size_t   size;
    uint8_t  text[FK_START_SIZE_MAX];

    if (fk_order_start_get(&ask->worker->fk, &ask->order.id, text, &size)
        != FK_OK
        || !pay_started_read(&ask->started, pay_str(text, size)))
    {
        ngx_memzero(&ask->started, sizeof(pay_started_t));
    }
}


ngx_int_t
ngx_faka_ask_send(ngx_faka_ask_t *ask, ngx_faka_ask_done_pt done, void *data)
{
    u_char              buffer[PAY_REQUEST_SIZE_MAX];
    ngx_int_t           rc;
    pay_request_t       request;
    ngx_faka_worker_t  *w;

    w = ask->worker;
    ask->done = done;
    ask->data = data;

    ask->question.trade_no = pay_text(ask->trade_no);
    ask->question.refund_no = pay_text(ask->refund_no);

    if (!ngx_faka_gate_pass(ngx_faka_gate(w, ask->channel))) {
        ngx_free(ask);
        return NGX_BUSY;
    }

    rc = NGX_DECLINED;

    if (ask->channel->protocol->ask(w->crypto, ask->channel, &ask->question,
                                    buffer, &request))
    {
        ask->call = ngx_faka_call(w, ask->channel, &request,
                                  ngx_faka_ask_answered, ask);
        rc = ask->call != NULL ? NGX_OK : NGX_BUSY;
    }

    pay_wipe(buffer, sizeof(buffer));

    if (rc != NGX_OK) {
        ngx_free(ask);
        return rc;
    }

    ngx_queue_insert_tail(&w->asks, &ask->queue);

    return NGX_OK;
}


static void
ngx_faka_ask_answered(void *data, ngx_faka_call_result_t result,
    ngx_uint_t sent, const pay_reply_t *reply)
{
    ngx_faka_ask_t *ask = data;

    pay_answer_t  answer;

    ngx_queue_remove(&ask->queue);
    ngx_memzero(&answer, sizeof(pay_answer_t));

    if (result == NGX_FAKA_CALL_OK) {
        ask->channel->protocol->answer(ask->worker->crypto, ask->channel,
                                       &ask->question, reply, &answer);

    } else {
        answer.code = sent ? PAY_ANSWER_UNKNOWN : PAY_ANSWER_BUSY;
        ngx_cpystrn((u_char *) answer.detail,
                    (u_char *) ngx_faka_call_word(result),
                    sizeof(answer.detail));
    }

    fk_stat_add(&ask->worker->fk,
                NGX_FAKA_STAT_ASKS + ask->question.what * PAY_ANSWER_COUNT
                + answer.code, 1);

    ngx_faka_gate_count(ask, reply, answer.code);
    ngx_faka_ask_log(ask, reply, &answer);

    ask->done(ask, &answer);

    ngx_free(ask);
}


/*
 * Money is logged where it is booked; that somebody has not paid yet is no
 * news.  Nor is it that a gateway does not prove what it says of an order that
 * is held: its notice may come.
 */

static void
ngx_faka_ask_log(const ngx_faka_ask_t *ask, const pay_reply_t *reply,
    const pay_answer_t *answer)
{
    ngx_uint_t  level;

    switch (answer->code) {

    case PAY_ANSWER_UNKNOWN:
        level = ngx_faka_gate_is_answered(ask, reply)
                && ask->question.what == PAY_ASK_QUERY
                && ngx_time() < (time_t) ask->order.expires_s
                ? NGX_LOG_INFO : NGX_LOG_WARN;
        break;

    case PAY_ANSWER_RETURNED:
        level = ask->question.what == PAY_ASK_QUERY ? NGX_LOG_WARN
                                                    : NGX_LOG_DEBUG;
        break;

    case PAY_ANSWER_REFUSED:
        level = NGX_LOG_WARN;
        break;

    case PAY_ANSWER_BUSY:
        level = NGX_LOG_NOTICE;
        break;

    default:
        level = NGX_LOG_DEBUG;
    }

    ngx_log_error(level, ask->worker->log, 0,
                  "faka: asked channel \"%*s\" to %s order %*s: %s%s%s",
                  ask->channel->name.size, ask->channel->name.data,
                  pay_ask_word(ask->question.what),
                  (size_t) FK_ORDER_TEXT_SIZE, ask->order_no,
                  pay_answer_word(answer->code),
                  answer->detail[0] != '\0' ? ", " : "", answer->detail);
}


ngx_faka_ask_t *
ngx_faka_ask_find(ngx_faka_worker_t *worker, const fk_order_id_t *id,
    pay_ask_e what)
{
    ngx_queue_t     *q;
    ngx_faka_ask_t  *ask;

    for (q = ngx_queue_head(&worker->asks);
         q != ngx_queue_sentinel(&worker->asks);
         q = ngx_queue_next(q))
    {
        ask = ngx_queue_data(q, ngx_faka_ask_t, queue);

        if (ask->question.what == what
            && ngx_memcmp(ask->order.id.bytes, id->bytes, FK_ORDER_ID_SIZE)
               == 0)
        {
            return ask;
        }
    }

    return NULL;
}


void
ngx_faka_ask_wait(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    ngx_faka_ask_t *ask, ngx_faka_done_pt done)
{
    if (ngx_faka_park_watch(r, ctx) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ask->data = ctx;
    ctx->gateway_ask = ask;
    ctx->done = done;
}


void
ngx_faka_ask_hand_over(ngx_faka_ask_t *from, ngx_faka_ask_t *to)
{
    ngx_faka_ctx_t  *ctx;

    ctx = from->data;
    to->data = ctx;
    from->data = NULL;

    if (ctx != NULL) {
        ctx->gateway_ask = to;
    }
}


void
ngx_faka_ask_resume(ngx_faka_ask_t *ask, fk_code_t code)
{
    ngx_faka_ctx_t  *ctx;

    ctx = ask->data;

    if (ctx != NULL) {
        ask->data = NULL;
        ctx->gateway_ask = NULL;
        ngx_faka_park_resume(ctx, code);
    }
}


void
ngx_faka_ask_forget(ngx_faka_ctx_t *ctx)
{
    if (ctx->gateway_ask != NULL) {
        ctx->gateway_ask->data = NULL;
        ctx->gateway_ask = NULL;
    }
}


/* --- the gate ----------------------------------------------------------- */

static ngx_faka_gate_t *
ngx_faka_gate(ngx_faka_worker_t *worker, const pay_channel_t *channel)
{
    const pay_channel_t  *channels;

    channels = worker->shop->channels.elts;

    return &worker->gates[channel - channels];
}


ngx_uint_t
ngx_faka_gate_is_open(ngx_faka_worker_t *worker,
    const pay_channel_t *channel)
{
    return ngx_faka_gate(worker, channel)->failures < NGX_FAKA_GATE_FAILURES;
}


ngx_uint_t
ngx_faka_gate_try(ngx_faka_worker_t *worker, const pay_channel_t *channel)
{
    ngx_faka_gate_t  *gate;

    gate = ngx_faka_gate(worker, channel);

    if (gate->failures < NGX_FAKA_GATE_FAILURES) {
        return 1;
    }

    if (!ngx_faka_gate_is_due(gate)) {
        return 0;
    }

    gate->granted = 1;

    return 1;
}


static ngx_uint_t
ngx_faka_gate_pass(ngx_faka_gate_t *gate)
{
    if (gate->failures < NGX_FAKA_GATE_FAILURES) {
        return 1;
    }

    if (gate->granted) {
        gate->granted = 0;
        return 1;
    }

    return ngx_faka_gate_is_due(gate);
}


/* Once: then it waits for longer.  Not each failure makes it wait for longer,
 * as many may be under way when a gateway goes down. */

static ngx_uint_t
ngx_faka_gate_is_due(ngx_faka_gate_t *gate)
{
    if ((ngx_msec_int_t) (ngx_current_msec - gate->next_at) < 0) {
        return 0;
    }

    gate->wait_ms = ngx_min(2 * gate->wait_ms, NGX_FAKA_GATE_MAX_MS);
    gate->next_at = ngx_current_msec + gate->wait_ms;

    return 1;
}


static void
ngx_faka_gate_count(ngx_faka_ask_t *ask, const pay_reply_t *reply,
    pay_answer_e code)
{
    ngx_faka_gate_t  *gate;

    gate = ngx_faka_gate(ask->worker, ask->channel);

    if (code != PAY_ANSWER_BUSY && code != PAY_ANSWER_UNKNOWN) {

        if (gate->failures >= NGX_FAKA_GATE_FAILURES) {
            ngx_log_error(NGX_LOG_NOTICE, ask->worker->log, 0,
                          "faka: channel \"%*s\" answers again",
                          ask->channel->name.size, ask->channel->name.data);
        }

        gate->failures = 0;
        gate->granted = 0;
        return;
    }

    if (ngx_faka_gate_is_no_sign(ask, reply, code)) {
        gate->wait_ms = NGX_FAKA_GATE_MIN_MS;
        return;
    }

    if (++gate->failures < NGX_FAKA_GATE_FAILURES) {
        return;
    }

    if (gate->failures == NGX_FAKA_GATE_FAILURES) {
        gate->wait_ms = NGX_FAKA_GATE_MIN_MS;

        ngx_log_error(NGX_LOG_ERR, ask->worker->log, 0,
                      "faka: channel \"%*s\" does not answer: it is asked "
                      "less often until it does",
                      ask->channel->name.size, ask->channel->name.data);
    }

    gate->next_at = ngx_current_msec + gate->wait_ms;
}


/* Of a gateway that is down: that it says this of one order.  That it does not
 * give back money which it has not (BUSY) is of one order, too; that it is
 * asked too often is not. */

static ngx_uint_t
ngx_faka_gate_is_no_sign(const ngx_faka_ask_t *ask, const pay_reply_t *reply,
    pay_answer_e code)
{
    return ngx_faka_gate_is_answered(ask, reply)
           && (code == PAY_ANSWER_UNKNOWN
               || (ask->question.what == PAY_ASK_REFUND
                   && reply->status != NGX_HTTP_TOO_MANY_REQUESTS));
}


/* Somebody is there, and has said something about one order. */

static ngx_uint_t
ngx_faka_gate_is_answered(const ngx_faka_ask_t *ask,
    const pay_reply_t *reply)
{
    return reply != NULL
           && reply->status < NGX_HTTP_INTERNAL_SERVER_ERROR
           && ask->question.what != PAY_ASK_START;
}

/*
 * Calls to gateways: how one begins, what it may take, and how it ends.
 *
 * A call has a pool of its own.  It begins with its timer, so that nobody is
 * called back before ngx_faka_call() has returned; and whatever ends it comes
 * through ngx_faka_call_finish(), which calls done() when the connection is
 * closed and the call counts no more.
 */


#include "ngx_faka_call_priv.h"


#define NGX_FAKA_CALL_POOL_SIZE  8192


static ngx_faka_call_t *ngx_faka_call_create(ngx_faka_worker_t *w,
    const pay_channel_t *channel);
static ngx_int_t ngx_faka_call_write_request(ngx_faka_call_t *call,
    const pay_request_t *request);
static u_char *ngx_faka_call_copy(u_char *p, pay_str_t text);
static void ngx_faka_call_timer(ngx_event_t *ev);
static void ngx_faka_call_detach(ngx_faka_call_t *call);
static void ngx_faka_call_free(ngx_faka_call_t *call);
static ngx_uint_t *ngx_faka_call_counter(ngx_faka_worker_t *w,
    const pay_channel_t *channel);
static u_char *ngx_faka_call_log(ngx_log_t *log, u_char *buf, size_t len);


static const char *const  ngx_faka_call_words[NGX_FAKA_CALL_COUNT] = {
#define X(name, word, text)  word,
    NGX_FAKA_CALL_RESULTS(X)
#undef X
};

static const char *const  ngx_faka_call_texts[NGX_FAKA_CALL_COUNT] = {
#define X(name, word, text)  text,
    NGX_FAKA_CALL_RESULTS(X)
#undef X
};


const char *
ngx_faka_call_word(ngx_faka_call_result_t result)
{
    ngx_faka_assert(result < NGX_FAKA_CALL_COUNT);

    return ngx_faka_call_words[result];
}


void
ngx_faka_calls_start(ngx_faka_worker_t *w)
{
    ngx_queue_init(&w->calls);
}


void
ngx_faka_calls_stop(ngx_faka_worker_t *w)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&w->calls)) {
        q = ngx_queue_head(&w->calls);
        ngx_faka_call_cancel(ngx_queue_data(q, ngx_faka_call_t, queue));
    }
}


ngx_faka_call_t *
ngx_faka_call(ngx_faka_worker_t *w, const pay_channel_t *channel,
    const pay_request_t *request, ngx_faka_call_done_pt done, void *data)
{
    ngx_uint_t       *count;
    ngx_faka_call_t  *call;

    count = ngx_faka_call_counter(w, channel);

    if (ngx_exiting || w->draining || w->call_count == NGX_FAKA_CALLS_MAX
        || *count == NGX_FAKA_CHANNEL_CALLS_MAX)
    {
        return NULL;
    }

    call = ngx_faka_call_create(w, channel);
    if (call == NULL) {
        return NULL;
    }

    if (ngx_faka_call_write_request(call, request) != NGX_OK) {
        ngx_destroy_pool(call->pool);
        return NULL;
    }

    pay_reply_begin(&call->reader, call->reply);

    call->done = done;
    call->data = data;
    call->deadline = ngx_current_msec + NGX_FAKA_CALL_MS;

    ngx_queue_insert_tail(&w->calls, &call->queue);
    w->call_count++;
    (*count)++;

    ngx_add_timer(&call->timer, 0);

    return call;
}


void
ngx_faka_call_cancel(ngx_faka_call_t *call)
{
    ngx_faka_call_detach(call);
    ngx_faka_call_free(call);
}


static ngx_faka_call_t *
ngx_faka_call_create(ngx_faka_worker_t *w, const pay_channel_t *channel)
{
    ngx_pool_t       *pool;
    ngx_faka_call_t  *call;

    pool = ngx_create_pool(NGX_FAKA_CALL_POOL_SIZE, w->log);
    if (pool == NULL) {
        return NULL;
    }

    call = ngx_pcalloc(pool, sizeof(ngx_faka_call_t));

    if (call != NULL) {
        call->reply = ngx_palloc(pool, PAY_REPLY_SIZE_MAX);
    }

    if (call == NULL || call->reply == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    call->pool = pool;
    call->worker = w;
    call->channel = channel;
    call->gateway = ngx_faka_call_gateway(w->shop, channel);
    ngx_faka_assert(call->gateway != NULL);

    call->log = *w->log;
    call->log.handler = ngx_faka_call_log;
    call->log.data = call;
    pool->log = &call->log;

    call->timer.handler = ngx_faka_call_timer;
    call->timer.data = call;
    call->timer.log = &call->log;

    return call;
}


/* A GET without a body says nothing of one, as everybody's does. */

static ngx_int_t
ngx_faka_call_write_request(ngx_faka_call_t *call,
    const pay_request_t *request)
{
    size_t                     size;
    u_char                    *p;
    const ngx_faka_gateway_t  *gateway;

    static const char  fixed[] = "Connection: close" CRLF
                                 "User-Agent: faka" CRLF
                                 "Accept-Encoding: identity" CRLF;

    gateway = call->gateway;
    size = request->target.size + request->headers.size + request->body.size;

    ngx_faka_assert(request->target.size > 0
                    && request->target.data[0] == '/');
    ngx_faka_assert(size <= PAY_REQUEST_SIZE_MAX);

    size += ngx_strlen(request->method) + gateway->authority.len
            + sizeof("  HTTP/1.1" CRLF "Host: " CRLF "Content-Length: " CRLF
                     CRLF)
            + NGX_SIZE_T_LEN + sizeof(fixed);

    p = ngx_pnalloc(call->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    call->request.data = p;

    p = ngx_sprintf(p, "%s ", request->method);
    p = ngx_faka_call_copy(p, request->target);
    p = ngx_sprintf(p, " HTTP/1.1" CRLF "Host: %V" CRLF "%s",
                    &gateway->authority, fixed);

    if (request->body.size != 0 || request->method[0] != 'G') {
        p = ngx_sprintf(p, "Content-Length: %uz" CRLF, request->body.size);
    }

    p = ngx_faka_call_copy(p, request->headers);
    *p++ = CR;
    *p++ = LF;
    p = ngx_faka_call_copy(p, request->body);

    call->request.len = p - call->request.data;
    ngx_faka_assert(call->request.len <= size);

    return NGX_OK;
}


static u_char *
ngx_faka_call_copy(u_char *p, pay_str_t text)
{
    return text.size != 0 ? ngx_cpymem(p, text.data, text.size) : p;
}


/* --- time ---------------------------------------------------------------- */

void
ngx_faka_call_wait(ngx_faka_call_t *call, ngx_msec_t ms)
{
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (call->deadline - ngx_current_msec);
    left = ngx_max(left, 0);

    if (call->timer.timer_set) {
        ngx_del_timer(&call->timer);
    }

    ngx_add_timer(&call->timer, ngx_min(ms, (ngx_msec_t) left));
}


static void
ngx_faka_call_timer(ngx_event_t *ev)
{
    ngx_faka_call_t *call = ev->data;

    if (call->place == NGX_FAKA_CALL_AT_START) {
        ngx_faka_call_begin(call);
        return;
    }

    if (call->place == NGX_FAKA_CALL_AT_CONNECT
        && (ngx_msec_int_t) (call->deadline - ngx_current_msec) > 0)
    {
        ngx_log_error(NGX_LOG_ERR, &call->log, NGX_ETIMEDOUT,
                      "faka: connect() took too long");
        ngx_faka_call_connect(call);
        return;
    }

    ngx_faka_call_finish(call, NGX_FAKA_CALL_TIMEOUT);
}


/* --- the end ------------------------------------------------------------- */

void
ngx_faka_call_finish(ngx_faka_call_t *call, ngx_faka_call_result_t result)
{
    pay_reply_t  reply;

    if (result != NGX_FAKA_CALL_OK) {
        ngx_log_error(NGX_LOG_ERR, &call->log, 0, "faka: gateway: %s: %s",
                      ngx_faka_call_words[result],
                      ngx_faka_call_texts[result]);
    }

    ngx_faka_call_detach(call);

    if (result == NGX_FAKA_CALL_OK) {
        pay_reply_get(&call->reader, &reply);
        reply.now_s = ngx_time();
    }

    call->done(call->data, result, call->sent,
               result == NGX_FAKA_CALL_OK ? &reply : NULL);

    ngx_faka_call_free(call);
}


/* Nothing of nginx knows the call any more, and it counts for nothing. */

static void
ngx_faka_call_detach(ngx_faka_call_t *call)
{
    ngx_uint_t         *count;
    ngx_faka_worker_t  *w;

    w = call->worker;
    count = ngx_faka_call_counter(w, call->channel);

    ngx_faka_assert(w->call_count > 0 && *count > 0);

    ngx_queue_remove(&call->queue);
    w->call_count--;
    (*count)--;

    if (call->timer.timer_set) {
        ngx_del_timer(&call->timer);
    }

    if (call->resolving != NULL) {
        ngx_resolve_name_done(call->resolving);
        call->resolving = NULL;
    }

    ngx_faka_call_disconnect(call);
}


static void
ngx_faka_call_free(ngx_faka_call_t *call)
{
    ngx_explicit_memzero(call->request.data, call->request.len);
    ngx_explicit_memzero(call->reply, call->reply_size);

    ngx_destroy_pool(call->pool);
}


/* No good-bye: the reply is whole, or it does not count. */

void
ngx_faka_call_disconnect(ngx_faka_call_t *call)
{
    ngx_connection_t  *c;

    c = call->peer.connection;

    if (c == NULL) {
        return;
    }

    call->peer.connection = NULL;

    if (c->ssl != NULL) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;
        (void) ngx_ssl_shutdown(c);
    }

    ngx_close_connection(c);
}


static ngx_uint_t *
ngx_faka_call_counter(ngx_faka_worker_t *w, const pay_channel_t *channel)
{
    size_t  i;

    i = channel - (pay_channel_t *) w->shop->channels.elts;
    ngx_faka_assert(i < w->shop->channels.nelts);

    return &w->channel_call_counts[i];
}


static u_char *
ngx_faka_call_log(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char           *p;
    ngx_faka_call_t  *call;

    call = log->data;

    p = ngx_snprintf(buf, len, ", faka_shop \"%V\", channel \"%*s\"",
                     &call->worker->shop->name, call->channel->name.size,
                     call->channel->name.data);

    if (call->peer.name != NULL) {
        p = ngx_snprintf(p, len - (p - buf), ", gateway %V", call->peer.name);
    }

    return p;
}

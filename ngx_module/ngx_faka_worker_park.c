/*
 * Requests that wait for the disk.
 *
 * Under "durability disk" an answer that promises something is sent when the
 * journal has the record.  Until then the request is parked: on a queue of
 * its worker, ordered by record number, with the function that will answer.
 * The journal wakes the queue when the durable mark moves, other workers ring
 * a bell, and a short timer covers workers of an older configuration, which
 * nobody rings.
 *
 * The wait is bounded.  When the journal is lost, all are answered at once:
 * the order may exist, and its Idempotency-Key finds it again.
 */


#include "ngx_faka.h"


#define NGX_FAKA_FALLBACK_MS  5
#define NGX_FAKA_START_MS     1000


static void ngx_faka_park(ngx_http_request_t *r, ngx_faka_ctx_t *ctx);
static void ngx_faka_park_insert(ngx_faka_worker_t *worker,
    ngx_faka_ctx_t *ctx);
static void ngx_faka_park_remove(ngx_faka_ctx_t *ctx);
static void ngx_faka_park_answer(ngx_faka_ctx_t *ctx, fk_code_t code);
static void ngx_faka_park_cleanup(void *data);


fk_code_t
ngx_faka_shop_code(const ngx_faka_shop_t *shop)
{
    if (shop->worker == NULL || !shop->worker->attached) {
        return FK_NOT_OPEN;
    }

    return fk_state_code(fk_shop_state(&shop->worker->fk));
}


/*
 * A worker that has just started, after a reload or in place of a dead one,
 * is not connected yet; and when another worker has opened the shop, this one
 * needs a moment to join in.  Requests wait for that instead of being refused,
 * so that buyers do not notice it.
 */

fk_code_t
ngx_faka_may_write(ngx_faka_shop_t *shop)
{
    uint64_t            epoch;
    fk_code_t           code;
    ngx_faka_worker_t  *worker;

    worker = shop->worker;
    code = ngx_faka_shop_code(shop);

    if (code != FK_OK) {
        return code;
    }

    epoch = fk_epoch(&worker->fk);
    worker->epoch = epoch;

    if (worker->starting_epoch != epoch) {
        worker->starting_epoch = epoch;
        worker->starting = 1;
        worker->started_at = ngx_current_msec;
    }

    if (shop->durability == NGX_FAKA_DURABILITY_MEMORY) {
        return FK_OK;
    }

    if (ngx_faka_journal_ready(worker->journal)) {
        worker->starting = 0;
        return FK_OK;
    }

    if (ngx_current_msec - worker->started_at >= NGX_FAKA_START_MS) {
        worker->starting = 0;
    }

    return worker->starting ? FK_OK : FK_NOT_OPEN;
}


void
ngx_faka_wait_durable(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    uint64_t seq, ngx_faka_done_pt done)
{
    uint64_t            durable_seq;
    fk_code_t           code;
    ngx_faka_worker_t  *worker;

    worker = ctx->shop->worker;
    ctx->epoch = worker->epoch;
    durable_seq = fk_durable_seq(&worker->fk);

    /*
     * The number is one of the journal as it was when the request was let in.
     * If the shop was lost and taken back since then, it means nothing.
     */

    if (ctx->epoch != fk_epoch(&worker->fk)) {
        done(r, FK_FENCED);
        return;
    }

    if (seq <= durable_seq) {
        done(r, FK_OK);
        return;
    }

    ngx_faka_journal_kick(worker->journal);

    if (ctx->shop->durability == NGX_FAKA_DURABILITY_MEMORY) {
        done(r, FK_OK);
        return;
    }

    code = ngx_faka_may_write(ctx->shop);
    if (code != FK_OK) {
        done(r, code);
        return;
    }

    ctx->seq = seq;
    ctx->done = done;

    ngx_faka_park(r, ctx);
}


static void
ngx_faka_park(ngx_http_request_t *r, ngx_faka_ctx_t *ctx)
{
    ngx_faka_worker_t  *worker;

    worker = ctx->shop->worker;

    if (ngx_faka_park_watch(r, ctx) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ctx->parked_us = ngx_faka_steady_us();

    ngx_faka_park_insert(worker, ctx);

    /*
     * This timer is not cancelable: a worker that was told to quit stays
     * until the last parked request is answered.
     */

    if (!worker->fallback.timer_set) {
        ngx_add_timer(&worker->fallback, NGX_FAKA_FALLBACK_MS);
    }
}


/* A client that closes its connection must not leave us a freed request. */

ngx_int_t
ngx_faka_park_watch(ngx_http_request_t *r, ngx_faka_ctx_t *ctx)
{
    ngx_http_cleanup_t  *cln;

    if (!ctx->has_cleanup) {

        cln = ngx_http_cleanup_add(r, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        cln->handler = ngx_faka_park_cleanup;
        cln->data = ctx;
        ctx->has_cleanup = 1;
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    /* a body that is thrown away has a reader, which sees the end, too */

    if (r->discard_body) {
        return NGX_OK;
    }

    r->read_event_handler = ngx_http_test_reading;

    if (r->connection->read->ready) {
        ngx_post_event(r->connection->read, &ngx_posted_events);
        return NGX_OK;
    }

    return ngx_handle_read_event(r->connection->read, 0);
}


/* New records have the highest numbers: the place is nearly always the end. */

static void
ngx_faka_park_insert(ngx_faka_worker_t *worker, ngx_faka_ctx_t *ctx)
{
    ngx_queue_t     *q;
    ngx_faka_ctx_t  *other;

    for (q = ngx_queue_last(&worker->parked);
         q != ngx_queue_sentinel(&worker->parked);
         q = ngx_queue_prev(q))
    {
        other = ngx_queue_data(q, ngx_faka_ctx_t, queue);

        if (other->seq <= ctx->seq) {
            break;
        }
    }

    ngx_queue_insert_after(q, &ctx->queue);

    ctx->is_parked = 1;
    worker->parked_count++;
}


static void
ngx_faka_park_remove(ngx_faka_ctx_t *ctx)
{
    ngx_faka_assert(ctx->is_parked);
    ngx_faka_assert(ctx->shop->worker->parked_count > 0);

    ngx_queue_remove(&ctx->queue);
    ctx->is_parked = 0;
    ctx->shop->worker->parked_count--;
}


static void
ngx_faka_park_answer(ngx_faka_ctx_t *ctx, fk_code_t code)
{
    ngx_faka_park_remove(ctx);

    ctx->queue_us += ngx_faka_steady_us() - ctx->parked_us;

    ngx_faka_park_resume(ctx, code);
}


/* The request may be freed in here: its connection is what is left. */

void
ngx_faka_park_resume(ngx_faka_ctx_t *ctx, fk_code_t code)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->r;
    c = r->connection;

    if (!r->discard_body) {
        r->read_event_handler = ngx_http_block_reading;
    }

    ngx_http_set_log_request(c->log, r);

    ctx->done(r, code);

    ngx_http_run_posted_requests(c);
}


/*
 * An answer may park its request again, but never in front: what is not yet
 * durable ends the loop, and with the journal lost nothing is parked at all.
 * While the journal is written anew they wait: then all of them are durable.
 */

void
ngx_faka_park_wake(void *data)
{
    ngx_faka_worker_t *worker = data;

    uint64_t         epoch, durable_seq;
    fk_code_t        code;
    ngx_faka_ctx_t  *ctx;

    if (ngx_queue_empty(&worker->parked)) {
        return;
    }

    code = ngx_faka_may_write(worker->shop);

    /* The mark first: a mark of another epoch is then seen to be that. */
    durable_seq = fk_durable_seq(&worker->fk);
    epoch = fk_epoch(&worker->fk);

    while (!ngx_queue_empty(&worker->parked)) {

        ctx = ngx_queue_data(ngx_queue_head(&worker->parked), ngx_faka_ctx_t,
                             queue);

        if (ctx->epoch != epoch) {
            ngx_faka_park_answer(ctx, FK_FENCED);

        } else if (ctx->seq <= durable_seq) {
            ngx_faka_park_answer(ctx, FK_OK);

        } else if (code != FK_OK && code != FK_HEALING) {
            ngx_faka_park_answer(ctx, code);

        } else {
            break;
        }
    }
}


/* Each turn answers one and starts over: an answer can end others, too. */

void
ngx_faka_park_expire(ngx_faka_worker_t *worker)
{
    uint64_t         now_us, limit_us;
    ngx_queue_t     *q;
    ngx_faka_ctx_t  *ctx;

    now_us = ngx_faka_steady_us();
    limit_us = (uint64_t) NGX_FAKA_PARK_MS * 1000;

    for (q = ngx_queue_head(&worker->parked);
         q != ngx_queue_sentinel(&worker->parked);
         /* void */ )
    {
        ctx = ngx_queue_data(q, ngx_faka_ctx_t, queue);

        if (now_us < ctx->parked_us + limit_us) {
            q = ngx_queue_next(q);
            continue;
        }

        ngx_faka_park_answer(ctx, FK_NOT_OPEN);
        q = ngx_queue_head(&worker->parked);
    }
}


void
ngx_faka_park_fallback(ngx_event_t *ev)
{
    ngx_faka_worker_t *worker = ev->data;

    ngx_faka_park_wake(worker);

    if (worker->parked_count > 0 && !ev->timer_set) {
        ngx_add_timer(ev, NGX_FAKA_FALLBACK_MS);
    }
}


static void
ngx_faka_park_cleanup(void *data)
{
    ngx_faka_ctx_t *ctx = data;

    ngx_faka_archive_forget(ctx);
    ngx_faka_ask_forget(ctx);

    if (ctx->is_parked) {
        ngx_faka_park_remove(ctx);
    }
}


uint64_t
ngx_faka_steady_us(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}

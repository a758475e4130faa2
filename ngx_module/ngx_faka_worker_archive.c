/*
 * Archived orders: how they are written for the archive, and how a request
 * that asks for one waits until the archive has answered.
 *
 * In the archive stands a JSON object: its version, which the keeper puts in
 * front, the members that the order's buyer sees, for whoever looks into
 * Redis, and "record", the engine's own bytes in base64.  Only the record is
 * ever read back here; it has a checksum, its cards are sealed.
 *
 * Guarantees.  "The archive has it not" and "the archive cannot be asked" are
 * two answers.  A look-up is bounded in time by the reader, and a request's
 * look-ups in number; a client that goes away takes its look-up back.
 */

#include "ngx_faka_stray.h"


#define NGX_FAKA_ARCHIVE_POOL_SIZE  4096


typedef struct {
    ngx_str_t  record;
} ngx_faka_archive_text_t;


static void ngx_faka_archive_answer(void *data, fj_ask_t *ask,
    fj_answer_t answer, const char *text, size_t size);
static fk_code_t ngx_faka_archive_parse(ngx_faka_ctx_t *ctx,
    const char *text, size_t size);
static void ngx_faka_archive_wake(void *data);
static size_t ngx_faka_archive_text(void *data, const fk_order_view_t *order,
    const uint8_t *record, size_t size, char *out, size_t room);
static ngx_chain_t *ngx_faka_archive_json(ngx_pool_t *pool,
    const fk_order_view_t *order, const uint8_t *record, size_t size);
static void ngx_faka_archive_keeper_wake(void *data);


/* In base64, with its padding. */

static const ngx_faka_field_t  ngx_faka_archive_field[] = {
    { "record", NGX_FAKA_FIELD_WORD,
      offsetof(ngx_faka_archive_text_t, record),
      1, ngx_base64_encoded_length(FK_ARCHIVE_SIZE_MAX), 1, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};


ngx_int_t
ngx_faka_archive_start(ngx_cycle_t *cycle, ngx_faka_worker_t *worker)
{
    ngx_faka_keeper_options_t  keeper;
    ngx_faka_reader_options_t  reader;

    ngx_memzero(&keeper, sizeof(ngx_faka_keeper_options_t));
    ngx_memzero(&reader, sizeof(ngx_faka_reader_options_t));

    keeper.journal = worker->journal;
    keeper.log = worker->log;
    keeper.snapshot_size = worker->shop->snapshot_size;
    keeper.snapshot_s = worker->shop->snapshot_s;
    keeper.retention_s = worker->shop->retention_s;
    keeper.archive_s = worker->shop->archive_s;
    keeper.text = ngx_faka_archive_text;
    keeper.wake = ngx_faka_archive_keeper_wake;
    keeper.ring = ngx_faka_worker_ring;
    keeper.data = worker;

    reader.journal = worker->journal;
    reader.log = worker->log;
    reader.answer = ngx_faka_archive_answer;
    reader.wake = ngx_faka_archive_wake;
    reader.data = worker;

    worker->keeper = ngx_faka_keeper_start(cycle, &keeper);
    worker->reader = ngx_faka_reader_start(cycle, &reader);

    if (worker->keeper == NULL || worker->reader == NULL
        || ngx_faka_strays_start(cycle, worker) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* One is enough, and nginx starts this one anew when it dies. */
    if (worker->shop->events_max == 0 || ngx_worker != 0) {
        return NGX_OK;
    }

    worker->feed = ngx_faka_feed_start(cycle, worker->journal, worker->log,
                                       worker->shop->events_max);

    return worker->feed != NULL ? NGX_OK : NGX_ERROR;
}


void
ngx_faka_archive_stop(ngx_faka_worker_t *worker)
{
    if (worker->keeper != NULL) {
        ngx_faka_keeper_stop(worker->keeper);
        worker->keeper = NULL;
    }

    if (worker->reader != NULL) {
        ngx_faka_reader_stop(worker->reader);
        worker->reader = NULL;
    }

    if (worker->feed != NULL) {
        ngx_faka_feed_stop(worker->feed);
        worker->feed = NULL;
    }
}


/* --- looking an order up ----------------------------------------------- */

void
ngx_faka_archive_find(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    const fk_order_id_t *id, ngx_faka_done_pt done)
{
    ctx->done = done;

    if (ctx->looks++ == NGX_FAKA_ARCHIVE_LOOKS) {
        done(r, FK_LOCK_TIMEOUT);
        return;
    }

    /* First: what the archive says is of later. */
    ctx->mark = fk_archive_mark(&ctx->shop->worker->fk, id);

    if (!ngx_faka_reader_ask(ctx->shop->worker->reader, &ctx->ask, id)) {
        done(r, FK_NOT_OPEN);
        return;
    }

    ngx_faka_archive_wait(r, ctx);
}


void
ngx_faka_archive_wait(ngx_http_request_t *r, ngx_faka_ctx_t *ctx)
{
    ctx->asking = NGX_FAKA_ASKING;

    if (ngx_faka_park_watch(r, ctx) != NGX_OK) {
        ngx_faka_archive_forget(ctx);
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


fk_code_t
ngx_faka_archive_restore(ngx_faka_ctx_t *ctx)
{
    fk_env_t            env;
    fk_code_t           code;
    ngx_faka_worker_t  *w;

    w = ctx->shop->worker;

    /* The shop may have changed hands while the archive was asked. */

    code = ngx_faka_may_write(ctx->shop);
    if (code != FK_OK) {
        return code;
    }

    ngx_faka_env(&env);
    code = fk_archive_restore(&w->fk, &env, ctx->record.data, ctx->record.len,
                              ctx->mark, ctx->order);

    if (code == FK_EXISTS || code == FK_AGAIN) {
        return FK_OK;
    }

    if (code != FK_OK) {
        ngx_log_error(NGX_LOG_ERR, w->log, 0,
                      "faka: order %V cannot come back from the archive: %s",
                      &ctx->order_text, fk_code_info[code].text);
        return code;
    }

    ngx_log_error(NGX_LOG_NOTICE, w->log, 0,
                  "faka: order %V is back from the archive",
                  &ctx->order_text);
    ngx_faka_journal_kick(w->journal);

    return FK_OK;
}


void
ngx_faka_archive_forget(ngx_faka_ctx_t *ctx)
{
    if (ctx->asking == NGX_FAKA_ASKING) {
        ngx_faka_reader_forget(ctx->shop->worker->reader, &ctx->ask);

    } else if (ctx->asking == NGX_FAKA_ANSWERED) {
        ngx_queue_remove(&ctx->queue);
    }

    ctx->asking = NGX_FAKA_NOT_ASKING;
}


/* The reader is at work here: whoever waits is answered when it has done. */

static void
ngx_faka_archive_answer(void *data, fj_ask_t *ask, fj_answer_t answer,
    const char *text, size_t size)
{
    ngx_faka_worker_t *worker = data;

    ngx_faka_ctx_t  *ctx;

    if (ask->stray != NULL) {
        ngx_faka_stray_answer(worker, ask, answer, text, size);
        return;
    }

    ctx = ngx_queue_data(ask, ngx_faka_ctx_t, ask);

    ngx_faka_assert(ctx->asking == NGX_FAKA_ASKING);

    switch (answer) {

    case FJ_ANSWER_FOUND:
        ctx->answer = ngx_faka_archive_parse(ctx, text, size);
        break;

    case FJ_ANSWER_NONE:
        ctx->answer = FK_NOT_FOUND;
        break;

    case FJ_ANSWER_LOST:
        ctx->answer = FK_NOT_OPEN;
        break;
    }

    ctx->asking = NGX_FAKA_ANSWERED;
    ngx_queue_insert_tail(&worker->answered, &ctx->queue);
}


/* FK_OK: ctx->record is this order's, and ctx->order what it shows. */

static fk_code_t
ngx_faka_archive_parse(ngx_faka_ctx_t *ctx, const char *text, size_t size)
{
    uint32_t                  given;
    fk_code_t                 code;
    ngx_int_t                 rc;
    ngx_str_t                 json, record;
    ngx_pool_t               *pool;
    ngx_faka_field_error_t    error;
    ngx_faka_archive_text_t   parsed;

    pool = ctx->r->pool;
    json.data = (u_char *) text;
    json.len = size;

    rc = ngx_faka_json_read(pool, &json, ngx_faka_archive_field,
                            NGX_FAKA_FIELDS_OPEN, &parsed, &given, &error);

    if (rc == NGX_ERROR) {
        return FK_TABLE_FULL;
    }

    code = FK_CORRUPT;
    ngx_str_null(&record);

    if (rc == NGX_OK) {
        record.data = ngx_pnalloc(pool, ngx_base64_decoded_length(
                                            parsed.record.len));
        if (record.data == NULL) {
            return FK_TABLE_FULL;
        }

        if (ngx_decode_base64(&record, &parsed.record) == NGX_OK) {
            code = fk_archive_view(&ctx->shop->worker->fk, record.data,
                                   record.len, ctx->order, NULL, NULL);
        }
    }

    /* Somebody may have copied a key of Redis onto another. */

    if (code == FK_OK
        && ngx_memcmp(ctx->order->id.bytes, ctx->ask.id.bytes,
                      FK_ORDER_ID_SIZE) != 0)
    {
        code = FK_CORRUPT;
    }

    if (code == FK_OK) {
        ctx->record = record;

    } else if (fk_code_info[code].status != NGX_HTTP_SERVICE_UNAVAILABLE) {
        ngx_log_error(NGX_LOG_ERR, ctx->shop->worker->log, 0,
                      "faka: order %V in the archive cannot be read: %s",
                      &ctx->order_text, fk_code_info[code].text);
        code = FK_CORRUPT;
    }

    return code;
}


static void
ngx_faka_archive_wake(void *data)
{
    ngx_faka_worker_t *worker = data;

    ngx_queue_t     *q;
    ngx_faka_ctx_t  *ctx;

    while (!ngx_queue_empty(&worker->answered)) {

        q = ngx_queue_head(&worker->answered);
        ctx = ngx_queue_data(q, ngx_faka_ctx_t, queue);

        ngx_faka_archive_forget(ctx);
        ngx_faka_park_resume(ctx, ctx->answer);
    }
}


/* --- writing an order down --------------------------------------------- */

static size_t
ngx_faka_archive_text(void *data, const fk_order_view_t *order,
    const uint8_t *record, size_t size, char *out, size_t room)
{
    ngx_faka_worker_t *worker = data;

    size_t        n, used;
    ngx_pool_t   *pool;
    ngx_chain_t  *cl;

    pool = ngx_create_pool(NGX_FAKA_ARCHIVE_POOL_SIZE, worker->log);
    if (pool == NULL) {
        return 0;
    }

    used = 0;

    for (cl = ngx_faka_archive_json(pool, order, record, size);
         cl != NULL;
         cl = cl->next)
    {
        n = cl->buf->last - cl->buf->pos;

        if (n > room - used) {
            used = 0;
            break;
        }

        ngx_memcpy(out + used, cl->buf->pos, n);
        used += n;
    }

    ngx_destroy_pool(pool);

    return used;
}


/* NULL: no memory. */

static ngx_chain_t *
ngx_faka_archive_json(ngx_pool_t *pool, const fk_order_view_t *order,
    const uint8_t *record, size_t size)
{
    ngx_str_t        bytes, text;
    ngx_faka_json_t  json;

    bytes.data = (u_char *) record;
    bytes.len = size;

    text.data = ngx_pnalloc(pool, ngx_base64_encoded_length(size));
    if (text.data == NULL) {
        return NULL;
    }

    ngx_encode_base64(&text, &bytes);

    ngx_faka_json_begin(&json, pool, NGX_FAKA_ORDER_JSON_SIZE + text.len);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_order_members(&json, order);
    ngx_faka_json_string(&json, "record", text.data, text.len);
    ngx_faka_json_object_end(&json);

    return ngx_faka_json_end(&json);
}


/* Orders that leave are records, too. */

static void
ngx_faka_archive_keeper_wake(void *data)
{
    ngx_faka_worker_t *worker = data;

    ngx_faka_journal_kick(worker->journal);
    ngx_faka_park_wake(worker);
}

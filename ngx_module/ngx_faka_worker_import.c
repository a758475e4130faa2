/*
 * POST /admin/products/SKU/cards: a text of cards, one a line, becomes stock.
 *
 * The body is taken as it comes: what one read gives is cut into sealed lines
 * (ngx_faka_lines.h), and a slice of them goes to the engine in one
 * transaction.  So memory is bounded whatever the size of the body, and the
 * import is a row of steps, each of which may pause: for the client, for room
 * in the journal, for the other requests of this worker.
 *
 * Guarantees.  Nothing of a batch is sold before all of it is: any failure, a
 * client that goes away and a worker that is told to quit abort the batch.
 * The answer is sent when the batch is durable and the paid orders that
 * waited for it have been served.  Plain cards are wiped from our buffer and
 * from nginx's buffers of the body.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_import.h"
#include "ngx_faka_order.h"


/* After so many lines or bytes other requests have their turn. */
#define NGX_FAKA_IMPORT_TURN_LINES    2000
#define NGX_FAKA_IMPORT_TURN_SIZE     (256 * 1024)

/* While the client is waited for: is the worker told to quit?  And the batch
 * of a slow client would lose its lease. */
#define NGX_FAKA_IMPORT_LOOK_MS       1000
#define NGX_FAKA_IMPORT_RENEW_MS      (FK_IMPORT_LEASE_MS / 3)

#define NGX_FAKA_IMPORT_JSON_SIZE     4096


static fk_code_t ngx_faka_import_begin(ngx_http_request_t *r, ngx_str_t *sku);
static void ngx_faka_import_body(ngx_http_request_t *r);
static void ngx_faka_import_readable(ngx_http_request_t *r);
static void ngx_faka_import_event(ngx_event_t *ev);
static void ngx_faka_import_look(ngx_faka_import_t *im);
static ngx_uint_t ngx_faka_import_quits(ngx_faka_import_t *im);
static void ngx_faka_import_run(ngx_faka_import_t *im);
static ngx_int_t ngx_faka_import_read(ngx_faka_import_t *im);
static ngx_int_t ngx_faka_import_take(ngx_faka_import_t *im);
static ngx_int_t ngx_faka_import_last(ngx_faka_import_t *im);
static void ngx_faka_import_fail(ngx_faka_import_t *im);
static void ngx_faka_import_cleanup(void *data);
static void ngx_faka_import_show(ngx_http_request_t *r, fk_code_t code);


static const ngx_faka_import_step_pt  ngx_faka_import_steps[] = {
    ngx_faka_import_read,
    ngx_faka_import_last,
    ngx_faka_import_commit,
    ngx_faka_import_serve
};


ngx_int_t
ngx_faka_admin_import(ngx_http_request_t *r, ngx_str_t *name)
{
    fk_code_t           code;
    ngx_int_t           rc;
    ngx_str_t           encoding;
    const char         *field;
    ngx_faka_ctx_t     *ctx;
    ngx_faka_import_t  *im;

    field = NULL;

    if (!ngx_faka_content_type_is(r, "text/plain")) {
        field = "Content-Type";

    } else if (ngx_faka_header(r, "Content-Encoding", &encoding)
               != NGX_DECLINED)
    {
        field = "Content-Encoding";
    }

    if (field != NULL) {
        ngx_faka_no_body(r);
        ngx_faka_send_http_problem(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                   "unsupported_media_type", field,
                                   "send text/plain, not compressed");
        return NGX_DONE;
    }

    code = ngx_faka_import_begin(r, name);

    if (code != FK_OK) {
        ngx_faka_no_body(r);
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    r->request_body_no_buffering = 1;

    rc = ngx_http_read_client_request_body(r, ngx_faka_import_body);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {

        /* The reference was given back; the refusal is ours to send. */

        r->main->count++;

        ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
        im = ctx->data;
        im->status = rc;
        ngx_faka_import_fail(im);
    }

    return NGX_DONE;
}


static fk_code_t
ngx_faka_import_begin(ngx_http_request_t *r, ngx_str_t *sku)
{
    fk_env_t             env;
    fk_code_t            code;
    ngx_faka_ctx_t      *ctx;
    ngx_faka_import_t   *im;
    ngx_pool_cleanup_t  *cln;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    code = ngx_faka_may_write(ctx->shop);
    if (code != FK_OK) {
        return code;
    }

    if (sku->len == 0 || sku->len > FK_SKU_SIZE_MAX) {
        return FK_NOT_FOUND;
    }

    im = ngx_pcalloc(r->pool, sizeof(ngx_faka_import_t));
    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (im == NULL || cln == NULL) {
        return FK_TABLE_FULL;
    }

    im->r = r;
    im->ctx = ctx;
    im->w = ctx->shop->worker;
    im->renewed_at = ngx_current_msec;
    ngx_memcpy(im->sku, sku->data, sku->len);
    ngx_faka_lines_init(&im->lines, im->w->vault, pay_str(im->sku, sku->len));

    ngx_faka_env(&env);
    code = fk_import_begin(&im->w->fk, &env, ngx_faka_fk_str(sku),
                           &im->batch);
    if (code != FK_OK) {
        return code;
    }

    ngx_faka_journal_kick(im->w->journal);

    cln->handler = ngx_faka_import_cleanup;
    cln->data = im;

    im->event.handler = ngx_faka_import_event;
    im->event.data = im;
    im->event.log = r->connection->log;

    ctx->data = im;

    return FK_OK;
}


/* The body has begun: called once, by nginx's reader. */

static void
ngx_faka_import_body(ngx_http_request_t *r)
{
    ngx_faka_ctx_t     *ctx;
    ngx_faka_import_t  *im;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    im = ctx->data;

    /* None at all: it was lost to a redirect or is not for this subrequest. */

    if (r->request_body != NULL) {
        im->in = r->request_body->bufs;
        r->request_body->bufs = NULL;
    }

    ngx_faka_import_run(im);
}


static void
ngx_faka_import_readable(ngx_http_request_t *r)
{
    ngx_faka_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    ngx_faka_import_run(ctx->data);
}


static void
ngx_faka_import_event(ngx_event_t *ev)
{
    ngx_connection_t   *c;
    ngx_faka_import_t  *im;

    im = ev->data;
    c = im->r->connection;

    ngx_http_set_log_request(c->log, im->r);

    if (im->waiting) {
        ngx_faka_import_look(im);

    } else {
        ngx_faka_import_run(im);
    }

    ngx_http_run_posted_requests(c);
}


/* The client has nothing to say for a while.  It is not read from here: that
 * would set its own timer anew. */

static void
ngx_faka_import_look(ngx_faka_import_t *im)
{
    ngx_int_t  rc;

    if (ngx_faka_import_quits(im)) {
        return;
    }

    if (ngx_current_msec - im->renewed_at > NGX_FAKA_IMPORT_RENEW_MS) {

        rc = ngx_faka_import_slice(im);

        if (rc == NGX_ERROR) {
            ngx_faka_import_fail(im);
            return;
        }

        if (rc == NGX_AGAIN) {
            im->waiting = 0;
            return;
        }
    }

    ngx_add_timer(&im->event, NGX_FAKA_IMPORT_LOOK_MS);
}


/* What is stock already is reported, not taken back: that takes no time. */

static ngx_uint_t
ngx_faka_import_quits(ngx_faka_import_t *im)
{
    if (!ngx_exiting || im->batch == 0) {
        return 0;
    }

    im->code = FK_NOT_OPEN;
    im->detail = "the server is stopping: nothing was kept, send it again";
    ngx_faka_import_fail(im);

    return 1;
}


/* One turn: as many steps as go without a pause. */

static void
ngx_faka_import_run(ngx_faka_import_t *im)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = im->r;

    if (im->event.timer_set) {
        ngx_del_timer(&im->event);
    }

    /* While it waits for something else, the client cannot wake it. */

    r->read_event_handler = ngx_http_block_reading;

    im->waiting = 0;
    im->turn_lines = im->lines.lines_count + NGX_FAKA_IMPORT_TURN_LINES;
    im->turn_size = NGX_FAKA_IMPORT_TURN_SIZE;

    if (ngx_faka_import_quits(im)) {
        return;
    }

    while (im->step < NGX_FAKA_ARRAY_COUNT(ngx_faka_import_steps)) {

        rc = ngx_faka_import_steps[im->step](im);

        if (rc == NGX_AGAIN) {
            return;
        }

        if (rc != NGX_OK) {
            ngx_faka_import_fail(im);
            return;
        }

        im->step++;
    }

    ngx_faka_wait_durable(r, im->ctx, fk_last_seq(&im->w->fk),
                          ngx_faka_import_show);
}


static ngx_int_t
ngx_faka_import_read(ngx_faka_import_t *im)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = im->r;

    for ( ;; ) {
        rc = ngx_faka_import_take(im);
        if (rc != NGX_OK) {
            return rc;
        }

        if (!r->reading_body) {
            return NGX_OK;
        }

        rc = ngx_http_read_unbuffered_request_body(r);

        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            im->status = rc;
            return NGX_ERROR;
        }

        im->in = r->request_body->bufs;
        r->request_body->bufs = NULL;

        if (im->in == NULL && rc == NGX_AGAIN) {
            r->read_event_handler = ngx_faka_import_readable;
            im->waiting = 1;
            ngx_add_timer(&im->event, NGX_FAKA_IMPORT_LOOK_MS);
            return NGX_AGAIN;
        }
    }
}


/* Takes what was read, and gives nginx its buffers back, wiped. */

static ngx_int_t
ngx_faka_import_take(ngx_faka_import_t *im)
{
    size_t        taken;
    ngx_buf_t    *b;
    ngx_int_t     rc;
    ngx_chain_t  *cl;

    while (im->in != NULL) {
        b = im->in->buf;

        if (!ngx_buf_in_memory(b) && ngx_buf_size(b) != 0) {
            im->code = FK_INVALID;
            im->detail = "another module of the server has read the body to a "
                         "file";
            return NGX_ERROR;
        }

        while (b->pos != b->last) {

            if (ngx_faka_lines_full(&im->lines)) {
                rc = ngx_faka_import_slice(im);
                if (rc != NGX_OK) {
                    return rc;
                }
            }

            if (im->lines.lines_count >= im->turn_lines
                || im->turn_size == 0)
            {
                ngx_faka_import_pause(im, 0);
                return NGX_AGAIN;
            }

            if (!ngx_faka_lines_take(&im->lines, b->pos, b->last - b->pos,
                                     &taken))
            {
                im->code = FK_LOCK_TIMEOUT;
                im->detail = "a card could not be sealed";
                return NGX_ERROR;
            }

            pay_wipe(b->pos, taken);
            b->pos += taken;
            im->turn_size -= ngx_min(taken, im->turn_size);
        }

        cl = im->in;
        im->in = cl->next;
        ngx_free_chain(im->r->pool, cl);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_faka_import_last(ngx_faka_import_t *im)
{
    ngx_int_t  rc;

    if (ngx_faka_lines_full(&im->lines)) {
        rc = ngx_faka_import_slice(im);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (!ngx_faka_lines_end(&im->lines)) {
        im->code = FK_LOCK_TIMEOUT;
        im->detail = "a card could not be sealed";
        return NGX_ERROR;
    }

    return ngx_faka_import_slice(im);
}


static void
ngx_faka_import_fail(ngx_faka_import_t *im)
{
    ngx_http_request_t  *r;

    r = im->r;

    ngx_faka_import_abort(im);

    if (im->status != 0) {
        ngx_faka_send_unreadable(r, im->status);
        return;
    }

    ngx_faka_send_problem(r, im->code, NULL, im->detail);
}


static void
ngx_faka_import_cleanup(void *data)
{
    ngx_faka_import_t  *im = data;

    if (im->event.timer_set) {
        ngx_del_timer(&im->event);
    }

    if (im->event.posted) {
        ngx_delete_posted_event(&im->event);
    }

    ngx_faka_import_abort(im);
    ngx_faka_lines_wipe(&im->lines);
}


static void
ngx_faka_import_show(ngx_http_request_t *r, fk_code_t code)
{
    int64_t             i, n, dup_file, dup_stock;
    ngx_faka_ctx_t     *ctx;
    ngx_faka_json_t     json;
    ngx_faka_line_t    *line;
    ngx_faka_lines_t   *lines;
    ngx_faka_import_t  *im;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    im = ctx->data;
    lines = &im->lines;

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL,
                              "the batch is stock, but not known to be on "
                              "disk; sent again, its cards are duplicates");
        return;
    }

    dup_file = lines->reason_count[NGX_FAKA_LINE_DUP_FILE];
    dup_stock = lines->reason_count[NGX_FAKA_LINE_DUP_STOCK];

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_IMPORT_JSON_SIZE);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_json_integer(&json, "batch", im->answer_batch);
    ngx_faka_json_text(&json, "sku", im->sku);
    ngx_faka_json_integer(&json, "lines", lines->lines_count);
    ngx_faka_json_integer(&json, "blank", lines->blank_count);
    ngx_faka_json_integer(&json, "accepted", lines->accepted_count);
    ngx_faka_json_integer(&json, "duplicates", dup_file + dup_stock);
    ngx_faka_json_integer(&json, "duplicates_file", dup_file);
    ngx_faka_json_integer(&json, "duplicates_stock", dup_stock);
    ngx_faka_json_array(&json, "rejected");

    n = ngx_min(lines->rejected_count, NGX_FAKA_REJECTED_MAX);

    for (i = 0; i < n; i++) {
        line = &lines->rejected[i];
        ngx_faka_json_object(&json, NULL);
        ngx_faka_json_integer(&json, "line", line->number);
        ngx_faka_json_text(&json, "reason",
                           ngx_faka_line_reason_word[line->reason]);
        ngx_faka_json_object_end(&json);
    }

    ngx_faka_json_array_end(&json);
    ngx_faka_json_integer(&json, "rejected_count", lines->rejected_count);
    ngx_faka_json_object_end(&json);

    ctx->result = fk_code_info[FK_OK].word;
    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));
}

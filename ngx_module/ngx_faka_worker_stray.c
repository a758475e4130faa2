/*
 * Strays: verified payments without an order of their channel.
 *
 * A notice of one is answered with failure, so the gateway sends it again, and
 * it is booked when its order is there by then.  Until that, and longer than
 * the gateway tries, Redis has it: written before the answer goes out, in one
 * command that is bounded in time, and not part of the journal, for there is
 * no order that a record could be of.
 *
 * What is booked is removed behind its record: a stray that went before would
 * be lost with a record that never becomes durable.  Whether there are any at
 * all stands in the region, one more than their number; 0 means that nobody
 * knows.
 */

#include "ngx_faka_stray.h"


#define NGX_FAKA_STRAYS_BOOKED   64    /* that wait to be removed */
#define NGX_FAKA_STRAYS_COUNT_S  10    /* others may remove some, too */
#define NGX_FAKA_STRAYS_WALK_S   10    /* between two pages */


struct ngx_faka_strays_s {
    ngx_faka_stray_t   counting;
    time_t             counted_at;
    ngx_faka_stray_t   walking;        /* a page of them at a time */
    time_t             walked_at;
    ngx_uint_t         booked_count;   /* not free */
    ngx_faka_stray_t   booked[NGX_FAKA_STRAYS_BOOKED];
};


static void ngx_faka_strays_count(ngx_faka_worker_t *worker);
static void ngx_faka_strays_walk(ngx_faka_worker_t *worker);
static void ngx_faka_strays_walked(ngx_faka_worker_t *worker,
    const char *page, size_t size);
static void ngx_faka_stray_send(ngx_faka_worker_t *worker,
    ngx_faka_stray_t *stray);
static void ngx_faka_stray_free(ngx_faka_worker_t *worker,
    ngx_faka_stray_t *stray);
static fk_code_t ngx_faka_stray_read(ngx_faka_worker_t *worker,
    ngx_faka_stray_t *stray, const char *text, size_t size);


ngx_int_t
ngx_faka_strays_start(ngx_cycle_t *cycle, ngx_faka_worker_t *worker)
{
    ngx_uint_t         i;
    ngx_faka_stray_t  *stray;

    worker->strays = ngx_pcalloc(cycle->pool,
                                 sizeof(struct ngx_faka_strays_s));
    if (worker->strays == NULL) {
        return NGX_ERROR;
    }

    worker->strays->counting.what.what = FJ_STRAY_COUNT;
    worker->strays->counting.what.field = "";
    worker->strays->counting.what.text = "";

    stray = &worker->strays->walking;
    stray->what.what = FJ_STRAY_LIST;
    stray->what.field = (const char *) stray->field;
    stray->what.text = "";
    stray->field[0] = '0';

    for (i = 0; i < NGX_FAKA_STRAYS_BOOKED; i++) {
        stray = &worker->strays->booked[i];
        stray->what.what = FJ_STRAY_DROP;
        stray->what.field = (const char *) stray->field;
        stray->what.text = "";
    }

    return NGX_OK;
}


/* --- what the worker does by itself ------------------------------------- */

void
ngx_faka_strays_tick(ngx_faka_worker_t *worker)
{
    uint64_t                   epoch, durable_seq, kept;
    ngx_uint_t                 i;
    ngx_faka_stray_t          *stray;
    struct ngx_faka_strays_s  *strays;

    strays = worker->strays;

    /* A command that Redis does not answer would keep a worker that is to
     * end; what was booked is left out of the list without it. */
    if (worker->draining) {
        return;
    }

    /* Whoever sells meanwhile may keep some. */
    if (fk_shop_state(&worker->fk) != FK_SHOP_OPEN) {
        fk_stat_set(&worker->fk, NGX_FAKA_STAT_STRAYS, 0);
        return;
    }

    ngx_faka_strays_count(worker);
    ngx_faka_strays_walk(worker);

    if (strays->booked_count == 0) {
        return;
    }

    /* 0: Redis does not even say how many there are. */
    kept = fk_stat_get(&worker->fk, NGX_FAKA_STAT_STRAYS);

    if (kept == 0) {
        return;
    }

    /* The mark first: a mark of another epoch is then seen to be that. */
    durable_seq = fk_durable_seq(&worker->fk);
    epoch = fk_epoch(&worker->fk);

    for (i = 0; i < NGX_FAKA_STRAYS_BOOKED; i++) {
        stray = &strays->booked[i];

        if (stray->state != NGX_FAKA_STRAY_WAITS) {
            continue;
        }

        /* Its record may be lost: then the gateway comes again.  1: there is
         * none by now. */
        if (stray->epoch != epoch || kept == 1) {
            ngx_faka_stray_free(worker, stray);

        } else if (stray->seq <= durable_seq) {
            ngx_faka_stray_send(worker, stray);
        }
    }
}


/* One worker is enough, and nginx starts this one anew when it dies. */

static void
ngx_faka_strays_count(ngx_faka_worker_t *worker)
{
    time_t                     wait;
    struct ngx_faka_strays_s  *strays;

    strays = worker->strays;

    wait = fk_stat_get(&worker->fk, NGX_FAKA_STAT_STRAYS) == 0
           ? 1 : NGX_FAKA_STRAYS_COUNT_S;

    if (ngx_worker != 0 || strays->counting.state == NGX_FAKA_STRAY_ASKED
        || (ngx_time() >= strays->counted_at
            && ngx_time() - strays->counted_at < wait))
    {
        return;
    }

    strays->counted_at = ngx_time();
    ngx_faka_stray_send(worker, &strays->counting);
}


/*
 * What was booked and could not be removed, for its worker has died or too
 * many waited, is found as long as memory has its order: after that nobody
 * could tell it from one that nobody knows.  10,000 are half an hour's walk.
 */

static void
ngx_faka_strays_walk(ngx_faka_worker_t *worker)
{
    struct ngx_faka_strays_s  *strays;

    strays = worker->strays;

    if (ngx_worker != 0 || strays->walking.state == NGX_FAKA_STRAY_ASKED
        || fk_stat_get(&worker->fk, NGX_FAKA_STAT_STRAYS) <= 1
        || (ngx_time() >= strays->walked_at
            && ngx_time() - strays->walked_at < NGX_FAKA_STRAYS_WALK_S))
    {
        return;
    }

    strays->walked_at = ngx_time();
    ngx_faka_stray_send(worker, &strays->walking);
}


static void
ngx_faka_strays_walked(ngx_faka_worker_t *worker, const char *page,
    size_t size)
{
    size_t                  cursor_size;
    ngx_str_t               field, text;
    const char             *cursor;
    ngx_faka_stray_t       *walking;
    ngx_faka_stray_name_t   name;

    walking = &worker->strays->walking;

    if (!fj_stray_line(&page, &size, &cursor, &cursor_size)
        || cursor_size >= NGX_FAKA_STRAY_FIELD_SIZE)
    {
        return;
    }

    *ngx_cpymem(walking->field, cursor, cursor_size) = '\0';

    while (ngx_faka_stray_next(&page, &size, &field, &text)) {

        if (ngx_faka_stray_split(&name, &field)) {
            (void) ngx_faka_stray_is_booked(worker, &name);
        }
    }
}


static void
ngx_faka_stray_send(ngx_faka_worker_t *worker, ngx_faka_stray_t *stray)
{
    if (ngx_faka_reader_stray(worker->reader, &stray->ask, &stray->what)) {
        stray->state = NGX_FAKA_STRAY_ASKED;
    }
}


void
ngx_faka_stray_booked(ngx_faka_worker_t *worker, pay_str_t channel,
    const char *trade_no, const char *order_no, uint64_t seq)
{
    ngx_uint_t                 i;
    ngx_faka_stray_t          *stray;
    struct ngx_faka_strays_s  *strays;

    strays = worker->strays;

    /* 1: it is known that there are none. */
    if (fk_stat_get(&worker->fk, NGX_FAKA_STAT_STRAYS) == 1
        || strays->booked_count == NGX_FAKA_STRAYS_BOOKED)
    {
        return;
    }

    for (i = 0; i < NGX_FAKA_STRAYS_BOOKED; i++) {
        stray = &strays->booked[i];

        if (stray->state == NGX_FAKA_STRAY_FREE) {
            ngx_faka_stray_name(stray, channel, trade_no, order_no);
            stray->epoch = worker->epoch;
            stray->seq = seq;
            stray->state = NGX_FAKA_STRAY_WAITS;
            strays->booked_count++;
            return;
        }
    }
}


static void
ngx_faka_stray_free(ngx_faka_worker_t *worker, ngx_faka_stray_t *stray)
{
    ngx_faka_assert(worker->strays->booked_count > 0);

    stray->state = NGX_FAKA_STRAY_FREE;
    worker->strays->booked_count--;
}


/* --- what requests wait for ---------------------------------------------- */

ngx_faka_stray_t *
ngx_faka_stray_new(ngx_http_request_t *r, fj_stray_do_t what)
{
    ngx_faka_stray_t  *stray;

    stray = ngx_pcalloc(r->pool, sizeof(ngx_faka_stray_t));
    if (stray == NULL) {
        return NULL;
    }

    stray->what.what = what;
    stray->what.field = (const char *) stray->field;
    stray->what.text = (const char *) stray->text;

    return stray;
}


void
ngx_faka_stray_name(ngx_faka_stray_t *stray, pay_str_t channel,
    const char *trade_no, const char *order_no)
{
    u_char  *last;

    last = ngx_slprintf(stray->field,
                        stray->field + NGX_FAKA_STRAY_FIELD_SIZE - 1,
                        "%*s/%s/%s", channel.size, channel.data, trade_no,
                        order_no);
    *last = '\0';
}


void
ngx_faka_stray_describe(ngx_faka_stray_t *stray, const pay_fact_t *fact,
    const char *why)
{
    u_char  *last;

    last = ngx_slprintf(stray->text,
                        stray->text + NGX_FAKA_STRAY_TEXT_SIZE - 1,
                        "{\"amount\":%L,\"currency\":\"%s\","
                        "\"why\":\"%s\",\"first_at\":%T}",
                        fact->amount, fact->currency, why, ngx_time());
    *last = '\0';
}


void
ngx_faka_stray_ask(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    ngx_faka_stray_t *stray, ngx_faka_done_pt done)
{
    ctx->done = done;
    ctx->stray = stray;
    stray->ctx = ctx;
    stray->what.epoch = fk_epoch(&ctx->shop->worker->fk);

    if (!ngx_faka_reader_stray(ctx->shop->worker->reader, &ctx->ask,
                               &stray->what))
    {
        done(r, FK_NOT_OPEN);
        return;
    }

    ngx_faka_archive_wait(r, ctx);
}


/* The reader is at work here: whoever waits is answered when it has done. */

void
ngx_faka_stray_answer(ngx_faka_worker_t *worker, fj_ask_t *ask,
    fj_answer_t answer, const char *text, size_t size)
{
    fk_code_t          code;
    ngx_faka_ctx_t    *ctx;
    ngx_faka_stray_t  *stray;

    stray = (ngx_faka_stray_t *) (void *)
            ((u_char *) ask->stray - offsetof(ngx_faka_stray_t, what));

    ctx = stray->ctx;

    if (stray == &worker->strays->walking) {
        stray->state = NGX_FAKA_STRAY_WAITS;

        if (answer == FJ_ANSWER_FOUND) {
            ngx_faka_strays_walked(worker, text, size);
        }

        return;
    }

    code = answer == FJ_ANSWER_FOUND
           ? ngx_faka_stray_read(worker, stray, text, size) : FK_NOT_OPEN;

    if (ctx != NULL) {
        ngx_faka_assert(ctx->asking == NGX_FAKA_ASKING);

        ctx->answer = code;
        ctx->asking = NGX_FAKA_ANSWERED;
        ngx_queue_insert_tail(&worker->answered, &ctx->queue);

    } else if (stray->what.what == FJ_STRAY_DROP && code == FK_OK) {
        ngx_faka_stray_free(worker, stray);

    } else {
        stray->state = NGX_FAKA_STRAY_WAITS;
    }
}


static fk_code_t
ngx_faka_stray_read(ngx_faka_worker_t *worker, ngx_faka_stray_t *stray,
    const char *text, size_t size)
{
    if (stray->what.what == FJ_STRAY_LIST) {
        stray->page.data = ngx_pnalloc(stray->ctx->r->pool, size);
        if (stray->page.data == NULL) {
            return FK_TABLE_FULL;
        }

        ngx_memcpy(stray->page.data, text, size);
        stray->page.len = size;

        return FK_OK;
    }

    if (!fj_stray_read(text, size, &stray->done, &stray->count)) {
        return FK_NOT_OPEN;
    }

    fk_stat_set(&worker->fk, NGX_FAKA_STAT_STRAYS, stray->count + 1);

    return FK_OK;
}


/* --- a page of them ------------------------------------------------------ */

ngx_uint_t
ngx_faka_stray_next(const char **page, size_t *size, ngx_str_t *field,
    ngx_str_t *text)
{
    const char  *line;

    if (!fj_stray_line(page, size, &line, &field->len)) {
        return 0;
    }

    field->data = (u_char *) line;

    if (!fj_stray_line(page, size, &line, &text->len)) {
        return 0;
    }

    text->data = (u_char *) line;

    return 1;
}


ngx_uint_t
ngx_faka_stray_split(ngx_faka_stray_name_t *name, const ngx_str_t *field)
{
    ngx_str_t  number, order;

    order = *field;
    (void) ngx_faka_subpath_next(&order, &name->channel);
    (void) ngx_faka_subpath_next(&order, &number);

    if (!pay_is_plain_id(ngx_faka_pay_str(&name->channel),
                         PAY_CHANNEL_NAME_SIZE_MAX, "")
        || !pay_is_plain_id(ngx_faka_pay_str(&number), PAY_TRADE_NO_SIZE_MAX,
                            ".|")
        || !pay_is_plain_id(ngx_faka_pay_str(&order), PAY_ORDER_NO_SIZE_MAX,
                            ".|"))
    {
        return 0;
    }

    ngx_memcpy(name->trade_no, number.data, number.len);
    name->trade_no[number.len] = '\0';
    ngx_memcpy(name->order_no, order.data, order.len);
    name->order_no[order.len] = '\0';

    return 1;
}


ngx_uint_t
ngx_faka_stray_is_booked(ngx_faka_worker_t *worker,
    const ngx_faka_stray_name_t *name)
{
    fk_order_id_t    id;
    fk_order_view_t  view;

    if (fk_order_id_parse(&id, (const uint8_t *) name->order_no,
                          ngx_strlen(name->order_no))
        != FK_OK
        || fk_order_get(&worker->fk, &id, &view) != FK_OK
        || !ngx_faka_refund_is_booked(worker, &id, name->trade_no))
    {
        return 0;
    }

    ngx_faka_stray_booked(worker, ngx_faka_pay_str(&name->channel),
                          name->trade_no, name->order_no, view.seq);

    return 1;
}

/*
 * GET /metrics: the numbers of a shop in Prometheus' text format 0.0.4.
 *
 * Answered in every state of the shop and without Redis, since it is then
 * that somebody looks.  Counters are those of the region, so every worker
 * gives the same; only faka_redis_up, faka_redis_fsync and
 * faka_parked_requests are of the worker that answers.
 */


#include "ngx_faka_rules.h"


#define NGX_FAKA_METRICS_BUFFER_SIZE  8192
#define NGX_FAKA_METRICS_LINE_SIZE    1024     /* the five of faka_stock */


/* The text so far; a full buffer is followed by another. */

typedef struct {
    ngx_pool_t        *pool;
    ngx_chain_t       *first;
    ngx_chain_t       *last;
    ngx_uint_t         failed;                 /* unsigned: out of memory */
    ngx_faka_shop_t   *shop;
    fk_t              *fk;
} ngx_faka_metrics_t;

typedef struct {
    const char  *name;
    const char  *help;
    unsigned     stat;
} ngx_faka_metrics_counter_t;


static ngx_chain_t *ngx_faka_metrics_text(ngx_http_request_t *r,
    ngx_faka_shop_t *shop);
static ngx_uint_t ngx_faka_metrics_room(ngx_faka_metrics_t *m);
static void ngx_faka_metrics_line(ngx_faka_metrics_t *m, const char *format,
    ...);
static void ngx_faka_metrics_head(ngx_faka_metrics_t *m, const char *name,
    const char *type, const char *help);
static void ngx_faka_metrics_gauge(ngx_faka_metrics_t *m, const char *name,
    const char *help, uint64_t value);
static void ngx_faka_metrics_counters(ngx_faka_metrics_t *m);
static void ngx_faka_metrics_state(ngx_faka_metrics_t *m);
static void ngx_faka_metrics_fail_reason(ngx_faka_metrics_t *m);
static void ngx_faka_metrics_journal(ngx_faka_metrics_t *m);
static void ngx_faka_metrics_snapshot(ngx_faka_metrics_t *m);
static void ngx_faka_metrics_events(ngx_faka_metrics_t *m);
static void ngx_faka_metrics_orders(ngx_faka_metrics_t *m);
static ngx_int_t ngx_faka_metrics_word_sum(ngx_faka_metrics_t *m,
    ngx_uint_t code, uint64_t *sum);
static void ngx_faka_metrics_notices(ngx_faka_metrics_t *m);
static void ngx_faka_metrics_rules(ngx_faka_metrics_t *m);
static void ngx_faka_metrics_risk(ngx_faka_metrics_t *m);
static void ngx_faka_metrics_memory(ngx_faka_metrics_t *m);
static void ngx_faka_metrics_stock(ngx_faka_metrics_t *m);


static ngx_str_t  ngx_faka_metrics_type =
    ngx_string("text/plain; version=0.0.4; charset=utf-8");


static const ngx_faka_metrics_counter_t  ngx_faka_metrics_stats[] = {
    { "faka_journal_batches_total", "Batches sent to Redis.",
      FJ_STAT_BATCHES },
    { "faka_journal_bytes_total", "Bytes of records sent to Redis.",
      FJ_STAT_BATCH_BYTES },
    { "faka_journal_records_total", "Records sent to Redis.",
      FJ_STAT_BATCH_RECORDS },
    { "faka_journal_flush_microseconds_total",
      "Time that batches were on their way.", FJ_STAT_FLUSH_US },
    { "faka_journal_unknown_total", "Batches whose reply was lost.",
      FJ_STAT_UNKNOWN },
    { "faka_journal_recovered_records_total",
      "Records read back from Redis at start.", FJ_STAT_RECOVERED },
    { "faka_snapshots_total", "Snapshots written that count.",
      FJ_STAT_SNAPSHOTS },
    { "faka_healed_total", "Journals written anew from memory.",
      FJ_STAT_HEALED },
    { "faka_archived_orders_total", "Orders that left for the archive.",
      FJ_STAT_ARCHIVED },
    { "faka_events_total", "Events written to their stream.",
      FJ_STAT_FEED_EVENTS },
    { "faka_events_lost_records_total",
      "Records that were cut before their events were read.",
      FJ_STAT_FEED_LOST },
    { "faka_refunds_total", "Payments that were given back.",
      NGX_FAKA_STAT_REFUNDS },
    { "faka_redis_reconnects_total", "Connections to Redis made anew.",
      FJ_STAT_RECONNECTS },
    { "faka_lock_recoveries_total", "Locks taken over from a dead process.",
      FK_STAT_LOCK_RECOVERIES },
    { "faka_lock_rollbacks_total", "Half-done changes that were taken back.",
      FK_STAT_ROLLBACKS },
    { "faka_lock_timeouts_total", "Waits for the lock that were given up.",
      FK_STAT_LOCK_TIMEOUTS },
    { NULL, NULL, 0 }
};


ngx_int_t
ngx_faka_metrics_handler(ngx_http_request_t *r)
{
    ngx_faka_loc_conf_t  *flcf;

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_faka_module);

    if (ngx_faka_ctx_get(r, flcf->shop) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_faka_no_body(r);

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        ngx_faka_send_not_allowed(r, "GET, HEAD");
        return NGX_DONE;
    }

    if (ngx_faka_shop_code(flcf->shop) == FK_NOT_OPEN) {
        ngx_faka_send_problem(r, FK_NOT_OPEN, NULL, NULL);
        return NGX_DONE;
    }

    ngx_faka_send_chain(r, NGX_HTTP_OK, &ngx_faka_metrics_type,
                        ngx_faka_metrics_text(r, flcf->shop));

    return NGX_DONE;
}


/* NULL: no memory. */

static ngx_chain_t *
ngx_faka_metrics_text(ngx_http_request_t *r, ngx_faka_shop_t *shop)
{
    ngx_faka_metrics_t  m;

    ngx_memzero(&m, sizeof(ngx_faka_metrics_t));

    m.pool = r->pool;
    m.shop = shop;
    m.fk = &shop->worker->fk;

    ngx_faka_metrics_state(&m);
    ngx_faka_metrics_journal(&m);
    ngx_faka_metrics_snapshot(&m);
    ngx_faka_metrics_events(&m);
    ngx_faka_metrics_counters(&m);
    ngx_faka_metrics_orders(&m);
    ngx_faka_metrics_notices(&m);
    ngx_faka_metrics_rules(&m);
    ngx_faka_metrics_risk(&m);
    ngx_faka_metrics_memory(&m);
    ngx_faka_metrics_stock(&m);

    return m.failed ? NULL : m.first;
}


/* Is there, after this call, room for one more line? */

static ngx_uint_t
ngx_faka_metrics_room(ngx_faka_metrics_t *m)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (m->failed) {
        return 0;
    }

    if (m->last != NULL
        && m->last->buf->end - m->last->buf->last
           >= NGX_FAKA_METRICS_LINE_SIZE)
    {
        return 1;
    }

    b = ngx_create_temp_buf(m->pool, NGX_FAKA_METRICS_BUFFER_SIZE);
    cl = ngx_alloc_chain_link(m->pool);

    if (b == NULL || cl == NULL) {
        m->failed = 1;
        return 0;
    }

    cl->buf = b;
    cl->next = NULL;

    if (m->last != NULL) {
        m->last->next = cl;

    } else {
        m->first = cl;
    }

    m->last = cl;

    return 1;
}


static void
ngx_faka_metrics_line(ngx_faka_metrics_t *m, const char *format, ...)
{
    va_list     args;
    ngx_buf_t  *b;

    if (!ngx_faka_metrics_room(m)) {
        return;
    }

    b = m->last->buf;

    va_start(args, format);
    b->last = ngx_vslprintf(b->last, b->end, format, args);
    va_end(args);
}


static void
ngx_faka_metrics_head(ngx_faka_metrics_t *m, const char *name,
    const char *type, const char *help)
{
    ngx_faka_metrics_line(m, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
                          type);
}


static void
ngx_faka_metrics_gauge(ngx_faka_metrics_t *m, const char *name,
    const char *help, uint64_t value)
{
    ngx_faka_metrics_head(m, name, "gauge", help);
    ngx_faka_metrics_line(m, "%s %uL\n", name, value);
}


static void
ngx_faka_metrics_counters(ngx_faka_metrics_t *m)
{
    const ngx_faka_metrics_counter_t  *counter;

    for (counter = ngx_faka_metrics_stats; counter->name != NULL; counter++) {
        ngx_faka_metrics_head(m, counter->name, "counter", counter->help);
        ngx_faka_metrics_line(m, "%s %uL\n", counter->name,
                              fk_stat_get(m->fk, counter->stat));
    }
}


static void
ngx_faka_metrics_state(ngx_faka_metrics_t *m)
{
    ngx_uint_t       i;
    fk_shop_state_t  state;

    state = fk_shop_state(m->fk);

    ngx_faka_metrics_head(m, "faka_shop_state", "gauge",
                          "1 for the present state of the shop.");

    for (i = 0; i < FK_SHOP_STATE_COUNT; i++) {
        ngx_faka_metrics_line(m, "faka_shop_state{state=\"%s\"} %ui\n",
                              fk_shop_state_word[i], i == (ngx_uint_t) state);
    }

    if (state == FK_SHOP_FAILED) {
        ngx_faka_metrics_fail_reason(m);
    }
}


/* Reasons are our own words; a label must not end early all the same. */

static void
ngx_faka_metrics_fail_reason(ngx_faka_metrics_t *m)
{
    char    reason[NGX_FAKA_REASON_SIZE];
    size_t  i;

    (void) fk_fail_reason(m->fk, reason, sizeof(reason));

    for (i = 0; reason[i] != '\0'; i++) {
        if (reason[i] < ' ' || reason[i] == '"' || reason[i] == '\\') {
            reason[i] = '?';
        }
    }

    ngx_faka_metrics_head(m, "faka_fail_reason", "gauge",
                          "1: why the shop has stopped itself.");
    ngx_faka_metrics_line(m, "faka_fail_reason{reason=\"%s\"} 1\n", reason);
}


static void
ngx_faka_metrics_journal(ngx_faka_metrics_t *m)
{
    ngx_faka_worker_t  *worker;
    fk_journal_view_t   view;

    worker = m->shop->worker;
    fk_journal_view(m->fk, &view);

    ngx_faka_metrics_gauge(m, "faka_redis_up", "Whether the journal answers.",
                           ngx_faka_journal_ready(worker->journal));
    ngx_faka_metrics_gauge(m, "faka_redis_fsync",
                           "Whether Redis fsyncs each write.",
                           ngx_faka_journal_fsync(worker->journal) == 1);
    ngx_faka_metrics_gauge(m, "faka_parked_requests",
                           "Requests of this worker that wait for the disk.",
                           worker->parked_count);

    ngx_faka_metrics_gauge(m, "faka_journal_epoch",
                           "Under which the shop writes its journal.",
                           view.epoch);
    ngx_faka_metrics_gauge(m, "faka_journal_seq",
                           "Last journal record written.", view.seq);
    ngx_faka_metrics_gauge(m, "faka_journal_durable_seq",
                           "Last journal record known to be durable.",
                           view.durable_seq);
    ngx_faka_metrics_gauge(m, "faka_journal_ring_bytes",
                           "Bytes of records that are not yet durable.",
                           view.ring_used);
    ngx_faka_metrics_gauge(m, "faka_journal_ring_capacity_bytes",
                           "Bytes of records that the ring can hold.",
                           view.ring_size);
}


static void
ngx_faka_metrics_snapshot(ngx_faka_metrics_t *m)
{
    int64_t  age_ms;

    ngx_faka_metrics_gauge(m, "faka_journal_tail_bytes",
                           "Bytes of journal behind the last snapshot.",
                           fk_stat_get(m->fk, FJ_STAT_TAIL_BYTES));
    ngx_faka_metrics_gauge(m, "faka_snapshot_bytes",
                           "Bytes of the last snapshot; 0: there is none.",
                           fk_stat_get(m->fk, FJ_STAT_SNAPSHOT_BYTES));

    age_ms = (int64_t) ngx_current_msec
             - (int64_t) fk_stat_get(m->fk, FJ_STAT_SNAPSHOT_AT_MS);

    ngx_faka_metrics_gauge(m, "faka_snapshot_age_seconds",
                           "Time since the last snapshot, or since the shop "
                           "opened.", (uint64_t) ngx_max(age_ms, 0) / 1000);
}


static void
ngx_faka_metrics_events(ngx_faka_metrics_t *m)
{
    uint64_t  fed, durable;

    fed = fk_stat_get(m->fk, FJ_STAT_FEED_SEQ);
    durable = fk_durable_seq(m->fk);

    if (m->shop->events_max == 0 || fed > durable) {
        fed = durable;
    }

    ngx_faka_metrics_gauge(m, "faka_events_lag_records",
                           "Durable records whose events are not written.",
                           durable - fed);
}


static void
ngx_faka_metrics_orders(ngx_faka_metrics_t *m)
{
    uint64_t    sum;
    ngx_uint_t  i;

    ngx_faka_metrics_head(m, "faka_orders_total", "counter",
                          "Checkouts by their result.");

    for (i = 0; i < FK_CODE_COUNT; i++) {

        if (ngx_faka_metrics_word_sum(m, i, &sum) == NGX_OK) {
            ngx_faka_metrics_line(m, "faka_orders_total{result=\"%s\"} %uL\n",
                                  fk_code_info[i].word, sum);
        }
    }
}


/*
 * Several codes share a word, and a label may occur once only: the first of
 * them has the sum of all, and the others are NGX_DECLINED.
 */

static ngx_int_t
ngx_faka_metrics_word_sum(ngx_faka_metrics_t *m, ngx_uint_t code,
    uint64_t *sum)
{
    ngx_uint_t  i;

    *sum = 0;

    for (i = 0; i < FK_CODE_COUNT; i++) {

        if (ngx_strcmp(fk_code_info[i].word, fk_code_info[code].word) != 0) {
            continue;
        }

        if (i < code) {
            return NGX_DECLINED;
        }

        *sum += fk_stat_get(m->fk, NGX_FAKA_STAT_CHECKOUT + i);
    }

    return NGX_OK;
}


static void
ngx_faka_metrics_notices(ngx_faka_metrics_t *m)
{
    uint64_t    strays;
    ngx_uint_t  i;

    ngx_faka_metrics_head(m, "faka_notify_total", "counter",
                          "Payment notices by verdict.");

    for (i = 0; i < PAY_VERDICT_COUNT; i++) {
        ngx_faka_metrics_line(m, "faka_notify_total{verdict=\"%s\"} %uL\n",
                              pay_verdict_word((pay_verdict_e) i),
                              fk_stat_get(m->fk,
                                          NGX_FAKA_STAT_NOTIFY_VERDICT + i));
    }

    strays = fk_stat_get(m->fk, NGX_FAKA_STAT_STRAYS);

    if (strays != 0) {
        ngx_faka_metrics_gauge(m, "faka_strays",
                               "Payments for no order of their channel, "
                               "kept: GET /admin/strays.", strays - 1);
    }

    ngx_faka_metrics_head(m, "faka_payments_total", "counter",
                          "Genuine payments by what became of the money.");

    for (i = 0; i < FK_PAY_COUNT; i++) {
        ngx_faka_metrics_line(m, "faka_payments_total{result=\"%s\"} %uL\n",
                              fk_pay_result_word[i],
                              fk_stat_get(m->fk,
                                          NGX_FAKA_STAT_NOTIFY_RESULT + i));
    }

    ngx_faka_metrics_head(m, "faka_gateway_asks_total", "counter",
                          "Questions to gateways by what they answered.");

    for (i = 0; i < PAY_ASK_COUNT * PAY_ANSWER_COUNT; i++) {
        ngx_faka_metrics_line(m, "faka_gateway_asks_total{ask=\"%s\","
                              "answer=\"%s\"} %uL\n",
                              pay_ask_word(i / PAY_ANSWER_COUNT),
                              pay_answer_word(i % PAY_ANSWER_COUNT),
                              fk_stat_get(m->fk, NGX_FAKA_STAT_ASKS + i));
    }
}


static void
ngx_faka_metrics_memory(ngx_faka_metrics_t *m)
{
    ngx_uint_t  i;
    fk_usage_t  usage[FK_USAGE_COUNT];

    fk_usage(m->fk, usage);

    ngx_faka_metrics_head(m, "faka_memory_used", "gauge",
                          "Entries in use in a table of the region.");

    for (i = 0; i < FK_USAGE_COUNT; i++) {
        ngx_faka_metrics_line(m, "faka_memory_used{table=\"%s\"} %uL\n",
                              usage[i].table, usage[i].used);
    }

    ngx_faka_metrics_head(m, "faka_memory_capacity", "gauge",
                          "Entries that the table can hold.");

    for (i = 0; i < FK_USAGE_COUNT; i++) {
        ngx_faka_metrics_line(m, "faka_memory_capacity{table=\"%s\"} %uL\n",
                              usage[i].table, usage[i].capacity);
    }
}


/* A shop that has not been read back yet would show stock that is not so. */

static void
ngx_faka_metrics_stock(ngx_faka_metrics_t *m)
{
    uint32_t            i, n, cursor;
    fk_env_t            env;
    fk_product_view_t  *products, *p;

    static const char  line[] =
        "faka_stock{sku=\"%s\",state=\"available\"} %L\n"
        "faka_stock{sku=\"%s\",state=\"held\"} %L\n"
        "faka_stock{sku=\"%s\",state=\"sold\"} %L\n"
        "faka_stock{sku=\"%s\",state=\"void\"} %L\n"
        "faka_stock{sku=\"%s\",state=\"waiting\"} %L\n";

    if (ngx_faka_shop_code(m->shop) != FK_OK) {
        return;
    }

    products = ngx_palloc(m->pool,
                          FK_LIST_SLICE_MAX * sizeof(fk_product_view_t));
    if (products == NULL) {
        m->failed = 1;
        return;
    }

    ngx_faka_metrics_head(m, "faka_stock", "gauge",
                          "Units by state; those that paid orders wait for "
                          "are waiting.");
    ngx_faka_env(&env);
    cursor = 0;

    do {
        n = FK_LIST_SLICE_MAX;

        /* A series with a gap: the other numbers are wanted all the more. */
        if (fk_product_list(m->fk, &env, &cursor, products, &n) != FK_OK) {
            break;
        }

        for (i = 0; i < n; i++) {
            p = &products[i];
            ngx_faka_metrics_line(m, line, p->sku, p->available, p->sku,
                                  p->held, p->sku, p->sold, p->sku, p->voided,
                                  p->sku, p->owed);
        }

    } while (cursor != 0);

    (void) ngx_pfree(m->pool, products);
}


/* Of the rules that this worker has; their numbers are all workers'. */

static void
ngx_faka_metrics_rules(ngx_faka_metrics_t *m)
{
    ngx_uint_t               v, hook, code, stat;
    const ngx_faka_rules_t  *rules;

    static const char *const  variant[NGX_FAKA_RULES_COUNT] = {
        "main", "canary"
    };

    static const struct {
        const char  *name;
        const char  *help;
        ngx_uint_t   stat;
    } sums[] = {
        { "faka_rules_orders_total", "Orders that rules were asked about.",
          NGX_FAKA_STAT_RULES_ORDERS },
        { "faka_rules_list_amount_total", "What these cost by the list.",
          NGX_FAKA_STAT_RULES_LIST },
        { "faka_rules_amount_total", "What these cost by the rules.",
          NGX_FAKA_STAT_RULES_AMOUNT }
    };

    rules = m->shop->worker->rules;

    if (!rules->asks) {
        return;
    }

    ngx_faka_metrics_head(m, "faka_rules_calls_total", "counter",
                          "Calls of a hook by how they ended.");

    for (v = 0; v < NGX_FAKA_RULES_COUNT; v++) {
        for (hook = 0; hook < FL_HOOK_COUNT && rules->vm[v]; hook++) {
            for (code = 0; code < FL_CODE_COUNT; code++) {
                stat = NGX_FAKA_STAT_RULES_CALLS
                       + (v * FL_HOOK_COUNT + hook) * FL_CODE_COUNT + code;

                ngx_faka_metrics_line(m, "faka_rules_calls_total{rules="
                                      "\"%s\",hook=\"%s\",result=\"%s\"} "
                                      "%uL\n", variant[v],
                                      fl_hook_word[hook], fl_code_word[code],
                                      fk_stat_get(m->fk, stat));
            }
        }
    }

    for (stat = 0; stat < sizeof(sums) / sizeof(sums[0]); stat++) {
        ngx_faka_metrics_head(m, sums[stat].name, "counter",
                              sums[stat].help);

        for (v = 0; v < NGX_FAKA_RULES_COUNT; v++) {
            ngx_faka_metrics_line(m, "%s{rules=\"%s\"} %uL\n",
                                  sums[stat].name, variant[v],
                                  fk_stat_get(m->fk, sums[stat].stat + v));
        }
    }

    ngx_faka_metrics_head(m, "faka_rules_shadow_total", "counter",
                          "Answers of a shadow beside those of the rules.");

    for (hook = 0; hook < FL_HOOK_COUNT; hook++) {
        stat = NGX_FAKA_STAT_SHADOW + 2 * hook;

        ngx_faka_metrics_line(m, "faka_rules_shadow_total{hook=\"%s\",result="
                              "\"same\"} %uL\nfaka_rules_shadow_total{hook="
                              "\"%s\",result=\"different\"} %uL\n",
                              fl_hook_word[hook], fk_stat_get(m->fk, stat),
                              fl_hook_word[hook],
                              fk_stat_get(m->fk, stat + 1));
    }
}


static void
ngx_faka_metrics_risk(ngx_faka_metrics_t *m)
{
    ngx_uint_t  verdict, by;

    static const char *const  who[NGX_FAKA_RISK_COUNT] = {
        [NGX_FAKA_RISK_RULE] = "rule",
        [NGX_FAKA_RISK_FALLBACK] = "fallback",
        [NGX_FAKA_RISK_LIMIT] = "order_limit",
        [NGX_FAKA_RISK_BLOCK] = "block",
        [NGX_FAKA_RISK_AMOUNT] = "review_over",
        [NGX_FAKA_RISK_FIRST] = "review_first_order"
    };

    if (!m->shop->worker->rules->asks) {
        return;
    }

    ngx_faka_metrics_head(m, "faka_risk_total", "counter",
                          "Orders refused or to be looked at, by who said "
                          "so.");

    for (verdict = FL_RISK_REVIEW; verdict < FL_RISK_COUNT; verdict++) {
        for (by = 0; by < NGX_FAKA_RISK_COUNT; by++) {
            ngx_faka_metrics_line(m, "faka_risk_total{verdict=\"%s\",by="
                                  "\"%s\"} %uL\n", fl_risk_word[verdict],
                                  who[by],
                                  fk_stat_get(m->fk, NGX_FAKA_STAT_RISK
                                      + verdict * NGX_FAKA_RISK_COUNT + by));
        }
    }
}

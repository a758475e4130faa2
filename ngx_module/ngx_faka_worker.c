/*
 * A worker's life with its shops: it attaches to the region, makes the keys
 * ready, starts the journal, ticks, and ends.
 *
 * Redis being down is no reason not to start: the shop answers 503 until the
 * journal has been read.  What makes a worker give up is only what no retry
 * can cure, and that has been tried by the master before.
 *
 * Also here: the bell, an eventfd for each worker.  Whoever learns that the
 * durable mark has moved rings all the others, because it is they who hold
 * the requests that wait for it.
 */

#include "ngx_faka_gateway.h"
#include "ngx_faka_call.h"
#include "ngx_faka_rules.h"
#include "ngx_faka_stray.h"

#include <sys/mman.h>


#define NGX_FAKA_TICK_MS     200
#define NGX_FAKA_TICK_STEPS  256
#define NGX_FAKA_PACE_MS     5             /* durability memory: fewer, larger
                                              batches, since nobody waits */
#define NGX_FAKA_TOUCH_MS    4             /* of a tick */
#define NGX_FAKA_IDLE_MS     8             /* between ticks without requests */
#define NGX_FAKA_TOUCH_SIZE  ((size_t) 256 << 10)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE  23            /* Linux 5.14 */
#endif


static void ngx_faka_worker_no_core(ngx_cycle_t *cycle);
static ngx_int_t ngx_faka_worker_start(ngx_cycle_t *cycle,
    ngx_faka_shop_t *shop);
static ngx_int_t ngx_faka_worker_attach(ngx_faka_worker_t *worker);
static ngx_int_t ngx_faka_worker_journal(ngx_cycle_t *cycle,
    ngx_faka_worker_t *worker);
static void ngx_faka_worker_timers(ngx_faka_worker_t *worker);
static void ngx_faka_worker_bell_open(ngx_cycle_t *cycle,
    ngx_faka_worker_t *worker);
static void ngx_faka_worker_bell_close(ngx_faka_worker_t *worker);
static void ngx_faka_worker_bell(ngx_event_t *ev);
static void ngx_faka_worker_wake(void *data);
static void ngx_faka_worker_tick(ngx_event_t *ev);
static void ngx_faka_worker_failed(ngx_faka_worker_t *worker);
static ngx_uint_t ngx_faka_worker_touch(ngx_faka_worker_t *worker);
static void ngx_faka_worker_drain(ngx_faka_worker_t *worker);
static void ngx_faka_worker_stop(ngx_faka_worker_t *worker);
static uint64_t ngx_faka_worker_owner(void);


/* One of each a process, for all shops. */

static pay_crypto_t  *ngx_faka_worker_crypto;
static pay_memo_t    *ngx_faka_worker_memo;


/* Cache manager and loader run this, too, but they sell nothing. */

ngx_int_t
ngx_faka_worker_init(ngx_cycle_t *cycle)
{
    char                    err[256];
    ngx_uint_t              i;
    ngx_faka_shop_t       **shops;
    ngx_faka_main_conf_t   *fmcf;

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    fmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_faka_module);

    if (fmcf == NULL || fmcf->shops.nelts == 0) {
        return NGX_OK;
    }

    ngx_faka_worker_no_core(cycle);

    ngx_faka_worker_crypto = pay_crypto_create(err, sizeof(err));

    if (ngx_faka_worker_crypto == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "faka: %s", err);
        return NGX_ERROR;
    }

    ngx_faka_worker_memo = pay_memo_create();

    if (ngx_faka_worker_memo == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "faka: no memory to remember notices in");
        return NGX_ERROR;
    }

    shops = fmcf->shops.elts;

    for (i = 0; i < fmcf->shops.nelts; i++) {
        if (ngx_faka_worker_start(cycle, shops[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_faka_accept_init_worker(cycle);

    return NGX_OK;
}


/* Each shop has keys, and a core file would hold them and opened cards: there
 * is none, whatever worker_rlimit_core says. */

static void
ngx_faka_worker_no_core(ngx_cycle_t *cycle)
{
    struct rlimit  none;

    none.rlim_cur = 0;
    none.rlim_max = 0;

    if (setrlimit(RLIMIT_CORE, &none) == -1) {
        ngx_log_error(NGX_LOG_WARN, cycle->log, ngx_errno,
                      "faka: core files cannot be forbidden");
    }
}


static ngx_int_t
ngx_faka_worker_start(ngx_cycle_t *cycle, ngx_faka_shop_t *shop)
{
    char                err[256];
    ngx_faka_worker_t  *worker;

    worker = ngx_pcalloc(cycle->pool, sizeof(ngx_faka_worker_t));
    if (worker == NULL) {
        return NGX_ERROR;
    }

    worker->shop = shop;
    worker->log = cycle->log;
    worker->owner = ngx_faka_worker_owner();
    worker->starting = 1;
    worker->started_at = ngx_current_msec;
    worker->crypto = ngx_faka_worker_crypto;
    worker->memo = ngx_faka_worker_memo;
    ngx_queue_init(&worker->parked);
    ngx_queue_init(&worker->answered);
    ngx_faka_calls_start(worker);
    ngx_queue_init(&worker->asks);

    worker->vault = pay_vault_create(worker->crypto, &shop->master, err,
                                     sizeof(err));
    if (worker->vault == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "faka_shop \"%V\": %s",
                      &shop->name, err);
        return NGX_ERROR;
    }

    if (ngx_faka_worker_attach(worker) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_faka_rules_start(cycle, worker) != NGX_OK) {
        return NGX_ERROR;
    }

    shop->worker = worker;

    ngx_faka_worker_bell_open(cycle, worker);
    ngx_faka_worker_timers(worker);

    return ngx_faka_worker_journal(cycle, worker);
}


static ngx_int_t
ngx_faka_worker_attach(ngx_faka_worker_t *worker)
{
    void             *region;
    const char       *why;
    ngx_faka_shop_t  *shop;

    shop = worker->shop;
    region = ngx_faka_zone_region(shop);

    if (fk_attach(&worker->fk, region, shop->memory, &why) != FK_OK) {
        ngx_log_error(NGX_LOG_EMERG, worker->log, 0,
                      "faka_shop \"%V\": cannot attach to its memory: %s",
                      &shop->name, why);
        return NGX_ERROR;
    }

    fk_introduce(&worker->fk, worker->owner);
    worker->attached = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_faka_worker_journal(ngx_cycle_t *cycle, ngx_faka_worker_t *worker)
{
    ngx_faka_journal_options_t  options;

    ngx_memzero(&options, sizeof(ngx_faka_journal_options_t));

    options.shop = worker->shop->name;
    options.redis = &worker->shop->redis;
    options.fk = &worker->fk;
    options.owner = worker->owner;
    options.log = worker->log;
    options.pace_ms = worker->shop->durability == NGX_FAKA_DURABILITY_MEMORY
                      ? NGX_FAKA_PACE_MS : 0;
    options.wake = ngx_faka_worker_wake;
    options.ring = ngx_faka_worker_ring;
    options.replaced = ngx_faka_owner_replaced;
    options.standby = worker->shop->standby;
    options.replicas = worker->shop->replicas;
    options.data = worker;

    ngx_faka_owner_identify(cycle, &options);

    worker->journal = ngx_faka_journal_start(cycle, &options);

    if (worker->journal == NULL) {
        return NGX_ERROR;
    }

    if (ngx_faka_reconcile_start(worker) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_faka_archive_start(cycle, worker);
}


static void
ngx_faka_worker_timers(ngx_faka_worker_t *worker)
{
    worker->tick.handler = ngx_faka_worker_tick;
    worker->tick.data = worker;
    worker->tick.log = worker->log;
    worker->tick.cancelable = 1;

    worker->fallback.handler = ngx_faka_park_fallback;
    worker->fallback.data = worker;
    worker->fallback.log = worker->log;

    /* workers tick in turn, so that what is due waits less */

    ngx_add_timer(&worker->tick,
                  NGX_FAKA_TICK_MS + ngx_worker * 37 % NGX_FAKA_TICK_MS);
}


/*
 * Level-triggered and marked as idle: nginx then calls the handler also when
 * the worker is told to quit.  Without a bell the tick notices that.
 */

static void
ngx_faka_worker_bell_open(ngx_cycle_t *cycle, ngx_faka_worker_t *worker)
{
    ngx_connection_t  *c;

    if (ngx_worker >= worker->shop->event_fd_count) {
        return;
    }

    c = ngx_get_connection(worker->shop->event_fds[ngx_worker], cycle->log);
    if (c == NULL) {
        return;
    }

    c->data = worker;
    c->idle = 1;
    c->log = cycle->log;
    c->read->log = cycle->log;
    c->write->log = cycle->log;
    c->read->handler = ngx_faka_worker_bell;

    worker->bell = c;

    if (ngx_add_event(c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT) != NGX_OK) {
        ngx_faka_worker_bell_close(worker);
    }
}


/* The descriptor belongs to the configuration, which closes it. */

static void
ngx_faka_worker_bell_close(ngx_faka_worker_t *worker)
{
    ngx_connection_t  *c;

    c = worker->bell;

    if (c == NULL) {
        return;
    }

    worker->bell = NULL;

    if (c->read->active) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, 0);
    }

    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }

    ngx_free_connection(c);
    c->fd = (ngx_socket_t) -1;
}


static void
ngx_faka_worker_bell(ngx_event_t *ev)
{
    uint64_t            count;
    ngx_connection_t   *c;
    ngx_faka_worker_t  *worker;

    c = ev->data;
    worker = c->data;

    if (c->close) {
        c->close = 0;

        /* Else idle connections were closed, of which this is none. */
        if (ngx_exiting) {
            c->idle = 0;
            ngx_faka_worker_drain(worker);
        }

        return;
    }

    /* empty already: somebody else's ring was taken with an earlier one */

    if (read(c->fd, &count, sizeof(count)) == -1 && ngx_errno != NGX_EAGAIN) {
        ngx_log_error(NGX_LOG_ALERT, worker->log, ngx_errno,
                      "faka: read() of the bell failed");
    }

    if (fk_shop_state(&worker->fk) == FK_SHOP_FENCED) {
        /* The one that rang has found it out; this one asks by whom. */
        ngx_faka_journal_kick(worker->journal);
    }

    ngx_faka_worker_wake(worker);
}


/* Who was refused because the shop is another's by now may come again over any
 * connection that he has to this worker, and would be refused again. */

static void
ngx_faka_worker_wake(void *data)
{
    ngx_faka_worker_t *worker = data;

    ngx_faka_park_wake(worker);

    if (worker->replaced || fk_shop_state(&worker->fk) == FK_SHOP_FENCED) {
        ngx_close_idle_connections((ngx_cycle_t *) ngx_cycle);
    }
}


void
ngx_faka_worker_ring(void *data)
{
    ngx_faka_worker_t *worker = data;

    ngx_uint_t        i;
    ngx_faka_shop_t  *shop;

    static const uint64_t  one = 1;

    shop = worker->shop;

    for (i = 0; i < shop->event_fd_count; i++) {

        if (i == ngx_worker) {
            continue;
        }

        /* full: the other has not heard the last 2^64 rings and is told so */

        if (write(shop->event_fds[i], &one, sizeof(one)) == -1
            && ngx_errno != NGX_EAGAIN)
        {
            ngx_log_error(NGX_LOG_ALERT, worker->log, ngx_errno,
                          "faka: write() to a bell failed");
        }
    }
}


static void
ngx_faka_worker_tick(ngx_event_t *ev)
{
    ngx_faka_worker_t *worker = ev->data;

    fk_env_t    env;
    fk_tick_t   done;
    fk_code_t   code;
    ngx_msec_t  wait_ms;

    wait_ms = NGX_FAKA_TICK_MS;

    if (ngx_exiting) {
        ngx_faka_worker_drain(worker);
    }

    if (fk_shop_state(&worker->fk) == FK_SHOP_OPEN) {

        ngx_memzero(&done, sizeof(fk_tick_t));
        ngx_faka_env(&env);
        ngx_faka_worker_bury(worker);

        code = fk_tick(&worker->fk, &env, NGX_FAKA_TICK_STEPS, &done);

        if (done.seq != 0 || code == FK_RING_FULL) {
            ngx_faka_journal_kick(worker->journal);
        }

        if (code == FK_AGAIN) {
            wait_ms = 1;
        }
    }

    ngx_faka_strays_tick(worker);
    ngx_faka_worker_failed(worker);
    ngx_faka_worker_wake(worker);
    ngx_faka_park_expire(worker);

    if (ngx_faka_worker_touch(worker)) {
        wait_ms = ngx_min(wait_ms, NGX_FAKA_IDLE_MS);
    }

    ngx_add_timer(ev, wait_ms);
}


/* Whoever finds the damage may have died of it: so the others say it, too. */

static void
ngx_faka_worker_failed(ngx_faka_worker_t *worker)
{
    char  reason[NGX_FAKA_REASON_SIZE];

    if (worker->failed_said || fk_shop_state(&worker->fk) != FK_SHOP_FAILED) {
        return;
    }

    worker->failed_said = 1;

    ngx_log_error(NGX_LOG_EMERG, worker->log, 0,
                  "faka_shop \"%V\": has stopped itself: %s; a reload does "
                  "not start it again, a restart does",
                  &worker->shop->name,
                  fk_fail_reason(&worker->fk, reason, sizeof(reason)));
}


/*
 * The first write of a process to a page costs a fault, and the shop's lock
 * would be held meanwhile.  So the pages are made ready ahead of use, a few
 * milliseconds a tick, and more often while nobody asks for anything: all at
 * once could keep a large shop closed for many seconds, as some virtual
 * machines hand out memory slowly.  Older kernels know no such call; there it
 * is fault by fault.  Returns whether the next tick should come early.
 */

static ngx_uint_t
ngx_faka_worker_touch(ngx_faka_worker_t *worker)
{
    size_t      left;
    u_char     *region;
    ngx_msec_t  started;
    ngx_uint_t  idle;

    region = ngx_faka_zone_region(worker->shop);
    started = ngx_current_msec;
    idle = worker->request_count == worker->request_count_seen;
    worker->request_count_seen = worker->request_count;

    while (worker->touched < worker->shop->memory
           && ngx_current_msec - started < NGX_FAKA_TOUCH_MS)
    {
        left = ngx_min(worker->shop->memory - worker->touched,
                       NGX_FAKA_TOUCH_SIZE);

        if (madvise(region + worker->touched, left, MADV_POPULATE_WRITE)
            == -1)
        {
            if (ngx_errno != NGX_EINVAL) {
                ngx_log_error(NGX_LOG_ERR, worker->log, ngx_errno,
                              "faka_shop \"%V\": its memory is not there in "
                              "whole", &worker->shop->name);
            }

            worker->touched = worker->shop->memory;
            break;
        }

        worker->touched += left;
        ngx_time_update();
    }

    return idle && worker->touched < worker->shop->memory;
}


static void
ngx_faka_worker_drain(ngx_faka_worker_t *worker)
{
    if (worker->draining) {
        return;
    }

    worker->draining = 1;

    /* Another worker goes on with what it was at. */
    ngx_faka_keeper_stop(worker->keeper);

    if (worker->feed != NULL) {
        ngx_faka_feed_stop(worker->feed);
    }

    ngx_faka_journal_drain(worker->journal);
}


void
ngx_faka_worker_exit(ngx_cycle_t *cycle)
{
    ngx_uint_t              i;
    ngx_faka_shop_t       **shops;
    ngx_faka_main_conf_t   *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_faka_module);

    if (fmcf == NULL) {
        return;
    }

    shops = fmcf->shops.elts;

    for (i = 0; i < fmcf->shops.nelts; i++) {

        if (shops[i]->worker != NULL) {
            ngx_faka_worker_stop(shops[i]->worker);
            shops[i]->worker = NULL;
        }
    }

    pay_memo_destroy(ngx_faka_worker_memo);
    ngx_faka_worker_memo = NULL;

    pay_crypto_destroy(ngx_faka_worker_crypto);
    ngx_faka_worker_crypto = NULL;
}


static void
ngx_faka_worker_stop(ngx_faka_worker_t *worker)
{
    if (worker->tick.timer_set) {
        ngx_del_timer(&worker->tick);
    }

    if (worker->fallback.timer_set) {
        ngx_del_timer(&worker->fallback);
    }

    ngx_faka_calls_stop(worker);
    ngx_faka_reconcile_stop(worker);
    ngx_faka_archive_stop(worker);

    if (worker->journal != NULL) {
        ngx_faka_journal_stop(worker->journal);
        worker->journal = NULL;
    }

    ngx_faka_worker_bell_close(worker);
    ngx_faka_rules_stop(worker);

    pay_vault_destroy(worker->vault);
    worker->vault = NULL;
    worker->attached = 0;
}


/* A pid may come again; together with the start time it does not. */

static uint64_t
ngx_faka_worker_owner(void)
{
    uint64_t         owner;
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    owner = ((uint64_t) ngx_pid << 32)
            | ((uint32_t) ts.tv_nsec ^ ((uint32_t) ts.tv_sec << 20));

    return owner != 0 ? owner : 1;
}


void
ngx_faka_env(fk_env_t *env)
{
    ngx_time_t  *now;

    now = ngx_timeofday();

    env->now_ms = (int64_t) now->sec * 1000 + (int64_t) now->msec;
}

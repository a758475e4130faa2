/*
 * The journal's connection: connect, authenticate, ask whether Redis keeps
 * what it is told, then recover the shop or join the selling; reconnect for
 * ever with jittered backoff.
 *
 * At most one command is on its way, so a reply, a lost connection and a
 * timeout have one meaning each: the command table names the handler, and a
 * NULL reply is "unknown outcome".
 */

#include "ngx_faka_journal_priv.h"


typedef struct {
    const char   *name;
    ngx_msec_t    timeout_ms;
    void        (*handler)(ngx_faka_journal_t *j, redisReply *reply);
} ngx_faka_command_info_t;


static void ngx_faka_journal_connect(ngx_faka_journal_t *j);
static void ngx_faka_journal_connected(ngx_faka_link_t *link);
static void ngx_faka_journal_closed(ngx_faka_link_t *link);
static void ngx_faka_journal_watch_handler(ngx_event_t *ev);
static void ngx_faka_journal_retry_handler(ngx_event_t *ev);
static void ngx_faka_journal_drain_handler(ngx_event_t *ev);
static void ngx_faka_journal_callback(redisAsyncContext *ac, void *data,
    void *privdata);
static void ngx_faka_journal_backoff(ngx_faka_journal_t *j);


static const ngx_faka_command_info_t  ngx_faka_commands[] = {
    { "nothing", 0, NULL },
    { "AUTH", NGX_FAKA_COMMAND_TIMEOUT_MS, ngx_faka_handshake_on_auth },
    { "SELECT", NGX_FAKA_COMMAND_TIMEOUT_MS, ngx_faka_handshake_on_select },
    { "CONFIG GET", NGX_FAKA_COMMAND_TIMEOUT_MS,
      ngx_faka_handshake_on_config },
    { "XINFO for the flush", NGX_FAKA_COMMAND_TIMEOUT_MS,
      ngx_faka_flush_on_probe },
    { "XADD of a batch", NGX_FAKA_COMMAND_TIMEOUT_MS,
      ngx_faka_flush_on_batch },
    { "XADD of a new journal", NGX_FAKA_COMMAND_TIMEOUT_MS,
      ngx_faka_flush_on_begin },
    { "XINFO for the takeover", NGX_FAKA_READ_TIMEOUT_MS,
      ngx_faka_recover_on_top },
    { "XADD of the takeover", NGX_FAKA_READ_TIMEOUT_MS,
      ngx_faka_recover_on_take },
    { "XRANGE", NGX_FAKA_READ_TIMEOUT_MS, ngx_faka_recover_on_page },
    { "XADD of the opening", NGX_FAKA_READ_TIMEOUT_MS,
      ngx_faka_recover_on_mark }
};

_Static_assert(sizeof(ngx_faka_commands) / sizeof(ngx_faka_commands[0])
               == NGX_FAKA_COMMAND_COUNT, "one row a command");


ngx_faka_journal_t *
ngx_faka_journal_start(ngx_cycle_t *cycle,
    const ngx_faka_journal_options_t *options)
{
    ngx_faka_journal_t  *j;

    j = ngx_pcalloc(cycle->pool, sizeof(ngx_faka_journal_t));
    if (j == NULL) {
        return NULL;
    }

    j->options = *options;
    j->fk = options->fk;
    j->log = options->log;
    j->owner = options->owner;
    j->fsync = -1;

    j->key.len = sizeof("faka:{}:journal") - 1 + options->shop.len;
    j->key.data = ngx_pnalloc(cycle->pool, j->key.len + 1);
    if (j->key.data == NULL) {
        return NULL;
    }

    ngx_sprintf(j->key.data, "faka:{%V}:journal%Z", &options->shop);

    /* Tells our takeover from another's when the reply to it was lost. */
    ngx_snprintf((u_char *) j->instance, sizeof(j->instance), "%016xL%Z",
                 (int64_t) j->owner);

    j->link.log = j->log;
    j->link.data = j;
    j->link.connected = ngx_faka_journal_connected;
    j->link.closed = ngx_faka_journal_closed;

    j->watch.handler = ngx_faka_journal_watch_handler;
    j->retry.handler = ngx_faka_journal_retry_handler;
    j->flush.handler = ngx_faka_flush_handler;
    j->drain.handler = ngx_faka_journal_drain_handler;
    j->pulse.handler = ngx_faka_flush_pulse_handler;
    j->watch.data = j->retry.data = j->flush.data = j->drain.data
        = j->pulse.data = j;
    j->watch.log = j->retry.log = j->flush.log = j->drain.log
        = j->pulse.log = j->log;
    j->retry.cancelable = 1;
    j->pulse.cancelable = 1;

    ngx_faka_journal_connect(j);
    ngx_add_timer(&j->pulse, NGX_FAKA_PULSE_MS);

    return j;
}


void
ngx_faka_journal_kick(ngx_faka_journal_t *j)
{
    ngx_msec_t  since;

    if (j->state != NGX_FAKA_JOURNAL_READY
        || j->command != NGX_FAKA_COMMAND_NONE)
    {
        return;
    }

    since = ngx_current_msec - j->batch_at;

    if (since >= j->options.pace_ms) {
        ngx_post_event(&j->flush, &ngx_posted_events);

    } else if (!j->retry.timer_set) {
        ngx_add_timer(&j->retry, j->options.pace_ms - since);
    }
}


ngx_uint_t
ngx_faka_journal_ready(const ngx_faka_journal_t *j)
{
    return j->state == NGX_FAKA_JOURNAL_READY
           && fk_shop_state(j->fk) == FK_SHOP_OPEN;
}


ngx_int_t
ngx_faka_journal_fsync(const ngx_faka_journal_t *j)
{
    return j->fsync;
}


void
ngx_faka_journal_drain(ngx_faka_journal_t *j)
{
    if (j->drain.timer_set || j->state == NGX_FAKA_JOURNAL_STOPPED) {
        return;
    }

    /* Not cancelable: the worker stays for it, but only that long. */
    j->drain_until = ngx_current_msec + NGX_FAKA_DRAIN_MS;
    ngx_add_timer(&j->drain, 1);
}


static void
ngx_faka_journal_drain_handler(ngx_event_t *ev)
{
    ngx_faka_journal_t  *j = ev->data;

    if (fk_durable_seq(j->fk) >= fk_last_seq(j->fk)
        || j->state == NGX_FAKA_JOURNAL_STOPPED
        || (ngx_msec_int_t) (j->drain_until - ngx_current_msec) <= 0)
    {
        return;
    }

    ngx_faka_journal_kick(j);
    ngx_add_timer(&j->drain, NGX_FAKA_POLL_MS);
}


void
ngx_faka_journal_stop(ngx_faka_journal_t *j)
{
    j->state = NGX_FAKA_JOURNAL_STOPPED;

    ngx_faka_redis_close(&j->link);

    if (j->link.gone.posted) {
        ngx_delete_posted_event(&j->link.gone);
    }

    if (j->flush.posted) {
        ngx_delete_posted_event(&j->flush);
    }

    if (j->watch.timer_set) {
        ngx_del_timer(&j->watch);
    }

    if (j->retry.timer_set) {
        ngx_del_timer(&j->retry);
    }

    if (j->drain.timer_set) {
        ngx_del_timer(&j->drain);
    }

    if (j->pulse.timer_set) {
        ngx_del_timer(&j->pulse);
    }
}


/* --- connecting ------------------------------------------------------- */

static void
ngx_faka_journal_connect(ngx_faka_journal_t *j)
{
    j->state = NGX_FAKA_JOURNAL_CONNECTING;

    if (ngx_faka_redis_connect(&j->link, j->options.redis) != NGX_OK) {
        ngx_faka_journal_backoff(j);
        return;
    }

    ngx_add_timer(&j->watch, NGX_FAKA_CONNECT_TIMEOUT_MS);
}


static void
ngx_faka_journal_backoff(ngx_faka_journal_t *j)
{
    ngx_msec_t  wait;

    j->state = NGX_FAKA_JOURNAL_DOWN;

    if (j->backoff_ms < NGX_FAKA_BACKOFF_MIN_MS) {
        j->backoff_ms = NGX_FAKA_BACKOFF_MIN_MS;
    }

    /* Half fixed, half random: workers must not come back in step. */
    wait = j->backoff_ms / 2 + (ngx_msec_t) ngx_random() % j->backoff_ms;

    j->backoff_ms = ngx_min(j->backoff_ms * 2, NGX_FAKA_BACKOFF_MAX_MS);

    ngx_add_timer(&j->retry, wait);
}


static void
ngx_faka_journal_retry_handler(ngx_event_t *ev)
{
    ngx_faka_journal_t  *j = ev->data;

    switch (j->state) {

    case NGX_FAKA_JOURNAL_DOWN:
        ngx_faka_journal_connect(j);
        break;

    case NGX_FAKA_JOURNAL_WAITING:
        ngx_faka_journal_enter(j);
        break;

    case NGX_FAKA_JOURNAL_READY:
        ngx_faka_journal_kick(j);
        break;

    default:
        break;
    }
}


static void
ngx_faka_journal_connected(ngx_faka_link_t *link)
{
    ngx_faka_journal_t  *j = link->data;

    /* Inside hiredis's connect callback commands may be queued, not more. */

    j->state = NGX_FAKA_JOURNAL_HANDSHAKE;
    fk_stat_add(j->fk, NGX_FAKA_STAT_RECONNECTS, 1);

    if (j->watch.timer_set) {
        ngx_del_timer(&j->watch);
    }

    ngx_faka_handshake_next(j, NGX_FAKA_COMMAND_NONE);
}


static void
ngx_faka_journal_closed(ngx_faka_link_t *link)
{
    ngx_uint_t           was_up;
    ngx_faka_journal_t  *j = link->data;

    if (j->watch.timer_set) {
        ngx_del_timer(&j->watch);
    }

    if (j->retry.timer_set) {
        ngx_del_timer(&j->retry);
    }

    if (j->state == NGX_FAKA_JOURNAL_STOPPED) {
        return;
    }

    was_up = j->state == NGX_FAKA_JOURNAL_READY;

    if (was_up) {
        ngx_log_error(NGX_LOG_ERR, j->log, 0,
                      "faka: shop \"%V\" lost its connection to redis \"%V\"",
                      &j->options.shop, &j->options.redis->address);
    }

    ngx_faka_journal_backoff(j);

    if (was_up) {
        j->options.wake(j->options.data);
    }
}


void
ngx_faka_journal_drop(ngx_faka_journal_t *j)
{
    ngx_faka_redis_close(&j->link);
}


static void
ngx_faka_journal_watch_handler(ngx_event_t *ev)
{
    ngx_faka_journal_t  *j = ev->data;

    ngx_log_error(NGX_LOG_ERR, j->log, 0,
                  "faka: redis \"%V\" did not answer in time (%s)",
                  &j->options.redis->address,
                  j->command == NGX_FAKA_COMMAND_NONE
                  ? "connect" : ngx_faka_commands[j->command].name);

    ngx_faka_journal_drop(j);
}


void
ngx_faka_journal_halt(ngx_faka_journal_t *j)
{
    j->state = NGX_FAKA_JOURNAL_STOPPED;

    ngx_faka_journal_drop(j);
    j->options.wake(j->options.data);
}


void
ngx_faka_journal_wake_all(ngx_faka_journal_t *j)
{
    j->options.ring(j->options.data);
    j->options.wake(j->options.data);
}


/* --- commands --------------------------------------------------------- */

void
ngx_faka_journal_send(ngx_faka_journal_t *j, ngx_faka_command_t command,
    int argc, const char **argv, const size_t *argv_size)
{
    ngx_faka_assert(j->command == NGX_FAKA_COMMAND_NONE);

    if (j->link.ac == NULL) {
        return;
    }

    j->command = command;
    ngx_add_timer(&j->watch, ngx_faka_commands[command].timeout_ms);

    if (redisAsyncCommandArgv(j->link.ac, ngx_faka_journal_callback, j, argc,
                              argv, argv_size)
        != REDIS_OK)
    {
        j->command = NGX_FAKA_COMMAND_NONE;
        ngx_faka_journal_drop(j);
    }
}


static void
ngx_faka_journal_callback(redisAsyncContext *ac, void *data, void *privdata)
{
    ngx_faka_command_t   command;
    ngx_faka_journal_t  *j = privdata;

    command = j->command;
    ngx_faka_assert(command != NGX_FAKA_COMMAND_NONE);

    j->command = NGX_FAKA_COMMAND_NONE;

    if (j->watch.timer_set) {
        ngx_del_timer(&j->watch);
    }

    if (data == NULL && command != NGX_FAKA_COMMAND_BATCH
        && command != NGX_FAKA_COMMAND_PROBE)
    {
        /* Only these two hold the lease; the rest is simply asked again. */
        return;
    }

    ngx_faka_commands[command].handler(j, data);
}


void
ngx_faka_journal_log_error(ngx_faka_journal_t *j, redisReply *reply,
    const char *doing)
{
    j->refused = 1;

    ngx_log_error(NGX_LOG_ERR, j->log, 0,
                  "faka: shop \"%V\": redis \"%V\" refuses %s: %*s",
                  &j->options.shop, &j->options.redis->address, doing,
                  reply->type == REDIS_REPLY_ERROR ? (size_t) reply->len
                  : sizeof("unexpected type of reply") - 1,
                  reply->type == REDIS_REPLY_ERROR ? reply->str
                  : "unexpected type of reply");
}


void
ngx_faka_journal_enter(ngx_faka_journal_t *j)
{
    switch (fk_shop_state(j->fk)) {

    case FK_SHOP_EMPTY:
    case FK_SHOP_RECOVERING:
        ngx_faka_recover_start(j);
        return;

    case FK_SHOP_OPEN:
        /* This may be a Redis that lost its tail: ask before sending. */
        if (fk_flush_suspect(j->fk) != FK_OK) {
            ngx_faka_journal_drop(j);
            return;
        }

        j->state = NGX_FAKA_JOURNAL_READY;

        /* One that lets us in and then refuses to write is not well yet. */
        if (!j->refused) {
            j->backoff_ms = 0;
        }

        ngx_faka_journal_kick(j);
        j->options.wake(j->options.data);
        return;

    default:
        ngx_faka_journal_halt(j);
    }
}

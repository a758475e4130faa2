/*
 * The journal on Redis, as one worker sees it: the protocol of journal/ on a
 * connection of hiredis, driven by nginx's events.
 *
 * Guarantees.  What journal/fj.h promises of the records.  Every worker has
 * its own connection; the engine's lease lets one at a time send, and another
 * goes on when it dies.  Nothing here blocks; each wait is bounded by a timer.
 */

#ifndef NGX_FAKA_JOURNAL_H_INCLUDED_
#define NGX_FAKA_JOURNAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "../journal/fj.h"


/* Must hold whatever comes from outside; a worker's death is repaired. */
#define ngx_faka_assert(cond)                                                \
    do {                                                                     \
        if (!(cond)) {                                                       \
            ngx_log_error(NGX_LOG_EMERG, ngx_cycle->log, 0,                  \
                          "faka: assertion failed: %s at %s:%d",             \
                          #cond, __FILE__, __LINE__);                        \
            ngx_debug_point();                                               \
            abort();                                                         \
        }                                                                    \
    } while (0)


typedef struct ngx_faka_journal_s  ngx_faka_journal_t;


/* What the master has read about a shop's Redis; lives as the cycle does. */

typedef struct {
    fj_mode_t      mode;
    ngx_uint_t     address_count;      /* of servers, sentinels or nodes */
    fj_address_t   address[FJ_ADDRESSES_MAX];
    ngx_str_t      user;               /* NUL-terminated or empty, as all */
    ngx_str_t      password;           /* from a file; empty: no AUTH */
    ngx_str_t      master;             /* what the sentinels call it */
    ngx_str_t      sentinel_user;
    ngx_str_t      sentinel_password;
    ngx_int_t      db;
} ngx_faka_redis_conf_t;


typedef struct {
    ngx_str_t                     shop;       /* name, for keys and log */
    const ngx_faka_redis_conf_t  *redis;
    fk_t                         *fk;
    uint64_t                      owner;      /* unique; its pid << 32 | .. */
    ngx_log_t                    *log;

    /* At least so long between two batches; 0 where they are waited for. */
    ngx_msec_t                    pace_ms;

    /* As in fj_conf_t. */
    uint64_t                      server;
    uint64_t                      host;
    uint64_t                      generation;
    ngx_uint_t                    inherits;
    ngx_uint_t                    standby;
    ngx_uint_t                    replicas;

    /*
     * Called in this worker after something that parked requests may wait
     * for: the durable mark moved, the connection came or went, the shop's
     * state changed.  Never called from inside a journal function.
     */
    void                        (*wake)(void *data);
    /* Rings the other workers: the durable mark moved. */
    void                        (*ring)(void *data);
    /* A new generation serves our sockets, and sells; or is_gone. */
    void                        (*replaced)(void *data, ngx_uint_t is_gone);
    void                         *data;
} ngx_faka_journal_options_t;


/*
 * Starts the connection in a worker (init_process).  NULL only for lack of
 * memory: a Redis that is down is retried for ever, with jittered backoff.
 */
ngx_faka_journal_t *ngx_faka_journal_start(ngx_cycle_t *cycle,
    const ngx_faka_journal_options_t *options);

/* What its machine was started with, for others on the same Redis. */
const fj_conf_t *ngx_faka_journal_conf(const ngx_faka_journal_t *journal);

/* Records were appended: they are sent at the end of this event-loop turn, or
 * when pace_ms have passed since the last batch. */
void ngx_faka_journal_kick(ngx_faka_journal_t *journal);

/* 1: this worker's connection is usable and the shop is open. */
ngx_uint_t ngx_faka_journal_ready(const ngx_faka_journal_t *journal);

/* Whether Redis fsyncs before it answers: 1, 0, or -1 if it would not say. */
ngx_int_t ngx_faka_journal_fsync(const ngx_faka_journal_t *journal);

/* The worker is going to exit; unsent records are sent first, for at most
 * 2 s.  Call when the worker is told to quit. */
void ngx_faka_journal_drain(ngx_faka_journal_t *journal);

/* Closes everything (exit_process). */
void ngx_faka_journal_stop(ngx_faka_journal_t *journal);


#endif /* NGX_FAKA_JOURNAL_H_INCLUDED_ */

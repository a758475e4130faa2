/*
 * The journal on Redis, as one worker sees it: a connection that carries the
 * engine's records to the stream faka:{SHOP}:journal, and brings them back
 * after a restart.
 *
 * Guarantees.  Records reach the stream in order and each exactly once in
 * effect (a repeated batch is refused by its id, an overlapping one is passed
 * over when read).  Every worker has its own connection; the engine's lease
 * lets one at a time send, and another goes on when it dies.  Nothing here
 * blocks; each wait is bounded by a timer.
 */

#ifndef NGX_FAKA_JOURNAL_H_INCLUDED_
#define NGX_FAKA_JOURNAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "../../engine/fk.h"


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
    ngx_str_t   address;               /* as written, for messages */
    ngx_str_t   path;                  /* unix socket, or empty */
    ngx_str_t   host;                  /* numeric, NUL-terminated */
    in_port_t   port;
    ngx_str_t   user;                  /* NUL-terminated or empty */
    ngx_str_t   password;              /* from a file; empty: no AUTH */
    ngx_int_t   db;
} ngx_faka_redis_conf_t;


typedef struct {
    ngx_str_t                     shop;       /* name, for keys and log */
    const ngx_faka_redis_conf_t  *redis;
    fk_t                         *fk;
    uint64_t                      owner;      /* unique; its pid << 32 | .. */
    ngx_log_t                    *log;

    /* At least so long between two batches; 0 where they are waited for. */
    ngx_msec_t                    pace_ms;

    /*
     * Called in this worker after something that parked requests may wait
     * for: the durable mark moved, the connection came or went, the shop's
     * state changed.  Never called from inside a journal function.
     */
    void                        (*wake)(void *data);
    /* Rings the other workers: the durable mark moved. */
    void                        (*ring)(void *data);
    void                         *data;
} ngx_faka_journal_options_t;


/* The region's shared counters that the journal keeps (fk_stat_add). */
enum {
    NGX_FAKA_STAT_BATCHES = FK_STAT_USER,
    NGX_FAKA_STAT_BATCH_BYTES,
    NGX_FAKA_STAT_BATCH_RECORDS,
    NGX_FAKA_STAT_PROBES,              /* the journal's end was asked for */
    NGX_FAKA_STAT_RECONNECTS,
    NGX_FAKA_STAT_UNKNOWN,             /* batches whose reply was lost */
    NGX_FAKA_STAT_FLUSH_US,            /* sum of the batches' round trips */
    NGX_FAKA_STAT_RECOVERED,           /* records applied at start */
    NGX_FAKA_STAT_FSYNC,               /* 1 + last seen: 1 no, 2 yes */
    NGX_FAKA_STAT_JOURNAL_LAST
};


/*
 * Starts the connection in a worker (init_process).  NULL only for lack of
 * memory: a Redis that is down is retried for ever, with jittered backoff.
 */
ngx_faka_journal_t *ngx_faka_journal_start(ngx_cycle_t *cycle,
    const ngx_faka_journal_options_t *options);

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

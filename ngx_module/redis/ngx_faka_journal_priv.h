/*
 * Inside of the journal: one connection, at most one command on its way, and
 * a table that says for each command what its reply means.
 */

#ifndef NGX_FAKA_JOURNAL_PRIV_H_INCLUDED_
#define NGX_FAKA_JOURNAL_PRIV_H_INCLUDED_


#include "ngx_faka_redis.h"


#define NGX_FAKA_CONNECT_TIMEOUT_MS   1000
#define NGX_FAKA_COMMAND_TIMEOUT_MS   1500     /* below FK_FLUSH_LEASE_MS */
#define NGX_FAKA_READ_TIMEOUT_MS      10000    /* a page of the journal */
#define NGX_FAKA_BACKOFF_MIN_MS       10
#define NGX_FAKA_BACKOFF_MAX_MS       500
#define NGX_FAKA_POLL_MS              20       /* for another's lease */
#define NGX_FAKA_DRAIN_MS             2000
#define NGX_FAKA_PULSE_MS             500      /* of a shop that is idle */
#define NGX_FAKA_PAGE_COUNT           "16"     /* entries of up to 1 MiB */
#define NGX_FAKA_INSTANCE_SIZE        32


typedef enum {
    NGX_FAKA_JOURNAL_DOWN = 0,         /* waits for the backoff timer */
    NGX_FAKA_JOURNAL_CONNECTING,
    NGX_FAKA_JOURNAL_HANDSHAKE,
    NGX_FAKA_JOURNAL_WAITING,          /* another worker recovers the shop */
    NGX_FAKA_JOURNAL_RECOVERING,
    NGX_FAKA_JOURNAL_READY,
    NGX_FAKA_JOURNAL_STOPPED           /* fenced, failed, or told to stop */
} ngx_faka_journal_state_t;


typedef enum {
    NGX_FAKA_COMMAND_NONE = 0,
    NGX_FAKA_COMMAND_AUTH,
    NGX_FAKA_COMMAND_SELECT,
    NGX_FAKA_COMMAND_CONFIG,
    NGX_FAKA_COMMAND_PROBE,            /* the top id, for the flush */
    NGX_FAKA_COMMAND_BATCH,
    NGX_FAKA_COMMAND_BEGIN,            /* of a journal that has vanished */
    NGX_FAKA_COMMAND_TOP,              /* the top id, for the takeover */
    NGX_FAKA_COMMAND_TAKE,
    NGX_FAKA_COMMAND_PAGE,
    NGX_FAKA_COMMAND_MARK,
    NGX_FAKA_COMMAND_COUNT
} ngx_faka_command_t;


typedef struct {
    uint64_t  epoch;
    uint64_t  seq;
} ngx_faka_stream_id_t;


struct ngx_faka_journal_s {
    ngx_faka_journal_options_t  options;
    fk_t                       *fk;
    ngx_log_t                  *log;
    uint64_t                    owner;      /* for the engine's leases */

    ngx_faka_link_t             link;
    ngx_faka_journal_state_t    state;
    ngx_faka_command_t          command;    /* on its way */
    ngx_event_t                 watch;      /* bounds every wait */
    ngx_event_t                 retry;      /* backoff; another's lease */
    ngx_event_t                 flush;      /* posted by kick */
    ngx_event_t                 drain;
    ngx_event_t                 pulse;
    uint64_t                    heard;      /* replies, as last seen */
    ngx_msec_t                  drain_until;
    ngx_msec_t                  backoff_ms;
    ngx_uint_t                  refused;    /* unsigned: 1 since a batch */
    ngx_int_t                   fsync;      /* 1, 0, -1 unknown */
    ngx_uint_t                  fsync_said; /* 1 + what was logged last */

    uint64_t                    batch_seq;
    uint64_t                    batch_count;
    size_t                      batch_size;
    ngx_msec_t                  batch_at;

    uint64_t                    epoch;      /* recovery: the one we took */
    ngx_faka_stream_id_t        read_id;    /* recovery: last entry read */
    uint64_t                    read_bytes;
    ngx_msec_t                  recover_at;
    ngx_str_t                   key;
    char                        instance[NGX_FAKA_INSTANCE_SIZE + 1];
};


/* ngx_faka_journal.c */

/*
 * Sends one command; the reply comes to the handler that the table names.
 * An error to send closes the link, and the handlers see nothing.
 */
void ngx_faka_journal_send(ngx_faka_journal_t *j, ngx_faka_command_t command,
    int argc, const char **argv, const size_t *argv_size);

/* Gives the connection up; it is tried again after the backoff. */
void ngx_faka_journal_drop(ngx_faka_journal_t *j);

/* Connected and authenticated: goes on by the shop's state. */
void ngx_faka_journal_enter(ngx_faka_journal_t *j);

/* Fenced or failed: no more work for this worker's journal. */
void ngx_faka_journal_halt(ngx_faka_journal_t *j);

void ngx_faka_journal_wake_all(ngx_faka_journal_t *j);
void ngx_faka_journal_log_error(ngx_faka_journal_t *j, redisReply *reply,
    const char *doing);


/* ngx_faka_journal_handshake.c */

/* The step of the handshake after the given one; steps may fall away. */
void ngx_faka_handshake_next(ngx_faka_journal_t *j, ngx_faka_command_t after);
void ngx_faka_handshake_on_auth(ngx_faka_journal_t *j, redisReply *reply);
void ngx_faka_handshake_on_select(ngx_faka_journal_t *j, redisReply *reply);
void ngx_faka_handshake_on_config(ngx_faka_journal_t *j, redisReply *reply);


/* ngx_faka_journal_stream.c */

/* "123-456" to an id; NGX_ERROR unless it is just that. */
ngx_int_t ngx_faka_stream_id(const redisReply *reply,
    ngx_faka_stream_id_t *id);

/* last-generated-id out of a reply to XINFO STREAM, also "no such key". */
ngx_int_t ngx_faka_journal_top(ngx_faka_journal_t *j, redisReply *reply,
    ngx_faka_stream_id_t *top);
void ngx_faka_journal_ask_top(ngx_faka_journal_t *j,
    ngx_faka_command_t command);


/* ngx_faka_journal_flush.c */
void ngx_faka_flush_handler(ngx_event_t *ev);
void ngx_faka_flush_pulse_handler(ngx_event_t *ev);
void ngx_faka_flush_on_batch(ngx_faka_journal_t *j, redisReply *reply);
void ngx_faka_flush_on_probe(ngx_faka_journal_t *j, redisReply *reply);
void ngx_faka_flush_on_begin(ngx_faka_journal_t *j, redisReply *reply);

/* Is the process that holds a lease known to be gone? */
ngx_uint_t ngx_faka_journal_is_dead(uint64_t owner);

/* ngx_faka_journal_recover.c */
void ngx_faka_recover_start(ngx_faka_journal_t *j);
void ngx_faka_recover_on_top(ngx_faka_journal_t *j, redisReply *reply);
void ngx_faka_recover_on_take(ngx_faka_journal_t *j, redisReply *reply);
void ngx_faka_recover_on_page(ngx_faka_journal_t *j, redisReply *reply);
void ngx_faka_recover_on_mark(ngx_faka_journal_t *j, redisReply *reply);

/* Appends <epoch of *j>-<seq> with one field, whose value is the instance. */
void ngx_faka_recover_append(ngx_faka_journal_t *j,
    ngx_faka_command_t command, const char *field, uint64_t seq);


#endif /* NGX_FAKA_JOURNAL_PRIV_H_INCLUDED_ */

/*
 * What the files of ngx_module/ share: the configuration that the master
 * builds, the state that a worker keeps, and the calls between the request
 * handlers and their helpers.
 *
 * Files named *_master_* run while the configuration is read (as root, also
 * under nginx -t); files named *_worker_* run in workers.  Configuration is
 * read-only for workers.  No pointer of this header is ever stored in the
 * region.
 */

#ifndef NGX_FAKA_H_INCLUDED_
#define NGX_FAKA_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../engine/fk.h"
#include "../lua/vm/fl.h"
#include "ngx_faka_json.h"
#include "pay/crypto.h"
#include "pay/memo.h"
#include "pay/pay.h"
#include "redis/ngx_faka_journal.h"
#include "redis/ngx_faka_feed.h"
#include "redis/ngx_faka_keeper.h"


#define NGX_FAKA_CHANNELS_MAX       16
#define NGX_FAKA_SHOPS_MAX          16
#define NGX_FAKA_WORKERS_MAX        128
#define NGX_FAKA_REFUSED_MAX        256
#define NGX_FAKA_REASON_SIZE        256
#define NGX_FAKA_BODY_SIZE_MAX      (64 * 1024)   /* all but imports */

typedef struct ngx_faka_shop_s     ngx_faka_shop_t;
typedef struct ngx_faka_rules_s    ngx_faka_rules_t;
typedef struct ngx_faka_gateway_s  ngx_faka_gateway_t;
typedef struct ngx_faka_worker_s   ngx_faka_worker_t;
typedef struct ngx_faka_ctx_s      ngx_faka_ctx_t;


/* --- configuration (made by the master) ------------------------------ */

/* The operator's rules, and the ones that are to follow them. */
typedef enum {
    NGX_FAKA_RULES_MAIN = 0,
    NGX_FAKA_RULES_CANARY,
    NGX_FAKA_RULES_COUNT
} ngx_faka_rules_variant_t;

typedef struct {
    ngx_str_t               path;
    ngx_str_t               source;           /* empty: there are none */
} ngx_faka_rules_file_t;

/* Who found something about an order, for the numbers. */
typedef enum {
    NGX_FAKA_RISK_RULE = 0,
    NGX_FAKA_RISK_FALLBACK,            /* the rule gave no answer */
    NGX_FAKA_RISK_LIMIT,
    NGX_FAKA_RISK_BLOCK,
    NGX_FAKA_RISK_AMOUNT,
    NGX_FAKA_RISK_FIRST,
    NGX_FAKA_RISK_COUNT
} ngx_faka_risk_t;

/* order_limit: more than max orders of a key in a span. */
typedef struct {
    fk_rate_t               rate;
    fk_span_t               span;
    uint32_t                max;
    ngx_uint_t              review;           /* unsigned: 1 instead of 429 */
    ngx_str_t               text;             /* as it was written */
} ngx_faka_order_limit_t;

/* So many questions about an unpaid order come when nobody holds it any more:
 * at 1, 4, 16, 64 intervals after that. */
#define NGX_FAKA_RECONCILE_LATE  4

typedef enum {
    NGX_FAKA_DURABILITY_DISK = 0,
    NGX_FAKA_DURABILITY_MEMORY
} ngx_faka_durability_t;

struct ngx_faka_shop_s {
    ngx_str_t               name;
    u_char                 *file;             /* where the block stands */
    ngx_uint_t              line;

    size_t                  memory;
    ngx_shm_zone_t         *zone;             /* "faka_NAME" */
    ngx_uint_t              succeeds;         /* unsigned: 1 it is new, the
                                                 shop is not: a reload */
    ngx_faka_redis_conf_t   redis;
    ngx_uint_t              durability;
    ngx_uint_t              hold_s;
    uint64_t                snapshot_size;    /* of journal since the last */
    ngx_uint_t              snapshot_s;
    ngx_uint_t              retention_s;      /* of finished orders */
    ngx_uint_t              archive_s;        /* how long Redis keeps them */
    ngx_uint_t              reconcile_s;      /* 0: gateways are not asked; at
                                                 NGX_FAKA_RECONCILE_LATE */
    ngx_uint_t              reconcile_rate;   /* questions a second, channel */
    ngx_uint_t              auto_refund;      /* unsigned: 1 what is owed */
    ngx_uint_t              refund_short_s;   /* wait for stock; 0: for ever */
    ngx_uint_t              standby;          /* unsigned: 1 role standby */
    ngx_uint_t              replicas;         /* that an answer waits for */
    ngx_uint_t              events_max;       /* of the stream; 0: none */
    ngx_str_t               public_url;       /* without a final slash */
    ngx_str_t               admin_token;      /* contents of the file */
    pay_master_t            master;           /* of key_file */
    ngx_array_t             channels;         /* pay_channel_t */

    ngx_faka_gateway_t     *gateways;         /* one a channel */
    ngx_ssl_t              *gateway_tls;      /* NULL: nobody is trusted */
    ngx_str_t               gateway_trust;    /* a file; empty: the default */
    ngx_resolver_t         *resolver;         /* of http, or NULL */

    ngx_faka_rules_file_t   rules[NGX_FAKA_RULES_COUNT];
    ngx_uint_t              canary_share;     /* of 10000 buyers */
    ngx_uint_t              canary_shadow;    /* unsigned: 1 not applied */
    ngx_uint_t              price_refuse;     /* unsigned: 1 without a price */
    ngx_uint_t              buyer_history;    /* unsigned: 1 is kept */
    ngx_uint_t              commission_levels;
    ngx_uint_t              settle_after_s;   /* commission is frozen */
    int64_t                 review_over;      /* minor units; 0: off */
    ngx_uint_t              review_first;     /* unsigned: 1 first orders */
    ngx_array_t             order_limits;     /* ngx_faka_order_limit_t */
    ngx_array_t             block_networks;   /* ngx_cidr_t */
    ngx_array_t             block_domains;    /* ngx_str_t, in lower case */

    int                    *event_fds;        /* one a worker slot, or NULL */
    ngx_uint_t              event_fd_count;

    ngx_faka_worker_t      *worker;           /* set in each worker */
};

typedef struct {
    ngx_array_t             shops;            /* ngx_faka_shop_t * */

    /* while a block is being read: whose it is, and what it has had */
    ngx_faka_shop_t        *shop;
    pay_channel_t          *channel;
    pay_custom_t           *custom;           /* of channel, if it has one */
    ngx_uint_t              shop_given;       /* bits, see ngx_faka_master.h */
    ngx_uint_t              channel_given;
} ngx_faka_main_conf_t;

typedef struct {
    ngx_faka_shop_t        *shop;             /* of this location, or NULL */

    /* as written, until all shops are known */
    ngx_str_t               shop_name;
    ngx_str_t               directive;
    u_char                 *file;
    ngx_uint_t              line;
} ngx_faka_loc_conf_t;

extern ngx_module_t  ngx_http_faka_module;


/* --- a worker's state ------------------------------------------------- */

/* What a channel's gateway has answered lately: ngx_faka_gateway.h. */
typedef struct {
    ngx_uint_t              failures;         /* in a row */
    ngx_msec_t              wait_ms;
    ngx_msec_t              next_at;          /* of ngx_current_msec */
    ngx_uint_t              granted;          /* unsigned: 1 a question */
} ngx_faka_gate_t;

struct ngx_faka_worker_s {
    ngx_faka_shop_t        *shop;
    fk_t                    fk;
    ngx_uint_t              attached;         /* fk is usable */
    size_t                  touched;          /* bytes made ready to write */
    ngx_uint_t              request_count;
    ngx_uint_t              request_count_seen;   /* by the last tick */
    uint64_t                owner;            /* pid and start: unique */
    uint64_t                epoch;            /* when a writer was let in */
    pay_crypto_t           *crypto;           /* one a worker, shared */
    pay_memo_t             *memo;             /* notices proved; shared */
    pay_vault_t            *vault;
    ngx_faka_journal_t     *journal;
    ngx_faka_keeper_t      *keeper;
    ngx_faka_reader_t      *reader;
    ngx_faka_feed_t        *feed;             /* of worker 0; NULL: off */
    ngx_faka_rules_t       *rules;            /* NULL: nothing to ask */
    ngx_queue_t             calls;            /* ngx_faka_call_t */
    ngx_uint_t              call_count;
    ngx_uint_t              channel_call_counts[NGX_FAKA_CHANNELS_MAX];
    ngx_event_t             tick;
    ngx_connection_t       *bell;             /* eventfd of this worker */
    ngx_event_t             fallback;         /* short timer while parked */
    ngx_uint_t              starting;         /* unsigned: 1 no journal yet */
    uint64_t                starting_epoch;   /* the last that it began in */
    ngx_msec_t              started_at;
    ngx_uint_t              draining;         /* unsigned: 1 told to quit */
    ngx_uint_t              replaced;         /* unsigned: 1 others serve */
    ngx_queue_t             parked;           /* ngx_faka_ctx_t, by seq */
    ngx_uint_t              parked_count;
    ngx_queue_t             answered;         /* ngx_faka_ctx_t, by a look-up
                                                 in the archive */
    ngx_queue_t             asks;             /* ngx_faka_ask_t, under way */
    ngx_faka_gate_t         gates[NGX_FAKA_CHANNELS_MAX];   /* by channel */
    struct ngx_faka_reconciler_s  *reconciler;    /* NULL: another worker's */

    /* Orders whose refund a gateway refused: no more is asked for them here
     * without a person, who may be giving the money back by hand. */
    fk_order_id_t           refused[NGX_FAKA_REFUSED_MAX];
    ngx_uint_t              refused_count;
    ngx_uint_t              failed_said;      /* unsigned: 1 it is logged */
    time_t                  buried_at;        /* dead imports looked for */
    struct ngx_faka_strays_s  *strays;        /* ngx_faka_stray.h */
    ngx_log_t              *log;
};


/* --- a request -------------------------------------------------------- */

/*
 * Parked work is a named state: done() is called when the record is durable
 * (code FK_OK) or cannot become so in time (FK_NOT_OPEN, FK_FENCED ...).
 */
typedef void (*ngx_faka_done_pt)(ngx_http_request_t *r, fk_code_t code);

typedef void (*ngx_faka_body_pt)(ngx_http_request_t *r, ngx_str_t *body);

/* How far a look-up in the archive is. */
typedef enum {
    NGX_FAKA_NOT_ASKING = 0,
    NGX_FAKA_ASKING,
    NGX_FAKA_ANSWERED                  /* done() is called in a moment */
} ngx_faka_asking_t;

/* How an order is paid, as buyers are told. */
typedef struct {
    const char             *method;           /* redirect, qr, pending, none */
    ngx_str_t               url;              /* empty: there is none */
} ngx_faka_way_t;

struct ngx_faka_ctx_s {
    ngx_queue_t             queue;
    ngx_http_request_t     *r;
    ngx_faka_shop_t        *shop;
    uint64_t                epoch;            /* that seq belongs to */
    uint64_t                seq;
    uint64_t                parked_us;        /* steady clock */
    ngx_faka_done_pt        done;
    ngx_uint_t              is_parked;        /* unsigned: 1 on the queue */
    ngx_uint_t              has_cleanup;      /* unsigned: 1 registered */
    fk_order_view_t        *order;
    void                   *data;             /* the handler's own */

    /* ngx_faka_archive_find */
    fj_ask_t                ask;
    ngx_faka_asking_t       asking;
    fk_code_t               answer;
    ngx_uint_t              looks;            /* there, so far */
    uint64_t                mark;             /* of the last one */
    ngx_str_t               record;           /* of an archived order */

    struct ngx_faka_stray_s  *stray;          /* ngx_faka_stray_ask */

    struct ngx_faka_ask_s  *gateway_ask;      /* that is waited for, or NULL */

    /* ngx_faka_pay_find */
    ngx_faka_way_t          way;
    pay_start_code_e        start;

    /* ngx_faka_read_body */
    ngx_faka_body_pt        body_next;
    ngx_str_t               body;
    size_t                  body_room;        /* allocated; 0: not a copy */

    /* for the nginx variables */
    ngx_str_t               order_text;       /* $faka_order */
    const char             *result;           /* $faka_result: a code word */
    uint64_t                queue_us;         /* $faka_queue_us */
};


/* ngx_faka_master_zone.c: the region of a shop, as any process finds it; NULL
 * under nginx -t. */
void *ngx_faka_zone_region(const ngx_faka_shop_t *shop);


/* ngx_faka_worker_variables.c: declares the variables for log_format. */
ngx_int_t ngx_faka_variables_add(ngx_conf_t *cf);


/* ngx_faka_worker.c: timers, attaching, the bell. */
ngx_int_t ngx_faka_worker_init(ngx_cycle_t *cycle);
void ngx_faka_worker_exit(ngx_cycle_t *cycle);
/* Wakes the parked requests of the other workers; an ngx_faka_worker_t. */
void ngx_faka_worker_ring(void *worker);
/* Time for engine calls. */
void ngx_faka_env(fk_env_t *env);

/* ngx_faka_master_owner.c: found out in the master, only read in workers. */

typedef struct {
    uint64_t    host;          /* where pids of this server mean something */
    uint64_t    generation;    /* whose sockets these are, over all cycles and
                                  binaries that serve them */
    ngx_uint_t  inherits;      /* unsigned: 1 not the first of these */
    ngx_pid_t   old_master;    /* that this binary is to replace; 0: none, or
                                  it is gone */
} ngx_faka_owner_t;

extern ngx_faka_owner_t  ngx_faka_owner;

/* ngx_faka_worker_owner.c */

/* Who this server is: server, host, generation, inherits of the options. */
void ngx_faka_owner_identify(ngx_cycle_t *cycle,
    ngx_faka_journal_options_t *options);
/* A new generation sells on our sockets; worker is an ngx_faka_worker_t. */
void ngx_faka_owner_replaced(void *worker, ngx_uint_t is_gone);

/* ngx_faka_worker_accept.c: when all shops of a worker are attached. */
void ngx_faka_accept_init_worker(ngx_cycle_t *cycle);

/* ngx_faka_worker_bury.c */

/* Ends imports of workers that died: their products take others at once. */
void ngx_faka_worker_bury(ngx_faka_worker_t *worker);

/* ngx_faka_worker_park.c */

/* Microseconds of a clock that nobody sets. */
uint64_t ngx_faka_steady_us(void);

/*
 * Answers at once under "durability memory" or if seq is durable already
 * (done is called before this returns); else has the journal sent and parks
 * the request.  The
 * reference of ngx_faka_read_body() or ngx_faka_no_body() keeps the request
 * while it is parked; a client that goes away is taken off the queue by a
 * cleanup handler, and done is never called.
 * The bound on waiting is NGX_FAKA_PARK_MS; then done(FK_NOT_OPEN).
 */
#define NGX_FAKA_PARK_MS  2000
void ngx_faka_wait_durable(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    uint64_t seq, ngx_faka_done_pt done);
/* Answers all whose record is durable by now or cannot become so; worker is an
 * ngx_faka_worker_t. */
void ngx_faka_park_wake(void *worker);
/* The handler of the timer worker->fallback. */
void ngx_faka_park_fallback(ngx_event_t *ev);
/* The same for those that have waited for too long; called now and then. */
void ngx_faka_park_expire(ngx_faka_worker_t *worker);

/* The handler of a parked request is called anew, and answers or parks it
 * again; the request may be freed in here. */
void ngx_faka_park_resume(ngx_faka_ctx_t *ctx, fk_code_t code);
/* From here on a client that goes away ends all its request's waiting. */
ngx_int_t ngx_faka_park_watch(ngx_http_request_t *r, ngx_faka_ctx_t *ctx);

/*
 * May a request that needs a new durable record go on?  FK_OK, or the code to
 * refuse with at once (journal down under "durability disk", not open...).
 */
fk_code_t ngx_faka_may_write(ngx_faka_shop_t *shop);

/* FK_OK while the shop is open, else the code that says what it is. */
fk_code_t ngx_faka_shop_code(const ngx_faka_shop_t *shop);

/* ngx_faka_worker_archive.c: the keeper, the reader and the feed of a
 * worker. */
ngx_int_t ngx_faka_archive_start(ngx_cycle_t *cycle,
    ngx_faka_worker_t *worker);
void ngx_faka_archive_stop(ngx_faka_worker_t *worker);

/*
 * The engine has no such order; has the archive?  Parks the request, then
 * calls done():
 *   FK_OK         ctx->record is the order's, and *ctx->order, which the
 *                 caller has made room for, is what fk_archive_view() shows
 *   FK_NOT_FOUND  it has not
 *   FK_CORRUPT    what it has cannot be read; that is in the log
 *   any 503       it cannot be asked now, or the shop is not open; or the
 *                 request has asked NGX_FAKA_ARCHIVE_LOOKS times before
 * Waiting is bounded as ngx_faka_wait_durable() bounds it.  done() may be
 * called before this returns.
 */
#define NGX_FAKA_ARCHIVE_LOOKS  4
void ngx_faka_archive_find(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    const fk_order_id_t *id, ngx_faka_done_pt done);
/*
 * In done(): the order comes back.  FK_OK: what it comes back for may be tried
 * again, and if the order is missing again, so may ngx_faka_archive_find(); or
 * the code to refuse with.
 */
fk_code_t ngx_faka_archive_restore(ngx_faka_ctx_t *ctx);
/* The reader was asked: the request waits for its answer, or has ended. */
void ngx_faka_archive_wait(ngx_http_request_t *r, ngx_faka_ctx_t *ctx);
/* Nobody waits for the answer any more, if there was a question. */
void ngx_faka_archive_forget(ngx_faka_ctx_t *ctx);
/* ngx_faka_worker_ask.c: the same for a question to a gateway. */
void ngx_faka_ask_forget(ngx_faka_ctx_t *ctx);

/* ngx_faka_worker_request.c: what comes in. */

/* The request's context, made at the first call; NULL: no memory. */
ngx_faka_ctx_t *ngx_faka_ctx_get(ngx_http_request_t *r,
    ngx_faka_shop_t *shop);

/*
 * A content handler takes one of two ways.  Either it returns what
 * ngx_faka_read_body() returns, and next() answers later; or it calls
 * ngx_faka_no_body(), answers, and returns NGX_DONE.  Both take the reference
 * on the request that exactly one ngx_faka_send_* call gives back; until then
 * the answer may wait as long as it likes (ngx_faka_wait_durable).
 */

/*
 * Reads the whole body, in memory, then calls next().  The body is "" if
 * there is none, and lives as long as the request.  More than
 * NGX_FAKA_BODY_SIZE_MAX bytes, declared or chunked: 413.  Any
 * Content-Encoding: 415.  These are answered here; next() is not called.
 */
ngx_int_t ngx_faka_read_body(ngx_http_request_t *r, ngx_faka_body_pt next);

/* The body, if one comes, is thrown away; the connection stays usable. */
void ngx_faka_no_body(ngx_http_request_t *r);

/* The value of a header that must appear at most once.  NGX_OK, NGX_DECLINED
 * (absent), NGX_ERROR (twice). */
ngx_int_t ngx_faka_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);
/* X of "Authorization: Bearer X".  Returns as ngx_faka_header(); another
 * scheme is NGX_DECLINED. */
ngx_int_t ngx_faka_bearer(ngx_http_request_t *r, ngx_str_t *token);
/* The same, compared in constant time with expected. */
ngx_uint_t ngx_faka_bearer_ok(ngx_http_request_t *r, ngx_str_t *expected);
/* Is the media type of Content-Type this one ("application/json")?
 * Parameters and letter case do not count. */
ngx_uint_t ngx_faka_content_type_is(ngx_http_request_t *r, const char *type);

/* ngx_faka_worker_answer.c: how all handlers answer. */

/* One more header of the answer, before it is sent; name and value are
 * NUL-terminated and static or of the pool. */
ngx_int_t ngx_faka_header_add(ngx_http_request_t *r, const char *name,
    const char *value);

/* Sends and finalizes; body NULL: out of memory, 500. */
void ngx_faka_send_chain(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *content_type, ngx_chain_t *body);
void ngx_faka_send_json(ngx_http_request_t *r, ngx_uint_t status,
    ngx_chain_t *body);
void ngx_faka_send_bytes(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *content_type, ngx_str_t *body);
/*
 * problem+json for a code; detail and field may be NULL (static or pool
 * text).  503 carries Retry-After: 1.  Sets ctx->result.
 */
void ngx_faka_send_problem(ngx_http_request_t *r, fk_code_t code,
    const char *field, const char *detail);
/* The same for refusals that are not the engine's: 401, 413, 415, 429.  401
 * carries WWW-Authenticate: Bearer. */
void ngx_faka_send_http_problem(ngx_http_request_t *r, ngx_uint_t status,
    const char *word, const char *field, const char *detail);
/* Reading the body failed with this status of nginx: says so, or just closes
 * where nobody listens any more. */
void ngx_faka_send_unreadable(ngx_http_request_t *r, ngx_int_t status);
/* 413, and the end of the connection. */
void ngx_faka_send_too_large(ngx_http_request_t *r);
/* 405 with Allow, for example "GET, HEAD". */
void ngx_faka_send_not_allowed(ngx_http_request_t *r, const char *allow);
/* FK_INVALID as a reader of ngx_faka_json.h found it. */
void ngx_faka_send_field_error(ngx_http_request_t *r,
    const ngx_faka_field_error_t *error);


/* The content handlers, set by the directives of the same names. */
ngx_int_t ngx_faka_products_handler(ngx_http_request_t *r);
ngx_int_t ngx_faka_channels_handler(ngx_http_request_t *r);
ngx_int_t ngx_faka_checkout_handler(ngx_http_request_t *r);
ngx_int_t ngx_faka_orders_handler(ngx_http_request_t *r);
ngx_int_t ngx_faka_notify_handler(ngx_http_request_t *r);
ngx_int_t ngx_faka_admin_handler(ngx_http_request_t *r);
ngx_int_t ngx_faka_agents_handler(ngx_http_request_t *r);
ngx_int_t ngx_faka_metrics_handler(ngx_http_request_t *r);


/* The region's shared counters of the handlers (fk_stat_add). */
enum {
    NGX_FAKA_STAT_CHECKOUT = FJ_STAT_LAST,                /* + fk_code_t */
    NGX_FAKA_STAT_NOTIFY_PAID = NGX_FAKA_STAT_CHECKOUT + FK_CODE_COUNT,
    NGX_FAKA_STAT_NOTIFY_RESULT,                          /* + fk_pay_result */
    NGX_FAKA_STAT_NOTIFY_VERDICT = NGX_FAKA_STAT_NOTIFY_RESULT
                                   + FK_PAY_COUNT,        /* + pay_verdict_e */
    NGX_FAKA_STAT_REFUNDS = NGX_FAKA_STAT_NOTIFY_VERDICT + PAY_VERDICT_COUNT,
    NGX_FAKA_STAT_RULES_CALLS,                /* variant, hook, fl_code_t */
    NGX_FAKA_STAT_RULES_ORDERS = NGX_FAKA_STAT_RULES_CALLS
        + NGX_FAKA_RULES_COUNT * FL_HOOK_COUNT * FL_CODE_COUNT,
    NGX_FAKA_STAT_RULES_LIST = NGX_FAKA_STAT_RULES_ORDERS
                               + NGX_FAKA_RULES_COUNT,
    NGX_FAKA_STAT_RULES_AMOUNT = NGX_FAKA_STAT_RULES_LIST
                                 + NGX_FAKA_RULES_COUNT,
    NGX_FAKA_STAT_SHADOW = NGX_FAKA_STAT_RULES_AMOUNT
                           + NGX_FAKA_RULES_COUNT,        /* hook, differs */
    NGX_FAKA_STAT_RISK = NGX_FAKA_STAT_SHADOW
                         + FL_HOOK_COUNT * 2,             /* verdict, who */
    NGX_FAKA_STAT_ASKS = NGX_FAKA_STAT_RISK
                         + FL_RISK_COUNT * NGX_FAKA_RISK_COUNT,
                                              /* pay_ask_e, pay_answer_e */
    NGX_FAKA_STAT_STRAYS = NGX_FAKA_STAT_ASKS
                           + PAY_ASK_COUNT * PAY_ANSWER_COUNT,
                                              /* + 1; 0: not known */
    NGX_FAKA_STAT_LAST
};

_Static_assert((int) NGX_FAKA_STAT_LAST <= (int) FK_STAT_COUNT,
               "counters fit");


#endif /* NGX_FAKA_H_INCLUDED_ */

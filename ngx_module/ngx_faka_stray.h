/*
 * Strays, as handlers see them: verified payments without an order of their
 * channel, kept in Redis (journal/fj_stray.h) until they are booked after all,
 * or a person has given them back and says so.
 *
 * For workers.
 */

#ifndef NGX_FAKA_STRAY_H_INCLUDED_
#define NGX_FAKA_STRAY_H_INCLUDED_


#include "ngx_faka_gateway.h"


/* CHANNEL/TRADE_NO/ORDER, terminated. */
#define NGX_FAKA_STRAY_FIELD_SIZE                                            \
    (PAY_CHANNEL_NAME_SIZE_MAX + 1 + PAY_TRADE_NO_SIZE_MAX + 1                \
     + PAY_ORDER_NO_SIZE_MAX + 1)

/* {"amount":..,"currency":..,"why":..,"first_at":..} */
#define NGX_FAKA_STRAY_TEXT_SIZE  192


/* Where one of the worker's own is. */
typedef enum {
    NGX_FAKA_STRAY_FREE = 0,
    NGX_FAKA_STRAY_WAITS,              /* for its record, or for Redis */
    NGX_FAKA_STRAY_ASKED
} ngx_faka_stray_state_t;

/* A command about strays, and what came of it. */
typedef struct ngx_faka_stray_s {
    fj_stray_t               what;
    ngx_faka_ctx_t          *ctx;      /* who waits; NULL: the worker's own */
    ngx_faka_stray_state_t   state;    /* .. and of those alone: */
    fj_ask_t                 ask;
    uint64_t                 epoch;
    uint64_t                 seq;

    uint64_t                 done;     /* as fj_stray_read() */
    uint64_t                 count;
    ngx_str_t                page;     /* of FJ_STRAY_LIST */

    u_char                   field[NGX_FAKA_STRAY_FIELD_SIZE];
    u_char                   text[NGX_FAKA_STRAY_TEXT_SIZE];
} ngx_faka_stray_t;


/* A field, taken apart; the texts are terminated. */
typedef struct {
    ngx_str_t                channel;
    char                     trade_no[PAY_TRADE_NO_SIZE_MAX + 1];
    char                     order_no[PAY_ORDER_NO_SIZE_MAX + 1];
} ngx_faka_stray_name_t;


/* ngx_faka_worker_stray.c */

ngx_int_t ngx_faka_strays_start(ngx_cycle_t *cycle,
    ngx_faka_worker_t *worker);
/* Counts them now and then, and removes what was booked: by this worker, or,
 * as long as memory has its order, by one that could not remove it. */
void ngx_faka_strays_tick(ngx_faka_worker_t *worker);

/*
 * Has Redis do this, and parks the request meanwhile, as an order that is
 * looked up in the archive.  done(): FK_OK, and *stray has the answer; or
 * FK_NOT_OPEN, nobody knows whether it was done.  It may be called before this
 * returns.  stray: ngx_faka_stray_new(), NULL for lack of memory.
 */
ngx_faka_stray_t *ngx_faka_stray_new(ngx_http_request_t *r,
    fj_stray_do_t what);
void ngx_faka_stray_ask(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    ngx_faka_stray_t *stray, ngx_faka_done_pt done);
/* The reader's answer to that, or to one of the worker's own. */
void ngx_faka_stray_answer(ngx_faka_worker_t *worker, fj_ask_t *ask,
    fj_answer_t answer, const char *text, size_t size);

/* Which one it is about. */
void ngx_faka_stray_name(ngx_faka_stray_t *stray, pay_str_t channel,
    const char *trade_no, const char *order_no);
/* .. and what is kept of it; the fact's texts need no escape in JSON. */
void ngx_faka_stray_describe(ngx_faka_stray_t *stray, const pay_fact_t *fact,
    const char *why);

/*
 * This payment is booked, by a record with this number: once that is durable
 * its stray goes, if there is one.  As long as no stray is kept that costs
 * nothing; when too many wait, worker 0 finds it.
 */
void ngx_faka_stray_booked(ngx_faka_worker_t *worker, pay_str_t channel,
    const char *trade_no, const char *order_no, uint64_t seq);

/* The next one of a page, behind its first line, the cursor.  0: none. */
ngx_uint_t ngx_faka_stray_next(const char **page, size_t *size,
    ngx_str_t *field, ngx_str_t *text);
/* 0: somebody has written there by hand. */
ngx_uint_t ngx_faka_stray_split(ngx_faka_stray_name_t *name,
    const ngx_str_t *field);
/* Whether its order has this payment by now, by whatever channel: one that has
 * an account in common with another proves its notices, too.  Then it goes. */
ngx_uint_t ngx_faka_stray_is_booked(ngx_faka_worker_t *worker,
    const ngx_faka_stray_name_t *name);


#endif /* NGX_FAKA_STRAY_H_INCLUDED_ */

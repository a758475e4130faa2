/*
 * What the two halves of reconciliation share: turns through all that may
 * have to be asked about, a page at a time, within a channel's rate.
 *
 * For workers; the state is that of the one worker that reconciles.
 */

#ifndef NGX_FAKA_RECONCILE_H_INCLUDED_
#define NGX_FAKA_RECONCILE_H_INCLUDED_


#include "ngx_faka_gateway.h"


#define NGX_FAKA_RECONCILE_TURN_S    5     /* not more often */
#define NGX_FAKA_RECONCILE_PAGE      16    /* fetched at once */
#define NGX_FAKA_RECONCILE_PAGES     4     /* a tick */

/* Of a channel's rate: thousandths of questions that may be asked now. */
typedef ngx_uint_t  ngx_faka_tokens_t;

#define NGX_FAKA_QUESTION  1000

/* Through the unpaid orders of one channel. */

typedef struct {
    uint32_t              cursor;
    ngx_uint_t            turning;         /* unsigned: 1 in one */
    ngx_uint_t            last_page;       /* unsigned: 1 it is in page */
    time_t                began_s;         /* this turn, or the last one */
    time_t                before_s;        /* .. and the one before */
    uint32_t              next;            /* in page */
    uint32_t              page_count;
    fk_order_view_t       page[NGX_FAKA_RECONCILE_PAGE];
} ngx_faka_turn_t;

/* Through the payments of one channel that are owed. */

typedef struct {
    uint32_t              cursor;
    ngx_uint_t            turning;         /* unsigned: 1 in one */
    time_t                began_s;
    uint32_t              next;
    uint32_t              page_count;
    fk_owed_t             page[NGX_FAKA_RECONCILE_PAGE];
} ngx_faka_owed_turn_t;

/*
 * Payments that were asked about and have no end yet, of all channels: each
 * waits twice as long for its next question, up to an hour.  What does not fit
 * in here is asked about every turn.
 */
#define NGX_FAKA_OWED_WAITS_MAX      1024
#define NGX_FAKA_OWED_WAIT_S_MAX     3600

typedef struct {
    fk_order_id_t         id;
    uint32_t              number;          /* as in fk_owed_t; 0: free */
    time_t                wait_s;          /* after the next question */
    time_t                next_s;          /* not before that */
} ngx_faka_owed_wait_t;

/* Through the orders that wait for stock. */

typedef struct {
    uint32_t              cursor;
    ngx_uint_t            turning;         /* unsigned: 1 in one */
    time_t                began_s;
} ngx_faka_short_turn_t;


/* 1: the next turn may begin.  Also where the clock was set back since. */

static ngx_inline ngx_uint_t
ngx_faka_turn_is_due(time_t began_s, time_t every_s)
{
    return ngx_time() < began_s || ngx_time() >= began_s + every_s;
}


/* ngx_faka_worker_reconcile_owed.c: a step each, at every tick. */
void ngx_faka_reconcile_owed(ngx_faka_worker_t *worker,
    const pay_channel_t *channel, ngx_faka_owed_turn_t *turn,
    ngx_faka_owed_wait_t waits[NGX_FAKA_OWED_WAITS_MAX],
    ngx_faka_tokens_t *tokens);
void ngx_faka_reconcile_shorts(ngx_faka_worker_t *worker,
    ngx_faka_short_turn_t *turn);


#endif /* NGX_FAKA_RECONCILE_H_INCLUDED_ */

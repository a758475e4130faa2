/*
 * The feed of a worker: the shop's events to a stream of their own, over a
 * connection of its own.  The protocol is journal/fj_feed.h; this is nginx
 * around it.
 */

#ifndef NGX_FAKA_FEED_H_INCLUDED_
#define NGX_FAKA_FEED_H_INCLUDED_


#include "../journal/fj_feed.h"
#include "ngx_faka_journal.h"


typedef struct ngx_faka_feed_s  ngx_faka_feed_t;


/* Starts it in a worker, after the journal.  NULL only for lack of memory.
 * events_max: about as many entries stay in the stream; 1 or more. */
ngx_faka_feed_t *ngx_faka_feed_start(ngx_cycle_t *cycle,
    const ngx_faka_journal_t *journal, ngx_log_t *log,
    ngx_uint_t events_max);

/* At once: the next one goes on where it stopped.  Also a second time. */
void ngx_faka_feed_stop(ngx_faka_feed_t *feed);


#endif /* NGX_FAKA_FEED_H_INCLUDED_ */

/*
 * Inside of the feed: what its files share.
 *
 *     fj_feed.c        where the stream ends, and what is next
 *     fj_feed_read.c   pages of the journal
 *     fj_feed_write.c  entries of the stream
 */

#ifndef FJ_FEED_PRIV_H_INCLUDED_
#define FJ_FEED_PRIV_H_INCLUDED_


#include "fj_feed.h"
#include "fj_priv.h"


/* An event's id: its epoch, and 1000 times the record's number and its own
 * in it.  With the last of them the record is told whole. */
#define FJ_FEED_PER_RECORD      1000
#define FJ_FEED_SEQ_MAX         (UINT64_MAX / FJ_FEED_PER_RECORD - 1)

_Static_assert(FK_NEWS_MAX < FJ_FEED_PER_RECORD, "each has its own id");


/* fj_feed.c */
fj_feed_t *fj_feed_of(fj_link_t *link);
/* What comes next, at once, or after a pause for those who buy. */
void fj_feed_turn(fj_feed_t *f);
void fj_feed_pause(fj_feed_t *f);
/* The journal may have more than what was read. */
int fj_feed_is_news(const fj_feed_t *f);
/* Not before: nothing is to be had now. */
void fj_feed_wait(fj_feed_t *f);
/* The stream's end is asked for anew; what waits is read again behind it. */
void fj_feed_forget(fj_feed_t *f);

/* fj_feed_read.c */
void fj_feed_page(fj_feed_t *f);

/* fj_feed_write.c: the events that wait. */
void fj_feed_write(fj_feed_t *f);


#endif /* FJ_FEED_PRIV_H_INCLUDED_ */

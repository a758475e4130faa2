/*
 * The feed: what happened in the shop as readable entries of the stream
 * faka:{SHOP}:events, for any consumer group, over a connection of its own.
 *
 * What it promises.  Each event of the journal's records is an entry, in the
 * journal's order.  Its id is the record's epoch and number, so Redis itself
 * refuses what comes twice: a command whose reply was lost, another process
 * that feeds as well.  Where it stopped is the stream's last id, and nothing
 * else is kept: whoever feeds next goes on behind that.  What the journal was
 * cut of before it was read is counted and said.
 *
 * What it does not do.  Nobody waits for it: what is in the stream has
 * happened, and what has happened comes to be there.  It reads the journal in
 * Redis, behind those that sell, at a pace of its own; of all processes one
 * does, by a lease in the region that needs no lock, since two do no harm.
 *
 * As the machine of fj.h, it has no I/O, clock, randomness or memory of its
 * own: its link's events go to fj_connected(), fj_closed(), fj_reply() and
 * fj_timer().
 */

#ifndef FJ_FEED_H_INCLUDED_
#define FJ_FEED_H_INCLUDED_


#include "fj.h"


#define FJ_FEED_NEWS_MAX        512    /* events that wait to be written */

_Static_assert(FJ_FEED_NEWS_MAX >= FK_NEWS_MAX, "a record's fit");


typedef struct {
    uint32_t    events_max;            /* entries that the stream keeps, ~ */
    fk_news_t  *room;                  /* FJ_FEED_NEWS_MAX of them */
} fj_feed_conf_t;


typedef struct {
    fj_link_t              link;
    const fj_conf_t       *conf;
    const fj_feed_conf_t  *fed;
    fk_t                  *fk;
    int                    holds;      /* it is this process's turn */
    int                    knows;      /* where the stream ends */
    int                    is_there;   /* there is a stream */
    int64_t                again_at_ms;    /* nothing before */
    int64_t                marked_at_ms;

    fj_id_t                at;         /* of the journal, read up to there */
    uint64_t               seen;       /* the last record, of any epoch */
    int                    follows;    /* .. the next one is behind it */
    int                    more;       /* the last page was not the last */
    uint32_t               page_count; /* entries to ask for */

    fj_id_t                top;        /* of the stream */
    fj_id_t                marked;     /* .. and of at, when it was told */
    uint64_t               epoch;      /* of the events that wait */
    uint32_t               news_count;
    uint32_t               news_sent;  /* of them, written */
    uint32_t               news_round; /* .. on their way, all at once */
    uint32_t               foreign;    /* times seen */
    int                    mark_refused;
    char                   sku[FK_SKU_SIZE_MAX + 1];   /* and its .. */
    char                   currency[FK_CURRENCY_SIZE];
    char                   journal_key[FJ_KEY_SIZE];
    char                   key[FJ_KEY_SIZE];
} fj_feed_t;


/* As fj_start() and fj_stop(); a stop may come twice. */
void fj_feed_start(fj_feed_t *f, const fj_conf_t *conf,
    const fj_feed_conf_t *fed, const fj_shell_t *shell, void *data);
void fj_feed_stop(fj_feed_t *f);


#endif /* FJ_FEED_H_INCLUDED_ */

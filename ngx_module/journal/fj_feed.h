/*
 * The feed: what happened in the shop as readable entries of the stream
 * faka:{SHOP}:events, for any consumer group, over a connection of its own.
 *
 * What it promises.  Each event of the journal's records is an entry, in the
 * journal's order.  Its id is the record's epoch and number, so Redis itself
 * refuses what comes twice: a command whose reply was lost, another process
 * that feeds as well.  A record's events are written all at once or not at
 * all, so where it stopped is the stream's last id, and nothing else is kept:
 * whoever feeds next goes on behind that.  What the journal was cut of before
 * it was read is counted and said.
 *
 * What it does not do.  Nobody waits for it: what is in the stream has
 * happened, and what has happened comes to be there.  It reads the journal in
 * Redis, behind those that sell, at a pace of its own.  One process of a
 * server is enough, and two do no harm.
 *
 * As the machine of fj.h, it has no I/O, clock, randomness or memory of its
 * own: its link's events go to fj_connected(), fj_closed(), fj_reply() and
 * fj_timer().
 */

#ifndef FJ_FEED_H_INCLUDED_
#define FJ_FEED_H_INCLUDED_


#include "fj.h"


/* Events that are written at once: Redis serves nobody else meanwhile. */
#define FJ_FEED_NEWS_MAX        384

_Static_assert(FJ_FEED_NEWS_MAX >= FK_NEWS_MAX, "a record's fit");
_Static_assert(FJ_FEED_NEWS_MAX < FJ_REPLY_ITEMS_MAX, "a reply is read");


typedef struct {
    uint32_t    events_max;            /* entries that the stream keeps, ~ */
    fk_news_t  *room;                  /* FJ_FEED_NEWS_MAX of them */
} fj_feed_conf_t;


typedef struct {
    fj_link_t              link;
    const fj_conf_t       *conf;
    const fj_feed_conf_t  *fed;
    fk_t                  *fk;
    int64_t                again_at_ms;    /* nothing before */
    int64_t                marked_at_ms;

    int                    knows;      /* where the stream ends: */
    fj_id_t                top;        /* .. 0-0: there is none */
    uint32_t               foreign;    /* times seen */

    fj_id_t                at;         /* of the journal, read up to there */
    uint64_t               seen;       /* the last record, of any epoch; 0:
                                          nobody knows */
    int                    more;       /* the last page was not the last */
    uint32_t               page_count; /* entries to ask for */
    uint32_t               news_count; /* events that wait, of at's epoch */
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

/*
 * The feed's life: where the stream ends, and what is next.
 *
 *     XINFO events       its last id: so far the journal is told
 *     XRANGE journal     the records behind it, in pages
 *     MULTI, XADD events .., EXEC     many in one round trip
 *     XSETID events      once a second, where records had nothing to tell:
 *                        so a later reader knows that nothing is missing
 *
 * While nothing is sold, no command is sent: that there is something new says
 * the region.
 */

#include "fj_feed_priv.h"


#define FJ_FEED_CHECK_MS    100
#define FJ_FEED_PACE_MS     20         /* between two round trips */
#define FJ_FEED_HURRY_MS    2          /* .. of one that is so far behind: */
#define FJ_FEED_HURRY       20000      /* records */
#define FJ_FEED_AGAIN_MS    1000
#define FJ_FEED_MARK_MS     1000
#define FJ_FEED_FOREIGN_MAX 5          /* looks, before it is said */


static void fj_feed_up(fj_link_t *link);
static void fj_feed_down(fj_link_t *link);
static void fj_feed_timer(fj_link_t *link, fj_timer_t which);
static int64_t fj_feed_now_ms(const fj_feed_t *f);
static int fj_feed_is_foreign(const fj_feed_t *f, const fj_id_t *top);
static int fj_feed_mark_due(const fj_feed_t *f);
static void fj_feed_mark(fj_feed_t *f);


static const fj_upper_t  fj_feed_upper = {
    fj_feed_up, fj_feed_down, fj_feed_timer, 0
};


fj_feed_t *
fj_feed_of(fj_link_t *link)
{
    assert(link->upper == &fj_feed_upper);
    return link->machine;
}


static int64_t
fj_feed_now_ms(const fj_feed_t *f)
{
    return f->link.shell->now_ms(f->link.data);
}


void
fj_feed_start(fj_feed_t *f, const fj_conf_t *conf, const fj_feed_conf_t *fed,
    const fj_shell_t *shell, void *data)
{
    assert(fed->events_max > 0);

    memset(f, 0, sizeof(fj_feed_t));

    f->conf = conf;
    f->fed = fed;
    f->fk = conf->fk;
    f->page_count = 1;

    (void) fj_key(f->journal_key, conf, "journal", NULL);
    (void) fj_key(f->key, conf, "events", NULL);

    fj_link_start(&f->link, conf, shell, data, &fj_feed_upper, f);
    fj_link_timer(&f->link, FJ_TIMER_PULSE, FJ_FEED_CHECK_MS);
}


void
fj_feed_stop(fj_feed_t *f)
{
    fj_link_stop(&f->link);
}


static void
fj_feed_up(fj_link_t *link)
{
    fj_feed_t  *f = fj_feed_of(link);

    fj_link_well(link);
    fj_feed_turn(f);
}


static void
fj_feed_down(fj_link_t *link)
{
    fj_feed_forget(fj_feed_of(link));
}


static void
fj_feed_timer(fj_link_t *link, fj_timer_t which)
{
    fj_feed_t  *f = fj_feed_of(link);

    if (which == FJ_TIMER_PULSE) {
        fj_link_timer(link, FJ_TIMER_PULSE, FJ_FEED_CHECK_MS);
    }

    fj_feed_turn(f);
}


void
fj_feed_turn(fj_feed_t *f)
{
    if (f->link.state != FJ_LINK_READY
        || f->link.command != FJ_COMMAND_NONE)
    {
        return;
    }

    /* Who opens it next may have told more, or less, than we know. */
    if (fk_shop_state(f->fk) != FK_SHOP_OPEN) {
        fj_feed_forget(f);
        return;
    }

    if (fj_feed_now_ms(f) < f->again_at_ms
        || fj_link_timer_runs(&f->link, FJ_TIMER_FLUSH))
    {
        return;
    }

    if (!f->knows) {
        fj_top_ask(&f->link, FJ_COMMAND_FEED_TOP, f->key);

    } else if (f->news_count != 0) {
        fj_feed_write(f);

    } else if (fj_feed_is_news(f)) {
        fj_feed_page(f);

    } else if (fj_feed_mark_due(f)) {
        fj_feed_mark(f);
    }
}


/* Who is far behind costs the buyers more, for the journal may be cut. */

void
fj_feed_pause(fj_feed_t *f)
{
    fj_link_timer(&f->link, FJ_TIMER_FLUSH,
                  fk_durable_seq(f->fk) > f->seen + FJ_FEED_HURRY
                  ? FJ_FEED_HURRY_MS : FJ_FEED_PACE_MS);
}


void
fj_feed_wait(fj_feed_t *f)
{
    f->again_at_ms = fj_feed_now_ms(f) + FJ_FEED_AGAIN_MS;
}


void
fj_feed_forget(fj_feed_t *f)
{
    f->knows = 0;
    f->more = 0;
    f->news_count = 0;
}


/* A later epoch may begin with lower numbers, where Redis had lost some. */

int
fj_feed_is_news(const fj_feed_t *f)
{
    return f->more || fk_durable_seq(f->fk) > f->at.seq
           || fk_epoch(f->fk) > f->at.epoch;
}


/* --- where the stream ends --------------------------------------------- */

void
fj_feed_on_top(fj_link_t *link, const fj_reply_t *reply)
{
    fj_id_t     top;
    fj_feed_t  *f = fj_feed_of(link);

    if (!fj_top_read(reply, &top)) {
        fj_link_refused(link, reply, "XINFO STREAM of the events");
        return;
    }

    if (fj_feed_is_foreign(f, &top)) {
        f->foreign++;

        /* Before, it may be another owner, of whom we hear in a moment. */
        if (f->foreign == FJ_FEED_FOREIGN_MAX) {
            fj_say(link, FJ_LOG_ERR, ": the events in redis \"%s\" end at %"
                   PRIu64 "-%" PRIu64 ", which this shop never wrote; none is "
                   "written before that entry and its id are gone",
                   link->address.text, top.epoch, top.seq);
        }

        fj_feed_wait(f);
        return;
    }

    f->foreign = 0;
    f->knows = 1;
    f->top = top;
    f->at.epoch = top.epoch;
    f->at.seq = top.seq / FJ_FEED_PER_RECORD;
    f->seen = f->at.seq;

    fk_stat_set(f->fk, FJ_STAT_FEED_SEQ, f->seen);
    fj_feed_turn(f);
}


static int
fj_feed_is_foreign(const fj_feed_t *f, const fj_id_t *top)
{
    uint64_t  epoch;

    epoch = fk_epoch(f->fk);

    return top->epoch > epoch
           || (top->epoch == epoch
               && top->seq / FJ_FEED_PER_RECORD > fk_last_seq(f->fk));
}


/* Records without events are behind the stream's last id: had they been cut
 * when the next one reads, it could not know that nothing is missing. */

static int
fj_feed_mark_due(const fj_feed_t *f)
{
    return f->top.epoch != 0 && f->at.seq == f->seen
           && (f->at.epoch != f->top.epoch
               || f->at.seq > f->top.seq / FJ_FEED_PER_RECORD)
           && fj_feed_now_ms(f) - f->marked_at_ms >= FJ_FEED_MARK_MS;
}


static void
fj_feed_mark(fj_feed_t *f)
{
    char        id[FJ_ID_SIZE];
    fj_words_t  words;

    f->marked_at_ms = fj_feed_now_ms(f);
    f->top.epoch = f->at.epoch;
    f->top.seq = f->at.seq * FJ_FEED_PER_RECORD + FJ_FEED_PER_RECORD - 1;
    fj_id_text(id, "", &f->top);

    words.argc = 0;
    fj_words_text(&words, "XSETID");
    fj_words_text(&words, f->key);
    fj_words_text(&words, id);

    fj_link_send(&f->link, FJ_COMMAND_FEED_MARK, &words);
}


void
fj_feed_on_mark(fj_link_t *link, const fj_reply_t *reply)
{
    fj_feed_t  *f = fj_feed_of(link);

    if (fj_reply_ok(reply)) {
        return;
    }

    /* It was deleted, or another process has gone on. */
    if (fj_reply_error(reply, "ERR no such key")
        || fj_reply_says(reply, "smaller"))
    {
        fj_feed_forget(f);
        fj_feed_wait(f);
        return;
    }

    fj_link_refused(link, reply, "XSETID of the events");
}

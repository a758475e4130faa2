/*
 * The feed reads: pages of the journal, and the events of their records.
 *
 * A page belongs to the shell, so the events of it are kept until they are
 * written; a page that has more than there is room for is read again from
 * where it was left.  Buyers wait while one is gone through: so many entries
 * are asked for that it has some hundred KiB, and at least one.
 */

#include <stdio.h>

#include "fj_feed_priv.h"


#define FJ_FEED_PAGE_SIZE   ((size_t) 256 << 10)
#define FJ_FEED_PAGE_MAX    64         /* entries, of FK_BATCH_SIZE_MAX */

/* An entry has itself, its id, its fields, and two of them at most. */
_Static_assert(FJ_FEED_PAGE_MAX * 7 < FJ_REPLY_ITEMS_MAX, "a page is read");


/* How reading goes on. */
typedef enum {
    FJ_FEED_ON = 0,
    FJ_FEED_FULL,                      /* here, when there is room again */
    FJ_FEED_REFUSED                    /* the connection was given up */
} fj_feed_read_t;


static fj_feed_read_t fj_feed_entry(fj_feed_t *f, const fj_reply_t *entry,
    size_t *bytes);
static fj_feed_read_t fj_feed_records(fj_feed_t *f, const fj_id_t *id,
    const fj_reply_t *value);
static void fj_feed_lost(fj_feed_t *f, uint64_t last);


void
fj_feed_page(fj_feed_t *f)
{
    int         size;
    char        id[FJ_ID_SIZE], count[FJ_ID_SIZE];
    fj_words_t  words;

    fj_id_text(id, "(", &f->at);
    size = snprintf(count, sizeof(count), "%" PRIu32, f->page_count);
    assert(size > 0 && (size_t) size < sizeof(count));

    words.argc = 0;
    fj_words_text(&words, "XRANGE");
    fj_words_text(&words, f->journal_key);
    fj_words_text(&words, id);
    fj_words_text(&words, "+");
    fj_words_text(&words, "COUNT");
    fj_words_text(&words, count);

    fj_link_send(&f->link, FJ_COMMAND_FEED_PAGE, &words);
}


void
fj_feed_on_page(fj_link_t *link, const fj_reply_t *reply)
{
    size_t           i, bytes;
    fj_feed_t       *f = fj_feed_of(link);
    fj_feed_read_t   result;

    if (reply->type != FJ_REPLY_ARRAY) {
        fj_link_refused(link, reply, "XRANGE for the events");
        return;
    }

    f->news_count = 0;
    bytes = 0;
    result = FJ_FEED_ON;

    for (i = 0; i < reply->count && result == FJ_FEED_ON; i++) {
        result = fj_feed_entry(f, &reply->item[i], &bytes);
    }

    if (result == FJ_FEED_REFUSED) {
        return;
    }

    f->more = result == FJ_FEED_FULL || reply->count >= f->page_count;

    /* What did not fit is asked for again: i is how many were looked at. */
    if (result == FJ_FEED_FULL || bytes > FJ_FEED_PAGE_SIZE) {
        f->page_count = (uint32_t) (i + 1) / 2;

    } else if (f->more && bytes < FJ_FEED_PAGE_SIZE / 2
               && f->page_count < FJ_FEED_PAGE_MAX)
    {
        f->page_count *= 2;
    }

    if (f->news_count != 0) {
        fj_feed_turn(f);
        return;
    }

    fk_stat_set(f->fk, FJ_STAT_FEED_SEQ, f->seen);
    fj_feed_pause(f);

    /* The region has more: the journal will, or it was cut. */
    if (reply->count == 0 && fj_feed_is_news(f)) {
        fk_stat_set(f->fk, FJ_STAT_FEED_SEQ, fk_durable_seq(f->fk));
        fj_feed_wait(f);
    }
}


/* One entry: [id, [field, value, ...]].  Ids grow, or reading never ends. */

static fj_feed_read_t
fj_feed_entry(fj_feed_t *f, const fj_reply_t *entry, size_t *bytes)
{
    size_t             i;
    fj_id_t            id;
    fj_feed_read_t     result;
    const fj_reply_t  *fields;

    if (entry->type != FJ_REPLY_ARRAY || entry->count != 2
        || !fj_id_read(&entry->item[0], &id) || fj_id_cmp(&id, &f->at) <= 0
        || id.seq > FJ_FEED_SEQ_MAX
        || entry->item[1].type != FJ_REPLY_ARRAY
        || entry->item[1].count % 2 != 0)
    {
        fj_link_refused(&f->link, entry, "a readable entry for the events");
        return FJ_FEED_REFUSED;
    }

    if (id.epoch > f->at.epoch) {
        /* The events that wait go first: all of them have at's epoch. */
        if (f->news_count != 0) {
            return FJ_FEED_FULL;
        }

        f->at.epoch = id.epoch;
        f->at.seq = 0;
    }

    fields = &entry->item[1];

    for (i = 0; i < fields->count; i += 2) {

        if (!fj_reply_is(&fields->item[i], "b")) {
            continue;
        }

        *bytes += fields->item[i + 1].size;
        result = fj_feed_records(f, &id, &fields->item[i + 1]);

        if (result != FJ_FEED_ON) {
            return result;
        }
    }

    /* An entry's id says how far the records go: a mark's, too, of an owner
     * who had some that the journal has not. */
    if (id.seq > f->at.seq) {
        fj_feed_lost(f, id.seq);
        f->at.seq = id.seq;
        f->seen = id.seq;
    }

    return FJ_FEED_ON;
}


/* A batch.  What cannot be read of it is passed over, and said: the events
 * of a shop that sells do not end there. */

static fj_feed_read_t
fj_feed_records(fj_feed_t *f, const fj_id_t *id, const fj_reply_t *value)
{
    size_t             at;
    uint32_t           count;
    fk_code_t          code;
    const uint8_t     *data;
    fk_news_record_t   record;

    if (value->type != FJ_REPLY_STRING) {
        fj_link_refused(&f->link, value, "a readable batch for the events");
        return FJ_FEED_REFUSED;
    }

    data = (const uint8_t *) value->text;

    for (at = 0; at < value->size; at += record.size) {

        if (f->news_count > FJ_FEED_NEWS_MAX - FK_NEWS_MAX) {
            return FJ_FEED_FULL;
        }

        code = fk_news_read(data + at, value->size - at, &record,
                            f->fed->room + f->news_count, &count);

        if (code == FK_OK && record.seq > id->seq) {
            code = FK_CORRUPT;
        }

        if (code != FK_OK) {
            fj_say(&f->link, FJ_LOG_ERR, ": entry %" PRIu64 "-%" PRIu64
                   " of %s cannot be read for the events: %s", id->epoch,
                   id->seq, f->journal_key, fk_code_info[code].text);
            break;
        }

        /* A batch that was sent again in a longer one. */
        if (record.seq <= f->at.seq) {
            continue;
        }

        fj_feed_lost(f, record.seq - 1);
        f->news_count += count;
        f->at.seq = record.seq;
        f->seen = record.seq;
    }

    return FJ_FEED_ON;
}


/* The records behind the last one that was seen, up to last, are not there. */

static void
fj_feed_lost(fj_feed_t *f, uint64_t last)
{
    if (f->seen == 0 || last <= f->seen) {
        return;
    }

    fk_stat_add(f->fk, FJ_STAT_FEED_LOST, last - f->seen);
    fj_say(&f->link, FJ_LOG_ERR, ": the events of records %" PRIu64 " to %"
           PRIu64 " are missing: the journal in redis \"%s\" does not have "
           "them any more", f->seen + 1, last, f->link.address.text);
}

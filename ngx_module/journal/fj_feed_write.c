/*
 * The feed writes: events as entries of the stream, all that wait in one round
 * trip and one transaction.  Redis may fsync once for each command; and no
 * record is told in part.
 *
 *     MULTI
 *     XADD events [NOMKSTREAM] <epoch>-<number> event .. time .. ..
 *     XADD events [NOMKSTREAM] MAXLEN ~ N <epoch>-<number> event ..
 *     EXEC
 *
 * A text that is empty is left out.
 */

#include <stdarg.h>
#include <stdio.h>

#include "fj_feed_priv.h"


#define FJ_FEED_FIELDS_MAX  12
#define FJ_FEED_MADE_MAX    6          /* of them: numbers, and the name */
#define FJ_FEED_TEXT_SIZE   64         /* .. each of them */

_Static_assert(7 + 2 * FJ_FEED_FIELDS_MAX <= FJ_ARGC_MAX, "an entry fits");


/* An entry on its way: its words, and the texts of them that are made. */
typedef struct {
    fj_words_t  words;
    uint32_t    made;
    char        text[FJ_FEED_MADE_MAX][FJ_FEED_TEXT_SIZE];
} fj_feed_entry_t;


static void fj_feed_entry_send(fj_feed_t *f, const fk_news_t *news,
    int is_last);
static void fj_feed_fields(fj_feed_t *f, const fk_news_t *news,
    fj_feed_entry_t *entry);
static void fj_feed_text(fj_feed_entry_t *entry, const char *name,
    const char *text, size_t size);
static void fj_feed_made(fj_feed_entry_t *entry, const char *name,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static const char *fj_feed_currency(fj_feed_t *f, const fk_news_t *news);
static int fj_feed_written(fj_feed_t *f, const fj_reply_t *reply);
static void fj_feed_id(const fj_feed_t *f, const fk_news_t *news,
    fj_id_t *id);


void
fj_feed_write(fj_feed_t *f)
{
    uint32_t    n;
    fj_words_t  words;

    words.argc = 0;
    fj_words_text(&words, "MULTI");
    fj_link_send(&f->link, FJ_COMMAND_FEED_ADD, &words);

    for (n = 0; n < f->news_count; n++) {
        fj_feed_entry_send(f, &f->fed->room[n], n == f->news_count - 1);
    }

    words.argc = 0;
    fj_words_text(&words, "EXEC");
    fj_link_also(&f->link, &words);
}


static void
fj_feed_entry_send(fj_feed_t *f, const fk_news_t *news, int is_last)
{
    int               size;
    char              id_text[FJ_ID_SIZE], events_max[FJ_ID_SIZE];
    fj_id_t           id;
    fj_words_t       *words;
    fj_feed_entry_t   entry;

    entry.words.argc = 0;
    entry.made = 0;
    words = &entry.words;

    fj_feed_id(f, news, &id);
    fj_id_text(id_text, "", &id);
    size = snprintf(events_max, sizeof(events_max), "%" PRIu32,
                    f->fed->events_max);
    assert(size > 0 && (size_t) size < sizeof(events_max));

    fj_words_text(words, "XADD");
    fj_words_text(words, f->key);

    /* One that was deleted is not silently begun anew in the middle. */
    if (f->top.epoch != 0) {
        fj_words_text(words, "NOMKSTREAM");
    }

    /* Once a transaction is enough. */
    if (is_last) {
        fj_words_text(words, "MAXLEN");
        fj_words_text(words, "~");
        fj_words_text(words, events_max);
    }

    fj_words_text(words, id_text);
    fj_feed_fields(f, news, &entry);
    fj_link_also(&f->link, words);
}


static void
fj_feed_id(const fj_feed_t *f, const fk_news_t *news, fj_id_t *id)
{
    id->epoch = f->at.epoch;
    id->seq = news->seq * FJ_FEED_PER_RECORD + news->number;
}


/* OK, QUEUED for each entry, and what EXEC has done: all of them, unless the
 * connection was lost before. */

void
fj_feed_on_add(fj_link_t *link, const fj_reply_t *reply)
{
    fj_feed_t  *f = fj_feed_of(link);

    if (link->command != FJ_COMMAND_NONE) {
        if (!fj_reply_ok(reply) && !fj_reply_is(reply, "QUEUED")) {
            fj_link_refused(link, reply, "an event");
        }

        return;
    }

    if (reply->type != FJ_REPLY_ARRAY || reply->count != f->news_count) {
        fj_link_refused(link, reply, "events");
        return;
    }

    if (!fj_feed_written(f, reply)) {
        return;
    }

    fj_link_works(link);
    fk_stat_set(f->fk, FJ_STAT_FEED_SEQ, f->seen);
    fj_feed_pause(f);
}


/* One that was refused is there already, and the stream's end says the rest;
 * so it does if there is no stream any more.  0: no more can be done here. */

static int
fj_feed_written(fj_feed_t *f, const fj_reply_t *reply)
{
    int       is_behind;
    fj_id_t   id;
    uint32_t  n;

    is_behind = 0;

    for (n = 0; n < f->news_count; n++) {
        fj_feed_id(f, &f->fed->room[n], &id);

        switch (fj_appended(&id, &reply->item[n])) {

        case FJ_APPEND_DONE:
            fk_stat_add(f->fk, FJ_STAT_FEED_EVENTS, 1);
            f->top = id;
            break;

        case FJ_APPEND_REFUSED:
        case FJ_APPEND_GONE:
            is_behind = 1;
            break;

        default:
            fj_link_refused(&f->link, &reply->item[n], "an event");
            return 0;
        }
    }

    f->news_count = 0;

    if (is_behind) {
        fj_feed_forget(f);
    }

    return 1;
}


/* --- the fields -------------------------------------------------------- */

static void
fj_feed_fields(fj_feed_t *f, const fk_news_t *news, fj_feed_entry_t *entry)
{
    char            order[FK_ORDER_TEXT_SIZE];
    const char     *currency;
    fk_news_kind_t  kind;

    kind = news->kind;

    fj_feed_made(entry, "event", "%s.%s", fk_news_kind_word[kind],
                 news->word);
    fj_feed_made(entry, "time", "%" PRId64, news->time_ms / 1000);

    if (kind == FK_NEWS_ORDER || kind == FK_NEWS_PAYMENT) {
        fk_order_id_text(&news->order, order);
        fj_feed_made(entry, "order", "%.*s", (int) sizeof(order), order);
    }

    fj_feed_text(entry, "sku", news->sku, strlen(news->sku));

    if (kind == FK_NEWS_ORDER || kind == FK_NEWS_STOCK) {
        fj_feed_made(entry, "qty", "%" PRIu32, news->qty);
    }

    if (kind == FK_NEWS_STOCK) {
        fj_feed_made(entry, "batch", "%" PRIu32, news->batch);
        return;
    }

    fj_feed_made(entry, kind == FK_NEWS_PRODUCT ? "price" : "amount",
                 "%" PRId64, news->amount);

    if (kind == FK_NEWS_PAYMENT) {
        fj_feed_text(entry, "trade_no", news->trade_no,
                     news->trade_no_size);

    } else {
        currency = fj_feed_currency(f, news);
        fj_feed_text(entry, "currency", currency, strlen(currency));
    }

    fj_feed_text(entry, "channel", news->channel, strlen(news->channel));

    if (kind == FK_NEWS_PRODUCT) {
        fj_feed_text(entry, "on_sale", news->on_sale ? "1" : "0", 1);
    }
}


static void
fj_feed_text(fj_feed_entry_t *entry, const char *name, const char *text,
    size_t size)
{
    if (size != 0) {
        fj_words_text(&entry->words, name);
        fj_words_add(&entry->words, text, size);
    }
}


static void
fj_feed_made(fj_feed_entry_t *entry, const char *name, const char *fmt, ...)
{
    int      size;
    char    *text;
    va_list  args;

    assert(entry->made < FJ_FEED_MADE_MAX);
    text = entry->text[entry->made++];

    va_start(args, fmt);
    size = vsnprintf(text, FJ_FEED_TEXT_SIZE, fmt, args);
    va_end(args);

    assert(size > 0 && size < FJ_FEED_TEXT_SIZE);
    fj_feed_text(entry, name, text, (size_t) size);
}


/* An order's record does not have it, and its product has had the same since
 * it had an order. */

static const char *
fj_feed_currency(fj_feed_t *f, const fk_news_t *news)
{
    fk_env_t           env;
    fk_str_t           sku;
    fk_product_view_t  product;

    if (news->currency[0] != '\0') {
        return news->currency;
    }

    if (strcmp(f->sku, news->sku) != 0) {
        f->sku[0] = '\0';
        f->currency[0] = '\0';
        env.now_ms = news->time_ms;
        sku.data = (const uint8_t *) news->sku;
        sku.size = strlen(news->sku);

        if (fk_product_get(f->fk, &env, sku, &product) == FK_OK) {
            memcpy(f->sku, news->sku, sizeof(f->sku));
            memcpy(f->currency, product.currency, sizeof(f->currency));
        }
    }

    return f->currency;
}

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
 * What is in an entry stands in one table.  A text that is empty is left out.
 */

#include <stddef.h>
#include <stdio.h>

#include "fj_feed_priv.h"


#define FJ_FEED_TEXT_SIZE  64          /* of a number, a name, an id */

#define ORDER    (1u << FK_NEWS_ORDER)
#define PAYMENT  (1u << FK_NEWS_PAYMENT)
#define STOCK    (1u << FK_NEWS_STOCK)
#define PRODUCT  (1u << FK_NEWS_PRODUCT)

/* name, of which kinds, how it is written. */
#define FJ_FEED_FIELDS(X)                                                    \
    X("event",    ORDER | PAYMENT | STOCK | PRODUCT, fj_feed_event)          \
    X("time",     ORDER | PAYMENT | STOCK | PRODUCT, fj_feed_time)           \
    X("order",    ORDER | PAYMENT,                   fj_feed_order)          \
    X("sku",      ORDER | STOCK | PRODUCT,           fj_feed_sku)            \
    X("qty",      ORDER | STOCK,                     fj_feed_qty)            \
    X("amount",   ORDER | PAYMENT,                   fj_feed_amount)         \
    X("price",    PRODUCT,                           fj_feed_amount)         \
    X("currency", ORDER | PRODUCT,                   fj_feed_currency)       \
    X("channel",  ORDER | PAYMENT,                   fj_feed_channel)        \
    X("trade_no", PAYMENT,                           fj_feed_trade_no)       \
    X("batch",    STOCK,                             fj_feed_batch)          \
    X("on_sale",  PRODUCT,                           fj_feed_on_sale)

/* The text is in the event, or made in buf, which has FJ_FEED_TEXT_SIZE. */
typedef fk_str_t (*fj_feed_text_pt)(fj_feed_t *f, const fk_news_t *news,
    char *buf);

typedef struct {
    const char       *name;
    unsigned          kinds;
    fj_feed_text_pt   text;
} fj_feed_field_t;


static void fj_feed_entry_send(fj_feed_t *f, const fk_news_t *news,
    int is_last);
static int fj_feed_written(fj_feed_t *f, const fj_reply_t *reply);
static void fj_feed_id(const fj_feed_t *f, const fk_news_t *news,
    fj_id_t *id);
static fk_str_t fj_feed_made(const char *buf, int size);
static fk_str_t fj_feed_word(const char *text);

#define FJ_FEED_PROTOTYPE(text)                                              \
    static fk_str_t text(fj_feed_t *f, const fk_news_t *news, char *buf)

FJ_FEED_PROTOTYPE(fj_feed_event);
FJ_FEED_PROTOTYPE(fj_feed_time);
FJ_FEED_PROTOTYPE(fj_feed_order);
FJ_FEED_PROTOTYPE(fj_feed_sku);
FJ_FEED_PROTOTYPE(fj_feed_qty);
FJ_FEED_PROTOTYPE(fj_feed_amount);
FJ_FEED_PROTOTYPE(fj_feed_currency);
FJ_FEED_PROTOTYPE(fj_feed_channel);
FJ_FEED_PROTOTYPE(fj_feed_trade_no);
FJ_FEED_PROTOTYPE(fj_feed_batch);
FJ_FEED_PROTOTYPE(fj_feed_on_sale);


static const fj_feed_field_t  fj_feed_fields[] = {
#define FJ_FEED_ROW(name, kinds, text)  { name, kinds, text },
    FJ_FEED_FIELDS(FJ_FEED_ROW)
#undef FJ_FEED_ROW
};

#define FJ_FEED_FIELDS_COUNT                                                 \
    (sizeof(fj_feed_fields) / sizeof(fj_feed_fields[0]))

_Static_assert(7 + 2 * FJ_FEED_FIELDS_COUNT <= FJ_ARGC_MAX, "an entry fits");


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
    int                     size;
    char                    id_text[FJ_ID_SIZE], events_max[FJ_ID_SIZE];
    char                    buf[FJ_FEED_FIELDS_COUNT][FJ_FEED_TEXT_SIZE];
    size_t                  n;
    fj_id_t                 id;
    fk_str_t                value;
    fj_words_t              words;
    const fj_feed_field_t  *field;

    fj_feed_id(f, news, &id);
    fj_id_text(id_text, "", &id);
    size = snprintf(events_max, sizeof(events_max), "%" PRIu32,
                    f->fed->events_max);
    assert(size > 0 && (size_t) size < sizeof(events_max));

    words.argc = 0;
    fj_words_text(&words, "XADD");
    fj_words_text(&words, f->key);

    /* One that was deleted is not silently begun anew in the middle. */
    if (f->top.epoch != 0) {
        fj_words_text(&words, "NOMKSTREAM");
    }

    /* Once a transaction is enough. */
    if (is_last) {
        fj_words_text(&words, "MAXLEN");
        fj_words_text(&words, "~");
        fj_words_text(&words, events_max);
    }

    fj_words_text(&words, id_text);

    for (n = 0; n < FJ_FEED_FIELDS_COUNT; n++) {
        field = &fj_feed_fields[n];

        if ((field->kinds >> news->kind & 1u) == 0) {
            continue;
        }

        value = field->text(f, news, buf[n]);

        if (value.size != 0) {
            fj_words_text(&words, field->name);
            fj_words_add(&words, value.data, value.size);
        }
    }

    fj_link_also(&f->link, &words);
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

static fk_str_t
fj_feed_made(const char *buf, int size)
{
    fk_str_t  text;

    assert(size > 0 && size < FJ_FEED_TEXT_SIZE);

    text.data = (const uint8_t *) buf;
    text.size = (size_t) size;
    return text;
}


static fk_str_t
fj_feed_word(const char *word)
{
    fk_str_t  text;

    text.data = (const uint8_t *) word;
    text.size = strlen(word);
    return text;
}


static fk_str_t
fj_feed_event(fj_feed_t *f, const fk_news_t *news, char *buf)
{
    return fj_feed_made(buf, snprintf(buf, FJ_FEED_TEXT_SIZE, "%s.%s",
                                      fk_news_kind_word[news->kind],
                                      news->word));
}


static fk_str_t
fj_feed_time(fj_feed_t *f, const fk_news_t *news, char *buf)
{
    return fj_feed_made(buf, snprintf(buf, FJ_FEED_TEXT_SIZE, "%" PRId64,
                                      news->time_ms / 1000));
}


static fk_str_t
fj_feed_order(fj_feed_t *f, const fk_news_t *news, char *buf)
{
    fk_order_id_text(&news->order, buf);
    return fj_feed_made(buf, FK_ORDER_TEXT_SIZE);
}


static fk_str_t
fj_feed_sku(fj_feed_t *f, const fk_news_t *news, char *buf)
{
    return fj_feed_word(news->sku);
}


static fk_str_t
fj_feed_qty(fj_feed_t *f, const fk_news_t *news, char *buf)
{
    return fj_feed_made(buf, snprintf(buf, FJ_FEED_TEXT_SIZE, "%" PRIu32,
                                      news->qty));
}


static fk_str_t
fj_feed_amount(fj_feed_t *f, const fk_news_t *news, char *buf)
{
    return fj_feed_made(buf, snprintf(buf, FJ_FEED_TEXT_SIZE, "%" PRId64,
                                      news->amount));
}


/* An order's record does not have it, and its product has had the same since
 * it had an order. */

static fk_str_t
fj_feed_currency(fj_feed_t *f, const fk_news_t *news, char *buf)
{
    fk_env_t           env;
    fk_product_view_t  product;

    if (news->currency[0] != '\0') {
        return fj_feed_word(news->currency);
    }

    if (strcmp(f->sku, news->sku) != 0) {
        f->sku[0] = '\0';
        f->currency[0] = '\0';
        env.now_ms = news->time_ms;

        if (fk_product_get(f->fk, &env, fj_feed_word(news->sku), &product)
            == FK_OK)
        {
            memcpy(f->sku, news->sku, sizeof(f->sku));
            memcpy(f->currency, product.currency, sizeof(f->currency));
        }
    }

    return fj_feed_word(f->currency);
}


static fk_str_t
fj_feed_channel(fj_feed_t *f, const fk_news_t *news, char *buf)
{
    return fj_feed_word(news->channel);
}


static fk_str_t
fj_feed_trade_no(fj_feed_t *f, const fk_news_t *news, char *buf)
{
    fk_str_t  text;

    text.data = (const uint8_t *) news->trade_no;
    text.size = news->trade_no_size;
    return text;
}


static fk_str_t
fj_feed_batch(fj_feed_t *f, const fk_news_t *news, char *buf)
{
    return fj_feed_made(buf, snprintf(buf, FJ_FEED_TEXT_SIZE, "%" PRIu32,
                                      news->batch));
}


static fk_str_t
fj_feed_on_sale(fj_feed_t *f, const fk_news_t *news, char *buf)
{
    return fj_feed_word(news->on_sale ? "1" : "0");
}

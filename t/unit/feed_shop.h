/*
 * A feed beside the shop and the Redis of machine_shop.h: several commands at
 * once, a journal that the test fills, and what must stand in the events.
 */

#ifndef FAKA_FEED_SHOP_H_INCLUDED_
#define FAKA_FEED_SHOP_H_INCLUDED_


#include "fj_feed_priv.h"
#include "machine_shop.h"


#define EVENTS     "faka:{main}:events"
#define QUEUE_MAX  400                 /* commands on their way */


typedef struct {
    int     argc;
    size_t  sizes[FJ_ARGC_MAX];
    char   *argv[FJ_ARGC_MAX];
} sent_t;

static fj_feed_t        feed;
static fk_news_t        room[FJ_FEED_NEWS_MAX];
static fj_feed_conf_t   fed = { 1000, room };
static fj_shell_t       feed_shell;
static sent_t           queue[QUEUE_MAX];
static size_t           queue_first, queue_count;
static sent_t           multi[QUEUE_MAX];      /* between MULTI and EXEC */
static size_t           multi_count;
static int              in_multi;
static int              commands;      /* that were sent */
static size_t           entries_read;  /* of the journal */
static fk_order_view_t  view;
static fk_pay_result_t  result;


static void
sent_keep(sent_t *sent, int argc, const char *const *argv,
    const size_t *sizes)
{
    int  i;

    shop_must(argc <= FJ_ARGC_MAX, "words");
    sent->argc = argc;

    for (i = 0; i < argc; i++) {
        sent->sizes[i] = sizes[i];
        sent->argv[i] = malloc(sizes[i] + 1);
        shop_must(sent->argv[i] != NULL, "memory");
        memcpy(sent->argv[i], argv[i], sizes[i]);
        sent->argv[i][sizes[i]] = '\0';
    }
}


static void
sent_drop(sent_t *sent)
{
    int  i;

    for (i = 0; i < sent->argc; i++) {
        free(sent->argv[i]);
    }
}


/* Several at once: the world has room for the oldest, the rest waits here. */
__attribute__((unused))
static int
feed_send(void *data, int argc, const char *const *argv, const size_t *sizes)
{
    commands++;

    if (w.argc == 0) {
        return world_send(data, argc, argv, sizes);
    }

    shop_must(queue_count < QUEUE_MAX, "a queue");
    sent_keep(&queue[queue_count++], argc, argv, sizes);
    return 0;
}


__attribute__((unused))
static void
queue_drop(void)
{
    for ( ; queue_first < queue_count; queue_first++) {
        sent_drop(&queue[queue_first]);
    }

    for ( ; multi_count > 0; multi_count--) {
        sent_drop(&multi[multi_count - 1]);
    }

    queue_first = 0;
    queue_count = 0;
    in_multi = 0;
}


__attribute__((unused))
static void
feed_close(void *data)
{
    queue_drop();
    world_close(data);
}


/* The oldest command is done with: the next one is. */
static void
queue_next(void)
{
    sent_t  *next;

    if (queue_first == queue_count) {
        return;
    }

    next = &queue[queue_first++];
    shop_must(w.argc == 0, "one kind at a time");
    (void) world_send(NULL, next->argc, (const char *const *) next->argv,
                      next->sizes);
    sent_drop(next);

    if (queue_first == queue_count) {
        queue_first = 0;
        queue_count = 0;
    }
}


/* The reply to the oldest command.  To the last one the machine may answer
 * with the next ones. */
static void
replies(const fj_reply_t *reply)
{
    int  is_last;

    is_last = queue_first == queue_count;
    event_reply(reply);

    if (!is_last) {
        queue_next();
    }
}


/* As world_answer(), with transactions. */
static const fj_reply_t *
feed_answer(void)
{
    size_t       n;
    fj_reply_t  *reply, *rows;

    if (!in_multi && strcmp(w.argv[0], "MULTI") != 0) {
        return world_answer();
    }

    nodes_count = 0;
    reply = node_row(1);

    if (!in_multi) {
        in_multi = 1;
        node_text(reply, FJ_REPLY_STATUS, "OK");

    } else if (strcmp(w.argv[0], "EXEC") != 0) {
        shop_must(multi_count < QUEUE_MAX, "a transaction");
        sent_keep(&multi[multi_count++], w.argc, (const char *const *) w.argv,
                  w.sizes);
        node_text(reply, FJ_REPLY_STATUS, "QUEUED");

    } else {
        rows = node_array(reply, multi_count);

        for (n = 0; n < multi_count; n++) {
            redis_xadd(&rows[n], multi[n].argc, multi[n].argv,
                       multi[n].sizes);
            sent_drop(&multi[n]);
        }

        multi_count = 0;
        in_multi = 0;
    }

    return reply;
}


/* All that is on its way is carried out, and nobody hears of it. */
__attribute__((unused))
static void
feed_carry(void)
{
    while (w.argc != 0) {
        (void) feed_answer();
        w.argc = 0;
        queue_next();
    }
}


/* Another process has written what this one is about to. */
__attribute__((unused))
static void
feed_forestall(void)
{
    size_t  n;

    for (n = queue_first; n < queue_count; n++) {
        if (strcmp(queue[n].argv[0], "XADD") == 0) {
            nodes_count = 0;
            redis_xadd(node_row(1), queue[n].argc, queue[n].argv,
                       queue[n].sizes);
        }
    }
}


__attribute__((unused))
static void
reply_error(const char *text)
{
    fj_reply_t  reply;

    memset(&reply, 0, sizeof(reply));
    node_text(&reply, FJ_REPLY_ERROR, text);
    replies(&reply);
}


/* --- the shop and its journal ------------------------------------------ */

__attribute__((unused))
static stream_t *
events(void)
{
    return stream_of(EVENTS);
}


/* Whatever is not durable yet goes into the journal, under this epoch. */
__attribute__((unused))
static void
flush(void)
{
    char         *bytes;
    size_t        size;
    fj_id_t       id;
    fk_batch_t    batch;
    const char   *data[2];
    size_t        sizes[2];

    while (fk_flush_take(&shop, OWNER, w.now_ms, &batch) == FK_FLUSH_SEND) {
        bytes = malloc(batch.size[0] + batch.size[1] + 1);
        shop_must(bytes != NULL, "memory");
        size = batch.size[0] + batch.size[1];
        memcpy(bytes, batch.part[0], batch.size[0]);
        memcpy(bytes + batch.size[0], batch.part[1], batch.size[1]);

        id.epoch = batch.epoch;
        id.seq = batch.last_seq;
        data[0] = "b";
        sizes[0] = 1;
        data[1] = bytes;
        sizes[1] = size;
        (void) stream_of("faka:{main}:journal");
        shop_must(stream_add(journal, &id, 2, data, sizes), "an entry");
        shop_must(fk_flush_done(&shop, OWNER, batch.last_seq) == FK_OK,
                  "done");
        free(bytes);
    }
}


__attribute__((unused))
static void
shop_sell(void)
{
    char  trade[32];

    (void) snprintf(trade, sizeof(trade), "T-%u", ++shop_serial);
    shop_must(shop_buy("seat", 1, &view) == FK_OK, "buy");
    shop_must(shop_pay(&view.id, trade, 500, &result, &view) == FK_OK, "pay");
}


__attribute__((unused))
static void
sell(uint32_t count)
{
    uint32_t  n;

    for (n = 0; n < count; n++) {
        shop_sell();
        flush();
    }
}


__attribute__((unused))
static void
browse(uint32_t count)
{
    uint32_t  n;

    for (n = 0; n < count; n++) {
        shop_must(shop_buy("seat", 1, &view) == FK_OK, "buy");
        flush();
    }
}


/* An open shop with a product, and a feed whose link is on its way. */
__attribute__((unused))
static void
feed_new(void)
{
    world_link = &machine.link;
    queue_drop();
    world_new();
    shop_must(walk_calm(), "open");
    event_begins();
    fj_stop(&machine);
    w.is_inside = 0;
    w.has_closed = 0;
    w.argc = 0;
    memset(w.logs, 0, sizeof(w.logs));

    shop_product("seat", FK_KIND_COUNTED, 100000);
    flush();

    feed_shell = world_shell;
    feed_shell.send = feed_send;
    feed_shell.close = feed_close;
    world_link = &feed.link;
    event_begins();
    fj_feed_start(&feed, &conf, &fed, &feed_shell, NULL);
    w.is_inside = 0;
}


__attribute__((unused))
static void
feed_step(void)
{
    int                is_page;
    const fj_reply_t  *reply;

    if (w.connecting) {
        event_connected();

    } else if (w.argc != 0) {
        is_page = strcmp(w.argv[0], "XRANGE") == 0;
        reply = feed_answer();
        entries_read += is_page ? reply->count : 0;
        replies(reply);

    } else {
        event_timer(next_timer());
    }
}


/* Until there is nothing to do but to look. */
__attribute__((unused))
static void
feed_calm(void)
{
    int  steps;

    for (steps = 0; steps < STEPS_MAX; steps++) {
        if (feed.link.state == FJ_LINK_READY && w.argc == 0 && feed.knows
            && !fj_feed_is_news(&feed) && feed.news_count == 0
            && !fj_link_timer_runs(&feed.link, FJ_TIMER_FLUSH))
        {
            return;
        }

        feed_step();
    }

    shop_must(0, "it comes to rest");
}


__attribute__((unused))
static int
feed_to(fj_command_t command)
{
    int  steps;

    for (steps = 0; steps < STEPS_MAX; steps++) {
        if (feed.link.command == (uint32_t) command) {
            return 1;
        }

        feed_step();
    }

    return 0;
}


__attribute__((unused))
static void
feed_steps(int steps)
{
    for ( ; steps > 0; steps--) {
        feed_step();
    }
}


/* Until the stream's last id says so, too. */
__attribute__((unused))
static void
feed_marks(void)
{
    feed_steps(40);
    feed_calm();
}


__attribute__((unused))
static const char *
field(size_t n, const char *name)
{
    size_t    i;
    entry_t  *entry;

    shop_must(n < events()->count, "an entry");
    entry = &events()->entry[n];

    for (i = 0; i < entry->words; i += 2) {
        if (strcmp(entry->data[i], name) == 0) {
            return entry->data[i + 1];
        }
    }

    return "";
}


/* What a fresh reading of the whole journal tells, in order: as many, with
 * these names. */
__attribute__((unused))
static int
is_complete(void)
{
    char         name[64];
    size_t       e, at, seen;
    uint32_t     n, count;
    entry_t     *entry;
    uint64_t     last;

    static fk_news_t  news[FK_NEWS_MAX];
    fk_news_record_t  record;

    seen = 0;
    last = 0;

    for (e = 0; e < journal->count; e++) {
        entry = &journal->entry[e];

        if (strcmp(entry->data[0], "b") != 0) {
            continue;
        }

        for (at = 0; at < entry->size[1]; at += record.size) {
            shop_must(fk_news_read((uint8_t *) entry->data[1] + at,
                                   entry->size[1] - at, &record, news,
                                   &count) == FK_OK, "a record");
            if (record.seq <= last) {
                continue;
            }

            last = record.seq;

            for (n = 0; n < count; n++, seen++) {
                (void) snprintf(name, sizeof(name), "%s.%s",
                                fk_news_kind_word[news[n].kind],
                                news[n].word);
                if (seen >= events()->count
                    || strcmp(field(seen, "event"), name) != 0
                    || events()->entry[seen].id.epoch != entry->id.epoch
                    || events()->entry[seen].id.seq != record.seq * 1000 + n)
                {
                    printf("# %zu of %zu: %s\n", seen, events()->count, name);
                    return 0;
                }
            }
        }
    }

    return seen == events()->count;
}


__attribute__((unused))
static uint64_t
stat_of(unsigned stat)
{
    return fk_stat_get(&shop, stat);
}


#endif /* FAKA_FEED_SHOP_H_INCLUDED_ */

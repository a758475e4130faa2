/*
 * The feed: every event once and in order, whatever Redis loses or has cut,
 * and whoever else feeds.
 */

#include "feed_shop.h"


/* --- the plain way ------------------------------------------------------ */

static void
test_plain(void)
{
    char  order[FK_ORDER_TEXT_SIZE + 1];

    feed_new();
    sell(1);
    feed_calm();
    EQ_INT(events()->count, 3, "a product, an order, a payment");
    EQ_STR(field(0, "event"), "product.changed", "the product");
    EQ_STR(field(0, "price"), "500", "its price");
    EQ_STR(field(0, "on_sale"), "1", "on sale");
    EQ_STR(field(1, "event"), "order.delivered", "the order");
    fk_order_id_text(&view.id, order);
    order[FK_ORDER_TEXT_SIZE] = '\0';
    EQ_STR(field(1, "order"), order, "its id");
    EQ_STR(field(1, "sku"), "seat", "of what");
    EQ_STR(field(1, "qty"), "1", "how many");
    EQ_STR(field(1, "amount"), "500", "for how much");
    EQ_STR(field(1, "currency"), "CNY", "of what money");
    EQ_STR(field(1, "channel"), "epay", "by which channel");
    EQ_STR(field(2, "event"), "payment.applied", "the payment");
    OK(strncmp(field(2, "trade_no"), "T-", 2) == 0, "its number");
    EQ_STR(field(2, "currency"), "", "nothing that the record has not");
    OK(is_complete(), "in order, with the ids of their records");
    EQ_INT(stat_of(FJ_STAT_FEED_EVENTS), 3, "counted");
    EQ_INT(stat_of(FJ_STAT_FEED_SEQ), fk_durable_seq(&shop), "not behind");
    EQ_INT(stat_of(FJ_STAT_FEED_LOST), 0, "nothing missing");
    EQ_INT(w.logs[FJ_LOG_ERR] + w.logs[FJ_LOG_WARN], 0, "nothing said");
}


static void
test_idle(void)
{
    int  i, before;

    feed_new();
    sell(1);
    feed_calm();
    before = commands;

    for (i = 0; i < 100; i++) {
        event_timer(FJ_TIMER_PULSE);
    }

    EQ_INT(commands, before, "an idle shop costs no command");
    browse(5);
    feed_calm();
    EQ_INT(events()->count, 3, "checkouts are no events");
    feed_marks();
    EQ_INT(events()->top.seq, fk_durable_seq(&shop) * 1000 + 999,
           "how far it has read is the stream's last id");
    before = commands;

    for (i = 0; i < 100; i++) {
        event_timer(FJ_TIMER_PULSE);
    }

    EQ_INT(commands, before, "once");
}


/* More than a round, than the room, than a page. */
static void
test_many(void)
{
    feed_new();
    sell(700);
    feed_calm();
    EQ_INT(events()->count, 1401, "all of it");
    OK(is_complete(), "once and in order");
    OK(commands < 1401 + 300, "in few round trips");
}


static void
test_one_batch(void)
{
    uint32_t  n;

    feed_new();

    /* One entry of the journal with more events than there is room for. */
    for (n = 0; n < 600; n++) {
        shop_sell();
    }

    flush();
    feed_calm();
    EQ_INT(events()->count, 1201, "all of it");
    OK(is_complete(), "once and in order");
}


/* Entries with many events each: what does not fit is not asked for over and
 * over again. */
static void
test_dense(void)
{
    uint32_t  n, i;

    feed_new();
    browse(300);
    feed_calm();
    entries_read = 0;

    for (n = 0; n < 32; n++) {
        for (i = 0; i < 50; i++) {
            shop_sell();
        }

        flush();
    }

    feed_steps(3200);
    feed_calm();
    OK(is_complete(), "once and in order");
    OK(entries_read < 96, "%zu entries were read for 32", entries_read);
}


/* No record is told in part, for the stream's last id says that it was. */
static void
test_whole(void)
{
    size_t  n;
    int     parts;

    feed_new();
    sell(400);
    parts = 0;

    while (events()->count < 801) {
        feed_step();
        n = events()->count;
        parts += n != 0 && n % 2 == 0;
    }

    EQ_INT(parts, 0, "an order and its payment, always both");
}


/* --- what is lost ------------------------------------------------------- */

/* The connection ends at the n-th reply, carried out or not, for every n. */
static void
test_lost(void)
{
    int  n, carried, steps, wrong;

    wrong = 0;

    for (n = 0; n < 60; n++) {
        for (carried = 0; carried < 2; carried++) {
            feed_new();
            sell(12);

            for (steps = 0; steps < n; steps++) {
                feed_step();
            }

            if (carried) {
                feed_carry();
            }

            if (w.is_open) {
                queue_drop();
                event_closed();
            }

            sell(2);
            feed_calm();
            wrong += !is_complete();
        }
    }

    EQ_INT(wrong, 0, "whenever the connection ends: each once");
}


/* Redis comes back without the last entries.  What was one transaction is lost
 * as a whole: of these records, both their events. */
static void
test_tail(void)
{
    size_t  lost;

    for (lost = 2; lost <= 12; lost += 2) {
        feed_new();
        sell(6);
        feed_calm();
        stream_lose(events(), lost);
        event_closed();
        feed_calm();
        OK(is_complete(), "%zu events are lost and told again", lost);
        EQ_INT(stat_of(FJ_STAT_FEED_LOST), 0, "nothing is missing");
    }

    /* Deleted by hand, over a connection that lives. */
    feed_new();
    sell(6);
    feed_calm();
    stream_lose(events(), events()->count);
    feed_calm();
    EQ_INT(events()->count, 0, "nothing happens: nothing is told");
    sell(1);
    feed_calm();
    OK(is_complete(), "then what the journal has, under the same ids");
}


static void
test_cut(void)
{
    feed_new();
    sell(3);
    feed_calm();
    event_closed();
    sell(4);
    stream_cut(journal, journal->count - 1);
    feed_calm();
    EQ_INT(stat_of(FJ_STAT_FEED_LOST), 6, "records that were cut are counted");
    EQ_INT(w.logs[FJ_LOG_ERR], 1, "and said");
    OK(strstr(w.log, "are missing") != NULL, "with their numbers: %s", w.log);
    EQ_STR(field(events()->count - 1, "event"), "payment.applied",
           "it goes on with the oldest that is there");

    /* Cut behind what was read and had no events: nothing is missing. */
    feed_new();
    sell(1);
    browse(6);
    feed_calm();
    feed_marks();
    event_closed();
    stream_cut(journal, journal->count);
    sell(1);
    feed_calm();
    EQ_INT(stat_of(FJ_STAT_FEED_LOST), 0, "nothing is missing");
    EQ_INT(w.logs[FJ_LOG_ERR], 0, "nor said to be");
    EQ_INT(events()->count, 5, "and the next ones are told");

    /* Nor does a feed that begins know what was before. */
    feed_new();
    sell(5);
    stream_cut(journal, journal->count - 2);
    feed_calm();
    EQ_INT(stat_of(FJ_STAT_FEED_LOST), 0, "a new stream lacks nothing");
    EQ_INT(events()->count, 4, "it begins with the oldest that is there");

    /* Nor is it behind where nothing is left to be told. */
    feed_new();
    sell(5);
    stream_cut(journal, journal->count);
    feed_steps(40);
    EQ_INT(stat_of(FJ_STAT_FEED_SEQ), fk_durable_seq(&shop), "not behind");
    sell(1);
    feed_calm();
    EQ_INT(events()->count, 2, "and the next ones are told");
}


/* --- others -------------------------------------------------------------- */

/* Another owner has opened the shop under the next epoch, with so many. */
static void
take(uint64_t seq)
{
    char     id[FJ_ID_SIZE];
    fj_id_t  mark;

    mark.epoch = fk_epoch(&shop) + 1;
    mark.seq = 0;
    fj_id_text(id, "", &mark);
    stream_put(journal, id, "t", "x", NULL);
    mark.seq = seq;
    fj_id_text(id, "", &mark);
    stream_put(journal, id, "o", "x", NULL);

    shop.region->ring.seq = seq;
    shop.region->ring.durable_seq = seq;
    shop.region->ring.epoch = mark.epoch;
}


/* A later owner, who had read less or more than the journal had. */
static void
test_epochs(void)
{
    uint64_t  seq;

    feed_new();
    sell(3);
    feed_calm();
    seq = fk_last_seq(&shop);
    take(seq - 2);
    feed_calm();
    EQ_INT(feed.at.epoch, fk_epoch(&shop), "a later epoch is followed");
    EQ_INT(feed.at.seq, seq - 2, "from where it goes on");
    EQ_INT(stat_of(FJ_STAT_FEED_LOST), 0, "nothing is missing");
    take(seq + 5);
    feed_calm();
    EQ_INT(stat_of(FJ_STAT_FEED_LOST), 7,
           "what only that owner's memory had is");
}


/* A slow one that is still at it: whoever comes later is refused. */
static void
test_two(void)
{
    feed_new();
    sell(2);
    OK(feed_to(FJ_COMMAND_FEED_ADD), "about to write");
    feed_forestall();
    feed_calm();
    OK(is_complete(), "what is there already is refused, and not twice");
    EQ_INT(w.logs[FJ_LOG_ERR], 0, "which is nothing to speak of");
}


/* The shop is not ours, or not open: nothing is sent. */
static void
test_closed(void)
{
    int  i, before;

    feed_new();
    sell(1);
    feed_calm();
    fk_fence(&shop, fk_epoch(&shop) + 1);
    before = commands;

    for (i = 0; i < 10; i++) {
        event_timer(FJ_TIMER_PULSE);
    }

    EQ_INT(commands, before, "a fenced shop feeds nobody");
    OK(!feed.knows, "nor does it know what others do");
}


static void
test_foreign(void)
{
    int   i;
    char  id[FJ_ID_SIZE];

    fj_id_t  top;

    feed_new();
    sell(1);
    feed_calm();
    top.epoch = fk_epoch(&shop) + 5;
    top.seq = 0;
    fj_id_text(id, "", &top);
    stream_put(events(), id, "who", "knows", NULL);
    sell(1);

    for (i = 0; i < 300 && w.logs[FJ_LOG_ERR] == 0; i++) {
        feed_step();
    }

    OK(strstr(w.log, "never wrote") != NULL, "said: %s", w.log);

    for (i = 0; i < 300; i++) {
        feed_step();
    }

    EQ_INT(w.logs[FJ_LOG_ERR], 1, "once");
    stream_lose(events(), 1);
    feed_calm();
    OK(is_complete(), "when it is gone, it goes on");
}


static void
test_stop(void)
{
    int  i;

    feed_new();
    sell(20);
    OK(feed_to(FJ_COMMAND_FEED_ADD), "at work");
    event_begins();
    fj_feed_stop(&feed);
    fj_feed_stop(&feed);
    w.is_inside = 0;
    OK(!w.is_open, "the connection is closed");

    for (i = 0; i < FJ_TIMER_COUNT; i++) {
        shop_must(w.due_ms[i] == -1, "no timer");
    }
}


int
main(void)
{
    test_plain();
    test_idle();
    test_many();
    test_one_batch();
    test_dense();
    test_whole();
    test_lost();
    test_tail();
    test_cut();
    test_epochs();
    test_two();
    test_closed();
    test_foreign();
    test_stop();

    return tap_done();
}

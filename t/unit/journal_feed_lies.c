/*
 * The feed when Redis answers with anything: each event once all the same,
 * and what cannot be read is said.
 */

#include "feed_shop.h"


static const fj_command_t  asked[] = {
    FJ_COMMAND_FEED_TOP, FJ_COMMAND_FEED_PAGE, FJ_COMMAND_FEED_ADD,
    FJ_COMMAND_FEED_MARK
};

#define ASKED  (sizeof(asked) / sizeof(asked[0]))


/* Any type of reply to any command; then an honest one again. */
static void
test_replies(void)
{
    size_t      n;
    unsigned    type;
    fj_reply_t  reply;

    for (n = 0; n < ASKED; n++) {
        for (type = 0; type <= FJ_REPLY_COUNT; type++) {
            feed_new();
            sell(5);
            browse(2);
            shop_must(feed_to(asked[n]), "asked");
            memset(&reply, 0, sizeof(reply));

            if (type < FJ_REPLY_COUNT) {
                reply.type = (fj_reply_type_t) type;
                reply.text = "WRONGTYPE of anything";
                reply.size = 21;
                replies(&reply);

            } else {
                queue_drop();
                event_reply(NULL);
            }

            feed_calm();
            OK(is_complete(), "%s, reply %u: each once",
               fj_commands[asked[n]].name, type);
        }
    }

    for (n = 0; n < ASKED; n++) {
        feed_new();
        sell(5);
        browse(2);
        shop_must(feed_to(asked[n]), "asked");
        queue_drop();
        event_timer(FJ_TIMER_WATCH);
        feed_calm();
        OK(is_complete(), "%s, no reply: each once",
           fj_commands[asked[n]].name);
    }

}


/* To any of a transaction: to MULTI, to an entry, to EXEC. */
static void
test_transaction(void)
{
    int         wrong;
    size_t      n, i;
    unsigned    type;
    fj_reply_t  reply;

    wrong = 0;

    for (n = 0; n < 12; n++) {
        for (type = 0; type < FJ_REPLY_COUNT; type++) {
            feed_new();
            sell(5);
            shop_must(feed_to(FJ_COMMAND_FEED_ADD), "asked");
            memset(&reply, 0, sizeof(reply));
            reply.type = (fj_reply_type_t) type;
            reply.text = "EXECABORT";
            reply.size = 9;

            for (i = 0; i < n && w.argc != 0; i++) {
                replies(feed_answer());
            }

            if (w.argc != 0) {
                replies(&reply);
            }

            feed_calm();
            wrong += !is_complete();
        }
    }

    EQ_INT(wrong, 0, "whatever is said of an entry: each once");
}


/* For hours, perhaps: the log has it once, until it works. */
static void
test_refused(void)
{
    int  i;

    feed_new();
    sell(5);

    for (i = 0; i < 4; i++) {
        shop_must(feed_to(FJ_COMMAND_FEED_ADD), "asked");
        replies(feed_answer());
        reply_error("OOM command not allowed");
    }

    EQ_INT(w.logs[FJ_LOG_ERR], 1, "what Redis refuses is said once");
    feed_calm();
    OK(is_complete(), "and written when it does not");
    sell(1);
    shop_must(feed_to(FJ_COMMAND_FEED_ADD), "asked");
    replies(feed_answer());
    reply_error("OOM command not allowed");
    EQ_INT(w.logs[FJ_LOG_ERR], 2, "then it is news again");
}


static void
test_mark(void)
{
    feed_new();
    sell(5);
    browse(2);
    shop_must(feed_to(FJ_COMMAND_FEED_MARK), "mark");
    reply_error("NOPERM this user has no permissions to run 'xsetid'");
    feed_calm();
    EQ_INT(w.logs[FJ_LOG_ERR], 1, "without XSETID it is said");
    sell(1);
    feed_calm();
    OK(is_complete(), "and it goes on");
    browse(2);
    shop_must(feed_to(FJ_COMMAND_FEED_MARK), "mark");
    reply_error("NOPERM this user has no permissions to run 'xsetid'");
    feed_calm();
    EQ_INT(w.logs[FJ_LOG_ERR], 1, "once");

    feed_new();
    sell(5);
    browse(2);
    shop_must(feed_to(FJ_COMMAND_FEED_MARK), "mark");
    reply_error("ERR The ID specified in XSETID is smaller than the target");
    feed_marks();
    EQ_INT(events()->top.seq, fk_durable_seq(&shop) * 1000 + 999,
           "another one has gone on: looked at, and noted then");
}


/* Entries that nobody wrote so. */
static void
test_garbage(void)
{
    size_t       n, i, before;
    char         text[FJ_ID_SIZE];
    fj_id_t      id;
    entry_t     *entry;
    fj_reply_t   page, rows[3], fields[2], values[3];

    feed_new();
    sell(2);
    feed_calm();
    before = events()->count;
    sell(1);
    entry = &journal->entry[journal->count - 1];

    /* Each byte of a batch. */
    for (n = 0; n < entry->size[1]; n += 5) {
        entry->data[1][n] ^= 1;
        w.logs[FJ_LOG_ERR] = 0;
        feed_calm();
        shop_must(w.logs[FJ_LOG_ERR] != 0, "damage is said");
        entry->data[1][n] ^= 1;
        stream_lose(events(), events()->count - before);
        event_closed();
    }

    feed_calm();
    OK(is_complete(), "a batch that was damaged and is not: told");
    sell(1);
    feed_calm();
    OK(is_complete(), "and what follows as well");

    /* Shapes of a page. */
    for (n = 0; n < 8; n++) {
        feed_new();
        sell(3);
        shop_must(feed_to(FJ_COMMAND_FEED_PAGE), "a page");
        memset(&page, 0, sizeof(page));
        memset(rows, 0, sizeof(rows));
        memset(fields, 0, sizeof(fields));
        memset(values, 0, sizeof(values));
        page.type = FJ_REPLY_ARRAY;
        page.item = rows;
        page.count = 2;

        for (i = 0; i < 3; i++) {
            rows[i].type = n == 0 ? FJ_REPLY_INTEGER : FJ_REPLY_ARRAY;
            rows[i].item = fields;
            rows[i].count = n == 1 ? 1 : 2;
        }

        id.epoch = n == 2 ? 0 : n == 3 ? UINT64_MAX : fk_epoch(&shop);
        id.seq = n == 4 ? UINT64_MAX : 1;
        fj_id_text(text, "", &id);
        node_text(&fields[0], FJ_REPLY_STRING, n == 5 ? "x" : text);
        fields[1].type = n == 6 ? FJ_REPLY_STRING : FJ_REPLY_ARRAY;
        fields[1].text = "b";
        fields[1].item = values;
        fields[1].count = n == 7 ? 3 : 2;
        node_text(&values[0], FJ_REPLY_STRING, "b");
        values[1].type = FJ_REPLY_INTEGER;
        values[1].text = "";
        node_text(&values[2], FJ_REPLY_STRING, "b");
        replies(&page);
        feed_calm();
        OK(is_complete(), "a page of shape %zu is not believed", n);
    }
}


int
main(void)
{
    test_replies();
    test_transaction();
    test_refused();
    test_mark();
    test_garbage();

    return tap_done();
}

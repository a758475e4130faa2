/*
 * The reader: what is found, what is not, and what nobody can say; asked one
 * by one, each answered once and in time, whatever Redis does; and the scripts
 * about strays that go the same way.
 */

#include "fj_keeper.h"
#include "fj_reader.h"
#include "machine_shop.h"


#define ASKS  (FJ_READER_ASKS_MAX + 4)


static fj_reader_t    reader;
static fj_ask_t       asks[ASKS];
static fk_order_id_t  ids[ASKS];
static int            answers[ASKS];   /* how many */
static fj_answer_t    last[ASKS];
static char           text[64];        /* of the last one that was found */


static void
on_answer(void *data, fj_ask_t *ask, fj_answer_t answer, const char *bytes,
    size_t size)
{
    size_t  n;

    n = (size_t) (ask - asks);
    shop_must(n < ASKS && w.is_inside, "an answer to a question");
    answers[n]++;
    last[n] = answer;

    if (answer == FJ_ANSWER_FOUND) {
        shop_must(size < sizeof(text), "a short text");
        memcpy(text, bytes, size);
        text[size] = '\0';
    }

    /* Whoever was answered may do with its memory what it likes. */
    memset(ask, 0xee, sizeof(*ask));
}


static void
reader_new(void)
{
    uint32_t  n;

    world_link = &machine.link;
    world_new();
    event_begins();
    fj_stop(&machine);
    w.is_inside = 0;
    w.has_closed = 0;
    memset(answers, 0, sizeof(answers));
    w.wakes = 0;

    for (n = 0; n < ASKS; n++) {
        ids[n] = shop_id(n + 1);
    }

    world_link = &reader.link;
    event_begins();
    fj_reader_start(&reader, &conf, on_answer, &world_shell, NULL);
    w.is_inside = 0;
}


/* Connected, and nothing asked. */
static void
reader_ready(void)
{
    reader_new();
    event_connected();
    EQ_INT(reader.link.state, FJ_LINK_READY, "no handshake without need");
}


static int
ask(uint32_t n)
{
    int  taken;

    event_begins();
    taken = fj_reader_ask(&reader, &asks[n], &ids[n]);
    w.is_inside = 0;
    return taken;
}


static void
forget(uint32_t n)
{
    event_begins();
    fj_reader_forget(&reader, &asks[n]);
    w.is_inside = 0;
}


static void
reply_text(const char *bytes)
{
    fj_reply_t  reply;

    memset(&reply, 0, sizeof(reply));

    if (bytes != NULL) {
        node_text(&reply, FJ_REPLY_STRING, bytes);
    }

    event_reply(&reply);
}


static int
asks_for(uint32_t n)
{
    char  key[FJ_KEY_SIZE];

    fj_keeper_order_key(key, &conf, &ids[n]);
    return w.argc == 2 && strcmp(w.argv[0], "GET") == 0
           && strcmp(w.argv[1], key) == 0;
}


static void
test_plain(void)
{
    reader_ready();
    OK(ask(0) && ask(1) && ask(2), "three questions");
    EQ_INT(w.argc, 0, "leave at the end of the turn");
    event_timer(FJ_TIMER_FLUSH);
    OK(asks_for(0), "the first one first");
    EQ_STR(fj_doing(&reader.link), "GET of an archived order", "alone");
    reply_text("an order");
    EQ_INT(answers[0], 1, "answered once");
    EQ_INT(last[0], FJ_ANSWER_FOUND, "it is there");
    EQ_STR(text, "an order", "as it stands there");
    OK(w.wakes > 0, "who waits is woken");
    OK(asks_for(1), "then the next");
    reply_text(NULL);
    EQ_INT(last[1], FJ_ANSWER_NONE, "it is not there");
    reply_text("");
    EQ_INT(last[2], FJ_ANSWER_FOUND, "an empty text is one");
    EQ_INT(w.argc, 0, "nothing more is asked");
    EQ_INT(reader.asks_count, 0, "nobody waits");
    event_timer(FJ_TIMER_DRAIN);
    EQ_INT(w.due_ms[FJ_TIMER_DRAIN], -1, "and no timer runs on");
    OK(ask(0), "it may be asked again");
    event_timer(FJ_TIMER_FLUSH);
    reply_text("again");
    EQ_INT(answers[0], 2, "and is answered again");
}


static void
test_bounds(void)
{
    uint32_t  n, taken;

    reader_ready();
    taken = 0;

    for (n = 0; n < ASKS; n++) {
        taken += (uint32_t) ask(n);
    }

    EQ_INT(taken, FJ_READER_ASKS_MAX, "so many may wait");
    event_timer(FJ_TIMER_FLUSH);
    reply_text("x");
    OK(ask(ASKS - 1), "one is answered: one more may");
    event_closed();

    for (n = 1, taken = 0; n < ASKS; n++) {
        taken += answers[n] == 1 && last[n] == FJ_ANSWER_LOST;
    }

    EQ_INT(taken, FJ_READER_ASKS_MAX, "lost with the connection, all of them");
    OK(!ask(0), "without one nothing is taken");
    event_timer(FJ_TIMER_RETRY);
    OK(ask(0), "while it comes, it is");
    event_connected();
    OK(asks_for(0), "and asked when it is there");
    reply_text(NULL);
    EQ_INT(last[0], FJ_ANSWER_NONE, "answered");
}


static void
test_time(void)
{
    reader_ready();
    OK(ask(0), "a question");
    event_timer(FJ_TIMER_FLUSH);
    w.now_ms += 1000;
    OK(ask(1), "another, a second later");
    event_timer(FJ_TIMER_DRAIN);
    EQ_INT(answers[0], 1, "the first one's time is over");
    EQ_INT(last[0], FJ_ANSWER_LOST, "so nobody can say");
    EQ_INT(answers[1], 0, "the other one waits");
    EQ_INT(w.delay_ms[FJ_TIMER_DRAIN], 1000, "for a second more");
    reply_text("too late");
    EQ_INT(answers[0], 1, "a late reply answers nobody");
    EQ_INT(answers[1], 0, "least of all another");
    OK(asks_for(1), "the next one is asked");
    event_timer(FJ_TIMER_WATCH);
    EQ_INT(last[1], FJ_ANSWER_LOST, "no reply in time");
    EQ_INT(reader.link.state, FJ_LINK_DOWN, "costs the connection");

    reader_new();
    OK(ask(0), "asked before there is a connection");
    w.due_ms[FJ_TIMER_WATCH] = -1;
    event_timer(FJ_TIMER_DRAIN);
    EQ_INT(last[0], FJ_ANSWER_LOST, "and not answered for ever");
}


static void
test_forget(void)
{
    reader_ready();
    OK(ask(0) && ask(1) && ask(2), "three questions");
    event_timer(FJ_TIMER_FLUSH);
    forget(0);
    forget(1);
    memset(asks, 0xee, 2 * sizeof(asks[0]));
    reply_text("for nobody");
    EQ_INT(answers[0] + answers[1], 0, "who went away is not answered");
    OK(asks_for(2), "and not asked for any more");
    reply_text("x");
    EQ_INT(answers[2], 1, "who stayed is");
}


static void
test_refused(void)
{
    unsigned    type;
    fj_reply_t  reply;

    for (type = 0; type < FJ_REPLY_COUNT; type++) {
        if (type == FJ_REPLY_STRING || type == FJ_REPLY_NIL) {
            continue;
        }

        reader_ready();
        OK(ask(0) && ask(1), "two questions");
        event_timer(FJ_TIMER_FLUSH);
        memset(&reply, 0, sizeof(reply));
        reply.type = (fj_reply_type_t) type;
        reply.text = "WRONGTYPE";
        reply.size = 9;
        event_reply(&reply);
        OK(answers[0] == 1 && answers[1] == 1
           && last[0] == FJ_ANSWER_LOST && last[1] == FJ_ANSWER_LOST,
           "reply of type %u: nobody can say", type);
        EQ_INT(w.logs[FJ_LOG_ERR], 1, "and it is said");
    }

    reader_ready();
    OK(ask(0), "a question");
    w.send_fails = 1;
    event_timer(FJ_TIMER_FLUSH);
    EQ_INT(last[0], FJ_ANSWER_LOST, "that does not leave is lost");
}


static void
test_stop(void)
{
    int  i;

    reader_ready();
    OK(ask(0) && ask(1), "two questions");
    event_timer(FJ_TIMER_FLUSH);
    event_begins();
    fj_reader_stop(&reader);
    w.is_inside = 0;
    EQ_INT(answers[0] + answers[1], 0, "a stop answers nobody");
    OK(!ask(2), "and nothing is taken after it");

    for (i = 0; i < FJ_TIMER_COUNT; i++) {
        shop_must(w.due_ms[i] == -1, "no timer");
    }

    OK(!w.is_open, "the connection is closed");
    forget(0);
    forget(1);
    EQ_INT(reader.asks_count, 0, "who waits may still go");
}


/* --- strays ------------------------------------------------------------ */

static int
stray(uint32_t n, fj_stray_t *what)
{
    int  taken;

    event_begins();
    taken = fj_reader_stray(&reader, &asks[n], what);
    w.is_inside = 0;
    return taken;
}


static int
says(int n, const char *word)
{
    return w.argc > n && strcmp(w.argv[n], word) == 0;
}


static void
test_stray(void)
{
    unsigned    type;
    fj_reply_t  reply;
    fj_stray_t  keep = { FJ_STRAY_KEEP, "epay/T1", "{}", 1700000000001 };
    fj_stray_t  list = { FJ_STRAY_LIST, "0", "", 0 };

    reader_ready();
    OK(stray(0, &keep) && ask(1) && stray(2, &list), "asked in turn");
    event_timer(FJ_TIMER_FLUSH);
    OK(w.argc == 12 && says(0, "EVAL") && says(2, "4")
       && says(3, "faka:{main}:strays") && says(4, "faka:{main}:settled")
       && says(5, "faka:{main}:snapshots") && says(6, "faka:{main}:journal"),
       "a script, on its hashes, and where the epoch stands");
    OK(says(7, "epay/T1") && says(8, "{}") && says(9, FJ_STRAYS_MAX)
       && says(10, FJ_STRAY_SETTLED_S) && says(11, "1700000000001"),
       "with what there is to say");
    OK(strstr(w.argv[1], "HSETNX") != NULL, "that of keeping");
    EQ_STR(fj_doing(&reader.link), "EVAL of a stray payment", "alone");
    reply_text("1 1");
    EQ_INT(last[0], FJ_ANSWER_FOUND, "it is answered");
    EQ_STR(text, "1 1", "with what the script says");
    OK(asks_for(1), "then an order is looked up");
    reply_text("an order");
    EQ_STR(text, "an order", "and found");
    OK(says(7, "0") && strstr(w.argv[1], "HSCAN") != NULL, "then the list");
    reply_text("0\n");
    EQ_INT(answers[2], 1, "answered, too");

    for (type = 0; type < FJ_REPLY_COUNT; type++) {
        if (type == FJ_REPLY_STRING) {
            continue;
        }

        reader_ready();
        OK(stray(0, &keep) && ask(1), "a stray and an order");
        event_timer(FJ_TIMER_FLUSH);
        memset(&reply, 0, sizeof(reply));
        reply.type = (fj_reply_type_t) type;
        reply.text = "WRONGTYPE";
        reply.size = 9;
        event_reply(&reply);
        OK(answers[0] == 1 && last[0] == FJ_ANSWER_LOST,
           "reply of type %u: nobody can say", type);
        EQ_INT(w.logs[FJ_LOG_ERR], 1, "which is said");
        OK(asks_for(1), "the order is looked up over the same connection");
        reply_text("an order");
        EQ_INT(last[1], FJ_ANSWER_FOUND, "and found");
    }

    OK(stray(0, &keep), "it is asked again");
    event_timer(FJ_TIMER_FLUSH);
    forget(0);
    memset(&asks[0], 0xee, sizeof(asks[0]));
    memset(&reply, 0, sizeof(reply));
    node_text(&reply, FJ_REPLY_ERROR, "NOPERM");
    event_reply(&reply);
    EQ_INT(answers[0], 1, "who went away is not answered");
}


static void
test_stray_texts(void)
{
    size_t       size, line_size;
    uint64_t     done, count;
    const char  *p, *line;
    unsigned     i;

    static const char *const  wrong[] = {
        "", " ", "1", "1 ", " 1", "1  1", "1 1 ", "1 1\n", "x 1", "1 x",
        "-1 1", "1 18446744073709551616"
    };

    OK(fj_stray_read("1 10000", 7, &done, &count) && done == 1
       && count == 10000, "done, and how many there are");
    OK(fj_stray_read("0 0", 3, &done, &count) && done == 0 && count == 0,
       "nothing");

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        OK(!fj_stray_read(wrong[i], strlen(wrong[i]), &done, &count),
           "no answer: %u", i);
    }

    p = "17\nfield\n\nlast";
    size = strlen(p);
    OK(fj_stray_line(&p, &size, &line, &line_size) && line_size == 2
       && memcmp(line, "17", 2) == 0, "a line");
    OK(fj_stray_line(&p, &size, &line, &line_size) && line_size == 5
       && memcmp(line, "field", 5) == 0, "the next");
    OK(fj_stray_line(&p, &size, &line, &line_size) && line_size == 0,
       "an empty one");
    OK(fj_stray_line(&p, &size, &line, &line_size) && line_size == 4
       && memcmp(line, "last", 4) == 0, "one without an end");
    OK(!fj_stray_line(&p, &size, &line, &line_size), "and no more");
}


int
main(void)
{
    test_plain();
    test_bounds();
    test_time();
    test_forget();
    test_refused();
    test_stop();
    test_stray();
    test_stray_texts();

    return tap_done();
}

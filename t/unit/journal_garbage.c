/*
 * The journal's machine and a Redis that answers anything: each of its
 * commands gets each kind of reply and loses its connection, it is stopped in
 * each state, and takes a long mixed walk at the end.  Whatever came, the
 * machine waits for something with a timer, or has given the connection up,
 * or has stopped and said why; and with an honest Redis everything becomes
 * durable.
 */

#include "machine_shop.h"


#define MIXED_STEPS  20000


static const fj_reply_t  inner[] = {
    { .type = FJ_REPLY_STRING, .text = "last-generated-id", .size = 17 },
    { .type = FJ_REPLY_STRING, .text = "7-", .size = 2 },
    { .type = FJ_REPLY_STRING, .text = "appendonly", .size = 10 },
    { .type = FJ_REPLY_NIL }
};

static const fj_reply_t  high[] = {
    { .type = FJ_REPLY_STRING, .text = "last-generated-id", .size = 17 },
    { .type = FJ_REPLY_STRING, .text = "18446744073709551615-1", .size = 22 }
};

/* Entries of a page: no id, not two items, fields that are none, an odd
 * number of them, a batch that is no string, an id that does not grow. */
static const fj_reply_t  odd[] = {
    { .type = FJ_REPLY_STRING, .text = "b", .size = 1 }
};

static const fj_reply_t  number[] = {
    { .type = FJ_REPLY_STRING, .text = "b", .size = 1 },
    { .type = FJ_REPLY_INTEGER, .number = 5 }
};

static const fj_reply_t  entry_id[][2] = {
    { { .type = FJ_REPLY_INTEGER, .number = 7 },
      { .type = FJ_REPLY_ARRAY } },
    { { .type = FJ_REPLY_STRING, .text = "1-5", .size = 3 },
      { .type = FJ_REPLY_STRING, .text = "b", .size = 1 } },
    { { .type = FJ_REPLY_STRING, .text = "1-5", .size = 3 },
      { .type = FJ_REPLY_ARRAY, .item = odd, .count = 1 } },
    { { .type = FJ_REPLY_STRING, .text = "1-5", .size = 3 },
      { .type = FJ_REPLY_ARRAY, .item = number, .count = 2 } },
    { { .type = FJ_REPLY_STRING, .text = "0-0", .size = 3 },
      { .type = FJ_REPLY_ARRAY } }
};

static const fj_reply_t  entry[] = {
    { .type = FJ_REPLY_ARRAY, .item = entry_id[0], .count = 2 },
    { .type = FJ_REPLY_ARRAY, .item = entry_id[1], .count = 2 },
    { .type = FJ_REPLY_ARRAY, .item = entry_id[2], .count = 2 },
    { .type = FJ_REPLY_ARRAY, .item = entry_id[3], .count = 2 },
    { .type = FJ_REPLY_ARRAY, .item = entry_id[4], .count = 2 },
    { .type = FJ_REPLY_ARRAY, .item = entry_id[0], .count = 1 }
};

#define TEXT(t, s)  { .type = t, .text = s, .size = sizeof(s) - 1 }

static const fj_reply_t  garbage[] = {
    { .type = FJ_REPLY_NIL },
    TEXT(FJ_REPLY_STRING, ""),
    TEXT(FJ_REPLY_STRING, "OK"),
    TEXT(FJ_REPLY_STRING, "1-"),
    TEXT(FJ_REPLY_STRING, "-1"),
    TEXT(FJ_REPLY_STRING, "1-2-3"),
    TEXT(FJ_REPLY_STRING, "18446744073709551616-1"),
    TEXT(FJ_REPLY_STRING, "4000000000-4000000000"),
    TEXT(FJ_REPLY_STRING, "\0\r\n\xff\0"),
    TEXT(FJ_REPLY_STATUS, ""),
    TEXT(FJ_REPLY_STATUS, "1-1"),
    TEXT(FJ_REPLY_STATUS, "QUEUED"),
    TEXT(FJ_REPLY_ERROR, ""),
    TEXT(FJ_REPLY_ERROR, "E"),
    TEXT(FJ_REPLY_ERROR, "NOAUTH Authentication required."),
    TEXT(FJ_REPLY_ERROR, "LOADING Redis is loading the dataset in memory"),
    TEXT(FJ_REPLY_ERROR, "OOM command not allowed when used memory >"),
    TEXT(FJ_REPLY_ERROR, "MISCONF Redis is configured to save RDB snapshots"),
    TEXT(FJ_REPLY_ERROR, "READONLY You can't write against a read only"),
    TEXT(FJ_REPLY_ERROR, "WRONGTYPE Operation against a key holding \r\n%s%n"),
    { .type = FJ_REPLY_INTEGER, .number = 0 },
    { .type = FJ_REPLY_INTEGER, .number = INT64_MIN },
    { .type = FJ_REPLY_ARRAY },
    { .type = FJ_REPLY_ARRAY, .item = inner, .count = 1 },
    { .type = FJ_REPLY_ARRAY, .item = inner, .count = 2 },
    { .type = FJ_REPLY_ARRAY, .item = inner + 2, .count = 2 },
    { .type = FJ_REPLY_ARRAY, .item = inner, .count = 4 },
    { .type = FJ_REPLY_ARRAY, .item = high, .count = 2 },
    { .type = FJ_REPLY_ARRAY, .item = entry, .count = 1 },
    { .type = FJ_REPLY_ARRAY, .item = entry + 1, .count = 1 },
    { .type = FJ_REPLY_ARRAY, .item = entry + 2, .count = 1 },
    { .type = FJ_REPLY_ARRAY, .item = entry + 3, .count = 1 },
    { .type = FJ_REPLY_ARRAY, .item = entry + 4, .count = 1 },
    { .type = FJ_REPLY_ARRAY, .item = entry + 5, .count = 1 },
    { .type = FJ_REPLY_ARRAY, .item = entry, .count = 6 }
};

#define GARBAGE_COUNT  (sizeof(garbage) / sizeof(garbage[0]))


/* Where a reply is waited for; some commands are sent for several reasons. */
typedef struct {
    const char    *name;
    fj_command_t   command;
    fj_reading_t   reading;            /* of a PAGE */
    int            is_ours;            /* the epoch is taken */
} stand_t;

static const stand_t  stands[] = {
    { .name = "AUTH", .command = FJ_COMMAND_AUTH },
    { .name = "SELECT", .command = FJ_COMMAND_SELECT },
    { .name = "CONFIG", .command = FJ_COMMAND_CONFIG },
    { .name = "CONFIG once more", .command = FJ_COMMAND_SETTINGS },
    { .name = "probe", .command = FJ_COMMAND_PROBE },
    { .name = "batch", .command = FJ_COMMAND_BATCH },
    { .name = "new journal", .command = FJ_COMMAND_BEGIN },
    { .name = "index", .command = FJ_COMMAND_PAGE,
      .reading = FJ_READING_INDEX },
    { .name = "parts", .command = FJ_COMMAND_PAGE,
      .reading = FJ_READING_PARTS },
    { .name = "journal", .command = FJ_COMMAND_PAGE,
      .reading = FJ_READING_JOURNAL },
    { .name = "end", .command = FJ_COMMAND_END },
    { .name = "first owner", .command = FJ_COMMAND_OWNER_FIRST },
    { .name = "owner", .command = FJ_COMMAND_OWNER_ASK },
    { .name = "top", .command = FJ_COMMAND_TOP },
    { .name = "takeover", .command = FJ_COMMAND_TAKE },
    { .name = "sign of life, taken", .command = FJ_COMMAND_SAY_TAKEN },
    { .name = "takeover of the index", .command = FJ_COMMAND_TAKE_INDEX },
    { .name = "index, again", .command = FJ_COMMAND_PAGE,
      .reading = FJ_READING_INDEX, .is_ours = 1 },
    { .name = "the rest", .command = FJ_COMMAND_PAGE,
      .reading = FJ_READING_JOURNAL, .is_ours = 1 },
    { .name = "opening", .command = FJ_COMMAND_MARK },
    { .name = "replicas, opening", .command = FJ_COMMAND_WAIT_OPEN },
    { .name = "sign of life", .command = FJ_COMMAND_SAY },
    { .name = "sign of life, probed", .command = FJ_COMMAND_SAY_PROBED },
    { .name = "replicas, probed", .command = FJ_COMMAND_WAIT_PROBED },
    { .name = "replicas, batch", .command = FJ_COMMAND_WAIT_BATCH },
    { .name = "fenced", .command = FJ_COMMAND_FENCED }
};

#define STANDS_COUNT  (sizeof(stands) / sizeof(stands[0]))


static int
stands_at(const stand_t *stand)
{
    return machine.link.command == (uint32_t) stand->command
           && (stand->command != FJ_COMMAND_PAGE
               || (machine.reading == stand->reading
                   && (machine.epoch != 0) == stand->is_ours));
}


/* A machine whose next reply is that one. */
static void
stand_at(const stand_t *stand)
{
    int  steps;

    world_new();
    shop_must(walk_calm(), "open");
    write_record();
    shop_must(walk_calm(), "durable");
    write_snapshot(NULL);
    write_record();
    shop_must(walk_calm(), "durable");
    replicas = 1;

    switch (stand->command) {

    case FJ_COMMAND_BATCH:
        write_record();
        break;

    case FJ_COMMAND_PROBE:
        event_closed();
        break;

    case FJ_COMMAND_BEGIN:
        stream_lose(journal, journal->count);
        write_record();
        break;

    case FJ_COMMAND_FENCED:
        journal->top.epoch++;
        write_record();
        break;

    case FJ_COMMAND_END:
        write_snapshot(NULL);
        stream_cut(journal, journal->count);
        world_start();
        break;

    default:
        conf.password = str("a password");
        conf.db = 1;
        conf.inherits = stand->command == FJ_COMMAND_OWNER_FIRST;
        conf.replicas = stand->command == FJ_COMMAND_SAY_PROBED
                        || stand->command == FJ_COMMAND_WAIT_BATCH
                        || stand->command == FJ_COMMAND_WAIT_PROBED
                        || stand->command == FJ_COMMAND_WAIT_OPEN;
        world_start();
    }

    if (stand->command == FJ_COMMAND_WAIT_BATCH
        || stand->command == FJ_COMMAND_SAY
        || stand->command == FJ_COMMAND_SETTINGS)
    {
        shop_must(walk_calm(), "open");
        write_record();
        w.now_ms += 1000;
    }

    for (steps = 0; !stands_at(stand); steps++) {
        shop_must(steps < STEPS_MAX, stand->name);
        step();
    }
}


/* What some commands live with. */
static int
is_lived_with(const stand_t *stand, const fj_reply_t *reply)
{
    switch (stand->command) {

    case FJ_COMMAND_CONFIG:
    case FJ_COMMAND_SETTINGS:
        /* May be forbidden, or unknown. */
        return reply->type == FJ_REPLY_ARRAY
               || (reply->type == FJ_REPLY_ERROR
                   && !fj_reply_error(reply, "NOAUTH")
                   && !fj_reply_error(reply, "LOADING")
                   && !fj_reply_error(reply, "READONLY"));

    case FJ_COMMAND_BATCH:
    case FJ_COMMAND_TAKE:
    case FJ_COMMAND_MARK:
        /* No stream under our feet is a question for the top. */
        return reply->type == FJ_REPLY_NIL;

    case FJ_COMMAND_PROBE:
    case FJ_COMMAND_END:
        return reply->item == high;

    case FJ_COMMAND_PAGE:
        /* Nothing more, or an entry that is not about us. */
        return reply->type == FJ_REPLY_ARRAY
               && (stand->reading != FJ_READING_JOURNAL
                   ? reply->count == 0 || reply->item == entry + 3
                   : reply->count == 0 && !stand->is_ours);

    case FJ_COMMAND_OWNER_FIRST:
    case FJ_COMMAND_OWNER_ASK:
    case FJ_COMMAND_FENCED:
        /* Whatever it says, it is not we who sell. */
        return reply->type == FJ_REPLY_NIL
               || reply->type == FJ_REPLY_STRING;

    default:
        return 0;
    }
}


/* A command's answer is bounded, and nothing else; a lost link comes back,
 * and keeps nobody from sending. */
static int
is_alive(void)
{
    if ((w.argc != 0 || w.connecting) != (w.due_ms[FJ_TIMER_WATCH] >= 0)) {
        return 0;
    }

    if (machine.link.state == FJ_LINK_DOWN) {
        return !w.is_open && !w.connecting && w.due_ms[FJ_TIMER_RETRY] >= 0
               && (fk_flush_owner(&shop) == 0
                   || fk_shop_state(&shop) == FK_SHOP_FENCED);
    }

    if (w.argc != 0 || w.connecting) {
        return 1;
    }

    return machine.phase == FJ_PHASE_SELLING
           || w.due_ms[FJ_TIMER_RETRY] >= 0;
}


/* It took the journal for gone, and has all of it. */
static int
is_healing(const stand_t *stand)
{
    return stand->command == FJ_COMMAND_MARK
           && fk_shop_state(&shop) == FK_SHOP_HEALING;
}


static void
test_garbage(const stand_t *stand)
{
    int     good, was_down;
    size_t  i, wrong;

    wrong = 0;

    for (i = 0; i < GARBAGE_COUNT; i++) {
        stand_at(stand);
        event_reply(&garbage[i]);

        was_down = machine.link.state == FJ_LINK_DOWN;
        good = is_alive() && was_down != is_lived_with(stand, &garbage[i])
               && (walk_calm() || is_healing(stand)) && shop_sound();

        if (!good) {
            printf("#   reply %zu: state %d, phase %d, %s\n", i,
                   (int) machine.link.state, (int) machine.phase, w.log);
            wrong++;
        }
    }

    EQ_INT(wrong, 0, "%s: %zu kinds of garbage", stand->name, GARBAGE_COUNT);
}


/* --- the end, in each state ------------------------------------------- */

static void
stop(void)
{
    event_begins();
    fj_stop(&machine);
    w.is_inside = 0;
}


static void
test_stop(const stand_t *stand)
{
    stand_at(stand);
    stop();
    OK(is_quiet(), "%s: stopped", stand->name);
    OK(fk_flush_owner(&shop) == 0 || fk_shop_state(&shop) == FK_SHOP_FENCED,
       "%s: no lease is left", stand->name);
    OK(!fj_ready(&machine), "and not ready");
    stop();
    OK(is_quiet(), "twice is as good");
}


static void
test_stop_elsewhere(void)
{
    world_new();
    stop();
    OK(is_quiet() && w.closes == 1, "stopped while it connects");

    world_new();
    event_closed();
    stop();
    OK(is_quiet() && w.closes == 0, "stopped in the backoff");

    world_new();
    shop_must(fk_recover_begin(&shop, 77, w.now_ms) == FK_OK, "another");
    step();
    step();
    stop();
    OK(is_quiet() && w.closes == 1, "stopped while it waits");

    world_new();
    shop_must(walk_calm(), "open");
    write_record();
    stop();
    OK(is_quiet() && w.closes == 1, "stopped before a batch");

    world_new();
    shop_must(walk_calm(), "open");
    fk_fail(&shop, "a test");
    event_closed();
    OK(!walk_calm() && is_quiet(), "a failed shop stops its machine");
}


static void
test_lost(const stand_t *stand)
{
    stand_at(stand);
    event_closed();
    OK(is_alive() && machine.link.state == FJ_LINK_DOWN,
       "%s: connection lost", stand->name);
    OK(walk_calm() && shop_sound(), "and well again");

    stand_at(stand);
    (void) world_answer();
    event_reply(NULL);
    OK(is_alive() && machine.link.state == FJ_LINK_DOWN,
       "%s: carried out, reply lost", stand->name);
    OK(walk_calm() && shop_sound(), "and well again");
}


/* --- everything at once ------------------------------------------------ */

static uint32_t
dice(uint32_t sides)
{
    static uint64_t  seed = 20240607;

    seed = seed * UINT64_C(6364136223846793005)
           + UINT64_C(1442695040888963407);
    return (uint32_t) (seed >> 33) % sides;
}


/* Replies may lie about a command, but not about a higher owner. */
static void
mixed_step(void)
{
    const fj_reply_t  *reply;

    w.random = dice(UINT32_MAX);

    if (dice(4) == 0 && fk_shop_state(&shop) == FK_SHOP_OPEN
        && fk_last_seq(&shop) < ENTRIES_MAX / 4)
    {
        write_record();
    }

    if (w.argc == 0 || dice(3) != 0) {
        step();
        return;
    }

    switch (dice(6)) {

    case 0:
        event_closed();
        return;

    case 1:
        (void) world_answer();
        event_reply(NULL);
        return;

    case 2:
        (void) world_answer();
        event_timer(FJ_TIMER_WATCH);
        return;

    case 3:
        if (fk_shop_state(&shop) == FK_SHOP_OPEN && dice(4) == 0
            && journal->count > 1
            && journal->top.seq + 20 > fk_last_seq(&shop)
            && entry_name(journal, journal->count - 1)[0] == 'b')
        {
            stream_lose(journal, 1);
            event_closed();
            return;
        }

        step();
        return;

    default:
        do {
            reply = &garbage[dice(GARBAGE_COUNT)];
        } while (reply->item == high);

        event_reply(reply);
    }
}


static void
test_mixed(void)
{
    char      why[256];
    fk_t      other;
    size_t    i;
    int       n;
    int64_t   price;
    uint64_t  seq;

    world_new();

    for (n = 0; n < MIXED_STEPS && journal->count < ENTRIES_MAX - 8; n++) {
        mixed_step();

        /* Nobody's silence lasts until now where any reply may be a lie. */
        if (n == MIXED_STEPS / 20) {
            shop_must(walk_calm(), "open by now");
        }

        if (!is_alive()) {
            break;
        }
    }

    EQ_INT(n, MIXED_STEPS, "%d steps of all kinds", MIXED_STEPS);
    OK(fk_stat_get(&shop, FJ_STAT_RECONNECTS) > 1000, "many connections");
    OK(walk_calm(), "well again");
    seq = fk_last_seq(&shop);
    price = shop_view("sku").price;
    OK(seq > 500, "%" PRIu64 " records", seq);

    region_new(&other, SHOP_SIZE);
    shop_must(fk_recover_begin(&other, 2, 0) == FK_OK, "begin");

    for (i = 0; i < journal->count; i++) {
        size_t  at;

        size_t          word;
        const entry_t  *from = &journal->entry[i];

        for (word = 0; word < from->words; word += 2) {
            if (from->data[word][0] == 'b') {
                shop_must(fk_apply(&other, 2, 0,
                                   (uint8_t *) from->data[word + 1],
                                   from->size[word + 1], &at) == FK_OK,
                          "apply");
            }
        }
    }

    EQ_INT(fk_recover_end(&other, &shop_env, 2, 99, why, sizeof(why)), FK_OK,
           "the stream is a whole journal");
    EQ_INT(fk_last_seq(&other), seq, "of every record");
    region_drop(&shop);
    shop = other;
    EQ_INT(shop_view("sku").price, price, "and the last one counts");
}


/* The same refusal again and again, of each of two commands. */
static void
refuses(int times, fj_command_t first, fj_command_t second,
    const fj_reply_t *reply)
{
    int  i;

    w.logs[FJ_LOG_ERR] = 0;

    for (i = 0; i < times; i++) {
        shop_must(walk_to(first), fj_commands[first].name);
        event_reply(reply);
        shop_must(walk_to(second), fj_commands[second].name);
        event_reply(reply);
    }
}


/* What Redis refuses for hours is not in the log for hours. */
static void
test_said_once(void)
{
    fj_reply_t  full, no, nonsense;

    node_text(&full, FJ_REPLY_ERROR, "OOM command not allowed");
    node_text(&no, FJ_REPLY_ERROR, "NOPERM this user has no permissions");
    node_number(&nonsense, 5);
    world_new();
    shop_must(walk_calm(), "open");
    write_record();

    refuses(20, FJ_COMMAND_BATCH, FJ_COMMAND_BATCH, &full);
    EQ_INT(w.logs[FJ_LOG_ERR], 1, "a batch is refused 40 times: said once");
    OK(strstr(w.log, "refuses XADD: OOM") != NULL, "and not as a loss");
    OK(w.delay_ms[FJ_TIMER_RETRY] >= FJ_BACKOFF_MAX_MS / 2,
       "the backoff grows");
    refuses(20, FJ_COMMAND_BATCH, FJ_COMMAND_BATCH, &no);
    EQ_INT(w.logs[FJ_LOG_ERR], 1, "in another way: once more");
    refuses(20, FJ_COMMAND_BATCH, FJ_COMMAND_BATCH, &nonsense);
    EQ_INT(w.logs[FJ_LOG_ERR], 1, "nonsense: once");
    refuses(20, FJ_COMMAND_SAY, FJ_COMMAND_BATCH, &full);
    EQ_INT(w.logs[FJ_LOG_ERR], 2, "two commands in turn: each once");

    OK(walk_calm(), "it works again");
    write_record();
    refuses(1, FJ_COMMAND_BATCH, FJ_COMMAND_BATCH, &full);
    EQ_INT(w.logs[FJ_LOG_ERR], 1, "after that it is news");
    OK(walk_calm(), "well");
    event_closed();
    EQ_INT(w.logs[FJ_LOG_ERR], 2, "a loss is said each time");
    OK(strstr(w.log, "lost its connection") != NULL, "as a loss");
    OK(walk_calm(), "well again");
    write_record();
    shop_must(walk_to(FJ_COMMAND_BATCH), "a batch");
    event_reply(NULL);
    EQ_INT(w.logs[FJ_LOG_ERR], 3, "so is a reply that cannot be read");
}


int
main(void)
{
    size_t  n;

    for (n = 0; n < STANDS_COUNT; n++) {
        test_garbage(&stands[n]);
        test_stop(&stands[n]);
        test_lost(&stands[n]);
    }

    test_stop_elsewhere();
    test_mixed();
    test_said_once();

    return tap_done();
}

/*
 * The journal's machine, walked through what it is for: taking over and
 * reading back, batches, lost replies, fencing, a Redis that forgot, and its
 * timers.  What garbage does to it is in journal_garbage.c.
 */

#include "machine_shop.h"


static fj_reply_t
error_of(const char *text)
{
    fj_reply_t  reply;

    memset(&reply, 0, sizeof(reply));
    node_text(&reply, FJ_REPLY_ERROR, text);
    return reply;
}


/* Opened, and with this many batches of one record each in the stream. */
static void
open_with(int batches)
{
    int  i;

    world_new();
    shop_must(walk_calm(), "open");

    for (i = 0; i < batches; i++) {
        write_record();
        shop_must(walk_calm(), "durable");
    }
}


/* --- recovery --------------------------------------------------------- */

static void
test_start_empty(void)
{
    static const char *const  wanted[] = {
        "CONFIG GET", "XRANGE", "XRANGE", "GET of the owner",
        "XINFO for the takeover", "XADD of the takeover",
        "SET of the takeover",
        "XADD to the snapshots' index", "XRANGE", "XRANGE", "XRANGE",
        "XRANGE", "SET of the owner", "XINFO for the flush"
    };

    char    sign[128];
    size_t  i;

    world_new();
    EQ_INT(machine.link.state, FJ_LINK_CONNECTING, "start connects");
    EQ_INT(w.delay_ms[FJ_TIMER_WATCH], 1000, "and bounds that");
    step();

    for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        EQ_STR(fj_doing(&machine.link), wanted[i], "command %zu", i);
        step();

        if (machine.link.command == FJ_COMMAND_NONE) {
            step();
        }
    }

    OK(fj_ready(&machine), "it sells");
    EQ_INT(fj_fsync(&machine), 1, "Redis fsyncs");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_OPEN, "the shop is open");
    EQ_INT(journal->count, 1, "one entry");
    EQ_STR(entry_name(journal, 0), "t", "the takeover");
    EQ_INT(journal->entry[0].id.epoch, 1, "of the first epoch");
    EQ_STR(w.argv[2], "faka:{main}:journal", "the key");
    EQ_STR(entry_name(snapshots, 0), "t", "the takeover in the index");
    EQ_INT(snapshots->top.epoch, 1, "of the same epoch");
    snprintf(sign, sizeof(sign), "1 0 %" PRId64 " 0000007a00000001 "
             "0000000000abcdef 0000000000123456", w.now_ms);
    EQ_STR(owner_text, sign, "and the sign of life");
    EQ_INT(w.logs[FJ_LOG_NOTICE], 2, "two notices");
    EQ_INT(w.logs[FJ_LOG_ERR] + w.logs[FJ_LOG_EMERG], 0, "no complaints");
    OK(w.wakes > 0, "whoever waits was woken");
}


static void
test_start_filled(void)
{
    int      pages;
    int64_t  price;

    open_with(40);
    price = shop_view("sku").price;
    EQ_INT(journal->count, 41, "a takeover and 40 batches");

    world_start();
    EQ_INT(fk_last_seq(&shop), 0, "an empty region again");

    for (pages = 0; walk_to(FJ_COMMAND_PAGE); pages++) {
        step();

        if (machine.link.command != FJ_COMMAND_PAGE) {
            break;
        }
    }

    EQ_INT(pages, 5, "the index, three pages, and one without entries");
    OK(walk_calm(), "open again");
    EQ_INT(fk_last_seq(&shop), 40, "all records");
    EQ_INT(shop_view("sku").price, price, "and what they say");
    EQ_INT(machine.epoch, 2, "under the next epoch");
    EQ_STR(entry_name(journal, journal->count - 1), "o", "marked as open");
    EQ_INT(journal->entry[journal->count - 1].id.seq, 40, "up to there");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_RECOVERED), 40, "counted");
    OK(shop_sound(), "a sound shop");
}


static void
test_recovery_again(void)
{
    open_with(20);

    world_start();
    shop_must(walk_to(FJ_COMMAND_MARK), "mark");
    event_closed();
    OK(!fj_ready(&machine), "lost before the opening");
    OK(walk_calm(), "again from the start");
    EQ_INT(machine.epoch, 3, "one epoch higher");
    EQ_INT(fk_last_seq(&shop), 20, "with every record");

    world_start();
    shop_must(walk_to(FJ_COMMAND_MARK), "mark");
    journal->top.epoch++;
    step();
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FENCED,
           "a later owner while recovering fences");
    OK(strstr(w.log, "fenced while recovering") != NULL, "and it says so");
    OK(walk_calm(), "nobody says that he lives: the shop is taken again");
    EQ_INT(machine.epoch, 6, "later still");
}


static void
test_recovery_damaged(void)
{
    open_with(20);
    journal->entry[7].data[1][20] ^= 1;

    world_start();
    OK(!walk_calm(), "a damaged record");
    EQ_INT(machine.phase, FJ_PHASE_STOPPED, "stops");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FAILED, "the shop");
    OK(strstr(w.log, "at entry 1-7 of faka:{main}:journal, byte 0, after "
              "record 6; look with: faka-journal --redis ") != NULL
       && strstr(w.log, " --db 0 main check") != NULL,
       "with the place, and what to run");
    EQ_INT(w.logs[FJ_LOG_EMERG], 1, "once");
    OK(is_quiet() && w.wakes > 0, "quiet, and told");
}


static void
test_waiting(void)
{
    world_new();
    shop_must(fk_recover_begin(&shop, 77, w.now_ms) == FK_OK, "another");
    step();
    step();
    EQ_INT(machine.phase, FJ_PHASE_WAITING, "another one recovers");
    EQ_INT(w.delay_ms[FJ_TIMER_RETRY], FJ_POLL_MS, "looks again soon");
    event_timer(FJ_TIMER_RETRY);
    EQ_INT(machine.phase, FJ_PHASE_WAITING, "and again");
    w.dead = 77;
    event_timer(FJ_TIMER_RETRY);
    event_timer(FJ_TIMER_RETRY);
    EQ_INT(machine.phase, FJ_PHASE_RECOVERING, "a dead one's lease is taken");
    OK(walk_calm(), "open");
}


/* A sibling has taken the recovery over meanwhile, and perhaps its epoch. */

static void
test_lease_lost(void)
{
    static const fj_command_t  rows[] = {
        FJ_COMMAND_TOP, FJ_COMMAND_TAKE, FJ_COMMAND_PAGE, FJ_COMMAND_MARK
    };

    int     steps;
    size_t  i;

    for (i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        open_with(3);
        world_start();
        shop_must(walk_to(rows[i / 2]), fj_commands[rows[i / 2]].name);
        fk_recover_break(&shop, OWNER);
        shop_must(fk_recover_begin(&shop, 77, w.now_ms) == FK_OK, "sibling");

        if (i & 1) {
            journal->top.epoch += 5;
            journal->entry[journal->count - 1].id.epoch += 5;
        }

        for (steps = 0; steps < 8 && machine.link.state == FJ_LINK_READY;
             steps++)
        {
            step();
        }

        EQ_INT(machine.link.state, FJ_LINK_DOWN, "%s: lost to a sibling",
               fj_commands[rows[i / 2]].name);
        EQ_INT(fk_shop_state(&shop), FK_SHOP_RECOVERING, "who goes on");
        EQ_INT(fk_recover_owner(&shop), 77, "undisturbed");

        while (machine.phase != FJ_PHASE_WAITING) {
            step();
        }
    }
}


/* --- batches ---------------------------------------------------------- */

static void
test_batches(void)
{
    open_with(1);
    EQ_STR(entry_name(journal, 1), "b", "a batch");
    EQ_INT(journal->entry[1].id.seq, 1, "of the first record");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_BATCHES), 1, "counted");
    OK(w.rings > 0, "the others were told");

    write_record();
    write_record();
    EQ_INT(w.delay_ms[FJ_TIMER_FLUSH], 0, "sent when the turn ends");
    step();
    EQ_STR(fj_doing(&machine.link), "XADD of a batch", "on its way");
    EQ_STR(w.argv[2], "NOMKSTREAM", "into a stream that is there");
    EQ_INT(machine.batch_count, 2, "both in one");

    write_record();
    EQ_INT(w.due_ms[FJ_TIMER_FLUSH], -1, "a kick while it is busy waits");
    step();
    EQ_INT(fk_durable_seq(&shop), 3, "the batch is durable");
    OK(w.due_ms[FJ_TIMER_FLUSH] >= 0, "the next one follows");
    OK(walk_calm(), "durable");
    EQ_INT(fk_durable_seq(&shop), 4, "all");
}


static void
test_lost_reply(void)
{
    size_t  before;

    open_with(1);
    write_record();
    shop_must(walk_to(FJ_COMMAND_BATCH), "batch");
    (void) world_answer();
    event_reply(NULL);
    EQ_INT(machine.phase, FJ_PHASE_DOWN, "given up");
    EQ_INT(fk_flush_owner(&shop), 0, "the lease is back");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_UNKNOWN), 1, "nobody knows");
    EQ_INT(fk_durable_seq(&shop), 1, "nothing is durable by that");
    before = journal->count;
    OK(walk_to(FJ_COMMAND_PROBE), "asked for");
    OK(walk_calm(), "and found");
    EQ_INT(journal->count, before, "not sent twice");

    write_record();
    shop_must(walk_to(FJ_COMMAND_BATCH), "batch");
    event_closed();
    OK(walk_calm(), "one that did not land");
    EQ_INT(journal->count, before + 1, "is sent again");
    EQ_INT(fk_durable_seq(&shop), 3, "durable");

    write_record();
    w.send_fails = 1;
    event_timer(FJ_TIMER_FLUSH);
    EQ_INT(machine.link.state, FJ_LINK_DOWN, "one that does not leave");
    EQ_INT(fk_flush_owner(&shop), 0, "gives the lease back");
    w.send_fails = 0;
    OK(walk_calm(), "and goes later");
}


static void
test_refused(void)
{
    int         i;
    fj_reply_t  reply;

    open_with(2);
    reply = error_of("ERR The ID specified in XADD is equal or smaller than");

    for (i = 1; i < FJ_REFUSALS_MAX; i++) {
        write_record();
        shop_must(walk_to(FJ_COMMAND_BATCH), "batch");
        event_reply(&reply);
        shop_must(fj_ready(&machine), "goes on");
        shop_must(walk_to(FJ_COMMAND_PROBE), "probe");
    }

    EQ_INT(fk_stat_get(&shop, FJ_STAT_UNKNOWN), FJ_REFUSALS_MAX - 1,
           "a refusal asks for the top");
    shop_must(walk_to(FJ_COMMAND_BATCH), "batch");
    event_reply(&reply);
    EQ_INT(machine.link.state, FJ_LINK_DOWN, "too many cost the connection");
    OK(walk_calm(), "until it is well again");

    world_start();

    for (i = 0; i < FJ_REFUSALS_MAX; i++) {
        shop_must(walk_to(FJ_COMMAND_TAKE), "takeover");
        event_reply(&reply);
    }

    EQ_INT(machine.link.state, FJ_LINK_DOWN, "so do takeovers");
    OK(walk_calm(), "until it is well again");
}


/* --- a Redis that is another one --------------------------------------- */

static void
test_fenced(void)
{
    open_with(2);
    journal->top.epoch = 9;
    journal->top.seq = 0;
    write_record();
    OK(walk_to(FJ_COMMAND_FENCED), "a higher epoch");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FENCED, "fences the shop");
    OK(strstr(w.log, "under epoch 9") != NULL, "and it says by whom");
    EQ_INT(fk_durable_seq(&shop), 2, "the record is not durable");
    OK(!fj_ready(&machine) && w.rings > 0, "and whoever waits is told");
}


static void
test_lost_tail(void)
{
    uint32_t  i;

    open_with(5);
    stream_lose(journal, 2);
    event_closed();
    OK(walk_to(FJ_COMMAND_PROBE), "a new connection asks");
    OK(walk_calm(), "what the ring holds");
    EQ_INT(fk_durable_seq(&shop), 5, "is sent again");
    EQ_INT(journal->entry[journal->count - 1].id.seq, 5, "up to the last");
    EQ_INT(w.logs[FJ_LOG_EMERG], 0, "without alarm");

    stream_lose(journal, journal->count);
    write_record();
    OK(walk_to(FJ_COMMAND_BEGIN), "a stream that is gone");
    OK(strstr(w.log, "is gone; all of it is in memory") != NULL, "is missed");
    OK(walk_calm(), "and begun again");
    EQ_STR(entry_name(journal, 0), "t", "with the takeover");
    EQ_INT(journal->entry[0].id.epoch, 1, "of the same epoch");
    EQ_INT(journal->entry[1].id.seq, 6, "and all records");

    for (i = 0; fk_ring_first_seq(&shop) <= 2; i++) {
        write_record();

        if (i % 200 == 0) {
            shop_must(walk_calm(), "durable");
        }
    }

    shop_must(walk_calm(), "durable");

    stream_lose(journal, journal->count);
    event_closed();
    OK(!walk_calm(), "what the ring does not hold any more");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_HEALING, "is for the keeper");
    EQ_INT(machine.phase, FJ_PHASE_WAITING, "the machine waits for it");
    EQ_INT(journal->count, 0, "and nothing is written behind the hole");
    OK(owner_text[0] != '\0' && w.now_ms < owner_until_ms,
       "but this server says that it lives");
}


static void
test_strange_records(void)
{
    open_with(2);
    journal->top.seq = 40;
    event_closed();
    OK(!walk_calm(), "records that the shop never wrote");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FAILED, "stop it");
    EQ_INT(w.logs[FJ_LOG_EMERG], 1, "with an alarm");
}


/* --- timers ----------------------------------------------------------- */

static void
test_timeouts(void)
{
    static const struct {
        fj_command_t  command;
        int64_t       timeout_ms;
    } rows[] = {
        { FJ_COMMAND_AUTH, 1500 }, { FJ_COMMAND_SELECT, 1500 },
        { FJ_COMMAND_CONFIG, 1500 }, { FJ_COMMAND_PROBE, 1500 },
        { FJ_COMMAND_BATCH, 1500 }, { FJ_COMMAND_BEGIN, 1500 },
        { FJ_COMMAND_TOP, 10000 }, { FJ_COMMAND_TAKE, 10000 },
        { FJ_COMMAND_TAKE_INDEX, 10000 }, { FJ_COMMAND_PAGE, 10000 },
        { FJ_COMMAND_MARK, 10000 }, { FJ_COMMAND_OWNER_ASK, 1500 },
        { FJ_COMMAND_SAY_TAKEN, 1500 }, { FJ_COMMAND_OWNER_FIRST, 1500 }
    };

    size_t  i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        open_with(2);

        if (rows[i].command == FJ_COMMAND_BEGIN) {
            stream_lose(journal, journal->count);

        } else if (rows[i].command != FJ_COMMAND_PROBE
                   && rows[i].command != FJ_COMMAND_BATCH)
        {
            conf.password = str("a password");
            conf.db = 3;
            conf.inherits = rows[i].command == FJ_COMMAND_OWNER_FIRST;
            world_start();
        }

        if (fj_ready(&machine)) {
            write_record();
        }

        shop_must(walk_to(rows[i].command), fj_commands[rows[i].command].name);
        EQ_INT(w.delay_ms[FJ_TIMER_WATCH], rows[i].timeout_ms, "%s is watched",
               fj_doing(&machine.link));
        event_timer(FJ_TIMER_WATCH);
        OK(strstr(w.log, fj_commands[rows[i].command].name) != NULL
           || strstr(w.log, "lost its connection") != NULL, "late: said");
        EQ_INT(machine.link.state, FJ_LINK_DOWN, "late: given up");
        OK(w.closes > 0 && w.due_ms[FJ_TIMER_RETRY] >= 0, "late: backoff");
        OK(walk_calm(), "late: well again");
    }

    world_new();
    event_timer(FJ_TIMER_WATCH);
    OK(strstr(w.log, "did not answer in time (connect)") != NULL,
       "a connect that hangs");
    EQ_INT(machine.link.state, FJ_LINK_DOWN, "is given up");
}


static void
test_backoff(void)
{
    static const int64_t  wanted[] = { 5, 10, 20, 40, 80, 160, 250, 250 };

    size_t   i;
    int64_t  least, most;

    world_new();

    for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        w.connect_fails = (int) (i & 1);

        if (w.connecting) {
            event_closed();
        } else {
            event_timer(FJ_TIMER_RETRY);
        }

        if (machine.link.state != FJ_LINK_DOWN) {
            w.connect_fails = 0;
            event_closed();
        }

        EQ_INT(w.delay_ms[FJ_TIMER_RETRY], wanted[i], "backoff %zu", i);
        w.connect_fails = 0;
    }

    least = most = w.delay_ms[FJ_TIMER_RETRY];

    for (i = 0; i < 200; i++) {
        w.random = (uint32_t) i * 2654435761u;
        event_timer(FJ_TIMER_RETRY);
        event_closed();
        least = w.delay_ms[FJ_TIMER_RETRY] < least
                ? w.delay_ms[FJ_TIMER_RETRY] : least;
        most = w.delay_ms[FJ_TIMER_RETRY] > most
               ? w.delay_ms[FJ_TIMER_RETRY] : most;
    }

    OK(least >= 250 && most < 750 && most - least > 400, "jitter: %" PRId64
       " to %" PRId64 " ms", least, most);
    w.random = 0;
    OK(walk_calm(), "well again");
    event_closed();
    EQ_INT(w.delay_ms[FJ_TIMER_RETRY], 5, "and short again");
}


static void
test_handshake(void)
{
    fj_reply_t  reply;

    world_new();
    conf.user = str("shop");
    conf.password = str("a secret");
    conf.db = 3;
    world_start();
    step();
    EQ_INT(w.argc, 3, "AUTH with a user");
    EQ_STR(w.argv[2], "a secret", "and a password");

    reply = error_of("WRONGPASS invalid\r\nsecond line");
    event_reply(&reply);
    EQ_INT(machine.link.state, FJ_LINK_DOWN, "refused: the backoff");
    OK(strstr(w.log, "refuses the password: WRONGPASS invalid??second")
       != NULL, "and one line that says why");

    shop_must(walk_to(FJ_COMMAND_SELECT), "select");
    EQ_STR(w.argv[1], "3", "the database");
    step();

    reply = error_of("LOADING Redis is loading the dataset in memory");
    event_reply(&reply);
    EQ_INT(machine.link.state, FJ_LINK_DOWN, "LOADING: the backoff");
    OK(walk_to(FJ_COMMAND_CONFIG), "and again");

    reply = error_of("NOPERM this user has no permissions");
    event_reply(&reply);
    EQ_INT(w.logs[FJ_LOG_WARN], 1, "CONFIG is forbidden: a warning");
    OK(walk_calm(), "and on it goes");
    EQ_INT(fj_fsync(&machine), -1, "not knowing");
}


static void
test_fsync(void)
{
    world_new();
    fsyncs_late = 1;
    OK(walk_calm(), "a Redis that fsyncs late is used");
    EQ_INT(fj_fsync(&machine), 0, "known");
    EQ_INT(w.logs[FJ_LOG_ERR], 1, "and complained of");
    event_closed();
    shop_must(walk_calm(), "again");
    EQ_INT(w.logs[FJ_LOG_ERR], 2, "once: the other line is the lost line");
    fsyncs_late = 0;
    event_closed();
    shop_must(walk_calm(), "again");
    EQ_INT(fj_fsync(&machine), 1, "until it does not any more");


    /* CONFIG SET breaks no connection. */
    evicts = 1;
    fsyncs_late = 1;
    OK(walk_to(FJ_COMMAND_SETTINGS), "it is asked again");
    OK(walk_calm() && fj_fsync(&machine) == 0, "and known soon");
    OK(strstr(w.log, "set \"maxmemory-policy noeviction\"") != NULL,
       "so is a Redis that evicts");
    EQ_INT(w.logs[FJ_LOG_ERR], 5, "both are said, and the lost lines");
    shop_must(walk_to(FJ_COMMAND_SETTINGS) && walk_calm(), "again");
    EQ_INT(w.logs[FJ_LOG_ERR], 5, "once");
    evicts = 0;
    fsyncs_late = 0;
    shop_must(walk_to(FJ_COMMAND_SETTINGS) && walk_calm(), "again");
    OK(fj_fsync(&machine) == 1 && !machine.link.evicts, "until it is mended");
}


static void
test_pulse(void)
{
    uint64_t  probes;

    open_with(1);
    probes = fk_stat_get(&shop, FJ_STAT_PROBES);
    event_timer(FJ_TIMER_PULSE);
    EQ_INT(w.due_ms[FJ_TIMER_FLUSH], -1, "replies were heard");
    event_timer(FJ_TIMER_PULSE);
    OK(walk_to(FJ_COMMAND_PROBE), "silence for a pulse: asked");
    OK(walk_calm(), "answered");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_PROBES), probes + 1, "once");
    EQ_INT(w.delay_ms[FJ_TIMER_PULSE], FJ_PULSE_MS, "and so on");
}


static void
test_other_flusher(void)
{
    fk_batch_t  batch;

    open_with(1);
    write_record();
    shop_must(fk_flush_take(&shop, 55, w.now_ms, &batch) == FK_FLUSH_SEND,
              "another flusher");
    event_timer(FJ_TIMER_FLUSH);
    EQ_INT(w.argc, 0, "another one sends");
    EQ_INT(w.delay_ms[FJ_TIMER_RETRY], FJ_FLUSH_POLL_MS, "looks again soon");
    w.dead = 55;
    event_timer(FJ_TIMER_RETRY);
    event_timer(FJ_TIMER_FLUSH);
    EQ_INT(fk_flush_owner(&shop), conf.owner, "a dead one's lease is taken");
    EQ_INT(machine.link.command, FJ_COMMAND_PROBE,
           "and its batch asked for, at once");
    OK(walk_calm(), "and sent");
}


static void
test_pace(void)
{
    open_with(1);
    conf.pace_ms = 50;
    w.now_ms += 50;
    write_record();
    OK(w.due_ms[FJ_TIMER_FLUSH] >= 0, "long ago: at once");
    shop_must(walk_calm(), "durable");
    w.now_ms += 20;
    write_record();
    EQ_INT(w.due_ms[FJ_TIMER_FLUSH], -1, "just now: later");
    EQ_INT(w.due_ms[FJ_TIMER_RETRY] - w.now_ms, 30,
           "when the pace allows it");
    write_record();
    EQ_INT(w.due_ms[FJ_TIMER_RETRY] - w.now_ms, 30, "and not later");
    OK(walk_calm(), "durable");
}


static void
test_drain(void)
{
    char     before[sizeof(owner_text)];
    int64_t  since_ms;

    open_with(1);
    write_record();
    memcpy(before, owner_text, sizeof(before));
    event_begins();
    fj_drain(&machine);
    fj_drain(&machine);
    w.is_inside = 0;
    EQ_INT(w.delay_ms[FJ_TIMER_DRAIN], 1, "it begins to drain");
    shop_must(walk_calm(), "durable");
    since_ms = w.now_ms;

    while (w.due_ms[FJ_TIMER_DRAIN] >= 0) {
        step();
    }

    OK(w.now_ms - since_ms <= 2 * FJ_POLL_MS, "all is durable: done");
    OK(strcmp(owner_text, before) != 0, "after a last sign of life");

    write_record();
    shop_must(walk_to(FJ_COMMAND_BATCH), "batch");
    since_ms = w.now_ms;
    event_begins();
    fj_drain(&machine);
    w.is_inside = 0;

    while (w.due_ms[FJ_TIMER_DRAIN] >= 0) {
        event_timer(FJ_TIMER_DRAIN);
    }

    EQ_INT((w.now_ms - since_ms + 19) / 20 * 20, FJ_DRAIN_MS + 20,
           "a Redis that does not answer is waited for 2 s");
}


int
main(void)
{
    test_start_empty();
    test_start_filled();
    test_recovery_again();
    test_recovery_damaged();
    test_waiting();
    test_lease_lost();
    test_batches();
    test_lost_reply();
    test_refused();
    test_fenced();
    test_lost_tail();
    test_strange_records();
    test_timeouts();
    test_backoff();
    test_handshake();
    test_fsync();
    test_pulse();
    test_other_flusher();
    test_pace();
    test_drain();

    return tap_done();
}

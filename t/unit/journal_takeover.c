/*
 * The journal's machine takes a shop over from an owner that lives: not before
 * it has what that one has, whatever Redis has lost; and from one that may
 * live: not before it was silent.  What is taken is kept through a Redis that
 * forgets the takeover, and no epoch is given twice.
 */

#include "machine_others.h"


static int       is_taken;             /* its takeover is on its way */
static stream_t  before[STREAMS_MAX];  /* what Redis has lost */


/* So long, while the old binary says that it lives, every 300 ms. */
static void
old_lives(int64_t ms)
{
    int64_t  until_ms, said_ms;

    said_ms = 0;
    is_taken = 0;

    for (until_ms = w.now_ms + ms; w.now_ms < until_ms && !is_taken; ) {
        if (w.now_ms - said_ms >= 300) {
            said_ms = w.now_ms;
            says(1, THEIR_SERVER, HOST, GENERATION);
        }

        is_taken = machine.link.command == FJ_COMMAND_TAKE;

        if (!is_taken) {
            step();
        }
    }
}


/* Gone, but not freed: an owner that lives writes it again. */
static void
empty(stream_t *stream)
{
    stream->is_there = 0;
    stream->count = 0;
    memset(&stream->top, 0, sizeof(stream->top));
}


/* --- an owner that lives ----------------------------------------------- */

static void
test_upgrade(void)
{
    int64_t  since_ms;

    upgrade();
    since_ms = w.now_ms;
    shop_must(walk_to(FJ_COMMAND_OWNER_ASK), "asks");
    step();
    EQ_INT(machine.link.command, FJ_COMMAND_NONE,
           "what Redis may have been restored with is no sign of life");
    old_lives(5000);
    OK(is_taken, "one that changes is");
    OK(w.now_ms - since_ms <= 500, "taken over after %" PRId64 " ms",
       w.now_ms - since_ms);
    OK(walk_calm() && fk_last_seq(&shop) == 20, "with all records");
    EQ_INT(machine.alive_said, 0, "that is no standby");
}


static void
test_lost_tail(void)
{
    upgrade();
    hide(5);
    old_lives(3000);
    OK(!is_taken, "Redis lost its tail: the old one has more");
    OK(strstr(w.log, "owner has record 20 of epoch 1, the journal in redis "
              "\"unix:/there\" is read up to record 15") != NULL,
       "it says so");
    EQ_INT(w.logs[FJ_LOG_NOTICE], 1, "once");
    show(5);
    old_lives(1000);
    OK(is_taken, "mended: taken over");
    OK(walk_calm() && fk_last_seq(&shop) == 20, "nothing is missing");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_OPEN, "nor healed");
}


/* Somebody has taken the shop from the old one, who has not seen it yet. */

static void
test_sign_of_before(void)
{
    upgrade();
    stream_put(journal, "2-0", "t", "somebody", NULL);
    old_lives(1000);
    OK(!is_taken, "who is fenced does not speak for who did that");
    w.dead = THEIR_SERVER;
    OK(walk_calm() && machine.epoch == 3, "gone: taken over");
}


static void
test_emptied(void)
{
    size_t  count;

    upgrade();
    owner_text[0] = '\0';
    count = journal->count - 1;
    hide(count);
    journal->is_there = 0;
    journal->count = 0;
    shop_must(walk_to(FJ_COMMAND_OWNER_ASK), "asks");
    step();
    OK(machine.epoch == 0 && machine.link.command == FJ_COMMAND_NONE,
       "FLUSHALL: no key, no journal; but somebody sold on these sockets");
    old_lives(3000);
    OK(!is_taken, "it lives");
    journal->is_there = 1;
    journal->count = 1;
    show(count);
    old_lives(1000);
    OK(is_taken && walk_calm() && fk_last_seq(&shop) == 20,
       "and has mended it");
    EQ_INT(machine.epoch, 2, "two owners never had one epoch");
}


/*
 * Emptied under the hands of a server that has not asked yet who sells: the
 * snapshot was read, or the whole journal, and then there is nothing, nor a
 * key.  Mended: it will be there again.  0: it stopped, or wrote something,
 * before half a second was over.
 */
static int
emptied_while_read(int with_snapshot, int mended)
{
    open_with(20);

    if (with_snapshot) {
        write_snapshot(NULL);
    }

    world_start();
    owner_text[0] = '\0';

    while (machine.reading != FJ_READING_JOURNAL
           || (!with_snapshot && fk_last_seq(&shop) < 20))
    {
        step();
    }

    /* Reading took longer than whoever comes back late is waited for. */
    w.now_ms += 5000;
    memcpy(before, streams, sizeof(streams));

    if (mended) {
        empty(journal);
        empty(snapshots);
    } else {
        redis_lose_all();
    }

    pass(500, 0);
    return machine.phase == FJ_PHASE_RECOVERING && machine.epoch == 0;
}


static void
test_emptied_while_read(void)
{
    int      with_snapshot;
    int64_t  since_ms;

    for (with_snapshot = 0; with_snapshot < 2; with_snapshot++) {
        OK(emptied_while_read(with_snapshot, 1), "what was read is gone: "
           "somebody may have more");
        pass(3000, 1);
        OK(machine.phase == FJ_PHASE_RECOVERING && !journal->is_there,
           "who lives is waited for");
        EQ_INT(w.logs[FJ_LOG_WARN], 1, "said once");
        EQ_INT(w.logs[FJ_LOG_EMERG], 0, "without alarm");
        memcpy(streams, before, sizeof(streams));
        pass(500, 1);
        OK(walk_calm() && fk_last_seq(&shop) == 20, "mended: all is there");
        EQ_INT(machine.heals, 0, "nothing to heal");

        shop_must(emptied_while_read(with_snapshot, 0), "emptied");
        since_ms = w.now_ms - 500;
        (void) walk_to(FJ_COMMAND_TAKE);
        OK(w.now_ms - since_ms >= 1500 && w.now_ms - since_ms < 1800,
           "nobody: waited for %" PRId64 " ms", w.now_ms - since_ms);
        EQ_INT(fk_shop_state(&shop), with_snapshot ? FK_SHOP_FAILED
                                                   : FK_SHOP_RECOVERING,
               with_snapshot ? "a snapshot alone is not opened"
                             : "the whole journal is");
    }
}


/* Nothing is left of the journal behind a snapshot of all of it. */

static void
test_snapshot_alone(void)
{
    open_with(20);
    write_snapshot(NULL);
    stream_cut(journal, journal->count);
    conf.inherits = 1;
    their_seq = 20;
    world_start();
    old_lives(2000);
    OK(is_taken, "a snapshot is as good as the journal before it");
    OK(walk_calm() && fk_last_seq(&shop) == 20, "all records");
}


/* The same is there when Redis is emptied, and then nobody else has it. */

static void
test_snapshot_alone_emptied(void)
{
    open_with(20);
    write_snapshot(NULL);
    stream_cut(journal, journal->count);
    conf.inherits = 1;
    their_seq = 21;
    world_start();
    old_lives(1000);
    OK(!is_taken && machine.joined, "its owner has more; the rest was read");
    redis_lose_all();
    OK(walk_to(FJ_COMMAND_TAKE), "both are gone: it takes over");
    OK(!walk_calm() && fk_shop_state(&shop) == FK_SHOP_HEALING
       && fk_last_seq(&shop) == 20, "and heals out of its memory");
}


static void
test_wanted_short(void)
{
    int64_t  since_ms;

    upgrade();
    stream_lose(journal, 5);
    old_lives(1000);
    want_takeover();
    since_ms = w.now_ms;
    old_lives(900);
    OK(!is_taken, "its operator wants it all the same");
    old_lives(1000);
    OK(is_taken, "and has it");
    OK(w.now_ms - since_ms >= 1000 && w.now_ms - since_ms < 1200,
       "after %" PRId64 " ms", w.now_ms - since_ms);
    EQ_INT(w.logs[FJ_LOG_NOTICE], 2, "said once, as what is missing");
    OK(walk_calm(), "open");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_WANTED), 0, "it is wanted no more");
}


/* Over the next connection all begins anew: that may be another Redis. */

static void
test_heard_before(void)
{
    upgrade();
    hide(5);
    old_lives(1000);
    show(5);
    owner_until_ms = w.now_ms + 3000;
    event_closed();
    pass(2900, 0);
    OK(machine.epoch == 0 && journal->count == 21,
       "what was said to the Redis before does not count for this one");
    old_lives(1000);
    OK(is_taken, "what is said to it does");
}


/* What an owner says in turn: all that it has, not what Redis has now. */

static void
test_sign_after_loss(void)
{
    open_with(5);
    stream_lose(journal, 2);
    event_closed();
    shop_must(walk_to(FJ_COMMAND_PROBE), "probe");
    step();
    EQ_INT(fk_durable_seq(&shop), 3, "Redis has lost two records");
    w.now_ms += 1000;
    shop_must(walk_to(FJ_COMMAND_SAY), "sign of life");
    step();
    OK(strncmp(owner_text, "1 5 ", 4) == 0, "they are still to come");
}


/* --- nobody ------------------------------------------------------------- */

static void
test_silence(void)
{
    int64_t  took_ms;

    upgrade();
    owner_text[0] = '\0';
    took_ms = taken_after();
    OK(took_ms >= 1200 && took_ms <= 1400, "whoever sold on these sockets "
       "has %" PRId64 " ms", took_ms);

    open_with(20);
    owner_text[0] = '\0';
    conf.standby = 1;
    world_start();
    took_ms = taken_after();
    OK(took_ms >= 1400 && took_ms <= 1600, "so has whoever a standby was put "
       "beside: %" PRId64 " ms", took_ms);

    upgrade();
    stream_lose(journal, 5);
    old_lives(1000);
    took_ms = taken_after();
    OK(took_ms >= 3000 && took_ms <= 3500, "who is known to have more has %"
       PRId64 " ms", took_ms);

    upgrade();
    w.dead = THEIR_SERVER;
    EQ_INT(taken_after(), 0, "who is known to be dead has none");

    open_with(20);
    owner_text[0] = '\0';
    world_start();
    EQ_INT(taken_after(), 0, "nor whom nobody knows");
}


/* Redis was away, and is back without the key: the owner comes later. */

static void
test_back_first(void)
{
    open_with(20);
    world_start();
    pass(500, 1);
    hide(5);
    owner_text[0] = '\0';
    event_closed();
    pass(1100, 0);
    EQ_INT(machine.epoch, 0, "a standby is back before its owner, and waits");
    pass(2000, 1);
    show(5);
    pass(200, 1);
    OK(walk_calm() && fk_last_seq(&shop) == 20, "nothing is lost");
}


/* Emptied as the process ends, or loses its connection, that had heard of an
 * owner, or read its records, or sold before. */

static void
test_emptied_anew(void)
{
    enum { HEARD, READ, CLOSED, SOLD, WAYS };

    int      way;
    int64_t  took_ms;

    static const char *const  names[WAYS] = {
        "an owner was heard", "records were read", "the same process",
        "this server sold"
    };

    for (way = 0; way < WAYS; way++) {
        open_with(20);
        world_start();

        if (way == HEARD) {
            pass(500, 1);
            fk_stat_set(&shop, FJ_STAT_READ_BYTES, 0);

        } else if (way == SOLD) {
            fk_stat_set(&shop, FJ_STAT_SNAPSHOT_AT_MS, 1);

        } else {
            while (machine.read_bytes == 0) {
                step();
            }

            shop_must(!machine.follows, "not to the end");
        }

        memcpy(before, streams, sizeof(streams));
        empty(journal);
        empty(snapshots);
        owner_text[0] = '\0';

        if (way == CLOSED) {
            event_closed();

        } else {
            worker_anew();
            pass(700, 0);
            worker_anew();
        }

        pass(1100, 0);
        OK(machine.epoch == 0 && fk_shop_state(&shop) == FK_SHOP_RECOVERING,
           "%s: a Redis that has nothing is no new one", names[way]);
        pass(1000, 1);
        memcpy(streams, before, sizeof(streams));
        pass(500, 1);
        OK(walk_calm() && fk_last_seq(&shop) == 20, "%s: nothing is lost",
           names[way]);
        EQ_INT(fk_stat_get(&shop, FJ_STAT_FOLLOWS), 0, "%s: it sells now",
               names[way]);
    }

    open_with(20);
    owner_text[0] = '\0';
    world_start();
    shop_must(walk_to(FJ_COMMAND_TAKE), "take");
    worker_anew();
    took_ms = taken_after();
    OK(took_ms >= 1200 && took_ms <= 1400, "nobody: waited for %" PRId64
       " ms", took_ms);
}


/* --- a takeover that is lost -------------------------------------------- */

static void
test_take_lost(void)
{
    static const fj_command_t  rows[] = {
        FJ_COMMAND_SAY_TAKEN, FJ_COMMAND_TAKE_INDEX, FJ_COMMAND_MARK
    };

    size_t  i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        open_with(20);
        world_start();
        shop_must(walk_to(rows[i]), fj_commands[rows[i]].name);
        redis_lose_all();
        event_closed();
        OK(!walk_calm(), "%s: Redis is empty", fj_commands[rows[i]].name);
        EQ_INT(fk_shop_state(&shop), FK_SHOP_HEALING, "it heals");
        EQ_INT(fk_last_seq(&shop), 20, "out of what was read before");
        EQ_INT(machine.epoch, 3, "under an epoch of its own");
    }

    /* Emptied without a word. */
    open_with(20);
    world_start();
    shop_must(walk_to(FJ_COMMAND_MARK), "mark");
    redis_lose_all();
    OK(!walk_calm() && fk_shop_state(&shop) == FK_SHOP_HEALING
       && fk_last_seq(&shop) == 20, "so at the very last step");
    EQ_INT(journal->count, 0, "no mark stands before what is missing");

    open_with(20);
    world_start();
    shop_must(walk_to(FJ_COMMAND_TAKE), "take");
    redis_lose_all();
    step();
    EQ_INT(journal->count, 0, "a journal that vanishes is not begun anew");
    OK(!walk_calm() && fk_last_seq(&shop) == 20, "nothing is lost");
}


/* Another process of this server had taken it, before Redis forgot that. */

static void
test_epoch_of_sibling(void)
{
    open_with(3);
    world_start();
    fk_stat_set(&shop, FJ_STAT_EPOCH, 8);
    OK(walk_calm(), "open");
    EQ_INT(machine.epoch, 9, "an epoch of this server's is not given twice");
}


/* An old owner that stood still, and of which nobody knows. */

static void
test_late_batch(void)
{
    fj_id_t     late;
    uint64_t    old;
    const char  *data[] = { "b", "records" };
    size_t       sizes[] = { 1, 7 };

    open_with(3);
    conf.epoch_by_clock = 1;
    world_start();
    shop_must(walk_calm(), "open");
    old = machine.epoch;
    EQ_INT(old, shop_env.now_ms, "an epoch is the time of its takeover");
    redis_lose_all();
    world_start();
    shop_env.now_ms++;
    shop_must(walk_calm(), "open");
    OK(machine.epoch > old, "so a server that knows of none has a later one");
    late.epoch = old;
    late.seq = 21;
    OK(!stream_add(journal, &late, 2, data, sizes),
       "and Redis refuses what comes late");

    stream_put(journal, "99999999999999-0", "t", "somebody", NULL);
    world_start();
    OK(walk_calm() && machine.epoch == UINT64_C(100000000000000),
       "a clock that is behind does not matter");
}


static void
test_index_beyond(void)
{
    open_with(3);
    world_start();
    shop_must(walk_to(FJ_COMMAND_TAKE_INDEX), "index");
    stream_put(snapshots, "7-0", "t", "somebody", NULL);
    step();
    step();
    EQ_INT(machine.link.state, FJ_LINK_DOWN, "a later owner's index");
    OK(strstr(w.log, "beyond epoch 2 already") != NULL, "is told");
    OK(walk_calm() && machine.epoch == 8, "begun anew, above it");
    EQ_INT(snapshots->top.epoch, 8, "so that our snapshots count");

    /* Nothing is left in it, and it still knows its last id. */
    open_with(3);
    world_start();
    shop_must(walk_to(FJ_COMMAND_TAKE_INDEX), "index");
    stream_put(snapshots, "77-0", "t", "somebody", NULL);
    stream_cut(snapshots, snapshots->count);
    OK(walk_calm() && machine.epoch == 78, "also above one that is empty");
}


/* --- what cannot be read ------------------------------------------------- */

static void
test_damaged_standby(void)
{
    open_with(20);
    world_start();
    pass(500, 1);
    journal->entry[7].data[1][20] ^= 1;
    world_start();
    pass(20000, 1);
    EQ_INT(machine.phase, FJ_PHASE_RECOVERING, "a standby that reads damage "
           "harms nobody");
    EQ_INT(fk_recover_owner(&shop), OWNER, "and its siblings need not look");
    OK(strstr(w.log, "cannot be followed: ") != NULL
       && strstr(w.log, "at entry 1-7 of faka:{main}:journal") != NULL,
       "it says where");
    EQ_INT(w.logs[FJ_LOG_ERR], 1, "once");
    EQ_INT(w.logs[FJ_LOG_EMERG], 0, "without alarm");

    journal->entry[7].data[1][20] ^= 1;
    pass(6000, 1);
    EQ_INT(fk_last_seq(&shop), 20, "mended: it follows");
    stream_put(journal, "1-21", "b", "garbage", NULL);
    pass(6000, 1);
    EQ_INT(w.logs[FJ_LOG_ERR], 2, "damaged again: said again");
    stream_lose(journal, 1);
    pass(6000, 1);
    OK(walk_calm(), "and can sell");

    journal->entry[7].data[1][20] ^= 1;
    world_start();
    pass(6000, 1);
    OK(!walk_calm(), "while it is damaged it does not");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FAILED, "when its owner is gone");
    EQ_INT(w.logs[FJ_LOG_EMERG], 1, "that is an alarm");
}


/* Nobody was heard yet; but damage may be what another one is writing. */

static void
test_damage_unheard(void)
{
    int64_t  since_ms;

    open_with(20);
    journal->entry[7].data[1][20] ^= 1;
    owner_text[0] = '\0';
    world_start();
    pass(1000, 0);
    EQ_INT(machine.phase, FJ_PHASE_RECOVERING, "whoever damages it lives");
    pass(3000, 1);
    OK(machine.phase == FJ_PHASE_RECOVERING && w.logs[FJ_LOG_EMERG] == 0,
       "and says so");
    journal->entry[7].data[1][20] ^= 1;
    pass(6000, 1);
    OK(walk_calm() && fk_last_seq(&shop) == 20, "mended: nothing is missing");

    journal->entry[7].data[1][20] ^= 1;
    owner_text[0] = '\0';
    world_start();
    since_ms = w.now_ms;
    OK(!walk_calm() && fk_shop_state(&shop) == FK_SHOP_FAILED,
       "nobody says so: it is not opened");
    OK(w.now_ms - since_ms >= 2400 && w.now_ms - since_ms < 2700,
       "read once more, after %" PRId64 " ms", w.now_ms - since_ms);
}


int
main(void)
{
    test_upgrade();
    test_lost_tail();
    test_sign_of_before();
    test_emptied();
    test_emptied_while_read();
    test_snapshot_alone();
    test_snapshot_alone_emptied();
    test_wanted_short();
    test_heard_before();
    test_sign_after_loss();
    test_silence();
    test_back_first();
    test_emptied_anew();
    test_take_lost();
    test_epoch_of_sibling();
    test_late_batch();
    test_index_beyond();
    test_damaged_standby();
    test_damage_unheard();

    return tap_done();
}

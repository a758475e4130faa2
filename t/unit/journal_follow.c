/*
 * The journal's machine as a reader: the snapshot that counts and the journal
 * behind it, as they are, damaged, or changed by their owner meanwhile; and
 * following that owner as its standby until it is gone.
 */

#include "machine_others.h"


/* --- snapshots -------------------------------------------------------- */

/* A journal of 40 records, and a snapshot after 20 of them. */
static void
snapshot_shop(const char *heals)
{
    int  i;

    open_with(20);
    write_snapshot(heals);

    for (i = 0; i < 20; i++) {
        write_record();
        shop_must(walk_calm(), "durable");
    }
}


static void
test_snapshot(void)
{
    int64_t  price;

    snapshot_shop(NULL);
    price = shop_view("sku").price;
    stream_cut(journal, 21);
    world_start();
    OK(walk_calm(), "open, from a snapshot and what is behind it");
    EQ_INT(fk_last_seq(&shop), 40, "all records");
    EQ_INT(shop_view("sku").price, price, "and what they say");
    EQ_INT(machine.found.end_seq, 20, "of which it had half");
    OK(shop_sound(), "a sound shop");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_SNAPSHOT_SEQ), 20, "counted");
    OK(fk_stat_get(&shop, FJ_STAT_TAIL_BYTES) < machine.read_bytes,
       "and so is the rest");

    /* One that was only begun is none; of two the later counts. */
    stream_put(snapshots, "2-9", "begin", "2-9", NULL);
    world_start();
    OK(walk_calm(), "open");
    EQ_INT(machine.found.begin.epoch, 1, "one that has no end is not read");
    write_snapshot(NULL);
    world_start();
    OK(walk_calm() && machine.found.end_seq == 40, "the last one counts");
}


static void
test_snapshot_damaged(void)
{
    stream_t  *parts;

    snapshot_shop(NULL);
    parts = &streams[2];
    parts->entry[0].data[1][40] ^= 1;
    world_start();
    OK(!walk_calm(), "a damaged snapshot");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FAILED, "stops the shop");
    EQ_INT(machine.restarts, 3, "after three more looks at it");
    EQ_INT(w.logs[FJ_LOG_NOTICE], 4, "and a last one; it tells of each");
    OK(strstr(w.log, "of faka:{main}:snapshot:1-1, byte 0") != NULL,
       "with the place");
    OK(is_quiet() && w.logs[FJ_LOG_EMERG] == 1, "once");

    snapshot_shop(NULL);
    stream_lose(&streams[2], streams[2].count);
    world_start();
    OK(!walk_calm(), "one that is gone");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FAILED, "stops it, too");
}


/* Its owner writes a new one, and removes what it replaces. */

static void
test_snapshot_replaced(void)
{
    size_t     i;
    fj_id_t    id;
    stream_t  *old;

    snapshot_shop(NULL);
    old = &streams[2];
    world_start();
    shop_must(walk_to(FJ_COMMAND_PAGE), "index");

    while (machine.reading != FJ_READING_PARTS) {
        step();
    }

    /* The same parts under the next name. */
    stream_put(snapshots, "1-3", "begin", "1-3", NULL);

    for (i = 0; i < old->count; i++) {
        id.epoch = 1;
        id.seq = 4 + i;
        shop_must(stream_add(stream_of("faka:{main}:snapshot:1-3"), &id,
                             old->entry[i].words,
                             (const char *const *) old->entry[i].data,
                             old->entry[i].size), "a part");
    }

    stream_put(snapshots, "1-9", "done", "1-3", "end", "20", NULL);
    stream_lose(old, old->count);
    stream_cut(journal, 21);
    OK(walk_calm(), "replaced while it is read: the new one is");
    EQ_INT(machine.found.begin.seq, 3, "the later name");
    EQ_INT(fk_last_seq(&shop), 40, "with all records");
    EQ_INT(w.logs[FJ_LOG_EMERG], 0, "without alarm");

    snapshot_shop(NULL);
    world_start();
    shop_must(walk_to(FJ_COMMAND_PAGE), "index");

    while (machine.reading != FJ_READING_JOURNAL) {
        step();
    }

    stream_cut(journal, 30);
    OK(!walk_calm(), "a journal that was cut behind no snapshot");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FAILED, "is damaged");
}


/*
 * Cut at its end, between the last look at it and the takeover: there is no
 * gap to be seen, and the snapshot that covers what is gone came late.
 */

static void
test_cut_at_the_end(void)
{
    size_t  count;

    open_with(20);
    write_snapshot(NULL);
    count = snapshots->count;
    hide(8);
    snapshots->count = 1;
    world_start();
    shop_must(walk_to(FJ_COMMAND_TOP), "to be taken");
    EQ_INT(fk_last_seq(&shop), 12, "read before the cut");
    show(8);
    snapshots->count = count;
    stream_cut(journal, 21);
    OK(walk_calm(), "seen when the shop is taken: read again");
    EQ_INT(fk_last_seq(&shop), 20, "nothing is missing");
    EQ_INT(machine.epoch, 3, "under the epoch after that one");
    EQ_INT(w.logs[FJ_LOG_EMERG], 0, "without alarm");
}


static void
test_older_than_snapshot(void)
{
    snapshot_shop(NULL);
    stream_lose(journal, 25);
    world_start();
    OK(!walk_calm(), "a journal that ends before its snapshot");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FAILED, "is not opened");
    OK(strstr(w.log, "ends at 1-15, before its snapshot of 1-20") != NULL,
       "it says what was lost");
    EQ_INT(entry_name(journal, journal->count - 1)[0], 'b',
           "and nothing is written there");

    snapshot_shop("heals");
    stream_lose(journal, 25);
    world_start();
    OK(walk_calm(), "unless the snapshot was written because of that");
    EQ_INT(fk_last_seq(&shop), 20, "then it is the shop");
}


/* The same, and a later epoch hides that the journal's end is not there. */

static void
test_taken_without_end(void)
{
    uint64_t  epochs;

    snapshot_shop(NULL);
    stream_lose(journal, 25);
    stream_put(journal, "2-0", "t", "somebody", NULL);

    /* All that the snapshot covers is in it, but for its last record. */
    snapshots->entry[snapshots->count - 1].data[7][1] = '1';
    world_start();
    epochs = fk_stat_get(&shop, FJ_STAT_EPOCH);
    pass(20000, 1);
    EQ_INT(machine.phase, FJ_PHASE_RECOVERING, "another server's is followed");
    OK(!walk_calm(), "a journal that goes on without its snapshot's end");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FAILED, "is not opened");
    EQ_INT(machine.restarts, 3, "after three more looks at it");
    EQ_INT(w.logs[FJ_LOG_EMERG], 1, "it is said, once");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_EPOCH), epochs, "no epoch was taken");
    EQ_INT(journal->top.epoch, 2, "and nothing is written there");
}


/* The mark of a shop that was healed, without the snapshot that did it. */

static void
test_mark_ahead(void)
{
    open_with(5);
    stream_put(journal, "1-9", "o", "somebody", NULL);
    world_start();
    OK(!walk_calm(), "a mark behind records that are not there");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FAILED, "is damage");
    OK(strstr(w.log, "at entry 1-9 of faka:{main}:journal") != NULL,
       "and the place is told");
}


/* Written into a journal that lost its end; where that goes on comes later. */

static void
test_healed_meanwhile(void)
{
    snapshot_shop("heals");
    stream_lose(journal, 25);
    world_start();
    pass(500, 1);
    EQ_INT(machine.joined, 0, "a snapshot that heals: its end is to come");
    stream_put(journal, "1-20", "o", "1-1", NULL);
    pass(500, 1);
    EQ_INT(machine.joined, 1, "it came");
    redis_lose_all();
    OK(!walk_calm() && fk_shop_state(&shop) == FK_SHOP_HEALING,
       "and whatever is lost now is healed again");
    EQ_INT(fk_last_seq(&shop), 20, "out of what was read");
}


/* --- standing by ------------------------------------------------------ */

static void
test_standby(void)
{
    int      i;
    int64_t  price, since_ms;

    open_with(20);
    price = shop_view("sku").price;
    hide(8);
    world_start();
    other_says(1);

    while (!machine.alive_said) {
        step();
    }

    EQ_INT(fk_last_seq(&shop), 12, "what there is was read");
    OK(strstr(w.log, "follows as its standby") != NULL, "it says so");
    EQ_INT(w.delay_ms[FJ_TIMER_RETRY], FJ_FOLLOW_MS, "and looks again");

    for (i = 0; i < 8; i++) {
        show(1);
        pass(200, 1);
        shop_must(fk_last_seq(&shop) == 13 + (uint64_t) i, "followed");
    }

    OK(1, "each record is read when it comes");
    pass(3 * FK_RECOVER_LEASE_MS, 1);
    EQ_INT(machine.phase, FJ_PHASE_RECOVERING, "for as long as it takes");
    EQ_INT(fk_recover_owner(&shop), OWNER, "with the lease");
    EQ_INT(w.logs[FJ_LOG_NOTICE], 1, "and one line");
    EQ_INT(journal->count, 21, "nothing was written");

    since_ms = w.now_ms;
    OK(walk_calm(), "no sign of life any more: it sells");
    OK(w.now_ms - since_ms <= FJ_OWNER_TTL_MS + 400 + 2 * FJ_FOLLOW_MS,
       "after %" PRId64 " ms", w.now_ms - since_ms);
    EQ_INT(machine.epoch, 2, "under the next epoch");
    EQ_INT(shop_view("sku").price, price, "and nothing is missing");
    OK(strncmp(owner_text, "2 ", 2) == 0, "its own sign of life");
}


static void
test_standby_dead(void)
{
    open_with(3);
    world_start();
    says(1, THEIR_SERVER, HOST, THEIR_GEN);
    w.dead = THEIR_SERVER;
    OK(walk_calm() && !machine.alive_said,
       "a dead process on this machine is not waited for");

    open_with(3);
    world_start();
    says(1, THEIR_SERVER, THERE, THEIR_GEN);
    w.dead = THEIR_SERVER;
    OK(walk_calm() && machine.alive_said,
       "on another machine it is somebody else's number");

    open_with(3);
    world_start();
    says(1, THEIR_SERVER, HOST, GENERATION);
    OK(walk_calm() && !machine.alive_said,
       "nor is a generation on our own sockets");
}


static void
test_standby_longer(void)
{
    int      standby;
    int64_t  began_ms, took_ms[2];

    for (standby = 0; standby < 2; standby++) {
        open_with(3);
        conf.standby = standby;
        world_start();
        other_says(1);
        began_ms = w.now_ms;
        shop_must(walk_calm(), "open");
        took_ms[standby] = w.now_ms - began_ms;
    }

    EQ_INT(took_ms[1] - took_ms[0], 200, "a standby waits longer");
    OK(took_ms[1] < 2000, "but not long: %" PRId64 " ms", took_ms[1]);
}


static void
test_wanted(void)
{
    open_with(3);
    world_start();
    pass(1000, 1);
    want_takeover();
    other_says(1);
    OK(walk_calm(), "the operator wants it: it sells");
    OK(w.now_ms < owner_until_ms, "though another one lives");
    EQ_INT(machine.epoch, 2, "and is fenced by that");

    world_start();
    OK(walk_calm() && fk_stat_get(&shop, FJ_STAT_WANTED) == 0,
       "that was wanted once");
}


static void
test_wish_ends(void)
{
    open_with(3);
    world_start();
    pass(1000, 1);
    want_takeover();
    event_closed();
    w.connect_fails = 1;
    pass(FJ_WANTED_MS, 1);
    w.connect_fails = 0;
    pass(5000, 1);
    EQ_INT(machine.epoch, 0, "a server that was cut off for long has no wish "
           "left");
    want_takeover();
    pass(500, 1);
    OK(machine.epoch == 2, "a new one counts");
}


/* The wish comes when the shop has just opened. */

static void
test_wish_too_late(void)
{
    open_with(2);
    want_takeover();
    journal->top.epoch = 4;
    journal->top.seq = 0;
    write_record();
    shop_must(walk_to(FJ_COMMAND_FENCED), "fenced");
    other_says(4);
    step();
    EQ_INT(machine.phase, FJ_PHASE_RECOVERING, "fenced: it follows");
    pass(3000, 1);
    EQ_INT(machine.epoch, 0, "and does not take the shop straight back");
}


/* A Redis that lost its tail may have lost an epoch that somebody has. */

static void
test_epoch_named(void)
{
    open_with(3);
    world_start();
    other_says(7);
    OK(walk_calm(), "the owner's epoch is not in the journal");
    EQ_INT(machine.epoch, 8, "the next one is above it all the same");
}


/* A Redis that stood still: the key has run out before its owner is heard. */

static void
test_silent(void)
{
    open_with(3);
    world_start();
    pass(500, 1);
    owner_text[0] = '\0';
    pass(300, 0);
    other_says(1);
    pass(500, 0);
    OK(machine.phase == FJ_PHASE_RECOVERING && machine.epoch == 0,
       "a sign of life that comes late is one");
    EQ_INT(journal->count, 4, "nothing was written");
}


/* A key that nobody understands. */

static void
test_owner_garbage(void)
{
    size_t  i;

    static const char *const  garbage[] = {
        "x", " ", "1", "1 2 3", "1 2 3 4 5", "1  2 3 4", "-1 2 3 4",
        "1 2 3 00000000000000000", "1 2 3 11111111111111111", "a 2 3 4",
        "99999999999999999999 2 3 4", "1 G 3 4", "1 2 3 4 ", "1\n2 3 4"
    };

    for (i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        open_with(1);
        world_start();
        snprintf(owner_text, sizeof(owner_text), "%s", garbage[i]);
        owner_until_ms = w.now_ms + 5000;
        pass(4500, 0);
        shop_must(machine.phase == FJ_PHASE_RECOVERING, garbage[i]);
        shop_must(walk_calm(), "open");
    }

    OK(1, "%zu keys that say nothing: waited for until they run out", i);
}


static void
test_standby_lease_lost(void)
{
    open_with(3);
    world_start();
    pass(500, 1);
    fk_recover_break(&shop, OWNER);
    shop_must(fk_recover_begin(&shop, 77, w.now_ms) == FK_OK, "sibling");
    pass(1000, 1);
    EQ_INT(machine.phase, FJ_PHASE_WAITING, "a sibling follows now");
    EQ_INT(fk_recover_owner(&shop), 77, "undisturbed");
    EQ_INT(journal->count, 4, "and nothing was written");
}


/* --- a journal that lost what was read of it --------------------------- */

static void
test_lost_under_standby(void)
{
    int64_t  since_ms;

    open_with(20);
    world_start();
    pass(500, 1);
    redis_lose_all();
    pass(1000, 0);
    EQ_INT(journal->count, 0, "FLUSHALL: it does not hurry to take over");

    pass(3000, 1);
    EQ_INT(machine.phase, FJ_PHASE_RECOVERING, "its owner lives");
    EQ_INT(journal->count, 0, "and will mend it");

    owner_text[0] = '\0';
    since_ms = w.now_ms;
    OK(walk_to(FJ_COMMAND_TAKE), "it is gone, too");
    OK(w.now_ms - since_ms >= 1200 && w.now_ms - since_ms < 2000,
       "after %" PRId64 " ms", w.now_ms - since_ms);
    EQ_INT(machine.epoch, 2, "above every epoch that was read");
    OK(strstr(w.log, "goes on with what it has read") != NULL, "it says so");

    OK(!walk_calm(), "it opens");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_HEALING, "and heals");
    EQ_INT(fk_last_seq(&shop), 20, "with all records");
    EQ_STR(entry_name(journal, journal->count - 1), "t",
           "no mark says that the journal has them");
}


/* A standby of a shop with 20 records, whose connection is lost. */
static void
lose_connection(void)
{
    open_with(20);
    world_start();
    pass(500, 1);
    shop_must(machine.read_id.seq == 20, "all is read");
    event_closed();
}


static void
test_resumed(void)
{
    uint64_t  bytes;

    lose_connection();
    bytes = machine.read_bytes;

    for (w.connect_fails = 1; w.now_ms < 1000000 + 3 * FK_RECOVER_LEASE_MS; ) {
        step();
    }

    EQ_INT(fk_recover_owner(&shop), OWNER, "no connection for long: it keeps "
           "what it has read");
    w.connect_fails = 0;
    pass(2000, 1);
    EQ_INT(machine.phase, FJ_PHASE_RECOVERING, "and follows on");
    EQ_INT(fk_last_seq(&shop), 20, "from there");
    EQ_INT(machine.read_bytes, bytes, "nothing is read again");
    OK(walk_calm() && fk_last_seq(&shop) == 20, "and sells");
}


/* The next Redis lacks the last records, and their owner is gone. */

static void
test_resumed_lost(void)
{
    int64_t  since_ms;

    lose_connection();
    stream_lose(journal, 5);
    owner_text[0] = '\0';
    since_ms = w.now_ms;
    OK(walk_to(FJ_COMMAND_TAKE), "what was read is taken over");
    OK(w.now_ms - since_ms >= 1500, "after the time that an owner needs");
    EQ_INT(fk_last_seq(&shop), 20, "all of it");
    OK(!walk_calm() && fk_shop_state(&shop) == FK_SHOP_HEALING,
       "and is healed");

    lose_connection();
    hide(5);
    pass(3000, 1);
    show(5);
    pass(500, 1);
    EQ_INT(machine.phase, FJ_PHASE_RECOVERING, "an owner that lives mends it");
    OK(walk_calm() && fk_shop_state(&shop) == FK_SHOP_OPEN,
       "which heals nothing twice");
}


/* The next Redis lacks them, and somebody has gone on without them. */

static void
test_resumed_elsewhere(void)
{
    lose_connection();
    stream_lose(journal, 5);
    stream_put(journal, "2-0", "t", "somebody", NULL);
    stream_put(journal, "2-15", "o", "somebody", NULL);
    OK(walk_calm(), "what nobody has any more is forgotten");
    EQ_INT(fk_last_seq(&shop), 15, "it reads the journal as it is");
    EQ_INT(machine.epoch, 3, "and sells from there");
}


/* The same over a connection that was not lost. */

static void
test_taken_meanwhile(void)
{
    open_with(20);
    world_start();
    pass(500, 1);
    stream_lose(journal, 5);
    stream_put(journal, "2-0", "t", "somebody", NULL);
    stream_put(journal, "2-15", "o", "somebody", NULL);
    pass(500, 1);
    EQ_INT(fk_last_seq(&shop), 15, "another owner's takeover: read anew");
    OK(walk_calm() && machine.epoch == 3, "and followed");
}


static void
test_lost_and_mended(void)
{
    open_with(20);
    world_start();
    pass(500, 1);
    hide(5);
    pass(1000, 0);
    show(5);
    OK(walk_calm(), "a tail that was lost and sent again");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_OPEN, "needs no healing");
    EQ_INT(fk_last_seq(&shop), 20, "all of it is there");
    EQ_INT(w.logs[FJ_LOG_EMERG], 0, "without alarm");
}


int
main(void)
{
    test_snapshot();
    test_snapshot_damaged();
    test_snapshot_replaced();
    test_cut_at_the_end();
    test_older_than_snapshot();
    test_taken_without_end();
    test_mark_ahead();
    test_healed_meanwhile();
    test_standby();
    test_standby_dead();
    test_standby_longer();
    test_wanted();
    test_wish_ends();
    test_wish_too_late();
    test_epoch_named();
    test_silent();
    test_owner_garbage();
    test_standby_lease_lost();
    test_lost_under_standby();
    test_lost_and_mended();
    test_resumed();
    test_resumed_lost();
    test_resumed_elsewhere();
    test_taken_meanwhile();

    return tap_done();
}

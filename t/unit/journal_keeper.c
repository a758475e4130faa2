/*
 * The keeper, walked through snapshots, healing and cleaning: each command
 * with each kind of reply, each reply lost, a shop that is fenced meanwhile.
 * However it goes, what then stands in Redis is the shop, and no order is
 * nowhere.  What it archives is in journal_archive.c.
 */

#include "keeper_shop.h"


static const fj_command_t  snapshot_rows[] = {
    FJ_COMMAND_KEEP_INDEX, FJ_COMMAND_KEEP_BEGIN, FJ_COMMAND_KEEP_PART,
    FJ_COMMAND_KEEP_DONE, FJ_COMMAND_KEEP_TRIM, FJ_COMMAND_KEEP_CLEAN,
    FJ_COMMAND_KEEP_UNLINK, FJ_COMMAND_KEEP_FORGET,
    FJ_COMMAND_KEEP_SETTINGS, FJ_COMMAND_KEEP_ORDERS
};

static const fj_command_t  heal_rows[] = {
    FJ_COMMAND_KEEP_INDEX, FJ_COMMAND_KEEP_BEGIN, FJ_COMMAND_KEEP_PART,
    FJ_COMMAND_KEEP_DONE, FJ_COMMAND_KEEP_MARK, FJ_COMMAND_KEEP_HEALED,
    FJ_COMMAND_KEEP_WAIT
};


static int
steps_entry(const char *name)
{
    size_t  n;
    int     count;

    count = 0;

    for (n = 0; n < snapshots->count; n++) {
        count += strcmp(entry_name(snapshots, n), name) == 0;
    }

    return count;
}


/* --- a snapshot -------------------------------------------------------- */

static void
test_snapshot(void)
{
    size_t   i, before;
    int64_t  began_ms, done_ms;
    uint64_t bytes;

    keeper_new();
    shop_filled();
    before = journal->count;
    began_ms = done_ms = 0;
    bytes = fk_stat_get(&shop, FJ_STAT_TAIL_BYTES);
    OK(bytes > 10000, "the journal has a tail");
    keeper_begins();

    for (i = 0; i < 8; i++) {
        /* There is nothing to unlink yet. */
        if (snapshot_rows[i] != FJ_COMMAND_KEEP_UNLINK) {
            OK(keeper_walk(snapshot_rows[i]), "%s",
               fj_commands[snapshot_rows[i]].name);
            began_ms = i == 0 ? w.now_ms : began_ms;
            done_ms = i == 3 ? w.now_ms : done_ms;
            keeper_step();
        }
    }

    OK(keeper_calm(), "and then it is calm");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_SNAPSHOTS), 1, "one is enough");
    EQ_INT(snapshots->count, 2, "two entries of the index");
    EQ_STR(entry_name(snapshots, 0), "begin", "begin");
    EQ_STR(entry_name(snapshots, 1), "done", "done");
    EQ_STR(snapshots->entry[0].data[1], snapshots->entry[1].data[1],
           "of one name");
    OK(journal->count < before, "the journal was cut");
    OK(fk_stat_get(&shop, FJ_STAT_TAIL_BYTES) < bytes, "so has its tail");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_SNAPSHOT_SEQ), keeper.snapshot.end_seq,
           "its end is known");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_SNAPSHOT_TOOK_MS),
           done_ms - began_ms, "and how long it took");
    EQ_INT(fk_snapshot_owner(&shop), 0, "the lease is free");
    EQ_INT(w.logs[FJ_LOG_ERR] + w.logs[FJ_LOG_WARN], 0, "no complaints");
    OK(recovers(), "another region reads it");
}


/* When one is due, and when not. */
static void
test_due(void)
{
    uint64_t  count;

    keeper_new();
    kept_conf.snapshot_size = 1000000;
    kept_conf.retention_s = 100000;
    shop_filled();
    fk_stat_set(&shop, FJ_STAT_SNAPSHOT_AT_MS, (uint64_t) w.now_ms);
    keeper_begins();
    OK(keeper_calm(), "a small tail");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_SNAPSHOTS), 0, "brings none");
    w.now_ms += 1000000000;
    OK(keeper_calm() && fk_stat_get(&shop, FJ_STAT_SNAPSHOTS) == 1,
       "but in time there is one");
    w.now_ms += 2000000000;
    OK(keeper_calm() && fk_stat_get(&shop, FJ_STAT_SNAPSHOTS) == 1,
       "without a change there is none");

    keeper_ends();
    shop_must(walk_calm(), "calm");
    kept_conf.snapshot_size = 1;
    fk_stat_set(&shop, FJ_STAT_SNAPSHOT_BYTES, 1 << 30);
    fk_stat_set(&shop, FJ_STAT_SNAPSHOT_AT_MS, (uint64_t) w.now_ms);
    write_record();
    records_sent();
    keeper_begins();
    OK(keeper_calm() && fk_stat_get(&shop, FJ_STAT_SNAPSHOTS) == 1,
       "not before the journal is as long as the last one was");
    fk_stat_set(&shop, FJ_STAT_SNAPSHOT_BYTES, 10);
    OK(keeper_calm() && fk_stat_get(&shop, FJ_STAT_SNAPSHOTS) == 2,
       "and then at once");
    OK(recovers(), "another region reads it");

    /* A sibling has opened the shop, or written one, since our clock was
     * read. */
    fk_stat_set(&shop, FJ_STAT_SNAPSHOT_BYTES, 1 << 30);
    fk_stat_set(&shop, FJ_STAT_SNAPSHOT_AT_MS, (uint64_t) w.now_ms + 5000);
    count = fk_stat_get(&shop, FJ_STAT_SNAPSHOTS);
    write_record();
    records_sent();
    keeper_begins();
    OK(keeper_calm() && fk_stat_get(&shop, FJ_STAT_SNAPSHOTS) == count,
       "one that is younger than now is not old");
}


/* A sibling writes one; it dies. */
static void
test_sibling(void)
{
    fk_snapshot_t  other;

    keeper_new();
    shop_filled();
    shop_must(fk_snapshot_begin(&shop, &shop_env, 77, w.now_ms, &other)
              == FK_OK, "another");
    keeper_begins();
    OK(!keeper_walk(FJ_COMMAND_KEEP_INDEX) || w.now_ms >= 1000000 + 10000,
       "as long as it may live, nothing is begun");
    keeper_ends();

    keeper_new();
    shop_filled();
    shop_must(fk_snapshot_begin(&shop, &shop_env, 77, w.now_ms, &other)
              == FK_OK, "another");
    w.dead = 77;
    keeper_begins();
    OK(keeper_walk(FJ_COMMAND_KEEP_INDEX) && w.now_ms < 1000000 + 5000,
       "a dead one's lease is taken");
    OK(keeper_calm() && recovers(), "and all is well");
}


static void
test_stop(void)
{
    keeper_new();
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_PART), "parts");
    EQ_INT(fk_snapshot_owner(&shop), OWNER, "it has the lease");
    keeper_ends();
    EQ_INT(fk_snapshot_owner(&shop), 0, "and gives it up when it stops");
    shop_must(walk_calm(), "calm");
    keeper_begins();
    OK(keeper_calm(), "the next one");
    EQ_INT(unlinked, 1, "removes what was left");
    EQ_INT(steps_entry("begin"), 1, "also from the index");
    OK(recovers(), "another region reads it");
}


/* --- replies ----------------------------------------------------------- */

static void
reply_of(fj_reply_t *reply, unsigned type)
{
    memset(reply, 0, sizeof(*reply));

    if (type == FJ_REPLY_COUNT) {
        node_text(reply, FJ_REPLY_ERROR, "ERR The ID specified in XADD is "
                  "equal or smaller than the target stream top item");
        return;
    }

    reply->type = (fj_reply_type_t) type;
    reply->number = 7;

    if (type == FJ_REPLY_STRING || type == FJ_REPLY_STATUS) {
        node_text(reply, (fj_reply_type_t) type, "5");

    } else if (type == FJ_REPLY_ERROR) {
        node_text(reply, FJ_REPLY_ERROR, "ERR no");

    } else if (type == FJ_REPLY_ARRAY) {
        reply->number = 0;
        reply->item = reply;
    }
}


/* At this command, something else; and then an honest world again. */
static int
survives(fj_command_t row, unsigned type)
{
    fj_reply_t  reply;

    keeper_new();
    shop_filled();

    /* What is to be cleaned. */
    stream_put(snapshots, "1-1", "begin", "1-1", NULL);
    keeper_begins();

    if (!keeper_walk(row)) {
        return 0;
    }

    if (type <= FJ_REPLY_COUNT) {
        reply_of(&reply, type);
        event_reply(&reply);

    } else {
        if (type == FJ_REPLY_COUNT + 1) {
            (void) keeper_answer();
        }

        event_closed();
    }

    if (!keeper_calm() || fk_snapshot_owner(&shop) != 0
        || fk_stat_get(&shop, FJ_STAT_SNAPSHOTS) < 1)
    {
        return 0;
    }

    /* Cleaning that was given up is the next one's. */
    keeper_ends();
    fk_stat_set(&shop, FJ_STAT_SNAPSHOT_BYTES, 1);
    shop_must(walk_calm(), "calm");
    write_record();
    records_sent();
    keeper_begins();

    return keeper_calm() && steps_entry("begin") == 1
           && steps_entry("done") == 1 && recovers();
}


/* Carried out or not, its reply lost: the last two. */
static void
test_replies(void)
{
    int       good;
    size_t    i;
    unsigned  type;

    for (i = 0; i < sizeof(snapshot_rows) / sizeof(snapshot_rows[0]); i++) {
        good = 0;

        for (type = 0; type <= FJ_REPLY_COUNT + 2; type++) {
            if (survives(snapshot_rows[i], type)) {
                good++;

            } else {
                printf("#   %s, reply %u\n",
                       fj_commands[snapshot_rows[i]].name, type);
            }
        }

        EQ_INT(good, FJ_REPLY_COUNT + 3, "%s: survives every reply",
               fj_commands[snapshot_rows[i]].name);
    }
}


/* --- another owner ----------------------------------------------------- */

static void
test_fenced(void)
{
    keeper_new();
    shop_filled();
    stream_put(snapshots, "9-0", "t", "another", NULL);
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_INDEX), "index");
    keeper_step();
    EQ_INT(keeper.phase, FJ_KEEPER_IDLE, "a later owner's index is left be");
    EQ_INT(fk_snapshot_owner(&shop), 0, "without the lease");
    keeper_ends();

    keeper_new();
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_DONE), "done");
    stream_put(snapshots, "9-0", "t", "another", NULL);
    keeper_step();
    EQ_INT(keeper.phase, FJ_KEEPER_IDLE, "one that comes late is refused");
    EQ_INT(steps_entry("done"), 0, "and does not count");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_SNAPSHOTS), 0, "nor is it counted");
    keeper_ends();

    keeper_new();
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_PART), "parts");
    fk_fence(&shop, 9);
    OK(!keeper_walk(FJ_COMMAND_KEEP_DONE), "fenced while it writes: no end");
    EQ_INT(keeper.phase, FJ_KEEPER_IDLE, "it has given up");
    EQ_INT(steps_entry("done"), 0, "for good");
}


/* Redis is emptied after the last part: an end would name none of them. */
static void
test_emptied(void)
{
    fj_id_t  first;

    keeper_new();
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_DONE), "done");
    first = keeper.own;
    redis_lose_all();
    keeper_step();
    EQ_INT(snapshots->count, 0, "an index that vanishes is not begun anew");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_SNAPSHOTS), 0, "nor is it counted");
    EQ_INT(fk_snapshot_owner(&shop), 0, "the lease is given back");

    shop_must(keeper_walk(FJ_COMMAND_KEEP_BEGIN), "another begins");
    OK(keeper.own.epoch == first.epoch && keeper.own.seq > first.seq + 1,
       "by a name that the index never had");
    keeper_ends();
}


/* --- the index --------------------------------------------------------- */

static void
test_clean(void)
{
    int   i;
    char  id[FJ_ID_SIZE], name[FJ_ID_SIZE];

    keeper_new();
    shop_filled();

    for (i = 1; i < 60; i += 2) {
        snprintf(id, sizeof(id), "1-%d", i);
        stream_put(snapshots, id, "begin", id, NULL);
        snprintf(name, sizeof(name), "1-%d", i + 1);
        stream_put(snapshots, name, "done", id, NULL);
    }

    /* A name is never what an entry says, but its id. */
    stream_put(snapshots, "1-99", "begin", "../other", NULL);
    keeper_begins();
    OK(keeper_calm(), "31 old names");
    EQ_INT(unlinked, 31, "are unlinked");
    EQ_INT(snapshots->count, 2, "the index has the new one alone");
    EQ_STR(snapshots->entry[0].data[1], "1-100", "under the next id");
    OK(recovers(), "another region reads it");
}


/* Nothing is left in it, but it still knows its last id. */
static void
test_empty_index(void)
{
    keeper_new();
    shop_filled();
    stream_put(snapshots, "1-40", "done", "1-39", NULL);
    stream_cut(snapshots, snapshots->count);
    keeper_begins();
    OK(keeper_calm(), "an index that somebody emptied");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_SNAPSHOTS), 1, "is no hindrance");
    EQ_STR(snapshots->entry[0].data[1], "1-41", "ids go on growing");
    OK(recovers(), "another region reads it");

    keeper_new();
    shop_filled();
    stream_put(snapshots, "9-3", "t", "another", NULL);
    stream_cut(snapshots, snapshots->count);
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_INDEX), "index");
    keeper_step();
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FENCED,
           "nor does it hide a later owner");
    keeper_ends();
}


/* --- healing ----------------------------------------------------------- */

/* The journal has lost its beginning, and the ring cannot give it back. */
static void
heals_begin(int want)
{
    int         n;
    fk_batch_t  batch;

    keeper_new();
    conf.replicas = (uint32_t) want;
    replicas = want;
    shop_filled();

    for (n = 0; fk_ring_first_seq(&shop) < 200; n++) {
        write_record();

        if (n % 50 == 0) {
            records_sent();
        }
    }

    records_sent();

    redis_lose_all();
    stream_put(journal, "1-0", "t", "instance", NULL);
    shop_must(fk_flush_suspect(&shop) == FK_OK
              && fk_flush_take(&shop, 3, w.now_ms, &batch) == FK_FLUSH_PROBE
              && fk_flush_top(&shop, 3, 1, 0) == FK_HEALING, "healing");
    keeper_begins();
}


static int
healed(void)
{
    return keeper_calm() && fk_shop_state(&shop) == FK_SHOP_OPEN
           && fk_stat_get(&shop, FJ_STAT_HEALED) == 1
           && fk_durable_seq(&shop) >= keeper.snapshot.begin_seq;
}


static void
test_heal(void)
{
    size_t       i;
    unsigned     type;
    int          good;
    fj_reply_t   reply;

    heals_begin(0);
    shop_must(keeper_walk(FJ_COMMAND_KEEP_MARK), "mark");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_HEALING, "it waits for its snapshot");
    keeper_step();
    EQ_STR(entry_name(journal, journal->count - 1), "o", "and for a mark");
    EQ_INT(journal->top.seq, keeper.snapshot.begin_seq,
           "behind which the journal goes on");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_HEALING, "and for a note of that");
    shop_must(keeper_walk(FJ_COMMAND_KEEP_HEALED), "healed");
    keeper_step();
    EQ_STR(entry_name(snapshots, 2), "healed", "in the index");
    OK(healed(), "a shop that heals sells again");
    EQ_INT(w.logs[FJ_LOG_EMERG], 1, "it was said");
    OK(w.wakes > 0 && w.rings > 0, "who waits was told");
    OK(recovers(), "another region reads it");

    for (i = 0; i < sizeof(heal_rows) / sizeof(heal_rows[0]); i++) {
        good = 0;

        for (type = 0; type <= FJ_REPLY_COUNT + 2; type++) {
            heals_begin(2);
            shop_must(keeper_walk(heal_rows[i]), "row");

            if (type <= FJ_REPLY_COUNT) {
                reply_of(&reply, type);
                reply.number = 1;
                event_reply(&reply);

            } else {
                if (type == FJ_REPLY_COUNT + 1) {
                    (void) keeper_answer();
                }

                event_closed();
            }

            if (healed() && recovers()) {
                good++;

            } else {
                printf("#   %s, reply %u\n", fj_commands[heal_rows[i]].name,
                       type);
            }
        }

        EQ_INT(good, FJ_REPLY_COUNT + 3, "%s: heals after every reply",
               fj_commands[heal_rows[i]].name);
    }
}


/* Another server takes over while the mark is on its way. */
static void
test_heal_fenced(void)
{
    heals_begin(0);
    shop_must(keeper_walk(FJ_COMMAND_KEEP_MARK), "mark");
    stream_put(journal, "9-0", "t", "another", NULL);
    keeper_step();
    EQ_INT(keeper.link.command, FJ_COMMAND_KEEP_TOP, "refused: by whom");
    keeper_step();
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FENCED, "another's: not opened");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_HEALED), 0, "nor called healed");
    keeper_ends();
}


/* The server dies now; the next one finds what Redis has. */
static fk_shop_state_t
state_after_death(void)
{
    keeper_ends();
    world_start();
    (void) walk_calm();
    return fk_shop_state(&shop);
}


/* A journal that ends before its snapshot is one to be healed only as long
 * as it has not gone on behind it. */
static void
test_heal_once(void)
{
    uint64_t  seq;

    heals_begin(0);
    shop_must(keeper_walk(FJ_COMMAND_KEEP_MARK), "mark");
    seq = keeper.snapshot.end_seq;
    EQ_INT(state_after_death(), FK_SHOP_OPEN, "a healer dies: it opens");
    OK(fk_last_seq(&shop) >= seq, "with all that there was");

    heals_begin(0);
    shop_must(keeper_walk(FJ_COMMAND_KEEP_HEALED), "healed");
    EQ_INT(state_after_death(), FK_SHOP_OPEN, "a little later, too");

    heals_begin(0);
    shop_must(keeper_walk(FJ_COMMAND_KEEP_HEALED), "healed");
    redis_lose_all();
    keeper_step();
    EQ_INT(fk_shop_state(&shop), FK_SHOP_HEALING, "Redis is emptied once "
           "more: not healed");
    OK(healed() && recovers(), "healed again");

    heals_begin(0);
    shop_must(healed(), "healed");
    keeper_ends();
    shop_must(walk_calm(), "calm");
    write_record();
    records_sent();
    stream_lose(journal, journal->count);
    w.now_ms += 100000;
    world_start();
    (void) walk_calm();
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FAILED,
           "what is lost after it has been healed is not passed over");
}


/* Redis refuses for a while, in one way and then in another. */
static void
test_heal_log(void)
{
    int         i;
    fj_reply_t  no, full;

    heals_begin(0);
    w.logs[FJ_LOG_ERR] = 0;
    w.logs[FJ_LOG_WARN] = 0;
    node_text(&no, FJ_REPLY_ERROR, "ERR no");
    node_text(&full, FJ_REPLY_ERROR, "OOM command not allowed");

    for (i = 0; i < 40; i++) {
        shop_must(keeper_walk(FJ_COMMAND_KEEP_BEGIN), "begin");
        event_reply(i < 20 ? &no : &full);
    }

    EQ_INT(w.logs[FJ_LOG_EMERG], 1, "that it heals is said once");
    EQ_INT(w.logs[FJ_LOG_WARN], 1, "so is that it does not come to an end");
    EQ_INT(w.logs[FJ_LOG_ERR], 2, "and what Redis says, when it changes");
    OK(healed(), "it heals all the same");

    /* The next one is due. */
    fk_stat_set(&shop, FJ_STAT_SNAPSHOT_SEQ, 1);
    fk_stat_set(&shop, FJ_STAT_SNAPSHOT_BYTES, 1);
    fk_stat_set(&shop, FJ_STAT_TAIL_BYTES, 1 << 20);
    w.logs[FJ_LOG_ERR] = 0;
    shop_must(keeper_walk(FJ_COMMAND_KEEP_BEGIN), "begin");
    event_reply(&full);
    EQ_INT(w.logs[FJ_LOG_ERR], 1, "after it worked it is said anew");
    keeper_ends();
}


/* Buyers wait for it, but the process has other things to do as well. */
static void
test_heal_pace(void)
{
    int  turns, steps;

    heals_begin(0);
    turns = 0;

    for (steps = 0; steps < CALM_STEPS
                    && fk_shop_state(&shop) == FK_SHOP_HEALING; steps++)
    {
        w.delay_ms[FJ_TIMER_FLUSH] = -1;
        keeper_step();
        turns += w.delay_ms[FJ_TIMER_FLUSH] == 0;
    }

    OK(fk_shop_state(&shop) == FK_SHOP_OPEN && steps > 5, "%d steps", steps);
    EQ_INT(turns, 0, "none of them at once");
    keeper_ends();
}


/* Beside many buyers it goes slower. */
static void
test_pace(void)
{
    int              n, paces;
    int64_t          quiet_ms, busy_ms;
    fk_order_view_t  out;

    keeper_new();
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_BEGIN), "begin");
    fk_test_purse = 1;
    quiet_ms = 0;
    busy_ms = INT64_MAX;

    for (paces = 0; paces < 6; paces++) {
        for (n = 0; n < 30 * (paces & 1); n++) {
            shop_must(shop_buy("seats", 1, &out) == FK_OK, "buy");
        }

        w.delay_ms[FJ_TIMER_FLUSH] = -1;
        keeper_step();

        if (paces & 1) {
            busy_ms = w.delay_ms[FJ_TIMER_FLUSH] < busy_ms
                      ? w.delay_ms[FJ_TIMER_FLUSH] : busy_ms;
        } else {
            quiet_ms = w.delay_ms[FJ_TIMER_FLUSH] > quiet_ms
                       ? w.delay_ms[FJ_TIMER_FLUSH] : quiet_ms;
        }
    }

    fk_test_purse = 0;
    OK(quiet_ms > 0, "a step every %" PRId64 " ms", quiet_ms);
    EQ_INT(busy_ms, 4 * quiet_ms, "beside buyers every %" PRId64 " ms",
           busy_ms);
    keeper_ends();
}


int
main(void)
{
    test_snapshot();
    test_due();
    test_sibling();
    test_stop();
    test_replies();
    test_fenced();
    test_emptied();
    test_clean();
    test_empty_index();
    test_heal();
    test_heal_fenced();
    test_heal_once();
    test_heal_log();
    test_heal_pace();
    test_pace();

    return tap_done();
}

/*
 * The journal's machine as the standby of a shop in which nothing happens: a
 * snapshot has all of it, and nothing is left of the journal behind that.
 * What was read is known all the same, whatever the next Redis has.
 */

#include "machine_others.h"


/* A standby of a shop with 20 records that is idle: they are in a snapshot,
 * and nothing is left of the journal.  An older one has 15 of them. */
static void
idle_standby(void)
{
    int  i;

    open_with(15);
    write_snapshot(NULL);

    for (i = 0; i < 5; i++) {
        write_record();
        shop_must(walk_calm(), "durable");
    }

    write_snapshot(NULL);
    stream_cut(journal, journal->count);
    world_start();
    pass(500, 1);
    shop_must(machine.follows && fk_last_seq(&shop) == 20, "it follows");
}


static void
test_idle(void)
{
    uint64_t  bytes;

    idle_standby();
    EQ_INT(machine.read_id.epoch, 1, "what a snapshot has was read");
    EQ_INT(machine.read_id.seq, 20, "up to its end");
    bytes = machine.read_bytes;
    event_closed();
    pass(1000, 1);
    EQ_INT(machine.read_bytes, bytes, "another connection: not again");
    OK(walk_calm() && fk_shop_state(&shop) == FK_SHOP_OPEN, "it sells");
    EQ_INT(w.logs[FJ_LOG_WARN], 0, "and nothing was missing");
}


/* The next Redis lacks the end and its snapshot; the owner is gone, or not. */

static void
test_idle_lost(void)
{
    int      emptied;
    int64_t  since_ms;

    for (emptied = 0; emptied < 2; emptied++) {
        idle_standby();
        event_closed();

        if (emptied) {
            redis_lose_all();

        } else {
            stream_lose(snapshots, 2);
            journal->top.seq = 15;
        }

        pass(3000, 1);
        OK(machine.phase == FJ_PHASE_RECOVERING && machine.epoch == 0,
           "who lives is waited for");
        owner_text[0] = '\0';
        since_ms = w.now_ms;
        OK(walk_to(FJ_COMMAND_TAKE), "who is gone is not");
        OK(w.now_ms - since_ms >= 1200 && w.now_ms - since_ms < 2000,
           "after %" PRId64 " ms", w.now_ms - since_ms);
        OK(!walk_calm() && fk_shop_state(&shop) == FK_SHOP_HEALING
           && fk_last_seq(&shop) == 20, "all that was in memory is healed");
    }
}


/* The next Redis lacks them, too, and another server has gone on from 15. */

static void
test_idle_elsewhere(void)
{
    enum { AFTER_LOSS, UNDER_OUR_EYES, AND_IDLE, WAYS };

    int  way;

    static const char *const  names[WAYS] = {
        "over another connection", "over the same one",
        "by one that is idle itself"
    };

    for (way = 0; way < WAYS; way++) {
        idle_standby();

        if (way != UNDER_OUR_EYES) {
            event_closed();
        }

        stream_lose(snapshots, 2);
        stream_put(journal, "2-0", "t", "somebody", NULL);
        stream_put(journal, "2-15", "o", "somebody", NULL);
        stream_put(snapshots, "2-0", "t", "somebody", NULL);

        if (way == AND_IDLE) {
            stream_put(snapshots, "2-1", "done", "1-1", "end", "15", NULL);
            stream_cut(journal, 2);
        }

        pass(1000, 1);
        EQ_INT(fk_last_seq(&shop), 15, "%s: what nobody has is forgotten",
               names[way]);
        EQ_INT(machine.read_id.epoch, 2, "%s: that owner's", names[way]);
        OK(walk_calm() && machine.epoch == 3 && fk_last_seq(&shop) == 15,
           "%s: sold from there", names[way]);
    }
}


int
main(void)
{
    test_idle();
    test_idle_lost();
    test_idle_elsewhere();

    return tap_done();
}

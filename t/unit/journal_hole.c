/*
 * The journal's machine takes a shop over from a Redis that lost the tail of
 * its journal, as the only one that still has it: the hole is remembered by
 * nobody, it is seen in the journal each time the shop is taken.  So whatever
 * is lost on the way, and whoever else was quicker, no mark says that Redis
 * has what only this server has, and no takeover of its own is taken for a
 * stranger's.
 */

#include "machine_others.h"


/* A standby that has read 20 records, of which Redis has lost the last five,
 * as their owner is gone.  Its takeover is on its way. */
static void
take_hole(void)
{
    world_start();
    pass(500, 1);
    event_closed();
    stream_lose(journal, 5);
    owner_text[0] = '\0';

    /* Others may have had epochs in between. */
    fk_stat_set(&shop, FJ_STAT_EPOCH, 8);
    shop_must(walk_to(FJ_COMMAND_TAKE) && machine.epoch == 9, "take");
    shop_must(fk_recover_seq(&shop) == 20, "all is here");
}


/* 1: it sells, or heals, with so many records. */
static int
ends(fk_shop_state_t state, uint64_t seq)
{
    (void) walk_calm();
    return fk_shop_state(&shop) == state && fk_last_seq(&shop) == seq;
}


/* The same, and the journal's last entry is a mark, or a takeover. */
static int
ends_with(const char *name, fk_shop_state_t state, uint64_t seq)
{
    return ends(state, seq)
           && strcmp(entry_name(journal, journal->count - 1), name) == 0;
}


/* Carried out, and its connection is lost before the reply. */
static void
lose_reply(void)
{
    (void) world_answer();
    event_closed();
}


/* --- a connection that is lost ------------------------------------------ */

/* Too few replicas: each try is a takeover, and none says too much. */

static void
test_no_replica(void)
{
    int  tries;

    open_with(20);
    conf.replicas = 1;
    take_hole();

    for (tries = 0; tries < 3; tries++) {
        shop_must(walk_to(FJ_COMMAND_WAIT_OPEN), "no mark, and a WAIT");
        step();
        shop_must(machine.link.state == FJ_LINK_DOWN, "given up");
    }

    EQ_STR(entry_name(journal, journal->count - 1), "t",
           "three takeovers over a hole, and no mark");
    replicas = 1;
    OK(ends_with("t", FK_SHOP_HEALING, 20), "a replica: it opens, and heals");
    EQ_INT(journal->top.epoch, 12, "under the fourth epoch");
}


/* The steps of a takeover at which its connection is lost. */
enum { TAKE, SAY, INDEX, INDEX_PAGE, REST, REST_END, CUTS };

static const char *const  cut_names[CUTS] = {
    "the takeover's reply", "the sign of life", "the index's entry",
    "the index's page", "the rest's page", "the rest's end"
};


static void
cut_at(int cut)
{
    shop_must(cut == TAKE ? walk_to(FJ_COMMAND_TAKE)
              : cut == SAY ? walk_to(FJ_COMMAND_SAY_TAKEN)
              : walk_to(FJ_COMMAND_TAKE_INDEX), cut_names[cut]);

    if (cut == INDEX_PAGE) {
        step();
    }

    while (cut >= REST && (machine.reading != FJ_READING_JOURNAL
                           || machine.link.command != FJ_COMMAND_PAGE))
    {
        step();
    }

    if (cut == REST_END) {
        step();
        shop_must(machine.read_id.epoch == 9 && machine.read_id.seq == 0
                  && machine.link.command == FJ_COMMAND_PAGE, "one more");
    }

    lose_reply();
}


static void
test_cut(void)
{
    int  cut;

    for (cut = 0; cut < CUTS; cut++) {
        open_with(20);
        take_hole();
        cut_at(cut);
        OK(ends_with("t", FK_SHOP_HEALING, 20), "%s is lost: what only this "
           "server has is kept, and healed", cut_names[cut]);
        EQ_INT(machine.epoch, 10, "above its own takeover");
    }
}


/* Nothing is missing: then a lost connection costs an epoch, no reading. */

static void
test_cut_whole(void)
{
    int      cut;
    int64_t  since_ms;

    for (cut = 0; cut < CUTS; cut++) {
        open_with(20);
        world_start();
        fk_stat_set(&shop, FJ_STAT_EPOCH, 8);
        since_ms = w.now_ms;
        cut_at(cut);
        OK(ends_with("o", FK_SHOP_OPEN, 20), "%s is lost", cut_names[cut]);
        OK(machine.recover_at_ms == since_ms && machine.epoch == 10,
           "nothing is read again");
    }

    /* Its mark is its own, too. */
    open_with(20);
    conf.replicas = 1;
    world_start();
    since_ms = w.now_ms;
    shop_must(walk_to(FJ_COMMAND_MARK), "mark");
    lose_reply();
    shop_must(walk_to(FJ_COMMAND_WAIT_OPEN), "wait");
    step();
    replicas = 1;
    OK(walk_calm() && machine.epoch == 4, "marked twice, and then open");
    EQ_INT(machine.recover_at_ms, since_ms, "nothing is read again");
}


/* A shop whose journal is a snapshot: that no entry is left is no hole. */

static void
test_cut_snapshot(void)
{
    open_with(20);
    write_snapshot(NULL);
    stream_cut(journal, journal->count);
    world_start();
    shop_must(walk_to(FJ_COMMAND_TAKE_INDEX), "index");
    event_closed();
    OK(ends_with("o", FK_SHOP_OPEN, 20), "what a snapshot has is not missing");

    /* But where it was emptied, the snapshot is gone, too. */
    open_with(20);
    write_snapshot(NULL);
    stream_cut(journal, journal->count);
    world_start();
    shop_must(walk_to(FJ_COMMAND_SAY_TAKEN), "say");
    redis_lose_all();
    stream_put(journal, "2-0", "t", machine.instance, "g", "0000000000123456",
               NULL);
    event_closed();
    OK(ends_with("t", FK_SHOP_HEALING, 20), "unless it is gone");
}


/* --- others, between the last look and the takeover --------------------- */

/* Its owner was quicker than the takeover, which found all in its place. */

static void
test_mended(void)
{
    open_with(20);
    world_start();
    pass(500, 1);
    hide(5);
    owner_text[0] = '\0';
    shop_must(walk_to(FJ_COMMAND_TAKE) && machine.heals, "over a hole");
    show(5);
    OK(ends_with("o", FK_SHOP_OPEN, 20), "mended meanwhile: nothing to heal");
}


/* A second standby takes it, and its entry is no end of the records. */

static void
test_taken_above(void)
{
    open_with(20);
    world_start();
    pass(500, 1);
    stream_lose(journal, 5);
    owner_text[0] = '\0';
    shop_must(walk_to(FJ_COMMAND_TOP), "top");
    stream_put(journal, "7-0", "t", "somebody", NULL);
    OK(ends_with("t", FK_SHOP_HEALING, 20), "a stranger's takeover hides no "
       "hole");
    EQ_INT(machine.epoch, 8, "above it");

    open_with(20);
    take_hole();
    stream_put(journal, "7-0", "t", "somebody", NULL);
    OK(ends_with("t", FK_SHOP_HEALING, 20), "nor does one below ours forget "
       "what is here");

    /* The connection is lost behind it. */
    open_with(20);
    take_hole();
    stream_put(journal, "7-0", "t", "somebody", NULL);
    cut_at(REST_END);
    OK(ends_with("t", FK_SHOP_HEALING, 20), "nor read again");
}


/* It has opened, with what Redis had: that is the shop. */

static void
test_went_on(void)
{
    open_with(20);
    take_hole();
    stream_put(journal, "7-0", "t", "somebody", NULL);
    stream_put(journal, "7-15", "o", "somebody", NULL);
    OK(ends_with("o", FK_SHOP_OPEN, 15), "a stranger went on from the hole: "
       "its journal is read anew");
    EQ_INT(machine.epoch, 10, "and taken");

    open_with(20);
    take_hole();
    stream_put(journal, "7-0", "t", "somebody", NULL);
    stream_put(journal, "7-15", "o", "somebody", NULL);
    lose_reply();
    OK(ends_with("o", FK_SHOP_OPEN, 15), "so over the next connection");

    /* Its snapshot is all that is left of that. */
    open_with(15);
    write_snapshot(NULL);
    write_record();
    shop_must(walk_calm(), "durable");
    world_start();
    pass(500, 1);
    stream_lose(journal, 1);
    owner_text[0] = '\0';
    fk_stat_set(&shop, FJ_STAT_EPOCH, 8);
    shop_must(walk_to(FJ_COMMAND_TAKE), "take");
    stream_put(journal, "7-15", "o", "somebody", NULL);
    stream_put(snapshots, "7-2", "done", "1-1", "end", "15", NULL);
    stream_cut(journal, journal->count);
    OK(ends_with("o", FK_SHOP_OPEN, 15), "so where it cut the journal");
}


/* Nothing was missing: then it has gone on from what was read here. */

static void
test_went_on_whole(void)
{
    int64_t  since_ms;

    open_with(20);
    world_start();
    since_ms = w.now_ms;
    fk_stat_set(&shop, FJ_STAT_EPOCH, 8);
    shop_must(walk_to(FJ_COMMAND_TAKE), "take");
    stream_put(journal, "7-0", "t", "somebody", NULL);
    stream_put(journal, "7-20", "o", "somebody", NULL);
    OK(ends_with("o", FK_SHOP_OPEN, 20) && machine.epoch == 9,
       "another server's sales are followed, and taken");
    EQ_INT(machine.recover_at_ms, since_ms, "nothing is read again");
}


/* The same name in another generation is another server's. */

static void
test_namesake(void)
{
    open_with(20);
    world_start();
    pass(500, 1);
    event_closed();
    stream_lose(journal, 5);
    stream_put(journal, "2-0", "t", machine.instance, "g", "0000000000654321",
               NULL);
    stream_put(journal, "2-15", "o", machine.instance, "g",
               "0000000000654321", NULL);
    OK(ends(FK_SHOP_OPEN, 15), "a pid is one on each machine");
}


/* --- a process that slept ------------------------------------------------ */

/* Its takeover has landed, and its sibling has sold the shop under a later
 * epoch since. */

static void
test_slept(void)
{
    const fj_reply_t  *reply;

    open_with(3);
    world_start();
    shop_must(walk_to(FJ_COMMAND_TAKE) && machine.epoch == 2, "take");
    reply = world_answer();
    shop_must(fk_recover_begin(&shop, 77, w.now_ms + FK_RECOVER_LEASE_MS)
              == FK_OK, "its lease ran out");
    fk_stat_set(&shop, FJ_STAT_EPOCH, 7);
    event_reply(reply);
    EQ_INT(fk_stat_get(&shop, FJ_STAT_EPOCH), 7, "what it took is no more");
    EQ_INT(machine.link.state, FJ_LINK_DOWN, "it says nothing of itself");
    EQ_INT(fk_recover_owner(&shop), 77, "its sibling goes on");
}


int
main(void)
{
    test_no_replica();
    test_cut();
    test_cut_whole();
    test_cut_snapshot();
    test_mended();
    test_taken_above();
    test_went_on();
    test_went_on_whole();
    test_namesake();
    test_slept();

    return tap_done();
}

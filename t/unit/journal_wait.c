/*
 * The journal's machine when it may not go on: too few replicas, takeovers one
 * behind the other, a lease that is another's; and letting go.
 */

#include "machine_others.h"


/* --- replicas ---------------------------------------------------------- */

static void
open_replicas(void)
{
    open_with(2);
    conf.replicas = 2;
    replicas = 2;
    world_start();
}


static void
test_replicas(void)
{
    open_replicas();
    OK(walk_to(FJ_COMMAND_WAIT_OPEN), "the opening waits for replicas");
    EQ_STR(w.argv[1], "2", "so many");
    EQ_STR(w.argv[2], "500", "for so long");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_RECOVERING, "it is not open yet");
    OK(walk_calm(), "open");

    write_record();
    shop_must(walk_to(FJ_COMMAND_BATCH), "batch");
    step();
    EQ_STR(fj_doing(&machine.link), "WAIT for a batch", "so does a batch");
    EQ_INT(fk_durable_seq(&shop), 2, "it is not durable yet");
    step();
    EQ_INT(fk_durable_seq(&shop), 3, "now it is");

    event_closed();
    shop_must(walk_to(FJ_COMMAND_PROBE), "probe");
    write_record();
    step();
    EQ_STR(fj_doing(&machine.link), "SET before a WAIT",
           "a probe is followed by a write");
    step();
    EQ_STR(fj_doing(&machine.link), "WAIT for the flush",
           "that is waited for");
    OK(walk_calm(), "durable");
}


static void
test_replicas_few(void)
{
    int      n;
    int64_t  most_ms;

    open_replicas();
    shop_must(walk_calm(), "open");
    write_record();
    shop_must(walk_to(FJ_COMMAND_WAIT_BATCH), "wait");
    replicas = 1;
    step();
    EQ_INT(machine.link.state, FJ_LINK_DOWN, "too few: given up");
    EQ_INT(fk_durable_seq(&shop), 2, "and never durable");
    OK(fk_flush_owner(&shop) == 0, "nobody is kept from sending");
    EQ_INT(w.logs[FJ_LOG_ERR], 1, "it is said");

    most_ms = 0;

    for (n = 0; n < 400; n++) {
        step();
        shop_must(fk_durable_seq(&shop) == 2, "not durable");

        if (machine.link.state == FJ_LINK_DOWN
            && w.delay_ms[FJ_TIMER_RETRY] > most_ms)
        {
            most_ms = w.delay_ms[FJ_TIMER_RETRY];
        }
    }

    EQ_INT(most_ms, FJ_BACKOFF_MAX_MS / 2, "asked with patience");
    replicas = 2;
    OK(walk_calm(), "they are back");
    EQ_INT(fk_durable_seq(&shop), 3, "and have it");
    event_closed();
    EQ_INT(w.delay_ms[FJ_TIMER_RETRY], FJ_BACKOFF_MIN_MS / 2,
           "the next backoff is a short one");

    open_replicas();
    replicas = 0;
    OK(!walk_calm(), "a shop does not open without them");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_RECOVERING, "but waits");
    replicas = 2;
    OK(walk_calm(), "until they are there");
}


/* Each takeover costs an epoch: those that open nothing come ever later. */

static void
test_takeovers_paced(void)
{
    int64_t   until_ms;
    uint64_t  epoch;

    open_replicas();
    replicas = 0;
    until_ms = w.now_ms + 60 * 1000;
    shop_must(walk_to(FJ_COMMAND_TAKE), "taken over");
    epoch = machine.epoch;

    while (w.now_ms < until_ms) {
        step();
    }

    OK(journal->top.epoch - epoch >= 12, "tried again for a minute");
    OK(journal->top.epoch - epoch <= 24, "%" PRIu64 " epochs of it",
       journal->top.epoch - epoch);
    EQ_INT(w.logs[FJ_LOG_WARN], 1, "that it gets slower is said once");

    replicas = 2;
    until_ms = w.now_ms + 6000;
    OK(walk_calm() && w.now_ms < until_ms, "open soon when they are back");
    event_closed();
    OK(walk_calm(), "a connection later");
    EQ_INT(machine.takeovers, 0, "nothing is held against it");
}


/* Redis goes away each time the shop is taken. */

static void
test_lost_while_taking(void)
{
    int  n;

    open_with(2);
    conf.replicas = 0;
    world_start();

    for (n = 0; n < 3; n++) {
        shop_must(walk_to(FJ_COMMAND_MARK), "taken over");
        event_closed();
        EQ_INT(w.logs[FJ_LOG_ERR], 1, "a connection that is lost is told "
               "once");
    }

    OK(walk_calm(), "open");
    event_closed();
    EQ_INT(w.logs[FJ_LOG_ERR], 2, "the next time it is told again");
}


/* A sibling has the recovery at the worst moment. */

static void
test_lease_elsewhere(void)
{
    int  n;

    open_with(2);
    conf.replicas = 0;
    world_start();

    for (n = 0; n < 3; n++) {
        shop_must(walk_to(FJ_COMMAND_TOP), "to be taken");
        fk_recover_break(&shop, OWNER);
        shop_must(fk_recover_begin(&shop, OWNER + 2, w.now_ms) == FK_OK,
                  "another process recovers");
        step();
        EQ_INT(machine.link.state, FJ_LINK_DOWN, "given up");
        EQ_INT(w.logs[FJ_LOG_WARN], 1, "why is said once");
        fk_recover_break(&shop, OWNER + 2);
    }

    OK(walk_calm(), "open");
    EQ_INT(machine.gave_up_said, 0, "the next time it is said again");
}


/* --- the end ------------------------------------------------------------ */

static void
drain(void)
{
    event_begins();
    fj_drain(&machine);
    w.is_inside = 0;
}


static void
test_drain(void)
{
    open_with(3);
    world_start();
    pass(500, 1);
    drain();
    EQ_INT(fk_recover_owner(&shop), 0, "a standby that ends lets go");
    EQ_INT(w.due_ms[FJ_TIMER_DRAIN], -1, "at once");
    owner_text[0] = '\0';
    OK(!walk_calm(), "and takes nothing over");
    EQ_INT(journal->count, 4, "nothing was written");

    world_start();
    shop_must(walk_to(FJ_COMMAND_TAKE_INDEX), "taken");
    drain();
    OK(walk_calm(), "what it has taken it opens");
}


/* Drained, then the connection lost, or the other way round; and Redis comes
 * back at once, or stays away. */

static void
test_drain_lost(void)
{
    int  n;

    for (n = 0; n < 4; n++) {
        open_with(3);
        world_start();
        shop_must(walk_to(FJ_COMMAND_TAKE_INDEX), "taken");
        w.connect_fails = n & 1;

        if (n & 2) {
            event_closed();
            drain();

        } else {
            drain();
            event_closed();
        }

        EQ_INT(fk_recover_owner(&shop), OWNER, "on the way to open it");
        pass(FJ_OWNER_MS - 10 + 10 * (n & 1), 0);
        EQ_INT(machine.phase, n & 1 ? FJ_PHASE_DOWN : FJ_PHASE_WAITING,
               n & 1 ? "Redis is away" : "Redis is there again");
        EQ_INT(fk_recover_owner(&shop), 0, "a sibling may begin");
    }
}


/* A server that ends is another's place to take, however long it takes. */

static void
test_drain_says_no_more(void)
{
    open_with(2);
    drain();
    pass(FJ_DRAIN_MS + FJ_OWNER_TTL_MS, 0);
    OK(w.now_ms >= owner_until_ms, "who ends says once more that it lives");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_OPEN, "and answers its requests");
}


int
main(void)
{
    test_replicas();
    test_replicas_few();
    test_takeovers_paced();
    test_lost_while_taking();
    test_lease_elsewhere();
    test_drain();
    test_drain_lost();
    test_drain_says_no_more();

    return tap_done();
}

/*
 * The journal's machine among other servers: what it says of itself, being
 * fenced, followed and replaced; waiting for replicas; and letting go.
 */

#include "machine_others.h"


/* --- the sign of life -------------------------------------------------- */

static void
test_says(void)
{
    int      n;
    int64_t  last_ms, most_ms;

    open_with(1);
    last_ms = owner_until_ms;
    most_ms = 0;

    for (n = 0; n < 400; n++) {
        step();

        if (owner_until_ms - last_ms > most_ms) {
            most_ms = owner_until_ms - last_ms;
        }

        last_ms = owner_until_ms;
    }

    OK(most_ms >= 300 && most_ms <= 400, "said every %" PRId64 " ms", most_ms);
    OK(w.now_ms < owner_until_ms, "idle, too");

    /* Another process of this server has said it. */
    for (n = 0; n < 400; n++) {
        (void) fk_duty_take(&shop, FK_DUTY_OWNER, w.now_ms, 0);
        step();
    }

    OK(w.now_ms >= owner_until_ms, "by one of its processes");
}


/* It is on its way when the shop becomes another's. */

static void
test_says_and_waits(void)
{
    open_with(2);
    shop_must(fk_flush_suspect(&shop) == FK_OK, "suspect");
    stream_lose(journal, journal->count);
    __atomic_store_n(&shop.region->state, FK_SHOP_HEALING, __ATOMIC_RELAXED);

    while (machine.phase != FJ_PHASE_WAITING) {
        step();
    }

    while (machine.link.command != FJ_COMMAND_SAY) {
        step();
    }

    OK(1, "a shop that heals says that it lives");
    fk_fence(&shop, 4);
    event_timer(FJ_TIMER_RETRY);
    EQ_INT(w.delay_ms[FJ_TIMER_RETRY], FJ_POLL_MS, "one thing at a time");
    shop_must(walk_to(FJ_COMMAND_FENCED), "fenced");
    OK(1, "then it asks who has fenced it");
}


/* --- being replaced ---------------------------------------------------- */

#define OTHER_SERVER  UINT64_C(0x0000009900000001)


/* Fenced; what the key says is the test's. */
static void
be_fenced(void)
{
    open_with(2);
    journal->top.epoch = 4;
    journal->top.seq = 0;
    write_record();
    shop_must(walk_to(FJ_COMMAND_FENCED), "fenced");
}


static void
test_fenced_by_stranger(void)
{
    be_fenced();
    other_says(4);
    step();
    EQ_INT(machine.phase, FJ_PHASE_RECOVERING, "a stranger's: followed");
    pass(1000, 1);
    OK(strstr(w.log, "follows as its standby") != NULL, "as its standby");
    EQ_INT(w.replaced, 0, "the sockets stay");
    OK(walk_calm(), "it is gone: sells again");
    EQ_INT(machine.epoch, 5, "under a later epoch");
    EQ_INT(machine.stranger, 0, "and that is forgotten");
}


/* What stands in the key is our own, of before. */

static void
test_fenced_own_key(void)
{
    be_fenced();
    other_says(4);
    step();
    says(1, SERVER, HOST, GENERATION);
    pass(300, 0);
    other_says(4);
    pass(500, 0);
    EQ_INT(machine.epoch, 0, "what it said itself meanwhile counts for "
           "nothing");
    EQ_INT(machine.phase, FJ_PHASE_RECOVERING, "it follows");

    open_with(2);
    fk_fence(&shop, 4);
    other_says(4);
    shop_must(walk_to(FJ_COMMAND_FENCED), "fenced");
    pass(1000, 1);
    OK(strstr(owner_text, "0000008800000001") != NULL,
       "a server that is fenced does not say that it sells");
}


static void
test_fenced_by_nobody(void)
{
    int64_t  since_ms;

    be_fenced();
    since_ms = w.now_ms;
    OK(strncmp(owner_text, "1 ", 2) == 0, "our own sign of life is there");
    step();
    EQ_INT(machine.phase, FJ_PHASE_FENCED, "it is not a new one");
    OK(walk_calm(), "nobody comes: it is taken back");
    OK(w.now_ms - since_ms >= 1000, "but not at once");
    EQ_INT(w.replaced, 0, "the sockets stay");
}


static void
be_replaced(void)
{
    be_fenced();
    says(4, THEIR_SERVER, HOST, GENERATION);
    step();
}


static void
test_replaced(void)
{
    int  n;

    be_replaced();
    EQ_INT(w.replaced, 1, "a generation on our sockets: they are its own");
    EQ_INT(machine.phase, FJ_PHASE_FENCED, "and it is watched");

    for (n = 0; n < 200; n++) {
        says(4, THEIR_SERVER, HOST, GENERATION);
        step();
    }

    event_closed();

    for (n = 0; n < 200; n++) {
        says(4, THEIR_SERVER, HOST, GENERATION);
        step();
    }

    EQ_INT(w.replaced, 1, "told once");
    EQ_INT(w.replaced_gone, 0, "as long as it lives");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FENCED, "nothing is taken back");

    says(6, THEIR_SERVER, HOST, GENERATION);
    w.dead = THEIR_SERVER;
    OK(!walk_calm(), "it is gone");
    EQ_INT(w.replaced_gone, 1, "and so shall this process be");
    OK(is_quiet(), "quiet");
    EQ_INT(w.replaced, 1, "told once");
}


/* Milliseconds until the machine ends, while another server sells. */
static int64_t
end_beside_other(void)
{
    int64_t  since_ms;

    since_ms = w.now_ms;

    while (w.replaced_gone == 0 && w.now_ms - since_ms < 10000) {
        other_says(6);
        step();
    }

    return w.now_ms - since_ms;
}


/* Whoever replaced us has lost the shop to another server since. */

static void
test_replaced_beside_other(void)
{
    int64_t  took_ms;

    be_replaced();
    w.dead = THEIR_SERVER;
    took_ms = end_beside_other();
    EQ_INT(w.replaced_gone, 1, "it is dead: nobody accepts");
    OK(took_ms <= 2 * FJ_FOLLOW_MS, "found out after %" PRId64 " ms", took_ms);
    OK(is_quiet(), "quiet");

    be_replaced();
    w.dead = THEIR_SERVER;
    owner_text[0] = '\0';
    owner_until_ms = 0;
    (void) walk_calm();
    EQ_INT(w.replaced_gone, 1, "the same when nobody sells");

    be_replaced();
    says(5, OTHER_SERVER, HOST, GENERATION);
    shop_must(walk_to(FJ_COMMAND_FENCED), "asks");
    step();
    w.dead = THEIR_SERVER;
    took_ms = end_beside_other();
    OK(took_ms >= 2500, "it is the last one that counts");

    be_replaced();
    took_ms = end_beside_other();
    EQ_INT(w.replaced_gone, 1, "it lives, but may accept nobody");
    OK(took_ms >= 2500 && took_ms <= 3500, "that is waited for, %" PRId64
       " ms", took_ms);
}


static void
test_replaced_late(void)
{
    be_fenced();
    owner_text[0] = '\0';

    while (machine.phase != FJ_PHASE_RECOVERING) {
        step();
    }

    says(4, THEIR_SERVER, HOST, GENERATION);
    shop_must(walk_to(FJ_COMMAND_OWNER_ASK), "follows");
    step();
    EQ_INT(machine.phase, FJ_PHASE_FENCED, "it comes late, but it comes");
    step();
    EQ_INT(w.replaced, 1, "the sockets are its own");
    EQ_INT(fk_recover_owner(&shop), 0, "and nothing is held");
}


/* A sibling found it out first. */

static void
test_fenced_by_sibling(void)
{
    int64_t  since_ms;

    open_with(2);
    fk_fence(&shop, 4);
    since_ms = w.now_ms;

    while (w.replaced == 0) {
        says(4, THEIR_SERVER, HOST, GENERATION);
        step();
    }

    EQ_INT(machine.phase, FJ_PHASE_FENCED, "every process sees it");
    OK(w.now_ms - since_ms <= FJ_OWNER_MS, "before long");
    EQ_INT(w.replaced, 1, "for itself");
}


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
    test_says();
    test_says_and_waits();
    test_fenced_by_stranger();
    test_fenced_own_key();
    test_fenced_by_nobody();
    test_replaced();
    test_replaced_beside_other();
    test_replaced_late();
    test_fenced_by_sibling();
    test_replicas();
    test_replicas_few();
    test_takeovers_paced();
    test_lost_while_taking();
    test_lease_elsewhere();
    test_drain();
    test_drain_says_no_more();

    return tap_done();
}

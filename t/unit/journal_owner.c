/*
 * The journal's machine among other servers: what it says of itself, being
 * fenced, followed and replaced, and whom it believes.  What it waits for, and
 * how it ends, is in journal_wait.c.
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
    EQ_INT(fk_stat_get(&shop, FJ_STAT_STRANGER), 0, "and that is forgotten");
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


/* Whoever has fenced it says so once, and is followed; then FLUSHALL takes
 * that and the journal away, before it was read. */

static void
test_fenced_and_emptied(void)
{
    int  is_back;

    for (is_back = 0; is_back < 2; is_back++) {
        be_fenced();
        owner_text[0] = '\0';
        pass(900, 0);
        EQ_INT(machine.phase, FJ_PHASE_FENCED, "fenced; by whom?");
        their_seq = 5;
        other_says(4);

        while (machine.phase != FJ_PHASE_RECOVERING) {
            step();
        }

        redis_lose_all();
        pass(is_back ? 600 : 2300, 0);
        EQ_INT(machine.epoch, 0, "who sells will mend it");

        if (is_back) {
            other_says(4);
            pass(2300, 0);
            EQ_INT(machine.epoch, 0, "and says so: that takes its time");
        }

        their_seq = 0;
        OK(walk_calm(), "nobody comes: taken back");
        OK(machine.epoch > 4, "under an epoch above all that were heard of");
    }
}


/* One look at the owner's key, and what follows from it at once. */

static void
look(void)
{
    shop_must(walk_to(FJ_COMMAND_OWNER_ASK), "asks");
    step();
    pass(50, 0);
}


/* There may have been a sign when it did not look, and FLUSHALL. */

static void
test_silence_is_listened_to(void)
{
    int  n;

    be_fenced();
    owner_text[0] = '\0';
    shop_must(walk_to(FJ_COMMAND_OWNER_ASK), "follows");
    w.now_ms += 5000;
    look();
    EQ_INT(machine.epoch, 0, "what was read took long; then nobody is there");
    w.now_ms += 5000;
    look();
    EQ_INT(machine.epoch, 0, "it has stood still between two looks");

    other_says(4);
    look();
    owner_text[0] = '\0';
    w.now_ms += 5000;

    for (n = 0; n < 2; n++) {
        look();
        EQ_INT(machine.epoch, 0, "somebody was, so silence begins anew");
    }

    OK(walk_calm(), "in the end nobody is there");
}


/* However slow Redis is. */

static void
test_silence_in_slow_replies(void)
{
    int      delay_ms;
    int64_t  since_ms;

    for (delay_ms = 0; delay_ms <= 1000; delay_ms += 250) {
        open_with(3);
        world_start();
        other_says(1);
        pass(300, 1);
        since_ms = w.now_ms;

        while (machine.epoch == 0 && w.now_ms - since_ms < 20000) {
            w.now_ms += delay_ms;
            step();
        }

        OK(machine.epoch != 0, "%d ms a reply: taken after %" PRId64 " ms",
           delay_ms, w.now_ms - since_ms);
    }
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


/* The same, and the process that had begun to follow dies: the next one has
 * not been fenced itself. */

static void
test_replaced_late_anew(void)
{
    int64_t  since_ms;

    be_fenced();
    owner_text[0] = '\0';

    while (machine.phase != FJ_PHASE_RECOVERING) {
        step();
    }

    worker_anew();
    since_ms = w.now_ms;

    while (w.replaced == 0 && w.now_ms - since_ms < 2000
           && machine.epoch == 0)
    {
        says(4, THEIR_SERVER, HOST, GENERATION);
        step();
    }

    EQ_INT(w.replaced, 1, "a new process knows that its server was fenced");
    EQ_INT(machine.epoch, 0, "and takes nothing back");
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


/* --- whom to believe --------------------------------------------------- */

/* Its key outlives it: Redis' clock is behind, or was set back. */

static void
test_still(void)
{
    int      ours;
    int64_t  since_ms;

    for (ours = 0; ours < 2; ours++) {
        open_with(3);
        world_start();
        says(1, THEIR_SERVER, THERE, ours ? GENERATION : THEIR_GEN);
        owner_until_ms = w.now_ms + 3600 * 1000;
        since_ms = w.now_ms;
        pass(9900, 0);
        EQ_INT(machine.epoch, 0, "a sign that stays is believed for as long "
               "as opening takes");
        OK(walk_calm(), "then nobody is taken to sell");
        OK(w.now_ms - since_ms < 11000, "after %" PRId64 " ms",
           w.now_ms - since_ms);
    }

    open_with(3);
    world_start();
    pass(30000, 1);
    EQ_INT(machine.epoch, 0, "one that changes is believed for ever");
    owner_until_ms = w.now_ms + 3600 * 1000;
    pass(500, 0);
    w.now_ms += 60 * 1000;
    pass(5000, 0);
    EQ_INT(machine.epoch, 0, "so it is by who has stood still itself");

    snprintf(owner_text, sizeof(owner_text), "of a later version");
    owner_until_ms = w.now_ms + 60 * 1000;
    pass(59000, 0);
    EQ_INT(machine.epoch, 0, "what cannot be read runs out");
}


/* Milliseconds for which the one who takes the shop says so, with this many
 * slots in use. */
static int64_t
opening_says_ms(uint32_t slots)
{
    int64_t     ms;
    fk_table_t  *orders;

    open_with(3);
    world_start();
    shop_must(walk_to(FJ_COMMAND_TAKE), "take");
    orders = &shop.region->table[FK_TABLE_ORDERS];
    orders->fresh += slots;
    step();
    shop_must(strcmp(fj_doing(&machine.link), "SET of the takeover") == 0,
              "the sign");
    ms = atoll(w.argv[4]);
    orders->fresh -= slots;
    OK(walk_calm(), "it opens");

    return ms;
}


static void
test_opening_of_many(void)
{
    EQ_INT(opening_says_ms(0), 10000, "a small shop has 10 s to be opened");

    /* 3 million were rebuilt and checked in 1.5 s. */
    OK(opening_says_ms(30 * 1000 * 1000) >= 3 * 15000,
       "a large one three times as long as it takes");
}


/* The owner's snapshots cut what is read, each time; then it dies, while this
 * server waits before it reads again. */

static void
test_damage_of_before(void)
{
    int      dead;
    int64_t  since_ms;

    for (dead = 0; dead < 2; dead++) {
        open_with(20);
        journal->entry[7].data[1][20] ^= 1;
        world_start();

        while (machine.damage.code == FK_OK) {
            says(1, THEIR_SERVER, HOST, THEIR_GEN);
            step();
        }

        says(1, THEIR_SERVER, HOST, THEIR_GEN);
        step();
        EQ_INT(fk_shop_state(&shop), FK_SHOP_RECOVERING, "cut while it was "
               "read");
        journal->entry[7].data[1][20] ^= 1;
        since_ms = w.now_ms;

        if (dead) {
            w.dead = THEIR_SERVER;
        }

        OK(walk_calm() && fk_last_seq(&shop) == 20, "its owner is %s: what "
           "is whole now is opened", dead ? "dead" : "gone");
        OK(w.now_ms - since_ms < 4000, "after %" PRId64 " ms",
           w.now_ms - since_ms);
        EQ_INT(w.logs[FJ_LOG_EMERG], 0, "without alarm");
    }

    journal->entry[7].data[1][20] ^= 1;
    world_start();
    w.dead = THEIR_SERVER;

    while (fk_shop_state(&shop) == FK_SHOP_RECOVERING
           || fk_shop_state(&shop) == FK_SHOP_EMPTY)
    {
        says(1, THEIR_SERVER, HOST, THEIR_GEN);
        owner_until_ms = INT64_MAX;
        step();
    }

    EQ_INT(fk_shop_state(&shop), FK_SHOP_FAILED, "what is damaged without an "
           "owner stays closed");
}


int
main(void)
{
    test_says();
    test_says_and_waits();
    test_fenced_by_stranger();
    test_fenced_own_key();
    test_fenced_by_nobody();
    test_fenced_and_emptied();
    test_silence_is_listened_to();
    test_silence_in_slow_replies();
    test_replaced();
    test_replaced_beside_other();
    test_replaced_late();
    test_replaced_late_anew();
    test_fenced_by_sibling();
    test_still();
    test_opening_of_many();
    test_damage_of_before();

    return tap_done();
}

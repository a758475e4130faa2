/*
 * Who inherits the sockets of a server asks who sells before it reads the
 * shop: the last thing that the other one says is then the second one heard,
 * and the shop is taken at once.  What the first look finds changes nothing
 * else: damage that nobody mends stops the shop, an epoch that somebody had is
 * not given again, and nobody waits for what he said himself.
 */

#include "machine_others.h"


/* --- the last sign ------------------------------------------------------ */

/* The workers of a reload's other side end while all is read, and say so, and
 * reading goes on for so long: the time until the takeover then. */
static int64_t
ended_while_read(int64_t reading_ms)
{
    upgrade();
    shop_must(walk_to(FJ_COMMAND_PAGE), "reads");
    says(1, THEIR_SERVER, HOST, GENERATION);
    w.now_ms += reading_ms;
    return taken_after();
}


static void
test_last_sign(void)
{
    size_t   i;
    int64_t  took_ms;

    static const struct {
        int64_t  reading_ms, least_ms, most_ms;
    } rows[] = {
        { 0, 0, 100 }, { 500, 0, 100 }, { 790, 0, 100 },
        { 2000, 400, 600 }             /* it has run out: two looks of it */
    };

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        took_ms = ended_while_read(rows[i].reading_ms);
        OK(took_ms >= rows[i].least_ms && took_ms <= rows[i].most_ms,
           "read for another %" PRId64 " ms: taken over %" PRId64 " ms later",
           rows[i].reading_ms, took_ms);
        OK(walk_calm() && fk_last_seq(&shop) == 20, "with all records");
    }
}


static void
test_last_sign_short(void)
{
    upgrade();
    hide(5);
    shop_must(walk_to(FJ_COMMAND_PAGE), "reads");
    says(1, THEIR_SERVER, HOST, GENERATION);
    pass(1000, 0);
    EQ_INT(machine.epoch, 0, "not for less than who says it had");
    show(5);
    OK(walk_calm() && fk_last_seq(&shop) == 20, "mended: taken over");
}


/* --- what the first look must not do ------------------------------------ */

/* Nobody is there: that is no sign, and the damage is read no more than once
 * again. */

static void
test_damage(void)
{
    int64_t  since_ms;

    open_with(20);
    journal->entry[7].data[1][20] ^= 1;
    owner_text[0] = '\0';
    conf.inherits = 1;
    world_start();
    since_ms = w.now_ms;
    OK(!walk_calm() && fk_shop_state(&shop) == FK_SHOP_FAILED,
       "a damaged shop that nobody sells is not opened");
    OK(w.now_ms - since_ms >= 2400 && w.now_ms - since_ms < 2700,
       "read once more, after %" PRId64 " ms", w.now_ms - since_ms);
    EQ_INT(w.logs[FJ_LOG_EMERG], 1, "with an alarm");
}


/* Another server lives as it is read once more, and is gone then: it may have
 * mended what was read before that. */

static void
test_damage_mended(void)
{
    open_with(20);
    journal->entry[7].data[1][20] ^= 1;
    owner_text[0] = '\0';
    conf.inherits = 1;
    world_start();

    while (!machine.damage.alone) {
        step();
    }

    other_says(1);
    shop_must(walk_to(FJ_COMMAND_PAGE), "reads");
    owner_text[0] = '\0';

    while (machine.damage.code == FK_OK) {
        step();
    }

    journal->entry[7].data[1][20] ^= 1;
    OK(walk_calm() && fk_last_seq(&shop) == 20, "read a third time: opened");
}


static void
test_epoch_seen(void)
{
    upgrade();
    says(9, THEIR_SERVER, HOST, GENERATION);
    shop_must(walk_to(FJ_COMMAND_PAGE), "reads");
    owner_text[0] = '\0';
    OK(walk_calm(), "whoever said it is gone, and Redis has lost it");
    EQ_INT(machine.epoch, 10, "its epoch is not given twice");
}


/* A worker is killed as it has said that it takes the shop; Redis loses its
 * tail. */

static void
test_own_sign(void)
{
    int64_t  took_ms;

    upgrade();
    w.dead = THEIR_SERVER;
    shop_must(walk_to(FJ_COMMAND_TAKE_INDEX), "says that it takes it");
    OK(strncmp(owner_text, "2 20 ", 5) == 0, "said");
    stream_lose(journal, 5);
    worker_anew();
    took_ms = taken_after();
    EQ_INT(machine.signs, 0, "what it said itself is not heard");
    OK(took_ms < 1500, "nor waited for: %" PRId64 " ms", took_ms);
}


/* This server lost the shop to a stranger, and the sockets to a generation
 * that has taken it back: it leaves before it reads. */

static void
test_left_at_once(void)
{
    upgrade();
    fk_stat_set(&shop, FJ_STAT_STRANGER, 1);
    says(4, THEIR_SERVER, HOST, GENERATION);

    while (w.replaced == 0 && machine.link.command != FJ_COMMAND_PAGE) {
        step();
    }

    EQ_INT(w.replaced, 1, "it is replaced");
    EQ_INT(machine.read_bytes, 0, "nothing was read");
    EQ_INT(fk_recover_owner(&shop), 0, "and no lease is kept");
}


int
main(void)
{
    test_last_sign();
    test_last_sign_short();
    test_damage();
    test_damage_mended();
    test_epoch_seen();
    test_own_sign();
    test_left_at_once();

    return tap_done();
}

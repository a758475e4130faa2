/*
 * The lock when its owner dies or stops: real processes, killed with SIGKILL
 * while they hold it, with half a transaction done.
 */

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine_shop.h"


static unsigned  stores_left;


static void
die_at_store(void)
{
    if (stores_left-- == 0) {
        (void) kill(getpid(), SIGKILL);
    }
}


/* A child that takes the lock, changes n words and dies without a word. */
static void
die_with_lock(uint64_t *words, unsigned n)
{
    int       status;
    pid_t     pid;
    unsigned  i;

    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        if (fk_lock(&shop) == FK_OK) {
            for (i = 0; i < n; i++) {
                FK_SET(&shop, words[i], 1000 + i);
                FK_SET(&shop, words[i], 2000 + i);
            }
        }

        (void) kill(getpid(), SIGKILL);
    }

    shop_must(pid > 0 && waitpid(pid, &status, 0) == pid, "child");
}


/* Words of the region that nothing else uses: the counters of callers. */
static uint64_t *
words_of_region(void)
{
    return &shop.region->stat[FK_STAT_USER];
}


static void
test_rollback(void)
{
    unsigned   i, wrong;
    uint64_t  *words;

    shop_open();
    words = words_of_region();

    for (i = 0; i < 16; i++) {
        words[i] = i;
    }

    die_with_lock(words, 16);
    EQ_INT(words[3], 2003, "the dead one's stores are there");

    EQ_INT(fk_lock(&shop), FK_OK, "the next one gets the lock");

    for (i = 0, wrong = 0; i < 16; i++) {
        wrong += words[i] != i;
    }

    EQ_INT(wrong, 0, "and every word is as it was before");
    fk_unlock(&shop);

    EQ_INT(fk_stat_get(&shop, FK_STAT_LOCK_RECOVERIES), 1, "one recovery");
    EQ_INT(fk_stat_get(&shop, FK_STAT_ROLLBACKS), 1, "one rollback");

    die_with_lock(words, 0);
    EQ_INT(fk_lock(&shop), FK_OK, "died before any store: locked again");
    fk_unlock(&shop);
    EQ_INT(fk_stat_get(&shop, FK_STAT_ROLLBACKS), 1, "nothing to roll back");

    EQ_INT(fk_lock(&shop), FK_OK, "and the lock is an ordinary one again");
    fk_unlock(&shop);
}


static void
test_widths(void)
{
    uint8_t   *byte;
    uint16_t  *half;
    uint32_t  *word;
    uint64_t  *words;

    shop_open();
    words = words_of_region();
    byte = (uint8_t *) words + 1;
    half = (uint16_t *) (void *) words + 1;
    word = (uint32_t *) (void *) words + 1;
    words[0] = UINT64_C(0x1122334455667788);

    shop_must(fk_lock(&shop) == FK_OK, "lock");
    FK_SET(&shop, *byte, 0xaa);
    FK_SET(&shop, *half, 0xbbbb);
    FK_SET(&shop, *word, 0xccccccccu);
    EQ_INT(words[0], UINT64_C(0xccccccccbbbbaa88), "each width stores");
    fk_rollback(&shop);
    EQ_INT(words[0], UINT64_C(0x1122334455667788), "each width is undone");

    FK_SET(&shop, words[0], 7);
    fk_commit(&shop);
    fk_rollback(&shop);
    EQ_INT(words[0], 7, "what was committed stays");
    fk_unlock(&shop);
}


/* Notes that cannot be are not followed; the shop stops, no process dies. */
static void
test_damaged_notes(void)
{
    char       why[128];
    uint32_t  *undo_used;

    shop_open();
    undo_used = &shop.region->undo_used;
    die_with_lock(words_of_region(), 1);
    *undo_used = FK_UNDO_MAX + 1;

    EQ_INT(fk_lock(&shop), FK_FAILED, "damaged notes: no lock");
    OK(strstr(fk_fail_reason(&shop, why, sizeof(why)), "undo notes") != NULL,
       "the shop says why");
    EQ_INT(fk_lock(&shop), FK_OK, "who locks a stopped shop lives on");
    fk_unlock(&shop);
}


/* The one that repairs dies too, at each store of the repair. */
static void
test_repairer_dies(void)
{
    int        status;
    pid_t      pid;
    unsigned   n, i, wrong;
    uint64_t  *words;

    shop_open();
    words = words_of_region();
    wrong = 0;

    for (n = 0; n < 8; n++) {
        memset(words, 0, 4 * sizeof(uint64_t));
        die_with_lock(words, 4);

        fflush(stdout);
        pid = fork();

        if (pid == 0) {
            stores_left = n;
            fk_test_store = die_at_store;
            (void) fk_lock(&shop);
            _exit(1);
        }

        shop_must(pid > 0 && waitpid(pid, &status, 0) == pid, "child");
        shop_must(WIFSIGNALED(status), "the repairer was to die");
        shop.region->recoveries_count = 0;

        wrong += fk_lock(&shop) != FK_OK;
        for (i = 0; i < 4; i++) {
            wrong += words[i] != 0;
        }
        fk_unlock(&shop);
    }

    EQ_INT(wrong, 0, "a repair that dies half-way is done again");
}


static void
test_stopped(void)
{
    int              status;
    pid_t            pid;
    struct timespec  from, to;
    fk_order_view_t  out;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 5);

    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        (void) fk_lock(&shop);
        (void) raise(SIGSTOP);
        fk_unlock(&shop);
        _exit(0);
    }

    shop_must(pid > 0 && waitpid(pid, &status, WUNTRACED) == pid, "child");

    (void) clock_gettime(CLOCK_MONOTONIC, &from);
    EQ_INT(shop_buy("x", 1, &out), FK_LOCK_TIMEOUT,
           "a stopped owner: refused");
    (void) clock_gettime(CLOCK_MONOTONIC, &to);

    OK(to.tv_sec - from.tv_sec <= 3, "within bounded time");
    EQ_INT(fk_stat_get(&shop, FK_STAT_LOCK_TIMEOUTS), 1, "and counted");

    (void) kill(pid, SIGCONT);
    shop_must(waitpid(pid, &status, 0) == pid, "child");

    EQ_INT(shop_buy("x", 1, &out), FK_OK, "it goes on: sold");
    EQ_INT(shop_view("x").held, 1, "exactly one");
}


static void
test_too_many(void)
{
    char             why[64];
    unsigned         i, bad;
    fk_order_view_t  out;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 5);
    bad = 0;

    /* A minute may turn on the way: then a second round is counted. */
    for (i = 0; i < 2 * FK_RECOVERIES_MAX + 1; i++) {
        die_with_lock(words_of_region(), 1);

        if (fk_lock(&shop) != FK_OK) {
            break;
        }

        fk_unlock(&shop);
        bad += fk_shop_state(&shop) != FK_SHOP_OPEN;
    }

    EQ_INT(bad, 0, "open while deaths are few");
    OK(i >= FK_RECOVERIES_MAX && i <= 2 * FK_RECOVERIES_MAX,
       "too many in a minute stop the shop");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FAILED, "it has failed");
    EQ_INT(shop_buy("x", 1, &out), FK_FAILED, "and sells no more");
    OK(strstr(fk_fail_reason(&shop, why, sizeof(why)), "died") != NULL,
       "it says why: %s", why);

    EQ_INT(fk_lock(&shop), FK_OK, "its lock can still be taken (to look)");
    fk_unlock(&shop);
}


static void
test_damage_found(void)
{
    shop_open();
    die_with_lock(words_of_region(), 1);
    shop.region->ring.sent_seq = shop.region->ring.seq + 5;
    EQ_INT(fk_lock(&shop), FK_FAILED, "a damaged ring is found at the repair");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FAILED, "the shop stops");

    shop_open();
    die_with_lock(words_of_region(), 1);
    shop.region->table[FK_TABLE_ORDERS].free_head = 3;
    EQ_INT(fk_lock(&shop), FK_FAILED, "so is a damaged table");

    shop_open();
    die_with_lock(words_of_region(), 1);
    shop.region->undo_used = FK_UNDO_MAX + 1;
    EQ_INT(fk_lock(&shop), FK_FAILED, "so are damaged notes");
}


int
main(void)
{
    test_rollback();
    test_widths();
    test_damaged_notes();
    test_repairer_dies();
    test_stopped();
    test_too_many();
    test_damage_found();

    return tap_done();
}

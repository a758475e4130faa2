/*
 * Death at every store: a command is run in a child that is killed at its
 * n-th store, for n = 1, 2, ..., and the next process must find the shop
 * sound, as it was before or as it is after, and the command must succeed.
 */

#ifndef FAKA_CRASH_SHOP_H_INCLUDED_
#define FAKA_CRASH_SHOP_H_INCLUDED_


#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine_shop.h"


/* More than the longest transaction makes, two calls a store. */
#define STORES_MAX  4000


typedef struct {
    const char  *name;
    void       (*prepare)(void);
    fk_code_t  (*run)(void);
    int          same;                 /* a second run changes nothing more */
} command_t;


static unsigned  stores_left;
static uint32_t  batch;                /* the import that a command is at */


static void
die_at_store(void)
{
    if (--stores_left == 0) {
        (void) kill(getpid(), SIGKILL);
    }
}


/* 1: killed at the n-th store; 0: it came through before. */
static int
run_and_die(const command_t *command, unsigned n)
{
    int    status;
    pid_t  pid;

    status = 0;
    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        stores_left = n;
        fk_test_store = die_at_store;
        _exit(command->run() == FK_OK ? 0 : 1);
    }

    shop_must(pid > 0 && waitpid(pid, &status, 0) == pid, "child");

    if (WIFSIGNALED(status)) {
        shop_must(WTERMSIG(status) == SIGKILL, "died of something else");
        return 1;
    }

    shop_must(WEXITSTATUS(status) == 0, "the command failed");
    return 0;
}


/*
 * What a transaction may change, without what repairing counts.  Of the
 * tables only those without free slots, because these may hold anything.
 */
static uint32_t
fingerprint(void)
{
    unsigned            i;
    uint32_t            sum;
    const fk_table_t   *t;
    const fk_region_t  *r;

    static const fk_table_id_t  whole[] = {
        FK_TABLE_PRODUCTS, FK_TABLE_ORDERS, FK_TABLE_PAYMENTS,
        FK_TABLE_LEVELS, FK_TABLE_COUPONS, FK_TABLE_ACCOUNTS, FK_TABLE_SPLITS
    };

    r = shop.region;
    sum = fk_crc32c(0, r->table, sizeof(r->table));
    sum = fk_crc32c(sum, &r->wheel_s, 4 * sizeof(uint32_t));
    sum = fk_crc32c(sum, &r->ring.seq, sizeof(r->ring.seq));
    sum = fk_crc32c(sum, &r->ring.head, sizeof(r->ring.head));

    for (i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        t = &r->table[whole[i]];
        sum = fk_crc32c(sum, shop.base + t->offset + t->slot_size,
                        (size_t) t->fresh * t->slot_size);
    }

    return fk_crc32c(sum, shop.base + r->index[0].offset,
                     r->table[FK_TABLE_PRODUCTS].offset
                     - r->index[0].offset);
}


/* Back to the saved region, as far as anything was used of it. */
static void
restore(const uint8_t *saved)
{
    unsigned           i;
    size_t             at, size;
    const fk_table_t  *t;

    for (i = 0; i < FK_TABLE_COUNT; i++) {
        t = &shop.region->table[i];
        at = (size_t) t->offset;
        size = (size_t) (t->fresh + 1) * t->slot_size;
        memcpy(shop.base + at, saved + at, size);
    }

    at = (size_t) shop.region->ring.offset;
    size = (size_t) shop.region->ring.head;
    memcpy(shop.base + at, saved + at, size);

    /* Header, buckets and wheel last: they say what was used. */
    size = (size_t) shop.region->table[FK_TABLE_PRODUCTS].offset;
    memcpy(shop.base, saved, size);
}


static void
crash(const command_t *command, uint8_t *saved)
{
    int        wrong;
    unsigned   n, deaths;
    uint32_t   before, after, now;
    uint64_t   seq, ring_seq;
    fk_env_t   env;
    uint32_t   saved_batch;
    fk_tick_t  tick;

    shop_open();
    command->prepare();
    memcpy(saved, shop.base, shop.size);
    env = shop_env;
    saved_batch = batch;
    before = fingerprint();

    shop_must(command->run() == FK_OK, command->name);
    after = fingerprint();
    seq = shop.region->ring.seq;
    shop_must(shop_sound(), "not sound without any death");

    wrong = 0;

    for (deaths = 0, n = 1; n < STORES_MAX; n++) {
        restore(saved);
        shop_env = env;
        batch = saved_batch;
        shop.leases_seen_s = 0;

        if (!run_and_die(command, n)) {
            break;
        }

        deaths++;

        if (fk_lock(&shop) != FK_OK) {
            wrong++;
            break;
        }

        fk_unlock(&shop);

        now = fingerprint();
        ring_seq = shop.region->ring.seq;

        if (command->same && now != before && now != after) {
            printf("#   neither before nor after, store %u\n", n);
            wrong++;
        }

        wrong += !shop_sound();
        wrong += command->run() != FK_OK || !shop_sound();
        wrong += shop.region->ring.seq != seq || ring_seq > seq;
        wrong += fk_tick(&shop, &shop_env, 1000, &tick) > FK_AGAIN;
    }

    OK(wrong == 0 && deaths >= 8 && n < STORES_MAX,
       "%s: sound after each of %u deaths", command->name, deaths);
}


#endif /* FAKA_CRASH_SHOP_H_INCLUDED_ */

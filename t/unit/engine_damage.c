/*
 * What is found when a process dies under the lock, and what the system may
 * refuse: damaged notes are not followed, a damaged head stops the shop before
 * anybody sells from it, and a lock that cannot be made or repaired is no
 * shop.  Each says which it was.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine_shop.h"


/* Which of the calls below fails, once; NULL: none. */
static const char  *failing;


/* These stand before those of the C library. */
int pthread_mutexattr_init(pthread_mutexattr_t *attr);
int pthread_mutexattr_setpshared(pthread_mutexattr_t *attr, int shared);
int pthread_mutexattr_setrobust(pthread_mutexattr_t *attr, int robust);
int pthread_mutex_consistent(pthread_mutex_t *lock);


static int
fails(const char *name)
{
    if (failing == NULL || strcmp(failing, name) != 0) {
        return 0;
    }

    failing = NULL;
    return 1;
}


static void *
real(const char *name)
{
    void  *call;

    call = dlsym(RTLD_NEXT, name);
    shop_must(call != NULL, name);
    return call;
}


int
pthread_mutexattr_init(pthread_mutexattr_t *attr)
{
    int    (*call)(pthread_mutexattr_t *);
    void    *found;

    found = real("pthread_mutexattr_init");
    memcpy(&call, &found, sizeof(call));
    return fails("init") ? ENOMEM : call(attr);
}


int
pthread_mutexattr_setpshared(pthread_mutexattr_t *attr, int shared)
{
    int    (*call)(pthread_mutexattr_t *, int);
    void    *found;

    found = real("pthread_mutexattr_setpshared");
    memcpy(&call, &found, sizeof(call));
    return fails("setpshared") ? ENOTSUP : call(attr, shared);
}


int
pthread_mutexattr_setrobust(pthread_mutexattr_t *attr, int robust)
{
    int    (*call)(pthread_mutexattr_t *, int);
    void    *found;

    found = real("pthread_mutexattr_setrobust");
    memcpy(&call, &found, sizeof(call));
    return fails("setrobust") ? ENOTSUP : call(attr, robust);
}


int
pthread_mutex_consistent(pthread_mutex_t *lock)
{
    int    (*call)(pthread_mutex_t *);
    void    *found;

    found = real("pthread_mutex_consistent");
    memcpy(&call, &found, sizeof(call));
    return fails("consistent") ? EINVAL : call(lock);
}


/* A process that dies with the lock, one word of the region changed. */
static void
die_with_lock(void)
{
    int    status;
    pid_t  pid;

    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        if (fk_lock(&shop) == FK_OK) {
            FK_SET(&shop, shop.region->stat[FK_STAT_USER], 1);
        }

        (void) kill(getpid(), SIGKILL);
    }

    shop_must(pid > 0 && waitpid(pid, &status, 0) == pid, "child");
}


/* A small shop with something on each list, in front of damage. */
static void
shop_used(void)
{
    uint8_t          results[2];
    uint32_t         batch;
    fk_order_view_t  out;

    shop_open();
    shop_product("card", FK_KIND_CARD, 0);
    shop_stock("card", 1, 3);
    shop_must(shop_buy("card", 1, &out) == FK_OK, "buy");

    /* Two cards that came and went again: a free list. */
    shop_must(fk_import_begin(&shop, &shop_env, str("card"), &batch) == FK_OK
              && shop_add(batch, 10, 2, 60, results) == FK_OK
              && fk_import_abort(&shop, &shop_env, batch) == FK_OK, "import");
    (void) shop_tick();
}


static void
stops(const char *name, const char *says)
{
    char             why[128];
    fk_code_t        rc;
    fk_order_view_t  out;

    rc = fk_lock(&shop);
    if (rc == FK_OK) {
        fk_unlock(&shop);
    }

    (void) fk_fail_reason(&shop, why, sizeof(why));
    OK(rc == FK_FAILED && fk_shop_state(&shop) == FK_SHOP_FAILED
       && strcmp(why, says) == 0
       && shop_buy("card", 1, &out) == FK_FAILED, "%s: %s", name, why);
}


static void
test_notes(void)
{
    size_t        n;
    uint64_t      width, kept[2];
    fk_region_t  *r;

    static const struct {
        const char  *name;
        uint64_t     at;
        uint64_t     width;
    } notes[] = {
        { "a note of no width", offsetof(fk_region_t, stat), 0 },
        { "a note of three bytes", offsetof(fk_region_t, stat), 3 },
        { "a note of fifteen bytes", offsetof(fk_region_t, stat), 15 },
        { "a note across words", offsetof(fk_region_t, stat) + 1, 2 },
        { "a note behind the region", SHOP_SIZE, 1 },
        { "a note across the region's end", SHOP_SIZE - 4, 8 },
        { "a note far away", UINT64_MAX >> 5 << 3, 8 },
        { "a note of the header", 0, 8 },
        { "a note of the plan", offsetof(fk_region_t, plan), 4 },
        { "a note of the lock", offsetof(fk_region_t, lock), 4 },
        { "a note of the notes", offsetof(fk_region_t, undo), 8 },
    };

    for (n = 0; n < sizeof(notes) / sizeof(notes[0]); n++) {
        shop_used();
        die_with_lock();
        r = shop.region;
        r->undo[0].where = notes[n].at << 4 | notes[n].width;
        r->undo[0].old = UINT64_C(0x5a5a5a5a5a5a5a5a);
        memcpy(kept, &r->plan, sizeof(kept));
        stops(notes[n].name, "the undo notes are damaged");
        OK(memcmp(kept, &r->plan, sizeof(kept)) == 0
           && r->magic == FK_MAGIC && r->undo_used == 0,
           "it was not followed, and is gone");
    }

    /* Each width that there is, in front of all that may be noted. */
    for (width = 1; width <= 8; width *= 2) {
        shop_used();
        die_with_lock();
        shop.region->undo[0].where = (uint64_t) offsetof(fk_region_t, ring)
                                     + offsetof(fk_ring_t, lease_owner);
        shop.region->undo[0].where = shop.region->undo[0].where << 4 | width;
        shop.region->undo[0].old = 0;
        EQ_INT(fk_lock(&shop), FK_OK, "a note of %u bytes is good",
               (unsigned) width);
        fk_unlock(&shop);
    }

    shop_used();
    shop.region->undo_used = 1;
    stops("a note that nobody can have left", "the undo notes are damaged");
    EQ_INT(shop.region->undo_used, 0, "nobody follows it later");
}


#define FIELD(field)                                                         \
    offsetof(fk_region_t, field), sizeof(((fk_region_t *) 0)->field)

#define HEADS    "a table's head is damaged"
#define RING     "the journal ring's head is damaged"
#define LAYOUT   "the region's layout is damaged"

/* Words of the header, and what they must not be: relative to now. */
static const struct {
    const char  *name;
    size_t       offset;
    size_t       width;
    int64_t      more;
    const char  *says;
} words[] = {
    { "plan", FIELD(plan.cards), 1, LAYOUT },
    { "table's place", FIELD(table[FK_TABLE_CARDS].offset), 64, LAYOUT },
    { "slot's size", FIELD(table[FK_TABLE_CARDS].slot_size), 4, LAYOUT },
    { "link's place", FIELD(table[FK_TABLE_CARDS].link_offset), 4, LAYOUT },
    { "capacity", FIELD(table[FK_TABLE_BLOCKS].capacity), 1, LAYOUT },
    { "index's place", FIELD(index[FK_INDEX_IDEM].offset), 64, LAYOUT },
    { "wheel's place", FIELD(wheel_offset), 64, LAYOUT },
    { "ring's place", FIELD(ring.offset), 64, LAYOUT },
    { "ring's size", FIELD(ring.size), 64, LAYOUT },

    { "slots beyond the table", FIELD(table[FK_TABLE_ORDERS].fresh),
      1 << 20, HEADS },
    { "more free than used", FIELD(table[FK_TABLE_ORDERS].free_count), 5,
      HEADS },
    { "free list from beyond", FIELD(table[FK_TABLE_CARDS].free_head), 5,
      HEADS },
    { "free list of none", FIELD(table[FK_TABLE_ORDERS].free_head), 1,
      HEADS },
    { "free slots without a list", FIELD(table[FK_TABLE_ORDERS].free_count),
      1, HEADS },

    { "ring longer than it is", FIELD(ring.head), 1 << 30, RING },
    { "durable before the tail", FIELD(ring.durable_pos), -8, RING },
    { "durable behind the head", FIELD(ring.durable_pos), 1 << 20, RING },
    { "sent before durable", FIELD(ring.sent_pos), -8, RING },
    { "sent behind the head", FIELD(ring.sent_pos), 1 << 20, RING },
    { "durable, not sent", FIELD(ring.durable_seq), 1, RING },
    { "sent, not written", FIELD(ring.sent_seq), 1 << 20, RING },
};


static void
test_heads(void)
{
    size_t     n;
    uint8_t   *at;
    uint32_t   narrow;
    uint64_t   wide;

    for (n = 0; n < sizeof(words) / sizeof(words[0]); n++) {
        shop_used();
        die_with_lock();
        at = (uint8_t *) shop.region + words[n].offset;

        if (words[n].width == sizeof(wide)) {
            memcpy(&wide, at, sizeof(wide));
            wide += (uint64_t) words[n].more;
            memcpy(at, &wide, sizeof(wide));

        } else {
            memcpy(&narrow, at, sizeof(narrow));
            narrow += (uint32_t) words[n].more;
            memcpy(at, &narrow, sizeof(narrow));
        }

        stops(words[n].name, words[n].says);
    }

    /* While it is emptied its heads are of two shops, and nobody sells. */
    shop_used();
    fk_fence(&shop, 2);
    shop_must(fk_recover_begin(&shop, 2, 0) == FK_OK, "begin");
    die_with_lock();
    shop.region->table[FK_TABLE_ORDERS].free_head = 3;
    EQ_INT(fk_lock(&shop), FK_OK, "a shop that recovers: not looked at");
    fk_unlock(&shop);
}


static void
test_system(void)
{
    void      *mem;
    unsigned   n;

    static const char *const  calls[] = { "init", "setpshared", "setrobust" };

    mem = mmap(NULL, SHOP_SIZE, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shop_must(mem != MAP_FAILED, "mmap");

    for (n = 0; n < sizeof(calls) / sizeof(calls[0]); n++) {
        failing = calls[n];
        EQ_INT(fk_format(mem, SHOP_SIZE, shop_seed), FK_FAILED, "no lock: %s",
               calls[n]);
        EQ_INT(((fk_region_t *) mem)->formatted, 0, "no region");
    }

    EQ_INT(fk_format(mem, SHOP_SIZE, shop_seed), FK_OK,
           "with a lock it is one");
    EQ_INT(fk_format(mem, FK_REGION_SIZE_MIN - 1, shop_seed), FK_INVALID,
           "too small");
    (void) munmap(mem, SHOP_SIZE);

    shop_used();
    die_with_lock();
    failing = "consistent";
    stops("no repair", "the shop's lock cannot be repaired");
    stops("no lock ever after", "the shop's lock cannot be repaired");
}


static void
test_region(void)
{
    char          why[256];
    fk_t          other;
    fk_plan_t     plan;
    const char   *wrong;
    fk_region_t  *r;

    shop_used();
    r = shop.region;

    EQ_INT(fk_attach(&other, shop.base, sizeof(fk_region_t) - 1, &wrong),
           FK_INCOMPATIBLE, "not even a header: %s", wrong);
    EQ_INT(fk_attach(&other, shop.base, FK_REGION_SIZE_MIN - 1, &wrong),
           FK_INCOMPATIBLE, "no room for a shop: %s", wrong);

    r->table[FK_TABLE_CARDS].capacity++;
    EQ_INT(fk_attach(&other, shop.base, SHOP_SIZE, &wrong), FK_INCOMPATIBLE,
           "a table larger than its plan: %s", wrong);
    r->table[FK_TABLE_CARDS].capacity--;

    EQ_INT(fk_plan(FK_REGION_SIZE_MAX, &plan), FK_OK, "the largest region");
    EQ_INT(plan.batches, FK_BATCHES_MAX, "has no more batches than numbers");

    /* A reason longer than its place, and a place without an end. */
    memset(why, 'w', sizeof(why));
    why[sizeof(why) - 1] = '\0';
    fk_fail(&shop, why);
    EQ_INT(strlen(fk_fail_reason(&shop, why, sizeof(why))),
           sizeof(r->fail_reason) - 1, "a long reason is cut");

    memset((uint8_t *) r + offsetof(fk_region_t, fail_reason), 'x',
           offsetof(fk_region_t, lock) - offsetof(fk_region_t, fail_reason));
    EQ_INT(strlen(fk_fail_reason(&shop, why, sizeof(why))),
           sizeof(r->fail_reason), "a damaged one is read to its end");
    EQ_INT(strlen(fk_fail_reason(&shop, why, 1)), 0, "or not at all");
}


/* What one of all processes shall do every second. */
static void
test_duty(void)
{
    shop_used();
    EQ_INT(fk_duty_take(&shop, FK_DUTY_OWNER, 5000, 1000), 1, "the first");
    EQ_INT(fk_duty_take(&shop, FK_DUTY_OWNER, 5999, 1000), 0, "too early");
    EQ_INT(fk_duty_take(&shop, FK_DUTY_OWNER, 6000, 1000), 1, "a second on");
    EQ_INT(fk_duty_take(&shop, FK_DUTY_OWNER, 100, 1000), 1,
           "a clock that began anew");
    EQ_INT(fk_duty_take(&shop, FK_DUTY_ARCHIVE, 100, 1000), 1,
           "another duty has its own time");
}


int
main(void)
{
    test_notes();
    test_heads();
    test_system();
    test_region();
    test_duty();

    return tap_done();
}

/*
 * Fuzzes what the engine does in a region that is damaged: words of a full
 * shop are overwritten, as another module's stray pointer would do it, and
 * then the whole interface is called.  Seeds in corpus/region.
 *
 * The input is a byte (bit 0: fk_check() first; bit 1: a process has died
 * with the lock, in the middle of a transaction), then damages of 8 bytes:
 *
 *   0  where   bits 0-2: area; bits 3-5: what to do
 *   1  which   u24: a word of the area
 *   4  value   u32
 *
 * What must hold:
 *
 *   - No access leaves the region, which stands between guard pages, or the
 *     caller's buffers; nothing goes on for ever.  An assertion of the engine
 *     is a death like any other: the next process finds the lock, puts the
 *     notes back, and goes on.
 *   - fk_check() dies of nothing.  It answers, and with a sentence.
 *   - If it calls the region sound, then a naive recount agrees, every
 *     command works without an assertion, and it is sound afterwards.
 *
 * The lock itself stays whole: it is the C library's, and so is what comes of
 * damage to it.
 *
 * With FUZZ_SAY=1 in the environment a run tells what it damaged and what
 * came of it.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE                    /* memfd_create() */
#endif

#include <pthread.h>
#include <setjmp.h>
#include <unistd.h>

#include "full_shop.h"
#include "region_commands.h"
#include "region_recount.h"
#include "must.h"


#define GUARD_SIZE   ((size_t) 1 << 32)
#define WORDS_MAX    ((size_t) SHOP_SIZE / 4)
#define DAMAGES_MAX  8
#define DAMAGE_SIZE  8

#define MODE_CHECK   1
#define MODE_DIED    2

enum {
    AREA_HEADER = 0,
    AREA_TABLES,
    AREA_INDEXES,                      /* and the wheel */
    AREA_RING,
    AREA_UNDO,
    AREA_ANY,
    AREA_COUNT
};

typedef struct {
    size_t     count;
    uint32_t  *at;                     /* offsets in the region */
} area_t;


static area_t       areas[AREA_COUNT];
static uint8_t     *base;
static int64_t      set_up_ms;
static int          may_die;           /* an assertion is a death like any */
static int          died;
static int          say;
static sigjmp_buf   death;


/* What the C library's assert() calls; fk_check() must not get here. */

void
__assert_fail(const char *what, const char *file, unsigned line,
    const char *function)
{
    if (say) {
        fprintf(stderr, "died at %s:%u: %s\n", file, line, what);
    }

    if (may_die) {
        died = 1;
        siglongjmp(death, 1);
    }

    fprintf(stderr, "%s:%u: %s: %s\n", file, line, function, what);
    abort();
}


/* --- the region ------------------------------------------------------- */

static void
area_add(unsigned area, size_t from, size_t to, int zeros)
{
    size_t    at;
    area_t   *a;
    uint32_t  word;

    a = &areas[area];

    for (at = from; at + sizeof(word) <= to; at += sizeof(word)) {
        memcpy(&word, base + at, sizeof(word));

        /* Words that nothing stands in are left to AREA_ANY. */
        if ((word != 0 || zeros)
            && (at < offsetof(fk_region_t, lock)
                || at >= offsetof(fk_region_t, undo_used)))
        {
            a->at[a->count++] = (uint32_t) at;
        }
    }
}


static void
areas_find(void)
{
    unsigned           i;
    fk_region_t       *r;
    const fk_table_t  *t;

    for (i = 0; i < AREA_COUNT; i++) {
        areas[i].at = malloc(WORDS_MAX * sizeof(uint32_t));
        MUST(areas[i].at != NULL);
    }

    r = shop.region;
    area_add(AREA_HEADER, 0, offsetof(fk_region_t, lock), 1);
    area_add(AREA_HEADER, offsetof(fk_region_t, ring),
             offsetof(fk_region_t, stat), 1);
    area_add(AREA_UNDO, offsetof(fk_region_t, undo_used),
             offsetof(fk_region_t, undo[16]), 1);

    for (i = 0; i < FK_TABLE_COUNT; i++) {
        t = &r->table[i];
        area_add(AREA_TABLES, t->offset,
                 t->offset + (t->fresh + UINT64_C(2)) * t->slot_size, 1);
    }

    area_add(AREA_INDEXES, sizeof(fk_region_t), r->table[0].offset, 0);
    area_add(AREA_RING, r->ring.offset, r->ring.offset + r->ring.size, 0);
    area_add(AREA_ANY, 0, SHOP_SIZE, 1);
}


/*
 * The full shop is built in a file in memory, and each run gets it as a
 * private mapping: what it changes is dropped page by page.
 */

static void
set_up(void)
{
    int             fd;
    void           *mem;
    size_t          size;
    fk_snapshot_t   snapshot;
    static uint8_t  part[FK_SNAPSHOT_PART_SIZE_MAX];

    fd = memfd_create("region", MFD_CLOEXEC);
    MUST(fd != -1 && ftruncate(fd, SHOP_SIZE) == 0);
    mem = mmap(NULL, SHOP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    MUST(mem != MAP_FAILED);

    shop_open_in(mem, SHOP_SIZE);
    full_build();
    set_up_ms = shop_env.now_ms;

    /* What other processes are in the middle of. */
    MUST(fk_snapshot_begin(&shop, &shop_env, 4, 0, &snapshot) == FK_OK
         && fk_snapshot_step(&shop, &shop_env, 4, 0, part, sizeof(part),
                             &size, &snapshot) == FK_AGAIN);
    MUST(fk_audit_begin(&shop, &shop_env, 3) == FK_OK
         && fk_audit_step(&shop, &shop_env, 3, 40) == FK_AGAIN);

    base = mem;
    areas_find();
    (void) munmap(mem, SHOP_SIZE);

    mem = mmap(NULL, 2 * GUARD_SIZE, PROT_NONE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    MUST(mem != MAP_FAILED);

    base = (uint8_t *) mem + GUARD_SIZE - SHOP_SIZE;
    MUST(mmap(base, SHOP_SIZE, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_FIXED, fd, 0) == base);
    (void) close(fd);
}


/* In words: which word of which slot it is. */

static void
say_place(size_t at, uint32_t was, uint32_t is)
{
    unsigned           i;
    const fk_table_t  *t;

    for (i = 0; i < FK_TABLE_COUNT; i++) {
        t = &shop.region->table[i];

        if (at - t->offset < (t->capacity + UINT64_C(1)) * t->slot_size) {
            fprintf(stderr, "table %u slot %zu +%zu", i,
                    (at - t->offset) / t->slot_size,
                    (at - t->offset) % t->slot_size);
            break;
        }
    }

    fprintf(stderr, " at %zu: %#x becomes %#x\n", at, was, is);
}


static void
damage(fuzz_input_t *in)
{
    uint8_t   where;
    size_t    at, other;
    area_t   *a;
    uint32_t  which, value, word, was;

    where = (uint8_t) fuzz_take(in, 1);
    which = (uint32_t) fuzz_take(in, 3);
    value = (uint32_t) fuzz_take(in, 4);

    a = &areas[(where & 7) % AREA_COUNT];
    at = a->at[which % a->count];
    other = a->at[value % a->count];
    memcpy(&word, base + at, sizeof(word));
    was = word;

    switch (where >> 3 & 7) {
    case 0:
        word = value;
        break;
    case 1:
        word ^= (uint32_t) 1 << (value & 31);
        break;
    case 2:
        word += value & 0x80 ? value | 0xffffff80u : value & 0x7f;
        break;
    case 3:
        word = value & 63;             /* a slot that is there */
        break;
    case 4:
        memcpy(&word, base + other, sizeof(word));
        break;
    case 5:
        word = (word & ~(uint32_t) 0xff) | (value & 0xff);
        break;
    case 6:
        word = (word & ~(uint32_t) 0xffff00) | (value & 0xffff00);
        break;
    default:
        word = 0;
    }

    if (say) {
        say_place(at, was, word);
    }

    memcpy(base + at, &word, sizeof(word));
}


/* --- deaths ----------------------------------------------------------- */

/* Leaves with the lock and with notes of a transaction that is half done. */

static void *
die_with_lock(void *unused)
{
    fk_product_rec_t  *p;

    MUST(fk_lock(&shop) == FK_OK);
    p = FK_PRODUCT(&shop, 1);
    FK_SET(&shop, p->available, p->available - 1);
    FK_SET(&shop, p->held, p->held + 1);
    FK_SET(&shop, p->on_sale, 0);
    FK_SET(&shop, shop.region->table[FK_TABLE_ORDERS].fresh, 1);

    return unused;
}


static void
somebody_dies(void)
{
    pthread_t  thread;

    MUST(pthread_create(&thread, NULL, die_with_lock, NULL) == 0);
    MUST(pthread_join(thread, NULL) == 0);
}


/* --- commands --------------------------------------------------------- */

/*
 * Commands from *next on, in a thread of its own: one that dies of an
 * assertion takes the thread with it, and whatever it had locked.
 */

static void *
some_commands(void *data)
{
    unsigned *volatile  next;

    next = data;

    if (sigsetjmp(death, 0) == 0) {
        may_die = 1;

        while (*next < COMMANDS_COUNT) {
            commands[(*next)++].call();
        }
    }

    may_die = 0;
    return NULL;
}


/* How many died. */

static unsigned
all_commands(void)
{
    unsigned   next, deaths;
    pthread_t  thread;

    next = 0;

    for (deaths = 0; /* void */ ; deaths++) {
        MUST(pthread_create(&thread, NULL, some_commands, &next) == 0);
        MUST(pthread_join(thread, NULL) == 0);

        if (!died) {
            return deaths;
        }

        died = 0;
    }
}


static fk_code_t
check(void)
{
    char       why[256];
    fk_code_t  rc;

    why[0] = '\0';
    rc = fk_check(&shop, why, sizeof(why));

    if (say) {
        fprintf(stderr, "check: %d %s\n", rc, why);
    }

    MUST(rc == FK_OK || rc == FK_CORRUPT || rc == FK_FAILED);
    MUST((rc == FK_OK) == (why[0] == '\0'));

    return rc;
}


/* 1: the shop is open, and called sound. */

static int
sound_and_open(uint8_t mode)
{
    if (!(mode & MODE_CHECK)) {
        return 0;
    }

    if (check() != FK_OK || fk_shop_state(&shop) != FK_SHOP_OPEN) {
        return 0;
    }

    recount();
    return 1;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int            sound;
    uint8_t        mode;
    unsigned       n;
    const char    *why;
    fuzz_input_t   in;

    if (base == NULL) {
        set_up();
        say = getenv("FUZZ_SAY") != NULL;
    }

    in.data = data;
    in.size = size;
    mode = (uint8_t) fuzz_take(&in, 1);

    MUST(madvise(base, SHOP_SIZE, MADV_DONTNEED) == 0);
    MUST(fk_attach(&shop, base, SHOP_SIZE, &why) == FK_OK);
    shop_env.now_ms = set_up_ms;
    command_serial = 0;

    if (mode & MODE_DIED) {
        somebody_dies();
    }

    for (n = 0; n < DAMAGES_MAX && in.size >= DAMAGE_SIZE; n++) {
        damage(&in);
    }

    if (fk_attach(&shop, base, SHOP_SIZE, &why) != FK_OK) {
        MUST(why != NULL && why[0] != '\0');
        return 0;
    }

    sound = sound_and_open(mode);
    n = all_commands();

    if (sound) {
        MUST(n == 0);
        MUST(check() == FK_OK);
        recount();
    }

    return 0;
}

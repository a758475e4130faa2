/*
 * The engine's operations in process: no nginx, no network, no journal.
 *
 *     micro THREADS ROUNDS COUNT
 *
 * Each round has a fresh shop, with COUNT orders at last, and prints a line
 * for each operation: NAME, threads, how many, nanoseconds, by tabs.  Two
 * threads have a handle each upon one region, as two workers have.  They begin
 * together and do so many at a time; then, beside the clock, what they left in
 * the ring is taken over, as the flusher does it.
 *
 * Under valgrind's callgrind (--collect-atstart=no) only what is timed is
 * counted, and each operation has a dump of its name.
 */

#define _GNU_SOURCE

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <valgrind/callgrind.h>

#include "micro.h"


#define MICRO_ROUNDS_MAX  100
#define MICRO_COUNT_MIN   1000
#define MICRO_COUNT_MAX   1000000


typedef struct {
    uint32_t           threads;
    uint32_t           rounds;
    uint32_t           count;
    size_t             size;
    void              *memory;
    uint32_t           done;           /* of the operation under way */
    int64_t            took_ns;
    atomic_uint        here;           /* who wait for the start */
    pthread_barrier_t  barrier;
    micro_worker_t     worker[MICRO_THREADS_MAX];
} micro_t;


static uint32_t micro_number(const char *text, uint32_t min, uint32_t max);
static void micro_open(micro_t *micro);
static void micro_close(micro_t *micro);
static void *micro_thread(void *data);
static void micro_round(micro_worker_t *w);
static void micro_op(micro_worker_t *w, const micro_op_t *op);
static void micro_start(void);
static void micro_sum(void);
static void micro_flush(fk_t *fk);
static int64_t micro_now_ns(void);


static micro_t  micro;


int
main(int argc, char **argv)
{
    uint32_t   i, round;
    pthread_t  thread[MICRO_THREADS_MAX];

    if (argc != 4) {
        fprintf(stderr, "usage: micro THREADS ROUNDS COUNT\n");
        return 2;
    }

    micro.threads = micro_number(argv[1], 1, MICRO_THREADS_MAX);
    micro.rounds = micro_number(argv[2], 1, MICRO_ROUNDS_MAX);
    micro.count = micro_number(argv[3], MICRO_COUNT_MIN, MICRO_COUNT_MAX);

    /* An order takes a KiB of a region, with all that goes with it. */
    for (micro.size = FK_REGION_SIZE_MIN;
         micro.size / 1024 < micro.count + micro.count / 8;
         micro.size *= 2) { }

    micro.memory = mmap(NULL, micro.size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    micro_must(micro.memory != MAP_FAILED, "memory");

    for (round = 0; round < micro.rounds; round++) {
        micro_open(&micro);

        for (i = 1; i < micro.threads; i++) {
            micro_must(pthread_create(&thread[i], NULL, micro_thread,
                                      &micro.worker[i]) == 0, "a thread");
        }

        micro_round(&micro.worker[0]);

        for (i = 1; i < micro.threads; i++) {
            (void) pthread_join(thread[i], NULL);
        }

        micro_close(&micro);
    }

    return 0;
}


static uint32_t
micro_number(const char *text, uint32_t min, uint32_t max)
{
    uint32_t     number;
    const char  *at;

    for (at = text, number = 0; *at >= '0' && *at <= '9' && number <= max;
         at++)
    {
        number = number * 10 + (uint32_t) (*at - '0');
    }

    if (*at != '\0' || number < min || number > max) {
        fprintf(stderr, "micro: \"%s\" is no number from %u to %u\n", text,
                min, max);
        exit(2);
    }

    return number;
}


static void
micro_open(micro_t *m)
{
    char             why[256];
    uint32_t         i;
    const char      *wrong;
    micro_worker_t  *w;

    static const uint8_t  seed[FK_SEED_SIZE] = "the same always";

    micro_must(fk_format(m->memory, m->size, seed) == FK_OK, "format");
    micro_must(pthread_barrier_init(&m->barrier, NULL, m->threads) == 0,
               "a barrier");
    atomic_store(&m->here, 0);

    for (i = 0; i < m->threads; i++) {
        w = &m->worker[i];
        w->thread = i;
        w->count = m->count;
        micro_must(fk_attach(&w->fk, m->memory, m->size, &wrong) == FK_OK,
                   "attach");
        w->env.now_ms = 1;
    }

    w = &m->worker[0];
    micro_must(fk_recover_begin(&w->fk, 1, 0) == FK_OK
               && fk_recover_end(&w->fk, &w->env, 1, 1, why, sizeof(why))
                  == FK_OK, "open");
    micro_shop(w);

    for (i = 0; i < m->threads; i++) {
        m->worker[i].env = w->env;
        micro_import_begin(&m->worker[i]);
    }

    micro_flush(&w->fk);
}


/* A figure of a shop whose sums are wrong is none. */

static void
micro_close(micro_t *m)
{
    char  why[256];

    if (fk_check(&m->worker[0].fk, why, sizeof(why)) != FK_OK) {
        fprintf(stderr, "micro: wrong sums: %s\n", why);
        exit(1);
    }

    (void) pthread_barrier_destroy(&m->barrier);
}


static void *
micro_thread(void *data)
{
    micro_round(data);
    return NULL;
}


static void
micro_round(micro_worker_t *w)
{
    uint32_t  i;

    for (i = 0; i < MICRO_OPS; i++) {
        micro_op(w, &micro_ops[i]);

        if (i == 0) {
            micro_import_end(w);
        }
    }
}


/* Each thread has a chunk of each turn, until all of them are done; a tick may
 * do fewer than it is asked for. */

static void
micro_op(micro_worker_t *w, const micro_op_t *op)
{
    uint32_t  turn, first, n, total;

    total = micro.count * op->share / 2;

    /* Nobody is still looking at what was done of the one before. */
    (void) pthread_barrier_wait(&micro.barrier);

    if (w->thread == 0) {
        micro.done = 0;
        micro.took_ns = 0;
    }

    (void) pthread_barrier_wait(&micro.barrier);

    for (turn = 0; micro.done < total; turn++) {
        micro_must(turn < total, op->name);
        first = (turn * micro.threads + w->thread) * MICRO_CHUNK;
        n = first >= total ? 0 : total - first < MICRO_CHUNK ? total - first
                                                             : MICRO_CHUNK;
        op->prepare(w, first, n);

        micro_start();
        w->began_ns = micro_now_ns();
        CALLGRIND_TOGGLE_COLLECT;
        w->done = op->run(w, n);
        CALLGRIND_TOGGLE_COLLECT;
        w->ended_ns = micro_now_ns();

        (void) pthread_barrier_wait(&micro.barrier);

        if (w->thread == 0) {
            micro_sum();
            micro_flush(&w->fk);
        }

        (void) pthread_barrier_wait(&micro.barrier);
    }

    if (w->thread == 0) {
        micro_must(micro.done == total, op->name);
        printf("%s\t%u\t%u\t%lld\n", op->name, micro.threads, micro.done,
               (long long) micro.took_ns);
        CALLGRIND_DUMP_STATS_AT(op->name);
    }
}


/* Nobody begins before all are awake: a barrier alone wakes them one after
 * the other, and for most of so short a time there would be no contention. */

static void
micro_start(void)
{
    (void) pthread_barrier_wait(&micro.barrier);
    (void) atomic_fetch_add(&micro.here, 1);

    while (atomic_load(&micro.here) % micro.threads != 0) { }
}


/* From the first one's start to the last one's end. */

static void
micro_sum(void)
{
    int64_t          began_ns, ended_ns;
    uint32_t         i;
    micro_worker_t  *w;

    began_ns = micro.worker[0].began_ns;
    ended_ns = micro.worker[0].ended_ns;

    for (i = 0; i < micro.threads; i++) {
        w = &micro.worker[i];
        began_ns = w->began_ns < began_ns ? w->began_ns : began_ns;
        ended_ns = w->ended_ns > ended_ns ? w->ended_ns : ended_ns;
        micro.done += w->done;
    }

    micro.took_ns += ended_ns - began_ns;
}


/* The fastest journal there is. */

static void
micro_flush(fk_t *fk)
{
    fk_batch_t  batch;

    while (fk_flush_take(fk, 1, 0, &batch) == FK_FLUSH_SEND) {
        micro_must(fk_flush_done(fk, 1, batch.last_seq) == FK_OK, "flush");
    }
}


static int64_t
micro_now_ns(void)
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}


void
micro_must(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "micro: %s failed\n", what);
        exit(1);
    }
}

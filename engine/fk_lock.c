/*
 * The shop's lock, and what happens when its owner dies.
 *
 * One robust, process-shared mutex.  A process that dies while it holds the
 * lock leaves the undo notes of its half-done transaction behind; the next
 * one to lock gets EOWNERDEAD, puts the old values back, looks at the cheap
 * invariants and only then calls the mutex consistent.  A death in here, at
 * any instruction, leaves the same notes for the one after: putting back is
 * idempotent.
 *
 * This is the only file of engine/ that looks at a clock: waiting has to be
 * bounded by time, and repairs are counted by the minute.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE                    /* pthread_mutex_clocklock() */
#endif

#include <errno.h>
#include <time.h>

#include "fk_priv.h"


#define FK_SPINS_MAX        64
#define FK_PAUSES_MAX       16

/* ThreadSanitizer sees a lock only where it is taken by a call it knows. */
#if defined(__SANITIZE_THREAD__)
#define FK_LOCK_CLOCK                 CLOCK_REALTIME
#define fk_lock_until(lock, clock, t)  pthread_mutex_timedlock(lock, t)
#else
#define FK_LOCK_CLOCK                 CLOCK_MONOTONIC
#define fk_lock_until(lock, clock, t)  pthread_mutex_clocklock(lock, clock, t)
#endif


static int fk_lock_wait(pthread_mutex_t *lock);
static fk_code_t fk_lock_repair(fk_t *fk);
static int fk_notes_good(const fk_t *fk);
static const char *fk_lock_check(const fk_t *fk);
static int fk_lock_too_many(fk_region_t *r);


#ifdef FK_TEST_CRASH
void (*fk_test_store)(void);
uint32_t  fk_test_reached[FK_REACHED_COUNT];
#endif


fk_code_t
fk_lock(fk_t *fk)
{
    int           rc;
    fk_region_t  *r;

    assert(fk->magic == FK_HANDLE_MAGIC);

    r = fk->region;
    rc = pthread_mutex_trylock(&r->lock);

    if (rc == EBUSY) {
        rc = fk_lock_wait(&r->lock);
    }

    switch (rc) {
    case 0:
        if (r->undo_used == 0) {
            return FK_OK;
        }

        /* Nobody died, and nobody leaves notes: somebody else wrote there. */
        fk_fail(fk, "the undo notes are damaged");
        fk_commit(fk);
        (void) pthread_mutex_unlock(&r->lock);
        return FK_FAILED;

    case EOWNERDEAD:
        return fk_lock_repair(fk);

    case ETIMEDOUT:
        fk_stat_add(fk, FK_STAT_LOCK_TIMEOUTS, 1);
        return FK_LOCK_TIMEOUT;

    default:
        fk_fail(fk, "the shop's lock cannot be taken any more");
        return FK_FAILED;
    }
}


/*
 * The lock is held for less than a microsecond, so a short spin nearly always
 * saves the two system calls of a sleep.
 */
static int
fk_lock_wait(pthread_mutex_t *lock)
{
    int              rc;
    unsigned         i, n, pauses;
    struct timespec  until;

    pauses = 1;

    for (i = 0; i < FK_SPINS_MAX; i++) {
        for (n = 0; n < pauses; n++) {
#if defined(__x86_64__) || defined(__i386__)
            __builtin_ia32_pause();
#else
            __atomic_signal_fence(__ATOMIC_SEQ_CST);
#endif
        }

        rc = pthread_mutex_trylock(lock);
        if (rc != EBUSY) {
            return rc;
        }

        if (pauses < FK_PAUSES_MAX) {
            pauses *= 2;
        }
    }

    _Static_assert(FK_LOCK_WAIT_MS % 1000 == 0, "whole seconds");

    (void) clock_gettime(FK_LOCK_CLOCK, &until);
    until.tv_sec += FK_LOCK_WAIT_MS / 1000;

    return fk_lock_until(lock, FK_LOCK_CLOCK, &until);
}


static fk_code_t
fk_lock_repair(fk_t *fk)
{
    const char   *why;
    fk_region_t  *r;

    r = fk->region;

    if (!fk_notes_good(fk)) {
        why = "the undo notes are damaged";

        /* Left there, they would abort each later lock.  Stopped first: the
         * shop must not go on as if they had been followed. */
        fk_fail(fk, why);
        fk_commit(fk);

    } else {
        if (r->undo_used != 0) {
            fk_rollback(fk);
            fk_stat_add(fk, FK_STAT_ROLLBACKS, 1);
        }

        why = fk_lock_check(fk);
    }

    if (why == NULL && fk_lock_too_many(r)) {
        why = "too many processes died under the shop's lock in one minute";
    }

    fk_stat_add(fk, FK_STAT_LOCK_RECOVERIES, 1);

    if (why != NULL) {
        fk_fail(fk, why);
    }

    /* Last: who dies before it leaves the repair to the next. */
    if (pthread_mutex_consistent(&r->lock) != 0) {
        fk_fail(fk, "the shop's lock cannot be repaired");
    }

    if (FK_GET(r->state) == FK_SHOP_FAILED) {
        (void) pthread_mutex_unlock(&r->lock);
        return FK_FAILED;
    }

    return FK_OK;
}


/* A note that no fk_store() has made must not be followed: it would be a
 * write to wherever it says. */
static int
fk_notes_good(const fk_t *fk)
{
    uint64_t            at, width;
    uint32_t            i;
    const fk_region_t  *r;

    r = fk->region;

    if (r->undo_used > FK_UNDO_MAX) {
        return 0;
    }

    for (i = 0; i < r->undo_used; i++) {
        at = r->undo[i].where >> 4;
        width = r->undo[i].where & 15;

        if ((width != 1 && width != 2 && width != 4 && width != 8)
            || at % width != 0 || at > fk->size - width
            || at < offsetof(fk_region_t, table)
            || (at >= offsetof(fk_region_t, lock)
                && at < offsetof(fk_region_t, ring)))
        {
            return 0;
        }
    }

    return 1;
}


/*
 * What can be checked in no time; fk_check() does the rest.  While a shop is
 * being emptied for recovery its heads are half zero, and that is fine.
 */
static const char *
fk_lock_check(const fk_t *fk)
{
    unsigned            i;
    const fk_ring_t    *ring;
    const fk_table_t   *t;
    const fk_region_t  *r;

    r = fk->region;

    if (!fk_layout_good(fk)) {
        return "the region's layout is damaged";
    }

    if (FK_GET(r->state) != FK_SHOP_OPEN
        && FK_GET(r->state) != FK_SHOP_HEALING)
    {
        return NULL;
    }

    for (i = 0; i < FK_TABLE_COUNT; i++) {
        t = &r->table[i];

        if (t->fresh > t->capacity || t->free_count > t->fresh
            || t->free_head > t->fresh
            || (t->free_head == 0) != (t->free_count == 0))
        {
            return "a table's head is damaged";
        }
    }

    ring = &r->ring;

    if (ring->head - ring->tail > ring->size
        || ring->durable_pos - ring->tail > ring->head - ring->tail
        || ring->sent_pos - ring->durable_pos > ring->head - ring->durable_pos
        || ring->durable_seq > ring->sent_seq || ring->sent_seq > ring->seq)
    {
        return "the journal ring's head is damaged";
    }

    return NULL;
}


static int
fk_lock_too_many(fk_region_t *r)
{
    uint32_t         minute;
    struct timespec  now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    minute = (uint32_t) (now.tv_sec / 60);

    if (r->recoveries_minute != minute) {
        r->recoveries_minute = minute;
        r->recoveries_count = 0;
    }

    r->recoveries_count++;
    return r->recoveries_count > FK_RECOVERIES_MAX;
}


void
fk_unlock(fk_t *fk)
{
    int  rc;

    /* A command that neither committed nor rolled back must not get away. */
    assert(fk->region->undo_used == 0);

    rc = pthread_mutex_unlock(&fk->region->lock);
    assert(rc == 0);
    (void) rc;
}


fk_code_t
fk_lock_open(fk_t *fk)
{
    fk_code_t  code;

    /* Before the lock, because a closed shop must not queue anybody up. */
    code = fk_state_code(fk_shop_state(fk));
    if (code != FK_OK) {
        return code;
    }

    code = fk_lock(fk);
    if (code != FK_OK) {
        return code;
    }

    code = fk_state_code(fk_shop_state(fk));
    if (code != FK_OK) {
        fk_unlock(fk);
    }

    return code;
}


fk_code_t
fk_state_code(fk_shop_state_t state)
{
    static const fk_code_t  codes[FK_SHOP_STATE_COUNT] = {
        [FK_SHOP_EMPTY] = FK_RECOVERING,
        [FK_SHOP_RECOVERING] = FK_RECOVERING,
        [FK_SHOP_OPEN] = FK_OK,
        [FK_SHOP_HEALING] = FK_HEALING,
        [FK_SHOP_FENCED] = FK_FENCED,
        [FK_SHOP_FAILED] = FK_FAILED,
    };

    return (unsigned) state < FK_SHOP_STATE_COUNT ? codes[state] : FK_FAILED;
}


void
fk_commit(fk_t *fk)
{
    __atomic_store_n(&fk->region->undo_used, 0, __ATOMIC_RELEASE);
}


/*
 * Puts the old values back, the latest first.  The notes stay until all is
 * done: a death in the middle starts again from the same notes.
 */
void
fk_rollback(fk_t *fk)
{
    size_t            at;
    uint8_t          *p;
    uint32_t          i;
    fk_region_t      *r;
    const fk_undo_t  *note;

    r = fk->region;
    assert(r->undo_used <= FK_UNDO_MAX);

    for (i = r->undo_used; i != 0; i--) {
        note = &r->undo[i - 1];
        at = (size_t) (note->where >> 4);
        assert(at < fk->size);
        p = fk->base + at;

#ifdef FK_TEST_CRASH
        if (fk_test_store != NULL) {
            fk_test_store();
        }
#endif

        switch (note->where & 15) {
        case 1:
            __atomic_store_n(p, (uint8_t) note->old, __ATOMIC_RELEASE);
            break;
        case 2:
            __atomic_store_n((uint16_t *) p, (uint16_t) note->old,
                             __ATOMIC_RELEASE);
            break;
        case 4:
            __atomic_store_n((uint32_t *) p, (uint32_t) note->old,
                             __ATOMIC_RELEASE);
            break;
        default:
            __atomic_store_n((uint64_t *) p, note->old, __ATOMIC_RELEASE);
        }
    }

    fk_commit(fk);
}

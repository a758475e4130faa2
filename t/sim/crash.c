/*
 * Death at a store, inside of one process.
 *
 * The engine's test builds call a hook before each store of a transaction.
 * Here the hook leaves by longjmp() when the time has come: no code of the
 * engine runs after that store, which is what kill -9 does.
 *
 * What the kernel does then, to the lock that the dead one held, is done by
 * hand: the word of a robust mutex gets the bit "its owner died", and the
 * next who locks it is told so by the C library, on the same path as after a
 * real death.  The lock is first let go in the ordinary way, because this
 * thread's list of robust locks must not keep it.
 * crash_self_test() holds this against a thread that really ends with the
 * lock in its hand.
 */

#include <linux/futex.h>

#include "sim.h"


static void crash_store(void);
static void crash_leave_lock(pthread_mutex_t *lock);
static int crash_holds(const pthread_mutex_t *lock);
static void *crash_thread(void *data);
static void crash_locked(void *data);


static uint32_t  crash_left;           /* stores until death; 0: none */
static uint32_t  crash_count;
static jmp_buf   crash_end;
static int       crash_repair;         /* died in the repair of a death */


int
crash_run(fk_t *fk, uint32_t n, void (*run)(void *data), void *data,
    uint32_t *stores)
{
    int  died;

    assert(fk_test_store == NULL);

    crash_left = n;
    crash_count = 0;
    fk_test_store = crash_store;
    died = setjmp(crash_end);

    if (!died) {
        run(data);
    }

    fk_test_store = NULL;
    *stores = crash_count;

    if (died) {
        crash_leave_lock(&fk->region->lock);
    }

    return died;
}


void
crash_reset(void)
{
    fk_test_store = NULL;
}


int
crash_was_repair(void)
{
    return crash_repair;
}


static void
crash_store(void)
{
    crash_count++;

    if (crash_left != 0 && --crash_left == 0) {
        longjmp(crash_end, 1);
    }
}


/*
 * Whether this thread has it: the C library keeps the owner's thread id in
 * the lock word's lower bits.
 */
static int
crash_holds(const pthread_mutex_t *lock)
{
    return ((unsigned) lock->__data.__lock & FUTEX_TID_MASK) != 0;
}


static void
crash_leave_lock(pthread_mutex_t *lock)
{
    int  rc;

    crash_repair = 0;

    if (!crash_holds(lock)) {
        return;
    }

    /* Died while it repaired: letting go of it so would spoil the lock. */
    crash_repair = pthread_mutex_consistent(lock) == 0;

    rc = pthread_mutex_unlock(lock);
    assert(rc == 0);
    (void) rc;

    __atomic_store_n(&lock->__data.__lock, (int) FUTEX_OWNER_DIED,
                     __ATOMIC_RELEASE);
}


static void *
crash_thread(void *data)
{
    fk_t  *fk = data;

    /* Ends with the lock in its hand, and the kernel sees to it. */
    (void) fk_lock(fk);
    return NULL;
}


static void
crash_locked(void *data)
{
    fk_t  *fk = data;

    (void) fk_lock(fk);
    crash_left = 1;
    crash_store();
}


const char *
crash_self_test(fk_t *fk)
{
    int              word[2], rc;
    unsigned         i;
    uint32_t         stores;
    uint64_t         before;
    pthread_t        thread;
    pthread_mutex_t  *lock;

    lock = &fk->region->lock;

    for (i = 0; i < 2; i++) {
        if (i == 0) {
            rc = pthread_create(&thread, NULL, crash_thread, fk);
            if (rc != 0 || pthread_join(thread, NULL) != 0) {
                return "no thread can be made";
            }

        } else if (!crash_run(fk, 0, crash_locked, fk, &stores)) {
            return "the simulated death did not happen";
        }

        word[i] = lock->__data.__lock & ~FUTEX_TID_MASK;
        before = fk_stat_get(fk, FK_STAT_LOCK_RECOVERIES);

        if (fk_lock(fk) != FK_OK) {
            return "the lock of a dead owner cannot be taken";
        }

        fk_unlock(fk);

        if (fk_stat_get(fk, FK_STAT_LOCK_RECOVERIES) != before + 1) {
            return "the lock of a dead owner was taken without a repair";
        }
    }

    return word[0] == word[1] ? NULL
           : "the kernel leaves a dead owner's lock in another way";
}

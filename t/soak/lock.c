/*
 * A preload library that lets a test have a worker not get the shop's lock:
 * FAKA_LOCK names a file that holds an int64_t, and that many tries succeed;
 * the one behind them is as if it had waited in vain, and then the number is
 * -1 and all go through again.  It is mapped: what is written there counts for
 * the next try.
 *
 * It stands in for another process that is stopped while it holds the lock.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>


typedef int (*lock_try_t)(pthread_mutex_t *lock);


/* Without the variable or the file nothing is refused. */
static int64_t    lock_none = -1;
static int64_t   *lock_left = &lock_none;
static lock_try_t lock_try;


__attribute__((constructor))
static void
lock_open(void)
{
    int          fd;
    void        *map;
    const char  *path;

    /* A function's address comes as one of data: POSIX says how to read it. */
    *(void **) (&lock_try) = dlsym(RTLD_NEXT, "pthread_mutex_trylock");

    path = getenv("FAKA_LOCK");
    if (path == NULL) {
        return;
    }

    fd = open(path, O_RDWR|O_CLOEXEC);
    if (fd == -1) {
        return;
    }

    map = mmap(NULL, sizeof(int64_t), PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);
    (void) close(fd);

    if (map != MAP_FAILED) {
        lock_left = map;
    }
}


int
pthread_mutex_trylock(pthread_mutex_t *lock)
{
    int64_t  left;

    left = __atomic_load_n(lock_left, __ATOMIC_RELAXED);

    while (left >= 0
           && !__atomic_compare_exchange_n(lock_left, &left, left - 1, 0,
                                           __ATOMIC_RELAXED, __ATOMIC_RELAXED))
    {
        /* void */
    }

    return left == 0 ? ETIMEDOUT : lock_try(lock);
}

/*
 * A preload library that lets a test set the wall clock of one process and
 * its children, and of nobody else: FAKA_CLOCK names a file that holds the
 * distance from the real clock, an int64_t in microseconds.  It is mapped, so
 * a write to it is a step that all of them see with their next look.
 *
 * The steady clock is left alone, as it is when an operator or NTP sets the
 * wall clock.  What the kernel does by the wall clock (timeouts given as
 * absolute real times) does not see the step.
 */

#define _GNU_SOURCE

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>


#define CLOCK_US  1000000


/* Without the variable or the file the clock is the real one. */
static const int64_t   clock_none;
static const int64_t  *clock_step_us = &clock_none;


__attribute__((constructor))
static void
clock_open(void)
{
    int          fd;
    void        *map;
    const char  *path;

    path = getenv("FAKA_CLOCK");
    if (path == NULL) {
        return;
    }

    fd = open(path, O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        return;
    }

    map = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    (void) close(fd);

    if (map != MAP_FAILED) {
        clock_step_us = map;
    }
}


static int64_t
clock_now_us(void)
{
    struct timespec  ts;

    /* The library's function is the one that is replaced here. */
    (void) syscall(SYS_clock_gettime, CLOCK_REALTIME, &ts);

    return (int64_t) ts.tv_sec * CLOCK_US + ts.tv_nsec / 1000
           + __atomic_load_n(clock_step_us, __ATOMIC_RELAXED);
}


int
clock_gettime(clockid_t id, struct timespec *ts)
{
    int64_t  now_us;

    if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE) {
        return (int) syscall(SYS_clock_gettime, id, ts);
    }

    now_us = clock_now_us();
    ts->tv_sec = (time_t) (now_us / CLOCK_US);
    ts->tv_nsec = (long) (now_us % CLOCK_US * 1000);

    return 0;
}


int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    int64_t  now_us;

    (void) zone;

    now_us = clock_now_us();
    tv->tv_sec = (time_t) (now_us / CLOCK_US);
    tv->tv_usec = (suseconds_t) (now_us % CLOCK_US);

    return 0;
}


time_t
time(time_t *out)
{
    time_t  now;

    now = (time_t) (clock_now_us() / CLOCK_US);

    if (out != NULL) {
        *out = now;
    }

    return now;
}

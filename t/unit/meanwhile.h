/*
 * What another process does between a look and the lock: a call that is about
 * to take the shop's lock stops there, something else is done first, and it
 * goes on.  No threads, and no time to be waited for.
 */

#ifndef FAKA_MEANWHILE_H_INCLUDED_
#define FAKA_MEANWHILE_H_INCLUDED_


/* RTLD_NEXT; before any other header. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>


static void    (*meanwhile)(void);     /* done once, before a lock is taken */
static unsigned  locks_before;         /* that are let pass */


/* This stands before the one of the C library; fk_lock() begins with it. */
int pthread_mutex_trylock(pthread_mutex_t *lock);


int
pthread_mutex_trylock(pthread_mutex_t *lock)
{
    int    (*call)(pthread_mutex_t *);
    void    *found, (*now)(void);

    found = dlsym(RTLD_NEXT, "pthread_mutex_trylock");
    memcpy(&call, &found, sizeof(call));

    if (meanwhile != NULL && locks_before-- == 0) {
        now = meanwhile;
        meanwhile = NULL;
        now();
    }

    return call(lock);
}


__attribute__((unused))
static void
others(void (*does)(void), unsigned locks)
{
    meanwhile = does;
    locks_before = locks;
}


#endif /* FAKA_MEANWHILE_H_INCLUDED_ */

/*
 * Other servers beside the machine of machine_shop.h: what they say of
 * themselves, and what they write.
 */

#ifndef FAKA_MACHINE_OTHERS_H_INCLUDED_
#define FAKA_MACHINE_OTHERS_H_INCLUDED_


#include "machine_shop.h"


#define THERE         UINT64_C(0x123abc)       /* another machine */
#define THEIR_SERVER  UINT64_C(0x0000008800000001)
#define THEIR_GEN     UINT64_C(0x654321)


/* Opened, and with this many batches of one record each in the stream. */
__attribute__((unused))
static void
open_with(int batches)
{
    int  i;

    world_new();
    shop_must(walk_calm(), "open");

    for (i = 0; i < batches; i++) {
        write_record();
        shop_must(walk_calm(), "durable");
    }
}


/* The last record that the others have. */
static uint64_t  their_seq;


/* A sign of life, of a server that may be anybody; each one differs. */
__attribute__((unused))
static void
says(uint64_t epoch, uint64_t server, uint64_t host, uint64_t generation)
{
    static uint64_t  beat;

    snprintf(owner_text, sizeof(owner_text), "%" PRIu64 " %" PRIu64 " %" PRIu64
             " %016" PRIx64 " %016" PRIx64 " %016" PRIx64, epoch, their_seq,
             ++beat, server, host, generation);
    owner_until_ms = w.now_ms + FJ_OWNER_TTL_MS;
}


/* The new binary of an upgrade, on a shop with 20 records; the old one has
 * said something, but perhaps to another Redis. */
__attribute__((unused))
static void
upgrade(void)
{
    open_with(20);
    conf.inherits = 1;
    their_seq = 20;
    says(1, THEIR_SERVER, HOST, GENERATION);
    world_start();
}


__attribute__((unused))
static void
other_says(uint64_t epoch)
{
    says(epoch, THEIR_SERVER, THERE, THEIR_GEN);
}


/* The last entries are there, but not yet. */
__attribute__((unused))
static void
hide(size_t count)
{
    journal->count -= count;
    journal->top = journal->entry[journal->count - 1].id;
}


__attribute__((unused))
static void
show(size_t count)
{
    journal->count += count;
    journal->top = journal->entry[journal->count - 1].id;
}


/* The time until the takeover. */
__attribute__((unused))
static int64_t
taken_after(void)
{
    int64_t  since_ms;

    since_ms = w.now_ms;
    shop_must(walk_to(FJ_COMMAND_TAKE), "taken");
    return w.now_ms - since_ms;
}


/* POST /admin/takeover */
__attribute__((unused))
static void
want_takeover(void)
{
    fk_stat_set(&shop, FJ_STAT_WANTED, (uint64_t) (w.now_ms + FJ_WANTED_MS));
}


/* The process is killed; another one of its server begins in its region. */
__attribute__((unused))
static void
worker_anew(void)
{
    int  which;

    w.dead = conf.owner++;
    w.argc = 0;
    w.is_open = 0;
    w.connecting = 0;

    for (which = 0; which < FJ_TIMER_COUNT; which++) {
        w.due_ms[which] = -1;
    }

    event_begins();
    fj_start(&machine, &conf, &world_shell, NULL);
    w.is_inside = 0;
}


/* So long in steps, while another server says that it lives, or not. */
__attribute__((unused))
static void
pass(int64_t ms, int lives)
{
    int64_t  until_ms;

    until_ms = w.now_ms + ms;

    while (w.now_ms < until_ms && machine.phase != FJ_PHASE_STOPPED) {
        if (lives) {
            other_says(1);
        }

        step();
    }
}


#endif /* FAKA_MACHINE_OTHERS_H_INCLUDED_ */

/*
 * Time, chance, memory and the trace.
 *
 * Guarantees.  Events run in the order of their time, and of their making
 * where the time is the same.  All chance comes from one generator, which the
 * seed starts; all memory from one arena, which ends with the seed.
 */

#include <stdarg.h>

#include "sim.h"


static void sim_sift_up(sim_t *s, uint32_t at);
static void sim_sift_down(sim_t *s, uint32_t at);
static int sim_earlier(const sim_event_t *one, const sim_event_t *other);


const char *const  sim_mark_text[SIM_MARK_COUNT] = {
#define SIM_MARK_TEXT(name, text)  text,
    SIM_MARKS(SIM_MARK_TEXT)
#undef SIM_MARK_TEXT
};

const char *const  sim_mark_name[SIM_MARK_COUNT] = {
#define SIM_MARK_NAME(name, text)  #name,
    SIM_MARKS(SIM_MARK_NAME)
#undef SIM_MARK_NAME
};

const char *const  sim_fault_word[SIM_FAULT_COUNT] = {
#define SIM_FAULT_WORD(name, word)  word,
    SIM_FAULTS(SIM_FAULT_WORD)
#undef SIM_FAULT_WORD
};


/* xoshiro256**, started by splitmix64 in sim_seed(). */

uint64_t
sim_random(sim_t *s)
{
    uint64_t  result, t, *r;

    r = s->random;
    result = r[1] * 5;
    result = (result << 7 | result >> 57) * 9;
    t = r[1] << 17;

    r[2] ^= r[0];
    r[3] ^= r[1];
    r[1] ^= r[2];
    r[0] ^= r[3];
    r[2] ^= t;
    r[3] = r[3] << 45 | r[3] >> 19;

    return result;
}


uint64_t
sim_below(sim_t *s, uint64_t n)
{
    assert(n > 0);
    return sim_random(s) % n;
}


int64_t
sim_between(sim_t *s, int64_t low, int64_t high)
{
    assert(low <= high);
    return low + (int64_t) sim_below(s, (uint64_t) (high - low) + 1);
}


int
sim_permille(sim_t *s, uint32_t permille)
{
    return sim_below(s, 1000) < permille;
}


int
sim_fault(sim_t *s, sim_fault_t fault)
{
    uint32_t  weight;

    weight = s->plan.weight[fault];

    /* No chance is drawn for what is off: a quiet phase stays the same. */
    return s->is_loud && !s->is_calm && weight != 0
           && sim_below(s, 100000) < weight;
}


/* --- events ----------------------------------------------------------- */

void
sim_after(sim_t *s, int64_t delay_us, sim_event_pt fn, uint64_t a, uint64_t b)
{
    sim_event_t  *e;

    assert(delay_us >= 0);
    SIM_MUST(s, s->event_count < SIM_EVENTS_MAX, "too many events wait");

    e = &s->event[s->event_count];
    e->at_us = s->now_us + delay_us;
    e->serial = ++s->serial;
    e->fn = fn;
    e->a = a;
    e->b = b;

    sim_sift_up(s, s->event_count++);
}


void
sim_run_until(sim_t *s, int64_t until_us)
{
    uint64_t     left;
    sim_event_t  e;

    left = UINT64_C(5000000);

    while (s->event_count != 0 && s->event[0].at_us <= until_us) {
        SIM_MUST(s, left-- != 0, "the world does not come to rest");

        e = s->event[0];
        s->event[0] = s->event[--s->event_count];
        sim_sift_down(s, 0);

        s->now_us = e.at_us;
        s->counts.events++;
        e.fn(s, e.a, e.b);
    }

    s->now_us = until_us;
}


static int
sim_earlier(const sim_event_t *one, const sim_event_t *other)
{
    return one->at_us != other->at_us ? one->at_us < other->at_us
                                      : one->serial < other->serial;
}


static void
sim_sift_up(sim_t *s, uint32_t at)
{
    uint32_t     parent;
    sim_event_t  e;

    e = s->event[at];

    for (/* void */ ; at != 0; at = parent) {
        parent = (at - 1) / 2;

        if (!sim_earlier(&e, &s->event[parent])) {
            break;
        }

        s->event[at] = s->event[parent];
    }

    s->event[at] = e;
}


static void
sim_sift_down(sim_t *s, uint32_t at)
{
    uint32_t     child;
    sim_event_t  e;

    e = s->event[at];

    for (child = 2 * at + 1; child < s->event_count; child = 2 * at + 1) {
        if (child + 1 < s->event_count
            && sim_earlier(&s->event[child + 1], &s->event[child]))
        {
            child++;
        }

        if (!sim_earlier(&s->event[child], &e)) {
            break;
        }

        s->event[at] = s->event[child];
        at = child;
    }

    s->event[at] = e;
}


/* --- memory ----------------------------------------------------------- */

void *
sim_alloc(sim_t *s, size_t size)
{
    void  *p;

    size = (size + 15) & ~(size_t) 15;
    SIM_MUST(s, size <= SIM_ARENA_MAX - s->arena_used,
             "the simulator's memory is used up");

    p = s->arena + s->arena_used;
    s->arena_used += size;
    memset(p, 0, size);

    return p;
}


void *
sim_copy(sim_t *s, const void *data, size_t size)
{
    void  *p;

    p = sim_alloc(s, size + 1);

    if (size != 0) {
        memcpy(p, data, size);
    }

    return p;
}


/* --- the trace -------------------------------------------------------- */

void
sim_trace(sim_t *s, const char *fmt, ...)
{
    int      size;
    char     line[512];
    va_list  args;

    va_start(args, fmt);
    size = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);

    size = size < (int) sizeof(line) ? size : (int) sizeof(line) - 1;

    s->hash = (s->hash ^ (uint64_t) s->now_us) * UINT64_C(0x100000001b3);
    s->hash ^= fk_hash_bytes(line, (size_t) size);
    s->hash *= UINT64_C(0x100000001b3);

    if (s->is_traced) {
        printf("%10.6f %s\n", (double) s->now_us / 1e6, line);
    }
}


void
sim_mark(sim_t *s, sim_mark_t mark)
{
    s->counts.marks[mark]++;
}


void
sim_wrong(sim_t *s, const char *fmt, ...)
{
    int      size;
    va_list  args;

    size = snprintf(s->wrong, sizeof(s->wrong), "at %.6f s: ",
                    (double) s->now_us / 1e6);

    va_start(args, fmt);
    (void) vsnprintf(s->wrong + size, sizeof(s->wrong) - (size_t) size, fmt,
                     args);
    va_end(args);

    longjmp(s->failed, 1);
}

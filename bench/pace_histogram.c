/*
 * Latencies by HdrHistogram's layout: a value is exact to three digits, and
 * the memory is the same however many there are.  What is written out can be
 * added up over rounds, and read by every HdrHistogram there is.
 */

#include <assert.h>
#include <string.h>

#include "pace.h"


#define PACE_HALF  (1u << PACE_HALF_BITS)


void
pace_histogram_add(pace_histogram_t *h, int64_t value)
{
    uint32_t  v, shift, slot;

    v = value < 0 ? 0 : value > (int64_t) PACE_VALUE_MAX ? PACE_VALUE_MAX
                                                         : (uint32_t) value;

    /* How far it is to the right to have 11 bits; none for what has fewer. */
    shift = 31 - (uint32_t) __builtin_clz(v | PACE_HALF) - PACE_HALF_BITS;
    slot = (shift << PACE_HALF_BITS) + (v >> shift);
    assert(slot < PACE_SLOTS);

    h->slot[slot]++;
    h->total++;
    h->sum += v;

    if (v > h->max) {
        h->max = v;
    }
}


/* The highest value that the slot stands for. */

uint32_t
pace_histogram_value(uint32_t slot)
{
    uint32_t  shift;

    if (slot < 2 * PACE_HALF) {
        return slot;
    }

    shift = (slot >> PACE_HALF_BITS) - 1;
    return (uint32_t) ((((uint64_t) slot - (shift << PACE_HALF_BITS) + 1)
                        << shift) - 1);
}


/* As HdrHistogram has it: the least value that is not below so many. */

uint32_t
pace_histogram_at(const pace_histogram_t *h, uint32_t per_100000)
{
    uint32_t  slot;
    uint64_t  seen, want;

    want = (h->total * per_100000 + 99999) / 100000;
    if (want == 0) {
        want = 1;
    }

    for (seen = 0, slot = 0; slot < PACE_SLOTS; slot++) {
        seen += h->slot[slot];
        if (seen >= want) {
            return pace_histogram_value(slot);
        }
    }

    return 0;
}


void
pace_histogram_clear(pace_histogram_t *h)
{
    if (h->total != 0) {
        memset(h, 0, sizeof(*h));
    }
}

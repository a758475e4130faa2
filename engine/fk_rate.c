/*
 * How many of a kind there were within a minute, an hour and a day, by key.
 *
 * A key has one place in a set of four, found by its hash; when all four are
 * others', the one that was seen least lately goes.  Each kind has sets of its
 * own, and the hash is secret: what somebody does many of (contacts) cannot
 * push out what he has one of (a network).  No lock: a count is a
 * hint for a rule and no money, and a flash sale asks for it at every order.
 * Each word is stored whole; two who count the same key at once may lose one.
 *
 * A span is two counters, of this stretch of time and of the one before, which
 * counts by the share of it that is still within the span.
 */

#include "fk_priv.h"


static fk_rate_rec_t *fk_rate_set(const fk_t *fk, fk_rate_t rate,
    uint64_t key);
static fk_rate_rec_t *fk_rate_place(fk_rate_rec_t *set, uint64_t key);
static int fk_rate_is_now(uint32_t stretch, uint32_t now);
static void fk_rate_count(fk_rate_span_t *span, uint32_t stretch);


static const uint32_t  fk_span_s[FK_SPAN_COUNT] = {
    [FK_SPAN_1M] = 60,
    [FK_SPAN_1H] = 3600,
    [FK_SPAN_1D] = 86400
};


uint64_t
fk_rate_key(const fk_t *fk, fk_str_t key)
{
    /* 0 is a place that nobody has. */
    return fk_hash_secret(fk, key.data, key.size) | 1;
}


void
fk_rate_add(fk_t *fk, const fk_env_t *env, fk_rate_t rate, uint64_t key)
{
    uint32_t        n, now_s;
    fk_rate_rec_t  *place;

    now_s = fk_now_s(env);
    place = fk_rate_place(fk_rate_set(fk, rate, key), key);

    for (n = 0; n < FK_SPAN_COUNT; n++) {
        fk_rate_count(&place->span[n], now_s / fk_span_s[n]);
    }
}


void
fk_rate_get(const fk_t *fk, const fk_env_t *env, fk_rate_t rate,
    uint64_t key, uint32_t out[FK_SPAN_COUNT])
{
    uint32_t              n, i, now_s, stretch;
    uint64_t              part;
    const fk_rate_rec_t  *set;

    now_s = fk_now_s(env);
    set = fk_rate_set(fk, rate, key);

    memset(out, 0, FK_SPAN_COUNT * sizeof(uint32_t));

    for (i = 0; i < FK_RATE_WAYS && FK_GET(set[i].key) != key; i++) {
        /* void */
    }

    if (i == FK_RATE_WAYS) {
        return;
    }

    for (n = 0; n < FK_SPAN_COUNT; n++) {
        stretch = FK_GET(set[i].span[n].stretch);
        part = 0;

        if (now_s / fk_span_s[n] == stretch + 1) {
            part = FK_GET(set[i].span[n].now);

        } else if (fk_rate_is_now(stretch, now_s / fk_span_s[n])) {
            part = FK_GET(set[i].span[n].before);
            out[n] = FK_GET(set[i].span[n].now);
        }

        out[n] += (uint32_t) (part * (fk_span_s[n] - now_s % fk_span_s[n])
                              / fk_span_s[n]);
    }
}


static fk_rate_rec_t *
fk_rate_set(const fk_t *fk, fk_rate_t rate, uint64_t key)
{
    uint64_t        n, sets;
    fk_rate_rec_t  *rates;

    assert((unsigned) rate < FK_RATE_COUNT);

    rates = (fk_rate_rec_t *) (void *) (fk->base + fk->region->rate_offset);
    sets = fk->region->plan.rate_sets / FK_RATE_COUNT;
    n = rate * sets + ((key >> 32) * sets >> 32);

    return rates + n * FK_RATE_WAYS;
}


static fk_rate_rec_t *
fk_rate_place(fk_rate_rec_t *set, uint64_t key)
{
    uint32_t        i, n;
    uint64_t        seen, newest;
    fk_rate_rec_t  *place, *oldest;

    place = NULL;
    oldest = set;
    newest = 0;

    for (i = 0; i < FK_RATE_WAYS; i++) {
        seen = FK_GET(set[i].seen);
        newest = seen > newest ? seen : newest;

        if (seen < FK_GET(oldest->seen)) {
            oldest = &set[i];
        }

        if (FK_GET(set[i].key) == key) {
            place = &set[i];
        }
    }

    if (place == NULL) {
        place = oldest;

        for (n = 0; n < FK_SPAN_COUNT; n++) {
            __atomic_store_n(&place->span[n].stretch, 0, __ATOMIC_RELAXED);
            __atomic_store_n(&place->span[n].now, 0, __ATOMIC_RELAXED);
            __atomic_store_n(&place->span[n].before, 0, __ATOMIC_RELAXED);
        }

        __atomic_store_n(&place->key, key, __ATOMIC_RELAXED);
    }

    /* A count and no time: many come within a second. */
    __atomic_store_n(&place->seen, newest + 1, __ATOMIC_RELAXED);

    return place;
}


/* A stretch further ahead is of a clock that is gone. */

static int
fk_rate_is_now(uint32_t stretch, uint32_t now)
{
    return stretch == now || stretch == now + 1;
}


static void
fk_rate_count(fk_rate_span_t *span, uint32_t stretch)
{
    uint32_t  was, before;

    was = FK_GET(span->stretch);

    if (fk_rate_is_now(was, stretch)) {
        (void) __atomic_fetch_add(&span->now, 1, __ATOMIC_RELAXED);
        return;
    }

    before = stretch == was + 1 ? FK_GET(span->now) : 0;
    __atomic_store_n(&span->before, before, __ATOMIC_RELAXED);
    __atomic_store_n(&span->now, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&span->stretch, stretch, __ATOMIC_RELAXED);
}

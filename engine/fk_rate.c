/*
 * How many of a kind there were within a minute, an hour and a day, by key.
 *
 * A key has one place in a set of four, found by its hash; when all four are
 * others', the one that was seen least lately goes.  No lock: a count is a
 * hint for a rule and no money, and a flash sale asks for it at every order.
 * Each word is stored whole; two who count the same key at once may lose one.
 *
 * A span is two counters, of this stretch of time and of the one before, which
 * counts by the share of it that is still within the span.
 */

#include "fk_priv.h"


static fk_rate_rec_t *fk_rate_set(const fk_t *fk, uint64_t hash);
static uint64_t fk_rate_hash(fk_rate_t rate, fk_str_t key);
static fk_rate_rec_t *fk_rate_place(fk_rate_rec_t *set, uint64_t hash);
static void fk_rate_count(fk_rate_span_t *span, uint32_t stretch);


static const uint32_t  fk_span_s[FK_SPAN_COUNT] = {
    [FK_SPAN_1M] = 60,
    [FK_SPAN_1H] = 3600,
    [FK_SPAN_1D] = 86400
};


void
fk_rate_add(fk_t *fk, const fk_env_t *env, fk_rate_t rate, fk_str_t key)
{
    uint32_t        n, now_s;
    uint64_t        hash;
    fk_rate_rec_t  *place;

    now_s = fk_now_s(env);
    hash = fk_rate_hash(rate, key);
    place = fk_rate_place(fk_rate_set(fk, hash), hash);

    __atomic_store_n(&place->last_s, now_s, __ATOMIC_RELAXED);

    for (n = 0; n < FK_SPAN_COUNT; n++) {
        fk_rate_count(&place->span[n], now_s / fk_span_s[n]);
    }
}


void
fk_rate_get(const fk_t *fk, const fk_env_t *env, fk_rate_t rate,
    fk_str_t key, uint32_t out[FK_SPAN_COUNT])
{
    uint32_t              n, i, now_s, stretch;
    uint64_t              hash, part;
    const fk_rate_rec_t  *set;

    now_s = fk_now_s(env);
    hash = fk_rate_hash(rate, key);
    set = fk_rate_set(fk, hash);

    memset(out, 0, FK_SPAN_COUNT * sizeof(uint32_t));

    for (i = 0; i < FK_RATE_WAYS && FK_GET(set[i].hash) != hash; i++) {
        /* void */
    }

    if (i == FK_RATE_WAYS) {
        return;
    }

    for (n = 0; n < FK_SPAN_COUNT; n++) {
        stretch = FK_GET(set[i].span[n].stretch);

        /* A stretch ahead of now is of a clock that is gone. */
        if (now_s / fk_span_s[n] <= stretch) {
            part = FK_GET(set[i].span[n].before);
            out[n] = FK_GET(set[i].span[n].now);

        } else if (now_s / fk_span_s[n] == stretch + 1) {
            part = FK_GET(set[i].span[n].now);

        } else {
            part = 0;
        }

        out[n] += (uint32_t) (part * (fk_span_s[n] - now_s % fk_span_s[n])
                              / fk_span_s[n]);
    }
}


static uint64_t
fk_rate_hash(fk_rate_t rate, fk_str_t key)
{
    assert((unsigned) rate < FK_RATE_COUNT);

    /* 0 is a place that nobody has. */
    return fk_hash_bytes(key.data, key.size) * (2 * (uint64_t) rate + 1) | 1;
}


static fk_rate_rec_t *
fk_rate_set(const fk_t *fk, uint64_t hash)
{
    uint64_t        n;
    fk_rate_rec_t  *rates;

    rates = (fk_rate_rec_t *) (void *) (fk->base + fk->region->rate_offset);
    n = (uint64_t) ((hash >> 32) * (uint64_t) fk->region->plan.rate_sets
                    >> 32);

    return rates + n * FK_RATE_WAYS;
}


static fk_rate_rec_t *
fk_rate_place(fk_rate_rec_t *set, uint64_t hash)
{
    uint32_t        i, n;
    fk_rate_rec_t  *oldest;

    oldest = set;

    for (i = 0; i < FK_RATE_WAYS; i++) {
        if (FK_GET(set[i].hash) == hash) {
            return &set[i];
        }

        if (FK_GET(set[i].last_s) < FK_GET(oldest->last_s)) {
            oldest = &set[i];
        }
    }

    for (n = 0; n < FK_SPAN_COUNT; n++) {
        __atomic_store_n(&oldest->span[n].stretch, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&oldest->span[n].now, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&oldest->span[n].before, 0, __ATOMIC_RELAXED);
    }

    __atomic_store_n(&oldest->hash, hash, __ATOMIC_RELAXED);
    return oldest;
}


static void
fk_rate_count(fk_rate_span_t *span, uint32_t stretch)
{
    uint32_t  was, before;

    was = FK_GET(span->stretch);

    if (stretch <= was) {
        (void) __atomic_fetch_add(&span->now, 1, __ATOMIC_RELAXED);
        return;
    }

    before = stretch == was + 1 ? FK_GET(span->now) : 0;
    __atomic_store_n(&span->before, before, __ATOMIC_RELAXED);
    __atomic_store_n(&span->now, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&span->stretch, stretch, __ATOMIC_RELAXED);
}

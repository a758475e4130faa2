/*
 * Rates and signals: what rules know besides orders.
 */

#include <pthread.h>

#include "engine_shop.h"


#define DAY_START_S  1700006400        /* a minute, an hour and a day begin */


static void
at(int64_t second)
{
    shop_env.now_ms = ((int64_t) DAY_START_S + second) * 1000;
}


static void
add(fk_rate_t rate, const char *key, unsigned n)
{
    while (n-- > 0) {
        fk_rate_add(&shop, &shop_env, rate, fk_rate_key(&shop, str(key)));
    }
}


#define RATES(rate, key, m, h, d, what)                                      \
    do {                                                                     \
        uint32_t  got[FK_SPAN_COUNT];                                        \
        fk_rate_get(&shop, &shop_env, rate, fk_rate_key(&shop, str(key)),    \
                    got);                                                    \
        EQ_INT(got[FK_SPAN_1M], m, what ": in a minute");                    \
        EQ_INT(got[FK_SPAN_1H], h, what ": in an hour");                     \
        EQ_INT(got[FK_SPAN_1D], d, what ": in a day");                       \
    } while (0)


static void
test_rates(void)
{
    at(0);
    RATES(FK_RATE_IP, "a", 0, 0, 0, "nobody knows it");

    add(FK_RATE_IP, "a", 60);
    RATES(FK_RATE_IP, "a", 60, 60, 60, "all of them now");
    RATES(FK_RATE_IP, "b", 0, 0, 0, "another key");
    RATES(FK_RATE_SKU, "a", 0, 0, 0, "the same key of another kind");

    at(59);
    RATES(FK_RATE_IP, "a", 60, 60, 60, "the last second");
    at(60);
    RATES(FK_RATE_IP, "a", 60, 60, 60, "the next minute begins");
    at(90);
    RATES(FK_RATE_IP, "a", 30, 60, 60, "half of the minute before counts");
    add(FK_RATE_IP, "a", 5);
    RATES(FK_RATE_IP, "a", 35, 65, 65, "and what came since");
    at(120);
    RATES(FK_RATE_IP, "a", 5, 65, 65, "then only that");
    at(180);
    RATES(FK_RATE_IP, "a", 0, 65, 65, "and then nothing");

    at(3600 + 1800);
    RATES(FK_RATE_IP, "a", 0, 32, 65, "half of an hour");
    at(86400 + 43200);
    RATES(FK_RATE_IP, "a", 0, 0, 32, "half of a day");
    at(3 * 86400);
    RATES(FK_RATE_IP, "a", 0, 0, 0, "long ago");

    add(FK_RATE_IP, "a", 2);
    RATES(FK_RATE_IP, "a", 2, 2, 2, "it begins anew");
    at(3 * 86400 - 1);
    RATES(FK_RATE_IP, "a", 2, 2, 2, "the clock was set back by a second");
    add(FK_RATE_IP, "a", 1);
    RATES(FK_RATE_IP, "a", 3, 3, 3, "and it goes on counting");
    at(3 * 86400 - 7200);
    RATES(FK_RATE_IP, "a", 0, 0, 3, "it was set back by two hours");
    add(FK_RATE_IP, "a", 1);
    RATES(FK_RATE_IP, "a", 1, 1, 4, "what is ahead is of another time");
}


/* A clock that was wrong once is no reason to count for ever. */

static void
test_ahead(void)
{
    unsigned  day;

    at(366 * 86400);
    add(FK_RATE_CONTACT, "ahead", 5);

    for (day = 1; day <= 30; day++) {
        at(day * 86400);
        add(FK_RATE_CONTACT, "ahead", 1);
    }

    RATES(FK_RATE_CONTACT, "ahead", 1, 1, 2, "one a day");
}


/* More keys than places: those seen last stay, none is taken for another. */

static void
test_many(void)
{
    char      key[32];
    uint32_t  i, n, known, wrong, got[FK_SPAN_COUNT];

    at(10 * 86400);
    n = shop.region->plan.rate_sets / FK_RATE_COUNT * FK_RATE_WAYS * 8;

    for (i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "many-%u", i);
        at(10 * 86400 + i / 1000);
        add(FK_RATE_CONTACT, key, 2);
    }

    known = wrong = 0;
    for (i = n - n / 64; i < n; i++) {
        snprintf(key, sizeof(key), "many-%u", i);
        fk_rate_get(&shop, &shop_env, FK_RATE_CONTACT,
                    fk_rate_key(&shop, str(key)), got);
        known += got[FK_SPAN_1D] != 0;
        wrong += got[FK_SPAN_1D] > 2;
    }

    OK(known > n / 64 * 9 / 10, "%u of the last %u are known", known, n / 64);
    EQ_INT(wrong, 0, "none has what was another's");
}


/* As many contacts as one likes, within a second, hide no network. */

static void
test_crowd(void)
{
    char      key[32];
    uint32_t  i, count[FK_SPAN_COUNT];

    at(15 * 86400);

    for (i = 0; i < 3000; i++) {
        snprintf(key, sizeof(key), "crowd-%u", i);
        add(FK_RATE_CONTACT, key, 1);
        add(FK_RATE_PAID, key, 1);
        add(FK_RATE_AGENT, key, 1);
        add(FK_RATE_IP, "one network", 1);
        add(FK_RATE_SKU, "one product", 1);
        add(FK_RATE_CONTACT, "one of them", i % 64 == 0);
    }

    RATES(FK_RATE_IP, "one network", 3000, 3000, 3000, "a network");
    RATES(FK_RATE_SKU, "one product", 3000, 3000, 3000, "a product");

    fk_rate_get(&shop, &shop_env, FK_RATE_CONTACT,
                fk_rate_key(&shop, str("one of them")), count);
    EQ_INT(count[FK_SPAN_1M], 47, "who comes often stays");
}


/* The key that pushes out the first one; those who share a set with it do. */

static uint32_t
pushed_out(const char *seed)
{
    fk_t         fk;
    char         name[32];
    void        *mem;
    uint8_t      bytes[FK_SEED_SIZE];
    uint32_t     i, got[FK_SPAN_COUNT];
    const char  *wrong;

    memset(bytes, *seed, sizeof(bytes));
    mem = mmap(NULL, SHOP_SIZE, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shop_must(mem != MAP_FAILED
              && fk_format(mem, SHOP_SIZE, bytes) == FK_OK
              && fk_attach(&fk, mem, SHOP_SIZE, &wrong) == FK_OK, "region");

    fk_rate_add(&fk, &shop_env, FK_RATE_IP, fk_rate_key(&fk, str("first")));

    for (i = 0; i < 100000; i++) {
        fk_rate_get(&fk, &shop_env, FK_RATE_IP,
                    fk_rate_key(&fk, str("first")), got);

        if (got[FK_SPAN_1M] == 0) {
            break;
        }

        snprintf(name, sizeof(name), "then-%u", i);
        fk_rate_add(&fk, &shop_env, FK_RATE_IP, fk_rate_key(&fk, str(name)));
    }

    shop_must(munmap(mem, SHOP_SIZE) == 0, "munmap");
    return i;
}


static void
test_secret(void)
{
    uint32_t  first;

    first = pushed_out("a");
    OK(first >= FK_RATE_WAYS && first < 100000, "key %u is one too many",
       first);
    EQ_INT(pushed_out("a"), first, "it is for this secret");
    OK(pushed_out("b") != first && pushed_out("c") != first,
       "and not for another one");
}


/* SipHash-1-3 of 0, 1, 2 ... with the key 0 .. 15. */

static void
test_hash(void)
{
    unsigned  i;
    uint8_t   data[32];

    static const struct {
        size_t    size;
        uint64_t  hash;
    } wanted[] = {
        { 0, UINT64_C(0xabac0158050fc4dc) },
        { 1, UINT64_C(0xc9f49bf37d57ca93) },
        { 7, UINT64_C(0xd3927d989bb11140) },
        { 8, UINT64_C(0x369095118d299a8e) },
        { 15, UINT64_C(0xd320d86d2a519956) },
        { 16, UINT64_C(0xcc4fdd1a7d908b66) },
        { 31, UINT64_C(0x2370dd1f8c21d1bc) }
    };

    for (i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t) i;
    }

    for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        OK(fk_hash_secret(&shop, data, wanted[i].size) == wanted[i].hash,
           "%zu bytes", wanted[i].size);
    }
}


static void *
count_up(void *arg)
{
    fk_t      fk;
    unsigned  i;

    fk = shop;
    for (i = 0; i < 100000; i++) {
        fk_rate_add(&fk, &shop_env, FK_RATE_SKU, fk_rate_key(&fk, str("hot")));
    }

    return arg;
}


static void
test_together(void)
{
    uint32_t   got[FK_SPAN_COUNT];
    pthread_t  thread[2];

    at(20 * 86400);
    shop_must(pthread_create(&thread[0], NULL, count_up, NULL) == 0
              && pthread_create(&thread[1], NULL, count_up, NULL) == 0
              && pthread_join(thread[0], NULL) == 0
              && pthread_join(thread[1], NULL) == 0, "threads");

    fk_rate_get(&shop, &shop_env, FK_RATE_SKU, fk_rate_key(&shop, str("hot")),
                got);
    OK(got[FK_SPAN_1M] > 199000 && got[FK_SPAN_1M] <= 200000,
       "two at once: %u of 200000", got[FK_SPAN_1M]);
}


static fk_code_t
put(const char *name, int64_t value, int64_t ttl_ms, const char **field)
{
    return fk_signal_put(&shop, &shop_env, str(name), value, ttl_ms, field);
}


static void
test_signals(void)
{
    int64_t      value;
    const char  *field;

    at(0);
    value = 7;
    EQ_INT(fk_signal_get(&shop, &shop_env, str("rain"), &value), 0, "none");
    EQ_INT(put("rain", -5, 1000, &field), FK_OK, "a signal is pushed");
    OK(fk_signal_get(&shop, &shop_env, str("rain"), &value) && value == -5,
       "and read");
    EQ_INT(fk_signal_get(&shop, &shop_env, str("rai"), &value), 0,
           "a part of its name is no name");
    EQ_INT(put("rain", FK_SIGNAL_MAX, 2000, &field), FK_OK, "pushed again");
    OK(fk_signal_get(&shop, &shop_env, str("rain"), &value)
       && value == FK_SIGNAL_MAX, "the new one counts");

    shop_env.now_ms += 1999;
    EQ_INT(fk_signal_get(&shop, &shop_env, str("rain"), &value), 1,
           "until its time is over");
    shop_env.now_ms += 1;
    EQ_INT(fk_signal_get(&shop, &shop_env, str("rain"), &value), 0, "gone");
}


static void
test_signals_refused(void)
{
    unsigned     i;
    const char  *field;

    static const char *const  wrong[] = {
        "", "1st", "a-b", "a b", "a.b", "\xc3\xa9",
        "abcdefghijklmnopqrstuvwxyz_01234"
    };

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        EQ_INT(put(wrong[i], 1, 1, &field), FK_INVALID, "name '%s'",
               wrong[i]);
        OK(strcmp(field, "name") == 0, "it is the name");
    }

    EQ_INT(put("a", FK_SIGNAL_MAX + 1, 1, &field), FK_INVALID, "too large");
    OK(strcmp(field, "value") == 0, "it is the value");
    EQ_INT(put("a", 1, 0, &field), FK_INVALID, "no time");
    OK(strcmp(field, "ttl") == 0, "it is the time to live");
}


static void
test_signals_full(void)
{
    char         name[32];
    int64_t      value;
    unsigned     i;
    const char  *field;
    fk_signal_t  all[FK_SIGNALS_MAX];

    at(100);
    for (i = 0; i < FK_SIGNALS_MAX; i++) {
        snprintf(name, sizeof(name), "s%u", i);
        shop_must(put(name, i, 1000 + 1000 * (i == 3), &field) == FK_OK,
                  "push");
    }

    EQ_INT(fk_signal_list(&shop, &shop_env, all), FK_SIGNALS_MAX, "full");
    EQ_INT(put("more", 1, 1, &field), FK_TABLE_FULL, "one more is refused");
    EQ_INT(put("s9", 99, 1000, &field), FK_OK, "a known one is not");

    shop_env.now_ms += 1000;
    EQ_INT(put("more", 1, 1000, &field), FK_OK, "a place that is over");
    EQ_INT(fk_signal_list(&shop, &shop_env, all), 2, "two are alive");
    OK(fk_signal_get(&shop, &shop_env, str("s3"), &value) && value == 3,
       "the one that lives longer is still there");

    /* A writer died in the middle of it. */
    shop.region->signal[3].version |= 1;
    EQ_INT(fk_signal_get(&shop, &shop_env, str("s3"), &value), 0,
           "half a signal is none");
    EQ_INT(put("s3", 4, 1000, &field), FK_OK, "it is pushed again");
    OK(fk_signal_get(&shop, &shop_env, str("s3"), &value) && value == 4,
       "and whole");
    OK(shop_sound(), "the shop is sound");
}


int
main(void)
{
    shop_open();

    test_hash();
    test_rates();
    test_ahead();
    test_many();
    test_crowd();
    test_secret();
    test_together();
    test_signals();
    test_signals_refused();
    test_signals_full();

    return tap_done();
}

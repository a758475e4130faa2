/*
 * Signals: numbers that the operator pushes for the rules, each with a time
 * after which it is gone.
 *
 * Written under the lock, read without it, many times for each write: so each
 * has a counter that is odd while it changes, and who reads looks at it before
 * and after.  A writer that dies in between leaves it odd: then there is no
 * such signal, until the next one that is pushed into its place.
 */

#include "fk_priv.h"


#define FK_SIGNAL_TRIES  3


static int fk_signal_name_good(fk_str_t name);
static int fk_signal_read(const fk_signal_rec_t *rec, fk_signal_t *out);
static int fk_signal_is(const fk_signal_t *signal, fk_str_t name);
static fk_signal_rec_t *fk_signal_place(fk_t *fk, const fk_env_t *env,
    fk_str_t name);
static void fk_signal_write(fk_signal_rec_t *rec, const fk_signal_t *signal);


fk_code_t
fk_signal_put(fk_t *fk, const fk_env_t *env, fk_str_t name, int64_t value,
    int64_t ttl_ms, const char **field)
{
    fk_code_t         rc;
    fk_signal_t       signal;
    fk_signal_rec_t  *rec;

    *field = !fk_signal_name_good(name) ? "name"
             : value < -FK_SIGNAL_MAX || value > FK_SIGNAL_MAX ? "value"
             : ttl_ms < 1 || ttl_ms > FK_SIGNAL_MAX ? "ttl" : NULL;

    if (*field != NULL) {
        return FK_INVALID;
    }

    memset(&signal, 0, sizeof(signal));
    memcpy(signal.name, name.data, name.size);
    signal.value = value;
    signal.expires_ms = env->now_ms + ttl_ms;

    rc = fk_lock(fk);
    if (rc != FK_OK) {
        return rc;
    }

    rec = fk_signal_place(fk, env, name);

    if (rec != NULL) {
        fk_signal_write(rec, &signal);
    }

    fk_unlock(fk);
    return rec != NULL ? FK_OK : FK_TABLE_FULL;
}


int
fk_signal_get(const fk_t *fk, const fk_env_t *env, fk_str_t name,
    int64_t *value)
{
    uint32_t     i, count;
    fk_signal_t  signal;

    count = FK_GET(fk->region->signals_count);

    for (i = 0; i < count && i < FK_SIGNALS_MAX; i++) {
        if (fk_signal_read(&fk->region->signal[i], &signal)
            && fk_signal_is(&signal, name) && env->now_ms < signal.expires_ms)
        {
            *value = signal.value;
            return 1;
        }
    }

    return 0;
}


uint32_t
fk_signal_list(const fk_t *fk, const fk_env_t *env,
    fk_signal_t out[FK_SIGNALS_MAX])
{
    uint32_t  i, n, count;

    n = 0;
    count = FK_GET(fk->region->signals_count);

    for (i = 0; i < count && i < FK_SIGNALS_MAX; i++) {
        if (fk_signal_read(&fk->region->signal[i], &out[n])
            && env->now_ms < out[n].expires_ms)
        {
            out[n].name[FK_SIGNAL_NAME_SIZE_MAX] = '\0';
            n++;
        }
    }

    return n;
}


static int
fk_signal_name_good(fk_str_t name)
{
    size_t   i;
    uint8_t  c;

    if (name.size < 1 || name.size > FK_SIGNAL_NAME_SIZE_MAX) {
        return 0;
    }

    for (i = 0; i < name.size; i++) {
        c = name.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '_'
            && (i == 0 || c < '0' || c > '9'))
        {
            return 0;
        }
    }

    return 1;
}


/* Its own place, else one that is over, else a new one. */

static fk_signal_rec_t *
fk_signal_place(fk_t *fk, const fk_env_t *env, fk_str_t name)
{
    uint32_t          i, count;
    fk_region_t      *r;
    fk_signal_t       signal;
    fk_signal_rec_t  *over;

    r = fk->region;
    over = NULL;
    count = r->signals_count < FK_SIGNALS_MAX ? r->signals_count
                                              : FK_SIGNALS_MAX;

    for (i = 0; i < count; i++) {
        if (!fk_signal_read(&r->signal[i], &signal)) {
            over = &r->signal[i];
            continue;
        }

        if (fk_signal_is(&signal, name)) {
            return &r->signal[i];
        }

        if (env->now_ms >= signal.expires_ms) {
            over = &r->signal[i];
        }
    }

    if (over == NULL && count < FK_SIGNALS_MAX) {
        over = &r->signal[count];
        __atomic_store_n(&r->signals_count, count + 1, __ATOMIC_RELEASE);
    }

    return over;
}


static void
fk_signal_write(fk_signal_rec_t *rec, const fk_signal_t *signal)
{
    size_t    i;
    uint32_t  version;
    uint64_t  word[FK_SIGNAL_WORDS];

    memcpy(word, signal, sizeof(*signal));
    version = FK_GET(rec->version) | 1;

    __atomic_store_n(&rec->version, version, __ATOMIC_RELAXED);

    /* Each behind the odd version, and before the next one. */
    for (i = 0; i < FK_SIGNAL_WORDS; i++) {
        __atomic_store_n(&rec->word[i], word[i], __ATOMIC_RELEASE);
    }

    __atomic_store_n(&rec->version, version + 1, __ATOMIC_RELEASE);
}


/* 0: it is being written, or its writer has died. */

static int
fk_signal_read(const fk_signal_rec_t *rec, fk_signal_t *out)
{
    size_t    i;
    uint32_t  n, version;
    uint64_t  word[FK_SIGNAL_WORDS];

    for (n = 0; n < FK_SIGNAL_TRIES; n++) {
        version = __atomic_load_n(&rec->version, __ATOMIC_ACQUIRE);

        for (i = 0; i < FK_SIGNAL_WORDS; i++) {
            word[i] = __atomic_load_n(&rec->word[i], __ATOMIC_ACQUIRE);
        }

        if (version % 2 == 0 && FK_GET(rec->version) == version) {
            memcpy(out, word, sizeof(*out));
            return 1;
        }
    }

    return 0;
}


static int
fk_signal_is(const fk_signal_t *signal, fk_str_t name)
{
    return strnlen(signal->name, sizeof(signal->name)) == name.size
           && memcmp(signal->name, name.data, name.size) == 0;
}

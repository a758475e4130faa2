/*
 * Member levels, and the buyers who have them: by what they have spent, or by
 * the operator's hand.  There are few levels, so they are gone through.
 */

#include "fk_tally.h"


static uint32_t fk_level_find(const fk_t *fk, fk_str_t name);
static const char *fk_level_wrong(const fk_level_put_t *in);
static void fk_level_fill(const fk_t *fk, uint32_t i, fk_level_view_t *out);
static uint32_t fk_level_make(fk_t *fk, fk_str_t name);
static fk_code_t fk_buyer_set(fk_t *fk, const fk_env_t *env,
    const uint8_t *key, uint32_t level, uint64_t *seq);


static uint32_t
fk_level_find(const fk_t *fk, fk_str_t name)
{
    uint32_t               i;
    const fk_level_rec_t  *l;

    for (i = 1; i <= fk->region->table[FK_TABLE_LEVELS].fresh; i++) {
        l = FK_LEVEL(fk, i);

        if (l->used && strnlen(l->name, sizeof(l->name)) == name.size
            && memcmp(l->name, name.data, name.size) == 0)
        {
            return i;
        }
    }

    return 0;
}


/* Of those that he has spent enough for the one that asks for the most. */

uint32_t
fk_level_of(const fk_t *fk, const fk_tally_rec_t *t)
{
    int64_t                spent;
    uint32_t               i, best;
    const fk_level_rec_t  *l;

    if (t != NULL && t->level != 0) {
        return t->level;
    }

    spent = t != NULL ? t->live.amount + t->archived.amount : 0;
    best = 0;

    for (i = 1; i <= fk->region->table[FK_TABLE_LEVELS].fresh; i++) {
        l = FK_LEVEL(fk, i);

        if (l->used && l->min_spent <= spent
            && (best == 0 || l->min_spent > FK_LEVEL(fk, best)->min_spent))
        {
            best = i;
        }
    }

    return best;
}


static const char *
fk_level_wrong(const fk_level_put_t *in)
{
    if (in->name.size == 0 || in->name.size > FK_LEVEL_NAME_SIZE_MAX
        || memchr(in->name.data, '\0', in->name.size) != NULL)
    {
        return "name";
    }

    if (in->off_bp > FK_BP) {
        return "off";
    }

    return in->min_spent < 0 || in->min_spent > FK_UNITS_MAX ? "min_spent"
                                                            : NULL;
}


fk_code_t
fk_level_put(fk_t *fk, const fk_env_t *env, const fk_level_put_t *in,
    uint64_t *seq, const char **field)
{
    uint32_t         i;
    fk_code_t        code;
    fk_level_rec_t  *l;

    *field = fk_level_wrong(in);
    if (*field != NULL) {
        return FK_INVALID;
    }

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    i = fk_level_find(fk, in->name);

    if (i == 0 && fk_table_room(fk, FK_TABLE_LEVELS) == 0) {
        code = FK_TABLE_FULL;

    } else if (!fk_record_room(fk, FK_IMAGE_LEVEL_SIZE)) {
        code = FK_RING_FULL;
    }

    if (code == FK_OK) {
        i = i != 0 ? i : fk_level_make(fk, in->name);
        l = FK_LEVEL(fk, i);
        FK_SET(fk, l->min_spent, in->min_spent);
        FK_SET(fk, l->off_bp, in->off_bp);

        fk_record_begin(fk, env);
        fk_record_level(fk, i);
        *seq = fk_record_end(fk);
        fk_commit(fk);
    }

    fk_unlock(fk);
    return code;
}


static uint32_t
fk_level_make(fk_t *fk, fk_str_t name)
{
    uint32_t         i;
    fk_level_rec_t  *l;

    i = fk_slot_take(fk, FK_TABLE_LEVELS);
    l = FK_LEVEL(fk, i);
    memset(l, 0, sizeof(*l));
    memcpy(l->name, name.data, name.size);
    FK_SET(fk, l->used, 1);

    return i;
}


static void
fk_level_fill(const fk_t *fk, uint32_t i, fk_level_view_t *out)
{
    const fk_level_rec_t  *l;

    l = FK_LEVEL(fk, i);
    memcpy(out->name, l->name, sizeof(out->name));
    out->name[FK_LEVEL_NAME_SIZE_MAX] = '\0';
    out->off_bp = l->off_bp;
    out->min_spent = l->min_spent;
    out->seq = l->seq;
}


fk_code_t
fk_level_get(fk_t *fk, fk_str_t name, fk_level_view_t *out)
{
    uint32_t   i;
    fk_code_t  code;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    i = fk_level_find(fk, name);
    if (i != 0) {
        fk_level_fill(fk, i, out);
    }

    fk_unlock(fk);
    return i != 0 ? FK_OK : FK_NOT_FOUND;
}


fk_code_t
fk_level_list(fk_t *fk, fk_level_view_t out[FK_LEVELS_MAX], uint32_t *n)
{
    uint32_t   i;
    fk_code_t  code;

    *n = 0;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    for (i = 1; i <= fk->region->table[FK_TABLE_LEVELS].fresh; i++) {
        if (FK_LEVEL(fk, i)->used) {
            fk_level_fill(fk, i, &out[(*n)++]);
        }
    }

    fk_unlock(fk);
    return FK_OK;
}


fk_code_t
fk_buyer_get(fk_t *fk, const uint8_t key[FK_TALLY_KEY_SIZE],
    fk_buyer_view_t *out)
{
    fk_code_t  code;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        memset(out, 0, sizeof(*out));
        return code;
    }

    fk_buyer_fill(fk, fk_tally_find(fk, FK_TALLY_BUYER, key), out);

    fk_unlock(fk);
    return FK_OK;
}


void
fk_buyer_fill(const fk_t *fk, uint32_t tally, fk_buyer_view_t *out)
{
    uint32_t               level;
    const fk_tally_rec_t  *t;

    memset(out, 0, sizeof(*out));
    t = tally != 0 ? FK_TALLY(fk, tally) : NULL;
    level = fk_level_of(fk, t);

    if (t != NULL) {
        out->orders_count = t->live.orders + t->archived.orders;
        out->units_count = t->live.units + t->archived.units;
        out->spent = t->live.amount + t->archived.amount;
        out->last_paid_s = t->last_paid_s;
        out->by_operator = t->level != 0;
    }

    if (level != 0) {
        out->off_bp = FK_LEVEL(fk, level)->off_bp;
        memcpy(out->level, FK_LEVEL(fk, level)->name, sizeof(out->level));
        out->level[FK_LEVEL_NAME_SIZE_MAX] = '\0';
    }
}


fk_code_t
fk_buyer_put(fk_t *fk, const fk_env_t *env,
    const uint8_t key[FK_TALLY_KEY_SIZE], fk_str_t level, uint64_t *seq)
{
    uint32_t   i;
    fk_code_t  code;

    *seq = 0;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    i = level.size != 0 ? fk_level_find(fk, level) : 0;

    code = level.size != 0 && i == 0 ? FK_NOT_FOUND
           : !fk_record_room(fk, FK_IMAGE_TALLY_SIZE) ? FK_RING_FULL
           : fk_buyer_set(fk, env, key, i, seq);

    fk_unlock(fk);
    return code;
}


static fk_code_t
fk_buyer_set(fk_t *fk, const fk_env_t *env, const uint8_t *key,
    uint32_t level, uint64_t *seq)
{
    uint32_t         i;
    fk_tally_rec_t  *t;

    i = fk_tally_find(fk, FK_TALLY_BUYER, key);

    if (i == 0) {
        if (level == 0) {
            return FK_OK;
        }

        if (!fk_tally_buyer_room(fk, env, 0)) {
            return FK_TABLE_FULL;
        }

        if (!fk_record_room(fk, FK_IMAGE_TALLY_SIZE)) {
            return FK_RING_FULL;
        }

        i = fk_tally_take(fk, fk_tally_bucket(fk, key), FK_TALLY_BUYER, key);

    } else if (level == 0 && fk_tally_orderless(FK_TALLY(fk, i))
               && fk_snapshot_pauses(fk, env))
    {
        return FK_AGAIN;
    }

    t = FK_TALLY(fk, i);
    FK_SET(fk, t->level, level);

    fk_record_begin(fk, env);

    if (fk_tally_empty(t)) {
        fk_tally_free(fk, i);
    } else {
        fk_record_tally(fk, i);
    }

    *seq = fk_record_end(fk);
    fk_commit(fk);

    return FK_OK;
}

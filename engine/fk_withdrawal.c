/*
 * Withdrawals: an account's way to its money; and credits, the way of money to
 * an account that no order brought.  A credit is kept as a withdrawal that is
 * paid, the other way round.
 *
 * What is asked for is reserved at once, so it cannot be asked for twice; a
 * person approves it, moves the money, and says so.  A finished one stays to
 * be seen until its slot is needed: then what was paid goes into a sum of its
 * account.
 */

#include "fk_priv.h"


/* An id is the serial, which is the number of the record that made it, and
 * the slot. */
#define FK_WITHDRAWAL_SLOT_BITS  16

#define FK_FINISHED_SLOTS_MAX    1024  /* looked at for one that may go */

/* Bits: from which states one may get into another. */
#define FROM(state)  (1u << FK_WITHDRAWAL_##state)

static const uint8_t  fk_withdrawal_from[FK_WITHDRAWAL_STATE_COUNT] = {
    [FK_WITHDRAWAL_APPROVED] = FROM(REQUESTED),
    [FK_WITHDRAWAL_PAID] = FROM(APPROVED),
    [FK_WITHDRAWAL_REJECTED] = FROM(REQUESTED) | FROM(APPROVED),
};


static int fk_withdrawal_open(const fk_withdrawal_rec_t *w);
static fk_code_t fk_withdrawal_ask(fk_t *fk, const fk_env_t *env,
    fk_str_t account, int64_t amount, fk_str_t note, int once,
    fk_withdrawal_view_t *out);
static uint32_t fk_withdrawal_noted(const fk_t *fk, uint32_t account,
    fk_str_t note, uint8_t credit);
static fk_code_t fk_withdrawal_ladder(fk_t *fk, const fk_env_t *env,
    uint32_t account, int64_t amount);
static uint32_t fk_withdrawal_make(fk_t *fk, const fk_env_t *env,
    uint32_t account, int64_t amount, fk_str_t note, uint8_t credit);
static fk_code_t fk_withdrawal_room(fk_t *fk, const fk_env_t *env);
static fk_code_t fk_credit_ladder(fk_t *fk, const fk_env_t *env,
    uint32_t account, int64_t amount);
static fk_code_t fk_withdrawal_retire(fk_t *fk, const fk_env_t *env);
static uint32_t fk_withdrawal_finished(fk_t *fk);
static void fk_withdrawal_unlink(fk_t *fk, uint32_t withdrawal);
static uint32_t fk_withdrawal_find(const fk_t *fk, uint64_t id);
static void fk_withdrawal_fill(const fk_t *fk, uint32_t withdrawal,
    fk_withdrawal_view_t *out);


uint64_t
fk_withdrawal_id(uint32_t slot, uint64_t serial)
{
    return serial << FK_WITHDRAWAL_SLOT_BITS | slot;
}


static int
fk_withdrawal_open(const fk_withdrawal_rec_t *w)
{
    return w->state == FK_WITHDRAWAL_REQUESTED
           || w->state == FK_WITHDRAWAL_APPROVED;
}


void
fk_withdrawal_count(fk_t *fk, uint32_t withdrawal, int sign)
{
    fk_balance_t                delta;
    fk_account_rec_t           *a;
    const fk_withdrawal_rec_t  *w;

    w = FK_WITHDRAWAL(fk, withdrawal);
    a = FK_ACCOUNT(fk, w->account);
    memset(&delta, 0, sizeof(delta));

    if (fk_withdrawal_open(w)) {
        delta.reserved = sign * w->amount;
        FK_SET(fk, a->open_count, a->open_count + (uint32_t) sign);

    } else if (w->credit) {
        delta.credited = sign * w->amount;

    } else if (w->state == FK_WITHDRAWAL_PAID) {
        delta.paid = sign * w->amount;
    }

    fk_balance_add(fk, w->account, FK_AUDIT_WITHDRAWALS, withdrawal, &delta);

    if (fk_audit_passed(fk, FK_AUDIT_WITHDRAWALS, withdrawal)) {
        fk_audit_count(fk, FK_AUDIT_WITHDRAWALS, withdrawal, sign);
    }
}


/* A new one: its own links need no note. */

void
fk_withdrawal_link(fk_t *fk, uint32_t withdrawal)
{
    fk_account_rec_t     *a;
    fk_withdrawal_rec_t  *w;

    w = FK_WITHDRAWAL(fk, withdrawal);
    a = FK_ACCOUNT(fk, w->account);
    w->prev = 0;
    w->next = a->withdrawals;

    if (a->withdrawals != 0) {
        FK_SET(fk, FK_WITHDRAWAL(fk, a->withdrawals)->prev, withdrawal);
    }

    FK_SET(fk, a->withdrawals, withdrawal);
}


static void
fk_withdrawal_unlink(fk_t *fk, uint32_t withdrawal)
{
    fk_withdrawal_rec_t  *w;

    w = FK_WITHDRAWAL(fk, withdrawal);

    if (w->prev != 0) {
        FK_SET(fk, FK_WITHDRAWAL(fk, w->prev)->next, w->next);
    } else {
        FK_SET(fk, FK_ACCOUNT(fk, w->account)->withdrawals, w->next);
    }

    if (w->next != 0) {
        FK_SET(fk, FK_WITHDRAWAL(fk, w->next)->prev, w->prev);
    }
}


fk_code_t
fk_withdrawal_request(fk_t *fk, const fk_env_t *env, fk_str_t account,
    int64_t amount, fk_str_t note, fk_withdrawal_view_t *out)
{
    return fk_withdrawal_ask(fk, env, account, amount, note, 0, out);
}


fk_code_t
fk_withdrawal_request_once(fk_t *fk, const fk_env_t *env, fk_str_t account,
    int64_t amount, fk_str_t note, fk_withdrawal_view_t *out)
{
    return note.size == 0
           ? FK_INVALID
           : fk_withdrawal_ask(fk, env, account, amount, note, 1, out);
}


static fk_code_t
fk_withdrawal_ask(fk_t *fk, const fk_env_t *env, fk_str_t account,
    int64_t amount, fk_str_t note, int once, fk_withdrawal_view_t *out)
{
    uint32_t   slot, withdrawal;
    fk_code_t  code;

    if (amount < 1 || amount > FK_AMOUNT_MAX || !fk_note_good(note)) {
        return FK_INVALID;
    }

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    slot = fk_account_find(fk, account);
    withdrawal = slot != 0 && once ? fk_withdrawal_noted(fk, slot, note, 0)
                                   : 0;

    code = slot == 0 ? FK_NOT_FOUND
           : withdrawal != 0 ? FK_EXISTS
           : fk_withdrawal_ladder(fk, env, slot, amount);

    if (code == FK_EXISTS) {
        fk_withdrawal_fill(fk, withdrawal, out);
    }

    if (code == FK_OK) {
        fk_record_begin(fk, env);
        withdrawal = fk_withdrawal_make(fk, env, slot, amount, note, 0);
        fk_record_withdrawal(fk, withdrawal);
        (void) fk_record_end(fk);
        fk_commit(fk);

        fk_withdrawal_fill(fk, withdrawal, out);
    }

    fk_unlock(fk);
    return code;
}


/*
 * 0: none of the account's that still counts has this note.  The list begins
 * with the latest.  Beyond those that are known anyway it is walked only while
 * an open one is still to come, which somebody has left lying.
 */

static uint32_t
fk_withdrawal_noted(const fk_t *fk, uint32_t account, fk_str_t note,
    uint8_t credit)
{
    int                         open;
    uint32_t                    n, i, fresh, left;
    const fk_withdrawal_rec_t  *w;

    fresh = fk->region->table[FK_TABLE_WITHDRAWALS].fresh;
    i = FK_ACCOUNT(fk, account)->withdrawals;
    left = FK_ACCOUNT(fk, account)->open_count;

    for (n = 0; i != 0 && n < fresh; n++) {
        w = FK_WITHDRAWAL(fk, i);
        open = fk_withdrawal_open(w);

        if (n >= FK_WITHDRAWALS_KNOWN && left == 0) {
            break;
        }

        if (open) {
            assert(left != 0);
            left--;
        }

        if ((n < FK_WITHDRAWALS_KNOWN || open)
            && w->credit == credit && w->note_size == note.size
            && memcmp(w->note, note.data, note.size) == 0)
        {
            return i;
        }

        i = w->next;
    }

    return 0;
}


static fk_code_t
fk_withdrawal_ladder(fk_t *fk, const fk_env_t *env, uint32_t account,
    int64_t amount)
{
    const fk_account_rec_t  *a;

    a = FK_ACCOUNT(fk, account);

    if (amount > fk_account_available(a)) {
        return FK_CONFLICT;
    }

    if (a->open_count >= FK_WITHDRAWALS_OPEN_MAX) {
        return FK_LIMIT;
    }

    return fk_withdrawal_room(fk, env);
}


static fk_code_t
fk_withdrawal_room(fk_t *fk, const fk_env_t *env)
{
    fk_code_t  code;

    /* A transaction of its own: slots are taken or freed, not both. */
    if (fk_table_room(fk, FK_TABLE_WITHDRAWALS) == 0) {
        code = fk_withdrawal_retire(fk, env);
        if (code != FK_OK) {
            return code;
        }
    }

    return fk_record_room(fk, FK_IMAGE_WITHDRAWAL_SIZE) ? FK_OK
                                                        : FK_RING_FULL;
}


fk_code_t
fk_credit(fk_t *fk, const fk_env_t *env, fk_str_t account, int64_t amount,
    fk_str_t ref, fk_withdrawal_view_t *out)
{
    uint32_t   slot, credit;
    fk_code_t  code;

    if (amount < 1 || amount > FK_AMOUNT_MAX || ref.size == 0
        || !fk_note_good(ref))
    {
        return FK_INVALID;
    }

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    slot = fk_account_find(fk, account);
    credit = slot != 0 ? fk_withdrawal_noted(fk, slot, ref, 1) : 0;

    code = slot == 0 ? FK_NOT_FOUND
           : credit != 0 ? FK_EXISTS
           : fk_credit_ladder(fk, env, slot, amount);

    if (code == FK_OK) {
        fk_record_begin(fk, env);
        credit = fk_withdrawal_make(fk, env, slot, amount, ref, 1);
        fk_record_withdrawal(fk, credit);
        (void) fk_record_end(fk);
        fk_commit(fk);
    }

    if (code == FK_OK || code == FK_EXISTS) {
        fk_withdrawal_fill(fk, credit, out);
    }

    fk_unlock(fk);
    return code;
}


/* Beyond it no recovery would believe the sums. */

static fk_code_t
fk_credit_ladder(fk_t *fk, const fk_env_t *env, uint32_t account,
    int64_t amount)
{
    const fk_account_rec_t  *a;

    a = FK_ACCOUNT(fk, account);

    return a->archived_credited + a->live.credited > FK_UNITS_MAX - amount
           ? FK_LIMIT : fk_withdrawal_room(fk, env);
}


/* A credit is finished when it is made. */

static uint32_t
fk_withdrawal_make(fk_t *fk, const fk_env_t *env, uint32_t account,
    int64_t amount, fk_str_t note, uint8_t credit)
{
    uint32_t              withdrawal;
    fk_withdrawal_rec_t  *w;

    withdrawal = fk_slot_take(fk, FK_TABLE_WITHDRAWALS);
    w = FK_WITHDRAWAL(fk, withdrawal);
    memset(w, 0, sizeof(*w));

    w->serial = fk->region->ring.seq + 1;
    w->amount = amount;
    w->account = account;
    w->requested_s = fk_now_s(env);
    w->state = credit ? FK_WITHDRAWAL_PAID : FK_WITHDRAWAL_REQUESTED;
    w->decided_s = credit ? fk_now_s(env) : 0;
    w->credit = credit;
    w->note_size = (uint8_t) note.size;

    if (note.size != 0) {
        memcpy(w->note, note.data, note.size);
    }

    FK_SET(fk, w->used, 1);
    fk_withdrawal_link(fk, withdrawal);
    fk_withdrawal_count(fk, withdrawal, 1);

    return withdrawal;
}


/* One that is finished leaves for its account's sum. */

static fk_code_t
fk_withdrawal_retire(fk_t *fk, const fk_env_t *env)
{
    uint32_t              slot;
    fk_account_rec_t     *a;
    fk_withdrawal_rec_t  *w;

    slot = fk_snapshot_pauses(fk, env) ? 0 : fk_withdrawal_finished(fk);

    if (slot == 0) {
        return FK_TABLE_FULL;
    }

    w = FK_WITHDRAWAL(fk, slot);
    a = FK_ACCOUNT(fk, w->account);

    /* Beyond it no recovery would believe the sum. */
    if (!w->credit && a->archived_withdrawn > FK_UNITS_MAX - w->amount) {
        return FK_TABLE_FULL;
    }

    if (!fk_record_room(fk, FK_IMAGE_WITHDRAWAL_SIZE + FK_IMAGE_ACCOUNT_SIZE))
    {
        return FK_RING_FULL;
    }

    fk_record_begin(fk, env);
    fk_withdrawal_count(fk, slot, -1);
    fk_withdrawal_unlink(fk, slot);

    if (w->credit) {
        FK_SET(fk, a->archived_credited, a->archived_credited + w->amount);

    } else if (w->state == FK_WITHDRAWAL_PAID) {
        FK_SET(fk, a->archived_withdrawn, a->archived_withdrawn + w->amount);
    }

    FK_SET(fk, w->used, 0);
    fk_record_withdrawal(fk, slot);
    fk_record_account(fk, w->account);
    fk_slot_free(fk, FK_TABLE_WITHDRAWALS, slot);

    (void) fk_record_end(fk);
    fk_commit(fk);

    return FK_OK;
}


/* The next one from where the last search ended, or 0. */

static uint32_t
fk_withdrawal_finished(fk_t *fk)
{
    uint32_t                    n, slot, fresh;
    const fk_withdrawal_rec_t  *w;

    fresh = fk->region->table[FK_TABLE_WITHDRAWALS].fresh;
    slot = fk->region->withdrawal_hand;

    for (n = 0; n < FK_FINISHED_SLOTS_MAX && n < fresh; n++) {
        slot = slot < fresh ? slot + 1 : 1;
        w = FK_WITHDRAWAL(fk, slot);

        if (w->used && !fk_withdrawal_open(w)) {
            break;
        }
    }

    FK_SET(fk, fk->region->withdrawal_hand, slot);
    fk_commit(fk);

    return n < FK_FINISHED_SLOTS_MAX && n < fresh ? slot : 0;
}


fk_code_t
fk_withdrawal_decide(fk_t *fk, const fk_env_t *env, uint64_t id,
    fk_withdrawal_state_t state, fk_withdrawal_view_t *out)
{
    uint32_t              slot;
    fk_code_t             code;
    fk_withdrawal_rec_t  *w;

    if ((unsigned) state >= FK_WITHDRAWAL_STATE_COUNT) {
        return FK_INVALID;
    }

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    slot = fk_withdrawal_find(fk, id);

    if (slot == 0) {
        fk_unlock(fk);
        return FK_NOT_FOUND;
    }

    w = FK_WITHDRAWAL(fk, slot);

    code = w->state == state ? FK_EXISTS
           : !(fk_withdrawal_from[state] >> w->state & 1u) ? FK_CONFLICT
           : fk_record_room(fk, FK_IMAGE_WITHDRAWAL_SIZE) ? FK_OK
                                                          : FK_RING_FULL;

    if (code == FK_OK) {
        fk_withdrawal_count(fk, slot, -1);
        FK_SET(fk, w->state, state);
        FK_SET(fk, w->decided_s, fk_now_s(env));
        fk_withdrawal_count(fk, slot, 1);

        fk_record_begin(fk, env);
        fk_record_withdrawal(fk, slot);
        (void) fk_record_end(fk);
        fk_commit(fk);
    }

    if (code == FK_OK || code == FK_EXISTS) {
        fk_withdrawal_fill(fk, slot, out);
    }

    fk_unlock(fk);
    return code;
}


static uint32_t
fk_withdrawal_find(const fk_t *fk, uint64_t id)
{
    uint32_t                    slot;
    const fk_withdrawal_rec_t  *w;

    slot = (uint32_t) (id & ((1u << FK_WITHDRAWAL_SLOT_BITS) - 1));

    if (slot == 0 || slot > fk->region->table[FK_TABLE_WITHDRAWALS].fresh) {
        return 0;
    }

    w = FK_WITHDRAWAL(fk, slot);

    return w->used && !w->credit && w->serial == id >> FK_WITHDRAWAL_SLOT_BITS
           ? slot : 0;
}


fk_code_t
fk_withdrawal_list(fk_t *fk, int state, uint32_t *cursor,
    fk_withdrawal_view_t *out, uint32_t *n)
{
    uint32_t                    index, count, fresh, end, n_max;
    fk_code_t                   code;
    const fk_withdrawal_rec_t  *w;

    assert(*n != 0);

    n_max = *n;
    *n = 0;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    fresh = fk->region->table[FK_TABLE_WITHDRAWALS].fresh;
    index = *cursor < fresh ? *cursor : fresh;
    end = fresh - index < FK_LIST_SLICE_MAX ? fresh
                                            : index + FK_LIST_SLICE_MAX;

    for (count = 0; index < end && count < n_max; index++) {
        w = FK_WITHDRAWAL(fk, index + 1);

        if (w->used && !w->credit && (state == -1 || w->state == state)) {
            fk_withdrawal_fill(fk, index + 1, &out[count++]);
        }
    }

    *cursor = index < fresh ? index : 0;
    *n = count;

    fk_unlock(fk);
    return FK_OK;
}


static void
fk_withdrawal_fill(const fk_t *fk, uint32_t withdrawal,
    fk_withdrawal_view_t *out)
{
    const fk_account_rec_t     *a;
    const fk_withdrawal_rec_t  *w;

    w = FK_WITHDRAWAL(fk, withdrawal);
    a = FK_ACCOUNT(fk, w->account);
    memset(out, 0, sizeof(*out));

    out->id = fk_withdrawal_id(withdrawal, w->serial);
    out->seq = w->seq;
    memcpy(out->account, a->id, FK_ACCOUNT_SIZE_MAX);
    memcpy(out->currency, a->currency, FK_CURRENCY_SIZE - 1);
    out->amount = w->amount;
    out->requested_s = w->requested_s;
    out->decided_s = w->decided_s;
    out->state = w->state;
    assert(w->note_size <= FK_REF_SIZE_MAX);
    out->note_size = w->note_size;
    memcpy(out->note, w->note, w->note_size);
}

/*
 * What can be seen of splits, one that is made afterwards, and the parts of an
 * order's money that were given back.
 *
 * A part is an operator's word, known by its ref: the same one again books
 * nothing.  Parts are kept with the order's split, which an order without any
 * line gets for them.  A buyer has not spent what he was given back.
 */

#include "fk_journal.h"


/* Where the entries of an account go on: its lines, then its withdrawals. */
#define FK_CURSOR_WITHDRAWALS  ((uint64_t) 1 << 32)


static fk_code_t fk_commission_locked(fk_t *fk, const fk_env_t *env,
    uint32_t order, const fk_split_t *in);
static fk_code_t fk_part_locked(fk_t *fk, const fk_env_t *env, uint32_t order,
    int64_t amount, fk_str_t ref, fk_order_view_t *out);
static fk_code_t fk_part_known(const fk_t *fk, uint32_t split,
    int64_t amount, fk_str_t ref);
static void fk_part_add(fk_t *fk, const fk_env_t *env, uint32_t split,
    int64_t amount, fk_str_t ref);
static fk_code_t fk_entries_locked(const fk_t *fk, uint32_t account,
    uint64_t *cursor, fk_entry_t *out, uint32_t n_max, uint32_t *n);
static uint32_t fk_entries_line(const fk_t *fk, uint32_t ref,
    fk_entry_t *out);
static uint32_t fk_entries_payer(const fk_split_rec_t *s,
    uint8_t axis_payment, fk_entry_t *out);
static void fk_entry_withdrawal(const fk_withdrawal_rec_t *w, uint32_t slot,
    fk_entry_t *out);
static void fk_split_fill(const fk_t *fk, uint32_t split,
    fk_split_view_t *out);


fk_code_t
fk_order_commission(fk_t *fk, const fk_env_t *env, const fk_order_id_t *id,
    const fk_split_t *split, fk_order_view_t *out)
{
    uint32_t         order;
    fk_code_t        code;
    fk_order_rec_t  *o;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    order = fk_order_find(fk, id->bytes);
    code = order == 0 ? FK_NOT_FOUND
           : fk_commission_locked(fk, env, order, split);

    if (code == FK_OK || code == FK_EXISTS) {
        o = FK_ORDER(fk, order);
        fk_order_fill(fk, order, out);
        out->seq = o->split != 0 && FK_SPLIT(fk, o->split)->seq > o->seq
                   ? FK_SPLIT(fk, o->split)->seq : o->seq;
    }

    fk_unlock(fk);
    return code;
}


/* A split is for good: lines come with it, or not at all. */

static fk_code_t
fk_commission_locked(fk_t *fk, const fk_env_t *env, uint32_t order,
    const fk_split_t *in)
{
    int64_t           paid;
    fk_code_t         code;
    fk_order_rec_t   *o;
    fk_split_plan_t   plan;

    o = FK_ORDER(fk, order);

    if (o->axis_payment != FK_PAYMENT_PAID) {
        return FK_CONFLICT;
    }

    if (!o->flagged) {
        return FK_EXISTS;
    }

    /* One that waits must have no other record: its number is its turn. */
    if (o->split != 0 || o->axis_stock == FK_STOCK_SHORT) {
        return FK_CONFLICT;
    }

    paid = fk_payments_amount(fk, o, FK_APPLIED_BIT);
    code = in->flagged ? FK_INVALID
           : fk_split_plan(fk, order, in, paid, &plan);

    if (code != FK_OK) {
        return code;
    }

    if (!fk_record_room(fk, FK_IMAGE_ORDER_SIZE(o->qty)
                            + (plan.count != 0) * FK_IMAGE_SPLIT_SIZE))
    {
        return FK_RING_FULL;
    }

    fk_record_begin(fk, env);
    FK_SET(fk, o->flagged, 0);
    fk_record_order(fk, order);

    if (plan.count != 0) {
        fk_record_split(fk, fk_split_make(fk, env, order, &plan, paid));
    }

    (void) fk_record_end(fk);
    fk_commit(fk);

    return FK_OK;
}


fk_code_t
fk_refund_part(fk_t *fk, const fk_env_t *env, const fk_order_id_t *id,
    int64_t amount, fk_str_t ref, fk_order_view_t *out)
{
    uint32_t   order;
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

    order = fk_order_find(fk, id->bytes);
    code = order == 0 ? FK_NOT_FOUND
           : fk_part_locked(fk, env, order, amount, ref, out);

    if (code == FK_OK || code == FK_EXISTS) {
        fk_order_fill(fk, order, out);
        out->seq = FK_SPLIT(fk, FK_ORDER(fk, order)->split)->seq;
    }

    fk_unlock(fk);
    return code;
}


/* The ladder: known, state, what is left, room; then the one transaction. */

static fk_code_t
fk_part_locked(fk_t *fk, const fk_env_t *env, uint32_t order, int64_t amount,
    fk_str_t ref, fk_order_view_t *out)
{
    int64_t           paid, returned;
    uint32_t          split;
    fk_code_t         code;
    fk_order_rec_t   *o;
    fk_split_plan_t   plan;

    o = FK_ORDER(fk, order);
    split = o->split;

    code = fk_part_known(fk, split, amount, ref);
    if (code != FK_NOT_FOUND) {
        return code;
    }

    if (!fk_part_allowed(o)) {
        return FK_CONFLICT;
    }

    paid = split != 0 ? FK_SPLIT(fk, split)->paid
           : fk_payments_amount(fk, o, FK_APPLIED_BIT);
    returned = split != 0 ? FK_SPLIT(fk, split)->returned : 0;

    if (amount > paid - returned) {
        return FK_INVALID;
    }

    if (split != 0 && FK_SPLIT(fk, split)->part_count == FK_PARTS_MAX) {
        return FK_LIMIT;
    }

    if ((split == 0 && fk_table_room(fk, FK_TABLE_SPLITS) == 0)
        || fk_table_room(fk, FK_TABLE_BLOCKS)
           < FK_BLOCKS_FOR(FK_PART_HEAD_SIZE + ref.size))
    {
        return FK_TABLE_FULL;
    }

    if (!fk_record_room(fk, FK_IMAGE_SPLIT_SIZE)) {
        return FK_RING_FULL;
    }

    if (split == 0) {
        memset(&plan, 0, sizeof(plan));
        split = fk_split_make(fk, env, order, &plan, paid);
    }

    fk_split_count(fk, split, -1);
    fk_tally_parts(fk, order, -1);
    fk_part_add(fk, env, split, amount, ref);
    fk_tally_parts(fk, order, 1);
    fk_split_count(fk, split, 1);

    fk_record_begin(fk, env);
    fk_record_split(fk, split);
    (void) fk_record_end(fk);
    fk_commit(fk);

    return FK_OK;
}


/* What a person can still deny or give up is given back as a whole. */

int
fk_part_allowed(const fk_order_rec_t *o)
{
    fk_axes_t  now, next;

    now = fk_order_axes(o);

    return now.payment == FK_PAYMENT_PAID
           && fk_next_state(&now, FK_EVENT_DENY, 0, &next) != FK_OK
           && fk_next_state(&now, FK_EVENT_GIVE_UP, 0, &next) != FK_OK;
}


static fk_code_t
fk_part_known(const fk_t *fk, uint32_t split, int64_t amount, fk_str_t ref)
{
    uint8_t                part[FK_PART_SIZE_MAX];
    uint32_t               n;
    const fk_split_rec_t  *s;

    if (split == 0) {
        return FK_NOT_FOUND;
    }

    s = FK_SPLIT(fk, split);

    for (n = 0; n < s->part_count; n++) {
        assert(s->part_size[n] <= FK_PART_SIZE_MAX);
        fk_blob_read(fk, s->part[n], part, s->part_size[n]);

        if (s->part_size[n] == FK_PART_HEAD_SIZE + ref.size
            && memcmp(part + FK_PART_HEAD_SIZE, ref.data, ref.size) == 0)
        {
            return (int64_t) fk_get(part, 8) == amount ? FK_EXISTS
                                                       : FK_CONFLICT;
        }
    }

    return FK_NOT_FOUND;
}


static void
fk_part_add(fk_t *fk, const fk_env_t *env, uint32_t split, int64_t amount,
    fk_str_t ref)
{
    uint8_t          part[FK_PART_SIZE_MAX];
    uint32_t         n, size;
    fk_split_rec_t  *s;

    s = FK_SPLIT(fk, split);
    n = s->part_count;
    size = FK_PART_HEAD_SIZE + (uint32_t) ref.size;

    fk_put(part, (uint64_t) amount, 8);
    fk_put(part + 8, fk_now_s(env), 4);
    memcpy(part + FK_PART_HEAD_SIZE, ref.data, ref.size);

    FK_SET(fk, s->part[n], fk_blob_make(fk, part, size));
    FK_SET(fk, s->part_size[n], size);
    FK_SET(fk, s->part_count, n + 1);
    FK_SET(fk, s->returned, s->returned + amount);
}


fk_code_t
fk_order_split(fk_t *fk, const fk_order_id_t *id, fk_split_view_t *out)
{
    uint32_t   order, split;
    fk_code_t  code;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    order = fk_order_find(fk, id->bytes);
    split = order != 0 ? FK_ORDER(fk, order)->split : 0;

    if (split != 0) {
        fk_split_fill(fk, split, out);
    }

    fk_unlock(fk);
    return split != 0 ? FK_OK : FK_NOT_FOUND;
}


static void
fk_split_fill(const fk_t *fk, uint32_t split, fk_split_view_t *out)
{
    uint8_t                axis, part[FK_PART_SIZE_MAX];
    uint32_t               n;
    const fk_split_rec_t  *s;

    s = FK_SPLIT(fk, split);
    axis = FK_ORDER(fk, s->order)->axis_payment;
    memset(out, 0, sizeof(*out));

    out->paid = s->paid;
    out->returned = s->returned;
    out->made_s = s->made_s;
    out->settle_at_s = s->settle_at_s;
    out->state = s->state;
    out->line_count = s->line_count;
    out->part_count = s->part_count;

    if (s->line[FK_LINE_PAYER].account != 0) {
        memcpy(out->payer,
               FK_ACCOUNT(fk, s->line[FK_LINE_PAYER].account)->id,
               FK_ACCOUNT_SIZE_MAX);
    }

    for (n = 0; n < s->line_count; n++) {
        memcpy(out->line[n].account, FK_ACCOUNT(fk, s->line[n].account)->id,
               FK_ACCOUNT_SIZE_MAX);
        out->line[n].amount = s->amount[n];
        out->line[n].clawed = s->amount[n] - fk_line_net(s, n, axis);
    }

    for (n = 0; n < s->part_count; n++) {
        assert(s->part_size[n] >= FK_PART_HEAD_SIZE
               && s->part_size[n] <= FK_PART_SIZE_MAX);
        fk_blob_read(fk, s->part[n], part, s->part_size[n]);

        fk_part_show(part, s->part_size[n], &out->part[n]);
    }
}


void
fk_part_show(const uint8_t *part, uint32_t size, fk_part_view_t *out)
{
    assert(size > FK_PART_HEAD_SIZE && size <= FK_PART_SIZE_MAX);

    out->amount = (int64_t) fk_get(part, 8);
    out->at_s = (uint32_t) fk_get(part + 8, 4);
    out->ref_size = (uint8_t) (size - FK_PART_HEAD_SIZE);
    memcpy(out->ref, part + FK_PART_HEAD_SIZE, out->ref_size);
}


fk_code_t
fk_account_entries(fk_t *fk, fk_str_t id, uint64_t *cursor, fk_entry_t *out,
    uint32_t *n)
{
    uint32_t   account, n_max;
    fk_code_t  code;

    assert(*n >= 2);

    n_max = *n < FK_LIST_SLICE_MAX ? *n : FK_LIST_SLICE_MAX;
    *n = 0;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    account = fk_account_find(fk, id);
    code = account == 0 ? FK_NOT_FOUND
           : fk_entries_locked(fk, account, cursor, out, n_max, n);

    fk_unlock(fk);
    return code;
}


/* The cursor comes from outside: it must name something of this account. */

static fk_code_t
fk_entries_locked(const fk_t *fk, uint32_t account, uint64_t *cursor,
    fk_entry_t *out, uint32_t n_max, uint32_t *n)
{
    uint32_t                    at, split;
    uint64_t                    begin;
    const fk_account_rec_t     *a;
    const fk_withdrawal_rec_t  *w;

    a = FK_ACCOUNT(fk, account);
    begin = *cursor != 0 ? *cursor
            : a->lines != 0 ? a->lines
            : a->withdrawals | FK_CURSOR_WITHDRAWALS;
    at = (uint32_t) begin;

    if (begin < FK_CURSOR_WITHDRAWALS) {
        split = FK_LINE_SPLIT(at);

        if (split == 0 || split > fk->region->table[FK_TABLE_SPLITS].fresh
            || !FK_SPLIT_ANY(fk, split)->used
            || !fk_line_there(FK_SPLIT(fk, split), FK_LINE_PLACE(at))
            || FK_SPLIT(fk, split)->line[FK_LINE_PLACE(at)].account
               != account)
        {
            return FK_CONFLICT;
        }

        /* A line may have two entries: both, or none. */
        while (at != 0 && n_max - *n >= 2) {
            *n += fk_entries_line(fk, at, out + *n);
            at = fk_line_of(fk, at)->next;
        }

        if (at != 0) {
            *cursor = at;
            return FK_OK;
        }

        at = a->withdrawals;

    } else if (at > fk->region->table[FK_TABLE_WITHDRAWALS].fresh
               || (at != 0
                   && (!FK_WITHDRAWAL(fk, at)->used
                       || FK_WITHDRAWAL(fk, at)->account != account)))
    {
        return FK_CONFLICT;
    }

    for ( /* void */ ; at != 0 && *n < n_max; at = w->next) {
        w = FK_WITHDRAWAL(fk, at);
        fk_entry_withdrawal(w, at, &out[(*n)++]);
    }

    *cursor = at != 0 ? at | FK_CURSOR_WITHDRAWALS : 0;
    return FK_OK;
}


static uint32_t
fk_entries_line(const fk_t *fk, uint32_t ref, fk_entry_t *out)
{
    int64_t                net;
    const fk_line_rec_t   *line;
    const fk_order_rec_t  *o;
    const fk_split_rec_t  *s;

    s = FK_SPLIT(fk, FK_LINE_SPLIT(ref));
    o = FK_ORDER(fk, s->order);
    line = fk_line_of(fk, ref);

    memset(out, 0, sizeof(*out));
    memcpy(out->order.bytes, o->id, FK_ORDER_ID_SIZE);
    out->at_s = s->made_s;

    if (FK_LINE_PLACE(ref) == FK_LINE_PAYER) {
        return fk_entries_payer(s, o->axis_payment, out);
    }

    out->kind = FK_ACCOUNT(fk, line->account)->kind
                == FK_ACCOUNT_MERCHANT ? FK_ENTRY_SALE : FK_ENTRY_COMMISSION;
    out->state = s->state;
    out->amount = s->amount[FK_LINE_PLACE(ref)];
    out->settle_at_s = s->settle_at_s;

    net = fk_line_net(s, FK_LINE_PLACE(ref), o->axis_payment);

    if (net == out->amount) {
        return 1;
    }

    out[1] = out[0];
    out[1].kind = FK_ENTRY_CLAWBACK;
    out[1].amount = net - out->amount;

    return 2;
}


static uint32_t
fk_entries_payer(const fk_split_rec_t *s, uint8_t axis_payment,
    fk_entry_t *out)
{
    int64_t  net;

    net = fk_payer_net(s, axis_payment);
    out->kind = FK_ENTRY_PURCHASE;
    out->state = FK_WITHDRAWAL_PAID;
    out->amount = -s->paid;

    if (net == s->paid) {
        return 1;
    }

    out[1] = out[0];
    out[1].kind = FK_ENTRY_REFUND;
    out[1].amount = s->paid - net;

    return 2;
}


static void
fk_entry_withdrawal(const fk_withdrawal_rec_t *w, uint32_t slot,
    fk_entry_t *out)
{
    memset(out, 0, sizeof(*out));
    out->kind = w->credit ? FK_ENTRY_CREDIT : FK_ENTRY_WITHDRAWAL;
    out->state = w->state;
    out->amount = w->credit ? w->amount : -w->amount;
    out->at_s = w->requested_s;
    out->withdrawal = fk_withdrawal_id(slot, w->serial);
}

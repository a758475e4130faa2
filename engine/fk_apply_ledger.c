/*
 * Images of accounts, splits and withdrawals into the tables of a shop that
 * recovers, and the split of an order that comes back from the archive.
 *
 * Accounts and withdrawals come back to their very slots, as lines and other
 * images name them so; a split is its order's.  In the window of a snapshot a
 * split may be newer than its image: then it has more parts, and keeps them,
 * as parts are only ever added.
 */

#include "fk_journal.h"


/* The most that an order's payments can come to. */
#define FK_PAID_MAX  (FK_ORDER_PAYMENTS_MAX * FK_AMOUNT_MAX)


static int fk_account_image_good(const fk_image_account_t *in);
static int fk_account_fixed(const fk_account_rec_t *a,
    const fk_image_account_t *in);
static int fk_split_fixed(const fk_split_rec_t *s,
    const fk_image_split_t *in);
static fk_code_t fk_split_parts_apply(fk_t *fk, const fk_origin_t *from,
    fk_split_rec_t *s, const fk_image_split_t *in);
static void fk_split_parts_add(fk_t *fk, fk_split_rec_t *s,
    const fk_image_split_t *in);
static int64_t fk_image_net(const fk_image_split_t *in, uint32_t n,
    uint8_t axis_payment);
static int fk_payer_restore_fits(const fk_t *fk, uint32_t product,
    const fk_image_split_t *in, uint8_t axis_payment);
static int fk_withdrawal_image_good(const fk_image_withdrawal_t *in);
static fk_code_t fk_withdrawal_gone(fk_withdrawal_rec_t *w);


int
fk_account_used(const fk_t *fk, uint32_t i)
{
    return i != 0 && i <= fk->region->table[FK_TABLE_ACCOUNTS].fresh
           && FK_ACCOUNT(fk, i)->used != 0;
}


int
fk_withdrawal_used(const fk_t *fk, uint32_t i)
{
    return i != 0 && i <= fk->region->table[FK_TABLE_WITHDRAWALS].fresh
           && FK_WITHDRAWAL(fk, i)->used != 0;
}


fk_code_t
fk_apply_account(fk_t *fk, const fk_origin_t *from, const fk_image_t *image)
{
    fk_str_t                   id;
    fk_account_rec_t          *a;
    const fk_image_account_t  *in;

    in = &image->account;

    if (in->slot == 0 || !fk_account_image_good(in)) {
        return FK_CORRUPT;
    }

    if (in->slot > fk->region->table[FK_TABLE_ACCOUNTS].capacity) {
        return FK_TABLE_FULL;
    }

    fk_slot_claim(fk, FK_TABLE_ACCOUNTS, in->slot);
    a = FK_ACCOUNT(fk, in->slot);

    if (!a->used) {
        id.data = (const uint8_t *) in->id;
        id.size = in->id_size;

        if (fk_account_find(fk, id) != 0) {
            return FK_CORRUPT;
        }

        memset(a, 0, sizeof(*a));
        memcpy(a->id, in->id, in->id_size);
        memcpy(a->currency, in->currency, FK_CURRENCY_SIZE - 1);
        a->kind = in->kind;
        a->created_s = in->created_s;
        a->used = 1;
        fk_chain_insert(fk, fk_account_bucket(fk, a->id, in->id_size),
                        &a->hnext, in->slot);

    } else if (from->loading || !fk_account_fixed(a, in)) {
        return FK_CORRUPT;
    }

    /* A parent may come later in a snapshot: fk_check() asks for it. */
    a->seq = from->seq;
    a->parent = in->parent;
    a->closed = in->closed;
    a->archived_earned = in->archived_earned;
    a->archived_withdrawn = in->archived_withdrawn;
    a->archived_spent = in->archived_spent;
    a->archived_credited = in->archived_credited;
    memcpy(a->rate_bp, in->rate_bp, sizeof(a->rate_bp));
    memcpy(a->token, in->token, sizeof(a->token));
    memcpy(a->buyer, in->buyer, sizeof(a->buyer));

    return FK_OK;
}


static int
fk_account_image_good(const fk_image_account_t *in)
{
    return fk_account_id_good((const uint8_t *) in->id, in->id_size)
           && fk_text_good(in->currency, FK_CURRENCY_SIZE - 1)
           && in->kind < FK_ACCOUNT_KIND_COUNT && in->closed <= 1
           && fk_rates_good(in->rate_bp, in->kind)
           && in->archived_earned >= 0
           && in->archived_earned <= FK_UNITS_MAX
           && in->archived_withdrawn >= 0
           && in->archived_withdrawn <= FK_UNITS_MAX
           && in->archived_spent >= 0 && in->archived_spent <= FK_UNITS_MAX
           && in->archived_credited >= 0
           && in->archived_credited <= FK_UNITS_MAX;
}


static int
fk_account_fixed(const fk_account_rec_t *a, const fk_image_account_t *in)
{
    return memcmp(a->id, in->id, in->id_size) == 0
           && a->id[in->id_size] == '\0' && a->kind == in->kind
           && memcmp(a->currency, in->currency, FK_CURRENCY_SIZE - 1) == 0;
}


fk_code_t
fk_apply_split(fk_t *fk, const fk_origin_t *from, const fk_image_t *image)
{
    int64_t                  returned;
    uint32_t                 n, order;
    fk_code_t                rc;
    fk_order_rec_t          *o;
    fk_split_rec_t          *s;
    const fk_image_split_t  *in;

    in = &image->split;

    if (!fk_split_image_good(in, &returned)) {
        return FK_CORRUPT;
    }

    order = fk_order_find(fk, in->order);

    if (order == 0) {
        return fk_apply_missing(from);
    }

    for (n = 0; n < in->line_count; n++) {
        if (!fk_account_used(fk, in->account[n])) {
            return fk_apply_missing(from);
        }
    }

    if (in->payer != 0 && !fk_account_used(fk, in->payer)) {
        return fk_apply_missing(from);
    }

    o = FK_ORDER(fk, order);

    if (o->split == 0) {
        if (fk_table_room(fk, FK_TABLE_SPLITS) == 0
            || fk_table_room(fk, FK_TABLE_BLOCKS)
               < fk_split_image_blocks(in, 0))
        {
            return FK_TABLE_FULL;
        }

        (void) fk_split_write(fk, order, in);

    } else if (from->loading || !fk_split_fixed(FK_SPLIT(fk, o->split), in)) {
        return FK_CORRUPT;

    } else {
        rc = fk_split_parts_apply(fk, from, FK_SPLIT(fk, o->split), in);
        if (rc != FK_OK) {
            return rc;
        }
    }

    s = FK_SPLIT(fk, o->split);
    s->seq = from->seq;
    s->state = in->state;

    return FK_OK;
}


int
fk_split_image_good(const fk_image_split_t *in, int64_t *returned)
{
    size_t    at;
    int64_t   left, amount;
    uint32_t  n, i;

    *returned = 0;

    if (in->paid < 1 || in->paid > FK_PAID_MAX
        || in->state >= FK_SPLIT_STATE_COUNT
        || in->line_count != in->amount_count)
    {
        return 0;
    }

    left = in->paid;

    for (n = 0; n < in->line_count; n++) {
        if (in->amount[n] < 1 || in->amount[n] > left) {
            return 0;
        }

        for (i = 0; i < n; i++) {
            if (in->account[i] == in->account[n]) {
                return 0;
            }
        }

        left -= in->amount[n];
    }

    at = 0;

    for (n = 0; n < in->part_count; n++) {
        if (in->part_size[n] <= FK_PART_HEAD_SIZE
            || in->part_size[n] > FK_PART_SIZE_MAX
            || in->part_size[n] > in->parts_size - at)
        {
            return 0;
        }

        amount = (int64_t) fk_get(in->parts + at, 8);

        if (amount < 1 || amount > in->paid - *returned) {
            return 0;
        }

        *returned += amount;
        at += in->part_size[n];
    }

    return at == in->parts_size;
}


uint32_t
fk_split_image_blocks(const fk_image_split_t *in, uint32_t known_count)
{
    uint32_t  n, blocks;

    blocks = 0;

    for (n = known_count; n < in->part_count; n++) {
        blocks += FK_BLOCKS_FOR(in->part_size[n]);
    }

    return blocks;
}


uint32_t
fk_split_write(fk_t *fk, uint32_t order, const fk_image_split_t *in)
{
    uint32_t         n, split;
    fk_split_rec_t  *s;

    split = fk_slot_take(fk, FK_TABLE_SPLITS);
    s = FK_SPLIT_ANY(fk, split);
    memset(s, 0, sizeof(*s));

    s->paid = in->paid;
    s->order = order;
    s->made_s = in->made_s;
    s->settle_at_s = in->settle_at_s;
    s->state = in->state;
    s->line_count = (uint8_t) in->line_count;

    for (n = 0; n < in->line_count; n++) {
        s->line[n].account = in->account[n];
        s->amount[n] = in->amount[n];
    }

    s->line[FK_LINE_PAYER].account = in->payer;

    fk_split_parts_add(fk, s, in);

    FK_SET(fk, s->used, 1);
    FK_SET(fk, FK_ORDER(fk, order)->split, split);

    return split;
}


/* What of a split is for good. */

static int
fk_split_fixed(const fk_split_rec_t *s, const fk_image_split_t *in)
{
    uint32_t  n;

    if (s->paid != in->paid || s->made_s != in->made_s
        || s->settle_at_s != in->settle_at_s
        || s->line[FK_LINE_PAYER].account != in->payer
        || s->line_count != in->line_count)
    {
        return 0;
    }

    for (n = 0; n < s->line_count; n++) {
        if (s->line[n].account != in->account[n]
            || s->amount[n] != in->amount[n])
        {
            return 0;
        }
    }

    return 1;
}


static fk_code_t
fk_split_parts_apply(fk_t *fk, const fk_origin_t *from, fk_split_rec_t *s,
    const fk_image_split_t *in)
{
    size_t    at;
    uint8_t   known[FK_PART_SIZE_MAX];
    uint32_t  n;

    if (in->part_count < s->part_count) {
        return from->fuzzy ? FK_OK : FK_CORRUPT;
    }

    at = 0;

    for (n = 0; n < s->part_count; n++) {
        assert(s->part_size[n] <= FK_PART_SIZE_MAX);
        fk_blob_read(fk, s->part[n], known, s->part_size[n]);

        if (s->part_size[n] != in->part_size[n]
            || memcmp(known, in->parts + at, s->part_size[n]) != 0)
        {
            return FK_CORRUPT;
        }

        at += s->part_size[n];
    }

    if (fk_table_room(fk, FK_TABLE_BLOCKS)
        < fk_split_image_blocks(in, s->part_count))
    {
        return FK_TABLE_FULL;
    }

    fk_split_parts_add(fk, s, in);
    return FK_OK;
}


/* Those of the image that the split has not yet. */

static void
fk_split_parts_add(fk_t *fk, fk_split_rec_t *s, const fk_image_split_t *in)
{
    size_t    at;
    uint32_t  n;

    at = 0;

    for (n = 0; n < in->part_count; n++) {
        if (n >= s->part_count) {
            s->part[n] = fk_blob_make(fk, in->parts + at, in->part_size[n]);
            s->part_size[n] = in->part_size[n];
            s->returned += (int64_t) fk_get(in->parts + at, 8);
        }

        at += in->part_size[n];
    }

    s->part_count = (uint8_t) in->part_count;
}


/* As fk_line_net() will have it when the split is there. */

static int64_t
fk_image_net(const fk_image_split_t *in, uint32_t n, uint8_t axis_payment)
{
    int64_t  returned;

    if (axis_payment != FK_PAYMENT_PAID
        || !fk_split_image_good(in, &returned))
    {
        return 0;
    }

    return in->amount[n]
           - fk_line_clawed(in->amount[n], returned, in->paid);
}


int
fk_split_restore_fits(const fk_t *fk, uint32_t product,
    const fk_image_split_t *in, uint8_t axis_payment)
{
    int64_t                  left;
    uint32_t                 n;
    const fk_account_rec_t  *a;

    left = in->paid;

    for (n = 0; n < in->line_count; n++) {
        if (!fk_account_used(fk, in->account[n])) {
            return 0;
        }

        a = FK_ACCOUNT(fk, in->account[n]);
        left -= in->amount[n];

        if (!fk_line_fits(fk, in->account[n], left)
            || memcmp(a->currency, FK_PRODUCT(fk, product)->currency,
                      FK_CURRENCY_SIZE) != 0
            || a->archived_earned < fk_image_net(in, n, axis_payment)
            || a->live.settled > FK_UNITS_MAX - FK_PAID_MAX
            || a->live.frozen > FK_UNITS_MAX - FK_PAID_MAX)
        {
            return 0;
        }
    }

    return fk_payer_restore_fits(fk, product, in, axis_payment);
}


static int
fk_payer_restore_fits(const fk_t *fk, uint32_t product,
    const fk_image_split_t *in, uint8_t axis_payment)
{
    int64_t                  returned, net;
    const fk_account_rec_t  *a;

    if (in->payer == 0) {
        return 1;
    }

    if (!fk_account_used(fk, in->payer)
        || !fk_split_image_good(in, &returned))
    {
        return 0;
    }

    a = FK_ACCOUNT(fk, in->payer);
    net = axis_payment == FK_PAYMENT_PAID ? in->paid - returned : 0;

    return memcmp(a->currency, FK_PRODUCT(fk, product)->currency,
                  FK_CURRENCY_SIZE) == 0
           && a->archived_spent >= net
           && a->live.spent <= FK_UNITS_MAX - FK_PAID_MAX;
}


void
fk_split_restore(fk_t *fk, uint32_t order, const fk_image_split_t *in)
{
    uint32_t           n, split;
    fk_split_rec_t    *s;
    fk_account_rec_t  *a;

    split = fk_split_write(fk, order, in);
    s = FK_SPLIT(fk, split);

    fk_split_link(fk, split);

    if (s->state == FK_SPLIT_FROZEN) {
        fk_settle_insert(fk, split);
    }

    for (n = 0; n < s->line_count; n++) {
        a = FK_ACCOUNT(fk, s->line[n].account);
        FK_SET(fk, a->archived_earned, a->archived_earned
               - fk_line_net(s, n, FK_ORDER(fk, order)->axis_payment));
        fk_record_account(fk, s->line[n].account);
    }

    if (in->payer != 0) {
        a = FK_ACCOUNT(fk, in->payer);
        FK_SET(fk, a->archived_spent, a->archived_spent
               - fk_payer_net(s, FK_ORDER(fk, order)->axis_payment));
        fk_record_account(fk, in->payer);
    }

    fk_split_count(fk, split, 1);
    fk_record_split(fk, split);
}


fk_code_t
fk_apply_withdrawal(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image)
{
    fk_withdrawal_rec_t          *w;
    const fk_image_withdrawal_t  *in;

    in = &image->withdrawal;

    if (in->slot == 0 || !fk_withdrawal_image_good(in)) {
        return FK_CORRUPT;
    }

    if (in->slot > fk->region->table[FK_TABLE_WITHDRAWALS].capacity) {
        return FK_TABLE_FULL;
    }

    if (!fk_account_used(fk, in->account)) {
        return fk_apply_missing(from);
    }

    fk_slot_claim(fk, FK_TABLE_WITHDRAWALS, in->slot);
    w = FK_WITHDRAWAL(fk, in->slot);

    if (w->used
        && (from->loading || w->serial != in->serial
            || w->account != in->account || w->amount != in->amount
            || w->credit != in->credit))
    {
        return FK_CORRUPT;
    }

    if (!in->used) {
        return fk_withdrawal_gone(w);
    }

    memset(w, 0, sizeof(*w));
    w->seq = from->seq;
    w->serial = in->serial;
    w->amount = in->amount;
    w->account = in->account;
    w->requested_s = in->requested_s;
    w->decided_s = in->decided_s;
    w->state = in->state;
    w->credit = in->credit;
    w->note_size = (uint8_t) in->note_size;
    memcpy(w->note, in->note, in->note_size);
    w->used = 1;

    return FK_OK;
}


static int
fk_withdrawal_image_good(const fk_image_withdrawal_t *in)
{
    return in->amount >= 1 && in->amount <= FK_AMOUNT_MAX
           && in->serial >= 1 && in->used <= 1 && in->credit <= 1
           && in->state < FK_WITHDRAWAL_STATE_COUNT
           && (!in->credit || in->state == FK_WITHDRAWAL_PAID);
}


/* Only what is finished goes: else what is reserved would be forgotten. */

static fk_code_t
fk_withdrawal_gone(fk_withdrawal_rec_t *w)
{
    if (!w->used || (w->state != FK_WITHDRAWAL_PAID
                     && w->state != FK_WITHDRAWAL_REJECTED))
    {
        return FK_CORRUPT;
    }

    w->used = 0;
    return FK_OK;
}

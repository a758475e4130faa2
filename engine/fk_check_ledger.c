/*
 * fk_check(), the ledger: accounts, the splits of orders, withdrawals, and
 * that each account has what they add up to.  With that the sum of all sides
 * is zero, since gateway, house and bank are sums of the very same.
 *
 * Lists are counted, not trusted: each line and withdrawal is met in the list
 * of its account, as many as there are, so none is missing and none twice.
 */

#include "fk_check.h"
#include "fk_journal.h"


static fk_code_t fk_check_account(fk_check_t *ck, uint32_t i);
static int fk_check_parent(const fk_t *fk, const fk_account_rec_t *a);
static int fk_check_parents(const fk_t *fk, uint32_t i);
static int fk_check_split_values(const fk_split_rec_t *s);
static int fk_check_split_lines(fk_check_t *ck, const fk_split_rec_t *s,
    const char *currency);
static int fk_check_payer(const fk_check_t *ck, const fk_split_rec_t *s,
    const char *currency);
static int fk_check_split_parts(fk_check_t *ck, const fk_split_rec_t *s);
static void fk_check_split_sum(fk_check_t *ck, const fk_split_rec_t *s,
    uint8_t axis_payment);
static fk_code_t fk_check_withdrawal(fk_check_t *ck, uint32_t i);
static fk_code_t fk_check_balance(fk_check_t *ck, uint32_t i);
static int fk_check_account_lines(fk_check_t *ck, uint32_t i);
static int fk_check_account_withdrawals(fk_check_t *ck, uint32_t i);
static fk_code_t fk_check_platforms(fk_check_t *ck);
static fk_code_t fk_check_archived(fk_check_t *ck);
static int fk_check_archived_of(fk_check_t *ck, const char *currency);


/* Before the orders: these add to the sums that begin here. */

fk_code_t
fk_check_accounts(fk_check_t *ck)
{
    uint32_t   i, fresh;
    fk_code_t  rc;

    fresh = ck->fk->region->table[FK_TABLE_ACCOUNTS].fresh;

    for (i = 1; i <= fresh; i++) {
        FK_ACCOUNT(ck->fk, i)->mark = 0;
    }

    for (i = 1; i <= fresh; i++) {
        if (!fk_check_used(ck->fk, FK_TABLE_ACCOUNTS, i)) {
            continue;
        }

        rc = fk_check_account(ck, i);
        if (rc != FK_OK) {
            return rc;
        }

        ck->used_count[FK_TABLE_ACCOUNTS]++;
    }

    for (i = 1; i <= fresh; i++) {
        if (fk_check_used(ck->fk, FK_TABLE_ACCOUNTS, i)
            && !fk_check_parents(ck->fk, i))
        {
            return fk_check_bad(ck, "account", i, "it is above itself");
        }
    }

    return fk_check_platforms(ck);
}


static fk_code_t
fk_check_account(fk_check_t *ck, uint32_t i)
{
    fk_account_rec_t  *a;

    a = FK_ACCOUNT(ck->fk, i);
    memset(&a->audit, 0, sizeof(a->audit));

    if (!fk_account_id_good((const uint8_t *) a->id,
                            strnlen(a->id, sizeof(a->id)))
        || strnlen(a->currency, FK_CURRENCY_SIZE) != FK_CURRENCY_SIZE - 1)
    {
        return fk_check_bad(ck, "account", i, "a text is damaged");
    }

    if (!fk_rates_good(a->rate_bp, a->kind)) {
        return fk_check_bad(ck, "account", i, "a rate is not possible");
    }

    if (a->used != 1 || a->kind >= FK_ACCOUNT_KIND_COUNT || a->closed > 1
        || a->archived_earned < 0 || a->archived_earned > FK_UNITS_MAX
        || a->archived_withdrawn < 0
        || a->archived_withdrawn > FK_UNITS_MAX
        || a->archived_spent < 0 || a->archived_spent > FK_UNITS_MAX
        || a->archived_credited < 0 || a->archived_credited > FK_UNITS_MAX)
    {
        return fk_check_bad(ck, "account", i, "a value is not possible");
    }

    if (a->parent != 0 && !fk_check_parent(ck->fk, a)) {
        return fk_check_bad(ck, "account", i, "its parent is not possible");
    }

    return FK_OK;
}


static int
fk_check_parent(const fk_t *fk, const fk_account_rec_t *a)
{
    const fk_account_rec_t  *parent;

    if (!fk_check_used(fk, FK_TABLE_ACCOUNTS, a->parent)) {
        return 0;
    }

    parent = FK_ACCOUNT(fk, a->parent);

    return a->kind == FK_ACCOUNT_AGENT && parent->kind == FK_ACCOUNT_AGENT
           && memcmp(a->currency, parent->currency, FK_CURRENCY_SIZE) == 0;
}


/*
 * Up to the top, or to one whose way up was found good before; who meets its
 * own mark goes in a circle.  Each account is marked once.
 */

static int
fk_check_parents(const fk_t *fk, uint32_t i)
{
    uint32_t           at;
    fk_account_rec_t  *a;

    for (at = i; at != 0; at = a->parent) {
        a = FK_ACCOUNT(fk, at);

        if (a->mark != 0) {
            return a->mark != i;
        }

        a->mark = i;
    }

    return 1;
}


static fk_code_t
fk_check_platforms(fk_check_t *ck)
{
    uint32_t  n, i, listed, count;

    listed = 0;
    count = 0;

    for (i = 1; i <= ck->fk->region->table[FK_TABLE_ACCOUNTS].fresh; i++) {
        count += fk_check_used(ck->fk, FK_TABLE_ACCOUNTS, i)
                 && FK_ACCOUNT(ck->fk, i)->kind == FK_ACCOUNT_PLATFORM;
    }

    for (n = 0; n < FK_PLATFORMS_MAX; n++) {
        i = ck->fk->region->platform[n];

        if (i == 0) {
            continue;
        }

        if (!fk_check_used(ck->fk, FK_TABLE_ACCOUNTS, i)
            || FK_ACCOUNT(ck->fk, i)->kind != FK_ACCOUNT_PLATFORM)
        {
            return fk_check_bad(ck, "account", i, "is no platform");
        }

        listed++;
    }

    if (listed != count) {
        return fk_check_bad(ck, "account", count, "platforms are not counted "
                            "right");
    }

    return FK_OK;
}


/* What is wrong with the split of an order, or NULL. */

const char *
fk_check_split(fk_check_t *ck, uint32_t order)
{
    int                    revoked;
    int64_t                paid;
    const fk_order_rec_t  *o;
    const fk_split_rec_t  *s;

    o = FK_ORDER(ck->fk, order);

    if (o->agent != 0 && !fk_check_used(ck->fk, FK_TABLE_ACCOUNTS, o->agent))
    {
        return "who brought it is not there";
    }

    if (o->split == 0) {
        return NULL;
    }

    if (!fk_check_used(ck->fk, FK_TABLE_SPLITS, o->split)
        || FK_SPLIT_ANY(ck->fk, o->split)->order != order)
    {
        return "its split is not there";
    }

    s = FK_SPLIT_ANY(ck->fk, o->split);
    ck->splits_listed++;

    if (!fk_check_split_values(s)
        || !fk_check_split_lines(ck, s, FK_PRODUCT(ck->fk, o->product)
                                        ->currency)
        || !fk_check_split_parts(ck, s)
        || !fk_check_payer(ck, s, FK_PRODUCT(ck->fk, o->product)->currency))
    {
        return "its split is damaged";
    }

    /* Its payments were judged before. */
    revoked = o->axis_stock == FK_STOCK_VOIDED;
    paid = revoked ? fk_payments_revoked(ck->fk, o)
           : fk_payments_amount(ck->fk, o, FK_APPLIED_BIT);

    if (o->axis_payment == FK_PAYMENT_UNPAID
        || ((revoked || o->axis_payment == FK_PAYMENT_PAID)
            && paid < s->paid)
        || (s->part_count != 0 && !revoked && !fk_part_allowed(o)))
    {
        return "more is split, or was given back, than was paid";
    }

    fk_check_split_sum(ck, s, o->axis_payment);
    return NULL;
}


static int
fk_check_split_values(const fk_split_rec_t *s)
{
    return s->used == 1 && s->state < FK_SPLIT_STATE_COUNT && s->paid >= 1
           && s->paid <= FK_ORDER_PAYMENTS_MAX * FK_AMOUNT_MAX
           && s->returned >= 0 && s->returned <= s->paid
           && s->line_count <= FK_SPLIT_LINES_MAX
           && s->part_count <= FK_PARTS_MAX;
}


static int
fk_check_split_lines(fk_check_t *ck, const fk_split_rec_t *s,
    const char *currency)
{
    int64_t   left;
    uint32_t  n;

    left = s->paid;

    for (n = 0; n < s->line_count; n++) {
        if (!fk_check_used(ck->fk, FK_TABLE_ACCOUNTS, s->line[n].account)
            || memcmp(FK_ACCOUNT(ck->fk, s->line[n].account)->currency,
                      currency, FK_CURRENCY_SIZE) != 0
            || s->amount[n] < 1 || s->amount[n] > left)
        {
            return 0;
        }

        left -= s->amount[n];

        if (!fk_line_fits(ck->fk, s->line[n].account, left)) {
            return 0;
        }
    }

    return 1;
}


static int
fk_check_payer(const fk_check_t *ck, const fk_split_rec_t *s,
    const char *currency)
{
    const fk_line_rec_t  *payer;

    payer = &s->line[FK_LINE_PAYER];

    return payer->account == 0
           || (fk_check_used(ck->fk, FK_TABLE_ACCOUNTS, payer->account)
               && memcmp(FK_ACCOUNT(ck->fk, payer->account)->currency,
                         currency, FK_CURRENCY_SIZE) == 0);
}


/* Products are looked at behind the accounts. */

int
fk_check_merchant(const fk_t *fk, const fk_product_rec_t *p)
{
    return p->merchant == 0
           || (fk_check_used(fk, FK_TABLE_ACCOUNTS, p->merchant)
               && fk_merchant_good(fk, p->merchant, p->currency));
}


static int
fk_check_split_parts(fk_check_t *ck, const fk_split_rec_t *s)
{
    int64_t   returned, amount;
    uint8_t   part[FK_PART_SIZE_MAX];
    uint32_t  n;

    returned = 0;

    for (n = 0; n < s->part_count; n++) {
        if (s->part_size[n] <= FK_PART_HEAD_SIZE
            || s->part_size[n] > FK_PART_SIZE_MAX
            || !fk_check_blob(ck, s->part[n], s->part_size[n]))
        {
            return 0;
        }

        fk_blob_read(ck->fk, s->part[n], part, s->part_size[n]);
        amount = (int64_t) fk_get(part, 8);

        if (amount < 1 || amount > s->paid - returned) {
            return 0;
        }

        returned += amount;
    }

    return returned == s->returned;
}


static void
fk_check_split_sum(fk_check_t *ck, const fk_split_rec_t *s,
    uint8_t axis_payment)
{
    int64_t            net;
    uint32_t           n;
    fk_account_rec_t  *a;

    for (n = 0; n < s->line_count; n++) {
        a = FK_ACCOUNT(ck->fk, s->line[n].account);
        net = fk_line_net(s, n, axis_payment);

        if (s->state == FK_SPLIT_FROZEN) {
            a->audit.frozen += net;
        } else {
            a->audit.settled += net;
        }
    }

    ck->lines_count += s->line_count;

    if (s->line[FK_LINE_PAYER].account != 0) {
        a = FK_ACCOUNT(ck->fk, s->line[FK_LINE_PAYER].account);
        a->audit.spent += fk_payer_net(s, axis_payment);
        ck->lines_count++;
    }

    ck->frozen_count += s->state == FK_SPLIT_FROZEN;
}


/* Behind the orders: withdrawals, and what accounts have by all of it. */

fk_code_t
fk_check_ledger(fk_check_t *ck)
{
    uint32_t      i;
    fk_code_t     rc;
    fk_region_t  *r;

    r = ck->fk->region;

    for (i = 1; i <= r->table[FK_TABLE_SPLITS].fresh; i++) {
        ck->used_count[FK_TABLE_SPLITS] +=
            (uint32_t) fk_check_used(ck->fk, FK_TABLE_SPLITS, i);
    }

    if (ck->splits_listed != ck->used_count[FK_TABLE_SPLITS]) {
        return fk_check_bad(ck, "split", ck->splits_listed, "are known to "
                            "orders, the table has another number");
    }

    for (i = 1; i <= r->table[FK_TABLE_WITHDRAWALS].fresh; i++) {
        if (fk_check_used(ck->fk, FK_TABLE_WITHDRAWALS, i)) {
            rc = fk_check_withdrawal(ck, i);
            if (rc != FK_OK) {
                return rc;
            }
        }
    }

    for (i = 1; i <= r->table[FK_TABLE_ACCOUNTS].fresh; i++) {
        if (fk_check_used(ck->fk, FK_TABLE_ACCOUNTS, i)) {
            rc = fk_check_balance(ck, i);
            if (rc != FK_OK) {
                return rc;
            }
        }
    }

    if (ck->lines_count != 0 || ck->withdrawals_count != 0) {
        return fk_check_bad(ck, "account", ck->lines_count, "lines or "
                            "withdrawals are in no list");
    }

    return fk_check_archived(ck);
}


/* Each currency once: the marks of its accounts say that it was done. */

static fk_code_t
fk_check_archived(fk_check_t *ck)
{
    uint32_t           i, fresh;
    fk_account_rec_t  *a;

    fresh = ck->fk->region->table[FK_TABLE_ACCOUNTS].fresh;

    for (i = 1; i <= fresh; i++) {
        FK_ACCOUNT(ck->fk, i)->mark = 0;
    }

    for (i = 1; i <= fresh; i++) {
        a = FK_ACCOUNT(ck->fk, i);

        if (fk_check_used(ck->fk, FK_TABLE_ACCOUNTS, i) && a->mark == 0
            && !fk_check_archived_of(ck, a->currency))
        {
            return fk_check_bad(ck, "account", i, "archived orders of its "
                                "currency did not bring so much");
        }
    }

    return FK_OK;
}


/*
 * Lines are never more than what was paid.  What is left of each is rounded
 * up: together by less than one unit a line.  What was spent is a part of what
 * was kept.
 */

static int
fk_check_archived_of(fk_check_t *ck, const char *currency)
{
    uint32_t                 i;
    __int128                 left, kept;
    fk_account_rec_t        *a;
    const fk_product_rec_t  *p;

    left = 0;
    kept = 0;

    for (i = 1; i <= ck->fk->region->table[FK_TABLE_PRODUCTS].fresh; i++) {
        p = FK_PRODUCT(ck->fk, i);

        if (fk_check_used(ck->fk, FK_TABLE_PRODUCTS, i)
            && memcmp(p->currency, currency, FK_CURRENCY_SIZE) == 0)
        {
            left += p->archived_amount;
            kept += p->archived_amount;
            left += (__int128) p->archived_orders * (FK_SPLIT_LINES_MAX - 1);
        }
    }

    for (i = 1; i <= ck->fk->region->table[FK_TABLE_ACCOUNTS].fresh; i++) {
        a = FK_ACCOUNT(ck->fk, i);

        if (fk_check_used(ck->fk, FK_TABLE_ACCOUNTS, i)
            && memcmp(a->currency, currency, FK_CURRENCY_SIZE) == 0)
        {
            left -= a->archived_earned;
            kept -= a->archived_spent;
            a->mark = i;
        }
    }

    return left >= 0 && kept >= 0;
}


static fk_code_t
fk_check_withdrawal(fk_check_t *ck, uint32_t i)
{
    fk_account_rec_t           *a;
    const fk_withdrawal_rec_t  *w;

    w = FK_WITHDRAWAL(ck->fk, i);

    if (w->used != 1 || w->state >= FK_WITHDRAWAL_STATE_COUNT
        || w->amount < 1 || w->amount > FK_AMOUNT_MAX || w->serial == 0
        || w->note_size > FK_REF_SIZE_MAX || w->credit > 1
        || (w->credit && w->state != FK_WITHDRAWAL_PAID)
        || !fk_check_used(ck->fk, FK_TABLE_ACCOUNTS, w->account))
    {
        return fk_check_bad(ck, "withdrawal", i, "a value is not possible");
    }

    a = FK_ACCOUNT(ck->fk, w->account);

    if (w->state == FK_WITHDRAWAL_REQUESTED
        || w->state == FK_WITHDRAWAL_APPROVED)
    {
        a->audit.reserved += w->amount;

    } else if (w->credit) {
        a->audit.credited += w->amount;

    } else if (w->state == FK_WITHDRAWAL_PAID) {
        a->audit.paid += w->amount;
    }

    ck->used_count[FK_TABLE_WITHDRAWALS]++;
    ck->withdrawals_count++;

    return FK_OK;
}


static fk_code_t
fk_check_balance(fk_check_t *ck, uint32_t i)
{
    const fk_account_rec_t  *a;

    a = FK_ACCOUNT(ck->fk, i);

    if (memcmp(&a->live, &a->audit, sizeof(a->live)) != 0) {
        return fk_check_bad(ck, "account", i, "its splits and withdrawals "
                            "add up to other numbers");
    }

    if (!fk_check_account_lines(ck, i)
        || !fk_check_account_withdrawals(ck, i))
    {
        return fk_check_bad(ck, "account", i, "a list of it is damaged");
    }

    return FK_OK;
}


/* Counted down, so that a ring ends when there are no more to be met. */

static int
fk_check_account_lines(fk_check_t *ck, uint32_t i)
{
    uint32_t              at, prev, split;
    const fk_line_rec_t  *line;

    prev = 0;

    for (at = FK_ACCOUNT(ck->fk, i)->lines; at != 0; at = line->next) {
        split = FK_LINE_SPLIT(at);

        if (!fk_check_used(ck->fk, FK_TABLE_SPLITS, split)
            || !fk_line_there(FK_SPLIT_ANY(ck->fk, split), FK_LINE_PLACE(at))
            || ck->lines_count == 0)
        {
            return 0;
        }

        line = &FK_SPLIT_ANY(ck->fk, split)->line[FK_LINE_PLACE(at)];

        if (line->account != i || line->prev != prev) {
            return 0;
        }

        ck->lines_count--;
        prev = at;
    }

    return 1;
}


static int
fk_check_account_withdrawals(fk_check_t *ck, uint32_t i)
{
    uint32_t                    at, prev, open;
    const fk_withdrawal_rec_t  *w;

    prev = 0;
    open = 0;

    for (at = FK_ACCOUNT(ck->fk, i)->withdrawals; at != 0; at = w->next) {
        if (!fk_check_used(ck->fk, FK_TABLE_WITHDRAWALS, at)
            || ck->withdrawals_count == 0)
        {
            return 0;
        }

        w = FK_WITHDRAWAL(ck->fk, at);

        if (w->account != i || w->prev != prev) {
            return 0;
        }

        open += w->state == FK_WITHDRAWAL_REQUESTED
                || w->state == FK_WITHDRAWAL_APPROVED;
        ck->withdrawals_count--;
        prev = at;
    }

    return open == FK_ACCOUNT(ck->fk, i)->open_count;
}


fk_code_t
fk_check_settle(fk_check_t *ck)
{
    uint32_t               n, i, prev, count;
    const fk_split_rec_t  *s;

    count = 0;

    for (n = 0; n < FK_SETTLE_SLOTS; n++) {
        prev = 0;

        for (i = *fk_settle_slot(ck->fk, n); i != 0; i = s->next) {
            if (!fk_check_used(ck->fk, FK_TABLE_SPLITS, i)) {
                return fk_check_bad(ck, "split", i, "is in the wheel and not "
                                    "there");
            }

            s = FK_SPLIT_ANY(ck->fk, i);

            if (s->state != FK_SPLIT_FROZEN || s->prev != prev
                || s->settle_at_s / FK_SETTLE_UNIT_S % FK_SETTLE_SLOTS != n
                || ++count > ck->frozen_count)
            {
                return fk_check_bad(ck, "split", i, "is in a wrong place of "
                                    "the wheel");
            }

            prev = i;
        }
    }

    if (count != ck->frozen_count) {
        return fk_check_bad(ck, "split", ck->frozen_count - count, "are "
                            "frozen for ever");
    }

    return FK_OK;
}

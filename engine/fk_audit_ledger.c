/*
 * The audit of money: per currency what is kept, and what each account has,
 * recomputed from splits and withdrawals beside a shop that goes on; and the
 * sum of all sides, which is zero.
 *
 * Of these sides three are sums of the others.  The gateway is less by what
 * was kept and not spent by accounts, the house is more by all that was kept
 * and less by every line, the bank is more by what was withdrawn and less by
 * what was credited: all three from the entries, as they are walked.
 * The accounts count with the balances that they show.  So what remains, and
 * must not, is by how much a balance differs from its entries.
 */

#include "fk_tally.h"


static int64_t fk_audit_owed(const fk_balance_t *b);
static void fk_audit_sum(fk_t *fk, int64_t *sum, int64_t amount,
    const char *currency);


/* Which total counts the slots of a phase. */

static const size_t  fk_audit_ledger_totals[FK_AUDIT_DONE] = {
    [FK_AUDIT_SPLITS] = offsetof(fk_audit_totals_t, splits_count),
    [FK_AUDIT_WITHDRAWALS] = offsetof(fk_audit_totals_t, withdrawals_count)
};


void
fk_audit_reset_account(fk_t *fk, uint32_t i)
{
    fk_account_rec_t  *a;

    a = FK_ACCOUNT(fk, i);
    memset(&a->audit, 0, sizeof(a->audit));
}


void
fk_audit_count(fk_t *fk, uint32_t phase, uint32_t i, int delta)
{
    int64_t  *count;

    assert(fk_audit_passed(fk, phase, i)
           && fk_audit_ledger_totals[phase] != 0);

    count = (int64_t *) (void *) ((uint8_t *) &fk->region->audit.totals
                                  + fk_audit_ledger_totals[phase]);

    FK_SET(fk, *count, *count + delta);
}


void
fk_audit_add_split(fk_t *fk, uint32_t i)
{
    int64_t                net, left;
    uint32_t               n;
    fk_account_rec_t      *a;
    const fk_order_rec_t  *o;
    const fk_split_rec_t  *s;

    if (!FK_SPLIT_ANY(fk, i)->used) {
        return;
    }

    s = FK_SPLIT(fk, i);
    o = FK_ORDER(fk, s->order);
    left = s->paid;

    for (n = 0; n < s->line_count; n++) {
        a = FK_ACCOUNT(fk, s->line[n].account);
        net = fk_line_net(s, n, o->axis_payment);
        left -= s->amount[n];

        if (!fk_line_fits(fk, s->line[n].account, left)) {
            fk_audit_problem(&fk->region->audit.totals, "account ", a->id,
                             "a line of it is not what the others leave");
        }

        if (s->state == FK_SPLIT_FROZEN) {
            a->audit.frozen += net;
        } else {
            a->audit.settled += net;
        }
    }

    if (s->line[FK_LINE_PAYER].account != 0) {
        a = FK_ACCOUNT(fk, s->line[FK_LINE_PAYER].account);
        a->audit.spent += fk_payer_net(s, o->axis_payment);
    }

    fk_audit_count(fk, FK_AUDIT_SPLITS, i, 1);
    fk_audit_money(fk, FK_PRODUCT(fk, o->product)->currency, -s->returned, 0);
    fk_commit(fk);
}


void
fk_audit_add_withdrawal(fk_t *fk, uint32_t i)
{
    fk_account_rec_t           *a;
    const fk_withdrawal_rec_t  *w;

    w = FK_WITHDRAWAL(fk, i);

    if (!w->used) {
        return;
    }

    a = FK_ACCOUNT(fk, w->account);

    if (w->state == FK_WITHDRAWAL_REQUESTED
        || w->state == FK_WITHDRAWAL_APPROVED)
    {
        a->audit.reserved += w->amount;

    } else if (w->credit) {
        a->audit.credited += w->amount;

    } else if (w->state == FK_WITHDRAWAL_PAID) {
        a->audit.paid += w->amount;
    }

    fk_audit_count(fk, FK_AUDIT_WITHDRAWALS, i, 1);
    fk_commit(fk);
}


/* What is reserved is moved within the account. */

static int64_t
fk_audit_owed(const fk_balance_t *b)
{
    return b->frozen + b->settled + b->credited - b->paid - b->spent;
}


/* From here on balance and entries change together: the difference stays. */

void
fk_audit_compare_account(fk_t *fk, uint32_t i)
{
    int64_t             sum;
    fk_audit_money_t   *money;
    fk_account_rec_t   *a;
    fk_audit_totals_t  *totals;

    a = FK_ACCOUNT(fk, i);
    totals = &fk->region->audit.totals;

    if (!a->used) {
        return;
    }

    totals->accounts_count++;

    if (memcmp(&a->live, &a->audit, sizeof(a->live)) != 0) {
        fk_audit_problem(totals, "account ", a->id, "its balance is not the "
                         "sum of its entries");
    }

    money = fk_audit_money_of(fk, a->currency);

    if (money == NULL) {
        return;
    }

    sum = fk_audit_owed(&a->live) - fk_audit_owed(&a->audit);

    FK_SET(fk, money->ledger_sum, money->ledger_sum + sum);
    fk_commit(fk);
}


void
fk_audit_money(fk_t *fk, const char *currency, int64_t amount,
    int64_t archived_amount)
{
    fk_audit_money_t  *money;

    money = fk_audit_money_of(fk, currency);

    if (money != NULL) {
        fk_audit_sum(fk, &money->amount, amount, currency);
        fk_audit_sum(fk, &money->archived_amount, archived_amount, currency);
    }
}


fk_audit_money_t *
fk_audit_money_of(fk_t *fk, const char *currency)
{
    uint32_t            n, word;
    fk_audit_money_t   *money;
    fk_audit_totals_t  *totals;

    totals = &fk->region->audit.totals;

    assert(totals->currency_count <= FK_AUDIT_CURRENCIES_MAX);

    for (n = 0; n < totals->currency_count; n++) {
        if (memcmp(totals->money[n].currency, currency, FK_CURRENCY_SIZE)
            == 0)
        {
            return &totals->money[n];
        }
    }

    if (n == FK_AUDIT_CURRENCIES_MAX) {
        fk_audit_problem(totals, "currency ", currency,
                         "there are too many to sum them up");
        return NULL;
    }

    money = &totals->money[n];
    memcpy(&word, currency, sizeof(word));
    FK_SET(fk, *(uint32_t *) (void *) money->currency, word);
    FK_SET(fk, totals->currency_count, n + 1);

    return money;
}


static void
fk_audit_sum(fk_t *fk, int64_t *sum, int64_t amount, const char *currency)
{
    int64_t  result;

    if (__builtin_add_overflow(*sum, amount, &result)) {
        fk_audit_problem(&fk->region->audit.totals, "currency ", currency,
                         "the sum is too large to be counted");
        return;
    }

    if (result != *sum) {
        FK_SET(fk, *sum, result);
    }
}

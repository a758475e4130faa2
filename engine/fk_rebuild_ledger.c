/*
 * Recovery, second half: what accounts have, by the splits and withdrawals in
 * the region; their lists; and the wheel of frozen splits.
 *
 * Lines stand in their accounts' lists by slot afterwards: the order of these
 * lists means nothing.  Withdrawals stand there by age, as they did before:
 * who asks once more is known by the latest.
 */

#include "fk_journal.h"


#define FK_WITHDRAWAL_RUNS  16             /* 65535 of them at most */


static fk_code_t fk_rebuild_accounts(fk_t *fk, fk_text_t *why);
static fk_code_t fk_rebuild_platform(fk_t *fk, uint32_t account,
    fk_text_t *why);
static fk_code_t fk_rebuild_splits(fk_t *fk, fk_text_t *why);
static int fk_split_countable(const fk_t *fk, const fk_split_rec_t *s);
static void fk_rebuild_withdrawals(fk_t *fk);
static uint32_t fk_withdrawals_by_age(fk_t *fk);
static uint32_t fk_withdrawals_merge(fk_t *fk, uint32_t one, uint32_t two);
static fk_code_t fk_ledger_bad(fk_text_t *why, const char *what, uint32_t i,
    const char *problem);


fk_code_t
fk_rebuild_ledger(fk_t *fk, const fk_env_t *env, fk_text_t *why)
{
    fk_code_t  rc;

    rc = fk_rebuild_accounts(fk, why);
    if (rc != FK_OK) {
        return rc;
    }

    rc = fk_rebuild_splits(fk, why);
    if (rc != FK_OK) {
        return rc;
    }

    fk_rebuild_withdrawals(fk);
    return FK_OK;
}


static fk_code_t
fk_rebuild_accounts(fk_t *fk, fk_text_t *why)
{
    uint32_t           i;
    fk_code_t          rc;
    fk_account_rec_t  *a;

    memset(fk->region->platform, 0, sizeof(fk->region->platform));

    for (i = 1; i <= fk->region->table[FK_TABLE_ACCOUNTS].fresh; i++) {
        if (!fk_account_used(fk, i)) {
            continue;
        }

        a = FK_ACCOUNT(fk, i);
        memset(&a->live, 0, sizeof(a->live));
        a->lines = 0;
        a->withdrawals = 0;
        a->open_count = 0;

        if (a->kind == FK_ACCOUNT_PLATFORM) {
            rc = fk_rebuild_platform(fk, i, why);
            if (rc != FK_OK) {
                return rc;
            }
        }
    }

    return FK_OK;
}


static fk_code_t
fk_rebuild_platform(fk_t *fk, uint32_t account, fk_text_t *why)
{
    uint32_t  n, other;

    for (n = 0; n < FK_PLATFORMS_MAX; n++) {
        other = fk->region->platform[n];

        if (other == 0) {
            fk->region->platform[n] = account;
            return FK_OK;
        }

        if (memcmp(FK_ACCOUNT(fk, other)->currency,
                   FK_ACCOUNT(fk, account)->currency, FK_CURRENCY_SIZE) == 0)
        {
            break;
        }
    }

    return fk_ledger_bad(why, "account ", account, "a platform too many");
}


static fk_code_t
fk_rebuild_splits(fk_t *fk, fk_text_t *why)
{
    uint32_t         i;
    fk_split_rec_t  *s;

    for (i = 1; i <= fk->region->table[FK_TABLE_SPLITS].fresh; i++) {
        if (!FK_SPLIT_ANY(fk, i)->used) {
            continue;
        }

        s = FK_SPLIT(fk, i);

        if (!fk_split_countable(fk, s)) {
            return fk_ledger_bad(why, "split ", i, "its accounts would have "
                                 "more than can be counted");
        }

        fk_split_link(fk, i);

        if (s->state == FK_SPLIT_FROZEN) {
            fk_settle_insert(fk, i);
        }

        fk_split_count(fk, i, 1);
        fk_commit(fk);
    }

    return FK_OK;
}


static int
fk_split_countable(const fk_t *fk, const fk_split_rec_t *s)
{
    uint32_t                 n;
    const fk_account_rec_t  *a;

    for (n = 0; n < s->line_count; n++) {
        a = FK_ACCOUNT(fk, s->line[n].account);

        if (a->live.frozen > FK_UNITS_MAX - s->amount[n]
            || a->live.settled > FK_UNITS_MAX - s->amount[n])
        {
            return 0;
        }
    }

    return s->line[FK_LINE_PAYER].account == 0
           || FK_ACCOUNT(fk, s->line[FK_LINE_PAYER].account)->live.spent
              <= FK_UNITS_MAX - s->paid;
}


/* 65535 of them at most: no sum comes near a limit. */

static void
fk_rebuild_withdrawals(fk_t *fk)
{
    uint32_t  i, next;

    for (i = fk_withdrawals_by_age(fk); i != 0; i = next) {
        next = FK_WITHDRAWAL(fk, i)->next;

        fk_withdrawal_link(fk, i);
        fk_withdrawal_count(fk, i, 1);
        fk_commit(fk);
    }
}


/* All of them as one list by "next", the oldest first.  Run k has 2^k. */

static uint32_t
fk_withdrawals_by_age(fk_t *fk)
{
    uint32_t  i, k, list, run[FK_WITHDRAWAL_RUNS];

    memset(run, 0, sizeof(run));

    for (i = 1; i <= fk->region->table[FK_TABLE_WITHDRAWALS].fresh; i++) {
        if (!fk_withdrawal_used(fk, i)) {
            continue;
        }

        list = i;
        FK_WITHDRAWAL(fk, i)->next = 0;

        for (k = 0; run[k] != 0; k++) {
            list = fk_withdrawals_merge(fk, run[k], list);
            run[k] = 0;
            assert(k + 1 < FK_WITHDRAWAL_RUNS);
        }

        run[k] = list;
    }

    list = 0;

    for (k = 0; k < FK_WITHDRAWAL_RUNS; k++) {
        list = fk_withdrawals_merge(fk, run[k], list);
    }

    return list;
}


static uint32_t
fk_withdrawals_merge(fk_t *fk, uint32_t one, uint32_t two)
{
    uint32_t  list, *end, *from;

    list = 0;
    end = &list;

    while (one != 0 && two != 0) {
        from = FK_WITHDRAWAL(fk, one)->serial < FK_WITHDRAWAL(fk, two)->serial
               ? &one : &two;

        *end = *from;
        end = &FK_WITHDRAWAL(fk, *from)->next;
        *from = *end;
    }

    *end = one != 0 ? one : two;

    return list;
}


static fk_code_t
fk_ledger_bad(fk_text_t *why, const char *what, uint32_t i,
    const char *problem)
{
    fk_text_add(why, what);
    fk_text_num(why, i);
    fk_text_add(why, ": ");
    fk_text_add(why, problem);

    return FK_CORRUPT;
}

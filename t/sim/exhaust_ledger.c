/*
 * The operations that move commission, for the death at every store: accounts
 * that change, approval, parts that go back, withdrawals; and what an account
 * pays for, and is credited.
 */

#include "exhaust.h"


void
ex_split(ex_shop_t *x, int64_t amount, fk_split_t *split)
{
    uint32_t           i;
    fk_account_view_t  view;

    memset(split, 0, sizeof(*split));

    /* Only what there is: a split that is refused is no transaction. */
    for (i = 0; i < SIM_AGENTS && x->draw.c % 3 != 0; i++) {
        if (fk_account_get(&x->fk, request_account(i),
                           &view) == FK_OK
            && !view.closed)
        {
            split->line[split->count].account = request_account(i);
            split->line[split->count++].amount = amount / 4;
        }
    }

    split->flagged = split->count == 0 && x->draw.c % 6 == 0;
    split->settle_s = x->draw.b % 2 == 0 ? 0 : (uint32_t) (x->draw.b % 900);
}


/* Little enough for any sum that came. */

fk_code_t
ex_approve(ex_shop_t *x)
{
    fk_env_t         env;
    fk_split_t       split;
    fk_order_view_t  out;

    if (x->book.order_count == 0) {
        return FK_NOT_FOUND;
    }

    env = (fk_env_t) { .now_ms = x->book.now_ms };
    ex_split(x, 4, &split);

    return fk_approve(&x->fk, &env,
                      &x->book.id[x->draw.a % x->book.order_count], &split,
                      &out);
}


fk_code_t
ex_account(ex_shop_t *x)
{
    int                created;
    uint32_t           account;
    uint64_t           seq;
    fk_env_t           env;
    const char        *field;
    fk_account_put_t   put;
    fk_account_view_t  view;

    memset(&put, 0, sizeof(put));
    account = (uint32_t) (x->draw.a % SIM_ACCOUNTS);
    put.id = request_account(account);
    put.fields = FK_ACCOUNT_PUT_CURRENCY | FK_ACCOUNT_PUT_CLOSED;
    put.closed = x->draw.b % 4 == 0;
    memcpy(put.currency, "CNY", 4);

    if (account >= SIM_AGENTS) {
        put.fields |= FK_ACCOUNT_PUT_KIND;
        put.kind = FK_ACCOUNT_MERCHANT;

    } else {
        put.fields |= FK_ACCOUNT_PUT_PARENT;
        put.parent = x->draw.c % 2 != 0 ? (fk_str_t) { NULL, 0 }
                     : request_account((uint32_t) (x->draw.c % SIM_AGENTS));
    }

    env = (fk_env_t) { .now_ms = x->book.now_ms };
    return fk_account_put(&x->fk, &env, &put, &view, &created, &seq, &field);
}


/* Only one that there is, as above. */

void
ex_merchant(ex_shop_t *x, fk_product_put_t *put)
{
    uint32_t           account;
    fk_account_view_t  view;

    account = (uint32_t) (x->draw.b % (SIM_ACCOUNTS + 1));

    if (account >= SIM_AGENTS && account < SIM_ACCOUNTS
        && fk_account_get(&x->fk, request_account(account), &view) == FK_OK)
    {
        put->merchant = request_account(account);
    }

    put->fields |= account >= SIM_AGENTS ? FK_PUT_MERCHANT : 0;
}


fk_code_t
ex_part(ex_shop_t *x)
{
    char             ref[32];
    fk_env_t         env;
    fk_order_view_t  out;

    if (x->book.order_count == 0) {
        return FK_NOT_FOUND;
    }

    env = (fk_env_t) { .now_ms = x->book.now_ms };
    (void) snprintf(ref, sizeof(ref), "part-%" PRIu64, x->draw.b);

    return fk_refund_part(&x->fk, &env,
                          &x->book.id[x->draw.a % x->book.order_count],
                          1 + (int64_t) (x->draw.c % 200),
                          (fk_str_t) { (uint8_t *) ref, strlen(ref) }, &out);
}


/* Of the first one that wants it, from a random one on. */

fk_code_t
ex_commission(ex_shop_t *x)
{
    uint64_t         i, n;
    fk_env_t         env;
    fk_split_t       split;
    fk_order_view_t  out;

    env = (fk_env_t) { .now_ms = x->book.now_ms };

    for (i = 0; i < x->book.order_count; i++) {
        n = (x->draw.a + i) % x->book.order_count;

        if (fk_order_get(&x->fk, &x->book.id[n], &out) == FK_OK
            && out.flagged)
        {
            ex_split(x, x->book.amount[n], &split);
            split.flagged = 0;
            return fk_order_commission(&x->fk, &env, &x->book.id[n], &split,
                                       &out);
        }
    }

    return FK_NOT_FOUND;
}


fk_code_t
ex_withdraw(ex_shop_t *x)
{
    fk_env_t              env;
    fk_withdrawal_view_t  view;

    env = (fk_env_t) { .now_ms = x->book.now_ms };
    return fk_withdrawal_request(&x->fk, &env,
                                 request_account((uint32_t)
                                                 (x->draw.a % SIM_ACCOUNTS)),
                                 1 + (int64_t) (x->draw.b % 30),
                                 (fk_str_t) { NULL, 0 }, &view);
}


/* By one of so few notes that some are known. */

fk_code_t
ex_withdraw_once(ex_shop_t *x)
{
    fk_env_t              env;
    fk_str_t              note;
    fk_withdrawal_view_t  view;

    env = (fk_env_t) { .now_ms = x->book.now_ms };
    note = (fk_str_t) { (const uint8_t *) "abc", 1 + x->draw.c % 3 };

    return fk_withdrawal_request_once(&x->fk, &env,
                                      request_account((uint32_t)
                                                      (x->draw.a
                                                       % SIM_ACCOUNTS)),
                                      1 + (int64_t) (x->draw.b % 30), note,
                                      &view);
}


/* The next state of one of those that there are. */

fk_code_t
ex_payout(ex_shop_t *x)
{
    uint32_t              n, cursor;
    fk_env_t              env;
    fk_withdrawal_view_t  view;

    n = 1;
    cursor = (uint32_t) (x->draw.a % 3);

    if (fk_withdrawal_list(&x->fk, -1, &cursor, &view, &n) != FK_OK || n == 0)
    {
        return FK_NOT_FOUND;
    }

    env = (fk_env_t) { .now_ms = x->book.now_ms };
    return fk_withdrawal_decide(&x->fk, &env, view.id,
                                (fk_withdrawal_state_t)
                                (1 + x->draw.b % 3), &view);
}


/* Enough for some orders; by so few names that some are known. */

fk_code_t
ex_credit(ex_shop_t *x)
{
    fk_env_t              env;
    char                  ref[32];
    fk_withdrawal_view_t  view;

    env = (fk_env_t) { .now_ms = x->book.now_ms };
    (void) snprintf(ref, sizeof(ref), "credit-%" PRIu64, x->draw.c % 3);

    return fk_credit(&x->fk, &env,
                     request_account((uint32_t) (x->draw.a % 2)),
                     1 + (int64_t) (x->draw.b % 5000),
                     (fk_str_t) { (uint8_t *) ref, strlen(ref) }, &view);
}


/* How much it is, and so how it is split, only the engine can say. */

fk_code_t
ex_purchase(ex_shop_t *x, const fk_env_t *env, fk_checkout_t *in)
{
    int64_t          due;
    fk_code_t        code;
    fk_split_t       split;
    fk_order_view_t  out;

    due = 0;
    memcpy(in->channel, "purse", 6);
    in->way = FK_WAY_BALANCE;
    in->payer = request_account((uint32_t) (x->draw.b % 2));
    in->due = &due;

    code = fk_checkout(&x->fk, env, in, &out);
    if (code != FK_AGAIN || due == 0) {
        return code;
    }

    ex_split(x, due, &split);
    split.flagged = 0;
    split.paid = due;
    in->split = &split;

    return fk_checkout(&x->fk, env, in, &out);
}


/* One that takes the slot of another is more than one transaction. */

int
ex_takes_slot(ex_shop_t *x, fk_code_t (*run)(ex_shop_t *x))
{
    uint32_t    i;
    fk_usage_t  usage[FK_USAGE_COUNT];

    if (run != ex_withdraw && run != ex_withdraw_once && run != ex_credit) {
        return 0;
    }

    fk_usage(&x->fk, usage);

    for (i = 0; i < FK_USAGE_COUNT; i++) {
        if (strcmp(usage[i].table, "withdrawals") == 0) {
            return usage[i].used == usage[i].capacity;
        }
    }

    abort();
}

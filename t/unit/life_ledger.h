/*
 * Commission in the random life of journal_life.h, which includes it where its
 * dice and its orders are known: nobody else does.
 */

#ifndef FAKA_LIFE_LEDGER_H_INCLUDED_
#define FAKA_LIFE_LEDGER_H_INCLUDED_


/* The last agent comes and goes, and so does the last merchant. */
static const char *const  accounts[] = { "a", "b", "c", "d",
                                         "m", "n" };

#define AGENTS_COUNT    4
#define ACCOUNTS_COUNT  6


/* Now and then more than there is, or for somebody who has left. */
__attribute__((unused))
static fk_split_t
live_split(int64_t amount)
{
    uint32_t    n;
    fk_split_t  split;

    memset(&split, 0, sizeof(split));
    split.settle_s = pick(3) == 0 ? 0 : pick(9000);

    if (pick(12) == 0) {
        split.flagged = 1;
        return split;
    }

    split.count = pick(AGENTS_COUNT + 1);

    for (n = 0; n < split.count; n++) {
        split.line[n].account = str(accounts[n]);
        split.line[n].amount = pick((uint32_t) amount / 3 + 2);
    }

    return split;
}


/* An order that one of them pays, if it has so much. */
__attribute__((unused))
static void
live_spend(void)
{
    fk_split_t       split;
    fk_checkout_t    in;
    fk_order_view_t  view;

    if (orders_count == ORDERS_MAX) {
        return;
    }

    in = shop_cart(pick(2) ? "seats" : "card-a", 1 + pick(3));
    split = live_split(500);

    if (pick(4) == 0) {
        shop_rules(&in, 500 * (int64_t) in.qty, 1 + pick(400),
                   pick(2) ? "to be looked at" : NULL);
    }

    if (ledger_spend(&in, accounts[pick(ACCOUNTS_COUNT)], &split, &view)
        == FK_OK)
    {
        orders[orders_count++] = in.id;
    }
}


/* Money goes back in parts, is asked for, and paid out; agents move. */
__attribute__((unused))
static void
live_ledger(void)
{
    char                  ref[24];
    uint32_t              n, cursor;
    fk_split_t            split;
    fk_order_view_t       view;
    fk_withdrawal_view_t  w[4];

    switch (pick(9)) {

    case 7:
        snprintf(ref, sizeof(ref), "credit-%u", pick(50));
        (void) ledger_credit(accounts[pick(ACCOUNTS_COUNT)],
                             1 + pick(3000), ref);
        break;

    case 8:
        live_spend();
        break;

    case 0:
        if (orders_count != 0) {
            snprintf(ref, sizeof(ref), "part-%u", pick(12));
            (void) fk_refund_part(&shop, &shop_env,
                                  &orders[pick(orders_count)],
                                  1 + pick(pick(2) ? 100 : 2000), str(ref),
                                  &view);
        }
        break;

    case 1:
        (void) fk_withdrawal_request(&shop, &shop_env,
                                     str(accounts[pick(ACCOUNTS_COUNT)]),
                                     1 + pick(300), str("note"), w);
        break;

    case 2:
        (void) ledger_agent(accounts[pick(AGENTS_COUNT)],
                            pick(2) ? "" : accounts[pick(AGENTS_COUNT)]);
        break;

    case 3:
        (void) ledger_close(pick(2) ? "d" : "n", (uint8_t) pick(2));
        break;

    case 4:
        (void) ledger_belongs(pick(2) ? "seats" : "card-a",
                              pick(4) == 0 ? "" : pick(2) ? "m" : "n");
        break;

    case 5:
        if (orders_count != 0) {
            n = pick(orders_count);
            split = live_split(1000);
            (void) fk_order_commission(&shop, &shop_env, &orders[n], &split,
                                       &view);
        }
        break;

    default:
        n = 4;
        cursor = pick(130);

        if (fk_withdrawal_list(&shop, -1, &cursor, w, &n) == FK_OK
            && n != 0)
        {
            (void) fk_withdrawal_decide(&shop, &shop_env, w[pick(n)].id,
                                        pick(FK_WITHDRAWAL_STATE_COUNT), w);
        }
    }
}


/* And what their orders' money was split into. */
__attribute__((unused))
static int
same_accounts(fk_t *a, fk_t *b)
{
    uint32_t              i, n[2], cursor[2];
    fk_code_t             rc[2];
    fk_split_view_t       split[2];
    fk_account_view_t     view[2];
    fk_withdrawal_view_t  w[2][16];

    for (i = 0; i < ACCOUNTS_COUNT; i++) {
        if (fk_account_get(a, str(accounts[i]), &view[0]) != FK_OK
            || fk_account_get(b, str(accounts[i]), &view[1]) != FK_OK
            || memcmp(&view[0], &view[1], sizeof(view[0])) != 0)
        {
            printf("#   account %s differs\n", accounts[i]);
            return 0;
        }
    }

    for (i = 0; i < orders_count; i++) {
        memset(split, 0, sizeof(split));
        rc[0] = fk_order_split(a, &orders[i], &split[0]);
        rc[1] = fk_order_split(b, &orders[i], &split[1]);

        if (rc[0] != rc[1] || memcmp(&split[0], &split[1], sizeof(split[0])))
        {
            printf("#   the split of order %u differs\n", i);
            return 0;
        }
    }

    cursor[0] = cursor[1] = 0;

    do {
        n[0] = n[1] = 16;
        memset(w, 0, sizeof(w));
        (void) fk_withdrawal_list(a, -1, &cursor[0], w[0], &n[0]);
        (void) fk_withdrawal_list(b, -1, &cursor[1], w[1], &n[1]);

        /* Free slots at the end are nobody's, so the cursors may differ. */
        if (n[0] != n[1] || memcmp(w[0], w[1], sizeof(w[0])) != 0) {
            printf("#   withdrawals differ\n");
            return 0;
        }
    } while (cursor[0] != 0 && cursor[1] != 0);

    return 1;
}


#endif /* FAKA_LIFE_LEDGER_H_INCLUDED_ */

/*
 * The commands of fk_account.h, for the table of region_commands.h, which
 * includes it: nobody else does.
 */

#ifndef FAKA_FUZZ_REGION_LEDGER_H_INCLUDED_
#define FAKA_FUZZ_REGION_LEDGER_H_INCLUDED_


#define LEDGER_ROUNDS_MAX  256


static const char *const  ledger_names[] = { "a", "b", "shut", "platform",
                                             "more", "none" };

#define LEDGER_NAMES_COUNT  (sizeof(ledger_names) / sizeof(ledger_names[0]))


static void
take_account(fk_code_t rc, const fk_account_view_t *account)
{
    MUST((unsigned) rc < FK_CODE_COUNT);

    if (rc == FK_OK) {
        ENDS(account->id);
        ENDS(account->parent);
        ENDS(account->currency);
    }
}


static void
take_withdrawal(fk_code_t rc, const fk_withdrawal_view_t *w)
{
    MUST((unsigned) rc < FK_CODE_COUNT);

    if (rc == FK_OK || rc == FK_EXISTS) {
        ENDS(w->account);
        ENDS(w->currency);
        MUST(w->note_size <= sizeof(w->note));
    }
}


/* Each field of each, a parent that may lead in a circle among them. */

static void
call_accounts(void)
{
    int                created;
    uint32_t           i, n, cursor;
    uint64_t           seq;
    const char        *field;
    fk_account_put_t   in;
    fk_account_view_t  out[4];

    for (i = 0; i < LEDGER_NAMES_COUNT - 1; i++) {
        take_account(fk_account_get(&shop, str(ledger_names[i]), out), out);

        memset(&in, 0, sizeof(in));
        in.id = str(ledger_names[i]);
        in.fields = FK_ACCOUNT_PUT_CLOSED | FK_ACCOUNT_PUT_RATES
                    | FK_ACCOUNT_PUT_CURRENCY | FK_ACCOUNT_PUT_TOKEN
                    | FK_ACCOUNT_PUT_BUYER;
        in.closed = i == 2;
        in.rate_bp[0] = (uint16_t) (100 * i);
        strcpy(in.currency, "CNY");
        shop_digest(i, str("account"), in.buyer);
        take_account(fk_account_put(&shop, &shop_env, &in, out, &created,
                                    &seq, &field), out);

        in.fields = FK_ACCOUNT_PUT_PARENT;
        in.parent = str(ledger_names[(i + 1) % 2]);
        take_account(fk_account_put(&shop, &shop_env, &in, out, &created,
                                    &seq, &field), out);
    }

    cursor = 0;
    i = 0;

    do {
        n = 4;
        (void) fk_account_list(&shop, &cursor, out, &n);
        MUST(n <= 4);

        while (n > 0) {
            take_account(FK_OK, &out[--n]);
        }
    } while (cursor != 0 && ++i < LEDGER_ROUNDS_MAX);
}


static void
call_entries(void)
{
    uint32_t         i, n, rounds;
    uint64_t         cursor;
    fk_entry_t       out[3];
    fk_split_view_t  split;

    for (i = 0; i < LEDGER_NAMES_COUNT; i++) {
        cursor = 0;
        rounds = 0;

        do {
            n = 3;
            (void) fk_account_entries(&shop, str(ledger_names[i]), &cursor,
                                      out, &n);
            MUST(n <= 3);
            command_sum = fk_crc32c(command_sum, (const uint8_t *) out,
                                    n * sizeof(out[0]));
        } while (cursor != 0 && ++rounds < LEDGER_ROUNDS_MAX);
    }

    for (i = 0; i < full_orders_count; i++) {
        if (fk_order_split(&shop, &full_order[i], &split) != FK_OK) {
            continue;
        }

        MUST(split.line_count <= FK_SPLIT_LINES_MAX
             && split.part_count <= FK_PARTS_MAX);

        for (n = 0; n < split.line_count; n++) {
            ENDS(split.line[n].account);
        }

        for (n = 0; n < split.part_count; n++) {
            MUST(split.part[n].ref_size <= sizeof(split.part[n].ref));
        }
    }
}


/* Asked for, then decided in each way, those of before as well. */

static void
call_withdrawals(void)
{
    uint32_t               i, n, rounds, cursor;
    fk_withdrawal_view_t   w, list[4];
    fk_withdrawal_state_t  state;

    for (i = 0; i < LEDGER_NAMES_COUNT; i++) {
        take_withdrawal(fk_withdrawal_request(&shop, &shop_env,
                                              str(ledger_names[i]), 1 + i,
                                              str("note"), &w), &w);
    }

    cursor = 0;
    rounds = 0;

    do {
        n = 4;
        (void) fk_withdrawal_list(&shop, -1, &cursor, list, &n);
        MUST(n <= 4);

        while (n > 0) {
            take_withdrawal(FK_OK, &list[--n]);

            for (i = 0; i < FK_WITHDRAWAL_STATE_COUNT; i++) {
                state = (fk_withdrawal_state_t)
                        ((i + n) % FK_WITHDRAWAL_STATE_COUNT);
                take_withdrawal(fk_withdrawal_decide(&shop, &shop_env,
                                                     list[n].id, state, &w),
                                &w);
            }
        }
    } while (cursor != 0 && ++rounds < LEDGER_ROUNDS_MAX);
}


static void
call_parts(void)
{
    char             ref[16];
    uint32_t         i;
    fk_order_view_t  order;

    for (i = 0; i < full_orders_count; i++) {
        snprintf(ref, sizeof(ref), "ref-%u", command_serial++);
        take_order(fk_refund_part(&shop, &shop_env, &full_order[i],
                                  1 + i % 5 * 60, str(i % 3 ? ref : "part"),
                                  &order), &order);
    }
}


/* Sold by an agent; what a person accepts is split, too. */

static void
call_sell(void)
{
    char             no[16];
    uint32_t         i;
    fk_split_t       split;
    fk_checkout_t    in;
    fk_order_view_t  order;
    fk_pay_result_t  result;

    for (i = 0; i < 4; i++) {
        in = shop_cart("seats", 1);
        in.id = shop_id(0x10000 + command_serial++);
        in.agent = str(ledger_names[i]);
        snprintf(no, sizeof(no), "s-%u", command_serial++);
        split = ledger_split(90, 9 * i, i % 2 ? WEEK_S : 0);
        take_order(fk_checkout(&shop, &shop_env, &in, &order), &order);
        take_order(ledger_pay(&in.id, no, 500, &split, &result, &order),
                   &order);
    }

    split = ledger_split(10, 1, WEEK_S);

    for (i = 0; i < full_orders_count; i += 3) {
        take_order(fk_approve(&shop, &shop_env, &full_order[i], &split,
                              &order), &order);
    }
}


/* Nothing is frozen any more. */

static void
call_settle(void)
{
    shop_wait_s(2 * WEEK_S);
    call_tick();
}


#endif /* FAKA_FUZZ_REGION_LEDGER_H_INCLUDED_ */

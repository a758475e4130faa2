/*
 * Death at every store of every command that moves commission: a payment and
 * its split are both there or neither, money that goes back takes the lines
 * with it or not at all, and so on to the withdrawal.
 */

#include "crash_shop.h"
#include "ledger_shop.h"


static fk_order_id_t  id;
static uint64_t       withdrawal;
static uint8_t        record[FK_ARCHIVE_SIZE_MAX];
static size_t         record_size;
static uint64_t       record_seq;


static void
prepare_agents(void)
{
    shop_product("x", FK_KIND_COUNTED, 1000);
    shop_must(ledger_agent("b", "") == FK_OK
              && ledger_agent("a", "b") == FK_OK, "agents");
    id = shop_id(500);
}


static void
prepare_order(void)
{
    fk_checkout_t    in;
    fk_order_view_t  out;

    prepare_agents();
    in = shop_cart("x", 2);
    in.id = id;
    in.agent = str("a");
    shop_must(fk_checkout(&shop, &shop_env, &in, &out) == FK_OK, "order");
}


static void
prepare_merchant(void)
{
    prepare_order();
    shop_must(ledger_merchant("m") == FK_OK && ledger_belongs("x", "m")
              == FK_OK, "merchant");
}


static void
prepare_merchants(void)
{
    prepare_merchant();
    shop_must(ledger_merchant("n") == FK_OK, "another");
}


static void
prepare_flagged(void)
{
    fk_split_t       split;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    prepare_order();
    memset(&split, 0, sizeof(split));
    split.flagged = 1;
    shop_must(ledger_pay(&id, "trade", 1000, &split, &result, &out) == FK_OK
              && out.flagged, "flagged");
    (void) ledger_sell(1, 20, 10, WEEK_S);
}


static void
prepare_flagged_merchant(void)
{
    prepare_flagged();
    shop_must(ledger_merchant("m") == FK_OK && ledger_belongs("x", "m")
              == FK_OK, "merchant");
}


/* Others stand in the same lists and in the same slot of the wheel. */
static void
prepare_beside(void)
{
    prepare_order();
    (void) ledger_sell(1, 20, 10, WEEK_S);
    (void) ledger_sell(1, 20, 10, WEEK_S);
}


static void
prepare_review(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    prepare_order();
    shop_must(shop_pay(&id, "odd", 7, &result, &out) == FK_OK, "review");
}


static void
pay(uint32_t settle_s)
{
    fk_split_t       split;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    split = ledger_split(100, 11, settle_s);
    shop_must(ledger_pay(&id, "trade", 1000, &split, &result, &out) == FK_OK
              && result == FK_PAY_DELIVERED, "paid");
}


static void
prepare_paid(void)
{
    prepare_order();
    pay(WEEK_S);
    (void) ledger_sell(1, 20, 10, WEEK_S);
}


static void
prepare_plain(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    prepare_order();
    shop_must(shop_pay(&id, "trade", 1000, &result, &out) == FK_OK, "paid");
}


static void
prepare_part(void)
{
    prepare_paid();
    shop_must(ledger_return(&id, 100, "before") == FK_OK, "part");
}


static void
prepare_due(void)
{
    prepare_beside();
    pay(WEEK_S);
    shop_wait_s(WEEK_S + FK_SETTLE_UNIT_S);
}


static void
prepare_looked_at(void)
{
    fk_split_t       split;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    prepare_order();
    split = ledger_split(100, 11, WEEK_S);
    shop_must(shop_pay(&id, "odd", 7, &result, &out) == FK_OK
              && ledger_pay(&id, "even", 1000, &split, &result, &out)
                 == FK_OK && result == FK_PAY_REVIEW, "looked at");
}


static void
audit(void)
{
    shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "audit");
    while (fk_audit_step(&shop, &shop_env, 9, 1000) == FK_AGAIN) { }
}


static void
prepare_looked_at_audited(void)
{
    prepare_looked_at();
    audit();
}


static void
prepare_earned(void)
{
    prepare_order();
    pay(0);
}


static void
prepare_earned_audited(void)
{
    prepare_earned();
    audit();
}


static void
prepare_requested(void)
{
    fk_withdrawal_view_t  w;

    prepare_earned();
    shop_must(fk_withdrawal_request(&shop, &shop_env, str("a"), 60, str("n"),
                                    &w) == FK_OK, "request");
    withdrawal = w.id;
}


static void
prepare_approved(void)
{
    fk_withdrawal_view_t  w;

    prepare_requested();
    shop_must(fk_withdrawal_decide(&shop, &shop_env, withdrawal,
                                   FK_WITHDRAWAL_APPROVED, &w) == FK_OK,
              "approve");
}


/* The next request needs a slot that a finished one has. */
static void
prepare_full(void)
{
    uint32_t              n;
    fk_withdrawal_view_t  w;

    prepare_earned();
    n = shop.region->table[FK_TABLE_WITHDRAWALS].capacity;

    for (/* void */ ; n > 0; n--) {
        shop_must(fk_withdrawal_request(&shop, &shop_env, str("a"), 1,
                                        str("n"), &w) == FK_OK
                  && fk_withdrawal_decide(&shop, &shop_env, w.id,
                                          n % 2 == 0 || n > 20
                                          ? FK_WITHDRAWAL_REJECTED
                                          : FK_WITHDRAWAL_APPROVED, &w)
                     == FK_OK, "finished");

        if (w.state == FK_WITHDRAWAL_APPROVED) {
            shop_must(fk_withdrawal_decide(&shop, &shop_env, w.id,
                                           FK_WITHDRAWAL_PAID, &w) == FK_OK,
                      "paid");
        }
    }

    /* So that a paid one is the next to go. */
    shop.region->withdrawal_hand =
        shop.region->table[FK_TABLE_WITHDRAWALS].capacity - 1;
}


static void
prepare_settled(void)
{
    fk_order_view_t  out;

    prepare_earned();
    (void) ledger_sell(1, 20, 10, WEEK_S);
    shop_must(ledger_return(&id, 100, "some") == FK_OK
              && fk_archive_read(&shop, &id, &out, record, sizeof(record),
                                 &record_size) == FK_OK, "archive");
    record_seq = out.seq;
}


static void
prepare_settled_audited(void)
{
    prepare_settled();
    audit();
}


static void
prepare_away(void)
{
    prepare_settled();
    shop_must(fk_archive_drop(&shop, &shop_env, &id, record_seq) == FK_OK,
              "drop");
}


/* Others have its slots by now. */
static void
prepare_away_for_long(void)
{
    prepare_away();
    (void) ledger_sell(1, 20, 10, 0);
}


static fk_code_t
run_account(void)
{
    return ledger_agent("c", "a");
}


static fk_code_t
run_account_changed(void)
{
    return ledger_agent("a", "");
}


/* All that an account can be given, each other than it was. */
static fk_code_t
run_account_given(void)
{
    int                n, created;
    uint64_t           seq;
    const char        *field;
    fk_account_put_t   put;
    fk_account_view_t  view;

    memset(&put, 0, sizeof(put));
    put.id = str("a");
    put.fields = FK_ACCOUNT_PUT_RATES | FK_ACCOUNT_PUT_TOKEN
                 | FK_ACCOUNT_PUT_BUYER | FK_ACCOUNT_PUT_CLOSED;
    memset(put.token, 0x6d, sizeof(put.token));
    memset(put.buyer, 0x7e, sizeof(put.buyer));
    put.closed = 1;

    for (n = 0; n < FK_ACCOUNT_RATES; n++) {
        put.rate_bp[n] = (uint16_t) (11 + n);
    }

    return fk_account_put(&shop, &shop_env, &put, &view, &created, &seq,
                          &field);
}


static fk_code_t
run_merchant(void)
{
    return ledger_merchant("m");
}


static fk_code_t
run_belongs(void)
{
    return ledger_belongs("x", "n");
}


static fk_code_t
run_checkout(void)
{
    fk_code_t        code;
    fk_checkout_t    in;
    fk_order_view_t  out;

    in = shop_cart("x", 2);
    in.id = id;
    in.agent = str("a");
    memset(in.idem, 0x42, sizeof(in.idem));

    code = fk_checkout(&shop, &shop_env, &in, &out);
    return code == FK_EXISTS ? FK_OK : code;
}


static fk_code_t
run_pay(void)
{
    fk_split_t       split;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    split = ledger_split(100, 11, WEEK_S);
    return ledger_pay(&id, "trade", 1000, &split, &result, &out);
}


static fk_code_t
run_approve(void)
{
    fk_code_t        code;
    fk_split_t       split;
    fk_order_view_t  out;

    split = ledger_split(3, 1, WEEK_S);
    code = fk_approve(&shop, &shop_env, &id, &split, &out);
    return code == FK_CONFLICT ? FK_OK : code;
}


static fk_code_t
run_commission(void)
{
    fk_code_t        code;
    fk_split_t       split;
    fk_order_view_t  out;

    split = ledger_split(100, 11, WEEK_S);
    code = fk_order_commission(&shop, &shop_env, &id, &split, &out);
    return code == FK_EXISTS ? FK_OK : code;
}


static fk_code_t
run_deny(void)
{
    fk_code_t        code;
    fk_order_view_t  out;

    code = fk_decide(&shop, &shop_env, &id, FK_EVENT_DENY, &out);
    return code == FK_CONFLICT ? FK_OK : code;
}


static fk_code_t
run_part(void)
{
    fk_code_t  code;

    code = ledger_return(&id, 333, "a ref that takes two blocks of memory");
    return code == FK_EXISTS ? FK_OK : code;
}


static fk_code_t
run_tick(void)
{
    fk_tick_t  out;

    return fk_tick(&shop, &shop_env, 1000, &out);
}


static fk_code_t
run_request(void)
{
    fk_withdrawal_view_t  w;

    return fk_withdrawal_request(&shop, &shop_env, str("a"), 60, str("note"),
                                 &w);
}


static fk_code_t
run_paid(void)
{
    fk_code_t             code;
    fk_withdrawal_view_t  w;

    code = fk_withdrawal_decide(&shop, &shop_env, withdrawal,
                                FK_WITHDRAWAL_PAID, &w);
    return code == FK_EXISTS ? FK_OK : code;
}


static fk_code_t
run_reject(void)
{
    fk_code_t             code;
    fk_withdrawal_view_t  w;

    code = fk_withdrawal_decide(&shop, &shop_env, withdrawal,
                                FK_WITHDRAWAL_REJECTED, &w);
    return code == FK_EXISTS ? FK_OK : code;
}


static fk_code_t
run_drop(void)
{
    fk_code_t  code;

    code = fk_archive_drop(&shop, &shop_env, &id, record_seq);
    return code == FK_NOT_FOUND ? FK_OK : code;
}


static fk_code_t
run_restore(void)
{
    fk_code_t        code;
    fk_order_view_t  out;

    code = shop_restore(&shop, record, record_size, &out);
    return code == FK_EXISTS ? FK_OK : code;
}


static const command_t  commands[] = {
    { "account, new", prepare_agents, run_account, 1 },
    { "account, changed", prepare_agents, run_account_changed, 1 },
    { "account, all that it is given", prepare_agents, run_account_given, 1 },
    { "account, a merchant", prepare_agents, run_merchant, 1 },
    { "product, its merchant", prepare_merchants, run_belongs, 1 },
    { "checkout by an agent", prepare_agents, run_checkout, 1 },
    { "pay and split", prepare_order, run_pay, 1 },
    { "pay and split beside others", prepare_beside, run_pay, 1 },
    { "pay, the rest to a merchant", prepare_merchant, run_pay, 1 },
    { "approve and split", prepare_review, run_approve, 1 },
    { "approve beside the right sum", prepare_looked_at, run_approve, 1 },
    { "commission afterwards", prepare_flagged, run_commission, 1 },
    { "commission afterwards, the rest to a merchant",
      prepare_flagged_merchant, run_commission, 1 },
    { "deny what was split", prepare_looked_at, run_deny, 1 },
    { "deny beside an audit", prepare_looked_at_audited, run_deny, 1 },
    { "a part back", prepare_paid, run_part, 1 },
    { "a part back, not split", prepare_plain, run_part, 1 },
    { "another part back", prepare_part, run_part, 1 },
    { "a part back beside an audit", prepare_earned_audited, run_part, 1 },
    { "settle", prepare_due, run_tick, 0 },
    { "withdrawal", prepare_earned, run_request, 1 },
    { "withdrawal beside an audit", prepare_earned_audited, run_request, 1 },
    { "withdrawal, one makes room", prepare_full, run_request, 0 },
    { "withdrawal, paid", prepare_approved, run_paid, 1 },
    { "withdrawal, rejected", prepare_requested, run_reject, 1 },
    { "archive, drop", prepare_settled, run_drop, 1 },
    { "archive, drop beside an audit", prepare_settled_audited, run_drop, 1 },
    { "archive, restore", prepare_away_for_long, run_restore, 1 },
    { "archive, restore to used slots", prepare_away, run_restore, 0 },
};


int
main(void)
{
    size_t    i;
    uint8_t  *saved;

    saved = malloc(SHOP_SIZE);
    shop_must(saved != NULL, "malloc");

    for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        crash(&commands[i], saved);
    }

    free(saved);
    return tap_done();
}

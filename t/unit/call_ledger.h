/*
 * The calls of fk_account.h, for the table of call_table.h, which includes
 * it: nobody else does.  Agent "a" has 100 available, and one withdrawal of
 * them to be decided.
 */

#ifndef FAKA_CALL_LEDGER_H_INCLUDED_
#define FAKA_CALL_LEDGER_H_INCLUDED_


#include "ledger_shop.h"


static uint64_t       call_withdrawal_id;
static fk_order_id_t  call_split_id;
static uint8_t        call_split_record[4096];
static size_t         call_split_size;


/* After the order was made, in place of a payment without commission. */
__attribute__((unused))
static void
call_ledger(const fk_order_id_t *id, const char *trade_no)
{
    fk_split_t            split;
    fk_order_view_t       out;
    fk_pay_result_t       result;
    fk_withdrawal_view_t  w;

    split = ledger_split(100, 10, 0);

    shop_must(ledger_agent("b", "") == FK_OK
              && ledger_agent("a", "b") == FK_OK
              && ledger_pay(id, trade_no, 500, &split, &result, &out) == FK_OK
              && fk_withdrawal_request(&shop, &shop_env, str("a"), 10,
                                       str("n"), &w) == FK_OK, "ledger");
    call_withdrawal_id = w.id;
    call_split_id = *id;

    shop_must(fk_archive_read(&shop, id, &out, call_split_record,
                              sizeof(call_split_record), &call_split_size)
              == FK_OK, "record");
}


static int
call_checkout_balance(fk_t *fk)
{
    fk_split_t       split;
    fk_checkout_t    in;
    fk_order_view_t  out;

    memset(&in, 0, sizeof(in));
    memset(&split, 0, sizeof(split));
    split.paid = 50;
    in.id = shop_id(1001);
    in.sku = str("card");
    in.qty = 1;
    in.contact = str("a buyer");
    in.hold_s = SHOP_HOLD_S;
    strcpy(in.channel, "purse");
    in.way = FK_WAY_BALANCE;
    in.payer = str("a");
    in.split = &split;
    shop_rules(&in, 500, 50, NULL);
    return fk_checkout(fk, &shop_env, &in, &out);
}


static int
call_credit(fk_t *fk)
{
    fk_withdrawal_view_t  w;

    return fk_credit(fk, &shop_env, str("a"), 10, str("c"), &w);
}


static int
call_order_split(fk_t *fk)
{
    fk_split_view_t  out;

    return fk_order_split(fk, &call_split_id, &out);
}


static int
call_archive_mark(fk_t *fk)
{
    static const fk_order_id_t  none;

    return fk_archive_mark(fk, &none) != 0;
}


static int
call_archive_split(fk_t *fk)
{
    fk_split_view_t  out;

    return fk_archive_split(fk, call_split_record, call_split_size, &out);
}


static int
call_account_put(fk_t *fk)
{
    int                created;
    uint64_t           seq;
    const char        *field;
    fk_account_put_t   in;
    fk_account_view_t  out;

    memset(&in, 0, sizeof(in));
    in.id = str("c");
    in.fields = FK_ACCOUNT_PUT_CURRENCY;
    strcpy(in.currency, "CNY");

    return fk_account_put(fk, &shop_env, &in, &out, &created, &seq, &field);
}


static int
call_account_get(fk_t *fk)
{
    fk_account_view_t  out;

    return fk_account_get(fk, str("a"), &out);
}


static int
call_sale_shares(fk_t *fk)
{
    uint32_t           n;
    fk_account_view_t  out[2], platform;

    n = 2;
    return fk_sale_shares(fk, str("a"), "CNY", out, &n, &platform);
}


static int
call_account_list(fk_t *fk)
{
    uint32_t           n, cursor;
    fk_code_t          code;
    fk_account_view_t  out[2];

    n = 2;
    cursor = 0;
    code = fk_account_list(fk, &cursor, out, &n);
    return n == (code == FK_OK ? 2 : 0) ? (int) code : -1;
}


static int
call_account_entries(fk_t *fk)
{
    uint32_t    n;
    uint64_t    cursor;
    fk_code_t   code;
    fk_entry_t  out[2];

    n = 2;
    cursor = 0;
    code = fk_account_entries(fk, str("a"), &cursor, out, &n);
    return n == (code == FK_OK ? 2 : 0) ? (int) code : -1;
}


static int
call_withdrawal_request(fk_t *fk)
{
    fk_withdrawal_view_t  out;

    return fk_withdrawal_request(fk, &shop_env, str("a"), 5, str("n"), &out);
}


static int
call_withdrawal_request_once(fk_t *fk)
{
    fk_withdrawal_view_t  out;

    return fk_withdrawal_request_once(fk, &shop_env, str("a"), 5, str("new"),
                                      &out);
}


static int
call_withdrawal_decide(fk_t *fk)
{
    fk_withdrawal_view_t  out;

    return fk_withdrawal_decide(fk, &shop_env, call_withdrawal_id,
                                FK_WITHDRAWAL_APPROVED, &out);
}


static int
call_withdrawal_list(fk_t *fk)
{
    uint32_t              n, cursor;
    fk_code_t             code;
    fk_withdrawal_view_t  out[1];

    n = 1;
    cursor = 0;
    code = fk_withdrawal_list(fk, -1, &cursor, out, &n);
    return n == (code == FK_OK ? 1 : 0) ? (int) code : -1;
}


#endif /* FAKA_CALL_LEDGER_H_INCLUDED_ */

/*
 * Accounts for the engine's tests: agents of a shop in CNY, splits among
 * them, and short calls for what every test of money does.
 */

#ifndef FAKA_LEDGER_SHOP_H_INCLUDED_
#define FAKA_LEDGER_SHOP_H_INCLUDED_


#include "engine_shop.h"


#define WEEK_S  (7 * 86400)

#define EQ_BALANCE(id, f, av, what)                                          \
    do {                                                                     \
        EQ_INT(ledger_view(id).frozen, f, what ": frozen");                  \
        EQ_INT(ledger_view(id).available, av, what ": available");           \
    } while (0)


/* An agent, or a change of its parent; parent "" is none. */
__attribute__((unused))
static fk_code_t
ledger_agent(const char *id, const char *parent)
{
    int                created;
    uint64_t           seq;
    const char        *field;
    fk_account_put_t   put;
    fk_account_view_t  view;

    memset(&put, 0, sizeof(put));
    put.id = str(id);
    put.fields = FK_ACCOUNT_PUT_CURRENCY | FK_ACCOUNT_PUT_PARENT;
    put.parent = str(parent);
    strcpy(put.currency, "CNY");

    return fk_account_put(&shop, &shop_env, &put, &view, &created, &seq,
                          &field);
}


__attribute__((unused))
static fk_code_t
ledger_merchant(const char *id)
{
    int                created;
    uint64_t           seq;
    const char        *field;
    fk_account_put_t   put;
    fk_account_view_t  view;

    memset(&put, 0, sizeof(put));
    put.id = str(id);
    put.fields = FK_ACCOUNT_PUT_CURRENCY | FK_ACCOUNT_PUT_KIND;
    put.kind = FK_ACCOUNT_MERCHANT;
    strcpy(put.currency, "CNY");

    return fk_account_put(&shop, &shop_env, &put, &view, &created, &seq,
                          &field);
}


/* Whose product it is from now on; "": nobody's. */
__attribute__((unused))
static fk_code_t
ledger_belongs(const char *sku, const char *merchant)
{
    fk_product_put_t  put;

    memset(&put, 0, sizeof(put));
    put.sku = str(sku);
    put.fields = FK_PUT_MERCHANT;
    put.merchant = str(merchant);

    return shop_put(&put, NULL);
}


__attribute__((unused))
static fk_code_t
ledger_close(const char *id, uint8_t closed)
{
    int                created;
    uint64_t           seq;
    const char        *field;
    fk_account_put_t   put;
    fk_account_view_t  view;

    memset(&put, 0, sizeof(put));
    put.id = str(id);
    put.fields = FK_ACCOUNT_PUT_CLOSED;
    put.closed = closed;

    return fk_account_put(&shop, &shop_env, &put, &view, &created, &seq,
                          &field);
}


__attribute__((unused))
static fk_account_view_t
ledger_view(const char *id)
{
    fk_account_view_t  view;

    memset(&view, 0, sizeof(view));
    shop_must(fk_account_get(&shop, str(id), &view) == FK_OK, "account");
    return view;
}


/* So much for agent "a", so much for its parent "b". */
__attribute__((unused))
static fk_split_t
ledger_split(int64_t a, int64_t b, uint32_t settle_s)
{
    fk_split_t  split;

    memset(&split, 0, sizeof(split));
    split.count = 2;
    split.settle_s = settle_s;
    split.line[0].account = str("a");
    split.line[0].amount = a;
    split.line[1].account = str("b");
    split.line[1].amount = b;

    return split;
}


__attribute__((unused))
static fk_code_t
ledger_pay(const fk_order_id_t *id, const char *trade_no, int64_t amount,
    const fk_split_t *split, fk_pay_result_t *result, fk_order_view_t *out)
{
    fk_pay_t  in;

    memset(&in, 0, sizeof(in));
    in.id = *id;
    in.channel = str("epay");
    in.trade_no = str(trade_no);
    in.amount = amount;
    strcpy(in.currency, "CNY");
    in.split = *split;

    return fk_pay(&shop, &shop_env, &in, result, out);
}


/* A shop with seats at 500 and two agents, "a" below "b". */
__attribute__((unused))
static void
ledger_open(void)
{
    shop_open();
    shop_product("x", FK_KIND_COUNTED, 1000);
    shop_must(ledger_agent("b", "") == FK_OK
              && ledger_agent("a", "b") == FK_OK, "agents");
}


/* An order of qty that "a" brought, paid and split so. */
__attribute__((unused))
static fk_order_id_t
ledger_sell(uint32_t qty, int64_t a, int64_t b, uint32_t settle_s)
{
    char             trade[32];
    fk_split_t       split;
    fk_checkout_t    in;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    in = shop_cart("x", qty);
    in.agent = str("a");
    split = ledger_split(a, b, settle_s);
    snprintf(trade, sizeof(trade), "sold-%u", shop_serial);

    shop_must(fk_checkout(&shop, &shop_env, &in, &out) == FK_OK, "checkout");
    shop_must(ledger_pay(&in.id, trade, out.amount, &split, &result, &out)
              == FK_OK && result == FK_PAY_DELIVERED, "sale");

    return in.id;
}


__attribute__((unused))
static fk_code_t
ledger_return(const fk_order_id_t *id, int64_t amount, const char *ref)
{
    fk_order_view_t  out;

    return fk_refund_part(&shop, &shop_env, id, amount, str(ref), &out);
}


__attribute__((unused))
static fk_code_t
ledger_credit(const char *id, int64_t amount, const char *ref)
{
    fk_withdrawal_view_t  w;

    return fk_credit(&shop, &shop_env, str(id), amount, str(ref), &w);
}


/* That account pays for it; asked twice, as a caller has to, for the sum. */
__attribute__((unused))
static fk_code_t
ledger_spend(fk_checkout_t *in, const char *payer, const fk_split_t *split,
    fk_order_view_t *out)
{
    int64_t     due;
    fk_code_t   code;
    fk_split_t  of;

    due = 0;
    in->way = FK_WAY_BALANCE;
    in->payer = str(payer);
    in->due = &due;
    in->split = NULL;
    code = fk_checkout(&shop, &shop_env, in, out);

    if (code != FK_AGAIN || due == 0) {
        return code;
    }

    memset(&of, 0, sizeof(of));

    if (split != NULL) {
        of = *split;
    }

    of.paid = due;
    in->split = &of;
    code = fk_checkout(&shop, &shop_env, in, out);
    in->split = NULL;

    return code;
}


/* The audit of the shop as it is; its totals. */
__attribute__((unused))
static fk_audit_totals_t
ledger_audit(void)
{
    fk_audit_totals_t  totals;

    memset(&totals, 0, sizeof(totals));
    shop_must(fk_audit_begin(&shop, &shop_env, 77) == FK_OK, "audit");
    while (fk_audit_step(&shop, &shop_env, 77, 100) == FK_AGAIN) { }
    shop_must(fk_audit_end(&shop, 77, &totals) == FK_OK, "audit end");

    if (!totals.ok) {
        printf("#   %s\n", totals.problem);
    }

    return totals;
}


/* Every sum and link, at once and by the audit. */
__attribute__((unused))
static int
ledger_sound(void)
{
    fk_audit_totals_t  totals;

    totals = ledger_audit();
    return shop_sound() && totals.ok && totals.money[0].ledger_sum == 0;
}


/* Two splits that are frozen, one of them with a part back; one that is not,
 * and a withdrawal of each kind that adds to a balance. */
__attribute__((unused))
static void
ledger_some(const char *sku)
{
    uint32_t              i;
    fk_split_t            split;
    fk_order_view_t       out;
    fk_pay_result_t       result;
    fk_withdrawal_view_t  w;

    static const char *const  trades[] = { "l0", "l1", "l2" };

    shop_must(ledger_agent("b", "") == FK_OK
              && ledger_agent("a", "b") == FK_OK, "agents");

    for (i = 0; i < 3; i++) {
        split = ledger_split(100, 10, i == 0 ? 0 : WEEK_S);
        shop_must(shop_buy(sku, 1, &out) == FK_OK
                  && ledger_pay(&out.id, trades[i], 500, &split, &result,
                                &out) == FK_OK
                  && ledger_return(&out.id, 50, "part") == FK_OK, "split");
    }

    for (i = 0; i < 2; i++) {
        shop_must(fk_withdrawal_request(&shop, &shop_env,
                                        str(i == 0 ? "a" : "b"), 3, str("n"),
                                        &w) == FK_OK, "withdrawal");
    }

    shop_must(fk_withdrawal_decide(&shop, &shop_env, w.id,
                                   FK_WITHDRAWAL_APPROVED, &w) == FK_OK
              && fk_withdrawal_decide(&shop, &shop_env, w.id,
                                      FK_WITHDRAWAL_PAID, &w) == FK_OK,
              "paid");
}


#endif /* FAKA_LEDGER_SHOP_H_INCLUDED_ */

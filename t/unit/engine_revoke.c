/*
 * A delivered order that is taken back: its money is owed, its units are void
 * and stay so, and every sum is what it was without it.
 */

#include "archive_shop.h"
#include "ledger_shop.h"


static uint8_t          record[FK_ARCHIVE_SIZE_MAX];
static size_t           record_size;
static fk_order_id_t    id;
static fk_order_view_t  view;


static fk_code_t
decide(fk_event_t event)
{
    return fk_decide(&shop, &shop_env, &id, event, &view);
}


static fk_pay_result_t
pay(const char *trade, int64_t amount)
{
    fk_pay_result_t  result;

    shop_must(shop_pay(&id, trade, amount, &result, &view) == FK_OK, "pay");
    return result;
}


static void
bought(const char *sku, uint32_t qty)
{
    fk_checkout_t  in;

    in = shop_cart(sku, qty);
    shop_buyer(&in, 1, "");
    shop_must(fk_checkout(&shop, &shop_env, &in, &view) == FK_OK, "buy");
    id = in.id;
    shop_must(pay("t", 500 * (int64_t) qty) == FK_PAY_DELIVERED, "pay");
}


/* "trade=state:owed", in the order of the payments. */
static const char *
money(void)
{
    int                n;
    uint32_t           i, count;
    fk_payment_view_t  out[FK_ORDER_PAYMENTS_MAX];

    static char  text[256];

    n = 0;
    text[0] = '\0';
    count = FK_ORDER_PAYMENTS_MAX;
    shop_must(fk_order_payments(&shop, &id, out, &count) == FK_OK, "money");

    for (i = 0; i < count; i++) {
        n += snprintf(text + n, sizeof(text) - (size_t) n, "%s%s=%s:%d",
                      i == 0 ? "" : " ", out[i].trade_no,
                      fk_payment_state_word[out[i].state],
                      (int) out[i].owed);
    }

    return text;
}


/* What a product has: available, held, sold, void. */
static void
stock_is(const char *sku, int64_t available, int64_t sold, int64_t voided)
{
    fk_product_view_t  p;

    p = shop_view(sku);
    OK(p.available == available && p.held == 0 && p.sold == sold
       && p.voided == voided, "%s: %d available, %d sold, %d void", sku,
       (int) p.available, (int) p.sold, (int) p.voided);
}


static fk_code_t
cards(void)
{
    uint8_t        buf[4096];
    uint32_t       n, cursor;
    fk_card_out_t  out[8];

    n = 8;
    cursor = 0;
    return fk_order_cards(&shop, &id, &cursor, buf, sizeof(buf), out, &n);
}


static int64_t
has_kept(void)
{
    fk_audit_totals_t  totals;

    totals = ledger_audit();
    shop_must(totals.ok, totals.problem);
    return totals.money[0].amount;
}


static void
test_cards(void)
{
    uint32_t         batch, accepted = 0;
    uint64_t         seq;
    uint8_t          results[4];
    fk_order_view_t  other;

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 4);
    bought("x", 2);
    EQ_INT(cards(), FK_OK, "the buyer sees them");
    stock_is("x", 2, 2, 0);

    EQ_INT(decide(FK_EVENT_REVOKE), FK_OK, "revoked");
    EQ_INT(view.seq, fk_last_seq(&shop), "by the last record");
    EQ_INT(view.status, FK_STATUS_REFUND_DUE, "its money is owed");
    EQ_STR(money(), "t=refund_due:1000", "all of it");
    EQ_INT(cards(), FK_CONFLICT, "nobody sees them any more");
    stock_is("x", 2, 0, 2);
    EQ_INT(has_kept(), 1000, "the shop has the money");
    EQ_INT(decide(FK_EVENT_REVOKE), FK_CONFLICT, "once");
    EQ_INT(decide(FK_EVENT_DENY), FK_CONFLICT, "and nothing else");

    /* Nobody else gets them, not by another import either. */
    EQ_INT(shop_buy("x", 3, &other), FK_SOLD_OUT, "they are not for sale");
    shop_must(fk_import_begin(&shop, &shop_env, str("x"), &batch) == FK_OK
              && shop_add(batch, 1, 4, 60, results) == FK_OK
              && fk_import_commit(&shop, &shop_env, batch, &accepted, &seq)
                 == FK_OK, "import");
    EQ_INT(accepted, 0, "they are known");
    OK(!fk_archive_finished(&shop, FK_ORDER(&shop, 1)), "not finished");
    OK(ledger_sound(), "sound");

    EQ_INT(fk_refund_ask(&shop, &shop_env, &id, str("t"), &view), FK_OK,
           "the gateway is asked");
    EQ_STR(money(), "t=refund_asked:1000", "for all of it");
    EQ_INT(fk_refund(&shop, &shop_env, &id, str("t"), &view), FK_OK,
           "and gives it");
    EQ_INT(view.status, FK_STATUS_REFUNDED, "refunded");
    EQ_STR(money(), "t=refunded:0", "nothing is owed");
    EQ_INT(has_kept(), 0, "nor kept");
    stock_is("x", 2, 0, 2);
    EQ_INT(pay("late", 1000), FK_PAY_EXTRA, "what comes now is extra");
    EQ_STR(money(), "t=refunded:0 late=refund_due:1000", "and owed as such");
    OK(ledger_sound(), "sound");
}


static void
test_kinds(void)
{
    shop_open();
    shop_product("seats", FK_KIND_COUNTED, 10);
    shop_product("key", FK_KIND_SHARED, 0);
    shop_stock("key", 1, 1);

    bought("seats", 3);
    EQ_INT(decide(FK_EVENT_REVOKE), FK_OK, "seats");
    stock_is("seats", 7, 0, 3);
    OK(ledger_sound(), "sound");
    EQ_INT(decide(FK_EVENT_REFUNDED), FK_OK, "refunded");
    stock_is("seats", 7, 0, 3);

    shop_must(shop_buy("key", 1, &view) == FK_OK, "buy");
    id = view.id;
    shop_must(pay("k", 500) == FK_PAY_DELIVERED, "pay");
    EQ_INT(decide(FK_EVENT_REVOKE), FK_OK, "a key of all");
    stock_is("key", 1, 0, 0);
    EQ_INT(cards(), FK_CONFLICT, "he sees it no more");
    OK(ledger_sound(), "sound");
}


/* Only what is paid and has its units; under review nobody has seen them. */
static void
test_states(void)
{
    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 4);
    shop_must(shop_buy("x", 2, &view) == FK_OK, "buy");
    id = view.id;
    EQ_INT(decide(FK_EVENT_REVOKE), FK_CONFLICT, "not unpaid");
    shop_must(pay("odd", 7) == FK_PAY_REVIEW, "odd");
    EQ_INT(decide(FK_EVENT_REVOKE), FK_CONFLICT, "nor with a wrong sum");
    shop_must(pay("even", 1000) == FK_PAY_REVIEW, "even");
    EQ_INT(decide(FK_EVENT_REVOKE), FK_OK, "paid, and to be looked at");
    EQ_STR(money(), "odd=refund_due:7 even=refund_due:1000", "both owed");
    stock_is("x", 2, 0, 2);
    EQ_INT(decide(FK_EVENT_REFUNDED), FK_OK, "both given back");
    EQ_INT(has_kept(), 0, "nothing is kept");

    id = shop_id(900);
    EQ_INT(decide(FK_EVENT_REVOKE), FK_NOT_FOUND, "no such order");
    OK(ledger_sound(), "sound");
}


/* Parts came before: what is owed is the rest, and no unit more. */
static void
test_parts(void)
{
    fk_buyer_view_t  buyer;

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 4);
    bought("x", 2);
    shop_must(pay("second", 1000) == FK_PAY_EXTRA
              && ledger_return(&id, 300, "one") == FK_OK
              && ledger_return(&id, 100, "two") == FK_OK, "parts");
    EQ_STR(money(), "t=applied:0 second=refund_due:1000", "paid twice");
    EQ_INT(has_kept(), 1600, "less the parts");
    buyer = shop_buyer_view(1);
    EQ_INT(buyer.spent, 600, "so much is spent");

    EQ_INT(decide(FK_EVENT_REVOKE), FK_OK, "revoked");
    EQ_STR(money(), "t=refund_due:600 second=refund_due:1000",
           "the rest of the one, and all of the other");
    EQ_INT(view.returned, 400, "the parts are known");
    EQ_INT(has_kept(), 1600, "nothing has left yet");
    buyer = shop_buyer_view(1);
    EQ_INT(buyer.spent, 0, "nothing is spent");
    EQ_INT(ledger_return(&id, 1, "three"), FK_CONFLICT, "no further part");
    EQ_INT(ledger_return(&id, 300, "one"), FK_EXISTS, "the old ones stay");

    EQ_INT(fk_refund(&shop, &shop_env, &id, str("t"), &view), FK_OK, "one");
    EQ_INT(has_kept(), 1000, "the rest has left");
    EQ_INT(fk_refund(&shop, &shop_env, &id, str("second"), &view), FK_OK,
           "the other");
    EQ_INT(view.status, FK_STATUS_REFUNDED, "refunded");
    EQ_INT(has_kept(), 0, "nothing is left");
    OK(ledger_sound(), "sound");
}


/* All of it went back in parts: there is nobody to be asked. */
static void
test_whole(void)
{
    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 4);
    bought("x", 2);
    shop_must(ledger_return(&id, 1000, "all") == FK_OK, "all");
    EQ_INT(decide(FK_EVENT_REVOKE), FK_OK, "revoked");
    EQ_STR(money(), "t=refund_due:0", "nothing is owed of it");
    EQ_INT(has_kept(), 0, "nor kept");
    EQ_INT(fk_refund(&shop, &shop_env, &id, str("t"), &view), FK_OK, "over");
    EQ_INT(view.status, FK_STATUS_REFUNDED, "refunded");
    EQ_INT(has_kept(), 0, "nothing is kept");
    OK(ledger_sound(), "sound");
}


/* Two sums were taken for one price: the older one bears the parts. */
static void
test_two(void)
{
    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 4);
    shop_must(shop_buy("x", 2, &view) == FK_OK, "buy");
    id = view.id;
    shop_must(pay("a", 300) == FK_PAY_REVIEW && pay("b", 200) == FK_PAY_REVIEW
              && decide(FK_EVENT_APPROVE) == FK_OK
              && ledger_return(&id, 350, "part") == FK_OK, "approved");
    EQ_INT(has_kept(), 150, "less the part");
    EQ_INT(decide(FK_EVENT_REVOKE), FK_OK, "revoked");
    EQ_STR(money(), "a=refund_due:0 b=refund_due:150", "the older one first");
    EQ_INT(fk_refund(&shop, &shop_env, &id, str("a"), &view), FK_OK, "a");
    EQ_INT(has_kept(), 150, "of it nothing was left");
    EQ_INT(fk_refund(&shop, &shop_env, &id, str("b"), &view), FK_OK, "b");
    EQ_INT(has_kept(), 0, "nothing is left");
    OK(ledger_sound(), "sound");
}


/* A limit and a coupon are free again, and nobody has earned by it. */
static void
test_given_back(void)
{
    fk_split_t         split;
    fk_checkout_t      in;
    fk_coupon_put_t    coupon;
    fk_pay_result_t    result;
    fk_account_view_t  account;

    ledger_open();
    shop_product("y", FK_KIND_CARD, 0);
    shop_stock("y", 1, 9);
    shop_terms("y", 2);
    coupon = shop_coupon_of("off", FK_COUPON_FIXED, 10);
    coupon.uses_max = 1;
    split = ledger_split(100, 50, 0);
    shop_must(shop_coupon_put(&coupon) == FK_OK, "coupon");
    in = shop_cart("y", 2);
    shop_buyer(&in, 1, "off");
    shop_must(fk_checkout(&shop, &shop_env, &in, &view) == FK_OK
              && ledger_pay(&in.id, "t", view.amount, &split, &result, &view)
                 == FK_OK
              && ledger_return(&in.id, view.amount / 2, "half") == FK_OK,
              "sold");
    id = in.id;
    account = ledger_view("a");
    EQ_INT(account.available, 50, "half of it is left");

    EQ_INT(decide(FK_EVENT_REVOKE), FK_OK, "revoked");
    account = ledger_view("a");
    EQ_INT(account.available, 0, "nobody has earned");
    EQ_INT(shop_coupon_view("off").uses_count, 0, "the coupon is not used");
    OK(ledger_sound(), "sound");

    in = shop_cart("y", 2);
    shop_buyer(&in, 1, "off");
    EQ_INT(fk_checkout(&shop, &shop_env, &in, &view), FK_OK,
           "he may buy again, with the same coupon");
    OK(ledger_sound(), "sound");
}


/* Out of the region, and back, also beside an audit; and from the journal. */
static void
test_away(void)
{
    char               why[256];
    fk_t               twin;
    seen_t             was, is;
    fk_audit_totals_t  totals;

    shop_open();
    kept_size = 0;
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 4);
    bought("x", 2);
    shop_must(ledger_return(&id, 300, "one") == FK_OK
              && decide(FK_EVENT_REVOKE) == FK_OK, "revoke");
    EQ_INT(shop_archive(&id, record, &record_size), FK_CONFLICT,
           "it stays while money is owed");
    shop_must(decide(FK_EVENT_REFUNDED) == FK_OK, "refunded");
    was = seen(&shop, &id);

    shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "audit");
    while (fk_audit_step(&shop, &shop_env, 9, 1000) == FK_AGAIN) { }
    EQ_INT(shop_archive(&id, record, &record_size), FK_OK, "it leaves");
    stock_is("x", 2, 0, 2);
    OK(shop.region->table[FK_TABLE_CARDS].free_count == 2, "with its cards");
    EQ_INT(fk_archive_view(&shop, record, record_size, &view, NULL, NULL),
           FK_OK, "the archive shows it");
    EQ_INT(view.status, FK_STATUS_REFUNDED, "as it was");
    EQ_INT(shop_restore(&shop, record, record_size, &view), FK_OK, "back");
    is = seen(&shop, &id);
    OK(seen_same(&was, &is), "the same");
    stock_is("x", 2, 0, 2);
    shop_must(fk_audit_end(&shop, 9, &totals) == FK_OK, "end");
    OK(totals.ok && totals.money[0].amount == 0, "the audit agrees: %s",
       totals.problem);
    OK(ledger_sound(), "sound");

    kept_flush();
    region_new(&twin, SHOP_SIZE);
    EQ_INT(region_recover(&twin, kept, kept_size, why), FK_OK, "recovered");
    is = seen(&twin, &id);
    OK(seen_same(&was, &is), "the same");
    OK(products_same(&shop, &twin, "x"), "and its product");
    region_drop(&twin);

    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "again");
    FK_PRODUCT(&shop, 1)->voided -= 1;
    EQ_INT(shop_restore(&shop, record, record_size, &view), FK_CONFLICT,
           "not into a shop of which it did not leave");
}


/* What the region may not say. */
static void
test_damage(void)
{
    char               why[256];
    unsigned           n;
    fk_order_rec_t    *o;
    fk_payment_rec_t  *p;
    fk_product_rec_t  *product;

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 4);
    bought("x", 2);
    shop_must(ledger_return(&id, 300, "one") == FK_OK
              && decide(FK_EVENT_REVOKE) == FK_OK && shop_sound(), "revoke");
    o = FK_ORDER(&shop, 1);
    p = FK_PAYMENT(&shop, 1);
    product = FK_PRODUCT(&shop, 1);

    for (n = 0; n < 6; n++) {
        fk_order_rec_t    order = *o;
        fk_payment_rec_t  payment = *p;
        fk_product_rec_t  stock = *product;

        switch (n) {
        case 0: p->revoked = 0; break;
        case 1: p->revoked = 2; break;
        case 2: p->state = FK_PAYMENT_STATE_APPLIED; break;
        case 3: product->revoked = 1; break;
        case 4: product->voided = 1; product->imported = 3; break;
        default: o->first_card = 0;
        }

        EQ_INT(fk_check(&shop, why, sizeof(why)), FK_CORRUPT,
               "damage %u is seen: %s", n, why);
        *o = order;
        *p = payment;
        *product = stock;
        shop_must(shop_sound(), "mended");
    }
}


int
main(void)
{
    test_cards();
    test_kinds();
    test_states();
    test_parts();
    test_whole();
    test_two();
    test_given_back();
    test_away();
    test_damage();

    return tap_done();
}

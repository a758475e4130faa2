/*
 * The ledger at its edges: sums of 40 bits, other currencies, money that a
 * person can still decide about, clocks that go back, and what must be settled
 * neither too early, too late, nor never.
 */

#include "ledger_shop.h"


#define BIG        INT64_C(900000000001)
#define MONTH_S    (30 * 86400)
#define TURN_S     (FK_SETTLE_SLOTS * (int64_t) FK_SETTLE_UNIT_S)


static fk_code_t
agent_in(const char *id, const char *currency)
{
    int                created;
    uint64_t           seq;
    const char        *field;
    fk_account_put_t   put;
    fk_account_view_t  view;

    memset(&put, 0, sizeof(put));
    put.id = str(id);
    put.fields = FK_ACCOUNT_PUT_CURRENCY;
    strcpy(put.currency, currency);

    return fk_account_put(&shop, &shop_env, &put, &view, &created, &seq,
                          &field);
}


/* A line times what was given back has 80 bits. */
static void
test_large(void)
{
    fk_split_t        split;
    fk_order_id_t     id;
    fk_order_view_t   out;
    fk_pay_result_t   result;
    fk_split_view_t   view;
    fk_product_put_t  put;

    ledger_open();
    memset(&put, 0, sizeof(put));
    put.sku = str("x");
    put.fields = FK_PUT_PRICE | FK_PUT_QTY_MAX;
    put.price = BIG;
    put.qty_max = 1;
    strcpy(put.currency, "CNY");
    split = ledger_split(INT64_C(600000000000), INT64_C(299999999999), 0);
    shop_must(shop_put(&put, NULL) == FK_OK
              && shop_buy("x", 1, &out) == FK_OK
              && ledger_pay(&out.id, "t", BIG, &split, &result, &out)
                 == FK_OK, "sale");
    id = out.id;

    EQ_INT(ledger_return(&id, INT64_C(450000000000), "half"), FK_OK, "half");
    shop_must(fk_order_split(&shop, &id, &view) == FK_OK, "split");
    EQ_INT(view.line[0].clawed, INT64_C(299999999999), "of the first line");
    EQ_INT(view.line[1].clawed, INT64_C(149999999999), "of the second");
    EQ_BALANCE("a", 0, INT64_C(300000000001), "rounded down");
    EQ_INT(ledger_return(&id, INT64_C(450000000001), "rest"), FK_OK, "rest");
    EQ_BALANCE("a", 0, 0, "nothing left");
    EQ_BALANCE("b", 0, 0, "nothing left above");
    OK(ledger_sound(), "sound");
}


/* Dollars are no yuan. */
static void
test_currency(void)
{
    uint64_t         seq;
    fk_split_t       split;
    fk_checkout_t    in;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    ledger_open();
    shop_must(agent_in("u", "USD") == FK_OK, "agent");
    in = shop_cart("x", 1);
    in.agent = str("u");
    EQ_INT(fk_checkout(&shop, &shop_env, &in, &out), FK_AGENT,
           "an agent of another currency brings no order");

    shop_must(shop_buy("x", 1, &out) == FK_OK, "order");
    seq = fk_last_seq(&shop);
    split = ledger_split(5, 3, 0);
    split.line[1].account = str("u");
    EQ_INT(ledger_pay(&out.id, "t", 500, &split, &result, &out), FK_INVALID,
           "nor has a share of it");
    split.line[1].amount = 0;
    EQ_INT(ledger_pay(&out.id, "t", 500, &split, &result, &out), FK_INVALID,
           "not even one of nothing");
    EQ_INT(fk_last_seq(&shop), seq, "nothing was booked");
    split.line[1].account = str("b");
    EQ_INT(ledger_pay(&out.id, "t", 500, &split, &result, &out), FK_OK,
           "but so");
    OK(ledger_sound(), "sound");
}


/* Who waits for stock may be given up: that gives all of it back. */
static void
test_part_waiting(void)
{
    char              why[256];
    fk_split_t        split;
    fk_order_id_t     id;
    fk_order_rec_t   *o;
    fk_order_view_t   out;
    fk_pay_result_t   result;
    fk_product_put_t  put;

    ledger_open();
    shop_must(shop_buy("x", 1, &out) == FK_OK, "order");
    id = out.id;
    shop_wait_s(SHOP_HOLD_S + 1);
    shop_must(shop_tick().expired_count == 1, "expired");
    memset(&put, 0, sizeof(put));
    put.sku = str("x");
    put.fields = FK_PUT_STOCK;
    split = ledger_split(50, 10, 0);
    shop_must(shop_put(&put, NULL) == FK_OK
              && ledger_pay(&id, "t", 500, &split, &result, &out) == FK_OK
              && result == FK_PAY_WAITING, "waits");

    EQ_INT(ledger_return(&id, 100, "part"), FK_CONFLICT, "no part of that");
    EQ_BALANCE("a", 0, 50, "all of it is there");
    put.stock = 1;
    shop_must(shop_put(&put, NULL) == FK_OK
              && shop_tick().served_count == 1, "served");
    EQ_INT(ledger_return(&id, 100, "part"), FK_OK, "a part of what was had");
    OK(ledger_sound(), "sound");

    o = FK_ORDER(&shop, out.index);
    o->axis_delivery = FK_DELIVERY_REVIEW;
    OK(fk_check(&shop, why, sizeof(why)) == FK_CORRUPT
       && strstr(why, "more is split, or was given back") != NULL,
       "a part of what may be denied is seen: %s", why);
    o->axis_delivery = FK_DELIVERY_DONE;
    OK(shop_sound(), "sound again");
}


/* A rule that fails at an approval leaves its mark, as at a payment. */
static void
test_flagged(void)
{
    fk_split_t       split;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    ledger_open();
    memset(&split, 0, sizeof(split));
    split.flagged = 1;
    shop_must(shop_buy("x", 1, &out) == FK_OK
              && shop_pay(&out.id, "odd", 300, &result, &out) == FK_OK,
              "review");
    EQ_INT(fk_approve(&shop, &shop_env, &out.id, &split, &out), FK_OK, "yes");
    EQ_INT(out.flagged, 1, "without its split");
    split = ledger_split(250, 50, 0);
    EQ_INT(fk_order_commission(&shop, &shop_env, &out.id, &split, &out),
           FK_OK, "which comes afterwards");
    EQ_BALANCE("a", 0, 250, "earned");
    OK(ledger_sound(), "sound");
}


/* What was passed by a clock that was ahead comes again. */
static void
test_clock_back(void)
{
    ledger_open();
    shop_wait_s(MONTH_S);
    (void) shop_tick();
    shop_wait_s(-MONTH_S);
    (void) ledger_sell(1, 50, 10, WEEK_S);
    OK(ledger_sound(), "sound");
    shop_wait_s(WEEK_S - 1);
    (void) shop_tick();
    EQ_BALANCE("a", 50, 0, "not before its time");
    shop_wait_s(1 + FK_SETTLE_UNIT_S);
    (void) shop_tick();
    EQ_BALANCE("a", 0, 50, "nor after it");
    OK(ledger_sound(), "sound");
}


/* The wheel's slots come round: one of them has splits of two times. */
static void
test_turn(void)
{
    uint32_t         now_s;
    fk_order_id_t    first, second;
    fk_split_view_t  before, after;

    ledger_open();
    first = ledger_sell(1, 50, 10, WEEK_S);
    shop_must(fk_order_split(&shop, &first, &before) == FK_OK, "split");
    now_s = (uint32_t) (shop_env.now_ms / 1000);
    shop_wait_s(before.settle_at_s + TURN_S - FK_SETTLE_S_MAX - now_s);

    second = ledger_sell(1, 7, 3, FK_SETTLE_S_MAX);
    shop_must(fk_order_split(&shop, &second, &after) == FK_OK, "split");
    EQ_INT(after.settle_at_s, before.settle_at_s + TURN_S, "a turn later");
    EQ_BALANCE("a", 57, 0, "both are frozen");

    OK(shop_tick().seq != 0, "a tick");
    EQ_BALANCE("a", 7, 50, "takes the one behind, and no other");
    OK(ledger_sound(), "sound");
    shop_wait_s(FK_SETTLE_S_MAX - 1);
    (void) shop_tick();
    EQ_BALANCE("a", 7, 50, "the other one has time");
    shop_wait_s(1);
    (void) shop_tick();
    EQ_BALANCE("a", 0, 57, "until it has come");
    OK(ledger_sound(), "sound");
}


/* What was never paid out is not withdrawn when its slot goes. */
static void
test_rejected_full(void)
{
    uint32_t              i, capacity;
    fk_code_t             code;
    fk_account_view_t     view;
    fk_withdrawal_view_t  w;

    ledger_open();
    (void) ledger_sell(1, 50, 10, 0);
    capacity = shop.region->table[FK_TABLE_WITHDRAWALS].capacity;

    for (i = 0; i < capacity; i++) {
        shop_must(fk_withdrawal_request(&shop, &shop_env, str("a"), 20,
                                        str("n"), &w) == FK_OK
                  && fk_withdrawal_decide(&shop, &shop_env, w.id,
                                          FK_WITHDRAWAL_REJECTED, &w)
                     == FK_OK, "rejected");
        shop_flush();
    }

    for (i = 0; i < 2; i++) {
        code = fk_withdrawal_request(&shop, &shop_env, str("a"), 10,
                                     str("m"), &w);
        EQ_INT(code, FK_OK, "one of these makes room");
    }

    view = ledger_view("a");
    OK(view.available == 30 && view.reserved == 20 && view.withdrawn == 0
       && FK_ACCOUNT(&shop, 2)->archived_withdrawn == 0,
       "and takes nothing with it");
    OK(ledger_sound(), "sound");
}


/* Who reads an order for the archive and drops it later drops what he read. */
static void
test_read_and_changed(void)
{
    size_t           size;
    fk_order_id_t    id;
    fk_order_view_t  out;

    static uint8_t  record[FK_ARCHIVE_SIZE_MAX];

    ledger_open();
    id = ledger_sell(1, 50, 10, 0);
    shop_must(fk_archive_read(&shop, &id, &out, record, sizeof(record), &size)
              == FK_OK && ledger_return(&id, 100, "part") == FK_OK, "read");
    EQ_INT(fk_archive_drop(&shop, &shop_env, &id, out.seq), FK_CONFLICT,
           "a part went back since it was read");
    shop_must(fk_archive_read(&shop, &id, &out, record, sizeof(record), &size)
              == FK_OK, "read again");
    EQ_INT(fk_archive_drop(&shop, &shop_env, &id, out.seq), FK_OK, "and now");
    OK(ledger_sound(), "sound");
}


int
main(void)
{
    test_large();
    test_currency();
    test_part_waiting();
    test_flagged();
    test_clock_back();
    test_turn();
    test_rejected_full();
    test_read_and_changed();

    return tap_done();
}

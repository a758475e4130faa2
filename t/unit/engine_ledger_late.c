/*
 * Money beside an order's own, orders that were paid without a split and are
 * split afterwards, and withdrawals that are asked for once more.
 */

#include "ledger_shop.h"
#include "fk_journal.h"


/* A wrong sum, then the right one, then a yes: the first is given back. */
static void
test_besides(void)
{
    size_t             size;
    uint32_t           n;
    fk_split_t         split;
    fk_order_id_t      id;
    fk_order_view_t    out;
    fk_pay_result_t    result;
    fk_payment_view_t  payment[4];

    static uint8_t  record[FK_ARCHIVE_SIZE_MAX];

    ledger_open();
    split = ledger_split(50, 10, 0);
    shop_must(shop_buy("x", 1, &out) == FK_OK
              && shop_pay(&out.id, "odd", 300, &result, &out) == FK_OK
              && ledger_pay(&out.id, "even", 500, &split, &result, &out)
                 == FK_OK && result == FK_PAY_REVIEW, "review");
    id = out.id;

    EQ_INT(fk_approve(&shop, &shop_env, &id, &split, &out), FK_OK, "yes");
    EQ_INT(out.status, FK_STATUS_DELIVERED, "delivered");
    n = 4;
    shop_must(fk_order_payments(&shop, &id, payment, &n) == FK_OK && n == 2,
              "payments");
    EQ_INT(payment[0].state, FK_PAYMENT_STATE_REFUND_DUE, "300 are owed");
    EQ_INT(payment[1].state, FK_PAYMENT_STATE_APPLIED, "500 pay");
    EQ_INT(ledger_audit().money[0].amount, 800, "both are here");
    OK(ledger_sound(), "sound");

    EQ_INT(ledger_return(&id, 300, "part"), FK_OK, "a part of the 500");
    EQ_BALANCE("a", 0, 20, "takes its share");
    EQ_INT(fk_archive_read(&shop, &id, &out, record, sizeof(record), &size),
           FK_CONFLICT, "not finished");
    EQ_INT(fk_refund(&shop, &shop_env, &id, str("odd"), &out), FK_OK,
           "the 300 went back");
    EQ_INT(ledger_audit().money[0].amount, 200, "the rest is kept");
    EQ_INT(fk_archive_read(&shop, &id, &out, record, sizeof(record), &size),
           FK_OK, "finished");
    OK(ledger_sound(), "sound");
}


/* Money is taken without a split, and the split comes afterwards. */
static void
test_afterwards(void)
{
    uint32_t         i;
    uint64_t         seq;
    fk_split_t       split, none;
    fk_order_id_t    id[3];
    fk_order_view_t  out;
    fk_pay_result_t  result;
    fk_split_view_t  view;

    static const char *const  trades[] = { "t0", "t1", "t2" };

    ledger_open();
    memset(&none, 0, sizeof(none));
    none.flagged = 1;

    for (i = 0; i < 3; i++) {
        shop_must(shop_buy("x", 1, &out) == FK_OK, "order");
        id[i] = out.id;
    }

    split = ledger_split(50, 10, WEEK_S);
    EQ_INT(fk_order_commission(&shop, &shop_env, &id[0], &split, &out),
           FK_CONFLICT, "of nothing paid there is no split");

    for (i = 0; i < 3; i++) {
        shop_must(ledger_pay(&id[i], trades[i], 500, &none, &result, &out)
                  == FK_OK && out.flagged, "flagged");
    }

    seq = shop.region->ring.seq;
    EQ_INT(fk_order_commission(&shop, &shop_env, &id[0], &none, &out),
           FK_INVALID, "nor is one that failed again");
    split.line[0].amount = 491;
    EQ_INT(fk_order_commission(&shop, &shop_env, &id[0], &split, &out),
           FK_INVALID, "nor one of more than was paid");
    EQ_INT(shop.region->ring.seq, seq, "nothing was booked");

    split = ledger_split(50, 10, WEEK_S);
    shop_wait_s(1000);
    EQ_INT(fk_order_commission(&shop, &shop_env, &id[0], &split, &out), FK_OK,
           "but so");
    OK(!out.flagged && out.seq == seq + 1 && shop.region->ring.seq == out.seq,
       "the flag goes with it");
    shop_must(fk_order_split(&shop, &id[0], &view) == FK_OK, "split");
    OK(view.line_count == 2 && view.paid == 500
       && view.settle_at_s >= SHOP_START_S + 1000 + WEEK_S,
       "it is frozen from now on");
    EQ_BALANCE("a", 50, 0, "earned");
    EQ_INT(fk_order_commission(&shop, &shop_env, &id[0], &split, &out),
           FK_EXISTS, "said twice");
    OK(out.seq == seq + 1, "it is this record");
    EQ_BALANCE("a", 50, 0, "earned once");

    split.count = 0;
    EQ_INT(fk_order_commission(&shop, &shop_env, &id[1], &split, &out), FK_OK,
           "for nobody");
    OK(!out.flagged && fk_order_split(&shop, &id[1], &view) == FK_NOT_FOUND,
       "takes the flag alone");

    split = ledger_split(50, 10, WEEK_S);
    shop_must(ledger_return(&id[2], 100, "part") == FK_OK, "part");
    EQ_INT(fk_order_commission(&shop, &shop_env, &id[2], &split, &out),
           FK_CONFLICT, "not after a part went back");
    id[2] = shop_id(999999);
    EQ_INT(fk_order_commission(&shop, &shop_env, &id[2], &split, &out),
           FK_NOT_FOUND, "no order");
    OK(ledger_sound(), "sound");
}


static void
stock(int64_t count)
{
    fk_product_put_t  put;

    memset(&put, 0, sizeof(put));
    put.sku = str("x");
    put.fields = FK_PUT_STOCK;
    put.stock = count;
    shop_must(shop_put(&put, NULL) == FK_OK, "stock");
}


/* Whoever waits for stock keeps the turn, also over a recovery. */
static void
test_waits(void)
{
    fk_split_t       split, none;
    fk_order_id_t    id;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    ledger_open();
    memset(&none, 0, sizeof(none));
    none.flagged = 1;
    shop_must(shop_buy("x", 1, &out) == FK_OK, "order");
    id = out.id;
    shop_wait_s(SHOP_HOLD_S + 1);
    shop_must(shop_tick().expired_count == 1, "expired");
    stock(0);
    shop_must(ledger_pay(&id, "t", 500, &none, &result, &out) == FK_OK
              && out.flagged && out.axes.stock == FK_STOCK_SHORT, "waits");

    split = ledger_split(50, 10, WEEK_S);
    EQ_INT(fk_order_commission(&shop, &shop_env, &id, &split, &out),
           FK_CONFLICT, "not while it waits");
    stock(5);
    shop_must(shop_tick().served_count == 1, "served");
    EQ_INT(fk_order_commission(&shop, &shop_env, &id, &split, &out), FK_OK,
           "when it was served");
    EQ_BALANCE("a", 50, 0, "earned");
    OK(ledger_sound(), "sound");
}


/* As many slots as orders: no shop gets there, but no money is lost by it. */
static void
test_splits_full(void)
{
    uint64_t         seq;
    fk_split_t       split;
    fk_table_t      *t;
    fk_order_id_t    id;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    ledger_open();
    t = &shop.region->table[FK_TABLE_SPLITS];
    EQ_INT(t->capacity, shop.region->table[FK_TABLE_ORDERS].capacity,
           "each order may have one");
    t->capacity = 1;
    (void) ledger_sell(1, 20, 10, WEEK_S);
    shop_must(shop_buy("x", 1, &out) == FK_OK, "order");
    id = out.id;

    seq = shop.region->ring.seq;
    split = ledger_split(50, 10, 0);
    EQ_INT(ledger_pay(&id, "t", 500, &split, &result, &out), FK_TABLE_FULL,
           "no room for a split is no fault of it");
    EQ_INT(shop.region->ring.seq, seq, "nothing was booked");
    memset(&split, 0, sizeof(split));
    split.flagged = 1;
    EQ_INT(ledger_pay(&id, "t", 500, &split, &result, &out), FK_OK,
           "paid without");
    split = ledger_split(50, 10, 0);
    EQ_INT(fk_order_commission(&shop, &shop_env, &id, &split, &out),
           FK_TABLE_FULL, "nor afterwards");
    t->capacity = shop.region->table[FK_TABLE_ORDERS].capacity;
    EQ_INT(fk_order_commission(&shop, &shop_env, &id, &split, &out), FK_OK,
           "when there is room, it is split");
    OK(ledger_sound(), "sound");
}


/* More money comes between the look at an order and the yes. */
static void
test_sum(void)
{
    uint64_t         seq;
    fk_split_t       split;
    fk_order_id_t    id;
    fk_order_view_t  out;
    fk_pay_result_t  result;
    fk_split_view_t  view;

    ledger_open();
    shop_must(shop_buy("x", 1, &out) == FK_OK
              && shop_pay(&out.id, "one", 300, &result, &out) == FK_OK,
              "a wrong sum");
    id = out.id;
    split = ledger_split(30, 10, 0);
    split.paid = 300;
    shop_must(shop_pay(&id, "two", 100, &result, &out) == FK_OK, "another");

    seq = shop.region->ring.seq;
    EQ_INT(fk_approve(&shop, &shop_env, &id, &split, &out), FK_AGAIN,
           "a split of the first sum is none of both");
    split.flagged = 1;
    split.count = 0;
    EQ_INT(fk_approve(&shop, &shop_env, &id, &split, &out), FK_AGAIN,
           "nor without lines");
    EQ_INT(shop.region->ring.seq, seq, "nothing was booked");

    split = ledger_split(40, 13, 0);
    split.paid = 400;
    EQ_INT(fk_approve(&shop, &shop_env, &id, &split, &out), FK_OK, "of both");
    shop_must(fk_order_split(&shop, &id, &view) == FK_OK, "split");
    EQ_INT(view.paid, 400, "it is of all that was paid");
    OK(ledger_sound(), "sound");
}


#define KNOWN_SIZE  ((size_t) 80 << 20)    /* for 1280 withdrawals */


static void
paid_out(const char *note)
{
    fk_withdrawal_view_t  w;

    shop_must(fk_withdrawal_request(&shop, &shop_env, str("a"), 1, str(note),
                                    &w) == FK_OK
              && fk_withdrawal_decide(&shop, &shop_env, w.id,
                                      FK_WITHDRAWAL_APPROVED, &w) == FK_OK
              && fk_withdrawal_decide(&shop, &shop_env, w.id,
                                      FK_WITHDRAWAL_PAID, &w) == FK_OK,
              "paid out");
    shop_flush();
}


static fk_code_t
again(const char *note)
{
    fk_withdrawal_view_t  w;

    return fk_withdrawal_request_once(&shop, &shop_env, str("a"), 1,
                                      str(note), &w);
}


/* Open ones are known, and the latest, also when slots are used again. */
static void
test_known(void)
{
    char      note[16], why[256];
    void     *mem;
    uint32_t  i, capacity;

    mem = mmap(NULL, KNOWN_SIZE, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shop_must(mem != MAP_FAILED && munmap(shop.base, shop.size) == 0, "map");
    shop_open_in(mem, KNOWN_SIZE);
    shop_product("x", FK_KIND_COUNTED, 1000);
    shop_must(ledger_agent("b", "") == FK_OK
              && ledger_agent("a", "b") == FK_OK, "agents");
    (void) ledger_sell(100, 40000, 0, 0);
    capacity = shop.region->table[FK_TABLE_WITHDRAWALS].capacity;
    shop_must(capacity > FK_WITHDRAWALS_KNOWN + 100, "a large shop");

    shop_must(again("open") == FK_OK, "open");
    paid_out("first");

    for (i = 1; i < FK_WITHDRAWALS_KNOWN; i++) {
        snprintf(note, sizeof(note), "n%u", i);
        paid_out(note);
    }

    EQ_INT(again("first"), FK_EXISTS, "one of the latest is known");
    paid_out("other");
    EQ_INT(again("open"), FK_EXISTS, "so is an open one");
    EQ_INT(again("n1"), FK_EXISTS, "and the next");
    EQ_INT(again("first"), FK_OK, "one before the latest is not");

    for (i = FK_WITHDRAWALS_KNOWN; i < capacity + 10; i++) {
        snprintf(note, sizeof(note), "n%u", i);
        paid_out(note);
    }

    EQ_INT(fk_table_room(&shop, FK_TABLE_WITHDRAWALS), 0, "no room");
    EQ_INT(again(note), FK_EXISTS, "the last one has another's slot");
    EQ_INT(fk_rebuild(&shop, &shop_env, why, sizeof(why)), FK_OK, "recovered");
    EQ_INT(again(note), FK_EXISTS, "it is one of the latest still");

    /* "other" and the second "first" are among them. */
    i -= FK_WITHDRAWALS_KNOWN - 2;
    snprintf(note, sizeof(note), "n%u", i);
    EQ_INT(again(note), FK_EXISTS, "and the first of them");
    EQ_INT(again("open"), FK_EXISTS, "and the open one is known");
    snprintf(note, sizeof(note), "n%u", i - 1);
    EQ_INT(again(note), FK_OK, "not the one before");
    OK(ledger_sound(), "sound");
}


int
main(void)
{
    test_besides();
    test_afterwards();
    test_waits();
    test_splits_full();
    test_sum();
    test_known();

    return tap_done();
}

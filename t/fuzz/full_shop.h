/*
 * A shop with one of everything: each kind of product, orders in each state,
 * each kind of payment, buyers with levels, limits and coupons, agents with
 * money that is frozen, available, reserved, withdrawn and archived, parts
 * that were given back, cards with and without blocks, an import that runs
 * and one that is being taken apart, free slots in every table that gives
 * some back, and a ring that has wrapped and holds durable, sent and fresh
 * records.
 */

#ifndef FAKA_FUZZ_FULL_SHOP_H_INCLUDED_
#define FAKA_FUZZ_FULL_SHOP_H_INCLUDED_


#include "../unit/ledger_shop.h"


#define FULL_ORDERS_MAX  40
#define FULL_CARDS       40
#define FULL_RETRY_MAX   4096          /* records, to fill the ring once */


static fk_order_id_t  full_order[FULL_ORDERS_MAX];
static uint32_t       full_orders_count;
static uint32_t       full_import;     /* handle of the one that runs */


static fk_order_view_t
full_buy(const char *sku, uint32_t qty)
{
    fk_checkout_t    in;
    fk_order_view_t  view;

    in = shop_cart(sku, qty);

    if (full_orders_count % 4 != 0) {
        shop_buyer(&in, full_orders_count % 4,
                   full_orders_count % 2 ? "off" : "");
    }

    shop_must(fk_checkout(&shop, &shop_env, &in, &view) == FK_OK, "buy");
    shop_must(full_orders_count < FULL_ORDERS_MAX, "orders");
    full_order[full_orders_count++] = view.id;
    return view;
}


static void
full_pay(const fk_order_view_t *order, const char *trade_no, int64_t amount)
{
    fk_pay_result_t  result;
    fk_order_view_t  view;

    shop_must(shop_pay(&order->id, trade_no, amount, &result, &view)
              == FK_OK, "pay");
}


static void
full_decide(const fk_order_view_t *order, fk_event_t event)
{
    fk_order_view_t  view;

    shop_must(fk_decide(&shop, &shop_env, &order->id, event, &view) == FK_OK,
              "decide");
}


/* Orders of one product in all states that need no lack of stock. */

static void
full_states(const char *sku, const char *trade_no)
{
    char             no[8];
    unsigned         i;
    fk_order_view_t  order, unused;

    (void) full_buy(sku, 1);

    for (i = 0; i < 6; i++) {
        order = full_buy(sku, 1);
        snprintf(no, sizeof(no), "%s-%u", trade_no, i);

        switch (i) {
        case 0:
            shop_must(fk_cancel(&shop, &shop_env, &order.id, &unused)
                      == FK_OK, "cancel");
            break;
        case 1:
            full_pay(&order, no, order.amount);
            full_pay(&order, "extra", order.amount);
            break;
        case 2:
            full_pay(&order, no, 1);   /* review */
            break;
        case 3:
            full_pay(&order, no, 1);
            full_decide(&order, FK_EVENT_DENY);
            break;
        case 4:
            full_pay(&order, no, 1);
            full_decide(&order, FK_EVENT_DENY);
            full_decide(&order, FK_EVENT_REFUNDED);
            break;
        default:
            full_pay(&order, no, 1);
            full_decide(&order, FK_EVENT_APPROVE);
        }
    }
}


/* Paid after its hold ran out, when nothing is left: it waits for stock. */

static void
full_waiting(const char *sku)
{
    fk_order_view_t    order;
    fk_product_view_t  product;

    order = full_buy(sku, 2);
    shop_wait_s(SHOP_HOLD_S + 1);
    (void) shop_tick();

    for ( ;; ) {
        product = shop_view(sku);
        if (product.sellable < 1) {
            break;
        }

        (void) full_buy(sku, product.sellable > 8 ? 8
                             : (uint32_t) product.sellable);
    }

    full_pay(&order, "late", order.amount);
}


static void
full_ring(void)
{
    unsigned    i;
    fk_batch_t  batch;

    for (i = 0; i < FULL_RETRY_MAX; i++) {
        shop_product("seats", FK_KIND_COUNTED, 60 + i % 2);

        if (i % 16 == 0) {
            shop_flush();
        }
    }

    shop_flush();
    shop_product("seats", FK_KIND_COUNTED, 60);
    shop_must(fk_flush_take(&shop, 7, 0, &batch) == FK_FLUSH_SEND, "send");
    shop_product("seats", FK_KIND_COUNTED, 61);
}


/* Levels by money and by hand, and a coupon that buyers may use often. */

static void
full_terms(void)
{
    uint8_t          key[FK_TALLY_KEY_SIZE];
    uint32_t         who;
    uint64_t         seq;
    fk_coupon_put_t  in;

    in = shop_coupon_of("off", FK_COUPON_PERCENT, 500);
    in.uses_max = 50;
    in.uses_buyer_max = 40;
    in.product_count = 2;
    in.product[0] = str("seats");
    in.product[1] = str("card");
    shop_must(shop_coupon_put(&in) == FK_OK
              && shop_level("silver", 100, 1000) == FK_OK
              && shop_level("gold", 900, FK_UNITS_MAX) == FK_OK, "terms");
    in.product_count = 0;
    shop_must(shop_coupon_put(&in) == FK_OK, "coupon");

    /* The last one is forgotten again: its slot is free. */
    for (who = 10; who < 14; who++) {
        shop_digest(who == 13 ? 12 : who, str(""), key);
        shop_must(fk_buyer_put(&shop, &shop_env, key,
                               str(who == 13 ? "" : "gold"), &seq) == FK_OK,
                  "buyer");
    }
}


/* Sold by agent "a", paid and split; review: a person is to look at it. */

static fk_order_id_t
full_sell(const char *trade_no, uint32_t settle_s, uint8_t review)
{
    fk_pay_t         pay;
    fk_checkout_t    in;
    fk_order_view_t  view;
    fk_pay_result_t  result;

    in = shop_cart("seats", 1);
    in.agent = str("a");
    shop_must(fk_checkout(&shop, &shop_env, &in, &view) == FK_OK, "sell");
    shop_must(full_orders_count < FULL_ORDERS_MAX, "orders");
    full_order[full_orders_count++] = view.id;

    memset(&pay, 0, sizeof(pay));
    pay.id = in.id;
    pay.channel = str("epay");
    pay.trade_no = str(trade_no);
    pay.amount = view.amount;
    pay.review = review;
    strcpy(pay.currency, "CNY");
    pay.split = ledger_split(100, 33, settle_s);
    shop_must(fk_pay(&shop, &shop_env, &pay, &result, &view) == FK_OK,
              "sold");

    return view.id;
}


static void
full_withdrawals(void)
{
    unsigned              i;
    fk_withdrawal_view_t  w;

    for (i = 0; i < FK_WITHDRAWAL_STATE_COUNT; i++) {
        shop_must(fk_withdrawal_request(&shop, &shop_env, str("a"), 3 + i,
                                        str("n"), &w) == FK_OK, "request");

        if (i == FK_WITHDRAWAL_PAID) {
            shop_must(fk_withdrawal_decide(&shop, &shop_env, w.id,
                                           FK_WITHDRAWAL_APPROVED, &w)
                      == FK_OK, "approve");
        }

        if (i != FK_WITHDRAWAL_REQUESTED) {
            shop_must(fk_withdrawal_decide(&shop, &shop_env, w.id,
                                           (fk_withdrawal_state_t) i, &w)
                      == FK_OK, "decide");
        }
    }
}


/* Frozen and not, whole and in parts given back, denied, archived. */

static void
full_ledger(void)
{
    size_t           size;
    fk_order_id_t    id;
    fk_order_view_t  view;

    static uint8_t  record[FK_ARCHIVE_SIZE_MAX];

    shop_must(ledger_agent("b", "") == FK_OK
              && ledger_agent("a", "b") == FK_OK
              && ledger_agent("shut", "b") == FK_OK
              && ledger_close("shut", 1) == FK_OK, "agents");

    (void) full_sell("a-0", 0, 0);
    id = full_sell("a-1", WEEK_S, 0);
    shop_must(ledger_return(&id, 100, "part") == FK_OK
              && ledger_return(&id, 77, "another") == FK_OK, "parts");
    id = full_sell("a-2", WEEK_S, 0);
    shop_must(ledger_return(&id, 500, "part") == FK_OK, "whole");
    (void) full_sell("a-3", WEEK_S, 1);
    id = full_sell("a-4", 0, 1);
    shop_must(fk_decide(&shop, &shop_env, &id, FK_EVENT_DENY, &view) == FK_OK,
              "deny");
    full_withdrawals();

    /* The slots of the last one are free again. */
    id = full_sell("a-5", 0, 0);
    shop_must(fk_archive_read(&shop, &id, &view, record, sizeof(record),
                              &size) == FK_OK
              && fk_archive_drop(&shop, &shop_env, &id, view.seq) == FK_OK,
              "archive");
}


/* The shop must be open and empty. */

__attribute__((unused))
static void
full_build(void)
{
    uint8_t           results[FK_IMPORT_SLICE_MAX];
    uint32_t          batch;
    fk_product_put_t  put;

    shop_product("card", FK_KIND_CARD, 0);
    shop_product("few", FK_KIND_CARD, 0);
    shop_product("key", FK_KIND_SHARED, 0);
    shop_product("seats", FK_KIND_COUNTED, 60);
    full_ring();
    full_terms();

    memset(&put, 0, sizeof(put));
    put.sku = str("seats");
    put.fields = FK_PUT_TIERS;
    put.tier_count = 1;
    put.tier[0] = (fk_tier_t) { 450, 2 };
    shop_must(shop_put(&put, NULL) == FK_OK, "tiers");

    shop_stock("card", 1, FULL_CARDS);
    shop_stock("few", 1, 4);
    shop_stock("key", 200, 2);
    shop_flush();

    full_states("card", "c");
    full_states("seats", "s");
    full_states("key", "k");
    full_waiting("few");
    (void) full_buy("card", 5);
    full_ledger();

    /* Long ones, half of them still there, then a batch that goes on. */
    shop_must(fk_import_begin(&shop, &shop_env, str("card"), &batch) == FK_OK
              && shop_add(batch, 400, 32, 150, results) == FK_OK
              && shop_add(batch, 440, 6, 61, results) == FK_OK
              && fk_import_abort(&shop, &shop_env, batch) == FK_OK, "import");
    shop_must(fk_import_begin(&shop, &shop_env, str("few"), &full_import)
              == FK_OK
              && shop_add(full_import, 500, 3, 2000, results) == FK_OK
              && shop_add(full_import, 510, 2, 60, results) == FK_OK,
              "import");
    shop_must(fk_import_begin(&shop, &shop_env, str("key"), &batch) == FK_OK
              && shop_add(batch, 600, 5, 150, results) == FK_OK
              && fk_import_abort(&shop, &shop_env, batch) == FK_OK, "import");
    shop_must(shop_sound(), "sound");
}


#endif /* FAKA_FUZZ_FULL_SHOP_H_INCLUDED_ */

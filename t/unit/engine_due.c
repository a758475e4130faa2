/*
 * What gateways have to be asked about: every unpaid order of a channel whose
 * hold ends late enough, once each, in bounded calls; and nothing else.
 */

#include "engine_shop.h"


#define ORDERS  2600


static uint32_t
walk(const char *channel, uint32_t after_s, fk_order_view_t *views,
    uint32_t views_max, uint32_t *calls)
{
    uint32_t         cursor, n, total, i;
    fk_order_view_t  page[16];

    cursor = 0;
    total = 0;
    *calls = 0;

    do {
        n = 16;
        shop_must(fk_unpaid_list(&shop, str(channel), after_s, &cursor, page,
                                 &n) == FK_OK, "list");

        for (i = 0; i < n && total + i < views_max; i++) {
            views[total + i] = page[i];
        }

        total += n;
        (*calls)++;
    } while (cursor != 0 && *calls < 10000);

    return total;
}


static void
test_walk(void)
{
    uint32_t                i, j, n, calls, twice;
    fk_pay_t                pay;
    fk_checkout_t           in;
    fk_pay_result_t         result;
    static fk_order_view_t  views[ORDERS], orders[ORDERS], view;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 5000);

    for (i = 0; i < ORDERS; i++) {
        in = shop_cart("x", 1);
        in.hold_s = i % 2 ? 600 : 1200;
        strcpy(in.channel, i % 100 == 0 ? "rare" : "epay");
        shop_must(fk_checkout(&shop, &shop_env, &in, &orders[i]) == FK_OK,
                  "buy");
        shop_flush();
    }

    n = walk("epay", 0, views, ORDERS, &calls);
    EQ_INT(n, ORDERS - ORDERS / 100, "all orders of a channel");

    twice = 0;

    for (i = 0; i < n; i++) {
        for (j = 0; j < i; j++) {
            twice += views[i].index == views[j].index;
        }
    }

    EQ_INT(twice, 0, "  each once");
    EQ_INT(walk("rare", 0, views, ORDERS, &calls), ORDERS / 100,
           "those of another");
    EQ_INT(calls, 3, "  in calls of 1024 slots");
    EQ_INT(walk("epa", 0, views, ORDERS, &calls), 0, "a part of a name");
    EQ_INT(walk("", 0, views, ORDERS, &calls), 0, "no name");

    EQ_INT(walk("rare", orders[0].expires_s - 1, views, ORDERS, &calls),
           ORDERS / 100, "whose hold ends later than that");
    EQ_INT(walk("rare", orders[0].expires_s, views, ORDERS, &calls), 0,
           "  not at that very second");

    shop_must(fk_cancel(&shop, &shop_env, &orders[0].id, &view) == FK_OK,
              "cancel");
    EQ_INT(walk("rare", 0, views, ORDERS, &calls), ORDERS / 100,
           "a cancelled one may still be paid");

    memset(&pay, 0, sizeof(pay));
    pay.id = orders[100].id;
    pay.channel = str("rare");
    pay.trade_no = str("t1");
    pay.amount = orders[100].amount;
    strcpy(pay.currency, "CNY");
    shop_must(fk_pay(&shop, &shop_env, &pay, &result, &view) == FK_OK, "pay");
    EQ_INT(walk("rare", 0, views, ORDERS, &calls), ORDERS / 100 - 1,
           "a paid one is not asked about");
}


static uint32_t
owed(const char *channel, fk_owed_t *out, uint32_t out_max)
{
    uint32_t   cursor, n, total, i;
    fk_owed_t  page[3];

    cursor = 0;
    total = 0;

    do {
        n = 3;
        shop_must(fk_owed_list(&shop, str(channel), &cursor, page, &n)
                  == FK_OK, "list");

        for (i = 0; i < n && total + i < out_max; i++) {
            out[total + i] = page[i];
        }

        total += n;
    } while (cursor != 0);

    return total;
}


static void
test_owed(void)
{
    char             trade_no[16];
    uint32_t         i;
    fk_owed_t        list[32];
    fk_order_view_t  orders[10], view;
    fk_pay_result_t  result;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 100);

    EQ_INT(owed("epay", list, 32), 0, "nobody is owed anything");

    /* Each order is paid; every other one twice. */
    for (i = 0; i < 20; i++) {
        if (i % 2 == 0) {
            shop_must(shop_buy("x", 1, &orders[i / 2]) == FK_OK, "buy");
        }

        if (i % 4 != 3) {
            (void) snprintf(trade_no, sizeof(trade_no), "t%u", i);
            shop_must(shop_pay(&orders[i / 2].id, trade_no,
                               orders[i / 2].amount, &result, &view)
                      == FK_OK, "pay");
            shop_flush();
        }
    }

    EQ_INT(owed("epay", list, 32), 5, "the second payments are owed");
    OK(memcmp(&list[1].id, &orders[2].id, FK_ORDER_ID_SIZE) == 0
       && list[1].number == 2 && strcmp(list[1].payment.trade_no, "t5") == 0
       && list[1].payment.owed == orders[2].amount
       && list[1].payment.state == FK_PAYMENT_STATE_REFUND_DUE,
       "  each as the second of its order");
    EQ_INT(owed("epa", list, 32), 0, "those of another channel");

    shop_must(fk_refund_ask(&shop, &shop_env, &orders[2].id, str("t5"), &view)
              == FK_OK, "ask");
    EQ_INT(owed("epay", list, 32), 5, "asked, it is owed still");
    EQ_INT(list[1].payment.state, FK_PAYMENT_STATE_ASKED, "  and says so");

    shop_must(fk_refund(&shop, &shop_env, &orders[2].id, str("t5"), &view)
              == FK_OK, "refund");
    EQ_INT(owed("epay", list, 32), 4, "given back, it is not");

    shop_must(fk_decide(&shop, &shop_env, &orders[1].id, FK_EVENT_REVOKE,
                        &view) == FK_OK, "revoke");
    EQ_INT(owed("epay", list, 32), 5, "that of a revoked order is");
    OK(list[1].number == 1 && strcmp(list[1].payment.trade_no, "t2") == 0,
       "  as its first");
}


static void
test_refused(void)
{
    uint32_t         n, cursor;
    fk_order_view_t  page[FK_LIST_SLICE_MAX], order;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 5);
    shop_must(shop_buy("x", 1, &order) == FK_OK, "buy");

    cursor = 0;
    n = 0;
    EQ_INT(fk_unpaid_list(&shop, str("epay"), 0, &cursor, page, &n),
           FK_INVALID, "a page of nothing");
    n = FK_LIST_SLICE_MAX + 1;
    EQ_INT(fk_unpaid_list(&shop, str("epay"), 0, &cursor, page, &n),
           FK_INVALID, "more than a slice");

    fk_fence(&shop, 2);
    n = 1;
    cursor = 7;
    EQ_INT(fk_unpaid_list(&shop, str("epay"), 0, &cursor, page, &n),
           FK_FENCED, "a fenced shop");
    OK(n == 0 && cursor == 7, "  gives nothing and stays where it was");
}


int
main(void)
{
    test_walk();
    test_owed();
    test_refused();

    return tap_done();
}

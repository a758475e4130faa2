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
    test_refused();

    return tap_done();
}

/*
 * Checkout: the ladder in its order, idempotency, the three kinds, full
 * tables and ring; cancelling, showing, listing orders and their cards.
 */

#include "engine_shop.h"


static fk_order_view_t  view;


static fk_code_t
send_cart(const fk_checkout_t *in)
{
    memset(&view, 0, sizeof(view));
    return fk_checkout(&shop, &shop_env, in, &view);
}


static void
test_request(void)
{
    char           long_contact[FK_CONTACT_SIZE_MAX + 2];
    fk_checkout_t  in;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 5);
    memset(long_contact, 'c', sizeof(long_contact));
    long_contact[sizeof(long_contact) - 1] = '\0';

#define REFUSED(change, code, what)                                          \
    do {                                                                     \
        in = shop_cart("x", 1);                                              \
        change;                                                              \
        EQ_INT(send_cart(&in), code, what);                                  \
    } while (0)

    REFUSED(in.qty = 0, FK_INVALID, "no unit");
    REFUSED(in.qty = FK_QTY_MAX + 1, FK_INVALID, "101 units");
    REFUSED(in.contact = str(""), FK_INVALID, "no contact");
    REFUSED(in.contact = str(long_contact), FK_INVALID, "long contact");
    REFUSED(in.channel[0] = '\0', FK_INVALID, "no channel");
    REFUSED(memset(in.channel, 'a', sizeof(in.channel)), FK_INVALID,
            "long channel");
    REFUSED(in.hold_s = 0, FK_INVALID, "no hold");
    REFUSED(in.hold_s = FK_HOLD_S_MAX + 1, FK_INVALID, "long hold");
    REFUSED(in.sku = str("y"), FK_NOT_FOUND, "no such product");
    REFUSED(in.qty = 6, FK_SOLD_OUT, "more than there are");
    EQ_INT(fk_last_seq(&shop), 1, "no refusal left a record");

    in.contact = str(long_contact);
    in.contact.size = FK_CONTACT_SIZE_MAX;
    in.qty = 5;
    EQ_INT(send_cart(&in), FK_OK, "all there are, longest contact");
    EQ_MEM(view.contact, view.contact_size, long_contact,
           FK_CONTACT_SIZE_MAX, "kept in full");
    OK(shop_sound(), "sound");
}


static void
test_ladder(void)
{
    fk_checkout_t     in, again;
    fk_product_put_t  put;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 3);
    in = shop_cart("x", 2);
    EQ_INT(send_cart(&in), FK_OK, "sold");

    /* From here on everything else would refuse, one reason after another. */
    memset(&put, 0, sizeof(put));
    put.sku = str("x");
    put.fields = FK_PUT_ON_SALE | FK_PUT_QTY_MAX;
    put.qty_max = 1;
    shop_must(shop_put(&put, NULL) == FK_OK, "off sale");

    again = in;
    again.id = shop_id(777);
    EQ_INT(send_cart(&again), FK_EXISTS, "the same key: the same order");
    EQ_MEM(view.id.bytes, 16, in.id.bytes, 16, "with its id");
    EQ_INT(view.seq, 2, "and its record");

    again.body[0] ^= 1;
    EQ_INT(send_cart(&again), FK_IDEM_MISMATCH, "the key, another body");

    again = shop_cart("x", 2);
    again.id = in.id;
    EQ_INT(send_cart(&again), FK_INVALID, "an id that is known: refused");

    again = shop_cart("x", 2);
    EQ_INT(send_cart(&again), FK_NOT_ON_SALE, "then: on sale?");
    put.on_sale = 1;
    shop_must(shop_put(&put, NULL) == FK_OK, "on sale");
    EQ_INT(send_cart(&again), FK_LIMIT, "then: how many?");
    put.qty_max = 5;
    shop_must(shop_put(&put, NULL) == FK_OK, "five");
    EQ_INT(send_cart(&again), FK_SOLD_OUT, "then: are they there?");

    EQ_INT(fk_order_by_idem(&shop, in.idem, in.body, &view), FK_EXISTS,
           "found by its key");
    EQ_INT(fk_order_by_idem(&shop, in.idem, again.idem, &view),
           FK_IDEM_MISMATCH, "not with another body");
    EQ_INT(fk_order_by_idem(&shop, again.idem, in.body, &view), FK_NOT_FOUND,
           "and not by another key");

    again = shop_cart("x", 1);
    again.has_idem = 0;
    memset(again.idem, 0, sizeof(again.idem));
    EQ_INT(send_cart(&again), FK_OK, "without a key");
    EQ_INT(fk_order_by_idem(&shop, again.idem, again.body, &view),
           FK_NOT_FOUND, "there is nothing to find it by");
    OK(shop_sound(), "sound");
}


static void
test_order(void)
{
    fk_checkout_t  in;

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 10);
    in = shop_cart("x", 3);
    EQ_INT(send_cart(&in), FK_OK, "three cards");
    EQ_INT(view.amount, 1500, "amount");
    EQ_INT(view.status, FK_STATUS_AWAITING_PAYMENT, "status");
    EQ_INT(view.expires_s, SHOP_START_S + SHOP_HOLD_S, "expires");
    EQ_STR(view.sku, "x", "sku");
    EQ_STR(view.channel, "epay", "channel");
    EQ_STR(view.currency, "CNY", "currency");
    OK(view.first_card != 0 && view.paid_s == 0, "cards bound, not paid");
    OK(shop_view("x").held == 3 && shop_view("x").available == 7, "held");

    EQ_INT(fk_order_get(&shop, &in.id, &view), FK_OK, "found");
    in.id.bytes[15] ^= 1;
    EQ_INT(fk_order_get(&shop, &in.id, &view), FK_NOT_FOUND, "not found");
    OK(shop_sound(), "sound");
}


/* Cards are sold first in, first out; what comes back goes out next. */
static void
test_cards(void)
{
    uint8_t          buf[4096], sealed[FK_SEALED_SIZE_MAX];
    uint32_t         cursor, n, got, i, wrong;
    fk_code_t        code;
    fk_card_out_t    out[8];
    fk_order_view_t  first, second;
    fk_pay_result_t  result;

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 20);
    shop_must(shop_buy("x", 2, &first) == FK_OK, "first");
    shop_must(fk_cancel(&shop, &shop_env, &first.id, &view) == FK_OK,
              "cancel");
    shop_must(shop_buy("x", 12, &second) == FK_OK, "second");

    cursor = 0;
    n = 8;
    EQ_INT(fk_order_cards(&shop, &second.id, &cursor, buf, sizeof(buf), out,
                          &n), FK_CONFLICT, "no card before it is paid");

    shop_must(shop_pay(&second.id, "t", 6000, &result, &view) == FK_OK, "pay");

    got = 0;
    wrong = 0;

    do {
        n = 8;
        code = fk_order_cards(&shop, &second.id, &cursor, buf, 5 * 60 + 59,
                              out, &n);
        wrong += code != FK_OK || n > 5;

        for (i = 0; i < n; i++) {
            shop_seal(++got, sealed, 60);
            wrong += out[i].size != 60
                     || memcmp(buf + out[i].offset, sealed, 60) != 0;
        }
    } while (cursor != 0 && wrong == 0);

    EQ_INT(wrong, 0, "each slice holds the next cards");
    EQ_INT(got, 12, "all twelve, the first ones that came in");

    n = 8;
    EQ_INT(fk_order_cards(&shop, &second.id, &cursor, buf, 59, out, &n),
           FK_INVALID, "a buffer too small for one card");
    cursor = 999;
    n = 8;
    EQ_INT(fk_order_cards(&shop, &second.id, &cursor, buf, sizeof(buf), out,
                          &n), FK_OK, "a cursor from nowhere");
    OK(n == 0 && cursor == 0, "finds none");
    EQ_INT(fk_order_cards(&shop, &first.id, &cursor, buf, sizeof(buf), out,
                          &n), FK_CONFLICT, "none of a cancelled order");
}


static void
test_shared(void)
{
    uint8_t          buf[64], sealed[60];
    uint32_t         cursor, n, i, wrong;
    fk_card_out_t    out;
    fk_order_view_t  order;
    fk_pay_result_t  result;

    shop_open();
    shop_product("x", FK_KIND_SHARED, 0);
    EQ_INT(shop_buy("x", 1, &order), FK_SOLD_OUT, "no key yet");
    shop_stock("x", 1, 1);
    shop_stock("x", 2, 1);
    shop_seal(2, sealed, sizeof(sealed));
    wrong = 0;

    for (i = 0; i < 20; i++) {
        char  trade_no[16];

        snprintf(trade_no, sizeof(trade_no), "t%u", i);
        cursor = 0;
        n = 1;
        wrong += shop_buy("x", 1, &order) != FK_OK
                 || shop_pay(&order.id, trade_no, 500, &result, &view)
                    != FK_OK
                 || fk_order_cards(&shop, &order.id, &cursor, buf,
                                   sizeof(buf), &out, &n) != FK_OK
                 || n != 1 || cursor != 0
                 || memcmp(buf, sealed, sizeof(sealed)) != 0;
    }

    EQ_INT(wrong, 0, "twenty buyers get the newest key");
    OK(shop_view("x").sold == 20 && shop_view("x").available == 2
       && shop_view("x").imported == 2, "and no unit is used up");
    EQ_INT(shop_buy("x", 2, &order), FK_LIMIT, "one at a time");
    OK(shop_sound(), "sound");
}


static void
test_cancel(void)
{
    fk_order_view_t  order;
    fk_pay_result_t  result;

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 5);
    shop_must(shop_buy("x", 5, &order) == FK_OK, "buy");

    EQ_INT(fk_cancel(&shop, &shop_env, &order.id, &view), FK_OK, "cancel");
    EQ_INT(view.status, FK_STATUS_CANCELLED, "cancelled");
    EQ_INT(shop_view("x").available, 5, "the cards are back");
    EQ_INT(fk_cancel(&shop, &shop_env, &order.id, &view), FK_CONFLICT,
           "not twice");

    shop_must(shop_buy("x", 1, &order) == FK_OK, "buy");
    shop_must(shop_pay(&order.id, "t", 500, &result, &view) == FK_OK, "pay");
    EQ_INT(fk_cancel(&shop, &shop_env, &order.id, &view), FK_CONFLICT,
           "not when paid");

    order.id.bytes[9] ^= 1;
    EQ_INT(fk_cancel(&shop, &shop_env, &order.id, &view), FK_NOT_FOUND,
           "not an unknown one");
    OK(shop_sound(), "sound");
}


static uint32_t
list(const fk_order_filter_t *filter, uint32_t *cursor,
    fk_order_view_t *views, uint32_t n)
{
    shop_must(fk_order_list(&shop, filter, cursor, views, &n) == FK_OK,
              "list");
    return n;
}


static void
test_list(void)
{
    uint32_t           cursor, n, total, calls, i;
    fk_order_view_t    views[50], order;
    fk_order_filter_t  filter;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 5000);
    shop_product("y", FK_KIND_COUNTED, 5000);

    for (i = 0; i < 2600; i++) {
        shop_must(shop_buy(i % 100 == 0 ? "y" : "x", 1, &order) == FK_OK,
                  "buy");
        shop_flush();
    }

    shop_must(fk_cancel(&shop, &shop_env, &order.id, &view) == FK_OK,
              "cancel");

    filter.status = -1;
    filter.sku = str("y");
    total = 0;
    calls = 0;
    cursor = 0;

    do {
        n = list(&filter, &cursor, views, 50);
        total += n;
        calls++;
    } while (cursor != 0 && calls < 100);

    EQ_INT(total, 26, "all orders of one product");
    EQ_INT(calls, 3, "no more than 1024 slots a call");

    filter.status = FK_STATUS_CANCELLED;
    filter.sku = str("");
    cursor = 0;
    n = list(&filter, &cursor, views, 50);
    OK(n == 1 && memcmp(&views[0].id, &order.id, 16) == 0,
       "the cancelled one, newest first");

    filter.status = -1;
    cursor = 0;
    n = list(&filter, &cursor, views, 50);
    OK(n == 50 && cursor != 0, "a full page");
    total = views[49].index;
    n = list(&filter, &cursor, views, 50);
    EQ_INT(views[0].index, total - 1, "the next page goes on behind it");

    filter.sku = str("z");
    cursor = 0;
    EQ_INT(list(&filter, &cursor, views, 50), 0, "an unknown product");
    EQ_INT(cursor, 0, "that is the end");
}


/* Full tables and a full ring refuse, and nothing is half done. */
static void
test_full(void)
{
    uint32_t         n;
    uint64_t         seq;
    fk_code_t        code;
    fk_order_view_t  order;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 1000000);

    for (n = 0; (code = shop_buy("x", 1, &order)) == FK_OK; n++) {
        /* void */
    }

    EQ_INT(code, FK_RING_FULL, "the ring is full after %u orders", n);
    seq = fk_last_seq(&shop);
    OK(shop_sound(), "sound");
    EQ_INT(fk_cancel(&shop, &shop_env, &view.id, &view), FK_NOT_FOUND,
           "reading goes on");

    shop_flush();
    EQ_INT(shop_buy("x", 1, &order), FK_OK, "after a flush it sells");
    EQ_INT(fk_last_seq(&shop), seq + 1, "no number is missing");

    for (n++; (code = shop_buy("x", 1, &order)) == FK_OK; n++) {
        shop_flush();
    }

    EQ_INT(code, FK_TABLE_FULL, "the table of orders is full");
    EQ_INT(n + 0, shop.region->table[FK_TABLE_ORDERS].capacity, "to the last");
    OK(shop_sound(), "sound");
}


int
main(void)
{
    test_request();
    test_ladder();
    test_order();
    test_cards();
    test_shared();
    test_cancel();
    test_list();
    test_full();

    return tap_done();
}

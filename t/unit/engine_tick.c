/*
 * The tick: holds that run out, to the second, whatever the clock does;
 * waiting orders in their order; bounded steps.
 */

#include "engine_shop.h"


static fk_order_view_t  view;


static fk_order_id_t
buy(const char *sku, uint32_t qty, uint32_t hold_s)
{
    fk_checkout_t  in;

    in = shop_cart(sku, qty);
    in.hold_s = hold_s;
    shop_must(fk_checkout(&shop, &shop_env, &in, &view) == FK_OK, "buy");
    return in.id;
}


static int
is(const fk_order_id_t *id, fk_status_t status)
{
    shop_must(fk_order_get(&shop, id, &view) == FK_OK, "order");
    return view.status == status;
}


static void
test_seconds(void)
{
    uint32_t       i, wrong;
    fk_order_id_t  ids[60];

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 1000);

    for (i = 0; i < 60; i++) {
        ids[i] = buy("x", 1, 1 + i / 2);
    }

    wrong = 0;

    for (i = 0; i <= 30; i++) {
        wrong += shop_tick().expired_count != (i == 0 ? 0 : 2);
        wrong += i != 0 && !is(&ids[2 * i - 1], FK_STATUS_EXPIRED);
        wrong += i < 30 && !is(&ids[2 * i], FK_STATUS_AWAITING_PAYMENT);
        shop_wait_s(1);
    }

    EQ_INT(wrong, 0, "each second ends the holds of that second");
    OK(shop_view("x").available == 1000 && shop_view("x").held == 0,
       "all units are back");
    OK(shop_sound(), "sound");
}


static void
test_steps(void)
{
    uint32_t   i, lock_free;
    uint64_t   seq;
    fk_code_t  code;
    fk_tick_t  tick;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 1000);

    for (i = 0; i < 25; i++) {
        (void) buy("x", 1, 10);
    }

    shop_wait_s(10);
    seq = fk_last_seq(&shop);
    code = fk_tick(&shop, &shop_env, 10, &tick);
    EQ_INT(code, FK_AGAIN, "more is due");
    OK(tick.expired_count >= 8 && tick.expired_count <= 10,
       "ten steps, nearly as many orders");
    EQ_INT(tick.seq, seq + tick.expired_count, "a record for each");
    (void) shop_tick();
    EQ_INT(shop_view("x").held, 0, "then the rest");

    EQ_INT(fk_tick(&shop, &shop_env, 0, &tick), FK_AGAIN, "no step allowed");
    shop_must(fk_lock(&shop) == FK_OK, "lock");
    lock_free = fk_tick(&shop, &shop_env, 10, &tick) == FK_OK;
    fk_unlock(&shop);
    OK(lock_free, "with nothing due it takes no lock");
}


/* The shop slept: for a day, for a year; or its clock jumped there. */
static void
test_pause(void)
{
    fk_tick_t      tick;
    fk_order_id_t  early, late;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 10);
    early = buy("x", 1, 5);
    late = buy("x", 1, FK_HOLD_S_MAX);

    shop_wait_s(FK_HOLD_S_MAX - 1);
    EQ_INT(shop_tick().expired_count, 1, "a day later: one is due");
    OK(is(&early, FK_STATUS_EXPIRED)
       && is(&late, FK_STATUS_AWAITING_PAYMENT), "the right one");

    shop_wait_s(365 * 86400);
    EQ_INT(fk_tick(&shop, &shop_env, 140, &tick), FK_OK,
           "a year later: one turn of the wheel is enough");
    EQ_INT(tick.expired_count, 1, "to find the other");
    early = buy("x", 1, 5);
    shop_wait_s(5);
    EQ_INT(shop_tick().expired_count, 1, "and it goes on by the second");
    OK(is(&early, FK_STATUS_EXPIRED) && shop_sound(), "sound");
}


/* The clock is set back: nothing expires early, nothing is forgotten. */
static void
test_clock_back(void)
{
    int64_t        noon_ms;
    unsigned       i, wrong;
    fk_order_id_t  before, after;

    static const int64_t  steps_s[] = { 1, 3, 600, 7200, 40000, 86400 * 3 };

    wrong = 0;

    for (i = 0; i < sizeof(steps_s) / sizeof(steps_s[0]); i++) {
        shop_open();
        shop_product("x", FK_KIND_COUNTED, 10);
        before = buy("x", 1, 100);
        noon_ms = shop_env.now_ms;
        (void) shop_tick();

        shop_wait_s(-steps_s[i]);
        (void) shop_tick();
        after = buy("x", 1, 100);
        wrong += !shop_sound();

        shop_wait_s(99);
        (void) shop_tick();
        wrong += !is(&before, FK_STATUS_AWAITING_PAYMENT)
                 || !is(&after, FK_STATUS_AWAITING_PAYMENT);

        shop_wait_s(1);
        (void) shop_tick();
        wrong += !is(&before, FK_STATUS_AWAITING_PAYMENT)
                 || !is(&after, FK_STATUS_EXPIRED);

        shop_env.now_ms = noon_ms + 99 * 1000;
        (void) shop_tick();
        wrong += !is(&before, FK_STATUS_AWAITING_PAYMENT);

        shop_env.now_ms = noon_ms + 100 * 1000;
        (void) shop_tick();
        wrong += !is(&before, FK_STATUS_EXPIRED) || !shop_sound();
    }

    EQ_INT(wrong, 0, "set back by seconds, hours, days: all in their time");
}


/* Orders leave the wheel from any place of their slot's list. */
static void
test_leave(void)
{
    uint32_t         i;
    fk_order_id_t    ids[5];
    fk_pay_result_t  result;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 10);

    for (i = 0; i < 5; i++) {
        ids[i] = buy("x", 1, 50);
    }

    for (i = 0; i < 5; i += 2) {
        char  trade_no[8];

        snprintf(trade_no, sizeof(trade_no), "t%u", i);
        shop_must(shop_pay(&ids[i], trade_no, 500, &result, &view) == FK_OK,
                  "pay");
        OK(shop_sound(), "order %u of one second is paid: sound", i);
    }

    shop_wait_s(50);
    EQ_INT(shop_tick().expired_count, 2, "only the other two expire");
    OK(shop_sound(), "sound");
}


/* First paid, first served; nobody overtakes, not even with less. */
static void
test_serve(void)
{
    uint32_t         i;
    fk_order_id_t    ids[3];
    fk_pay_result_t  result;

    static const uint32_t  qty[3] = { 3, 1, 2 };

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_product("y", FK_KIND_COUNTED, 1);
    shop_stock("x", 1, 6);

    for (i = 0; i < 3; i++) {
        ids[i] = buy("x", qty[i], 10);
    }

    shop_wait_s(10);
    (void) shop_tick();
    (void) buy("x", 6, FK_HOLD_S_MAX);

    for (i = 0; i < 3; i++) {
        char  trade_no[8];

        snprintf(trade_no, sizeof(trade_no), "t%u", i);
        shop_must(shop_pay(&ids[i], trade_no, 500 * qty[i], &result, &view)
                  == FK_OK && result == FK_PAY_WAITING, "late");
    }

    EQ_INT(shop_tick().served_count, 0, "nothing came, nobody is served");
    shop_stock("x", 100, 2);
    EQ_INT(shop_tick().served_count, 0,
           "two came: the first needs three, nobody overtakes");
    EQ_INT(shop_buy("x", 1, &view), FK_SOLD_OUT, "nor does a new buyer");
    OK(shop_sound(), "sound");

    shop_stock("x", 200, 2);
    EQ_INT(shop_tick().served_count, 2, "four: the first and the second");
    OK(is(&ids[0], FK_STATUS_DELIVERED) && is(&ids[1], FK_STATUS_DELIVERED)
       && is(&ids[2], FK_STATUS_WAITING_FOR_STOCK), "in their order");

    EQ_INT(fk_decide(&shop, &shop_env, &ids[2], FK_EVENT_GIVE_UP, &view),
           FK_OK, "the third gives up");
    shop_stock("x", 300, 5);
    EQ_INT(shop_tick().served_count, 0, "nobody waits any more");
    EQ_INT(shop_buy("x", 5, &view), FK_OK, "the rest is for sale");
    OK(shop_sound(), "sound");
}


/* What one order gives back goes to those who wait, in the same tick. */
static void
test_expiry_serves(void)
{
    fk_order_id_t    waiting, holder;
    fk_pay_result_t  result;

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 1);
    waiting = buy("x", 1, 10);
    shop_wait_s(10);
    (void) shop_tick();
    holder = buy("x", 1, 10);
    shop_must(shop_pay(&waiting, "t", 500, &result, &view) == FK_OK
              && result == FK_PAY_WAITING, "late");

    shop_wait_s(10);
    EQ_INT(shop_tick().served_count, 1, "the hold ends, the other is served");
    OK(is(&holder, FK_STATUS_EXPIRED) && is(&waiting, FK_STATUS_DELIVERED),
       "by the same card");
    OK(shop_sound(), "sound");
}


static void
test_ring_full(void)
{
    fk_code_t  code;
    fk_tick_t  tick;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 100000);

    do {
        code = shop_buy("x", 1, &view);
    } while (code == FK_OK);

    shop_wait_s(SHOP_HOLD_S);

    do {
        code = fk_tick(&shop, &shop_env, 100, &tick);
    } while (code == FK_AGAIN);

    EQ_INT(code, FK_RING_FULL, "a full ring stops the tick");
    OK(shop_sound(), "with nothing half done");

    do {
        shop_flush();
        code = fk_tick(&shop, &shop_env, 100, &tick);
    } while (code == FK_AGAIN || code == FK_RING_FULL);

    EQ_INT(code, FK_OK, "after flushes it ends");
    EQ_INT(shop_view("x").held, 0, "all is back");
}


int
main(void)
{
    test_seconds();
    test_steps();
    test_pause();
    test_clock_back();
    test_leave();
    test_serve();
    test_expiry_serves();
    test_ring_full();

    return tap_done();
}

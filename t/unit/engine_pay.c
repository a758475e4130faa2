/*
 * Payments: in time, late, short, of a wrong sum, twice, under a known number;
 * what a person decides, and what is given back.  After each: where is the
 * money?
 */

#include "engine_shop.h"


static fk_order_view_t  order, view;
static fk_pay_result_t  result;


/* A product with n cards, and an order of two of them. */
static void
shop_with_order(uint32_t n)
{
    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, n);
    shop_must(shop_buy("x", 2, &order) == FK_OK, "order");
}


static void
expire(void)
{
    shop_wait_s(SHOP_HOLD_S + 1);
    (void) shop_tick();
}


static fk_code_t
pay(const char *trade_no, int64_t amount)
{
    return shop_pay(&order.id, trade_no, amount, &result, &view);
}


static const char *
money(void)
{
    return shop_money(&order.id);
}


static const char *
status(void)
{
    return shop_status(&order.id, &view);
}


static fk_code_t
decide(fk_event_t event)
{
    return fk_decide(&shop, &shop_env, &order.id, event, &view);
}


static fk_code_t
refund(const char *trade_no)
{
    return fk_refund(&shop, &shop_env, &order.id, str(trade_no), &view);
}


/* Why it is looked at. */
static const char *
why(void)
{
    static char  text[FK_REASON_SIZE_MAX + 1];

    shop_must(fk_order_get(&shop, &order.id, &view) == FK_OK, "order");
    memcpy(text, view.reason, view.reason_size);
    text[view.reason_size] = '\0';

    return text;
}


static void
test_refused(void)
{
    fk_pay_t  in;

    shop_with_order(5);
    memset(&in, 0, sizeof(in));

#define REFUSED(change, code, what)                                          \
    in.id = order.id;                                                        \
    in.channel = str("epay");                                                \
    in.trade_no = str("t");                                                  \
    in.amount = 1000;                                                        \
    strcpy(in.currency, "CNY");                                              \
    change;                                                                  \
    EQ_INT(fk_pay(&shop, &shop_env, &in, &result, &view), code, what)

    REFUSED(in.id.bytes[12] ^= 1, FK_NOT_FOUND, "no such order");
    REFUSED(in.channel = str("alipay"), FK_CHANNEL, "another channel");
    REFUSED(in.channel = str("epa"), FK_CHANNEL, "the channel's beginning");
    REFUSED(in.channel = str(""), FK_INVALID, "no channel");
    REFUSED(in.channel = str("a-long-channel"), FK_INVALID, "long channel");
    REFUSED(in.trade_no = str(""), FK_INVALID, "no trade number");
    REFUSED(in.trade_no = str("a\nb"), FK_INVALID, "a control character");
    REFUSED((in.trade_no = str("t"), in.trade_no.size = 65), FK_INVALID,
            "long trade number");
    REFUSED(in.amount = 0, FK_INVALID, "no money");
    REFUSED(in.amount = -1000, FK_INVALID, "less than none");

    EQ_STR(money(), "", "no refusal left money behind");
    EQ_STR(status(), "awaiting_payment", "or changed the order");
}


static void
test_in_time(void)
{
    uint64_t  seq;

    shop_with_order(5);
    EQ_INT(pay("t1", 1000), FK_OK, "paid");
    EQ_INT(result, FK_PAY_DELIVERED, "delivered");
    EQ_STR(status(), "delivered", "status");
    EQ_INT(view.paid_s, SHOP_START_S, "paid at");
    seq = fk_last_seq(&shop);
    EQ_INT(view.seq, seq, "by the last record");

    EQ_INT(pay("t1", 1000), FK_OK, "the same again");
    EQ_INT(result, FK_PAY_DUPLICATE, "is a duplicate");
    EQ_INT(view.seq, seq, "waits for the same record");
    EQ_INT(fk_last_seq(&shop), seq, "and leaves none");

    EQ_INT(pay("t2", 1000), FK_OK, "another payment");
    EQ_INT(result, FK_PAY_EXTRA, "is too much");
    EQ_INT(view.seq, seq + 1, "waits for its own record");
    EQ_INT(pay("t2", 1000), FK_OK, "and again");
    EQ_INT(view.seq, seq + 1, "for that record, not the order's");
    EQ_STR(money(), "t1=applied t2=refund_due", "money");
    EQ_INT(shop_view("x").sold, 2, "delivered once");
    OK(shop_sound(), "sound");
}


static void
test_late(void)
{
    shop_with_order(5);
    expire();
    EQ_STR(status(), "expired", "expired");
    EQ_INT(pay("t1", 1000), FK_OK, "paid late");
    EQ_INT(result, FK_PAY_DELIVERED, "there is stock: delivered");
    EQ_STR(status(), "delivered", "status");
    OK(shop_sound(), "sound");

    shop_with_order(2);
    expire();
    shop_must(shop_buy("x", 1, &view) == FK_OK, "another buyer");
    EQ_INT(pay("t1", 1000), FK_OK, "paid late");
    EQ_INT(result, FK_PAY_WAITING, "not enough stock: it waits");
    EQ_STR(status(), "waiting_for_stock", "status");
    EQ_STR(money(), "t1=applied", "money");
    EQ_INT(shop_view("x").owed, 2, "two units are owed");
    EQ_INT(shop_view("x").sellable, 0, "so none can be sold");
    EQ_INT(shop_buy("x", 1, &view), FK_SOLD_OUT, "to anybody else");
    OK(shop_sound(), "sound");

    shop_stock("x", 10, 1);
    EQ_INT(shop_tick().served_count, 1, "stock comes: it is served");
    EQ_STR(status(), "delivered", "delivered");
    EQ_INT(shop_view("x").owed, 0, "nothing is owed any more");
    OK(shop_sound(), "sound");

    shop_with_order(5);
    shop_must(fk_cancel(&shop, &shop_env, &order.id, &view) == FK_OK,
              "cancel");
    EQ_INT(pay("t1", 1000), FK_OK, "cancelled, and yet paid");
    EQ_STR(status(), "delivered", "delivered");
}


static void
test_wrong_sum(void)
{
    fk_pay_t  in;

    shop_with_order(5);
    EQ_INT(pay("t1", 999), FK_OK, "one fen less");
    EQ_INT(result, FK_PAY_REVIEW, "a person must look");
    EQ_STR(status(), "under_review", "status");
    EQ_INT(shop_view("x").held, 2, "the cards stay held");
    EQ_INT(fk_cancel(&shop, &shop_env, &order.id, &view), FK_CONFLICT,
           "it cannot be cancelled: money is there");

    expire();
    EQ_STR(status(), "under_review", "its hold ran out");
    EQ_INT(shop_view("x").held, 0, "the cards are back");
    EQ_INT(decide(FK_EVENT_APPROVE), FK_OK, "approved");
    EQ_STR(status(), "delivered", "delivered");
    OK(view.paid_s != 0, "it counts as paid");
    EQ_STR(money(), "t1=applied", "money");
    EQ_INT(decide(FK_EVENT_DENY), FK_CONFLICT, "too late to deny");
    OK(shop_sound(), "sound");

    shop_with_order(5);
    shop_must(pay("t1", 1) == FK_OK, "far too little");
    EQ_INT(pay("t2", 1000), FK_OK, "then the right sum");
    EQ_INT(result, FK_PAY_REVIEW, "still for a person");
    EQ_STR(money(), "t1=review t2=applied", "money");
    EQ_INT(decide(FK_EVENT_DENY), FK_OK, "denied");
    EQ_STR(status(), "refund_due", "status");
    EQ_STR(money(), "t1=refund_due t2=refund_due", "money");
    EQ_INT(shop_view("x").available, 5, "the cards are back");
    EQ_INT(pay("t3", 1000), FK_OK, "and more money");
    EQ_INT(result, FK_PAY_EXTRA, "is to be given back too");
    EQ_INT(decide(FK_EVENT_REFUNDED), FK_OK, "refunded");
    EQ_STR(status(), "refunded", "status");
    EQ_STR(money(), "t1=refunded t2=refunded t3=refunded", "money");
    OK(shop_sound(), "sound");

    shop_with_order(5);
    memset(&in, 0, sizeof(in));
    in.id = order.id;
    in.channel = str("epay");
    in.trade_no = str("t1");
    in.amount = 1000;
    strcpy(in.currency, "USD");
    EQ_INT(fk_pay(&shop, &shop_env, &in, &result, &view), FK_OK,
           "another currency");
    EQ_INT(result, FK_PAY_REVIEW, "a person must look");
}


/* Approved when nothing is left; and the other way out of waiting. */
static void
test_decide(void)
{
    shop_with_order(2);
    shop_must(pay("t1", 999) == FK_OK, "pay");
    expire();
    shop_must(shop_buy("x", 2, &view) == FK_OK, "another buyer");
    EQ_INT(decide(FK_EVENT_APPROVE), FK_OK, "approved without stock");
    EQ_STR(status(), "waiting_for_stock", "it waits");
    EQ_INT(decide(FK_EVENT_GIVE_UP), FK_OK, "given up");
    EQ_STR(status(), "refund_due", "to be refunded");
    EQ_STR(money(), "t1=refund_due", "money");
    EQ_INT(shop_view("x").owed, 0, "nothing is owed");
    OK(shop_sound(), "sound");

    EQ_INT(decide(FK_EVENT_PAY), FK_INVALID, "paying is no decision");
    EQ_INT(decide((fk_event_t) 99), FK_INVALID, "nor is nonsense");
    EQ_INT(decide(FK_EVENT_APPROVE), FK_CONFLICT, "nothing to approve");
    order.id.bytes[12] ^= 1;
    EQ_INT(decide(FK_EVENT_APPROVE), FK_NOT_FOUND, "no such order");
}


/* A gateway numbers two payments alike: the second is money all the same. */
static void
test_reused(void)
{
    char             longest[FK_TRADE_NO_SIZE_MAX + 1], expected[128];
    char             id[FK_ORDER_TEXT_SIZE + 1];
    uint64_t         seq;
    fk_order_view_t  first, second;

    shop_with_order(9);
    first = order;
    shop_must(pay("t1", 1000) == FK_OK, "pay");
    shop_must(shop_buy("x", 2, &order) == FK_OK, "second order");
    second = order;
    fk_order_id_text(&order.id, id);
    id[FK_ORDER_TEXT_SIZE] = '\0';

    EQ_INT(pay("t1", 1000), FK_OK, "its trade number for another order");
    EQ_INT(result, FK_PAY_REUSED, "is said");
    seq = fk_last_seq(&shop);
    EQ_INT(view.seq, seq, "and on record");
    EQ_MEM(view.id.bytes, 16, order.id.bytes, 16, "the view is this order's");
    EQ_STR(status(), "under_review", "which a person looks at");
    snprintf(expected, sizeof(expected), "t1#%s=review", id);
    EQ_STR(money(), expected, "its money has a number of its own");
    EQ_STR(why(), "its trade number is another order's", "and says why");
    EQ_INT(pay("t1", 1000), FK_OK, "once more");
    EQ_INT(result, FK_PAY_DUPLICATE, "is a duplicate");
    EQ_INT(view.seq, seq, "which waits for the same record");
    EQ_STR(money(), expected, "and books nothing");
    EQ_INT(pay("t10", 1000), FK_OK, "a longer number");
    EQ_INT(result, FK_PAY_REVIEW, "is another payment");
    EQ_INT(decide(FK_EVENT_DENY), FK_OK, "denied");
    expected[strlen(expected) - strlen("=review")] = '\0';
    EQ_INT(refund(expected), FK_OK, "it can be given back");

    shop_must(shop_buy("x", 2, &order) == FK_OK, "third order");
    EQ_INT(pay("t1", 1000), FK_OK, "the number once more");
    EQ_INT(result, FK_PAY_REUSED, "is a payment of its own");
    EQ_INT(decide(FK_EVENT_APPROVE), FK_OK, "approved");
    EQ_STR(status(), "delivered", "it pays its order");
    EQ_INT(pay("t10", 1000), FK_OK, "another one's number, when it is paid");
    EQ_INT(result, FK_PAY_REUSED, "is said, too");
    OK(strstr(money(), "=applied t10#") != NULL
       && strstr(money(), "=refund_due") != NULL, "and owed");

    /* What has no room for the order's name is not kept, and not taken. */
    memset(longest, 'n', sizeof(longest));
    longest[FK_TRADE_NO_SIZE_MAX - FK_ORDER_TEXT_SIZE] = '\0';
    order = second;
    shop_must(pay(longest, 1000) == FK_OK, "a long one");
    order = first;
    EQ_INT(pay(longest, 1000), FK_CONFLICT, "too long for that: refused");
    EQ_STR(money(), "t1=applied", "the first keeps its own");
    OK(shop_sound(), "sound");
}


/* However many come: every one is kept, up to a limit that says so. */
static void
test_many(void)
{
    char       trade_no[FK_TRADE_NO_SIZE_MAX + 1];
    unsigned   i;
    fk_code_t  code;

    shop_with_order(5);
    memset(trade_no, 'n', sizeof(trade_no));
    trade_no[FK_TRADE_NO_SIZE_MAX] = '\0';

    for (i = 0; i < 1000; i++) {
        snprintf(trade_no + 60, 5, "%04u", i);
        code = pay(trade_no, 7);

        if (code != FK_OK) {
            break;
        }
    }

    EQ_INT(code, FK_TABLE_FULL, "too many payments for one order");
    EQ_INT(i, FK_ORDER_PAYMENTS_MAX, "after the limit");
    EQ_INT(decide(FK_EVENT_DENY), FK_OK, "all denied at once");
    EQ_INT(decide(FK_EVENT_REFUNDED), FK_OK, "all refunded at once");
    OK(shop_sound(), "sound");
}


static void
test_ring_full(void)
{
    fk_code_t        code;
    fk_order_view_t  other;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 100000);
    shop_must(shop_buy("x", 1, &order) == FK_OK, "order");
    shop_flush();

    do {
        code = shop_buy("x", 1, &other);
    } while (code == FK_OK);

    EQ_INT(pay("t1", 500), FK_RING_FULL, "the ring is full: refused");
    EQ_STR(money(), "", "nothing is booked");
    EQ_STR(status(), "awaiting_payment", "nothing is changed");
    shop_flush();
    EQ_INT(pay("t1", 500), FK_OK, "and comes again");
    EQ_STR(money(), "t1=applied", "money");
    OK(shop_sound(), "sound");
}


/* What the audit says was kept, and how many payments it counts as what. */
static void
audit_says(int64_t amount, int64_t due, int64_t refunded)
{
    fk_audit_totals_t  totals;

    shop_must(fk_audit_begin(&shop, &shop_env, 3) == FK_OK, "audit");
    while (fk_audit_step(&shop, &shop_env, 3, 100) == FK_AGAIN) { /* void */ }
    shop_must(fk_audit_end(&shop, 3, &totals) == FK_OK && totals.ok, "end");

    OK(totals.money[0].amount == amount && totals.refund_due_count == due
       && totals.refunded_count == refunded, "the audit: %d kept, %d to be "
       "given back, %d given back", (int) totals.money[0].amount,
       (int) totals.refund_due_count, (int) totals.refunded_count);
}


/* Extra money goes back; its order was delivered, and stays so. */
static void
test_refund_extra(void)
{
    uint64_t  seq;

    shop_with_order(5);
    shop_must(pay("t1", 1000) == FK_OK && pay("t2", 1000) == FK_OK
              && pay("t3", 999) == FK_OK, "pay");
    audit_says(2999, 2, 0);
    OK(!fk_archive_finished(&shop, FK_ORDER(&shop, 1)), "not finished");

    EQ_INT(refund("t1"), FK_CONFLICT, "what pays the order is not owed");
    EQ_INT(refund("t4"), FK_NOT_FOUND, "no such payment");
    EQ_INT(refund(""), FK_NOT_FOUND, "no trade number");
    EQ_INT(fk_refund(&shop, &shop_env, &order.id,
                     (fk_str_t) { (const uint8_t *) "", 65 }, &view),
           FK_NOT_FOUND, "a long one");
    EQ_STR(money(), "t1=applied t2=refund_due t3=refund_due", "as before");

    EQ_INT(refund("t3"), FK_OK, "the odd one is given back");
    seq = fk_last_seq(&shop);
    EQ_INT(view.seq, seq, "by the last record");
    EQ_STR(money(), "t1=applied t2=refund_due t3=refunded", "it alone");
    EQ_STR(status(), "delivered", "the order stays");
    audit_says(2000, 1, 1);

    EQ_INT(refund("t3"), FK_EXISTS, "once more");
    EQ_INT(view.seq, seq, "waits for the same record");
    EQ_INT(fk_last_seq(&shop), seq, "and leaves none");

    EQ_INT(refund("t2"), FK_OK, "the other one, too");
    audit_says(1000, 0, 2);
    OK(fk_archive_finished(&shop, FK_ORDER(&shop, 1)), "finished");
    OK(shop_sound(), "sound");
}


/* An order that is to be refunded is so with the last of its payments. */
static void
test_refund_order(void)
{
    fk_order_view_t  other;

    shop_with_order(5);
    shop_must(pay("t1", 1) == FK_OK && pay("t2", 2) == FK_OK, "pay");
    EQ_INT(refund("t1"), FK_CONFLICT, "not before it is decided");
    shop_must(decide(FK_EVENT_DENY) == FK_OK, "deny");

    EQ_INT(refund("t1"), FK_OK, "the first is given back");
    EQ_STR(status(), "refund_due", "one is left");
    EQ_INT(refund("t2"), FK_OK, "the second");
    EQ_INT(view.status, FK_STATUS_REFUNDED, "that was the last");
    EQ_STR(money(), "t1=refunded t2=refunded", "money");
    EQ_STR(status(), "refunded", "status");

    EQ_INT(pay("t3", 1000), FK_OK, "another payment after all");
    EQ_INT(refund("t3"), FK_OK, "goes back as well");
    EQ_INT(view.seq, fk_last_seq(&shop), "by the last record");
    EQ_INT(refund("t1"), FK_EXISTS, "an older one once more");

    other = order;
    shop_must(shop_buy("x", 2, &order) == FK_OK, "another order");
    EQ_INT(refund("t1"), FK_NOT_FOUND, "is not given back another's money");
    order.id.bytes[12] ^= 1;
    EQ_INT(refund("t1"), FK_NOT_FOUND, "no such order");
    order = other;
    OK(shop_sound(), "sound");
}


static fk_code_t
ask(const char *trade_no)
{
    return fk_refund_ask(&shop, &shop_env, &order.id, str(trade_no), &view);
}


static fk_code_t
back(const char *trade_no)
{
    return fk_refund_back(&shop, &shop_env, &order.id, str(trade_no), &view);
}


/* The gateway was asked: the shop has the money until it says yes. */
static void
test_refund_asked(void)
{
    uint64_t  seq;

    shop_with_order(5);
    shop_must(pay("t1", 1) == FK_OK && pay("t2", 2) == FK_OK, "pay");
    EQ_INT(ask("t1"), FK_CONFLICT, "not before it is decided");
    EQ_INT(back("t1"), FK_CONFLICT, "nor back");
    shop_must(decide(FK_EVENT_DENY) == FK_OK, "deny");

    EQ_INT(back("t1"), FK_EXISTS, "owed, and nobody was asked");
    EQ_INT(ask("t1"), FK_OK, "the gateway is asked");
    seq = fk_last_seq(&shop);
    EQ_INT(view.seq, seq, "by the last record");
    EQ_STR(money(), "t1=refund_asked t2=refund_due", "money");
    EQ_STR(status(), "refund_due", "the order owes it");
    audit_says(3, 2, 0);
    OK(!fk_archive_finished(&shop, FK_ORDER(&shop, 1)), "not finished");

    EQ_INT(ask("t1"), FK_EXISTS, "once more");
    EQ_INT(view.seq, seq, "waits for the same record");
    EQ_INT(fk_last_seq(&shop), seq, "and leaves none");
    EQ_INT(ask("t4"), FK_NOT_FOUND, "no such payment");
    EQ_INT(back("t4"), FK_NOT_FOUND, "nor back");

    EQ_INT(back("t1"), FK_OK, "it refused");
    EQ_STR(money(), "t1=refund_due t2=refund_due", "owed as before");
    EQ_INT(ask("t1"), FK_OK, "asked again");
    EQ_INT(refund("t2"), FK_OK, "the other one is given back");
    EQ_STR(status(), "refund_due", "one is left");
    EQ_INT(refund("t1"), FK_OK, "it is done");
    EQ_INT(view.status, FK_STATUS_REFUNDED, "that was the last");
    EQ_STR(money(), "t1=refunded t2=refunded", "money");
    EQ_INT(ask("t1"), FK_CONFLICT, "nothing is owed");
    EQ_INT(back("t1"), FK_CONFLICT, "and nothing comes back");
    audit_says(0, 0, 2);
    OK(fk_archive_finished(&shop, FK_ORDER(&shop, 1)), "finished");
    OK(shop_sound(), "sound");

    /* A person's word about the whole order is one about these, too. */
    shop_with_order(5);
    shop_must(pay("t1", 1) == FK_OK && decide(FK_EVENT_DENY) == FK_OK
              && ask("t1") == FK_OK, "asked");
    EQ_INT(decide(FK_EVENT_REFUNDED), FK_OK, "all of it was given back");
    EQ_STR(money(), "t1=refunded", "money");

    /* Beside an order that was delivered. */
    shop_with_order(5);
    shop_must(pay("t1", 1000) == FK_OK && pay("t2", 1000) == FK_OK
              && ask("t2") == FK_OK, "paid twice");
    OK(!fk_archive_finished(&shop, FK_ORDER(&shop, 1)), "not finished");
    EQ_INT(refund("t2"), FK_OK, "given back");
    EQ_STR(status(), "delivered", "the order stays");
    OK(shop_sound(), "sound");
}


int
main(void)
{
    test_refused();
    test_in_time();
    test_late();
    test_wrong_sum();
    test_decide();
    test_reused();
    test_many();
    test_ring_full();
    test_refund_extra();
    test_refund_order();
    test_refund_asked();

    return tap_done();
}

/*
 * Payments that the gateway says it gave back: whatever waits to be delivered
 * for one is held until a person has decided, the gateway's word stands on the
 * order, others are told, and a journal that is read back says the same.
 */

#include "archive_shop.h"
#include "fk_news.h"


static fk_order_view_t  order, view;
static fk_pay_result_t  result;


static void
shop_with_order(uint32_t n)
{
    shop_open();
    kept_size = 0;
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, n);
    shop_must(shop_buy("x", 2, &order) == FK_OK, "order");
}


static fk_code_t
say(const char *trade_no, int64_t amount, uint8_t returned)
{
    fk_pay_t  in;

    memset(&in, 0, sizeof(in));
    in.id = order.id;
    in.channel = str("epay");
    in.trade_no = str(trade_no);
    in.amount = amount;
    in.returned = returned;
    strcpy(in.currency, "CNY");

    return fk_pay(&shop, &shop_env, &in, &result, &view);
}


static fk_code_t
pay(const char *trade_no, int64_t amount)
{
    return say(trade_no, amount, 0);
}


static fk_code_t
returned(const char *trade_no)
{
    return say(trade_no, 1000, 1);
}


static fk_code_t
decide(fk_event_t event)
{
    return fk_decide(&shop, &shop_env, &order.id, event, &view);
}


static const char *
status(void)
{
    return shop_status(&order.id, &view);
}


static const char *
money(void)
{
    return shop_money(&order.id);
}


/* What the last record tells others. */
static const char *
told(void)
{
    size_t            at;
    uint32_t          n, count;
    fk_news_t         news[FK_NEWS_MAX];
    fk_news_record_t  record;
    static char       line[256];

    kept_flush();
    count = 0;

    for (at = 0; at < kept_size; at += record.size) {
        shop_must(fk_news_read(kept + at, kept_size - at, &record, news,
                               &count) == FK_OK, "a record");
    }

    line[0] = '\0';

    for (n = 0; n < count; n++) {
        snprintf(line + strlen(line), sizeof(line) - strlen(line), "%s%s.%s",
                 n == 0 ? "" : " ", fk_news_kind_word[news[n].kind],
                 news[n].word);
    }

    return line;
}


/* The journal, read back, has the order as this shop has it. */
static void
read_back(const char *what)
{
    char             why[256];
    fk_t             other;
    fk_code_t        code;
    fk_order_view_t  here, there;

    kept_flush();
    why[0] = '\0';
    region_new(&other, SHOP_SIZE);
    code = region_recover(&other, kept, kept_size, why);
    EQ_INT(code, FK_OK, "%s: recovered %s", what, why);
    shop_must(fk_order_get(&shop, &order.id, &here) == FK_OK
              && fk_order_get(&other, &order.id, &there) == FK_OK, "order");
    OK(here.status == there.status && here.review == there.review
       && here.reason_size == there.reason_size
       && memcmp(here.reason, there.reason, here.reason_size) == 0,
       "%s: it is the same there", what);
    region_drop(&other);
    OK(shop_sound(), "%s: sound", what);
}


/* Paid, and nothing is left to deliver. */
static void
shop_that_waits(void)
{
    fk_order_view_t  other;

    shop_with_order(2);
    shop_wait_s(SHOP_HOLD_S + 1);
    (void) shop_tick();
    shop_must(shop_buy("x", 1, &other) == FK_OK, "another buyer");
    shop_must(pay("t1", 1000) == FK_OK && result == FK_PAY_WAITING, "pay");
}


static void
test_waiting(void)
{
    uint64_t  seq;

    shop_that_waits();
    EQ_INT(returned("t1"), FK_OK, "the gateway gave it back");
    EQ_INT(result, FK_PAY_REVIEW, "a person is to look");
    seq = fk_last_seq(&shop);
    EQ_INT(view.seq, seq, "by the last record");
    EQ_STR(status(), "under_review", "it waits for nothing any more");
    EQ_INT(view.review, FK_REVIEW_RETURNED, "and says why");
    EQ_STR(money(), "t1=applied", "whether all of it, nobody knows yet");
    EQ_INT(shop_view("x").owed, 0, "no units are owed");
    EQ_STR(told(), "order.under_review", "others are told");
    read_back("held");

    EQ_INT(returned("t1"), FK_OK, "told again");
    EQ_INT(result, FK_PAY_DUPLICATE, "a duplicate");
    EQ_INT(view.seq, seq, "which waits for the same record");
    EQ_INT(fk_last_seq(&shop), seq, "and leaves none");

    shop_stock("x", 10, 5);
    EQ_INT(shop_tick().served_count, 0, "stock comes: it is not served");
    EQ_STR(status(), "under_review", "it is not delivered");

    EQ_INT(decide(FK_EVENT_DENY), FK_OK, "denied");
    EQ_STR(status(), "refund_due", "it is owed");
    EQ_INT(fk_refund(&shop, &shop_env, &order.id, str("t1"), &view), FK_OK,
           "a person says that it was given back");
    EQ_STR(status(), "refunded", "refunded");
    EQ_INT(returned("t1"), FK_OK, "told again");
    EQ_INT(result, FK_PAY_DUPLICATE, "nothing is left to do");
    EQ_STR(status(), "refunded", "and nothing is done");
    read_back("denied");

    /* A part, perhaps: then the order is delivered all the same. */
    shop_that_waits();
    shop_must(returned("t1") == FK_OK, "returned");
    EQ_INT(decide(FK_EVENT_APPROVE), FK_OK, "approved without stock");
    EQ_STR(status(), "waiting_for_stock", "it waits");
    shop_stock("x", 10, 5);
    EQ_INT(shop_tick().served_count, 1, "a person has said so: served");
    EQ_STR(status(), "delivered", "delivered");
    EQ_INT(view.review, FK_REVIEW_RETURNED, "what was said stays");
    read_back("approved");

    EQ_INT(returned("t1"), FK_OK, "the rest of it, perhaps");
    EQ_STR(told(), "order.returned", "others are told");
    EQ_INT(view.review, FK_REVIEW_RETURNED_LATE, "and it says so");
}


static void
test_review(void)
{
    shop_with_order(5);
    shop_must(shop_pay_review(&order.id, "t1", 1000, "a stranger", &result,
                              &view) == FK_OK, "pay");
    EQ_INT(returned("t1"), FK_OK, "the gateway gave it back");
    EQ_INT(result, FK_PAY_REVIEW, "a person looks at it already");
    EQ_STR(told(), "order.under_review", "others are told");
    EQ_STR(status(), "under_review", "status");
    EQ_INT(view.review, FK_REVIEW_RETURNED, "he sees that, too");
    EQ_MEM(view.reason, view.reason_size, "a stranger", 10,
           "the reason of before stays");
    EQ_INT(shop_view("x").sold, 2, "and so do its units");
    read_back("under review");
    EQ_INT(decide(FK_EVENT_DENY), FK_OK, "denied");
    EQ_STR(money(), "t1=refund_due", "owed");
    EQ_INT(returned("t1"), FK_OK, "told of what is owed");
    EQ_INT(result, FK_PAY_DUPLICATE, "that is for a person to say");
    EQ_STR(money(), "t1=refund_due", "owed still");

    /* A wrong sum that was given back. */
    shop_with_order(5);
    shop_must(pay("t1", 999) == FK_OK, "pay");
    EQ_INT(returned("t1"), FK_OK, "the gateway gave it back");
    EQ_INT(result, FK_PAY_REVIEW, "still for a person");
    EQ_STR(told(), "order.under_review payment.review", "others are told");
    EQ_STR(status(), "under_review", "status");
    EQ_INT(view.review, FK_REVIEW_RETURNED, "he sees it");
    shop_wait_s(SHOP_HOLD_S + 1);
    EQ_INT(shop_tick().expired_count, 1, "its hold runs out as before");
    EQ_STR(status(), "under_review", "it is not over");
    read_back("a wrong sum");
}


/* Nobody has told of the payment yet: this stands for it. */
static void
test_first(void)
{
    shop_with_order(5);
    EQ_INT(returned("t1"), FK_OK, "given back, and never heard of");
    EQ_INT(result, FK_PAY_REVIEW, "a person decides");
    EQ_STR(money(), "t1=review", "it is kept");
    EQ_STR(status(), "under_review", "the order is not delivered");
    EQ_INT(view.review, FK_REVIEW_RETURNED, "and says why");
    EQ_INT(pay("t1", 1000), FK_OK, "the payment, late");
    EQ_INT(result, FK_PAY_DUPLICATE, "is known");
    EQ_STR(status(), "under_review", "and delivers nothing");
    read_back("before its payment");
}


/* What was delivered stays so, and says it; what is owed is as it was. */
static void
test_done(void)
{
    uint64_t  seq;

    shop_with_order(5);
    shop_must(pay("t1", 1000) == FK_OK && pay("t2", 1000) == FK_OK, "pay");
    EQ_INT(returned("t1"), FK_OK, "given back after the delivery");
    EQ_INT(result, FK_PAY_DUPLICATE, "is known");
    seq = fk_last_seq(&shop);
    EQ_INT(view.seq, seq, "and waits for its record");
    EQ_STR(told(), "order.returned", "others are told");
    EQ_STR(status(), "delivered", "the order stays");
    EQ_INT(view.review, FK_REVIEW_RETURNED_LATE, "and says why to look");
    EQ_INT(shop_view("x").sold, 2, "its units are sold");
    EQ_INT(returned("t1"), FK_OK, "told again");
    EQ_INT(view.seq, seq, "waits for the same record");
    read_back("delivered");
    EQ_INT(returned("t2"), FK_OK, "what was owed");
    EQ_STR(money(), "t1=applied t2=refund_due", "stays so");
    EQ_INT(fk_last_seq(&shop), seq, "no record");
    EQ_INT(returned("t3"), FK_OK, "one that nobody told of");
    EQ_INT(result, FK_PAY_EXTRA, "is money that came second");
    EQ_STR(money(), "t1=applied t2=refund_due t3=refund_due", "and owed");
    OK(shop_sound(), "sound");
    EQ_INT(say("t4", 1000, 2), FK_INVALID, "a flag that is none");
}


/* It goes to the archive with what was said, and nobody hears of that. */
static void
test_archive(void)
{
    size_t          size;
    uint64_t        mark;
    static uint8_t  record[FK_ARCHIVE_SIZE_MAX];

    shop_with_order(5);
    shop_must(pay("t1", 1000) == FK_OK && returned("t1") == FK_OK, "pay");
    EQ_INT(shop_archive(&order.id, record, &size), FK_OK, "it leaves");
    EQ_INT(returned("t1"), FK_NOT_FOUND, "it is away");
    mark = fk_archive_mark(&shop, &order.id);
    EQ_INT(fk_archive_restore(&shop, &shop_env, record, size, mark, &view),
           FK_OK, "and comes back");
    EQ_STR(told(), "", "others hear nothing");
    EQ_INT(view.review, FK_REVIEW_RETURNED_LATE, "what was said stays");
    EQ_INT(returned("t1"), FK_OK, "told again");
    EQ_STR(told(), "", "it knew that");
    read_back("back from the archive");
}


/* Revoked, it is its status that others hear of. */
static void
test_revoked(void)
{
    shop_with_order(5);
    shop_must(pay("t1", 1000) == FK_OK && returned("t1") == FK_OK, "pay");
    EQ_INT(decide(FK_EVENT_REVOKE), FK_OK, "taken back");
    EQ_STR(told(), "order.refund_due payment.refund_due", "others are told");
    EQ_INT(view.review, FK_REVIEW_RETURNED_LATE, "what was said stays");
    EQ_INT(returned("t1"), FK_OK, "told again");
    EQ_STR(status(), "refund_due", "is owed until somebody says so");
    read_back("revoked");
}


static void
test_ring_full(void)
{
    fk_code_t        code;
    fk_order_view_t  other;

    shop_that_waits();
    shop_product("y", FK_KIND_COUNTED, 1000000);
    shop_flush();

    do {
        code = shop_buy("y", 1, &other);
    } while (code == FK_OK);

    EQ_INT(returned("t1"), FK_RING_FULL, "the ring is full: refused");
    EQ_STR(status(), "waiting_for_stock", "nothing is changed");
    shop_flush();
    EQ_INT(returned("t1"), FK_OK, "and comes again");
    EQ_STR(status(), "under_review", "held");
    OK(shop_sound(), "sound");
}


int
main(void)
{
    test_waiting();
    test_review();
    test_first();
    test_done();
    test_archive();
    test_revoked();
    test_ring_full();

    return tap_done();
}

/*
 * News: what each command's record tells, and what records tell that nobody
 * made: nothing, and never too much.
 */

#include "archive_shop.h"
#include "ledger_shop.h"
#include "record_maker.h"


#define TOLD_SIZE  1024


static fk_news_t         news[FK_NEWS_MAX];
static uint32_t          news_count;
static fk_news_record_t  record;
static size_t            heard;        /* of kept, so far */
static fk_order_view_t   view;
static fk_pay_result_t   result;


static void
new_shop(void)
{
    ledger_open();
    kept_size = 0;
    heard = 0;
    kept_flush();
    heard = kept_size;
}


/* All that the records since the last call tell, in one line. */
static const char *
told(void)
{
    size_t       used;
    uint32_t     n;
    static char  line[TOLD_SIZE];

    kept_flush();
    line[0] = '\0';

    for ( ; heard < kept_size; heard += record.size) {
        shop_must(fk_news_read(kept + heard, kept_size - heard, &record,
                               news, &news_count) == FK_OK, "a record");

        for (n = 0; n < news_count; n++) {
            shop_must(news[n].number == n && news[n].seq == record.seq
                      && news[n].time_ms <= shop_env.now_ms, "its place");
            used = strlen(line);
            (void) snprintf(line + used, sizeof(line) - used, "%s%s.%s",
                            used == 0 ? "" : " ",
                            fk_news_kind_word[news[n].kind], news[n].word);
        }
    }

    return line;
}


static fk_order_id_t
buy(const char *sku)
{
    shop_must(shop_buy(sku, 1, &view) == FK_OK, "buy");
    return view.id;
}


static void
pay(fk_order_id_t id, const char *trade_no, int64_t amount)
{
    shop_must(shop_pay(&id, trade_no, amount, &result, &view) == FK_OK,
              "pay");
}


static void
decide(fk_order_id_t id, fk_event_t event)
{
    shop_must(fk_decide(&shop, &shop_env, &id, event, &view) == FK_OK,
              "decide");
}


static void
test_product(void)
{
    new_shop();
    shop_product("card", FK_KIND_CARD, 0);
    EQ_STR(told(), "product.changed", "a product");
    EQ_STR(news[0].sku, "card", "its name");
    EQ_STR(news[0].currency, "CNY", "its currency");
    EQ_INT(news[0].amount, 500, "its price");
    EQ_INT(news[0].on_sale, 1, "on sale");
    shop_stock("card", 1, 40);
    EQ_STR(told(), "stock.imported", "cards, all of them in one event");
    EQ_STR(news[0].sku, "card", "of which product");
    EQ_INT(news[0].qty, 40, "how many");
    OK(news[0].batch != 0, "which file");
}


static void
test_order(void)
{
    fk_order_id_t  id;

    new_shop();
    shop_product("seat", FK_KIND_COUNTED, 10);
    (void) told();
    id = buy("seat");
    EQ_STR(told(), "", "a checkout is no news");
    pay(id, "T-1", 500);
    EQ_STR(told(), "order.delivered payment.applied", "paid");
    EQ_MEM(news[0].order.bytes, FK_ORDER_ID_SIZE, id.bytes, FK_ORDER_ID_SIZE,
           "which order");
    EQ_STR(news[0].sku, "seat", "of what");
    EQ_STR(news[0].channel, "epay", "by which channel");
    EQ_INT(news[0].qty, 1, "how many");
    EQ_INT(news[0].amount, 500, "for how much");
    EQ_STR(news[0].currency, "", "the record has no currency");
    EQ_MEM(news[1].trade_no, news[1].trade_no_size, "T-1", 3, "the payment");
    EQ_STR(news[1].channel, "epay", "of the order's channel");
    pay(id, "T-1", 500);
    EQ_STR(told(), "", "once more: nothing");
    pay(id, "T-2", 500);
    EQ_STR(told(), "payment.refund_due", "twice");
    EQ_STR(news[0].channel, "", "the record has no order");
    shop_must(fk_refund_ask(&shop, &shop_env, &id, str("T-2"), &view)
              == FK_OK, "ask");
    EQ_STR(told(), "payment.refund_asked", "asked back");
    shop_must(fk_refund_back(&shop, &shop_env, &id, str("T-2"), &view)
              == FK_OK, "back");
    EQ_STR(told(), "payment.refund_due", "refused");
    shop_must(fk_refund(&shop, &shop_env, &id, str("T-2"), &view) == FK_OK,
              "refund");
    EQ_STR(told(), "payment.refunded", "given back");
    decide(id, FK_EVENT_REVOKE);
    EQ_STR(told(), "order.refund_due payment.refund_due", "revoked");
    shop_must(fk_refund(&shop, &shop_env, &id, str("T-1"), &view) == FK_OK,
              "refund");
    EQ_STR(told(), "order.refunded payment.refunded", "and given back");
}


static void
test_unpaid(void)
{
    fk_order_id_t  id;

    new_shop();
    shop_product("seat", FK_KIND_COUNTED, 10);
    (void) told();
    id = buy("seat");
    shop_must(fk_cancel(&shop, &shop_env, &id, &view) == FK_OK, "cancel");
    EQ_STR(told(), "order.cancelled", "cancelled");
    id = buy("seat");
    shop_wait_s(86400);
    shop_tick();
    EQ_STR(told(), "order.expired", "expired");
    pay(id, "T-1", 500);
    EQ_STR(told(), "order.delivered payment.applied", "paid late");
}


static void
test_review(void)
{
    fk_order_id_t  id;

    new_shop();
    shop_product("seat", FK_KIND_COUNTED, 2);
    (void) told();
    id = buy("seat");
    pay(id, "T-1", 1);
    EQ_STR(told(), "order.under_review payment.review", "a wrong sum");
    shop_wait_s(86400);
    shop_tick();
    EQ_STR(told(), "", "its hold runs out: nothing that anybody sees");
    decide(id, FK_EVENT_APPROVE);
    EQ_STR(told(), "order.delivered payment.applied", "approved");
    id = buy("seat");
    pay(id, "T-2", 1);
    (void) told();
    pay(id, "T-3", 2);
    EQ_STR(told(), "order.under_review payment.review",
           "another one: cannot be told from the first");
    decide(id, FK_EVENT_DENY);
    EQ_STR(told(), "order.refund_due payment.refund_due payment.refund_due",
           "denied");
}


static void
test_short(void)
{
    fk_order_id_t  first, second;

    new_shop();
    shop_product("card", FK_KIND_CARD, 0);
    shop_stock("card", 1, 1);
    first = buy("card");
    shop_wait_s(86400);
    shop_tick();
    second = buy("card");
    pay(second, "T-1", 500);
    (void) told();
    pay(first, "T-2", 500);
    EQ_STR(told(), "order.waiting_for_stock payment.applied", "nothing left");
    shop_stock("card", 2, 1);
    shop_tick();
    EQ_STR(told(), "stock.imported order.delivered", "served");
}


static void
test_archive(void)
{
    size_t          size;
    fk_order_id_t   id;
    static uint8_t  bytes[FK_ARCHIVE_SIZE_MAX];

    new_shop();
    shop_product("card", FK_KIND_CARD, 0);
    shop_stock("card", 1, 4);
    id = buy("card");
    pay(id, "T-1", 500);
    (void) told();
    shop_must(shop_archive(&id, bytes, &size) == FK_OK, "archive");
    EQ_STR(told(), "", "an order that leaves is no news");
    shop_must(shop_restore(&shop, bytes, size, &view) == FK_OK, "restore");
    EQ_STR(told(), "", "nor is one that comes back");
    decide(id, FK_EVENT_REVOKE);
    EQ_STR(told(), "order.refund_due payment.refund_due",
           "what is done to it then is");
}


static void
test_commission(void)
{
    fk_split_t     split;
    fk_order_id_t  id;

    new_shop();
    id = buy("x");
    memset(&split, 0, sizeof(split));
    split.flagged = 1;
    shop_must(ledger_pay(&id, "T-1", 500, &split, &result, &view)
              == FK_OK, "pay");
    EQ_STR(told(), "order.delivered payment.applied", "paid, not split");
    split = ledger_split(10, 20, 3600);
    shop_must(fk_order_commission(&shop, &shop_env, &id, &split, &view)
              == FK_OK, "commission");
    EQ_STR(told(), "", "split later: the order is as it was");
    shop_wait_s(86400);
    shop_tick();
    EQ_STR(told(), "", "and settled");

    /* Among nobody, it is told once more, as what it is by now. */
    id = buy("x");
    memset(&split, 0, sizeof(split));
    split.flagged = 1;
    shop_must(ledger_pay(&id, "T-2", 500, &split, &result, &view)
              == FK_OK, "pay");
    (void) told();
    split.flagged = 0;
    shop_must(fk_order_commission(&shop, &shop_env, &id, &split, &view)
              == FK_OK, "commission");
    EQ_STR(told(), "order.delivered", "split later, among nobody");
}


/* The same of an order whose gateway gave the money back meanwhile. */

static void
test_commission_returned(void)
{
    fk_pay_t       in;
    fk_split_t     split;
    fk_order_id_t  id;

    new_shop();
    id = buy("x");
    memset(&split, 0, sizeof(split));
    split.flagged = 1;
    shop_must(ledger_pay(&id, "T-1", 500, &split, &result, &view)
              == FK_OK, "pay");

    memset(&in, 0, sizeof(in));
    in.id = id;
    in.channel = str("epay");
    in.trade_no = str("T-1");
    in.amount = 500;
    strcpy(in.currency, "CNY");
    in.returned = 1;
    shop_must(fk_pay(&shop, &shop_env, &in, &result, &view) == FK_OK,
              "returned");
    (void) told();

    split.flagged = 0;
    shop_must(fk_order_commission(&shop, &shop_env, &id, &split, &view)
              == FK_OK, "commission");
    EQ_STR(told(), "order.returned", "split later: it stays returned");
}


/* --- what nobody made -------------------------------------------------- */

static fk_code_t
read_made(void)
{
    return fk_news_read(made, made_size, &record, news, &news_count);
}


static void
test_made(void)
{
    uint32_t    n;
    fk_image_t  order, payment;

    order = made_delivered(made_order(1, "sku", 1));
    payment = made_payment(1, "T", FK_PAYMENT_STATE_APPLIED);

    made_begin();
    made_open();
    made_add(FK_IMAGE_ORDER, &order);

    for (n = 0; n + 1 < FK_NEWS_MAX; n++) {
        made_add(FK_IMAGE_PAYMENT, &payment);
    }

    made_close(FK_RECORD_VERSION);
    EQ_INT(read_made(), FK_OK, "as many as there may be");
    EQ_INT(news_count, FK_NEWS_MAX, "are told");

    made_begin();
    made_open();

    for (n = 0; n <= FK_NEWS_MAX; n++) {
        made_add(FK_IMAGE_PAYMENT, &payment);
    }

    made_close(FK_RECORD_VERSION);
    EQ_INT(read_made(), FK_CORRUPT, "more than that are not");

    made_begin();
    made_open();
    made_add(FK_IMAGE_ORDER, &order);
    made_close(FK_RECORD_VERSION + 1);
    EQ_INT(read_made(), FK_INCOMPATIBLE, "a newer record");

    order.order.axis_payment = 99;
    made_begin();
    made_open();
    made_add(FK_IMAGE_ORDER, &order);
    made_close(FK_RECORD_VERSION);
    EQ_INT(read_made(), FK_CORRUPT, "an impossible order");

    payment.payment.state = FK_PAYMENT_STATE_COUNT;
    made_begin();
    made_open();
    made_add(FK_IMAGE_PAYMENT, &payment);
    made_close(FK_RECORD_VERSION);
    EQ_INT(read_made(), FK_CORRUPT, "an impossible payment");
    EQ_INT(fk_news_read(made, 0, &record, news, &news_count), FK_CORRUPT,
           "nothing at all");
}


/* Each byte of the real ones, with the checksum made right again: whatever
 * comes of it stays within its bounds. */

static void
test_damage(void)
{
    size_t     at, n, size, broken, sealed;
    uint8_t    old;
    unsigned   bit;

    broken = 0;
    sealed = 0;

    for (at = 0; at < kept_size; at += size) {
        size = fk_get(kept + at, 4);

        for (n = 8; n < size; n++) {
            for (bit = 0; bit < 8; bit += 3) {
                old = kept[at + n];
                kept[at + n] ^= (uint8_t) (1u << bit);
                broken += fk_news_read(kept + at, size, &record, news,
                                       &news_count) != FK_CORRUPT;
                record_seal(kept + at);
                sealed += fk_news_read(kept + at, size, &record, news,
                                       &news_count) == FK_OK
                          && (record.size != size
                              || news_count > FK_NEWS_MAX);
                kept[at + n] = old;
                record_seal(kept + at);
            }
        }
    }

    EQ_INT(broken, 0, "damage is seen");
    EQ_INT(sealed, 0, "lies stay within bounds");
}


int
main(void)
{
    test_product();
    test_order();
    test_unpaid();
    test_review();
    test_short();
    test_archive();
    test_commission();
    test_commission_returned();
    test_damage();
    test_made();

    return tap_done();
}

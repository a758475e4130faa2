/*
 * What the operator's rules propose, and what the engine makes of it: an
 * amount of several steps, an order that a person has to look at, and why.
 * All of it is on the order until it leaves, and comes back with it.
 */

#include "archive_shop.h"


#define LIST   1000                    /* of two units */
#define TOTAL  900
#define LOOK   "a first order of this size; see what the buyer paid before"


static fk_order_view_t  view;
static fk_pay_result_t  result;


static fk_checkout_t
cart(void)
{
    fk_checkout_t  in;

    in = shop_cart("x", 2);
    shop_rules(&in, LIST, TOTAL, NULL);
    return in;
}


static fk_code_t
buy(const fk_checkout_t *in)
{
    memset(&view, 0, sizeof(view));
    return fk_checkout(&shop, &shop_env, in, &view);
}


static void
test_steps(void)
{
    int            i;
    fk_checkout_t  in;

    in = cart();
    EQ_INT(buy(&in), FK_OK, "an order with a price of its own");
    EQ_INT(view.amount, TOTAL, "costs what the last step says");
    EQ_INT(view.step[FK_STEP_LIST], LIST, "it was that much,");
    EQ_INT(view.step[FK_STEP_TIER], LIST, "no tier made it less,");
    EQ_INT(view.step[FK_STEP_LEVEL], LIST, "nor a level,");
    EQ_INT(view.step[FK_STEP_RULE], TOTAL, "but the rule");
    EQ_INT(view.rules, 77, "the rules' version is on it");

    EQ_INT(shop_pay(&view.id, "list", LIST, &result, &view), FK_OK, "paid");
    EQ_INT(result, FK_PAY_REVIEW, "the list price is a wrong amount");

    EQ_INT(buy(&(fk_checkout_t) { .sku = { NULL, 0 } }), FK_INVALID,
           "an empty one is refused");

    in = shop_cart("x", 2);
    EQ_INT(buy(&in), FK_OK, "an order without rules");

    for (i = 0; i < FK_STEP_COUNT; i++) {
        EQ_INT(view.step[i], LIST, "%s: price * qty", fk_price_step_word[i]);
    }

    EQ_INT(FK_ORDER(&shop, view.index)->steps, 0, "and keeps no steps");

    in = cart();
    shop_rules(&in, LIST, LIST, NULL);
    EQ_INT(buy(&in), FK_OK, "rules that change nothing");
    EQ_INT(FK_ORDER(&shop, view.index)->steps, 0, "take no memory");
}


static void
test_bounds(void)
{
    int            i;
    fk_checkout_t  in;

    for (i = 0; i < FK_STEP_COUNT; i++) {
        in = cart();
        in.step[i] = -1;
        EQ_INT(buy(&in), FK_INVALID, "below 0: %s", fk_price_step_word[i]);
        in.step[i] = FK_AMOUNT_MAX + 1;
        EQ_INT(buy(&in), FK_INVALID, "too much: %s", fk_price_step_word[i]);
    }

    in = cart();
    in.step[FK_STEP_RULE] = 0;
    in.step[FK_STEP_COUPON] = 0;
    EQ_INT(buy(&in), FK_CHANNEL, "an amount of 0 that no gateway takes");

    in = cart();
    in.step[FK_STEP_RULE] = FK_AMOUNT_MAX;
    in.step[FK_STEP_COUPON] = FK_AMOUNT_MAX;
    EQ_INT(buy(&in), FK_OK, "up to the largest amount");

    in = cart();
    in.review = 2;
    EQ_INT(buy(&in), FK_INVALID, "looked at twice");

    in = cart();
    in.review = 1;
    in.reason = (fk_str_t) { (const uint8_t *) in.step,
                             FK_REASON_SIZE_MAX + 1 };
    EQ_INT(buy(&in), FK_INVALID, "a reason without end");
}


/* The rules saw another price than the one that is there now. */

static void
test_stale(void)
{
    int                i;
    fk_checkout_t      in;
    fk_product_view_t  before;

    before = shop_view("x");
    in = cart();
    in.step[FK_STEP_LIST] = LIST - 2;
    EQ_INT(buy(&in), FK_AGAIN, "a price of yesterday");
    EQ_INT(shop_view("x").available, before.available, "holds nothing");

    /* What is the rule's alone may be anything. */
    for (i = 0; i < FK_STEP_COUNT; i++) {
        if (i != FK_STEP_RULE) {
            in = cart();
            in.step[i]--;
            EQ_INT(buy(&in), FK_AGAIN, "nobody takes 1 off: %s",
                   fk_price_step_word[i]);
        }
    }

    in = cart();
    EQ_INT(buy(&in), FK_OK, "computed anew");

    in.step[FK_STEP_LIST] = 1;
    EQ_INT(buy(&in), FK_EXISTS, "a repeat finds its order all the same");
    EQ_INT(view.amount, TOTAL, "at the price that it had");
}


static void
test_review(void)
{
    fk_checkout_t  in;

    in = cart();
    shop_rules(&in, LIST, TOTAL, LOOK);
    EQ_INT(buy(&in), FK_OK, "an order to be looked at");
    EQ_INT(view.status, FK_STATUS_AWAITING_PAYMENT, "waits for its payment");
    EQ_INT(view.review, 1, "it is marked");
    OK(view.reason_size == strlen(LOOK)
       && memcmp(view.reason, LOOK, strlen(LOOK)) == 0, "and says why");

    EQ_INT(shop_pay(&in.id, "r1", TOTAL, &result, &view), FK_OK, "paid");
    EQ_INT(result, FK_PAY_REVIEW, "nothing is delivered");
    EQ_INT(view.status, FK_STATUS_UNDER_REVIEW, "a person looks");
    EQ_INT(fk_decide(&shop, &shop_env, &in.id, FK_EVENT_APPROVE, &view),
           FK_OK, "and approves");
    EQ_INT(view.status, FK_STATUS_DELIVERED, "then it is");
    EQ_INT(view.review, 1, "that it was looked at stays");

    in = cart();
    shop_rules(&in, LIST, TOTAL, LOOK);
    EQ_INT(buy(&in), FK_OK, "another one");
    shop_wait_s(SHOP_HOLD_S + 1);
    (void) shop_tick();
    EQ_INT(shop_pay(&in.id, "r2", TOTAL, &result, &view), FK_OK, "paid late");
    EQ_INT(result, FK_PAY_REVIEW, "is looked at as well");
    EQ_INT(view.axes.stock, FK_STOCK_RELEASED, "and takes nothing meanwhile");
    EQ_INT(fk_decide(&shop, &shop_env, &in.id, FK_EVENT_DENY, &view), FK_OK,
           "it is denied");
    EQ_INT(view.status, FK_STATUS_REFUND_DUE, "its money goes back");
}


/* Only at the payment somebody finds it odd. */

static void
test_review_late(void)
{
    fk_checkout_t  in;

    in = cart();
    EQ_INT(buy(&in), FK_OK, "an order like others");
    EQ_INT(shop_pay_review(&in.id, "l1", TOTAL, LOOK, &result, &view), FK_OK,
           "paid, to be looked at");
    EQ_INT(result, FK_PAY_REVIEW, "nothing is delivered");
    OK(view.review == 1 && view.reason_size == strlen(LOOK), "it says why");

    EQ_INT(shop_pay_review(&in.id, "l1", TOTAL, "another", &result, &view),
           FK_OK, "the same payment again");
    EQ_INT(result, FK_PAY_DUPLICATE, "is the same");

    in = cart();
    shop_rules(&in, LIST, TOTAL, LOOK);
    EQ_INT(buy(&in), FK_OK, "one with a reason");
    EQ_INT(shop_pay_review(&in.id, "l2", TOTAL, "another", &result, &view),
           FK_OK, "and then another");
    EQ_INT(view.reason_size, strlen(LOOK), "keeps the first");

    in = cart();
    EQ_INT(buy(&in), FK_OK, "one that is delivered");
    EQ_INT(shop_pay(&in.id, "l3", TOTAL, &result, &view), FK_OK, "at once");
    EQ_INT(shop_pay_review(&in.id, "l4", TOTAL, "extra", &result, &view),
           FK_OK, "and paid again");
    EQ_INT(result, FK_PAY_EXTRA, "owes that money");
    EQ_INT(view.review, 0, "and is not looked at");
}


static void
test_away_and_back(void)
{
    size_t           size;
    seen_t           before, after;
    fk_order_id_t    id;
    fk_checkout_t    in;
    fk_order_view_t  away;

    static uint8_t  record[FK_ARCHIVE_SIZE_MAX];

    in = cart();
    in.step[FK_STEP_TIER] = 950;
    shop_rules(&in, LIST, TOTAL, LOOK);
    shop_must(buy(&in) == FK_OK
              && shop_pay(&in.id, "a1", TOTAL, &result, &view) == FK_OK
              && fk_decide(&shop, &shop_env, &in.id, FK_EVENT_APPROVE, &view)
                 == FK_OK, "approved");
    id = in.id;
    before = seen(&shop, &id);

    memset(&away, 0, sizeof(away));
    shop_must(fk_archive_read(&shop, &id, &view, record, sizeof(record),
                              &size) == FK_OK
              && fk_archive_drop(&shop, &shop_env, &id, view.seq) == FK_OK,
              "archived");
    OK(shop_sound(), "without it the shop is sound");

    EQ_INT(fk_archive_view(&shop, record, size, &away, NULL, NULL), FK_OK,
           "the archive shows it");
    OK(memcmp(away.step, before.view.step, sizeof(away.step)) == 0
       && away.rules == 77 && away.review == 1
       && away.reason_size == strlen(LOOK)
       && memcmp(away.reason, LOOK, strlen(LOOK)) == 0,
       "with its price and its reason");

    EQ_INT(shop_restore(&shop, record, size, &view), FK_OK, "it comes back");
    after = seen(&shop, &id);
    OK(seen_same(&before, &after), "as it was");
    OK(shop_sound(), "and the shop is sound");
}


/* One block is missing: refused before anything is done. */

static void
test_room(void)
{
    uint32_t       n;
    fk_checkout_t  in;

    in = cart();
    shop_rules(&in, LIST, TOTAL, LOOK);
    n = FK_BLOCKS_FOR(in.contact.size) + 1 + FK_BLOCKS_FOR(strlen(LOOK));

    while (fk_table_room(&shop, FK_TABLE_BLOCKS) >= n) {
        (void) fk_blob_make(&shop, in.contact.data, 1);
        fk_commit(&shop);
    }

    EQ_INT(buy(&in), FK_TABLE_FULL, "no room for the reason");
    in.review = 0;
    in.reason.size = 0;
    EQ_INT(buy(&in), FK_OK, "without one there is");
}


int
main(void)
{
    shop_open();
    shop_product("x", FK_KIND_COUNTED, 100);

    test_steps();
    test_bounds();
    test_stale();
    test_review();
    test_review_late();
    test_away_and_back();
    OK(shop_sound(), "the shop is sound");
    test_room();

    return tap_done();
}

/*
 * The ledger and the archive: commission stays with its order as long as it is
 * frozen, leaves with it, is known as a sum, and comes back with it.
 */

#include "ledger_shop.h"
#include "record_maker.h"


/* Of what test_archive_told() tells. */
#define REFUNDED_PART  5
#define REFUNDED_KEPT  6
#define REFUNDED       7


static uint8_t  record[FK_ARCHIVE_SIZE_MAX];
static size_t   record_size;


static fk_code_t
archive(const fk_order_id_t *id)
{
    fk_code_t        code;
    fk_order_view_t  out;

    code = fk_archive_read(&shop, id, &out, record, sizeof(record),
                           &record_size);
    return code != FK_OK ? code
           : fk_archive_drop(&shop, &shop_env, id, out.seq);
}


/* Frozen it stays; settled it leaves with its order, and comes back. */
static void
test_archive(void)
{
    fk_order_id_t      id;
    fk_order_view_t    out;
    fk_split_view_t    before, after;
    fk_account_view_t  view;

    ledger_open();
    id = ledger_sell(1, 50, 10, WEEK_S);
    EQ_INT(archive(&id), FK_CONFLICT, "frozen");
    shop_wait_s(WEEK_S + FK_SETTLE_UNIT_S);
    (void) shop_tick();
    EQ_INT(ledger_return(&id, 100, "some"), FK_OK, "a part went back");
    shop_must(fk_order_split(&shop, &id, &before) == FK_OK, "before");

    EQ_INT(archive(&id), FK_OK, "settled");
    view = ledger_view("a");
    OK(view.available == 40 && view.earned == 40
       && view.archived_earned == 40, "the sum stays");
    EQ_INT(shop_view("x").archived_amount, 400, "what was kept");
    EQ_INT(ledger_audit().money[0].amount, 400, "is kept");
    OK(ledger_sound(), "sound");

    EQ_INT(fk_archive_view(&shop, record, record_size, &out, NULL, NULL),
           FK_OK, "seen in the archive");
    EQ_STR(out.agent, "a", "with its agent");
    EQ_INT(out.returned, 100, "and its part");

    EQ_INT(shop_restore(&shop, record, record_size, &out), FK_OK, "restored");
    OK(strcmp(out.agent, "a") == 0 && out.returned == 100, "as it was");
    shop_must(fk_order_split(&shop, &id, &after) == FK_OK, "after");
    OK(memcmp(&before, &after, sizeof(after)) == 0, "its split, too");
    EQ_INT(ledger_view("a").archived_earned, 0, "no sum of it");
    EQ_INT(ledger_return(&id, 400, "rest"), FK_OK, "the rest goes back");
    EQ_BALANCE("a", 0, 0, "nothing left");
    OK(ledger_sound(), "sound");

    EQ_INT(archive(&id), FK_OK, "archived again");
    EQ_INT(ledger_view("a").earned, 0, "with nothing");
    OK(ledger_sound(), "sound");
}


/* An order that was refunded while its split was frozen need not wait. */
static void
test_archive_refunded(void)
{
    fk_split_t       split;
    fk_order_id_t    id;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    ledger_open();
    split = ledger_split(50, 10, WEEK_S);
    shop_must(shop_buy("x", 1, &out) == FK_OK
              && shop_pay(&out.id, "odd", 1, &result, &out) == FK_OK
              && ledger_pay(&out.id, "even", 500, &split, &result, &out)
                 == FK_OK
              && fk_decide(&shop, &shop_env, &out.id, FK_EVENT_DENY, &out)
                 == FK_OK
              && fk_decide(&shop, &shop_env, &out.id, FK_EVENT_REFUNDED,
                           &out) == FK_OK, "refunded");
    id = out.id;
    EQ_INT(archive(&id), FK_OK, "archived at once");
    OK(ledger_sound(), "out of the wheel");
    EQ_INT(shop_restore(&shop, record, record_size, &out), FK_OK, "restored");
    OK(ledger_sound(), "in the wheel");
    shop_wait_s(WEEK_S + FK_SETTLE_UNIT_S);
    (void) shop_tick();
    EQ_BALANCE("a", 0, 0, "settled, of nothing");
    OK(ledger_sound(), "sound");
}


/* A record that says more than the account has earned is none of ours. */
static void
test_archive_foreign(void)
{
    fk_order_id_t    id;
    fk_order_view_t  out;

    ledger_open();
    id = ledger_sell(1, 50, 10, 0);
    shop_must(archive(&id) == FK_OK, "archive");
    FK_ACCOUNT(&shop, 2)->archived_earned -= 1;
    EQ_INT(shop_restore(&shop, record, record_size, &out),
           FK_CONFLICT, "it was not earned here");
    FK_ACCOUNT(&shop, 2)->archived_earned += 1;
    EQ_INT(shop_restore(&shop, record, record_size, &out), FK_OK, "it was");
}


/* More than all of what was archived has brought. */
static void
test_archive_lies(void)
{
    fk_order_id_t  id;

    ledger_open();
    id = ledger_sell(1, 490, 10, 0);
    shop_must(archive(&id) == FK_OK && shop_sound(), "archived");
    FK_ACCOUNT(&shop, 2)->archived_earned += FK_SPLIT_LINES_MAX - 1;
    OK(shop_sound(), "what rounding may bring");
    FK_ACCOUNT(&shop, 2)->archived_earned += 1;
    OK(!shop_sound(), "a unit more");
    FK_ACCOUNT(&shop, 2)->archived_earned -= FK_SPLIT_LINES_MAX;
    OK(shop_sound(), "as it was");
}


/* The record of a sale of 500 with a part of 100 back, but for one thing. */
static fk_code_t
told(unsigned lie)
{
    fk_image_t         order, payment, split;
    fk_order_view_t    out;
    fk_record_head_t   head;
    fk_archive_walk_t  walk;

    shop_must(fk_archive_judge(record, record_size, &head) == FK_OK, "judge");
    fk_archive_walk(&walk, record, &head);
    shop_must(fk_archive_next(&walk) == FK_OK, "order");
    order = walk.image;
    shop_must(fk_archive_next(&walk) == FK_OK, "payment");
    payment = walk.image;
    shop_must(fk_archive_next(&walk) == FK_OK, "split");
    split = walk.image;

    split.split.paid += lie == 1;
    split.split.state = lie == 2 ? FK_SPLIT_FROZEN : FK_SPLIT_SETTLED;
    split.split.order[12] ^= lie == 3;

    if (lie >= REFUNDED_PART) {
        order.order.axis_payment = FK_PAYMENT_REFUNDED;
        order.order.axis_stock = FK_STOCK_RELEASED;
        order.order.axis_delivery = FK_DELIVERY_NONE;
        payment.payment.state = lie == REFUNDED_KEPT
                                ? FK_PAYMENT_STATE_APPLIED
                                : FK_PAYMENT_STATE_REFUNDED;
    }

    if (lie >= REFUNDED_KEPT) {
        split.split.part_count = 0;
        split.split.parts_size = 0;
    }

    made_begin();
    made_open();
    made_add(FK_IMAGE_ORDER, &order);
    made_add(FK_IMAGE_PAYMENT, &payment);
    made_add(FK_IMAGE_SPLIT, &split);

    if (lie == 4) {
        made_add(FK_IMAGE_SPLIT, &split);
    }

    made_close(FK_RECORD_VERSION_ARCHIVE);
    return shop_restore(&shop, made, made_size, &out);
}


static void
test_archive_told(void)
{
    uint64_t       seq;
    unsigned       lie;
    fk_order_id_t  id;

    static const char *const  lies[] = {
        "the truth", "more is split than was paid",
        "paid, and frozen for ever", "a split of another order",
        "two splits of one", "a part of what went back as a whole",
        "money that went back, and is here"
    };

    ledger_open();
    id = ledger_sell(1, 50, 10, 0);
    shop_must(ledger_return(&id, 100, "part") == FK_OK
              && archive(&id) == FK_OK, "archived");
    seq = fk_last_seq(&shop);

    for (lie = 1; lie < sizeof(lies) / sizeof(lies[0]); lie++) {
        EQ_INT(told(lie), FK_CORRUPT, "%s", lies[lie]);
    }

    EQ_INT(fk_last_seq(&shop), seq, "nothing was done");
    OK(ledger_sound(), "sound");
    EQ_INT(told(0), FK_OK, "%s comes back", lies[0]);
    OK(ledger_sound(), "sound");

    /* Given back as a whole, without any part, it may be. */
    shop_must(archive(&id) == FK_OK, "archived again");
    EQ_INT(told(REFUNDED), FK_OK, "one that was refunded comes back");
}


/* The changes that an archived order comes back for. */
enum {
    CHANGE_PART = 0,
    CHANGE_COMMISSION,
    CHANGE_LATE,
    CHANGE_COUNT
};

static const char *const  change_words[CHANGE_COUNT] = {
    "a part goes back", "commission afterwards", "late money"
};


/* An order of merchant "m" that is finished, and waits for such a change. */
static fk_order_id_t
change_order(unsigned change)
{
    fk_split_t       split;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    memset(&split, 0, sizeof(split));
    split.flagged = change == CHANGE_COMMISSION;
    shop_must(shop_buy("x", 1, &out) == FK_OK, "buy");

    if (change == CHANGE_LATE) {
        shop_wait_s(SHOP_HOLD_S + 1);
        (void) shop_tick();

    } else {
        shop_must(ledger_pay(&out.id, "once", 500, &split, &result, &out)
                  == FK_OK, "pay");
    }

    return out.id;
}


static fk_code_t
change_do(unsigned change, const fk_order_id_t *id)
{
    fk_split_t       split;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    memset(&split, 0, sizeof(split));

    return change == CHANGE_PART ? ledger_return(id, 300, "part")
           : change == CHANGE_COMMISSION
           ? fk_order_commission(&shop, &shop_env, id, &split, &out)
           : ledger_pay(id, "late", 500, &split, &result, &out);
}


/*
 * Two have read the same record; one brings the order back, changes it, and it
 * leaves again.  Others that have left make the sums such that the first
 * record fits.
 */
static void
test_archive_stale(unsigned change)
{
    char             trade[3];
    unsigned         i;
    uint64_t         mark[2];
    fk_split_t       split;
    fk_order_id_t    id;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    static size_t   first_size;
    static uint8_t  first[FK_ARCHIVE_SIZE_MAX];

    ledger_open();
    memset(&split, 0, sizeof(split));
    shop_must(ledger_merchant("m") == FK_OK
              && ledger_belongs("x", "m") == FK_OK, "merchant");

    for (i = 0; i < 3; i++) {
        (void) snprintf(trade, sizeof(trade), "o%u", i);
        shop_must(shop_buy("x", 1, &out) == FK_OK
                  && ledger_pay(&out.id, trade, 500, &split, &result, &out)
                     == FK_OK && archive(&out.id) == FK_OK, "others");
    }

    id = change_order(change);
    EQ_INT(fk_archive_mark(&shop, &id), 0, "here: there is no mark");
    shop_must(archive(&id) == FK_OK, "archive");
    memcpy(first, record, record_size);
    first_size = record_size;
    mark[0] = fk_archive_mark(&shop, &id);
    mark[1] = fk_archive_mark(&shop, &id);
    OK(mark[0] != 0 && mark[0] == mark[1], "%s", change_words[change]);

    EQ_INT(fk_archive_restore(&shop, &shop_env, first, first_size, 0, &out),
           FK_AGAIN, "not without a mark");
    EQ_INT(fk_archive_restore(&shop, &shop_env, first, first_size, mark[0],
                              &out), FK_OK, "the first brings it back");
    EQ_INT(fk_archive_restore(&shop, &shop_env, first, first_size, mark[1],
                              &out), FK_EXISTS, "for the second, too");
    EQ_INT(change_do(change, &id), FK_OK, "changed");
    EQ_INT(archive(&id), FK_OK, "it leaves again");
    EQ_INT(fk_archive_restore(&shop, &shop_env, first, first_size, mark[1],
                              &out), FK_AGAIN, "as it was it is not taken");
    EQ_INT(fk_archive_restore(&shop, &shop_env, record, record_size,
                              fk_archive_mark(&shop, &id), &out), FK_OK,
           "read again it is");
    EQ_INT(ledger_view("m").available, change == CHANGE_PART ? 1700 : 2000,
           "the merchant has it once");
    EQ_INT(ledger_audit().money[0].amount,
           change == CHANGE_PART ? 1700 : 2000, "and so has the shop");
    OK(ledger_sound(), "sound");
}


/* A shop that was another server's for a while knows none of the marks. */
static void
test_archive_elsewhere(void)
{
    uint64_t       mark;
    fk_order_id_t  id;

    ledger_open();
    id = ledger_sell(1, 50, 10, 0);
    shop_must(archive(&id) == FK_OK, "archive");
    mark = fk_archive_mark(&shop, &id);
    shop_must(mark != 0, "mark");
    fk_fence(&shop, 2);
    EQ_INT(fk_archive_mark(&shop, &id), 0, "fenced: there is no mark");
    shop_must(fk_recover_begin(&shop, 2, 0) == FK_OK, "recovery");
    OK(shop.region->restores != mark && shop.region->restores != 0,
       "recovered: it is another one");
}


int
main(void)
{
    unsigned  change;

    test_archive();
    test_archive_refunded();
    test_archive_foreign();
    test_archive_lies();
    test_archive_told();
    test_archive_elsewhere();

    for (change = 0; change < CHANGE_COUNT; change++) {
        test_archive_stale(change);
    }

    return tap_done();
}

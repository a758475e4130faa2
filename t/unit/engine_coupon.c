/*
 * Coupons: the ladder of reasons why one cannot be used, what it takes off,
 * and its uses, which are held with the stock and given back with it.
 */

#include "archive_shop.h"


#define LIST  1000                     /* of two units */


static fk_order_view_t  view;
static fk_pay_result_t  result;
static const char      *why;


static fk_checkout_t
cart(uint32_t who, const char *coupon)
{
    fk_checkout_t  in;

    in = shop_cart("x", 2);
    shop_buyer(&in, who, coupon);
    in.why = &why;
    return in;
}


static fk_code_t
buy(const fk_checkout_t *in)
{
    why = "";
    memset(&view, 0, sizeof(view));
    return fk_checkout(&shop, &shop_env, in, &view);
}


static fk_code_t
use(uint32_t who, const char *coupon)
{
    fk_checkout_t  in;

    in = cart(who, coupon);
    return buy(&in);
}


static void
pay(const char *trade, int64_t amount)
{
    shop_must(shop_pay(&view.id, trade, amount, &result, &view) == FK_OK,
              "pay");
}


static int64_t
uses(const char *code)
{
    return shop_coupon_view(code).uses_count;
}


static void
test_put(void)
{
    int               created;
    uint32_t          cursor, n;
    uint64_t          seq;
    const char       *field;
    fk_coupon_put_t   in;
    fk_coupon_view_t  list[2], one;

    in = shop_coupon_of("Spring-24_x", FK_COUPON_PERCENT, 1000);
    in.cap = 150;
    in.product_count = 2;
    in.product[0] = str("x");
    in.product[1] = str("y");
    EQ_INT(fk_coupon_put(&shop, &shop_env, &in, &created, &seq, &field),
           FK_OK, "a coupon");
    EQ_INT(created, 1, "is new");
    EQ_INT(seq, fk_last_seq(&shop), "its record is the last");

    in.value = 2000;
    EQ_INT(fk_coupon_put(&shop, &shop_env, &in, &created, &seq, &field),
           FK_OK, "it is changed");
    EQ_INT(created, 0, "and not new");

    EQ_INT(fk_coupon_get(&shop, str("sPRING-24_X"), &one), FK_OK,
           "it is found in any case");
    OK(strcmp(one.code, "SPRING-24_X") == 0 && one.value == 2000
       && one.cap == 150 && one.on == 1 && one.product_count == 2
       && strcmp(one.product[0], "x") == 0
       && strcmp(one.product[1], "y") == 0
       && one.created_s == SHOP_START_S, "as it was put");
    EQ_INT(fk_coupon_get(&shop, str("spring"), &one), FK_NOT_FOUND,
           "no other one is");

    in = shop_coupon_of("ten", FK_COUPON_FIXED, 10);
    shop_must(shop_coupon_put(&in) == FK_OK, "ten");
    cursor = 0;
    n = 1;
    EQ_INT(fk_coupon_list(&shop, &cursor, list, &n), FK_OK, "listed");
    OK(n == 1 && cursor == 1, "one by one");
    EQ_INT(fk_coupon_list(&shop, &cursor, list, &n), FK_OK, "the next");
    OK(n == 1 && cursor == 0 && strcmp(list[0].code, "TEN") == 0, "the last");
}


static void
test_put_wrong(void)
{
    size_t       i;
    int          created;
    uint64_t     seq;
    const char  *field;

    struct {
        const char       *field;
        fk_coupon_put_t   in;
    } bad[] = {
        { "code", { .code = str(""), .value = 1 } },
        { "code", { .code = str("a b"), .value = 1 } },
        { "code", { .code = str("123456789012345678901234567890123"),
                    .value = 1 } },
        { "kind", { .kind = FK_COUPON_KIND_COUNT, .value = 1 } },
        { "on", { .on = 2, .value = 1 } },
        { "value", { .value = 0 } },
        { "value", { .value = FK_AMOUNT_MAX + 1 } },
        { "value", { .kind = FK_COUPON_PERCENT, .value = FK_BP + 1 } },
        { "cap", { .value = 1, .cap = 1, .currency = "CNY" } },
        { "cap", { .kind = FK_COUPON_PERCENT, .value = 1, .cap = -1 } },
        { "min_amount", { .value = 1, .min_amount = -1 } },
        { "min_amount", { .value = 1, .min_amount = FK_AMOUNT_MAX + 1 } },
        { "to", { .value = 1, .from_s = 5, .to_s = 5 } },
        { "currency", { .value = 1, .currency = "cny" } },
        { "currency", { .value = 1 } },
        { "currency", { .kind = FK_COUPON_PERCENT, .value = 1,
                        .currency = "CNY" } },
        { "products", { .value = 1, .currency = "CNY", .product_count = 1,
                        .product[0] = str("z") } },
        { "products", { .value = 1, .currency = "CNY", .product_count = 2,
                        .product[0] = str("x"), .product[1] = str("x") } },
        { "products", { .value = 1, .currency = "CNY",
                        .product_count = FK_COUPON_PRODUCTS_MAX + 1 } },
    };

    seq = fk_last_seq(&shop);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (bad[i].in.code.data == NULL) {
            bad[i].in.code = str("good");
        }

        EQ_INT(fk_coupon_put(&shop, &shop_env, &bad[i].in, &created, &seq,
                             &field), FK_INVALID, "refused");
        EQ_STR(field != NULL ? field : "", bad[i].field, "for its field");
    }

    EQ_INT(fk_last_seq(&shop), seq, "nothing of it is in the journal");
}


static void
test_ladder(void)
{
    size_t           i;
    fk_checkout_t    in;
    fk_coupon_put_t  put;

    static const char *const  said[] = {
        "there is no such coupon", "the coupon is switched off",
        "the coupon cannot be used yet", "the coupon has expired",
        "the coupon is for other products",
        "the coupon is of another currency",
        "the coupon is for larger amounts"
    };

    for (i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        put = shop_coupon_of("ladder", FK_COUPON_FIXED, 100);
        put.on = i != 1;
        put.from_s = i == 2 ? SHOP_START_S + 1 : 0;
        put.to_s = i == 3 ? SHOP_START_S : 0;
        put.product_count = i == 4;
        put.product[0] = str("y");
        put.min_amount = i == 6 ? LIST + 1 : LIST;
        strcpy(put.currency, i == 5 ? "USD" : "CNY");
        shop_must(shop_coupon_put(&put) == FK_OK, "put");

        EQ_INT(use(1, i == 0 ? "ladders" : "ladder"), FK_COUPON, "refused");
        EQ_STR(why, said[i], "and says why");
    }

    put = shop_coupon_of("ladder", FK_COUPON_FIXED, LIST);
    shop_must(shop_coupon_put(&put) == FK_OK, "put");
    EQ_INT(use(1, "ladder"), FK_CHANNEL, "nothing by a gateway");
    EQ_STR(why, "the order costs nothing, and no gateway is asked for that: "
           "name a channel that is free", "and says what does");

    put = shop_coupon_of("ladder", FK_COUPON_FIXED, LIST - 1);
    put.from_s = SHOP_START_S;
    put.to_s = SHOP_START_S + 1;
    put.min_amount = LIST;
    put.product_count = 1;
    put.product[0] = str("x");
    shop_must(shop_coupon_put(&put) == FK_OK, "put");
    EQ_INT(use(1, "Ladder"), FK_OK, "on the edge of all of them");
    EQ_INT(view.amount, 1, "1 stays");
    EQ_STR(view.coupon, "LADDER", "and the order says what for");
    EQ_INT(uses("ladder"), 1, "it has one use");

    in = cart(1, "ladders");
    in.why = NULL;
    EQ_INT(buy(&in), FK_COUPON, "nobody need ask why");
}


static void
test_amounts(void)
{
    fk_checkout_t     in;
    fk_coupon_put_t   put;
    fk_coupon_view_t  coupon;

    put = shop_coupon_of("part", FK_COUPON_PERCENT, 3333);
    shop_must(shop_coupon_put(&put) == FK_OK
              && use(1, "part") == FK_OK, "percent");
    EQ_INT(view.amount, LIST - 333, "what is taken off is rounded down");
    EQ_INT(view.step[FK_STEP_RULE], LIST, "the step before is kept");

    put.cap = 50;
    shop_must(shop_coupon_put(&put) == FK_OK && use(1, "part") == FK_OK,
              "cap");
    EQ_INT(view.amount, LIST - 50, "and no more than its cap");

    /* With the operator's rule in between. */
    coupon = shop_coupon_view("part");
    in = cart(1, "part");
    shop_rules(&in, LIST, 600, NULL);
    EQ_INT(buy(&in), FK_AGAIN, "a price without the coupon is not the price");
    in.step[FK_STEP_COUPON] = fk_coupon_price(&coupon, 600);
    EQ_INT(buy(&in), FK_OK, "as the engine has it, it is");
    EQ_INT(view.amount, 550, "off the rule's total");

    put.min_amount = 700;
    shop_must(shop_coupon_put(&put) == FK_OK, "min");
    in = cart(1, "part");
    shop_rules(&in, LIST, 600, NULL);
    in.step[FK_STEP_COUPON] = 550;
    EQ_INT(buy(&in), FK_COUPON, "its minimum is of that total, too");

    shop_rules(&in, LIST + 2, LIST, NULL);
    EQ_INT(buy(&in), FK_AGAIN, "what is out of date is told first");
}


static void
test_uses(void)
{
    fk_order_id_t     id;
    fk_checkout_t     in;
    fk_coupon_put_t   put;

    put = shop_coupon_of("twice", FK_COUPON_FIXED, 100);
    put.uses_max = 2;
    put.uses_buyer_max = 1;
    shop_must(shop_coupon_put(&put) == FK_OK, "twice");

    in = shop_cart("x", 2);
    in.coupon = str("twice");
    EQ_INT(buy(&in), FK_INVALID, "by nobody it cannot be counted");

    EQ_INT(use(1, "twice"), FK_OK, "used");
    id = view.id;
    EQ_INT(use(1, "twice"), FK_COUPON, "not again by the same");
    EQ_STR(why, "the coupon was used by this buyer before", "it says so");
    EQ_INT(use(2, "twice"), FK_OK, "by another");
    EQ_INT(use(3, "twice"), FK_COUPON, "not by a third");
    EQ_STR(why, "the coupon is used up", "it says so");
    EQ_INT(uses("twice"), 2, "two uses");

    EQ_INT(fk_cancel(&shop, &shop_env, &id, &view), FK_OK, "cancelled");
    EQ_INT(uses("twice"), 1, "one comes back");
    EQ_INT(fk_cancel(&shop, &shop_env, &id, &view), FK_CONFLICT, "once");
    EQ_INT(uses("twice"), 1, "and no more");

    EQ_INT(use(1, "twice"), FK_OK, "so it can be used again");
    id = view.id;
    shop_wait_s(SHOP_HOLD_S + 1);
    (void) shop_tick();
    EQ_INT(uses("twice"), 0, "both expired");

    EQ_INT(use(1, "twice"), FK_OK, "used by the first");
    pay("u1", LIST - 100);
    EQ_INT(use(2, "twice"), FK_OK, "and by the second");
    pay("u2", LIST - 100);
    EQ_INT(uses("twice"), 2, "both have used it");

    view.id = id;
    pay("u3", LIST - 100);
    EQ_INT(result, FK_PAY_DELIVERED, "late money is not refused for it");
    EQ_INT(uses("twice"), 3, "and counts above the limit");
    EQ_INT(use(4, "twice"), FK_COUPON, "used up it is");
    OK(shop_sound(), "the shop is sound");
}


/* Refunded, it comes back; archived, it stays used, and comes back, too. */

static void
test_ends(void)
{
    int              i;
    size_t           size[2];
    seen_t           before, after;
    fk_order_id_t    id[2];
    fk_coupon_put_t  put;
    fk_order_view_t  away;

    static uint8_t  record[2][FK_ARCHIVE_SIZE_MAX];

    put = shop_coupon_of("end", FK_COUPON_FIXED, 1);
    put.uses_buyer_max = 3;
    shop_must(shop_coupon_put(&put) == FK_OK && use(9, "end") == FK_OK,
              "used");
    id[0] = view.id;
    pay("e0", LIST - 1);
    shop_must(use(9, "end") == FK_OK, "used");
    id[1] = view.id;
    pay("e1", LIST);
    shop_must(fk_decide(&shop, &shop_env, &id[1], FK_EVENT_DENY, &view)
              == FK_OK, "denied");
    EQ_INT(uses("end"), 1, "denied, it is given back");
    shop_must(fk_decide(&shop, &shop_env, &id[1], FK_EVENT_REFUNDED, &view)
              == FK_OK, "refunded");
    EQ_INT(uses("end"), 1, "refunded, it is not once more");
    before = seen(&shop, &id[0]);

    for (i = 0; i < 2; i++) {
        shop_must(fk_archive_read(&shop, &id[i], &view, record[i],
                                  sizeof(record[i]), &size[i]) == FK_OK
                  && fk_archive_drop(&shop, &shop_env, &id[i], view.seq)
                     == FK_OK, "archived");
    }

    EQ_INT(uses("end"), 1, "archived, it stays used");
    EQ_INT(shop_coupon_view("end").archived_uses, 1, "as a sum");
    EQ_INT(fk_archive_view(&shop, record[0], size[0], &away, NULL, NULL),
           FK_OK, "the archive shows it");
    EQ_STR(away.coupon, "END", "with its coupon");
    EQ_INT(away.index, 0, "and no slot");
    OK(shop_sound(), "the shop is sound");

    EQ_INT(use(9, "end"), FK_OK, "the second use");
    EQ_INT(use(9, "end"), FK_OK, "and the last");
    EQ_INT(use(9, "end"), FK_COUPON, "the archived one counts");

    for (i = 0; i < 2; i++) {
        EQ_INT(shop_restore(&shop, record[i], size[i],
                            &view), FK_OK, "one comes back");
        OK(shop_sound(), "and the shop is sound");
    }

    after = seen(&shop, &id[0]);
    OK(seen_same(&before, &after), "as it was");
    EQ_INT(uses("end"), 3, "no use is made or lost");
    EQ_INT(shop_coupon_view("end").archived_uses, 0, "none is away");
}


/* A use that has left with its order is a use. */

static void
test_used_up(void)
{
    size_t           size;
    fk_order_id_t    id;
    fk_coupon_put_t  put;

    static uint8_t  record[FK_ARCHIVE_SIZE_MAX];

    put = shop_coupon_of("once", FK_COUPON_FIXED, 1);
    put.uses_max = 1;
    shop_must(shop_coupon_put(&put) == FK_OK && use(20, "once") == FK_OK,
              "used");
    id = view.id;
    pay("once", LIST - 1);
    shop_must(shop_archive(&id, record, &size) == FK_OK, "archived");
    EQ_INT(use(21, "once"), FK_COUPON, "nobody else uses it");
    EQ_STR(why, "the coupon is used up", "it says so");
    put.uses_max = 2;
    shop_must(shop_coupon_put(&put) == FK_OK, "one use more");
    EQ_INT(use(21, "once"), FK_OK, "is for another");
}


static uint32_t  stores;               /* two calls each */


static void
count_store(void)
{
    stores++;
}


static uint32_t
stores_of(const fk_checkout_t *in)
{
    stores = 0;
    fk_test_store = count_store;
    shop_must(buy(in) == FK_OK, "buy");
    fk_test_store = NULL;

    return stores / 2;
}


/* Eight numbers that count, and the block of the steps. */

static void
test_cost(void)
{
    uint32_t         plain;
    fk_checkout_t    in;
    fk_coupon_put_t  put;

    put = shop_coupon_of("cost", FK_COUPON_FIXED, 1);
    put.uses_buyer_max = 5;
    shop_terms("y", 50);
    shop_must(shop_coupon_put(&put) == FK_OK, "coupon");

    in = shop_cart("x", 2);
    (void) stores_of(&in);
    in = shop_cart("x", 2);
    plain = stores_of(&in);

    in = shop_cart("y", 2);
    shop_buyer(&in, 40, "cost");
    (void) stores_of(&in);
    in = shop_cart("y", 2);
    shop_buyer(&in, 40, "cost");
    EQ_INT(stores_of(&in), plain + 9, "nine stores more than nobody's %u",
           plain);
}


/* Each coupon that there is room for, and an audit that counts them. */

static void
test_full(void)
{
    char               code[16];
    uint32_t           n, cursor, met;
    fk_coupon_put_t    put;
    fk_audit_totals_t  totals;
    fk_coupon_view_t   list[FK_LIST_SLICE_MAX];

    for (n = 0; fk_table_room(&shop, FK_TABLE_COUPONS) > 0; n++) {
        snprintf(code, sizeof(code), "fill-%u", n);
        put = shop_coupon_of(code, FK_COUPON_FIXED, 1);
        shop_must(shop_coupon_put(&put) == FK_OK, "fill");
        shop_flush();
    }

    put = shop_coupon_of("more", FK_COUPON_FIXED, 1);
    EQ_INT(shop_coupon_put(&put), FK_TABLE_FULL, "there is no room for more");
    put = shop_coupon_of("end", FK_COUPON_FIXED, 7);
    EQ_INT(shop_coupon_put(&put), FK_OK, "but one can be changed");

    cursor = 0;
    met = 0;

    do {
        n = UINT32_MAX;
        shop_must(fk_coupon_list(&shop, &cursor, list, &n) == FK_OK
                  && n <= FK_LIST_SLICE_MAX, "list");
        met += n;
    } while (cursor != 0);

    EQ_INT(met, fk_table_used(&shop, FK_TABLE_COUPONS), "all are listed");

    for (n = 0; n < 2; n++) {
        FK_COUPON_AT(&shop, 1)->live_uses += n;
        shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "audit");
        while (fk_audit_step(&shop, &shop_env, 9, 7) == FK_AGAIN) { }
        shop_must(fk_audit_end(&shop, 9, &totals) == FK_OK, "end");
        EQ_INT(totals.problem_count, n, "%u problems", n);
        EQ_INT(totals.coupons_count, met, "all are met");
    }

    EQ_STR(totals.problem, "coupon SPRING-24_X: its uses are not its orders",
           "it is told in words");
    FK_COUPON_AT(&shop, 1)->live_uses--;
}


int
main(void)
{
    shop_open();
    shop_product("x", FK_KIND_COUNTED, 1000);
    shop_product("y", FK_KIND_COUNTED, 1000);

    test_put();
    test_put_wrong();
    test_ladder();
    test_amounts();
    test_uses();
    test_ends();
    test_used_up();
    test_cost();
    test_full();
    OK(shop_sound(), "the shop is sound");

    return tap_done();
}

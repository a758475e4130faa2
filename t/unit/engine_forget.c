/*
 * A table of tallies that is full: limits and coupons have a share of their
 * own, buyers take each other's places, and late money finds its order
 * whatever is left.
 */

#include "archive_shop.h"


#define TALLIES  20
#define KEPT     (TALLIES / 4)


static fk_t             twin;
static size_t           record_size;
static uint8_t          record[FK_ARCHIVE_SIZE_MAX];
static uint32_t         trades;        /* the numbers given so far */
static fk_order_view_t  view;          /* the order that was spoken of last */


static void
plan_few(fk_plan_t *plan)
{
    plan->tallies = TALLIES;
}


/* Without limit: free; with one: limited; with a coupon: OFF, once each. */
static void
open_few(void)
{
    fk_coupon_put_t  in;

    fk_test_plan = plan_few;
    kept_size = 0;
    shop_open();
    shop_product("free", FK_KIND_COUNTED, 1000);
    shop_product("limited", FK_KIND_COUNTED, 1000);
    shop_terms("free", 0);
    shop_terms("limited", 5);
    shop_must(shop_level("gold", 100, FK_UNITS_MAX) == FK_OK, "level");

    in = shop_coupon_of("OFF", FK_COUPON_FIXED, 10);
    in.uses_buyer_max = 1;
    shop_must(shop_coupon_put(&in) == FK_OK, "coupon");
}


static fk_code_t
buy(uint32_t who, const char *sku, const char *coupon)
{
    fk_checkout_t  in;

    in = shop_cart(sku, 1);
    shop_buyer(&in, who, coupon);
    memset(&view, 0, sizeof(view));
    return fk_checkout(&shop, &shop_env, &in, &view);
}


static fk_pay_result_t
pay(const fk_order_id_t *id, int64_t amount)
{
    char             trade[16];
    fk_pay_result_t  result;

    snprintf(trade, sizeof(trade), "t%u", ++trades);
    shop_must(shop_pay(id, trade, amount, &result, &view) == FK_OK, "pay");
    return result;
}


/* Bought, paid, and gone to the archive; the record is the last one's. */
static void
customer(uint32_t who)
{
    shop_must(buy(who, "free", "") == FK_OK, "buy");
    (void) pay(&view.id, 500);
    shop_must(shop_archive(&view.id, record, &record_size) == FK_OK,
              "archive");
    shop_wait_s(60);
    kept_flush();
}


static fk_code_t
level(uint32_t who, const char *name)
{
    uint8_t   key[FK_TALLY_KEY_SIZE];
    uint64_t  seq;

    shop_digest(who, str(""), key);
    return fk_buyer_put(&shop, &shop_env, key, str(name), &seq);
}


static int64_t
spent(uint32_t who)
{
    uint8_t          key[FK_TALLY_KEY_SIZE];
    fk_buyer_view_t  out;

    shop_digest(who, str(""), key);
    shop_must(fk_buyer_get(&shop, key, &out) == FK_OK, "buyer");
    return out.spent;
}


static int
known(uint32_t who, uint8_t kind, const char *what)
{
    uint8_t  key[FK_TALLY_KEY_SIZE];

    shop_digest(who, str(what), key);
    return fk_tally_find(&shop, kind, key) != 0;
}


/* What the journal makes of it: the same tallies in the same slots. */
static int
replayed(void)
{
    int               same;
    char              why[256];
    uint32_t          i;
    fk_image_tally_t  one, two;

    kept_flush();
    region_new(&twin, SHOP_SIZE);
    same = region_recover(&twin, kept, kept_size, why) == FK_OK
           && fk_table_used(&shop, FK_TABLE_TALLIES)
              == fk_table_used(&twin, FK_TABLE_TALLIES);

    for (i = 1; same && i <= TALLIES; i++) {
        if (!fk_tally_used(&shop, i)) {
            continue;
        }

        memset(&one, 0, sizeof(one));
        memset(&two, 0, sizeof(two));
        fk_tally_image(&shop, i, &one);
        fk_tally_image(&twin, i, &two);
        same = memcmp(&one, &two, sizeof(one)) == 0
               && FK_TALLY(&shop, i)->refs == FK_TALLY(&twin, i)->refs;
    }

    region_drop(&twin);
    return same;
}


static void
test_share(void)
{
    uint32_t  who;

    open_few();

    for (who = 1; who <= TALLIES + 5; who++) {
        customer(who);
    }

    EQ_INT(fk_table_room(&shop, FK_TABLE_TALLIES), KEPT,
           "buyers leave the share of limits alone");
    EQ_INT(spent(TALLIES + 5), 500, "the newest one is known");
    EQ_INT(spent(1), 0, "who paid least lately is not");
    EQ_INT(spent(11), 500, "those between are");

    shop_wait_s(10 * 365 * 86400);
    EQ_INT(buy(100, "limited", ""), FK_OK, "ten years later a limit has room");
    OK(known(100, FK_TALLY_BUYER, "") && known(100, FK_TALLY_QUOTA, "limited"),
       "and its buyer, too");
    EQ_INT(fk_table_room(&shop, FK_TABLE_TALLIES), KEPT - 1,
           "in the place of another one");
    EQ_INT(buy(101, "free", "OFF"), FK_OK, "a coupon has room");

    for (who = 200; who < 200 + TALLIES; who++) {
        if (buy(who, "limited", "OFF") != FK_OK) {
            break;
        }
    }

    OK(fk_table_room(&shop, FK_TABLE_TALLIES) < 2, "the table gets full");
    OK(who - 200 >= KEPT && !known(25, FK_TALLY_BUYER, ""),
       "and buyers make room for what must be kept");
    EQ_INT(buy(who, "limited", "OFF"), FK_TABLE_FULL, "as long as they can");
    EQ_INT(buy(who, "free", ""), FK_OK, "what has no limit is sold on");
    OK(!known(who, FK_TALLY_BUYER, ""), "to whom nobody counts");
    OK(shop_sound(), "the shop is sound");
    OK(replayed(), "and so is its journal");
}


/* Whom an order or the operator names is not forgotten. */
static void
test_kept(void)
{
    uint32_t       who;
    fk_order_id_t  id;
    fk_snapshot_t  snapshot;

    open_few();
    shop_must(buy(1, "free", "") == FK_OK, "buy");
    id = view.id;
    shop_must(level(2, "gold") == FK_OK, "level");
    customer(3);

    for (who = 10; who < 10 + 2 * TALLIES; who++) {
        customer(who);
    }

    OK(known(1, FK_TALLY_BUYER, ""), "somebody with an order here is kept");
    OK(known(2, FK_TALLY_BUYER, ""), "and who has a level by hand");
    OK(!known(3, FK_TALLY_BUYER, ""), "another one is not");
    (void) pay(&id, 500);
    EQ_INT(spent(1), 500, "what he pays counts");

    shop_must(fk_snapshot_begin(&shop, &shop_env, 5, 0, &snapshot) == FK_OK,
              "snapshot");
    EQ_INT(buy(4, "free", ""), FK_OK, "while a snapshot walks");
    OK(!known(4, FK_TALLY_BUYER, ""), "nobody is forgotten for another");
    EQ_INT(level(5, "gold"), FK_TABLE_FULL, "nor for a level by hand");
    fk_snapshot_end(&shop, 5);
    EQ_INT(level(5, "gold"), FK_OK, "then it is");

    for (who = 300; level(who, "gold") == FK_OK; who++) {
        shop_must(who < 400, "levels end");
    }

    EQ_INT(fk_table_room(&shop, FK_TABLE_TALLIES), KEPT,
           "levels by hand leave the share, too");
    EQ_INT(buy(4, "free", ""), FK_OK, "when nobody can be forgotten");
    OK(!known(4, FK_TALLY_BUYER, ""), "a buyer goes without");
    EQ_INT(buy(4, "limited", ""), FK_OK, "and a limit has its share");
    OK(shop_sound(), "the shop is sound");
    OK(replayed(), "and so is its journal");
}


/* An order that expired, and is archived; its money comes when all is full. */
static void
test_late(void)
{
    uint32_t       who;
    fk_order_id_t  id;

    open_few();
    shop_must(buy(1, "limited", "OFF") == FK_OK, "buy");
    id = view.id;
    shop_wait_s(SHOP_HOLD_S + 1);
    (void) shop_tick();
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");

    for (who = 200; fk_table_room(&shop, FK_TABLE_TALLIES) != 1; who++) {
        shop_must(buy(who, "limited", "") == FK_OK, "the table gets full");
    }

    EQ_INT(shop_restore(&shop, record, record_size, &view),
           FK_OK, "it comes back to the last place");
    OK(known(1, FK_TALLY_QUOTA, "limited")
       && !known(1, FK_TALLY_COUPON_USE, "OFF")
       && !known(1, FK_TALLY_BUYER, ""), "which is for its limit");
    EQ_INT(shop_archive(&id, record, &record_size), FK_OK, "it leaves again");
    shop_must(buy(++who, "limited", "") == FK_OK, "the last one");
    EQ_INT(fk_table_room(&shop, FK_TABLE_TALLIES), 0, "the table is full");
    EQ_INT(shop_restore(&shop, record, record_size, &view),
           FK_OK, "it comes back to a full table");
    OK(!known(1, FK_TALLY_QUOTA, "limited")
       && !known(1, FK_TALLY_COUPON_USE, "OFF")
       && !known(1, FK_TALLY_BUYER, ""), "without its tallies");
    EQ_INT(fk_coupon_get(&shop, str("OFF"), &(fk_coupon_view_t) { 0 }), FK_OK,
           "its coupon is there");
    EQ_INT(pay(&id, 490), FK_PAY_DELIVERED, "and is paid late");
    OK(view.paid_s != 0, "the late money is booked");
    OK(shop_sound(), "the shop is sound");
    EQ_INT(shop_archive(&id, record, &record_size), FK_OK, "it leaves again");
    EQ_INT(shop_restore(&shop, record, record_size, &view),
           FK_OK, "and comes back");
    OK(shop_sound(), "the shop is sound");
    OK(replayed(), "and so is its journal");
}


/* Of somebody who was forgotten, and of one who has begun anew. */
static void
test_back(void)
{
    uint32_t       who;
    fk_order_id_t  id;

    static uint8_t  first[FK_ARCHIVE_SIZE_MAX];
    size_t          first_size;

    open_few();
    customer(1);
    id = view.id;
    memcpy(first, record, record_size);
    first_size = record_size;

    for (who = 10; who < 10 + 2 * TALLIES; who++) {
        customer(who);
    }

    shop_must(!known(1, FK_TALLY_BUYER, ""), "forgotten");
    EQ_INT(shop_restore(&shop, first, first_size, &view),
           FK_OK, "his order comes back all the same");
    OK(!known(1, FK_TALLY_BUYER, "") && spent(1) == 0, "without him");
    OK(shop_sound(), "the shop is sound");
    EQ_INT(shop_archive(&id, first, &first_size), FK_OK, "and leaves again");

    customer(1);
    EQ_INT(spent(1), 500, "he has begun anew");
    EQ_INT(shop_restore(&shop, record, record_size, &view),
           FK_OK, "his new order comes back");
    EQ_INT(spent(1), 500, "and counts once");
    OK(shop_sound(), "the shop is sound");
    OK(replayed(), "and so is its journal");
}


/* A full table of limits is not gone through by every buyer. */
static void
test_look(void)
{
    uint32_t  i, first;
    uint8_t   key[FK_TALLY_KEY_SIZE];

    fk_test_plan = NULL;
    shop_open();
    shop_product("free", FK_KIND_COUNTED, 1000);
    customer(1);
    first = shop.region->table[FK_TABLE_TALLIES].capacity;

    for (i = 0; fk_table_room(&shop, FK_TABLE_TALLIES) != 0; i++) {
        shop_digest(i, str("limited"), key);
        (void) fk_tally_take(&shop, fk_tally_bucket(&shop, key),
                             FK_TALLY_QUOTA, key);
        fk_commit(&shop);
    }

    shop_must(first > 2 * FK_TALLY_LOOK_LONG, "more than a look");
    OK(fk_tally_forget(&shop, &shop_env, 0, FK_TALLY_LOOK_SHORT),
       "the hand comes by the first");
    EQ_INT(shop.region->tally_hand, FK_TALLY_LOOK_SHORT, "and goes on");
    OK(!fk_tally_forget(&shop, &shop_env, 0, FK_TALLY_LOOK_SHORT),
       "then there is nobody");
    EQ_INT(shop.region->tally_hand, 2 * FK_TALLY_LOOK_SHORT,
           "and it has looked at so many");
    OK(!fk_tally_forget(&shop, &shop_env, 0, FK_TALLY_LOOK_LONG),
       "nor further on");
    EQ_INT(shop.region->tally_hand,
           2 * FK_TALLY_LOOK_SHORT + FK_TALLY_LOOK_LONG, "than that");
}


int
main(void)
{
    test_share();
    test_kept();
    test_late();
    test_back();
    test_look();

    return tap_done();
}

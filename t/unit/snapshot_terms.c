/*
 * A snapshot beside a shop in which buyers, levels and coupons come and
 * change: the walk is stopped before each of its steps in turn, all of it is
 * done there, and what is recovered must be the very shop.
 *
 * A coupon that is older than the walk names a product that came behind it; a
 * buyer of before has a level of afterwards: both stay, as older orders point
 * at them.
 */

#include "journal_parts.h"


#define STEPS_MAX  400


static fk_order_id_t  first, second, third;


static void
coupon_put(const char *code, const char *sku)
{
    fk_coupon_put_t  in;

    in = shop_coupon_of(code, FK_COUPON_FIXED, 7);
    in.uses_buyer_max = 5;
    in.product_count = sku != NULL ? 2 : 1;
    in.product[0] = str("x");
    in.product[1] = str(sku != NULL ? sku : "");
    shop_must(shop_coupon_put(&in) == FK_OK, "coupon");
}


static fk_order_id_t
bought(const char *sku, uint32_t who, const char *coupon)
{
    fk_checkout_t    in;
    fk_order_view_t  view;
    fk_pay_result_t  result;
    char             trade[16];

    in = shop_cart(sku, 2);
    shop_buyer(&in, who, coupon);
    snprintf(trade, sizeof(trade), "t%u", shop_serial);
    shop_must(fk_checkout(&shop, &shop_env, &in, &view) == FK_OK
              && shop_pay(&in.id, trade, view.amount, &result, &view)
                 == FK_OK, "bought");
    return in.id;
}


static void
level_of(uint32_t who, const char *level)
{
    uint8_t   key[FK_TALLY_KEY_SIZE];
    uint64_t  seq;

    shop_digest(who, str(""), key);
    shop_must(fk_buyer_put(&shop, &shop_env, key, str(level), &seq) == FK_OK,
              "level");
}


static void
before(void)
{
    shop_open();
    kept_size = 0;
    shop_product("x", FK_KIND_COUNTED, 50);
    shop_terms("x", 9);
    shop_must(shop_level("gold", 100, 900) == FK_OK, "level");
    coupon_put("old", NULL);
    first = bought("x", 1, "old");
    level_of(2, "gold");
    kept_flush();
}


/* All that is new, and all that is old in another way. */

static void
meanwhile(void)
{
    shop_product("z", FK_KIND_COUNTED, 50);
    coupon_put("old", "z");
    coupon_put("new", "z");
    shop_must(shop_level("late", 200, 1500) == FK_OK
              && shop_level("gold", 150, 900) == FK_OK, "levels");
    level_of(1, "late");
    level_of(2, "late");
    second = bought("z", 1, "old");
    third = bought("x", 3, "new");
    kept_flush();
}


static int
same_order(fk_t *a, fk_t *b, const fk_order_id_t *id)
{
    fk_order_view_t  view[2];

    memset(view, 0, sizeof(view));
    return fk_order_get(a, id, &view[0]) == FK_OK
           && fk_order_get(b, id, &view[1]) == FK_OK
           && view[0].amount == view[1].amount
           && strcmp(view[0].coupon, view[1].coupon) == 0
           && view[0].seq == view[1].seq;
}


static int
same(fk_t *a, fk_t *b)
{
    uint8_t           key[FK_TALLY_KEY_SIZE];
    uint32_t          who;
    fk_buyer_view_t   buyer[2];
    fk_coupon_view_t  coupon[2];

    for (who = 1; who <= 3; who++) {
        shop_digest(who, str(""), key);

        if (fk_buyer_get(a, key, &buyer[0]) != FK_OK
            || fk_buyer_get(b, key, &buyer[1]) != FK_OK
            || memcmp(&buyer[0], &buyer[1], sizeof(buyer[0])) != 0)
        {
            return 0;
        }
    }

    if (fk_coupon_get(a, str("old"), &coupon[0]) != FK_OK
        || fk_coupon_get(b, str("old"), &coupon[1]) != FK_OK
        || memcmp(&coupon[0], &coupon[1], sizeof(coupon[0])) != 0
        || coupon[0].product_count != 2 || coupon[0].uses_count != 2
        || strcmp(coupon[0].product[1], "z") != 0)
    {
        return 0;
    }

    return fk_table_used(a, FK_TABLE_TALLIES)
           == fk_table_used(b, FK_TABLE_TALLIES)
           && same_order(a, b, &first) && same_order(a, b, &second)
           && same_order(a, b, &third);
}


/* 1: the walk was over before so many steps. */

static int
round_of(unsigned steps, int *wrong)
{
    char       why[256];
    fk_t       twin;
    unsigned   n;
    fk_code_t  rc;

    before();
    parts_begin();
    rc = FK_AGAIN;

    for (n = 0; n < steps && rc == FK_AGAIN; n++) {
        rc = parts_step();
    }

    if (rc != FK_AGAIN) {
        fk_snapshot_end(&shop, WALKER);
        return 1;
    }

    meanwhile();

    do {
        rc = parts_step();
    } while (rc == FK_AGAIN);

    fk_snapshot_end(&shop, WALKER);
    region_new(&twin, SHOP_SIZE);

    if (parts_recover(&twin, why) != FK_OK || !same(&shop, &twin)
        || fk_check(&twin, why, sizeof(why)) != FK_OK)
    {
        printf("#   after %u steps: %s\n", steps, why);
        (*wrong)++;
    }

    region_drop(&twin);
    return 0;
}


int
main(void)
{
    int       wrong;
    unsigned  steps;

    fk_test_purse = 1;
    wrong = 0;

    for (steps = 0; steps < STEPS_MAX && !round_of(steps, &wrong); steps++) {
        /* void */
    }

    OK(wrong == 0 && steps > 8 && steps < STEPS_MAX,
       "the same shop, changed before each of %u steps", steps);
    OK(fk_test_reached[FK_REACHED_MISSING] > 0,
       "%u times something named what was not there yet",
       fk_test_reached[FK_REACHED_MISSING]);

    return tap_done();
}

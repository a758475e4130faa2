/*
 * The audit beside a shop that goes on selling: whatever is changed between
 * its slices, ahead of its cursor or behind it, its sums are exact; and it
 * sees a counter that is wrong.
 */

#include "journal_shop.h"


static uint32_t  random_state = 77;


static uint32_t
pick(uint32_t n)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % n;
}


static void
change(uint32_t *next_card, uint32_t *batch)
{
    char             trade[32];
    uint8_t          results[FK_IMPORT_SLICE_MAX];
    uint32_t         accepted;
    uint64_t         seq;
    fk_order_id_t    id;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    static const char *const  skus[] = { "card", "key", "seats" };

    switch (pick(6)) {
    case 0:
    case 1:
        (void) shop_buy(skus[pick(3)], 1, &out);
        break;

    case 2:
        id = shop_id(pick(shop_serial + 1));
        if (fk_order_get(&shop, &id, &out) == FK_OK) {
            snprintf(trade, sizeof(trade), "t%u", random_state);
            (void) shop_pay(&id, trade, out.amount, &result, &out);
        }
        break;

    case 3:
        id = shop_id(pick(shop_serial + 1));
        (void) fk_cancel(&shop, &shop_env, &id, &out);
        break;

    case 4:
        if (*batch == 0) {
            (void) fk_import_begin(&shop, &shop_env, str("card"), batch);
        } else if (pick(3)) {
            (void) shop_add(*batch, *next_card, 3, 60, results);
            *next_card += 3;
        } else {
            if (pick(2)
                || fk_import_commit(&shop, &shop_env, *batch, &accepted, &seq)
                   != FK_OK)
            {
                (void) fk_import_abort(&shop, &shop_env, *batch);
            }
            *batch = 0;
        }
        break;

    default:
        shop_wait_s(pick(60));
        (void) shop_tick();
        shop_flush();
    }
}


static fk_code_t
audit(uint32_t changes, fk_audit_totals_t *totals)
{
    uint32_t         steps, n, next_card, batch;
    fk_code_t        rc;
    static uint32_t  serial = 100000;

    next_card = serial;
    batch = 0;
    steps = 0;
    shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "begin");

    do {
        for (n = 0; n < changes; n++) {
            change(&next_card, &batch);
        }

        rc = fk_audit_step(&shop, &shop_env, 9, 1 + pick(30));
        shop_must(++steps < 1000000, "the audit ends");
    } while (rc == FK_AGAIN);

    for (n = 0; n < 10 * changes; n++) {
        change(&next_card, &batch);
    }

    serial = next_card;

    if (batch != 0) {
        (void) fk_import_abort(&shop, &shop_env, batch);
    }

    return rc == FK_OK ? fk_audit_end(&shop, 9, totals) : rc;
}


static void
test_beside(void)
{
    uint32_t            round, wrong, cursor, n, i;
    fk_audit_totals_t   totals;
    fk_audit_product_t  products[3];

    wrong = 0;

    for (round = 0; round < 20; round++) {
        if (audit(3, &totals) != FK_OK || !totals.ok) {
            printf("#   %s\n", totals.problem);
            wrong++;
        }
    }

    EQ_INT(wrong, 0, "20 audits beside a busy shop find nothing");
    OK(shop_sound(), "and it is sound");

    EQ_INT(audit(0, &totals), FK_OK, "an audit of a quiet shop");
    EQ_INT(totals.ok, 1, "finds nothing");
    EQ_INT(totals.orders_count, fk_table_used(&shop, FK_TABLE_ORDERS),
           "counts the orders");
    EQ_INT(totals.cards_count, fk_table_used(&shop, FK_TABLE_CARDS),
           "counts the cards");
    EQ_INT(totals.payments_count, fk_table_used(&shop, FK_TABLE_PAYMENTS),
           "counts the payments");
    EQ_INT(totals.applied_count + totals.review_count
           + totals.refund_due_count + totals.refunded_count,
           totals.payments_count, "each in one state");
    OK(totals.payments_count > 50 && totals.currency_count == 1
       && totals.money[0].amount >= 500 * totals.payments_count,
       "sums up the money");

    shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "begin");
    EQ_INT(fk_audit_end(&shop, 9, &totals), FK_AGAIN, "not before its end");
    while (fk_audit_step(&shop, &shop_env, 9, 1000) == FK_AGAIN) { }

    cursor = 0;
    n = fk_audit_products(&shop, 9, &cursor, products, 2);
    EQ_INT(n, 2, "two products");
    n += fk_audit_products(&shop, 9, &cursor, products + 2, 1);
    EQ_INT(n, 3, "and one");
    EQ_INT(cursor, 0, "are all");

    for (i = 0; i < n; i++) {
        fk_product_view_t  view;

        view = shop_view(products[i].sku);
        OK(products[i].ok && products[i].held == view.held
           && products[i].sold == view.sold && products[i].owed == view.owed
           && products[i].available == view.available
           && products[i].imported == view.imported
           && products[i].voided == view.voided,
           "%s has the same numbers", products[i].sku);
    }
}


static void
test_wrong(void)
{
    size_t             n;
    int64_t           *counter;
    fk_audit_totals_t  totals;

    static const size_t  counters[] = {
        offsetof(fk_product_rec_t, held), offsetof(fk_product_rec_t, sold),
        offsetof(fk_product_rec_t, owed), offsetof(fk_product_rec_t, imported),
        offsetof(fk_product_rec_t, available),
        offsetof(fk_product_rec_t, voided),
        offsetof(fk_product_rec_t, orders_count)
    };

    for (n = 0; n < sizeof(counters) / sizeof(counters[0]); n++) {
        counter = (int64_t *) (void *)
                  ((uint8_t *) FK_PRODUCT(&shop, 1) + counters[n]);
        *counter += 1;
        (void) audit(0, &totals);
        OK(!totals.ok && totals.problem_count == 1,
           "a wrong counter is found: %s", totals.problem);
        OK(!shop_sound(), "by the check too");
        *counter -= 1;
    }

    (void) audit(0, &totals);
    OK(totals.ok && shop_sound(), "and all is well again");
}


static void
test_lease(void)
{
    fk_env_t           later;
    fk_audit_totals_t  totals;

    EQ_INT(fk_audit_begin(&shop, &shop_env, 9), FK_OK, "one audits");
    EQ_INT(fk_audit_begin(&shop, &shop_env, 8), FK_CONFLICT, "one at a time");
    EQ_INT(fk_audit_step(&shop, &shop_env, 8, 1), FK_CONFLICT, "only its own");
    later = shop_env;
    later.now_ms += 60000;
    EQ_INT(fk_audit_begin(&shop, &later, 8), FK_OK, "a dead one is replaced");
    EQ_INT(fk_audit_step(&shop, &later, 9, 1), FK_CONFLICT, "for good");
    while (fk_audit_step(&shop, &later, 8, 1000) == FK_AGAIN) { }
    EQ_INT(fk_audit_end(&shop, 8, &totals), FK_OK, "the new one ends");
    EQ_INT(fk_audit_end(&shop, 8, &totals), FK_CONFLICT, "once");
}


int
main(void)
{
    shop_open();
    shop_product("card", FK_KIND_CARD, 0);
    shop_product("key", FK_KIND_SHARED, 0);
    shop_product("seats", FK_KIND_COUNTED, 5000);
    shop_stock("card", 1, 200);
    shop_stock("key", 5000, 2);

    test_beside();
    test_wrong();
    test_lease();

    return tap_done();
}

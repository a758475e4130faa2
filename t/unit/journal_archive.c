/*
 * The keeper's other half: finished orders go to the archive and then leave
 * the region, in this order, all of them, in batches; those that change in
 * between stay.
 */

#include "keeper_shop.h"


static void
test_archive(void)
{
    int            nowhere;
    fk_snapshot_t  other;

    keeper_new();
    kept_conf.snapshot_size = 1 << 30;
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "orders");
    EQ_INT(keeper.order_count, FJ_KEEPER_BATCH, "a batch of them");
    EQ_INT(orders_in_memory(&nowhere), SOLD, "none leaves before");
    keeper_step();
    EQ_INT(orders_in_memory(&nowhere), SOLD - FJ_KEEPER_BATCH, "they leave");
    OK(w.wakes > 0, "and are records to send");
    OK(keeper_calm(), "the others after them");
    EQ_INT(orders_in_memory(&nowhere), 0, "none is left");
    EQ_INT(nowhere, 0, "the archive has them all");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_ARCHIVED), SOLD, "they are counted");
    EQ_INT(shop_view("seats").archived_orders
           + shop_view("card").archived_orders, SOLD, "their products know");
    OK(recovers(), "another region agrees");

    /* Not while a snapshot is written, nor before their time. */
    keeper_new();
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_PART), "parts");
    EQ_INT(stored_count, 0, "a snapshot comes first");
    keeper_ends();

    keeper_new();
    kept_conf.snapshot_size = 1 << 30;
    shop_filled();
    shop_must(fk_snapshot_begin(&shop, &shop_env, 77, w.now_ms, &other)
              == FK_OK, "another");
    keeper_begins();
    OK(keeper_calm(), "a sibling writes one");
    EQ_INT(stored_count, 0, "nothing is stored that could not leave");
    keeper_ends();

    keeper_new();
    kept_conf.snapshot_size = 1 << 30;
    kept_conf.retention_s = 7201;
    shop_filled();
    keeper_begins();
    OK(keeper_calm(), "a second before their time");
    EQ_INT(stored_count, 0, "none leaves");
    keeper_ends();
}


/* One changes after it was stored, before that is known. */
static void
test_changed(void)
{
    int              nowhere;
    fk_order_id_t    id;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    keeper_new();
    kept_conf.snapshot_size = 1 << 30;
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "orders");
    id = keeper.order[5].id;
    shop_must(fk_order_get(&shop, &id, &out) == FK_OK
              && shop_pay(&id, "late", out.amount, &result, &out) == FK_OK
              && result == FK_PAY_DELIVERED, "a late payment");
    keeper_step();
    EQ_INT(orders_in_memory(&nowhere), SOLD - FJ_KEEPER_BATCH + 1,
           "one that was paid meanwhile stays");
    OK(fk_order_get(&shop, &id, &out) == FK_OK
       && out.status == FK_STATUS_DELIVERED, "as it is now");
    OK(keeper_calm() && orders_in_memory(&nowhere) == 1, "the others leave");
    shop_wait_s(3600);
    OK(keeper_calm() && orders_in_memory(&nowhere) == 0 && nowhere == 0,
       "and it leaves in its own time");
    OK(fk_archive_view(&shop, (uint8_t *) stored_order(&id)->text + TEXT_HEAD,
                       stored_order(&id)->size - TEXT_HEAD, &out, NULL, NULL)
       == FK_OK && out.status == FK_STATUS_DELIVERED,
       "the archive has it as it was then");
    OK(recovers(), "another region agrees");
}


/* Texts that fill the room: fewer at a time, but all of them. */
static void
test_large(void)
{
    int  i, nowhere;

    keeper_new();
    kept_conf.snapshot_size = 1 << 30;
    shop_filled();
    text_more = FJ_KEEPER_TEXT_MAX / 4;
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "orders");
    EQ_INT(keeper.order_count, 3, "three large ones fit");

    for (i = 0; i < 40 && orders_in_memory(&nowhere) != 0; i++) {
        shop_must(keeper_calm(), "calm");
    }

    OK(orders_in_memory(&nowhere) == 0, "all of them leave in the end");
    keeper_ends();
}


/* Too few replicas have it: then it does not leave. */
static void
test_replicas(void)
{
    int  nowhere;

    keeper_new();
    conf.replicas = 2;
    replicas = 2;
    kept_conf.snapshot_size = 1 << 30;
    shop_filled();
    keeper_begins();
    replicas = 1;
    shop_must(keeper_walk(FJ_COMMAND_KEEP_WAIT), "wait");
    keeper_step();
    EQ_INT(orders_in_memory(&nowhere), SOLD, "one replica is too few");
    replicas = 2;
    OK(keeper_calm() && orders_in_memory(&nowhere) == 0 && nowhere == 0,
       "with two they leave");
    OK(recovers(), "another region agrees");
}


/* A table that is nearly full does not wait for an hour. */
static void
test_full(void)
{
    int              nowhere;
    uint32_t         i, capacity;
    fk_usage_t       usage[FK_USAGE_COUNT];
    fk_order_view_t  out;

    keeper_new();
    kept_conf.snapshot_size = 1 << 30;
    fk_usage(&shop, usage);
    capacity = 0;

    for (i = 0; i < FK_USAGE_COUNT; i++) {
        if (strcmp(usage[i].table, "orders") == 0) {
            capacity = (uint32_t) usage[i].capacity;
        }
    }

    shop_product("seats", FK_KIND_COUNTED, 1000000);

    for (i = 0; i < capacity / 100 * 81; i++) {
        shop_must(shop_buy("seats", 1, &out) == FK_OK
                  && fk_cancel(&shop, &shop_env, &out.id, &out) == FK_OK,
                  "buy and cancel");

        if (i < SOLD) {
            sold[i] = out.id;
        }

        if (i % 500 == 0) {
            records_sent();
        }
    }

    records_sent();
    shop_wait_s(SHOP_HOLD_S + 30);
    keeper_begins();
    OK(keeper_calm() && orders_in_memory(&nowhere) == SOLD,
       "a minute is not over");
    shop_wait_s(31);
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "orders");
    keeper_step();
    EQ_INT(orders_in_memory(&nowhere), SOLD - FJ_KEEPER_BATCH,
           "then they leave");
    keeper_ends();
}


int
main(void)
{
    test_archive();
    test_changed();
    test_large();
    test_replicas();
    test_full();

    return tap_done();
}

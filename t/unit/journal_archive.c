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
    OK(keeper_calm() && orders_in_memory(&nowhere) == 1
       && !(stored_view(&id, &out) && out.status == FK_STATUS_DELIVERED),
       "what the journal has not got yet nobody reads in the archive");
    keeper_ends();
    records_sent();
    keeper_begins();
    OK(keeper_calm() && orders_in_memory(&nowhere) == 0 && nowhere == 0,
       "then it leaves in its own time");
    OK(stored_view(&id, &out) && out.status == FK_STATUS_DELIVERED,
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


/* Finished orders, in a table that is nearly full. */
static void
table_filled(void)
{
    uint32_t         i, capacity;
    fk_usage_t       usage[FK_USAGE_COUNT];
    fk_order_view_t  out;

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
}


/* A table that is nearly full does not wait for an hour. */
static void
test_full(void)
{
    int  nowhere;

    keeper_new();
    kept_conf.snapshot_size = 1 << 30;
    table_filled();
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


/* A snapshot that took 20 s has just been written, and the next one is due. */
static void
due_again(void)
{
    fk_order_view_t  out;

    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_FORGET), "a snapshot");
    keeper_step();
    keeper_ends();

    shop_must(shop_buy("seats", 1, &out) == FK_OK, "a record");
    records_sent();
    fk_stat_set(&shop, FJ_STAT_TAIL_BYTES, 1 << 30);
    fk_stat_set(&shop, FJ_STAT_SNAPSHOT_AT_MS, (uint64_t) w.now_ms);
    fk_stat_set(&shop, FJ_STAT_SNAPSHOT_TOOK_MS, 20000);
}


/* Where one snapshot is due behind the other, the archive has its time. */
static void
test_between_snapshots(void)
{
    int64_t  began_ms;

    keeper_new();
    table_filled();
    due_again();
    shop_wait_s(SHOP_HOLD_S + 61);
    keeper_begins();
    began_ms = w.now_ms;
    shop_must(keeper_walk(FJ_COMMAND_KEEP_INDEX), "the next");
    OK(stored_count >= FJ_KEEPER_BATCH, "%" PRIu32 " orders leave before it",
       stored_count);
    OK(w.now_ms < began_ms + 2000, "and no more than must");
    keeper_ends();

    keeper_new();
    table_filled();
    due_again();
    keeper_begins();
    began_ms = w.now_ms;
    shop_must(keeper_walk(FJ_COMMAND_KEEP_INDEX), "the next");
    EQ_INT(stored_count, 0, "where none is old enough");
    OK(w.now_ms - began_ms >= 20000 && w.now_ms - began_ms < 20200,
       "it has waited as long as the last one took");
    keeper_ends();

    keeper_new();
    shop_filled();
    due_again();
    keeper_begins();
    began_ms = w.now_ms;
    shop_must(keeper_walk(FJ_COMMAND_KEEP_INDEX), "the next");
    OK(w.now_ms < began_ms + 200, "with room in memory it does not wait");
    keeper_ends();
}


/* --- who may store ---------------------------------------------------- */

/* Those whose archived text begins with this. */
static int
stored_with(const char *text)
{
    int       count;
    uint32_t  i;

    count = 0;

    for (i = 0; i < stored_count; i++) {
        count += strncmp(stored[i].text, text, strlen(text)) == 0;
    }

    return count;
}


/* It sleeps with a batch at hand; another server takes the shop over, and
 * what it stores is the truth from then on. */
static void
test_fence(void)
{
    int   nowhere;
    char  key[FJ_KEY_SIZE];

    static const char  newer[] = "{\"epoch\":9,\"seq\":5,\"theirs\":1}";

    keeper_new();
    kept_conf.snapshot_size = 1 << 30;
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "orders");
    stream_put(snapshots, "9-0", "t", "another", NULL);
    fj_keeper_order_key(key, &conf, &keeper.order[3].id);
    keeper_redis_store(key, newer, sizeof(newer) - 1);
    keeper_step();
    EQ_INT(stored_with(newer), 1, "what the later owner stored stays");
    EQ_INT(stored_count, 1, "and nothing is stored beside it");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_ARCHIVED), 0, "nothing has left");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FENCED, "and the shop is fenced");
    EQ_INT(keeper.phase, FJ_KEEPER_IDLE, "the keeper has given up");
    keeper_ends();

    /* The index is gone: the journal has its entry of the takeover, too. */
    keeper_new();
    kept_conf.snapshot_size = 1 << 30;
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "orders");
    stream_lose(snapshots, snapshots->count);
    stream_put(journal, "9-0", "t", "another", NULL);
    keeper_step();
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FENCED, "without an index as well");
    EQ_INT(stored_count, 0, "nothing is stored");
    keeper_ends();

    /* All of it is gone: nobody knows who may store. */
    keeper_new();
    kept_conf.snapshot_size = 1 << 30;
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "orders");
    redis_lose_all();
    keeper_step();
    EQ_INT(stored_count, 0, "without a journal nothing is stored");
    EQ_INT(orders_in_memory(&nowhere), SOLD, "and nothing leaves");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_OPEN, "the shop sells on");
    keeper_ends();
}


/* A worker sleeps with a batch at hand.  A sibling stores the same orders,
 * one comes back with a payment, changes, and is stored again. */
static void
test_older(void)
{
    int              nowhere;
    char             key[FJ_KEY_SIZE], text[FJ_KEY_SIZE];
    fk_order_id_t    id;
    fk_order_view_t  out;

    keeper_new();
    kept_conf.snapshot_size = 1 << 30;
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "orders");
    id = keeper.order[5].id;
    fj_keeper_order_key(key, &conf, &id);
    snprintf(text, sizeof(text), "{\"epoch\":%" PRIu64 ",\"seq\":%" PRIu64
             ",\"later\":1}", keeper.epoch, fk_last_seq(&shop) + 1);
    keeper_redis_store(key, text, strlen(text));
    shop_must(fk_archive_drop(&shop, &shop_env, &id, keeper.order[5].seq)
              == FK_OK, "a sibling drops it");
    keeper_step();
    EQ_INT(stored_with(text), 1, "a later state is not replaced");
    EQ_INT(stored_count, FJ_KEEPER_BATCH, "the others are stored");
    EQ_INT(orders_in_memory(&nowhere), SOLD - FJ_KEEPER_BATCH,
           "and have left");
    EQ_INT(fk_order_get(&shop, &id, &out), FK_NOT_FOUND, "this one before");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_OPEN, "it is no fence");
    keeper_ends();

    /* What another epoch has left is no hindrance. */
    keeper_new();
    kept_conf.snapshot_size = 1 << 30;
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "orders");
    fj_keeper_order_key(key, &conf, &keeper.order[5].id);
    keeper_redis_store(key, "{\"epoch\":0,\"seq\":99999999,", 26);
    OK(keeper_calm() && orders_in_memory(&nowhere) == 0 && nowhere == 0,
       "an older epoch's is replaced");
    keeper_ends();

    /* Read before the shop was another's for a while. */
    keeper_new();
    kept_conf.snapshot_size = 1 << 30;
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "orders");
    keeper.epoch--;
    keeper_step();
    EQ_INT(orders_in_memory(&nowhere), SOLD,
           "what was read under another epoch does not leave");
    OK(keeper_calm() && orders_in_memory(&nowhere) == 0 && nowhere == 0,
       "it is stored again");
    keeper_ends();
}


/* --- sure to be on the disk -------------------------------------------- */

static void
lazy_begin(void)
{
    keeper_new();
    fsyncs_late = 1;
    kept_conf.snapshot_size = 1 << 30;
    shop_filled();
    keeper_begins();

    while (stored_count < SOLD || w.argc != 0) {
        keeper_step();
    }
}


/* Redis answers before it fsyncs: who is stored stays for a while. */
static void
test_lazy(void)
{
    int      nowhere;
    int64_t  since_ms;

    lazy_begin();
    since_ms = w.now_ms;
    EQ_INT(orders_in_memory(&nowhere), SOLD, "all are stored, none has left");

    while (orders_in_memory(&nowhere) == SOLD) {
        keeper_step();
    }

    OK(w.now_ms - since_ms >= 2000 && w.now_ms - since_ms <= 4000,
       "after %d ms they do", (int) (w.now_ms - since_ms));
    EQ_INT(nowhere, 0, "and the archive has them");
    OK(keeper_calm() && orders_in_memory(&nowhere) == 0, "all of them");
    EQ_INT(stored_count, SOLD, "each was stored once");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_ARCHIVED), SOLD, "and counted once");
    OK(recovers(), "another region agrees");

    /* Redis crashes, and lost what it had not synced. */
    lazy_begin();
    event_closed();
    stored_count = 0;
    EQ_INT(keeper.aging_count, 0, "a lost connection: none is sure");
    OK(keeper_calm() && orders_in_memory(&nowhere) == 0 && nowhere == 0,
       "they are stored anew");
    EQ_INT(stored_count, SOLD, "all of them");
    OK(recovers(), "another region agrees");

    /* Its machine is gone, and nobody closes the connection. */
    lazy_begin();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "asked whether it lives");
    EQ_INT(keeper.order_count, 0, "without orders");
    EQ_INT(orders_in_memory(&nowhere), SOLD, "time alone is no proof");
    event_timer(FJ_TIMER_WATCH);
    EQ_INT(orders_in_memory(&nowhere), SOLD, "silence neither");
    EQ_INT(keeper.aging_count, 0, "they are to be stored again");
    keeper_ends();

    /* It lives, but the shop is another's by now. */
    lazy_begin();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "asked whether it lives");
    stream_put(snapshots, "9-0", "t", "another", NULL);
    keeper_step();
    EQ_INT(fk_stat_get(&shop, FJ_STAT_ARCHIVED), 0,
           "a fenced shop drops nothing");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FENCED, "it has learned it");
    keeper_ends();
}


/* A snapshot begins while some age: they leave behind it, without being
 * stored once more. */
static void
test_lazy_snapshot(void)
{
    int            nowhere;
    uint32_t       steps;
    fk_snapshot_t  other;

    lazy_begin();
    shop_must(fk_snapshot_begin(&shop, &shop_env, 77, w.now_ms, &other)
              == FK_OK, "another");

    for (steps = 0; steps < 80; steps++) {
        keeper_step();
    }

    EQ_INT(orders_in_memory(&nowhere), SOLD, "while it runs they stay");
    EQ_INT(keeper.aging_count, SOLD, "and are not forgotten");
    fk_snapshot_end(&shop, 77);

    while (orders_in_memory(&nowhere) != 0) {
        shop_must(keeper.order_count == 0, "none is stored again");
        keeper_step();
    }

    OK(nowhere == 0, "then they leave");
    keeper_ends();

    /* It begins while they are stored. */
    keeper_new();
    kept_conf.snapshot_size = 1 << 30;
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "orders");
    shop_must(fk_snapshot_begin(&shop, &shop_env, 77, w.now_ms, &other)
              == FK_OK, "another");
    keeper_step();
    EQ_INT(keeper.aging_count, FJ_KEEPER_BATCH, "stored, they wait for it");
    fk_snapshot_end(&shop, 77);
    keeper.cursor = 0;
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "the question");
    EQ_INT(keeper.order_count, 0, "are not stored again");
    keeper_step();
    EQ_INT(orders_in_memory(&nowhere), SOLD - FJ_KEEPER_BATCH, "and leave");
    keeper_ends();
}


/* A reply that took long says how Redis was when it was asked, or later:
 * only the first is sure. */
static void
test_lazy_reply(void)
{
    int  nowhere;

    keeper_new();
    fsyncs_late = 1;
    kept_conf.snapshot_size = 1 << 30;
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "orders");
    keeper_step();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "more of them");
    w.now_ms += 4000;
    keeper_step();
    EQ_INT(orders_in_memory(&nowhere), SOLD, "a slow reply is no proof");
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "more of them");
    keeper_step();
    EQ_INT(orders_in_memory(&nowhere), SOLD - FJ_KEEPER_BATCH,
           "the next one is, of the first ones");
    keeper_ends();
}


/* Redis may be told to fsync later while the shop is open. */
static void
test_lazy_later(void)
{
    int  nowhere;

    keeper_new();
    kept_conf.snapshot_size = 1 << 30;
    shop_filled();
    keeper_begins();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_SETTINGS), "how does it fsync");
    fsyncs_late = 1;
    keeper_step();
    shop_must(keeper_walk(FJ_COMMAND_KEEP_ORDERS), "orders");
    keeper_step();
    EQ_INT(orders_in_memory(&nowhere), SOLD, "what was true is asked again");
    OK(keeper_calm() && orders_in_memory(&nowhere) == 0 && nowhere == 0,
       "they leave later");
    EQ_INT(w.logs[FJ_LOG_ERR], 0, "the journal's connection says so");
    keeper_ends();
}


/* Siblings look at the table in turn, not all at once. */
static void
test_turns(void)
{
    lazy_begin();
    EQ_INT(fk_duty_take(&shop, FK_DUTY_ARCHIVE, w.now_ms + 900, 1000), 0,
           "while some age no sibling begins");
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
    test_between_snapshots();
    test_fence();
    test_older();
    test_lazy();
    test_lazy_snapshot();
    test_lazy_reply();
    test_lazy_later();
    test_turns();

    return tap_done();
}

/*
 * What others do between a look and the lock, or between two holds of it: the
 * call stops at the lock, somebody else is quicker, and it goes on.  Nothing
 * is done twice, and nothing by what was seen before.
 */

#include "meanwhile.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive_shop.h"


static fk_code_t
tick(fk_tick_t *out)
{
    fk_code_t  rc;

    rc = fk_tick(&shop, &shop_env, 1, out);
    shop_must(meanwhile == NULL, "it never came to the lock");
    return rc;
}


static void
tick_all(void)
{
    (void) shop_tick();
}


/* Two orders that were paid late, and stock for one of them. */
static void
shop_waiting(void)
{
    fk_order_view_t  a, b, c;
    fk_pay_result_t  result;

    shop_open();
    shop_product("seats", FK_KIND_COUNTED, 2);
    shop_must(shop_buy("seats", 1, &a) == FK_OK
              && shop_buy("seats", 1, &b) == FK_OK, "buy");
    shop_wait_s(SHOP_HOLD_S + 1);
    (void) shop_tick();
    shop_must(shop_buy("seats", 2, &c) == FK_OK
              && shop_pay(&a.id, "a", 500, &result, &a) == FK_OK
              && result == FK_PAY_WAITING
              && shop_pay(&b.id, "b", 500, &result, &b) == FK_OK
              && result == FK_PAY_WAITING, "waiting");
}


static void
stock(int64_t units)
{
    fk_product_put_t  put;

    memset(&put, 0, sizeof(put));
    put.sku = str("seats");
    put.fields = FK_PUT_STOCK;
    put.stock = units;
    shop_must(shop_put(&put, NULL) == FK_OK, "stock");
}


static void
take_stock(void)
{
    stock(0);
}


static void
test_serve(void)
{
    fk_tick_t  out;

    shop_waiting();
    stock(2);
    others(tick_all, 0);
    EQ_INT(tick(&out), FK_AGAIN, "another process serves them all");
    EQ_INT(out.served_count, 0, "nobody is served twice");
    EQ_INT(shop_view("seats").sold, 2, "both are served");
    OK(shop_sound(), "sound");

    shop_waiting();
    stock(1);
    others(take_stock, 0);
    EQ_INT(tick(&out), FK_AGAIN, "the stock is taken away");
    EQ_INT(out.served_count, 0, "nobody is served");
    EQ_INT(shop_view("seats").owed, 2, "both wait");
    OK(shop_sound(), "sound");
}


static void
test_expire(void)
{
    fk_tick_t        out;
    fk_order_view_t  order;

    shop_open();
    shop_product("seats", FK_KIND_COUNTED, 1);
    shop_must(shop_buy("seats", 1, &order) == FK_OK, "buy");
    shop_wait_s(SHOP_HOLD_S + 1);
    others(tick_all, 0);
    EQ_INT(tick(&out), FK_AGAIN, "another process lets it expire");
    EQ_INT(out.expired_count, 0, "not once more");
    EQ_INT(shop_view("seats").available, 1, "the unit is back, one time");
    OK(shop_sound(), "sound");
}


static uint32_t  batch;


static void
shop_importing(void)
{
    uint8_t  results[3];

    shop_open();
    shop_product("card", FK_KIND_CARD, 0);
    shop_must(fk_import_begin(&shop, &shop_env, str("card"), &batch) == FK_OK
              && shop_add(batch, 1, 3, 60, results) == FK_OK, "import");
    (void) shop_tick();
    shop_env.now_ms += FK_IMPORT_LEASE_MS;
    shop.region->wheel_s = fk_now_s(&shop_env) + 1;
}


static void
importer_returns(void)
{
    uint8_t  results[1];

    shop_must(shop_add(batch, 9, 1, 60, results) == FK_OK, "add");
}


static void
importer_commits(void)
{
    uint32_t  accepted;
    uint64_t  seq;

    shop_must(fk_import_commit(&shop, &shop_env, batch, &accepted, &seq)
              == FK_OK, "commit");
}


static void
walk_begins(void)
{
    fk_snapshot_t  out;

    shop_must(fk_snapshot_begin(&shop, &shop_env, 7, 0, &out) == FK_OK,
              "snapshot");
}


static void
test_import(void)
{
    fk_tick_t  out;

    shop_importing();
    others(importer_returns, 0);
    EQ_INT(tick(&out), FK_AGAIN, "a late importer is back");
    importer_commits();
    EQ_INT(shop_view("card").available, 4, "and keeps its import");
    OK(shop_sound(), "sound");

    shop_importing();
    others(importer_commits, 0);
    EQ_INT(tick(&out), FK_AGAIN, "a late importer commits");
    EQ_INT(shop_view("card").available, 3, "and has its stock");
    OK(shop_sound(), "sound");

    shop_importing();
    shop_must(fk_import_abort(&shop, &shop_env, batch) == FK_OK, "abort");
    others(tick_all, 0);
    EQ_INT(tick(&out), FK_AGAIN, "another process reaps");
    EQ_INT(out.reaped_count, 0, "nothing is left to reap");
    EQ_INT(fk_table_used(&shop, FK_TABLE_CARDS), 0, "the cards are gone");
    OK(shop_sound(), "sound");

    shop_importing();
    shop_must(fk_import_abort(&shop, &shop_env, batch) == FK_OK, "abort");
    others(walk_begins, 0);
    EQ_INT(tick(&out), FK_AGAIN, "a snapshot begins");
    EQ_INT(out.reaped_count, 0, "nothing is freed beside it");
    EQ_INT(fk_table_used(&shop, FK_TABLE_CARDS), 3, "the cards stay");
    OK(shop_sound(), "sound");
}


static void
other_recovers(void)
{
    shop_must(fk_recover_begin(&shop, 8, 0) == FK_OK, "begin");
}


static void
test_recover(void)
{
    fk_t  fresh;

    if (shop.base != NULL) {
        region_drop(&shop);
    }

    region_new(&fresh, SHOP_SIZE);
    shop = fresh;
    others(other_recovers, 0);
    EQ_INT(fk_recover_begin(&shop, 9, 0), FK_CONFLICT,
           "another process begins to recover");
    EQ_INT(fk_recover_owner(&shop), 8, "and goes on with it");
}


static fk_order_id_t  away;
static uint8_t        record[2][FK_ARCHIVE_SIZE_MAX];


/* It leaves, and is back at once: the same order, touched. */
static void
order_returns(void)
{
    size_t           size;
    fk_order_view_t  out;

    shop_must(shop_archive(&away, record[1], &size) == FK_OK
              && shop_restore(&shop, record[1], size, &out) == FK_OK,
              "away and back");
}


static void
order_leaves(void)
{
    size_t  size;

    shop_must(shop_archive(&away, record[1], &size) == FK_OK, "away");
}


static void
test_archive(void)
{
    size_t           size;
    uint8_t          results[FK_IMPORT_SLICE_MAX];
    uint32_t         accepted, i;
    uint64_t         seq;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    /* So long that it takes several holds of the lock to read it. */
    shop_open();
    shop_product("card", FK_KIND_CARD, 0);
    shop_must(fk_import_begin(&shop, &shop_env, str("card"), &batch)
              == FK_OK, "import");
    for (i = 0; i < FK_QTY_MAX; i += 10) {
        shop_must(shop_add(batch, 1 + i, 10, FK_SEALED_SIZE_MAX, results)
                  == FK_OK, "add");
        shop_flush();
    }
    shop_must(fk_import_commit(&shop, &shop_env, batch, &accepted, &seq)
              == FK_OK
              && shop_buy("card", FK_QTY_MAX, &out) == FK_OK
              && shop_pay(&out.id, "t", out.amount, &result, &out) == FK_OK,
              "order");
    shop_flush();
    away = out.id;

    others(order_returns, 1);
    EQ_INT(fk_archive_read(&shop, &away, &out, record[0], sizeof(record[0]),
                           &size), FK_CONFLICT,
           "an order that is touched while it is read");
    shop_flush();

    others(order_leaves, 1);
    EQ_INT(fk_archive_read(&shop, &away, &out, record[0], sizeof(record[0]),
                           &size), FK_NOT_FOUND, "and one that leaves");
    OK(shop_sound(), "sound");
}


static void
shop_stops(void)
{
    fk_fail(&shop, "stopped meanwhile");
    fk_test_store = NULL;
}


/* A stop needs no lock: healing must not open the shop over it. */
static void
test_heal(void)
{
    char           why[64];
    size_t         size;
    uint8_t        part[FK_SNAPSHOT_PART_SIZE_MAX];
    fk_snapshot_t  out;

    shop_open();
    shop_product("seats", FK_KIND_COUNTED, 1);
    walk_begins();
    while (fk_snapshot_step(&shop, &shop_env, 7, 0, part, sizeof(part), &size,
                            &out) == FK_AGAIN) { /* void */ }
    shop.region->state = FK_SHOP_HEALING;

    fk_test_store = shop_stops;
    EQ_INT(fk_heal_end(&shop, 7, out.begin_seq), FK_FAILED,
           "the shop is stopped while it is healed");
    EQ_STR(fk_fail_reason(&shop, why, sizeof(why)), "stopped meanwhile",
           "and says so");
}


static unsigned  stores_left;


static void
die_at_store(void)
{
    if (stores_left-- == 0) {
        (void) kill(getpid(), SIGKILL);
    }
}


static fk_code_t
run_import(void)
{
    uint32_t  handle;

    return fk_import_begin(&shop, &shop_env, str("card"), &handle);
}


static fk_code_t
run_serve(void)
{
    fk_tick_t  out;

    return fk_tick(&shop, &shop_env, 1, &out) == FK_AGAIN ? FK_OK : FK_FAILED;
}


/* The look has no lock: it sees what a dead process left half-done. */
static void
half_done(const char *name, void (*prepare)(void), fk_code_t (*run)(void))
{
    int        status;
    pid_t      pid;
    unsigned   n, wrong;
    fk_tick_t  out;

    wrong = 0;

    for (n = 0; /* void */ ; n++) {
        prepare();
        fflush(stdout);
        pid = fork();

        if (pid == 0) {
            stores_left = n;
            fk_test_store = die_at_store;
            _exit(run() == FK_OK ? 0 : 1);
        }

        shop_must(pid > 0 && waitpid(pid, &status, 0) == pid, "child");

        if (!WIFSIGNALED(status)) {
            break;
        }

        /* The wheel is done: the first look is at the half-done one. */
        shop_env.now_ms += FK_IMPORT_LEASE_MS;
        shop.region->wheel_s = fk_now_s(&shop_env) + 1;
        wrong += fk_tick(&shop, &shop_env, 10000, &out) != FK_OK;
        wrong += !shop_sound();
    }

    OK(wrong == 0 && n > 10 && WEXITSTATUS(status) == 0,
       "%s: half-done at each of %u stores", name, n);
}


static void
prepare_import(void)
{
    shop_open();
    shop_product("card", FK_KIND_CARD, 0);
    shop_must(run_import() == FK_OK, "import");

    /* In memory where an import of a former life still stands. */
    shop_open_in(shop.base, SHOP_SIZE);
    shop_product("card", FK_KIND_CARD, 0);
    (void) shop_tick();
}


static void
prepare_serve(void)
{
    shop_waiting();
    stock(1);
    (void) shop_tick();
    stock(1);
}


int
main(void)
{
    test_serve();
    test_expire();
    test_import();
    test_recover();
    test_archive();
    test_heal();
    half_done("an import", prepare_import, run_import);
    half_done("a served order", prepare_serve, run_serve);

    return tap_done();
}

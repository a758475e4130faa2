/*
 * Death at every store.  For each command and for n = 1, 2, ... a child runs
 * the command and is killed at its n-th store, with the lock in its hand.
 * Then the next process must find the shop sound, as it was before or as it
 * is after, and the same command must succeed.
 */

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine_shop.h"


/* More than the longest transaction makes, two calls a store. */
#define STORES_MAX  4000


typedef struct {
    const char  *name;
    void       (*prepare)(void);
    fk_code_t  (*run)(void);
    int          same;                 /* a second run changes nothing more */
} command_t;


static unsigned       stores_left;
static uint32_t       batch;
static fk_order_id_t  id;
static uint8_t        results[FK_IMPORT_SLICE_MAX];


static void
die_at_store(void)
{
    if (--stores_left == 0) {
        (void) kill(getpid(), SIGKILL);
    }
}


static void
prepare_stock(void)
{
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 12);
    id = shop_id(500);
}


static void
prepare_order(void)
{
    fk_order_view_t  out;
    fk_checkout_t    in;

    prepare_stock();
    in = shop_cart("x", 5);
    in.id = id;
    shop_must(fk_checkout(&shop, &shop_env, &in, &out) == FK_OK, "order");
}


static void
prepare_two_orders(void)
{
    fk_order_view_t  out;

    prepare_order();
    shop_must(shop_buy("x", 1, &out) == FK_OK, "second order");
}


/* The next order stands in the wheel before one that is there already. */
static void
prepare_behind(void)
{
    prepare_order();
    id = shop_id(501);
}


static void
prepare_expired(void)
{
    prepare_two_orders();
    shop_wait_s(SHOP_HOLD_S + 1);
}


static void
prepare_released(void)
{
    prepare_order();
    shop_wait_s(SHOP_HOLD_S + 1);
    (void) shop_tick();
}


/* An order that expired, and its units went to somebody else. */
static void
prepare_sold_out(void)
{
    fk_order_view_t  out;

    prepare_released();
    shop_must(shop_buy("x", 12, &out) == FK_OK, "the rest");
}


static void
prepare_paid(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    prepare_order();
    shop_must(shop_pay(&id, "first", 2500, &result, &out) == FK_OK, "pay");
}


static void
prepare_waiting(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    prepare_sold_out();
    shop_must(shop_pay(&id, "late", 2500, &result, &out) == FK_OK
              && result == FK_PAY_WAITING, "late");
}


static void
prepare_serve(void)
{
    prepare_waiting();
    shop_stock("x", 100, 8);
}


static void
prepare_review(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    prepare_order();
    shop_must(shop_pay(&id, "odd", 7, &result, &out) == FK_OK
              && shop_pay(&id, "even", 2500, &result, &out) == FK_OK
              && result == FK_PAY_REVIEW, "review");
}


static void
prepare_refund(void)
{
    fk_order_view_t  out;

    prepare_review();
    shop_must(fk_decide(&shop, &shop_env, &id, FK_EVENT_DENY, &out) == FK_OK,
              "deny");
}


static void
prepare_import(void)
{
    prepare_stock();
    shop_must(fk_import_begin(&shop, &shop_env, str("x"), &batch) == FK_OK,
              "begin");
}


/* Cards with blocks, two slices of them. */
static void
prepare_staged(void)
{
    prepare_import();
    shop_must(shop_add(batch, 1000, 20, 300, results) == FK_OK
              && shop_add(batch, 2000, 20, 50, results) == FK_OK, "add");
}


/* Slots and blocks that were used before: taking them is another way. */
static void
prepare_reused(void)
{
    prepare_staged();
    shop_must(fk_import_abort(&shop, &shop_env, batch) == FK_OK, "abort");
    (void) shop_tick();
    shop_must(fk_import_begin(&shop, &shop_env, str("x"), &batch) == FK_OK,
              "begin");
}


static void
prepare_aborted(void)
{
    prepare_staged();
    shop_must(fk_import_abort(&shop, &shop_env, batch) == FK_OK, "abort");
}


static void
prepare_lease_over(void)
{
    prepare_staged();
    shop_wait_s(60);
}


static void
prepare_counted(void)
{
    shop_product("x", FK_KIND_COUNTED, 9);
    id = shop_id(500);
}


static void
prepare_shared(void)
{
    shop_product("x", FK_KIND_SHARED, 0);
    shop_stock("x", 1, 2);
    id = shop_id(500);
}


static fk_code_t
checkout(uint32_t qty)
{
    fk_code_t        code;
    fk_checkout_t    in;
    fk_order_view_t  out;

    in = shop_cart("x", qty);
    in.id = id;
    memset(in.idem, 0x42, sizeof(in.idem));

    code = fk_checkout(&shop, &shop_env, &in, &out);
    return code == FK_EXISTS ? FK_OK : code;
}


static fk_code_t
run_checkout_1(void)
{
    return checkout(1);
}


static fk_code_t
run_checkout_5(void)
{
    return checkout(5);
}


static fk_code_t
run_checkout_all(void)
{
    return checkout(12);
}


static fk_code_t
put_product(int64_t price, const char *name)
{
    fk_product_put_t  put;

    memset(&put, 0, sizeof(put));
    put.sku = str("new");
    put.fields = FK_PUT_NAME | FK_PUT_PRICE | FK_PUT_KIND | FK_PUT_STOCK;
    put.name = str(name);
    put.price = price;
    strcpy(put.currency, "CNY");
    put.kind = FK_KIND_COUNTED;
    put.stock = price;

    return shop_put(&put, NULL);
}


static void
prepare_product(void)
{
    shop_must(put_product(10, "a rather long name of a product") == FK_OK,
              "product");
}


static void
prepare_nothing(void)
{
}


static fk_code_t
run_product(void)
{
    return put_product(7, "another name");
}


static fk_code_t
run_begin(void)
{
    fk_code_t  code;

    code = fk_import_begin(&shop, &shop_env, str("x"), &batch);
    return code == FK_BUSY_IMPORT ? FK_OK : code;
}


static fk_code_t
run_add(void)
{
    return shop_add(batch, 5000, FK_IMPORT_SLICE_MAX, 1000, results);
}


static fk_code_t
run_commit(void)
{
    uint32_t   accepted;
    uint64_t   seq;
    fk_code_t  code;

    code = fk_import_commit(&shop, &shop_env, batch, &accepted, &seq);
    return code == FK_CONFLICT ? FK_OK : code;
}


static fk_code_t
run_abort(void)
{
    fk_code_t  code;

    code = fk_import_abort(&shop, &shop_env, batch);
    return code == FK_CONFLICT ? FK_OK : code;
}


static fk_code_t
run_tick(void)
{
    fk_tick_t  out;

    return fk_tick(&shop, &shop_env, 1000, &out);
}


static fk_code_t
run_cancel(void)
{
    fk_code_t        code;
    fk_order_view_t  out;

    code = fk_cancel(&shop, &shop_env, &id, &out);
    return code == FK_CONFLICT ? FK_OK : code;
}


static fk_code_t
run_pay(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    return shop_pay(&id, "trade", 2500, &result, &out);
}


static fk_code_t
run_mispay(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    return shop_pay(&id, "trade", 2499, &result, &out);
}


static fk_code_t
decide(fk_event_t event)
{
    fk_code_t        code;
    fk_order_view_t  out;

    code = fk_decide(&shop, &shop_env, &id, event, &out);
    return code == FK_CONFLICT ? FK_OK : code;
}


static fk_code_t
run_approve(void)
{
    return decide(FK_EVENT_APPROVE);
}


static fk_code_t
run_deny(void)
{
    return decide(FK_EVENT_DENY);
}


static fk_code_t
run_give_up(void)
{
    return decide(FK_EVENT_GIVE_UP);
}


static fk_code_t
run_refunded(void)
{
    return decide(FK_EVENT_REFUNDED);
}


static const command_t  commands[] = {
    { "product, new", prepare_nothing, run_product, 1 },
    { "product, changed", prepare_product, run_product, 1 },
    { "import, begin", prepare_stock, run_begin, 1 },
    { "import, add", prepare_import, run_add, 1 },
    { "import, add to used slots", prepare_reused, run_add, 1 },
    { "import, commit", prepare_staged, run_commit, 1 },
    { "import, commit of nothing", prepare_import, run_commit, 1 },
    { "import, abort", prepare_staged, run_abort, 1 },
    { "import, taken apart", prepare_aborted, run_tick, 0 },
    { "import, lease over", prepare_lease_over, run_tick, 0 },
    { "checkout of 1", prepare_stock, run_checkout_1, 1 },
    { "checkout of 5", prepare_stock, run_checkout_5, 1 },
    { "checkout of all", prepare_stock, run_checkout_all, 1 },
    { "checkout behind another", prepare_behind, run_checkout_1, 1 },
    { "checkout, counted", prepare_counted, run_checkout_5, 1 },
    { "checkout, shared", prepare_shared, run_checkout_1, 1 },
    { "cancel", prepare_order, run_cancel, 1 },
    { "cancel beside another", prepare_two_orders, run_cancel, 1 },
    { "expiry", prepare_expired, run_tick, 0 },
    { "pay in time", prepare_order, run_pay, 1 },
    { "pay beside another", prepare_two_orders, run_pay, 1 },
    { "pay late", prepare_released, run_pay, 1 },
    { "pay late, sold out", prepare_sold_out, run_pay, 1 },
    { "pay too little", prepare_order, run_mispay, 1 },
    { "pay twice", prepare_paid, run_pay, 1 },
    { "serve", prepare_serve, run_tick, 0 },
    { "approve", prepare_review, run_approve, 1 },
    { "deny", prepare_review, run_deny, 1 },
    { "give up", prepare_waiting, run_give_up, 1 },
    { "refunded", prepare_refund, run_refunded, 1 },
};


/* 1: killed at the n-th store; 0: it came through before. */
static int
run_and_die(const command_t *command, unsigned n)
{
    int    status;
    pid_t  pid;

    status = 0;
    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        stores_left = n;
        fk_test_store = die_at_store;
        _exit(command->run() == FK_OK ? 0 : 1);
    }

    shop_must(pid > 0 && waitpid(pid, &status, 0) == pid, "child");

    if (WIFSIGNALED(status)) {
        shop_must(WTERMSIG(status) == SIGKILL, "died of something else");
        return 1;
    }

    shop_must(WEXITSTATUS(status) == 0, "the command failed");
    return 0;
}


/*
 * What a transaction may change, without what repairing counts.  Of the
 * tables only those without free slots, because these may hold anything.
 */
static uint64_t
fingerprint(void)
{
    unsigned            i;
    uint64_t            sum;
    const fk_table_t   *t;
    const fk_region_t  *r;

    static const fk_table_id_t  whole[] = {
        FK_TABLE_PRODUCTS, FK_TABLE_ORDERS, FK_TABLE_PAYMENTS
    };

    r = shop.region;
    sum = fk_hash_bytes(r->table, sizeof(r->table));
    sum = sum * 3 ^ fk_hash_bytes(&r->wheel_s, 4 * sizeof(uint32_t));
    sum = sum * 3 ^ fk_hash_bytes(&r->ring.seq, sizeof(r->ring.seq));
    sum = sum * 3 ^ fk_hash_bytes(&r->ring.head, sizeof(r->ring.head));

    for (i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        t = &r->table[whole[i]];
        sum = sum * 3 ^ fk_hash_bytes(shop.base + t->offset + t->slot_size,
                                      (size_t) t->fresh * t->slot_size);
    }

    return sum * 3 ^ fk_hash_bytes(shop.base + r->index[0].offset,
                                   r->table[FK_TABLE_PRODUCTS].offset
                                   - r->index[0].offset);
}


/* Back to the saved region, as far as anything was used of it. */
static void
restore(const uint8_t *saved)
{
    unsigned           i;
    size_t             at, size;
    const fk_table_t  *t;

    for (i = 0; i < FK_TABLE_COUNT; i++) {
        t = &shop.region->table[i];
        at = (size_t) t->offset;
        size = (size_t) (t->fresh + 1) * t->slot_size;
        memcpy(shop.base + at, saved + at, size);
    }

    at = (size_t) shop.region->ring.offset;
    size = (size_t) shop.region->ring.head;
    memcpy(shop.base + at, saved + at, size);

    /* Header, buckets and wheel last: they say what was used. */
    size = (size_t) shop.region->table[FK_TABLE_PRODUCTS].offset;
    memcpy(shop.base, saved, size);
}


static void
crash(const command_t *command, uint8_t *saved)
{
    int        wrong;
    unsigned   n, deaths;
    uint64_t   seq, before, after, now, ring_seq;
    fk_env_t   env;
    uint32_t   saved_batch;
    fk_tick_t  tick;

    shop_open();
    command->prepare();
    memcpy(saved, shop.base, shop.size);
    env = shop_env;
    saved_batch = batch;
    before = fingerprint();

    shop_must(command->run() == FK_OK, command->name);
    after = fingerprint();
    seq = shop.region->ring.seq;
    shop_must(shop_sound(), "not sound without any death");

    wrong = 0;

    for (deaths = 0, n = 1; n < STORES_MAX; n++) {
        restore(saved);
        shop_env = env;
        batch = saved_batch;
        shop.leases_seen_s = 0;

        if (!run_and_die(command, n)) {
            break;
        }

        deaths++;

        if (fk_lock(&shop) != FK_OK) {
            wrong++;
            break;
        }

        fk_unlock(&shop);

        now = fingerprint();
        ring_seq = shop.region->ring.seq;

        if (command->same && now != before && now != after) {
            printf("#   neither before nor after, store %u\n", n);
            wrong++;
        }

        wrong += !shop_sound();
        wrong += command->run() != FK_OK || !shop_sound();
        wrong += shop.region->ring.seq != seq || ring_seq > seq;
        wrong += fk_tick(&shop, &shop_env, 1000, &tick) > FK_AGAIN;
    }

    OK(wrong == 0 && deaths >= 10 && n < STORES_MAX,
       "%s: sound after each of %u deaths", command->name, deaths);
}


int
main(void)
{
    size_t    i;
    uint8_t  *saved;

    saved = malloc(SHOP_SIZE);
    shop_must(saved != NULL, "malloc");

    for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        crash(&commands[i], saved);
    }

    free(saved);
    return tap_done();
}

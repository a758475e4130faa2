/*
 * Death at every store.  For each command and for n = 1, 2, ... a child runs
 * the command and is killed at its n-th store, with the lock in its hand.
 * Then the next process must find the shop sound, as it was before or as it
 * is after, and the same command must succeed.
 */

#include "crash_shop.h"


#define LOOK  "a reason of two blocks, for which somebody has to look"


static fk_order_id_t  id;
static uint8_t        results[FK_IMPORT_SLICE_MAX];
static uint8_t        record[FK_ARCHIVE_SIZE_MAX];
static size_t         record_size;
static uint64_t       record_seq;


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
prepare_refund_last(void)
{
    fk_order_view_t  out;

    prepare_refund();
    shop_must(fk_refund(&shop, &shop_env, &id, str("even"), &out) == FK_OK,
              "refund");
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


/* Cards of two batches, some with blocks; two payments. */
static void
prepare_approved(void)
{
    uint32_t         accepted;
    uint64_t         seq;
    fk_order_view_t  out;
    fk_checkout_t    in;
    fk_pay_result_t  result;

    prepare_import();
    shop_must(shop_add(batch, 1000, 4, 300, results) == FK_OK
              && fk_import_commit(&shop, &shop_env, batch, &accepted, &seq)
                 == FK_OK
              && shop_buy("x", 11, &out) == FK_OK, "stock");
    in = shop_cart("x", 5);
    in.id = id;
    shop_rules(&in, 2500, 2400, LOOK);
    shop_must(fk_checkout(&shop, &shop_env, &in, &out) == FK_OK
              && shop_pay(&id, "odd", 7, &result, &out) == FK_OK
              && shop_pay(&id, "even", 2500, &result, &out) == FK_OK
              && fk_decide(&shop, &shop_env, &id, FK_EVENT_APPROVE, &out)
                 == FK_OK
              && fk_archive_read(&shop, &id, &out, record, sizeof(record),
                                 &record_size) == FK_OK, "archive");
    record_seq = out.seq;
}


/* Behind the cursor of an audit each sum changes, too. */
static void
audit(void)
{
    shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "audit");
    while (fk_audit_step(&shop, &shop_env, 9, 1000) == FK_AGAIN) { }
}


static void
prepare_audited(void)
{
    prepare_approved();
    audit();
}


static void
prepare_refund_audited(void)
{
    prepare_refund();
    audit();
}


static void
prepare_away(void)
{
    prepare_approved();
    shop_must(fk_archive_drop(&shop, &shop_env, &id, record_seq) == FK_OK,
              "drop");
}


/* Others have its slots in the tables by now. */
static void
prepare_away_for_long(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    prepare_away();
    shop_stock("x", 3000, 9);
    shop_must(shop_buy("x", 1, &out) == FK_OK
              && shop_pay(&out.id, "one", 1, &result, &out) == FK_OK
              && shop_pay(&out.id, "two", 1, &result, &out) == FK_OK,
              "others");
}


static fk_code_t
run_drop(void)
{
    fk_code_t  code;

    code = fk_archive_drop(&shop, &shop_env, &id, record_seq);
    return code == FK_NOT_FOUND ? FK_OK : code;
}


static fk_code_t
run_restore(void)
{
    fk_code_t        code;
    fk_order_view_t  out;

    code = shop_restore(&shop, record, record_size, &out);
    return code == FK_EXISTS ? FK_OK : code;
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


/* With a price and a reason of the operator's rules. */
static fk_code_t
run_checkout_ruled(void)
{
    fk_code_t        code;
    fk_checkout_t    in;
    fk_order_view_t  out;

    in = shop_cart("x", 5);
    in.id = id;
    memset(in.idem, 0x42, sizeof(in.idem));
    shop_rules(&in, 2500, 2000, LOOK);

    code = fk_checkout(&shop, &shop_env, &in, &out);
    return code == FK_EXISTS ? FK_OK : code;
}


static fk_code_t
run_pay_review(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    return shop_pay_review(&id, "trade", 2500, LOOK, &result, &out);
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


static fk_code_t
run_refund(void)
{
    fk_code_t        code;
    fk_order_view_t  out;

    code = fk_refund(&shop, &shop_env, &id, str("odd"), &out);
    return code == FK_EXISTS ? FK_OK : code;
}


/* More than a part holds, so that a step also ends in the middle. */
static void
prepare_walk(void)
{
    prepare_two_orders();
    shop_stock("x", 5000, 100);
}


/* The ring has nothing any more of what the journal is about to lose. */
static void
prepare_lost(void)
{
    prepare_walk();
    shop_flush();
    shop.region->ring.tail = shop.region->ring.durable_pos;
}


static fk_code_t
walk(void)
{
    size_t         size;
    fk_code_t      code;
    fk_snapshot_t  out;

    static uint8_t  part[FK_SNAPSHOT_PART_SIZE_MAX];

    code = fk_snapshot_begin(&shop, &shop_env, 5, 0, &out);

    if (code == FK_OK) {
        do {
            code = fk_snapshot_step(&shop, &shop_env, 5, 0, part,
                                    sizeof(part), &size, &out);
        } while (code == FK_AGAIN);
    }

    return code;
}


static fk_code_t
run_snapshot(void)
{
    fk_code_t  code;

    code = walk();
    fk_snapshot_end(&shop, 5);
    return code;
}


/* Of whoever was here before, the lease is over and the work is not. */
static fk_code_t
run_heal(void)
{
    int64_t     now_ms;
    fk_code_t   code;
    fk_batch_t  sent;

    now_ms = shop.region->ring.lease_until_ms;

    if (fk_flush_suspect(&shop) == FK_OK) {
        shop_must(fk_flush_take(&shop, 5, now_ms, &sent) == FK_FLUSH_PROBE,
                  "probe");
        code = fk_flush_top(&shop, 5, 0, 0);
        if (code != FK_HEALING) {
            return code;
        }
    }

    code = walk();
    return code != FK_OK ? code
           : fk_heal_end(&shop, 5, shop.region->snapshot.begin_seq);
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
    { "checkout by rules", prepare_stock, run_checkout_ruled, 1 },
    { "checkout by rules, used blocks", prepare_reused, run_checkout_ruled,
      1 },
    { "cancel", prepare_order, run_cancel, 1 },
    { "cancel beside another", prepare_two_orders, run_cancel, 1 },
    { "expiry", prepare_expired, run_tick, 0 },
    { "pay in time", prepare_order, run_pay, 1 },
    { "pay beside another", prepare_two_orders, run_pay, 1 },
    { "pay, to be looked at", prepare_order, run_pay_review, 1 },
    { "pay late", prepare_released, run_pay, 1 },
    { "pay late, sold out", prepare_sold_out, run_pay, 1 },
    { "pay too little", prepare_order, run_mispay, 1 },
    { "pay twice", prepare_paid, run_pay, 1 },
    { "serve", prepare_serve, run_tick, 0 },
    { "approve", prepare_review, run_approve, 1 },
    { "deny", prepare_review, run_deny, 1 },
    { "give up", prepare_waiting, run_give_up, 1 },
    { "refunded", prepare_refund, run_refunded, 1 },
    { "refund beside an audit", prepare_refund_audited, run_refund, 1 },
    { "refund of the last", prepare_refund_last, run_refund, 1 },
    { "snapshot", prepare_walk, run_snapshot, 1 },
    { "healing", prepare_lost, run_heal, 1 },
    { "archive, drop", prepare_approved, run_drop, 1 },
    { "archive, drop beside an audit", prepare_audited, run_drop, 1 },
    { "archive, restore", prepare_away_for_long, run_restore, 1 },
    { "archive, restore to used slots", prepare_away, run_restore, 0 },
};


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

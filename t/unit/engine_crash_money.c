/*
 * Death at every store, as in engine_crash.c: the commands between an order
 * and its gateway, before the payment and behind it.
 */

#include "crash_shop.h"
#include "ledger_shop.h"


#define URL  "https://pay.example/c/pay/cs_test_of_more_than_two_blocks_of_it"


static fk_order_id_t  id;
static uint8_t        record[FK_ARCHIVE_SIZE_MAX];
static size_t         record_size;


static void
prepare_order(void)
{
    fk_order_view_t  out;

    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 12);
    shop_must(shop_buy("x", 2, &out) == FK_OK, "order");
    id = out.id;
}


/* Blocks that were used before: taking them is another way. */
static void
prepare_used(void)
{
    uint8_t  results[FK_IMPORT_SLICE_MAX];

    prepare_order();
    shop_must(fk_import_begin(&shop, &shop_env, str("x"), &batch) == FK_OK
              && shop_add(batch, 1000, 20, 300, results) == FK_OK
              && fk_import_abort(&shop, &shop_env, batch) == FK_OK, "import");
    (void) shop_tick();
}


static fk_code_t
run_start(void)
{
    fk_code_t        code;
    fk_order_view_t  out;

    code = fk_order_start(&shop, &shop_env, &id, str(URL), &out);
    return code == FK_EXISTS ? FK_OK : code;
}


static void
prepare_started(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    prepare_order();
    shop_must(run_start() == FK_OK
              && shop_pay(&id, "t", 1000, &result, &out) == FK_OK
              && fk_archive_read(&shop, &id, &out, record, sizeof(record),
                                 &record_size) == FK_OK, "paid");
}


static fk_code_t
run_drop(void)
{
    fk_code_t        code;
    fk_order_view_t  out;

    code = fk_archive_read(&shop, &id, &out, record, sizeof(record),
                           &record_size);
    if (code == FK_OK) {
        code = fk_archive_drop(&shop, &shop_env, &id, out.seq);
    }

    return code == FK_NOT_FOUND ? FK_OK : code;
}


static void
prepare_away(void)
{
    prepare_started();
    shop_must(run_drop() == FK_OK, "drop");
}


static fk_code_t
run_restore(void)
{
    fk_code_t        code;
    fk_order_view_t  out;

    code = shop_restore(&shop, record, record_size, &out);
    return code == FK_EXISTS ? FK_OK : code;
}


/* Denied, and two payments are owed. */
static void
prepare_due(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    prepare_order();
    shop_must(shop_pay(&id, "odd", 7, &result, &out) == FK_OK
              && shop_pay(&id, "even", 1000, &result, &out) == FK_OK
              && fk_decide(&shop, &shop_env, &id, FK_EVENT_DENY, &out)
                 == FK_OK, "due");
}


static void
audit(void)
{
    shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "audit");
    while (fk_audit_step(&shop, &shop_env, 9, 1000) == FK_AGAIN) { }
}


static void
prepare_due_audited(void)
{
    prepare_due();
    audit();
}


static fk_code_t
run_ask(void)
{
    fk_code_t        code;
    fk_order_view_t  out;

    code = fk_refund_ask(&shop, &shop_env, &id, str("odd"), &out);
    return code == FK_EXISTS ? FK_OK : code;
}


static void
prepare_asked(void)
{
    prepare_due();
    shop_must(run_ask() == FK_OK, "ask");
}


static fk_code_t
run_back(void)
{
    fk_code_t        code;
    fk_order_view_t  out;

    code = fk_refund_back(&shop, &shop_env, &id, str("odd"), &out);
    return code == FK_EXISTS ? FK_OK : code;
}


static fk_code_t
run_refund(void)
{
    fk_code_t        code;
    fk_order_view_t  out;

    code = fk_refund(&shop, &shop_env, &id, str("odd"), &out);
    return code == FK_EXISTS ? FK_OK : code;
}


/* What was asked for is the last that is owed. */
static void
prepare_asked_last(void)
{
    fk_order_view_t  out;

    prepare_asked();
    shop_must(fk_refund(&shop, &shop_env, &id, str("even"), &out) == FK_OK,
              "refund");
    audit();
}


/* Delivered, a part given back, a coupon and a limit used, and split. */
static void
prepare_delivered(void)
{
    fk_split_t       split;
    fk_checkout_t    in;
    fk_coupon_put_t  coupon;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 12);
    coupon = shop_coupon_of("off", FK_COUPON_FIXED, 10);
    split = ledger_split(100, 50, 0);
    shop_terms("x", 5);
    shop_must(shop_coupon_put(&coupon) == FK_OK
              && ledger_agent("b", "") == FK_OK
              && ledger_agent("a", "b") == FK_OK, "terms");
    in = shop_cart("x", 2);
    shop_buyer(&in, 1, "off");
    shop_must(fk_checkout(&shop, &shop_env, &in, &out) == FK_OK
              && ledger_pay(&in.id, "odd", 990, &split, &result, &out)
                 == FK_OK && result == FK_PAY_DELIVERED
              && ledger_return(&in.id, 90, "part") == FK_OK, "delivered");
    id = in.id;
}


static void
prepare_delivered_audited(void)
{
    prepare_delivered();
    audit();
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
run_revoke(void)
{
    return decide(FK_EVENT_REVOKE);
}


static fk_code_t
run_refunded(void)
{
    return decide(FK_EVENT_REFUNDED);
}


static void
prepare_revoked(void)
{
    prepare_delivered();
    shop_must(run_revoke() == FK_OK, "revoke");
    audit();
}


/* Nothing is owed any more: it may leave, and come back. */
static void
prepare_revoked_paid(void)
{
    prepare_revoked();
    shop_must(run_refunded() == FK_OK, "refunded");
}


static void
prepare_revoked_away(void)
{
    prepare_revoked_paid();
    shop_must(run_drop() == FK_OK, "drop");
}


/* Paid late, and nothing is left for it. */
static void
prepare_waiting(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    prepare_order();
    shop_wait_s(SHOP_HOLD_S + 1);
    (void) shop_tick();
    shop_must(shop_buy("x", 12, &out) == FK_OK
              && shop_pay(&id, "t", 1000, &result, &out) == FK_OK
              && result == FK_PAY_WAITING, "waits");
    audit();
}


static void
prepare_looked_at(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    prepare_order();
    shop_must(shop_pay(&id, "t", 7, &result, &out) == FK_OK, "a wrong sum");
}


static void
prepare_given(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    prepare_order();
    shop_must(shop_pay(&id, "t", 1000, &result, &out) == FK_OK
              && result == FK_PAY_DELIVERED, "delivered");
}


static fk_code_t
run_returned(void)
{
    fk_pay_t         in;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    memset(&in, 0, sizeof(in));
    in.id = id;
    in.channel = str("epay");
    in.trade_no = str("t");
    in.amount = 1000;
    in.returned = 1;
    strcpy(in.currency, "CNY");

    return fk_pay(&shop, &shop_env, &in, &result, &out);
}


/* Another order has the number that is used next. */
static void
prepare_number(void)
{
    fk_order_view_t  out;

    prepare_waiting();
    shop_stock("x", 1000, 12);
    shop_must(shop_buy("x", 1, &out) == FK_OK, "another order");
    id = out.id;
}


static fk_code_t
run_reused(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    return shop_pay(&id, "t", 500, &result, &out);
}


static const command_t  commands[] = {
    { "start", prepare_order, run_start, 1 },
    { "start, used blocks", prepare_used, run_start, 1 },
    { "drop with its start", prepare_started, run_drop, 1 },
    { "restore with its start", prepare_away, run_restore, 0 },
    { "ask for a refund", prepare_due, run_ask, 1 },
    { "ask beside an audit", prepare_due_audited, run_ask, 1 },
    { "a refund is refused", prepare_asked, run_back, 1 },
    { "a refund that was asked for", prepare_asked, run_refund, 1 },
    { "the last that was asked for", prepare_asked_last, run_refund, 1 },
    { "revoke", prepare_delivered, run_revoke, 1 },
    { "revoke beside an audit", prepare_delivered_audited, run_revoke, 1 },
    { "refund of a revoked one", prepare_revoked, run_refund, 1 },
    { "refunded, revoked", prepare_revoked, run_refunded, 1 },
    { "drop a revoked one", prepare_revoked_paid, run_drop, 1 },
    { "restore a revoked one", prepare_revoked_away, run_restore, 0 },
    { "given back while it waits", prepare_waiting, run_returned, 1 },
    { "given back under review", prepare_looked_at, run_returned, 1 },
    { "given back when delivered", prepare_given, run_returned, 1 },
    { "given back, never heard of", prepare_order, run_returned, 1 },
    { "a number of another order", prepare_number, run_reused, 1 },
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

/*
 * Death at every store, as engine_crash.c: the commands that count what a
 * buyer has, and those that say what he pays.
 */

#include "crash_shop.h"
#include "fk_tally.h"


#define WHO  7


static fk_order_id_t  id;
static uint8_t        record[FK_ARCHIVE_SIZE_MAX];
static size_t         record_size;
static uint64_t       record_seq;


static fk_code_t
run_coupon(void)
{
    fk_coupon_put_t  in;

    in = shop_coupon_of("off", FK_COUPON_PERCENT, 500);
    in.uses_buyer_max = 2;
    in.product_count = 1;
    in.product[0] = str("x");

    return shop_coupon_put(&in);
}


static fk_code_t
run_level(void)
{
    return shop_level("gold", 100, 500);
}


static fk_code_t
set_level(const char *name)
{
    uint8_t   key[FK_TALLY_KEY_SIZE];
    uint64_t  seq;

    shop_digest(WHO, str(""), key);
    return fk_buyer_put(&shop, &shop_env, key, str(name), &seq);
}


static fk_code_t
run_buyer(void)
{
    return set_level("gold");
}


/* Done twice it writes nothing the second time: there is nobody any more. */
static fk_code_t
run_forget(void)
{
    return set_level("");
}


static fk_code_t
run_terms(void)
{
    shop_terms("x", 9);
    return FK_OK;
}


static fk_code_t
checkout(void)
{
    fk_code_t        code;
    fk_checkout_t    in;
    fk_order_view_t  out;

    in = shop_cart("x", 3);
    in.id = id;
    memset(in.idem, 0x42, sizeof(in.idem));
    shop_buyer(&in, WHO, "off");

    code = fk_checkout(&shop, &shop_env, &in, &out);
    return code == FK_EXISTS ? FK_OK : code;
}


static fk_code_t
run_pay(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    return shop_pay(&id, "trade", 1140, &result, &out);
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
part(int64_t amount, const char *ref)
{
    fk_code_t        code;
    fk_order_view_t  out;

    code = fk_refund_part(&shop, &shop_env, &id, amount, str(ref), &out);
    return code == FK_EXISTS ? FK_OK : code;
}


static fk_code_t
run_part(void)
{
    return part(140, "some");
}


static fk_code_t
run_parts(void)
{
    return part(1000, "rest");
}


static fk_code_t
run_tick(void)
{
    fk_tick_t  out;

    return fk_tick(&shop, &shop_env, 1000, &out);
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


static void
prepare_shop(void)
{
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 12);
    shop_terms("x", 4);
    shop_must(run_coupon() == FK_OK, "coupon");
    id = shop_id(500);
}


/* The coupon, but in nothing as run_coupon() has it. */
static void
prepare_other_coupon(void)
{
    fk_coupon_put_t  in;

    prepare_shop();
    in = shop_coupon_of("off", FK_COUPON_FIXED, 7);
    in.on = 0;
    in.min_amount = 9;
    in.from_s = SHOP_START_S;
    in.to_s = SHOP_START_S + 1;
    in.uses_max = 3;
    in.uses_buyer_max = 1;
    shop_must(shop_coupon_put(&in) == FK_OK, "another coupon");
    shop_wait_s(1);
}


static void
prepare_capped_coupon(void)
{
    fk_coupon_put_t  in;

    prepare_shop();
    in = shop_coupon_of("off", FK_COUPON_PERCENT, 500);
    in.cap = 5;
    shop_must(shop_coupon_put(&in) == FK_OK, "with a cap");
}


/* Slots of tallies that were used before: taking them is another way. */
static void
prepare_used(void)
{
    uint8_t   key[FK_TALLY_KEY_SIZE];
    uint32_t  i;
    uint64_t  seq;

    prepare_shop();
    shop_must(shop_level("gold", 0, FK_UNITS_MAX) == FK_OK, "level");

    for (i = 0; i < 8; i++) {
        shop_digest(100 + i % 4, str(""), key);
        shop_must(fk_buyer_put(&shop, &shop_env, key,
                               str(i < 4 ? "gold" : ""), &seq) == FK_OK,
                  "buyer");
    }
}


/* Somebody who was here before, and no place beside him for another. */
static void
prepare_full(void)
{
    uint8_t          key[FK_TALLY_KEY_SIZE];
    uint32_t         i;
    fk_checkout_t    in;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    prepare_shop();
    shop_product("other", FK_KIND_COUNTED, 9);
    in = shop_cart("other", 1);
    shop_buyer(&in, 100, "");
    shop_must(fk_checkout(&shop, &shop_env, &in, &out) == FK_OK
              && shop_pay(&in.id, "before", 500, &result, &out) == FK_OK
              && fk_archive_read(&shop, &in.id, &out, record, sizeof(record),
                                 &record_size) == FK_OK
              && fk_archive_drop(&shop, &shop_env, &in.id, out.seq) == FK_OK,
              "before");

    for (i = 0; fk_table_room(&shop, FK_TABLE_TALLIES)
                > fk_tally_kept(&shop); i++)
    {
        shop_digest(1000 + i, str("limited"), key);
        FK_TALLY(&shop, fk_tally_take(&shop, fk_tally_bucket(&shop, key),
                                      FK_TALLY_QUOTA, key))
            ->archived.units = 1;
        fk_commit(&shop);
    }
}


static void
prepare_level(void)
{
    prepare_shop();
    shop_must(shop_level("gold", 200, 600) == FK_OK, "level");
}


static void
prepare_known(void)
{
    prepare_level();
    shop_must(run_buyer() == FK_OK, "buyer");
}


static void
prepare_order(void)
{
    prepare_shop();
    shop_must(checkout() == FK_OK, "order");
}


static void
prepare_expired(void)
{
    prepare_order();
    shop_wait_s(SHOP_HOLD_S + 1);
}


static void
prepare_late(void)
{
    prepare_expired();
    (void) shop_tick();
}


static void
prepare_review(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    prepare_order();
    shop_must(shop_pay(&id, "odd", 7, &result, &out) == FK_OK, "odd");
}


static void
prepare_looked_at(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    prepare_order();
    shop_must(shop_pay_review(&id, "look", 1140, "why", &result, &out)
              == FK_OK, "look");
}


static void
read_record(void)
{
    fk_order_view_t  out;

    shop_must(fk_archive_read(&shop, &id, &out, record, sizeof(record),
                              &record_size) == FK_OK, "read");
    record_seq = out.seq;
}


static void
prepare_sold(void)
{
    prepare_order();
    shop_must(run_pay() == FK_OK, "pay");
    read_record();
}


/* Its tallies go with it. */
static void
prepare_nothing_sold(void)
{
    prepare_order();
    shop_must(run_cancel() == FK_OK, "cancel");
    read_record();
}


/* Behind the cursor of an audit each sum changes, too. */
static void
audit(void)
{
    shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "audit");
    while (fk_audit_step(&shop, &shop_env, 9, 1000) == FK_AGAIN) { }
}


static void
prepare_sold_audited(void)
{
    prepare_sold();
    audit();
}


static void
prepare_nothing_audited(void)
{
    prepare_nothing_sold();
    audit();
}


static void
prepare_part(void)
{
    prepare_sold();
    shop_must(run_part() == FK_OK, "part");
    read_record();
}


static void
prepare_part_audited(void)
{
    prepare_part();
    audit();
}


/* Nothing of its buyer stays when it goes. */
static void
prepare_returned(void)
{
    prepare_part();
    shop_must(run_parts() == FK_OK, "rest");
    read_record();
}


static void
prepare_returned_audited(void)
{
    prepare_returned();
    audit();
}


static void
prepare_part_away(void)
{
    prepare_part();
    shop_must(run_drop() == FK_OK, "drop");
}


static void
prepare_returned_away(void)
{
    prepare_returned();
    shop_must(run_drop() == FK_OK, "drop");
}


static void
prepare_away_audited(void)
{
    prepare_returned_away();
    audit();
}


static void
prepare_away(void)
{
    prepare_sold();
    shop_must(run_drop() == FK_OK, "drop");
}


static void
prepare_nothing_away(void)
{
    prepare_nothing_sold();
    shop_must(run_drop() == FK_OK, "drop");
}


static void
prepare_product(void)
{
    shop_product("x", FK_KIND_COUNTED, 5);
}


static const command_t  commands[] = {
    { "coupon, new", prepare_product, run_coupon, 1 },
    { "coupon, changed", prepare_other_coupon, run_coupon, 1 },
    { "coupon, its cap", prepare_capped_coupon, run_coupon, 1 },
    { "level, new", prepare_shop, run_level, 1 },
    { "level, changed", prepare_level, run_level, 1 },
    { "buyer's level, a new buyer", prepare_level, run_buyer, 1 },
    { "buyer's level, changed", prepare_known, run_buyer, 1 },
    { "buyer's level, forgotten", prepare_known, run_forget, 1 },
    { "product's terms", prepare_shop, run_terms, 1 },
    { "checkout of a buyer", prepare_shop, checkout, 1 },
    { "checkout of a buyer, used slots", prepare_used, checkout, 1 },
    { "checkout in another buyer's place", prepare_full, checkout, 0 },
    { "cancel", prepare_order, run_cancel, 1 },
    { "expiry", prepare_expired, run_tick, 0 },
    { "pay", prepare_order, run_pay, 1 },
    { "pay late", prepare_late, run_pay, 1 },
    { "approve", prepare_review, run_approve, 1 },
    { "deny", prepare_looked_at, run_deny, 1 },
    { "a part back", prepare_sold, run_part, 1 },
    { "a part back beside an audit", prepare_sold_audited, run_part, 1 },
    { "the rest back", prepare_part, run_parts, 1 },
    { "the rest back beside an audit", prepare_part_audited, run_parts, 1 },
    { "archive, drop", prepare_sold, run_drop, 1 },
    { "archive, drop beside an audit", prepare_sold_audited, run_drop, 1 },
    { "archive, drop of nothing sold", prepare_nothing_sold, run_drop, 1 },
    { "archive, the same beside an audit", prepare_nothing_audited, run_drop,
      1 },
    { "archive, drop with a part", prepare_part, run_drop, 1 },
    { "archive, drop of all given back", prepare_returned, run_drop, 1 },
    { "archive, the same beside an audit", prepare_returned_audited, run_drop,
      1 },
    { "archive, restore with a part", prepare_part_away, run_restore, 0 },
    { "archive, restore of all given back", prepare_returned_away,
      run_restore, 0 },
    { "archive, the same beside an audit", prepare_away_audited, run_restore,
      0 },
    { "archive, restore", prepare_away, run_restore, 0 },
    { "archive, restore of nothing sold", prepare_nothing_away, run_restore,
      0 },
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

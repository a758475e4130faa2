/*
 * Death at every store, as engine_crash.c: checkouts that are paid by being
 * made, and what becomes of their orders.
 */

#include "crash_shop.h"
#include "ledger_shop.h"


#define WHO   7
#define LOOK  "a reason of two blocks, for which somebody has to look"


static fk_order_id_t  id;
static uint8_t        record[FK_ARCHIVE_SIZE_MAX];
static size_t         record_size;
static uint64_t       record_seq;


static void
prepare_gift(void)
{
    fk_coupon_put_t  put;

    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 12);
    put = shop_coupon_of("all", FK_COUPON_PERCENT, FK_BP);
    shop_must(shop_coupon_put(&put) == FK_OK, "coupon");
    id = shop_id(500);
}


static fk_code_t
gift(const char *reason)
{
    fk_code_t        code;
    fk_checkout_t    in;
    fk_order_view_t  out;

    in = shop_cart("x", 3);
    in.id = id;
    in.way = FK_WAY_FREE;
    memset(in.idem, 0x42, sizeof(in.idem));
    shop_buyer(&in, WHO, "all");

    if (reason != NULL) {
        shop_rules(&in, 1500, 1500, reason);
        in.step[FK_STEP_COUPON] = 0;
    }

    code = fk_checkout(&shop, &shop_env, &in, &out);
    return code == FK_EXISTS ? FK_OK : code;
}


static fk_code_t
run_gift(void)
{
    return gift(NULL);
}


static fk_code_t
run_gift_ruled(void)
{
    return gift(LOOK);
}


static void
prepare_review(void)
{
    prepare_gift();
    shop_must(gift(LOOK) == FK_OK, "review");
}


/* Done is done. */
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


/* "a" has 2000; "b" is above it. */
static void
prepare_purse(void)
{
    prepare_gift();
    shop_must(ledger_agent("b", "") == FK_OK
              && ledger_agent("a", "b") == FK_OK
              && ledger_credit("a", 2000, "first") == FK_OK, "purse");
}


static void
audit(void)
{
    shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "audit");
    while (fk_audit_step(&shop, &shop_env, 9, 1000) == FK_AGAIN) { /* void */ }
}


static void
prepare_audited(void)
{
    prepare_gift();
    audit();
}


static void
prepare_purse_audited(void)
{
    prepare_purse();
    audit();
}


static fk_code_t
spend(const char *reason, uint32_t settle_s)
{
    fk_code_t        code;
    fk_split_t       split;
    fk_checkout_t    in;
    fk_order_view_t  out;

    in = shop_cart("x", 3);
    in.id = id;
    memset(in.idem, 0x42, sizeof(in.idem));
    shop_buyer(&in, WHO, "");
    split = ledger_split(100, 10, settle_s);

    if (reason != NULL) {
        shop_rules(&in, 1500, 1400, reason);
    }

    code = ledger_spend(&in, "a", &split, &out);
    return code == FK_EXISTS ? FK_OK : code;
}


static fk_code_t
run_spend(void)
{
    return spend(NULL, 9999);
}


static fk_code_t
run_spend_ruled(void)
{
    return spend(LOOK, 0);
}


static fk_code_t
run_credit(void)
{
    fk_code_t  code;

    code = ledger_credit("a", 700, "another");
    return code == FK_EXISTS ? FK_OK : code;
}


static void
prepare_spent(void)
{
    prepare_purse();
    shop_must(spend(NULL, 0) == FK_OK, "spent");
}


static void
prepare_spent_audited(void)
{
    prepare_spent();
    audit();
}


static void
prepare_looked(void)
{
    prepare_purse();
    shop_must(spend(LOOK, 9999) == FK_OK, "to be looked at");
}


static void
prepare_denied(void)
{
    prepare_looked();
    shop_must(decide(FK_EVENT_DENY) == FK_OK, "denied");
}


static void
prepare_denied_audited(void)
{
    prepare_denied();
    audit();
}


static fk_code_t
run_refund(void)
{
    char             trade_no[FK_ORDER_TEXT_SIZE];
    fk_str_t         trade;
    fk_code_t        code;
    fk_order_view_t  out;

    fk_order_id_text(&id, trade_no);
    trade.data = (const uint8_t *) trade_no;
    trade.size = sizeof(trade_no);
    code = fk_refund(&shop, &shop_env, &id, trade, &out);
    return code == FK_EXISTS ? FK_OK : code;
}


static fk_code_t
run_part(void)
{
    fk_code_t  code;

    code = ledger_return(&id, 500, "part");
    return code == FK_EXISTS ? FK_OK : code;
}


static fk_code_t
run_revoke(void)
{
    return decide(FK_EVENT_REVOKE);
}


static void
prepare_parted(void)
{
    prepare_spent();
    shop_must(run_part() == FK_OK, "part");
}


static void
prepare_parted_audited(void)
{
    prepare_parted();
    audit();
}


static void
prepare_revoked(void)
{
    prepare_parted();
    shop_must(run_revoke() == FK_OK, "revoked");
}


static void
prepare_revoked_audited(void)
{
    prepare_revoked();
    audit();
}


static void
read_it(void)
{
    fk_order_view_t  out;

    shop_must(fk_archive_read(&shop, &id, &out, record, sizeof(record),
                              &record_size) == FK_OK, "read");
    record_seq = out.seq;
}


static void
prepare_read(void)
{
    prepare_parted();
    read_it();
}


static void
prepare_read_audited(void)
{
    prepare_read();
    audit();
}


static fk_code_t
run_drop(void)
{
    fk_code_t  code;

    code = fk_archive_drop(&shop, &shop_env, &id, record_seq);
    return code == FK_NOT_FOUND ? FK_OK : code;
}


static void
prepare_away(void)
{
    prepare_read();
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


static const command_t  commands[] = {
    { "gift", prepare_gift, run_gift, 1 },
    { "gift beside an audit", prepare_audited, run_gift, 1 },
    { "gift, to be looked at", prepare_gift, run_gift_ruled, 1 },
    { "gift, approved", prepare_review, run_approve, 1 },
    { "gift, denied", prepare_review, run_deny, 1 },
    { "credit", prepare_purse, run_credit, 1 },
    { "credit beside an audit", prepare_purse_audited, run_credit, 1 },
    { "spent", prepare_purse, run_spend, 1 },
    { "spent beside an audit", prepare_purse_audited, run_spend, 1 },
    { "spent, to be looked at", prepare_purse, run_spend_ruled, 1 },
    { "spent, approved", prepare_looked, run_approve, 1 },
    { "spent, denied", prepare_looked, run_deny, 1 },
    { "spent, given back", prepare_denied, run_refund, 1 },
    { "spent, given back beside an audit", prepare_denied_audited, run_refund,
      1 },
    { "spent, a part back", prepare_spent, run_part, 1 },
    { "spent, a part back beside an audit", prepare_spent_audited, run_part,
      1 },
    { "spent, revoked", prepare_parted, run_revoke, 1 },
    { "spent, revoked beside an audit", prepare_parted_audited, run_revoke,
      1 },
    { "spent, revoked, given back", prepare_revoked, run_refund, 1 },
    { "spent, revoked, given back beside an audit", prepare_revoked_audited,
      run_refund, 1 },
    { "spent, archived", prepare_read, run_drop, 1 },
    { "spent, archived beside an audit", prepare_read_audited, run_drop, 1 },
    { "spent, restored", prepare_away, run_restore, 0 },
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

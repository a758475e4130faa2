/*
 * Death at every store, as engine_crash.c: checkouts that are paid by being
 * made, and what becomes of their orders.
 */

#include "crash_shop.h"


#define WHO   7
#define LOOK  "a reason of two blocks, for which somebody has to look"


static fk_order_id_t  id;


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
prepare_audited(void)
{
    prepare_gift();
    shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "audit");
    while (fk_audit_step(&shop, &shop_env, 9, 1000) == FK_AGAIN) { /* void */ }
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


static const command_t  commands[] = {
    { "gift", prepare_gift, run_gift, 1 },
    { "gift beside an audit", prepare_audited, run_gift, 1 },
    { "gift, to be looked at", prepare_gift, run_gift_ruled, 1 },
    { "gift, approved", prepare_review, run_approve, 1 },
    { "gift, denied", prepare_review, run_deny, 1 },
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

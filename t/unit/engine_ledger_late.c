/*
 * Money that comes beside an order's own.
 */

#include "ledger_shop.h"


/* A wrong sum, then the right one, then a yes: the first is given back. */
static void
test_besides(void)
{
    size_t             size;
    uint32_t           n;
    fk_split_t         split;
    fk_order_id_t      id;
    fk_order_view_t    out;
    fk_pay_result_t    result;
    fk_payment_view_t  payment[4];

    static uint8_t  record[FK_ARCHIVE_SIZE_MAX];

    ledger_open();
    split = ledger_split(50, 10, 0);
    shop_must(shop_buy("x", 1, &out) == FK_OK
              && shop_pay(&out.id, "odd", 300, &result, &out) == FK_OK
              && ledger_pay(&out.id, "even", 500, &split, &result, &out)
                 == FK_OK && result == FK_PAY_REVIEW, "review");
    id = out.id;

    EQ_INT(fk_approve(&shop, &shop_env, &id, &split, &out), FK_OK, "yes");
    EQ_INT(out.status, FK_STATUS_DELIVERED, "delivered");
    n = 4;
    shop_must(fk_order_payments(&shop, &id, payment, &n) == FK_OK && n == 2,
              "payments");
    EQ_INT(payment[0].state, FK_PAYMENT_STATE_REFUND_DUE, "300 are owed");
    EQ_INT(payment[1].state, FK_PAYMENT_STATE_APPLIED, "500 pay");
    EQ_INT(ledger_audit().money[0].amount, 800, "both are here");
    OK(ledger_sound(), "sound");

    EQ_INT(ledger_return(&id, 300, "part"), FK_OK, "a part of the 500");
    EQ_BALANCE("a", 0, 20, "takes its share");
    EQ_INT(fk_archive_read(&shop, &id, &out, record, sizeof(record), &size),
           FK_CONFLICT, "not finished");
    EQ_INT(fk_refund(&shop, &shop_env, &id, str("odd"), &out), FK_OK,
           "the 300 went back");
    EQ_INT(ledger_audit().money[0].amount, 200, "the rest is kept");
    EQ_INT(fk_archive_read(&shop, &id, &out, record, sizeof(record), &size),
           FK_OK, "finished");
    OK(ledger_sound(), "sound");
}


int
main(void)
{
    test_besides();

    return tap_done();
}

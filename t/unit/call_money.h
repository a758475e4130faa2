/*
 * The calls that begin a payment, book it and give it back, for call_table.h,
 * and the orders that they are for.
 */

#ifndef FAKA_CALL_MONEY_H_INCLUDED_
#define FAKA_CALL_MONEY_H_INCLUDED_


#include "engine_shop.h"


/* Orders of the shop, by what they are there for. */
enum {
    ORDER_UNPAID = 1,
    ORDER_PAID,
    ORDER_REVIEW,
    ORDER_CANCELLED,
    ORDER_EXTRA,                       /* paid twice */
    ORDER_ASKED,                       /* and its gateway was asked */
    ORDER_AWAY,                        /* archived; call_record has it */
};


static fk_order_id_t  call_ids[ORDER_AWAY + 1];


static int
call_order_start(fk_t *fk)
{
    fk_order_view_t  out;

    return fk_order_start(fk, &shop_env, &call_ids[ORDER_UNPAID],
                          str("weixin://a code"), &out);
}


/* Nothing was kept with it, and with any other answer nothing is said. */
static int
call_order_start_get(fk_t *fk)
{
    size_t     size;
    uint8_t    out[FK_START_SIZE_MAX];
    fk_code_t  code;

    size = 1;
    code = fk_order_start_get(fk, &call_ids[ORDER_PAID], out, &size);
    return size == 0 ? (int) code : -1;
}


static int
call_pay(fk_t *fk)
{
    fk_pay_t         in;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    memset(&in, 0, sizeof(in));
    in.id = call_ids[ORDER_UNPAID];
    in.channel = str("epay");
    in.trade_no = str("t-9");
    in.amount = 500;
    strcpy(in.currency, "CNY");
    return fk_pay(fk, &shop_env, &in, &result, &out);
}


static int
call_decide(fk_t *fk)
{
    fk_order_view_t  out;

    return fk_decide(fk, &shop_env, &call_ids[ORDER_REVIEW], FK_EVENT_DENY,
                     &out);
}


static int
call_refund(fk_t *fk)
{
    fk_order_view_t  out;

    return fk_refund(fk, &shop_env, &call_ids[ORDER_EXTRA], str("t-5"), &out);
}


static int
call_refund_ask(fk_t *fk)
{
    fk_order_view_t  out;

    return fk_refund_ask(fk, &shop_env, &call_ids[ORDER_EXTRA], str("t-5"),
                         &out);
}


static int
call_refund_back(fk_t *fk)
{
    fk_order_view_t  out;

    return fk_refund_back(fk, &shop_env, &call_ids[ORDER_ASKED], str("t-7"),
                          &out);
}


static int
call_refund_part(fk_t *fk)
{
    fk_order_view_t  out;

    return fk_refund_part(fk, &shop_env, &call_ids[ORDER_PAID], 5,
                          str("ref"), &out);
}


#endif /* FAKA_CALL_MONEY_H_INCLUDED_ */

/*
 * Death at every store: how a payment is begun, and given back.
 */

#include "exhaust.h"


/* One of the three that concern one payment of an order. */
typedef fk_code_t (*ex_refund_pt)(fk_t *fk, const fk_env_t *env,
    const fk_order_id_t *id, fk_str_t trade_no, fk_order_view_t *out);


static const fk_order_id_t *ex_money_order(const ex_shop_t *x);
static fk_code_t ex_refund_by(ex_shop_t *x, ex_refund_pt refund);


static const fk_order_id_t *
ex_money_order(const ex_shop_t *x)
{
    static const fk_order_id_t  nobody;

    return x->book.order_count == 0
           ? &nobody : &x->book.id[x->draw.a % x->book.order_count];
}


fk_code_t
ex_start(ex_shop_t *x)
{
    fk_env_t         env;
    fk_str_t         start;
    fk_order_view_t  out;

    static uint8_t  text[FK_START_SIZE_MAX];

    env = (fk_env_t) { .now_ms = x->book.now_ms };
    start.data = text;
    start.size = 1 + x->draw.b % (x->draw.c % 8 == 0 ? sizeof(text) : 100);

    return fk_order_start(&x->fk, &env, ex_money_order(x), start, &out);
}


fk_code_t
ex_refund(ex_shop_t *x)
{
    return ex_refund_by(x, fk_refund);
}


fk_code_t
ex_refund_ask(ex_shop_t *x)
{
    return ex_refund_by(x, fk_refund_ask);
}


fk_code_t
ex_refund_back(ex_shop_t *x)
{
    return ex_refund_by(x, fk_refund_back);
}


/* Of one payment of those that the order has: the same one again. */

static fk_code_t
ex_refund_by(ex_shop_t *x, ex_refund_pt refund)
{
    uint32_t              n;
    fk_env_t              env;
    fk_str_t              trade_no;
    fk_order_view_t       out;
    const fk_order_id_t  *id;
    fk_payment_view_t     payments[8];

    n = 8;
    id = ex_money_order(x);

    if (fk_order_payments(&x->fk, id, payments, &n) != FK_OK || n == 0) {
        return FK_NOT_FOUND;
    }

    env = (fk_env_t) { .now_ms = x->book.now_ms };
    n = (uint32_t) (x->draw.b % n);
    trade_no = (fk_str_t) { (uint8_t *) payments[n].trade_no,
                            strlen(payments[n].trade_no) };

    return refund(&x->fk, &env, id, trade_no, &out);
}


fk_code_t
ex_revoke(ex_shop_t *x)
{
    fk_env_t         env;
    fk_order_view_t  out;

    env = (fk_env_t) { .now_ms = x->book.now_ms };
    return fk_decide(&x->fk, &env, ex_money_order(x), FK_EVENT_REVOKE, &out);
}

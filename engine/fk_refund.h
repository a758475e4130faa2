/*
 * The payments of an order, and those that go back to its buyer.  A part of
 * fk.h, which includes it: nobody else does.
 */

#ifndef FK_REFUND_H_INCLUDED_
#define FK_REFUND_H_INCLUDED_


/*
 * One payment was given back: the operator's word for it, or the gateway's,
 * asked or not.  When the order owes no other, and is to be refunded, it is
 * refunded.  The order of extra money keeps its state.  out->seq is the record
 * to wait for.
 *   FK_EXISTS    it was given back before; nothing was done
 *   FK_CONFLICT  it is not owed: it pays the order, or is under review
 *   FK_NOT_FOUND no such order, or it has no such payment
 */
fk_code_t fk_refund(fk_t *fk, const fk_env_t *env, const fk_order_id_t *id,
    fk_str_t trade_no, fk_order_view_t *out);

/*
 * The gateway is about to be asked to give the payment back: to be durable
 * before that, so that a death in between is no refund that nobody knows of.
 * It is owed as before, until fk_refund says that it was given back, or
 * fk_refund_back that the gateway refused.  Answers as fk_refund; FK_EXISTS:
 * it is asked already (or, back: owed and not asked); FK_CONFLICT in any
 * other state.
 */
fk_code_t fk_refund_ask(fk_t *fk, const fk_env_t *env,
    const fk_order_id_t *id, fk_str_t trade_no, fk_order_view_t *out);
fk_code_t fk_refund_back(fk_t *fk, const fk_env_t *env,
    const fk_order_id_t *id, fk_str_t trade_no, fk_order_view_t *out);

typedef struct {
    char     trade_no[FK_TRADE_NO_SIZE_MAX + 1];
    int64_t  amount;
    int64_t  owed;                     /* of it, and 0 if nothing is */
    uint32_t at_s;
    uint8_t  state;                    /* fk_payment_state_t */
} fk_payment_view_t;

/*
 * What is owed of a payment is its amount; when its order was revoked, less
 * the parts that were given back before, which are taken off the payments that
 * paid it, the oldest first.  No gateway is to be asked for more.  It may be
 * 0: then nobody is to be asked, and fk_refund says that it is over.
 */

/*
 * The payments of an order, oldest first, at most *n; *n becomes how many, and
 * 0 with any answer but FK_OK.  FK_NOT_FOUND: no such order in memory.
 */
fk_code_t fk_order_payments(fk_t *fk, const fk_order_id_t *id,
    fk_payment_view_t *out, uint32_t *n);


#endif /* FK_REFUND_H_INCLUDED_ */

/*
 * Money that goes back: a payment that is owed is asked for at its gateway.
 *
 * The payment is FK_PAYMENT_STATE_ASKED, durably, before the gateway hears of
 * it, and stays so until an answer says what became of it: given back, or
 * refused, or, if nothing was done and the number must not be used twice, not
 * asked.  The number of a refund is made of the order's and of the payment's
 * place, so that whoever asks again, after whatever crash, asks for the same
 * refund.
 *
 * That it is asked, and on disk, is looked up before each question: between a
 * list and the question, or two questions, a person may have given the money
 * back and said so.  And whoever asked for it may still wait for the disk: if
 * that fails he takes it back, and has been told that nothing was done.
 *
 * A gateway for which the same number is a second refund is never asked twice
 * without a person.
 */

#include "ngx_faka_gateway.h"


static ngx_faka_ask_t *ngx_faka_refund_make(ngx_faka_worker_t *worker,
    const fk_order_view_t *order, const fk_payment_view_t *payment,
    int64_t owed, ngx_uint_t number, pay_ask_e what);
static ngx_uint_t ngx_faka_refund_is_asked(ngx_faka_worker_t *worker,
    const fk_order_id_t *id, const char *trade_no, int64_t *owed);
static ngx_uint_t ngx_faka_refund_is_durable(ngx_faka_worker_t *worker,
    const fk_order_id_t *id, const char *trade_no);
static void ngx_faka_refund_answered(ngx_faka_ask_t *ask,
    const pay_answer_t *answer);
static ngx_uint_t ngx_faka_refund_repeat(ngx_faka_ask_t *ask);
static void ngx_faka_refund_book(ngx_faka_ask_t *ask,
    const pay_answer_t *answer);
static void ngx_faka_refund_refused(ngx_faka_worker_t *worker,
    const fk_order_id_t *id);


ngx_uint_t
ngx_faka_refund_can(const ngx_faka_shop_t *shop, const char *channel,
    ngx_uint_t again)
{
    const pay_channel_t  *found;

    found = ngx_faka_channel_find(shop, channel, ngx_strlen(channel));

    return found != NULL
           && (pay_channel_asks(found) & PAY_ASK_BIT(REFUND))
           && !(again && found->protocol->refunds_again);
}


ngx_uint_t
ngx_faka_refund_may(const ngx_faka_worker_t *worker, const fk_order_id_t *id)
{
    ngx_uint_t  i;

    for (i = 0; i < worker->refused_count; i++) {
        if (ngx_memcmp(worker->refused[i].bytes, id->bytes, FK_ORDER_ID_SIZE)
            == 0)
        {
            return 0;
        }
    }

    return worker->refused_count < NGX_FAKA_REFUSED_MAX;
}


static void
ngx_faka_refund_refused(ngx_faka_worker_t *worker, const fk_order_id_t *id)
{
    if (!ngx_faka_refund_may(worker, id)) {
        return;
    }

    worker->refused[worker->refused_count++] = *id;

    if (worker->refused_count == NGX_FAKA_REFUSED_MAX) {
        ngx_log_error(NGX_LOG_ERR, worker->log, 0,
                      "faka: %d refunds were refused: until a reload, nothing "
                      "more is asked back by itself", NGX_FAKA_REFUSED_MAX);
    }
}


/*
 * The engine books a number that is another order's as NUMBER#ORDER.  A
 * gateway knows no such number, and one that goes by the order's would give
 * back what the order was delivered for.
 */

ngx_uint_t
ngx_faka_refund_is_reused(const char *trade_no)
{
    return ngx_strchr(trade_no, '#') != NULL;
}


ngx_uint_t
ngx_faka_refund_is_booked(ngx_faka_worker_t *worker, const fk_order_id_t *id,
    const char *trade_no)
{
    u_char             *p;
    u_char              reused[PAY_TRADE_NO_SIZE_MAX + 1 + FK_ORDER_TEXT_SIZE
                               + 1];
    fk_payment_view_t   payment;

    if (ngx_faka_refund_payment(worker, id, trade_no, &payment) == NGX_OK) {
        return 1;
    }

    p = ngx_sprintf(reused, "%s#", trade_no);
    fk_order_id_text(id, (char *) p);
    p[FK_ORDER_TEXT_SIZE] = '\0';

    return ngx_faka_refund_payment(worker, id, (char *) reused, &payment)
           == NGX_OK;
}


ngx_uint_t
ngx_faka_refund_is_blind(const ngx_faka_shop_t *shop, const char *channel)
{
    const pay_channel_t  *found;

    found = ngx_faka_channel_find(shop, channel, ngx_strlen(channel));

    return found != NULL
           && !(pay_channel_asks(found) & PAY_ASK_BIT(REFUND_QUERY));
}


fk_code_t
ngx_faka_refund_done(ngx_faka_worker_t *worker, const fk_order_id_t *id,
    fk_str_t trade_no, fk_order_view_t *order)
{
    fk_env_t   env;
    fk_code_t  code;

    ngx_faka_env(&env);
    code = fk_refund(&worker->fk, &env, id, trade_no, order);

    if (code == FK_OK) {
        fk_stat_add(&worker->fk, NGX_FAKA_STAT_REFUNDS, 1);
    }

    return code;
}


ngx_uint_t
ngx_faka_refund_is_local(const ngx_faka_shop_t *shop, const char *channel)
{
    const pay_channel_t  *found;

    found = ngx_faka_channel_find(shop, channel, ngx_strlen(channel));

    return found != NULL && found->protocol->behind == PAY_BEHIND_ACCOUNT;
}


ngx_int_t
ngx_faka_refund_send(ngx_faka_worker_t *worker, const fk_order_view_t *order,
    const fk_payment_view_t *payment, ngx_uint_t number, ngx_uint_t again,
    ngx_faka_ask_t **ask)
{
    int64_t  owed;

    *ask = NULL;

    if (!ngx_faka_refund_is_asked(worker, &order->id, payment->trade_no,
                                  &owed))
    {
        return NGX_DECLINED;
    }

    if (again) {
        *ask = ngx_faka_refund_make(worker, order, payment, owed, number,
                                    PAY_ASK_REFUND_QUERY);
    }

    if (*ask == NULL) {
        *ask = ngx_faka_refund_make(worker, order, payment, owed, number,
                                    PAY_ASK_REFUND);
        if (*ask != NULL) {
            (*ask)->repeated = again;
        }
    }

    return *ask != NULL
           ? ngx_faka_ask_send(*ask, ngx_faka_refund_answered, NULL)
           : NGX_DECLINED;
}


static ngx_faka_ask_t *
ngx_faka_refund_make(ngx_faka_worker_t *worker, const fk_order_view_t *order,
    const fk_payment_view_t *payment, int64_t owed, ngx_uint_t number,
    pay_ask_e what)
{
    ngx_faka_ask_t  *ask;

    ask = ngx_faka_ask_create(worker, order, what);

    if (ask == NULL) {
        return NULL;
    }

    ngx_memcpy(ask->trade_no, payment->trade_no, sizeof(ask->trade_no));
    *ngx_snprintf((u_char *) ask->refund_no, sizeof(ask->refund_no) - 1,
                  "%*s-%ui", (size_t) FK_ORDER_TEXT_SIZE, ask->order_no,
                  number) = '\0';

    ask->question.refund_amount = owed;
    ask->question.paid_amount = payment->amount;

    return ask;
}


/* And that is on disk, where the shop promises so. */

static ngx_uint_t
ngx_faka_refund_is_asked(ngx_faka_worker_t *worker, const fk_order_id_t *id,
    const char *trade_no, int64_t *owed)
{
    fk_payment_view_t  payment;

    if (ngx_faka_refund_payment(worker, id, trade_no, &payment) != NGX_OK) {
        return 0;
    }

    *owed = payment.owed;

    return payment.state == FK_PAYMENT_STATE_ASKED
           && (worker->shop->durability == NGX_FAKA_DURABILITY_MEMORY
               || ngx_faka_refund_is_durable(worker, id, trade_no));
}


/* Asked for once more, what is asked for stays as it is, and its record is
 * told. */

static ngx_uint_t
ngx_faka_refund_is_durable(ngx_faka_worker_t *worker,
    const fk_order_id_t *id, const char *trade_no)
{
    fk_env_t         env;
    fk_str_t         name;
    fk_code_t        code;
    fk_order_view_t  order;

    ngx_faka_env(&env);
    name = (fk_str_t) { (const uint8_t *) trade_no, ngx_strlen(trade_no) };
    code = fk_refund_ask(&worker->fk, &env, id, name, &order);

    /* Another worker has taken it back since it was looked at: so be it. */

    if (code == FK_OK) {
        (void) fk_refund_back(&worker->fk, &env, id, name, &order);
        ngx_faka_journal_kick(worker->journal);
    }

    return code == FK_EXISTS && order.seq <= fk_durable_seq(&worker->fk);
}


ngx_int_t
ngx_faka_refund_payment(ngx_faka_worker_t *worker, const fk_order_id_t *id,
    const char *trade_no, fk_payment_view_t *payment)
{
    uint32_t           i, n;
    fk_payment_view_t  payments[FK_ORDER_PAYMENTS_MAX];

    n = FK_ORDER_PAYMENTS_MAX;

    if (fk_order_payments(&worker->fk, id, payments, &n) != FK_OK) {
        return NGX_DECLINED;
    }

    for (i = 0; i < n; i++) {
        if (ngx_strcmp(payments[i].trade_no, trade_no) == 0) {
            *payment = payments[i];
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static void
ngx_faka_refund_answered(ngx_faka_ask_t *ask, const pay_answer_t *answer)
{
    if (ask->question.what == PAY_ASK_REFUND_QUERY
        && answer->code == PAY_ANSWER_NONE
        && ngx_faka_refund_repeat(ask))
    {
        return;
    }

    ngx_faka_refund_book(ask, answer);
    ngx_faka_ask_resume(ask, FK_OK);
}


/* The gateway does not know of it: it never heard of it, or has lost it. */

static ngx_uint_t
ngx_faka_refund_repeat(ngx_faka_ask_t *ask)
{
    int64_t          owed;
    ngx_faka_ask_t  *next;

    if (!ngx_faka_refund_can(ask->worker->shop, ask->order.channel, 1)
        || !ngx_faka_refund_is_asked(ask->worker, &ask->order.id,
                                     ask->trade_no, &owed))
    {
        return 0;
    }

    next = ngx_faka_ask_create(ask->worker, &ask->order, PAY_ASK_REFUND);

    if (next == NULL) {
        return 0;
    }

    ngx_memcpy(next->trade_no, ask->trade_no, sizeof(next->trade_no));
    ngx_memcpy(next->refund_no, ask->refund_no, sizeof(next->refund_no));
    next->question.refund_amount = owed;
    next->question.paid_amount = ask->question.paid_amount;

    if (ngx_faka_ask_send(next, ngx_faka_refund_answered, NULL) != NGX_OK) {
        return 0;
    }

    ngx_faka_ask_hand_over(ask, next);

    return 1;
}


static void
ngx_faka_refund_book(ngx_faka_ask_t *ask, const pay_answer_t *answer)
{
    fk_t             *fk;
    fk_env_t          env;
    fk_code_t         code;
    fk_str_t          trade_no;
    const char       *text;
    ngx_uint_t        level;
    pay_answer_e      said;
    fk_order_view_t   order;

    fk = &ask->worker->fk;
    said = answer->code;
    ngx_faka_env(&env);
    trade_no = (fk_str_t) { (const uint8_t *) ask->trade_no,
                            ngx_strlen(ask->trade_no) };

    /* A question that was not answered says nothing about the refund; one of
     * which the gateway knows nothing is asked for by the next question.  Nor
     * does it tell of the first time that this is not done now. */

    if ((ask->question.what == PAY_ASK_REFUND_QUERY
         && (said == PAY_ANSWER_BUSY || said == PAY_ANSWER_NONE))
        || (ask->repeated && said == PAY_ANSWER_BUSY))
    {
        said = PAY_ANSWER_UNKNOWN;
    }

    switch (said) {

    case PAY_ANSWER_RETURNED:
        text = "given back";
        code = ngx_faka_refund_done(ask->worker, &ask->order.id, trade_no,
                                    &order);
        break;

    case PAY_ANSWER_NONE:
    case PAY_ANSWER_REFUSED:
    case PAY_ANSWER_CLOSED:
        text = "refused, and owed still: give it back yourself, then POST "
               ".../refunded";
        ngx_faka_refund_refused(ask->worker, &ask->order.id);
        code = fk_refund_back(fk, &env, &ask->order.id, trade_no, &order);
        break;

    case PAY_ANSWER_BUSY:
        /* Nothing was done: it may be asked for again. */
        text = "not asked for";
        code = fk_refund_back(fk, &env, &ask->order.id, trade_no, &order);
        break;

    default:
        text = "asked for, and it is not known whether it was given back";
        code = FK_OK;
    }

    ngx_faka_journal_kick(ask->worker->journal);

    level = said == PAY_ANSWER_RETURNED ? NGX_LOG_NOTICE : NGX_LOG_WARN;

    ngx_log_error(level, ask->worker->log, 0,
                  "faka: refund %s of %L, payment %s: %s%s%s%s%s",
                  ask->refund_no, ask->question.refund_amount, ask->trade_no,
                  text, answer->detail[0] != '\0' ? ": " : "",
                  answer->detail, code != FK_OK ? "; not booked: " : "",
                  code != FK_OK ? fk_code_info[code].text : "");
}

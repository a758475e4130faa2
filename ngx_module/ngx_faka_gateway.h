/*
 * What handlers and timers share about gateways: money that one of them
 * proved, booked the same way whether a notice or an answer told of it;
 * questions to a gateway, and when one that does not answer is left alone.
 *
 * For workers.
 */

#ifndef NGX_FAKA_GATEWAY_H_INCLUDED_
#define NGX_FAKA_GATEWAY_H_INCLUDED_


#include "ngx_faka_call.h"
#include "ngx_faka_order.h"


/* --- ngx_faka_worker_book.c -------------------------------------------- */

typedef struct {
    const pay_channel_t  *channel;
    pay_fact_t            fact;            /* proved */
    ngx_uint_t            odd;             /* unsigned: 1 for a person */
    ngx_uint_t            returned;        /* 1: it was given back there */
    const char           *source;          /* what "from" is, for the log */
    ngx_str_t             from;            /* who sent it, for the log */
    const char           *refused;         /* why, for the log: of a stray */

    fk_order_id_t         id;              /* what fact.order_no says */
    fk_pay_result_t       result;
    fk_order_view_t       order;
} ngx_faka_money_t;

/*
 * Asks the rules, books the payment, has the journal sent, and says in the
 * log what a person has to do.  FK_OK: result and order are set, and whoever
 * acknowledges it waits for order.seq.  FK_NOT_FOUND: it may be archived.
 * Any other code: nothing was booked; it may come again.
 */
fk_code_t ngx_faka_book(ngx_faka_worker_t *worker, ngx_faka_money_t *money);

/* The line about this money; the texts of a fact that was proved have
 * harmless alphabets. */
void ngx_faka_book_log(const ngx_faka_money_t *money, ngx_uint_t level,
    const char *text, const char *more);


/* --- ngx_faka_worker_ask.c --------------------------------------------- */

/*
 * Whether a worker asks a channel's gateway at all.  After
 * NGX_FAKA_GATE_FAILURES questions in a row without a usable answer it is
 * shut: one question is let through after a time that doubles, from
 * NGX_FAKA_GATE_MIN_MS to NGX_FAKA_GATE_MAX_MS.  The first answer opens it.
 *
 * That a payment cannot begin counts, whatever the reply was.  What one does
 * not prove of an order counts neither way: EPay signs no "no such order", so
 * orders that nobody has gone to pay would shut the gate.  Nor does a refund
 * that has to come later, because our balance there is empty.
 */
#define NGX_FAKA_GATE_FAILURES  5
#define NGX_FAKA_GATE_MIN_MS    1000
#define NGX_FAKA_GATE_MAX_MS    60000

/* 1: the gateway answers, or nobody has tried. */
ngx_uint_t ngx_faka_gate_is_open(ngx_faka_worker_t *worker,
    const pay_channel_t *channel);

/*
 * 1: a new order may be this channel's: the gate is open, or it is time for
 * one question, which is let through then, whoever asks it.  Without orders
 * nothing would be asked any more, and the gate stay shut.
 */
ngx_uint_t ngx_faka_gate_try(ngx_faka_worker_t *worker,
    const pay_channel_t *channel);

/* ngx_faka_worker_channels.c: the channel of this name, or, if it is empty,
 * the first, and NULL if there is none; *out gets the one that is free. */
const pay_channel_t *ngx_faka_channel_chosen(const ngx_faka_shop_t *shop,
    const ngx_str_t *name, fk_checkout_t *out);

/* The channel, or its backup if that one answers and the channel does not. */
const pay_channel_t *ngx_faka_channel_answering(ngx_faka_worker_t *worker,
    const pay_channel_t *channel);

typedef struct ngx_faka_ask_s  ngx_faka_ask_t;

/* ask is freed when this returns. */
typedef void (*ngx_faka_ask_done_pt)(ngx_faka_ask_t *ask,
    const pay_answer_t *answer);

struct ngx_faka_ask_s {
    ngx_queue_t           queue;           /* of worker->asks */
    ngx_faka_worker_t    *worker;
    const pay_channel_t  *channel;
    fk_order_view_t       order;           /* as it was then */
    pay_ask_t             question;
    ngx_faka_call_t      *call;
    ngx_uint_t            repeated;        /* unsigned: 1 a refund that may
                                              have been made before */
    ngx_faka_ask_done_pt  done;
    void                 *data;            /* of whoever asks */

    /* the texts of question */
    char                  order_no[FK_ORDER_TEXT_SIZE];
    pay_started_t         started;
    char                  trade_no[FK_TRADE_NO_SIZE_MAX + 1];
    char                  refund_no[PAY_REFUND_NO_SIZE_MAX + 1];
    u_char                urls[2 * PAY_BASE_URL_SIZE_MAX];
};

/*
 * A question about an order, with what is known of it in memory; the caller
 * adds trade_no and refund to it.  NULL: no memory, or the order's channel is
 * not in the configuration, or cannot be asked this.
 */
ngx_faka_ask_t *ngx_faka_ask_create(ngx_faka_worker_t *worker,
    const fk_order_view_t *order, pay_ask_e what);

/*
 * NGX_OK: done() is called once, later, also when nothing was heard.  Else
 * ask is freed: NGX_BUSY, not now (the gate is shut, too many are under way);
 * NGX_DECLINED, this cannot be asked of this gateway.
 */
ngx_int_t ngx_faka_ask_send(ngx_faka_ask_t *ask, ngx_faka_ask_done_pt done,
    void *data);

/*
 * A request waits for the answer of a question that is under way, whose
 * done(), of type ngx_faka_ask_done_pt, resumes it: then the request's done()
 * is called with that code.  ask->data is its context, and NULL once its
 * client has gone away; then nobody is resumed.  Hand over: it waits for
 * another question instead.
 */
void ngx_faka_ask_wait(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    ngx_faka_ask_t *ask, ngx_faka_done_pt done);
void ngx_faka_ask_hand_over(ngx_faka_ask_t *from, ngx_faka_ask_t *to);
void ngx_faka_ask_resume(ngx_faka_ask_t *ask, fk_code_t code);

/* The one that is under way in this worker about an order, or NULL. */
ngx_faka_ask_t *ngx_faka_ask_find(ngx_faka_worker_t *worker,
    const fk_order_id_t *id, pay_ask_e what);


/* --- ngx_faka_worker_start.c ------------------------------------------- */

/*
 * Where *ctx->order, which is durable and awaits its payment, is paid.  done()
 * is called now or later; FK_OK: ctx->way shows it, and says "pending" while
 * that is not known.  FK_CHANNEL: nobody can pay it, for ctx->start, or, if
 * that is PAY_START_ASK, because the gateway has refused.
 */
void ngx_faka_pay_find(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    ngx_faka_done_pt done);


/* --- ngx_faka_worker_refund.c ------------------------------------------ */

/* Whether the gateway of this order's channel can be asked to give money
 * back; again: also a second time under the same number. */
ngx_uint_t ngx_faka_refund_can(const ngx_faka_shop_t *shop,
    const char *channel, ngx_uint_t again);

/* Whether this worker may ask for a refund of this order by itself: not if the
 * gateway has refused one, nor if so many were that not all are known. */
ngx_uint_t ngx_faka_refund_may(const ngx_faka_worker_t *worker,
    const fk_order_id_t *id);

/* Whether a payment has a number that was another order's (FK_PAY_REUSED), so
 * that its money is a person's to give back. */
ngx_uint_t ngx_faka_refund_is_reused(const char *trade_no);

/* Whether the gateway cannot be asked what became of a refund, but for the
 * refund itself once more.  Its number keeps it from being made twice when it
 * has an end, not while it is under way: so not at once. */
ngx_uint_t ngx_faka_refund_is_blind(const ngx_faka_shop_t *shop,
    const char *channel);

/* Whether a payment is booked under this number, be it as NUMBER#ORDER. */
ngx_uint_t ngx_faka_refund_is_booked(ngx_faka_worker_t *worker,
    const fk_order_id_t *id, const char *trade_no);

/* fk_refund(), and counted. */
fk_code_t ngx_faka_refund_done(ngx_faka_worker_t *worker,
    const fk_order_id_t *id, fk_str_t trade_no, fk_order_view_t *order);

/* Whether money of this channel goes back where it came from within the shop,
 * so that ngx_faka_refund_done() is all there is to do. */
ngx_uint_t ngx_faka_refund_is_local(const ngx_faka_shop_t *shop,
    const char *channel);

/* The payment of this number.  NGX_DECLINED: the order, if it is in memory,
 * has none. */
ngx_int_t ngx_faka_refund_payment(ngx_faka_worker_t *worker,
    const fk_order_id_t *id, const char *trade_no,
    fk_payment_view_t *payment);

/*
 * Asks a gateway about a payment of this order that is FK_PAYMENT_STATE_ASKED,
 * durably: to give it back (PAY_ASK_REFUND), or, if it was asked before, what
 * became of that, and to do it if it does not know of it.  number: its place
 * among the order's payments, from 1.  The answer is booked.
 * NGX_OK: *ask is under way, and the caller may have a request wait for it:
 * resumed with FK_OK, whatever the answer was.  Else nobody was asked:
 * NGX_BUSY, not now; NGX_DECLINED, it cannot be asked for, is not any more, or
 * not on disk so far.
 */
ngx_int_t ngx_faka_refund_send(ngx_faka_worker_t *worker,
    const fk_order_view_t *order, const fk_payment_view_t *payment,
    ngx_uint_t number, ngx_uint_t again, ngx_faka_ask_t **ask);


/* --- ngx_faka_worker_reconcile.c --------------------------------------- */

/* In each worker; only the first one reconciles. */
ngx_int_t ngx_faka_reconcile_start(ngx_faka_worker_t *worker);
void ngx_faka_reconcile_stop(ngx_faka_worker_t *worker);


#endif /* NGX_FAKA_GATEWAY_H_INCLUDED_ */

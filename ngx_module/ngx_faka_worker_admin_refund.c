/*
 * POST /admin/orders/ID/refund: what an order has had of its buyer's money
 * goes back to him, asked for at the gateway.
 *
 * An order that has owed nothing yet is decided about first: one under review
 * is denied, one that waits for stock is given up, and one that was delivered
 * is revoked, which voids its cards.  Then each payment that is owed is asked
 * for, one after the other, and the answer is the order as it is then.  A
 * payment whose gateway cannot be asked stays owed, for a person; one that was
 * asked before is asked about again, where that cannot give the money back
 * twice.  With trade_no it is that payment alone; if the order was delivered
 * for it, the order is revoked.
 *
 * It may be sent again: nothing is given back twice by that.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_gateway.h"


typedef struct {
    ngx_str_t           name;                  /* of the path */
    ngx_str_t           trade_no;              /* empty: all that are owed */

    fk_order_id_t       id;
    ngx_uint_t          known;                 /* unsigned: 1 in memory */
    ngx_uint_t          decided;               /* unsigned: 1 by now */
    const char         *detail;                /* NULL, or why not */
    uint64_t            tried;                 /* set of payments */
    uint64_t            seq;                   /* to be durable */
    uint32_t            number;                /* of the one under way */
    ngx_uint_t          again;                 /* unsigned: 1 asked before */
    uint32_t            count;
    fk_payment_view_t   payments[FK_ORDER_PAYMENTS_MAX];
} ngx_faka_give_back_t;

_Static_assert(FK_ORDER_PAYMENTS_MAX <= 64, "a set of them fits");


static void ngx_faka_admin_refund_body(ngx_http_request_t *r,
    ngx_str_t *body);
static void ngx_faka_admin_refund_archived(ngx_http_request_t *r,
    fk_code_t code);
static void ngx_faka_admin_refund_go_on(ngx_http_request_t *r,
    fk_code_t code);
static fk_code_t ngx_faka_admin_refund_look(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx);
static ngx_uint_t ngx_faka_admin_refund_is(const ngx_faka_give_back_t *in,
    const fk_payment_view_t *payment);
static fk_code_t ngx_faka_admin_refund_may(ngx_faka_give_back_t *in,
    const fk_order_view_t *order);
static ngx_uint_t ngx_faka_admin_refund_has(const ngx_faka_give_back_t *in,
    fk_payment_state_t state);
static fk_code_t ngx_faka_admin_refund_decide(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx);
static void ngx_faka_admin_refund_next(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx);
static ngx_uint_t ngx_faka_admin_refund_one(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx, const fk_payment_view_t *payment);
static void ngx_faka_admin_refund_asked(ngx_http_request_t *r,
    fk_code_t code);
static void ngx_faka_admin_refund_unasked(ngx_http_request_t *r,
    fk_code_t code);


static const ngx_faka_field_t  ngx_faka_give_back_field[] = {
    { "trade_no", NGX_FAKA_FIELD_TEXT,
      offsetof(ngx_faka_give_back_t, trade_no), 1, FK_TRADE_NO_SIZE_MAX, 0,
      NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};

/* The first that the order's state allows. */

static const fk_event_t  ngx_faka_give_back_events[] = {
    FK_EVENT_DENY, FK_EVENT_GIVE_UP, FK_EVENT_REVOKE
};


ngx_int_t
ngx_faka_admin_refund(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_faka_admin_change(r, name, sizeof(ngx_faka_give_back_t),
                                 ngx_faka_admin_refund_body);
}


static void
ngx_faka_admin_refund_body(ngx_http_request_t *r, ngx_str_t *body)
{
    uint32_t               given;
    fk_code_t              code;
    ngx_faka_ctx_t        *ctx;
    ngx_faka_give_back_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;

    if (body->len != 0
        && ngx_faka_admin_read(r, body, ngx_faka_give_back_field, in, &given)
           != NGX_OK)
    {
        return;
    }

    code = ngx_faka_admin_order_name(r, &in->name, &in->id);

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    ngx_faka_admin_refund_go_on(r, FK_OK);
}


static void
ngx_faka_admin_refund_archived(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (code == FK_OK) {
        code = ngx_faka_archive_restore(ctx);
    }

    ngx_faka_admin_refund_go_on(r, code);
}


/* From the start, and after each answer: the order is looked at anew, for
 * others may have changed it meanwhile. */

static void
ngx_faka_admin_refund_go_on(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t        *ctx;
    ngx_faka_give_back_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;

    if (code == FK_OK) {
        code = ngx_faka_admin_refund_look(r, ctx);

        if (code == FK_NOT_FOUND && !in->known) {
            ngx_faka_archive_find(r, ctx, &in->id,
                                  ngx_faka_admin_refund_archived);
            return;
        }
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, in->detail != NULL ? "trade_no" : NULL,
                              in->detail);
        return;
    }

    ngx_faka_admin_refund_next(r, ctx);
}


/* FK_OK: in has the order's payments, and at least one of them was or is to
 * go back. */

static fk_code_t
ngx_faka_admin_refund_look(ngx_http_request_t *r, ngx_faka_ctx_t *ctx)
{
    fk_t                  *fk;
    fk_code_t              code;
    ngx_faka_give_back_t  *in;

    fk = &ctx->shop->worker->fk;
    in = ctx->data;

    code = fk_order_get(fk, &in->id, ctx->order);

    in->known = code == FK_OK;

    if (code == FK_OK) {
        in->count = FK_ORDER_PAYMENTS_MAX;
        code = fk_order_payments(fk, &in->id, in->payments, &in->count);
    }

    if (code != FK_OK) {
        return code;
    }

    in->seq = ngx_max(in->seq, ctx->order->seq);

    if (ngx_faka_admin_refund_has(in, FK_PAYMENT_STATE_REFUND_DUE)
        || ngx_faka_admin_refund_has(in, FK_PAYMENT_STATE_ASKED))
    {
        /* It was about what is owed: a delivered order stays so. */
        in->decided = 1;
        return FK_OK;
    }

    code = in->decided ? FK_EXISTS : ngx_faka_admin_refund_may(in, ctx->order);

    return code == FK_OK ? ngx_faka_admin_refund_decide(r, ctx)
           : code == FK_EXISTS ? FK_OK : code;
}


/*
 * FK_OK: the order is to be decided about; FK_EXISTS: what was to go back went
 * back before.
 *
 * Who had what came twice sent back, and says so again, does not mean what the
 * order was delivered for: that he has to name.
 */

static fk_code_t
ngx_faka_admin_refund_may(ngx_faka_give_back_t *in,
    const fk_order_view_t *order)
{
    if (in->trade_no.len == 0) {

        if (order->status != FK_STATUS_REFUNDED
            && ngx_faka_admin_refund_has(in, FK_PAYMENT_STATE_REFUNDED))
        {
            in->detail = "a payment of it went back before: if what it was "
                         "delivered for is to, too, name that; an order that "
                         "was not delivered is denied first";
            return FK_CONFLICT;
        }

        return FK_OK;
    }

    if (ngx_faka_admin_refund_has(in, FK_PAYMENT_STATE_REFUNDED)) {
        return FK_EXISTS;
    }

    if (ngx_faka_admin_refund_has(in, FK_PAYMENT_STATE_APPLIED)) {
        return order->status == FK_STATUS_DELIVERED ? FK_OK : FK_CONFLICT;
    }

    return ngx_faka_admin_refund_has(in, FK_PAYMENT_STATE_REVIEW)
           ? FK_CONFLICT : FK_NOT_FOUND;
}


/* Whether it is one of those that the call is about. */

static ngx_uint_t
ngx_faka_admin_refund_is(const ngx_faka_give_back_t *in,
    const fk_payment_view_t *payment)
{
    return in->trade_no.len == 0
           || (in->trade_no.len == ngx_strlen(payment->trade_no)
               && ngx_memcmp(in->trade_no.data, payment->trade_no,
                             in->trade_no.len) == 0);
}


static ngx_uint_t
ngx_faka_admin_refund_has(const ngx_faka_give_back_t *in,
    fk_payment_state_t state)
{
    uint32_t  i;

    for (i = 0; i < in->count; i++) {
        if (ngx_faka_admin_refund_is(in, &in->payments[i])
            && in->payments[i].state == state)
        {
            return 1;
        }
    }

    return 0;
}


static fk_code_t
ngx_faka_admin_refund_decide(ngx_http_request_t *r, ngx_faka_ctx_t *ctx)
{
    fk_env_t               env;
    fk_code_t              code;
    ngx_uint_t             i;
    ngx_faka_worker_t     *w;
    ngx_faka_give_back_t  *in;

    w = ctx->shop->worker;
    in = ctx->data;
    in->decided = 1;

    if (ctx->order->status == FK_STATUS_REFUNDED) {
        return FK_OK;
    }

    ngx_faka_env(&env);
    code = FK_CONFLICT;

    for (i = 0;
         code == FK_CONFLICT
         && i < NGX_FAKA_ARRAY_COUNT(ngx_faka_give_back_events);
         i++)
    {
        code = fk_decide(&w->fk, &env, &in->id, ngx_faka_give_back_events[i],
                         ctx->order);

        if (code == FK_OK) {
            ngx_faka_journal_kick(w->journal);
            ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                          "faka: operator's decision on order %V: %s",
                          &ctx->order_text,
                          fk_event_word[ngx_faka_give_back_events[i]]);
        }
    }

    return code == FK_OK ? ngx_faka_admin_refund_look(r, ctx) : code;
}


static void
ngx_faka_admin_refund_next(ngx_http_request_t *r, ngx_faka_ctx_t *ctx)
{
    uint32_t               i;
    ngx_faka_give_back_t  *in;

    in = ctx->data;

    for (i = 0; i < in->count; i++) {

        if ((in->tried >> i & 1)
            || !ngx_faka_admin_refund_is(in, &in->payments[i]))
        {
            continue;
        }

        in->tried |= (uint64_t) 1 << i;
        in->number = i + 1;

        if (ngx_faka_admin_refund_one(r, ctx, &in->payments[i])) {
            return;
        }
    }

    ngx_faka_journal_kick(ctx->shop->worker->journal);
    ngx_faka_wait_durable(r, ctx, in->seq, ngx_faka_admin_order_show);
}


/* 1: something is waited for; 0: nothing more can be done about it. */

static ngx_uint_t
ngx_faka_admin_refund_one(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    const fk_payment_view_t *payment)
{
    fk_env_t               env;
    fk_str_t               trade_no;
    fk_code_t              code;
    ngx_faka_worker_t     *w;
    ngx_faka_give_back_t  *in;

    w = ctx->shop->worker;
    in = ctx->data;
    trade_no = (fk_str_t) { (const uint8_t *) payment->trade_no,
                            ngx_strlen(payment->trade_no) };
    ngx_faka_env(&env);

    if (payment->state != FK_PAYMENT_STATE_REFUND_DUE
        && payment->state != FK_PAYMENT_STATE_ASKED)
    {
        return 0;
    }

    /* All of it went back in parts before, or it came from an account. */

    if (payment->state == FK_PAYMENT_STATE_REFUND_DUE
        && (payment->owed == 0
            || ngx_faka_refund_is_local(ctx->shop, ctx->order->channel)))
    {
        code = ngx_faka_refund_done(w, &in->id, trade_no, ctx->order);
        in->seq = code == FK_OK ? ngx_max(in->seq, ctx->order->seq)
                                : in->seq;
        return 0;
    }

    if (ngx_faka_refund_is_reused(payment->trade_no)
        || !ngx_faka_refund_can(ctx->shop, ctx->order->channel,
                                payment->state == FK_PAYMENT_STATE_ASKED))
    {
        return 0;
    }

    code = fk_refund_ask(&w->fk, &env, &in->id, trade_no, ctx->order);

    if (code != FK_OK && code != FK_EXISTS) {
        return 0;
    }

    in->again = code == FK_EXISTS;

    /* What cannot be asked about is asked for again by who reconciles. */

    if (in->again
        && (!ngx_faka_refund_can(ctx->shop, ctx->order->channel, 1)
            || ngx_faka_refund_is_blind(ctx->shop, ctx->order->channel)))
    {
        return 0;
    }

    in->seq = ngx_max(in->seq, ctx->order->seq);
    ngx_faka_wait_durable(r, ctx, in->seq, ngx_faka_admin_refund_asked);

    return 1;
}


/* It is on disk that the gateway is asked: so it is. */

static void
ngx_faka_admin_refund_asked(ngx_http_request_t *r, fk_code_t code)
{
    ngx_int_t              rc;
    ngx_faka_ask_t        *ask;
    ngx_faka_ctx_t        *ctx;
    ngx_faka_give_back_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    in = ctx->data;

    ask = NULL;
    rc = code == FK_OK
         ? ngx_faka_refund_send(ctx->shop->worker, ctx->order,
                                &in->payments[in->number - 1], in->number,
                                in->again, &ask)
         : NGX_DECLINED;

    if (rc == NGX_OK) {
        ngx_faka_ask_wait(r, ctx, ask, ngx_faka_admin_refund_go_on);

    } else if (!in->again) {
        ngx_faka_admin_refund_unasked(r, code);

    } else {
        /* Asked for by another, who is to take it back, if anybody. */
        ngx_faka_admin_refund_go_on(r, code);
    }
}


/*
 * Nobody was asked from here, so it is taken back; but not what is on disk by
 * now although nobody could wait for it: the worker that reconciles may have
 * asked already, and goes on with it.
 */

static void
ngx_faka_admin_refund_unasked(ngx_http_request_t *r, fk_code_t code)
{
    fk_env_t               env;
    fk_str_t               trade_no;
    fk_code_t              back;
    ngx_faka_ctx_t        *ctx;
    ngx_faka_worker_t     *w;
    fk_payment_view_t     *payment;
    ngx_faka_give_back_t  *in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    w = ctx->shop->worker;
    in = ctx->data;
    payment = &in->payments[in->number - 1];

    if (code != FK_OK && in->seq <= fk_durable_seq(&w->fk)
        && ngx_faka_refund_can(ctx->shop, ctx->order->channel, 1))
    {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    trade_no = (fk_str_t) { (const uint8_t *) payment->trade_no,
                            ngx_strlen(payment->trade_no) };
    ngx_faka_env(&env);
    back = fk_refund_back(&w->fk, &env, &in->id, trade_no, ctx->order);
    ngx_faka_journal_kick(w->journal);

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);

    } else if (back == FK_OK || back == FK_EXISTS) {
        ngx_faka_send_problem(r, FK_NOT_OPEN, NULL,
                              "the gateway cannot be asked now; nothing was "
                              "given back");
    } else {
        /* It was given back meanwhile: the order is shown as it is. */
        ngx_faka_admin_refund_go_on(r, FK_OK);
    }
}

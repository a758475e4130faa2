/*
 * Reconciliation: notices get lost, so gateways are asked.
 *
 * Of each channel that can be asked, every unpaid order is asked about once an
 * interval while it is held, and four more times after that, at growing
 * distances, for money that was on its way.  These four need the order in
 * memory: "retention" is to be longer (the configuration warns), and a table
 * of orders that is nearly full sends it away after a minute all the same;
 * then money that comes later is found by its notice alone.  What an answer
 * proves is booked as a notice would have been.  An order that nobody may pay
 * any more is closed at the gateway, where that is possible.  Refunds that
 * have no end yet are asked about beside them
 * (ngx_faka_worker_reconcile_owed.c).
 *
 * Nothing is kept of that: what is due follows from an order's age and from
 * when the last two turns began, so a restart costs one question an order.  A
 * turn goes through all orders in small steps, beside buyers, and asks no more
 * than the channel's rate; if that is not enough, it takes longer, and every
 * order still comes up once.  The gate in front of a gateway that does not
 * answer stops its turn.
 *
 * One worker of a server does this, the first one; another one takes its
 * place, and number, if it dies.
 */

#include "ngx_faka_reconcile.h"


#define NGX_FAKA_RECONCILE_TICK_MS   100


typedef struct ngx_faka_reconciler_s {
    ngx_faka_worker_t    *worker;
    ngx_event_t           timer;
    ngx_msec_t            ticked_at;
    ngx_faka_tokens_t     tokens[NGX_FAKA_CHANNELS_MAX];
    ngx_uint_t            owed_first[NGX_FAKA_CHANNELS_MAX];
    ngx_faka_turn_t       turns[NGX_FAKA_CHANNELS_MAX];
    ngx_faka_owed_turn_t  owed[NGX_FAKA_CHANNELS_MAX];
    ngx_faka_owed_wait_t  waits[NGX_FAKA_OWED_WAITS_MAX];
    ngx_faka_short_turn_t shorts;
} ngx_faka_reconciler_t;


static void ngx_faka_reconcile_tick(ngx_event_t *ev);
static void ngx_faka_reconcile_channel(ngx_faka_reconciler_t *rec,
    ngx_uint_t i);
static void ngx_faka_reconcile_unpaid(ngx_faka_worker_t *worker,
    const pay_channel_t *channel, ngx_faka_turn_t *turn,
    ngx_faka_tokens_t *tokens);
static ngx_uint_t ngx_faka_reconcile_page(ngx_faka_worker_t *worker,
    const pay_channel_t *channel, ngx_faka_turn_t *turn);
static ngx_int_t ngx_faka_reconcile_order(ngx_faka_worker_t *worker,
    const fk_order_view_t *order, const ngx_faka_turn_t *turn);
static ngx_uint_t ngx_faka_reconcile_points(const fk_order_view_t *order,
    ngx_uint_t interval_s, time_t at_s);
static void ngx_faka_reconcile_answered(ngx_faka_ask_t *ask,
    const pay_answer_t *answer);
static void ngx_faka_reconcile_book(ngx_faka_ask_t *ask,
    const pay_answer_t *answer);
static void ngx_faka_reconcile_close(ngx_faka_ask_t *ask);
static void ngx_faka_reconcile_closed(ngx_faka_ask_t *ask,
    const pay_answer_t *answer);


ngx_int_t
ngx_faka_reconcile_start(ngx_faka_worker_t *worker)
{
    ngx_faka_reconciler_t  *rec;

    if (ngx_worker != 0 || worker->shop->reconcile_s == 0) {
        return NGX_OK;
    }

    rec = ngx_calloc(sizeof(ngx_faka_reconciler_t), worker->log);
    if (rec == NULL) {
        return NGX_ERROR;
    }

    rec->worker = worker;
    rec->ticked_at = ngx_current_msec;
    rec->timer.handler = ngx_faka_reconcile_tick;
    rec->timer.data = rec;
    rec->timer.log = worker->log;
    rec->timer.cancelable = 1;
    worker->reconciler = rec;

    ngx_add_timer(&rec->timer, NGX_FAKA_RECONCILE_TICK_MS);

    return NGX_OK;
}


void
ngx_faka_reconcile_stop(ngx_faka_worker_t *worker)
{
    ngx_faka_reconciler_t  *rec;

    rec = worker->reconciler;

    if (rec == NULL) {
        return;
    }

    if (rec->timer.timer_set) {
        ngx_del_timer(&rec->timer);
    }

    ngx_free(rec);
    worker->reconciler = NULL;
}


static void
ngx_faka_reconcile_tick(ngx_event_t *ev)
{
    ngx_faka_reconciler_t *rec = ev->data;

    ngx_uint_t        i, rate, elapsed_ms;
    ngx_faka_shop_t  *shop;

    if (rec->worker->draining) {
        return;
    }

    ngx_add_timer(ev, NGX_FAKA_RECONCILE_TICK_MS);

    shop = rec->worker->shop;
    rate = shop->reconcile_rate;

    elapsed_ms = ngx_min(ngx_current_msec - rec->ticked_at, 1000);
    rec->ticked_at = ngx_current_msec;

    if (ngx_faka_may_write(shop) != FK_OK) {
        return;
    }

    ngx_faka_reconcile_shorts(rec->worker, &rec->shorts);

    for (i = 0; i < shop->channels.nelts; i++) {
        /* As many as come in a second may come at once. */
        rec->tokens[i] = ngx_min(rec->tokens[i] + rate * elapsed_ms,
                                 rate * 1000);

        ngx_faka_reconcile_channel(rec, i);
    }
}


/* Whoever comes first may take all there is: then the others do, next time. */

static void
ngx_faka_reconcile_channel(ngx_faka_reconciler_t *rec, ngx_uint_t i)
{
    unsigned              asks;
    ngx_uint_t            half, owed;
    ngx_faka_tokens_t     before;
    const pay_channel_t  *channel;

    channel = (const pay_channel_t *) rec->worker->shop->channels.elts + i;
    asks = pay_channel_asks(channel);
    before = rec->tokens[i];
    owed = rec->owed_first[i];

    for (half = 0; half < 2; half++) {

        if (owed && ((asks & PAY_ASK_BIT(REFUND))
                     || channel->protocol->behind == PAY_BEHIND_ACCOUNT))
        {
            ngx_faka_reconcile_owed(rec->worker, channel, &rec->owed[i],
                                    rec->waits, &rec->tokens[i]);
        }

        if (!owed && (asks & PAY_ASK_BIT(QUERY))) {
            ngx_faka_reconcile_unpaid(rec->worker, channel, &rec->turns[i],
                                      &rec->tokens[i]);
        }

        if (half == 0 && rec->tokens[i] != before) {
            rec->owed_first[i] = !rec->owed_first[i];
        }

        owed = !owed;
    }
}


static void
ngx_faka_reconcile_unpaid(ngx_faka_worker_t *worker,
    const pay_channel_t *channel, ngx_faka_turn_t *turn,
    ngx_faka_tokens_t *tokens)
{
    ngx_int_t   rc;
    ngx_uint_t  pages;

    pages = 0;

    while (*tokens >= NGX_FAKA_QUESTION) {

        if (turn->next < turn->page_count) {
            rc = ngx_faka_reconcile_order(worker, &turn->page[turn->next],
                                          turn);
            if (rc == NGX_BUSY) {
                return;
            }

            turn->next++;

            if (rc == NGX_OK) {
                *tokens -= NGX_FAKA_QUESTION;
            }

            continue;
        }

        if (pages++ == NGX_FAKA_RECONCILE_PAGES
            || !ngx_faka_reconcile_page(worker, channel, turn))
        {
            return;
        }
    }
}


/* 0: there is nothing more to do in this tick. */

static ngx_uint_t
ngx_faka_reconcile_page(ngx_faka_worker_t *worker,
    const pay_channel_t *channel, ngx_faka_turn_t *turn)
{
    uint32_t   after_s;
    fk_code_t  code;

    turn->next = 0;
    turn->page_count = 0;

    if (turn->last_page) {
        turn->last_page = 0;
        turn->turning = 0;
    }

    if (!turn->turning) {

        if (!ngx_faka_turn_is_due(turn->began_s, NGX_FAKA_RECONCILE_TURN_S)) {
            return 0;
        }

        turn->turning = 1;
        turn->cursor = 0;
        turn->before_s = ngx_min(turn->began_s,
                                 ngx_time() - NGX_FAKA_RECONCILE_TURN_S);
        turn->began_s = ngx_time();
    }

    /* Older ones have had their last question, a fourth of that ago. */

    after_s = (uint32_t) (turn->began_s
                          - (time_t) (worker->shop->reconcile_s
                                      << (2 * NGX_FAKA_RECONCILE_LATE)));

    turn->page_count = NGX_FAKA_RECONCILE_PAGE;
    code = fk_unpaid_list(&worker->fk,
                          (fk_str_t) { channel->name.data,
                                       channel->name.size },
                          after_s, &turn->cursor, turn->page,
                          &turn->page_count);

    turn->last_page = code == FK_OK && turn->cursor == 0;

    return code == FK_OK;
}


/* NGX_OK: asked.  NGX_DECLINED: it is not due.  NGX_BUSY: not now. */

static ngx_int_t
ngx_faka_reconcile_order(ngx_faka_worker_t *worker,
    const fk_order_view_t *order, const ngx_faka_turn_t *turn)
{
    ngx_uint_t       interval_s;
    ngx_faka_ask_t  *ask;

    interval_s = worker->shop->reconcile_s;

    if (ngx_faka_reconcile_points(order, interval_s, turn->began_s)
        <= ngx_faka_reconcile_points(order, interval_s, turn->before_s))
    {
        return NGX_DECLINED;
    }

    ask = ngx_faka_ask_create(worker, order, PAY_ASK_QUERY);

    return ask != NULL
           ? ngx_faka_ask_send(ask, ngx_faka_reconcile_answered, NULL)
           : NGX_DECLINED;
}


/* How many questions were due about an order by then. */

static ngx_uint_t
ngx_faka_reconcile_points(const fk_order_view_t *order,
    ngx_uint_t interval_s, time_t at_s)
{
    time_t      created_s, late_s;
    ngx_uint_t  i, points;

    created_s = (time_t) (order->created_ms / 1000);

    if (at_s <= created_s) {
        return 0;
    }

    points = (ngx_min(at_s, (time_t) order->expires_s) - created_s)
             / (time_t) interval_s;

    late_s = (time_t) interval_s;

    for (i = 0; i < NGX_FAKA_RECONCILE_LATE; i++) {
        points += at_s >= (time_t) order->expires_s + late_s;
        late_s *= 4;
    }

    return points;
}


static void
ngx_faka_reconcile_answered(ngx_faka_ask_t *ask, const pay_answer_t *answer)
{
    switch (answer->code) {

    case PAY_ANSWER_PAID:
    case PAY_ANSWER_ODD_AMOUNT:
        ngx_faka_reconcile_book(ask, answer);
        return;

    case PAY_ANSWER_UNPAID:
        ngx_faka_reconcile_close(ask);
        return;

    default:
        return;
    }
}


static void
ngx_faka_reconcile_book(ngx_faka_ask_t *ask, const pay_answer_t *answer)
{
    fk_code_t          code;
    ngx_faka_money_t   money;

    ngx_memzero(&money, sizeof(ngx_faka_money_t));
    money.channel = ask->channel;
    money.fact = answer->fact;
    money.odd = answer->code == PAY_ANSWER_ODD_AMOUNT;
    money.source = "found by asking";
    money.from.data = (u_char *) ask->channel->name.data;
    money.from.len = ask->channel->name.size;

    /* Whatever the answer names, the question was about this order. */

    if (ngx_strlen(answer->fact.order_no) != FK_ORDER_TEXT_SIZE
        || ngx_memcmp(answer->fact.order_no, ask->order_no,
                      FK_ORDER_TEXT_SIZE) != 0)
    {
        ngx_faka_book_log(&money, NGX_LOG_ERR, "refused: ",
                          "the answer is about another order");
        return;
    }

    code = ngx_faka_may_write(ask->worker->shop);

    if (code == FK_OK) {
        code = ngx_faka_book(ask->worker, &money);
    }

    if (code != FK_OK) {
        ngx_faka_book_log(&money, NGX_LOG_ERR, "refused: ",
                          fk_code_info[code].word);
    }
}


static void
ngx_faka_reconcile_close(ngx_faka_ask_t *ask)
{
    ngx_faka_ask_t   *close;
    fk_order_view_t   order;

    if (fk_order_get(&ask->worker->fk, &ask->order.id, &order) != FK_OK
        || (order.status != FK_STATUS_EXPIRED
            && order.status != FK_STATUS_CANCELLED))
    {
        return;
    }

    close = ngx_faka_ask_create(ask->worker, &order, PAY_ASK_CLOSE);

    if (close != NULL) {
        (void) ngx_faka_ask_send(close, ngx_faka_reconcile_closed, NULL);
    }
}


/* Whatever it says: the order is asked about again, and closed again if the
 * gateway still takes money for it. */

static void
ngx_faka_reconcile_closed(ngx_faka_ask_t *ask, const pay_answer_t *answer)
{
}

/*
 * Refunds without a person: what became of those that were asked for, and,
 * with auto_refund, all that is owed, and orders that waited too long for
 * stock.
 *
 * A refund that a worker had asked for when it died, or whose answer was lost,
 * is asked about, or for once more, until it has an end, where the gateway
 * knows refunds by our number: an interval after it was found, and then after
 * times that double, for what a gateway does not do or know now, it will
 * hardly do in a moment.
 * Where it does not know refunds by our number, one may have been done and
 * must not be asked for again: it waits for a person.  For the same reason
 * only the former are asked for by themselves.
 */

#include "ngx_faka_reconcile.h"


/* By then a refund that was under way when its call ended has an end. */
#define NGX_FAKA_OWED_BLIND_S  60


static ngx_uint_t ngx_faka_owed_page(ngx_faka_worker_t *worker,
    const pay_channel_t *channel, ngx_faka_owed_turn_t *turn);
static ngx_int_t ngx_faka_owed_step(ngx_faka_worker_t *worker,
    const fk_owed_t *owed, ngx_faka_owed_wait_t *waits);
static ngx_uint_t ngx_faka_owed_is_due(const ngx_faka_owed_wait_t *wait);
static ngx_faka_owed_wait_t *ngx_faka_owed_wait(ngx_faka_owed_wait_t *waits,
    const fk_owed_t *owed, time_t interval_s);
static ngx_uint_t ngx_faka_owed_wait_is_over(
    const ngx_faka_owed_wait_t *wait);
static void ngx_faka_owed_begin(ngx_faka_worker_t *worker,
    const fk_owed_t *owed, fk_order_view_t *order);
static void ngx_faka_short_give_up(ngx_faka_worker_t *worker,
    const fk_order_view_t *order);


void
ngx_faka_reconcile_owed(ngx_faka_worker_t *worker,
    const pay_channel_t *channel, ngx_faka_owed_turn_t *turn,
    ngx_faka_owed_wait_t waits[NGX_FAKA_OWED_WAITS_MAX],
    ngx_faka_tokens_t *tokens)
{
    ngx_int_t   rc;
    ngx_uint_t  pages;

    if (channel->protocol->refunds_again) {
        return;
    }

    pages = 0;

    while (*tokens >= NGX_FAKA_QUESTION) {

        if (turn->next < turn->page_count) {
            rc = ngx_faka_owed_step(worker, &turn->page[turn->next], waits);

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
            || !ngx_faka_owed_page(worker, channel, turn))
        {
            return;
        }
    }
}


/* 0: there is nothing more to do in this tick. */

static ngx_uint_t
ngx_faka_owed_page(ngx_faka_worker_t *worker, const pay_channel_t *channel,
    ngx_faka_owed_turn_t *turn)
{
    fk_code_t  code;
    fk_str_t   name;

    turn->next = 0;
    turn->page_count = 0;

    if (!turn->turning) {

        if (!ngx_faka_turn_is_due(turn->began_s,
                                  ngx_max((time_t) worker->shop->reconcile_s,
                                          NGX_FAKA_RECONCILE_TURN_S)))
        {
            return 0;
        }

        turn->turning = 1;
        turn->cursor = 0;
        turn->began_s = ngx_time();
    }

    name = (fk_str_t) { channel->name.data, channel->name.size };
    turn->page_count = NGX_FAKA_RECONCILE_PAGE;
    code = fk_owed_list(&worker->fk, name, &turn->cursor, turn->page,
                        &turn->page_count);

    if (code == FK_OK && turn->cursor == 0) {
        turn->turning = 0;
    }

    return code == FK_OK && turn->page_count != 0;
}


/* NGX_OK: the gateway was asked.  NGX_DECLINED: it need not be.  NGX_BUSY: not
 * now. */

static ngx_int_t
ngx_faka_owed_step(ngx_faka_worker_t *worker, const fk_owed_t *owed,
    ngx_faka_owed_wait_t *waits)
{
    time_t                 interval_s;
    ngx_int_t              rc;
    ngx_uint_t             asked;
    ngx_faka_ask_t        *ask;
    fk_order_view_t        order;
    ngx_faka_owed_wait_t  *wait;

    asked = owed->payment.state == FK_PAYMENT_STATE_ASKED;

    if ((!asked && !worker->shop->auto_refund)
        || ngx_faka_refund_is_reused(owed->payment.trade_no)
        || fk_order_get(&worker->fk, &owed->id, &order) != FK_OK
        || ngx_faka_ask_find(worker, &owed->id, PAY_ASK_REFUND) != NULL
        || ngx_faka_ask_find(worker, &owed->id, PAY_ASK_REFUND_QUERY) != NULL)
    {
        return NGX_DECLINED;
    }

    interval_s = worker->shop->reconcile_s;

    if (ngx_faka_refund_is_blind(worker->shop, order.channel)) {
        interval_s = ngx_max(interval_s, NGX_FAKA_OWED_BLIND_S);
    }

    wait = ngx_faka_owed_wait(waits, owed, asked ? interval_s : 0);

    if (wait != NULL && !ngx_faka_owed_is_due(wait)) {
        return NGX_DECLINED;
    }

    if (!asked) {
        ngx_faka_owed_begin(worker, owed, &order);
        return NGX_DECLINED;
    }

    rc = ngx_faka_refund_send(worker, &order, &owed->payment, owed->number, 1,
                              &ask);

    if (rc == NGX_OK && wait != NULL) {
        wait->wait_s = ngx_max(wait->wait_s, interval_s);
        wait->next_s = ngx_time() + wait->wait_s;
        wait->wait_s = ngx_min(2 * wait->wait_s, NGX_FAKA_OWED_WAIT_S_MAX);
    }

    return rc;
}


/* Also where the clock was set back since. */

static ngx_uint_t
ngx_faka_owed_is_due(const ngx_faka_owed_wait_t *wait)
{
    return ngx_time() >= wait->next_s
           || wait->next_s - ngx_time() > NGX_FAKA_OWED_WAIT_S_MAX;
}


/*
 * The one of this payment, or, if there is room, a new one, first due after
 * the interval: what is found to be asked for, another worker may be about to
 * ask, or to take back.
 */

static ngx_faka_owed_wait_t *
ngx_faka_owed_wait(ngx_faka_owed_wait_t *waits, const fk_owed_t *owed,
    time_t interval_s)
{
    ngx_uint_t             i;
    ngx_faka_owed_wait_t  *room;

    room = NULL;

    for (i = 0; i < NGX_FAKA_OWED_WAITS_MAX; i++) {

        if (waits[i].number == owed->number
            && ngx_memcmp(waits[i].id.bytes, owed->id.bytes, FK_ORDER_ID_SIZE)
               == 0)
        {
            return &waits[i];
        }

        if (room == NULL && ngx_faka_owed_wait_is_over(&waits[i])) {
            room = &waits[i];
        }
    }

    if (room != NULL) {
        room->id = owed->id;
        room->number = owed->number;
        room->wait_s = interval_s;
        room->next_s = ngx_time() + interval_s;
    }

    return room;
}


/* It was due, and as long ago again nobody had to ask: its refund has an
 * end. */

static ngx_uint_t
ngx_faka_owed_wait_is_over(const ngx_faka_owed_wait_t *wait)
{
    return wait->number == 0
           || (ngx_faka_owed_is_due(wait)
               && ngx_time() >= wait->next_s + wait->wait_s
                                + 2 * NGX_FAKA_RECONCILE_TURN_S);
}


/* The next turn asks for it: by then that it will is on record. */

static void
ngx_faka_owed_begin(ngx_faka_worker_t *worker, const fk_owed_t *owed,
    fk_order_view_t *order)
{
    fk_env_t  env;
    fk_str_t  trade_no;

    if (!ngx_faka_refund_may(worker, &owed->id)) {
        return;
    }

    ngx_faka_env(&env);
    trade_no = (fk_str_t) { (const uint8_t *) owed->payment.trade_no,
                            ngx_strlen(owed->payment.trade_no) };

    (void) (owed->payment.owed == 0
            || ngx_faka_refund_is_local(worker->shop, order->channel)
            ? ngx_faka_refund_done(worker, &owed->id, trade_no, order)
            : fk_refund_ask(&worker->fk, &env, &owed->id, trade_no, order));

    ngx_faka_journal_kick(worker->journal);
}


/* --- orders that wait for stock ------------------------------------------ */

void
ngx_faka_reconcile_shorts(ngx_faka_worker_t *worker,
    ngx_faka_short_turn_t *turn)
{
    uint32_t           i, n;
    fk_order_view_t    orders[NGX_FAKA_RECONCILE_PAGE];
    fk_order_filter_t  filter;

    if (worker->shop->refund_short_s == 0) {
        return;
    }

    if (!turn->turning) {

        if (!ngx_faka_turn_is_due(turn->began_s, NGX_FAKA_RECONCILE_TURN_S)) {
            return;
        }

        turn->turning = 1;
        turn->cursor = 0;
        turn->began_s = ngx_time();
    }

    ngx_memzero(&filter, sizeof(fk_order_filter_t));
    filter.status = FK_STATUS_WAITING_FOR_STOCK;
    n = NGX_FAKA_RECONCILE_PAGE;

    if (fk_order_list(&worker->fk, &filter, &turn->cursor, orders, &n)
        != FK_OK)
    {
        return;
    }

    turn->turning = turn->cursor != 0;

    for (i = 0; i < n; i++) {
        if ((time_t) orders[i].paid_s + (time_t) worker->shop->refund_short_s
            <= ngx_time())
        {
            ngx_faka_short_give_up(worker, &orders[i]);
        }
    }
}


static void
ngx_faka_short_give_up(ngx_faka_worker_t *worker,
    const fk_order_view_t *order)
{
    char             text[FK_ORDER_TEXT_SIZE];
    fk_env_t         env;
    fk_order_view_t  view;

    ngx_faka_env(&env);

    /* It may have been served a moment ago: then there is nothing to give
     * up. */

    if (fk_decide(&worker->fk, &env, &order->id, FK_EVENT_GIVE_UP, &view)
        != FK_OK)
    {
        return;
    }

    ngx_faka_journal_kick(worker->journal);
    fk_order_id_text(&order->id, text);

    ngx_log_error(NGX_LOG_WARN, worker->log, 0,
                  "faka: order %*s has waited for stock for too long: its "
                  "money is owed", sizeof(text), text);
}

/*
 * Money that a gateway proved becomes a payment of its order.
 *
 * The engine decides where it goes; here rules are asked first, and what a
 * person has to do is said in the log, once: when it is booked, not when it
 * is durable, for what comes again then is a duplicate.
 */

#include "ngx_faka_gateway.h"
#include "ngx_faka_rules.h"
#include "ngx_faka_stray.h"


/* What a person has to look at is an error in the log, and what he does then;
 * by fk_pay_result_t. */

static const struct {
    ngx_uint_t   level;
    const char  *advice;
} ngx_faka_book_results[FK_PAY_COUNT] = {
    [FK_PAY_DELIVERED] = { NGX_LOG_INFO, "" },
    [FK_PAY_WAITING] = { NGX_LOG_WARN, ": import cards, or POST .../deny" },
    [FK_PAY_REVIEW] = { NGX_LOG_ERR, ": POST .../approve, or .../deny" },
    [FK_PAY_EXTRA] = { NGX_LOG_ERR, ": give it back at the gateway, then "
                                    "POST .../refunded" },
    [FK_PAY_DUPLICATE] = { NGX_LOG_INFO, "" },
    [FK_PAY_REUSED] = { NGX_LOG_ERR, ": another order has its number: look "
                        "at the gateway whether both were paid, then POST "
                        ".../approve, .../deny or .../refunded" }
};

/* What one does of whom the gateway gave money back by itself; a payment that
 * is known is looked at first. */

static const char *const  ngx_faka_book_returned[FK_PAY_COUNT] = {
    [FK_PAY_REVIEW] = ": POST .../deny, then .../refunded; .../approve "
                      "delivers all the same",
    [FK_PAY_EXTRA] = ": POST .../refunded",
    [FK_PAY_REUSED] = ", and another order has its number: "
                      "GET /admin/orders/ORDER"
};


static ngx_uint_t ngx_faka_book_is_other(ngx_faka_worker_t *worker,
    const ngx_faka_money_t *money);
static fk_code_t ngx_faka_book_pay(ngx_faka_worker_t *worker,
    const fk_env_t *env, ngx_faka_money_t *money, fk_pay_t *pay);
static void ngx_faka_book_say(ngx_faka_worker_t *worker,
    const ngx_faka_money_t *money);
static void ngx_faka_book_say_returned(ngx_faka_worker_t *worker,
    const ngx_faka_money_t *money);


fk_code_t
ngx_faka_book(ngx_faka_worker_t *worker, ngx_faka_money_t *money)
{
    fk_pay_t     pay;
    fk_env_t     env;
    fk_code_t    code;
    ngx_uint_t   other;
    pay_fact_t  *fact;

    fact = &money->fact;

    code = fk_order_id_parse(&money->id, (const uint8_t *) fact->order_no,
                             ngx_strlen(fact->order_no));
    if (code != FK_OK) {
        return code;
    }

    other = ngx_faka_book_is_other(worker, money);

    ngx_memzero(&pay, sizeof(fk_pay_t));
    pay.id = money->id;
    pay.channel = (fk_str_t) { money->channel->name.data,
                               money->channel->name.size };
    pay.trade_no = (fk_str_t) { (const uint8_t *) fact->trade_no,
                                ngx_strlen(fact->trade_no) };
    pay.amount = fact->amount;
    pay.odd = money->odd || other;
    pay.returned = money->returned != 0;
    ngx_memcpy(pay.currency, fact->currency, FK_CURRENCY_SIZE);

    ngx_faka_env(&env);

    /* What went back pays nothing, so there is nothing to ask rules about. */
    pay.split.flagged = 1;

    if (!money->returned) {
        code = ngx_faka_rules_payment(worker, &env, &pay);
    }

    if (code == FK_OK) {
        code = ngx_faka_book_pay(worker, &env, money, &pay);
    }

    if (code != FK_OK) {
        return code;
    }

    ngx_faka_journal_kick(worker->journal);

    if (!money->returned) {
        ngx_faka_stray_booked(worker, money->channel->name, fact->trade_no,
                              fact->order_no, money->order.seq);
    }

    if (money->result != FK_PAY_DUPLICATE && !money->returned) {
        ngx_faka_rules_paid(worker, &env, &money->order);

        if (other) {
            ngx_faka_book_log(money, NGX_LOG_ERR, "not of the payment that "
                              "was begun for it, but of ", fact->ref);
        }
    }

    /* What went back of a payment that is known is no payment. */

    if (!(money->returned && money->result == FK_PAY_DUPLICATE)) {
        fk_stat_add(&worker->fk, NGX_FAKA_STAT_NOTIFY_RESULT + money->result,
                    1);
    }

    ngx_faka_book_say(worker, money);

    return FK_OK;
}


/*
 * Whether the gateway names another payment than the one that was begun for
 * this order: whoever began that has chosen what was paid for.
 */

static ngx_uint_t
ngx_faka_book_is_other(ngx_faka_worker_t *worker,
    const ngx_faka_money_t *money)
{
    size_t         size;
    uint8_t        text[FK_START_SIZE_MAX];
    pay_started_t  started;

    return money->fact.ref[0] != '\0'
           && fk_order_start_get(&worker->fk, &money->id, text, &size)
              == FK_OK
           && pay_started_read(&started, pay_str(text, size))
           && started.ref[0] != '\0'
           && ngx_strcmp(started.ref, money->fact.ref) != 0;
}


/* Money is not dropped for what rules or accounts make of it. */

static fk_code_t
ngx_faka_book_pay(ngx_faka_worker_t *worker, const fk_env_t *env,
    ngx_faka_money_t *money, fk_pay_t *pay)
{
    fk_code_t  code;

    code = fk_pay(&worker->fk, env, pay, &money->result, &money->order);

    if (code != FK_INVALID || pay->split.flagged) {
        return code;
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "faka: the split of order %s is not possible; it is paid "
                  "without", money->fact.order_no);
    pay->split.count = 0;
    pay->split.flagged = 1;

    return fk_pay(&worker->fk, env, pay, &money->result, &money->order);
}


static void
ngx_faka_book_say(ngx_faka_worker_t *worker, const ngx_faka_money_t *money)
{
    if (money->returned) {
        ngx_faka_book_say_returned(worker, money);
        return;
    }

    ngx_faka_book_log(money, ngx_faka_book_results[money->result].level,
                      fk_pay_result_word[money->result],
                      ngx_faka_book_results[money->result].advice);
}


/* What was asked for here is no news, nor what is said again. */

static void
ngx_faka_book_say_returned(ngx_faka_worker_t *worker,
    const ngx_faka_money_t *money)
{
    ngx_uint_t          level;
    const char         *more;
    fk_payment_view_t   payment;

    level = NGX_LOG_ERR;
    more = ngx_faka_book_returned[money->result];

    if (money->result == FK_PAY_DUPLICATE) {
        payment.state = FK_PAYMENT_STATE_APPLIED;
        (void) ngx_faka_refund_payment(worker, &money->id,
                                       money->fact.trade_no, &payment);

        switch (payment.state) {

        case FK_PAYMENT_STATE_ASKED:
        case FK_PAYMENT_STATE_REFUNDED:
            level = NGX_LOG_INFO;
            more = ", as it was told to";
            break;

        case FK_PAYMENT_STATE_REFUND_DUE:
            more = ": POST .../refunded";
            break;

        default:
            if (money->order.status == FK_STATUS_UNDER_REVIEW) {
                level = NGX_LOG_INFO;
                more = ", and its order waits for a person already";

            } else {
                more = ": it is delivered; POST .../refunds with the amount, "
                       "and, to take its cards back, .../refund";
            }
        }
    }

    ngx_faka_book_log(money, level, "the gateway gave money back", more);
}


void
ngx_faka_book_log(const ngx_faka_money_t *money, ngx_uint_t level,
    const char *text, const char *more)
{
    const pay_fact_t  *fact;

    fact = &money->fact;

    ngx_log_error(level, ngx_cycle->log, 0,
                  "faka: payment %s of %L %s for order %s: %s%s, %s: %V",
                  fact->trade_no, fact->amount, fact->currency,
                  fact->order_no, text, more, money->source, &money->from);
}

/*
 * The rules at a payment, when a person approves an order, and when commission
 * is asked for afterwards: whether somebody looks first, and who gets it.
 *
 * They are asked about what changes something: a notice that comes again, or
 * money for an order that is paid, asks nobody.  What cannot be looked up just
 * now is not taken for "there is none": the caller gets the code, and whoever
 * called comes again.
 */

#include "ngx_faka_order.h"
#include "ngx_faka_rules.h"


static void ngx_faka_rules_unsplit(ngx_faka_worker_t *worker,
    fk_split_t *split);
static fk_code_t ngx_faka_rules_news(ngx_faka_worker_t *worker,
    const fk_order_view_t *order, const fk_pay_t *pay);
static fk_code_t ngx_faka_rules_money(ngx_faka_rules_t *rules,
    ngx_uint_t states, fk_split_t *split);
static fk_code_t ngx_faka_rules_look(ngx_faka_rules_t *rules,
    const fk_env_t *env, const fk_order_id_t *id, fk_order_view_t *order,
    fk_product_view_t *product);
static fk_code_t ngx_faka_rules_show(ngx_faka_rules_t *rules);
static fk_code_t ngx_faka_rules_split(ngx_faka_rules_t *rules,
    const ngx_faka_sale_t *sale, int64_t paid, fk_split_t *split);
static ngx_uint_t ngx_faka_rules_splits_differ(const fk_split_t *a,
    const fk_split_t *b);


fk_code_t
ngx_faka_rules_payment(ngx_faka_worker_t *worker, const fk_env_t *env,
    fk_pay_t *pay)
{
    fk_code_t           code;
    fk_order_view_t     order;
    ngx_faka_sale_t    *sale;
    ngx_faka_rules_t   *rules;
    fk_product_view_t   product;

    rules = worker->rules;
    rules->found = 0;
    sale = &rules->sale;

    ngx_faka_rules_unsplit(worker, &pay->split);

    code = ngx_faka_rules_look(rules, env, &pay->id, &order, &product);

    if (code == FK_OK) {
        code = ngx_faka_rules_news(worker, &order, pay);
    }

    if (code == FK_OK) {
        code = ngx_faka_rules_show(rules);
    }

    /* The engine says what becomes of it. */
    if (code == FK_NOT_FOUND || code == FK_EXISTS) {
        return FK_OK;
    }

    if (code != FK_OK) {
        return code;
    }

    if (rules->asks) {
        ngx_faka_risk_payment(rules, ngx_faka_rules_choose(rules,
                                                           sale->contact),
                              sale, pay);
    }

    /* Of another sum nothing is split before a person has said yes. */
    if (pay->odd || pay->amount != order.amount) {
        return FK_OK;
    }

    return ngx_faka_rules_split(rules, sale, pay->amount, &pay->split);
}


/* What counts if it makes the order paid after all, without a rule: between
 * the look and the transaction another worker may have changed it. */

static void
ngx_faka_rules_unsplit(ngx_faka_worker_t *worker, fk_split_t *split)
{
    ngx_memzero(split, sizeof(fk_split_t));
    split->settle_s = (uint32_t) worker->shop->settle_after_s;
    split->flagged = 1;
}


/* FK_EXISTS: this payment is known, or the order needs none. */

static fk_code_t
ngx_faka_rules_news(ngx_faka_worker_t *worker, const fk_order_view_t *order,
    const fk_pay_t *pay)
{
    uint32_t            i, n;
    fk_code_t           code;
    fk_payment_view_t   payment[FK_ORDER_PAYMENTS_MAX];

    if (order->axes.payment != FK_PAYMENT_UNPAID) {
        return FK_EXISTS;
    }

    /* Unpaid and under review: it has had money, of another sum. */
    if (order->axes.delivery != FK_DELIVERY_REVIEW) {
        return FK_OK;
    }

    n = FK_ORDER_PAYMENTS_MAX;
    code = fk_order_payments(&worker->fk, &order->id, payment, &n);

    for (i = 0; i < n; i++) {
        if (ngx_strlen(payment[i].trade_no) == pay->trade_no.size
            && ngx_memcmp(payment[i].trade_no, pay->trade_no.data,
                          pay->trade_no.size) == 0)
        {
            return FK_EXISTS;
        }
    }

    return code;
}


fk_code_t
ngx_faka_rules_approval(ngx_faka_worker_t *worker, const fk_env_t *env,
    const fk_order_id_t *id, fk_split_t *split)
{
    fk_code_t          code;
    fk_order_view_t    order;
    fk_product_view_t  product;

    ngx_faka_rules_unsplit(worker, split);

    code = ngx_faka_rules_look(worker->rules, env, id, &order, &product);

    /* What is paid has been split with its payment. */
    if (code != FK_OK || order.axes.delivery != FK_DELIVERY_REVIEW
        || order.axes.payment != FK_PAYMENT_UNPAID)
    {
        return code;
    }

    return ngx_faka_rules_money(worker->rules,
                                1u << FK_PAYMENT_STATE_REVIEW
                                | 1u << FK_PAYMENT_STATE_APPLIED, split);
}


/* What is under review beside the money of a paid order is not its. */

fk_code_t
ngx_faka_rules_commission(ngx_faka_worker_t *worker, const fk_env_t *env,
    const fk_order_id_t *id, fk_split_t *split)
{
    fk_code_t          code;
    fk_order_view_t    order;
    fk_product_view_t  product;

    ngx_faka_rules_unsplit(worker, split);

    code = ngx_faka_rules_look(worker->rules, env, id, &order, &product);

    if (code != FK_OK || !order.flagged
        || order.axes.payment != FK_PAYMENT_PAID)
    {
        return code;
    }

    return ngx_faka_rules_money(worker->rules, 1u << FK_PAYMENT_STATE_APPLIED,
                                split);
}


/* The split of an order's payments that are in one of these states, and of no
 * other sum: the next one may come before it is booked. */

static fk_code_t
ngx_faka_rules_money(ngx_faka_rules_t *rules, ngx_uint_t states,
    fk_split_t *split)
{
    int64_t            paid;
    uint32_t           i, n;
    fk_code_t          code;
    fk_payment_view_t  payment[FK_ORDER_PAYMENTS_MAX];

    n = FK_ORDER_PAYMENTS_MAX;
    code = ngx_faka_rules_show(rules);

    if (code == FK_OK) {
        code = fk_order_payments(&rules->worker->fk, &rules->order, payment,
                                 &n);
    }

    if (code != FK_OK) {
        return code;
    }

    paid = 0;

    for (i = 0; i < n; i++) {
        if (states >> payment[i].state & 1) {
            paid += payment[i].amount;
        }
    }

    code = ngx_faka_rules_split(rules, &rules->sale, paid, split);
    split->paid = paid;

    return code;
}


/* The order, and in rules->sale what is known of it and its buyer. */

static fk_code_t
ngx_faka_rules_look(ngx_faka_rules_t *rules, const fk_env_t *env,
    const fk_order_id_t *id, fk_order_view_t *order,
    fk_product_view_t *product)
{
    fk_code_t         code;
    fk_str_t          contact;
    ngx_faka_sale_t  *sale;

    sale = &rules->sale;
    rules->order = *id;
    rules->env = *env;

    ngx_memzero(sale, sizeof(ngx_faka_sale_t));

    code = fk_sale_order(&rules->worker->fk, env, id, order, product,
                         &sale->has_key, sale->key, &sale->buyer);
    if (code != FK_OK) {
        return code;
    }

    contact = (fk_str_t) { order->contact, order->contact_size };

    sale->product = product;
    sale->order = order;
    sale->contact = ngx_faka_contact(contact, rules->contact);
    sale->coupon = (fk_str_t) { (const uint8_t *) order->coupon,
                                ngx_strlen(order->coupon) };
    sale->agent = (fk_str_t) { (const uint8_t *) order->agent,
                               ngx_strlen(order->agent) };
    sale->qty = order->qty;
    ngx_memcpy(sale->step, order->step, sizeof(sale->step));

    return FK_OK;
}


/* What the hooks see of it, in rules->input.  An order from before its shop
 * knew its buyers has no number of its own. */

static fk_code_t
ngx_faka_rules_show(ngx_faka_rules_t *rules)
{
    fk_code_t           code;
    ngx_faka_sale_t    *sale;
    ngx_faka_worker_t  *worker;

    sale = &rules->sale;
    worker = rules->worker;
    code = FK_OK;

    if (worker->shop->buyer_history && !sale->has_key) {
        code = ngx_faka_buyer_key(worker, sale->contact, sale->key);
        sale->has_key = code == FK_OK;

        if (code == FK_OK) {
            code = fk_buyer_get(&worker->fk, sale->key, &sale->buyer);
        }
    }

    ngx_faka_rules_begin(rules);
    ngx_faka_rules_input(rules);

    return code;
}


/* The shadow is asked first: what the split points to is of the last one. */

static fk_code_t
ngx_faka_rules_split(ngx_faka_rules_t *rules, const ngx_faka_sale_t *sale,
    int64_t paid, fk_split_t *split)
{
    char                       text[FK_ORDER_TEXT_SIZE];
    uint32_t                   version;
    fk_code_t                  code;
    fk_split_t                 other;
    ngx_uint_t                 shadow;
    ngx_faka_rules_variant_t   variant;

    shadow = ngx_faka_rules_shadows(rules);
    variant = ngx_faka_rules_choose(rules, sale->contact);
    version = rules->version[variant];
    rules->asked = 0;

    if (shadow) {
        code = ngx_faka_commission(rules, NGX_FAKA_RULES_CANARY, sale, paid,
                                   &other);
        if (code != FK_OK) {
            return code;
        }
    }

    code = ngx_faka_commission(rules, variant, sale, paid, split);

    if (code != FK_OK || !rules->asked) {
        return code;
    }

    if (shadow) {
        ngx_faka_rules_compared(rules, FL_HOOK_COMMISSION,
                                ngx_faka_rules_splits_differ(&other, split));
    }

    if (sale->order->rules != version) {
        fk_order_id_text(&sale->order->id, text);
        ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                      "faka: order %*s was made by the rules %08xD, its "
                      "commission is by %08xD", sizeof(text), text,
                      sale->order->rules, version);
    }

    return FK_OK;
}


/* With rules, what they were asked about the price is there still. */

fk_code_t
ngx_faka_rules_prepaid(ngx_faka_worker_t *worker, const fk_env_t *env,
    const fk_product_view_t *product, const fk_buyer_view_t *buyer,
    const fk_checkout_t *in, int64_t paid, fk_split_t *split)
{
    fk_code_t          code;
    fk_order_view_t    order;
    ngx_faka_sale_t   *sale;
    ngx_faka_rules_t  *rules;

    rules = worker->rules;
    sale = &rules->sale;
    ngx_memzero(&order, sizeof(fk_order_view_t));
    order.id = in->id;
    order.created_ms = env->now_ms;
    order.rules = in->rules;

    if (!rules->asks) {
        ngx_memzero(sale, sizeof(ngx_faka_sale_t));
        rules->env = *env;
        rules->order = in->id;
        sale->product = product;
        sale->contact = ngx_faka_contact(in->contact, rules->contact);
        sale->agent = in->agent;
        sale->qty = in->qty;
        sale->buyer = *buyer;
        ngx_faka_rules_begin(rules);
    }

    sale->order = &order;
    sale->has_key = in->has_buyer;
    ngx_memcpy(sale->key, in->buyer, sizeof(sale->key));

    ngx_faka_rules_input(rules);
    code = ngx_faka_rules_split(rules, sale, paid, split);
    sale->order = NULL;

    if (code != FK_OK) {
        return code;
    }

    split->paid = paid;

    return split->flagged ? FK_PRICE : FK_OK;
}


static ngx_uint_t
ngx_faka_rules_splits_differ(const fk_split_t *a, const fk_split_t *b)
{
    uint32_t  i;

    if (a->flagged != b->flagged || a->count != b->count) {
        return 1;
    }

    for (i = 0; i < a->count; i++) {
        if (a->line[i].amount != b->line[i].amount
            || a->line[i].account.data != b->line[i].account.data)
        {
            return 1;
        }
    }

    return 0;
}


void
ngx_faka_rules_paid(ngx_faka_worker_t *worker, const fk_env_t *env,
    const fk_order_view_t *order)
{
    fk_str_t           contact;
    ngx_faka_rules_t  *rules;

    rules = worker->rules;
    ngx_faka_risk_found(rules);

    if (!rules->counts) {
        return;
    }

    /* Nobody was asked about it, or it was not there yet. */
    if (rules->sale.contact.size == 0
        || ngx_memcmp(&rules->order, &order->id, sizeof(fk_order_id_t)) != 0)
    {
        contact = (fk_str_t) { order->contact, order->contact_size };
        ngx_memzero(&rules->sale, sizeof(ngx_faka_sale_t));
        rules->sale.contact = ngx_faka_contact(contact, rules->contact);
    }

    fk_rate_add(&worker->fk, env, FK_RATE_PAID,
                ngx_faka_rules_rate(rules, FK_RATE_PAID));
}

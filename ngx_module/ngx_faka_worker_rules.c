/*
 * The operator's rules in a worker: one VM for the rules, one for those that
 * are to follow them, and the price.
 *
 * A rule proposes.  Without an answer the documented default is taken, one
 * line says why, with the rule's file and line, and a number counts it.  The
 * canary is applied to a share of the buyers, always the same ones; or, as a
 * shadow, to nobody, and only compared.
 */

#include "ngx_faka_order.h"
#include "ngx_faka_rules.h"


static fl_t *ngx_faka_rules_vm(ngx_faka_rules_t *rules,
    const ngx_faka_rules_file_t *file);
static ngx_faka_rules_variant_t ngx_faka_rules_choose(
    const ngx_faka_rules_t *rules, fk_str_t contact);
static fl_code_t ngx_faka_rules_price(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, int64_t *total);
static void ngx_faka_rules_price_shadow(ngx_faka_rules_t *rules,
    const ngx_faka_sale_t *sale, int64_t total);
static void ngx_faka_rules_steps(ngx_faka_sale_t *sale);
static int64_t ngx_faka_rules_coupon(ngx_faka_worker_t *worker,
    const ngx_faka_sale_t *sale);
static void ngx_faka_rules_buyer(ngx_faka_worker_t *worker,
    ngx_faka_sale_t *sale);
static fk_code_t ngx_faka_rules_look(ngx_faka_worker_t *worker,
    const fk_env_t *env, const fk_order_id_t *id, fk_order_view_t *order,
    fk_product_view_t *product, ngx_faka_sale_t *sale);
static void ngx_faka_rules_sold(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, const int64_t *step, int64_t total);


ngx_int_t
ngx_faka_rules_start(ngx_cycle_t *cycle, ngx_faka_worker_t *worker)
{
    ngx_uint_t                    i;
    ngx_faka_shop_t              *shop;
    ngx_faka_rules_t             *rules;
    const ngx_faka_rules_file_t  *file;

    shop = worker->shop;

    rules = ngx_pcalloc(cycle->pool, sizeof(ngx_faka_rules_t));
    if (rules == NULL) {
        return NGX_ERROR;
    }

    rules->worker = worker;
    rules->asks = shop->rules[NGX_FAKA_RULES_MAIN].source.len != 0
                  || shop->rules[NGX_FAKA_RULES_CANARY].source.len != 0
                  || shop->review_over != 0 || shop->review_first
                  || shop->order_limits.nelts != 0
                  || shop->block_networks.nelts != 0
                  || shop->block_domains.nelts != 0;
    rules->counts = shop->order_limits.nelts != 0;

    for (i = 0; i < NGX_FAKA_RULES_COUNT; i++) {
        file = &shop->rules[i];

        if (file->source.len == 0) {
            continue;
        }

        rules->version[i] = fl_version_of(file->source.data,
                                          file->source.len);
        rules->vm[i] = ngx_faka_rules_vm(rules, file);

        if (rules->vm[i] == NULL) {
            return NGX_ERROR;
        }

        rules->counts |= (ngx_uint_t) fl_has(rules->vm[i], FL_HOOK_RISK);
    }

    worker->rules = rules;

    return NGX_OK;
}


/* The master has made one of the same bytes: what fails here is memory. */

static fl_t *
ngx_faka_rules_vm(ngx_faka_rules_t *rules, const ngx_faka_rules_file_t *file)
{
    fl_t  *vm;
    char   err[FL_ERROR_SIZE];

    vm = fl_create((char *) file->path.data, file->source.data,
                   file->source.len, err);

    if (vm == NULL) {
        ngx_log_error(NGX_LOG_EMERG, rules->worker->log, 0,
                      "faka_shop \"%V\": a worker cannot make its rules: %s",
                      &rules->worker->shop->name, err);
    }

    return vm;
}


void
ngx_faka_rules_stop(ngx_faka_worker_t *worker)
{
    ngx_uint_t  i;

    if (worker->rules == NULL) {
        return;
    }

    for (i = 0; i < NGX_FAKA_RULES_COUNT; i++) {
        if (worker->rules->vm[i] != NULL) {
            fl_destroy(worker->rules->vm[i]);
        }
    }

    worker->rules = NULL;
}


fk_code_t
ngx_faka_rules_checkout(ngx_http_request_t *r, ngx_faka_worker_t *worker,
    const fk_env_t *env, const fk_product_view_t *product, fk_checkout_t *out)
{
    int64_t                    total;
    fk_code_t                  code;
    fl_code_t                  answer;
    ngx_faka_sale_t            sale;
    ngx_faka_rules_t          *rules;
    ngx_faka_rules_variant_t   variant;

    rules = worker->rules;
    rules->env = *env;

    sale.product = product;
    sale.order = NULL;
    sale.sockaddr = r->connection->sockaddr;
    sale.contact = ngx_faka_contact(out->contact, rules->contact);
    sale.qty = out->qty;

    sale.coupon = out->coupon;
    sale.agent = out->agent;
    ngx_memzero(&sale.buyer, sizeof(fk_buyer_view_t));

    if (out->has_buyer) {
        code = fk_buyer_get(&worker->fk, out->buyer, &sale.buyer);
        if (code != FK_OK) {
            return code;
        }
    }

    ngx_faka_rules_steps(&sale);

    out->review = 0;
    out->reason.size = 0;

    code = ngx_faka_risk_before(rules, &sale, out);
    if (code != FK_OK) {
        return code;
    }

    variant = ngx_faka_rules_choose(rules, sale.contact);
    total = sale.step[FK_STEP_LEVEL];
    ngx_faka_rules_input(rules, &sale);

    answer = ngx_faka_rules_price(rules, variant, &total);

    if (answer != FL_OK && answer != FL_MISSING
        && worker->shop->price_refuse)
    {
        return FK_PRICE;
    }

    ngx_faka_rules_price_shadow(rules, &sale, total);

    sale.step[FK_STEP_RULE] = total;
    sale.step[FK_STEP_COUPON] = ngx_faka_rules_coupon(worker, &sale);
    fl_input_int(&rules->input, FL_FIELD_TOTAL, sale.step[FK_STEP_COUPON]);

    code = ngx_faka_risk_checkout(rules, variant, &sale, out);
    if (code != FK_OK) {
        return code;
    }

    out->priced = 1;
    out->rules = rules->version[variant];
    ngx_memcpy(out->step, sale.step, sizeof(sale.step));

    return FK_OK;
}


/* The list, the tier, the level; the rest follows when it is known. */

static void
ngx_faka_rules_steps(ngx_faka_sale_t *sale)
{
    ngx_uint_t                i;
    const fk_product_view_t  *p;

    p = sale->product;

    sale->step[FK_STEP_LIST] = p->price * (int64_t) sale->qty;
    sale->step[FK_STEP_TIER] = fk_tier_price(p, sale->qty)
                               * (int64_t) sale->qty;
    sale->step[FK_STEP_LEVEL] = fk_level_price(sale->buyer.off_bp,
                                               sale->step[FK_STEP_TIER]);

    for (i = FK_STEP_LEVEL + 1; i < FK_STEP_COUNT; i++) {
        sale->step[i] = sale->step[FK_STEP_LEVEL];
    }
}


/* Whether it may be used at all, the engine asks, and says why not. */

static int64_t
ngx_faka_rules_coupon(ngx_faka_worker_t *worker, const ngx_faka_sale_t *sale)
{
    int64_t           total;
    fk_coupon_view_t  coupon;

    total = sale->step[FK_STEP_RULE];

    if (sale->coupon.size != 0
        && fk_coupon_get(&worker->fk, sale->coupon, &coupon) == FK_OK)
    {
        total = fk_coupon_price(&coupon, total);
    }

    return ngx_max(total, 1);
}


/* Always the same for a buyer, whatever worker he meets. */

static ngx_faka_rules_variant_t
ngx_faka_rules_choose(const ngx_faka_rules_t *rules, fk_str_t contact)
{
    uint32_t                hash;
    const ngx_faka_shop_t  *shop;

    shop = rules->worker->shop;

    if (shop->canary_share == 0) {
        return NGX_FAKA_RULES_MAIN;
    }

    hash = ngx_murmur_hash2((u_char *) contact.data, contact.size);

    return hash % 10000 < shop->canary_share ? NGX_FAKA_RULES_CANARY
                                             : NGX_FAKA_RULES_MAIN;
}


int64_t
ngx_faka_rules_quote(ngx_faka_worker_t *worker, const fk_env_t *env,
    const fk_product_view_t *product, int64_t *left_us)
{
    int64_t            total;
    uint64_t           started_us;
    ngx_faka_sale_t    sale;
    ngx_faka_rules_t  *rules;

    rules = worker->rules;
    total = product->price;

    if (!rules->asks || *left_us <= 0) {
        return total;
    }

    started_us = ngx_faka_steady_us();
    rules->env = *env;

    sale.product = product;
    sale.order = NULL;
    sale.sockaddr = NULL;
    sale.contact = (fk_str_t) { NULL, 0 };
    sale.coupon = (fk_str_t) { NULL, 0 };
    sale.agent = (fk_str_t) { NULL, 0 };
    sale.qty = 1;
    ngx_memzero(&sale.buyer, sizeof(fk_buyer_view_t));
    ngx_faka_rules_steps(&sale);

    ngx_faka_rules_input(rules, &sale);
    (void) ngx_faka_rules_price(rules, NGX_FAKA_RULES_MAIN, &total);

    *left_us -= (int64_t) (ngx_faka_steady_us() - started_us);

    return total;
}


/* *total stays when there is no answer. */

static fl_code_t
ngx_faka_rules_price(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, int64_t *total)
{
    int64_t      proposed;
    fl_code_t    code;
    const char  *why;

    if (rules->vm[variant] == NULL
        || !fl_has(rules->vm[variant], FL_HOOK_PRICE))
    {
        return FL_MISSING;
    }

    proposed = 0;
    code = fl_price(rules->vm[variant], &rules->input, FK_AMOUNT_MAX,
                    &proposed);

    why = fl_error(rules->vm[variant]);

    if (code == FL_OK && proposed < 1) {
        code = FL_ANSWER;
        why = "no gateway takes a payment of 0";
    }

    ngx_faka_rules_asked(rules, variant, FL_HOOK_PRICE, code, why,
                         rules->worker->shop->price_refuse
                             ? "the order is refused"
                             : "the price before it counts");

    if (code == FL_OK) {
        *total = proposed;
    }

    return code;
}


static void
ngx_faka_rules_price_shadow(ngx_faka_rules_t *rules,
    const ngx_faka_sale_t *sale, int64_t total)
{
    int64_t  other;

    if (!rules->worker->shop->canary_shadow) {
        return;
    }

    other = sale->step[FK_STEP_LEVEL];
    (void) ngx_faka_rules_price(rules, NGX_FAKA_RULES_CANARY, &other);

    ngx_faka_rules_compared(rules, FL_HOOK_PRICE, other != total);
    ngx_faka_rules_sold(rules, NGX_FAKA_RULES_CANARY, sale->step, other);
}


void
ngx_faka_rules_made(ngx_http_request_t *r, ngx_faka_worker_t *worker,
    const fk_env_t *env, const fk_checkout_t *in)
{
    u_char             network[NGX_FAKA_NETWORK_SIZE];
    fk_str_t           key, contact;
    ngx_faka_rules_t  *rules;

    rules = worker->rules;
    contact = ngx_faka_contact(in->contact, rules->contact);

    ngx_faka_rules_sold(rules, ngx_faka_rules_choose(rules, contact),
                        in->step, in->step[FK_STEP_COUPON]);

    if (!rules->counts) {
        return;
    }

    fk_rate_add(&worker->fk, env, FK_RATE_CONTACT, contact);
    fk_rate_add(&worker->fk, env, FK_RATE_SKU, in->sku);

    key = ngx_faka_rules_network(r->connection->sockaddr, network);

    if (key.size != 0) {
        fk_rate_add(&worker->fk, env, FK_RATE_IP, key);
    }

    if (in->agent.size != 0) {
        fk_rate_add(&worker->fk, env, FK_RATE_AGENT, in->agent);
    }
}


/* What the rules of a variant have come to, beside what the list says. */

static void
ngx_faka_rules_sold(ngx_faka_rules_t *rules, ngx_faka_rules_variant_t variant,
    const int64_t *step, int64_t total)
{
    fk_t  *fk;

    fk = &rules->worker->fk;

    fk_stat_add(fk, NGX_FAKA_STAT_RULES_ORDERS + variant, 1);
    fk_stat_add(fk, NGX_FAKA_STAT_RULES_LIST + variant,
                (uint64_t) step[FK_STEP_LIST]);
    fk_stat_add(fk, NGX_FAKA_STAT_RULES_AMOUNT + variant, (uint64_t) total);
}


/* What is known of the buyer of an order; nothing, if it cannot be found. */

static void
ngx_faka_rules_buyer(ngx_faka_worker_t *worker, ngx_faka_sale_t *sale)
{
    uint8_t  key[FK_TALLY_KEY_SIZE];

    if (!worker->shop->buyer_history
        || ngx_faka_buyer_key(worker, sale->contact, key) != FK_OK
        || fk_buyer_get(&worker->fk, key, &sale->buyer) != FK_OK)
    {
        ngx_memzero(&sale->buyer, sizeof(fk_buyer_view_t));
    }
}


/* An order that cannot be looked up now is booked without the rules: nobody
 * gets anything, and it is flagged. */

void
ngx_faka_rules_payment(ngx_faka_worker_t *worker, const fk_env_t *env,
    fk_pay_t *pay)
{
    fk_order_view_t            order;
    ngx_faka_sale_t            sale;
    ngx_faka_rules_t          *rules;
    fk_product_view_t          product;
    ngx_faka_rules_variant_t   variant;

    rules = worker->rules;
    sale.order = &order;
    sale.product = &product;

    if (ngx_faka_rules_look(worker, env, &pay->id, &order, &product, &sale)
        != FK_OK)
    {
        pay->split.flagged = 1;
        return;
    }

    variant = ngx_faka_rules_choose(rules, sale.contact);

    if (rules->asks) {
        ngx_faka_risk_payment(rules, variant, &sale, pay);
    }

    ngx_faka_commission(rules, variant, &sale, pay->amount, &pay->split);
}


fk_code_t
ngx_faka_rules_approval(ngx_faka_worker_t *worker, const fk_env_t *env,
    const fk_order_id_t *id, fk_split_t *split)
{
    int64_t             paid;
    uint32_t            i, n;
    fk_code_t           code;
    fk_order_view_t     order;
    ngx_faka_sale_t     sale;
    fk_payment_view_t   payment[FK_ORDER_PAYMENTS_MAX];
    fk_product_view_t   product;

    sale.order = &order;
    sale.product = &product;

    code = ngx_faka_rules_look(worker, env, id, &order, &product, &sale);
    if (code != FK_OK) {
        return code;
    }

    n = FK_ORDER_PAYMENTS_MAX;
    code = fk_order_payments(&worker->fk, id, payment, &n);
    paid = 0;

    for (i = 0; i < n; i++) {
        if (payment[i].state == FK_PAYMENT_STATE_REVIEW
            || payment[i].state == FK_PAYMENT_STATE_APPLIED)
        {
            paid += payment[i].amount;
        }
    }

    ngx_faka_commission(worker->rules,
                        ngx_faka_rules_choose(worker->rules, sale.contact),
                        &sale, paid, split);

    return code;
}


/* The order and what rules see of it, in rules->input. */

static fk_code_t
ngx_faka_rules_look(ngx_faka_worker_t *worker, const fk_env_t *env,
    const fk_order_id_t *id, fk_order_view_t *order,
    fk_product_view_t *product, ngx_faka_sale_t *sale)
{
    fk_str_t   sku;
    fk_code_t  code;

    code = fk_order_get(&worker->fk, id, order);
    if (code != FK_OK) {
        return code;
    }

    sku = (fk_str_t) { (uint8_t *) order->sku, ngx_strlen(order->sku) };

    code = fk_product_get(&worker->fk, env, sku, product);
    if (code != FK_OK) {
        return code;
    }

    sale->sockaddr = NULL;
    sale->contact = ngx_faka_contact(
        (fk_str_t) { order->contact, order->contact_size },
        worker->rules->contact);
    sale->coupon = (fk_str_t) { (uint8_t *) order->coupon,
                                ngx_strlen(order->coupon) };
    sale->agent = (fk_str_t) { (uint8_t *) order->agent,
                               ngx_strlen(order->agent) };
    sale->qty = order->qty;
    ngx_memcpy(sale->step, order->step, sizeof(sale->step));

    ngx_faka_rules_buyer(worker, sale);

    worker->rules->env = *env;
    ngx_faka_rules_input(worker->rules, sale);

    return FK_OK;
}


void
ngx_faka_rules_paid(ngx_faka_worker_t *worker, const fk_env_t *env,
    const fk_order_view_t *order)
{
    fk_str_t  contact;

    if (worker->rules->counts) {
        contact = (fk_str_t) { order->contact, order->contact_size };
        fk_rate_add(&worker->fk, env, FK_RATE_PAID,
                    ngx_faka_contact(contact, worker->rules->contact));
    }
}


void
ngx_faka_rules_asked(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, fl_hook_t hook, fl_code_t code,
    const char *why, const char *instead)
{
    time_t      *said_s;
    ngx_uint_t  *unsaid;

    fk_stat_add(&rules->worker->fk,
                NGX_FAKA_STAT_RULES_CALLS
                + (variant * FL_HOOK_COUNT + hook) * FL_CODE_COUNT + code, 1);

    if (code == FL_OK || code == FL_MISSING) {
        return;
    }

    said_s = &rules->said_s[variant][hook];
    unsaid = &rules->unsaid[variant][hook];

    if (*said_s == ngx_time()) {
        (*unsaid)++;
        return;
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "faka_shop \"%V\": the %s rule of \"%V\" gave no answer, "
                  "%s: %s; %s; %ui more since the last such line",
                  &rules->worker->shop->name, fl_hook_word[hook],
                  &rules->worker->shop->rules[variant].path,
                  fl_code_word[code], why, instead, *unsaid);

    *said_s = ngx_time();
    *unsaid = 0;
}


void
ngx_faka_rules_compared(ngx_faka_rules_t *rules, fl_hook_t hook,
    ngx_uint_t differs)
{
    fk_stat_add(&rules->worker->fk,
                NGX_FAKA_STAT_SHADOW + hook * 2 + (differs ? 1 : 0), 1);
}

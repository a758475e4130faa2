/*
 * The operator's rules in a worker: one VM for the rules, one for those that
 * are to follow them, and the price.  What they say of a payment stands in
 * ngx_faka_worker_rules_paid.c.
 *
 * A rule proposes.  Without an answer the documented default is taken, one
 * line says why, with the rule's file and line, and a number counts it.  The
 * canary is applied to a share of the buyers, always the same ones; or, as a
 * shadow, to nobody, and only compared.
 */

#include "ngx_faka_order.h"
#include "ngx_faka_rules.h"


#define NGX_FAKA_SHADOW_PART  4            /* of a request's time */
#define NGX_FAKA_TEND_SHARE   100          /* one part of a worker's time */
#define NGX_FAKA_TEND_REST_US 10000000     /* after a VM that was not made */


static fl_t *ngx_faka_rules_vm(ngx_faka_rules_t *rules,
    const ngx_faka_rules_file_t *file);
static void ngx_faka_rules_tend_soon(ngx_faka_rules_t *rules);
static void ngx_faka_rules_tend(ngx_event_t *ev);
static void ngx_faka_rules_sale(ngx_faka_sale_t *sale,
    const fk_product_view_t *product);
static fl_code_t ngx_faka_rules_price(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, int64_t *total);
static int64_t ngx_faka_rules_shadow(ngx_faka_rules_t *rules,
    const ngx_faka_sale_t *sale, const fk_coupon_view_t *coupon);
static fk_code_t ngx_faka_rules_coupon(ngx_faka_worker_t *worker,
    fk_str_t code, fk_coupon_view_t *coupon);
static int64_t ngx_faka_rules_amount(const fk_coupon_view_t *coupon,
    int64_t total);
static void ngx_faka_rules_steps(ngx_faka_sale_t *sale);
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
    rules->tend.handler = ngx_faka_rules_tend;
    rules->tend.data = rules;
    rules->tend.log = worker->log;
    rules->tend.cancelable = 1;
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

        if (fl_wants(rules->vm[i])) {
            ngx_faka_rules_tend_soon(rules);
        }

        fl_share(rules->vm[i], &rules->left_ns[i]);
        rules->counts |= (ngx_uint_t) fl_has(rules->vm[i], FL_HOOK_RISK);
    }

    worker->rules = rules;

    return NGX_OK;
}


/* The master has checked the same bytes: what fails here is memory.  A worker
 * without it goes on, by what the shop does without an answer, and tries it
 * again later. */

static fl_t *
ngx_faka_rules_vm(ngx_faka_rules_t *rules, const ngx_faka_rules_file_t *file)
{
    fl_t  *vm;
    char   err[FL_ERROR_SIZE];

    vm = fl_open((char *) file->path.data, file->source.data,
                 file->source.len, err);

    if (err[0] != '\0') {
        ngx_log_error(NGX_LOG_EMERG, rules->worker->log, 0,
                      "faka_shop \"%V\": a worker cannot make its rules: %s",
                      &rules->worker->shop->name, err);
        rules->rested_us = ngx_faka_steady_us() + NGX_FAKA_TEND_REST_US;
    }

    return vm;
}


static void
ngx_faka_rules_tend_soon(ngx_faka_rules_t *rules)
{
    uint64_t  now_us;

    if (rules->tend.timer_set) {
        return;
    }

    now_us = ngx_faka_steady_us();

    ngx_add_timer(&rules->tend, rules->rested_us <= now_us ? 1
                  : (ngx_msec_t) ((rules->rested_us - now_us) / 1000 + 1));
}


/*
 * What takes as long as loading is done here, between requests, and then not
 * before a hundred times as long is over: whatever buyers make rules do, that
 * is no more than one part in a hundred of a worker's time.
 */

static void
ngx_faka_rules_tend(ngx_event_t *ev)
{
    fl_code_t          code;
    uint64_t           began_us, now_us;
    ngx_uint_t         i, again;
    ngx_faka_rules_t  *rules;

    rules = ev->data;
    began_us = ngx_faka_steady_us();
    again = 0;

    for (i = 0; i < NGX_FAKA_RULES_COUNT; i++) {

        if (rules->vm[i] == NULL || !fl_wants(rules->vm[i])) {
            continue;
        }

        code = fl_tend(rules->vm[i]);

        if (code == FL_RULES) {
            fl_destroy(rules->vm[i]);
            rules->vm[i] = ngx_faka_rules_vm(rules,
                                             &rules->worker->shop->rules[i]);
            fl_share(rules->vm[i], &rules->left_ns[i]);
        }

        again |= (ngx_uint_t) fl_wants(rules->vm[i]);
    }

    now_us = ngx_faka_steady_us();
    rules->rested_us = now_us + (now_us - began_us) * NGX_FAKA_TEND_SHARE;

    if (again) {
        rules->rested_us = ngx_max(rules->rested_us,
                                   now_us + NGX_FAKA_TEND_REST_US);
        ngx_faka_rules_tend_soon(rules);
    }
}


void
ngx_faka_rules_stop(ngx_faka_worker_t *worker)
{
    ngx_uint_t  i;

    if (worker->rules == NULL) {
        return;
    }

    if (worker->rules->tend.timer_set) {
        ngx_del_timer(&worker->rules->tend);
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
    const fk_env_t *env, const fk_product_view_t *product, fk_str_t form,
    const fk_buyer_view_t *buyer, fk_checkout_t *out)
{
    int64_t                    total;
    fk_code_t                  code;
    fl_code_t                  answer;
    ngx_faka_sale_t           *sale;
    fk_coupon_view_t           coupon;
    ngx_faka_rules_t          *rules;
    ngx_faka_rules_variant_t   variant;

    rules = worker->rules;
    rules->env = *env;
    rules->found = 0;

    /* Of an order that is tried again it is the same request. */
    if (ngx_memcmp(&rules->order, &out->id, sizeof(fk_order_id_t)) != 0) {
        rules->order = out->id;
        ngx_faka_rules_begin(rules);
    }

    sale = &rules->sale;
    ngx_faka_rules_sale(sale, product);
    sale->sockaddr = r->connection->sockaddr;
    sale->contact = form;
    sale->coupon = out->coupon;
    sale->agent = out->agent;
    sale->qty = out->qty;
    sale->buyer = *buyer;

    ngx_faka_rules_steps(sale);
    out->review = 0;
    out->reason.size = 0;

    code = ngx_faka_risk_before(rules, sale, out);
    if (code != FK_OK) {
        return code;
    }

    code = ngx_faka_rules_coupon(worker, out->coupon, &coupon);
    if (code != FK_OK) {
        return code;
    }

    variant = ngx_faka_rules_choose(rules, sale->contact);
    total = sale->step[FK_STEP_LEVEL];
    ngx_faka_rules_input(rules);

    answer = ngx_faka_rules_price(rules, variant, &total);

    if (answer != FL_OK && answer != FL_MISSING
        && worker->shop->price_refuse)
    {
        return FK_PRICE;
    }

    rules->shadow = ngx_faka_rules_shadow(rules, sale, &coupon);

    sale->step[FK_STEP_RULE] = total;
    sale->step[FK_STEP_COUPON] = ngx_faka_rules_amount(&coupon, total);
    fl_input_int(&rules->input, FL_FIELD_TOTAL, sale->step[FK_STEP_COUPON]);

    code = ngx_faka_risk_checkout(rules, variant, sale, out);
    if (code != FK_OK) {
        return code;
    }

    out->priced = 1;
    out->rules = rules->version[variant];
    ngx_memcpy(out->step, sale->step, sizeof(sale->step));

    return FK_OK;
}


/* Of a product, one unit, and nobody knows for whom. */

static void
ngx_faka_rules_sale(ngx_faka_sale_t *sale, const fk_product_view_t *product)
{
    ngx_memzero(sale, sizeof(ngx_faka_sale_t));
    sale->product = product;
    sale->qty = 1;
}


/*
 * All hooks of a request share one limit of time, so that it keeps its worker
 * for no longer than one of them may; a shadow has a part of it besides.
 */

void
ngx_faka_rules_begin(ngx_faka_rules_t *rules)
{
    int64_t  all_ns;

    all_ns = FL_TIME_MAX_US * 1000;

    rules->left_ns[NGX_FAKA_RULES_MAIN] = all_ns;
    rules->left_ns[NGX_FAKA_RULES_CANARY] =
        rules->worker->shop->canary_shadow ? all_ns / NGX_FAKA_SHADOW_PART
                                           : all_ns;
}


ngx_uint_t
ngx_faka_rules_shadows(const ngx_faka_rules_t *rules)
{
    return rules->worker->shop->canary_shadow
           && rules->left_ns[NGX_FAKA_RULES_MAIN] > 0
           && rules->left_ns[NGX_FAKA_RULES_CANARY] > 0;
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


/* Whether it may be used at all, the engine asks, and says why not; without
 * a code, or one that there is not, it takes nothing off. */

static fk_code_t
ngx_faka_rules_coupon(ngx_faka_worker_t *worker, fk_str_t code,
    fk_coupon_view_t *coupon)
{
    fk_code_t  rc;

    rc = code.size == 0 ? FK_NOT_FOUND
                        : fk_coupon_get(&worker->fk, code, coupon);

    if (rc == FK_NOT_FOUND) {
        coupon->code[0] = '\0';
        return FK_OK;
    }

    return rc;
}


static int64_t
ngx_faka_rules_amount(const fk_coupon_view_t *coupon, int64_t total)
{
    if (coupon->code[0] != '\0') {
        total = fk_coupon_price(coupon, total);
    }

    return total;
}


/* Always the same for a buyer, whatever worker he meets. */

ngx_faka_rules_variant_t
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


fk_code_t
ngx_faka_rules_quotes(ngx_faka_worker_t *worker, ngx_faka_quotes_t *quotes)
{
    /* No contact has this digest: a level that he has is everybody's. */
    static const uint8_t  nobody[FK_TALLY_KEY_SIZE];

    quotes->left_us = NGX_FAKA_RULES_QUOTES_US;

    return fk_buyer_get(&worker->fk, nobody, &quotes->buyer);
}


int64_t
ngx_faka_rules_quote(ngx_faka_worker_t *worker, const fk_env_t *env,
    const fk_product_view_t *product, ngx_faka_quotes_t *quotes)
{
    int64_t            total;
    uint64_t           started_us;
    ngx_faka_sale_t   *sale;
    ngx_faka_rules_t  *rules;

    rules = worker->rules;
    sale = &rules->sale;
    ngx_faka_rules_sale(sale, product);

    /* Levels are of buyers, and a checkout may ask nobody who he is. */
    if (worker->shop->buyer_history || product->buyer_limit != 0) {
        sale->buyer = quotes->buyer;
    }

    ngx_faka_rules_steps(sale);
    total = sale->step[FK_STEP_LEVEL];

    if (!rules->asks || quotes->left_us <= 0) {
        return total;
    }

    started_us = ngx_faka_steady_us();
    rules->env = *env;
    ngx_faka_rules_begin(rules);
    rules->left_ns[NGX_FAKA_RULES_MAIN] =
        ngx_min(rules->left_ns[NGX_FAKA_RULES_MAIN], quotes->left_us * 1000);

    ngx_faka_rules_input(rules);
    (void) ngx_faka_rules_price(rules, NGX_FAKA_RULES_MAIN, &total);

    quotes->left_us -= (int64_t) (ngx_faka_steady_us() - started_us);

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

    if (code == FL_OK && proposed == 0
        && ngx_faka_channel_by(rules->worker->shop, PAY_BEHIND_NOTHING)
           == NULL)
    {
        code = FL_ANSWER;
        why = "no gateway takes a payment of 0, and the shop has no channel "
              "that is free";
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


/* What it would cost by the shadow, for when it is made. */

static int64_t
ngx_faka_rules_shadow(ngx_faka_rules_t *rules, const ngx_faka_sale_t *sale,
    const fk_coupon_view_t *coupon)
{
    int64_t    total;
    fl_code_t  answer;

    if (!ngx_faka_rules_shadows(rules)) {
        return NGX_FAKA_SHADOW_UNASKED;
    }

    total = sale->step[FK_STEP_LEVEL];
    answer = ngx_faka_rules_price(rules, NGX_FAKA_RULES_CANARY, &total);

    if (answer != FL_OK && answer != FL_MISSING
        && rules->worker->shop->price_refuse)
    {
        return NGX_FAKA_SHADOW_REFUSES;
    }

    return ngx_faka_rules_amount(coupon, total);
}


void
ngx_faka_rules_made(ngx_faka_worker_t *worker, const fk_checkout_t *in)
{
    uint64_t           key;
    fk_rate_t          rate;
    ngx_faka_rules_t  *rules;

    rules = worker->rules;

    ngx_faka_rules_sold(rules,
                        ngx_faka_rules_choose(rules, rules->sale.contact),
                        in->step, in->step[FK_STEP_COUPON]);

    if (rules->shadow != NGX_FAKA_SHADOW_UNASKED) {
        ngx_faka_rules_compared(rules, FL_HOOK_PRICE,
                                rules->shadow != in->step[FK_STEP_COUPON]);
    }

    if (rules->shadow >= 0) {
        ngx_faka_rules_sold(rules, NGX_FAKA_RULES_CANARY, in->step,
                            rules->shadow);
    }

    ngx_faka_risk_found(rules);

    if (!rules->counts) {
        return;
    }

    for (rate = 0; rate < FK_RATE_COUNT; rate++) {
        key = rate == FK_RATE_PAID ? 0 : ngx_faka_rules_rate(rules, rate);

        if (key != 0) {
            fk_rate_add(&worker->fk, &rules->env, rate, key);
        }
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


void
ngx_faka_rules_asked(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, fl_hook_t hook, fl_code_t code,
    const char *why, const char *instead)
{
    ngx_faka_rules_line_t  *line;

    rules->asked = 1;

    fk_stat_add(&rules->worker->fk,
                NGX_FAKA_STAT_RULES_CALLS
                + (variant * FL_HOOK_COUNT + hook) * FL_CODE_COUNT + code, 1);

    if (fl_wants(rules->vm[variant])) {
        ngx_faka_rules_tend_soon(rules);
    }

    if (code == FL_OK || code == FL_MISSING) {
        return;
    }

    line = &rules->line[variant][hook];

    if (!ngx_faka_rules_may_say(line)) {
        return;
    }

    if (variant == NGX_FAKA_RULES_CANARY
        && rules->worker->shop->canary_shadow)
    {
        instead = "it is a shadow, and nothing comes of it";
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "faka_shop \"%V\": the %s rule of \"%V\" gave no answer, "
                  "%s: %s; %s; %ui more since the last such line",
                  &rules->worker->shop->name, fl_hook_word[hook],
                  &rules->worker->shop->rules[variant].path,
                  fl_code_word[code], why, instead, line->unsaid);

    line->unsaid = 0;
}


ngx_uint_t
ngx_faka_rules_may_say(ngx_faka_rules_line_t *line)
{
    if (line->said_s == ngx_time()) {
        line->unsaid++;
        return 0;
    }

    line->said_s = ngx_time();

    return 1;
}


void
ngx_faka_rules_compared(ngx_faka_rules_t *rules, fl_hook_t hook,
    ngx_uint_t differs)
{
    fk_stat_add(&rules->worker->fk,
                NGX_FAKA_STAT_SHADOW + hook * 2 + (differs ? 1 : 0), 1);
}

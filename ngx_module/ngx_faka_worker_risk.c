/*
 * Whether an order may be made, and whether a person looks before it is
 * delivered: the blocklists, the limits, the sum, and then the risk rule.
 *
 * The cheapest comes first, and Lua last.  Whoever is refused is told so, and
 * not why: the reason is for the log.  A rule that gives no answer lets a
 * person look.
 */

#include "ngx_faka_order.h"
#include "ngx_faka_rules.h"
#include "pay/utf8.h"


static ngx_uint_t ngx_faka_risk_blocked(ngx_faka_rules_t *rules,
    const ngx_faka_sale_t *sale);
static ngx_uint_t ngx_faka_risk_below(fk_str_t domain,
    const ngx_str_t *blocked);
static uint32_t ngx_faka_risk_rate(ngx_faka_rules_t *rules,
    const ngx_faka_order_limit_t *limit);
static fl_risk_t ngx_faka_risk_ask(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, ngx_faka_risk_t *by);
static ngx_uint_t ngx_faka_risk_has_rule(const ngx_faka_rules_t *rules);
static fl_risk_t ngx_faka_risk_judge(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, ngx_faka_risk_t *by);
static void ngx_faka_risk_count(ngx_faka_rules_t *rules, fl_risk_t verdict,
    ngx_faka_risk_t by);
static fk_str_t ngx_faka_risk_reason(const char *reason);


fk_code_t
ngx_faka_risk_before(ngx_faka_rules_t *rules, const ngx_faka_sale_t *sale,
    fk_checkout_t *out)
{
    ngx_uint_t                     i;
    const ngx_faka_shop_t         *shop;
    const ngx_faka_order_limit_t  *limit;

    shop = rules->worker->shop;

    if (ngx_faka_risk_blocked(rules, sale)) {
        ngx_faka_risk_count(rules, FL_RISK_REFUSE, NGX_FAKA_RISK_BLOCK);
        return FK_REFUSED;
    }

    limit = shop->order_limits.elts;

    for (i = 0; i < shop->order_limits.nelts; i++) {

        if (ngx_faka_risk_rate(rules, &limit[i]) < limit[i].max) {
            continue;
        }

        if (!limit[i].review) {
            ngx_faka_risk_count(rules, FL_RISK_REFUSE, NGX_FAKA_RISK_LIMIT);
            return FK_SLOW_DOWN;
        }

        rules->found |= 1u << NGX_FAKA_RISK_LIMIT;
        out->review = 1;
        out->reason = (fk_str_t) { limit[i].text.data, limit[i].text.len };
    }

    return FK_OK;
}


static ngx_uint_t
ngx_faka_risk_blocked(ngx_faka_rules_t *rules, const ngx_faka_sale_t *sale)
{
    fk_str_t                domain;
    ngx_str_t              *blocked;
    ngx_uint_t              i;
    const ngx_faka_shop_t  *shop;

    shop = rules->worker->shop;

    if (shop->block_networks.nelts != 0
        && ngx_cidr_match(sale->sockaddr,
                          (ngx_array_t *) &shop->block_networks)
           == NGX_OK)
    {
        return 1;
    }

    if (shop->block_domains.nelts == 0) {
        return 0;
    }

    domain = ngx_faka_contact_domain(sale->contact);
    blocked = shop->block_domains.elts;

    for (i = 0; i < shop->block_domains.nelts; i++) {
        if (ngx_faka_risk_below(domain, &blocked[i])) {
            return 1;
        }
    }

    return 0;
}


/* The domain itself, and all below it. */

static ngx_uint_t
ngx_faka_risk_below(fk_str_t domain, const ngx_str_t *blocked)
{
    size_t  at;

    if (domain.size < blocked->len) {
        return 0;
    }

    at = domain.size - blocked->len;

    return ngx_memcmp(domain.data + at, blocked->data, blocked->len) == 0
           && (at == 0 || domain.data[at - 1] == '.');
}


static uint32_t
ngx_faka_risk_rate(ngx_faka_rules_t *rules,
    const ngx_faka_order_limit_t *limit)
{
    uint32_t  count[FK_SPAN_COUNT];
    uint64_t  key;

    key = ngx_faka_rules_rate(rules, limit->rate);
    if (key == 0) {
        return 0;
    }

    fk_rate_get(&rules->worker->fk, &rules->env, limit->rate, key, count);

    return count[limit->span];
}


fk_code_t
ngx_faka_risk_checkout(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, const ngx_faka_sale_t *sale,
    fk_checkout_t *out)
{
    int64_t                 amount;
    fl_risk_t               verdict;
    ngx_faka_risk_t         by;
    const ngx_faka_shop_t  *shop;

    shop = rules->worker->shop;
    amount = sale->step[FK_STEP_COUPON];

    if (shop->review_over != 0 && amount > shop->review_over) {
        rules->found |= 1u << NGX_FAKA_RISK_AMOUNT;
        out->review = 1;
        out->reason = ngx_faka_risk_reason("more than review_over");
    }

    if (shop->review_first && sale->buyer.orders_count == 0) {
        rules->found |= 1u << NGX_FAKA_RISK_FIRST;
        out->review = 1;
        out->reason = ngx_faka_risk_reason("a first order");
    }

    verdict = ngx_faka_risk_ask(rules, variant, &by);

    if (verdict == FL_RISK_PASS) {
        return FK_OK;
    }

    if (verdict == FL_RISK_REFUSE) {
        ngx_faka_risk_count(rules, verdict, by);

        if (ngx_faka_rules_may_say(&rules->refused)) {
            ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                          "faka_shop \"%V\": an order was refused by the "
                          "risk rule: %s; %ui more since the last such line",
                          &shop->name, rules->reason, rules->refused.unsaid);
            rules->refused.unsaid = 0;
        }

        return FK_REFUSED;
    }

    rules->found |= 1u << by;
    out->review = 1;
    out->reason = ngx_faka_risk_reason(rules->reason);

    return FK_OK;
}


/* The money is there: who would be refused is looked at. */

void
ngx_faka_risk_payment(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, const ngx_faka_sale_t *sale,
    fk_pay_t *pay)
{
    fl_risk_t        verdict;
    ngx_faka_risk_t  by;

    verdict = ngx_faka_risk_ask(rules, variant, &by);

    if (verdict == FL_RISK_PASS) {
        return;
    }

    /* One that its checkout found has been counted. */
    if (!sale->order->review) {
        rules->found |= 1u << by;
    }

    pay->review = 1;
    pay->reason = ngx_faka_risk_reason(rules->reason);
}


static fl_risk_t
ngx_faka_risk_ask(ngx_faka_rules_t *rules, ngx_faka_rules_variant_t variant,
    ngx_faka_risk_t *by)
{
    fl_risk_t        verdict, other;
    ngx_faka_risk_t  other_by;

    if (!ngx_faka_risk_has_rule(rules)) {
        return FL_RISK_PASS;
    }

    if (ngx_faka_rules_shadows(rules)) {
        other = ngx_faka_risk_judge(rules, NGX_FAKA_RULES_CANARY, &other_by);
        verdict = ngx_faka_risk_judge(rules, variant, by);

        ngx_faka_rules_compared(rules, FL_HOOK_RISK, other != verdict);
        return verdict;
    }

    return ngx_faka_risk_judge(rules, variant, by);
}


static ngx_uint_t
ngx_faka_risk_has_rule(const ngx_faka_rules_t *rules)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_FAKA_RULES_COUNT; i++) {
        if (rules->vm[i] != NULL && fl_has(rules->vm[i], FL_HOOK_RISK)) {
            return 1;
        }
    }

    return 0;
}


/* The verdict, with rules->reason. */

static fl_risk_t
ngx_faka_risk_judge(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, ngx_faka_risk_t *by)
{
    fl_t       *vm;
    fl_code_t   code;
    fl_risk_t   verdict;

    vm = rules->vm[variant];
    *by = NGX_FAKA_RISK_RULE;
    rules->reason[0] = '\0';

    if (vm == NULL || !fl_has(vm, FL_HOOK_RISK)) {
        return FL_RISK_PASS;
    }

    verdict = FL_RISK_PASS;
    code = fl_risk(vm, &rules->input, &verdict, rules->reason);

    ngx_faka_rules_asked(rules, variant, FL_HOOK_RISK, code, fl_error(vm),
                         "a person looks at the order");

    if (code == FL_OK) {
        return verdict;
    }

    *by = NGX_FAKA_RISK_FALLBACK;
    (void) ngx_cpystrn((u_char *) rules->reason,
                       (u_char *) "the risk rule gave no answer",
                       sizeof(rules->reason));
    return FL_RISK_REVIEW;
}


void
ngx_faka_risk_found(ngx_faka_rules_t *rules)
{
    ngx_uint_t  by;

    for (by = 0; by < NGX_FAKA_RISK_COUNT; by++) {
        if (rules->found >> by & 1) {
            ngx_faka_risk_count(rules, FL_RISK_REVIEW, (ngx_faka_risk_t) by);
        }
    }

    rules->found = 0;
}


static void
ngx_faka_risk_count(ngx_faka_rules_t *rules, fl_risk_t verdict,
    ngx_faka_risk_t by)
{
    fk_stat_add(&rules->worker->fk,
                NGX_FAKA_STAT_RISK + verdict * NGX_FAKA_RISK_COUNT + by, 1);
}


/* A rule's reason may be any bytes, also the first part of a character. */

static fk_str_t
ngx_faka_risk_reason(const char *reason)
{
    pay_str_t  text;

    text = pay_str(reason, ngx_strlen(reason));

    while (text.size != 0 && !pay_utf8_printable(text)) {
        text.size--;
    }

    return (fk_str_t) { text.data, text.size };
}

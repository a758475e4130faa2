/*
 * Commission: what of a paid amount goes to the agents above the buyer and to
 * the platform; the rest is the merchant's whose product it was, by a line
 * that the engine adds, or else the house's.
 *
 * The rule says it, and an agent's own rate counts more than the rule.  It is
 * asked where there is an agent, or a platform: without both it could move
 * nothing.  A rule that gives no answer, or rates that come to more than was
 * paid: nobody gets anything, and the order is flagged.  The engine judges all
 * of it again.
 *
 * A flagged order was to be split by a rule.  Its split is for good, so that
 * there is no rule now is no answer, as long as anybody's share is by rule.
 */

#include "ngx_faka_order.h"
#include "ngx_faka_rules.h"


static fl_code_t ngx_faka_commission_ask(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, uint32_t levels, ngx_uint_t own,
    int64_t paid, fl_split_t *answer);
static ngx_uint_t ngx_faka_commission_by_rule(const ngx_faka_rules_t *rules,
    uint32_t levels, ngx_uint_t platform);
static uint16_t ngx_faka_commission_rate(const ngx_faka_rules_t *rules,
    uint32_t level);
static void ngx_faka_commission_line(fk_split_t *split,
    const fk_account_view_t *account, int64_t amount);
static fk_code_t ngx_faka_commission_shares(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, const ngx_faka_sale_t *sale,
    uint32_t *levels, ngx_uint_t *platform);


fk_code_t
ngx_faka_commission(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, const ngx_faka_sale_t *sale,
    int64_t paid, fk_split_t *split)
{
    int64_t     sum;
    uint16_t    rate_bp;
    uint32_t    i, levels;
    fk_code_t   rc;
    fl_code_t   code;
    fl_split_t  answer;
    ngx_uint_t  own, platform;

    ngx_memzero(split, sizeof(fk_split_t));
    split->settle_s = (uint32_t) rules->worker->shop->settle_after_s;

    rc = ngx_faka_commission_shares(rules, variant, sale, &levels, &platform);

    if (rc != FK_OK || paid < 1 || (levels == 0 && !platform)) {
        return rc;
    }

    /* By the own link: the agent's contact is known to the operator. */
    own = levels != 0 && sale->has_key
          && ngx_memcmp(sale->key, rules->agent[0].buyer, sizeof(sale->key))
             == 0;

    code = ngx_faka_commission_ask(rules, variant, levels, own, paid,
                                   &answer);

    if ((code != FL_OK && code != FL_MISSING)
        || (code == FL_MISSING && sale->order->flagged
            && ngx_faka_commission_by_rule(rules, levels, platform)))
    {
        split->flagged = 1;
        return FK_OK;
    }

    sum = answer.platform;

    for (i = 0; i < levels; i++) {
        rate_bp = ngx_faka_commission_rate(rules, i);

        if (rate_bp != FK_RATE_BY_RULE) {
            answer.level[i] = paid / FK_BP * rate_bp
                              + paid % FK_BP * rate_bp / FK_BP;
        }

        sum += answer.level[i];
    }

    if (sum > paid) {
        split->flagged = 1;
        return FK_OK;
    }

    for (i = 0; i < levels; i++) {
        ngx_faka_commission_line(split, &rules->agent[i], answer.level[i]);
    }

    if (platform) {
        ngx_faka_commission_line(split, &rules->platform, answer.platform);
    }

    return FK_OK;
}


/*
 * The buyer's own agent first, then the one above.  The platform gets only
 * what a rule gives it; of a flagged order one was to.
 */

static fk_code_t
ngx_faka_commission_shares(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, const ngx_faka_sale_t *sale,
    uint32_t *levels, ngx_uint_t *platform)
{
    fl_t        *vm;
    fk_code_t    code;
    ngx_uint_t   by_rule;

    vm = rules->vm[variant];
    by_rule = sale->order->flagged
              || (vm != NULL && fl_has(vm, FL_HOOK_COMMISSION));

    *levels = 0;
    *platform = 0;

    if (!by_rule && sale->agent.size == 0) {
        return FK_OK;
    }

    *levels = (uint32_t) rules->worker->shop->commission_levels;

    code = fk_sale_shares(&rules->worker->fk, sale->agent,
                          sale->product->currency, rules->agent, levels,
                          &rules->platform);

    *platform = code == FK_OK && by_rule && rules->platform.id[0] != '\0'
                && !rules->platform.closed;

    return code;
}


/* Without a rule there are the rates of the agents. */

static fl_code_t
ngx_faka_commission_ask(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, uint32_t levels, ngx_uint_t own,
    int64_t paid, fl_split_t *answer)
{
    fl_t       *vm;
    fl_code_t   code;

    vm = rules->vm[variant];
    ngx_memzero(answer, sizeof(fl_split_t));

    if (vm == NULL || !fl_has(vm, FL_HOOK_COMMISSION)) {
        return FL_MISSING;
    }

    fl_input_int(&rules->input, FL_FIELD_PAID, paid);
    fl_input_int(&rules->input, FL_FIELD_LEVELS, levels);
    fl_input_bool(&rules->input, FL_FIELD_OWN, own != 0);

    code = fl_commission(vm, &rules->input, paid, levels, answer);

    ngx_faka_rules_asked(rules, variant, FL_HOOK_COMMISSION, code,
                         fl_error(vm), "nobody gets commission, and the order "
                         "is flagged");

    return code;
}


/* What a closed account would get is the merchant's, by a rule or not. */

static ngx_uint_t
ngx_faka_commission_by_rule(const ngx_faka_rules_t *rules, uint32_t levels,
    ngx_uint_t platform)
{
    uint32_t  i;

    for (i = 0; i < levels; i++) {
        if (!rules->agent[i].closed
            && ngx_faka_commission_rate(rules, i) == FK_RATE_BY_RULE)
        {
            return 1;
        }
    }

    return platform;
}


static uint16_t
ngx_faka_commission_rate(const ngx_faka_rules_t *rules, uint32_t level)
{
    return level < FK_ACCOUNT_RATES ? rules->agent[level].rate_bp[level]
                                    : FK_RATE_BY_RULE;
}


static void
ngx_faka_commission_line(fk_split_t *split, const fk_account_view_t *account,
    int64_t amount)
{
    fk_split_line_t  *line;

    /* What a closed account would get is left for the merchant. */
    if (amount == 0 || account->closed) {
        return;
    }

    line = &split->line[split->count++];
    line->account = (fk_str_t) { (const uint8_t *) account->id,
                                 ngx_strlen(account->id) };
    line->amount = amount;
}

/*
 * What a checkout is about to get: its buyer's level, the coupon, the limit,
 * and the price that follows.  Everything that can be refused is refused here,
 * before the first store.
 *
 * A price that the caller proposes is made of what it saw a moment ago.  The
 * engine computes each step again, but the operator's rule, which is not its
 * own: whatever differs has changed meanwhile.
 */

#include "fk_tally.h"


static uint32_t fk_deal_tally(const fk_t *fk, const fk_checkout_t *in,
    const fk_deal_t *deal, uint8_t kind);
static fk_code_t fk_deal_quota(const fk_t *fk, const fk_checkout_t *in,
    const fk_product_rec_t *p, fk_deal_t *deal);
static const char *fk_coupon_barred(const fk_env_t *env,
    const fk_coupon_rec_t *c, const fk_product_rec_t *p, uint32_t product);
static const char *fk_deal_coupon(const fk_t *fk, const fk_env_t *env,
    const fk_checkout_t *in, uint32_t product, fk_deal_t *deal);
static fk_code_t fk_deal_price(const fk_t *fk, const fk_checkout_t *in,
    const fk_product_rec_t *p, fk_deal_t *deal);
static const char *fk_deal_discount(const fk_t *fk, fk_deal_t *deal);
static const char *fk_deal_channel(const fk_checkout_t *in, fk_deal_t *deal);
static fk_code_t fk_deal_payer(const fk_t *fk, const fk_checkout_t *in,
    uint32_t product, fk_deal_t *deal);


void
fk_deal_begin(const fk_t *fk, const fk_checkout_t *in, fk_deal_t *deal)
{
    unsigned  kind;

    memset(deal, 0, sizeof(*deal));

    for (kind = 0; kind < FK_TALLY_COUNT; kind++) {
        if (kind == FK_TALLY_BUYER ? in->has_buyer
            : kind == FK_TALLY_QUOTA ? in->has_quota : in->coupon.size != 0)
        {
            deal->bucket[kind] = fk_tally_bucket(fk, fk_deal_key(in, kind));
            __builtin_prefetch(deal->bucket[kind], 1);
        }
    }
}


fk_code_t
fk_deal_judge(const fk_t *fk, const fk_env_t *env, const fk_checkout_t *in,
    uint32_t product, fk_deal_t *deal, const char **why)
{
    fk_code_t                rc;
    const fk_product_rec_t  *p;

    p = FK_PRODUCT(fk, product);

    if (in->has_buyer) {
        deal->wanted[FK_TALLY_BUYER] = 1;
        deal->tally[FK_TALLY_BUYER] = fk_deal_tally(fk, in, deal,
                                                    FK_TALLY_BUYER);
    }

    rc = fk_deal_quota(fk, in, p, deal);
    if (rc != FK_OK) {
        return rc;
    }

    if (in->coupon.size != 0) {
        *why = fk_deal_coupon(fk, env, in, product, deal);
        if (*why != NULL) {
            return FK_COUPON;
        }

        if (deal->wanted[FK_TALLY_COUPON_USE] && !in->has_buyer) {
            return FK_INVALID;
        }
    }

    rc = fk_deal_price(fk, in, p, deal);
    if (rc != FK_OK) {
        return rc;
    }

    *why = fk_deal_discount(fk, deal);
    if (*why != NULL) {
        return FK_COUPON;
    }

    if (in->priced
        && memcmp(deal->step, in->step, sizeof(deal->step)) != 0)
    {
        return FK_AGAIN;
    }

    *why = fk_deal_channel(in, deal);

    return *why != NULL ? FK_CHANNEL
           : in->way == FK_WAY_BALANCE ? fk_deal_payer(fk, in, product, deal)
           : FK_OK;
}


/* The slot of what the buyer has of that kind, or 0. */

static uint32_t
fk_deal_tally(const fk_t *fk, const fk_checkout_t *in, const fk_deal_t *deal,
    uint8_t kind)
{
    return fk_tally_find_in(fk, deal->bucket[kind], kind,
                            fk_deal_key(in, kind));
}


static fk_code_t
fk_deal_quota(const fk_t *fk, const fk_checkout_t *in,
    const fk_product_rec_t *p, fk_deal_t *deal)
{
    int64_t                units;
    uint32_t               i;
    const fk_tally_rec_t  *t;

    if (p->buyer_limit == 0) {
        return FK_OK;
    }

    /* The limit is younger than what the caller saw. */
    if (!in->has_quota) {
        return FK_AGAIN;
    }

    units = 0;
    i = fk_deal_tally(fk, in, deal, FK_TALLY_QUOTA);

    if (i != 0) {
        t = FK_TALLY(fk, i);
        units = t->live.units + t->archived.units;
    }

    deal->wanted[FK_TALLY_QUOTA] = 1;
    deal->tally[FK_TALLY_QUOTA] = i;

    return units + (int64_t) in->qty > p->buyer_limit ? FK_LIMIT : FK_OK;
}


/* Why nobody can use it now for this product, or NULL. */

static const char *
fk_coupon_barred(const fk_env_t *env, const fk_coupon_rec_t *c,
    const fk_product_rec_t *p, uint32_t product)
{
    uint32_t  n;

    if (!c->on) {
        return "the coupon is switched off";
    }

    if (c->from_s != 0 && env->now_ms < (int64_t) c->from_s * 1000) {
        return "the coupon cannot be used yet";
    }

    if (c->to_s != 0 && env->now_ms >= (int64_t) c->to_s * 1000) {
        return "the coupon has expired";
    }

    assert(c->product_count <= FK_COUPON_PRODUCTS_MAX);

    for (n = 0; n < c->product_count && c->product[n] != product; n++) {
        /* void */
    }

    if (c->product_count != 0 && n == c->product_count) {
        return "the coupon is for other products";
    }

    if (c->kind == FK_COUPON_FIXED
        && memcmp(c->currency, p->currency, FK_CURRENCY_SIZE) != 0)
    {
        return "the coupon is of another currency";
    }

    return c->uses_max != 0 && c->live_uses + c->archived_uses >= c->uses_max
           ? "the coupon is used up" : NULL;
}


/* What does not depend on the amount. */

static const char *
fk_deal_coupon(const fk_t *fk, const fk_env_t *env, const fk_checkout_t *in,
    uint32_t product, fk_deal_t *deal)
{
    uint32_t                i;
    const char             *why;
    const fk_tally_rec_t   *t;
    const fk_coupon_rec_t  *c;

    deal->coupon = fk_coupon_find(fk, in->coupon);
    if (deal->coupon == 0) {
        return "there is no such coupon";
    }

    c = FK_COUPON_AT(fk, deal->coupon);

    why = fk_coupon_barred(env, c, FK_PRODUCT(fk, product), product);
    if (why != NULL || c->uses_buyer_max == 0) {
        return why;
    }

    i = fk_deal_tally(fk, in, deal, FK_TALLY_COUPON_USE);
    deal->wanted[FK_TALLY_COUPON_USE] = 1;
    deal->tally[FK_TALLY_COUPON_USE] = i;

    if (i == 0) {
        return NULL;
    }

    t = FK_TALLY(fk, i);

    return t->live.orders + t->archived.orders >= c->uses_buyer_max
           ? "the coupon was used by this buyer before" : NULL;
}


/* The steps up to the coupon. */

static fk_code_t
fk_deal_price(const fk_t *fk, const fk_checkout_t *in,
    const fk_product_rec_t *p, fk_deal_t *deal)
{
    int64_t    unit;
    uint32_t   level, buyer;
    fk_tier_t  tier[FK_TIERS_MAX];

    /* Within the limit: what was put was multiplied with qty_max. */
    fk_product_tiers(p, tier);
    unit = fk_tier_unit(tier, p->tier_count, in->qty, p->price);
    deal->step[FK_STEP_LIST] = p->price * (int64_t) in->qty;
    deal->step[FK_STEP_TIER] = unit * (int64_t) in->qty;
    deal->step[FK_STEP_LEVEL] = deal->step[FK_STEP_TIER];

    if (in->has_buyer) {
        buyer = deal->tally[FK_TALLY_BUYER];
        level = fk_level_of(fk, buyer != 0 ? FK_TALLY(fk, buyer) : NULL);

        if (level != 0) {
            deal->step[FK_STEP_LEVEL] = fk_level_price(
                FK_LEVEL(fk, level)->off_bp, deal->step[FK_STEP_TIER]);
        }
    }

    deal->step[FK_STEP_RULE] = deal->step[FK_STEP_LEVEL];

    if (in->priced) {
        /* Before the coupon is asked: its limits are of the right total. */
        if (memcmp(deal->step, in->step,
                   FK_STEP_RULE * sizeof(deal->step[0])) != 0)
        {
            return FK_AGAIN;
        }

        deal->step[FK_STEP_RULE] = in->step[FK_STEP_RULE];
    }

    deal->step[FK_STEP_COUPON] = deal->step[FK_STEP_RULE];

    return FK_OK;
}


static const char *
fk_deal_discount(const fk_t *fk, fk_deal_t *deal)
{
    int64_t                 total;
    const fk_coupon_rec_t  *c;

    if (deal->coupon == 0) {
        return NULL;
    }

    c = FK_COUPON_AT(fk, deal->coupon);
    total = deal->step[FK_STEP_RULE];

    if (total < c->min_amount) {
        return "the coupon is for larger amounts";
    }

    deal->step[FK_STEP_COUPON] = fk_coupon_left(c, total);

    return NULL;
}


/* Only here it is known whether there is anything to pay. */

static const char *
fk_deal_channel(const fk_checkout_t *in, fk_deal_t *deal)
{
    int  costs;

    costs = deal->step[FK_STEP_COUPON] != 0;
    deal->channel = in->channel;

    if (costs != (in->way == FK_WAY_FREE)) {
        return NULL;
    }

    if (!costs && in->free_channel[0] != '\0') {
        deal->channel = in->free_channel;
        return NULL;
    }

    return costs ? "it is for orders that cost nothing, and this one does not"
                 : "the order costs nothing, and no gateway is asked for "
                   "that: name a channel that is free";
}


/* The money is moved under this very lock: nobody else can have it. */

static fk_code_t
fk_deal_payer(const fk_t *fk, const fk_checkout_t *in, uint32_t product,
    fk_deal_t *deal)
{
    int64_t                  amount;
    uint32_t                 account;
    fk_code_t                code;
    const fk_account_rec_t  *a;

    account = fk_account_find(fk, in->payer);
    amount = deal->step[FK_STEP_COUPON];

    /* It costs nothing, and goes through the channel that is free. */
    if (amount == 0) {
        return FK_OK;
    }

    if (account == 0 || FK_ACCOUNT(fk, account)->closed
        || memcmp(FK_ACCOUNT(fk, account)->currency,
                  FK_PRODUCT(fk, product)->currency, FK_CURRENCY_SIZE) != 0)
    {
        return FK_PAYER;
    }

    a = FK_ACCOUNT(fk, account);

    if (fk_account_available(a) < amount) {
        return FK_BALANCE;
    }

    if (in->due != NULL) {
        *in->due = amount;
    }

    if (in->split == NULL || in->split->paid != amount) {
        return FK_AGAIN;
    }

    code = in->split->flagged
           ? FK_INVALID
           : fk_split_plan_of(fk, product, in->split, amount, &deal->plan);
    deal->payer = account;
    deal->plan.payer = account;

    /* A split in any case; no recovery would believe a larger sum. */
    return code != FK_OK ? code
           : fk_table_room(fk, FK_TABLE_SPLITS) == 0
             || fk_table_room(fk, FK_TABLE_PAYMENTS) == 0
             || a->live.spent > FK_UNITS_MAX - amount
             || !fk_tally_bears(fk, deal->tally[FK_TALLY_BUYER], amount)
           ? FK_TABLE_FULL : FK_OK;
}


/* The buyer's own is the one that can be done without. */

fk_code_t
fk_deal_room(fk_t *fk, const fk_env_t *env, fk_deal_t *deal)
{
    uint32_t  need;

    need = (deal->wanted[FK_TALLY_QUOTA] && deal->tally[FK_TALLY_QUOTA] == 0)
           + (deal->wanted[FK_TALLY_COUPON_USE]
              && deal->tally[FK_TALLY_COUPON_USE] == 0);

    while (fk_table_room(fk, FK_TABLE_TALLIES) < need) {
        if (!fk_tally_forget(fk, env, deal->tally[FK_TALLY_BUYER],
                             FK_TALLY_LOOK_LONG))
        {
            return FK_TABLE_FULL;
        }
    }

    if (deal->wanted[FK_TALLY_BUYER] && deal->tally[FK_TALLY_BUYER] == 0
        && !fk_tally_buyer_room(fk, env, need))
    {
        deal->wanted[FK_TALLY_BUYER] = 0;
    }

    return FK_OK;
}


const uint8_t *
fk_deal_key(const fk_checkout_t *in, unsigned kind)
{
    return kind == FK_TALLY_BUYER ? in->buyer
           : kind == FK_TALLY_QUOTA ? in->quota : in->coupon_use;
}


void
fk_deal_take(fk_t *fk, const fk_checkout_t *in, fk_deal_t *deal,
    uint8_t taken[FK_TALLY_COUNT])
{
    unsigned  kind;

    for (kind = 0; kind < FK_TALLY_COUNT; kind++) {
        taken[kind] = deal->wanted[kind] && deal->tally[kind] == 0;

        if (taken[kind]) {
            deal->tally[kind] = fk_tally_take(fk, deal->bucket[kind],
                                              (uint8_t) kind,
                                              fk_deal_key(in, kind));
        }
    }
}

/*
 * Splits: who gets what of an order's money, from its payment until the order
 * leaves the region.  The lines come from the caller; a merchant's is made
 * here, of what they leave.
 *
 * A line is frozen, and available when its time has come; what was given back
 * of the order takes the same share of each line with it.  That share is not
 * kept but computed, from all that was given back together, rounded down: so
 * it does not matter in which parts that was done, and with the last unit of
 * the money the line is gone to its last unit.  Nothing is left of any line
 * once the order is not paid any more.
 *
 * A split lives as long as its order.  An order whose split is frozen is not
 * finished, and stays in the region: its split would take as much memory
 * without it.
 *
 * An order that was paid from a balance has a split in any case, for its
 * payer: what that one has spent is computed in the same way, and nothing of
 * it is left once the order's money was given back.
 *
 * Frozen splits stand in a wheel of FK_SETTLE_UNIT_S, to which the time of
 * settling is rounded up.
 */

#include "fk_tally.h"


#define FK_UNITS_PASSED_MAX   4096     /* empty wheel slots in one step */
#define FK_UNIT_SPLITS_MAX    64       /* looked at for one that is due */


static fk_code_t fk_split_plan_line(const fk_t *fk, uint32_t account,
    const char *currency, int64_t amount, fk_split_plan_t *plan);
static fk_code_t fk_split_plan_rest(const fk_t *fk,
    const fk_product_rec_t *p, int64_t left, fk_split_plan_t *plan);
static uint32_t fk_settle_at_s(const fk_env_t *env, uint32_t settle_s);
static void fk_settle_remove(fk_t *fk, uint32_t split);
static void fk_split_unlink(fk_t *fk, uint32_t split);
static uint32_t fk_settle_find(const fk_t *fk, uint32_t unit, uint32_t now_s);


fk_code_t
fk_split_plan(const fk_t *fk, uint32_t order, const fk_split_t *in,
    int64_t paid, fk_split_plan_t *plan)
{
    return fk_split_plan_of(fk, FK_ORDER(fk, order)->product, in, paid, plan);
}


fk_code_t
fk_split_plan_of(const fk_t *fk, uint32_t product, const fk_split_t *in,
    int64_t paid, fk_split_plan_t *plan)
{
    int64_t                  left;
    uint32_t                 n, account;
    fk_code_t                code;
    const fk_product_rec_t  *p;

    plan->count = 0;
    plan->payer = 0;

    if (in == NULL) {
        return FK_OK;
    }

    if (in->count > FK_SPLIT_GIVEN_MAX || in->settle_s > FK_SETTLE_S_MAX
        || in->flagged > 1 || (in->flagged && in->count != 0))
    {
        return FK_INVALID;
    }

    if (in->paid != 0 && in->paid != paid) {
        return FK_AGAIN;
    }

    p = FK_PRODUCT(fk, product);
    plan->settle_s = in->settle_s;
    left = paid;

    for (n = 0; n < in->count; n++) {
        account = fk_account_find(fk, in->line[n].account);

        if (account == 0 || in->line[n].amount < 0
            || in->line[n].amount > left
            || FK_ACCOUNT(fk, account)->kind == FK_ACCOUNT_MERCHANT
            || FK_ACCOUNT(fk, account)->closed)
        {
            return FK_INVALID;
        }

        code = fk_split_plan_line(fk, account, p->currency,
                                  in->line[n].amount, plan);
        if (code != FK_OK) {
            return code;
        }

        left -= in->line[n].amount;
    }

    code = in->flagged ? FK_OK : fk_split_plan_rest(fk, p, left, plan);

    if (code != FK_OK) {
        return code;
    }

    return plan->count == 0 || fk_table_room(fk, FK_TABLE_SPLITS) != 0
           ? FK_OK : FK_TABLE_FULL;
}


static fk_code_t
fk_split_plan_line(const fk_t *fk, uint32_t account, const char *currency,
    int64_t amount, fk_split_plan_t *plan)
{
    uint32_t                 n;
    const fk_account_rec_t  *a;

    a = FK_ACCOUNT(fk, account);

    if (memcmp(a->currency, currency, FK_CURRENCY_SIZE) != 0
        || a->live.frozen > FK_UNITS_MAX - amount
        || a->live.settled > FK_UNITS_MAX - amount)
    {
        return FK_INVALID;
    }

    if (amount == 0) {
        return FK_OK;
    }

    for (n = 0; n < plan->count; n++) {
        if (plan->account[n] == account) {
            return FK_INVALID;
        }
    }

    assert(plan->count < FK_SPLIT_LINES_MAX);
    plan->account[plan->count] = account;
    plan->amount[plan->count] = amount;
    plan->count++;

    return FK_OK;
}


/* The merchant of this moment: orders do not remember one. */

static fk_code_t
fk_split_plan_rest(const fk_t *fk, const fk_product_rec_t *p, int64_t left,
    fk_split_plan_t *plan)
{
    if (p->merchant == 0 || FK_ACCOUNT(fk, p->merchant)->closed) {
        return FK_OK;
    }

    return fk_split_plan_line(fk, p->merchant, p->currency, left, plan);
}


int
fk_line_fits(const fk_t *fk, uint32_t account, int64_t left)
{
    return FK_ACCOUNT(fk, account)->kind != FK_ACCOUNT_MERCHANT || left == 0;
}


uint32_t
fk_split_make(fk_t *fk, const fk_env_t *env, uint32_t order,
    const fk_split_plan_t *plan, int64_t paid)
{
    uint32_t         split, n;
    fk_split_rec_t  *s;

    split = fk_slot_take(fk, FK_TABLE_SPLITS);
    s = FK_SPLIT_ANY(fk, split);

    /* Its mark is noted below: it may stand in memory that was freed. */
    memset(s, 0, sizeof(*s));
    s->paid = paid;
    s->order = order;
    s->made_s = fk_now_s(env);
    s->settle_at_s = fk_settle_at_s(env, plan->settle_s);
    s->state = plan->count != 0 && plan->settle_s != 0 ? FK_SPLIT_FROZEN
                                                       : FK_SPLIT_SETTLED;
    s->line_count = (uint8_t) plan->count;

    for (n = 0; n < plan->count; n++) {
        s->line[n].account = plan->account[n];
        s->amount[n] = plan->amount[n];
    }

    s->line[FK_LINE_PAYER].account = plan->payer;

    FK_SET(fk, s->used, 1);
    FK_SET(fk, FK_ORDER(fk, order)->split, split);

    fk_split_link(fk, split);

    if (s->state == FK_SPLIT_FROZEN) {
        fk_settle_insert(fk, split);
    }

    fk_split_count(fk, split, 1);

    return split;
}


/* Rounded up, so that nobody gets anything too early. */

static uint32_t
fk_settle_at_s(const fk_env_t *env, uint32_t settle_s)
{
    uint64_t  units;

    if (settle_s == 0) {
        return fk_now_s(env);
    }

    units = ((uint64_t) fk_now_s(env) + settle_s + FK_SETTLE_UNIT_S - 1)
            / FK_SETTLE_UNIT_S;

    return units < UINT32_MAX / FK_SETTLE_UNIT_S
           ? (uint32_t) units * FK_SETTLE_UNIT_S
           : UINT32_MAX / FK_SETTLE_UNIT_S * FK_SETTLE_UNIT_S;
}


/* Both factors may have 40 bits. */

int64_t
fk_line_clawed(int64_t amount, int64_t returned, int64_t paid)
{
    assert(amount >= 0 && returned >= 0 && paid > 0 && returned <= paid);

    return (int64_t) ((unsigned __int128) amount * (uint64_t) returned
                      / (uint64_t) paid);
}


int64_t
fk_line_net(const fk_split_rec_t *s, uint32_t n, uint8_t axis_payment)
{
    if (axis_payment != FK_PAYMENT_PAID) {
        return 0;
    }

    return s->amount[n]
           - fk_line_clawed(s->amount[n], s->returned, s->paid);
}


int64_t
fk_payer_net(const fk_split_rec_t *s, uint8_t axis_payment)
{
    return s->line[FK_LINE_PAYER].account != 0
           && (axis_payment == FK_PAYMENT_PAID
               || axis_payment == FK_PAYMENT_REFUNDING)
           ? s->paid - s->returned : 0;
}


void
fk_split_count(fk_t *fk, uint32_t split, int sign)
{
    int64_t                net;
    uint32_t               n;
    fk_balance_t           delta;
    const fk_order_rec_t  *o;
    const fk_split_rec_t  *s;

    s = FK_SPLIT(fk, split);
    o = FK_ORDER(fk, s->order);

    for (n = 0; n < s->line_count; n++) {
        net = sign * fk_line_net(s, n, o->axis_payment);
        memset(&delta, 0, sizeof(delta));

        if (s->state == FK_SPLIT_FROZEN) {
            delta.frozen = net;
        } else {
            delta.settled = net;
        }

        fk_balance_add(fk, s->line[n].account, FK_AUDIT_SPLITS, split,
                       &delta);
    }

    if (s->line[FK_LINE_PAYER].account != 0) {
        memset(&delta, 0, sizeof(delta));
        delta.spent = sign * fk_payer_net(s, o->axis_payment);
        fk_balance_add(fk, s->line[FK_LINE_PAYER].account, FK_AUDIT_SPLITS,
                       split, &delta);
    }

    if (fk_audit_passed(fk, FK_AUDIT_SPLITS, split)) {
        fk_audit_count(fk, FK_AUDIT_SPLITS, split, sign);
        fk_audit_money(fk, FK_PRODUCT(fk, o->product)->currency,
                       -sign * s->returned, 0);
    }
}


fk_line_rec_t *
fk_line_of(const fk_t *fk, uint32_t ref)
{
    return &FK_SPLIT(fk, FK_LINE_SPLIT(ref))->line[FK_LINE_PLACE(ref)];
}


/* The split is new: its own links need no note. */

void
fk_split_link(fk_t *fk, uint32_t split)
{
    uint32_t           n, head;
    fk_line_rec_t     *line;
    fk_account_rec_t  *a;

    for (n = 0; n < FK_LINE_SLOTS; n++) {
        if (!fk_line_there(FK_SPLIT(fk, split), n)) {
            continue;
        }

        line = &FK_SPLIT(fk, split)->line[n];
        a = FK_ACCOUNT(fk, line->account);
        head = a->lines;
        line->prev = 0;
        line->next = head;

        if (head != 0) {
            FK_SET(fk, fk_line_of(fk, head)->prev, FK_LINE(split, n));
        }

        FK_SET(fk, a->lines, FK_LINE(split, n));
    }
}


static void
fk_split_unlink(fk_t *fk, uint32_t split)
{
    uint32_t        n;
    fk_line_rec_t  *line;

    for (n = 0; n < FK_LINE_SLOTS; n++) {
        if (!fk_line_there(FK_SPLIT(fk, split), n)) {
            continue;
        }

        line = &FK_SPLIT(fk, split)->line[n];

        if (line->prev != 0) {
            FK_SET(fk, fk_line_of(fk, line->prev)->next, line->next);
        } else {
            FK_SET(fk, FK_ACCOUNT(fk, line->account)->lines, line->next);
        }

        if (line->next != 0) {
            FK_SET(fk, fk_line_of(fk, line->next)->prev, line->prev);
        }
    }
}


uint32_t *
fk_settle_slot(const fk_t *fk, uint32_t unit)
{
    uint32_t  *slots;

    slots = (uint32_t *) (void *) (fk->base + fk->region->settle_offset);
    return &slots[unit % FK_SETTLE_SLOTS];
}


void
fk_settle_insert(fk_t *fk, uint32_t split)
{
    uint32_t        *slot, unit;
    fk_region_t     *r;
    fk_split_rec_t  *s;

    r = fk->region;
    s = FK_SPLIT(fk, split);
    unit = s->settle_at_s / FK_SETTLE_UNIT_S;

    if (unit < r->settle_unit) {
        FK_SET(fk, r->settle_unit, unit);
    }

    slot = fk_settle_slot(fk, unit);
    s->prev = 0;
    s->next = *slot;

    if (*slot != 0) {
        FK_SET(fk, FK_SPLIT(fk, *slot)->prev, split);
    }

    FK_SET(fk, *slot, split);
}


static void
fk_settle_remove(fk_t *fk, uint32_t split)
{
    uint32_t        *slot;
    fk_split_rec_t  *s;

    s = FK_SPLIT(fk, split);

    if (s->prev != 0) {
        FK_SET(fk, FK_SPLIT(fk, s->prev)->next, s->next);

    } else {
        slot = fk_settle_slot(fk, s->settle_at_s / FK_SETTLE_UNIT_S);
        assert(*slot == split);
        FK_SET(fk, *slot, s->next);
    }

    if (s->next != 0) {
        FK_SET(fk, FK_SPLIT(fk, s->next)->prev, s->prev);
    }
}


/* Nothing can become of lines that are gone, though they are frozen. */

int
fk_split_finished(const fk_t *fk, const fk_order_rec_t *o)
{
    return o->split == 0 || o->axis_payment != FK_PAYMENT_PAID
           || FK_SPLIT(fk, o->split)->state == FK_SPLIT_SETTLED;
}


int
fk_split_archive_room(const fk_t *fk, uint32_t split)
{
    uint32_t               n;
    const fk_split_rec_t  *s;

    s = FK_SPLIT(fk, split);

    for (n = 0; n < s->line_count; n++) {
        if (FK_ACCOUNT(fk, s->line[n].account)->archived_earned
            > FK_UNITS_MAX - s->amount[n])
        {
            return 0;
        }
    }

    return s->line[FK_LINE_PAYER].account == 0
           || FK_ACCOUNT(fk, s->line[FK_LINE_PAYER].account)->archived_spent
              <= FK_UNITS_MAX - s->paid;
}


void
fk_split_archive(fk_t *fk, uint32_t split)
{
    int64_t                net;
    uint32_t               n;
    fk_split_rec_t        *s;
    fk_account_rec_t      *a;
    const fk_order_rec_t  *o;

    s = FK_SPLIT(fk, split);
    o = FK_ORDER(fk, s->order);

    fk_split_count(fk, split, -1);
    fk_split_unlink(fk, split);

    if (s->state == FK_SPLIT_FROZEN) {
        fk_settle_remove(fk, split);
    }

    for (n = 0; n < s->line_count; n++) {
        a = FK_ACCOUNT(fk, s->line[n].account);
        net = fk_line_net(s, n, o->axis_payment);

        FK_SET(fk, a->archived_earned, a->archived_earned + net);
        fk_record_account(fk, s->line[n].account);
    }

    if (s->line[FK_LINE_PAYER].account != 0) {
        a = FK_ACCOUNT(fk, s->line[FK_LINE_PAYER].account);
        FK_SET(fk, a->archived_spent,
               a->archived_spent + fk_payer_net(s, o->axis_payment));
        fk_record_account(fk, s->line[FK_LINE_PAYER].account);
    }
}


void
fk_split_free(fk_t *fk, uint32_t split)
{
    uint32_t         n;
    fk_split_rec_t  *s;

    s = FK_SPLIT(fk, split);

    for (n = 0; n < s->part_count; n++) {
        fk_blob_free(fk, s->part[n]);
    }

    FK_SET(fk, s->used, 0);
    fk_slot_free(fk, FK_TABLE_SPLITS, split);
}


int
fk_settle_due(const fk_t *fk, const fk_env_t *env)
{
    return (uint64_t) FK_GET(fk->region->settle_unit) * FK_SETTLE_UNIT_S
           <= fk_now_s(env);
}


/* One split, or up to FK_UNITS_PASSED_MAX slots without one. */

fk_code_t
fk_settle_step(fk_t *fk, const fk_env_t *env, uint32_t *settled_count)
{
    uint32_t         unit, now_unit, passed, split;
    fk_region_t     *r;
    fk_split_rec_t  *s;

    r = fk->region;
    unit = r->settle_unit;
    now_unit = fk_now_s(env) / FK_SETTLE_UNIT_S;

    if (unit <= now_unit && now_unit - unit >= FK_SETTLE_SLOTS) {
        unit = now_unit - FK_SETTLE_SLOTS + 1;
    }

    split = 0;

    for (passed = 0; passed < FK_UNITS_PASSED_MAX && unit <= now_unit;
         passed++)
    {
        split = fk_settle_find(fk, unit, fk_now_s(env));

        if (split != 0) {
            break;
        }

        unit++;
    }

    if (split == 0) {
        FK_SET(fk, r->settle_unit, unit);
        fk_commit(fk);
        return FK_OK;
    }

    if (!fk_record_room(fk, FK_IMAGE_SPLIT_SIZE)) {
        return FK_RING_FULL;
    }

    s = FK_SPLIT(fk, split);

    fk_split_count(fk, split, -1);
    fk_settle_remove(fk, split);
    FK_SET(fk, s->state, FK_SPLIT_SETTLED);
    fk_split_count(fk, split, 1);

    fk_record_begin(fk, env);
    fk_record_split(fk, split);
    (void) fk_record_end(fk);
    fk_commit(fk);
    (*settled_count)++;

    return FK_OK;
}


/* As fk_tick_expired() does it for orders. */

static uint32_t
fk_settle_find(const fk_t *fk, uint32_t unit, uint32_t now_s)
{
    uint32_t               split, steps;
    const fk_split_rec_t  *s;

    split = *fk_settle_slot(fk, unit);

    for (steps = FK_UNIT_SPLITS_MAX; split != 0 && steps != 0; steps--) {
        s = FK_SPLIT(fk, split);

        if (s->settle_at_s <= now_s) {
            return split;
        }

        split = s->next;
    }

    return 0;
}

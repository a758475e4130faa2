/*
 * The oracle's own book of what buyers have: what each of them has spent and
 * holds, and what each coupon was used for, all of it counted from the orders
 * and payments in the journal.  The engine's tallies are not believed, they
 * are held against it.
 */

#include "sim.h"


static uint32_t terms_who(const uint8_t *key);
static int terms_counts(const sim_purchase_t *b);
static int terms_bought(const sim_t *s, uint32_t purchase, uint32_t buyer);
static int terms_paid(const sim_t *s, uint32_t purchase);
static int terms_is_open(const sim_t *s, uint32_t buyer, uint32_t coupon);
static fk_share_t terms_of(const sim_t *s, uint32_t buyer);
static int64_t terms_spent(const sim_t *s, uint32_t buyer);
static int64_t terms_units(const sim_t *s, uint32_t buyer, uint32_t product,
    uint32_t but);
static int64_t terms_uses(const sim_t *s, uint32_t coupon, uint32_t buyer,
    uint32_t but);
static int64_t terms_level_price(const sim_t *s, uint32_t buyer,
    int64_t total);
static int64_t terms_coupon_price(const sim_coupon_t *c, int64_t total);
static void terms_limits(sim_t *s, uint64_t seq, uint32_t n);


/* --- what the journal says ----------------------------------------------- */

void
oracle_level(sim_t *s, const fk_image_level_t *in)
{
    sim_level_t  *l;

    SIM_MUST(s, in->slot >= 1 && in->slot <= SIM_LEVELS,
             "the journal has a level that nobody made");
    l = &s->oracle.level[in->slot - 1];
    l->min_spent = in->min_spent;
    l->off_bp = in->off_bp;
    l->is_known = 1;
}


void
oracle_coupon(sim_t *s, const fk_image_coupon_t *in)
{
    uint32_t       i;
    sim_coupon_t  *c;

    for (i = 0; i < SIM_COUPONS; i++) {
        if (strlen(terms_code[i]) == in->code_size
            && memcmp(terms_code[i], in->code, in->code_size) == 0)
        {
            break;
        }
    }

    SIM_MUST(s, i < SIM_COUPONS, "the journal has a coupon of nobody");
    c = &s->oracle.coupon[i];
    c->slot = in->slot;
    c->kind = in->kind;
    c->value = in->value;
    c->cap = in->cap;
    c->min_amount = in->min_amount;
    c->uses_max = in->uses_max;
    c->uses_buyer_max = in->uses_buyer_max;
}


/* The buyer with this key, or 0. */

static uint32_t
terms_who(const uint8_t *key)
{
    uint8_t   his[FK_TALLY_KEY_SIZE];
    uint32_t  buyer;

    for (buyer = SIM_BUYERS; buyer != 0; buyer--) {
        terms_key(buyer, FK_TALLY_BUYER, 0, his);

        if (memcmp(key, his, sizeof(his)) == 0) {
            break;
        }
    }

    return buyer;
}


/*
 * A buyer may go with what he spent, for which there is no place: from then on
 * less of it is known to the shop than to the book.
 */

void
oracle_tally(sim_t *s, const fk_image_tally_t *in)
{
    uint32_t  buyer;

    buyer = in->kind == FK_TALLY_BUYER ? terms_who(in->key) : 0;

    if (in->used) {
        s->oracle.archived[buyer] = in->archived_orders != 0;
        return;
    }

    /* Where records were lost the book learns what was spent only later. */
    if (buyer == 0
        || (terms_spent(s, buyer) == 0 && !s->oracle.archived[buyer]))
    {
        sim_mark(s, SIM_MARK_FORGOTTEN);
        return;
    }

    s->oracle.gone[buyer] = 1;
    sim_mark(s, SIM_MARK_DISPLACED);
}


/* An order that is made: each step of its price, and each limit. */

void
oracle_terms_made(sim_t *s, uint64_t seq, uint32_t n, int64_t price,
    const fk_image_order_t *in)
{
    int64_t                step[FK_STEP_COUNT];
    uint32_t               i, buyer, coupon;
    const sim_coupon_t    *c;
    const sim_purchase_t  *b;

    b = &s->oracle.purchase[n];
    buyer = terms_buyer(n, b->product);
    coupon = terms_coupon(n, b->product);

    for (i = 0; i < FK_STEP_COUNT; i++) {
        step[i] = i < in->step_count ? in->step[i] : in->amount;
    }

    SIM_MUST(s, price == 0
                || (step[FK_STEP_LIST] == price * (int64_t) b->qty
                    && step[FK_STEP_TIER]
                       == terms_unit(price, b->qty) * (int64_t) b->qty),
             "record %" PRIu64 ": purchase %u of %u units at %" PRId64
             " costs %" PRId64 ", by its tier %" PRId64, seq, n, b->qty,
             price, step[FK_STEP_LIST], step[FK_STEP_TIER]);
    SIM_MUST(s, step[FK_STEP_RULE] == request_total(n, step[FK_STEP_LEVEL]),
             "record %" PRIu64 ": purchase %u is not at the rule's price",
             seq, n);
    SIM_MUST(s, buyer != 0
                || (step[FK_STEP_LEVEL] == step[FK_STEP_TIER]
                    && in->tally[FK_TALLY_BUYER] == 0),
             "record %" PRIu64 ": purchase %u has a level, and no buyer",
             seq, n);
    SIM_MUST(s, (terms_limit(b->product) != 0)
                == (in->tally[FK_TALLY_QUOTA] != 0),
             "record %" PRIu64 ": purchase %u is not counted", seq, n);

    /* What was lost may come otherwise, and what is known be of later. */
    if (s->oracle.has_forgotten) {
        return;
    }

    SIM_MUST(s, buyer == 0 || s->oracle.gone[buyer]
                || (s->oracle.tallies_full && in->tally[0] == 0)
                || step[FK_STEP_LEVEL]
                   == terms_level_price(s, buyer, step[FK_STEP_TIER]),
             "record %" PRIu64 ": purchase %u is at %" PRId64 " by its level, "
             "of %" PRId64 " by its tier, and %" PRId64 " are spent", seq, n,
             step[FK_STEP_LEVEL], step[FK_STEP_TIER],
             terms_spent(s, buyer));

    c = coupon < SIM_COUPONS ? &s->oracle.coupon[coupon] : NULL;

    SIM_MUST(s, in->coupon == (c != NULL ? c->slot : 0)
                && step[FK_STEP_COUPON]
                   == (c != NULL
                       ? terms_coupon_price(c, step[FK_STEP_RULE])
                       : step[FK_STEP_RULE]),
             "record %" PRIu64 ": purchase %u is at %" PRId64 " by its coupon"
             ", and at %" PRId64 " without", seq, n, step[FK_STEP_COUPON],
             step[FK_STEP_RULE]);

    terms_limits(s, seq, n);

    if (step[FK_STEP_LEVEL] != step[FK_STEP_TIER]) {
        sim_mark(s, SIM_MARK_LEVELED);
    }

    if (c != NULL) {
        sim_mark(s, SIM_MARK_DISCOUNTED);
    }
}


/* By the orders alone: nobody holds more than he may, when he asks. */

static void
terms_limits(sim_t *s, uint64_t seq, uint32_t n)
{
    uint32_t               buyer, coupon;
    const sim_coupon_t    *c;
    const sim_purchase_t  *b;

    b = &s->oracle.purchase[n];
    buyer = terms_buyer(n, b->product);
    coupon = terms_coupon(n, b->product);

    SIM_MUST(s, terms_limit(b->product) == 0
                || terms_units(s, buyer, b->product, n) + (int64_t) b->qty
                   <= terms_limit(b->product),
             "record %" PRIu64 ": purchase %u of %u units, and its buyer has "
             "%" PRId64, seq, n, b->qty,
             terms_units(s, buyer, b->product, n));

    if (coupon == SIM_COUPONS) {
        return;
    }

    c = &s->oracle.coupon[coupon];

    SIM_MUST(s, (c->uses_max == 0
                 || terms_uses(s, coupon, 0, n) < (int64_t) c->uses_max)
                && (c->uses_buyer_max == 0
                    || terms_uses(s, coupon, buyer, n)
                       < (int64_t) c->uses_buyer_max),
             "record %" PRIu64 ": purchase %u has a coupon that is used up",
             seq, n);
}


void
oracle_terms_order(sim_t *s, uint32_t n, const fk_image_order_t *in)
{
    uint32_t         kind;
    sim_purchase_t  *b;

    b = &s->oracle.purchase[n];

    if (b->has_tally[FK_TALLY_QUOTA] && in->tally[FK_TALLY_QUOTA] == 0) {
        sim_mark(s, SIM_MARK_UNCOUNTED);
    }

    for (kind = 0; kind < FK_TALLY_COUNT; kind++) {
        b->has_tally[kind] = in->tally[kind] != 0;
    }

    s->oracle.tallies_full |= !b->has_tally[FK_TALLY_BUYER]
                              && terms_buyer(n, b->product) != 0;
    b->made_coupon = in->coupon != 0;

    if (terms_limit(b->product) != 0
        && terms_units(s, terms_buyer(n, b->product), b->product, 0)
           > terms_limit(b->product))
    {
        sim_mark(s, SIM_MARK_ABOVE_LIMIT);
    }
}


/* --- counting ------------------------------------------------------------ */

/* Whether it holds units, or has got them for good, or waits for them. */

static int
terms_counts(const sim_purchase_t *b)
{
    return b->made_seq != 0 && b->axes_seq != 0
           && b->axes.stock != FK_STOCK_RELEASED
           && b->axes.stock != FK_STOCK_VOIDED;
}


/* Whether it is an order of this buyer's, for the shop as well. */

static int
terms_bought(const sim_t *s, uint32_t purchase, uint32_t buyer)
{
    const sim_purchase_t  *b;

    b = &s->oracle.purchase[purchase];

    return b->has_tally[FK_TALLY_BUYER]
           && terms_buyer(purchase, b->product) == buyer;
}


static int
terms_paid(const sim_t *s, uint32_t purchase)
{
    const sim_purchase_t  *b;

    b = &s->oracle.purchase[purchase];

    return b->axes_seq != 0 && b->axes.payment == FK_PAYMENT_PAID;
}


/*
 * A decision whose record Redis has lost leaves open how the order stands, for
 * the book keeps nothing of before.  Any such order of this buyer or, with 0,
 * with this coupon?
 */

static int
terms_is_open(const sim_t *s, uint32_t buyer, uint32_t coupon)
{
    uint32_t               i;
    const sim_purchase_t  *b;

    for (i = 1; i < s->oracle.purchase_count; i++) {
        b = &s->oracle.purchase[i];

        if (b->made_seq != 0 && b->axes_seq == 0
            && (buyer != 0 ? terms_buyer(i, b->product) == buyer
                           : terms_coupon(i, b->product) == coupon))
        {
            return 1;
        }
    }

    return 0;
}


/* What he has paid for and was not given back since, each order once. */

static fk_share_t
terms_of(const sim_t *s, uint32_t buyer)
{
    uint32_t                 i;
    fk_share_t               has;
    const sim_payment_t     *p;
    const sim_purchase_t    *b;
    const sim_entry_line_t  *e;

    memset(&has, 0, sizeof(has));

    for (i = 1; i < s->oracle.purchase_count; i++) {
        b = &s->oracle.purchase[i];

        if (terms_bought(s, i, buyer) && terms_paid(s, i)) {
            has.orders++;
            has.units += b->qty;
        }
    }

    for (i = 1; i < s->oracle.payment_count; i++) {
        p = &s->oracle.payment[i];

        if (p->state_seq != 0 && p->state == FK_PAYMENT_STATE_APPLIED
            && terms_bought(s, p->purchase, buyer))
        {
            has.amount += p->amount;
        }
    }

    for (i = 0; i < s->oracle.ledger_count; i++) {
        e = &s->oracle.ledger[i];

        if (e->kind == SIM_LEDGER_SPLIT && terms_bought(s, e->key, buyer)
            && terms_paid(s, e->key))
        {
            has.amount -= e->part;
            has.orders -= e->is_last_part;
            has.units -= e->is_last_part ? s->oracle.purchase[e->key].qty : 0;
        }
    }

    return has;
}


static int64_t
terms_spent(const sim_t *s, uint32_t buyer)
{
    return terms_of(s, buyer).amount;
}


static int64_t
terms_units(const sim_t *s, uint32_t buyer, uint32_t product, uint32_t but)
{
    int64_t                units;
    uint32_t               i;
    const sim_purchase_t  *b;

    units = 0;

    for (i = 1; i < s->oracle.purchase_count; i++) {
        b = &s->oracle.purchase[i];
        units += i != but && b->product == product && terms_counts(b)
                 && b->has_tally[FK_TALLY_QUOTA]
                 && terms_buyer(i, product) == buyer ? b->qty : 0;
    }

    return units;
}


/* Of a buyer, or of all: 0. */

static int64_t
terms_uses(const sim_t *s, uint32_t coupon, uint32_t buyer, uint32_t but)
{
    int64_t                uses;
    uint32_t               i;
    const sim_purchase_t  *b;

    uses = 0;

    for (i = 1; i < s->oracle.purchase_count; i++) {
        b = &s->oracle.purchase[i];
        uses += i != but && b->made_coupon && terms_counts(b)
                && terms_coupon(i, b->product) == coupon
                && (buyer == 0 || (b->has_tally[FK_TALLY_COUPON_USE]
                                   && terms_buyer(i, b->product) == buyer));
    }

    return uses;
}


static int64_t
terms_level_price(const sim_t *s, uint32_t buyer, int64_t total)
{
    int64_t             spent;
    uint32_t            i;
    const sim_level_t  *l, *best;

    spent = terms_spent(s, buyer);
    best = NULL;

    for (i = 0; i < SIM_LEVELS; i++) {
        l = &s->oracle.level[i];

        if (l->is_known && l->min_spent <= spent
            && (best == NULL || l->min_spent > best->min_spent))
        {
            best = l;
        }
    }

    return best == NULL ? total
           : total - total * best->off_bp / 10000;
}


static int64_t
terms_coupon_price(const sim_coupon_t *c, int64_t total)
{
    int64_t  off;

    if (total < c->min_amount) {
        return 0;
    }

    off = c->kind == FK_COUPON_FIXED ? c->value : total * c->value / 10000;
    off = c->cap != 0 && off > c->cap ? c->cap : off;

    return total - off;
}


/* --- the quiet point ----------------------------------------------------- */

void
oracle_terms_check(sim_t *s, fk_t *fk)
{
    uint8_t                key[FK_TALLY_KEY_SIZE];
    uint32_t               buyer, i, slot;
    fk_share_t             has;
    fk_buyer_view_t        v;
    fk_coupon_view_t       c;
    const fk_tally_rec_t  *t;

    /* Records that nobody saw have changed what is not known. */
    if (s->oracle.blind_seq != 0) {
        return;
    }

    for (buyer = 1; buyer <= SIM_BUYERS; buyer++) {

        if (terms_is_open(s, buyer, 0)) {
            continue;
        }

        terms_key(buyer, FK_TALLY_BUYER, 0, key);
        has = terms_of(s, buyer);
        SIM_MUST(s, fk_buyer_get(fk, key, &v) == FK_OK
                    && (s->oracle.gone[buyer]
                        ? v.spent <= has.amount && v.orders_count <= has.orders
                        : v.spent == has.amount && v.orders_count == has.orders
                          && v.units_count == has.units),
                 "buyer %u has spent %" PRId64 " on %" PRId64 " orders for "
                 "the shop, and %" PRId64 " on %" PRId64 " by the book",
                 buyer, v.spent, v.orders_count, has.amount, has.orders);

        for (i = 0; i < s->plan.products; i++) {
            terms_key(buyer, FK_TALLY_QUOTA, i, key);
            slot = fk_tally_find(fk, FK_TALLY_QUOTA, key);
            t = slot != 0 ? FK_TALLY(fk, slot) : NULL;

            SIM_MUST(s, terms_limit(i) == 0
                        || terms_units(s, buyer, i, 0)
                           == (t != NULL ? t->live.units + t->archived.units
                                         : 0),
                     "buyer %u has %" PRId64 " units of product %u by the "
                     "book, and others for the shop", buyer,
                     terms_units(s, buyer, i, 0), i);
        }
    }

    for (i = 0; i < SIM_COUPONS; i++) {
        SIM_MUST(s, terms_is_open(s, 0, i)
                    || fk_coupon_get(fk, redis_str(terms_code[i]), &c) != FK_OK
                    || c.uses_count == terms_uses(s, i, 0, 0),
                 "coupon %s has %" PRId64 " uses for the shop, and %" PRId64
                 " by the book", terms_code[i], c.uses_count,
                 terms_uses(s, i, 0, 0));
    }
}


/* Each in its slot, as orders name them by it. */

void
oracle_terms_same(sim_t *s, const fk_t *fk, const fk_t *other)
{
    uint32_t          i;
    fk_image_tally_t  one, two;

    for (i = 1; i <= fk->region->table[FK_TABLE_TALLIES].fresh
                || i <= other->region->table[FK_TABLE_TALLIES].fresh; i++)
    {
        SIM_MUST(s, fk_tally_used(fk, i) == fk_tally_used(other, i),
                 "tally %u is not there after a recovery", i);

        if (!fk_tally_used(fk, i)) {
            continue;
        }

        memset(&one, 0, sizeof(one));
        memset(&two, 0, sizeof(two));
        fk_tally_image(fk, i, &one);
        fk_tally_image(other, i, &two);
        SIM_MUST(s, memcmp(&one, &two, sizeof(one)) == 0
                    && FK_TALLY(fk, i)->refs == FK_TALLY(other, i)->refs
                    && memcmp(&FK_TALLY(fk, i)->live,
                              &FK_TALLY(other, i)->live,
                              sizeof(fk_share_t)) == 0,
                 "tally %u is not the same after a recovery", i);
    }

    SIM_MUST(s, fk_table_used(fk, FK_TABLE_COUPONS)
                == fk_table_used(other, FK_TABLE_COUPONS)
                && fk_table_used(fk, FK_TABLE_LEVELS)
                   == fk_table_used(other, FK_TABLE_LEVELS),
             "coupons or levels are not there after a recovery");
}


/* With every order back, no sum knows of one that is nowhere. */

void
oracle_terms_back(sim_t *s, const fk_t *other)
{
    uint32_t               i;
    const fk_tally_rec_t  *t;

    for (i = 1; i <= other->region->table[FK_TABLE_TALLIES].fresh; i++) {
        t = FK_TALLY(other, i);
        SIM_MUST(s, !t->used
                    || (t->kind == FK_TALLY_BUYER
                        && s->oracle.gone[terms_who(t->key)])
                    || (t->archived.orders == 0 && t->archived.units == 0
                        && t->archived.amount == 0),
                 "tally %u has orders that are nowhere", i);
    }

    for (i = 1; i <= other->region->table[FK_TABLE_COUPONS].fresh; i++) {
        SIM_MUST(s, FK_COUPON_AT(other, i)->archived_uses == 0,
                 "coupon %u has uses that are nowhere", i);
    }
}

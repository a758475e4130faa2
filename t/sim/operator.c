/*
 * The operator: makes the products, imports cards in slices, changes prices,
 * and decides about money that a rule cannot decide.  Decisions do not wait
 * for imports, and a colleague says now and then what was said just before.
 *
 * A file whose import came to nothing, or whose end nobody has heard, is
 * uploaded again until it is in: what is known is left out by the shop.
 */

#include "sim.h"


enum {
    STEP_PRODUCT = 0, STEP_BEGIN, STEP_ADD, STEP_COMMIT, STEP_ABORT,
    STEP_REST, STEP_DECIDE, STEP_AGAIN, STEP_TERMS
};

/* They are the first who act. */
enum {
    OPERATOR_IMPORTS = 0, OPERATOR_DECIDES, OPERATOR_REPEATS
};

#define OPERATOR_SLICE  4
#define OPERATOR_PRICE  500
#define OPERATOR_TRIES_US  (50 * SIM_S)   /* to send a file */
#define OPERATOR_SHORT_US  (5 * SIM_S)
#define OPERATOR_BUSY_US   (45 * SIM_S)
#define OPERATOR_CLOSED_US (5 * SIM_S)    /* he asks each second */


static void operator_busy(sim_t *s, sim_actor_t *me, fk_code_t code);
static void operator_on_turn(sim_t *s, uint64_t a, uint64_t b);
static void operator_next(sim_t *s, uint32_t actor, uint32_t step,
    int64_t delay_us);
static void operator_done(sim_t *s, uint32_t actor, sim_request_t *r);
static void operator_answered(sim_t *s, uint32_t actor,
    const sim_request_t *r);
static void operator_product(sim_t *s, sim_request_t *r);
static void operator_rest(sim_t *s, uint32_t actor);
static void operator_import(sim_t *s, uint32_t actor);
static int operator_gives_up(const sim_t *s, const sim_actor_t *me);
static void operator_again(sim_t *s, uint32_t actor, uint32_t payment,
    int64_t delay_us);
static int operator_decide(sim_t *s, sim_request_t *r);
static int operator_waits(sim_t *s, uint32_t payment, fk_event_t *event);


void
operator_start(sim_t *s)
{
    uint32_t  i, actor;

    for (i = 0; i < s->plan.products; i++) {
        s->oracle.product[i].kind = (fk_kind_t) (i % FK_KIND_COUNT);
        oracle_price(s, i, OPERATOR_PRICE);
    }

    actor = actor_new(s, operator_done);
    operator_next(s, actor, STEP_TERMS, 0);

    actor = actor_new(s, operator_done);
    operator_next(s, actor, STEP_DECIDE, SIM_S);

    actor = actor_new(s, operator_done);
    assert(actor == OPERATOR_REPEATS);
}


static void
operator_next(sim_t *s, uint32_t actor, uint32_t step, int64_t delay_us)
{
    s->actor[actor].step = step;
    sim_after(s, delay_us, operator_on_turn, actor, s->actor[actor].ask);
}


static void
operator_on_turn(sim_t *s, uint64_t a, uint64_t b)
{
    uint32_t        actor = (uint32_t) a;
    sim_actor_t    *me;
    sim_request_t  *r;

    static const sim_request_kind_t  kinds[] = {
        SIM_REQUEST_PRODUCT, SIM_REQUEST_IMPORT_BEGIN, SIM_REQUEST_IMPORT_ADD,
        SIM_REQUEST_IMPORT_COMMIT, SIM_REQUEST_IMPORT_ABORT,
        SIM_REQUEST_COUNT, SIM_REQUEST_DECIDE, SIM_REQUEST_REFUND,
        SIM_REQUEST_TERMS
    };

    me = &s->actor[actor];

    if (me->ask != b || me->waiting != NULL) {
        return;
    }

    if (me->step == STEP_REST) {
        operator_rest(s, actor);
        return;
    }

    r = actor_request(s, actor, kinds[me->step]);
    r->product = me->product;
    r->batch = me->batch;
    r->first_card = me->first_card;
    r->count = me->count < OPERATOR_SLICE ? me->count : OPERATOR_SLICE;

    if (me->step == STEP_PRODUCT) {
        operator_product(s, r);
    }

    if (me->step == STEP_DECIDE && !operator_decide(s, r)) {
        me->waiting = NULL;
        operator_next(s, actor, STEP_DECIDE, SIM_S);
        return;
    }

    /* Of other percents, and by another sum. */
    if (me->step == STEP_TERMS) {
        r->count = (uint32_t) sim_below(s, 30);
    }

    if (me->step == STEP_COMMIT) {
        r->first_card = me->file;
        r->count = me->left;
    }

    if (me->step == STEP_AGAIN) {
        r->payment = me->payment;
        r->purchase = s->oracle.payment[me->payment].purchase;
        r->id = s->oracle.payment[me->payment].id;

    } else if (r->kind == SIM_REQUEST_REFUND && sim_permille(s, 300)
               && s->actor[OPERATOR_REPEATS].waiting == NULL)
    {
        operator_again(s, OPERATOR_REPEATS, r->payment,
                       sim_between(s, 0, 2 * s->plan.latency_us));
    }

    actor_ask(s, r);
}


static void
operator_again(sim_t *s, uint32_t actor, uint32_t payment, int64_t delay_us)
{
    s->actor[actor].payment = payment;
    operator_next(s, actor, STEP_AGAIN, delay_us);
}


static void
operator_product(sim_t *s, sim_request_t *r)
{
    sim_product_t  *p;

    p = &s->oracle.product[r->product];

    r->put.sku = request_sku(r->product);
    r->put.fields = FK_PUT_NAME | FK_PUT_PRICE | FK_PUT_KIND
                    | FK_PUT_ON_SALE;
    r->put.name = request_sku(r->product);
    r->put.price = p->price;
    r->put.kind = (uint8_t) p->kind;
    r->put.on_sale = 1;
    memcpy(r->put.currency, "CNY", 4);

    if (p->kind == FK_KIND_COUNTED) {
        r->put.fields |= FK_PUT_STOCK;
        r->put.stock = s->plan.stock;
    }

    terms_product(r->product, &r->put);
    split_product(s, r->product, &r->put);
}


/*
 * Money that waits for a person, by the journal; else anything, which the
 * shop has to refuse, but to take back what was delivered.
 */

static int
operator_decide(sim_t *s, sim_request_t *r)
{
    uint32_t              i, n, first;
    const sim_payment_t  *p;

    static const fk_event_t  events[] = {
        FK_EVENT_APPROVE, FK_EVENT_DENY, FK_EVENT_GIVE_UP, FK_EVENT_REFUNDED,
        FK_EVENT_REVOKE
    };

    if (s->is_stopping || s->oracle.payment_count == 1) {
        return 0;
    }

    first = (uint32_t) sim_below(s, s->oracle.payment_count);
    r->event = events[sim_below(s, sizeof(events) / sizeof(events[0]))];
    i = first;

    for (n = 0; n < s->oracle.payment_count && sim_permille(s, 950); n++) {
        if (operator_waits(s, i, &r->event)) {
            break;
        }

        i = (i + 1) % s->oracle.payment_count;
    }

    p = &s->oracle.payment[i];
    r->payment = i;
    r->purchase = p->purchase;
    r->id = p->id;

    /* Some give back one payment, some all that an order owes. */
    if (r->event == FK_EVENT_REFUNDED && sim_permille(s, 500)) {
        r->kind = SIM_REQUEST_REFUND;
    }

    return i != 0 && s->oracle.purchase[p->purchase].is_acked;
}


static int
operator_waits(sim_t *s, uint32_t payment, fk_event_t *event)
{
    const sim_payment_t   *p;
    const sim_purchase_t  *b;

    p = &s->oracle.payment[payment];
    b = &s->oracle.purchase[p->purchase];

    if (p->state_seq == 0 || b->axes_seq == 0) {
        return 0;
    }

    if (p->state == FK_PAYMENT_STATE_REFUND_DUE
        || p->state == FK_PAYMENT_STATE_ASKED)
    {
        *event = FK_EVENT_REFUNDED;
        return sim_permille(s, 300);
    }

    if (b->axes.stock == FK_STOCK_SHORT) {
        *event = FK_EVENT_GIVE_UP;
        return sim_permille(s, 50);
    }

    if (b->axes.delivery == FK_DELIVERY_REVIEW) {
        *event = sim_permille(s, 500) ? FK_EVENT_APPROVE : FK_EVENT_DENY;
        return sim_permille(s, 500);
    }

    return 0;
}


/* What comes next in its day. */

static void
operator_rest(sim_t *s, uint32_t actor)
{
    sim_actor_t  *me;

    me = &s->actor[actor];

    if (me->file != 0 && operator_gives_up(s, me)) {
        me->file = 0;
    }

    if (me->file != 0) {
        me->first_card = me->file;
        me->count = me->left;
        operator_next(s, actor, STEP_BEGIN, 0);
        return;
    }

    me->product = (uint32_t) sim_below(s, s->plan.products);

    if (s->is_stopping) {
        operator_next(s, actor, STEP_REST, SIM_S);
        return;
    }

    if (sim_permille(s, 100)) {
        operator_next(s, actor, STEP_TERMS, 0);
        return;
    }

    if (sim_permille(s, 300)
        || s->oracle.product[me->product].kind == FK_KIND_COUNTED)
    {
        oracle_price(s, me->product, sim_between(s, 100, 900));
        operator_next(s, actor, STEP_PRODUCT, 0);
        return;
    }

    operator_import(s, actor);
}


static void
operator_import(sim_t *s, uint32_t actor)
{
    sim_actor_t  *me;

    me = &s->actor[actor];
    me->count = 1 + (uint32_t) sim_below(s, s->plan.stock);
    me->first_card = oracle_cards(s, me->product, me->count);

    if (me->first_card == 0) {
        operator_next(s, actor, STEP_REST, SIM_S);
        return;
    }

    me->file = me->first_card;
    me->left = me->count;
    me->since_us = s->now_us;
    me->busy_us = 0;
    operator_next(s, actor, STEP_BEGIN, 0);
}


/*
 * A card that has left with its order is not known any more: not before the
 * retention since its import began, or the minute that a full table leaves of
 * it.  Where clocks jump, that may be at once, and a lease may last for any
 * time.
 */

static int
operator_gives_up(const sim_t *s, const sim_actor_t *me)
{
    return s->now_us > me->since_us + (s->plan.retention_s < 60
                                       ? OPERATOR_SHORT_US
                                       : OPERATOR_TRIES_US)
           || (s->plan.weight[SIM_FAULT_CLOCK_JUMP] != 0
               && s->plan.retention_s < 1000000);
}


static void
operator_done(sim_t *s, uint32_t actor, sim_request_t *r)
{
    sim_actor_t  *me;

    me = &s->actor[actor];

    if (!actor_failed(r)) {
        operator_answered(s, actor, r);
        return;
    }

    /* There is no room for it, and there will be none. */
    if (!r->is_lost && r->code == FK_TABLE_FULL && me->file != 0) {
        me->file = 0;
        operator_next(s, actor, me->step == STEP_ADD ? STEP_ABORT : STEP_REST,
                      SIM_S);
        return;
    }

    /* An import is not gone on with where an answer is missing: the file
     * comes again. */
    if (me->step == STEP_COMMIT || me->step == STEP_ADD) {
        operator_next(s, actor, s->is_stopping ? STEP_ABORT : STEP_REST,
                      SIM_S);
        return;
    }

    if (r->kind == SIM_REQUEST_REFUND) {
        operator_again(s, actor, r->payment, actor_pause_us(s, actor));
        return;
    }

    if (me->step == STEP_DECIDE) {
        operator_next(s, actor, STEP_DECIDE, SIM_S);
        return;
    }

    operator_next(s, actor, me->step, actor_pause_us(s, actor));
}


/* Who died in an import, or whose answer was lost, blocks its product for as
 * long as a lease lasts. */

static void
operator_busy(sim_t *s, sim_actor_t *me, fk_code_t code)
{
    if (code != FK_BUSY_IMPORT || s->plan.weight[SIM_FAULT_CLOCK_JUMP] != 0) {
        me->busy_us = 0;
        return;
    }

    /* A shop that was closed for long has had no time to see it ended. */
    if (me->busy_us == 0 || s->now_us - me->told_us > OPERATOR_CLOSED_US) {
        me->busy_us = s->now_us;
    }

    me->told_us = s->now_us;

    if (me->busy_us < s->oracle.product[me->product].leased_us) {
        me->busy_us = s->oracle.product[me->product].leased_us;
    }

    SIM_MUST(s, s->now_us - me->busy_us < OPERATOR_BUSY_US,
             "product %u waits for an import that nobody makes", me->product);
}


static void
operator_answered(sim_t *s, uint32_t actor, const sim_request_t *r)
{
    sim_actor_t  *me;

    me = &s->actor[actor];

    switch (me->step) {

    case STEP_PRODUCT:
        if (s->oracle.product[me->product].is_known < 2) {
            s->oracle.product[me->product].is_known = 2;

            if (me->product + 1 < s->plan.products) {
                me->product++;
                operator_next(s, actor, STEP_PRODUCT, 0);
                return;
            }
        }

        operator_next(s, actor, STEP_REST, sim_between(s, 0, SIM_S));
        return;

    case STEP_TERMS:
        operator_next(s, actor, s->oracle.product[me->product].is_known < 2
                                ? STEP_PRODUCT : STEP_REST, 0);
        return;

    case STEP_BEGIN:
        operator_busy(s, me, r->code);

        if (r->code != FK_OK) {
            me->file = r->code == FK_BUSY_IMPORT ? me->file : 0;
            operator_next(s, actor, STEP_REST, SIM_S);
            return;
        }

        me->batch = r->batch;
        operator_next(s, actor, STEP_ADD, 0);
        return;

    case STEP_ADD:
        if (r->code != FK_OK || sim_fault(s, SIM_FAULT_IMPORT_QUIT)
            || operator_gives_up(s, me))
        {
            operator_next(s, actor, sim_permille(s, 500) ? STEP_ABORT
                                                         : STEP_REST, 0);
            return;
        }

        me->first_card += r->count;
        me->count -= r->count;
        operator_next(s, actor, me->count != 0 ? STEP_ADD : STEP_COMMIT, 0);
        return;

    case STEP_COMMIT:
        me->file = r->code == FK_OK ? 0 : me->file;
        operator_next(s, actor, STEP_REST, sim_between(s, 0, 3 * SIM_S));
        return;

    case STEP_AGAIN:
        if (actor == OPERATOR_REPEATS) {
            return;
        }

        /* Fall through. */

    case STEP_DECIDE:
        operator_next(s, actor, STEP_DECIDE, sim_between(s, 0, SIM_S));
        return;

    default:
        operator_next(s, actor, STEP_REST, sim_between(s, 0, 3 * SIM_S));
    }
}

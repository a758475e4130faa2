/*
 * The operator: makes the products, imports cards in slices, changes prices,
 * and decides about money that a rule cannot decide.  Two of them, so that
 * decisions do not wait for imports.
 */

#include "sim.h"


enum {
    STEP_PRODUCT = 0, STEP_BEGIN, STEP_ADD, STEP_COMMIT, STEP_ABORT,
    STEP_REST, STEP_DECIDE
};

#define OPERATOR_SLICE  4
#define OPERATOR_PRICE  500


static void operator_on_turn(sim_t *s, uint64_t a, uint64_t b);
static void operator_next(sim_t *s, uint32_t actor, uint32_t step,
    int64_t delay_us);
static void operator_done(sim_t *s, uint32_t actor, sim_request_t *r);
static void operator_answered(sim_t *s, uint32_t actor,
    const sim_request_t *r);
static void operator_product(sim_t *s, sim_request_t *r);
static void operator_rest(sim_t *s, uint32_t actor);
static void operator_import(sim_t *s, uint32_t actor);
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
    operator_next(s, actor, STEP_PRODUCT, 0);

    actor = actor_new(s, operator_done);
    operator_next(s, actor, STEP_DECIDE, SIM_S);
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
        SIM_REQUEST_COUNT, SIM_REQUEST_DECIDE
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

    actor_ask(s, r);
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
}


/*
 * Money that waits for a person, by the journal; else anything, which the
 * shop has to refuse.
 */

static int
operator_decide(sim_t *s, sim_request_t *r)
{
    uint32_t              i, n, first;
    const sim_payment_t  *p;

    static const fk_event_t  events[] = {
        FK_EVENT_APPROVE, FK_EVENT_DENY, FK_EVENT_GIVE_UP, FK_EVENT_REFUNDED
    };

    if (s->is_stopping || s->oracle.payment_count == 1) {
        return 0;
    }

    first = (uint32_t) sim_below(s, s->oracle.payment_count);
    r->event = events[sim_below(s, 4)];
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

    if (p->state == FK_PAYMENT_STATE_REFUND_DUE) {
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
    me->product = (uint32_t) sim_below(s, s->plan.products);

    if (s->is_stopping) {
        operator_next(s, actor, STEP_REST, SIM_S);
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

    me->left = me->count;
    operator_next(s, actor, STEP_BEGIN, 0);
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

    /* An import is not gone on with where an answer is missing. */
    if (me->step == STEP_COMMIT || me->step == STEP_ADD) {
        operator_next(s, actor, STEP_REST, SIM_S);
        return;
    }

    if (me->step == STEP_DECIDE) {
        operator_next(s, actor, STEP_DECIDE, SIM_S);
        return;
    }

    operator_next(s, actor, me->step, actor_pause_us(s, actor));
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

    case STEP_BEGIN:
        if (r->code != FK_OK) {
            operator_next(s, actor, STEP_REST, SIM_S);
            return;
        }

        me->batch = r->batch;
        operator_next(s, actor, STEP_ADD, 0);
        return;

    case STEP_ADD:
        if (r->code != FK_OK || sim_fault(s, SIM_FAULT_IMPORT_QUIT)) {
            operator_next(s, actor, sim_permille(s, 500) ? STEP_ABORT
                                                         : STEP_REST, 0);
            return;
        }

        me->first_card += r->count;
        me->count -= r->count;
        operator_next(s, actor, me->count != 0 ? STEP_ADD : STEP_COMMIT, 0);
        return;

    case STEP_DECIDE:
        operator_next(s, actor, STEP_DECIDE, sim_between(s, 0, SIM_S));
        return;

    default:
        operator_next(s, actor, STEP_REST, sim_between(s, 0, 3 * SIM_S));
    }
}

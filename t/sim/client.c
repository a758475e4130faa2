/*
 * A buyer: checks out with an Idempotency-Key, tries again until there is an
 * answer, pays through a gateway or cancels or walks away, and reads the
 * order until it is over.
 */

#include "sim.h"


enum { STEP_IDLE = 0, STEP_CHECKOUT, STEP_CANCEL, STEP_READ };

#define CLIENT_TRIES_MAX  12
#define CLIENT_READS_MAX  12
#define CLIENT_PATIENCE_US  (40 * SIM_S)
#define CLIENT_SHORT_US     (4 * SIM_S)


static void client_on_turn(sim_t *s, uint64_t a, uint64_t b);
static void client_new(sim_t *s, uint32_t actor);
static void client_done(sim_t *s, uint32_t actor, sim_request_t *r);
static int64_t client_patience_us(const sim_t *s);
static void client_bought(sim_t *s, uint32_t actor, const sim_request_t *r);
static void client_read(sim_t *s, uint32_t actor, const sim_request_t *r);
static void client_next(sim_t *s, uint32_t actor, uint32_t step,
    int64_t delay_us);
static void client_pay(sim_t *s, uint32_t actor, const sim_request_t *r);


void
client_start(sim_t *s)
{
    uint32_t  i, actor;

    for (i = 0; i < s->plan.clients; i++) {
        actor = actor_new(s, client_done);
        s->actor[actor].left = s->plan.purchases;
        client_next(s, actor, STEP_IDLE, sim_between(s, 0, s->plan.think_us));
    }
}


static void
client_next(sim_t *s, uint32_t actor, uint32_t step, int64_t delay_us)
{
    s->actor[actor].step = step;
    sim_after(s, delay_us, client_on_turn, actor, s->actor[actor].ask);
}


static void
client_on_turn(sim_t *s, uint64_t a, uint64_t b)
{
    uint32_t        actor = (uint32_t) a;
    sim_actor_t    *me;
    sim_request_t  *r;

    me = &s->actor[actor];

    if (me->ask != b || me->waiting != NULL) {
        return;
    }

    if (me->step == STEP_IDLE) {
        client_new(s, actor);
        return;
    }

    r = actor_request(s, actor, me->step == STEP_CHECKOUT
                                ? SIM_REQUEST_CHECKOUT
                                : me->step == STEP_CANCEL
                                ? SIM_REQUEST_CANCEL : SIM_REQUEST_READ);
    r->purchase = me->purchase;
    r->product = me->product;
    r->count = me->count;
    r->id = me->id;
    actor_ask(s, r);
}


static void
client_new(sim_t *s, uint32_t actor)
{
    sim_actor_t  *me;

    me = &s->actor[actor];

    if (s->is_stopping) {
        client_next(s, actor, STEP_IDLE, SIM_S);
        return;
    }

    if (me->left == 0 || s->oracle.purchase_count == SIM_PURCHASES_MAX) {
        me->done = NULL;
        return;
    }

    me->left--;
    me->since_us = s->now_us;
    me->product = (uint32_t) sim_below(s, s->plan.products);
    me->count = s->oracle.product[me->product].kind == FK_KIND_SHARED ? 1
                : 1 + (uint32_t) sim_below(s, 3);
    me->purchase = oracle_purchase(s, me->product, me->count);
    me->batch = 0;
    client_next(s, actor, STEP_CHECKOUT, 0);
}


static void
client_done(sim_t *s, uint32_t actor, sim_request_t *r)
{
    sim_actor_t  *me;

    me = &s->actor[actor];

    if (actor_failed(r)) {
        if (me->tries > CLIENT_TRIES_MAX
            || s->now_us - me->since_us > client_patience_us(s)
            || sim_fault(s, SIM_FAULT_CLIENT_QUIT))
        {
            me->tries = 0;
            client_next(s, actor, STEP_IDLE, SIM_S);
            return;
        }

        client_next(s, actor, me->step, actor_pause_us(s, actor));
        return;
    }

    switch (me->step) {

    case STEP_CHECKOUT:
        client_bought(s, actor, r);
        return;

    case STEP_CANCEL:
        client_next(s, actor, STEP_READ, sim_between(s, 0, 100 * SIM_MS));
        return;

    default:
        client_read(s, actor, r);
    }
}


/* An Idempotency-Key counts as long as its order is in memory. */

static int64_t
client_patience_us(const sim_t *s)
{
    return s->plan.retention_s < 60 ? CLIENT_SHORT_US : CLIENT_PATIENCE_US;
}


static void
client_bought(sim_t *s, uint32_t actor, const sim_request_t *r)
{
    sim_actor_t  *me;

    me = &s->actor[actor];

    if (r->code != FK_OK && r->code != FK_EXISTS) {

        if (r->code == FK_SOLD_OUT) {
            sim_mark(s, SIM_MARK_SOLD_OUT);
        }

        client_next(s, actor, STEP_IDLE, sim_between(s, 0, s->plan.think_us));
        return;
    }

    me->id = r->view.id;

    if (sim_permille(s, 100)) {
        client_next(s, actor, STEP_CANCEL,
                    sim_between(s, 0, s->plan.think_us));
        return;
    }

    if (sim_permille(s, 850)) {
        client_pay(s, actor, r);
    }

    client_next(s, actor, STEP_READ, sim_between(s, 0, s->plan.think_us));
}


static void
client_pay(sim_t *s, uint32_t actor, const sim_request_t *r)
{
    int64_t   delay_us, amount;
    uint32_t  purchase;

    purchase = s->actor[actor].purchase;
    delay_us = sim_between(s, 0, s->plan.think_us);
    amount = r->view.amount;

    if (sim_fault(s, SIM_FAULT_PAY_LATE)) {
        delay_us += (s->plan.hold_s + 1) * SIM_S;

        /* So late that the order may be in the archive by now. */
        if (sim_permille(s, s->plan.retention_s < 60 ? 500 : 100)) {
            delay_us += s->plan.retention_s < 60 ? 30 * SIM_S : 70 * SIM_S;
        }
    }

    if (sim_fault(s, SIM_FAULT_PAY_TWICE)) {
        gateway_pay(s, purchase, &r->view.id, amount,
                    sim_between(s, 0, 3 * SIM_S));
    }

    if (sim_fault(s, SIM_FAULT_PAY_WRONG)) {
        amount += sim_between(s, 1, 100);
    }

    gateway_pay(s, purchase, &r->view.id, amount, delay_us);
}


static void
client_read(sim_t *s, uint32_t actor, const sim_request_t *r)
{
    sim_actor_t  *me;

    me = &s->actor[actor];

    if (++me->batch >= CLIENT_READS_MAX
        || (r->code == FK_OK
            && r->view.status != FK_STATUS_AWAITING_PAYMENT
            && r->view.status != FK_STATUS_WAITING_FOR_STOCK
            && r->view.status != FK_STATUS_UNDER_REVIEW))
    {
        client_next(s, actor, STEP_IDLE, sim_between(s, 0, s->plan.think_us));
        return;
    }

    client_next(s, actor, STEP_READ,
                sim_between(s, s->plan.think_us / 20, s->plan.think_us));
}

/*
 * The payment gateway: one actor a payment.  It tells the shop until it hears
 * "success", and sometimes again after that; notices overtake each other, as
 * each has its own time.
 */

#include "sim.h"


#define KEY_PATIENCE_US  (2 * SIM_S)


static void gateway_on_turn(sim_t *s, uint64_t a, uint64_t b);
static void gateway_done(sim_t *s, uint32_t actor, sim_request_t *r);
static void gateway_ask_key(sim_t *s, const sim_request_t *r);
static void gateway_on_key(sim_t *s, uint64_t a, uint64_t b);
static void gateway_key_done(sim_t *s, uint32_t actor, sim_request_t *r);


void
gateway_pay(sim_t *s, uint32_t purchase, const fk_order_id_t *id,
    int64_t amount, int64_t delay_us)
{
    uint32_t      actor;
    sim_actor_t  *me;

    if (s->oracle.payment_count == SIM_PAYMENTS_MAX
        || s->gateway_count == SIM_GATEWAYS_MAX)
    {
        return;
    }

    s->gateway_count++;
    actor = actor_new(s, gateway_done);
    me = &s->actor[actor];
    me->purchase = purchase;
    me->payment = oracle_payment(s, purchase, id, amount);
    me->id = *id;
    me->left = 1;

    sim_after(s, delay_us, gateway_on_turn, actor, me->ask);
}


static void
gateway_on_turn(sim_t *s, uint64_t a, uint64_t b)
{
    sim_actor_t    *me;
    sim_request_t  *r;

    me = &s->actor[a];

    if (me->ask != b || me->waiting != NULL) {
        return;
    }

    r = actor_request(s, (uint32_t) a, SIM_REQUEST_PAY);
    r->purchase = me->purchase;
    r->payment = me->payment;
    r->id = me->id;
    actor_ask(s, r);
}


static void
gateway_done(sim_t *s, uint32_t actor, sim_request_t *r)
{
    int64_t       pause_us;
    sim_actor_t  *me;

    me = &s->actor[actor];
    pause_us = actor_pause_us(s, actor);

    if (r->is_restored && !actor_failed(r) && r->code == FK_OK) {
        gateway_ask_key(s, r);
    }

    /*
     * A shop whose payment table is full takes no money: gateways give up at
     * some time.  Not found: a server that was replaced, and does not know.
     */
    if ((!actor_failed(r) && r->code == FK_OK
         && (me->left == 0 || !sim_fault(s, SIM_FAULT_NOTICE_AGAIN)))
        || (!r->is_lost && r->code == FK_TABLE_FULL && s->is_stopping))
    {
        me->done = NULL;
        s->gateway_count--;
        return;
    }

    if (!actor_failed(r)) {
        if (r->code == FK_OK) {
            me->left--;

        } else {
            me->node = (uint32_t) sim_below(s, s->plan.nodes);
            pause_us += 100 * SIM_MS;
        }
    }

    sim_after(s, pause_us, gateway_on_turn, actor, me->ask);
}


/*
 * The order of this payment came back out of the archive, and has something
 * to wait for there: its buyer, who asks for the same once more, must get
 * this very one.
 */

static void
gateway_ask_key(sim_t *s, const sim_request_t *r)
{
    uint32_t  actor;

    if (r->result == FK_PAY_DUPLICATE || s->gateway_count == SIM_GATEWAYS_MAX)
    {
        return;
    }

    s->gateway_count++;
    actor = actor_new(s, gateway_key_done);
    s->actor[actor].purchase = r->purchase;
    s->actor[actor].since_us = s->now_us;
    s->actor[actor].node = r->node;
    sim_after(s, 0, gateway_on_key, actor, s->actor[actor].ask);
}


static void
gateway_on_key(sim_t *s, uint64_t a, uint64_t b)
{
    sim_actor_t           *me;
    sim_request_t         *r;
    const sim_purchase_t  *p;

    me = &s->actor[a];

    if (me->ask != b || me->waiting != NULL) {
        return;
    }

    p = &s->oracle.purchase[me->purchase];
    r = actor_request(s, (uint32_t) a, SIM_REQUEST_CHECKOUT);
    r->purchase = me->purchase;
    r->product = p->product;
    r->count = p->qty;
    actor_ask(s, r);
}


static void
gateway_key_done(sim_t *s, uint32_t actor, sim_request_t *r)
{
    sim_actor_t  *me;

    me = &s->actor[actor];

    if (actor_failed(r) && s->now_us - me->since_us < KEY_PATIENCE_US) {
        sim_after(s, actor_pause_us(s, actor), gateway_on_key, actor,
                  me->ask);
        return;
    }

    if (!actor_failed(r)) {
        SIM_MUST(s, r->code == FK_EXISTS,
                 "purchase %u came back, and its key makes another order: %s",
                 r->purchase, fk_code_info[r->code].name);
        sim_mark(s, SIM_MARK_KEY_AGAIN);
    }

    me->done = NULL;
    s->gateway_count--;
}

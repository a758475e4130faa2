/*
 * The payment gateway: one actor a payment.  It tells the shop until it hears
 * "success", and sometimes again after that; notices overtake each other, as
 * each has its own time.
 */

#include "sim.h"


static void gateway_on_turn(sim_t *s, uint64_t a, uint64_t b);
static void gateway_done(sim_t *s, uint32_t actor, sim_request_t *r);


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

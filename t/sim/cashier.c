/*
 * The cashier: makes the accounts of agents, gives buyers a part of their
 * money back, and pays out what agents ask for.  What was not answered is
 * said again, with the same ref: it must not happen twice.
 */

#include "sim.h"


enum {
    STEP_ACCOUNT = 0, STEP_PART, STEP_WITHDRAW, STEP_PAYOUT, STEP_COMMISSION,
    STEP_REST
};


static void cashier_on_turn(sim_t *s, uint64_t a, uint64_t b);
static void cashier_next(sim_t *s, uint32_t actor, uint32_t step,
    int64_t delay_us);
static void cashier_done(sim_t *s, uint32_t actor, sim_request_t *r);
static uint32_t cashier_choose(sim_t *s, sim_actor_t *me);
static int cashier_part(sim_t *s, sim_actor_t *me);
static int cashier_payout(sim_t *s, sim_actor_t *me);
static int cashier_commission(sim_t *s, sim_actor_t *me);


void
cashier_start(sim_t *s)
{
    uint32_t  actor;

    actor = actor_new(s, cashier_done);
    cashier_next(s, actor, STEP_ACCOUNT, 0);
}


static void
cashier_next(sim_t *s, uint32_t actor, uint32_t step, int64_t delay_us)
{
    s->actor[actor].step = step;
    sim_after(s, delay_us, cashier_on_turn, actor, s->actor[actor].ask);
}


static void
cashier_on_turn(sim_t *s, uint64_t a, uint64_t b)
{
    uint32_t        actor = (uint32_t) a;
    sim_actor_t    *me;
    sim_request_t  *r;

    static const sim_request_kind_t  kinds[] = {
        SIM_REQUEST_ACCOUNT, SIM_REQUEST_PART, SIM_REQUEST_WITHDRAW,
        SIM_REQUEST_PAYOUT, SIM_REQUEST_COMMISSION
    };

    me = &s->actor[actor];

    if (me->ask != b || me->waiting != NULL) {
        return;
    }

    if (me->step == STEP_REST) {
        me->step = s->is_stopping ? STEP_REST : cashier_choose(s, me);
    }

    if (me->step == STEP_REST) {
        cashier_next(s, actor, STEP_REST, SIM_S / 2);
        return;
    }

    r = actor_request(s, actor, kinds[me->step]);
    r->account = me->account;
    r->amount = me->amount;
    r->count = me->count;
    r->withdrawal = me->withdrawal;
    r->purchase = me->step == STEP_PART || me->step == STEP_COMMISSION
                  ? me->purchase : 0;
    r->id = me->id;
    actor_ask(s, r);
}


/* The next thing to do, or to rest. */

static uint32_t
cashier_choose(sim_t *s, sim_actor_t *me)
{
    if (cashier_commission(s, me)) {
        return STEP_COMMISSION;
    }

    switch (sim_below(s, 3)) {

    case 0:
        return cashier_part(s, me) ? STEP_PART : STEP_REST;

    case 1:
        me->account = (uint32_t) sim_below(s, SIM_ACCOUNTS);
        me->amount = sim_between(s, 1, 40);
        return STEP_WITHDRAW;

    default:
        return cashier_payout(s, me) ? STEP_PAYOUT : STEP_REST;
    }
}


static int
cashier_part(sim_t *s, sim_actor_t *me)
{
    uint32_t         i, n;
    sim_purchase_t  *b;

    if (s->oracle.purchase_count < 2) {
        return 0;
    }

    i = (uint32_t) sim_below(s, s->oracle.purchase_count);

    for (n = 0; n < s->oracle.purchase_count; n++) {
        i = (i + 1) % s->oracle.purchase_count;
        b = &s->oracle.purchase[i];

        if (i != 0 && b->is_acked && b->axes_seq != 0
            && b->axes.payment == FK_PAYMENT_PAID
            && b->axes.delivery == FK_DELIVERY_DONE
            && b->part_count < FK_PARTS_MAX)
        {
            break;
        }
    }

    if (n == s->oracle.purchase_count) {
        return 0;
    }

    b = &s->oracle.purchase[i];
    me->purchase = i;
    me->id = b->id;
    me->count = b->part_count;
    me->amount = sim_permille(s, 200) ? b->amount
                 : sim_between(s, 1, b->amount);
    b->part[b->part_count++] = me->amount;

    return 1;
}


/* The first order that was paid and not split, if it is tried now. */

static int
cashier_commission(sim_t *s, sim_actor_t *me)
{
    uint32_t               i;
    const sim_purchase_t  *b;

    for (i = 1; i < s->oracle.purchase_count; i++) {
        b = &s->oracle.purchase[i];

        if (b->is_acked && b->axes_seq != 0 && b->is_flagged
            && b->axes.payment == FK_PAYMENT_PAID && sim_permille(s, 300))
        {
            me->purchase = i;
            me->id = b->id;
            me->amount = b->amount;
            return 1;
        }
    }

    return 0;
}


/* One that the journal has: it goes on, or it is said to, against reason. */

static int
cashier_payout(sim_t *s, sim_actor_t *me)
{
    uint32_t                 i;
    const sim_entry_line_t  *e;

    if (s->oracle.ledger_count == 0) {
        return 0;
    }

    i = (uint32_t) sim_below(s, s->oracle.ledger_count);

    for ( /* void */ ; i < s->oracle.ledger_count; i++) {
        e = &s->oracle.ledger[i];

        if (e->kind == SIM_LEDGER_WITHDRAWAL && e->used) {
            me->withdrawal = fk_withdrawal_id(e->key, e->serial);
            me->count = sim_permille(s, 800) ? e->state + 1u
                        : (uint32_t) sim_below(s, FK_WITHDRAWAL_STATE_COUNT);
            me->count %= FK_WITHDRAWAL_STATE_COUNT;
            return 1;
        }
    }

    return 0;
}


static void
cashier_done(sim_t *s, uint32_t actor, sim_request_t *r)
{
    sim_actor_t  *me;

    me = &s->actor[actor];

    /* A withdrawal that nobody has heard of is seen in the list. */
    if (actor_failed(r) && me->step != STEP_WITHDRAW
        && r->code != FK_TABLE_FULL)
    {
        cashier_next(s, actor, me->step, actor_pause_us(s, actor));
        return;
    }

    if (me->step == STEP_ACCOUNT) {
        if (r->code == FK_OK) {
            s->oracle.account_known[me->account++] = 1;
        }

        cashier_next(s, actor, r->code == FK_OK
                               && me->account == SIM_ACCOUNTS
                               ? STEP_REST : STEP_ACCOUNT, SIM_MS);
        return;
    }

    cashier_next(s, actor, STEP_REST, sim_between(s, 0, SIM_S / 2));
}

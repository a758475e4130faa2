/*
 * One seed: a world is made, phases of trouble and of peace follow each
 * other, and each peace ends with the oracle's check.
 */

#include <sys/mman.h>

#include "sim.h"


#define SEED_SETTLE_US   (120 * SIM_S)
#define SEED_CHECKOUT_US (15 * SIM_S)


static void seed_reset(sim_t *s, uint64_t seed, const sim_plan_t *plan);
static void seed_run(sim_t *s);
static void seed_settle(sim_t *s);
static int seed_is_settled(sim_t *s);
static void seed_alive(sim_t *s);
static void seed_probe_turn(sim_t *s, uint64_t a, uint64_t b);
static void seed_probe_done(sim_t *s, uint32_t actor, sim_request_t *r);


int
sim_seed(sim_t *s, uint64_t seed, const sim_plan_t *plan)
{
    seed_reset(s, seed, plan);

    if (setjmp(s->failed) != 0) {
        crash_reset();
        return 0;
    }

    seed_run(s);
    return 1;
}


static void
seed_reset(sim_t *s, uint64_t seed, const sim_plan_t *plan)
{
    unsigned  i;
    uint64_t  z;

    s->seed = seed;
    s->plan = *plan;
    s->now_us = 0;
    s->serial = 0;
    s->hash = seed;
    s->is_loud = 0;
    s->is_calm = 0;
    s->is_stopping = 0;
    s->event_count = 0;
    s->arena_used = 0;
    s->actor_count = 0;
    s->gateway_count = 0;
    s->order_serial = 0;
    s->owner_serial = 0;
    s->link_serial = 0;
    s->turn = 0;
    s->opened_node = 0;
    s->wrong[0] = '\0';
    memset(s->actor, 0, sizeof(s->actor));

    for (i = 0; i < 4; i++) {
        z = seed + (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        s->random[i] = z ^ z >> 31;
    }

    for (i = 0; i < SIM_NODES_MAX; i++) {
        uint8_t  *region = s->node[i].region;

        memset(&s->node[i], 0, sizeof(sim_node_t));
        s->node[i].region = region;
    }
}


static void
seed_run(sim_t *s)
{
    uint32_t  i;
    int64_t   step_us;

    redis_start(s);
    s->redis.lazy = s->plan.is_lazy;
    oracle_start(s);
    node_start(s, 0);
    operator_start(s);
    cashier_start(s);
    client_start(s);
    chaos_start(s);

    for (i = 0; i < s->plan.phases; i++) {
        s->is_loud = 1;
        s->is_stopping = 0;
        step_us = s->plan.phase_us;
        sim_run_until(s, s->now_us + step_us);

        s->is_stopping = 1;
        chaos_end(s);
        seed_settle(s);
        seed_alive(s);
        seed_settle(s);
        oracle_check(s, s->opened_node);
        sim_trace(s, "quiet point %u", i + 1);
    }
}


static void
seed_settle(sim_t *s)
{
    int64_t  until_us;

    until_us = s->now_us + SEED_SETTLE_US;

    do {
        sim_run_until(s, s->now_us + 500 * SIM_MS);
        SIM_MUST(s, s->now_us < until_us,
                 "the faults are over, and it does not come to rest");
    } while (!seed_is_settled(s));
}


static int
seed_is_settled(sim_t *s)
{
    uint32_t           i;
    const sim_node_t  *node;

    node = &s->node[s->opened_node];

    if (!node->is_up || fk_shop_state(&node->fk) != FK_SHOP_OPEN
        || fk_durable_seq(&node->fk) != fk_last_seq(&node->fk)
        || fk_last_seq(&node->fk) != s->oracle.last_seq
        || !s->redis.up || s->redis.loading || s->gateway_count != 0)
    {
        return 0;
    }

    /* What stands still has events of its own that wait for it. */
    for (i = 0; i < s->plan.workers; i++) {
        if (node->worker[i].stalled_until_us > s->now_us) {
            return 0;
        }
    }

    for (i = 0; i < s->actor_count; i++) {
        if (s->actor[i].done != NULL
            && (s->actor[i].waiting != NULL || s->actor[i].file != 0))
        {
            return 0;
        }
    }

    return !oracle_waits_in_vain(s, &node->fk);
}


/* --- liveness ---------------------------------------------------------- */

/*
 * Somebody buys, and gets an answer in time.  That it is sold out, or that a
 * table is full, is an answer too; that the journal is behind is not.
 */

static void
seed_alive(sim_t *s)
{
    uint32_t  actor;

    if (s->oracle.purchase_count == SIM_PURCHASES_MAX) {
        return;
    }

    actor = actor_new(s, seed_probe_done);
    s->actor[actor].purchase = oracle_purchase(s, 0, 1);
    s->actor[actor].left = 1;
    s->actor[actor].node = s->opened_node;
    sim_after(s, 0, seed_probe_turn, actor, 0);

    sim_run_until(s, s->now_us + SEED_CHECKOUT_US);
    SIM_MUST(s, s->actor[actor].left == 0,
             "the faults are over, and nobody can buy");
    s->actor[actor].done = NULL;
}


static void
seed_probe_turn(sim_t *s, uint64_t a, uint64_t b)
{
    sim_request_t  *r;

    r = actor_request(s, (uint32_t) a, SIM_REQUEST_CHECKOUT);
    r->purchase = s->actor[a].purchase;
    r->count = 1;
    actor_ask(s, r);
}


static void
seed_probe_done(sim_t *s, uint32_t actor, sim_request_t *r)
{
    if (actor_failed(r) && r->code != FK_TABLE_FULL) {
        sim_after(s, actor_pause_us(s, actor), seed_probe_turn, actor, 0);
        return;
    }

    s->actor[actor].left = 0;
}

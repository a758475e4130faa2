/*
 * Swarm testing: each seed draws its own world.  Some kinds of faults are
 * off, the others have weights from rare to constant, shops are from roomy to
 * tiny.  What all faults together would drown out has room in another seed.
 *
 * Shrinking: what can be left out of a failing seed's world is left out, by
 * running it again; the rest is what the failure needs.
 */

#include "sim.h"


#define SHRINK_ROUNDS  4
#define RETENTION_S    60              /* longer than any buyer tries */
#define SHORT_S        20              /* and so where nobody tries long */


static uint64_t swarm_draw(uint64_t *state);
static int swarm_fails(sim_t *s, uint64_t seed, sim_plan_t *best,
    const sim_plan_t *plan, uint32_t *tries);
static void swarm_faults(uint64_t *state, sim_plan_t *plan);
static int swarm_less_faults(sim_t *s, uint64_t seed, sim_plan_t *plan,
    uint32_t *tries);
static int swarm_less_world(sim_t *s, uint64_t seed, sim_plan_t *plan,
    uint32_t *tries);


/* Weights in 100,000 a chance; what a chance is, differs. */
static const struct {
    uint32_t  low;
    uint32_t  high;
    uint32_t  permille;                /* of seeds that have it */
} swarm_weights[SIM_FAULT_COUNT] = {
    [SIM_FAULT_DIE_AT_STORE] = { 10, 1500, 700 },    /* a store */
    [SIM_FAULT_WORKER_KILL] = { 10, 300, 400 },      /* 10 ms of a worker */
    [SIM_FAULT_WORKER_STALL] = { 5, 100, 300 },
    [SIM_FAULT_NODE_SLEEP] = { 10, 60, 150 },        /* 10 ms of a node */
    [SIM_FAULT_NODE_KILL] = { 5, 150, 400 },         /* 10 ms of a node */
    [SIM_FAULT_TAKEOVER] = { 10, 500, 500 },
    [SIM_FAULT_LINK_CUT] = { 5, 300, 400 },
    [SIM_FAULT_COMMAND_LOST] = { 50, 5000, 400 },    /* a command */
    [SIM_FAULT_REPLY_LOST] = { 50, 5000, 400 },
    [SIM_FAULT_REPLY_LATE] = { 50, 3000, 300 },
    [SIM_FAULT_PARTITION] = { 5, 100, 300 },
    [SIM_FAULT_REDIS_FREEZE] = { 5, 100, 300 },      /* 10 ms of Redis */
    [SIM_FAULT_REDIS_CRASH] = { 5, 150, 400 },
    [SIM_FAULT_REDIS_TAIL] = { 10, 200, 250 },
    [SIM_FAULT_REDIS_ERROR] = { 5, 100, 200 },
    [SIM_FAULT_REPLICA_LATE] = { 500, 20000, 300 },  /* a WAIT */
    [SIM_FAULT_FLUSHALL] = { 5, 100, 100 },
    [SIM_FAULT_CLOCK_JUMP] = { 5, 100, 250 },
    [SIM_FAULT_CLIENT_QUIT] = { 500, 20000, 300 },   /* a request */
    [SIM_FAULT_REQUEST_LOST] = { 500, 20000, 300 },
    [SIM_FAULT_PAY_TWICE] = { 1000, 30000, 300 },
    [SIM_FAULT_PAY_WRONG] = { 1000, 30000, 300 },
    [SIM_FAULT_PAY_LATE] = { 1000, 50000, 400 },
    [SIM_FAULT_NOTICE_AGAIN] = { 5000, 80000, 500 },
    [SIM_FAULT_IMPORT_QUIT] = { 1000, 30000, 400 },
};


static uint64_t
swarm_draw(uint64_t *state)
{
    uint64_t  z;

    *state += UINT64_C(0x9e3779b97f4a7c15);
    z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}


/* Which faults this seed has, and how often they come. */

static void
swarm_faults(uint64_t *state, sim_plan_t *plan)
{
    unsigned  i;
    uint32_t  low, high;

    for (i = 0; i < SIM_FAULT_COUNT; i++) {
        low = swarm_weights[i].low;
        high = swarm_weights[i].high;

        /* Rather rare than often: half of the range is below its root. */
        if (swarm_draw(state) % 1000 < swarm_weights[i].permille) {
            high = swarm_draw(state) % 2 == 0 ? low + (high - low) / 10
                                               : high;
            plan->weight[i] = low + (uint32_t) (swarm_draw(state)
                                                % (high - low + 1));
        }
    }
}


void
swarm_plan(uint64_t seed, sim_plan_t *plan)
{
    uint64_t  state;

    /* Twice the largest record at least, as in every region: a record that
     * does not fit before the ring's end takes the rest of it, too. */
    static const uint32_t  rings[] = { 8192, 16384, 32768, 65536, 524288 };
    static const uint32_t  spreads[] = { 1, 16, 64, 200, 400 };
    static const int64_t   latencies[] = { 200, 2000, 20000, 200000 };

    state = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    memset(plan, 0, sizeof(sim_plan_t));

    plan->nodes = 1 + (swarm_draw(&state) % 3 != 0);
    plan->workers = 1 + (uint32_t) (swarm_draw(&state) % SIM_WORKERS_MAX);
    plan->clients = 1 + (uint32_t) (swarm_draw(&state) % 16);
    plan->purchases = 200;
    plan->products = 2 + (uint32_t) (swarm_draw(&state) % 5);
    plan->hold_s = 1 + (uint32_t) (swarm_draw(&state) % 10);
    plan->stock = 2 + (uint32_t) (swarm_draw(&state) % 30);
    plan->spread = spreads[swarm_draw(&state) % 5];
    plan->ring_size = rings[swarm_draw(&state) % 5];
    plan->is_lazy = swarm_draw(&state) % 8 == 0;
    plan->phases = 1 + (uint32_t) (swarm_draw(&state) % 3);
    plan->phase_us = (2 + (int64_t) (swarm_draw(&state) % 20)) * SIM_S;

    /* A small ring is filled by those who come while Redis is slow. */
    plan->latency_us = latencies[plan->ring_size == rings[0] ? 3
                                 : swarm_draw(&state) % 4];

    plan->think_us = swarm_draw(&state) % 4 == 0 ? 20 * SIM_MS : SIM_S;

    plan->is_one_host = swarm_draw(&state) % 2 == 0;
    plan->is_upgrade = swarm_draw(&state) % 4 == 0;
    plan->standby = (uint32_t) (swarm_draw(&state) % 4);
    plan->epoch_by_clock = swarm_draw(&state) % 2 == 0;
    plan->replicas = swarm_draw(&state) % 8 == 0;
    plan->snapshot_size = 1000u << swarm_draw(&state) % 10;
    plan->snapshot_s = swarm_draw(&state) % 2 == 0 ? 10 : 100000;
    plan->purse = swarm_draw(&state) % 4 == 0 ? 0
                  : UINT32_C(16) << swarm_draw(&state) % 8;
    plan->retention_s = swarm_draw(&state) % 3 == 0 ? RETENTION_S
                                                    : 1000000000;

    swarm_faults(&state, plan);

    /* Many want few cards while one slow snapshot follows the other. */
    if (swarm_draw(&state) % 8 == 0) {
        plan->clients = 20;
        plan->stock = 2;
        plan->hold_s = 1;
        plan->think_us = 20 * SIM_MS;
        plan->snapshot_size = 1000;
        plan->purse = 1;
    }

    /* A server that sleeps wakes up to a shop that others have long had. */
    if (plan->weight[SIM_FAULT_NODE_SLEEP] != 0) {
        plan->retention_s = SHORT_S;
        plan->phase_us += 60 * SIM_S;
        plan->phases = 1;
    }

    /* An Idempotency-Key counts as long as its order is there: where clocks
     * run away nothing is archived, which a full table would ask for, too. */
    if (plan->weight[SIM_FAULT_CLOCK_JUMP] != 0) {
        plan->weight[SIM_FAULT_NODE_SLEEP] = 0;
        plan->retention_s = 1000000000;
        plan->spread = 1;
    }
}


void
swarm_print(FILE *out, uint64_t seed, const sim_plan_t *plan)
{
    unsigned    i;
    sim_plan_t  drawn;

    swarm_plan(seed, &drawn);
    fprintf(out, "build/sim/sim --seed %" PRIu64, seed);

    for (i = 0; i < SIM_FAULT_COUNT; i++) {
        if (plan->weight[i] == 0 && drawn.weight[i] != 0) {
            fprintf(out, " --without %s", sim_fault_word[i]);
        }
    }

    if (plan->nodes != drawn.nodes) {
        fprintf(out, " --nodes %u", plan->nodes);
    }

    if (plan->workers != drawn.workers) {
        fprintf(out, " --workers %u", plan->workers);
    }

    if (plan->clients != drawn.clients) {
        fprintf(out, " --clients %u", plan->clients);
    }

    if (plan->phases != drawn.phases) {
        fprintf(out, " --phases %u", plan->phases);
    }

    if (plan->phase_us != drawn.phase_us) {
        fprintf(out, " --ms %" PRId64, plan->phase_us / SIM_MS);
    }

    fprintf(out, "\n");
}


/* --- shrinking --------------------------------------------------------- */

uint32_t
swarm_shrink(sim_t *s, uint64_t seed, sim_plan_t *plan)
{
    int       better;
    uint32_t  round, tries;

    tries = 0;

    for (round = 0; round < SHRINK_ROUNDS; round++) {
        better = swarm_less_faults(s, seed, plan, &tries);
        better |= swarm_less_world(s, seed, plan, &tries);

        if (!better) {
            break;
        }
    }

    return tries;
}


static int
swarm_fails(sim_t *s, uint64_t seed, sim_plan_t *best, const sim_plan_t *plan,
    uint32_t *tries)
{
    (*tries)++;

    if (sim_seed(s, seed, plan)) {
        return 0;
    }

    *best = *plan;
    return 1;
}


static int
swarm_less_faults(sim_t *s, uint64_t seed, sim_plan_t *plan, uint32_t *tries)
{
    int         better;
    unsigned    i;
    sim_plan_t  trial;

    better = 0;

    for (i = 0; i < SIM_FAULT_COUNT; i++) {
        if (plan->weight[i] != 0) {
            trial = *plan;
            trial.weight[i] = 0;
            better |= swarm_fails(s, seed, plan, &trial, tries);
        }
    }

    return better;
}


static int
swarm_less_world(sim_t *s, uint64_t seed, sim_plan_t *plan, uint32_t *tries)
{
    int         better;
    unsigned    i;
    sim_plan_t  trial;

    better = 0;

    for (i = 0; i < 6; i++) {
        trial = *plan;
        trial.nodes = i == 0 ? 1 : trial.nodes;
        trial.phases = i == 1 ? 1 : trial.phases;
        trial.workers = i == 2 ? (trial.workers + 1) / 2 : trial.workers;
        trial.clients = i == 3 ? (trial.clients + 1) / 2 : trial.clients;
        trial.phase_us = i == 4 ? trial.phase_us / 2
                         : i == 5 ? trial.phase_us / 10 * 9 : trial.phase_us;

        if (memcmp(&trial, plan, sizeof(trial)) != 0) {
            better |= swarm_fails(s, seed, plan, &trial, tries);
        }
    }

    return better;
}

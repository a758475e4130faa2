/*
 * A server: a region, and some workers that map it.  It dies with all of
 * them and its memory, and comes back with an empty region; its clocks are
 * its own.
 *
 * What its shop has become is noted after each turn of a worker: a shop that
 * opened, was fenced, or stopped itself without a reason that the world
 * knows of.
 */

#include <sys/mman.h>

#include "sim.h"


/* Some seconds before a unit in which commission is settled. */
#define NODE_UNIX_US   (INT64_C(830079) * FK_SETTLE_UNIT_S * SIM_S - 9 * SIM_S)


static void node_count(sim_t *s, uint32_t n);
static void node_opened(sim_t *s, uint32_t n);
static void node_on_end(sim_t *s, uint64_t a, uint64_t b);
static void node_plan(fk_plan_t *plan);
static void node_reached(sim_t *s);


static const uint8_t  node_seed[FK_SEED_SIZE] = "simulated";

/* The engine's hook has no argument for it. */
static sim_plan_t  node_drawn;

_Static_assert(offsetof(fk_plan_t, blocks)
               == (FK_TABLE_COUNT - 1) * sizeof(uint32_t),
               "a plan begins with the tables' capacities, in their order");


sim_worker_t *
node_worker(sim_t *s, uint64_t number)
{
    number &= 127;
    return &s->node[number / SIM_WORKERS_MAX].worker[number % SIM_WORKERS_MAX];
}


int64_t
node_unix_ms(const sim_t *s, uint32_t node)
{
    return (NODE_UNIX_US + s->node[node].clock_us + s->now_us) / SIM_MS;
}


/* Begins anywhere at each start: two servers' steady clocks never agree. */

int64_t
node_steady_ms(const sim_t *s, uint32_t node)
{
    return (s->node[node].steady_us + s->now_us) / SIM_MS;
}


/* Tables, chains and ring so small that they get full. */

static void
node_plan(fk_plan_t *plan)
{
    unsigned   i;
    uint32_t  *count;

    static const uint32_t  fewest[FK_TABLE_COUNT] = {
        [FK_TABLE_PRODUCTS] = 8, [FK_TABLE_BATCHES] = 8,
        [FK_TABLE_CARDS] = 64, [FK_TABLE_ORDERS] = 24,
        [FK_TABLE_PAYMENTS] = 24, [FK_TABLE_LEVELS] = FK_LEVELS_MAX,
        [FK_TABLE_COUPONS] = 4, [FK_TABLE_TALLIES] = 12,
        [FK_TABLE_ACCOUNTS] = 8, [FK_TABLE_WITHDRAWALS] = 4,
        [FK_TABLE_BLOCKS] = 96
    };

    count = &plan->products;

    for (i = 0; i < FK_TABLE_COUNT; i++) {
        count[i] /= node_drawn.spread;
        count[i] = count[i] > fewest[i] ? count[i] : fewest[i];
    }

    /* As the engine plans it: no split is refused for want of room. */
    plan->splits = plan->orders;
    plan->ring_size = node_drawn.ring_size;
}


void
node_shape(const sim_plan_t *plan)
{
    node_drawn = *plan;
    fk_test_plan = node_plan;
    fk_test_purse = plan->purse;
}


void
node_format(const sim_plan_t *plan, uint8_t *mem, fk_t *fk)
{
    fk_code_t    rc;
    const char  *why;

    node_shape(plan);

    /* New memory is zero, and costs nothing before it is used. */
    (void) madvise(mem, SIM_REGION_SIZE, MADV_DONTNEED);

    rc = fk_format(mem, SIM_REGION_SIZE, node_seed);
    assert(rc == FK_OK);
    rc = fk_attach(fk, mem, SIM_REGION_SIZE, &why);
    assert(rc == FK_OK);
    (void) rc;
}


void
node_start(sim_t *s, uint32_t n)
{
    uint32_t     i;
    sim_node_t  *node;

    node = &s->node[n];
    assert(!node->is_up);

    node->generation++;
    node->is_up = 1;
    node->was_open = 0;
    node->was_fenced = 0;
    node->was_healing = 0;
    node->is_ending = 0;
    node->server = ++s->owner_serial;
    node->sockets = s->plan.is_upgrade ? 1 : node->server;
    node->inherits = s->plan.is_upgrade
                     && s->node[SIM_NODES_MAX - 1 - n].is_up;
    node->steady_us = sim_between(s, SIM_S, 1000000 * SIM_S);
    node->cut_until_us = 0;
    node->slept_until_us = 0;
    memset(node->seen, 0, sizeof(node->seen));
    node_format(&s->plan, node->region, &node->fk);
    sim_trace(s, "node %u starts", n);

    for (i = 0; i < s->plan.workers; i++) {
        node->worker[i].number = n * SIM_WORKERS_MAX + i;
        node->worker[i].node = n;
        node->worker[i].room = s->rooms
                               + node->worker[i].number * FJ_KEEPER_ROOM;
        node->worker[i].aging = s->agings
                                + node->worker[i].number * FJ_KEEPER_AGING;
        worker_start(s, &node->worker[i]);
    }
}


void
node_kill(sim_t *s, uint32_t n)
{
    uint32_t     i;
    sim_node_t  *node;

    node = &s->node[n];

    if (!node->is_up) {
        return;
    }

    sim_trace(s, "node %u dies", n);
    node->is_up = 0;

    for (i = 0; i < s->plan.workers; i++) {
        worker_kill(s, &node->worker[i]);
    }
}


void
node_look(sim_t *s, uint32_t n)
{
    char         why[128];
    sim_node_t  *node;

    node = &s->node[n];

    /* A minute of the engine's is long over before the next death. */
    node->fk.region->recoveries_count = 0;
    node_count(s, n);
    node_reached(s);

    switch (fk_shop_state(&node->fk)) {

    case FK_SHOP_OPEN:
        node_opened(s, n);
        return;

    case FK_SHOP_FENCED:
        if (node->was_open && !node->was_fenced) {
            node->was_fenced = 1;
            s->counts.fences++;
            sim_mark(s, SIM_MARK_FENCED);
            sim_trace(s, "node %u is fenced", n);
        }

        break;

    case FK_SHOP_HEALING:
        node->was_healing = 1;
        return;

    case FK_SHOP_FAILED:
        if (!node->is_ending) {
            (void) fk_fail_reason(&node->fk, why, sizeof(why));
            sim_trace(s, "node %u stops itself: %s", n, why);
            sim_wrong(s, "node %u stopped itself: %s", n, why);
        }

        return;

    default:
        break;
    }

    node->was_open = 0;
}


static void
node_opened(sim_t *s, uint32_t n)
{
    sim_node_t  *node;

    node = &s->node[n];

    if (node->was_healing) {
        node->was_healing = 0;
        sim_mark(s, SIM_MARK_HEALED);
    }

    if (node->was_open) {
        return;
    }

    node->was_open = 1;
    s->counts.recoveries++;
    sim_trace(s, "node %u is open under epoch %" PRIu64 " after %" PRIu64, n,
              node->fk.region->ring.epoch, fk_last_seq(&node->fk));

    if (node->was_fenced) {
        node->was_fenced = 0;
        sim_mark(s, SIM_MARK_FENCED_RECOVERED);
    }

    if (node->fk.region->load.begin_seq != 0) {
        sim_mark(s, SIM_MARK_SNAPSHOT_READ);
    }

    oracle_open(s, n);
}


void
node_end_soon(sim_t *s, uint32_t n)
{
    if (!s->node[n].is_ending) {
        s->node[n].is_ending = 1;
        sim_after(s, sim_between(s, 0, 2 * SIM_S), node_on_end, n,
                  s->node[n].generation);
    }
}


/* Its master is told to quit, but not while it has the only copy. */

static void
node_on_end(sim_t *s, uint64_t a, uint64_t b)
{
    uint32_t     n = (uint32_t) a;
    sim_node_t  *node;

    node = &s->node[n];

    if (!node->is_up || node->generation != b) {
        return;
    }

    if (oracle_is_fragile(s)) {
        sim_after(s, SIM_S, node_on_end, a, b);
        return;
    }

    node_kill(s, n);
}


/* What the shop's own counters say, since they were looked at last. */

static void
node_count(sim_t *s, uint32_t n)
{
    size_t       i;
    uint64_t     more;
    sim_node_t  *node;

    const struct {
        unsigned     stat;
        sim_mark_t   mark;
        uint64_t    *sum;
    } stats[] = {
        { FK_STAT_ROLLBACKS, SIM_MARK_ROLLED_BACK, &s->counts.rollbacks },
        { FJ_STAT_PROBES, SIM_MARK_PROBED, &s->counts.probes },
        { FJ_STAT_UNKNOWN, SIM_MARK_UNKNOWN, &s->counts.unknown },
        { FJ_STAT_SNAPSHOTS, SIM_MARK_SNAPSHOT, &s->counts.snapshots },
        { FJ_STAT_ARCHIVED, SIM_MARK_ARCHIVED, &s->counts.archived },
    };

    node = &s->node[n];

    for (i = 0; i < sizeof(stats) / sizeof(stats[0]); i++) {
        more = fk_stat_get(&node->fk, stats[i].stat)
               - node->seen[stats[i].stat];

        if (more != 0) {
            node->seen[stats[i].stat] += more;
            *stats[i].sum += more;
            sim_mark(s, stats[i].mark);
        }
    }
}


/* Branches of the engine that only chance leads to. */

static void
node_reached(sim_t *s)
{
    unsigned  i;

    static const sim_mark_t  marks[FK_REACHED_COUNT] = {
        [FK_REACHED_STEAL] = SIM_MARK_STOLEN,
        [FK_REACHED_MISSING] = SIM_MARK_MISSING,
        [FK_REACHED_STRAY] = SIM_MARK_STRAY,
        [FK_REACHED_PAUSE] = SIM_MARK_PAUSED,
    };

    for (i = 0; i < FK_REACHED_COUNT; i++) {
        if (fk_test_reached[i] != 0) {
            fk_test_reached[i] = 0;
            sim_mark(s, marks[i]);
        }
    }
}

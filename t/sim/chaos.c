/*
 * What goes wrong by itself: processes end, stand still, start; the network
 * is cut; Redis freezes, crashes, refuses; clocks jump.
 *
 * Two copies, memory and Redis, and nothing is lost unless both go: so while
 * Redis lacks something that was promised, this leaves the server that still
 * has it alone, and the other one off.
 */

#include "sim.h"


#define CHAOS_STEP_US  (10 * SIM_MS)
#define WATCH_STEP_US  (200 * SIM_MS)


static void chaos_on_step(sim_t *s, uint64_t a, uint64_t b);
static void chaos_on_watch(sim_t *s, uint64_t a, uint64_t b);
static void chaos_on_redis_up(sim_t *s, uint64_t a, uint64_t b);
static void chaos_on_loaded(sim_t *s, uint64_t a, uint64_t b);
static void chaos_workers(sim_t *s);
static void chaos_nodes(sim_t *s);
static void chaos_redis(sim_t *s);
static void chaos_crash(sim_t *s, uint32_t keep);
static uint32_t chaos_archived(const sim_redis_t *redis);
static int chaos_may_lose(const sim_t *s);
static void chaos_break_all(sim_t *s);
static uint64_t chaos_rank(const sim_node_t *node);


void
chaos_start(sim_t *s)
{
    sim_after(s, CHAOS_STEP_US, chaos_on_step, 0, 0);
    sim_after(s, WATCH_STEP_US, chaos_on_watch, 0, 0);
}


static void
chaos_on_step(sim_t *s, uint64_t a, uint64_t b)
{
    sim_after(s, CHAOS_STEP_US, chaos_on_step, 0, 0);

    if (s->is_loud) {
        chaos_workers(s);
        chaos_nodes(s);
        chaos_redis(s);
    }

    if (s->redis.lazy && sim_permille(s, 10)) {
        s->redis.synced_count = s->redis.log_count;
    }
}


/* The machine's own service manager: a shop without a server gets one. */

static void
chaos_on_watch(sim_t *s, uint64_t a, uint64_t b)
{
    uint32_t  i;

    sim_after(s, WATCH_STEP_US, chaos_on_watch, 0, 0);

    for (i = 0; i < s->plan.nodes; i++) {
        if (s->node[i].is_up) {
            return;
        }
    }

    node_start(s, (uint32_t) sim_below(s, s->plan.nodes));
}


static void
chaos_workers(sim_t *s)
{
    uint32_t       i;
    sim_worker_t  *w;

    for (i = 0; i < s->plan.nodes * SIM_WORKERS_MAX; i++) {
        w = node_worker(s, i);

        if (!w->is_alive) {
            continue;
        }

        if (sim_fault(s, SIM_FAULT_WORKER_KILL)) {
            s->counts.kills++;
            sim_trace(s, "worker %u is killed", w->number);
            worker_kill(s, w);
            continue;
        }

        if (sim_fault(s, SIM_FAULT_WORKER_STALL)) {
            w->stalled_until_us = s->now_us
                                  + sim_between(s, 10 * SIM_MS, 20 * SIM_S);
        }

        if (sim_fault(s, SIM_FAULT_LINK_CUT)) {
            link_break(s, &w->link[sim_below(s, SIM_LINKS)]);
        }
    }
}


static void
chaos_nodes(sim_t *s)
{
    uint32_t     i;
    sim_node_t  *node;

    for (i = 0; i < s->plan.nodes; i++) {
        node = &s->node[i];

        if (sim_fault(s, SIM_FAULT_CLOCK_JUMP)) {
            node->clock_us += sim_permille(s, 100)
                              ? sim_between(s, -200000 * SIM_S,
                                            200000 * SIM_S)
                              : sim_between(s, -60 * SIM_S, 60 * SIM_S);
        }

        if (node->is_up && sim_fault(s, SIM_FAULT_PARTITION)) {
            node->cut_until_us = s->now_us
                                 + sim_between(s, 10 * SIM_MS, 10 * SIM_S);
        }

        if (oracle_is_fragile(s) || s->redis.has_lost) {
            continue;
        }

        if (node->is_up && sim_fault(s, SIM_FAULT_NODE_KILL)) {
            s->counts.node_deaths++;
            node_kill(s, i);

        } else if (!node->is_up && sim_fault(s, SIM_FAULT_TAKEOVER)) {
            node_start(s, i);

        } else if (node->is_up && sim_fault(s, SIM_FAULT_TAKEOVER)
                   && fk_shop_state(&node->fk) == FK_SHOP_RECOVERING)
        {
            /* POST /admin/takeover */
            fk_stat_set(&node->fk, FJ_STAT_WANTED, 1);
        }
    }
}


/* --- Redis ------------------------------------------------------------- */

static void
chaos_redis(sim_t *s)
{
    uint32_t      synced, least;
    sim_text_t    flushall;
    sim_redis_t  *redis;

    redis = &s->redis;

    if (!redis->up || redis->loading) {
        return;
    }

    if (sim_fault(s, SIM_FAULT_REDIS_FREEZE)) {
        redis->frozen_until_us = s->now_us
                                 + sim_between(s, 10 * SIM_MS, 8 * SIM_S);
    }

    if (sim_fault(s, SIM_FAULT_REDIS_ERROR)) {
        redis->error_until_us = s->now_us
                                + sim_between(s, 10 * SIM_MS, 3 * SIM_S);
    }

    least = chaos_archived(redis);
    synced = redis->synced_count > least ? redis->synced_count : least;

    if (sim_fault(s, SIM_FAULT_REDIS_CRASH)
        && (!redis->lazy || chaos_may_lose(s)))
    {
        if (redis->lazy) {
            redis->has_lost = 1;
        }

        chaos_crash(s, synced + (uint32_t) sim_below(s, redis->log_count
                                                        - synced + 1));
        return;
    }

    if (redis->log_count > least && sim_fault(s, SIM_FAULT_REDIS_TAIL)
        && chaos_may_lose(s))
    {
        redis->has_lost = 1;
        chaos_crash(s, sim_permille(s, 500)
                       ? least + (uint32_t) sim_below(s, redis->log_count
                                                         - least)
                       : redis->log_count - 1);
        return;
    }

    if (least == 0 && sim_fault(s, SIM_FAULT_FLUSHALL) && chaos_may_lose(s)) {
        sim_trace(s, "redis: FLUSHALL by mistake");
        redis->has_lost = 1;
        flushall = redis_text("FLUSHALL");
        (void) redis_execute(s, 1, &flushall);
        oracle_journal_again(s);

        /* What was sent before it does not land behind it. */
        redis->generation++;
        chaos_break_all(s);
    }
}


/* Of an order that was archived Redis has the only copy: it keeps those. */

static uint32_t
chaos_archived(const sim_redis_t *redis)
{
    uint32_t           i;
    const sim_text_t  *word;

    for (i = redis->log_count; i > 0; i--) {
        word = &redis->log[i - 1].argv[0];

        if (word->size == 4 && memcmp(word->data, "EVAL", 4) == 0) {
            return i;
        }
    }

    return 0;
}


/* One server, which sells under the journal's last epoch: it has it all. */

static int
chaos_may_lose(const sim_t *s)
{
    uint32_t           i, up;
    const sim_node_t  *node;

    up = 0;

    for (i = 0; i < s->plan.nodes; i++) {
        node = &s->node[i];

        if (!node->is_up) {
            continue;
        }

        up++;

        if (fk_shop_state(&node->fk) != FK_SHOP_OPEN
            || node->fk.region->ring.epoch != s->oracle.top_epoch)
        {
            return 0;
        }
    }

    return up == 1 && !oracle_is_fragile(s) && !s->redis.has_lost;
}


void
chaos_recovered(sim_t *s)
{
    s->redis.has_lost = 0;
}


static void
chaos_crash(sim_t *s, uint32_t keep)
{
    sim_redis_t  *redis;

    redis = &s->redis;
    s->counts.redis_crashes++;
    sim_trace(s, "redis: crashes, %u of %u writes are left", keep,
              redis->log_count);

    if (keep < redis->log_count && redis->has_lost) {
        sim_mark(s, SIM_MARK_REDIS_LOST_TAIL);
    }

    redis->up = 0;
    redis->generation++;
    redis_replay(s, keep);
    chaos_break_all(s);

    /* Nothing that was promised was in what is gone. */
    if (redis->has_lost && !oracle_is_fragile(s)) {
        redis->has_lost = 0;
    }

    sim_after(s, sim_between(s, 10 * SIM_MS, 3 * SIM_S), chaos_on_redis_up,
              redis->generation, 0);
}


static void
chaos_break_all(sim_t *s)
{
    uint32_t  i;

    for (i = 0; i < s->plan.nodes * SIM_WORKERS_MAX; i++) {
        if (node_worker(s, i)->is_alive) {
            link_break(s, &node_worker(s, i)->link[0]);
            link_break(s, &node_worker(s, i)->link[1]);
        }
    }
}


static void
chaos_on_redis_up(sim_t *s, uint64_t a, uint64_t b)
{
    if (s->redis.generation != a) {
        return;
    }

    s->redis.up = 1;
    s->redis.frozen_until_us = 0;
    s->redis.loading = 1;
    sim_after(s, sim_between(s, 0, 100 * SIM_MS), chaos_on_loaded, a, 0);
}


static void
chaos_on_loaded(sim_t *s, uint64_t a, uint64_t b)
{
    if (s->redis.generation == a) {
        s->redis.loading = 0;
    }
}


/* --- peace ------------------------------------------------------------- */

/* The later owner; nobody who only follows. */

static uint64_t
chaos_rank(const sim_node_t *node)
{
    fk_shop_state_t  state;

    state = fk_shop_state(&node->fk);

    return state == FK_SHOP_OPEN || state == FK_SHOP_HEALING
           || state == FK_SHOP_FAILED ? node->fk.region->ring.epoch : 0;
}


void
chaos_end(sim_t *s)
{
    uint32_t  i, keep;

    s->is_loud = 0;
    s->redis.error_until_us = 0;
    s->redis.frozen_until_us = 0;
    keep = SIM_NODES_MAX;

    /* One server stays: the one that owns the journal, if it is up. */
    for (i = 0; i < s->plan.nodes; i++) {
        s->node[i].cut_until_us = 0;

        if (s->node[i].is_up && (keep == SIM_NODES_MAX
            || chaos_rank(&s->node[i]) > chaos_rank(&s->node[keep])))
        {
            keep = i;
        }
    }

    for (i = 0; i < s->plan.nodes * SIM_WORKERS_MAX; i++) {
        node_worker(s, i)->stalled_until_us = 0;
    }

    for (i = 0; i < s->plan.nodes; i++) {
        if (i != keep) {
            node_kill(s, i);
        }
    }
}

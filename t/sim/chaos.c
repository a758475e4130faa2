/*
 * What goes wrong by itself: processes end, stand still, start; the network
 * is cut; Redis freezes, crashes, refuses; clocks jump.
 *
 * Two copies, memory and Redis, and nothing is lost unless both go: so while
 * Redis lacks something that was promised, this leaves the server that still
 * has it alone; another one may be there, and about to take over.
 */

#include "sim.h"


#define CHAOS_STEP_US  (10 * SIM_MS)
#define WATCH_STEP_US  (200 * SIM_MS)
#define CHAOS_AGAIN_US (2 * SIM_S)     /* between two mistakes */
#define CHAOS_LAZY_US  (2 * SIM_S)     /* behind a write, "everysec" */
#define CHAOS_QUICK_US (20 * SIM_MS)   /* a network to be back over in time */


static void chaos_on_step(sim_t *s, uint64_t a, uint64_t b);
static void chaos_on_watch(sim_t *s, uint64_t a, uint64_t b);
static void chaos_on_redis_up(sim_t *s, uint64_t a, uint64_t b);
static void chaos_on_loaded(sim_t *s, uint64_t a, uint64_t b);
static void chaos_workers(sim_t *s);
static void chaos_stall(sim_t *s, sim_worker_t *w, int64_t us);
static void chaos_sleep(sim_t *s, uint32_t n);
static void chaos_on_awake(sim_t *s, uint64_t a, uint64_t b);
static void chaos_nodes(sim_t *s);
static void chaos_redis(sim_t *s);
static void chaos_crash(sim_t *s, uint32_t keep);
static uint32_t chaos_archived(const sim_redis_t *redis, int64_t until_us);
static int chaos_crashes(sim_t *s, uint32_t archived);
static int chaos_flushes(sim_t *s);
static int chaos_may_lose(sim_t *s, int64_t latency_us);
static int chaos_expects(const sim_t *s, const sim_node_t *node);
static int chaos_speaks(const sim_t *s, const sim_node_t *node);
static void chaos_loses(sim_t *s);
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
            chaos_stall(s, w, sim_between(s, 10 * SIM_MS,
                                          s->plan.retention_s < 60
                                          ? 2 * SIM_S : 20 * SIM_S));
        }

        if (sim_fault(s, SIM_FAULT_LINK_CUT)) {
            link_break(s, &w->link[sim_below(s, SIM_LINKS)]);
        }
    }
}


static void
chaos_stall(sim_t *s, sim_worker_t *w, int64_t us)
{
    if (w->stalled_until_us < s->now_us + us) {
        w->stalled_until_us = s->now_us + us;
    }
}


/* All of a server's processes: a machine that was suspended, say. */

static void
chaos_sleep(sim_t *s, uint32_t n)
{
    int64_t   us;
    uint32_t  i;

    us = sim_between(s, s->plan.retention_s * SIM_S,
                     3 * s->plan.retention_s * SIM_S);
    sim_trace(s, "node %u sleeps for %" PRId64 " ms", n, us / SIM_MS);

    for (i = 0; i < s->plan.workers; i++) {
        chaos_stall(s, &s->node[n].worker[i], us);
    }

    s->node[n].slept_until_us = s->now_us + us;
    sim_after(s, us, chaos_on_awake, n, s->node[n].generation);
}


static void
chaos_on_awake(sim_t *s, uint64_t a, uint64_t b)
{
    if (s->node[a].is_up && s->node[a].generation == b) {
        sim_mark(s, SIM_MARK_SLEPT);
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

        if (node->is_up && node->slept_until_us <= s->now_us
            && sim_fault(s, SIM_FAULT_NODE_SLEEP))
        {
            chaos_sleep(s, i);

        } else if (node->is_up && sim_fault(s, SIM_FAULT_NODE_KILL)) {
            s->counts.node_deaths++;
            node_kill(s, i);

        } else if (!node->is_up && sim_fault(s, SIM_FAULT_TAKEOVER)) {
            node_start(s, i);

        } else if (node->is_up && sim_fault(s, SIM_FAULT_TAKEOVER)
                   && fk_shop_state(&node->fk) == FK_SHOP_RECOVERING)
        {
            /* POST /admin/takeover */
            fk_stat_set(&node->fk, FJ_STAT_WANTED,
                        (uint64_t) node_steady_ms(s, i) + FJ_WANTED_MS);
        }
    }
}


/* --- Redis ------------------------------------------------------------- */

static void
chaos_redis(sim_t *s)
{
    uint32_t      least;
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

    least = chaos_archived(redis, s->now_us);

    if (chaos_crashes(s, least)) {
        return;
    }

    if (redis->log_count > least && sim_fault(s, SIM_FAULT_REDIS_TAIL)
        && chaos_may_lose(s, CHAOS_QUICK_US))
    {
        chaos_loses(s);
        chaos_crash(s, sim_permille(s, 500)
                       ? least + (uint32_t) sim_below(s, redis->log_count
                                                         - least)
                       : redis->log_count - 1);
        return;
    }

    if (least == 0 && chaos_flushes(s) && chaos_may_lose(s, INT64_MAX)) {
        sim_trace(s, "redis: FLUSHALL by mistake");
        chaos_loses(s);
        flushall = redis_text("FLUSHALL");
        (void) redis_execute(s, 1, &flushall);
        oracle_journal_again(s);
    }
}


/*
 * A lazy one may lose what it was sent in the last seconds, also of the
 * archive: it crashes rather then.
 */

static int
chaos_crashes(sim_t *s, uint32_t archived)
{
    uint32_t      i, least, last, chances;
    sim_redis_t  *redis;

    redis = &s->redis;
    least = redis->lazy ? chaos_archived(redis, s->now_us - CHAOS_LAZY_US)
                        : archived;
    chances = least < archived ? 10 : 1;
    least = redis->synced_count > least ? redis->synced_count : least;
    last = redis->log_count;

    for (i = 0; !sim_fault(s, SIM_FAULT_REDIS_CRASH); i++) {
        if (i + 1 == chances) {
            return 0;
        }
    }

    if (redis->lazy) {
        if (!chaos_may_lose(s, CHAOS_QUICK_US)) {
            return 0;
        }

        if (archived > least) {
            last = archived - 1;
        }

        chaos_loses(s);
    }

    chaos_crash(s, least + (uint32_t) sim_below(s, last - least + 1));
    return 1;
}


/* Mistakes are made when something is going on: rather while a server waits
 * to take over, or is just about to. */

static int
chaos_flushes(sim_t *s)
{
    uint32_t  i, chances;

    chances = 1;

    for (i = 0; i < s->plan.nodes; i++) {
        if (s->node[i].is_up
            && fk_shop_state(&s->node[i].fk) == FK_SHOP_RECOVERING)
        {
            chances = 20;
        }
    }

    for (i = 0; i < chances; i++) {
        if (sim_fault(s, SIM_FAULT_FLUSHALL)) {
            return 1;
        }
    }

    return 0;
}


/* Of an order that was archived until then Redis has the only copy: it keeps
 * those. */

static uint32_t
chaos_archived(const sim_redis_t *redis, int64_t until_us)
{
    uint32_t           i;
    const sim_text_t  *word;

    for (i = redis->log_count; i > 0; i--) {
        word = &redis->log[i - 1].argv[0];

        if (redis->log[i - 1].at_us <= until_us && word->size == 4
            && memcmp(word->data, "EVAL", 4) == 0)
        {
            return i;
        }
    }

    return 0;
}


/*
 * A server lives that sells under the journal's last epoch: it has it all,
 * and mends what Redis loses.  Others may be about to take over from it; then
 * it has to be able to say that it lives, before anybody thinks otherwise.
 */

static int
chaos_may_lose(sim_t *s, int64_t latency_us)
{
    uint32_t           i, up, owners;
    const sim_node_t  *node;

    up = 0;
    owners = 0;

    for (i = 0; i < s->plan.nodes; i++) {
        node = &s->node[i];

        if (!node->is_up) {
            continue;
        }

        up++;

        if (fk_shop_state(&node->fk) == FK_SHOP_OPEN
            && node->fk.region->ring.epoch == s->oracle.top_epoch)
        {
            owners++;

            if (s->plan.nodes > 1 && !chaos_speaks(s, node)) {
                return 0;
            }

        } else if (!chaos_expects(s, node)) {
            return 0;
        }
    }

    return owners == 1 && !oracle_is_fragile(s) && !s->redis.has_lost
           && (up == 1 || (s->now_us >= s->redis.lost_us + CHAOS_AGAIN_US
                           && s->plan.latency_us <= latency_us
                           && s->plan.weight[SIM_FAULT_REPLY_LATE] == 0
                           && redis_key(s, SIM_OWNER) != NULL));
}


/*
 * A server beside the one that sells, and it knows: it was fenced, has read
 * something, or waits for that one; whichever of its workers found it out, and
 * has died since.  Not one that was replaced and has not heard of it, nor one
 * that its operator wants to sell at once, nor one that has just begun and
 * finds an empty Redis, as a new shop does.
 */

static int
chaos_expects(const sim_t *s, const sim_node_t *node)
{
    if (fk_shop_state(&node->fk) == FK_SHOP_FENCED) {
        return 1;
    }

    return fk_shop_state(&node->fk) == FK_SHOP_RECOVERING
           && fk_stat_get(&node->fk, FJ_STAT_WANTED)
              <= (uint64_t) node_steady_ms(s, (uint32_t) (node - s->node))
           && (fk_stat_get(&node->fk, FJ_STAT_FOLLOWS) != 0
               || fk_stat_get(&node->fk, FJ_STAT_READ_BYTES) != 0
               || node->inherits
               || (s->plan.standby >> (node - s->node) & 1));
}


static int
chaos_speaks(const sim_t *s, const sim_node_t *node)
{
    uint32_t             i;
    const sim_worker_t  *w;

    if (node->cut_until_us > s->now_us || s->redis.frozen_until_us > s->now_us
        || s->redis.error_until_us > s->now_us)
    {
        return 0;
    }

    for (i = 0; i < s->plan.workers; i++) {
        w = &node->worker[i];

        if (!w->is_alive || w->stalled_until_us > s->now_us
            || !w->link[0].is_open)
        {
            return 0;
        }
    }

    return 1;
}


/* Until memory has mended it, nothing else happens where others could take
 * its silence for its end. */

static void
chaos_loses(sim_t *s)
{
    uint32_t  i, up;

    up = 0;

    for (i = 0; i < s->plan.nodes; i++) {
        up += s->node[i].is_up;
    }

    s->redis.has_lost = 1;
    s->redis.lost_us = s->now_us;
    s->is_calm = up > 1;

    if (s->is_calm) {
        sim_mark(s, SIM_MARK_LOST_BESIDE);
    }
}


void
chaos_recovered(sim_t *s)
{
    s->redis.has_lost = 0;
    s->is_calm = 0;
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
        chaos_recovered(s);
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

    for (i = 0; i < s->plan.nodes; i++) {
        if (i != keep) {
            node_kill(s, i);
        }
    }
}

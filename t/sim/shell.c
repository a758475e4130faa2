/*
 * What the journal's machine finds around it in the simulated world: the
 * connection, timers, clocks, chance and the log.  The module's own shell
 * does the same with nginx and hiredis.
 */

#include "sim.h"


static int64_t shell_now_ms(void *data);
static int64_t shell_unix_ms(void *data);
static uint32_t shell_random(void *data);
static int shell_is_dead(void *data, uint64_t owner);
static int shell_connect(void *data, const fj_address_t *address);
static void shell_close(void *data);
static int shell_send(void *data, int argc, const char *const *argv,
    const size_t *sizes);
static void shell_timer(void *data, fj_timer_t which, int64_t delay_ms);
static void shell_log(void *data, fj_log_t level, const char *text);
static void shell_wake(void *data);
static void shell_ring(void *data);
static void shell_replaced(void *data, int is_gone);
static size_t shell_text(void *data, const fk_order_view_t *order,
    const uint8_t *record, size_t size, char *out, size_t room);
static void shell_on_exit(sim_t *s, uint64_t a, uint64_t b);
static void shell_on_timer(sim_t *s, uint64_t a, uint64_t b);
static void shell_on_wake(sim_t *s, uint64_t a, uint64_t b);
static void shell_turn_timer(sim_t *s, sim_worker_t *w, void *data);
static void shell_turn_wake(sim_t *s, sim_worker_t *w, void *data);


static const fj_shell_t  shell_calls = {
    shell_now_ms, shell_unix_ms, shell_random, shell_is_dead, shell_connect,
    shell_close, shell_send, shell_timer, shell_log, shell_wake, shell_ring,
    shell_replaced
};


void
shell_start(sim_t *s, sim_worker_t *w)
{
    uint32_t     i;
    sim_node_t  *node;

    node = &s->node[w->node];
    w->world = s;

    memset(&w->conf, 0, sizeof(fj_conf_t));
    w->conf.shop = SIM_SHOP;
    w->conf.fk = &w->fk;
    w->conf.owner = w->owner;
    w->conf.address_count = 1;
    w->conf.address[0].text = "redis";
    w->conf.address[0].path = "redis";
    w->conf.server = node->server;
    w->conf.host = s->plan.is_one_host ? 1 : w->node + UINT64_C(1);
    w->conf.generation = node->sockets;
    w->conf.inherits = node->inherits;
    w->conf.epoch_by_clock = (int) s->plan.epoch_by_clock;
    w->conf.standby = (int) (s->plan.standby >> w->node & 1);
    w->conf.replicas = s->plan.replicas;

    w->kept.snapshot_size = s->plan.snapshot_size;
    w->kept.snapshot_s = s->plan.snapshot_s;
    w->kept.retention_s = s->plan.retention_s;
    w->kept.archive_s = 100000;
    w->kept.room = w->room;
    w->kept.aging = w->aging;
    w->kept.text = shell_text;

    memset(w->link, 0, sizeof(w->link));

    for (i = 0; i < SIM_LINKS; i++) {
        w->link[i].worker = w;
        w->link[i].index = i;
        w->link[i].generation = ++s->link_serial;
    }

    w->link[0].machine = &w->fj.link;
    w->link[1].machine = &w->keeper.link;

    fj_start(&w->fj, &w->conf, &shell_calls, &w->link[0]);
    fj_keeper_start(&w->keeper, &w->conf, &w->kept, &shell_calls,
                    &w->link[1]);
}


/* The archive holds the bare record: the oracle reads it by itself. */

static size_t
shell_text(void *data, const fk_order_view_t *order, const uint8_t *record,
    size_t size, char *out, size_t room)
{
    if (size + 1 > room) {
        return 0;
    }

    out[0] = '{';
    memcpy(out + 1, record, size);
    return size + 1;
}


static int64_t
shell_now_ms(void *data)
{
    sim_link_t  *l = data;

    return node_steady_ms(l->worker->world, l->worker->node);
}


static int64_t
shell_unix_ms(void *data)
{
    sim_link_t  *l = data;

    return node_unix_ms(l->worker->world, l->worker->node);
}


static uint32_t
shell_random(void *data)
{
    sim_link_t  *l = data;

    return (uint32_t) sim_random(l->worker->world);
}


/* A process id that was given away again looks alive: one in eight here. */

static int
shell_is_dead(void *data, uint64_t owner)
{
    const sim_link_t  *l = data;

    return shell_knows_dead(l->worker, owner);
}


int
shell_knows_dead(const sim_worker_t *w, uint64_t owner)
{
    uint32_t             i;
    const sim_t         *s;
    const sim_worker_t  *other;

    s = w->world;

    for (i = 0; i < s->plan.workers; i++) {
        other = &s->node[w->node].worker[i];

        if (other->is_alive && other->owner == owner) {
            return 0;
        }
    }

    for (i = 0; i < s->plan.nodes; i++) {
        if (s->node[i].is_up && s->node[i].server == owner) {
            return 0;
        }
    }

    return owner != 0 && owner % 8 != 0;
}


static int
shell_connect(void *data, const fj_address_t *address)
{
    sim_link_t  *l = data;

    /* No descriptor was left, say. */
    if (sim_fault(l->worker->world, SIM_FAULT_LINK_CUT)) {
        return -1;
    }

    link_connect(l->worker->world, l);
    return 0;
}


static void
shell_close(void *data)
{
    link_close(data);
}


static int
shell_send(void *data, int argc, const char *const *argv, const size_t *sizes)
{
    sim_link_t  *l = data;

    /* It broke, and the event that says so has not been read. */
    if (!l->is_open || sim_fault(l->worker->world, SIM_FAULT_COMMAND_LOST)) {
        return -1;
    }

    if (argc > 7 && sizes[4] == 1 && argv[4][0] == 'b') {
        sim_mark(l->worker->world, SIM_MARK_TWO_PARTS);
    }

    link_send(l->worker->world, l, argc, argv, sizes);
    return 0;
}


static void
shell_timer(void *data, fj_timer_t which, int64_t delay_ms)
{
    sim_link_t  *l = data;

    l->timer[which]++;

    if (delay_ms != FJ_TIMER_OFF) {
        sim_after(l->worker->world, delay_ms * SIM_MS, shell_on_timer,
                  link_event(l), (uint64_t) l->timer[which] << 8 | which);
    }
}


static void
shell_on_timer(sim_t *s, uint64_t a, uint64_t b)
{
    sim_link_t  *l;

    if (worker_defers(s, a, b, shell_on_timer)) {
        return;
    }

    l = link_of(s, a);

    if (l->timer[b & 255] == (uint32_t) (b >> 8)) {
        s->timer_fired = (uint32_t) (b & 255);
        (void) worker_turn(s, l->worker, shell_turn_timer, l);
    }
}


static void
shell_turn_timer(sim_t *s, sim_worker_t *w, void *data)
{
    sim_link_t  *l = data;

    fj_timer(l->machine, (fj_timer_t) s->timer_fired);
}


static void
shell_log(void *data, fj_log_t level, const char *text)
{
    sim_t       *s;
    sim_link_t  *l = data;

    s = l->worker->world;
    SIM_MUST(s, strlen(text) < FJ_LOG_SIZE, "a log line is too long");
    sim_trace(s, "log: worker %u: %s", l->worker->number, text);
}


static void
shell_wake(void *data)
{
    sim_link_t  *l = data;

    sim_after(l->worker->world, 0, shell_on_wake,
              worker_event(l->worker), 0);
}


static void
shell_ring(void *data)
{
    sim_t         *s;
    uint32_t       i;
    sim_link_t    *l = data;
    sim_worker_t  *other;

    s = l->worker->world;

    for (i = 0; i < s->plan.workers; i++) {
        other = &s->node[l->worker->node].worker[i];

        if (other != l->worker && other->is_alive) {
            sim_after(s, sim_between(s, 1, 200), shell_on_wake,
                      worker_event(other), 0);
        }
    }
}


static void
shell_replaced(void *data, int is_gone)
{
    sim_t       *s;
    sim_link_t  *l = data;

    s = l->worker->world;

    if (is_gone) {
        sim_after(s, 0, shell_on_exit, worker_event(l->worker), 0);
        return;
    }

    sim_mark(s, SIM_MARK_REPLACED);
    l->worker->has_left = 1;

    /* Most operators quit the old master then; some forget it. */
    if (sim_permille(s, 500)) {
        node_end_soon(s, l->worker->node);
    }
}


static void
shell_on_exit(sim_t *s, uint64_t a, uint64_t b)
{
    if (!worker_defers(s, a, b, shell_on_exit)) {
        worker_kill(s, node_worker(s, a));
    }
}


static void
shell_on_wake(sim_t *s, uint64_t a, uint64_t b)
{
    if (!worker_defers(s, a, b, shell_on_wake)) {
        (void) worker_turn(s, node_worker(s, a), shell_turn_wake, NULL);
    }
}


static void
shell_turn_wake(sim_t *s, sim_worker_t *w, void *data)
{
    worker_wake(s, w);
}

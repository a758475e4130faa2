/*
 * The network between a worker and Redis: a connection as TCP gives it.
 *
 * Nothing is reordered or repeated on one connection.  What was sent arrives
 * also after its sender closed, or died; a break may come before a command
 * was read, or after it was carried out; and an answer may take longer than
 * anybody waits.  A file that is not on disk answers nobody: replies leave
 * after the fsync, unless Redis is lazy about it.
 */

#include "sim.h"


typedef struct {
    uint64_t           link;           /* as in events */
    uint64_t           turn;
    uint32_t           generation;     /* of the connection */
    uint32_t           redis;          /* generation */
    uint32_t           argc;
    uint32_t           log_count;      /* what must be on disk */
    sim_text_t        *argv;
    const fj_reply_t  *reply;
} sim_packet_t;


static int64_t link_delay(sim_t *s);
static void link_on_connect(sim_t *s, uint64_t a, uint64_t b);
static void link_on_arrival(sim_t *s, uint64_t a, uint64_t b);
static void link_on_synced(sim_t *s, uint64_t a, uint64_t b);
static void link_on_return(sim_t *s, uint64_t a, uint64_t b);
static void link_on_closed(sim_t *s, uint64_t a, uint64_t b);
static int link_is(sim_t *s, const sim_packet_t *p);
static void link_turn_connected(sim_t *s, sim_worker_t *w, void *data);
static void link_turn_closed(sim_t *s, sim_worker_t *w, void *data);
static void link_turn_reply(sim_t *s, sim_worker_t *w, void *data);


uint64_t
link_event(const sim_link_t *l)
{
    return worker_event(l->worker) | l->index << 7;
}


sim_link_t *
link_of(sim_t *s, uint64_t event)
{
    return &node_worker(s, event)->link[event >> 7 & 1];
}


static int64_t
link_delay(sim_t *s)
{
    return sim_between(s, 10, s->plan.latency_us);
}


void
link_connect(sim_t *s, sim_link_t *l)
{
    assert(!l->is_open && !l->is_connecting);

    l->generation++;
    l->is_connecting = 1;
    l->arrives_us = 0;
    l->returns_us = 0;

    sim_after(s, link_delay(s), link_on_connect, link_event(l),
              l->generation);
}


static void
link_on_connect(sim_t *s, uint64_t a, uint64_t b)
{
    int64_t        cut;
    sim_link_t  *l;

    if (worker_defers(s, a, b, link_on_connect)) {
        return;
    }

    l = link_of(s, a);

    if (l->generation != b || !l->is_connecting) {
        return;
    }

    cut = s->node[l->worker->node].cut_until_us;

    if (cut > s->now_us) {
        sim_after(s, cut - s->now_us, link_on_connect, a, b);
        return;
    }

    l->is_connecting = 0;

    if (!s->redis.up) {
        (void) worker_turn(s, l->worker, link_turn_closed, l);
        return;
    }

    l->is_open = 1;
    (void) worker_turn(s, l->worker, link_turn_connected, l);
}


void
link_close(sim_link_t *l)
{
    l->generation++;
    l->is_open = 0;
    l->is_connecting = 0;
}


void
link_break(sim_t *s, sim_link_t *l)
{
    if (!l->is_open) {
        return;
    }

    link_close(l);
    sim_after(s, link_delay(s), link_on_closed, link_event(l),
              l->generation);
}


static void
link_on_closed(sim_t *s, uint64_t a, uint64_t b)
{
    sim_link_t  *l;

    if (worker_defers(s, a, b, link_on_closed)) {
        return;
    }

    l = link_of(s, a);

    /* The worker may have given it up by itself meanwhile. */
    if (l->generation == b) {
        l->generation++;
        (void) worker_turn(s, l->worker, link_turn_closed, l);
    }
}


void
link_send(sim_t *s, sim_link_t *l, int argc, const char *const *argv,
    const size_t *sizes)
{
    int            i;
    int64_t        at_us;
    sim_packet_t  *p;

    assert(l->is_open && argc > 0 && argc <= SIM_ARGS_MAX);

    p = sim_alloc(s, sizeof(sim_packet_t));
    p->link = link_event(l);
    p->turn = l->worker->turn;
    p->generation = l->generation;
    p->redis = s->redis.generation;
    p->argc = (uint32_t) argc;
    p->argv = sim_alloc(s, (size_t) argc * sizeof(sim_text_t));

    for (i = 0; i < argc; i++) {
        p->argv[i].data = sim_copy(s, argv[i], sizes[i]);
        p->argv[i].size = sizes[i];
    }

    at_us = s->now_us + link_delay(s);

    /* A network that is cut keeps what it has, and delivers it later. */
    if (s->node[l->worker->node].cut_until_us > at_us) {
        at_us = s->node[l->worker->node].cut_until_us;
    }

    if (l->arrives_us > at_us) {
        at_us = l->arrives_us;
    }

    l->arrives_us = at_us;
    sim_after(s, at_us - s->now_us, link_on_arrival, (uintptr_t) p, 0);
}


static int
link_is(sim_t *s, const sim_packet_t *p)
{
    sim_link_t  *l;

    l = link_of(s, p->link);

    return link_event(l) == p->link && l->worker->is_alive
           && l->generation == p->generation && l->is_open;
}


static void
link_on_arrival(sim_t *s, uint64_t a, uint64_t b)
{
    sim_link_t  *l;
    sim_packet_t  *p = (sim_packet_t *) (uintptr_t) a;

    l = link_of(s, p->link);

    /* Redis is gone, or another one, or the sender died before it wrote. */
    if (p->redis != s->redis.generation || !s->redis.up
        || l->worker->lost_turn == p->turn)
    {
        return;
    }

    if (s->redis.frozen_until_us > s->now_us) {
        sim_after(s, s->redis.frozen_until_us - s->now_us, link_on_arrival, a,
                  b);
        return;
    }

    if (sim_fault(s, SIM_FAULT_COMMAND_LOST)) {
        if (link_is(s, p)) {
            link_break(s, l);
        }

        return;
    }

    if (!link_is(s, p)) {
        sim_mark(s, SIM_MARK_LATE_COMMAND);
    }

    p->reply = redis_execute(s, p->argc, p->argv);
    p->log_count = s->redis.log_count;
    sim_trace(s, "redis: worker %u.%u %.*s %.*s %.*s: %d %.*s",
              l->worker->number, l->index,
              (int) p->argv[0].size, p->argv[0].data,
              p->argc > 2 ? (int) p->argv[2].size : 0,
              p->argc > 2 ? p->argv[2].data : "",
              p->argc > 4 && p->argv[3].size < 32 ? (int) p->argv[3].size : 0,
              p->argc > 4 ? p->argv[3].data : "", (int) p->reply->type,
              p->reply->size < 64 ? (int) p->reply->size : 64,
              p->reply->text != NULL ? p->reply->text : "");

    sim_after(s, s->redis.lazy ? 1 : sim_between(s, 20, 2 * SIM_MS),
              link_on_synced, a, 0);
}


static void
link_on_synced(sim_t *s, uint64_t a, uint64_t b)
{
    int64_t        at_us;
    sim_link_t  *l;
    sim_packet_t  *p = (sim_packet_t *) (uintptr_t) a;

    if (p->redis != s->redis.generation) {
        return;
    }

    if (!s->redis.lazy && s->redis.synced_count < p->log_count) {
        s->redis.synced_count = p->log_count;
    }

    if (!link_is(s, p)) {
        return;
    }

    l = link_of(s, p->link);

    if (sim_fault(s, SIM_FAULT_REPLY_LOST)) {
        sim_mark(s, SIM_MARK_LANDED_UNHEARD);
        link_break(s, l);
        return;
    }

    at_us = s->now_us + link_delay(s);

    if (sim_fault(s, SIM_FAULT_REPLY_LATE)) {
        at_us += sim_between(s, SIM_S, 6 * SIM_S);
    }

    if (s->node[l->worker->node].cut_until_us > at_us) {
        at_us = s->node[l->worker->node].cut_until_us;
    }

    if (l->returns_us > at_us) {
        at_us = l->returns_us;
    }

    l->returns_us = at_us;
    sim_after(s, at_us - s->now_us, link_on_return, p->link, a);
}


static void
link_on_return(sim_t *s, uint64_t a, uint64_t b)
{
    sim_packet_t  *p = (sim_packet_t *) (uintptr_t) b;

    if (worker_defers(s, a, b, link_on_return)) {
        return;
    }

    if (!link_is(s, p)) {
        sim_mark(s, SIM_MARK_STALE_ANSWER);
        return;
    }

    (void) worker_turn(s, node_worker(s, a), link_turn_reply, p);
}


static void
link_turn_connected(sim_t *s, sim_worker_t *w, void *data)
{
    sim_link_t  *l = data;

    fj_connected(l->machine);
}


static void
link_turn_closed(sim_t *s, sim_worker_t *w, void *data)
{
    sim_link_t  *l = data;

    fj_closed(l->machine);
}


static void
link_turn_reply(sim_t *s, sim_worker_t *w, void *data)
{
    sim_packet_t  *p = data;

    fj_reply(link_of(s, p->link)->machine, p->reply);
}

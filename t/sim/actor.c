/*
 * Somebody outside, who asks and is answered: one request at a time, to one
 * server of those there are, with a limit to its patience.  An answer may be
 * lost, and so may the request; both look the same from here.
 */

#include "sim.h"


#define ACTOR_PATIENCE_MS  8000


static void actor_on_request(sim_t *s, uint64_t a, uint64_t b);
static void actor_on_answer(sim_t *s, uint64_t a, uint64_t b);
static void actor_on_deadline(sim_t *s, uint64_t a, uint64_t b);
static sim_worker_t *actor_choose(sim_t *s, sim_request_t *r);


uint32_t
actor_new(sim_t *s, sim_actor_pt done)
{
    uint32_t  i;

    for (i = 0; i < s->actor_count; i++) {
        if (s->actor[i].done == NULL) {
            break;
        }
    }

    if (i == s->actor_count) {
        SIM_MUST(s, i < SIM_ACTORS_MAX, "too many act at once");
        s->actor_count++;
    }

    /* Its old requests must not look like new ones. */
    s->actor[i] = (sim_actor_t) { .done = done, .ask = s->actor[i].ask + 1 };
    return i;
}


sim_request_t *
actor_request(sim_t *s, uint32_t actor, sim_request_kind_t kind)
{
    sim_request_t  *r;
    sim_actor_t    *a;

    a = &s->actor[actor];
    assert(a->done != NULL && a->waiting == NULL);

    r = sim_alloc(s, sizeof(sim_request_t));
    r->kind = kind;
    r->actor = actor;
    r->ask = ++a->ask;
    a->waiting = r;

    return r;
}


void
actor_ask(sim_t *s, sim_request_t *r)
{
    sim_after(s, ACTOR_PATIENCE_MS * SIM_MS, actor_on_deadline,
              (uintptr_t) r, 0);

    if (!sim_fault(s, SIM_FAULT_REQUEST_LOST)) {
        sim_after(s, sim_between(s, 10, s->plan.latency_us),
                  actor_on_request, (uintptr_t) r, 0);
    }
}


static void
actor_on_request(sim_t *s, uint64_t a, uint64_t b)
{
    sim_worker_t   *w;
    sim_request_t  *r = (sim_request_t *) (uintptr_t) a;

    w = actor_choose(s, r);

    if (w == NULL) {
        actor_lost(s, r);
        return;
    }

    if (w->stalled_until_us > s->now_us) {

        /* Its connection is closed before a server that sleeps wakes up: a
         * key counts no longer than its order is in memory. */
        if (s->node[w->node].slept_until_us > s->now_us) {
            actor_lost(s, r);
            return;
        }

        sim_after(s, w->stalled_until_us - s->now_us, actor_on_request, a, b);
        return;
    }

    worker_serve(s, w, r);
}


/* The server that answered last, most of the time. */

static sim_worker_t *
actor_choose(sim_t *s, sim_request_t *r)
{
    uint32_t       i, n, node;
    sim_worker_t  *w;

    node = s->actor[r->actor].node;

    if (!s->node[node].is_up || sim_permille(s, 50)) {
        node = (uint32_t) sim_below(s, s->plan.nodes);
    }

    r->node = node;

    if (!s->node[node].is_up) {
        return NULL;
    }

    i = (uint32_t) sim_below(s, s->plan.workers);

    for (n = 0; n < s->plan.workers; n++) {
        w = &s->node[node].worker[(i + n) % s->plan.workers];

        if (w->is_alive && !w->has_left) {
            return w;
        }
    }

    return NULL;
}


void
actor_answer(sim_t *s, sim_request_t *r)
{
    /* From here on it counts as said, whoever hears it. */
    oracle_answer(s, r);

    if (!sim_fault(s, SIM_FAULT_REQUEST_LOST)) {
        sim_after(s, sim_between(s, 10, s->plan.latency_us), actor_on_answer,
                  (uintptr_t) r, 0);
    }
}


void
actor_lost(sim_t *s, sim_request_t *r)
{
    r->is_lost = 1;
    sim_after(s, sim_between(s, 10, s->plan.latency_us), actor_on_answer,
              (uintptr_t) r, 0);
}


static void
actor_on_answer(sim_t *s, uint64_t a, uint64_t b)
{
    sim_actor_t    *actor;
    sim_request_t  *r = (sim_request_t *) (uintptr_t) a;

    if (!actor_waits(s, r)) {
        return;
    }

    actor = &s->actor[r->actor];
    actor->waiting = NULL;

    if (r->is_lost || fk_code_info[r->code].status == 503) {
        actor->tries++;
        actor->node = (uint32_t) sim_below(s, s->plan.nodes);

    } else {
        actor->tries = 0;
        actor->node = r->node;
    }

    actor->done(s, r->actor, r);
}


static void
actor_on_deadline(sim_t *s, uint64_t a, uint64_t b)
{
    sim_request_t  *r = (sim_request_t *) (uintptr_t) a;

    /* A copy, because the real one may still be answered to nobody. */
    if (actor_waits(s, r)) {
        r = sim_copy(s, r, sizeof(sim_request_t));
        r->is_lost = 1;
        s->actor[r->actor].waiting = r;
        actor_on_answer(s, (uintptr_t) r, 0);
    }
}


/* Whoever asked has not gone away, and has not asked for something else. */

int
actor_waits(const sim_t *s, const sim_request_t *r)
{
    return s->actor[r->actor].waiting == r
           && s->actor[r->actor].ask == r->ask;
}


int
actor_failed(const sim_request_t *r)
{
    return r->is_lost || fk_code_info[r->code].status == 503;
}


int64_t
actor_pause_us(sim_t *s, uint32_t actor)
{
    uint32_t  tries;

    tries = s->actor[actor].tries;
    tries = tries < 6 ? tries : 6;
    return sim_between(s, 5 * SIM_MS, (INT64_C(20) << tries) * SIM_MS);
}

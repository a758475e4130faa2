/*
 * A worker's process: it runs the engine's and the journal's code in turns,
 * one event at a time, and may die at any store of any of them.  What it
 * owns (its handle, its machine, its connection, parked requests) ends with
 * it; the region stays, and the master starts another in its place.
 *
 * Requests are answered when what they promise is durable, as the module
 * does it under "durability disk".
 */

#include "sim.h"


#define WORKER_TICK_MS      200
#define WORKER_FALLBACK_MS  5
#define WORKER_STEPS        256
#define WORKER_PARK_MS      5000
#define WORKER_FULL_MS      5


typedef struct {
    sim_t         *s;
    sim_worker_t  *w;
    sim_turn_pt    run;
    void          *data;
} worker_call_t;


static void worker_run(void *data);
static void worker_died(sim_t *s, sim_worker_t *w);
static void worker_end(sim_t *s, sim_worker_t *w);
static void worker_on_restart(sim_t *s, uint64_t a, uint64_t b);
static void worker_on_tick(sim_t *s, uint64_t a, uint64_t b);
static void worker_on_fallback(sim_t *s, uint64_t a, uint64_t b);
static void worker_turn_start(sim_t *s, sim_worker_t *w, void *data);
static void worker_turn_tick(sim_t *s, sim_worker_t *w, void *data);
static int worker_bury(sim_t *s, sim_worker_t *w);
static void worker_turn_fallback(sim_t *s, sim_worker_t *w, void *data);
static void worker_turn_serve(sim_t *s, sim_worker_t *w, void *data);
static int worker_waits(sim_t *s, sim_worker_t *w, sim_request_t *r);
static void worker_on_again(sim_t *s, uint64_t a, uint64_t b);
static void worker_park(sim_t *s, sim_worker_t *w, sim_request_t *r);


uint64_t
worker_event(const sim_worker_t *w)
{
    return (uint64_t) w->generation << 8 | w->number;
}


int
worker_defers(sim_t *s, uint64_t a, uint64_t b, sim_event_pt fn)
{
    sim_worker_t  *w;

    w = node_worker(s, a);

    if (!w->is_alive || worker_event(w) != (a & ~UINT64_C(128))) {
        return 1;
    }

    if (w->stalled_until_us > s->now_us) {
        sim_after(s, w->stalled_until_us - s->now_us, fn, a, b);
        return 1;
    }

    return 0;
}


/* --- a process --------------------------------------------------------- */

void
worker_start(sim_t *s, sim_worker_t *w)
{
    w->generation++;
    w->is_alive = 1;
    w->has_fallback = 0;
    w->has_left = 0;
    w->die_in = 0;
    w->stalled_until_us = 0;
    w->owner = ++s->owner_serial;
    w->fk = s->node[w->node].fk;
    fk_introduce(&w->fk, w->owner);
    w->buried_s = 0;
    w->parked_count = 0;

    if (worker_turn(s, w, worker_turn_start, NULL)) {
        sim_after(s, sim_between(s, 0, WORKER_TICK_MS * SIM_MS),
                  worker_on_tick, worker_event(w), 0);
    }
}


static void
worker_turn_start(sim_t *s, sim_worker_t *w, void *data)
{
    shell_start(s, w);
}


int
worker_turn(sim_t *s, sim_worker_t *w, sim_turn_pt run, void *data)
{
    int            died, is_mortal;
    uint32_t       weight, stores;
    worker_call_t  call;

    weight = s->plan.weight[SIM_FAULT_DIE_AT_STORE];

    /* Decided ahead, in stores: so also the long transactions are hit. */
    if (s->is_loud && weight != 0 && w->die_in == 0) {
        w->die_in = 1 + (uint32_t) sim_below(s, 200000 / weight + 1);
    }

    call = (worker_call_t) { s, w, run, data };
    w->turn = ++s->turn;

    is_mortal = s->is_loud && !s->is_calm;
    died = crash_run(&w->fk, is_mortal ? w->die_in : 0, worker_run, &call,
                     &stores);
    s->counts.stores += stores;

    if (died) {
        worker_died(s, w);

    } else if (is_mortal && w->die_in != 0) {
        w->die_in -= stores;
    }

    if (w->fj.alive_said) {
        sim_mark(s, SIM_MARK_STANDBY);
    }

    node_look(s, w->node);
    return !died;
}


static void
worker_run(void *data)
{
    worker_call_t  *call = data;

    call->run(call->s, call->w, call->data);
}


static void
worker_died(sim_t *s, sim_worker_t *w)
{
    uint32_t     i;
    sim_node_t  *node;

    node = &s->node[w->node];
    s->counts.deaths++;
    sim_mark(s, SIM_MARK_DIED_IN_STORE);
    sim_trace(s, "worker %u dies at a store (%s)", w->number,
              fj_doing(&w->fj.link));

    if (crash_was_repair()) {
        sim_mark(s, SIM_MARK_DIED_IN_ROLLBACK);
    }

    if (fk_shop_state(&node->fk) == FK_SHOP_RECOVERING) {
        sim_mark(s, SIM_MARK_DIED_IN_RECOVERY);

    } else if (fk_flush_owner(&node->fk) == w->owner) {
        sim_mark(s, SIM_MARK_DIED_IN_FLUSH);
    }

    if (fk_snapshot_owner(&node->fk) == w->owner) {
        sim_mark(s, SIM_MARK_SNAPSHOT_BROKEN);
    }

    /* What it wrote to the connection may not have left it. */
    w->lost_turn = sim_permille(s, 500) ? w->turn : 0;
    worker_end(s, w);

    /* Misfortunes come together: the next who has to repair dies of it. */
    if (sim_permille(s, 250)) {
        for (i = 0; i < s->plan.workers; i++) {
            node->worker[i].die_in = 1 + (uint32_t) sim_below(s, 40);
        }
    }
}


/* kill -9 between two events. */

void
worker_kill(sim_t *s, sim_worker_t *w)
{
    if (w->is_alive) {
        worker_end(s, w);
    }
}


static void
worker_end(sim_t *s, sim_worker_t *w)
{
    uint32_t  i;

    w->is_alive = 0;
    link_close(&w->link[0]);
    link_close(&w->link[1]);

    if (w->parked_count != 0) {
        sim_mark(s, SIM_MARK_PARKED_LOST);
    }

    for (i = 0; i < w->parked_count; i++) {
        actor_lost(s, w->parked[i]);
    }

    w->parked_count = 0;

    if (s->node[w->node].is_up) {
        sim_after(s, sim_between(s, SIM_MS, 50 * SIM_MS), worker_on_restart,
                  w->number, s->node[w->node].generation);
    }
}


static void
worker_on_restart(sim_t *s, uint64_t a, uint64_t b)
{
    sim_worker_t  *w;

    w = node_worker(s, a);

    if (s->node[w->node].is_up && s->node[w->node].generation == b
        && !w->is_alive)
    {
        worker_start(s, w);
    }
}


/* --- time -------------------------------------------------------------- */

static void
worker_on_tick(sim_t *s, uint64_t a, uint64_t b)
{
    int64_t  wait_ms;

    if (worker_defers(s, a, b, worker_on_tick)) {
        return;
    }

    wait_ms = WORKER_TICK_MS;

    if (worker_turn(s, node_worker(s, a), worker_turn_tick, &wait_ms)) {
        sim_after(s, wait_ms * SIM_MS, worker_on_tick, a, b);
    }
}


static void
worker_turn_tick(sim_t *s, sim_worker_t *w, void *data)
{
    int         has_buried;
    int64_t    *wait_ms = data;
    fk_env_t    env;
    fk_tick_t   done;
    fk_code_t   code;

    if (fk_shop_state(&w->fk) == FK_SHOP_OPEN) {
        env.now_ms = node_unix_ms(s, w->node);
        has_buried = worker_bury(s, w);
        code = fk_tick(&w->fk, &env, WORKER_STEPS, &done);

        if (done.seq != 0 || code == FK_RING_FULL) {
            fj_kick(&w->fj);
        }

        if (code == FK_AGAIN) {
            *wait_ms = 1;
        }

        oracle_tick(s, &done);

        if (has_buried && code == FK_OK) {
            oracle_buried(s, w);
        }
    }

    worker_wake(s, w);
}


/* Once a second, as the module does it; returns 1 if it has looked,
 * and at no transaction that a death left half done. */

static int
worker_bury(sim_t *s, sim_worker_t *w)
{
    int       is_clean;
    uint32_t  slot;
    uint64_t  owner;

    if (w->buried_s == s->now_us / SIM_S) {
        return 0;
    }

    w->buried_s = s->now_us / SIM_S;
    is_clean = w->fk.region->undo_used == 0;
    slot = 0;

    for ( ;; ) {
        owner = fk_import_owner(&w->fk, &slot);

        if (owner == 0) {
            return is_clean;
        }

        if (owner != w->owner && shell_knows_dead(w, owner)) {
            fk_import_break(&w->fk, slot, owner);
            sim_mark(s, SIM_MARK_BURIED);
        }
    }
}


static void
worker_on_fallback(sim_t *s, uint64_t a, uint64_t b)
{
    if (!worker_defers(s, a, b, worker_on_fallback)) {
        (void) worker_turn(s, node_worker(s, a), worker_turn_fallback, NULL);
    }
}


static void
worker_turn_fallback(sim_t *s, sim_worker_t *w, void *data)
{
    w->has_fallback = 0;
    worker_wake(s, w);
}


/* --- requests ---------------------------------------------------------- */

void
worker_serve(sim_t *s, sim_worker_t *w, sim_request_t *r)
{
    if (!worker_turn(s, w, worker_turn_serve, r) && !r->is_parked) {
        actor_lost(s, r);
    }
}


static void
worker_turn_serve(sim_t *s, sim_worker_t *w, void *data)
{
    sim_request_t  *r = data;

    /* What changes something is refused before it does, without a journal. */
    if (r->kind != SIM_REQUEST_READ && !fj_ready(&w->fj)) {
        r->code = FK_NOT_OPEN;
        actor_answer(s, r);
        return;
    }

    request_execute(s, w, r);

    if (worker_waits(s, w, r)) {
        return;
    }

    if (r->code != FK_OK && r->code != FK_EXISTS) {
        actor_answer(s, r);
        return;
    }

    if (r->seq <= fk_durable_seq(&w->fk)) {
        actor_answer(s, r);
        return;
    }

    fj_kick(&w->fj);
    worker_park(s, w, r);
}


/*
 * A step of an import that the journal has no room for is tried again, as the
 * module does it: else a file larger than the ring would never be in.  Who
 * waits for the archive goes on when it has answered.
 */

static int
worker_waits(sim_t *s, sim_worker_t *w, sim_request_t *r)
{
    if (archive_waits(r)) {
        sim_after(s, archive_wait_us(s), worker_on_again, worker_event(w),
                  (uintptr_t) r);
        return 1;
    }

    if (r->code != FK_RING_FULL
        || (r->kind != SIM_REQUEST_IMPORT_ADD
            && r->kind != SIM_REQUEST_IMPORT_COMMIT))
    {
        return 0;
    }

    fj_kick(&w->fj);
    sim_after(s, WORKER_FULL_MS * SIM_MS, worker_on_again, worker_event(w),
              (uintptr_t) r);
    return 1;
}


/* For as long as somebody waits for it. */

static void
worker_on_again(sim_t *s, uint64_t a, uint64_t b)
{
    sim_request_t  *r = (sim_request_t *) (uintptr_t) b;

    if (!worker_defers(s, a, b, worker_on_again) && actor_waits(s, r)) {
        worker_serve(s, node_worker(s, a), r);
    }
}


static void
worker_park(sim_t *s, sim_worker_t *w, sim_request_t *r)
{
    if (!fj_ready(&w->fj) || w->parked_count == SIM_PARKED_MAX) {
        r->code = FK_NOT_OPEN;
        actor_answer(s, r);
        return;
    }

    r->is_parked = 1;
    r->parked_us = s->now_us;
    w->parked[w->parked_count++] = r;

    if (!w->has_fallback) {
        w->has_fallback = 1;
        sim_after(s, WORKER_FALLBACK_MS * SIM_MS, worker_on_fallback,
                  worker_event(w), 0);
    }
}


void
worker_wake(sim_t *s, sim_worker_t *w)
{
    uint32_t        i, left;
    uint64_t        durable_seq, epoch;
    sim_request_t  *r;

    durable_seq = fk_durable_seq(&w->fk);
    epoch = w->fk.region->ring.epoch;
    left = 0;

    for (i = 0; i < w->parked_count; i++) {
        r = w->parked[i];

        /* A shop that was fenced and came back counts on from what the other
         * one wrote: the same number is another record then. */
        if (r->seq > durable_seq || r->epoch != epoch) {

            if (fj_ready(&w->fj) && r->epoch == epoch
                && s->now_us - r->parked_us < WORKER_PARK_MS * SIM_MS)
            {
                w->parked[left++] = r;
                continue;
            }

            r->code = FK_NOT_OPEN;
        }

        actor_answer(s, r);
    }

    w->parked_count = left;

    if (left != 0 && !w->has_fallback) {
        w->has_fallback = 1;
        sim_after(s, WORKER_FALLBACK_MS * SIM_MS, worker_on_fallback,
                  worker_event(w), 0);
    }
}

/*
 * The tick: what time brings.  Holds that ran out give their units back,
 * paid orders that wait get the stock that came, commission becomes available,
 * imports that nobody goes on with are taken apart.
 *
 * Each step is one small transaction under its own lock, so buyers get in
 * between, and any number of processes may tick at once.  What is due is
 * looked for without the lock, in memory that may change meanwhile: that is
 * only a hint, and the step looks again.  With nothing due, a tick takes no
 * lock at all.
 */

#include "fk_priv.h"


#define FK_SLOTS_PASSED_MAX   1024     /* empty wheel slots in one step */
#define FK_SLOT_ORDERS_MAX    64       /* looked at for one that is due */


typedef enum {
    FK_STEP_NONE = 0,
    FK_STEP_EXPIRE,
    FK_STEP_SETTLE,
    FK_STEP_SERVE,
    FK_STEP_REAP,
    FK_STEP_ABORT
} fk_step_t;


static fk_step_t fk_tick_due(fk_t *fk, const fk_env_t *env, uint32_t *what);
static uint32_t fk_tick_servable(const fk_t *fk);
static uint32_t fk_tick_lease_over(fk_t *fk, const fk_env_t *env);
static fk_code_t fk_tick_step(fk_t *fk, const fk_env_t *env, fk_step_t step,
    uint32_t what, fk_tick_t *out);
static fk_code_t fk_tick_expire(fk_t *fk, const fk_env_t *env,
    fk_tick_t *out);
static uint32_t fk_tick_expired(const fk_t *fk, uint32_t order,
    uint32_t now_s);
static fk_code_t fk_tick_serve(fk_t *fk, const fk_env_t *env,
    uint32_t product, fk_tick_t *out);
static fk_code_t fk_tick_order(fk_t *fk, const fk_env_t *env, uint32_t order,
    fk_event_t event, uint32_t *count);
static fk_code_t fk_tick_abort(fk_t *fk, const fk_env_t *env, uint32_t batch);


fk_code_t
fk_tick(fk_t *fk, const fk_env_t *env, uint32_t max_steps, fk_tick_t *out)
{
    uint32_t   i, what;
    uint64_t   seq;
    fk_code_t  code;
    fk_step_t  step;

    memset(out, 0, sizeof(fk_tick_t));

    code = fk_state_code(fk_shop_state(fk));
    if (code != FK_OK) {
        return code;
    }

    for (i = 0; i < max_steps; i++) {
        step = fk_tick_due(fk, env, &what);

        if (step == FK_STEP_NONE) {
            return FK_OK;
        }

        code = fk_lock_open(fk);
        if (code != FK_OK) {
            return code;
        }

        seq = fk->region->ring.seq;
        code = fk_tick_step(fk, env, step, what, out);

        if (fk->region->ring.seq != seq) {
            out->seq = fk->region->ring.seq;
        }

        fk_unlock(fk);

        if (code != FK_OK) {
            return code;
        }
    }

    return FK_AGAIN;
}


/* Expiry first: what it gives back may be what the waiting ones need. */
static fk_step_t
fk_tick_due(fk_t *fk, const fk_env_t *env, uint32_t *what)
{
    fk_region_t  *r;

    r = fk->region;
    *what = 0;

    if (FK_GET(r->wheel_s) <= fk_now_s(env)) {
        return FK_STEP_EXPIRE;
    }

    *what = fk_tick_servable(fk);
    if (*what != 0) {
        return FK_STEP_SERVE;
    }

    if (fk_settle_due(fk, env)) {
        return FK_STEP_SETTLE;
    }

    /* A snapshot puts it off: that is not due, or each tick would lock. */
    if (FK_GET(r->aborted) != 0 && !fk_snapshot_walks(fk, env)) {
        return FK_STEP_REAP;
    }

    *what = fk_tick_lease_over(fk, env);
    return *what != 0 ? FK_STEP_ABORT : FK_STEP_NONE;
}


/* A product whose longest waiting order could be served now. */
static uint32_t
fk_tick_servable(const fk_t *fk)
{
    uint32_t                 index, order, steps;
    const fk_product_rec_t  *p;

    steps = fk->region->table[FK_TABLE_PRODUCTS].capacity;
    index = FK_GET(fk->region->waiting);

    for (/* void */ ; index != 0 && steps != 0; steps--) {
        p = FK_PRODUCT(fk, index);
        order = __atomic_load_n(&p->wait_head, __ATOMIC_ACQUIRE);

        if (order != 0
            && FK_GET(p->available) >= FK_GET(FK_ORDER(fk, order)->qty))
        {
            return index;
        }

        index = FK_GET(p->next_waiting);
    }

    return 0;
}


/*
 * A batch whose importer is gone.  Leases are long, so once a second is often
 * enough to go through all batches, and only while any is being staged.
 */
static uint32_t
fk_tick_lease_over(fk_t *fk, const fk_env_t *env)
{
    uint32_t               i, fresh;
    fk_region_t           *r;
    const fk_batch_rec_t  *b;

    r = fk->region;

    if (FK_GET(r->loading_count) == 0
        || fk->leases_seen_s == fk_now_s(env))
    {
        return 0;
    }

    fresh = FK_GET(r->table[FK_TABLE_BATCHES].fresh);

    for (i = 1; i <= fresh; i++) {
        b = FK_BATCH(fk, i);

        if (FK_GET(b->state) == FK_BATCH_LOADING
            && FK_GET(b->lease_s) <= fk_now_s(env))
        {
            return i;
        }
    }

    fk->leases_seen_s = fk_now_s(env);
    return 0;
}


static fk_code_t
fk_tick_step(fk_t *fk, const fk_env_t *env, fk_step_t step, uint32_t what,
    fk_tick_t *out)
{
    switch (step) {

    case FK_STEP_EXPIRE:
        return fk_tick_expire(fk, env, out);

    case FK_STEP_SERVE:
        return fk_tick_serve(fk, env, what, out);

    case FK_STEP_SETTLE:
        return fk_settle_step(fk, env, &out->settled_count);

    case FK_STEP_REAP:
        return fk->region->aborted == 0 ? FK_OK
               : fk_import_reap(fk, env, &out->reaped_count);

    case FK_STEP_ABORT:
        return fk_tick_abort(fk, env, what);

    default:
        return FK_OK;
    }
}


/*
 * One order, or up to FK_SLOTS_PASSED_MAX slots without one.  After a pause
 * of more than a turn (or a clock that was far behind) one turn is enough to
 * see every slot.
 */
static fk_code_t
fk_tick_expire(fk_t *fk, const fk_env_t *env, fk_tick_t *out)
{
    uint32_t      at_s, now_s, passed, order;
    fk_region_t  *r;

    r = fk->region;
    now_s = fk_now_s(env);
    at_s = r->wheel_s;

    if (at_s <= now_s && now_s - at_s >= FK_WHEEL_SLOTS) {
        at_s = now_s - FK_WHEEL_SLOTS + 1;
    }

    order = 0;

    for (passed = 0; passed < FK_SLOTS_PASSED_MAX && at_s <= now_s; passed++) {
        order = fk_tick_expired(fk, *fk_wheel_slot(fk, at_s), now_s);

        if (order != 0) {
            break;
        }

        at_s++;
    }

    if (order != 0) {
        return fk_tick_order(fk, env, order, FK_EVENT_EXPIRE,
                             &out->expired_count);
    }

    /* Derived, so without a record: recovery finds its own place. */
    FK_SET(fk, r->wheel_s, at_s);
    fk_commit(fk);

    return FK_OK;
}


/*
 * The first order of a slot's list that is due.  New ones stand in front, so
 * one that is not due hides others only after the clock was set back by half
 * a day; those behind it are then found one turn later.
 */
static uint32_t
fk_tick_expired(const fk_t *fk, uint32_t order, uint32_t now_s)
{
    uint32_t               steps;
    const fk_order_rec_t  *o;

    for (steps = FK_SLOT_ORDERS_MAX; order != 0 && steps != 0; steps--) {
        o = FK_ORDER(fk, order);

        if (o->expires_s <= now_s) {
            return order;
        }

        order = o->next;
    }

    return 0;
}


/* Looked at again, under the lock: another process may have been here. */
static fk_code_t
fk_tick_serve(fk_t *fk, const fk_env_t *env, uint32_t product, fk_tick_t *out)
{
    const fk_product_rec_t  *p;

    p = FK_PRODUCT(fk, product);

    if (p->wait_head == 0
        || p->available < (int64_t) FK_ORDER(fk, p->wait_head)->qty)
    {
        return FK_OK;
    }

    return fk_tick_order(fk, env, p->wait_head, FK_EVENT_SERVE,
                         &out->served_count);
}


/*
 * The event must be allowed: only unpaid, held orders stand in the wheel, and
 * only paid, short ones in a waiting list.
 */
static fk_code_t
fk_tick_order(fk_t *fk, const fk_env_t *env, uint32_t order, fk_event_t event,
    uint32_t *count)
{
    fk_axes_t        now, next;
    fk_code_t        code;
    fk_order_rec_t  *o;

    o = FK_ORDER(fk, order);
    now = fk_order_axes(o);

    code = fk_next_state(&now, event, 1, &next);
    assert(code == FK_OK);
    (void) code;

    if (!fk_record_room(fk, FK_IMAGE_ORDER_SIZE(o->qty))) {
        return FK_RING_FULL;
    }

    fk_order_change(fk, env, order, &next);
    (*count)++;
    return FK_OK;
}


/* The importer may have come back just now and renewed its lease. */
static fk_code_t
fk_tick_abort(fk_t *fk, const fk_env_t *env, uint32_t batch)
{
    const fk_batch_rec_t  *b;

    b = FK_BATCH(fk, batch);

    /* Beyond fresh: it was seen in a transaction that was rolled back. */
    if (batch > fk->region->table[FK_TABLE_BATCHES].fresh
        || b->state != FK_BATCH_LOADING || b->lease_s > fk_now_s(env))
    {
        return FK_OK;
    }

    if (!fk_record_room(fk, FK_IMAGE_BATCH_SIZE)) {
        return FK_RING_FULL;
    }

    fk_batch_abort(fk, env, batch);

    return FK_OK;
}

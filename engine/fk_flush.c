/*
 * The flush protocol: who may carry records to the journal, which ones, and
 * what is known to be durable.
 *
 *     durable_pos <= sent_pos <= head
 *
 * One process has the lease and one batch is on its way, at most.  A batch
 * ends in one of three ways: done (durable_pos moves to sent_pos), unknown
 * (its sender says so), or the lease runs out, which is the same as unknown.
 * After an unknown end nothing is sent before a probe has found how far the
 * journal really is: so a record is never missing in between, and a batch
 * that landed twice is refused by its id or passed over when it is read.
 *
 * The bytes of a batch do not change until they are durable, so a sender
 * reads them without the lock.
 */

#include "fk_journal.h"


static void fk_batch_cut(const fk_t *fk, fk_batch_t *batch,
    uint64_t *end_pos);
static const char *fk_top_problem(const fk_t *fk, uint64_t top_epoch,
    uint64_t top_seq);
static void fk_heal_begin(fk_t *fk);
static uint64_t fk_ring_find(const fk_t *fk, uint64_t seq);
static void fk_flush_doubt(fk_t *fk);


void
fk_journal_view(const fk_t *fk, fk_journal_view_t *out)
{
    const fk_ring_t  *ring;

    ring = &fk->region->ring;

    /* Not one moment's picture: durable first, so that it is never ahead. */
    out->durable_seq = fk_durable_seq(fk);
    out->sent_seq = FK_GET(ring->sent_seq);
    out->ring_used = FK_GET(ring->durable_pos);
    out->ring_used = FK_GET(ring->head) - out->ring_used;
    out->seq = fk_last_seq(fk);
    out->epoch = FK_GET(ring->epoch);
    out->ring_size = ring->size;
}


uint64_t
fk_durable_seq(const fk_t *fk)
{
    return __atomic_load_n(&fk->region->ring.durable_seq, __ATOMIC_ACQUIRE);
}


uint64_t
fk_epoch(const fk_t *fk)
{
    return __atomic_load_n(&fk->region->ring.epoch, __ATOMIC_ACQUIRE);
}


uint64_t
fk_last_seq(const fk_t *fk)
{
    return __atomic_load_n(&fk->region->ring.seq, __ATOMIC_ACQUIRE);
}


fk_flush_t
fk_flush_take(fk_t *fk, uint64_t owner, int64_t now_ms, fk_batch_t *batch)
{
    uint64_t    end;
    fk_code_t   rc;
    fk_ring_t  *ring;
    fk_flush_t  work;

    assert(owner != 0);

    rc = fk_lock_open(fk);
    if (rc != FK_OK) {
        return rc == FK_LOCK_TIMEOUT ? FK_FLUSH_OTHER : FK_FLUSH_NOTHING;
    }

    ring = &fk->region->ring;

    if (ring->lease_owner != 0 && now_ms < ring->lease_until_ms) {
        fk_unlock(fk);
        return FK_FLUSH_OTHER;
    }

    if (ring->lease_owner != 0 || ring->probe != 0) {
        if (ring->lease_owner != 0) {
            fk_flush_doubt(fk);
        }

        FK_SET(fk, ring->probe_taken, ring->probe);
        work = FK_FLUSH_PROBE;

    } else if (ring->head == ring->durable_pos) {
        fk_unlock(fk);
        return FK_FLUSH_NOTHING;

    } else {
        fk_batch_cut(fk, batch, &end);
        FK_SET(fk, ring->sent_pos, end);
        FK_SET(fk, ring->sent_seq, batch->last_seq);
        work = FK_FLUSH_SEND;
    }

    FK_SET(fk, ring->lease_owner, owner);
    FK_SET(fk, ring->lease_until_ms, now_ms + FK_FLUSH_LEASE_MS);
    fk_commit(fk);
    fk_unlock(fk);

    return work;
}


fk_code_t
fk_flush_done(fk_t *fk, uint64_t owner, uint64_t last_seq)
{
    fk_code_t   rc;
    fk_ring_t  *ring;

    /* Also of a fenced shop: what landed before the fence is durable. */
    rc = fk_lock(fk);
    if (rc != FK_OK) {
        return rc;
    }

    ring = &fk->region->ring;

    /* A doubt that came meanwhile stays: it is about what is sent next. */
    if (owner == 0 || ring->lease_owner != owner
        || ring->sent_seq != last_seq || ring->sent_pos == ring->durable_pos)
    {
        fk_unlock(fk);
        return FK_CONFLICT;
    }

    FK_SET(fk, ring->durable_pos, ring->sent_pos);
    FK_SET(fk, ring->durable_seq, ring->sent_seq);
    FK_SET(fk, ring->lease_owner, 0);
    fk_commit(fk);
    fk_unlock(fk);

    return FK_OK;
}


void
fk_flush_unknown(fk_t *fk, uint64_t owner)
{
    fk_ring_t  *ring;

    /* Without the lock the lease runs out, which says the same, later. */
    if (fk_lock(fk) != FK_OK) {
        return;
    }

    ring = &fk->region->ring;

    if (owner != 0 && ring->lease_owner == owner) {
        fk_flush_doubt(fk);
        FK_SET(fk, ring->lease_owner, 0);
        fk_commit(fk);
    }

    fk_unlock(fk);
}


/*
 * A probe answers the doubts that there were when it was taken: one that
 * comes while it is on its way asks for another.
 */
static void
fk_flush_doubt(fk_t *fk)
{
    uint32_t  probe;

    probe = fk->region->ring.probe + 1;
    FK_SET(fk, fk->region->ring.probe, probe != 0 ? probe : 1);
}


fk_code_t
fk_flush_suspect(fk_t *fk)
{
    fk_code_t  rc;

    rc = fk_lock_open(fk);
    if (rc != FK_OK) {
        return rc;
    }

    fk_flush_doubt(fk);
    fk_commit(fk);
    fk_unlock(fk);

    return FK_OK;
}


uint64_t
fk_flush_owner(const fk_t *fk)
{
    return FK_GET(fk->region->ring.lease_owner);
}


void
fk_flush_break(fk_t *fk, uint64_t dead_owner)
{
    /* The same as the dead one's own word that it does not know. */
    fk_flush_unknown(fk, dead_owner);
}


fk_code_t
fk_flush_top(fk_t *fk, uint64_t owner, uint64_t top_epoch, uint64_t top_seq)
{
    uint64_t     pos;
    fk_code_t    rc;
    fk_ring_t   *ring;
    const char  *problem;

    rc = fk_lock_open(fk);
    if (rc != FK_OK) {
        return rc;
    }

    ring = &fk->region->ring;

    if (owner == 0 || ring->lease_owner != owner || !ring->probe) {
        fk_unlock(fk);
        return FK_CONFLICT;
    }

    if (top_epoch > ring->epoch) {
        fk_unlock(fk);
        fk_fence(fk, top_epoch);
        return FK_FENCED;
    }

    problem = fk_top_problem(fk, top_epoch, top_seq);
    if (problem != NULL) {
        fk_unlock(fk);
        fk_fail(fk, problem);
        return FK_CORRUPT;
    }

    if (top_seq + 1 < fk_ring_first_seq(fk)) {
        fk_heal_begin(fk);
        fk_unlock(fk);
        return FK_HEALING;
    }

    pos = fk_ring_find(fk, top_seq + 1);

    FK_SET(fk, ring->durable_pos, pos);
    FK_SET(fk, ring->durable_seq, top_seq);
    FK_SET(fk, ring->sent_pos, pos);
    FK_SET(fk, ring->sent_seq, top_seq);
    FK_SET(fk, ring->probe, ring->probe == ring->probe_taken ? 0
                                                             : ring->probe);
    FK_SET(fk, ring->lease_owner, 0);
    fk_commit(fk);
    fk_unlock(fk);

    return FK_OK;
}


/*
 * One word, and only ever away from a state that sells: so it needs no lock,
 * which might be held by a process that just stopped.
 */

void
fk_fence(fk_t *fk, uint64_t epoch)
{
    uint32_t      state;
    fk_region_t  *r;

    r = fk->region;

    if (epoch <= FK_GET(r->ring.epoch)) {
        return;
    }

    state = FK_GET(r->state);

    /* Not over FAILED, which says more; recovery has its own fence. */
    while ((state == FK_SHOP_OPEN || state == FK_SHOP_HEALING)
           && !__atomic_compare_exchange_n(&r->state, &state, FK_SHOP_FENCED,
                                           0, __ATOMIC_ACQ_REL,
                                           __ATOMIC_RELAXED))
    {
        /* It went from one to the other, which few do: once more. */
    }
}


/*
 * Usually all that is not durable goes in one piece and nothing needs to be
 * looked at.  Where the ring wraps, or more is waiting than one batch takes,
 * the records are followed: at most FK_BATCH_SIZE_MAX / FK_RECORD_HEAD_SIZE.
 */

static void
fk_batch_cut(const fk_t *fk, fk_batch_t *batch, uint64_t *end_pos)
{
    uint64_t          begin, wrap, pos, next, seq;
    const fk_ring_t  *ring;

    ring = &fk->region->ring;
    begin = fk_ring_record(fk, ring->durable_pos, ring->head);
    wrap = (begin | (ring->size - 1)) + 1;

    batch->epoch = ring->epoch;
    batch->part[0] = fk_ring_at(fk, begin);
    batch->part[1] = fk_ring_at(fk, wrap);
    batch->size[1] = 0;

    if (ring->head <= wrap && ring->head - begin <= FK_BATCH_SIZE_MAX) {
        batch->size[0] = ring->head - begin;
        batch->last_seq = ring->seq;
        batch->count = (uint32_t) (ring->seq - ring->durable_seq);
        *end_pos = ring->head;
        return;
    }

    batch->size[0] = 0;
    seq = ring->durable_seq;
    pos = begin;

    while (pos != ring->head) {
        next = fk_ring_record(fk, pos, ring->head);

        /* A filler is written with the record behind it. */
        assert(next != ring->head);
        next = fk_ring_next(fk, next);
        if (next - begin > FK_BATCH_SIZE_MAX) {
            break;
        }

        if (next <= wrap) {
            batch->size[0] = next - begin;
        } else {
            batch->size[1] = next - wrap;
        }

        pos = next;
        seq++;
    }

    assert(seq > ring->durable_seq);
    batch->last_seq = seq;
    batch->count = (uint32_t) (seq - ring->durable_seq);
    *end_pos = pos;
}


/* NULL if the journal's top is one that this ring can go on from. */

static const char *
fk_top_problem(const fk_t *fk, uint64_t top_epoch, uint64_t top_seq)
{
    const fk_ring_t  *ring;

    ring = &fk->region->ring;

    if (top_seq > ring->seq) {
        return "the journal holds records that this shop never wrote";
    }

    if (top_epoch < ring->epoch && top_seq > ring->epoch_seq) {
        return "the journal lost its tail, and a server that had been "
               "replaced wrote to it";
    }

    return NULL;
}


/*
 * What the journal lost is only in the tables now.  Nothing is committed any
 * more, so that a snapshot of them needs no tail.  The doubt stays: when the
 * shop is healed, somebody looks whether the journal ends as it should.
 */

static void
fk_heal_begin(fk_t *fk)
{
    uint32_t  state;

    FK_SET(fk, fk->region->ring.lease_owner, 0);
    fk_commit(fk);

    /* Under the lock, but a stop or a fence needs none. */
    state = FK_SHOP_OPEN;
    (void) __atomic_compare_exchange_n(&fk->region->state, &state,
                                       FK_SHOP_HEALING, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}


fk_code_t
fk_heal_end(fk_t *fk, uint64_t owner, uint64_t begin_seq)
{
    uint32_t            state;
    fk_code_t           rc;
    fk_ring_t          *ring;
    fk_region_t        *r;
    fk_snapshot_rec_t  *s;

    rc = fk_lock(fk);
    if (rc != FK_OK) {
        return rc;
    }

    r = fk->region;
    ring = &r->ring;
    s = &r->snapshot;

    if (FK_GET(r->state) != FK_SHOP_HEALING || owner == 0
        || s->owner != owner || s->phase != FK_SNAPSHOT_DONE
        || s->begin_seq != begin_seq || ring->seq != begin_seq)
    {
        fk_unlock(fk);
        return FK_CONFLICT;
    }

    FK_SET(fk, ring->durable_pos, ring->head);
    FK_SET(fk, ring->durable_seq, ring->seq);
    FK_SET(fk, ring->sent_pos, ring->head);
    FK_SET(fk, ring->sent_seq, ring->seq);
    FK_SET(fk, s->owner, 0);
    fk_commit(fk);

    /* Last: a death before it leaves a shop that is healed once more. */
    state = FK_SHOP_HEALING;
    rc = __atomic_compare_exchange_n(&r->state, &state, FK_SHOP_OPEN, 0,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
         ? FK_OK : fk_state_code((fk_shop_state_t) state);
    fk_unlock(fk);

    return rc;
}


/*
 * The place of a record that the ring holds, or of the next one to be
 * written.  Ends at the head: each step moves on by a record's size.
 */

static uint64_t
fk_ring_find(const fk_t *fk, uint64_t seq)
{
    uint64_t          pos;
    const fk_ring_t  *ring;

    ring = &fk->region->ring;
    pos = seq > ring->durable_seq ? ring->durable_pos : ring->tail;

    for ( ;; ) {
        pos = fk_ring_record(fk, pos, ring->head);

        if (pos == ring->head
            || fk_get(fk_ring_at(fk, pos) + 8, 8) == seq)
        {
            return pos;
        }

        pos = fk_ring_next(fk, pos);
    }
}

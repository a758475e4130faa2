/*
 * Recovery: the journal's records back into a shop that sells.
 *
 * One process at a time, by a lease that each fk_apply() renews.  Only it
 * touches the tables, so the stores are plain; a death in the middle leaves a
 * shop that is RECOVERING with a lease that runs out, and the next
 * fk_recover_begin() starts from empty tables.
 *
 * A record is applied if it is the next one.  Earlier ones are passed over:
 * the journal may hold a record twice, once in each of two batches.  Behind a
 * snapshot (fk_load.c) the next one is that after its begin, and its first
 * records come upon entities that are as new as they are, or newer: each
 * overwrites what is there, and at the snapshot's end the last one of each
 * entity has won.
 */

#include "fk_journal.h"
#include "fk_text.h"


static int fk_recover_taken(const fk_region_t *r, uint64_t owner,
    int64_t now_ms);
static int fk_recover_owns(const fk_region_t *r, uint64_t owner);
static const char *fk_recover_short(const fk_t *fk);
static fk_code_t fk_recover_open(fk_t *fk, fk_text_t *why);
static fk_code_t fk_apply_record(fk_t *fk, const uint8_t *data, size_t size,
    size_t *record_size);


fk_code_t
fk_recover_begin(fk_t *fk, uint64_t owner, int64_t now_ms)
{
    uint32_t      state;
    fk_code_t     rc;
    fk_region_t  *r;

    assert(owner != 0);

    r = fk->region;

    /* Whoever recovers holds the lock for long: nobody queues up for a no. */
    if (fk_recover_taken(r, owner, now_ms)) {
        return FK_CONFLICT;
    }

    rc = fk_lock(fk);
    if (rc != FK_OK) {
        return rc;
    }

    state = FK_GET(r->state);

    if (fk_recover_taken(r, owner, now_ms)) {
        fk_unlock(fk);
        return FK_CONFLICT;
    }

    FK_SET(fk, r->recover_owner, owner);
    FK_SET(fk, r->recover_until_ms, now_ms + FK_RECOVER_LEASE_MS);

    /*
     * A stop or a fence needs no lock, so it may come at any moment.  Those
     * who still look into a fenced shop without the lock find what is wrong
     * for a moment, as always, and no worse.
     */
    if (!__atomic_compare_exchange_n(&r->state, &state, FK_SHOP_RECOVERING, 0,
                                     __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
    {
        fk_rollback(fk);
        fk_unlock(fk);
        return FK_CONFLICT;
    }

    fk_commit(fk);
    fk_reset(fk);
    fk_unlock(fk);

    return FK_OK;
}


/* Also asked without the lock: then it is a hint. */

static int
fk_recover_taken(const fk_region_t *r, uint64_t owner, int64_t now_ms)
{
    uint32_t  state;
    uint64_t  holder;

    state = FK_GET(r->state);

    /* Whoever recovered it before the fence has nothing left to do there. */
    if (state == FK_SHOP_EMPTY || state == FK_SHOP_FENCED) {
        return 0;
    }

    if (state != FK_SHOP_RECOVERING) {
        return 1;
    }

    holder = FK_GET(r->recover_owner);

    return holder != 0 && holder != owner
           && now_ms < FK_GET(r->recover_until_ms);
}


static int
fk_recover_owns(const fk_region_t *r, uint64_t owner)
{
    return FK_GET(r->state) == FK_SHOP_RECOVERING && owner != 0
           && r->recover_owner == owner;
}


fk_code_t
fk_apply(fk_t *fk, uint64_t owner, int64_t now_ms, const uint8_t *data,
    size_t size, size_t *at)
{
    size_t     done, ahead, record_size;
    fk_code_t  rc;

    *at = 0;
    ahead = 0;

    rc = fk_recover_lock(fk, owner, now_ms);
    if (rc != FK_OK) {
        return rc;
    }

    /* A snapshot without its last part is none. */
    if (fk_load_half(fk)) {
        rc = FK_CORRUPT;
    }

    for (done = 0; rc == FK_OK && done < size; done += record_size) {
        if (done >= ahead) {
            ahead = done + fk_ahead_records(fk, data + done, size - done);
        }

        rc = fk_apply_record(fk, data + done, size - done, &record_size);
        if (rc != FK_OK) {
            break;
        }
    }

    if (rc != FK_OK) {
        fk_recover_give_up(fk);
    }

    *at = done;
    fk_unlock(fk);

    return rc;
}


fk_code_t
fk_recover_lock(fk_t *fk, uint64_t owner, int64_t now_ms)
{
    fk_code_t     rc;
    fk_region_t  *r;

    rc = fk_lock(fk);
    if (rc != FK_OK) {
        return rc;
    }

    r = fk->region;

    if (!fk_recover_owns(r, owner)) {
        fk_unlock(fk);
        return FK_CONFLICT;
    }

    __atomic_store_n(&r->recover_until_ms, now_ms + FK_RECOVER_LEASE_MS,
                     __ATOMIC_RELAXED);
    return FK_OK;
}


void
fk_recover_give_up(fk_t *fk)
{
    __atomic_store_n(&fk->region->recover_owner, 0, __ATOMIC_RELAXED);
}


fk_code_t
fk_recover_renew(fk_t *fk, uint64_t owner, int64_t now_ms)
{
    fk_code_t  rc;

    rc = fk_recover_lock(fk, owner, now_ms);
    if (rc == FK_OK) {
        fk_unlock(fk);
    }

    return rc;
}


uint64_t
fk_recover_seq(const fk_t *fk)
{
    return fk_last_seq(fk);
}


fk_code_t
fk_recover_fence(fk_t *fk, uint64_t owner)
{
    uint32_t      state;
    fk_code_t     rc;
    fk_region_t  *r;

    rc = fk_lock(fk);
    if (rc != FK_OK) {
        return rc;
    }

    r = fk->region;
    rc = FK_CONFLICT;

    if (fk_recover_owns(r, owner)) {
        state = FK_SHOP_RECOVERING;
        (void) __atomic_compare_exchange_n(&r->state, &state, FK_SHOP_FENCED,
                                           0, __ATOMIC_ACQ_REL,
                                           __ATOMIC_RELAXED);
        rc = FK_FENCED;
    }

    fk_unlock(fk);
    return rc;
}


uint64_t
fk_recover_owner(const fk_t *fk)
{
    return FK_GET(fk->region->recover_owner);
}


void
fk_recover_break(fk_t *fk, uint64_t dead_owner)
{
    fk_region_t  *r;

    if (fk_lock(fk) != FK_OK) {
        return;
    }

    r = fk->region;

    if (dead_owner != 0 && r->recover_owner == dead_owner) {
        FK_SET(fk, r->recover_owner, 0);
        fk_commit(fk);
    }

    fk_unlock(fk);
}


fk_code_t
fk_recover_end(fk_t *fk, const fk_env_t *env, uint64_t owner, uint64_t epoch,
    char *why, size_t why_size)
{
    fk_code_t     rc;
    fk_text_t     text;
    fk_ring_t    *ring;
    const char   *problem;
    fk_region_t  *r;

    fk_text_init(&text, why, why_size);

    rc = fk_lock(fk);
    if (rc != FK_OK) {
        return rc;
    }

    r = fk->region;
    ring = &r->ring;

    if (!fk_recover_owns(r, owner)) {
        fk_unlock(fk);
        return FK_CONFLICT;
    }

    __atomic_store_n(&ring->epoch, epoch, __ATOMIC_RELAXED);

    /* The ring is empty, and all that it ever held is in the journal. */
    ring->epoch_seq = ring->seq;
    ring->sent_seq = ring->seq;
    __atomic_store_n(&ring->durable_seq, ring->seq, __ATOMIC_RELEASE);

    problem = fk_recover_short(fk);

    if (problem != NULL) {
        fk_text_add(&text, problem);
        rc = FK_CORRUPT;

    } else {
        rc = fk_rebuild(fk, env, why, why_size);
    }

    if (rc == FK_OK) {
        rc = fk_check_locked(fk, why, why_size);
    }

    if (rc != FK_OK) {
        fk_unlock(fk);
        fk_fail(fk, why);
        return rc;
    }

    rc = fk_recover_open(fk, &text);
    fk_unlock(fk);

    return rc;
}


/* What a snapshot still lacks, or NULL. */

static const char *
fk_recover_short(const fk_t *fk)
{
    if (fk_load_half(fk)) {
        return "the snapshot has no end";
    }

    return fk->region->ring.seq < fk->region->load.end_seq
           ? "the journal ends inside the snapshot" : NULL;
}


/*
 * Unless it was stopped meanwhile: rebuilding takes seconds in a large shop,
 * and opening it all the same would hide what stopped it.
 */

static fk_code_t
fk_recover_open(fk_t *fk, fk_text_t *why)
{
    uint32_t      state;
    fk_code_t     rc;
    fk_region_t  *r;

    r = fk->region;
    __atomic_store_n(&r->recover_owner, 0, __ATOMIC_RELAXED);

    state = FK_SHOP_RECOVERING;

    if (__atomic_compare_exchange_n(&r->state, &state, FK_SHOP_OPEN, 0,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    {
        return FK_OK;
    }

    rc = fk_state_code((fk_shop_state_t) state);
    fk_text_add(why, fk_code_info[rc].text);
    return rc;
}


static fk_code_t
fk_apply_record(fk_t *fk, const uint8_t *data, size_t size,
    size_t *record_size)
{
    uint64_t          seq;
    fk_code_t         rc;
    fk_record_head_t  head;

    rc = fk_record_judge(data, size, &head);
    if (rc != FK_OK) {
        return rc;
    }

    /* After the checksum: damage must not pass for a newer version. */
    if (head.version != FK_RECORD_VERSION) {
        return FK_INCOMPATIBLE;
    }

    *record_size = head.size;
    seq = fk->region->ring.seq;

    /* A batch whose outcome was unknown was sent again in a longer one. */
    if (head.seq <= seq) {
        return FK_OK;
    }

    /* Something acknowledged is missing: not a shop to sell from. */
    if (head.seq != seq + 1) {
        return FK_CORRUPT;
    }

    rc = fk_apply_images(fk, &head, data);
    if (rc == FK_OK) {
        __atomic_store_n(&fk->region->ring.seq, head.seq, __ATOMIC_RELEASE);
    }

    return rc;
}


fk_code_t
fk_record_judge(const uint8_t *data, size_t size, fk_record_head_t *head)
{
    if (size < FK_RECORD_HEAD_SIZE) {
        return FK_CORRUPT;
    }

    fk_record_head_get(data, head);

    if (head->size < FK_RECORD_HEAD_SIZE || head->size > FK_RECORD_SIZE_MAX
        || head->size > size || head->size % FK_RECORD_ALIGN != 0
        || head->crc != fk_crc32c(0, data + 8, head->size - 8))
    {
        return FK_CORRUPT;
    }

    return FK_OK;
}

/*
 * Recovery: the journal's records back into a shop that sells.
 *
 * One process at a time, by a lease that each fk_apply() renews.  Only it
 * touches the tables, so the stores are plain; a death in the middle leaves a
 * shop that is RECOVERING with a lease that runs out, and the next
 * fk_recover_begin() starts from empty tables.
 *
 * A record is applied if it is the next one.  Earlier ones are passed over:
 * the journal may hold a record twice, once in each of two batches.
 */

#include "fk_journal.h"


static fk_code_t fk_apply_record(fk_t *fk, const uint8_t *data, size_t size,
    size_t *record_size);


fk_code_t
fk_recover_begin(fk_t *fk, uint64_t owner, int64_t now_ms)
{
    fk_code_t     rc;
    fk_region_t  *r;

    assert(owner != 0);

    rc = fk_lock(fk);
    if (rc != FK_OK) {
        return rc;
    }

    r = fk->region;

    if ((r->state != FK_SHOP_EMPTY && r->state != FK_SHOP_RECOVERING)
        || (r->recover_owner != 0 && r->recover_owner != owner
            && now_ms < r->recover_until_ms))
    {
        fk_unlock(fk);
        return FK_CONFLICT;
    }

    FK_SET(fk, r->state, FK_SHOP_RECOVERING);
    FK_SET(fk, r->recover_owner, owner);
    FK_SET(fk, r->recover_until_ms, now_ms + FK_RECOVER_LEASE_MS);
    fk_commit(fk);

    fk_reset(fk);
    fk_unlock(fk);

    return FK_OK;
}


fk_code_t
fk_apply(fk_t *fk, uint64_t owner, int64_t now_ms, const uint8_t *data,
    size_t size, size_t *at)
{
    size_t        done, record_size;
    fk_code_t     rc;
    fk_region_t  *r;

    *at = 0;

    rc = fk_lock(fk);
    if (rc != FK_OK) {
        return rc;
    }

    r = fk->region;

    if (r->state != FK_SHOP_RECOVERING || owner == 0
        || r->recover_owner != owner)
    {
        fk_unlock(fk);
        return FK_CONFLICT;
    }

    r->recover_until_ms = now_ms + FK_RECOVER_LEASE_MS;

    for (done = 0; done < size; done += record_size) {
        rc = fk_apply_record(fk, data + done, size - done, &record_size);

        if (rc != FK_OK) {
            /* Half of a record may be in the tables: nobody may go on. */
            r->recover_owner = 0;
            break;
        }
    }

    *at = done;
    fk_unlock(fk);

    return rc;
}


uint64_t
fk_recover_seq(const fk_t *fk)
{
    return fk_last_seq(fk);
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
    fk_ring_t    *ring;
    fk_region_t  *r;

    assert(why_size > 0);
    why[0] = '\0';

    rc = fk_lock(fk);
    if (rc != FK_OK) {
        return rc;
    }

    r = fk->region;
    ring = &r->ring;

    if (r->state != FK_SHOP_RECOVERING || owner == 0
        || r->recover_owner != owner)
    {
        fk_unlock(fk);
        return FK_CONFLICT;
    }

    ring->epoch = epoch;
    ring->epoch_seq = ring->seq;
    ring->sent_seq = ring->seq;
    ring->durable_seq = ring->seq;

    rc = fk_rebuild(fk, env, why, why_size);
    if (rc == FK_OK) {
        rc = fk_check_locked(fk, why, why_size);
    }

    if (rc == FK_OK) {
        r->recover_owner = 0;
        __atomic_store_n(&r->state, FK_SHOP_OPEN, __ATOMIC_RELEASE);
    }

    fk_unlock(fk);

    if (rc != FK_OK) {
        fk_fail(fk, why);
    }

    return rc;
}


static fk_code_t
fk_apply_record(fk_t *fk, const uint8_t *data, size_t size,
    size_t *record_size)
{
    uint64_t          seq;
    fk_code_t         rc;
    fk_record_head_t  head;

    if (size < FK_RECORD_HEAD_SIZE) {
        return FK_CORRUPT;
    }

    fk_record_head_get(data, &head);

    if (head.size < FK_RECORD_HEAD_SIZE || head.size > FK_RECORD_SIZE_MAX
        || head.size > size || head.size % FK_RECORD_ALIGN != 0
        || head.crc != fk_crc32c(0, data + 8, head.size - 8))
    {
        return FK_CORRUPT;
    }

    if (head.version != FK_RECORD_VERSION) {
        return FK_INCOMPATIBLE;
    }

    *record_size = head.size;
    seq = fk->region->ring.seq;

    if (head.seq <= seq) {
        return FK_OK;
    }

    if (head.seq != seq + 1) {
        return FK_CORRUPT;
    }

    rc = fk_apply_images(fk, &head, data);
    if (rc == FK_OK) {
        __atomic_store_n(&fk->region->ring.seq, head.seq, __ATOMIC_RELEASE);
    }

    return rc;
}

/*
 * Import: a batch of cards comes in slices and becomes stock in one step.
 *
 * A staged card has its slot, its place in the index (so that duplicates are
 * found) and a record in the journal, but it is in its batch's list and in no
 * pool.  fk_import_commit() hangs that list on the pool's tail: one store,
 * whether the batch has one card or a million.
 *
 * A batch that is given up, or whose importer died, goes on the region's list
 * of aborted batches, and fk_tick() takes it apart with fk_import_reap().  As
 * long as it has cards, its product takes no other import.
 *
 * An import whose process is known to be dead is not waited for: whoever finds
 * that out ends its lease, and the tick does the rest.
 *
 * A batch is handed out as slot and generation: an importer that slept
 * through the end of its lease cannot add to the batch that got its slot.
 */

#include "fk_priv.h"


#define FK_BATCH_SLOT(handle)        ((handle) & FK_BATCHES_MAX)
#define FK_BATCH_GENERATION(handle)  ((handle) >> 20)
#define FK_GENERATION_MASK           0xfffu

_Static_assert(FK_BATCHES_MAX == (1u << 20) - 1, "a slot has 20 bits");


static fk_code_t fk_batch_find(const fk_t *fk, uint32_t handle,
    uint32_t *batch);
static uint32_t fk_import_lease_s(const fk_env_t *env);
static uint32_t fk_batch_generation(const fk_t *fk, const fk_batch_rec_t *b);
static int fk_import_slice_valid(const fk_card_in_t *cards, uint32_t n);
static uint32_t fk_import_sort_out(const fk_t *fk, uint32_t batch,
    const fk_card_in_t *cards, uint32_t n, uint8_t *results);
static fk_card_result_t fk_import_judge(const fk_t *fk, uint32_t batch,
    const fk_card_in_t *cards, uint32_t at);
static fk_code_t fk_import_room(fk_t *fk, const fk_card_in_t *cards,
    uint32_t n, const uint8_t *results);
static void fk_import_stage(fk_t *fk, const fk_env_t *env, uint32_t batch,
    const fk_card_in_t *cards, uint32_t n, const uint8_t *results);
static void fk_import_publish(fk_t *fk, const fk_env_t *env, uint32_t batch);


fk_code_t
fk_import_begin(fk_t *fk, const fk_env_t *env, fk_str_t sku, uint32_t *handle)
{
    uint32_t           product, batch;
    fk_code_t          code;
    fk_batch_rec_t    *b;
    fk_product_rec_t  *p;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    product = fk_product_find(fk, sku);
    p = product != 0 ? FK_PRODUCT(fk, product) : NULL;

    if (p == NULL) {
        code = FK_NOT_FOUND;

    } else if (p->kind == FK_KIND_COUNTED) {
        code = FK_CONFLICT;

    } else if (p->importing != 0) {
        code = FK_BUSY_IMPORT;

    } else if (fk_table_room(fk, FK_TABLE_BATCHES) == 0) {
        code = FK_TABLE_FULL;

    } else if (!fk_record_room(fk, FK_IMAGE_BATCH_SIZE)) {
        code = FK_RING_FULL;
    }

    if (code != FK_OK) {
        fk_unlock(fk);
        return code;
    }

    batch = fk_batch_take(fk);
    b = FK_BATCH(fk, batch);
    b->product = product;
    b->created_s = fk_now_s(env);

    /* Others read these three without the lock. */
    FK_SET(fk, b->owner, fk->owner);
    FK_SET(fk, b->lease_s, fk_import_lease_s(env));
    FK_SET(fk, b->state, FK_BATCH_LOADING);
    FK_SET(fk, p->importing, batch);
    FK_SET(fk, fk->region->loading_count, fk->region->loading_count + 1);

    fk_record_begin(fk, env);
    fk_record_batch(fk, batch);
    (void) fk_record_end(fk);
    fk_commit(fk);

    *handle = fk_batch_generation(fk, b) << 20 | batch;
    fk_unlock(fk);

    return FK_OK;
}


/* A second that has begun does not count: a lease is never too short. */
static uint32_t
fk_import_lease_s(const fk_env_t *env)
{
    return fk_now_s(env) + FK_IMPORT_LEASE_MS / 1000
           + (env->now_ms % 1000 != 0);
}


/* Nobody reads these fields before the state says that it is a batch. */
uint32_t
fk_batch_take(fk_t *fk)
{
    int              fresh;
    uint32_t         batch;
    fk_batch_rec_t  *b;

    fresh = fk->region->table[FK_TABLE_BATCHES].free_head == 0;
    batch = fk_slot_take(fk, FK_TABLE_BATCHES);
    b = FK_BATCH(fk, batch);

    /* A fresh slot holds what was in the memory before: no generation. */
    if (fresh) {
        b->generation = 0;
    }

    b->seq = 0;
    b->accepted = 0;
    b->archived = 0;
    b->head = 0;
    b->tail = 0;
    b->audit_available = 0;
    b->audit_taken = 0;

    return batch;
}


/* FK_CONFLICT unless it is this very import, and it still runs. */
static fk_code_t
fk_batch_find(const fk_t *fk, uint32_t handle, uint32_t *batch)
{
    const fk_batch_rec_t  *b;

    *batch = FK_BATCH_SLOT(handle);

    if (*batch == 0 || *batch > fk->region->table[FK_TABLE_BATCHES].fresh) {
        return FK_NOT_FOUND;
    }

    b = FK_BATCH(fk, *batch);

    return b->state == FK_BATCH_LOADING
           && fk_batch_generation(fk, b) == FK_BATCH_GENERATION(handle)
           ? FK_OK : FK_CONFLICT;
}


/*
 * A region that was fenced and recovers begins to count anew, under a higher
 * epoch: an importer of its former life must not meet a batch of this one.
 */
static uint32_t
fk_batch_generation(const fk_t *fk, const fk_batch_rec_t *b)
{
    return (b->generation + ((uint32_t) fk->region->ring.epoch << 6))
           & FK_GENERATION_MASK;
}


fk_code_t
fk_import_add(fk_t *fk, const fk_env_t *env, uint32_t handle,
    const fk_card_in_t *cards, uint32_t n, uint8_t *results)
{
    uint32_t   batch, accepted;
    fk_code_t  code;

    if (!fk_import_slice_valid(cards, n)) {
        return FK_INVALID;
    }

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    code = fk_batch_find(fk, handle, &batch);

    if (code == FK_OK) {
        accepted = fk_import_sort_out(fk, batch, cards, n, results);

        if (accepted != 0) {
            code = fk_import_room(fk, cards, n, results);
        }

        if (code == FK_OK && accepted != 0) {
            fk_import_stage(fk, env, batch, cards, n, results);
        }
    }

    /* Without a record: who recovers drops the batch, lease or not. */
    if (code == FK_OK) {
        FK_SET(fk, FK_BATCH(fk, batch)->lease_s, fk_import_lease_s(env));
        fk_commit(fk);
    }

    fk_unlock(fk);
    return code;
}


/* What sealing can make of one card, and no more of them than one record. */
static int
fk_import_slice_valid(const fk_card_in_t *cards, uint32_t n)
{
    uint32_t  i;

    if (n > FK_IMPORT_SLICE_MAX) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (cards[i].size <= FK_SEAL_SIZE
            || cards[i].size > FK_SEALED_SIZE_MAX)
        {
            return 0;
        }
    }

    return 1;
}


/* Judges the slice before anything changes; returns how many are new. */
static uint32_t
fk_import_sort_out(const fk_t *fk, uint32_t batch, const fk_card_in_t *cards,
    uint32_t n, uint8_t *results)
{
    uint32_t  i, accepted;

    accepted = 0;

    for (i = 0; i < n; i++) {
        results[i] = (uint8_t) fk_import_judge(fk, batch, cards, i);

        if (results[i] == FK_CARD_ACCEPTED) {
            accepted++;
        }
    }

    return accepted;
}


/*
 * A card sealed before the key was changed has another nonce: it is looked
 * for under both.
 */
static fk_card_result_t
fk_import_judge(const fk_t *fk, uint32_t batch, const fk_card_in_t *cards,
    uint32_t at)
{
    uint32_t             i, found, product;
    const fk_card_in_t  *card;

    product = FK_BATCH(fk, batch)->product;
    card = &cards[at];

    found = fk_card_find(fk, product, card->sealed);

    if (found == 0 && card->old_nonce != NULL) {
        found = fk_card_find(fk, product, card->old_nonce);
    }

    if (found != 0) {
        return FK_CARD_BATCH(FK_CARD(fk, found)) == batch ? FK_CARD_DUP_FILE
                                                          : FK_CARD_DUP_STOCK;
    }

    /* Those of this slice are not in the index yet. */
    for (i = 0; i < at; i++) {
        if (memcmp(cards[i].sealed, card->sealed, FK_NONCE_SIZE) == 0) {
            return FK_CARD_DUP_FILE;
        }
    }

    return FK_CARD_ACCEPTED;
}


/* For those accepted only: a slice of duplicates fits into a full table. */
static fk_code_t
fk_import_room(fk_t *fk, const fk_card_in_t *cards, uint32_t n,
    const uint8_t *results)
{
    size_t    record_size;
    uint32_t  i, slots, blocks;

    slots = 0;
    blocks = 0;
    record_size = 0;

    for (i = 0; i < n; i++) {
        if (results[i] != FK_CARD_ACCEPTED) {
            continue;
        }

        slots++;
        record_size += FK_IMAGE_CARD_SIZE(cards[i].size);

        if (cards[i].size > FK_CARD_INLINE_SIZE) {
            blocks += FK_BLOCKS_FOR(cards[i].size - FK_CARD_HEAD_SIZE);
        }
    }

    if (fk_table_room(fk, FK_TABLE_CARDS) < slots
        || fk_table_room(fk, FK_TABLE_BLOCKS) < blocks)
    {
        return FK_TABLE_FULL;
    }

    return fk_record_room(fk, record_size) ? FK_OK : FK_RING_FULL;
}


/*
 * New cards are chained by plain stores, as nobody sees them; the one store
 * that hangs the chain on the batch is noted.
 */
static void
fk_import_stage(fk_t *fk, const fk_env_t *env, uint32_t batch,
    const fk_card_in_t *cards, uint32_t n, const uint8_t *results)
{
    uint32_t         i, index, first, last, accepted;
    fk_card_rec_t   *card;
    fk_batch_rec_t  *b;

    b = FK_BATCH(fk, batch);
    first = 0;
    last = 0;
    accepted = 0;

    fk_record_begin(fk, env);

    for (i = 0; i < n; i++) {
        if (results[i] != FK_CARD_ACCEPTED) {
            continue;
        }

        index = fk_slot_take(fk, FK_TABLE_CARDS);
        card = FK_CARD(fk, index);
        card->next = 0;
        fk_card_write(fk, index, batch, cards[i].sealed, cards[i].size);

        FK_SET(fk, card->owner, FK_OWNER_POOL);
        fk_chain_insert(fk, fk_card_bucket(fk, b->product, card->sealed),
                        &card->hnext, index);
        fk_audit_card(fk, index, 1, 0);
        fk_record_card(fk, index);

        if (last != 0) {
            FK_CARD(fk, last)->next = index;
        } else {
            first = index;
        }

        last = index;
        accepted++;
    }

    if (b->tail != 0) {
        FK_SET(fk, FK_CARD(fk, b->tail)->next, first);
    } else {
        FK_SET(fk, b->head, first);
    }

    FK_SET(fk, b->tail, last);
    FK_SET(fk, b->accepted, b->accepted + accepted);

    (void) fk_record_end(fk);
}


fk_code_t
fk_import_commit(fk_t *fk, const fk_env_t *env, uint32_t handle,
    uint32_t *accepted_count, uint64_t *seq)
{
    uint32_t   batch;
    fk_code_t  code;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    code = fk_batch_find(fk, handle, &batch);

    if (code == FK_OK
        && !fk_record_room(fk, FK_IMAGE_BATCH_SIZE + FK_IMAGE_PRODUCT_SIZE))
    {
        code = FK_RING_FULL;
    }

    if (code == FK_OK) {
        *accepted_count = FK_BATCH(fk, batch)->accepted;

        if (*accepted_count != 0) {
            fk_import_publish(fk, env, batch);

        } else {
            /* Nothing came in: the batch's slot is worth keeping. */
            fk_batch_abort(fk, env, batch);
        }

        *seq = fk->region->ring.seq;
    }

    fk_unlock(fk);
    return code;
}


/* The staged list goes behind the pool: first in, first out. */
static void
fk_import_publish(fk_t *fk, const fk_env_t *env, uint32_t batch)
{
    fk_batch_rec_t    *b;
    fk_product_rec_t  *p;

    b = FK_BATCH(fk, batch);
    p = FK_PRODUCT(fk, b->product);
    assert(b->head != 0 && p->importing == batch);

    if (p->pool_tail != 0) {
        FK_SET(fk, FK_CARD(fk, p->pool_tail)->next, b->head);
    } else {
        FK_SET(fk, p->pool_head, b->head);
    }

    FK_SET(fk, p->pool_tail, b->tail);
    FK_SET(fk, p->imported, p->imported + b->accepted);
    FK_SET(fk, p->available, p->available + b->accepted);
    FK_SET(fk, p->importing, 0);

    FK_SET(fk, b->state, FK_BATCH_LIVE);
    fk_audit_batch(fk, batch);
    FK_SET(fk, b->head, 0);
    FK_SET(fk, b->tail, 0);
    FK_SET(fk, fk->region->loading_count, fk->region->loading_count - 1);

    fk_record_begin(fk, env);
    fk_record_product(fk, b->product);
    fk_record_batch(fk, batch);
    (void) fk_record_end(fk);
    fk_commit(fk);
}


fk_code_t
fk_import_abort(fk_t *fk, const fk_env_t *env, uint32_t handle)
{
    uint32_t   batch;
    fk_code_t  code;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    code = fk_batch_find(fk, handle, &batch);

    if (code == FK_OK && !fk_record_room(fk, FK_IMAGE_BATCH_SIZE)) {
        code = FK_RING_FULL;
    }

    if (code == FK_OK) {
        fk_batch_abort(fk, env, batch);
    }

    fk_unlock(fk);
    return code;
}


uint64_t
fk_import_owner(const fk_t *fk, uint32_t *slot)
{
    uint32_t               i, fresh;
    uint64_t               owner;
    const fk_batch_rec_t  *b;

    if (FK_GET(fk->region->loading_count) == 0) {
        return 0;
    }

    fresh = FK_GET(fk->region->table[FK_TABLE_BATCHES].fresh);

    for (i = *slot + 1; i <= fresh; i++) {
        b = FK_BATCH(fk, i);
        owner = FK_GET(b->owner);

        if (FK_GET(b->state) == FK_BATCH_LOADING && owner != 0) {
            *slot = i;
            return owner;
        }
    }

    return 0;
}


void
fk_import_break(fk_t *fk, uint32_t slot, uint64_t dead_owner)
{
    fk_batch_rec_t  *b;

    if (fk_lock_open(fk) != FK_OK) {
        return;
    }

    /* The slot was found without the lock: it may be another's by now. */
    if (slot != 0 && slot <= fk->region->table[FK_TABLE_BATCHES].fresh
        && dead_owner != 0)
    {
        b = FK_BATCH(fk, slot);

        if (b->state == FK_BATCH_LOADING && b->owner == dead_owner) {
            FK_SET(fk, b->lease_s, 0);
            fk_commit(fk);
            fk->leases_seen_s = 0;
        }
    }

    fk_unlock(fk);
}


void
fk_batch_abort(fk_t *fk, const fk_env_t *env, uint32_t batch)
{
    fk_region_t       *r;
    fk_batch_rec_t    *b;
    fk_product_rec_t  *p;

    r = fk->region;
    b = FK_BATCH(fk, batch);
    p = FK_PRODUCT(fk, b->product);
    assert(b->state == FK_BATCH_LOADING && p->importing == batch);

    FK_SET(fk, b->state, FK_BATCH_ABORTED);
    FK_SET(fk, b->next, r->aborted);
    FK_SET(fk, r->aborted, batch);
    FK_SET(fk, r->loading_count, r->loading_count - 1);

    /*
     * Its cards are still in the index.  An import of the same file would
     * find them there, drop its own as duplicates, and then nobody has them:
     * so the product stays taken until fk_import_reap() is through.
     */
    if (b->head == 0) {
        FK_SET(fk, p->importing, 0);
    }

    fk_record_begin(fk, env);
    fk_record_batch(fk, batch);
    (void) fk_record_end(fk);
    fk_commit(fk);
}


fk_code_t
fk_import_reap(fk_t *fk, const fk_env_t *env, uint32_t *reaped_count)
{
    uint32_t           batch, index, n;
    fk_region_t       *r;
    fk_batch_rec_t    *b;
    fk_product_rec_t  *p;

    if (fk_snapshot_pauses(fk, env)) {
        return FK_OK;
    }

    r = fk->region;
    batch = r->aborted;
    b = FK_BATCH(fk, batch);
    p = FK_PRODUCT(fk, b->product);
    assert(b->state == FK_BATCH_ABORTED);

    if (!fk_record_room(fk, FK_IMAGE_BATCH_SIZE
                        + FK_IMPORT_SLICE_MAX * FK_IMAGE_CARD_FREE_SIZE))
    {
        return FK_RING_FULL;
    }

    fk_record_begin(fk, env);

    for (n = 0; b->head != 0 && n < FK_IMPORT_SLICE_MAX; n++) {
        index = b->head;

        FK_SET(fk, b->head, FK_CARD(fk, index)->next);
        fk_card_discard(fk, index);
        fk_record_card_free(fk, index);
    }

    /* The batch itself goes with its last card. */
    if (b->head == 0) {
        FK_SET(fk, b->tail, 0);
        FK_SET(fk, r->aborted, b->next);
        FK_SET(fk, b->state, FK_BATCH_FREE);

        if (p->importing == batch) {
            FK_SET(fk, p->importing, 0);
        }

        /* From here on the old importer's handle means nothing. */
        FK_SET(fk, b->generation, b->generation + 1);
        fk_record_batch(fk, batch);
        fk_slot_free(fk, FK_TABLE_BATCHES, batch);
    }

    (void) fk_record_end(fk);
    fk_commit(fk);

    *reaped_count += n;
    return FK_OK;
}

/*
 * Tables of fixed slots with free lists, chains of blocks for what varies in
 * size, and the hash indexes over them.
 *
 * Taking and freeing are a few noted stores each, whatever the size, so that
 * a transaction stays small.  Callers ask fk_table_room() first: in here a
 * full table is a broken promise, not an answer.
 */

#include "fk_priv.h"


/* The longest chain of blocks there is: a card of the largest size. */
#define FK_BLOB_BLOCKS_MAX  FK_BLOCKS_FOR(FK_SEALED_SIZE_MAX)


static uint32_t *fk_slot_link(const fk_t *fk, fk_table_id_t id,
    uint32_t index);
static uint32_t fk_blocks_take(fk_t *fk, uint32_t n);


/* Derived from two counts, so that taking a fresh slot is a single store. */
uint32_t
fk_table_used(const fk_t *fk, fk_table_id_t id)
{
    uint32_t           free_count;
    const fk_table_t  *t;

    t = &fk->region->table[id];

    /* In this order: read first, it cannot be above a fresh read later. */
    free_count = __atomic_load_n(&t->free_count, __ATOMIC_ACQUIRE);

    return FK_GET(t->fresh) - free_count;
}


uint32_t
fk_table_room(const fk_t *fk, fk_table_id_t id)
{
    return fk->region->table[id].capacity - fk_table_used(fk, id);
}


uint32_t
fk_slot_take(fk_t *fk, fk_table_id_t id)
{
    uint32_t     index, *link;
    fk_table_t  *t;

    t = &fk->region->table[id];
    index = t->free_head;

    if (index == 0) {
        assert(t->fresh < t->capacity);
        index = t->fresh + 1;
        FK_SET(fk, t->fresh, index);
        return index;
    }

    link = fk_slot_link(fk, id, index);
    FK_SET(fk, t->free_head, *link);
    FK_SET(fk, t->free_count, t->free_count - 1);

    /* The note of the old link lets the caller overwrite the whole slot. */
    FK_SET(fk, *link, 0);

    return index;
}


void
fk_slot_free(fk_t *fk, fk_table_id_t id, uint32_t index)
{
    uint32_t    *link;
    fk_table_t  *t;

    t = &fk->region->table[id];
    assert(index <= t->fresh && t->free_count < t->fresh);

    link = fk_slot_link(fk, id, index);
    FK_SET(fk, *link, t->free_head);
    FK_SET(fk, t->free_head, index);
    FK_SET(fk, t->free_count, t->free_count + 1);
}


static uint32_t *
fk_slot_link(const fk_t *fk, fk_table_id_t id, uint32_t index)
{
    uint8_t  *slot;

    slot = fk_slot(fk, id, index);
    return (uint32_t *) (void *) (slot + fk->region->table[id].link_offset);
}


void
fk_slot_claim(fk_t *fk, fk_table_id_t id, uint32_t index)
{
    fk_table_t  *t;

    t = &fk->region->table[id];
    assert(index != 0 && index <= t->capacity);

    /* A slot passed over must not look used by what its memory was before. */
    while (t->fresh < index) {
        memset(fk_slot(fk, id, t->fresh + 1), 0, t->slot_size);
        t->fresh++;
    }
}


void
fk_table_rebuild(fk_t *fk, fk_table_id_t id,
    int (*is_used)(const fk_t *fk, uint32_t index))
{
    uint32_t     index;
    fk_table_t  *t;

    t = &fk->region->table[id];

    while (t->fresh != 0 && !is_used(fk, t->fresh)) {
        t->fresh--;
    }

    t->free_head = 0;
    t->free_count = 0;

    /* Downwards, so that the low slots are taken first. */
    for (index = t->fresh; index != 0; index--) {
        if (!is_used(fk, index)) {
            *fk_slot_link(fk, id, index) = t->free_head;
            t->free_head = index;
            t->free_count++;
        }
    }
}


/* Returns the first block; the size is not kept here but by the owner. */
uint32_t
fk_blob_make(fk_t *fk, const uint8_t *data, uint32_t size)
{
    uint32_t         first, index, n;
    fk_block_rec_t  *block;

    assert(size != 0 && FK_BLOCKS_FOR(size) <= FK_BLOB_BLOCKS_MAX);

    first = fk_blocks_take(fk, FK_BLOCKS_FOR(size));

    for (index = first; size != 0; index = block->next) {
        block = FK_BLOCK(fk, index);
        n = size < FK_BLOCK_DATA_SIZE ? size : FK_BLOCK_DATA_SIZE;
        memcpy(block->data, data, n);
        data += n;
        size -= n;
    }

    return first;
}


/*
 * A chain of n blocks.  Free blocks are chained already: taking many of them
 * at once costs the stores of taking one.
 */
static uint32_t
fk_blocks_take(fk_t *fk, uint32_t n)
{
    uint32_t         first, index, rest, taken;
    fk_table_t      *t;
    fk_block_rec_t  *last;

    t = &fk->region->table[FK_TABLE_BLOCKS];
    assert(n <= t->free_count + (t->capacity - t->fresh));

    first = t->free_head;
    last = NULL;
    rest = first;

    for (taken = 0; taken < n && rest != 0; taken++) {
        last = FK_BLOCK(fk, rest);
        rest = last->next;
    }

    if (taken != 0) {
        FK_SET(fk, t->free_head, rest);
        FK_SET(fk, t->free_count, t->free_count - taken);
        FK_SET(fk, last->next, 0);
    }

    if (taken == n) {
        return first;
    }

    index = t->fresh + 1;
    FK_SET(fk, t->fresh, t->fresh + (n - taken));

    if (last != NULL) {
        last->next = index;
    } else {
        first = index;
    }

    for (/* void */ ; index <= t->fresh; index++) {
        FK_BLOCK(fk, index)->next = index < t->fresh ? index + 1 : 0;
    }

    return first;
}


/* The chain joins the free list as it is, by its last link. */
void
fk_blob_free(fk_t *fk, uint32_t first)
{
    uint32_t         n;
    fk_table_t      *t;
    fk_block_rec_t  *last;

    t = &fk->region->table[FK_TABLE_BLOCKS];
    last = FK_BLOCK(fk, first);

    for (n = 1; last->next != 0; n++) {
        assert(n < FK_BLOB_BLOCKS_MAX);
        last = FK_BLOCK(fk, last->next);
    }

    assert(t->free_count + n <= t->fresh);

    FK_SET(fk, last->next, t->free_head);
    FK_SET(fk, t->free_head, first);
    FK_SET(fk, t->free_count, t->free_count + n);
}


void
fk_blob_read(const fk_t *fk, uint32_t first, uint8_t *out, uint32_t size)
{
    uint32_t               n;
    const fk_block_rec_t  *block;

    while (size != 0) {
        block = FK_BLOCK(fk, first);
        n = size < FK_BLOCK_DATA_SIZE ? size : FK_BLOCK_DATA_SIZE;
        memcpy(out, block->data, n);
        out += n;
        size -= n;
        first = block->next;
    }
}


/*
 * The hash scaled to the bucket count: no division, no power of two.  The
 * multiplication lets each of its bits count, also where a key that ought to
 * be random is not.
 */
uint32_t *
fk_bucket(const fk_t *fk, fk_index_id_t id, uint64_t hash)
{
    uint32_t           *buckets;
    const fk_index_t   *index;

    index = &fk->region->index[id];
    buckets = (uint32_t *) (void *) (fk->base + index->offset);

    hash = (hash * UINT64_C(0x9e3779b97f4a7c15)) >> 32;

    return &buckets[(hash * index->bucket_count) >> 32];
}


uint64_t
fk_hash_bytes(const void *data, size_t size)
{
    size_t          i;
    uint64_t        hash;
    const uint8_t  *p;

    p = data;
    hash = UINT64_C(0xcbf29ce484222325);

    for (i = 0; i < size; i++) {
        hash ^= p[i];
        hash *= UINT64_C(0x100000001b3);
    }

    /* FNV leaves the high bits the poorest, and they choose the bucket. */
    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 33;
    hash *= UINT64_C(0xc4ceb9fe1a85ec53);
    hash ^= hash >> 33;

    return hash;
}


/* The slot is new and invisible, so its link needs no note. */
void
fk_chain_insert(fk_t *fk, uint32_t *bucket, uint32_t *hnext, uint32_t index)
{
    assert(index != 0 && *bucket != index);

    *hnext = *bucket;
    FK_SET(fk, *bucket, index);
}


/* Bounded by the table: a chain that is longer runs in a circle. */
void
fk_chain_remove(fk_t *fk, uint32_t *bucket, fk_table_id_t table,
    size_t hnext_offset, uint32_t index)
{
    uint8_t   *slot;
    uint32_t  *link, *hnext, steps;

    slot = fk_slot(fk, table, index);
    hnext = (uint32_t *) (void *) (slot + hnext_offset);
    link = bucket;

    for (steps = fk->region->table[table].capacity; *link != index; steps--) {
        assert(steps != 0 && *link != 0);
        slot = fk_slot(fk, table, *link);
        link = (uint32_t *) (void *) (slot + hnext_offset);
    }

    FK_SET(fk, *link, *hnext);
}

/*
 * The region: how its bytes are shared out, how it is formatted and checked,
 * its state, and the counters that all processes share.
 *
 * fk_format() runs once, in the master; everything else in any process.  A
 * region is only ever used by the build that made it or by one of the same
 * layout: fk_attach() compares, and refuses the rest.
 */

#include "fk_priv.h"


#define FK_ALIGN        64
#define FK_ALIGNED(n)   (((n) + FK_ALIGN - 1) / FK_ALIGN * FK_ALIGN)

#define FK_RING_SIZE_MIN     ((uint64_t) 1 << 20)
#define FK_PRODUCTS_MAX      65536
#define FK_COUPONS_MAX       65536
#define FK_ACCOUNTS_MAX      65536
#define FK_WITHDRAWALS_MAX   65535     /* a slot has 16 bits of an id */

_Static_assert(sizeof(fk_region_t) % FK_ALIGN == 0, "areas are aligned");
_Static_assert(FK_RING_SIZE_MIN >= 4 * FK_RECORD_SIZE_MAX,
               "a record never takes most of the ring");


typedef struct {
    const char  *name;
    size_t       plan_offset;          /* of its capacity in fk_plan_t */
    uint32_t     slot_size;
    uint32_t     link_offset;
} fk_table_kind_t;

#define FK_TABLE_KIND(field, type, link)                                     \
    { #field, offsetof(fk_plan_t, field), sizeof(type), offsetof(type, link) }

static const fk_table_kind_t  fk_table_kinds[FK_TABLE_COUNT] = {
    [FK_TABLE_PRODUCTS] = FK_TABLE_KIND(products, fk_product_rec_t, hnext),
    [FK_TABLE_BATCHES] = FK_TABLE_KIND(batches, fk_batch_rec_t, next),
    [FK_TABLE_CARDS] = FK_TABLE_KIND(cards, fk_card_rec_t, hnext),
    [FK_TABLE_ORDERS] = FK_TABLE_KIND(orders, fk_order_rec_t, hnext),
    [FK_TABLE_PAYMENTS] = FK_TABLE_KIND(payments, fk_payment_rec_t, hnext),
    [FK_TABLE_LEVELS] = FK_TABLE_KIND(levels, fk_level_rec_t, next),
    [FK_TABLE_COUPONS] = FK_TABLE_KIND(coupons, fk_coupon_rec_t, hnext),
    [FK_TABLE_TALLIES] = FK_TABLE_KIND(tallies, fk_tally_rec_t, hnext),
    [FK_TABLE_ACCOUNTS] = FK_TABLE_KIND(accounts, fk_account_rec_t, hnext),
    [FK_TABLE_SPLITS] = FK_TABLE_KIND(splits, fk_split_rec_t, next),
    [FK_TABLE_WITHDRAWALS] = FK_TABLE_KIND(withdrawals, fk_withdrawal_rec_t,
                                           next),
    [FK_TABLE_BLOCKS] = FK_TABLE_KIND(blocks, fk_block_rec_t, next),
};

/* Which table's slots an index chains, and how many of them share a bucket. */
typedef struct {
    fk_table_id_t  table;
    uint32_t       slots_a_bucket;
} fk_index_kind_t;

static const fk_index_kind_t  fk_index_kinds[FK_INDEX_COUNT] = {
    [FK_INDEX_PRODUCTS] = { FK_TABLE_PRODUCTS, 1 },
    [FK_INDEX_CARDS] = { FK_TABLE_CARDS, 2 },
    [FK_INDEX_ORDERS] = { FK_TABLE_ORDERS, 1 },
    [FK_INDEX_IDEM] = { FK_TABLE_ORDERS, 1 },
    [FK_INDEX_PAYMENTS] = { FK_TABLE_PAYMENTS, 1 },
    [FK_INDEX_COUPONS] = { FK_TABLE_COUPONS, 1 },
    [FK_INDEX_TALLIES] = { FK_TABLE_TALLIES, 1 },
    [FK_INDEX_ACCOUNTS] = { FK_TABLE_ACCOUNTS, 1 },
};


static uint32_t fk_at_most(uint64_t n, uint32_t max);
static uint32_t fk_plan_of(const fk_plan_t *plan, fk_table_id_t id);
static uint64_t fk_lay_out(fk_region_t *r, const fk_plan_t *plan);
static fk_code_t fk_lock_init(pthread_mutex_t *lock);


#ifdef FK_TEST_CRASH
void (*fk_test_plan)(fk_plan_t *plan);
#endif


fk_code_t
fk_plan(size_t size, fk_plan_t *plan)
{
    uint64_t     used, ring_size;
    fk_region_t  trial;

    if (size < FK_REGION_SIZE_MIN || size > FK_REGION_SIZE_MAX) {
        return FK_INVALID;
    }

    ring_size = FK_RING_SIZE_MIN;

    while (ring_size * 2 <= size / 16) {
        ring_size *= 2;
    }

    /* Plans are compared as bytes, with what lies between the fields. */
    memset(plan, 0, sizeof(*plan));

    plan->products = fk_at_most(size / 65536, FK_PRODUCTS_MAX);
    plan->batches = fk_at_most(size / 16384, FK_BATCHES_MAX);
    plan->cards = (uint32_t) (size / 512);
    plan->orders = (uint32_t) (size / 1024);
    plan->payments = plan->orders + plan->orders / 8;
    plan->rate_sets = (uint32_t) (size / 64
                                  / (FK_RATE_WAYS * sizeof(fk_rate_rec_t)));
    plan->levels = FK_LEVELS_MAX;
    plan->coupons = fk_at_most(size / 65536, FK_COUPONS_MAX);
    plan->tallies = plan->orders / 2;
    plan->accounts = fk_at_most(size / 32768, FK_ACCOUNTS_MAX);

    /* One each: nobody goes without a share for want of room. */
    plan->splits = plan->orders;
    plan->withdrawals = fk_at_most(size / 65536, FK_WITHDRAWALS_MAX);
    plan->pad = 0;
    plan->ring_size = ring_size;

    /* What the others leave; one slot, number 0, is never used. */
    plan->blocks = 0;
    used = fk_lay_out(&trial, plan) + FK_ALIGN;
    assert(used < size);
    plan->blocks = (uint32_t) ((size - used) / sizeof(fk_block_rec_t)) - 1;

#ifdef FK_TEST_CRASH
    if (fk_test_plan != NULL) {
        fk_test_plan(plan);
    }
#endif

    used = fk_lay_out(&trial, plan);
    assert(used <= size);
    (void) used;

    return FK_OK;
}


static uint32_t
fk_at_most(uint64_t n, uint32_t max)
{
    return n < max ? (uint32_t) n : max;
}


static uint32_t
fk_plan_of(const fk_plan_t *plan, fk_table_id_t id)
{
    uint32_t  capacity;

    memcpy(&capacity,
           (const uint8_t *) plan + fk_table_kinds[id].plan_offset,
           sizeof(capacity));
    return capacity;
}


/*
 * Writes where each area begins into r's tables, indexes and ring, and
 * returns the size of it all.
 */
static uint64_t
fk_lay_out(fk_region_t *r, const fk_plan_t *plan)
{
    uint64_t     at;
    unsigned     i;
    uint32_t     slots;
    fk_index_t  *index;
    fk_table_t  *table;

    at = sizeof(fk_region_t);

    /* Indexes first, close to the header: they are met by every request. */
    for (i = 0; i < FK_INDEX_COUNT; i++) {
        index = &r->index[i];
        slots = fk_plan_of(plan, fk_index_kinds[i].table);
        index->offset = at;
        index->bucket_count = slots / fk_index_kinds[i].slots_a_bucket;
        index->pad = 0;
        at = FK_ALIGNED(at + index->bucket_count * sizeof(uint32_t));
    }

    r->wheel_offset = at;
    at = FK_ALIGNED(at + FK_WHEEL_SLOTS * sizeof(uint32_t));

    r->rate_offset = at;
    at = FK_ALIGNED(at + (uint64_t) plan->rate_sets * FK_RATE_WAYS
                         * sizeof(fk_rate_rec_t));
    r->settle_offset = at;
    at = FK_ALIGNED(at + FK_SETTLE_SLOTS * sizeof(uint32_t));

    for (i = 0; i < FK_TABLE_COUNT; i++) {
        table = &r->table[i];
        table->offset = at;
        table->slot_size = fk_table_kinds[i].slot_size;
        table->link_offset = fk_table_kinds[i].link_offset;
        table->capacity = fk_plan_of(plan, (fk_table_id_t) i);
        at = FK_ALIGNED(at + (table->capacity + UINT64_C(1))
                             * table->slot_size);
    }

    r->ring.offset = at;
    r->ring.size = plan->ring_size;

    return at + plan->ring_size;
}


fk_code_t
fk_format(void *mem, size_t size, const uint8_t seed[FK_SEED_SIZE])
{
    fk_t          fk;
    fk_code_t     code;
    fk_plan_t     plan;
    fk_region_t  *r;

    assert((uintptr_t) mem % FK_ALIGN == 0);

    code = fk_plan(size, &plan);
    if (code != FK_OK) {
        return code;
    }

    r = mem;
    memset(r, 0, sizeof(fk_region_t));

    /* What fk_attach() holds a later build of the module against. */
    r->magic = FK_MAGIC;
    r->layout_version = FK_LAYOUT_VERSION;
    r->header_size = sizeof(fk_region_t);
    r->size = size;
    r->state = FK_SHOP_EMPTY;
    r->plan = plan;
    memcpy(r->seed, seed, sizeof(r->seed));
    (void) fk_lay_out(r, &plan);

    code = fk_lock_init(&r->lock);
    if (code != FK_OK) {
        return code;
    }

    memset(&fk, 0, sizeof(fk_t));
    fk.region = r;
    fk.base = mem;
    fk.size = size;
    fk.magic = FK_HANDLE_MAGIC;
    fk_reset(&fk);

    /* A master that died before this store left nothing to attach to. */
    __atomic_store_n(&r->formatted, 1, __ATOMIC_RELEASE);
    return FK_OK;
}


/*
 * Robust, because an owner may die; shared, because workers are processes.
 * Done once: an attach must never initialise a lock that somebody may hold.
 */
static fk_code_t
fk_lock_init(pthread_mutex_t *lock)
{
    int                  rc;
    pthread_mutexattr_t  attr;

    if (pthread_mutexattr_init(&attr) != 0) {
        return FK_FAILED;
    }

    rc = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    if (rc == 0) {
        rc = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    }
    if (rc == 0) {
        rc = pthread_mutex_init(lock, &attr);
    }

    (void) pthread_mutexattr_destroy(&attr);
    return rc == 0 ? FK_OK : FK_FAILED;
}


void
fk_reset(fk_t *fk)
{
    unsigned     i;
    uint64_t     ring_offset, ring_size;
    fk_region_t *r;

    r = fk->region;
    assert(r->state == FK_SHOP_EMPTY || r->state == FK_SHOP_RECOVERING);

    for (i = 0; i < FK_TABLE_COUNT; i++) {
        /* Slots above fresh count as never used: no need to clear them. */
        r->table[i].fresh = 0;
        r->table[i].free_head = 0;
        r->table[i].free_count = 0;
    }

    for (i = 0; i < FK_INDEX_COUNT; i++) {
        memset(fk->base + r->index[i].offset, 0,
               r->index[i].bucket_count * sizeof(uint32_t));
    }

    memset(fk->base + r->wheel_offset, 0, FK_WHEEL_SLOTS * sizeof(uint32_t));
    memset(fk->base + r->settle_offset, 0,
           FK_SETTLE_SLOTS * sizeof(uint32_t));
    memset(r->platform, 0, sizeof(r->platform));
    r->settle_unit = 0;
    r->withdrawal_hand = 0;
    r->tally_hand = 0;
    r->wheel_s = 0;
    r->waiting = 0;
    r->aborted = 0;
    r->loading_count = 0;

    /* While others had the shop, orders may have come back and changed. */
    r->restores++;

    /* Its place is part of the layout; all the rest begins anew. */
    ring_offset = r->ring.offset;
    ring_size = r->ring.size;
    memset(&r->ring, 0, sizeof(fk_ring_t));
    r->ring.offset = ring_offset;
    r->ring.size = ring_size;

    memset(&r->load, 0, sizeof(fk_load_rec_t));
    memset(&r->snapshot, 0, sizeof(fk_snapshot_rec_t));
    memset(&r->audit, 0, sizeof(fk_audit_rec_t));
    fk_commit(fk);
}


fk_code_t
fk_attach(fk_t *fk, void *mem, size_t size, const char **why)
{
    fk_plan_t     plan;
    fk_region_t  *r;

    assert((uintptr_t) mem % FK_ALIGN == 0);

    r = mem;
    *why = NULL;

    memset(fk, 0, sizeof(fk_t));
    fk->region = r;
    fk->base = mem;
    fk->size = size;

    if (size < sizeof(fk_region_t) || fk_plan(size, &plan) != FK_OK) {
        *why = "its size is out of bounds";

    } else if (r->magic != FK_MAGIC) {
        *why = "it is not a region of this engine";

    } else if (r->layout_version != FK_LAYOUT_VERSION) {
        *why = "its layout has another version";

    } else if (__atomic_load_n(&r->formatted, __ATOMIC_ACQUIRE) != 1) {
        *why = "its formatting was not finished";

    } else if (r->size != size) {
        *why = "it was formatted with another size";

    } else if (r->header_size != sizeof(fk_region_t)) {
        *why = "its header has another size";

    } else if (memcmp(&r->plan, &plan, sizeof(plan)) != 0) {
        *why = "its capacities differ";

    } else if (!fk_layout_good(fk)) {
        /* The same capacities by chance do not make the same records. */
        *why = "its records have another layout";
    }

    if (*why != NULL) {
        return FK_INCOMPATIBLE;
    }

    fk->magic = FK_HANDLE_MAGIC;

    return FK_OK;
}


void
fk_introduce(fk_t *fk, uint64_t owner)
{
    fk->owner = owner;
}


int
fk_layout_good(const fk_t *fk)
{
    unsigned            i;
    fk_code_t           rc;
    fk_plan_t           plan;
    fk_region_t         good;
    const fk_region_t  *r;

    r = fk->region;

    /* The handle's own size, which fk_attach() has judged. */
    rc = fk_plan(fk->size, &plan);
    assert(rc == FK_OK);
    (void) rc;

    if (memcmp(&r->plan, &plan, sizeof(plan)) != 0) {
        return 0;
    }

    (void) fk_lay_out(&good, &plan);

    for (i = 0; i < FK_TABLE_COUNT; i++) {
        if (r->table[i].offset != good.table[i].offset
            || r->table[i].slot_size != good.table[i].slot_size
            || r->table[i].link_offset != good.table[i].link_offset
            || r->table[i].capacity != good.table[i].capacity)
        {
            return 0;
        }
    }

    return memcmp(r->index, good.index, sizeof(good.index)) == 0
           && r->wheel_offset == good.wheel_offset
           && r->rate_offset == good.rate_offset
           && r->settle_offset == good.settle_offset
           && r->ring.offset == good.ring.offset
           && r->ring.size == good.ring.size;
}


fk_shop_state_t
fk_shop_state(const fk_t *fk)
{
    return (fk_shop_state_t) __atomic_load_n(&fk->region->state,
                                             __ATOMIC_ACQUIRE);
}


/*
 * Needs no lock, because it is called when the lock itself is in doubt.  The
 * first reason stays; its first byte is stored last, so nobody reads half.
 */
void
fk_fail(fk_t *fk, const char *why)
{
    size_t        i;
    uint32_t      state;
    fk_region_t  *r;

    assert(why[0] != '\0');

    r = fk->region;
    state = __atomic_exchange_n(&r->state, FK_SHOP_FAILED, __ATOMIC_ACQ_REL);

    if (state == FK_SHOP_FAILED) {
        return;
    }

    for (i = 1; i < sizeof(r->fail_reason) - 1 && why[i] != '\0'; i++) {
        __atomic_store_n(&r->fail_reason[i], why[i], __ATOMIC_RELAXED);
    }

    __atomic_store_n(&r->fail_reason[0], why[0], __ATOMIC_RELEASE);
}


const char *
fk_fail_reason(const fk_t *fk, char *buf, size_t size)
{
    size_t              i;
    const fk_region_t  *r;

    assert(size != 0);

    r = fk->region;
    i = 0;

    if (__atomic_load_n(&r->fail_reason[0], __ATOMIC_ACQUIRE) != '\0') {
        for (/* void */ ; i < size - 1 && i < sizeof(r->fail_reason); i++) {
            buf[i] = FK_GET(r->fail_reason[i]);
            if (buf[i] == '\0') {
                break;
            }
        }
    }

    buf[i] = '\0';
    return buf;
}


void
fk_usage(fk_t *fk, fk_usage_t out[FK_USAGE_COUNT])
{
    unsigned  i;

    for (i = 0; i < FK_TABLE_COUNT; i++) {
        out[i].table = fk_table_kinds[i].name;
        out[i].used = fk_table_used(fk, (fk_table_id_t) i);
        out[i].capacity = fk->region->table[i].capacity;
    }
}


void
fk_stat_add(fk_t *fk, unsigned stat, uint64_t n)
{
    assert(stat < FK_STAT_COUNT);
    (void) __atomic_fetch_add(&fk->region->stat[stat], n, __ATOMIC_RELAXED);
}


void
fk_stat_set(fk_t *fk, unsigned stat, uint64_t n)
{
    assert(stat < FK_STAT_COUNT);
    __atomic_store_n(&fk->region->stat[stat], n, __ATOMIC_RELAXED);
}


int
fk_duty_take(fk_t *fk, fk_duty_t duty, int64_t now_ms, int64_t every_ms)
{
    int64_t   last_ms;
    int64_t  *at_ms;

    assert((unsigned) duty < FK_DUTY_COUNT);

    at_ms = &fk->region->duty_ms[duty];
    last_ms = FK_GET(*at_ms);

    /* A time ahead of now is of a clock that is gone. */
    return (last_ms == 0 || now_ms >= last_ms + every_ms || now_ms < last_ms)
           && __atomic_compare_exchange_n(at_ms, &last_ms, now_ms, 0,
                                          __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED);
}


uint64_t
fk_stat_get(const fk_t *fk, unsigned stat)
{
    assert(stat < FK_STAT_COUNT);
    return FK_GET(fk->region->stat[stat]);
}

/*
 * The snapshot's walk: the tables slot by slot, as parts, while the shop goes
 * on selling.
 *
 * A part is a record of the journal's container: a head, images, a checksum.
 * Its version says that it is a part, its number is its place, and behind the
 * image of each entity but a card stands the number of the last record that
 * touched it (u64).  The first image of the first part is the snapshot's
 * head, the last of the last part its foot.  In between: products, batches,
 * cards, levels, coupons, tallies, accounts, orders, and behind each order its
 * payments, its split and its start; and withdrawals.
 *
 * What is referred to comes first, and nothing is freed during the walk: so
 * an image that names what is not in front of it was changed after the begin,
 * and the journal has it again.  fk_load.c relies on that.
 *
 * One step holds the lock for a bounded amount of work, whatever the tables
 * hold: slots, images and links have a price, and a step has a purse.  The
 * images go straight into the caller's buffer; the checksum waits until the
 * lock is free.
 *
 * The walk ends at the slots that had been used when it began: what comes
 * behind them is the journal's.  Else a shop that sells as fast as the walk
 * goes would never have a snapshot.
 */

#include "fk_walk.h"


/* What one step may spend; see fk_walk.h for the prices. */
#define FK_PURSE             6400

/* Kept free for the foot and the filling up to FK_RECORD_ALIGN. */
#define FK_PART_KEPT_SIZE    (FK_IMAGE_SNAPSHOT_END_SIZE + FK_RECORD_ALIGN)

_Static_assert(FK_WALK_ORDER_SIZE + FK_IMAGE_SNAPSHOT_SIZE
               + FK_RECORD_HEAD_SIZE + FK_PART_KEPT_SIZE
               <= FK_SNAPSHOT_PART_SIZE_MAX, "an order fits into a part");
_Static_assert(FK_SNAPSHOT_PART_SIZE_MAX <= FK_RECORD_SIZE_MAX,
               "a part is a record");


static uint32_t fk_snapshot_purse(void);
static fk_code_t fk_snapshot_lock(fk_t *fk);
static uint32_t fk_snapshot_walk(const fk_t *fk, fk_part_t *part,
    uint32_t *cursor);
static void fk_snapshot_book(fk_t *fk, const fk_part_t *part, uint32_t phase,
    uint32_t cursor, size_t size);
static void fk_snapshot_renew(fk_t *fk, const fk_env_t *env, int64_t now_ms);
static void fk_snapshot_fill(const fk_t *fk, fk_snapshot_t *out);
static void fk_part_head(const fk_t *fk, const fk_env_t *env,
    fk_part_t *part);
static void fk_part_foot(const fk_t *fk, fk_part_t *part);
static void fk_part_seal(const fk_env_t *env, uint8_t *buf, size_t size,
    uint64_t number, uint32_t images);


#ifdef FK_TEST_CRASH
uint32_t  fk_test_purse;
#endif


fk_code_t
fk_snapshot_begin(fk_t *fk, const fk_env_t *env, uint64_t owner,
    int64_t now_ms, fk_snapshot_t *out)
{
    uint32_t            i;
    fk_code_t           rc;
    fk_snapshot_rec_t  *s;

    assert(owner != 0);

    rc = fk_snapshot_lock(fk);
    if (rc != FK_OK) {
        return rc;
    }

    s = &fk->region->snapshot;

    if (s->owner != 0 && s->owner != owner && now_ms < s->lease_until_ms) {
        fk_unlock(fk);
        return FK_CONFLICT;
    }

    FK_SET(fk, s->owner, owner);
    FK_SET(fk, s->begin_seq, fk->region->ring.seq);
    FK_SET(fk, s->end_seq, 0);
    FK_SET(fk, s->parts_count, 0);
    FK_SET(fk, s->bytes, 0);
    FK_SET(fk, s->phase, FK_SNAPSHOT_PRODUCTS);
    FK_SET(fk, s->cursor, 0);

    for (i = 0; i < FK_SNAPSHOT_DONE; i++) {
        FK_SET(fk, s->last[i], fk->region->table[fk_walks[i].table].fresh);
    }

    for (i = 0; i < FK_COUNT_COUNT; i++) {
        FK_SET(fk, s->count[i], 0);
    }

    fk_snapshot_renew(fk, env, now_ms);
    fk_commit(fk);

    fk_snapshot_fill(fk, out);
    fk_unlock(fk);

    return FK_OK;
}


fk_code_t
fk_snapshot_step(fk_t *fk, const fk_env_t *env, uint64_t owner,
    int64_t now_ms, uint8_t *buf, size_t buf_size, size_t *size,
    fk_snapshot_t *out)
{
    uint32_t            phase, cursor;
    fk_code_t           rc;
    fk_part_t           part;
    fk_snapshot_rec_t  *s;

    assert(owner != 0 && buf_size >= FK_SNAPSHOT_PART_SIZE_MAX);

    *size = 0;

    rc = fk_snapshot_lock(fk);
    if (rc != FK_OK) {
        return rc;
    }

    s = &fk->region->snapshot;

    if (s->owner != owner) {
        fk_unlock(fk);
        return FK_CONFLICT;
    }

    phase = s->phase;
    memset(&part, 0, sizeof(part));

    if (phase != FK_SNAPSHOT_DONE) {
        part.at = buf + FK_RECORD_HEAD_SIZE;
        part.end = buf + FK_SNAPSHOT_PART_SIZE_MAX - FK_PART_KEPT_SIZE;

        if (s->parts_count == 0) {
            fk_part_head(fk, env, &part);
        }

        phase = fk_snapshot_walk(fk, &part, &cursor);

        if (phase == FK_SNAPSHOT_DONE) {
            fk_part_foot(fk, &part);
        }

        if (part.images != 0) {
            *size = ((size_t) (part.at - buf) + FK_RECORD_ALIGN - 1)
                    & ~(size_t) (FK_RECORD_ALIGN - 1);
        }

        fk_snapshot_book(fk, &part, phase, cursor, *size);
    }

    fk_snapshot_renew(fk, env, now_ms);
    fk_commit(fk);

    fk_snapshot_fill(fk, out);
    fk_unlock(fk);

    if (*size != 0) {
        memset(part.at, 0, (size_t) (buf + *size - part.at));
        fk_part_seal(env, buf, *size, out->parts_count, part.images);
    }

    return phase == FK_SNAPSHOT_DONE ? FK_OK : FK_AGAIN;
}


void
fk_snapshot_end(fk_t *fk, uint64_t owner)
{
    fk_snapshot_rec_t  *s;

    /* Without the lock the lease runs out, which says the same, later. */
    if (fk_lock(fk) != FK_OK) {
        return;
    }

    s = &fk->region->snapshot;

    if (owner != 0 && s->owner == owner) {
        FK_SET(fk, s->owner, 0);
        fk_commit(fk);
    }

    fk_unlock(fk);
}


uint64_t
fk_snapshot_owner(const fk_t *fk)
{
    return FK_GET(fk->region->snapshot.owner);
}


void
fk_snapshot_break(fk_t *fk, uint64_t dead_owner)
{
    fk_snapshot_end(fk, dead_owner);
}


int
fk_snapshot_walks(const fk_t *fk, const fk_env_t *env)
{
    int64_t                   until_ms;
    const fk_snapshot_rec_t  *s;

    s = &fk->region->snapshot;

    if (FK_GET(s->owner) == 0 || FK_GET(s->phase) == FK_SNAPSHOT_DONE) {
        return 0;
    }

    /* A lease from the future was taken before the clock was set back. */
    until_ms = FK_GET(s->fresh_until_ms);

    if (env->now_ms >= until_ms
        || env->now_ms < until_ms - FK_SNAPSHOT_LEASE_MS)
    {
        return 0;
    }

    FK_REACHED(PAUSE);
    return 1;
}


int
fk_snapshot_pauses(fk_t *fk, const fk_env_t *env)
{
    fk_snapshot_rec_t  *s;

    if (fk_snapshot_walks(fk, env)) {
        return 1;
    }

    s = &fk->region->snapshot;

    /* Its owner is late, and must not go on over what will be freed now. */
    if (s->owner != 0 && s->phase != FK_SNAPSHOT_DONE) {
        FK_SET(fk, s->owner, 0);
        fk_commit(fk);
    }

    return 0;
}


fk_table_id_t
fk_snapshot_table(uint32_t phase)
{
    assert(phase < FK_SNAPSHOT_DONE);
    return fk_walks[phase].table;
}


/* The lock, in the two states whose tables are whole. */

static fk_code_t
fk_snapshot_lock(fk_t *fk)
{
    fk_code_t        rc;
    fk_shop_state_t  state;

    rc = fk_lock(fk);
    if (rc != FK_OK) {
        return rc;
    }

    state = fk_shop_state(fk);

    if (state != FK_SHOP_OPEN && state != FK_SHOP_HEALING) {
        fk_unlock(fk);
        return fk_state_code(state);
    }

    return FK_OK;
}


/* Goes on until the purse or the part is used up; returns the next phase. */

static uint32_t
fk_snapshot_walk(const fk_t *fk, fk_part_t *part, uint32_t *cursor)
{
    uint32_t                  phase, purse;
    const fk_walk_t          *walk;
    const fk_snapshot_rec_t  *s;

    s = &fk->region->snapshot;
    purse = fk_snapshot_purse();
    phase = s->phase;
    assert(phase <= FK_SNAPSHOT_DONE);
    *cursor = s->cursor;

    while (phase != FK_SNAPSHOT_DONE && part->spent < purse) {
        walk = &fk_walks[phase];

        if (*cursor == s->last[phase]) {
            phase++;
            *cursor = 0;
            continue;
        }

        if ((size_t) (part->end - part->at) < walk->size_max) {
            break;
        }

        (*cursor)++;
        part->spent += FK_PRICE_SLOT;
        walk->write(fk, part, *cursor);
    }

    return phase;
}


static uint32_t
fk_snapshot_purse(void)
{
#ifdef FK_TEST_CRASH
    if (fk_test_purse != 0) {
        return fk_test_purse;
    }
#endif

    return FK_PURSE;
}


static void
fk_snapshot_book(fk_t *fk, const fk_part_t *part, uint32_t phase,
    uint32_t cursor, size_t size)
{
    uint32_t            i;
    fk_snapshot_rec_t  *s;

    s = &fk->region->snapshot;

    FK_SET(fk, s->phase, phase);
    FK_SET(fk, s->cursor, cursor);

    if (size != 0) {
        FK_SET(fk, s->parts_count, s->parts_count + 1);
        FK_SET(fk, s->bytes, s->bytes + size);
    }

    for (i = 0; i < FK_COUNT_COUNT; i++) {
        if (part->count[i] != 0) {
            FK_SET(fk, s->count[i], s->count[i] + part->count[i]);
        }
    }

    if (phase == FK_SNAPSHOT_DONE) {
        FK_SET(fk, s->end_seq, fk->region->ring.seq);
    }
}


static void
fk_snapshot_renew(fk_t *fk, const fk_env_t *env, int64_t now_ms)
{
    fk_snapshot_rec_t  *s;

    s = &fk->region->snapshot;
    FK_SET(fk, s->lease_until_ms, now_ms + FK_SNAPSHOT_LEASE_MS);
    FK_SET(fk, s->fresh_until_ms, env->now_ms + FK_SNAPSHOT_LEASE_MS);
}


static void
fk_snapshot_fill(const fk_t *fk, fk_snapshot_t *out)
{
    uint32_t                  i;
    const fk_snapshot_rec_t  *s;

    s = &fk->region->snapshot;

    out->epoch = fk->region->ring.epoch;
    out->begin_seq = s->begin_seq;
    out->end_seq = s->end_seq;
    out->parts_count = s->parts_count;
    out->bytes = s->bytes;
    out->entities_count = 0;

    for (i = 0; i < FK_COUNT_COUNT; i++) {
        out->entities_count += s->count[i];
    }
}


static void
fk_part_head(const fk_t *fk, const fk_env_t *env, fk_part_t *part)
{
    fk_image_snapshot_t  image;

    image.format = FK_SNAPSHOT_FORMAT;
    image.epoch = fk->region->ring.epoch;
    image.begin_seq = fk->region->snapshot.begin_seq;
    image.time_ms = env->now_ms;
    fk_part_add(part, FK_IMAGE_SNAPSHOT, &image);
}


static void
fk_part_foot(const fk_t *fk, fk_part_t *part)
{
    uint32_t                 i;
    fk_image_snapshot_end_t  image;

    image.end_seq = fk->region->ring.seq;

    for (i = 0; i < FK_COUNT_COUNT; i++) {
        image.count[i] = fk->region->snapshot.count[i] + part->count[i];
    }

    fk_part_add(part, FK_IMAGE_SNAPSHOT_END, &image);
}


static void
fk_part_seal(const fk_env_t *env, uint8_t *buf, size_t size, uint64_t number,
    uint32_t images)
{
    fk_record_head_t  head;

    assert(images <= UINT16_MAX);

    head.size = (uint32_t) size;
    head.crc = 0;
    head.seq = number;
    head.time_ms = env->now_ms;
    head.version = FK_RECORD_VERSION_PART;
    head.count = (uint16_t) images;
    head.reserved = 0;

    fk_record_head_put(buf, &head);
    fk_put(buf + 4, fk_crc32c(0, buf + 8, size - 8), 4);
}

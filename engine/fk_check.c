/*
 * The proof that a region is whole: every counter is recomputed, every link
 * followed, under the lock.
 *
 * Nothing is taken for granted: a slot number is held against its table
 * before it is followed, and every walk is bounded by what may be found at
 * most, so damage of any kind ends in a sentence.  There is no memory to mark
 * what was seen; instead each element says which list it belongs to and the
 * lists are counted: an element that is missing in one and double in another
 * cannot have the right number everywhere.  Blocks are summed up by hash.
 *
 * The sums are kept in the fields of the audit: an audit under way ends.
 */

#include "fk_check.h"
#include "fk_journal.h"


#define FK_MARK_DURABLE  1u
#define FK_MARK_SENT     2u
#define FK_MARKS_ALL     (FK_MARK_DURABLE | FK_MARK_SENT)


static fk_code_t fk_check_layout(fk_check_t *ck);
static fk_code_t fk_check_tables(fk_check_t *ck);
static fk_code_t fk_check_table(fk_check_t *ck, fk_table_id_t id);
static int fk_check_walk(const fk_t *fk);
static fk_code_t fk_check_reset(fk_check_t *ck);
static fk_code_t fk_check_wheel(fk_check_t *ck);
static fk_code_t fk_check_lists(fk_check_t *ck);
static fk_code_t fk_check_counts(fk_check_t *ck);
static int fk_check_blocks(fk_check_t *ck);
static fk_code_t fk_check_ring(fk_check_t *ck);
static int fk_check_tail(const fk_t *fk);
static unsigned fk_check_marks(const fk_ring_t *ring, uint64_t pos,
    uint64_t seq);

const char *const  fk_check_table_name[FK_TABLE_COUNT] = {
    [FK_TABLE_PRODUCTS] = "product",
    [FK_TABLE_BATCHES] = "batch",
    [FK_TABLE_CARDS] = "card",
    [FK_TABLE_ORDERS] = "order",
    [FK_TABLE_PAYMENTS] = "payment",
    [FK_TABLE_LEVELS] = "level",
    [FK_TABLE_COUPONS] = "coupon",
    [FK_TABLE_TALLIES] = "tally",
    [FK_TABLE_ACCOUNTS] = "account",
    [FK_TABLE_SPLITS] = "split",
    [FK_TABLE_WITHDRAWALS] = "withdrawal",
    [FK_TABLE_BLOCKS] = "block"
};


/* The order matters: a step may rely on what the ones before it have seen. */

const fk_check_step_t  fk_check_steps[FK_CHECK_STEPS] = {
    { "layout", fk_check_layout },
    { "ring", fk_check_ring },
    { "tables", fk_check_tables },
    { "reset", fk_check_reset },
    { "cards", fk_check_cards },
    { "accounts", fk_check_accounts },
    { "orders", fk_check_orders },
    { "payments", fk_check_payments },
    { "batches", fk_check_batches },
    { "products", fk_check_products },
    { "terms", fk_check_terms },
    { "ledger", fk_check_ledger },
    { "counts", fk_check_counts },
    { "indexes", fk_check_indexes },
    { "wheel", fk_check_wheel },
    { "settle", fk_check_settle },
    { "lists", fk_check_lists }
};


fk_code_t
fk_check(fk_t *fk, char *why, size_t why_size)
{
    fk_code_t  rc;
    fk_text_t  text;

    rc = fk_lock(fk);
    if (rc != FK_OK) {
        fk_text_init(&text, why, why_size);
        fk_text_add(&text, fk_code_info[rc].text);
        return rc;
    }

    rc = fk_check_locked(fk, why, why_size);
    fk_unlock(fk);

    return rc;
}


fk_code_t
fk_check_locked(fk_t *fk, char *why, size_t why_size)
{
    size_t      n;
    fk_code_t   rc;
    fk_check_t  ck;

    memset(&ck, 0, sizeof(ck));
    ck.fk = fk;
    fk_text_init(&ck.why, why, why_size);

    for (n = 0; n < FK_CHECK_STEPS; n++) {
        rc = fk_check_steps[n].run(&ck);
        if (rc != FK_OK) {
            return rc;
        }
    }

    return FK_OK;
}


fk_code_t
fk_check_bad(fk_check_t *ck, const char *what, uint64_t i,
    const char *problem)
{
    fk_text_add(&ck->why, what);
    fk_text_add(&ck->why, " ");
    fk_text_num(&ck->why, (int64_t) i);
    fk_text_add(&ck->why, ": ");
    fk_text_add(&ck->why, problem);

    return FK_CORRUPT;
}


int
fk_check_blob(fk_check_t *ck, uint32_t first, uint32_t size)
{
    uint32_t  n, i;

    /* By the size, which its owner keeps: the chain itself may be a ring. */
    i = first;

    for (n = FK_BLOCKS_FOR(size); n > 0; n--) {
        if (i == 0 || i > ck->fk->region->table[FK_TABLE_BLOCKS].fresh) {
            return 0;
        }

        ck->blocks_count++;
        ck->blocks_sum += fk_check_mix(i);
        i = FK_BLOCK(ck->fk, i)->next;
    }

    return i == 0;
}


int
fk_check_text(const char *text, size_t size)
{
    size_t  i;

    i = strnlen(text, size);

    if (i == 0 || i == size) {
        return 0;
    }

    for ( /* void */ ; i < size; i++) {
        if (text[i] != '\0') {
            return 0;
        }
    }

    return 1;
}


/* The places of tables and indexes, before anything is read there. */

static fk_code_t
fk_check_layout(fk_check_t *ck)
{
    if (!fk_layout_good(ck->fk)) {
        return fk_check_bad(ck, "region", ck->fk->size, "its layout is "
                            "damaged");
    }

    return FK_OK;
}


static fk_code_t
fk_check_tables(fk_check_t *ck)
{
    fk_code_t      rc;
    fk_table_id_t  id;

    for (id = 0; id < FK_TABLE_COUNT; id++) {
        rc = fk_check_table(ck, id);
        if (rc != FK_OK) {
            return rc;
        }
    }

    if (!fk_check_walk(ck->fk)) {
        return fk_check_bad(ck, "snapshot", ck->fk->region->snapshot.cursor,
                            "its walk is in no such place");
    }

    return FK_OK;
}


/* Each phase of a snapshot walks a table: where it goes on must be a slot. */

static int
fk_check_walk(const fk_t *fk)
{
    const fk_snapshot_rec_t  *s;

    s = &fk->region->snapshot;

    return s->owner == 0 || s->phase == FK_SNAPSHOT_DONE
           || (s->phase < FK_SNAPSHOT_DONE
               && s->cursor
                  <= fk->region->table[fk_snapshot_table(s->phase)].fresh);
}


/*
 * The free list has free_count slots, none of them in use.  That all others
 * are in use is seen by fk_check_counts(), when they have been met.
 */

static fk_code_t
fk_check_table(fk_check_t *ck, fk_table_id_t id)
{
    uint8_t           *slot;
    uint32_t           i, n;
    const char        *name;
    const fk_table_t  *t;

    t = &ck->fk->region->table[id];
    name = fk_check_table_name[id];

    if (t->fresh > t->capacity || t->free_count > t->fresh) {
        return fk_check_bad(ck, name, t->fresh, "the table's head is damaged");
    }

    i = t->free_head;

    for (n = 0; n < t->free_count; n++) {
        if (i == 0 || i > t->fresh
            || (id != FK_TABLE_BLOCKS && fk_check_used(ck->fk, id, i)))
        {
            return fk_check_bad(ck, name, i, "does not belong on the free "
                                "list");
        }

        slot = fk_slot(ck->fk, id, i);
        memcpy(&i, slot + t->link_offset, sizeof(i));
    }

    if (i != 0) {
        return fk_check_bad(ck, name, i, "is on the free list beyond its end");
    }

    return FK_OK;
}


/* Every card and order adds to sums that begin here. */

static fk_code_t
fk_check_reset(fk_check_t *ck)
{
    uint32_t         i;
    fk_region_t     *r;
    fk_batch_rec_t  *b;

    r = ck->fk->region;
    r->audit.owner = 0;

    for (i = 1; i <= r->table[FK_TABLE_PRODUCTS].fresh; i++) {
        fk_audit_reset_product(ck->fk, i);
    }

    for (i = 1; i <= r->table[FK_TABLE_BATCHES].fresh; i++) {
        b = FK_BATCH(ck->fk, i);
        b->audit_available = 0;
        b->audit_taken = 0;
    }

    fk_check_reset_terms(ck);

    return FK_OK;
}


static fk_code_t
fk_check_wheel(fk_check_t *ck)
{
    uint32_t         n, i, prev, count;
    fk_order_rec_t  *o;

    count = 0;

    for (n = 0; n < FK_WHEEL_SLOTS; n++) {
        prev = 0;

        for (i = *fk_wheel_slot(ck->fk, n); i != 0; i = o->next) {
            if (!fk_check_used(ck->fk, FK_TABLE_ORDERS, i)) {
                return fk_check_bad(ck, "order", i, "is in the wheel and not "
                                    "there");
            }

            o = FK_ORDER(ck->fk, i);

            /* In another slot it would expire at another time, or never. */
            if (o->queued != FK_QUEUED_WHEEL || o->prev != prev
                || o->expires_s % FK_WHEEL_SLOTS != n
                || ++count > ck->wheel_count)
            {
                return fk_check_bad(ck, "order", i, "is in a wrong place of "
                                    "the wheel");
            }

            prev = i;
        }
    }

    if (count != ck->wheel_count) {
        return fk_check_bad(ck, "order", ck->wheel_count - count, "are "
                            "missing in the wheel");
    }

    return FK_OK;
}


/* The short lists in the header, and what all others must add up to. */

static fk_code_t
fk_check_lists(fk_check_t *ck)
{
    uint32_t      i, n;
    fk_region_t  *r;

    r = ck->fk->region;

    n = 0;
    for (i = r->waiting; i != 0; i = FK_PRODUCT(ck->fk, i)->next_waiting) {
        if (!fk_check_used(ck->fk, FK_TABLE_PRODUCTS, i)
            || FK_PRODUCT(ck->fk, i)->wait_head == 0
            || ++n > ck->waiting_count)
        {
            return fk_check_bad(ck, "product", i, "has nobody waiting");
        }
    }

    if (n != ck->waiting_count) {
        return fk_check_bad(ck, "product", n, "have orders that nobody will "
                            "serve");
    }

    n = 0;
    for (i = r->aborted; i != 0; i = FK_BATCH(ck->fk, i)->next) {
        if (!fk_check_used(ck->fk, FK_TABLE_BATCHES, i)
            || FK_BATCH(ck->fk, i)->state != FK_BATCH_ABORTED
            || ++n > ck->aborted_count)
        {
            return fk_check_bad(ck, "batch", i, "is not aborted");
        }
    }

    if (n != ck->aborted_count || r->loading_count != ck->loading_count) {
        return fk_check_bad(ck, "batch", n, "batches are not counted right");
    }

    if (!fk_check_blocks(ck)) {
        return fk_check_bad(ck, "block", ck->blocks_count, "blocks are in "
                            "use, but not those that are not free");
    }

    return FK_OK;
}


/*
 * An element of a list says whose it is, so in the right lists it cannot have
 * been met twice: then none is missing if their number is right.
 */

static fk_code_t
fk_check_counts(fk_check_t *ck)
{
    fk_table_id_t  id;

    for (id = 0; id < FK_TABLE_BLOCKS; id++) {
        if (ck->used_count[id] != fk_table_used(ck->fk, id)) {
            return fk_check_bad(ck, fk_check_table_name[id],
                                ck->used_count[id], "slots are neither free "
                                "nor in use");
        }
    }

    if (ck->payments_listed != ck->used_count[FK_TABLE_PAYMENTS]) {
        return fk_check_bad(ck, "payment", ck->payments_listed, "are known "
                            "to orders, the table has another number");
    }

    return FK_OK;
}


/*
 * Blocks do not know whose they are.  But a sum of hashes over all that are
 * in chains, and all that are free, says whether each was met once.
 */

static int
fk_check_blocks(fk_check_t *ck)
{
    uint32_t           i, n;
    uint64_t           sum;
    const fk_table_t  *t;

    t = &ck->fk->region->table[FK_TABLE_BLOCKS];
    sum = ck->blocks_sum;

    i = t->free_head;
    for (n = 0; n < t->free_count; n++) {
        sum += fk_check_mix(i);
        i = FK_BLOCK(ck->fk, i)->next;
    }

    for (i = 1; i <= t->fresh; i++) {
        sum -= fk_check_mix(i);
    }

    return sum == 0 && ck->blocks_count == t->fresh - t->free_count;
}


static fk_code_t
fk_check_ring(fk_check_t *ck)
{
    unsigned          marks;
    uint64_t          pos, seq, size, to_end;
    const fk_ring_t  *ring;

    ring = &ck->fk->region->ring;

    if (ring->tail % FK_RECORD_ALIGN != 0
        || ring->head - ring->tail > ring->size
        || ring->durable_pos - ring->tail > ring->head - ring->tail
        || ring->sent_pos - ring->durable_pos
           > ring->head - ring->durable_pos
        || ring->durable_seq > ring->sent_seq || ring->sent_seq > ring->seq
        || (ring->head | ring->tail | ring->durable_pos | ring->sent_pos)
           % FK_RECORD_ALIGN != 0)
    {
        return fk_check_bad(ck, "ring", ring->head, "positions are out of "
                            "order");
    }

    if (!fk_check_tail(ck->fk)) {
        return fk_check_bad(ck, "ring", ring->tail, "no record begins at its "
                            "tail");
    }

    /* Also what is durable already: a lost tail is sent again from here. */
    seq = fk_ring_first_seq(ck->fk);
    marks = fk_check_marks(ring, ring->tail, seq);
    pos = ring->tail;

    while (pos != ring->head) {
        size = fk_get(fk_ring_at(ck->fk, pos), 4);
        to_end = ring->size - (pos & (ring->size - 1));

        if (size == FK_RING_FILLER) {
            size = to_end;

        } else if (size < FK_RECORD_HEAD_SIZE || size > to_end
                   || size % FK_RECORD_ALIGN != 0
                   || fk_get(fk_ring_at(ck->fk, pos) + 8, 8) != seq
                   || fk_get(fk_ring_at(ck->fk, pos) + 4, 4)
                      != fk_crc32c(0, fk_ring_at(ck->fk, pos) + 8, size - 8))
        {
            return fk_check_bad(ck, "ring", seq, "the record is damaged");

        } else {
            seq++;
        }

        if (size > ring->head - pos) {
            return fk_check_bad(ck, "ring", seq, "the record has no end");
        }

        pos += size;
        marks |= fk_check_marks(ring, pos, seq);
    }

    if (marks != FK_MARKS_ALL) {
        return fk_check_bad(ck, "ring", marks, "a mark is not at its record");
    }

    if (seq != ring->seq + 1) {
        return fk_check_bad(ck, "ring", seq, "records are missing");
    }

    return FK_OK;
}


/* Whether the first record can be looked at: fk_ring_record() takes it for
 * granted, and dies where it is not so. */

static int
fk_check_tail(const fk_t *fk)
{
    uint64_t          to_end;
    const fk_ring_t  *ring;

    ring = &fk->region->ring;
    to_end = ring->size - (ring->tail & (ring->size - 1));

    if (ring->tail == ring->head) {
        return 1;
    }

    return fk_get(fk_ring_at(fk, ring->tail), 4) == FK_RING_FILLER
           ? to_end <= ring->head - ring->tail
           : to_end >= FK_RECORD_HEAD_SIZE;
}


/* Which of the marks stand here, before the record seq. */

static unsigned
fk_check_marks(const fk_ring_t *ring, uint64_t pos, uint64_t seq)
{
    unsigned  marks;

    marks = 0;

    if (ring->durable_pos == pos && ring->durable_seq + 1 == seq) {
        marks |= FK_MARK_DURABLE;
    }

    if (ring->sent_pos == pos && ring->sent_seq + 1 == seq) {
        marks |= FK_MARK_SENT;
    }

    return marks;
}


int
fk_batch_used(const fk_t *fk, uint32_t i)
{
    return fk_check_used(fk, FK_TABLE_BATCHES, i);
}


int
fk_card_used(const fk_t *fk, uint32_t i)
{
    return fk_check_used(fk, FK_TABLE_CARDS, i);
}

/*
 * What the files of engine/ share with each other: the transaction, the
 * tables, the record writer.  Private to engine/; unit tests may include it.
 *
 * Every store of a transaction to a word that others may see goes through
 * FK_SET, which first notes where and what it overwrites.  A slot taken from
 * a free list may be filled with plain stores (nobody can see it yet), except
 * for its free-list link.  fk_commit() is one release store; a process that
 * dies before it is rolled back by the next one that takes the lock.
 */

#ifndef FK_PRIV_H_INCLUDED_
#define FK_PRIV_H_INCLUDED_


#include <assert.h>
#include <string.h>

#include "fk_region.h"


#ifdef FK_TEST_CRASH
/* Test builds: called before each store; it may leave and never return. */
extern void (*fk_test_store)(void);
/* A smaller purse for a snapshot's step (1: one slot); 0: as always. */
extern uint32_t  fk_test_purse;

/* Test builds: makes a region's capacities smaller, so that it gets full. */
extern void (*fk_test_plan)(fk_plan_t *plan);

/* Test builds: how often a branch ran that only chance leads to. */
enum {
    FK_REACHED_STEAL = 0,              /* a card with two orders, in a load */
    FK_REACHED_MISSING,                /* a load names what is not there */
    FK_REACHED_STRAY,                  /* a card back, its batch is gone */
    FK_REACHED_PAUSE,                  /* not freed: a snapshot is made */
    FK_REACHED_COUNT
};

extern uint32_t  fk_test_reached[FK_REACHED_COUNT];

#define FK_REACHED(what)                                                     \
    ((void) __atomic_fetch_add(&fk_test_reached[FK_REACHED_##what], 1,       \
                               __ATOMIC_RELAXED))

#else

#define FK_REACHED(what)  ((void) 0)

#endif


static inline void
fk_store(fk_t *fk, void *p, size_t width, uint64_t value)
{
    uint32_t      used;
    uint64_t      old;
    fk_region_t  *r;

    r = fk->region;
    used = r->undo_used;
    assert(used < FK_UNDO_MAX);

#ifdef FK_TEST_CRASH
    if (fk_test_store != NULL) {
        fk_test_store();
    }
#endif

    switch (width) {
    case 1:
        old = *(uint8_t *) p;
        break;
    case 2:
        old = *(uint16_t *) p;
        break;
    case 4:
        old = *(uint32_t *) p;
        break;
    default:
        assert(width == 8);
        old = *(uint64_t *) p;
    }

    r->undo[used].where = ((uint64_t) ((uint8_t *) p - fk->base) << 4) | width;
    r->undo[used].old = old;

    /* The note must be there before the store that it undoes. */
    __atomic_store_n(&r->undo_used, used + 1, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);

#ifdef FK_TEST_CRASH
    if (fk_test_store != NULL) {
        fk_test_store();
    }
#endif

    /* Release: whoever follows a link without the lock sees a filled slot. */
    switch (width) {
    case 1:
        __atomic_store_n((uint8_t *) p, (uint8_t) value, __ATOMIC_RELEASE);
        break;
    case 2:
        __atomic_store_n((uint16_t *) p, (uint16_t) value, __ATOMIC_RELEASE);
        break;
    case 4:
        __atomic_store_n((uint32_t *) p, (uint32_t) value, __ATOMIC_RELEASE);
        break;
    default:
        __atomic_store_n((uint64_t *) p, value, __ATOMIC_RELEASE);
    }
}


#define FK_SET(fk, field, value)                                             \
    fk_store(fk, &(field), sizeof(field), (uint64_t) (value))

/* For fields that other processes write while this one reads unlocked. */
#define FK_GET(field)  __atomic_load_n(&(field), __ATOMIC_RELAXED)


/* The engine's seconds; a clock outside of 1970 .. 2106 stops at the edge. */
static inline uint32_t
fk_now_s(const fk_env_t *env)
{
    int64_t  now_s;

    now_s = env->now_ms / 1000;
    return now_s < 0 ? 0
           : now_s > UINT32_MAX - FK_HOLD_S_MAX ? UINT32_MAX - FK_HOLD_S_MAX
           : (uint32_t) now_s;
}


/* --- fk_region.c ------------------------------------------------------ */

/*
 * Empties tables, indexes, wheel, ring and audit, by plain stores: under the
 * lock, in a region that nobody else reads (EMPTY or RECOVERING).  A death in
 * the middle needs no rollback: whoever recovers next empties it again.
 */
void fk_reset(fk_t *fk);

/* Whether the header says of every area what fk_plan() of its size says. */
int fk_layout_good(const fk_t *fk);

/* --- fk_lock.c -------------------------------------------------------- */

/*
 * Takes the lock; rolls back what a dead owner left.  FK_OK, or
 * FK_LOCK_TIMEOUT, or FK_FAILED (too many recoveries).  Does not look at the
 * shop's state.
 */
fk_code_t fk_lock(fk_t *fk);
void fk_unlock(fk_t *fk);

/* fk_lock, and FK_OK only if the shop is open; else unlocked again. */
fk_code_t fk_lock_open(fk_t *fk);

/* Commit: all FK_SETs since the last one stand.  Rollback: none of them. */
void fk_commit(fk_t *fk);
void fk_rollback(fk_t *fk);


/* --- fk_table.c ------------------------------------------------------- */

static inline void *
fk_slot(const fk_t *fk, fk_table_id_t id, uint32_t index)
{
    const fk_table_t  *t;

    t = &fk->region->table[id];
    assert(index != 0 && index <= t->capacity);
    return fk->base + t->offset + (uint64_t) index * t->slot_size;
}

#define FK_PRODUCT(fk, i)                                                    \
    ((fk_product_rec_t *) fk_slot(fk, FK_TABLE_PRODUCTS, i))
#define FK_BATCH(fk, i)                                                      \
    ((fk_batch_rec_t *) fk_slot(fk, FK_TABLE_BATCHES, i))
#define FK_CARD(fk, i)     ((fk_card_rec_t *) fk_slot(fk, FK_TABLE_CARDS, i))
#define FK_ORDER(fk, i)    ((fk_order_rec_t *) fk_slot(fk, FK_TABLE_ORDERS, i))
#define FK_PAYMENT(fk, i)                                                    \
    ((fk_payment_rec_t *) fk_slot(fk, FK_TABLE_PAYMENTS, i))
#define FK_LEVEL(fk, i)                                                      \
    ((fk_level_rec_t *) fk_slot(fk, FK_TABLE_LEVELS, i))
#define FK_COUPON_AT(fk, i)                                                  \
    ((fk_coupon_rec_t *) fk_slot(fk, FK_TABLE_COUPONS, i))
#define FK_TALLY(fk, i)                                                      \
    ((fk_tally_rec_t *) fk_slot(fk, FK_TABLE_TALLIES, i))
#define FK_ACCOUNT(fk, i)                                                    \
    ((fk_account_rec_t *) fk_slot(fk, FK_TABLE_ACCOUNTS, i))
/* ANY: also one that is not used, or may be damaged, as for fk_check(). */
#define FK_SPLIT_ANY(fk, i)                                                  \
    ((fk_split_rec_t *) fk_slot(fk, FK_TABLE_SPLITS, i))
#define FK_SPLIT(fk, i)    fk_split_bounded(FK_SPLIT_ANY(fk, i))
#define FK_WITHDRAWAL(fk, i)                                                 \
    ((fk_withdrawal_rec_t *) fk_slot(fk, FK_TABLE_WITHDRAWALS, i))
#define FK_BLOCK(fk, i)    ((fk_block_rec_t *) fk_slot(fk, FK_TABLE_BLOCKS, i))

/* Its counts are followed in many places, so they are looked at in one. */
static inline fk_split_rec_t *
fk_split_bounded(fk_split_rec_t *s)
{
    assert(s->line_count <= FK_SPLIT_LINES_MAX
           && s->part_count <= FK_PARTS_MAX);
    return s;
}

#define FK_CARD_BATCH(c)   ((c)->batch_size >> 12)
#define FK_CARD_SEALED(c)  ((c)->batch_size & 0xfffu)

/* Slots in use and slots left; both may be asked without the lock. */
uint32_t fk_table_used(const fk_t *fk, fk_table_id_t id);
uint32_t fk_table_room(const fk_t *fk, fk_table_id_t id);

/*
 * Takes a slot, which the caller has made sure is there; never 0.  Its
 * free-list link is noted already, so the whole slot may be filled with plain
 * stores, except for the mark that says it is in use (used, owner, state).
 *
 * A transaction may free slots of a table or take some, not both: what was
 * taken would overwrite what a rollback must find again.
 */
uint32_t fk_slot_take(fk_t *fk, fk_table_id_t id);
void fk_slot_free(fk_t *fk, fk_table_id_t id, uint32_t index);

/*
 * Recovery only, plain stores.  Claim makes exactly this slot one that has
 * been used, and clears the slots that it passes over; whatever order slots
 * come in, fk_table_rebuild then makes the free list from their used marks.
 */
void fk_slot_claim(fk_t *fk, fk_table_id_t id, uint32_t index);
void fk_table_rebuild(fk_t *fk, fk_table_id_t id,
    int (*is_used)(const fk_t *fk, uint32_t index));

/* Chains of blocks. */
#define FK_BLOCKS_FOR(size)                                                  \
    (((uint32_t) (size) + FK_BLOCK_DATA_SIZE - 1) / FK_BLOCK_DATA_SIZE)

uint32_t fk_blob_make(fk_t *fk, const uint8_t *data, uint32_t size);
void fk_blob_free(fk_t *fk, uint32_t first);
void fk_blob_read(const fk_t *fk, uint32_t first, uint8_t *out,
    uint32_t size);

/* Indexes.  Hashes are 64 bits; the caller compares the keys. */
uint32_t *fk_bucket(const fk_t *fk, fk_index_id_t id, uint64_t hash);
uint64_t fk_hash_bytes(const void *data, size_t size);     /* FNV-1a, mixed */

/* Of what buyers choose, or can compute (fk_hash.c). */
uint64_t fk_hash_secret(const fk_t *fk, const void *data, size_t size);

/* A random id, or a digest with a secret key, is its own hash. */
static inline uint64_t
fk_hash_random(const uint8_t *bytes)
{
    uint64_t  hash;

    memcpy(&hash, bytes, sizeof(hash));
    return hash;
}

/* Insert at the chain's head; remove follows the chain. */
void fk_chain_insert(fk_t *fk, uint32_t *bucket, uint32_t *hnext,
    uint32_t index);
void fk_chain_remove(fk_t *fk, uint32_t *bucket, fk_table_id_t table,
    size_t hnext_offset, uint32_t index);


/* --- fk_state.c ------------------------------------------------------- */

/*
 * The one transition table.  stock_left: the units can be had now (it decides
 * between allocated and short).  FK_OK with the next axes, or FK_CONFLICT.
 */
fk_code_t fk_next_state(const fk_axes_t *now, fk_event_t event,
    int stock_left, fk_axes_t *next);
fk_status_t fk_status_of(const fk_axes_t *axes);


/* --- fk_product.c ----------------------------------------------------- */

uint32_t fk_product_find(const fk_t *fk, fk_str_t sku);    /* 0: none */
void fk_product_fill(const fk_t *fk, const fk_env_t *env, uint32_t index,
    fk_product_view_t *out);
int64_t fk_product_sellable(const fk_product_rec_t *p);
int fk_product_open(const fk_product_rec_t *p, int64_t now_ms);
uint32_t *fk_product_bucket(const fk_t *fk, const char *sku, size_t size);


/* --- fk_card.c: pools and the cards of an order ----------------------- */

/*
 * The first qty cards of the pool become the order's; they must be there.
 * Returns the first, for the caller to store as the order's first_card.
 */
uint32_t fk_cards_take(fk_t *fk, uint32_t order);
/* The order's cards go back to the pool's head; the caller clears
 * first_card. */
void fk_cards_return(fk_t *fk, uint32_t order);
/* The bytes of a card, FK_CARD_SEALED() of them. */
void fk_card_read(const fk_t *fk, const fk_card_rec_t *card, uint8_t *out);
/* Puts sealed bytes into a free card slot (plain stores, blocks taken). */
void fk_card_write(fk_t *fk, uint32_t card, uint32_t batch,
    const uint8_t *sealed, uint32_t size);
/*
 * Takes the card out of index, audit and table: a staged one, or one of an
 * order.  What lists it is left to the caller.
 */
void fk_card_discard(fk_t *fk, uint32_t card);
uint32_t *fk_card_bucket(const fk_t *fk, uint32_t product,
    const uint8_t *nonce);
uint32_t fk_card_find(const fk_t *fk, uint32_t product, const uint8_t *nonce);


/* --- fk_import.c: called under the lock ------------------------------- */

/* A slot for a batch, empty but for its product; the room must be there. */
uint32_t fk_batch_take(fk_t *fk);
/* LOADING becomes ABORTED, one transaction; the caller has seen to the room
 * for FK_IMAGE_BATCH_SIZE. */
void fk_batch_abort(fk_t *fk, const fk_env_t *env, uint32_t batch);
/*
 * Takes apart a slice of the first aborted batch, one transaction of its own.
 * FK_OK; *reaped_count grows by the cards freed, by none while a snapshot is
 * made.  FK_RING_FULL: nothing done.
 */
fk_code_t fk_import_reap(fk_t *fk, const fk_env_t *env,
    uint32_t *reaped_count);


/* --- fk_order.c ------------------------------------------------------- */

uint32_t *fk_order_bucket(const fk_t *fk, const uint8_t *id);
uint32_t *fk_idem_bucket(const fk_t *fk, const uint8_t *idem);
uint32_t fk_order_find(const fk_t *fk, const uint8_t *id);
uint32_t fk_idem_find(const fk_t *fk, const uint8_t *idem);
void fk_order_fill(const fk_t *fk, uint32_t order, fk_order_view_t *out);
/* Whether its units could be had now, after those that wait already. */
int fk_order_stock_left(const fk_t *fk, const fk_order_rec_t *o);

/*
 * What stands on an order besides its facts, in blocks: how its amount came
 * about (one block, or none where each step is the amount), and why a person
 * should look.  A maker fills plain stores and blocks that were asked for; the
 * caller makes them count.
 */
#define FK_STEPS_KEPT       ((uint32_t) FK_STEP_COUPON)   /* less the last */
#define FK_STEPS_SIZE       (FK_STEPS_KEPT * (uint32_t) sizeof(int64_t))

_Static_assert(FK_BLOCKS_FOR(FK_STEPS_SIZE) == 1, "the steps are one block");

/* Blocks that steps and a reason take. */
uint32_t fk_note_blocks(const int64_t *step, size_t reason_size);
/* The block of these steps, or 0 if they take none. */
uint32_t fk_note_steps(fk_t *fk, const int64_t *step);
/* Whether they are possible. */
int fk_steps_good(const int64_t *step);
void fk_steps_read(const fk_t *fk, const fk_order_rec_t *o,
    int64_t step[FK_STEP_COUNT]);

static inline fk_axes_t
fk_order_axes(const fk_order_rec_t *o)
{
    fk_axes_t  axes;

    memcpy(&axes, &o->axis_payment, sizeof(axes));
    return axes;
}

/*
 * Moves an order to new axes and books what follows from it: product
 * counters, cards, the wheel, the waiting list, the audit.  The only writer
 * of the axes outside recovery.
 */
void fk_order_move(fk_t *fk, uint32_t order, const fk_axes_t *next);

/* The same as a transaction of its own; the caller has seen to the room. */
void fk_order_change(fk_t *fk, const fk_env_t *env, uint32_t order,
    const fk_axes_t *next);

/* What an order adds to its product's counters. */
typedef struct {
    int64_t  held;
    int64_t  sold;
    int64_t  owed;
    int64_t  revoked;
} fk_units_t;

fk_units_t fk_order_units(uint32_t qty, uint8_t axis_stock);


/* --- fk_archive.c, fk_restore.c --------------------------------------- */

/* What an order adds to its product's sums when it is archived. */
typedef struct {
    int64_t     units;
    int64_t     orders;
    int64_t     amount;                /* kept: less what was given back */
    int64_t     applied;
    fk_share_t  returned;              /* see fk_share_returned */
} fk_archived_t;

/* Whether an order in this state has nothing more to come. */
int fk_archive_final(const fk_axes_t *axes);

/* The same of the order as a whole: no payment of it is to be decided. */
int fk_archive_finished(const fk_t *fk, const fk_order_rec_t *o);

/* The sums and the counters follow; sign: 1 archived, -1 restored. */
void fk_archive_book(fk_t *fk, uint32_t order, fk_archived_t sum, int sign);

/*
 * n cards of the batch were archived (or, below 0, restored): one image.
 * With the last one the batch is freed.
 */
void fk_archive_count(fk_t *fk, uint32_t batch, int64_t n);


/* --- fk_wheel.c: the expiry wheel and the waiting lists --------------- */

/*
 * An order stands in the slot of its expires_s, and nowhere else; inserting
 * one that is older than wheel_s moves wheel_s back to it.
 */

void fk_wheel_insert(fk_t *fk, uint32_t order);
void fk_wheel_remove(fk_t *fk, uint32_t order);
void fk_wait_append(fk_t *fk, uint32_t order);
void fk_wait_remove(fk_t *fk, uint32_t order);
uint32_t *fk_wheel_slot(const fk_t *fk, uint32_t at_s);


/* --- fk_pay.c --------------------------------------------------------- */

uint64_t fk_trade_hash(const char channel[FK_CHANNEL_SIZE_MAX + 1],
    const uint8_t *trade_no, size_t size);
/* Of an order, in these states (bits): how many, and how much together. */
#define FK_APPLIED_BIT  (1u << FK_PAYMENT_STATE_APPLIED)
#define FK_OWED_BITS    (1u << FK_PAYMENT_STATE_REFUND_DUE                   \
                         | 1u << FK_PAYMENT_STATE_ASKED)
uint32_t fk_payments_count(const fk_t *fk, const fk_order_rec_t *o,
    unsigned states);
int64_t fk_payments_amount(const fk_t *fk, const fk_order_rec_t *o,
    unsigned states);
/* Of those that paid it before a REVOKE, whatever became of them. */
int64_t fk_payments_revoked(const fk_t *fk, const fk_order_rec_t *o);
/* What of this payment went back in parts, after a REVOKE (fk_refund.c). */
int64_t fk_payment_parts(const fk_t *fk, const fk_payment_rec_t *p);
void fk_payment_fill(const fk_t *fk, uint32_t payment,
    fk_payment_view_t *out);
/* The payment of this trade number on this channel, or 0. */
uint32_t fk_trade_find(const fk_t *fk,
    const char channel[FK_CHANNEL_SIZE_MAX + 1], uint64_t hash,
    const uint8_t *trade_no, size_t size);


/* --- fk_account.c ----------------------------------------------------- */

uint32_t *fk_account_bucket(const fk_t *fk, const char *id, size_t size);
uint32_t fk_account_find(const fk_t *fk, fk_str_t id);     /* 0: none */
/* 0: none. */
uint32_t fk_platform_of(const fk_t *fk, const char *currency);
void fk_account_fill(const fk_t *fk, uint32_t account,
    fk_account_view_t *out);
/* 1..FK_ACCOUNT_SIZE_MAX of A-Z a-z 0-9 _ - */
int fk_account_id_good(const uint8_t *id, size_t size);
/* The agent that may bring buyers to a product of this currency, or 0. */
uint32_t fk_agent_for(const fk_t *fk, fk_str_t id, const char *currency);
/* A merchant of this currency, or 0, which is none. */
int fk_merchant_good(const fk_t *fk, uint32_t account, const char *currency);
/* A merchant has no rates of its own: it gets what the others leave. */
int fk_rates_good(const uint16_t *rate_bp, uint8_t kind);
/* What it has available; below 0: a debt. */
int64_t fk_account_available(const fk_account_rec_t *a);
/* A note, or a ref: no control characters. */
int fk_note_good(fk_str_t note);

/*
 * Adds to what an account has, and to the sums of an audit that has passed
 * slot in its phase already.
 */
void fk_balance_add(fk_t *fk, uint32_t account, uint32_t phase, uint32_t slot,
    const fk_balance_t *delta);


/* --- fk_split.c ------------------------------------------------------- */

#define FK_LINE(split, n)   ((split) * FK_LINE_SLOTS + (n))
#define FK_LINE_SPLIT(ref)  ((ref) / FK_LINE_SLOTS)
#define FK_LINE_PLACE(ref)  ((ref) % FK_LINE_SLOTS)

fk_line_rec_t *fk_line_of(const fk_t *fk, uint32_t ref);

/* The bytes of a part: amount and time (little-endian), ref. */
#define FK_PART_HEAD_SIZE   12
#define FK_PART_SIZE_MAX    (FK_PART_HEAD_SIZE + FK_REF_SIZE_MAX)

/* A split that may be made: what there is to judge of it was judged. */
typedef struct {
    uint32_t  count;                   /* 0: there is nothing to make */
    uint32_t  settle_s;
    uint32_t  payer;                   /* by fk_deal.c alone; 0: a gateway */
    uint32_t  account[FK_SPLIT_LINES_MAX];
    int64_t   amount[FK_SPLIT_LINES_MAX];
} fk_split_plan_t;

/* FK_INVALID: it cannot be.  FK_TABLE_FULL.  in: NULL is none. */
fk_code_t fk_split_plan(const fk_t *fk, uint32_t order, const fk_split_t *in,
    int64_t paid, fk_split_plan_t *plan);
uint32_t fk_split_make(fk_t *fk, const fk_env_t *env, uint32_t order,
    const fk_split_plan_t *plan, int64_t paid);

/* Whether a line to this account may leave so much: a merchant's leaves
 * nothing, so it is the last one. */
int fk_line_fits(const fk_t *fk, uint32_t account, int64_t left);
/* What of a line was taken back when so much of paid was given back. */
int64_t fk_line_clawed(int64_t amount, int64_t returned, int64_t paid);
/* What is left of it: nothing, unless the order is paid. */
int64_t fk_line_net(const fk_split_rec_t *s, uint32_t n,
    uint8_t axis_payment);

/* Whether a part of this order's money may be given back (fk_ledger.c): it is
 * paid, and will not be refunded as a whole any more. */
int fk_part_allowed(const fk_order_rec_t *o);

/* The bytes of a part as it is shown (fk_ledger.c). */
void fk_part_show(const uint8_t *part, uint32_t size, fk_part_view_t *out);

/* All that it adds to balances and audit; sign: 1 or -1. */
void fk_split_count(fk_t *fk, uint32_t split, int sign);

/* Each line into its account's list; and out of it. */
void fk_split_link(fk_t *fk, uint32_t split);
/* Into the settle wheel; as fk_wheel_insert. */
void fk_settle_insert(fk_t *fk, uint32_t split);
uint32_t *fk_settle_slot(const fk_t *fk, uint32_t unit);

/* Its order goes to the archive: the accounts keep the sums, one image each.
 * Room: fk_split_archive_room, FK_LINE_SLOTS * FK_IMAGE_ACCOUNT_SIZE. */
int fk_split_archive_room(const fk_t *fk, uint32_t split);
void fk_split_archive(fk_t *fk, uint32_t split);
/* The slot and the blocks, of a split that nothing leads to any more. */
void fk_split_free(fk_t *fk, uint32_t split);
/* Whether its order may be archived. */
int fk_split_finished(const fk_t *fk, const fk_order_rec_t *o);

/* Something due may be there; and one step of it, under the lock. */
int fk_settle_due(const fk_t *fk, const fk_env_t *env);
fk_code_t fk_settle_step(fk_t *fk, const fk_env_t *env,
    uint32_t *settled_count);


/* --- fk_withdrawal.c -------------------------------------------------- */

/* What one adds to its account's balance and to the audit. */
void fk_withdrawal_count(fk_t *fk, uint32_t withdrawal, int sign);
void fk_withdrawal_link(fk_t *fk, uint32_t withdrawal);
uint64_t fk_withdrawal_id(uint32_t slot, uint64_t serial);


/* --- fk_record.c: the journal's records ------------------------------- */

/*
 * A transaction that changes durable state writes one record:
 *
 *     if (!fk_record_room(fk, size_max)) return FK_RING_FULL;    first
 *     ... FK_SETs ...
 *     fk_record_begin(fk, env);
 *     fk_record_order(fk, order); ...                         after-images
 *     seq = fk_record_end(fk);                 sets ring.seq and ring.head
 *     fk_commit(fk);
 *
 * fk_record_end() also stores the record's number as the seq of every entity
 * whose image it holds (by FK_SET), so images are taken after all changes.
 */
#define FK_RECORD_HEAD_SIZE     32
#define FK_IMAGE_PRODUCT_SIZE   384    /* the most one image can take */
#define FK_IMAGE_BATCH_SIZE     96
#define FK_IMAGE_CARD_SIZE(n)   (24 + (size_t) (n))
#define FK_IMAGE_CARD_FREE_SIZE 16
#define FK_IMAGE_ORDER_SIZE(qty)                                             \
    (256 + FK_CONTACT_SIZE_MAX + FK_SKU_SIZE_MAX + FK_REASON_SIZE_MAX        \
     + 4 * (size_t) (qty))
#define FK_IMAGE_PAYMENT_SIZE   (96 + FK_TRADE_NO_SIZE_MAX)
#define FK_IMAGE_START_SIZE     (24 + FK_START_SIZE_MAX)
#define FK_IMAGE_ORDER_GONE_SIZE      24
#define FK_IMAGE_BATCH_ARCHIVED_SIZE  16
#define FK_IMAGE_SNAPSHOT_SIZE        40
#define FK_IMAGE_LEVEL_SIZE     56
#define FK_IMAGE_COUPON_SIZE                                                 \
    (128 + FK_COUPON_CODE_SIZE_MAX                                           \
     + FK_COUPON_PRODUCTS_MAX * (FK_SKU_SIZE_MAX + 1))
#define FK_IMAGE_TALLY_SIZE     64
#define FK_IMAGE_SNAPSHOT_END_SIZE    112
#define FK_IMAGE_ACCOUNT_SIZE         144
#define FK_IMAGE_SPLIT_SIZE                                                  \
    (84 + 12 * FK_SPLIT_LINES_MAX + FK_PARTS_MAX * (1 + FK_PART_SIZE_MAX))
#define FK_IMAGE_WITHDRAWAL_SIZE      (48 + FK_REF_SIZE_MAX)
#define FK_RECORD_SIZE_MAX      ((size_t) 256 << 10)

/*
 * Whether the ring has room for a record with images of size bytes together
 * (the record's head is added here).  It may forget durable records for it.
 */
int fk_record_room(fk_t *fk, size_t size);
void fk_record_begin(fk_t *fk, const fk_env_t *env);
void fk_record_product(fk_t *fk, uint32_t product);
void fk_record_batch(fk_t *fk, uint32_t batch);
void fk_record_card(fk_t *fk, uint32_t card);
void fk_record_card_free(fk_t *fk, uint32_t card);
void fk_record_order(fk_t *fk, uint32_t order);
void fk_record_payment(fk_t *fk, uint32_t payment);
void fk_record_start(fk_t *fk, uint32_t order);
void fk_record_order_gone(fk_t *fk, uint32_t order);
void fk_record_level(fk_t *fk, uint32_t level);
void fk_record_coupon(fk_t *fk, uint32_t coupon);
void fk_record_tally(fk_t *fk, uint32_t tally);
void fk_record_batch_archived(fk_t *fk, uint32_t batch);
void fk_record_account(fk_t *fk, uint32_t account);
void fk_record_split(fk_t *fk, uint32_t split);
void fk_record_withdrawal(fk_t *fk, uint32_t withdrawal);
uint64_t fk_record_end(fk_t *fk);


/* --- fk_snapshot.c ---------------------------------------------------- */

/*
 * Whether a snapshot's walk is under way, so that nothing may be freed.
 * Without the lock it is a hint.  Under the lock, and before the first store
 * of a transaction, fk_snapshot_pauses() says so for sure: a walk that is late
 * ends with that question.
 */
int fk_snapshot_walks(const fk_t *fk, const fk_env_t *env);
int fk_snapshot_pauses(fk_t *fk, const fk_env_t *env);

/* Which table a phase of the walk goes through. */
fk_table_id_t fk_snapshot_table(uint32_t phase);


/* --- fk_crc32c.c ------------------------------------------------------ */

/* What fk_crc32c() falls back to. */
uint32_t fk_crc32c_table(uint32_t crc, const void *data, size_t size);


#include "fk_audit.h"


#endif /* FK_PRIV_H_INCLUDED_ */

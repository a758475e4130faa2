/*
 * The region's layout: everything that lives in shared memory, and nothing
 * else.  It is an ABI between processes of one build: each struct has its
 * size asserted, links are 32-bit slot numbers (0: none), and a change here
 * means a new FK_LAYOUT_VERSION.
 *
 *     header | buckets | wheels | rates | tables | journal ring
 *
 * Durable and derived.  The journal carries products, batches, cards, orders,
 * payments, levels, coupons, tallies, accounts, splits and withdrawals.
 * Buckets, free lists, pools, waiting lists, the wheels and the counters
 * marked "derived" are rebuilt after the journal was applied.
 *
 * Slot numbers of cards, batches, levels, coupons, tallies, accounts and
 * withdrawals are their stable ids in the journal; products are known by SKU,
 * orders by their id, payments by order and trade number, splits by their
 * order.
 */

#ifndef FK_REGION_H_INCLUDED_
#define FK_REGION_H_INCLUDED_


#include <pthread.h>

#include "fk.h"


#define FK_MAGIC           UINT64_C(0x31474552414b4146)      /* "FAKAREG1" */
#define FK_HANDLE_MAGIC    0x464b484cu
#define FK_LAYOUT_VERSION  12

#define FK_BLOCK_DATA_SIZE   36
#define FK_CARD_INLINE_SIZE  60
#define FK_CARD_HEAD_SIZE    56        /* inline part of a card with blocks */
#define FK_WHEEL_SLOTS       131072    /* seconds; more than FK_HOLD_S_MAX */
#define FK_UNDO_MAX          4096      /* an order of 100 cards leaves */
#define FK_BATCHES_MAX       ((1u << 20) - 1)

#define FK_SETTLE_SLOTS      32768     /* units; more than FK_SETTLE_S_MAX */
#define FK_PLATFORMS_MAX     8         /* one a currency */

/* fk_card_rec_t.owner */
#define FK_OWNER_FREE        0u
#define FK_OWNER_POOL        0xffffffffu   /* staged, or for sale */


typedef struct {
    char      sku[FK_SKU_SIZE_MAX + 1];
    char      name[FK_NAME_SIZE_MAX + 1];

    /* 192: read without the lock by fk_product_peek */
    int64_t   price;
    int64_t   available;               /* derived */
    int64_t   owed;                    /* derived: units of waiting orders */
    uint32_t  sale_from_s;
    uint32_t  sale_to_s;
    uint32_t  hnext;
    uint16_t  qty_max;
    uint8_t   kind;
    uint8_t   on_sale;
    uint8_t   used;
    uint8_t   pad0[7];
    char      currency[FK_CURRENCY_SIZE];
    uint32_t  pad1;
    uint64_t  seq;

    /* 256 */
    int64_t   imported;
    int64_t   voided;
    int64_t   held;                    /* derived */
    int64_t   sold;                    /* derived */
    int64_t   orders_count;            /* derived */
    uint32_t  pool_head;               /* derived: cards for sale, FIFO */
    uint32_t  pool_tail;               /* derived; shared: the current key */
    uint32_t  wait_head;               /* derived: orders waiting, FIFO */
    uint32_t  wait_tail;               /* derived */
    uint32_t  importing;               /* derived: batch staged or reaped */
    uint32_t  created_s;
    uint32_t  updated_s;
    uint32_t  next_waiting;            /* derived: products with waiters */

    /* 328: sums of the audit that is under way */
    int64_t   audit_held;
    int64_t   audit_sold;
    int64_t   audit_owed;
    int64_t   audit_orders;
    int64_t   audit_available;
    int64_t   audit_taken;

    /* 376: what left the region with finished orders */
    int64_t   archived_units;
    int64_t   archived_orders;
    int64_t   archived_amount;         /* their payments that were kept */

    /* 400 */
    int64_t   tier_price[FK_TIERS_MAX];
    uint16_t  tier_min_qty[FK_TIERS_MAX];
    uint16_t  buyer_limit;
    uint8_t   tier_count;
    uint8_t   pad2;
    uint32_t  merchant;                /* an account; 0: none */

    /* 488: units of revoked orders, which are part of voided */
    int64_t   revoked;                 /* derived: of those in the region */
    int64_t   audit_revoked;
    uint8_t   reserved[8];
} fk_product_rec_t;

_Static_assert(offsetof(fk_product_rec_t, price) == 192, "layout");
_Static_assert(offsetof(fk_product_rec_t, imported) == 256, "layout");
_Static_assert(sizeof(fk_product_rec_t) == 512, "layout");


/* What a tally is of; the order of an order's tallies. */
typedef enum {
    FK_TALLY_BUYER = 0,
    FK_TALLY_QUOTA,                    /* the buyer's of the product */
    FK_TALLY_COUPON_USE,               /* the buyer's of the coupon */
    FK_TALLY_COUNT
} fk_tally_kind_t;

/* What orders add to a tally: those that count by its kind. */
typedef struct {
    int64_t   orders;
    int64_t   units;
    int64_t   amount;                  /* BUYER only: applied and kept */
} fk_share_t;

typedef struct {
    uint8_t     key[FK_TALLY_KEY_SIZE];
    uint64_t    seq;
    fk_share_t  archived;              /* of orders that left the region */
    fk_share_t  live;                  /* derived: of those in it */
    fk_share_t  audit;
    uint32_t    refs;                  /* derived: orders that point at it */
    uint32_t    audit_refs;
    uint32_t    last_paid_s;           /* BUYER only */
    uint32_t    hnext;                 /* derived: index chain, free list */
    uint8_t     kind;                  /* fk_tally_kind_t */
    uint8_t     level;                 /* BUYER: slot set by hand, 0: none */
    uint8_t     used;
    uint8_t     pad[5];
} fk_tally_rec_t;

_Static_assert(sizeof(fk_tally_rec_t) == 120, "layout");


typedef struct {
    char      name[FK_LEVEL_NAME_SIZE_MAX + 1];
    uint64_t  seq;
    int64_t   min_spent;
    uint32_t  next;                    /* free list: there is none */
    uint16_t  off_bp;
    uint8_t   used;
    uint8_t   pad;
} fk_level_rec_t;

_Static_assert(sizeof(fk_level_rec_t) == 56, "layout");


typedef struct {
    char      code[FK_COUPON_CODE_SIZE_MAX + 4];
    char      currency[FK_CURRENCY_SIZE];
    uint64_t  seq;
    int64_t   value;
    int64_t   cap;
    int64_t   min_amount;
    int64_t   archived_uses;
    int64_t   live_uses;               /* derived */
    int64_t   audit_uses;
    uint32_t  from_s;
    uint32_t  to_s;
    uint32_t  created_s;
    uint32_t  updated_s;
    uint32_t  uses_max;
    uint32_t  hnext;                   /* derived: index chain */
    uint32_t  product[FK_COUPON_PRODUCTS_MAX];
    uint16_t  uses_buyer_max;
    uint8_t   product_count;
    uint8_t   kind;
    uint8_t   on;
    uint8_t   used;
    uint8_t   pad[2];
} fk_coupon_rec_t;

_Static_assert(sizeof(fk_coupon_rec_t) == 160, "layout");


typedef enum {
    FK_BATCH_FREE = 0,
    FK_BATCH_LOADING,
    FK_BATCH_LIVE,
    FK_BATCH_ABORTED                   /* being taken apart */
} fk_batch_state_t;

typedef struct {
    uint64_t  seq;
    uint64_t  owner;                   /* LOADING: whose import; 0: unknown */
    uint32_t  product;
    uint32_t  state;
    uint32_t  accepted;                /* cards it brought */
    uint32_t  created_s;
    uint32_t  head;                    /* derived: staged cards */
    uint32_t  tail;                    /* derived */
    uint32_t  next;                    /* derived: free list, aborted list */
    uint32_t  audit_available;
    uint32_t  audit_taken;
    uint32_t  generation;              /* derived: times it was freed */
    uint32_t  archived;                /* cards that left the region, sold */
    uint32_t  lease_s;                 /* LOADING: until then (Unix time) */
} fk_batch_rec_t;

_Static_assert(sizeof(fk_batch_rec_t) == 64, "layout");


/*
 * A card: sealed bytes behind 16 bytes of bookkeeping.  Up to 60 sealed
 * bytes (a plain card of 32) stand in the record; of a longer one the first
 * 56, and the number of its first block in the last 4.
 *
 * The first 12 sealed bytes are the nonce, which is a keyed digest of the
 * product and the card: the index over them finds duplicates.
 */
typedef struct {
    uint32_t  hnext;                   /* derived: index chain, free list */
    uint32_t  next;                    /* derived: pool, staged, order */
    uint32_t  owner;                   /* FK_OWNER_*, or the order's slot */
    uint32_t  batch_size;              /* batch << 12 | sealed size */
    uint8_t   sealed[FK_CARD_INLINE_SIZE];
} fk_card_rec_t;

_Static_assert(sizeof(fk_card_rec_t) == 76, "layout");
_Static_assert(FK_SEALED_SIZE_MAX < 4096, "sealed size has 12 bits");


typedef struct {
    uint8_t   id[FK_ORDER_ID_SIZE];
    uint64_t  seq;
    int64_t   amount;
    int64_t   created_ms;
    uint32_t  expires_s;
    uint32_t  paid_s;
    uint32_t  product;
    uint32_t  qty;
    uint32_t  first_card;              /* its cards are linked by next */
    uint32_t  hnext;                   /* derived: id index, free list */
    uint32_t  idem_hnext;              /* derived */
    uint32_t  prev;                    /* derived: wheel or waiting list */
    uint32_t  next;                    /* derived */
    uint32_t  contact;                 /* first block */
    uint32_t  payment;                 /* derived: first of its payments */
    uint32_t  tally[FK_TALLY_COUNT];   /* 0: none, as the next ones */
    uint32_t  coupon;
    uint32_t  agent;                   /* the account of who brought it */
    uint32_t  rules;                   /* version of those that were asked */
    uint8_t   used;
    uint8_t   has_idem;
    uint8_t   contact_size;
    uint8_t   queued;                  /* derived: FK_QUEUED_* */
    uint8_t   axis_payment;            /* these four change by one store: */
    uint8_t   axis_stock;              /* they fill one aligned word */
    uint8_t   axis_delivery;
    uint8_t   cancelled;
    char      channel[FK_CHANNEL_SIZE_MAX + 1];
    uint8_t   idem[FK_IDEM_SIZE];
    uint8_t   body[8];
    uint32_t  steps;                   /* block; 0: all steps are amount */
    uint32_t  reason;                  /* first block */
    uint8_t   reason_size;
    uint8_t   review;                  /* FK_REVIEW_ */
    uint8_t   flagged;                 /* 1: its split failed */
    uint8_t   pad;
    uint32_t  split;                   /* derived: 0 or its slot */
    uint32_t  start;                   /* first block */
    uint16_t  start_size;
    uint8_t   pad2[2];
} fk_order_rec_t;

_Static_assert(sizeof(fk_order_rec_t) == 176, "layout");
_Static_assert(offsetof(fk_order_rec_t, axis_payment) % 4 == 0, "one word");
_Static_assert(offsetof(fk_order_rec_t, cancelled)
               == offsetof(fk_order_rec_t, axis_payment) + 3, "one word");

#define FK_QUEUED_NO      0
#define FK_QUEUED_WHEEL   1            /* prev/next: a wheel slot */
#define FK_QUEUED_WAIT    2            /* prev/next: the product's waiters */


typedef struct {
    uint64_t  seq;
    uint64_t  hash;                    /* of channel and trade number */
    int64_t   amount;
    uint32_t  hnext;                   /* derived: index chain, free list */
    uint32_t  next;                    /* derived: the order's next payment */
    uint32_t  order;
    uint32_t  trade_no;                /* first block */
    uint32_t  at_s;
    uint8_t   trade_no_size;
    uint8_t   state;                   /* fk_payment_state_t */
    uint8_t   used;
    uint8_t   revoked;                 /* 1: it paid, until a REVOKE */
} fk_payment_rec_t;

_Static_assert(sizeof(fk_payment_rec_t) == 48, "layout");


/* What an account has, by the splits and withdrawals in the region. */
typedef struct {
    int64_t  frozen;
    int64_t  settled;
    int64_t  reserved;
    int64_t  paid;
    int64_t  spent;
    int64_t  credited;
} fk_balance_t;

typedef struct {
    char          id[FK_ACCOUNT_SIZE_MAX + 1];
    uint8_t       used;
    uint8_t       kind;                /* fk_account_kind_t */
    uint8_t       closed;
    char          currency[FK_CURRENCY_SIZE];
    uint64_t      seq;
    uint8_t       token[FK_TOKEN_SIZE];
    uint8_t       buyer[FK_TALLY_KEY_SIZE];    /* zeros: not known */
    uint32_t      parent;              /* 0: none */
    uint16_t      rate_bp[FK_ACCOUNT_RATES];
    uint16_t      pad;
    uint32_t      created_s;
    uint32_t      hnext;               /* derived: id index */
    uint32_t      lines;               /* derived: first of its lines */
    uint32_t      withdrawals;         /* derived: first of them */
    uint32_t      open_count;          /* derived: withdrawals to decide */
    uint32_t      mark;                /* of fk_check() */
    int64_t       archived_earned;     /* of splits that left the region */
    int64_t       archived_withdrawn;  /* of withdrawals that left it */
    int64_t       archived_spent;      /* of orders */
    int64_t       archived_credited;   /* of credits */
    fk_balance_t  live;                /* derived */
    fk_balance_t  audit;
} fk_account_rec_t;

_Static_assert(sizeof(fk_account_rec_t) == 264, "layout");


/* A line is named by its split's slot * FK_LINE_SLOTS + its place; 0: none. */
#define FK_LINE_SLOTS  8

/* The last place is of the account that paid the order from its balance, if
 * one did: what it has spent, and no part of the split. */
#define FK_LINE_PAYER  (FK_LINE_SLOTS - 1)

_Static_assert(FK_SPLIT_LINES_MAX <= FK_LINE_PAYER, "a line has a name");

typedef struct {
    uint32_t  account;
    uint32_t  prev;                    /* derived: the account's lines */
    uint32_t  next;                    /* derived */
} fk_line_rec_t;

/*
 * How the money of one order was split, and what of it was given back.  It
 * lives as long as its order does, in the region and in the archive.
 */
typedef struct {
    uint64_t       seq;
    int64_t        paid;               /* what the lines are parts of */
    int64_t        returned;           /* sum of the parts */
    uint32_t       order;
    uint32_t       prev;               /* derived: settle wheel */
    uint32_t       next;               /* derived: that, or free list */
    uint32_t       made_s;
    uint32_t       settle_at_s;
    uint8_t        used;
    uint8_t        state;              /* fk_split_state_t */
    uint8_t        line_count;
    uint8_t        part_count;
    int64_t        amount[FK_SPLIT_LINES_MAX];   /* of the lines */
    fk_line_rec_t  line[FK_LINE_SLOTS];
    uint32_t       part[FK_PARTS_MAX];       /* first blocks */
    uint8_t        part_size[FK_PARTS_MAX];  /* bytes in them */
} fk_split_rec_t;

_Static_assert(sizeof(fk_split_rec_t) == 240, "layout");


typedef struct {
    uint64_t  seq;
    uint64_t  serial;                  /* the record that made it */
    int64_t   amount;
    uint32_t  account;
    uint32_t  prev;                    /* derived: the account's */
    uint32_t  next;                    /* derived: that, or free list */
    uint32_t  requested_s;
    uint32_t  decided_s;
    uint8_t   used;
    uint8_t   state;                   /* fk_withdrawal_state_t */
    uint8_t   note_size;
    uint8_t   credit;                  /* 1: it came, and is available */
    uint8_t   note[FK_REF_SIZE_MAX];
} fk_withdrawal_rec_t;

_Static_assert(sizeof(fk_withdrawal_rec_t) == 112, "layout");


/* What varies in size is a chain of these: nothing ever fragments. */
typedef struct {
    uint32_t  next;
    uint8_t   data[FK_BLOCK_DATA_SIZE];
} fk_block_rec_t;

_Static_assert(sizeof(fk_block_rec_t) == 40, "layout");


/*
 * What one card of 32 bytes and one live order with a contact of 32 bytes
 * take, indexes included (card index: a bucket for two cards; order indexes:
 * one bucket each for id and Idempotency-Key).
 */
#define FK_CARD32_SIZE    (sizeof(fk_card_rec_t) + 2)
#define FK_ORDER32_SIZE   (sizeof(fk_order_rec_t) + 4 + 4                    \
                           + sizeof(fk_block_rec_t))
#define FK_PAID32_SIZE    (FK_ORDER32_SIZE + sizeof(fk_payment_rec_t) + 4    \
                           + sizeof(fk_block_rec_t))

_Static_assert(FK_SETTLE_SLOTS > FK_SETTLE_S_MAX / FK_SETTLE_UNIT_S + 1,
               "a turn of the settle wheel is longer than any freezing");
_Static_assert(FK_CARD32_SIZE - 32 <= 48, "overhead of a card");
_Static_assert(FK_PAID32_SIZE <= 320, "size of a live order");


typedef enum {
    FK_TABLE_PRODUCTS = 0,
    FK_TABLE_BATCHES,
    FK_TABLE_CARDS,
    FK_TABLE_ORDERS,
    FK_TABLE_PAYMENTS,
    FK_TABLE_LEVELS,
    FK_TABLE_COUPONS,
    FK_TABLE_TALLIES,
    FK_TABLE_ACCOUNTS,
    FK_TABLE_SPLITS,
    FK_TABLE_WITHDRAWALS,
    FK_TABLE_BLOCKS,                   /* the last one: has no used mark */
    FK_TABLE_COUNT
} fk_table_id_t;

_Static_assert(FK_TABLE_COUNT == FK_USAGE_COUNT, "one usage line a table");

/*
 * Slots 1..capacity.  A free slot is on the free list, or it was never used
 * and is above fresh: so formatting need not touch the tables.
 */
typedef struct {
    uint64_t  offset;                  /* of slot 0, which is never used */
    uint32_t  slot_size;
    uint32_t  link_offset;             /* of the uint32_t free list link */
    uint32_t  capacity;
    uint32_t  fresh;                   /* slots 1..fresh have been used */
    uint32_t  free_head;
    uint32_t  free_count;              /* on the free list: fk_table_used */
} fk_table_t;


typedef enum {
    FK_INDEX_PRODUCTS = 0,             /* by SKU */
    FK_INDEX_CARDS,                    /* by nonce and product */
    FK_INDEX_ORDERS,                   /* by id */
    FK_INDEX_IDEM,                     /* by Idempotency-Key */
    FK_INDEX_PAYMENTS,                 /* by channel and trade number */
    FK_INDEX_COUPONS,                  /* by code */
    FK_INDEX_TALLIES,                  /* by key and kind */
    FK_INDEX_ACCOUNTS,                 /* by id */
    FK_INDEX_COUNT
} fk_index_id_t;

/*
 * Buckets of chained slots.  Chains rather than open addressing: insert and
 * remove are two stores, so a transaction stays small, and nothing ever
 * needs to be rehashed or swept of tombstones.
 */
typedef struct {
    uint64_t  offset;
    uint32_t  bucket_count;
    uint32_t  pad;
} fk_index_t;


typedef struct {
    uint64_t  where;                   /* offset in the region << 4 | width */
    uint64_t  old;
} fk_undo_t;

/*
 * The ring.  Positions are free-running byte counts; a record never wraps:
 * where it would, a filler closes the ring's end.
 *
 *     tail <= durable_pos <= sent_pos <= head,   head - tail <= size
 */
typedef struct {
    uint64_t  offset;
    uint64_t  size;                    /* a power of two */
    uint64_t  epoch;
    uint64_t  epoch_seq;               /* the last record before the epoch */
    uint64_t  seq;
    uint64_t  head;
    uint64_t  tail;                    /* oldest record still kept */
    uint64_t  durable_seq;
    uint64_t  durable_pos;
    uint64_t  sent_seq;
    uint64_t  sent_pos;
    uint64_t  lease_owner;
    int64_t   lease_until_ms;
    uint32_t  probe;                   /* a batch's outcome is unknown */
    uint32_t  probe_taken;             /* probe, when the last one began */
} fk_ring_t;

/* What an audit is at; behind its cursor everything is in the sums. */
typedef enum {
    FK_AUDIT_RESET_PRODUCTS = 0,       /* the sums of the last one go */
    FK_AUDIT_RESET_BATCHES,
    FK_AUDIT_RESET_COUPONS,
    FK_AUDIT_RESET_TALLIES,
    FK_AUDIT_RESET_ACCOUNTS,
    FK_AUDIT_CARDS,
    FK_AUDIT_ORDERS,
    FK_AUDIT_PAYMENTS,
    FK_AUDIT_SPLITS,
    FK_AUDIT_WITHDRAWALS,
    FK_AUDIT_COMPARE,                  /* sums with counters, by product */
    FK_AUDIT_COMPARE_COUPONS,
    FK_AUDIT_COMPARE_TALLIES,
    FK_AUDIT_ACCOUNTS,                 /* the same by account */
    FK_AUDIT_DONE
} fk_audit_phase_t;

typedef struct {
    uint64_t  owner;                   /* 0: none under way */
    int64_t   fresh_until_ms;
    uint32_t  phase;                   /* fk_audit_phase_t */
    uint32_t  cursor;                  /* slots of the phase that are done */
    fk_audit_totals_t  totals;
} fk_audit_rec_t;

/* What a snapshot is made of, in the order in which it is walked. */
typedef enum {
    FK_SNAPSHOT_PRODUCTS = 0,
    FK_SNAPSHOT_BATCHES,
    FK_SNAPSHOT_CARDS,
    FK_SNAPSHOT_LEVELS,
    FK_SNAPSHOT_COUPONS,
    FK_SNAPSHOT_TALLIES,
    FK_SNAPSHOT_ACCOUNTS,
    FK_SNAPSHOT_ORDERS,                /* each with what hangs on it */
    FK_SNAPSHOT_WITHDRAWALS,
    FK_SNAPSHOT_DONE
} fk_snapshot_phase_t;

/* Entities counted in a snapshot, by kind. */
enum {
    FK_COUNT_PRODUCTS = 0,
    FK_COUNT_BATCHES,
    FK_COUNT_CARDS,
    FK_COUNT_ORDERS,
    FK_COUNT_PAYMENTS,
    FK_COUNT_LEVELS,
    FK_COUNT_COUPONS,
    FK_COUNT_TALLIES,
    FK_COUNT_ACCOUNTS,
    FK_COUNT_SPLITS,
    FK_COUNT_WITHDRAWALS,
    FK_COUNT_STARTS,
    FK_COUNT_COUNT
};

typedef struct {
    uint64_t  owner;                   /* 0: none under way */
    int64_t   lease_until_ms;          /* by the owner's steady clock */
    int64_t   fresh_until_ms;          /* the same in Unix time */
    uint64_t  begin_seq;
    uint64_t  end_seq;
    uint64_t  parts_count;
    uint64_t  bytes;
    uint32_t  phase;                   /* fk_snapshot_phase_t */
    uint32_t  cursor;                  /* slots of the phase that are done */
    uint32_t  last[FK_SNAPSHOT_DONE];  /* of each phase */
    uint64_t  count[FK_COUNT_COUNT];
} fk_snapshot_rec_t;

/* The snapshot that a recovery began with; all 0: it had none. */
typedef struct {
    uint64_t  begin_seq;
    uint64_t  end_seq;                 /* until then the tail is fuzzy */
    uint64_t  seq_max;                 /* of the entities */
    uint64_t  parts_count;
    uint32_t  phase;                   /* of the last entity */
    uint32_t  pad;
    uint64_t  count[FK_COUNT_COUNT];
} fk_load_rec_t;

/* A place of a key among the rates; hash 0: nobody's. */
typedef struct {
    uint32_t  stretch;                 /* Unix time by the span's length */
    uint32_t  now;
    uint32_t  before;
} fk_rate_span_t;

typedef struct {
    uint64_t        key;
    uint64_t        seen;              /* the highest of a set: seen last */
    fk_rate_span_t  span[FK_SPAN_COUNT];
    uint32_t        pad[3];
} fk_rate_rec_t;

_Static_assert(sizeof(fk_rate_rec_t) == 64, "layout");

#define FK_RATE_WAYS     4
#define FK_SIGNAL_WORDS  (sizeof(fk_signal_t) / sizeof(uint64_t))

_Static_assert(sizeof(fk_signal_t) % sizeof(uint64_t) == 0, "whole words");

typedef struct {
    uint64_t  word[FK_SIGNAL_WORDS];   /* fk_signal_t */
    uint32_t  version;                 /* odd: it is being written */
    uint32_t  pad;
} fk_signal_rec_t;

struct fk_region_s {
    uint64_t         magic;
    uint32_t         layout_version;
    uint32_t         header_size;
    uint64_t         size;
    uint32_t         state;            /* fk_shop_state_t */
    uint32_t         formatted;        /* 1: the last store of fk_format */
    fk_plan_t        plan;
    fk_table_t       table[FK_TABLE_COUNT];
    fk_index_t       index[FK_INDEX_COUNT];
    uint64_t         wheel_offset;
    uint64_t         rate_offset;
    uint32_t         wheel_s;          /* slots before it are done */
    uint32_t         waiting;          /* products that have waiters */
    uint32_t         aborted;          /* batches to be taken apart */
    uint32_t         loading_count;    /* batches being staged */
    uint64_t         settle_offset;
    uint32_t         settle_unit;      /* units before it are done */
    uint32_t         withdrawal_hand;  /* where to look for finished ones */
    uint32_t         platform[FK_PLATFORMS_MAX];   /* derived: accounts */
    uint32_t         tally_hand;       /* where to look for old buyers */
    uint32_t         pad;
    uint64_t         restores;         /* see fk_archive_mark; never 0 */
    uint8_t          seed[FK_SEED_SIZE];   /* secret: see fk_hash_secret */

    uint64_t         recover_owner;
    int64_t          recover_until_ms;
    fk_load_rec_t    load;

    uint32_t         recoveries_minute;
    uint32_t         recoveries_count;
    char             fail_reason[128];

    _Alignas(64) pthread_mutex_t  lock;

    _Alignas(64) uint32_t  undo_used;
    fk_undo_t        undo[FK_UNDO_MAX];

    _Alignas(64) fk_ring_t  ring;
    _Alignas(64) fk_snapshot_rec_t  snapshot;
    _Alignas(64) fk_audit_rec_t  audit;
    _Alignas(64) uint32_t  signals_count;
    fk_signal_rec_t  signal[FK_SIGNALS_MAX];
    _Alignas(64) int64_t   duty_ms[FK_DUTY_COUNT];
    _Alignas(64) uint64_t  stat[FK_STAT_COUNT];
};


#endif /* FK_REGION_H_INCLUDED_ */

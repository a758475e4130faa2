/*
 * The order engine: a state machine in one block of memory (the region) that
 * all workers of a shop map at once.  Plain C11 and pthread: no I/O, no
 * clock, no randomness, no allocation, no globals that change.
 *
 * How to use it.  One process formats the region (fk_format), every process
 * attaches to it (fk_attach) and gets a handle, fk_t, that it owns.  All
 * commands take the handle; they lock by themselves and are safe from any
 * process or thread, each with its own handle.  A call never blocks longer
 * than FK_LOCK_WAIT_MS; then it answers FK_LOCK_TIMEOUT and did nothing.
 *
 * What it promises.  A command happens as a whole or not at all, also when
 * its process dies at any instruction: the next caller rolls the half-done
 * one back.  Every change leaves one record in the journal ring, and
 * applying the records to an empty region gives the same shop again.  A
 * command that would not fit (table, ring) is refused before it changes
 * anything.
 *
 * What it does not do.  It does not make the ring durable (the caller moves
 * the bytes, see the flush calls), does not seal or unseal cards, and does
 * not decide prices beyond tiers, levels and coupons.
 */

#ifndef FK_H_INCLUDED_
#define FK_H_INCLUDED_


#include "fk_types.h"


#define FK_LOCK_WAIT_MS         1000
#define FK_RECOVERIES_MAX       16     /* a minute; then the shop fails */


typedef struct fk_region_s  fk_region_t;


/* One process's view of a region.  Filled by fk_attach; private inside. */

typedef struct {
    fk_region_t  *region;
    uint8_t      *base;
    size_t        size;
    uint64_t      record_at;           /* the record being written */
    uint64_t      record_end;          /* it has room up to here */
    uint32_t      record_images;
    uint64_t      owner;               /* of the imports that it begins */
    uint32_t      leases_seen_s;       /* fk_tick looked at import leases */
    uint32_t      magic;
} fk_t;


/* --- region ---------------------------------------------------------- */

/*
 * How a region's bytes are shared out.  fk_plan() fills it from the size:
 * 1 GiB gives over 2 million cards and 1 million orders.
 */
typedef struct {
    uint32_t  products;
    uint32_t  batches;
    uint32_t  cards;
    uint32_t  orders;
    uint32_t  payments;
    uint32_t  levels;
    uint32_t  coupons;
    uint32_t  tallies;
    uint32_t  accounts;
    uint32_t  splits;
    uint32_t  withdrawals;
    uint32_t  blocks;                  /* of 40 bytes, for what varies */
    uint32_t  rate_sets;               /* of 4 keys whose rates are known */
    uint32_t  pad;                     /* 0: plans are compared as bytes */
    uint64_t  ring_size;               /* bytes, a power of two */
} fk_plan_t;

#define FK_REGION_SIZE_MIN      ((size_t) 8 << 20)
#define FK_REGION_SIZE_MAX      ((size_t) 64 << 30)

/* FK_OK, or FK_INVALID if size is not within the two limits above. */
fk_code_t fk_plan(size_t size, fk_plan_t *plan);

#define FK_SEED_SIZE  16

/*
 * Lays an empty region into mem (page aligned, size bytes).  Master only,
 * before anybody attached; "ready" is its last store.  The state becomes
 * FK_SHOP_EMPTY.
 *
 * seed: secret random bytes.  They choose the places of what buyers name, so
 * that nobody can crowd one place.  They leave the region in no way, and the
 * next region needs no memory of them.
 */
fk_code_t fk_format(void *mem, size_t size, const uint8_t seed[FK_SEED_SIZE]);

/*
 * Checks magic, version, sizes and capacities, and fills *fk.  Any process.
 * FK_INCOMPATIBLE: the region was made by another layout; *why (static
 * text) says what differs, and the region must not be used.
 */
fk_code_t fk_attach(fk_t *fk, void *mem, size_t size, const char **why);

/*
 * Names this process in the imports that it will begin; owner: as for
 * fk_flush_take.  Without a name its imports are not known to be dead.
 */
void fk_introduce(fk_t *fk, uint64_t owner);

fk_shop_state_t fk_shop_state(const fk_t *fk);

/* What a command answers in that state: FK_OK only if it is open. */
fk_code_t fk_state_code(fk_shop_state_t state);

/* Safe stop: every later command answers FK_FAILED.  why: static text. */
void fk_fail(fk_t *fk, const char *why);
const char *fk_fail_reason(const fk_t *fk, char *buf, size_t size);


/* --- order ids -------------------------------------------------------- */

void fk_order_id_make(fk_order_id_t *id, int64_t now_ms,
    const uint8_t random[10]);
void fk_order_id_text(const fk_order_id_t *id, char text[FK_ORDER_TEXT_SIZE]);
/* FK_OK; FK_INVALID unless exactly 26 upper-case base32 characters. */
fk_code_t fk_order_id_parse(fk_order_id_t *id, const uint8_t *text,
    size_t size);


/* --- orders ----------------------------------------------------------- */

typedef struct {
    fk_order_id_t  id;                 /* fresh, from fk_order_id_make */
    fk_str_t       sku;
    uint32_t       qty;
    fk_str_t       contact;
    char           channel[FK_CHANNEL_SIZE_MAX + 1];
    uint8_t        way;                /* fk_way_t of that channel */
    /* Taken instead if there turns out to be nothing to pay; or "". */
    char           free_channel[FK_CHANNEL_SIZE_MAX + 1];
    /* BALANCE: the account that pays, whoever asks for it having been judged
     * by the caller; and how the money is split, which is never flagged. */
    fk_str_t       payer;
    const fk_split_t  *split;          /* NULL: not known yet */
    int64_t       *due;                /* of FK_AGAIN, for that; or NULL */
    uint32_t       hold_s;             /* 1..FK_HOLD_S_MAX */

    /*
     * priced: the total after each step, as the caller has computed it from
     * what it saw: 0..FK_AMOUNT_MAX.  All but RULE must be what the engine
     * makes of it.  Not: there is no rule.
     */
    uint8_t        priced;
    uint8_t        review;             /* 1: a person looks when it is paid */
    uint32_t       rules;              /* version of those that were asked */
    int64_t        step[FK_STEP_COUNT];
    fk_str_t       reason;             /* of review; may be empty */

    /*
     * Who buys: digests of the contact; of it and the product, for one with a
     * limit; of it and the coupon.  Without a buyer a coupon that is limited
     * for each of them is FK_INVALID.
     */
    uint8_t        has_buyer;
    uint8_t        has_quota;
    uint8_t        buyer[FK_TALLY_KEY_SIZE];
    uint8_t        quota[FK_TALLY_KEY_SIZE];
    uint8_t        coupon_use[FK_TALLY_KEY_SIZE];
    fk_str_t       coupon;             /* its code; may be empty */
    const char   **why;                /* of FK_COUPON, FK_CHANNEL; or NULL */
    fk_str_t       agent;              /* who brought the buyer; or empty */

    uint8_t        has_idem;
    uint8_t        idem[FK_IDEM_SIZE]; /* digest of the Idempotency-Key */
    uint8_t        body[8];            /* digest of the request's content */
} fk_checkout_t;

typedef struct {
    uint64_t       seq;                /* last record that touched it */
    uint32_t       index;              /* slot, for fk_order_cards */
    uint32_t       first_card;
    fk_order_id_t  id;
    char           sku[FK_SKU_SIZE_MAX + 1];
    char           name[FK_NAME_SIZE_MAX + 1];
    char           currency[FK_CURRENCY_SIZE];
    char           channel[FK_CHANNEL_SIZE_MAX + 1];
    uint8_t        contact[FK_CONTACT_SIZE_MAX];
    uint8_t        contact_size;
    uint8_t        kind;
    fk_axes_t      axes;
    uint8_t        status;             /* fk_status_t */
    uint32_t       qty;
    int64_t        amount;
    int64_t        created_ms;
    uint32_t       expires_s;
    uint32_t       paid_s;             /* 0: not yet */
    uint32_t       rules;
    int64_t        step[FK_STEP_COUNT];
    uint8_t        review;             /* FK_REVIEW_: why to be looked at */
    uint8_t        reason_size;
    uint8_t        reason[FK_REASON_SIZE_MAX];
    char           coupon[FK_COUPON_CODE_SIZE_MAX + 1];    /* empty: none */
    char           agent[FK_ACCOUNT_SIZE_MAX + 1];   /* "": none */
    uint8_t        flagged;            /* 1: it was to be split, and was not */
    int64_t        returned;           /* parts that fk_refund_part booked */
} fk_order_view_t;

/*
 * Makes an order and holds its units.  The ladder: state of the shop,
 * idempotency (FK_EXISTS with the old order, FK_IDEM_MISMATCH), product, sale
 * window, qty, stock, the buyer's limit (FK_LIMIT), coupon (FK_COUPON), price
 * (FK_AGAIN: in->step is not what product, level and coupon make of it now, or
 * the product has a limit and in has no quota; look and compute anew), channel
 * (FK_CHANNEL: one that is free for what costs something, or another one, and
 * no free_channel, for what costs nothing), agent (FK_AGENT: unknown, closed,
 * no agent, or of another currency), tables; then the one transaction.
 * out->seq is the record to wait for under "durability disk"; it is set for
 * FK_EXISTS too.
 *
 * An order that costs nothing is paid by that, and delivered, or under review.
 * It has no payment and no split; if it is denied, nothing is owed, and it is
 * refunded at once.
 *
 * By BALANCE an order is paid in the same way, with its amount out of what an
 * account has available: its payment is applied and has the order's id for its
 * trade number, and its split, also one without lines, names the payer.
 *   FK_PAYER    there is no such account, it is closed, or of another currency
 *   FK_BALANCE  it has not so much available
 *   FK_AGAIN    with *in->due, the amount: in->split is NULL, or of another
 *   FK_INVALID  the split cannot be
 * What is given back of it, by fk_refund_part(), or by what makes it refunded,
 * is the account's again in that transaction.
 *
 * When the table of tallies is full, only what needs none can be bought, and
 * then the buyer is not counted.
 */
fk_code_t fk_checkout(fk_t *fk, const fk_env_t *env, const fk_checkout_t *in,
    fk_order_view_t *out);

fk_code_t fk_order_get(fk_t *fk, const fk_order_id_t *id,
    fk_order_view_t *out);

/* FK_EXISTS or FK_IDEM_MISMATCH, as fk_checkout would say; FK_NOT_FOUND. */
fk_code_t fk_order_by_idem(fk_t *fk, const uint8_t idem[FK_IDEM_SIZE],
    const uint8_t body[8], fk_order_view_t *out);

/*
 * The sealed cards of a delivered order, up to n of them, one after the
 * other into buf.  *cursor is 0 to begin and 0 again after the last.
 * FK_CONFLICT unless the order is delivered: cards of any other order never
 * leave the engine.  FK_INVALID: not even one card fits into buf.
 */
typedef struct {
    uint32_t  offset;
    uint32_t  size;
} fk_card_out_t;

fk_code_t fk_order_cards(fk_t *fk, const fk_order_id_t *id, uint32_t *cursor,
    uint8_t *buf, size_t buf_size, fk_card_out_t *out, uint32_t *n);

/* FK_CONFLICT once it is paid or its stock is released. */
fk_code_t fk_cancel(fk_t *fk, const fk_env_t *env, const fk_order_id_t *id,
    fk_order_view_t *out);

/*
 * How the order's payment was begun, for gateways that are called for it: a
 * text of the channel's own, 1..FK_START_SIZE_MAX bytes, which the engine only
 * keeps.  The first one stays: of two who asked the gateway at once, both go
 * on with the same.  Also for an order that has expired or was cancelled while
 * the gateway was asked, as its buyer may have got there.  out->seq is the
 * record to wait for.
 *   FK_EXISTS     there is one; nothing was done
 *   FK_CONFLICT   the order is not unpaid any more: nothing is to be begun
 *   FK_TABLE_FULL no blocks are left for it
 */
fk_code_t fk_order_start(fk_t *fk, const fk_env_t *env,
    const fk_order_id_t *id, fk_str_t start, fk_order_view_t *out);

/* As fk_order_start was told; *size 0: nothing, and with any answer but FK_OK.
 * It stays for as long as the order does, in the region and in the archive. */
fk_code_t fk_order_start_get(fk_t *fk, const fk_order_id_t *id,
    uint8_t out[FK_START_SIZE_MAX], size_t *size);

typedef struct {
    fk_order_id_t  id;
    fk_str_t       channel;
    fk_str_t       trade_no;           /* 1..FK_TRADE_NO_SIZE_MAX */
    int64_t        amount;
    char           currency[FK_CURRENCY_SIZE];
    uint8_t        odd;                /* 1: not a whole number of minor units,
                                          so equal to no order's amount */
    uint8_t        review;             /* 1: a person looks before delivery */
    fk_str_t       reason;             /* of review; an earlier one stays */
    uint8_t        returned;           /* 1: it was given back, says who sent
                                          it; so it pays nothing */
    fk_split_t     split;              /* booked if this makes it paid */
} fk_pay_t;

#define FK_PAY_RESULTS(X)                                                    \
    X(DELIVERED, "delivered")     /* paid, units allocated */                \
    X(WAITING,   "waiting")       /* paid, waits for stock */                \
    X(REVIEW,    "review")        /* money kept, a person decides */         \
    X(EXTRA,     "extra")         /* order was paid before: refund due */    \
    X(DUPLICATE, "duplicate")     /* this very payment is known */           \
    X(REUSED,    "reused")        /* another order has its trade number:     \
                                     kept, and a person decides */

typedef enum {
#define FK_PAY_ENUM(name, word)  FK_PAY_##name,
    FK_PAY_RESULTS(FK_PAY_ENUM)
#undef FK_PAY_ENUM
    FK_PAY_COUNT
} fk_pay_result_t;

extern const char *const  fk_pay_result_word[];

/*
 * Books a verified payment.  FK_OK: *result says where the money went; the
 * gateway may be told "success" once out->seq is durable (for DUPLICATE, too).
 * FK_NOT_FOUND: no such order.  FK_CHANNEL: the order belongs to another
 * channel.  Refusals change nothing.
 *
 * REUSED: a trade number that another order's payment has is no proof of the
 * same money.  It is booked as NUMBER#ORDER, for review, or as owed if its
 * order needs none.  FK_CONFLICT: that name is too long for a trade number.
 *
 * RETURNED: a payment that is not known yet is booked for review.  Of a known
 * one, an order that waits for stock or is under review is held (REVIEW), with
 * FK_REVIEW_RETURNED: how much went back is not known, so a person decides.
 * A delivered one stays delivered, with FK_REVIEW_RETURNED_LATE; any other is
 * as it was, as is what has that mark (each DUPLICATE).
 *
 * FK_INVALID, too, for a split that cannot be, and FK_AGAIN for one of another
 * sum (fk_split_t).
 */
fk_code_t fk_pay(fk_t *fk, const fk_env_t *env, const fk_pay_t *in,
    fk_pay_result_t *result, fk_order_view_t *out);

/*
 * A person's decision: event is APPROVE, DENY, GIVE_UP, REFUNDED or REVOKE.
 * REVOKE takes a delivered order back, or one under review that has its units:
 * what paid it is to be given back, less the parts that were (owed, in the
 * view of a payment), and its units are void: nobody sees its cards any more,
 * and nobody else gets them, nor a unit of a stock number.  APPROVE takes the
 * sums that are under review for the order's price, unless it is
 * paid already: then they are to be given back, as any money that comes
 * second.  By an APPROVE from here nobody gets anything of the money, a
 * merchant neither.
 */
fk_code_t fk_decide(fk_t *fk, const fk_env_t *env, const fk_order_id_t *id,
    fk_event_t event, fk_order_view_t *out);

/* APPROVE, with the split of the order if that makes it paid, as fk_pay.
 * FK_AGAIN: it was made for another sum; nothing was done. */
fk_code_t fk_approve(fk_t *fk, const fk_env_t *env, const fk_order_id_t *id,
    const fk_split_t *split, fk_order_view_t *out);

/*
 * Orders from *cursor (0: the highest slot) downwards, at most *n of those
 * that pass the filter, looking at no more than 1024 slots a call; *cursor
 * becomes 0 at the end, *n how many were written to out.  Slots of archived
 * orders are taken again, so this is not by age; but an order keeps its slot,
 * so one that is there from the first call to the last comes once.  When the
 * shop is not open or its lock cannot be had, also in the middle, that is the
 * answer: *n is 0, *cursor stays, and what is in out is worth nothing.
 */
typedef struct {
    int       status;                  /* fk_status_t, or -1 for any */
    fk_str_t  sku;                     /* empty for any */
} fk_order_filter_t;

fk_code_t fk_order_list(fk_t *fk, const fk_order_filter_t *filter,
    uint32_t *cursor, fk_order_view_t *out, uint32_t *n);


/* --- time ------------------------------------------------------------- */

typedef struct {
    uint32_t  expired_count;
    uint32_t  served_count;            /* waiting orders that got stock */
    uint32_t  reaped_count;            /* cards of aborted imports */
    uint32_t  settled_count;           /* splits that became available */
    uint64_t  seq;                     /* last record it wrote, 0: none */
} fk_tick_t;

/*
 * Does what is due, at most max_steps small transactions, each under its own
 * lock: expires holds, serves waiting orders, reaps aborted imports, settles
 * splits.  FK_OK:
 * nothing more is due; FK_AGAIN: call soon; FK_RING_FULL: after a flush.
 *
 * Call it a few times a second from every worker, and at once after an
 * import's commit.  With nothing due it takes no lock.
 */
fk_code_t fk_tick(fk_t *fk, const fk_env_t *env, uint32_t max_steps,
    fk_tick_t *out);


/* --- the journal ------------------------------------------------------ */

/*
 * Every change leaves one record in the ring: sequence number, checksum and
 * the after-images of what it changed, keyed by stable ids.  The calls below
 * let one process at a time ("the flusher", by a lease in the region) carry
 * the records to the journal and say what became durable.  They are the
 * whole protocol: the caller only moves bytes.
 */

typedef struct {
    uint64_t  epoch;
    uint64_t  seq;                     /* last record written */
    uint64_t  sent_seq;                /* last record of the batch sent */
    uint64_t  durable_seq;             /* last record known to be durable */
    uint64_t  ring_used;               /* bytes not yet durable */
    uint64_t  ring_size;
} fk_journal_view_t;

void fk_journal_view(const fk_t *fk, fk_journal_view_t *out);

/* One read, no lock: the hot question of parked requests. */
uint64_t fk_durable_seq(const fk_t *fk);

/* Under which this region owns the shop.  A region that was fenced and took
 * the shop again has another one, and other records under the same numbers. */
uint64_t fk_epoch(const fk_t *fk);
uint64_t fk_last_seq(const fk_t *fk);

typedef struct {
    uint64_t        epoch;
    uint64_t        last_seq;
    uint32_t        count;             /* records */
    const uint8_t  *part[2];           /* the ring may wrap once */
    size_t          size[2];
} fk_batch_t;

#define FK_FLUSH_LEASE_MS       2000
#define FK_BATCH_SIZE_MAX       ((size_t) 1 << 20)

typedef enum {
    FK_FLUSH_NOTHING = 0,              /* nothing to send */
    FK_FLUSH_OTHER,                    /* another process is sending */
    FK_FLUSH_SEND,                     /* *batch is yours to send */
    FK_FLUSH_PROBE                     /* read the top id, then fk_flush_top */
} fk_flush_t;

/*
 * Asks for work.  owner: unique for the process and its start (never 0);
 * now_ms: any steady clock that all processes share.  SEND or PROBE give the
 * lease to owner until now_ms + FK_FLUSH_LEASE_MS; the batch's bytes stay in
 * place until it is durable.  PROBE comes whenever the outcome of an earlier
 * batch is unknown: its sender died, or called fk_flush_unknown().
 */
fk_flush_t fk_flush_take(fk_t *fk, uint64_t owner, int64_t now_ms,
    fk_batch_t *batch);

/*
 * The journal has the batch up to last_seq on disk.  Returns FK_OK, or
 * FK_CONFLICT if the lease is no longer owner's (then nothing was changed).
 */
fk_code_t fk_flush_done(fk_t *fk, uint64_t owner, uint64_t last_seq);

/* The reply is lost or an error: somebody must probe before more is sent. */
void fk_flush_unknown(fk_t *fk, uint64_t owner);

/*
 * The journal may not be the one that was written to: call this for each new
 * connection, before anything is sent over it.  Somebody must probe first.
 * Unless it answers FK_OK, the connection must not be used; after FK_HEALING
 * for a snapshot only.
 */
fk_code_t fk_flush_suspect(fk_t *fk);

/*
 * Who holds the lease (0: nobody), and taking it from a process that is known
 * to be dead, without waiting for the lease to run out.
 */
uint64_t fk_flush_owner(const fk_t *fk);
void fk_flush_break(fk_t *fk, uint64_t dead_owner);

/*
 * What a probe found: the journal's top id, 0-0 when it is empty.
 *   FK_OK       own epoch; the durable mark now stands at top_seq, and the
 *               rest, also records that the journal had and lost, will be sent
 *               again by the next fk_flush_take.
 *   FK_FENCED   a higher epoch: the shop is fenced now.
 *   FK_HEALING  the journal lost records that the ring no longer holds: this
 *               region has the only copy now.  The shop waits, HEALING, for a
 *               snapshot and fk_heal_end().
 *   FK_CORRUPT  the journal has records that are not this shop's: the shop has
 *               failed and says so.
 *   FK_CONFLICT the lease is not owner's, or no probe was asked for; nothing
 *               was changed.
 */
fk_code_t fk_flush_top(fk_t *fk, uint64_t owner, uint64_t top_epoch,
    uint64_t top_seq);

/* The journal has a higher epoch than this shop: it sells no more. */
void fk_fence(fk_t *fk, uint64_t epoch);


/* --- snapshots -------------------------------------------------------- */

/*
 * The whole shop as bytes, written in parts while it goes on selling:
 *
 *   fk_snapshot_begin   takes the snapshot's lease
 *   fk_snapshot_step    the next part, until it answers FK_OK
 *   fk_snapshot_end     gives the lease up
 *
 * The shop changes from step to step, so the parts alone are no shop: they
 * are one together with the journal's records from begin_seq + 1 up to at
 * least end_seq, the last record when the walk came to its end.  A snapshot
 * must not count before the journal has end_seq.
 *
 * While the walk goes on, nothing is freed in the region.  Its owner has to
 * call at least every FK_SNAPSHOT_LEASE_MS; else the snapshot is lost.
 */

#define FK_SNAPSHOT_LEASE_MS      10000
#define FK_SNAPSHOT_PART_SIZE_MAX ((size_t) 64 << 10)

typedef struct {
    uint64_t  epoch;
    uint64_t  begin_seq;
    uint64_t  end_seq;                 /* 0 until the walk is over */
    uint64_t  parts_count;
    uint64_t  entities_count;
    uint64_t  bytes;
} fk_snapshot_t;

/*
 * owner and now_ms: as for fk_flush_take.  FK_CONFLICT: another one runs.
 * The shop must be open or healing.  A begin by the owner of one that runs
 * starts anew.
 */
fk_code_t fk_snapshot_begin(fk_t *fk, const fk_env_t *env, uint64_t owner,
    int64_t now_ms, fk_snapshot_t *out);

/*
 * Writes at most one part into buf, which has room for at least
 * FK_SNAPSHOT_PART_SIZE_MAX bytes, in one short hold of the lock; *size may
 * be 0 where only empty slots were passed.  FK_AGAIN: go on.  FK_OK: that was
 * the last part; further calls write nothing and only renew the lease.
 * FK_CONFLICT: the lease is lost, and with it this snapshot.  Any other code
 * is the shop's, and nothing was written.
 */
fk_code_t fk_snapshot_step(fk_t *fk, const fk_env_t *env, uint64_t owner,
    int64_t now_ms, uint8_t *buf, size_t buf_size, size_t *size,
    fk_snapshot_t *out);

/* After the last part, or at any time before it. */
void fk_snapshot_end(fk_t *fk, uint64_t owner);

/* As fk_flush_owner and fk_flush_break, for the snapshot's lease. */
uint64_t fk_snapshot_owner(const fk_t *fk);
void fk_snapshot_break(fk_t *fk, uint64_t dead_owner);

/*
 * HEALING -> OPEN, instead of fk_snapshot_end: owner's snapshot of begin_seq
 * (equal to end_seq, as nothing commits) counts, and the journal goes on
 * behind it.  Everything up to begin_seq is durable now; the next flush
 * begins with a probe.  FK_CONFLICT: the shop is not healing, or it is not
 * owner's finished snapshot that it waits for.
 */
fk_code_t fk_heal_end(fk_t *fk, uint64_t owner, uint64_t begin_seq);


/* --- recovery --------------------------------------------------------- */

/*
 * EMPTY or FENCED -> RECOVERING -> OPEN, by one process at a time:
 *
 *   fk_recover_begin    takes the recovery lease and empties the tables
 *   fk_snapshot_load    the parts of a snapshot, in order; if there is one
 *   fk_apply            each record of the journal behind it, in order
 *   fk_recover_end      rebuilds what is derived, checks, opens for sale
 *
 * fk_recover_begin answers FK_CONFLICT while another process's lease is
 * fresh; load, apply and renew renew the lease.  A standby may go on applying
 * for days.
 */

#define FK_RECOVER_LEASE_MS     15000

fk_code_t fk_recover_begin(fk_t *fk, uint64_t owner, int64_t now_ms);

/*
 * Applies the records in data, which holds whole records.  Records that are
 * already applied are passed over; a gap in the sequence or a bad checksum
 * is FK_CORRUPT, and *at the offset of the bad record.  FK_TABLE_FULL: the
 * journal needs a larger region.  FK_INCOMPATIBLE: written by a newer
 * version.  FK_CONFLICT: the lease is lost.  After any answer but FK_OK this
 * recovery is over: it takes a new fk_recover_begin.
 */
fk_code_t fk_apply(fk_t *fk, uint64_t owner, int64_t now_ms,
    const uint8_t *data, size_t size, size_t *at);

/*
 * Loads parts of a snapshot, whole ones, the first after fk_recover_begin and
 * all before the first fk_apply.  Answers as fk_apply does; FK_CORRUPT also
 * for a part that is missing, repeated or behind the last one.  With the last
 * part fk_recover_seq() becomes the snapshot's begin_seq; fk_recover_end()
 * wants the journal up to its end_seq.
 */
fk_code_t fk_snapshot_load(fk_t *fk, uint64_t owner, int64_t now_ms,
    const uint8_t *data, size_t size, size_t *at);

/* Keeps the lease while nothing comes.  FK_CONFLICT: it is lost. */
fk_code_t fk_recover_renew(fk_t *fk, uint64_t owner, int64_t now_ms);

uint64_t fk_recover_seq(const fk_t *fk);

/*
 * The journal has gone on under an epoch above the one that owner took.
 * FK_FENCED: another server is later, and this shop does not open.
 * FK_CONFLICT: the lease is not owner's any more; then it may be this very
 * region's next recovery that took the epoch, and nothing was changed.
 */
fk_code_t fk_recover_fence(fk_t *fk, uint64_t owner);

/* As fk_flush_owner and fk_flush_break, for the recovery lease. */
uint64_t fk_recover_owner(const fk_t *fk);
void fk_recover_break(fk_t *fk, uint64_t dead_owner);

/*
 * Ends recovery under the epoch that the caller has taken in the journal.
 * FK_CORRUPT: fk_check() found damage, or the journal ends within what its
 * snapshot needs of it; the shop has failed, and why names it.
 */
fk_code_t fk_recover_end(fk_t *fk, const fk_env_t *env, uint64_t owner,
    uint64_t epoch, char *why, size_t why_size);


/* --- numbers ---------------------------------------------------------- */

typedef struct {
    const char  *table;                /* "orders", "cards", ... */
    uint64_t     used;
    uint64_t     capacity;
} fk_usage_t;

#define FK_USAGE_COUNT          12

void fk_usage(fk_t *fk, fk_usage_t out[FK_USAGE_COUNT]);

/*
 * Counters shared by all processes: atomic, lock-free, never reset.  The
 * engine counts recoveries; slots from FK_STAT_USER on belong to the caller.
 */
enum {
    FK_STAT_LOCK_RECOVERIES = 0,
    FK_STAT_ROLLBACKS,
    FK_STAT_LOCK_TIMEOUTS,
    FK_STAT_USER = 8,
    FK_STAT_COUNT = 256
};

void fk_stat_add(fk_t *fk, unsigned stat, uint64_t n);
/* For slots that hold a value, and not a count. */
void fk_stat_set(fk_t *fk, unsigned stat, uint64_t n);
uint64_t fk_stat_get(const fk_t *fk, unsigned stat);

/*
 * What one of all processes shall do every so often: 1 for whoever asks first
 * when every_ms have passed since somebody was told so.  now_ms: as for
 * fk_flush_take.
 */
typedef enum {
    FK_DUTY_OWNER = 0,                 /* to say that this server sells */
    FK_DUTY_ARCHIVE,                   /* to look for finished orders */
    FK_DUTY_COUNT
} fk_duty_t;

int fk_duty_take(fk_t *fk, fk_duty_t duty, int64_t now_ms, int64_t every_ms);

/* CRC-32C of data, which follows data whose sum is crc (0: nothing). */
uint32_t fk_crc32c(uint32_t crc, const void *data, size_t size);


#include "fk_account.h"
#include "fk_refund.h"                     /* the archive shows payments */
#include "fk_archive.h"
#include "fk_due.h"
#include "fk_import.h"
#include "fk_news.h"
#include "fk_product.h"
#include "fk_proof.h"
#include "fk_rules.h"
#include "fk_terms.h"
#include "fk_sale.h"


#endif /* FK_H_INCLUDED_ */

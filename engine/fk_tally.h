/*
 * Tallies, levels and coupons, as the files of engine/ share them: what an
 * order adds to them, and what they make of its price.  Private to engine/;
 * unit tests may include it.
 */

#ifndef FK_TALLY_H_INCLUDED_
#define FK_TALLY_H_INCLUDED_


#include "fk_priv.h"


/* The most that one order's tallies and coupon write into a record. */
#define FK_IMAGE_TALLIES_SIZE  (FK_TALLY_COUNT * FK_IMAGE_TALLY_SIZE)
#define FK_IMAGE_TERMS_SIZE    (FK_IMAGE_TALLIES_SIZE + FK_IMAGE_COUPON_SIZE)


/* --- fk_tally.c ------------------------------------------------------- */

uint32_t *fk_tally_bucket(const fk_t *fk, const uint8_t *key);
uint32_t fk_tally_find(const fk_t *fk, uint8_t kind, const uint8_t *key);
uint32_t fk_tally_find_in(const fk_t *fk, const uint32_t *bucket,
    uint8_t kind, const uint8_t *key);

/* A new one, empty, in the index; the room must be there. */
uint32_t fk_tally_take(fk_t *fk, uint32_t *bucket, uint8_t kind,
    const uint8_t *key);

/*
 * Whether nothing is in it that must be kept, so that it goes with the last
 * order that points at it.
 */
int fk_tally_empty(const fk_tally_rec_t *t);
/* .. nothing but a level that was set by hand. */
int fk_tally_orderless(const fk_tally_rec_t *t);
void fk_tally_free(fk_t *fk, uint32_t tally);

/*
 * A quarter of the slots is for limits and coupons alone: they must be kept,
 * and a buyer's own tally can be done without.
 */
uint32_t fk_tally_kept(const fk_t *fk);

/*
 * Forgets a buyer of whom no order is in the region and who has no level by
 * hand, but not the tally `but`; of those that a bounded look comes by, the
 * one who paid least lately.  0: there was none, or a snapshot walks, or no
 * room in the ring.  A transaction of its own, before the caller's first
 * store: slots are taken or freed, not both.
 */
int fk_tally_forget(fk_t *fk, const fk_env_t *env, uint32_t but,
    uint32_t look);

/* The slots that a look comes by: for a buyer, and for what must be kept. */
#define FK_TALLY_LOOK_SHORT  64
#define FK_TALLY_LOOK_LONG   1024

/*
 * Whether a buyer's own tally may be taken, beside need others for which there
 * is room.  May forget another buyer for it.
 */
int fk_tally_buyer_room(fk_t *fk, const fk_env_t *env, uint32_t need);

/* What an order in this state adds, but for the amount: payments do that. */
fk_share_t fk_tally_share(uint8_t kind, uint32_t qty, const fk_axes_t *axes);

/*
 * What its parts that were given back add to its buyer: their amount, below
 * 0, and with the last unit of what was paid the order itself.
 * fk_order_returned: of an order in the region.
 */
fk_share_t fk_share_returned(uint32_t qty, int64_t paid, int64_t returned);
fk_share_t fk_order_returned(const fk_t *fk, const fk_order_rec_t *o);

/*
 * The order's tallies and its coupon follow from one state to another; NULL:
 * it was not there before, or is not there any more.  Audit included.
 */
void fk_tally_book(fk_t *fk, uint32_t order, const fk_axes_t *was,
    const fk_axes_t *is);

/* The parts of an order begin to count (1), or cease to (-1), as far as they
 * do: while it is paid.  See fk_tally_book. */
void fk_tally_parts(fk_t *fk, uint32_t order, int sign);

/* A payment of the order comes, changes or goes: see fk_audit_payment. */
void fk_tally_payment(fk_t *fk, uint32_t payment, unsigned was, unsigned is);

/* Whether so much more can be applied to the orders of this one's buyer. */
int fk_tally_room(const fk_t *fk, const fk_order_rec_t *o, int64_t amount);
int fk_tally_bears(const fk_t *fk, uint32_t buyer, int64_t amount);

/* The order was paid now: its buyer's image, if it has one. */
void fk_tally_paid(fk_t *fk, const fk_env_t *env, const fk_order_rec_t *o);

/*
 * The order's share goes over to what is archived (sign 1) or comes back (-1).
 * fk_tally_archive_room: whether the sums bear it.  fk_archived_share: what it
 * is there; axes are the order's.  fk_tally_archived: when the order is gone,
 * or there again; frees what is empty, and records the rest with the coupon.
 */
int fk_tally_archive_room(const fk_t *fk, const fk_order_rec_t *o,
    const fk_archived_t *sum);
fk_share_t fk_archived_share(uint8_t kind, uint32_t qty,
    const fk_axes_t *axes, const fk_archived_t *sum);
void fk_tally_archive(fk_t *fk, uint32_t order, const fk_archived_t *sum,
    int sign);
void fk_tally_archived(fk_t *fk, const uint32_t tally[FK_TALLY_COUNT],
    uint32_t coupon);


/* --- fk_level.c ------------------------------------------------------- */

/* The level of a buyer; t may be NULL.  Slot, or 0. */
uint32_t fk_level_of(const fk_t *fk, const fk_tally_rec_t *t);
/* 0: of whom nothing is known. */
void fk_buyer_fill(const fk_t *fk, uint32_t tally, fk_buyer_view_t *out);


/* --- fk_coupon.c ------------------------------------------------------ */

uint32_t *fk_coupon_bucket(const fk_t *fk, const char *code, size_t size);

/* Whether a coupon can be kept under it: nothing else is ever looked for. */
int fk_coupon_code_good(const char *code, size_t size);

/* By its code as somebody typed it; 0: none. */
uint32_t fk_coupon_find(const fk_t *fk, fk_str_t code);

/* What it leaves of a total; see fk_coupon_price. */
int64_t fk_coupon_left(const fk_coupon_rec_t *c, int64_t total);


/* --- fk_deal.c: what a checkout is about to get ----------------------- */

typedef struct {
    uint32_t  *bucket[FK_TALLY_COUNT]; /* of those that may be asked for */
    uint32_t   tally[FK_TALLY_COUNT];  /* 0: none, or to be made */
    uint8_t    wanted[FK_TALLY_COUNT]; /* 1: the order needs it */
    uint32_t   coupon;
    int64_t    step[FK_STEP_COUNT];
    const char  *channel;              /* which it is paid by, of in */
    uint32_t   payer;                  /* who pays it from a balance, or 0 */
    fk_split_plan_t  plan;             /* of what that one pays */
} fk_deal_t;

/* Before the lock: hashes what will be looked up, and fetches the lines. */
void fk_deal_begin(const fk_t *fk, const fk_checkout_t *in, fk_deal_t *deal);

/*
 * The buyer's limit, the coupon, the price, the channel.  FK_OK with the deal,
 * or FK_INVALID, FK_LIMIT, FK_COUPON and FK_CHANNEL (*why), FK_AGAIN.
 */
fk_code_t fk_deal_judge(const fk_t *fk, const fk_env_t *env,
    const fk_checkout_t *in, uint32_t product, fk_deal_t *deal,
    const char **why);

/*
 * Room for the tallies that are wanted and not there: FK_OK or FK_TABLE_FULL.
 * May forget buyers, so it comes before the ring is asked for room.
 */
fk_code_t fk_deal_room(fk_t *fk, const fk_env_t *env, fk_deal_t *deal);

/* Takes them. */
void fk_deal_take(fk_t *fk, const fk_checkout_t *in, fk_deal_t *deal,
    uint8_t taken[FK_TALLY_COUNT]);

/* The digest of that kind. */
const uint8_t *fk_deal_key(const fk_checkout_t *in, unsigned kind);


/* --- fk_split.c: of an order that is to be made; who paid ------------- */

/* As fk_split_plan, of an order of this product. */
fk_code_t fk_split_plan_of(const fk_t *fk, uint32_t product,
    const fk_split_t *in, int64_t paid, fk_split_plan_t *plan);

/* Whether a split has something at this place of its lines. */
static inline int
fk_line_there(const fk_split_rec_t *s, uint32_t place)
{
    return place < s->line_count
           || (place == FK_LINE_PAYER && s->line[place].account != 0);
}

/* What a payer has spent by an order in that state: all that is not given
 * back.  0, too, if nobody has paid it from a balance. */
int64_t fk_payer_net(const fk_split_rec_t *s, uint8_t axis_payment);


/* --- fk_pay.c --------------------------------------------------------- */

/* Money that is there already: all of an order's amount, under the order's id.
 * Room: one payment, FK_BLOCKS_FOR(FK_ORDER_TEXT_SIZE), FK_IMAGE_PAYMENT_SIZE;
 * fk_pay_used: its trade number is another payment's. */
uint32_t fk_pay_made(fk_t *fk, const fk_env_t *env, uint32_t order);
int fk_pay_used(const fk_t *fk, const char *channel, const fk_order_id_t *id);


/* --- fk_terms.c ------------------------------------------------------- */

/* Of a product's tiers. */
int64_t fk_tier_unit(const fk_tier_t *tier, uint32_t count, uint32_t qty,
    int64_t price);
/* Whether they ascend, and no amount of qty_max is beyond the limit. */
int fk_tiers_good(const fk_tier_t *tier, uint32_t count, uint16_t qty_max);
void fk_product_tiers(const fk_product_rec_t *p, fk_tier_t *tier);


/* --- fk_apply_terms.c: whether an order can point there --------------- */

int fk_tally_used(const fk_t *fk, uint32_t i);
int fk_level_used(const fk_t *fk, uint32_t i);
int fk_coupon_used(const fk_t *fk, uint32_t i);
/* Whether these are tallies of their kinds and a coupon, or 0. */
int fk_order_terms_there(const fk_t *fk,
    const uint32_t tally[FK_TALLY_COUNT], uint32_t coupon);


/* --- fk_audit.c, fk_audit_terms.c ------------------------------------- */

int fk_audit_passed(const fk_t *fk, uint32_t phase, uint32_t i);
void fk_audit_problem(fk_audit_totals_t *totals, const char *what,
    const char *name, const char *problem);

/* A slot of tallies or coupons comes (1) or goes (-1). */
void fk_audit_terms(fk_t *fk, fk_audit_phase_t compare, uint32_t i,
    int delta);

/* The slots of the audit's own phases. */
void fk_audit_reset_coupon(fk_t *fk, uint32_t i);
void fk_audit_reset_tally(fk_t *fk, uint32_t i);
void fk_audit_add_terms(fk_t *fk, const fk_order_rec_t *o);
void fk_audit_compare_coupon(fk_t *fk, uint32_t i);
void fk_audit_compare_tally(fk_t *fk, uint32_t i);


#endif /* FK_TALLY_H_INCLUDED_ */

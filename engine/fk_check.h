/*
 * What the files of fk_check() share.
 */

#ifndef FK_CHECK_H_INCLUDED_
#define FK_CHECK_H_INCLUDED_


#include "fk_priv.h"
#include "fk_text.h"


typedef struct {
    fk_t       *fk;
    fk_text_t   why;

    /* Found while the entities are walked, compared at the end. */
    uint32_t    used_count[FK_TABLE_COUNT];
    uint32_t    idem_count;            /* orders with an Idempotency-Key */
    uint32_t    wheel_count;
    uint32_t    waiting_count;         /* products with waiting orders */
    uint32_t    loading_count;
    uint32_t    aborted_count;
    uint64_t    payments_listed;
    uint64_t    splits_listed;
    uint64_t    lines_count;
    uint64_t    withdrawals_count;
    uint32_t    frozen_count;          /* splits in the settle wheel */
    uint64_t    blocks_count;
    uint64_t    blocks_sum;            /* of hashes: each block once */
} fk_check_t;


/* What fk_check_locked() does, in this order. */
typedef struct {
    const char  *name;
    fk_code_t  (*run)(fk_check_t *ck);
} fk_check_step_t;

#define FK_CHECK_STEPS  17

extern const fk_check_step_t  fk_check_steps[FK_CHECK_STEPS];


/* Says "WHAT I: PROBLEM"; always FK_CORRUPT. */
fk_code_t fk_check_bad(fk_check_t *ck, const char *what, uint64_t i,
    const char *problem);

extern const char *const  fk_check_table_name[FK_TABLE_COUNT];

/* Something, a NUL, and nothing behind it. */
int fk_check_text(const char *text, size_t size);

/* A chain of exactly the blocks for size bytes. */
int fk_check_blob(fk_check_t *ck, uint32_t first, uint32_t size);


/* Whether i is a slot with something in it; not for blocks. */
static inline int
fk_check_used(const fk_t *fk, fk_table_id_t id, uint32_t i)
{
    if (i == 0 || i > fk->region->table[id].fresh) {
        return 0;
    }

    switch (id) {
    case FK_TABLE_PRODUCTS:
        return FK_PRODUCT(fk, i)->used != 0;
    case FK_TABLE_BATCHES:
        return FK_BATCH(fk, i)->state != FK_BATCH_FREE;
    case FK_TABLE_CARDS:
        return FK_CARD(fk, i)->owner != FK_OWNER_FREE;
    case FK_TABLE_ORDERS:
        return FK_ORDER(fk, i)->used != 0;
    case FK_TABLE_LEVELS:
        return FK_LEVEL(fk, i)->used != 0;
    case FK_TABLE_COUPONS:
        return FK_COUPON_AT(fk, i)->used != 0;
    case FK_TABLE_TALLIES:
        return FK_TALLY(fk, i)->used != 0;
    case FK_TABLE_ACCOUNTS:
        return FK_ACCOUNT(fk, i)->used != 0;
    case FK_TABLE_SPLITS:
        return FK_SPLIT_ANY(fk, i)->used != 0;
    case FK_TABLE_WITHDRAWALS:
        return FK_WITHDRAWAL(fk, i)->used != 0;
    default:
        assert(id == FK_TABLE_PAYMENTS);
        return FK_PAYMENT(fk, i)->used != 0;
    }
}

/* Asks for slot i, if there is one, to be read a little later. */
static inline void
fk_check_fetch(const fk_t *fk, fk_table_id_t id, uint32_t i)
{
    if (i <= fk->region->table[id].fresh) {
        __builtin_prefetch(fk->base + fk->region->table[id].offset
                           + (uint64_t) i * fk->region->table[id].slot_size);
    }
}

/* Far apart for numbers that are close: sums do not agree by chance. */
static inline uint64_t
fk_check_mix(uint32_t i)
{
    uint64_t  x;

    x = (i + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 32;
    x *= UINT64_C(0xff51afd7ed558ccd);

    return x ^ (x >> 29);
}


/* --- fk_check_index.c ------------------------------------------------- */

fk_code_t fk_check_indexes(fk_check_t *ck);


/* --- fk_check_ledger.c ------------------------------------------------ */

fk_code_t fk_check_accounts(fk_check_t *ck);
fk_code_t fk_check_ledger(fk_check_t *ck);
fk_code_t fk_check_settle(fk_check_t *ck);
const char *fk_check_split(fk_check_t *ck, uint32_t order);
int fk_check_merchant(const fk_t *fk, const fk_product_rec_t *p);


/* --- fk_check_terms.c: what buyers have ------------------------------- */

void fk_check_reset_terms(fk_check_t *ck);
const char *fk_check_order_terms(fk_check_t *ck, const fk_order_rec_t *o);
fk_code_t fk_check_terms(fk_check_t *ck);
int fk_check_tiers(const fk_product_rec_t *p);


/* --- fk_check_shop.c: the entities ------------------------------------ */

/* Whether an order can have come to this state at all. */
int fk_axes_possible(const fk_axes_t *axes);

/* Whether an order of that amount can be so: nobody waits for nothing. */
static inline int
fk_amount_good(int64_t amount, uint8_t axis_payment)
{
    return amount > 0 || (amount == 0 && axis_payment != FK_PAYMENT_UNPAID);
}

fk_code_t fk_check_cards(fk_check_t *ck);
fk_code_t fk_check_orders(fk_check_t *ck);
fk_code_t fk_check_payments(fk_check_t *ck);
fk_code_t fk_check_batches(fk_check_t *ck);
fk_code_t fk_check_products(fk_check_t *ck);


#endif /* FK_CHECK_H_INCLUDED_ */

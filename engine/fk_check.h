/*
 * What the two files of fk_check() share.
 */

#ifndef FK_CHECK_H_INCLUDED_
#define FK_CHECK_H_INCLUDED_


#include "fk_priv.h"
#include "fk_text.h"


typedef struct {
    fk_t       *fk;
    fk_text_t   why;

    /* Found while the entities are walked, compared at the end. */
    uint64_t    blocks_count;
    uint64_t    blocks_sum;            /* of hashes: each block once */
    uint64_t    payments_count;        /* in the lists of orders */
    uint32_t    wheel_count;
    uint32_t    waiting_count;         /* products with waiting orders */
    uint32_t    loading_count;
    uint32_t    aborted_count;
} fk_check_t;


/* Says "WHAT I: PROBLEM"; always FK_CORRUPT. */
fk_code_t fk_check_bad(fk_check_t *ck, const char *what, uint64_t i,
    const char *problem);

/* Whether i is a slot with something in it. */
int fk_check_used(const fk_t *fk, fk_table_id_t id, uint32_t i);

/* A chain of exactly the blocks for size bytes. */
int fk_check_blob(fk_check_t *ck, uint32_t first, uint32_t size);


/* --- fk_check_shop.c: the entities ------------------------------------ */

/* Whether an order can have come to this state at all. */
int fk_axes_possible(const fk_axes_t *axes);

fk_code_t fk_check_cards(fk_check_t *ck);
fk_code_t fk_check_twins(fk_check_t *ck);
fk_code_t fk_check_orders(fk_check_t *ck);
fk_code_t fk_check_payments(fk_check_t *ck);
fk_code_t fk_check_batches(fk_check_t *ck);
fk_code_t fk_check_products(fk_check_t *ck);


#endif /* FK_CHECK_H_INCLUDED_ */

/*
 * Images as JSON, and members of them: shared by the files that print.
 */

#ifndef JOURNAL_IMAGE_H_INCLUDED_
#define JOURNAL_IMAGE_H_INCLUDED_


#include <jansson.h>

#include "journal.h"


/* Bytes that are no UTF-8 are shown as hex: nothing is lost. */
void journal_set_text(json_t *object, const char *name, const void *text,
    size_t size);
void journal_set_hex(json_t *object, const char *name, const uint8_t *bytes,
    size_t size);
void journal_set_id(json_t *object, const char *name,
    const uint8_t id[FK_ORDER_ID_SIZE]);
void journal_set_number(json_t *object, const char *name, int64_t number);

/* journal_ledger.c: commission.  An agent's token is not shown, not even its
 * digest. */
json_t *journal_json_account(const fk_image_t *image);
json_t *journal_json_split(const fk_image_t *image);
json_t *journal_json_withdrawal(const fk_image_t *image);

/* journal_terms.c: what buyers have. */
json_t *journal_json_level(const fk_image_t *image);
json_t *journal_json_coupon(const fk_image_t *image);
json_t *journal_json_tally(const fk_image_t *image);

/* The product's limit and tiers, and the buyer's part of an order. */
void journal_set_product_terms(json_t *object, const fk_image_product_t *p);
void journal_set_order_terms(json_t *object, const fk_image_order_t *o);


#endif /* JOURNAL_IMAGE_H_INCLUDED_ */

/*
 * Members of JSON objects, as `print` writes them, and the images of the
 * ledger in JSON: what journal_json.c has for journal_print.c.
 */

#ifndef JOURNAL_JSON_H_INCLUDED_
#define JOURNAL_JSON_H_INCLUDED_


#include <jansson.h>

#include "journal.h"


/* Bytes that are no UTF-8 are shown as hex: nothing is lost. */
void journal_set_text(json_t *object, const char *name, const void *text,
    size_t size);
/* Of more than JOURNAL_HEX_SIZE_MAX bytes the first. */
void journal_set_hex(json_t *object, const char *name, const uint8_t *bytes,
    size_t size);
void journal_set_id(json_t *object, const char *name,
    const uint8_t id[FK_ORDER_ID_SIZE]);
void journal_set_number(json_t *object, const char *name, int64_t number);

/* An agent's token is not shown, not even its digest. */
json_t *journal_json_account(const fk_image_t *image);
json_t *journal_json_split(const fk_image_t *image);
json_t *journal_json_withdrawal(const fk_image_t *image);


#endif /* JOURNAL_JSON_H_INCLUDED_ */

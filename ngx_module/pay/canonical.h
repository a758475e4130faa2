/*
 * The string that form-based gateways sign: fields sorted by name in byte
 * order, name=value joined with "&", values decoded and not escaped.
 *
 * All that was received is in it, also names that we do not know: a fixed list
 * would leave room for unsigned fields.  It is hashed and never split into
 * fields again, for its values are not escaped.
 */

#ifndef FAKA_PAY_CANONICAL_H_INCLUDED_
#define FAKA_PAY_CANONICAL_H_INCLUDED_


#include "form.h"


/* Decoded text never outgrows the form that it came in. */

typedef struct {
    unsigned char  data[PAY_FORM_INPUT_SIZE_MAX];
    size_t         size;
} pay_canonical_t;

/* What one gateway leaves out of it. */

typedef struct {
    const char  *skip[2];              /* names; NULL: no more */
    bool         keep_empty;           /* "name=" of an empty value */
} pay_canonical_rules_t;


/* The string for form, which has at most PAY_FORM_INPUT_SIZE_MAX bytes of
 * names, values, "=" and "&" (asserted). */

void pay_canonical(pay_canonical_t *text, const pay_form_t *form,
    const pay_canonical_rules_t *rules);


#endif /* FAKA_PAY_CANONICAL_H_INCLUDED_ */

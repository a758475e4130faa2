/*
 * A strict parser of application/x-www-form-urlencoded: payment notices
 * (query or body) and the body of a checkout form.
 *
 * The grammar it accepts, and nothing else:
 *
 *     input = "" | pair *( "&" pair )
 *     pair  = name "=" value              split at the first "="
 *     name  = 1*64 of A-Z a-z 0-9 _ . -   literal: no escapes, exact case
 *     value = up to 2048 bytes once decoded: "+" is a space, %XX a byte,
 *             decoded exactly once; raw control characters and spaces and a
 *             bad or cut escape are errors
 *
 * No name may occur twice.  There is no "first wins" and no "last wins", so
 * two readers of one input can never see different values.
 *
 * No allocation, no globals; time is linear in the input, plus the square
 * of the number of fields, which is bounded.
 */

#ifndef FAKA_PAY_FORM_H_INCLUDED_
#define FAKA_PAY_FORM_H_INCLUDED_


#include "pay_str.h"


#define PAY_FORM_FIELD_COUNT_MAX  64
#define PAY_FORM_NAME_SIZE_MAX    64
#define PAY_FORM_VALUE_SIZE_MAX   2048
#define PAY_FORM_INPUT_SIZE_MAX   16384


/* X(name, text for an error answer) */

#define PAY_FORM_CODES(X)                                                     \
    X(OK,         "well-formed")                                              \
    X(TOO_LARGE,  "the form is too large")                                    \
    X(TOO_MANY,   "the form has too many fields")                             \
    X(NAME,       "a field name is empty, too long or has a character "       \
                  "outside A-Z a-z 0-9 _ . -")                                \
    X(NO_VALUE,   "the field has no = and no value")                          \
    X(DUPLICATE,  "the field is given twice")                                 \
    X(ESCAPE,     "the value has a bad or unfinished percent escape")         \
    X(RAW,        "the value has a space or control character that is not "   \
                  "percent-encoded")                                          \
    X(VALUE_SIZE, "the value is too long")                                    \
    X(TEXT,       "the value is not UTF-8 text")

typedef enum {
#define X(name, text)  PAY_FORM_##name,
    PAY_FORM_CODES(X)
#undef X
    PAY_FORM_CODE_COUNT
} pay_form_code_e;


/*
 * BYTES: a value may hold any byte.  For signed notices: a signature is
 * checked over bytes first, and what is used later is checked by its own
 * alphabet.
 * TEXT: each value must be valid UTF-8 without NUL.  For forms of buyers.
 */

typedef enum {
    PAY_FORM_BYTES,
    PAY_FORM_AS_TEXT
} pay_form_mode_e;


typedef struct {
    pay_str_t  name;
    pay_str_t  value;
} pay_field_t;

typedef struct {
    pay_field_t  fields[PAY_FORM_FIELD_COUNT_MAX];
    size_t       field_count;
} pay_form_t;


/*
 * Parses input into form, in the order received.  Names point into input,
 * decoded values into buffer: both must outlive the form.  buffer_size >=
 * input.size is always enough, and required (asserted).
 *
 * Returns PAY_FORM_OK, or the first error; *offender then is the name of the
 * field at fault, a part of input, or empty if there is none to show.  It
 * never holds a byte outside the name alphabet nor more than 64 bytes, so it
 * can be logged and shown as it is.  On an error the form is empty.
 */

pay_form_code_e pay_form_parse(pay_form_t *form, pay_str_t input,
    pay_form_mode_e mode, unsigned char *buffer, size_t buffer_size,
    pay_str_t *offender);

/* The field of exactly this name, or NULL. */

const pay_field_t *pay_form_find(const pay_form_t *form, const char *name);

const char *pay_form_text(pay_form_code_e code);


#endif /* FAKA_PAY_FORM_H_INCLUDED_ */

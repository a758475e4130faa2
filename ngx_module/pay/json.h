/*
 * A strict reader of JSON (RFC 8259), for replies and notices of gateways and
 * the bodies of requests.
 *
 * It is our own because a signature asks for what no library at hand gives:
 * the exact bytes of a value (Alipay signs those of an inner object), the
 * digits of a number as they came (epusdt signs them), and that an object
 * with two members of one name is refused, not read as one of the two.
 *
 * Refused besides, though some readers take it: anything behind the value, a
 * byte order mark, what is not UTF-8, lone surrogates, nesting deeper than
 * PAY_JSON_DEPTH_MAX.
 *
 * No allocation, no globals, no floating point.  A text becomes an array of
 * tokens that the caller supplies; they point into the text, which outlives
 * them.  Time is linear in the text, plus the square of an object's members,
 * of which there are PAY_JSON_MEMBERS_MAX at most.
 */

#ifndef FAKA_PAY_JSON_H_INCLUDED_
#define FAKA_PAY_JSON_H_INCLUDED_


#include "pay_str.h"


#define PAY_JSON_DEPTH_MAX    16
#define PAY_JSON_MEMBERS_MAX  256      /* of one object */
#define PAY_JSON_SIZE_MAX     (1024 * 1024)


typedef enum {
    PAY_JSON_OK,
    PAY_JSON_MALFORMED,        /* not of the grammar */
    PAY_JSON_TRAILING,         /* something stands behind the value */
    PAY_JSON_UTF8,             /* bytes that are not UTF-8 */
    PAY_JSON_TOO_DEEP,
    PAY_JSON_DUPLICATE,        /* two members of one name in an object */
    PAY_JSON_TOO_LARGE         /* text, an object, more values than tokens */
} pay_json_code_e;

typedef enum {
    PAY_JSON_NULL,
    PAY_JSON_FALSE,
    PAY_JSON_TRUE,
    PAY_JSON_NUMBER,
    PAY_JSON_STRING,
    PAY_JSON_ARRAY,
    PAY_JSON_OBJECT
} pay_json_type_e;

/*
 * One value, or the name of a member, which stands right before its value.
 * What a value holds follows it: span counts both, so token + span is what
 * comes next.
 */

typedef struct {
    pay_str_t        raw;      /* its bytes in the text, quotes included */
    uint32_t         span;
    pay_json_type_e  type;
    bool             escaped;  /* a string with a backslash in it */
} pay_json_token_t;


/*
 * Reads all of text; tokens[0] is the outermost value.  On an error the
 * tokens mean nothing; *wrong, unless it is NULL, is how many bytes of text
 * stand in front of what is wrong.
 */

pay_json_code_e pay_json_read(pay_str_t text, pay_json_token_t *tokens,
    size_t token_count_max, size_t *wrong);


/*
 * Every function below takes NULL for a token and treats it as a value of
 * another type, so that a search can be written without a check on each step.
 */

/* The value of the member of this name, to the letter; NULL: there is none,
 * or this is no object. */

const pay_json_token_t *pay_json_find(const pay_json_token_t *object,
    const char *name);

/* Walks the members of an object as they came, beginning with *name NULL.
 * false: no more. */

bool pay_json_member(const pay_json_token_t *object,
    const pay_json_token_t **name, const pay_json_token_t **value);

/* The value behind item in an array, the first one for NULL; NULL: no more. */

const pay_json_token_t *pay_json_item(const pay_json_token_t *array,
    const pay_json_token_t *item);

/*
 * The text of a string, without its escapes, not terminated.  false: no
 * string, of more than out_size bytes, or with a NUL in it, which ends a text
 * for somebody; *size is 0 then.
 */

bool pay_json_string(const pay_json_token_t *token, void *out,
    size_t out_size, size_t *size);

/* A string that says this? */

bool pay_json_is(const pay_json_token_t *token, const char *text);

/* An integer: no fraction, no exponent, no "-0", within 64 bits. */

bool pay_json_integer(const pay_json_token_t *token, int64_t *value);

/* Any number, as it is written. */

bool pay_json_number(const pay_json_token_t *token, pay_str_t *digits);

bool pay_json_bool(const pay_json_token_t *token, bool *value);


#endif /* FAKA_PAY_JSON_H_INCLUDED_ */

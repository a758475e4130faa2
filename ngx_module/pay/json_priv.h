/*
 * What the two halves of the JSON reader share.  Private to json*.c.
 */

#ifndef FAKA_PAY_JSON_PRIV_H_INCLUDED_
#define FAKA_PAY_JSON_PRIV_H_INCLUDED_


#include "json.h"


/* A string without its quotes. */

pay_str_t pay_json_inside(const pay_json_token_t *token);

/* Takes one character off the inside of a string that was read, and so is
 * well-formed. */

uint32_t pay_json_point(pay_str_t *text);

/* Four hex digits; above 0xffff if they are none. */

uint32_t pay_json_hex(const unsigned char *digits);


static inline bool
pay_json_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}


#endif /* FAKA_PAY_JSON_PRIV_H_INCLUDED_ */

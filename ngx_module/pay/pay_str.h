/*
 * A counted run of bytes that somebody else owns.
 *
 * It is not terminated and may hold any byte, NUL included.  size 0 means
 * empty or absent; data may then be NULL.
 */

#ifndef FAKA_PAY_STR_H_INCLUDED_
#define FAKA_PAY_STR_H_INCLUDED_


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>


typedef struct {
    const unsigned char  *data;
    size_t                size;
} pay_str_t;


/* A string literal as pay_str_t; the empty literal concatenated to it makes
 * the compiler refuse anything else. */

#define PAY_STR(literal)                                                      \
    ((pay_str_t) { (const unsigned char *) ("" literal), sizeof(literal) - 1 })


static inline pay_str_t
pay_str(const void *data, size_t size)
{
    return (pay_str_t) { (const unsigned char *) data, size };
}


/* Up to the NUL. */

static inline pay_str_t
pay_text(const char *text)
{
    return pay_str(text, strlen(text));
}


/* Not for secrets: the time it takes tells where the two differ. */

static inline bool
pay_str_eq(pay_str_t a, pay_str_t b)
{
    return a.size == b.size
           && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}


#endif /* FAKA_PAY_STR_H_INCLUDED_ */

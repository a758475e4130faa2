/* Bytes written as hex in the tests of pay/. */

#ifndef FAKA_PAY_HEX_H_INCLUDED_
#define FAKA_PAY_HEX_H_INCLUDED_


#include "tap.h"


#define HEX_SIZE_MAX  256


static void
hex_decode(const char *hex, unsigned char out[HEX_SIZE_MAX], size_t *size)
{
    unsigned  byte;

    for (*size = 0; sscanf(hex + 2 * *size, "%2x", &byte) == 1; (*size)++) {
        out[*size] = (unsigned char) byte;
    }
}


__attribute__((unused))
static void
hex_eq(const unsigned char *got, size_t got_size, const char *want,
    const char *what)
{
    size_t         size;
    unsigned char  bytes[HEX_SIZE_MAX];

    hex_decode(want, bytes, &size);
    EQ_MEM(got, got_size, bytes, size, "%s", what);
}


#endif /* FAKA_PAY_HEX_H_INCLUDED_ */

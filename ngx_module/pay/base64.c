/*
 * Strict base64.
 */

#include "base64.h"

#include <string.h>


/* 1 to 64: a letter's value and one; 0: not a letter. */

static const uint8_t  letter_values[256] = {
    ['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
    20, 21, 22, 23, 24, 25, 26,
    ['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 52,
    ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
    ['+'] = 63, ['/'] = 64
};


static bool decode_four(const unsigned char text[4], unsigned char out[3]);


bool
pay_base64_decode(pay_str_t text, unsigned char *out, size_t out_size,
    size_t *size)
{
    size_t         i, whole, padding;
    unsigned char  last[4], bytes[3];

    *size = 0;

    if (text.size == 0) {
        return true;
    }

    if (text.size % 4 != 0) {
        return false;
    }

    padding = text.data[text.size - 1] != '=' ? 0
              : text.data[text.size - 2] != '=' ? 1 : 2;
    whole = text.size / 4 - 1;

    if (whole * 3 + 3 - padding > out_size) {
        return false;
    }

    for (i = 0; i < whole; i++) {
        if (!decode_four(text.data + 4 * i, out + 3 * i)) {
            return false;
        }
    }

    memcpy(last, text.data + 4 * whole, sizeof(last));
    memset(last + sizeof(last) - padding, 'A', padding);

    if (!decode_four(last, bytes)) {
        return false;
    }

    /* What is left over belongs to no byte. */
    for (i = sizeof(bytes) - padding; i < sizeof(bytes); i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }

    memcpy(out + 3 * whole, bytes, sizeof(bytes) - padding);
    *size = whole * 3 + sizeof(bytes) - padding;

    return true;
}


static bool
decode_four(const unsigned char text[4], unsigned char out[3])
{
    uint32_t  a, b, c, d, bits;

    /* What is not a letter becomes the largest number. */
    a = letter_values[text[0]] - 1u;
    b = letter_values[text[1]] - 1u;
    c = letter_values[text[2]] - 1u;
    d = letter_values[text[3]] - 1u;

    if ((a | b | c | d) > 63) {
        return false;
    }

    bits = a << 18 | b << 12 | c << 6 | d;

    out[0] = (unsigned char) (bits >> 16);
    out[1] = (unsigned char) (bits >> 8);
    out[2] = (unsigned char) bits;

    return true;
}


void
pay_base64_encode(const unsigned char *data, size_t size, char *out)
{
    size_t             i, left;
    uint32_t           bits;
    static const char  letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789+/";

    for (i = 0; i < size; i += 3) {
        left = size - i;
        bits = (uint32_t) data[i] << 16;
        bits |= left > 1 ? (uint32_t) data[i + 1] << 8 : 0;
        bits |= left > 2 ? (uint32_t) data[i + 2] : 0;

        *out++ = letters[bits >> 18];
        *out++ = letters[bits >> 12 & 0x3f];
        *out++ = left > 1 ? letters[bits >> 6 & 0x3f] : '=';
        *out++ = left > 2 ? letters[bits & 0x3f] : '=';
    }
}

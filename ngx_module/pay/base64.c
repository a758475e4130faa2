/*
 * Strict base64.
 */

#include "base64.h"


static int value_of(unsigned char c);


bool
pay_base64_decode(pay_str_t text, unsigned char *out, size_t out_size,
    size_t *size)
{
    int       value;
    size_t    i, j, padding;
    uint32_t  bits;

    *size = 0;

    if (text.size == 0) {
        return true;
    }

    if (text.size % 4 != 0) {
        return false;
    }

    padding = text.data[text.size - 1] != '=' ? 0
              : text.data[text.size - 2] != '=' ? 1 : 2;

    if (text.size / 4 * 3 - padding > out_size) {
        return false;
    }

    for (i = 0, j = 0, bits = 0; i < text.size - padding; i++) {
        value = value_of(text.data[i]);

        if (value == -1) {
            return false;
        }

        bits = bits << 6 | (uint32_t) value;

        if (i % 4 != 0) {
            out[j++] = (unsigned char) (bits >> (6 - 2 * (i % 4)));
        }
    }

    /* What is left over belongs to no byte. */
    if (padding != 0 && (bits & (padding == 1 ? 0x3u : 0xfu)) != 0) {
        return false;
    }

    *size = j;

    return true;
}


static int
value_of(unsigned char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }

    return c == '+' ? 62 : c == '/' ? 63 : -1;
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

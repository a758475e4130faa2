/*
 * Order ids: 48 bits of milliseconds, then 80 random bits, so that ids sort
 * by time and cannot be guessed.  As text they are 26 characters of
 * Crockford's base32 (130 bits: the first character holds only three), upper
 * case, and one id has exactly one text.
 *
 * Whether the random bytes are good is the caller's business.
 */

#include <string.h>

#include "fk.h"


static const char  fk_base32[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

_Static_assert(sizeof(fk_base32) == 32 + 1, "32 digits");
_Static_assert(FK_ORDER_ID_SIZE * 8 + 2 == FK_ORDER_TEXT_SIZE * 5,
               "the text holds the id and two leading zero bits");


static int fk_base32_value(uint8_t c);


void
fk_order_id_make(fk_order_id_t *id, int64_t now_ms, const uint8_t random[10])
{
    unsigned  i;

    for (i = 0; i < 6; i++) {
        id->bytes[i] = (uint8_t) ((uint64_t) now_ms >> (40 - 8 * i));
    }

    memcpy(id->bytes + 6, random, 10);
}


void
fk_order_id_text(const fk_order_id_t *id, char text[FK_ORDER_TEXT_SIZE])
{
    unsigned  i, at;
    uint64_t  high, low;

    high = 0;
    low = 0;

    for (i = 0; i < FK_ORDER_ID_SIZE / 2; i++) {
        high = high << 8 | id->bytes[i];
        low = low << 8 | id->bytes[FK_ORDER_ID_SIZE / 2 + i];
    }

    /* From the end, five bits each; two zero bits lead. */
    for (at = FK_ORDER_TEXT_SIZE; at-- > 0; ) {
        text[at] = fk_base32[low & 31];
        low = low >> 5 | high << 59;
        high >>= 5;
    }
}


fk_code_t
fk_order_id_parse(fk_order_id_t *id, const uint8_t *text, size_t size)
{
    int            value;
    unsigned       i, at, bits, pending;
    fk_order_id_t  parsed;

    if (size != FK_ORDER_TEXT_SIZE) {
        return FK_INVALID;
    }

    at = 0;
    bits = 0;
    pending = 0;
    memset(&parsed, 0, sizeof(parsed));

    for (i = 0; i < FK_ORDER_TEXT_SIZE; i++) {
        value = fk_base32_value(text[i]);

        /* A larger first digit would be a second text of some id. */
        if (value == -1 || (i == 0 && value > 7)) {
            return FK_INVALID;
        }

        pending = (pending << 5) | (unsigned) value;
        bits += i == 0 ? 3 : 5;

        if (bits >= 8) {
            bits -= 8;
            parsed.bytes[at++] = (uint8_t) (pending >> bits);
            pending &= (1u << bits) - 1;
        }
    }

    *id = parsed;
    return FK_OK;
}


static int
fk_base32_value(uint8_t c)
{
    const char  *p;

    if (c == '\0') {
        return -1;
    }

    p = strchr(fk_base32, c);
    return p == NULL ? -1 : (int) (p - fk_base32);
}

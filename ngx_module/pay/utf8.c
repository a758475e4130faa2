/*
 * UTF-8 validation; see utf8.h.
 *
 * The ranges of the second byte are what makes it strict: E0 and F0 start
 * overlong forms, ED surrogates and F4 what lies above U+10FFFF, and each is
 * excluded by narrowing that one byte (RFC 3629, section 4).
 */

#include "utf8.h"


#define UTF8_HIGH_BITS  0x8080808080808080u


static size_t sequence_size(const unsigned char *p, size_t left_size);
static bool is_tail(unsigned char c);


bool
pay_utf8_valid(pay_str_t text)
{
    return pay_utf8_prefix(text) == text.size;
}


size_t
pay_utf8_prefix(pay_str_t text)
{
    size_t                size;
    uint64_t              word;
    const unsigned char  *p, *end;

    if (text.size == 0) {
        return 0;
    }

    p = text.data;
    end = text.data + text.size;

    /* memcpy: the text has no alignment; it compiles to one load. */

    while (p < end) {
        if ((size_t) (end - p) >= sizeof(word)) {
            memcpy(&word, p, sizeof(word));

            if ((word & UTF8_HIGH_BITS) == 0) {
                p += sizeof(word);
                continue;
            }
        }

        size = sequence_size(p, (size_t) (end - p));
        if (size == 0) {
            break;
        }

        p += size;
    }

    return (size_t) (p - text.data);
}


bool
pay_utf8_printable(pay_str_t text)
{
    size_t         i;
    unsigned char  c;

    if (!pay_utf8_valid(text)) {
        return false;
    }

    for (i = 0; i < text.size; i++) {
        c = text.data[i];

        if (c < 0x20 || c == 0x7f) {
            return false;
        }

        /* U+0080 to U+009F are C2 80 to C2 9F; the text is valid, so the
         * second byte is there. */

        if (c == 0xc2 && text.data[i + 1] < 0xa0) {
            return false;
        }
    }

    return true;
}


/* The size of the well-formed sequence at p, 0 if there is none. */

static size_t
sequence_size(const unsigned char *p, size_t left_size)
{
    unsigned char  lead, low, high;

    lead = p[0];

    if (lead < 0x80) {
        return 1;
    }

    if (lead >= 0xc2 && lead <= 0xdf) {
        return left_size >= 2 && is_tail(p[1]) ? 2 : 0;
    }

    if (lead >= 0xe0 && lead <= 0xef) {
        low = lead == 0xe0 ? 0xa0 : 0x80;
        high = lead == 0xed ? 0x9f : 0xbf;

        return left_size >= 3 && p[1] >= low && p[1] <= high
               && is_tail(p[2]) ? 3 : 0;
    }

    if (lead >= 0xf0 && lead <= 0xf4) {
        low = lead == 0xf0 ? 0x90 : 0x80;
        high = lead == 0xf4 ? 0x8f : 0xbf;

        return left_size >= 4 && p[1] >= low && p[1] <= high
               && is_tail(p[2]) && is_tail(p[3]) ? 4 : 0;
    }

    return 0;
}


static bool
is_tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

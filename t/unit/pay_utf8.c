/*
 * UTF-8 validation against an independent reading of the standard: the
 * oracle decodes to a number and asks questions about the number, the code
 * under test compares ranges of bytes.
 */

#include "../../ngx_module/pay/utf8.h"

#include "tap.h"


/* The size of the sequence at p, 0 if it is not well-formed. */

static size_t
oracle(const unsigned char *p, size_t left)
{
    size_t                 i, size;
    uint32_t               code;
    static const uint32_t  least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    if (p[0] < 0x80) {
        return 1;
    }

    size = (p[0] & 0xe0) == 0xc0 ? 2
           : (p[0] & 0xf0) == 0xe0 ? 3
           : (p[0] & 0xf8) == 0xf0 ? 4 : 0;

    if (size == 0 || size > left) {
        return 0;
    }

    code = p[0] & (0xff >> (size + 1));

    for (i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }

        code = code << 6 | (p[i] & 0x3f);
    }

    if (code < least[size] || code > 0x10ffff
        || (code >= 0xd800 && code <= 0xdfff))
    {
        return 0;
    }

    return size;
}


static bool
oracle_valid(const unsigned char *p, size_t size)
{
    size_t  step;

    while (size > 0) {
        step = oracle(p, size);

        if (step == 0) {
            return false;
        }

        p += step;
        size -= step;
    }

    return true;
}


/* All sequences of one to three bytes, and of four bytes with the last two
 * at their edges. */

static void
test_exhaustive(void)
{
    size_t                      size, valid, wrong;
    uint32_t                    bits, i, j;
    unsigned char               text[4];
    static const unsigned char  edges[] = {
        0x00, 0x41, 0x7f, 0x80, 0x81, 0xbf, 0xc0, 0xff
    };

    for (size = 1; size <= 3; size++) {
        wrong = 0;
        valid = 0;

        for (bits = 0; bits < 1u << (8 * size); bits++) {
            text[0] = (unsigned char) bits;
            text[1] = (unsigned char) (bits >> 8);
            text[2] = (unsigned char) (bits >> 16);

            valid += oracle_valid(text, size);
            wrong += pay_utf8_valid(pay_str(text, size))
                     != oracle_valid(text, size);
        }

        EQ_INT(wrong, 0, "each text of %zu bytes, %zu of them valid", size,
               valid);
    }

    wrong = 0;
    valid = 0;

    for (bits = 0; bits < 1u << 16; bits++) {
        for (i = 0; i < sizeof(edges); i++) {
            for (j = 0; j < sizeof(edges); j++) {
                text[0] = (unsigned char) bits;
                text[1] = (unsigned char) (bits >> 8);
                text[2] = edges[i];
                text[3] = edges[j];

                valid += oracle_valid(text, 4);
                wrong += pay_utf8_valid(pay_str(text, 4))
                         != oracle_valid(text, 4);
            }
        }
    }

    EQ_INT(wrong, 0, "texts of 4 bytes, %zu of them valid", valid);
    OK(valid > 1000, "  valid ones are among them");
}


/* One bad byte at each place of a long text: neither the eight-byte step
 * nor its end may skip it; and the text ends where its memory ends. */

static void
test_positions(void)
{
    size_t          size, at, wrong;
    unsigned char  *text;

    wrong = 0;

    for (size = 1; size <= 40; size++) {
        text = malloc(size);
        memset(text, 'a', size);

        wrong += !pay_utf8_valid(pay_str(text, size));

        for (at = 0; at < size; at++) {
            text[at] = 0x80;
            wrong += pay_utf8_valid(pay_str(text, size));
            text[at] = 0xe4;
            wrong += pay_utf8_valid(pay_str(text, size));
            text[at] = 'a';
        }

        free(text);
    }

    EQ_INT(wrong, 0, "a bad byte is found wherever it stands");
}


static void
test_printable(void)
{
    OK(pay_utf8_valid(pay_str(NULL, 0)), "the empty text is valid");
    OK(pay_utf8_valid(PAY_STR("a\0b")), "NUL is a character of UTF-8");
    OK(pay_utf8_printable(PAY_STR("张三 <a@b.example> \xf0\x9f\x8e\xae")),
       "Chinese and emoji print");
    OK(pay_utf8_printable(PAY_STR("\xc2\xa0")), "U+00A0 prints");
    OK(!pay_utf8_printable(PAY_STR("\xc2\x80")), "U+0080 does not");
    OK(!pay_utf8_printable(PAY_STR("\xc2\x9f")), "U+009F does not");
    OK(!pay_utf8_printable(PAY_STR("a\0b")), "NUL does not");
    OK(!pay_utf8_printable(PAY_STR("a\x1f")), "U+001F does not");
    OK(!pay_utf8_printable(PAY_STR("a\r\n")), "CR and LF do not");
    OK(!pay_utf8_printable(PAY_STR("\x7f")), "DEL does not");
    OK(!pay_utf8_printable(PAY_STR("a\xff")), "what is not UTF-8 does not");
    OK(pay_utf8_printable(PAY_STR("\xe1\x82\x80")),
       "82 80 inside a longer character is no control character");
}


int
main(void)
{
    test_exhaustive();
    test_positions();
    test_printable();

    return tap_done();
}

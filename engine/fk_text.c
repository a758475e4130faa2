/*
 * Short texts without stdio: see fk_text.h.
 */

#include <assert.h>

#include "fk_text.h"


#define FK_DIGITS_MAX  20              /* of 2^63, and the NUL */


void
fk_text_init(fk_text_t *text, char *buf, size_t size)
{
    assert(size > 0);

    text->at = buf;
    text->left = size;
    buf[0] = '\0';
}


void
fk_text_add(fk_text_t *text, const char *words)
{
    while (*words != '\0' && text->left > 1) {
        *text->at++ = *words++;
        text->left--;
    }

    *text->at = '\0';
}


void
fk_text_num(fk_text_t *text, int64_t n)
{
    char      digits[FK_DIGITS_MAX], *p;
    uint64_t  rest;

    p = digits + sizeof(digits) - 1;
    *p = '\0';
    rest = n < 0 ? 0 - (uint64_t) n : (uint64_t) n;

    do {
        *--p = (char) ('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);

    if (n < 0) {
        fk_text_add(text, "-");
    }

    fk_text_add(text, p);
}

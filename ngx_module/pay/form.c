/*
 * Strict form parsing; the grammar and the promises stand in form.h.
 *
 * nginx's own helpers do not serve here: ngx_http_arg() ignores case and
 * takes the first of several, ngx_unescape_uri() leaves "+" alone and drops
 * bad escapes.  Each of these lets a signed reading and a business reading
 * of one notice differ, and that difference is how notices are forged.
 */

#include "form.h"
#include "utf8.h"

#include <assert.h>


static bool name_is_plain(pay_str_t name);
static bool name_is_taken(const pay_form_t *form, pay_str_t name);
static pay_form_code_e decode_value(pay_str_t raw, unsigned char *out,
    pay_str_t *value);
static pay_form_code_e parse_pair(pay_form_t *form, pay_str_t pair,
    pay_form_mode_e mode, unsigned char *out, pay_str_t *offender);


/* What a byte may be: itself in a value (no control, no space, neither + nor
 * %), and part of a name. */

#define LITERAL  0x1u
#define NAME     0x2u

static const uint8_t  byte_classes[256] = {
    ['!' ... '$'] = LITERAL,
    ['&' ... '*'] = LITERAL,
    [','] = LITERAL,
    ['-' ... '.'] = LITERAL | NAME,
    ['/'] = LITERAL,
    ['0' ... '9'] = LITERAL | NAME,
    [':' ... '@'] = LITERAL,
    ['A' ... 'Z'] = LITERAL | NAME,
    ['[' ... '^'] = LITERAL,
    ['_'] = LITERAL | NAME,
    ['`'] = LITERAL,
    ['a' ... 'z'] = LITERAL | NAME,
    ['{' ... '~'] = LITERAL,
    [0x80 ... 0xff] = LITERAL
};

/* 1 to 16: a digit's value and one; 0: not a digit. */

static const uint8_t  hex_digits[256] = {
    ['0'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ['A'] = 11, 12, 13, 14, 15, 16,
    ['a'] = 11, 12, 13, 14, 15, 16
};


static const char  *form_texts[] = {
#define X(name, text)  text,
    PAY_FORM_CODES(X)
#undef X
};


pay_form_code_e
pay_form_parse(pay_form_t *form, pay_str_t input, pay_form_mode_e mode,
    unsigned char *buffer, size_t buffer_size, pay_str_t *offender)
{
    size_t                size;
    pay_form_code_e       code;
    const unsigned char  *pos, *end, *amp;

    form->field_count = 0;
    *offender = PAY_STR("");

    if (input.size > PAY_FORM_INPUT_SIZE_MAX) {
        return PAY_FORM_TOO_LARGE;
    }

    if (input.size == 0) {
        return PAY_FORM_OK;
    }

    assert(buffer_size >= input.size);

    pos = input.data;
    end = input.data + input.size;

    for ( ;; ) {
        amp = memchr(pos, '&', (size_t) (end - pos));
        size = (size_t) ((amp != NULL ? amp : end) - pos);

        /* A value never grows, so its place in the input is room enough. */

        code = parse_pair(form, pay_str(pos, size), mode,
                          buffer + (pos - input.data), offender);

        if (code != PAY_FORM_OK) {
            form->field_count = 0;
            return code;
        }

        if (amp == NULL) {
            return PAY_FORM_OK;
        }

        /* After a last "&" the pair is empty, which parse_pair() refuses;
         * data + 0 bytes is still inside the input or one behind it. */

        pos = amp + 1;
    }
}


static pay_form_code_e
parse_pair(pay_form_t *form, pay_str_t pair, pay_form_mode_e mode,
    unsigned char *out, pay_str_t *offender)
{
    pay_str_t             name, raw;
    pay_field_t          *field;
    pay_form_code_e       code;
    const unsigned char  *equals;

    if (form->field_count == PAY_FORM_FIELD_COUNT_MAX) {
        return PAY_FORM_TOO_MANY;
    }

    equals = pair.size ? memchr(pair.data, '=', pair.size) : NULL;

    name = pay_str(pair.data, equals != NULL ? (size_t) (equals - pair.data)
                                             : pair.size);
    if (!name_is_plain(name)) {
        return PAY_FORM_NAME;
    }

    /* From here on the name is plain, and can be shown. */

    *offender = name;

    if (equals == NULL) {
        return PAY_FORM_NO_VALUE;
    }

    if (name_is_taken(form, name)) {
        return PAY_FORM_DUPLICATE;
    }

    field = &form->fields[form->field_count];
    raw = pay_str(equals + 1, pair.size - name.size - 1);

    code = decode_value(raw, out, &field->value);
    if (code != PAY_FORM_OK) {
        return code;
    }

    if (mode == PAY_FORM_AS_TEXT
        && (!pay_utf8_valid(field->value)
            || (field->value.size != 0
                && memchr(field->value.data, '\0', field->value.size)
                   != NULL)))
    {
        return PAY_FORM_TEXT;
    }

    field->name = name;
    form->field_count++;

    *offender = PAY_STR("");

    return PAY_FORM_OK;
}


/* The size is counted decoded: what a value may be does not depend on how it
 * was escaped. */

static pay_form_code_e
decode_value(pay_str_t raw, unsigned char *out, pay_str_t *value)
{
    size_t         i, size, high, low;
    unsigned char  c;

    size = 0;

    for (i = 0; i < raw.size; i++) {
        c = raw.data[i];

        if (byte_classes[c] & LITERAL) {
            out[size++] = c;

        } else if (c == '+') {
            out[size++] = ' ';

        } else if (c != '%') {
            return PAY_FORM_RAW;

        } else {
            if (raw.size - i < 3) {
                return PAY_FORM_ESCAPE;
            }

            high = hex_digits[raw.data[++i]];
            low = hex_digits[raw.data[++i]];

            if (high == 0 || low == 0) {
                return PAY_FORM_ESCAPE;
            }

            out[size++] = (unsigned char) ((high - 1) * 16 + low - 1);
        }
    }

    if (size > PAY_FORM_VALUE_SIZE_MAX) {
        return PAY_FORM_VALUE_SIZE;
    }

    *value = pay_str(out, size);

    return PAY_FORM_OK;
}


static bool
name_is_plain(pay_str_t name)
{
    size_t  i;

    if (name.size == 0 || name.size > PAY_FORM_NAME_SIZE_MAX) {
        return false;
    }

    for (i = 0; i < name.size; i++) {
        if (!(byte_classes[name.data[i]] & NAME)) {
            return false;
        }
    }

    return true;
}


/* At most 64 * 63 / 2 comparisons a form, most of them of the size alone:
 * cheaper than a table, and nothing that colliding names could slow down. */

static bool
name_is_taken(const pay_form_t *form, pay_str_t name)
{
    size_t  i;

    for (i = 0; i < form->field_count; i++) {
        if (pay_str_eq(form->fields[i].name, name)) {
            return true;
        }
    }

    return false;
}


const pay_field_t *
pay_form_find(const pay_form_t *form, const char *name)
{
    size_t     i;
    pay_str_t  wanted;

    wanted = pay_text(name);

    for (i = 0; i < form->field_count; i++) {
        if (pay_str_eq(form->fields[i].name, wanted)) {
            return &form->fields[i];
        }
    }

    return NULL;
}


const char *
pay_form_text(pay_form_code_e code)
{
    assert(code < PAY_FORM_CODE_COUNT);

    return form_texts[code];
}

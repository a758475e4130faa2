/*
 * What a token says: members and items, text, numbers.
 */

#include "json_priv.h"

#include <assert.h>


static size_t put_point(uint32_t point, unsigned char out[4]);


const pay_json_token_t *
pay_json_find(const pay_json_token_t *object, const char *name)
{
    const pay_json_token_t  *at, *value;

    at = NULL;

    while (pay_json_member(object, &at, &value)) {
        if (pay_json_is(at, name)) {
            return value;
        }
    }

    return NULL;
}


bool
pay_json_member(const pay_json_token_t *object,
    const pay_json_token_t **name, const pay_json_token_t **value)
{
    const pay_json_token_t  *next;

    if (object == NULL || object->type != PAY_JSON_OBJECT) {
        return false;
    }

    next = *name == NULL ? object + 1 : *name + 1 + (*name)[1].span;

    if (next == object + object->span) {
        return false;
    }

    *name = next;
    *value = next + 1;

    return true;
}


const pay_json_token_t *
pay_json_item(const pay_json_token_t *array, const pay_json_token_t *item)
{
    if (array == NULL || array->type != PAY_JSON_ARRAY) {
        return NULL;
    }

    item = item == NULL ? array + 1 : item + item->span;

    return item == array + array->span ? NULL : item;
}


bool
pay_json_string(const pay_json_token_t *token, void *out, size_t out_size,
    size_t *size)
{
    size_t         used, more;
    uint32_t       point;
    pay_str_t      text;
    unsigned char  bytes[4];

    *size = 0;

    if (token == NULL || token->type != PAY_JSON_STRING) {
        return false;
    }

    text = pay_json_inside(token);
    used = 0;

    while (text.size > 0) {
        point = pay_json_point(&text);
        more = put_point(point, bytes);

        if (point == 0 || more > out_size - used) {
            return false;
        }

        memcpy((unsigned char *) out + used, bytes, more);
        used += more;
    }

    *size = used;

    return true;
}


static size_t
put_point(uint32_t point, unsigned char out[4])
{
    size_t  i, size;

    size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

    if (size == 1) {
        out[0] = (unsigned char) point;
        return 1;
    }

    for (i = size - 1; i > 0; i--) {
        out[i] = (unsigned char) (0x80 | (point & 0x3f));
        point >>= 6;
    }

    /* As many ones as there are bytes, and a zero. */
    out[0] = (unsigned char) (0xf00u >> size | point);

    return size;
}


bool
pay_json_is(const pay_json_token_t *token, const char *text)
{
    size_t         more;
    pay_str_t      rest, expected;
    unsigned char  bytes[4];

    if (token == NULL || token->type != PAY_JSON_STRING) {
        return false;
    }

    rest = pay_json_inside(token);
    expected = pay_text(text);

    if (!token->escaped) {
        return pay_str_eq(rest, expected);
    }

    while (rest.size > 0) {
        more = put_point(pay_json_point(&rest), bytes);

        if (more > expected.size || memcmp(expected.data, bytes, more) != 0) {
            return false;
        }

        expected = pay_str(expected.data + more, expected.size - more);
    }

    return expected.size == 0;
}


bool
pay_json_integer(const pay_json_token_t *token, int64_t *value)
{
    bool       negative;
    size_t     i;
    int64_t    number;
    pay_str_t  digits;

    if (!pay_json_number(token, &digits)) {
        return false;
    }

    negative = digits.data[0] == '-';
    number = 0;

    /* Summed up below zero, where there is room for one more. */

    for (i = negative; i < digits.size; i++) {
        if (!pay_json_digit(digits.data[i])
            || __builtin_mul_overflow(number, 10, &number)
            || __builtin_sub_overflow(number, digits.data[i] - '0', &number))
        {
            return false;
        }
    }

    if (negative ? number == 0 : number == INT64_MIN) {
        return false;
    }

    *value = negative ? number : -number;

    return true;
}


bool
pay_json_number(const pay_json_token_t *token, pay_str_t *digits)
{
    if (token == NULL || token->type != PAY_JSON_NUMBER) {
        return false;
    }

    *digits = token->raw;

    return true;
}


bool
pay_json_bool(const pay_json_token_t *token, bool *value)
{
    if (token == NULL
        || (token->type != PAY_JSON_TRUE && token->type != PAY_JSON_FALSE))
    {
        return false;
    }

    *value = token->type == PAY_JSON_TRUE;

    return true;
}


pay_str_t
pay_json_inside(const pay_json_token_t *token)
{
    return pay_str(token->raw.data + 1, token->raw.size - 2);
}


uint32_t
pay_json_point(pay_str_t *text)
{
    size_t                size, i;
    uint32_t              point;
    const unsigned char  *p;
    static const char     letters[] = "bfnrt", meant[] = "\b\f\n\r\t";

    p = text->data;
    size = 1;
    point = p[0];

    if (p[0] == '\\' && p[1] != 'u') {
        size = 2;
        point = p[1];

        for (i = 0; i < sizeof(letters) - 1; i++) {
            if (p[1] == (unsigned char) letters[i]) {
                point = (unsigned char) meant[i];
            }
        }

    } else if (p[0] == '\\') {
        size = 6;
        point = pay_json_hex(p + 2);

        if (point >= 0xd800 && point <= 0xdbff) {
            size = 12;
            point = 0x10000 + ((point - 0xd800) << 10)
                    + (pay_json_hex(p + 8) - 0xdc00);
        }

    } else if (p[0] >= 0x80) {
        size = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
        point = p[0] & (0x7fu >> size);

        for (i = 1; i < size; i++) {
            point = point << 6 | (p[i] & 0x3f);
        }
    }

    assert(size <= text->size);
    *text = pay_str(p + size, text->size - size);

    return point;
}


uint32_t
pay_json_hex(const unsigned char *digits)
{
    size_t         i;
    uint32_t       unit;
    unsigned char  c;

    unit = 0;

    for (i = 0; i < 4; i++) {
        c = digits[i];

        if (pay_json_digit(c)) {
            unit = unit << 4 | (uint32_t) (c - '0');
            continue;
        }

        c |= 0x20;

        if (c < 'a' || c > 'f') {
            return UINT32_MAX;
        }

        unit = unit << 4 | (uint32_t) (c - 'a' + 10);
    }

    return unit;
}

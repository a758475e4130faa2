/*
 * The members of a JSON object as the fields of a form.
 */

#include "members.h"

#include "pay.h"


static bool read_member(const pay_json_token_t *name,
    const pay_json_token_t *value, pay_members_e whose,
    pay_members_t *members);
static bool read_value(const pay_json_token_t *value, pay_members_e whose,
    pay_members_t *members, pay_str_t *text);
static bool read_number(pay_members_e whose, pay_str_t *digits);


bool
pay_members_read(const pay_json_token_t *object, pay_members_e whose,
    pay_members_t *members)
{
    const pay_json_token_t  *name, *value;

    members->form.field_count = 0;
    members->size = 0;
    name = NULL;

    if (object->type != PAY_JSON_OBJECT) {
        return false;
    }

    while (pay_json_member(object, &name, &value)) {

        if (whose == PAY_MEMBERS_OF_PHP
            && (value->type == PAY_JSON_ARRAY
                || value->type == PAY_JSON_OBJECT))
        {
            continue;
        }

        if (!read_member(name, value, whose, members)) {
            return false;
        }
    }

    return true;
}


static bool
read_member(const pay_json_token_t *name, const pay_json_token_t *value,
    pay_members_e whose, pay_members_t *members)
{
    size_t        used;
    pay_str_t     text, plain;
    pay_field_t  *field;

    /* Names of plain letters look the same in JSON and without. */

    plain = pay_str(name->raw.data + 1, name->raw.size - 2);

    if (!pay_is_plain_id(plain, PAY_FORM_NAME_SIZE_MAX, ".")
        || members->form.field_count == PAY_FORM_FIELD_COUNT_MAX
        || !read_value(value, whose, members, &text))
    {
        return false;
    }

    /* With "=" and "&", so that the string over all of them fits, too. */

    used = plain.size + text.size + 2;

    if (text.size > PAY_FORM_VALUE_SIZE_MAX
        || used > sizeof(members->bytes) - members->size)
    {
        return false;
    }

    members->size += used;

    field = &members->form.fields[members->form.field_count++];
    field->name = plain;
    field->value = text;

    return true;
}


static bool
read_value(const pay_json_token_t *value, pay_members_e whose,
    pay_members_t *members, pay_str_t *text)
{
    unsigned char  *out;

    out = members->bytes + members->size;
    *text = pay_str(out, 0);

    switch (value->type) {

    case PAY_JSON_NULL:
        return true;

    case PAY_JSON_STRING:
        return pay_json_string(value, out,
                               sizeof(members->bytes) - members->size,
                               &text->size);

    case PAY_JSON_NUMBER:
        *text = value->raw;
        return read_number(whose, text);

    case PAY_JSON_TRUE:
        *text = PAY_STR("1");
        return whose == PAY_MEMBERS_OF_PHP;

    default:
        return whose == PAY_MEMBERS_OF_PHP;
    }
}


/* To the digit, never by way of a binary fraction. */

static bool
read_number(pay_members_e whose, pay_str_t *digits)
{
    size_t  i;

    if (whose == PAY_MEMBERS_OF_PHP) {
        return true;
    }

    for (i = 0; i < digits->size; i++) {
        if (digits->data[i] != '.'
            && (digits->data[i] < '0' || digits->data[i] > '9'))
        {
            return false;
        }
    }

    if (memchr(digits->data, '.', digits->size) == NULL) {
        return true;
    }

    while (digits->data[digits->size - 1] == '0') {
        digits->size--;
    }

    if (digits->data[digits->size - 1] == '.') {
        digits->size--;
    }

    return true;
}

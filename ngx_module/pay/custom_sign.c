/*
 * The configured protocol: the string that is signed.
 *
 * Sorted name=value is one string for one set of fields, as long as no value
 * has "&" or "=" (of ours none has) and no value is one that names a field of
 * a notice (of theirs, such are refused).
 *
 * Values side by side are not: "1" and "23" are "12" and "3".  So each value
 * of a notice's list is one of
 *
 *     FIXED    known before: the status that says paid, our account, a
 *              constant of ours that comes back; or of known size: our order
 *              number, CUSTOM_ORDER_NO_SIZE characters
 *     DECIMAL  an amount with exactly the currency's digits after the point:
 *              it ends by itself, read from the left
 *     FREE     of any size: the trade number, and no other
 *
 * and no DECIMAL is behind the FREE one: what is before it is cut off from
 * the left, what is behind it from the right, and the rest is the trade
 * number.  custom_list_check() demands this of the configuration and
 * custom_unlike_notice() of each notice.
 *
 * A request's list has no such rules, for nothing is read out of it.  But its
 * string must not be one of a notice: start() tries each.
 */

#include "custom_priv.h"

#include <assert.h>
#include <stdio.h>


typedef enum {
    SHAPE_FIXED,
    SHAPE_ORDER_NO,
    SHAPE_DECIMAL,
    SHAPE_FREE
} shape_e;


static shape_e shape_of(const pay_channel_t *channel, const char *name,
    const char **fixed);
static bool has_shape(const pay_channel_t *channel, const char *name,
    pay_str_t value);
static size_t size_at(const pay_channel_t *channel, const char *name,
    pay_str_t text);
static size_t decimal_size(const pay_channel_t *channel, pay_str_t text);
static void append(pay_canonical_t *text, pay_str_t more);


const char *
custom_constant(const pay_custom_t *custom, const char *name)
{
    size_t  i;

    for (i = 0; i < custom->send_count; i++) {
        if (custom->sends[i].what == PAY_CUSTOM_CONSTANT
            && strcmp(custom->sends[i].name, name) == 0)
        {
            return custom->sends[i].value;
        }
    }

    return NULL;
}


static shape_e
shape_of(const pay_channel_t *channel, const char *name, const char **fixed)
{
    size_t                     role;
    const char                *unit;
    const pay_custom_t        *custom;
    const pay_custom_field_t  *field;

    custom = channel->custom;
    *fixed = NULL;

    for (role = 0; role < PAY_CUSTOM_ROLE_COUNT; role++) {
        field = &custom->fields[role];

        if (field->name != NULL && strcmp(field->name, name) == 0) {
            break;
        }
    }

    switch (role) {

    case PAY_CUSTOM_ORDER_NO:
        return SHAPE_ORDER_NO;

    case PAY_CUSTOM_AMOUNT:
        unit = custom->fields[role].value;

        return (unit == NULL || strcmp(unit, "decimal") == 0)
               && pay_currency_exponent(pay_text(channel->currency)) > 0
               ? SHAPE_DECIMAL : SHAPE_FREE;

    case PAY_CUSTOM_STATUS:
    case PAY_CUSTOM_ACCOUNT:
        *fixed = custom->fields[role].value;
        return SHAPE_FIXED;

    case PAY_CUSTOM_ROLE_COUNT:
        *fixed = custom_constant(custom, name);
        return *fixed != NULL ? SHAPE_FIXED : SHAPE_FREE;

    default:
        return SHAPE_FREE;
    }
}


bool
custom_list_check(const pay_channel_t *channel, char *err, size_t err_size)
{
    size_t               i;
    shape_e              shape;
    const char          *fixed, *name, *trade_no;
    const pay_custom_t  *custom;

    custom = channel->custom;
    trade_no = NULL;

    for (i = 0; i < custom->notice.count; i++) {
        name = custom->notice.names[i];
        shape = shape_of(channel, name, &fixed);

        if (shape == SHAPE_FREE
            && strcmp(name, custom->fields[PAY_CUSTOM_TRADE_NO].name) != 0)
        {
            (void) snprintf(err, err_size, "\"sign_notice\" has \"%s\", whose "
                            "length nobody knows: beside the trade number "
                            "only the order number, the status, the account, "
                            "an amount with a point, and constants that are "
                            "sent under the same name can stand in it, or "
                            "one notice could be read as another", name);
            return false;
        }

        if (shape == SHAPE_DECIMAL && trade_no != NULL) {
            (void) snprintf(err, err_size, "in \"sign_notice\" the amount "
                            "\"%s\" stands behind the trade number \"%s\": "
                            "nobody could say where it begins, and one notice "
                            "could be read as another", name, trade_no);
            return false;
        }

        trade_no = shape == SHAPE_FREE ? name : trade_no;
    }

    return true;
}


void
custom_string(const pay_custom_t *custom, const pay_custom_list_t *list,
    const pay_form_t *form, pay_canonical_t *text)
{
    size_t                 i;
    pay_canonical_rules_t  rules;

    if (list->count == 0) {
        rules = (pay_canonical_rules_t) {
            .skip = { custom->sign_name, custom->unsigned_name }
        };
        pay_canonical(text, form, &rules);
        return;
    }

    text->size = 0;

    for (i = 0; i < list->count; i++) {
        append(text, pay_notice_value(form, list->names[i]));
    }
}


static void
append(pay_canonical_t *text, pay_str_t more)
{
    /* A list names each field once, so this is no more than the form. */

    assert(more.size <= sizeof(text->data) - text->size);

    if (more.size != 0) {
        memcpy(text->data + text->size, more.data, more.size);
        text->size += more.size;
    }
}


const char *
custom_unlike_notice(const pay_channel_t *channel, const pay_form_t *form)
{
    size_t                    i;
    const char               *name;
    const pay_custom_list_t  *list;

    list = &channel->custom->notice;

    for (i = 0; i < list->count; i++) {
        name = list->names[i];

        if (!has_shape(channel, name, pay_notice_value(form, name))) {
            return name;
        }
    }

    return NULL;
}


static bool
has_shape(const pay_channel_t *channel, const char *name, pay_str_t value)
{
    const char  *fixed;

    if (shape_of(channel, name, &fixed) == SHAPE_FREE) {
        return pay_is_plain_id(value, PAY_TRADE_NO_SIZE_MAX, ".|");
    }

    return value.size != 0 && size_at(channel, name, value) == value.size;
}


/* Of this field's value, where text begins with one; else 0. */

static size_t
size_at(const pay_channel_t *channel, const char *name, pay_str_t text)
{
    size_t       size;
    const char  *fixed;

    switch (shape_of(channel, name, &fixed)) {

    case SHAPE_ORDER_NO:
        return text.size >= CUSTOM_ORDER_NO_SIZE
               && pay_is_plain_id(pay_str(text.data, CUSTOM_ORDER_NO_SIZE),
                                  CUSTOM_ORDER_NO_SIZE, "")
               ? CUSTOM_ORDER_NO_SIZE : 0;

    case SHAPE_DECIMAL:
        return decimal_size(channel, text);

    default:
        /* a free one is never asked for */
        assert(fixed != NULL);
        size = strlen(fixed);

        return text.size >= size && memcmp(text.data, fixed, size) == 0
               ? size : 0;
    }
}


static size_t
decimal_size(const pay_channel_t *channel, pay_str_t text)
{
    size_t  i, exponent, size;

    exponent = (size_t) pay_currency_exponent(pay_text(channel->currency));

    for (i = 0; i < text.size && text.data[i] != '.'; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return 0;
        }
    }

    size = i + 1 + exponent;

    if (i == 0 || size > text.size
        || !pay_is_number(pay_str(text.data + i + 1, exponent), exponent))
    {
        return 0;
    }

    return size;
}


bool
custom_is_notice(const pay_channel_t *channel, const pay_canonical_t *text)
{
    size_t               i, free_at, size;
    pay_str_t            rest;
    const char          *fixed;
    const pay_custom_t  *custom;

    custom = channel->custom;

    /* Of the two strings one has "=" in it, and the other never. */

    if (custom->request.count == 0 || custom->notice.count == 0) {
        return false;
    }

    rest = pay_str(text->data, text->size);

    for (i = 0; i < custom->notice.count; i++) {

        if (shape_of(channel, custom->notice.names[i], &fixed) == SHAPE_FREE) {
            break;
        }

        size = size_at(channel, custom->notice.names[i], rest);

        if (size == 0) {
            return false;
        }

        rest = pay_str(rest.data + size, rest.size - size);
    }

    free_at = i;
    assert(free_at < custom->notice.count);

    for (i = custom->notice.count - 1; i > free_at; i--) {
        (void) shape_of(channel, custom->notice.names[i], &fixed);
        size = fixed != NULL ? strlen(fixed) : CUSTOM_ORDER_NO_SIZE;

        if (rest.size < size
            || size_at(channel, custom->notice.names[i],
                       pay_str(rest.data + rest.size - size, size))
               != size)
        {
            return false;
        }

        rest.size -= size;
    }

    return has_shape(channel, custom->notice.names[free_at], rest);
}

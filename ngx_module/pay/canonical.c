/*
 * The string that form-based gateways sign.
 */

#include "canonical.h"

#include <assert.h>


static bool is_signed(const pay_field_t *field,
    const pay_canonical_rules_t *rules);
static int compare_names(pay_str_t a, pay_str_t b);
static void append(pay_canonical_t *text, pay_str_t more);


void
pay_canonical(pay_canonical_t *text, const pay_form_t *form,
    const pay_canonical_rules_t *rules)
{
    size_t              i, j, count;
    const pay_field_t  *field, *sorted[PAY_FORM_FIELD_COUNT_MAX];

    count = 0;

    /* Insertion sort of at most 64. */

    for (i = 0; i < form->field_count; i++) {
        field = &form->fields[i];

        if (!is_signed(field, rules)) {
            continue;
        }

        for (j = count; j > 0; j--) {
            if (compare_names(sorted[j - 1]->name, field->name) < 0) {
                break;
            }

            sorted[j] = sorted[j - 1];
        }

        sorted[j] = field;
        count++;
    }

    text->size = 0;

    for (i = 0; i < count; i++) {
        if (i > 0) {
            append(text, PAY_STR("&"));
        }

        append(text, sorted[i]->name);
        append(text, PAY_STR("="));
        append(text, sorted[i]->value);
    }
}


static bool
is_signed(const pay_field_t *field, const pay_canonical_rules_t *rules)
{
    size_t  i;

    if (field->value.size == 0 && !rules->keep_empty) {
        return false;
    }

    for (i = 0; i < sizeof(rules->skip) / sizeof(rules->skip[0]); i++) {
        if (rules->skip[i] != NULL
            && pay_str_eq(field->name, pay_text(rules->skip[i])))
        {
            return false;
        }
    }

    return true;
}


static int
compare_names(pay_str_t a, pay_str_t b)
{
    int  rc;

    rc = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);

    if (rc != 0) {
        return rc;
    }

    /* No two names are equal: the shorter one comes first. */

    assert(a.size != b.size);

    return a.size < b.size ? -1 : 1;
}


static void
append(pay_canonical_t *text, pay_str_t more)
{
    assert(more.size <= sizeof(text->data) - text->size);

    if (more.size != 0) {
        memcpy(text->data + text->size, more.data, more.size);
        text->size += more.size;
    }
}

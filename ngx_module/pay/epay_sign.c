/*
 * The EPay V1 signature, both directions: drop sign, sign_type and fields
 * with an empty value, sort the rest by name in byte order, join name=value
 * with "&", values decoded, append the key, MD5, lower-case hex.
 *
 * All that was received is in the string, also names that we do not know: a
 * fixed list would leave room for unsigned fields.  The string is hashed and
 * never split into fields again, for its values are not escaped.
 */

#include "epay_priv.h"

#include <assert.h>


static bool is_signed(const pay_field_t *field);
static int compare_names(pay_str_t a, pay_str_t b);


void
epay_canonical(epay_canonical_t *text, const pay_form_t *form)
{
    size_t              i, j, count;
    const pay_field_t  *field, *sorted[PAY_FORM_FIELD_COUNT_MAX];

    count = 0;

    /* Insertion sort of at most 64. */

    for (i = 0; i < form->field_count; i++) {
        field = &form->fields[i];

        if (!is_signed(field)) {
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
        field = sorted[i];

        assert(field->name.size + field->value.size + 2
               <= sizeof(text->data) - text->size);

        if (i > 0) {
            text->data[text->size++] = '&';
        }

        memcpy(text->data + text->size, field->name.data, field->name.size);
        text->size += field->name.size;
        text->data[text->size++] = '=';
        memcpy(text->data + text->size, field->value.data,
               field->value.size);
        text->size += field->value.size;
    }
}


static bool
is_signed(const pay_field_t *field)
{
    return field->value.size != 0
           && !pay_str_eq(field->name, PAY_STR("sign"))
           && !pay_str_eq(field->name, PAY_STR("sign_type"));
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


bool
epay_sign(pay_crypto_t *crypto, const epay_canonical_t *text, pay_str_t key,
    unsigned char out[PAY_MD5_HEX_SIZE])
{
    pay_str_t  parts[] = { pay_str(text->data, text->size), key };

    return pay_md5_hex(crypto, parts, 2, out);
}

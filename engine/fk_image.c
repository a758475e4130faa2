/*
 * Images: entities as bytes.  One table a type (fk_form.c) names the fields in
 * their order; writing and reading walk the same table, so they cannot differ.
 * Numbers are little-endian, as those of the machine, so all is copied alike.
 *
 * Reading never reads beyond the bytes it was given and never writes beyond
 * a field, whatever the bytes say.  Whether a value makes sense is for
 * fk_recover.c to judge.
 */

#include "fk_form.h"


static const fk_form_t *fk_form_of(uint64_t type, uint64_t version);
static size_t fk_count_width(const fk_field_t *field);
static uint32_t fk_count(const fk_field_t *field, const void *image);
static const uint8_t *fk_image_idem(const fk_form_t *form, const uint8_t *p,
    const uint8_t *end);
static fk_code_t fk_field_get(const fk_field_t *field, const uint8_t **at,
    const uint8_t *end, uint8_t *image);


void
fk_record_head_put(uint8_t *at, const fk_record_head_t *head)
{
    fk_put(at, head->size, 4);
    fk_put(at + 4, head->crc, 4);
    fk_put(at + 8, head->seq, 8);
    fk_put(at + 16, (uint64_t) head->time_ms, 8);
    fk_put(at + 24, head->version, 2);
    fk_put(at + 26, head->count, 2);
    fk_put(at + 28, head->reserved, 4);
}


void
fk_record_head_get(const uint8_t *at, fk_record_head_t *head)
{
    head->size = (uint32_t) fk_get(at, 4);
    head->crc = (uint32_t) fk_get(at + 4, 4);
    head->seq = fk_get(at + 8, 8);
    head->time_ms = (int64_t) fk_get(at + 16, 8);
    head->version = (uint16_t) fk_get(at + 24, 2);
    head->count = (uint16_t) fk_get(at + 26, 2);
    head->reserved = (uint32_t) fk_get(at + 28, 4);
}


size_t
fk_image_put(uint8_t *at, fk_image_type_t type, const void *image)
{
    size_t             size;
    uint8_t           *p;
    uint32_t           n, count;
    const uint8_t     *value;
    const fk_form_t   *form;
    const fk_field_t  *field;

    assert(type >= FK_IMAGE_PRODUCT && type < FK_IMAGE_LAST);

    form = fk_form_of(type, fk_forms[type].newest);
    p = at + FK_IMAGE_HEAD_SIZE;

    for (n = 0; n < form->field_count; n++) {
        field = &form->field[n];
        value = (const uint8_t *) image + field->offset;
        count = fk_count(field, image);
        assert(count <= field->max);

        if (field->kind == FK_FIELD_LIST) {
            fk_put(p, count, fk_count_width(field));
            p += fk_count_width(field);
        }

        memcpy(p, value, count * field->width);
        p += count * field->width;
    }

    size = (size_t) (p - at);
    assert(size <= fk_forms[type].size_max);

    fk_put(at, type, 1);
    fk_put(at + 1, fk_forms[type].newest, 1);
    fk_put(at + 2, size, 2);

    return size;
}


fk_code_t
fk_image_get(const uint8_t *at, size_t size, fk_image_type_t *type,
    size_t *image_size, fk_image_t *image)
{
    size_t            total;
    uint32_t          n, kind, version;
    const uint8_t    *p, *end;
    const fk_form_t  *form;

    if (size < FK_IMAGE_HEAD_SIZE) {
        return FK_CORRUPT;
    }

    /* The size first: one that is whole and unknown is newer, not damaged. */
    kind = (uint32_t) fk_get(at, 1);
    total = fk_get(at + 2, 2);

    if (total < FK_IMAGE_HEAD_SIZE || total > size) {
        return FK_CORRUPT;
    }

    version = (uint32_t) fk_get(at + 1, 1);
    form = fk_form_of(kind, version);

    if (form == NULL) {
        return FK_INCOMPATIBLE;
    }

    /* What only a newer version has must not be what was here before. */
    if (version != fk_forms[kind].newest) {
        memset(image, 0, sizeof(*image));
    }

    p = at + FK_IMAGE_HEAD_SIZE;
    end = at + total;

    for (n = 0; n < form->field_count; n++) {
        if (fk_field_get(&form->field[n], &p, end, (uint8_t *) image)
            != FK_OK)
        {
            return FK_CORRUPT;
        }
    }

    /* A field more than the table knows would be a version that says so. */
    if (p != end) {
        return FK_CORRUPT;
    }

    *type = (fk_image_type_t) kind;
    *image_size = total;
    return FK_OK;
}


/* NULL: a type or version that this build does not know. */

static const fk_form_t *
fk_form_of(uint64_t type, uint64_t version)
{
    const fk_form_t  *form;

    if (type < FK_IMAGE_PRODUCT || type >= FK_IMAGE_LAST
        || version < 1 || version > FK_IMAGE_VERSIONS)
    {
        return NULL;
    }

    form = &fk_forms[type].form[version - 1];
    return form->field_count != 0 ? form : NULL;
}


/* The order's id is the first field of each image that has one. */

size_t
fk_image_names(const uint8_t *at, size_t size, const uint8_t **id,
    const uint8_t **idem)
{
    size_t            total;
    const fk_form_t  *form;

    *id = NULL;
    *idem = NULL;
    total = size < FK_IMAGE_HEAD_SIZE ? 0 : fk_get(at + 2, 2);

    if (total < FK_IMAGE_HEAD_SIZE || total > size) {
        return 0;
    }

    form = fk_form_of(at[0], at[1]);

    if ((at[0] != FK_IMAGE_ORDER && at[0] != FK_IMAGE_PAYMENT
         && at[0] != FK_IMAGE_START)
        || form == NULL || total < FK_IMAGE_HEAD_SIZE + FK_ORDER_ID_SIZE)
    {
        return total;
    }

    *id = at + FK_IMAGE_HEAD_SIZE;

    if (at[0] == FK_IMAGE_ORDER) {
        *idem = fk_image_idem(form, *id, at + total);
    }

    return total;
}


static const uint8_t *
fk_image_idem(const fk_form_t *form, const uint8_t *p, const uint8_t *end)
{
    size_t             left;
    uint32_t           n, count;
    const fk_field_t  *field;

    for (n = 0; n < form->field_count; n++) {
        field = &form->field[n];
        count = field->max;
        left = (size_t) (end - p);

        if (field->kind == FK_FIELD_LIST) {
            if (left < fk_count_width(field)) {
                return NULL;
            }

            count = (uint32_t) fk_get(p, fk_count_width(field));
            p += fk_count_width(field);
            left -= fk_count_width(field);
        }

        if (left < (size_t) count * field->width) {
            return NULL;
        }

        if (field->offset == offsetof(fk_image_order_t, idem)) {
            return count == FK_IDEM_SIZE ? p : NULL;
        }

        p += (size_t) count * field->width;
    }

    return NULL;
}


static fk_code_t
fk_field_get(const fk_field_t *field, const uint8_t **at, const uint8_t *end,
    uint8_t *image)
{
    size_t          left, width;
    uint8_t        *value;
    uint32_t        count;
    uint16_t        stored;
    const uint8_t  *p;

    p = *at;
    left = (size_t) (end - p);
    count = field->max;

    if (field->kind == FK_FIELD_LIST) {
        width = fk_count_width(field);
        if (left < width) {
            return FK_CORRUPT;
        }

        count = (uint32_t) fk_get(p, width);
        if (count > field->max) {
            return FK_CORRUPT;
        }

        stored = (uint16_t) count;
        memcpy(image + field->count_offset, &stored, sizeof(stored));
        p += width;
        left -= width;
    }

    if (left < (size_t) count * field->width) {
        return FK_CORRUPT;
    }

    value = image + field->offset;

    memcpy(value, p, count * field->width);
    *at = p + count * field->width;

    return FK_OK;
}


/* One byte where that is enough: most counts are small. */

static size_t
fk_count_width(const fk_field_t *field)
{
    return field->max <= UINT8_MAX ? 1 : 2;
}


static uint32_t
fk_count(const fk_field_t *field, const void *image)
{
    uint16_t  count;

    if (field->kind != FK_FIELD_LIST) {
        return field->max;
    }

    memcpy(&count, (const uint8_t *) image + field->count_offset,
           sizeof(count));
    return count;
}

/*
 * Fields of a request: what the readers of JSON and of forms have in common,
 * and the reader of forms.
 *
 * A value is checked against its row of the table before it is stored, so a
 * handler that got NGX_OK never looks at types or sizes again.  The texts of
 * refusals name the limit, and never repeat the value: it may be a secret,
 * or meant for somebody's terminal.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_faka_json.h"
#include "pay/form.h"
#include "pay/utf8.h"


static ngx_uint_t ngx_faka_field_is_word(const u_char *data, size_t size);
static ngx_int_t ngx_faka_form_value(ngx_pool_t *pool,
    const ngx_faka_field_t *field, pay_str_t value, void *out,
    ngx_faka_field_error_t *error);
static ngx_int_t ngx_faka_form_pair(ngx_pool_t *pool,
    const ngx_faka_field_t *fields, const pay_field_t *pair, ngx_uint_t mode,
    void *out, uint32_t *given, ngx_faka_field_error_t *error);
static ngx_int_t ngx_faka_form_integer(pay_str_t value, int64_t *number);
static const char *ngx_faka_pool_text(ngx_pool_t *pool, const void *data,
    size_t size);


#define NGX_FAKA_RULE_SIZE  160


/* By ngx_faka_field_type_t; min and max are put in. */

static const char *const  ngx_faka_field_rule[] = {
    "must be %L to %L visible ASCII characters",
    "must be %L to %L bytes of UTF-8 text without control characters",
    "must be an integer from %L to %L",
    "must be an integer from %L to %L, or null",
    "must be true or false",
    "must be an array of %L to %L items"
};


ngx_int_t
ngx_faka_field_store_text(ngx_pool_t *pool, const ngx_faka_field_t *field,
    const u_char *data, size_t size, void *out, ngx_faka_field_error_t *error)
{
    ngx_str_t   *value;
    ngx_uint_t   valid;

    if ((int64_t) size < field->min || (int64_t) size > field->max) {
        return ngx_faka_field_refuse(pool, field, error);
    }

    valid = field->type == NGX_FAKA_FIELD_WORD
            ? ngx_faka_field_is_word(data, size)
            : pay_utf8_printable(pay_str(data, size));

    if (!valid) {
        return ngx_faka_field_refuse(pool, field, error);
    }

    value = (ngx_str_t *) ((u_char *) out + field->offset);

    value->data = ngx_pnalloc(pool, size + 1);
    if (value->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(value->data, data, size);
    value->data[size] = '\0';
    value->len = size;

    return NGX_OK;
}


ngx_int_t
ngx_faka_field_store_number(ngx_pool_t *pool, const ngx_faka_field_t *field,
    int64_t number, void *out, ngx_faka_field_error_t *error)
{
    u_char  *place;

    place = (u_char *) out + field->offset;

    if (field->type == NGX_FAKA_FIELD_BOOL) {
        *(ngx_uint_t *) place = (number != 0);
        return NGX_OK;
    }

    if (number < field->min || number > field->max) {
        return ngx_faka_field_refuse(pool, field, error);
    }

    *(int64_t *) place = number;

    return NGX_OK;
}


ngx_int_t
ngx_faka_fields_required(const ngx_faka_field_t *fields, uint32_t given,
    ngx_faka_field_error_t *error)
{
    ngx_uint_t  i;

    for (i = 0; fields[i].name != NULL; i++) {

        if (fields[i].required && !(given & ((uint32_t) 1 << i))) {
            error->field = fields[i].name;
            error->detail = "this field is required";
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_faka_field_refuse(ngx_pool_t *pool, const ngx_faka_field_t *field,
    ngx_faka_field_error_t *error)
{
    u_char  *text, *last;

    text = ngx_pnalloc(pool, NGX_FAKA_RULE_SIZE);
    if (text == NULL) {
        return NGX_ERROR;
    }

    last = ngx_snprintf(text, NGX_FAKA_RULE_SIZE - 1,
                        ngx_faka_field_rule[field->type], field->min,
                        field->max);
    *last = '\0';

    error->field = field->name;
    error->detail = (const char *) text;

    return NGX_DECLINED;
}


static ngx_uint_t
ngx_faka_field_is_word(const u_char *data, size_t size)
{
    size_t  i;

    for (i = 0; i < size; i++) {
        if (data[i] <= ' ' || data[i] >= 0x7f) {
            return 0;
        }
    }

    return 1;
}


ngx_int_t
ngx_faka_form_read(ngx_pool_t *pool, const ngx_str_t *text,
    const ngx_faka_field_t *fields, ngx_uint_t mode, void *out,
    uint32_t *given, ngx_faka_field_error_t *error)
{
    u_char           *buffer;
    size_t            i;
    ngx_int_t         rc;
    pay_str_t         offender;
    pay_form_t       *form;
    pay_form_code_e   code;

    *given = 0;
    error->field = "";

    /* the bound before memory is taken for it */

    if (text->len > PAY_FORM_INPUT_SIZE_MAX) {
        error->detail = pay_form_text(PAY_FORM_TOO_LARGE);
        return NGX_DECLINED;
    }

    form = ngx_palloc(pool, sizeof(pay_form_t));
    buffer = ngx_pnalloc(pool, text->len + 1);
    if (form == NULL || buffer == NULL) {
        return NGX_ERROR;
    }

    code = pay_form_parse(form, pay_str(text->data, text->len),
                          PAY_FORM_AS_TEXT, buffer, text->len + 1, &offender);

    if (code != PAY_FORM_OK) {
        error->field = ngx_faka_pool_text(pool, offender.data, offender.size);
        error->detail = pay_form_text(code);
        return error->field != NULL ? NGX_DECLINED : NGX_ERROR;
    }

    for (i = 0; i < form->field_count; i++) {
        rc = ngx_faka_form_pair(pool, fields, &form->fields[i], mode, out,
                                given, error);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ngx_faka_fields_required(fields, *given, error);
}


static ngx_int_t
ngx_faka_form_pair(ngx_pool_t *pool, const ngx_faka_field_t *fields,
    const pay_field_t *pair, ngx_uint_t mode, void *out, uint32_t *given,
    ngx_faka_field_error_t *error)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    for (i = 0; fields[i].name != NULL; i++) {

        if (!pay_str_eq(pair->name,
                        pay_str(fields[i].name, ngx_strlen(fields[i].name))))
        {
            continue;
        }

        rc = ngx_faka_form_value(pool, &fields[i], pair->value, out, error);
        if (rc == NGX_OK) {
            *given |= (uint32_t) 1 << i;
        }

        return rc;
    }

    if (mode == NGX_FAKA_FIELDS_OPEN) {
        return NGX_OK;
    }

    error->field = ngx_faka_pool_text(pool, pair->name.data, pair->name.size);
    error->detail = "there is no such field";

    return error->field != NULL ? NGX_DECLINED : NGX_ERROR;
}


static ngx_int_t
ngx_faka_form_value(ngx_pool_t *pool, const ngx_faka_field_t *field,
    pay_str_t value, void *out, ngx_faka_field_error_t *error)
{
    int64_t  number;

    if (field->type == NGX_FAKA_FIELD_INTEGER
        || field->type == NGX_FAKA_FIELD_TIME)
    {
        if (ngx_faka_form_integer(value, &number) != NGX_OK) {
            return ngx_faka_field_refuse(pool, field, error);
        }

        return ngx_faka_field_store_number(pool, field, number, out, error);
    }

    if (field->type == NGX_FAKA_FIELD_BOOL) {

        number = pay_str_eq(value, PAY_STR("true"));

        if (!number && !pay_str_eq(value, PAY_STR("false"))) {
            return ngx_faka_field_refuse(pool, field, error);
        }

        return ngx_faka_field_store_number(pool, field, number, out, error);
    }

    return ngx_faka_field_store_text(pool, field, value.data, value.size, out,
                                     error);
}


/* At most 18 digits, so nothing overflows; ngx_atoi() would take no sign. */

static ngx_int_t
ngx_faka_form_integer(pay_str_t value, int64_t *number)
{
    size_t      i;
    ngx_uint_t  negative;

    negative = value.size > 0 && value.data[0] == '-';
    i = negative;

    if (value.size == i || value.size - i > 18) {
        return NGX_ERROR;
    }

    for (*number = 0; i < value.size; i++) {

        if (value.data[i] < '0' || value.data[i] > '9') {
            return NGX_ERROR;
        }

        *number = *number * 10 + (value.data[i] - '0');
    }

    if (negative) {
        *number = -*number;
    }

    return NGX_OK;
}


static const char *
ngx_faka_pool_text(ngx_pool_t *pool, const void *data, size_t size)
{
    u_char  *text;

    text = ngx_pnalloc(pool, size + 1);
    if (text == NULL) {
        return NULL;
    }

    if (size > 0) {
        ngx_memcpy(text, data, size);
    }

    text[size] = '\0';

    return (const char *) text;
}

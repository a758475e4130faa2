/*
 * The JSON reader: pay/json.h, held to one object and a table of fields.
 *
 * That says where a text goes wrong, but not inside which member.  The last
 * name of the table in front of that place is looked for, so that a refusal
 * can name its field; it is a help for people, and nothing is decided by it.
 */

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_faka_json.h"
#include "pay/json.h"


/* Most bodies are a checkout's; an archived order of a hundred cards and all
 * its payments has less than the most. */

#define NGX_FAKA_JSON_TOKENS         64
#define NGX_FAKA_JSON_TOKENS_MAX     4096
#define NGX_FAKA_JSON_NAME_SIZE_MAX  64


static ngx_int_t ngx_faka_json_object_read(ngx_pool_t *pool,
    const pay_json_token_t *object, const ngx_faka_field_t *fields,
    ngx_uint_t mode, void *out, uint32_t *given,
    ngx_faka_field_error_t *error);
static ngx_int_t ngx_faka_json_array_read(ngx_pool_t *pool,
    const pay_json_token_t *array, const ngx_faka_field_t *field, void *out,
    ngx_faka_field_error_t *error);
static ngx_int_t ngx_faka_json_value(ngx_pool_t *pool,
    const pay_json_token_t *value, const ngx_faka_field_t *field, void *out,
    ngx_faka_field_error_t *error);
static ngx_int_t ngx_faka_json_text_read(ngx_pool_t *pool,
    const pay_json_token_t *value, const ngx_faka_field_t *field, void *out,
    ngx_faka_field_error_t *error);
static ngx_uint_t ngx_faka_json_items(const pay_json_token_t *array);
static ngx_int_t ngx_faka_json_unknown(ngx_pool_t *pool,
    const pay_json_token_t *name, ngx_faka_field_error_t *error);
static ngx_int_t ngx_faka_json_malformed(ngx_pool_t *pool,
    const ngx_str_t *text, const ngx_faka_field_t *fields,
    pay_json_code_e code, size_t wrong, ngx_faka_field_error_t *error);
static const char *ngx_faka_json_near(const ngx_str_t *text, size_t position,
    const ngx_faka_field_t *fields);


/* By pay_json_code_e. */

static const char *const  ngx_faka_json_reasons[] = {
    NULL,
    "the body is not JSON",
    "the body must be one JSON object, with nothing behind it",
    "this is not UTF-8",
    "this is nested too deeply",
    "this field is given twice",
    "this is too large"
};


ngx_int_t
ngx_faka_json_read(ngx_pool_t *pool, const ngx_str_t *text,
    const ngx_faka_field_t *fields, ngx_uint_t mode, void *out,
    uint32_t *given, ngx_faka_field_error_t *error)
{
    size_t             wrong;
    pay_str_t          json;
    pay_json_code_e    code;
    pay_json_token_t  *tokens, few[NGX_FAKA_JSON_TOKENS];

    *given = 0;
    error->field = "";
    error->detail = "";

    if (text->len == 0) {
        error->detail = "the body is empty; it must be one JSON object";
        return NGX_DECLINED;
    }

    json = pay_str(text->data, text->len);
    tokens = few;
    code = pay_json_read(json, tokens, NGX_FAKA_JSON_TOKENS, &wrong);

    if (code == PAY_JSON_TOO_LARGE) {
        tokens = ngx_palloc(pool, NGX_FAKA_JSON_TOKENS_MAX
                                  * sizeof(pay_json_token_t));
        if (tokens == NULL) {
            return NGX_ERROR;
        }

        code = pay_json_read(json, tokens, NGX_FAKA_JSON_TOKENS_MAX, &wrong);
    }

    if (code != PAY_JSON_OK) {
        return ngx_faka_json_malformed(pool, text, fields, code, wrong,
                                       error);
    }

    if (tokens->type != PAY_JSON_OBJECT) {
        error->detail = "the body must be one JSON object";
        return NGX_DECLINED;
    }

    return ngx_faka_json_object_read(pool, tokens, fields, mode, out, given,
                                     error);
}


static ngx_int_t
ngx_faka_json_object_read(ngx_pool_t *pool, const pay_json_token_t *object,
    const ngx_faka_field_t *fields, ngx_uint_t mode, void *out,
    uint32_t *given, ngx_faka_field_error_t *error)
{
    ngx_int_t                rc;
    ngx_uint_t               i;
    const pay_json_token_t  *name, *value;

    name = NULL;

    while (pay_json_member(object, &name, &value)) {

        for (i = 0; fields[i].name != NULL; i++) {
            if (pay_json_is(name, fields[i].name)) {
                break;
            }
        }

        if (fields[i].name != NULL) {
            rc = ngx_faka_json_value(pool, value, &fields[i], out, error);
            *given |= (uint32_t) 1 << i;

        } else if (mode == NGX_FAKA_FIELDS_CLOSED) {
            rc = ngx_faka_json_unknown(pool, name, error);

        } else {
            rc = NGX_OK;
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ngx_faka_fields_required(fields, *given, error);
}


static ngx_int_t
ngx_faka_json_value(ngx_pool_t *pool, const pay_json_token_t *value,
    const ngx_faka_field_t *field, void *out, ngx_faka_field_error_t *error)
{
    bool        is_true;
    int64_t     number;
    ngx_uint_t  count;

    switch (field->type) {

    case NGX_FAKA_FIELD_TIME:
        if (value->type == PAY_JSON_NULL) {
            *(int64_t *) ((u_char *) out + field->offset) = 0;
            return NGX_OK;
        }

        /* fall through */

    case NGX_FAKA_FIELD_INTEGER:
        if (pay_json_integer(value, &number)) {
            return ngx_faka_field_store_number(pool, field, number, out,
                                               error);
        }

        break;

    case NGX_FAKA_FIELD_BOOL:
        if (pay_json_bool(value, &is_true)) {
            return ngx_faka_field_store_number(pool, field, is_true, out,
                                               error);
        }

        break;

    case NGX_FAKA_FIELD_ARRAY:
        count = ngx_faka_json_items(value);

        if (value->type == PAY_JSON_ARRAY && (int64_t) count >= field->min
            && (int64_t) count <= field->max)
        {
            return ngx_faka_json_array_read(pool, value, field, out, error);
        }

        break;

    case NGX_FAKA_FIELD_WORD:
    case NGX_FAKA_FIELD_TEXT:
        if (value->type == PAY_JSON_STRING) {
            return ngx_faka_json_text_read(pool, value, field, out, error);
        }

        break;
    }

    return ngx_faka_field_refuse(pool, field, error);
}


/* An escape is never shorter than what it stands for. */

static ngx_int_t
ngx_faka_json_text_read(ngx_pool_t *pool, const pay_json_token_t *value,
    const ngx_faka_field_t *field, void *out, ngx_faka_field_error_t *error)
{
    u_char  *text;
    size_t   size;

    if (!value->escaped) {
        return ngx_faka_field_store_text(pool, field, value->raw.data + 1,
                                         value->raw.size - 2, out, error);
    }

    text = ngx_pnalloc(pool, value->raw.size);
    if (text == NULL) {
        return NGX_ERROR;
    }

    if (!pay_json_string(value, text, value->raw.size, &size)) {
        error->field = field->name;
        error->detail = "a string must not hold U+0000";
        return NGX_DECLINED;
    }

    return ngx_faka_field_store_text(pool, field, text, size, out, error);
}


static ngx_uint_t
ngx_faka_json_items(const pay_json_token_t *array)
{
    ngx_uint_t               count;
    const pay_json_token_t  *item;

    count = 0;

    for (item = pay_json_item(array, NULL); item != NULL;
         item = pay_json_item(array, item))
    {
        count++;
    }

    return count;
}


/* What is wrong with an item is said of the array. */

static ngx_int_t
ngx_faka_json_array_read(ngx_pool_t *pool, const pay_json_token_t *array,
    const ngx_faka_field_t *field, void *out, ngx_faka_field_error_t *error)
{
    u_char                  *place;
    uint32_t                 given;
    ngx_int_t                rc;
    ngx_faka_list_t         *list;
    const pay_json_token_t  *item;

    list = (ngx_faka_list_t *) (void *) ((u_char *) out + field->offset);
    list->nelts = ngx_faka_json_items(array);
    list->elts = ngx_pcalloc(pool, ngx_max(list->nelts, 1)
                                   * field->item_size);
    if (list->elts == NULL) {
        return NGX_ERROR;
    }

    place = list->elts;

    for (item = pay_json_item(array, NULL); item != NULL;
         item = pay_json_item(array, item))
    {
        rc = NGX_DECLINED;

        if (field->item[0].name[0] == '\0') {
            rc = ngx_faka_json_value(pool, item, &field->item[0], place,
                                     error);

        } else if (item->type == PAY_JSON_OBJECT) {
            given = 0;
            rc = ngx_faka_json_object_read(pool, item, field->item,
                                           NGX_FAKA_FIELDS_CLOSED, place,
                                           &given, error);
        } else {
            error->detail = "its items must be objects";
        }

        if (rc != NGX_OK) {
            error->field = field->name;
            return rc;
        }

        place += field->item_size;
    }

    return NGX_OK;
}


/* The name comes from the client: it is cut, and odd characters become '?'. */

static ngx_int_t
ngx_faka_json_unknown(ngx_pool_t *pool, const pay_json_token_t *name,
    ngx_faka_field_error_t *error)
{
    u_char               *field;
    size_t                i, size;
    const unsigned char  *text;

    text = name->raw.data + 1;
    size = ngx_min(name->raw.size - 2, NGX_FAKA_JSON_NAME_SIZE_MAX);

    field = ngx_pnalloc(pool, size + 1);
    if (field == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < size; i++) {
        field[i] = (text[i] > ' ' && text[i] < 0x7f) ? text[i] : '?';
    }

    field[size] = '\0';

    error->field = (const char *) field;
    error->detail = "there is no such field";

    return NGX_DECLINED;
}


static ngx_int_t
ngx_faka_json_malformed(ngx_pool_t *pool, const ngx_str_t *text,
    const ngx_faka_field_t *fields, pay_json_code_e code, size_t wrong,
    ngx_faka_field_error_t *error)
{
    u_char      *detail, *last;
    size_t       i, size;
    ngx_uint_t   line, column;
    const char  *reason;

    line = 1;
    column = 1;

    for (i = 0; i < wrong; i++) {
        column++;

        if (text->data[i] == '\n') {
            line++;
            column = 1;
        }
    }

    reason = ngx_faka_json_reasons[code];
    size = sizeof(" (line , column )") + 2 * NGX_INT64_LEN
           + ngx_strlen(reason);

    detail = ngx_pnalloc(pool, size);
    if (detail == NULL) {
        return NGX_ERROR;
    }

    last = ngx_snprintf(detail, size - 1, "%s (line %ui, column %ui)", reason,
                        line, column);
    *last = '\0';

    error->detail = (const char *) detail;

    /* Where it breaks off, or is in a place of its own, no member is at
     * fault. */

    error->field = wrong < text->len && code != PAY_JSON_TOO_DEEP
                   && code != PAY_JSON_TRAILING
                   ? ngx_faka_json_near(text, wrong, fields) : "";

    return NGX_DECLINED;
}


/* The name of the table that stands, in quotes, last before position. */

static const char *
ngx_faka_json_near(const ngx_str_t *text, size_t position,
    const ngx_faka_field_t *fields)
{
    size_t       end, size;
    ngx_uint_t   i;
    u_char      *data;

    data = text->data;

    for (end = ngx_min(position, text->len); end > 1; end--) {

        if (data[end - 1] != '"') {
            continue;
        }

        for (i = 0; fields[i].name != NULL; i++) {

            size = ngx_strlen(fields[i].name);

            if (end >= size + 2
                && data[end - size - 2] == '"'
                && ngx_memcmp(&data[end - size - 1], fields[i].name, size)
                   == 0)
            {
                return fields[i].name;
            }
        }
    }

    return "";
}

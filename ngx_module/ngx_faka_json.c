/*
 * The JSON reader: jansson, held to one flat object and a table of fields.
 *
 * jansson refuses what is not UTF-8, NUL inside of strings, and members given
 * twice; numbers with a point or an exponent are of another type than
 * integers to it.  Its object tree lives for the time of one call: whatever
 * the handler keeps is copied into the request's pool.
 *
 * jansson says where a text goes wrong, but not inside which member.  That
 * is found by looking back from there for the last name of the table, so
 * that a refusal can name its field; it is a help for people, and nothing is
 * decided by it.
 */

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_faka_json.h"

#include <jansson.h>


#define NGX_FAKA_JSON_NAME_SIZE_MAX  64


static ngx_int_t ngx_faka_json_members(ngx_pool_t *pool, json_t *object,
    const ngx_faka_field_t *fields, ngx_uint_t mode, void *out,
    uint32_t *given, ngx_faka_field_error_t *error);
static ngx_int_t ngx_faka_json_array_read(ngx_pool_t *pool, json_t *array,
    const ngx_faka_field_t *field, void *out, ngx_faka_field_error_t *error);
static ngx_int_t ngx_faka_json_value(ngx_pool_t *pool, json_t *value,
    const ngx_faka_field_t *field, void *out, ngx_faka_field_error_t *error);
static ngx_int_t ngx_faka_json_unknown(ngx_pool_t *pool, const char *name,
    ngx_faka_field_error_t *error);
static ngx_int_t ngx_faka_json_malformed(ngx_pool_t *pool,
    const ngx_str_t *text, const ngx_faka_field_t *fields,
    const json_error_t *at, ngx_faka_field_error_t *error);
static const char *ngx_faka_json_near(const ngx_str_t *text, size_t position,
    const ngx_faka_field_t *fields);


typedef struct {
    enum json_error_code    code;
    const char             *text;
} ngx_faka_json_reason_t;

static const ngx_faka_json_reason_t  ngx_faka_json_reasons[] = {
    { json_error_invalid_utf8,      "this is not UTF-8" },
    { json_error_null_character,    "a string must not hold U+0000" },
    { json_error_null_byte_in_key,  "a name must not hold U+0000" },
    { json_error_duplicate_key,     "this field is given twice" },
    { json_error_numeric_overflow,  "this number is too large" },
    { json_error_stack_overflow,    "this is nested too deeply" },
    { json_error_unknown,           "the body is not JSON" }
};


ngx_int_t
ngx_faka_json_read(ngx_pool_t *pool, const ngx_str_t *text,
    const ngx_faka_field_t *fields, ngx_uint_t mode, void *out,
    uint32_t *given, ngx_faka_field_error_t *error)
{
    json_t        *object;
    ngx_int_t      rc;
    json_error_t   at;

    *given = 0;
    error->field = "";
    error->detail = "";

    if (text->len == 0) {
        error->detail = "the body is empty; it must be one JSON object";
        return NGX_DECLINED;
    }

    object = json_loadb((const char *) text->data, text->len,
                        JSON_REJECT_DUPLICATES, &at);
    if (object == NULL) {
        return ngx_faka_json_malformed(pool, text, fields, &at, error);
    }

    if (!json_is_object(object)) {
        json_decref(object);
        error->detail = "the body must be one JSON object";
        return NGX_DECLINED;
    }

    rc = ngx_faka_json_members(pool, object, fields, mode, out, given, error);

    json_decref(object);

    return rc;
}


static ngx_int_t
ngx_faka_json_members(ngx_pool_t *pool, json_t *object,
    const ngx_faka_field_t *fields, ngx_uint_t mode, void *out,
    uint32_t *given, ngx_faka_field_error_t *error)
{
    size_t       count;
    json_t      *value;
    ngx_int_t    rc;
    ngx_uint_t   i;
    const char  *name;

    count = json_object_size(object);

    for (i = 0; fields[i].name != NULL; i++) {

        value = json_object_get(object, fields[i].name);
        if (value == NULL) {
            continue;
        }

        rc = ngx_faka_json_value(pool, value, &fields[i], out, error);
        if (rc != NGX_OK) {
            return rc;
        }

        *given |= (uint32_t) 1 << i;
        count--;
    }

    if (mode == NGX_FAKA_FIELDS_OPEN || count == 0) {
        return ngx_faka_fields_required(fields, *given, error);
    }

    json_object_foreach(object, name, value) {

        for (i = 0; fields[i].name != NULL; i++) {
            if (ngx_strcmp(fields[i].name, name) == 0) {
                break;
            }
        }

        if (fields[i].name == NULL) {
            return ngx_faka_json_unknown(pool, name, error);
        }
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_faka_json_value(ngx_pool_t *pool, json_t *value,
    const ngx_faka_field_t *field, void *out, ngx_faka_field_error_t *error)
{
    switch (field->type) {

    case NGX_FAKA_FIELD_TIME:
        if (json_is_null(value)) {
            *(int64_t *) ((u_char *) out + field->offset) = 0;
            return NGX_OK;
        }

        /* fall through */

    case NGX_FAKA_FIELD_INTEGER:
        if (json_is_integer(value)) {
            return ngx_faka_field_store_number(pool, field,
                                               json_integer_value(value), out,
                                               error);
        }

        break;

    case NGX_FAKA_FIELD_BOOL:
        if (json_is_boolean(value)) {
            return ngx_faka_field_store_number(pool, field,
                                               json_is_true(value), out,
                                               error);
        }

        break;

    case NGX_FAKA_FIELD_ARRAY:
        if (json_is_array(value)
            && (int64_t) json_array_size(value) >= field->min
            && (int64_t) json_array_size(value) <= field->max)
        {
            return ngx_faka_json_array_read(pool, value, field, out, error);
        }

        break;

    case NGX_FAKA_FIELD_WORD:
    case NGX_FAKA_FIELD_TEXT:
        if (json_is_string(value)) {
            return ngx_faka_field_store_text(pool, field,
                                   (const u_char *) json_string_value(value),
                                   json_string_length(value), out, error);
        }

        break;
    }

    return ngx_faka_field_refuse(pool, field, error);
}


/* What is wrong with an item is said of the array. */

static ngx_int_t
ngx_faka_json_array_read(ngx_pool_t *pool, json_t *array,
    const ngx_faka_field_t *field, void *out, ngx_faka_field_error_t *error)
{
    size_t            i;
    u_char           *item;
    json_t           *value;
    uint32_t          given;
    ngx_int_t         rc;
    ngx_faka_list_t  *list;

    list = (ngx_faka_list_t *) (void *) ((u_char *) out + field->offset);
    list->nelts = json_array_size(array);
    list->elts = ngx_pcalloc(pool, ngx_max(list->nelts, 1)
                                   * field->item_size);
    if (list->elts == NULL) {
        return NGX_ERROR;
    }

    json_array_foreach(array, i, value) {
        item = (u_char *) list->elts + i * field->item_size;
        rc = NGX_DECLINED;

        if (field->item[0].name[0] == '\0') {
            rc = ngx_faka_json_value(pool, value, &field->item[0], item,
                                     error);

        } else if (json_is_object(value)) {
            given = 0;
            rc = ngx_faka_json_members(pool, value, field->item,
                                       NGX_FAKA_FIELDS_CLOSED, item, &given,
                                       error);
        } else {
            error->detail = "its items must be objects";
        }

        if (rc != NGX_OK) {
            error->field = field->name;
            return rc;
        }
    }

    return NGX_OK;
}


/* The name comes from the client: it is cut, and odd characters become '?'. */

static ngx_int_t
ngx_faka_json_unknown(ngx_pool_t *pool, const char *name,
    ngx_faka_field_error_t *error)
{
    u_char  *field;
    size_t   i, size;

    size = ngx_min(ngx_strlen(name), NGX_FAKA_JSON_NAME_SIZE_MAX);

    field = ngx_pnalloc(pool, size + 1);
    if (field == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < size; i++) {
        field[i] = (name[i] > ' ' && name[i] < 0x7f) ? (u_char) name[i] : '?';
    }

    field[size] = '\0';

    error->field = (const char *) field;
    error->detail = "there is no such field";

    return NGX_DECLINED;
}


static ngx_int_t
ngx_faka_json_malformed(ngx_pool_t *pool, const ngx_str_t *text,
    const ngx_faka_field_t *fields, const json_error_t *at,
    ngx_faka_field_error_t *error)
{
    u_char                        *detail, *last;
    size_t                         size;
    const ngx_faka_json_reason_t  *reason;

    if (json_error_code(at) == json_error_out_of_memory) {
        return NGX_ERROR;
    }

    for (reason = ngx_faka_json_reasons;
         reason->code != json_error_unknown;
         reason++)
    {
        if (reason->code == json_error_code(at)) {
            break;
        }
    }

    size = sizeof(" (line , column )") + 2 * NGX_INT64_LEN
           + ngx_strlen(reason->text);

    detail = ngx_pnalloc(pool, size);
    if (detail == NULL) {
        return NGX_ERROR;
    }

    last = ngx_snprintf(detail, size - 1, "%s (line %d, column %d)",
                        reason->text, at->line, at->column);
    *last = '\0';

    /* where the text breaks off or goes on too long, no member is at fault */

    error->field = "";

    if (json_error_code(at) != json_error_premature_end_of_input
        && json_error_code(at) != json_error_end_of_input_expected)
    {
        error->field = ngx_faka_json_near(text,
                                          (size_t) ngx_max(at->position, 0),
                                          fields);
    }

    error->detail = (const char *) detail;

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

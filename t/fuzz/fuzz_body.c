/*
 * Fuzzes the request bodies: the readers of JSON and of forms over a table of
 * fields, and the JSON writer.  Seeds in corpus/body.
 *
 * The first byte says how the rest is read:
 *
 *   bit 0     as a form, not as JSON
 *   bit 1     unknown fields are refused
 *   bit 2, 7  by which table
 *   bits 3-6  0, or the allocation that finds no memory
 *
 * Whatever comes in: it is accepted or refused with a field and a text that
 * can be shown; what is accepted keeps to the table, is read a second time to
 * the same, and written as JSON it is what jansson and this reader read back;
 * written as a form, the other reader agrees.
 */

#include "nginx_core.h"
#include "../../engine/fk_types.h"
#include "../../ngx_module/ngx_faka_json.h"
#include "../../ngx_module/pay/form.h"
#include "../../ngx_module/pay/utf8.h"

#include <jansson.h>


#define UNTOUCHED    INT64_C(0x5a5a5a5a5a5a5a5a)
#define SHOWN_MAX    200
#define WRITTEN_MAX  ((size_t) 1 << 20)


typedef struct {
    ngx_str_t        word;
    ngx_str_t        text;
    ngx_str_t        other;
    int64_t          number;
    int64_t          time;
    ngx_uint_t       flag;
    ngx_faka_list_t  list;
    ngx_faka_list_t  more;
} body_t;

typedef struct {
    int64_t          at;
    int64_t          price;
    ngx_str_t        name;
} item_t;

typedef ngx_int_t (*reader_pt)(ngx_pool_t *pool, const ngx_str_t *text,
    const ngx_faka_field_t *fields, ngx_uint_t mode, void *out,
    uint32_t *given, ngx_faka_field_error_t *error);


/* A checkout's fields; each type with limits at the edges; an account's, with
 * its array of values; and arrays of objects and of words. */

static const ngx_faka_field_t  checkout_field[] = {
    { "sku", NGX_FAKA_FIELD_WORD, offsetof(body_t, word),
      1, FK_SKU_SIZE_MAX, 1, NULL, 0 },
    { "qty", NGX_FAKA_FIELD_INTEGER, offsetof(body_t, number),
      1, FK_QTY_MAX, 0, NULL, 0 },
    { "contact", NGX_FAKA_FIELD_TEXT, offsetof(body_t, text),
      1, FK_CONTACT_SIZE_MAX, 1, NULL, 0 },
    { "channel", NGX_FAKA_FIELD_WORD, offsetof(body_t, other),
      1, FK_CHANNEL_SIZE_MAX, 0, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};

static const ngx_faka_field_t  edge_field[] = {
    { "w", NGX_FAKA_FIELD_WORD, offsetof(body_t, word), 3, 3, 0, NULL, 0 },
    { "t", NGX_FAKA_FIELD_TEXT, offsetof(body_t, text), 0, 4096, 0, NULL, 0 },
    { "o", NGX_FAKA_FIELD_TEXT, offsetof(body_t, other), 2, 5, 0, NULL, 0 },
    { "n", NGX_FAKA_FIELD_INTEGER, offsetof(body_t, number),
      INT64_MIN, INT64_MAX, 0, NULL, 0 },
    { "at", NGX_FAKA_FIELD_TIME, offsetof(body_t, time),
      1, UINT32_MAX, 0, NULL, 0 },
    { "yes", NGX_FAKA_FIELD_BOOL, offsetof(body_t, flag), 0, 1, 0, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};

static const ngx_faka_field_t  rate_field[] = {
    { "", NGX_FAKA_FIELD_INTEGER, 0, -1, FK_RATE_MAX, 0, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};

static const ngx_faka_field_t  account_field[] = {
    { "currency", NGX_FAKA_FIELD_WORD, offsetof(body_t, word), 3, 3, 0,
      NULL, 0 },
    { "parent", NGX_FAKA_FIELD_TEXT, offsetof(body_t, text),
      0, FK_ACCOUNT_SIZE_MAX, 0, NULL, 0 },
    { "rates", NGX_FAKA_FIELD_ARRAY, offsetof(body_t, list),
      FK_ACCOUNT_RATES, FK_ACCOUNT_RATES, 0, rate_field, sizeof(int64_t) },
    { "closed", NGX_FAKA_FIELD_BOOL, offsetof(body_t, flag), 0, 1, 0,
      NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};

static const ngx_faka_field_t  item_field[] = {
    { "at", NGX_FAKA_FIELD_INTEGER, offsetof(item_t, at), 2, 100, 1,
      NULL, 0 },
    { "price", NGX_FAKA_FIELD_INTEGER, offsetof(item_t, price),
      0, FK_AMOUNT_MAX, 1, NULL, 0 },
    { "name", NGX_FAKA_FIELD_TEXT, offsetof(item_t, name), 0, 9, 1,
      NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};

static const ngx_faka_field_t  word_field[] = {
    { "", NGX_FAKA_FIELD_WORD, 0, 1, 4, 0, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};

static const ngx_faka_field_t  list_field[] = {
    { "tiers", NGX_FAKA_FIELD_ARRAY, offsetof(body_t, list), 0, 8, 0,
      item_field, sizeof(item_t) },
    { "words", NGX_FAKA_FIELD_ARRAY, offsetof(body_t, more), 1, 8, 1,
      word_field, sizeof(ngx_str_t) },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};

static const ngx_faka_field_t *const  tables[] = {
    checkout_field, edge_field, account_field, list_field
};


static u_char  written[WRITTEN_MAX];


static void write_list(ngx_faka_json_t *json, const body_t *body,
    const ngx_faka_field_t *field);


static ngx_int_t
body_read(reader_pt reader, const ngx_str_t *text,
    const ngx_faka_field_t *fields, ngx_uint_t mode, body_t *body,
    uint32_t *given)
{
    size_t                  i;
    ngx_int_t               rc;
    ngx_faka_field_error_t  error;

    memset(body, 0x5a, sizeof(body_t));
    error.field = NULL;
    error.detail = NULL;

    rc = reader(&core_pool, text, fields, mode, body, given, &error);

    MUST(rc == NGX_OK || rc == NGX_DECLINED
         || (rc == NGX_ERROR && core_failed));

    if (rc == NGX_DECLINED) {
        MUST(error.field != NULL && error.detail != NULL);
        MUST(error.detail[0] != '\0' && strlen(error.detail) < SHOWN_MAX);
        MUST(strlen(error.field) <= PAY_FORM_NAME_SIZE_MAX);

        /* It goes into an answer, and onto somebody's terminal. */
        for (i = 0; error.field[i] != '\0'; i++) {
            MUST(error.field[i] > ' ' && error.field[i] < 0x7f);
        }

        for (i = 0; error.detail[i] != '\0'; i++) {
            MUST(error.detail[i] >= ' ' && error.detail[i] < 0x7f);
        }
    }

    return rc;
}


static void *
body_place(const void *body, const ngx_faka_field_t *field)
{
    return (u_char *) (uintptr_t) body + field->offset;
}


static ngx_uint_t
body_is_string(const ngx_faka_field_t *field)
{
    return field->type == NGX_FAKA_FIELD_WORD
           || field->type == NGX_FAKA_FIELD_TEXT;
}


/* A row of an array's items, of a value or of an object; NULL: no more. */

static const ngx_faka_field_t *
item_row(const ngx_faka_field_t *field, ngx_uint_t n)
{
    return field->item[n].name == NULL ? NULL : &field->item[n];
}


static void *
list_item(const body_t *body, const ngx_faka_field_t *field, ngx_uint_t n)
{
    const ngx_faka_list_t  *list;

    list = body_place(body, field);
    return (u_char *) list->elts + n * field->item_size;
}


static ngx_uint_t
list_count(const body_t *body, const ngx_faka_field_t *field)
{
    const ngx_faka_list_t  *list;

    list = body_place(body, field);
    MUST((int64_t) list->nelts >= field->min
         && (int64_t) list->nelts <= field->max);

    return list->nelts;
}


static void
check_value(const void *body, const ngx_faka_field_t *field)
{
    size_t                   i;
    int64_t                  number;
    ngx_uint_t               n, row;
    const ngx_str_t         *text;
    const ngx_faka_field_t  *item;

    if (field->type == NGX_FAKA_FIELD_ARRAY) {
        for (n = 0; n < list_count(body, field); n++) {
            for (row = 0; (item = item_row(field, row)) != NULL; row++) {
                check_value(list_item(body, field, n), item);
            }
        }

        return;
    }

    if (!body_is_string(field)) {
        number = *(int64_t *) body_place(body, field);
        MUST((number >= field->min && number <= field->max)
             || (field->type == NGX_FAKA_FIELD_TIME && number == 0));
        return;
    }

    text = body_place(body, field);
    MUST((int64_t) text->len >= field->min
         && (int64_t) text->len <= field->max);
    MUST(text->data[text->len] == '\0' && strlen((char *) text->data)
         == text->len);
    MUST(pay_utf8_printable(pay_str(text->data, text->len)));

    for (i = 0; field->type == NGX_FAKA_FIELD_WORD && i < text->len; i++) {
        MUST(text->data[i] > ' ' && text->data[i] < 0x7f);
    }
}


static void
check_body(const body_t *body, const ngx_faka_field_t *fields, uint32_t given)
{
    ngx_uint_t  i;

    for (i = 0; fields[i].name != NULL; i++) {
        if (given & (uint32_t) 1 << i) {
            check_value(body, &fields[i]);

        } else {
            MUST(!fields[i].required);
            MUST(*(int64_t *) body_place(body, &fields[i]) == UNTOUCHED);
        }
    }

    MUST(given >> i == 0);
}


static void
check_equal(const void *a, const void *b, const ngx_faka_field_t *fields,
    uint32_t given)
{
    ngx_uint_t        i, n;
    const ngx_str_t  *x, *y;

    for (i = 0; fields[i].name != NULL; i++) {
        if (!(given & (uint32_t) 1 << i)) {
            continue;
        }

        if (fields[i].type == NGX_FAKA_FIELD_ARRAY) {
            MUST(list_count(a, &fields[i]) == list_count(b, &fields[i]));

            for (n = 0; n < list_count(a, &fields[i]); n++) {
                check_equal(list_item(a, &fields[i], n),
                            list_item(b, &fields[i], n), fields[i].item,
                            UINT32_MAX);
            }

            continue;
        }

        if (!body_is_string(&fields[i])) {
            MUST(*(int64_t *) body_place(a, &fields[i])
                 == *(int64_t *) body_place(b, &fields[i]));
            continue;
        }

        x = body_place(a, &fields[i]);
        y = body_place(b, &fields[i]);
        MUST(x->len == y->len && memcmp(x->data, y->data, x->len) == 0);
    }
}


/* The writer's buffers in one piece. */

static size_t
written_join(ngx_faka_json_t *json)
{
    size_t        size, used;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    used = 0;
    cl = ngx_faka_json_end(json);
    MUST((cl == NULL) == (core_failed != 0));

    for ( /* void */ ; cl != NULL; cl = cl->next) {
        b = cl->buf;
        MUST(b->pos == b->start && b->last >= b->pos && b->last <= b->end);
        MUST(cl->next == NULL || b->last == b->end);

        size = (size_t) (b->last - b->pos);
        MUST(size <= WRITTEN_MAX - used);
        memcpy(written + used, b->pos, size);
        used += size;
    }

    return used;
}


static void
write_value(ngx_faka_json_t *json, const void *body,
    const ngx_faka_field_t *field)
{
    int64_t           number;
    const char       *name;
    const ngx_str_t  *text;

    if (field->type == NGX_FAKA_FIELD_ARRAY) {
        write_list(json, body, field);
        return;
    }

    name = field->name[0] == '\0' ? NULL : field->name;

    if (body_is_string(field)) {
        text = body_place(body, field);
        ngx_faka_json_string(json, name, text->data, text->len);
        return;
    }

    number = *(int64_t *) body_place(body, field);

    if (field->type == NGX_FAKA_FIELD_BOOL) {
        ngx_faka_json_bool(json, name, (ngx_uint_t) number);

    } else if (field->type == NGX_FAKA_FIELD_TIME && number == 0) {
        ngx_faka_json_null(json, name);

    } else {
        ngx_faka_json_integer(json, name, number);
    }
}


static void
write_list(ngx_faka_json_t *json, const body_t *body,
    const ngx_faka_field_t *field)
{
    ngx_uint_t               n, row, object;
    const ngx_faka_field_t  *item;

    object = field->item[0].name[0] != '\0';
    ngx_faka_json_array(json, field->name);

    for (n = 0; n < list_count(body, field); n++) {
        if (object) {
            ngx_faka_json_object(json, NULL);
        }

        for (row = 0; (item = item_row(field, row)) != NULL; row++) {
            write_value(json, list_item(body, field, n), item);
        }

        if (object) {
            ngx_faka_json_object_end(json);
        }
    }

    ngx_faka_json_array_end(json);
}


static void
check_json(const body_t *body, const ngx_faka_field_t *fields, uint32_t given)
{
    body_t             reread;
    json_t            *object, *value;
    uint32_t           regiven;
    ngx_str_t          text;
    ngx_uint_t         i;
    const ngx_str_t   *string;
    ngx_faka_json_t    json;

    ngx_faka_json_begin(&json, &core_pool, 0);
    ngx_faka_json_object(&json, NULL);

    for (i = 0; fields[i].name != NULL; i++) {
        if (given & (uint32_t) 1 << i) {
            write_value(&json, body, &fields[i]);
        }
    }

    ngx_faka_json_object_end(&json);
    text.data = written;
    text.len = written_join(&json);

    if (core_failed) {
        return;
    }

    object = json_loadb((char *) text.data, text.len, JSON_REJECT_DUPLICATES,
                        NULL);
    MUST(json_is_object(object));

    for (i = 0; fields[i].name != NULL; i++) {
        value = json_object_get(object, fields[i].name);
        MUST((value != NULL) == ((given & (uint32_t) 1 << i) != 0));

        if (value != NULL && body_is_string(&fields[i])) {
            string = body_place(body, &fields[i]);
            MUST(json_string_length(value) == string->len
                 && memcmp(json_string_value(value), string->data,
                           string->len) == 0);
        }
    }

    json_decref(object);

    MUST(body_read(ngx_faka_json_read, &text, fields, NGX_FAKA_FIELDS_CLOSED,
                   &reread, &regiven) == NGX_OK || core_failed);

    if (!core_failed) {
        MUST(regiven == given);
        check_equal(body, &reread, fields, given);
    }
}


/* Every byte escaped.  0: a form cannot say it. */

static size_t
write_form(const body_t *body, const ngx_faka_field_t *fields,
    uint32_t given)
{
    char              number[NGX_INT64_LEN + 1];
    char             *out;
    size_t            used, j;
    int64_t           n;
    ngx_str_t         value;
    ngx_uint_t        i;

    used = 0;
    out = (char *) written;

    for (i = 0; fields[i].name != NULL; i++) {
        if (!(given & (uint32_t) 1 << i)) {
            continue;
        }

        if (fields[i].type == NGX_FAKA_FIELD_ARRAY) {
            return 0;
        }

        if (body_is_string(&fields[i])) {
            value = *(ngx_str_t *) body_place(body, &fields[i]);

        } else {
            n = *(int64_t *) body_place(body, &fields[i]);
            value.data = (u_char *) number;
            value.len = (size_t) snprintf(number, sizeof(number), "%" PRId64,
                                          n);

            if (fields[i].type == NGX_FAKA_FIELD_BOOL) {
                value.len = (size_t) snprintf(number, sizeof(number), "%s",
                                              n ? "true" : "false");
            }

            if ((fields[i].type == NGX_FAKA_FIELD_TIME && n == 0)
                || value.len > 18)
            {
                return 0;
            }
        }

        if (value.len > PAY_FORM_VALUE_SIZE_MAX) {
            return 0;
        }

        used += (size_t) snprintf(out + used, WRITTEN_MAX - used, "%s%s=",
                                  used ? "&" : "", fields[i].name);

        for (j = 0; j < value.len; j++) {
            used += (size_t) snprintf(out + used, WRITTEN_MAX - used,
                                      "%%%02x", value.data[j]);
        }
    }

    return used <= PAY_FORM_INPUT_SIZE_MAX ? used : 0;
}


static void
check_form(const body_t *body, const ngx_faka_field_t *fields, uint32_t given)
{
    body_t     reread;
    uint32_t   regiven;
    ngx_str_t  text;

    text.data = written;
    text.len = write_form(body, fields, given);

    if (text.len == 0) {
        return;
    }

    MUST(body_read(ngx_faka_form_read, &text, fields, NGX_FAKA_FIELDS_CLOSED,
                   &reread, &regiven) == NGX_OK || core_failed);

    if (!core_failed) {
        MUST(regiven == given);
        check_equal(body, &reread, fields, given);
    }
}


/* The writer takes any UTF-8, also what no field would: the input itself. */

static void
check_writer(const ngx_str_t *text)
{
    json_t           *array, *value;
    size_t            size;
    ngx_faka_json_t   json;

    if (!pay_utf8_valid(pay_str(text->data, text->len))) {
        return;
    }

    ngx_faka_json_begin(&json, &core_pool, text->len / 2);
    ngx_faka_json_array(&json, NULL);
    ngx_faka_json_string(&json, NULL, text->data, text->len);
    ngx_faka_json_array_end(&json);
    size = written_join(&json);

    if (core_failed) {
        return;
    }

    array = json_loadb((char *) written, size, JSON_ALLOW_NUL, NULL);
    MUST(json_is_array(array) && json_array_size(array) == 1);
    value = json_array_get(array, 0);
    MUST(json_is_string(value) && json_string_length(value) == text->len);
    MUST(memcmp(json_string_value(value), text->data, text->len) == 0);
    json_decref(array);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    body_t                   body, again;
    uint8_t                  how;
    uint32_t                 given, regiven;
    reader_pt                reader;
    ngx_int_t                rc;
    ngx_str_t                text;
    ngx_uint_t               mode;
    const ngx_faka_field_t  *fields;

    if (size == 0) {
        return 0;
    }

    how = data[0];
    reader = how & 1 ? ngx_faka_form_read : ngx_faka_json_read;
    mode = how & 2 ? NGX_FAKA_FIELDS_CLOSED : NGX_FAKA_FIELDS_OPEN;
    fields = tables[(how >> 2 & 1) | (how >> 6 & 2)];

    /* A copy of its own, with nothing behind its last byte. */
    text.len = size - 1;
    text.data = ngx_pnalloc(&core_pool, text.len);
    memcpy(text.data, data + 1, text.len);

    core_allocs_left = (how >> 3 & 15) - 1;
    rc = body_read(reader, &text, fields, mode, &body, &given);

    if (rc == NGX_OK) {
        check_body(&body, fields, given);

        MUST(body_read(reader, &text, fields, mode, &again, &regiven)
             == NGX_OK || core_failed);

        if (!core_failed) {
            MUST(given == regiven);
            check_equal(&body, &again, fields, given);
            check_json(&body, fields, given);
        }

        if (!core_failed) {
            check_form(&body, fields, given);
        }
    }

    if (!core_failed) {
        check_writer(&text);
    }

    core_free();

    return 0;
}

/*
 * Fuzzes the strict JSON reader.  Build with
 * clang -fsanitize=fuzzer,address,undefined; seeds in corpus/json.
 *
 * Whatever comes in: what is accepted is a tree whose tokens lie inside of
 * each other, in order; each value's bytes, read alone, are that value again;
 * names are unique; and jansson, which is another's, accepts it too.
 */

#include "../../ngx_module/pay/json.h"
#include "../../ngx_module/pay/utf8.h"
#include "must.h"

#include <jansson.h>


#define TOKENS  512


static pay_json_token_t  tokens[TOKENS];
static pay_json_token_t  again[TOKENS];
static unsigned char     text[PAY_JSON_SIZE_MAX];
static unsigned char     other[PAY_JSON_SIZE_MAX];


static void check_value(const pay_json_token_t *value);


static void
check_inside(const pay_json_token_t *outer, const pay_json_token_t *token)
{
    MUST(token > outer && token + token->span <= outer + outer->span);
    MUST(token->raw.data > outer->raw.data);
    MUST(token->raw.data + token->raw.size
         < outer->raw.data + outer->raw.size);
}


static void
check_object(const pay_json_token_t *object)
{
    size_t                   size, other_size;
    uint32_t                 span;
    const pay_json_token_t  *name, *value, *twin, *twin_value;

    span = 1;
    name = NULL;

    while (pay_json_member(object, &name, &value)) {
        check_inside(object, name);
        check_inside(object, value);
        check_value(name);
        check_value(value);
        span += 1 + value->span;

        if (!pay_json_string(name, text, sizeof(text) - 1, &size)) {
            continue;
        }

        text[size] = '\0';
        MUST(pay_json_find(object, (char *) text) == value);

        twin = name;

        while (pay_json_member(object, &twin, &twin_value)) {
            MUST(!pay_json_string(twin, other, sizeof(other), &other_size)
                 || size != other_size || memcmp(text, other, size) != 0);
        }
    }

    MUST(span == object->span);
}


static void
check_value(const pay_json_token_t *value)
{
    size_t                   size;
    int64_t                  number;
    uint32_t                 span;
    const pay_json_token_t  *item;

    MUST(pay_json_read(value->raw, again, TOKENS, NULL) == PAY_JSON_OK);
    MUST(again[0].type == value->type && again[0].span == value->span);

    span = 1;

    switch (value->type) {

    case PAY_JSON_OBJECT:
        check_object(value);
        return;

    case PAY_JSON_ARRAY:
        for (item = pay_json_item(value, NULL); item != NULL;
             item = pay_json_item(value, item))
        {
            check_inside(value, item);
            check_value(item);
            span += item->span;
        }
        break;

    case PAY_JSON_STRING:
        if (pay_json_string(value, text, sizeof(text), &size)) {
            MUST(size <= value->raw.size - 2);
            MUST(pay_utf8_valid(pay_str(text, size)));
            MUST(memchr(text, '\0', size) == NULL);
        }
        break;

    default:
        if (pay_json_integer(value, &number)) {
            snprintf((char *) text, sizeof(text), "%lld", (long long) number);
            MUST(pay_str_eq(value->raw, pay_text((char *) text)));
        }
    }

    MUST(span == value->span);
}


/* A number out of its range and a name with a NUL are what jansson cannot
 * hold. */

static void
check_with_jansson(const uint8_t *data, size_t size)
{
    json_t        *value;
    json_error_t   error;

    value = json_loadb((const char *) data, size,
                       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY
                       | JSON_ALLOW_NUL, &error);

    MUST(value != NULL
         || json_error_code(&error) == json_error_numeric_overflow
         || json_error_code(&error) == json_error_null_byte_in_key);
    json_decref(value);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (pay_json_read(pay_str(data, size), tokens, TOKENS, NULL)
        != PAY_JSON_OK)
    {
        return 0;
    }

    MUST(size <= PAY_JSON_SIZE_MAX && pay_utf8_valid(pay_str(data, size)));
    check_value(tokens);
    check_with_jansson(data, size);

    return 0;
}

/*
 * The configured protocol: reads the directives of its block, one by one.
 */

#include "custom_priv.h"

#include <assert.h>
#include <stdio.h>


/* The words behind a directive's name. */

typedef struct {
    const char *const  *args;
    size_t              count;
} words_t;

typedef const char *(*setter_t)(pay_custom_t *custom, const words_t *words);


static const char *set_send(pay_custom_t *custom, const words_t *words);
static const char *set_notice(pay_custom_t *custom, const words_t *words);
static const char *set_sign_field(pay_custom_t *custom,
    const words_t *words);
static const char *set_sign_request(pay_custom_t *custom,
    const words_t *words);
static const char *set_sign_notice(pay_custom_t *custom,
    const words_t *words);
static const char *set_success_body(pay_custom_t *custom,
    const words_t *words);
static const char *set_list(pay_custom_list_t *list, const words_t *words);
static bool is_name(const char *name);
static bool is_value(const char *value);
static bool is(const char *a, const char *b);


static const setter_t  setters[PAY_SETTING_COUNT] = {
    [PAY_SETTING_SEND] = set_send,
    [PAY_SETTING_NOTICE] = set_notice,
    [PAY_SETTING_SIGN_FIELD] = set_sign_field,
    [PAY_SETTING_SIGN_REQUEST] = set_sign_request,
    [PAY_SETTING_SIGN_NOTICE] = set_sign_notice,
    [PAY_SETTING_SUCCESS_BODY] = set_success_body
};

static const char *const  role_words[PAY_CUSTOM_ROLE_COUNT] = {
#define X(name, word)  word,
    PAY_CUSTOM_ROLES(X)
#undef X
};

static const char *const  variables[PAY_CUSTOM_SEND_COUNT] = {
    "",
#define X(name, text)  text,
    PAY_CUSTOM_VARIABLES(X)
#undef X
};


void
pay_custom_init(pay_custom_t *custom)
{
    memset(custom, 0, sizeof(pay_custom_t));

    custom->sign_name = "sign";
    custom->unsigned_name = "sign_type";
    custom->success_body = "success";
}


bool
pay_custom_set(pay_custom_t *custom, pay_setting_e setting,
    const char *const *args, size_t count, char *err, size_t err_size)
{
    words_t      words = { args, count };
    const char  *fault;

    assert(setting < PAY_SETTING_COUNT && setters[setting] != NULL);
    assert(count > 0 && count <= PAY_CUSTOM_ARGS_MAX);

    fault = setters[setting](custom, &words);

    if (fault != NULL) {
        (void) snprintf(err, err_size, "%s", fault);
    }

    return fault == NULL;
}


static const char *
set_send(pay_custom_t *custom, const words_t *words)
{
    size_t              i;
    const char         *name, *value;
    pay_custom_sent_t  *sent;

    if (words->count != 2 || !is_name(words->args[0])) {
        return "write a name of A-Z a-z 0-9 _ . - and one value: \"send "
               "money $amount;\"";
    }

    name = words->args[0];
    value = words->args[1];

    for (i = 0; i < custom->send_count; i++) {
        if (is(custom->sends[i].name, name)) {
            return "this name is sent already";
        }
    }

    if (custom->send_count == PAY_CUSTOM_SENDS_MAX) {
        return "more fields than a request can have";
    }

    sent = &custom->sends[custom->send_count];
    *sent = (pay_custom_sent_t) { name, value, PAY_CUSTOM_CONSTANT };

    if (value[0] == '$') {
        while (!is(variables[sent->what], value)) {
            if (++sent->what == PAY_CUSTOM_SEND_COUNT) {
                return "no such variable; there are $order_no, $amount (9.90)"
                       ", $amount_minor (990), $notify_url, $return_url, "
                       "$time";
            }
        }

    } else if (!is_value(value)) {
        return "a constant has 1 to 64 visible characters without quotes and "
               "< > \\ ^ ` { | } ? & = #: it is signed as it is";
    }

    custom->send_count++;

    return NULL;
}


static const char *
set_notice(pay_custom_t *custom, const words_t *words)
{
    size_t               role;
    pay_custom_field_t  *field;

    for (role = 0; !is(role_words[role], words->args[0]); ) {
        if (++role == PAY_CUSTOM_ROLE_COUNT) {
            return "a notice's fields are order_no, trade_no, amount, status "
                   "and account";
        }
    }

    if (words->count < 2 || words->count > 3 || !is_name(words->args[1])) {
        return "write the field's name, of A-Z a-z 0-9 _ . -, behind it: "
               "\"notice order_no out_trade_no;\"";
    }

    field = &custom->fields[role];

    if (field->name != NULL) {
        return "this one is given twice";
    }

    field->name = words->args[1];
    field->value = words->count == 3 ? words->args[2] : NULL;

    switch (role) {

    case PAY_CUSTOM_STATUS:
    case PAY_CUSTOM_ACCOUNT:
        return field->value != NULL && is_value(field->value)
               ? NULL
               : "write the name, and the value that it must have: \"notice "
                 "status trade_status TRADE_SUCCESS;\"";

    case PAY_CUSTOM_AMOUNT:
        return field->value == NULL || is(field->value, "decimal")
               || is(field->value, "minor")
               ? NULL
               : "the amount's unit is decimal (9.90, which is meant without "
                 "it) or minor (990)";

    default:
        return field->value == NULL ? NULL : "write one name and nothing more";
    }
}


static const char *
set_sign_field(pay_custom_t *custom, const words_t *words)
{
    if (words->count > 2 || !is_name(words->args[0])
        || (words->count == 2
            && (!is_name(words->args[1])
                || is(words->args[0], words->args[1]))))
    {
        return "write the name of the signature's field, and of one that is "
               "not signed, if there is one: \"sign_field sign sign_type;\"";
    }

    custom->sign_name = words->args[0];
    custom->unsigned_name = words->count == 2 ? words->args[1] : NULL;

    return NULL;
}


static const char *
set_sign_request(pay_custom_t *custom, const words_t *words)
{
    return set_list(&custom->request, words);
}


static const char *
set_sign_notice(pay_custom_t *custom, const words_t *words)
{
    return set_list(&custom->notice, words);
}


static const char *
set_list(pay_custom_list_t *list, const words_t *words)
{
    size_t  i, j;

    for (i = 0; i < words->count; i++) {

        if (!is_name(words->args[i])) {
            return "write names of fields, of A-Z a-z 0-9 _ . -";
        }

        for (j = 0; j < i; j++) {
            if (is(words->args[i], words->args[j])) {
                return "a name stands there twice";
            }
        }

        list->names[i] = words->args[i];
    }

    list->count = words->count;

    return NULL;
}


static const char *
set_success_body(pay_custom_t *custom, const words_t *words)
{
    size_t       i, j, size;
    const char  *body;

    static const char  failure[] = "fail";

    body = words->args[0];
    size = strlen(body);

    if (words->count != 1 || size == 0 || size > PAY_CUSTOM_VALUE_SIZE_MAX) {
        return "write what the gateway wants to read, 1 to 64 characters";
    }

    for (i = 0; i < size; i++) {
        if (body[i] < ' ' || body[i] > '~') {
            return "the body has a character that is not ASCII";
        }
    }

    /* The failure body must not say it, in no letter case. */

    for (i = 0; i + size < sizeof(failure); i++) {

        for (j = 0; j < size && (body[j] | 0x20) == failure[i + j]; j++) {
            /* compare */
        }

        if (j == size) {
            return "what is answered to a refused notice, \"fail\", would be "
                   "taken for this";
        }
    }

    custom->success_body = body;

    return NULL;
}


static bool
is_name(const char *name)
{
    return pay_is_plain_id(pay_text(name), PAY_FORM_NAME_SIZE_MAX, ".");
}


/* Without "&" and "=": as in start(), the signed string is not escaped. */

static bool
is_value(const char *value)
{
    size_t  i, size;

    size = strlen(value);

    for (i = 0; i < size; i++) {
        if (!(pay_class[(unsigned char) value[i]] & PAY_CLASS_URL)) {
            return false;
        }
    }

    return size > 0 && size <= PAY_CUSTOM_VALUE_SIZE_MAX;
}


static bool
is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

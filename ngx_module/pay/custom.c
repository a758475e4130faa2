/*
 * The configured protocol: its row in the table of protocols, the check of a
 * channel, and start(), which signs the redirect to the gateway.  Directives
 * are read in custom_set.c, strings are made in custom_sign.c, notices judged
 * in custom_notice.c.
 */

#include "custom_priv.h"

#include "start.h"
#include "url.h"

#include <inttypes.h>
#include <stdio.h>


#define EXPONENT_MAX    2
#define TIME_SIZE       24
#define AMOUNT_MAX      999999999      /* minor units, as they can be read */


/* The texts of one request that are made for it. */

typedef struct {
    char  money[PAY_MONEY_TEXT_SIZE_MAX];
    char  minor[PAY_MONEY_TEXT_SIZE_MAX];
    char  time[TIME_SIZE];
} start_texts_t;


static bool custom_check(const pay_channel_t *channel, char *err,
    size_t err_size);
static bool check_sends(const pay_custom_t *custom, char *err,
    size_t err_size);
static bool check_notice(const pay_custom_t *custom, char *err,
    size_t err_size);
static bool check_lists(const pay_custom_t *custom, char *err,
    size_t err_size);
static bool check_samples(const pay_channel_t *channel, char *err,
    size_t err_size);
static bool is_sent(const pay_custom_t *custom, const char *name);
static bool sends(const pay_custom_t *custom, const pay_custom_list_t *list,
    pay_custom_send_e what);
static bool is_in(const pay_custom_list_t *list, const char *name);
static pay_start_code_e custom_start(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_start_t *start, char *url,
    size_t url_size, size_t *url_length);
static pay_start_code_e write_form(const pay_channel_t *channel,
    const pay_start_t *start, start_texts_t *texts, pay_form_t *form,
    pay_canonical_t *text);


const pay_protocol_t  pay_custom_protocol = {
    .name = "custom",
    .success_body = "success",
    .failure_body = "fail",
    .content_type = "text/plain",
    .methods = PAY_METHOD_GET,
    .methods_optional = PAY_METHOD_POST,
    .needs = PAY_BIT(URL) | PAY_BIT(KEY_FILE) | PAY_BIT(SEND)
             | PAY_BIT(NOTICE) | PAY_BIT(HASH),
    .takes = PAY_BIT(METHOD) | PAY_BIT(SIGN_FIELD) | PAY_BIT(SIGN_REQUEST)
             | PAY_BIT(SIGN_NOTICE) | PAY_BIT(SUCCESS_BODY),
    .start = custom_start,
    .verify = custom_verify,
    .check = custom_check
};


/* --- the channel --------------------------------------------------------- */

static bool
custom_check(const pay_channel_t *channel, char *err, size_t err_size)
{
    if (!pay_is_plain_url(channel->url, PAY_BASE_URL_SIZE_MAX)) {
        (void) snprintf(err, err_size, "\"url\" must be the whole address "
                        "that buyers are sent to, http:// or https://, "
                        "without a query, of at most %d bytes",
                        PAY_BASE_URL_SIZE_MAX);
        return false;
    }

    if (pay_currency_exponent(pay_text(channel->currency)) > EXPONENT_MAX) {
        (void) snprintf(err, err_size, "amounts in %s have more than two "
                        "digits after the point", channel->currency);
        return false;
    }

    return pay_channel_check_key(channel, err, err_size)
           && check_sends(channel->custom, err, err_size)
           && check_notice(channel->custom, err, err_size)
           && check_lists(channel->custom, err, err_size)
           && custom_list_check(channel, err, err_size)
           && check_samples(channel, err, err_size);
}


static bool
check_sends(const pay_custom_t *custom, char *err, size_t err_size)
{
    if (!sends(custom, NULL, PAY_CUSTOM_SEND_ORDER)
        || (!sends(custom, NULL, PAY_CUSTOM_SEND_AMOUNT)
            && !sends(custom, NULL, PAY_CUSTOM_SEND_AMOUNT_MINOR)))
    {
        (void) snprintf(err, err_size, "no request without the order and its "
                        "amount: write \"send NAME $order_no;\" and \"send "
                        "NAME $amount;\", or $amount_minor");
        return false;
    }

    if (is_sent(custom, custom->sign_name)) {
        (void) snprintf(err, err_size, "\"send %s\" is the signature's own "
                        "field", custom->sign_name);
        return false;
    }

    return true;
}


/* What a notice has and no request must be there: the one is not taken for
 * the other then. */

static bool
check_notice(const pay_custom_t *custom, char *err, size_t err_size)
{
    size_t       i, j;
    const char  *name, *other;

    static const struct {
        const char  *example;
        bool         is_needed;
        bool         is_own;           /* no request has it */
    } rules[PAY_CUSTOM_ROLE_COUNT] = {
        [PAY_CUSTOM_ORDER_NO] = { "order_no out_trade_no", true, false },
        [PAY_CUSTOM_TRADE_NO] = { "trade_no trade_no", true, true },
        [PAY_CUSTOM_AMOUNT] = { "amount money", true, false },
        [PAY_CUSTOM_STATUS] = { "status trade_status TRADE_SUCCESS", true,
                                true },
        [PAY_CUSTOM_ACCOUNT] = { "account pid 1000", false, false }
    };

    for (i = 0; i < PAY_CUSTOM_ROLE_COUNT; i++) {
        name = custom->fields[i].name;

        if (name == NULL) {
            if (!rules[i].is_needed) {
                continue;
            }

            (void) snprintf(err, err_size, "add, for example: \"notice %s;\"; "
                            "a gateway whose notices have no such field "
                            "cannot be trusted", rules[i].example);
            return false;
        }

        if (rules[i].is_own && is_sent(custom, name)) {
            (void) snprintf(err, err_size, "\"send %s\": a notice is told "
                            "from our own request by this field; the request "
                            "must not have it", name);
            return false;
        }

        for (j = 0; j < i + 2; j++) {
            other = j == i ? custom->sign_name
                    : j == i + 1 ? custom->unsigned_name
                    : custom->fields[j].name;

            if (other != NULL && strcmp(name, other) == 0) {
                (void) snprintf(err, err_size, "\"notice\": the field \"%s\" "
                                "cannot be two things, or unsigned", name);
                return false;
            }
        }
    }

    return true;
}


static bool
check_lists(const pay_custom_t *custom, char *err, size_t err_size)
{
    size_t       i;
    const char  *name;

    for (i = 0; i < custom->request.count; i++) {
        name = custom->request.names[i];

        if (!is_sent(custom, name)) {
            (void) snprintf(err, err_size, "\"sign_request\" has \"%s\", "
                            "which is not sent", name);
            return false;
        }
    }

    if (custom->request.count != 0
        && (!sends(custom, &custom->request, PAY_CUSTOM_SEND_ORDER)
            || (!sends(custom, &custom->request, PAY_CUSTOM_SEND_AMOUNT)
                && !sends(custom, &custom->request,
                          PAY_CUSTOM_SEND_AMOUNT_MINOR))))
    {
        (void) snprintf(err, err_size, "\"sign_request\" must have the order "
                        "number and the amount in it");
        return false;
    }

    for (i = 0; i < PAY_CUSTOM_ROLE_COUNT; i++) {
        name = custom->fields[i].name;

        if (custom->notice.count != 0 && name != NULL
            && !is_in(&custom->notice, name))
        {
            (void) snprintf(err, err_size, "\"sign_notice\" has no \"%s\": "
                            "what is not signed cannot be read", name);
            return false;
        }
    }

    return true;
}


/* Requests whose string could be a notice's are refused by start() always;
 * most such mistakes show with the first order. */

static bool
check_samples(const pay_channel_t *channel, char *err, size_t err_size)
{
    size_t            i;
    pay_form_t        form;
    pay_start_t       start;
    start_texts_t     texts;
    pay_canonical_t   text;

    static const int64_t  amounts[] = { 1, 100, 110, 990, 12345, 9999999 };

    start = (pay_start_t) {
        .order_no = PAY_STR("01J0000000000000000000000A"),
        .notify_url = PAY_STR("https://shop.example/notify/way"),
        .return_url = PAY_STR("https://shop.example/return/way"),
        .now_s = 1767323045
    };

    memcpy(start.currency, channel->currency, sizeof(start.currency));

    for (i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
        start.amount = amounts[i];

        if (write_form(channel, &start, &texts, &form, &text)
            != PAY_START_OK)
        {
            (void) snprintf(err, err_size, "\"sign_request\" and "
                            "\"sign_notice\" make strings that are alike: our "
                            "own request could be sent back as a notice; "
                            "this gateway cannot be trusted");
            return false;
        }
    }

    return true;
}


static bool
is_sent(const pay_custom_t *custom, const char *name)
{
    size_t  i;

    for (i = 0; i < custom->send_count; i++) {
        if (strcmp(custom->sends[i].name, name) == 0) {
            return true;
        }
    }

    return false;
}


/* Under a name of list, if there is one. */

static bool
sends(const pay_custom_t *custom, const pay_custom_list_t *list,
    pay_custom_send_e what)
{
    size_t  i;

    for (i = 0; i < custom->send_count; i++) {
        if (custom->sends[i].what == what
            && (list == NULL || is_in(list, custom->sends[i].name)))
        {
            return true;
        }
    }

    return false;
}


static bool
is_in(const pay_custom_list_t *list, const char *name)
{
    size_t  i;

    for (i = 0; i < list->count; i++) {
        if (strcmp(list->names[i], name) == 0) {
            return true;
        }
    }

    return false;
}


/* --- the redirect -------------------------------------------------------- */

static pay_start_code_e
custom_start(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_start_t *start, char *url, size_t url_size,
    size_t *url_length)
{
    char              sign[PAY_HASH_HEX_SIZE_MAX];
    size_t            sign_size;
    pay_url_t         writer;
    pay_form_t        form;
    start_texts_t     texts;
    pay_canonical_t   text;
    pay_start_code_e  code;

    pay_url_begin(&writer, url, url_size);
    *url_length = 0;

    code = write_form(channel, start, &texts, &form, &text);
    if (code != PAY_START_OK) {
        return code;
    }

    if (!pay_hash_sign(crypto, &channel->hash, channel->key,
                       pay_str(text.data, text.size), sign, &sign_size))
    {
        return PAY_START_INTERNAL;
    }

    pay_url_text(&writer, channel->url);
    pay_url_text(&writer, PAY_STR("?"));
    pay_url_fields(&writer, &form);
    pay_url_text(&writer, pay_text(channel->custom->sign_name));
    pay_url_text(&writer, PAY_STR("="));
    pay_url_text(&writer, pay_str(sign, sign_size));

    return pay_url_end(&writer, url_length) ? PAY_START_OK : PAY_START_ROOM;
}


static pay_start_code_e
write_form(const pay_channel_t *channel, const pay_start_t *start,
    start_texts_t *texts, pay_form_t *form, pay_canonical_t *text)
{
    size_t                    i;
    pay_start_code_e          code;
    const pay_custom_t       *custom;
    const pay_custom_sent_t  *sent;

    custom = channel->custom;
    code = pay_start_check(channel, start, ".|", texts->money);

    if (code != PAY_START_OK) {
        return code;
    }

    if (custom->notice.count != 0
        && start->order_no.size != CUSTOM_ORDER_NO_SIZE)
    {
        return PAY_START_ORDER_NO;
    }

    if (start->amount > AMOUNT_MAX) {
        return PAY_START_AMOUNT;
    }

    (void) pay_money_format(start->amount, 0, texts->minor,
                            sizeof(texts->minor));
    (void) snprintf(texts->time, sizeof(texts->time), "%" PRId64,
                    start->now_s);

    form->field_count = 0;

    for (i = 0; i < custom->send_count; i++) {
        sent = &custom->sends[i];

        const pay_str_t  values[PAY_CUSTOM_SEND_COUNT] = {
            [PAY_CUSTOM_CONSTANT] = pay_text(sent->value),
            [PAY_CUSTOM_SEND_ORDER] = start->order_no,
            [PAY_CUSTOM_SEND_AMOUNT] = pay_text(texts->money),
            [PAY_CUSTOM_SEND_AMOUNT_MINOR] = pay_text(texts->minor),
            [PAY_CUSTOM_SEND_NOTIFY_URL] = start->notify_url,
            [PAY_CUSTOM_SEND_RETURN_URL] = start->return_url,
            [PAY_CUSTOM_SEND_TIME] = pay_text(texts->time)
        };

        pay_start_field(form, sent->name, values[sent->what]);
    }

    custom_string(custom, &custom->request, form, text);

    return custom_is_notice(channel, text) ? PAY_START_INTERNAL
                                           : PAY_START_OK;
}

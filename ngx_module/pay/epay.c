/*
 * EPay, the protocol of the Chinese aggregate gateways, in three dialects: V1
 * (MD5), V2 (RSA), and epusdt's EPay form (MD5).  Here are their rows in the
 * table of protocols, the check of a channel, and start(), which signs the
 * redirect to the gateway.  Notices are judged in epay_notice.c, the signature
 * is made in epay_sign.c; epay_ask.c and epay_answer.c are what V1 and V2 are
 * asked.
 *
 * What start() guards against: values are not escaped in the signed string,
 * so one with "&trade_status=TRADE_SUCCESS" in it signs what a forged notice
 * says.  Only constants and ids of our own making are signed here, never a
 * product's name nor a word of the buyer, and "&" and "=" are refused in
 * every value.
 */

#include "epay_priv.h"

#include "start.h"
#include "url.h"

#include <inttypes.h>
#include <stdio.h>


#define GOODS_NAME        "order"
#define EXPONENT_MAX      2            /* the gateway's money has 2 digits */
#define TIMESTAMP_SIZE    24


/* The texts of one request that are made for it. */

typedef struct {
    char  money[PAY_MONEY_TEXT_SIZE_MAX];
    char  timestamp[TIMESTAMP_SIZE];
    char  currency[PAY_CURRENCY_SIZE];         /* in lower case */
} start_texts_t;


static bool epay_check(const pay_channel_t *channel, char *err,
    size_t err_size);
static pay_start_code_e epay_start(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_start_t *start, char *url,
    size_t url_size, size_t *url_length);
static void fill_form(pay_form_t *form, const pay_channel_t *channel,
    const pay_start_t *start, start_texts_t *texts);


#define V1_TYPES                                                              \
    .type_extra = "",                                                         \
    .type_example = "alipay or wxpay"

static const epay_dialect_t  dialect_v1 = {
    .submit_path = "/submit.php?",
    .sign_type = "MD5",
    V1_TYPES
};

static const epay_dialect_t  dialect_v2 = {
    .submit_path = "/api/pay/submit?",
    .sign_type = "RSA",
    .is_rsa = true,
    V1_TYPES
};

static const epay_dialect_t  dialect_epusdt = {
    .submit_path = "/payments/epay/v1/order/create-transaction/submit.php?",
    .sign_type = "MD5",
    .sends_currency = true,
    .numeric_pid = true,

    /* A token and its network. */
    .type_extra = ".",
    .type_example = "alipay or usdt.tron"
};


#define ROW                                                                   \
    /* The gateway looks for "success" anywhere in the body. */               \
    .success_body = "success",                                                \
    .failure_body = "fail",                                                   \
    .content_type = "text/plain",                                             \
    .methods = PAY_METHOD_GET,                                                \
    .start = epay_start,                                                      \
    .verify = epay_verify,                                                    \
    .check = epay_check

#define V1_SETTINGS                                                           \
    .needs = PAY_BIT(URL) | PAY_BIT(PID) | PAY_BIT(KEY_FILE)

const pay_protocol_t  pay_epay_protocol = {
    .name = "epay",
    ROW,
    V1_SETTINGS,
    .takes = PAY_BIT(TYPE) | PAY_BIT(METHOD),
    .own = &dialect_v1,

    /* The gateway makes the number of a refund: each call is one. */
    .asks = PAY_ASK_BIT(QUERY) | PAY_ASK_BIT(REFUND),
    .refunds_again = true,
    .ask = epay_ask,
    .answer = epay_answer,

    /* Some forks POST the notice that the documentation sends by GET. */

    .methods_optional = PAY_METHOD_POST
};

const pay_protocol_t  pay_epay2_protocol = {
    .name = "epay2",
    ROW,
    .needs = PAY_BIT(URL) | PAY_BIT(PID) | PAY_BIT(PRIVATE_KEY_FILE)
             | PAY_BIT(PUBLIC_KEY_FILE),
    .takes = PAY_BIT(TYPE),
    .own = &dialect_v2,
    .asks = PAY_ASK_BIT(QUERY) | PAY_ASK_BIT(CLOSE) | PAY_ASK_BIT(REFUND),
    .ask = epay_ask,
    .answer = epay_answer
};

const pay_protocol_t  pay_epusdt_protocol = {
    .name = "epusdt",
    ROW,
    V1_SETTINGS,
    .takes = PAY_BIT(TYPE),
    .own = &dialect_epusdt
};


const epay_dialect_t *
epay_dialect(const pay_channel_t *channel)
{
    return channel->protocol->own;
}


static bool
epay_check(const pay_channel_t *channel, char *err, size_t err_size)
{
    const epay_dialect_t  *dialect;

    dialect = epay_dialect(channel);

    if (!pay_is_plain_url(channel->url, PAY_BASE_URL_SIZE_MAX)) {
        (void) snprintf(err, err_size, "\"url\" must be the base of the "
                        "gateway, http:// or https://, with a host, without "
                        "a query, of at most %d bytes, as in \"url "
                        "https://pay.example/;\"", PAY_BASE_URL_SIZE_MAX);
        return false;
    }

    if (!pay_is_plain_id(channel->pid, PAY_PID_SIZE_MAX, "")) {
        (void) snprintf(err, err_size, "\"pid\" must be your merchant number "
                        "at the gateway, 1 to %d of 0-9 A-Z a-z _ -, as in "
                        "\"pid 1000;\"", PAY_PID_SIZE_MAX);
        return false;
    }

    if (dialect->numeric_pid
        && !pay_is_number(channel->pid, PAY_PID_SIZE_MAX))
    {
        (void) snprintf(err, err_size, "\"pid\" must be a number, as epusdt "
                        "gives it: \"pid 1000;\"");
        return false;
    }

    if (channel->type.size > 0
        && !pay_is_plain_id(channel->type, PAY_TYPE_SIZE_MAX,
                            dialect->type_extra))
    {
        (void) snprintf(err, err_size, "\"type\" must be a word of the "
                        "gateway like %s, at most %d characters; leave it "
                        "out for the gateway's own choice page",
                        dialect->type_example, PAY_TYPE_SIZE_MAX);
        return false;
    }

    if (pay_currency_exponent(pay_str(channel->currency, PAY_CURRENCY_SIZE))
        > EXPONENT_MAX)
    {
        (void) snprintf(err, err_size, "EPay cannot print %s: its amounts "
                        "have two digits after the point", channel->currency);
        return false;
    }

    return dialect->is_rsa ? pay_channel_check_rsa(channel, err, err_size)
                           : pay_channel_check_key(channel, err, err_size);
}


static pay_start_code_e
epay_start(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_start_t *start, char *url, size_t url_size,
    size_t *url_length)
{
    char                   sign[EPAY_SIGN_SIZE_MAX];
    size_t                 sign_size;
    pay_url_t              writer;
    pay_form_t             form;
    start_texts_t          texts;
    pay_canonical_t        text;
    pay_start_code_e       code;
    const epay_dialect_t  *dialect;

    pay_url_begin(&writer, url, url_size);
    *url_length = 0;
    dialect = epay_dialect(channel);

    code = pay_start_check(channel, start, ".|", texts.money);
    if (code != PAY_START_OK) {
        return code;
    }

    fill_form(&form, channel, start, &texts);
    pay_canonical(&text, &form, &epay_rules);

    if (!epay_sign(crypto, channel, &text, sign, &sign_size)) {
        return PAY_START_INTERNAL;
    }

    pay_url_base(&writer, channel->url);
    pay_url_text(&writer, pay_text(dialect->submit_path));
    pay_url_fields(&writer, &form);
    pay_url_text(&writer, PAY_STR("sign="));
    pay_url_encoded(&writer, pay_str(sign, sign_size));
    pay_url_text(&writer, PAY_STR("&sign_type="));
    pay_url_text(&writer, pay_text(dialect->sign_type));

    return pay_url_end(&writer, url_length) ? PAY_START_OK : PAY_START_ROOM;
}


static void
fill_form(pay_form_t *form, const pay_channel_t *channel,
    const pay_start_t *start, start_texts_t *texts)
{
    size_t                 i;
    const epay_dialect_t  *dialect;

    form->field_count = 0;
    dialect = epay_dialect(channel);

    pay_start_field(form, "pid", channel->pid);
    pay_start_field(form, "type", channel->type);
    pay_start_field(form, "out_trade_no", start->order_no);
    pay_start_field(form, "notify_url", start->notify_url);
    pay_start_field(form, "return_url", start->return_url);
    pay_start_field(form, "name", PAY_STR(GOODS_NAME));
    pay_start_field(form, "money", pay_text(texts->money));

    if (dialect->sends_currency) {
        for (i = 0; i < PAY_CURRENCY_SIZE; i++) {
            texts->currency[i] = (char) (channel->currency[i] | 0x20);
        }

        pay_start_field(form, "currency",
                        pay_str(texts->currency, PAY_CURRENCY_SIZE));
    }

    if (dialect->is_rsa) {
        (void) snprintf(texts->timestamp, sizeof(texts->timestamp),
                        "%010" PRId64, start->now_s);
        pay_start_field(form, "timestamp", pay_text(texts->timestamp));
    }
}

/*
 * Alipay, key mode: its row in the table of protocols, the check of a
 * channel, and start(), which signs the redirect to the cashier of
 * alipay.trade.page.pay or alipay.trade.wap.pay.  Notices are judged in
 * alipay_notice.c; what is asked and answered, alipay.trade.precreate among
 * it, stands in alipay_ask.c and alipay_answer.c.
 *
 * A request's string has sign_type in it, a notice's has not.  The request is
 * signed by the application's private key, the notice by Alipay's, whose
 * public key is not the application's own.
 *
 * Nothing that a buyer wrote is in a request, so the JSON in it needs no
 * escaping.
 */

#include "alipay_priv.h"

#include "start.h"

#include <stdio.h>
#include <time.h>


#define CHINA_OFFSET_S  (8 * 3600)
#define EXPIRES_MIN_S   60


static const alipay_product_t  products[] = {
    { "page", "alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY", false },
    { "wap", "alipay.trade.wap.pay", "QUICK_WAP_WAY", false },
    { "precreate", "alipay.trade.precreate", "FACE_TO_FACE_PAYMENT", true }
};

#define PRODUCT_COUNT  (sizeof(products) / sizeof(products[0]))


static bool alipay_check(const pay_channel_t *channel, char *err,
    size_t err_size);
static pay_start_code_e alipay_start(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_start_t *start, char *url,
    size_t url_size, size_t *url_length);


static const pay_canonical_rules_t  request_rules = {
    .skip = { "sign", NULL },
    .keep_empty = false
};


const pay_protocol_t  pay_alipay_protocol = {
    .name = "alipay",

    /* Exactly these seven bytes. */

    .success_body = "success",
    .failure_body = "fail",
    .content_type = "text/plain",
    .methods = PAY_METHOD_POST,
    .needs = PAY_BIT(APP_ID) | PAY_BIT(SELLER_ID) | PAY_BIT(PRIVATE_KEY_FILE),
    .takes = PAY_BIT(URL) | PAY_BIT(TYPE) | PAY_BIT(PUBLIC_KEY_FILE)
             | PAY_BIT(CERTIFICATE_FILE) | PAY_BIT(APP_CERTIFICATE)
             | PAY_BIT(ROOT_CERTIFICATE),
    .url = "https://openapi.alipay.com/gateway.do",
    .remembered = true,
    .asks = PAY_ASK_BIT(START) | PAY_ASK_BIT(QUERY) | PAY_ASK_BIT(CLOSE)
            | PAY_ASK_BIT(REFUND) | PAY_ASK_BIT(REFUND_QUERY),
    .start = alipay_start,
    .verify = alipay_verify,
    .check = alipay_check,
    .load = alipay_load,
    .ask = alipay_ask,
    .answer = alipay_answer
};


static bool
alipay_check(const pay_channel_t *channel, char *err, size_t err_size)
{
    if (!pay_is_plain_url(channel->url, PAY_BASE_URL_SIZE_MAX)) {
        (void) snprintf(err, err_size, "\"url\" must be that of the gateway, "
                        "without a query; leave it out for %s",
                        pay_alipay_protocol.url);
        return false;
    }

    if (!pay_is_number(channel->app_id, PAY_PID_SIZE_MAX)
        || !pay_is_number(channel->seller_id, PAY_PID_SIZE_MAX))
    {
        (void) snprintf(err, err_size, "\"app_id\" and \"seller_id\" are the "
                        "numbers of your application and of your account "
                        "(2088...), at most %d digits", PAY_PID_SIZE_MAX);
        return false;
    }

    if (alipay_product(channel) == NULL) {
        (void) snprintf(err, err_size, "\"type\" must be page (for computers, "
                        "which is meant without it), wap (for phones) or "
                        "precreate (a QR code)");
        return false;
    }

    if (alipay_product(channel)->is_call && pay_channel_asks(channel) == 0) {
        (void) snprintf(err, err_size, "\"type precreate\" calls the gateway: "
                        "\"url\" must be https");
        return false;
    }

    if (strcmp(channel->currency, "CNY") != 0) {
        (void) snprintf(err, err_size, "Alipay takes CNY, not %s",
                        channel->currency);
        return false;
    }

    return pay_channel_check_rsa(channel, err, err_size);
}


const alipay_product_t *
alipay_product(const pay_channel_t *channel)
{
    size_t  i;

    if (channel->type.size == 0) {
        return &products[0];
    }

    for (i = 0; i < PRODUCT_COUNT; i++) {
        if (pay_str_eq(channel->type, pay_text(products[i].type))) {
            return &products[i];
        }
    }

    return NULL;
}


static pay_start_code_e
alipay_start(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_start_t *start, char *url, size_t url_size,
    size_t *url_length)
{
    char                     sign[PAY_BASE64_SIZE(PAY_RSA_SIGNATURE_SIZE_MAX)];
    char                     money[PAY_MONEY_TEXT_SIZE_MAX];
    size_t                   sign_size;
    pay_url_t                writer;
    pay_form_t               form;
    alipay_texts_t           texts;
    pay_start_code_e         code;
    const alipay_product_t  *product;

    pay_url_begin(&writer, url, url_size);
    *url_length = 0;
    product = alipay_product(channel);

    code = pay_start_check(channel, start, "", money);

    if (code != PAY_START_OK) {
        return code;
    }

    if (product->is_call) {
        return PAY_START_ASK;
    }

    if (!alipay_start_biz(channel, start->order_no, money, start->now_s,
                          start->expires_s, texts.biz))
    {
        return PAY_START_ROOM;
    }

    alipay_time(texts.timestamp, start->now_s);
    alipay_fill(&form, channel, product->method, &texts, start->notify_url,
                start->return_url);

    if (!alipay_sign(crypto, channel, &form, sign, &sign_size)) {
        return PAY_START_INTERNAL;
    }

    pay_url_text(&writer, channel->url);
    pay_url_text(&writer, PAY_STR("?"));
    pay_url_fields(&writer, &form);
    pay_url_text(&writer, PAY_STR("sign="));
    pay_url_encoded(&writer, pay_str(sign, sign_size));

    return pay_url_end(&writer, url_length) ? PAY_START_OK : PAY_START_ROOM;
}


/* The gateway's cashier closes when our hold ends, but not at once: what ends
 * in this minute would be refused as over. */

bool
alipay_start_biz(const pay_channel_t *channel, pay_str_t order_no,
    const char *money, int64_t now_s, int64_t expires_s, char *biz)
{
    int   size;
    char  expires[ALIPAY_TIME_SIZE];

    alipay_time(expires, expires_s - now_s < EXPIRES_MIN_S
                         ? now_s + EXPIRES_MIN_S : expires_s);

    size = snprintf(biz, ALIPAY_BIZ_SIZE,
                    "{\"out_trade_no\":\"%.*s\",\"product_code\":\"%s\","
                    "\"subject\":\"order %.*s\",\"time_expire\":\"%s\","
                    "\"total_amount\":\"%s\"}",
                    (int) order_no.size, (const char *) order_no.data,
                    alipay_product(channel)->product_code,
                    (int) order_no.size, (const char *) order_no.data,
                    expires, money);

    return size > 0 && size < ALIPAY_BIZ_SIZE;
}


/* It has no summer. */

void
alipay_time(char text[ALIPAY_TIME_SIZE], int64_t at_s)
{
    time_t     time;
    struct tm  tm;

    time = (time_t) (at_s + CHINA_OFFSET_S);

    if (gmtime_r(&time, &tm) == NULL
        || strftime(text, ALIPAY_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm) == 0)
    {
        text[0] = '\0';
    }
}


void
alipay_fill(pay_form_t *form, const pay_channel_t *channel,
    const char *method, const alipay_texts_t *texts, pay_str_t notify_url,
    pay_str_t return_url)
{
    form->field_count = 0;

    pay_start_field(form, "alipay_root_cert_sn", pay_text(channel->root_sn));
    pay_start_field(form, "app_cert_sn", pay_text(channel->app_sn));
    pay_start_field(form, "app_id", channel->app_id);
    pay_start_field(form, "biz_content", pay_text(texts->biz));
    pay_start_field(form, "charset", PAY_STR("utf-8"));
    pay_start_field(form, "format", PAY_STR("JSON"));
    pay_start_field(form, "method", pay_text(method));
    pay_start_field(form, "notify_url", notify_url);
    pay_start_field(form, "return_url", return_url);
    pay_start_field(form, "sign_type", PAY_STR(ALIPAY_SIGN_TYPE));
    pay_start_field(form, "timestamp", pay_text(texts->timestamp));
    pay_start_field(form, "version", PAY_STR("1.0"));
}


bool
alipay_sign(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_form_t *form,
    char sign[PAY_BASE64_SIZE(PAY_RSA_SIGNATURE_SIZE_MAX)], size_t *size)
{
    size_t           raw_size;
    pay_str_t        signed_text;
    unsigned char    raw[PAY_RSA_SIGNATURE_SIZE_MAX];
    pay_canonical_t  text;

    pay_canonical(&text, form, &request_rules);
    signed_text = pay_str(text.data, text.size);

    if (!pay_rsa_sign(crypto, channel->private_key, &signed_text, 1, raw,
                      &raw_size))
    {
        return false;
    }

    pay_base64_encode(raw, raw_size, sign);
    *size = PAY_BASE64_SIZE(raw_size);

    return true;
}

/*
 * Alipay, key mode: its row in the table of protocols, the check of a
 * channel, and start(), which signs the redirect to the cashier of
 * alipay.trade.page.pay or alipay.trade.wap.pay.  Notices are judged in
 * alipay_notice.c.
 *
 * A request's string has sign_type in it, a notice's has not.  The request is
 * signed by the application's private key, the notice by Alipay's, whose
 * public key is not the application's own.
 *
 * Nothing that a buyer wrote is in a request, so the JSON in it needs no
 * escaping.
 */

#include "alipay_priv.h"

#include "base64.h"
#include "start.h"
#include "url.h"

#include <stdio.h>
#include <time.h>


#define BIZ_SIZE          512
#define TIME_SIZE         32
#define CHINA_OFFSET_S    (8 * 3600)
#define EXPIRES_MIN_S     60


typedef struct {
    const char  *type;                 /* as in "type page;" */
    const char  *method;
    const char  *product_code;
} product_t;

static const product_t  products[] = {
    { "page", "alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY" },
    { "wap", "alipay.trade.wap.pay", "QUICK_WAP_WAY" }
};

#define PRODUCT_COUNT  (sizeof(products) / sizeof(products[0]))


/* The texts of one request that are made for it. */

typedef struct {
    char  money[PAY_MONEY_TEXT_SIZE_MAX];
    char  timestamp[TIME_SIZE];
    char  expires[TIME_SIZE];
    char  biz[BIZ_SIZE];
} start_texts_t;


static bool alipay_check(const pay_channel_t *channel, char *err,
    size_t err_size);
static const product_t *product_of(const pay_channel_t *channel);
static pay_start_code_e alipay_start(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_start_t *start, char *url,
    size_t url_size, size_t *url_length);
static void write_time(char text[TIME_SIZE], int64_t at_s);
static pay_start_code_e write_biz(const pay_channel_t *channel,
    const pay_start_t *start, start_texts_t *texts);
static void fill_form(pay_form_t *form, const pay_channel_t *channel,
    const pay_start_t *start, const start_texts_t *texts);


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
    .needs = PAY_BIT(APP_ID) | PAY_BIT(SELLER_ID) | PAY_BIT(PRIVATE_KEY_FILE)
             | PAY_BIT(PUBLIC_KEY_FILE),
    .takes = PAY_BIT(URL) | PAY_BIT(TYPE),
    .url = "https://openapi.alipay.com/gateway.do",
    .start = alipay_start,
    .verify = alipay_verify,
    .check = alipay_check
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

    if (product_of(channel) == NULL) {
        (void) snprintf(err, err_size, "\"type\" must be page (for computers, "
                        "which is meant without it) or wap (for phones)");
        return false;
    }

    if (strcmp(channel->currency, "CNY") != 0) {
        (void) snprintf(err, err_size, "Alipay takes CNY, not %s",
                        channel->currency);
        return false;
    }

    return pay_channel_check_rsa(channel, err, err_size);
}


static const product_t *
product_of(const pay_channel_t *channel)
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
    char              sign[PAY_BASE64_SIZE(PAY_RSA_SIGNATURE_SIZE_MAX)];
    size_t            raw_size;
    pay_str_t         signed_text;
    pay_url_t         writer;
    pay_form_t        form;
    start_texts_t     texts;
    unsigned char     raw[PAY_RSA_SIGNATURE_SIZE_MAX];
    pay_canonical_t   text;
    pay_start_code_e  code;

    pay_url_begin(&writer, url, url_size);
    *url_length = 0;

    code = pay_start_check(channel, start, "", texts.money);

    if (code == PAY_START_OK) {
        code = write_biz(channel, start, &texts);
    }

    if (code != PAY_START_OK) {
        return code;
    }

    fill_form(&form, channel, start, &texts);
    pay_canonical(&text, &form, &request_rules);
    signed_text = pay_str(text.data, text.size);

    if (!pay_rsa_sign(crypto, channel->private_key, &signed_text, 1, raw,
                      &raw_size))
    {
        return PAY_START_INTERNAL;
    }

    pay_base64_encode(raw, raw_size, sign);

    pay_url_text(&writer, channel->url);
    pay_url_text(&writer, PAY_STR("?"));
    pay_url_fields(&writer, &form);
    pay_url_text(&writer, PAY_STR("sign="));
    pay_url_encoded(&writer, pay_str(sign, PAY_BASE64_SIZE(raw_size)));

    return pay_url_end(&writer, url_length) ? PAY_START_OK : PAY_START_ROOM;
}


/* The gateway's cashier closes when our hold ends, but not at once: what ends
 * in this minute would be refused as over. */

static pay_start_code_e
write_biz(const pay_channel_t *channel, const pay_start_t *start,
    start_texts_t *texts)
{
    int      size;
    int64_t  expires_s;

    expires_s = start->expires_s - start->now_s < EXPIRES_MIN_S
                ? start->now_s + EXPIRES_MIN_S : start->expires_s;

    write_time(texts->timestamp, start->now_s);
    write_time(texts->expires, expires_s);

    size = snprintf(texts->biz, sizeof(texts->biz),
                    "{\"out_trade_no\":\"%.*s\",\"product_code\":\"%s\","
                    "\"subject\":\"order %.*s\",\"time_expire\":\"%s\","
                    "\"total_amount\":\"%s\"}",
                    (int) start->order_no.size,
                    (const char *) start->order_no.data,
                    product_of(channel)->product_code,
                    (int) start->order_no.size,
                    (const char *) start->order_no.data, texts->expires,
                    texts->money);

    return size > 0 && (size_t) size < sizeof(texts->biz) ? PAY_START_OK
                                                          : PAY_START_ROOM;
}


/* In China's time, which has no summer. */

static void
write_time(char text[TIME_SIZE], int64_t at_s)
{
    time_t     time;
    struct tm  tm;

    time = (time_t) (at_s + CHINA_OFFSET_S);

    if (gmtime_r(&time, &tm) == NULL
        || strftime(text, TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm) == 0)
    {
        text[0] = '\0';
    }
}


static void
fill_form(pay_form_t *form, const pay_channel_t *channel,
    const pay_start_t *start, const start_texts_t *texts)
{
    const char  *method;

    form->field_count = 0;
    method = product_of(channel)->method;

    pay_start_field(form, "app_id", channel->app_id);
    pay_start_field(form, "biz_content", pay_text(texts->biz));
    pay_start_field(form, "charset", PAY_STR("utf-8"));
    pay_start_field(form, "format", PAY_STR("JSON"));
    pay_start_field(form, "method", pay_text(method));
    pay_start_field(form, "notify_url", start->notify_url);
    pay_start_field(form, "return_url", start->return_url);
    pay_start_field(form, "sign_type", PAY_STR(ALIPAY_SIGN_TYPE));
    pay_start_field(form, "timestamp", pay_text(texts->timestamp));
    pay_start_field(form, "version", PAY_STR("1.0"));
}

/*
 * WeChat Pay: what is asked.
 *
 * Every text in a request is of our own making and of an alphabet without
 * quotes and backslashes, so the JSON needs no escaping.  What buyers wrote is
 * in none.
 *
 * A refund is asked for by the order's number, which can be paid but once, and
 * without an address for notices: how it ends is asked, too.
 */

#include "wechat_priv.h"

#include "url.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>


#define BODY_SIZE_MAX     2048
#define TARGET_SIZE_MAX   256
#define TIME_SIZE         32
#define CHINA_OFFSET_S    (8 * 3600)
#define EXPIRES_MIN_S     60


/* A request in the making; method is that of the kind of question. */

typedef struct {
    const char  *method;
    char         target[TARGET_SIZE_MAX];
    char         body[BODY_SIZE_MAX];
} draft_t;


static bool draft(const pay_channel_t *channel, const pay_ask_t *question,
    draft_t *out);
static int draft_start(const pay_channel_t *channel,
    const pay_ask_t *question, char body[BODY_SIZE_MAX]);
static int draft_refund(const pay_ask_t *question, char body[BODY_SIZE_MAX]);
static void write_time(char text[TIME_SIZE], int64_t at_s);
static bool is_refund_no(pay_str_t refund_no);
static bool write_request(pay_crypto_t *crypto, const pay_channel_t *channel,
    int64_t now_s, const draft_t *from, unsigned char *buffer,
    pay_request_t *request);
static bool write_headers(pay_crypto_t *crypto, const pay_channel_t *channel,
    int64_t now_s, const draft_t *from, pay_url_t *writer);
static bool write_nonce(pay_crypto_t *crypto,
    char nonce[WECHAT_NONCE_SIZE + 1]);


bool
wechat_ask(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, unsigned char *buffer, pay_request_t *request)
{
    draft_t  from;

    memset(request, 0, sizeof(pay_request_t));

    return wechat_is_order_no(question->order_no)
           && draft(channel, question, &from)
           && write_request(crypto, channel, question->now_s, &from, buffer,
                            request);
}


static bool
draft(const pay_channel_t *channel, const pay_ask_t *question, draft_t *out)
{
    int  path_size, body_size;

    const int    order_no_size = (int) question->order_no.size;
    const char  *order_no = (const char *) question->order_no.data;

    out->method = "POST";
    out->body[0] = '\0';
    body_size = 0;

    switch (question->what) {

    case PAY_ASK_START:
        path_size = snprintf(out->target, TARGET_SIZE_MAX,
                             WECHAT_PATH "/native");
        body_size = draft_start(channel, question, out->body);
        break;

    case PAY_ASK_QUERY:
        out->method = "GET";
        path_size = snprintf(out->target, TARGET_SIZE_MAX,
                             WECHAT_PATH "/out-trade-no/%.*s?mchid=%.*s",
                             order_no_size, order_no,
                             (int) channel->mchid.size,
                             (const char *) channel->mchid.data);
        break;

    case PAY_ASK_CLOSE:
        path_size = snprintf(out->target, TARGET_SIZE_MAX,
                             WECHAT_PATH "/out-trade-no/%.*s/close",
                             order_no_size, order_no);
        body_size = snprintf(out->body, BODY_SIZE_MAX, "{\"mchid\":\"%.*s\"}",
                             (int) channel->mchid.size,
                             (const char *) channel->mchid.data);
        break;

    case PAY_ASK_REFUND:
        path_size = snprintf(out->target, TARGET_SIZE_MAX,
                             WECHAT_REFUND_PATH);
        body_size = draft_refund(question, out->body);
        break;

    case PAY_ASK_REFUND_QUERY:
        if (!is_refund_no(question->refund_no)) {
            return false;
        }

        out->method = "GET";
        path_size = snprintf(out->target, TARGET_SIZE_MAX,
                             WECHAT_REFUND_PATH "/%.*s",
                             (int) question->refund_no.size,
                             (const char *) question->refund_no.data);
        break;

    default:
        return false;
    }

    return path_size > 0 && path_size < TARGET_SIZE_MAX
           && body_size >= 0 && body_size < BODY_SIZE_MAX;
}


/* -1: this cannot be asked.  The code that is scanned works as long as our
 * hold; what ends in this minute would be refused as over. */

static int
draft_start(const pay_channel_t *channel, const pay_ask_t *question,
    char body[BODY_SIZE_MAX])
{
    char     expires[TIME_SIZE];
    int64_t  expires_s;

    if (question->amount <= 0
        || strcmp(question->currency, channel->currency) != 0
        || !pay_is_plain_url(question->notify_url, PAY_BASE_URL_SIZE_MAX))
    {
        return -1;
    }

    expires_s = question->expires_s - question->now_s < EXPIRES_MIN_S
                ? question->now_s + EXPIRES_MIN_S : question->expires_s;
    write_time(expires, expires_s);

    return snprintf(body, BODY_SIZE_MAX,
                    "{\"appid\":\"%.*s\",\"mchid\":\"%.*s\","
                    "\"description\":\"order %.*s\","
                    "\"out_trade_no\":\"%.*s\",\"time_expire\":\"%s\","
                    "\"notify_url\":\"%.*s\",\"amount\":{\"total\":%lld,"
                    "\"currency\":\"%s\"}}",
                    (int) channel->app_id.size,
                    (const char *) channel->app_id.data,
                    (int) channel->mchid.size,
                    (const char *) channel->mchid.data,
                    (int) question->order_no.size,
                    (const char *) question->order_no.data,
                    (int) question->order_no.size,
                    (const char *) question->order_no.data, expires,
                    (int) question->notify_url.size,
                    (const char *) question->notify_url.data,
                    (long long) question->amount, channel->currency);
}


/* In China's time, which has no summer. */

static void
write_time(char text[TIME_SIZE], int64_t at_s)
{
    time_t     time;
    struct tm  tm;

    time = (time_t) (at_s + CHINA_OFFSET_S);

    if (gmtime_r(&time, &tm) == NULL
        || strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%S+08:00", &tm) == 0)
    {
        text[0] = '\0';
    }
}


static int
draft_refund(const pay_ask_t *question, char body[BODY_SIZE_MAX])
{
    /* What goes back is one payment, not whatever the order had. */

    if (!is_refund_no(question->refund_no)
        || !pay_is_plain_id(question->trade_no, PAY_TRADE_NO_SIZE_MAX, "")
        || question->refund_amount <= 0
        || question->refund_amount > question->paid_amount
        || strcmp(question->currency, "CNY") != 0)
    {
        return -1;
    }

    return snprintf(body, BODY_SIZE_MAX,
                    "{\"transaction_id\":\"%.*s\","
                    "\"out_refund_no\":\"%.*s\","
                    "\"amount\":{\"refund\":%lld,\"total\":%lld,"
                    "\"currency\":\"CNY\"}}",
                    (int) question->trade_no.size,
                    (const char *) question->trade_no.data,
                    (int) question->refund_no.size,
                    (const char *) question->refund_no.data,
                    (long long) question->refund_amount,
                    (long long) question->paid_amount);
}


static bool
is_refund_no(pay_str_t refund_no)
{
    return pay_is_plain_id(refund_no, PAY_REFUND_NO_SIZE_MAX, "")
           && refund_no.size >= PAY_REFUND_NO_SIZE_MIN;
}


static bool
write_request(pay_crypto_t *crypto, const pay_channel_t *channel,
    int64_t now_s, const draft_t *from, unsigned char *buffer,
    pay_request_t *request)
{
    size_t     target_end, headers_end, length;
    pay_url_t  writer;

    pay_url_begin(&writer, (char *) buffer, PAY_REQUEST_SIZE_MAX);

    pay_url_text(&writer, pay_text(from->target));
    target_end = writer.size;

    if (!write_headers(crypto, channel, now_s, from, &writer)) {
        return false;
    }

    headers_end = writer.size;
    pay_url_text(&writer, pay_text(from->body));

    if (!pay_url_end(&writer, &length)) {
        return false;
    }

    request->method = from->method;
    request->target = pay_str(buffer, target_end);
    request->headers = pay_str(buffer + target_end, headers_end - target_end);
    request->body = pay_str(buffer + headers_end, length - headers_end);

    return true;
}


static bool
write_headers(pay_crypto_t *crypto, const pay_channel_t *channel,
    int64_t now_s, const draft_t *from, pay_url_t *writer)
{
    char    timestamp[32], nonce[WECHAT_NONCE_SIZE + 1];
    char    sign[WECHAT_SIGN_SIZE_MAX];
    size_t  size;

    (void) snprintf(timestamp, sizeof(timestamp), "%lld", (long long) now_s);

    if (!write_nonce(crypto, nonce)
        || !wechat_sign(crypto, channel, pay_text(from->method),
                        pay_text(from->target), pay_text(timestamp),
                        pay_text(nonce), pay_text(from->body), sign, &size))
    {
        return false;
    }

    pay_url_text(writer, PAY_STR("Authorization: " WECHAT_SCHEME " mchid=\""));
    pay_url_text(writer, channel->mchid);
    pay_url_text(writer, PAY_STR("\",nonce_str=\""));
    pay_url_text(writer, pay_text(nonce));
    pay_url_text(writer, PAY_STR("\",signature=\""));
    pay_url_text(writer, pay_str(sign, size));
    pay_url_text(writer, PAY_STR("\",timestamp=\""));
    pay_url_text(writer, pay_text(timestamp));
    pay_url_text(writer, PAY_STR("\",serial_no=\""));
    pay_url_text(writer, channel->serial);
    pay_url_text(writer, PAY_STR("\"\r\nAccept: application/json\r\n"));

    if (from->body[0] != '\0') {
        pay_url_text(writer, PAY_STR("Content-Type: application/json\r\n"));
    }

    /* Which of its keys WeChat is to answer with; else a certificate's. */

    if (channel->public_key != NULL) {
        pay_url_text(writer, PAY_STR("Wechatpay-Serial: "));
        pay_url_text(writer, channel->public_key_id);
        pay_url_text(writer, PAY_STR("\r\n"));
    }

    return true;
}


static bool
write_nonce(pay_crypto_t *crypto, char nonce[WECHAT_NONCE_SIZE + 1])
{
    size_t         i;
    unsigned char  random[WECHAT_NONCE_SIZE / 2];

    if (!pay_random(crypto, random, sizeof(random))) {
        return false;
    }

    for (i = 0; i < sizeof(random); i++) {
        (void) snprintf(nonce + 2 * i, 3, "%02x", random[i]);
    }

    return true;
}

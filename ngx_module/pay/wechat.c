/*
 * WeChat Pay APIv3, Native: its row in the table of protocols, and the check
 * of a channel.
 *
 * A payment begins with a question to the gateway, whose answer is what the
 * buyer scans; see wechat_ask.c and wechat_answer.c.  Notices are judged in
 * wechat_notice.c, signatures in wechat_sign.c.
 *
 * WeChat signs with a key that goes by a name: the serial number of one of
 * its platform certificates, or PUB_KEY_ID_...  A merchant who changes from
 * the one to the other gets notices by both for days, so a channel may have
 * both.
 */

#include "wechat_priv.h"

#include "start.h"
#include "url.h"

#include <stdio.h>


#define PUBLIC_KEY_ID_PREFIX  PAY_STR("PUB_KEY_ID_")
#define PUBLIC_KEY_ID_MAX     64


static bool wechat_check(const pay_channel_t *channel, char *err,
    size_t err_size);
static const char *account_fault(const pay_channel_t *channel);
static const char *key_fault(const pay_channel_t *channel);
static const char *public_key_fault(const pay_channel_t *channel);
static const char *certificate_fault(const pay_channel_t *channel);
static bool is_hex(pay_str_t text);
static pay_str_t significant(pay_str_t serial);
static pay_start_code_e wechat_start(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_start_t *start, char *url,
    size_t url_size, size_t *url_length);


const pay_protocol_t  pay_wechat_protocol = {
    .name = "wechat",

    /* WeChat goes by the status alone. */

    .success_body = "{\"code\":\"SUCCESS\"}",
    .failure_body = "{\"code\":\"FAIL\",\"message\":\"refused\"}",
    .content_type = "application/json",
    .notice_type = "application/json",
    .methods = PAY_METHOD_POST,
    .needs = PAY_BIT(MCHID) | PAY_BIT(APP_ID) | PAY_BIT(SERIAL)
             | PAY_BIT(PRIVATE_KEY_FILE) | PAY_BIT(KEY_FILE),
    .takes = PAY_BIT(URL) | PAY_BIT(PUBLIC_KEY_FILE) | PAY_BIT(PUBLIC_KEY_ID)
             | PAY_BIT(CERTIFICATE_FILE),
    .url = "https://api.mch.weixin.qq.com",
    .asks = PAY_ASK_BIT(START) | PAY_ASK_BIT(QUERY) | PAY_ASK_BIT(CLOSE)
            | PAY_ASK_BIT(REFUND) | PAY_ASK_BIT(REFUND_QUERY),
    .start = wechat_start,
    .verify = wechat_verify,
    .check = wechat_check,
    .ask = wechat_ask,
    .answer = wechat_answer
};


static bool
wechat_check(const pay_channel_t *channel, char *err, size_t err_size)
{
    const char  *fault;

    fault = account_fault(channel);

    if (fault == NULL) {
        fault = key_fault(channel);
    }

    if (fault == NULL) {
        fault = public_key_fault(channel);
    }

    if (fault == NULL) {
        fault = certificate_fault(channel);
    }

    if (fault != NULL) {
        (void) snprintf(err, err_size, "%s", fault);
    }

    return fault == NULL;
}


static const char *
account_fault(const pay_channel_t *channel)
{
    if (!pay_is_origin(channel->url, PAY_BASE_URL_SIZE_MAX)) {
        return "\"url\" must be the gateway's scheme and host, without a "
               "path, for the path is signed; leave it out for "
               "https://api.mch.weixin.qq.com";
    }

    if (!pay_channel_is_private(channel)) {
        return "payments begin with a call: \"url\" must be https, or a "
               "gateway on this machine";
    }

    if (!pay_is_number(channel->mchid, PAY_PID_SIZE_MAX)) {
        return "\"mchid\" is the number of your account at WeChat Pay, at "
               "most 32 digits";
    }

    if (!pay_is_plain_id(channel->app_id, PAY_PID_SIZE_MAX, "")) {
        return "\"app_id\" is that of the application which is bound to the "
               "account (wx...), at most 32 characters";
    }

    if (!is_hex(channel->serial)
        || channel->serial.size > PAY_SERIAL_SIZE_MAX)
    {
        return "\"serial\" is the serial number of your own API "
               "certificate, at most 40 hex digits: openssl x509 -noout "
               "-serial -in apiclient_cert.pem";
    }

    if (strcmp(channel->currency, "CNY") != 0) {
        return "WeChat Pay takes CNY only";
    }

    return NULL;
}


static const char *
key_fault(const pay_channel_t *channel)
{
    if (channel->private_key == NULL) {
        return "no key: write \"private_key_file\", your own "
               "(apiclient_key.pem)";
    }

    /* With one of 16 bytes some libraries silently go on with AES-128. */

    if (channel->key.size != WECHAT_KEY_SIZE
        || (channel->key_previous.size != 0
            && channel->key_previous.size != WECHAT_KEY_SIZE))
    {
        return "\"key_file\" must have the APIv3 key, which has exactly 32 "
               "characters; set one on the merchant page";
    }

    if (pay_str_eq(channel->key, channel->key_previous)) {
        return "the previous APIv3 key equals the current one; leave it out, "
               "or write the new key first";
    }

    if (channel->public_key == NULL && channel->certificates[0].key == NULL) {
        return "nothing to check WeChat's signatures by: write "
               "\"public_key_file\" and \"public_key_id\", or "
               "\"certificate_file\"";
    }

    return NULL;
}


static const char *
public_key_fault(const pay_channel_t *channel)
{
    pay_str_t  id;

    id = channel->public_key_id;

    if ((channel->public_key == NULL) != (id.size == 0)) {
        return "\"public_key_file\" and \"public_key_id\" belong together: "
               "write both, or none";
    }

    if (channel->public_key == NULL) {
        return NULL;
    }

    if (channel->public_key_previous != NULL) {
        return "WeChat has one public key: write one \"public_key_file\"";
    }

    if (!pay_is_plain_id(id, PUBLIC_KEY_ID_MAX, "")
        || id.size <= PUBLIC_KEY_ID_PREFIX.size
        || memcmp(id.data, PUBLIC_KEY_ID_PREFIX.data,
                  PUBLIC_KEY_ID_PREFIX.size) != 0)
    {
        return "\"public_key_id\" is the name of WeChat's public key, which "
               "begins with PUB_KEY_ID_";
    }

    if (pay_rsa_equal(channel->private_key, channel->public_key)) {
        return "\"public_key_file\" is the public half of your own key; "
               "write WeChat's, which the merchant page shows";
    }

    return NULL;
}


static const char *
certificate_fault(const pay_channel_t *channel)
{
    size_t                    i;
    const pay_certificate_t  *certificate;

    for (i = 0; i < 2; i++) {
        certificate = &channel->certificates[i];

        if (certificate->key == NULL) {
            continue;
        }

        if (wechat_same_serial(pay_text(certificate->serial),
                               channel->serial)
            || pay_rsa_equal(channel->private_key, certificate->key))
        {
            return "\"certificate_file\" is your own certificate; write the "
                   "platform's, which WeChat signs with";
        }
    }

    if (channel->certificates[1].key != NULL
        && wechat_same_serial(pay_text(channel->certificates[0].serial),
                              pay_text(channel->certificates[1].serial)))
    {
        return "the previous certificate equals the current one; leave it "
               "out, or write the new one first";
    }

    return NULL;
}


static bool
is_hex(pay_str_t text)
{
    size_t  i;

    for (i = 0; i < text.size; i++) {
        if (text.data[i] == '\0'
            || strchr("0123456789abcdefABCDEF", text.data[i]) == NULL)
        {
            return false;
        }
    }

    return significant(text).size != 0;
}


bool
wechat_same_serial(pay_str_t a, pay_str_t b)
{
    size_t  i;

    a = significant(a);
    b = significant(b);

    if (a.size != b.size) {
        return false;
    }

    /* Digits and letters differ in other bits than that of the case. */

    for (i = 0; i < a.size; i++) {
        if ((a.data[i] | 0x20) != (b.data[i] | 0x20)) {
            return false;
        }
    }

    return true;
}


static pay_str_t
significant(pay_str_t serial)
{
    while (serial.size > 0 && serial.data[0] == '0') {
        serial = pay_str(serial.data + 1, serial.size - 1);
    }

    return serial;
}


bool
wechat_is_order_no(pay_str_t order_no)
{
    return pay_is_plain_id(order_no, WECHAT_ORDER_NO_SIZE_MAX, "")
           && order_no.size >= WECHAT_ORDER_NO_SIZE_MIN;
}


static pay_start_code_e
wechat_start(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_start_t *start, char *url, size_t url_size,
    size_t *url_length)
{
    char              money[PAY_MONEY_TEXT_SIZE_MAX];
    pay_url_t         writer;
    pay_start_code_e  code;

    (void) crypto;

    pay_url_begin(&writer, url, url_size);
    *url_length = 0;

    if (!wechat_is_order_no(start->order_no)) {
        return PAY_START_ORDER_NO;
    }

    code = pay_start_check(channel, start, "", money);

    return code == PAY_START_OK ? PAY_START_ASK : code;
}

/*
 * epusdt's JSON forms: GMPay, its present one, and BEpusdt, which went on
 * with the older one.  Here are their rows in the table of protocols and the
 * check of a channel.  Notices are judged in usdt_notice.c; a payment begins
 * with a call, which usdt_ask.c and usdt_answer.c make and read.
 *
 * Both are signed as EPay is, over the members of an object: with MD5, or,
 * where newer versions say so, with HMAC-SHA256.  Requests and notices share
 * key and string, so a notice is held to what no request has.
 */

#include "usdt_priv.h"

#include "start.h"

#include <stdio.h>


#define EXPONENT_MAX  2


static bool usdt_check(const pay_channel_t *channel, char *err,
    size_t err_size);
static bool check_account(const pay_channel_t *channel, char *err,
    size_t err_size);
static bool check_type(const pay_channel_t *channel, char *err,
    size_t err_size);
static pay_start_code_e usdt_start(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_start_t *start, char *url,
    size_t url_size, size_t *url_length);


const pay_canonical_rules_t  usdt_rules = {
    .skip = { "signature", NULL },
    .keep_empty = false
};

static const pay_hash_t  md5 = { .hash = PAY_HASH_MD5 };

static const usdt_dialect_t  dialect_gmpay = {
    .create_path = "/payments/gmpay/v1/order/create-transaction",
    .has_pid = true,
    .has_chain = true
};

static const usdt_dialect_t  dialect_bepusdt = {
    .create_path = "/api/v1/order/create-transaction",
    .close_path = "/api/v1/order/cancel-transaction"
};


#define ROW                                                                   \
    .success_body = "success",                                                \
    .failure_body = "fail",                                                   \
    .content_type = "text/plain",                                             \
    .notice_type = "application/json",                                        \
    .methods = PAY_METHOD_POST,                                               \
    .start = usdt_start,                                                      \
    .verify = usdt_verify,                                                    \
    .check = usdt_check,                                                      \
    .ask = usdt_ask,                                                          \
    .answer = usdt_answer

const pay_protocol_t  pay_gmpay_protocol = {
    .name = "gmpay",
    ROW,
    .needs = PAY_BIT(URL) | PAY_BIT(PID) | PAY_BIT(KEY_FILE) | PAY_BIT(HASH),
    .takes = PAY_BIT(TYPE),
    .asks = PAY_ASK_BIT(START) | PAY_ASK_BIT(QUERY),
    .own = &dialect_gmpay
};

const pay_protocol_t  pay_bepusdt_protocol = {
    .name = "bepusdt",
    ROW,
    .needs = PAY_BIT(URL) | PAY_BIT(KEY_FILE),
    .takes = PAY_BIT(TYPE),
    .asks = PAY_ASK_BIT(START) | PAY_ASK_BIT(QUERY) | PAY_ASK_BIT(CLOSE),
    .own = &dialect_bepusdt
};


const usdt_dialect_t *
usdt_dialect(const pay_channel_t *channel)
{
    return channel->protocol->own;
}


const pay_hash_t *
usdt_hash(const pay_channel_t *channel)
{
    return usdt_dialect(channel)->has_pid ? &channel->hash : &md5;
}


static bool
usdt_check(const pay_channel_t *channel, char *err, size_t err_size)
{
    if (!pay_is_plain_url(channel->url, PAY_BASE_URL_SIZE_MAX)) {
        (void) snprintf(err, err_size, "\"url\" must be the base of the "
                        "gateway, with a host, without a query, of at most "
                        "%d bytes, as in \"url https://pay.example/;\"",
                        PAY_BASE_URL_SIZE_MAX);
        return false;
    }

    if (pay_channel_asks(channel) == 0) {
        (void) snprintf(err, err_size, "payments begin with a call whose "
                        "answer nobody signs: \"url\" must be https, or a "
                        "gateway on this machine");
        return false;
    }

    if (pay_currency_exponent(pay_text(channel->currency)) > EXPONENT_MAX) {
        (void) snprintf(err, err_size, "the gateway cannot print %s: its "
                        "amounts have two digits after the point",
                        channel->currency);
        return false;
    }

    return check_account(channel, err, err_size)
           && check_type(channel, err, err_size)
           && pay_channel_check_key(channel, err, err_size);
}


static bool
check_account(const pay_channel_t *channel, char *err, size_t err_size)
{
    const pay_hash_t  *hash;

    if (!usdt_dialect(channel)->has_pid) {
        return true;
    }

    hash = &channel->hash;

    if (!pay_is_plain_id(channel->pid, PAY_PID_SIZE_MAX, "")) {
        (void) snprintf(err, err_size, "\"pid\" must be your merchant number "
                        "at the gateway, as in \"pid 1000;\"");
        return false;
    }

    if (hash->is_upper || hash->key_text != NULL
        || (hash->hash != PAY_HASH_MD5 && hash->hash != PAY_HASH_HMAC_SHA256))
    {
        (void) snprintf(err, err_size, "\"hash\" must be md5 or hmac-sha256, "
                        "and no more");
        return false;
    }

    return true;
}


static bool
check_type(const pay_channel_t *channel, char *err, size_t err_size)
{
    size_t           i, dots;
    const pay_str_t  type = channel->type;

    if (type.size == 0) {
        return true;
    }

    for (i = 0, dots = 0; i < type.size; i++) {
        dots += type.data[i] == '.';
    }

    if (!pay_is_plain_id(type, PAY_TYPE_SIZE_MAX, ".") || dots != 1
        || type.data[0] == '.' || type.data[type.size - 1] == '.')
    {
        (void) snprintf(err, err_size, "\"type\" must be a token and its "
                        "network, like %s, at most %d characters",
                        usdt_dialect(channel)->has_chain ? "usdt.tron"
                                                         : "usdt.trc20",
                        PAY_TYPE_SIZE_MAX);
        return false;
    }

    return true;
}


/* Only what could never be asked is refused here. */

static pay_start_code_e
usdt_start(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_start_t *start, char *url, size_t url_size,
    size_t *url_length)
{
    char              money[PAY_MONEY_TEXT_SIZE_MAX];
    pay_start_code_e  code;

    url[0] = '\0';
    *url_length = 0;

    code = pay_start_check(channel, start, "", money);

    if (code != PAY_START_OK) {
        return code;
    }

    return start->order_no.size > USDT_ORDER_NO_SIZE_MAX ? PAY_START_ORDER_NO
                                                         : PAY_START_ASK;
}

/*
 * WeChat Pay: signatures, ours and theirs.
 *
 * What is signed are lines, each ended by a newline, the last one too, and the
 * body as it goes over the wire.  No line but the body can hold a newline, so
 * no two messages have one text.
 *
 * To see whether signatures are checked, WeChat sends some that are wrong, of
 * texts that begin with WECHATPAY/SIGNTEST/.  To us they are what they are.
 */

#include "wechat_priv.h"

#include "base64.h"


#define AGE_S_MAX           300
#define TIMESTAMP_SIZE_MAX  12
#define NONCE_SIZE_MAX      128
#define TYPE_HEADER         "wechatpay-signature-type"


/* By what each must be in a message; the first four are what proves it. */

enum {
    TIMESTAMP,
    NONCE,
    SERIAL,
    SIGNATURE,
    HEADER_COUNT
};

static const char *const  names[HEADER_COUNT] = {
    "wechatpay-timestamp", "wechatpay-nonce", "wechatpay-serial",
    "wechatpay-signature"
};


static pay_verdict_e read_headers(const pay_header_t *headers,
    size_t header_count, pay_str_t values[HEADER_COUNT], const char **field);
static bool is_nonce(pay_str_t nonce);
static const pay_rsa_t *key_of(const pay_channel_t *channel,
    pay_str_t serial);
static bool is_of_now(pay_str_t timestamp, int64_t now_s);


pay_verdict_e
wechat_proof(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_header_t *headers, size_t header_count, pay_str_t body,
    int64_t now_s, const char **field)
{
    size_t            size;
    pay_str_t         values[HEADER_COUNT];
    unsigned char     raw[PAY_RSA_SIGNATURE_SIZE_MAX];
    pay_verdict_e     verdict;
    const pay_rsa_t  *key;

    *field = "";
    verdict = read_headers(headers, header_count, values, field);

    if (verdict != PAY_PAID) {
        return verdict;
    }

    key = key_of(channel, values[SERIAL]);

    if (key == NULL) {
        *field = names[SERIAL];
        return PAY_SIGNATURE;
    }

    pay_str_t  parts[] = {
        values[TIMESTAMP], PAY_STR("\n"), values[NONCE], PAY_STR("\n"), body,
        PAY_STR("\n")
    };

    if (!pay_base64_decode(values[SIGNATURE], raw, sizeof(raw), &size)
        || !pay_rsa_verify(crypto, key, parts,
                           sizeof(parts) / sizeof(parts[0]),
                           pay_str(raw, size)))
    {
        *field = names[SIGNATURE];
        return PAY_SIGNATURE;
    }

    if (!is_of_now(values[TIMESTAMP], now_s)) {
        *field = names[TIMESTAMP];
        return PAY_STALE;
    }

    return PAY_PAID;
}


static pay_verdict_e
read_headers(const pay_header_t *headers, size_t header_count,
    pay_str_t values[HEADER_COUNT], const char **field)
{
    size_t     i, count;
    pay_str_t  type;

    for (i = 0; i < HEADER_COUNT; i++) {
        *field = names[i];
        count = pay_header_count(headers, header_count, names[i]);

        if (count > 1) {
            return PAY_DUPLICATE;
        }

        if (!pay_header_find(headers, header_count, names[i], &values[i])
            || values[i].size == 0)
        {
            return PAY_UNSIGNED;
        }
    }

    *field = TYPE_HEADER;
    count = pay_header_count(headers, header_count, TYPE_HEADER);

    if (count != 0
        && (!pay_header_find(headers, header_count, TYPE_HEADER, &type)
            || !pay_str_eq(type, PAY_STR(WECHAT_SCHEME))))
    {
        return PAY_ALGORITHM;
    }

    if (!pay_is_number(values[TIMESTAMP], TIMESTAMP_SIZE_MAX)) {
        *field = names[TIMESTAMP];
        return PAY_MALFORMED;
    }

    if (!is_nonce(values[NONCE])) {
        *field = names[NONCE];
        return PAY_MALFORMED;
    }

    *field = "";

    return PAY_PAID;
}


/* Anything that is one line. */

static bool
is_nonce(pay_str_t nonce)
{
    size_t  i;

    for (i = 0; i < nonce.size; i++) {
        if (nonce.data[i] < ' ' || nonce.data[i] >= 0x7f) {
            return false;
        }
    }

    return nonce.size <= NONCE_SIZE_MAX;
}


/* The key that goes by this name, and no other: NULL if there is none. */

static const pay_rsa_t *
key_of(const pay_channel_t *channel, pay_str_t serial)
{
    size_t                    i;
    const pay_certificate_t  *certificate;

    if (channel->public_key != NULL
        && pay_str_eq(serial, channel->public_key_id))
    {
        return channel->public_key;
    }

    for (i = 0; i < 2; i++) {
        certificate = &channel->certificates[i];

        if (certificate->key != NULL
            && wechat_same_serial(serial, pay_text(certificate->serial)))
        {
            return certificate->key;
        }
    }

    return NULL;
}


/* timestamp has at most TIMESTAMP_SIZE_MAX digits. */

static bool
is_of_now(pay_str_t timestamp, int64_t now_s)
{
    size_t   i;
    int64_t  at_s;

    at_s = 0;

    for (i = 0; i < timestamp.size; i++) {
        at_s = 10 * at_s + (timestamp.data[i] - '0');
    }

    return at_s - now_s <= AGE_S_MAX && now_s - at_s <= AGE_S_MAX;
}


bool
wechat_sign(pay_crypto_t *crypto, const pay_channel_t *channel,
    pay_str_t method, pay_str_t target, pay_str_t timestamp, pay_str_t nonce,
    pay_str_t body, char *sign, size_t *size)
{
    size_t         raw_size;
    pay_str_t      newline;
    unsigned char  raw[PAY_RSA_SIGNATURE_SIZE_MAX];

    newline = PAY_STR("\n");

    pay_str_t  parts[] = {
        method, newline, target, newline, timestamp, newline, nonce, newline,
        body, newline
    };

    if (!pay_rsa_sign(crypto, channel->private_key, parts,
                      sizeof(parts) / sizeof(parts[0]), raw, &raw_size))
    {
        return false;
    }

    pay_base64_encode(raw, raw_size, sign);
    *size = PAY_BASE64_SIZE(raw_size);

    return true;
}

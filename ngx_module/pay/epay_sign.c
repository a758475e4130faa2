/*
 * The EPay signature, both directions: drop sign, sign_type and fields with
 * an empty value, sort the rest by name in byte order, join name=value with
 * "&", values decoded.  Then
 *
 *     V1   append the key, MD5, lower-case hex
 *     V2   SHA256 with RSA, base64: requests by our key, notices by theirs
 */

#include "epay_priv.h"

#include <assert.h>


static pay_verdict_e check_md5(pay_crypto_t *crypto,
    const pay_channel_t *channel, pay_str_t text, pay_str_t sign);


const pay_canonical_rules_t  epay_rules = {
    .skip = { "sign", "sign_type" },
    .keep_empty = false
};


bool
epay_sign(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_canonical_t *text, char out[EPAY_SIGN_SIZE_MAX], size_t *size)
{
    size_t         raw_size;
    unsigned char  raw[PAY_RSA_SIGNATURE_SIZE_MAX];
    pay_str_t      parts[] = { pay_str(text->data, text->size),
                               channel->key };

    if (!epay_dialect(channel)->is_rsa) {
        *size = PAY_MD5_HEX_SIZE;
        return pay_md5_hex(crypto, parts, 2, (unsigned char *) out);
    }

    if (!pay_rsa_sign(crypto, channel->private_key, parts, 1, raw,
                      &raw_size))
    {
        return false;
    }

    pay_base64_encode(raw, raw_size, out);
    *size = PAY_BASE64_SIZE(raw_size);

    return true;
}


pay_verdict_e
epay_sign_check(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_canonical_t *text, pay_str_t sign)
{
    pay_str_t  signed_text;

    if (sign.size == 0) {
        return PAY_UNSIGNED;
    }

    signed_text = pay_str(text->data, text->size);

    return epay_dialect(channel)->is_rsa
           ? pay_notice_rsa(crypto, channel, signed_text, sign)
           : check_md5(crypto, channel, signed_text, sign);
}


static pay_verdict_e
check_md5(pay_crypto_t *crypto, const pay_channel_t *channel, pay_str_t text,
    pay_str_t sign)
{
    size_t         i;
    pay_str_t      parts[2];
    unsigned char  md5[PAY_MD5_HEX_SIZE];

    const pay_str_t  keys[] = { channel->key, channel->key_previous };

    /* Channels are checked when configured, and an empty key would make the
     * signature a public formula: look again. */

    assert(channel->key.size >= PAY_KEY_SIZE_MIN);

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (keys[i].size == 0) {
            continue;
        }

        parts[0] = text;
        parts[1] = keys[i];

        if (!pay_md5_hex(crypto, parts, 2, md5)) {
            return PAY_INTERNAL;
        }

        /* Bytes are compared, so upper-case hex is simply wrong: the
         * protocol documents lower case. */

        if (pay_equal_secret(sign, pay_str(md5, sizeof(md5)))) {
            return PAY_PAID;
        }
    }

    return PAY_SIGNATURE;
}

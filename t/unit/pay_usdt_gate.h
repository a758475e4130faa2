/*
 * The other side of epusdt's JSON forms, for their tests: signatures by
 * openssl over what Go would print.
 */

#ifndef FAKA_PAY_USDT_GATE_H_INCLUDED_
#define FAKA_PAY_USDT_GATE_H_INCLUDED_


#include "pay_reply.h"


#define GATE_TRADE_NO  "20260523171652123456001"
#define GATE_CREATE    "/payments/gmpay/v1/order/create-transaction"


static pay_crypto_t   *crypto;
static pay_channel_t   gmpay, bepusdt;


/* md5 of text and key, or HMAC-SHA256. */

static void
gate_sign(const char *text, size_t size, const char *key, bool is_hmac,
    char sign[OPENSSL_SIGN_SIZE])
{
    char  out[OPENSSL_FILE_SIZE], all[SIGNER_RAW_SIZE];

    memcpy(all, text, size);

    if (!is_hmac) {
        size += (size_t) snprintf(all + size, sizeof(all) - size, "%s", key);
    }

    openssl_put("text", all, size);
    OPENSSL_MUST("openssl dgst -r %s%s text >digest",
                 is_hmac ? "-sha256 -hmac " : "-md5", is_hmac ? key : "");
    (void) openssl_get("digest", out);
    (void) snprintf(sign, OPENSSL_SIGN_SIZE, "%.*s",
                    (int) strcspn(out, " "), out);
}


/* The body of these members ("#" before what is no string), signed. */

__attribute__((unused))
static void
gate_body(const signer_field_t *fields, size_t count, const char *key,
    bool is_hmac, char body[REPLY_BODY_SIZE])
{
    char            text[SIGNER_RAW_SIZE], sign[OPENSSL_SIGN_SIZE];
    size_t          i, size;
    signer_field_t  all[SIGNER_FIELDS_MAX];

    for (i = 0; i < count; i++) {
        all[i] = fields[i];
        all[i].value += all[i].value[0] == '#';
    }

    size = openssl_text(all, count, 0, text);
    gate_sign(text, size, key, is_hmac, sign);

    memcpy(all, fields, count * sizeof(all[0]));
    all[count] = (signer_field_t) { "signature", sign, 0 };
    reply_json(all, count + 1, body);
}


static void
gate_enter(void)
{
    char  err[256];

    crypto = pay_crypto_create(err, sizeof(err));
    openssl_enter();

    gmpay = (pay_channel_t) {
        .protocol = pay_protocol_find(PAY_STR("gmpay")),
        .name = PAY_STR("usdt"),
        .url = PAY_STR("https://pay.example/"),
        .pid = PAY_STR("1000"),
        .key = PAY_STR(SIGNER_KEY),
        .hash = { .hash = PAY_HASH_MD5 },
        .type = PAY_STR("usdt.tron"),
        .currency = "CNY"
    };

    bepusdt = gmpay;
    bepusdt.protocol = pay_protocol_find(PAY_STR("bepusdt"));
    bepusdt.pid = pay_str(NULL, 0);
    bepusdt.hash.hash = PAY_HASH_NONE;
    bepusdt.type = PAY_STR("usdt.trc20");
}


#endif /* FAKA_PAY_USDT_GATE_H_INCLUDED_ */

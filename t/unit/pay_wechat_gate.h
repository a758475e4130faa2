/*
 * WeChat's side for its tests: keys, a platform certificate, genuine notices
 * and replies, and what a channel of ours says of them.
 *
 * The openssl command makes keys and signatures; what is sealed is sealed
 * here, by OpenSSL itself.
 */

#ifndef FAKA_PAY_WECHAT_GATE_H_INCLUDED_
#define FAKA_PAY_WECHAT_GATE_H_INCLUDED_


#include "pay_matrix.h"

#include <openssl/evp.h>


#define GATE_NOW_S         INT64_C(1767323045)
#define GATE_TIMESTAMP     "1767323045"
#define GATE_ORDER_NO      "01J0000000000000000000000A"
#define GATE_MCHID         "1900000001"
#define GATE_APP_ID        "wx0123456789abcdef"
#define GATE_APIV3_KEY     "0123456789abcdef0123456789abcdeF"
#define GATE_KEY_ID        "PUB_KEY_ID_0119000000012024"
#define GATE_SERIAL        "0A57F09EFDC096DE15EBE81A47057A7232F1B8E1"
#define GATE_OWN_SERIAL    "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
#define GATE_NONCE         "fdasflkja484w"
#define GATE_BODY_SIZE     32768
#define GATE_SEALED_SIZE   24576
#define GATE_HEADER_COUNT  4


static pay_crypto_t   *crypto;
static pay_channel_t   channel;

/* Ours, that of WeChat's public key, that of its certificate, a stranger's. */

enum { GATE_OWN, GATE_WECHAT, GATE_PLATFORM, GATE_OTHER, GATE_KEY_COUNT };

static const char *const  gate_keys[GATE_KEY_COUNT] = {
    "own", "wechat", "platform", "other"
};

static pay_rsa_t          *gate_privates[GATE_KEY_COUNT];
static pay_rsa_t          *gate_publics[GATE_KEY_COUNT];
static pay_certificate_t   gate_certificate;


/* A message with its headers, as WeChat sends it. */

typedef struct {
    char          body[GATE_BODY_SIZE];
    size_t        body_size;
    char          timestamp[32];
    char          nonce[64];
    char          serial[80];
    char          sign[OPENSSL_SIGN_SIZE];
    pay_header_t  headers[GATE_HEADER_COUNT + 4];
    size_t        header_count;
} message_t;


static const char  gate_transaction[] =
    "{\"mchid\":\"" GATE_MCHID "\",\"appid\":\"" GATE_APP_ID "\","
    "\"out_trade_no\":\"" GATE_ORDER_NO "\","
    "\"transaction_id\":\"4200001234202601020000000001\","
    "\"trade_type\":\"NATIVE\",\"trade_state\":\"SUCCESS\","
    "\"trade_state_desc\":\"\xe6\x94\xaf\xe4\xbb\x98\","
    "\"bank_type\":\"CMC\",\"attach\":\"\","
    "\"success_time\":\"2026-01-02T11:04:05+08:00\","
    "\"payer\":{\"openid\":\"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o\"},"
    "\"amount\":{\"total\":990,\"payer_total\":890,\"currency\":\"CNY\","
    "\"payer_currency\":\"CNY\"}}";

static const char  gate_refund[] =
    "{\"mchid\":\"" GATE_MCHID "\",\"out_trade_no\":\"" GATE_ORDER_NO "\","
    "\"transaction_id\":\"4200001234202601020000000001\","
    "\"out_refund_no\":\"R0000000001\",\"refund_id\":\"50000000382019\","
    "\"refund_status\":\"SUCCESS\","
    "\"amount\":{\"total\":990,\"refund\":100,\"payer_total\":890,"
    "\"payer_refund\":90}}";


/* --- texts --------------------------------------------------------------- */

/* text with the one place that says from saying to. */

__attribute__((unused))
static void
gate_replace(const char *text, const char *from, const char *to,
    char out[GATE_BODY_SIZE])
{
    const char  *at;

    at = strstr(text, from);

    if (at == NULL || strstr(at + 1, from) != NULL) {
        printf("Bail out! \"%s\" is not once in the text\n", from);
        exit(EXIT_FAILURE);
    }

    (void) snprintf(out, GATE_BODY_SIZE, "%.*s%s%s", (int) (at - text), text,
                    to, at + strlen(from));
}


/* --- sealing ------------------------------------------------------------- */

static size_t
gate_gcm(const char *key, const char *nonce, const char *aad,
    const char *plain, unsigned char *out)
{
    int              size, rest;
    EVP_CIPHER_CTX  *ctx;

    ctx = EVP_CIPHER_CTX_new();

    if (EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL,
                           (const unsigned char *) key,
                           (const unsigned char *) nonce) != 1
        || EVP_EncryptUpdate(ctx, NULL, &size, (const unsigned char *) aad,
                             (int) strlen(aad)) != 1
        || EVP_EncryptUpdate(ctx, out, &size, (const unsigned char *) plain,
                             (int) strlen(plain)) != 1
        || EVP_EncryptFinal_ex(ctx, out + size, &rest) != 1
        || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, out + size)
           != 1)
    {
        printf("Bail out! OpenSSL cannot seal\n");
        exit(EXIT_FAILURE);
    }

    EVP_CIPHER_CTX_free(ctx);

    return (size_t) size + 16;
}


/* The base64 of that. */

static void
gate_seal(const char *key, const char *plain, char out[GATE_SEALED_SIZE])
{
    size_t         size;
    unsigned char  sealed[GATE_SEALED_SIZE / 2];

    size = gate_gcm(key, "Kj7QIyUiYx1q", "transaction", plain, sealed);
    (void) EVP_EncodeBlock((unsigned char *) out, sealed, (int) size);
}


/* The body of a notice about plain. */

static void
gate_body(const char *event_type, const char *plain, char out[GATE_BODY_SIZE])
{
    char  sealed[GATE_SEALED_SIZE];

    gate_seal(GATE_APIV3_KEY, plain, sealed);

    (void) snprintf(out, GATE_BODY_SIZE,
                    "{\"id\":\"3119dfba-e649-5eec-ab1e-3412bc4d2e17\","
                    "\"create_time\":\"2026-01-02T11:04:05+08:00\","
                    "\"resource_type\":\"encrypt-resource\","
                    "\"event_type\":\"%s\",\"summary\":\"x\","
                    "\"resource\":{\"original_type\":\"transaction\","
                    "\"algorithm\":\"AEAD_AES_256_GCM\","
                    "\"ciphertext\":\"%s\","
                    "\"associated_data\":\"transaction\","
                    "\"nonce\":\"Kj7QIyUiYx1q\"}}", event_type, sealed);
}


/* --- messages ------------------------------------------------------------ */

static void
gate_header(message_t *message, const char *name, const char *value)
{
    message->headers[message->header_count++] = (pay_header_t) {
        pay_text(name), pay_text(value)
    };
}


/* Headers for a body, signed by this key under this name at this time. */

static void
gate_sign_by(message_t *message, const char *body, const char *key,
    const char *serial, const char *timestamp)
{
    char    text[GATE_BODY_SIZE + 128];
    size_t  size;

    memset(message, 0, sizeof(message_t));
    message->body_size = strlen(body);
    memcpy(message->body, body, message->body_size + 1);

    size = (size_t) snprintf(text, sizeof(text), "%s\n%s\n%s\n", timestamp,
                             GATE_NONCE, body);
    openssl_sign(key, text, size, message->sign);

    (void) snprintf(message->timestamp, sizeof(message->timestamp), "%s",
                    timestamp);
    (void) snprintf(message->nonce, sizeof(message->nonce), GATE_NONCE);
    (void) snprintf(message->serial, sizeof(message->serial), "%s", serial);

    gate_header(message, "Wechatpay-Timestamp", message->timestamp);
    gate_header(message, "Wechatpay-Nonce", message->nonce);
    gate_header(message, "Wechatpay-Serial", message->serial);
    gate_header(message, "Wechatpay-Signature", message->sign);
}


static void
gate_sign(message_t *message, const char *body)
{
    gate_sign_by(message, body, "wechat", GATE_KEY_ID, GATE_TIMESTAMP);
}


static pay_verdict_e
gate_verify_at(const message_t *message, int64_t now_s, pay_fact_t *fact)
{
    pay_notice_t   notice;
    pay_verdict_e  verdict;

    notice = (pay_notice_t) {
        PAY_METHOD_POST, pay_str(NULL, 0),
        pay_str(message->body, message->body_size), now_s, message->headers,
        message->header_count
    };

    memset(fact, 0xaa, sizeof(pay_fact_t));
    verdict = channel.protocol->verify(crypto, &channel, &notice, fact);
    matrix_judge_fact(verdict, fact);

    return verdict;
}


__attribute__((unused))
static pay_verdict_e
gate_verify(const message_t *message, pay_fact_t *fact)
{
    return gate_verify_at(message, GATE_NOW_S, fact);
}


/* The verdict about a genuine notice of this event about plain. */

__attribute__((unused))
static pay_verdict_e
gate_notice(const char *event_type, const char *plain, pay_fact_t *fact)
{
    char       body[GATE_BODY_SIZE];
    message_t  message;

    gate_body(event_type, plain, body);
    gate_sign(&message, body);

    return gate_verify(&message, fact);
}


/* --- set up -------------------------------------------------------------- */

static void
gate_enter(void)
{
    char    err[512] = "", file[32], pem[OPENSSL_FILE_SIZE];
    size_t  i, size;

    crypto = pay_crypto_create(err, sizeof(err));
    openssl_enter();

    for (i = 0; i < GATE_KEY_COUNT; i++) {
        openssl_make_key(gate_keys[i], 2048);
        (void) snprintf(file, sizeof(file), "%s.key", gate_keys[i]);
        gate_privates[i] = matrix_key(file, true);
        (void) snprintf(file, sizeof(file), "%s.pub", gate_keys[i]);
        gate_publics[i] = matrix_key(file, false);
    }

    OPENSSL_MUST("openssl req -x509 -new -key platform.key -days 30 -subj "
                 "/CN=platform -set_serial 0x" GATE_SERIAL
                 " -out platform.crt");
    size = openssl_get("platform.crt", pem);

    if (!pay_rsa_certificate(pay_str(pem, size), time(NULL) + 60,
                             &gate_certificate, err, sizeof(err)))
    {
        printf("Bail out! %s\n", err);
        exit(EXIT_FAILURE);
    }

    channel = (pay_channel_t) {
        .protocol = pay_protocol_find(PAY_STR("wechat")),
        .name = PAY_STR("wechat"),
        .url = PAY_STR("https://api.mch.weixin.qq.com"),
        .mchid = PAY_STR(GATE_MCHID),
        .app_id = PAY_STR(GATE_APP_ID),
        .serial = PAY_STR(GATE_OWN_SERIAL),
        .key = PAY_STR(GATE_APIV3_KEY),
        .private_key = gate_privates[GATE_OWN],
        .public_key = gate_publics[GATE_WECHAT],
        .public_key_id = PAY_STR(GATE_KEY_ID),
        .certificates = { gate_certificate, { NULL, "" } },
        .currency = "CNY"
    };
}


static void
gate_leave(void)
{
    size_t  i;

    for (i = 0; i < GATE_KEY_COUNT; i++) {
        pay_rsa_destroy(gate_privates[i]);
        pay_rsa_destroy(gate_publics[i]);
    }

    pay_rsa_destroy(gate_certificate.key);
    pay_crypto_destroy(crypto);
}


#endif /* FAKA_PAY_WECHAT_GATE_H_INCLUDED_ */

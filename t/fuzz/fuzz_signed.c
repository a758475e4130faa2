/*
 * Fuzzes the judgement of messages in JSON whose proof is in a header: notices
 * and replies of WeChat Pay and Stripe.  Build with
 * clang -fsanitize=fuzzer,address,undefined; seeds in corpus/signed.
 *
 * The first byte of the input says what the rest is:
 *
 *     0  WeChat: a notice as it is, headers by lines and an empty line.
 *        Nobody signed it, and it must be refused.
 *     1  WeChat: the body of a notice, genuinely signed.  Nobody sealed
 *        anything in it, so it never pays.
 *     2  WeChat: what is sealed in a notice, genuinely.  No verdict may
 *        contradict it.
 *     3  WeChat: a byte for the question, one for the status, and the body of
 *        a reply, genuinely signed.
 *     4  Stripe: as 0.
 *     5  Stripe: a body, genuinely signed.
 *     6  Stripe: as 3, without a signature, for there is none.
 *
 * Keys are made when the program starts and known to nobody.
 */

#include "../../ngx_module/pay/base64.h"
#include "../../ngx_module/pay/json.h"
#include "../../ngx_module/pay/pay.h"
#include "must.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>


#define NOW_S      1767323045
#define NOW_TEXT   "1767323045"
#define ORDER_NO   "01J0000000000000000000000A"
#define NONCE      "Kj7QIyUiYx1q"
#define BODY_SIZE  65536
#define KEY_ID     "PUB_KEY_ID_1"

#define TEXT(text)  { (const unsigned char *) (text), sizeof(text) - 1 }


static const unsigned  statuses[] = {
    200, 204, 201, 302, 400, 401, 402, 403, 404, 409, 429, 500
};

#define STATUS_COUNT  (sizeof(statuses) / sizeof(statuses[0]))

static pay_crypto_t   *crypto;
static pay_rsa_t      *own, *theirs, *theirs_public;
static pay_channel_t   wechat, stripe;
static char            apiv3[33], secret[39];
static char            body[BODY_SIZE];
static unsigned char   request_buffer[PAY_REQUEST_SIZE_MAX];

static pay_ask_t  question = {
    .order_no = TEXT(ORDER_NO), .amount = 990, .currency = "CNY",
    .ref = TEXT("cs_test_1"), .trade_no = TEXT("pi_1"),
    .refund_no = TEXT("R0000000001"), .refund_amount = 100,
    .paid_amount = 990, .notify_url = TEXT("https://shop.example/notify/x"),
    .return_url = TEXT("https://shop.example/return/1"), .now_s = NOW_S,
    .created_s = NOW_S, .expires_s = NOW_S + 900
};


/* --- set up -------------------------------------------------------------- */

static void
make_key(pay_rsa_t **private_key, pay_rsa_t **public_key)
{
    BIO       *bio;
    char      *data, err[512];
    long       size;
    EVP_PKEY  *key;

    key = EVP_RSA_gen(PAY_RSA_BITS_MIN);
    bio = BIO_new(BIO_s_mem());
    MUST(key != NULL && bio != NULL);

    MUST(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    size = BIO_get_mem_data(bio, &data);
    *private_key = pay_rsa_private(pay_str(data, (size_t) size), err,
                                   sizeof(err));
    MUST(*private_key != NULL && BIO_reset(bio) == 1);

    MUST(PEM_write_bio_PUBKEY(bio, key) == 1);
    size = BIO_get_mem_data(bio, &data);
    *public_key = pay_rsa_public(pay_str(data, (size_t) size), err,
                                 sizeof(err));
    MUST(*public_key != NULL);

    BIO_free(bio);
    EVP_PKEY_free(key);
}


static void
make_word(char *text, size_t size, const char *prefix)
{
    size_t         i;
    unsigned char  byte;

    (void) snprintf(text, size, "%s", prefix);

    for (i = strlen(prefix); i < size - 1; i++) {
        MUST(RAND_bytes(&byte, 1) == 1);
        text[i] = (char) ('a' + byte % 26);
    }

    text[i] = '\0';
}


static void
set_up(void)
{
    char        err[512];
    pay_rsa_t  *unused;

    crypto = pay_crypto_create(err, sizeof(err));
    MUST(crypto != NULL);
    make_key(&own, &unused);
    pay_rsa_destroy(unused);
    make_key(&theirs, &theirs_public);
    make_word(apiv3, sizeof(apiv3), "");
    make_word(secret, sizeof(secret), "whsec_");

    wechat = (pay_channel_t) {
        .protocol = pay_protocol_find(PAY_STR("wechat")),
        .name = PAY_STR("wechat"),
        .url = PAY_STR("https://api.mch.weixin.qq.com"),
        .mchid = PAY_STR("1900000001"), .app_id = PAY_STR("wx1"),
        .serial = PAY_STR("1A"), .key = pay_text(apiv3),
        .private_key = own, .public_key = theirs_public,
        .public_key_id = PAY_STR(KEY_ID), .currency = "CNY"
    };
    stripe = (pay_channel_t) {
        .protocol = pay_protocol_find(PAY_STR("stripe")),
        .name = PAY_STR("stripe"), .url = PAY_STR("https://api.stripe.com"),
        .key = pay_text(secret), .api_key = PAY_STR("sk_test_1234567890"),
        .currency = "CNY"
    };

    MUST(pay_channel_check(&wechat, err, sizeof(err)));
    MUST(pay_channel_check(&stripe, err, sizeof(err)));
}


/* --- what holds ---------------------------------------------------------- */

static void
check_word(const char *text, size_t size)
{
    size_t  i;

    for (i = 0; i < size && text[i] != '\0'; i++) {
        MUST(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                    "0123456789_.|-", text[i]) != NULL);
    }

    MUST(i < size);
}


static void
check_fact(const pay_fact_t *fact)
{
    check_word(fact->order_no, sizeof(fact->order_no));
    check_word(fact->trade_no, sizeof(fact->trade_no));
    check_word(fact->ref, sizeof(fact->ref));
    check_word(fact->field, sizeof(fact->field));
}


static pay_verdict_e
judge(const pay_channel_t *channel, pay_str_t text,
    const pay_header_t *headers, size_t header_count, pay_fact_t *fact)
{
    pay_notice_t   notice;
    pay_verdict_e  verdict;

    notice = (pay_notice_t) { PAY_METHOD_POST, pay_str(NULL, 0), text, NOW_S,
                              headers, header_count };
    memset(fact, 0xaa, sizeof(pay_fact_t));
    verdict = channel->protocol->verify(crypto, channel, &notice, fact);

    MUST(verdict < PAY_VERDICT_COUNT && verdict != PAY_INTERNAL);
    check_fact(fact);

    if (!pay_verdict_acknowledged(verdict) && verdict != PAY_UNRETURNED) {
        MUST(fact->order_no[0] == '\0' && fact->trade_no[0] == '\0'
             && fact->amount == 0 && fact->currency[0] == '\0'
             && fact->ref[0] == '\0');
    }

    if (verdict == PAY_PAID || verdict == PAY_REFUND
        || verdict == PAY_ODD_AMOUNT || verdict == PAY_UNRETURNED)
    {
        MUST(fact->order_no[0] != '\0' && fact->trade_no[0] != '\0');
        MUST(fact->amount > 0 && strlen(fact->currency) == 3);
    }

    return verdict;
}


/* Escapes apart, what is read out of a text must stand in it. */

static void
must_hold(pay_str_t text, const char *word)
{
    size_t  i, size;

    size = strlen(word);

    if (memchr(text.data, '\\', text.size) != NULL) {
        return;
    }

    for (i = 0; i + size <= text.size; i++) {
        if (memcmp(text.data + i, word, size) == 0) {
            return;
        }
    }

    MUST(false);
}


/* --- signing ------------------------------------------------------------- */

static size_t
sign_wechat(pay_str_t text, char *sign, pay_header_t headers[4])
{
    size_t         size;
    unsigned char  raw[PAY_RSA_SIGNATURE_SIZE_MAX];
    pay_str_t      parts[] = {
        PAY_STR(NOW_TEXT "\n" NONCE "\n"), text, PAY_STR("\n")
    };

    MUST(pay_rsa_sign(crypto, theirs, parts, 3, raw, &size));
    pay_base64_encode(raw, size, sign);

    headers[0] = (pay_header_t) { PAY_STR("Wechatpay-Timestamp"),
                                  PAY_STR(NOW_TEXT) };
    headers[1] = (pay_header_t) { PAY_STR("Wechatpay-Nonce"),
                                  PAY_STR(NONCE) };
    headers[2] = (pay_header_t) { PAY_STR("Wechatpay-Serial"),
                                  PAY_STR(KEY_ID) };
    headers[3] = (pay_header_t) { PAY_STR("Wechatpay-Signature"),
                                  pay_str(sign, PAY_BASE64_SIZE(size)) };

    return 4;
}


static size_t
sign_stripe(pay_str_t text, char *header, pay_header_t headers[4])
{
    size_t         i, size;
    pay_str_t      parts[] = { PAY_STR(NOW_TEXT "."), text };
    unsigned char  mac[PAY_SHA256_SIZE];

    MUST(pay_hmac_sha256(crypto, stripe.key, parts, 2, mac));
    size = (size_t) sprintf(header, "t=" NOW_TEXT ",v1=");

    for (i = 0; i < sizeof(mac); i++) {
        size += (size_t) sprintf(header + size, "%02x", mac[i]);
    }

    headers[0] = (pay_header_t) { PAY_STR("Stripe-Signature"),
                                  pay_str(header, size) };

    return 1;
}


/* A notice with plain sealed in it; 0: it is too large for one. */

static size_t
seal_wechat(pay_str_t plain)
{
    int              size, rest;
    char             sealed[PAY_BASE64_SIZE(11000)];
    unsigned char    raw[11000];
    EVP_CIPHER_CTX  *ctx;

    if (plain.size == 0 || plain.size > sizeof(raw) - 16) {
        return 0;
    }

    ctx = EVP_CIPHER_CTX_new();
    MUST(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL,
                            (unsigned char *) apiv3,
                            (const unsigned char *) NONCE) == 1
         && EVP_EncryptUpdate(ctx, NULL, &size,
                              (const unsigned char *) "x", 1) == 1
         && EVP_EncryptUpdate(ctx, raw, &size, plain.data, (int) plain.size)
            == 1
         && EVP_EncryptFinal_ex(ctx, raw + size, &rest) == 1
         && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, raw + size)
            == 1);
    EVP_CIPHER_CTX_free(ctx);
    pay_base64_encode(raw, plain.size + 16, sealed);

    return (size_t) snprintf(body, sizeof(body), "{\"event_type\":"
                             "\"TRANSACTION.SUCCESS\",\"resource_type\":"
                             "\"encrypt-resource\",\"resource\":{"
                             "\"algorithm\":\"AEAD_AES_256_GCM\","
                             "\"nonce\":\"" NONCE "\",\"associated_data\":"
                             "\"x\",\"ciphertext\":\"%.*s\"}}",
                             (int) PAY_BASE64_SIZE(plain.size + 16), sealed);
}


/* --- what the input is --------------------------------------------------- */

/* "Name: value" a line, an empty line, the body. */

static void
try_unsigned(const pay_channel_t *channel, pay_str_t text)
{
    size_t                count, line, colon;
    pay_fact_t            fact;
    pay_header_t          headers[PAY_HEADERS_MAX];
    const unsigned char  *p;

    count = 0;

    while (count < PAY_HEADERS_MAX && text.size > 0) {
        p = memchr(text.data, '\n', text.size);
        line = p != NULL ? (size_t) (p - text.data) : text.size;
        p = memchr(text.data, ':', line);

        if (p != NULL) {
            colon = (size_t) (p - text.data);
            headers[count++] = (pay_header_t) {
                pay_str(text.data, colon),
                pay_str(p + 1, line - colon - 1)
            };
        }

        line += line < text.size;
        text = pay_str(text.data + line, text.size - line);

        if (p == NULL) {
            break;
        }
    }

    MUST(!pay_verdict_acknowledged(judge(channel, text, headers, count,
                                         &fact)));
}


static void
try_sealed(pay_str_t plain)
{
    char           sign[PAY_BASE64_SIZE(PAY_RSA_SIGNATURE_SIZE_MAX)];
    size_t         size;
    pay_fact_t     fact;
    pay_header_t   headers[4];
    pay_verdict_e  verdict;

    size = seal_wechat(plain);

    if (size == 0) {
        return;
    }

    (void) sign_wechat(pay_str(body, size), sign, headers);
    verdict = judge(&wechat, pay_str(body, size), headers, 4, &fact);

    /* All of it is right, but for what the input says. */

    MUST(verdict != PAY_SIGNATURE && verdict != PAY_UNSIGNED
         && verdict != PAY_ALGORITHM && verdict != PAY_STALE);

    if (pay_verdict_acknowledged(verdict)) {
        must_hold(plain, "1900000001");
        must_hold(plain, "wx1");
        must_hold(plain, fact.order_no);
        must_hold(plain, fact.trade_no);
    }

    if (verdict == PAY_PAID) {
        must_hold(plain, "SUCCESS");
        must_hold(plain, "NATIVE");
        must_hold(plain, "CNY");
    }
}


static void
try_signed(const pay_channel_t *channel, pay_str_t text)
{
    char           sign[PAY_BASE64_SIZE(PAY_RSA_SIGNATURE_SIZE_MAX)];
    size_t         count;
    pay_fact_t     fact;
    pay_header_t   headers[4];
    pay_verdict_e  verdict;

    count = channel == &wechat ? sign_wechat(text, sign, headers)
                               : sign_stripe(text, sign, headers);
    verdict = judge(channel, text, headers, count, &fact);

    MUST(channel == &wechat ? !pay_verdict_acknowledged(verdict)
                            : verdict != PAY_SIGNATURE);

    if (pay_verdict_acknowledged(verdict)) {
        must_hold(text, "false");
        must_hold(text, fact.order_no);
        must_hold(text, fact.trade_no);
        must_hold(text, fact.ref);
    }

    if (verdict == PAY_PAID) {
        must_hold(text, "paid");
        must_hold(text, "checkout.session");
    }
}


static void
try_reply(const pay_channel_t *channel, fuzz_input_t *in)
{
    char            sign[PAY_BASE64_SIZE(PAY_RSA_SIGNATURE_SIZE_MAX)];
    pay_reply_t     reply;
    pay_answer_t    answer;
    pay_header_t    headers[4];
    pay_request_t   request;
    size_t          size;
    unsigned char   text[PAY_STARTED_SIZE_MAX];

    question.what = (pay_ask_e) (fuzz_take(in, 1) % PAY_ASK_COUNT);
    memset(&reply, 0, sizeof(reply));
    reply.status = statuses[fuzz_take(in, 1) % STATUS_COUNT];
    reply.body = pay_str(in->data, in->size);
    reply.now_s = NOW_S;

    MUST(channel->protocol->ask(crypto, channel, &question, request_buffer,
                                &request));

    if (channel == &wechat) {
        reply.headers = headers;
        reply.header_count = sign_wechat(reply.body, sign, headers);
    }

    memset(&answer, 0xaa, sizeof(answer));
    channel->protocol->answer(crypto, channel, &question, &reply, &answer);

    MUST(answer.code < PAY_ANSWER_COUNT);
    check_word(answer.detail, sizeof(answer.detail));
    check_fact(&answer.fact);

    if (answer.code == PAY_ANSWER_PAID || answer.code == PAY_ANSWER_ODD_AMOUNT)
    {
        MUST(question.what == PAY_ASK_QUERY || question.what == PAY_ASK_CLOSE);
        MUST(strcmp(answer.fact.order_no, ORDER_NO) == 0);
        MUST(answer.fact.amount > 0 && answer.fact.trade_no[0] != '\0');
    } else {
        MUST(answer.fact.order_no[0] == '\0' && answer.fact.amount == 0);
    }

    if (answer.code == PAY_ANSWER_STARTED) {
        MUST(question.what == PAY_ASK_START && reply.status == 200);
        MUST(pay_started_write(&answer.started, text, &size));
    } else {
        MUST(answer.started.address[0] == '\0');
    }

    if (answer.code == PAY_ANSWER_RETURNED || answer.code == PAY_ANSWER_PAID) {
        MUST(reply.status == 200);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input_t  in = { data, size };

    if (crypto == NULL) {
        set_up();
    }

    switch (fuzz_take(&in, 1)) {

    case 0:
        try_unsigned(&wechat, pay_str(in.data, in.size));
        break;

    case 1:
        try_signed(&wechat, pay_str(in.data, in.size));
        break;

    case 2:
        try_sealed(pay_str(in.data, in.size));
        break;

    case 3:
        try_reply(&wechat, &in);
        break;

    case 4:
        try_unsigned(&stripe, pay_str(in.data, in.size));
        break;

    case 5:
        try_signed(&stripe, pay_str(in.data, in.size));
        break;

    case 6:
        try_reply(&stripe, &in);
        break;

    default:
        break;
    }

    return 0;
}

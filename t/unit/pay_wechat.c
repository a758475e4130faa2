/*
 * WeChat Pay as it should work: its own examples, genuine notices by either
 * kind of key, states, coupons and refunds; what the configuration refuses.
 */

#include "../../ngx_module/pay/wechat_priv.h"

#include "pay_wechat_gate.h"
#include "pay_wechat_vectors.h"


/* --- WeChat's examples --------------------------------------------------- */

static void
test_request_vector(void)
{
    char           err[512], sign[WECHAT_SIGN_SIZE_MAX];
    size_t         size;
    pay_channel_t  own;

    own = channel;
    own.private_key = pay_rsa_private(pay_text(vector_request_key), err,
                                      sizeof(err));

    if (!OK(own.private_key != NULL, "the documentation's key is read")) {
        return;
    }

    OK(wechat_sign(crypto, &own, PAY_STR("POST"),
                   PAY_STR(VECTOR_REQUEST_TARGET),
                   PAY_STR(VECTOR_REQUEST_TIMESTAMP),
                   PAY_STR(VECTOR_REQUEST_NONCE),
                   pay_text(vector_request_body), sign, &size),
       "its request is signed");
    EQ_MEM(sign, size, vector_request_sign, strlen(vector_request_sign),
           "  as it says there");

    pay_rsa_destroy(own.private_key);
}


static void
test_notice_vector(void)
{
    char           err[512];
    const char    *field;
    pay_fact_t     fact;
    pay_notice_t   notice;
    pay_channel_t  own;

    pay_header_t  headers[] = {
        { PAY_STR("Wechatpay-Serial"), PAY_STR(VECTOR_NOTICE_SERIAL) },
        { PAY_STR("Wechatpay-Timestamp"), PAY_STR(VECTOR_NOTICE_TIMESTAMP) },
        { PAY_STR("Wechatpay-Nonce"), PAY_STR(VECTOR_NOTICE_NONCE) },
        { PAY_STR("Wechatpay-Signature"), pay_text(vector_notice_sign) }
    };

    own = channel;

    if (!OK(pay_rsa_certificate(pay_text(vector_notice_certificate),
                                VECTOR_NOTICE_TIME_S, &own.certificates[0],
                                err, sizeof(err)),
            "the example's certificate is read"))
    {
        return;
    }

    EQ_STR(own.certificates[0].serial, VECTOR_NOTICE_SERIAL,
           "  with its serial number");
    EQ_INT(wechat_proof(crypto, &own, headers, 4,
                        pay_text(vector_notice_body), VECTOR_NOTICE_TIME_S,
                        &field),
           PAY_PAID, "the example's signature is right");
    EQ_INT(wechat_proof(crypto, &channel, headers, 4,
                        pay_text(vector_notice_body), VECTOR_NOTICE_TIME_S,
                        &field),
           PAY_SIGNATURE, "  not without its certificate");
    EQ_STR(field, "wechatpay-serial", "  the field");

    /* Sealed with a key of 16 bytes, which nobody can configure. */

    notice = (pay_notice_t) { PAY_METHOD_POST, pay_str(NULL, 0),
                              pay_text(vector_notice_body),
                              VECTOR_NOTICE_TIME_S, headers, 4 };
    EQ_INT(own.protocol->verify(crypto, &own, &notice, &fact), PAY_SIGNATURE,
           "what is sealed in it is not for us");
    EQ_STR(fact.field, "ciphertext", "  the field");

    OK(!pay_rsa_certificate(pay_text(vector_notice_certificate),
                            INT64_C(1619513722), &own.certificates[1], err,
                            sizeof(err)), "a second before it begins: no");
    OK(strstr(err, "not valid yet") != NULL, "  saying: %s", err);
    OK(!pay_rsa_certificate(pay_text(vector_notice_certificate),
                            INT64_C(1934873724), &own.certificates[1], err,
                            sizeof(err)), "a second after it ends: no");
    OK(strstr(err, "expired") != NULL, "  saying: %s", err);

    pay_rsa_destroy(own.certificates[0].key);
}


/* AES-256-GCM by the test of wechatpay-axios-plugin has a nonce of 16 bytes;
 * this one is of NIST, gcmEncryptExtIV256.rsp: Keylen 256, IVlen 96. */

static void
test_gcm(void)
{
    size_t                      i, wrong;
    pay_str_t                   none;
    unsigned char               out[16], bad[32];
    static const unsigned char  key[] =
        "\x31\xbd\xad\xd9\x66\x98\xc2\x04\xaa\x9c\xe1\x44\x8e\xa9\x4a\xe1"
        "\xfb\x4a\x9a\x0b\x3c\x9d\x77\x3b\x51\xbb\x18\x22\x66\x6b\x8f\x22";
    static const unsigned char  nonce[] =
        "\x0d\x18\xe0\x6c\x7c\x72\x5a\xc9\xe3\x62\xe1\xce";
    static const unsigned char  sealed[] =
        "\xfa\x43\x62\x18\x96\x61\xd1\x63\xfc\xd6\xa5\x6d\x8b\xf0\x40\x5a"
        "\xd6\x36\xac\x1b\xbe\xdd\x5c\xc3\xee\x72\x7d\xc2\xab\x4a\x94\x89";
    static const unsigned char  plain[] =
        "\x2d\xb5\x16\x8e\x93\x25\x56\xf8\x08\x9a\x06\x22\x98\x1d\x01\x7d";

    none = pay_str(NULL, 0);

    OK(pay_gcm_open(crypto, key, nonce, none, pay_str(sealed, 32), out),
       "NIST's text is opened");
    EQ_MEM(out, 16, plain, 16, "  and is what it was");

    for (i = 0, wrong = 0; i < 8 * sizeof(bad); i++) {
        memcpy(bad, sealed, sizeof(bad));
        bad[i / 8] ^= (unsigned char) (1 << i % 8);
        wrong += pay_gcm_open(crypto, key, nonce, none, pay_str(bad, 32),
                              out);
    }

    EQ_INT(wrong, 0, "with any bit flipped it is not");
    EQ_INT(out[0] | out[7] | out[15], 0, "  and leaves nothing");
    OK(!pay_gcm_open(crypto, key, nonce, PAY_STR("x"), pay_str(sealed, 32),
                     out), "nor with other data beside it");
    OK(!pay_gcm_open(crypto, key, nonce, none, pay_str(sealed, 15), out),
       "less than a tag is nothing");
}


/* --- genuine notices ----------------------------------------------------- */

static void
test_genuine(void)
{
    char        body[GATE_BODY_SIZE];
    message_t   message;
    pay_fact_t  fact;

    gate_body("TRANSACTION.SUCCESS", gate_transaction, body);
    gate_sign(&message, body);

    EQ_INT(gate_verify(&message, &fact), PAY_PAID, "a genuine notice pays");
    EQ_STR(fact.order_no, GATE_ORDER_NO, "  the order");
    EQ_STR(fact.trade_no, "4200001234202601020000000001", "  by this trade");
    EQ_STR(fact.currency, "CNY", "  in yuan");
    EQ_INT(fact.amount, 990, "  the whole sum, though a coupon paid a part");
    EQ_STR(fact.ref, "", "  of no payment by name");
    EQ_STR(fact.field, "", "  and no field is to blame");

    gate_sign_by(&message, body, "platform", GATE_SERIAL, GATE_TIMESTAMP);
    EQ_INT(gate_verify(&message, &fact), PAY_PAID,
           "one by the platform certificate pays, too");
    gate_sign_by(&message, body, "platform", &GATE_SERIAL[1],
                 GATE_TIMESTAMP);
    EQ_INT(gate_verify(&message, &fact), PAY_PAID,
           "  and if its number has no zero in front");

    channel.certificates[1] = channel.certificates[0];
    memset(&channel.certificates[0], 0, sizeof(pay_certificate_t));
    EQ_INT(gate_verify(&message, &fact), PAY_PAID,
           "  or is that of the previous one");
    channel.certificates[0] = channel.certificates[1];
    memset(&channel.certificates[1], 0, sizeof(pay_certificate_t));

    channel.public_key = NULL;
    EQ_INT(gate_verify(&message, &fact), PAY_PAID, "  without a public key");
    gate_sign(&message, body);
    EQ_INT(gate_verify(&message, &fact), PAY_SIGNATURE,
           "  which then counts for nothing");
    channel.public_key = gate_publics[GATE_WECHAT];

    channel.key_previous = channel.key;
    channel.key = PAY_STR("another key of thirty-two bytes!");
    EQ_INT(gate_verify(&message, &fact), PAY_PAID,
           "sealed with the previous APIv3 key");
    channel.key_previous = pay_str(NULL, 0);
    EQ_INT(gate_verify(&message, &fact), PAY_SIGNATURE,
           "  which is not ours any more");
    channel.key = PAY_STR(GATE_APIV3_KEY);

    gate_header(&message, "Wechatpay-Signature-Type",
                "WECHATPAY2-SHA256-RSA2048");
    gate_header(&message, "Content-Type", "application/json");
    EQ_INT(gate_verify(&message, &fact), PAY_PAID,
           "with the algorithm named, and other headers");
}


static void
expect(const char *from, const char *to, pay_verdict_e verdict,
    const char *field)
{
    char        plain[GATE_BODY_SIZE];
    pay_fact_t  fact;

    gate_replace(gate_transaction, from, to, plain);

    EQ_INT(gate_notice("TRANSACTION.SUCCESS", plain, &fact), verdict,
           "%s: %s", to[0] != '\0' ? to : from, pay_verdict_word(verdict));
    EQ_STR(fact.field, field, "  the field");
}


static void
test_states(void)
{
    pay_fact_t  fact;

    expect("\"SUCCESS\"", "\"NOTPAY\"", PAY_NOT_PAID, "trade_state");
    expect("\"SUCCESS\"", "\"USERPAYING\"", PAY_NOT_PAID, "trade_state");
    expect("\"SUCCESS\"", "\"CLOSED\"", PAY_NOT_PAID, "trade_state");
    expect("\"SUCCESS\"", "\"REVOKED\"", PAY_NOT_PAID, "trade_state");
    expect("\"SUCCESS\"", "\"PAYERROR\"", PAY_NOT_PAID, "trade_state");
    expect("\"SUCCESS\"", "\"ACCEPT\"", PAY_NOT_PAID, "trade_state");
    expect("\"SUCCESS\"", "\"success\"", PAY_NOT_PAID, "trade_state");
    expect("\"SUCCESS\"", "\"SUCCESS \"", PAY_NOT_PAID, "trade_state");
    expect("\"SUCCESS\"", "\"\"", PAY_NOT_PAID, "trade_state");
    expect("\"SUCCESS\"", "\"REFUND\"", PAY_REFUND, "trade_state");
    expect("\"SUCCESS\"", "null", PAY_NO_STATUS, "trade_state");
    expect("\"SUCCESS\"", "1", PAY_NO_STATUS, "trade_state");
    expect("\"SUCCESS\"", "\"\\u0053UCCESS\"", PAY_PAID, "");

    EQ_INT(gate_notice("TRANSACTION.FAIL", gate_transaction, &fact),
           PAY_NOT_PAID, "another event does not pay");
    EQ_INT(gate_notice("TRANSACTION.SUCCESS ", gate_transaction, &fact),
           PAY_NOT_PAID, "nor one with a blank behind");
    EQ_INT(gate_notice("transaction.success", gate_transaction, &fact),
           PAY_NOT_PAID, "nor one in lower case");
    EQ_INT(gate_notice("", gate_transaction, &fact), PAY_NOT_PAID,
           "nor none");
}


static void
test_amounts(void)
{
    size_t  i;

    static const char *const  bad[] = {
        "0", "-1", "-0", "990.0", "9.9e2", "\"990\"", "null", "true",
        "[990]", "9223372036854775808"
    };

    expect("990", "1", PAY_PAID, "");
    expect("990", "9223372036854775807", PAY_PAID, "");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect("990", bad[i], PAY_AMOUNT, "total");
    }

    expect("\"total\":990,", "", PAY_AMOUNT, "total");
    expect("\"currency\":\"CNY\"", "\"currency\":\"USD\"", PAY_ODD_AMOUNT,
           "currency");
    expect("\"currency\":\"CNY\"", "\"currency\":\"cny\"", PAY_ODD_AMOUNT,
           "currency");
    expect("\"currency\":\"CNY\",", "", PAY_ODD_AMOUNT, "currency");
}


static void
test_refunds(void)
{
    char        plain[GATE_BODY_SIZE];
    pay_fact_t  fact;

    EQ_INT(gate_notice("REFUND.SUCCESS", gate_refund, &fact), PAY_REFUND,
           "a refund is one");
    EQ_STR(fact.order_no, GATE_ORDER_NO, "  of this order");
    EQ_STR(fact.trade_no, "4200001234202601020000000001", "  and trade");
    EQ_INT(fact.amount, 990, "  of so many fen");
    EQ_STR(fact.currency, "CNY", "  in yuan");

    EQ_INT(gate_notice("REFUND.ABNORMAL", gate_refund, &fact), PAY_NOT_PAID,
           "one that did not get through gave nothing back");
    EQ_INT(gate_notice("REFUND.CLOSED", gate_refund, &fact), PAY_NOT_PAID,
           "nor one that was closed");
    EQ_INT(gate_notice("REFUND.SUCCESS", gate_transaction, &fact),
           PAY_REFUND, "a payment under this event pays nothing");
    EQ_INT(gate_notice("TRANSACTION.SUCCESS", gate_refund, &fact),
           PAY_NOT_OURS, "a refund under the other is no payment");
    EQ_STR(fact.field, "appid", "  for it names no application");

    gate_replace(gate_refund, GATE_MCHID, "1900000002", plain);
    EQ_INT(gate_notice("REFUND.SUCCESS", plain, &fact), PAY_NOT_OURS,
           "another merchant's");
    gate_replace(gate_refund, GATE_ORDER_NO, "", plain);
    EQ_INT(gate_notice("REFUND.SUCCESS", plain, &fact), PAY_ORDER_NO,
           "of no order");
    gate_replace(gate_refund, "4200001234202601020000000001", "a b", plain);
    EQ_INT(gate_notice("REFUND.SUCCESS", plain, &fact), PAY_TRADE_NO,
           "of no trade");
    gate_replace(gate_refund, "990", "0", plain);
    EQ_INT(gate_notice("REFUND.SUCCESS", plain, &fact), PAY_AMOUNT,
           "of no sum");
}


/* --- configuration ------------------------------------------------------- */

static void
refused(pay_channel_t changed, const char *what, const char *says)
{
    char  err[512] = "";

    OK(!pay_channel_check(&changed, err, sizeof(err)), "refused: %s", what);
    OK(strstr(err, says) != NULL, "  saying: %s", err);
}


#define REFUSED(member, value, what, says)                                    \
    do {                                                                      \
        pay_channel_t  changed = channel;                                     \
        changed.member = (value);                                             \
        refused(changed, what, says);                                         \
    } while (0)

static void
test_check(void)
{
    char               err[512] = "";
    pay_channel_t      one;
    pay_certificate_t  own;

    OK(pay_channel_check(&channel, err, sizeof(err)), "both keys: %s", err);

    one = channel;
    one.public_key = NULL;
    one.public_key_id = pay_str(NULL, 0);
    OK(pay_channel_check(&one, err, sizeof(err)), "a certificate alone");
    memset(one.certificates, 0, sizeof(one.certificates));
    refused(one, "neither", "\"certificate_file\"");

    one = channel;
    memset(one.certificates, 0, sizeof(one.certificates));
    one.url = PAY_STR("http://127.0.0.1:8090/");
    OK(pay_channel_check(&one, err, sizeof(err)), "a public key alone");

    REFUSED(url, PAY_STR("https://api.mch.weixin.qq.com/v3"), "a path",
            "without a path");
    REFUSED(url, PAY_STR("api.mch.weixin.qq.com"), "no scheme", "\"url\"");
    REFUSED(mchid, PAY_STR(""), "no mchid", "\"mchid\"");
    REFUSED(mchid, PAY_STR("wx1"), "letters in mchid", "\"mchid\"");
    REFUSED(app_id, PAY_STR("wx 1"), "a blank in app_id", "\"app_id\"");
    REFUSED(app_id, PAY_STR(""), "no app_id", "\"app_id\"");
    REFUSED(serial, PAY_STR("51:57"), "colons in serial", "\"serial\"");
    REFUSED(serial, PAY_STR("0"), "no serial", "\"serial\"");
    REFUSED(serial, PAY_STR("5157F09EFDC096DE15EBE81A47057A7232F1B8E1A"),
            "41 digits", "\"serial\"");
    REFUSED(key, PAY_STR("0123456789abcdef"), "a key of 16 bytes",
            "exactly 32");
    REFUSED(key, PAY_STR("0123456789abcdef0123456789abcde"), "one of 31",
            "exactly 32");
    REFUSED(key, PAY_STR("0123456789abcdef0123456789abcdef0"), "one of 33",
            "exactly 32");
    REFUSED(key, PAY_STR(""), "an empty one", "exactly 32");
    REFUSED(key_previous, PAY_STR("0123456789abcdef"), "a short previous key",
            "exactly 32");
    REFUSED(key_previous, channel.key, "the same key twice", "equals");
    REFUSED(private_key, NULL, "no private key", "\"private_key_file\"");
    REFUSED(public_key, NULL, "a name without a key", "belong together");
    REFUSED(public_key_id, PAY_STR(""), "a key without a name",
            "belong together");
    REFUSED(public_key_id, PAY_STR("0119000000012024"), "another name",
            "PUB_KEY_ID_");
    REFUSED(public_key_id, PAY_STR("PUB_KEY_ID_"), "a name of a prefix",
            "PUB_KEY_ID_");
    REFUSED(public_key_id, PAY_STR("PUB_KEY_ID_1\r\nX: y"), "a header",
            "PUB_KEY_ID_");
    REFUSED(public_key, gate_publics[GATE_OWN], "our own key as WeChat's",
            "public half of your own key");
    REFUSED(public_key_previous, gate_publics[GATE_OTHER], "two public keys",
            "one public key");

    own = gate_certificate;
    memcpy(own.serial, GATE_OWN_SERIAL, sizeof(GATE_OWN_SERIAL));
    REFUSED(certificates[0], own, "a platform serial equal to our own",
            "your own certificate");
    own.key = gate_publics[GATE_OWN];
    own.serial[0] = '1';
    REFUSED(certificates[0], own, "a certificate of our own key",
            "your own certificate");
    REFUSED(certificates[1], own, "  as the previous one",
            "your own certificate");
    REFUSED(certificates[1], gate_certificate, "the same certificate twice",
            "equals the current");
    REFUSED(serial, PAY_STR("a57f09efdc096de15ebe81a47057a7232f1b8e1"),
            "the platform's serial as ours, in another spelling",
            "your own certificate");

    one = channel;
    memcpy(one.currency, "USD", 4);
    refused(one, "dollars", "CNY");
}


static void
test_certificates(void)
{
    char               err[512], pem[OPENSSL_FILE_SIZE];
    size_t             i, size;
    pay_certificate_t  certificate;

    static const struct {
        const char  *what;
        const char  *command;
        const char  *says;
    } cases[] = {
        { "a public key", "cp wechat.pub x.pem", "no certificate" },
        { "a private key", "cp own.key x.pem", "no certificate" },
        { "nothing", "cp /dev/null x.pem", "no certificate" },
        { "two certificates", "cat platform.crt platform.crt >x.pem",
          "no certificate" },
        { "a key of 1024 bits",
          "openssl genrsa -out x.key 1024 && openssl req -x509 -new -key "
          "x.key -subj /CN=x -out x.pem", "2048 bits" },
        { "a curve",
          "openssl ecparam -name prime256v1 -genkey -noout -out x.key && "
          "openssl req -x509 -new -key x.key -subj /CN=x -out x.pem",
          "not an RSA key" },
        { "a negative serial number",
          "openssl req -x509 -new -key platform.key -subj /CN=x "
          "-set_serial -5 -out x.pem", "serial number" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        OPENSSL_MUST("%s", cases[i].command);
        size = openssl_get("x.pem", pem);
        OK(!pay_rsa_certificate(pay_str(pem, size), time(NULL) + 60,
                                &certificate, err, sizeof(err)),
           "refused: %s", cases[i].what);
        OK(strstr(err, cases[i].says) != NULL, "  saying: %s", err);
        OK(certificate.key == NULL, "  no key is left");
    }
}


int
main(void)
{
    gate_enter();

    test_request_vector();
    test_notice_vector();
    test_gcm();
    test_genuine();
    test_states();
    test_amounts();
    test_refunds();
    test_check();
    test_certificates();

    gate_leave();

    return tap_done();
}

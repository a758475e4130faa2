/*
 * WeChat's notices under attack: every header, member and sealed field
 * mutated, once without the key and once genuinely signed.  openssl signs.
 */

#include "pay_wechat_gate.h"


static char       genuine_body[GATE_BODY_SIZE];
static message_t  genuine;


/* --- headers ------------------------------------------------------------- */

enum {
    MISSING, EMPTY, DUPLICATED, DUPLICATED_OTHER, REORDERED, RECASED_NAME,
    RECASED_VALUE, UNDERSCORES, TRUNCATED, PADDED, MUTATION_COUNT
};

static const char *const  mutations[] = {
    "missing", "empty", "given twice", "given twice, differing", "moved",
    "with its name in another case", "with its value in another case",
    "with underscores", "cut", "with a blank behind"
};


static const char *
mutate_value(const char *value, int mutation, char out[OPENSSL_SIGN_SIZE])
{
    size_t  i;

    switch (mutation) {

    case EMPTY:
        return "";

    case RECASED_VALUE:
        for (i = 0; value[i] != '\0'; i++) {
            out[i] = (char) (islower((unsigned char) value[i])
                             ? toupper((unsigned char) value[i])
                             : tolower((unsigned char) value[i]));
        }

        out[i] = '\0';
        return out;

    case TRUNCATED:
        (void) snprintf(out, OPENSSL_SIGN_SIZE, "%.*s",
                        (int) strlen(value) - 1, value);
        return out;

    case PADDED:
        (void) snprintf(out, OPENSSL_SIGN_SIZE, "%.*s ",
                        OPENSSL_SIGN_SIZE - 2, value);
        return out;

    default:
        return value;
    }
}


static pay_verdict_e
verify_mutated(size_t at, int mutation, pay_fact_t *fact)
{
    char           value[OPENSSL_SIGN_SIZE], text[OPENSSL_SIGN_SIZE];
    char           name[64];
    size_t         i;
    message_t      message;
    pay_header_t   kept, *header;

    message = genuine;
    header = &message.headers[at];
    kept = *header;

    (void) snprintf(text, sizeof(text), "%.*s", (int) kept.value.size,
                    (const char *) kept.value.data);
    header->value = pay_text(mutate_value(text, mutation, value));

    switch (mutation) {

    case MISSING:
        *header = message.headers[--message.header_count];
        break;

    case DUPLICATED:
        message.headers[message.header_count++] = kept;
        break;

    case DUPLICATED_OTHER:
        message.headers[message.header_count] = kept;
        message.headers[message.header_count++].value = PAY_STR("x");
        break;

    case REORDERED:
        *header = message.headers[0];
        message.headers[0] = kept;
        break;

    case RECASED_NAME:
    case UNDERSCORES:
        for (i = 0; i < kept.name.size; i++) {
            name[i] = (char) (mutation == RECASED_NAME
                              ? toupper(kept.name.data[i])
                              : kept.name.data[i] == '-' ? '_'
                              : kept.name.data[i]);
        }

        header->name = pay_str(name, kept.name.size);
    }

    return gate_verify(&message, fact);
}


static void
test_headers(void)
{
    int         mutation;
    size_t      at;
    pay_fact_t  fact;

#define NAMED  PAY_UNSIGNED, PAY_UNSIGNED, PAY_DUPLICATE, PAY_DUPLICATE,      \
               PAY_PAID, PAY_PAID

    static const pay_verdict_e  verdicts[GATE_HEADER_COUNT][MUTATION_COUNT] = {
        { NAMED, PAY_PAID, PAY_UNSIGNED, PAY_SIGNATURE, PAY_MALFORMED },
        { NAMED, PAY_SIGNATURE, PAY_UNSIGNED, PAY_SIGNATURE, PAY_SIGNATURE },
        { NAMED, PAY_SIGNATURE, PAY_UNSIGNED, PAY_SIGNATURE, PAY_SIGNATURE },
        { NAMED, PAY_SIGNATURE, PAY_UNSIGNED, PAY_SIGNATURE, PAY_SIGNATURE }
    };

    for (at = 0; at < GATE_HEADER_COUNT; at++) {
        for (mutation = 0; mutation < MUTATION_COUNT; mutation++) {
            EQ_INT(verify_mutated(at, mutation, &fact),
                   verdicts[at][mutation], "%.*s %s: %s",
                   (int) genuine.headers[at].name.size,
                   (const char *) genuine.headers[at].name.data,
                   mutations[mutation],
                   pay_verdict_word(verdicts[at][mutation]));
        }
    }
}


/* Each bit of each header and of the body: never a payment. */

static void
test_bits(void)
{
    char        value[OPENSSL_SIGN_SIZE];
    size_t      at, bit, wrong;
    message_t   message;
    pay_str_t   kept;
    pay_fact_t  fact;

    message = genuine;

    for (at = 0; at < GATE_HEADER_COUNT; at++) {
        kept = genuine.headers[at].value;
        wrong = 0;

        for (bit = 0; bit < 8 * kept.size; bit++) {
            memcpy(value, kept.data, kept.size);
            value[bit / 8] = (char) (value[bit / 8] ^ (1 << bit % 8));
            message.headers[at].value = pay_str(value, kept.size);
            wrong += pay_verdict_acknowledged(gate_verify(&message, &fact));
        }

        message.headers[at].value = kept;
        EQ_INT(wrong, 0, "%.*s with any bit flipped: refused",
               (int) genuine.headers[at].name.size,
               (const char *) genuine.headers[at].name.data);
    }

    for (bit = 0, wrong = 0; bit < 8 * genuine.body_size; bit++) {
        message.body[bit / 8] ^= (char) (1 << bit % 8);
        wrong += gate_verify(&message, &fact) != PAY_SIGNATURE;
        message.body[bit / 8] = genuine.body[bit / 8];
    }

    EQ_INT(wrong, 0, "the body with any bit flipped: wrong signature");
}


static void
test_algorithm(void)
{
    size_t      i;
    message_t   message;
    pay_fact_t  fact;

    static const char *const  types[] = {
        "", "WECHATPAY2-SM2-WITH-SM3", "WECHATPAY2-SHA256-RSA2048 ",
        "wechatpay2-sha256-rsa2048", "WECHATPAY2-SHA256-RSA", "none"
    };

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        message = genuine;
        gate_header(&message, "Wechatpay-Signature-Type", types[i]);
        EQ_INT(gate_verify(&message, &fact), PAY_ALGORITHM,
               "algorithm \"%s\"", types[i]);
    }

    message = genuine;
    gate_header(&message, "Wechatpay-Signature-Type",
                "WECHATPAY2-SHA256-RSA2048");
    gate_header(&message, "Wechatpay-Signature-Type",
                "WECHATPAY2-SHA256-RSA2048");
    EQ_INT(gate_verify(&message, &fact), PAY_ALGORITHM, "given twice");
}


static void
test_signature_text(void)
{
    char        bad[2 * OPENSSL_SIGN_SIZE], sha1[OPENSSL_SIGN_SIZE];
    char        text[GATE_BODY_SIZE];
    size_t      i, size;
    message_t   message;
    pay_fact_t  fact;

    static const struct {
        const char  *what;
        const char  *before;
        int          kept;             /* of its 344 characters */
        const char  *after;
    } cases[] = {
        { "cut by one", "", 343, "" }, { "without padding", "", 342, "" },
        { "with four more", "", 344, "AAAA" },
        { "with a newline", "", 344, "\n" },
        { "with = behind", "", 344, "====" }, { "of a space", "", 0, " " },
        { "of a probe", "WECHATPAY/SIGNTEST/", 325, "" },
        { "of a long probe", "WECHATPAY/SIGNTEST/", 344, "" },
        { "of a short probe", "WECHATPAY/SIGNTEST/", 1, "" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        message = genuine;
        (void) snprintf(bad, sizeof(bad), "%s%.*s%s", cases[i].before,
                        cases[i].kept, genuine.sign, cases[i].after);
        message.headers[3].value = pay_text(bad);
        EQ_INT(gate_verify(&message, &fact), PAY_SIGNATURE,
               "a signature %s", cases[i].what);
    }

    size = (size_t) snprintf(text, sizeof(text), GATE_TIMESTAMP "\n"
                             GATE_NONCE "\n%.*s\n", 16384, genuine_body);
    openssl_sign_with("sha1", "wechat", text, size, sha1);
    message = genuine;
    message.headers[3].value = pay_text(sha1);
    EQ_INT(gate_verify(&message, &fact), PAY_SIGNATURE, "SHA-1");
}


static void
test_keys(void)
{
    size_t      i;
    message_t   message;
    pay_fact_t  fact;

    static const struct {
        const char  *what;
        const char  *key;
        const char  *serial;
    } cases[] = {
        { "a stranger's key under WeChat's name", "other", GATE_KEY_ID },
        { "our own key under WeChat's name", "own", GATE_KEY_ID },
        { "our own under our own number", "own", GATE_OWN_SERIAL },
        { "a stranger's under a name of its own", "other",
          "PUB_KEY_ID_0119000000012025" },
        { "the certificate's key under the public key's name", "platform",
          GATE_KEY_ID },
        { "the public key under the certificate's number", "wechat",
          GATE_SERIAL },
        { "the right key under no known number", "wechat", "0" },
        { "the right key under a longer name", "wechat", GATE_KEY_ID "0" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        gate_sign_by(&message, genuine_body, cases[i].key, cases[i].serial,
                     GATE_TIMESTAMP);
        EQ_INT(gate_verify(&message, &fact), PAY_SIGNATURE, "%s",
               cases[i].what);
        EQ_STR(fact.order_no, "", "  says nothing");
    }
}


/* --- time ---------------------------------------------------------------- */

static void
test_time(void)
{
    size_t      i;
    message_t   message;
    pay_fact_t  fact;

    static const struct {
        int64_t        later_s;
        pay_verdict_e  verdict;
    } offsets[] = {
        { 299, PAY_PAID }, { 300, PAY_PAID }, { 301, PAY_STALE },
        { -299, PAY_PAID }, { -300, PAY_PAID }, { -301, PAY_STALE },
        { 31536000, PAY_STALE }, { -GATE_NOW_S, PAY_STALE }
    };

    static const struct {
        const char     *timestamp;
        pay_verdict_e   verdict;
    } texts[] = {
        { "1e9", PAY_MALFORMED }, { "-1767323045", PAY_MALFORMED },
        { "+1767323045", PAY_MALFORMED }, { "1767323045.0", PAY_MALFORMED },
        { "0x6957F225", PAY_MALFORMED }, { "01767323045", PAY_PAID },
        { "17673230450", PAY_STALE }, { "0", PAY_STALE },
        { "17673230451767323045", PAY_MALFORMED },
        { "999999999999", PAY_STALE }, { "1767323045 ", PAY_MALFORMED },
        { "1767323045\v", PAY_MALFORMED }
    };

    for (i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        EQ_INT(gate_verify_at(&genuine, GATE_NOW_S + offsets[i].later_s,
                              &fact),
               offsets[i].verdict, "%" PRId64 " s later: %s",
               offsets[i].later_s, pay_verdict_word(offsets[i].verdict));
    }

    EQ_STR(fact.field, "wechatpay-timestamp", "  the field");

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        gate_sign_by(&message, genuine_body, "wechat", GATE_KEY_ID,
                     texts[i].timestamp);
        EQ_INT(gate_verify(&message, &fact), texts[i].verdict,
               "signed at \"%s\": %s", texts[i].timestamp,
               pay_verdict_word(texts[i].verdict));
    }
}


/* --- the body ------------------------------------------------------------ */

static void
body_is(const char *from, const char *to, pay_verdict_e verdict,
    const char *field)
{
    char        body[GATE_BODY_SIZE];
    message_t   message;
    pay_fact_t  fact;

    gate_replace(genuine_body, from, to, body);

    message = genuine;
    message.body_size = strlen(body);
    memcpy(message.body, body, message.body_size);
    EQ_INT(gate_verify(&message, &fact), PAY_SIGNATURE,
           "%s for %s, signature kept: wrong", to, from);

    gate_sign(&message, body);
    EQ_INT(gate_verify(&message, &fact), verdict, "  genuinely signed: %s",
           pay_verdict_word(verdict));
    EQ_STR(fact.field, field, "  the field");
}


static void
test_body(void)
{
    body_is("\"resource_type\":\"encrypt-resource\",", "", PAY_MALFORMED,
            "resource_type");
    body_is("encrypt-resource", "plain-resource", PAY_MALFORMED,
            "resource_type");
    body_is("\"event_type\":\"TRANSACTION.SUCCESS\",", "", PAY_NO_STATUS,
            "event_type");
    body_is("\"TRANSACTION.SUCCESS\"", "null", PAY_NO_STATUS, "event_type");
    body_is("\"TRANSACTION.SUCCESS\"", "\"X\"", PAY_NOT_PAID, "event_type");
    body_is("\"id\":", "\"event_type\":\"X\",\"id\":", PAY_DUPLICATE, "");
    body_is("\"id\":", "\"event\\u005ftype\":\"X\",\"id\":", PAY_DUPLICATE,
            "");
    body_is("\"id\":", "\"resource\":{},\"id\":", PAY_DUPLICATE, "");
    body_is("\"resource\":", "\"Resource\":", PAY_ALGORITHM, "algorithm");
    body_is("AEAD_AES_256_GCM", "AEAD_AES_128_GCM", PAY_ALGORITHM,
            "algorithm");
    body_is("AEAD_AES_256_GCM", "aead_aes_256_gcm", PAY_ALGORITHM,
            "algorithm");
    body_is("AEAD_AES_256_GCM", "", PAY_ALGORITHM, "algorithm");
    body_is("Kj7QIyUiYx1q", "Kj7QIyUiYx1", PAY_MALFORMED, "nonce");
    body_is("Kj7QIyUiYx1q", "Kj7QIyUiYx1qq", PAY_MALFORMED, "nonce");
    body_is("Kj7QIyUiYx1q", "", PAY_MALFORMED, "nonce");
    body_is("Kj7QIyUiYx1q", "Kj7QIyUiYx1r", PAY_SIGNATURE, "ciphertext");
    body_is("\"nonce\":", "\"Nonce\":", PAY_MALFORMED, "nonce");
    body_is("\"associated_data\":\"transaction\"",
            "\"associated_data\":\"Transaction\"", PAY_SIGNATURE,
            "ciphertext");
    body_is("\"associated_data\":\"transaction\"",
            "\"associated_data\":\"\"", PAY_SIGNATURE, "ciphertext");
    body_is("\"associated_data\":\"transaction\",", "", PAY_SIGNATURE,
            "ciphertext");
    body_is("\"associated_data\":\"transaction\"",
            "\"associated_data\":1", PAY_MALFORMED, "associated_data");
    body_is("\"ciphertext\":", "\"cipher\":", PAY_MALFORMED, "ciphertext");
    body_is("\"summary\":\"x\"", "\"summary\":\"y\"", PAY_PAID, "");
    body_is("\"summary\":\"x\"", "\"summary\": \"x\"", PAY_PAID, "");
    body_is("\"Kj7QIyUiYx1q\"}}", "\"Kj7QIyUiYx1q\"}}\t", PAY_PAID, "");
    body_is("\"Kj7QIyUiYx1q\"}}", "\"Kj7QIyUiYx1q\"}}{}", PAY_MALFORMED, "");
    body_is("\"Kj7QIyUiYx1q\"}}", "\"Kj7QIyUiYx1q\"}", PAY_MALFORMED, "");
    body_is("\"summary\":\"x\"", "\"summary\":\"\xff\"", PAY_MALFORMED, "");
}


/* What is sealed, changed where it stands in the body. */

static void
test_ciphertext(void)
{
    char        body[GATE_BODY_SIZE], sealed[GATE_SEALED_SIZE], *at;
    size_t      i, j, size, wrong;
    message_t   message;
    pay_fact_t  fact;

    static const struct {
        const char     *text;
        pay_verdict_e   verdict;
    } texts[] = {
        { "", PAY_MALFORMED },
        { "AAAAAAAAAAAAAAAAAAAA", PAY_MALFORMED },     /* 15 bytes */
        { "AAAAAAAAAAAAAAAAAAAAAA==", PAY_MALFORMED }, /* a tag alone */
        { "AAAAAAAAAAAAAAAAAAAAAAA=", PAY_SIGNATURE }, /* 17 bytes */
        { "AAAA AAAA", PAY_MALFORMED }, { "AAAA\\n", PAY_MALFORMED },
        { "-_-_", PAY_MALFORMED }
    };

    gate_seal(GATE_APIV3_KEY, gate_transaction, sealed);

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        gate_replace(genuine_body, sealed, texts[i].text, body);
        gate_sign(&message, body);
        EQ_INT(gate_verify(&message, &fact), texts[i].verdict,
               "sealed is \"%s\": %s", texts[i].text,
               pay_verdict_word(texts[i].verdict));
    }

    /* Every 7th character replaced, the tag's among them. */

    size = strlen(sealed);
    at = strstr(genuine_body, sealed);
    wrong = 0;

    for (i = 0; i < 40; i++) {
        j = i < 20 ? i * (size / 20) : size - 3 - (i - 20);
        memcpy(body, genuine_body, sizeof(body));
        body[at - genuine_body + (ptrdiff_t) j] ^= 1;
        gate_sign(&message, body);
        wrong += pay_verdict_acknowledged(gate_verify(&message, &fact));
    }

    EQ_INT(wrong, 0, "a changed ciphertext or tag pays nothing");

    gate_seal("another key of thirty-two bytes!", gate_transaction, sealed);
    gate_seal(GATE_APIV3_KEY, gate_transaction, body);
    at = strstr(genuine_body, body);
    memcpy(body, genuine_body, sizeof(body));
    memcpy(body + (at - genuine_body), sealed, strlen(sealed));
    gate_sign(&message, body);
    EQ_INT(gate_verify(&message, &fact), PAY_SIGNATURE,
           "sealed with another key");
}


/* --- what was sealed ----------------------------------------------------- */

static void
plain_is(const char *from, const char *to, pay_verdict_e verdict,
    const char *field)
{
    char        plain[GATE_BODY_SIZE];
    pay_fact_t  fact;

    gate_replace(gate_transaction, from, to, plain);
    EQ_INT(gate_notice("TRANSACTION.SUCCESS", plain, &fact), verdict,
           "%s for %s: %s", to, from, pay_verdict_word(verdict));
    EQ_STR(fact.field, field, "  the field");
}


/* Missing, renamed in case, empty, of another type, cut, a bit flipped. */

static void
test_fields(void)
{
    char    from[128], to[128];
    size_t  i, j;

    static const struct {
        const char     *name;
        const char     *value;
        const char     *cut;
        const char     *flipped;
        pay_verdict_e   missing;
        pay_verdict_e   cut_verdict;
        pay_verdict_e   flipped_verdict;
    } fields[] = {
        { "mchid", GATE_MCHID, "190000000", "1900000000", PAY_NOT_OURS,
          PAY_NOT_OURS, PAY_NOT_OURS },
        { "appid", GATE_APP_ID, "wx0123456789abcde", "wx0123456789abcdeg",
          PAY_NOT_OURS, PAY_NOT_OURS, PAY_NOT_OURS },
        { "trade_type", "NATIVE", "NATIV", "NATIVD", PAY_NOT_OURS,
          PAY_NOT_OURS, PAY_NOT_OURS },

        /* Cut, it is another order's; ...0@ is none. */
        { "out_trade_no", GATE_ORDER_NO, "01J0000000000000000000000",
          "01J0000000000000000000000@", PAY_ORDER_NO, PAY_PAID,
          PAY_ORDER_NO },
        { "transaction_id", "4200001234202601020000000001", "42",
          "420000123420260102000000000\\u0000", PAY_TRADE_NO, PAY_PAID,
          PAY_TRADE_NO },
        { "trade_state", "SUCCESS", "SUCCES", "SUCCESR", PAY_NO_STATUS,
          PAY_NOT_PAID, PAY_NOT_PAID }
    };

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const pay_verdict_e  missing = fields[i].missing;
        const char          *name = fields[i].name;

        const char *const  changed[] = {
            "\"%s_\":\"%s\"", "\"X%s\":\"%s\"", "\"%s\":[\"%s\"]",
            "\"%s\":null,\"x\":\"%s\"", "\"%s\":{\"x\":\"%s\"}"
        };

        (void) snprintf(from, sizeof(from), "\"%s\":\"%s\"", name,
                        fields[i].value);

        for (j = 0; j < sizeof(changed) / sizeof(changed[0]); j++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            (void) snprintf(to, sizeof(to), changed[j], name,
                            fields[i].value);
#pragma GCC diagnostic pop
            plain_is(from, to, missing, name);
        }

        (void) snprintf(to, sizeof(to), "\"%s\":\"\"", name);
        plain_is(from, to, strcmp(name, "trade_state") == 0 ? PAY_NOT_PAID
                                                            : missing, name);
        (void) snprintf(to, sizeof(to), "\"%s\":\"%s\"", name,
                        fields[i].cut);
        plain_is(from, to, fields[i].cut_verdict,
                 fields[i].cut_verdict == PAY_PAID ? "" : name);
        (void) snprintf(to, sizeof(to), "\"%s\":\"%s\"", name,
                        fields[i].flipped);
        plain_is(from, to, fields[i].flipped_verdict, name);
        (void) snprintf(to, sizeof(to), "\"%s\":\"x\",\"%s\":\"%s\"", name,
                        name, fields[i].value);
        plain_is(from, to, PAY_DUPLICATE, "");
    }
}


static void
test_texts(void)
{
    size_t  i;

    static const char *const  order_nos[] = {
        "../01J0000000000000000000000A", "01J'--", "a b", "a\\u0000b",
        "\xe5\x8d\xa1", "a/b", "a%2fb", "a\\nb",
        "00000000000000000000000000000000000000000000000000000000000000000"
    };

    for (i = 0; i < sizeof(order_nos) / sizeof(order_nos[0]); i++) {
        plain_is(GATE_ORDER_NO, order_nos[i], PAY_ORDER_NO, "out_trade_no");
    }

    plain_is("{\"mchid\"", "[{\"mchid\"", PAY_MALFORMED, "");
    plain_is("\"amount\":{", "\"amount\":[{\"x\":1}],\"x\":{", PAY_AMOUNT,
             "total");
    plain_is("\"attach\":\"\"",
             "\"attach\":\"\\\",\\\"out_trade_no\\\":\\\"X\"", PAY_PAID, "");
    plain_is("\"attach\":\"\"", "\"attach\":{\"out_trade_no\":\"X\"}",
             PAY_PAID, "");
}


static void
test_carrier(void)
{
    pay_fact_t    fact;
    pay_notice_t  notice;

    notice = (pay_notice_t) {
        PAY_METHOD_GET, pay_str(NULL, 0),
        pay_str(genuine.body, genuine.body_size), GATE_NOW_S,
        genuine.headers, genuine.header_count
    };
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_METHOD, "GET is refused");
    notice.method = PAY_METHOD_POST;
    notice.query = PAY_STR("a=1");
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_MALFORMED, "a query beside the body is refused");
    notice.query = pay_str(NULL, 0);
    notice.header_count = 0;
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_UNSIGNED, "no headers at all");
    notice.header_count = genuine.header_count;
    notice.body = pay_str(NULL, 0);
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_SIGNATURE, "no body");
    memcpy(genuine.body + genuine.body_size, "\n", 2);
    notice.body = pay_str(genuine.body, genuine.body_size + 1);
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_SIGNATURE, "a newline behind the body");
    notice.body = pay_str(genuine.body, 16385);
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_MALFORMED, "a body too large");
}


int
main(void)
{
    gate_enter();

    gate_body("TRANSACTION.SUCCESS", gate_transaction, genuine_body);
    gate_sign(&genuine, genuine_body);

    test_headers();
    test_bits();
    test_algorithm();
    test_signature_text();
    test_keys();
    test_time();
    test_body();
    test_ciphertext();
    test_fields();
    test_texts();
    test_carrier();

    gate_leave();

    return tap_done();
}

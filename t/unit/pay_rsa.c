/*
 * RSA keys and signatures: what is taken for a key, what is not and what is
 * said then; our signatures as openssl sees them, and its as we do; published
 * ones.
 */

#include "../../ngx_module/pay/rsa.h"
#include "../../ngx_module/pay/base64.h"

#include "pay_openssl.h"

#include <openssl/err.h>


#define MESSAGE       "total_amount=9.90&trade_status=TRADE_SUCCESS"
#define QUOTE_SIZE    12               /* of a key, in a message: too many */


static pay_crypto_t  *crypto;


/* --- keys ---------------------------------------------------------------- */

static pay_rsa_t *
load_bytes(const char *data, size_t size, bool is_private)
{
    char        err[512] = "", quote[QUOTE_SIZE + 1];
    size_t      i;
    pay_rsa_t  *rsa;

    rsa = is_private
          ? pay_rsa_private(pay_str(data, size), err, sizeof(err))
          : pay_rsa_public(pay_str(data, size), err, sizeof(err));

    if (ERR_peek_error() != 0) {
        OK(false, "nothing is left in the queue of OpenSSL");
        ERR_clear_error();
    }

    if (rsa != NULL) {
        return rsa;
    }

    for (i = 0; i + QUOTE_SIZE <= size; i++) {
        memcpy(quote, data + i, QUOTE_SIZE);
        quote[QUOTE_SIZE] = '\0';

        if (quote[0] != '\0' && strlen(quote) == QUOTE_SIZE
            && strstr(err, quote) != NULL)
        {
            OK(false, "the message quotes the file: %s", quote);
        }
    }

    /* For the check of what it says. */
    openssl_put("err", err, strlen(err));

    return NULL;
}


static pay_rsa_t *
load(const char *file, bool is_private)
{
    char    data[OPENSSL_FILE_SIZE];
    size_t  size;

    size = openssl_get(file, data);

    return load_bytes(data, size, is_private);
}


static void
make_keys(void)
{
    openssl_make_key("own", 2048);
    openssl_make_key("other", 2048);
    openssl_make_key("big", 4096);
    openssl_make_key("small", 1024);
    openssl_make_key("short", 2047);

    OPENSSL_MUST("openssl rsa -in own.key -traditional -out own.p1 "
                 "&& openssl rsa -in own.key -RSAPublicKey_out "
                 "-out ownpub.p1");
    OPENSSL_MUST("openssl pkey -in own.key -outform DER -out own.der "
                 "&& openssl rsa -in own.key -traditional -outform DER "
                 "-out own.p1der "
                 "&& openssl pkey -in own.key -pubout -outform DER "
                 "-out ownpub.der");
    OPENSSL_MUST("for f in own.der own.p1der ownpub.der; do "
                 "openssl base64 -A -in $f -out $f.line; "
                 "openssl base64 -in $f -out $f.lines; "
                 "sed 's/$/\\r/' $f.lines > $f.crlf; done");
    OPENSSL_MUST("openssl genpkey -quiet -algorithm EC "
                 "-pkeyopt ec_paramgen_curve:P-256 -out ec.key "
                 "&& openssl pkey -in ec.key -pubout -out ec.pub "
                 "&& openssl pkey -in ec.key -outform DER "
                 "| openssl base64 -A -out ec.line");
    OPENSSL_MUST("openssl pkey -in own.key -aes256 -passout pass:secret "
                 "-out enc.key && openssl rsa -in own.key -traditional "
                 "-aes128 -passout pass:secret -out enc.p1");
    OPENSSL_MUST("openssl req -x509 -key own.key -subj /CN=x -out own.crt");
    OPENSSL_MUST("openssl genpkey -quiet -algorithm RSA-PSS "
                 "-pkeyopt rsa_keygen_bits:2048 -out pss.key "
                 "&& openssl pkey -in pss.key -pubout -out pss.pub");

    /* Two in one file: which one was meant? */

    OPENSSL_MUST("cat own.key other.key > two.key; "
                 "cat own.pub other.pub > two.pub; "
                 "cat own.crt own.pub > crtpub; cat own.key own.pub > both; "
                 "cat own.crt own.key > crtkey");
    OPENSSL_MUST("(cat own.pub; echo x) > tail.pub; "
                 "(cat own.key; echo x) > tail.key; "
                 "(echo x; cat own.pub) > head.pub; "
                 "(cat own.key; echo) > blank.key; "
                 "(echo; cat own.pub; echo; echo) > blank.pub; "
                 "printf %%s \"$(cat own.pub)\" > bare.pub; "
                 "sed 's/$/\\r/' own.pub > crlf.pub");
    OPENSSL_MUST("(cat ownpub.der; echo x) | openssl base64 -A -out tail.pubx;"
                 "(cat own.der; echo x) | openssl base64 -A -out tail.keyx");
}


/* A public key of any modulus and exponent, written down in ASN.1. */

static void
make_public(const char *file, int bits, const char *exponent)
{
    int     i;
    char    conf[2048];
    size_t  used;

    used = (size_t) snprintf(conf, sizeof(conf), "asn1=SEQUENCE:spki\n[spki]\n"
                             "a=SEQUENCE:alg\nk=BITWRAP,SEQUENCE:rsa\n[alg]\n"
                             "o=OID:rsaEncryption\nn=NULL\n[rsa]\nn=INTEGER:"
                             "0x8");

    for (i = 4; i < bits; i += 4) {
        conf[used++] = i + 4 < bits ? 'a' : 'b';
    }

    (void) snprintf(conf + used, sizeof(conf) - used, "\ne=INTEGER:%s\n",
                    exponent);
    openssl_put("conf", conf, strlen(conf));
    OPENSSL_MUST("openssl asn1parse -genconf conf -noout -out der && openssl "
                 "base64 -A -in der -out %s", file);
}


static void
test_taken(void)
{
    size_t      i;
    pay_rsa_t  *rsa, *own;

    static const struct {
        const char  *file;
        bool         is_private;
    } cases[] = {
        { "own.key", true }, { "own.p1", true }, { "blank.key", true },
        { "own.der.line", true }, { "own.der.lines", true },
        { "own.der.crlf", true }, { "own.p1der.line", true },
        { "own.p1der.lines", true },
        { "own.pub", false }, { "ownpub.p1", false }, { "blank.pub", false },
        { "bare.pub", false }, { "crlf.pub", false },
        { "ownpub.der.line", false }, { "ownpub.der.lines", false },
        { "ownpub.der.crlf", false }
    };

    own = load("own.pub", false);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rsa = load(cases[i].file, cases[i].is_private);
        OK(rsa != NULL, "taken: %s", cases[i].file);
        OK(rsa != NULL && pay_rsa_equal(rsa, own), "  as the key that it is");
        pay_rsa_destroy(rsa);
    }

    pay_rsa_destroy(own);

    pay_rsa_destroy(NULL);
}


#define NO_PRIVATE  "no private key"
#define NO_PUBLIC   "no public key"
#define IS_PRIVATE  "this is a private key"
#define NOT_RSA     "not an RSA key"
#define TOO_SHORT   "less than 2048 bits"

static void
test_refused(void)
{
    char        err[OPENSSL_FILE_SIZE];
    size_t      i;
    pay_rsa_t  *rsa;

    static const struct {
        const char  *file;
        bool         is_private;
        const char  *says;
    } cases[] = {
        { "small.key", true, TOO_SHORT }, { "small.pub", false, TOO_SHORT },
        { "short.key", true, TOO_SHORT }, { "short.pub", false, TOO_SHORT },
        { "n4104", false, "more than 4096 bits" },
        { "e1", false, "exponent" }, { "e2", false, "exponent" },
        { "ec.key", true, NOT_RSA }, { "ec.pub", false, NOT_RSA },
        { "ec.line", true, NOT_RSA },
        { "pss.key", true, NOT_RSA }, { "pss.pub", false, NOT_RSA },
        { "enc.key", true, NO_PRIVATE }, { "enc.p1", true, NO_PRIVATE },
        { "own.crt", false, NO_PUBLIC }, { "own.crt", true, NO_PRIVATE },
        { "crtpub", false, NO_PUBLIC }, { "crtkey", true, NO_PRIVATE },
        { "own.key", false, IS_PRIVATE }, { "own.p1", false, IS_PRIVATE },
        { "enc.key", false, IS_PRIVATE }, { "both", false, IS_PRIVATE },
        { "both", true, NO_PRIVATE },
        { "own.der.line", false, NO_PUBLIC },
        { "own.p1der.lines", false, NO_PUBLIC },
        { "own.pub", true, NO_PRIVATE }, { "ownpub.p1", true, NO_PRIVATE },
        { "ownpub.der.line", true, NO_PRIVATE },
        { "own.der", true, NO_PRIVATE }, { "ownpub.der", false, NO_PUBLIC },
        { "two.key", true, NO_PRIVATE }, { "two.pub", false, NO_PUBLIC },
        { "tail.key", true, NO_PRIVATE }, { "tail.pub", false, NO_PUBLIC },
        { "head.pub", false, NO_PUBLIC },
        { "tail.keyx", true, NO_PRIVATE }, { "tail.pubx", false, NO_PUBLIC }
    };

    make_public("n4104", 4104, "65537");
    make_public("e1", 2048, "1");
    make_public("e2", 2048, "65536");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rsa = load(cases[i].file, cases[i].is_private);

        if (OK(rsa == NULL, "refused: %s as %s key", cases[i].file,
               cases[i].is_private ? "private" : "public"))
        {
            (void) openssl_get("err", err);
            OK(strstr(err, cases[i].says) != NULL, "  saying: %s", err);
        }

        pay_rsa_destroy(rsa);
    }
}


static void
test_garbage(void)
{
    char        data[OPENSSL_FILE_SIZE], huge[20000];
    size_t      i, taken, size;
    pay_rsa_t  *rsa;

    static const char *const  texts[] = {
        "", "\n", " ", "=", "AAAA", "MIIB", "-----BEGIN", "hello, world",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"
    };

    taken = 0;

    for (i = 0; i < 2 * sizeof(texts) / sizeof(texts[0]); i++) {
        rsa = load_bytes(texts[i / 2], strlen(texts[i / 2]), i % 2);
        taken += rsa != NULL;
        pay_rsa_destroy(rsa);
    }

    EQ_INT(taken, 0, "what is no key is refused");

    memset(huge, 'A', sizeof(huge));
    taken = load_bytes(huge, sizeof(huge), true) != NULL;
    taken += load_bytes(huge, 6000, false) != NULL;
    taken += load_bytes(NULL, 0, false) != NULL;
    EQ_INT(taken, 0, "nor what is too large, or not there");

    /* Cut anywhere; the line of END is cut too, but not its newline. */

    taken = 0;
    size = openssl_get("ownpub.der.line", data);

    for (i = 0; i < size; i++) {
        rsa = load_bytes(data, i, false);
        taken += rsa != NULL;
        pay_rsa_destroy(rsa);
    }

    size = openssl_get("own.pub", data);

    for (i = 0; i < size - 1; i += 3) {
        rsa = load_bytes(data, i, false);
        taken += rsa != NULL;
        pay_rsa_destroy(rsa);
    }

    size = openssl_get("own.key", data);

    for (i = 0; i < size - 1; i += 7) {
        rsa = load_bytes(data, i, true);
        taken += rsa != NULL;
        pay_rsa_destroy(rsa);
    }

    EQ_INT(taken, 0, "a key that is cut is refused");
}


/* A bit of the private exponent, of a prime, and of what follows from them:
 * it is still a key in its form. */

static void
test_damaged(void)
{
    char        der[OPENSSL_FILE_SIZE], err[OPENSSL_FILE_SIZE];
    size_t      i, size;
    pay_rsa_t  *rsa;

    static const size_t  places[] = { 400, 600, 900, 1150 };

    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        size = openssl_get("own.p1der", der);
        der[places[i]] ^= 1;
        openssl_put("damaged", der, size);
        OPENSSL_MUST("openssl base64 -A -in damaged -out damaged.line");

        rsa = load("damaged.line", true);
        OK(rsa == NULL, "refused: a private key with byte %zu wrong",
           places[i]);
        (void) openssl_get("err", err);
        OK(strstr(err, "do not fit") != NULL, "  saying: %s", err);
        pay_rsa_destroy(rsa);
    }
}


static void
test_equal(void)
{
    size_t      i, j, wrong;
    pay_rsa_t  *keys[4];

    keys[0] = load("own.key", true);
    keys[1] = load("own.pub", false);
    keys[2] = load("other.key", true);
    keys[3] = load("other.pub", false);
    wrong = 0;

    for (i = 0; i < 4; i++) {
        for (j = 0; j < 4; j++) {
            wrong += pay_rsa_equal(keys[i], keys[j]) != (i / 2 == j / 2);
        }
    }

    EQ_INT(wrong, 0, "a pair is one pair, whichever halves are shown");

    for (i = 0; i < 4; i++) {
        pay_rsa_destroy(keys[i]);
    }
}


/* --- signatures ---------------------------------------------------------- */

static size_t
raw_of(const char *sign, unsigned char out[PAY_RSA_SIGNATURE_SIZE_MAX])
{
    size_t  size;

    if (!pay_base64_decode(pay_str(sign, strlen(sign)), out,
                           PAY_RSA_SIGNATURE_SIZE_MAX, &size))
    {
        OK(false, "a signature in base64");
    }

    return size;
}


static bool
verify(const pay_rsa_t *rsa, const void *text, size_t text_size,
    const void *raw, size_t size)
{
    bool       right;
    pay_str_t  part;

    part = pay_str(text, text_size);
    right = pay_rsa_verify(crypto, rsa, &part, 1, pay_str(raw, size));

    if (ERR_peek_error() != 0) {
        OK(false, "nothing is left in the queue of OpenSSL");
        ERR_clear_error();
    }

    return right;
}


/* Ours by openssl and openssl's by us are one text: with PKCS#1 v1.5 there is
 * one signature. */

static void
test_both_ways(const char *name, size_t want_size)
{
    char           text[3000], file[32], want[OPENSSL_SIGN_SIZE];
    char           sign[PAY_BASE64_SIZE(PAY_RSA_SIGNATURE_SIZE_MAX) + 1];
    size_t         i, size, cut;
    pay_rsa_t     *own, *gateway;
    unsigned char  raw[PAY_RSA_SIGNATURE_SIZE_MAX];

    static const size_t  sizes[] = { 0, 1, 64, 2999 };

    (void) snprintf(file, sizeof(file), "%s.key", name);
    own = load(file, true);
    (void) snprintf(file, sizeof(file), "%s.pub", name);
    gateway = load(file, false);

    for (i = 0; i < sizeof(text); i++) {
        text[i] = (char) (i * 7);
    }

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        cut = sizes[i] / 3;

        const pay_str_t  parts[] = {
            pay_str(text, cut), pay_str(NULL, 0),
            pay_str(text + cut, sizes[i] - cut)
        };

        OK(pay_rsa_sign(crypto, own, parts, 3, raw, &size),
           "%s signs %zu bytes", name, sizes[i]);
        EQ_INT(size, want_size, "  the signature has the key's size");
        pay_base64_encode(raw, size, sign);
        sign[PAY_BASE64_SIZE(size)] = '\0';

        OK(openssl_verifies(name, text, sizes[i], sign),
           "  openssl says it is right");
        openssl_sign(name, text, sizes[i], want);
        EQ_STR(sign, want, "  and would have written the same");
        OK(pay_rsa_verify(crypto, gateway, parts, 3, pay_str(raw, size)),
           "  so do we");
    }

    pay_rsa_destroy(own);
    pay_rsa_destroy(gateway);
}


static void
test_wrong(void)
{
    char           text[] = MESSAGE, sign[OPENSSL_SIGN_SIZE];
    size_t         i, size, wrong;
    pay_rsa_t     *own, *other;
    unsigned char  raw[PAY_RSA_SIGNATURE_SIZE_MAX + 1], bad[sizeof(raw)];
    const size_t   text_size = sizeof(text) - 1;

    own = load("own.pub", false);
    other = load("other.pub", false);
    memset(raw, 0, sizeof(raw));
    openssl_sign("own", text, text_size, sign);
    size = raw_of(sign, raw);

    OK(verify(own, text, text_size, raw, size), "openssl's is right");
    OK(!verify(other, text, text_size, raw, size), "  not by another key");

    for (wrong = 0, i = 0; i < 8 * size; i++) {
        memcpy(bad, raw, sizeof(bad));
        bad[i / 8] ^= (unsigned char) (1 << i % 8);
        wrong += verify(own, text, text_size, bad, size);
    }

    EQ_INT(wrong, 0, "wrong: any bit of it flipped");

    for (wrong = 0, i = 0; i < 8 * text_size; i++) {
        text[i / 8] = (char) (text[i / 8] ^ (1 << i % 8));
        wrong += verify(own, text, text_size, raw, size);
        text[i / 8] = (char) (text[i / 8] ^ (1 << i % 8));
    }

    EQ_INT(wrong, 0, "wrong: any bit of the text");

    for (wrong = 0, i = 0; i < size; i++) {
        wrong += verify(own, text, text_size, raw, i);
        wrong += verify(own, text, text_size, raw + size - i, i);
    }

    EQ_INT(wrong, 0, "wrong: cut at either end, down to nothing");
    OK(!verify(own, text, text_size, NULL, 0), "wrong: none");
    OK(!verify(own, text, text_size, raw, size + 1), "wrong: a zero behind");

    bad[0] = 0;
    memcpy(bad + 1, raw, size);
    OK(!verify(own, text, text_size, bad, size + 1), "wrong: one in front");

    for (wrong = 0, i = 0; i < 256; i++) {
        memset(bad, (int) i, sizeof(bad));
        wrong += verify(own, text, text_size, bad, size);
        wrong += verify(own, text, text_size, bad, 2 * size);
    }

    EQ_INT(wrong, 0, "wrong: one byte all over, zero or another");

    openssl_sign_with("sha1", "own", text, text_size, sign);
    size = raw_of(sign, raw);
    OK(!verify(own, text, text_size, raw, size), "wrong: over SHA-1");

    openssl_sign("own", text, text_size, sign);
    size = raw_of(sign, raw);
    OK(verify(own, text, text_size, raw, size),
       "and after all that the right one is right");

    pay_rsa_destroy(own);
    pay_rsa_destroy(other);
}


/* --- published signatures ------------------------------------------------ */

/* The test of Alipay's SDK for Node.js. */

#define ALIPAY_KEY                                                            \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAk7LzhmMa2c4qQd4fqAqenf"     \
    "buFoA7stPKvoS1LrZEsVnOOGUUjwoa1oU9xsSPjcOWhIerU/VAN4J95GIAXx59ipcl"     \
    "eIyfLn2FhHXPgLJpvo+b2jJFyn/1/DbeJDh+0yDVAOf50Z7HhI0mdUhFMkXlT7BU0Z"     \
    "MtJf/TmISFEfhDU/w6qFd6D42L97byAkq0K6LroglSVF24GqJEa7hSeUIkZWj7Rasy"     \
    "kXrc2uVJ1+ejkXE0LyPxa2AHykMGbJLf5SiZvaNzUZgnKIR36mLOHpQ/2JCXxhXZYU"     \
    "WHzy0kMH54JcUEeksFWBYLGvLjV1phbcUIc3Q76tIuqApY6E222OoZZQIDAQAB"

#define ALIPAY_SIGN                                                           \
    "F+LDzpTNiavn7xVZPGuPCSSVRSmWzJGgtuji6tVELGEaqMaNj0jRKXUEr5nloZJBBm"     \
    "wEnddOyCjjepMmrTKTvoOqQ0Efxpr/R1iEeHTHVbb/Q8TTh6Up5gHJDkILdaWS2q1c"     \
    "WeQ6VT+HQY9P3WRXS7uhILHuDODIhpAyCu5KhWGt0rMCIG+Im6NODJP2oohtSCtmTF"     \
    "Xg58HH587Z2y2bdbjzOxLvzD9IrU1imghXQ2S/Q+wMIvRk9on6cWnBLkrNvJKapA2R"     \
    "eNGWOwyuASvB9zDVzhMPbR+3mfRGkVDxsq5HYLjBKGskJMXHw0HuugZij6ScRuaLPO"     \
    "DhmHwr/pJ9yw=="

#define ALIPAY_TEXT  "{\"code\":\"10000\",\"msg\":\"Success\"," \
                     "\"file_id\":\"CAxAToWB1JsAAAAAAAAAAAAADgSLAQBr\"}"


static void
test_alipay_vector(void)
{
    size_t         size;
    pay_rsa_t     *rsa;
    unsigned char  raw[PAY_RSA_SIGNATURE_SIZE_MAX];

    rsa = load_bytes(ALIPAY_KEY, strlen(ALIPAY_KEY), false);
    size = raw_of(ALIPAY_SIGN, raw);
    OK(verify(rsa, ALIPAY_TEXT, strlen(ALIPAY_TEXT), raw, size),
       "Alipay's published reply is signed right");
    OK(!verify(rsa, ALIPAY_TEXT, strlen(ALIPAY_TEXT) - 1, raw, size),
       "  without its last byte it is not");
    pay_rsa_destroy(rsa);
}


/* More of them, where their files are at hand. */

static void
test_files(void)
{
    char           path[512], key[OPENSSL_FILE_SIZE];
    char           text[OPENSSL_FILE_SIZE], sign[OPENSSL_FILE_SIZE];
    size_t         i, size, key_size, text_size;
    pay_str_t      part;
    pay_rsa_t     *rsa;
    const char    *folder;
    unsigned char  raw[PAY_RSA_SIGNATURE_SIZE_MAX];
    unsigned char  again[PAY_RSA_SIGNATURE_SIZE_MAX];

    static const struct {
        const char  *name;
        const char  *key;
        const char  *text;
        bool         reproduced;
    } cases[] = {
        { "alipay-response", "alipay-response.pub.pem",
          "alipay-response.inner.json", false },
        { "wechat-notify", "wechat-notify.pub", "wechat-notify.msg", false },
        { "wechat-request", "wechat-request.pub.pem", "wechat-request.msg",
          false },
        { "wechat-request", "wechat-request.key.pem", "wechat-request.msg",
          true }
    };

    folder = getenv("FAKA_VECTORS");
    (void) snprintf(path, sizeof(path), "%s",
                    folder != NULL ? folder : "../shared/vectors");

    if (access(path, R_OK) != 0) {
        return;
    }

    OPENSSL_MUST("cp $OLDPWD/%s/* . 2>>log || cp %s/* .", path, path);
    OPENSSL_MUST("openssl x509 -in wechat-notify.crt -pubkey -noout "
                 "> wechat-notify.pub");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void) snprintf(path, sizeof(path), "%s.sig.b64", cases[i].name);
        (void) openssl_get(path, sign);
        size = raw_of(sign, raw);
        text_size = openssl_get(cases[i].text, text);
        key_size = openssl_get(cases[i].key, key);
        rsa = load_bytes(key, key_size, cases[i].reproduced);

        if (cases[i].reproduced) {
            part = pay_str(text, text_size);
            OK(pay_rsa_sign(crypto, rsa, &part, 1, again, &key_size),
               "published: %s is signed again", cases[i].name);
            EQ_MEM(again, key_size, raw, size, "  to the same bytes");

        } else {
            OK(verify(rsa, text, text_size, raw, size),
               "published: %s verifies", cases[i].name);
        }

        pay_rsa_destroy(rsa);
    }
}


int
main(void)
{
    char  err[256];

    crypto = pay_crypto_create(err, sizeof(err));

    openssl_enter();
    make_keys();

    test_taken();
    test_refused();
    test_garbage();
    test_damaged();
    test_equal();
    test_both_ways("own", 256);
    test_both_ways("big", 512);
    test_wrong();
    test_alipay_vector();
    test_files();

    pay_crypto_destroy(crypto);

    return tap_done();
}

/*
 * RSA signatures; beside crypto.c the only file that includes OpenSSL.
 *
 * EVP_DigestVerify() would look its digest up at each call and make a context
 * for it.  Here a text is hashed with the toolbox's own, and the key's
 * context, set up once, checks the digest.
 */

#include "rsa.h"

#include "base64.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>


#define DER_SIZE_MAX  4096             /* 4096 bits, private: some 2400 */
#define PEM_BEGIN     PAY_STR("-----BEGIN")


struct pay_rsa_s {
    EVP_PKEY      *key;
    EVP_PKEY_CTX  *ctx;                /* signs, or verifies */
    bool           is_private;
};


static pay_rsa_t *rsa_create(EVP_PKEY *key, bool is_private,
    pay_str_t content, char *err, size_t err_size);
static X509 *certificate_read(pay_str_t content);
static const char *certificate_fault(const X509 *x509, int64_t now_s,
    char serial[PAY_SERIAL_SIZE_MAX + 1]);
static EVP_PKEY *rsa_read(pay_str_t content, bool is_private);
static EVP_PKEY *rsa_read_pem(pay_str_t content, bool is_private);
static EVP_PKEY *rsa_read_bare(pay_str_t content, bool is_private);
static bool is_one_block(pay_str_t content);
static bool has(pay_str_t content, pay_str_t word);
static bool is_blank(unsigned char c);
static const char *rsa_fault(pay_rsa_t *rsa, pay_str_t content);
static bool rsa_is_sound(EVP_PKEY *key, bool is_private);
static bool rsa_set_up(pay_rsa_t *rsa);
static int rsa_no_password(char *out, int size, int rwflag, void *data);


pay_rsa_t *
pay_rsa_private(pay_str_t content, char *err, size_t err_size)
{
    return rsa_create(rsa_read(content, true), true, content, err, err_size);
}


pay_rsa_t *
pay_rsa_public(pay_str_t content, char *err, size_t err_size)
{
    return rsa_create(rsa_read(content, false), false, content, err,
                      err_size);
}


bool
pay_rsa_certificate(pay_str_t content, int64_t now_s,
    pay_certificate_t *certificate, char *err, size_t err_size)
{
    X509        *x509;
    const char  *fault;

    memset(certificate, 0, sizeof(pay_certificate_t));

    x509 = certificate_read(content);
    fault = certificate_fault(x509, now_s, certificate->serial);

    if (fault == NULL) {
        certificate->key = rsa_create(X509_get_pubkey(x509), false, content,
                                      err, err_size);
    } else {
        (void) snprintf(err, err_size, "%s", fault);
    }

    X509_free(x509);
    ERR_clear_error();

    return certificate->key != NULL;
}


static X509 *
certificate_read(pay_str_t content)
{
    BIO   *bio;
    X509  *x509;

    if (content.size == 0 || content.size > 4 * DER_SIZE_MAX
        || !is_one_block(content))
    {
        return NULL;
    }

    bio = BIO_new_mem_buf(content.data, (int) content.size);
    if (bio == NULL) {
        return NULL;
    }

    x509 = PEM_read_bio_X509(bio, NULL, rsa_no_password, NULL);
    BIO_free(bio);

    return x509;
}


static const char *
certificate_fault(const X509 *x509, int64_t now_s,
    char serial[PAY_SERIAL_SIZE_MAX + 1])
{
    char    *hex;
    size_t   size;
    time_t   now;
    BIGNUM  *number;

    if (x509 == NULL) {
        return "this is no certificate: write the gateway's alone, as PEM";
    }

    now = (time_t) now_s;

    if (X509_cmp_time(X509_get0_notBefore(x509), &now) != -1) {
        return "the certificate is not valid yet; is the clock right?";
    }

    if (X509_cmp_time(X509_get0_notAfter(x509), &now) != 1) {
        return "the certificate has expired; download the gateway's new one";
    }

    number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL);
    hex = number != NULL ? BN_bn2hex(number) : NULL;
    size = hex != NULL ? strlen(hex) : 0;

    if (size != 0 && size <= PAY_SERIAL_SIZE_MAX) {
        memcpy(serial, hex, size + 1);
    }

    OPENSSL_free(hex);
    BN_free(number);

    return serial[0] != '\0' && serial[0] != '-'
           ? NULL : "the certificate has a serial number that none has";
}


/* Takes the key, which is NULL if none could be read from content. */

static pay_rsa_t *
rsa_create(EVP_PKEY *key, bool is_private, pay_str_t content, char *err,
    size_t err_size)
{
    pay_rsa_t   *rsa;
    const char  *fault;

    rsa = calloc(1, sizeof(pay_rsa_t));
    if (rsa == NULL) {
        EVP_PKEY_free(key);
        (void) snprintf(err, err_size, "out of memory");
        return NULL;
    }

    rsa->is_private = is_private;
    rsa->key = key;
    fault = rsa_fault(rsa, content);

    if (fault == NULL && !rsa_set_up(rsa)) {
        fault = "OpenSSL could not make a context for the key";
    }

    ERR_clear_error();

    if (fault != NULL) {
        (void) snprintf(err, err_size, "%s", fault);
        pay_rsa_destroy(rsa);
        return NULL;
    }

    return rsa;
}


void
pay_rsa_destroy(pay_rsa_t *rsa)
{
    if (rsa == NULL) {
        return;
    }

    EVP_PKEY_CTX_free(rsa->ctx);
    EVP_PKEY_free(rsa->key);
    free(rsa);
}


static EVP_PKEY *
rsa_read(pay_str_t content, bool is_private)
{
    if (content.size == 0 || content.size > 4 * DER_SIZE_MAX) {
        return NULL;
    }

    if (!has(content, PEM_BEGIN)) {
        return rsa_read_bare(content, is_private);
    }

    return is_one_block(content) ? rsa_read_pem(content, is_private) : NULL;
}


/* One frame, with nothing around it.  OpenSSL would take the first that fits:
 * of two keys in a file the one that was not meant, perhaps. */

static bool
is_one_block(pay_str_t content)
{
    const pay_str_t  begin = PEM_BEGIN, end = PAY_STR("-----");

    while (content.size > 0 && is_blank(content.data[0])) {
        content = pay_str(content.data + 1, content.size - 1);
    }

    while (content.size > 0 && is_blank(content.data[content.size - 1])) {
        content.size--;
    }

    return content.size > begin.size + end.size
           && memcmp(content.data, begin.data, begin.size) == 0
           && memcmp(content.data + content.size - end.size, end.data,
                     end.size) == 0
           && !has(pay_str(content.data + begin.size,
                           content.size - begin.size), begin);
}


static bool
has(pay_str_t content, pay_str_t word)
{
    size_t  i;

    for (i = 0; i + word.size <= content.size; i++) {
        if (memcmp(content.data + i, word.data, word.size) == 0) {
            return true;
        }
    }

    return false;
}


static bool
is_blank(unsigned char c)
{
    return c == '\n' || c == '\r' || c == ' ';
}


static EVP_PKEY *
rsa_read_pem(pay_str_t content, bool is_private)
{
    BIO       *bio;
    EVP_PKEY  *key;

    bio = BIO_new_mem_buf(content.data, (int) content.size);
    if (bio == NULL) {
        return NULL;
    }

    key = is_private
          ? PEM_read_bio_PrivateKey(bio, NULL, rsa_no_password, NULL)
          : PEM_read_bio_PUBKEY(bio, NULL, rsa_no_password, NULL);

    BIO_free(bio);

    return key;
}


/* OpenSSL would ask at the terminal. */

static int
rsa_no_password(char *out, int size, int rwflag, void *data)
{
    (void) out;
    (void) size;
    (void) rwflag;
    (void) data;

    return -1;
}


static EVP_PKEY *
rsa_read_bare(pay_str_t content, bool is_private)
{
    size_t                i, size, text_size;
    EVP_PKEY             *key;
    unsigned char         text[PAY_BASE64_SIZE(DER_SIZE_MAX)];
    unsigned char         der[DER_SIZE_MAX];
    const unsigned char  *p;

    text_size = 0;

    for (i = 0; i < content.size; i++) {
        if (is_blank(content.data[i])) {
            continue;
        }

        if (text_size == sizeof(text)) {
            return NULL;
        }

        text[text_size++] = content.data[i];
    }

    key = NULL;
    p = der;

    if (pay_base64_decode(pay_str(text, text_size), der, sizeof(der), &size)
        && size != 0)
    {
        key = is_private ? d2i_AutoPrivateKey(NULL, &p, (long) size)
                         : d2i_PUBKEY(NULL, &p, (long) size);

        /* Something behind it: who knows what was meant. */
        if (key != NULL && p != der + size) {
            EVP_PKEY_free(key);
            key = NULL;
        }
    }

    pay_wipe(text, sizeof(text));
    pay_wipe(der, sizeof(der));

    return key;
}


static const char *
rsa_fault(pay_rsa_t *rsa, pay_str_t content)
{
    if (rsa->key == NULL) {
        if (!rsa->is_private && has(content, PAY_STR("PRIVATE KEY"))) {
            return "this is a private key; write the public key of the "
                   "gateway into this file";
        }

        return rsa->is_private
               ? "this is no private key: write it alone, as PEM or as the "
                 "bare base64 of PKCS#8 or PKCS#1, not encrypted"
               : "this is no public key: write the gateway's alone, not a "
                 "certificate, as PEM or as bare base64";
    }

    if (EVP_PKEY_is_a(rsa->key, "RSA") != 1) {
        return "the key is not an RSA key, which alone these gateways use";
    }

    if (EVP_PKEY_get_bits(rsa->key) < PAY_RSA_BITS_MIN) {
        return "the RSA key has less than 2048 bits and can be broken; make "
               "a new pair";
    }

    if (EVP_PKEY_get_bits(rsa->key) > PAY_RSA_BITS_MAX) {
        return "the RSA key has more than 4096 bits: each payment would wait "
               "for it";
    }

    if (!rsa_is_sound(rsa->key, rsa->is_private)) {
        return rsa->is_private
               ? "the numbers of the RSA key do not fit each other; copy it "
                 "again"
               : "the RSA key has an exponent or a modulus that no key has; "
                 "copy it again";
    }

    return NULL;
}


/* With an exponent of 1 each text would be its own signature; with a digit
 * lost, the gateway would refuse each payment. */

static bool
rsa_is_sound(EVP_PKEY *key, bool is_private)
{
    int            rc;
    EVP_PKEY_CTX  *ctx;

    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (ctx == NULL) {
        return false;
    }

    rc = is_private ? EVP_PKEY_pairwise_check(ctx)
                    : EVP_PKEY_public_check(ctx);
    EVP_PKEY_CTX_free(ctx);

    return rc == 1;
}


static bool
rsa_set_up(pay_rsa_t *rsa)
{
    int      rc;
    EVP_MD  *sha256;

    rsa->ctx = EVP_PKEY_CTX_new_from_pkey(NULL, rsa->key, NULL);
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);

    if (rsa->ctx == NULL || sha256 == NULL) {
        EVP_MD_free(sha256);
        return false;
    }

    rc = rsa->is_private ? EVP_PKEY_sign_init(rsa->ctx)
                         : EVP_PKEY_verify_init(rsa->ctx);

    if (rc == 1) {
        rc = EVP_PKEY_CTX_set_rsa_padding(rsa->ctx, RSA_PKCS1_PADDING);
    }

    if (rc == 1) {
        rc = EVP_PKEY_CTX_set_signature_md(rsa->ctx, sha256);
    }

    EVP_MD_free(sha256);

    return rc == 1;
}


bool
pay_rsa_equal(const pay_rsa_t *a, const pay_rsa_t *b)
{
    return EVP_PKEY_eq(a->key, b->key) == 1;
}


bool
pay_rsa_sign(pay_crypto_t *crypto, const pay_rsa_t *rsa,
    const pay_str_t *parts, size_t part_count,
    unsigned char out[PAY_RSA_SIGNATURE_SIZE_MAX], size_t *size)
{
    unsigned char  sha256[PAY_SHA256_SIZE];

    assert(rsa->is_private);

    *size = PAY_RSA_SIGNATURE_SIZE_MAX;

    if (!pay_sha256(crypto, parts, part_count, sha256)
        || EVP_PKEY_sign(rsa->ctx, out, size, sha256, sizeof(sha256)) != 1)
    {
        ERR_clear_error();
        pay_wipe(out, PAY_RSA_SIGNATURE_SIZE_MAX);
        *size = 0;
        return false;
    }

    return true;
}


bool
pay_rsa_verify(pay_crypto_t *crypto, const pay_rsa_t *rsa,
    const pay_str_t *parts, size_t part_count, pay_str_t signature)
{
    unsigned char  sha256[PAY_SHA256_SIZE];

    assert(!rsa->is_private);

    if (pay_sha256(crypto, parts, part_count, sha256)
        && EVP_PKEY_verify(rsa->ctx, signature.data, signature.size, sha256,
                           sizeof(sha256)) == 1)
    {
        return true;
    }

    ERR_clear_error();

    return false;
}

/*
 * Certificates of Alipay's kind.  OpenSSL reads them and follows the chain.
 */

#include "certificate.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include <assert.h>
#include <stdio.h>
#include <time.h>


#define RSA_OIDS      "1.2.840.113549.1.1"
#define OID_SIZE      80
#define CONTENT_MAX   65536


static bool read_all(pay_str_t content, STACK_OF(X509) **all);
static STACK_OF(X509) *read_pem(pay_str_t content);
static int no_password(char *out, int size, int rwflag, void *data);
static bool write_sn(pay_crypto_t *crypto, const X509 *x509,
    char sn[PAY_SN_SIZE + 1]);
static bool is_rsa_signed(const X509 *x509);
static const char *chain_fault(STACK_OF(X509) *chain, STACK_OF(X509) *roots,
    int64_t now_s);
static X509_STORE *make_store(STACK_OF(X509) *roots, int64_t now_s);


pay_str_t
pay_certificate_first(pay_str_t content)
{
    size_t  i;

    static const char  end[] = "-----END CERTIFICATE-----";

    for (i = 0; i + sizeof(end) - 1 <= content.size; i++) {
        if (memcmp(content.data + i, end, sizeof(end) - 1) == 0) {
            return pay_str(content.data, i + sizeof(end) - 1);
        }
    }

    return content;
}


bool
pay_certificate_sn(pay_crypto_t *crypto, pay_str_t content,
    char sn[PAY_SN_SIZE + 1])
{
    bool             done;
    STACK_OF(X509)  *all;

    done = read_all(content, &all)
           && write_sn(crypto, sk_X509_value(all, 0), sn);

    sk_X509_pop_free(all, X509_free);
    ERR_clear_error();

    return done;
}


bool
pay_certificate_root_sn(pay_crypto_t *crypto, pay_str_t content,
    char sn[PAY_ROOT_SN_SIZE_MAX + 1])
{
    int              i;
    bool             done;
    char            *p;
    STACK_OF(X509)  *all;

    p = sn;
    done = read_all(content, &all);

    for (i = 0; done && i < sk_X509_num(all); i++) {

        if (!is_rsa_signed(sk_X509_value(all, i))) {
            continue;
        }

        if (p != sn) {
            *p++ = '_';
        }

        done = write_sn(crypto, sk_X509_value(all, i), p);
        p += PAY_SN_SIZE;
    }

    sk_X509_pop_free(all, X509_free);
    ERR_clear_error();

    return done && p != sn;
}


bool
pay_certificate_chain(pay_str_t content, pay_str_t roots, int64_t now_s,
    char *err, size_t err_size)
{
    const char      *fault;
    STACK_OF(X509)  *chain, *anchors;

    chain = NULL;
    anchors = NULL;

    if (!read_all(content, &chain)) {
        fault = "this is no certificate: write Alipay's, as PEM, and behind "
                "it that of its issuer";

    } else if (!read_all(roots, &anchors)) {
        fault = "the roots cannot be read: write alipayRootCert.crt as it was "
                "downloaded";

    } else {
        fault = chain_fault(chain, anchors, now_s);
    }

    if (fault != NULL) {
        (void) snprintf(err, err_size, "%s", fault);
    }

    sk_X509_pop_free(chain, X509_free);
    sk_X509_pop_free(anchors, X509_free);
    ERR_clear_error();

    return fault == NULL;
}


/* *all is to be freed in any case. */

static bool
read_all(pay_str_t content, STACK_OF(X509) **all)
{
    *all = content.size != 0 && content.size <= CONTENT_MAX
           ? read_pem(content) : NULL;

    return *all != NULL && sk_X509_num(*all) > 0
           && sk_X509_num(*all) <= PAY_CERTIFICATES_MAX;
}


/* Certificates and nothing else; NULL if one of them cannot be read. */

static STACK_OF(X509) *
read_pem(pay_str_t content)
{
    BIO             *bio;
    X509            *x509;
    STACK_OF(X509)  *all;

    bio = BIO_new_mem_buf(content.data, (int) content.size);
    all = sk_X509_new_null();

    if (bio == NULL || all == NULL) {
        BIO_free(bio);
        sk_X509_free(all);
        return NULL;
    }

    ERR_clear_error();

    while ((x509 = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL
           && sk_X509_push(all, x509) > 0)
    {
        x509 = NULL;
    }

    BIO_free(bio);

    /* What ends them is that no other frame begins. */

    if (x509 != NULL
        || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
    {
        X509_free(x509);
        sk_X509_pop_free(all, X509_free);
        return NULL;
    }

    return all;
}


/* OpenSSL would ask at the terminal. */

static int
no_password(char *out, int size, int rwflag, void *data)
{
    (void) out;
    (void) size;
    (void) rwflag;
    (void) data;

    return -1;
}


static bool
write_sn(pay_crypto_t *crypto, const X509 *x509, char sn[PAY_SN_SIZE + 1])
{
    BIO            *bio;
    bool            done;
    char           *name, *serial;
    long            name_size;
    BIGNUM         *number;
    pay_str_t       parts[2];
    unsigned char   md5[PAY_MD5_HEX_SIZE];

    done = false;
    bio = BIO_new(BIO_s_mem());
    number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL);
    serial = number != NULL ? BN_bn2dec(number) : NULL;

    if (bio != NULL && serial != NULL
        && X509_NAME_print_ex(bio, X509_get_issuer_name(x509), 0,
                              XN_FLAG_RFC2253
                              & ~(unsigned long) ASN1_STRFLGS_ESC_MSB)
           > 0)
    {
        name_size = BIO_get_mem_data(bio, &name);
        parts[0] = pay_str(name, (size_t) name_size);
        parts[1] = pay_text(serial);
        done = pay_md5_hex(crypto, parts, 2, md5);
    }

    if (done) {
        memcpy(sn, md5, PAY_SN_SIZE);
        sn[PAY_SN_SIZE] = '\0';
    }

    OPENSSL_free(serial);
    BN_free(number);
    BIO_free(bio);

    return done;
}


static bool
is_rsa_signed(const X509 *x509)
{
    char               oid[OID_SIZE];
    const X509_ALGOR  *algorithm;

    X509_get0_signature(NULL, &algorithm, x509);

    return OBJ_obj2txt(oid, sizeof(oid), algorithm->algorithm, 1) > 0
           && strncmp(oid, RSA_OIDS, strlen(RSA_OIDS)) == 0;
}


static const char *
chain_fault(STACK_OF(X509) *chain, STACK_OF(X509) *roots, int64_t now_s)
{
    int              rc;
    X509_STORE      *store;
    const char      *fault;
    X509_STORE_CTX  *ctx;

    store = make_store(roots, now_s);
    ctx = X509_STORE_CTX_new();
    fault = "the certificate does not hang on a root of "
            "\"root_certificate_file\"; download both again";

    if (store != NULL && ctx != NULL
        && X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain)
           == 1)
    {
        rc = X509_verify_cert(ctx) == 1 ? X509_V_OK
                                        : X509_STORE_CTX_get_error(ctx);

        if (rc == X509_V_OK
            || (sk_X509_num(chain) == 1
                && rc == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY))
        {
            fault = NULL;

        } else if (rc == X509_V_ERR_CERT_HAS_EXPIRED) {
            fault = "the certificate, or one that it hangs on, has expired; "
                    "download it again";

        } else if (rc == X509_V_ERR_CERT_NOT_YET_VALID) {
            fault = "the certificate, or one that it hangs on, is not valid "
                    "yet; is the clock right?";
        }
    }

    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);

    return fault;
}


static X509_STORE *
make_store(STACK_OF(X509) *roots, int64_t now_s)
{
    int          i;
    X509_STORE  *store;

    store = X509_STORE_new();

    if (store == NULL) {
        return NULL;
    }

    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t) now_s);

    for (i = 0; i < sk_X509_num(roots); i++) {
        if (X509_STORE_add_cert(store, sk_X509_value(roots, i)) != 1) {
            X509_STORE_free(store);
            return NULL;
        }
    }

    return store;
}

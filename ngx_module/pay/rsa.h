/*
 * RSA signatures as gateways use them: SHA-256, PKCS#1 v1.5 (RFC 8017,
 * section 8.2), keys of 2048 to 4096 bits.
 *
 * A key is made by the master when it reads the configuration, and used by
 * the workers that it forks; it is set up once, for that costs as much as a
 * verification.
 */

#ifndef FAKA_PAY_RSA_H_INCLUDED_
#define FAKA_PAY_RSA_H_INCLUDED_


#include "crypto.h"


#define PAY_RSA_BITS_MIN           2048
#define PAY_RSA_BITS_MAX           4096
#define PAY_RSA_SIGNATURE_SIZE_MAX (PAY_RSA_BITS_MAX / 8)
#define PAY_SERIAL_SIZE_MAX        40     /* hex; RFC 5280: 20 bytes */


typedef struct pay_rsa_s  pay_rsa_t;

/* What is used of a gateway's certificate. */

typedef struct {
    pay_rsa_t  *key;
    char        serial[PAY_SERIAL_SIZE_MAX + 1];   /* upper-case hex */
} pay_certificate_t;


/*
 * A key out of the content of its file: PEM, or what merchant pages hand out,
 * the same base64 without frame and line breaks (PKCS#8 or PKCS#1 for a
 * private key, SubjectPublicKeyInfo or PEM of PKCS#1 for a public one).
 * NULL: not such a key, too short, too long, not RSA, encrypted, damaged, of
 * the other kind, or not alone in its file; err says what to do and quotes
 * nothing.  Destroy takes NULL.  Takes 3 ms for a public key of 2048 bits, 30
 * for a private one, and seven times that with 4096.
 */

pay_rsa_t *pay_rsa_private(pay_str_t content, char *err, size_t err_size);
pay_rsa_t *pay_rsa_public(pay_str_t content, char *err, size_t err_size);
void pay_rsa_destroy(pay_rsa_t *rsa);

/*
 * The public key and the serial number out of an X.509 certificate in PEM,
 * alone in its file, which must be valid at now_s.  Who issued it is not
 * asked: that the operator wrote it into the configuration is what it counts
 * by.  false: see err; the key is NULL then.
 */

bool pay_rsa_certificate(pay_str_t content, int64_t now_s,
    pay_certificate_t *certificate, char *err, size_t err_size);

/* One key pair?  Either may be a private key. */

bool pay_rsa_equal(const pay_rsa_t *a, const pay_rsa_t *b);

/*
 * Signs the concatenation of parts with a private key.  *size is that of the
 * signature, at most PAY_RSA_SIGNATURE_SIZE_MAX.  false: OpenSSL failed.
 * Some 0.5 ms with 2048 bits.
 */

bool pay_rsa_sign(pay_crypto_t *crypto, const pay_rsa_t *rsa,
    const pay_str_t *parts, size_t part_count,
    unsigned char out[PAY_RSA_SIGNATURE_SIZE_MAX], size_t *size);

/* true: signature is that of parts by this key.  Anything else is false, a
 * failure of OpenSSL too. */

bool pay_rsa_verify(pay_crypto_t *crypto, const pay_rsa_t *rsa,
    const pay_str_t *parts, size_t part_count, pay_str_t signature);


#endif /* FAKA_PAY_RSA_H_INCLUDED_ */

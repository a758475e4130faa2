/*
 * What Alipay's certificate mode makes of X.509 certificates: serial numbers
 * of its own kind ("SN"), and whether a certificate hangs on a root.
 *
 * SN = MD5 of the issuer's name, in RFC 2253 order, and the serial number in
 * decimal; that of a file of roots joins those that are signed with RSA by
 * "_".  Read by the master, once.
 */

#ifndef FAKA_PAY_CERTIFICATE_H_INCLUDED_
#define FAKA_PAY_CERTIFICATE_H_INCLUDED_


#include "crypto.h"


#define PAY_CERTIFICATES_MAX  16       /* of one file */
#define PAY_SN_SIZE           PAY_MD5_HEX_SIZE
#define PAY_ROOT_SN_SIZE_MAX  (PAY_CERTIFICATES_MAX * (PAY_SN_SIZE + 1))


/* The first certificate of a PEM file, frame included; all of content if there
 * is no whole one. */

pay_str_t pay_certificate_first(pay_str_t content);

/* The SN of the first certificate, terminated.  false: there is none. */

bool pay_certificate_sn(pay_crypto_t *crypto, pay_str_t content,
    char sn[PAY_SN_SIZE + 1]);

/* That of a file of roots.  false: none of them is signed with RSA, one cannot
 * be read, or there are too many. */

bool pay_certificate_root_sn(pay_crypto_t *crypto, pay_str_t content,
    char sn[PAY_ROOT_SN_SIZE_MAX + 1]);

/*
 * Does the first certificate of content, over those that follow it, hang on
 * one of roots, all of them valid at now_s?  One that comes without its issuer
 * hangs on nothing that could be looked at, and is taken as it is: the files
 * that are handed out are of both kinds.  false: err says why not.
 */

bool pay_certificate_chain(pay_str_t content, pay_str_t roots, int64_t now_s,
    char *err, size_t err_size);


#endif /* FAKA_PAY_CERTIFICATE_H_INCLUDED_ */

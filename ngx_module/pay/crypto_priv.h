/*
 * What the vault builds on: keyed contexts whose key set-up is paid once.
 * Private to crypto.c and vault.c; one thread, like the rest of crypto.h.
 */

#ifndef FAKA_PAY_CRYPTO_PRIV_H_INCLUDED_
#define FAKA_PAY_CRYPTO_PRIV_H_INCLUDED_


#include "crypto.h"


#define PAY_AEAD_KEY_SIZE    PAY_GCM_KEY_SIZE
#define PAY_AEAD_NONCE_SIZE  PAY_GCM_NONCE_SIZE
#define PAY_AEAD_TAG_SIZE    PAY_GCM_TAG_SIZE


/* HMAC-SHA256 under one key.  The key is copied; NULL: OpenSSL failed. */

typedef struct pay_mac_s  pay_mac_t;

pay_mac_t *pay_mac_create(pay_crypto_t *crypto, pay_str_t key);
void pay_mac_destroy(pay_mac_t *mac);

bool pay_mac(pay_mac_t *mac, const pay_str_t *parts, size_t part_count,
    unsigned char out[PAY_SHA256_SIZE]);


/*
 * AES-256-GCM under one key.  Never seal two different texts under one
 * nonce: the caller answers for that.  out has the size of the text.
 * open() is false for anything but the very bytes that were sealed, and
 * then out is zeroed.
 */

typedef struct pay_aead_s  pay_aead_t;

pay_aead_t *pay_aead_create(pay_crypto_t *crypto,
    const unsigned char key[PAY_AEAD_KEY_SIZE]);
void pay_aead_destroy(pay_aead_t *aead);

bool pay_aead_seal(pay_aead_t *aead,
    const unsigned char nonce[PAY_AEAD_NONCE_SIZE], pay_str_t aad,
    pay_str_t plain, unsigned char *out,
    unsigned char tag[PAY_AEAD_TAG_SIZE]);
bool pay_aead_open(pay_aead_t *aead,
    const unsigned char nonce[PAY_AEAD_NONCE_SIZE], pay_str_t aad,
    pay_str_t cipher, const unsigned char tag[PAY_AEAD_TAG_SIZE],
    unsigned char *out);


#endif /* FAKA_PAY_CRYPTO_PRIV_H_INCLUDED_ */

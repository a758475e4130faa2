/*
 * Signatures that are a hash over a text and a key, as hex digits: which one,
 * a channel's "hash" directive says, and nothing in a notice does.
 */

#ifndef FAKA_PAY_HASH_H_INCLUDED_
#define FAKA_PAY_HASH_H_INCLUDED_


#include "crypto.h"


#define PAY_HASH_HEX_SIZE_MAX       (2 * PAY_SHA256_SIZE)
#define PAY_HASH_KEY_TEXT_SIZE_MAX  64


#define PAY_HASHES(X)                                                         \
    X(MD5,         "md5")                                                     \
    X(SHA256,      "sha256")                                                  \
    X(HMAC_SHA256, "hmac-sha256")

typedef enum {
    PAY_HASH_NONE = 0,
#define X(name, word)  PAY_HASH_##name,
    PAY_HASHES(X)
#undef X
    PAY_HASH_COUNT
} pay_hash_e;

typedef struct {
    pay_hash_e   hash;                 /* NONE: not given */
    bool         is_upper;             /* the hex digits */
    const char  *key_text;             /* before the key; NULL: nothing */
} pay_hash_t;


/*
 * The words behind "hash", which outlive it: one of PAY_HASHES, then lower
 * (which is meant without it) or upper, then what stands between text and
 * key.  false: err says what to write.
 */

bool pay_hash_set(pay_hash_t *hash, const char *const *args, size_t count,
    char *err, size_t err_size);

/*
 * md5 and sha256 are over text, key_text and key; hmac-sha256 is over the
 * text, and over key_text and key behind it if there is a key_text.  out is
 * not terminated.  false: OpenSSL failed.
 */

bool pay_hash_sign(pay_crypto_t *crypto, const pay_hash_t *hash,
    pay_str_t key, pay_str_t text, char out[PAY_HASH_HEX_SIZE_MAX],
    size_t *size);

/*
 * Is sign, in exactly these digits, the signature of text by key, or by
 * previous, if that is not empty?  *failed is set if OpenSSL failed: nobody
 * knows then.
 */

bool pay_hash_check(pay_crypto_t *crypto, const pay_hash_t *hash,
    pay_str_t key, pay_str_t previous, pay_str_t text, pay_str_t sign,
    bool *failed);


#endif /* FAKA_PAY_HASH_H_INCLUDED_ */

/*
 * All cryptography of the shop: the only place that knows OpenSSL, and its
 * headers are included by crypto.c alone.
 *
 * Two objects, both of one process and one thread:
 *
 *   pay_crypto_t  algorithms fetched once, reused contexts, random bytes.
 *   pay_vault_t   the keys derived from the shop's key file (current and, in
 *                 a rotation, previous), set up once as contexts: seals
 *                 cards, makes fingerprints, order tokens, idempotency tags.
 *
 * Create both in each worker after the fork (init_process); the master makes
 * its own for configuration checks.  Neither allocates memory of its own
 * after creation.  No process-wide OpenSSL setting is touched, and the error
 * queue is left empty, for nginx's TLS code reads it too.
 *
 * Functions that return bool: true is success; false is a failure of OpenSSL
 * (out of memory, no entropy) unless said otherwise.  The output is then
 * zeroed and must not be used.
 */

#ifndef FAKA_PAY_CRYPTO_H_INCLUDED_
#define FAKA_PAY_CRYPTO_H_INCLUDED_


#include "pay_str.h"


#define PAY_MD5_HEX_SIZE      32
#define PAY_SHA256_SIZE       32
#define PAY_MASTER_KEY_SIZE   32
#define PAY_FINGERPRINT_SIZE  12   /* also the nonce of the sealed card */
#define PAY_SEAL_TAG_SIZE     16
#define PAY_SEAL_OVERHEAD     (PAY_FINGERPRINT_SIZE + PAY_SEAL_TAG_SIZE)
#define PAY_TOKEN_SIZE        43   /* base64url of 32 bytes, no padding */
#define PAY_CARD_SIZE_MAX     65535
#define PAY_GCM_KEY_SIZE      32
#define PAY_GCM_NONCE_SIZE    12
#define PAY_GCM_TAG_SIZE      16


typedef struct pay_crypto_s  pay_crypto_t;
typedef struct pay_vault_s   pay_vault_t;


/* --- the toolbox -------------------------------------------------------- */

/*
 * NULL: an algorithm is not to be had (MD5 under a FIPS provider) or memory
 * is out; err says which.  Destroy accepts NULL and wipes what it frees.
 */

pay_crypto_t *pay_crypto_create(char *err, size_t err_size);
void pay_crypto_destroy(pay_crypto_t *crypto);

/*
 * Digests over the concatenation of parts.  MD5 comes as 32 lower-case hex
 * digits, not terminated: gateways sign with it, and it protects nothing of
 * our own.
 */

bool pay_md5_hex(pay_crypto_t *crypto, const pay_str_t *parts,
    size_t part_count, unsigned char out[PAY_MD5_HEX_SIZE]);
bool pay_sha256(pay_crypto_t *crypto, const pay_str_t *parts,
    size_t part_count, unsigned char out[PAY_SHA256_SIZE]);
bool pay_hmac_sha256(pay_crypto_t *crypto, pay_str_t key,
    const pay_str_t *parts, size_t part_count,
    unsigned char out[PAY_SHA256_SIZE]);

/*
 * Opens what somebody else sealed with AES-256-GCM: sealed is the ciphertext
 * and its tag, at most 64 KiB, and out has its size without the tag.  false:
 * shorter than a tag, or not the very bytes that were sealed under this key
 * with this nonce and aad; out is zeroed then.
 */

bool pay_gcm_open(pay_crypto_t *crypto,
    const unsigned char key[PAY_GCM_KEY_SIZE],
    const unsigned char nonce[PAY_GCM_NONCE_SIZE], pay_str_t aad,
    pay_str_t sealed, unsigned char *out);

/* Equal?  The time depends on the sizes only.  For secrets of one length. */

bool pay_equal_secret(pay_str_t a, pay_str_t b);

/*
 * Random bytes for ids and secrets, at most 1024 a call, from a pool of
 * somewhat less than 4 KiB that RAND_bytes() fills; bytes are wiped as they
 * are handed out.  The kernel empties the pool in the child of a fork
 * (MADV_WIPEONFORK), so two processes never draw the same bytes, even if one
 * forgets to create its own object; where it cannot, there is no pool and
 * each call asks RAND_bytes().
 */

#define PAY_RANDOM_SIZE_MAX  1024

bool pay_random(pay_crypto_t *crypto, void *out, size_t size);

/* Zeroes memory so that the compiler cannot leave it out. */

void pay_wipe(void *data, size_t size);


/* --- the key file ------------------------------------------------------- */

/*
 * Master keys as read by the master process.  They live in the memory of the
 * configuration; wipe them when it goes.
 */

typedef struct {
    unsigned char  current[PAY_MASTER_KEY_SIZE];
    unsigned char  previous[PAY_MASTER_KEY_SIZE];
    bool           has_previous;
} pay_master_t;

/*
 * The content of a key file: 64 hex digits of either case and at most one
 * newline.  All bytes equal (all zero among them) is refused: nobody's
 * random generator made that.  false: err tells the operator what to do; it
 * never quotes the content.
 */

bool pay_master_key_parse(pay_str_t content,
    unsigned char key[PAY_MASTER_KEY_SIZE], char *err, size_t err_size);

void pay_master_wipe(pay_master_t *master);


/* --- the vault ---------------------------------------------------------- */

/*
 * Each purpose has a key of its own: HKDF-Expand of SHA-256 (RFC 5869) over
 * the master key with the label as info; "faka card seal v1" and so on.  The
 * master may be wiped after the call.  NULL: OpenSSL failed, see err; or
 * previous equals current, which is a rotation that did not happen.
 */

pay_vault_t *pay_vault_create(pay_crypto_t *crypto,
    const pay_master_t *master, char *err, size_t err_size);
void pay_vault_destroy(pay_vault_t *vault);

/* Which of the keys; PREVIOUS exists only if pay_vault_has_previous(). */

typedef enum {
    PAY_KEY_CURRENT,
    PAY_KEY_PREVIOUS
} pay_key_age_e;

bool pay_vault_has_previous(const pay_vault_t *vault);

/*
 * fingerprint = first 12 bytes of HMAC-SHA256(fingerprint key, sku || 0 ||
 * card): equal for equal cards of one product, and tells nothing without the
 * key.  Ask for PREVIOUS to find a duplicate that was sealed before the
 * rotation.  sku has no NUL in it (asserted), so no two pairs collide.
 */

bool pay_fingerprint(pay_vault_t *vault, pay_key_age_e age, pay_str_t sku,
    pay_str_t card, unsigned char out[PAY_FINGERPRINT_SIZE]);

/*
 * sealed = fingerprint || AES-256-GCM ciphertext || tag, under the current
 * key, the fingerprint as the nonce and the sku as associated data.  The
 * nonce repeats only where the card repeats, so nothing but the equality of
 * two cards of one product can be seen.  card has 1 to PAY_CARD_SIZE_MAX
 * bytes, out_size is card.size + PAY_SEAL_OVERHEAD, the size of the result
 * (asserted).
 */

bool pay_seal(pay_vault_t *vault, pay_str_t sku, pay_str_t card,
    unsigned char *out, size_t out_size);

/*
 * Back to the card, under the current key or else the previous one.  false:
 * cut, altered, of another product or under a key that we do not have.
 * out_size is sealed.size - PAY_SEAL_OVERHEAD, the size of the card
 * (asserted), and out must not overlap sealed; it is zeroed on failure.
 * sealed of the overhead or less is refused before out is looked at.
 */

bool pay_unseal(pay_vault_t *vault, pay_str_t sku, pay_str_t sealed,
    unsigned char *out, size_t out_size);

/*
 * The buyer's token of an order: base64url of HMAC-SHA256(token key, order
 * id as text), 43 characters, not terminated.  Nothing is stored: the same
 * order has the same token as long as the key lives.  Verification looks at
 * the current and the previous key, in constant time; a token of another
 * length or alphabet is just wrong.
 */

bool pay_token_make(pay_vault_t *vault, pay_str_t order_id,
    char out[PAY_TOKEN_SIZE]);
bool pay_token_verify(pay_vault_t *vault, pay_str_t order_id,
    pay_str_t token);

/*
 * Keyed digest for what idempotency stores in place of the client's key and
 * body.  After a rotation look up under CURRENT, then PREVIOUS.
 */

bool pay_idempotency_tag(pay_vault_t *vault, pay_key_age_e age,
    const pay_str_t *parts, size_t part_count,
    unsigned char out[PAY_SHA256_SIZE]);


#endif /* FAKA_PAY_CRYPTO_H_INCLUDED_ */

/*
 * The toolbox of crypto.h, which includes OpenSSL, as rsa.c does.
 *
 * OpenSSL 3 looks an algorithm up in its providers at each use unless it was
 * fetched before, and that costs more than hashing a short text.  So all is
 * fetched at creation, and contexts are restarted, not remade: a restart
 * without a key keeps the key schedule.  (Measured: an HMAC of 44 bytes takes
 * 190 ns restarted, 520 ns with the key set again.)
 *
 * What is not here: which key serves what (vault.c), and any policy.
 */

#include "crypto_priv.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>


#define POOL_SIZE  4096


/* A page of its own: MADV_WIPEONFORK works on whole pages.  All zero, as
 * the child of a fork finds it, means empty. */

typedef struct {
    size_t         left_size;
    unsigned char  bytes[POOL_SIZE - sizeof(size_t)];
} pool_t;

_Static_assert(sizeof(pool_t) == POOL_SIZE, "the pool is one page");
_Static_assert(PAY_RANDOM_SIZE_MAX <= POOL_SIZE - sizeof(size_t),
               "a full pool serves the largest call");


struct pay_crypto_s {
    EVP_MD          *md5;
    EVP_MD          *sha256;
    EVP_MAC         *hmac;
    EVP_CIPHER      *gcm;
    EVP_MD_CTX      *md5_ctx;     /* one each: a change makes it anew */
    EVP_MD_CTX      *sha256_ctx;
    EVP_MAC_CTX     *hmac_ctx;
    EVP_CIPHER_CTX  *gcm_ctx;     /* opens, with a key of each call */
    pool_t          *pool;        /* NULL: the kernel cannot wipe it */
};

struct pay_mac_s {
    EVP_MAC_CTX  *ctx;
};

/* One context a direction: a context that turns round sets its key again. */

struct pay_aead_s {
    EVP_CIPHER_CTX  *seal_ctx;
    EVP_CIPHER_CTX  *open_ctx;
};


static pool_t *pool_create(void);
static bool digest(EVP_MD_CTX *ctx, const EVP_MD *md, const pay_str_t *parts,
    size_t part_count, unsigned char *out);
static EVP_MAC_CTX *hmac_ctx_create(pay_crypto_t *crypto);
static bool hmac_run(EVP_MAC_CTX *ctx, pay_str_t key, const pay_str_t *parts,
    size_t part_count, unsigned char *out);
static bool open_with(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *algorithm,
    const unsigned char *key, const unsigned char *nonce, pay_str_t aad,
    pay_str_t cipher, const unsigned char tag[PAY_AEAD_TAG_SIZE],
    unsigned char *out);
static bool failed(void *out, size_t size);


pay_crypto_t *
pay_crypto_create(char *err, size_t err_size)
{
    const char    *missing;
    pay_crypto_t  *crypto;

    crypto = calloc(1, sizeof(pay_crypto_t));
    if (crypto == NULL) {
        (void) snprintf(err, err_size, "out of memory");
        return NULL;
    }

    crypto->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    crypto->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    crypto->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    crypto->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);

    missing = crypto->md5 == NULL ? "MD5 (EPay signs with it)"
              : crypto->sha256 == NULL ? "SHA-256"
              : crypto->hmac == NULL ? "HMAC"
              : crypto->gcm == NULL ? "AES-256-GCM"
              : NULL;

    if (missing != NULL) {
        (void) snprintf(err, err_size, "OpenSSL offers no %s; its default "
                        "provider must be active, a FIPS-only configuration "
                        "does not do", missing);
        goto failed;
    }

    crypto->md5_ctx = EVP_MD_CTX_new();
    crypto->sha256_ctx = EVP_MD_CTX_new();
    crypto->hmac_ctx = hmac_ctx_create(crypto);
    crypto->gcm_ctx = EVP_CIPHER_CTX_new();

    if (crypto->md5_ctx == NULL || crypto->sha256_ctx == NULL
        || crypto->hmac_ctx == NULL || crypto->gcm_ctx == NULL)
    {
        (void) snprintf(err, err_size, "OpenSSL could not make a context");
        goto failed;
    }

    /* Without a pool all works, only slower: no reason to fail. */

    crypto->pool = pool_create();

    return crypto;

failed:

    ERR_clear_error();
    pay_crypto_destroy(crypto);

    return NULL;
}


void
pay_crypto_destroy(pay_crypto_t *crypto)
{
    if (crypto == NULL) {
        return;
    }

    /* Freed contexts wipe their keys themselves; the pool is ours. */

    if (crypto->pool != NULL) {
        OPENSSL_cleanse(crypto->pool, POOL_SIZE);
        (void) munmap(crypto->pool, POOL_SIZE);
    }

    EVP_CIPHER_CTX_free(crypto->gcm_ctx);
    EVP_MAC_CTX_free(crypto->hmac_ctx);
    EVP_MD_CTX_free(crypto->sha256_ctx);
    EVP_MD_CTX_free(crypto->md5_ctx);
    EVP_CIPHER_free(crypto->gcm);
    EVP_MAC_free(crypto->hmac);
    EVP_MD_free(crypto->sha256);
    EVP_MD_free(crypto->md5);

    free(crypto);
}


bool
pay_md5_hex(pay_crypto_t *crypto, const pay_str_t *parts, size_t part_count,
    unsigned char out[PAY_MD5_HEX_SIZE])
{
    size_t             i;
    unsigned char      md5[PAY_MD5_HEX_SIZE / 2];
    static const char  hex[] = "0123456789abcdef";

    if (!digest(crypto->md5_ctx, crypto->md5, parts, part_count, md5)) {
        return failed(out, PAY_MD5_HEX_SIZE);
    }

    for (i = 0; i < sizeof(md5); i++) {
        out[2 * i] = (unsigned char) hex[md5[i] >> 4];
        out[2 * i + 1] = (unsigned char) hex[md5[i] & 0xf];
    }

    return true;
}


bool
pay_sha256(pay_crypto_t *crypto, const pay_str_t *parts, size_t part_count,
    unsigned char out[PAY_SHA256_SIZE])
{
    if (!digest(crypto->sha256_ctx, crypto->sha256, parts, part_count, out)) {
        return failed(out, PAY_SHA256_SIZE);
    }

    return true;
}


/* A context that failed half-way needs no care: the next call starts it
 * anew. */

static bool
digest(EVP_MD_CTX *ctx, const EVP_MD *md, const pay_str_t *parts,
    size_t part_count, unsigned char *out)
{
    size_t  i;

    if (EVP_DigestInit_ex2(ctx, md, NULL) != 1) {
        return false;
    }

    for (i = 0; i < part_count; i++) {
        if (EVP_DigestUpdate(ctx, parts[i].data, parts[i].size) != 1) {
            return false;
        }
    }

    return EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}


bool
pay_hmac_sha256(pay_crypto_t *crypto, pay_str_t key, const pay_str_t *parts,
    size_t part_count, unsigned char out[PAY_SHA256_SIZE])
{
    /* No key would restart the context under the key of the last call. */

    assert(key.size > 0);

    if (!hmac_run(crypto->hmac_ctx, key, parts, part_count, out)) {
        return failed(out, PAY_SHA256_SIZE);
    }

    return true;
}


static EVP_MAC_CTX *
hmac_ctx_create(pay_crypto_t *crypto)
{
    /* Not const: OSSL_PARAM takes a pointer that it might write to. */

    char          digest_name[] = "SHA256";
    OSSL_PARAM    params[2];
    EVP_MAC_CTX  *ctx;

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 digest_name, 0);
    params[1] = OSSL_PARAM_construct_end();

    ctx = EVP_MAC_CTX_new(crypto->hmac);

    if (ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }

    return ctx;
}


/* An empty key restarts under the key that the context has. */

static bool
hmac_run(EVP_MAC_CTX *ctx, pay_str_t key, const pay_str_t *parts,
    size_t part_count, unsigned char *out)
{
    size_t  i, size;

    if (EVP_MAC_init(ctx, key.size ? key.data : NULL, key.size, NULL) != 1) {
        return false;
    }

    for (i = 0; i < part_count; i++) {
        if (EVP_MAC_update(ctx, parts[i].data, parts[i].size) != 1) {
            return false;
        }
    }

    return EVP_MAC_final(ctx, out, &size, PAY_SHA256_SIZE) == 1
           && size == PAY_SHA256_SIZE;
}


pay_mac_t *
pay_mac_create(pay_crypto_t *crypto, pay_str_t key)
{
    pay_str_t      none;
    pay_mac_t     *mac;
    unsigned char  first[PAY_SHA256_SIZE], again[PAY_SHA256_SIZE];

    assert(key.size > 0);

    mac = calloc(1, sizeof(pay_mac_t));
    if (mac == NULL) {
        return NULL;
    }

    none = pay_str(NULL, 0);
    mac->ctx = hmac_ctx_create(crypto);

    /* The restart is what all depends on: see once that this OpenSSL gives
     * the same answer with the key set and with the key kept. */

    if (mac->ctx == NULL
        || !hmac_run(mac->ctx, key, NULL, 0, first)
        || !hmac_run(mac->ctx, none, NULL, 0, again)
        || memcmp(first, again, PAY_SHA256_SIZE) != 0)
    {
        ERR_clear_error();
        pay_mac_destroy(mac);
        return NULL;
    }

    return mac;
}


void
pay_mac_destroy(pay_mac_t *mac)
{
    if (mac != NULL) {
        EVP_MAC_CTX_free(mac->ctx);
        free(mac);
    }
}


bool
pay_mac(pay_mac_t *mac, const pay_str_t *parts, size_t part_count,
    unsigned char out[PAY_SHA256_SIZE])
{
    if (!hmac_run(mac->ctx, pay_str(NULL, 0), parts, part_count, out)) {
        return failed(out, PAY_SHA256_SIZE);
    }

    return true;
}


pay_aead_t *
pay_aead_create(pay_crypto_t *crypto,
    const unsigned char key[PAY_AEAD_KEY_SIZE])
{
    pay_aead_t  *aead;

    /* Nonces of GCM are 12 bytes by default, as ours are. */

    assert(EVP_CIPHER_get_key_length(crypto->gcm) == PAY_AEAD_KEY_SIZE);
    assert(EVP_CIPHER_get_iv_length(crypto->gcm) == PAY_AEAD_NONCE_SIZE);

    aead = calloc(1, sizeof(pay_aead_t));
    if (aead == NULL) {
        return NULL;
    }

    aead->seal_ctx = EVP_CIPHER_CTX_new();
    aead->open_ctx = EVP_CIPHER_CTX_new();

    if (aead->seal_ctx == NULL || aead->open_ctx == NULL
        || EVP_EncryptInit_ex2(aead->seal_ctx, crypto->gcm, key, NULL, NULL)
           != 1
        || EVP_DecryptInit_ex2(aead->open_ctx, crypto->gcm, key, NULL, NULL)
           != 1)
    {
        ERR_clear_error();
        pay_aead_destroy(aead);
        return NULL;
    }

    return aead;
}


void
pay_aead_destroy(pay_aead_t *aead)
{
    if (aead != NULL) {
        EVP_CIPHER_CTX_free(aead->seal_ctx);
        EVP_CIPHER_CTX_free(aead->open_ctx);
        free(aead);
    }
}


bool
pay_aead_seal(pay_aead_t *aead,
    const unsigned char nonce[PAY_AEAD_NONCE_SIZE], pay_str_t aad,
    pay_str_t plain, unsigned char *out,
    unsigned char tag[PAY_AEAD_TAG_SIZE])
{
    int              size, rest;
    EVP_CIPHER_CTX  *ctx;

    assert(plain.size <= PAY_CARD_SIZE_MAX && aad.size <= PAY_CARD_SIZE_MAX);

    ctx = aead->seal_ctx;

    if (EVP_EncryptInit_ex2(ctx, NULL, NULL, nonce, NULL) != 1
        || EVP_EncryptUpdate(ctx, NULL, &size, aad.data, (int) aad.size) != 1
        || EVP_EncryptUpdate(ctx, out, &size, plain.data, (int) plain.size)
           != 1
        || EVP_EncryptFinal_ex(ctx, out + size, &rest) != 1
        || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, PAY_AEAD_TAG_SIZE,
                               tag)
           != 1)
    {
        return failed(out, plain.size);
    }

    assert((size_t) size == plain.size && rest == 0);

    return true;
}


bool
pay_aead_open(pay_aead_t *aead,
    const unsigned char nonce[PAY_AEAD_NONCE_SIZE], pay_str_t aad,
    pay_str_t cipher, const unsigned char tag[PAY_AEAD_TAG_SIZE],
    unsigned char *out)
{
    return open_with(aead->open_ctx, NULL, NULL, nonce, aad, cipher, tag,
                     out);
}


bool
pay_gcm_open(pay_crypto_t *crypto, const unsigned char key[PAY_GCM_KEY_SIZE],
    const unsigned char nonce[PAY_GCM_NONCE_SIZE], pay_str_t aad,
    pay_str_t sealed, unsigned char *out)
{
    bool       opened;
    pay_str_t  cipher;

    if (sealed.size < PAY_GCM_TAG_SIZE) {
        return false;
    }

    cipher = pay_str(sealed.data, sealed.size - PAY_GCM_TAG_SIZE);

    opened = open_with(crypto->gcm_ctx, crypto->gcm, key, nonce, aad, cipher,
                       cipher.data + cipher.size, out);

    /* The key does not stay. */
    (void) EVP_CIPHER_CTX_reset(crypto->gcm_ctx);

    return opened;
}


/* Without a key, the one that the context has. */

static bool
open_with(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *algorithm,
    const unsigned char *key, const unsigned char *nonce, pay_str_t aad,
    pay_str_t cipher, const unsigned char tag[PAY_AEAD_TAG_SIZE],
    unsigned char *out)
{
    int            size, rest;
    unsigned char  expected[PAY_AEAD_TAG_SIZE];

    assert(cipher.size <= PAY_CARD_SIZE_MAX);
    assert(aad.size <= PAY_CARD_SIZE_MAX);

    /* The control call takes the tag as a void pointer: give it a copy. */

    memcpy(expected, tag, sizeof(expected));

    if (EVP_DecryptInit_ex2(ctx, algorithm, key, nonce, NULL) != 1
        || EVP_DecryptUpdate(ctx, NULL, &size, aad.data, (int) aad.size) != 1
        || EVP_DecryptUpdate(ctx, out, &size, cipher.data, (int) cipher.size)
           != 1
        || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, PAY_AEAD_TAG_SIZE,
                               expected)
           != 1
        || EVP_DecryptFinal_ex(ctx, out + size, &rest) != 1)
    {
        return failed(out, cipher.size);
    }

    assert((size_t) size == cipher.size && rest == 0);

    return true;
}


static pool_t *
pool_create(void)
{
    void  *page;

    page = mmap(NULL, POOL_SIZE, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED) {
        return NULL;
    }

    if (madvise(page, POOL_SIZE, MADV_WIPEONFORK) == -1) {
        (void) munmap(page, POOL_SIZE);
        return NULL;
    }

    /* Where core dumps cannot be told to leave it out, they have it in. */

    (void) madvise(page, POOL_SIZE, MADV_DONTDUMP);

    return page;
}


bool
pay_random(pay_crypto_t *crypto, void *out, size_t size)
{
    pool_t         *pool;
    unsigned char  *from;

    assert(size > 0 && size <= PAY_RANDOM_SIZE_MAX);

    pool = crypto->pool;

    if (pool == NULL) {
        return RAND_bytes(out, (int) size) == 1 ? true : failed(out, size);
    }

    /* The few bytes left over are dropped, not joined with new ones: a draw
     * is one copy. */

    if (pool->left_size < size) {
        if (RAND_bytes(pool->bytes, (int) sizeof(pool->bytes)) != 1) {
            pool->left_size = 0;
            return failed(out, size);
        }

        pool->left_size = sizeof(pool->bytes);
    }

    pool->left_size -= size;
    from = pool->bytes + pool->left_size;

    memcpy(out, from, size);
    OPENSSL_cleanse(from, size);

    return true;
}


bool
pay_equal_secret(pay_str_t a, pay_str_t b)
{
    return a.size == b.size && CRYPTO_memcmp(a.data, b.data, a.size) == 0;
}


void
pay_wipe(void *data, size_t size)
{
    OPENSSL_cleanse(data, size);
}


/* The one way out of a failure: nothing half done stays behind, neither in
 * the output nor in OpenSSL's error queue, which nginx's TLS code reads. */

static bool
failed(void *out, size_t size)
{
    OPENSSL_cleanse(out, size);
    ERR_clear_error();

    return false;
}

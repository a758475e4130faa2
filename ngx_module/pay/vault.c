/*
 * The keys of a shop and what they are for; the formats stand in crypto.h.
 *
 * One 32-byte master key is the only secret to keep.  Each purpose gets its
 * own key out of it by a label, so that no two purposes ever share a key: a
 * token handed to a buyer tells nothing about a fingerprint, and none of
 * them anything about a card.  A changed format gets a new label.
 *
 * Knows no OpenSSL, and never lends a key out.
 */

#include "crypto_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>


#define KEY_HEX_SIZE     (2 * PAY_MASTER_KEY_SIZE)
#define SEAL_LABEL       "faka card seal v1"

/* X(purpose, label) */

#define MACS(X)                                                               \
    X(FINGERPRINT, "faka card fingerprint v1")                                \
    X(TOKEN,       "faka order token v1")                                     \
    X(IDEMPOTENCY, "faka idempotency v1")

enum {
#define X(purpose, label)  MAC_##purpose,
    MACS(X)
#undef X
    MAC_COUNT
};

static const char *const  mac_labels[MAC_COUNT] = {
#define X(purpose, label)  label,
    MACS(X)
#undef X
};


typedef struct {
    pay_aead_t  *seal;
    pay_mac_t   *macs[MAC_COUNT];
} key_set_t;

struct pay_vault_s {
    key_set_t  sets[2];           /* by pay_key_age_e */
    bool       has_previous;
};


static bool key_set_init(key_set_t *set, pay_crypto_t *crypto,
    const unsigned char master[PAY_MASTER_KEY_SIZE]);
static void key_set_clear(key_set_t *set);
static bool derive(pay_crypto_t *crypto,
    const unsigned char master[PAY_MASTER_KEY_SIZE], const char *label,
    unsigned char key[PAY_SHA256_SIZE]);
static key_set_t *key_set(pay_vault_t *vault, pay_key_age_e age);
static bool token_make(key_set_t *set, pay_str_t order_id,
    char out[PAY_TOKEN_SIZE]);
static int hex_digit(unsigned char c);


bool
pay_master_key_parse(pay_str_t content,
    unsigned char key[PAY_MASTER_KEY_SIZE], char *err, size_t err_size)
{
    int     high, low;
    size_t  size, i;

    size = content.size;

    if (size > 0 && content.data[size - 1] == '\n') {
        size--;
    }

    /* Messages give counts and positions, never a part of the key. */

    if (size != KEY_HEX_SIZE) {
        (void) snprintf(err, err_size, "%zu characters, expected %d hex "
                        "digits and at most one newline; make one with "
                        "\"openssl rand -hex %d\"", size, KEY_HEX_SIZE,
                        PAY_MASTER_KEY_SIZE);
        goto refused;
    }

    for (i = 0; i < PAY_MASTER_KEY_SIZE; i++) {
        high = hex_digit(content.data[2 * i]);
        low = hex_digit(content.data[2 * i + 1]);

        if (high < 0 || low < 0) {
            (void) snprintf(err, err_size, "character %zu is not a hex "
                            "digit; make a key with \"openssl rand -hex %d\"",
                            high < 0 ? 2 * i + 1 : 2 * i + 2,
                            PAY_MASTER_KEY_SIZE);
            goto refused;
        }

        key[i] = (unsigned char) (high * 16 + low);
    }

    /* Every byte equals its neighbour: they are all the same. */

    if (memcmp(key, key + 1, PAY_MASTER_KEY_SIZE - 1) == 0) {
        (void) snprintf(err, err_size, "one byte repeated is no key; make "
                        "one with \"openssl rand -hex %d\"",
                        PAY_MASTER_KEY_SIZE);
        goto refused;
    }

    return true;

refused:

    pay_wipe(key, PAY_MASTER_KEY_SIZE);

    return false;
}


static int
hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


void
pay_master_wipe(pay_master_t *master)
{
    pay_wipe(master, sizeof(pay_master_t));
}


pay_vault_t *
pay_vault_create(pay_crypto_t *crypto, const pay_master_t *master, char *err,
    size_t err_size)
{
    pay_vault_t  *vault;

    if (master->has_previous
        && pay_equal_secret(pay_str(master->current, PAY_MASTER_KEY_SIZE),
                            pay_str(master->previous, PAY_MASTER_KEY_SIZE)))
    {
        (void) snprintf(err, err_size, "the previous key equals the current "
                        "one; to rotate, make a new current key");
        return NULL;
    }

    /* Zeroed, so that a vault half made can be destroyed. */

    vault = calloc(1, sizeof(pay_vault_t));

    if (vault == NULL
        || !key_set_init(&vault->sets[PAY_KEY_CURRENT], crypto,
                         master->current)
        || (master->has_previous
            && !key_set_init(&vault->sets[PAY_KEY_PREVIOUS], crypto,
                             master->previous)))
    {
        (void) snprintf(err, err_size, "OpenSSL could not set up the keys");
        pay_vault_destroy(vault);
        return NULL;
    }

    vault->has_previous = master->has_previous;

    return vault;
}


void
pay_vault_destroy(pay_vault_t *vault)
{
    if (vault == NULL) {
        return;
    }

    key_set_clear(&vault->sets[PAY_KEY_CURRENT]);
    key_set_clear(&vault->sets[PAY_KEY_PREVIOUS]);

    free(vault);
}


bool
pay_vault_has_previous(const pay_vault_t *vault)
{
    return vault->has_previous;
}


static bool
key_set_init(key_set_t *set, pay_crypto_t *crypto,
    const unsigned char master[PAY_MASTER_KEY_SIZE])
{
    bool           done;
    size_t         i;
    unsigned char  key[PAY_SHA256_SIZE];

    _Static_assert(PAY_SHA256_SIZE == PAY_AEAD_KEY_SIZE, "one HMAC, one key");

    if (derive(crypto, master, SEAL_LABEL, key)) {
        set->seal = pay_aead_create(crypto, key);
    }

    done = set->seal != NULL;

    for (i = 0; i < MAC_COUNT && done; i++) {
        if (derive(crypto, master, mac_labels[i], key)) {
            set->macs[i] = pay_mac_create(crypto, pay_str(key, sizeof(key)));
        }

        done = set->macs[i] != NULL;
    }

    pay_wipe(key, sizeof(key));

    return done;
}


static void
key_set_clear(key_set_t *set)
{
    size_t  i;

    pay_aead_destroy(set->seal);

    for (i = 0; i < MAC_COUNT; i++) {
        pay_mac_destroy(set->macs[i]);
    }
}


/*
 * HKDF-Expand for one block: T(1) = HMAC(key, info || 1).  The extract step
 * is left out because the master key is uniformly random already (RFC 5869,
 * section 3.3).
 */

static bool
derive(pay_crypto_t *crypto, const unsigned char master[PAY_MASTER_KEY_SIZE],
    const char *label, unsigned char key[PAY_SHA256_SIZE])
{
    pay_str_t  parts[] = {
        pay_str(label, strlen(label)),
        PAY_STR("\x01")
    };

    return pay_hmac_sha256(crypto, pay_str(master, PAY_MASTER_KEY_SIZE),
                           parts, 2, key);
}


static key_set_t *
key_set(pay_vault_t *vault, pay_key_age_e age)
{
    assert(age == PAY_KEY_CURRENT
           || (age == PAY_KEY_PREVIOUS && vault->has_previous));

    return &vault->sets[age];
}


/* The NUL keeps "ab" + "c" and "a" + "bc" apart, since no sku has one. */

bool
pay_fingerprint(pay_vault_t *vault, pay_key_age_e age, pay_str_t sku,
    pay_str_t card, unsigned char out[PAY_FINGERPRINT_SIZE])
{
    bool           done;
    unsigned char  mac[PAY_SHA256_SIZE];
    pay_str_t      parts[] = { sku, PAY_STR("\0"), card };

    assert(sku.size > 0 && memchr(sku.data, '\0', sku.size) == NULL);

    done = pay_mac(key_set(vault, age)->macs[MAC_FINGERPRINT], parts, 3, mac);
    memcpy(out, mac, PAY_FINGERPRINT_SIZE);

    return done;
}


bool
pay_seal(pay_vault_t *vault, pay_str_t sku, pay_str_t card,
    unsigned char *out, size_t out_size)
{
    _Static_assert(PAY_FINGERPRINT_SIZE == PAY_AEAD_NONCE_SIZE,
                   "the fingerprint is the nonce");

    assert(card.size > 0 && card.size <= PAY_CARD_SIZE_MAX);
    assert(out_size == card.size + PAY_SEAL_OVERHEAD);

    /* A nonce made of the card cannot repeat by a lost counter or a weak
     * generator, which would give GCM's key away. */

    if (!pay_fingerprint(vault, PAY_KEY_CURRENT, sku, card, out)
        || !pay_aead_seal(vault->sets[PAY_KEY_CURRENT].seal, out, sku, card,
                          out + PAY_FINGERPRINT_SIZE,
                          out + PAY_FINGERPRINT_SIZE + card.size))
    {
        pay_wipe(out, out_size);
        return false;
    }

    return true;
}


bool
pay_unseal(pay_vault_t *vault, pay_str_t sku, pay_str_t sealed,
    unsigned char *out, size_t out_size)
{
    pay_str_t             cipher;
    const unsigned char  *nonce, *tag;

    if (sealed.size <= PAY_SEAL_OVERHEAD
        || sealed.size > PAY_CARD_SIZE_MAX + PAY_SEAL_OVERHEAD)
    {
        return false;
    }

    assert(out_size == sealed.size - PAY_SEAL_OVERHEAD);

    nonce = sealed.data;
    cipher = pay_str(nonce + PAY_FINGERPRINT_SIZE, out_size);
    tag = cipher.data + cipher.size;

    /* Which key it was sealed under is not written down: a wrong one fails
     * as an altered card does, and a rotation is rare. */

    if (pay_aead_open(vault->sets[PAY_KEY_CURRENT].seal, nonce, sku, cipher,
                      tag, out))
    {
        return true;
    }

    return vault->has_previous
           && pay_aead_open(vault->sets[PAY_KEY_PREVIOUS].seal, nonce, sku,
                            cipher, tag, out);
}


bool
pay_token_make(pay_vault_t *vault, pay_str_t order_id,
    char out[PAY_TOKEN_SIZE])
{
    return token_make(&vault->sets[PAY_KEY_CURRENT], order_id, out);
}


bool
pay_token_verify(pay_vault_t *vault, pay_str_t order_id, pay_str_t token)
{
    bool       right;
    char       expected[PAY_TOKEN_SIZE];
    size_t     i, set_count;

    right = false;
    set_count = vault->has_previous ? 2 : 1;

    /* Both keys are always tried: the time does not tell which one fits. */

    for (i = 0; i < set_count; i++) {
        if (token_make(&vault->sets[i], order_id, expected)
            && pay_equal_secret(token, pay_str(expected, PAY_TOKEN_SIZE)))
        {
            right = true;
        }
    }

    pay_wipe(expected, sizeof(expected));

    return right;
}


static bool
token_make(key_set_t *set, pay_str_t order_id, char out[PAY_TOKEN_SIZE])
{
    size_t             i;
    uint32_t           bits;
    unsigned char      mac[PAY_SHA256_SIZE + 1];
    static const char  base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "abcdefghijklmnopqrstuvwxyz"
                                     "0123456789-_";

    _Static_assert(PAY_TOKEN_SIZE == (PAY_SHA256_SIZE * 8 + 5) / 6,
                   "base64url without padding");

    assert(order_id.size > 0);

    if (!pay_mac(set->macs[MAC_TOKEN], &order_id, 1, mac)) {
        memset(out, 0, PAY_TOKEN_SIZE);
        return false;
    }

    /* A zero byte fills the last group of three; what it would print is the
     * padding, which is not written. */

    mac[PAY_SHA256_SIZE] = 0;
    bits = 0;

    for (i = 0; i < PAY_TOKEN_SIZE; i++) {
        if (i % 4 == 0) {
            bits = (uint32_t) mac[i / 4 * 3] << 16
                   | (uint32_t) mac[i / 4 * 3 + 1] << 8
                   | mac[i / 4 * 3 + 2];
        }

        out[i] = base64url[(bits >> 18) & 0x3f];
        bits <<= 6;
    }

    pay_wipe(mac, sizeof(mac));

    return true;
}


bool
pay_idempotency_tag(pay_vault_t *vault, pay_key_age_e age,
    const pay_str_t *parts, size_t part_count,
    unsigned char out[PAY_SHA256_SIZE])
{
    return pay_mac(key_set(vault, age)->macs[MAC_IDEMPOTENCY], parts,
                   part_count, out);
}

/*
 * Signatures that are a hash over a text and a key.
 */

#include "hash.h"

#include "pay.h"

#include <assert.h>
#include <stdio.h>


static const char *hash_fault(pay_hash_t *hash, const char *const *args,
    size_t count);
static void write_hex(const unsigned char *raw, size_t size, char *out);


static const char *const  words[PAY_HASH_COUNT] = {
    "",
#define X(name, word)  word,
    PAY_HASHES(X)
#undef X
};


bool
pay_hash_set(pay_hash_t *hash, const char *const *args, size_t count,
    char *err, size_t err_size)
{
    const char  *fault;

    assert(count > 0);

    fault = hash_fault(hash, args, count);

    if (fault != NULL) {
        (void) snprintf(err, err_size, "%s", fault);
    }

    return fault == NULL;
}


static const char *
hash_fault(pay_hash_t *hash, const char *const *args, size_t count)
{
    memset(hash, 0, sizeof(pay_hash_t));

    do {
        if (++hash->hash == PAY_HASH_COUNT) {
            return "there are md5, sha256 and hmac-sha256";
        }
    } while (strcmp(words[hash->hash], args[0]) != 0);

    if (count > 1) {
        hash->is_upper = strcmp(args[1], "upper") == 0;
    }

    if (count > 3
        || (count > 1 && !hash->is_upper && strcmp(args[1], "lower") != 0))
    {
        return "write lower or upper behind the hash, for the letters of its "
               "digits, and then what stands before the key, as in \"hash "
               "md5 upper &key=;\"";
    }

    if (count == 3) {
        hash->key_text = args[2];

        if (args[2][0] == '\0'
            || strlen(args[2]) > PAY_HASH_KEY_TEXT_SIZE_MAX)
        {
            return "what stands before the key has 1 to 64 characters";
        }
    }

    return NULL;
}


bool
pay_hash_sign(pay_crypto_t *crypto, const pay_hash_t *hash, pay_str_t key,
    pay_str_t text, char out[PAY_HASH_HEX_SIZE_MAX], size_t *size)
{
    bool           done;
    size_t         i, count;
    pay_str_t      parts[3];
    unsigned char  raw[PAY_SHA256_SIZE];

    /* Channels are checked when configured; with an empty key anybody could
     * sign: look again. */

    assert(hash->hash != PAY_HASH_NONE && key.size >= PAY_KEY_SIZE_MIN);

    parts[0] = text;
    count = 1;

    if (hash->key_text != NULL) {
        parts[count++] = pay_text(hash->key_text);
    }

    if (hash->key_text != NULL || hash->hash != PAY_HASH_HMAC_SHA256) {
        parts[count++] = key;
    }

    if (hash->hash == PAY_HASH_MD5) {
        *size = PAY_MD5_HEX_SIZE;
        done = pay_md5_hex(crypto, parts, count, (unsigned char *) out);

    } else {
        *size = PAY_HASH_HEX_SIZE_MAX;
        done = hash->hash == PAY_HASH_SHA256
               ? pay_sha256(crypto, parts, count, raw)
               : pay_hmac_sha256(crypto, key, parts, count, raw);
        write_hex(raw, sizeof(raw), out);
    }

    for (i = 0; hash->is_upper && i < *size; i++) {
        if (out[i] >= 'a') {
            out[i] = (char) (out[i] - 'a' + 'A');
        }
    }

    return done;
}


static void
write_hex(const unsigned char *raw, size_t size, char *out)
{
    size_t             i;
    static const char  digits[] = "0123456789abcdef";

    for (i = 0; i < size; i++) {
        out[2 * i] = digits[raw[i] >> 4];
        out[2 * i + 1] = digits[raw[i] & 0xf];
    }
}


bool
pay_hash_check(pay_crypto_t *crypto, const pay_hash_t *hash, pay_str_t key,
    pay_str_t previous, pay_str_t text, pay_str_t sign, bool *failed)
{
    char    good[PAY_HASH_HEX_SIZE_MAX];
    size_t  i, size;

    const pay_str_t  keys[] = { key, previous };

    *failed = false;

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {

        if (i > 0 && keys[i].size == 0) {
            continue;
        }

        if (!pay_hash_sign(crypto, hash, keys[i], text, good, &size)) {
            *failed = true;
            return false;
        }

        /* Bytes are compared: digits in the other case are simply wrong. */

        if (pay_equal_secret(sign, pay_str(good, size))) {
            return true;
        }
    }

    return false;
}

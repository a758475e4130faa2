/*
 * Keys, seals, tokens.  The expected bytes are literals that were made with
 * Python's hmac and hashlib and with node's AES-GCM, not with the code under
 * test; the derivation also equals "openssl kdf ... HKDF" in EXPAND_ONLY
 * mode.
 */

#include "../../ngx_module/pay/crypto.h"

#include "pay_hex.h"


#define SKU    PAY_STR("steam-50")
#define CARD   PAY_STR("ABCDE-FGHIJ-KLMNO")
#define ORDER  PAY_STR("01J0000000000000000000000A")

#define SEALED_SIZE  (17 + PAY_SEAL_OVERHEAD)


static pay_crypto_t  *crypto;
static pay_master_t   first;       /* bytes 00..1f */
static pay_master_t   rotated;     /* current 01..20, previous 00..1f */


static pay_vault_t *
vault_create(const pay_master_t *master)
{
    char          err[256];
    pay_vault_t  *vault;

    vault = pay_vault_create(crypto, master, err, sizeof(err));

    if (vault == NULL) {
        printf("Bail out! %s\n", err);
        exit(EXIT_FAILURE);
    }

    return vault;
}


static void
test_seal_vectors(void)
{
    pay_vault_t    *vault;
    unsigned char   sealed[SEALED_SIZE], card[17];
    unsigned char   fingerprint[PAY_FINGERPRINT_SIZE];

    vault = vault_create(&first);

    OK(pay_seal(vault, SKU, CARD, sealed, sizeof(sealed)), "a card is sealed");
    hex_eq(sealed, sizeof(sealed), "b286ba47c1aee7bda1ca8675"
           "4c0d656e245ac052ebc8666f3b6caa4d60"
           "762701cbe3e209316a83b4dfc1a6ec1f",
           "  fingerprint, text and tag as computed elsewhere");

    OK(pay_fingerprint(vault, PAY_KEY_CURRENT, SKU, CARD, fingerprint),
       "  its fingerprint alone");
    EQ_MEM(fingerprint, sizeof(fingerprint), sealed, PAY_FINGERPRINT_SIZE,
           "  is the beginning of the sealed card");

    OK(pay_unseal(vault, SKU, pay_str(sealed, sizeof(sealed)), card,
                  sizeof(card)), "  and it opens");
    EQ_MEM(card, sizeof(card), "ABCDE-FGHIJ-KLMNO", 17, "  to the card");

    pay_vault_destroy(vault);
}


static void
test_fingerprints(void)
{
    pay_vault_t    *vault;
    unsigned char   a[PAY_FINGERPRINT_SIZE], b[PAY_FINGERPRINT_SIZE];

    vault = vault_create(&first);

    (void) pay_fingerprint(vault, PAY_KEY_CURRENT, PAY_STR("ab"),
                           PAY_STR("c"), a);
    (void) pay_fingerprint(vault, PAY_KEY_CURRENT, PAY_STR("a"),
                           PAY_STR("bc"), b);
    OK(memcmp(a, b, sizeof(a)) != 0, "sku and card do not run together");

    (void) pay_fingerprint(vault, PAY_KEY_CURRENT, PAY_STR("a"),
                           PAY_STR("c"), b);
    OK(memcmp(a, b, sizeof(a)) != 0, "another product, another fingerprint");

    pay_vault_destroy(vault);
}


static void
test_tamper(void)
{
    size_t          i, size, opened, left;
    pay_vault_t    *vault;
    unsigned char   sealed[SEALED_SIZE], card[SEALED_SIZE];

    vault = vault_create(&first);
    (void) pay_seal(vault, SKU, CARD, sealed, sizeof(sealed));

    opened = 0;
    left = 0;

    for (i = 0; i < 8 * sizeof(sealed); i++) {
        sealed[i / 8] ^= (unsigned char) (1 << i % 8);
        memset(card, 'x', sizeof(card));

        opened += pay_unseal(vault, SKU, pay_str(sealed, sizeof(sealed)),
                             card, 17);
        left += card[0] != 0 || card[16] != 0;

        sealed[i / 8] ^= (unsigned char) (1 << i % 8);
    }

    EQ_INT(opened, 0, "no flipped bit opens");
    EQ_INT(left, 0, "  and nothing unproved is left behind");

    opened = 0;

    for (size = PAY_SEAL_OVERHEAD + 1; size < sizeof(sealed); size++) {
        opened += pay_unseal(vault, SKU, pay_str(sealed, size), card,
                             size - PAY_SEAL_OVERHEAD);
    }

    for (size = 0; size <= PAY_SEAL_OVERHEAD; size++) {
        opened += pay_unseal(vault, SKU, pay_str(sealed, size), card, 0);
    }

    EQ_INT(opened, 0, "no cut one opens");

    OK(!pay_unseal(vault, PAY_STR("steam-51"),
                   pay_str(sealed, sizeof(sealed)), card, 17),
       "a card of another product does not open");
    OK(pay_unseal(vault, SKU, pay_str(sealed, sizeof(sealed)), card, 17),
       "and after all that the right one opens");

    pay_vault_destroy(vault);
}


static void
test_sizes(void)
{
    static unsigned char  card[PAY_CARD_SIZE_MAX], again[PAY_CARD_SIZE_MAX];
    static unsigned char  sealed[PAY_CARD_SIZE_MAX + PAY_SEAL_OVERHEAD];

    size_t                i, size, wrong;
    pay_vault_t          *vault;
    static const size_t   sizes[] = {
        1, 15, 16, 17, 2047, 2048, PAY_CARD_SIZE_MAX
    };

    vault = vault_create(&first);
    memset(card, 'k', sizeof(card));
    wrong = 0;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size = sizes[i];
        wrong += !pay_seal(vault, SKU, pay_str(card, size), sealed,
                           size + PAY_SEAL_OVERHEAD);
        wrong += !pay_unseal(vault, SKU,
                             pay_str(sealed, size + PAY_SEAL_OVERHEAD), again,
                             size);
        wrong += memcmp(card, again, size) != 0;
    }

    EQ_INT(wrong, 0, "cards of 1 byte to the greatest size");

    pay_vault_destroy(vault);
}


static void
test_rotation(void)
{
    char            token[PAY_TOKEN_SIZE];
    pay_vault_t    *before, *after, *later;
    pay_master_t    second;
    unsigned char   sealed[SEALED_SIZE], resealed[SEALED_SIZE], card[17];
    unsigned char   fingerprint[PAY_FINGERPRINT_SIZE];

    second = rotated;
    second.has_previous = false;

    before = vault_create(&first);
    after = vault_create(&rotated);
    later = vault_create(&second);

    OK(!pay_vault_has_previous(before), "one key");
    OK(pay_vault_has_previous(after), "two keys");

    (void) pay_seal(before, SKU, CARD, sealed, sizeof(sealed));
    (void) pay_seal(after, SKU, CARD, resealed, sizeof(resealed));
    hex_eq(resealed, sizeof(resealed), "171fc130c96715906b0d1747"
           "21cfc8e5af12ebd41a565096efdb9fa6e4"
           "adc3089e76aa277a37c73d0f9077699a",
           "the current key seals, as computed elsewhere");

    OK(pay_unseal(after, SKU, pay_str(sealed, sizeof(sealed)), card, 17),
       "a card of the previous key opens");
    EQ_MEM(card, 17, "ABCDE-FGHIJ-KLMNO", 17, "  to the card");
    OK(!pay_unseal(later, SKU, pay_str(sealed, sizeof(sealed)), card, 17),
       "  but not when that key is gone");
    OK(!pay_unseal(before, SKU, pay_str(resealed, sizeof(resealed)), card,
                   17), "  nor a new card under the old key");

    (void) pay_fingerprint(after, PAY_KEY_PREVIOUS, SKU, CARD, fingerprint);
    EQ_MEM(fingerprint, sizeof(fingerprint), sealed, PAY_FINGERPRINT_SIZE,
           "its fingerprint is found under the previous key");

    (void) pay_token_make(before, ORDER, token);
    OK(pay_token_verify(after, ORDER, pay_str(token, sizeof(token))),
       "a token of the previous key is good");
    OK(!pay_token_verify(later, ORDER, pay_str(token, sizeof(token))),
       "  until that key is gone");

    (void) pay_token_make(after, ORDER, token);
    EQ_MEM(token, sizeof(token),
           "0OBgd7JPI0MI6FNjf-pRdY_Uvwi_SFlpcjuGSJq1SPs", 43,
           "new tokens are of the current key");

    pay_vault_destroy(before);
    pay_vault_destroy(after);
    pay_vault_destroy(later);
}


static void
test_tokens(void)
{
    char          token[PAY_TOKEN_SIZE + 1];
    size_t        i, good;
    pay_vault_t  *vault;

    vault = vault_create(&first);

    OK(pay_token_make(vault, ORDER, token), "an order has a token");
    EQ_MEM(token, PAY_TOKEN_SIZE,
           "sAW66V1xYhkf4E3qgbvc4MXOB2P8C-rRN2x19Yie3fc", 43,
           "  as computed elsewhere");
    OK(pay_token_verify(vault, ORDER, pay_str(token, PAY_TOKEN_SIZE)),
       "  which is good");

    good = 0;

    for (i = 0; i < 8 * PAY_TOKEN_SIZE; i++) {
        token[i / 8] = (char) (token[i / 8] ^ (1 << i % 8));
        good += pay_token_verify(vault, ORDER,
                                 pay_str(token, PAY_TOKEN_SIZE));
        token[i / 8] = (char) (token[i / 8] ^ (1 << i % 8));
    }

    EQ_INT(good, 0, "with no bit flipped");

    token[PAY_TOKEN_SIZE] = '=';
    OK(!pay_token_verify(vault, ORDER, pay_str(token, PAY_TOKEN_SIZE + 1)),
       "  nor padded");
    OK(!pay_token_verify(vault, ORDER, pay_str(token, PAY_TOKEN_SIZE - 1)),
       "  nor cut");
    OK(!pay_token_verify(vault, ORDER, pay_str(NULL, 0)), "  nor absent");
    OK(!pay_token_verify(vault, PAY_STR("01J0000000000000000000000B"),
                         pay_str(token, PAY_TOKEN_SIZE)),
       "  nor for another order");

    pay_vault_destroy(vault);
}


static void
test_idempotency(void)
{
    pay_str_t       parts[] = { PAY_STR("key"), PAY_STR("body") };
    pay_vault_t    *vault;
    unsigned char   tag[PAY_SHA256_SIZE];

    vault = vault_create(&rotated);

    OK(pay_idempotency_tag(vault, PAY_KEY_CURRENT, parts, 2, tag),
       "a tag under the current key");
    hex_eq(tag, sizeof(tag), "bbdf38a9fee16c7114ede08278aada00"
           "9718e13f8a2cb2b861e40d2921bd9703", "  as computed elsewhere");
    OK(pay_idempotency_tag(vault, PAY_KEY_PREVIOUS, parts, 2, tag),
       "a tag under the previous key");
    hex_eq(tag, sizeof(tag), "01b77603653c064514a29edbef0bca56"
           "3fa0b1958f288febe360ad198fec3209", "  as computed elsewhere");

    pay_vault_destroy(vault);
}


static void
test_key_file(void)
{
    char           err[256];
    size_t         i, size;
    unsigned char  key[PAY_MASTER_KEY_SIZE];
    static const unsigned char  none[PAY_MASTER_KEY_SIZE];

#define HEX62  "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef01234567"

    static const struct {
        const char  *what;
        const char  *content;
        const char  *says;
        size_t       size;
    } refused[] = {
        { "empty", "", "0 characters", 0 },
        { "a newline alone", "\n", "0 characters", 0 },
        { "63 digits", HEX62 "8", "63 characters", 0 },
        { "65 digits", HEX62 "899", "65 characters", 0 },
        { "two newlines", HEX62 "89\n\n", "65 characters", 0 },
        { "CR LF", HEX62 "89\r\n", "65 characters", 0 },
        { "a space in front", " " HEX62 "8", "character 1 ", 0 },
        { "a letter beyond f", HEX62 "8g", "character 64 ", 0 },
        { "a sign", HEX62 "+8", "character 63 ", 0 },
        { "NUL", HEX62 "8\0", "character 64 ", 64 },
        { "all zero",
          "00000000000000000000000000000000"
          "00000000000000000000000000000000", "one byte repeated", 0 },
        { "one byte repeated",
          "abababababababababababababababab"
          "abababababababababababababababab", "one byte repeated", 0 }
    };

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        size = refused[i].size ? refused[i].size
                               : strlen(refused[i].content);
        memset(key, 'x', sizeof(key));

        OK(!pay_master_key_parse(pay_str(refused[i].content, size), key, err,
                                 sizeof(err)),
           "a key file with %s is refused", refused[i].what);
        OK(strstr(err, refused[i].says) != NULL, "  and says so: %s", err);
        OK(strstr(err, "openssl rand -hex 32") != NULL, "  and what to do");
        EQ_MEM(key, sizeof(key), none, sizeof(none), "  and leaves no key");
    }

    OK(pay_master_key_parse(PAY_STR(HEX62 "89"), key, err, sizeof(err)),
       "64 digits are a key");
    hex_eq(key, sizeof(key), HEX62 "89", "  the right one");
    OK(pay_master_key_parse(PAY_STR(HEX62 "89\n"), key, err, sizeof(err)),
       "  with a newline, too");
}


static void
test_same_keys(void)
{
    char          err[256];
    pay_master_t  master;

    master = first;
    memcpy(master.previous, master.current, sizeof(master.previous));
    master.has_previous = true;

    OK(pay_vault_create(crypto, &master, err, sizeof(err)) == NULL,
       "a rotation to the same key is refused");
    OK(strstr(err, "equals the current") != NULL, "  and says so");

    pay_master_wipe(&master);
    OK(master.current[1] == 0 && master.previous[1] == 0,
       "wiped keys are gone");
}


int
main(void)
{
    char    err[256];
    size_t  i;

    crypto = pay_crypto_create(err, sizeof(err));

    for (i = 0; i < PAY_MASTER_KEY_SIZE; i++) {
        first.current[i] = (unsigned char) i;
        rotated.current[i] = (unsigned char) (i + 1);
        rotated.previous[i] = (unsigned char) i;
    }

    rotated.has_previous = true;

    test_seal_vectors();
    test_fingerprints();
    test_tamper();
    test_sizes();
    test_rotation();
    test_tokens();
    test_idempotency();
    test_key_file();
    test_same_keys();

    pay_vault_destroy(NULL);
    pay_crypto_destroy(crypto);

    return tap_done();
}

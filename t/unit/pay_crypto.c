/*
 * The toolbox: published vectors for each algorithm, and a pool of random
 * bytes that two processes never share.
 */

#include "../../ngx_module/pay/crypto_priv.h"

#include "pay_hex.h"

#include <sys/wait.h>
#include <unistd.h>


static pay_crypto_t  *crypto;


/* RFC 1321, FIPS 180-4. */

static void
test_digests(void)
{
    pay_str_t      abc[] = { PAY_STR("a"), PAY_STR(""), PAY_STR("bc") };
    unsigned char  out[PAY_SHA256_SIZE];

    OK(pay_md5_hex(crypto, abc, 3, out), "MD5 of abc in parts");
    EQ_MEM(out, PAY_MD5_HEX_SIZE, "900150983cd24fb0d6963f7d28e17f72", 32,
           "  as published");
    OK(pay_md5_hex(crypto, NULL, 0, out), "MD5 of nothing");
    EQ_MEM(out, PAY_MD5_HEX_SIZE, "d41d8cd98f00b204e9800998ecf8427e", 32,
           "  as published");

    OK(pay_sha256(crypto, abc, 3, out), "SHA-256 of abc in parts");
    hex_eq(out, sizeof(out), "ba7816bf8f01cfea414140de5dae2223"
           "b00361a396177a9cb410ff61f20015ad", "  as published");
}


/* RFC 4231, cases 1, 2 and 6 (a key longer than a block). */

static void
test_hmac(void)
{
    size_t         i, j, key_size;
    pay_str_t      data;
    pay_mac_t     *mac;
    unsigned char  key[HEX_SIZE_MAX], out[PAY_SHA256_SIZE];

    static const struct {
        const char  *key;
        const char  *data;
        const char  *mac;
    } cases[] = {
        { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There",
          "b0344c61d8db38535ca8afceaf0bf12b"
          "881dc200c9833da726e9376c2e32cff7" },
        { "4a656665", "what do ya want for nothing?",
          "5bdcc146bf60754e6a042426089575c7"
          "5a003f089d2739839dec58b964ec3843" },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaaa",
          "Test Using Larger Than Block-Size Key - Hash Key First",
          "60e431591ee0b67f0d8a26aacbf5b77f"
          "8e0bc6213728c5140546040f0ee37f54" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        hex_decode(cases[i].key, key, &key_size);
        data = pay_str(cases[i].data, strlen(cases[i].data));

        OK(pay_hmac_sha256(crypto, pay_str(key, key_size), &data, 1, out),
           "HMAC %zu", i);
        hex_eq(out, sizeof(out), cases[i].mac, "  as published");

        mac = pay_mac_create(crypto, pay_str(key, key_size));
        OK(mac != NULL, "  under a kept key");

        for (j = 0; j < 3; j++) {
            OK(pay_mac(mac, &data, 1, out), "  time %zu", j);
            hex_eq(out, sizeof(out), cases[i].mac, "  the same");
        }

        pay_mac_destroy(mac);
    }
}


/* McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16. */

static void
test_gcm(void)
{
    bool           altered;
    size_t         key_size, nonce_size, aad_size, size, i;
    pay_str_t      aad, cipher;
    pay_aead_t    *aead;
    unsigned char  key[HEX_SIZE_MAX], nonce[HEX_SIZE_MAX];
    unsigned char  aad_bytes[HEX_SIZE_MAX], plain[HEX_SIZE_MAX];
    unsigned char  out[HEX_SIZE_MAX], again[HEX_SIZE_MAX], tag[16];

    hex_decode("feffe9928665731c6d6a8f9467308308"
               "feffe9928665731c6d6a8f9467308308", key, &key_size);
    hex_decode("cafebabefacedbaddecaf888", nonce, &nonce_size);
    hex_decode("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad_bytes,
               &aad_size);
    hex_decode("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a31"
               "8a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
               plain, &size);

    aead = pay_aead_create(crypto, key);
    aad = pay_str(aad_bytes, aad_size);
    cipher = pay_str(out, size);

    OK(pay_aead_seal(aead, nonce, aad, pay_str(plain, size), out, tag),
       "AES-256-GCM seals");
    hex_eq(out, size, "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a"
           "2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f6"
           "62", "  the published text");
    hex_eq(tag, sizeof(tag), "76fc6ece0f4e1768cddf8853bb2d551b",
           "  and tag");

    OK(pay_aead_open(aead, nonce, aad, cipher, tag, again), "  it opens");
    EQ_MEM(again, size, plain, size, "  to the same text");

    altered = false;

    for (i = 0; i < 8 * sizeof(tag); i++) {
        tag[i / 8] ^= (unsigned char) (1 << i % 8);
        memset(again, 0xaa, sizeof(again));
        altered |= pay_aead_open(aead, nonce, aad, cipher, tag, again);
        altered |= again[0] != 0 || again[size - 1] != 0;
        tag[i / 8] ^= (unsigned char) (1 << i % 8);
    }

    OK(!altered, "  with no bit of the tag altered, and out is zeroed");
    OK(pay_aead_open(aead, nonce, aad, cipher, tag, again),
       "  a failure leaves the context usable");

    pay_aead_destroy(aead);
}


static void
test_equal(void)
{
    OK(pay_equal_secret(PAY_STR("abc"), PAY_STR("abc")), "equal");
    OK(!pay_equal_secret(PAY_STR("abc"), PAY_STR("abd")), "last byte");
    OK(!pay_equal_secret(PAY_STR("abc"), PAY_STR("bbc")), "first byte");
    OK(!pay_equal_secret(PAY_STR("abc"), PAY_STR("ab")), "shorter");
    OK(!pay_equal_secret(PAY_STR("0e12"), PAY_STR("0e34")),
       "no reading as numbers");
}


static void
test_random(void)
{
    size_t         i, same, zero;
    unsigned char  bytes[1000][16], large[PAY_RANDOM_SIZE_MAX];

    same = 0;
    zero = 0;

    for (i = 0; i < 1000; i++) {
        memset(bytes[i], 0, sizeof(bytes[i]));
        (void) pay_random(crypto, bytes[i], sizeof(bytes[i]));

        zero += memcmp(bytes[i], bytes[i] + 1, 15) == 0;
        same += i > 0 && memcmp(bytes[i], bytes[i - 1], 16) == 0;
    }

    EQ_INT(zero, 0, "a thousand draws over several fillings are bytes");
    EQ_INT(same, 0, "  and differ");

    memset(large, 0, sizeof(large));
    OK(pay_random(crypto, large, sizeof(large)), "the largest draw");
    OK(memcmp(large + 512, large, 512) != 0, "  is random to its end");
}


/* The child draws from the object that it inherited, which it should not;
 * it must get other bytes than its parent and its brother. */

static void
test_fork(void)
{
    int            i, fds[2], status;
    pid_t          pid;
    unsigned char  own[16], children[2][16];

    (void) pay_random(crypto, own, sizeof(own));

    for (i = 0; i < 2; i++) {
        if (pipe(fds) == -1 || (pid = fork()) == -1) {
            printf("Bail out! no process\n");
            exit(EXIT_FAILURE);
        }

        if (pid == 0) {
            (void) pay_random(crypto, own, sizeof(own));
            _exit(write(fds[1], own, sizeof(own)) == sizeof(own) ? 0 : 1);
        }

        EQ_INT(read(fds[0], children[i], 16), 16, "child %d draws", i);
        (void) waitpid(pid, &status, 0);
        (void) close(fds[0]);
        (void) close(fds[1]);
    }

    (void) pay_random(crypto, own, sizeof(own));

    OK(memcmp(children[0], children[1], 16) != 0, "children differ");
    OK(memcmp(children[0], own, 16) != 0, "child and parent differ");
}


int
main(void)
{
    char  err[256];

    crypto = pay_crypto_create(err, sizeof(err));

    if (!OK(crypto != NULL, "the toolbox opens")) {
        return tap_done();
    }

    test_digests();
    test_hmac();
    test_gcm();
    test_equal();
    test_random();
    test_fork();

    pay_crypto_destroy(crypto);
    pay_crypto_destroy(NULL);

    return tap_done();
}

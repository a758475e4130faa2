/*
 * Hashes of keys that buyers choose: contacts, networks, and digests of them
 * that anybody can compute.  Keyed with the region's secret, so that nobody
 * outside can tell which keys share a bucket or a set, and fill one of them.
 *
 * SipHash-1-3.  A hash is never kept outside of the region: the next region
 * has another secret, and its chains are made again from the keys.
 */

#include "fk_priv.h"


#define FK_HASH_ROTATE(x, n)  ((x) << (n) | (x) >> (64 - (n)))


typedef struct {
    uint64_t  a;
    uint64_t  b;
    uint64_t  c;
    uint64_t  d;
} fk_hash_t;


static inline fk_hash_t
fk_hash_round(fk_hash_t v)
{
    v.a += v.b;
    v.c += v.d;
    v.b = FK_HASH_ROTATE(v.b, 13) ^ v.a;
    v.d = FK_HASH_ROTATE(v.d, 16) ^ v.c;
    v.a = FK_HASH_ROTATE(v.a, 32);

    v.c += v.b;
    v.a += v.d;
    v.b = FK_HASH_ROTATE(v.b, 17) ^ v.c;
    v.d = FK_HASH_ROTATE(v.d, 21) ^ v.a;
    v.c = FK_HASH_ROTATE(v.c, 32);

    return v;
}


static inline fk_hash_t
fk_hash_word(fk_hash_t v, uint64_t word)
{
    v.d ^= word;
    v = fk_hash_round(v);
    v.a ^= word;

    return v;
}


uint64_t
fk_hash_secret(const fk_t *fk, const void *data, size_t size)
{
    size_t          left;
    uint64_t        word, key[2];
    fk_hash_t       v;
    const uint8_t  *p;

    memcpy(key, fk->region->seed, sizeof(key));

    v.a = key[0] ^ UINT64_C(0x736f6d6570736575);
    v.b = key[1] ^ UINT64_C(0x646f72616e646f6d);
    v.c = key[0] ^ UINT64_C(0x6c7967656e657261);
    v.d = key[1] ^ UINT64_C(0x7465646279746573);

    p = data;

    for (left = size; left >= sizeof(word); left -= sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        p += sizeof(word);
        v = fk_hash_word(v, word);
    }

    /* The rest, and the size: "a" is not "a\0". */
    word = 0;

    if (left != 0) {
        memcpy(&word, p, left);
    }

    v = fk_hash_word(v, word | (uint64_t) size << 56);

    v.c ^= 0xff;
    v = fk_hash_round(fk_hash_round(fk_hash_round(v)));

    return v.a ^ v.b ^ v.c ^ v.d;
}

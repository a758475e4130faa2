/*
 * A set-associative table of digests, the newest of a set first.
 */

#include "memo.h"

#include <stdlib.h>
#include <string.h>


typedef struct {
    unsigned char  digest[PAY_MEMO_WAYS][PAY_SHA256_SIZE];
} memo_set_t;

struct pay_memo_s {
    memo_set_t  set[PAY_MEMO_SETS];
};


static size_t memo_set(const unsigned char digest[PAY_SHA256_SIZE]);


pay_memo_t *
pay_memo_create(void)
{
    return calloc(1, sizeof(pay_memo_t));
}


void
pay_memo_destroy(pay_memo_t *memo)
{
    free(memo);
}


static size_t
memo_set(const unsigned char digest[PAY_SHA256_SIZE])
{
    return (digest[0] | (size_t) digest[1] << 8) % PAY_MEMO_SETS;
}


/* A place that was never used holds zeroes, and nobody knows what has that
 * for its digest. */

bool
pay_memo_has(const pay_memo_t *memo,
    const unsigned char digest[PAY_SHA256_SIZE])
{
    size_t             i;
    const memo_set_t  *set;

    set = &memo->set[memo_set(digest)];

    for (i = 0; i < PAY_MEMO_WAYS; i++) {
        if (memcmp(set->digest[i], digest, PAY_SHA256_SIZE) == 0) {
            return true;
        }
    }

    return false;
}


void
pay_memo_add(pay_memo_t *memo, const unsigned char digest[PAY_SHA256_SIZE])
{
    memo_set_t  *set;

    set = &memo->set[memo_set(digest)];

    memmove(set->digest[1], set->digest[0],
            (PAY_MEMO_WAYS - 1) * PAY_SHA256_SIZE);
    memcpy(set->digest[0], digest, PAY_SHA256_SIZE);
}

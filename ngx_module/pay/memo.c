/*
 * A set-associative table of proved notices, the newest of a set first.
 */

#include "memo.h"

#include <stdlib.h>
#include <string.h>


typedef struct {
    pay_verdict_e  verdict;
    pay_fact_t     fact;
} memo_proof_t;

/* The digests lie together: a look for what is not there reads them alone. */

typedef struct {
    unsigned char  digest[PAY_MEMO_WAYS][PAY_SHA256_SIZE];
    memo_proof_t   proof[PAY_MEMO_WAYS];
} memo_set_t;

struct pay_memo_s {
    memo_set_t  set[PAY_MEMO_SETS];
};


static bool memo_digest(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_notice_t *notice, unsigned char digest[PAY_SHA256_SIZE]);
static const memo_proof_t *memo_find(const memo_set_t *set,
    const unsigned char digest[PAY_SHA256_SIZE]);
static void memo_add(memo_set_t *set,
    const unsigned char digest[PAY_SHA256_SIZE], pay_verdict_e verdict,
    const pay_fact_t *fact);


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


pay_verdict_e
pay_memo_verify(pay_memo_t *memo, pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_notice_t *notice,
    pay_fact_t *fact)
{
    memo_set_t            *set;
    pay_verdict_e          verdict;
    unsigned char          digest[PAY_SHA256_SIZE];
    const memo_proof_t    *proof;
    const pay_protocol_t  *protocol;

    protocol = channel->protocol;

    /* What no form can be is refused for less than its digest. */

    if (!protocol->remembered || notice->body.size > PAY_FORM_INPUT_SIZE_MAX
        || !memo_digest(crypto, channel, notice, digest))
    {
        return protocol->verify(crypto, channel, notice, fact);
    }

    set = &memo->set[(digest[0] | (size_t) digest[1] << 8) % PAY_MEMO_SETS];
    proof = memo_find(set, digest);

    if (proof != NULL) {
        *fact = proof->fact;
        return proof->verdict;
    }

    verdict = protocol->verify(crypto, channel, notice, fact);

    if (pay_verdict_acknowledged(verdict)) {
        memo_add(set, digest, verdict, fact);
    }

    return verdict;
}


/* The query's size first, so that no two notices are one text. */

static bool
memo_digest(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_notice_t *notice, unsigned char digest[PAY_SHA256_SIZE])
{
    const uint64_t  head[] = {
        (uintptr_t) channel, notice->method, notice->query.size
    };

    const pay_str_t  parts[] = {
        pay_str(head, sizeof(head)), notice->query, notice->body
    };

    return pay_sha256(crypto, parts, sizeof(parts) / sizeof(parts[0]),
                      digest);
}


/* A place that was never used holds zeroes, and nobody knows what has that
 * for its digest. */

static const memo_proof_t *
memo_find(const memo_set_t *set, const unsigned char digest[PAY_SHA256_SIZE])
{
    size_t  i;

    for (i = 0; i < PAY_MEMO_WAYS; i++) {
        if (memcmp(set->digest[i], digest, PAY_SHA256_SIZE) == 0) {
            return &set->proof[i];
        }
    }

    return NULL;
}


static void
memo_add(memo_set_t *set, const unsigned char digest[PAY_SHA256_SIZE],
    pay_verdict_e verdict, const pay_fact_t *fact)
{
    memmove(set->digest[1], set->digest[0],
            (PAY_MEMO_WAYS - 1) * sizeof(set->digest[0]));
    memmove(&set->proof[1], &set->proof[0],
            (PAY_MEMO_WAYS - 1) * sizeof(set->proof[0]));

    memcpy(set->digest[0], digest, PAY_SHA256_SIZE);
    set->proof[0].verdict = verdict;
    set->proof[0].fact = *fact;
}

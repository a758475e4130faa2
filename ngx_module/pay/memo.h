/*
 * What a key has verified, remembered, so that the same bytes are not worked
 * out again: gateways repeat a notice until they hear that it has arrived,
 * in a storm all of them at once, and anybody can repeat one that he has
 * seen.
 *
 * Only what was found good is remembered, under SHA-256 of all that was
 * judged; so a memo cannot make good what is not, and what is forged cannot
 * push out what is genuine.  It forgets the oldest of PAY_MEMO_WAYS when a
 * set is full.
 *
 * Of one process and one thread, as the key that it belongs to.  The memory
 * of an unused memo costs nothing: the kernel gives pages as they are
 * written, after the fork to each worker its own.
 */

#ifndef FAKA_PAY_MEMO_H_INCLUDED_
#define FAKA_PAY_MEMO_H_INCLUDED_


#include "crypto.h"


/* 32,768 digests, 1 MiB. */
#define PAY_MEMO_SETS  8192
#define PAY_MEMO_WAYS  4


typedef struct pay_memo_s  pay_memo_t;


/* NULL: out of memory.  Destroy takes NULL. */

pay_memo_t *pay_memo_create(void);
void pay_memo_destroy(pay_memo_t *memo);

/* digest is of SHA-256, for its bytes are taken as evenly spread. */

bool pay_memo_has(const pay_memo_t *memo,
    const unsigned char digest[PAY_SHA256_SIZE]);
void pay_memo_add(pay_memo_t *memo,
    const unsigned char digest[PAY_SHA256_SIZE]);


#endif /* FAKA_PAY_MEMO_H_INCLUDED_ */

/*
 * Notices that were proved, remembered: gateways repeat one until they hear
 * that it has arrived, in a storm all of them at once, and anybody can repeat
 * one that he has seen.  The same bytes then cost a digest and no signature.
 *
 * Only for protocols whose verdict hangs on the channel and on the notice's
 * method, query and body alone: no clock, no header (pay_protocol_t,
 * "remembered").  Only what was acknowledged is remembered, under SHA-256 of
 * all that was judged; so a memo cannot make good what is not, and nobody
 * fills it who has no genuine notice.  One that is written in another way (its
 * order, its escapes) is verified anew.  The oldest of PAY_MEMO_WAYS is
 * forgotten when a set is full.
 *
 * Of one process and one thread.  The memory of what is unused costs nothing:
 * the kernel gives pages as they are written.
 */

#ifndef FAKA_PAY_MEMO_H_INCLUDED_
#define FAKA_PAY_MEMO_H_INCLUDED_


#include "pay.h"


/* 32,768 notices, 11 MiB when all are used; of 15,000 that are repeated in
 * turn one of 200 has been forgotten, and one of 9 with four ways. */
#define PAY_MEMO_SETS  2048
#define PAY_MEMO_WAYS  16


typedef struct pay_memo_s  pay_memo_t;


/* NULL: out of memory.  Destroy takes NULL. */

pay_memo_t *pay_memo_create(void);
void pay_memo_destroy(pay_memo_t *memo);

/* What the channel's verify() says, by it or by the memo. */

pay_verdict_e pay_memo_verify(pay_memo_t *memo, pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_notice_t *notice,
    pay_fact_t *fact);


#endif /* FAKA_PAY_MEMO_H_INCLUDED_ */

/*
 * What the files of epusdt's JSON forms share.  Private to usdt*.c.
 */

#ifndef FAKA_PAY_USDT_PRIV_H_INCLUDED_
#define FAKA_PAY_USDT_PRIV_H_INCLUDED_


#include "asking.h"
#include "canonical.h"
#include "members.h"
#include "notice.h"


#define USDT_ORDER_NO_SIZE_MAX  32


/* A dialect: one row of the table of protocols, in its own. */

typedef struct {
    const char  *create_path;
    const char  *close_path;           /* NULL: it cannot */
    bool         has_pid;              /* and "hash" says how it is signed */
    bool         has_chain;            /* type is TOKEN.NETWORK, two fields */
} usdt_dialect_t;

const usdt_dialect_t *usdt_dialect(const pay_channel_t *channel);

/* How this channel's requests and notices are signed. */

const pay_hash_t *usdt_hash(const pay_channel_t *channel);


extern const pay_canonical_rules_t  usdt_rules;

/* The functions of the protocols' rows. */

pay_verdict_e usdt_verify(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_notice_t *notice, pay_fact_t *fact);
bool usdt_ask(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, unsigned char *buffer,
    pay_request_t *request);
void usdt_answer(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, const pay_reply_t *reply,
    pay_answer_t *answer);


#endif /* FAKA_PAY_USDT_PRIV_H_INCLUDED_ */

/*
 * What the files of Stripe share.  Private to stripe*.c.
 */

#ifndef FAKA_PAY_STRIPE_PRIV_H_INCLUDED_
#define FAKA_PAY_STRIPE_PRIV_H_INCLUDED_


#include "json.h"
#include "notice.h"


/* Objects of Stripe's are large, and a list of refunds is many of them. */

#define STRIPE_TOKEN_COUNT   4096
#define STRIPE_REFUNDS_MAX   "30"     /* of a payment; fit into a reply */

/* What an order is called in the metadata of a payment, and a refund in that
 * of a refund. */

#define STRIPE_META_ORDER    "order"
#define STRIPE_META_REFUND   "refund"


/* The functions of the protocol's row. */

pay_verdict_e stripe_verify(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_notice_t *notice,
    pay_fact_t *fact);
bool stripe_ask(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, unsigned char *buffer,
    pay_request_t *request);
void stripe_answer(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, const pay_reply_t *reply,
    pay_answer_t *answer);


/* Is money at stake on this channel?  What a key of the other kind made is
 * not ours. */

bool stripe_is_live(const pay_channel_t *channel);

/*
 * What a session says that was paid for an order: PAY_PAID and fact, or the
 * refusal.  Whether it was paid is not looked at.
 */

pay_verdict_e stripe_session(const pay_channel_t *channel,
    const pay_json_token_t *session, pay_fact_t *fact);

/* Is this object of our kind: livemode as it must be? */

bool stripe_is_ours(const pay_channel_t *channel,
    const pay_json_token_t *object);

/* A member that is a plain id with the characters of extra besides; text is
 * terminated, and has size_max bytes and one more. */

bool stripe_id(const pay_json_token_t *object, const char *name,
    const char *extra, char *text, size_t size_max);

/* An amount with its currency, in our spelling; currency is terminated. */

bool stripe_amount(const pay_json_token_t *object, const char *name,
    int64_t *amount, char currency[PAY_CURRENCY_SIZE + 1]);


#endif /* FAKA_PAY_STRIPE_PRIV_H_INCLUDED_ */

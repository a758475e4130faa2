/*
 * What the files of EPay share.  Private to epay*.c.
 */

#ifndef FAKA_PAY_EPAY_PRIV_H_INCLUDED_
#define FAKA_PAY_EPAY_PRIV_H_INCLUDED_


#include "base64.h"
#include "canonical.h"
#include "notice.h"


#define EPAY_WINDOW_S       300        /* of V2, both ways */
#define EPAY_SIGN_SIZE_MAX  PAY_BASE64_SIZE(PAY_RSA_SIGNATURE_SIZE_MAX)


/* A dialect: one row of the table of protocols, in its own. */

typedef struct {
    const char  *submit_path;
    const char  *sign_type;            /* MD5, RSA */
    bool         is_rsa;               /* V2: RSA keys, a timestamp */
    bool         sends_currency;       /* epusdt: else it takes its own */
    bool         numeric_pid;
    const char  *type_extra;           /* in a type, beside ids' characters */
    const char  *type_example;
} epay_dialect_t;

const epay_dialect_t *epay_dialect(const pay_channel_t *channel);


extern const pay_canonical_rules_t  epay_rules;

/* The signature of a request of ours, as text.  false: OpenSSL failed. */

bool epay_sign(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_canonical_t *text, char out[EPAY_SIGN_SIZE_MAX], size_t *size);

/* Of a notice: PAY_PAID if sign is right, by the current key or the previous
 * one; else the refusal. */

pay_verdict_e epay_sign_check(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_canonical_t *text,
    pay_str_t sign);

/* Is this text a time within EPAY_WINDOW_S of now? */

bool epay_in_time(pay_str_t timestamp, int64_t now_s);


/* The functions of the protocol's rows. */

pay_verdict_e epay_verify(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_notice_t *notice, pay_fact_t *fact);
bool epay_ask(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, unsigned char *buffer,
    pay_request_t *request);
void epay_answer(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, const pay_reply_t *reply,
    pay_answer_t *answer);


#endif /* FAKA_PAY_EPAY_PRIV_H_INCLUDED_ */

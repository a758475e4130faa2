/*
 * What the files of WeChat Pay share.  Private to wechat*.c.
 */

#ifndef FAKA_PAY_WECHAT_PRIV_H_INCLUDED_
#define FAKA_PAY_WECHAT_PRIV_H_INCLUDED_


#include "json.h"
#include "notice.h"


#define WECHAT_SCHEME             "WECHATPAY2-SHA256-RSA2048"
#define WECHAT_PATH               "/v3/pay/transactions"
#define WECHAT_REFUND_PATH        "/v3/refund/domestic/refunds"
#define WECHAT_KEY_SIZE           PAY_GCM_KEY_SIZE
#define WECHAT_ORDER_NO_SIZE_MIN  6
#define WECHAT_ORDER_NO_SIZE_MAX  32
#define WECHAT_TOKEN_COUNT        512
#define WECHAT_NONCE_SIZE         32     /* of ours, in hex */


/* The functions of the protocol's row. */

pay_verdict_e wechat_verify(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_notice_t *notice,
    pay_fact_t *fact);
bool wechat_ask(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, unsigned char *buffer,
    pay_request_t *request);
void wechat_answer(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, const pay_reply_t *reply,
    pay_answer_t *answer);


/* An order number that WeChat takes and that can stand in a path. */

bool wechat_is_order_no(pay_str_t order_no);

/* The same serial number?  Some print it without the zeros in front. */

bool wechat_same_serial(pay_str_t a, pay_str_t b);


/* --- signatures ---------------------------------------------------------- */

/*
 * Are headers and body by WeChat, and of now?  For notices and replies alike.
 * PAY_PAID: yes; else *field is the header at fault.
 */

pay_verdict_e wechat_proof(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_header_t *headers,
    size_t header_count, pay_str_t body, int64_t now_s, const char **field);

/* Our signature of a request, in base64. */

bool wechat_sign(pay_crypto_t *crypto, const pay_channel_t *channel,
    pay_str_t method, pay_str_t target, pay_str_t timestamp, pay_str_t nonce,
    pay_str_t body, char *sign, size_t *size);

#define WECHAT_SIGN_SIZE_MAX  ((PAY_RSA_SIGNATURE_SIZE_MAX + 2) / 3 * 4)


/* --- what is told of payments -------------------------------------------- */

/*
 * What an object of a transaction says, as a notice has it sealed and the
 * answer to a query plainly: a verdict and, beside those that a notice
 * acknowledges, the answer.  PAY_NOT_PAID: fact has the order's number alone.
 */

pay_verdict_e wechat_transaction(const pay_channel_t *channel,
    const pay_json_token_t *transaction, pay_fact_t *fact,
    pay_answer_e *answer);

/* A member that is a plain id (pay_is_plain_id()); text is terminated, and
 * has size_max bytes and one more. */

bool wechat_id(const pay_json_token_t *object, const char *name,
    const char *extra, char *text, size_t size_max);

/* A member that is exactly this text. */

bool wechat_says(const pay_json_token_t *object, const char *name,
    pay_str_t text);


#endif /* FAKA_PAY_WECHAT_PRIV_H_INCLUDED_ */

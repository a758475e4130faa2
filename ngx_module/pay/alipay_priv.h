/*
 * What the files of Alipay share.  Private to alipay*.c.
 */

#ifndef FAKA_PAY_ALIPAY_PRIV_H_INCLUDED_
#define FAKA_PAY_ALIPAY_PRIV_H_INCLUDED_


#include "asking.h"
#include "base64.h"
#include "canonical.h"
#include "notice.h"
#include "url.h"


#define ALIPAY_SIGN_TYPE  "RSA2"       /* SHA256; "RSA" would be SHA-1 */
#define ALIPAY_BIZ_SIZE   512
#define ALIPAY_TIME_SIZE  32


/* What "type" says: a page or a call. */

typedef struct {
    const char  *type;                 /* as in "type page;" */
    const char  *method;
    const char  *product_code;
    bool         is_call;              /* and answered with a QR code */
} alipay_product_t;

const alipay_product_t *alipay_product(const pay_channel_t *channel);


/* The texts of one request that are made for it. */

typedef struct {
    char  timestamp[ALIPAY_TIME_SIZE];
    char  biz[ALIPAY_BIZ_SIZE];        /* an object: what it is about */
} alipay_texts_t;

/* That of a payment.  false: it does not fit. */

bool alipay_start_biz(const pay_channel_t *channel, pay_str_t order_no,
    const char *money, int64_t now_s, int64_t expires_s, char *biz);

/* In China's time. */

void alipay_time(char text[ALIPAY_TIME_SIZE], int64_t at_s);

/* The fields of a request of this method; an empty URL is none. */

void alipay_fill(pay_form_t *form, const pay_channel_t *channel,
    const char *method, const alipay_texts_t *texts, pay_str_t notify_url,
    pay_str_t return_url);

/* The signature over form, in base64.  false: OpenSSL failed. */

bool alipay_sign(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_form_t *form,
    char sign[PAY_BASE64_SIZE(PAY_RSA_SIGNATURE_SIZE_MAX)], size_t *size);


/* The method by which this is asked. */

const char *alipay_method(pay_ask_e what);

/* The object of this name in a reply (alipay_trade_query_response), if it is
 * signed by Alipay; else NULL. */

const pay_json_token_t *alipay_proved(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_json_token_t *reply,
    const char *name);


/* The functions of the protocol's row. */

bool alipay_load(pay_channel_t *channel, int64_t now_s, char *err,
    size_t err_size);
bool alipay_ask(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, unsigned char *buffer,
    pay_request_t *request);
void alipay_answer(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, const pay_reply_t *reply,
    pay_answer_t *answer);

pay_verdict_e alipay_verify(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_notice_t *notice,
    pay_fact_t *fact);


#endif /* FAKA_PAY_ALIPAY_PRIV_H_INCLUDED_ */

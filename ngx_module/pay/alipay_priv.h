/*
 * What the files of Alipay share.  Private to alipay*.c.
 */

#ifndef FAKA_PAY_ALIPAY_PRIV_H_INCLUDED_
#define FAKA_PAY_ALIPAY_PRIV_H_INCLUDED_


#include "canonical.h"
#include "notice.h"


#define ALIPAY_SIGN_TYPE  "RSA2"       /* SHA256; "RSA" would be SHA-1 */


/* The verify() of the protocol's row. */

pay_verdict_e alipay_verify(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_notice_t *notice,
    pay_fact_t *fact);


#endif /* FAKA_PAY_ALIPAY_PRIV_H_INCLUDED_ */

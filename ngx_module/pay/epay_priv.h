/*
 * What the files of EPay V1 share.  Private to epay*.c.
 */

#ifndef FAKA_PAY_EPAY_PRIV_H_INCLUDED_
#define FAKA_PAY_EPAY_PRIV_H_INCLUDED_


#include "pay.h"


#define EPAY_ALGORITHM  "MD5"


/* The string that is signed, without the key.  Decoded text never outgrows
 * the form that it came in, so the largest form fits. */

typedef struct {
    unsigned char  data[PAY_FORM_INPUT_SIZE_MAX];
    size_t         size;
} epay_canonical_t;


void epay_canonical(epay_canonical_t *text, const pay_form_t *form);

/* false: OpenSSL failed. */

bool epay_sign(pay_crypto_t *crypto, const epay_canonical_t *text,
    pay_str_t key, unsigned char out[PAY_MD5_HEX_SIZE]);

/* The verify() of the protocol's row. */

pay_verdict_e epay_verify(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_notice_t *notice, pay_fact_t *fact);


#endif /* FAKA_PAY_EPAY_PRIV_H_INCLUDED_ */

/*
 * What the judges of form-based notices share.  Private to the protocols.
 */

#ifndef FAKA_PAY_NOTICE_H_INCLUDED_
#define FAKA_PAY_NOTICE_H_INCLUDED_


#include "pay.h"


/*
 * The form out of the one carrier that belongs to the method.  buffer has
 * PAY_FORM_INPUT_SIZE_MAX bytes and outlives form.  false: *refusal says why,
 * and fact->field which field.
 */

bool pay_notice_form(const pay_channel_t *channel,
    const pay_notice_t *notice, pay_form_t *form, unsigned char *buffer,
    pay_fact_t *fact, pay_verdict_e *refusal);

/* Empty if absent: to these protocols the two are the same. */

pay_str_t pay_notice_value(const pay_form_t *form, const char *name);

/*
 * The numbers of the order and of the trade (out_trade_no, trade_no) and the
 * sum in the field of this name, into fact.  PAY_PAID: all are good;
 * PAY_ODD_AMOUNT: the sum is not a whole number of minor units; or the
 * refusal, and fact has nothing but the field's name.
 */

pay_verdict_e pay_notice_numbers(const pay_channel_t *channel,
    const pay_form_t *form, const char *amount_name, pay_fact_t *fact);

/*
 * The same out of values that were found by other means; is_minor: amount
 * counts minor units.  The same verdicts, and fact->field is not set.  fact is
 * zero before, and after a refusal.
 */

pay_verdict_e pay_fact_fill(const pay_channel_t *channel, pay_str_t order_no,
    pay_str_t trade_no, pay_str_t amount, bool is_minor, pay_fact_t *fact);

/*
 * The name of a field whose value could be split into fields of a notice:
 * it holds "&out_trade_no=" or the like.  NULL: there is none.
 *
 * Values are not escaped in the string that is signed, and a payer may have
 * a word in one of the gateway's own (a buyer's name).  So he could have the
 * gateway sign what, split elsewhere, is a notice for another order; the true
 * fields then stand in the value of one that he made up.  And whoever sees a
 * notice of a refund could hide in a value that it is one.
 */

const char *pay_notice_ambiguous(const pay_form_t *form);

/* Is "&name=" in a value? */

bool pay_notice_holds(const pay_form_t *form, const char *name);

/*
 * PAY_PAID: sign, in strict base64, is the signature of text by one of the
 * gateway's public keys, or those of its certificates; else PAY_SIGNATURE.
 */

pay_verdict_e pay_notice_rsa(pay_crypto_t *crypto,
    const pay_channel_t *channel, pay_str_t text, pay_str_t sign);

/* Sets the field that the verdict is about, and returns the verdict. */

pay_verdict_e pay_notice_about(pay_fact_t *fact, const char *field,
    pay_verdict_e verdict);


#endif /* FAKA_PAY_NOTICE_H_INCLUDED_ */

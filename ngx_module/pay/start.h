/*
 * What the protocols share when they start a payment.  Private to them.
 */

#ifndef FAKA_PAY_START_H_INCLUDED_
#define FAKA_PAY_START_H_INCLUDED_


#include "pay.h"


/*
 * Whatever passes here can be signed: no value holds "&" or "=".  The order's
 * number may have the characters of extra besides those of an id.  money gets
 * the amount as decimal text.
 */

pay_start_code_e pay_start_check(const pay_channel_t *channel,
    const pay_start_t *start, const char *extra,
    char money[PAY_MONEY_TEXT_SIZE_MAX]);

/* Adds a field to a request; an empty value adds none.  value has no "&" and
 * no "=" (asserted) and outlives form. */

void pay_start_field(pay_form_t *form, const char *name, pay_str_t value);


#endif /* FAKA_PAY_START_H_INCLUDED_ */

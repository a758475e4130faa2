/*
 * What the files of the configured protocol share.  Private to custom*.c.
 */

#ifndef FAKA_PAY_CUSTOM_PRIV_H_INCLUDED_
#define FAKA_PAY_CUSTOM_PRIV_H_INCLUDED_


#include "canonical.h"
#include "custom.h"
#include "notice.h"


/* Of all our order numbers, where values stand side by side. */

#define CUSTOM_ORDER_NO_SIZE  26


/* The constant that is sent under this name, or NULL. */

const char *custom_constant(const pay_custom_t *custom, const char *name);

/* false: notices whose string could be cut apart in two ways. */

bool custom_list_check(const pay_channel_t *channel, char *err,
    size_t err_size);

/* The string over form by list. */

void custom_string(const pay_custom_t *custom, const pay_custom_list_t *list,
    const pay_form_t *form, pay_canonical_t *text);

/* Could this string of values side by side, one that we sign, be a notice's?
 * Always false where either has names in it. */

bool custom_is_notice(const pay_channel_t *channel,
    const pay_canonical_t *text);

/* NULL: what form has for the list of notices can be cut apart in one way
 * only; else the name of the field that is not as it must be. */

const char *custom_unlike_notice(const pay_channel_t *channel,
    const pay_form_t *form);

/* The verify() of the protocol's row. */

pay_verdict_e custom_verify(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_notice_t *notice,
    pay_fact_t *fact);


#endif /* FAKA_PAY_CUSTOM_PRIV_H_INCLUDED_ */

/*
 * What the protocols share when they start a payment.
 */

#include "start.h"

#include <assert.h>


/*
 * Ids and URLs have alphabets without "&" and "="; that the amount survives
 * the way back is tried at once, for what cannot be read again in the notice
 * could never be credited.
 */

pay_start_code_e
pay_start_check(const pay_channel_t *channel, const pay_start_t *start,
    const char *extra, char money[PAY_MONEY_TEXT_SIZE_MAX])
{
    int      exponent;
    int64_t  again;
    size_t   size;

    if (!pay_is_plain_id(start->order_no, PAY_ORDER_NO_SIZE_MAX, extra)) {
        return PAY_START_ORDER_NO;
    }

    if (strcmp(start->currency, channel->currency) != 0) {
        return PAY_START_CURRENCY;
    }

    exponent = pay_currency_exponent(pay_str(channel->currency,
                                             PAY_CURRENCY_SIZE));
    assert(exponent >= 0);

    /* What costs nothing needs no gateway. */

    if (start->amount <= 0) {
        return PAY_START_AMOUNT;
    }

    size = pay_money_format(start->amount, exponent, money,
                            PAY_MONEY_TEXT_SIZE_MAX);

    if (pay_money_parse(pay_str(money, size), exponent, &again)
        != PAY_MONEY_OK)
    {
        return PAY_START_AMOUNT;
    }

    assert(again == start->amount);

    if (!pay_is_plain_url(start->notify_url, PAY_BASE_URL_SIZE_MAX)
        || !pay_is_plain_url(start->return_url, PAY_BASE_URL_SIZE_MAX))
    {
        return PAY_START_URL;
    }

    return PAY_START_OK;
}


void
pay_start_field(pay_form_t *form, const char *name, pay_str_t value)
{
    pay_field_t  *field;

    assert(form->field_count < PAY_FORM_FIELD_COUNT_MAX);

    if (value.size == 0) {
        return;
    }

    /* pay_start_check() and the configuration have seen to it; a value that
     * gets here by another way must not be signed. */

    assert(memchr(value.data, '&', value.size) == NULL);
    assert(memchr(value.data, '=', value.size) == NULL);

    field = &form->fields[form->field_count++];
    field->name = pay_text(name);
    field->value = value;
}

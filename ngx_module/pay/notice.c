/*
 * What the judges of form-based notices share.
 */

#include "notice.h"

#include "base64.h"

#include <assert.h>


static bool holds_field(pay_str_t value, pay_str_t name);


bool
pay_notice_form(const pay_channel_t *channel, const pay_notice_t *notice,
    pay_form_t *form, unsigned char *buffer, pay_fact_t *fact,
    pay_verdict_e *refusal)
{
    pay_str_t        input, other, offender;
    pay_form_code_e  code;

    if ((notice->method & pay_channel_methods(channel)) == 0) {
        *refusal = PAY_METHOD;
        return false;
    }

    input = notice->query;
    other = notice->body;

    if (notice->method == PAY_METHOD_POST) {
        input = notice->body;
        other = notice->query;
    }

    /* Two carriers could say two things; no gateway uses both. */

    if (other.size != 0) {
        *refusal = PAY_MALFORMED;
        return false;
    }

    code = pay_form_parse(form, input, PAY_FORM_BYTES, buffer,
                          PAY_FORM_INPUT_SIZE_MAX, &offender);

    if (code != PAY_FORM_OK) {
        assert(offender.size < sizeof(fact->field));

        if (offender.size > 0) {
            memcpy(fact->field, offender.data, offender.size);
        }

        *refusal = code == PAY_FORM_DUPLICATE ? PAY_DUPLICATE : PAY_MALFORMED;
        return false;
    }

    return true;
}


pay_str_t
pay_notice_value(const pay_form_t *form, const char *name)
{
    const pay_field_t  *field;

    field = pay_form_find(form, name);

    return field != NULL ? field->value : pay_str(NULL, 0);
}


pay_verdict_e
pay_notice_numbers(const pay_channel_t *channel, const pay_form_t *form,
    const char *amount_name, pay_fact_t *fact)
{
    pay_verdict_e  verdict;

    verdict = pay_fact_fill(channel, pay_notice_value(form, "out_trade_no"),
                            pay_notice_value(form, "trade_no"),
                            pay_notice_value(form, amount_name), false, fact);

    switch (verdict) {

    case PAY_ORDER_NO:
        return pay_notice_about(fact, "out_trade_no", verdict);

    case PAY_TRADE_NO:
        return pay_notice_about(fact, "trade_no", verdict);

    case PAY_AMOUNT:
    case PAY_ODD_AMOUNT:
        return pay_notice_about(fact, amount_name, verdict);

    default:
        return verdict;
    }
}


pay_verdict_e
pay_fact_fill(const pay_channel_t *channel, pay_str_t order_no,
    pay_str_t trade_no, pay_str_t amount, bool is_minor, pay_fact_t *fact)
{
    int               exponent;
    int64_t           sum;
    pay_money_code_e  money_code;

    if (!pay_is_plain_id(order_no, PAY_ORDER_NO_SIZE_MAX, ".|")) {
        return PAY_ORDER_NO;
    }

    if (!pay_is_plain_id(trade_no, PAY_TRADE_NO_SIZE_MAX, ".|")) {
        return PAY_TRADE_NO;
    }

    exponent = pay_currency_exponent(pay_str(channel->currency,
                                             PAY_CURRENCY_SIZE));
    money_code = pay_money_parse(amount, is_minor ? 0 : exponent, &sum);

    if (money_code == PAY_MONEY_MALFORMED) {
        return PAY_AMOUNT;
    }

    /* Neither is empty: that would be no plain id. */
    assert(order_no.data != NULL && trade_no.data != NULL);

    memcpy(fact->order_no, order_no.data, order_no.size);
    memcpy(fact->trade_no, trade_no.data, trade_no.size);
    memcpy(fact->currency, channel->currency, PAY_CURRENCY_SIZE);
    fact->amount = sum;

    return money_code == PAY_MONEY_OK ? PAY_PAID : PAY_ODD_AMOUNT;
}


const char *
pay_notice_ambiguous(const pay_form_t *form)
{
    size_t  i;

    static const char *const  names[] = {
        "out_trade_no", "trade_no", "money", "total_amount", "trade_status",

        /* of Alipay, and a payment is without them */
        "gmt_refund", "refund_fee"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (pay_notice_holds(form, names[i])) {
            return names[i];
        }
    }

    return NULL;
}


bool
pay_notice_holds(const pay_form_t *form, const char *name)
{
    size_t  i;

    for (i = 0; i < form->field_count; i++) {
        if (holds_field(form->fields[i].value, pay_text(name))) {
            return true;
        }
    }

    return false;
}


/* "&name=", anywhere. */

static bool
holds_field(pay_str_t value, pay_str_t name)
{
    const unsigned char  *amp;

    while (value.size >= name.size + 2) {
        amp = memchr(value.data, '&', value.size - name.size - 1);

        if (amp == NULL) {
            return false;
        }

        if (memcmp(amp + 1, name.data, name.size) == 0
            && amp[1 + name.size] == '=')
        {
            return true;
        }

        value.size -= (size_t) (amp + 1 - value.data);
        value.data = amp + 1;
    }

    return false;
}


pay_verdict_e
pay_notice_rsa(pay_crypto_t *crypto, const pay_channel_t *channel,
    pay_str_t text, pay_str_t sign)
{
    size_t         i, size;
    unsigned char  raw[PAY_RSA_SIGNATURE_SIZE_MAX];

    const pay_rsa_t  *keys[] = {
        channel->public_key, channel->public_key_previous,
        channel->certificates[0].key, channel->certificates[1].key
    };

    /* A channel without one is never routed. */
    assert(channel->public_key != NULL
           || channel->certificates[0].key != NULL);

    if (!pay_base64_decode(sign, raw, sizeof(raw), &size)) {
        return PAY_SIGNATURE;
    }

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (keys[i] != NULL
            && pay_rsa_verify(crypto, keys[i], &text, 1, pay_str(raw, size)))
        {
            return PAY_PAID;
        }
    }

    return PAY_SIGNATURE;
}


pay_verdict_e
pay_notice_about(pay_fact_t *fact, const char *field, pay_verdict_e verdict)
{
    size_t  size;

    size = strlen(field);
    assert(size < sizeof(fact->field));

    memcpy(fact->field, field, size + 1);

    return verdict;
}

/*
 * EPay V1: what a notice proves.
 *
 * A ladder: carrier, form, algorithm, signature, and only then what the
 * fields say.  Nothing of a notice is believed, reported or looked up before
 * its signature is right.
 *
 * A right signature is not enough, for request and notice share the key and
 * the canonical form: the buyer sees our own signed request, and could send
 * it here.  So the fields that only a notice has must be there, and the
 * names that only a request has must not.
 *
 * A notice has no time and no nonce: replay is stopped by the order's state
 * and by the trade number, outside this folder.
 */

#include "epay_priv.h"

#include <assert.h>


#define STATUS_PAID  "TRADE_SUCCESS"


static bool parse_carrier(const pay_channel_t *channel,
    const pay_notice_t *notice, pay_form_t *form, unsigned char *buffer,
    size_t buffer_size, pay_fact_t *fact, pay_verdict_e *refusal);
static bool check_signature(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_form_t *form,
    pay_verdict_e *refusal);
static pay_verdict_e read_fields(const pay_channel_t *channel,
    const pay_form_t *form, pay_fact_t *fact);
static pay_str_t value_of(const pay_form_t *form, const char *name);
static pay_verdict_e about(pay_fact_t *fact, const char *field,
    pay_verdict_e verdict);


/* Names that a request carries and a notice never does. */

static const char *const  request_names[] = {
    "notify_url", "return_url", "clientip", "device"
};


pay_verdict_e
epay_verify(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_notice_t *notice, pay_fact_t *fact)
{
    size_t         i;
    pay_form_t     form;
    pay_verdict_e  refusal;
    unsigned char  buffer[PAY_FORM_INPUT_SIZE_MAX];

    memset(fact, 0, sizeof(pay_fact_t));

    if (!parse_carrier(channel, notice, &form, buffer, sizeof(buffer), fact,
                       &refusal))
    {
        return refusal;
    }

    /* The algorithm is MD5 because the channel says EPay V1.  sign_type is
     * outside the signature and proves nothing: it may be absent, but a
     * notice that names another algorithm is not for this channel. */

    if (pay_form_find(&form, "sign_type") != NULL
        && !pay_str_eq(value_of(&form, "sign_type"), PAY_STR(EPAY_ALGORITHM)))
    {
        return about(fact, "sign_type", PAY_ALGORITHM);
    }

    if (!check_signature(crypto, channel, &form, &refusal)) {
        return about(fact, "sign", refusal);
    }

    /* From here on the sender knows the key, which may be ourselves. */

    for (i = 0; i < sizeof(request_names) / sizeof(request_names[0]); i++) {
        if (pay_form_find(&form, request_names[i]) != NULL) {
            return about(fact, request_names[i], PAY_REFLECTED);
        }
    }

    if (!pay_str_eq(value_of(&form, "pid"), channel->pid)) {
        return about(fact, "pid", PAY_NOT_OURS);
    }

    return read_fields(channel, &form, fact);
}


static bool
parse_carrier(const pay_channel_t *channel, const pay_notice_t *notice,
    pay_form_t *form, unsigned char *buffer, size_t buffer_size,
    pay_fact_t *fact, pay_verdict_e *refusal)
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

    code = pay_form_parse(form, input, PAY_FORM_BYTES, buffer, buffer_size,
                          &offender);

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


/* Signed with our key, the current or the previous one? */

static bool
check_signature(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_form_t *form, pay_verdict_e *refusal)
{
    size_t            i;
    pay_str_t         given, keys[2];
    unsigned char     md5[PAY_MD5_HEX_SIZE];
    epay_canonical_t  text;

    /* Channels are checked when configured, and an empty key would make the
     * signature a public formula: look again. */

    assert(channel->key.size >= PAY_KEY_SIZE_MIN);

    given = value_of(form, "sign");

    if (given.size == 0) {
        *refusal = PAY_UNSIGNED;
        return false;
    }

    epay_canonical(&text, form);

    keys[0] = channel->key;
    keys[1] = channel->key_previous;

    for (i = 0; i < 2; i++) {
        if (keys[i].size == 0) {
            continue;
        }

        if (!epay_sign(crypto, &text, keys[i], md5)) {
            *refusal = PAY_INTERNAL;
            return false;
        }

        /* Bytes are compared, so upper-case hex is simply wrong: the
         * protocol documents lower case. */

        if (pay_equal_secret(given, pay_str(md5, sizeof(md5)))) {
            return true;
        }
    }

    *refusal = PAY_SIGNATURE;

    return false;
}


/* The last rungs; fact is filled only when all that it holds is good. */

static pay_verdict_e
read_fields(const pay_channel_t *channel, const pay_form_t *form,
    pay_fact_t *fact)
{
    int               exponent;
    int64_t           amount;
    pay_str_t         order_no, trade_no, status;
    pay_money_code_e  money_code;

    order_no = value_of(form, "out_trade_no");
    trade_no = value_of(form, "trade_no");
    status = value_of(form, "trade_status");

    if (!pay_is_plain_id(order_no, PAY_ORDER_NO_SIZE_MAX, ".|")) {
        return about(fact, "out_trade_no", PAY_ORDER_NO);
    }

    if (!pay_is_plain_id(trade_no, PAY_TRADE_NO_SIZE_MAX, ".|")) {
        return about(fact, "trade_no", PAY_TRADE_NO);
    }

    exponent = pay_currency_exponent(pay_str(channel->currency,
                                             PAY_CURRENCY_SIZE));
    money_code = pay_money_parse(value_of(form, "money"), exponent, &amount);

    if (money_code == PAY_MONEY_MALFORMED) {
        return about(fact, "money", PAY_AMOUNT);
    }

    if (status.size == 0) {
        return about(fact, "trade_status", PAY_NO_STATUS);
    }

    /* Neither is empty: that would be no plain id. */
    assert(order_no.data != NULL && trade_no.data != NULL);

    memcpy(fact->order_no, order_no.data, order_no.size);
    memcpy(fact->trade_no, trade_no.data, trade_no.size);
    memcpy(fact->currency, channel->currency, PAY_CURRENCY_SIZE);
    fact->amount = amount;

    if (!pay_str_eq(status, PAY_STR(STATUS_PAID))) {
        return about(fact, "trade_status", PAY_NOT_PAID);
    }

    if (money_code == PAY_MONEY_FRACTION) {
        return about(fact, "money", PAY_ODD_AMOUNT);
    }

    return PAY_PAID;
}


/* Empty if absent: to this protocol the two are the same. */

static pay_str_t
value_of(const pay_form_t *form, const char *name)
{
    const pay_field_t  *field;

    field = pay_form_find(form, name);

    return field != NULL ? field->value : pay_str(NULL, 0);
}


static pay_verdict_e
about(pay_fact_t *fact, const char *field, pay_verdict_e verdict)
{
    size_t  size;

    size = strlen(field);
    assert(size < sizeof(fact->field));

    memcpy(fact->field, field, size + 1);

    return verdict;
}

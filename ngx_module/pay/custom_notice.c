/*
 * The configured protocol: what a notice proves.  The ladder is EPay's, with
 * the names of the configuration.
 */

#include "custom_priv.h"


static pay_verdict_e check_sign(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_form_t *form);
static const char *ambiguous(const pay_custom_t *custom,
    const pay_form_t *form);
static const char *reflected(const pay_custom_t *custom,
    const pay_form_t *form);
static pay_verdict_e read_numbers(const pay_channel_t *channel,
    const pay_form_t *form, pay_fact_t *fact);


pay_verdict_e
custom_verify(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_notice_t *notice, pay_fact_t *fact)
{
    bool                       is_paid;
    pay_str_t                  status;
    pay_form_t                 form;
    const char                *name, *other;
    pay_verdict_e              verdict;
    unsigned char              buffer[PAY_FORM_INPUT_SIZE_MAX];
    const pay_custom_field_t  *fields;

    memset(fact, 0, sizeof(pay_fact_t));
    fields = channel->custom->fields;

    if (!pay_notice_form(channel, notice, &form, buffer, fact, &verdict)) {
        return verdict;
    }

    verdict = check_sign(crypto, channel, &form);

    if (verdict != PAY_PAID) {
        return pay_notice_about(fact, verdict == PAY_ALGORITHM
                                      ? channel->custom->unsigned_name
                                      : channel->custom->sign_name, verdict);
    }

    name = ambiguous(channel->custom, &form);

    if (name != NULL) {
        return pay_notice_about(fact, name, PAY_MALFORMED);
    }

    /* From here on the sender knows the key, which may be ourselves. */

    name = reflected(channel->custom, &form);

    if (name != NULL) {
        return pay_notice_about(fact, name, PAY_REFLECTED);
    }

    name = fields[PAY_CUSTOM_ACCOUNT].name;

    if (name != NULL
        && !pay_str_eq(pay_notice_value(&form, name),
                       pay_text(fields[PAY_CUSTOM_ACCOUNT].value)))
    {
        return pay_notice_about(fact, name, PAY_NOT_OURS);
    }

    name = fields[PAY_CUSTOM_STATUS].name;
    status = pay_notice_value(&form, name);

    if (status.size == 0) {
        return pay_notice_about(fact, name, PAY_NO_STATUS);
    }

    is_paid = pay_str_eq(status, pay_text(fields[PAY_CUSTOM_STATUS].value));
    verdict = read_numbers(channel, &form, fact);

    if (!pay_verdict_acknowledged(verdict)) {
        return verdict;
    }

    /* Values side by side say nothing with another status: of no length that
     * is known, it could be a piece of what was signed for something else. */

    other = custom_unlike_notice(channel, &form);

    if (other != NULL) {
        memset(fact, 0, sizeof(pay_fact_t));
        return pay_notice_about(fact, other, PAY_MALFORMED);
    }

    return is_paid ? verdict : pay_notice_about(fact, name, PAY_NOT_PAID);
}


static pay_verdict_e
check_sign(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_form_t *form)
{
    bool                 failed;
    pay_str_t            sign;
    const char          *constant, *name;
    pay_canonical_t      text;
    const pay_custom_t  *custom;

    custom = channel->custom;
    name = custom->unsigned_name;
    constant = name != NULL ? custom_constant(custom, name) : NULL;

    /* It proves nothing, but a notice that names another algorithm than we
     * do is not for this channel. */

    if (constant != NULL && pay_form_find(form, name) != NULL
        && !pay_str_eq(pay_notice_value(form, name), pay_text(constant)))
    {
        return PAY_ALGORITHM;
    }

    sign = pay_notice_value(form, custom->sign_name);

    if (sign.size == 0) {
        return PAY_UNSIGNED;
    }

    custom_string(custom, &custom->notice, form, &text);

    if (pay_hash_check(crypto, &channel->hash, channel->key,
                       channel->key_previous, pay_str(text.data, text.size),
                       sign, &failed))
    {
        return PAY_PAID;
    }

    return failed ? PAY_INTERNAL : PAY_SIGNATURE;
}


/* As with pay_notice_ambiguous(): who has a word in a value of the gateway's
 * could have it sign what, split elsewhere, is another notice. */

static const char *
ambiguous(const pay_custom_t *custom, const pay_form_t *form)
{
    size_t       role;
    const char  *name;

    for (role = 0; role < PAY_CUSTOM_ROLE_COUNT; role++) {
        name = custom->fields[role].name;

        if (custom->notice.count == 0 && name != NULL
            && pay_notice_holds(form, name))
        {
            return name;
        }
    }

    return NULL;
}


/* A name that only a request has, or NULL. */

static const char *
reflected(const pay_custom_t *custom, const pay_form_t *form)
{
    size_t                    i;
    const pay_custom_sent_t  *sent;

    for (i = 0; i < custom->send_count; i++) {
        sent = &custom->sends[i];

        if ((sent->what == PAY_CUSTOM_SEND_NOTIFY_URL
             || sent->what == PAY_CUSTOM_SEND_RETURN_URL)
            && pay_form_find(form, sent->name) != NULL)
        {
            return sent->name;
        }
    }

    return NULL;
}


static pay_verdict_e
read_numbers(const pay_channel_t *channel, const pay_form_t *form,
    pay_fact_t *fact)
{
    bool                       is_minor;
    pay_str_t                  amount;
    pay_verdict_e              verdict;
    const pay_custom_field_t  *fields;

    fields = channel->custom->fields;
    amount = pay_notice_value(form, fields[PAY_CUSTOM_AMOUNT].name);
    is_minor = fields[PAY_CUSTOM_AMOUNT].value != NULL
               && strcmp(fields[PAY_CUSTOM_AMOUNT].value, "minor") == 0;

    /* Minor units have no point, not even one with zeros behind it. */

    if (is_minor && !pay_is_number(amount, PAY_MONEY_WHOLE_DIGITS)) {
        amount = pay_str(NULL, 0);
    }

    verdict = pay_fact_fill(channel,
                            pay_notice_value(form,
                                             fields[PAY_CUSTOM_ORDER_NO].name),
                            pay_notice_value(form,
                                             fields[PAY_CUSTOM_TRADE_NO].name),
                            amount, is_minor, fact);

    switch (verdict) {

    case PAY_ORDER_NO:
        return pay_notice_about(fact, fields[PAY_CUSTOM_ORDER_NO].name,
                                verdict);

    case PAY_TRADE_NO:
        return pay_notice_about(fact, fields[PAY_CUSTOM_TRADE_NO].name,
                                verdict);

    case PAY_AMOUNT:
    case PAY_ODD_AMOUNT:
        return pay_notice_about(fact, fields[PAY_CUSTOM_AMOUNT].name, verdict);

    default:
        return verdict;
    }
}

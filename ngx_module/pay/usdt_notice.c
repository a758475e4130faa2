/*
 * epusdt's JSON forms: what a notice proves.
 *
 * What is compared with the order is amount, in the channel's currency, and
 * not actual_amount, which is in coins.  No currency is in a notice; that the
 * order's was asked for is all there is.
 *
 * fact.ref stays empty: a buyer who changes the network is given a payment
 * with another trade_id for the same order.
 */

#include "usdt_priv.h"


#define STATUS_PAID   "2"
#define TOKEN_COUNT   256


static bool read_body(const pay_channel_t *channel,
    const pay_notice_t *notice, pay_members_t *members,
    pay_verdict_e *refusal);
static pay_verdict_e check_sign(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_form_t *form);
static const char *ambiguous(const pay_form_t *form);
static pay_verdict_e read_numbers(const pay_channel_t *channel,
    const pay_form_t *form, pay_fact_t *fact);


/* Names that a request has and a notice never does. */

static const char *const  request_names[] = {
    "notify_url", "redirect_url", "fiat", "currency", "timeout"
};

#define REQUEST_NAME_COUNT  (sizeof(request_names) / sizeof(request_names[0]))


pay_verdict_e
usdt_verify(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_notice_t *notice, pay_fact_t *fact)
{
    size_t             i;
    pay_str_t          status;
    const char        *name;
    pay_members_t      members;
    pay_verdict_e      verdict;
    const pay_form_t  *form;

    memset(fact, 0, sizeof(pay_fact_t));
    form = &members.form;

    if (!read_body(channel, notice, &members, &verdict)) {
        return verdict;
    }

    verdict = check_sign(crypto, channel, form);

    if (verdict != PAY_PAID) {
        return pay_notice_about(fact, "signature", verdict);
    }

    name = ambiguous(form);

    if (name != NULL) {
        return pay_notice_about(fact, name, PAY_MALFORMED);
    }

    /* From here on the sender knows the key, which may be ourselves. */

    for (i = 0; i < REQUEST_NAME_COUNT; i++) {
        if (pay_form_find(form, request_names[i]) != NULL) {
            return pay_notice_about(fact, request_names[i], PAY_REFLECTED);
        }
    }

    if (usdt_dialect(channel)->has_pid
        && !pay_str_eq(pay_notice_value(form, "pid"), channel->pid))
    {
        return pay_notice_about(fact, "pid", PAY_NOT_OURS);
    }

    status = pay_notice_value(form, "status");

    if (status.size == 0) {
        return pay_notice_about(fact, "status", PAY_NO_STATUS);
    }

    verdict = read_numbers(channel, form, fact);

    if (pay_verdict_acknowledged(verdict)
        && !pay_str_eq(status, PAY_STR(STATUS_PAID)))
    {
        return pay_notice_about(fact, "status", PAY_NOT_PAID);
    }

    return verdict;
}


static bool
read_body(const pay_channel_t *channel, const pay_notice_t *notice,
    pay_members_t *members, pay_verdict_e *refusal)
{
    pay_json_code_e   code;
    pay_json_token_t  tokens[TOKEN_COUNT];

    if ((notice->method & pay_channel_methods(channel)) == 0) {
        *refusal = PAY_METHOD;
        return false;
    }

    *refusal = PAY_MALFORMED;

    /* Two carriers could say two things. */

    if (notice->query.size != 0) {
        return false;
    }

    code = pay_json_read(notice->body, tokens, TOKEN_COUNT, NULL);

    if (code == PAY_JSON_DUPLICATE) {
        *refusal = PAY_DUPLICATE;
    }

    return code == PAY_JSON_OK
           && pay_members_read(&tokens[0], PAY_MEMBERS_OF_GO, members);
}


static pay_verdict_e
check_sign(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_form_t *form)
{
    bool             failed;
    pay_str_t        sign;
    pay_canonical_t  text;

    sign = pay_notice_value(form, "signature");

    if (sign.size == 0) {
        return PAY_UNSIGNED;
    }

    pay_canonical(&text, form, &usdt_rules);

    if (pay_hash_check(crypto, usdt_hash(channel), channel->key,
                       channel->key_previous, pay_str(text.data, text.size),
                       sign, &failed))
    {
        return PAY_PAID;
    }

    return failed ? PAY_INTERNAL : PAY_SIGNATURE;
}


/* As with pay_notice_ambiguous(). */

static const char *
ambiguous(const pay_form_t *form)
{
    size_t  i;

    static const char *const  names[] = {
        "order_id", "trade_id", "amount", "status", "pid"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (pay_notice_holds(form, names[i])) {
            return names[i];
        }
    }

    return NULL;
}


static pay_verdict_e
read_numbers(const pay_channel_t *channel, const pay_form_t *form,
    pay_fact_t *fact)
{
    pay_verdict_e  verdict;

    verdict = pay_fact_fill(channel, pay_notice_value(form, "order_id"),
                            pay_notice_value(form, "trade_id"),
                            pay_notice_value(form, "amount"), false, fact);

    switch (verdict) {

    case PAY_ORDER_NO:
        return pay_notice_about(fact, "order_id", verdict);

    case PAY_TRADE_NO:
        return pay_notice_about(fact, "trade_id", verdict);

    case PAY_AMOUNT:
    case PAY_ODD_AMOUNT:
        return pay_notice_about(fact, "amount", verdict);

    default:
        return verdict;
    }
}

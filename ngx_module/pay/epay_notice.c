/*
 * EPay: what a notice proves.
 *
 * A ladder: carrier, form, algorithm, signature, and only then what the
 * fields say.  Nothing of a notice is believed, reported or looked up before
 * its signature is right.
 *
 * A right signature is not enough, for with V1 request and notice share the
 * key and the canonical form: the buyer sees our own signed request, and could
 * send it here.  So the fields that only a notice has must be there, and the
 * names that only a request has must not.  V2 has two key pairs, and is held
 * to the same.
 *
 * A notice of V1 has no time and no nonce, one of V2 counts for five minutes:
 * replay is stopped by the order's state and by the trade number, outside this
 * folder.
 */

#include "epay_priv.h"


#define STATUS_PAID     "TRADE_SUCCESS"
#define TIMESTAMP_SIZE  10


/* Names that a request carries and a notice never does. */

static const char *const  request_names[] = {
    "notify_url", "return_url", "clientip", "device"
};


pay_verdict_e
epay_verify(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_notice_t *notice, pay_fact_t *fact)
{
    size_t                 i;
    pay_str_t              status, sign_type;
    pay_form_t             form;
    const char            *name;
    pay_verdict_e          verdict;
    unsigned char          buffer[PAY_FORM_INPUT_SIZE_MAX];
    pay_canonical_t        text;
    const epay_dialect_t  *dialect;

    memset(fact, 0, sizeof(pay_fact_t));
    dialect = epay_dialect(channel);

    if (!pay_notice_form(channel, notice, &form, buffer, fact, &verdict)) {
        return verdict;
    }

    /* The algorithm is what the channel is configured for.  sign_type is
     * outside the signature and proves nothing: V1 may leave it out, but a
     * notice that names another algorithm is not for this channel. */

    sign_type = pay_notice_value(&form, "sign_type");

    if ((dialect->is_rsa || pay_form_find(&form, "sign_type") != NULL)
        && !pay_str_eq(sign_type, pay_text(dialect->sign_type)))
    {
        return pay_notice_about(fact, "sign_type", PAY_ALGORITHM);
    }

    pay_canonical(&text, &form, &epay_rules);

    verdict = epay_sign_check(crypto, channel, &text,
                              pay_notice_value(&form, "sign"));
    if (verdict != PAY_PAID) {
        return pay_notice_about(fact, "sign", verdict);
    }

    /* V1 has nothing of the payer's in front of what counts. */

    name = dialect->is_rsa ? pay_notice_ambiguous(&form) : NULL;

    if (name != NULL) {
        return pay_notice_about(fact, name, PAY_MALFORMED);
    }

    /* From here on the sender knows the key, which may be ourselves. */

    for (i = 0; i < sizeof(request_names) / sizeof(request_names[0]); i++) {
        if (pay_form_find(&form, request_names[i]) != NULL) {
            return pay_notice_about(fact, request_names[i], PAY_REFLECTED);
        }
    }

    if (!pay_str_eq(pay_notice_value(&form, "pid"), channel->pid)) {
        return pay_notice_about(fact, "pid", PAY_NOT_OURS);
    }

    if (dialect->is_rsa
        && !epay_in_time(pay_notice_value(&form, "timestamp"), notice->now_s))
    {
        return pay_notice_about(fact, "timestamp", PAY_STALE);
    }

    status = pay_notice_value(&form, "trade_status");

    if (status.size == 0) {
        return pay_notice_about(fact, "trade_status", PAY_NO_STATUS);
    }

    verdict = pay_notice_numbers(channel, &form, "money", fact);

    if (pay_verdict_acknowledged(verdict)
        && !pay_str_eq(status, PAY_STR(STATUS_PAID)))
    {
        return pay_notice_about(fact, "trade_status", PAY_NOT_PAID);
    }

    return verdict;
}


/* Ten digits, until the year 2286. */

bool
epay_in_time(pay_str_t timestamp, int64_t now_s)
{
    size_t   i;
    int64_t  at_s;

    if (timestamp.size != TIMESTAMP_SIZE) {
        return false;
    }

    for (i = 0, at_s = 0; i < timestamp.size; i++) {
        if (timestamp.data[i] < '0' || timestamp.data[i] > '9') {
            return false;
        }

        at_s = at_s * 10 + (timestamp.data[i] - '0');
    }

    return at_s - now_s <= EPAY_WINDOW_S && now_s - at_s <= EPAY_WINDOW_S;
}

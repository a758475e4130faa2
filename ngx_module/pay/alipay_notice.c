/*
 * Alipay: what a notice proves.
 *
 * The same ladder as EPay's: carrier, form, algorithm, signature, and only
 * then what the fields say.
 *
 * Refunds are told to the payment's own address: one in part as TRADE_SUCCESS
 * again, one of all as TRADE_CLOSED.  Neither is a payment.
 */

#include "alipay_priv.h"


#define NOTIFY_TYPE  "trade_status_sync"


static const char *not_ours(const pay_channel_t *channel,
    const pay_form_t *form);
static const char *tells_of_refund(const pay_form_t *form);


/* Node and Java keep "name=" of an empty value in the string, and so does
 * Alipay; the SDK for PHP drops it. */

static const pay_canonical_rules_t  notice_rules = {
    .skip = { "sign", "sign_type" },
    .keep_empty = true
};

/* What must be there, word for word: a missing one is no match. */

static const struct {
    const char  *name;
    size_t       setting;              /* of the channel */
} ours[] = {
    { "app_id", offsetof(pay_channel_t, app_id) },
    { "seller_id", offsetof(pay_channel_t, seller_id) }
};


pay_verdict_e
alipay_verify(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_notice_t *notice, pay_fact_t *fact)
{
    bool              is_paid;
    pay_str_t         sign, status;
    pay_form_t        form;
    const char       *other, *refund;
    pay_verdict_e     verdict;
    unsigned char     buffer[PAY_FORM_INPUT_SIZE_MAX];
    pay_canonical_t   text;

    memset(fact, 0, sizeof(pay_fact_t));

    if (!pay_notice_form(channel, notice, &form, buffer, fact, &verdict)) {
        return verdict;
    }

    if (!pay_str_eq(pay_notice_value(&form, "sign_type"),
                    PAY_STR(ALIPAY_SIGN_TYPE)))
    {
        return pay_notice_about(fact, "sign_type", PAY_ALGORITHM);
    }

    sign = pay_notice_value(&form, "sign");

    if (sign.size == 0) {
        return pay_notice_about(fact, "sign", PAY_UNSIGNED);
    }

    pay_canonical(&text, &form, &notice_rules);

    verdict = pay_notice_rsa(crypto, channel, pay_str(text.data, text.size),
                             sign);
    if (verdict != PAY_PAID) {
        return pay_notice_about(fact, "sign", verdict);
    }

    other = pay_notice_ambiguous(&form);

    if (other != NULL) {
        return pay_notice_about(fact, other, PAY_MALFORMED);
    }

    other = not_ours(channel, &form);

    if (other != NULL) {
        return pay_notice_about(fact, other, PAY_NOT_OURS);
    }

    status = pay_notice_value(&form, "trade_status");

    if (status.size == 0) {
        return pay_notice_about(fact, "trade_status", PAY_NO_STATUS);
    }

    is_paid = pay_str_eq(status, PAY_STR("TRADE_SUCCESS"))
              || pay_str_eq(status, PAY_STR("TRADE_FINISHED"));
    refund = tells_of_refund(&form);

    if (is_paid && refund == NULL
        && pay_notice_value(&form, "gmt_payment").size == 0)
    {
        return pay_notice_about(fact, "gmt_payment", PAY_NO_STATUS);
    }

    verdict = pay_notice_numbers(channel, &form, "total_amount", fact);

    if (!pay_verdict_acknowledged(verdict)) {
        return verdict;
    }

    if (refund != NULL) {
        return pay_notice_about(fact, refund, PAY_REFUND);
    }

    return is_paid ? verdict
                   : pay_notice_about(fact, "trade_status", PAY_NOT_PAID);
}


/* The field that says so, or NULL.  Alipay has one key for all that it tells
 * us: of other applications and sellers of ours, and of its service market. */

static const char *
not_ours(const pay_channel_t *channel, const pay_form_t *form)
{
    size_t            i;
    const pay_str_t  *own;

    for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        own = (const pay_str_t *) ((const char *) channel + ours[i].setting);

        if (!pay_str_eq(pay_notice_value(form, ours[i].name), *own)) {
            return ours[i].name;
        }
    }

    return pay_str_eq(pay_notice_value(form, "notify_type"),
                      PAY_STR(NOTIFY_TYPE))
           ? NULL : "notify_type";
}


/* The field that does, or NULL. */

static const char *
tells_of_refund(const pay_form_t *form)
{
    size_t     i;
    pay_str_t  fee;

    if (pay_notice_value(form, "gmt_refund").size != 0) {
        return "gmt_refund";
    }

    fee = pay_notice_value(form, "refund_fee");

    for (i = 0; i < fee.size; i++) {
        if (fee.data[i] != '0' && fee.data[i] != '.') {
            return "refund_fee";
        }
    }

    return NULL;
}

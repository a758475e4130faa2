/*
 * Stripe Checkout: its row in the table of protocols, the check of a channel,
 * and what is common to notices and replies.
 *
 * A payment begins with a question to the gateway, whose answer is where the
 * buyer goes; see stripe_ask.c and stripe_answer.c.  Notices are judged in
 * stripe_notice.c.
 *
 * Two secrets: the API key proves us to Stripe, the signing secret of the
 * webhook endpoint proves Stripe to us.  Both exist once for play money and
 * once for real, and which of the two a channel is for, its API key says.
 */

#include "stripe_priv.h"

#include "start.h"
#include "url.h"

#include <stdio.h>


static bool stripe_check(const pay_channel_t *channel, char *err,
    size_t err_size);
static const char *stripe_fault(const pay_channel_t *channel);
static const char *secret_fault(const pay_channel_t *channel);
static bool begins_with(pay_str_t text, pay_str_t prefix);
static pay_start_code_e stripe_start(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_start_t *start, char *url,
    size_t url_size, size_t *url_length);


/* rk_: a restricted key, which can do no more than a shop needs. */

static const struct {
    pay_str_t  prefix;
    bool       is_live;
} api_keys[] = {
    { { (const unsigned char *) "sk_live_", 8 }, true },
    { { (const unsigned char *) "rk_live_", 8 }, true },
    { { (const unsigned char *) "sk_test_", 8 }, false },
    { { (const unsigned char *) "rk_test_", 8 }, false }
};

#define API_KEY_COUNT  (sizeof(api_keys) / sizeof(api_keys[0]))

/* Currencies without minor units of which Stripe counts hundredths: our
 * integers would mean a hundredth of the price. */

static const char *const  other_exponents[] = { "ISK", "UGX" };


const pay_protocol_t  pay_stripe_protocol = {
    .name = "stripe",

    /* Stripe goes by the status alone. */

    .success_body = "success",
    .failure_body = "fail",
    .content_type = "text/plain",
    .notice_type = "application/json",
    .methods = PAY_METHOD_POST,
    .needs = PAY_BIT(API_KEY_FILE) | PAY_BIT(KEY_FILE),
    .takes = PAY_BIT(URL),
    .url = "https://api.stripe.com",
    .asks = PAY_ASK_BIT(START) | PAY_ASK_BIT(QUERY) | PAY_ASK_BIT(CLOSE)
            | PAY_ASK_BIT(REFUND) | PAY_ASK_BIT(REFUND_QUERY),
    .start = stripe_start,
    .verify = stripe_verify,
    .check = stripe_check,
    .ask = stripe_ask,
    .answer = stripe_answer
};


static bool
stripe_check(const pay_channel_t *channel, char *err, size_t err_size)
{
    const char  *fault;

    fault = stripe_fault(channel);

    if (fault != NULL) {
        (void) snprintf(err, err_size, "%s", fault);
    }

    return fault == NULL;
}


static const char *
stripe_fault(const pay_channel_t *channel)
{
    size_t  i;

    if (!pay_is_origin(channel->url, PAY_BASE_URL_SIZE_MAX)) {
        return "\"url\" must be the gateway's scheme and host, without a "
               "path; leave it out for https://api.stripe.com";
    }

    if (!pay_channel_is_private(channel)) {
        return "payments begin with a call that has the API key in it: "
               "\"url\" must be https, or a gateway on this machine";
    }

    for (i = 0; i < sizeof(other_exponents) / sizeof(other_exponents[0]);
         i++)
    {
        if (strcmp(channel->currency, other_exponents[i]) == 0) {
            return "Stripe counts ISK and UGX in hundredths, which they do "
                   "not have; take another currency";
        }
    }

    return secret_fault(channel);
}


static const char *
secret_fault(const pay_channel_t *channel)
{
    size_t     i;
    pay_str_t  webhook;

    webhook = PAY_STR("whsec_");

    if (begins_with(channel->api_key, PAY_STR("pk_"))) {
        return "\"api_key_file\" has a publishable key (pk_...), which all "
               "may know; write the secret key (sk_...)";
    }

    for (i = 0; i < API_KEY_COUNT; i++) {
        if (begins_with(channel->api_key, api_keys[i].prefix)) {
            break;
        }
    }

    if (i == API_KEY_COUNT) {
        return "\"api_key_file\" must have the secret key of the account or "
               "a restricted one: sk_live_..., rk_live_..., or sk_test_..., "
               "rk_test_... for play money";
    }

    if (!begins_with(channel->key, webhook)
        || (channel->key_previous.size != 0
            && !begins_with(channel->key_previous, webhook)))
    {
        return "\"key_file\" must have the signing secret of the webhook "
               "endpoint (whsec_...), which is not the API key";
    }

    if (pay_str_eq(channel->key, channel->key_previous)) {
        return "the previous signing secret equals the current one; leave it "
               "out, or write the new one first";
    }

    return NULL;
}


static bool
begins_with(pay_str_t text, pay_str_t prefix)
{
    return text.size > prefix.size
           && memcmp(text.data, prefix.data, prefix.size) == 0;
}


bool
stripe_is_live(const pay_channel_t *channel)
{
    size_t  i;

    for (i = 0; i < API_KEY_COUNT; i++) {
        if (begins_with(channel->api_key, api_keys[i].prefix)) {
            return api_keys[i].is_live;
        }
    }

    return true;
}


static pay_start_code_e
stripe_start(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_start_t *start, char *url, size_t url_size,
    size_t *url_length)
{
    char              money[PAY_MONEY_TEXT_SIZE_MAX];
    pay_url_t         writer;
    pay_start_code_e  code;

    (void) crypto;

    pay_url_begin(&writer, url, url_size);
    *url_length = 0;

    code = pay_start_check(channel, start, "", money);

    return code == PAY_START_OK ? PAY_START_ASK : code;
}


bool
stripe_is_ours(const pay_channel_t *channel, const pay_json_token_t *object)
{
    bool  live;

    return pay_json_bool(pay_json_find(object, "livemode"), &live)
           && live == stripe_is_live(channel);
}


pay_verdict_e
stripe_session(const pay_channel_t *channel,
    const pay_json_token_t *session, pay_fact_t *fact)
{
    const char              *field;
    pay_verdict_e            verdict;
    const pay_json_token_t  *intent;

    intent = pay_json_find(session, "payment_intent");

    if (!pay_json_is(pay_json_find(session, "object"), "checkout.session")) {
        field = "object";
        verdict = PAY_NOT_OURS;

    } else if (!stripe_is_ours(channel, session)) {
        field = "livemode";
        verdict = PAY_NOT_OURS;

    } else if (!pay_json_is(pay_json_find(session, "mode"), "payment")) {
        field = "mode";
        verdict = PAY_NOT_OURS;

    } else if (!stripe_id(session, "id", "", fact->ref, PAY_REF_SIZE_MAX)) {
        field = "id";
        verdict = PAY_NOT_OURS;

    } else if (!stripe_id(session, "client_reference_id", ".|",
                          fact->order_no, PAY_ORDER_NO_SIZE_MAX))
    {
        field = "client_reference_id";
        verdict = PAY_ORDER_NO;

    /* Its number, or all of it where it was asked for. */

    } else if (!stripe_id(session, "payment_intent", "", fact->trade_no,
                          PAY_TRADE_NO_SIZE_MAX)
               && !stripe_id(intent, "id", "", fact->trade_no,
                             PAY_TRADE_NO_SIZE_MAX))
    {
        field = "payment_intent";
        verdict = PAY_TRADE_NO;

    } else if (!stripe_amount(session, "amount_total", &fact->amount,
                              fact->currency))
    {
        field = "amount_total";
        verdict = PAY_AMOUNT;

    } else {
        return PAY_PAID;
    }

    memset(fact, 0, sizeof(pay_fact_t));

    return pay_notice_about(fact, field, verdict);
}


bool
stripe_id(const pay_json_token_t *object, const char *name,
    const char *extra, char *text, size_t size_max)
{
    size_t  size;

    if (!pay_json_string(pay_json_find(object, name), text, size_max, &size)
        || !pay_is_plain_id(pay_str(text, size), size_max, extra))
    {
        return false;
    }

    text[size] = '\0';

    return true;
}


bool
stripe_amount(const pay_json_token_t *object, const char *name,
    int64_t *amount, char currency[PAY_CURRENCY_SIZE + 1])
{
    size_t  i, size;

    if (!pay_json_integer(pay_json_find(object, name), amount)
        || *amount <= 0
        || !pay_json_string(pay_json_find(object, "currency"), currency,
                            PAY_CURRENCY_SIZE, &size)
        || size != PAY_CURRENCY_SIZE)
    {
        return false;
    }

    for (i = 0; i < size; i++) {
        if (currency[i] < 'a' || currency[i] > 'z') {
            return false;
        }

        currency[i] = (char) (currency[i] - 'a' + 'A');
    }

    currency[size] = '\0';

    return true;
}

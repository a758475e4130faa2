/*
 * Stripe: what a notice (an event, sent to a webhook endpoint) proves.
 *
 * The signature is HMAC-SHA256 over the time and the body as it came, with
 * the endpoint's secret:
 *
 *     Stripe-Signature: t=1767323045,v1=<64 hex digits>[,v1=...][,v0=...]
 *
 * There may be several v1, for Stripe signs with the old secret, too, while
 * the operator changes it.  Other schemes are not looked at.
 *
 * An endpoint is told of all that happens in an account.  Sessions and
 * refunds that are not of this shop are refused, which Stripe shows to the
 * operator; an event of another type is acknowledged, and pays nothing.  A
 * dispute is such a one: it does not say which order it is about.
 *
 * A refund of ours that has failed, perhaps days after it had succeeded, is
 * refused, too, with its numbers: the money is back here, the buyer has none,
 * and nobody asks about it any more.  So it is logged, Stripe shows it, and
 * both come again.
 */

#include "stripe_priv.h"


#define AGE_S_MAX           300
#define HEADER              "stripe-signature"
#define HEADER_SIZE_MAX     4096
#define TIMESTAMP_SIZE_MAX  12
#define HEX_SIZE            (2 * PAY_SHA256_SIZE)
#define SIGNATURES_MAX      16


typedef struct {
    pay_str_t  timestamp;
    pay_str_t  signatures[SIGNATURES_MAX];
    size_t     signature_count;
} stripe_header_t;


static pay_verdict_e read_header(const pay_notice_t *notice,
    stripe_header_t *header);
static bool add_element(stripe_header_t *header, pay_str_t element);
static bool begins_with(pay_str_t text, pay_str_t prefix);
static pay_verdict_e check_signature(pay_crypto_t *crypto,
    const pay_channel_t *channel, const stripe_header_t *header,
    pay_str_t body);
static bool is_of_now(pay_str_t timestamp, int64_t now_s);
static pay_verdict_e judge(const pay_channel_t *channel,
    const pay_json_token_t *event, pay_fact_t *fact);
static pay_verdict_e judge_session(const pay_channel_t *channel,
    const pay_json_token_t *session, pay_fact_t *fact);
static pay_verdict_e judge_refund(const pay_channel_t *channel,
    const pay_json_token_t *charge, pay_fact_t *fact);
static pay_verdict_e judge_failure(const pay_channel_t *channel,
    const pay_json_token_t *refund, pay_fact_t *fact);
static pay_verdict_e refuse(pay_fact_t *fact, const char *field,
    pay_verdict_e verdict);


/* The events that may be money. */

static const struct {
    const char     *type;
    pay_verdict_e (*judge)(const pay_channel_t *channel,
                           const pay_json_token_t *object, pay_fact_t *fact);
} events[] = {
    { "checkout.session.completed", judge_session },
    { "checkout.session.async_payment_succeeded", judge_session },
    { "charge.refunded", judge_refund },
    { "refund.failed", judge_failure },
    { "refund.updated", judge_failure },
    { "charge.refund.updated", judge_failure }
};


pay_verdict_e
stripe_verify(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_notice_t *notice, pay_fact_t *fact)
{
    pay_verdict_e     verdict;
    stripe_header_t   header;
    pay_json_token_t  event[STRIPE_TOKEN_COUNT];

    memset(fact, 0, sizeof(pay_fact_t));

    if ((notice->method & pay_channel_methods(channel)) == 0) {
        return PAY_METHOD;
    }

    if (notice->query.size != 0 || notice->body.size > PAY_JSON_SIZE_MAX) {
        return PAY_MALFORMED;
    }

    verdict = read_header(notice, &header);

    if (verdict == PAY_PAID) {
        verdict = check_signature(crypto, channel, &header, notice->body);
    }

    if (verdict == PAY_PAID && !is_of_now(header.timestamp, notice->now_s)) {
        verdict = PAY_STALE;
    }

    if (verdict != PAY_PAID) {
        return refuse(fact, HEADER, verdict);
    }

    switch (pay_json_read(notice->body, event, STRIPE_TOKEN_COUNT, NULL)) {

    case PAY_JSON_OK:
        return judge(channel, event, fact);

    case PAY_JSON_DUPLICATE:
        return PAY_DUPLICATE;

    default:
        return PAY_MALFORMED;
    }
}


static pay_verdict_e
read_header(const pay_notice_t *notice, stripe_header_t *header)
{
    size_t     i, start;
    pay_str_t  text;

    memset(header, 0, sizeof(stripe_header_t));

    if (pay_header_count(notice->headers, notice->header_count, HEADER) > 1) {
        return PAY_DUPLICATE;
    }

    if (!pay_header_find(notice->headers, notice->header_count, HEADER, &text)
        || text.size == 0)
    {
        return PAY_UNSIGNED;
    }

    if (text.size > HEADER_SIZE_MAX) {
        return PAY_MALFORMED;
    }

    for (i = 0, start = 0; i <= text.size; i++) {

        if (i != text.size && text.data[i] != ',') {
            continue;
        }

        if (!add_element(header, pay_str(text.data + start, i - start))) {
            return PAY_MALFORMED;
        }

        start = i + 1;
    }

    if (header->timestamp.size == 0) {
        return PAY_MALFORMED;
    }

    return header->signature_count != 0 ? PAY_PAID : PAY_UNSIGNED;
}


/* false: a second time, a time that is no number, or more signatures than
 * anybody needs. */

static bool
add_element(stripe_header_t *header, pay_str_t element)
{
    if (begins_with(element, PAY_STR("t="))) {
        element = pay_str(element.data + 2, element.size - 2);

        if (header->timestamp.size != 0
            || !pay_is_number(element, TIMESTAMP_SIZE_MAX))
        {
            return false;
        }

        header->timestamp = element;
        return true;
    }

    if (!begins_with(element, PAY_STR("v1="))) {
        return true;
    }

    if (header->signature_count == SIGNATURES_MAX) {
        return false;
    }

    header->signatures[header->signature_count++] =
        pay_str(element.data + 3, element.size - 3);

    return true;
}


static bool
begins_with(pay_str_t text, pay_str_t prefix)
{
    return text.size >= prefix.size
           && memcmp(text.data, prefix.data, prefix.size) == 0;
}


static pay_verdict_e
check_signature(pay_crypto_t *crypto, const pay_channel_t *channel,
    const stripe_header_t *header, pay_str_t body)
{
    bool           right;
    size_t         i, j;
    unsigned char  mac[PAY_SHA256_SIZE], hex[HEX_SIZE];

    static const char  digits[] = "0123456789abcdef";

    const pay_str_t  keys[] = { channel->key, channel->key_previous };
    const pay_str_t  parts[] = { header->timestamp, PAY_STR("."), body };

    right = false;

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {

        if (keys[i].size == 0) {
            continue;
        }

        if (!pay_hmac_sha256(crypto, keys[i], parts, 3, mac)) {
            return PAY_INTERNAL;
        }

        for (j = 0; j < sizeof(mac); j++) {
            hex[2 * j] = (unsigned char) digits[mac[j] >> 4];
            hex[2 * j + 1] = (unsigned char) digits[mac[j] & 0xf];
        }

        for (j = 0; j < header->signature_count; j++) {
            right |= pay_equal_secret(header->signatures[j],
                                      pay_str(hex, sizeof(hex)));
        }
    }

    pay_wipe(mac, sizeof(mac));
    pay_wipe(hex, sizeof(hex));

    return right ? PAY_PAID : PAY_SIGNATURE;
}


/* timestamp has at most TIMESTAMP_SIZE_MAX digits. */

static bool
is_of_now(pay_str_t timestamp, int64_t now_s)
{
    size_t   i;
    int64_t  at_s;

    at_s = 0;

    for (i = 0; i < timestamp.size; i++) {
        at_s = 10 * at_s + (timestamp.data[i] - '0');
    }

    return at_s - now_s <= AGE_S_MAX && now_s - at_s <= AGE_S_MAX;
}


static pay_verdict_e
judge(const pay_channel_t *channel, const pay_json_token_t *event,
    pay_fact_t *fact)
{
    size_t                   i;
    const pay_json_token_t  *account, *type, *object;

    if (!stripe_is_ours(channel, event)) {
        return refuse(fact, "livemode", PAY_NOT_OURS);
    }

    /* An endpoint of a platform is told of what others are paid, too. */

    account = pay_json_find(event, "account");

    if (account != NULL && account->type != PAY_JSON_NULL) {
        return refuse(fact, "account", PAY_NOT_OURS);
    }

    type = pay_json_find(event, "type");

    if (type == NULL || type->type != PAY_JSON_STRING) {
        return refuse(fact, "type", PAY_NO_STATUS);
    }

    object = pay_json_find(pay_json_find(event, "data"), "object");

    for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (pay_json_is(type, events[i].type)) {
            return events[i].judge(channel, object, fact);
        }
    }

    return pay_notice_about(fact, "type", PAY_NOT_PAID);
}


/* Slow ways to pay complete a session first, and pay it days later. */

static pay_verdict_e
judge_session(const pay_channel_t *channel,
    const pay_json_token_t *session, pay_fact_t *fact)
{
    const pay_json_token_t  *status;

    status = pay_json_find(session, "payment_status");

    if (status == NULL || status->type != PAY_JSON_STRING) {
        return refuse(fact, "payment_status", PAY_NO_STATUS);
    }

    if (!pay_json_is(status, "paid")) {
        return pay_notice_about(fact, "payment_status", PAY_NOT_PAID);
    }

    return stripe_session(channel, session, fact);
}


/* A charge has the metadata that START gave to its payment.  The amount is
 * the payment's, as with a payment. */

static pay_verdict_e
judge_refund(const pay_channel_t *channel, const pay_json_token_t *charge,
    pay_fact_t *fact)
{
    const pay_json_token_t  *metadata;

    metadata = pay_json_find(charge, "metadata");

    if (!pay_json_is(pay_json_find(charge, "object"), "charge")) {
        return refuse(fact, "object", PAY_NOT_OURS);
    }

    if (!stripe_is_ours(channel, charge)) {
        return refuse(fact, "livemode", PAY_NOT_OURS);
    }

    if (!stripe_id(metadata, STRIPE_META_ORDER, ".|", fact->order_no,
                   PAY_ORDER_NO_SIZE_MAX))
    {
        return refuse(fact, "metadata", PAY_ORDER_NO);
    }

    if (!stripe_id(charge, "payment_intent", "", fact->trade_no,
                   PAY_TRADE_NO_SIZE_MAX))
    {
        return refuse(fact, "payment_intent", PAY_TRADE_NO);
    }

    if (!stripe_amount(charge, "amount", &fact->amount, fact->currency)) {
        return refuse(fact, "amount", PAY_AMOUNT);
    }

    return pay_notice_about(fact, "type", PAY_REFUND);
}


/* A refund has the metadata that REFUND gave to it: one that was made on
 * Stripe's pages has none, and whoever made it there hears of it there. */

static pay_verdict_e
judge_failure(const pay_channel_t *channel, const pay_json_token_t *refund,
    pay_fact_t *fact)
{
    const pay_json_token_t  *metadata;

    (void) channel;

    metadata = pay_json_find(refund, "metadata");

    if (!pay_json_is(pay_json_find(refund, "object"), "refund")
        || !pay_json_is(pay_json_find(refund, "status"), "failed")
        || !stripe_id(metadata, STRIPE_META_ORDER, ".|", fact->order_no,
                      PAY_ORDER_NO_SIZE_MAX)
        || !stripe_id(refund, "id", "", fact->trade_no, PAY_TRADE_NO_SIZE_MAX)
        || !stripe_amount(refund, "amount", &fact->amount, fact->currency))
    {
        return refuse(fact, "type", PAY_NOT_PAID);
    }

    return pay_notice_about(fact, "status", PAY_UNRETURNED);
}


/* What was read so far is not handed on. */

static pay_verdict_e
refuse(pay_fact_t *fact, const char *field, pay_verdict_e verdict)
{
    memset(fact, 0, sizeof(pay_fact_t));

    return pay_notice_about(fact, field, verdict);
}

/*
 * WeChat Pay: what a notice proves.
 *
 * The signature is over the body as it came; what counts in it is sealed once
 * more, with the APIv3 key.  Neither is looked at before what encloses it was
 * proved.
 *
 * Notices of refunds tell whose payment it was, so they are judged here, too,
 * though they need not come to this address.  Of a refund that failed none of
 * a payment's facts has changed: it is acknowledged as no payment, and whoever
 * asked for the refund learns of it when he asks after it.
 */

#include "wechat_priv.h"

#include "base64.h"


#define BODY_SIZE_MAX   16384
#define AAD_SIZE_MAX    256


/* The texts of a notice that are made of it. */

typedef struct {
    char              text[BODY_SIZE_MAX];     /* base64 */
    unsigned char     sealed[BODY_SIZE_MAX];
    unsigned char     plain[BODY_SIZE_MAX];
    size_t            plain_size;
    pay_json_token_t  tokens[WECHAT_TOKEN_COUNT];
} work_t;


static pay_verdict_e read_json(pay_str_t text, pay_json_token_t *tokens);
static pay_verdict_e open_resource(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_json_token_t *resource,
    work_t *work, pay_fact_t *fact);
static bool unseal(pay_crypto_t *crypto, const pay_channel_t *channel,
    const unsigned char nonce[PAY_GCM_NONCE_SIZE], pay_str_t aad,
    pay_str_t sealed, unsigned char *plain);
static pay_verdict_e judge(const pay_channel_t *channel,
    const pay_json_token_t *event_type, const pay_json_token_t *resource,
    pay_fact_t *fact);
static pay_verdict_e judge_refund(const pay_channel_t *channel,
    const pay_json_token_t *event_type, const pay_json_token_t *refund,
    pay_fact_t *fact);
static bool begins_with(const pay_json_token_t *token, pay_str_t prefix);
static pay_verdict_e refuse(pay_fact_t *fact, const char *field,
    pay_verdict_e verdict);


/* What each state of a transaction means; one that is not here is not
 * understood, and pays nothing. */

static const struct {
    const char     *name;
    pay_verdict_e   verdict;
    pay_answer_e    answer;
} states[] = {
    { "SUCCESS", PAY_PAID, PAY_ANSWER_PAID },
    { "REFUND", PAY_REFUND, PAY_ANSWER_RETURNED },
    { "NOTPAY", PAY_NOT_PAID, PAY_ANSWER_UNPAID },
    { "USERPAYING", PAY_NOT_PAID, PAY_ANSWER_UNPAID },
    { "PAYERROR", PAY_NOT_PAID, PAY_ANSWER_UNPAID },
    { "CLOSED", PAY_NOT_PAID, PAY_ANSWER_CLOSED },
    { "REVOKED", PAY_NOT_PAID, PAY_ANSWER_CLOSED }
};


pay_verdict_e
wechat_verify(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_notice_t *notice, pay_fact_t *fact)
{
    work_t                   work;
    const char              *field;
    pay_verdict_e            verdict;
    pay_json_token_t         tokens[WECHAT_TOKEN_COUNT];
    const pay_json_token_t  *event_type;

    memset(fact, 0, sizeof(pay_fact_t));

    if ((notice->method & pay_channel_methods(channel)) == 0) {
        return PAY_METHOD;
    }

    if (notice->query.size != 0 || notice->body.size > BODY_SIZE_MAX) {
        return PAY_MALFORMED;
    }

    verdict = wechat_proof(crypto, channel, notice->headers,
                           notice->header_count, notice->body, notice->now_s,
                           &field);
    if (verdict != PAY_PAID) {
        return refuse(fact, field, verdict);
    }

    verdict = read_json(notice->body, tokens);

    if (verdict != PAY_PAID) {
        return verdict;
    }

    event_type = pay_json_find(tokens, "event_type");

    if (event_type == NULL || event_type->type != PAY_JSON_STRING) {
        return refuse(fact, "event_type", PAY_NO_STATUS);
    }

    if (!wechat_says(tokens, "resource_type", PAY_STR("encrypt-resource"))) {
        return refuse(fact, "resource_type", PAY_MALFORMED);
    }

    verdict = open_resource(crypto, channel,
                            pay_json_find(tokens, "resource"), &work, fact);

    if (verdict == PAY_PAID) {
        verdict = judge(channel, event_type, work.tokens, fact);
    }

    pay_wipe(work.plain, work.plain_size);

    return verdict;
}


static pay_verdict_e
read_json(pay_str_t text, pay_json_token_t *tokens)
{
    switch (pay_json_read(text, tokens, WECHAT_TOKEN_COUNT, NULL)) {

    case PAY_JSON_OK:
        return PAY_PAID;

    case PAY_JSON_DUPLICATE:
        return PAY_DUPLICATE;

    default:
        return PAY_MALFORMED;
    }
}


static pay_verdict_e
open_resource(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_json_token_t *resource, work_t *work, pay_fact_t *fact)
{
    size_t                   size;
    pay_str_t                aad, sealed;
    unsigned char            nonce[PAY_GCM_NONCE_SIZE];
    unsigned char            aad_text[AAD_SIZE_MAX];
    const pay_json_token_t  *aad_token;

    work->plain_size = 0;

    if (!wechat_says(resource, "algorithm", PAY_STR("AEAD_AES_256_GCM"))) {
        return refuse(fact, "algorithm", PAY_ALGORITHM);
    }

    if (!pay_json_string(pay_json_find(resource, "nonce"), nonce,
                         sizeof(nonce), &size)
        || size != sizeof(nonce))
    {
        return refuse(fact, "nonce", PAY_MALFORMED);
    }

    aad_token = pay_json_find(resource, "associated_data");
    size = 0;

    if (aad_token != NULL
        && !pay_json_string(aad_token, aad_text, sizeof(aad_text), &size))
    {
        return refuse(fact, "associated_data", PAY_MALFORMED);
    }

    aad = pay_str(aad_text, size);

    if (!pay_json_string(pay_json_find(resource, "ciphertext"), work->text,
                         sizeof(work->text), &size)
        || !pay_base64_decode(pay_str(work->text, size), work->sealed,
                              sizeof(work->sealed), &size)
        || size <= PAY_GCM_TAG_SIZE)
    {
        return refuse(fact, "ciphertext", PAY_MALFORMED);
    }

    sealed = pay_str(work->sealed, size);

    if (!unseal(crypto, channel, nonce, aad, sealed, work->plain)) {
        return refuse(fact, "ciphertext", PAY_SIGNATURE);
    }

    work->plain_size = size - PAY_GCM_TAG_SIZE;

    return read_json(pay_str(work->plain, work->plain_size), work->tokens);
}


static bool
unseal(pay_crypto_t *crypto, const pay_channel_t *channel,
    const unsigned char nonce[PAY_GCM_NONCE_SIZE], pay_str_t aad,
    pay_str_t sealed, unsigned char *plain)
{
    return pay_gcm_open(crypto, channel->key.data, nonce, aad, sealed, plain)
           || (channel->key_previous.size != 0
               && pay_gcm_open(crypto, channel->key_previous.data, nonce, aad,
                               sealed, plain));
}


static pay_verdict_e
judge(const pay_channel_t *channel, const pay_json_token_t *event_type,
    const pay_json_token_t *resource, pay_fact_t *fact)
{
    pay_answer_e  answer;

    if (pay_json_is(event_type, "TRANSACTION.SUCCESS")) {
        return wechat_transaction(channel, resource, fact, &answer);
    }

    if (begins_with(event_type, PAY_STR("\"REFUND."))) {
        return judge_refund(channel, event_type, resource, fact);
    }

    return pay_notice_about(fact, "event_type", PAY_NOT_PAID);
}


static bool
begins_with(const pay_json_token_t *token, pay_str_t prefix)
{
    return token->raw.size > prefix.size
           && memcmp(token->raw.data, prefix.data, prefix.size) == 0;
}


pay_verdict_e
wechat_transaction(const pay_channel_t *channel,
    const pay_json_token_t *transaction, pay_fact_t *fact,
    pay_answer_e *answer)
{
    size_t                   i;
    const pay_json_token_t  *amount, *state;

    *answer = PAY_ANSWER_UNKNOWN;

    if (!wechat_says(transaction, "mchid", channel->mchid)) {
        return refuse(fact, "mchid", PAY_NOT_OURS);
    }

    if (!wechat_says(transaction, "appid", channel->app_id)) {
        return refuse(fact, "appid", PAY_NOT_OURS);
    }

    state = pay_json_find(transaction, "trade_state");

    if (state == NULL || state->type != PAY_JSON_STRING) {
        return refuse(fact, "trade_state", PAY_NO_STATUS);
    }

    if (!wechat_id(transaction, "out_trade_no", ".|", fact->order_no,
                   PAY_ORDER_NO_SIZE_MAX))
    {
        return refuse(fact, "out_trade_no", PAY_ORDER_NO);
    }

    for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (pay_json_is(state, states[i].name)) {
            break;
        }
    }

    if (i == sizeof(states) / sizeof(states[0])) {
        return pay_notice_about(fact, "trade_state", PAY_NOT_PAID);
    }

    *answer = states[i].answer;

    if (states[i].verdict == PAY_NOT_PAID) {
        return pay_notice_about(fact, "trade_state", PAY_NOT_PAID);
    }

    if (!wechat_says(transaction, "trade_type", PAY_STR("NATIVE"))) {
        return refuse(fact, "trade_type", PAY_NOT_OURS);
    }

    if (!wechat_id(transaction, "transaction_id", "", fact->trade_no,
                   PAY_TRADE_NO_SIZE_MAX))
    {
        return refuse(fact, "transaction_id", PAY_TRADE_NO);
    }

    amount = pay_json_find(transaction, "amount");

    /* Not payer_total, which a coupon of WeChat's makes smaller. */

    if (!pay_json_integer(pay_json_find(amount, "total"), &fact->amount)
        || fact->amount <= 0)
    {
        return refuse(fact, "total", PAY_AMOUNT);
    }

    memcpy(fact->currency, channel->currency, PAY_CURRENCY_SIZE);

    if (states[i].verdict == PAY_REFUND) {
        return pay_notice_about(fact, "trade_state", PAY_REFUND);
    }

    if (!wechat_says(amount, "currency", pay_text(channel->currency))) {
        return pay_notice_about(fact, "currency", PAY_ODD_AMOUNT);
    }

    return PAY_PAID;
}


/* The amount is the payment's, as with a payment; how much went back is of no
 * use before a person looks. */

static pay_verdict_e
judge_refund(const pay_channel_t *channel,
    const pay_json_token_t *event_type, const pay_json_token_t *refund,
    pay_fact_t *fact)
{
    const pay_json_token_t  *amount;

    if (!wechat_says(refund, "mchid", channel->mchid)) {
        return refuse(fact, "mchid", PAY_NOT_OURS);
    }

    if (!wechat_id(refund, "out_trade_no", ".|", fact->order_no,
                   PAY_ORDER_NO_SIZE_MAX))
    {
        return refuse(fact, "out_trade_no", PAY_ORDER_NO);
    }

    if (!pay_json_is(event_type, "REFUND.SUCCESS")) {
        return pay_notice_about(fact, "event_type", PAY_NOT_PAID);
    }

    if (!wechat_id(refund, "transaction_id", "", fact->trade_no,
                   PAY_TRADE_NO_SIZE_MAX))
    {
        return refuse(fact, "transaction_id", PAY_TRADE_NO);
    }

    amount = pay_json_find(refund, "amount");

    if (!pay_json_integer(pay_json_find(amount, "total"), &fact->amount)
        || fact->amount <= 0)
    {
        return refuse(fact, "total", PAY_AMOUNT);
    }

    memcpy(fact->currency, channel->currency, PAY_CURRENCY_SIZE);

    return pay_notice_about(fact, "event_type", PAY_REFUND);
}


/* What was read so far is not handed on. */

static pay_verdict_e
refuse(pay_fact_t *fact, const char *field, pay_verdict_e verdict)
{
    memset(fact, 0, sizeof(pay_fact_t));

    return pay_notice_about(fact, field, verdict);
}


bool
wechat_id(const pay_json_token_t *object, const char *name,
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
wechat_says(const pay_json_token_t *object, const char *name,
    pay_str_t text)
{
    char    value[PAY_PID_SIZE_MAX + 1];
    size_t  size;

    return pay_json_string(pay_json_find(object, name), value, sizeof(value),
                           &size)
           && pay_str_eq(pay_str(value, size), text);
}

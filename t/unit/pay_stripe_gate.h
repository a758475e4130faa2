/*
 * Stripe's side for its tests: events, their signatures by the openssl
 * command, and what a channel of ours says of them.
 */

#ifndef FAKA_PAY_STRIPE_GATE_H_INCLUDED_
#define FAKA_PAY_STRIPE_GATE_H_INCLUDED_


#include "pay_matrix.h"


#define GATE_NOW_S       INT64_C(1767323045)
#define GATE_TIMESTAMP   "1767323045"
#define GATE_ORDER_NO    "01J0000000000000000000000A"
#define GATE_SECRET      "whsec_4f8Kq2LmXw9RtYz0BnVc"
#define GATE_OLD_SECRET  "whsec_0ld1aQ7sDf3gHj5kLzXc"
#define GATE_API_KEY     "sk_test_51abcDEFghiJKLmno"
#define GATE_SESSION     "cs_test_a11YYufWQzNY63zpQ6QSNRQhkUpVph4WRmzW0zWJO2"
#define GATE_INTENT      "pi_3PrhpZ2eZvKYlo2C1lWUQgWX"
#define GATE_TEXT_SIZE   32768
#define GATE_HEADER_SIZE 8192


static pay_crypto_t   *crypto;
static pay_channel_t   channel;


static const char  gate_event[] =
    "{\n  \"id\": \"evt_1\",\n  \"object\": \"event\",\n"
    "  \"api_version\": \"2024-06-20\",\n  \"created\": 1767323040,\n"
    "  \"type\": \"checkout.session.completed\",\n"
    "  \"livemode\": false,\n  \"pending_webhooks\": 1,\n"
    "  \"data\": {\n    \"object\": {\n      \"id\": \"" GATE_SESSION "\",\n"
    "      \"object\": \"checkout.session\",\n"
    "      \"amount_subtotal\": 991,\n      \"amount_total\": 990,\n"
    "      \"client_reference_id\": \"" GATE_ORDER_NO "\",\n"
    "      \"currency\": \"usd\",\n      \"livemode\":false,\n"
    "      \"customer_details\": {\"email\": \"a@example.com\","
    " \"name\": \"J\\u00e9r\\u00f4me \\ud83d\\ude00\"},\n"
    "      \"mode\": \"payment\",\n"
    "      \"payment_intent\": \"" GATE_INTENT "\",\n"
    "      \"payment_status\": \"paid\",\n      \"status\": \"complete\",\n"
    "      \"url\": null\n    }\n  }\n}";

static const char  gate_refund[] =
    "{\"id\":\"evt_2\",\"object\":\"event\",\"type\":\"charge.refunded\","
    "\"livemode\":false,\"data\":{\"object\":{\"id\":\"ch_1\","
    "\"object\":\"charge\",\"amount\":990,\"amount_refunded\":100,"
    "\"currency\":\"usd\",\"livemode\": false,\"metadata\":{\"order\":\""
    GATE_ORDER_NO "\"},\"payment_intent\":\"" GATE_INTENT "\","
    "\"refunded\":false},\"previous_attributes\":{\"amount_refunded\":0}}}";


/* text with the one place that says from saying to. */

__attribute__((unused))
static void
gate_replace(const char *text, const char *from, const char *to,
    char out[GATE_TEXT_SIZE])
{
    const char  *at;

    at = strstr(text, from);

    if (at == NULL || strstr(at + 1, from) != NULL) {
        printf("Bail out! \"%s\" is not once in the text\n", from);
        exit(EXIT_FAILURE);
    }

    (void) snprintf(out, GATE_TEXT_SIZE, "%.*s%s%s", (int) (at - text), text,
                    to, at + strlen(from));
}


/* The hex digits that openssl signs "TIMESTAMP.BODY" with. */

static void
gate_mac(const char *secret, const char *timestamp, const char *body,
    size_t body_size, char hex[65])
{
    char    text[GATE_TEXT_SIZE + 64], out[OPENSSL_FILE_SIZE];
    size_t  size;

    size = (size_t) snprintf(text, 64, "%s.", timestamp);
    memcpy(text + size, body, body_size);
    openssl_put("text", text, size + body_size);
    OPENSSL_MUST("openssl dgst -sha256 -hmac '%s' -r text >mac", secret);

    if (openssl_get("mac", out) < 64) {
        printf("Bail out! no MAC\n");
        exit(EXIT_FAILURE);
    }

    memcpy(hex, out, 64);
    hex[64] = '\0';
}


__attribute__((unused))
static void
gate_header(const char *body, char header[GATE_HEADER_SIZE])
{
    char  hex[65];

    gate_mac(GATE_SECRET, GATE_TIMESTAMP, body, strlen(body), hex);
    (void) snprintf(header, GATE_HEADER_SIZE, "t=" GATE_TIMESTAMP ",v1=%s",
                    hex);
}


static pay_verdict_e
gate_verify_at(const char *header, const char *body, int64_t now_s,
    pay_fact_t *fact)
{
    pay_header_t   headers[2];
    pay_notice_t   notice;
    pay_verdict_e  verdict;

    headers[0] = (pay_header_t) { PAY_STR("Content-Type"),
                                  PAY_STR("application/json") };
    headers[1] = (pay_header_t) { PAY_STR("Stripe-Signature"),
                                  pay_text(header) };
    notice = (pay_notice_t) { PAY_METHOD_POST, pay_str(NULL, 0),
                              pay_text(body), now_s, headers, 2 };

    memset(fact, 0xaa, sizeof(pay_fact_t));
    verdict = channel.protocol->verify(crypto, &channel, &notice, fact);
    matrix_judge_fact(verdict, fact);

    return verdict;
}


__attribute__((unused))
static pay_verdict_e
gate_verify(const char *header, const char *body, pay_fact_t *fact)
{
    return gate_verify_at(header, body, GATE_NOW_S, fact);
}


/* The verdict about this body, genuinely signed. */

__attribute__((unused))
static pay_verdict_e
gate_notice(const char *body, pay_fact_t *fact)
{
    char  header[GATE_HEADER_SIZE];

    gate_header(body, header);

    return gate_verify(header, body, fact);
}


static void
gate_enter(void)
{
    char  err[256];

    crypto = pay_crypto_create(err, sizeof(err));
    openssl_enter();

    channel = (pay_channel_t) {
        .protocol = pay_protocol_find(PAY_STR("stripe")),
        .name = PAY_STR("stripe"),
        .url = PAY_STR("https://api.stripe.com"),
        .key = PAY_STR(GATE_SECRET),
        .api_key = PAY_STR(GATE_API_KEY),
        .currency = "USD"
    };
}


static void
gate_leave(void)
{
    pay_crypto_destroy(crypto);
}


#endif /* FAKA_PAY_STRIPE_GATE_H_INCLUDED_ */

/*
 * Stripe's notices, genuine and under attack, and what the configuration
 * refuses.  openssl signs.
 */

#include "pay_stripe_gate.h"


/* --- genuine notices ----------------------------------------------------- */

static void
test_genuine(void)
{
    char        body[GATE_TEXT_SIZE];
    pay_fact_t  fact;

    EQ_INT(gate_notice(gate_event, &fact), PAY_PAID, "a genuine notice pays");
    EQ_STR(fact.order_no, GATE_ORDER_NO, "  the order");
    EQ_STR(fact.trade_no, GATE_INTENT, "  by this payment");
    EQ_STR(fact.ref, GATE_SESSION, "  in this session");
    EQ_STR(fact.currency, "USD", "  in dollars");
    EQ_INT(fact.amount, 990, "  what was paid in all");
    EQ_STR(fact.field, "", "  and no field is to blame");

    gate_replace(gate_event, "\"usd\"", "\"jpy\"", body);
    EQ_INT(gate_notice(body, &fact), PAY_PAID, "what has no minor units");
    EQ_STR(fact.currency, "JPY", "  is named");
    EQ_INT(fact.amount, 990, "  and counted as it is");

    gate_replace(gate_event, "\"paid\"", "\"unpaid\"", body);
    EQ_INT(gate_notice(body, &fact), PAY_NOT_PAID, "completed and unpaid");
    EQ_STR(fact.field, "payment_status", "  the field");
    gate_replace(gate_event, "session.completed",
                 "session.async_payment_succeeded", body);
    EQ_INT(gate_notice(body, &fact), PAY_PAID, "paid later");
    EQ_STR(fact.ref, GATE_SESSION, "  in this session");
}


static void
is_event(const char *type, pay_verdict_e verdict)
{
    char        body[GATE_TEXT_SIZE];
    pay_fact_t  fact;

    gate_replace(gate_event, "checkout.session.completed", type, body);
    EQ_INT(gate_notice(body, &fact), verdict, "the event \"%s\": %s", type,
           pay_verdict_word(verdict));
}


static void
test_events(void)
{
    size_t      i;
    char        body[GATE_TEXT_SIZE];
    pay_fact_t  fact;

    static const struct {
        const char     *from;
        const char     *to;
        pay_verdict_e   verdict;
        const char     *field;
    } refunds[] = {
        { "\"order\"", "\"Order\"", PAY_ORDER_NO, "metadata" },
        { "{\"order\":\"" GATE_ORDER_NO "\"}", "null", PAY_ORDER_NO,
          "metadata" },
        { GATE_ORDER_NO, "", PAY_ORDER_NO, "metadata" },
        { "\"object\":\"charge\"", "\"object\":\"refund\"", PAY_NOT_OURS,
          "object" },
        { "\"livemode\":false", "\"livemode\":true", PAY_NOT_OURS,
          "livemode" },
        { "\"livemode\": false", "\"livemode\": true", PAY_NOT_OURS,
          "livemode" },
        { "\"" GATE_INTENT "\"", "null", PAY_TRADE_NO, "payment_intent" },
        { "\"amount\":990", "\"amount\":0", PAY_AMOUNT, "amount" },
        { "\"usd\"", "\"USD\"", PAY_AMOUNT, "amount" }
    };

    is_event("checkout.session.expired", PAY_NOT_PAID);
    is_event("checkout.session.async_payment_failed", PAY_NOT_PAID);
    is_event("charge.dispute.created", PAY_NOT_PAID);
    is_event("payment_intent.succeeded", PAY_NOT_PAID);
    is_event("charge.succeeded", PAY_NOT_PAID);
    is_event("Checkout.session.completed", PAY_NOT_PAID);
    is_event("checkout.session.completed ", PAY_NOT_PAID);
    is_event("", PAY_NOT_PAID);
    is_event("charge.refunded", PAY_NOT_OURS);

    EQ_INT(gate_notice(gate_refund, &fact), PAY_REFUND, "a refund is one");
    EQ_STR(fact.order_no, GATE_ORDER_NO, "  of this order");
    EQ_STR(fact.trade_no, GATE_INTENT, "  and payment");
    EQ_INT(fact.amount, 990, "  of so many cents");
    EQ_STR(fact.currency, "USD", "  in dollars");
    EQ_STR(fact.ref, "", "  of no session by name");

    gate_replace(gate_refund, "charge.refunded", "checkout.session.completed",
                 body);
    EQ_INT(gate_notice(body, &fact), PAY_NO_STATUS,
           "a charge is no paid session");

    for (i = 0; i < sizeof(refunds) / sizeof(refunds[0]); i++) {
        gate_replace(gate_refund, refunds[i].from, refunds[i].to, body);
        EQ_INT(gate_notice(body, &fact), refunds[i].verdict,
               "a refund with %s: %s", refunds[i].to,
               pay_verdict_word(refunds[i].verdict));
        EQ_STR(fact.field, refunds[i].field, "  the field");
    }
}


/* A refund of ours that has failed, under each name that there is for that;
 * and what is none of these. */

static void
test_failures(void)
{
    size_t      i;
    char        body[GATE_TEXT_SIZE];
    pay_fact_t  fact;

    static const struct {
        const char  *from;
        const char  *to;
    } others[] = {
        { "\"failed\"", "\"succeeded\"" },
        { "\"failed\"", "\"pending\"" },
        { "\"failed\"", "null" },
        { "\"object\":\"refund\"", "\"object\":\"charge\"" },
        { "{\"order\":\"" GATE_ORDER_NO "\"}", "{}" },
        { "{\"order\":\"" GATE_ORDER_NO "\"}", "null" },
        { GATE_ORDER_NO, "" },
        { "\"re_1\"", "\"re 1\"" },
        { "\"usd\"", "\"USD\"" }
    };

    static const char  failure[] =
        "{\"id\":\"evt_3\",\"object\":\"event\",\"type\":\"refund.failed\","
        "\"livemode\":false,\"data\":{\"object\":{\"id\":\"re_1\","
        "\"object\":\"refund\",\"amount\":990,\"currency\":\"usd\","
        "\"metadata\":{\"order\":\"" GATE_ORDER_NO "\"},"
        "\"payment_intent\":\"" GATE_INTENT "\",\"status\":\"failed\"}}}";

    static const char  *types[] = {
        "refund.failed", "refund.updated", "charge.refund.updated"
    };

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        gate_replace(failure, "refund.failed", types[i], body);
        EQ_INT(gate_notice(body, &fact), PAY_UNRETURNED, "%s", types[i]);
        EQ_STR(fact.order_no, GATE_ORDER_NO, "  of this order");
        EQ_STR(fact.trade_no, "re_1", "  this refund");
        EQ_INT(fact.amount, 990, "  of so many cents");
        EQ_STR(fact.currency, "USD", "  in dollars");
        OK(!pay_verdict_acknowledged(PAY_UNRETURNED), "  is to come again");
    }

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        gate_replace(failure, others[i].from, others[i].to, body);
        EQ_INT(gate_notice(body, &fact), PAY_NOT_PAID, "with %s it is none",
               others[i].to);
        EQ_STR(fact.order_no, "", "  and says nothing");
    }

    gate_replace(failure, "\"livemode\":false", "\"livemode\":true", body);
    EQ_INT(gate_notice(body, &fact), PAY_NOT_OURS, "of another kind of money");
}


/* --- the header ---------------------------------------------------------- */

static void
header_is(const char *header, pay_verdict_e verdict, const char *what)
{
    pay_fact_t  fact;

    EQ_INT(gate_verify(header, gate_event, &fact), verdict, "%s: %s", what,
           pay_verdict_word(verdict));
    EQ_STR(fact.field, verdict == PAY_PAID ? "" : "stripe-signature",
           "  the field");
}


#define HEADER(verdict, what, ...)                                            \
    do {                                                                      \
        (void) snprintf(header, sizeof(header), __VA_ARGS__);                 \
        header_is(header, verdict, what);                                     \
    } while (0)

static void
test_header(void)
{
    char    header[GATE_HEADER_SIZE], hex[65], upper[65], zero[65];
    size_t  i;

    gate_mac(GATE_SECRET, GATE_TIMESTAMP, gate_event, strlen(gate_event),
             hex);

    for (i = 0; i < sizeof(hex); i++) {
        upper[i] = (char) toupper((unsigned char) hex[i]);
        zero[i] = i < 64 ? '0' : '\0';
    }

    HEADER(PAY_PAID, "as it comes", "t=" GATE_TIMESTAMP ",v1=%s", hex);
    HEADER(PAY_PAID, "the time last", "v1=%s,t=" GATE_TIMESTAMP, hex);
    HEADER(PAY_PAID, "with another scheme",
           "t=" GATE_TIMESTAMP ",v1=%s,v0=%s", hex, zero);
    HEADER(PAY_PAID, "with a scheme of tomorrow",
           "t=" GATE_TIMESTAMP ",v2=%s,v1=%s,x", zero, hex);
    HEADER(PAY_PAID, "the second v1 right",
           "t=" GATE_TIMESTAMP ",v1=%s,v1=%s", zero, hex);
    HEADER(PAY_PAID, "the first v1 right",
           "t=" GATE_TIMESTAMP ",v1=%s,v1=%s", hex, zero);

    HEADER(PAY_UNSIGNED, "nothing", "%s", "");
    HEADER(PAY_UNSIGNED, "no v1", "t=" GATE_TIMESTAMP);
    HEADER(PAY_UNSIGNED, "only v0", "t=" GATE_TIMESTAMP ",v0=%s", hex);
    HEADER(PAY_UNSIGNED, "V1", "t=" GATE_TIMESTAMP ",V1=%s", hex);
    HEADER(PAY_UNSIGNED, "a blank before v1", "t=" GATE_TIMESTAMP ", v1=%s",
           hex);
    HEADER(PAY_SIGNATURE, "an empty v1", "t=" GATE_TIMESTAMP ",v1=");
    HEADER(PAY_SIGNATURE, "a cut v1", "t=" GATE_TIMESTAMP ",v1=%.63s", hex);
    HEADER(PAY_SIGNATURE, "a longer v1", "t=" GATE_TIMESTAMP ",v1=%s0", hex);
    HEADER(PAY_SIGNATURE, "a blank behind", "t=" GATE_TIMESTAMP ",v1=%s ",
           hex);
    HEADER(PAY_SIGNATURE, "upper case", "t=" GATE_TIMESTAMP ",v1=%s", upper);
    HEADER(PAY_SIGNATURE, "another time", "t=1767323046,v1=%s", hex);
    HEADER(PAY_MALFORMED, "no time", "v1=%s", hex);
    HEADER(PAY_MALFORMED, "an empty time", "t=,v1=%s", hex);
    HEADER(PAY_MALFORMED, "two times", "t=" GATE_TIMESTAMP ",t="
           GATE_TIMESTAMP ",v1=%s", hex);
    HEADER(PAY_MALFORMED, "two times, the last one right",
           "t=1,v1=%s,t=" GATE_TIMESTAMP, hex);
    HEADER(PAY_MALFORMED, "a time and letters", "t=" GATE_TIMESTAMP
           "abc,v1=%s", hex);
    HEADER(PAY_MALFORMED, "a signed time", "t=+" GATE_TIMESTAMP ",v1=%s",
           hex);
    HEADER(PAY_MALFORMED, "a time of 20 digits",
           "t=00000000001767323045,v1=%s", hex);
    HEADER(PAY_MALFORMED, "semicolons", "t=" GATE_TIMESTAMP ";v1=%s", hex);
}


static void
test_many(void)
{
    char    header[GATE_HEADER_SIZE], hex[65];
    size_t  i, size, count;

    gate_mac(GATE_SECRET, GATE_TIMESTAMP, gate_event, strlen(gate_event),
             hex);

    for (count = 15; count <= 40; count += count == 15 ? 1 : 24) {
        size = (size_t) sprintf(header, "t=" GATE_TIMESTAMP);

        for (i = 0; i < count; i++) {
            size += (size_t) sprintf(header + size, ",v1=%064d", 0);
        }

        (void) sprintf(header + size, ",v1=%s", hex);
        header_is(header, count < 16 ? PAY_PAID : PAY_MALFORMED,
                  count < 16 ? "sixteen signatures" : "more than sixteen");
    }

    memset(header, ',', sizeof(header));
    header[4097] = '\0';
    header_is(header, PAY_MALFORMED, "a header too long");
}


static void
test_headers(void)
{
    size_t         i;
    pay_fact_t     fact;
    pay_notice_t   notice;
    char           value[GATE_HEADER_SIZE];
    pay_header_t   headers[2];

    static const struct {
        const char     *name;
        size_t          count;
        pay_verdict_e   verdict;
    } cases[] = {
        { "Stripe-Signature", 1, PAY_PAID },
        { "STRIPE-SIGNATURE", 1, PAY_PAID },
        { "stripe_signature", 1, PAY_UNSIGNED },
        { "X-Stripe-Signature", 1, PAY_UNSIGNED },
        { "Stripe-Signature", 2, PAY_DUPLICATE },
        { "Stripe-Signature", 0, PAY_UNSIGNED }
    };

    gate_header(gate_event, value);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        headers[0] = (pay_header_t) { pay_text(cases[i].name),
                                      pay_text(value) };
        headers[1] = (pay_header_t) { PAY_STR("stripe-signature"),
                                      PAY_STR("t=1,v1=x") };
        notice = (pay_notice_t) { PAY_METHOD_POST, pay_str(NULL, 0),
                                  pay_text(gate_event), GATE_NOW_S, headers,
                                  cases[i].count };
        EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
               cases[i].verdict, "%zu of %s: %s", cases[i].count,
               cases[i].name, pay_verdict_word(cases[i].verdict));
    }

    notice.header_count = 1;
    notice.query = PAY_STR("a=1");
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_MALFORMED, "a query beside the body");
    notice.query = pay_str(NULL, 0);
    notice.method = PAY_METHOD_GET;
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_METHOD, "GET");
}


/* --- time and key -------------------------------------------------------- */

static void
test_time(void)
{
    char        header[GATE_HEADER_SIZE];
    size_t      i;
    pay_fact_t  fact;

    static const struct {
        int64_t        later_s;
        pay_verdict_e  verdict;
    } cases[] = {
        { 299, PAY_PAID }, { 300, PAY_PAID }, { 301, PAY_STALE },
        { -299, PAY_PAID }, { -300, PAY_PAID }, { -301, PAY_STALE },
        { -31536000, PAY_STALE }
    };

    gate_header(gate_event, header);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EQ_INT(gate_verify_at(header, gate_event,
                              GATE_NOW_S + cases[i].later_s, &fact),
               cases[i].verdict, "%" PRId64 " s later: %s", cases[i].later_s,
               pay_verdict_word(cases[i].verdict));
    }
}


static void
test_secrets(void)
{
    char        header[GATE_HEADER_SIZE], hex[65];
    size_t      i;
    pay_fact_t  fact;

    static const char *const  wrong[] = {
        GATE_OLD_SECRET, "4f8Kq2LmXw9RtYz0BnVc", GATE_API_KEY, ""
    };

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        gate_mac(wrong[i], GATE_TIMESTAMP, gate_event, strlen(gate_event),
                 hex);
        (void) snprintf(header, sizeof(header), "t=" GATE_TIMESTAMP ",v1=%s",
                        hex);
        EQ_INT(gate_verify(header, gate_event, &fact), PAY_SIGNATURE,
               "signed with \"%s\"", wrong[i]);
    }

    gate_mac(GATE_OLD_SECRET, GATE_TIMESTAMP, gate_event, strlen(gate_event),
             hex);
    (void) snprintf(header, sizeof(header), "t=" GATE_TIMESTAMP ",v1=%s",
                    hex);
    channel.key_previous = PAY_STR(GATE_OLD_SECRET);
    EQ_INT(gate_verify(header, gate_event, &fact), PAY_PAID,
           "the previous secret is good");
    EQ_INT(gate_notice(gate_event, &fact), PAY_PAID, "the current one, too");
    channel.key_previous = pay_str(NULL, 0);

    channel.api_key = PAY_STR("sk_live_51abcDEFghiJKLmno");
    EQ_INT(gate_notice(gate_event, &fact), PAY_NOT_OURS,
           "play money in a live shop");
    EQ_STR(fact.field, "livemode", "  the field");
    channel.api_key = PAY_STR(GATE_API_KEY);
}


/* --- the body ------------------------------------------------------------ */

static void
body_is(const char *from, const char *to, pay_verdict_e verdict,
    const char *field)
{
    char        header[GATE_HEADER_SIZE], body[GATE_TEXT_SIZE];
    pay_fact_t  fact;

    gate_header(gate_event, header);
    gate_replace(gate_event, from, to, body);

    EQ_INT(gate_verify(header, body, &fact), PAY_SIGNATURE,
           "%s for %s, signature kept: wrong", to, from);
    EQ_INT(gate_notice(body, &fact), verdict, "  genuinely signed: %s",
           pay_verdict_word(verdict));
    EQ_STR(fact.field, field, "  the field");
}


static void
test_session(void)
{
    body_is("\"livemode\": false", "\"livemode\": true", PAY_NOT_OURS,
            "livemode");
    body_is("\"livemode\": false", "\"livemode\": \"false\"", PAY_NOT_OURS,
            "livemode");
    body_is("\"pending_webhooks\": 1", "\"account\": \"acct_1\"",
            PAY_NOT_OURS, "account");
    body_is("\"pending_webhooks\": 1", "\"account\": null", PAY_PAID, "");
    body_is("\"livemode\": false", "\"Livemode\": false", PAY_NOT_OURS,
            "livemode");
    body_is("\"livemode\":false", "\"livemode\":true", PAY_NOT_OURS,
            "livemode");
    body_is("\"livemode\":false", "\"livemode\":null", PAY_NOT_OURS,
            "livemode");
    body_is("\"type\"", "\"typ\"", PAY_NO_STATUS, "type");
    body_is("\"data\"", "\"Data\"", PAY_NO_STATUS, "payment_status");
    body_is("\"checkout.session\"", "\"checkout.sessions\"", PAY_NOT_OURS,
            "object");
    body_is("\"payment\"", "\"subscription\"", PAY_NOT_OURS, "mode");
    body_is("\"mode\": \"payment\"", "\"mode\": null", PAY_NOT_OURS, "mode");
    body_is("\"" GATE_SESSION "\"", "\"\"", PAY_NOT_OURS, "id");
    body_is("\"" GATE_SESSION "\"", "\"cs test\"", PAY_NOT_OURS, "id");
    body_is("\"" GATE_SESSION "\"", "{}", PAY_NOT_OURS, "id");
    body_is("\"client_reference_id\"", "\"client_reference\"", PAY_ORDER_NO,
            "client_reference_id");
    body_is("\"" GATE_ORDER_NO "\"", "null", PAY_ORDER_NO,
            "client_reference_id");
    body_is("\"" GATE_ORDER_NO "\"", "\"\"", PAY_ORDER_NO,
            "client_reference_id");
    body_is("\"" GATE_ORDER_NO "\"", "\"../x\"", PAY_ORDER_NO,
            "client_reference_id");
    body_is("\"" GATE_ORDER_NO "\"", "\"a\\u0000\"", PAY_ORDER_NO,
            "client_reference_id");
    body_is("\"" GATE_INTENT "\"", "null", PAY_TRADE_NO, "payment_intent");
    body_is("\"" GATE_INTENT "\"", "\"\"", PAY_TRADE_NO, "payment_intent");
    body_is("\"" GATE_INTENT "\"", "[\"pi_1\"]", PAY_TRADE_NO,
            "payment_intent");
    body_is("\"paid\"", "\"no_payment_required\"", PAY_NOT_PAID,
            "payment_status");
    body_is("\"paid\"", "\"PAID\"", PAY_NOT_PAID, "payment_status");
    body_is("\"paid\"", "true", PAY_NO_STATUS, "payment_status");
    body_is("\"payment_status\"", "\"status_\"", PAY_NO_STATUS,
            "payment_status");
    body_is("\"amount_total\"", "\"total\"", PAY_AMOUNT, "amount_total");
    body_is("990", "0", PAY_AMOUNT, "amount_total");
    body_is("990", "-990", PAY_AMOUNT, "amount_total");
    body_is("990", "990.0", PAY_AMOUNT, "amount_total");
    body_is("990", "9.9e2", PAY_AMOUNT, "amount_total");
    body_is("990", "\"990\"", PAY_AMOUNT, "amount_total");
    body_is("990", "989", PAY_PAID, "");
    body_is("\"usd\"", "\"USD\"", PAY_AMOUNT, "amount_total");
    body_is("\"usd\"", "\"usdt\"", PAY_AMOUNT, "amount_total");
    body_is("\"usd\"", "\"us\"", PAY_AMOUNT, "amount_total");
    body_is("\"usd\"", "null", PAY_AMOUNT, "amount_total");
    body_is("\"status\": \"complete\"",
            "\"amount_total\": 1, \"status\": \"complete\"", PAY_DUPLICATE,
            "");
    body_is("\"status\": \"complete\"",
            "\"amount\\u005ftotal\": 1, \"status\": \"complete\"",
            PAY_DUPLICATE, "");
    body_is("\"url\": null", "\"url\": null }", PAY_MALFORMED, "");
    body_is("\"url\": null", "\"url\": ", PAY_MALFORMED, "");
    body_is("\"url\": null", "\"url\":null", PAY_PAID, "");
    body_is("\"J\\u00e9r\\u00f4me", "\"J\xe9r", PAY_MALFORMED, "");
}


static void
test_bits(void)
{
    char        header[GATE_HEADER_SIZE], body[sizeof(gate_event)];
    size_t      bit, wrong, size;
    pay_fact_t  fact;

    gate_header(gate_event, header);
    size = strlen(header);

    for (bit = 0, wrong = 0; bit < 8 * size; bit++) {
        header[bit / 8] ^= (char) (1 << bit % 8);
        wrong += pay_verdict_acknowledged(gate_verify(header, gate_event,
                                                      &fact));
        header[bit / 8] ^= (char) (1 << bit % 8);
    }

    EQ_INT(wrong, 0, "the header with any bit flipped: refused");
    memcpy(body, gate_event, sizeof(body));

    for (bit = 0, wrong = 0; bit < 8 * (sizeof(body) - 1); bit++) {
        body[bit / 8] ^= (char) (1 << bit % 8);
        wrong += gate_verify(header, body, &fact) != PAY_SIGNATURE;
        body[bit / 8] ^= (char) (1 << bit % 8);
    }

    EQ_INT(wrong, 0, "the body with any bit flipped: wrong signature");

    for (size = 0, wrong = 0; size < sizeof(body) - 1; size += 7) {
        memcpy(body, gate_event, sizeof(body));
        body[size] = '\0';
        wrong += gate_verify(header, body, &fact) != PAY_SIGNATURE;
    }

    EQ_INT(wrong, 0, "the body cut anywhere: wrong signature");
}


/* --- configuration ------------------------------------------------------- */

static void
refused(pay_channel_t changed, const char *what, const char *says)
{
    char  err[512] = "";

    OK(!pay_channel_check(&changed, err, sizeof(err)), "refused: %s", what);
    OK(strstr(err, says) != NULL, "  saying: %s", err);
}


#define REFUSED(member, value, what, says)                                    \
    do {                                                                      \
        pay_channel_t  changed = channel;                                     \
        changed.member = (value);                                             \
        refused(changed, what, says);                                         \
    } while (0)

static void
test_check(void)
{
    char           err[512] = "";
    size_t         i;
    pay_channel_t  one;

    static const char *const  keys[] = {
        "sk_test_51abcDEFghi", "rk_test_51abcDEFghi", "sk_live_51abcDEFghi",
        "rk_live_51abcDEFghi"
    };

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        one = channel;
        one.api_key = pay_text(keys[i]);
        OK(pay_channel_check(&one, err, sizeof(err)), "%.8s is good",
           keys[i]);
    }

    REFUSED(api_key, PAY_STR("pk_live_51abcDEFghi"), "a publishable key",
            "publishable");
    REFUSED(api_key, PAY_STR("pk_test_51abcDEFghi"), "one for play money",
            "publishable");
    REFUSED(api_key, PAY_STR(GATE_SECRET), "the secrets swapped",
            "sk_live_");
    REFUSED(api_key, PAY_STR("sk_51abcDEFghi"), "a key of no kind",
            "sk_live_");
    REFUSED(api_key, PAY_STR("sk_live_"), "a key of a prefix", "sk_live_");
    REFUSED(api_key, PAY_STR(""), "no key", "sk_live_");
    REFUSED(key, PAY_STR(GATE_API_KEY), "the API key as signing secret",
            "whsec_");
    REFUSED(key, PAY_STR(""), "no signing secret", "whsec_");
    REFUSED(key, PAY_STR("whsec_"), "one of a prefix", "whsec_");
    REFUSED(key_previous, PAY_STR(GATE_API_KEY), "  as the previous one",
            "whsec_");
    REFUSED(key_previous, channel.key, "the same secret twice", "equals");
    REFUSED(url, PAY_STR("https://api.stripe.com/v1"), "a path",
            "without a path");
    REFUSED(url, PAY_STR("api.stripe.com"), "no scheme", "\"url\"");

    one = channel;
    memcpy(one.currency, "ISK", 4);
    refused(one, "kronur", "ISK");
    memcpy(one.currency, "UGX", 4);
    refused(one, "shillings", "UGX");
    memcpy(one.currency, "JPY", 4);
    OK(pay_channel_check(&one, err, sizeof(err)), "yen are good");
}


int
main(void)
{
    gate_enter();

    test_genuine();
    test_events();
    test_failures();
    test_header();
    test_many();
    test_headers();
    test_time();
    test_secrets();
    test_session();
    test_bits();
    test_check();

    gate_leave();

    return tap_done();
}

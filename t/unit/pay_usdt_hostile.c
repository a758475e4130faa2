/*
 * Notices of epusdt's JSON forms, genuine and under attack: every member
 * mutated, once without the key and once genuinely signed; numbers in all
 * spellings; the other hash; our own requests.  openssl signs.
 */

#include "pay_usdt_gate.h"


static const signer_field_t  genuine[] = {
    { "pid", "1000", 0 },
    { "trade_id", GATE_TRADE_NO, 0 },
    { "order_id", REPLY_ORDER_NO, 0 },
    { "amount", "#9.9", 0 },
    { "actual_amount", "#1.4231", 0 },
    { "receive_address", "TTestTronAddress001", 0 },
    { "token", "USDT", 0 },
    { "block_transaction_id", "0xabc123", 0 },
    { "status", "#2", 0 }
};

#define GENUINE_COUNT  (sizeof(genuine) / sizeof(genuine[0]))


static pay_verdict_e
verify_fact(const pay_channel_t *channel, const char *body, pay_fact_t *fact)
{
    pay_verdict_e  verdict;
    pay_notice_t   notice = {
        PAY_METHOD_POST, pay_str(NULL, 0), pay_str(body, strlen(body)), 0,
        NULL, 0
    };

    verdict = channel->protocol->verify(crypto, channel, &notice, fact);
    matrix_judge_fact(verdict, fact);

    return verdict;
}


static pay_verdict_e
verify(const char *body)
{
    pay_fact_t  fact;

    return verify_fact(&gmpay, body, &fact);
}


static pay_verdict_e
verify_with(const char *name, const char *value)
{
    char            body[REPLY_BODY_SIZE];
    size_t          count;
    matrix_t        single;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    memset(&single, 0, sizeof(single));
    single.genuine = genuine;
    single.count = GENUINE_COUNT;
    count = matrix_with(&single, fields, name, value, 0);
    gate_body(fields, count, SIGNER_KEY, false, body);

    return verify(body);
}


static void
test_genuine(void)
{
    char            body[REPLY_BODY_SIZE];
    pay_fact_t      fact;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    gate_body(genuine, GENUINE_COUNT, SIGNER_KEY, false, body);
    EQ_INT(verify_fact(&gmpay, body, &fact), PAY_PAID, "a notice pays");
    EQ_STR(fact.order_no, REPLY_ORDER_NO, "  the order");
    EQ_STR(fact.trade_no, GATE_TRADE_NO, "  the trade");
    EQ_INT(fact.amount, 990, "  the amount, not that of the coins");
    EQ_STR(fact.currency, "CNY", "  the currency");
    EQ_STR(fact.ref, "", "  and no other number");

    memcpy(fields, genuine + 1, sizeof(genuine) - sizeof(genuine[0]));
    gate_body(fields, GENUINE_COUNT - 1, SIGNER_KEY, false, body);
    EQ_INT(verify_fact(&bepusdt, body, &fact), PAY_PAID, "BEpusdt's pays");
    EQ_INT(verify_fact(&gmpay, body, &fact), PAY_NOT_OURS,
           "  which is not GMPay's, for it has no pid");

    fields[GENUINE_COUNT - 2].value = "#1";
    gate_body(fields, GENUINE_COUNT - 1, SIGNER_KEY, false, body);
    EQ_INT(verify_fact(&bepusdt, body, &fact), PAY_NOT_PAID,
           "waiting is no payment, and is acknowledged");
    fields[GENUINE_COUNT - 2].value = "#3";
    gate_body(fields, GENUINE_COUNT - 1, SIGNER_KEY, false, body);
    EQ_INT(verify_fact(&bepusdt, body, &fact), PAY_NOT_PAID,
           "nor is an end without one");
}


/* --- without the key ----------------------------------------------------- */

static void
test_unsigned(void)
{
    int             mutation;
    char            body[REPLY_BODY_SIZE], texts[128], sign[64];
    size_t          i, bit, count, size, wrong;
    matrix_t        single;
    pay_fact_t      fact;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    memset(&single, 0, sizeof(single));
    single.genuine = genuine;
    single.count = GENUINE_COUNT;
    gate_body(genuine, GENUINE_COUNT, SIGNER_KEY, false, body);
    (void) snprintf(sign, sizeof(sign), "%.32s",
                    strstr(body, "\"signature\":\"") + 13);

    for (i = 0; i < GENUINE_COUNT; i++) {
        for (mutation = 0; mutation < MATRIX_COUNT; mutation++) {
            count = matrix_mutate(&single, i, mutation, fields, texts);
            fields[count] = (signer_field_t) { "signature", sign, 0 };
            reply_json(fields, count + 1, body);

            /* "#" alone is no JSON; it is a number cut to nothing. */

            if (mutation == MATRIX_RECODED
                || (mutation == MATRIX_TRUNCATED
                    && strcmp(fields[i].value, "#") == 0))
            {
                continue;
            }

            /* "9." is no number either. */

            EQ_INT(verify(body),
                   strcmp(fields[i].value, "#9.") == 0 ? PAY_MALFORMED
                   : matrix_unsigned_verdicts[mutation],
                   "%s %s, signature kept", genuine[i].name,
                   matrix_words[mutation]);
        }
    }

    gate_body(genuine, GENUINE_COUNT, SIGNER_KEY, false, body);
    size = strlen(body);
    wrong = 0;

    for (i = 0; i < size; i++) {
        for (bit = 0; bit < 7; bit++) {
            body[i] = (char) (body[i] ^ (1 << bit));
            wrong += body[i] != '\0'
                     && pay_verdict_acknowledged(verify_fact(&gmpay, body,
                                                             &fact));
            body[i] = (char) (body[i] ^ (1 << bit));
        }
    }

    EQ_INT(wrong, 0, "with any bit flipped: refused");

    for (i = 0, wrong = 0; i < size; i++) {
        char  kept = body[i];

        body[i] = '\0';
        wrong += pay_verdict_acknowledged(verify(body));
        body[i] = kept;
    }

    EQ_INT(wrong, 0, "cut anywhere: refused");
}


static void
test_signature(void)
{
    char           body[REPLY_BODY_SIZE], *at;
    size_t         i;
    pay_fact_t     fact;
    pay_channel_t  hmac;

    gate_body(genuine, GENUINE_COUNT, SIGNER_KEY, true, body);
    EQ_INT(verify(body), PAY_SIGNATURE, "HMAC where MD5 is pinned");
    hmac = gmpay;
    hmac.hash.hash = PAY_HASH_HMAC_SHA256;
    EQ_INT(verify_fact(&hmac, body, &fact), PAY_PAID, "  right where HMAC is");
    gate_body(genuine, GENUINE_COUNT, SIGNER_KEY, false, body);
    EQ_INT(verify_fact(&hmac, body, &fact), PAY_SIGNATURE,
           "  where MD5 is not");

    at = strstr(body, "\"signature\":\"") + 13;

    for (i = 0; i < 32; i++) {
        at[i] = (char) toupper((unsigned char) at[i]);
    }

    EQ_INT(verify(body), PAY_SIGNATURE, "digits in upper case");

    gate_body(genuine, GENUINE_COUNT, "", false, body);
    EQ_INT(verify(body), PAY_SIGNATURE, "the empty key");
    gate_body(genuine, GENUINE_COUNT, "p8uS1lWv6PoQ3rKy7MbC", false, body);
    EQ_INT(verify(body), PAY_SIGNATURE, "another key");
    gmpay.key_previous = PAY_STR("p8uS1lWv6PoQ3rKy7MbC");
    EQ_INT(verify(body), PAY_PAID, "  which may be the previous one");
    gmpay.key_previous = pay_str(NULL, 0);

    reply_json(genuine, GENUINE_COUNT, body);
    EQ_INT(verify(body), PAY_UNSIGNED, "no signature");
    gate_body(genuine, GENUINE_COUNT, SIGNER_KEY, false, body);
    at = strstr(body, "\"signature\":\"");
    (void) strcpy(at, "\"signature\":\"\"}");
    EQ_INT(verify(body), PAY_UNSIGNED, "an empty one");
    (void) strcpy(at, "\"signature\":null}");
    EQ_INT(verify(body), PAY_UNSIGNED, "one that is null");
    (void) strcpy(at, "\"signature\":[\"a\"]}");
    EQ_INT(verify(body), PAY_MALFORMED, "one in an array");
}


/* --- with the key -------------------------------------------------------- */

static void
test_values(void)
{
    size_t  i;

#define N64  "0123456789012345678901234567890123456789012345678901234567890123"

    static const struct {
        const char     *name;
        const char     *value;
        pay_verdict_e   verdict;
    } cases[] = {
        { "pid", "1001", PAY_NOT_OURS }, { "pid", "#1000", PAY_PAID },
        { "pid", "", PAY_NOT_OURS },
        { "status", "2", PAY_PAID }, { "status", "#1", PAY_NOT_PAID },
        { "status", "#3", PAY_NOT_PAID }, { "status", "#22", PAY_NOT_PAID },
        { "status", "", PAY_NO_STATUS },
        { "amount", "9.90", PAY_PAID }, { "amount", "#9", PAY_PAID },
        { "amount", "9.905", PAY_ODD_AMOUNT },
        { "amount", "1e1", PAY_AMOUNT }, { "amount", "+1", PAY_AMOUNT },
        { "amount", "", PAY_AMOUNT }, { "amount", "9,90", PAY_AMOUNT },
        { "amount", "09.90", PAY_AMOUNT },
        { "amount", "#1e1", PAY_MALFORMED },
        { "amount", "#-9.9", PAY_MALFORMED },
        { "amount", "#true", PAY_MALFORMED },
        { "amount", "#[9.9]", PAY_MALFORMED },
        { "amount", "#{}", PAY_MALFORMED },
        { "order_id", "../../etc/passwd", PAY_ORDER_NO },
        { "order_id", "1' OR '1'='1", PAY_ORDER_NO },
        { "order_id", "", PAY_ORDER_NO },
        { "order_id", N64 "4", PAY_ORDER_NO },
        { "trade_id", "", PAY_TRADE_NO }, { "trade_id", "1/2", PAY_TRADE_NO },
        { "trade_id", N64 "4", PAY_TRADE_NO },
        { "notify_url", "https://x", PAY_REFLECTED },
        { "redirect_url", "https://x", PAY_REFLECTED },
        { "currency", "cny", PAY_REFLECTED },
        { "token", "x&status=2", PAY_MALFORMED },
        { "token", "x&amount=0.01", PAY_MALFORMED },
        { "token", "x&order_id=1", PAY_MALFORMED },
        { "AMOUNT", "0.01", PAY_PAID }, { "zzz", "1", PAY_PAID }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EQ_INT(verify_with(cases[i].name, cases[i].value), cases[i].verdict,
               "signed %s=%s: %s", cases[i].name, cases[i].value,
               pay_verdict_word(cases[i].verdict));
    }
}


/* Numbers that Go signs in their shortest form, whatever they looked like. */

static void
test_numbers(void)
{
    char        sign[OPENSSL_SIGN_SIZE], body[1024], text[512];
    size_t      i;
    pay_fact_t  fact;

    static const struct {
        const char  *written;
        const char  *is_signed;
        int64_t      amount;
    } cases[] = {
        { "100.00", "100", 10000 }, { "100", "100", 10000 },
        { "28.880", "28.88", 2888 }, { "28.88", "28.88", 2888 },
        { "0.10", "0.1", 10 }, { "10", "10", 1000 }, { "0", "0", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void) snprintf(text, sizeof(text), "amount=%s&order_id=1&pid=1000"
                        "&status=2&trade_id=7", cases[i].is_signed);
        gate_sign(text, strlen(text), SIGNER_KEY, false, sign);
        (void) snprintf(body, sizeof(body), "{\"status\":2.0,\"pid\":\"1000\""
                        ",\"order_id\":\"1\",\"trade_id\":\"7\",\"x\":null,"
                        "\"amount\":%s,\"signature\":\"%s\"}",
                        cases[i].written, sign);
        EQ_INT(verify_fact(&gmpay, body, &fact), PAY_PAID, "%s signs as %s",
               cases[i].written, cases[i].is_signed);
        EQ_INT(fact.amount, cases[i].amount, "  and is this sum");
    }
}


/* What we send to the gateway, sent to ourselves. */

static void
test_reflection(void)
{
    size_t                i;
    pay_ask_t             question;
    pay_fact_t            fact;
    pay_notice_t          notice;
    pay_request_t         request;
    unsigned char         buffer[PAY_REQUEST_SIZE_MAX];
    const pay_channel_t  *channels[] = { &gmpay, &bepusdt };

    for (i = 0; i < 2; i++) {
        question = reply_asked(PAY_ASK_START);
        OK(channels[i]->protocol->ask(crypto, channels[i], &question, buffer,
                                      &request), "a request of ours");
        memset(&notice, 0, sizeof(notice));
        notice.method = PAY_METHOD_POST;
        notice.body = request.body;
        EQ_INT(channels[i]->protocol->verify(crypto, channels[i], &notice,
                                             &fact),
               PAY_REFLECTED, "  is no notice");
    }

    question = reply_asked(PAY_ASK_CLOSE);
    question.ref = PAY_STR(GATE_TRADE_NO);
    OK(bepusdt.protocol->ask(crypto, &bepusdt, &question, buffer, &request),
       "a close");
    notice.body = request.body;
    EQ_INT(bepusdt.protocol->verify(crypto, &bepusdt, &notice, &fact),
           PAY_NO_STATUS, "  is none either");
}


static void
test_carriers(void)
{
    char          body[REPLY_BODY_SIZE];
    pay_fact_t    fact;
    pay_notice_t  notice;

    gate_body(genuine, GENUINE_COUNT, SIGNER_KEY, false, body);
    memset(&notice, 0, sizeof(notice));
    notice.body = pay_text(body);

    notice.method = PAY_METHOD_GET;
    EQ_INT(gmpay.protocol->verify(crypto, &gmpay, &notice, &fact), PAY_METHOD,
           "by GET: refused");
    notice.method = 0;
    EQ_INT(gmpay.protocol->verify(crypto, &gmpay, &notice, &fact), PAY_METHOD,
           "by another method: refused");
    notice.method = PAY_METHOD_POST;
    notice.query = PAY_STR("amount=0.01");
    EQ_INT(gmpay.protocol->verify(crypto, &gmpay, &notice, &fact),
           PAY_MALFORMED, "with a query: refused");

    EQ_INT(verify(""), PAY_MALFORMED, "an empty body");
    EQ_INT(verify("[]"), PAY_MALFORMED, "an array");
    EQ_INT(verify("{}"), PAY_UNSIGNED, "an empty object");
    EQ_INT(verify("{\"a b\":1}"), PAY_MALFORMED, "a name with a blank");
    EQ_INT(verify("{\"\\u0061\":1}"), PAY_MALFORMED, "an escaped name");
    EQ_INT(verify("{\"a\":\"\\u0000\"}"), PAY_MALFORMED, "a NUL");
    EQ_INT(verify("{\"amount\":1,\"amount\":1}"), PAY_DUPLICATE,
           "a member twice");
    EQ_INT(verify("amount=1&status=2"), PAY_MALFORMED, "a form");
}


int
main(void)
{
    gate_enter();

    test_genuine();
    test_unsigned();
    test_signature();
    test_values();
    test_numbers();
    test_reflection();
    test_carriers();

    pay_crypto_destroy(crypto);

    return tap_done();
}

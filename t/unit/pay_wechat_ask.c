/*
 * WeChat Pay: what is asked, as openssl and a comparison see it, and what
 * replies prove.
 */

#include "pay_wechat_gate.h"


#define NOTIFY_URL  "https://shop.example/notify/wechat"
#define RETURN_URL  "https://shop.example/return/1"
#define REFUND_NO   "R0000000001"
#define TRADE_NO    "4200001234202601020000000001"


static const pay_ask_t  question_template = {
    .order_no = { (const unsigned char *) GATE_ORDER_NO, 26 },
    .amount = 990,
    .currency = "CNY",
    .trade_no = { (const unsigned char *) TRADE_NO, sizeof(TRADE_NO) - 1 },
    .refund_no = { (const unsigned char *) REFUND_NO, 11 },
    .refund_amount = 100,
    .paid_amount = 990,
    .notify_url = { (const unsigned char *) NOTIFY_URL,
                    sizeof(NOTIFY_URL) - 1 },
    .return_url = { (const unsigned char *) RETURN_URL,
                    sizeof(RETURN_URL) - 1 },
    .now_s = GATE_NOW_S,
    .expires_s = GATE_NOW_S + 900
};


/* --- questions ----------------------------------------------------------- */

/* The text between two others in headers; "" if there is none. */

static void
between(pay_str_t text, const char *before, const char *after, char *out,
    size_t out_size)
{
    char         whole[4096];
    const char  *from, *to;

    (void) snprintf(whole, sizeof(whole), "%.*s", (int) text.size,
                    (const char *) text.data);
    from = strstr(whole, before);
    to = from != NULL ? strstr(from + strlen(before), after) : NULL;
    out[0] = '\0';

    if (to != NULL) {
        from += strlen(before);
        (void) snprintf(out, out_size, "%.*s", (int) (to - from), from);
    }
}


static void
expect_signed(const pay_request_t *request)
{
    char    nonce[128], sign[OPENSSL_SIGN_SIZE], text[4096];
    size_t  size;

    between(request->headers, "nonce_str=\"", "\"", nonce, sizeof(nonce));
    between(request->headers, "signature=\"", "\"", sign, sizeof(sign));
    EQ_INT(strlen(nonce), 32, "  with a nonce");

    size = (size_t) snprintf(text, sizeof(text), "%s\n%.*s\n" GATE_TIMESTAMP
                             "\n%s\n%.*s\n", request->method,
                             (int) request->target.size,
                             (const char *) request->target.data, nonce,
                             (int) request->body.size,
                             (const char *) request->body.data);
    OK(openssl_verifies("own", text, size, sign),
       "  the signature is right, openssl says");
}


static void
expect_headers(const pay_request_t *request, const char *serial_line)
{
    char  want[4096], nonce[128], sign[OPENSSL_SIGN_SIZE];

    between(request->headers, "nonce_str=\"", "\"", nonce, sizeof(nonce));
    between(request->headers, "signature=\"", "\"", sign, sizeof(sign));

    (void) snprintf(want, sizeof(want),
                    "Authorization: WECHATPAY2-SHA256-RSA2048 mchid=\""
                    GATE_MCHID "\",nonce_str=\"%s\",signature=\"%s\","
                    "timestamp=\"" GATE_TIMESTAMP "\",serial_no=\""
                    GATE_OWN_SERIAL "\"\r\nAccept: application/json\r\n"
                    "%s%s", nonce, sign, request->body.size != 0
                    ? "Content-Type: application/json\r\n" : "", serial_line);
    EQ_MEM(request->headers.data, request->headers.size, want, strlen(want),
           "  with these headers");
}


static void
expect_request(pay_ask_e what, const char *method, const char *target,
    const char *body)
{
    pay_ask_t       question;
    pay_request_t   request;
    unsigned char   buffer[PAY_REQUEST_SIZE_MAX];

    question = question_template;
    question.what = what;

    if (!OK(channel.protocol->ask(crypto, &channel, &question, buffer,
                                  &request), "%s can be asked",
            pay_ask_word(what)))
    {
        return;
    }

    EQ_STR(request.method, method, "  by %s", method);
    EQ_MEM(request.target.data, request.target.size, target, strlen(target),
           "  at %s", target);
    EQ_MEM(request.body.data, request.body.size, body, strlen(body),
           "  saying %s", body);
    expect_signed(&request);
    expect_headers(&request, "Wechatpay-Serial: " GATE_KEY_ID "\r\n");
}


static void
test_questions(void)
{
    pay_ask_t       question;
    pay_channel_t   old;
    pay_request_t   request;
    unsigned char   buffer[PAY_REQUEST_SIZE_MAX];

    EQ_INT(pay_channel_asks(&channel), (1u << PAY_ASK_COUNT) - 1,
           "all can be asked");

    expect_request(PAY_ASK_START, "POST", "/v3/pay/transactions/native",
                   "{\"appid\":\"" GATE_APP_ID "\",\"mchid\":\"" GATE_MCHID
                   "\",\"description\":\"order " GATE_ORDER_NO "\","
                   "\"out_trade_no\":\"" GATE_ORDER_NO "\",\"time_expire\":"
                   "\"2026-01-02T11:19:05+08:00\",\"notify_url\":\""
                   NOTIFY_URL "\",\"amount\":{\"total\":990,"
                   "\"currency\":\"CNY\"}}");
    expect_request(PAY_ASK_QUERY, "GET", "/v3/pay/transactions/out-trade-no/"
                   GATE_ORDER_NO "?mchid=" GATE_MCHID, "");
    expect_request(PAY_ASK_CLOSE, "POST", "/v3/pay/transactions/out-trade-no/"
                   GATE_ORDER_NO "/close", "{\"mchid\":\"" GATE_MCHID "\"}");
    expect_request(PAY_ASK_REFUND, "POST", "/v3/refund/domestic/refunds",
                   "{\"transaction_id\":\"" TRADE_NO "\","
                   "\"out_refund_no\":\"" REFUND_NO "\",\"amount\":"
                   "{\"refund\":100,\"total\":990,\"currency\":\"CNY\"}}");
    expect_request(PAY_ASK_REFUND_QUERY, "GET",
                   "/v3/refund/domestic/refunds/" REFUND_NO, "");

    old = channel;
    old.public_key = NULL;
    question = question_template;
    question.what = PAY_ASK_QUERY;
    OK(channel.protocol->ask(crypto, &old, &question, buffer, &request),
       "with a certificate alone");
    expect_headers(&request, "");
}


static void
test_expiry(void)
{
    char            expires[64];
    size_t          i;
    pay_ask_t       question;
    pay_request_t   request;
    unsigned char   buffer[PAY_REQUEST_SIZE_MAX];

    static const struct {
        int64_t      hold_s;
        const char  *expires;
    } cases[] = {
        { 61, "2026-01-02T11:05:06+08:00" },
        { 60, "2026-01-02T11:05:05+08:00" },
        { 59, "2026-01-02T11:05:05+08:00" },
        { -3600, "2026-01-02T11:05:05+08:00" },
        { 86400, "2026-01-03T11:04:05+08:00" }
    };

    (void) setenv("TZ", "America/New_York", 1);
    tzset();

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        question = question_template;
        question.what = PAY_ASK_START;
        question.expires_s = GATE_NOW_S + cases[i].hold_s;
        OK(channel.protocol->ask(crypto, &channel, &question, buffer,
                                 &request),
           "held %" PRId64 " s more", cases[i].hold_s);
        between(request.body, "\"time_expire\":\"", "\"", expires,
                sizeof(expires));
        EQ_STR(expires, cases[i].expires, "  ends then");
    }
}


static bool
can_ask(const pay_ask_t *question)
{
    pay_request_t   request;
    unsigned char   buffer[PAY_REQUEST_SIZE_MAX];

    return channel.protocol->ask(crypto, &channel, question, buffer,
                                 &request);
}


static void
test_refused_questions(void)
{
    pay_ask_t  question;

#define CANNOT(ask, member, value, why)                                       \
    do {                                                                      \
        question = question_template;                                         \
        question.what = PAY_ASK_##ask;                                        \
        question.member = (value);                                            \
        OK(!can_ask(&question), "not asked: %s", why);                        \
    } while (0)

    CANNOT(START, order_no, PAY_STR("12345"), "an order number of 5");
    CANNOT(START, order_no, PAY_STR("012345678901234567890123456789012"),
           "one of 33");
    CANNOT(START, order_no, PAY_STR("1234567\""), "a quote in it");
    CANNOT(QUERY, order_no, PAY_STR("1234567/"), "a slash in it");
    CANNOT(QUERY, order_no, PAY_STR("../1234"), "dots in it");
    CANNOT(START, amount, 0, "no money");
    CANNOT(START, amount, -1, "less than none");
    CANNOT(START, currency[0], 'U', "another currency");
    CANNOT(START, notify_url, PAY_STR("https://shop.example/?a"), "a query");
    CANNOT(START, notify_url, PAY_STR("https://shop.example/\""), "a quote");
    CANNOT(REFUND, refund_no, PAY_STR("12345"), "a refund number of 5");
    CANNOT(REFUND, refund_no, PAY_STR("1234567\""), "a quote in it");
    CANNOT(REFUND_QUERY, refund_no, PAY_STR("1234/../x"), "a path");
    CANNOT(REFUND_QUERY, refund_no, PAY_STR(""), "no refund number");
    CANNOT(REFUND, refund_amount, 0, "nothing to give back");
    CANNOT(REFUND, refund_amount, 991, "more than was paid");
    CANNOT(REFUND, currency[0], 'U', "dollars back");
}


static void
test_start(void)
{
    char             url[64];
    size_t           length;
    pay_start_t      start, at;

    start = (pay_start_t) {
        .order_no = PAY_STR(GATE_ORDER_NO), .amount = 990, .currency = "CNY",
        .notify_url = PAY_STR(NOTIFY_URL), .return_url = PAY_STR(RETURN_URL),
        .now_s = GATE_NOW_S, .expires_s = GATE_NOW_S + 900
    };

#define START(member, value, want, what)                                      \
    do {                                                                      \
        at = start;                                                           \
        at.member = (value);                                                  \
        (void) strcpy(url, "x");                                              \
        EQ_INT(channel.protocol->start(crypto, &channel, &at, url,            \
                                       sizeof(url), &length), want,           \
               "start: %s", what);                                            \
        OK(url[0] == '\0' && length == 0, "  writes no URL");                 \
    } while (0)

    START(amount, 1, PAY_START_ASK, "begins with a question");
    START(amount, 0, PAY_START_AMOUNT, "no money");
    START(currency[0], 'U', PAY_START_CURRENCY, "another currency");
    START(order_no, PAY_STR("12345"), PAY_START_ORDER_NO, "a short number");
    START(order_no, PAY_STR("12345|"), PAY_START_ORDER_NO, "| in it");
    START(notify_url, PAY_STR("x"), PAY_START_URL, "no notify URL");
}


/* --- replies ------------------------------------------------------------- */

static pay_answer_t
answer_to(pay_ask_e what, unsigned status, const message_t *message,
    int64_t now_s)
{
    pay_ask_t     question;
    pay_reply_t   reply;
    pay_answer_t  answer;

    question = question_template;
    question.what = what;
    reply = (pay_reply_t) {
        status, message->headers, message->header_count,
        pay_str(message->body, message->body_size), now_s
    };

    memset(&answer, 0xaa, sizeof(answer));
    channel.protocol->answer(crypto, &channel, &question, &reply, &answer);

    if (answer.code != PAY_ANSWER_PAID
        && answer.code != PAY_ANSWER_ODD_AMOUNT
        && (answer.fact.order_no[0] != '\0' || answer.fact.amount != 0))
    {
        OK(false, "no fact but of a payment");
    }

    if (answer.code != PAY_ANSWER_STARTED
        && answer.started.address[0] != '\0')
    {
        OK(false, "nothing is started but what is");
    }

    return answer;
}


static pay_answer_t
expect(pay_ask_e what, unsigned status, const char *body, pay_answer_e code,
    const char *detail)
{
    message_t     message;
    pay_answer_t  answer;

    gate_sign(&message, body);
    answer = answer_to(what, status, &message, GATE_NOW_S);

    EQ_INT(answer.code, code, "%s, %u %.60s: %s", pay_ask_word(what), status,
           body, pay_answer_word(code));
    EQ_STR(answer.detail, detail, "  the detail");

    /* The same without a signature, and by a stranger, and an old one. */

    message.header_count = 3;
    answer.code = answer_to(what, status, &message, GATE_NOW_S).code;
    EQ_INT(answer.code, PAY_ANSWER_UNKNOWN, "  unsigned: unknown");
    message.header_count = 4;
    answer.code = answer_to(what, status, &message, GATE_NOW_S + 301).code;
    EQ_INT(answer.code, PAY_ANSWER_UNKNOWN, "  later: unknown");
    message.sign[9] ^= 1;
    answer.code = answer_to(what, status, &message, GATE_NOW_S).code;
    EQ_INT(answer.code, PAY_ANSWER_UNKNOWN, "  wrongly signed: unknown");

    message.sign[9] ^= 1;

    return answer_to(what, status, &message, GATE_NOW_S);
}


static void
expect_changed(pay_ask_e what, const char *text, const char *from,
    const char *to, pay_answer_e code, const char *detail)
{
    char  body[GATE_BODY_SIZE];

    gate_replace(text, from, to, body);
    (void) expect(what, 200, body, code, detail);
}


static void
test_started(void)
{
    char          body[2048], text[1000];
    pay_answer_t  answer;

    answer = expect(PAY_ASK_START, 200,
                    "{\"code_url\":\"weixin:\\/\\/wxpay/bizpayurl/up?pr=1"
                    "&groupid=00\"}", PAY_ANSWER_STARTED, "");
    EQ_INT(answer.started.by, PAY_BY_QR, "  to be scanned");
    EQ_STR(answer.started.address,
           "weixin://wxpay/bizpayurl/up?pr=1&groupid=00", "  this");
    EQ_STR(answer.started.ref, "", "  by no name of its own");

    memset(text, 'x', PAY_ADDRESS_SIZE_MAX);
    text[PAY_ADDRESS_SIZE_MAX] = '\0';
    (void) snprintf(body, sizeof(body), "{\"code_url\":\"%s\"}", text);
    (void) expect(PAY_ASK_START, 200, body, PAY_ANSWER_STARTED, "");
    (void) snprintf(body, sizeof(body), "{\"code_url\":\"%sx\"}", text);
    (void) expect(PAY_ASK_START, 200, body, PAY_ANSWER_UNKNOWN, "code_url");

    (void) expect(PAY_ASK_START, 200, "{\"code_url\":\"\"}",
                  PAY_ANSWER_UNKNOWN, "code_url");
    (void) expect(PAY_ASK_START, 200, "{\"code_url\":\"a b\"}",
                  PAY_ANSWER_UNKNOWN, "code_url");
    (void) expect(PAY_ASK_START, 200, "{\"code_url\":\"a\\nb\"}",
                  PAY_ANSWER_UNKNOWN, "code_url");
    (void) expect(PAY_ASK_START, 200, "{\"prepay_id\":\"wx1\"}",
                  PAY_ANSWER_UNKNOWN, "code_url");
    (void) expect(PAY_ASK_START, 200, "{\"code_url\":\"weixin://x",
                  PAY_ANSWER_UNKNOWN, "json");
    (void) expect(PAY_ASK_START, 200, "", PAY_ANSWER_UNKNOWN, "json");
    (void) expect(PAY_ASK_START, 204, "", PAY_ANSWER_UNKNOWN, "json");
    (void) expect(PAY_ASK_START, 302, "{\"code_url\":\"weixin://x\"}",
                  PAY_ANSWER_UNKNOWN, "code");
    (void) expect(PAY_ASK_START, 201, "{\"code_url\":\"weixin://x\"}",
                  PAY_ANSWER_UNKNOWN, "code");
}


static void
test_query(void)
{
    pay_answer_t  answer;

    answer = expect(PAY_ASK_QUERY, 200, gate_transaction, PAY_ANSWER_PAID,
                    "");
    EQ_STR(answer.fact.order_no, GATE_ORDER_NO, "  the order");
    EQ_STR(answer.fact.trade_no, TRADE_NO, "  trade");
    EQ_INT(answer.fact.amount, 990, "  and sum");
    EQ_STR(answer.fact.currency, "CNY", "  in yuan");

#define STATE(state, code)                                                    \
    expect_changed(PAY_ASK_QUERY, gate_transaction, "\"SUCCESS\"",            \
                   "\"" state "\"", PAY_ANSWER_##code, state)

    STATE("NOTPAY", UNPAID);
    STATE("USERPAYING", UNPAID);
    STATE("PAYERROR", UNPAID);
    STATE("CLOSED", CLOSED);
    STATE("REVOKED", CLOSED);
    STATE("REFUND", RETURNED);
    STATE("ACCEPT", UNKNOWN);

    (void) expect(PAY_ASK_QUERY, 200, "{\"mchid\":\"" GATE_MCHID "\","
                  "\"appid\":\"" GATE_APP_ID "\",\"out_trade_no\":\""
                  GATE_ORDER_NO "\",\"trade_state\":\"NOTPAY\"}",
                  PAY_ANSWER_UNPAID, "NOTPAY");

    expect_changed(PAY_ASK_QUERY, gate_transaction, GATE_ORDER_NO,
                   "01J0000000000000000000000B", PAY_ANSWER_UNKNOWN,
                   "out_trade_no");
    expect_changed(PAY_ASK_QUERY, gate_transaction, GATE_MCHID, "1900000002",
                   PAY_ANSWER_UNKNOWN, "mchid");
    expect_changed(PAY_ASK_QUERY, gate_transaction, GATE_APP_ID, "wx1",
                   PAY_ANSWER_UNKNOWN, "appid");
    expect_changed(PAY_ASK_QUERY, gate_transaction, "NATIVE", "JSAPI",
                   PAY_ANSWER_UNKNOWN, "trade_type");
    expect_changed(PAY_ASK_QUERY, gate_transaction, "990", "9.9",
                   PAY_ANSWER_UNKNOWN, "total");
    expect_changed(PAY_ASK_QUERY, gate_transaction, "\"currency\":\"CNY\"",
                   "\"currency\":\"USD\"", PAY_ANSWER_ODD_AMOUNT, "");
    expect_changed(PAY_ASK_QUERY, gate_transaction, "{\"mchid\":",
                   "{\"mchid\":\"1\",\"mchid\":", PAY_ANSWER_UNKNOWN, "json");
}


static void
test_close(void)
{
    (void) expect(PAY_ASK_CLOSE, 204, "", PAY_ANSWER_CLOSED, "");
    (void) expect(PAY_ASK_CLOSE, 200, "", PAY_ANSWER_UNKNOWN, "json");
    (void) expect(PAY_ASK_CLOSE, 200, "{}", PAY_ANSWER_UNKNOWN, "status");
    (void) expect(PAY_ASK_CLOSE, 204, "x", PAY_ANSWER_UNKNOWN, "json");
    (void) expect(PAY_ASK_CLOSE, 400, "{\"code\":\"ORDERPAID\"}",
                  PAY_ANSWER_REFUSED, "ORDERPAID");
    (void) expect(PAY_ASK_CLOSE, 400, "{\"code\":\"ORDER_CLOSED\"}",
                  PAY_ANSWER_CLOSED, "ORDER_CLOSED");
}


static const char  refunded[] =
    "{\"refund_id\":\"50000000382019052709732678859\","
    "\"out_refund_no\":\"" REFUND_NO "\","
    "\"transaction_id\":\"4200001234202601020000000001\","
    "\"out_trade_no\":\"" GATE_ORDER_NO "\",\"channel\":\"ORIGINAL\","
    "\"status\":\"SUCCESS\",\"amount\":{\"total\":990,\"refund\":100,"
    "\"payer_total\":890,\"currency\":\"CNY\"}}";

static void
test_refund(void)
{
    size_t  i;

    static const pay_ask_e  asks[] = { PAY_ASK_REFUND, PAY_ASK_REFUND_QUERY };

    for (i = 0; i < 2; i++) {
        (void) expect(asks[i], 200, refunded, PAY_ANSWER_RETURNED, "");
        expect_changed(asks[i], refunded, "SUCCESS", "PROCESSING",
                       PAY_ANSWER_WORKING, "");
        expect_changed(asks[i], refunded, "SUCCESS", "CLOSED",
                       PAY_ANSWER_REFUSED, "CLOSED");
        expect_changed(asks[i], refunded, "SUCCESS", "ABNORMAL",
                       PAY_ANSWER_UNKNOWN, "ABNORMAL");
        expect_changed(asks[i], refunded, REFUND_NO, "R0000000002",
                       PAY_ANSWER_UNKNOWN, "out_refund_no");
        expect_changed(asks[i], refunded, GATE_ORDER_NO,
                       "01J0000000000000000000000B", PAY_ANSWER_UNKNOWN,
                       "out_trade_no");
        expect_changed(asks[i], refunded, ":100,", ":101,",
                       PAY_ANSWER_UNKNOWN, "amount");
        expect_changed(asks[i], refunded, ":100,", ":\"100\",",
                       PAY_ANSWER_UNKNOWN, "amount");
        expect_changed(asks[i], refunded, "\"CNY\"", "\"USD\"",
                       PAY_ANSWER_UNKNOWN, "amount");
        expect_changed(asks[i], refunded, "\"status\"", "\"Status\"",
                       PAY_ANSWER_UNKNOWN, "status");
    }

    (void) expect(PAY_ASK_REFUND, 403, "{\"code\":\"NOT_ENOUGH\"}",
                  PAY_ANSWER_BUSY, "NOT_ENOUGH");
    (void) expect(PAY_ASK_REFUND, 403, "{\"code\":\"NO_AUTH\"}",
                  PAY_ANSWER_REFUSED, "NO_AUTH");
    (void) expect(PAY_ASK_REFUND, 400, "{\"code\":\"INVALID_REQUEST\"}",
                  PAY_ANSWER_UNKNOWN, "INVALID_REQUEST");
    (void) expect(PAY_ASK_START, 400, "{\"code\":\"INVALID_REQUEST\"}",
                  PAY_ANSWER_REFUSED, "INVALID_REQUEST");
    (void) expect(PAY_ASK_REFUND_QUERY, 403, "{\"code\":\"NO_AUTH\"}",
                  PAY_ANSWER_UNKNOWN, "NO_AUTH");
    (void) expect(PAY_ASK_REFUND_QUERY, 404,
                  "{\"code\":\"RESOURCE_NOT_EXISTS\"}", PAY_ANSWER_NONE,
                  "RESOURCE_NOT_EXISTS");
}


static void
test_errors(void)
{
    message_t     message;
    pay_answer_t  answer;

    (void) expect(PAY_ASK_QUERY, 404, "{\"code\":\"ORDER_NOT_EXIST\","
                  "\"message\":\"\xe8\xae\xa2\xe5\x8d\x95\"}",
                  PAY_ANSWER_NONE, "ORDER_NOT_EXIST");
    (void) expect(PAY_ASK_START, 400, "{\"code\":\"PARAM_ERROR\"}",
                  PAY_ANSWER_REFUSED, "PARAM_ERROR");
    (void) expect(PAY_ASK_START, 403, "{\"code\":\"OUT_TRADE_NO_USED\"}",
                  PAY_ANSWER_REFUSED, "OUT_TRADE_NO_USED");
    (void) expect(PAY_ASK_START, 429, "{\"code\":\"FREQUENCY_LIMITED\"}",
                  PAY_ANSWER_BUSY, "FREQUENCY_LIMITED");
    (void) expect(PAY_ASK_START, 400, "{\"code\":\"SOMETHING_NEW\"}",
                  PAY_ANSWER_UNKNOWN, "SOMETHING_NEW");
    (void) expect(PAY_ASK_REFUND, 400, "{\"code\":\"a b\"}",
                  PAY_ANSWER_UNKNOWN, "code");
    (void) expect(PAY_ASK_REFUND, 400, "{}", PAY_ANSWER_UNKNOWN, "code");

    /* Of the gateway's own failures nobody knows what became of it. */

    (void) expect(PAY_ASK_REFUND, 500, "{\"code\":\"SYSTEM_ERROR\"}",
                  PAY_ANSWER_UNKNOWN, "SYSTEM_ERROR");
    (void) expect(PAY_ASK_REFUND, 500, "{\"code\":\"PARAM_ERROR\"}",
                  PAY_ANSWER_UNKNOWN, "PARAM_ERROR");
    (void) expect(PAY_ASK_REFUND, 200, "{\"code\":\"PARAM_ERROR\"}",
                  PAY_ANSWER_UNKNOWN, "out_refund_no");

    gate_sign(&message, "{\"code\":\"SIGN_ERROR\"}");
    message.header_count = 0;
    answer = answer_to(PAY_ASK_QUERY, 401, &message, GATE_NOW_S);
    EQ_STR(answer.detail, "unsigned.SIGN_ERROR",
           "an unproved code is for the log alone");
    gate_sign(&message, "<html>");
    message.sign[9] ^= 1;
    answer = answer_to(PAY_ASK_QUERY, 502, &message, GATE_NOW_S);
    EQ_STR(answer.detail, "signature", "  where there is one");
}


int
main(void)
{
    gate_enter();

    test_questions();
    test_expiry();
    test_refused_questions();
    test_start();
    test_started();
    test_query();
    test_close();
    test_refund();
    test_errors();

    gate_leave();

    return tap_done();
}

/*
 * Stripe: what is asked, and what replies prove.
 */

#include "pay_stripe_gate.h"


#define RETURN_URL  "https://shop.example/return/1"
#define REFUND_NO   "R0000000001"
#define ADDRESS     "https://checkout.stripe.com/c/pay/" GATE_SESSION         \
                    "#fidkdWxOYHwnPyd1blpxYHZxWjA0"

#define TEXT(text)  { (const unsigned char *) (text), sizeof(text) - 1 }


static const pay_ask_t  question_template = {
    .order_no = TEXT(GATE_ORDER_NO),
    .amount = 990,
    .currency = "USD",
    .ref = TEXT(GATE_SESSION),
    .trade_no = TEXT(GATE_INTENT),
    .refund_no = TEXT(REFUND_NO),
    .refund_amount = 100,
    .paid_amount = 990,
    .notify_url = TEXT("https://shop.example/notify/stripe"),
    .return_url = TEXT(RETURN_URL),
    .now_s = GATE_NOW_S,
    .created_s = GATE_NOW_S,
    .expires_s = GATE_NOW_S + 900
};


/* --- questions ----------------------------------------------------------- */

static void
expect_request(const pay_ask_t *from, pay_ask_e what, const char *method,
    const char *target, const char *more_headers, const char *body)
{
    char            headers[1024];
    pay_ask_t       question;
    pay_request_t   request;
    unsigned char   buffer[PAY_REQUEST_SIZE_MAX];

    question = *from;
    question.what = what;

    if (!OK(channel.protocol->ask(crypto, &channel, &question, buffer,
                                  &request), "%s can be asked",
            pay_ask_word(what)))
    {
        return;
    }

    (void) snprintf(headers, sizeof(headers), "Authorization: Bearer "
                    GATE_API_KEY "\r\nStripe-Version: 2024-06-20\r\n%s",
                    more_headers);

    EQ_STR(request.method, method, "  by %s", method);
    EQ_MEM(request.target.data, request.target.size, target, strlen(target),
           "  at %s", target);
    EQ_MEM(request.headers.data, request.headers.size, headers,
           strlen(headers), "  with these headers");
    EQ_MEM(request.body.data, request.body.size, body, strlen(body),
           "  saying %s", body);
}


#define FORM        "Content-Type: application/x-www-form-urlencoded\r\n"
#define START_BODY                                                            \
    "mode=payment&client_reference_id=" GATE_ORDER_NO                         \
    "&payment_intent_data%5Bmetadata%5D%5Border%5D=" GATE_ORDER_NO            \
    "&line_items%5B0%5D%5Bquantity%5D=1"                                      \
    "&line_items%5B0%5D%5Bprice_data%5D%5Bcurrency%5D=usd"                    \
    "&line_items%5B0%5D%5Bprice_data%5D%5Bunit_amount%5D=990"                 \
    "&line_items%5B0%5D%5Bprice_data%5D%5Bproduct_data%5D%5Bname%5D="         \
    "order%20" GATE_ORDER_NO                                                  \
    "&success_url=https%3A%2F%2Fshop.example%2Freturn%2F1"                    \
    "&cancel_url=https%3A%2F%2Fshop.example%2Freturn%2F1"

static void
test_questions(void)
{
    pay_ask_t  later;

    EQ_INT(pay_channel_asks(&channel), (1u << PAY_ASK_COUNT) - 1,
           "all can be asked");

    expect_request(&question_template, PAY_ASK_START, "POST",
                   "/v1/checkout/sessions", FORM "Idempotency-Key: "
                   GATE_ORDER_NO "\r\n", START_BODY "&expires_at=1767325805");

    /* Sent again, it must be the same to the byte. */

    later = question_template;
    later.now_s += 840;
    expect_request(&later, PAY_ASK_START, "POST", "/v1/checkout/sessions",
                   FORM "Idempotency-Key: " GATE_ORDER_NO "\r\n",
                   START_BODY "&expires_at=1767325805");

    later.now_s = GATE_NOW_S;
    later.expires_s = GATE_NOW_S + 86400;
    expect_request(&later, PAY_ASK_START, "POST", "/v1/checkout/sessions",
                   FORM "Idempotency-Key: " GATE_ORDER_NO "\r\n", START_BODY);

    later.now_s += 7200;
    expect_request(&later, PAY_ASK_START, "POST", "/v1/checkout/sessions",
                   FORM "Idempotency-Key: " GATE_ORDER_NO "\r\n", START_BODY);

    expect_request(&question_template, PAY_ASK_QUERY, "GET",
                   "/v1/checkout/sessions/" GATE_SESSION
                   "?expand%5B%5D=payment_intent.latest_charge", "", "");
    expect_request(&question_template, PAY_ASK_CLOSE, "POST",
                   "/v1/checkout/sessions/" GATE_SESSION "/expire", FORM, "");
    expect_request(&question_template, PAY_ASK_REFUND, "POST", "/v1/refunds",
                   FORM "Idempotency-Key: " REFUND_NO "\r\n",
                   "payment_intent=" GATE_INTENT "&amount=100"
                   "&metadata%5Border%5D=" GATE_ORDER_NO
                   "&metadata%5Brefund%5D=" REFUND_NO);
    expect_request(&question_template, PAY_ASK_REFUND_QUERY, "GET",
                   "/v1/refunds?limit=30&payment_intent=" GATE_INTENT, "",
                   "");
}


static void
test_refused_questions(void)
{
    pay_ask_t       question;
    pay_request_t   request;
    unsigned char   buffer[PAY_REQUEST_SIZE_MAX];

#define CANNOT(ask_, member, value, why)                                      \
    do {                                                                      \
        question = question_template;                                         \
        question.what = PAY_ASK_##ask_;                                       \
        question.member = (value);                                            \
        OK(!channel.protocol->ask(crypto, &channel, &question, buffer,        \
                                  &request), "not asked: %s", why);           \
    } while (0)

    CANNOT(QUERY, ref, PAY_STR(""), "no session to ask after");
    CANNOT(QUERY, ref, PAY_STR("cs_1/../x"), "a path in its name");
    CANNOT(QUERY, ref, PAY_STR("cs_1?x"), "a query in its name");
    CANNOT(CLOSE, ref, PAY_STR(""), "no session to close");
    CANNOT(CLOSE, ref, PAY_STR("cs_1\r\nX: y"), "a header in its name");
    CANNOT(START, order_no, PAY_STR(""), "no order");
    CANNOT(START, order_no, PAY_STR("1\r\nX: y"), "a header in its number");
    CANNOT(START, amount, 0, "no money");
    CANNOT(START, currency[0], 'E', "another currency");
    CANNOT(START, return_url, PAY_STR("x"), "no return URL");
    CANNOT(REFUND, trade_no, PAY_STR(""), "no payment to give back");
    CANNOT(REFUND, trade_no, PAY_STR("pi_1&amount=9"), "a field in it");
    CANNOT(REFUND, refund_no, PAY_STR("12345"), "a short refund number");
    CANNOT(REFUND, refund_amount, 0, "nothing to give back");
    CANNOT(REFUND, refund_amount, 991, "more than was paid");
    CANNOT(REFUND, currency[0], 'E', "euros back");
    CANNOT(REFUND_QUERY, trade_no, PAY_STR(""), "no payment to look in");
    CANNOT(REFUND_QUERY, trade_no, PAY_STR("pi_1&limit=1"), "a field in it");
}


static void
test_start(void)
{
    char         url[64];
    size_t       length;
    pay_start_t  start;

    start = (pay_start_t) {
        .order_no = PAY_STR(GATE_ORDER_NO), .amount = 990, .currency = "USD",
        .notify_url = PAY_STR("https://shop.example/notify/stripe"),
        .return_url = PAY_STR(RETURN_URL), .now_s = GATE_NOW_S,
        .expires_s = GATE_NOW_S + 900
    };

    (void) strcpy(url, "x");
    EQ_INT(channel.protocol->start(crypto, &channel, &start, url, sizeof(url),
                                   &length),
           PAY_START_ASK, "a payment begins with a question");
    OK(url[0] == '\0' && length == 0, "  and writes no URL");
    start.amount = 0;
    EQ_INT(channel.protocol->start(crypto, &channel, &start, url, sizeof(url),
                                   &length),
           PAY_START_AMOUNT, "no money");
}


/* --- replies ------------------------------------------------------------- */

static pay_answer_t
expect(pay_ask_e what, unsigned status, const char *body, pay_answer_e code,
    const char *detail)
{
    pay_ask_t     question;
    pay_reply_t   reply;
    pay_answer_t  answer;

    question = question_template;
    question.what = what;
    reply = (pay_reply_t) { status, NULL, 0, pay_text(body), GATE_NOW_S };

    memset(&answer, 0xaa, sizeof(answer));
    channel.protocol->answer(crypto, &channel, &question, &reply, &answer);

    EQ_INT(answer.code, code, "%s, %u %.70s: %s", pay_ask_word(what), status,
           body, pay_answer_word(code));
    EQ_STR(answer.detail, detail, "  the detail");
    OK(code == PAY_ANSWER_PAID || (answer.fact.order_no[0] == '\0'
                                   && answer.fact.amount == 0),
       "  a fact of what is paid alone");
    OK(code == PAY_ANSWER_STARTED || answer.started.address[0] == '\0',
       "  an address of what is open alone");

    return answer;
}


static void
expect_changed(pay_ask_e what, const char *text, const char *from,
    const char *to, pay_answer_e code, const char *detail)
{
    char  body[GATE_TEXT_SIZE];

    gate_replace(text, from, to, body);
    (void) expect(what, 200, body, code, detail);
}


static const char  opened[] =
    "{\"id\": \"" GATE_SESSION "\",\"object\": \"checkout.session\","
    "\"amount_total\": 990,\"client_reference_id\": \"" GATE_ORDER_NO "\","
    "\"currency\": \"usd\",\"livemode\": false,\"mode\": \"payment\","
    "\"payment_intent\": null,\"payment_status\": \"unpaid\","
    "\"status\": \"open\",\"url\": \"" ADDRESS "\"}";

static void
test_started(void)
{
    pay_answer_t  answer;

    answer = expect(PAY_ASK_START, 200, opened, PAY_ANSWER_STARTED, "");
    EQ_INT(answer.started.by, PAY_BY_REDIRECT, "  the browser goes");
    EQ_STR(answer.started.address, ADDRESS, "  there");
    EQ_STR(answer.started.ref, GATE_SESSION, "  to this session");

    expect_changed(PAY_ASK_START, opened, GATE_ORDER_NO,
                   "01J0000000000000000000000B", PAY_ANSWER_UNKNOWN,
                   "client_reference_id");
    expect_changed(PAY_ASK_START, opened, "990", "991", PAY_ANSWER_UNKNOWN,
                   "amount_total");
    expect_changed(PAY_ASK_START, opened, "\"usd\"", "\"eur\"",
                   PAY_ANSWER_UNKNOWN, "amount_total");
    expect_changed(PAY_ASK_START, opened, "\"livemode\": false",
                   "\"livemode\": true", PAY_ANSWER_UNKNOWN, "livemode");
    expect_changed(PAY_ASK_START, opened, "\"checkout.session\"", "\"x\"",
                   PAY_ANSWER_UNKNOWN, "object");
    expect_changed(PAY_ASK_START, opened, "\"id\": \"" GATE_SESSION "\"",
                   "\"id\": \"\"", PAY_ANSWER_UNKNOWN, "id");
    expect_changed(PAY_ASK_START, opened, "\"" ADDRESS "\"", "null",
                   PAY_ANSWER_UNKNOWN, "url");
    expect_changed(PAY_ASK_START, opened, "\"https://", "\"http://",
                   PAY_ANSWER_UNKNOWN, "url");
    expect_changed(PAY_ASK_START, opened, "\"https://", "\"javascript:",
                   PAY_ANSWER_UNKNOWN, "url");
    expect_changed(PAY_ASK_START, opened, "/c/pay/", "/c pay/",
                   PAY_ANSWER_UNKNOWN, "url");

    channel.url = PAY_STR("http://127.0.0.1:8090");
    expect_changed(PAY_ASK_START, opened, "\"https://", "\"http://",
                   PAY_ANSWER_STARTED, "");
    channel.url = PAY_STR("https://api.stripe.com");

    (void) expect(PAY_ASK_START, 200, "", PAY_ANSWER_UNKNOWN, "json");
    (void) expect(PAY_ASK_START, 200, "{\"id\":", PAY_ANSWER_UNKNOWN, "json");
    (void) expect(PAY_ASK_START, 201, opened, PAY_ANSWER_UNKNOWN, "status");
    (void) expect(PAY_ASK_START, 302, opened, PAY_ANSWER_UNKNOWN, "status");
}


static const char  paid[] =
    "{\"id\": \"" GATE_SESSION "\",\"object\": \"checkout.session\","
    "\"amount_total\": 990,\"client_reference_id\": \"" GATE_ORDER_NO "\","
    "\"currency\": \"usd\",\"livemode\": false,\"mode\": \"payment\","
    "\"payment_intent\": {\"id\": \"" GATE_INTENT "\",\"livemode\":false,"
    "\"latest_charge\": {\"id\": \"ch_1\",\"amount_refunded\": 0}},"
    "\"payment_status\": \"paid\",\"status\": \"complete\",\"url\": null}";

static void
test_query(void)
{
    pay_answer_t  answer;

    answer = expect(PAY_ASK_QUERY, 200, paid, PAY_ANSWER_PAID, "");
    EQ_STR(answer.fact.order_no, GATE_ORDER_NO, "  the order");
    EQ_STR(answer.fact.trade_no, GATE_INTENT, "  by this payment");
    EQ_STR(answer.fact.ref, GATE_SESSION, "  in this session");
    EQ_INT(answer.fact.amount, 990, "  in all");
    EQ_STR(answer.fact.currency, "USD", "  in dollars");

    (void) expect(PAY_ASK_QUERY, 200, opened, PAY_ANSWER_UNPAID, "");
    expect_changed(PAY_ASK_QUERY, opened, "\"open\"", "\"complete\"",
                   PAY_ANSWER_UNPAID, "");
    expect_changed(PAY_ASK_QUERY, opened, "\"open\"", "\"expired\"",
                   PAY_ANSWER_CLOSED, "");
    expect_changed(PAY_ASK_QUERY, opened, "\"open\"", "\"new\"",
                   PAY_ANSWER_UNKNOWN, "status");
    expect_changed(PAY_ASK_QUERY, opened, "\"unpaid\"",
                   "\"no_payment_required\"", PAY_ANSWER_UNKNOWN,
                   "payment_status");

    expect_changed(PAY_ASK_QUERY, paid, "\"amount_refunded\": 0",
                   "\"amount_refunded\": 1", PAY_ANSWER_RETURNED, "");
    expect_changed(PAY_ASK_QUERY, paid, "\"amount_refunded\": 0",
                   "\"amount_refunded\": -1", PAY_ANSWER_UNKNOWN,
                   "amount_refunded");
    expect_changed(PAY_ASK_QUERY, paid, "\"latest_charge\"", "\"charge\"",
                   PAY_ANSWER_UNKNOWN, "amount_refunded");
    expect_changed(PAY_ASK_QUERY, paid, GATE_SESSION, "cs_test_b",
                   PAY_ANSWER_UNKNOWN, "id");
    expect_changed(PAY_ASK_QUERY, paid, GATE_ORDER_NO,
                   "01J0000000000000000000000B", PAY_ANSWER_UNKNOWN,
                   "client_reference_id");
    expect_changed(PAY_ASK_QUERY, paid, "\"livemode\": false",
                   "\"livemode\": true", PAY_ANSWER_UNKNOWN, "livemode");
    expect_changed(PAY_ASK_QUERY, paid, "\"payment\"", "\"setup\"",
                   PAY_ANSWER_UNKNOWN, "mode");
    expect_changed(PAY_ASK_QUERY, paid, GATE_INTENT, "",
                   PAY_ANSWER_UNKNOWN, "payment_intent");
    expect_changed(PAY_ASK_QUERY, paid, "990", "0", PAY_ANSWER_UNKNOWN,
                   "amount_total");
    (void) expect(PAY_ASK_QUERY, 404, "{\"error\":{\"type\":"
                  "\"invalid_request_error\",\"code\":\"resource_missing\"}}",
                  PAY_ANSWER_NONE, "resource_missing");
}


static void
test_close(void)
{
    expect_changed(PAY_ASK_CLOSE, opened, "\"open\"", "\"expired\"",
                   PAY_ANSWER_CLOSED, "");
    (void) expect(PAY_ASK_CLOSE, 200, opened, PAY_ANSWER_UNPAID, "");
    (void) expect(PAY_ASK_CLOSE, 400, "{\"error\":{\"type\":"
                  "\"invalid_request_error\"}}", PAY_ANSWER_REFUSED,
                  "invalid_request_error");
}


static const char  refund[] =
    "{\"id\": \"re_1\",\"object\": \"refund\",\"amount\": 100,"
    "\"currency\": \"usd\",\"metadata\": {\"order\": \"" GATE_ORDER_NO "\","
    "\"refund\": \"" REFUND_NO "\"},\"payment_intent\": \"" GATE_INTENT "\","
    "\"status\": \"succeeded\"}";

static void
test_refund(void)
{
    char  list[2 * GATE_TEXT_SIZE];

    (void) expect(PAY_ASK_REFUND, 200, refund, PAY_ANSWER_RETURNED, "");

#define STATE(state, code, detail)                                            \
    expect_changed(PAY_ASK_REFUND, refund, "\"succeeded\"",                   \
                   "\"" state "\"", PAY_ANSWER_##code, detail)

    STATE("pending", WORKING, "");
    STATE("requires_action", WORKING, "");
    STATE("failed", REFUSED, "");
    STATE("canceled", REFUSED, "");
    STATE("new", UNKNOWN, "status");

    expect_changed(PAY_ASK_REFUND, refund, REFUND_NO, "R0000000002",
                   PAY_ANSWER_UNKNOWN, "metadata");
    expect_changed(PAY_ASK_REFUND, refund, GATE_INTENT, "pi_2",
                   PAY_ANSWER_UNKNOWN, "payment_intent");
    expect_changed(PAY_ASK_REFUND, refund, "100", "99", PAY_ANSWER_UNKNOWN,
                   "amount");
    expect_changed(PAY_ASK_REFUND, refund, "\"usd\"", "\"eur\"",
                   PAY_ANSWER_UNKNOWN, "amount");
    expect_changed(PAY_ASK_REFUND, refund, "\"refund\",", "\"charge\",",
                   PAY_ANSWER_UNKNOWN, "metadata");

#define LIST(code, detail, ...)                                               \
    do {                                                                      \
        (void) snprintf(list, sizeof(list), __VA_ARGS__);                     \
        (void) expect(PAY_ASK_REFUND_QUERY, 200, list, code, detail);         \
    } while (0)

    LIST(PAY_ANSWER_RETURNED, "", "{\"object\":\"list\",\"data\":[{\"object\""
         ":\"refund\",\"metadata\":{}},%s],\"has_more\":true}", refund);
    LIST(PAY_ANSWER_NONE, "", "{\"object\":\"list\",\"data\":[{\"object\""
         ":\"refund\",\"metadata\":{\"refund\":\"R0000000002\"}}],"
         "\"has_more\":false}");
    LIST(PAY_ANSWER_NONE, "", "{\"object\":\"list\",\"data\":[],"
         "\"has_more\":false}");
    LIST(PAY_ANSWER_UNKNOWN, "has_more", "{\"object\":\"list\",\"data\":[],"
         "\"has_more\":true}");
    LIST(PAY_ANSWER_UNKNOWN, "has_more", "{\"object\":\"list\",\"data\":[]}");
    LIST(PAY_ANSWER_UNKNOWN, "has_more", "{\"object\":\"list\","
         "\"has_more\":false}");
    LIST(PAY_ANSWER_UNKNOWN, "has_more", "%s", refund);

    (void) expect(PAY_ASK_REFUND_QUERY, 401, "{\"error\":{\"type\":"
                  "\"invalid_request_error\"}}", PAY_ANSWER_UNKNOWN,
                  "invalid_request_error");
}


static void
test_errors(void)
{
    size_t  i;

    static const struct {
        unsigned      status;
        const char   *error;
        pay_answer_e  code;
        const char   *detail;
    } cases[] = {
        { 400, "\"type\":\"invalid_request_error\",\"code\":"
               "\"charge_already_refunded\"", PAY_ANSWER_UNKNOWN,
          "charge_already_refunded" },
        { 400, "\"type\":\"invalid_request_error\",\"code\":"
               "\"charge_disputed\"", PAY_ANSWER_REFUSED,
          "charge_disputed" },
        { 400, "\"type\":\"idempotency_error\"", PAY_ANSWER_UNKNOWN,
          "idempotency_error" },
        { 401, "\"type\":\"invalid_request_error\"", PAY_ANSWER_REFUSED,
          "invalid_request_error" },
        { 402, "\"type\":\"card_error\",\"code\":\"card_declined\"",
          PAY_ANSWER_REFUSED, "card_declined" },
        { 403, "\"type\":\"invalid_request_error\"", PAY_ANSWER_REFUSED,
          "invalid_request_error" },
        { 409, "\"type\":\"invalid_request_error\",\"code\":"
               "\"idempotency_key_in_use\"", PAY_ANSWER_UNKNOWN,
          "idempotency_key_in_use" },
        { 429, "\"type\":\"invalid_request_error\",\"code\":\"rate_limit\"",
          PAY_ANSWER_BUSY, "rate_limit" },
        { 500, "\"type\":\"api_error\"", PAY_ANSWER_UNKNOWN, "api_error" },
        { 500, "\"type\":\"invalid_request_error\"", PAY_ANSWER_UNKNOWN,
          "invalid_request_error" },
        { 400, "\"type\":\"api_error\"", PAY_ANSWER_UNKNOWN, "api_error" },
        { 400, "\"type\":\"a b\"", PAY_ANSWER_UNKNOWN, "status" },
        { 400, "\"x\":1", PAY_ANSWER_UNKNOWN, "status" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char  body[512];

        (void) snprintf(body, sizeof(body), "{\"error\":{%s}}",
                        cases[i].error);
        (void) expect(PAY_ASK_REFUND, cases[i].status, body, cases[i].code,
                      cases[i].detail);
    }

    (void) expect(PAY_ASK_REFUND, 502, "<html>", PAY_ANSWER_UNKNOWN, "json");
    (void) expect(PAY_ASK_QUERY, 404, "{}", PAY_ANSWER_UNKNOWN, "status");
}


int
main(void)
{
    gate_enter();

    test_questions();
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

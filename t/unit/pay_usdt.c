/*
 * epusdt's JSON forms as they should work: the published signatures, what is
 * asked, what replies are worth, and what a channel must be.
 */

#include "pay_usdt_gate.h"


/* --- published signatures ------------------------------------------------ */

static void
test_vectors(void)
{
    pay_ask_t      question;
    pay_channel_t  channel;
    pay_request_t  request;
    unsigned char  buffer[PAY_REQUEST_SIZE_MAX];

    /* As published but for the name, which is a constant of ours. */

    question = reply_asked(PAY_ASK_START);
    question.order_no = PAY_STR("ORD202605230001");
    question.amount = 10000;
    question.notify_url = PAY_STR("https://merchant.example/notify");
    question.return_url = PAY_STR("https://merchant.example/return");
    channel = gmpay;
    channel.key = PAY_STR("epusdt_secret_key");

    OK(channel.protocol->ask(crypto, &channel, &question, buffer, &request),
       "the published order is asked for");
    OK(reply_has(request.body, "{\"pid\":\"1000\",\"order_id\":"
                 "\"ORD202605230001\",\"currency\":\"cny\",\"token\":\"usdt\""
                 ",\"network\":\"tron\",\"amount\":100,\"notify_url\":"
                 "\"https://merchant.example/notify\",\"redirect_url\":"
                 "\"https://merchant.example/return\",\"name\":"),
       "  with what is published");

    /* The published strings, by the hash of this channel. */

    {
        char    sign[PAY_HASH_HEX_SIZE_MAX];
        size_t  size;

        static const char  text[] = "amount=100&currency=cny&name=VIP"
            "&network=tron&notify_url=https://merchant.example/notify"
            "&order_id=ORD202605230001&pid=1000"
            "&redirect_url=https://merchant.example/return&token=usdt";
        static const char  old[] = "amount=42"
            "&notify_url=http://example.com/notify"
            "&order_id=20220201030210321"
            "&redirect_url=http://example.com/redirect";

        OK(pay_hash_sign(crypto, &channel.hash, channel.key,
                         pay_str(text, sizeof(text) - 1), sign, &size),
           "GMPay's published string");
        EQ_MEM(sign, size, "476412c422f4dd75c3d533f5c47a9cac", 32,
               "  has the published signature");
        OK(pay_hash_sign(crypto, &channel.hash,
                         PAY_STR("epusdt_password_xasddawqe"),
                         pay_str(old, sizeof(old) - 1), sign, &size),
           "BEpusdt's published string");
        EQ_MEM(sign, size, "1cd4b52df5587cfb1968b0c0c6e156cd", 32,
               "  has the published signature");
    }
}


/* --- requests ------------------------------------------------------------ */

static void
test_start(const pay_channel_t *channel, bool is_hmac, int64_t amount,
    const char *target, const char *members, const char *text)
{
    char           sign[OPENSSL_SIGN_SIZE], want[2048];
    pay_ask_t      question;
    pay_request_t  request;
    unsigned char  buffer[PAY_REQUEST_SIZE_MAX];

    question = reply_asked(PAY_ASK_START);
    question.amount = amount;
    gate_sign(text, strlen(text), SIGNER_KEY, is_hmac, sign);
    (void) snprintf(want, sizeof(want), "{%s,\"signature\":\"%s\"}", members,
                    sign);

    OK(channel->protocol->ask(crypto, channel, &question, buffer, &request),
       "a start is asked for");
    EQ_STR(request.method, "POST", "  by POST");
    EQ_MEM(request.target.data, request.target.size, target, strlen(target),
           "  at its address");
    EQ_MEM(request.body.data, request.body.size, want, strlen(want),
           "  with these members, signed");
    OK(reply_has(request.headers, "Content-Type: application/json\r\n"),
       "  as JSON");
}


static void
test_starts(void)
{
#define URLS  "\"notify_url\":\"https://shop.example/notify/way\","           \
              "\"redirect_url\":\"https://shop.example/return/1\""
#define NOTIFY  "&notify_url=https://shop.example/notify/way&order_id="
#define RETURN  "&redirect_url=https://shop.example/return/1"
#define GMPAY(money, chain)                                                   \
    "\"pid\":\"1000\",\"order_id\":\"" REPLY_ORDER_NO "\","                   \
    "\"currency\":\"cny\"," chain "\"amount\":" money "," URLS                \
    ",\"name\":\"order\""
#define TRON  "\"token\":\"usdt\",\"network\":\"tron\","

    pay_channel_t  channel;

    test_start(&gmpay, false, 990, GATE_CREATE, GMPAY("9.9", TRON),
               "amount=9.9&currency=cny&name=order&network=tron" NOTIFY
               REPLY_ORDER_NO "&pid=1000" RETURN "&token=usdt");
    test_start(&gmpay, false, 10000, GATE_CREATE, GMPAY("100", TRON),
               "amount=100&currency=cny&name=order&network=tron" NOTIFY
               REPLY_ORDER_NO "&pid=1000" RETURN "&token=usdt");

    channel = gmpay;
    channel.type = pay_str(NULL, 0);
    channel.hash.hash = PAY_HASH_HMAC_SHA256;
    channel.url = PAY_STR("https://pay.example/u/");
    test_start(&channel, true, 12345, "/u" GATE_CREATE, GMPAY("123.45", ""),
               "amount=123.45&currency=cny&name=order" NOTIFY REPLY_ORDER_NO
               "&pid=1000" RETURN);

    test_start(&bepusdt, false, 2888, "/api/v1/order/create-transaction",
               "\"order_id\":\"" REPLY_ORDER_NO "\",\"amount\":28.88,"
               "\"fiat\":\"CNY\",\"trade_type\":\"usdt.trc20\","
               "\"name\":\"order\",\"timeout\":900," URLS,
               "amount=28.88&fiat=CNY&name=order" NOTIFY REPLY_ORDER_NO
               RETURN "&timeout=900&trade_type=usdt.trc20");
}


static void
test_other_requests(void)
{
    char           sign[OPENSSL_SIGN_SIZE], want[1024];
    pay_ask_t      question;
    pay_request_t  request;
    unsigned char  buffer[PAY_REQUEST_SIZE_MAX];

    question = reply_asked(PAY_ASK_QUERY);
    OK(!gmpay.protocol->ask(crypto, &gmpay, &question, buffer, &request),
       "what has no number there cannot be asked for");
    question.ref = PAY_STR(GATE_TRADE_NO);
    OK(gmpay.protocol->ask(crypto, &gmpay, &question, buffer, &request),
       "a payment is asked for");
    EQ_STR(request.method, "GET", "  by GET");
    EQ_MEM(request.target.data, request.target.size,
           "/pay/check-status/" GATE_TRADE_NO,
           strlen("/pay/check-status/" GATE_TRADE_NO), "  by its number");
    question.ref = PAY_STR("../admin?");
    OK(!gmpay.protocol->ask(crypto, &gmpay, &question, buffer, &request),
       "  which cannot be a path");

    question = reply_asked(PAY_ASK_CLOSE);
    question.ref = PAY_STR("b3d2477c-d945-41da-96b7-f925bbd1b415");
    gate_sign("trade_id=b3d2477c-d945-41da-96b7-f925bbd1b415", 45, SIGNER_KEY,
              false, sign);
    (void) snprintf(want, sizeof(want), "{\"trade_id\":\"b3d2477c-d945-41da-"
                    "96b7-f925bbd1b415\",\"signature\":\"%s\"}", sign);
    OK(bepusdt.protocol->ask(crypto, &bepusdt, &question, buffer, &request),
       "BEpusdt is asked for a close");
    EQ_MEM(request.target.data, request.target.size,
           "/api/v1/order/cancel-transaction", 32, "  at its address");
    EQ_MEM(request.body.data, request.body.size, want, strlen(want),
           "  signed");
    OK(!gmpay.protocol->ask(crypto, &gmpay, &question, buffer, &request),
       "GMPay cannot close");

    question = reply_asked(PAY_ASK_REFUND);
    question.ref = PAY_STR(GATE_TRADE_NO);
    OK(!bepusdt.protocol->ask(crypto, &bepusdt, &question, buffer, &request),
       "nobody gives back");

    question = reply_asked(PAY_ASK_START);
    question.order_no = PAY_STR("012345678901234567890123456789012");
    OK(!gmpay.protocol->ask(crypto, &gmpay, &question, buffer, &request),
       "an order number of 33 is not taken");
    question = reply_asked(PAY_ASK_START);
    question.notify_url = PAY_STR("https://shop.example/?\"");
    OK(!gmpay.protocol->ask(crypto, &gmpay, &question, buffer, &request),
       "nor an address with a quote");

    question = reply_asked(PAY_ASK_START);
    question.expires_s = question.now_s + 5;
    OK(bepusdt.protocol->ask(crypto, &bepusdt, &question, buffer, &request)
       && reply_has(request.body, "\"timeout\":120,"),
       "no less than the gateway's least time");
}


/* --- replies ------------------------------------------------------------- */

#define U  PAY_ANSWER_UNKNOWN
#define DATA(members)  "{\"status_code\":200,\"message\":\"success\","        \
                       "\"data\":{" members "},\"request_id\":\"\"}"
#define OPENED(order, money, trade, url)                                      \
    DATA("\"trade_id\":" trade ",\"order_id\":" order ",\"amount\":" money    \
         ",\"payment_url\":" url)
#define ORDER  "\"" REPLY_ORDER_NO "\""
#define TRADE  "\"" GATE_TRADE_NO "\""
#define PAGE   "\"https:\\/\\/pay.example\\/pay\\/1?a=b\""

static const struct {
    const char    *what;
    pay_ask_e      ask;
    unsigned       status;
    const char    *body;
    pay_answer_e   answer;
} answers[] = {
    { "open", PAY_ASK_START, 200, OPENED(ORDER, "9.9", TRADE, PAGE),
      PAY_ANSWER_STARTED },
    { "open, an amount as text", PAY_ASK_START, 200,
      OPENED(ORDER, "\"9.90\"", TRADE, PAGE), PAY_ANSWER_STARTED },
    { "open, another amount", PAY_ASK_START, 200,
      OPENED(ORDER, "9.91", TRADE, PAGE), U },
    { "open, an exponent", PAY_ASK_START, 200,
      OPENED(ORDER, "99e-1", TRADE, PAGE), U },
    { "open, another order", PAY_ASK_START, 200,
      OPENED("\"1\"", "9.9", TRADE, PAGE), U },
    { "open, no number", PAY_ASK_START, 200, OPENED(ORDER, "9.9", "\"\"",
      PAGE), U },
    { "open, a number with a slash", PAY_ASK_START, 200,
      OPENED(ORDER, "9.9", "\"a/b\"", PAGE), U },
    { "open, a script", PAY_ASK_START, 200,
      OPENED(ORDER, "9.9", TRADE, "\"javascript:alert(1)\""), U },
    { "open, no address", PAY_ASK_START, 200,
      OPENED(ORDER, "9.9", TRADE, "null"), U },
    { "open, a line break", PAY_ASK_START, 200,
      OPENED(ORDER, "9.9", TRADE, "\"https://a\\r\\nb\""), U },
    { "no data", PAY_ASK_START, 200, "{\"status_code\":200,\"data\":null}",
      U },
    { "the order is there", PAY_ASK_START, 400,
      "{\"status_code\":10002,\"data\":null}", PAY_ANSWER_REFUSED },
    { "no address is free", PAY_ASK_START, 400, "{\"status_code\":10003}",
      PAY_ANSWER_BUSY },
    { "a wrong signature", PAY_ASK_START, 401, "{\"status_code\":401}",
      PAY_ANSWER_REFUSED },
    { "another refusal", PAY_ASK_START, 400, "{\"status_code\":400}", U },
    { "status 200 in an error", PAY_ASK_START, 500,
      OPENED(ORDER, "9.9", TRADE, PAGE), U },
    { "a page", PAY_ASK_START, 200, "<html>", U },
    { "waiting", PAY_ASK_QUERY, 200,
      DATA("\"trade_id\":" TRADE ",\"status\":1"), PAY_ANSWER_UNPAID },
    { "waiting for a network", PAY_ASK_QUERY, 200,
      DATA("\"trade_id\":" TRADE ",\"status\":4"), PAY_ANSWER_UNPAID },
    { "over", PAY_ASK_QUERY, 200,
      DATA("\"trade_id\":" TRADE ",\"status\":3"), PAY_ANSWER_CLOSED },
    { "paid, which nobody signed", PAY_ASK_QUERY, 200,
      DATA("\"trade_id\":" TRADE ",\"status\":2"), U },
    { "another payment", PAY_ASK_QUERY, 200,
      DATA("\"trade_id\":\"1\",\"status\":1"), U },
    { "not there", PAY_ASK_QUERY, 400, "{\"status_code\":10008}",
      PAY_ANSWER_NONE },
    { "over", PAY_ASK_CLOSE, 200, DATA("\"trade_id\":" TRADE),
      PAY_ANSWER_CLOSED },
    { "another one over", PAY_ASK_CLOSE, 200, DATA("\"trade_id\":\"1\""), U },
    { "a refusal", PAY_ASK_CLOSE, 200, "{\"status_code\":400}", U }
};


static void
test_answers(void)
{
    size_t        i;
    pay_ask_t     question;
    pay_answer_t  answer;

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        question = reply_asked(answers[i].ask);
        question.ref = PAY_STR(GATE_TRADE_NO);
        EQ_INT(reply_judge(crypto, &bepusdt, &question, answers[i].status,
                           answers[i].body, &answer),
               answers[i].answer, "%s, %s: %s",
               pay_ask_word(answers[i].ask), answers[i].what,
               pay_answer_word(answers[i].answer));
    }

    question = reply_asked(PAY_ASK_START);
    (void) reply_judge(crypto, &gmpay, &question, 200, answers[0].body,
                       &answer);
    EQ_INT(answer.started.by, PAY_BY_REDIRECT, "the browser goes there");
    EQ_STR(answer.started.address, "https://pay.example/pay/1?a=b",
           "  to this address");
    EQ_STR(answer.started.ref, GATE_TRADE_NO, "  by this number");
}


/* --- the channel --------------------------------------------------------- */

static void
refused(pay_channel_t channel, const char *what, const char *says)
{
    char  err[512] = "";

    OK(!pay_channel_check(&channel, err, sizeof(err)), "refused: %s", what);
    OK(strstr(err, says) != NULL, "  saying: %s", err);
}


static void
test_channel(void)
{
    char           err[512] = "", url[64];
    size_t         length;
    pay_start_t    start;
    pay_channel_t  channel;

    OK(pay_channel_check(&gmpay, err, sizeof(err)), "a channel %s", err);
    OK(pay_channel_check(&bepusdt, err, sizeof(err)), "another %s", err);

#define BAD(of, member, value, what, says)                                    \
    do {                                                                      \
        channel = of;                                                         \
        channel.member = (value);                                             \
        refused(channel, what, says);                                         \
    } while (0)

    BAD(gmpay, url, PAY_STR("http://pay.example/"), "a call in clear",
        "must be https");
    BAD(gmpay, url, PAY_STR("ftp://x"), "no http", "base of the");
    BAD(gmpay, pid, pay_str(NULL, 0), "no pid", "\"pid\" must be");
    BAD(gmpay, hash.hash, PAY_HASH_SHA256, "SHA-256", "md5 or hmac-sha256");
    BAD(gmpay, hash.hash, PAY_HASH_NONE, "no hash", "md5 or hmac-sha256");
    BAD(gmpay, hash.is_upper, true, "upper case", "and no more");
    BAD(gmpay, hash.key_text, "&key=", "a text before the key", "no more");
    BAD(gmpay, key, PAY_STR("short"), "a short key", "less than 16");
    BAD(gmpay, type, PAY_STR("usdt"), "a token alone", "usdt.tron");
    BAD(gmpay, type, PAY_STR(".tron"), "a network alone", "usdt.tron");
    BAD(gmpay, type, PAY_STR("a.b.c"), "two dots", "usdt.tron");
    BAD(bepusdt, type, PAY_STR("usdt"), "a token alone", "usdt.trc20");
    BAD(bepusdt, key_previous, PAY_STR(SIGNER_KEY), "one key twice",
        "equals the current");

    start = (pay_start_t) {
        .order_no = PAY_STR(REPLY_ORDER_NO), .amount = 990,
        .currency = "CNY",
        .notify_url = PAY_STR("https://shop.example/notify/way"),
        .return_url = PAY_STR("https://shop.example/return/1")
    };

    EQ_INT(gmpay.protocol->start(crypto, &gmpay, &start, url, sizeof(url),
                                 &length),
           PAY_START_ASK, "a payment begins with a question");
    start.order_no = PAY_STR("012345678901234567890123456789012");
    EQ_INT(gmpay.protocol->start(crypto, &gmpay, &start, url, sizeof(url),
                                 &length),
           PAY_START_ORDER_NO, "  not with an order number of 33");
}


int
main(void)
{
    gate_enter();

    test_vectors();
    test_starts();
    test_other_requests();
    test_answers();
    test_channel();

    pay_crypto_destroy(crypto);

    return tap_done();
}

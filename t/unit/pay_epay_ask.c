/*
 * What EPay is asked, V1 and V2, and what its replies are worth: those of V1,
 * which nobody signed, and those of V2, which openssl signs here over what
 * PHP would.
 */

#include "pay_reply.h"


#define NOW_TEXT  "1767323045"
#define REPLY_RAW_SIZE  4096

static pay_crypto_t   *crypto;
static pay_rsa_t      *own, *gateway;
static pay_channel_t   v1, v2;


static void
enter(void)
{
    char  err[256];

    crypto = pay_crypto_create(err, sizeof(err));
    openssl_enter();
    openssl_make_key("own", 2048);
    openssl_make_key("gateway", 2048);
    own = matrix_key("own.key", true);
    gateway = matrix_key("gateway.pub", false);

    v1 = (pay_channel_t) {
        .protocol = pay_protocol_find(PAY_STR("epay")),
        .name = PAY_STR("epay"),
        .url = PAY_STR("https://pay.example/"),
        .pid = PAY_STR("1001"),
        .key = PAY_STR("k9vT2mXw7QpR4sLz+&=D"),
        .currency = "CNY"
    };

    v2 = v1;
    v2.protocol = pay_protocol_find(PAY_STR("epay2"));
    v2.url = PAY_STR("https://pay.example/sub/");
    v2.private_key = own;
    v2.public_key = gateway;
}


/* --- requests ------------------------------------------------------------ */

static void
test_v1_requests(void)
{
    pay_ask_t      question;
    pay_request_t  request;
    unsigned char  buffer[PAY_REQUEST_SIZE_MAX];

#define KEY  "k9vT2mXw7QpR4sLz%2B%26%3DD"

    question = reply_asked(PAY_ASK_QUERY);
    OK(v1.protocol->ask(crypto, &v1, &question, buffer, &request),
       "V1 is asked for an order");
    EQ_STR(request.method, "GET", "  by GET");
    EQ_MEM(request.target.data, request.target.size,
           "/api.php?act=order&pid=1001&key=" KEY "&out_trade_no="
           REPLY_ORDER_NO,
           strlen("/api.php?act=order&pid=1001&key=" KEY "&out_trade_no="
                  REPLY_ORDER_NO), "  with the key, escaped");
    EQ_INT(request.body.size, 0, "  without a body");

    question = reply_asked(PAY_ASK_REFUND);
    OK(v1.protocol->ask(crypto, &v1, &question, buffer, &request),
       "V1 is asked for a refund");
    EQ_STR(request.method, "POST", "  by POST");
    EQ_MEM(request.target.data, request.target.size, "/api.php?act=refund",
           19, "  at its address, without the key");
    EQ_MEM(request.body.data, request.body.size,
           "pid=1001&key=" KEY "&out_trade_no=" REPLY_ORDER_NO "&money=1.00",
           strlen("pid=1001&key=" KEY "&out_trade_no=" REPLY_ORDER_NO
                  "&money=1.00"), "  with all in the body");

    OK(v1.protocol->refunds_again, "a second call would be a second refund");
    OK(!v2.protocol->refunds_again, "  not so with V2");

    question = reply_asked(PAY_ASK_CLOSE);
    OK(!v1.protocol->ask(crypto, &v1, &question, buffer, &request),
       "V1 cannot close");
    question = reply_asked(PAY_ASK_REFUND_QUERY);
    OK(!v1.protocol->ask(crypto, &v1, &question, buffer, &request)
       && !v2.protocol->ask(crypto, &v2, &question, buffer, &request),
       "neither is asked about a refund");
    question = reply_asked(PAY_ASK_START);
    OK(!v1.protocol->ask(crypto, &v1, &question, buffer, &request)
       && !v2.protocol->ask(crypto, &v2, &question, buffer, &request),
       "neither is asked for a start");

    v1.url = PAY_STR("http://pay.example/");
    EQ_INT(pay_channel_asks(&v1), 0, "no key goes out in clear");
    v1.url = PAY_STR("http://127.0.0.1:8081/");
    OK(pay_channel_asks(&v1) != 0, "  but to this machine");
    v1.url = PAY_STR("https://pay.example/");
}


static void
test_v2_requests(void)
{
    char            raw[REPLY_RAW_SIZE], text[SIGNER_RAW_SIZE];
    char            sign[OPENSSL_SIGN_SIZE] = "";
    size_t          i, j, count, kept, size;
    pay_ask_t       question;
    pay_request_t   request;
    unsigned char   buffer[PAY_REQUEST_SIZE_MAX];
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    static const struct {
        pay_ask_e    what;
        const char  *target;
        const char  *text;
    } cases[] = {
        { PAY_ASK_QUERY, "/sub/api/pay/query",
          "out_trade_no=" REPLY_ORDER_NO "&pid=1001&timestamp=" NOW_TEXT },
        { PAY_ASK_CLOSE, "/sub/api/pay/close",
          "out_trade_no=" REPLY_ORDER_NO "&pid=1001&timestamp=" NOW_TEXT },
        { PAY_ASK_REFUND, "/sub/api/pay/refund",
          "money=1.00&out_refund_no=" REPLY_REFUND_NO "&out_trade_no="
          REPLY_ORDER_NO "&pid=1001&timestamp=" NOW_TEXT }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        question = reply_asked(cases[i].what);

        OK(v2.protocol->ask(crypto, &v2, &question, buffer, &request),
           "V2 is asked: %s", pay_ask_word(cases[i].what));
        EQ_STR(request.method, "POST", "  by POST");
        EQ_MEM(request.target.data, request.target.size, cases[i].target,
               strlen(cases[i].target), "  at its address");

        (void) snprintf(raw, sizeof(raw), "%.*s", (int) request.body.size,
                        (const char *) request.body.data);
        count = reply_split(raw, fields);

        for (j = 0, kept = 0; j < count; j++) {
            if (strcmp(fields[j].name, "sign") == 0) {
                (void) snprintf(sign, sizeof(sign), "%s", fields[j].value);
            } else if (strcmp(fields[j].name, "sign_type") == 0) {
                EQ_STR(fields[j].value, "RSA", "  sign_type");
            } else {
                fields[kept++] = fields[j];
            }
        }

        size = openssl_text(fields, kept, 0, text);
        EQ_MEM(text, size, cases[i].text, strlen(cases[i].text),
               "  with these fields");
        OK(openssl_verifies("own", text, size, sign), "  signed by our key");
    }

    question = reply_asked(PAY_ASK_REFUND);
    question.refund_no = PAY_STR("R-123");
    OK(!v2.protocol->ask(crypto, &v2, &question, buffer, &request),
       "not asked: a refund whose number would not be remembered");
    question.refund_no = PAY_STR("R-1234&money=9");
    OK(!v2.protocol->ask(crypto, &v2, &question, buffer, &request),
       "not asked: a refund's number with &");
}


/* --- V1 ------------------------------------------------------------------ */

#define U     PAY_ANSWER_UNKNOWN
#define NAMES "\"pid\":1001,\"out_trade_no\":\"" REPLY_ORDER_NO "\","         \
              "\"trade_no\":\"2016080622555342651\","

static const struct {
    const char    *what;
    pay_ask_e      ask;
    const char    *body;
    pay_answer_e   answer;
    int64_t        amount;
} v1_answers[] = {
    { "paid", PAY_ASK_QUERY, "{\"code\":1,\"msg\":\"succ\"," NAMES
      "\"status\":1,\"money\":\"9.90\"}", PAY_ANSWER_PAID, 990 },
    { "paid, all as text", PAY_ASK_QUERY, "{\"code\":\"1\",\"pid\":"
      "\"1001\",\"out_trade_no\":\"" REPLY_ORDER_NO "\",\"trade_no\":"
      "\"1\",\"status\":\"1\",\"money\":\"9.90\"}", PAY_ANSWER_PAID,
      990 },
    { "paid, as PHP prints it", PAY_ASK_QUERY, "{\"code\":1," NAMES
      "\"status\":1,\"money\":9.9}", PAY_ANSWER_PAID, 990 },
    { "paid, whole", PAY_ASK_QUERY, "{\"code\":1," NAMES
      "\"status\":1,\"money\":\"1\"}", PAY_ANSWER_PAID, 100 },
    { "paid, an odd amount", PAY_ASK_QUERY, "{\"code\":1," NAMES
      "\"status\":1,\"money\":\"9.905\"}", PAY_ANSWER_ODD_AMOUNT, 990 },
    { "an exponent", PAY_ASK_QUERY, "{\"code\":1," NAMES
      "\"status\":1,\"money\":1e1}", U, 0 },
    { "less than nothing", PAY_ASK_QUERY, "{\"code\":1," NAMES
      "\"status\":1,\"money\":-9.9}", U, 0 },
    { "no money", PAY_ASK_QUERY, "{\"code\":1," NAMES "\"status\":1}", U,
      0 },
    { "unpaid", PAY_ASK_QUERY, "{\"code\":1," NAMES "\"status\":0}",
      PAY_ANSWER_UNPAID, 0 },
    { "given back", PAY_ASK_QUERY, "{\"code\":1," NAMES "\"status\":2,"
      "\"money\":\"9.90\"}", U, 0 },
    { "a status that is true", PAY_ASK_QUERY, "{\"code\":1," NAMES
      "\"status\":[1],\"money\":\"9.90\"}", U, 0 },
    { "another merchant's", PAY_ASK_QUERY, "{\"code\":1,\"pid\":1002,"
      "\"out_trade_no\":\"" REPLY_ORDER_NO "\",\"trade_no\":\"1\","
      "\"status\":1,\"money\":\"9.90\"}", U, 0 },
    { "another order", PAY_ASK_QUERY, "{\"code\":1,\"pid\":1001,"
      "\"out_trade_no\":\"1\",\"trade_no\":\"1\",\"status\":1,"
      "\"money\":\"9.90\"}", U, 0 },
    { "an order as a number", PAY_ASK_QUERY, "{\"code\":1,\"pid\":1001,"
      "\"out_trade_no\":1,\"trade_no\":\"1\",\"status\":1,"
      "\"money\":\"9.90\"}", U, 0 },
    { "a status twice", PAY_ASK_QUERY, "{\"code\":1," NAMES
      "\"status\":0,\"status\":1,\"money\":\"9.90\"}", U, 0 },
    { "not there", PAY_ASK_QUERY, "{\"code\":-1,\"msg\":\"?\"}", U, 0 },
    { "a query's success in a refund's words", PAY_ASK_QUERY,
      "{\"code\":0," NAMES "\"status\":1,\"money\":\"9.90\"}", U, 0 },
    { "a wrong key", PAY_ASK_QUERY, "{\"code\":-3}", PAY_ANSWER_REFUSED,
      0 },
    { "a page", PAY_ASK_QUERY, "<html>", U, 0 },
    { "an array", PAY_ASK_QUERY, "[1]", U, 0 },
    { "given back", PAY_ASK_REFUND, "{\"code\":0,\"msg\":\"ok\","
      "\"out_trade_no\":\"" REPLY_ORDER_NO "\",\"money\":\"1.00\"}",
      PAY_ANSWER_RETURNED, 0 },
    { "given back, in few words", PAY_ASK_REFUND, "{\"code\":0}",
      PAY_ANSWER_RETURNED, 0 },
    { "another sum", PAY_ASK_REFUND, "{\"code\":0,\"money\":\"1.01\"}", U,
      0 },
    { "another order", PAY_ASK_REFUND,
      "{\"code\":0,\"out_trade_no\":\"1\"}", U, 0 },
    { "code 1, which is no refund's", PAY_ASK_REFUND, "{\"code\":1}", U,
      0 },
    { "a refund that failed", PAY_ASK_REFUND, "{\"code\":-1}", U, 0 },
    { "a refund with a wrong key", PAY_ASK_REFUND, "{\"code\":-3}",
      PAY_ANSWER_REFUSED, 0 },
    { "no code", PAY_ASK_REFUND, "{}", U, 0 },
    { "code null", PAY_ASK_REFUND, "{\"code\":null}", U, 0 },
    { "code false", PAY_ASK_REFUND, "{\"code\":false}", U, 0 }
};


static void
test_v1_answers(void)
{
    size_t        i;
    pay_ask_t     question;
    pay_answer_t  answer;

    for (i = 0; i < sizeof(v1_answers) / sizeof(v1_answers[0]); i++) {
        question = reply_asked(v1_answers[i].ask);
        EQ_INT(reply_judge(crypto, &v1, &question, 200, v1_answers[i].body,
                           &answer),
               v1_answers[i].answer, "V1, %s: %s: %s",
               pay_ask_word(v1_answers[i].ask), v1_answers[i].what,
               pay_answer_word(v1_answers[i].answer));
        EQ_INT(answer.fact.amount, v1_answers[i].amount, "  the amount");
    }

    question = reply_asked(PAY_ASK_QUERY);
    (void) reply_judge(crypto, &v1, &question, 200, v1_answers[0].body,
                       &answer);
    EQ_STR(answer.fact.order_no, REPLY_ORDER_NO, "paid: the order");
    EQ_STR(answer.fact.trade_no, "2016080622555342651", "  the trade");
    EQ_STR(answer.fact.currency, "CNY", "  the currency");
    EQ_INT(reply_judge(crypto, &v1, &question, 302, v1_answers[0].body,
                       &answer), U, "  from somewhere else: unknown");
}


/* --- V2 ------------------------------------------------------------------ */

static const signer_field_t  paid_fields[] = {
    { "code", "#0", 0 },
    { "addtime", "2026-01-02 03:04:00", 0 },
    { "buyer", "li", 0 },
    { "money", "9.90", 0 },
    { "out_trade_no", REPLY_ORDER_NO, 0 },
    { "pid", "#1001", 0 },
    { "status", "#1", 0 },
    { "timestamp", NOW_TEXT, 0 },
    { "trade_no", "2016080622555342651", 0 }
};

#define PAID_COUNT  (sizeof(paid_fields) / sizeof(paid_fields[0]))

static const signer_field_t  refund_fields[] = {
    { "code", "#0", 0 },
    { "money", "1.00", 0 },
    { "out_refund_no", REPLY_REFUND_NO, 0 },
    { "out_trade_no", REPLY_ORDER_NO, 0 },
    { "status", "#1", 0 },
    { "timestamp", NOW_TEXT, 0 }
};

#define REFUND_COUNT  (sizeof(refund_fields) / sizeof(refund_fields[0]))


/* A reply of these members, signed over what PHP makes of them. */

static void
write_reply(const char *key, const signer_field_t *fields, size_t count,
    char body[REPLY_BODY_SIZE])
{
    char            text[SIGNER_RAW_SIZE], sign[OPENSSL_SIGN_SIZE];
    size_t          i, size;
    signer_field_t  all[SIGNER_FIELDS_MAX];

    for (i = 0; i < count; i++) {
        all[i] = fields[i];

        if (strcmp(all[i].value, "#true") == 0) {
            all[i].value = "1";

        } else if (all[i].value[0] == '#') {
            all[i].value = strcmp(all[i].value, "#null") == 0
                           || all[i].value[1] == '['
                           ? "" : all[i].value + 1;
        }
    }

    size = openssl_text(all, count, 0, text);
    openssl_sign(key, text, size, sign);

    memcpy(all, fields, count * sizeof(all[0]));
    all[count] = (signer_field_t) { "sign", sign, 0 };
    all[count + 1] = (signer_field_t) { "sign_type", "RSA", 0 };
    reply_json(all, count + 2, body);
}


static pay_answer_e
judge_by(const char *key, pay_ask_e what, const signer_field_t *fields,
    size_t count, pay_answer_t *answer)
{
    char       body[REPLY_BODY_SIZE];
    pay_ask_t  question;

    question = reply_asked(what);
    write_reply(key, fields, count, body);

    return reply_judge(crypto, &v2, &question, 200, body, answer);
}


static pay_answer_e
judge_query(const signer_field_t *fields, size_t count)
{
    pay_answer_t  answer;

    return judge_by("gateway", PAY_ASK_QUERY, fields, count, &answer);
}


static pay_answer_e
judge_refund(const signer_field_t *fields, size_t count)
{
    pay_answer_t  answer;

    return judge_by("gateway", PAY_ASK_REFUND, fields, count, &answer);
}


static void
test_v2_matrix(void)
{
#define ROW(m, e, v, t, f)  { m, e, v, v, t, f }
#define ALL(v)  { v, v, v, v, v, v }
#define P       PAY_ANSWER_PAID
#define R       PAY_ANSWER_RETURNED

    static const reply_matrix_t  paid = {
        paid_fields, PAID_COUNT, judge_query
    };
    static const reply_row_t  paid_codes[PAID_COUNT] = {
        ALL(U), ALL(P), ALL(P),
        ROW(U, U, U, P, P),            /* money: another sum */
        ALL(U),                        /* out_trade_no */
        ALL(U),                        /* pid */
        ROW(U, U, U, U, PAY_ANSWER_UNPAID),     /* status: 1 is 0 */
        ROW(U, U, U, U, P),            /* timestamp: a second off */
        ROW(U, U, U, P, P)             /* trade_no */
    };
    static const reply_matrix_t  refund = {
        refund_fields, REFUND_COUNT, judge_refund
    };
    static const reply_row_t  refund_codes[REFUND_COUNT] = {
        ALL(U),
        ROW(U, U, U, R, U),            /* money: 1.0 is the same */
        ALL(U),                        /* out_refund_no */
        ROW(R, U, R, U, U),            /* out_trade_no need not be there */
        { R, R, R, R, U, R },          /* status: of no interest */
        ROW(U, U, U, U, R)
    };

    reply_sweep("V2 paid", &paid, paid_codes);
    reply_sweep("V2 refund", &refund, refund_codes);
}


/* The paid reply with one member set or added. */

static pay_answer_e
judge_with(const char *name, const char *value, pay_answer_t *answer)
{
    size_t          count;
    matrix_t        single;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    memset(&single, 0, sizeof(single));
    single.genuine = paid_fields;
    single.count = PAID_COUNT;
    count = matrix_with(&single, fields, name, value, 0);

    return judge_by("gateway", PAY_ASK_QUERY, fields, count, answer);
}


static void
test_v2_values(void)
{
    size_t        i;
    pay_answer_t  answer;

    static const struct {
        const char    *name;
        const char    *value;
        pay_answer_e   answer;
    } cases[] = {
        { "status", "#0", PAY_ANSWER_UNPAID }, { "status", "#2", U },
        { "status", "#3", U }, { "status", "#4", U }, { "status", "1", P },
        { "status", "#true", P }, { "status", "#1.0", U },
        { "refundmoney", "1.00", U }, { "refundmoney", "", P },
        { "refundmoney", "#null", P }, { "param", "#null", P },
        { "list", "#[1,2]", P }, { "money", "#9.9", P },
        { "money", "9.905", PAY_ANSWER_ODD_AMOUNT }, { "money", "1e1", U },
        { "code", "0", P }, { "code", "#-1", U }, { "code", "#00", U },
        { "pid", "1001", P }, { "pid", "#1002", U },
        { "timestamp", "1767322746", P }, { "timestamp", "1767323344", P },
        { "timestamp", "1767322744", U }, { "timestamp", "1767323346", U },
        { "timestamp", "#1767323045", P }, { "timestamp", "1767323045.", U },
        { "buyer", "x&status=1", U }, { "buyer", "x&money=1", U },
        { "buyer", "x&out_trade_no=1", U }, { "buyer", "x=1&y=2", P },
        { "buyer", "x&refundmoney=1", U },
        { "name", "VIP \xe4\xbc\x9a", P }, { "sign_type", "RSA2", U }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EQ_INT(judge_with(cases[i].name, cases[i].value, &answer),
               cases[i].answer, "V2, signed %s=%s: %s", cases[i].name,
               cases[i].value, pay_answer_word(cases[i].answer));
    }
}


static void
test_v2_proof(void)
{
    char          body[REPLY_BODY_SIZE], escaped[REPLY_BODY_SIZE], *at;
    size_t        i, bit, size, wrong;
    pay_ask_t     question;
    pay_answer_t  answer;

    question = reply_asked(PAY_ASK_QUERY);
    write_reply("gateway", paid_fields, PAID_COUNT, body);
    EQ_INT(reply_judge(crypto, &v2, &question, 200, body, &answer), P,
           "V2, whole: paid");
    EQ_STR(answer.fact.trade_no, "2016080622555342651", "  the trade");
    EQ_INT(answer.fact.amount, 990, "  the amount");

    EQ_INT(judge_by("own", PAY_ASK_QUERY, paid_fields, PAID_COUNT, &answer),
           U, "by our own key: unknown");

    /* As PHP writes what is not ASCII. */

    at = strstr(body, "\"li\"");
    (void) snprintf(escaped, sizeof(escaped), "%.*s\"\\u006ci\"%s",
                    (int) (at - body), body, at + 4);
    EQ_INT(reply_judge(crypto, &v2, &question, 200, escaped, &answer), P,
           "escapes are the same text");

    at = strstr(body, ",\"sign\"");
    *at = '}';
    at[1] = '\0';
    EQ_INT(reply_judge(crypto, &v2, &question, 200, body, &answer), U,
           "without a signature: unknown");
    EQ_INT(reply_judge(crypto, &v2, &question, 200,
                       "{\"code\":-1,\"msg\":\"no such order\"}", &answer), U,
           "a refusal: unknown");
    EQ_STR(answer.detail, "-1", "  with its code");

    write_reply("gateway", paid_fields, PAID_COUNT, body);
    size = strlen(body);
    wrong = 0;

    for (i = 0; i < size; i++) {
        for (bit = 0; bit < 7; bit++) {
            body[i] = (char) (body[i] ^ (1 << bit));
            wrong += body[i] != '\0'
                     && reply_judge(crypto, &v2, &question, 200, body,
                                    &answer)
                        == P
                     && (answer.fact.amount != 990
                         || strcmp(answer.fact.trade_no,
                                   "2016080622555342651") != 0);
            body[i] = (char) (body[i] ^ (1 << bit));
        }
    }

    EQ_INT(wrong, 0, "with any bit flipped nothing else was paid");

    {
        static const signer_field_t  closed[] = {
            { "code", "#0", 0 }, { "msg", "ok", 0 },
            { "timestamp", NOW_TEXT, 0 }
        };

        EQ_INT(judge_by("gateway", PAY_ASK_CLOSE, closed, 3, &answer),
               PAY_ANSWER_CLOSED, "a close");
        EQ_INT(judge_by("own", PAY_ASK_CLOSE, closed, 3, &answer), U,
               "  by our own key: unknown");
        EQ_INT(judge_by("gateway", PAY_ASK_CLOSE, closed, 2, &answer), U,
               "  without a time: unknown");
    }
}


/* More than a reply can hold is refused, not cut. */

static void
test_large(void)
{
    char          body[65536];
    size_t        i, used;
    pay_ask_t     question;
    pay_answer_t  answer;

    question = reply_asked(PAY_ASK_QUERY);
    used = (size_t) snprintf(body, sizeof(body), "{\"code\":1," NAMES
                             "\"status\":0");

    for (i = 0; i < 60; i++) {
        used += (size_t) snprintf(body + used, sizeof(body) - used,
                                  ",\"n%zu\":\"%0*d\"", i, 1000, 0);
    }

    (void) snprintf(body + used, sizeof(body) - used, "}");
    EQ_INT(reply_judge(crypto, &v1, &question, 200, body, &answer), U,
           "more text than a form has: unknown");

    used = (size_t) snprintf(body, sizeof(body), "{\"code\":1," NAMES
                             "\"status\":0");

    for (i = 0; i < 80; i++) {
        used += (size_t) snprintf(body + used, sizeof(body) - used,
                                  ",\"n%zu\":1", i);
    }

    (void) snprintf(body + used, sizeof(body) - used, "}");
    EQ_INT(reply_judge(crypto, &v1, &question, 200, body, &answer), U,
           "more members than a form has: unknown");
}


int
main(void)
{
    enter();

    test_v1_requests();
    test_v2_requests();
    test_v1_answers();
    test_v2_matrix();
    test_v2_values();
    test_v2_proof();
    test_large();

    pay_rsa_destroy(own);
    pay_rsa_destroy(gateway);
    pay_crypto_destroy(crypto);

    return tap_done();
}

/*
 * How an Alipay payment starts: the redirect is taken apart here, its
 * signature verified by openssl, its JSON read by a reader of this file.
 */

#include "pay_alipay_gate.h"

#include <time.h>


#define FIELDS_MAX  16
#define NOW_S       INT64_C(1767323045)      /* 2026-01-02 03:04:05 UTC */
#define ORDER_NO    "01J0000000000000000000000A"
#define NOTIFY_URL  "https://shop.example/notify/alipay"
#define RETURN_URL  "https://shop.example/return/" ORDER_NO


/* The fields of a URL's query, or the members of an object, decoded. */

typedef struct {
    signer_field_t  fields[FIELDS_MAX];
    size_t          count;
    char            bytes[PAY_START_URL_SIZE_MAX];
} reading_t;


static const pay_start_t  start_template = {
    { (const unsigned char *) ORDER_NO, sizeof(ORDER_NO) - 1 },
    990, "CNY",
    { (const unsigned char *) NOTIFY_URL, sizeof(NOTIFY_URL) - 1 },
    { (const unsigned char *) RETURN_URL, sizeof(RETURN_URL) - 1 },
    NOW_S, NOW_S + 900
};


/* --- readers ------------------------------------------------------------- */

/* A URL's query; exits if it is none, for nothing would be left to test. */

static void
read_query(const char *url, reading_t *reading)
{
    char      *out, *p, *next;
    unsigned   byte;

    (void) snprintf(reading->bytes, sizeof(reading->bytes), "%s",
                    url + strcspn(url, "?"));
    reading->count = 0;

    for (p = reading->bytes; *p != '\0'; p = next) {
        signer_field_t  *field = &reading->fields[reading->count++];

        field->name = ++p;
        next = p + strcspn(p, "&");
        p = strchr(p, '=');

        if (reading->count == FIELDS_MAX || p == NULL || p > next) {
            printf("Bail out! no query: %s\n", url);
            exit(EXIT_FAILURE);
        }

        *p++ = '\0';
        field->value = out = p;
        field->size = 0;

        while (p < next) {
            if (*p == '%' && sscanf(p + 1, "%2x", &byte) == 1) {
                *out++ = (char) byte;
                p += 3;

            } else {
                *out++ = *p++;
            }
        }

        /* What follows is moved behind this value, and its "&" kept. */
        memmove(out + 1, next, strlen(next) + 1);
        *out = '\0';
        next = out + 1;
    }
}


/* {"name":"value",...} with strings that have no escapes, and nothing else:
 * what is not so is no member. */

static int
read_object(const char *json, reading_t *reading)
{
    char  *p, *name, *value;

    (void) snprintf(reading->bytes, sizeof(reading->bytes), "%s", json);
    reading->count = 0;
    p = reading->bytes;

    do {
        if (strchr(p, '\\') != NULL || reading->count == FIELDS_MAX
            || p[0] != (reading->count == 0 ? '{' : ',') || p[1] != '"')
        {
            return 0;
        }

        name = p + 2;
        p = strchr(name, '"');

        if (p == NULL || p[1] != ':' || p[2] != '"') {
            return 0;
        }

        *p = '\0';
        value = p + 3;
        p = strchr(value, '"');

        if (p == NULL) {
            return 0;
        }

        *p++ = '\0';
        reading->fields[reading->count++] = (signer_field_t) { name, value,
                                                               0 };
    } while (*p == ',');

    return p[0] == '}' && p[1] == '\0';
}


/* The value; "" if it is not there, or not once. */

static const char *
value_of(const reading_t *reading, const char *name)
{
    size_t       i, count;
    const char  *value;

    value = "";
    count = 0;

    for (i = 0; i < reading->count; i++) {
        if (strcmp(reading->fields[i].name, name) == 0) {
            value = reading->fields[i].value;
            count++;
        }
    }

    return count == 1 ? value : "";
}


static pay_start_code_e
start(const pay_start_t *what, reading_t *query, reading_t *biz)
{
    char              url[PAY_START_URL_SIZE_MAX];
    size_t            length;
    pay_start_code_e  code;

    code = channel.protocol->start(crypto, &channel, what, url, sizeof(url),
                                   &length);

    if (code == PAY_START_OK) {
        read_query(url, query);
        OK(read_object(value_of(query, "biz_content"), biz),
           "  biz_content is an object of strings");
    }

    return code;
}


/* --- what is sent -------------------------------------------------------- */

static void
test_product(const char *type, const char *method, const char *product_code)
{
    char       text[SIGNER_RAW_SIZE];
    size_t     i, size;
    reading_t  query, biz;

    const struct {
        const char  *name;
        const char  *value;
    } want[] = {
        { "app_id", "2021000000000001" }, { "charset", "utf-8" },
        { "format", "JSON" }, { "method", method },
        { "notify_url", NOTIFY_URL }, { "return_url", RETURN_URL },
        { "sign_type", "RSA2" }, { "timestamp", "2026-01-02 11:04:05" },
        { "version", "1.0" }
    }, want_biz[] = {
        { "out_trade_no", ORDER_NO }, { "product_code", product_code },
        { "subject", "order " ORDER_NO },
        { "time_expire", "2026-01-02 11:19:05" }, { "total_amount", "9.90" }
    };

    channel.type = pay_str(type, strlen(type));
    EQ_INT(start(&start_template, &query, &biz), PAY_START_OK,
           "type \"%s\" starts", type);

    /* biz_content and sign besides; nothing else. */

    EQ_INT(query.count, sizeof(want) / sizeof(want[0]) + 2,
           "  with so many fields");

    for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        EQ_STR(value_of(&query, want[i].name), want[i].value, "  %s",
               want[i].name);
    }

    EQ_INT(biz.count, sizeof(want_biz) / sizeof(want_biz[0]),
           "  and so many members");

    for (i = 0; i < sizeof(want_biz) / sizeof(want_biz[0]); i++) {
        EQ_STR(value_of(&biz, want_biz[i].name), want_biz[i].value,
               "  %s", want_biz[i].name);
    }

    /* All but sign is signed, sign_type too; sign stands last. */

    EQ_STR(query.fields[query.count - 1].name, "sign", "  the signature");
    size = openssl_text(query.fields, query.count - 1, 0, text);
    OK(openssl_verifies("own", text, size,
                        query.fields[query.count - 1].value),
       "  is right, openssl says");
    channel.type = pay_str(NULL, 0);
}


static void
test_url(void)
{
    char        url[PAY_START_URL_SIZE_MAX], *query;
    size_t      length;
    pay_fact_t  fact;

    EQ_INT(channel.protocol->start(crypto, &channel, &start_template, url,
                                   sizeof(url), &length),
           PAY_START_OK, "a payment starts");
    EQ_INT(length, strlen(url), "  the length is that of the URL");
    OK(strncmp(url, "https://openapi.alipay.com/gateway.do?", 38) == 0,
       "  at the gateway");
    OK(strstr(url, "&charset=utf-8&") != NULL, "  the charset in the query");
    EQ_INT(strcspn(url, " \"<>'{}+\\"), length, "  all else is escaped");

    /* The buyer sees it, and sends it here. */

    query = strchr(url, '?') + 1;
    EQ_INT(verify_fact(query, &fact), PAY_SIGNATURE,
           "the same parameters sent back are no notice");
    EQ_STR(fact.field, "sign", "  for they are by our key");
}


/* --- time ---------------------------------------------------------------- */

static void
test_time(void)
{
    size_t       i;
    reading_t    query, biz;
    pay_start_t  at;

    static const struct {
        int64_t      now_s;
        int64_t      hold_s;
        const char  *timestamp;
        const char  *expires;
    } cases[] = {
        { NOW_S, 900, "2026-01-02 11:04:05", "2026-01-02 11:19:05" },
        { NOW_S, 61, "2026-01-02 11:04:05", "2026-01-02 11:05:06" },
        { NOW_S, 60, "2026-01-02 11:04:05", "2026-01-02 11:05:05" },
        { NOW_S, 59, "2026-01-02 11:04:05", "2026-01-02 11:05:05" },
        { NOW_S, 0, "2026-01-02 11:04:05", "2026-01-02 11:05:05" },
        { NOW_S, -3600, "2026-01-02 11:04:05", "2026-01-02 11:05:05" },
        /* the year begins in China; a leap day; July, without summer time */
        { 1767196799, 61, "2025-12-31 23:59:59", "2026-01-01 00:01:00" },
        { 1767196800, 61, "2026-01-01 00:00:00", "2026-01-01 00:01:01" },
        { 1835366399, 3600, "2028-02-28 23:59:59", "2028-02-29 00:59:59" },
        { 1784073600, 900, "2026-07-15 08:00:00", "2026-07-15 08:15:00" }
    };

    /* Whatever the machine thinks of time. */

    (void) setenv("TZ", "America/New_York", 1);
    tzset();

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        at = start_template;
        at.now_s = cases[i].now_s;
        at.expires_s = cases[i].now_s + cases[i].hold_s;

        EQ_INT(start(&at, &query, &biz), PAY_START_OK,
               "%" PRId64 ", held %" PRId64 " s more", cases[i].now_s,
               cases[i].hold_s);
        EQ_STR(value_of(&query, "timestamp"), cases[i].timestamp,
               "  is this in China");
        EQ_STR(value_of(&biz, "time_expire"), cases[i].expires,
               "  and ends then");
    }
}


/* --- limits -------------------------------------------------------------- */

static void
test_room(void)
{
    char           url[PAY_START_URL_SIZE_MAX], path[PAY_BASE_URL_SIZE_MAX];
    size_t         room, length, whole, wrong;
    pay_start_t    at;
    pay_channel_t  largest;

    (void) channel.protocol->start(crypto, &channel, &start_template, url,
                                   sizeof(url), &whole);
    wrong = 0;

    for (room = 1; room <= whole; room += room < whole - 9 ? 7 : 1) {
        wrong += channel.protocol->start(crypto, &channel, &start_template,
                                         url, room, &length)
                 != PAY_START_ROOM
                 || url[0] != '\0' || length != 0;
    }

    EQ_INT(wrong, 0, "no buffer that is too small is written");
    EQ_INT(channel.protocol->start(crypto, &channel, &start_template, url,
                                   whole + 1, &length),
           PAY_START_OK, "the exact one is");

    memset(path, '/', sizeof(path));
    memcpy(path, "http://h", 8);

    largest = channel;
    largest.url = pay_str(path, sizeof(path));
    largest.app_id = PAY_STR("20210000000000010000000000000001");
    largest.private_key = gate_privates[3];
    at = start_template;
    at.order_no = PAY_STR("________________________________"
                          "________________________________");
    at.amount = INT64_C(99999999999);
    at.notify_url = largest.url;
    at.return_url = largest.url;

    EQ_INT(channel.protocol->start(crypto, &largest, &at, url, sizeof(url),
                                   &length),
           PAY_START_OK, "the largest values fit the buffer that is said");
}


static void
test_refusals(void)
{
    char         url[PAY_START_URL_SIZE_MAX];
    size_t       length;
    pay_start_t  at;

#define START(member, value, code, what)                                      \
    do {                                                                      \
        at = start_template;                                                  \
        at.member = (value);                                                  \
        (void) strcpy(url, "x");                                              \
        EQ_INT(channel.protocol->start(crypto, &channel, &at, url,            \
                                       sizeof(url), &length),                 \
               code, "start: %s", what);                                      \
        OK(code == PAY_START_OK || (url[0] == '\0' && length == 0),           \
           "  writes nothing if refused");                                    \
    } while (0)

    START(order_no, PAY_STR("A_9"), PAY_START_OK, "any plain number");
    START(order_no, PAY_STR(""), PAY_START_ORDER_NO, "no order number");
    START(order_no, PAY_STR("1\",\"x\":\"2"), PAY_START_ORDER_NO,
          "JSON in the order number");
    START(order_no, PAY_STR("1|2"), PAY_START_ORDER_NO, "| in it");
    START(order_no, PAY_STR("1.2"), PAY_START_ORDER_NO, "a dot in it");
    START(order_no, PAY_STR("0123456789012345678901234567890123456789"
                            "0123456789012345678901234"),
          PAY_START_ORDER_NO, "an order number of 65");
    START(currency[0], 'U', PAY_START_CURRENCY, "another currency");
    START(amount, 0, PAY_START_AMOUNT, "no money");
    START(amount, -1, PAY_START_AMOUNT, "negative money");
    START(amount, INT64_C(99999999999), PAY_START_OK, "the most");
    START(amount, INT64_C(100000000000), PAY_START_AMOUNT, "one fen more");
    START(amount, INT64_MAX, PAY_START_AMOUNT, "the greatest integer");
    START(notify_url, PAY_STR("https://shop.example/n?a"), PAY_START_URL,
          "a query");
    START(return_url, PAY_STR("https://shop.example/\n"), PAY_START_URL,
          "a newline");
    START(return_url, PAY_STR(""), PAY_START_URL, "no return URL");
}


int
main(void)
{
    gate_enter();

    test_product("", "alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY");
    test_product("page", "alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY");
    test_product("wap", "alipay.trade.wap.pay", "QUICK_WAP_WAY");
    test_url();
    test_time();
    test_room();
    test_refusals();

    gate_leave();

    return tap_done();
}

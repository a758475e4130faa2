/*
 * EPay V1 as it should work: the documented signatures, the redirect that
 * starts a payment, and genuine notices in all their spellings.  Notices are
 * signed by md5sum (pay_signer.h).
 */

#include "../../ngx_module/pay/epay_priv.h"

#include "pay_signer.h"


#define KEY_PREVIOUS  "p8uS1lWv6PoQ3rKy7MbC"


static pay_crypto_t   *crypto;
static pay_channel_t   channel;


/* --- published signatures ------------------------------------------------ */

typedef struct {
    const char  *file;
    const char  *text;
    const char  *key;
    const char  *sign;
} vector_t;

/* Sample values of the EPay documentation, of the epusdt wiki and of the
 * legacy epusdt documentation. */

static const vector_t  vectors[] = {
    { "epay-v1-submit.txt",
      "money=1.00&name=VIP会员&notify_url=http://www.pay.com/notify_url.php"
      "&out_trade_no=20160806151343349&pid=1001"
      "&return_url=http://www.pay.com/return_url.php&type=alipay",
      "TESTKEY", "f6c281cc5369fe590ac42a3c38710582" },
    { "epay-v1-notify.txt",
      "money=1&name=product&out_trade_no=20160806151343349&pid=1001"
      "&trade_no=2016080622555342651&trade_status=TRADE_SUCCESS&type=alipay",
      "TESTKEY", "d8221fd6553d6dcdc1adde531d5aedd3" },
    { "epusdt-gmpay.txt",
      "amount=100&currency=cny&name=VIP&network=tron"
      "&notify_url=https://merchant.example/notify"
      "&order_id=ORD202605230001&pid=1000"
      "&redirect_url=https://merchant.example/return&token=usdt",
      "epusdt_secret_key", "476412c422f4dd75c3d533f5c47a9cac" },
    { "epusdt-epay.txt",
      "money=100&name=VIP&notify_url=https://merchant.example/notify"
      "&out_trade_no=ORD202605230001&pid=1000"
      "&return_url=https://merchant.example/return&type=alipay",
      "epusdt_secret_key", "b865b0acbb2b01554c35a1bd33351452" },
    { "epusdt-legacy.txt",
      "amount=42&notify_url=http://example.com/notify"
      "&order_id=20220201030210321"
      "&redirect_url=http://example.com/redirect",
      "epusdt_password_xasddawqe", "1cd4b52df5587cfb1968b0c0c6e156cd" }
};


/* Where the published files are at hand, they must be the strings above. */

static void
compare_file(const vector_t *vector)
{
    char         path[512], text[1024];
    FILE        *file;
    size_t       size;
    const char  *folder;

    folder = getenv("FAKA_VECTORS");
    (void) snprintf(path, sizeof(path), "%s/%s",
                    folder != NULL ? folder : "../shared/vectors",
                    vector->file);

    file = fopen(path, "rb");

    if (file != NULL) {
        size = fread(text, 1, sizeof(text), file);
        (void) fclose(file);
        EQ_MEM(text, size, vector->text, strlen(vector->text),
               "  the file is the same text");
    }
}


static void
test_vectors(void)
{
    char              raw[1024], *p, *next, *equals, digest[33];
    char              sign[EPAY_SIGN_SIZE_MAX];
    size_t            i, j, sign_size;
    pay_form_t        form;
    pay_channel_t     signing;
    const vector_t   *vector;
    pay_canonical_t   text;

    for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        vector = &vectors[i];
        compare_file(vector);

        /* Fields in reverse, with unsigned ones between them. */

        (void) snprintf(raw, sizeof(raw), "%s", vector->text);
        form.field_count = 4;
        form.fields[0] = (pay_field_t) { PAY_STR("sign"), PAY_STR("x") };
        form.fields[1] = (pay_field_t) { PAY_STR("empty"), PAY_STR("") };
        form.fields[2] = (pay_field_t) { PAY_STR("sign_type"),
                                         PAY_STR("MD5") };
        form.fields[3] = (pay_field_t) { PAY_STR("aaa"), PAY_STR("") };

        for (p = raw; p != NULL; p = next) {
            next = strchr(p, '&');

            if (next != NULL) {
                *next++ = '\0';
            }

            equals = strchr(p, '=');

            for (j = form.field_count++; j > 0; j--) {
                form.fields[j] = form.fields[j - 1];
            }

            form.fields[0].name = pay_str(p, (size_t) (equals - p));
            form.fields[0].value = pay_str(equals + 1, strlen(equals + 1));
        }

        pay_canonical(&text, &form, &epay_rules);
        EQ_MEM(text.data, text.size, vector->text, strlen(vector->text),
               "%s: the string that is signed", vector->file);

        signing = channel;
        signing.key = pay_str(vector->key, strlen(vector->key));
        OK(epay_sign(crypto, &signing, &text, sign, &sign_size),
           "  is signed");
        EQ_MEM(sign, sign_size, vector->sign, 32, "  as published");

        signer_md5(vector->text, strlen(vector->text), vector->key, digest);
        EQ_STR(digest, vector->sign, "  and md5sum agrees");
    }
}


/* --- notices ------------------------------------------------------------- */

static const signer_field_t  genuine[] = {
    { "money", "9.90", 0 },
    { "name", "order", 0 },
    { "out_trade_no", "01J0000000000000000000000A", 0 },
    { "pid", "1001", 0 },
    { "trade_no", "2016080622555342651", 0 },
    { "trade_status", "TRADE_SUCCESS", 0 },
    { "type", "alipay", 0 }
};

#define GENUINE_COUNT  (sizeof(genuine) / sizeof(genuine[0]))


static pay_verdict_e
verify(const char *raw, pay_fact_t *fact)
{
    pay_notice_t  notice = {
        PAY_METHOD_GET, pay_str(raw, strlen(raw)), pay_str(NULL, 0), 0, NULL, 0
    };

    return channel.protocol->verify(crypto, &channel, &notice, fact);
}


static pay_verdict_e
verify_with(const char *name, const char *value, pay_fact_t *fact)
{
    char            raw[SIGNER_RAW_SIZE];
    size_t          i;
    signer_field_t  fields[GENUINE_COUNT];

    memcpy(fields, genuine, sizeof(genuine));

    for (i = 0; i < GENUINE_COUNT; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            fields[i].value = value;
        }
    }

    signer_notice(fields, GENUINE_COUNT, SIGNER_KEY, raw);

    return verify(raw, fact);
}


static void
test_genuine(void)
{
    char        raw[SIGNER_RAW_SIZE];
    pay_fact_t  fact;

    signer_notice(genuine, GENUINE_COUNT, SIGNER_KEY, raw);
    EQ_INT(verify(raw, &fact), PAY_PAID, "a genuine notice pays");
    EQ_STR(fact.order_no, "01J0000000000000000000000A", "  the order");
    EQ_STR(fact.trade_no, "2016080622555342651", "  by this trade");
    EQ_STR(fact.currency, "CNY", "  in the channel's currency");
    EQ_INT(fact.amount, 990, "  this many fen");
    EQ_STR(fact.field, "", "  and no field is to blame");

    /* The documentation's own sample under its short key would be refused
     * at configuration; the same fields under a key that is long enough: */

    signer_notice(genuine, GENUINE_COUNT, KEY_PREVIOUS, raw);
    EQ_INT(verify(raw, &fact), PAY_SIGNATURE, "another key does not");

    channel.key_previous = PAY_STR(KEY_PREVIOUS);
    EQ_INT(verify(raw, &fact), PAY_PAID, "  but the previous one does");
    signer_notice(genuine, GENUINE_COUNT, SIGNER_KEY, raw);
    EQ_INT(verify(raw, &fact), PAY_PAID, "  and the current one still");
    channel.key_previous = pay_str(NULL, 0);
}


/* How gateways spell one amount, and what is no amount. */

static void
test_money(void)
{
    size_t      i;
    pay_fact_t  fact;

    static const struct {
        const char     *money;
        pay_verdict_e   verdict;
        int64_t         amount;
    } cases[] = {
        { "0.1", PAY_PAID, 10 }, { "0.10", PAY_PAID, 10 },
        { "0.1000", PAY_PAID, 10 }, { "1", PAY_PAID, 100 },
        { "1.", PAY_PAID, 100 }, { "1.5", PAY_PAID, 150 },
        { "100.0000", PAY_PAID, 10000 },
        { "999999999.99", PAY_PAID, INT64_C(99999999999) },
        { "0.101", PAY_ODD_AMOUNT, 10 }, { "9.9001", PAY_ODD_AMOUNT, 990 },
        { "1e1", PAY_AMOUNT, 0 }, { "+1", PAY_AMOUNT, 0 },
        { "-1", PAY_AMOUNT, 0 }, { " 1", PAY_AMOUNT, 0 },
        { "1 ", PAY_AMOUNT, 0 }, { "0x10", PAY_AMOUNT, 0 },
        { "NaN", PAY_AMOUNT, 0 }, { "1,00", PAY_AMOUNT, 0 },
        { "１.00", PAY_AMOUNT, 0 }, { "01.00", PAY_AMOUNT, 0 },
        { "1234567890123456789012345678901234567890", PAY_AMOUNT, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EQ_INT(verify_with("money", cases[i].money, &fact), cases[i].verdict,
               "money \"%s\": %s", cases[i].money,
               pay_verdict_word(cases[i].verdict));
        EQ_INT(fact.amount, cases[i].amount, "  in fen");

        if (cases[i].verdict != PAY_PAID) {
            EQ_STR(fact.field, "money", "  names the field");
        }
    }
}


static void
test_status(void)
{
    pay_fact_t  fact;

    EQ_INT(verify_with("trade_status", "TRADE_CLOSED", &fact), PAY_NOT_PAID,
           "a closed trade is not paid");
    EQ_STR(fact.order_no, "01J0000000000000000000000A", "  of this order");
    OK(pay_verdict_acknowledged(PAY_NOT_PAID), "  and is acknowledged");
    EQ_INT(verify_with("trade_status", "trade_success", &fact), PAY_NOT_PAID,
           "the status is of exact case");
    EQ_INT(verify_with("trade_status", "TRADE_SUCCESS ", &fact),
           PAY_NOT_PAID, "  and of exact length");
    EQ_INT(verify_with("trade_status", "", &fact), PAY_NO_STATUS,
           "no status is no answer");
    EQ_INT(verify_with("name", "product", &fact), PAY_PAID,
           "the name may come back changed");
    EQ_INT(verify_with("name", "0", &fact), PAY_PAID, "a zero is signed");
    EQ_INT(verify_with("type", "", &fact), PAY_PAID,
           "an empty value is not signed");
}


static void
test_methods(void)
{
    char          raw[SIGNER_RAW_SIZE];
    pay_fact_t    fact;
    pay_str_t     form;
    pay_notice_t  notice;

    signer_notice(genuine, GENUINE_COUNT, SIGNER_KEY, raw);
    form = pay_str(raw, strlen(raw));

    notice = (pay_notice_t) { PAY_METHOD_POST, pay_str(NULL, 0), form, 0,
                              NULL, 0 };
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_METHOD, "POST is refused");
    EQ_INT(pay_verdict_http_status(PAY_METHOD), 405, "  with 405");

    channel.allow_post = true;
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_PAID, "  unless the channel allows it");

    notice.query = PAY_STR("money=0.01");
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_MALFORMED, "  but never with a query beside the body");

    notice = (pay_notice_t) { PAY_METHOD_POST, form, pay_str(NULL, 0), 0,
                              NULL, 0 };
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_MALFORMED, "  nor with the query in its place");

    notice = (pay_notice_t) { PAY_METHOD_GET, form, PAY_STR("a=1"), 0, NULL,
                              0 };
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_MALFORMED, "GET with a body is refused");

    notice = (pay_notice_t) { 0, form, pay_str(NULL, 0), 0, NULL, 0 };
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_METHOD, "any other method is refused");

    channel.allow_post = false;
}


/* --- start --------------------------------------------------------------- */

static const pay_start_t  start_template = {
    { (const unsigned char *) "01J0000000000000000000000A", 26 },
    990, "CNY",
    { (const unsigned char *) "https://shop.example/notify/epay", 32 },
    { (const unsigned char *) "https://shop.example/return/"
                              "01J0000000000000000000000A", 54 },
    0, 900
};


static void
test_start(void)
{
    char          url[PAY_START_URL_SIZE_MAX], want[1024], digest[33];
    size_t        length;
    pay_fact_t    fact;
    static const char  text[] = "money=9.90&name=order"
        "&notify_url=https://shop.example/notify/epay"
        "&out_trade_no=01J0000000000000000000000A&pid=1001"
        "&return_url=https://shop.example/return/01J0000000000000000000000A"
        "&type=alipay";

    signer_md5(text, sizeof(text) - 1, SIGNER_KEY, digest);
    (void) snprintf(want, sizeof(want), "https://pay.example/submit.php"
        "?pid=1001&type=alipay&out_trade_no=01J0000000000000000000000A"
        "&notify_url=https%%3A%%2F%%2Fshop.example%%2Fnotify%%2Fepay"
        "&return_url=https%%3A%%2F%%2Fshop.example%%2Freturn%%2F"
        "01J0000000000000000000000A&name=order&money=9.90"
        "&sign=%s&sign_type=MD5", digest);

    EQ_INT(channel.protocol->start(crypto, &channel, &start_template, url,
                                   sizeof(url), &length),
           PAY_START_OK, "a payment starts");
    EQ_STR(url, want, "  at this URL, signed as md5sum signs");
    EQ_INT(length, strlen(want), "  of this length");

    EQ_INT(verify(strchr(url, '?') + 1, &fact), PAY_REFLECTED,
           "the same parameters sent back are no notice");
    EQ_STR(fact.field, "notify_url", "  and the tell-tale is named");
}


static void
test_start_room(void)
{
    char            url[PAY_START_URL_SIZE_MAX], path[PAY_BASE_URL_SIZE_MAX];
    size_t          room, length, whole, wrong;
    pay_start_t     start;
    pay_channel_t   largest;

    (void) channel.protocol->start(crypto, &channel, &start_template, url,
                                   sizeof(url), &whole);
    wrong = 0;

    for (room = 1; room <= whole; room++) {
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
    start = start_template;
    start.order_no = PAY_STR("||||||||||||||||||||||||||||||||"
                             "||||||||||||||||||||||||||||||||");
    start.notify_url = largest.url;
    start.return_url = largest.url;

    EQ_INT(channel.protocol->start(crypto, &largest, &start, url,
                                   sizeof(url), &length),
           PAY_START_OK, "the largest values fit the buffer that is said");
}


static void
expect_start(pay_start_t start, pay_start_code_e code, const char *what)
{
    char    url[PAY_START_URL_SIZE_MAX] = "x";
    size_t  length;

    EQ_INT(channel.protocol->start(crypto, &channel, &start, url,
                                   sizeof(url), &length),
           code, "start: %s", what);
    OK(code == PAY_START_OK || url[0] == '\0', "  writes nothing if refused");
}


static void
test_start_refusals(void)
{
    size_t       i;
    pay_start_t  start;

    static const struct {
        const char        *what;
        pay_str_t          order_no;
        int64_t            amount;
        const char        *currency;
        pay_str_t          url;
        pay_start_code_e   code;
    } cases[] = {
#define S(text)   { (const unsigned char *) (text), sizeof(text) - 1 }
#define GOOD_URL  S("https://shop.example/notify/epay")
        { "as it should be", S("A.b_c-9|"), 1, "CNY", GOOD_URL,
          PAY_START_OK },
        { "no order number", S(""), 1, "CNY", GOOD_URL,
          PAY_START_ORDER_NO },
        { "& in the order number", S("1&trade_no=2"), 1, "CNY", GOOD_URL,
          PAY_START_ORDER_NO },
        { "= in the order number", S("1=2"), 1, "CNY", GOOD_URL,
          PAY_START_ORDER_NO },
        { "order number of 65",
          S("0123456789012345678901234567890123456789012345678901234567890"
            "1234"), 1, "CNY", GOOD_URL, PAY_START_ORDER_NO },
        { "another currency", S("1"), 1, "USD", GOOD_URL,
          PAY_START_CURRENCY },
        { "no money", S("1"), 0, "CNY", GOOD_URL, PAY_START_AMOUNT },
        { "negative money", S("1"), -1, "CNY", GOOD_URL, PAY_START_AMOUNT },
        { "least negative money", S("1"), INT64_MIN, "CNY", GOOD_URL,
          PAY_START_AMOUNT },
        { "the most that a notice can carry", S("1"), INT64_C(99999999999),
          "CNY", GOOD_URL, PAY_START_OK },
        { "more than a notice can carry", S("1"), INT64_C(100000000000),
          "CNY", GOOD_URL, PAY_START_AMOUNT },
        { "the greatest integer", S("1"), INT64_MAX, "CNY", GOOD_URL,
          PAY_START_AMOUNT },
        { "a query", S("1"), 1, "CNY", S("https://shop.example/n?a"),
          PAY_START_URL },
        { "an injected status", S("1"), 1, "CNY",
          S("https://shop.example/n&trade_status=TRADE_SUCCESS"),
          PAY_START_URL },
        { "= in a URL", S("1"), 1, "CNY", S("https://shop.example/a=b"),
          PAY_START_URL },
        { "a fragment", S("1"), 1, "CNY", S("https://shop.example/#a"),
          PAY_START_URL },
        { "a newline in a URL", S("1"), 1, "CNY",
          S("https://shop.example/\n"), PAY_START_URL },
        { "what the gateway escapes", S("1"), 1, "CNY",
          S("https://shop.example/'"), PAY_START_URL },
        { "no URL", S("1"), 1, "CNY", S(""), PAY_START_URL },
        { "a relative URL", S("1"), 1, "CNY", S("/notify"), PAY_START_URL }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start = start_template;
        start.order_no = cases[i].order_no;
        start.amount = cases[i].amount;
        memcpy(start.currency, cases[i].currency, sizeof(start.currency));

        start.notify_url = cases[i].url;
        expect_start(start, cases[i].code, cases[i].what);

        start.notify_url = start_template.notify_url;
        start.return_url = cases[i].url;
        expect_start(start, cases[i].code, cases[i].what);
    }
}


int
main(void)
{
    char  err[256];

    crypto = pay_crypto_create(err, sizeof(err));

    channel = (pay_channel_t) {
        .protocol = pay_protocol_find(PAY_STR("epay")),
        .name = PAY_STR("epay"),
        .url = PAY_STR("https://pay.example/"),
        .pid = PAY_STR("1001"),
        .key = PAY_STR(SIGNER_KEY),
        .type = PAY_STR("alipay"),
        .currency = "CNY"
    };

    OK(pay_channel_check(&channel, err, sizeof(err)), "the channel is good");

    test_vectors();
    test_genuine();
    test_money();
    test_status();
    test_methods();
    test_start();
    test_start_room();
    test_start_refusals();

    pay_crypto_destroy(crypto);

    return tap_done();
}

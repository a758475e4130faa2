/*
 * EPay V2: notices that openssl signs as the gateway does, whole, mutated, out
 * of time, by other keys and algorithms; and the redirect that starts a
 * payment, as openssl sees it.
 */

#include "pay_matrix.h"


#define NOW_S      INT64_C(1767323045)
#define NOW_TEXT   "1767323045"
#define KEY_COUNT  4


static pay_crypto_t   *crypto;
static pay_channel_t   channel;
static int64_t         now_s = NOW_S;

/* Ours, the gateway's, its previous one, one of 4096 bits. */

static const char *const  key_names[KEY_COUNT] = {
    "own", "gateway", "previous", "big"
};

static pay_rsa_t  *privates[KEY_COUNT], *publics[KEY_COUNT];


static const signer_field_t  genuine[] = {
    { "addtime", "2026-01-02 03:04:00", 0 },
    { "api_trade_no", "4200002026010203040500", 0 },
    { "buyer", "o6_bmjrPTlm6_2sgVt7hMZOPfL2M", 0 },
    { "money", "9.90", 0 },
    { "name", "order +&=%/\xe5\x8d\xa1", 0 },
    { "out_trade_no", "01J0000000000000000000000A", 0 },
    { "pid", "1001", 0 },
    { "timestamp", NOW_TEXT, 0 },
    { "trade_no", "2016080622555342651", 0 },
    { "trade_status", "TRADE_SUCCESS", 0 },
    { "type", "alipay", 0 }
};

#define GENUINE_COUNT  (sizeof(genuine) / sizeof(genuine[0]))


static pay_verdict_e
verify_fact(const char *raw, pay_fact_t *fact)
{
    pay_verdict_e  verdict;
    pay_notice_t   notice = {
        PAY_METHOD_GET, pay_str(raw, strlen(raw)), pay_str(NULL, 0), now_s,
        NULL, 0
    };

    verdict = channel.protocol->verify(crypto, &channel, &notice, fact);
    matrix_judge_fact(verdict, fact);

    return verdict;
}


static pay_verdict_e
verify(const char *raw)
{
    pay_fact_t  fact;

    return verify_fact(raw, &fact);
}


static const matrix_t  matrix = {
    genuine, GENUINE_COUNT, "gateway", "RSA", 0, verify, NULL
};


/* The genuine notice, signed once; by another key, if need be. */

static void
write_genuine(const char *key, const char *sign_type,
    char raw[SIGNER_RAW_SIZE])
{
    char         text[SIGNER_RAW_SIZE];
    size_t       i, size;
    static char  signs[KEY_COUNT][OPENSSL_SIGN_SIZE];

    for (i = 0; strcmp(key_names[i], key) != 0; i++) {
        /* look for it */
    }

    if (signs[i][0] == '\0') {
        size = openssl_text(genuine, GENUINE_COUNT, 0, text);
        openssl_sign(key, text, size, signs[i]);
    }

    openssl_form(genuine, GENUINE_COUNT, signs[i], sign_type, raw);
}


/* --- what is genuine ----------------------------------------------------- */

static void
test_genuine(void)
{
    char           raw[SIGNER_RAW_SIZE];
    pay_str_t      form;
    pay_fact_t     fact;
    pay_notice_t   notice;

    write_genuine("gateway", "RSA", raw);
    EQ_INT(verify_fact(raw, &fact), PAY_PAID, "a genuine notice pays");
    EQ_STR(fact.order_no, "01J0000000000000000000000A", "  the order");
    EQ_STR(fact.trade_no, "2016080622555342651", "  by this trade");
    EQ_STR(fact.currency, "CNY", "  in the channel's currency");
    EQ_INT(fact.amount, 990, "  this many fen");
    EQ_STR(fact.field, "", "  and no field is to blame");

    form = pay_str(raw, strlen(raw));
    channel.allow_post = true;
    notice = (pay_notice_t) { PAY_METHOD_POST, pay_str(NULL, 0), form,
                              NOW_S, NULL, 0 };
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_METHOD, "POST is refused, whatever the channel says");
    channel.allow_post = false;

    notice = (pay_notice_t) { PAY_METHOD_GET, form, PAY_STR("a=1"), NOW_S,
                              NULL, 0 };
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_MALFORMED, "a body beside the query is refused");
}


static void
test_matrix(void)
{
#define ALL(v)  { v, v, v, v, v, v }

    /* missing, empty, re-cased, renamed; truncated, flipped */

    static const matrix_row_t  verdicts[GENUINE_COUNT] = {
        ALL(PAY_PAID),                 /* addtime */
        ALL(PAY_PAID),                 /* api_trade_no */
        ALL(PAY_PAID),                 /* buyer */
        /* money: 9.9 is the same sum, 9.91 another */
        { PAY_AMOUNT, PAY_AMOUNT, PAY_AMOUNT, PAY_AMOUNT, PAY_PAID,
          PAY_PAID },
        ALL(PAY_PAID),                 /* name, which says nothing */
        /* out_trade_no: cut, it is another order's; ...0@ is none */
        { PAY_ORDER_NO, PAY_ORDER_NO, PAY_ORDER_NO, PAY_ORDER_NO, PAY_PAID,
          PAY_ORDER_NO },
        ALL(PAY_NOT_OURS),             /* pid */
        /* timestamp: a second away is in time */
        { PAY_STALE, PAY_STALE, PAY_STALE, PAY_STALE, PAY_STALE, PAY_PAID },
        { PAY_TRADE_NO, PAY_TRADE_NO, PAY_TRADE_NO, PAY_TRADE_NO, PAY_PAID,
          PAY_PAID },
        { PAY_NO_STATUS, PAY_NO_STATUS, PAY_NO_STATUS, PAY_NO_STATUS,
          PAY_NOT_PAID, PAY_NOT_PAID },
        ALL(PAY_PAID)                  /* type */
    };

    matrix_unsigned(&matrix);
    matrix_bits(&matrix);
    matrix_signed(&matrix, verdicts);
}


/* --- algorithm and signature --------------------------------------------- */

static void
test_sign_type(void)
{
    char    raw[SIGNER_RAW_SIZE], md5[33];
    size_t  i;

    static const struct {
        const char     *sign_type;
        pay_verdict_e   verdict;
    } cases[] = {
        { "RSA", PAY_PAID }, { NULL, PAY_ALGORITHM }, { "", PAY_ALGORITHM },
        { "MD5", PAY_ALGORITHM }, { "rsa", PAY_ALGORITHM },
        { "RSA ", PAY_ALGORITHM }, { " RSA", PAY_ALGORITHM },
        { "RSA2", PAY_ALGORITHM }, { "RS", PAY_ALGORITHM }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_genuine("gateway", cases[i].sign_type, raw);
        EQ_INT(verify(raw), cases[i].verdict, "sign_type \"%s\": %s",
               cases[i].sign_type != NULL ? cases[i].sign_type : "(none)",
               pay_verdict_word(cases[i].verdict));
    }

    write_genuine("gateway", "RSA", raw);
    (void) strcat(raw, "&sign_type=RSA");
    EQ_INT(verify(raw), PAY_DUPLICATE, "sign_type twice");

    /* By the key that the channel of V1 would have, and by none. */

    signer_notice(genuine, GENUINE_COUNT, SIGNER_KEY, raw);
    EQ_INT(verify(raw), PAY_ALGORITHM, "signed by MD5");
    signer_sign(genuine, GENUINE_COUNT, SIGNER_KEY, md5);
    openssl_form(genuine, GENUINE_COUNT, md5, "RSA", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "signed by MD5, and called RSA");
    signer_sign(genuine, GENUINE_COUNT, "", md5);
    openssl_form(genuine, GENUINE_COUNT, md5, "RSA", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "  by the empty key");
}


static void
test_signature_text(void)
{
    char    raw[SIGNER_RAW_SIZE], text[SIGNER_RAW_SIZE];
    char    sign[OPENSSL_SIGN_SIZE], bad[2 * OPENSSL_SIGN_SIZE], *at;
    size_t  i, size;

    static const struct {
        const char  *what;
        const char  *before;
        int          kept;             /* of its 344 characters */
        const char  *after;
    } cases[] = {
        { "cut by one", "", 343, "" }, { "cut by four", "", 340, "" },
        { "without padding", "", 342, "" },
        { "with one more", "", 344, "A" },
        { "with four more", "", 344, "AAAA" },
        { "with a newline", "", 344, "\n" },
        { "with four line breaks", "", 344, "\n\n\n\n" },
        { "with a space in front", " ", 344, "" },
        { "with = behind", "", 344, "====" },
        { "of one letter", "", 1, "" }, { "of a group", "", 4, "" },
        { "of padding", "", 0, "====" }, { "of a space", "", 0, " " }
    };

    size = openssl_text(genuine, GENUINE_COUNT, 0, text);
    openssl_sign("gateway", text, size, sign);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void) snprintf(bad, sizeof(bad), "%s%.*s%s", cases[i].before,
                        cases[i].kept, sign, cases[i].after);
        openssl_form(genuine, GENUINE_COUNT, bad, "RSA", raw);
        EQ_INT(verify(raw), PAY_SIGNATURE, "a signature %s", cases[i].what);
    }

    openssl_form(genuine, GENUINE_COUNT, "", "RSA", raw);
    EQ_INT(verify(raw), PAY_UNSIGNED, "an empty signature");
    openssl_form(genuine, GENUINE_COUNT, NULL, "RSA", raw);
    EQ_INT(verify(raw), PAY_UNSIGNED, "no signature");

    write_genuine("gateway", "RSA", raw);
    at = strstr(raw, "&sign=");
    at[1] = 'S';
    EQ_INT(verify(raw), PAY_UNSIGNED, "Sign in place of sign");

    write_genuine("gateway", "RSA", raw);
    (void) strcat(raw, "&sign=AAAA");
    EQ_INT(verify(raw), PAY_DUPLICATE, "a signature given twice");

    write_genuine("gateway", "RSA", raw);
    (void) strcat(raw, "&extra=1");
    EQ_INT(verify(raw), PAY_SIGNATURE, "an unsigned field more");
    write_genuine("gateway", "RSA", raw);
    (void) strcat(raw, "&extra=");
    EQ_INT(verify(raw), PAY_PAID, "an empty one is in no string");
    EQ_INT(verify(""), PAY_ALGORITHM, "an empty query");
}


/* --- keys ---------------------------------------------------------------- */

static void
test_keys(void)
{
    char  raw[SIGNER_RAW_SIZE];

    write_genuine("previous", "RSA", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "another key does not pay");

    channel.public_key_previous = publics[2];
    EQ_INT(verify(raw), PAY_PAID, "  but the previous one does");
    write_genuine("gateway", "RSA", raw);
    EQ_INT(verify(raw), PAY_PAID, "  and the current one still");
    write_genuine("big", "RSA", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "  and a third one not");
    channel.public_key_previous = NULL;

    write_genuine("own", "RSA", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "our own key does not pay");

    channel.public_key = publics[3];
    write_genuine("big", "RSA", raw);
    EQ_INT(verify(raw), PAY_PAID, "a key of 4096 bits does");
    write_genuine("gateway", "RSA", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "  and it alone");
    channel.public_key = publics[1];
}


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
    char  err[512] = "";

    OK(pay_channel_check(&channel, err, sizeof(err)), "the channel is good");

    REFUSED(public_key, publics[0], "our own key as the gateway's",
            "public half of your own key");
    REFUSED(public_key_previous, publics[0], "  as its previous one",
            "public half of your own key");
    REFUSED(public_key_previous, publics[1], "the current key as previous",
            "equals the current");
    REFUSED(private_key, NULL, "no private key", "\"private_key_file\"");
    REFUSED(public_key, NULL, "no public key", "\"public_key_file\"");
    REFUSED(pid, PAY_STR(""), "no pid", "pid 1000;");
    REFUSED(url, PAY_STR("pay.example"), "no url", "https://pay.example/");
    REFUSED(type, PAY_STR("usdt.tron"), "a type with a dot", "alipay");
    REFUSED(currency[0], 'X', "an unknown currency", "unknown currency");

    channel.public_key_previous = publics[2];
    OK(pay_channel_check(&channel, err, sizeof(err)),
       "a previous key of its own is good");
    channel.public_key_previous = NULL;
}


/* --- time ---------------------------------------------------------------- */

static void
test_time(void)
{
    char            raw[SIGNER_RAW_SIZE];
    size_t          i, count;
    pay_fact_t      fact;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    static const struct {
        int64_t        offset_s;
        pay_verdict_e  verdict;
    } offsets[] = {
        { -301, PAY_STALE }, { -300, PAY_PAID }, { -1, PAY_PAID },
        { 0, PAY_PAID }, { 299, PAY_PAID }, { 300, PAY_PAID },
        { 301, PAY_STALE }, { 86400, PAY_STALE }, { -NOW_S, PAY_STALE }
    };

    static const char *const  texts[] = {
        "1767323O45", "176732304", "01767323045", "17673230450",
        "-176732304", "+176732304", "1767323045 ", " 176732304", "0x6957359",
        "1.76732e+9", "1767323.45", "1767323045000", "0", " ",
        "9999999999", "0000000000", "176732303?", "176732305/"
    };

    write_genuine("gateway", "RSA", raw);

    for (i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        now_s = NOW_S + offsets[i].offset_s;
        EQ_INT(verify_fact(raw, &fact), offsets[i].verdict,
               "%" PRId64 " s after it was signed: %s", offsets[i].offset_s,
               pay_verdict_word(offsets[i].verdict));
        EQ_STR(fact.field, offsets[i].verdict == PAY_PAID ? "" : "timestamp",
               "  the field");
    }

    now_s = NOW_S;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        count = matrix_with(&matrix, fields, "timestamp", texts[i], 0);
        matrix_notice(&matrix, fields, count, raw);
        EQ_INT(verify(raw), PAY_STALE, "signed with the timestamp \"%s\"",
               texts[i]);
    }

    count = matrix_with(&matrix, fields, "timestamp", "1767323045\0", 11);
    matrix_notice(&matrix, fields, count, raw);
    EQ_INT(verify(raw), PAY_STALE, "  and with a NUL behind it");
}


/* --- what is signed ------------------------------------------------------ */

static void
test_signed_values(void)
{
    char            raw[SIGNER_RAW_SIZE];
    size_t          i, count;
    pay_fact_t      fact;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

#define V(text)   text, sizeof(text) - 1

    static const struct {
        const char     *name;
        const char     *value;
        size_t          size;
        pay_verdict_e   verdict;
        int64_t         amount;
    } cases[] = {
        { "money", V("1"), PAY_PAID, 100 },
        { "money", V("1."), PAY_PAID, 100 },
        { "money", V("0.1000"), PAY_PAID, 10 },
        { "money", V("0.101"), PAY_ODD_AMOUNT, 10 },
        { "money", V("1e1"), PAY_AMOUNT, 0 },
        { "money", V("-1"), PAY_AMOUNT, 0 },
        { "pid", V("1001\0"), PAY_NOT_OURS, 0 },
        { "pid", V("1001&pid=1001"), PAY_NOT_OURS, 0 },
        { "out_trade_no", V("../../etc/passwd"), PAY_ORDER_NO, 0 },
        { "trade_no", V(" "), PAY_TRADE_NO, 0 },
        { "trade_status", V("trade_success"), PAY_NOT_PAID, 990 },
        { "trade_status", V("TRADE_SUCCESS "), PAY_NOT_PAID, 990 },
        { "zzz", V("1"), PAY_PAID, 990 },
        { "OUT_TRADE_NO", V("other"), PAY_PAID, 990 },
        { "param", V("1&trade_status=TRADE_CLOSED"), PAY_MALFORMED, 0 },
        { "buyer", V("a&money=99.00&z="), PAY_MALFORMED, 0 },
        { "buyer", V("a&out_trade_no=b&z="), PAY_MALFORMED, 0 },
        { "z", V("&trade_no=2026"), PAY_MALFORMED, 0 },
        { "buyer", V("a&money"), PAY_PAID, 990 },
        { "buyer", V("money=99.00"), PAY_PAID, 990 },
        { "buyer", V("a&moneys=1&b=2"), PAY_PAID, 990 },
        { "param", V("\xc0\xaf\0\xff"), PAY_PAID, 990 },
        { "notify_url", V("https://x"), PAY_REFLECTED, 0 },
        { "return_url", V(""), PAY_REFLECTED, 0 },
        { "clientip", V("127.0.0.1"), PAY_REFLECTED, 0 },
        { "device", V("pc"), PAY_REFLECTED, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        count = matrix_with(&matrix, fields, cases[i].name, cases[i].value,
                            cases[i].size);
        matrix_notice(&matrix, fields, count, raw);
        EQ_INT(verify_fact(raw, &fact), cases[i].verdict,
               "signed %s=%s: %s", cases[i].name, cases[i].value,
               pay_verdict_word(cases[i].verdict));
        EQ_INT(fact.amount, cases[i].amount, "  for so many fen");
    }
}


/* --- start --------------------------------------------------------------- */

static const pay_start_t  start_template = {
    { (const unsigned char *) "01J0000000000000000000000A", 26 },
    990, "CNY",
    { (const unsigned char *) "https://shop.example/notify/epay2", 33 },
    { (const unsigned char *) "https://shop.example/return/"
                              "01J0000000000000000000000A", 54 },
    NOW_S, NOW_S + 900
};


static void
test_start(void)
{
    char    url[PAY_START_URL_SIZE_MAX], want[2048], text[SIGNER_RAW_SIZE];
    char    sign[OPENSSL_SIGN_SIZE], query[SIGNER_RAW_SIZE];
    size_t  i, size, used, length;

    static const signer_field_t  fields[] = {
        { "money", "9.90", 0 }, { "name", "order", 0 },
        { "notify_url", "https://shop.example/notify/epay2", 0 },
        { "out_trade_no", "01J0000000000000000000000A", 0 },
        { "pid", "1001", 0 },
        { "return_url", "https://shop.example/return/"
                        "01J0000000000000000000000A", 0 },
        { "timestamp", NOW_TEXT, 0 }, { "type", "alipay", 0 }
    };

    size = openssl_text(fields, sizeof(fields) / sizeof(fields[0]), 0, text);
    openssl_sign("own", text, size, sign);

    used = (size_t) snprintf(want, sizeof(want),
        "https://pay.example/api/pay/submit?pid=1001&type=alipay"
        "&out_trade_no=01J0000000000000000000000A"
        "&notify_url=https%%3A%%2F%%2Fshop.example%%2Fnotify%%2Fepay2"
        "&return_url=https%%3A%%2F%%2Fshop.example%%2Freturn%%2F"
        "01J0000000000000000000000A&name=order&money=9.90"
        "&timestamp=" NOW_TEXT "&sign=");

    for (i = 0; sign[i] != '\0'; i++) {
        used += (size_t) snprintf(want + used, sizeof(want) - used,
                                  isalnum(sign[i]) ? "%c" : "%%%02X",
                                  sign[i]);
    }

    (void) snprintf(want + used, sizeof(want) - used, "&sign_type=RSA");

    EQ_INT(channel.protocol->start(crypto, &channel, &start_template, url,
                                   sizeof(url), &length),
           PAY_START_OK, "a payment starts");
    EQ_STR(url, want, "  at this URL, signed as openssl signs");
    EQ_INT(length, strlen(want), "  of this length");
    OK(openssl_verifies("own", text, size, sign), "  which openssl verifies");

    (void) snprintf(query, sizeof(query), "%s", strchr(url, '?') + 1);
    EQ_INT(verify(query), PAY_SIGNATURE,
           "the same parameters sent back are not the gateway's");

    /* No such channel starts; yet the names would tell. */

    channel.public_key = publics[0];
    EQ_INT(verify(query), PAY_REFLECTED,
           "  nor a notice, were its key the gateway's");
    channel.public_key = publics[1];
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
    largest.private_key = privates[3];
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
test_start_refusals(void)
{
    char         url[PAY_START_URL_SIZE_MAX];
    size_t       length;
    pay_start_t  start;

#define START(member, value, code, what)                                      \
    do {                                                                      \
        start = start_template;                                               \
        start.member = (value);                                               \
        strcpy(url, "x");                                                     \
        EQ_INT(channel.protocol->start(crypto, &channel, &start, url,         \
                                       sizeof(url), &length),                 \
               code, "start: %s", what);                                      \
        OK(code == PAY_START_OK || (url[0] == '\0' && length == 0),           \
           "  writes nothing if refused");                                    \
    } while (0)

    START(order_no, PAY_STR("A.b_c-9|"), PAY_START_OK, "any plain number");
    START(order_no, PAY_STR(""), PAY_START_ORDER_NO, "no order number");
    START(order_no, PAY_STR("1&trade_no=2"), PAY_START_ORDER_NO,
          "& in the order number");
    START(currency[0], 'U', PAY_START_CURRENCY, "another currency");
    START(amount, 0, PAY_START_AMOUNT, "no money");
    START(amount, INT64_MIN, PAY_START_AMOUNT, "negative money");
    START(amount, INT64_C(99999999999), PAY_START_OK, "the most");
    START(amount, INT64_C(100000000000), PAY_START_AMOUNT, "one fen more");
    START(notify_url, PAY_STR("https://shop.example/n?a"), PAY_START_URL,
          "a query");
    START(return_url, PAY_STR("https://shop.example/n&trade_status=x"),
          PAY_START_URL, "an injected status");
    START(return_url, PAY_STR("/return"), PAY_START_URL, "a relative URL");
}


int
main(void)
{
    char    err[256], file[32];
    size_t  i;

    crypto = pay_crypto_create(err, sizeof(err));
    openssl_enter();

    for (i = 0; i < KEY_COUNT; i++) {
        openssl_make_key(key_names[i], i < KEY_COUNT - 1 ? 2048 : 4096);
        (void) snprintf(file, sizeof(file), "%s.key", key_names[i]);
        privates[i] = matrix_key(file, true);
        (void) snprintf(file, sizeof(file), "%s.pub", key_names[i]);
        publics[i] = matrix_key(file, false);
    }

    channel = (pay_channel_t) {
        .protocol = pay_protocol_find(PAY_STR("epay2")),
        .name = PAY_STR("epay2"),
        .url = PAY_STR("https://pay.example/"),
        .pid = PAY_STR("1001"),
        .type = PAY_STR("alipay"),
        .private_key = privates[0],
        .public_key = publics[1],
        .currency = "CNY"
    };

    test_genuine();
    test_matrix();
    test_sign_type();
    test_signature_text();
    test_keys();
    test_time();
    test_signed_values();
    test_start();
    test_start_room();
    test_start_refusals();
    test_check();

    for (i = 0; i < KEY_COUNT; i++) {
        pay_rsa_destroy(privates[i]);
        pay_rsa_destroy(publics[i]);
    }

    pay_crypto_destroy(crypto);

    return tap_done();
}

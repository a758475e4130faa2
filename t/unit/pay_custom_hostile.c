/*
 * Configured channels under attack: every field of a notice mutated, once
 * without the key and once genuinely signed; our own requests sent back;
 * strings without names cut apart elsewhere.  openssl signs.
 */

#include "pay_custom_gate.h"


/* Names of its own, so that nothing of EPay's helps. */

#define SORTED                                                                \
    "send mch 1001;send no $order_no;send sum $amount;"                       \
    "send cb $notify_url;send back $return_url;send sign_type SHA;"           \
    "notice order_no no;notice trade_no serial;notice amount sum;"            \
    "notice status state PAID;notice account mch 1001;"                       \
    "hash sha256 lower &key="

#define LISTED                                                                \
    "send mch 1001;send no $order_no;send sum $amount;"                       \
    "send cb $notify_url;notice order_no no;notice trade_no serial;"          \
    "notice amount sum;notice status state 1;sign_request mch no sum;"        \
    "sign_notice mch no sum state serial;hash md5"


static gate_block_t  block;


static const signer_field_t  genuine[] = {
    { "buyer", "li&ming=+", 0 },
    { "mch", "1001", 0 },
    { "no", GATE_ORDER_NO, 0 },
    { "note", "", 0 },
    { "serial", "2016080622555342651", 0 },
    { "state", "PAID", 0 },
    { "sum", "9.90", 0 }
};

#define GENUINE_COUNT  (sizeof(genuine) / sizeof(genuine[0]))


static pay_verdict_e
verify(const char *raw)
{
    pay_fact_t  fact;

    return gate_verify(&block.channel, PAY_METHOD_GET, raw, &fact);
}


static void
sign_sorted(const char *text, size_t size, char sign[OPENSSL_SIGN_SIZE])
{
    gate_digest("-sha256", text, size, "&key=" SIGNER_KEY, sign);
}


static const matrix_t  matrix = {
    .genuine = genuine, .count = GENUINE_COUNT, .sign_type = "SHA",
    .verify = verify, .sign = sign_sorted
};


static pay_verdict_e
verify_with(const char *name, const char *value, size_t size)
{
    char            raw[SIGNER_RAW_SIZE];
    size_t          count;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    count = matrix_with(&matrix, fields, name, value, size);
    matrix_notice(&matrix, fields, count, raw);

    return verify(raw);
}


static void
test_matrix(void)
{
#define ALL(v)           { v, v, v, v, v, v }
#define NEEDED(v, t, f)  { v, v, v, v, t, f }

    /* missing, empty, re-cased, renamed; truncated, flipped */

    static const matrix_row_t  verdicts[GENUINE_COUNT] = {
        ALL(PAY_PAID),                                   /* buyer */
        ALL(PAY_NOT_OURS),                               /* mch */
        NEEDED(PAY_ORDER_NO, PAY_PAID, PAY_ORDER_NO),    /* no */
        ALL(PAY_PAID),                                   /* note */
        NEEDED(PAY_TRADE_NO, PAY_PAID, PAY_PAID),        /* serial */
        NEEDED(PAY_NO_STATUS, PAY_NOT_PAID, PAY_NOT_PAID),
        NEEDED(PAY_AMOUNT, PAY_PAID, PAY_PAID)           /* sum */
    };

    /* An empty value is not signed: to have it or not is the same. */

    char            raw[SIGNER_RAW_SIZE];
    signer_field_t  fields[SIGNER_FIELDS_MAX];
    matrix_t        full = matrix;

    memcpy(fields, genuine, sizeof(genuine));
    fields[3].value = "x";
    full.genuine = fields;

    matrix_unsigned(&full);
    matrix_bits(&full);
    matrix_signed(&full, verdicts);

    matrix_notice(&matrix, genuine, GENUINE_COUNT, raw);
    EQ_INT(verify(raw), PAY_PAID, "a field that is empty is none");
}


static void
test_signature(void)
{
    char    raw[SIGNER_RAW_SIZE], sign[OPENSSL_SIGN_SIZE];
    char    bad[OPENSSL_SIGN_SIZE + 8];
    size_t  i;

    static const struct {
        const char     *what;
        int             kept;          /* of its 64 digits */
        const char     *after;
        const char     *sign_type;
        pay_verdict_e   verdict;
    } cases[] = {
        { "whole", 64, "", "SHA", PAY_PAID },
        { "without sign_type", 64, "", NULL, PAY_PAID },
        { "with another sign_type", 64, "", "MD5", PAY_ALGORITHM },
        { "with an empty sign_type", 64, "", "", PAY_ALGORITHM },
        { "cut by one", 63, "", "SHA", PAY_SIGNATURE },
        { "cut to MD5's size", 32, "", "SHA", PAY_SIGNATURE },
        { "with one more", 64, "0", "SHA", PAY_SIGNATURE },
        { "with a newline", 64, "\n", "SHA", PAY_SIGNATURE },
        { "empty", 0, "", "SHA", PAY_UNSIGNED }
    };

    matrix_sign(&matrix, genuine, GENUINE_COUNT, sign);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void) snprintf(bad, sizeof(bad), "%.*s%s", cases[i].kept, sign,
                        cases[i].after);
        openssl_form(genuine, GENUINE_COUNT, bad, cases[i].sign_type, raw);
        EQ_INT(verify(raw), cases[i].verdict, "a signature %s: %s",
               cases[i].what, pay_verdict_word(cases[i].verdict));
    }

    openssl_form(genuine, GENUINE_COUNT, NULL, "SHA", raw);
    EQ_INT(verify(raw), PAY_UNSIGNED, "no signature");

    signer_sign(genuine, GENUINE_COUNT, "&key=" SIGNER_KEY, sign);
    openssl_form(genuine, GENUINE_COUNT, sign, "SHA", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "MD5 where SHA-256 is configured");

    signer_sign(genuine, GENUINE_COUNT, "&key=", sign);
    openssl_form(genuine, GENUINE_COUNT, sign, "SHA", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "signed with the empty key");
}


static void
test_values(void)
{
    size_t  i;

#define V(text)   text, sizeof(text) - 1
#define N64  "0123456789012345678901234567890123456789012345678901234567890123"

    static const struct {
        const char     *name;
        const char     *value;
        size_t          size;
        pay_verdict_e   verdict;
    } cases[] = {
        { "mch", V("1002"), PAY_NOT_OURS },
        { "mch", V("1001\0"), PAY_NOT_OURS },
        { "no", V("../../etc/passwd"), PAY_ORDER_NO },
        { "no", V("1' OR '1'='1"), PAY_ORDER_NO },
        { "no", V(N64), PAY_PAID }, { "no", V(N64 "4"), PAY_ORDER_NO },
        { "no", V("01\xff\xfe"), PAY_ORDER_NO },
        { "serial", V(N64 "4"), PAY_TRADE_NO },
        { "serial", V("1/2"), PAY_TRADE_NO },
        { "sum", V("1e1"), PAY_AMOUNT }, { "sum", V("+1"), PAY_AMOUNT },
        { "sum", V("9.905"), PAY_ODD_AMOUNT },
        { "sum", V("9,90"), PAY_AMOUNT },
        { "sum", V("-9.90"), PAY_AMOUNT }, { "sum", V("09.90"), PAY_AMOUNT },
        { "state", V("paid"), PAY_NOT_PAID },
        { "state", V("PAID "), PAY_NOT_PAID },
        { "cb", V("https://x"), PAY_REFLECTED },
        { "cb", V(""), PAY_REFLECTED },
        { "back", V("https://x"), PAY_REFLECTED },
        { "STATE", V("PAID"), PAY_PAID },
        { "zzz", V("1"), PAY_PAID },
        { "buyer", V("x&state=PAID"), PAY_MALFORMED },
        { "buyer", V("x&no=1"), PAY_MALFORMED },
        { "buyer", V("x&serial=1"), PAY_MALFORMED },
        { "buyer", V("x&sum=0.01"), PAY_MALFORMED },
        { "buyer", V("x&mch=1001"), PAY_MALFORMED }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EQ_INT(verify_with(cases[i].name, cases[i].value, cases[i].size),
               cases[i].verdict, "signed %s=%s: %s", cases[i].name,
               cases[i].value, pay_verdict_word(cases[i].verdict));
    }
}


/* --- our own requests ---------------------------------------------------- */

/* The redirect that a buyer sees, as a notice; and with names of a notice
 * made out of its values. */

static void
test_reflection(const char *directives, const char *edited)
{
    char         url[PAY_START_URL_SIZE_MAX], raw[PAY_START_URL_SIZE_MAX];
    size_t       length;
    pay_start_t  start;

    gate_must_read(&block, directives);

    start = (pay_start_t) {
        .order_no = PAY_STR(GATE_ORDER_NO),
        .amount = 990,
        .currency = "CNY",
        .notify_url = PAY_STR("https://shop.example/notify/way"),
        .return_url = PAY_STR("https://shop.example/return/1")
    };

    EQ_INT(block.channel.protocol->start(crypto, &block.channel, &start, url,
                                         sizeof(url), &length),
           PAY_START_OK, "a payment starts");
    OK(!pay_verdict_acknowledged(verify(strchr(url, '?') + 1)),
       "  its request is no notice");

    (void) snprintf(raw, sizeof(raw), "%s%s", edited, strstr(url, "&sign="));
    OK(!pay_verdict_acknowledged(verify(raw)),
       "  nor with its values under other names: %s", edited);
}


/* --- values side by side ------------------------------------------------- */

static void
test_side_by_side(void)
{
    char    raw[1024], sign[OPENSSL_SIGN_SIZE];
    size_t  i;

    /* One string, signed once: 1001 ORDER 19.90 1 123. */

    static const char  text[] = "1001" GATE_ORDER_NO "19.901123";

    static const struct {
        const char     *form;
        pay_verdict_e   verdict;
    } cases[] = {
        { "mch=1001&no=" GATE_ORDER_NO "&sum=19.90&state=1&serial=123",
          PAY_PAID },
        { "serial=123&state=1&sum=19.90&no=" GATE_ORDER_NO "&mch=1001&x=y",
          PAY_PAID },
        /* a longer order, and less to pay */
        { "mch=1001&no=" GATE_ORDER_NO "1&sum=9.90&state=1&serial=123",
          PAY_MALFORMED },
        /* a shorter one */
        { "mch=1001&no=01J0000000000000000000000&sum=A19.90&state=1"
          "&serial=123", PAY_AMOUNT },
        { "mch=10010&no=1J0000000000000000000000A&sum=19.90&state=1"
          "&serial=123", PAY_MALFORMED },
        /* an amount of another shape, another trade */
        { "mch=1001&no=" GATE_ORDER_NO "&sum=19.9&state=01&serial=123",
          PAY_MALFORMED },
        { "mch=1001&no=" GATE_ORDER_NO "&sum=19.901&state=1&serial=23",
          PAY_MALFORMED },
        { "mch=1001&no=" GATE_ORDER_NO "&sum=19.90&state=11&serial=23",
          PAY_MALFORMED },
        { "mch=1001&no=" GATE_ORDER_NO "&sum=19.90&state=&serial=1123",
          PAY_NO_STATUS },
        { "mch=1001&no=" GATE_ORDER_NO "&sum=19.90&state=1123&serial=",
          PAY_TRADE_NO },
        { "mch=1001" GATE_ORDER_NO "&no=&sum=19.90&state=1&serial=123",
          PAY_ORDER_NO },
        { "no=1001" GATE_ORDER_NO "&sum=19.90&state=1&serial=123",
          PAY_MALFORMED },
        { "mch=1001&mch=1001&no=" GATE_ORDER_NO "&sum=19.90&state=1"
          "&serial=123", PAY_DUPLICATE }
    };

    gate_must_read(&block, LISTED);
    gate_digest("-md5", text, sizeof(text) - 1, SIGNER_KEY, sign);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void) snprintf(raw, sizeof(raw), "%s&sign=%s", cases[i].form, sign);
        EQ_INT(verify(raw), cases[i].verdict, "cut apart as %s: %s",
               cases[i].form, pay_verdict_word(cases[i].verdict));
    }

    /* An amount that is not whole, or has no point, is not cut apart by
     * rule. */

    gate_digest("-md5", "1001" GATE_ORDER_NO "19.9051123",
                strlen("1001" GATE_ORDER_NO "19.9051123"), SIGNER_KEY, sign);
    (void) snprintf(raw, sizeof(raw), "mch=1001&no=" GATE_ORDER_NO
                    "&sum=19.905&state=1&serial=123&sign=%s", sign);
    EQ_INT(verify(raw), PAY_MALFORMED, "an amount with a third digit");
    gate_digest("-md5", "1001" GATE_ORDER_NO "191123",
                strlen("1001" GATE_ORDER_NO "191123"), SIGNER_KEY, sign);
    (void) snprintf(raw, sizeof(raw), "mch=1001&no=" GATE_ORDER_NO
                    "&sum=19&state=1&serial=123&sign=%s", sign);
    EQ_INT(verify(raw), PAY_MALFORMED, "an amount without a point");
}


int
main(void)
{
    gate_enter();

    gate_must_read(&block, SORTED);
    test_matrix();
    test_signature();
    test_values();

    test_reflection(SORTED, "back=https%3A%2F%2Fshop.example%2Freturn%2F1"
                    "&cb=https%3A%2F%2Fshop.example%2Fnotify%2Fway&mch=1001"
                    "&no=" GATE_ORDER_NO "&sum=9.90&state=PAID&serial=1");
    test_reflection(SORTED, "back=https%3A%2F%2Fshop.example%2Freturn%2F1"
                    "%26cb%3Dhttps%3A%2F%2Fshop.example%2Fnotify%2Fway"
                    "&mch=1001&no=" GATE_ORDER_NO "&sum=9.90");
    test_reflection(LISTED, "mch=1001&no=" GATE_ORDER_NO
                    "&sum=9.9&state=0&serial=");
    test_reflection(LISTED, "mch=1001&no=" GATE_ORDER_NO
                    "&sum=9&state=.9&serial=0");
    test_side_by_side();

    pay_crypto_destroy(crypto);

    return tap_done();
}

/*
 * Alipay's notices under attack: every field mutated, once without the key
 * and once genuinely signed; other algorithms, other keys, other people's
 * notices.  openssl signs.
 */

#include "pay_alipay_gate.h"


static void
test_matrix(void)
{
#define ALL(v)        { v, v, v, v, v, v }
#define NEEDED(v, t, f)  { v, v, v, v, t, f }

    /* missing, empty, re-cased, renamed; truncated, flipped */

    static const matrix_row_t  verdicts[GENUINE_COUNT] = {
        ALL(PAY_NOT_OURS),                               /* app_id */
        ALL(PAY_PAID),                                   /* body */
        ALL(PAY_PAID),                                   /* buyer_id */
        ALL(PAY_PAID),                                   /* charset */
        ALL(PAY_PAID),                                   /* gmt_create */
        NEEDED(PAY_NO_STATUS, PAY_PAID, PAY_PAID),       /* gmt_payment */
        ALL(PAY_PAID),                                   /* notify_id */
        ALL(PAY_NOT_OURS),                               /* notify_type */
        /* cut, it is another order's; ...0@ is none */
        NEEDED(PAY_ORDER_NO, PAY_PAID, PAY_ORDER_NO),    /* out_trade_no */
        /* 0.0 is none, 0.01 is one */
        NEEDED(PAY_PAID, PAY_PAID, PAY_REFUND),          /* refund_fee */
        ALL(PAY_NOT_OURS),                               /* seller_id */
        ALL(PAY_PAID),                                   /* subject */
        NEEDED(PAY_AMOUNT, PAY_PAID, PAY_PAID),          /* total_amount */
        NEEDED(PAY_TRADE_NO, PAY_PAID, PAY_PAID),        /* trade_no */
        NEEDED(PAY_NO_STATUS, PAY_NOT_PAID, PAY_NOT_PAID)
    };

    matrix_unsigned(&matrix);
    matrix_bits(&matrix);
    matrix_signed(&matrix, verdicts);
}


/* --- algorithm and key --------------------------------------------------- */

static void
test_sign_type(void)
{
    char    raw[SIGNER_RAW_SIZE], text[SIGNER_RAW_SIZE];
    char    sign[OPENSSL_SIGN_SIZE], sha1[OPENSSL_SIGN_SIZE], md5[33];
    size_t  i, size;

    static const struct {
        const char     *sign_type;
        pay_verdict_e   verdict;
    } cases[] = {
        { "RSA2", PAY_PAID }, { NULL, PAY_ALGORITHM }, { "", PAY_ALGORITHM },
        { "RSA", PAY_ALGORITHM }, { "rsa2", PAY_ALGORITHM },
        { "RSA2 ", PAY_ALGORITHM }, { " RSA2", PAY_ALGORITHM },
        { "RSA22", PAY_ALGORITHM }, { "MD5", PAY_ALGORITHM }
    };

    size = openssl_text(genuine, GENUINE_COUNT, 1, text);
    openssl_sign("alipay", text, size, sign);
    openssl_sign_with("sha1", "alipay", text, size, sha1);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        openssl_form(genuine, GENUINE_COUNT, sign, cases[i].sign_type, raw);
        EQ_INT(verify(raw), cases[i].verdict, "sign_type \"%s\": %s",
               cases[i].sign_type != NULL ? cases[i].sign_type : "(none)",
               pay_verdict_word(cases[i].verdict));
    }

    openssl_form(genuine, GENUINE_COUNT, sha1, "RSA", raw);
    EQ_INT(verify(raw), PAY_ALGORITHM, "SHA-1, as RSA says");
    openssl_form(genuine, GENUINE_COUNT, sha1, "RSA2", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "SHA-1, and called RSA2");

    signer_sign(genuine, GENUINE_COUNT, "", md5);
    openssl_form(genuine, GENUINE_COUNT, md5, "RSA2", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "MD5 without a key");

    openssl_form(genuine, GENUINE_COUNT, sign, "RSA2", raw);
    (void) strcat(raw, "&sign_type=RSA2");
    EQ_INT(verify(raw), PAY_DUPLICATE, "sign_type twice");
    openssl_form(genuine, GENUINE_COUNT, sign, "RSA2", raw);
    (void) strcat(raw, "&sign=AAAA");
    EQ_INT(verify(raw), PAY_DUPLICATE, "a signature given twice");
    openssl_form(genuine, GENUINE_COUNT, "", "RSA2", raw);
    EQ_INT(verify(raw), PAY_UNSIGNED, "an empty signature");
    openssl_form(genuine, GENUINE_COUNT, NULL, "RSA2", raw);
    EQ_INT(verify(raw), PAY_UNSIGNED, "no signature");
}


/* The text of a signature, as little changed as can be. */

static void
test_signature_text(void)
{
    char    raw[SIGNER_RAW_SIZE], text[SIGNER_RAW_SIZE];
    char    sign[OPENSSL_SIGN_SIZE], bad[2 * OPENSSL_SIGN_SIZE];
    size_t  i, size;

    static const struct {
        const char  *what;
        const char  *before;
        int          kept;             /* of its 344 characters */
        const char  *after;
    } cases[] = {
        { "cut by one", "", 343, "" }, { "without padding", "", 342, "" },
        { "with four more", "", 344, "AAAA" },
        { "with a newline", "", 344, "\n" },
        { "with four line breaks", "\r\n\r\n", 344, "" },
        { "with a space in front", " ", 344, "" },
        { "with = behind", "", 344, "====" }, { "of a space", "", 0, " " }
    };

    size = openssl_text(genuine, GENUINE_COUNT, 1, text);
    openssl_sign("alipay", text, size, sign);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void) snprintf(bad, sizeof(bad), "%s%.*s%s", cases[i].before,
                        cases[i].kept, sign, cases[i].after);
        openssl_form(genuine, GENUINE_COUNT, bad, "RSA2", raw);
        EQ_INT(verify(raw), PAY_SIGNATURE, "a signature %s", cases[i].what);
    }
}


static void
write_by(const char *key, char raw[SIGNER_RAW_SIZE])
{
    char    text[SIGNER_RAW_SIZE], sign[OPENSSL_SIGN_SIZE];
    size_t  size;

    size = openssl_text(genuine, GENUINE_COUNT, 1, text);
    openssl_sign(key, text, size, sign);
    openssl_form(genuine, GENUINE_COUNT, sign, "RSA2", raw);
}


static void
test_keys(void)
{
    char  raw[SIGNER_RAW_SIZE];

    write_by("own", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "our own key does not pay");
    write_by("previous", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "another key does not");

    channel.public_key_previous = gate_publics[2];
    EQ_INT(verify(raw), PAY_PAID, "  but the previous one does");
    write_by("alipay", raw);
    EQ_INT(verify(raw), PAY_PAID, "  and the current one still");
    channel.public_key_previous = NULL;

    channel.public_key = gate_publics[3];
    EQ_INT(verify(raw), PAY_SIGNATURE, "  which a key of 4096 bits is not");
    write_by("big", raw);
    EQ_INT(verify(raw), PAY_PAID, "  whose own is right");
    channel.public_key = gate_publics[1];
}


/* --- what is signed, and how --------------------------------------------- */

/* The same fields in the strings of other people: none is Alipay's. */

static void
test_other_strings(void)
{
    char            raw[SIGNER_RAW_SIZE], text[SIGNER_RAW_SIZE];
    char            sign[OPENSSL_SIGN_SIZE];
    size_t          size;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    size = openssl_text(genuine, GENUINE_COUNT, 0, text);
    openssl_sign("alipay", text, size, sign);
    openssl_form(genuine, GENUINE_COUNT, sign, "RSA2", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "signed without what is empty");

    memcpy(fields, genuine, sizeof(genuine));
    fields[GENUINE_COUNT] = (signer_field_t) { "sign_type", "RSA2", 0 };
    size = openssl_text(fields, GENUINE_COUNT + 1, 1, text);
    openssl_sign("alipay", text, size, sign);
    openssl_form(genuine, GENUINE_COUNT, sign, "RSA2", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE,
           "signed with sign_type, as the service market does");

    openssl_form(genuine, GENUINE_COUNT, NULL, NULL, text);
    openssl_sign("alipay", text, strlen(text), sign);
    openssl_form(genuine, GENUINE_COUNT, sign, "RSA2", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "signed as it was encoded");
}


static void
test_unsigned_additions(void)
{
    char    raw[SIGNER_RAW_SIZE];
    size_t  i;

    static const struct {
        const char     *added;
        pay_verdict_e   verdict;
    } cases[] = {
        { "&extra=1", PAY_SIGNATURE }, { "&extra=", PAY_SIGNATURE },
        { "&extra=+", PAY_SIGNATURE }, { "&extra=@x", PAY_SIGNATURE },
        { "&OUT_TRADE_NO=other", PAY_SIGNATURE },
        { "&total_amount=0.01", PAY_DUPLICATE },
        { "&x[]=1", PAY_MALFORMED }, { "&bad=%", PAY_MALFORMED },
        { "&bad=%G1", PAY_MALFORMED }, { "&", PAY_MALFORMED },
        { "&extra", PAY_MALFORMED }, { "&=1", PAY_MALFORMED }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_by("alipay", raw);
        (void) strcat(raw, cases[i].added);
        EQ_INT(verify(raw), cases[i].verdict, "genuine and \"%s\": %s",
               cases[i].added, pay_verdict_word(cases[i].verdict));
    }

    EQ_INT(verify(""), PAY_ALGORITHM, "an empty body");
}


static void
test_signed_values(void)
{
    size_t      i;
    pay_fact_t  fact;

#define V(text)   text, sizeof(text) - 1
#define N64  "0123456789012345678901234567890123456789012345678901234567890123"

    static const struct {
        const char     *name;
        const char     *value;
        size_t          size;
        pay_verdict_e   verdict;
    } cases[] = {
        { "app_id", V("2021000000000002"), PAY_NOT_OURS },
        { "app_id", V("2021000000000001\0"), PAY_NOT_OURS },
        { "app_id", V("2021000000000001 "), PAY_NOT_OURS },
        { "seller_id", V("2088000000000002"), PAY_NOT_OURS },
        { "seller_id", V("2021000000000001"), PAY_NOT_OURS },
        { "notify_type", V("servicemarket_order_notify"), PAY_NOT_OURS },
        { "notify_type", V("TRADE_STATUS_SYNC"), PAY_NOT_OURS },
        { "out_trade_no", V("../../etc/passwd"), PAY_ORDER_NO },
        { "out_trade_no", V("1' OR '1'='1"), PAY_ORDER_NO },
        { "out_trade_no", V("01J0\0x"), PAY_ORDER_NO },
        { "out_trade_no", V(N64), PAY_PAID },
        { "out_trade_no", V(N64 "4"), PAY_ORDER_NO },
        { "out_trade_no", V("01\xff\xfe"), PAY_ORDER_NO },
        { "trade_no", V(N64 "4"), PAY_TRADE_NO },
        { "trade_no", V(" "), PAY_TRADE_NO },
        { "passback_params", V("1&trade_status=TRADE_CLOSED"),
          PAY_MALFORMED },
        { "body", V("a&total_amount=0.01&z="), PAY_MALFORMED },
        { "gmt_payment", V("2026-01-02 03:04:05&gmt_refund=2026-01-03"),
          PAY_MALFORMED },
        { "receipt_amount", V("9.90&refund_fee=1.00"), PAY_MALFORMED },
        { "body", V("a&total=0.01&z="), PAY_PAID },
        { "passback_params", V("@/etc/passwd"), PAY_PAID },
        { "passback_params", V("\xc0\xaf\0\xff"), PAY_PAID },
        { "TOTAL_AMOUNT", V("0.01"), PAY_PAID },
        { "trade_status-", V("1"), PAY_PAID },
        { "trade_statusA", V("1"), PAY_PAID }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EQ_INT(verify_with(cases[i].name, cases[i].value, cases[i].size,
                           &fact),
               cases[i].verdict, "signed %s=%s: %s", cases[i].name,
               cases[i].value, pay_verdict_word(cases[i].verdict));
    }
}


int
main(void)
{
    gate_enter();

    test_matrix();
    test_sign_type();
    test_signature_text();
    test_keys();
    test_other_strings();
    test_unsigned_additions();
    test_signed_values();

    gate_leave();

    return tap_done();
}

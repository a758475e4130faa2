/*
 * EPay V1 under attack: every signed field missing, empty, doubled, renamed,
 * cut, flipped, once by somebody without the key and once genuinely signed;
 * and the forgeries that were seen in other shops.  The signer is md5sum
 * (pay_signer.h).
 */

#include "../../ngx_module/pay/pay.h"

#include "pay_signer.h"

#include <ctype.h>


static pay_crypto_t   *crypto;
static pay_channel_t   channel;


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
verify_bytes(const char *raw, size_t size, pay_fact_t *fact)
{
    pay_notice_t  notice = {
        PAY_METHOD_GET, pay_str(raw, size), pay_str(NULL, 0), 0, NULL, 0
    };

    return channel.protocol->verify(crypto, &channel, &notice, fact);
}


/* A refusal must hand on nothing that was not proved. */

static pay_verdict_e
verify(const char *raw)
{
    pay_fact_t     fact;
    pay_verdict_e  verdict;

    verdict = verify_bytes(raw, strlen(raw), &fact);

    if (!pay_verdict_acknowledged(verdict)
        && (fact.order_no[0] != '\0' || fact.trade_no[0] != '\0'
            || fact.amount != 0 || fact.currency[0] != '\0'))
    {
        OK(false, "a refused notice says nothing");
    }

    return verdict;
}


/* --- without the key ----------------------------------------------------- */

enum {
    MISSING,
    EMPTY,
    RECASED,
    TRUNCATED,
    MUTATION_COUNT
};

static const char *const  mutation_words[] = {
    "missing", "empty", "re-cased", "truncated"
};


/* Copies the genuine fields with one mutated; texts holds what changed. */

static size_t
mutate(signer_field_t *fields, size_t at, int mutation, char texts[64])
{
    size_t  i, count;

    count = 0;

    for (i = 0; i < GENUINE_COUNT; i++) {
        fields[count] = genuine[i];

        if (i == at) {
            switch (mutation) {

            case MISSING:
                continue;

            case EMPTY:
                fields[count].value = "";
                break;

            case RECASED:
                (void) snprintf(texts, 64, "%s", genuine[i].name);
                texts[0] = (char) toupper((unsigned char) texts[0]);
                fields[count].name = texts;
                break;

            default:
                (void) snprintf(texts, 64, "%.*s",
                                (int) strlen(genuine[i].value) - 1,
                                genuine[i].value);
                fields[count].value = texts;
            }
        }

        count++;
    }

    return count;
}


static void
test_unsigned_mutations(void)
{
    int             mutation;
    char            raw[SIGNER_RAW_SIZE], sign[33], texts[64];
    size_t          i, count;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    signer_sign(genuine, GENUINE_COUNT, SIGNER_KEY, sign);
    signer_write(genuine, GENUINE_COUNT, sign, raw);
    EQ_INT(verify(raw), PAY_PAID, "unchanged it is good");

    for (i = 0; i < GENUINE_COUNT; i++) {
        for (mutation = 0; mutation < MUTATION_COUNT; mutation++) {
            count = mutate(fields, i, mutation, texts);
            signer_write(fields, count, sign, raw);

            EQ_INT(verify(raw), PAY_SIGNATURE, "%s %s, signature kept",
                   genuine[i].name, mutation_words[mutation]);
        }

        memcpy(fields, genuine, sizeof(genuine));
        fields[GENUINE_COUNT] = genuine[i];
        signer_write(fields, GENUINE_COUNT + 1, sign, raw);
        EQ_INT(verify(raw), PAY_DUPLICATE, "%s duplicated",
               genuine[i].name);
    }
}


/* Each bit of each value. */

static void
test_flipped_bits(void)
{
    char            raw[SIGNER_RAW_SIZE], sign[33], value[64];
    size_t          i, bit, wrong, size;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    signer_sign(genuine, GENUINE_COUNT, SIGNER_KEY, sign);

    for (i = 0; i < GENUINE_COUNT; i++) {
        memcpy(fields, genuine, sizeof(genuine));
        size = strlen(genuine[i].value);
        wrong = 0;

        for (bit = 0; bit < 8 * size; bit++) {
            memcpy(value, genuine[i].value, size);
            value[bit / 8] = (char) (value[bit / 8] ^ (1 << bit % 8));
            fields[i].value = value;
            fields[i].size = size;

            signer_write(fields, GENUINE_COUNT, sign, raw);
            wrong += verify(raw) != PAY_SIGNATURE;
        }

        EQ_INT(wrong, 0, "%s with any bit flipped", genuine[i].name);
    }
}


static void
test_signature_itself(void)
{
    char    raw[SIGNER_RAW_SIZE], sign[33], bad[40], *at;
    size_t  i, wrong;

    signer_sign(genuine, GENUINE_COUNT, SIGNER_KEY, sign);
    wrong = 0;

    for (i = 0; i < 8 * 32; i++) {
        memcpy(bad, sign, sizeof(sign));
        bad[i / 8] = (char) (bad[i / 8] ^ (1 << i % 8));

        /* A NUL would end the text of the test, not that of the notice. */

        if (bad[i / 8] != '\0') {
            signer_write(genuine, GENUINE_COUNT, bad, raw);
            wrong += verify(raw) != PAY_SIGNATURE;
        }
    }

    EQ_INT(wrong, 0, "a signature with any bit flipped");

    for (i = 0; i < 32; i++) {
        bad[i] = (char) toupper((unsigned char) sign[i]);
    }

    bad[32] = '\0';
    signer_write(genuine, GENUINE_COUNT, bad, raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "a signature in upper case");

    (void) snprintf(bad, sizeof(bad), "%.31s", sign);
    signer_write(genuine, GENUINE_COUNT, bad, raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "a signature cut by one");

    (void) snprintf(bad, sizeof(bad), "%s0", sign);
    signer_write(genuine, GENUINE_COUNT, bad, raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "a signature with one more");

    (void) snprintf(bad, sizeof(bad), "%s ", sign);
    signer_write(genuine, GENUINE_COUNT, bad, raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "a signature with a space");

    signer_write(genuine, GENUINE_COUNT, "", raw);
    EQ_INT(verify(raw), PAY_UNSIGNED, "an empty signature");

    signer_write(genuine, GENUINE_COUNT, sign, raw);
    at = strstr(raw, "&sign=");
    at[1] = 'S';
    EQ_INT(verify(raw), PAY_UNSIGNED, "Sign in place of sign");

    *at = '\0';
    EQ_INT(verify(raw), PAY_UNSIGNED, "no signature");

    signer_write(genuine, GENUINE_COUNT, sign, raw);
    (void) snprintf(raw + strlen(raw), 64, "&sign=%s", sign);
    EQ_INT(verify(raw), PAY_DUPLICATE, "a signature given twice");

    EQ_INT(verify(""), PAY_UNSIGNED, "an empty query");
}


/* --- the algorithm is pinned --------------------------------------------- */

static void
test_sign_type(void)
{
    char    raw[SIGNER_RAW_SIZE], *at;
    size_t  i;

    static const struct {
        const char     *field;
        pay_verdict_e   verdict;
    } cases[] = {
        { "", PAY_PAID }, { "&sign_type=MD5", PAY_PAID },
        { "&sign_type=", PAY_ALGORITHM },
        { "&sign_type=md5", PAY_ALGORITHM },
        { "&sign_type=RSA", PAY_ALGORITHM },
        { "&sign_type=rsa2", PAY_ALGORITHM },
        { "&sign_type=RSA2+", PAY_ALGORITHM },
        { "&sign_type=MD5+", PAY_ALGORITHM },
        { "&sign_type=MD5%00", PAY_ALGORITHM },
        { "&sign_type=MD5&sign_type=MD5", PAY_DUPLICATE },
        { "&Sign_type=MD5", PAY_SIGNATURE }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        signer_notice(genuine, GENUINE_COUNT, SIGNER_KEY, raw);
        at = strstr(raw, "&sign_type=");
        (void) snprintf(at, 64, "%s", cases[i].field);

        EQ_INT(verify(raw), cases[i].verdict, "genuine with \"%s\": %s",
               cases[i].field, pay_verdict_word(cases[i].verdict));
    }
}


/* --- with the key -------------------------------------------------------- */

static void
test_signed_mutations(void)
{
    int             mutation;
    char            raw[SIGNER_RAW_SIZE], texts[64];
    size_t          i, count;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    /* What a genuine signature over the mutated field is worth; upper-case
     * first letters sort first, so they are signed in that order below. */

    static const pay_verdict_e  verdicts[GENUINE_COUNT][MUTATION_COUNT] = {
        /* money: 9.9 is the same sum */
        { PAY_AMOUNT, PAY_AMOUNT, PAY_AMOUNT, PAY_PAID },
        /* name, which says nothing */
        { PAY_PAID, PAY_PAID, PAY_PAID, PAY_PAID },
        /* out_trade_no: cut, it is another order's */
        { PAY_ORDER_NO, PAY_ORDER_NO, PAY_ORDER_NO, PAY_PAID },
        /* pid */
        { PAY_NOT_OURS, PAY_NOT_OURS, PAY_NOT_OURS, PAY_NOT_OURS },
        /* trade_no */
        { PAY_TRADE_NO, PAY_TRADE_NO, PAY_TRADE_NO, PAY_PAID },
        /* trade_status */
        { PAY_NO_STATUS, PAY_NO_STATUS, PAY_NO_STATUS, PAY_NOT_PAID },
        /* type */
        { PAY_PAID, PAY_PAID, PAY_PAID, PAY_PAID }
    };

    for (i = 0; i < GENUINE_COUNT; i++) {
        for (mutation = 0; mutation < MUTATION_COUNT; mutation++) {
            count = mutate(fields, i, mutation, texts);

            if (mutation == RECASED) {
                signer_field_t  first = fields[i];

                memmove(&fields[1], &fields[0], i * sizeof(fields[0]));
                fields[0] = first;
            }

            signer_notice(fields, count, SIGNER_KEY, raw);
            EQ_INT(verify(raw), verdicts[i][mutation],
                   "%s %s, genuinely signed: %s", genuine[i].name,
                   mutation_words[mutation],
                   pay_verdict_word(verdicts[i][mutation]));
        }
    }
}


/* One field set, or added in its place of the byte order. */

static size_t
with(signer_field_t *fields, const char *name, const char *value, size_t size)
{
    size_t  i, count;

    count = GENUINE_COUNT;
    memcpy(fields, genuine, sizeof(genuine));

    for (i = 0; i < count && strcmp(fields[i].name, name) < 0; i++) {
        /* look for its place */
    }

    if (i == count || strcmp(fields[i].name, name) != 0) {
        memmove(&fields[i + 1], &fields[i], (count - i) * sizeof(fields[0]));
        count++;
    }

    fields[i] = (signer_field_t) { name, value, size };

    return count;
}


static void
test_signed_values(void)
{
    char            raw[SIGNER_RAW_SIZE];
    size_t          i, count;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

#define V(text)   text, sizeof(text) - 1
#define N64  "0123456789012345678901234567890123456789012345678901234567890123"

    static const struct {
        const char     *what;
        const char     *name;
        const char     *value;
        size_t          size;
        pay_verdict_e   verdict;
    } cases[] = {
        { "another merchant", "pid", V("1002"), PAY_NOT_OURS },
        { "our merchant with a NUL", "pid", V("1001\0"), PAY_NOT_OURS },
        { "an order that climbs", "out_trade_no", V("../../etc/passwd"),
          PAY_ORDER_NO },
        { "an order with a quote", "out_trade_no", V("1' OR '1'='1"),
          PAY_ORDER_NO },
        { "an order with NUL", "out_trade_no", V("01J0\0x"), PAY_ORDER_NO },
        { "an order of 64", "out_trade_no", V(N64), PAY_PAID },
        { "an order of 65", "out_trade_no", V(N64 "4"), PAY_ORDER_NO },
        { "an order not in UTF-8", "out_trade_no", V("01\xff\xfe"),
          PAY_ORDER_NO },
        { "an order with a newline", "out_trade_no", V("01J0\n"),
          PAY_ORDER_NO },
        { "an order of one space", "out_trade_no", V(" "), PAY_ORDER_NO },
        { "a trade of 64", "trade_no", V(N64), PAY_PAID },
        { "a trade of 65", "trade_no", V(N64 "4"), PAY_TRADE_NO },
        { "a trade with a slash", "trade_no", V("1/2"), PAY_TRADE_NO },
        { "a trade of one space", "trade_no", V(" "), PAY_TRADE_NO },
        { "an unknown signed field", "zzz", V("1"), PAY_PAID },
        { "a signed field before all", "aaa", V("1"), PAY_PAID },
        { "OUT_TRADE_NO beside", "OUT_TRADE_NO", V("other"), PAY_PAID },
        { "a name that sorts by byte", "name-b", V("1"), PAY_PAID },
        { "a name that sorts behind _", "namea", V("1"), PAY_PAID },
        { "a signed blank", "param", V(" "), PAY_PAID },
        { "a signed @", "param", V("@/etc/passwd"), PAY_PAID },
        { "a signed &", "param", V("1&trade_status=TRADE_CLOSED"),
          PAY_PAID },
        { "bytes not in UTF-8", "param", V("\xc0\xaf\xff"), PAY_PAID },
        { "a signed NUL", "param", V("a\0b"), PAY_PAID },
        { "notify_url", "notify_url", V("https://x"), PAY_REFLECTED },
        { "notify_url, empty", "notify_url", V(""), PAY_REFLECTED },
        { "return_url", "return_url", V("https://x"), PAY_REFLECTED },
        { "clientip", "clientip", V("127.0.0.1"), PAY_REFLECTED },
        { "device", "device", V("pc"), PAY_REFLECTED }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        count = with(fields, cases[i].name, cases[i].value, cases[i].size);
        signer_notice(fields, count, SIGNER_KEY, raw);

        EQ_INT(verify(raw), cases[i].verdict, "signed %s: %s", cases[i].what,
               pay_verdict_word(cases[i].verdict));
    }
}


/* What is added to a genuine notice without the key. */

static void
test_unsigned_additions(void)
{
    char    raw[SIGNER_RAW_SIZE];
    size_t  i;

    static const struct {
        const char     *added;
        pay_verdict_e   verdict;
    } cases[] = {
        { "&extra=1", PAY_SIGNATURE },
        { "&extra=+", PAY_SIGNATURE },
        { "&extra=%20", PAY_SIGNATURE },
        { "&extra=@x", PAY_SIGNATURE },
        { "&extra=0", PAY_SIGNATURE },
        { "&OUT_TRADE_NO=other", PAY_SIGNATURE },
        { "&x[]=1", PAY_MALFORMED },
        { "&money=0.01", PAY_DUPLICATE },
        { "&bad=%", PAY_MALFORMED },
        { "&bad=%G1", PAY_MALFORMED },
        { "&bad=%2", PAY_MALFORMED },
        { "&", PAY_MALFORMED }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        signer_notice(genuine, GENUINE_COUNT, SIGNER_KEY, raw);
        (void) snprintf(raw + strlen(raw), 64, "%s", cases[i].added);

        EQ_INT(verify(raw), cases[i].verdict, "genuine and \"%s\": %s",
               cases[i].added, pay_verdict_word(cases[i].verdict));
    }
}


/* --- forgeries ----------------------------------------------------------- */

static void
test_forgeries(void)
{
    char               raw[SIGNER_RAW_SIZE];
    size_t             i, size;
    pay_fact_t         fact;
    signer_field_t     fields[SIGNER_FIELDS_MAX];
    static const char  huge[] = "out_trade_no=";
    static const char  injected[] = "money=9.90&name=order"
        "&notify_url=https://shop.example/n&out_trade_no=1&pid=1001"
        "&return_url=https://shop.example/r&trade_no=7"
        "&trade_status=TRADE_SUCCESS";

    signer_notice(genuine, GENUINE_COUNT, "", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "signed with the empty key");

    signer_notice(genuine, GENUINE_COUNT, "k9vT2mXw7QpR4sLz8Nc", raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "signed with the key but one");

    signer_write(genuine, GENUINE_COUNT, "0e462097431906509019562988736854",
                 raw);
    EQ_INT(verify(raw), PAY_SIGNATURE, "a signature that looks like zero");

    memcpy(fields, genuine, sizeof(genuine));
    fields[3].value = "1&pid=1001";
    signer_notice(fields, GENUINE_COUNT, SIGNER_KEY, raw);
    EQ_INT(verify(raw), PAY_NOT_OURS, "a signed value is never split");

    /* What a request signs whose return_url has "&trade_no=7&..." in it,
     * received as the fields that a notice has. */

    signer_md5(injected, sizeof(injected) - 1, SIGNER_KEY, raw + 20000);
    (void) snprintf(raw, 20000, "%s&sign=%s", injected, raw + 20000);
    EQ_INT(verify(raw), PAY_REFLECTED, "a request with fields injected");

    memcpy(raw, huge, sizeof(huge));
    memset(raw + sizeof(huge) - 1, 'A', 10240);
    EQ_INT(verify_bytes(raw, sizeof(huge) - 1 + 10240, &fact),
           PAY_MALFORMED, "an order number of 10 kB");
    EQ_STR(fact.field, "out_trade_no", "  is named");

    memset(raw, 'A', PAY_FORM_INPUT_SIZE_MAX + 1);
    EQ_INT(verify_bytes(raw, PAY_FORM_INPUT_SIZE_MAX + 1, &fact),
           PAY_MALFORMED, "a query beyond all size");

    for (size = 0, i = 0; i < PAY_FORM_FIELD_COUNT_MAX + 1; i++) {
        size += (size_t) snprintf(raw + size, 16, "%sa%zu=1", i ? "&" : "",
                                  i);
    }

    EQ_INT(verify_bytes(raw, size, &fact), PAY_MALFORMED,
           "more fields than may be");
}


/* The same text decoded from "+" and from "%20". */

static void
test_spaces(void)
{
    char        raw[1024], sign[33];
    size_t      i;
    pay_fact_t  fact;

    static const char *const  spellings[] = { "a+b", "a%20b" };
    static const char         text[] = "money=1&name=a b&out_trade_no=1"
                                       "&pid=1001&trade_no=2"
                                       "&trade_status=TRADE_SUCCESS";

    signer_md5(text, sizeof(text) - 1, SIGNER_KEY, sign);

    for (i = 0; i < 2; i++) {
        (void) snprintf(raw, sizeof(raw), "trade_status=TRADE_SUCCESS"
                        "&out_trade_no=1&name=%s&pid=1001&trade_no=2&money=1"
                        "&sign=%s", spellings[i], sign);
        EQ_INT(verify_bytes(raw, strlen(raw), &fact), PAY_PAID,
               "a space as %s", spellings[i]);
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
        .currency = "CNY"
    };

    test_unsigned_mutations();
    test_flipped_bits();
    test_signature_itself();
    test_sign_type();
    test_signed_mutations();
    test_signed_values();
    test_unsigned_additions();
    test_forgeries();
    test_spaces();

    pay_crypto_destroy(crypto);

    return tap_done();
}

/*
 * Alipay as it should work: genuine notices of payments, refunds and closed
 * trades; the redirect that starts a payment, as openssl and a reader of JSON
 * see it; what the configuration refuses.
 */

#include "pay_alipay_gate.h"


/* --- notices ------------------------------------------------------------- */

static void
test_genuine(void)
{
    char          raw[SIGNER_RAW_SIZE];
    pay_str_t     form;
    pay_fact_t    fact;
    pay_notice_t  notice;

    matrix_notice(&matrix, genuine, GENUINE_COUNT, raw);
    EQ_INT(verify_fact(raw, &fact), PAY_PAID, "a genuine notice pays");
    EQ_STR(fact.order_no, "01J0000000000000000000000A", "  the order");
    EQ_STR(fact.trade_no, "2026010222001424330500000001", "  by this trade");
    EQ_STR(fact.currency, "CNY", "  in yuan");
    EQ_INT(fact.amount, 990, "  this many fen");
    EQ_STR(fact.field, "", "  and no field is to blame");

    form = pay_str(raw, strlen(raw));

    notice = (pay_notice_t) { PAY_METHOD_GET, form, pay_str(NULL, 0), 0, NULL,
                              0 };
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_METHOD, "GET is refused");
    notice = (pay_notice_t) { PAY_METHOD_POST, PAY_STR("a=1"), form, 0, NULL,
                              0 };
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_MALFORMED, "a query beside the body is refused");
    notice = (pay_notice_t) { PAY_METHOD_POST, form, pay_str(NULL, 0), 0,
                              NULL, 0 };
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_MALFORMED, "  and one in its place");

    notice = (pay_notice_t) { PAY_METHOD_POST, pay_str(NULL, 0), form,
                              INT64_C(4102444800), NULL, 0 };
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_PAID, "it has no time in which it counts");
}


static void
expect(const char *name, const char *value, pay_verdict_e verdict,
    const char *field)
{
    pay_fact_t  fact;

    EQ_INT(value != NULL
           ? verify_with(name, value, strlen(value), &fact)
           : verify_without(name, &fact),
           verdict, "%s %s: %s", name, value != NULL ? value : "missing",
           pay_verdict_word(verdict));
    EQ_STR(fact.field, field, "  the field");

    if (pay_verdict_acknowledged(verdict)) {
        EQ_STR(fact.order_no, "01J0000000000000000000000A",
               "  of this order");
    }
}


static void
test_status(void)
{
    expect("trade_status", "TRADE_FINISHED", PAY_PAID, "");
    expect("trade_status", "WAIT_BUYER_PAY", PAY_NOT_PAID, "trade_status");
    expect("trade_status", "TRADE_CLOSED", PAY_NOT_PAID, "trade_status");
    expect("trade_status", "TRADE_PENDING", PAY_NOT_PAID, "trade_status");
    expect("trade_status", "trade_success", PAY_NOT_PAID, "trade_status");
    expect("trade_status", "TRADE_SUCCESS ", PAY_NOT_PAID, "trade_status");
    expect("trade_status", "", PAY_NO_STATUS, "trade_status");
    expect("gmt_payment", NULL, PAY_NO_STATUS, "gmt_payment");
    expect("gmt_payment", "", PAY_NO_STATUS, "gmt_payment");
    expect("refund_fee", NULL, PAY_PAID, "");
    expect("body", NULL, PAY_PAID, "");
    expect("body", "1", PAY_PAID, "");
    expect("app_id", NULL, PAY_NOT_OURS, "app_id");
    expect("seller_id", NULL, PAY_NOT_OURS, "seller_id");
    expect("notify_type", NULL, PAY_NOT_OURS, "notify_type");
}


static void
test_refunds(void)
{
    char            raw[SIGNER_RAW_SIZE];
    size_t          i, count;
    pay_fact_t      fact;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    static const char *const  statuses[] = {
        "TRADE_SUCCESS", "TRADE_FINISHED", "TRADE_CLOSED"
    };

    expect("refund_fee", "0", PAY_PAID, "");
    expect("refund_fee", "0.00", PAY_PAID, "");
    expect("refund_fee", "", PAY_PAID, "");
    expect("refund_fee", "0.01", PAY_REFUND, "refund_fee");
    expect("refund_fee", "9.90", PAY_REFUND, "refund_fee");
    expect("refund_fee", "10.00", PAY_REFUND, "refund_fee");
    expect("refund_fee", "-1", PAY_REFUND, "refund_fee");
    expect("refund_fee", "x", PAY_REFUND, "refund_fee");
    expect("refund_fee", " ", PAY_REFUND, "refund_fee");
    expect("gmt_refund", "2026-01-03 03:04:05.000", PAY_REFUND,
           "gmt_refund");
    expect("gmt_refund", "", PAY_PAID, "");

    /* A refund of all, as a whole notice; each status that it may have. */

    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        count = matrix_with(&matrix, fields, "gmt_refund",
                            "2026-01-03 03:04:05.000", 0);
        fields[9].value = "9.90";
        fields[14].value = statuses[i];
        matrix_notice(&matrix, fields, count, raw);
        EQ_INT(verify_fact(raw, &fact), PAY_REFUND, "refunded in full, %s",
               statuses[i]);
        EQ_INT(fact.amount, 990, "  of so many fen");
    }
}


static void
test_amounts(void)
{
    size_t      i;
    pay_fact_t  fact;

    static const struct {
        const char     *amount;
        pay_verdict_e   verdict;
        int64_t         fen;
    } cases[] = {
        { "0.1", PAY_PAID, 10 }, { "0.10", PAY_PAID, 10 },
        { "0.1000", PAY_PAID, 10 }, { "1", PAY_PAID, 100 },
        { "1.", PAY_PAID, 100 }, { "999999999.99", PAY_PAID, 99999999999 },
        { "0.101", PAY_ODD_AMOUNT, 10 }, { "0.1001", PAY_ODD_AMOUNT, 10 },
        { "1e1", PAY_AMOUNT, 0 }, { "+1", PAY_AMOUNT, 0 },
        { "-1", PAY_AMOUNT, 0 }, { " 1", PAY_AMOUNT, 0 },
        { "1 ", PAY_AMOUNT, 0 }, { "0x10", PAY_AMOUNT, 0 },
        { "NaN", PAY_AMOUNT, 0 }, { "1,00", PAY_AMOUNT, 0 },
        { "\xef\xbc\x91.00", PAY_AMOUNT, 0 }, { "01.00", PAY_AMOUNT, 0 },
        { "1111111111111111111111111111111111111111", PAY_AMOUNT, 0 },
        { "0.00000", PAY_AMOUNT, 0 }, { ".1", PAY_AMOUNT, 0 },
        { "", PAY_AMOUNT, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EQ_INT(verify_with("total_amount", cases[i].amount,
                           strlen(cases[i].amount), &fact),
               cases[i].verdict, "total_amount \"%s\": %s", cases[i].amount,
               pay_verdict_word(cases[i].verdict));
        EQ_INT(fact.amount, cases[i].fen, "  in fen");
        EQ_STR(fact.field,
               cases[i].verdict == PAY_PAID ? "" : "total_amount",
               "  the field");
    }
}


/* --- configuration ------------------------------------------------------- */

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
    char    err[512] = "";
    size_t  i;

    static const char *const  types[] = { "", "page", "wap" };

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        channel.type = pay_str(types[i], strlen(types[i]));
        OK(pay_channel_check(&channel, err, sizeof(err)),
           "type \"%s\" is good", types[i]);
    }

    channel.type = pay_str(NULL, 0);

    REFUSED(type, PAY_STR("app"), "another type", "page");
    REFUSED(type, PAY_STR("pagex"), "more than a type", "page");
    REFUSED(url, PAY_STR("https://x/gateway.do?charset=utf-8"), "a query",
            "without a query");
    REFUSED(url, PAY_STR("openapi.alipay.com"), "no scheme", "\"url\"");
    REFUSED(app_id, PAY_STR(""), "no app_id", "\"app_id\"");
    REFUSED(seller_id, PAY_STR(""), "no seller_id", "\"seller_id\"");
    REFUSED(app_id, PAY_STR("20 21"), "a blank in app_id", "\"app_id\"");
    REFUSED(seller_id, PAY_STR("me@x"), "a mail address", "\"seller_id\"");
    REFUSED(currency[0], 'X', "an unknown currency", "unknown currency");
    memcpy(channel.currency, "USD", 4);
    refused(channel, "dollars", "CNY");
    memcpy(channel.currency, "CNY", 4);
    REFUSED(private_key, NULL, "no private key", "\"private_key_file\"");
    REFUSED(public_key, NULL, "no public key", "\"public_key_file\"");
    REFUSED(public_key, gate_publics[0], "our own key as Alipay's",
            "public half of your own key");
    REFUSED(public_key_previous, gate_publics[0], "  as its previous one",
            "public half of your own key");
    REFUSED(public_key_previous, gate_publics[1],
            "the current key as previous", "equals the current");
}


int
main(void)
{
    gate_enter();

    test_genuine();
    test_status();
    test_refunds();
    test_amounts();
    test_check();

    gate_leave();

    return tap_done();
}

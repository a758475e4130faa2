/*
 * Configured channels as they should work: dialects written as blocks, the
 * redirect of each, and genuine notices; and the blocks that are refused.
 * openssl makes the digests.
 */

#include "pay_custom_gate.h"


#define EPAY_NOTICE                                                           \
    "notice order_no out_trade_no;notice trade_no trade_no;"                  \
    "notice amount money;notice status trade_status TRADE_SUCCESS;"           \
    "notice account pid 1001;"

/* EPay V1 in the words of a block. */

#define EPAY                                                                  \
    "send pid 1001;send out_trade_no $order_no;send money $amount;"           \
    "send notify_url $notify_url;send return_url $return_url;"                \
    "send name order;send type alipay;send sign_type MD5;" EPAY_NOTICE        \
    "hash md5"

/* Values side by side, as V免签 does it, and a notice that can be told. */

#define SIDE_BY_SIDE                                                          \
    "send payId $order_no;send type 2;send price $amount;"                    \
    "send notifyUrl $notify_url;notice order_no payId;"                       \
    "notice trade_no tradeNo;notice amount price;notice status state 1;"      \
    "sign_request payId type price;"                                          \
    "sign_notice payId type price state tradeNo;hash md5"

/* Minor units, HMAC, upper case, other names. */

#define MINOR                                                                 \
    "send mch 77;send order $order_no;send fee $amount_minor;"                \
    "send cb $notify_url;send at $time;notice order_no order;"                \
    "notice trade_no serial;notice amount fee minor;notice status st OK;"     \
    "sign_field signature;success_body SUCCESS;hash hmac-sha256 upper"


static const pay_start_t  start = {
    .order_no = PAY_STR(GATE_ORDER_NO),
    .amount = 990,
    .currency = "CNY",
    .notify_url = PAY_STR("https://shop.example/notify/way"),
    .return_url = PAY_STR("https://shop.example/return/1"),
    .now_s = 1767323045
};


/* --- redirects ----------------------------------------------------------- */

static void
test_start(const char *what, const char *directives, const char *query,
    const char *options, const char *text, const char *behind, int is_upper)
{
    char          url[PAY_START_URL_SIZE_MAX], sign[OPENSSL_SIGN_SIZE];
    char          want[PAY_START_URL_SIZE_MAX];
    size_t        i, length;
    gate_block_t  block;

    gate_must_read(&block, directives);
    gate_digest(options, text, strlen(text), behind, sign);

    for (i = 0; is_upper && sign[i] != '\0'; i++) {
        sign[i] = (char) toupper((unsigned char) sign[i]);
    }

    (void) snprintf(want, sizeof(want), GATE_URL "?%s=%s", query, sign);

    EQ_INT(block.channel.protocol->start(crypto, &block.channel, &start, url,
                                         sizeof(url), &length),
           PAY_START_OK, "%s: a payment starts", what);
    EQ_STR(url, want, "  with this address");
    EQ_INT(length, strlen(want), "  of its length");
}


static void
test_starts(void)
{
#define EPAY_QUERY                                                            \
    "pid=1001&out_trade_no=" GATE_ORDER_NO "&money=9.90"                      \
    "&notify_url=https%3A%2F%2Fshop.example%2Fnotify%2Fway"                   \
    "&return_url=https%3A%2F%2Fshop.example%2Freturn%2F1&name=order"          \
    "&type=alipay&sign_type=MD5&sign"

#define EPAY_TEXT                                                             \
    "money=9.90&name=order&notify_url=https://shop.example/notify/way"        \
    "&out_trade_no=" GATE_ORDER_NO "&pid=1001"                                \
    "&return_url=https://shop.example/return/1&type=alipay"

    test_start("EPay", EPAY, EPAY_QUERY, "-md5", EPAY_TEXT, SIGNER_KEY, 0);
    test_start("SHA-256 behind &key=",
               EPAY_NOTICE "send pid 1001;send out_trade_no $order_no;"
               "send money $amount;hash sha256 lower &key=",
               "pid=1001&out_trade_no=" GATE_ORDER_NO "&money=9.90&sign",
               "-sha256", "money=9.90&out_trade_no=" GATE_ORDER_NO
               "&pid=1001", "&key=" SIGNER_KEY, 0);
    test_start("HMAC over the key, too",
               EPAY_NOTICE "send pid 1001;send out_trade_no $order_no;"
               "send money $amount;hash hmac-sha256 upper &key=",
               "pid=1001&out_trade_no=" GATE_ORDER_NO "&money=9.90&sign",
               "-sha256 -hmac " SIGNER_KEY, "money=9.90&out_trade_no="
               GATE_ORDER_NO "&pid=1001", "&key=" SIGNER_KEY, 1);
    test_start("side by side", SIDE_BY_SIDE,
               "payId=" GATE_ORDER_NO "&type=2&price=9.90"
               "&notifyUrl=https%3A%2F%2Fshop.example%2Fnotify%2Fway&sign",
               "-md5", GATE_ORDER_NO "29.90", SIGNER_KEY, 0);
    test_start("minor units, HMAC", MINOR,
               "mch=77&order=" GATE_ORDER_NO "&fee=990"
               "&cb=https%3A%2F%2Fshop.example%2Fnotify%2Fway&at=1767323045"
               "&signature", "-sha256 -hmac " SIGNER_KEY,
               "at=1767323045&cb=https://shop.example/notify/way&fee=990"
               "&mch=77&order=" GATE_ORDER_NO, "", 1);
}


static void
test_start_refused(void)
{
    char          url[PAY_START_URL_SIZE_MAX];
    size_t        i, length;
    pay_start_t   other;
    gate_block_t  block;

    static const struct {
        const char        *what;
        const char        *directives;
        pay_str_t          order_no;
        int64_t            amount;
        pay_start_code_e   code;
    } cases[] = {
        { "an order with &", EPAY, PAY_STR("1&pid=2"), 990,
          PAY_START_ORDER_NO },
        { "another length", SIDE_BY_SIDE, PAY_STR("1"), 990,
          PAY_START_ORDER_NO },
        { "another length, sorted", EPAY, PAY_STR("1"), 990, PAY_START_OK },
        { "nothing to pay", EPAY, PAY_STR("1"), 0, PAY_START_AMOUNT },
        { "more than can be read again", MINOR, PAY_STR("1"), 1000000000,
          PAY_START_AMOUNT }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        gate_must_read(&block, cases[i].directives);
        other = start;
        other.order_no = cases[i].order_no;
        other.amount = cases[i].amount;

        EQ_INT(block.channel.protocol->start(crypto, &block.channel, &other,
                                             url, sizeof(url), &length),
               cases[i].code, "%s: %s", cases[i].what,
               pay_start_text(cases[i].code));
    }
}


/* --- notices ------------------------------------------------------------- */

static void
test_notices(void)
{
    char           raw[1024], sign[OPENSSL_SIGN_SIZE];
    size_t         i, j;
    pay_fact_t     fact;
    gate_block_t   block;

    static const struct {
        const char  *directives;
        const char  *form;             /* up to the signature */
        const char  *options;
        const char  *text;
        const char  *behind;
        bool         is_upper;
        const char  *trade_no;
    } cases[] = {
        { EPAY, "pid=1001&trade_no=77&out_trade_no=" GATE_ORDER_NO
          "&type=alipay&name=order&money=9.9&trade_status=TRADE_SUCCESS"
          "&sign_type=MD5&sign", "-md5", "money=9.9&name=order&out_trade_no="
          GATE_ORDER_NO "&pid=1001&trade_no=77&trade_status=TRADE_SUCCESS"
          "&type=alipay", SIGNER_KEY, false, "77" },
        { SIDE_BY_SIDE, "payId=" GATE_ORDER_NO "&type=2&price=9.90&state=1"
          "&tradeNo=A-7&extra=unsigned&sign", "-md5",
          GATE_ORDER_NO "29.901A-7", SIGNER_KEY, false, "A-7" },
        { MINOR, "order=" GATE_ORDER_NO "&serial=77&fee=990&st=OK&signature",
          "-sha256 -hmac " SIGNER_KEY, "fee=990&order=" GATE_ORDER_NO
          "&serial=77&st=OK", "", true, "77" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        gate_must_read(&block, cases[i].directives);
        gate_digest(cases[i].options, cases[i].text, strlen(cases[i].text),
                    cases[i].behind, sign);

        for (j = 0; cases[i].is_upper && sign[j] != '\0'; j++) {
            sign[j] = (char) toupper((unsigned char) sign[j]);
        }

        (void) snprintf(raw, sizeof(raw), "%s=%s", cases[i].form, sign);

        EQ_INT(gate_verify(&block.channel, PAY_METHOD_GET, raw, &fact),
               PAY_PAID, "dialect %zu: a notice pays", i);
        EQ_STR(fact.order_no, GATE_ORDER_NO, "  the order");
        EQ_STR(fact.trade_no, cases[i].trade_no, "  the trade");
        EQ_INT(fact.amount, 990, "  the amount");
        EQ_STR(fact.currency, "CNY", "  the currency");

        EQ_INT(gate_verify(&block.channel, PAY_METHOD_POST, raw, &fact),
               PAY_METHOD, "  not by POST");
        block.channel.allow_post = true;
        EQ_INT(gate_verify(&block.channel, PAY_METHOD_POST, raw, &fact),
               PAY_PAID, "  unless that is allowed");

        for (j = strlen(raw) - 1; raw[j] != '='; j--) {
            raw[j] = (char) (isupper((unsigned char) raw[j])
                             ? tolower((unsigned char) raw[j])
                             : toupper((unsigned char) raw[j]));
        }

        EQ_INT(gate_verify(&block.channel, PAY_METHOD_POST, raw, &fact),
               PAY_SIGNATURE, "  not with digits in the other letter case");

        block.channel.key_previous = block.channel.key;
        block.channel.key = PAY_STR("p8uS1lWv6PoQ3rKy7MbC");
        (void) snprintf(raw, sizeof(raw), "%s=%s", cases[i].form, sign);
        EQ_INT(gate_verify(&block.channel, PAY_METHOD_GET, raw, &fact),
               PAY_PAID, "  by the previous key");
    }

    EQ_STR(pay_channel_success_body(&block.channel), "SUCCESS",
           "the gateway reads what it wants to");
    gate_must_read(&block, EPAY);
    EQ_STR(pay_channel_success_body(&block.channel), "success",
           "  \"success\" without more");
}


/* --- what is refused ----------------------------------------------------- */

#define REQUEST  "send pid 1;send no $order_no;send money $amount;"
#define LISTED   "notice order_no no;notice trade_no trade;"                  \
                 "notice amount money;notice status state 1;hash md5;"

static const struct {
    const char  *directives;
    const char  *says;
} refusals[] = {
    { EPAY_NOTICE "hash md5", "has no \"send\"" },
    { REQUEST "hash md5", "has no \"notice\"" },
    { REQUEST EPAY_NOTICE, "has no \"hash\"" },
    { REQUEST EPAY_NOTICE "hash sha1", "there are md5" },
    { REQUEST EPAY_NOTICE "hash md5 both", "write lower or upper" },
    { "send pid 1;send pid 2", "sent already" },
    { "send pid a&b", "a constant has" },
    { "send pid a=b", "a constant has" },
    { "send pid $key", "no such variable" },
    { "send p[] 1", "write a name" },
    { "send pid", "write a name" },
    { "notice colour red", "a notice's fields are" },
    { "notice status trade_status", "the value that it must have" },
    { "notice amount money yuan", "the amount's unit" },
    { "notice order_no no no", "one name" },
    { "notice order_no a;notice order_no b", "given twice" },
    { "sign_notice a a", "twice" },
    { "sign_field a a", "sign_field sign sign_type" },
    { "success_body a", "would be taken for this" },
    { "success_body FAIL", "would be taken for this" },
    { "send pid 1;" LISTED, "no request without the order" },
    { "send no $order_no;" LISTED, "no request without the order" },
    { REQUEST "send sign 1;" LISTED, "signature's own field" },
    { REQUEST "notice order_no no;notice trade_no trade;"
      "notice amount money;hash md5", "notice status trade_status" },
    { REQUEST "notice order_no no;notice status state 1;"
      "notice amount money;hash md5", "notice trade_no trade_no" },
    { REQUEST "send state 0;" LISTED,
      "told from our own request by this field" },
    { REQUEST "send trade 7;" LISTED,
      "told from our own request by this field" },
    { REQUEST "notice order_no no;notice trade_no trade;"
      "notice amount trade;notice status state 1;hash md5",
      "cannot be two things" },
    { REQUEST "notice order_no no;notice trade_no sign_type;"
      "notice amount money;notice status state 1;hash md5",
      "cannot be two things" },
    { REQUEST LISTED "sign_request no other", "which is not sent" },
    { REQUEST LISTED "sign_request no pid", "the amount in it" },
    { REQUEST LISTED "sign_notice no money trade",
      "has no \"state\": what is not signed" },
    { REQUEST LISTED "sign_notice no money state",
      "has no \"trade\": what is not signed" },
    { REQUEST LISTED "sign_notice no buyer money state trade",
      "\"buyer\", whose length nobody knows" },
    { REQUEST LISTED "sign_notice no trade money state",
      "behind the trade number" },
    { REQUEST "notice order_no no;notice trade_no trade;"
      "notice amount money minor;notice status state 1;hash md5;"
      "sign_notice no money state trade", "whose length nobody knows" },

    /* A request of ours that reads as order, amount, state 1, trade. */

    { "send no $order_no;send money $amount;send tail 177;" LISTED
      "sign_request no money tail;sign_notice no money state trade",
      "could be sent back" },
    { "send no $order_no;send money $amount;send url $notify_url;"
      LISTED "sign_request no money url;"
      "sign_notice no money state trade", NULL }
};


static void
test_refused(void)
{
    size_t        i;
    gate_block_t  block;

    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        bool  is_read = gate_read(&block, refusals[i].directives);

        if (refusals[i].says == NULL) {
            OK(is_read, "taken: %s", refusals[i].directives);
            continue;
        }

        OK(!is_read, "refused: %s", refusals[i].directives);
        OK(strstr(block.err, refusals[i].says) != NULL, "  saying: %s",
           block.err);
    }

    (void) gate_read(&block, EPAY);
    block.channel.key = pay_str(NULL, 0);
    OK(!pay_channel_check(&block.channel, block.err, sizeof(block.err)),
       "refused: no key");
    block.channel.key = PAY_STR(SIGNER_KEY);
    block.channel.url = PAY_STR("https://pay.example/?a=b");
    OK(!pay_channel_check(&block.channel, block.err, sizeof(block.err)),
       "refused: an address with a query");
}


int
main(void)
{
    gate_enter();

    test_starts();
    test_start_refused();
    test_notices();
    test_refused();

    pay_crypto_destroy(crypto);

    return tap_done();
}

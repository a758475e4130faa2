/*
 * epusdt's EPay form: V1 with the currency in the request, in lower case, and
 * a merchant number that is one.  What V1 is held to, its own tests show; the
 * signer is md5sum.
 */

#include "../../ngx_module/pay/pay.h"

#include "pay_signer.h"


/* The published sample of epusdt's EPay form: these fields, this key. */

#define SAMPLE_KEY   "epusdt_secret_key"
#define SAMPLE_SIGN  "b865b0acbb2b01554c35a1bd33351452"
#define SUBMIT       "https://pay.example/payments/epay/v1/order/"            \
                     "create-transaction/submit.php"

static const signer_field_t  sample[] = {
    { "money", "100", 0 }, { "name", "VIP", 0 },
    { "notify_url", "https://merchant.example/notify", 0 },
    { "out_trade_no", "ORD202605230001", 0 }, { "pid", "1000", 0 },
    { "return_url", "https://merchant.example/return", 0 },
    { "type", "alipay", 0 }
};

#define SAMPLE_COUNT  (sizeof(sample) / sizeof(sample[0]))

static const signer_field_t  genuine[] = {
    { "money", "100.0000", 0 }, { "name", "VIP", 0 },
    { "out_trade_no", "ORD202605230001", 0 }, { "pid", "1000", 0 },
    { "trade_no", "T2026052300000001", 0 },
    { "trade_status", "TRADE_SUCCESS", 0 }, { "type", "alipay", 0 }
};

#define GENUINE_COUNT  (sizeof(genuine) / sizeof(genuine[0]))


static pay_crypto_t   *crypto;
static pay_channel_t   channel;

static const pay_start_t  start_template = {
    { (const unsigned char *) "ORD202605230001", 15 },
    10000, "CNY",
    { (const unsigned char *) "https://merchant.example/notify", 31 },
    { (const unsigned char *) "https://merchant.example/return", 31 },
    0, 900
};


/* --- start --------------------------------------------------------------- */

/* The sample with what we add (the currency) and with our words for goods and
 * money, in byte order; the sample alone has the published signature. */

static void
test_start(void)
{
    char            url[PAY_START_URL_SIZE_MAX], want[1024], sign[33];
    size_t          length;
    signer_field_t  fields[SAMPLE_COUNT + 1];

    signer_sign(sample, SAMPLE_COUNT, SAMPLE_KEY, sign);
    EQ_STR(sign, SAMPLE_SIGN, "the sample is signed as published");

    fields[0] = (signer_field_t) { "currency", "cny", 0 };
    memcpy(&fields[1], sample, sizeof(sample));
    fields[1].value = "100.00";
    fields[2].value = "order";
    signer_sign(fields, SAMPLE_COUNT + 1, SAMPLE_KEY, sign);

    (void) snprintf(want, sizeof(want), SUBMIT "?pid=1000&type=alipay"
                    "&out_trade_no=ORD202605230001"
                    "&notify_url=https%%3A%%2F%%2Fmerchant.example%%2Fnotify"
                    "&return_url=https%%3A%%2F%%2Fmerchant.example%%2Freturn"
                    "&name=order&money=100.00&currency=cny"
                    "&sign=%s&sign_type=MD5", sign);

    EQ_INT(channel.protocol->start(crypto, &channel, &start_template, url,
                                   sizeof(url), &length),
           PAY_START_OK, "a payment starts");
    EQ_STR(url, want, "  with the currency in lower case, which is signed");
    EQ_INT(length, strlen(want), "  of this length");
}


static void
test_start_type(void)
{
    char           url[PAY_START_URL_SIZE_MAX];
    size_t         length;
    pay_channel_t  changed;

    changed = channel;
    changed.type = PAY_STR("usdt.tron");
    (void) changed.protocol->start(crypto, &changed, &start_template, url,
                                   sizeof(url), &length);
    OK(strstr(url, "&type=usdt.tron&") != NULL, "a token and its network");

    changed.type = PAY_STR("");
    (void) changed.protocol->start(crypto, &changed, &start_template, url,
                                   sizeof(url), &length);
    OK(strstr(url, "type=&") == NULL && strstr(url, "&currency=cny&") != NULL,
       "without a type the currency is still sent");

    memcpy(changed.currency, "USD", sizeof(changed.currency));
    EQ_INT(channel.protocol->start(crypto, &changed, &start_template, url,
                                   sizeof(url), &length),
           PAY_START_CURRENCY, "an order in another currency does not start");
}


/* --- notices ------------------------------------------------------------- */

static pay_verdict_e
verify_with(const char *name, const char *value, pay_fact_t *fact)
{
    char            raw[SIGNER_RAW_SIZE];
    size_t          i;
    pay_notice_t    notice = { PAY_METHOD_GET, { NULL, 0 }, { NULL, 0 }, 0,
                               NULL, 0 };
    signer_field_t  fields[GENUINE_COUNT];

    memcpy(fields, genuine, sizeof(genuine));

    for (i = 0; i < GENUINE_COUNT; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            fields[i].value = value;
        }
    }

    signer_notice(fields, GENUINE_COUNT, SAMPLE_KEY, raw);
    notice.query = pay_str(raw, strlen(raw));

    return channel.protocol->verify(crypto, &channel, &notice, fact);
}


static void
test_notices(void)
{
    char          raw[SIGNER_RAW_SIZE], sign[33];
    pay_fact_t    fact;
    pay_notice_t  notice = { PAY_METHOD_GET, { NULL, 0 }, { NULL, 0 }, 0,
                             NULL, 0 };

    EQ_INT(verify_with("", "", &fact), PAY_PAID, "a genuine notice pays");
    EQ_INT(fact.amount, 10000, "  100.0000 is so many fen");
    EQ_STR(fact.currency, "CNY", "  of the channel's currency");
    EQ_STR(fact.order_no, "ORD202605230001", "  the order");

    EQ_INT(verify_with("money", "99.9999", &fact), PAY_ODD_AMOUNT,
           "a fraction of a fen is odd");
    EQ_INT(verify_with("money", "1e2", &fact), PAY_AMOUNT, "1e2 is nothing");
    EQ_INT(verify_with("pid", "1001", &fact), PAY_NOT_OURS,
           "another merchant's is not ours");
    EQ_INT(verify_with("trade_status", "WAITING", &fact), PAY_NOT_PAID,
           "what waits is not paid");

    /* Its EPay form is signed like V1, so it is as open to this. */

    signer_sign(sample, SAMPLE_COUNT, SAMPLE_KEY, sign);
    signer_write(sample, SAMPLE_COUNT, sign, raw);
    notice.query = pay_str(raw, strlen(raw));
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_REFLECTED, "a request sent back is no notice");

    notice = (pay_notice_t) { PAY_METHOD_POST, { NULL, 0 },
                              pay_str(raw, strlen(raw)), 0, NULL, 0 };
    channel.allow_post = true;
    EQ_INT(channel.protocol->verify(crypto, &channel, &notice, &fact),
           PAY_METHOD, "POST is refused");
    channel.allow_post = false;
}


/* --- configuration ------------------------------------------------------- */

static void
test_check(void)
{
    char    err[512];
    size_t  i;

    static const struct {
        const char  *pid;
        const char  *type;
        const char  *says;             /* NULL: it is taken */
    } cases[] = {
        { "1000", "", NULL }, { "0", "alipay", NULL },
        { "1000", "usdt.tron", NULL }, { "1000", "usdc.polygon", NULL },
        { "10a0", "", "\"pid\"" }, { "-1", "", "\"pid\"" },
        { "1000-", "", "\"pid\"" }, { "1_0", "", "\"pid\"" },
        { "shop", "", "\"pid\"" }, { "", "", "\"pid\"" },
        { "1000", "usdt tron", "\"type\"" },
        { "1000", "usdt&tron", "\"type\"" },
        { "1000", "usdt.tron.abcdefg", "\"type\"" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pay_channel_t  changed = channel;

        changed.pid = pay_str(cases[i].pid, strlen(cases[i].pid));
        changed.type = pay_str(cases[i].type, strlen(cases[i].type));
        err[0] = '\0';

        EQ_INT(pay_channel_check(&changed, err, sizeof(err)),
               cases[i].says == NULL, "pid \"%s\", type \"%s\": %s",
               cases[i].pid, cases[i].type,
               cases[i].says == NULL ? "taken" : "refused");
        OK(cases[i].says == NULL || strstr(err, cases[i].says) != NULL,
           "  saying: %s", err);
    }
}


int
main(void)
{
    char  err[256];

    crypto = pay_crypto_create(err, sizeof(err));

    channel = (pay_channel_t) {
        .protocol = pay_protocol_find(PAY_STR("epusdt")),
        .name = PAY_STR("epusdt"),
        .url = PAY_STR("https://pay.example"),
        .pid = PAY_STR("1000"),
        .key = PAY_STR(SAMPLE_KEY),
        .type = PAY_STR("alipay"),
        .currency = "CNY"
    };

    test_start();
    test_start_type();
    test_notices();
    test_check();

    pay_crypto_destroy(crypto);

    return tap_done();
}

/*
 * Fuzzes the judgement of EPay V1 notices.  Build with
 * clang -fsanitize=fuzzer,address,undefined; seeds in corpus/epay.
 *
 * The fuzzer does not know the key, so it can only replay the one genuine
 * notice among the seeds, in any order and encoding: whatever is
 * acknowledged must say exactly what that notice says.  To reach what lies
 * behind the signature, the same input is judged a second time with a right
 * signature put behind it; then no verdict may contradict the input.
 */

#include "../../ngx_module/pay/epay_priv.h"
#include "must.h"


static pay_crypto_t   *crypto;
static pay_channel_t   channel;
static unsigned char   decoded[PAY_FORM_INPUT_SIZE_MAX];


static void
set_up(void)
{
    char  err[512];

    crypto = pay_crypto_create(err, sizeof(err));
    MUST(crypto != NULL);

    channel = (pay_channel_t) {
        .protocol = pay_protocol_find(PAY_STR("epay")),
        .name = PAY_STR("epay"),
        .url = PAY_STR("https://pay.example/"),
        .pid = PAY_STR("1001"),
        .key = PAY_STR("k9vT2mXw7QpR4sLz8NcD"),
        .currency = "CNY",
        .allow_post = true
    };

    MUST(pay_channel_check(&channel, err, sizeof(err)));
}


static pay_verdict_e
judge(pay_str_t input, unsigned method, pay_fact_t *fact)
{
    pay_str_t      none;
    pay_notice_t   notice;
    pay_verdict_e  verdict;

    none = pay_str(NULL, 0);
    notice.method = method;
    notice.query = method == PAY_METHOD_GET ? input : none;
    notice.body = method == PAY_METHOD_GET ? none : input;
    notice.now_s = 0;

    memset(fact, 0xaa, sizeof(pay_fact_t));
    verdict = channel.protocol->verify(crypto, &channel, &notice, fact);

    MUST(verdict < PAY_VERDICT_COUNT && verdict != PAY_INTERNAL);
    MUST(memchr(fact->field, '\0', sizeof(fact->field)) != NULL);

    if (pay_verdict_acknowledged(verdict)) {
        MUST(fact->order_no[0] != '\0' && fact->trade_no[0] != '\0');
        MUST(memchr(fact->order_no, '\0', sizeof(fact->order_no)) != NULL);
        MUST(memchr(fact->trade_no, '\0', sizeof(fact->trade_no)) != NULL);
        MUST(fact->amount >= 0 && strcmp(fact->currency, "CNY") == 0);

    } else {
        MUST(fact->order_no[0] == '\0' && fact->trade_no[0] == '\0');
        MUST(fact->amount == 0 && fact->currency[0] == '\0');
    }

    return verdict;
}


/* The key is unknown to the fuzzer: only the seed's own content passes. */

static void
check_forged(pay_str_t input)
{
    pay_fact_t     fact;
    pay_verdict_e  verdict, by_post;

    verdict = judge(input, PAY_METHOD_GET, &fact);

    if (pay_verdict_acknowledged(verdict)) {
        MUST(verdict == PAY_PAID && fact.amount == 990);
        MUST(strcmp(fact.order_no, "01J0000000000000000000000A") == 0);
        MUST(strcmp(fact.trade_no, "2016080622555342651") == 0);
    }

    by_post = judge(input, PAY_METHOD_POST, &fact);
    MUST(by_post == verdict);
}


static void
check_signed(pay_str_t input)
{
    char              raw[PAY_FORM_INPUT_SIZE_MAX + 64];
    int               size;
    pay_str_t         offender;
    pay_fact_t        fact;
    pay_form_t        form;
    char              sign[EPAY_SIGN_SIZE_MAX];
    size_t            sign_size;
    pay_verdict_e     verdict;
    pay_canonical_t   text;

    if (pay_form_parse(&form, input, PAY_FORM_BYTES, decoded,
                       sizeof(decoded), &offender)
            != PAY_FORM_OK
        || form.field_count == 0
        || form.field_count == PAY_FORM_FIELD_COUNT_MAX
        || input.size > PAY_FORM_INPUT_SIZE_MAX - 64
        || pay_form_find(&form, "sign") != NULL
        || pay_form_find(&form, "sign_type") != NULL)
    {
        return;
    }

    pay_canonical(&text, &form, &epay_rules);
    MUST(text.size <= input.size);
    MUST(epay_sign(crypto, &channel, &text, sign, &sign_size)
         && sign_size == PAY_MD5_HEX_SIZE);

    size = snprintf(raw, sizeof(raw), "%.*s&sign=%.32s", (int) input.size,
                    input.data, sign);

    verdict = judge(pay_str(raw, (size_t) size), PAY_METHOD_GET, &fact);
    MUST(verdict != PAY_SIGNATURE && verdict != PAY_UNSIGNED);

    if (pay_form_find(&form, "notify_url") != NULL
        || pay_form_find(&form, "return_url") != NULL
        || pay_form_find(&form, "clientip") != NULL
        || pay_form_find(&form, "device") != NULL)
    {
        MUST(verdict == PAY_REFLECTED);
    }

    if (verdict == PAY_PAID) {
        MUST(pay_str_eq(pay_form_find(&form, "trade_status")->value,
                        PAY_STR("TRADE_SUCCESS")));
        MUST(pay_str_eq(pay_form_find(&form, "pid")->value, channel.pid));
        MUST(pay_str_eq(pay_form_find(&form, "out_trade_no")->value,
                        pay_str(fact.order_no, strlen(fact.order_no))));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (crypto == NULL) {
        set_up();
    }

    check_forged(pay_str(data, size));
    check_signed(pay_str(data, size));

    return 0;
}

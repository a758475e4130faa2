/*
 * Fuzzes the judgement of notices that are signed with RSA: EPay V2 and
 * Alipay.  Build with clang -fsanitize=fuzzer,address,undefined; seeds in
 * corpus/notice.
 *
 * The first byte of the input says which gateway, and what the rest is:
 *
 *     0, 1   a form.  As it is, nobody signed it, and it must be refused;
 *            with a right signature behind it no verdict may contradict it.
 *     2, 3   edits of a genuine notice.  Whatever is still acknowledged must
 *            say exactly what that notice says: other escapes, another order.
 *
 * The gateway's key is made when the program starts and known to nobody.
 */

#include "../../ngx_module/pay/base64.h"
#include "../../ngx_module/pay/canonical.h"
#include "../../ngx_module/pay/pay.h"
#include "must.h"

#include <openssl/evp.h>
#include <openssl/pem.h>


#define NOW_S       1767323045
#define NOW_TEXT    "1767323045"
#define ORDER_NO    "01J0000000000000000000000A"
#define SIGN_SIZE   (3 * PAY_BASE64_SIZE(PAY_RSA_SIGNATURE_SIZE_MAX) + 64)
#define EDITS_MAX   16


typedef struct {
    const char             *protocol;
    const char             *sign_type;
    unsigned                method;
    pay_canonical_rules_t   rules;
    const char             *fields;    /* of the genuine notice */
    pay_channel_t           channel;

    char                    raw[2048];
    size_t                  raw_size;
    pay_fact_t              fact;
} gateway_t;

static gateway_t  gateways[] = {
    {
        .protocol = "epay2", .sign_type = "RSA", .method = PAY_METHOD_GET,
        .rules = { { "sign", "sign_type" }, false },
        .fields = "addtime=2026-01-02+03%3A04%3A00&money=9.90&name=order"
                  "&out_trade_no=" ORDER_NO "&pid=1001&timestamp=" NOW_TEXT
                  "&trade_no=2016080622555342651"
                  "&trade_status=TRADE_SUCCESS&type=alipay"
    },
    {
        .protocol = "alipay", .sign_type = "RSA2", .method = PAY_METHOD_POST,
        .rules = { { "sign", "sign_type" }, true },
        .fields = "app_id=2021000000000001&body="
                  "&gmt_payment=2026-01-02+03%3A04%3A05"
                  "&notify_type=trade_status_sync&out_trade_no=" ORDER_NO
                  "&refund_fee=0.00&seller_id=2088000000000001"
                  "&total_amount=9.90&trade_no=2026010222001424330500000001"
                  "&trade_status=TRADE_SUCCESS"
    }
};

#define GATEWAY_COUNT  (sizeof(gateways) / sizeof(gateways[0]))


static pay_crypto_t   *crypto;
static pay_rsa_t      *own, *gateway_private, *gateway_public;
static unsigned char   decoded[PAY_FORM_INPUT_SIZE_MAX];


/* --- set up -------------------------------------------------------------- */

static void
make_key(pay_rsa_t **private_key, pay_rsa_t **public_key)
{
    BIO       *bio;
    char      *data, err[512];
    long       size;
    EVP_PKEY  *key;

    key = EVP_RSA_gen(PAY_RSA_BITS_MIN);
    bio = BIO_new(BIO_s_mem());
    MUST(key != NULL && bio != NULL);

    MUST(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    size = BIO_get_mem_data(bio, &data);
    *private_key = pay_rsa_private(pay_str(data, (size_t) size), err,
                                   sizeof(err));
    MUST(*private_key != NULL && BIO_reset(bio) == 1);

    if (public_key != NULL) {
        MUST(PEM_write_bio_PUBKEY(bio, key) == 1);
        size = BIO_get_mem_data(bio, &data);
        *public_key = pay_rsa_public(pay_str(data, (size_t) size), err,
                                     sizeof(err));
        MUST(*public_key != NULL);
    }

    BIO_free(bio);
    EVP_PKEY_free(key);
}


/* "&sign=...&sign_type=..." of a form by the gateway's key. */

static size_t
write_sign(const gateway_t *gateway, const pay_form_t *form,
    char out[SIGN_SIZE])
{
    char             sign[PAY_BASE64_SIZE(PAY_RSA_SIGNATURE_SIZE_MAX)];
    size_t           i, size, used;
    pay_str_t        part;
    unsigned char    raw[PAY_RSA_SIGNATURE_SIZE_MAX];
    pay_canonical_t  text;

    pay_canonical(&text, form, &gateway->rules);
    part = pay_str(text.data, text.size);
    MUST(pay_rsa_sign(crypto, gateway_private, &part, 1, raw, &size));
    pay_base64_encode(raw, size, sign);

    used = (size_t) snprintf(out, SIGN_SIZE, "&sign=");

    for (i = 0; i < PAY_BASE64_SIZE(size); i++) {
        used += (size_t) snprintf(out + used, SIGN_SIZE - used, "%%%02X",
                                  (unsigned char) sign[i]);
    }

    return used + (size_t) snprintf(out + used, SIGN_SIZE - used,
                                    "&sign_type=%s", gateway->sign_type);
}


static pay_verdict_e
judge(gateway_t *gateway, pay_str_t input, pay_fact_t *fact)
{
    pay_str_t      none;
    pay_notice_t   notice;
    pay_verdict_e  verdict;

    none = pay_str(NULL, 0);
    notice.method = gateway->method;
    notice.query = notice.method == PAY_METHOD_GET ? input : none;
    notice.body = notice.method == PAY_METHOD_GET ? none : input;
    notice.now_s = NOW_S;

    memset(fact, 0xaa, sizeof(pay_fact_t));
    verdict = gateway->channel.protocol->verify(crypto, &gateway->channel,
                                                &notice, fact);

    MUST(verdict < PAY_VERDICT_COUNT && verdict != PAY_INTERNAL);
    MUST(verdict != PAY_METHOD);
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


static void
set_up(void)
{
    char        err[512];
    size_t      i;
    pay_str_t   offender;
    gateway_t  *gateway;
    pay_form_t  form;

    crypto = pay_crypto_create(err, sizeof(err));
    MUST(crypto != NULL);
    make_key(&own, NULL);
    make_key(&gateway_private, &gateway_public);

    for (i = 0; i < GATEWAY_COUNT; i++) {
        gateway = &gateways[i];
        gateway->channel = (pay_channel_t) {
            .protocol = pay_protocol_find(pay_str(gateway->protocol,
                                              strlen(gateway->protocol))),
            .name = PAY_STR("gateway"),
            .url = PAY_STR("https://pay.example/"),
            .pid = PAY_STR("1001"),
            .app_id = PAY_STR("2021000000000001"),
            .seller_id = PAY_STR("2088000000000001"),
            .private_key = own,
            .public_key = gateway_public,
            .currency = "CNY"
        };

        MUST(pay_channel_check(&gateway->channel, err, sizeof(err)));

        MUST(pay_form_parse(&form, pay_str(gateway->fields,
                                           strlen(gateway->fields)),
                            PAY_FORM_BYTES, decoded, sizeof(decoded),
                            &offender)
             == PAY_FORM_OK);

        gateway->raw_size = (size_t) snprintf(gateway->raw,
                                              sizeof(gateway->raw), "%s",
                                              gateway->fields);
        MUST(sizeof(gateway->raw) - gateway->raw_size > SIGN_SIZE / 2);
        gateway->raw_size += write_sign(gateway, &form,
                                        gateway->raw + gateway->raw_size);

        MUST(judge(gateway, pay_str(gateway->raw, gateway->raw_size),
                   &gateway->fact)
             == PAY_PAID);
    }
}


/* --- a form, signed ------------------------------------------------------ */

static pay_str_t
value(const pay_form_t *form, const char *name)
{
    const pay_field_t  *field;

    field = pay_form_find(form, name);

    return field != NULL ? field->value : pay_str(NULL, 0);
}


static bool
is(const pay_form_t *form, const char *name, const char *text)
{
    return pay_str_eq(value(form, name), pay_str(text, strlen(text)));
}


/* What a paid notice must say, read by the simplest means. */

static void
check_paid_epay2(const pay_form_t *form)
{
    char                digits[11];
    long long           at_s;
    pay_str_t           timestamp;
    static const char  *request_names[] = {
        "notify_url", "return_url", "clientip", "device"
    };

    for (size_t i = 0; i < 4; i++) {
        MUST(pay_form_find(form, request_names[i]) == NULL);
    }

    MUST(is(form, "trade_status", "TRADE_SUCCESS"));
    MUST(is(form, "pid", "1001"));

    timestamp = value(form, "timestamp");
    MUST(timestamp.size == 10);
    memcpy(digits, timestamp.data, 10);
    digits[10] = '\0';
    MUST(strspn(digits, "0123456789") == 10);
    at_s = strtoll(digits, NULL, 10);
    MUST(at_s >= NOW_S - 300 && at_s <= NOW_S + 300);
}


static void
check_paid_alipay(const pay_form_t *form)
{
    char       text[PAY_FORM_VALUE_SIZE_MAX + 1];
    pay_str_t  fee;

    MUST(is(form, "trade_status", "TRADE_SUCCESS")
         || is(form, "trade_status", "TRADE_FINISHED"));
    MUST(is(form, "app_id", "2021000000000001"));
    MUST(is(form, "seller_id", "2088000000000001"));
    MUST(is(form, "notify_type", "trade_status_sync"));
    MUST(value(form, "gmt_payment").size > 0);
    MUST(value(form, "gmt_refund").size == 0);

    fee = value(form, "refund_fee");

    if (fee.size > 0) {
        memcpy(text, fee.data, fee.size);
        text[fee.size] = '\0';
        MUST(strspn(text, "0.") == fee.size);
    }
}


/* Could the string that was signed be split into fields that count? */

static bool
has_two_readings(const pay_form_t *form)
{
    char    value[PAY_FORM_VALUE_SIZE_MAX + 1];
    size_t  i, j, name;

    static const char *const  names[] = {
        "&out_trade_no=", "&trade_no=", "&money=", "&total_amount=",
        "&trade_status=", "&gmt_refund=", "&refund_fee="
    };

    for (i = 0; i < form->field_count; i++) {
        for (j = 0; j < form->fields[i].value.size; j++) {
            value[j] = (char) form->fields[i].value.data[j];
            value[j] = value[j] == '\0' ? '?' : value[j];
        }

        value[j] = '\0';

        for (name = 0; name < sizeof(names) / sizeof(names[0]); name++) {
            if (strstr(value, names[name]) != NULL) {
                return true;
            }
        }
    }

    return false;
}


static void
check_form(gateway_t *gateway, pay_str_t input)
{
    char           raw[PAY_FORM_INPUT_SIZE_MAX + SIGN_SIZE];
    size_t         size;
    pay_str_t      offender;
    pay_fact_t     fact;
    pay_form_t     form;
    pay_verdict_e  verdict;

    verdict = judge(gateway, input, &fact);
    MUST(!pay_verdict_acknowledged(verdict));

    if (input.size > PAY_FORM_INPUT_SIZE_MAX - SIGN_SIZE
        || pay_form_parse(&form, input, PAY_FORM_BYTES, decoded,
                          sizeof(decoded), &offender)
           != PAY_FORM_OK
        || form.field_count == 0
        || form.field_count > PAY_FORM_FIELD_COUNT_MAX - 2
        || pay_form_find(&form, "sign") != NULL
        || pay_form_find(&form, "sign_type") != NULL)
    {
        return;
    }

    memcpy(raw, input.data, input.size);
    size = input.size + write_sign(gateway, &form, raw + input.size);
    verdict = judge(gateway, pay_str(raw, size), &fact);

    MUST(verdict != PAY_SIGNATURE && verdict != PAY_UNSIGNED);
    MUST(verdict != PAY_ALGORITHM && verdict != PAY_DUPLICATE);
    MUST((verdict == PAY_MALFORMED) == has_two_readings(&form));

    if (pay_verdict_acknowledged(verdict)) {
        MUST(is(&form, "out_trade_no", fact.order_no));
        MUST(is(&form, "trade_no", fact.trade_no));
    }

    if (verdict == PAY_PAID || verdict == PAY_ODD_AMOUNT) {
        if (gateway == &gateways[0]) {
            check_paid_epay2(&form);
        } else {
            check_paid_alipay(&form);
        }
    }
}


/* --- a genuine notice, edited -------------------------------------------- */

static size_t
edit(char *raw, size_t size, size_t at, unsigned what, char byte)
{
    char  copy[sizeof(gateways[0].raw) + EDITS_MAX];

    switch (what % 4) {

    case 0:                                              /* another byte */
        raw[at] = byte;
        return size;

    case 1:                                              /* one more */
        memmove(raw + at + 1, raw + at, size - at);
        raw[at] = byte;
        return size + 1;

    case 2:                                              /* one less */
        memmove(raw + at, raw + at + 1, size - at - 1);
        return size - 1;

    default:                                   /* the fields turned round */
        while (at > 0 && raw[at] != '&') {
            at--;
        }

        if (at > 0) {
            memcpy(copy, raw + at + 1, size - at - 1);
            copy[size - at - 1] = '&';
            memcpy(copy + size - at, raw, at);
            memcpy(raw, copy, size);
        }

        return size;
    }
}


static void
check_edited(gateway_t *gateway, fuzz_input_t *in)
{
    char           raw[sizeof(gateway->raw) + EDITS_MAX];
    size_t         i, at, size;
    unsigned       what;
    pay_fact_t     fact;
    pay_verdict_e  verdict;

    size = gateway->raw_size;
    memcpy(raw, gateway->raw, size);

    for (i = 0; i < EDITS_MAX && in->size > 0; i++) {
        at = fuzz_take(in, 2) % size;
        what = (unsigned) fuzz_take(in, 1);
        size = edit(raw, size, at, what, (char) fuzz_take(in, 1));
    }

    verdict = judge(gateway, pay_str(raw, size), &fact);

    if (pay_verdict_acknowledged(verdict)) {
        MUST(verdict == PAY_PAID);
        MUST(strcmp(fact.order_no, gateway->fact.order_no) == 0);
        MUST(strcmp(fact.trade_no, gateway->fact.trade_no) == 0);
        MUST(fact.amount == gateway->fact.amount);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t      first;
    gateway_t    *gateway;
    fuzz_input_t  in = { data, size };

    if (crypto == NULL) {
        set_up();
    }

    first = fuzz_take(&in, 1);
    gateway = &gateways[first % GATEWAY_COUNT];

    if (first & 2) {
        check_edited(gateway, &in);
    } else {
        check_form(gateway, pay_str(in.data, in.size));
    }

    return 0;
}

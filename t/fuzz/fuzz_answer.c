/*
 * Fuzzes what replies prove, and the notices that are JSON.  Build with clang
 * -fsanitize=fuzzer,address,undefined; seeds in corpus/answer.
 *
 * The first byte of the input says which protocol, the second which question;
 * the rest is the body.  Nobody signed it, so where replies are signed every
 * answer is UNKNOWN; where they are not, an answer about a payment must say
 * what the body says.  As a notice it must be refused, and with a right
 * signature put behind its members no verdict may contradict them.
 */

#include "../../ngx_module/pay/alipay_priv.h"
#include "../../ngx_module/pay/usdt_priv.h"
#include "must.h"

#include <openssl/evp.h>
#include <openssl/pem.h>


#define ORDER_NO  "01J0000000000000000000000A"
#define KEY       "k9vT2mXw7QpR4sLz8NcD"


typedef struct {
    const char     *protocol;
    bool            is_signed;         /* its replies */
    bool            is_json;           /* its notices */
    pay_channel_t   channel;
} way_t;

static way_t  ways[] = {
    { "alipay", true, false, { 0 } },
    { "epay2", true, false, { 0 } },
    { "epay", false, false, { 0 } },
    { "gmpay", false, true, { 0 } },
    { "bepusdt", false, true, { 0 } }
};

#define WAY_COUNT  (sizeof(ways) / sizeof(ways[0]))


static pay_crypto_t      *crypto;
static pay_members_t      members;
static pay_json_token_t   tokens[PAY_REPLY_TOKEN_COUNT_MAX];


static pay_rsa_t *
make_key(void)
{
    BIO        *bio;
    char       *data, err[512];
    long        size;
    EVP_PKEY   *key;
    pay_rsa_t  *rsa;

    key = EVP_RSA_gen(PAY_RSA_BITS_MIN);
    bio = BIO_new(BIO_s_mem());
    MUST(key != NULL && bio != NULL && PEM_write_bio_PUBKEY(bio, key) == 1);
    size = BIO_get_mem_data(bio, &data);
    rsa = pay_rsa_public(pay_str(data, (size_t) size), err, sizeof(err));
    MUST(rsa != NULL);
    BIO_free(bio);
    EVP_PKEY_free(key);

    return rsa;
}


static void
set_up(void)
{
    char        err[512];
    size_t      i;
    pay_rsa_t  *key;

    crypto = pay_crypto_create(err, sizeof(err));
    MUST(crypto != NULL);
    key = make_key();

    for (i = 0; i < WAY_COUNT; i++) {
        ways[i].channel = (pay_channel_t) {
            .protocol = pay_protocol_find(pay_text(ways[i].protocol)),
            .name = PAY_STR("way"),
            .url = PAY_STR("https://pay.example/"),
            .pid = PAY_STR("1001"),
            .app_id = PAY_STR("2021000000000001"),
            .seller_id = PAY_STR("2088000000000001"),
            .key = PAY_STR(KEY),
            .public_key = key,
            .hash = { .hash = PAY_HASH_MD5 },
            .currency = "CNY"
        };
    }
}


/* --- replies ------------------------------------------------------------- */

static void
check_reply(const way_t *way, pay_ask_e what, pay_str_t body)
{
    char           text[PAY_ADDRESS_SIZE_MAX + 1];
    size_t         size;
    pay_ask_t      question;
    pay_reply_t    reply;
    pay_answer_t   answer;
    unsigned char  started[PAY_STARTED_SIZE_MAX];

    question = (pay_ask_t) {
        .what = what, .order_no = PAY_STR(ORDER_NO), .amount = 990,
        .currency = "CNY", .ref = PAY_STR("20260523171652123456001"),
        .refund_no = PAY_STR("R-000001"), .refund_amount = 100,
        .paid_amount = 990, .now_s = 1767323045, .expires_s = 1767323945
    };

    memset(&reply, 0, sizeof(reply));
    reply.status = 200;
    reply.body = body;
    reply.now_s = question.now_s;

    memset(&answer, 0xaa, sizeof(answer));
    way->channel.protocol->answer(crypto, &way->channel, &question, &reply,
                                  &answer);

    MUST(answer.code < PAY_ANSWER_COUNT);
    MUST(memchr(answer.detail, '\0', sizeof(answer.detail)) != NULL);

    for (size = 0; answer.detail[size] != '\0'; size++) {
        MUST(pay_class[(unsigned char) answer.detail[size]]
             & PAY_CLASS_QUERY);
    }

    if (way->is_signed) {
        MUST(answer.code == PAY_ANSWER_UNKNOWN);
    }

    if (answer.code == PAY_ANSWER_PAID
        || answer.code == PAY_ANSWER_ODD_AMOUNT)
    {
        MUST(what == PAY_ASK_QUERY);
        MUST(strcmp(answer.fact.order_no, ORDER_NO) == 0);
        MUST(answer.fact.trade_no[0] != '\0' && answer.fact.amount >= 0);
        MUST(strcmp(answer.fact.currency, "CNY") == 0);
        MUST(strcmp(way->protocol, "epay") == 0);

    } else {
        MUST(answer.fact.order_no[0] == '\0' && answer.fact.amount == 0);
    }

    if (answer.code == PAY_ANSWER_STARTED) {
        MUST(what == PAY_ASK_START);
        MUST(pay_started_write(&answer.started, started, &size));
        (void) snprintf(text, sizeof(text), "%s", answer.started.address);
        MUST(strncmp(text, "http", 4) == 0);

    } else {
        MUST(answer.started.address[0] == '\0');
    }
}


/* --- notices ------------------------------------------------------------- */

static pay_verdict_e
judge(const way_t *way, pay_str_t body, pay_fact_t *fact)
{
    pay_verdict_e  verdict;
    pay_notice_t   notice;

    memset(&notice, 0, sizeof(notice));
    notice.method = PAY_METHOD_POST;
    notice.body = body;

    memset(fact, 0xaa, sizeof(pay_fact_t));
    verdict = way->channel.protocol->verify(crypto, &way->channel, &notice,
                                            fact);
    MUST(verdict < PAY_VERDICT_COUNT && verdict != PAY_INTERNAL);

    if (!pay_verdict_acknowledged(verdict)) {
        MUST(fact->order_no[0] == '\0' && fact->trade_no[0] == '\0');
        MUST(fact->amount == 0 && fact->currency[0] == '\0');
    }

    return verdict;
}


static void
check_notice(const way_t *way, pay_str_t body)
{
    char             raw[PAY_JSON_SIZE_MAX + 64];
    char             sign[PAY_HASH_HEX_SIZE_MAX];
    size_t           size, sign_size;
    pay_fact_t       fact;
    pay_verdict_e    verdict;
    pay_canonical_t  text;

    MUST(!pay_verdict_acknowledged(judge(way, body, &fact)));

    if (body.size > PAY_JSON_SIZE_MAX - 64
        || pay_json_read(body, tokens, PAY_REPLY_TOKEN_COUNT_MAX - 2, NULL)
           != PAY_JSON_OK
        || !pay_members_read(&tokens[0], PAY_MEMBERS_OF_GO, &members)
        || members.form.field_count == 0
        || members.form.field_count == PAY_FORM_FIELD_COUNT_MAX
        || members.size > PAY_FORM_INPUT_SIZE_MAX - 64
        || pay_form_find(&members.form, "signature") != NULL)
    {
        return;
    }

    pay_canonical(&text, &members.form, &usdt_rules);
    MUST(pay_hash_sign(crypto, &ways[3].channel.hash, PAY_STR(KEY),
                       pay_str(text.data, text.size), sign, &sign_size));

    size = (size_t) (tokens[0].raw.data - body.data) + tokens[0].raw.size - 1;
    memcpy(raw, body.data, size);
    size += (size_t) snprintf(raw + size, sizeof(raw) - size,
                              ",\"signature\":\"%.32s\"}", sign);

    verdict = judge(way, pay_str(raw, size), &fact);
    MUST(verdict != PAY_SIGNATURE && verdict != PAY_UNSIGNED);

    if (verdict == PAY_PAID || verdict == PAY_ODD_AMOUNT) {
        MUST(pay_str_eq(pay_notice_value(&members.form, "status"),
                        PAY_STR("2")));
        MUST(pay_str_eq(pay_notice_value(&members.form, "order_id"),
                        pay_text(fact.order_no)));
        MUST(pay_str_eq(pay_notice_value(&members.form, "trade_id"),
                        pay_text(fact.trade_no)));
        MUST(pay_form_find(&members.form, "notify_url") == NULL);
        MUST(way == &ways[4]
             || pay_str_eq(pay_notice_value(&members.form, "pid"),
                           PAY_STR("1001")));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned       what;
    const way_t   *way;
    fuzz_input_t   in = { data, size };

    if (crypto == NULL) {
        set_up();
    }

    way = &ways[fuzz_take(&in, 1) % WAY_COUNT];
    what = (unsigned) fuzz_take(&in, 1) % (PAY_ASK_COUNT + 1);

    if (what == PAY_ASK_COUNT) {
        if (way->is_json) {
            check_notice(way, pay_str(in.data, in.size));
        }

    } else if (way->channel.protocol->asks & (1u << what)) {
        check_reply(way, (pay_ask_e) what, pay_str(in.data, in.size));
    }

    return 0;
}

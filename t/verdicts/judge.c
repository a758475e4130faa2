/*
 * What our verifiers say of notices, for t/17-sdk-verdicts.t: one channel of
 * each gateway, notices in, a line for each out.
 *
 *     judge DIR NOW_S
 *
 * The keys are the files of DIR that verdicts.js writes.  A notice is a number
 * of parts and the parts, each behind its size, all numbers 32 bits, little-
 * endian: the channel's protocol, the body, and a name and a value for each
 * header.  The line is "VERDICT FIELD ORDER_NO TRADE_NO AMOUNT CURRENCY", with
 * "-" for what is empty.
 */

#include "../../ngx_module/pay/pay.h"

#include <stdio.h>
#include <stdlib.h>


#define PARTS_MAX      (2 + 2 * PAY_HEADERS_MAX)
#define TEXTS_SIZE     (1024 * 1024)
#define FILE_SIZE_MAX  8192


static const char     *dir;
static pay_crypto_t   *crypto;
static unsigned char   texts[TEXTS_SIZE];


static void
fail(const char *what)
{
    (void) fprintf(stderr, "judge: %s\n", what);
    exit(EXIT_FAILURE);
}


static pay_str_t
file(const char *name)
{
    char    path[1024];
    FILE   *in;
    char   *content;
    size_t  size;

    (void) snprintf(path, sizeof(path), "%s/%s", dir, name);
    in = fopen(path, "r");
    content = malloc(FILE_SIZE_MAX);

    if (in == NULL || content == NULL) {
        fail(path);
    }

    size = fread(content, 1, FILE_SIZE_MAX, in);
    (void) fclose(in);

    return pay_str(content, size);
}


static pay_rsa_t *
key(const char *name, bool is_private)
{
    char        err[256];
    pay_rsa_t  *rsa;

    rsa = (is_private ? pay_rsa_private : pay_rsa_public)(file(name), err,
                                                          sizeof(err));
    if (rsa == NULL) {
        fail(err);
    }

    return rsa;
}


static pay_channel_t
channel_of(const char *protocol)
{
    return (pay_channel_t) {
        .protocol = pay_protocol_find(pay_text(protocol)),
        .name = pay_text(protocol),
        .url = PAY_STR("https://gateway.example/"),
        .currency = "CNY"
    };
}


static size_t
channels_make(pay_channel_t channels[3])
{
    size_t          i;
    char            err[512];
    pay_channel_t  *alipay, *wechat, *stripe;

    alipay = &channels[0];
    *alipay = channel_of("alipay");
    alipay->app_id = PAY_STR("2021000000000001");
    alipay->seller_id = PAY_STR("2088000000000001");
    alipay->private_key = key("own.key", true);
    alipay->public_key = key("gateway.pub", false);
    alipay->public_key_previous = key("previous.pub", false);

    wechat = &channels[1];
    *wechat = channel_of("wechat");
    wechat->url = PAY_STR("https://gateway.example");
    wechat->mchid = PAY_STR("1900000001");
    wechat->app_id = PAY_STR("wx0123456789abcdef");
    wechat->serial = PAY_STR("5157F09EFDC096DE15EBE81A47057A7232F1B8E1");
    wechat->key = file("apiv3.key");
    wechat->key_previous = file("apiv3-previous.key");
    wechat->private_key = key("own.key", true);
    wechat->public_key = key("gateway.pub", false);
    wechat->public_key_id = PAY_STR("PUB_KEY_ID_0119000000012024");
    wechat->certificates[0].key = key("previous.pub", false);
    (void) snprintf(wechat->certificates[0].serial,
                    sizeof(wechat->certificates[0].serial),
                    "0A57F09EFDC096DE15EBE81A47057A7232F1B8E1");

    stripe = &channels[2];
    *stripe = channel_of("stripe");
    stripe->url = PAY_STR("https://gateway.example");
    stripe->key = file("webhook.key");
    stripe->key_previous = file("webhook-previous.key");
    stripe->api_key = PAY_STR("sk_test_51abcDEFghiJKLmno");

    for (i = 0; i < 3; i++) {
        if (!pay_channel_check(&channels[i], err, sizeof(err))) {
            fail(err);
        }
    }

    return 3;
}


/* false: the input ends here. */

static bool
read_number(uint32_t *number)
{
    size_t         size;
    unsigned char  bytes[4];

    size = fread(bytes, 1, sizeof(bytes), stdin);

    if (size == 0) {
        return false;
    }

    if (size != sizeof(bytes)) {
        fail("a number is cut");
    }

    *number = bytes[0] | (uint32_t) bytes[1] << 8 | (uint32_t) bytes[2] << 16
              | (uint32_t) bytes[3] << 24;

    return true;
}


/* The number of parts, 0 at the end of the input. */

static uint32_t
read_parts(pay_str_t parts[PARTS_MAX])
{
    size_t    used;
    uint32_t  i, count, size;

    if (!read_number(&count)) {
        return 0;
    }

    if (count < 2 || count % 2 != 0 || count > PARTS_MAX) {
        fail("a notice has no such number of parts");
    }

    for (i = 0, used = 0; i < count; i++) {
        if (!read_number(&size)
            || size > TEXTS_SIZE - used
            || fread(texts + used, 1, size, stdin) != size)
        {
            fail("a notice is cut");
        }

        parts[i] = pay_str(texts + used, size);
        used += size;
    }

    return count;
}


static void
judge(const pay_channel_t *channel, const pay_str_t *parts, uint32_t count,
    int64_t now_s)
{
    uint32_t       i;
    pay_fact_t     fact;
    pay_header_t   headers[PAY_HEADERS_MAX];
    pay_notice_t   notice;
    pay_verdict_e  verdict;

    for (i = 2; i < count; i += 2) {
        headers[i / 2 - 1] = (pay_header_t) { parts[i], parts[i + 1] };
    }

    notice = (pay_notice_t) { PAY_METHOD_POST, pay_str(NULL, 0), parts[1],
                              now_s, headers, count / 2 - 1 };
    verdict = channel->protocol->verify(crypto, channel, &notice, &fact);

    (void) printf("%s %s %s %s %lld %s\n", pay_verdict_word(verdict),
                  fact.field[0] ? fact.field : "-",
                  fact.order_no[0] ? fact.order_no : "-",
                  fact.trade_no[0] ? fact.trade_no : "-",
                  (long long) fact.amount,
                  fact.currency[0] ? fact.currency : "-");
}


int
main(int argc, char **argv)
{
    char            err[256];
    size_t          i, channel_count;
    int64_t         now_s;
    uint32_t        count;
    pay_str_t       parts[PARTS_MAX];
    pay_channel_t   channels[3];

    if (argc != 3) {
        fail("DIR and NOW_S are missing");
    }

    (void) setvbuf(stdout, NULL, _IOLBF, BUFSIZ);

    dir = argv[1];
    now_s = strtoll(argv[2], NULL, 10);
    crypto = pay_crypto_create(err, sizeof(err));

    if (crypto == NULL) {
        fail(err);
    }

    channel_count = channels_make(channels);

    while ((count = read_parts(parts)) != 0) {

        for (i = 0; i < channel_count; i++) {
            if (pay_str_eq(parts[0], channels[i].name)) {
                break;
            }
        }

        if (i == channel_count) {
            fail("a notice for no channel");
        }

        judge(&channels[i], parts, count, now_s);
    }

    return EXIT_SUCCESS;
}

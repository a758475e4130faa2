/*
 * Questions to gateways: what all protocols share.  A header is found only if
 * there is no doubt about it; a started payment comes back as it was written;
 * and no key goes over the network in clear.
 */

#include "../../ngx_module/pay/pay.h"

#include "tap.h"


static pay_header_t
header(const char *name, const char *value)
{
    return (pay_header_t) { pay_text(name), pay_text(value) };
}


static void
test_headers(void)
{
    pay_str_t     value;
    pay_header_t  headers[4];

    headers[0] = header("Date", "now");
    headers[1] = header("WECHATPAY-Serial", "A");
    headers[2] = header("Wechatpay_Serial", "B");
    headers[3] = header("wechatpay-serial", "C");

    OK(pay_header_find(headers, 3, "wechatpay-serial", &value),
       "a header is found in any letter case");
    EQ_MEM(value.data, value.size, "A", 1, "  not the one with \"_\"");
    OK(!pay_header_find(headers, 4, "wechatpay-serial", &value),
       "given twice, there is none");
    OK(!pay_header_find(headers, 4, "wechatpay", &value), "a part is none");
    OK(!pay_header_find(NULL, 0, "date", &value), "none of none");
    EQ_INT(pay_header_count(headers, 4, "wechatpay-serial"), 2,
           "a header given twice is counted twice");
    EQ_INT(pay_header_count(headers, 3, "wechatpay_serial"), 1,
           "  not those of another name");
    EQ_INT(pay_header_count(headers, 4, "x"), 0, "  none is none");
}


static void
test_started(void)
{
    size_t         size;
    unsigned char  text[PAY_STARTED_SIZE_MAX];
    pay_started_t  started, back;

    memset(&started, 0, sizeof(started));
    started.by = PAY_BY_QR;
    strcpy(started.address, "weixin://wxpay/bizpayurl?pr=p4lpSuKzz");

    OK(pay_started_write(&started, text, &size), "a payment by QR code");
    EQ_MEM(text, size, "qr - weixin://wxpay/bizpayurl?pr=p4lpSuKzz",
           strlen("qr - weixin://wxpay/bizpayurl?pr=p4lpSuKzz"), "  as text");
    OK(pay_started_read(&back, pay_str(text, size)), "  and back");
    EQ_MEM(&back, sizeof(back), &started, sizeof(started), "  the same");

    started.by = PAY_BY_REDIRECT;
    memset(started.ref, 'r', PAY_REF_SIZE_MAX);
    memset(started.address, 'a', PAY_ADDRESS_SIZE_MAX);

    OK(pay_started_write(&started, text, &size), "the longest");
    OK(pay_started_read(&back, pay_str(text, size)), "  comes back");
    EQ_MEM(&back, sizeof(back), &started, sizeof(started), "  the same");

    started.address[0] = '\0';
    OK(!pay_started_write(&started, text, &size), "no address is refused");
    strcpy(started.address, "weixin:// x");
    OK(!pay_started_write(&started, text, &size), "a blank is refused");
    strcpy(started.address, "weixin://\xc3\xa4");
    OK(!pay_started_write(&started, text, &size), "so is other than ASCII");
}


static void
test_started_hostile(void)
{
    size_t                    i;
    pay_started_t             back;
    char                      text[PAY_STARTED_SIZE_MAX + 64];
    static const char *const  texts[] = {
        "", " ", "qr", "qr -", "qr - ", "qr  weixin://", "form - a", "QR - a",
        "qr - a b", "redirect - a\n", " qr - a", "qr \x80 a"
    };

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        OK(!pay_started_read(&back, pay_text(texts[i])), "refused: text %zu",
           i);
    }

    (void) snprintf(text, sizeof(text), "qr %0*d a", PAY_REF_SIZE_MAX + 1, 0);
    OK(!pay_started_read(&back, pay_text(text)), "a ref too long");
    (void) snprintf(text, sizeof(text), "qr - %0*d", PAY_ADDRESS_SIZE_MAX + 1,
                    0);
    OK(!pay_started_read(&back, pay_text(text)), "an address too long");
}


static void
test_asks(void)
{
    size_t                  i;
    pay_channel_t           channel;
    static pay_protocol_t   protocol;
    static const struct {
        const char  *url;
        unsigned     asks;
    } urls[] = {
        { "https://api.example/", 0x3 },
        { "https://api.example", 0x3 },
        { "http://127.0.0.1:8081/", 0x3 },
        { "http://127.0.0.1", 0x3 },
        { "http://[::1]:80/x", 0x3 },
        { "http://localhost/", 0x3 },
        { "http://api.example/", 0 },
        { "http://127.0.0.1.example/", 0 },
        { "http://localhost.example/", 0 },
        { "http://127.0.0.2/", 0 },
        { "http://", 0 },
        { "ftp://127.0.0.1/", 0 },
        { "", 0 }
    };

    protocol.asks = 0x3;
    memset(&channel, 0, sizeof(channel));
    channel.protocol = &protocol;

    for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        channel.url = pay_text(urls[i].url);
        EQ_INT(pay_channel_asks(&channel), urls[i].asks, "asked at \"%s\"",
               urls[i].url);
    }
}


static void
test_words(void)
{
    unsigned  i;

    for (i = 0; i < PAY_ASK_COUNT; i++) {
        OK(strlen(pay_ask_word(i)) != 0, "question %s", pay_ask_word(i));
    }

    for (i = 0; i < PAY_ANSWER_COUNT; i++) {
        OK(strlen(pay_answer_word(i)) != 0, "answer %s", pay_answer_word(i));
    }
}


int
main(void)
{
    test_headers();
    test_started();
    test_started_hostile();
    test_asks();
    test_words();

    return tap_done();
}

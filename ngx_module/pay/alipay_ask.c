/*
 * Alipay: what is asked.
 *
 * One address for all: the fields of the protocol stand in the query and
 * biz_content, what the call is about, in the body.  Both are signed.
 */

#include "alipay_priv.h"

#include <assert.h>
#include <stdio.h>


static bool write_biz(const pay_channel_t *channel, const pay_ask_t *question,
    char biz[ALIPAY_BIZ_SIZE]);


static const char *const  methods[PAY_ASK_COUNT] = {
    [PAY_ASK_START] = "alipay.trade.precreate",
    [PAY_ASK_QUERY] = "alipay.trade.query",
    [PAY_ASK_CLOSE] = "alipay.trade.close",
    [PAY_ASK_REFUND] = "alipay.trade.refund",
    [PAY_ASK_REFUND_QUERY] = "alipay.trade.fastpay.refund.query"
};


const char *
alipay_method(pay_ask_e what)
{
    assert(what < PAY_ASK_COUNT);

    return methods[what];
}


bool
alipay_ask(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, unsigned char *buffer, pay_request_t *request)
{
    char            sign[PAY_BASE64_SIZE(PAY_RSA_SIGNATURE_SIZE_MAX)];
    size_t          i, from, sign_size;
    pay_url_t       writer;
    pay_form_t      form;
    pay_field_t    *field;
    alipay_texts_t  texts;

    memset(request, 0, sizeof(pay_request_t));

    if (!write_biz(channel, question, texts.biz)) {
        return false;
    }

    /* A close is told of, too, to the payment's own address. */

    alipay_time(texts.timestamp, question->now_s);
    alipay_fill(&form, channel, alipay_method(question->what), &texts,
                question->what == PAY_ASK_START ? question->notify_url
                                                : pay_str(NULL, 0),
                pay_str(NULL, 0));

    if (!alipay_sign(crypto, channel, &form, sign, &sign_size)) {
        return false;
    }

    pay_url_begin(&writer, (char *) buffer, PAY_REQUEST_SIZE_MAX);
    pay_url_text(&writer, pay_url_path(channel->url));
    pay_url_text(&writer, PAY_STR("?"));

    for (i = 0; i < form.field_count; i++) {
        field = &form.fields[i];

        if (!pay_str_eq(field->name, PAY_STR("biz_content"))) {
            pay_url_text(&writer, field->name);
            pay_url_text(&writer, PAY_STR("="));
            pay_url_encoded(&writer, field->value);
            pay_url_text(&writer, PAY_STR("&"));
        }
    }

    pay_url_text(&writer, PAY_STR("sign="));
    pay_url_encoded(&writer, pay_str(sign, sign_size));
    request->target = pay_url_since(&writer, 0);

    from = writer.size;
    pay_url_text(&writer, PAY_STR("biz_content="));
    pay_url_encoded(&writer, pay_text(texts.biz));
    request->body = pay_url_since(&writer, from);

    request->method = "POST";
    request->headers = PAY_STR("Content-Type: application/x-www-form-"
                               "urlencoded;charset=utf-8\r\n"
                               "Accept: application/json\r\n");

    return !writer.full;
}


static bool
write_biz(const pay_channel_t *channel, const pay_ask_t *question,
    char biz[ALIPAY_BIZ_SIZE])
{
    int   size;
    char  money[PAY_MONEY_TEXT_SIZE_MAX];

    const int    order_no_size = (int) question->order_no.size;
    const int    trade_no_size = (int) question->trade_no.size;
    const int    refund_no_size = (int) question->refund_no.size;
    const char  *order_no = (const char *) question->order_no.data;
    const char  *trade_no = (const char *) question->trade_no.data;
    const char  *refund_no = (const char *) question->refund_no.data;

    if (!pay_ask_check(channel, question, "", money)) {
        return false;
    }

    /* What goes back is one payment, not whatever the order had. */

    if ((question->what == PAY_ASK_REFUND
         || question->what == PAY_ASK_REFUND_QUERY)
        && !pay_is_plain_id(question->trade_no, PAY_TRADE_NO_SIZE_MAX, ""))
    {
        return false;
    }

    switch (question->what) {

    case PAY_ASK_START:
        return alipay_product(channel)->is_call
               && pay_is_plain_url(question->notify_url, PAY_BASE_URL_SIZE_MAX)
               && alipay_start_biz(channel, question->order_no, money,
                                   question->now_s, question->expires_s, biz);

    case PAY_ASK_REFUND:
        size = snprintf(biz, ALIPAY_BIZ_SIZE,
                        "{\"trade_no\":\"%.*s\",\"refund_amount\":\"%s\","
                        "\"out_request_no\":\"%.*s\"}", trade_no_size,
                        trade_no, money, refund_no_size, refund_no);
        break;

    case PAY_ASK_REFUND_QUERY:
        size = snprintf(biz, ALIPAY_BIZ_SIZE,
                        "{\"trade_no\":\"%.*s\","
                        "\"out_request_no\":\"%.*s\"}", trade_no_size,
                        trade_no, refund_no_size, refund_no);
        break;

    default:
        size = snprintf(biz, ALIPAY_BIZ_SIZE, "{\"out_trade_no\":\"%.*s\"}",
                        order_no_size, order_no);
    }

    return size > 0 && size < ALIPAY_BIZ_SIZE;
}

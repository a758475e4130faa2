/*
 * EPay: what is asked.
 *
 *     V1   GET  api.php?act=order&pid=&key=&out_trade_no=
 *          POST api.php?act=refund, a form: pid key out_trade_no money
 *     V2   POST api/pay/query, close, refund: forms that are signed as the
 *          redirect is
 *
 * V2's api/pay/refundquery is not asked: of a refund that it does not know it
 * tells by an unsigned refusal, which proves nothing, while the refund itself
 * may be asked for again under the same out_refund_no, once the first has an
 * end: until then the gateway has no record of it.
 *
 * V1 shows the key itself, and so goes over TLS or stays on this machine.
 */

#include "epay_priv.h"

#include "asking.h"
#include "start.h"
#include "url.h"

#include <inttypes.h>
#include <stdio.h>


#define TIMESTAMP_SIZE  24


static bool ask_v1(const pay_channel_t *channel, const pay_ask_t *question,
    const char *money, pay_url_t *writer, pay_request_t *request);
static bool ask_v2(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, const char *money, pay_url_t *writer,
    pay_request_t *request);
static void write_path(const pay_channel_t *channel, const char *path,
    pay_url_t *writer);
static void write_key(const pay_channel_t *channel, pay_url_t *writer);


static const char *const  v2_paths[PAY_ASK_COUNT] = {
    [PAY_ASK_QUERY] = "/api/pay/query",
    [PAY_ASK_CLOSE] = "/api/pay/close",
    [PAY_ASK_REFUND] = "/api/pay/refund"
};


bool
epay_ask(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, unsigned char *buffer, pay_request_t *request)
{
    char       money[PAY_MONEY_TEXT_SIZE_MAX];
    pay_url_t  writer;

    memset(request, 0, sizeof(pay_request_t));

    if (!pay_ask_check(channel, question, ".|", money)) {
        return false;
    }

    request->method = "POST";
    request->headers = PAY_STR("Content-Type: application/x-www-form-"
                               "urlencoded\r\n"
                               "Accept: application/json\r\n");
    pay_url_begin(&writer, (char *) buffer, PAY_REQUEST_SIZE_MAX);

    return epay_dialect(channel)->is_rsa
           ? ask_v2(crypto, channel, question, money, &writer, request)
           : ask_v1(channel, question, money, &writer, request);
}


static bool
ask_v1(const pay_channel_t *channel, const pay_ask_t *question,
    const char *money, pay_url_t *writer, pay_request_t *request)
{
    size_t  from;

    if (question->what == PAY_ASK_QUERY) {
        write_path(channel, "/api.php?act=order&", writer);
        write_key(channel, writer);
        pay_url_text(writer, PAY_STR("&out_trade_no="));
        pay_url_encoded(writer, question->order_no);

        request->method = "GET";
        request->headers = PAY_STR("Accept: application/json\r\n");
        request->target = pay_url_since(writer, 0);

        return !writer->full;
    }

    write_path(channel, "/api.php?act=refund", writer);
    request->target = pay_url_since(writer, 0);

    from = writer->size;
    write_key(channel, writer);
    pay_url_text(writer, PAY_STR("&out_trade_no="));
    pay_url_encoded(writer, question->order_no);
    pay_url_text(writer, PAY_STR("&money="));
    pay_url_text(writer, pay_text(money));
    request->body = pay_url_since(writer, from);

    return !writer->full;
}


static void
write_path(const pay_channel_t *channel, const char *path, pay_url_t *writer)
{
    pay_url_base(writer, pay_url_path(channel->url));
    pay_url_text(writer, pay_text(path));
}


static void
write_key(const pay_channel_t *channel, pay_url_t *writer)
{
    pay_url_text(writer, PAY_STR("pid="));
    pay_url_encoded(writer, channel->pid);
    pay_url_text(writer, PAY_STR("&key="));
    pay_url_encoded(writer, channel->key);
}


static bool
ask_v2(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, const char *money, pay_url_t *writer,
    pay_request_t *request)
{
    char             sign[EPAY_SIGN_SIZE_MAX], timestamp[TIMESTAMP_SIZE];
    size_t           from, sign_size;
    pay_form_t       form;
    pay_canonical_t  text;

    (void) snprintf(timestamp, sizeof(timestamp), "%010" PRId64,
                    question->now_s);

    form.field_count = 0;
    pay_start_field(&form, "pid", channel->pid);
    pay_start_field(&form, "timestamp", pay_text(timestamp));
    pay_start_field(&form, "out_trade_no", question->order_no);

    if (question->what == PAY_ASK_REFUND) {
        pay_start_field(&form, "money", pay_text(money));
        pay_start_field(&form, "out_refund_no", question->refund_no);
    }

    pay_canonical(&text, &form, &epay_rules);

    if (!epay_sign(crypto, channel, &text, sign, &sign_size)) {
        return false;
    }

    write_path(channel, v2_paths[question->what], writer);
    request->target = pay_url_since(writer, 0);

    from = writer->size;
    pay_url_fields(writer, &form);
    pay_url_text(writer, PAY_STR("sign="));
    pay_url_encoded(writer, pay_str(sign, sign_size));
    pay_url_text(writer, PAY_STR("&sign_type="));
    pay_url_text(writer, pay_text(epay_dialect(channel)->sign_type));
    request->body = pay_url_since(writer, from);

    return !writer->full;
}

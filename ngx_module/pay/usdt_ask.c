/*
 * epusdt's JSON forms: what is asked.
 *
 * Every text is of our own making and of an alphabet without quotes and
 * backslashes, so the JSON needs no escaping; and without "&" and "=", so the
 * string that is signed has one reading.  An amount is a number without zeros
 * at its end, for that is how the gateway signs it.
 */

#include "usdt_priv.h"

#include "start.h"
#include "url.h"

#include <inttypes.h>
#include <stdio.h>


#define GOODS_NAME     "order"
#define TIMEOUT_MIN_S  120
#define TIMEOUT_SIZE   24


/* The texts of one request that are made for it. */

typedef struct {
    char  money[PAY_MONEY_TEXT_SIZE_MAX];
    char  currency[PAY_CURRENCY_SIZE];         /* in lower case */
    char  timeout[TIMEOUT_SIZE];
} texts_t;


static bool ask_status(const pay_ask_t *question, pay_url_t *writer,
    pay_request_t *request);
static bool ask_call(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_form_t *form, pay_url_t *writer, pay_request_t *request);
static void fill_gmpay(pay_form_t *form, const pay_channel_t *channel,
    const pay_ask_t *question, texts_t *texts);
static void fill_bepusdt(pay_form_t *form, const pay_channel_t *channel,
    const pay_ask_t *question, texts_t *texts);
static void cut_zeros(char *money);
static bool is_number(pay_str_t name);


bool
usdt_ask(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, unsigned char *buffer, pay_request_t *request)
{
    texts_t                texts;
    pay_url_t              writer;
    pay_form_t             form;
    const char            *path;
    const usdt_dialect_t  *dialect;

    memset(request, 0, sizeof(pay_request_t));
    dialect = usdt_dialect(channel);

    if (!pay_ask_check(channel, question, "", texts.money)
        || question->order_no.size > USDT_ORDER_NO_SIZE_MAX
        || (question->what != PAY_ASK_START
            && !pay_is_plain_id(question->ref, PAY_REF_SIZE_MAX, "")))
    {
        return false;
    }

    pay_url_begin(&writer, (char *) buffer, PAY_REQUEST_SIZE_MAX);
    pay_url_base(&writer, pay_url_path(channel->url));

    if (question->what == PAY_ASK_QUERY) {
        return ask_status(question, &writer, request);
    }

    cut_zeros(texts.money);
    form.field_count = 0;
    path = dialect->create_path;

    if (question->what == PAY_ASK_CLOSE) {
        path = dialect->close_path;
        pay_start_field(&form, "trade_id", question->ref);

    } else if (!pay_is_plain_url(question->notify_url, PAY_BASE_URL_SIZE_MAX)
               || !pay_is_plain_url(question->return_url,
                                    PAY_BASE_URL_SIZE_MAX))
    {
        return false;

    } else if (dialect->has_pid) {
        fill_gmpay(&form, channel, question, &texts);

    } else {
        fill_bepusdt(&form, channel, question, &texts);
    }

    pay_url_text(&writer, pay_text(path));

    return ask_call(crypto, channel, &form, &writer, request);
}


/* Unsigned, both ways. */

static bool
ask_status(const pay_ask_t *question, pay_url_t *writer,
    pay_request_t *request)
{
    pay_url_text(writer, PAY_STR("/pay/check-status/"));
    pay_url_text(writer, question->ref);

    request->method = "GET";
    request->headers = PAY_STR("Accept: application/json\r\n");
    request->target = pay_url_since(writer, 0);

    return !writer->full;
}


static bool
ask_call(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_form_t *form, pay_url_t *writer, pay_request_t *request)
{
    char             sign[PAY_HASH_HEX_SIZE_MAX];
    size_t           i, from, sign_size;
    pay_str_t        quote;
    pay_canonical_t  text;

    request->method = "POST";
    request->headers = PAY_STR("Content-Type: application/json\r\n"
                               "Accept: application/json\r\n");
    request->target = pay_url_since(writer, 0);

    pay_canonical(&text, form, &usdt_rules);

    if (!pay_hash_sign(crypto, usdt_hash(channel), channel->key,
                       pay_str(text.data, text.size), sign, &sign_size))
    {
        return false;
    }

    from = writer->size;
    pay_url_text(writer, PAY_STR("{"));

    for (i = 0; i < form->field_count; i++) {
        quote = is_number(form->fields[i].name) ? pay_str(NULL, 0)
                                                : PAY_STR("\"");
        pay_url_text(writer, PAY_STR("\""));
        pay_url_text(writer, form->fields[i].name);
        pay_url_text(writer, PAY_STR("\":"));
        pay_url_text(writer, quote);
        pay_url_text(writer, form->fields[i].value);
        pay_url_text(writer, quote);
        pay_url_text(writer, PAY_STR(","));
    }

    pay_url_text(writer, PAY_STR("\"signature\":\""));
    pay_url_text(writer, pay_str(sign, sign_size));
    pay_url_text(writer, PAY_STR("\"}"));
    request->body = pay_url_since(writer, from);

    return !writer->full;
}


static void
fill_gmpay(pay_form_t *form, const pay_channel_t *channel,
    const pay_ask_t *question, texts_t *texts)
{
    size_t      i;
    const char *dot;

    for (i = 0; i < PAY_CURRENCY_SIZE; i++) {
        texts->currency[i] = (char) (channel->currency[i] | 0x20);
    }

    pay_start_field(form, "pid", channel->pid);
    pay_start_field(form, "order_id", question->order_no);
    pay_start_field(form, "currency",
                    pay_str(texts->currency, PAY_CURRENCY_SIZE));

    if (channel->type.size != 0) {
        dot = memchr(channel->type.data, '.', channel->type.size);
        i = (size_t) ((const unsigned char *) dot - channel->type.data);
        pay_start_field(form, "token", pay_str(channel->type.data, i));
        pay_start_field(form, "network", pay_str(dot + 1, channel->type.size
                                                          - i - 1));
    }

    pay_start_field(form, "amount", pay_text(texts->money));
    pay_start_field(form, "notify_url", question->notify_url);
    pay_start_field(form, "redirect_url", question->return_url);
    pay_start_field(form, "name", PAY_STR(GOODS_NAME));
}


/* The gateway stops looking when our hold ends, but not before its own least
 * time. */

static void
fill_bepusdt(pay_form_t *form, const pay_channel_t *channel,
    const pay_ask_t *question, texts_t *texts)
{
    int64_t  timeout_s;

    timeout_s = question->expires_s - question->now_s;

    if (timeout_s < TIMEOUT_MIN_S) {
        timeout_s = TIMEOUT_MIN_S;
    }

    (void) snprintf(texts->timeout, sizeof(texts->timeout), "%" PRId64,
                    timeout_s);

    pay_start_field(form, "order_id", question->order_no);
    pay_start_field(form, "amount", pay_text(texts->money));
    pay_start_field(form, "fiat", pay_text(channel->currency));
    pay_start_field(form, "trade_type", channel->type);
    pay_start_field(form, "name", PAY_STR(GOODS_NAME));
    pay_start_field(form, "timeout", pay_text(texts->timeout));
    pay_start_field(form, "notify_url", question->notify_url);
    pay_start_field(form, "redirect_url", question->return_url);
}


/* "9.90" is 9.9 and "100.00" is 100. */

static void
cut_zeros(char *money)
{
    size_t  size;

    if (strchr(money, '.') == NULL) {
        return;
    }

    size = strlen(money);

    while (money[size - 1] == '0') {
        size--;
    }

    money[money[size - 1] == '.' ? size - 1 : size] = '\0';
}


static bool
is_number(pay_str_t name)
{
    return pay_str_eq(name, PAY_STR("amount"))
           || pay_str_eq(name, PAY_STR("timeout"));
}

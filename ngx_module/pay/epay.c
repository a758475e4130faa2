/*
 * EPay V1 (MD5), the protocol of the Chinese aggregate gateways and of
 * epusdt's EPay form: its row in the table of protocols, the check of a
 * channel, and start(), which signs the redirect to the gateway.  Notices
 * are judged in epay_notice.c, the signature is made in epay_sign.c.
 *
 * What start() guards against: values are not escaped in the signed string,
 * so one with "&trade_status=TRADE_SUCCESS" in it signs what a forged notice
 * says.  Only constants and ids of our own making are signed here, never a
 * product's name nor a word of the buyer, and "&" and "=" are refused in
 * every value.
 */

#include "epay_priv.h"

#include <assert.h>
#include <stdio.h>


#define SUBMIT_PATH       "/submit.php?"
#define GOODS_NAME        "order"
#define EXPONENT_MAX      2            /* the gateway's money has 2 digits */
#define START_FIELDS_MAX  7


/* A bounded writer: after the first text that does not fit, full is set and
 * nothing more is written. */

typedef struct {
    char    *data;
    size_t   size;
    size_t   room_size;
    bool     full;
} writer_t;


static bool epay_check(const pay_channel_t *channel, char *err,
    size_t err_size);
static pay_start_code_e epay_start(pay_crypto_t *crypto,
    const pay_channel_t *channel, const pay_start_t *start, char *url,
    size_t url_size, size_t *url_length);
static pay_start_code_e check_start(const pay_channel_t *channel,
    const pay_start_t *start, char *money, size_t money_size);
static void fill_form(pay_form_t *form, const pay_channel_t *channel,
    const pay_start_t *start, const char *money);
static void add_field(pay_form_t *form, const char *name, pay_str_t value);
static void write_url(writer_t *writer, const pay_channel_t *channel,
    const pay_form_t *form, const unsigned char sign[PAY_MD5_HEX_SIZE]);
static void write_text(writer_t *writer, const char *data, size_t size);
static void write_encoded(writer_t *writer, pay_str_t value);


const pay_protocol_t  pay_epay_protocol = {
    .name = "epay",

    /* The gateway looks for "success" anywhere in the body. */

    .success_body = "success",
    .failure_body = "fail",
    .content_type = "text/plain",

    /* Some forks POST the notice that the documentation sends by GET. */

    .methods = PAY_METHOD_GET,
    .methods_optional = PAY_METHOD_POST,

    .start = epay_start,
    .verify = epay_verify,
    .check = epay_check
};


static bool
epay_check(const pay_channel_t *channel, char *err, size_t err_size)
{
    if (!pay_is_plain_url(channel->url, PAY_BASE_URL_SIZE_MAX)) {
        (void) snprintf(err, err_size, "\"url\" must be the base of the "
                        "gateway, http:// or https://, with a host, without "
                        "a query, of at most %d bytes, as in \"url "
                        "https://pay.example/;\"", PAY_BASE_URL_SIZE_MAX);
        return false;
    }

    if (!pay_is_plain_id(channel->pid, PAY_PID_SIZE_MAX, "")) {
        (void) snprintf(err, err_size, "\"pid\" must be your merchant number "
                        "at the gateway, 1 to %d of 0-9 A-Z a-z _ -, as in "
                        "\"pid 1000;\"", PAY_PID_SIZE_MAX);
        return false;
    }

    if (channel->type.size > 0
        && !pay_is_plain_id(channel->type, PAY_TYPE_SIZE_MAX, ""))
    {
        (void) snprintf(err, err_size, "\"type\" must be a word of the "
                        "gateway like alipay or wxpay, at most %d "
                        "characters; leave it out for the gateway's own "
                        "choice page", PAY_TYPE_SIZE_MAX);
        return false;
    }

    if (pay_currency_exponent(pay_str(channel->currency, PAY_CURRENCY_SIZE))
        > EXPONENT_MAX)
    {
        (void) snprintf(err, err_size, "EPay cannot print %s: its amounts "
                        "have two digits after the point", channel->currency);
        return false;
    }

    if (!pay_secret_check(channel->key, err, err_size)) {
        return false;
    }

    if (channel->key_previous.size == 0) {
        return true;
    }

    if (pay_equal_secret(channel->key, channel->key_previous)) {
        (void) snprintf(err, err_size, "the previous key equals the current "
                        "one; leave it out, or write the new key first");
        return false;
    }

    return pay_secret_check(channel->key_previous, err, err_size);
}


static pay_start_code_e
epay_start(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_start_t *start, char *url, size_t url_size,
    size_t *url_length)
{
    char              money[PAY_MONEY_TEXT_SIZE_MAX];
    writer_t          writer;
    pay_form_t        form;
    unsigned char     sign[PAY_MD5_HEX_SIZE];
    epay_canonical_t  text;
    pay_start_code_e  code;

    assert(url_size > 0);

    url[0] = '\0';
    *url_length = 0;

    code = check_start(channel, start, money, sizeof(money));
    if (code != PAY_START_OK) {
        return code;
    }

    fill_form(&form, channel, start, money);
    epay_canonical(&text, &form);

    if (!epay_sign(crypto, &text, channel->key, sign)) {
        return PAY_START_INTERNAL;
    }

    writer = (writer_t) { url, 0, url_size - 1, false };
    write_url(&writer, channel, &form, sign);

    if (writer.full) {
        url[0] = '\0';
        return PAY_START_ROOM;
    }

    url[writer.size] = '\0';
    *url_length = writer.size;

    return PAY_START_OK;
}


/*
 * Whatever passes here can be signed: no value holds "&" or "=".  The ids
 * and URLs have alphabets without them; that the amount survives the way
 * back is tried at once, for what cannot be read again in the notice could
 * never be credited.
 */

static pay_start_code_e
check_start(const pay_channel_t *channel, const pay_start_t *start,
    char *money, size_t money_size)
{
    int      exponent;
    int64_t  again;
    size_t   size;

    if (!pay_is_plain_id(start->order_no, PAY_ORDER_NO_SIZE_MAX, ".|")) {
        return PAY_START_ORDER_NO;
    }

    if (strcmp(start->currency, channel->currency) != 0) {
        return PAY_START_CURRENCY;
    }

    exponent = pay_currency_exponent(pay_str(channel->currency,
                                             PAY_CURRENCY_SIZE));
    assert(exponent >= 0 && exponent <= EXPONENT_MAX);

    /* What costs nothing needs no gateway. */

    if (start->amount <= 0) {
        return PAY_START_AMOUNT;
    }

    size = pay_money_format(start->amount, exponent, money, money_size);

    if (pay_money_parse(pay_str(money, size), exponent, &again)
        != PAY_MONEY_OK)
    {
        return PAY_START_AMOUNT;
    }

    assert(again == start->amount);

    if (!pay_is_plain_url(start->notify_url, PAY_BASE_URL_SIZE_MAX)
        || !pay_is_plain_url(start->return_url, PAY_BASE_URL_SIZE_MAX))
    {
        return PAY_START_URL;
    }

    return PAY_START_OK;
}


static void
fill_form(pay_form_t *form, const pay_channel_t *channel,
    const pay_start_t *start, const char *money)
{
    form->field_count = 0;

    add_field(form, "pid", channel->pid);
    add_field(form, "type", channel->type);
    add_field(form, "out_trade_no", start->order_no);
    add_field(form, "notify_url", start->notify_url);
    add_field(form, "return_url", start->return_url);
    add_field(form, "name", PAY_STR(GOODS_NAME));
    add_field(form, "money", pay_str(money, strlen(money)));
}


static void
add_field(pay_form_t *form, const char *name, pay_str_t value)
{
    pay_field_t  *field;

    assert(form->field_count < START_FIELDS_MAX);

    if (value.size == 0) {
        return;
    }

    /* check_start() and the configuration have seen to it; a value that gets
     * here by another way must not be signed. */

    assert(memchr(value.data, '&', value.size) == NULL);
    assert(memchr(value.data, '=', value.size) == NULL);

    field = &form->fields[form->field_count++];
    field->name = pay_str(name, strlen(name));
    field->value = value;
}


static void
write_url(writer_t *writer, const pay_channel_t *channel,
    const pay_form_t *form, const unsigned char sign[PAY_MD5_HEX_SIZE])
{
    size_t              i, base_size;
    const pay_field_t  *field;
    static const char   tail[] = "&sign_type=" EPAY_ALGORITHM;

    /* "https://pay.example" and "https://pay.example/" are one base. */

    base_size = channel->url.size;
    while (base_size > 0 && channel->url.data[base_size - 1] == '/') {
        base_size--;
    }

    write_text(writer, (const char *) channel->url.data, base_size);
    write_text(writer, SUBMIT_PATH, sizeof(SUBMIT_PATH) - 1);

    for (i = 0; i < form->field_count; i++) {
        field = &form->fields[i];

        write_text(writer, (const char *) field->name.data,
                   field->name.size);
        write_text(writer, "=", 1);
        write_encoded(writer, field->value);
        write_text(writer, "&", 1);
    }

    write_text(writer, "sign=", 5);
    write_text(writer, (const char *) sign, PAY_MD5_HEX_SIZE);
    write_text(writer, tail, sizeof(tail) - 1);
}


static void
write_text(writer_t *writer, const char *data, size_t size)
{
    if (size > writer->room_size - writer->size) {
        writer->full = true;
    }

    if (writer->full) {
        return;
    }

    memcpy(writer->data + writer->size, data, size);
    writer->size += size;
}


/* All but the unreserved characters of RFC 3986, without "~", which PHP
 * escaped for long. */

static void
write_encoded(writer_t *writer, pay_str_t value)
{
    char               escape[3];
    size_t             i, start;
    unsigned char      c;
    static const char  hex[] = "0123456789ABCDEF";

    start = 0;

    for (i = 0; i < value.size; i++) {
        c = value.data[i];

        if (pay_class[c] & PAY_CLASS_QUERY) {
            continue;
        }

        write_text(writer, (const char *) value.data + start, i - start);
        start = i + 1;

        escape[0] = '%';
        escape[1] = hex[c >> 4];
        escape[2] = hex[c & 0xf];
        write_text(writer, escape, sizeof(escape));
    }

    write_text(writer, (const char *) value.data + start, value.size - start);
}

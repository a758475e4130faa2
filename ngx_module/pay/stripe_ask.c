/*
 * Stripe: what is asked.
 *
 * Opening a session and giving money back may be repeated: the same
 * Idempotency-Key gets the same answer for a day, as long as the request is
 * the same to the byte.  So nothing in them depends on when they are sent.
 *
 * A session lives 30 minutes at least, from when it is opened, and a day at
 * most.  Ours ends half an hour after the hold, whenever it is opened before
 * that; who does not want to wait so long closes it.
 */

#include "stripe_priv.h"

#include "url.h"

#include <stdio.h>


#define VERSION         "2024-06-20"
#define SESSIONS        "/v1/checkout/sessions"
#define REFUNDS         "/v1/refunds"
#define NUMBER_SIZE     24
#define AFTER_HOLD_S    (30 * 60 + 60)
#define LIFE_S_MAX      (24 * 3600 - 60)


static void put_start(const pay_ask_t *question, pay_url_t *writer);
static void put_refund(const pay_ask_t *question, pay_url_t *writer);
static void put_headers(const pay_channel_t *channel, const char *method,
    pay_str_t key, pay_url_t *writer);
static void put_field(pay_url_t *writer, const char *name, pay_str_t value);
static void put_number(pay_url_t *writer, const char *name, int64_t number);
static void put_currency(pay_url_t *writer, const char *name,
    const char *currency);
static bool can_start(const pay_channel_t *channel,
    const pay_ask_t *question);
static bool can_refund(const pay_channel_t *channel,
    const pay_ask_t *question);
static bool is_refund_no(pay_str_t refund_no);


/* What each question is made of: the path is prefix, one of the question's
 * texts, suffix. */

typedef struct {
    const char  *method;
    const char  *prefix;
    size_t       text;                 /* offset; 0: none */
    const char  *suffix;
    size_t       key;                  /* of the Idempotency-Key; 0: none */
    bool       (*can)(const pay_channel_t *channel,
                      const pay_ask_t *question);
    void       (*put_body)(const pay_ask_t *question, pay_url_t *writer);
} recipe_t;

/* The state of the payment itself is asked for, too: only there stands what
 * was given back. */

static const recipe_t  recipes[PAY_ASK_COUNT] = {
    [PAY_ASK_START] = {
        "POST", SESSIONS, 0, "", offsetof(pay_ask_t, order_no), can_start,
        put_start
    },
    [PAY_ASK_QUERY] = {
        "GET", SESSIONS "/", offsetof(pay_ask_t, ref),
        "?expand%5B%5D=payment_intent.latest_charge", 0, NULL, NULL
    },
    [PAY_ASK_CLOSE] = {
        "POST", SESSIONS "/", offsetof(pay_ask_t, ref), "/expire", 0, NULL,
        NULL
    },
    [PAY_ASK_REFUND] = {
        "POST", REFUNDS, 0, "", offsetof(pay_ask_t, refund_no), can_refund,
        put_refund
    },
    [PAY_ASK_REFUND_QUERY] = {
        "GET", REFUNDS "?limit=" STRIPE_REFUNDS_MAX "&payment_intent=",
        offsetof(pay_ask_t, trade_no), "", 0, NULL, NULL
    }
};


static pay_str_t
text_of(const pay_ask_t *question, size_t offset)
{
    return *(const pay_str_t *) ((const char *) question + offset);
}


bool
stripe_ask(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, unsigned char *buffer, pay_request_t *request)
{
    size_t           target_end, headers_end, length;
    pay_str_t        text, key;
    pay_url_t        writer;
    const recipe_t  *recipe;

    (void) crypto;

    memset(request, 0, sizeof(pay_request_t));

    if (question->what >= PAY_ASK_COUNT) {
        return false;
    }

    recipe = &recipes[question->what];
    text = pay_str(NULL, 0);
    key = text;

    if (recipe->can != NULL && !recipe->can(channel, question)) {
        return false;
    }

    if (recipe->text != 0) {
        text = text_of(question, recipe->text);

        if (!pay_is_plain_id(text, PAY_REF_SIZE_MAX, "")) {
            return false;
        }
    }

    if (recipe->key != 0) {
        key = text_of(question, recipe->key);
    }

    pay_url_begin(&writer, (char *) buffer, PAY_REQUEST_SIZE_MAX);

    pay_url_text(&writer, pay_text(recipe->prefix));
    pay_url_text(&writer, text);
    pay_url_text(&writer, pay_text(recipe->suffix));
    target_end = writer.size;

    put_headers(channel, recipe->method, key, &writer);
    headers_end = writer.size;

    if (recipe->put_body != NULL) {
        recipe->put_body(question, &writer);
    }

    if (!pay_url_end(&writer, &length)) {
        return false;
    }

    request->method = recipe->method;
    request->target = pay_str(buffer, target_end);
    request->headers = pay_str(buffer + target_end, headers_end - target_end);
    request->body = pay_str(buffer + headers_end, length - headers_end);

    return true;
}


static void
put_headers(const pay_channel_t *channel, const char *method, pay_str_t key,
    pay_url_t *writer)
{
    pay_url_text(writer, PAY_STR("Authorization: Bearer "));
    pay_url_text(writer, channel->api_key);
    pay_url_text(writer, PAY_STR("\r\nStripe-Version: " VERSION "\r\n"));

    if (strcmp(method, "POST") == 0) {
        pay_url_text(writer, PAY_STR("Content-Type: application/"
                                     "x-www-form-urlencoded\r\n"));
    }

    if (key.size != 0) {
        pay_url_text(writer, PAY_STR("Idempotency-Key: "));
        pay_url_text(writer, key);
        pay_url_text(writer, PAY_STR("\r\n"));
    }
}


static bool
can_start(const pay_channel_t *channel, const pay_ask_t *question)
{
    return pay_is_plain_id(question->order_no, PAY_ORDER_NO_SIZE_MAX, "")
           && question->amount > 0
           && strcmp(question->currency, channel->currency) == 0
           && pay_is_plain_url(question->return_url, PAY_BASE_URL_SIZE_MAX);
}


/* The payment gets the order's number, too, for that is what a refund's
 * notice has. */

static void
put_start(const pay_ask_t *question, pay_url_t *writer)
{
    char     name[PAY_ORDER_NO_SIZE_MAX + sizeof("order ")];
    int64_t  expires_s;

    (void) snprintf(name, sizeof(name), "order %.*s",
                    (int) question->order_no.size,
                    (const char *) question->order_no.data);
    expires_s = question->expires_s + AFTER_HOLD_S;

    pay_url_text(writer, PAY_STR("mode=payment"));
    put_field(writer, "client_reference_id", question->order_no);
    put_field(writer, "payment_intent_data[metadata][" STRIPE_META_ORDER "]",
              question->order_no);
    put_field(writer, "line_items[0][quantity]", PAY_STR("1"));
    put_currency(writer, "line_items[0][price_data][currency]",
                 question->currency);
    put_number(writer, "line_items[0][price_data][unit_amount]",
               question->amount);
    put_field(writer, "line_items[0][price_data][product_data][name]",
              pay_text(name));
    put_field(writer, "success_url", question->return_url);
    put_field(writer, "cancel_url", question->return_url);

    /* Without it, a day; by the order's age, for that is always the same. */
    if (expires_s - question->created_s <= LIFE_S_MAX) {
        put_number(writer, "expires_at", expires_s);
    }
}


static bool
can_refund(const pay_channel_t *channel, const pay_ask_t *question)
{
    return pay_is_plain_id(question->order_no, PAY_ORDER_NO_SIZE_MAX, "")
           && pay_is_plain_id(question->trade_no, PAY_TRADE_NO_SIZE_MAX, "")
           && is_refund_no(question->refund_no)
           && question->refund_amount > 0
           && question->refund_amount <= question->paid_amount
           && strcmp(question->currency, channel->currency) == 0;
}


static bool
is_refund_no(pay_str_t refund_no)
{
    return pay_is_plain_id(refund_no, PAY_REFUND_NO_SIZE_MAX, "")
           && refund_no.size >= PAY_REFUND_NO_SIZE_MIN;
}


static void
put_refund(const pay_ask_t *question, pay_url_t *writer)
{
    pay_url_text(writer, PAY_STR("payment_intent="));
    pay_url_text(writer, question->trade_no);
    put_number(writer, "amount", question->refund_amount);
    put_field(writer, "metadata[" STRIPE_META_ORDER "]", question->order_no);
    put_field(writer, "metadata[" STRIPE_META_REFUND "]",
              question->refund_no);
}


/* "&name=value" */

static void
put_field(pay_url_t *writer, const char *name, pay_str_t value)
{
    pay_url_text(writer, PAY_STR("&"));
    pay_url_encoded(writer, pay_text(name));
    pay_url_text(writer, PAY_STR("="));
    pay_url_encoded(writer, value);
}


static void
put_number(pay_url_t *writer, const char *name, int64_t number)
{
    char  text[NUMBER_SIZE];

    (void) snprintf(text, sizeof(text), "%lld", (long long) number);
    put_field(writer, name, pay_text(text));
}


/* Stripe writes them in lower case. */

static void
put_currency(pay_url_t *writer, const char *name, const char *currency)
{
    char    text[PAY_CURRENCY_SIZE + 1];
    size_t  i;

    for (i = 0; i < PAY_CURRENCY_SIZE; i++) {
        text[i] = (char) (currency[i] - 'A' + 'a');
    }

    text[i] = '\0';
    put_field(writer, name, pay_text(text));
}

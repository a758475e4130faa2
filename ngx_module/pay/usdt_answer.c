/*
 * epusdt's JSON forms: what a reply proves.
 *
 * Nobody signs replies: they are believed because they came over TLS from the
 * gateway's host, and as far as nothing is lost by it.  The status of a
 * payment has no amount in it and no order, so "paid" there is UNKNOWN: the
 * notice, which is signed, says it, or a person looks.
 */

#include "usdt_priv.h"


#define CODE_SIZE    (PAY_DETAIL_SIZE_MAX + 1)
#define NUMBER_SIZE  (PAY_REF_SIZE_MAX + 1)

#define START        PAY_ASK_BIT(START)
#define QUERY        PAY_ASK_BIT(QUERY)


/* Of status_code, where it is certain that nothing was done. */

static const struct {
    const char    *code;
    unsigned       asks;
    pay_answer_e   answer;
} codes[] = {
    { "401", START, PAY_ANSWER_REFUSED },      /* pid or signature */
    { "10002", START, PAY_ANSWER_REFUSED },    /* the order is there */
    { "10003", START, PAY_ANSWER_BUSY },       /* no address free */
    { "10004", START, PAY_ANSWER_REFUSED },    /* too small an amount */
    { "10005", START, PAY_ANSWER_BUSY },       /* no amount free */
    { "10006", START, PAY_ANSWER_BUSY },       /* no rate */
    { "10008", QUERY, PAY_ANSWER_NONE },       /* no such order */
    { "10009", START, PAY_ANSWER_REFUSED }     /* not understood */
};


static void read_start(const pay_channel_t *channel,
    const pay_ask_t *question, const pay_json_token_t *data,
    pay_answer_t *answer);
static bool says_amount(const pay_channel_t *channel,
    const pay_ask_t *question, const pay_json_token_t *data);
static bool is_web(pay_str_t address);
static void read_status(const pay_json_token_t *data, pay_answer_t *answer);


void
usdt_answer(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, const pay_reply_t *reply,
    pay_answer_t *answer)
{
    char                     buffer[CODE_SIZE];
    size_t                   i;
    pay_str_t                code;
    pay_json_token_t         tokens[PAY_REPLY_TOKEN_COUNT_MAX];
    const pay_json_token_t  *data;

    memset(answer, 0, sizeof(pay_answer_t));
    answer->code = PAY_ANSWER_UNKNOWN;

    if (pay_json_read(reply->body, tokens, PAY_REPLY_TOKEN_COUNT_MAX, NULL)
        != PAY_JSON_OK
        || !pay_json_text(&tokens[0], "status_code", PAY_TEXT_NUMBER_TOO,
                          buffer, sizeof(buffer), &code))
    {
        return;
    }

    if (reply->status != 200 || !pay_str_eq(code, PAY_STR("200"))) {
        pay_answer_detail(answer, code);

        for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
            if ((codes[i].asks & (1u << question->what))
                && pay_str_eq(code, pay_text(codes[i].code)))
            {
                answer->code = codes[i].answer;
            }
        }

        return;
    }

    data = pay_json_find(&tokens[0], "data");

    if (question->what == PAY_ASK_START) {
        read_start(channel, question, data, answer);

    } else if (!pay_json_says(data, "trade_id", question->ref)) {
        return;

    } else if (question->what == PAY_ASK_QUERY) {
        read_status(data, answer);

    } else {
        answer->code = PAY_ANSWER_CLOSED;
    }
}


static void
read_start(const pay_channel_t *channel, const pay_ask_t *question,
    const pay_json_token_t *data, pay_answer_t *answer)
{
    char       ref_buffer[NUMBER_SIZE], buffer[PAY_ADDRESS_SIZE_MAX + 1];
    pay_str_t  ref, address;

    if (pay_json_says(data, "order_id", question->order_no)
        && says_amount(channel, question, data)
        && pay_json_text(data, "trade_id", PAY_TEXT_STRING, ref_buffer,
                         sizeof(ref_buffer), &ref)
        && pay_is_plain_id(ref, PAY_REF_SIZE_MAX, "")
        && pay_json_text(data, "payment_url", PAY_TEXT_STRING, buffer,
                         sizeof(buffer), &address)
        && is_web(address))
    {
        pay_answer_started(PAY_BY_REDIRECT, ref, address, answer);
    }
}


static bool
says_amount(const pay_channel_t *channel, const pay_ask_t *question,
    const pay_json_token_t *data)
{
    char       buffer[PAY_MONEY_TEXT_SIZE_MAX];
    int64_t    amount;
    pay_str_t  text;

    return pay_json_text(data, "amount", PAY_TEXT_NUMBER_TOO, buffer,
                         sizeof(buffer), &text)
           && pay_money_parse(text,
                              pay_currency_exponent(pay_text(
                                                        channel->currency)),
                              &amount)
              == PAY_MONEY_OK
           && amount == question->amount;
}


/* Nothing that a browser would run. */

static bool
is_web(pay_str_t address)
{
    size_t  i;

    static const char *const  schemes[] = { "https://", "http://" };

    for (i = 0; i < 2; i++) {
        if (address.size > strlen(schemes[i])
            && memcmp(address.data, schemes[i], strlen(schemes[i])) == 0)
        {
            return true;
        }
    }

    return false;
}


static void
read_status(const pay_json_token_t *data, pay_answer_t *answer)
{
    char       buffer[CODE_SIZE];
    pay_str_t  status;

    if (!pay_json_text(data, "status", PAY_TEXT_NUMBER_TOO, buffer,
                       sizeof(buffer), &status))
    {
        return;
    }

    /* 4: the network is not chosen yet. */

    if (pay_str_eq(status, PAY_STR("1")) || pay_str_eq(status, PAY_STR("4"))) {
        answer->code = PAY_ANSWER_UNPAID;

    } else if (pay_str_eq(status, PAY_STR("3"))) {
        answer->code = PAY_ANSWER_CLOSED;

    } else {
        pay_answer_detail(answer, status);
    }
}

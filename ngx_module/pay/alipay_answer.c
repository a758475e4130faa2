/*
 * Alipay: what a reply proves.
 *
 *     {"alipay_trade_query_response":{...},"sign":"..."}
 *
 * signs the bytes of the inner object as they came, so these are verified,
 * before anything in them is read.  What is not signed (error_response, by
 * the gateway itself) says nothing for sure.
 *
 * The signature does not say what was asked: that the numbers are those of
 * the question is looked at, too.
 */

#include "alipay_priv.h"

#include <assert.h>


#define NAME_SIZE     64
#define NUMBER_SIZE   (PAY_ORDER_NO_SIZE_MAX + 1)
#define CODE_SIZE     (PAY_DETAIL_SIZE_MAX + 1)
#define DONE          "10000"
#define SIGN_SIZE     (PAY_BASE64_SIZE(PAY_RSA_SIGNATURE_SIZE_MAX) + 1)

#define START         PAY_ASK_BIT(START)
#define QUERY         PAY_ASK_BIT(QUERY)
#define CLOSE         PAY_ASK_BIT(CLOSE)
#define REFUND        PAY_ASK_BIT(REFUND)
#define REFUND_QUERY  PAY_ASK_BIT(REFUND_QUERY)
#define ALL           (DOING | REFUND_QUERY)
#define DOING         (START | QUERY | CLOSE | REFUND)


/*
 * What is known for sure of a code that is not "done".  The gateway's own
 * codes (40001 ..) come before anything is done; a system error may come
 * behind it, so a refund and a close with one are UNKNOWN, as is a number
 * that was refunded with another sum: somebody must look.  Who may not ask
 * about a refund has not heard that it was refused; nor has who asks for one
 * of a trade that is closed, for a refund in full is what closes it.
 */

static const struct {
    const char    *code;               /* or sub_code */
    unsigned       asks;
    pay_answer_e   answer;
} codes[] = {
    { "ACQ.TRADE_NOT_EXIST", QUERY | CLOSE | REFUND | REFUND_QUERY,
      PAY_ANSWER_NONE },
    { "ACQ.SYSTEM_ERROR", START | QUERY | REFUND_QUERY, PAY_ANSWER_BUSY },
    { "aop.ACQ.SYSTEM_ERROR", START | QUERY | REFUND_QUERY,
      PAY_ANSWER_BUSY },
    { "20000", START | QUERY | REFUND_QUERY, PAY_ANSWER_BUSY },
    { "40005", ALL, PAY_ANSWER_BUSY },
    { "ACQ.SELLER_BALANCE_NOT_ENOUGH", REFUND, PAY_ANSWER_BUSY },
    { "20001", DOING, PAY_ANSWER_REFUSED },
    { "40001", DOING, PAY_ANSWER_REFUSED },
    { "40002", DOING, PAY_ANSWER_REFUSED },
    { "40006", DOING, PAY_ANSWER_REFUSED },
    { "ACQ.INVALID_PARAMETER", DOING, PAY_ANSWER_REFUSED },
    { "ACQ.TRADE_HAS_SUCCESS", START, PAY_ANSWER_REFUSED },
    { "ACQ.TRADE_HAS_CLOSE", START, PAY_ANSWER_REFUSED },
    { "ACQ.CONTEXT_INCONSISTENT", START, PAY_ANSWER_REFUSED },
    { "ACQ.TOTAL_FEE_EXCEED", START, PAY_ANSWER_REFUSED },
    { "ACQ.ACCESS_FORBIDDEN", DOING, PAY_ANSWER_REFUSED },
    { "ACQ.TRADE_STATUS_ERROR", CLOSE | REFUND, PAY_ANSWER_REFUSED },
    { "ACQ.REASON_TRADE_STATUS_INVALID", CLOSE, PAY_ANSWER_REFUSED },
    { "ACQ.REASON_ILLEGAL_STATUS", CLOSE, PAY_ANSWER_REFUSED },
    { "ACQ.TRADE_HAS_FINISHED", REFUND, PAY_ANSWER_REFUSED },
    { "ACQ.TRADE_NOT_ALLOW_REFUND", REFUND, PAY_ANSWER_REFUSED },
    { "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", REFUND, PAY_ANSWER_REFUSED },
    { "ACQ.REASON_TRADE_REFUND_FEE_ERR", REFUND, PAY_ANSWER_REFUSED },
    { "ACQ.REFUND_FEE_ERROR", REFUND, PAY_ANSWER_REFUSED }
};

#define CODE_COUNT  (sizeof(codes) / sizeof(codes[0]))


static void write_name(pay_ask_e what, char name[NAME_SIZE]);
static pay_answer_e not_done(const pay_ask_t *question,
    const pay_json_token_t *told, pay_str_t code, pay_answer_t *answer);
static bool same_order(const pay_ask_t *question,
    const pay_json_token_t *told);
static void read_start(const pay_ask_t *question,
    const pay_json_token_t *told, pay_answer_t *answer);
static void read_query(const pay_channel_t *channel,
    const pay_ask_t *question, const pay_json_token_t *told,
    pay_answer_t *answer);
static void read_refund(const pay_channel_t *channel,
    const pay_ask_t *question, const pay_json_token_t *told,
    pay_answer_t *answer);
static void read_refund_query(const pay_channel_t *channel,
    const pay_ask_t *question, const pay_json_token_t *told,
    pay_answer_t *answer);
static bool read_money(const pay_channel_t *channel,
    const pay_json_token_t *told, const char *name, int64_t *amount);


void
alipay_answer(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, const pay_reply_t *reply,
    pay_answer_t *answer)
{
    char                     name[NAME_SIZE], buffer[CODE_SIZE];
    pay_str_t                code;
    pay_json_token_t         tokens[PAY_REPLY_TOKEN_COUNT_MAX];
    const pay_json_token_t  *told;

    memset(answer, 0, sizeof(pay_answer_t));
    answer->code = PAY_ANSWER_UNKNOWN;

    if (reply->status != 200
        || pay_json_read(reply->body, tokens, PAY_REPLY_TOKEN_COUNT_MAX, NULL)
           != PAY_JSON_OK)
    {
        return;
    }

    write_name(question->what, name);
    told = alipay_proved(crypto, channel, &tokens[0], name);

    if (told == NULL) {
        told = pay_json_find(&tokens[0], "error_response");
        (void) pay_json_text(told, "sub_code", PAY_TEXT_STRING, buffer,
                             sizeof(buffer), &code);
        pay_answer_detail(answer, code);
        return;
    }

    if (!pay_json_text(told, "code", PAY_TEXT_STRING, buffer, sizeof(buffer),
                       &code))
    {
        return;
    }

    if (!pay_str_eq(code, PAY_STR(DONE))) {
        answer->code = not_done(question, told, code, answer);
        return;
    }

    switch (question->what) {

    case PAY_ASK_START:
        read_start(question, told, answer);
        break;

    case PAY_ASK_QUERY:
        read_query(channel, question, told, answer);
        break;

    case PAY_ASK_REFUND:
        read_refund(channel, question, told, answer);
        break;

    case PAY_ASK_REFUND_QUERY:
        read_refund_query(channel, question, told, answer);
        break;

    default:
        answer->code = same_order(question, told) ? PAY_ANSWER_CLOSED
                                                  : PAY_ANSWER_UNKNOWN;
    }
}


/* alipay.trade.query is answered in alipay_trade_query_response. */

static void
write_name(pay_ask_e what, char name[NAME_SIZE])
{
    size_t       i;
    const char  *method;

    static const char  suffix[] = "_response";

    method = alipay_method(what);
    assert(strlen(method) + sizeof(suffix) <= NAME_SIZE);

    for (i = 0; method[i] != '\0'; i++) {
        name[i] = method[i] == '.' ? '_' : method[i];
    }

    memcpy(name + i, suffix, sizeof(suffix));
}


const pay_json_token_t *
alipay_proved(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_json_token_t *reply, const char *name)
{
    char                     buffer[SIGN_SIZE];
    pay_str_t                sign;
    const pay_json_token_t  *told;

    told = pay_json_find(reply, name);

    if (told == NULL || told->type != PAY_JSON_OBJECT
        || !pay_json_text(reply, "sign", PAY_TEXT_STRING, buffer,
                          sizeof(buffer), &sign))
    {
        return NULL;
    }

    return pay_notice_rsa(crypto, channel, told->raw, sign) == PAY_PAID
           ? told : NULL;
}


static pay_answer_e
not_done(const pay_ask_t *question, const pay_json_token_t *told,
    pay_str_t code, pay_answer_t *answer)
{
    char       buffer[CODE_SIZE];
    size_t     i, j;
    pay_str_t  known[2];

    /* A sub_code says more. */

    if (!pay_json_text(told, "sub_code", PAY_TEXT_STRING, buffer,
                       sizeof(buffer), &known[0]))
    {
        known[0] = code;
    }

    known[1] = code;
    pay_answer_detail(answer, known[0]);

    for (i = 0; i < 2; i++) {
        for (j = 0; j < CODE_COUNT; j++) {
            if ((codes[j].asks & (1u << question->what))
                && pay_str_eq(known[i], pay_text(codes[j].code)))
            {
                return codes[j].answer;
            }
        }
    }

    return PAY_ANSWER_UNKNOWN;
}


static bool
same_order(const pay_ask_t *question, const pay_json_token_t *told)
{
    return pay_json_says(told, "out_trade_no", question->order_no);
}


static void
read_start(const pay_ask_t *question, const pay_json_token_t *told,
    pay_answer_t *answer)
{
    char       buffer[PAY_ADDRESS_SIZE_MAX + 1];
    pay_str_t  address;

    if (same_order(question, told)
        && pay_json_text(told, "qr_code", PAY_TEXT_STRING, buffer,
                         sizeof(buffer), &address))
    {
        pay_answer_started(PAY_BY_QR, pay_str(NULL, 0), address, answer);
    }
}


static void
read_query(const pay_channel_t *channel, const pay_ask_t *question,
    const pay_json_token_t *told, pay_answer_t *answer)
{
    char       status_buffer[NAME_SIZE], number_buffer[NUMBER_SIZE];
    char       amount_buffer[PAY_MONEY_TEXT_SIZE_MAX];
    pay_str_t  status, trade_no, amount;

    if (!same_order(question, told)
        || !pay_json_text(told, "trade_status", PAY_TEXT_STRING,
                          status_buffer, sizeof(status_buffer), &status))
    {
        return;
    }

    if (pay_str_eq(status, PAY_STR("WAIT_BUYER_PAY"))) {
        answer->code = PAY_ANSWER_UNPAID;

    } else if (pay_str_eq(status, PAY_STR("TRADE_CLOSED"))
               && pay_json_find(told, "send_pay_date") == NULL)
    {
        answer->code = PAY_ANSWER_CLOSED;

    } else if (pay_str_eq(status, PAY_STR("TRADE_SUCCESS"))
               || pay_str_eq(status, PAY_STR("TRADE_FINISHED")))
    {
        (void) pay_json_text(told, "trade_no", PAY_TEXT_STRING, number_buffer,
                             sizeof(number_buffer), &trade_no);
        (void) pay_json_text(told, "total_amount", PAY_TEXT_STRING,
                             amount_buffer, sizeof(amount_buffer), &amount);
        pay_answer_paid(channel, question, question->order_no, trade_no,
                        amount, answer);

    } else {
        /* Of what was paid and is closed, all was given back. */
        pay_answer_detail(answer, status);
    }
}


/*
 * fund_change says whether money moved by this call; without it the refund
 * was asked for before, or is still to be done.  refund_fee is what was given
 * back so far, of this payment.
 */

static void
read_refund(const pay_channel_t *channel, const pay_ask_t *question,
    const pay_json_token_t *told, pay_answer_t *answer)
{
    int64_t  returned;

    if (!same_order(question, told)) {
        return;
    }

    if (pay_json_says(told, "fund_change", PAY_STR("N"))) {
        answer->code = PAY_ANSWER_WORKING;

    } else if (pay_json_says(told, "fund_change", PAY_STR("Y"))
               && read_money(channel, told, "refund_fee", &returned)
               && returned >= question->refund_amount)
    {
        answer->code = PAY_ANSWER_RETURNED;
    }
}


/* A refund that is not there, or failed, is told of by a reply without its
 * fields. */

static void
read_refund_query(const pay_channel_t *channel, const pay_ask_t *question,
    const pay_json_token_t *told, pay_answer_t *answer)
{
    int64_t  returned;

    if (pay_json_find(told, "refund_status") == NULL
        && pay_json_find(told, "refund_amount") == NULL)
    {
        answer->code = PAY_ANSWER_NONE;

    } else if (same_order(question, told)
               && pay_json_says(told, "out_request_no", question->refund_no)
               && pay_json_says(told, "refund_status",
                                PAY_STR("REFUND_SUCCESS"))
               && read_money(channel, told, "refund_amount", &returned)
               && returned == question->refund_amount)
    {
        answer->code = PAY_ANSWER_RETURNED;
    }
}


static bool
read_money(const pay_channel_t *channel, const pay_json_token_t *told,
    const char *name, int64_t *amount)
{
    char       buffer[PAY_MONEY_TEXT_SIZE_MAX];
    pay_str_t  text;

    return pay_json_text(told, name, PAY_TEXT_STRING, buffer, sizeof(buffer),
                         &text)
           && pay_money_parse(text,
                              pay_currency_exponent(pay_text(
                                                        channel->currency)),
                              amount)
              == PAY_MONEY_OK;
}

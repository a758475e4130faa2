/*
 * What the protocols share when they ask, and when they read the reply.
 */

#include "asking.h"

#include "notice.h"

#include <assert.h>


static bool check_refund(const pay_ask_t *question);


bool
pay_ask_check(const pay_channel_t *channel, const pay_ask_t *question,
    const char *extra, char money[PAY_MONEY_TEXT_SIZE_MAX])
{
    int      exponent;
    bool     is_refund;
    size_t   size;
    int64_t  sum, again;

    assert(question->what < PAY_ASK_COUNT);

    is_refund = question->what == PAY_ASK_REFUND
                || question->what == PAY_ASK_REFUND_QUERY;

    if ((channel->protocol->asks & (1u << question->what)) == 0
        || !pay_is_plain_id(question->order_no, PAY_ORDER_NO_SIZE_MAX, extra)
        || strcmp(question->currency, channel->currency) != 0
        || (is_refund && !check_refund(question)))
    {
        return false;
    }

    exponent = pay_currency_exponent(pay_text(channel->currency));
    sum = is_refund ? question->refund_amount : question->amount;

    if (sum <= 0) {
        return false;
    }

    size = pay_money_format(sum, exponent, money, PAY_MONEY_TEXT_SIZE_MAX);

    return pay_money_parse(pay_str(money, size), exponent, &again)
           == PAY_MONEY_OK;
}


static bool
check_refund(const pay_ask_t *question)
{
    return question->refund_no.size >= PAY_REFUND_NO_SIZE_MIN
           && pay_is_plain_id(question->refund_no, PAY_REFUND_NO_SIZE_MAX, "")
           && (question->what == PAY_ASK_REFUND_QUERY
               || question->refund_amount <= question->paid_amount);
}


void
pay_answer_detail(pay_answer_t *answer, pay_str_t text)
{
    size_t         i, used;
    unsigned char  c;

    for (i = 0, used = 0; i < text.size && used < PAY_DETAIL_SIZE_MAX; i++) {
        c = text.data[i];

        if (pay_class[c] & PAY_CLASS_QUERY) {
            answer->detail[used++] = (char) c;
        }
    }

    answer->detail[used] = '\0';
}


void
pay_answer_paid(const pay_channel_t *channel, const pay_ask_t *question,
    pay_str_t order_no, pay_str_t trade_no, pay_str_t amount,
    pay_answer_t *answer)
{
    pay_verdict_e  verdict;

    answer->code = PAY_ANSWER_UNKNOWN;

    if (!pay_str_eq(order_no, question->order_no)) {
        return;
    }

    verdict = pay_fact_fill(channel, order_no, trade_no, amount, false,
                            &answer->fact);

    if (verdict == PAY_PAID) {
        answer->code = PAY_ANSWER_PAID;

    } else if (verdict == PAY_ODD_AMOUNT) {
        answer->code = PAY_ANSWER_ODD_AMOUNT;
    }
}


void
pay_answer_started(pay_by_e by, pay_str_t ref, pay_str_t address,
    pay_answer_t *answer)
{
    size_t         size;
    unsigned char  text[PAY_STARTED_SIZE_MAX];

    answer->code = PAY_ANSWER_UNKNOWN;

    if (ref.size > PAY_REF_SIZE_MAX || address.size == 0
        || address.size > PAY_ADDRESS_SIZE_MAX)
    {
        return;
    }

    answer->started.by = by;
    memcpy(answer->started.address, address.data, address.size);

    if (ref.size != 0) {
        memcpy(answer->started.ref, ref.data, ref.size);
    }

    if (!pay_started_write(&answer->started, text, &size)) {
        memset(&answer->started, 0, sizeof(answer->started));
        return;
    }

    answer->code = PAY_ANSWER_STARTED;
}


bool
pay_json_text(const pay_json_token_t *object, const char *name,
    pay_text_e kind, char *out, size_t out_size, pay_str_t *text)
{
    size_t                   size;
    pay_str_t                digits;
    const pay_json_token_t  *token;

    token = pay_json_find(object, name);
    *text = pay_str(NULL, 0);

    if (kind == PAY_TEXT_NUMBER_TOO && pay_json_number(token, &digits)) {

        if (digits.size >= out_size) {
            return false;
        }

        memcpy(out, digits.data, digits.size);
        size = digits.size;

    } else if (!pay_json_string(token, out, out_size - 1, &size)) {
        return false;
    }

    out[size] = '\0';
    *text = pay_str(out, size);

    return true;
}


bool
pay_json_says(const pay_json_token_t *object, const char *name,
    pay_str_t text)
{
    char       buffer[PAY_ADDRESS_SIZE_MAX + 1];
    pay_str_t  said;

    return pay_json_text(object, name, PAY_TEXT_STRING, buffer,
                         sizeof(buffer), &said)
           && pay_str_eq(said, text);
}

/*
 * EPay: what a reply proves.
 *
 * Replies of V1 are not signed: they are believed because they came over TLS
 * from the gateway's host.  Those of V2 are, if they tell of a success: over
 * their members as decoded text, joined as everywhere in EPay, with the time.
 * A refusal is not signed by either, so it is UNKNOWN; but for V1's one about
 * the key, behind which nothing can have been done.
 *
 * Success is code 1 to a query of V1, and 0 to all else.
 */

#include "epay_priv.h"

#include "asking.h"
#include "members.h"


#define V1_WRONG_KEY     "-3"
#define V1_NOTHING_GIVEN "-4"


static void answer_v1(const pay_channel_t *channel,
    const pay_ask_t *question, const pay_form_t *form, pay_answer_t *answer);
static void answer_v2(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, const pay_form_t *form, int64_t now_s,
    pay_answer_t *answer);
static bool is_proved(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_form_t *form, int64_t now_s);
static void read_query(const pay_channel_t *channel,
    const pay_ask_t *question, const pay_form_t *form, pay_answer_t *answer);
static bool is(const pay_form_t *form, const char *name, pay_str_t text);
static bool is_or_absent(const pay_form_t *form, const char *name,
    pay_str_t text);
static bool is_refund_amount(const pay_channel_t *channel,
    const pay_ask_t *question, pay_str_t text);


void
epay_answer(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, const pay_reply_t *reply,
    pay_answer_t *answer)
{
    pay_members_t     members;
    pay_json_token_t  tokens[PAY_REPLY_TOKEN_COUNT_MAX];

    memset(answer, 0, sizeof(pay_answer_t));
    answer->code = PAY_ANSWER_UNKNOWN;

    if (reply->status != 200
        || pay_json_read(reply->body, tokens, PAY_REPLY_TOKEN_COUNT_MAX, NULL)
           != PAY_JSON_OK
        || !pay_members_read(&tokens[0], PAY_MEMBERS_OF_PHP, &members))
    {
        return;
    }

    if (epay_dialect(channel)->is_rsa) {
        answer_v2(crypto, channel, question, &members.form, reply->now_s,
                  answer);
    } else {
        answer_v1(channel, question, &members.form, answer);
    }
}


/* --- V1 ------------------------------------------------------------------ */

static void
answer_v1(const pay_channel_t *channel, const pay_ask_t *question,
    const pay_form_t *form, pay_answer_t *answer)
{
    pay_str_t  code;

    code = pay_notice_value(form, "code");

    if (question->what == PAY_ASK_QUERY && pay_str_eq(code, PAY_STR("1"))) {
        read_query(channel, question, form, answer);
        return;
    }

    if (question->what == PAY_ASK_REFUND && pay_str_eq(code, PAY_STR("0"))) {

        /* Older ones say nothing more. */

        if (is_or_absent(form, "out_trade_no", question->order_no)
            && (pay_form_find(form, "money") == NULL
                || is_refund_amount(channel, question,
                                    pay_notice_value(form, "money"))))
        {
            answer->code = PAY_ANSWER_RETURNED;
        }

        return;
    }

    pay_answer_detail(answer, code);

    if (pay_str_eq(code, PAY_STR(V1_WRONG_KEY))
        || pay_str_eq(code, PAY_STR(V1_NOTHING_GIVEN)))
    {
        answer->code = PAY_ANSWER_REFUSED;
    }
}


/* --- V2 ------------------------------------------------------------------ */

static void
answer_v2(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, const pay_form_t *form, int64_t now_s,
    pay_answer_t *answer)
{
    if (!is(form, "code", PAY_STR("0"))) {
        pay_answer_detail(answer, pay_notice_value(form, "code"));
        return;
    }

    if (!is_proved(crypto, channel, form, now_s)) {
        return;
    }

    switch (question->what) {

    case PAY_ASK_QUERY:
        read_query(channel, question, form, answer);
        return;

    case PAY_ASK_CLOSE:
        if (is_or_absent(form, "out_trade_no", question->order_no)) {
            answer->code = PAY_ANSWER_CLOSED;
        }

        return;

    default:
        if (!is(form, "out_refund_no", question->refund_no)
            || !is_or_absent(form, "out_trade_no", question->order_no)
            || !is_refund_amount(channel, question,
                                 pay_notice_value(form, "money")))
        {
            return;
        }

        answer->code = PAY_ANSWER_RETURNED;
    }
}


static bool
is_proved(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_form_t *form, int64_t now_s)
{
    pay_canonical_t  text;

    pay_canonical(&text, form, &epay_rules);

    return is_or_absent(form, "sign_type",
                        pay_text(epay_dialect(channel)->sign_type))
           && epay_sign_check(crypto, channel, &text,
                              pay_notice_value(form, "sign"))
              == PAY_PAID
           && epay_in_time(pay_notice_value(form, "timestamp"), now_s)
           && pay_notice_ambiguous(form) == NULL
           && !pay_notice_holds(form, "status")
           && !pay_notice_holds(form, "refundmoney")
           && !pay_notice_holds(form, "out_refund_no");
}


/* --- both ---------------------------------------------------------------- */

static void
read_query(const pay_channel_t *channel, const pay_ask_t *question,
    const pay_form_t *form, pay_answer_t *answer)
{
    pay_str_t  status;

    if (!is(form, "pid", channel->pid)
        || !is(form, "out_trade_no", question->order_no))
    {
        return;
    }

    status = pay_notice_value(form, "status");

    if (pay_str_eq(status, PAY_STR("0"))) {
        answer->code = PAY_ANSWER_UNPAID;

    } else if (pay_str_eq(status, PAY_STR("1"))
               && pay_notice_value(form, "refundmoney").size == 0)
    {
        pay_answer_paid(channel, question, question->order_no,
                        pay_notice_value(form, "trade_no"),
                        pay_notice_value(form, "money"), answer);

    } else {
        /* Given back, in part or in full, or frozen: a person decides. */
        pay_answer_detail(answer, status);
    }
}


static bool
is(const pay_form_t *form, const char *name, pay_str_t text)
{
    return pay_str_eq(pay_notice_value(form, name), text);
}


static bool
is_or_absent(const pay_form_t *form, const char *name, pay_str_t text)
{
    return pay_form_find(form, name) == NULL || is(form, name, text);
}


static bool
is_refund_amount(const pay_channel_t *channel, const pay_ask_t *question,
    pay_str_t text)
{
    int64_t  amount;

    return pay_money_parse(text,
                           pay_currency_exponent(pay_text(channel->currency)),
                           &amount)
           == PAY_MONEY_OK
           && amount == question->refund_amount;
}

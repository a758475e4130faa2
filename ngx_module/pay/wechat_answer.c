/*
 * WeChat Pay: what a reply proves.
 *
 * Replies are signed, those that refuse, too.  One that is not, or was long
 * ago, proves nothing; what code it names is still worth a line in the log.
 * The signature does not say which request it answers, so what is answered is
 * compared with what was asked.
 */

#include "wechat_priv.h"

#include <stdio.h>


typedef struct {
    const char    *name;
    pay_answer_e   answer;
} word_t;

#define WORD_COUNT(words)  (sizeof(words) / sizeof((words)[0]))


static void answer_start(const pay_json_token_t *root, pay_answer_t *answer);
static void answer_query(const pay_channel_t *channel,
    const pay_ask_t *question, const pay_json_token_t *root,
    pay_answer_t *answer);
static void answer_refund(const pay_ask_t *question,
    const pay_json_token_t *root, pay_answer_t *answer);
static void answer_error(const pay_ask_t *question,
    const pay_json_token_t *root, pay_answer_t *answer);
static void say(pay_answer_t *answer, const char *text);
static void say_word(pay_answer_t *answer, const pay_json_token_t *object,
    const char *name);
static void say_unproved(pay_answer_t *answer, const char *why,
    pay_str_t body);
static bool find_word(const word_t *words, size_t count,
    const pay_json_token_t *token, pay_answer_e *answer);


/*
 * Codes of replies that refuse.  What is not here may or may not have been
 * done, as SYSTEM_ERROR and BANK_ERROR say of themselves.  NOT_ENOUGH is our
 * own balance there: the same refund can be asked for again.
 */

static const word_t  errors[] = {
    { "ACCOUNT_ERROR", PAY_ANSWER_REFUSED },
    { "APPID_MCHID_NOT_MATCH", PAY_ANSWER_REFUSED },
    { "FREQUENCY_LIMITED", PAY_ANSWER_BUSY },
    { "FREQUENCY_LIMIT_EXCEED", PAY_ANSWER_BUSY },
    { "INVALID_REQUEST", PAY_ANSWER_REFUSED },
    { "MCH_NOT_EXISTS", PAY_ANSWER_REFUSED },
    { "NOT_ENOUGH", PAY_ANSWER_BUSY },
    { "NO_AUTH", PAY_ANSWER_REFUSED },
    { "ORDER_CLOSED", PAY_ANSWER_CLOSED },
    { "ORDERPAID", PAY_ANSWER_REFUSED },
    { "ORDER_NOT_EXIST", PAY_ANSWER_NONE },
    { "ORDERNOTEXIST", PAY_ANSWER_NONE },
    { "OUT_TRADE_NO_USED", PAY_ANSWER_REFUSED },
    { "PARAM_ERROR", PAY_ANSWER_REFUSED },
    { "RATELIMIT_EXCEEDED", PAY_ANSWER_BUSY },
    { "RATELIMIT_EXCEED", PAY_ANSWER_BUSY },
    { "REQUEST_BLOCKED", PAY_ANSWER_REFUSED },
    { "RESOURCE_NOT_EXISTS", PAY_ANSWER_NONE },
    { "RULE_LIMIT", PAY_ANSWER_REFUSED },
    { "RULELIMIT", PAY_ANSWER_REFUSED },
    { "SIGN_ERROR", PAY_ANSWER_REFUSED },
    { "TRADE_ERROR", PAY_ANSWER_REFUSED },
    { "USER_ACCOUNT_ABNORMAL", PAY_ANSWER_REFUSED }
};

/* ABNORMAL: the money did not get through to the buyer, and a person has to
 * lead it elsewhere on the merchant page; nobody can say from here whether he
 * did. */

static const word_t  refund_states[] = {
    { "SUCCESS", PAY_ANSWER_RETURNED },
    { "PROCESSING", PAY_ANSWER_WORKING },
    { "CLOSED", PAY_ANSWER_REFUSED }
};


void
wechat_answer(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, const pay_reply_t *reply, pay_answer_t *answer)
{
    const char        *field;
    pay_verdict_e      verdict;
    pay_json_token_t   root[WECHAT_TOKEN_COUNT];

    memset(answer, 0, sizeof(pay_answer_t));
    answer->code = PAY_ANSWER_UNKNOWN;

    verdict = wechat_proof(crypto, channel, reply->headers,
                           reply->header_count, reply->body, reply->now_s,
                           &field);
    if (verdict != PAY_PAID) {
        say_unproved(answer, pay_verdict_word(verdict), reply->body);
        return;
    }

    if (question->what == PAY_ASK_CLOSE && reply->status == 204
        && reply->body.size == 0)
    {
        answer->code = PAY_ANSWER_CLOSED;
        return;
    }

    if (pay_json_read(reply->body, root, WECHAT_TOKEN_COUNT, NULL)
        != PAY_JSON_OK)
    {
        say(answer, "json");
        return;
    }

    if (reply->status >= 400 && reply->status <= 499) {
        answer_error(question, root, answer);
        return;
    }

    if (reply->status != 200) {
        say_word(answer, root, "code");
        return;
    }

    switch (question->what) {

    case PAY_ASK_START:
        answer_start(root, answer);
        break;

    case PAY_ASK_QUERY:
        answer_query(channel, question, root, answer);
        break;

    case PAY_ASK_REFUND:
    case PAY_ASK_REFUND_QUERY:
        answer_refund(question, root, answer);
        break;

    default:
        say(answer, "status");
    }
}


static void
answer_start(const pay_json_token_t *root, pay_answer_t *answer)
{
    size_t         size, text_size;
    pay_started_t  started;
    unsigned char  text[PAY_STARTED_SIZE_MAX];

    memset(&started, 0, sizeof(pay_started_t));
    started.by = PAY_BY_QR;

    /* That it can be kept is tried at once. */

    if (!pay_json_string(pay_json_find(root, "code_url"), started.address,
                         PAY_ADDRESS_SIZE_MAX, &size)
        || !pay_started_write(&started, text, &text_size))
    {
        say(answer, "code_url");
        return;
    }

    answer->code = PAY_ANSWER_STARTED;
    answer->started = started;
}


static void
answer_query(const pay_channel_t *channel, const pay_ask_t *question,
    const pay_json_token_t *root, pay_answer_t *answer)
{
    pay_fact_t     fact;
    pay_answer_e   code;
    pay_verdict_e  verdict;

    memset(&fact, 0, sizeof(pay_fact_t));
    verdict = wechat_transaction(channel, root, &fact, &code);

    if (!pay_verdict_acknowledged(verdict)) {
        say(answer, fact.field);
        return;
    }

    if (!pay_str_eq(pay_text(fact.order_no), question->order_no)) {
        say(answer, "out_trade_no");
        return;
    }

    answer->code = verdict == PAY_ODD_AMOUNT ? PAY_ANSWER_ODD_AMOUNT : code;

    if (verdict == PAY_PAID || verdict == PAY_ODD_AMOUNT) {
        answer->fact = fact;
    } else {
        say_word(answer, root, "trade_state");
    }
}


static void
answer_refund(const pay_ask_t *question, const pay_json_token_t *root,
    pay_answer_t *answer)
{
    int64_t                  refunded;
    const pay_json_token_t  *amount;
    char                     refund_no[PAY_REFUND_NO_SIZE_MAX + 1];
    char                     order_no[PAY_ORDER_NO_SIZE_MAX + 1];

    amount = pay_json_find(root, "amount");

    if (!wechat_id(root, "out_refund_no", "", refund_no,
                   PAY_REFUND_NO_SIZE_MAX)
        || !pay_str_eq(pay_text(refund_no), question->refund_no))
    {
        say(answer, "out_refund_no");
        return;
    }

    if (!wechat_id(root, "out_trade_no", "", order_no, PAY_ORDER_NO_SIZE_MAX)
        || !pay_str_eq(pay_text(order_no), question->order_no))
    {
        say(answer, "out_trade_no");
        return;
    }

    if (!pay_json_integer(pay_json_find(amount, "refund"), &refunded)
        || refunded != question->refund_amount
        || !wechat_says(amount, "currency", PAY_STR("CNY")))
    {
        say(answer, "amount");
        return;
    }

    if (!find_word(refund_states, WORD_COUNT(refund_states),
                   pay_json_find(root, "status"), &answer->code)
        || answer->code == PAY_ANSWER_REFUSED)
    {
        say_word(answer, root, "status");
    }
}


static void
answer_error(const pay_ask_t *question, const pay_json_token_t *root,
    pay_answer_t *answer)
{
    say_word(answer, root, "code");
    (void) find_word(errors, WORD_COUNT(errors), pay_json_find(root, "code"),
                     &answer->code);

    /* Whoever may not ask has not heard that the refund was refused.  And of
     * a refund, INVALID_REQUEST also says that nothing is left to give back:
     * that may have gone back under this very number. */

    if (answer->code == PAY_ANSWER_REFUSED
        && (question->what == PAY_ASK_REFUND_QUERY
            || (question->what == PAY_ASK_REFUND
                && pay_json_is(pay_json_find(root, "code"),
                               "INVALID_REQUEST"))))
    {
        answer->code = PAY_ANSWER_UNKNOWN;
    }
}


static void
say(pay_answer_t *answer, const char *text)
{
    (void) snprintf(answer->detail, sizeof(answer->detail), "%s", text);
}


static void
say_word(pay_answer_t *answer, const pay_json_token_t *object,
    const char *name)
{
    char  word[PAY_DETAIL_SIZE_MAX + 1];

    say(answer, wechat_id(object, name, ".", word, PAY_DETAIL_SIZE_MAX)
                ? word : name);
}


/* "signature.SIGN_ERROR": it tells an operator what to look for, and nothing
 * is done about it. */

static void
say_unproved(pay_answer_t *answer, const char *why, pay_str_t body)
{
    char              word[PAY_DETAIL_SIZE_MAX / 2 + 1];
    pay_json_token_t  root[WECHAT_TOKEN_COUNT];

    if (pay_json_read(body, root, WECHAT_TOKEN_COUNT, NULL) == PAY_JSON_OK
        && wechat_id(root, "code", ".", word, PAY_DETAIL_SIZE_MAX / 2))
    {
        (void) snprintf(answer->detail, sizeof(answer->detail), "%s.%s", why,
                        word);
    } else {
        say(answer, why);
    }
}


/* false: no such word, and *answer stays. */

static bool
find_word(const word_t *words, size_t count, const pay_json_token_t *token,
    pay_answer_e *answer)
{
    size_t  i;

    for (i = 0; i < count; i++) {
        if (pay_json_is(token, words[i].name)) {
            *answer = words[i].answer;
            return true;
        }
    }

    return false;
}

/*
 * Stripe: what a reply proves.
 *
 * Replies are not signed: that they came over TLS from the right host is all
 * there is.  What is answered is compared with what was asked, all the same.
 */

#include "stripe_priv.h"

#include <stdio.h>


typedef struct {
    const char    *name;
    pay_answer_e   answer;
} word_t;

#define WORD_COUNT(words)  (sizeof(words) / sizeof((words)[0]))


static void answer_start(const pay_channel_t *channel,
    const pay_ask_t *question, const pay_json_token_t *session,
    pay_answer_t *answer);
static bool is_address(const pay_channel_t *channel, const char *address);
static void answer_session(const pay_channel_t *channel,
    const pay_ask_t *question, const pay_json_token_t *session,
    pay_answer_t *answer);
static bool is_asked(const pay_channel_t *channel, const pay_ask_t *question,
    const pay_json_token_t *session, pay_answer_t *answer);
static void answer_paid(const pay_channel_t *channel,
    const pay_json_token_t *session, pay_answer_t *answer);
static void answer_refund(const pay_ask_t *question,
    const pay_json_token_t *refund, pay_answer_t *answer);
static void answer_refunds(const pay_ask_t *question,
    const pay_json_token_t *list, pay_answer_t *answer);
static bool is_refund(const pay_ask_t *question,
    const pay_json_token_t *refund);
static void answer_error(const pay_ask_t *question, unsigned status,
    const pay_json_token_t *root, pay_answer_t *answer);
static bool is_id(const pay_json_token_t *object, const char *name,
    pay_str_t text);
static void say(pay_answer_t *answer, const char *text);
static bool find_word(const word_t *words, size_t count,
    const pay_json_token_t *token, pay_answer_e *answer);


static const word_t  session_states[] = {
    { "open", PAY_ANSWER_UNPAID },
    { "complete", PAY_ANSWER_UNPAID },         /* a slow way to pay */
    { "expired", PAY_ANSWER_CLOSED }
};

/* Money of a refund that fails comes back to us. */

static const word_t  refund_states[] = {
    { "succeeded", PAY_ANSWER_RETURNED },
    { "pending", PAY_ANSWER_WORKING },
    { "requires_action", PAY_ANSWER_WORKING },
    { "failed", PAY_ANSWER_REFUSED },
    { "canceled", PAY_ANSWER_REFUSED }
};

/* What is refused, by its status; of all others nobody knows what became of
 * it: 409 says that somebody else asks the same right now. */

static const struct {
    unsigned      status;
    pay_answer_e  answer;
} refusals[] = {
    { 400, PAY_ANSWER_REFUSED },
    { 401, PAY_ANSWER_REFUSED },
    { 402, PAY_ANSWER_REFUSED },
    { 403, PAY_ANSWER_REFUSED },
    { 404, PAY_ANSWER_NONE },
    { 429, PAY_ANSWER_BUSY }
};

/* .. if it is of these types.  An idempotency_error is not: it tells of
 * another request under the same key, and of what became of that, nothing. */

static const char *const  refusal_types[] = {
    "invalid_request_error", "card_error", "rate_limit_error"
};


void
stripe_answer(pay_crypto_t *crypto, const pay_channel_t *channel,
    const pay_ask_t *question, const pay_reply_t *reply, pay_answer_t *answer)
{
    pay_json_token_t  root[STRIPE_TOKEN_COUNT];

    (void) crypto;

    memset(answer, 0, sizeof(pay_answer_t));
    answer->code = PAY_ANSWER_UNKNOWN;

    if (pay_json_read(reply->body, root, STRIPE_TOKEN_COUNT, NULL)
        != PAY_JSON_OK)
    {
        say(answer, "json");
        return;
    }

    if (reply->status != 200) {
        answer_error(question, reply->status, root, answer);
        return;
    }

    switch (question->what) {

    case PAY_ASK_START:
        answer_start(channel, question, root, answer);
        break;

    case PAY_ASK_QUERY:
    case PAY_ASK_CLOSE:
        answer_session(channel, question, root, answer);
        break;

    case PAY_ASK_REFUND:
        answer_refund(question, root, answer);
        break;

    case PAY_ASK_REFUND_QUERY:
        answer_refunds(question, root, answer);
        break;

    default:
        break;
    }
}


static void
answer_start(const pay_channel_t *channel, const pay_ask_t *question,
    const pay_json_token_t *session, pay_answer_t *answer)
{
    char           currency[PAY_CURRENCY_SIZE + 1];
    size_t         size, text_size;
    int64_t        amount;
    pay_started_t  started;
    unsigned char  text[PAY_STARTED_SIZE_MAX];

    memset(&started, 0, sizeof(pay_started_t));
    started.by = PAY_BY_REDIRECT;

    if (!is_asked(channel, question, session, answer)) {
        return;
    }

    if (!stripe_amount(session, "amount_total", &amount, currency)
        || amount != question->amount
        || strcmp(currency, question->currency) != 0)
    {
        say(answer, "amount_total");
        return;
    }

    if (!stripe_id(session, "id", "", started.ref, PAY_REF_SIZE_MAX)) {
        say(answer, "id");
        return;
    }

    /* That it can be kept is tried at once. */

    if (!pay_json_string(pay_json_find(session, "url"), started.address,
                         PAY_ADDRESS_SIZE_MAX, &size)
        || !is_address(channel, started.address)
        || !pay_started_write(&started, text, &text_size))
    {
        say(answer, "url");
        return;
    }

    answer->code = PAY_ANSWER_STARTED;
    answer->started = started;
}


/* Buyers go over https, but to a gateway for tests on this machine. */

static bool
is_address(const pay_channel_t *channel, const char *address)
{
    return strncmp(address, "https://", 8) == 0
           || (strncmp(address, "http://", 7) == 0
               && memcmp(channel->url.data, "http://", 7) == 0);
}


static void
answer_session(const pay_channel_t *channel, const pay_ask_t *question,
    const pay_json_token_t *session, pay_answer_t *answer)
{
    const pay_json_token_t  *status;

    if (!is_asked(channel, question, session, answer)) {
        return;
    }

    if (!is_id(session, "id", question->ref)) {
        say(answer, "id");
        return;
    }

    status = pay_json_find(session, "payment_status");

    if (pay_json_is(status, "paid")) {
        answer_paid(channel, session, answer);
        return;
    }

    if (!pay_json_is(status, "unpaid")) {
        say(answer, "payment_status");
        return;
    }

    if (!find_word(session_states, WORD_COUNT(session_states),
                   pay_json_find(session, "status"), &answer->code))
    {
        say(answer, "status");
    }
}


/* Is this the session of the order that was asked about? */

static bool
is_asked(const pay_channel_t *channel, const pay_ask_t *question,
    const pay_json_token_t *session, pay_answer_t *answer)
{
    if (!pay_json_is(pay_json_find(session, "object"), "checkout.session")) {
        say(answer, "object");
        return false;
    }

    if (!stripe_is_ours(channel, session)) {
        say(answer, "livemode");
        return false;
    }

    if (!is_id(session, "client_reference_id", question->order_no)) {
        say(answer, "client_reference_id");
        return false;
    }

    return true;
}


/* A session stays paid when its money goes back; its charge tells. */

static void
answer_paid(const pay_channel_t *channel, const pay_json_token_t *session,
    pay_answer_t *answer)
{
    int64_t                  refunded;
    pay_fact_t               fact;
    const pay_json_token_t  *charge;

    memset(&fact, 0, sizeof(pay_fact_t));

    if (stripe_session(channel, session, &fact) != PAY_PAID) {
        say(answer, fact.field);
        return;
    }

    charge = pay_json_find(pay_json_find(session, "payment_intent"),
                           "latest_charge");

    if (!pay_json_integer(pay_json_find(charge, "amount_refunded"),
                          &refunded)
        || refunded < 0)
    {
        say(answer, "amount_refunded");
        return;
    }

    if (refunded != 0) {
        answer->code = PAY_ANSWER_RETURNED;
        return;
    }

    answer->code = PAY_ANSWER_PAID;
    answer->fact = fact;
}


static void
answer_refund(const pay_ask_t *question, const pay_json_token_t *refund,
    pay_answer_t *answer)
{
    char     currency[PAY_CURRENCY_SIZE + 1];
    int64_t  amount;

    if (!is_refund(question, refund)) {
        say(answer, "metadata");
        return;
    }

    if (!is_id(refund, "payment_intent", question->trade_no)) {
        say(answer, "payment_intent");
        return;
    }

    if (!stripe_amount(refund, "amount", &amount, currency)
        || amount != question->refund_amount
        || strcmp(currency, question->currency) != 0)
    {
        say(answer, "amount");
        return;
    }

    if (!find_word(refund_states, WORD_COUNT(refund_states),
                   pay_json_find(refund, "status"), &answer->code))
    {
        say(answer, "status");
    }
}


static bool
is_refund(const pay_ask_t *question, const pay_json_token_t *refund)
{
    return pay_json_is(pay_json_find(refund, "object"), "refund")
           && is_id(pay_json_find(refund, "metadata"), STRIPE_META_REFUND,
                    question->refund_no);
}


static void
answer_refunds(const pay_ask_t *question, const pay_json_token_t *list,
    pay_answer_t *answer)
{
    bool                     more;
    const pay_json_token_t  *data, *refund;

    data = pay_json_find(list, "data");

    for (refund = pay_json_item(data, NULL); refund != NULL;
         refund = pay_json_item(data, refund))
    {
        if (is_refund(question, refund)) {
            answer_refund(question, refund, answer);
            return;
        }
    }

    if (data != NULL && data->type == PAY_JSON_ARRAY
        && pay_json_is(pay_json_find(list, "object"), "list")
        && pay_json_bool(pay_json_find(list, "has_more"), &more) && !more)
    {
        answer->code = PAY_ANSWER_NONE;
        return;
    }

    say(answer, "has_more");
}


static void
answer_error(const pay_ask_t *question, unsigned status,
    const pay_json_token_t *root, pay_answer_t *answer)
{
    char                     word[PAY_DETAIL_SIZE_MAX + 1];
    size_t                   i, j;
    const pay_json_token_t  *error, *type;

    error = pay_json_find(root, "error");
    type = pay_json_find(error, "type");

    say(answer, stripe_id(error, "code", ".", word, PAY_DETAIL_SIZE_MAX)
                || stripe_id(error, "type", ".", word, PAY_DETAIL_SIZE_MAX)
                ? word : "status");

    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        for (j = 0; j < sizeof(refusal_types) / sizeof(refusal_types[0]);
             j++)
        {
            if (status == refusals[i].status
                && pay_json_is(type, refusal_types[j]))
            {
                answer->code = refusals[i].answer;
            }
        }
    }

    /* Whoever may not ask has not heard that the refund was refused.  And what
     * was given back already may have been so under this very number, which
     * is known as a key for a day alone. */

    if (answer->code == PAY_ANSWER_REFUSED
        && (question->what == PAY_ASK_REFUND_QUERY
            || pay_json_is(pay_json_find(error, "code"),
                           "charge_already_refunded")))
    {
        answer->code = PAY_ANSWER_UNKNOWN;
    }
}


/* A member that is exactly this text. */

static bool
is_id(const pay_json_token_t *object, const char *name, pay_str_t text)
{
    char  value[PAY_REF_SIZE_MAX + 1];

    return stripe_id(object, name, "", value, PAY_REF_SIZE_MAX)
           && pay_str_eq(pay_text(value), text);
}


static void
say(pay_answer_t *answer, const char *text)
{
    (void) snprintf(answer->detail, sizeof(answer->detail), "%s", text);
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

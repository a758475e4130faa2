/*
 * What is remembered of notices: what was acknowledged and nothing else,
 * under all that was judged, until a set is full of newer ones.
 */

#include "../../ngx_module/pay/memo.h"

#include "tap.h"

#include <stdio.h>
#include <string.h>


#define MANY  (PAY_MEMO_SETS * PAY_MEMO_WAYS / 2)


static pay_verdict_e  verdict;
static unsigned       verified;
static pay_memo_t    *memo;
static pay_crypto_t  *crypto;


/* The protocol of a gateway that signs nothing. */

static pay_verdict_e
verify(pay_crypto_t *unused, const pay_channel_t *channel,
    const pay_notice_t *notice, pay_fact_t *fact)
{
    memset(fact, 0, sizeof(*fact));
    memcpy(fact->order_no, notice->body.data, notice->body.size);
    verified++;

    return verdict;
}


static const pay_protocol_t  known = { .verify = verify, .remembered = true };
static const pay_protocol_t  other = { .verify = verify };
static const pay_channel_t   channel = { .protocol = &known };


/* Whether it had to be verified, that is: was not remembered. */

static int
is_new(const pay_channel_t *to, unsigned method, const char *query,
    const char *body)
{
    pay_fact_t     fact;
    unsigned       before;
    pay_notice_t   notice;
    pay_verdict_e  said;

    memset(&notice, 0, sizeof(notice));
    notice.method = method;
    notice.query = pay_text(query);
    notice.body = pay_text(body);
    before = verified;

    memset(&fact, 0xa5, sizeof(fact));
    said = pay_memo_verify(memo, crypto, to, &notice, &fact);

    if (said != verdict || strcmp(fact.order_no, body) != 0
        || fact.trade_no[0] != '\0')
    {
        printf("#   %s: verdict %d, order %s\n", body, said, fact.order_no);
        return -1;
    }

    return verified != before;
}


static int
is_new_post(const char *body)
{
    return is_new(&channel, PAY_METHOD_POST, "", body);
}


static unsigned
count_new(unsigned from, unsigned to)
{
    int       said;
    char      body[16];
    unsigned  i, count, wrong;

    for (i = from, count = 0, wrong = 0; i < to; i++) {
        (void) snprintf(body, sizeof(body), "%u", i);
        said = is_new_post(body);
        count += said == 1;
        wrong += said == -1;
    }

    EQ_INT(wrong, 0, "each has what itself proved");

    return count;
}


static void
test_judged(void)
{
    static const pay_channel_t  twin = { .protocol = &known };
    static const pay_channel_t  stranger = { .protocol = &other };

    verdict = PAY_PAID;
    EQ_INT(is_new_post("ab"), 1, "a notice is verified");
    EQ_INT(is_new_post("ab"), 0, "and the same again is remembered");
    EQ_INT(is_new_post("ac"), 1, "but not another body");
    EQ_INT(is_new(&channel, PAY_METHOD_POST, "a", "ab"), 1,
           "nor another query");
    EQ_INT(is_new(&channel, PAY_METHOD_POST, "b", "ab"), 1,
           "nor one of the same size");
    EQ_INT(is_new(&channel, PAY_METHOD_POST, "aa", "b"), 1,
           "nor the same bytes in another place");
    EQ_INT(is_new(&channel, PAY_METHOD_GET, "", "ab"), 1,
           "nor another method");
    EQ_INT(is_new(&twin, PAY_METHOD_POST, "", "ab"), 1,
           "nor another channel");

    EQ_INT(is_new(&stranger, PAY_METHOD_POST, "", "ab"), 1,
           "another protocol");
    EQ_INT(is_new(&stranger, PAY_METHOD_POST, "", "ab"), 1,
           "is always asked");
}


static void
test_verdicts(void)
{
    char           body[64];
    pay_verdict_e  each;

    for (each = 0; each < PAY_VERDICT_COUNT; each++) {
        verdict = each;
        (void) snprintf(body, sizeof(body), "says %s", pay_verdict_word(each));
        EQ_INT(is_new_post(body), 1, "%s", body);
        EQ_INT(is_new_post(body), !pay_verdict_acknowledged(each),
               "and %s when it comes again",
               pay_verdict_acknowledged(each) ? "is remembered"
                                              : "is judged anew");
    }

    verdict = PAY_PAID;
}


static void
test_many(void)
{
    unsigned  left;

    EQ_INT(count_new(0, MANY), MANY, "as many as half of its places");
    left = count_new(0, MANY);
    OK(left < MANY / 50, "are remembered: %u are not", left);

    (void) count_new(MANY, 10 * MANY);
    OK(count_new(9 * MANY, 10 * MANY) < MANY / 50, "the newest stay");
    OK(count_new(0, MANY) > MANY - MANY / 50, "the oldest go");
}


/* A verdict that hangs on the time or on a header would be wrong when it is
 * remembered: whose row says so has been looked at. */

static void
test_who(void)
{
    size_t  i;

    static const struct {
        const pay_protocol_t  *protocol;
        bool                   remembered;
    } rows[] = {
        { &pay_alipay_protocol, true },
        { &pay_epay_protocol, false },
        { &pay_epay2_protocol, false },
        { &pay_epusdt_protocol, false },
        { &pay_gmpay_protocol, false },
        { &pay_bepusdt_protocol, false },
        { &pay_wechat_protocol, false },
        { &pay_stripe_protocol, false },
        { &pay_custom_protocol, false }
    };

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        EQ_INT(rows[i].protocol->remembered, rows[i].remembered, "%s is%s",
               rows[i].protocol->name, rows[i].remembered ? "" : " not");
    }
}


int
main(void)
{
    char  err[256];

    crypto = pay_crypto_create(err, sizeof(err));
    memo = pay_memo_create();
    OK(crypto != NULL && memo != NULL, "a memo");

    test_judged();
    test_verdicts();
    test_many();
    test_who();

    pay_memo_destroy(memo);
    pay_memo_destroy(NULL);
    pay_crypto_destroy(crypto);

    return tap_done();
}

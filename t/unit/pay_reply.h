/*
 * What the tests of questions share: a question, a reply, JSON of fields, and
 * the matrix of mutations of a reply, each of its members in turn missing,
 * empty, re-cased, renamed, cut, with a bit flipped and given twice.
 */

#ifndef FAKA_PAY_REPLY_H_INCLUDED_
#define FAKA_PAY_REPLY_H_INCLUDED_


#include "pay_matrix.h"


#define REPLY_ORDER_NO   "01J0000000000000000000000A"
#define REPLY_TRADE_NO   "2026010222001400000000000001"
#define REPLY_REFUND_NO  "R-01J0000000000000000000"
#define REPLY_NOW_S      INT64_C(1767323045)     /* 2026-01-02 03:04:05 UTC */
#define REPLY_BODY_SIZE  8192


static const pay_ask_t  reply_question = {
    .what = PAY_ASK_QUERY,
    .order_no = PAY_STR(REPLY_ORDER_NO),
    .amount = 990,
    .currency = "CNY",
    .trade_no = PAY_STR(REPLY_TRADE_NO),
    .refund_no = PAY_STR(REPLY_REFUND_NO),
    .refund_amount = 100,
    .paid_amount = 990,
    .notify_url = PAY_STR("https://shop.example/notify/way"),
    .return_url = PAY_STR("https://shop.example/return/1"),
    .now_s = REPLY_NOW_S,
    .expires_s = REPLY_NOW_S + 900
};


__attribute__((unused))
static pay_ask_t
reply_asked(pay_ask_e what)
{
    pay_ask_t  question;

    question = reply_question;
    question.what = what;

    return question;
}


/* An answer that proves nothing must hand on nothing. */

__attribute__((unused))
static pay_answer_e
reply_judge(pay_crypto_t *toolbox, const pay_channel_t *way,
    const pay_ask_t *question, unsigned status, const char *body,
    pay_answer_t *answer)
{
    pay_fact_t     no_fact;
    pay_reply_t    reply;
    pay_started_t  not_started;

    memset(&reply, 0, sizeof(reply));
    memset(answer, 0xaa, sizeof(*answer));
    memset(&no_fact, 0, sizeof(no_fact));
    memset(&not_started, 0, sizeof(not_started));

    reply.status = status;
    reply.body = pay_str(body, strlen(body));
    reply.now_s = REPLY_NOW_S;

    way->protocol->answer(toolbox, way, question, &reply, answer);

    if (answer->code != PAY_ANSWER_PAID
        && answer->code != PAY_ANSWER_ODD_AMOUNT
        && memcmp(&answer->fact, &no_fact, sizeof(no_fact)) != 0)
    {
        OK(false, "%s comes with facts", pay_answer_word(answer->code));
    }

    if (answer->code != PAY_ANSWER_STARTED
        && memcmp(&answer->started, &not_started, sizeof(not_started)) != 0)
    {
        OK(false, "%s comes with an address", pay_answer_word(answer->code));
    }

    return answer->code;
}


/* --- requests ------------------------------------------------------------ */

/* Splits "name=value&..." whose values are escaped; values stay in text. */

__attribute__((unused))
static size_t
reply_split(char *text, signer_field_t fields[SIGNER_FIELDS_MAX])
{
    char      *p, *out, *rest, *pair;
    size_t     count;
    unsigned   byte;

    count = 0;

    for (pair = strtok_r(text, "&", &rest); pair != NULL;
         pair = strtok_r(NULL, "&", &rest))
    {
        p = strchr(pair, '=');
        *p++ = '\0';
        fields[count++] = (signer_field_t) { pair, p, 0 };

        for (out = p; *p != '\0'; out++) {
            if (*p == '%' && sscanf(p + 1, "%2x", &byte) == 1) {
                *out = (char) byte;
                p += 3;
            } else {
                *out = *p++;
            }
        }

        *out = '\0';
    }

    return count;
}


__attribute__((unused))
static bool
reply_has(pay_str_t text, const char *part)
{
    size_t  i, size;

    size = strlen(part);

    for (i = 0; i + size <= text.size; i++) {
        if (memcmp(text.data + i, part, size) == 0) {
            return true;
        }
    }

    return false;
}


/* --- JSON ---------------------------------------------------------------- */

/* {"name":"value",...}; a value that begins with "#" is written as it is. */

__attribute__((unused))
static void
reply_json(const signer_field_t *fields, size_t count,
    char out[REPLY_BODY_SIZE])
{
    size_t       i, used;
    const char  *value;

    used = (size_t) snprintf(out, REPLY_BODY_SIZE, "{");

    for (i = 0; i < count; i++) {
        value = fields[i].value;
        used += (size_t) snprintf(out + used, REPLY_BODY_SIZE - used,
                                  value[0] == '#' ? "%s\"%s\":%s"
                                                  : "%s\"%s\":\"%s\"",
                                  i ? "," : "", fields[i].name,
                                  value[0] == '#' ? value + 1 : value);
    }

    (void) snprintf(out + used, REPLY_BODY_SIZE - used, "}");
}


/* Missing, empty, re-cased, renamed, truncated, flipped; one given twice is
 * for nobody. */

typedef pay_answer_e  reply_row_t[MATRIX_SIGNED_COUNT];

typedef struct {
    const signer_field_t  *genuine;
    size_t                 count;

    /* What the fields are worth, signed if replies are. */
    pay_answer_e         (*judge)(const signer_field_t *fields,
                                  size_t count);
} reply_matrix_t;


__attribute__((unused))
static void
reply_sweep(const char *what, const reply_matrix_t *replies,
    const reply_row_t *codes)
{
    int             mutation;
    char            texts[128];
    size_t          i, count;
    matrix_t        single;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    memset(&single, 0, sizeof(single));
    single.genuine = replies->genuine;
    single.count = replies->count;

    for (i = 0; i < single.count; i++) {
        for (mutation = 0; mutation < MATRIX_SIGNED_COUNT; mutation++) {
            if (!matrix_applies(&single.genuine[i], mutation)) {
                continue;
            }

            count = matrix_mutate(&single, i, mutation, fields, texts);
            EQ_INT(replies->judge(fields, count), codes[i][mutation],
                   "%s: %s %s: %s", what, single.genuine[i].name,
                   matrix_words[mutation],
                   pay_answer_word(codes[i][mutation]));
        }

        count = matrix_mutate(&single, i, MATRIX_DUPLICATED, fields, texts);
        EQ_INT(replies->judge(fields, count), PAY_ANSWER_UNKNOWN,
               "%s: %s given twice", what, single.genuine[i].name);
    }
}


#endif /* FAKA_PAY_REPLY_H_INCLUDED_ */

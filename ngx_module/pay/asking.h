/*
 * What the protocols share when they ask, and when they read the reply.
 * Private to them.
 */

#ifndef FAKA_PAY_ASKING_H_INCLUDED_
#define FAKA_PAY_ASKING_H_INCLUDED_


#include "json.h"
#include "pay.h"


/* The most values that a reply is looked at with. */

#define PAY_REPLY_TOKEN_COUNT_MAX  256


/*
 * Can this be asked at all: is it among the channel's questions, and are its
 * numbers, its currency and its sums what they must be?  The order's number
 * may have the characters of extra besides those of an id.  money gets the sum
 * that the question is about as decimal text: that of the refund, else the
 * order's.
 */

bool pay_ask_check(const pay_channel_t *channel, const pay_ask_t *question,
    const char *extra, char money[PAY_MONEY_TEXT_SIZE_MAX]);

/* Into the log: what of text can stand there.  Nothing else in answer
 * changes. */

void pay_answer_detail(pay_answer_t *answer, pay_str_t text);

/*
 * PAID or ODD_AMOUNT with these facts, amount being decimal text; UNKNOWN if
 * one of them is not as it must be, or the order is another one than asked
 * for.  Answer is zero before.
 */

void pay_answer_paid(const pay_channel_t *channel, const pay_ask_t *question,
    pay_str_t order_no, pay_str_t trade_no, pay_str_t amount,
    pay_answer_t *answer);

/* STARTED at this address, or UNKNOWN if it cannot be kept. */

void pay_answer_started(pay_by_e by, pay_str_t ref, pay_str_t address,
    pay_answer_t *answer);

/*
 * The member of this name as text, terminated: a string without NUL, or, if
 * numbers are taken, the digits of a number.  false: there is none, or one of
 * more than out_size - 1 bytes; *text is empty then.
 */

typedef enum {
    PAY_TEXT_STRING,
    PAY_TEXT_NUMBER_TOO
} pay_text_e;

bool pay_json_text(const pay_json_token_t *object, const char *name,
    pay_text_e kind, char *out, size_t out_size, pay_str_t *text);

/* Is the member of this name a string with this text? */

bool pay_json_says(const pay_json_token_t *object, const char *name,
    pay_str_t text);


#endif /* FAKA_PAY_ASKING_H_INCLUDED_ */

/*
 * A channel whose protocol is written in its block: what is sent, what a
 * notice's fields are called, and how the string is made that is signed.  For
 * the gateways that speak nearly EPay.
 *
 * Names, hash and order can be chosen; what protects cannot:
 *
 *   - A notice has a status and a trade number, under names that no request
 *     of ours has, or our own signed request would be a notice.
 *   - All that was received is signed, or all that is read.
 *   - Values that are joined without anything between them can be cut apart
 *     in one way only: see custom_sign.c.
 */

#ifndef FAKA_PAY_CUSTOM_H_INCLUDED_
#define FAKA_PAY_CUSTOM_H_INCLUDED_


#include "pay.h"


#define PAY_CUSTOM_SENDS_MAX       24
#define PAY_CUSTOM_LIST_MAX        12
#define PAY_CUSTOM_VALUE_SIZE_MAX  64
#define PAY_CUSTOM_ARGS_MAX        PAY_CUSTOM_LIST_MAX


/* What a field of a notice says: X(name, word). */

#define PAY_CUSTOM_ROLES(X)                                                   \
    X(ORDER_NO, "order_no")                                                   \
    X(TRADE_NO, "trade_no")                                                   \
    X(AMOUNT,   "amount")              /* value: the unit */                  \
    X(STATUS,   "status")              /* value: the one that says paid */    \
    X(ACCOUNT,  "account")             /* value: ours */

typedef enum {
#define X(name, word)  PAY_CUSTOM_##name,
    PAY_CUSTOM_ROLES(X)
#undef X
    PAY_CUSTOM_ROLE_COUNT
} pay_custom_role_e;


/* What a request can say besides constants: X(name, text). */

#define PAY_CUSTOM_VARIABLES(X)                                               \
    X(ORDER,        "$order_no")                                              \
    X(AMOUNT,       "$amount")         /* 9.90 */                             \
    X(AMOUNT_MINOR, "$amount_minor")   /* 990 */                              \
    X(NOTIFY_URL,   "$notify_url")                                            \
    X(RETURN_URL,   "$return_url")                                            \
    X(TIME,         "$time")           /* seconds since 1970 */

typedef enum {
    PAY_CUSTOM_CONSTANT = 0,
#define X(name, text)  PAY_CUSTOM_SEND_##name,
    PAY_CUSTOM_VARIABLES(X)
#undef X
    PAY_CUSTOM_SEND_COUNT
} pay_custom_send_e;


typedef struct {
    const char         *name;
    const char         *value;         /* of a constant */
    pay_custom_send_e   what;
} pay_custom_sent_t;

typedef struct {
    const char         *name;          /* NULL: not given */
    const char         *value;
} pay_custom_field_t;

/* Values in this order; none: all of them as sorted name=value. */

typedef struct {
    const char         *names[PAY_CUSTOM_LIST_MAX];
    size_t              count;
} pay_custom_list_t;


struct pay_custom_s {
    pay_custom_sent_t    sends[PAY_CUSTOM_SENDS_MAX];
    size_t               send_count;
    pay_custom_field_t   fields[PAY_CUSTOM_ROLE_COUNT];
    pay_custom_list_t    request;
    pay_custom_list_t    notice;
    const char          *sign_name;
    const char          *unsigned_name;    /* of one more; NULL: none */
    const char          *success_body;
};


/* What is meant where nothing is written. */

void pay_custom_init(pay_custom_t *custom);

/*
 * One directive of the block, with the words behind its name: 1 to
 * PAY_CUSTOM_ARGS_MAX (the caller counts), each outliving custom.  false: err
 * says what to write.  That all of them together make a protocol,
 * pay_channel_check() says.
 */

bool pay_custom_set(pay_custom_t *custom, pay_setting_e setting,
    const char *const *args, size_t count, char *err, size_t err_size);


#endif /* FAKA_PAY_CUSTOM_H_INCLUDED_ */

/*
 * What a shop asks a gateway, as pure functions too: a question in, an HTTP
 * request out; the reply in, what it proves out.  Who sends it, over which
 * connection and how often, is the caller's business.
 *
 * A reply is believed as far as the protocol lets anybody prove it: where
 * replies are signed, by the signature, else by TLS alone; so a question goes
 * over https, or to this very machine (pay_channel_asks()).
 *
 * What is not understood is PAY_ANSWER_UNKNOWN: it may have been done or not.
 * That is the answer of every protocol to whatever it does not know for sure,
 * and the caller's own one to a connection that broke after sending.
 */

#ifndef FAKA_PAY_ASK_H_INCLUDED_
#define FAKA_PAY_ASK_H_INCLUDED_


#include "money.h"
#include "pay_str.h"

#include <stdbool.h>
#include <stdint.h>


#define PAY_REQUEST_SIZE_MAX    16384  /* of all that ask() writes */
#define PAY_REPLY_SIZE_MAX      65536  /* head and body */
#define PAY_HEADERS_MAX         64
#define PAY_REF_SIZE_MAX        100    /* visible ASCII without blanks */
#define PAY_ADDRESS_SIZE_MAX    900    /* the same */
#define PAY_STARTED_SIZE_MAX    1024   /* a pay_started_t as text */
#define PAY_REFUND_NO_SIZE_MIN  6      /* [0-9A-Za-z_-] */
#define PAY_REFUND_NO_SIZE_MAX  64
#define PAY_DETAIL_SIZE_MAX     64


/* X(name, word) */

#define PAY_ASKS(X)                                                           \
    X(START,        "start")           /* open a payment */                   \
    X(QUERY,        "query")           /* was the order paid? */              \
    X(CLOSE,        "close")           /* let nobody pay it any more */       \
    X(REFUND,       "refund")          /* give back refund_amount */          \
    X(REFUND_QUERY, "refund_query")    /* was it given back? */

typedef enum {
#define X(name, word)  PAY_ASK_##name,
    PAY_ASKS(X)
#undef X
    PAY_ASK_COUNT
} pay_ask_e;

#define PAY_ASK_BIT(name)  (1u << PAY_ASK_##name)

const char *pay_ask_word(pay_ask_e what);


/*
 * X(name, word, what it means)
 *
 * BUSY and REFUSED say that nothing was done; a refund that may have been is
 * UNKNOWN.  To REFUND_QUERY, REFUSED says that the refund has failed, and BUSY
 * nothing about it.
 */

#define PAY_ANSWERS(X)                                                        \
    X(STARTED,    "started",    "the payment is open")                        \
    X(PAID,       "paid",       "a payment to us succeeded")                  \
    X(ODD_AMOUNT, "odd_amount", "paid, but not a whole number of minor "      \
                                "units")                                      \
    X(UNPAID,     "unpaid",     "known, and not paid so far")                 \
    X(CLOSED,     "closed",     "known, unpaid, and nobody can pay it")       \
    X(RETURNED,   "returned",   "the money was given back")                   \
    X(WORKING,    "working",    "the refund was taken on; ask later")         \
    X(NONE,       "none",       "no such payment or refund there")            \
    X(REFUSED,    "refused",    "refused for good")                           \
    X(BUSY,       "busy",       "not now; ask again")                         \
    X(UNKNOWN,    "unknown",    "not understood, or not proved")

typedef enum {
#define X(name, word, text)  PAY_ANSWER_##name,
    PAY_ANSWERS(X)
#undef X
    PAY_ANSWER_COUNT
} pay_answer_e;

const char *pay_answer_word(pay_answer_e code);


/* A header as it came: name in any letter case, value without blanks around
 * it. */

typedef struct {
    pay_str_t  name;
    pay_str_t  value;
} pay_header_t;

/*
 * The value of the header of this name, which is given in lower case and may
 * have come in any; "_" is not "-".  false: there is none, or more than one.
 */

bool pay_header_find(const pay_header_t *headers, size_t header_count,
    const char *name, pay_str_t *value);

/* How often there is one of this name. */

size_t pay_header_count(const pay_header_t *headers, size_t header_count,
    const char *name);


/* Every text is of our own making, or was proved by the gateway before. */

typedef struct {
    pay_ask_e  what;
    pay_str_t  order_no;
    int64_t    amount;                             /* of the order, > 0 */
    char       currency[PAY_CURRENCY_SIZE + 1];
    pay_str_t  ref;            /* of the started payment; may be empty */
    pay_str_t  trade_no;       /* of the payment; empty before it was paid */
    pay_str_t  refund_no;      /* one a refund, for ever */
    int64_t    refund_amount;                      /* minor units, > 0 */
    int64_t    paid_amount;    /* of the payment that is refunded */
    pay_str_t  notify_url;     /* no query */
    pay_str_t  return_url;
    int64_t    now_s;          /* since 1970 */
    int64_t    created_s;      /* the order */
    int64_t    expires_s;      /* the hold ends then */
} pay_ask_t;


/*
 * One HTTP request to the host of the channel's url.  headers are whole lines,
 * each ended by CRLF, without Host, Content-Length, Connection,
 * Accept-Encoding and User-Agent, which the caller writes.  It may hold
 * secrets (a key in a header, a body or even the target): wiped when sent,
 * never logged.
 */

typedef struct {
    const char  *method;       /* GET or POST */
    pay_str_t    target;       /* path and query, escaped */
    pay_str_t    headers;
    pay_str_t    body;
} pay_request_t;

/* The whole reply, with chunks joined and nothing inflated. */

typedef struct {
    unsigned             status;
    const pay_header_t  *headers;
    size_t               header_count;
    pay_str_t            body;
    int64_t              now_s;
} pay_reply_t;


/* Where a buyer pays, as the gateway said: kept with the order as text. */

typedef enum {
    PAY_BY_REDIRECT = 0,       /* the browser goes there */
    PAY_BY_QR,                 /* shown as a QR code, for the app */
    PAY_BY_COUNT
} pay_by_e;

typedef struct {
    pay_by_e  by;
    char      ref[PAY_REF_SIZE_MAX + 1];           /* the gateway's; or "" */
    char      address[PAY_ADDRESS_SIZE_MAX + 1];
} pay_started_t;

const char *pay_by_word(pay_by_e by);

/* As text, and back; *size is what was written.  false: texts that are too
 * long, empty (address), or with anything but visible ASCII. */

bool pay_started_write(const pay_started_t *started,
    unsigned char text[PAY_STARTED_SIZE_MAX], size_t *size);
bool pay_started_read(pay_started_t *started, pay_str_t text);


#endif /* FAKA_PAY_ASK_H_INCLUDED_ */

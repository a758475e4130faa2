/*
 * Payment channels as pure functions: parameters in, verdict out.
 *
 * A channel is a protocol (one row of a table, one C file) with an
 * operator's account.  Nothing here does I/O, keeps state, reads a clock or
 * knows an order: these functions say what a notice proves, and the caller
 * decides with the order at hand.
 *
 * A payment may be credited only if ALL of this holds; the parts marked pay
 * are decided by verify(), the parts marked shop by its caller:
 *
 *   pay   signature right, by the algorithm and key that the configuration
 *         pins; nothing in the notice chooses either
 *   pay   the notice is for our account, is a notice and not our own request
 *         sent back, and its status says paid
 *   pay   order number, trade number and amount present and well-formed
 *   shop  the order exists and was made for this very channel
 *   shop  fact.amount and fact.currency equal those of the order
 *   shop  fact.trade_no is not bound to another order
 *   shop  the order's state allows it, and the change is durable BEFORE the
 *         success body is sent
 */

#ifndef FAKA_PAY_H_INCLUDED_
#define FAKA_PAY_H_INCLUDED_


#include "ask.h"
#include "certificate.h"
#include "crypto.h"
#include "form.h"
#include "hash.h"
#include "money.h"
#include "pay_str.h"
#include "rsa.h"


#define PAY_CHANNEL_NAME_SIZE_MAX  11     /* [a-z0-9_-] */
#define PAY_ORDER_NO_SIZE_MAX      64     /* [0-9A-Za-z_.|-] */
#define PAY_TRADE_NO_SIZE_MAX      64     /* [0-9A-Za-z_.|-] */
#define PAY_PID_SIZE_MAX           32     /* [0-9A-Za-z_-] */
#define PAY_TYPE_SIZE_MAX          16     /* [0-9A-Za-z_-]; epusdt: . */
#define PAY_KEY_SIZE_MIN           16
#define PAY_KEY_SIZE_MAX           256
#define PAY_BASE_URL_SIZE_MAX      512
#define PAY_START_URL_SIZE_MAX     8192   /* enough for start(), and NUL */


/*
 * X(name, word for logs and metrics, reply, HTTP status, what it means)
 *
 * reply ACK: the gateway's success body, once the outcome is durable; the
 * gateway stops sending.  reply REFUSE: the failure body; no state changes.
 * ODD_AMOUNT is money that really came but cannot equal any order: never
 * credit it, keep a durable record for an operator, then acknowledge.
 */

#define PAY_VERDICTS(X)                                                       \
    X(PAID,       "paid",       ACK,    200, "a payment to us succeeded")     \
    X(NOT_PAID,   "not_paid",   ACK,    200, "genuine, but the status is "    \
                                             "not success")                   \
    X(ODD_AMOUNT, "odd_amount", ACK,    200, "paid, but not a whole number "  \
                                             "of minor units")                \
    X(REFUND,     "refund",     ACK,    200, "tells of money that the "       \
                                             "gateway gave back")             \
    X(UNRETURNED, "refund_failed", REFUSE, 400, "a refund that was asked "    \
                                             "for has failed after all")      \
    X(METHOD,     "method",     REFUSE, 405, "HTTP method not allowed on "    \
                                             "this channel")                  \
    X(MALFORMED,  "malformed",  REFUSE, 400, "not a well-formed form")        \
    X(DUPLICATE,  "duplicate",  REFUSE, 400, "a field is given twice")        \
    X(UNSIGNED,   "unsigned",   REFUSE, 400, "signature missing or empty")    \
    X(ALGORITHM,  "algorithm",  REFUSE, 400, "another signature algorithm "   \
                                             "than the configured one")       \
    X(SIGNATURE,  "signature",  REFUSE, 400, "wrong signature")               \
    X(REFLECTED,  "reflected",  REFUSE, 400, "our own payment request sent "  \
                                             "back to us")                    \
    X(NOT_OURS,   "not_ours",   REFUSE, 400, "for another merchant")          \
    X(ORDER_NO,   "order_no",   REFUSE, 400, "order number missing or ill-"   \
                                             "formed")                        \
    X(TRADE_NO,   "trade_no",   REFUSE, 400, "trade number missing or ill-"   \
                                             "formed")                        \
    X(AMOUNT,     "amount",     REFUSE, 400, "amount missing or ill-formed")  \
    X(NO_STATUS,  "no_status",  REFUSE, 400, "status missing")                \
    X(STALE,      "stale",      REFUSE, 400, "signed too long ago, or in "    \
                                             "the future")                    \
    X(INTERNAL,   "internal",   REFUSE, 500, "the check itself failed; the "  \
                                             "gateway will send again")

typedef enum {
#define X(name, word, reply, status, text)  PAY_##name,
    PAY_VERDICTS(X)
#undef X
    PAY_VERDICT_COUNT
} pay_verdict_e;

const char *pay_verdict_word(pay_verdict_e verdict);
const char *pay_verdict_text(pay_verdict_e verdict);
int pay_verdict_http_status(pay_verdict_e verdict);
bool pay_verdict_acknowledged(pay_verdict_e verdict);


/* HTTP methods as bits. */

#define PAY_METHOD_GET   0x1u
#define PAY_METHOD_POST  0x2u


/*
 * A notice as it came: the raw query string (without "?") and the raw body,
 * both undecoded and whole, and all its headers.  Only the carrier that
 * belongs to the method is read, and the other one must be empty.  A body is
 * what the protocol's notice_type says: the caller has checked Content-Type
 * and refused Content-Encoding.
 */

typedef struct {
    unsigned             method;   /* one PAY_METHOD_ bit; 0: any other */
    pay_str_t            query;
    pay_str_t            body;
    int64_t              now_s;    /* since 1970, for notices with a time */
    const pay_header_t  *headers;
    size_t               header_count;
} pay_notice_t;


/*
 * What a notice proved; it owns its text.  All of it is set with the verdicts
 * that are acknowledged, though a notice of what is not paid may know no more
 * than a part of it, and with PAY_UNRETURNED, whose trade_no is the refund's;
 * and all but field is zero with the others: what came unproved is not handed
 * on.
 */

typedef struct {
    char       order_no[PAY_ORDER_NO_SIZE_MAX + 1];
    char       trade_no[PAY_TRADE_NO_SIZE_MAX + 1];
    char       currency[PAY_CURRENCY_SIZE + 1];   /* the channel's, or as
                                                     the notice names it */
    int64_t    amount;                            /* minor units */

    /* Of the started payment that this is about, where a gateway names it
     * and the order knows its own; else "". */
    char       ref[PAY_REF_SIZE_MAX + 1];

    /* The field that the verdict is about, for one log line; may be "". */
    char       field[PAY_FORM_NAME_SIZE_MAX + 1];
} pay_fact_t;


typedef struct pay_channel_s   pay_channel_t;
typedef struct pay_custom_s    pay_custom_t;
typedef struct pay_protocol_s  pay_protocol_t;


/*
 * What can be written into a channel block: X(name, directive, an example).
 * Each protocol says which of them it needs and which it takes; a label all
 * take, and a currency and a backup all that have a gateway.
 */

#define PAY_SETTINGS(X)                                                       \
    X(URL,              "url",              "url https://pay.example/;")      \
    X(PID,              "pid",              "pid 1000;")                      \
    X(APP_ID,           "app_id",           "app_id 2021000000000001;")       \
    X(SELLER_ID,        "seller_id",        "seller_id 2088000000000001;")    \
    X(MCHID,            "mchid",            "mchid 1900000001;")              \
    X(SERIAL,           "serial",                                             \
                        "serial 5157F09EFDC096DE15EBE81A47057A7232F1B8E1;")   \
    X(KEY_FILE,         "key_file",         "key_file secrets/epay.key;")     \
    X(API_KEY_FILE,     "api_key_file",     "api_key_file secrets/api.key;")  \
    X(PRIVATE_KEY_FILE, "private_key_file",                                   \
                        "private_key_file secrets/own.key;")                  \
    X(PUBLIC_KEY_FILE,  "public_key_file",                                    \
                        "public_key_file secrets/gateway.pub;")               \
    X(PUBLIC_KEY_ID,    "public_key_id",                                      \
                        "public_key_id PUB_KEY_ID_0119000000012024;")         \
    X(CERTIFICATE_FILE, "certificate_file",                                   \
                        "certificate_file secrets/platform.pem;")             \
    X(APP_CERTIFICATE,  "app_certificate_file",                               \
                        "app_certificate_file secrets/app.crt;")              \
    X(ROOT_CERTIFICATE, "root_certificate_file",                              \
                        "root_certificate_file secrets/root.crt;")            \
    X(TYPE,             "type",             "type alipay;")                   \
    X(METHOD,           "notify_method",    "notify_method get_post;")        \
    X(SEND,             "send",             "send out_trade_no $order_no;")   \
    X(NOTICE,           "notice",           "notice order_no out_trade_no;")  \
    X(HASH,             "hash",             "hash md5;")                      \
    X(SIGN_FIELD,       "sign_field",       "sign_field sign sign_type;")     \
    X(SIGN_REQUEST,     "sign_request",     "sign_request order money;")      \
    X(SIGN_NOTICE,      "sign_notice",                                        \
                        "sign_notice order money status trade;")              \
    X(SUCCESS_BODY,     "success_body",     "success_body SUCCESS;")          \
    X(CURRENCY,         "currency",         "currency CNY;")                  \
    X(LABEL,            "label",            "label Alipay;")                  \
    X(BACKUP,           "backup",           "backup epay;")

typedef enum {
#define X(name, directive, example)  PAY_SETTING_##name,
    PAY_SETTINGS(X)
#undef X
    PAY_SETTING_COUNT
} pay_setting_e;

#define PAY_BIT(name)  (1u << PAY_SETTING_##name)

#define PAY_TAKEN_BY_ALL                                                      \
    (PAY_BIT(CURRENCY) | PAY_BIT(LABEL) | PAY_BIT(BACKUP))


/*
 * One configured channel.  Strings and keys belong to the configuration and
 * outlive it.  Use it only after pay_channel_check() said yes.
 */

struct pay_channel_s {
    const pay_protocol_t  *protocol;
    pay_str_t              name;          /* as in /notify/NAME */
    pay_str_t              label;         /* what buyers read */
    pay_str_t              backup;        /* for whom it stands in; or empty */
    pay_str_t              url;           /* the gateway's base, http(s) */
    pay_str_t              pid;           /* our account there */
    pay_str_t              app_id;        /* Alipay: our application .. */
    pay_str_t              seller_id;     /* .. and who gets the money */
    pay_str_t              mchid;         /* WeChat: our account .. */
    pay_str_t              serial;        /* .. and our certificate's */
    pay_str_t              key;
    pay_str_t              key_previous;  /* in a rotation; else empty */
    pay_str_t              api_key;       /* proves us to the gateway */
    pay_rsa_t             *private_key;   /* ours, or NULL */
    pay_rsa_t             *public_key;    /* the gateway's, or NULL */
    pay_rsa_t             *public_key_previous;    /* in a rotation */
    pay_str_t              public_key_id;          /* the gateway's name */
    pay_certificate_t      certificates[2];        /* current, previous */
    pay_str_t              certificate_texts[2];   /* files in PEM: */
    pay_str_t              app_certificate;        /* the gateway's, ours, */
    pay_str_t              root_certificate;       /* its roots .. */
    char                   app_sn[PAY_SN_SIZE + 1];        /* .. and SNs */
    char                   root_sn[PAY_ROOT_SN_SIZE_MAX + 1];
    pay_hash_t             hash;          /* where it can be chosen */
    const pay_custom_t    *custom;        /* of protocol custom, else NULL */
    pay_str_t              type;          /* of payment; empty: any */
    char                   currency[PAY_CURRENCY_SIZE + 1];    /* CNY */
    bool                   allow_post;    /* notices by POST, too */
};


/* What start() needs; every text is of our own making. */

typedef struct {
    pay_str_t  order_no;
    int64_t    amount;                             /* minor units, > 0 */
    char       currency[PAY_CURRENCY_SIZE + 1];    /* of the order */
    pay_str_t  notify_url;     /* no query: the gateway garbles it */
    pay_str_t  return_url;
    int64_t    now_s;          /* since 1970 */
    int64_t    expires_s;      /* the hold ends then */
} pay_start_t;

/* X(name, text) */

#define PAY_START_CODES(X)                                                    \
    X(OK,       "started")                                                    \
    X(ASK,      "the payment begins with a question to the gateway")          \
    X(ORDER_NO, "the order number does not fit the gateway")                  \
    X(CURRENCY, "the channel takes another currency")                         \
    X(AMOUNT,   "the amount is zero, negative or too large for the gateway")  \
    X(URL,      "notify_url or return_url is not plain http(s), or has one "  \
                "of ? & = # in it")                                           \
    X(ROOM,     "the payment URL does not fit the buffer")                    \
    X(INTERNAL, "the signature could not be made")

typedef enum {
#define X(name, text)  PAY_START_##name,
    PAY_START_CODES(X)
#undef X
    PAY_START_CODE_COUNT
} pay_start_code_e;

const char *pay_start_text(pay_start_code_e code);


/* What a reply proved; fact and started are zero with the other codes. */

typedef struct {
    pay_answer_e   code;
    pay_fact_t     fact;           /* of PAID, ODD_AMOUNT */
    pay_started_t  started;        /* of STARTED */

    /* The gateway's own code for what is not as it should be; for the log:
     * it holds nothing but A-Z a-z 0-9 _ . - and may be "". */
    char           detail[PAY_DETAIL_SIZE_MAX + 1];
} pay_answer_t;


/*
 * start:  writes the URL that takes the buyer to the gateway, terminated;
 *         *url_length is without the NUL.  On an error url is "", and with
 *         PAY_START_ASK, for then ask() and answer() do it.
 * verify: decides about one notice.  fact is filled as said above.
 * ask:    writes a request into buffer, of PAY_REQUEST_SIZE_MAX bytes, which
 *         outlives it.  false: this cannot be asked (a bit of asks that is
 *         not set, a number that does not fit the gateway), or OpenSSL failed.
 * answer: decides about the reply to it; question is the one of ask().
 * All are called by a worker and never block.  ask and answer may be NULL.
 * load:   for the configuration, before check: what is made of files' texts
 *         and looked at once, such as a certificate's dates.  May be NULL.
 */

/* What stands behind a channel.  Without a gateway there is nobody to start a
 * payment at or to take a notice from: start and verify are NULL. */

typedef enum {
    PAY_BEHIND_GATEWAY = 0,
    PAY_BEHIND_NOTHING,                 /* for orders that cost nothing */
    PAY_BEHIND_ACCOUNT                  /* one of the shop's own */
} pay_behind_e;

struct pay_protocol_s {
    const char  *name;              /* as written in a channel directive */
    pay_behind_e behind;
    const char  *success_body;      /* exactly what the gateway expects */
    const char  *failure_body;      /* without "success" in any letter case */
    const char  *content_type;      /* of these two */
    const char  *notice_type;       /* of a notice's body; NULL: a form */
    unsigned     methods;           /* of notices, always */
    unsigned     methods_optional;  /* also, if the channel allows POST */
    unsigned     needs;             /* PAY_BIT()s of a channel block */
    unsigned     takes;             /* .. and what may be in it besides */
    const char  *url;               /* where none is given, or NULL */
    unsigned     asks;              /* PAY_ASK_BIT()s */
    bool         remembered;        /* a notice is dear to verify, and its
                                       verdict hangs on its method, query and
                                       body alone (memo.h) */
    bool         refunds_again;     /* a refund_no again is a second refund:
                                       never repeated without a person */
    const void  *own;               /* what its file keeps with the row */

    pay_start_code_e  (*start)(pay_crypto_t *crypto,
                               const pay_channel_t *channel,
                               const pay_start_t *start, char *url,
                               size_t url_size, size_t *url_length);
    pay_verdict_e     (*verify)(pay_crypto_t *crypto,
                                const pay_channel_t *channel,
                                const pay_notice_t *notice,
                                pay_fact_t *fact);
    bool              (*check)(const pay_channel_t *channel, char *err,
                               size_t err_size);
    bool              (*load)(pay_channel_t *channel, int64_t now_s,
                              char *err, size_t err_size);
    bool              (*ask)(pay_crypto_t *crypto,
                             const pay_channel_t *channel,
                             const pay_ask_t *question,
                             unsigned char *buffer, pay_request_t *request);
    void              (*answer)(pay_crypto_t *crypto,
                                const pay_channel_t *channel,
                                const pay_ask_t *question,
                                const pay_reply_t *reply,
                                pay_answer_t *answer);
};

/* Defined in the protocols' files; reach them by name. */

extern const pay_protocol_t  pay_epay_protocol;
extern const pay_protocol_t  pay_epay2_protocol;
extern const pay_protocol_t  pay_epusdt_protocol;
extern const pay_protocol_t  pay_alipay_protocol;
extern const pay_protocol_t  pay_wechat_protocol;
extern const pay_protocol_t  pay_stripe_protocol;
extern const pay_protocol_t  pay_free_protocol;
extern const pay_protocol_t  pay_balance_protocol;
extern const pay_protocol_t  pay_custom_protocol;
extern const pay_protocol_t  pay_gmpay_protocol;
extern const pay_protocol_t  pay_bepusdt_protocol;

/* NULL: no such protocol.  pay_protocol_names() lists all, for messages. */

const pay_protocol_t *pay_protocol_find(pay_str_t name);
const char *pay_protocol_names(void);


/* What the gateway expects to read: the protocol's, or a configured one. */

const char *pay_channel_success_body(const pay_channel_t *channel);

/* The methods that a channel's notices may use, as bits. */

unsigned pay_channel_methods(const pay_channel_t *channel);

/*
 * Does what goes to the channel's url go nowhere else?  It does if that is
 * https, or http to an address or name of this machine (127.0.0.1, [::1],
 * localhost).
 */

bool pay_channel_is_private(const pay_channel_t *channel);

/*
 * What can be asked on this channel, as PAY_ASK_BIT()s: nothing unless its
 * url is private, for keys and unsigned answers go over it.
 */

unsigned pay_channel_asks(const pay_channel_t *channel);

/*
 * For the configuration: false if a channel of this protocol needs one more
 * directive than the given ones (PAY_BIT()s), or has no use for one; err then
 * goes on behind the channel's name.
 */

bool pay_settings_check(const pay_protocol_t *protocol, unsigned given,
    char *err, size_t err_size);

/*
 * For the configuration: false if the channel cannot work or would be unsafe
 * (no key, short or blank key, no account, not an http(s) url, unknown
 * currency ...); err then says what to do and never quotes a key.
 */

bool pay_channel_check(const pay_channel_t *channel, char *err,
    size_t err_size);

/*
 * A secret out of the content of its file: all of it but at most one final
 * newline ("\n").  *secret points into content.  false: blank, too short, too
 * long, or with anything but visible ASCII inside.
 */

bool pay_secret_parse(pay_str_t content, pay_str_t *secret, char *err,
    size_t err_size);


/* --- for the protocols -------------------------------------------------- */

/* false: key and key_previous are not one or two good secrets. */

bool pay_channel_check_key(const pay_channel_t *channel, char *err,
    size_t err_size);

/* false: a key is missing, or two that must differ are one pair.  If ours and
 * the gateway's were, our own redirect would be a notice. */

bool pay_channel_check_rsa(const pay_channel_t *channel, char *err,
    size_t err_size);

/* The same rules for a secret that is at hand already. */

bool pay_secret_check(pay_str_t secret, char *err, size_t err_size);

/*
 * What a byte may be, as bits: part of an id (0-9 A-Z a-z _ -), written as it
 * is in a URL's query (those and the dot), part of a plain URL.  A table, for
 * every checkout asks for some hundred bytes.
 */

#define PAY_CLASS_ID     0x1u
#define PAY_CLASS_QUERY  0x2u
#define PAY_CLASS_URL    0x4u

extern const uint8_t  pay_class[256];

/* 1..size_max characters of 0-9 A-Z a-z _ - and those of extra. */

bool pay_is_plain_id(pay_str_t text, size_t size_max, const char *extra);

/* 1..size_max digits. */

bool pay_is_number(pay_str_t text, size_t size_max);

/* An absolute http(s) URL with a host, of visible ASCII without quotes,
 * <, >, \, ^, `, {, |, }, ?, &, = and #, of at most size_max bytes. */

bool pay_is_plain_url(pay_str_t text, size_t size_max);

/* One of a scheme and a host alone, perhaps with a slash behind. */

bool pay_is_origin(pay_str_t text, size_t size_max);


#endif /* FAKA_PAY_H_INCLUDED_ */

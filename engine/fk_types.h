/*
 * The words of the order engine: limits, codes, states and the plain structs
 * that go in and out of its commands.  This is the only header of engine/
 * that the Lua sandbox and the payment protocols may include; it declares no
 * function that touches a region.
 *
 * Money is int64_t in minor units of a currency.  Times are Unix time, in
 * milliseconds where the name ends in _ms and in seconds where it ends in _s.
 */

#ifndef FK_TYPES_H_INCLUDED_
#define FK_TYPES_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/* Limits: each array, loop and field of the engine is bounded by one. */

#define FK_SKU_SIZE_MAX        63
#define FK_NAME_SIZE_MAX       127
#define FK_CONTACT_SIZE_MAX    128
#define FK_CHANNEL_SIZE_MAX    11
#define FK_TRADE_NO_SIZE_MAX   64
#define FK_REASON_SIZE_MAX     128             /* why a person should look */
#define FK_START_SIZE_MAX      1024            /* how a payment was begun */
#define FK_ORDER_PAYMENTS_MAX  64              /* fk_pay refuses more */
#define FK_QTY_MAX             100
#define FK_AMOUNT_MAX          INT64_C(1000000000000)
#define FK_CARD_SIZE_MAX       2048            /* plain bytes of one card */
#define FK_SEAL_SIZE           28              /* nonce 12 + tag 16 */
#define FK_SEALED_SIZE_MAX     (FK_CARD_SIZE_MAX + FK_SEAL_SIZE)
#define FK_NONCE_SIZE          12
#define FK_HOLD_S_MAX          86400
#define FK_IMPORT_SLICE_MAX    32              /* cards in one transaction */
#define FK_LIST_SLICE_MAX      64              /* entities under one lock */

#define FK_ORDER_ID_SIZE       16              /* binary: ms 6, random 10 */
#define FK_ORDER_TEXT_SIZE     26              /* Crockford base32 */
#define FK_IDEM_SIZE           16
#define FK_CURRENCY_SIZE       4               /* three letters and a NUL */

#define FK_TALLY_KEY_SIZE      16              /* digest made by the caller */
#define FK_TIERS_MAX           8               /* of one product */
#define FK_LEVELS_MAX          15              /* of the shop */
#define FK_LEVEL_NAME_SIZE_MAX 31
#define FK_COUPON_CODE_SIZE_MAX    32
#define FK_COUPON_PRODUCTS_MAX     8
#define FK_BP                  10000           /* hundredths of a percent */
#define FK_ACCOUNT_SIZE_MAX    32              /* of an account's id */
#define FK_ACCOUNT_DEPTH_MAX   10              /* parents above an agent */
#define FK_ACCOUNT_RATES       3               /* own level, and two above */
#define FK_RATE_BY_RULE        0xffff          /* no rate of its own */
#define FK_RATE_MAX            10000           /* hundredths of a percent */
#define FK_TOKEN_SIZE          32              /* digest of an agent's token */
#define FK_SPLIT_LINES_MAX     7               /* one of them a merchant's */
#define FK_SPLIT_GIVEN_MAX     (FK_SPLIT_LINES_MAX - 1)
#define FK_PARTS_MAX           8               /* parts of an order returned */
#define FK_REF_SIZE_MAX        64
#define FK_SETTLE_S_MAX        (400 * 86400)
#define FK_SETTLE_UNIT_S       2048            /* settling is due in these */
#define FK_WITHDRAWALS_OPEN_MAX  16            /* of one account */
#define FK_WITHDRAWALS_KNOWN     1000          /* by note, of one account */


/*
 * Every answer of the engine: name, word on the wire, HTTP status, text.
 * The word is part of the interface; the text is for people.
 */

#define FK_CODES(X)                                                          \
    X(OK,             "ok",               200, "done")                       \
    X(EXISTS,         "exists",           200, "done before by the same "    \
                                               "request")                    \
    X(AGAIN,          "again",            200, "more steps are left")        \
    X(INVALID,        "invalid_request",  400, "the request is not valid")   \
    X(NOT_FOUND,      "not_found",        404, "there is no such thing")     \
    X(SOLD_OUT,       "sold_out",         409, "sold out")                   \
    X(LIMIT,          "limit_reached",    409, "more than one may buy")      \
    X(NOT_ON_SALE,    "not_on_sale",      409, "not on sale now")            \
    X(CONFLICT,       "conflict",         409, "not possible in this state") \
    X(BUSY_IMPORT,    "import_running",   409, "an import into this product" \
                                               " is under way")              \
    X(REFUSED,        "refused",          403, "refused by the shop's rules")\
    X(IDEM_MISMATCH,  "idempotency_mismatch", 422,                           \
                      "the Idempotency-Key was used with another body")      \
    X(CHANNEL,        "invalid_channel",  422, "no such payment channel")    \
    X(COUPON,         "invalid_coupon",   422, "the coupon cannot be used")  \
    X(SLOW_DOWN,      "slow_down",        429, "too many orders lately")     \
    X(PRICE,          "unavailable",      503, "the price cannot be told "   \
                                               "now")                        \
    X(AGENT,          "invalid_agent",    422, "no such agent, or not for "   \
                                               "this product")               \
    X(PAYER,          "invalid_account",  422, "no such account, not its "   \
                      "token in Authorization, or not for this product")     \
    X(BALANCE,        "insufficient_balance", 409,                           \
                      "the account has not so much available")               \
    X(TABLE_FULL,     "unavailable",      503, "the shop's memory is full")  \
    X(RING_FULL,      "unavailable",      503, "the journal is behind")      \
    X(LOCK_TIMEOUT,   "unavailable",      503, "the shop is busy")           \
    X(NOT_OPEN,       "unavailable",      503, "the shop is not open")       \
    X(RECOVERING,     "recovering",       503, "the shop is recovering")     \
    X(HEALING,        "unavailable",      503, "the journal is being "       \
                                               "written anew")               \
    X(FENCED,         "unavailable",      503, "another server has taken "   \
                                               "the shop over")              \
    X(FAILED,         "unavailable",      503, "the shop stopped itself")    \
    X(CORRUPT,        "corrupt",          500, "the data is damaged")        \
    X(INCOMPATIBLE,   "incompatible",     500, "layout or version differs")

typedef enum {
#define FK_CODE_ENUM(name, word, status, text)  FK_##name,
    FK_CODES(FK_CODE_ENUM)
#undef FK_CODE_ENUM
    FK_CODE_COUNT
} fk_code_t;

typedef struct {
    const char  *name;
    const char  *word;
    const char  *text;
    uint16_t     status;
} fk_code_info_t;

/* Indexed by fk_code_t; FK_CODE_COUNT entries. */
extern const fk_code_info_t  fk_code_info[];


/* What a product's stock is made of. */

#define FK_KINDS(X)                                                          \
    X(CARD,    "card")         /* one key a unit, first in, first out */     \
    X(SHARED,  "shared")       /* one key for all buyers */                  \
    X(COUNTED, "counted")      /* a stock number, no keys */

typedef enum {
#define FK_KIND_ENUM(name, word)  FK_KIND_##name,
    FK_KINDS(FK_KIND_ENUM)
#undef FK_KIND_ENUM
    FK_KIND_COUNT
} fk_kind_t;

extern const char *const  fk_kind_word[];


/* What a coupon takes off. */

#define FK_COUPON_KINDS(X)                                                   \
    X(FIXED,   "fixed")        /* minor units of its currency */             \
    X(PERCENT, "percent")      /* hundredths of a percent, up to its cap */

typedef enum {
#define FK_COUPON_KIND_ENUM(name, word)  FK_COUPON_##name,
    FK_COUPON_KINDS(FK_COUPON_KIND_ENUM)
#undef FK_COUPON_KIND_ENUM
    FK_COUPON_KIND_COUNT
} fk_coupon_kind_t;

extern const char *const  fk_coupon_kind_word[];


/* The three axes of an order's state, and the events that move it. */

typedef enum {
    FK_PAYMENT_UNPAID = 0,
    FK_PAYMENT_PAID,
    FK_PAYMENT_REFUNDING,              /* to be given back: refund due */
    FK_PAYMENT_REFUNDED,
    FK_PAYMENT_COUNT
} fk_payment_axis_t;

typedef enum {
    FK_STOCK_HELD = 0,
    FK_STOCK_RELEASED,
    FK_STOCK_ALLOCATED,
    FK_STOCK_SHORT,                    /* paid, but nothing left to give */
    FK_STOCK_VOIDED,                   /* given, and worth nothing any more */
    FK_STOCK_COUNT
} fk_stock_axis_t;

typedef enum {
    FK_DELIVERY_NONE = 0,
    FK_DELIVERY_REVIEW,                /* a person must look first */
    FK_DELIVERY_READY,
    FK_DELIVERY_SHIPPED,
    FK_DELIVERY_DONE,
    FK_DELIVERY_COUNT
} fk_delivery_axis_t;

typedef struct {
    uint8_t  payment;                  /* fk_payment_axis_t */
    uint8_t  stock;                    /* fk_stock_axis_t */
    uint8_t  delivery;                 /* fk_delivery_axis_t */
    uint8_t  cancelled;                /* 1: released by the buyer's cancel */
} fk_axes_t;

#define FK_EVENTS(X)                                                         \
    X(PAY,      "pay")         /* the right amount came */                   \
    X(PAY_REVIEW, "pay_review") /* it came, and a person is to look first */ \
    X(MISPAY,   "mispay")      /* a verified payment of another amount */    \
    X(EXPIRE,   "expire")                                                    \
    X(CANCEL,   "cancel")                                                    \
    X(SERVE,    "serve")       /* stock came for a waiting order */          \
    X(APPROVE,  "approve")                                                   \
    X(DENY,     "deny")                                                      \
    X(GIVE_UP,  "give_up")     /* stop waiting for stock, refund instead */  \
    X(REFUNDED, "refunded")                                                  \
    X(REVOKE,   "revoke")      /* refund it, though it was given to him */   \
    X(RETURNED, "returned")    /* its gateway says that money went back */

typedef enum {
#define FK_EVENT_ENUM(name, word)  FK_EVENT_##name,
    FK_EVENTS(FK_EVENT_ENUM)
#undef FK_EVENT_ENUM
    FK_EVENT_COUNT
} fk_event_t;

extern const char *const  fk_event_word[];


/* Whether a person is to look at an order, or was, and why; the last two say
 * more than any rule, so nothing takes their place. */

#define FK_REVIEW_NO        0
#define FK_REVIEW_RULE      1          /* a rule said so, or who asked it */
#define FK_REVIEW_RETURNED  2          /* the gateway gave money back */
#define FK_REVIEW_RETURNED_LATE 3      /* and it was delivered already */


/*
 * How an order's amount came about: what the total was after each step.  A
 * step that did nothing repeats the one before it; the last one is the amount.
 */

#define FK_STEPS(X)                                                          \
    X(LIST,   "list")          /* the product's price * qty */               \
    X(TIER,   "tier")          /* by the wholesale tier */                   \
    X(LEVEL,  "level")         /* by the buyer's member level */             \
    X(RULE,   "rule")          /* by the operator's price rule */            \
    X(COUPON, "coupon")

typedef enum {
#define FK_STEP_ENUM(name, word)  FK_STEP_##name,
    FK_STEPS(FK_STEP_ENUM)
#undef FK_STEP_ENUM
    FK_STEP_COUNT
} fk_price_step_t;

extern const char *const  fk_price_step_word[];


/* How the orders of a channel are paid. */

typedef enum {
    FK_WAY_GATEWAY = 0,                /* fk_pay() books what comes */
    FK_WAY_FREE,                       /* by being made: they cost nothing */
    FK_WAY_BALANCE,                    /* by being made, from an account */
    FK_WAY_COUNT
} fk_way_t;


/* The one word that buyers see, derived from the axes. */

#define FK_STATUSES(X)                                                       \
    X(AWAITING_PAYMENT,  "awaiting_payment")                                 \
    X(EXPIRED,           "expired")                                          \
    X(CANCELLED,         "cancelled")                                        \
    X(UNDER_REVIEW,      "under_review")                                     \
    X(WAITING_FOR_STOCK, "waiting_for_stock")                                \
    X(DELIVERED,         "delivered")                                        \
    X(READY,             "ready")                                            \
    X(SHIPPED,           "shipped")                                          \
    X(REFUND_DUE,        "refund_due")                                       \
    X(REFUNDED,          "refunded")

typedef enum {
#define FK_STATUS_ENUM(name, word)  FK_STATUS_##name,
    FK_STATUSES(FK_STATUS_ENUM)
#undef FK_STATUS_ENUM
    FK_STATUS_COUNT
} fk_status_t;

extern const char *const  fk_status_word[];


/* Where one verified payment ended: exactly one of these, never dropped. */

#define FK_PAYMENT_STATES(X)                                                 \
    X(APPLIED,    "applied")       /* it pays its order */                   \
    X(REVIEW,     "review")        /* wrong amount: a person decides */      \
    X(REFUND_DUE, "refund_due")    /* second payment, or denied */           \
    X(REFUNDED,   "refunded")                                                \
    X(ASKED,      "refund_asked")  /* owed, and the gateway was asked to     \
                                      give it back: whether it did is open */

typedef enum {
#define FK_PAYMENT_STATE_ENUM(name, word)  FK_PAYMENT_STATE_##name,
    FK_PAYMENT_STATES(FK_PAYMENT_STATE_ENUM)
#undef FK_PAYMENT_STATE_ENUM
    FK_PAYMENT_STATE_COUNT
} fk_payment_state_t;

extern const char *const  fk_payment_state_word[];


/* Who may have money in the shop besides its owner. */

#define FK_ACCOUNT_KINDS(X)                                                  \
    X(AGENT,    "agent")       /* brings buyers, may have agents below */    \
    X(PLATFORM, "platform")    /* who runs the shop for its merchants */     \
    X(MERCHANT, "merchant")    /* whose products they are */

typedef enum {
#define FK_ACCOUNT_KIND_ENUM(name, word)  FK_ACCOUNT_##name,
    FK_ACCOUNT_KINDS(FK_ACCOUNT_KIND_ENUM)
#undef FK_ACCOUNT_KIND_ENUM
    FK_ACCOUNT_KIND_COUNT
} fk_account_kind_t;

extern const char *const  fk_account_kind_word[];


#define FK_SPLIT_STATES(X)                                                   \
    X(FROZEN,  "frozen")       /* earned, not to be had yet */               \
    X(SETTLED, "available")

typedef enum {
#define FK_SPLIT_ENUM(name, word)  FK_SPLIT_##name,
    FK_SPLIT_STATES(FK_SPLIT_ENUM)
#undef FK_SPLIT_ENUM
    FK_SPLIT_STATE_COUNT
} fk_split_state_t;

extern const char *const  fk_split_state_word[];


#define FK_WITHDRAWAL_STATES(X)                                              \
    X(REQUESTED, "requested")  /* the amount is reserved */                  \
    X(APPROVED,  "approved")                                                 \
    X(PAID,      "paid")       /* it has left the shop */                    \
    X(REJECTED,  "rejected")   /* it is available again */

typedef enum {
#define FK_WITHDRAWAL_ENUM(name, word)  FK_WITHDRAWAL_##name,
    FK_WITHDRAWAL_STATES(FK_WITHDRAWAL_ENUM)
#undef FK_WITHDRAWAL_ENUM
    FK_WITHDRAWAL_STATE_COUNT
} fk_withdrawal_state_t;

extern const char *const  fk_withdrawal_state_word[];


/* What stands in an account's ledger. */

#define FK_ENTRIES(X)                                                        \
    X(COMMISSION, "commission")                                              \
    X(SALE,       "sale")          /* a merchant's, of own products */       \
    X(CLAWBACK,   "clawback")      /* taken back with the buyer's money */   \
    X(WITHDRAWAL, "withdrawal")                                              \
    X(CREDIT,     "credit")        /* the operator's word: it came */        \
    X(PURCHASE,   "purchase")      /* an order paid from the balance */      \
    X(REFUND,     "refund")        /* .. and what was given back of it */

typedef enum {
#define FK_ENTRY_ENUM(name, word)  FK_ENTRY_##name,
    FK_ENTRIES(FK_ENTRY_ENUM)
#undef FK_ENTRY_ENUM
    FK_ENTRY_COUNT
} fk_entry_kind_t;

extern const char *const  fk_entry_kind_word[];


/* The life of a region. */

#define FK_SHOP_STATES(X)                                                    \
    X(EMPTY,      "empty")         /* formatted; nobody has recovered it */  \
    X(RECOVERING, "recovering")                                              \
    X(OPEN,       "open")                                                    \
    X(HEALING,    "healing")       /* the journal lost what the ring has     \
                                      not: waits for a snapshot */           \
    X(FENCED,     "fenced")        /* a higher epoch owns the journal */     \
    X(FAILED,     "failed")        /* damaged: safe stop */

typedef enum {
#define FK_SHOP_ENUM(name, word)  FK_SHOP_##name,
    FK_SHOP_STATES(FK_SHOP_ENUM)
#undef FK_SHOP_ENUM
    FK_SHOP_STATE_COUNT
} fk_shop_state_t;

extern const char *const  fk_shop_state_word[];


typedef struct {
    const uint8_t  *data;
    size_t          size;
} fk_str_t;


typedef struct {
    uint8_t  bytes[FK_ORDER_ID_SIZE];
} fk_order_id_t;


/*
 * How an order's money is split among agents and the platform.  What these
 * lines leave goes to the merchant of the order's product, by a line that the
 * engine adds: to whom the product names when it is booked, so nobody has to
 * hold it still between a look and the payment.  Without a merchant, or when
 * that account is closed, the rest is the house's.
 *
 * It is booked in the same transaction as what makes the order paid, and else
 * not looked at.  One that cannot be is refused (FK_INVALID): an account that
 * is unknown, closed, a merchant, of another currency or named twice, or more
 * than was paid.  Nothing is booked then; as money is not dropped for a rule's
 * fault, the caller pays again without lines, and flagged: then nobody gets
 * anything, a merchant neither, until fk_order_commission() splits it.  For
 * want of room it is FK_TABLE_FULL, which is no fault of it: there are as many
 * slots as orders.
 *
 * Who asks the rules looks at the payments first, in a transaction of its own.
 * So it may say for what sum the split is: FK_AGAIN if that is another by now.
 */
typedef struct {
    fk_str_t       account;
    int64_t        amount;             /* 0 or more; a line of 0 is left out */
} fk_split_line_t;

typedef struct {
    uint32_t         count;            /* 0..FK_SPLIT_GIVEN_MAX */
    uint32_t         settle_s;         /* frozen so long; 0..FK_SETTLE_S_MAX */
    uint8_t          flagged;          /* 1: no lines, as the rule failed */
    int64_t          paid;             /* the sum that it is of; 0: any */
    fk_split_line_t  line[FK_SPLIT_GIVEN_MAX];
} fk_split_t;


/* What the engine may not find out by itself. */

typedef struct {
    int64_t  now_ms;                   /* Unix time */
} fk_env_t;


#endif /* FK_TYPES_H_INCLUDED_ */

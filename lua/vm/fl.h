/*
 * The sandbox of the operator's rules: one LuaJIT VM with one rules file, and
 * three hooks that may be asked, price, commission and risk.
 *
 * What it promises.  A hook answers within FL_TIME_MAX_US or is stopped,
 * whatever it does; it has FL_MEMORY_MAX bytes; it sees what fl_input_t gives
 * it and reaches nothing else: no files, no clock, no randomness, no code but
 * its own.  Its answer is checked for what can be checked without the shop
 * (a number, whole, in range).  When there is no answer the caller is told
 * why, in a word for a metric and a line with file:line for a log, and takes
 * the default that it has documented.
 *
 * What it does not do.  It does not know nginx, Redis or a region: it takes
 * values and gives values, so that tests, the fuzzer and faka-rules run the
 * same code as a worker does.
 *
 * Each process has its own fl_t, made after the fork, and one thread uses it.
 * Nothing here may be called under the engine's lock.
 */

#ifndef FL_H_INCLUDED_
#define FL_H_INCLUDED_


#include "fk_types.h"


#define FL_INSTRUCTIONS_MAX  100000    /* of a call, give or take FL_STRIDE */
#define FL_STRIDE            50        /* between two looks */
#define FL_TIME_MAX_US       2000      /* of a call, looked at as often */
#define FL_MEMORY_MAX        ((size_t) 1 << 20)    /* that the rules keep,
                                                      besides their file's */
#define FL_GARBAGE_MAX       ((size_t) 4 << 20)    /* .. and what waits to be
                                                      collected */
#define FL_ALLOC_MAX         ((size_t) 1 << 20)    /* asked for in a call */
#define FL_BLOCK_MAX         ((size_t) 16 << 10)   /* .. at once */

#define FL_STRING_MAX        ((size_t) 4 << 10)    /* .. of a string, also of
                                                      loading */

#define FL_FILE_SIZE_MAX     ((size_t) 96 << 10)
#define FL_EXAMPLES_MAX      1000
#define FL_LEVELS_MAX        10        /* of agents above a buyer */
#define FL_TEXT_SIZE_MAX     128       /* of a reason */
#define FL_ERROR_SIZE        512


#define FL_HOOKS(X)                                                          \
    X(PRICE,      "price")                                                   \
    X(COMMISSION, "commission")                                              \
    X(RISK,       "risk")

typedef enum {
#define FL_HOOK_ENUM(name, word)  FL_HOOK_##name,
    FL_HOOKS(FL_HOOK_ENUM)
#undef FL_HOOK_ENUM
    FL_HOOK_COUNT
} fl_hook_t;

extern const char *const  fl_hook_word[];


/* Whether a hook answered, and if not, why: a word for a metric. */

#define FL_CODES(X)                                                          \
    X(OK,      "ok")                                                         \
    X(MISSING, "missing")     /* the rules have no such hook */              \
    X(ERROR,   "error")       /* it raised an error, or made one */          \
    X(BUDGET,  "budget")      /* it ran for too long */                      \
    X(MEMORY,  "memory")      /* it wanted too much */                       \
    X(ANSWER,  "answer")      /* what it answered cannot be */               \
    X(RULES,   "rules")       /* the file: cannot be read, or is wrong */

typedef enum {
#define FL_CODE_ENUM(name, word)  FL_##name,
    FL_CODES(FL_CODE_ENUM)
#undef FL_CODE_ENUM
    FL_CODE_COUNT
} fl_code_t;

extern const char *const  fl_code_word[];


/*
 * What a hook may ask of o: which hooks have it (P, C, R), what it is, what
 * an example that does not give it has (NIL: nothing), and what it means.
 * Money is in minor units of the order's currency; times are Unix seconds.
 */

#define FL_P    (1u << FL_HOOK_PRICE)
#define FL_C    (1u << FL_HOOK_COMMISSION)
#define FL_R    (1u << FL_HOOK_RISK)
#define FL_ALL  (FL_P | FL_C | FL_R)

#define FL_FIELDS(X)                                                         \
    X(SKU,          "sku",          FL_ALL, TEXT, "the product")             \
    X(KIND,         "kind",         FL_ALL, TEXT, "card, shared, counted")   \
    X(CURRENCY,     "currency",     FL_ALL, TEXT, "three letters")           \
    X(QTY,          "qty",          FL_ALL, INT,  "units")                   \
    X(UNIT_PRICE,   "unit_price",   FL_ALL, INT,  "the product's price")     \
    X(LIST_TOTAL,   "list_total",   FL_ALL, INT,  "unit_price * qty")        \
    X(TIER_TOTAL,   "tier_total",   FL_ALL, INT,                             \
      "the same by the wholesale tier, if there is one")                     \
    X(TOTAL,        "total",        FL_ALL, INT,                             \
      "what the steps so far have come to")                                  \
    X(NOW,          "now",          FL_ALL, INT,  "the shop's clock")        \
    X(HOUR,         "hour",         FL_ALL, INT,  "0..23, shop's time zone") \
    X(WEEKDAY,      "weekday",      FL_ALL, INT,  "1 Monday .. 7 Sunday")    \
    X(STOCK,        "stock",        FL_P | FL_R, INT, "units to be had now") \
    X(SOLD,         "sold",         FL_P | FL_R, INT, "units sold and paid") \
    X(SALE_FROM,    "sale_from",    FL_P | FL_R, INT,                        \
      "when the sale began; nil: no beginning")                              \
    X(SALE_TO,      "sale_to",      FL_P | FL_R, INT,                        \
      "when it ends; nil: no end")                                           \
    X(BUYER_ORDERS, "buyer_orders", FL_ALL, INT,                             \
      "paid orders of this contact before")                                  \
    X(BUYER_SPENT,  "buyer_spent",  FL_ALL, INT,  "what was kept of them")   \
    X(BUYER_DAYS,   "buyer_days",   FL_ALL, INT,                             \
      "whole days since the last one; nil: there is none")                   \
    X(LEVEL,        "level",        FL_ALL, TEXT,                            \
      "the buyer's member level; nil: none")                                 \
    X(AGENT,        "agent",        FL_ALL, TEXT,                            \
      "who led the buyer here; nil: nobody")                                 \
    X(COUPON,       "coupon",       FL_P | FL_R, TEXT, "its code; nil: none")\
    X(PAID,         "paid",         FL_C, INT,    "what the buyer paid")     \
    X(LEVELS,       "levels",       FL_C, INT,                               \
      "agents above the buyer, at most commission_levels")                   \
    X(OWN,          "own",          FL_C, BOOL,                              \
      "the agent buys by the own link")                                      \
    X(FIRST_ORDER,  "first_order",  FL_R, BOOL,                              \
      "this contact has paid for nothing yet")                               \
    X(DOMAIN,       "domain",       FL_R, TEXT,                              \
      "of a contact that is an e-mail address, in lower case; nil: none")    \
    X(PAY_S,        "pay_s",        FL_R, INT,                               \
      "from order to payment; nil: before the payment")                      \
    X(CONTACT_1M,   "contact_1m",   FL_R, INT,  "orders of the contact")     \
    X(CONTACT_1H,   "contact_1h",   FL_R, INT,  "the same in an hour")       \
    X(CONTACT_1D,   "contact_1d",   FL_R, INT,  "the same in a day")         \
    X(IP_1M,        "ip_1m",        FL_R, INT,                               \
      "orders of the IP network (/24, /48)")                                 \
    X(IP_1H,        "ip_1h",        FL_R, INT,  "the same in an hour")       \
    X(IP_1D,        "ip_1d",        FL_R, INT,  "the same in a day")         \
    X(AGENT_1M,     "agent_1m",     FL_R, INT,  "orders of the agent")       \
    X(AGENT_1H,     "agent_1h",     FL_R, INT,  "the same in an hour")       \
    X(AGENT_1D,     "agent_1d",     FL_R, INT,  "the same in a day")         \
    X(SKU_1M,       "sku_1m",       FL_R, INT,  "orders of the product")     \
    X(SKU_1H,       "sku_1h",       FL_R, INT,  "the same in an hour")       \
    X(SKU_1D,       "sku_1d",       FL_R, INT,  "the same in a day")         \
    X(PAID_1M,      "paid_1m",      FL_R, INT,  "payments of the contact")   \
    X(PAID_1H,      "paid_1h",      FL_R, INT,  "the same in an hour")       \
    X(PAID_1D,      "paid_1d",      FL_R, INT,  "the same in a day")

typedef enum {
#define FL_FIELD_ENUM(id, word, hooks, type, text)  FL_FIELD_##id,
    FL_FIELDS(FL_FIELD_ENUM)
#undef FL_FIELD_ENUM
    FL_FIELD_COUNT
} fl_field_t;

typedef enum {
    FL_NIL = 0,
    FL_INT,
    FL_BOOL,
    FL_TEXT
} fl_type_t;

typedef struct {
    const char  *word;
    const char  *text;
    uint8_t      hooks;                /* FL_P, FL_C, FL_R */
    uint8_t      type;                 /* fl_type_t */
} fl_field_info_t;

/* Indexed by fl_field_t. */
extern const fl_field_info_t  fl_fields[];

typedef union {
    int64_t   number;                  /* FL_INT, FL_BOOL; +-2^53 */
    fk_str_t  text;                    /* stays the caller's */
} fl_value_t;

/*
 * What o is: the fields, and the operator's signals.  later: sets a field that
 * a rule reads while it is FL_NIL, and stays so for further calls, or leaves
 * it; NULL: there is nothing where none was set.  signal: 1 with *number, or 0
 * if there is none of that name (any more); NULL: there are none at all.
 */
typedef struct {
    uint8_t      type[FL_FIELD_COUNT];         /* fl_type_t */
    fl_value_t   value[FL_FIELD_COUNT];
    void       (*later)(void *data, fl_field_t field);
    int        (*signal)(void *data, fk_str_t name, int64_t *number);
    void        *data;
} fl_input_t;

/* Nothing is set. */
void fl_input_clear(fl_input_t *in);
void fl_input_int(fl_input_t *in, fl_field_t field, int64_t number);
void fl_input_bool(fl_input_t *in, fl_field_t field, int yes);
void fl_input_text(fl_input_t *in, fl_field_t field, fk_str_t text);


typedef struct fl_s  fl_t;

/*
 * Reads the file, runs it, and runs its examples.  NULL: err says what is
 * wrong, with file:line where there is one.  name: as it is to be called in
 * messages; source, size: the file's bytes, which are copied.
 *
 * It takes some 100 us and what the file's own statements take, at most
 * FL_LOAD_MAX_US, and the parser, which nothing stops: 0.34 s for the worst of
 * FL_FILE_SIZE_MAX that was found.
 */
#define FL_LOAD_MAX_US  1000000
#define FL_LOAD_MEMORY  ((size_t) 4 << 20)     /* what it may take */
#define FL_LOAD_BLOCK   ((size_t) 1 << 20)     /* .. at once: a table's part */

fl_t *fl_create(const char *name, const uint8_t *source, size_t size,
    char err[FL_ERROR_SIZE]);

/*
 * The same of bytes that fl_create() has taken, without their examples, for a
 * worker.  Never NULL: when it cannot be made err is not empty, and each hook
 * gives FL_MEMORY.
 */
fl_t *fl_open(const char *name, const uint8_t *source, size_t size,
    char err[FL_ERROR_SIZE]);
void fl_destroy(fl_t *fl);

/*
 * Between two requests.  fl_wants: 1 when there is no VM, or a call was
 * refused memory, or the rules keep more than FL_MEMORY_MAX.  fl_tend then
 * collects all garbage, and makes the VM anew if the rules keep what they
 * should not: that takes what loading takes, and does not happen in a call.
 * FL_OK; FL_MEMORY: there is no VM; FL_RULES: nor its file, fl_open() again.
 */
int fl_wants(const fl_t *fl);
fl_code_t fl_tend(fl_t *fl);

/* What stands on an order made by these rules: of the file's bytes, not 0. */
uint32_t fl_version(const fl_t *fl);
uint32_t fl_version_of(const uint8_t *source, size_t size);

int fl_has(const fl_t *fl, fl_hook_t hook);
uint32_t fl_examples_count(const fl_t *fl);

/*
 * All calls from now on share *left_ns, which gets less by what they take; at
 * 0 they give FL_BUDGET.  So the hooks of one request have FL_TIME_MAX_US
 * together, and not each.  It stays the caller's; NULL: each by itself.
 */
void fl_share(fl_t *fl, int64_t *left_ns);

/*
 * The hooks.  FL_OK with an answer that is in range, or the reason why there
 * is none, and fl_error() has a line for the log.
 *
 * fl_price: 0 <= *total <= limit.
 *
 * fl_commission: what of paid goes to the platform and to each of levels
 * agents, the buyer's own first; none below 0, all together at most paid.  A
 * level that the rule says nothing of has 0, and so has every level beyond.
 *
 * fl_risk: *verdict, and reason, terminated, empty for FL_RISK_PASS.
 */
typedef struct {
    int64_t  platform;
    int64_t  level[FL_LEVELS_MAX];
} fl_split_t;

#define FL_RISKS(X)                                                          \
    X(PASS,   "pass")                                                        \
    X(REVIEW, "review")       /* paid, but a person looks before delivery */ \
    X(REFUSE, "refuse")

typedef enum {
#define FL_RISK_ENUM(name, word)  FL_RISK_##name,
    FL_RISKS(FL_RISK_ENUM)
#undef FL_RISK_ENUM
    FL_RISK_COUNT
} fl_risk_t;

extern const char *const  fl_risk_word[];

fl_code_t fl_price(fl_t *fl, const fl_input_t *in, int64_t limit,
    int64_t *total);
fl_code_t fl_commission(fl_t *fl, const fl_input_t *in, int64_t paid,
    uint32_t levels, fl_split_t *split);
fl_code_t fl_risk(fl_t *fl, const fl_input_t *in, fl_risk_t *verdict,
    char reason[FL_TEXT_SIZE_MAX + 1]);

/* Of the last call that was not FL_OK or FL_MISSING. */
const char *fl_error(const fl_t *fl);

/* What the last call took; the instructions in steps of FL_STRIDE. */
typedef struct {
    uint32_t  instructions;
    size_t    alloc_bytes;
    size_t    used_bytes;              /* by the VM, now */
    uint64_t  rebuilds;                /* of the VM, so far */
} fl_spent_t;

void fl_spent(const fl_t *fl, fl_spent_t *spent);


#endif /* FL_H_INCLUDED_ */

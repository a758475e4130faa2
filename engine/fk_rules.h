/*
 * What the operator's rules may know besides orders: how many of a kind there
 * were lately (rates), and numbers that the operator pushes (signals).
 *
 * Volatile: shared by all workers of one server, in no journal, and gone with
 * the region.  After a restart or a takeover rates begin at 0, and there are
 * no signals until they are pushed again.  Nothing of it is part of an order.
 *
 * Part of fk.h, which includes it.
 */

#ifndef FK_RULES_H_INCLUDED_
#define FK_RULES_H_INCLUDED_


/* --- rates: from any process, without the lock ------------------------ */

#define FK_RATES(X)                                                          \
    X(CONTACT, "contact")      /* orders of a contact */                     \
    X(IP,      "ip")           /* orders of a network */                     \
    X(AGENT,   "agent")        /* orders that an agent led here */           \
    X(SKU,     "sku")          /* orders of a product */                     \
    X(PAID,    "paid")         /* payments of a contact */

typedef enum {
#define FK_RATE_ENUM(name, word)  FK_RATE_##name,
    FK_RATES(FK_RATE_ENUM)
#undef FK_RATE_ENUM
    FK_RATE_COUNT
} fk_rate_t;

extern const char *const  fk_rate_word[];

typedef enum {
    FK_SPAN_1M = 0,
    FK_SPAN_1H,
    FK_SPAN_1D,
    FK_SPAN_COUNT
} fk_span_t;

/*
 * A key's number, for the two below; never 0.  It is this region's, and no
 * other has it.
 */
uint64_t fk_rate_key(const fk_t *fk, fk_str_t key);

/*
 * Counts one more of this key, and tells how many there were within each span
 * until now: what is older counts by the share of it that the span still
 * covers.  Two workers that count a key at once may lose one.  Keys have
 * places for 1/64 of the region, a fifth for each kind.  Four share a set, and
 * the one seen least lately goes: which ones share is secret, and chance.
 */
void fk_rate_add(fk_t *fk, const fk_env_t *env, fk_rate_t rate, uint64_t key);
void fk_rate_get(const fk_t *fk, const fk_env_t *env, fk_rate_t rate,
    uint64_t key, uint32_t out[FK_SPAN_COUNT]);


/* --- signals ----------------------------------------------------------- */

#define FK_SIGNALS_MAX           64
#define FK_SIGNAL_NAME_SIZE_MAX  31
#define FK_SIGNAL_MAX            INT64_C(9007199254740991)   /* 2^53 - 1 */

typedef struct {
    char     name[FK_SIGNAL_NAME_SIZE_MAX + 1];
    int64_t  value;
    int64_t  expires_ms;               /* Unix time */
} fk_signal_t;

/*
 * Under the lock, in any state of the shop but FAILED.  name: 1 to
 * FK_SIGNAL_NAME_SIZE_MAX letters, digits or '_', as a rule can write it;
 * value: -FK_SIGNAL_MAX .. FK_SIGNAL_MAX.  FK_INVALID: *field says which.
 * FK_TABLE_FULL: FK_SIGNALS_MAX others are alive.
 */
fk_code_t fk_signal_put(fk_t *fk, const fk_env_t *env, fk_str_t name,
    int64_t value, int64_t ttl_ms, const char **field);

/* Without the lock: 1 with *value, or 0 if there is none (any more). */
int fk_signal_get(const fk_t *fk, const fk_env_t *env, fk_str_t name,
    int64_t *value);

/* Those that are alive, at most FK_SIGNALS_MAX; returns how many. */
uint32_t fk_signal_list(const fk_t *fk, const fk_env_t *env,
    fk_signal_t out[FK_SIGNALS_MAX]);


#endif /* FK_RULES_H_INCLUDED_ */

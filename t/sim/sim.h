/*
 * The simulated world: what its parts know of each other.
 *
 * One process, one thread, one seed.  Nothing here looks at a clock, an
 * address or the environment: the same seed gives the same run, event by
 * event, and its trace has a hash that proves it.  What is real: the engine,
 * and the journal's protocol machine.  What is simulated: time, processes,
 * the network, Redis, buyers, gateways and the operator.
 *
 * A part is a file.  It may call the functions of the parts above it here,
 * and it is called back by events.
 */

#ifndef SIM_H_INCLUDED_
#define SIM_H_INCLUDED_


#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "fk_journal.h"
#include "fj_keeper.h"
#include "sim_marks.h"


#define SIM_NODES_MAX       2
#define SIM_WORKERS_MAX     4          /* of one node */
#define SIM_PRODUCTS_MAX    6
#define SIM_PURCHASES_MAX   512
#define SIM_PAYMENTS_MAX    1024
#define SIM_CARDS_MAX       2048
#define SIM_CLIENTS_MAX     24
#define SIM_PARKED_MAX      128
#define SIM_EVENTS_MAX      8192
#define SIM_ARENA_MAX       ((size_t) 512 << 20)
#define SIM_REGION_SIZE     FK_REGION_SIZE_MIN

#define SIM_SHOP            "sim"
#define SIM_JOURNAL         "faka:{sim}:journal"
#define SIM_INDEX           "faka:{sim}:snapshots"
#define SIM_PARTS           "faka:{sim}:snapshot:"
#define SIM_OWNER           "faka:{sim}:owner"
#define SIM_ORDERS          "faka:{sim}:order:"

#define SIM_MS              INT64_C(1000)
#define SIM_S               INT64_C(1000000)
#define SIM_NEVER           INT64_MAX


typedef struct sim_s          sim_t;
typedef struct sim_worker_s   sim_worker_t;
typedef struct sim_link_s     sim_link_t;
typedef struct sim_request_s  sim_request_t;

/* a and b: what the event is about, mostly an index and a generation. */
typedef void (*sim_event_pt)(sim_t *s, uint64_t a, uint64_t b);


/* --- what can go wrong, and what is drawn for a seed ------------------- */

#define SIM_FAULTS(X)                                                        \
    X(DIE_AT_STORE,   "die")         /* a worker, inside of a transaction */ \
    X(WORKER_KILL,    "kill")        /* a worker, between two events */      \
    X(WORKER_STALL,   "stall")       /* a worker stands still for seconds */ \
    X(NODE_SLEEP,     "sleep")       /* a server, for longer than orders     \
                                        are kept in memory */                \
    X(NODE_KILL,      "node")        /* a node with its memory */            \
    X(TAKEOVER,       "takeover")    /* the other node is started */         \
    X(LINK_CUT,       "cut")         /* a connection, at any moment */       \
    X(COMMAND_LOST,   "lost")        /* before Redis has read it */          \
    X(REPLY_LOST,     "unheard")     /* applied, and nobody knows */         \
    X(REPLY_LATE,     "late")        /* beyond the timeouts */               \
    X(PARTITION,      "partition")   /* a node cannot reach Redis */         \
    X(REDIS_FREEZE,   "freeze")      /* answers nothing for a while */       \
    X(REDIS_CRASH,    "crash")       /* keeps what it has acknowledged */    \
    X(REDIS_TAIL,     "tail")        /* loses what it has acknowledged */    \
    X(REDIS_ERROR,    "error")       /* refuses commands with an error */    \
    X(REPLICA_LATE,   "replica")     /* has not what it should have */       \
    X(FLUSHALL,       "flushall")    /* by mistake */                        \
    X(CLOCK_JUMP,     "clock")       /* a node's Unix clock */               \
    X(CLIENT_QUIT,    "quit")        /* a buyer asks and does not wait */    \
    X(REQUEST_LOST,   "request")     /* or its answer, on the way */         \
    X(PAY_TWICE,      "twice")       /* another payment for an order */      \
    X(PAY_WRONG,      "wrong")       /* of another sum */                    \
    X(PAY_LATE,       "paylate")     /* after the hold ran out */            \
    X(NOTICE_AGAIN,   "again")       /* a notice that was heard */           \
    X(IMPORT_QUIT,    "import")      /* an import that nobody goes on with */

typedef enum {
#define SIM_FAULT_ENUM(name, word)  SIM_FAULT_##name,
    SIM_FAULTS(SIM_FAULT_ENUM)
#undef SIM_FAULT_ENUM
    SIM_FAULT_COUNT
} sim_fault_t;

typedef struct {
    uint32_t  nodes;
    uint32_t  workers;
    uint32_t  clients;
    uint32_t  purchases;               /* of each client */
    uint32_t  products;
    uint32_t  hold_s;
    uint32_t  stock;                   /* cards in an import */
    uint32_t  spread;                  /* capacities, as one in so many */
    uint32_t  ring_size;
    uint32_t  is_lazy;                 /* Redis: appendfsync everysec */
    uint32_t  is_one_host;             /* both servers on one machine */
    uint32_t  is_upgrade;              /* and on the same sockets */
    uint32_t  standby;                 /* bits: nodes with "role standby" */
    uint32_t  epoch_by_clock;          /* no lower than the Unix time in ms */
    uint32_t  replicas;
    uint32_t  snapshot_size;           /* bytes of journal between two */
    uint32_t  snapshot_s;              /* or so long */
    uint32_t  purse;                   /* of a snapshot's step; 0: as always */
    uint32_t  retention_s;             /* of finished orders in memory */
    uint32_t  phases;                  /* each ends with a quiet point */
    int64_t   phase_us;
    int64_t   latency_us;              /* of the network, at most */
    int64_t   think_us;                /* of a buyer, at most */
    uint32_t  weight[SIM_FAULT_COUNT]; /* 0: never */
} sim_plan_t;


/* --- rare branches that a campaign has to reach ------------------------ */

typedef enum {
#define SIM_MARK_ENUM(name, text)  SIM_MARK_##name,
    SIM_MARKS(SIM_MARK_ENUM)
#undef SIM_MARK_ENUM
    SIM_MARK_COUNT
} sim_mark_t;

extern const char *const  sim_mark_text[SIM_MARK_COUNT];
extern const char *const  sim_mark_name[SIM_MARK_COUNT];
extern const char *const  sim_fault_word[SIM_FAULT_COUNT];


/* --- world.c: time, chance, memory, the trace -------------------------- */

typedef struct {
    int64_t       at_us;
    uint64_t      serial;              /* ties go by age */
    sim_event_pt  fn;
    uint64_t      a;
    uint64_t      b;
} sim_event_t;

typedef struct {
    uint64_t  seeds;
    uint64_t  events;
    uint64_t  stores;
    uint64_t  deaths;                  /* inside of a transaction */
    uint64_t  kills;                   /* between two events */
    uint64_t  node_deaths;
    uint64_t  rollbacks;
    uint64_t  recoveries;              /* of a shop, from the journal */
    uint64_t  fences;
    uint64_t  probes;
    uint64_t  unknown;
    uint64_t  snapshots;
    uint64_t  archived;
    uint64_t  takeovers;
    uint64_t  redis_crashes;
    uint64_t  orders;                  /* acknowledged */
    uint64_t  payments;                /* acknowledged */
    uint64_t  delivered;
    uint64_t  quiet_points;
    uint64_t  marks[SIM_MARK_COUNT];
} sim_counts_t;

uint64_t sim_random(sim_t *s);
uint64_t sim_below(sim_t *s, uint64_t n);              /* n > 0 */
int64_t sim_between(sim_t *s, int64_t low, int64_t high);
int sim_permille(sim_t *s, uint32_t permille);

/* Whether this fault strikes now: its weight in 100,000, in a loud phase. */
int sim_fault(sim_t *s, sim_fault_t fault);

void sim_after(sim_t *s, int64_t delay_us, sim_event_pt fn, uint64_t a,
    uint64_t b);
/* Runs events up to that time; at most so many. */
void sim_run_until(sim_t *s, int64_t until_us);

/* Lives until the seed ends. */
void *sim_alloc(sim_t *s, size_t size);
void *sim_copy(sim_t *s, const void *data, size_t size);

/* Into the trace's hash; onto the screen, too, with --trace. */
__attribute__((format(printf, 2, 3)))
void sim_trace(sim_t *s, const char *fmt, ...);
void sim_mark(sim_t *s, sim_mark_t mark);

/* A promise is broken: ends the run of this seed.  Does not return. */
__attribute__((format(printf, 2, 3), noreturn))
void sim_wrong(sim_t *s, const char *fmt, ...);

#define SIM_MUST(s, condition, ...)                                          \
    do {                                                                     \
        if (!(condition)) {                                                  \
            sim_wrong(s, __VA_ARGS__);                                       \
        }                                                                    \
    } while (0)


/* --- crash.c: dying at a store ---------------------------------------- */

/*
 * Calls run(data) with death at the n-th store of the engine (0: none).
 * Returns 1 if it died: then the shop's lock, if it was held, has a dead
 * owner, exactly as the kernel leaves it.
 */
int crash_run(fk_t *fk, uint32_t n, void (*run)(void *data), void *data,
    uint32_t *stores);
/* After a run that was left by sim_wrong(). */
void crash_reset(void);
/* Whether the last death was in the repair after an earlier one. */
int crash_was_repair(void);
/* NULL, or how it differs from a thread that really ended with the lock. */
const char *crash_self_test(fk_t *fk);


/* --- redis.c: the model of the store ----------------------------------- */

typedef struct {
    uint64_t  ms;
    uint64_t  seq;
} sim_id_t;

typedef struct {
    const char  *data;
    size_t       size;
} sim_text_t;

#define SIM_FIELDS_MAX    12           /* names and values */
#define SIM_ARGS_MAX      FJ_ARGC_MAX
#define SIM_KEYS_MAX      (SIM_PURCHASES_MAX + 64)

typedef struct {
    sim_id_t    id;
    uint32_t    count;
    sim_text_t  field[SIM_FIELDS_MAX];
} sim_entry_t;

typedef struct {
    sim_text_t    name;
    int           used;
    int           is_stream;
    sim_text_t    value;               /* of a plain key */
    int64_t       expires_us;          /* SIM_NEVER without a TTL */
    sim_entry_t  *entry;               /* of a stream: first .. count - 1 */
    uint32_t      first;
    uint32_t      count;
    uint32_t      room;
    sim_id_t      top;                 /* last-generated-id */
    sim_id_t      trimmed;             /* the last one cut off */
    uint64_t      added;
} sim_key_t;

typedef struct {
    uint32_t     argc;
    int64_t      at_us;
    sim_text_t  *argv;
} sim_command_t;

typedef struct {
    int             up;
    int             loading;
    int             lazy;              /* appendfsync everysec */
    int64_t         frozen_until_us;
    int64_t         error_until_us;
    uint32_t        generation;        /* of its process */
    sim_key_t       key[SIM_KEYS_MAX];
    sim_command_t  *log;               /* every write: the append-only file */
    uint32_t        log_count;
    uint32_t        log_room;
    uint32_t        synced_count;      /* of them, on disk */
    int             has_lost;          /* what memory knows it had */
    int64_t         lost_us;           /* when it did so last */
    int             replaying;
} sim_redis_t;

void redis_start(sim_t *s);
/* Executes one command at once; words and reply live until the seed ends. */
const fj_reply_t *redis_execute(sim_t *s, uint32_t argc,
    const sim_text_t *argv);
/* The state that the first keep writes make. */
void redis_replay(sim_t *s, uint32_t keep);
const sim_key_t *redis_key(sim_t *s, const char *name);
sim_text_t redis_text(const char *text);
fk_str_t redis_str(const char *text);
/* The decimal digits that it begins with. */
uint64_t redis_number(const sim_text_t *text);


/* --- link.c: a worker's connections to Redis --------------------------- */

/* Two of a worker: the journal's, and the keeper's. */
#define SIM_LINKS  2

struct sim_link_s {
    sim_worker_t  *worker;
    fj_link_t     *machine;
    uint32_t       index;
    uint32_t       generation;         /* of the connection */
    uint8_t        is_open;
    uint8_t        is_connecting;
    int64_t        arrives_us;         /* nothing overtakes on a connection */
    int64_t        returns_us;
    uint32_t       timer[FJ_TIMER_COUNT];       /* generation when armed */
};

/* The worker's side, for the shell; close: what is on its way still lands. */
void link_connect(sim_t *s, sim_link_t *l);
void link_send(sim_t *s, sim_link_t *l, int argc, const char *const *argv,
    const size_t *sizes);
void link_close(sim_link_t *l);
/* It breaks by itself: both sides get to know. */
void link_break(sim_t *s, sim_link_t *l);
/* What identifies it in an event, with its worker's process. */
uint64_t link_event(const sim_link_t *l);
sim_link_t *link_of(sim_t *s, uint64_t event);


/* --- node.c: servers; worker.c: their processes ------------------------ */

struct sim_worker_s {
    sim_t          *world;
    uint32_t        number;            /* in the world */
    uint32_t        node;
    uint32_t        generation;        /* of its process */
    uint8_t         is_alive;
    uint8_t         has_fallback;      /* its timer runs */
    uint8_t         has_left;          /* its sockets, to the next server */
    uint32_t        die_in;            /* stores; 0: not decided */
    uint64_t        turn;              /* of its process, in the world */
    uint64_t        lost_turn;         /* what it sent in it did not leave */
    int64_t         stalled_until_us;
    int64_t         buried_s;          /* it looked for dead imports */
    uint64_t        owner;
    fk_t            fk;
    fj_t            fj;
    fj_conf_t       conf;
    fj_keeper_t     keeper;
    fj_keeper_conf_t  kept;
    uint8_t        *room;              /* the keeper's, both */
    fj_keeper_order_t  *aging;
    sim_link_t      link[SIM_LINKS];
    uint32_t        parked_count;
    sim_request_t  *parked[SIM_PARKED_MAX];
};

typedef struct {
    uint8_t       is_up;
    uint8_t       was_open;
    uint8_t       was_fenced;
    uint8_t       was_healing;
    uint8_t       was_standby;
    uint8_t       is_ending;
    uint32_t      generation;
    uint8_t      *region;
    fk_t          fk;                  /* as attached; workers copy it */
    int64_t       clock_us;            /* Unix time less the world's */
    int64_t       steady_us;
    int64_t       cut_until_us;        /* from Redis */
    int64_t       slept_until_us;
    uint64_t      server;
    uint64_t      sockets;
    int           inherits;            /* them, and somebody may still sell */
    uint64_t      seen[FJ_STAT_LAST];  /* of its counters */
    sim_worker_t  worker[SIM_WORKERS_MAX];
} sim_node_t;

sim_worker_t *node_worker(sim_t *s, uint64_t number);
void node_start(sim_t *s, uint32_t node);
void node_kill(sim_t *s, uint32_t node);
int64_t node_unix_ms(const sim_t *s, uint32_t node);
int64_t node_steady_ms(const sim_t *s, uint32_t node);
/* Its operator ends it, in a while. */
void node_end_soon(sim_t *s, uint32_t node);
/* After each turn of its workers: notes what its shop has become. */
void node_look(sim_t *s, uint32_t node);
/* An empty region with the plan's capacities, in mem. */
void node_format(const sim_plan_t *plan, uint8_t *mem, fk_t *fk);
/* From here on the engine takes regions to be made by this plan. */
void node_shape(const sim_plan_t *plan);

typedef void (*sim_turn_pt)(sim_t *s, sim_worker_t *w, void *data);

void worker_start(sim_t *s, sim_worker_t *w);
void worker_kill(sim_t *s, sim_worker_t *w);
/* 1: the event does not happen: its process is gone, or stands still. */
int worker_defers(sim_t *s, uint64_t a, uint64_t b, sim_event_pt fn);
/* What identifies a worker's process in an event. */
uint64_t worker_event(const sim_worker_t *w);
/* Runs code of its process; returns 0 if it died in there. */
int worker_turn(sim_t *s, sim_worker_t *w, sim_turn_pt run, void *data);
/* Answers what is parked and durable. */
void worker_wake(sim_t *s, sim_worker_t *w);
void worker_serve(sim_t *s, sim_worker_t *w, sim_request_t *r);


/* --- shell.c: the journal's machine in a worker ------------------------ */

void shell_start(sim_t *s, sim_worker_t *w);
/* Whether nobody of its server can doubt that this owner is dead. */
int shell_knows_dead(const sim_worker_t *w, uint64_t owner);


/* --- request.c: what is asked of a shop -------------------------------- */

#define SIM_REQUESTS(X)                                                      \
    X(CHECKOUT)                                                              \
    X(CANCEL)                                                                \
    X(READ)                                                                  \
    X(PAY)                                                                   \
    X(PRODUCT)                                                               \
    X(IMPORT_BEGIN)                                                          \
    X(IMPORT_ADD)                                                            \
    X(IMPORT_COMMIT)                                                         \
    X(IMPORT_ABORT)                                                          \
    X(DECIDE)                                                                \
    X(REFUND)                                                                \
    X(TERMS)                                                                 \
    X(ACCOUNT)                                                               \
    X(PART)                                                                  \
    X(COMMISSION)                                                            \
    X(WITHDRAW)                                                              \
    X(PAYOUT)

typedef enum {
#define SIM_REQUEST_ENUM(name)  SIM_REQUEST_##name,
    SIM_REQUESTS(SIM_REQUEST_ENUM)
#undef SIM_REQUEST_ENUM
    SIM_REQUEST_COUNT
} sim_request_kind_t;

struct sim_request_s {
    sim_request_kind_t  kind;
    uint32_t            actor;
    uint32_t            ask;           /* of the actor: late ones are old */
    uint32_t            node;

    /* what is asked */
    uint32_t            product;
    uint32_t            purchase;
    uint32_t            payment;
    uint32_t            batch;
    uint32_t            first_card;
    uint32_t            count;         /* units, cards */
    fk_order_id_t       id;
    fk_event_t          event;
    fk_product_put_t    put;
    uint32_t            account;
    int64_t             amount;
    uint64_t            withdrawal;

    /* what is answered */
    int                 is_parked;
    int64_t             parked_us;
    int                 is_lost;       /* no answer came: 504, closed, ... */
    int                 is_restored;   /* its order came out of the archive */
    uint32_t            looks;         /* there */
    uint64_t            mark;          /* of the last one, */
    sim_text_t          record;        /* and its answer, if it waits for it */
    fk_code_t           code;
    uint64_t            seq;
    uint64_t            epoch;
    uint32_t            sum;           /* of the record it wrote, or 0 */
    fk_order_view_t     view;
    fk_pay_result_t     result;
    uint32_t            card_count;
    uint32_t            card[FK_QTY_MAX];
};

extern const char *const  request_words[SIM_REQUEST_COUNT];

/* Runs it against the engine, in a worker: code, seq and the rest. */
void request_execute(sim_t *s, sim_worker_t *w, sim_request_t *r);

/* Names the shop, for fj_keeper_order_key(). */
extern const fj_conf_t  request_shop;

/* A card's sealed bytes tell which one it is; 0 if they are none of ours. */
uint32_t request_seal(uint32_t card, uint8_t *sealed);
uint32_t request_unseal(const uint8_t *sealed, uint32_t size);
uint32_t request_purchase(const fk_order_id_t *id);

/* The operator's rules: what a purchase costs, and when it is looked at. */
typedef enum {
    REQUEST_PASSES = 0,
    REQUEST_FLAGGED,                   /* when it is made */
    REQUEST_FLAGGED_LATE               /* when it is paid */
} request_risk_t;

int64_t request_total(uint32_t purchase, int64_t list);
request_risk_t request_risk(uint32_t purchase);
/* A purchase's Idempotency-Key, and the digest of what it asks for. */
void request_key(uint32_t purchase, uint32_t product,
    uint8_t idem[FK_IDEM_SIZE], uint8_t body[8]);
fk_str_t request_sku(uint32_t product);
uint32_t request_product_of(const char *sku);


/* --- archive.c: what left the region ---------------------------------- */

/* What the archive has of an order: who wrote it, and the engine's bytes. */
void archive_text(sim_t *s, const sim_text_t *text, sim_id_t *version,
    sim_text_t *record);
/* The request's order is missing.  1: it is here again; 0: r->code says why
 * not, or that the request waits for the archive. */
int archive_restored(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
int archive_waits(const sim_request_t *r);
int64_t archive_wait_us(sim_t *s);


/* --- split.c: who gets what -------------------------------------------- */

/* Who brings buyers, each below the one before; behind them, merchants. */
#define SIM_AGENTS    3
#define SIM_ACCOUNTS  5

fk_str_t request_account(uint32_t account);
int request_is_brought(uint32_t purchase);
void request_split(uint32_t purchase, int64_t paid, fk_split_t *split);
/* Whose the product is to be, in what the operator is about to put. */
void split_product(sim_t *s, uint32_t product, fk_product_put_t *put);


/* --- terms.c: tiers, levels, coupons, limits --------------------------- */

#define SIM_BUYERS   10
#define SIM_LEVELS   2
#define SIM_COUPONS  2

extern const char *const  terms_code[SIM_COUPONS];

/* Units that a buyer may have of a product; 0: any. */
uint16_t terms_limit(uint32_t product);
/* Who makes a purchase; 0: somebody unknown. */
uint32_t terms_buyer(uint32_t purchase, uint32_t product);
/* With which coupon; SIM_COUPONS: without. */
uint32_t terms_coupon(uint32_t purchase, uint32_t product);
/* What a unit costs of a product at that price. */
int64_t terms_unit(int64_t price, uint32_t qty);
void terms_product(uint32_t product, fk_product_put_t *put);
/* A digest; what: the product or the coupon, by kind. */
void terms_key(uint32_t buyer, uint32_t kind, uint32_t what,
    uint8_t key[FK_TALLY_KEY_SIZE]);
void terms_fill(uint32_t purchase, uint32_t product, fk_checkout_t *in);
fk_code_t terms_steps(fk_t *fk, const fk_env_t *env, uint32_t purchase,
    fk_checkout_t *in);
void terms_put(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r);


/* --- actor.c, client.c, operator.c: who asks --------------------------- */

typedef void (*sim_actor_pt)(sim_t *s, uint32_t actor, sim_request_t *r);

typedef struct {
    sim_actor_pt    done;              /* r->is_lost, or the answer */
    sim_request_t  *waiting;
    uint32_t        ask;
    uint32_t        step;              /* of its own story */
    uint32_t        node;              /* which answered well last */
    uint32_t        left;              /* things that it still wants to do */
    uint32_t        purchase;
    uint32_t        payment;
    uint32_t        batch;
    uint32_t        product;
    uint32_t        first_card;
    uint32_t        count;
    uint32_t        file;              /* its first card, until it is in */
    uint32_t        tries;
    int64_t         since_us;
    int64_t         busy_us;           /* its product is, by an import */
    int64_t         told_us;           /* .. and he was told so last */
    fk_order_id_t   id;
    uint32_t        account;
    int64_t         amount;
    uint64_t        withdrawal;
} sim_actor_t;

#define SIM_GATEWAYS_MAX  256
#define SIM_ACTORS_MAX    (SIM_CLIENTS_MAX + SIM_GATEWAYS_MAX + 4)

uint32_t actor_new(sim_t *s, sim_actor_pt done);
sim_request_t *actor_request(sim_t *s, uint32_t actor,
    sim_request_kind_t kind);
void actor_ask(sim_t *s, sim_request_t *r);
void actor_answer(sim_t *s, sim_request_t *r);
void actor_lost(sim_t *s, sim_request_t *r);
/* No answer, or one that says "later". */
int actor_waits(const sim_t *s, const sim_request_t *r);
int actor_failed(const sim_request_t *r);
int64_t actor_pause_us(sim_t *s, uint32_t actor);

void client_start(sim_t *s);
void gateway_pay(sim_t *s, uint32_t purchase, const fk_order_id_t *id,
    int64_t amount, int64_t delay_us);
void operator_start(sim_t *s);
void cashier_start(sim_t *s);


#include "sim_oracle.h"


/* --- chaos.c: faults that come by themselves --------------------------- */

void chaos_start(sim_t *s);
void chaos_end(sim_t *s);
/* What was lost is there again. */
void chaos_recovered(sim_t *s);


/* --- the world itself -------------------------------------------------- */

struct sim_s {
    uint64_t       seed;
    uint64_t       random[4];
    sim_plan_t     plan;
    int64_t        now_us;
    uint64_t       serial;
    uint64_t       hash;
    int            is_loud;            /* faults happen */
    int            is_calm;            /* none now: memory mends Redis */
    int            is_traced;
    int            is_stopping;        /* nobody begins anything new */
    uint32_t       event_count;
    sim_event_t    event[SIM_EVENTS_MAX];
    sim_counts_t   counts;

    uint8_t       *arena;
    size_t         arena_used;
    uint8_t       *rooms;              /* of the keepers, both */
    fj_keeper_order_t  *agings;

    sim_redis_t    redis;
    sim_node_t     node[SIM_NODES_MAX];
    uint8_t       *scratch;            /* a region, to recover into */
    uint32_t       actor_count;
    uint32_t       gateway_count;
    uint32_t       opened_node;
    sim_actor_t    actor[SIM_ACTORS_MAX];
    uint64_t       order_serial;
    uint64_t       owner_serial;
    uint64_t       turn;
    uint32_t       timer_fired;
    uint32_t       link_serial;
    sim_oracle_t   oracle;

    jmp_buf        failed;
    char           wrong[512];
};

/* One seed from its beginning to its end: 1 if every promise was kept. */
int sim_seed(sim_t *s, uint64_t seed, const sim_plan_t *plan);


/* --- swarm.c: what a seed is made of ----------------------------------- */

void swarm_plan(uint64_t seed, sim_plan_t *plan);
/* A smaller plan under which the seed still fails; returns tries made. */
uint32_t swarm_shrink(sim_t *s, uint64_t seed, sim_plan_t *plan);
void swarm_print(FILE *out, uint64_t seed, const sim_plan_t *plan);


/* --- exhaust.c: death at every store ----------------------------------- */

int exhaust_run(uint64_t points_min, uint64_t *points);


#endif /* SIM_H_INCLUDED_ */

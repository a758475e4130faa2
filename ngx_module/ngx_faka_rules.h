/*
 * What the handlers ask of the operator's rules and of the directives about
 * risk.  Lua runs here, outside of the engine's lock; what it proposes is
 * judged again by the engine.
 *
 * For workers, inside a request.
 */

#ifndef NGX_FAKA_RULES_H_INCLUDED_
#define NGX_FAKA_RULES_H_INCLUDED_


#include "ngx_faka.h"


/* What is asked about: an order to be made, or one that is being paid. */
typedef struct {
    const fk_product_view_t  *product;
    const fk_order_view_t    *order;       /* NULL: it is to be made */
    struct sockaddr          *sockaddr;    /* of the buyer; NULL: unknown */
    fk_str_t                  contact;     /* in the form to compare */
    fk_str_t                  coupon;
    fk_str_t                  agent;
    fk_buyer_view_t           buyer;       /* zeros: nothing is known */
    uint8_t                   key[FK_TALLY_KEY_SIZE];  /* of the buyer, */
    int                       has_key;                 /* .. if this is 1 */
    uint64_t                  rate[FK_RATE_COUNT];     /* numbers of keys; 0:
                                              none, or not yet asked for */
    uint32_t                  qty;
    int64_t                   step[FK_STEP_COUNT];
} ngx_faka_sale_t;


/*
 * In init_process and at a worker's end.  Without rules, and without a
 * directive about risk, worker->rules->asks is 0, and no checkout asks.
 */
ngx_int_t ngx_faka_rules_start(ngx_cycle_t *cycle, ngx_faka_worker_t *worker);
void ngx_faka_rules_stop(ngx_faka_worker_t *worker);

/*
 * Fills in what the rules say of an order that is to be made: its steps, the
 * rules' version, whether a person looks, and why.  form: of its contact;
 * buyer: what is known of him, zeros if that is nothing.  FK_OK; FK_REFUSED;
 * FK_SLOW_DOWN; FK_PRICE: there is no price, and price_fallback says refuse.
 * The reason points into worker->rules, until the next call.
 */
fk_code_t ngx_faka_rules_checkout(ngx_http_request_t *r,
    ngx_faka_worker_t *worker, const fk_env_t *env,
    const fk_product_view_t *product, fk_str_t form,
    const fk_buyer_view_t *buyer, fk_checkout_t *out);

/* A list of products, and what it costs somebody of whom nothing is known. */
typedef struct {
    int64_t          left_us;          /* that may still be spent on rules */
    fk_buyer_view_t  buyer;            /* nobody, with everybody's level */
} ngx_faka_quotes_t;

/* Before the first quote of a list.  FK_OK; any 503: not now. */
fk_code_t ngx_faka_rules_quotes(ngx_faka_worker_t *worker,
    ngx_faka_quotes_t *quotes);

/*
 * What one unit costs, by the rules and not by the canary; the price before it
 * when they do not say.  What is left gets less: when it is nothing nobody is
 * asked any more, and one call may go beyond it.
 */
#define NGX_FAKA_RULES_QUOTES_US  3000
int64_t ngx_faka_rules_quote(ngx_faka_worker_t *worker, const fk_env_t *env,
    const fk_product_view_t *product, ngx_faka_quotes_t *quotes);

/* The order that was asked about last was made: it counts. */
void ngx_faka_rules_made(ngx_faka_worker_t *worker, const fk_checkout_t *in);

/*
 * Before a payment is booked: whether a person looks first, and how it is
 * split, which points into worker->rules until the next call.  Nobody is asked
 * about a payment that is known, or for an order that needs none.  FK_OK; any
 * 503: not now.  Then, when it was booked for the first time: it counts.
 */
fk_code_t ngx_faka_rules_payment(ngx_faka_worker_t *worker,
    const fk_env_t *env, fk_pay_t *pay);
void ngx_faka_rules_paid(ngx_faka_worker_t *worker, const fk_env_t *env,
    const fk_order_view_t *order);


/*
 * The split of an order that is to be made and paid at once, with paid, the
 * sum that it is of.  FK_PRICE: the rule gave no answer; nobody has paid yet,
 * so there is no order that nobody would get anything of.
 */
fk_code_t ngx_faka_rules_prepaid(ngx_faka_worker_t *worker,
    const fk_env_t *env, const fk_product_view_t *product,
    const fk_buyer_view_t *buyer, const fk_checkout_t *in, int64_t paid,
    fk_split_t *split);

/* The same split for an order that a person approves, if only that makes it
 * paid; FK_OK, the order's code, or any 503. */
fk_code_t ngx_faka_rules_approval(ngx_faka_worker_t *worker,
    const fk_env_t *env, const fk_order_id_t *id, fk_split_t *split);
/* .. and of one that is paid and flagged, as it was not split then. */
fk_code_t ngx_faka_rules_commission(ngx_faka_worker_t *worker,
    const fk_env_t *env, const fk_order_id_t *id, fk_split_t *split);

/* --- between the files ------------------------------------------------- */

/* One line a second, with the number of those that were not written. */
typedef struct {
    time_t              said_s;
    ngx_uint_t          unsaid;
} ngx_faka_rules_line_t;

struct ngx_faka_rules_s {
    ngx_faka_worker_t  *worker;
    fl_t               *vm[NGX_FAKA_RULES_COUNT];      /* NULL: none */
    uint32_t            version[NGX_FAKA_RULES_COUNT];
    ngx_uint_t          asks;              /* unsigned: 1 at a checkout */
    ngx_uint_t          counts;            /* unsigned: 1 rates are wanted */

    ngx_uint_t          asked;             /* unsigned: 1 a hook was */
    ngx_uint_t          found;             /* set of ngx_faka_risk_t: why a
                                              person is to look */
    int64_t             shadow;            /* what the order would cost by the
                                              shadow, or one of these: */
#define NGX_FAKA_SHADOW_UNASKED  (-1)
#define NGX_FAKA_SHADOW_REFUSES  (-2)

    fk_env_t            env;               /* of the call under way */
    fk_order_id_t       order;             /* that was asked about last */
    int64_t             left_ns[NGX_FAKA_RULES_COUNT]; /* of the request */
    ngx_faka_sale_t     sale;              /* that the hooks are asked about */
    fl_input_t          input;
    u_char              contact[FK_CONTACT_SIZE_MAX];  /* of a payment */
    char                reason[FL_TEXT_SIZE_MAX + 1];
    fk_account_view_t   agent[FL_LEVELS_MAX];      /* of the split */
    fk_account_view_t   platform;

    struct tm           clock;             /* local time, to the minute */
    time_t              clock_s;           /* .. of this one */

    ngx_event_t         tend;              /* a VM, between requests */
    uint64_t            rested_us;         /* not before, steady clock */

    ngx_faka_rules_line_t  line[NGX_FAKA_RULES_COUNT][FL_HOOK_COUNT];
    ngx_faka_rules_line_t  refused;
};

/* ngx_faka_worker_rules_input.c */

/* rules->input, of the sale under way, for any of the hooks.  Its product and
 * order must be there as long as hooks are asked. */
void ngx_faka_rules_input(ngx_faka_rules_t *rules);
/* The key by which this rate counts the sale under way; 0: it has none. */
uint64_t ngx_faka_rules_rate(ngx_faka_rules_t *rules, fk_rate_t rate);

/* ngx_faka_worker_commission.c: what of paid goes to whom; rules->input is the
 * order's.  FK_OK; any 503: an account cannot be looked up now. */
fk_code_t ngx_faka_commission(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, const ngx_faka_sale_t *sale,
    int64_t paid, fk_split_t *split);

/* ngx_faka_worker_risk.c */

/* FK_OK with out->review and out->reason, or why there is no order. */
fk_code_t ngx_faka_risk_checkout(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, const ngx_faka_sale_t *sale,
    fk_checkout_t *out);
/* Blocklists and limits, before Lua is asked for anything. */
fk_code_t ngx_faka_risk_before(ngx_faka_rules_t *rules,
    const ngx_faka_sale_t *sale, fk_checkout_t *out);
void ngx_faka_risk_payment(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, const ngx_faka_sale_t *sale,
    fk_pay_t *pay);

/* The order was made, or paid: for whatever somebody is to look at it, it is
 * counted, once by each. */
void ngx_faka_risk_found(ngx_faka_rules_t *rules);

/* ngx_faka_worker_rules.c */

/* Which rules a buyer meets; contact: in the form to compare. */
ngx_faka_rules_variant_t ngx_faka_rules_choose(const ngx_faka_rules_t *rules,
    fk_str_t contact);
/* A request begins whose hooks share a limit of time. */
void ngx_faka_rules_begin(ngx_faka_rules_t *rules);
/* Whether a shadow is to be asked: not when the rules have used up the time of
 * the request. */
ngx_uint_t ngx_faka_rules_shadows(const ngx_faka_rules_t *rules);
/* A hook was asked: counts it, and says what went wrong. */
void ngx_faka_rules_asked(ngx_faka_rules_t *rules,
    ngx_faka_rules_variant_t variant, fl_hook_t hook, fl_code_t code,
    const char *why, const char *instead);
/* 0: such a line was written in this second, and that is counted.  Who writes
 * it sets unsaid to 0. */
ngx_uint_t ngx_faka_rules_may_say(ngx_faka_rules_line_t *line);
/* Whether the canary's answer, which is not applied, was another one. */
void ngx_faka_rules_compared(ngx_faka_rules_t *rules, fl_hook_t hook,
    ngx_uint_t differs);


#endif /* NGX_FAKA_RULES_H_INCLUDED_ */

/*
 * The oracle's book: what was promised to everybody outside, and what the
 * journal says.  A part of sim.h, which includes it: nobody else does.
 *
 * oracle.c writes down what is answered, oracle_journal.c and
 * oracle_record.c what Redis gets to hold; oracle_check.c, oracle_again.c
 * hold both against the shops at a quiet point.
 */

#ifndef SIM_ORACLE_H_INCLUDED_
#define SIM_ORACLE_H_INCLUDED_


#define SIM_PRICES_MAX  512            /* of a product, in a seed */

typedef struct {
    uint32_t       product;
    uint32_t       qty;
    uint8_t        is_acked;
    uint8_t        is_cancelled;       /* acknowledged */
    uint8_t        is_delivered;       /* shown */
    uint8_t        seen;               /* at this quiet point */
    uint8_t        again;              /* in the second shop */
    uint32_t       asked;              /* bits: decisions, by fk_event_t */
    uint64_t       seq;                /* what was promised last */
    uint64_t       shown_seq;          /* with which it was delivered */
    uint64_t       refunded_seq;       /* of the last refund acknowledged */
    int64_t        amount;
    fk_order_id_t  id;
    uint32_t       card[FK_QTY_MAX];   /* shown */

    /* As the journal has it. */
    uint64_t       made_seq;           /* 0: not in there */
    uint64_t       axes_seq;           /* of the axes; 0: not known */
    uint64_t       short_seq;          /* waits for stock since then; or 0 */
    uint64_t       paid_seq;           /* of the last image after the first
                                          that says that it is paid */
    int64_t        made_amount;
    int64_t        made_ms;
    uint32_t       made_expires_s;
    fk_order_id_t  made_id;
    fk_axes_t      axes;
    uint8_t        has_tally[FK_TALLY_COUNT];  /* it is counted there */
    uint8_t        made_coupon;        /* it has one */
    uint8_t        is_flagged;         /* its split failed */
    uint8_t        is_split_asked;     /* ... and was asked for again */

    /* Parts of its money that the cashier was asked to give back. */
    uint32_t       part_count;
    int64_t        part[FK_PARTS_MAX];
} sim_purchase_t;

/* One image of a split or of a withdrawal, as the journal has it. */
enum {
    SIM_LEDGER_SPLIT = 0, SIM_LEDGER_WITHDRAWAL
};

#define SIM_LEDGER_MAX       8192
#define SIM_WITHDRAWALS_MAX  1024

typedef struct {
    uint64_t  seq;
    uint32_t  key;                     /* purchase, or slot */
    uint8_t   kind;
    uint8_t   state;
    uint8_t   used;                    /* of a withdrawal */
    uint64_t  serial;
    uint32_t  line_count;
    uint32_t  part_count;
    uint32_t  settle_at_s;
    uint32_t  account[FK_SPLIT_LINES_MAX];     /* SIM_ACCOUNTS: not known */
    int64_t   amount[FK_SPLIT_LINES_MAX];
    int64_t   paid;
    int64_t   returned;
    int64_t   part;                    /* ... since the image before */
    uint8_t   is_last_part;            /* nothing is left since then */
} sim_entry_line_t;

typedef struct {
    uint32_t       purchase;
    fk_order_id_t  id;
    int64_t        amount;
    uint8_t        is_acked;
    uint8_t        is_extra;           /* the gateway was told: kept */
    uint8_t        refund_asked;       /* of this one */
    uint8_t        is_refunded;        /* acknowledged */
    uint32_t       seen;               /* at this quiet point */

    /* As the journal has it. */
    uint8_t        state;
    uint8_t        born;               /* its first state */
    uint64_t       born_seq;           /* 0: not in there */
    uint64_t       state_seq;          /* of the state; 0: not known */
} sim_payment_t;

typedef struct {
    uint32_t  product;
    uint32_t  purchase;                /* to which it was delivered */
    uint32_t  seen;                    /* at this quiet point: the order's */
    uint8_t   there;                   /* at this quiet point: held or sold */
    uint8_t   is_uploaded;             /* its file was acknowledged */
} sim_card_t;

/* Until the next one, in the journal; price 0: not known, nor whose it is. */
typedef struct {
    uint64_t  seq;
    int64_t   price;
    uint32_t  merchant;                /* its slot; 0: nobody's */
} sim_price_t;

typedef struct {
    fk_kind_t    kind;
    int64_t      price;                /* the operator's wish */
    int64_t      imported_acked;       /* cards of imports acknowledged */
    int64_t      imported_asked;       /* and of those that may have failed */
    int          is_known;
    int64_t      leased_us;            /* an import began, or went on */
    uint32_t     asked_count;
    uint32_t     in_force_count;
    int64_t      asked[SIM_PRICES_MAX];
    sim_price_t  in_force[SIM_PRICES_MAX];
} sim_product_t;

/* As the journal has them. */
typedef struct {
    uint8_t   is_known;
    uint16_t  off_bp;
    int64_t   min_spent;
} sim_level_t;

typedef struct {
    uint32_t  slot;                    /* 0: not in there */
    uint8_t   kind;
    uint16_t  uses_buyer_max;
    uint32_t  uses_max;
    int64_t   value;
    int64_t   cap;
    int64_t   min_amount;
} sim_coupon_t;

typedef struct {
    uint32_t        purchase_count;
    uint32_t        payment_count;
    uint32_t        card_count;
    sim_purchase_t  purchase[SIM_PURCHASES_MAX];
    sim_payment_t   payment[SIM_PAYMENTS_MAX];
    sim_card_t      card[SIM_CARDS_MAX];
    sim_product_t   product[SIM_PRODUCTS_MAX];
    sim_level_t     level[SIM_LEVELS];
    sim_coupon_t    coupon[SIM_COUPONS];
    int             has_forgotten;     /* records were lost, or not seen */
    int             tallies_full;      /* a buyer was not counted for it */
    uint8_t         gone[SIM_BUYERS + 1];   /* with what they spent */
    uint8_t         archived[SIM_BUYERS + 1];   /* 1: some of it is */
    uint64_t        acked_seq;         /* the highest that was promised */
    uint64_t        acked_epoch;
    uint32_t       *sum;               /* of each record, by number */
    uint64_t        sum_room;
    uint64_t        waited_seq;        /* the replicas had it */
    uint64_t        blind_seq;         /* up to it, records were not seen */
    uint32_t        account[SIM_ACCOUNTS];     /* slots, by the journal */
    uint8_t         account_known[SIM_ACCOUNTS];       /* acknowledged */
    uint32_t        paid_now;          /* purchase, by the record in hand */
    int             paid_flagged;
    uint32_t        split_now;
    uint32_t        ledger_count;
    sim_entry_line_t  ledger[SIM_LEDGER_MAX];
    uint64_t        last_seq;          /* of the journal as Redis has it */
    uint64_t        top_epoch;         /* the last entry's id */
    uint64_t        top_seq;
} sim_oracle_t;


/* --- oracle.c ---------------------------------------------------------- */

void oracle_start(sim_t *s);
/* What is going to be asked: the number in the book. */
uint32_t oracle_purchase(sim_t *s, uint32_t product, uint32_t qty);
uint32_t oracle_payment(sim_t *s, uint32_t purchase, const fk_order_id_t *id,
    int64_t amount);
/* The first of count new cards, or 0 when there are no more. */
uint32_t oracle_cards(sim_t *s, uint32_t product, uint32_t count);
/* From here on the product may have that price, the purchase that decision. */
void oracle_price(sim_t *s, uint32_t product, int64_t price);
void oracle_decision(sim_t *s, uint32_t purchase, fk_event_t event);
/* Whether an order is so because a person took it back. */
int oracle_is_revoked(const sim_t *s, uint32_t purchase,
    const fk_axes_t *axes);
void oracle_answer(sim_t *s, sim_request_t *r);
/* A shop opened: what was promised must be in it. */
void oracle_open(sim_t *s, uint32_t node);
void oracle_tick(sim_t *s, const fk_tick_t *done);
void oracle_promise(sim_t *s, uint32_t purchase, uint64_t seq);


/* --- oracle_journal.c: the journal, over Redis's shoulder -------------- */

/* It got an entry, or begins anew (a Redis that lost something). */
void oracle_entry(sim_t *s, const sim_entry_t *entry);
void oracle_journal_again(sim_t *s);
/* Whether memory alone holds what was promised. */
int oracle_is_fragile(const sim_t *s);
/* Epoch and record of an order in the archive, before and after a write. */
void oracle_archive(sim_t *s, const sim_id_t *was, const sim_id_t *is);


/* --- oracle_record.c: what its records say ----------------------------- */

void oracle_images(sim_t *s, const uint8_t *record, size_t size);
/* What came behind that record was lost, and may come otherwise. */
void oracle_forget(sim_t *s, uint64_t seq);
/* Records up to that one were not seen. */
void oracle_blind(sim_t *s, uint64_t seq);
/* The price that an order has whose record is seq; 0: not known. */
int64_t oracle_price_at(const sim_t *s, uint32_t product, uint64_t seq);
/* The same with whose product it was; NULL: not known. */
const sim_price_t *oracle_terms_at(const sim_t *s, uint32_t product,
    uint64_t seq);


/* --- oracle_terms.c: what buyers have ---------------------------------- */

void oracle_level(sim_t *s, const fk_image_level_t *in);
void oracle_tally(sim_t *s, const fk_image_tally_t *in);
void oracle_coupon(sim_t *s, const fk_image_coupon_t *in);
/* An order begins at that price a unit (0: not known); and whichever image. */
void oracle_terms_made(sim_t *s, uint64_t seq, uint32_t n, int64_t price,
    const fk_image_order_t *in);
void oracle_terms_order(sim_t *s, uint32_t n, const fk_image_order_t *in);
/* At the quiet point: the book, a recovered shop, and one with all orders. */
void oracle_terms_check(sim_t *s, fk_t *fk);
void oracle_terms_same(sim_t *s, const fk_t *fk, const fk_t *other);
void oracle_terms_back(sim_t *s, const fk_t *other);


/* --- oracle_ledger.c: commission --------------------------------------- */

void oracle_ledger_image(sim_t *s, const fk_record_head_t *head,
    fk_image_type_t type, const fk_image_t *image);
/* The record in hand makes this purchase paid; and it was read to its end. */
void oracle_ledger_paid(sim_t *s, uint32_t purchase, int is_flagged);
void oracle_ledger_record(sim_t *s, const fk_record_head_t *head);
/* As oracle_forget(). */
void oracle_ledger_forget(sim_t *s, uint64_t seq);
/* Which account has this slot; SIM_ACCOUNTS: not known. */
uint32_t oracle_account(const sim_t *s, uint32_t slot);
/* At a quiet point: accounts have what the book says. */
void oracle_check_ledger(sim_t *s, fk_t *fk);
/* And a second shop has the same. */
void oracle_ledger_same(sim_t *s, fk_t *fk, fk_t *other);


/* --- oracle_stock.c: whose turn it is, and what is in stock ------------ */

/* The journal's next state of an order: who waited first is served first. */
void oracle_turn(sim_t *s, const fk_record_head_t *head, uint32_t purchase,
    const fk_axes_t *now);
/* Whether somebody waits for units that are there. */
int oracle_waits_in_vain(sim_t *s, const fk_t *fk);
/* A worker has looked for imports of the dead, and nothing is due. */
void oracle_buried(sim_t *s, const sim_worker_t *w);
/* Each card once, and each one of a file that was acknowledged. */
void oracle_check_stock(sim_t *s, const fk_t *fk, int is_all);
/* The waiting lists of two shops are the same. */
void oracle_check_queues(sim_t *s, const fk_t *fk, const fk_t *other);


/* --- oracle_check.c, oracle_again.c: the quiet point ------------------- */

void oracle_check(sim_t *s, uint32_t node);

typedef struct {
    int64_t  held;
    int64_t  sold;
    int64_t  owed;
    int64_t  revoked;
} sim_sums_t;

void check_order(sim_t *s, fk_t *fk, const fk_order_view_t *o,
    sim_sums_t *sums);
void check_products(sim_t *s, fk_t *fk, const fk_env_t *env,
    const sim_sums_t *sums);
/* A snapshot came to count, and the journal has its end: it makes a shop. */
void again_snapshot_counts(sim_t *s);
/* A second shop, made of what Redis holds, is the same one.  sums: of the
 * orders in memory; those that have left are added. */
void again_check(sim_t *s, fk_t *fk, const fk_env_t *env, sim_sums_t *sums);


#endif /* SIM_ORACLE_H_INCLUDED_ */

/*
 * Death at every store: what the driver (exhaust.c) and the operations
 * (exhaust_ops.c) share.
 */

#ifndef SIM_EXHAUST_H_INCLUDED_
#define SIM_EXHAUST_H_INCLUDED_


#include "sim.h"


#define EX_PRODUCTS      4
#define EX_ORDERS_MAX    128
#define EX_PART_SIZE     FK_SNAPSHOT_PART_SIZE_MAX
#define EX_OWNER         7             /* of imports, flushes, snapshots */


/* A shop, and what is known of it outside; restored before each death. */
typedef struct {
    uint64_t       random;
    int64_t        now_ms;
    uint32_t       leases_seen_s;
    uint32_t       order_count;
    uint32_t       trade_count;
    uint32_t       card_count;
    uint32_t       batch;
    uint32_t       batch_product;
    uint64_t       last_seq;           /* of the batch that is on its way */
    uint32_t       archive_cursor;
    size_t         archive_size;       /* of the last order dropped; or 0 */
    fk_order_id_t  archive_id;
    uint64_t       archive_seq;
    fk_order_id_t  id[EX_ORDERS_MAX];
    int64_t        amount[EX_ORDERS_MAX];
} ex_book_t;

/* What one operation is asked to do: drawn once, the same in each retry. */
typedef struct {
    uint64_t  a;
    uint64_t  b;
    uint64_t  c;
} ex_draw_t;

typedef enum {
    EX_STEP = 0,                       /* one transaction; again: the next */
    EX_REPEATS,                        /* one; done twice is done once */
    EX_SEVERAL,                        /* some, each of them as a whole */
    EX_READS                           /* none */
} ex_kind_t;

typedef struct {
    fk_t        fk;
    ex_book_t   book;
    uint8_t    *archive;               /* FK_ARCHIVE_SIZE_MAX */
    uint8_t    *part;
    fk_code_t   code;                  /* of the last operation */
    ex_draw_t   draw;
    ex_kind_t   kind;                  /* of the operation, here and now */
} ex_shop_t;

#define EX_ANY  (-1)

typedef struct {
    const char  *name;
    fk_code_t  (*run)(ex_shop_t *x);
    ex_kind_t    kind;
    int          wanted;               /* an order in this state; EX_ANY */
} ex_op_t;

#define EX_OP_COUNT      49

/* Places in the table that are asked for by name. */
#define EX_OP_CHECKOUT   6
#define EX_OP_PAY        8
#define EX_OP_GIVE_UP    12
#define EX_OP_TICK       14
#define EX_OP_DROP       26
#define EX_OP_RESTORE    27
#define EX_OP_READ       28
#define EX_OP_LATER      29
#define EX_OP_ACCOUNT    37
#define EX_OP_PART       38
#define EX_OP_WITHDRAW   39
#define EX_OP_PAYOUT     40
#define EX_OP_COMMISSION 41
#define EX_OP_WITHDRAW_ONCE 42
#define EX_OP_CREDIT     47
#define EX_OP_SPEND      48

extern const ex_op_t  ex_ops[EX_OP_COUNT];

uint64_t ex_random(ex_shop_t *x);

/* An order that waits for stock, if an expired one can be brought to it: on
 * its own, one hardly ever does. */
void ex_make_wait(ex_shop_t *x);

/* exhaust_terms.c: operations, and the buyer and coupon of a checkout. */
fk_code_t ex_level(ex_shop_t *x);
fk_code_t ex_buyer(ex_shop_t *x);
fk_code_t ex_coupon(ex_shop_t *x);
void ex_terms(ex_shop_t *x, uint32_t product, fk_checkout_t *in);

/* exhaust_ledger.c: commission.  How this payment is split; the operations. */
void ex_split(ex_shop_t *x, int64_t amount, fk_split_t *split);
fk_code_t ex_approve(ex_shop_t *x);
fk_code_t ex_account(ex_shop_t *x);
/* Whose the product is to be. */
void ex_merchant(ex_shop_t *x, fk_product_put_t *put);
fk_code_t ex_part(ex_shop_t *x);
fk_code_t ex_withdraw(ex_shop_t *x);
fk_code_t ex_withdraw_once(ex_shop_t *x);
fk_code_t ex_payout(ex_shop_t *x);
fk_code_t ex_commission(ex_shop_t *x);
fk_code_t ex_credit(ex_shop_t *x);
int ex_takes_slot(ex_shop_t *x, fk_code_t (*run)(ex_shop_t *x));
/* The order is paid from an account. */
fk_code_t ex_purchase(ex_shop_t *x, const fk_env_t *env, fk_checkout_t *in);

/* exhaust_money.c: what is between an order and its gateway. */
fk_code_t ex_start(ex_shop_t *x);
fk_code_t ex_refund(ex_shop_t *x);
fk_code_t ex_refund_ask(ex_shop_t *x);
fk_code_t ex_refund_back(ex_shop_t *x);
fk_code_t ex_revoke(ex_shop_t *x);

/* Notes what a finished operation has made; not before it has come through. */
void ex_book(ex_shop_t *x, unsigned op);


#endif /* SIM_EXHAUST_H_INCLUDED_ */

/*
 * The proof that a shop's sums and links are right: at once, or beside its
 * selling.  A part of fk.h, which includes it: nobody else does.
 */

#ifndef FK_PROOF_H_INCLUDED_
#define FK_PROOF_H_INCLUDED_


/*
 * Recomputes every counter and follows every link, all under the lock: for
 * recovery and tests.  FK_OK or FK_CORRUPT with the first problem in why.
 */
fk_code_t fk_check(fk_t *fk, char *why, size_t why_size);

/*
 * The audit: the same sums in slices, beside a shop that goes on selling.
 * One runs at a time: fk_audit_begin answers FK_CONFLICT while another is
 * fresh.  fk_audit_step until it is not FK_AGAIN; then read the products by
 * fk_audit_products and the totals.
 */
typedef struct {
    char     sku[FK_SKU_SIZE_MAX + 1];
    uint8_t  kind;
    uint8_t  ok;
    int64_t  imported, available, held, sold, voided, owed;   /* recomputed */
    int64_t  orders_count;             /* in the region */
    int64_t  archived_units;           /* of sold: kept as a sum only */
    int64_t  archived_orders;
    int64_t  archived_amount;
} fk_audit_product_t;

typedef struct {
    char     currency[FK_CURRENCY_SIZE];
    int64_t  amount;                   /* sum of all payments kept */
    int64_t  archived_amount;          /* of it, of archived orders */
    int64_t  ledger_sum;               /* of all sides: 0, or it is wrong */
} fk_audit_money_t;

#define FK_AUDIT_CURRENCIES_MAX  8

typedef struct {
    uint8_t            ok;
    uint32_t           problem_count;
    char               problem[256];   /* the first one, in words */
    int64_t            orders_count, cards_count, payments_count;
    int64_t            applied_count, review_count;
    int64_t            refund_due_count;       /* asked for or not */
    int64_t            refunded_count;
    int64_t            archived_orders, archived_units;
    int64_t            coupons_count, tallies_count;
    int64_t            accounts_count, splits_count, withdrawals_count;
    uint32_t           currency_count;
    fk_audit_money_t   money[FK_AUDIT_CURRENCIES_MAX];
} fk_audit_totals_t;

fk_code_t fk_audit_begin(fk_t *fk, const fk_env_t *env, uint64_t owner);
fk_code_t fk_audit_step(fk_t *fk, const fk_env_t *env, uint64_t owner,
    uint32_t slots);
uint32_t fk_audit_products(fk_t *fk, uint64_t owner, uint32_t *cursor,
    fk_audit_product_t *out, uint32_t n);
fk_code_t fk_audit_end(fk_t *fk, uint64_t owner, fk_audit_totals_t *out);


#endif /* FK_PROOF_H_INCLUDED_ */

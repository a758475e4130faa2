/*
 * What the audit asks of whoever changes something, and what its files share.
 * A part of fk_priv.h, which includes it: nobody else does.
 */

#ifndef FK_AUDIT_H_INCLUDED_
#define FK_AUDIT_H_INCLUDED_


/*
 * While an audit runs, a change behind its cursor is added to its sums, within
 * the transaction that makes it; else these do nothing.
 *
 * fk_audit_order: was and is are the order's units before and after;
 * orders_delta is 1 for a new order.
 *
 * fk_audit_card: for each card that is put into stock or staging (1, 0), is
 * freed (-1, 0), goes to an order (-1, 1) or comes back (1, -1), and for one
 * that leaves with its order (0, -1) or is restored with it (0, 1).  Not for
 * the keys of shared products when they are sold.
 *
 * fk_audit_payment: a payment comes, changes or goes; FK_PAYMENT_STATE_COUNT
 * stands for none.
 *
 * fk_audit_archived: what its product has of archived orders has grown by so
 * much (or, restored, shrunk).
 *
 * fk_audit_batch: a staged batch becomes live, with all its cards.
 */
void fk_audit_order(fk_t *fk, uint32_t order, const fk_units_t *was,
    const fk_units_t *is, int orders_delta);
void fk_audit_card(fk_t *fk, uint32_t card, int available_delta,
    int taken_delta);
void fk_audit_payment(fk_t *fk, uint32_t payment, unsigned was, unsigned is);
void fk_audit_archived(fk_t *fk, uint32_t product, const fk_archived_t *delta);
void fk_audit_batch(fk_t *fk, uint32_t batch);

/* Whether the slot is behind the cursor of an audit in this phase. */
int fk_audit_passed(const fk_t *fk, uint32_t phase, uint32_t i);
/* Money of a product's orders that is kept, more or less; noted stores. */
void fk_audit_money(fk_t *fk, const char *currency, int64_t amount,
    int64_t archived_amount);
/* Where a currency's sums are, or NULL if there are too many; noted stores. */
fk_audit_money_t *fk_audit_money_of(fk_t *fk, const char *currency);
/* The first problem is told in words, all are counted. */
void fk_audit_problem(fk_audit_totals_t *totals, const char *what,
    const char *name, const char *problem);

/* fk_audit_ledger.c: the phases of accounts, splits and withdrawals. */
void fk_audit_reset_account(fk_t *fk, uint32_t i);
void fk_audit_add_split(fk_t *fk, uint32_t i);
void fk_audit_add_withdrawal(fk_t *fk, uint32_t i);
void fk_audit_compare_account(fk_t *fk, uint32_t i);
/* One more, or one less: FK_AUDIT_SPLITS or FK_AUDIT_WITHDRAWALS. */
void fk_audit_count(fk_t *fk, uint32_t phase, uint32_t i, int delta);

/* A product's sums begin at 0: for the audit, and for fk_check(). */
void fk_audit_reset_product(fk_t *fk, uint32_t i);

/* The most units that a product can ever have had: sums do not overflow. */
#define FK_UNITS_MAX  (INT64_MAX / 4)

/* Whether a product's stock is the sum of its parts, and its cards agree. */
int fk_audit_stock_good(const fk_product_rec_t *p);


#endif /* FK_AUDIT_H_INCLUDED_ */

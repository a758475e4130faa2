/*
 * Accounts and the money they have in the shop: commission of orders, and
 * what is left of them for the merchant whose product it was; frozen at first,
 * then available, withdrawn in the end.  A part of fk.h, which
 * includes it: nobody else does.
 *
 * It is double entry.  Per currency there are, besides the accounts, three
 * sides that are sums of the others: the gateway (less what it took in and has
 * not given back), the house (what was taken in less the lines of all splits)
 * and the bank (what was withdrawn, less what was credited).  An order without
 * a split is the house's as a whole.  What an account spends goes to the house
 * and the lines as other money does, and comes from no gateway.  The sum of
 * all is zero, and fk_check() and the audit prove it.
 */

#ifndef FK_ACCOUNT_H_INCLUDED_
#define FK_ACCOUNT_H_INCLUDED_


/* Which optional fields of fk_account_put_t are given. */
#define FK_ACCOUNT_PUT_PARENT   0x01
#define FK_ACCOUNT_PUT_RATES    0x02
#define FK_ACCOUNT_PUT_CLOSED   0x04
#define FK_ACCOUNT_PUT_TOKEN    0x08
#define FK_ACCOUNT_PUT_CURRENCY 0x10
#define FK_ACCOUNT_PUT_KIND     0x20
#define FK_ACCOUNT_PUT_BUYER    0x40

typedef struct {
    fk_str_t  id;                      /* 1..32 of A-Z a-z 0-9 _ - */
    uint32_t  fields;                  /* FK_ACCOUNT_PUT_* */
    fk_str_t  parent;                  /* an agent; empty: none */
    uint16_t  rate_bp[FK_ACCOUNT_RATES];   /* or FK_RATE_BY_RULE */
    uint8_t   closed;
    uint8_t   kind;                    /* fk_account_kind_t */
    uint8_t   token[FK_TOKEN_SIZE];
    uint8_t   buyer[FK_TALLY_KEY_SIZE];    /* who he is when he buys */
    char      currency[FK_CURRENCY_SIZE];
} fk_account_put_t;

typedef struct {
    uint32_t  index;                   /* its slot, for good */
    uint64_t  seq;
    char      id[FK_ACCOUNT_SIZE_MAX + 1];
    char      parent[FK_ACCOUNT_SIZE_MAX + 1];   /* "": none */
    char      currency[FK_CURRENCY_SIZE];
    uint8_t   kind;
    uint8_t   closed;
    uint16_t  rate_bp[FK_ACCOUNT_RATES];
    uint8_t   token[FK_TOKEN_SIZE];
    uint8_t   buyer[FK_TALLY_KEY_SIZE];    /* zeros: not known */
    uint32_t  created_s;
    uint32_t  open_count;              /* withdrawals to be decided */

    /* Minor units. */
    int64_t   frozen;                  /* earned, not to be had yet */
    int64_t   available;               /* below 0: a debt */
    int64_t   reserved;                /* by withdrawals under way */
    int64_t   withdrawn;
    int64_t   debt;                    /* how much available is below 0 */
    int64_t   earned;                  /* all together, less what was clawed */
    int64_t   archived_earned;         /* of it, known as a sum only */
    int64_t   spent;                   /* by orders, less what came back */
    int64_t   credited;                /* by fk_credit() */
} fk_account_view_t;

/*
 * Makes or changes an account.  *created says which.  A new one needs
 * CURRENCY; it is an agent unless KIND says otherwise, and there is one
 * platform a currency.  It is never deleted, only closed: a closed one gets
 * nothing of what is paid from then on, and keeps what it has.  FK_INVALID:
 * *field names what is wrong; a parent is an agent's, an agent of the same
 * currency, at most FK_ACCOUNT_DEPTH_MAX are above who gets one, which is not
 * among them (those below move along, and may have more above them then); a
 * merchant has no rates.  FK_CONFLICT: kind and currency are for good, and a
 * currency has a platform already (*field).  FK_TABLE_FULL.
 */
fk_code_t fk_account_put(fk_t *fk, const fk_env_t *env,
    const fk_account_put_t *in, fk_account_view_t *out, int *created,
    uint64_t *seq, const char **field);

/* FK_NOT_FOUND, or the state of the shop. */
fk_code_t fk_account_get(fk_t *fk, fk_str_t id, fk_account_view_t *out);

/* As fk_product_list, in the order in which they were made. */
fk_code_t fk_account_list(fk_t *fk, uint32_t *cursor, fk_account_view_t *out,
    uint32_t *n);


/* One movement of an account's money, out of what is in the region. */
typedef struct {
    uint8_t        kind;               /* fk_entry_kind_t */
    uint8_t        state;              /* of its split or withdrawal */
    int64_t        amount;             /* below 0: it leaves the account */
    uint32_t       at_s;               /* when it was made */
    uint32_t       settle_at_s;        /* of commission, sale, clawback */
    fk_order_id_t  order;              /* not of a withdrawal or credit */
    uint64_t       withdrawal;         /* of these two: its id */
} fk_entry_t;

/*
 * The entries of an account, in no order that is promised: at most *n, from 2
 * to FK_LIST_SLICE_MAX, from *cursor (0 to begin; 0 again at the end) on.
 * What was archived is in the sums of the account's view only.  FK_CONFLICT:
 * what the cursor stood at has left the region; begin anew.
 */
fk_code_t fk_account_entries(fk_t *fk, fk_str_t id, uint64_t *cursor,
    fk_entry_t *out, uint32_t *n);


typedef struct {
    char     account[FK_ACCOUNT_SIZE_MAX + 1];
    int64_t  amount;
    int64_t  clawed;                   /* of it, taken back */
} fk_line_view_t;

typedef struct {
    int64_t   amount;
    uint32_t  at_s;
    uint8_t   ref_size;
    uint8_t   ref[FK_REF_SIZE_MAX];
} fk_part_view_t;

typedef struct {
    int64_t         paid;
    int64_t         returned;
    uint32_t        made_s;
    uint32_t        settle_at_s;
    uint8_t         state;             /* fk_split_state_t */
    uint8_t         line_count;
    uint8_t         part_count;
    char            payer[FK_ACCOUNT_SIZE_MAX + 1];  /* "": a gateway's */
    fk_line_view_t  line[FK_SPLIT_LINES_MAX];
    fk_part_view_t  part[FK_PARTS_MAX];
} fk_split_view_t;

/* FK_NOT_FOUND: no such order in memory, or nothing of it was split and no
 * part given back. */
fk_code_t fk_order_split(fk_t *fk, const fk_order_id_t *id,
    fk_split_view_t *out);

/*
 * Splits a paid order that is flagged, as it should have been, and takes the
 * flag away: both or none.  What is frozen is so from now on, and the merchant
 * is the one of now; a split without lines leaves all of it to that one, or to
 * the house.  out->seq is the record to wait for.
 *   FK_EXISTS    it is not flagged, or not any more; nothing was done
 *   FK_CONFLICT  it is not paid, or waits for stock still; or a part of it was
 *                given back before there were lines that could give back their
 *                shares
 *   FK_INVALID   the split cannot be (fk_split_t), or is flagged itself
 *   FK_AGAIN     it is of another sum
 *   FK_NOT_FOUND, FK_TABLE_FULL, FK_RING_FULL
 */
fk_code_t fk_order_commission(fk_t *fk, const fk_env_t *env,
    const fk_order_id_t *id, const fk_split_t *split, fk_order_view_t *out);

/*
 * A part of a paid order's money was given back: the operator's word for it,
 * with a ref (1..FK_REF_SIZE_MAX, no control characters) that names this part
 * of this order.  The lines of its split give back their shares, rounded down
 * over all parts together, and whole with the last unit; the house bears the
 * rest.  Its buyer has spent so much less, and with the last unit it is none
 * of his orders; a limit and a coupon still count it.  The order stays as it
 * is: its delivery is done.  out->seq is the record to wait for.
 *   FK_EXISTS    this ref with this amount was booked before
 *   FK_CONFLICT  it was booked with another amount; or the order is not paid,
 *                or still to be decided (then deny it, or give it up)
 *   FK_INVALID   ref or amount is not valid, or more than is left
 *   FK_LIMIT     it has had FK_PARTS_MAX parts
 *   FK_NOT_FOUND, FK_TABLE_FULL, FK_RING_FULL
 */
fk_code_t fk_refund_part(fk_t *fk, const fk_env_t *env,
    const fk_order_id_t *id, int64_t amount, fk_str_t ref,
    fk_order_view_t *out);


typedef struct {
    uint64_t  id;                      /* below 2^53; never used twice */
    uint64_t  seq;
    char      account[FK_ACCOUNT_SIZE_MAX + 1];
    char      currency[FK_CURRENCY_SIZE];
    int64_t   amount;
    uint32_t  requested_s;
    uint32_t  decided_s;               /* 0: not yet; else the last time */
    uint8_t   state;                   /* fk_withdrawal_state_t */
    uint8_t   note_size;
    uint8_t   note[FK_REF_SIZE_MAX];
} fk_withdrawal_view_t;

/*
 * Reserves amount of what an account has available.  A closed one may ask,
 * too.  Asked twice it is two withdrawals; by fk_withdrawal_request_once() one
 * for each note, which the caller chose: FK_EXISTS with that one, whatever its
 * amount and state, and by whichever call it was made.  Known are those that
 * are to be decided, and the account's latest FK_WITHDRAWALS_KNOWN, for as
 * long as the shop holds them.
 *   FK_INVALID     amount or note (0..FK_REF_SIZE_MAX, no control characters)
 *   FK_CONFLICT    so much is not available
 *   FK_LIMIT       FK_WITHDRAWALS_OPEN_MAX of it are to be decided
 *   FK_TABLE_FULL  none is finished that could make room, or a snapshot is
 *                  being made
 *   FK_NOT_FOUND, FK_RING_FULL
 */
fk_code_t fk_withdrawal_request(fk_t *fk, const fk_env_t *env,
    fk_str_t account, int64_t amount, fk_str_t note,
    fk_withdrawal_view_t *out);

/* The note has 1 byte at least. */
fk_code_t fk_withdrawal_request_once(fk_t *fk, const fk_env_t *env,
    fk_str_t account, int64_t amount, fk_str_t note,
    fk_withdrawal_view_t *out);

/*
 * Money came for an account some other way, which is the operator's word: it
 * is available at once, also to a closed one.  The ref (1..FK_REF_SIZE_MAX, no
 * control characters) names it, once for each account: FK_EXISTS with the
 * first, whatever its amount.  Credits and withdrawals are kept together, so
 * what is said above of notes that are known is so of these, and of both
 * together; but a ref is no note.  out: as of a withdrawal that is paid.
 *   FK_INVALID, FK_NOT_FOUND, FK_TABLE_FULL, FK_RING_FULL
 *   FK_LIMIT  all its credits would come to more than can be counted
 */
fk_code_t fk_credit(fk_t *fk, const fk_env_t *env, fk_str_t account,
    int64_t amount, fk_str_t ref, fk_withdrawal_view_t *out);

/*
 * requested -> approved -> paid; both open ones -> rejected.  FK_EXISTS: it is
 * in that state already.  FK_CONFLICT: not from the state that it is in.
 * FK_NOT_FOUND: there is none, or it left the region long after it was
 * finished.
 */
fk_code_t fk_withdrawal_decide(fk_t *fk, const fk_env_t *env, uint64_t id,
    fk_withdrawal_state_t state, fk_withdrawal_view_t *out);

/*
 * As fk_product_list; state: fk_withdrawal_state_t, or -1 for any; looking at
 * no more than FK_LIST_SLICE_MAX slots a call, so *n may be 0 before the end.
 * Credits are not among them.
 */
fk_code_t fk_withdrawal_list(fk_t *fk, int state, uint32_t *cursor,
    fk_withdrawal_view_t *out, uint32_t *n);


#endif /* FK_ACCOUNT_H_INCLUDED_ */

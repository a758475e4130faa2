/*
 * Commission, in a book of its own: what the journal says of the splits of
 * purchases and of withdrawals, one line after the other, and what accounts
 * must have by it.
 *
 * The rules once more: a purchase that an agent brought is split by the record
 * that makes it paid, or flagged by it; lines are for good, parts are only
 * added, and each was asked for; nothing settles too early; nobody gets more
 * than is available.  Nothing is subtracted when an order leaves the region or
 * comes back: what was earned by it is the same.
 */

#include "sim.h"


/* What an account has, by the book. */
typedef struct {
    int64_t  frozen;
    int64_t  settled;
    int64_t  reserved;
    int64_t  withdrawn;
} ledger_sum_t;


static void ledger_account(sim_t *s, const fk_image_account_t *in);
static void ledger_split(sim_t *s, const fk_record_head_t *head,
    const fk_image_split_t *in);
static void ledger_split_same(sim_t *s, const fk_record_head_t *head,
    const sim_entry_line_t *was, const sim_entry_line_t *is);
static void ledger_parts(sim_t *s, uint32_t n, const fk_image_split_t *in);
static void ledger_withdrawal(sim_t *s, const fk_record_head_t *head,
    const fk_image_withdrawal_t *in);
static sim_entry_line_t *ledger_add(sim_t *s, uint64_t seq, uint8_t kind,
    uint32_t key);
static const sim_entry_line_t *ledger_last(const sim_t *s, uint8_t kind,
    uint32_t key);
static uint32_t ledger_merchant(const sim_t *s, uint32_t purchase,
    uint64_t seq);
static void ledger_lines(sim_t *s, const fk_record_head_t *head, uint32_t n,
    const fk_image_split_t *in, const sim_entry_line_t *e);
static int ledger_sums(const sim_t *s, ledger_sum_t sums[SIM_ACCOUNTS]);
static int ledger_sum_split(const sim_t *s, const sim_entry_line_t *e,
    ledger_sum_t *sums);
static void ledger_sum_withdrawal(const sim_t *s, const sim_entry_line_t *e,
    const sim_entry_line_t *was, ledger_sum_t *sums);


void
oracle_ledger_image(sim_t *s, const fk_record_head_t *head,
    fk_image_type_t type, const fk_image_t *image)
{
    switch (type) {

    case FK_IMAGE_ACCOUNT:
        ledger_account(s, &image->account);
        break;

    case FK_IMAGE_SPLIT:
        ledger_split(s, head, &image->split);
        break;

    case FK_IMAGE_WITHDRAWAL:
        ledger_withdrawal(s, head, &image->withdrawal);
        break;

    default:
        break;
    }
}


void
oracle_ledger_paid(sim_t *s, uint32_t purchase, int is_flagged)
{
    s->oracle.paid_now = purchase;
    s->oracle.paid_flagged = is_flagged;
    s->oracle.split_now = 0;
}


/* Both or none: no crash is between the payment and its split. */

void
oracle_ledger_record(sim_t *s, const fk_record_head_t *head)
{
    uint32_t       i, n, lines;
    int64_t        paid;
    fk_split_t     wanted;
    sim_oracle_t  *o;

    o = &s->oracle;
    n = o->paid_now;
    o->paid_now = 0;

    if (n == 0 || o->paid_flagged) {
        return;
    }

    /* Whatever was paid: of more, no line is less. */
    paid = o->purchase[n].made_amount;
    request_split(n, paid, &wanted);
    lines = ledger_merchant(s, n, head->seq) != 0;

    for (i = 0; i < wanted.count; i++) {
        lines += wanted.line[i].amount != 0;
    }

    SIM_MUST(s, lines == 0 || o->split_now == n
                || (o->purchase[n].asked >> FK_EVENT_APPROVE & 1),
             "record %" PRIu64 " makes purchase %u paid, and nobody gets "
             "anything", head->seq, n);
}


/* Whose product it was with that record; 0: nobody's, or not known. */

static uint32_t
ledger_merchant(const sim_t *s, uint32_t purchase, uint64_t seq)
{
    const sim_price_t  *terms;

    terms = oracle_terms_at(s, s->oracle.purchase[purchase].product, seq);
    return terms != NULL ? terms->merchant : 0;
}


void
oracle_ledger_forget(sim_t *s, uint64_t seq)
{
    sim_oracle_t  *o;

    o = &s->oracle;

    while (o->ledger_count != 0 && o->ledger[o->ledger_count - 1].seq > seq) {
        o->ledger_count--;
    }
}


static sim_entry_line_t *
ledger_add(sim_t *s, uint64_t seq, uint8_t kind, uint32_t key)
{
    sim_entry_line_t  *e;

    SIM_MUST(s, s->oracle.ledger_count < SIM_LEDGER_MAX,
             "too many movements of money");

    e = &s->oracle.ledger[s->oracle.ledger_count++];
    memset(e, 0, sizeof(*e));
    e->seq = seq;
    e->kind = kind;
    e->key = key;

    return e;
}


static const sim_entry_line_t *
ledger_last(const sim_t *s, uint8_t kind, uint32_t key)
{
    uint32_t                 i;
    const sim_entry_line_t  *e;

    for (i = s->oracle.ledger_count; i > 0; i--) {
        e = &s->oracle.ledger[i - 1];

        if (e->kind == kind && e->key == key) {
            return e;
        }
    }

    return NULL;
}


static void
ledger_account(sim_t *s, const fk_image_account_t *in)
{
    uint32_t  i;

    SIM_MUST(s, in->id_size == 2 && in->id[0] == 'g' && in->id[1] >= '0'
                && in->id[1] < '0' + SIM_ACCOUNTS
                && (in->kind == FK_ACCOUNT_MERCHANT)
                   == (in->id[1] >= '0' + SIM_AGENTS),
             "the journal has an account that nobody made");

    i = (uint32_t) (in->id[1] - '0');

    SIM_MUST(s, s->oracle.account[i] == 0 || s->oracle.account[i] == in->slot,
             "account %u has two slots", i);
    s->oracle.account[i] = in->slot;
}


uint32_t
oracle_account(const sim_t *s, uint32_t slot)
{
    uint32_t  i;

    for (i = 0; i < SIM_ACCOUNTS && s->oracle.account[i] != slot; i++) {
        /* looks for it */
    }

    return i;
}


static void
ledger_split(sim_t *s, const fk_record_head_t *head,
    const fk_image_split_t *in)
{
    uint32_t                 i, n;
    fk_split_t               wanted;
    fk_order_id_t            id;
    sim_entry_line_t        *e;
    const sim_entry_line_t  *was;

    memcpy(id.bytes, in->order, FK_ORDER_ID_SIZE);
    n = request_purchase(&id);

    SIM_MUST(s, n != 0 && n < s->oracle.purchase_count,
             "the journal has the split of an order that nobody made");

    was = ledger_last(s, SIM_LEDGER_SPLIT, n);
    e = ledger_add(s, head->seq, SIM_LEDGER_SPLIT, n);
    e->state = in->state;
    e->paid = in->paid;
    e->line_count = in->line_count;
    e->part_count = in->part_count;
    e->settle_at_s = in->settle_at_s;
    request_split(n, in->paid, &wanted);

    for (i = 0; i < in->line_count; i++) {
        e->account[i] = oracle_account(s, in->account[i]);
        e->amount[i] = in->amount[i];
    }

    if (s->oracle.blind_seq == 0) {
        ledger_lines(s, head, n, in, e);
    }

    SIM_MUST(s, s->oracle.blind_seq != 0 || in->line_count == 0
                || in->settle_at_s >= in->made_s + wanted.settle_s,
             "record %" PRIu64 ": purchase %u is not frozen long enough",
             head->seq, n);

    ledger_parts(s, n, in);
    (void) fk_split_image_good(in, &e->returned);
    e->part = e->returned - (was != NULL ? was->returned : 0);
    e->is_last_part = e->part != 0 && e->returned == e->paid;

    if (e->is_last_part) {
        sim_mark(s, SIM_MARK_ALL_RETURNED);
    }

    if (was != NULL) {
        ledger_split_same(s, head, was, e);
    }

    s->oracle.split_now = n;
}


/* The agents' by the purchase, and behind them the rest: for the merchant
 * whose the product is with the very record that makes it paid. */

static void
ledger_lines(sim_t *s, const fk_record_head_t *head, uint32_t n,
    const fk_image_split_t *in, const sim_entry_line_t *e)
{
    int64_t     left;
    uint32_t    i, merchant;
    fk_split_t  wanted;

    request_split(n, in->paid, &wanted);

    /* Approved with another sum, it is split as if it was the right one. */
    if (s->oracle.purchase[n].asked >> FK_EVENT_APPROVE & 1
        && s->oracle.purchase[n].made_amount <= in->paid)
    {
        request_split(n, s->oracle.purchase[n].made_amount, &wanted);
    }

    left = in->paid;

    for (i = 0; i < in->line_count && e->account[i] < SIM_AGENTS; i++) {
        SIM_MUST(s, i < wanted.count
                    && e->amount[i] == wanted.line[i].amount
                    && e->account[i] == i,
                 "record %" PRIu64 ": line %u of purchase %u is another one",
                 head->seq, i, n);
        left -= e->amount[i];
    }

    if (i < in->line_count) {
        SIM_MUST(s, i + 1 == in->line_count && e->amount[i] == left
                    && e->account[i] < SIM_ACCOUNTS,
                 "record %" PRIu64 ": a merchant has not got what is left of "
                 "purchase %u", head->seq, n);
    }

    /* Parts of an order that was not split have a split without lines. */
    if (s->oracle.paid_now != n || in->line_count == 0) {
        return;
    }

    merchant = ledger_merchant(s, n, head->seq);

    SIM_MUST(s, oracle_terms_at(s, s->oracle.purchase[n].product, head->seq)
                == NULL
                || (merchant == 0 ? i == in->line_count
                    : i < in->line_count && in->account[i] == merchant),
             "record %" PRIu64 ": what is left of purchase %u is not for "
             "whom its product belongs to", head->seq, n);

    if (merchant != 0) {
        sim_mark(s, SIM_MARK_REST);
    }
}


static void
ledger_split_same(sim_t *s, const fk_record_head_t *head,
    const sim_entry_line_t *was, const sim_entry_line_t *is)
{
    SIM_MUST(s, was->paid == is->paid && was->line_count == is->line_count
                && memcmp(was->account, is->account, sizeof(is->account))
                   == 0
                && memcmp(was->amount, is->amount, sizeof(is->amount)) == 0,
             "record %" PRIu64 " splits purchase %u once more", head->seq,
             is->key);
    SIM_MUST(s, was->part_count <= is->part_count
                && was->returned <= is->returned && was->state <= is->state,
             "record %" PRIu64 " takes the split of purchase %u back",
             head->seq, is->key);

    if (was->state == is->state) {
        return;
    }

    sim_mark(s, SIM_MARK_COMMISSION);
    SIM_MUST(s, head->time_ms >= (int64_t) is->settle_at_s * 1000,
             "record %" PRIu64 " settles purchase %u too early", head->seq,
             is->key);
}


/* Each is one that was asked for, and there once. */

static void
ledger_parts(sim_t *s, uint32_t n, const fk_image_split_t *in)
{
    size_t                 at;
    uint32_t               i, k, met;
    const sim_purchase_t  *b;

    b = &s->oracle.purchase[n];
    at = 0;
    met = 0;

    for (i = 0; i < in->part_count; i++) {
        k = in->part_size[i] == FK_PART_HEAD_SIZE + 2u
            ? (uint32_t) (in->parts[at + FK_PART_HEAD_SIZE + 1] - '0')
            : FK_PARTS_MAX;

        SIM_MUST(s, k < b->part_count
                    && (int64_t) fk_get(in->parts + at, 8) == b->part[k],
                 "purchase %u gave a part back, and nobody asked for it", n);
        SIM_MUST(s, !(met >> k & 1), "purchase %u gave part %u back twice", n,
                 k);
        met |= 1u << k;
        at += in->part_size[i];
    }
}


static void
ledger_withdrawal(sim_t *s, const fk_record_head_t *head,
    const fk_image_withdrawal_t *in)
{
    uint32_t                 i;
    ledger_sum_t             sums[SIM_ACCOUNTS];
    sim_entry_line_t        *e;
    const sim_entry_line_t  *was;

    was = ledger_last(s, SIM_LEDGER_WITHDRAWAL, in->slot);
    i = oracle_account(s, in->account);

    if (was != NULL && !was->used) {
        was = NULL;
    }

    SIM_MUST(s, was == NULL || was->amount[0] == in->amount,
             "record %" PRIu64 " has another sum of a withdrawal", head->seq);

    if (was == NULL && s->oracle.blind_seq == 0 && ledger_sums(s, sums)
        && i < SIM_ACCOUNTS)
    {
        SIM_MUST(s, sums[i].settled - sums[i].reserved - sums[i].withdrawn
                    >= in->amount,
                 "record %" PRIu64 ": account %u asks for more than it has",
                 head->seq, i);
    }

    SIM_MUST(s, was == NULL || in->state >= was->state,
             "record %" PRIu64 " takes a withdrawal back", head->seq);

    e = ledger_add(s, head->seq, SIM_LEDGER_WITHDRAWAL, in->slot);
    e->state = in->state;
    e->used = in->used;
    e->serial = in->serial;
    e->account[0] = i;
    e->amount[0] = in->amount;

    if (in->state == FK_WITHDRAWAL_PAID) {
        sim_mark(s, SIM_MARK_PAID_OUT);
    }
}


/* 0: some of it is not known, as records of it were lost or not seen. */

static int
ledger_sums(const sim_t *s, ledger_sum_t sums[SIM_ACCOUNTS])
{
    uint32_t                 i;
    const sim_entry_line_t  *e;

    static const sim_entry_line_t  *split[SIM_PURCHASES_MAX];
    static const sim_entry_line_t  *slot[SIM_WITHDRAWALS_MAX];

    memset(sums, 0, SIM_ACCOUNTS * sizeof(ledger_sum_t));
    memset(split, 0, sizeof(split));
    memset(slot, 0, sizeof(slot));

    for (i = 0; i < s->oracle.ledger_count; i++) {
        e = &s->oracle.ledger[i];

        if (e->kind == SIM_LEDGER_SPLIT) {
            split[e->key] = e;

        } else if (e->key < SIM_WITHDRAWALS_MAX) {
            ledger_sum_withdrawal(s, e, slot[e->key], sums);
            slot[e->key] = e;
        }
    }

    for (i = 1; i < s->oracle.purchase_count; i++) {
        if (split[i] != NULL && !ledger_sum_split(s, split[i], sums)) {
            return 0;
        }
    }

    return 1;
}


static int
ledger_sum_split(const sim_t *s, const sim_entry_line_t *e,
    ledger_sum_t *sums)
{
    int64_t                net;
    uint32_t               i;
    const sim_purchase_t  *b;

    b = &s->oracle.purchase[e->key];

    if (b->axes_seq == 0) {
        return 0;
    }

    for (i = 0; i < e->line_count; i++) {
        if (e->account[i] == SIM_ACCOUNTS) {
            return 0;
        }

        /* Small numbers: no product of two is too large. */
        net = b->axes.payment == FK_PAYMENT_PAID
              ? e->amount[i] - e->amount[i] * e->returned / e->paid : 0;

        if (e->state == FK_SPLIT_FROZEN) {
            sums[e->account[i]].frozen += net;
        } else {
            sums[e->account[i]].settled += net;
        }
    }

    return 1;
}


/* What it was is taken back, unless that was paid and its slot is free. */

static void
ledger_sum_withdrawal(const sim_t *s, const sim_entry_line_t *e,
    const sim_entry_line_t *was, ledger_sum_t *sums)
{
    ledger_sum_t  *sum;

    if (e->account[0] == SIM_ACCOUNTS || !e->used) {
        return;
    }

    sum = &sums[e->account[0]];

    if (was != NULL && was->used && was->serial == e->serial) {
        if (was->state == FK_WITHDRAWAL_PAID) {
            sum->withdrawn -= was->amount[0];
        } else if (was->state != FK_WITHDRAWAL_REJECTED) {
            sum->reserved -= was->amount[0];
        }
    }

    if (e->state == FK_WITHDRAWAL_PAID) {
        sum->withdrawn += e->amount[0];
    } else if (e->state != FK_WITHDRAWAL_REJECTED) {
        sum->reserved += e->amount[0];
    }
}


void
oracle_check_ledger(sim_t *s, fk_t *fk)
{
    uint32_t           i;
    ledger_sum_t       sums[SIM_ACCOUNTS];
    fk_account_view_t  v;

    if (s->oracle.blind_seq != 0 || !ledger_sums(s, sums)) {
        return;
    }

    for (i = 0; i < SIM_ACCOUNTS; i++) {
        if (fk_account_get(fk, request_account(i), &v) != FK_OK) {
            SIM_MUST(s, !s->oracle.account_known[i], "account %u is lost", i);
            continue;
        }

        SIM_MUST(s, v.frozen == sums[i].frozen
                    && v.earned == sums[i].frozen + sums[i].settled
                    && v.reserved == sums[i].reserved
                    && v.withdrawn == sums[i].withdrawn
                    && v.available == sums[i].settled - sums[i].reserved
                                      - sums[i].withdrawn,
                 "account %u has %" PRId64 " frozen, %" PRId64 " available, "
                 "%" PRId64 " withdrawn; the book says %" PRId64 ", %" PRId64
                 ", %" PRId64, i, v.frozen, v.available, v.withdrawn,
                 sums[i].frozen, sums[i].settled - sums[i].reserved
                                 - sums[i].withdrawn, sums[i].withdrawn);

        if (v.debt != 0) {
            sim_mark(s, SIM_MARK_DEBT);
        }
    }
}


/* Two shops have the same accounts, withdrawals and splits. */

void
oracle_ledger_same(sim_t *s, fk_t *fk, fk_t *other)
{
    uint32_t           i;
    fk_code_t          rc;
    fk_split_view_t    split[2];
    fk_account_view_t  view[2];

    for (i = 0; i < SIM_ACCOUNTS; i++) {
        memset(view, 0, sizeof(view));
        rc = fk_account_get(fk, request_account(i), &view[0]);

        SIM_MUST(s, fk_account_get(other, request_account(i), &view[1]) == rc
                    && memcmp(&view[0], &view[1], sizeof(view[0])) == 0,
                 "account %u is not the same after a recovery", i);
    }

    for (i = 1; i < s->oracle.purchase_count; i++) {
        memset(split, 0, sizeof(split));
        rc = fk_order_split(fk, &s->oracle.purchase[i].made_id, &split[0]);

        SIM_MUST(s, fk_order_split(other, &s->oracle.purchase[i].made_id,
                                   &split[1]) == rc
                    && memcmp(&split[0], &split[1], sizeof(split[0])) == 0,
                 "the split of purchase %u is not the same after a recovery",
                 i);
    }
}

/*
 * The quiet point: no fault is under way, everybody has had an answer, all is
 * durable.  Then every promise in the book is held against the shop, the
 * shop's sums against its own orders and cards, and both against a second
 * shop that is recovered from Redis alone.
 */

#include "sim.h"


static void check_engine(sim_t *s, fk_t *fk);
static void check_orders(sim_t *s, fk_t *fk, sim_sums_t *sums);
static void check_payments(sim_t *s, fk_t *fk, const fk_order_view_t *o);
static void check_payment(sim_t *s, uint32_t k, const fk_payment_view_t *v);
static void check_money(sim_t *s, const fk_order_view_t *o, int64_t applied,
    const uint32_t *states);
static void check_cards(sim_t *s, fk_t *fk, const fk_order_view_t *o);
static void check_promises(sim_t *s);


void
oracle_check(sim_t *s, uint32_t node)
{
    uint32_t   i;
    fk_t      *fk;
    fk_env_t   env;

    static sim_sums_t  sums[SIM_PRODUCTS_MAX];

    fk = &s->node[node].fk;
    env.now_ms = node_unix_ms(s, node);
    s->counts.quiet_points++;

    for (i = 0; i < s->oracle.purchase_count; i++) {
        s->oracle.purchase[i].seen = 0;
    }

    for (i = 0; i < s->oracle.payment_count; i++) {
        s->oracle.payment[i].seen = 0;
    }

    for (i = 0; i < s->oracle.card_count; i++) {
        s->oracle.card[i].seen = 0;
    }

    SIM_MUST(s, fk_durable_seq(fk) == fk_last_seq(fk)
                && s->oracle.last_seq == fk_last_seq(fk)
                && s->oracle.acked_seq <= fk_last_seq(fk),
             "the journal ends at %" PRIu64 ", the shop at %" PRIu64
             ", promised was %" PRIu64, s->oracle.last_seq, fk_last_seq(fk),
             s->oracle.acked_seq);

    check_engine(s, fk);
    check_orders(s, fk, sums);
    oracle_check_ledger(s, fk);
    again_check(s, fk, &env, sums);
    check_promises(s);
    check_products(s, fk, &env, sums);
    oracle_terms_check(s, fk);
}


/* The engine's own proofs. */

static void
check_engine(sim_t *s, fk_t *fk)
{
    char               why[256];
    fk_env_t           env;
    fk_code_t          rc;
    fk_audit_totals_t  totals;

    SIM_MUST(s, fk_check(fk, why, sizeof(why)) == FK_OK, "fk_check: %s", why);

    env.now_ms = 0;
    SIM_MUST(s, fk_audit_begin(fk, &env, UINT64_MAX) == FK_OK,
             "no audit can begin");

    do {
        rc = fk_audit_step(fk, &env, UINT64_MAX, 64);
    } while (rc == FK_AGAIN);

    SIM_MUST(s, rc == FK_OK && fk_audit_end(fk, UINT64_MAX, &totals) == FK_OK
                && totals.ok, "audit: %s", totals.problem);
}


static void
check_orders(sim_t *s, fk_t *fk, sim_sums_t *sums)
{
    uint32_t           i, n, cursor;
    fk_order_view_t    out[FK_LIST_SLICE_MAX];
    fk_order_filter_t  filter;

    memset(sums, 0, SIM_PRODUCTS_MAX * sizeof(sim_sums_t));
    memset(&filter, 0, sizeof(filter));
    filter.status = -1;
    cursor = 0;

    do {
        n = FK_LIST_SLICE_MAX;
        SIM_MUST(s, fk_order_list(fk, &filter, &cursor, out, &n) == FK_OK,
                 "an open shop has no list");

        for (i = 0; i < n; i++) {
            check_order(s, fk, &out[i], sums);
        }

    } while (cursor != 0);
}


void
check_order(sim_t *s, fk_t *fk, const fk_order_view_t *o, sim_sums_t *sums)
{
    uint32_t         n, product;
    sim_purchase_t  *p;

    n = request_purchase(&o->id);
    product = request_product_of(o->sku);

    SIM_MUST(s, n != 0 && n < s->oracle.purchase_count,
             "an order that nobody made");

    p = &s->oracle.purchase[n];

    SIM_MUST(s, p->product == product && p->qty == o->qty
                && o->contact_size == (size_t) snprintf(NULL, 0, "buyer-%u",
                                                        n),
             "the order of purchase %u has another content", n);
    SIM_MUST(s, !p->seen, "purchase %u has two orders", n);
    SIM_MUST(s, !p->is_acked || (memcmp(&p->id, &o->id, sizeof(p->id)) == 0
                                 && p->amount == o->amount),
             "the order of purchase %u is not the one promised", n);
    SIM_MUST(s, p->made_seq == 0
                || (memcmp(&p->made_id, &o->id, sizeof(o->id)) == 0
                    && p->made_amount == o->amount
                    && p->made_ms == o->created_ms
                    && p->made_expires_s == o->expires_s),
             "the order of purchase %u is not the journal's", n);
    SIM_MUST(s, p->axes_seq == 0
                || memcmp(&p->axes, &o->axes, sizeof(o->axes)) == 0,
             "purchase %u is %s, and in another state in the journal", n,
             fk_status_word[o->status]);
    SIM_MUST(s, o->seq >= p->seq, "purchase %u has lost a change: it is at "
             "%" PRIu64 ", promised was %" PRIu64, n, o->seq, p->seq);
    SIM_MUST(s, !p->is_cancelled || o->axes.cancelled,
             "purchase %u was cancelled, and is not", n);
    SIM_MUST(s, !p->is_delivered || o->status == FK_STATUS_DELIVERED
                || oracle_is_revoked(s, n, &o->axes),
             "purchase %u was delivered, and is not", n);

    p->seen = 1;

    sums += product;
    sums->held += o->axes.stock == FK_STOCK_HELD ? o->qty : 0;
    sums->sold += o->axes.stock == FK_STOCK_ALLOCATED ? o->qty : 0;
    sums->owed += o->axes.stock == FK_STOCK_SHORT ? o->qty : 0;
    sums->revoked += o->axes.stock == FK_STOCK_VOIDED ? o->qty : 0;

    check_payments(s, fk, o);
    check_cards(s, fk, o);
}


/* Each payment has one place, and the order's axis agrees with them. */

static void
check_payments(sim_t *s, fk_t *fk, const fk_order_view_t *o)
{
    char               trade_no[16];
    int64_t            applied, less;
    uint32_t           i, n, k, states[FK_PAYMENT_STATE_COUNT];
    sim_payment_t     *p;
    fk_payment_view_t  out[16];

    memset(states, 0, sizeof(states));
    applied = 0;
    less = 0;
    n = 16;

    SIM_MUST(s, fk_order_payments(fk, &o->id, out, &n) == FK_OK,
             "the order of purchase %u has no payments",
             request_purchase(&o->id));

    for (i = 0; i < n; i++) {
        k = (uint32_t) redis_number(&(sim_text_t) { out[i].trade_no + 1, 8 });
        SIM_MUST(s, k != 0 && k < s->oracle.payment_count,
                 "a payment that nobody made");

        p = &s->oracle.payment[k];
        (void) snprintf(trade_no, sizeof(trade_no), "T%u", k);

        SIM_MUST(s, strcmp(trade_no, out[i].trade_no) == 0
                    && out[i].amount == p->amount
                    && memcmp(&p->id, &o->id, sizeof(o->id)) == 0,
                 "payment %u is another one, or at another order", k);
        SIM_MUST(s, !p->seen, "payment %u is there twice", k);

        p->seen = 1;
        states[out[i].state]++;
        applied += out[i].state == FK_PAYMENT_STATE_APPLIED ? p->amount : 0;
        less += p->amount - out[i].owed;
        check_payment(s, k, &out[i]);
    }

    /* The parts are not given back a second time, and nothing else stays. */
    SIM_MUST(s, o->axes.stock != FK_STOCK_VOIDED
                || states[FK_PAYMENT_STATE_REFUNDED] != 0
                || less == o->returned,
             "purchase %u was revoked, and owes %" PRId64 " less than was "
             "paid, of which %" PRId64 " went back",
             request_purchase(&o->id), less, o->returned);

    check_money(s, o, applied, states);
}


/* It is where the journal has it, and what is owed is owed still. */

static void
check_payment(sim_t *s, uint32_t k, const fk_payment_view_t *v)
{
    const sim_payment_t   *p;
    const sim_purchase_t  *b;

    p = &s->oracle.payment[k];
    b = &s->oracle.purchase[p->purchase];

    SIM_MUST(s, p->state_seq == 0 || p->state == v->state,
             "payment %u is %s, and %s in the journal", k,
             fk_payment_state_word[v->state],
             fk_payment_state_word[p->state]);
    SIM_MUST(s, !p->is_extra || v->state == FK_PAYMENT_STATE_REFUND_DUE
                || (v->state == FK_PAYMENT_STATE_ASKED && p->refund_asked)
                || (v->state == FK_PAYMENT_STATE_REFUNDED
                    && (p->refund_asked
                        || (b->asked >> FK_EVENT_REFUNDED & 1))),
             "payment %u was kept for refund, and is %s", k,
             fk_payment_state_word[v->state]);
    SIM_MUST(s, !p->is_refunded || v->state == FK_PAYMENT_STATE_REFUNDED,
             "payment %u was given back, and is %s", k,
             fk_payment_state_word[v->state]);
    SIM_MUST(s, (v->state != FK_PAYMENT_STATE_REFUND_DUE
                 && v->state != FK_PAYMENT_STATE_ASKED)
                || p->state_seq == 0 || p->state_seq >= b->refunded_seq,
             "payment %u is owed, and its refund was acknowledged", k);
}


/* Paid is what was asked for, unless a person took another sum for it. */

static void
check_money(sim_t *s, const fk_order_view_t *o, int64_t applied,
    const uint32_t *states)
{
    uint32_t               n;
    const sim_purchase_t  *b;

    n = request_purchase(&o->id);
    b = &s->oracle.purchase[n];

    SIM_MUST(s, o->axes.payment != FK_PAYMENT_PAID
                || states[FK_PAYMENT_STATE_APPLIED] != 0,
             "purchase %u is paid by nothing", n);
    SIM_MUST(s, o->axes.payment == FK_PAYMENT_PAID
                || states[FK_PAYMENT_STATE_APPLIED] == 0,
             "purchase %u has a payment applied and is not paid", n);
    SIM_MUST(s, applied == 0 || applied == o->amount
                || (b->asked >> FK_EVENT_APPROVE & 1),
             "purchase %u costs %" PRId64 ", and %" PRId64 " pay for it", n,
             o->amount, applied);
    SIM_MUST(s, (o->axes.payment == FK_PAYMENT_PAID) == (o->paid_s != 0)
                || o->axes.payment > FK_PAYMENT_PAID,
             "purchase %u was paid at %u", n, o->paid_s);
    SIM_MUST(s, o->axes.payment != FK_PAYMENT_REFUNDING
                || states[FK_PAYMENT_STATE_REFUND_DUE] != 0
                || states[FK_PAYMENT_STATE_ASKED] != 0,
             "purchase %u owes a refund of nothing", n);
    SIM_MUST(s, o->axes.payment != FK_PAYMENT_REFUNDED
                || states[FK_PAYMENT_STATE_REFUNDED] != 0,
             "purchase %u gave nothing back", n);
    SIM_MUST(s, o->status == FK_STATUS_UNDER_REVIEW
                || states[FK_PAYMENT_STATE_REVIEW] == 0,
             "purchase %u has money under review, and is %s", n,
             fk_status_word[o->status]);
}


static void
check_cards(sim_t *s, fk_t *fk, const fk_order_view_t *o)
{
    uint8_t          buf[4096];
    uint32_t         i, n, k, at, cursor, purchase;
    sim_card_t      *card;
    fk_card_out_t    out[FK_LIST_SLICE_MAX];
    sim_purchase_t  *p;

    purchase = request_purchase(&o->id);

    if (o->status != FK_STATUS_DELIVERED) {
        cursor = 0;
        n = FK_LIST_SLICE_MAX;
        SIM_MUST(s, fk_order_cards(fk, &o->id, &cursor, buf, sizeof(buf), out,
                                   &n) == FK_CONFLICT,
                 "purchase %u is %s, and shows its cards", purchase,
                 fk_status_word[o->status]);
        return;
    }

    if (o->kind == FK_KIND_COUNTED) {
        return;
    }

    p = &s->oracle.purchase[purchase];
    cursor = 0;
    at = 0;

    do {
        n = FK_LIST_SLICE_MAX;
        SIM_MUST(s, fk_order_cards(fk, &o->id, &cursor, buf, sizeof(buf), out,
                                   &n) == FK_OK,
                 "purchase %u is delivered and has no cards", purchase);

        for (i = 0; i < n; i++, at++) {
            k = request_unseal(buf + out[i].offset, out[i].size);
            SIM_MUST(s, k != 0 && k < s->oracle.card_count
                        && s->oracle.card[k].product == p->product,
                     "purchase %u has a card that nobody imported", purchase);

            card = &s->oracle.card[k];
            SIM_MUST(s, o->kind == FK_KIND_SHARED || (card->seen == 0
                        && (card->purchase == 0
                            || card->purchase == purchase)),
                     "card %u is with purchase %u, and with another", k,
                     purchase);
            SIM_MUST(s, !p->is_delivered || p->card[at] == k,
                     "purchase %u was shown card %u, and has %u", purchase,
                     p->card[at], k);
            card->seen = purchase;
        }

    } while (cursor != 0);

    SIM_MUST(s, at == (o->kind == FK_KIND_SHARED ? 1 : o->qty),
             "purchase %u of %u units has %u cards", purchase, o->qty, at);
}


static void
check_promises(sim_t *s)
{
    uint32_t  i;

    for (i = 1; i < s->oracle.purchase_count; i++) {
        SIM_MUST(s, !s->oracle.purchase[i].is_acked
                    || s->oracle.purchase[i].seen,
                 "the order of purchase %u is lost", i);
    }

    for (i = 1; i < s->oracle.payment_count; i++) {
        SIM_MUST(s, !s->oracle.payment[i].is_acked
                    || s->oracle.payment[i].seen,
                 "payment %u was acknowledged and is lost", i);
    }
}


void
check_products(sim_t *s, fk_t *fk, const fk_env_t *env,
    const sim_sums_t *sums)
{
    uint32_t              i;
    fk_product_view_t     v;
    const sim_price_t    *terms;
    const sim_product_t  *p;

    for (i = 0; i < s->plan.products; i++) {
        p = &s->oracle.product[i];

        if (fk_product_get(fk, env, request_sku(i), &v) != FK_OK) {
            SIM_MUST(s, p->is_known < 2, "product %u is lost", i);
            continue;
        }

        terms = oracle_terms_at(s, i, s->oracle.last_seq);
        SIM_MUST(s, terms == NULL || v.price == terms->price,
                 "product %u costs %" PRId64 ", and %" PRId64
                 " in the journal", i, v.price, terms->price);
        SIM_MUST(s, terms == NULL || terms->merchant == 0
                    || oracle_account(s, terms->merchant) == SIM_ACCOUNTS
                    || v.merchant[1] - '0'
                       == (int) oracle_account(s, terms->merchant),
                 "product %u is of %s, and of another in the journal", i,
                 v.merchant);
        SIM_MUST(s, terms == NULL
                    || (terms->merchant == 0) == (v.merchant[0] == '\0'),
                 "product %u has lost its merchant", i);
        SIM_MUST(s, v.held == sums[i].held && v.sold == sums[i].sold
                    && v.owed == sums[i].owed,
                 "product %u counts other units than its orders", i);

        if (v.kind == FK_KIND_SHARED) {
            continue;
        }

        SIM_MUST(s, v.held + v.sold <= v.imported,
                 "product %u is oversold: %" PRId64 " held, %" PRId64
                 " sold, %" PRId64 " imported", i, v.held, v.sold,
                 v.imported);
        SIM_MUST(s, v.imported == v.available + v.held + v.sold + v.voided,
                 "product %u has lost units", i);
        SIM_MUST(s, v.voided == sums[i].revoked
                    || (v.kind == FK_KIND_COUNTED
                        && v.voided > sums[i].revoked),
                 "of product %u, %" PRId64 " units are void, and %" PRId64
                 " were revoked", i, v.voided, sums[i].revoked);
        SIM_MUST(s, v.kind != FK_KIND_CARD
                    || (v.imported >= p->imported_acked
                        && v.imported <= p->imported_asked),
                 "product %u has %" PRId64 " cards imported, promised were %"
                 PRId64, i, v.imported, p->imported_acked);
    }
}

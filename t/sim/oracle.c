/*
 * What was promised, in a book of its own: to buyers, to gateways, to the
 * operator.  Written when an answer leaves a worker, whether or not anybody
 * hears it; read by oracle_check.c at the quiet points.
 *
 * It also reads the journal over Redis's shoulder: each number has one
 * record, for ever, once it was promised; and whoever answers must have its
 * own record in there.  Two servers that both sell cannot both pass.
 */

#include "sim.h"


static void oracle_durable(sim_t *s, const sim_request_t *r);
static void oracle_bought(sim_t *s, const sim_request_t *r);
static void oracle_read(sim_t *s, const sim_request_t *r);
static void oracle_shown(sim_t *s, const sim_request_t *r);
static void oracle_paid(sim_t *s, const sim_request_t *r);
static void oracle_went(sim_t *s, const sim_request_t *r,
    const sim_payment_t *p);
static void oracle_priced(sim_t *s, const sim_request_t *r);
static void oracle_decided(sim_t *s, const sim_request_t *r);
static void oracle_refunded(sim_t *s, const sim_request_t *r);
static void oracle_uploaded(sim_t *s, const sim_request_t *r);


void
oracle_start(sim_t *s)
{
    memset(&s->oracle, 0, sizeof(sim_oracle_t));

    /* Number 0 is nobody's. */
    s->oracle.purchase_count = 1;
    s->oracle.payment_count = 1;
    s->oracle.card_count = 1;
}


void
oracle_price(sim_t *s, uint32_t product, int64_t price)
{
    sim_product_t  *v;

    v = &s->oracle.product[product];
    v->price = price;

    SIM_MUST(s, v->asked_count < SIM_PRICES_MAX, "too many prices");
    v->asked[v->asked_count++] = price;
}


void
oracle_decision(sim_t *s, uint32_t purchase, fk_event_t event)
{
    s->oracle.purchase[purchase].asked |= 1u << event;
}


int
oracle_is_revoked(const sim_t *s, uint32_t purchase, const fk_axes_t *axes)
{
    return (s->oracle.purchase[purchase].asked >> FK_EVENT_REVOKE & 1)
           && axes->payment > FK_PAYMENT_PAID
           && axes->stock == FK_STOCK_VOIDED
           && axes->delivery == FK_DELIVERY_NONE;
}


uint32_t
oracle_purchase(sim_t *s, uint32_t product, uint32_t qty)
{
    sim_purchase_t  *p;

    assert(s->oracle.purchase_count < SIM_PURCHASES_MAX);

    p = &s->oracle.purchase[s->oracle.purchase_count];
    p->product = product;
    p->qty = qty;

    return s->oracle.purchase_count++;
}


uint32_t
oracle_payment(sim_t *s, uint32_t purchase, const fk_order_id_t *id,
    int64_t amount)
{
    sim_payment_t  *p;

    assert(s->oracle.payment_count < SIM_PAYMENTS_MAX);

    p = &s->oracle.payment[s->oracle.payment_count];
    p->purchase = purchase;
    p->id = *id;
    p->amount = amount;

    return s->oracle.payment_count++;
}


uint32_t
oracle_cards(sim_t *s, uint32_t product, uint32_t count)
{
    uint32_t  i, first;

    first = s->oracle.card_count;

    if (first + count > SIM_CARDS_MAX) {
        return 0;
    }

    for (i = 0; i < count; i++) {
        s->oracle.card[first + i].product = product;
    }

    s->oracle.card_count += count;
    s->oracle.product[product].imported_asked += count;
    return first;
}


/* --- shops ------------------------------------------------------------- */

void
oracle_open(sim_t *s, uint32_t node)
{
    uint64_t  seq;

    seq = fk_last_seq(&s->node[node].fk);

    /* Replaced while it recovered: it is fenced by its first question. */
    if (s->node[node].fk.region->ring.epoch < s->oracle.top_epoch) {
        return;
    }

    SIM_MUST(s, seq >= s->oracle.acked_seq,
             "node %u opens after record %" PRIu64 ", but %" PRIu64
             " was promised", node, seq, s->oracle.acked_seq);

    if (s->opened_node != node && s->oracle.acked_seq != 0) {
        s->counts.takeovers++;
        sim_mark(s, SIM_MARK_TOOK_OVER);
    }

    s->opened_node = node;
}


void
oracle_tick(sim_t *s, const fk_tick_t *done)
{
    if (done->expired_count != 0) {
        sim_mark(s, SIM_MARK_EXPIRED);
    }

    if (done->served_count != 0) {
        sim_mark(s, SIM_MARK_SERVED);
    }

    if (done->reaped_count != 0) {
        sim_mark(s, SIM_MARK_REAPED);
    }
}


/* --- answers ----------------------------------------------------------- */

void
oracle_answer(sim_t *s, sim_request_t *r)
{
    sim_trace(s, "answer to actor %u, purchase %u: %s, %s", r->actor,
              r->purchase, request_words[r->kind],
              fk_code_info[r->code].name);

    if (r->code != FK_OK && r->code != FK_EXISTS) {
        return;
    }

    oracle_durable(s, r);

    switch (r->kind) {

    case SIM_REQUEST_CHECKOUT:
        oracle_bought(s, r);
        break;

    case SIM_REQUEST_CANCEL:
        s->oracle.purchase[r->purchase].is_cancelled = 1;
        oracle_promise(s, r->purchase, r->seq);
        break;

    case SIM_REQUEST_READ:
        oracle_read(s, r);
        break;

    case SIM_REQUEST_PAY:
        oracle_paid(s, r);
        break;

    case SIM_REQUEST_IMPORT_COMMIT:
        oracle_uploaded(s, r);
        break;

    case SIM_REQUEST_PRODUCT:
        oracle_priced(s, r);
        break;

    case SIM_REQUEST_DECIDE:
        oracle_decided(s, r);
        break;

    case SIM_REQUEST_REFUND:
        oracle_refunded(s, r);
        break;

    default:
        break;
    }
}


/* The record that this answer stands on is in the journal, and it is the
 * one that this server wrote. */

static void
oracle_durable(sim_t *s, const sim_request_t *r)
{
    sim_oracle_t  *o;

    o = &s->oracle;

    if (r->seq == 0) {
        return;
    }

    /* Redis had it, and has lost it since: then memory vouches for it. */
    if (!s->redis.has_lost) {
        SIM_MUST(s, r->seq <= o->last_seq,
                 "an answer promises record %" PRIu64 ", but the journal "
                 "ends at %" PRIu64, r->seq, o->last_seq);
        SIM_MUST(s, r->sum == 0 || o->sum[r->seq] == 0
                    || r->sum == o->sum[r->seq],
                 "an answer promises record %" PRIu64 ", which another "
                 "server wrote", r->seq);
        SIM_MUST(s, s->plan.replicas == 0 || r->seq <= o->waited_seq,
                 "an answer promises record %" PRIu64 ", which the replicas "
                 "have not got", r->seq);
    }

    if (r->seq > o->acked_seq) {
        o->acked_seq = r->seq;
    }
}


void
oracle_promise(sim_t *s, uint32_t purchase, uint64_t seq)
{
    sim_purchase_t  *p;

    p = &s->oracle.purchase[purchase];

    if (p->seq < seq) {
        p->seq = seq;
    }
}


static void
oracle_bought(sim_t *s, const sim_request_t *r)
{
    sim_purchase_t  *p;

    p = &s->oracle.purchase[r->purchase];

    SIM_MUST(s, request_purchase(&r->view.id) == r->purchase
                && r->view.qty == p->qty
                && request_product_of(r->view.sku) == p->product,
             "purchase %u was answered with another order", r->purchase);

    if (r->code == FK_EXISTS) {
        sim_mark(s, SIM_MARK_FOUND_AGAIN);
    }

    if (!p->is_acked) {
        p->is_acked = 1;
        p->id = r->view.id;
        p->amount = r->view.amount;
        s->counts.orders++;
    }

    SIM_MUST(s, memcmp(&p->id, &r->view.id, sizeof(p->id)) == 0
                && p->amount == r->view.amount
                && (p->made_seq == 0 || p->made_amount == p->amount),
             "purchase %u got a second order", r->purchase);

    oracle_promise(s, r->purchase, r->seq);
}


static void
oracle_read(sim_t *s, const sim_request_t *r)
{
    sim_purchase_t  *p;

    p = &s->oracle.purchase[r->purchase];

    SIM_MUST(s, memcmp(&p->id, &r->view.id, sizeof(p->id)) == 0
                && p->amount == r->view.amount,
             "purchase %u reads another order", r->purchase);

    if (r->view.status == FK_STATUS_DELIVERED) {
        oracle_shown(s, r);
        return;
    }

    /* An answer may be old, for it waited; and a server that was replaced,
     * and does not know it yet, is behind. */
    SIM_MUST(s, !p->is_delivered || r->seq <= p->shown_seq
                || r->epoch < s->oracle.top_epoch
                || oracle_is_revoked(s, r->purchase, &r->view.axes),
             "purchase %u was delivered, and is %s now", r->purchase,
             fk_status_word[r->view.status]);
}


static void
oracle_shown(sim_t *s, const sim_request_t *r)
{
    uint32_t         i, wanted;
    sim_card_t      *card;
    sim_purchase_t  *p;

    p = &s->oracle.purchase[r->purchase];

    wanted = r->view.kind == FK_KIND_CARD ? p->qty
             : r->view.kind == FK_KIND_SHARED ? 1 : 0;

    SIM_MUST(s, r->card_count == wanted, "purchase %u was delivered %u cards",
             r->purchase, r->card_count);

    for (i = 0; i < r->card_count; i++) {
        SIM_MUST(s, r->card[i] != 0 && r->card[i] < s->oracle.card_count,
                 "purchase %u was delivered a card of nobody", r->purchase);

        card = &s->oracle.card[r->card[i]];

        SIM_MUST(s, card->product == p->product,
                 "purchase %u was delivered a card of another product",
                 r->purchase);
        SIM_MUST(s, !p->is_delivered || p->card[i] == r->card[i],
                 "purchase %u was delivered other cards before",
                 r->purchase);
        SIM_MUST(s, r->view.kind == FK_KIND_SHARED || card->purchase == 0
                    || card->purchase == r->purchase,
                 "card %u was delivered to purchases %u and %u", r->card[i],
                 card->purchase, r->purchase);

        card->purchase = r->purchase;
        p->card[i] = r->card[i];
    }

    if (!p->is_delivered) {
        p->is_delivered = 1;
        p->shown_seq = r->seq;
        s->counts.delivered++;
    }
}


static void
oracle_paid(sim_t *s, const sim_request_t *r)
{
    sim_payment_t  *p;

    p = &s->oracle.payment[r->payment];

    SIM_MUST(s, r->result != FK_PAY_REUSED,
             "payment %u was known for another order", r->payment);

    oracle_went(s, r, p);

    switch (r->result) {

    case FK_PAY_EXTRA:
        p->is_extra = 1;
        sim_mark(s, SIM_MARK_EXTRA);
        break;

    case FK_PAY_WAITING:
        sim_mark(s, SIM_MARK_WAITED);
        break;

    case FK_PAY_DELIVERED:
        if (r->view.paid_s > r->view.expires_s) {
            sim_mark(s, SIM_MARK_PAID_LATE);
        }

        break;

    default:
        break;
    }

    if (!p->is_acked) {
        p->is_acked = 1;
        s->counts.payments++;
    }
}


/* What the gateway is told is what the journal has. */

static void
oracle_went(sim_t *s, const sim_request_t *r, const sim_payment_t *p)
{
    uint32_t  allowed;

    static const uint32_t  states[FK_PAY_COUNT] = {
        [FK_PAY_DELIVERED] = 1u << FK_PAYMENT_STATE_APPLIED,
        [FK_PAY_WAITING] = 1u << FK_PAYMENT_STATE_APPLIED,
        [FK_PAY_REVIEW] = 1u << FK_PAYMENT_STATE_APPLIED
                          | 1u << FK_PAYMENT_STATE_REVIEW,
        [FK_PAY_EXTRA] = 1u << FK_PAYMENT_STATE_REFUND_DUE,
    };

    allowed = states[r->result];

    SIM_MUST(s, allowed == 0 || p->born_seq == 0
                || (allowed >> p->born & 1),
             "payment %u was told %s, and is %s", r->payment,
             fk_pay_result_word[r->result], fk_payment_state_word[p->born]);
}


/* The price that was asked for is in force with the record promised. */

static void
oracle_priced(sim_t *s, const sim_request_t *r)
{
    int64_t  price;

    price = oracle_price_at(s, r->product, r->seq);

    SIM_MUST(s, s->redis.has_lost || price == 0 || price == r->put.price,
             "product %u was promised at %" PRId64 ", and costs %" PRId64,
             r->product, r->put.price, price);
}


static void
oracle_decided(sim_t *s, const sim_request_t *r)
{
    sim_purchase_t  *p;

    p = &s->oracle.purchase[r->purchase];
    sim_mark(s, SIM_MARK_REVIEWED);
    oracle_promise(s, r->purchase, r->seq);

    if (r->event == FK_EVENT_REFUNDED && p->refunded_seq < r->seq) {
        p->refunded_seq = r->seq;
    }
}


static void
oracle_refunded(sim_t *s, const sim_request_t *r)
{
    sim_payment_t  *p;

    p = &s->oracle.payment[r->payment];
    p->is_refunded = 1;

    SIM_MUST(s, s->redis.has_lost || p->state_seq == 0
                || p->state == FK_PAYMENT_STATE_REFUNDED,
             "payment %u was said to be given back, and is %s in the journal",
             r->payment, fk_payment_state_word[p->state]);

    if (r->code == FK_EXISTS) {
        sim_mark(s, SIM_MARK_REFUNDED_AGAIN);
    }

    if (r->view.status == FK_STATUS_DELIVERED) {
        sim_mark(s, SIM_MARK_SETTLED);
    }
}


/* What was new has come in; what was not is there already. */

static void
oracle_uploaded(sim_t *s, const sim_request_t *r)
{
    uint32_t  i;

    s->oracle.product[r->product].imported_acked += r->card_count;

    if (r->card_count < r->count) {
        sim_mark(s, SIM_MARK_UPLOADED_AGAIN);
    }

    for (i = 0; i < r->count; i++) {
        s->oracle.card[r->first_card + i].is_uploaded = 1;
    }
}

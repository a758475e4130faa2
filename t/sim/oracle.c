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


static void oracle_take(sim_t *s, const sim_entry_t *entry);
static void oracle_record(sim_t *s, uint64_t seq, uint32_t sum);
static void oracle_records(sim_t *s, const sim_text_t *text);
static void oracle_room(sim_t *s, uint64_t seq);
static void oracle_durable(sim_t *s, const sim_request_t *r);
static void oracle_bought(sim_t *s, const sim_request_t *r);
static void oracle_read(sim_t *s, const sim_request_t *r);
static void oracle_shown(sim_t *s, const sim_request_t *r);
static void oracle_paid(sim_t *s, const sim_request_t *r);


void
oracle_start(sim_t *s)
{
    memset(&s->oracle, 0, sizeof(sim_oracle_t));

    /* Number 0 is nobody's. */
    s->oracle.purchase_count = 1;
    s->oracle.payment_count = 1;
    s->oracle.card_count = 1;
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


/* --- the journal ------------------------------------------------------- */

void
oracle_entry(sim_t *s, const sim_entry_t *entry)
{
    oracle_take(s, entry);

    if (s->redis.has_lost && !oracle_is_fragile(s)) {
        sim_mark(s, SIM_MARK_SENT_AGAIN);
        chaos_recovered(s);
    }
}


static void
oracle_take(sim_t *s, const sim_entry_t *entry)
{
    uint32_t  i;

    s->oracle.top_epoch = entry->id.ms;
    s->oracle.top_seq = entry->id.seq;

    for (i = 0; i + 1 < entry->count; i += 2) {
        if (entry->field[i].size != 1) {
            continue;
        }

        if (entry->field[i].data[0] == 'b') {
            oracle_records(s, &entry->field[i + 1]);

        } else if (entry->field[i].data[0] == 'o'
                   && entry->id.seq > s->oracle.last_seq)
        {
            /* Healed: a snapshot has what the journal has not. */
            oracle_room(s, entry->id.seq);
            s->oracle.last_seq = entry->id.seq;
        }
    }
}


static void
oracle_records(sim_t *s, const sim_text_t *text)
{
    size_t          at, size;
    const uint8_t  *data;

    data = (const uint8_t *) text->data;

    for (at = 0; at < text->size; at += size) {
        SIM_MUST(s, text->size - at >= FK_RECORD_HEAD_SIZE,
                 "half a record is in the journal");
        size = (size_t) fk_get(data + at, 4);
        SIM_MUST(s, size >= FK_RECORD_HEAD_SIZE && size <= text->size - at,
                 "a record in the journal has no end");
        oracle_record(s, fk_get(data + at + 8, 8),
                      (uint32_t) fk_get(data + at + 4, 4));
    }
}


static void
oracle_record(sim_t *s, uint64_t seq, uint32_t sum)
{
    sim_oracle_t  *o;

    o = &s->oracle;
    oracle_room(s, seq);

    SIM_MUST(s, seq <= o->last_seq + 1,
             "the journal has record %" PRIu64 " after %" PRIu64, seq,
             o->last_seq);
    SIM_MUST(s, o->sum[seq] == 0 || o->sum[seq] == sum,
             "record %" PRIu64 " is in the journal with two contents", seq);

    o->sum[seq] = sum;

    if (seq > o->last_seq) {
        o->last_seq = seq;
    }
}


static void
oracle_room(sim_t *s, uint64_t seq)
{
    uint32_t      *grown;
    sim_oracle_t  *o;

    o = &s->oracle;

    if (seq < o->sum_room) {
        return;
    }

    grown = sim_alloc(s, (size_t) (2 * seq + 1024) * sizeof(uint32_t));

    if (o->sum_room != 0) {
        memcpy(grown, o->sum, (size_t) o->sum_room * sizeof(uint32_t));
    }

    o->sum = grown;
    o->sum_room = 2 * seq + 1024;
}


/*
 * After a crash, or a restore.  What nobody was promised may be written
 * anew, with other contents; the rest has to come again as it was.
 */

void
oracle_journal_again(sim_t *s)
{
    uint32_t          i;
    uint64_t          seq;
    sim_oracle_t     *o;
    const sim_key_t  *key;

    o = &s->oracle;

    for (seq = o->acked_seq + 1; seq < o->sum_room; seq++) {
        o->sum[seq] = 0;
    }

    o->last_seq = 0;
    o->top_epoch = 0;
    o->top_seq = 0;
    key = redis_key(s, SIM_JOURNAL);

    /* What was cut off, a snapshot has. */
    if (key != NULL && key->first != 0) {
        o->last_seq = key->trimmed.seq;
        o->top_epoch = key->trimmed.ms;
        o->top_seq = key->trimmed.seq;
    }

    for (i = key != NULL ? key->first : 0; key != NULL && i < key->count;
         i++)
    {
        oracle_take(s, &key->entry[i]);
    }
}


/*
 * Promised, or to be promised at any moment by a server that knows of a reply
 * from before the loss.  Also while its takeover is lost: the next server
 * would take the same epoch, and its ids would fence nobody.
 */

int
oracle_is_fragile(const sim_t *s)
{
    uint32_t           i;
    const sim_node_t  *node;

    for (i = 0; i < s->plan.nodes; i++) {
        node = &s->node[i];

        if (node->is_up && (fk_shop_state(&node->fk) == FK_SHOP_OPEN
                            || fk_shop_state(&node->fk) == FK_SHOP_HEALING)
            && node->fk.region->ring.epoch >= s->oracle.top_epoch
            && (fk_durable_seq(&node->fk) > s->oracle.top_seq
                || node->fk.region->ring.epoch > s->oracle.top_epoch))
        {
            return 1;
        }
    }

    return s->oracle.last_seq < s->oracle.acked_seq;
}


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
        s->oracle.product[r->product].imported_acked += r->card_count;
        break;

    case SIM_REQUEST_DECIDE:
        sim_mark(s, SIM_MARK_REVIEWED);
        oracle_promise(s, r->purchase, r->seq);
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
                && p->amount == r->view.amount,
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
                || r->epoch < s->oracle.top_epoch,
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

    switch (r->result) {

    case FK_PAY_EXTRA:
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

/*
 * What the journal's records say, image by image, in a book of its own: what
 * an order costs, how its state may go on, where each payment is.
 *
 * The rules are written down here once more, and not taken from the engine:
 * a price is one that the operator asked for; an order's amount is what the
 * rules make of that price times its units; who is to be looked at gets
 * nothing before somebody has; a hold does not end before its time; a state
 * goes forward alone; money that is owed stays owed until a person said
 * otherwise; and an order leaves only when it is over and the archive has it.
 */

#include "sim.h"


/* Where a payment may go by a decision; from 0: by none. */
static const struct {
    fk_event_t  event;
    uint8_t     from;
    uint8_t     to;
} record_turns[] = {
    { FK_EVENT_APPROVE, FK_PAYMENT_STATE_REVIEW, FK_PAYMENT_STATE_APPLIED },
    { FK_EVENT_APPROVE, FK_PAYMENT_STATE_REVIEW,
      FK_PAYMENT_STATE_REFUND_DUE },
    { FK_EVENT_DENY, FK_PAYMENT_STATE_REVIEW, FK_PAYMENT_STATE_REFUND_DUE },
    { FK_EVENT_DENY, FK_PAYMENT_STATE_APPLIED, FK_PAYMENT_STATE_REFUND_DUE },
    { FK_EVENT_GIVE_UP, FK_PAYMENT_STATE_REVIEW,
      FK_PAYMENT_STATE_REFUND_DUE },
    { FK_EVENT_GIVE_UP, FK_PAYMENT_STATE_APPLIED,
      FK_PAYMENT_STATE_REFUND_DUE },
    { FK_EVENT_REFUNDED, FK_PAYMENT_STATE_REFUND_DUE,
      FK_PAYMENT_STATE_REFUNDED },
    { FK_EVENT_REFUNDED, FK_PAYMENT_STATE_REFUND_DUE,
      FK_PAYMENT_STATE_ASKED },
    { FK_EVENT_REFUNDED, FK_PAYMENT_STATE_ASKED,
      FK_PAYMENT_STATE_REFUND_DUE },
    { FK_EVENT_REFUNDED, FK_PAYMENT_STATE_ASKED, FK_PAYMENT_STATE_REFUNDED },
    { FK_EVENT_REVOKE, FK_PAYMENT_STATE_REVIEW, FK_PAYMENT_STATE_REFUND_DUE },
    { FK_EVENT_REVOKE, FK_PAYMENT_STATE_APPLIED,
      FK_PAYMENT_STATE_REFUND_DUE },
};


static void record_product(sim_t *s, const fk_record_head_t *head,
    const fk_image_product_t *in);
static void record_order(sim_t *s, const fk_record_head_t *head,
    const fk_image_order_t *in);
static void record_flag(sim_t *s, const fk_record_head_t *head, uint32_t n,
    const fk_image_order_t *in);
static void record_made(sim_t *s, const fk_record_head_t *head, uint32_t n,
    const fk_image_order_t *in);
static void record_same(sim_t *s, uint32_t n, const fk_image_order_t *in);
static void record_moved(sim_t *s, const fk_record_head_t *head, uint32_t n,
    const fk_axes_t *now);
static void record_payment(sim_t *s, const fk_record_head_t *head,
    const fk_image_payment_t *in);
static int record_may_turn(const sim_t *s, const sim_payment_t *p,
    uint8_t to);
static void record_gone(sim_t *s, const fk_image_order_gone_t *in);
static void record_archived(sim_t *s, uint32_t n, const sim_text_t *text);
static uint32_t record_purchase(sim_t *s, const uint8_t *id);


void
oracle_images(sim_t *s, const uint8_t *record, size_t size)
{
    size_t            at, image_size;
    uint32_t          i;
    fk_image_type_t   type;
    fk_record_head_t  head;

    static fk_image_t  image;

    fk_record_head_get(record, &head);
    at = FK_RECORD_HEAD_SIZE;

    for (i = 0; i < head.count; i++, at += image_size) {
        SIM_MUST(s, fk_image_get(record + at, size - at, &type, &image_size,
                                 &image) == FK_OK,
                 "record %" PRIu64 " has an image that cannot be read",
                 head.seq);

        switch (type) {

        case FK_IMAGE_PRODUCT:
            record_product(s, &head, &image.product);
            break;

        case FK_IMAGE_ORDER:
            record_order(s, &head, &image.order);
            break;

        case FK_IMAGE_PAYMENT:
            record_payment(s, &head, &image.payment);
            break;

        case FK_IMAGE_ORDER_GONE:
            record_gone(s, &image.order_gone);
            break;

        case FK_IMAGE_LEVEL:
            oracle_level(s, &image.level);
            break;

        case FK_IMAGE_TALLY:
            oracle_tally(s, &image.tally);
            break;

        case FK_IMAGE_COUPON:
            oracle_coupon(s, &image.coupon);
            break;

        default:
            oracle_ledger_image(s, &head, type, &image);
        }
    }

    oracle_ledger_record(s, &head);
}


void
oracle_forget(sim_t *s, uint64_t seq)
{
    uint32_t         i;
    sim_payment_t   *p;
    sim_product_t   *v;
    sim_purchase_t  *b;

    s->oracle.has_forgotten = 1;

    for (i = 0; i < s->plan.products; i++) {
        v = &s->oracle.product[i];

        while (v->in_force_count != 0
               && v->in_force[v->in_force_count - 1].seq > seq)
        {
            v->in_force_count--;
        }
    }

    for (i = 1; i < s->oracle.purchase_count; i++) {
        b = &s->oracle.purchase[i];
        b->axes_seq = b->axes_seq > seq ? 0 : b->axes_seq;
        b->made_seq = b->made_seq > seq ? 0 : b->made_seq;
        b->paid_seq = b->paid_seq > seq ? 0 : b->paid_seq;
    }

    for (i = 1; i < s->oracle.payment_count; i++) {
        p = &s->oracle.payment[i];
        p->state_seq = p->state_seq > seq ? 0 : p->state_seq;
        p->born_seq = p->born_seq > seq ? 0 : p->born_seq;
    }

    oracle_ledger_forget(s, seq);
}


/*
 * What changed in them is known again when it changes next.  A journal that is
 * read again may begin before a heal that was seen already, and have a record
 * that nobody read when the later ones came: it must not pass for the last.
 */

void
oracle_blind(sim_t *s, uint64_t seq)
{
    uint32_t        i;
    sim_product_t  *v;

    seq = seq > s->oracle.blind_seq ? seq : s->oracle.blind_seq;
    s->oracle.blind_seq = seq;
    s->oracle.has_forgotten = 1;

    for (i = 0; i < s->plan.products; i++) {
        v = &s->oracle.product[i];
        SIM_MUST(s, v->in_force_count < SIM_PRICES_MAX, "too many prices");
        v->in_force[v->in_force_count++] = (sim_price_t) { seq, 0, 0 };
    }

    for (i = 1; i < s->oracle.purchase_count; i++) {
        s->oracle.purchase[i].axes_seq = 0;
    }

    for (i = 1; i < s->oracle.payment_count; i++) {
        s->oracle.payment[i].state_seq = 0;
    }
}


const sim_price_t *
oracle_terms_at(const sim_t *s, uint32_t product, uint64_t seq)
{
    uint32_t              i;
    const sim_product_t  *v;

    v = &s->oracle.product[product];

    for (i = v->in_force_count; i > 0; i--) {
        if (v->in_force[i - 1].seq <= seq) {
            return v->in_force[i - 1].price != 0 ? &v->in_force[i - 1] : NULL;
        }
    }

    return NULL;
}


int64_t
oracle_price_at(const sim_t *s, uint32_t product, uint64_t seq)
{
    const sim_price_t  *terms;

    terms = oracle_terms_at(s, product, seq);
    return terms != NULL ? terms->price : 0;
}


static void
record_product(sim_t *s, const fk_record_head_t *head,
    const fk_image_product_t *in)
{
    uint32_t            i, product;
    sim_product_t      *v;
    const sim_price_t  *terms;

    SIM_MUST(s, in->sku_size == 2, "a product that nobody made");
    product = request_product_of(in->sku);
    v = &s->oracle.product[product];

    for (i = 0; i < v->asked_count && v->asked[i] != in->price; i++) {
        /* looks for it */
    }

    SIM_MUST(s, i < v->asked_count && in->kind == v->kind,
             "record %" PRIu64 ": product %u costs %" PRId64
             ", which nobody asked for", head->seq, product, in->price);

    terms = oracle_terms_at(s, product, head->seq);

    if (terms == NULL || terms->price != in->price
        || terms->merchant != in->merchant)
    {
        SIM_MUST(s, v->in_force_count < SIM_PRICES_MAX, "too many prices");
        v->in_force[v->in_force_count++]
            = (sim_price_t) { head->seq, in->price, in->merchant };
    }
}


/* --- orders ------------------------------------------------------------ */

static uint32_t
record_purchase(sim_t *s, const uint8_t *id)
{
    uint32_t       n;
    fk_order_id_t  order;

    memcpy(order.bytes, id, FK_ORDER_ID_SIZE);
    n = request_purchase(&order);

    SIM_MUST(s, n != 0 && n < s->oracle.purchase_count,
             "the journal has an order that nobody made");
    return n;
}


static void
record_order(sim_t *s, const fk_record_head_t *head,
    const fk_image_order_t *in)
{
    uint32_t         n;
    fk_axes_t        now;
    sim_purchase_t  *b;

    n = record_purchase(s, in->id);
    b = &s->oracle.purchase[n];

    if (b->made_seq == 0) {
        record_made(s, head, n, in);
    }

    record_same(s, n, in);

    now = (fk_axes_t) { in->axis_payment, in->axis_stock, in->axis_delivery,
                        in->cancelled };

    if (b->axes_seq != 0) {
        record_moved(s, head, n, &now);

        if (b->axes.payment == FK_PAYMENT_UNPAID
            && now.payment == FK_PAYMENT_PAID)
        {
            oracle_ledger_paid(s, n, in->flagged);
        }

        if (b->axes.payment == FK_PAYMENT_PAID) {
            b->paid_seq = head->seq;
        }

        record_flag(s, head, n, in);
    }

    oracle_turn(s, head, n, &now);

    b->axes = now;
    b->axes_seq = head->seq;
    b->is_flagged = in->flagged;
    oracle_terms_order(s, n, in);
}


/* It comes with the money, and goes with the split. */

static void
record_flag(sim_t *s, const fk_record_head_t *head, uint32_t n,
    const fk_image_order_t *in)
{
    const sim_purchase_t  *b;

    b = &s->oracle.purchase[n];

    SIM_MUST(s, !in->flagged || b->is_flagged
                || (b->axes.payment == FK_PAYMENT_UNPAID
                    && in->axis_payment == FK_PAYMENT_PAID),
             "record %" PRIu64 ": purchase %u is flagged by no payment",
             head->seq, n);

    if (!b->is_flagged || in->flagged) {
        return;
    }

    SIM_MUST(s, b->is_split_asked,
             "record %" PRIu64 ": purchase %u is flagged no more, and nobody "
             "asked for it", head->seq, n);
    oracle_ledger_paid(s, n, 0);
}


static void
record_made(sim_t *s, const fk_record_head_t *head, uint32_t n,
    const fk_image_order_t *in)
{
    int64_t          price;
    sim_purchase_t  *b;

    b = &s->oracle.purchase[n];
    b->made_seq = head->seq;
    b->made_amount = in->amount;
    b->made_ms = in->created_ms;
    b->made_expires_s = in->expires_s;
    memcpy(b->made_id.bytes, in->id, FK_ORDER_ID_SIZE);

    /* Made in a record that was not seen. */
    if (in->created_ms != head->time_ms && s->oracle.blind_seq != 0) {
        return;
    }

    price = oracle_price_at(s, b->product, head->seq);

    SIM_MUST(s, in->created_ms == head->time_ms
                && in->axis_payment == FK_PAYMENT_UNPAID
                && in->axis_stock == FK_STOCK_HELD
                && in->axis_delivery == FK_DELIVERY_NONE && !in->cancelled,
             "record %" PRIu64 " begins purchase %u in its middle",
             head->seq, n);
    oracle_terms_made(s, head->seq, n, price, in);
    SIM_MUST(s, in->expires_s == in->created_ms / 1000 + s->plan.hold_s,
             "record %" PRIu64 ": the hold of purchase %u is not %u s long",
             head->seq, n, s->plan.hold_s);
}


/* What of an order never changes. */

static void
record_same(sim_t *s, uint32_t n, const fk_image_order_t *in)
{
    char                   contact[32];
    int                    size;
    const sim_purchase_t  *b;

    b = &s->oracle.purchase[n];
    size = snprintf(contact, sizeof(contact), "buyer-%u", n);

    SIM_MUST(s, memcmp(b->made_id.bytes, in->id, FK_ORDER_ID_SIZE) == 0,
             "the journal has a second order of purchase %u", n);
    SIM_MUST(s, in->amount == b->made_amount && in->qty == b->qty
                && in->created_ms == b->made_ms
                && in->expires_s == b->made_expires_s
                && in->sku_size == 2
                && request_product_of(in->sku) == b->product,
             "the journal has another content of purchase %u", n);
    SIM_MUST(s, in->contact_size == (uint16_t) size
                && memcmp(in->contact, contact, (size_t) size) == 0
                && in->idem_size == FK_IDEM_SIZE
                && fk_get(in->idem, 8) == n + UINT64_C(1),
             "the journal has another buyer of purchase %u", n);
    SIM_MUST(s, in->rules == n
                && (in->step_count == 0
                    || request_total(n, in->step[FK_STEP_LEVEL])
                       == in->step[FK_STEP_RULE])
                && (request_risk(n) != REQUEST_FLAGGED
                    || (in->review && in->reason_size == size))
                && (request_risk(n) != REQUEST_PASSES || !in->review),
             "the journal has other rules of purchase %u", n);
    SIM_MUST(s, in->agent == 0 || request_is_brought(n),
             "the journal has an agent of purchase %u, whom nobody named", n);
}


/* Forward alone: paid stays paid, cancelled cancelled, and done done, until a
 * person revokes it. */

static void
record_moved(sim_t *s, const fk_record_head_t *head, uint32_t n,
    const fk_axes_t *now)
{
    const fk_axes_t       *was;
    const sim_purchase_t  *b;

    b = &s->oracle.purchase[n];
    was = &b->axes;

    SIM_MUST(s, now->payment >= was->payment
                && now->cancelled >= was->cancelled
                && (was->delivery != FK_DELIVERY_DONE
                    || memcmp(was, now, sizeof(fk_axes_t)) == 0
                    || oracle_is_revoked(s, n, now)),
             "record %" PRIu64 " takes purchase %u back", head->seq, n);
    SIM_MUST(s, now->stock != FK_STOCK_VOIDED || oracle_is_revoked(s, n, now),
             "record %" PRIu64 ": purchase %u is void, and nobody asked for "
             "it", head->seq, n);
    SIM_MUST(s, was->stock != FK_STOCK_VOIDED
                || now->stock == FK_STOCK_VOIDED,
             "record %" PRIu64 ": what was void of purchase %u is not",
             head->seq, n);

    if (was->delivery == FK_DELIVERY_DONE && now->stock == FK_STOCK_VOIDED) {
        sim_mark(s, SIM_MARK_REVOKED);
    }

    SIM_MUST(s, request_risk(n) == REQUEST_PASSES || s->oracle.blind_seq != 0
                || was->delivery == FK_DELIVERY_REVIEW
                || (now->stock != FK_STOCK_SHORT
                    && now->delivery != FK_DELIVERY_DONE)
                || was->stock == FK_STOCK_SHORT
                || was->delivery == FK_DELIVERY_DONE,
             "record %" PRIu64 ": nobody has looked at purchase %u",
             head->seq, n);

    if (was->stock != FK_STOCK_HELD || now->stock != FK_STOCK_RELEASED
        || now->cancelled || now->payment != FK_PAYMENT_UNPAID)
    {
        return;
    }

    /* Each server's clock is its own, where they jump. */
    SIM_MUST(s, s->plan.weight[SIM_FAULT_CLOCK_JUMP] != 0
                || head->time_ms >= (int64_t) b->made_expires_s * 1000,
             "record %" PRIu64 ": the hold of purchase %u ends too early",
             head->seq, n);
}


/* --- payments ---------------------------------------------------------- */

static void
record_payment(sim_t *s, const fk_record_head_t *head,
    const fk_image_payment_t *in)
{
    char            trade_no[16];
    uint32_t        k;
    sim_payment_t  *p;
    sim_purchase_t  *b;

    k = (uint32_t) redis_number(&(sim_text_t) {
        (const char *) in->trade_no + 1, in->trade_no_size - UINT64_C(1) });

    SIM_MUST(s, k != 0 && k < s->oracle.payment_count,
             "the journal has a payment that nobody made");

    p = &s->oracle.payment[k];
    b = &s->oracle.purchase[record_purchase(s, in->order)];
    (void) snprintf(trade_no, sizeof(trade_no), "T%u", k);

    SIM_MUST(s, in->trade_no_size == strlen(trade_no)
                && memcmp(trade_no, in->trade_no, in->trade_no_size) == 0
                && in->amount == p->amount
                && memcmp(in->order, p->id.bytes, FK_ORDER_ID_SIZE) == 0,
             "record %" PRIu64 ": payment %u is another one", head->seq, k);

    if (p->born_seq == 0) {
        p->born = in->state;
        p->born_seq = head->seq;

        /* Nobody decides about what was not there. */
        SIM_MUST(s, s->oracle.blind_seq != 0
                    || (in->state != FK_PAYMENT_STATE_REFUNDED
                        && in->state != FK_PAYMENT_STATE_ASKED),
                 "record %" PRIu64 ": payment %u is refunded at once",
                 head->seq, k);
        SIM_MUST(s, in->state != FK_PAYMENT_STATE_APPLIED
                    || s->oracle.blind_seq != 0
                    || p->amount == b->made_amount,
                 "record %" PRIu64 ": %" PRId64 " pay for purchase %u of %"
                 PRId64, head->seq, p->amount, p->purchase, b->made_amount);

    } else if (p->state_seq != 0) {
        SIM_MUST(s, record_may_turn(s, p, in->state),
                 "record %" PRIu64 ": payment %u of purchase %u goes from %s "
                 "to %s, and nobody asked for it", head->seq, k, p->purchase,
                 fk_payment_state_word[p->state],
                 fk_payment_state_word[in->state]);

        /* The order's image stands before those of its payments. */
        SIM_MUST(s, p->state != FK_PAYMENT_STATE_REVIEW
                    || in->state != FK_PAYMENT_STATE_APPLIED
                    || b->paid_seq != head->seq,
                 "record %" PRIu64 ": payment %u pays for purchase %u, which "
                 "is paid", head->seq, k, p->purchase);
    }

    p->state = in->state;
    p->state_seq = head->seq;
}


static int
record_may_turn(const sim_t *s, const sim_payment_t *p, uint8_t to)
{
    size_t    i;
    uint32_t  asked;

    asked = s->oracle.purchase[p->purchase].asked;
    asked |= p->refund_asked ? 1u << FK_EVENT_REFUNDED : 0;

    if (p->state == to) {
        return 1;
    }

    for (i = 0; i < sizeof(record_turns) / sizeof(record_turns[0]); i++) {
        if (record_turns[i].from == p->state && record_turns[i].to == to
            && (asked >> record_turns[i].event & 1))
        {
            return 1;
        }
    }

    return 0;
}


/* --- leaving ----------------------------------------------------------- */

static void
record_gone(sim_t *s, const fk_image_order_gone_t *in)
{
    char                   name[FJ_KEY_SIZE];
    uint32_t               i, n;
    fk_order_id_t          id;
    const sim_key_t       *key;
    const sim_payment_t   *p;
    const sim_purchase_t  *b;

    n = record_purchase(s, in->id);
    b = &s->oracle.purchase[n];
    memcpy(id.bytes, in->id, FK_ORDER_ID_SIZE);

    SIM_MUST(s, b->axes_seq == 0 || b->axes.stock == FK_STOCK_ALLOCATED
                || b->axes.payment == FK_PAYMENT_UNPAID
                || b->axes.payment == FK_PAYMENT_REFUNDED,
             "purchase %u is archived, and not over", n);

    for (i = 1; i < s->oracle.payment_count; i++) {
        p = &s->oracle.payment[i];

        SIM_MUST(s, p->purchase != n || p->state_seq == 0
                    || p->state == FK_PAYMENT_STATE_APPLIED
                    || p->state == FK_PAYMENT_STATE_REFUNDED,
                 "purchase %u is archived with payment %u %s", n, i,
                 fk_payment_state_word[p->state]);
    }

    fj_keeper_order_key(name, &request_shop, &id);
    key = redis_key(s, name);

    if (!s->redis.replaying) {
        SIM_MUST(s, key != NULL, "purchase %u left, and the archive has not "
                 "got it", n);
        record_archived(s, n, &key->value);
    }
}


/* The last state that the journal had of it, with all of its payments. */

static void
record_archived(sim_t *s, uint32_t n, const sim_text_t *text)
{
    fk_axes_t              axes;
    sim_id_t               version;
    sim_text_t             record;
    fk_record_head_t       head;
    const sim_purchase_t  *b;

    static fk_archive_walk_t  walk;

    b = &s->oracle.purchase[n];
    archive_text(s, text, &version, &record);

    SIM_MUST(s, fk_archive_judge((const uint8_t *) record.data, record.size,
                                 &head) == FK_OK,
             "the archive's record of purchase %u is none", n);

    fk_archive_walk(&walk, (const uint8_t *) record.data, &head);
    SIM_MUST(s, fk_archive_next(&walk) == FK_OK
                && walk.type == FK_IMAGE_ORDER,
             "the archive's record of purchase %u has no order", n);

    axes = (fk_axes_t) { walk.image.order.axis_payment,
                         walk.image.order.axis_stock,
                         walk.image.order.axis_delivery,
                         walk.image.order.cancelled };

    SIM_MUST(s, b->axes_seq == 0 || memcmp(&axes, &b->axes, sizeof(axes)) == 0,
             "purchase %u left, and the archive has an older state of it", n);
}

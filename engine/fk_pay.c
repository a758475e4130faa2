/*
 * Payments: booking a verified one, and what an order has had of them.
 *
 * Money is never dropped.  Each payment gets a row of its own, keyed by
 * channel and trade number, and its state says where the money is; what
 * cannot be applied to its order is kept for review or for refund.  A payment
 * that comes again finds its row and books nothing.
 *
 * Only room can refuse it (tables, ring), and then nothing has changed: the
 * gateway is not told "success" and comes again.
 */

#include "fk_tally.h"


static int fk_pay_valid(const fk_pay_t *in);
static fk_code_t fk_pay_locked(fk_t *fk, const fk_env_t *env,
    const fk_pay_t *in, fk_pay_result_t *result, fk_order_view_t *out);
static fk_code_t fk_pay_number(const fk_t *fk, fk_pay_t *in, uint32_t order,
    char text[FK_TRADE_NO_SIZE_MAX], uint32_t *payment);
static uint32_t fk_pay_find(const fk_t *fk, const fk_pay_t *in,
    uint32_t order);
static fk_code_t fk_pay_known(fk_t *fk, const fk_env_t *env,
    const fk_pay_t *in, uint32_t payment, fk_pay_result_t *result,
    fk_order_view_t *out);
static fk_code_t fk_pay_new(fk_t *fk, const fk_env_t *env,
    const fk_pay_t *in, uint32_t order, fk_pay_result_t *result,
    fk_order_view_t *out);
static uint8_t fk_pay_mark(const fk_axes_t *axes);
static void fk_pay_flag(fk_t *fk, const fk_pay_t *in, fk_order_rec_t *o);
static fk_code_t fk_pay_room(fk_t *fk, const fk_pay_t *in, uint32_t order,
    const fk_split_plan_t *plan);
static fk_pay_result_t fk_pay_judge(const fk_t *fk, const fk_pay_t *in,
    const fk_order_rec_t *o, fk_axes_t *next, uint8_t *state);
static uint32_t fk_payment_make(fk_t *fk, const fk_env_t *env,
    const fk_pay_t *in, uint32_t order, uint8_t state);


fk_code_t
fk_pay(fk_t *fk, const fk_env_t *env, const fk_pay_t *in,
    fk_pay_result_t *result, fk_order_view_t *out)
{
    fk_code_t  code;

    if (!fk_pay_valid(in)) {
        return FK_INVALID;
    }

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    code = fk_pay_locked(fk, env, in, result, out);

    fk_unlock(fk);
    return code;
}


/* Verified money is refused only for what no gateway sends. */
static int
fk_pay_valid(const fk_pay_t *in)
{
    size_t  i;

    if (in->channel.size == 0 || in->channel.size > FK_CHANNEL_SIZE_MAX
        || in->trade_no.size == 0
        || in->trade_no.size > FK_TRADE_NO_SIZE_MAX
        || in->amount < 1 || in->amount > FK_AMOUNT_MAX
        || in->review > 1 || in->returned > 1
        || in->reason.size > FK_REASON_SIZE_MAX)
    {
        return 0;
    }

    for (i = 0; i < in->trade_no.size; i++) {
        if (in->trade_no.data[i] < 0x20 || in->trade_no.data[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


/*
 * The ladder: order, channel, known payment, room; then the money has a place
 * to go, and goes there.
 */
static fk_code_t
fk_pay_locked(fk_t *fk, const fk_env_t *env, const fk_pay_t *in,
    fk_pay_result_t *result, fk_order_view_t *out)
{
    char                   text[FK_TRADE_NO_SIZE_MAX];
    uint32_t               order, payment;
    fk_pay_t               own;
    fk_code_t              code;
    const fk_order_rec_t  *o;

    order = fk_order_find(fk, in->id.bytes);
    if (order == 0) {
        return FK_NOT_FOUND;
    }

    o = FK_ORDER(fk, order);

    if (strlen(o->channel) != in->channel.size
        || memcmp(o->channel, in->channel.data, in->channel.size) != 0)
    {
        return FK_CHANNEL;
    }

    payment = fk_pay_find(fk, in, order);

    if (payment != 0 && FK_PAYMENT(fk, payment)->order != order) {
        own = *in;
        code = fk_pay_number(fk, &own, order, text, &payment);

        if (code != FK_OK) {
            return code;
        }

        if (payment == 0) {
            code = fk_pay_new(fk, env, &own, order, result, out);
            *result = FK_PAY_REUSED;
            return code;
        }
    }

    /* Before the room is asked for: a repeat must be told, full or not. */
    return payment != 0 ? fk_pay_known(fk, env, in, payment, result, out)
                        : fk_pay_new(fk, env, in, order, result, out);
}


static uint32_t
fk_pay_find(const fk_t *fk, const fk_pay_t *in, uint32_t order)
{
    uint64_t               hash;
    const fk_order_rec_t  *o;

    o = FK_ORDER(fk, order);
    hash = fk_trade_hash(o->channel, in->trade_no.data, in->trade_no.size);

    return fk_trade_find(fk, o->channel, hash, in->trade_no.data,
                         in->trade_no.size);
}


/*
 * A gateway has given another order's payment the same number.  Whether that
 * is the same money only a person can find out, so this one is kept beside it,
 * under a name that has the order in it.
 */
static fk_code_t
fk_pay_number(const fk_t *fk, fk_pay_t *in, uint32_t order,
    char text[FK_TRADE_NO_SIZE_MAX], uint32_t *payment)
{
    static const char  why[] = "its trade number is another order's";

    if (in->trade_no.size > FK_TRADE_NO_SIZE_MAX - 1 - FK_ORDER_TEXT_SIZE) {
        return FK_CONFLICT;
    }

    memcpy(text, in->trade_no.data, in->trade_no.size);
    text[in->trade_no.size] = '#';
    fk_order_id_text(&in->id, text + in->trade_no.size + 1);

    in->trade_no.data = (const uint8_t *) text;
    in->trade_no.size += 1 + FK_ORDER_TEXT_SIZE;
    in->odd = 1;

    in->review = 1;
    in->reason = (fk_str_t) { (const uint8_t *) why, sizeof(why) - 1 };

    *payment = fk_pay_find(fk, in, order);
    return FK_OK;
}


static fk_code_t
fk_pay_new(fk_t *fk, const fk_env_t *env, const fk_pay_t *in,
    uint32_t order, fk_pay_result_t *result, fk_order_view_t *out)
{
    int              pays;
    uint8_t          state;
    uint32_t         payment;
    uint64_t         seq;
    fk_axes_t        next;
    fk_code_t        code;
    fk_order_rec_t  *o;
    fk_split_plan_t  plan;

    o = FK_ORDER(fk, order);

    *result = fk_pay_judge(fk, in, o, &next, &state);
    pays = state == FK_PAYMENT_STATE_APPLIED;

    code = fk_split_plan(fk, order, pays ? &in->split : NULL, in->amount,
                         &plan);
    if (code == FK_OK) {
        code = fk_pay_room(fk, in, order, &plan);
    }

    if (code != FK_OK) {
        return code;
    }

    payment = fk_payment_make(fk, env, in, order, state);

    fk_record_begin(fk, env);

    /* Extra money is kept, but changes nothing about a finished order. */
    if (*result != FK_PAY_EXTRA) {
        if (next.payment == FK_PAYMENT_PAID) {
            FK_SET(fk, o->paid_s, fk_now_s(env));
            fk_tally_paid(fk, env, o);
        }

        if (pays && in->split.flagged) {
            FK_SET(fk, o->flagged, 1);
        }

        fk_pay_flag(fk, in, o);
        fk_order_move(fk, order, &next);
        fk_record_order(fk, order);
    }

    if (plan.count != 0) {
        fk_record_split(fk, fk_split_make(fk, env, order, &plan,
                                          in->amount));
    }

    fk_record_payment(fk, payment);
    seq = fk_record_end(fk);
    fk_commit(fk);

    /* Extra money has a record that the order's own number does not tell. */
    fk_order_fill(fk, order, out);
    out->seq = seq;

    return FK_OK;
}


/*
 * Booked before.  That the gateway gave it back is news if something is still
 * to be delivered for it: then the order is held.  Of one that was delivered
 * it is noted, once.  What is owed is a person's to decide about.
 */
static fk_code_t
fk_pay_known(fk_t *fk, const fk_env_t *env, const fk_pay_t *in,
    uint32_t payment, fk_pay_result_t *result, fk_order_view_t *out)
{
    uint32_t                 order;
    fk_axes_t                now, next;
    fk_order_rec_t          *o;
    const fk_payment_rec_t  *p;

    p = FK_PAYMENT(fk, payment);
    order = p->order;
    o = FK_ORDER(fk, order);
    now = fk_order_axes(o);
    *result = FK_PAY_DUPLICATE;

    if (in->returned
        && (p->state == FK_PAYMENT_STATE_APPLIED
            || p->state == FK_PAYMENT_STATE_REVIEW)
        && fk_next_state(&now, FK_EVENT_RETURNED, 0, &next) == FK_OK
        && (o->review != fk_pay_mark(&next)
            || memcmp(&now, &next, sizeof(now)) != 0))
    {
        if (!fk_record_room(fk, FK_IMAGE_ORDER_SIZE(o->qty)
                                + FK_IMAGE_PAYMENT_SIZE))
        {
            return FK_RING_FULL;
        }

        if (next.delivery == FK_DELIVERY_REVIEW) {
            *result = FK_PAY_REVIEW;
        }

        fk_record_begin(fk, env);
        FK_SET(fk, o->review, fk_pay_mark(&next));
        fk_order_move(fk, order, &next);
        fk_record_order(fk, order);

        /* Of an unpaid order, others hear by its payment alone. */
        if (next.payment == FK_PAYMENT_UNPAID) {
            fk_record_payment(fk, payment);
        }

        (void) fk_record_end(fk);
        fk_commit(fk);
    }

    fk_order_fill(fk, order, out);

    /* The payment may be younger than the order's last change. */
    if (out->seq < p->seq) {
        out->seq = p->seq;
    }

    return FK_OK;
}


static uint8_t
fk_pay_mark(const fk_axes_t *axes)
{
    return axes->delivery == FK_DELIVERY_DONE ? FK_REVIEW_RETURNED_LATE
                                              : FK_REVIEW_RETURNED;
}


/* Why it is looked at; a reason that it has from its checkout stays. */
static void
fk_pay_flag(fk_t *fk, const fk_pay_t *in, fk_order_rec_t *o)
{
    if (in->returned) {
        FK_SET(fk, o->review, FK_REVIEW_RETURNED);
    }

    if (!in->review) {
        return;
    }

    if (o->review == FK_REVIEW_NO) {
        FK_SET(fk, o->review, FK_REVIEW_RULE);
    }

    if (o->reason_size == 0 && in->reason.size != 0) {
        FK_SET(fk, o->reason, fk_blob_make(fk, in->reason.data,
                                           (uint32_t) in->reason.size));
        FK_SET(fk, o->reason_size, in->reason.size);
    }
}


/* The worst case, before anything changes. */
static fk_code_t
fk_pay_room(fk_t *fk, const fk_pay_t *in, uint32_t order,
    const fk_split_plan_t *plan)
{
    const fk_order_rec_t  *o;

    o = FK_ORDER(fk, order);

    if (fk_table_room(fk, FK_TABLE_PAYMENTS) == 0
        || fk_table_room(fk, FK_TABLE_BLOCKS)
           < FK_BLOCKS_FOR(in->trade_no.size) + FK_BLOCKS_FOR(in->reason.size)
        || fk_payments_count(fk, o, ~0u) >= FK_ORDER_PAYMENTS_MAX
        || !fk_tally_room(fk, o, in->amount))
    {
        return FK_TABLE_FULL;
    }

    return fk_record_room(fk, FK_IMAGE_ORDER_SIZE(o->qty)
                              + FK_IMAGE_PAYMENT_SIZE + FK_IMAGE_TALLY_SIZE
                              + (plan->count != 0) * FK_IMAGE_SPLIT_SIZE)
           ? FK_OK : FK_RING_FULL;
}


/* Where the money goes: the order's next axes and the payment's state. */
static fk_pay_result_t
fk_pay_judge(const fk_t *fk, const fk_pay_t *in, const fk_order_rec_t *o,
    fk_axes_t *next, uint8_t *state)
{
    fk_axes_t    now;
    fk_event_t   event;
    const char  *currency;

    now = fk_order_axes(o);
    event = o->review || in->review ? FK_EVENT_PAY_REVIEW : FK_EVENT_PAY;
    currency = FK_PRODUCT(fk, o->product)->currency;

    if (!in->odd && !in->returned && in->amount == o->amount
        && memcmp(in->currency, currency, FK_CURRENCY_SIZE) == 0
        && fk_next_state(&now, event, fk_order_stock_left(fk, o), next)
           == FK_OK)
    {
        *state = FK_PAYMENT_STATE_APPLIED;

        return next->delivery == FK_DELIVERY_REVIEW ? FK_PAY_REVIEW
               : next->stock == FK_STOCK_SHORT ? FK_PAY_WAITING
               : FK_PAY_DELIVERED;
    }

    /* The money is there, and nobody but a person knows what it is for. */
    if (fk_next_state(&now, FK_EVENT_MISPAY, 0, next) == FK_OK) {
        *state = FK_PAYMENT_STATE_REVIEW;
        return FK_PAY_REVIEW;
    }

    /* Paid, refunded, or being refunded: it is owed back, whatever its sum. */
    *state = FK_PAYMENT_STATE_REFUND_DUE;
    return FK_PAY_EXTRA;
}


static uint32_t
fk_payment_make(fk_t *fk, const fk_env_t *env, const fk_pay_t *in,
    uint32_t order, uint8_t state)
{
    uint32_t           payment, *link;
    fk_order_rec_t    *o;
    fk_payment_rec_t  *p;

    o = FK_ORDER(fk, order);
    payment = fk_slot_take(fk, FK_TABLE_PAYMENTS);
    p = FK_PAYMENT(fk, payment);

    p->seq = 0;
    p->hash = fk_trade_hash(o->channel, in->trade_no.data, in->trade_no.size);
    p->amount = in->amount;
    p->next = 0;
    p->order = order;
    p->at_s = fk_now_s(env);
    p->trade_no_size = (uint8_t) in->trade_no.size;
    p->state = state;
    p->revoked = 0;
    p->trade_no = fk_blob_make(fk, in->trade_no.data,
                               (uint32_t) in->trade_no.size);

    FK_SET(fk, p->used, 1);
    fk_chain_insert(fk, fk_bucket(fk, FK_INDEX_PAYMENTS, p->hash), &p->hnext,
                    payment);

    /* At the end of the order's list: the oldest stays first. */
    link = &o->payment;

    while (*link != 0) {
        link = &FK_PAYMENT(fk, *link)->next;
    }

    FK_SET(fk, *link, payment);
    fk_audit_payment(fk, payment, FK_PAYMENT_STATE_COUNT, state);
    fk_tally_payment(fk, payment, FK_PAYMENT_STATE_COUNT, state);

    return payment;
}


/* By who keeps the account: nothing about it can be odd. */
uint32_t
fk_pay_made(fk_t *fk, const fk_env_t *env, uint32_t order)
{
    char                   trade_no[FK_ORDER_TEXT_SIZE];
    fk_pay_t               in;
    const fk_order_rec_t  *o;

    o = FK_ORDER(fk, order);
    memset(&in, 0, sizeof(in));
    memcpy(in.id.bytes, o->id, FK_ORDER_ID_SIZE);
    fk_order_id_text(&in.id, trade_no);
    in.trade_no.data = (const uint8_t *) trade_no;
    in.trade_no.size = sizeof(trade_no);
    in.amount = o->amount;

    return fk_payment_make(fk, env, &in, order, FK_PAYMENT_STATE_APPLIED);
}


/* The channel may have had a gateway once. */
int
fk_pay_used(const fk_t *fk, const char *channel, const fk_order_id_t *id)
{
    char      name[FK_CHANNEL_SIZE_MAX + 1], trade_no[FK_ORDER_TEXT_SIZE];
    uint64_t  hash;

    memset(name, 0, sizeof(name));
    memcpy(name, channel, strnlen(channel, FK_CHANNEL_SIZE_MAX));
    fk_order_id_text(id, trade_no);
    hash = fk_trade_hash(name, (const uint8_t *) trade_no, sizeof(trade_no));

    return fk_trade_find(fk, name, hash, (const uint8_t *) trade_no,
                         sizeof(trade_no)) != 0;
}


uint64_t
fk_trade_hash(const char channel[FK_CHANNEL_SIZE_MAX + 1],
    const uint8_t *trade_no, size_t size)
{
    size_t   channel_size;
    uint8_t  key[FK_CHANNEL_SIZE_MAX + 1 + FK_TRADE_NO_SIZE_MAX];

    channel_size = strnlen(channel, FK_CHANNEL_SIZE_MAX);
    assert(size <= FK_TRADE_NO_SIZE_MAX);

    /* A NUL between them keeps "a" + "bc" and "ab" + "c" apart. */
    memcpy(key, channel, channel_size);
    key[channel_size] = 0;
    memcpy(key + channel_size + 1, trade_no, size);

    return fk_hash_bytes(key, channel_size + 1 + size);
}


uint32_t
fk_trade_find(const fk_t *fk, const char channel[FK_CHANNEL_SIZE_MAX + 1],
    uint64_t hash, const uint8_t *trade_no, size_t size)
{
    uint8_t                  known[FK_TRADE_NO_SIZE_MAX];
    uint32_t                 index, steps;
    const fk_payment_rec_t  *p;

    steps = fk->region->table[FK_TABLE_PAYMENTS].capacity;

    for (index = *fk_bucket(fk, FK_INDEX_PAYMENTS, hash);
         index != 0;
         index = p->hnext)
    {
        assert(steps != 0);
        steps--;
        p = FK_PAYMENT(fk, index);

        /* Trade numbers are a channel's own: two channels may share one. */
        if (p->hash != hash || p->trade_no_size != size
            || memcmp(FK_ORDER(fk, p->order)->channel, channel,
                      FK_CHANNEL_SIZE_MAX + 1) != 0)
        {
            continue;
        }

        fk_blob_read(fk, p->trade_no, known, p->trade_no_size);

        if (memcmp(known, trade_no, size) == 0) {
            return index;
        }
    }

    return 0;
}


uint32_t
fk_payments_count(const fk_t *fk, const fk_order_rec_t *o, unsigned states)
{
    uint32_t                 index, count, steps;
    const fk_payment_rec_t  *p;

    count = 0;
    steps = 0;

    for (index = o->payment; index != 0; index = p->next) {
        assert(steps < FK_ORDER_PAYMENTS_MAX);
        steps++;
        p = FK_PAYMENT(fk, index);
        assert(p->state < FK_PAYMENT_STATE_COUNT);
        count += states >> p->state & 1u;
    }

    return count;
}


int64_t
fk_payments_amount(const fk_t *fk, const fk_order_rec_t *o, unsigned states)
{
    int64_t                  amount;
    uint32_t                 index;
    const fk_payment_rec_t  *p;

    amount = 0;

    for (index = o->payment; index != 0; index = p->next) {
        p = FK_PAYMENT(fk, index);
        amount += states >> p->state & 1u ? p->amount : 0;
    }

    return amount;
}


int64_t
fk_payments_revoked(const fk_t *fk, const fk_order_rec_t *o)
{
    int64_t                  amount;
    uint32_t                 index;
    const fk_payment_rec_t  *p;

    amount = 0;

    for (index = o->payment; index != 0; index = p->next) {
        p = FK_PAYMENT(fk, index);
        amount += p->revoked ? p->amount : 0;
    }

    return amount;
}


fk_code_t
fk_order_payments(fk_t *fk, const fk_order_id_t *id, fk_payment_view_t *out,
    uint32_t *n)
{
    uint32_t                 order, index, count, n_max;
    fk_code_t                code;
    const fk_payment_rec_t  *p;

    n_max = *n;
    *n = 0;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    count = 0;
    order = fk_order_find(fk, id->bytes);
    index = order != 0 ? FK_ORDER(fk, order)->payment : 0;

    for (/* void */ ; index != 0 && count < n_max; index = p->next) {
        p = FK_PAYMENT(fk, index);
        fk_payment_fill(fk, index, &out[count++]);
    }

    *n = count;

    fk_unlock(fk);
    return order != 0 ? FK_OK : FK_NOT_FOUND;
}


void
fk_payment_fill(const fk_t *fk, uint32_t payment, fk_payment_view_t *out)
{
    const fk_payment_rec_t  *p;

    p = FK_PAYMENT(fk, payment);
    assert(p->trade_no_size <= FK_TRADE_NO_SIZE_MAX);

    fk_blob_read(fk, p->trade_no, (uint8_t *) out->trade_no,
                 p->trade_no_size);
    out->trade_no[p->trade_no_size] = '\0';
    out->amount = p->amount;
    out->owed = FK_OWED_BITS >> p->state & 1u
                ? p->amount - fk_payment_parts(fk, p) : 0;
    out->at_s = p->at_s;
    out->state = p->state;
}

/*
 * The quiet point: no fault is under way, everybody has had an answer, all is
 * durable.  Then every promise in the book is held against the shop, the
 * shop's sums against its own orders and cards, and both against a second
 * shop that is recovered from Redis alone.
 */

#include "sim.h"


typedef struct {
    int64_t  held;
    int64_t  sold;
    int64_t  owed;
} sim_sums_t;


static void check_engine(sim_t *s, fk_t *fk);
static void check_orders(sim_t *s, fk_t *fk, const fk_env_t *env);
static void check_order(sim_t *s, fk_t *fk, const fk_order_view_t *o);
static void check_payments(sim_t *s, fk_t *fk, const fk_order_view_t *o);
static void check_cards(sim_t *s, fk_t *fk, const fk_order_view_t *o);
static void check_promises(sim_t *s);
static void check_products(sim_t *s, fk_t *fk, const fk_env_t *env,
    const sim_sums_t *sums);
static void check_again(sim_t *s, const fk_t *fk, fk_t *other,
    const fk_env_t *env);
static void check_snapshot(sim_t *s, fk_t *other);
static void check_load(sim_t *s, fk_t *other, const sim_key_t *key,
    char field);
static void check_archive(sim_t *s, fk_t *other, const fk_env_t *env);
static void check_same(sim_t *s, fk_t *fk, const fk_env_t *env);


static sim_sums_t  sums_of[SIM_PRODUCTS_MAX];


void
oracle_check(sim_t *s, uint32_t node)
{
    uint32_t   i;
    fk_t      *fk, other;
    fk_env_t   env;

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
    check_orders(s, fk, &env);
    check_again(s, fk, &other, &env);
    check_archive(s, &other, &env);
    check_promises(s);

    node_shape(&s->plan);
    check_products(s, fk, &env, sums_of);
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
check_orders(sim_t *s, fk_t *fk, const fk_env_t *env)
{
    uint32_t           i, n, cursor;
    fk_order_view_t    out[FK_LIST_SLICE_MAX];
    fk_order_filter_t  filter;

    memset(sums_of, 0, sizeof(sums_of));
    memset(&filter, 0, sizeof(filter));
    filter.status = -1;
    cursor = 0;

    do {
        n = fk_order_list(fk, &filter, &cursor, out, FK_LIST_SLICE_MAX);

        for (i = 0; i < n; i++) {
            check_order(s, fk, &out[i]);
        }

    } while (cursor != 0);
}


static void
check_order(sim_t *s, fk_t *fk, const fk_order_view_t *o)
{
    uint32_t         n, product;
    sim_sums_t      *sums;
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
    SIM_MUST(s, o->seq >= p->seq, "purchase %u has lost a change: it is at "
             "%" PRIu64 ", promised was %" PRIu64, n, o->seq, p->seq);
    SIM_MUST(s, !p->is_cancelled || o->axes.cancelled,
             "purchase %u was cancelled, and is not", n);
    SIM_MUST(s, !p->is_delivered || o->status == FK_STATUS_DELIVERED,
             "purchase %u was delivered, and is not", n);

    p->seen = 1;

    sums = &sums_of[product];
    sums->held += o->axes.stock == FK_STOCK_HELD ? o->qty : 0;
    sums->sold += o->axes.stock == FK_STOCK_ALLOCATED ? o->qty : 0;
    sums->owed += o->axes.stock == FK_STOCK_SHORT ? o->qty : 0;

    check_payments(s, fk, o);
    check_cards(s, fk, o);
}


/* Each payment has one place, and the order's axis agrees with them. */

static void
check_payments(sim_t *s, fk_t *fk, const fk_order_view_t *o)
{
    char               trade_no[16];
    uint32_t           i, n, k, states[FK_PAYMENT_STATE_COUNT];
    sim_payment_t     *p;
    fk_payment_view_t  out[16];

    memset(states, 0, sizeof(states));
    n = fk_order_payments(fk, &o->id, out, 16);

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
    }

    SIM_MUST(s, o->axes.payment != FK_PAYMENT_PAID
                || states[FK_PAYMENT_STATE_APPLIED] != 0,
             "purchase %u is paid by nothing", request_purchase(&o->id));
    SIM_MUST(s, o->axes.payment == FK_PAYMENT_PAID
                || states[FK_PAYMENT_STATE_APPLIED] == 0,
             "purchase %u has a payment applied and is not paid",
             request_purchase(&o->id));
    SIM_MUST(s, o->axes.payment != FK_PAYMENT_REFUNDING
                || states[FK_PAYMENT_STATE_REFUND_DUE] != 0,
             "purchase %u owes a refund of nothing",
             request_purchase(&o->id));
}


static void
check_cards(sim_t *s, fk_t *fk, const fk_order_view_t *o)
{
    uint8_t          buf[4096];
    uint32_t         i, n, k, at, cursor, purchase;
    sim_card_t      *card;
    fk_card_out_t    out[FK_LIST_SLICE_MAX];
    sim_purchase_t  *p;

    if (o->status != FK_STATUS_DELIVERED || o->kind == FK_KIND_COUNTED) {
        return;
    }

    purchase = request_purchase(&o->id);
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


static void
check_products(sim_t *s, fk_t *fk, const fk_env_t *env,
    const sim_sums_t *sums)
{
    uint32_t              i;
    fk_product_view_t     v;
    const sim_product_t  *p;

    for (i = 0; i < s->plan.products; i++) {
        p = &s->oracle.product[i];

        if (fk_product_get(fk, env, request_sku(i), &v) != FK_OK) {
            SIM_MUST(s, p->is_known < 2, "product %u is lost", i);
            continue;
        }

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
        SIM_MUST(s, v.kind != FK_KIND_CARD
                    || (v.imported >= p->imported_acked
                        && v.imported <= p->imported_asked),
                 "product %u has %" PRId64 " cards imported, promised were %"
                 PRId64, i, v.imported, p->imported_acked);
    }
}


/* --- the second shop --------------------------------------------------- */

static void
check_again(sim_t *s, const fk_t *fk, fk_t *other, const fk_env_t *env)
{
    char        why[256];
    uint32_t    i;
    sim_plan_t  roomy;

    roomy = s->plan;
    roomy.spread = 1;
    roomy.ring_size = 524288;
    node_format(&roomy, s->scratch, other);

    SIM_MUST(s, fk_recover_begin(other, 1, 0) == FK_OK, "no recovery");
    check_snapshot(s, other);
    check_load(s, other, redis_key(s, SIM_JOURNAL), 'b');

    SIM_MUST(s, fk_recover_end(other, env, 1, 1, why, sizeof(why)) == FK_OK,
             "the journal's shop cannot open: %s", why);
    SIM_MUST(s, fk_last_seq(other) == fk_last_seq(fk),
             "the journal's shop ends at %" PRIu64, fk_last_seq(other));

    for (i = 0; i < s->oracle.purchase_count; i++) {
        s->oracle.purchase[i].again = 0;
    }

    check_same(s, other, env);
}


/* The last one of the index that is done. */

static void
check_snapshot(sim_t *s, fk_t *other)
{
    char                name[FJ_KEY_SIZE];
    uint32_t            i;
    const sim_key_t    *key;
    const sim_entry_t  *entry;

    key = redis_key(s, SIM_INDEX);

    for (i = key != NULL ? key->count : 0; i > 0 && i > key->first; i--) {
        entry = &key->entry[i - 1];

        if (entry->field[0].size == 4
            && memcmp(entry->field[0].data, "done", 4) == 0)
        {
            (void) snprintf(name, sizeof(name), SIM_PARTS "%.*s",
                            (int) entry->field[1].size, entry->field[1].data);
            SIM_MUST(s, redis_key(s, name) != NULL,
                     "the snapshot that counts is gone");
            check_load(s, other, redis_key(s, name), 'p');
            return;
        }
    }
}


static void
check_load(sim_t *s, fk_t *other, const sim_key_t *key, char field)
{
    size_t             at;
    uint32_t           i, k;
    fk_code_t          rc;
    const sim_text_t  *value;

    for (i = key != NULL ? key->first : 0; key != NULL && i < key->count; i++)
    {
        for (k = 0; k + 1 < key->entry[i].count; k += 2) {
            if (key->entry[i].field[k].data[0] != field) {
                continue;
            }

            value = &key->entry[i].field[k + 1];
            rc = field == 'p'
                 ? fk_snapshot_load(other, 1, 0, (const uint8_t *) value->data,
                                    value->size, &at)
                 : fk_apply(other, 1, 0, (const uint8_t *) value->data,
                            value->size, &at);
            SIM_MUST(s, rc == FK_OK, "%s cannot be read back: %s",
                     field == 'p' ? "the snapshot" : "the journal",
                     fk_code_info[rc].text);
        }
    }
}


/* --- what has left ----------------------------------------------------- */

/*
 * Brought back into the second shop, which has room for all of them: there
 * they are held against the book as if they had never left.
 */

static void
check_archive(sim_t *s, fk_t *other, const fk_env_t *env)
{
    uint32_t          i;
    fk_code_t         rc;
    fk_order_view_t   view;
    const sim_key_t  *key;

    for (i = 0; i < SIM_KEYS_MAX; i++) {
        key = &s->redis.key[i];

        if (!key->used || key->name.size < sizeof(SIM_ORDERS)
            || memcmp(key->name.data, SIM_ORDERS, sizeof(SIM_ORDERS) - 1)
               != 0)
        {
            continue;
        }

        rc = fk_archive_restore(other, env, (const uint8_t *) key->value.data,
                                key->value.size, &view);

        if (rc == FK_EXISTS) {
            continue;
        }

        SIM_MUST(s, rc == FK_OK, "an archived order cannot come back: %s",
                 fk_code_info[rc].text);
        check_order(s, other, &view);
    }
}


/* Every order as it is in the shop that sells. */

static void
check_same(sim_t *s, fk_t *other, const fk_env_t *env)
{
    uint32_t           i, n, purchase, cursor;
    fk_t              *fk;
    fk_order_view_t    mine, out[FK_LIST_SLICE_MAX];
    fk_order_filter_t  filter;

    memset(&filter, 0, sizeof(filter));
    filter.status = -1;
    cursor = 0;
    fk = &s->node[s->opened_node].fk;

    do {
        n = fk_order_list(other, &filter, &cursor, out, FK_LIST_SLICE_MAX);

        for (i = 0; i < n; i++) {
            purchase = request_purchase(&out[i].id);
            s->oracle.purchase[purchase].again = 1;

            SIM_MUST(s, fk_order_get(fk, &out[i].id, &mine) == FK_OK
                        && mine.seq == out[i].seq
                        && mine.amount == out[i].amount
                        && mine.status == out[i].status
                        && mine.expires_s == out[i].expires_s
                        && memcmp(&mine.axes, &out[i].axes,
                                  sizeof(mine.axes)) == 0,
                     "purchase %u is not the same after a recovery",
                     purchase);
        }

    } while (cursor != 0);

    for (i = 1; i < s->oracle.purchase_count; i++) {
        SIM_MUST(s, s->oracle.purchase[i].seen
                    == s->oracle.purchase[i].again,
                 "purchase %u is not in the journal", i);
    }
}

/*
 * What a worker does for a request: the calls of the engine, as the module
 * makes them.  Ids, cards and trade numbers tell by their bytes what they
 * are, so that the oracle needs no second book to read them.
 */

#include "sim.h"


#define CARD_MARK  UINT32_C(0x5ca1ab1e)


static uint32_t request_sum(const fk_t *fk, uint64_t seq);
static void request_checkout(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
static fk_code_t request_rules(fk_t *fk, const fk_env_t *env,
    const sim_request_t *r, fk_checkout_t *in);
static int64_t request_left(fk_t *fk, fk_str_t sku);
static void request_cancel(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
static void request_read(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
static void request_cards(sim_t *s, fk_t *fk, sim_request_t *r);
static void request_pay(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
static void request_product(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
static void request_begin(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
static int64_t request_leases(sim_t *s, const sim_request_t *r);
static void request_add(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
static void request_commit(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
static void request_abort(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
static void request_decide(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
static void request_refund(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
static fk_code_t request_pay_split(sim_t *s, fk_t *fk, const fk_env_t *env,
    fk_pay_t *in, sim_request_t *r);
static void request_make_account(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
static void request_part(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
static void request_commission(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
static void request_withdraw(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
static void request_payout(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r);
static fk_str_t request_trade_no(uint32_t payment, char text[16]);


const fj_conf_t  request_shop = { .shop = SIM_SHOP };


static void (*const request_calls[SIM_REQUEST_COUNT])(sim_t *s, fk_t *fk,
    const fk_env_t *env, sim_request_t *r) = {
    [SIM_REQUEST_CHECKOUT] = request_checkout,
    [SIM_REQUEST_CANCEL] = request_cancel,
    [SIM_REQUEST_READ] = request_read,
    [SIM_REQUEST_PAY] = request_pay,
    [SIM_REQUEST_PRODUCT] = request_product,
    [SIM_REQUEST_IMPORT_BEGIN] = request_begin,
    [SIM_REQUEST_IMPORT_ADD] = request_add,
    [SIM_REQUEST_IMPORT_COMMIT] = request_commit,
    [SIM_REQUEST_IMPORT_ABORT] = request_abort,
    [SIM_REQUEST_DECIDE] = request_decide,
    [SIM_REQUEST_REFUND] = request_refund,
    [SIM_REQUEST_TERMS] = terms_put,
    [SIM_REQUEST_ACCOUNT] = request_make_account,
    [SIM_REQUEST_PART] = request_part,
    [SIM_REQUEST_COMMISSION] = request_commission,
    [SIM_REQUEST_WITHDRAW] = request_withdraw,
    [SIM_REQUEST_PAYOUT] = request_payout,
};


const char *const  request_words[SIM_REQUEST_COUNT] = {
#define SIM_REQUEST_WORD(name)  #name,
    SIM_REQUESTS(SIM_REQUEST_WORD)
#undef SIM_REQUEST_WORD
};


void
request_execute(sim_t *s, sim_worker_t *w, sim_request_t *r)
{
    fk_env_t  env;
    uint64_t  last_seq;

    env.now_ms = node_unix_ms(s, w->node);
    r->seq = 0;
    r->epoch = w->fk.region->ring.epoch;
    last_seq = fk_last_seq(&w->fk);

    request_calls[r->kind](s, &w->fk, &env, r);

    if (r->seq > last_seq) {
        r->sum = request_sum(&w->fk, r->seq);
    }

    sim_trace(s, "worker %u: %s of actor %u, purchase %u: %s, record %"
              PRIu64, w->number, request_words[r->kind], r->actor,
              r->purchase, fk_code_info[r->code].name, r->seq);

    if (r->code == FK_LIMIT) {
        sim_mark(s, SIM_MARK_LIMITED);

    } else if (r->code == FK_COUPON) {
        sim_mark(s, SIM_MARK_USED_UP);
    }

    if (r->code == FK_RING_FULL) {
        sim_mark(s, SIM_MARK_RING_FULL);

    } else if (r->code == FK_TABLE_FULL) {
        sim_mark(s, SIM_MARK_TABLE_FULL);
    }
}


/* The sum of the record that was just written, unless it is not the last. */

static uint32_t
request_sum(const fk_t *fk, uint64_t seq)
{
    const uint8_t  *record;

    record = fk_ring_at(fk, fk->record_at);

    return seq == fk_last_seq(fk) && fk_get(record + 8, 8) == seq
           ? (uint32_t) fk_get(record + 4, 4) : 0;
}


/* --- names ------------------------------------------------------------- */

fk_str_t
request_sku(uint32_t product)
{
    static const char *const  sku[SIM_PRODUCTS_MAX] = {
        "p0", "p1", "p2", "p3", "p4", "p5"
    };

    return (fk_str_t) { (const uint8_t *) sku[product], 2 };
}


uint32_t
request_product_of(const char *sku)
{
    return (uint32_t) (sku[1] - '0');
}


uint32_t
request_purchase(const fk_order_id_t *id)
{
    return (uint32_t) fk_get(id->bytes + 6, 4);
}


void
request_key(uint32_t purchase, uint32_t product, uint8_t idem[FK_IDEM_SIZE],
    uint8_t body[8])
{
    memset(idem, 0x77, FK_IDEM_SIZE);
    fk_put(idem, purchase + UINT64_C(1), 8);
    memset(body, 0x11, 8);
    fk_put(body, product, 4);
}


uint32_t
request_seal(uint32_t card, uint8_t *sealed)
{
    uint32_t  i, size;

    /* Some stand in their slot, some take blocks. */
    size = card % 3 == 0 ? 100 + card % 150 : 40 + card % 21;

    for (i = 0; i < size; i++) {
        sealed[i] = (uint8_t) (card * 31 + i * 7);
    }

    fk_put(sealed, card, 4);
    fk_put(sealed + 4, CARD_MARK, 4);
    return size;
}


uint32_t
request_unseal(const uint8_t *sealed, uint32_t size)
{
    uint32_t  card, wanted;
    uint8_t   again[FK_SEALED_SIZE_MAX];

    if (size < FK_SEAL_SIZE || fk_get(sealed + 4, 4) != CARD_MARK) {
        return 0;
    }

    card = (uint32_t) fk_get(sealed, 4);
    wanted = request_seal(card, again);

    return wanted == size && memcmp(again, sealed, size) == 0 ? card : 0;
}


/* --- calls ------------------------------------------------------------- */

static void
request_checkout(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r)
{
    char           contact[32];
    int64_t        left;
    uint8_t        random[10];
    fk_checkout_t  in;

    memset(&in, 0, sizeof(in));
    memset(random, 0, sizeof(random));
    fk_put(random, r->purchase, 4);
    fk_put(random + 4, ++s->order_serial, 6);
    fk_order_id_make(&in.id, env->now_ms, random);

    in.sku = request_sku(r->product);
    in.qty = r->count;
    (void) snprintf(contact, sizeof(contact), "buyer-%u", r->purchase);
    in.contact = (fk_str_t) { (uint8_t *) contact, strlen(contact) };
    memcpy(in.channel, "epay", 5);
    in.hold_s = s->plan.hold_s;
    in.has_idem = 1;
    request_key(r->purchase, r->product, in.idem, in.body);

    r->code = request_rules(fk, env, r, &in);
    if (r->code != FK_OK) {
        return;
    }

    left = request_left(fk, in.sku);
    r->code = fk_checkout(fk, env, &in, &r->view);
    r->seq = r->view.seq;

    SIM_MUST(s, r->code != FK_OK || left >= (int64_t) in.qty,
             "purchase %u took units that paid orders wait for", r->purchase);
}


/* As a worker asks its rules: outside of the lock, by the product it sees. */

static fk_code_t
request_rules(fk_t *fk, const fk_env_t *env, const sim_request_t *r,
    fk_checkout_t *in)
{
    fk_code_t          code;
    fk_account_view_t  agent;

    in->rules = r->purchase;
    terms_fill(r->purchase, r->product, in);

    code = terms_steps(fk, env, r->purchase, in);
    if (code != FK_OK) {
        return code;
    }

    if (request_is_brought(r->purchase)
        && fk_account_get(fk, request_account(0), &agent) == FK_OK)
    {
        in->agent = request_account(0);
    }

    if (request_risk(r->purchase) == REQUEST_FLAGGED) {
        in->review = 1;
        in->reason = in->contact;
    }

    return FK_OK;
}


int64_t
request_total(uint32_t purchase, int64_t list)
{
    return purchase % 3 != 0 || list <= purchase % 50 ? list
           : list - purchase % 50;
}


request_risk_t
request_risk(uint32_t purchase)
{
    return purchase % 13 == 0 ? REQUEST_FLAGGED
           : purchase % 17 == 0 ? REQUEST_FLAGGED_LATE : REQUEST_PASSES;
}


/* Nothing of a death stands in the way: it repairs before it looks. */

static int64_t
request_left(fk_t *fk, fk_str_t sku)
{
    int64_t                  left;
    uint32_t                 product;
    const fk_product_rec_t  *p;

    if (fk_lock(fk) != FK_OK) {
        return 0;
    }

    product = fk_product_find(fk, sku);
    p = product != 0 ? FK_PRODUCT(fk, product) : NULL;
    left = p != NULL ? p->available - p->owed : 0;
    fk_unlock(fk);

    return left;
}


static void
request_cancel(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r)
{
    r->code = fk_cancel(fk, env, &r->id, &r->view);
    r->seq = r->view.seq;
}


static void
request_read(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r)
{
    r->code = fk_order_get(fk, &r->id, &r->view);
    r->seq = r->view.seq;
    r->card_count = 0;

    if (r->code == FK_OK && r->view.status == FK_STATUS_DELIVERED
        && r->view.kind != FK_KIND_COUNTED)
    {
        request_cards(s, fk, r);
    }
}


static void
request_cards(sim_t *s, fk_t *fk, sim_request_t *r)
{
    uint32_t       i, n, cursor;
    uint8_t        buf[4096];
    fk_card_out_t  out[FK_LIST_SLICE_MAX];

    cursor = 0;

    do {
        n = FK_LIST_SLICE_MAX;

        r->code = fk_order_cards(fk, &r->id, &cursor, buf, sizeof(buf), out,
                                 &n);
        if (r->code != FK_OK) {
            return;
        }

        for (i = 0; i < n && r->card_count < FK_QTY_MAX; i++) {
            r->card[r->card_count++] = request_unseal(buf + out[i].offset,
                                                      out[i].size);
        }

    } while (cursor != 0);
}


static void
request_pay(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r)
{
    char      trade_no[16];
    fk_pay_t  in;

    memset(&in, 0, sizeof(in));
    in.id = r->id;
    in.channel = (fk_str_t) { (const uint8_t *) "epay", 4 };
    in.trade_no = request_trade_no(r->payment, trade_no);
    in.amount = s->oracle.payment[r->payment].amount;
    memcpy(in.currency, "CNY", 4);

    if (request_risk(request_purchase(&r->id)) == REQUEST_FLAGGED_LATE) {
        in.review = 1;
        in.reason = in.trade_no;
    }

    request_split(request_purchase(&r->id), in.amount, &in.split);
    r->code = request_pay_split(s, fk, env, &in, r);

    /* Finished long ago: the archive has it, and money for it counts. */
    if (r->code == FK_NOT_FOUND && archive_restored(s, fk, env, r)) {
        r->code = request_pay_split(s, fk, env, &in, r);
    }

    r->seq = r->view.seq;
}


/* A split that cannot be is no reason to leave money outside. */

static fk_code_t
request_pay_split(sim_t *s, fk_t *fk, const fk_env_t *env, fk_pay_t *in,
    sim_request_t *r)
{
    fk_code_t  code;

    code = fk_pay(fk, env, in, &r->result, &r->view);

    if (code == FK_INVALID && !in->split.flagged) {
        sim_mark(s, SIM_MARK_NOT_SPLIT);
        memset(&in->split, 0, sizeof(in->split));
        in->split.flagged = 1;
        code = fk_pay(fk, env, in, &r->result, &r->view);
    }

    return code;
}


static void
request_product(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r)
{
    int                created;
    const char        *field;
    fk_product_view_t  view;

    r->code = fk_product_put(fk, env, &r->put, &view, &created, &r->seq,
                             &field);
}


static void
request_begin(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r)
{
    int64_t  leased_us;

    leased_us = request_leases(s, r);
    r->code = fk_import_begin(fk, env, request_sku(r->product), &r->batch);

    if (r->code != FK_OK) {
        s->oracle.product[r->product].leased_us = leased_us;
    }
}


/* Until it is known that it does not: who dies may have got the lease, and
 * whose answer is lost has it.  Returns what was known. */

static int64_t
request_leases(sim_t *s, const sim_request_t *r)
{
    int64_t  was_us;

    was_us = s->oracle.product[r->product].leased_us;
    s->oracle.product[r->product].leased_us = s->now_us;

    return was_us;
}


static void
request_add(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r)
{
    uint32_t      i;
    int64_t       leased_us;
    uint8_t       sealed[FK_IMPORT_SLICE_MAX][256];
    uint8_t       results[FK_IMPORT_SLICE_MAX];
    fk_card_in_t  cards[FK_IMPORT_SLICE_MAX];

    assert(r->count <= FK_IMPORT_SLICE_MAX);

    for (i = 0; i < r->count; i++) {
        cards[i].size = (uint16_t) request_seal(r->first_card + i, sealed[i]);
        cards[i].sealed = sealed[i];
        cards[i].old_nonce = NULL;
    }

    leased_us = request_leases(s, r);
    r->code = fk_import_add(fk, env, r->batch, cards, r->count, results);
    r->card_count = 0;

    if (r->code != FK_OK) {
        s->oracle.product[r->product].leased_us = leased_us;
    }

    for (i = 0; r->code == FK_OK && i < r->count; i++) {
        r->card_count += results[i] == FK_CARD_ACCEPTED;
    }
}


static void
request_commit(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r)
{
    r->code = fk_import_commit(fk, env, r->batch, &r->card_count, &r->seq);
}


static void
request_abort(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r)
{
    r->code = fk_import_abort(fk, env, r->batch);
}


static void
request_decide(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r)
{
    fk_split_t       split;
    fk_order_view_t  order;

    oracle_decision(s, r->purchase, r->event);

    if (r->event != FK_EVENT_APPROVE
        || fk_order_get(fk, &r->id, &order) != FK_OK)
    {
        r->code = fk_decide(fk, env, &r->id, r->event, &r->view);

        if (r->event == FK_EVENT_REVOKE && r->code == FK_NOT_FOUND
            && archive_restored(s, fk, env, r))
        {
            r->code = fk_decide(fk, env, &r->id, r->event, &r->view);
        }

        r->seq = r->code == FK_OK ? r->view.seq : 0;
        return;
    }

    request_split(r->purchase, order.amount, &split);
    r->code = fk_approve(fk, env, &r->id, &split, &r->view);

    if (r->code == FK_INVALID) {
        memset(&split, 0, sizeof(split));
        split.flagged = 1;
        r->code = fk_approve(fk, env, &r->id, &split, &r->view);
    }

    r->seq = r->view.seq;
}


/* --- the cashier's ------------------------------------------------------ */

static void
request_make_account(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r)
{
    int                created;
    const char        *field;
    fk_account_put_t   put;
    fk_account_view_t  view;

    memset(&put, 0, sizeof(put));
    put.id = request_account(r->account);
    put.fields = FK_ACCOUNT_PUT_CURRENCY;
    memcpy(put.currency, "CNY", 4);

    if (r->account >= SIM_AGENTS) {
        put.fields |= FK_ACCOUNT_PUT_KIND;
        put.kind = FK_ACCOUNT_MERCHANT;

    } else if (r->account != 0) {
        put.fields |= FK_ACCOUNT_PUT_PARENT;
        put.parent = request_account(r->account - 1);
    }

    r->code = fk_account_put(fk, env, &put, &view, &created, &r->seq, &field);
}


/* Its ref says which of the parts of this purchase it is. */

static void
request_part(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r)
{
    char      text[3];
    fk_str_t  ref;

    (void) snprintf(text, sizeof(text), "R%u", r->count % 10);
    ref = (fk_str_t) { (uint8_t *) text, 2 };
    r->code = fk_refund_part(fk, env, &r->id, r->amount, ref, &r->view);

    if (r->code == FK_NOT_FOUND && archive_restored(s, fk, env, r)) {
        r->code = fk_refund_part(fk, env, &r->id, r->amount, ref, &r->view);
    }

    if (r->code == FK_EXISTS) {
        sim_mark(s, SIM_MARK_PART_AGAIN);
    }

    r->seq = r->code == FK_OK || r->code == FK_EXISTS ? r->view.seq : 0;
}


/* As it should have been when it was paid. */

static void
request_commission(sim_t *s, fk_t *fk, const fk_env_t *env,
    sim_request_t *r)
{
    fk_split_t  split;

    s->oracle.purchase[r->purchase].is_split_asked = 1;
    request_split(r->purchase, r->amount, &split);
    r->code = fk_order_commission(fk, env, &r->id, &split, &r->view);

    if (r->code == FK_NOT_FOUND && archive_restored(s, fk, env, r)) {
        r->code = fk_order_commission(fk, env, &r->id, &split, &r->view);
    }

    if (r->code == FK_OK) {
        sim_mark(s, SIM_MARK_SPLIT_LATE);
    }

    r->seq = r->code == FK_OK || r->code == FK_EXISTS ? r->view.seq : 0;
}


static void
request_withdraw(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r)
{
    fk_withdrawal_view_t  view;

    r->code = fk_withdrawal_request(fk, env, request_account(r->account),
                                    r->amount, request_account(r->account),
                                    &view);
    r->seq = r->code == FK_OK ? view.seq : 0;
}


static void
request_payout(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r)
{
    fk_withdrawal_view_t  view;

    r->code = fk_withdrawal_decide(fk, env, r->withdrawal,
                                   (fk_withdrawal_state_t) r->count, &view);
    r->seq = r->code == FK_OK || r->code == FK_EXISTS ? view.seq : 0;
}


/*
 * One payment was given back: of each four, one by hand, the others by the
 * gateway, which is asked first, and for one of them refuses at first.
 */

static void
request_refund(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r)
{
    char      text[16];
    fk_str_t  trade_no;

    s->oracle.payment[r->payment].refund_asked = 1;
    trade_no = request_trade_no(r->payment, text);

    if (r->payment % 4 != 0) {
        (void) fk_refund_ask(fk, env, &r->id, trade_no, &r->view);
    }

    if (r->payment % 4 == 1) {
        (void) fk_refund_back(fk, env, &r->id, trade_no, &r->view);
    }

    r->code = fk_refund(fk, env, &r->id, trade_no, &r->view);
    r->seq = r->view.seq;
}


static fk_str_t
request_trade_no(uint32_t payment, char text[16])
{
    int  size;

    size = snprintf(text, 16, "T%u", payment);
    return (fk_str_t) { (uint8_t *) text, (size_t) size };
}

/*
 * A second shop, recovered from what Redis holds (snapshot, journal, archive)
 * by a reader of its own, with room for everything.  It must be the shop that
 * sells, down to each card and each cent; and with every archived order
 * brought back into it, nothing is left that only a sum knows.
 */

#include "sim.h"


static void again_recover(sim_t *s, fk_t *other, const fk_env_t *env);
static void again_snapshot(sim_t *s, fk_t *other);
static void again_load(sim_t *s, fk_t *other, const sim_key_t *key,
    char field);
static void again_same(sim_t *s, fk_t *fk, fk_t *other, const fk_env_t *env);
static void again_products(sim_t *s, fk_t *fk, fk_t *other,
    const fk_env_t *env);
static void again_order(sim_t *s, fk_t *fk, fk_t *other,
    const fk_order_view_t *o);
static void again_payments(sim_t *s, fk_t *fk, fk_t *other,
    const fk_order_view_t *o);
static void again_cards(sim_t *s, fk_t *fk, fk_t *other);
static int again_has_card(const fk_t *fk, uint32_t slot);
static void again_keys(sim_t *s, fk_t *fk, fk_t *other);
static void again_archive(sim_t *s, fk_t *other, const fk_env_t *env,
    sim_sums_t *sums);
static void again_sums(sim_t *s, fk_t *other, const fk_env_t *env);


void
again_check(sim_t *s, fk_t *fk, const fk_env_t *env, sim_sums_t *sums)
{
    char  why[256];
    fk_t  other;

    again_recover(s, &other, env);
    again_same(s, fk, &other, env);

    oracle_check_queues(s, fk, &other);
    oracle_check_stock(s, fk, 0);

    again_archive(s, &other, env, sums);
    oracle_check_stock(s, &other, 1);
    again_sums(s, &other, env);
    oracle_terms_back(s, &other);
    check_products(s, &other, env, sums);

    SIM_MUST(s, fk_check(&other, why, sizeof(why)) == FK_OK,
             "fk_check of the shop with all its orders: %s", why);

    node_shape(&s->plan);
}


void
again_snapshot_counts(sim_t *s)
{
    fk_t      other;
    fk_env_t  env;

    env.now_ms = node_unix_ms(s, s->opened_node);
    again_recover(s, &other, &env);
    node_shape(&s->plan);
}


static void
again_recover(sim_t *s, fk_t *other, const fk_env_t *env)
{
    char        why[256];
    sim_plan_t  roomy;

    roomy = s->plan;
    roomy.spread = 1;
    roomy.ring_size = 524288;
    node_format(&roomy, s->scratch, other);

    SIM_MUST(s, fk_recover_begin(other, 1, 0) == FK_OK, "no recovery");
    again_snapshot(s, other);
    again_load(s, other, redis_key(s, SIM_JOURNAL), 'b');

    SIM_MUST(s, fk_recover_end(other, env, 1, 1, why, sizeof(why)) == FK_OK,
             "the journal's shop cannot open: %s", why);
    SIM_MUST(s, fk_last_seq(other) == s->oracle.last_seq,
             "the journal's shop ends at %" PRIu64 ", and the journal at %"
             PRIu64, fk_last_seq(other), s->oracle.last_seq);
}


/* The last one of the index that is done. */

static void
again_snapshot(sim_t *s, fk_t *other)
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
            again_load(s, other, redis_key(s, name), 'p');
            return;
        }
    }
}


static void
again_load(sim_t *s, fk_t *other, const sim_key_t *key, char field)
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


/* --- the same, in everything ------------------------------------------- */

static void
again_same(sim_t *s, fk_t *fk, fk_t *other, const fk_env_t *env)
{
    uint32_t           i, n, purchase, cursor;
    fk_order_view_t    out[FK_LIST_SLICE_MAX];
    fk_order_filter_t  filter;

    for (i = 0; i < s->oracle.purchase_count; i++) {
        s->oracle.purchase[i].again = 0;
    }

    memset(&filter, 0, sizeof(filter));
    filter.status = -1;
    cursor = 0;

    do {
        n = FK_LIST_SLICE_MAX;
        SIM_MUST(s, fk_order_list(other, &filter, &cursor, out, &n) == FK_OK,
                 "a recovered shop has no list");

        for (i = 0; i < n; i++) {
            purchase = request_purchase(&out[i].id);
            s->oracle.purchase[purchase].again = 1;
            again_order(s, fk, other, &out[i]);
            again_payments(s, fk, other, &out[i]);
        }

    } while (cursor != 0);

    for (i = 1; i < s->oracle.purchase_count; i++) {
        SIM_MUST(s, s->oracle.purchase[i].seen
                    == s->oracle.purchase[i].again,
                 "purchase %u is not in the journal", i);
    }

    again_products(s, fk, other, env);
    oracle_ledger_same(s, fk, other);
    again_cards(s, fk, other);
    again_keys(s, fk, other);
    oracle_terms_same(s, fk, other);
}


static void
again_products(sim_t *s, fk_t *fk, fk_t *other, const fk_env_t *env)
{
    uint32_t           i;
    fk_code_t          rc;
    fk_product_view_t  mine, its;

    for (i = 0; i < s->plan.products; i++) {
        memset(&mine, 0, sizeof(mine));
        memset(&its, 0, sizeof(its));
        rc = fk_product_get(fk, env, request_sku(i), &mine);

        SIM_MUST(s, fk_product_get(other, env, request_sku(i), &its) == rc,
                 "product %u is not there after a recovery", i);

        /* Where it stands is the table's own affair. */
        mine.index = its.index;
        SIM_MUST(s, memcmp(&mine, &its, sizeof(mine)) == 0,
                 "product %u is not the same after a recovery", i);
    }
}


/* The view, and the cards by their slots: those of a hold, too. */

static void
again_order(sim_t *s, fk_t *fk, fk_t *other, const fk_order_view_t *o)
{
    uint32_t          slot, purchase;
    fk_image_order_t  mine, its;

    purchase = request_purchase(&o->id);
    slot = fk_order_find(fk, o->id.bytes);

    SIM_MUST(s, slot != 0 && FK_ORDER(fk, slot)->seq == o->seq,
             "purchase %u is not at its record after a recovery", purchase);

    memset(&mine, 0, sizeof(mine));
    memset(&its, 0, sizeof(its));
    fk_order_image(fk, slot, &mine);
    fk_order_image(other, o->index, &its);

    SIM_MUST(s, memcmp(&mine, &its, sizeof(mine)) == 0,
             "purchase %u is not the same after a recovery", purchase);
}


static void
again_payments(sim_t *s, fk_t *fk, fk_t *other, const fk_order_view_t *o)
{
    uint32_t           i, n, its_n;
    fk_payment_view_t  mine[16], its[16];

    memset(mine, 0, sizeof(mine));
    memset(its, 0, sizeof(its));
    n = its_n = 16;

    SIM_MUST(s, fk_order_payments(fk, &o->id, mine, &n) == FK_OK
                && fk_order_payments(other, &o->id, its, &its_n) == FK_OK
                && its_n == n,
             "purchase %u has other payments after a recovery",
             request_purchase(&o->id));

    for (i = 0; i < n; i++) {
        SIM_MUST(s, strcmp(mine[i].trade_no, its[i].trade_no) == 0
                    && mine[i].amount == its[i].amount
                    && mine[i].owed == its[i].owed
                    && mine[i].at_s == its[i].at_s
                    && mine[i].state == its[i].state,
                 "payment %u of purchase %u is not the same after a "
                 "recovery", i, request_purchase(&o->id));
    }
}


/* In the same slots; without those of imports that are not done. */

static void
again_cards(sim_t *s, fk_t *fk, fk_t *other)
{
    uint32_t  i, mine, its;

    static fk_image_card_t  one, two;

    mine = fk->region->table[FK_TABLE_CARDS].fresh;
    its = other->region->table[FK_TABLE_CARDS].fresh;

    for (i = 1; i <= mine || i <= its; i++) {
        SIM_MUST(s, again_has_card(fk, i) == again_has_card(other, i),
                 "the card in slot %u is not there after a recovery", i);

        if (!again_has_card(fk, i)) {
            continue;
        }

        fk_card_image(fk, i, &one);
        fk_card_image(other, i, &two);

        SIM_MUST(s, one.batch == two.batch
                    && one.sealed_size == two.sealed_size
                    && memcmp(one.sealed, two.sealed, one.sealed_size) == 0,
                 "the card in slot %u is another one after a recovery", i);
    }
}


static int
again_has_card(const fk_t *fk, uint32_t slot)
{
    const fk_card_rec_t  *c;

    if (slot > fk->region->table[FK_TABLE_CARDS].fresh) {
        return 0;
    }

    c = FK_CARD(fk, slot);

    return c->owner != FK_OWNER_FREE
           && FK_BATCH(fk, FK_CARD_BATCH(c))->state == FK_BATCH_LIVE;
}


/* Each Idempotency-Key leads to its order, in both, or to none. */

static void
again_keys(sim_t *s, fk_t *fk, fk_t *other)
{
    uint32_t          i;
    uint8_t           idem[FK_IDEM_SIZE], body[8];
    fk_code_t         rc;
    fk_order_view_t   mine, its;

    for (i = 1; i < s->oracle.purchase_count; i++) {
        request_key(i, s->oracle.purchase[i].product, idem, body);
        rc = fk_order_by_idem(fk, idem, body, &mine);

        SIM_MUST(s, fk_order_by_idem(other, idem, body, &its) == rc
                    && (rc != FK_EXISTS
                        || (request_purchase(&mine.id) == i
                            && memcmp(&mine.id, &its.id, sizeof(its.id))
                               == 0)),
                 "the key of purchase %u finds something else after a "
                 "recovery", i);
        SIM_MUST(s, (rc == FK_EXISTS) == s->oracle.purchase[i].again,
                 "the key of purchase %u does not find its order", i);
    }
}


/* --- what has left ----------------------------------------------------- */

/*
 * Brought back into the second shop, which has room for all of them: there
 * they are held against the book as if they had never left.
 */

static void
again_archive(sim_t *s, fk_t *other, const fk_env_t *env, sim_sums_t *sums)
{
    uint32_t          i;
    sim_id_t          version;
    fk_code_t         rc;
    sim_text_t        record;
    fk_order_view_t   view;
    const sim_key_t  *key;

    static const fk_order_id_t  none;

    for (i = 0; i < SIM_KEYS_MAX; i++) {
        key = &s->redis.key[i];

        if (!key->used || key->name.size < sizeof(SIM_ORDERS)
            || memcmp(key->name.data, SIM_ORDERS, sizeof(SIM_ORDERS) - 1)
               != 0)
        {
            continue;
        }

        archive_text(s, &key->value, &version, &record);
        rc = fk_archive_restore(other, env, (const uint8_t *) record.data,
                                record.size,
                                fk_archive_mark(other, &none), &view);

        if (rc == FK_EXISTS) {
            continue;
        }

        SIM_MUST(s, rc == FK_OK, "an archived order cannot come back: %s",
                 fk_code_info[rc].text);
        check_order(s, other, &view, sums);
    }
}


static void
again_sums(sim_t *s, fk_t *other, const fk_env_t *env)
{
    uint32_t           i;
    fk_product_view_t  v;

    for (i = 0; i < s->plan.products; i++) {
        SIM_MUST(s, fk_product_get(other, env, request_sku(i), &v) != FK_OK
                    || (v.archived_orders == 0 && v.archived_units == 0
                        && v.archived_amount == 0),
                 "of product %u, %" PRId64 " orders, %" PRId64 " units and %"
                 PRId64 " of money have left, and are nowhere", i,
                 v.archived_orders, v.archived_units, v.archived_amount);
    }
}

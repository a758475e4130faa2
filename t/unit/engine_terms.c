/*
 * Wholesale tiers, member levels and purchase limits: what they make of a
 * price, what they refuse, and what a buyer has when his orders end in each
 * of the ways there are.
 */

#include "archive_shop.h"


static fk_order_view_t  view;
static fk_pay_result_t  result;
static uint32_t         trades;


static fk_checkout_t
cart(uint32_t who, const char *sku, uint32_t qty)
{
    fk_checkout_t  in;

    in = shop_cart(sku, qty);
    shop_buyer(&in, who, "");
    return in;
}


static fk_code_t
buy(uint32_t who, const char *sku, uint32_t qty)
{
    fk_checkout_t  in;

    in = cart(who, sku, qty);
    memset(&view, 0, sizeof(view));
    return fk_checkout(&shop, &shop_env, &in, &view);
}


static void
pay_of(const fk_order_id_t *id, int64_t amount)
{
    char  trade[16];

    snprintf(trade, sizeof(trade), "t%u", ++trades);
    shop_must(shop_pay(id, trade, amount, &result, &view) == FK_OK, "pay");
}


static void
decided(const fk_order_id_t *id, fk_event_t event)
{
    shop_must(fk_decide(&shop, &shop_env, id, event, &view) == FK_OK,
              "decide");
}


static const fk_tally_rec_t *
tally(uint32_t who, uint8_t kind, const char *what)
{
    uint8_t   key[FK_TALLY_KEY_SIZE];
    uint32_t  i;

    shop_digest(who, str(what), key);
    i = fk_tally_find(&shop, kind, key);

    return i != 0 ? FK_TALLY(&shop, i) : NULL;
}


static int64_t
quota(uint32_t who, const char *sku)
{
    const fk_tally_rec_t  *t;

    t = tally(who, FK_TALLY_QUOTA, sku);
    return t != NULL ? t->live.units + t->archived.units : 0;
}


static void
test_tiers(void)
{
    uint32_t           n;
    fk_checkout_t      in;
    fk_product_put_t   put;
    fk_product_view_t  product;

    static const struct {
        uint32_t  qty;
        int64_t   amount;
    } totals[] = { { 1, 500 }, { 2, 1000 }, { 3, 1200 }, { 9, 3600 },
                   { 10, 3000 }, { 11, 3300 } };

    static const struct {
        uint16_t   count;
        fk_tier_t  tier[2];
    } bad[] = {
        { 9, { { 1, 2 } } }, { 1, { { 1, 1 } } }, { 1, { { -1, 2 } } },
        { 2, { { 9, 3 }, { 8, 3 } } }, { 2, { { 9, 3 }, { 8, 2 } } },
        { 1, { { 9, FK_QTY_MAX + 1 } } },
        { 1, { { FK_AMOUNT_MAX / FK_QTY_MAX + 1, 2 } } },
    };

    shop_terms("x", 0);
    product = shop_view("x");
    OK(product.tier_count == 2 && product.tier[1].min_qty == 10
       && product.tier[1].price == 300, "the view has the tiers");

    for (n = 0; n < sizeof(totals) / sizeof(totals[0]); n++) {
        EQ_INT(fk_tier_price(&product, totals[n].qty) * totals[n].qty,
               totals[n].amount, "%u cost that much", totals[n].qty);
        EQ_INT(buy(1, "x", totals[n].qty), FK_OK, "bought");
        EQ_INT(view.amount, totals[n].amount, "for that");
        EQ_INT(view.step[FK_STEP_LIST], 500 * totals[n].qty, "and says so");
    }

    in = cart(1, "x", 3);
    shop_rules(&in, 1500, 1500, NULL);
    EQ_INT(fk_checkout(&shop, &shop_env, &in, &view), FK_AGAIN,
           "a price that knows of no tier");

    for (n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
        int          created;
        uint64_t     seq;
        const char  *field;

        memset(&put, 0, sizeof(put));
        put.sku = str("x");
        put.fields = FK_PUT_TIERS;
        put.tier_count = bad[n].count;
        memcpy(put.tier, bad[n].tier, sizeof(bad[n].tier));
        EQ_INT(fk_product_put(&shop, &shop_env, &put, &product, &created,
                              &seq, &field), FK_INVALID, "bad tiers %u", n);
        EQ_STR(field != NULL ? field : "", "tiers", "by name");
    }

    memset(&put, 0, sizeof(put));
    put.sku = str("x");
    put.fields = FK_PUT_TIERS;
    shop_must(shop_put(&put, NULL) == FK_OK, "no tiers");
    EQ_INT(buy(1, "x", 10), FK_OK, "without tiers");
    EQ_INT(view.amount, 5000, "it costs the list price");
}


static void
test_levels(void)
{
    uint8_t          key[FK_TALLY_KEY_SIZE];
    uint32_t         n;
    uint64_t         seq;
    fk_checkout_t    in;
    fk_buyer_view_t  buyer;
    fk_level_view_t  level, all[FK_LEVELS_MAX];

    EQ_INT(shop_level("", 1, 0), FK_INVALID, "a level without a name");
    EQ_INT(shop_level("all", FK_BP + 1, 0), FK_INVALID, "beyond all");
    EQ_INT(shop_level("neg", 1, -1), FK_INVALID, "for less than nothing");

    EQ_INT(shop_level("gold", 1000, 3000), FK_OK, "gold");
    EQ_INT(shop_level("silver", 500, 1000), FK_OK, "silver, later");
    EQ_INT(shop_level("friend", 5000, FK_UNITS_MAX), FK_OK, "by hand only");
    EQ_INT(fk_level_get(&shop, str("gold"), &level), FK_OK, "found");
    OK(level.off_bp == 1000 && level.min_spent == 3000, "as it was put");
    EQ_INT(fk_level_get(&shop, str("gol"), &level), FK_NOT_FOUND, "no other");
    EQ_INT(fk_level_get(&shop, str("golf"), &level), FK_NOT_FOUND, "nor");
    EQ_INT(shop_level("gold\x01 and a name without end that ends", 1, 0),
           FK_INVALID, "a long name");
    EQ_INT(shop_level("far", 1, FK_UNITS_MAX + 1), FK_INVALID, "too far");
    EQ_INT(fk_level_list(&shop, all, &n), FK_OK, "all of them");
    EQ_INT(n, 3, "are three");

    buyer = shop_buyer_view(50);
    OK(buyer.level[0] == '\0' && buyer.spent == 0, "nobody has none");
    EQ_INT(buy(50, "x", 2), FK_OK, "he buys");
    EQ_INT(shop_buyer_view(50).orders_count, 0, "that is not paid yet");
    pay_of(&view.id, 1000);
    buyer = shop_buyer_view(50);
    EQ_STR(buyer.level, "silver", "paid, he is somebody");
    OK(buyer.orders_count == 1 && buyer.units_count == 2
       && buyer.spent == 1000 && buyer.last_paid_s == fk_now_s(&shop_env)
       && buyer.off_bp == 500 && buyer.by_operator == 0, "with his numbers");

    EQ_INT(buy(50, "x", 1), FK_OK, "again");
    EQ_INT(view.amount, 475, "for less");
    EQ_INT(view.step[FK_STEP_TIER], 500, "than others");

    in = cart(50, "x", 2);
    shop_rules(&in, 1000, 900, NULL);
    EQ_INT(fk_checkout(&shop, &shop_env, &in, &view), FK_AGAIN,
           "a price without his level");
    in.step[FK_STEP_LEVEL] = fk_level_price(500, 1000);
    EQ_INT(fk_checkout(&shop, &shop_env, &in, &view), FK_OK, "and with it");

    shop_digest(50, str(""), key);
    EQ_INT(fk_buyer_put(&shop, &shop_env, key, str("none"), &seq),
           FK_NOT_FOUND, "no such level");
    EQ_INT(fk_buyer_put(&shop, &shop_env, key, str("friend"), &seq), FK_OK,
           "set by hand");
    EQ_INT(shop_buyer_view(50).off_bp, 5000, "counts before what he spent");
    EQ_INT(shop_buyer_view(50).by_operator, 1, "and it shows");
    EQ_INT(fk_buyer_put(&shop, &shop_env, key, str(""), &seq), FK_OK, "no");
    EQ_STR(shop_buyer_view(50).level, "silver", "he is what he was");

    EQ_INT(fk_level_price(9999, 1), 1, "1 stays 1");
    EQ_INT(fk_level_price(9999, FK_AMOUNT_MAX), FK_AMOUNT_MAX / FK_BP,
           "the largest amount");

    for (n = 3; n < FK_LEVELS_MAX; n++) {
        shop_must(shop_level((char[]) { 'a', (char) ('a' + n), '\0' }, 0, 0)
                  == FK_OK, "levels");
    }

    EQ_INT(shop_level("more", 0, 0), FK_TABLE_FULL, "there are enough");
    EQ_INT(shop_level("gold", 2000, 3000), FK_OK, "but one can be changed");
}


/* The last payment is the latest, whatever the clock says then. */

static void
test_clock_back(void)
{
    shop_must(buy(56, "x", 1) == FK_OK, "order");
    pay_of(&view.id, 500);
    shop_wait_s(-5000);
    shop_must(buy(56, "x", 1) == FK_OK, "another");
    pay_of(&view.id, 500);
    shop_wait_s(5000);
    EQ_INT(shop_buyer_view(56).last_paid_s, fk_now_s(&shop_env),
           "a clock that goes back takes nothing away");
    OK(shop_sound(), "the shop is sound");
}


/* Somebody whom the shop knew only by the operator's word. */

static void
test_forgotten(void)
{
    size_t         size;
    uint8_t        key[FK_TALLY_KEY_SIZE], old[FK_TALLY_KEY_SIZE];
    uint32_t       used;
    uint64_t       seq;
    fk_snapshot_t  snapshot;

    static uint8_t  record[FK_ARCHIVE_SIZE_MAX];

    /* What he bought has left, and still is to be known. */
    shop_must(buy(71, "y", 1) == FK_OK, "order");
    pay_of(&view.id, view.amount);
    shop_must(shop_archive(&view.id, record, &size) == FK_OK, "archived");
    shop_digest(71, str(""), old);
    shop_must(fk_buyer_put(&shop, &shop_env, old, str("gold"), &seq) == FK_OK,
              "gold");

    used = fk_table_used(&shop, FK_TABLE_TALLIES);
    shop_digest(70, str(""), key);
    EQ_INT(fk_buyer_put(&shop, &shop_env, key, str(""), &seq), FK_OK,
           "no level for somebody unknown");
    EQ_INT(seq, 0, "is nothing to write down");
    shop_must(fk_buyer_put(&shop, &shop_env, key, str("gold"), &seq) == FK_OK,
              "gold");
    EQ_INT(fk_table_used(&shop, FK_TABLE_TALLIES), used + 1, "one tally more");

    shop_must(fk_snapshot_begin(&shop, &shop_env, 5, 0, &snapshot) == FK_OK,
              "snapshot");
    EQ_INT(fk_buyer_put(&shop, &shop_env, key, str(""), &seq), FK_AGAIN,
           "while a snapshot walks nothing is forgotten");
    EQ_INT(fk_buyer_put(&shop, &shop_env, old, str(""), &seq), FK_OK,
           "who has bought is not forgotten by it");
    EQ_INT(fk_buyer_put(&shop, &shop_env, key, str("silver"), &seq), FK_OK,
           "but changed");
    fk_snapshot_end(&shop, 5);
    EQ_INT(fk_buyer_put(&shop, &shop_env, key, str(""), &seq), FK_OK, "then");
    EQ_INT(fk_table_used(&shop, FK_TABLE_TALLIES), used, "it is");
    OK(shop_sound(), "the shop is sound");
}


static void
test_limit(void)
{
    fk_order_id_t  id;
    fk_checkout_t  in;

    shop_terms("y", 5);
    in = shop_cart("y", 1);
    EQ_INT(fk_checkout(&shop, &shop_env, &in, &view), FK_AGAIN,
           "who does not know of the limit looks again");
    in.has_quota = 1;
    EQ_INT(fk_checkout(&shop, &shop_env, &in, &view), FK_INVALID,
           "a limit is somebody's");

    EQ_INT(buy(1, "y", 6), FK_LIMIT, "six are too many");
    EQ_INT(buy(1, "y", 5), FK_OK, "five are not");
    id = view.id;
    EQ_INT(buy(1, "y", 1), FK_LIMIT, "but one more");
    EQ_INT(buy(2, "y", 1), FK_OK, "for another it is");
    EQ_INT(buy(1, "x", 1), FK_OK, "and another product");

    EQ_INT(fk_cancel(&shop, &shop_env, &id, &view), FK_OK, "cancelled");
    EQ_INT(quota(1, "y"), 0, "all are given back");
    EQ_INT(buy(1, "y", 3), FK_OK, "three");
    id = view.id;
    shop_wait_s(SHOP_HOLD_S + 1);
    (void) shop_tick();
    EQ_INT(quota(1, "y"), 0, "expired, all are given back");
    EQ_INT(quota(2, "y"), 0, "also of the other");

    EQ_INT(buy(1, "y", 5), FK_OK, "five again");
    pay_of(&view.id, 2000);
    EQ_INT(quota(1, "y"), 5, "paid, they are his");
    pay_of(&id, 1200);
    EQ_INT(result, FK_PAY_DELIVERED, "late money is taken");
    EQ_INT(quota(1, "y"), 8, "and counts above the limit");
    EQ_INT(buy(1, "y", 1), FK_LIMIT, "nothing more");
    OK(shop_sound(), "the shop is sound");
}


/* Every way of money: what counts as spent is what pays an order. */

static void
test_refund(void)
{
    fk_order_id_t    id;
    fk_buyer_view_t  buyer;

    shop_must(buy(3, "y", 4) == FK_OK, "four");
    id = view.id;
    pay_of(&id, 7);
    EQ_INT(shop_buyer_view(3).spent, 0, "a wrong amount is not spent");
    pay_of(&id, 1600);
    decided(&id, FK_EVENT_APPROVE);
    buyer = shop_buyer_view(3);
    OK(buyer.spent == 1600 && buyer.orders_count == 1,
       "nor approved beside the right one");
    EQ_INT(quota(3, "y"), 4, "four are his");

    shop_must(buy(4, "y", 4) == FK_OK, "four");
    id = view.id;
    pay_of(&id, 1);
    decided(&id, FK_EVENT_DENY);
    EQ_INT(quota(4, "y"), 0, "denied, they are given back");
    decided(&id, FK_EVENT_REFUNDED);
    EQ_INT(quota(4, "y"), 0, "refunded, not once more");
    EQ_INT(shop_buyer_view(4).orders_count, 0, "nothing was bought");

    shop_must(buy(4, "y", 1) == FK_OK, "one");
    id = view.id;
    shop_must(shop_pay_review(&id, "look", 500, "why", &result, &view)
              == FK_OK, "review");
    EQ_INT(shop_buyer_view(4).spent, 500, "under review it counts");
    decided(&id, FK_EVENT_DENY);
    EQ_INT(shop_buyer_view(4).spent, 0, "until it is denied");
    OK(shop_sound(), "the shop is sound");
}


static void
test_archive(void)
{
    int            i;
    size_t         size[2];
    uint32_t       used;
    fk_order_id_t  id[2];

    static uint8_t  record[2][FK_ARCHIVE_SIZE_MAX];

    shop_must(buy(5, "y", 2) == FK_OK, "paid");
    id[0] = view.id;
    pay_of(&id[0], 1000);
    used = fk_table_used(&shop, FK_TABLE_TALLIES);
    shop_must(buy(6, "y", 2) == FK_OK
              && fk_cancel(&shop, &shop_env, &view.id, &view) == FK_OK,
              "cancelled");
    id[1] = view.id;

    for (i = 0; i < 2; i++) {
        shop_must(fk_archive_read(&shop, &id[i], &view, record[i],
                                  sizeof(record[i]), &size[i]) == FK_OK
                  && fk_archive_drop(&shop, &shop_env, &id[i], view.seq)
                     == FK_OK, "archived");
        OK(shop_sound(), "without it the shop is sound");
    }

    OK(tally(6, FK_TALLY_BUYER, "") == NULL
       && tally(6, FK_TALLY_QUOTA, "y") == NULL
       && fk_table_used(&shop, FK_TABLE_TALLIES) == used,
       "who bought nothing is forgotten with his order");
    OK(shop_buyer_view(5).spent == 1000
       && shop_buyer_view(5).orders_count == 1
       && tally(5, FK_TALLY_BUYER, "")->refs == 0
       && tally(5, FK_TALLY_BUYER, "")->archived.amount == 1000,
       "who did is not");
    EQ_INT(buy(5, "y", 4), FK_LIMIT, "nor what he has bought");

    for (i = 0; i < 2; i++) {
        EQ_INT(shop_restore(&shop, record[i], size[i],
                            &view), FK_OK, "it comes back");
        OK(shop_sound(), "and the shop is sound");
    }

    OK(tally(5, FK_TALLY_BUYER, "")->archived.amount == 0
       && shop_buyer_view(5).spent == 1000 && quota(5, "y") == 2,
       "each sum is where it was");
    OK(tally(6, FK_TALLY_BUYER, "")->refs == 1
       && tally(6, FK_TALLY_QUOTA, "y")->refs == 1, "and each tally");
}


/* A record of an order that has not left these sums. */

static void
test_archive_lies(void)
{
    size_t         size;
    uint32_t       i;
    fk_order_id_t  id;

    static uint8_t  record[FK_ARCHIVE_SIZE_MAX];

    shop_must(buy(7, "y", 2) == FK_OK, "buy");
    id = view.id;
    pay_of(&id, 1000);
    shop_must(fk_archive_read(&shop, &id, &view, record, sizeof(record),
                              &size) == FK_OK
              && fk_archive_drop(&shop, &shop_env, &id, view.seq) == FK_OK,
              "archived");

    i = (uint32_t) (tally(7, FK_TALLY_QUOTA, "y") - FK_TALLY(&shop, 1)) + 1;
    FK_TALLY(&shop, i)->archived.units = 1;
    EQ_INT(shop_restore(&shop, record, size, &view),
           FK_CONFLICT, "units that nobody has bought");
    FK_TALLY(&shop, i)->archived.units = 2;
    EQ_INT(shop_restore(&shop, record, size, &view), FK_OK, "but so");
}


/* The order is done; what of it went back is not spent any more. */

static void
part(const fk_order_id_t *id, int64_t amount, const char *ref)
{
    shop_must(fk_refund_part(&shop, &shop_env, id, amount, str(ref), &view)
              == FK_OK, "part");
}


static int
has(uint32_t who, int64_t orders, int64_t units, int64_t spent)
{
    fk_buyer_view_t  buyer;

    buyer = shop_buyer_view(who);
    return buyer.orders_count == orders && buyer.units_count == units
           && buyer.spent == spent && shop_sound();
}


static void
test_parts(void)
{
    size_t           size[2];
    fk_order_id_t    id;

    static uint8_t  record[2][FK_ARCHIVE_SIZE_MAX];

    shop_must(buy(8, "y", 2) == FK_OK, "two");
    id = view.id;
    pay_of(&id, 1000);
    EQ_STR(shop_buyer_view(8).level, "silver", "he is somebody");
    part(&id, 400, "some");
    OK(has(8, 1, 2, 600), "what was given back is not spent");
    EQ_INT(shop_buyer_view(8).off_bp, 0, "nor is he anybody by it");
    EQ_INT(fk_refund_part(&shop, &shop_env, &id, 400, str("some"), &view),
           FK_EXISTS, "said twice");
    OK(has(8, 1, 2, 600), "it is given back once");

    shop_must(shop_archive(&id, record[0], &size[0]) == FK_OK, "archive");
    OK(has(8, 1, 2, 600) && tally(8, FK_TALLY_BUYER, "")->archived.amount
                            == 600, "so it leaves");
    shop_must(shop_restore(&shop, record[0], size[0], &view) == FK_OK,
              "restore");
    OK(has(8, 1, 2, 600) && tally(8, FK_TALLY_BUYER, "")->archived.amount
                            == 0, "and comes back");

    part(&id, 599, "more");
    OK(has(8, 1, 2, 1), "with one unit of money left it is an order");
    part(&id, 1, "rest");
    OK(has(8, 0, 0, 0), "with none it is not");
    EQ_INT(quota(8, "y"), 2, "the limit counts what he has got");

    shop_must(shop_archive(&id, record[1], &size[1]) == FK_OK, "archive");
    OK(tally(8, FK_TALLY_BUYER, "") == NULL && quota(8, "y") == 2
       && has(8, 0, 0, 0), "nothing of it is kept, but for the limit");
    shop_must(shop_restore(&shop, record[1], size[1], &view) == FK_OK,
              "restore");
    OK(has(8, 0, 0, 0) && tally(8, FK_TALLY_BUYER, "")->refs == 1,
       "it is still no order when it is back");

    shop_must(buy(8, "y", 1) == FK_OK, "another one");
    pay_of(&view.id, view.amount);
    OK(has(8, 1, 1, 500), "which is one");
}


/* What else a shop has that was made of the journal. */

static void
test_parts_recovered(void)
{
    int         same;
    char        why[256];
    fk_t        twin;
    uint32_t    i;
    fk_share_t  live, again;

    kept_flush();
    region_new(&twin, SHOP_SIZE);
    EQ_INT(region_recover(&twin, kept, kept_size, why), FK_OK, "recovered");
    same = 0;

    for (i = 1; i <= shop.region->table[FK_TABLE_TALLIES].fresh; i++) {
        live = FK_TALLY(&shop, i)->live;
        again = FK_TALLY(&twin, i)->live;
        same += !FK_TALLY(&shop, i)->used
                || memcmp(&live, &again, sizeof(live)) == 0;
    }

    EQ_INT(same, shop.region->table[FK_TABLE_TALLIES].fresh,
           "it knows what was given back");
    region_drop(&twin);
}


/* An order of one unit at 500, in four steps. */

static void
part_step(const fk_order_id_t *id, unsigned step)
{
    static size_t   size;
    static uint8_t  record[FK_ARCHIVE_SIZE_MAX];

    if (step < 2) {
        part(id, step == 0 ? 100 : 400, step == 0 ? "some" : "rest");

    } else if (step == 2) {
        shop_must(shop_archive(id, record, &size) == FK_OK, "archive");

    } else {
        shop_must(shop_restore(&shop, record, size, &view) == FK_OK,
                  "restore");
    }
}


/* Wherever the audit is: at each slot, all at once or one by one. */

static void
test_parts_audited(void)
{
    unsigned           gap, at, now, step, slots;
    uint32_t           problems;
    fk_code_t          rc;
    fk_order_id_t      id;
    fk_audit_totals_t  totals;

    static uint8_t  record[FK_ARCHIVE_SIZE_MAX];
    static size_t   size;

    problems = 0;

    for (gap = 0; gap <= 40; gap += 20) {
        slots = 0;

        for (at = 0; at <= slots; at++) {
            shop_must(buy(9, "x", 1) == FK_OK, "one");
            id = view.id;
            pay_of(&id, 500);
            shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "audit");
            step = 0;
            now = 0;

            do {
                for ( /* void */ ; step < 4 && now == at + step * gap; step++)
                {
                    part_step(&id, step);
                }

                rc = fk_audit_step(&shop, &shop_env, 9, 1);
                now++;
            } while (rc == FK_AGAIN);

            slots = now;
            shop_must(fk_audit_end(&shop, 9, &totals) == FK_OK, "end");
            problems += totals.problem_count;

            for ( /* void */ ; step < 4; step++) {
                part_step(&id, step);
            }

            shop_must(shop_archive(&id, record, &size) == FK_OK, "archive");
        }

        OK(slots > 50 && problems == 0, "%u slots, no audit found anything",
           slots);
    }
}


static void
test_audit(void)
{
    uint32_t           i;
    fk_tally_rec_t    *t;
    fk_audit_totals_t  totals;

    for (i = 0; i < 2; i++) {
        t = FK_TALLY(&shop, 1);
        t->live.units += i;
        shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "audit");
        while (fk_audit_step(&shop, &shop_env, 9, 7) == FK_AGAIN) { }
        shop_must(fk_audit_end(&shop, 9, &totals) == FK_OK, "end");
        EQ_INT(totals.problem_count, i, "%u problems", i);
        EQ_INT(totals.tallies_count, fk_table_used(&shop, FK_TABLE_TALLIES),
               "all tallies are met");
        EQ_INT(shop_sound(), i == 0, "as the check says");
    }

    t->live.units--;
    EQ_STR(totals.problem,
           "buyer 1: its counters are not the sums of its orders",
           "it is told in words");
}


int
main(void)
{
    shop_open();
    shop_product("x", FK_KIND_COUNTED, 1000);
    shop_product("y", FK_KIND_COUNTED, 1000);

    test_tiers();
    test_limit();
    test_refund();
    test_archive();
    test_archive_lies();
    test_clock_back();
    test_levels();
    test_forgotten();
    test_parts();
    test_parts_recovered();
    test_parts_audited();
    test_audit();

    return tap_done();
}

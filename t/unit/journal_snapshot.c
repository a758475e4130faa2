/*
 * Snapshots: parts that are written while the shop changes, and the journal
 * behind them, are the same shop again.  Many random lives, in which anything
 * may happen between any two parts; each with its own seed, which is printed
 * when it fails.
 */

#include "journal_life.h"
#include "journal_parts.h"


#define SEEDS       150
#define SEEDS_LONG  5000


/* Rebuilt from the same shop, lists are the same, too: card by card. */
static int
same_lists(fk_t *a, fk_t *b)
{
    uint32_t           i, left, right;
    fk_product_rec_t  *p, *q;

    for (i = 0; i < 4; i++) {
        p = FK_PRODUCT(a, fk_product_find(a, str(skus[i])));
        q = FK_PRODUCT(b, fk_product_find(b, str(skus[i])));

        left = p->pool_head;
        right = q->pool_head;

        while (left == right && left != 0) {
            left = FK_CARD(a, left)->next;
            right = FK_CARD(b, right)->next;
        }

        if (left != right || p->pool_tail != q->pool_tail) {
            printf("#   the pool of %s differs\n", skus[i]);
            return 0;
        }

        left = p->wait_head;
        right = q->wait_head;

        while (left != 0 && right != 0
               && memcmp(FK_ORDER(a, left)->id, FK_ORDER(b, right)->id,
                         FK_ORDER_ID_SIZE) == 0)
        {
            left = FK_ORDER(a, left)->next;
            right = FK_ORDER(b, right)->next;
        }

        if (left != 0 || right != 0) {
            printf("#   those who wait for %s differ\n", skus[i]);
            return 0;
        }
    }

    return 1;
}


/* Two twins: from the snapshot and its tail, and from the whole journal. */
static int
same_shops(const char *name, uint32_t seed)
{
    int          same;
    char         why[256];
    fk_code_t    rc;
    const char  *wrong;

    static fk_t  twin, whole;

    if (twin.base == NULL) {
        region_new(&twin, SHOP_SIZE);
        region_new(&whole, SHOP_SIZE);
    }

    shop_must(fk_format(twin.base, SHOP_SIZE, shop_seed) == FK_OK
              && fk_attach(&twin, twin.base, SHOP_SIZE, &wrong) == FK_OK
              && fk_format(whole.base, SHOP_SIZE, shop_seed) == FK_OK
              && fk_attach(&whole, whole.base, SHOP_SIZE, &wrong) == FK_OK,
              "twins");

    rc = parts_recover(&twin, why);
    same = rc == FK_OK;

    if (same) {
        rc = region_recover(&whole, kept, kept_size, why);
        same = rc == FK_OK && fk_last_seq(&twin) == fk_last_seq(&shop)
               && same_products(&shop, &twin) && same_orders(&shop, &twin)
               && same_lists(&whole, &twin);
    }

    if (!same) {
        printf("#   %s, seed %u: %s, %s\n", name, seed,
               fk_code_info[rc].name, why);
    }

    return same;
}


/* Whether the walk was caught between two halves of something is chance. */
static int
life_snapshot(uint32_t seed, uint32_t *steps)
{
    uint32_t   most;
    fk_code_t  rc;

    life_begin(seed);
    live(200 + pick(pick(4) == 0 ? 3000 : 600));

    /* From one slot a step, and little between, to some dozens and much. */
    most = 1 + pick(60);
    fk_test_purse = 1 + most * most;
    parts_begin();

    do {
        rc = parts_step();
        (*steps)++;
        live(pick(most));
    } while (rc == FK_AGAIN);

    fk_test_purse = 0;

    shop_must(rc == FK_OK, "step");
    live(pick(2) * pick(100));
    fk_snapshot_end(&shop, WALKER);
    live(pick(2) * pick(200));
    kept_flush();
    end_imports();

    return shop_sound() && same_shops("life", seed);
}


static void
test_lives(void)
{
    uint32_t  seed, seeds, wrong, steps;

    seeds = getenv("FAKA_LONG") != NULL ? SEEDS_LONG : SEEDS;
    wrong = 0;
    steps = 0;

    for (seed = 1; seed <= seeds && wrong < 3; seed++) {
        wrong += !life_snapshot(seed, &steps);
    }

    OK(wrong == 0, "%u lives, in which anything happens between two of %u "
       "parts", seeds, steps);
}


/* Nothing happens: the snapshot needs no tail, and is the shop. */
static void
test_rest(void)
{
    char      why[256];
    fk_t      twin;
    uint32_t  seed;

    for (seed = 1; seed <= 3; seed++) {
        life_begin(seed);
        live(3000);
        kept_flush();
        end_imports();
        parts_take();

        EQ_INT(snapshot.end_seq, snapshot.begin_seq, "nothing happened");
        EQ_INT(snapshot.bytes, parts_size, "its size");
        OK(snapshot.parts_count > 3, "in %u parts",
           (unsigned) snapshot.parts_count);
        OK(same_shops("rest", seed), "the same shop");

        kept_size = 0;
        region_new(&twin, SHOP_SIZE);
        EQ_INT(parts_recover(&twin, why), FK_OK, "without a tail: %s", why);
        OK(same_products(&shop, &twin) && same_orders(&shop, &twin),
           "the same shop");
        region_drop(&twin);
    }

    shop_open();
    kept_size = 0;
    parts_take();
    EQ_INT(snapshot.entities_count, 0, "a shop with nothing in it");
    region_new(&twin, SHOP_SIZE);
    EQ_INT(parts_recover(&twin, why), FK_OK, "comes back: %s", why);
    region_drop(&twin);
}


/* Each step writes one order, and two more come. */
static void
test_chase(void)
{
    uint32_t         n;
    fk_code_t        rc;
    fk_order_view_t  out;

    life_begin(7);
    shop_product("seats", FK_KIND_COUNTED, 100000);

    for (n = 0; n < 100; n++) {
        shop_must(shop_buy("seats", 1, &out) == FK_OK, "buy");
    }

    fk_test_purse = 1;
    parts_begin();

    for (n = 0; (rc = parts_step()) == FK_AGAIN && n < 1000; n++) {
        shop_must(shop_buy("seats", 1, &out) == FK_OK
                  && shop_buy("seats", 1, &out) == FK_OK, "buy");
    }

    fk_test_purse = 0;
    OK(rc == FK_OK && n < 200, "the walk ends, after %u parts", n);
    fk_snapshot_end(&shop, WALKER);
    kept_flush();
    OK(same_shops("chase", 7), "and the journal has what came behind it");
}


/* A life goes on in the twin, with its own snapshots and its own journal. */
static void
test_generations(void)
{
    char      why[256];
    fk_t      twin;
    uint32_t  n, wrong;

    life_begin(77);
    wrong = 0;

    fk_test_purse = 500;

    for (n = 0; n < 8; n++) {
        live(1000);
        parts_begin();

        while (parts_step() == FK_AGAIN) {
            live(pick(30));
        }

        fk_snapshot_end(&shop, WALKER);
        live(100);
        end_imports();

        region_new(&twin, SHOP_SIZE);
        wrong += parts_recover(&twin, why) != FK_OK
                 || !same_products(&shop, &twin)
                 || !same_orders(&shop, &twin);
        (void) munmap(shop.base, shop.size);
        shop = twin;
        kept_size = 0;
    }

    fk_test_purse = 0;
    EQ_INT(wrong, 0, "eight lives, each from the snapshot of the last");
}


/* --- a card that goes round ------------------------------------------- */

#define EVENTS    4

static fk_order_id_t  holder, passer, taker;


static void
round_order(fk_order_id_t *id)
{
    fk_checkout_t    in;
    fk_order_view_t  out;

    in = shop_cart("card-a", 1);
    shop_must(fk_checkout(&shop, &shop_env, &in, &out) == FK_OK, "order");
    orders[orders_count++] = *id = in.id;
}


static void
round_cancel(const fk_order_id_t *id)
{
    fk_order_view_t  out;

    shop_must(fk_cancel(&shop, &shop_env, id, &out) == FK_OK, "cancel");
}


static void
round_event(uint32_t n)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    switch (n) {
    case 0:
        round_cancel(&holder);
        break;
    case 1:
        round_order(&passer);
        break;
    case 2:
        round_cancel(&passer);
        break;
    default:
        shop_must(shop_pay(&taker, "late", 500, &result, &out) == FK_OK
                  && result == FK_PAY_DELIVERED, "late payment");
    }
}


/* One card, which holder has; taker is old, and paid late.  passer is new. */
static void
round_begin(int taker_first)
{
    life_begin(1);

    if (taker_first) {
        shop_stock("card-a", 1, 1);
        round_order(&taker);
        round_cancel(&taker);
        round_order(&holder);

    } else {
        shop_stock("card-a", 1, 2);
        round_order(&holder);
        round_order(&taker);
        round_cancel(&taker);
        round_order(&passer);
    }

    kept_flush();
}


/*
 * holder releases the card, passer takes and releases it, taker gets it: with
 * each of the four at every place that the walk can be at.  when[i]: how many
 * parts are written before event i.
 */
static int
round_run(int taker_first, const uint32_t when[EVENTS], uint32_t *parts_count)
{
    uint32_t   n, event;
    fk_code_t  rc;

    round_begin(taker_first);
    parts_begin();
    rc = FK_AGAIN;
    event = 0;

    for (n = 0; rc == FK_AGAIN; n++) {
        while (event < EVENTS && when[event] == n) {
            round_event(event++);
        }

        rc = parts_step();
    }

    while (event < EVENTS) {
        round_event(event++);
    }

    *parts_count = n;
    fk_snapshot_end(&shop, WALKER);
    kept_flush();

    return rc == FK_OK && same_shops("round", when[0]);
}


static void
test_round(void)
{
    int       first;
    uint32_t  count, runs, wrong, when[EVENTS];

    static const uint32_t  never[EVENTS] = { 99, 99, 99, 99 };

    runs = 0;
    wrong = 0;
    fk_test_purse = 1;

    for (first = 0; first < 2; first++) {
        shop_must(round_run(first, never, &count) && count >= 8, "parts");

        for (when[0] = 0; when[0] <= count; when[0]++) {
            for (when[1] = when[0]; when[1] <= count; when[1]++) {
                for (when[2] = when[1]; when[2] <= count; when[2]++) {
                    for (when[3] = when[2]; when[3] <= count; when[3]++) {
                        wrong += !round_run(first, when, &count);
                        runs++;
                    }
                }
            }
        }
    }

    fk_test_purse = 0;
    OK(wrong == 0 && runs > 100,
       "a card goes through three orders, in %u ways beside the walk", runs);
}


/* --- the lease, and what waits for it ----------------------------------- */

static void
test_lease(void)
{
    size_t     size;
    fk_code_t  rc;

    life_begin(5);
    live(600);
    parts_begin();

    EQ_INT(fk_snapshot_owner(&shop), WALKER, "the owner is known");
    EQ_INT(fk_snapshot_begin(&shop, &shop_env, 8, FK_SNAPSHOT_LEASE_MS - 1,
                             &snapshot), FK_CONFLICT, "one at a time");
    EQ_INT(fk_snapshot_step(&shop, &shop_env, 8, 0, parts,
                            FK_SNAPSHOT_PART_SIZE_MAX, &size, &snapshot),
           FK_CONFLICT, "a stranger takes no step");
    EQ_INT(fk_snapshot_step(&shop, &shop_env, WALKER, 5000, parts,
                            FK_SNAPSHOT_PART_SIZE_MAX, &size, &snapshot),
           FK_AGAIN, "a step renews the lease");
    EQ_INT(fk_snapshot_begin(&shop, &shop_env, 8,
                             5000 + FK_SNAPSHOT_LEASE_MS - 1, &snapshot),
           FK_CONFLICT, "for its time");
    EQ_INT(fk_snapshot_begin(&shop, &shop_env, 8,
                             5000 + FK_SNAPSHOT_LEASE_MS, &snapshot),
           FK_OK, "then another begins");
    EQ_INT(parts_step(), FK_CONFLICT, "and the late one is out");

    fk_snapshot_end(&shop, WALKER);
    EQ_INT(fk_snapshot_owner(&shop), 8, "with no say in it");
    fk_snapshot_break(&shop, 8);
    EQ_INT(fk_snapshot_owner(&shop), 0, "a dead owner's lease is broken");

    parts_begin();
    while ((rc = parts_step()) == FK_AGAIN) { /* void */ }
    size = parts_size;
    EQ_INT(rc, FK_OK, "all parts");
    EQ_INT(parts_step(), FK_OK, "further steps say so");
    EQ_INT(parts_size, size, "and write nothing");
    EQ_INT(fk_snapshot_begin(&shop, &shop_env, 8, 1, &snapshot), FK_CONFLICT,
           "the lease is kept until the end");
    fk_snapshot_end(&shop, WALKER);

    fk_fence(&shop, 99);
    EQ_INT(fk_snapshot_begin(&shop, &shop_env, 8, 1, &snapshot), FK_FENCED,
           "not of a shop that is another server's");
}


/* An import that was given up: its cards are freed, but not beside a walk. */
static void
test_pause(void)
{
    uint8_t   results[FK_IMPORT_SLICE_MAX];
    uint32_t  batch, round;

    for (round = 0; round < 4; round++) {
        life_begin(3);
        shop_stock("card-a", 1, 200);
        shop_must(fk_import_begin(&shop, &shop_env, str("card-a"), &batch)
                  == FK_OK && shop_add(batch, 500, 30, 100, results) == FK_OK
                  && fk_import_abort(&shop, &shop_env, batch) == FK_OK,
                  "an import");
        parts_begin();
        EQ_INT(parts_step(), FK_AGAIN, "the walk is under way");
        EQ_INT(shop_tick().reaped_count, 0, "nothing is freed beside it");

        switch (round) {
        case 0:
            while (parts_step() == FK_AGAIN) { /* void */ }
            break;
        case 1:
            fk_snapshot_break(&shop, WALKER);
            break;
        case 2:
            shop_wait_s(FK_SNAPSHOT_LEASE_MS / 1000);
            break;
        default:
            shop_wait_s(-1);
        }

        EQ_INT(shop_tick().reaped_count, 30, "it is when the walk is %s",
               round == 0 ? "over" : round == 1 ? "broken" : "late");
        EQ_INT(parts_step(), round == 0 ? FK_OK : FK_CONFLICT,
               "and the walk knows");
        OK(shop_sound(), "sound");
    }
}


int
main(void)
{
    test_rest();
    test_chase();
    test_lives();
    test_generations();
    test_round();
    test_lease();
    test_pause();

    return tap_done();
}

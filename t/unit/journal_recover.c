/*
 * Recovery's refusals: damaged, cut, foreign and too large journals, two that
 * want to recover at once, one that dies in the middle; and what becomes of
 * imports that were under way.
 */

#include "journal_shop.h"


static size_t  first_size;             /* of the journal's first record */
static fk_t   *fail_at_store;          /* this shop fails while it opens */


static void
fail_now(void)
{
    if (fk_last_seq(fail_at_store) > 0
        && fail_at_store->region->ring.epoch != 0)
    {
        fk_fail(fail_at_store, "stopped by somebody else");
    }
}


static void
fail_at_once(void)
{
    fk_fail(fail_at_store, "stopped by somebody else");
}


static void
make_journal(void)
{
    uint32_t         i;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    shop_open();
    shop_product("card", FK_KIND_CARD, 0);
    shop_product("key", FK_KIND_SHARED, 0);
    shop_stock("card", 1, 40);
    shop_stock("key", 100, 1);

    for (i = 0; i < 10; i++) {
        shop_must(shop_buy("card", 2, &out) == FK_OK, "buy");
        if (i % 2) {
            shop_must(shop_pay(&out.id, out.sku, out.amount, &result, &out)
                      == FK_OK, "pay");
        }
        shop_must(shop_buy("key", 1, &out) == FK_OK, "buy");
    }

    kept_size = 0;
    kept_flush();
    first_size = kept_next(0);
}


static void
test_damage(void)
{
    char       why[256];
    fk_t       twin;
    size_t     at, n, wrong, records, stopped, before;
    uint8_t    old;
    fk_code_t  rc;

    region_new(&twin, SHOP_SIZE);
    wrong = 0;
    records = 0;

    for (at = 0; at < kept_size; at = kept_next(at)) {
        records++;

        /* A bit anywhere in the record: its size, its sum, its content. */
        for (n = 0; n < fk_get(kept + at, 4); n += 7) {
            old = kept[at + n];
            kept[at + n] ^= (uint8_t) (1u << (n % 8));
            shop_must(fk_recover_begin(&twin, 2, 0) == FK_OK, "begin");
            rc = fk_apply(&twin, 2, 0, kept, kept_size, &stopped);
            kept[at + n] = old;
            wrong += rc != FK_CORRUPT || stopped != at;
        }
    }

    EQ_INT(wrong, 0, "a flipped bit in any of %zu records is found", records);

    wrong = 0;
    for (n = 1; n < first_size; n++) {
        wrong += region_recover(&twin, kept, n, why) != FK_CORRUPT;
    }

    EQ_INT(wrong, 0, "a record that is cut off is refused");

    /* The last record stands alone well enough: only its number tells. */
    before = 0;
    for (at = 0; kept_next(at) < kept_size; at = kept_next(at)) {
        before = at;
    }

    shop_must(fk_recover_begin(&twin, 2, 0) == FK_OK
              && fk_apply(&twin, 2, 0, kept, before, &stopped) == FK_OK,
              "apply");
    EQ_INT(fk_apply(&twin, 2, 0, kept + at, kept_size - at, &stopped),
           FK_CORRUPT, "a gap is refused");
    EQ_INT(region_recover(&twin, kept, kept_size, why), FK_OK,
           "the same region recovers from the whole journal: %s", why);
    region_drop(&twin);
}


/* Bytes that pass the checksum and say what cannot be. */
static void
test_lies(void)
{
    char      why[256];
    fk_t      twin;
    size_t    n, at;
    uint8_t  *copy;

    static const struct {
        const char  *name;
        size_t       at;
        uint8_t      value;
        fk_code_t    want;
    } lies[] = {
        { "another sequence number", 8, 9, FK_CORRUPT },
        { "a newer version", 24, 2, FK_INCOMPATIBLE },
        { "more images than there are", 26, 2, FK_CORRUPT },
        { "fewer images than there are", 26, 0, FK_CORRUPT },
        { "an unknown type", 32, 99, FK_INCOMPATIBLE },
        { "a newer image", 33, FK_IMAGE_VERSIONS + 1, FK_INCOMPATIBLE },
        { "an image without a size", 34, 0, FK_CORRUPT },
        { "an image that is too long", 35, 9, FK_CORRUPT },
        { "a negative price", 43, 0x80, FK_CORRUPT },
    };

    copy = malloc(kept_size);
    shop_must(copy != NULL, "memory");
    region_new(&twin, SHOP_SIZE);

    for (n = 0; n < sizeof(lies) / sizeof(lies[0]); n++) {
        memcpy(copy, kept, kept_size);
        copy[lies[n].at] = lies[n].value;
        record_seal(copy);

        shop_must(fk_recover_begin(&twin, 2, 0) == FK_OK, "begin");
        EQ_INT(fk_apply(&twin, 2, 0, copy, kept_size, &at), lies[n].want,
               "%s", lies[n].name);
        EQ_INT(fk_recover_end(&twin, &shop_env, 2, 2, why, sizeof(why)),
               FK_CONFLICT, "and nobody can go on from there");
    }

    free(copy);
    region_drop(&twin);
}


static void
test_lease(void)
{
    char    why[256];
    fk_t    twin;
    size_t  at;

    region_new(&twin, SHOP_SIZE);

    EQ_INT(fk_apply(&twin, 2, 0, kept, kept_size, &at), FK_CONFLICT,
           "nothing is applied without a lease");
    EQ_INT(fk_recover_begin(&twin, 2, 1000), FK_OK, "one begins");
    EQ_INT(fk_recover_owner(&twin), 2, "and is known");
    EQ_INT(fk_recover_begin(&twin, 3, 1000), FK_CONFLICT, "another waits");
    EQ_INT(fk_apply(&twin, 3, 1000, kept, kept_size, &at), FK_CONFLICT,
           "and applies nothing");
    EQ_INT(fk_apply(&twin, 2, 4000, kept, first_size, &at), FK_OK,
           "each piece renews the lease");
    EQ_INT(fk_recover_seq(&twin), 1, "a record is there");
    EQ_INT(fk_recover_begin(&twin, 3, 4000 + FK_RECOVER_LEASE_MS - 1),
           FK_CONFLICT, "until it runs out");
    EQ_INT(fk_recover_begin(&twin, 3, 4000 + FK_RECOVER_LEASE_MS), FK_OK,
           "then the other begins");
    EQ_INT(fk_recover_seq(&twin), 0, "from the beginning");
    EQ_INT(fk_apply(&twin, 2, 9000, kept, kept_size, &at), FK_CONFLICT,
           "the slow one is out");
    EQ_INT(fk_recover_end(&twin, &shop_env, 2, 2, why, sizeof(why)),
           FK_CONFLICT, "and cannot end what it does not own");

    fk_recover_break(&twin, 2);
    EQ_INT(fk_recover_begin(&twin, 4, 9000), FK_CONFLICT,
           "the death of a stranger changes nothing");
    fk_recover_break(&twin, 3);
    EQ_INT(fk_recover_begin(&twin, 4, 9000), FK_OK,
           "the lease of a dead process does not count");
    EQ_INT(fk_apply(&twin, 4, 9000, kept, kept_size, &at), FK_OK, "applied");
    EQ_INT(at, kept_size, "to the end");
    EQ_INT(fk_recover_end(&twin, &shop_env, 4, 5, why, sizeof(why)), FK_OK,
           "open: %s", why);
    EQ_INT(twin.region->ring.epoch, 5, "in its epoch");
    EQ_INT(fk_durable_seq(&twin), fk_last_seq(&twin), "all is durable");
    EQ_INT(fk_recover_begin(&twin, 4, 99000), FK_CONFLICT,
           "an open shop is not emptied");
    region_drop(&twin);
}


/* A journal from a larger region: refused by name, not by damage. */
static void
test_larger(void)
{
    char       why[256];
    fk_t       twin;
    size_t     at;
    uint32_t   i;
    fk_code_t  rc;

    (void) munmap(shop.base, shop.size);
    region_new(&shop, 2 * SHOP_SIZE);
    (void) fk_recover_begin(&shop, 1, 0);
    shop_must(fk_recover_end(&shop, &shop_env, 1, 1, why, sizeof(why))
              == FK_OK, "open");
    shop_product("card", FK_KIND_CARD, 0);
    kept_size = 0;

    for (i = 0; i < 20; i++) {
        shop_stock("card", 1 + 1000 * i, 1000);
        kept_flush();
    }

    region_new(&twin, SHOP_SIZE);
    shop_must(fk_recover_begin(&twin, 2, 0) == FK_OK, "begin");
    rc = fk_apply(&twin, 2, 0, kept, kept_size, &at);
    EQ_INT(rc, FK_TABLE_FULL, "a journal that needs a larger region");
    OK(at > 0 && at < kept_size, "the record that does not fit is named");
    region_drop(&twin);
}


/* A staged batch is no stock: dropped, taken apart, and not found again. */
static void
test_imports(void)
{
    char                why[256];
    fk_t                twin;
    uint8_t             results[FK_IMPORT_SLICE_MAX];
    uint32_t            batch, round;

    shop_open();
    kept_size = 0;
    shop_product("card", FK_KIND_CARD, 0);
    shop_stock("card", 1, 10);
    shop_must(fk_import_begin(&shop, &shop_env, str("card"), &batch)
              == FK_OK && shop_add(batch, 50, 30, 200, results) == FK_OK,
              "staging");
    kept_flush();

    for (round = 0; round < 3; round++) {
        region_new(&twin, SHOP_SIZE);
        EQ_INT(region_recover(&twin, kept, kept_size, why), FK_OK,
               "recovered with a staged batch: %s", why);
        (void) munmap(shop.base, shop.size);
        shop = twin;

        EQ_INT(shop_view("card").available, 10, "it is no stock");
        EQ_INT(fk_import_begin(&shop, &shop_env, str("card"), &batch),
               round == 2 ? FK_OK : FK_BUSY_IMPORT,
               "its product takes no other until it is gone");
        shop_must(round != 2 || fk_import_abort(&shop, &shop_env, batch)
                  == FK_OK, "abort");
        (void) (round == 2 ? shop_tick() : (fk_tick_t) { 0 });
        EQ_INT(fk_table_used(&shop, FK_TABLE_CARDS), round == 2 ? 10 : 40,
               "its cards are there until a tick");

        /* The first shop dies before it has ticked, the second after it. */
        if (round == 1) {
            EQ_INT(shop_tick().reaped_count, 30, "the tick takes it apart");
            kept_flush();
        }

        OK(shop_sound(), "sound");
    }

    EQ_INT(fk_table_used(&shop, FK_TABLE_BATCHES), 1, "the batch is gone");
    shop_stock("card", 50, 30);
    EQ_INT(shop_view("card").available, 40, "the same cards come again");
    OK(shop_sound(), "sound");
}


/* The key that is sold is the latest, also where slots are used again. */
static void
test_key(void)
{
    char             why[256];
    fk_t             twin;
    uint8_t          results[FK_IMPORT_SLICE_MAX];
    uint32_t         batch;
    fk_order_view_t  before, after;

    shop_open();
    kept_size = 0;
    shop_product("key", FK_KIND_SHARED, 0);
    shop_must(fk_import_begin(&shop, &shop_env, str("key"), &batch) == FK_OK
              && shop_add(batch, 1, 5, 60, results) == FK_OK
              && fk_import_abort(&shop, &shop_env, batch) == FK_OK, "abort");
    (void) shop_tick();
    shop_stock("key", 10, 3);
    shop_stock("key", 20, 2);
    shop_must(shop_buy("key", 1, &before) == FK_OK, "buy");
    kept_flush();

    region_new(&twin, SHOP_SIZE);
    EQ_INT(region_recover(&twin, kept, kept_size, why), FK_OK,
           "recovered: %s", why);
    (void) munmap(shop.base, shop.size);
    shop = twin;
    shop_must(shop_buy("key", 1, &after) == FK_OK, "buy");
    EQ_INT(after.first_card, before.first_card, "the same key is sold");
    EQ_INT(shop_view("key").available, 5, "keys are counted");
    OK(shop_sound(), "sound");
}


/*
 * Those who wait for stock stand after a restart as they stood before, also
 * when the clock went back, or a person let one in long after it had paid.
 */
static void
test_waiters(void)
{
    char             why[256];
    fk_t             twin;
    uint32_t         i, slot, live[4];
    fk_order_view_t  out, order[4];
    fk_pay_result_t  result;

    shop_open();
    kept_size = 0;
    shop_product("card", FK_KIND_CARD, 0);
    shop_stock("card", 1, 4);

    for (i = 0; i < 4; i++) {
        shop_must(shop_buy("card", 1, &order[i]) == FK_OK, "buy");
    }

    shop_must(shop_pay(&order[0].id, "wrong", 1, &result, &out) == FK_OK
              && result == FK_PAY_REVIEW, "under review");
    shop_wait_s(SHOP_HOLD_S + 1);
    (void) shop_tick();

    /* Paid now, but let in as the last one: its place is the last. */
    shop_must(shop_pay(&order[0].id, "right", order[0].amount, &result, &out)
              == FK_OK && result == FK_PAY_REVIEW, "late, under review");
    shop_must(shop_buy("card", 4, &out) == FK_OK, "all gone");

    for (i = 3; i > 0; i--) {
        shop_env.now_ms -= 5000;
        shop_must(shop_pay(&order[i].id, i == 1 ? "a" : i == 2 ? "b" : "c",
                           order[i].amount, &result, &out) == FK_OK
                  && result == FK_PAY_WAITING, "waits");
    }

    shop_must(fk_decide(&shop, &shop_env, &order[0].id, FK_EVENT_APPROVE,
                        &out) == FK_OK
              && out.status == FK_STATUS_WAITING_FOR_STOCK, "approved");
    kept_flush();

    i = 0;
    for (slot = FK_PRODUCT(&shop, 1)->wait_head; slot != 0 && i < 4;
         slot = FK_ORDER(&shop, slot)->next)
    {
        live[i++] = slot;
    }

    region_new(&twin, SHOP_SIZE);
    EQ_INT(region_recover(&twin, kept, kept_size, why), FK_OK,
           "recovered with orders that wait: %s", why);

    i = 0;
    for (slot = FK_PRODUCT(&twin, 1)->wait_head; slot != 0 && i < 4;
         slot = FK_ORDER(&twin, slot)->next)
    {
        EQ_INT(memcmp(FK_ORDER(&twin, slot)->id, FK_ORDER(&shop, live[i])->id,
                      FK_ORDER_ID_SIZE), 0, "number %u keeps its place", i);
        i++;
    }

    EQ_INT(i, 4, "all of them wait");
    region_drop(&twin);
}


/*
 * Who recovers and finds a higher epoch is overtaken, perhaps by a worker of
 * its own server that thought it dead: then nobody else may be stopped.
 */
static void
test_overtaken(void)
{
    char    why[256];
    fk_t    twin;
    size_t  at;

    region_new(&twin, SHOP_SIZE);
    shop_must(fk_recover_begin(&twin, 2, 0) == FK_OK, "begin");
    shop_must(fk_recover_begin(&twin, 3, FK_RECOVER_LEASE_MS) == FK_OK,
              "the other begins");

    EQ_INT(fk_recover_fence(&twin, 2), FK_CONFLICT,
           "the slow one may not fence the shop");
    EQ_INT(fk_shop_state(&twin), FK_SHOP_RECOVERING, "which goes on");
    EQ_INT(fk_apply(&twin, 3, 0, kept, kept_size, &at), FK_OK, "applied");
    EQ_INT(fk_recover_fence(&twin, 3), FK_FENCED,
           "another server's epoch does");
    EQ_INT(fk_shop_state(&twin), FK_SHOP_FENCED, "fenced");
    EQ_INT(fk_recover_end(&twin, &shop_env, 3, 6, why, sizeof(why)),
           FK_CONFLICT, "and does not open");

    /* What was another server's is read anew, as its standby does. */
    EQ_INT(fk_recover_begin(&twin, 4, FK_RECOVER_LEASE_MS), FK_OK,
           "until it begins anew, at once");
    EQ_INT(fk_recover_begin(&twin, 5, FK_RECOVER_LEASE_MS), FK_CONFLICT,
           "one at a time");
    EQ_INT(fk_recover_renew(&twin, 5, 99000), FK_CONFLICT,
           "nobody else renews its lease");
    EQ_INT(fk_recover_renew(&twin, 4, 99000), FK_OK, "it does");
    EQ_INT(fk_recover_begin(&twin, 5, 99000 + FK_RECOVER_LEASE_MS - 1),
           FK_CONFLICT, "for its time");
    EQ_INT(fk_recover_seq(&twin), 0, "the tables are empty");
    EQ_INT(fk_apply(&twin, 4, 99000, kept, kept_size, &at), FK_OK,
           "applied again");
    EQ_INT(fk_recover_end(&twin, &shop_env, 4, 7, why, sizeof(why)), FK_OK,
           "and open: %s", why);

    /* An open one that is fenced goes the same way. */
    fk_fence(&twin, 8);
    EQ_INT(fk_shop_state(&twin), FK_SHOP_FENCED, "fenced while it sold");
    EQ_INT(fk_recover_begin(&twin, 4, 99000), FK_OK, "a standby now");
    EQ_INT(fk_durable_seq(&twin), 0, "that promises nothing");
    region_drop(&twin);

    /* A safe stop that comes while it opens must not be overwritten. */
    region_new(&twin, SHOP_SIZE);
    shop_must(fk_recover_begin(&twin, 2, 0) == FK_OK, "begin");
    fail_at_store = &twin;
    fk_test_store = fail_now;
    shop_must(fk_apply(&twin, 2, 0, kept, kept_size, &at) == FK_OK, "apply");
    EQ_INT(fk_recover_end(&twin, &shop_env, 2, 2, why, sizeof(why)),
           FK_FAILED, "a stop in the middle of opening");
    EQ_INT(fk_shop_state(&twin), FK_SHOP_FAILED, "stays");
    fk_test_store = NULL;
    region_drop(&twin);

    /* Nor one that comes between the question and the lease. */
    region_new(&twin, SHOP_SIZE);
    fk_test_store = fail_at_once;
    EQ_INT(fk_recover_begin(&twin, 2, 0), FK_CONFLICT,
           "a stop in the middle of a begin");
    fk_test_store = NULL;
    EQ_INT(fk_shop_state(&twin), FK_SHOP_FAILED, "stays, too");
    EQ_INT(fk_recover_owner(&twin), 0, "and nobody has a lease");
    region_drop(&twin);
}


int
main(void)
{
    make_journal();
    test_damage();
    test_lies();
    test_lease();
    test_larger();
    test_imports();
    test_key();
    test_waiters();
    test_overtaken();

    return tap_done();
}

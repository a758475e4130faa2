/*
 * Import: staging, duplicates, commit, abort, a lease that runs out or is
 * broken, a slot that is used again, full tables.
 */

#include "engine_shop.h"


static uint8_t   results[FK_IMPORT_SLICE_MAX];
static uint32_t  batch;


static fk_code_t
begin(const char *sku)
{
    return fk_import_begin(&shop, &shop_env, str(sku), &batch);
}


static fk_code_t
commit(uint32_t *accepted)
{
    uint64_t  seq;

    return fk_import_commit(&shop, &shop_env, batch, accepted, &seq);
}


static void
test_begin(void)
{
    uint32_t  accepted;

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_product("n", FK_KIND_COUNTED, 5);

    EQ_INT(begin("y"), FK_NOT_FOUND, "no such product");
    EQ_INT(begin("n"), FK_CONFLICT, "a kind without cards");
    EQ_INT(begin("x"), FK_OK, "begun");
    EQ_INT(begin("x"), FK_BUSY_IMPORT, "one at a time");

    EQ_INT(shop_add(batch, 1, 10, 60, results), FK_OK, "ten cards");
    EQ_INT(shop_view("x").available, 0, "nothing to be sold yet");
    OK(shop_sound(), "sound");
    EQ_INT(commit(&accepted), FK_OK, "committed");
    EQ_INT(accepted, 10, "ten");
    OK(shop_view("x").available == 10 && shop_view("x").imported == 10,
       "now they are stock");
    EQ_INT(commit(&accepted), FK_CONFLICT, "not twice");
    EQ_INT(shop_add(batch, 20, 1, 60, results), FK_CONFLICT, "nor added to");
    EQ_INT(fk_import_abort(&shop, &shop_env, batch), FK_CONFLICT,
           "nor aborted");
    EQ_INT(fk_import_abort(&shop, &shop_env, 0), FK_NOT_FOUND, "batch 0");
    EQ_INT(fk_import_abort(&shop, &shop_env, 77777), FK_NOT_FOUND,
           "no such batch");
    OK(shop_sound(), "sound");
}


static void
test_slices(void)
{
    uint8_t       sealed[FK_SEALED_SIZE_MAX + 1];
    fk_card_in_t  card;
    uint32_t      size, wrong, accepted;

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_must(begin("x") == FK_OK, "begin");
    memset(sealed, 1, sizeof(sealed));
    card.sealed = sealed;
    card.old_nonce = NULL;

    card.size = FK_SEAL_SIZE;
    EQ_INT(fk_import_add(&shop, &shop_env, batch, &card, 1, results),
           FK_INVALID, "an empty card");
    card.size = FK_SEALED_SIZE_MAX + 1;
    EQ_INT(fk_import_add(&shop, &shop_env, batch, &card, 1, results),
           FK_INVALID, "too long a card");
    EQ_INT(fk_import_add(&shop, &shop_env, batch, &card,
                         FK_IMPORT_SLICE_MAX + 1, results),
           FK_INVALID, "too many of them");
    EQ_INT(fk_import_add(&shop, &shop_env, batch, &card, 0, results), FK_OK,
           "none at all");

    wrong = 0;
    for (size = FK_SEAL_SIZE + 1; size <= FK_SEALED_SIZE_MAX; size += 23) {
        wrong += shop_add(batch, size, 1, (uint16_t) size, results) != FK_OK;
        shop_flush();
    }

    EQ_INT(wrong, 0, "every length");

    wrong = 0;
    for (size = 0; size < 4; size++) {
        wrong += shop_add(batch, 10000 + size * 100, FK_IMPORT_SLICE_MAX,
                          FK_SEALED_SIZE_MAX, results) != FK_OK;
        shop_flush();
    }

    EQ_INT(wrong, 0, "full slices of the longest cards");
    EQ_INT(commit(&accepted), FK_OK, "committed");
    EQ_INT(accepted, 90 + 4 * FK_IMPORT_SLICE_MAX, "all of them");
    OK(shop_sound(), "sound");
}


static void
test_duplicates(void)
{
    uint8_t       sealed[3][60];
    uint32_t      accepted;
    fk_card_in_t  cards[3];

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_product("y", FK_KIND_CARD, 0);
    shop_stock("x", 1, 5);

    shop_must(begin("x") == FK_OK, "begin");
    EQ_INT(shop_add(batch, 4, 4, 60, results), FK_OK, "cards 4 to 7");
    OK(results[0] == FK_CARD_DUP_STOCK && results[1] == FK_CARD_DUP_STOCK,
       "4 and 5 are in stock");
    OK(results[2] == FK_CARD_ACCEPTED && results[3] == FK_CARD_ACCEPTED,
       "6 and 7 are new");
    EQ_INT(shop_add(batch, 7, 2, 60, results), FK_OK, "cards 7 and 8");
    OK(results[0] == FK_CARD_DUP_FILE && results[1] == FK_CARD_ACCEPTED,
       "7 was in this file");

    shop_seal(9, sealed[0], 60);
    shop_seal(9, sealed[1], 60);
    shop_seal(99, sealed[2], 60);
    memset(cards, 0, sizeof(cards));
    cards[0].sealed = sealed[0];
    cards[1].sealed = sealed[1];
    cards[2].sealed = sealed[2];
    cards[0].size = cards[1].size = cards[2].size = 60;
    EQ_INT(fk_import_add(&shop, &shop_env, batch, cards, 2, results), FK_OK,
           "twice in one slice");
    OK(results[0] == FK_CARD_ACCEPTED && results[1] == FK_CARD_DUP_FILE,
       "the second is the duplicate");

    shop_seal(3, sealed[0], 60);
    cards[2].old_nonce = sealed[0];
    EQ_INT(fk_import_add(&shop, &shop_env, batch, &cards[2], 1, results),
           FK_OK, "sealed under the previous key");
    EQ_INT(results[0], FK_CARD_DUP_STOCK, "is known all the same");

    EQ_INT(commit(&accepted), FK_OK, "committed");
    EQ_INT(accepted, 4, "6, 7, 8 and 9");

    shop_must(begin("y") == FK_OK, "begin");
    EQ_INT(shop_add(batch, 1, 1, 60, results), FK_OK, "in another product");
    EQ_INT(results[0], FK_CARD_ACCEPTED, "it is another card");
    OK(shop_sound(), "sound");
}


static void
test_abort(void)
{
    uint32_t   accepted, cards;
    fk_tick_t  tick;

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 5);
    cards = fk_table_used(&shop, FK_TABLE_CARDS);

    shop_must(begin("x") == FK_OK, "begin");
    shop_must(shop_add(batch, 100, 32, 500, results) == FK_OK, "add");
    shop_must(shop_add(batch, 200, 32, 40, results) == FK_OK, "add");
    EQ_INT(fk_import_abort(&shop, &shop_env, batch), FK_OK, "aborted");
    OK(shop_sound(), "sound");
    tick = shop_tick();
    EQ_INT(tick.reaped_count, 64, "its cards are taken apart");
    EQ_INT(fk_table_used(&shop, FK_TABLE_CARDS), cards, "their slots free");
    EQ_INT(fk_table_used(&shop, FK_TABLE_BLOCKS), 0, "their blocks too");
    EQ_INT(fk_table_used(&shop, FK_TABLE_BATCHES), 1, "and the batch");
    OK(shop_sound(), "sound");

    shop_must(begin("x") == FK_OK, "begin");
    EQ_INT(shop_add(batch, 100, 2, 500, results), FK_OK, "again");
    EQ_INT(results[0], FK_CARD_ACCEPTED, "it is no duplicate");
    EQ_INT(commit(&accepted), FK_OK, "committed");
    EQ_INT(shop_view("x").available, 7, "stock");

    shop_must(begin("x") == FK_OK, "begin");
    EQ_INT(commit(&accepted), FK_OK, "an empty batch");
    EQ_INT(accepted, 0, "brings nothing");
    (void) shop_tick();
    EQ_INT(fk_table_used(&shop, FK_TABLE_BATCHES), 2, "and keeps no slot");
    OK(shop_sound(), "sound");
}


/*
 * The same file again, at once: its cards must not count as duplicates of
 * those that are about to be taken apart, or nobody would have them.
 */
static void
test_again(void)
{
    uint32_t  accepted;

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_product("y", FK_KIND_CARD, 0);
    shop_must(begin("x") == FK_OK, "begin");
    shop_must(shop_add(batch, 100, 32, 60, results) == FK_OK, "add");
    shop_must(fk_import_abort(&shop, &shop_env, batch) == FK_OK, "abort");

    EQ_INT(begin("x"), FK_BUSY_IMPORT, "not before its cards are gone");
    OK(shop_sound(), "sound");
    EQ_INT(begin("y"), FK_OK, "another product need not wait");
    shop_must(fk_import_abort(&shop, &shop_env, batch) == FK_OK, "abort");
    EQ_INT(begin("y"), FK_OK, "nor need one whose import had no cards");
    OK(shop_sound(), "sound");

    (void) shop_tick();
    shop_must(begin("x") == FK_OK, "begin");
    EQ_INT(shop_add(batch, 100, 32, 60, results), FK_OK, "sent again");
    EQ_INT(commit(&accepted), FK_OK, "committed");
    EQ_INT(accepted, 32, "all of them are stock");
    OK(shop_sound(), "sound");
}


/* The importer falls asleep; its batch's slot goes to somebody else. */
static void
test_lease(void)
{
    uint32_t  old, accepted;

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_product("y", FK_KIND_CARD, 0);
    shop_must(begin("x") == FK_OK, "begin");
    old = batch;

    shop_env.now_ms += FK_IMPORT_LEASE_MS - 1;
    EQ_INT(shop_add(batch, 1, 3, 60, results), FK_OK, "just in time");
    shop_env.now_ms += FK_IMPORT_LEASE_MS - 1;
    (void) shop_tick();
    EQ_INT(begin("x"), FK_BUSY_IMPORT, "adding renewed the lease");

    shop_env.now_ms += 1000;
    EQ_INT(shop_tick().reaped_count, 3, "then it ran out");
    EQ_INT(begin("y"), FK_OK, "another import");
    OK(batch != old && ((batch ^ old) & FK_BATCHES_MAX) == 0,
       "has its slot, and another name");
    EQ_INT(shop_add(old, 10, 1, 60, results), FK_CONFLICT,
           "the sleeper cannot add to it");
    EQ_INT(shop_add(batch, 10, 1, 60, results), FK_OK, "the new one can");
    EQ_INT(commit(&accepted), FK_OK, "and commit");
    OK(shop_view("y").available == 1 && shop_view("x").available == 0,
       "the stock is the new one's");
    OK(shop_sound(), "sound");
}


/* The importer died, and somebody knows: its lease is not waited for. */
static void
test_dead(void)
{
    fk_t      other;
    uint32_t  slot;

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_product("y", FK_KIND_CARD, 0);
    shop_product("z", FK_KIND_CARD, 0);
    slot = 0;
    EQ_INT(fk_import_owner(&shop, &slot), 0, "there is no import");
    fk_introduce(&shop, 77);
    shop_stock("x", 900, 1);
    fk_introduce(&shop, 0);
    shop_must(begin("z") == FK_OK, "one without a name");
    EQ_INT(fk_import_owner(&shop, &slot), 0, "nobody's import is nobody's");

    other = shop;
    fk_introduce(&shop, 77);
    shop_must(begin("x") == FK_OK && shop_add(batch, 1, 40 - 8, 60, results)
              == FK_OK, "an import");
    fk_introduce(&shop, 78);
    shop_must(begin("y") == FK_OK && shop_add(batch, 1, 3, 60, results)
              == FK_OK, "another one's");

    /* Both have looked at the leases in this second. */
    (void) shop_tick();

    EQ_INT(fk_import_owner(&other, &slot), 77, "whose the first one is");
    fk_import_break(&other, slot, 78);
    fk_import_break(&other, slot, 0);
    fk_import_break(&other, 0, 77);
    fk_import_break(&other, 1, 77);
    fk_import_break(&other, 99, 77);
    EQ_INT(shop_tick().reaped_count, 0, "the death of others is nothing");
    EQ_INT(fk_import_owner(&other, &slot), 78, "whose the next one is");
    EQ_INT(fk_import_owner(&other, &slot), 0, "that is all");

    slot = 0;
    shop_must(fk_import_owner(&shop, &slot) == 77, "the first");
    fk_import_break(&shop, slot, 77);
    EQ_INT(shop_tick().reaped_count, 32, "the dead one's cards go at once");
    EQ_INT(shop_add(batch, 10, 1, 60, results), FK_OK, "the other goes on");
    EQ_INT(begin("y"), FK_BUSY_IMPORT, "and is not over");
    fk_introduce(&shop, 79);
    EQ_INT(begin("x"), FK_OK, "there is room for a new one");
    fk_import_break(&shop, slot, 77);
    EQ_INT(shop_tick().reaped_count, 0, "who died before has no part in it");

    fk_fence(&shop, 9);
    fk_import_break(&shop, slot, 79);
    EQ_INT(fk_import_owner(&shop, &slot), 78, "a closed shop stays as it is");
}


static void
test_full(void)
{
    uint32_t   n, accepted;
    fk_code_t  code;

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_must(begin("x") == FK_OK, "begin");

    for (n = 0; (code = shop_add(batch, n, 31, 60, results)) == FK_OK;
         n += 31)
    {
        shop_flush();
    }

    EQ_INT(code, FK_TABLE_FULL, "the table of cards is full");
    EQ_INT(n, shop.region->table[FK_TABLE_CARDS].capacity / 31 * 31,
           "a slice is all or nothing");
    EQ_INT(shop_add(batch, n, 1, 60, results), FK_OK, "a smaller one fits");
    EQ_INT(shop_add(batch, 0, 31, 60, results), FK_OK,
           "one of duplicates needs no room");
    EQ_INT(commit(&accepted), FK_OK, "committed");
    EQ_INT(accepted, n + 1, "all are there");
    OK(shop_sound(), "sound");
}


static void
test_ring_full(void)
{
    uint32_t   n, accepted;
    fk_code_t  code;

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_must(begin("x") == FK_OK, "begin");

    for (n = 0; (code = shop_add(batch, n, 32, 60, results)) == FK_OK;
         n += 32)
    {
        /* void */
    }

    EQ_INT(code, FK_RING_FULL, "the ring is full");
    shop_flush();
    EQ_INT(shop_add(batch, n, 32, 60, results), FK_OK, "the same slice again");
    EQ_INT(results[31], FK_CARD_ACCEPTED, "has left nothing behind");
    shop_flush();
    EQ_INT(commit(&accepted), FK_OK, "committed");
    EQ_INT(accepted, n + 32, "all are there");
    OK(shop_sound(), "sound");
}


int
main(void)
{
    test_begin();
    test_slices();
    test_duplicates();
    test_abort();
    test_again();
    test_lease();
    test_dead();
    test_full();
    test_ring_full();

    return tap_done();
}

/*
 * The journal lost what the ring no longer holds: the shop stops selling,
 * writes itself down as a snapshot, and goes on where it stood.  What is then
 * in the journal, a snapshot and what came after it, is the same shop.
 */

#include "journal_life.h"
#include "journal_parts.h"


/* A connection to a journal whose top is this. */
static fk_code_t
probe(uint64_t epoch, uint64_t seq)
{
    fk_batch_t  batch;

    shop_must(fk_flush_suspect(&shop) == FK_OK, "suspect");
    shop_must(fk_flush_take(&shop, 3, 0, &batch) == FK_FLUSH_PROBE, "probe");
    return fk_flush_top(&shop, 3, epoch, seq);
}


/* So much that the ring has forgotten its beginning. */
static void
make_long(uint32_t seed)
{
    life_begin(seed);

    while (fk_ring_first_seq(&shop) < 200) {
        live(200);
        kept_flush();
    }
}


static void
test_refusals(void)
{
    uint8_t            sealed[100];
    uint32_t           n, batch, cursor;
    fk_tick_t          tick;
    fk_batch_t         work;
    fk_card_in_t       card;
    fk_order_view_t    out;
    fk_pay_result_t    result;
    fk_product_view_t  view;

    shop_seal(99999, sealed, sizeof(sealed));
    card.sealed = sealed;
    card.size = sizeof(sealed);
    card.old_nonce = NULL;
    n = 1;
    cursor = 0;

    EQ_INT(shop_buy("seats", 1, &out), FK_HEALING, "no checkout");
    EQ_INT(shop_pay(&orders[0], "t", 1, &result, &out), FK_HEALING,
           "no payment");
    EQ_INT(fk_cancel(&shop, &shop_env, &orders[0], &out), FK_HEALING,
           "no cancel");
    EQ_INT(fk_import_begin(&shop, &shop_env, str("card-a"), &batch),
           FK_HEALING, "no import");
    EQ_INT(fk_import_add(&shop, &shop_env, 1, &card, 1, sealed), FK_HEALING,
           "nor a slice of one");
    EQ_INT(fk_tick(&shop, &shop_env, 9, &tick), FK_HEALING, "no expiry");
    EQ_INT(fk_product_peek(&shop, &shop_env, str("seats"), 1), FK_HEALING,
           "said without the lock");
    EQ_INT(fk_product_list(&shop, &shop_env, &cursor, &view, &n), FK_HEALING,
           "no list");
    EQ_INT(fk_flush_suspect(&shop), FK_HEALING, "a connection for healing");
    EQ_INT(fk_flush_take(&shop, 3, 0, &work), FK_FLUSH_NOTHING,
           "nothing is sent");
    EQ_INT(fk_recover_begin(&shop, 3, 0), FK_CONFLICT,
           "and nothing emptied");
    EQ_STR(fk_shop_state_word[fk_shop_state(&shop)], "healing", "its word");
    EQ_INT(fk_code_info[FK_HEALING].status, 503, "its answer");
}


/* The journal lost its tail, or all of it; the shop is the copy. */
static void
test_heal(const char *name, uint32_t seed, uint64_t epoch, uint64_t top)
{
    char         why[256];
    fk_t         twin;
    uint32_t     n;
    uint64_t     seq;
    fk_batch_t   batch;

    make_long(seed);
    live(50);

    /* The last of these steps may have sent all of it. */
    for (n = 0; n < 50 && fk_last_seq(&shop) == fk_durable_seq(&shop); n++) {
        live(1);
    }

    seq = fk_last_seq(&shop);
    shop_must(fk_durable_seq(&shop) > top && seq > fk_durable_seq(&shop),
              "some records are not sent");

    EQ_INT(probe(epoch, top), FK_HEALING, "%s: only the shop has it", name);
    test_refusals();
    EQ_INT(fk_last_seq(&shop), seq, "nothing changed");

    EQ_INT(fk_heal_end(&shop, WALKER, seq), FK_CONFLICT,
           "not without a snapshot");
    parts_begin();
    EQ_INT(fk_heal_end(&shop, WALKER, seq), FK_CONFLICT,
           "not with the beginning of one");
    while (parts_step() == FK_AGAIN) { /* void */ }
    EQ_INT(snapshot.begin_seq, seq, "it is of this moment");
    EQ_INT(snapshot.end_seq, seq, "and of no other");
    EQ_INT(fk_heal_end(&shop, 8, seq), FK_CONFLICT, "nor a stranger's");
    EQ_INT(fk_heal_end(&shop, WALKER, seq - 1), FK_CONFLICT,
           "nor of another moment");
    EQ_INT(fk_heal_end(&shop, WALKER, seq), FK_OK, "healed");
    EQ_INT(fk_heal_end(&shop, WALKER, seq), FK_CONFLICT, "once");

    EQ_INT(fk_shop_state(&shop), FK_SHOP_OPEN, "it sells");
    EQ_INT(fk_durable_seq(&shop), seq, "all is durable");
    EQ_INT(fk_snapshot_owner(&shop), 0, "the lease is free");
    OK(shop_sound(), "sound");

    EQ_INT(fk_flush_take(&shop, 3, 0, &batch), FK_FLUSH_PROBE,
           "the journal is looked at again");
    EQ_INT(fk_flush_top(&shop, 3, 1, seq), FK_OK, "it ends with the mark");

    /* The journal is what comes now; the snapshot stands for the rest. */
    kept_size = 0;
    live(600);
    kept_flush();
    end_imports();

    region_new(&twin, SHOP_SIZE);
    EQ_INT(parts_recover(&twin, why), FK_OK, "recovered: %s", why);
    OK(same_products(&shop, &twin) && same_orders(&shop, &twin),
       "the same shop");
    region_drop(&twin);
}


/* Whoever heals may die, and the journal may lose it all once more. */
static void
test_again(void)
{
    uint64_t    seq;
    fk_batch_t  batch;

    make_long(9);
    seq = fk_last_seq(&shop);
    shop_must(probe(0, 0) == FK_HEALING, "lost");
    parts_begin();
    (void) parts_step();
    fk_snapshot_break(&shop, WALKER);
    EQ_INT(parts_step(), FK_CONFLICT, "a healer dies");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_HEALING, "the shop waits");

    parts_begin();
    while (parts_step() == FK_AGAIN) { /* void */ }
    shop_must(fk_heal_end(&shop, WALKER, seq) == FK_OK, "healed");
    EQ_INT(fk_flush_take(&shop, 3, 0, &batch), FK_FLUSH_PROBE, "a probe");
    EQ_INT(fk_flush_top(&shop, 3, 0, 0), FK_HEALING, "finds nothing again");

    fk_fence(&shop, 2);
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FENCED,
           "another server may take it over now");
    EQ_INT(fk_heal_end(&shop, WALKER, seq), FK_CONFLICT,
           "and healing does not open it");
}


/* What memory never wrote is not healed by what memory has. */
static void
test_foreign(void)
{
    make_long(11);
    EQ_INT(probe(1, fk_last_seq(&shop) + 1), FK_CORRUPT,
           "records that this shop never wrote");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FAILED, "the shop stops");

    make_long(12);
    EQ_INT(probe(0, 5), FK_CORRUPT, "a replaced server's records");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FAILED, "the shop stops");
}


int
main(void)
{
    test_heal("a lost tail", 1, 1, 7);
    test_heal("nothing left", 2, 0, 0);
    test_again();
    test_foreign();

    return tap_done();
}

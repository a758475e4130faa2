/*
 * The journal is the shop: a long random life is recorded, and a region that
 * is recovered from the records is the same shop, order by order, card by
 * card.  The ring wraps many times on the way.
 */

#include "journal_life.h"


#define STEPS  40000


int
main(void)
{
    char      why[256];
    fk_t      twin;
    size_t    at, step, applied;
    uint64_t  wraps;

    life_begin(20240613);
    live(STEPS);
    end_imports();

    wraps = shop.region->ring.head / shop.region->ring.size;
    OK(wraps >= 2, "the ring wrapped %u times", (unsigned) wraps);
    OK(orders_count > 2000, "%u orders were made", orders_count);
    OK(archived_count > 500, "%u of them were archived", archived_count);
    OK(shop_sound(), "the shop is sound");

    region_new(&twin, SHOP_SIZE);
    EQ_INT(region_recover(&twin, kept, kept_size, why), FK_OK,
           "recovered from %zu bytes: %s", kept_size, why);
    EQ_INT(fk_last_seq(&twin), fk_last_seq(&shop), "all records are there");
    OK(same_products(&shop, &twin), "products are the same");
    OK(same_orders(&shop, &twin), "orders, cards and payments are the same");
    OK(fk_check(&twin, why, sizeof(why)) == FK_OK, "and sound");
    region_drop(&twin);

    /* Pieces of any size, each sent twice: as a batch is after a doubt. */
    region_new(&twin, SHOP_SIZE);
    shop_must(fk_recover_begin(&twin, 2, 0) == FK_OK, "begin");
    applied = 0;

    for (at = 0; at < kept_size; at = step) {
        step = kept_next(at);
        while (step < kept_size && pick(40) != 0) {
            step = kept_next(step);
        }

        shop_must(fk_apply(&twin, 2, 0, kept + at, step - at, &applied)
                  == FK_OK, "apply");
        shop_must(fk_apply(&twin, 2, 0, kept + at, step - at, &applied)
                  == FK_OK, "apply again");
    }

    EQ_INT(fk_recover_end(&twin, &shop_env, 2, 2, why, sizeof(why)), FK_OK,
           "recovered from doubled pieces: %s", why);
    OK(same_products(&shop, &twin) && same_orders(&shop, &twin),
       "and the same again");

    /* The life goes on in the twin, and its journal with it. */
    (void) munmap(shop.base, shop.size);
    shop = twin;
    live(STEPS / 10);
    end_imports();
    OK(shop_sound(), "the recovered shop sells on");

    region_new(&twin, SHOP_SIZE);
    EQ_INT(region_recover(&twin, kept, kept_size, why), FK_OK,
           "recovered once more: %s", why);
    OK(same_products(&shop, &twin) && same_orders(&shop, &twin),
       "the journal of two lives gives the same shop");

    return tap_done();
}

/*
 * The ledger out of its journal: a recovery needs no more room than the shop
 * had that wrote it.
 */

#include "ledger_shop.h"
#include "journal_shop.h"


#define REGION_SIZE  ((size_t) 64 << 20)


/* Applies what was kept to a shop with so many blocks, and nothing behind it:
 * fk_check would see that they were taken away. */
static fk_code_t
apply_with(uint32_t blocks)
{
    fk_t       fk;
    size_t     at;
    fk_code_t  code;

    region_new(&fk, REGION_SIZE);
    fk.region->table[FK_TABLE_BLOCKS].capacity = blocks;
    shop_must(fk_recover_begin(&fk, 2, 0) == FK_OK, "begin");
    code = fk_apply(&fk, 2, 0, kept, kept_size, &at);
    region_drop(&fk);

    return code;
}


/* Part by part goes back; the blocks that this took are all that there are. */
static void
test_full(void)
{
    int            i;
    char           ref[24];
    uint32_t       used;
    fk_order_id_t  id;

    ledger_open();
    id = ledger_sell(1, 50, 10, WEEK_S);

    for (i = 0; i < 4; i++) {
        (void) snprintf(ref, sizeof(ref), "part %d", i);
        shop_must(ledger_return(&id, 100, ref) == FK_OK, "a part");
    }

    kept_flush();
    used = shop.region->table[FK_TABLE_BLOCKS].capacity
           - fk_table_room(&shop, FK_TABLE_BLOCKS);

    EQ_INT(apply_with(used), FK_OK, "as many as it had do");
    EQ_INT(apply_with(used - 1), FK_TABLE_FULL, "with one less it is full");
}


int
main(void)
{
    test_full();

    return tap_done();
}

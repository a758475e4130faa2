/*
 * Tables, chains of blocks and indexes: taking and freeing slots, rolled back
 * or not, against a plain list of what ought to be in use.
 */

#include "engine_shop.h"


#define SLOTS  200


static uint32_t  seed = 12345;


static uint32_t
dice(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}


static void
test_slots(void)
{
    uint32_t   i, n, slot, room, held[SLOTS], wrong;

    shop_open();
    shop_must(fk_lock(&shop) == FK_OK, "lock");
    room = fk_table_room(&shop, FK_TABLE_PAYMENTS);
    n = 0;
    wrong = 0;

    for (i = 0; i < 20000; i++) {
        if (n == 0 || (n < SLOTS && dice(2) == 0)) {
            slot = fk_slot_take(&shop, FK_TABLE_PAYMENTS);

            if (dice(4) == 0) {
                /* Filled and then not wanted. */
                memset(FK_PAYMENT(&shop, slot), 0xff,
                       sizeof(fk_payment_rec_t));
                fk_rollback(&shop);

            } else {
                FK_PAYMENT(&shop, slot)->hash = slot;
                held[n++] = slot;
                fk_commit(&shop);
            }

        } else {
            slot = dice(n);
            wrong += FK_PAYMENT(&shop, held[slot])->hash != held[slot];
            fk_slot_free(&shop, FK_TABLE_PAYMENTS, held[slot]);

            if (dice(4) == 0) {
                fk_rollback(&shop);
            } else {
                held[slot] = held[--n];
                fk_commit(&shop);
            }
        }

        wrong += fk_table_used(&shop, FK_TABLE_PAYMENTS) != n;
        wrong += fk_table_room(&shop, FK_TABLE_PAYMENTS) != room - n;
    }

    EQ_INT(wrong, 0, "20000 takes and frees: no slot given twice or lost");
    OK(shop.region->table[FK_TABLE_PAYMENTS].fresh <= SLOTS,
       "freed slots are taken before fresh ones");
    fk_unlock(&shop);
}


static void
test_blobs(void)
{
    uint8_t   data[FK_SEALED_SIZE_MAX], back[FK_SEALED_SIZE_MAX];
    uint32_t  i, n, used, first, held[64], sizes[64], wrong;

    shop_open();
    shop_must(fk_lock(&shop) == FK_OK, "lock");
    wrong = 0;
    n = 0;
    used = 0;

    for (i = 0; i < 4000; i++) {
        if (n == 0 || (n < 64 && dice(2) == 0)) {
            sizes[n] = 1 + dice(FK_SEALED_SIZE_MAX);
            memset(data, (int) sizes[n], sizes[n]);
            first = fk_blob_make(&shop, data, sizes[n]);

            if (dice(3) == 0) {
                fk_rollback(&shop);

            } else {
                used += FK_BLOCKS_FOR(sizes[n]);
                held[n++] = first;
                fk_commit(&shop);
            }

        } else {
            n--;
            fk_blob_read(&shop, held[n], back, sizes[n]);
            memset(data, (int) sizes[n], sizes[n]);
            wrong += memcmp(data, back, sizes[n]) != 0;
            fk_blob_free(&shop, held[n]);

            if (dice(3) == 0) {
                fk_rollback(&shop);
                n++;
            } else {
                used -= FK_BLOCKS_FOR(sizes[n]);
                fk_commit(&shop);
            }
        }

        wrong += fk_table_used(&shop, FK_TABLE_BLOCKS) != used;
    }

    EQ_INT(wrong, 0, "4000 chains of blocks: what goes in comes out");

    shop_must(shop.region->undo_used == 0, "notes");
    first = fk_blob_make(&shop, data, FK_SEALED_SIZE_MAX);
    OK(shop.region->undo_used <= 5, "%u stores for the longest chain",
       shop.region->undo_used);
    fk_commit(&shop);
    fk_blob_free(&shop, first);
    OK(shop.region->undo_used <= 3, "%u to free it", shop.region->undo_used);
    fk_commit(&shop);

    fk_unlock(&shop);
}


static uint32_t *
one_bucket(void)
{
    return fk_bucket(&shop, FK_INDEX_PAYMENTS, 0);
}


static int
chain_has(uint32_t index)
{
    uint32_t  i;

    for (i = *one_bucket(); i != 0; i = FK_PAYMENT(&shop, i)->hnext) {
        if (i == index) {
            return 1;
        }
    }

    return 0;
}


static void
test_chains(void)
{
    uint32_t  i, slots[5];

    shop_open();
    shop_must(fk_lock(&shop) == FK_OK, "lock");

    for (i = 0; i < 5; i++) {
        slots[i] = fk_slot_take(&shop, FK_TABLE_PAYMENTS);
        fk_chain_insert(&shop, one_bucket(),
                        &FK_PAYMENT(&shop, slots[i])->hnext, slots[i]);
    }

    fk_commit(&shop);

    /* The last, the first and one in the middle. */
    for (i = 0; i < 5; i += 2) {
        fk_chain_remove(&shop, one_bucket(), FK_TABLE_PAYMENTS,
                        offsetof(fk_payment_rec_t, hnext), slots[i]);
        fk_commit(&shop);
    }

    for (i = 0; i < 5; i++) {
        EQ_INT(chain_has(slots[i]), i % 2, "slot %u of a chain of five", i);
    }

    fk_unlock(&shop);
}


static int
odd_is_used(const fk_t *fk, uint32_t index)
{
    return index % 2 == 1 && index < 30;
}


static void
test_rebuild(void)
{
    uint32_t           i, wrong;
    const fk_table_t  *t;

    shop_open();
    shop_must(fk_lock(&shop) == FK_OK, "lock");
    t = &shop.region->table[FK_TABLE_CARDS];
    memset(shop.base + t->offset, 0xff, 100 * t->slot_size);

    fk_slot_claim(&shop, FK_TABLE_CARDS, 50);
    fk_slot_claim(&shop, FK_TABLE_CARDS, 10);
    EQ_INT(t->fresh, 50, "the highest slot counts");

    for (i = 1, wrong = 0; i <= 50; i++) {
        wrong += FK_CARD(&shop, i)->owner != FK_OWNER_FREE;
    }

    EQ_INT(wrong, 0, "slots passed over are clear");

    fk_table_rebuild(&shop, FK_TABLE_CARDS, odd_is_used);
    EQ_INT(fk_table_used(&shop, FK_TABLE_CARDS), 15, "used are the odd ones");
    EQ_INT(t->fresh, 29, "up to the last of them");

    for (i = 2, wrong = 0; i <= 28; i += 2) {
        wrong += fk_slot_take(&shop, FK_TABLE_CARDS) != i;
    }

    EQ_INT(wrong, 0, "the free ones are taken from the lowest on");
    EQ_INT(fk_slot_take(&shop, FK_TABLE_CARDS), 30, "then fresh ones");
    fk_commit(&shop);
    fk_unlock(&shop);
}


/* Keys that differ little spread over the buckets all the same. */
static void
test_spread(void)
{
    uint8_t    key[16];
    uint32_t   i, worst, count[64], *first;

    shop_open();
    memset(count, 0, sizeof(count));
    memset(key, 0, sizeof(key));
    first = fk_bucket(&shop, FK_INDEX_ORDERS, 0);
    worst = 0;

    for (i = 0; i < 64000; i++) {
        memcpy(key, &i, sizeof(i));
        count[(fk_bucket(&shop, FK_INDEX_ORDERS, fk_hash_random(key)) - first)
              * 64 / shop.region->index[FK_INDEX_ORDERS].bucket_count]++;
    }

    for (i = 0; i < 64; i++) {
        worst = count[i] > worst ? count[i] : worst;
    }

    OK(worst < 1500, "1000 keys expected in 1/64 of the buckets, worst %u",
       worst);
}


int
main(void)
{
    test_slots();
    test_blobs();
    test_chains();
    test_rebuild();
    test_spread();

    return tap_done();
}

/*
 * Cards: the pool of a product, the cards of an order, the sealed bytes.
 *
 * A card is in exactly one list at a time, linked by next and ended by 0:
 * staged in its batch, for sale in its product's pool, or bound to an order;
 * its owner says which.  Taking and returning work at the pool's head, so the
 * pool is first in, first out, and a card that comes back goes out next.
 *
 * Counters are not kept here but by fk_order_move() and the import.
 */

#include "fk_priv.h"


uint32_t
fk_cards_take(fk_t *fk, uint32_t order)
{
    uint32_t           i, index, first, qty;
    fk_card_rec_t     *card;
    fk_product_rec_t  *p;

    p = FK_PRODUCT(fk, FK_ORDER(fk, order)->product);
    qty = FK_ORDER(fk, order)->qty;
    assert(qty >= 1 && qty <= FK_QTY_MAX);

    first = p->pool_head;
    index = first;

    for (i = 1; /* void */ ; i++) {
        card = FK_CARD(fk, index);
        assert(card->owner == FK_OWNER_POOL);

        FK_SET(fk, card->owner, order);
        fk_audit_card(fk, index, -1, 1);

        if (i == qty) {
            break;
        }

        index = card->next;
    }

    FK_SET(fk, p->pool_head, card->next);

    if (card->next == 0) {
        FK_SET(fk, p->pool_tail, 0);

    } else {
        FK_SET(fk, card->next, 0);
    }

    return first;
}


/* At the head: the pool's tail would put old stock behind the newest. */
void
fk_cards_return(fk_t *fk, uint32_t order)
{
    uint32_t           i, index, first, qty;
    fk_card_rec_t     *card;
    fk_product_rec_t  *p;

    p = FK_PRODUCT(fk, FK_ORDER(fk, order)->product);
    qty = FK_ORDER(fk, order)->qty;
    assert(qty >= 1 && qty <= FK_QTY_MAX);

    first = FK_ORDER(fk, order)->first_card;
    index = first;

    for (i = 1; /* void */ ; i++) {
        card = FK_CARD(fk, index);
        assert(card->owner == order);

        FK_SET(fk, card->owner, FK_OWNER_POOL);
        fk_audit_card(fk, index, 1, -1);

        if (i == qty) {
            break;
        }

        index = card->next;
    }

    assert(card->next == 0);

    if (p->pool_head == 0) {
        FK_SET(fk, p->pool_tail, index);

    } else {
        FK_SET(fk, card->next, p->pool_head);
    }

    FK_SET(fk, p->pool_head, first);
}


/* In full, whether it stands in the record or in blocks behind it. */
void
fk_card_read(const fk_t *fk, const fk_card_rec_t *card, uint8_t *out)
{
    uint32_t  size, first;

    size = FK_CARD_SEALED(card);
    assert(size > FK_SEAL_SIZE && size <= FK_SEALED_SIZE_MAX);

    if (size <= FK_CARD_INLINE_SIZE) {
        memcpy(out, card->sealed, size);
        return;
    }

    memcpy(out, card->sealed, FK_CARD_HEAD_SIZE);
    memcpy(&first, card->sealed + FK_CARD_HEAD_SIZE, sizeof(first));
    fk_blob_read(fk, first, out + FK_CARD_HEAD_SIZE,
                 size - FK_CARD_HEAD_SIZE);
}


void
fk_card_write(fk_t *fk, uint32_t index, uint32_t batch, const uint8_t *sealed,
    uint32_t size)
{
    uint32_t        first;
    fk_card_rec_t  *card;

    assert(size > FK_SEAL_SIZE && size <= FK_SEALED_SIZE_MAX);
    assert(batch != 0 && batch <= FK_BATCHES_MAX);

    /* The caller's FK_SET of owner is what makes it a card. */
    card = FK_CARD(fk, index);
    card->batch_size = batch << 12 | size;

    if (size <= FK_CARD_INLINE_SIZE) {
        memcpy(card->sealed, sealed, size);
        return;
    }

    first = fk_blob_make(fk, sealed + FK_CARD_HEAD_SIZE,
                         size - FK_CARD_HEAD_SIZE);

    memcpy(card->sealed, sealed, FK_CARD_HEAD_SIZE);
    memcpy(card->sealed + FK_CARD_HEAD_SIZE, &first, sizeof(first));
}


/* Its bytes may be overwritten from now on. */
void
fk_card_discard(fk_t *fk, uint32_t index)
{
    uint32_t        first, product;
    fk_card_rec_t  *card;

    card = FK_CARD(fk, index);
    product = FK_BATCH(fk, FK_CARD_BATCH(card))->product;
    assert(card->owner != FK_OWNER_FREE);

    if (card->owner == FK_OWNER_POOL) {
        fk_audit_card(fk, index, -1, 0);
    } else {
        fk_audit_card(fk, index, 0, -1);
    }

    fk_chain_remove(fk, fk_card_bucket(fk, product, card->sealed),
                    FK_TABLE_CARDS, offsetof(fk_card_rec_t, hnext), index);

    if (FK_CARD_SEALED(card) > FK_CARD_INLINE_SIZE) {
        memcpy(&first, card->sealed + FK_CARD_HEAD_SIZE, sizeof(first));
        fk_blob_free(fk, first);
    }

    FK_SET(fk, card->owner, FK_OWNER_FREE);
    fk_slot_free(fk, FK_TABLE_CARDS, index);
}


/* A nonce is a keyed digest of product and card: half of it is hash enough. */
uint32_t *
fk_card_bucket(const fk_t *fk, uint32_t product, const uint8_t *nonce)
{
    uint64_t  hash;

    hash = fk_hash_random(nonce);
    return fk_bucket(fk, FK_INDEX_CARDS,
                     hash ^ (product * UINT64_C(0x9e3779b97f4a7c15)));
}


uint32_t
fk_card_find(const fk_t *fk, uint32_t product, const uint8_t *nonce)
{
    uint32_t              index, steps;
    const fk_card_rec_t  *card;

    steps = fk->region->table[FK_TABLE_CARDS].capacity;

    for (index = *fk_card_bucket(fk, product, nonce);
         index != 0;
         index = card->hnext)
    {
        assert(steps != 0);
        steps--;
        card = FK_CARD(fk, index);

        if (memcmp(card->sealed, nonce, FK_NONCE_SIZE) == 0
            && FK_BATCH(fk, FK_CARD_BATCH(card))->product == product)
        {
            return index;
        }
    }

    return 0;
}

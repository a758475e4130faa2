/*
 * Stock and turns: each card is in the shop once, those of a file that was
 * acknowledged are all there, and whoever waited first is served first, also
 * by a shop that had to be recovered.  Nobody waits for an import whose
 * process is dead, nor for units that are there.
 */

#include "sim.h"


static uint32_t stock_next(const fk_t *fk, uint32_t product, uint32_t order,
    uint32_t *purchase);


void
oracle_turn(sim_t *s, const fk_record_head_t *head, uint32_t purchase,
    const fk_axes_t *now)
{
    int                    was_short;
    uint32_t               i;
    sim_purchase_t        *b;
    const sim_purchase_t  *other;

    b = &s->oracle.purchase[purchase];
    was_short = b->axes_seq != 0 && b->axes.stock == FK_STOCK_SHORT;

    if (now->stock == FK_STOCK_SHORT) {

        /* After a record that was not seen: since when, nobody knows. */
        if (!was_short) {
            b->short_seq = b->axes_seq != 0 ? head->seq : 0;
        }

        return;
    }

    for (i = 1; was_short && b->short_seq != 0
                && now->stock == FK_STOCK_ALLOCATED
                && i < s->oracle.purchase_count; i++)
    {
        other = &s->oracle.purchase[i];

        SIM_MUST(s, other->product != b->product || other->axes_seq == 0
                    || other->axes.stock != FK_STOCK_SHORT
                    || other->short_seq == 0
                    || other->short_seq >= b->short_seq,
                 "record %" PRIu64 ": purchase %u is served before purchase "
                 "%u, which waited first", head->seq, purchase, i);
    }

    b->short_seq = 0;
}


int
oracle_waits_in_vain(sim_t *s, const fk_t *fk)
{
    uint32_t               i, n, most, product;
    const sim_purchase_t  *b, *first;

    /* Somebody who began to wait in a record that was not seen may want more
     * than there is, and stand in front. */
    if (s->oracle.blind_seq != 0) {
        return 0;
    }

    for (i = 0; i < s->plan.products; i++) {
        first = NULL;
        most = 0;

        for (n = 1; n < s->oracle.purchase_count; n++) {
            b = &s->oracle.purchase[n];

            if (b->product != i || b->axes_seq == 0
                || b->axes.stock != FK_STOCK_SHORT)
            {
                continue;
            }

            /* Redis lost its record and has it again: it may be in front. */
            if (b->short_seq == 0) {
                most = b->qty > most ? b->qty : most;

            } else if (first == NULL || b->short_seq < first->short_seq) {
                first = b;
            }
        }

        product = fk_product_find(fk, request_sku(i));

        if (first != NULL && product != 0
            && FK_PRODUCT(fk, product)->available >= (int64_t) first->qty
            && FK_PRODUCT(fk, product)->available >= (int64_t) most)
        {
            return 1;
        }
    }

    return 0;
}


void
oracle_buried(sim_t *s, const sim_worker_t *w)
{
    uint32_t               i;
    const fk_batch_rec_t  *b;

    for (i = 1; i <= w->fk.region->table[FK_TABLE_BATCHES].fresh; i++) {
        b = FK_BATCH(&w->fk, i);

        SIM_MUST(s, b->state != FK_BATCH_LOADING
                    || (b->owner != 0 && !shell_knows_dead(w, b->owner)),
                 "import %u goes on, and its process is dead", i);
    }
}


/* --- the quiet point --------------------------------------------------- */

void
oracle_check_stock(sim_t *s, const fk_t *fk, int is_all)
{
    uint32_t              i, k;
    const fk_card_rec_t  *c;

    static fk_image_card_t  image;

    for (i = 1; i < s->oracle.card_count; i++) {
        s->oracle.card[i].there = 0;
    }

    for (i = 1; i <= fk->region->table[FK_TABLE_CARDS].fresh; i++) {
        c = FK_CARD(fk, i);

        if (c->owner == FK_OWNER_FREE
            || FK_BATCH(fk, FK_CARD_BATCH(c))->state != FK_BATCH_LIVE)
        {
            continue;
        }

        fk_card_image(fk, i, &image);
        k = request_unseal(image.sealed, image.sealed_size);

        SIM_MUST(s, k != 0 && k < s->oracle.card_count,
                 "slot %u has a card that nobody imported", i);
        SIM_MUST(s, !s->oracle.card[k].there, "card %u is there twice", k);
        s->oracle.card[k].there = 1;
    }

    for (i = 1; is_all && i < s->oracle.card_count; i++) {
        SIM_MUST(s, s->oracle.card[i].there || !s->oracle.card[i].is_uploaded,
                 "card %u was uploaded, and is not there", i);
    }
}


void
oracle_check_queues(sim_t *s, const fk_t *fk, const fk_t *other)
{
    uint32_t  i, mine, its, one, two;

    for (i = 0; i < s->plan.products; i++) {
        one = stock_next(fk, i, 0, &mine);
        two = stock_next(other, i, 0, &its);

        while (one != 0 && two != 0 && mine == its) {
            one = stock_next(fk, i, one, &mine);
            two = stock_next(other, i, two, &its);
        }

        SIM_MUST(s, one == 0 && two == 0, "of product %u, purchase %u has "
                 "another turn after a recovery", i, one != 0 ? mine : its);
    }
}


/* Behind that order in its waiting list; 0: the first. */

static uint32_t
stock_next(const fk_t *fk, uint32_t product, uint32_t order,
    uint32_t *purchase)
{
    uint32_t       slot;
    fk_order_id_t  id;

    slot = fk_product_find(fk, request_sku(product));
    order = order != 0 ? FK_ORDER(fk, order)->next
            : slot != 0 ? FK_PRODUCT(fk, slot)->wait_head : 0;

    if (order != 0) {
        memcpy(id.bytes, FK_ORDER(fk, order)->id, FK_ORDER_ID_SIZE);
        *purchase = request_purchase(&id);
    }

    return order;
}

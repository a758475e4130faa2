/*
 * Orders as they were before they left: what the tests of the archive hold
 * against the order that came back, or against another region's.
 */

#ifndef FAKA_ARCHIVE_SHOP_H_INCLUDED_
#define FAKA_ARCHIVE_SHOP_H_INCLUDED_


#include "journal_shop.h"


#define SEEN_CARDS_SIZE  (FK_QTY_MAX * (size_t) FK_SEALED_SIZE_MAX)


/* All that the interface shows of an order. */
typedef struct {
    fk_code_t          code;
    fk_code_t          cards_code;
    fk_order_view_t    view;
    uint32_t           payments_count;
    fk_payment_view_t  payments[FK_ORDER_PAYMENTS_MAX];
    uint32_t           cards_count;
    uint32_t           cards_crc;
    size_t             start_size;
    uint8_t            start[FK_START_SIZE_MAX];
} seen_t;


static uint8_t  seen_cards[SEEN_CARDS_SIZE];


/* Record and slot numbers differ when an order was away: they are left out. */
__attribute__((unused))
static seen_t
seen(fk_t *fk, const fk_order_id_t *id)
{
    seen_t         s;
    uint32_t       n, i, cursor;
    fk_card_out_t  out[FK_LIST_SLICE_MAX];

    memset(&s, 0, sizeof(s));
    s.code = fk_order_get(fk, id, &s.view);
    s.view.seq = 0;
    s.view.index = 0;
    s.view.first_card = 0;
    s.payments_count = FK_ORDER_PAYMENTS_MAX;
    (void) fk_order_payments(fk, id, s.payments, &s.payments_count);
    (void) fk_order_start_get(fk, id, s.start, &s.start_size);
    cursor = 0;

    do {
        n = FK_LIST_SLICE_MAX;
        s.cards_code = fk_order_cards(fk, id, &cursor, seen_cards,
                                      sizeof(seen_cards), out, &n);

        for (i = 0; s.cards_code == FK_OK && i < n; i++) {
            s.cards_count++;
            s.cards_crc = fk_crc32c(s.cards_crc, seen_cards + out[i].offset,
                                    out[i].size);
        }
    } while (s.cards_code == FK_OK && cursor != 0);

    return s;
}


__attribute__((unused))
static int
seen_same(const seen_t *a, const seen_t *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}


/* Reads and drops; the record stays with the caller. */
__attribute__((unused))
static fk_code_t
shop_archive(const fk_order_id_t *id, uint8_t *record, size_t *size)
{
    fk_code_t        rc;
    fk_order_view_t  out;

    rc = fk_archive_read(&shop, id, &out, record, FK_ARCHIVE_SIZE_MAX, size);

    return rc == FK_OK ? fk_archive_drop(&shop, &shop_env, id, out.seq) : rc;
}


/* A product's numbers in another region; its record number counts too. */
__attribute__((unused))
static int
products_same(fk_t *a, fk_t *b, const char *sku)
{
    fk_product_view_t  view[2];

    memset(view, 0, sizeof(view));

    return fk_product_get(a, &shop_env, str(sku), &view[0]) == FK_OK
           && fk_product_get(b, &shop_env, str(sku), &view[1]) == FK_OK
           && memcmp(&view[0], &view[1], sizeof(view[0])) == 0;
}


#endif /* FAKA_ARCHIVE_SHOP_H_INCLUDED_ */

/*
 * An archived order that comes back: what its record says, between who reads
 * the record and who puts it into the region.  Private to these two.
 */

#ifndef FK_RESTORE_H_INCLUDED_
#define FK_RESTORE_H_INCLUDED_


#include "fk_journal.h"


/* What a record says, as far as it is needed before its images are written. */
typedef struct {
    const uint8_t     *data;
    fk_record_head_t   head;
    fk_image_order_t   order;
    fk_archived_t      sum;            /* what the product will have less */
    int64_t            revoked;        /* payments that a REVOKE owed */
    size_t             images_size;    /* of the record that restores it */
    uint32_t           cards;
    uint32_t           payments;
    uint32_t           blocks;         /* without the cards' */
    uint32_t           card_blocks;
    uint32_t           key;            /* shared: the card that was sold */
    uint8_t            nonce[FK_NONCE_SIZE];  /* of the first card */
    uint32_t           strays;         /* cards whose batch is gone */
    uint32_t           batch[FK_QTY_MAX];  /* 0: of a stray */
    size_t             payments_at;    /* where the first one begins */
    uint64_t           trade[FK_ORDER_PAYMENTS_MAX];  /* hashes */
    fk_restored_t      buyer;          /* its tallies */
    int                has_split;
    fk_image_split_t   split;
    fk_image_start_t   start;          /* start_size 0: none */
} fk_archive_t;


/* FK_CORRUPT: not the record that fk_archive_read() made; FK_INCOMPATIBLE.
 * Whether it fits this shop is not asked; *a points into data. */
fk_code_t fk_restore_parse(fk_archive_t *a, const uint8_t *data, size_t size);


#endif /* FK_RESTORE_H_INCLUDED_ */

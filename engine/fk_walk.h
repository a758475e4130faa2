/*
 * What the snapshot's steps (fk_snapshot.c) and the images of each table
 * (fk_walk.c) share.  Private to these two.
 */

#ifndef FK_WALK_H_INCLUDED_
#define FK_WALK_H_INCLUDED_


#include "fk_journal.h"


/*
 * Prices of some 2 ns, when all goes badly: a slot is read in passing, an
 * image is written field by field, a link (to a block, a card, a payment) is
 * a miss in the cache.  A step's purse is overdrawn by one order at most,
 * which costs twice as much if it is the largest there can be.
 */
#define FK_PRICE_SLOT        4
#define FK_PRICE_IMAGE       16
#define FK_PRICE_LINK        32

/* The most that one slot can come to, with the number behind each image. */
#define FK_SEQ_SIZE          8
#define FK_WALK_SIZE(n)      ((n) + FK_SEQ_SIZE)
#define FK_WALK_ORDER_SIZE                                                   \
    (FK_WALK_SIZE(FK_IMAGE_ORDER_SIZE(FK_QTY_MAX))                           \
     + FK_ORDER_PAYMENTS_MAX * FK_WALK_SIZE(FK_IMAGE_PAYMENT_SIZE)           \
     + FK_WALK_SIZE(FK_IMAGE_SPLIT_SIZE)                                     \
     + FK_WALK_SIZE(FK_IMAGE_START_SIZE))


typedef struct {
    uint8_t   *at;
    uint8_t   *end;
    uint32_t   images;
    uint32_t   spent;
    uint64_t   count[FK_COUNT_COUNT];
} fk_part_t;


typedef struct {
    fk_table_id_t  table;
    size_t         size_max;           /* of what one slot comes to */
    void         (*write)(const fk_t *fk, fk_part_t *part, uint32_t i);
} fk_walk_t;


/* By phase. */
extern const fk_walk_t  fk_walks[FK_SNAPSHOT_DONE];

/* An image in the part, and its price. */
void fk_part_add(fk_part_t *part, fk_image_type_t type, const void *image);


#endif /* FK_WALK_H_INCLUDED_ */

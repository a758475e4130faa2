/*
 * The journal's format: what stands in the ring, in the journal on disk and
 * in the hands of fk_apply().  Private to fk_image.c, fk_record.c,
 * fk_flush.c, fk_recover.c, fk_apply.c and fk_rebuild.c; tests may include it.
 *
 * A record is a head of 32 bytes and its images, filled up to a multiple of
 * 8 bytes.  All numbers are little-endian, whatever the machine.
 *
 *      0  size      u32   of the whole record
 *      4  crc       u32   CRC-32C of everything behind this field
 *      8  seq       u64   grows by one from record to record, for ever
 *     16  time_ms   i64   Unix time
 *     24  version   u16   of this head
 *     26  count     u16   images
 *     28  reserved  u32   0
 *
 * An image is one entity as it is after the change:
 *
 *      0  type      u8    fk_image_type_t
 *      1  version   u8
 *      2  size      u16   with these four bytes
 *      4  fields          as fk_image.c's tables say
 *
 * A change of an image's fields means a new version with its own table; the
 * tables of old versions stay, so that old records stay readable.
 */

#ifndef FK_JOURNAL_H_INCLUDED_
#define FK_JOURNAL_H_INCLUDED_


#include "fk_priv.h"


#define FK_RECORD_VERSION      1
#define FK_RECORD_ALIGN        8
#define FK_IMAGE_HEAD_SIZE     4
#define FK_IMAGE_VERSION       1

/* Stands where a record's size would: the ring goes on at its start. */
#define FK_RING_FILLER         0xffffffffu


typedef enum {
    FK_IMAGE_PRODUCT = 1,
    FK_IMAGE_BATCH,
    FK_IMAGE_CARD,
    FK_IMAGE_CARD_FREE,
    FK_IMAGE_ORDER,
    FK_IMAGE_PAYMENT,
    FK_IMAGE_LAST
} fk_image_type_t;


typedef struct {
    uint32_t  size;
    uint32_t  crc;
    uint64_t  seq;
    int64_t   time_ms;
    uint16_t  version;
    uint16_t  count;
    uint32_t  reserved;
} fk_record_head_t;


/* The images in plain form, between the region and the bytes. */

typedef struct {
    int64_t   price;
    int64_t   imported;
    int64_t   voided;
    uint32_t  sale_from_s;
    uint32_t  sale_to_s;
    uint32_t  created_s;
    uint32_t  updated_s;
    uint32_t  key;                     /* shared: the card that is sold */
    uint16_t  qty_max;
    uint8_t   kind;
    uint8_t   on_sale;
    char      currency[FK_CURRENCY_SIZE];
    uint16_t  sku_size;
    uint16_t  name_size;
    char      sku[FK_SKU_SIZE_MAX + 1];
    char      name[FK_NAME_SIZE_MAX + 1];
} fk_image_product_t;


typedef struct {
    uint32_t  slot;
    uint32_t  accepted;
    uint32_t  created_s;
    uint16_t  sku_size;                /* 0 for a batch that is free */
    uint8_t   state;
    char      sku[FK_SKU_SIZE_MAX + 1];
} fk_image_batch_t;


typedef struct {
    uint32_t  slot;
    uint32_t  batch;
    uint16_t  sealed_size;
    uint8_t   sealed[FK_SEALED_SIZE_MAX];
} fk_image_card_t;


typedef struct {
    uint32_t  slot;
} fk_image_card_free_t;


typedef struct {
    uint8_t   id[FK_ORDER_ID_SIZE];
    int64_t   amount;
    int64_t   created_ms;
    uint32_t  expires_s;
    uint32_t  paid_s;
    uint16_t  qty;
    uint8_t   axis_payment;
    uint8_t   axis_stock;
    uint8_t   axis_delivery;
    uint8_t   cancelled;
    uint8_t   body[8];
    uint16_t  sku_size;
    uint16_t  channel_size;
    uint16_t  idem_size;               /* 0 or FK_IDEM_SIZE */
    uint16_t  contact_size;
    uint16_t  card_count;
    char      sku[FK_SKU_SIZE_MAX + 1];
    char      channel[FK_CHANNEL_SIZE_MAX + 1];
    uint8_t   idem[FK_IDEM_SIZE];
    uint8_t   contact[FK_CONTACT_SIZE_MAX];
    uint32_t  card[FK_QTY_MAX];
} fk_image_order_t;


typedef struct {
    uint8_t   order[FK_ORDER_ID_SIZE];
    int64_t   amount;
    uint32_t  at_s;
    uint16_t  trade_no_size;
    uint8_t   state;
    uint8_t   trade_no[FK_TRADE_NO_SIZE_MAX];
} fk_image_payment_t;


typedef union {
    fk_image_product_t    product;
    fk_image_batch_t      batch;
    fk_image_card_t       card;
    fk_image_card_free_t  card_free;
    fk_image_order_t      order;
    fk_image_payment_t    payment;
} fk_image_t;


/* --- fk_image.c ------------------------------------------------------- */

/* Little-endian numbers of 1, 2, 4 or 8 bytes. */
void fk_put(uint8_t *at, uint64_t value, size_t width);
uint64_t fk_get(const uint8_t *at, size_t width);

void fk_record_head_put(uint8_t *at, const fk_record_head_t *head);
/* at holds FK_RECORD_HEAD_SIZE bytes; nothing is judged. */
void fk_record_head_get(const uint8_t *at, fk_record_head_t *head);

/* Writes an image, whose size it returns; the room must be there. */
size_t fk_image_put(uint8_t *at, fk_image_type_t type, const void *image);

/*
 * Reads the image at the beginning of size bytes: FK_OK with its type and
 * size, and its fields in *image.  FK_INCOMPATIBLE: a type or version that
 * this build does not know.  FK_CORRUPT: it does not fit its own sizes.
 * Texts get no NUL behind them.  Values are not judged.
 */
fk_code_t fk_image_get(const uint8_t *at, size_t size, fk_image_type_t *type,
    size_t *image_size, fk_image_t *image);


/* --- fk_record.c: the ring -------------------------------------------- */

static inline uint8_t *
fk_ring_at(const fk_t *fk, uint64_t pos)
{
    const fk_ring_t  *ring;

    ring = &fk->region->ring;
    return fk->base + ring->offset + (pos & (ring->size - 1));
}

/* Where the record at pos begins, or limit: steps over a filler at pos. */
uint64_t fk_ring_record(const fk_t *fk, uint64_t pos, uint64_t limit);
/* The end of the record that begins at pos. */
uint64_t fk_ring_next(const fk_t *fk, uint64_t pos);
/* The number of the oldest record that the ring holds; seq + 1 if none. */
uint64_t fk_ring_first_seq(const fk_t *fk);


/* --- fk_apply.c ------------------------------------------------------- */

/*
 * The images of a whole record whose head and checksum are good.  Anything
 * but FK_OK may leave some of them applied: the recovery is over then.
 */
fk_code_t fk_apply_images(fk_t *fk, const fk_record_head_t *head,
    const uint8_t *data);


/* --- fk_check.c ------------------------------------------------------- */

/* Whether the slot is in use, whatever lists it is on. */
int fk_batch_used(const fk_t *fk, uint32_t i);
int fk_card_used(const fk_t *fk, uint32_t i);

/* fk_check() for a caller that has the lock. */
fk_code_t fk_check_locked(fk_t *fk, char *why, size_t why_size);


/* --- fk_rebuild.c ----------------------------------------------------- */

/*
 * Makes everything derived from what fk_apply() left: free lists, indexes,
 * pools, the wheel, waiting lists, counters.  Under the lock; FK_CORRUPT
 * when the entities do not fit together (the text tells).
 */
fk_code_t fk_rebuild(fk_t *fk, const fk_env_t *env, char *why,
    size_t why_size);


#endif /* FK_JOURNAL_H_INCLUDED_ */

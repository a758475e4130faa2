/*
 * The journal's format: what stands in the ring, in the journal on disk and
 * in the hands of fk_apply(), and what the files of engine/ that write and
 * read it share.  Private to them; tests may include it.
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


#include "fk_tally.h"
#include "fk_text.h"


#define FK_RECORD_VERSION      1
#define FK_RECORD_VERSION_PART 0x5301  /* the head of a snapshot's part */
#define FK_SNAPSHOT_FORMAT     1
#define FK_RECORD_VERSION_ARCHIVE 0x4101   /* the head of an order's */
#define FK_RECORD_ALIGN        8
#define FK_IMAGE_HEAD_SIZE     4
#define FK_IMAGE_VERSIONS      5       /* the most that one type has had */

/* Stands where a record's size would: the ring goes on at its start. */
#define FK_RING_FILLER         0xffffffffu


typedef enum {
    FK_IMAGE_PRODUCT = 1,
    FK_IMAGE_BATCH,
    FK_IMAGE_CARD,
    FK_IMAGE_CARD_FREE,
    FK_IMAGE_ORDER,
    FK_IMAGE_PAYMENT,
    FK_IMAGE_ORDER_GONE,
    FK_IMAGE_BATCH_ARCHIVED,
    FK_IMAGE_SNAPSHOT,
    FK_IMAGE_SNAPSHOT_END,
    FK_IMAGE_LEVEL,
    FK_IMAGE_COUPON,
    FK_IMAGE_TALLY,
    FK_IMAGE_ACCOUNT,
    FK_IMAGE_SPLIT,
    FK_IMAGE_WITHDRAWAL,
    FK_IMAGE_START,
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
    int64_t   archived_units;          /* these three from version 2 on */
    int64_t   archived_orders;
    int64_t   archived_amount;
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

    /* from version 3 on */
    uint16_t  buyer_limit;
    uint16_t  tier_count;
    uint16_t  tier_price_count;        /* the same number */
    uint16_t  tier_min_qty[FK_TIERS_MAX];
    int64_t   tier_price[FK_TIERS_MAX];

    /* from version 4 on */
    uint32_t  merchant;                /* an account's slot, or 0 */
} fk_image_product_t;


typedef struct {
    uint32_t  slot;
    uint32_t  accepted;
    uint32_t  created_s;
    uint32_t  archived;                /* from version 2 on */
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

    /* from version 2 on */
    uint32_t  rules;
    uint16_t  step_count;              /* FK_STEPS_KEPT or 0 */
    uint16_t  reason_size;
    uint8_t   review;
    uint8_t   reason[FK_REASON_SIZE_MAX];
    int64_t   step[FK_STEP_COUPON];

    /* from version 3 on: slots, 0 for none */
    uint32_t  tally[FK_TALLY_COUNT];
    uint32_t  coupon;
    uint32_t  agent;                   /* an account's */
    uint8_t   flagged;
} fk_image_order_t;


typedef struct {
    uint8_t   order[FK_ORDER_ID_SIZE];
    int64_t   amount;
    uint32_t  at_s;
    uint16_t  trade_no_size;
    uint8_t   state;
    uint8_t   trade_no[FK_TRADE_NO_SIZE_MAX];
    uint8_t   revoked;                 /* from version 3 on */
} fk_image_payment_t;


/* Not in its order's image: that is written with each change, this once. */

typedef struct {
    uint8_t   order[FK_ORDER_ID_SIZE];
    uint16_t  start_size;
    uint8_t   start[FK_START_SIZE_MAX];
} fk_image_start_t;


/* The order left the region, and with it its payments and its cards. */

typedef struct {
    uint8_t   id[FK_ORDER_ID_SIZE];
} fk_image_order_gone_t;


/*
 * How many cards of a batch are archived: not an image of the batch, whose
 * number stays that of its commit, as pools stand in this order.
 */

typedef struct {
    uint32_t  slot;
    uint32_t  archived;
} fk_image_batch_archived_t;


typedef struct {
    uint32_t  slot;
    uint32_t  parent;                  /* a slot */
    uint32_t  created_s;
    int64_t   archived_earned;
    int64_t   archived_withdrawn;
    uint16_t  rate_bp[FK_ACCOUNT_RATES];
    uint16_t  id_size;
    uint8_t   kind;
    uint8_t   closed;
    char      currency[FK_CURRENCY_SIZE];
    uint8_t   token[FK_TOKEN_SIZE];
    uint8_t   buyer[FK_TALLY_KEY_SIZE];
    char      id[FK_ACCOUNT_SIZE_MAX + 1];

    /* from version 2 on */
    int64_t   archived_spent;
    int64_t   archived_credited;
} fk_image_account_t;


/* Known by its order; its lines and the parts before it never change. */

typedef struct {
    uint8_t   order[FK_ORDER_ID_SIZE];
    int64_t   paid;
    uint32_t  made_s;
    uint32_t  settle_at_s;
    uint8_t   state;
    uint16_t  line_count;
    uint16_t  amount_count;            /* the same */
    uint16_t  part_count;
    uint16_t  parts_size;
    uint32_t  account[FK_SPLIT_LINES_MAX];
    int64_t   amount[FK_SPLIT_LINES_MAX];
    uint8_t   part_size[FK_PARTS_MAX];
    uint8_t   parts[FK_PARTS_MAX * FK_PART_SIZE_MAX];   /* end to end */

    /* from version 2 on */
    uint32_t  payer;                   /* an account's slot, or 0 */
} fk_image_split_t;


typedef struct {
    uint32_t  slot;
    uint32_t  account;
    uint64_t  serial;
    int64_t   amount;
    uint32_t  requested_s;
    uint32_t  decided_s;
    uint8_t   used;                    /* 0: the slot is free again */
    uint8_t   state;
    uint16_t  note_size;
    uint8_t   note[FK_REF_SIZE_MAX];

    /* from version 2 on */
    uint8_t   credit;
} fk_image_withdrawal_t;


/* The first image of a snapshot, and the last one. */

typedef struct {
    uint64_t  epoch;
    uint64_t  begin_seq;
    int64_t   time_ms;
    uint16_t  format;                  /* FK_SNAPSHOT_FORMAT */
} fk_image_snapshot_t;


typedef struct {
    uint64_t  end_seq;
    uint64_t  count[FK_COUNT_COUNT];
} fk_image_snapshot_end_t;


typedef struct {
    uint32_t  slot;
    int64_t   min_spent;
    uint16_t  off_bp;
    uint16_t  name_size;
    char      name[FK_LEVEL_NAME_SIZE_MAX + 1];
} fk_image_level_t;


typedef struct {
    uint32_t  slot;
    uint32_t  from_s;
    uint32_t  to_s;
    uint32_t  created_s;
    uint32_t  updated_s;
    uint32_t  uses_max;
    int64_t   value;
    int64_t   cap;
    int64_t   min_amount;
    int64_t   archived_uses;
    uint16_t  uses_buyer_max;
    uint8_t   kind;
    uint8_t   on;
    char      currency[FK_CURRENCY_SIZE];
    uint16_t  code_size;
    uint16_t  products_size;
    char      code[FK_COUPON_CODE_SIZE_MAX];

    /* SKUs, a NUL behind each */
    char      products[FK_COUPON_PRODUCTS_MAX * (FK_SKU_SIZE_MAX + 1)];
} fk_image_coupon_t;


typedef struct {
    uint32_t  slot;
    uint32_t  last_paid_s;
    int64_t   archived_orders;
    int64_t   archived_units;
    int64_t   archived_amount;
    uint8_t   key[FK_TALLY_KEY_SIZE];
    uint8_t   used;                    /* 0: it was freed */
    uint8_t   kind;
    uint8_t   level;
} fk_image_tally_t;


typedef union {
    fk_image_product_t    product;
    fk_image_batch_t      batch;
    fk_image_card_t       card;
    fk_image_card_free_t  card_free;
    fk_image_order_t      order;
    fk_image_payment_t    payment;
    fk_image_order_gone_t      order_gone;
    fk_image_batch_archived_t  batch_archived;
    fk_image_snapshot_t        snapshot;
    fk_image_snapshot_end_t    snapshot_end;
    fk_image_level_t           level;
    fk_image_coupon_t          coupon;
    fk_image_tally_t           tally;
    fk_image_account_t         account;
    fk_image_split_t           split;
    fk_image_withdrawal_t      withdrawal;
    fk_image_start_t           start;
} fk_image_t;


/* --- fk_image.c ------------------------------------------------------- */

/* Little-endian numbers of 1, 2, 4 or 8 bytes. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "a number's bytes are those of the journal");

static inline void
fk_put(uint8_t *at, uint64_t value, size_t width)
{
    assert(width <= sizeof(value));
    memcpy(at, &value, width);
}


static inline uint64_t
fk_get(const uint8_t *at, size_t width)
{
    uint64_t  value;

    assert(width <= sizeof(value));
    value = 0;
    memcpy(&value, at, width);

    return value;
}

void fk_record_head_put(uint8_t *at, const fk_record_head_t *head);
/* at holds FK_RECORD_HEAD_SIZE bytes; nothing is judged. */
void fk_record_head_get(const uint8_t *at, fk_record_head_t *head);

/*
 * Writes an image in the newest version, and returns its size; the room must
 * be there.
 */
size_t fk_image_put(uint8_t *at, fk_image_type_t type, const void *image);

/*
 * Reads the image at the beginning of size bytes: FK_OK with its type and
 * size, and its fields in *image; those that its version has not are 0.
 * FK_INCOMPATIBLE: a type or version that this build does not know.
 * FK_CORRUPT: it does not fit its own sizes.  Texts get no NUL behind them.
 * Values are not judged.
 */
fk_code_t fk_image_get(const uint8_t *at, size_t size, fk_image_type_t *type,
    size_t *image_size, fk_image_t *image);


/*
 * The size of the image at the beginning of size bytes, or 0 if it does not
 * fit; where its order's id and its Idempotency-Key stand, or NULL.  A look
 * ahead: nothing is judged.
 */
size_t fk_image_names(const uint8_t *at, size_t size, const uint8_t **id,
    const uint8_t **idem);


/* --- fk_ahead.c ------------------------------------------------------- */

/*
 * Asks for the memory that the first of the records at data, or the first
 * images of a part, will look up.  Returns how many bytes they have, from 1
 * on: behind them is where to call it again.
 */
size_t fk_ahead_records(const fk_t *fk, const uint8_t *data, size_t size);
size_t fk_ahead_part(const fk_t *fk, const uint8_t *at, size_t size);


/* --- fk_entity.c ------------------------------------------------------ */

/* What the journal carries of an entity whose slot is in use. */
void fk_product_image(const fk_t *fk, uint32_t product,
    fk_image_product_t *image);
void fk_batch_image(const fk_t *fk, uint32_t batch, fk_image_batch_t *image);
void fk_card_image(const fk_t *fk, uint32_t card, fk_image_card_t *image);
void fk_order_image(const fk_t *fk, uint32_t order, fk_image_order_t *image);
void fk_payment_image(const fk_t *fk, uint32_t payment,
    fk_image_payment_t *image);
void fk_start_image(const fk_t *fk, uint32_t order, fk_image_start_t *image);
void fk_level_image(const fk_t *fk, uint32_t level, fk_image_level_t *image);
void fk_coupon_image(const fk_t *fk, uint32_t coupon,
    fk_image_coupon_t *image);
void fk_tally_image(const fk_t *fk, uint32_t tally, fk_image_tally_t *image);
void fk_account_image(const fk_t *fk, uint32_t account,
    fk_image_account_t *image);
void fk_split_image(const fk_t *fk, uint32_t split, fk_image_split_t *image);
void fk_withdrawal_image(const fk_t *fk, uint32_t withdrawal,
    fk_image_withdrawal_t *image);


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
 * Where an image comes from.  A snapshot shows each entity as it was when the
 * walk came by, so while one is loaded, and until the journal has passed its
 * end, two images may be of two moments: what changed after the snapshot's
 * begin is fuzzy, and the journal has it once more.
 */
typedef struct {
    uint64_t  seq;                     /* last record that touched it */
    uint8_t   loading;                 /* from a snapshot, not a record */
    uint8_t   fuzzy;                   /* changed in the snapshot's window */
} fk_origin_t;

/* One image.  Anything but FK_OK ends the recovery. */
fk_code_t fk_apply_image(fk_t *fk, const fk_origin_t *from,
    fk_image_type_t type, const fk_image_t *image);

/*
 * The images of a whole record whose head and checksum are good.  Anything
 * but FK_OK may leave some of them applied: the recovery is over then.
 */
fk_code_t fk_apply_images(fk_t *fk, const fk_record_head_t *head,
    const uint8_t *data);

/* Not empty, and without the NUL that will stand behind it. */
int fk_text_good(const char *text, size_t size);


/* --- fk_apply_order.c: called by fk_apply.c --------------------------- */

fk_code_t fk_apply_order(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image);
fk_code_t fk_apply_payment(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image);

/* The answer to an image that names what is not there: FK_OK to leave it out,
 * where the journal has both again, or FK_CORRUPT. */
fk_code_t fk_apply_missing(const fk_origin_t *from);

/* Whether an order could look so at all; its SKU and cards are not judged. */
int fk_order_image_good(const fk_image_order_t *in);


/* --- fk_start.c: called by fk_apply.c --------------------------------- */

fk_code_t fk_apply_start(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image);


/* --- fk_apply_terms.c: called by fk_apply.c --------------------------- */

fk_code_t fk_apply_level(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image);
fk_code_t fk_apply_coupon(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image);
fk_code_t fk_apply_tally(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image);

/* A stable slot number beyond the table asks for a larger region. */
fk_code_t fk_slot_judge(const fk_t *fk, fk_table_id_t id, uint32_t slot);


/* --- fk_apply_ledger.c ------------------------------------------------ */

fk_code_t fk_apply_account(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image);
fk_code_t fk_apply_split(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image);
fk_code_t fk_apply_withdrawal(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image);

/* Whether a split could look so at all; *returned: the sum of its parts. */
int fk_split_image_good(const fk_image_split_t *in, int64_t *returned);

/* A slot for the order's split with all that the image says; the room must be
 * there: fk_split_image_blocks(), the blocks of its parts without those of the
 * first known_count ones. */
uint32_t fk_split_write(fk_t *fk, uint32_t order, const fk_image_split_t *in);
uint32_t fk_split_image_blocks(const fk_image_split_t *in,
    uint32_t known_count);

/* The split of an order that comes back from the archive: whether it can have
 * left this shop; and the doing of it, with an image of each account. */
int fk_split_restore_fits(const fk_t *fk, uint32_t product,
    const fk_image_split_t *in, uint8_t axis_payment);
void fk_split_restore(fk_t *fk, uint32_t order, const fk_image_split_t *in);

int fk_account_used(const fk_t *fk, uint32_t i);
int fk_withdrawal_used(const fk_t *fk, uint32_t i);


/* --- fk_rebuild_ledger.c: a step of fk_rebuild() ---------------------- */

fk_code_t fk_rebuild_ledger(fk_t *fk, const fk_env_t *env, fk_text_t *why);


/* --- fk_load.c -------------------------------------------------------- */

/* Whether parts were loaded, but not the last one. */
int fk_load_half(const fk_t *fk);

/* Of the number that stands behind an image of this type in a part, or 0. */
size_t fk_part_seq_size(uint32_t type);

/*
 * As fk_image_get, for the images of a part: *seq is the number of the last
 * record that touched the entity, which stands behind the image and counts to
 * its size; 0 for a card, which has none, and for the head and the foot.
 */
fk_code_t fk_part_image(const uint8_t *at, size_t size,
    fk_image_type_t *type, size_t *image_size, fk_image_t *image,
    uint64_t *seq);


/* --- fk_recover.c ----------------------------------------------------- */

/*
 * Takes the lock and renews the lease of a recovery that is owner's; else
 * FK_CONFLICT and no lock.
 */
fk_code_t fk_recover_lock(fk_t *fk, uint64_t owner, int64_t now_ms);

/* Half of something may be in the tables: this recovery must not go on. */
void fk_recover_give_up(fk_t *fk);

/*
 * The head of the record at the beginning of size bytes.  FK_CORRUPT unless
 * it is whole and its checksum is right.
 */
fk_code_t fk_record_judge(const uint8_t *data, size_t size,
    fk_record_head_t *head);


/* --- fk_archive_record.c ---------------------------------------------- */

/* A walk over the images of a record. */
typedef struct {
    const uint8_t     *data;
    size_t             size;
    size_t             next;           /* where the next image begins */
    uint32_t           left;
    fk_image_type_t    type;
    fk_image_t         image;
} fk_archive_walk_t;

/* Whether data is just one whole record of the archive; its images are not
 * judged.  FK_CORRUPT, or FK_INCOMPATIBLE if a newer version made it. */
fk_code_t fk_archive_judge(const uint8_t *data, size_t size,
    fk_record_head_t *head);

/* Of such a record; FK_NOT_FOUND after its last image. */
void fk_archive_walk(fk_archive_walk_t *walk, const uint8_t *data,
    const fk_record_head_t *head);
fk_code_t fk_archive_next(fk_archive_walk_t *walk);


/* --- fk_archive.c: its images in a recovery --------------------------- */

fk_code_t fk_apply_order_gone(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image);
fk_code_t fk_apply_batch_archived(fk_t *fk, const fk_origin_t *from,
    const fk_image_t *image);


/* --- fk_restore_terms.c: the buyer of an order that comes back -------- */

/* The tallies that its record brings, and those that they are here. */
typedef struct {
    uint32_t  count;
    uint8_t   there[FK_TALLY_COUNT];
    uint8_t   key[FK_TALLY_COUNT][FK_TALLY_KEY_SIZE];
    uint32_t  tally[FK_TALLY_COUNT];
} fk_restored_t;

fk_code_t fk_restore_parse_tally(fk_restored_t *r,
    const fk_image_tally_t *in);

/* Whether the sums say that this order can have left them; finds them. */
int fk_restore_buyer_fits(const fk_t *fk, const fk_image_order_t *in,
    const fk_archived_t *sum, fk_restored_t *r);
int fk_restore_buyer_room(const fk_t *fk, int64_t amount, fk_restored_t *r);

/* Makes those that are not there any more. */
void fk_restore_take(fk_t *fk, fk_restored_t *r);


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

/* What it does, in this order. */
typedef struct {
    const char  *name;
    fk_code_t  (*run)(fk_t *fk, const fk_env_t *env, fk_text_t *why);
} fk_rebuild_step_t;

/* fk_rebuild_terms.c: its two steps. */
fk_code_t fk_rebuild_terms(fk_t *fk, const fk_env_t *env, fk_text_t *why);
fk_code_t fk_rebuild_shares(fk_t *fk, const fk_env_t *env, fk_text_t *why);

#define FK_REBUILD_STEPS  11

extern const fk_rebuild_step_t  fk_rebuild_steps[FK_REBUILD_STEPS];


#endif /* FK_JOURNAL_H_INCLUDED_ */

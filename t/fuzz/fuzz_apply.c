/*
 * Fuzzes recovery: whatever a journal says, fk_apply() and fk_recover_end()
 * answer, and a shop that they open is sound.
 *
 * The first byte chooses how the rest is read:
 *
 *   0  as the bytes of a journal, as they are
 *   1  as images, each with a byte for the count of its record and two for
 *      its size; they follow a real journal
 *   2  as changes to the images of the real journal, which follow it again:
 *      the number of an image, then up to three times place and value
 *
 * In 1 and 2 records get a good head and checksum, so that the fuzzer gets
 * behind them.
 */

#include "../unit/journal_shop.h"
#include "../unit/ledger_shop.h"
#include "must.h"


#define JOURNAL_SIZE_MAX  ((size_t) 1 << 18)
#define IMAGES_MAX        256
#define CHANGES           3


static void fuzz_prepare(void);
static void fuzz_terms(void);
static void fuzz_ledger(void);
static void fuzz_images(void);
static void fuzz_record(const uint8_t *images, size_t size, uint64_t count);
static void fuzz_raw_images(fuzz_input_t *in);
static void fuzz_changed_images(fuzz_input_t *in);


static fk_t      target;
static uint8_t   journal[JOURNAL_SIZE_MAX];
static size_t    journal_size;
static uint64_t  journal_seq;
static size_t    image_at[IMAGES_MAX];  /* in kept */
static uint32_t  images_count;


/* A shop with one of everything; its journal is in kept. */

static void
fuzz_prepare(void)
{
    uint32_t         batch, i;
    uint8_t          results[FK_IMPORT_SLICE_MAX];
    fk_order_view_t  a, b;
    fk_pay_result_t  result;

    shop_open();
    shop_product("card", FK_KIND_CARD, 0);
    shop_product("key", FK_KIND_SHARED, 0);
    shop_product("seats", FK_KIND_COUNTED, 50);
    shop_stock("card", 1, 9);
    shop_stock("key", 200, 2);

    for (i = 0; i < 3; i++) {
        shop_must(shop_buy("card", 3, &a) == FK_OK
                  && shop_buy("seats", 2, &b) == FK_OK, "buy");
    }

    shop_must(shop_pay(&a.id, "t1", a.amount, &result, &a) == FK_OK
              && shop_pay(&a.id, "t2", a.amount, &result, &a) == FK_OK
              && shop_pay(&b.id, "t3", 1, &result, &b) == FK_OK
              && shop_buy("key", 1, &a) == FK_OK
              && fk_cancel(&shop, &shop_env, &a.id, &a) == FK_OK, "orders");
    shop_must(fk_import_begin(&shop, &shop_env, str("key"), &batch) == FK_OK
              && shop_add(batch, 400, 4, 150, results) == FK_OK
              && fk_import_abort(&shop, &shop_env, batch) == FK_OK, "import");
    fuzz_terms();
    fuzz_ledger();
    (void) shop_tick();
    shop_must(shop_sound(), "sound");

    kept_flush();
    fuzz_images();
    region_new(&target, SHOP_SIZE);
}


/* A level, a coupon, and a buyer who has both. */

static void
fuzz_terms(void)
{
    uint8_t          key[FK_TALLY_KEY_SIZE];
    uint64_t         seq;
    fk_checkout_t    in;
    fk_coupon_put_t  coupon;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    coupon = shop_coupon_of("off", FK_COUPON_PERCENT, 500);
    coupon.uses_max = 9;
    coupon.uses_buyer_max = 5;
    shop_digest(1, str(""), key);
    shop_must(shop_coupon_put(&coupon) == FK_OK
              && shop_level("gold", 900, FK_UNITS_MAX) == FK_OK
              && fk_buyer_put(&shop, &shop_env, key, str("gold"), &seq)
                 == FK_OK, "terms");

    in = shop_cart("seats", 1);
    shop_buyer(&in, 1, "off");
    shop_must(fk_checkout(&shop, &shop_env, &in, &out) == FK_OK
              && shop_pay(&out.id, "t4", out.amount, &result, &out) == FK_OK,
              "a buyer");
}


/* Splits, parts and withdrawals; a settled one, and one that is archived. */

static void
fuzz_ledger(void)
{
    size_t           size;
    fk_split_t       split;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    static uint8_t  record[FK_ARCHIVE_SIZE_MAX];

    ledger_some("seats");
    split = ledger_split(20, 0, 0);
    shop_must(shop_buy("seats", 1, &out) == FK_OK
              && ledger_pay(&out.id, "t5", 500, &split, &result, &out)
                 == FK_OK
              && fk_archive_read(&shop, &out.id, &out, record,
                                 sizeof(record), &size) == FK_OK
              && fk_archive_drop(&shop, &shop_env, &out.id, out.seq) == FK_OK,
              "archived");
    shop_wait_s(2 * WEEK_S);
}


static void
fuzz_images(void)
{
    size_t    at, image;
    uint64_t  n;

    for (at = 0; at < kept_size; at = kept_next(at)) {
        image = at + FK_RECORD_HEAD_SIZE;

        for (n = fk_get(kept + at + 26, 2); n > 0; n--) {
            shop_must(images_count < IMAGES_MAX, "images");
            image_at[images_count++] = image;
            image += fk_get(kept + image + 2, 2);
        }
    }
}


static void
fuzz_record(const uint8_t *images, size_t size, uint64_t count)
{
    size_t            whole;
    uint8_t          *at;
    fk_record_head_t  head;

    whole = (FK_RECORD_HEAD_SIZE + size + FK_RECORD_ALIGN - 1)
            & ~(size_t) (FK_RECORD_ALIGN - 1);

    if (whole > JOURNAL_SIZE_MAX - journal_size) {
        return;
    }

    memset(&head, 0, sizeof(head));
    head.version = FK_RECORD_VERSION;
    head.size = (uint32_t) whole;
    head.count = (uint16_t) count;
    head.seq = ++journal_seq;

    at = journal + journal_size;
    memset(at, 0, whole);
    fk_record_head_put(at, &head);
    memcpy(at + FK_RECORD_HEAD_SIZE, images, size);
    record_seal(at);
    journal_size += whole;
}


static void
fuzz_raw_images(fuzz_input_t *in)
{
    size_t    size;
    uint64_t  count;

    while (in->size > 3) {
        count = fuzz_take(in, 1);
        size = fuzz_take(in, 2);
        size = size < in->size ? size : in->size;

        fuzz_record(in->data, size, count);
        in->data += size;
        in->size -= size;
    }
}


static void
fuzz_changed_images(fuzz_input_t *in)
{
    size_t    size, n;
    uint8_t   image[UINT16_MAX];
    uint64_t  which, place, value;

    while (in->size > 0) {
        which = fuzz_take(in, 1) % images_count;
        size = fk_get(kept + image_at[which] + 2, 2);
        memcpy(image, kept + image_at[which], size);

        for (n = 0; n < CHANGES; n++) {
            place = fuzz_take(in, 1);
            value = fuzz_take(in, 1);

            /* Place 0 is the type: it stays, and ends the changes. */
            if (place == 0) {
                break;
            }

            image[place % size] = (uint8_t) value;
        }

        fuzz_record(image, size, 1);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char          why[256];
    size_t        at;
    fk_code_t     rc;
    fk_tick_t     tick;
    const char   *wrong;
    fuzz_input_t  in;

    if (images_count == 0) {
        fuzz_prepare();
    }

    if (size == 0) {
        return 0;
    }

    in.data = data + 1;
    in.size = size - 1 < UINT16_MAX ? size - 1 : UINT16_MAX;
    journal_seq = fk_last_seq(&shop);
    journal_size = kept_size;
    memcpy(journal, kept, kept_size);

    switch (data[0] % 3) {
    case 0:
        memcpy(journal, in.data, in.size);
        journal_size = in.size;
        break;
    case 1:
        fuzz_raw_images(&in);
        break;
    default:
        fuzz_changed_images(&in);
    }

    shop_must(fk_format(target.base, target.size, shop_seed) == FK_OK
              && fk_attach(&target, target.base, target.size, &wrong) == FK_OK
              && fk_recover_begin(&target, 1, 0) == FK_OK, "begin");

    rc = fk_apply(&target, 1, 0, journal, journal_size, &at);

    if (at > journal_size) {
        abort();
    }

    if (rc != FK_OK) {
        /* Damage ended it: only from the beginning again. */
        if (fk_recover_end(&target, &shop_env, 1, 1, why, sizeof(why))
            != FK_CONFLICT)
        {
            abort();
        }
        return 0;
    }

    rc = fk_recover_end(&target, &shop_env, 1, 1, why, sizeof(why));

    if (rc == FK_CORRUPT && why[0] != '\0') {
        return 0;
    }

    if (rc != FK_OK) {
        abort();
    }

    /* It sells: what time does to it must leave it sound. */
    (void) fk_tick(&target, &shop_env, 1000, &tick);

    if (fk_check(&target, why, sizeof(why)) != FK_OK) {
        abort();
    }

    return 0;
}

/*
 * The look ahead: what of the next records is read before they are judged.
 * It reads no byte too many, whatever is cut off, and what it says is read
 * ends between two images, also in a snapshot's first part, whose head has no
 * number behind it.
 */

#include "record_maker.h"


#define ORDERS_COUNT  200


/* An order cut off at each of its bytes. */
static void
test_cuts(void)
{
    size_t           total, cut, used, wrong;
    uint8_t          bytes[FK_IMAGE_ORDER_SIZE(FK_QTY_MAX)];
    fk_image_t       image;
    const uint8_t   *id, *idem;
    fk_image_type_t  type;

    image = made_order(9, "card", 1);
    image.order.card_count = 1;
    image.order.card[0] = 3;
    total = fk_image_put(bytes, FK_IMAGE_ORDER, &image);
    wrong = 0;

    for (cut = FK_IMAGE_HEAD_SIZE; cut < total; cut++) {
        fk_put(bytes + 2, cut, 2);
        wrong += fk_image_get(bytes, cut, &type, &used, &image) != FK_CORRUPT;
        wrong += fk_image_names(bytes, cut, &id, &idem) != cut;
        wrong += id != NULL && cut < FK_IMAGE_HEAD_SIZE + FK_ORDER_ID_SIZE;
        wrong += idem != NULL && idem + FK_IDEM_SIZE > bytes + cut;
    }

    EQ_INT(wrong, 0, "each of %zu cuts of an order is refused",
           total - FK_IMAGE_HEAD_SIZE);

    fk_put(bytes + 2, total, 2);
    bytes[1] = FK_IMAGE_VERSIONS + 1;
    EQ_INT(fk_image_names(bytes, total, &id, &idem), total,
           "a newer order is passed over");
    OK(id == NULL && idem == NULL, "and its names are not guessed");
}


/* A whole snapshot in one part, with more orders than one look takes. */
static void
part_make(void)
{
    uint32_t    n;
    fk_image_t  image;

    made_begin();
    made_open();

    memset(&image, 0, sizeof(image));
    image.snapshot.format = FK_SNAPSHOT_FORMAT;
    image.snapshot.epoch = 1;
    image.snapshot.begin_seq = 100;
    made_add(FK_IMAGE_SNAPSHOT, &image);

    image = made_product("seats", FK_KIND_COUNTED, ORDERS_COUNT);
    made_add(FK_IMAGE_PRODUCT, &image);
    made_add_seq(1);

    for (n = 1; n <= ORDERS_COUNT; n++) {
        image = made_order(n, "seats", 1);
        made_add(FK_IMAGE_ORDER, &image);
        made_add_seq(1);
    }

    memset(&image, 0, sizeof(image));
    image.snapshot_end.end_seq = 100;
    image.snapshot_end.count[FK_COUNT_PRODUCTS] = 1;
    image.snapshot_end.count[FK_COUNT_ORDERS] = ORDERS_COUNT;
    made_add(FK_IMAGE_SNAPSHOT_END, &image);
    made_close(FK_RECORD_VERSION_PART);
}


static void
test_part(void)
{
    fk_t             fk;
    size_t           at, used, size;
    uint32_t         images, looks, wrong;
    uint64_t         seq;
    fk_image_t       image;
    fk_image_type_t  type;

    region_new(&fk, SHOP_SIZE);
    part_make();
    shop_must(fk_recover_begin(&fk, 2, 0) == FK_OK, "begin");
    EQ_INT(fk_snapshot_load(&fk, 2, 0, made, made_size, &at), FK_OK,
           "a part of %u orders", ORDERS_COUNT);

    used = FK_RECORD_HEAD_SIZE;
    at = used;
    looks = 0;
    wrong = 0;

    for (images = 0; images < made_count; images++) {
        if (used >= at) {
            wrong += used != at;
            at = used + fk_ahead_part(&fk, made + used, made_size - used);
            looks++;
        }

        shop_must(fk_part_image(made + used, made_size - used, &type, &size,
                                &image, &seq) == FK_OK, "image");
        used += size;
    }

    EQ_INT(wrong, 0, "each look ends where an image does");
    OK(looks > 2 * ORDERS_COUNT / 64,
       "%u looks, none passes over what it has no room for", looks);
    region_drop(&fk);
}


int
main(void)
{
    shop_env.now_ms = (int64_t) SHOP_START_S * 1000;

    test_cuts();
    test_part();

    return tap_done();
}

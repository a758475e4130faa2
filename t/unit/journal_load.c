/*
 * What a snapshot's load refuses: damaged, cut, reordered and repeated parts,
 * newer versions, parts that pass their checksum and say what cannot be, and
 * a journal that ends before the snapshot does.
 */

#include "journal_life.h"
#include "journal_parts.h"


#define PARTS_MAX  64


static size_t    part_at[PARTS_MAX + 1];
static size_t    parts_count;
static uint8_t  *changed;              /* a copy to be spoilt */
static fk_t      twin;


static void
make_parts(void)
{
    size_t  at;

    life_begin(42);
    live(2500);
    parts_begin();
    live(40);

    while (parts_step() == FK_AGAIN) {
        live(40);
    }

    fk_snapshot_end(&shop, WALKER);
    kept_flush();

    for (at = 0; at < parts_size; at += fk_get(parts + at, 4)) {
        shop_must(parts_count < PARTS_MAX, "parts");
        part_at[parts_count++] = at;
    }

    part_at[parts_count] = parts_size;
    changed = malloc(PARTS_SIZE_MAX);
    shop_must(changed != NULL && parts_count >= 8, "enough parts");
    region_new(&twin, SHOP_SIZE);
}


static fk_code_t
load(const uint8_t *data, size_t size, size_t *at)
{
    shop_must(fk_recover_begin(&twin, 2, 0) == FK_OK, "begin");
    return fk_snapshot_load(&twin, 2, 0, data, size, at);
}


static void
test_damage(void)
{
    size_t     at, n, stop, wrong, flips;
    fk_code_t  rc;

    memcpy(changed, parts, parts_size);
    wrong = 0;
    flips = 0;

    for (n = 0; n < parts_count; n++) {
        for (at = part_at[n]; at < part_at[n + 1]; at += 131) {
            changed[at] ^= (uint8_t) (1u << (at % 8));
            rc = load(changed, parts_size, &stop);
            changed[at] = parts[at];
            wrong += rc != FK_CORRUPT || stop != part_at[n];
            flips++;
        }
    }

    OK(wrong == 0 && flips > 200, "each of %zu flipped bits is found, and its "
       "part named", flips);

    wrong = 0;

    for (at = 1; at < part_at[2]; at += 7) {
        wrong += load(parts, at, &stop) != (at == part_at[1] ? FK_OK
                                                             : FK_CORRUPT);
    }

    EQ_INT(wrong, 0, "a part that is cut off is refused");
}


/* Parts of the snapshot in another order, by number; ended by -1. */
static const struct {
    const char  *name;
    int          part[6];
    int          stop;                 /* the part that is refused */
} orders_wrong[] = {
    { "without the first", { 1, 2, -1 }, 0 },
    { "without the second", { 0, 2, -1 }, 1 },
    { "the first twice", { 0, 0, 1, -1 }, 1 },
    { "one twice", { 0, 1, 2, 2, -1 }, 3 },
    { "two changed places", { 0, 2, 1, -1 }, 1 },
    { "from the beginning again", { 0, 1, 0, -1 }, 2 },
};


static void
test_order(void)
{
    size_t    c, stop, size, begin[6];
    uint32_t  i, n;

    for (c = 0; c < sizeof(orders_wrong) / sizeof(orders_wrong[0]); c++) {
        size = 0;

        for (i = 0; orders_wrong[c].part[i] >= 0; i++) {
            n = (uint32_t) orders_wrong[c].part[i];
            begin[i] = size;
            memcpy(changed + size, parts + part_at[n],
                   part_at[n + 1] - part_at[n]);
            size += part_at[n + 1] - part_at[n];
        }

        EQ_INT(load(changed, size, &stop), FK_CORRUPT, "parts %s",
               orders_wrong[c].name);
        EQ_INT(stop, begin[orders_wrong[c].stop], "stopped at the place");
    }

    memcpy(changed, parts, parts_size);
    memcpy(changed + parts_size, parts + part_at[1], part_at[2] - part_at[1]);
    fk_put(changed + parts_size + 8, parts_count + 1, 8);
    record_seal(changed + parts_size);
    EQ_INT(load(changed, parts_size + part_at[2] - part_at[1], &stop),
           FK_CORRUPT, "a part behind the last one");
    EQ_INT(stop, parts_size, "stopped there");

    EQ_INT(load(parts, parts_size, &stop), FK_OK, "all of them in order");
    EQ_INT(stop, parts_size, "to the end");
    EQ_INT(fk_recover_seq(&twin), snapshot.begin_seq, "its begin is known");
    EQ_INT(fk_snapshot_load(&twin, 2, 0, parts, part_at[1], &stop),
           FK_CORRUPT, "not once more");
    EQ_INT(fk_apply(&twin, 2, 0, kept, 0, &stop), FK_CONFLICT,
           "and that recovery is over");
}


/* Bytes of the first part; those of its first image begin at 32. */
static const struct {
    const char  *name;
    size_t       at;
    uint8_t      value;
    fk_code_t    want;
} lies[] = {
    { "another number", 8, 2, FK_CORRUPT },
    { "a newer kind of part", 24, 2, FK_INCOMPATIBLE },
    { "a record of the journal", 25, 0, FK_CORRUPT },
    { "more images than there are", 27, 9, FK_CORRUPT },
    { "an unknown image", 32, 99, FK_INCOMPATIBLE },
    { "a product in front of the head", 32, FK_IMAGE_PRODUCT, FK_CORRUPT },
    { "a newer head", 33, 2, FK_INCOMPATIBLE },
    { "a newer format", 36, 2, FK_INCOMPATIBLE },
    { "a begin behind the end", 50, 1, FK_CORRUPT },
};


/* Its image: the end's number and the counts behind the head. */
#define FOOT_SIZE  (FK_IMAGE_HEAD_SIZE + 8 * (1 + FK_COUNT_COUNT))

static void
test_lies(void)
{
    size_t  n, stop, last;

    for (n = 0; n < sizeof(lies) / sizeof(lies[0]); n++) {
        memcpy(changed, parts, parts_size);
        changed[lies[n].at] = lies[n].value;
        record_seal(changed);
        EQ_INT(load(changed, parts_size, &stop), lies[n].want, "%s",
               lies[n].name);
    }

    /* The foot stands at the end: its counts, and before them its seq. */
    memcpy(changed, parts, parts_size);
    last = parts_size;
    while (changed[last - FOOT_SIZE + 4] != FK_IMAGE_SNAPSHOT_END
           || fk_get(changed + last - FOOT_SIZE + 6, 2) != FOOT_SIZE)
    {
        last--;
    }

    for (n = 0; n < 1 + FK_COUNT_COUNT; n++) {
        stop = last - FOOT_SIZE + 8 + 8 * n;
        changed[stop]++;
        record_seal(changed + part_at[parts_count - 1]);
        EQ_INT(load(changed, parts_size, &stop), n == 0 ? FK_OK : FK_CORRUPT,
               n == 0 ? "a later end is no lie" : "one more of kind %zu", n);
        changed[last - FOOT_SIZE + 8 + 8 * n]--;
    }

    /* Entities younger than the end. */
    fk_put(changed + last - FOOT_SIZE + 8, snapshot.begin_seq, 8);
    record_seal(changed + part_at[parts_count - 1]);
    EQ_INT(load(changed, parts_size, &stop), FK_CORRUPT,
           "an end before what it holds");
}


/*
 * An order that is older than the snapshot refers to what is older still: if
 * that is missing, it was lost.  The images of one shop at rest are left out
 * one kind at a time.
 */
static size_t
without(fk_image_type_t type)
{
    size_t            at, used, size, image_size, out;
    uint32_t          n, count;
    uint64_t          seq;
    fk_image_t        image;
    fk_image_type_t   is;
    fk_record_head_t  head;

    out = 0;

    for (at = 0; at < parts_size; at += head.size) {
        fk_record_head_get(parts + at, &head);
        memcpy(changed + out, parts + at, FK_RECORD_HEAD_SIZE);
        used = FK_RECORD_HEAD_SIZE;
        size = used;
        count = 0;

        for (n = 0; n < head.count; n++) {
            shop_must(fk_part_image(parts + at + used, head.size - used, &is,
                                    &image_size, &image, &seq) == FK_OK,
                      "image");

            if (is == FK_IMAGE_SNAPSHOT_END) {
                image.snapshot_end.count[type == FK_IMAGE_PRODUCT ? 0
                                         : type == FK_IMAGE_BATCH ? 1
                                         : type == FK_IMAGE_CARD ? 2 : 3] = 0;
                (void) fk_image_put(changed + out + size, is, &image);
                size += image_size;
                count++;

            } else if (is != type) {
                memcpy(changed + out + size, parts + at + used, image_size);
                size += image_size;
                count++;
            }

            used += image_size;
        }

        if (count == 0) {
            continue;
        }

        while (size % FK_RECORD_ALIGN != 0) {
            changed[out + size++] = 0;
        }

        fk_put(changed + out, size, 4);
        fk_put(changed + out + 26, count, 2);
        record_seal(changed + out);
        out += size;
    }

    return out;
}


/*
 * The images of the only part, those of one type moved in front of those of
 * another.
 */
static void
moved(fk_image_type_t type, fk_image_type_t front)
{
    int               pass;
    size_t            used, size, image_size;
    uint32_t          n;
    uint64_t          seq;
    fk_image_t        image;
    fk_image_type_t   is;
    fk_record_head_t  head;

    fk_record_head_get(parts, &head);
    shop_must(head.size == parts_size, "one part");
    memcpy(changed, parts, parts_size);
    size = FK_RECORD_HEAD_SIZE;

    /* What is in front of both; what moves; and all that is left. */
    for (pass = 0; pass < 3; pass++) {
        used = FK_RECORD_HEAD_SIZE;

        for (n = 0; n < head.count; n++) {
            shop_must(fk_part_image(parts + used, head.size - used, &is,
                                    &image_size, &image, &seq) == FK_OK,
                      "image");

            if (pass == (is == type ? 1
                         : is < front || is == FK_IMAGE_SNAPSHOT ? 0 : 2))
            {
                memcpy(changed + size, parts + used, image_size);
                size += image_size;
            }

            used += image_size;
        }
    }

    record_seal(changed);
}


static void
test_missing(void)
{
    size_t           stop;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    life_begin(1);
    shop_stock("card-a", 1, 5);
    parts_take();

    moved(FK_IMAGE_PRODUCT, FK_IMAGE_PRODUCT);
    EQ_INT(load(changed, parts_size, &stop), FK_OK, "images in their order");
    moved(FK_IMAGE_CARD, FK_IMAGE_BATCH);
    EQ_INT(load(changed, parts_size, &stop), FK_CORRUPT,
           "cards in front of their batch");

    shop_must(shop_buy("card-a", 2, &out) == FK_OK
              && shop_pay(&out.id, "t", out.amount, &result, &out) == FK_OK,
              "order");
    parts_take();

    EQ_INT(load(changed, without(FK_IMAGE_PRODUCT), &stop), FK_CORRUPT,
           "an order without its product");
    EQ_INT(load(changed, without(FK_IMAGE_CARD), &stop), FK_CORRUPT,
           "an order without its cards");
    EQ_INT(load(changed, without(FK_IMAGE_BATCH), &stop), FK_CORRUPT,
           "cards without their batch");
    EQ_INT(load(changed, without(FK_IMAGE_ORDER), &stop), FK_CORRUPT,
           "a payment without its order");
    EQ_INT(load(changed, without(FK_IMAGE_PAYMENT), &stop), FK_CORRUPT,
           "fewer payments than the foot says");
}


/* The tail must reach the end, and nobody may skip the last part. */
static void
test_short(void)
{
    char    why[256];
    size_t  from, at, end, stop;

    from = kept_behind(snapshot.begin_seq);
    end = kept_behind(snapshot.end_seq);
    shop_must(end > from, "a window");

    shop_must(load(parts, parts_size, &stop) == FK_OK, "load");
    for (at = from; kept_next(at) < end; at = kept_next(at)) { /* void */ }
    shop_must(fk_apply(&twin, 2, 0, kept + from, at - from, &stop) == FK_OK,
              "apply");
    EQ_INT(fk_recover_end(&twin, &shop_env, 2, 2, why, sizeof(why)),
           FK_CORRUPT, "a journal that ends inside: %s", why);
    EQ_INT(fk_shop_state(&twin), FK_SHOP_FAILED, "the shop stops");
    region_drop(&twin);

    region_new(&twin, SHOP_SIZE);
    shop_must(load(parts, part_at[parts_count - 1], &stop) == FK_OK, "load");
    EQ_INT(fk_apply(&twin, 2, 0, kept, kept_next(0), &stop), FK_CORRUPT,
           "no record before the last part");

    shop_must(load(parts, part_at[parts_count - 1], &stop) == FK_OK, "load");
    EQ_INT(fk_recover_end(&twin, &shop_env, 2, 2, why, sizeof(why)),
           FK_CORRUPT, "nor an end: %s", why);
    region_drop(&twin);

    region_new(&twin, SHOP_SIZE);
    shop_must(fk_recover_begin(&twin, 2, 0) == FK_OK
              && fk_apply(&twin, 2, 0, kept, kept_next(0), &stop) == FK_OK,
              "apply");
    EQ_INT(fk_snapshot_load(&twin, 2, 0, parts, parts_size, &stop),
           FK_CORRUPT, "no part behind a record");

    /* Records that the snapshot does not follow on. */
    shop_must(load(parts, parts_size, &stop) == FK_OK, "load");
    at = kept_next(from);
    EQ_INT(fk_apply(&twin, 2, 0, kept + at, kept_size - at, &stop),
           FK_CORRUPT, "a gap behind the snapshot");
}


/* In the window a card may come that is there, but no other in its place. */
static void
test_window(void)
{
    size_t    at, stop, image;
    uint8_t   results[FK_IMPORT_SLICE_MAX];
    uint32_t  batch;

    life_begin(1);

    /* The walk comes by slots that have been used: an import gave these up. */
    shop_must(fk_import_begin(&shop, &shop_env, str("card-a"), &batch)
              == FK_OK && shop_add(batch, 1, 3, 300, results) == FK_OK
              && fk_import_abort(&shop, &shop_env, batch) == FK_OK, "import");
    (void) shop_tick();
    kept_flush();
    kept_size = 0;

    parts_begin();
    shop_must(fk_import_begin(&shop, &shop_env, str("card-a"), &batch)
              == FK_OK && shop_add(batch, 1, 3, 300, results) == FK_OK, "add");
    while (parts_step() == FK_AGAIN) { /* void */ }
    fk_snapshot_end(&shop, WALKER);
    kept_flush();

    shop_must(load(parts, parts_size, &stop) == FK_OK, "load");
    EQ_INT(fk_apply(&twin, 2, 0, kept, kept_size, &stop), FK_OK,
           "cards that both have");

    /* The second record holds the cards; a byte of the first one's seal. */
    at = kept_next(0);
    image = at + FK_RECORD_HEAD_SIZE;
    shop_must(kept[image] == FK_IMAGE_CARD, "a card");
    kept[image + 40] ^= 1;
    record_seal(kept + at);
    shop_must(load(parts, parts_size, &stop) == FK_OK, "load");
    EQ_INT(fk_apply(&twin, 2, 0, kept, kept_size, &stop), FK_CORRUPT,
           "another card in its slot");
    EQ_INT(stop, at, "at its record");
}


int
main(void)
{
    make_parts();
    test_damage();
    test_order();
    test_lies();
    test_short();
    test_window();
    test_missing();

    return tap_done();
}

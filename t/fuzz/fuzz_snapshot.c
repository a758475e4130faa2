/*
 * Fuzzes a recovery that begins with a snapshot: whatever its parts and the
 * journal behind them say, fk_snapshot_load(), fk_apply() and
 * fk_recover_end() answer, and a shop that they open is sound, agrees with a
 * naive recount, and takes every command.  Seeds in corpus/snapshot.
 *
 * The snapshot is of a full shop that went on changing while it was written,
 * so its parts and its journal are of many moments.  The first byte chooses
 * what the rest does to them:
 *
 *   0  stands in their place, as it is
 *   1  images that stand in the place of one part's: a byte for the part, two
 *      for the count, then the bytes
 *   2  changes to images: the image's number (two bytes), place, value
 *   3  the order of the parts and records: for each a byte says which one,
 *      past the last one the end
 *
 * In 1 and 2 heads and checksums are made right, so that the fuzzer gets
 * behind them.
 */

#include "../unit/journal_parts.h"
#include "full_shop.h"
#include "region_commands.h"
#include "region_recount.h"
#include "must.h"


#define PIECES_MAX     256             /* parts and records */
#define IMAGES_MAX     4096
#define ORIGINAL_MAX   ((size_t) 1 << 20)
#define CHANGED_MAX    (4 * ORIGINAL_MAX)

/* A part, or a record of the journal behind the snapshot. */

typedef struct {
    size_t  at;
    size_t  size;
} piece_t;


static uint8_t   original[ORIGINAL_MAX];
static piece_t   pieces[PIECES_MAX];
static size_t    pieces_count;
static size_t    pieces_parts;         /* the first of them are parts */
static piece_t   images[IMAGES_MAX];
static size_t    images_count;

static uint8_t   changed[CHANGED_MAX];
static size_t    changed_size;
static size_t    changed_parts_size;
static int64_t   start_ms;


/* --- the real ones ---------------------------------------------------- */

/* One of each kind of change, between the parts. */

static void
change_shop(unsigned turn)
{
    char                  no[8];
    uint8_t               results[FK_IMPORT_SLICE_MAX];
    uint32_t              accepted;
    uint64_t              seq;
    fk_order_view_t       view;
    fk_pay_result_t       result;
    fk_withdrawal_view_t  w;

    snprintf(no, sizeof(no), "w-%u", turn);

    if (turn % 2 == 0) {
        (void) shop_buy("card", 1, &view);
    } else {
        (void) shop_buy("seats", 2, &view);
    }

    if (turn % 3 == 0) {
        (void) shop_pay(&view.id, no, view.amount, &result, &view);
    } else if (turn % 3 == 1) {
        (void) fk_cancel(&shop, &shop_env, &view.id, &view);
    }

    if (turn == 2) {
        MUST(shop_add(full_import, 800, 3, 60, results) == FK_OK);
        MUST(fk_import_commit(&shop, &shop_env, full_import, &accepted, &seq)
             == FK_OK);
    }

    if (turn == 3) {
        MUST(fk_withdrawal_request(&shop, &shop_env, str("a"), 2, str(""), &w)
             == FK_OK);
    }
}


static void
original_add(const uint8_t *data, size_t size)
{
    size_t    at, end;
    piece_t  *piece;

    for (at = 0; at < size; at += piece->size) {
        MUST(pieces_count < PIECES_MAX);
        piece = &pieces[pieces_count++];
        piece->size = fk_get(data + at, 4);
        piece->at = at == 0 && pieces_count == 1 ? 0
                    : piece[-1].at + piece[-1].size;
        end = piece->at + piece->size;
        MUST(end <= ORIGINAL_MAX);
        memcpy(original + piece->at, data + at, piece->size);
    }
}


/* Every image of the parts, with its number behind it, and of the records. */

static void
find_images(void)
{
    size_t           n, at, size;
    uint64_t         count, seq;
    fk_code_t        rc;
    fk_image_t       image;
    fk_image_type_t  type;

    for (n = 0; n < pieces_count; n++) {
        at = pieces[n].at + FK_RECORD_HEAD_SIZE;

        for (count = fk_get(original + pieces[n].at + 26, 2); count > 0;
             count--)
        {
            size = pieces[n].at + pieces[n].size - at;
            rc = n < pieces_parts
                 ? fk_part_image(original + at, size, &type, &size, &image,
                                 &seq)
                 : fk_image_get(original + at, size, &type, &size, &image);
            MUST(rc == FK_OK && images_count < IMAGES_MAX);
            images[images_count].at = at;
            images[images_count++].size = size;
            at += size;
        }
    }
}


static void
set_up(void)
{
    unsigned           turn;
    fk_code_t          rc;
    fk_journal_view_t  view;

    shop_open();
    full_build();
    fk_journal_view(&shop, &view);
    MUST(fk_flush_done(&shop, 7, view.sent_seq) == FK_OK);
    kept_flush();
    kept_size = 0;

    parts_begin();

    for (turn = 0; /* void */ ; turn++) {
        rc = parts_step();
        if (rc != FK_AGAIN) {
            break;
        }

        if (turn < 6) {
            change_shop(turn);
        }
    }

    MUST(rc == FK_OK);
    fk_snapshot_end(&shop, WALKER);
    change_shop(7);
    kept_flush();

    original_add(parts, parts_size);
    pieces_parts = pieces_count;
    original_add(kept, kept_size);
    find_images();
    start_ms = shop_env.now_ms;
}


/* --- changed ---------------------------------------------------------- */

static void
changed_add(const uint8_t *data, size_t size)
{
    if (size <= CHANGED_MAX - changed_size) {
        memcpy(changed + changed_size, data, size);
        changed_size += size;
    }
}


static void
changed_as_it_is(void)
{
    memcpy(changed, original,
           pieces[pieces_count - 1].at + pieces[pieces_count - 1].size);
    changed_size = pieces[pieces_count - 1].at
                   + pieces[pieces_count - 1].size;
    changed_parts_size = pieces[pieces_parts - 1].at
                         + pieces[pieces_parts - 1].size;
}


static void
changed_bytes(fuzz_input_t *in)
{
    changed_size = 0;
    changed_add(in->data, in->size);
    changed_parts_size = changed_size;
}


static void
changed_part(fuzz_input_t *in)
{
    size_t             n, which, count, whole;
    uint8_t           *at;
    fk_record_head_t   head;

    which = fuzz_take(in, 1) % pieces_parts;
    count = fuzz_take(in, 2);
    changed_size = 0;

    for (n = 0; n < pieces_parts; n++) {
        if (n != which) {
            changed_add(original + pieces[n].at, pieces[n].size);
            continue;
        }

        whole = (FK_RECORD_HEAD_SIZE + in->size + FK_RECORD_ALIGN - 1)
                & ~(size_t) (FK_RECORD_ALIGN - 1);
        at = changed + changed_size;
        fk_record_head_get(original + pieces[n].at, &head);
        head.size = (uint32_t) whole;
        head.count = (uint16_t) count;
        memset(at, 0, whole);
        fk_record_head_put(at, &head);
        memcpy(at + FK_RECORD_HEAD_SIZE, in->data, in->size);
        record_seal(at);
        changed_size += whole;
    }

    changed_parts_size = changed_size;

    for ( /* void */ ; n < pieces_count; n++) {
        changed_add(original + pieces[n].at, pieces[n].size);
    }
}


static void
changed_images(fuzz_input_t *in)
{
    size_t          n;
    uint64_t        place;
    const piece_t  *image;

    changed_as_it_is();

    while (in->size >= 4) {
        image = &images[fuzz_take(in, 2) % images_count];
        place = fuzz_take(in, 1);

        /* Place 0 is the type; long ones are reached by their number, too. */
        if (image->size > 256) {
            place *= image->size / 256;
        }

        changed[image->at + place % image->size] = (uint8_t) fuzz_take(in, 1);
    }

    for (n = 0; n < pieces_count; n++) {
        record_seal(changed + pieces[n].at);
    }
}


static void
changed_order(fuzz_input_t *in)
{
    size_t  which;

    changed_size = 0;
    changed_parts_size = 0;

    while (in->size > 0) {
        which = fuzz_take(in, 1);

        if (which >= pieces_count) {
            break;
        }

        changed_add(original + pieces[which].at, pieces[which].size);

        if (which < pieces_parts) {
            changed_parts_size = changed_size;
        }
    }
}


/* --- the recovery ----------------------------------------------------- */

static fk_code_t
recover(char why[256])
{
    size_t     at;
    fk_code_t  rc;

    MUST(fk_format(shop.base, shop.size, shop_seed) == FK_OK
         && fk_recover_begin(&shop, 2, 0) == FK_OK);

    rc = fk_snapshot_load(&shop, 2, 0, changed, changed_parts_size, &at);
    MUST(at <= changed_parts_size);

    if (rc == FK_OK) {
        rc = fk_apply(&shop, 2, 0, changed + changed_parts_size,
                      changed_size - changed_parts_size, &at);
        MUST(at <= changed_size - changed_parts_size);
    }

    if (rc != FK_OK) {
        /* Damage ended it: only from the beginning again. */
        MUST(rc == FK_CORRUPT || rc == FK_INCOMPATIBLE
             || rc == FK_TABLE_FULL || rc == FK_CONFLICT);
        MUST(fk_recover_end(&shop, &shop_env, 2, 2, why, 256) == FK_CONFLICT);
        return rc;
    }

    rc = fk_recover_end(&shop, &shop_env, 2, 2, why, 256);
    MUST(rc == FK_OK || (rc == FK_CORRUPT && why[0] != '\0'));

    return rc;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char          why[256];
    unsigned      i, how;
    fuzz_input_t  in;

    if (images_count == 0) {
        set_up();
        changed_as_it_is();
        MUST(recover(why) == FK_OK);
    }

    in.data = data;
    in.size = size < UINT16_MAX ? size : UINT16_MAX;
    how = (unsigned) fuzz_take(&in, 1) % 4;

    switch (how) {
    case 0:
        changed_bytes(&in);
        break;
    case 1:
        changed_part(&in);
        break;
    case 2:
        changed_images(&in);
        break;
    default:
        changed_order(&in);
    }

    shop_env.now_ms = start_ms;
    command_serial = 0;

    if (recover(why) != FK_OK) {
        return 0;
    }

    recount();

    for (i = 0; i < COMMANDS_COUNT; i++) {
        commands[i].call();
    }

    MUST(fk_check(&shop, why, sizeof(why)) == FK_OK);
    recount();

    return 0;
}

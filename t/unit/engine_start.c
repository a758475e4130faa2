/*
 * How a payment was begun: what is kept of it, for whom, for how long, and
 * that every way in which a shop is read back brings it again.
 */

#include "archive_shop.h"
#include "journal_parts.h"


#define URL  "https://pay.example/c/pay/cs_test_of_more_than_two_blocks_of_it"


static uint8_t        record[FK_ARCHIVE_SIZE_MAX];
static size_t         record_size;
static fk_order_id_t  id;


static void
open_shop(void)
{
    fk_order_view_t  out;

    shop_open();
    kept_size = 0;
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 9);
    shop_must(shop_buy("x", 1, &out) == FK_OK, "buy");
    id = out.id;
}


static fk_code_t
start(const char *text)
{
    fk_code_t        code;
    fk_order_view_t  out;

    code = fk_order_start(&shop, &shop_env, &id, str(text), &out);

    if (code == FK_OK) {
        EQ_INT(out.seq, fk_last_seq(&shop), "the record to wait for");
    }

    return code;
}


/* Whether this is what a shop keeps of the order. */
static int
kept_start(fk_t *fk, const char *text)
{
    size_t   size;
    uint8_t  out[FK_START_SIZE_MAX];

    return fk_order_start_get(fk, &id, out, &size) == FK_OK
           && size == strlen(text) && memcmp(out, text, size) == 0;
}


static void
pay(const char *trade)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    shop_must(shop_pay(&id, trade, 500, &result, &out) == FK_OK, "pay");
}


static void
test_first(void)
{
    size_t           size;
    uint64_t         seq;
    uint8_t          out[FK_START_SIZE_MAX];
    fk_order_id_t    other;
    fk_order_view_t  view;

    open_shop();
    OK(kept_start(&shop, ""), "none yet");
    EQ_INT(start(URL), FK_OK, "the first one");
    OK(kept_start(&shop, URL), "is kept");

    seq = fk_last_seq(&shop);
    EQ_INT(start("another"), FK_EXISTS, "the second one is not");
    EQ_INT(start(URL), FK_EXISTS, "nor the same again");
    EQ_INT(fk_last_seq(&shop), seq, "and leaves no record");
    OK(kept_start(&shop, URL), "the first one stays");
    OK(shop_sound(), "sound");

    other = id;
    id = shop_id(999);
    EQ_INT(start(URL), FK_NOT_FOUND, "no such order");
    size = 1;
    EQ_INT(fk_order_start_get(&shop, &id, out, &size), FK_NOT_FOUND,
           "none to be asked for");
    EQ_INT(size, 0, "and no size");
    id = other;

    pay("t");
    EQ_INT(start("late"), FK_EXISTS, "of a paid one it is still known");
    OK(kept_start(&shop, URL), "and kept");

    shop_must(shop_buy("x", 1, &view) == FK_OK, "buy");
    id = view.id;
    pay("u");
    EQ_INT(start(URL), FK_CONFLICT, "a paid one is not to be paid again");
}


static void
test_sizes(void)
{
    uint8_t          big[FK_START_SIZE_MAX + 1], out[FK_START_SIZE_MAX];
    size_t           size;
    fk_str_t         text;
    fk_order_view_t  view;

    open_shop();
    memset(big, 0, sizeof(big));
    text.data = big;
    text.size = 0;
    EQ_INT(fk_order_start(&shop, &shop_env, &id, text, &view), FK_INVALID,
           "nothing");
    text.size = sizeof(big);
    EQ_INT(fk_order_start(&shop, &shop_env, &id, text, &view), FK_INVALID,
           "a byte too many");
    text.size = FK_START_SIZE_MAX;
    big[5] = 0xff;
    EQ_INT(fk_order_start(&shop, &shop_env, &id, text, &view), FK_OK,
           "the most, of any bytes");
    OK(fk_order_start_get(&shop, &id, out, &size) == FK_OK
       && size == FK_START_SIZE_MAX && memcmp(out, big, size) == 0,
       "is kept as it is");
    OK(shop_sound(), "sound");
}


/* The gateway was asked while the order ended: its buyer may be there. */
static void
test_ended(void)
{
    fk_order_view_t  out;

    open_shop();
    shop_wait_s(SHOP_HOLD_S + 1);
    (void) shop_tick();
    EQ_INT(start(URL), FK_OK, "of an expired one");
    pay("late");
    OK(kept_start(&shop, URL), "kept when it is paid late");

    open_shop();
    shop_must(fk_cancel(&shop, &shop_env, &id, &out) == FK_OK, "cancel");
    EQ_INT(start(URL), FK_OK, "of a cancelled one");
    OK(shop_sound(), "sound");
}


static void
test_full(void)
{
    uint32_t         free_blocks;
    fk_table_t      *t;
    fk_order_view_t  out;

    open_shop();
    t = &shop.region->table[FK_TABLE_BLOCKS];
    free_blocks = fk_table_room(&shop, FK_TABLE_BLOCKS);
    t->fresh += free_blocks - (FK_BLOCKS_FOR(strlen(URL)) - 1);
    EQ_INT(start(URL), FK_TABLE_FULL, "a block too few");
    t->fresh -= 1;
    EQ_INT(fk_order_start(&shop, &shop_env, &id, str(URL), &out), FK_OK,
           "just enough");
}


static void
test_archive(void)
{
    uint32_t           blocks;
    fk_order_view_t    view;
    fk_payment_view_t  payment;
    uint32_t           n;

    open_shop();
    shop_must(start(URL) == FK_OK, "start");
    pay("t");
    blocks = fk_table_used(&shop, FK_TABLE_BLOCKS);
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");
    OK(fk_table_used(&shop, FK_TABLE_BLOCKS)
       < blocks - FK_BLOCKS_FOR(strlen(URL)), "its blocks are free again");

    n = 1;
    EQ_INT(fk_archive_view(&shop, record, record_size, &view, &payment, &n),
           FK_OK, "the archive shows the order");
    EQ_INT(n, 1, "and its payment");

    EQ_INT(shop_restore(&shop, record, record_size, &view), FK_OK, "back");
    OK(kept_start(&shop, URL), "with its start");
    OK(shop_sound(), "sound");

    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "again");
    record[record_size - 20] ^= 1;
    EQ_INT(shop_restore(&shop, record, record_size, &view), FK_CORRUPT,
           "damage is seen");
}


/* From the journal alone, and from a snapshot and what is behind it. */
static void
test_read_back(void)
{
    char          why[256];
    fk_t          twin;
    fk_order_id_t  first;
    fk_order_view_t  out;

    open_shop();
    shop_must(start(URL) == FK_OK, "start");
    first = id;
    parts_take();
    shop_must(shop_buy("x", 1, &out) == FK_OK, "buy");
    id = out.id;
    shop_must(start("behind it") == FK_OK, "start");
    shop_must(shop_archive(&id, record, &record_size) == FK_CONFLICT,
              "it is held");
    kept_flush();

    region_new(&twin, SHOP_SIZE);
    EQ_INT(region_recover(&twin, kept, kept_size, why), FK_OK, "recovered");
    OK(kept_start(&twin, "behind it"), "the one of the journal");
    id = first;
    OK(kept_start(&twin, URL), "the other one");
    region_drop(&twin);

    region_new(&twin, SHOP_SIZE);
    EQ_INT(parts_recover(&twin, why), FK_OK, "recovered by the snapshot");
    OK(kept_start(&twin, URL), "the one in it");
    id = out.id;
    OK(kept_start(&twin, "behind it"), "the one behind it");
    OK(fk_check(&twin, why, sizeof(why)) == FK_OK, "sound");
    region_drop(&twin);
}


int
main(void)
{
    test_first();
    test_sizes();
    test_ended();
    test_full();
    test_archive();
    test_read_back();

    return tap_done();
}

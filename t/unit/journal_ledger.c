/*
 * The ledger out of its journal: a recovery needs no more room than the shop
 * had that wrote it, brings all that an account was given, and believes no
 * record that takes back what an earlier one has said for good.
 */

#include "ledger_shop.h"
#include "record_maker.h"


#define REGION_SIZE  ((size_t) 64 << 20)
#define SETTLE_AT_S                                                          \
    ((SHOP_START_S + WEEK_S) / FK_SETTLE_UNIT_S * FK_SETTLE_UNIT_S)


/* Applies what was kept to a shop with so many blocks, and nothing behind it:
 * fk_check would see that they were taken away. */
static fk_code_t
apply_with(uint32_t blocks)
{
    fk_t       fk;
    size_t     at;
    fk_code_t  code;

    region_new(&fk, REGION_SIZE);
    fk.region->table[FK_TABLE_BLOCKS].capacity = blocks;
    shop_must(fk_recover_begin(&fk, 2, 0) == FK_OK, "begin");
    code = fk_apply(&fk, 2, 0, kept, kept_size, &at);
    region_drop(&fk);

    return code;
}


/* Part by part goes back; the blocks that this took are all that there are. */
static void
test_full(void)
{
    int            i;
    char           ref[24];
    uint32_t       used;
    fk_order_id_t  id;

    ledger_open();
    id = ledger_sell(1, 50, 10, WEEK_S);

    for (i = 0; i < 4; i++) {
        (void) snprintf(ref, sizeof(ref), "part %d", i);
        shop_must(ledger_return(&id, 100, ref) == FK_OK, "a part");
    }

    kept_flush();
    used = shop.region->table[FK_TABLE_BLOCKS].capacity
           - fk_table_room(&shop, FK_TABLE_BLOCKS);

    EQ_INT(apply_with(used), FK_OK, "as many as it had do");
    EQ_INT(apply_with(used - 1), FK_TABLE_FULL, "with one less it is full");
}


/* Each number and digest of an account, as the last record has it. */
static void
test_accounts(void)
{
    int                n, created;
    char               why[256];
    fk_t               twin;
    uint64_t           seq;
    const char        *field;
    fk_account_put_t   put;
    fk_account_view_t  before, after;

    ledger_open();
    kept_size = 0;
    memset(&put, 0, sizeof(put));
    put.id = str("a");
    put.fields = FK_ACCOUNT_PUT_RATES | FK_ACCOUNT_PUT_TOKEN
                 | FK_ACCOUNT_PUT_BUYER | FK_ACCOUNT_PUT_CLOSED;
    put.closed = 1;

    for (n = 1; n < 3; n++) {
        memset(put.token, n, sizeof(put.token));
        memset(put.buyer, n + 16, sizeof(put.buyer));
        put.rate_bp[0] = (uint16_t) n;
        shop_must(fk_account_put(&shop, &shop_env, &put, &before, &created,
                                 &seq, &field) == FK_OK, "put");
    }

    kept_flush();
    region_new(&twin, REGION_SIZE);
    EQ_INT(region_recover(&twin, kept, kept_size, why), FK_OK,
           "recovered: %s", why);
    EQ_INT(fk_account_get(&twin, str("a"), &after), FK_OK, "an account");
    OK(memcmp(&before, &after, sizeof(before)) == 0, "is as it was");
    OK(after.buyer[0] == 18 && after.token[0] == 2 && after.rate_bp[0] == 2
       && strcmp(after.parent, "b") == 0, "in all that it was given");
    region_drop(&twin);
}


static fk_image_t
made_split(void)
{
    fk_image_t     image;
    fk_order_id_t  id;

    memset(&image, 0, sizeof(image));
    id = shop_id(1);
    memcpy(image.split.order, id.bytes, sizeof(id.bytes));
    image.split.paid = 500;
    image.split.made_s = SHOP_START_S;
    image.split.settle_at_s = SETTLE_AT_S;
    image.split.state = FK_SPLIT_FROZEN;
    image.split.line_count = image.split.amount_count = 1;
    image.split.account[0] = 1;
    image.split.amount[0] = 60;
    return image;
}


static void
made_part(fk_image_t *image, int64_t amount, char ref)
{
    uint8_t           *part;
    fk_image_split_t  *in;

    in = &image->split;
    part = in->parts + in->parts_size;
    fk_put(part, (uint64_t) amount, 8);
    fk_put(part + 8, SHOP_START_S, 4);
    part[FK_PART_HEAD_SIZE] = (uint8_t) ref;
    in->part_size[in->part_count++] = FK_PART_HEAD_SIZE + 1;
    in->parts_size += FK_PART_HEAD_SIZE + 1;
}


static fk_image_t
made_withdrawal(fk_withdrawal_state_t state, uint8_t used)
{
    fk_image_t  image;

    memset(&image, 0, sizeof(image));
    image.withdrawal.slot = 1;
    image.withdrawal.account = 1;
    image.withdrawal.serial = 7;
    image.withdrawal.amount = 10;
    image.withdrawal.requested_s = SHOP_START_S;
    image.withdrawal.state = (uint8_t) state;
    image.withdrawal.used = used;
    return image;
}


/* An order, its split with a part of 100 back, a withdrawal that is open. */
static void
base_make(void)
{
    fk_image_t  image;

    made_begin();
    image = made_product("x", FK_KIND_COUNTED, 10);
    made_record(FK_IMAGE_PRODUCT, &image);
    image = made_account(1, "a", FK_ACCOUNT_AGENT);
    made_record(FK_IMAGE_ACCOUNT, &image);
    image = made_delivered(made_order(1, "x", 1));
    made_record(FK_IMAGE_ORDER, &image);
    image = made_payment(1, "t", FK_PAYMENT_STATE_APPLIED);
    made_record(FK_IMAGE_PAYMENT, &image);
    image = made_split();
    made_part(&image, 100, 'a');
    made_record(FK_IMAGE_SPLIT, &image);
    image = made_withdrawal(FK_WITHDRAWAL_REQUESTED, 1);
    made_record(FK_IMAGE_WITHDRAWAL, &image);
}


/* The base and one record behind it, which is good by itself. */
static void
told(const char *name, fk_image_type_t type, const fk_image_t *image,
    fk_code_t want)
{
    fk_t       twin;
    char       why[256];
    fk_code_t  code;

    base_make();
    made_record(type, image);
    why[0] = '\0';
    region_new(&twin, REGION_SIZE);
    code = region_recover(&twin, made, made_size, why);
    region_drop(&twin);

    EQ_INT(code, want, "%s: %s", name, why);
    OK(want == FK_OK || strstr(why, "apply stopped") != NULL, "at once");
}


static void
test_told(void)
{
    fk_image_t  image;

    image = made_split();
    made_part(&image, 100, 'a');
    told("the same again", FK_IMAGE_SPLIT, &image, FK_OK);
    image.split.settle_at_s += FK_SETTLE_UNIT_S;
    told("settled at another time", FK_IMAGE_SPLIT, &image, FK_CORRUPT);
    image.split.settle_at_s = SETTLE_AT_S;
    made_part(&image, 100, 'b');
    told("a part more", FK_IMAGE_SPLIT, &image, FK_OK);

    image = made_split();
    told("a part less", FK_IMAGE_SPLIT, &image, FK_CORRUPT);
    made_part(&image, 100, 'b');
    told("another part", FK_IMAGE_SPLIT, &image, FK_CORRUPT);

    image = made_account(2, "a", FK_ACCOUNT_AGENT);
    told("an account twice", FK_IMAGE_ACCOUNT, &image, FK_CORRUPT);
    image = made_account(2, "b", FK_ACCOUNT_AGENT);
    told("another account", FK_IMAGE_ACCOUNT, &image, FK_OK);

    image = made_withdrawal(FK_WITHDRAWAL_PAID, 0);
    told("an open withdrawal goes", FK_IMAGE_WITHDRAWAL, &image, FK_CORRUPT);
    image = made_withdrawal(FK_WITHDRAWAL_PAID, 1);
    told("it is paid", FK_IMAGE_WITHDRAWAL, &image, FK_OK);
}


int
main(void)
{
    test_full();
    test_accounts();
    test_told();

    return tap_done();
}

/*
 * The region: capacities, formatting, attaching, failing; the tables of
 * words; order ids as text.
 */

#include "engine_shop.h"


static void
test_plan(void)
{
    size_t     size;
    unsigned   wrong;
    fk_plan_t  plan;

    EQ_INT(fk_plan(FK_REGION_SIZE_MIN - 1, &plan), FK_INVALID, "too small");
    EQ_INT(fk_plan(FK_REGION_SIZE_MAX + 1, &plan), FK_INVALID, "too large");
    EQ_INT(fk_plan(FK_REGION_SIZE_MAX, &plan), FK_OK, "the largest");

    EQ_INT(fk_plan((size_t) 1 << 30, &plan), FK_OK, "1 GiB");
    OK(plan.cards >= 2000000, "has %u cards", plan.cards);
    OK(plan.orders >= 1000000, "and %u orders", plan.orders);
    OK(plan.payments > plan.orders, "and a payment for each and more");
    OK((uint64_t) plan.blocks >= 3 * (uint64_t) plan.orders,
       "and blocks for their contacts and trade numbers");

    wrong = 0;

    for (size = FK_REGION_SIZE_MIN; size < (size_t) 2 << 30;
         size += size / 7 + 4096)
    {
        wrong += fk_plan(size, &plan) != FK_OK
                 || (plan.ring_size & (plan.ring_size - 1)) != 0
                 || plan.ring_size < 4 * FK_RECORD_SIZE_MAX
                 || plan.blocks < plan.orders;
    }

    EQ_INT(wrong, 0, "every size between 8 MiB and 2 GiB has a plan");

    printf("# overhead of a card %zu bytes, a live order %zu, paid %zu\n",
           FK_CARD32_SIZE - 32, FK_ORDER32_SIZE, FK_PAID32_SIZE);
}


/* Areas lie one behind the other, aligned, and end within the region. */
static void
test_layout(void)
{
    unsigned      i, wrong;
    uint64_t      at, end;
    fk_region_t  *r;

    shop_open();
    r = shop.region;
    at = sizeof(fk_region_t);
    wrong = 0;

    for (i = 0; i < FK_INDEX_COUNT; i++) {
        wrong += r->index[i].offset < at || r->index[i].offset % 64 != 0;
        at = r->index[i].offset + r->index[i].bucket_count * 4;
    }

    wrong += r->wheel_offset < at || r->wheel_offset % 64 != 0;
    at = r->wheel_offset + FK_WHEEL_SLOTS * 4;

    for (i = 0; i < FK_TABLE_COUNT; i++) {
        wrong += r->table[i].offset < at || r->table[i].offset % 64 != 0;
        end = (uint64_t) (r->table[i].capacity + 1) * r->table[i].slot_size;
        at = r->table[i].offset + end;
    }

    wrong += r->ring.offset < at || r->ring.offset % 64 != 0;
    at = r->ring.offset + r->ring.size;

    EQ_INT(wrong, 0, "no area overlaps another, all are aligned");
    OK(at <= SHOP_SIZE && at > SHOP_SIZE - 4096, "and they fill the region");
}


static void
test_attach(void)
{
    fk_t          other;
    const char   *why;
    fk_region_t  *r;

    shop_open();
    r = shop.region;

    EQ_INT(fk_attach(&other, shop.base, SHOP_SIZE, &why), FK_OK, "attach");
    EQ_INT(fk_attach(&other, shop.base, SHOP_SIZE + 4096, &why),
           FK_INCOMPATIBLE, "another size: refused");
    OK(strstr(why, "size") != NULL, "because %s", why);

#define REFUSED(field, value, word)                                          \
    do {                                                                     \
        __typeof__(field)  kept = (field);                                   \
        (field) = (value);                                                   \
        EQ_INT(fk_attach(&other, shop.base, SHOP_SIZE, &why),                \
               FK_INCOMPATIBLE, #field " differs: refused");                 \
        OK(why != NULL && strstr(why, word) != NULL, "because %s", why);     \
        (field) = kept;                                                      \
    } while (0)

    REFUSED(r->magic, 1, "not a region");
    REFUSED(r->layout_version, FK_LAYOUT_VERSION + 1, "version");
    REFUSED(r->formatted, 0, "not finished");
    REFUSED(r->header_size, 8, "header");
    REFUSED(r->plan.orders, 8, "capacities");
    REFUSED(r->table[FK_TABLE_CARDS].slot_size, 80, "records");
    REFUSED(r->table[FK_TABLE_CARDS].link_offset, 4, "records");

    EQ_INT(fk_attach(&other, shop.base, SHOP_SIZE, &why), FK_OK,
           "put right again: attached");
}


/* A region in memory that is anything but zero works all the same. */
static void
test_dirty_memory(void)
{
    void             *mem;
    fk_order_view_t   out;

    mem = mmap(NULL, SHOP_SIZE, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shop_must(mem != MAP_FAILED, "mmap");
    memset(mem, 0xa5, SHOP_SIZE);
    shop_open_in(mem, SHOP_SIZE);

    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 100);
    EQ_INT(shop_buy("x", 7, &out), FK_OK, "a sale in dirty memory");
    OK(shop_sound(), "and it is sound");
}


static void
test_states(void)
{
    char             why[32];
    fk_order_view_t  out;
    fk_tick_t        tick;
    fk_env_t         env = { 1 };

    shop_open();
    EQ_STR(fk_fail_reason(&shop, why, sizeof(why)), "", "no reason yet");

    fk_fail(&shop, "the first reason, which is longer than the buffer");
    fk_fail(&shop, "a second");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_FAILED, "failed");
    EQ_STR(fk_fail_reason(&shop, why, sizeof(why)),
           "the first reason, which is long", "the first reason stays");

    EQ_INT(shop_buy("x", 1, &out), FK_FAILED, "checkout refused");
    EQ_INT(fk_tick(&shop, &env, 1, &tick), FK_FAILED, "tick refused");
    EQ_INT(fk_product_peek(&shop, &env, str("x"), 1), FK_FAILED,
           "peek refused");

    EQ_INT(fk_state_code(FK_SHOP_EMPTY), FK_RECOVERING, "empty");
    EQ_INT(fk_state_code(FK_SHOP_RECOVERING), FK_RECOVERING, "recovering");
    EQ_INT(fk_state_code(FK_SHOP_FENCED), FK_FENCED, "fenced");
    EQ_INT(fk_state_code(FK_SHOP_HEALING), FK_HEALING, "healing");
    EQ_INT(fk_state_code((fk_shop_state_t) 77), FK_FAILED, "nonsense");
}


static void
test_words(void)
{
    unsigned  i, wrong;

    wrong = 0;

    for (i = 0; i < FK_CODE_COUNT; i++) {
        wrong += fk_code_info[i].name == NULL || fk_code_info[i].word == NULL
                 || fk_code_info[i].text == NULL
                 || fk_code_info[i].status < 200
                 || fk_code_info[i].status > 503;
    }

    EQ_INT(wrong, 0, "every code has name, word, text and status");
    EQ_STR(fk_code_info[FK_SOLD_OUT].word, "sold_out", "sold_out");
    EQ_INT(fk_code_info[FK_SOLD_OUT].status, 409, "is 409");
    EQ_STR(fk_kind_word[FK_KIND_COUNTED], "counted", "kinds");
    EQ_STR(fk_event_word[FK_EVENT_REFUNDED], "refunded", "events");
    EQ_STR(fk_status_word[FK_STATUS_REFUNDED], "refunded", "statuses");
    EQ_STR(fk_payment_state_word[FK_PAYMENT_STATE_REFUNDED], "refunded",
           "payment states");
    EQ_STR(fk_shop_state_word[FK_SHOP_FAILED], "failed", "shop states");
    EQ_STR(fk_pay_result_word[FK_PAY_REUSED], "reused", "pay results");
}


static void
test_ids(void)
{
    char           text[FK_ORDER_TEXT_SIZE + 1], next[FK_ORDER_TEXT_SIZE];
    unsigned       i, c, wrong;
    uint8_t        bytes[FK_ORDER_TEXT_SIZE + 1];
    fk_order_id_t  id, back;

    static const uint8_t  ones[10] = { 255, 255, 255, 255, 255,
                                       255, 255, 255, 255, 255 };
    static const uint8_t  zeros[10];

    text[FK_ORDER_TEXT_SIZE] = '\0';

    fk_order_id_make(&id, 0, zeros);
    fk_order_id_text(&id, text);
    EQ_STR(text, "00000000000000000000000000", "the smallest id");

    fk_order_id_make(&id, INT64_C(0xffffffffffff), ones);
    fk_order_id_text(&id, text);
    EQ_STR(text, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "the largest id");

    /* The example in the ULID specification. */
    fk_order_id_make(&id, INT64_C(1469918176385), zeros);
    fk_order_id_text(&id, text);
    EQ_MEM(text, 10, "01ARYZ6S41", 10, "time as other ULIDs have it");

    fk_order_id_make(&back, INT64_C(1469918176386), zeros);
    fk_order_id_text(&back, next);
    OK(memcmp(text, next, sizeof(next)) < 0, "texts sort by time");

    for (i = 0, wrong = 0; i < 1000; i++) {
        id = shop_id(i * 2654435761u);
        fk_order_id_text(&id, text);
        wrong += fk_order_id_parse(&back, (uint8_t *) text, 26) != FK_OK
                 || memcmp(&id, &back, sizeof(id)) != 0;
    }

    EQ_INT(wrong, 0, "1000 ids, there and back");

    /* Every character at every place: refused, or it makes the same text. */
    for (i = 0, wrong = 0; i < FK_ORDER_TEXT_SIZE; i++) {
        for (c = 0; c < 256; c++) {
            memcpy(bytes, text, FK_ORDER_TEXT_SIZE);
            bytes[i] = (uint8_t) c;

            if (fk_order_id_parse(&back, bytes, 26) == FK_OK) {
                fk_order_id_text(&back, next);
                wrong += memcmp(next, bytes, sizeof(next)) != 0;

            } else {
                wrong += c != 0 && (i != 0 || c < '8')
                         && strchr("0123456789ABCDEFGHJKMNPQRSTVWXYZ",
                                   (int) c) != NULL;
            }
        }
    }

    EQ_INT(wrong, 0, "one id has one text");
    EQ_INT(fk_order_id_parse(&id, bytes, 25), FK_INVALID, "25 characters");
    EQ_INT(fk_order_id_parse(&id, bytes, 27), FK_INVALID, "27 characters");
    EQ_INT(fk_order_id_parse(&id, bytes, 0), FK_INVALID, "none");
}


static void
test_numbers(void)
{
    fk_usage_t  usage[FK_USAGE_COUNT];

    shop_open();
    shop_product("x", FK_KIND_CARD, 0);
    shop_stock("x", 1, 33);
    fk_usage(&shop, usage);

    EQ_STR(usage[FK_TABLE_CARDS].table, "cards", "usage has names");
    EQ_INT(usage[FK_TABLE_CARDS].used, 33, "cards used");
    EQ_INT(usage[FK_TABLE_PRODUCTS].used, 1, "products used");
    EQ_INT(usage[FK_TABLE_CARDS].capacity,
           shop.region->table[FK_TABLE_CARDS].capacity, "capacity");

    fk_stat_add(&shop, FK_STAT_USER, 3);
    fk_stat_add(&shop, FK_STAT_USER, 4);
    EQ_INT(fk_stat_get(&shop, FK_STAT_USER), 7, "counters count");
}


int
main(void)
{
    test_plan();
    test_layout();
    test_attach();
    test_dirty_memory();
    test_states();
    test_words();
    test_ids();
    test_numbers();

    return tap_done();
}

/*
 * Fuzzes what a record tells others.  Seeds, which are real records, in
 * corpus/news.
 *
 * The input is read as it is, and once more with a head and a checksum that
 * fit.  Whatever it says: the events are in bounds, of this record and of its
 * images, and their texts end; and whatever nobody may hear of (cards,
 * contacts, keys, reasons, tokens) could be anything else: the events are the
 * same.
 */

#include "fk_journal.h"
#include "must.h"


#define FILLED_MAX  (4 * FK_RECORD_SIZE_MAX)


static fk_news_t  news[FK_NEWS_MAX];
static fk_news_t  filled_news[FK_NEWS_MAX];
static uint8_t    filled[FILLED_MAX];


static int
is_of(const fk_news_t *one)
{
    int  w;

    if (one->kind == FK_NEWS_ORDER) {
        for (w = 0; w < FK_STATUS_COUNT; w++) {
            if (one->word == fk_status_word[w]) {
                return w != FK_STATUS_AWAITING_PAYMENT;
            }
        }

        return one->word == fk_event_word[FK_EVENT_RETURNED];
    }

    if (one->kind == FK_NEWS_PAYMENT) {
        for (w = 0; w < FK_PAYMENT_STATE_COUNT; w++) {
            if (one->word == fk_payment_state_word[w]) {
                return 1;
            }
        }

        return 0;
    }

    return strcmp(one->word, one->kind == FK_NEWS_STOCK ? "imported"
                                                        : "changed") == 0;
}


static void
check_news(const fk_record_head_t *head, uint32_t count)
{
    uint32_t          n;
    const fk_news_t  *one;

    MUST(count <= FK_NEWS_MAX && count <= head->count);

    for (n = 0; n < count; n++) {
        one = &news[n];
        MUST(one->kind < FK_NEWS_KIND_COUNT && is_of(one));
        MUST(one->number == n);
        MUST(one->seq == head->seq && one->time_ms == head->time_ms);
        MUST(strnlen(one->sku, sizeof(one->sku)) < sizeof(one->sku));
        MUST(strnlen(one->channel, sizeof(one->channel))
             < sizeof(one->channel));
        MUST(strnlen(one->currency, sizeof(one->currency))
             < sizeof(one->currency));
        MUST(one->trade_no_size <= FK_TRADE_NO_SIZE_MAX);
        MUST((one->trade_no_size != 0) == (one->kind == FK_NEWS_PAYMENT));
        MUST((one->sku[0] != '\0') == (one->kind != FK_NEWS_PAYMENT));
    }
}


static void
fill(fk_image_type_t type, fk_image_t *image)
{
    switch (type) {

    case FK_IMAGE_CARD:
        memset(image->card.sealed, 'x', image->card.sealed_size);
        break;

    case FK_IMAGE_START:
        memset(image->start.start, 'x', image->start.start_size);
        break;

    case FK_IMAGE_ACCOUNT:
        memset(image->account.token, 'x', FK_TOKEN_SIZE);
        memset(image->account.buyer, 'x', FK_TALLY_KEY_SIZE);
        break;

    case FK_IMAGE_ORDER:
        memset(image->order.body, 'x', sizeof(image->order.body));
        memset(image->order.idem, 'x', image->order.idem_size);
        memset(image->order.contact, 'x', image->order.contact_size);
        memset(image->order.reason, 'x', image->order.reason_size);
        break;

    default:
        break;
    }
}


static void
seal(uint8_t *record, size_t size)
{
    fk_put(record, size, 4);
    fk_put(record + 4, fk_crc32c(0, record + 8, size - 8), 4);
}


/* The record again, with other secrets; 0: an image has no version here. */
static size_t
fill_record(const uint8_t *data, const fk_record_head_t *head)
{
    size_t           at, used, image_size;
    uint32_t         n;
    fk_image_t       image;
    fk_image_type_t  type;

    memcpy(filled, data, FK_RECORD_HEAD_SIZE);
    at = FK_RECORD_HEAD_SIZE;
    used = FK_RECORD_HEAD_SIZE;

    for (n = 0; n < head->count; n++) {
        if (fk_image_get(data + at, head->size - at, &type, &image_size,
                         &image) != FK_OK
            || used + sizeof(image) > sizeof(filled))
        {
            return 0;
        }

        fill(type, &image);
        at += image_size;
        used += fk_image_put(filled + used, type, &image);
    }

    while (used % FK_RECORD_ALIGN != 0) {
        filled[used++] = 0;
    }

    if (used > FK_RECORD_SIZE_MAX) {
        return 0;
    }

    seal(filled, used);
    return used;
}


static void
check_secrets(const uint8_t *data, const fk_record_head_t *head,
    uint32_t count)
{
    size_t            size;
    uint32_t          again;
    fk_news_record_t  record;

    size = fill_record(data, head);

    if (size != 0) {
        MUST(fk_news_read(filled, size, &record, filled_news, &again)
             == FK_OK);
        MUST(again == count);
        MUST(memcmp(filled_news, news, count * sizeof(fk_news_t)) == 0);
    }
}


/* 1: it is a record. */
static int
read_record(const uint8_t *data, size_t size)
{
    uint32_t          count;
    fk_code_t         rc;
    fk_news_record_t  record;
    fk_record_head_t  head;

    rc = fk_news_read(data, size, &record, news, &count);

    if (rc != FK_OK) {
        MUST(rc == FK_CORRUPT || rc == FK_INCOMPATIBLE);
        MUST(count == 0);
        return 0;
    }

    fk_record_head_get(data, &head);
    MUST(record.size == head.size && record.seq == head.seq);
    MUST(record.size <= size && record.size >= FK_RECORD_HEAD_SIZE);
    check_news(&head, count);
    check_secrets(data, &head, count);

    return 1;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t            at, whole;
    uint8_t          *copy;
    fk_record_head_t  head;

    /* Of its own size, so that nobody reads behind it. */
    whole = (size + FK_RECORD_ALIGN - 1) / FK_RECORD_ALIGN * FK_RECORD_ALIGN;

    if (whole < FK_RECORD_HEAD_SIZE || whole > FK_RECORD_SIZE_MAX) {
        (void) read_record(data, size);
        return 0;
    }

    at = 0;

    while (at < size && read_record(data + at, size - at)) {
        at += fk_get(data + at, 4);
    }

    copy = calloc(1, whole);
    MUST(copy != NULL);
    memcpy(copy, data, size);
    fk_record_head_get(copy, &head);
    head.size = (uint32_t) whole;
    head.version = FK_RECORD_VERSION;
    fk_record_head_put(copy, &head);
    seal(copy, whole);
    (void) read_record(copy, whole);
    free(copy);

    return 0;
}

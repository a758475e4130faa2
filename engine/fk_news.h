/*
 * News: what a record of the journal tells people who run a shop, as events.
 * A part of fk.h, which includes it: nobody else does.
 *
 * An event has a kind and a word ("order" "delivered"), and says what the
 * record itself holds: neither a card, nor a contact, nor a token.  It is
 * made of after-images, so it is the same whoever reads the record, and
 * whenever; what was there before, a record does not tell.
 *
 *   order    each word of fk_status_word but awaiting_payment; returned
 *   payment  each word of fk_payment_state_word
 *   stock    imported: a file of cards came in whole
 *   product  changed: by the operator
 */

#ifndef FK_NEWS_H_INCLUDED_
#define FK_NEWS_H_INCLUDED_


#define FK_NEWS_MAX       128          /* events of one record */

typedef enum {
    FK_NEWS_ORDER = 0,
    FK_NEWS_PAYMENT,
    FK_NEWS_STOCK,
    FK_NEWS_PRODUCT,
    FK_NEWS_KIND_COUNT
} fk_news_kind_t;

/* Static words, by kind. */
extern const char *const  fk_news_kind_word[FK_NEWS_KIND_COUNT];

/* Texts that a kind has not, or that are not known, are empty. */
typedef struct {
    fk_news_kind_t  kind;
    const char     *word;              /* static */
    uint64_t        seq;               /* the record's number */
    uint32_t        number;            /* of the event in it, from 0 on */
    int64_t         time_ms;           /* .. it was made */
    fk_order_id_t   order;             /* ORDER, PAYMENT */
    uint32_t        qty;               /* ORDER, STOCK */
    uint32_t        batch;             /* STOCK */
    int64_t         amount;            /* ORDER, PAYMENT; PRODUCT: a unit's */
    uint8_t         on_sale;           /* PRODUCT */
    uint8_t         trade_no_size;
    char            currency[FK_CURRENCY_SIZE];        /* PRODUCT */
    char            sku[FK_SKU_SIZE_MAX + 1];          /* all but PAYMENT */
    char            channel[FK_CHANNEL_SIZE_MAX + 1];  /* ORDER; PAYMENT: if
                                                          the record says */
    char            trade_no[FK_TRADE_NO_SIZE_MAX];    /* PAYMENT */
} fk_news_t;

typedef struct {
    size_t    size;                    /* of the record */
    uint64_t  seq;
} fk_news_record_t;

/*
 * The events of the record at the beginning of size bytes, at most
 * FK_NEWS_MAX of them, into news; *count: how many.  FK_CORRUPT: it is no
 * whole record with a good checksum, or an image in it could not look so.
 * FK_INCOMPATIBLE: a newer version made it.  Nothing of the region is looked
 * at.
 */
fk_code_t fk_news_read(const uint8_t *data, size_t size,
    fk_news_record_t *record, fk_news_t news[FK_NEWS_MAX], uint32_t *count);


#endif /* FK_NEWS_H_INCLUDED_ */

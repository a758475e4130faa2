/*
 * A text of cards, cut into lines and sealed, piece by piece.
 *
 *     lines end in LF or CRLF; a last line may go without
 *     a byte order mark at the very start is dropped
 *     blanks (space, tab, CR) at both ends of a line are dropped
 *     a line without anything else is blank: counted, and no card
 *     a card is UTF-8 of 1 to FK_CARD_SIZE_MAX bytes, without control
 *     characters but tabs, which some sellers put between name and password
 *
 * Memory is that of the struct, whatever the text.  Nothing here knows
 * requests or the engine's region: bytes come in, a slice of sealed cards
 * goes out, and the engine's word on each comes back for the report.
 */

#ifndef NGX_FAKA_LINES_H_INCLUDED_
#define NGX_FAKA_LINES_H_INCLUDED_


#include "../engine/fk.h"
#include "pay/crypto.h"


/* Why a line is not accepted, and its word in the report. */

#define NGX_FAKA_REASONS(X)                                                  \
    X(TOO_LONG,  "too_long")                                                 \
    X(NOT_UTF8,  "not_utf8")                                                 \
    X(CONTROL,   "control_character")                                        \
    X(DUP_FILE,  "duplicate_in_file")                                        \
    X(DUP_STOCK, "duplicate_in_stock")

typedef enum {
    NGX_FAKA_LINE_GOOD = 0,
#define NGX_FAKA_REASON_ENUM(name, word)  NGX_FAKA_LINE_##name,
    NGX_FAKA_REASONS(NGX_FAKA_REASON_ENUM)
#undef NGX_FAKA_REASON_ENUM
    NGX_FAKA_LINE_REASON_COUNT
} ngx_faka_line_reason_t;

extern const char *const  ngx_faka_line_reason_word[];


#define NGX_FAKA_REJECTED_MAX  1000

/* Good and bad lines of a slice; the report keeps their order. */
#define NGX_FAKA_SLICE_LINES   (2 * FK_IMPORT_SLICE_MAX)


typedef struct {
    int64_t   number;                  /* from 1 */
    uint8_t   reason;                  /* ngx_faka_line_reason_t */
} ngx_faka_line_t;

typedef struct {
    pay_vault_t      *vault;
    pay_str_t         sku;

    /* the line that is being read */
    uint8_t           bom_size;        /* bytes of the mark that matched */
    uint8_t           is_open;         /* it has bytes */
    uint8_t           is_long;
    uint32_t          line_size;
    uint8_t           line[FK_CARD_SIZE_MAX];

    /* the slice */
    uint32_t          slice_count;
    uint32_t          card_count;
    ngx_faka_line_t   slice[NGX_FAKA_SLICE_LINES];
    fk_card_in_t      cards[FK_IMPORT_SLICE_MAX];
    uint8_t           sealed[FK_IMPORT_SLICE_MAX][FK_SEALED_SIZE_MAX];
    uint8_t           old_nonce[FK_IMPORT_SLICE_MAX][FK_NONCE_SIZE];

    /* the report */
    int64_t           lines_count;     /* blank ones too */
    int64_t           blank_count;
    int64_t           accepted_count;
    int64_t           rejected_count;
    int64_t           reason_count[NGX_FAKA_LINE_REASON_COUNT];
    ngx_faka_line_t   rejected[NGX_FAKA_REJECTED_MAX];
} ngx_faka_lines_t;


/* vault and sku must outlive *lines. */
void ngx_faka_lines_init(ngx_faka_lines_t *lines, pay_vault_t *vault,
    pay_str_t sku);

/*
 * Takes bytes, up to the end of one line at the most, while the slice has
 * room; *taken says how many.  false: a card could not be sealed.
 */
bool ngx_faka_lines_take(ngx_faka_lines_t *lines, const uint8_t *data,
    size_t size, size_t *taken);

/* The text is over: closes a last line that has no LF.  false as above. */
bool ngx_faka_lines_end(ngx_faka_lines_t *lines);

/* No room: hand the slice to the engine before more is taken. */
bool ngx_faka_lines_full(const ngx_faka_lines_t *lines);

/*
 * The slice is done: results has one fk_card_result_t for each of its cards.
 * Counts, notes what was refused, and makes room.
 */
void ngx_faka_lines_done(ngx_faka_lines_t *lines, const uint8_t *results);

/* Forgets all plain text. */
void ngx_faka_lines_wipe(ngx_faka_lines_t *lines);


#endif /* NGX_FAKA_LINES_H_INCLUDED_ */

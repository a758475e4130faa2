/*
 * Fuzzes the cutting of an import into sealed lines.  Seeds in corpus/import.
 *
 * The input is a byte (bits 0-3: how often the text is repeated; bit 4: the
 * vault has a previous key; bits 5-7: n), n sizes of pieces, and the text.
 *
 * Beside the cutter stands a naive one that has the whole text at hand.  The
 * cutter gets the text whole, and in pieces whose sizes the input chooses,
 * with slices that are handed over full and early: each time it must say of
 * each line what the naive one says, its cards must open to the naive one's,
 * and the report must count them.
 */

#include "../../ngx_module/ngx_faka_lines.h"
#include "../../ngx_module/pay/utf8.h"
#include "must.h"


#define PIECES_MAX  7
#define TEXT_MAX    ((size_t) 1 << 16)
#define SKU         PAY_STR("steam-50")


/* A line that is not blank, as the naive cutter sees it. */

typedef struct {
    int64_t    number;
    pay_str_t  card;
    uint8_t    reason;
} line_t;

typedef struct {
    uint8_t  size[PIECES_MAX];
    size_t   count;                    /* 0: the text in one piece */
} pieces_t;


static pay_crypto_t      *crypto;
static pay_vault_t       *vaults[2];   /* without and with a previous key */
static ngx_faka_lines_t   lines;
static uint8_t            text[TEXT_MAX];
static size_t             text_size;
static line_t             expected[TEXT_MAX];
static size_t             expected_count;
static int64_t            expected_lines;
static int64_t            expected_blanks;


static void
set_up(void)
{
    char           err[512];
    pay_master_t   master;

    crypto = pay_crypto_create(err, sizeof(err));
    MUST(crypto != NULL);

    memset(&master, 0, sizeof(master));
    memset(master.current, 0x17, sizeof(master.current));
    vaults[0] = pay_vault_create(crypto, &master, err, sizeof(err));

    memset(master.previous, 0x71, sizeof(master.previous));
    master.has_previous = true;
    vaults[1] = pay_vault_create(crypto, &master, err, sizeof(err));

    MUST(vaults[0] != NULL && vaults[1] != NULL);
}


static int
is_blank(uint8_t ch)
{
    return ch == ' ' || ch == '\t' || ch == '\r';
}


static uint8_t
naive_reason(pay_str_t card)
{
    size_t   i;
    uint8_t  ch;

    if (card.size > FK_CARD_SIZE_MAX) {
        return NGX_FAKA_LINE_TOO_LONG;
    }

    if (!pay_utf8_valid(card)) {
        return NGX_FAKA_LINE_NOT_UTF8;
    }

    for (i = 0; i < card.size; i++) {
        ch = card.data[i];

        if ((ch < ' ' && ch != '\t') || ch == 0x7f
            || (ch == 0xc2 && card.data[i + 1] < 0xa0))
        {
            return NGX_FAKA_LINE_CONTROL;
        }
    }

    return NGX_FAKA_LINE_GOOD;
}


static void
naive_line(pay_str_t line)
{
    line_t  *out;

    expected_lines++;

    while (line.size != 0 && is_blank(line.data[line.size - 1])) {
        line.size--;
    }

    while (line.size != 0 && is_blank(line.data[0])) {
        line.data++;
        line.size--;
    }

    if (line.size == 0) {
        expected_blanks++;
        return;
    }

    out = &expected[expected_count++];
    out->number = expected_lines;
    out->card = line;
    out->reason = naive_reason(line);
}


static void
naive_cut(void)
{
    size_t          size;
    pay_str_t       rest;
    const uint8_t  *end;

    expected_count = 0;
    expected_lines = 0;
    expected_blanks = 0;
    rest = pay_str(text, text_size);

    if (rest.size >= 3 && memcmp(rest.data, "\xef\xbb\xbf", 3) == 0) {
        rest.data += 3;
        rest.size -= 3;
    }

    while (rest.size != 0) {
        end = memchr(rest.data, '\n', rest.size);
        size = end != NULL ? (size_t) (end - rest.data) : rest.size;
        naive_line(pay_str(rest.data, size));

        size += end != NULL;
        rest.data += size;
        rest.size -= size;
    }
}


/* What the engine would say of a card; any fixed answer will do. */

static uint8_t
engine_result(pay_str_t card)
{
    return card.data[card.size - 1] % 4 == 1 ? FK_CARD_DUP_FILE
           : card.data[card.size - 1] % 4 == 2 ? FK_CARD_DUP_STOCK
           : FK_CARD_ACCEPTED;
}


/* The slice holds the lines from first on; returns the next one. */

static size_t
check_slice(size_t first)
{
    uint8_t               results[FK_IMPORT_SLICE_MAX];
    uint8_t               opened[FK_CARD_SIZE_MAX];
    uint32_t              i, card;
    const line_t         *line;
    const fk_card_in_t   *in;

    MUST(lines.slice_count <= NGX_FAKA_SLICE_LINES);
    MUST(lines.card_count <= FK_IMPORT_SLICE_MAX);
    MUST(lines.slice_count <= expected_count - first);
    card = 0;

    for (i = 0; i < lines.slice_count; i++) {
        line = &expected[first + i];
        MUST(lines.slice[i].number == line->number);
        MUST(lines.slice[i].reason == line->reason);

        if (line->reason != NGX_FAKA_LINE_GOOD) {
            continue;
        }

        MUST(card < lines.card_count);
        in = &lines.cards[card];
        MUST(in->size == line->card.size + FK_SEAL_SIZE);
        MUST((in->old_nonce != NULL) == pay_vault_has_previous(lines.vault));
        MUST(pay_unseal(lines.vault, SKU, pay_str(in->sealed, in->size),
                        opened, line->card.size));
        MUST(memcmp(opened, line->card.data, line->card.size) == 0);
        results[card++] = engine_result(line->card);
    }

    MUST(card == lines.card_count);
    first += lines.slice_count;
    ngx_faka_lines_done(&lines, results);
    MUST(!ngx_faka_lines_full(&lines));

    return first;
}


static void
check_report(void)
{
    size_t    i;
    int64_t   rejected, count[NGX_FAKA_LINE_REASON_COUNT];
    uint8_t   reason;

    rejected = 0;
    memset(count, 0, sizeof(count));

    for (i = 0; i < expected_count; i++) {
        reason = expected[i].reason;

        if (reason == NGX_FAKA_LINE_GOOD) {
            switch (engine_result(expected[i].card)) {
            case FK_CARD_ACCEPTED:
                continue;
            case FK_CARD_DUP_FILE:
                reason = NGX_FAKA_LINE_DUP_FILE;
                break;
            default:
                reason = NGX_FAKA_LINE_DUP_STOCK;
            }
        }

        if (rejected < NGX_FAKA_REJECTED_MAX) {
            MUST(lines.rejected[rejected].number == expected[i].number);
            MUST(lines.rejected[rejected].reason == reason);
        }

        rejected++;
        count[reason]++;
    }

    MUST(memcmp(lines.reason_count, count, sizeof(count)) == 0);
    MUST(lines.rejected_count == rejected);
    MUST(lines.accepted_count == (int64_t) expected_count - rejected);
    MUST(lines.lines_count == expected_lines);
    MUST(lines.blank_count == expected_blanks);
}


/* early: slices are handed over after each piece, not only when full. */

static void
cut(pay_vault_t *vault, const pieces_t *pieces, int early)
{
    size_t    at, i, first, size, taken, turn;
    uint8_t  *piece;

    ngx_faka_lines_init(&lines, vault, SKU);
    first = 0;
    turn = 0;

    for (at = 0; at < text_size; at += size) {
        size = text_size - at;

        if (pieces->count != 0) {
            i = pieces->size[turn++ % pieces->count] + 1u;
            size = i < size ? i : size;
        }

        /* Memory of its own: nothing of it may be needed later. */
        piece = malloc(size);
        MUST(piece != NULL);
        memcpy(piece, text + at, size);

        for (i = 0; i < size; i += taken) {
            if (ngx_faka_lines_full(&lines)) {
                first = check_slice(first);
            }

            MUST(ngx_faka_lines_take(&lines, piece + i, size - i, &taken));
            MUST(taken > 0 && taken <= size - i);
        }

        free(piece);

        if (early) {
            first = check_slice(first);
        }
    }

    if (ngx_faka_lines_full(&lines)) {
        first = check_slice(first);
    }

    MUST(ngx_faka_lines_end(&lines));
    MUST(check_slice(first) == expected_count);
    check_report();

    ngx_faka_lines_wipe(&lines);

    for (i = 0; i < sizeof(lines.line); i++) {
        MUST(lines.line[i] == 0);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int            early;
    size_t         n;
    pieces_t       whole, pieces;
    pay_vault_t   *vault;
    fuzz_input_t   in;

    if (vaults[0] == NULL) {
        set_up();
    }

    in.data = data;
    in.size = size;
    n = fuzz_take(&in, 1);
    vault = vaults[n >> 4 & 1];
    whole.count = 0;
    pieces.count = n >> 5;
    early = pieces.count % 2;
    n = (n & 15) + 1;

    for (size = 0; size < pieces.count; size++) {
        pieces.size[size] = (uint8_t) fuzz_take(&in, 1);
    }

    for (text_size = 0; n > 0 && in.size <= TEXT_MAX - text_size; n--) {
        memcpy(text + text_size, in.data, in.size);
        text_size += in.size;
    }

    naive_cut();
    cut(vault, &whole, 0);
    cut(vault, &pieces, early);

    return 0;
}

/*
 * Cutting a text of cards into sealed lines: see ngx_faka_lines.h.
 *
 * A line is gathered in one buffer of the greatest size of a card.  What does
 * not fit is not kept: it makes the line too long, unless it turns out to be
 * blanks at its end.
 */

#include "ngx_faka_lines.h"
#include "pay/utf8.h"

#include <assert.h>
#include <string.h>


#define NGX_FAKA_BOM_SIZE  3
#define NGX_FAKA_BOM_DONE  0xff


static size_t ngx_faka_lines_bom(ngx_faka_lines_t *lines,
    const uint8_t *data, size_t size);
static void ngx_faka_lines_append(ngx_faka_lines_t *lines,
    const uint8_t *data, size_t size);
static bool ngx_faka_lines_close(ngx_faka_lines_t *lines);
static ngx_faka_line_reason_t ngx_faka_lines_check(
    const ngx_faka_lines_t *lines);
static bool ngx_faka_lines_seal(ngx_faka_lines_t *lines);
static bool ngx_faka_lines_is_blank(uint8_t ch);


static const uint8_t  ngx_faka_bom[NGX_FAKA_BOM_SIZE] = { 0xef, 0xbb, 0xbf };

const char *const  ngx_faka_line_reason_word[] = {
    "good",
#define NGX_FAKA_REASON_WORD(name, word)  word,
    NGX_FAKA_REASONS(NGX_FAKA_REASON_WORD)
#undef NGX_FAKA_REASON_WORD
};


void
ngx_faka_lines_init(ngx_faka_lines_t *lines, pay_vault_t *vault,
    pay_str_t sku)
{
    assert(vault != NULL);
    assert(sku.size != 0 && sku.size <= FK_SKU_SIZE_MAX);

    memset(lines, 0, sizeof(ngx_faka_lines_t));
    lines->vault = vault;
    lines->sku = sku;
}


bool
ngx_faka_lines_take(ngx_faka_lines_t *lines, const uint8_t *data,
    size_t size, size_t *taken)
{
    size_t          skipped;
    const uint8_t  *end;

    assert(!ngx_faka_lines_full(lines));

    skipped = ngx_faka_lines_bom(lines, data, size);
    data += skipped;
    size -= skipped;

    end = size != 0 ? memchr(data, '\n', size) : NULL;

    if (end == NULL) {
        ngx_faka_lines_append(lines, data, size);
        *taken = skipped + size;
        return true;
    }

    ngx_faka_lines_append(lines, data, (size_t) (end - data));
    *taken = skipped + (size_t) (end - data) + 1;

    return ngx_faka_lines_close(lines);
}


/*
 * The mark may come byte by byte.  If it breaks off, its bytes were text.
 * Returns how many bytes belong to it.
 */

static size_t
ngx_faka_lines_bom(ngx_faka_lines_t *lines, const uint8_t *data, size_t size)
{
    size_t   i;
    uint8_t  matched;

    if (lines->bom_size == NGX_FAKA_BOM_DONE) {
        return 0;
    }

    for (i = 0; i < size; i++) {
        if (data[i] != ngx_faka_bom[lines->bom_size]) {
            matched = lines->bom_size;
            lines->bom_size = NGX_FAKA_BOM_DONE;
            ngx_faka_lines_append(lines, ngx_faka_bom, matched);
            return i;
        }

        if (++lines->bom_size == NGX_FAKA_BOM_SIZE) {
            lines->bom_size = NGX_FAKA_BOM_DONE;
            return i + 1;
        }
    }

    return size;
}


static void
ngx_faka_lines_append(ngx_faka_lines_t *lines, const uint8_t *data,
    size_t size)
{
    size_t  room;

    if (size == 0) {
        return;
    }

    lines->is_open = 1;

    /* Blanks before the card take no room. */

    if (lines->line_size == 0) {
        while (size != 0 && ngx_faka_lines_is_blank(*data)) {
            data++;
            size--;
        }
    }

    room = sizeof(lines->line) - lines->line_size;
    room = size < room ? size : room;

    if (room != 0) {
        memcpy(lines->line + lines->line_size, data, room);
        lines->line_size += (uint32_t) room;
        data += room;
        size -= room;
    }

    for ( /* void */ ; size != 0 && !lines->is_long; data++, size--) {
        lines->is_long = !ngx_faka_lines_is_blank(*data);
    }
}


bool
ngx_faka_lines_end(ngx_faka_lines_t *lines)
{
    uint8_t  matched;

    assert(!ngx_faka_lines_full(lines));

    if (lines->bom_size != NGX_FAKA_BOM_DONE) {
        matched = lines->bom_size;
        lines->bom_size = NGX_FAKA_BOM_DONE;
        ngx_faka_lines_append(lines, ngx_faka_bom, matched);
    }

    return !lines->is_open || ngx_faka_lines_close(lines);
}


static bool
ngx_faka_lines_close(ngx_faka_lines_t *lines)
{
    bool              sealed;
    ngx_faka_line_t  *slice;

    lines->lines_count++;

    while (lines->line_size != 0 && !lines->is_long
           && ngx_faka_lines_is_blank(lines->line[lines->line_size - 1]))
    {
        lines->line_size--;
    }

    sealed = true;

    if (lines->line_size == 0) {
        lines->blank_count++;

    } else {
        slice = &lines->slice[lines->slice_count++];
        slice->number = lines->lines_count;
        slice->reason = (uint8_t) ngx_faka_lines_check(lines);

        if (slice->reason == NGX_FAKA_LINE_GOOD) {
            sealed = ngx_faka_lines_seal(lines);
        }
    }

    lines->line_size = 0;
    lines->is_open = 0;
    lines->is_long = 0;

    return sealed;
}


static ngx_faka_line_reason_t
ngx_faka_lines_check(const ngx_faka_lines_t *lines)
{
    size_t          size, rest;
    const uint8_t  *tab, *data;

    if (lines->is_long) {
        return NGX_FAKA_LINE_TOO_LONG;
    }

    data = lines->line;
    rest = lines->line_size;

    /* A tab is no part of a character, so the text may be cut there. */

    for ( ;; ) {
        tab = memchr(data, '\t', rest);
        size = tab != NULL ? (size_t) (tab - data) : rest;

        if (!pay_utf8_printable(pay_str(data, size))) {
            break;
        }

        if (tab == NULL) {
            return NGX_FAKA_LINE_GOOD;
        }

        data = tab + 1;
        rest -= size + 1;
    }

    return pay_utf8_valid(pay_str(lines->line, lines->line_size))
           ? NGX_FAKA_LINE_CONTROL : NGX_FAKA_LINE_NOT_UTF8;
}


static bool
ngx_faka_lines_seal(ngx_faka_lines_t *lines)
{
    size_t         sealed_size;
    uint32_t       i;
    pay_str_t      card;
    fk_card_in_t  *in;

    i = lines->card_count++;
    assert(i < FK_IMPORT_SLICE_MAX);

    in = &lines->cards[i];
    card = pay_str(lines->line, lines->line_size);
    sealed_size = card.size + FK_SEAL_SIZE;

    in->sealed = lines->sealed[i];
    in->size = (uint16_t) sealed_size;
    in->old_nonce = NULL;

    if (!pay_seal(lines->vault, lines->sku, card, lines->sealed[i],
                  sealed_size))
    {
        return false;
    }

    /* Cards of before a rotation are found by the fingerprint of then. */

    if (pay_vault_has_previous(lines->vault)) {
        in->old_nonce = lines->old_nonce[i];
        return pay_fingerprint(lines->vault, PAY_KEY_PREVIOUS, lines->sku,
                               card, lines->old_nonce[i]);
    }

    return true;
}


bool
ngx_faka_lines_full(const ngx_faka_lines_t *lines)
{
    return lines->card_count == FK_IMPORT_SLICE_MAX
           || lines->slice_count == NGX_FAKA_SLICE_LINES;
}


void
ngx_faka_lines_done(ngx_faka_lines_t *lines, const uint8_t *results)
{
    uint32_t          i, card;
    ngx_faka_line_t  *slice;

    card = 0;

    for (i = 0; i < lines->slice_count; i++) {
        slice = &lines->slice[i];

        if (slice->reason == NGX_FAKA_LINE_GOOD) {

            switch (results[card++]) {
            case FK_CARD_ACCEPTED:
                lines->accepted_count++;
                continue;
            case FK_CARD_DUP_FILE:
                slice->reason = NGX_FAKA_LINE_DUP_FILE;
                break;
            default:
                slice->reason = NGX_FAKA_LINE_DUP_STOCK;
            }
        }

        lines->reason_count[slice->reason]++;

        if (lines->rejected_count < NGX_FAKA_REJECTED_MAX) {
            lines->rejected[lines->rejected_count] = *slice;
        }

        lines->rejected_count++;
    }

    assert(card == lines->card_count);

    lines->slice_count = 0;
    lines->card_count = 0;
}


void
ngx_faka_lines_wipe(ngx_faka_lines_t *lines)
{
    pay_wipe(lines->line, sizeof(lines->line));
}


static bool
ngx_faka_lines_is_blank(uint8_t ch)
{
    return ch == ' ' || ch == '\t' || ch == '\r';
}

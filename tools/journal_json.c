/*
 * Members of JSON objects, and the images of the ledger: accounts, the splits
 * of orders, withdrawals.  What a word stands for may be impossible, as the
 * bytes come from outside; then that is what is shown.
 */

#include "journal_json.h"


#define JOURNAL_HEX_SIZE_MAX  64


static void journal_set_word(json_t *object, const char *name,
    const char *const *words, uint32_t count, uint32_t at);
static json_t *journal_json_lines(const fk_image_split_t *s);
static json_t *journal_json_parts(const fk_image_split_t *s);


void
journal_set_text(json_t *object, const char *name, const void *text,
    size_t size)
{
    json_t  *string;

    string = json_stringn(text, size);

    if (string == NULL) {
        journal_set_hex(object, name, text, size);
        return;
    }

    (void) json_object_set_new(object, name, string);
}


void
journal_set_hex(json_t *object, const char *name, const uint8_t *bytes,
    size_t size)
{
    char    hex[2 * JOURNAL_HEX_SIZE_MAX + 1];
    size_t  i;

    if (size > JOURNAL_HEX_SIZE_MAX) {
        size = JOURNAL_HEX_SIZE_MAX;
    }

    for (i = 0; i < size; i++) {
        (void) snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    }

    hex[2 * size] = '\0';
    (void) json_object_set_new(object, name, json_string(hex));
}


void
journal_set_id(json_t *object, const char *name,
    const uint8_t id[FK_ORDER_ID_SIZE])
{
    char           text[FK_ORDER_TEXT_SIZE];
    fk_order_id_t  order;

    memcpy(order.bytes, id, FK_ORDER_ID_SIZE);
    fk_order_id_text(&order, text);
    journal_set_text(object, name, text, sizeof(text));
}


void
journal_set_number(json_t *object, const char *name, int64_t number)
{
    (void) json_object_set_new(object, name, json_integer(number));
}


static void
journal_set_word(json_t *object, const char *name, const char *const *words,
    uint32_t count, uint32_t at)
{
    const char  *word;

    word = at < count ? words[at] : "impossible";
    journal_set_text(object, name, word, strlen(word));
}


json_t *
journal_json_account(const fk_image_t *image)
{
    json_t                    *o;
    const fk_image_account_t  *a;

    a = &image->account;
    o = json_object();

    journal_set_number(o, "account", a->slot);
    journal_set_text(o, "id", a->id, a->id_size);
    journal_set_word(o, "kind", fk_account_kind_word, FK_ACCOUNT_KIND_COUNT,
                     a->kind);
    journal_set_text(o, "currency", a->currency, FK_CURRENCY_SIZE - 1);
    journal_set_number(o, "parent", a->parent);
    journal_set_number(o, "closed", a->closed);
    journal_set_number(o, "created_s", a->created_s);
    journal_set_number(o, "archived_earned", a->archived_earned);
    journal_set_number(o, "archived_withdrawn", a->archived_withdrawn);

    return o;
}


json_t *
journal_json_split(const fk_image_t *image)
{
    json_t                  *o;
    const fk_image_split_t  *s;

    s = &image->split;
    o = json_object();

    journal_set_id(o, "order", s->order);
    journal_set_word(o, "state", fk_split_state_word, FK_SPLIT_STATE_COUNT,
                     s->state);
    journal_set_number(o, "paid", s->paid);
    journal_set_number(o, "made_s", s->made_s);
    journal_set_number(o, "settle_at_s", s->settle_at_s);
    (void) json_object_set_new(o, "lines", journal_json_lines(s));
    (void) json_object_set_new(o, "returned", journal_json_parts(s));

    return o;
}


static json_t *
journal_json_lines(const fk_image_split_t *s)
{
    json_t    *list, *line;
    uint32_t   n;

    list = json_array();

    for (n = 0; n < s->line_count && n < s->amount_count; n++) {
        line = json_object();
        journal_set_number(line, "account", s->account[n]);
        journal_set_number(line, "amount", s->amount[n]);
        (void) json_array_append_new(list, line);
    }

    return list;
}


/* Up to the first that does not fit into what is there. */

static json_t *
journal_json_parts(const fk_image_split_t *s)
{
    size_t           at;
    json_t          *list, *part;
    uint32_t         n;
    const uint8_t   *bytes;

    list = json_array();
    at = 0;

    for (n = 0; n < s->part_count; n++) {
        if (s->part_size[n] < FK_PART_HEAD_SIZE
            || s->part_size[n] > s->parts_size - at)
        {
            break;
        }

        bytes = s->parts + at;
        at += s->part_size[n];

        part = json_object();
        journal_set_number(part, "amount", (int64_t) fk_get(bytes, 8));
        journal_set_number(part, "at_s", (int64_t) fk_get(bytes + 8, 4));
        journal_set_text(part, "ref", bytes + FK_PART_HEAD_SIZE,
                         s->part_size[n] - FK_PART_HEAD_SIZE);
        (void) json_array_append_new(list, part);
    }

    return list;
}


json_t *
journal_json_withdrawal(const fk_image_t *image)
{
    json_t                       *o;
    const fk_image_withdrawal_t  *w;

    w = &image->withdrawal;
    o = json_object();

    journal_set_number(o, "withdrawal", w->slot);
    journal_set_number(o, "serial", (int64_t) w->serial);
    journal_set_number(o, "account", w->account);
    journal_set_number(o, "amount", w->amount);
    journal_set_number(o, "kept", w->used);
    journal_set_word(o, "state", fk_withdrawal_state_word,
                     FK_WITHDRAWAL_STATE_COUNT, w->state);
    journal_set_number(o, "requested_s", w->requested_s);
    journal_set_number(o, "decided_s", w->decided_s);
    journal_set_text(o, "note", w->note, w->note_size);

    return o;
}

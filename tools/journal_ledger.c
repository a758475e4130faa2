/*
 * The images of the ledger as JSON: accounts, the splits of orders,
 * withdrawals.  What a word stands for may be impossible, as the bytes come
 * from outside; then that is what is shown.
 */

#include "journal_image.h"


static void journal_set_word(json_t *object, const char *name,
    const char *const *words, uint32_t count, uint32_t at);
static json_t *journal_json_lines(const fk_image_split_t *s);
static json_t *journal_json_parts(const fk_image_split_t *s);


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
    journal_set_number(o, "archived_spent", a->archived_spent);
    journal_set_number(o, "archived_credited", a->archived_credited);

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
    journal_set_number(o, "payer", s->payer);
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
    journal_set_number(o, "credit", w->credit);
    journal_set_number(o, "kept", w->used);
    journal_set_word(o, "state", fk_withdrawal_state_word,
                     FK_WITHDRAWAL_STATE_COUNT, w->state);
    journal_set_number(o, "requested_s", w->requested_s);
    journal_set_number(o, "decided_s", w->decided_s);
    journal_set_text(o, "note", w->note, w->note_size);

    return o;
}

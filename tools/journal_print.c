/*
 * Records as JSON, one line each: for people, grep and jq.  A record is
 * {"seq":..}, a part of a snapshot {"part":..}, an owner's word {"mark":..}.
 *
 * Card keys are sealed and stay so: of a card only its size and its nonce are
 * shown.  Contacts are in clear, as they are in the journal.
 */

#include "journal_image.h"


#define JOURNAL_HEX_SIZE_MAX  64


typedef json_t *(*journal_image_pt)(const fk_image_t *image);

typedef struct {
    const journal_options_t  *options;
    journal_place_t           place;
    fk_order_id_t             order;
    const char               *field;   /* of an entry that has records */
    uint64_t                  parts_count;
    uint64_t                  last_seq;
    int                       status;
} journal_print_t;


static json_t *journal_json_product(const fk_image_t *image);
static json_t *journal_json_batch(const fk_image_t *image);
static json_t *journal_json_card(const fk_image_t *image);
static json_t *journal_json_card_free(const fk_image_t *image);
static json_t *journal_json_order(const fk_image_t *image);
static json_t *journal_json_payment(const fk_image_t *image);
static json_t *journal_json_start(const fk_image_t *image);
static json_t *journal_json_order_gone(const fk_image_t *image);
static json_t *journal_json_batch_archived(const fk_image_t *image);
static json_t *journal_json_snapshot(const fk_image_t *image);
static json_t *journal_json_snapshot_end(const fk_image_t *image);
static json_t *journal_json_images(journal_print_t *print,
    const journal_place_t *place, const fk_record_head_t *head,
    const uint8_t *bytes);
static int journal_names_order(const journal_print_t *print,
    fk_image_type_t type, const fk_image_t *image);
static void journal_line(json_t *line);
static int journal_print_entry(void *data, const journal_entry_t *entry);
static int journal_print_record(void *data, const journal_place_t *place,
    const fk_record_head_t *head, const uint8_t *bytes);
static void journal_print_snapshot(journal_source_t *source,
    journal_print_t *print);
static void journal_print_mark(const journal_print_t *print,
    const journal_entry_t *entry);
static int journal_print_ends(journal_source_t *source,
    const journal_print_t *print);


static const struct {
    const char        *name;
    journal_image_pt   json;
} journal_images[FK_IMAGE_LAST] = {
    [FK_IMAGE_PRODUCT] = { "product", journal_json_product },
    [FK_IMAGE_BATCH] = { "batch", journal_json_batch },
    [FK_IMAGE_CARD] = { "card", journal_json_card },
    [FK_IMAGE_CARD_FREE] = { "card_free", journal_json_card_free },
    [FK_IMAGE_ORDER] = { "order", journal_json_order },
    [FK_IMAGE_PAYMENT] = { "payment", journal_json_payment },
    [FK_IMAGE_ORDER_GONE] = { "order_gone", journal_json_order_gone },
    [FK_IMAGE_BATCH_ARCHIVED] = { "batch_archived",
                                  journal_json_batch_archived },
    [FK_IMAGE_SNAPSHOT] = { "snapshot", journal_json_snapshot },
    [FK_IMAGE_SNAPSHOT_END] = { "snapshot_end", journal_json_snapshot_end },
    [FK_IMAGE_LEVEL] = { "level", journal_json_level },
    [FK_IMAGE_COUPON] = { "coupon", journal_json_coupon },
    [FK_IMAGE_TALLY] = { "tally", journal_json_tally },
    [FK_IMAGE_ACCOUNT] = { "account", journal_json_account },
    [FK_IMAGE_SPLIT] = { "split", journal_json_split },
    [FK_IMAGE_WITHDRAWAL] = { "withdrawal", journal_json_withdrawal },
    [FK_IMAGE_START] = { "start", journal_json_start }
};

static const char *const  journal_batch_states[] = {
    "free", "loading", "live", "aborted"
};


/*
 * The images of a record; of a part those of the order that is asked for, if
 * one is.  NULL: the order is not in it.
 */

static json_t *
journal_json_images(journal_print_t *print, const journal_place_t *place,
    const fk_record_head_t *head, const uint8_t *bytes)
{
    int              named, is_part;
    size_t           used, size;
    json_t          *list, *item;
    uint32_t         n;
    uint64_t         seq;
    fk_code_t        code;
    fk_image_t       image;
    fk_image_type_t  type;

    list = json_array();
    used = FK_RECORD_HEAD_SIZE;
    is_part = head->version == FK_RECORD_VERSION_PART;
    named = print->options->order == NULL;

    for (n = 0; n < head->count; n++) {
        code = is_part ? fk_part_image(bytes + used, head->size - used, &type,
                                       &size, &image, &seq)
                       : fk_image_get(bytes + used, head->size - used, &type,
                                      &size, &image);

        if (code != FK_OK) {
            print->status = journal_judged(place, code, n);
            break;
        }

        used += size;

        if (print->options->order != NULL) {
            if (journal_names_order(print, type, &image)) {
                named = 1;
            } else if (is_part) {
                continue;
            }
        }

        item = journal_images[type].json(&image);
        (void) json_object_set_new(item, "type",
                                   json_string(journal_images[type].name));

        if (is_part && seq != 0) {
            journal_set_number(item, "seq", (int64_t) seq);
        }

        (void) json_array_append_new(list, item);
    }

    if (!named) {
        json_decref(list);
        return NULL;
    }

    return list;
}


static int
journal_names_order(const journal_print_t *print, fk_image_type_t type,
    const fk_image_t *image)
{
    const uint8_t  *id;

    id = type == FK_IMAGE_ORDER ? image->order.id
         : type == FK_IMAGE_PAYMENT ? image->payment.order
         : type == FK_IMAGE_SPLIT ? image->split.order
         : type == FK_IMAGE_START ? image->start.order
         : type == FK_IMAGE_ORDER_GONE ? image->order_gone.id : NULL;

    return id != NULL
           && memcmp(id, print->order.bytes, FK_ORDER_ID_SIZE) == 0;
}


static void
journal_line(json_t *line)
{
    if (line == NULL || json_dumpf(line, stdout, JSON_COMPACT) != 0
        || putchar('\n') == EOF)
    {
        journal_fail("the output cannot be written");
    }

    json_decref(line);
}


static json_t *
journal_json_product(const fk_image_t *image)
{
    json_t                    *o;
    const fk_image_product_t  *p;

    p = &image->product;
    o = json_object();

    journal_set_text(o, "sku", p->sku, p->sku_size);
    journal_set_text(o, "name", p->name, p->name_size);
    journal_set_text(o, "kind", fk_kind_word[p->kind % FK_KIND_COUNT],
                     strlen(fk_kind_word[p->kind % FK_KIND_COUNT]));
    journal_set_number(o, "price", p->price);
    journal_set_text(o, "currency", p->currency, FK_CURRENCY_SIZE - 1);
    journal_set_number(o, "imported", p->imported);
    journal_set_number(o, "void", p->voided);
    journal_set_number(o, "qty_max", p->qty_max);
    journal_set_number(o, "on_sale", p->on_sale);
    journal_set_number(o, "sale_from_s", p->sale_from_s);
    journal_set_number(o, "sale_to_s", p->sale_to_s);
    journal_set_number(o, "archived_units", p->archived_units);
    journal_set_number(o, "archived_orders", p->archived_orders);
    journal_set_number(o, "archived_amount", p->archived_amount);
    journal_set_product_terms(o, p);

    return o;
}


static json_t *
journal_json_batch(const fk_image_t *image)
{
    json_t                  *o;
    const char              *state;
    const fk_image_batch_t  *b;

    b = &image->batch;
    o = json_object();
    state = journal_batch_states[b->state & 3];

    journal_set_number(o, "batch", b->slot);
    journal_set_text(o, "sku", b->sku, b->sku_size);
    journal_set_text(o, "state", state, strlen(state));
    journal_set_number(o, "accepted", b->accepted);
    journal_set_number(o, "created_s", b->created_s);

    return o;
}


static json_t *
journal_json_card(const fk_image_t *image)
{
    json_t                 *o;
    const fk_image_card_t  *c;

    c = &image->card;
    o = json_object();

    journal_set_number(o, "card", c->slot);
    journal_set_number(o, "batch", c->batch);
    journal_set_number(o, "sealed_size", c->sealed_size);

    if (c->sealed_size >= FK_NONCE_SIZE) {
        journal_set_hex(o, "nonce", c->sealed, FK_NONCE_SIZE);
    }

    return o;
}


static json_t *
journal_json_card_free(const fk_image_t *image)
{
    return json_pack("{s:I}", "card", (json_int_t) image->card_free.slot);
}


static json_t *
journal_json_order(const fk_image_t *image)
{
    json_t                  *o, *cards;
    uint32_t                 i;
    fk_axes_t                axes;
    const char              *status;
    const fk_image_order_t  *in;

    in = &image->order;
    o = json_object();
    cards = json_array();

    axes.payment = in->axis_payment;
    axes.stock = in->axis_stock;
    axes.delivery = in->axis_delivery;
    axes.cancelled = in->cancelled;
    status = fk_order_image_good(in) ? fk_status_word[fk_status_of(&axes)]
                                     : "impossible";

    for (i = 0; i < in->card_count; i++) {
        (void) json_array_append_new(cards, json_integer(in->card[i]));
    }

    journal_set_id(o, "order", in->id);
    journal_set_text(o, "status", status, strlen(status));
    journal_set_text(o, "sku", in->sku, in->sku_size);
    journal_set_number(o, "qty", in->qty);
    journal_set_number(o, "amount", in->amount);
    journal_set_text(o, "channel", in->channel, in->channel_size);
    journal_set_text(o, "contact", in->contact, in->contact_size);
    journal_set_number(o, "created_ms", in->created_ms);
    journal_set_number(o, "expires_s", in->expires_s);
    journal_set_number(o, "paid_s", in->paid_s);
    journal_set_number(o, "rules", in->rules);
    journal_set_number(o, "review", in->review);
    journal_set_text(o, "reason", in->reason, in->reason_size);
    journal_set_number(o, "agent", in->agent);
    journal_set_number(o, "flagged", in->flagged);

    for (i = 0; i < in->step_count; i++) {
        journal_set_number(o, fk_price_step_word[i], in->step[i]);
    }

    journal_set_order_terms(o, in);
    (void) json_object_set_new(o, "cards", cards);

    return o;
}


static json_t *
journal_json_payment(const fk_image_t *image)
{
    json_t                    *o;
    const char                *state;
    const fk_image_payment_t  *p;

    p = &image->payment;
    o = json_object();
    state = p->state < FK_PAYMENT_STATE_COUNT
            ? fk_payment_state_word[p->state] : "impossible";

    journal_set_id(o, "order", p->order);
    journal_set_text(o, "trade_no", p->trade_no, p->trade_no_size);
    journal_set_number(o, "amount", p->amount);
    journal_set_text(o, "state", state, strlen(state));
    journal_set_number(o, "revoked", p->revoked);
    journal_set_number(o, "at_s", p->at_s);

    return o;
}


static json_t *
journal_json_start(const fk_image_t *image)
{
    json_t  *o;

    o = json_object();
    journal_set_id(o, "order", image->start.order);
    journal_set_number(o, "start_size", image->start.start_size);

    return o;
}


static json_t *
journal_json_order_gone(const fk_image_t *image)
{
    json_t  *o;

    o = json_object();
    journal_set_id(o, "order", image->order_gone.id);

    return o;
}


static json_t *
journal_json_batch_archived(const fk_image_t *image)
{
    return json_pack("{s:I, s:I}",
                     "batch", (json_int_t) image->batch_archived.slot,
                     "archived", (json_int_t) image->batch_archived.archived);
}


static json_t *
journal_json_snapshot(const fk_image_t *image)
{
    return json_pack("{s:I, s:I, s:I, s:I}",
                     "epoch", (json_int_t) image->snapshot.epoch,
                     "begin_seq", (json_int_t) image->snapshot.begin_seq,
                     "time_ms", (json_int_t) image->snapshot.time_ms,
                     "format", (json_int_t) image->snapshot.format);
}


static json_t *
journal_json_snapshot_end(const fk_image_t *image)
{
    return json_pack("{s:I}", "end_seq",
                     (json_int_t) image->snapshot_end.end_seq);
}


/* --- members ---------------------------------------------------------- */

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


/* --- the command ------------------------------------------------------ */

int
journal_cmd_print(journal_source_t *source,
    const journal_options_t *options)
{
    int              rc;
    char             key[JOURNAL_KEY_SIZE_MAX];
    journal_print_t  print;

    static const journal_id_t  start = { 0, 0 };

    memset(&print, 0, sizeof(print));
    print.options = options;

    if (options->order != NULL
        && fk_order_id_parse(&print.order, (const uint8_t *) options->order,
                             strlen(options->order))
           != FK_OK)
    {
        journal_fail("\"%s\" is no order: an id has %d characters",
                     options->order, FK_ORDER_TEXT_SIZE);
    }

    if (options->snapshot) {
        journal_print_snapshot(source, &print);
    }

    journal_key(key, options->shop, "journal");
    print.place.key = key;
    print.field = "b";

    rc = journal_read(source, key, &start, journal_print_entry, &print);

    if (fflush(stdout) != 0) {
        journal_fail("the output cannot be written");
    }

    if (rc == 0 && options->to_seq != UINT64_MAX
        && journal_print_ends(source, &print))
    {
        return JOURNAL_BAD;
    }

    return rc != 0 ? rc : print.status;
}


/* 1: the shop has not yet come to the last record that is asked for.  What the
 * snapshot has, the journal need not have any more. */

static int
journal_print_ends(journal_source_t *source, const journal_print_t *print)
{
    uint64_t            last_seq;
    journal_snapshot_t  snapshot;

    journal_snapshot_find(source, print->options->shop, &snapshot);
    last_seq = print->last_seq > snapshot.end_seq ? print->last_seq
                                                  : snapshot.end_seq;

    if (last_seq >= print->options->to_seq) {
        return 0;
    }

    fprintf(stderr, "the journal ends at record %llu, before record %llu\n",
            (unsigned long long) last_seq,
            (unsigned long long) print->options->to_seq);

    return 1;
}


static void
journal_print_snapshot(journal_source_t *source, journal_print_t *print)
{
    char                part[80], key[JOURNAL_KEY_SIZE_MAX];
    journal_snapshot_t  snapshot;

    static const journal_id_t  start = { 0, 0 };

    journal_snapshot_find(source, print->options->shop, &snapshot);

    if (snapshot.name[0] == '\0') {
        return;
    }

    (void) snprintf(part, sizeof(part), "snapshot:%s", snapshot.name);
    journal_key(key, print->options->shop, part);
    print->place.key = key;
    print->field = "p";

    print->status = journal_read(source, key, &start, journal_print_entry,
                                 print);

    if (print->parts_count < snapshot.parts_count && print->status == 0) {
        journal_fail("%s: %llu of %llu parts are there; if another snapshot "
                     "counts by now, try again", key,
                     (unsigned long long) print->parts_count,
                     (unsigned long long) snapshot.parts_count);
    }
}


static int
journal_print_entry(void *data, const journal_entry_t *entry)
{
    int              rc;
    uint32_t         i;
    journal_print_t *print = data;

    print->place.id = entry->id;
    journal_print_mark(print, entry);

    for (i = 0; i < entry->field_count; i++) {
        if (strcmp(entry->field[i].name, print->field) != 0) {
            continue;
        }

        rc = journal_records(&print->place, entry->field[i].value,
                             entry->field[i].size, journal_print_record,
                             print);
        if (rc != 0) {
            return rc;
        }
    }

    return 0;
}


/* Who took the shop and who opened it, where all records are asked for. */

static void
journal_print_mark(const journal_print_t *print,
    const journal_entry_t *entry)
{
    char                    id[64];
    json_t                 *line;
    const char             *mark;
    const journal_field_t  *instance;

    mark = "taken";
    instance = journal_field(entry, "t");

    if (instance == NULL) {
        mark = "open";
        instance = journal_field(entry, "o");
    }

    if (instance == NULL || print->options->order != NULL
        || print->options->from_seq != 0
        || print->options->to_seq != UINT64_MAX)
    {
        return;
    }

    (void) snprintf(id, sizeof(id), "%llu-%llu",
                    (unsigned long long) entry->id.epoch,
                    (unsigned long long) entry->id.number);

    line = json_pack("{s:s, s:s}", "mark", mark, "entry", id);
    journal_set_text(line, "instance", instance->value, instance->size);
    journal_line(line);
}


static int
journal_print_record(void *data, const journal_place_t *place,
    const fk_record_head_t *head, const uint8_t *bytes)
{
    int                       is_part;
    char                      id[64];
    json_t                   *images;
    journal_print_t          *print = data;
    const journal_options_t  *options;

    options = print->options;
    is_part = head->version == FK_RECORD_VERSION_PART;
    print->parts_count += (unsigned) is_part;

    if (!is_part && head->seq > print->last_seq) {
        print->last_seq = head->seq;
    }

    if (!is_part && (head->seq < options->from_seq
                     || head->seq > options->to_seq))
    {
        return 0;
    }

    if (!is_part && head->version != FK_RECORD_VERSION) {
        journal_complain(place, "record %llu is of version %u, which this "
                         "program does not know: a newer one wrote it",
                         (unsigned long long) head->seq, head->version);
        print->status = JOURNAL_NEWER;
        return 0;
    }

    images = journal_json_images(print, place, head, bytes);
    if (images == NULL) {
        return 0;
    }

    (void) snprintf(id, sizeof(id), "%llu-%llu",
                    (unsigned long long) place->id.epoch,
                    (unsigned long long) place->id.number);

    journal_line(json_pack("{s:I, s:s, s:i, s:i, s:I, s:o}",
                           is_part ? "part" : "seq", (json_int_t) head->seq,
                           "entry", id, "byte", (int) place->offset,
                           "size", (int) head->size,
                           "time_ms", (json_int_t) head->time_ms,
                           "images", images));
    return 0;
}

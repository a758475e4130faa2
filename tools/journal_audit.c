/*
 * The offline audit: the shop recovered in memory of our own, by the engine's
 * own recovery, checked and counted by its own audit; and compared with what
 * the running shop says of itself.
 */

#include <jansson.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "journal.h"


#define JOURNAL_OWNER        1
#define JOURNAL_AUDIT_SLOTS  4096
#define JOURNAL_PRODUCTS     16
#define JOURNAL_ENOUGH       (-1)      /* what follows is not asked for */


typedef struct {
    fk_t             fk;
    journal_place_t  place;
    uint64_t         to_seq;
    void            *mem;
    size_t           mem_size;
    int              loading;          /* parts of a snapshot */
} journal_replay_t;

static void journal_region(journal_replay_t *replay, size_t size);
static int journal_replay_live(journal_source_t *source,
    const journal_options_t *options, journal_replay_t *replay);
static int journal_replay(journal_source_t *source,
    const journal_options_t *options, const journal_snapshot_t *snapshot,
    journal_replay_t *replay);
static int journal_replay_entry(void *data, const journal_entry_t *entry);
static int journal_replay_value(journal_replay_t *replay,
    const uint8_t *value, size_t size);
static int journal_replay_record(void *data, const journal_place_t *place,
    const fk_record_head_t *head, const uint8_t *bytes);
static json_t *journal_audit_json(fk_t *fk);
static json_t *journal_audit_totals(const fk_audit_totals_t *totals);
static json_t *journal_live(const char *name);
static uint64_t journal_live_seq(json_t *live);
static int journal_compare(json_t *live, json_t *ours, const char *path);


int
journal_cmd_audit(journal_source_t *source,
    const journal_options_t *options)
{
    int               differs, status;
    json_t           *live, *ours;
    uint64_t          to_seq;
    journal_replay_t  replay;

    live = NULL;
    to_seq = options->to_seq;

    if (options->live != NULL) {
        live = journal_live(options->live);
        to_seq = journal_live_seq(live);
    }

    memset(&replay, 0, sizeof(replay));
    replay.to_seq = to_seq;

    status = journal_replay_live(source, options, &replay);
    if (status != JOURNAL_GOOD) {
        return status;
    }

    if (to_seq != UINT64_MAX && fk_last_seq(&replay.fk) < to_seq) {
        fprintf(stderr, "the journal ends at record %llu, before record "
                "%llu\n", (unsigned long long) fk_last_seq(&replay.fk),
                (unsigned long long) to_seq);
        return JOURNAL_BAD;
    }

    ours = journal_audit_json(&replay.fk);
    (void) json_dumpf(ours, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    (void) putchar('\n');

    if (live == NULL) {
        return json_is_true(json_object_get(ours, "ok")) ? JOURNAL_GOOD
                                                         : JOURNAL_BAD;
    }

    differs = journal_compare(json_object_get(live, "products"),
                              json_object_get(ours, "products"), "products")
              + journal_compare(json_object_get(live, "totals"),
                                json_object_get(ours, "totals"), "totals");

    fprintf(stderr, "%s\n", differs == 0
            ? "the live audit says the same" : "the live audit differs");

    return differs == 0 && json_is_true(json_object_get(ours, "ok"))
           ? JOURNAL_GOOD : JOURNAL_BAD;
}


/* Empty and zeroed: what one attempt has left is no start for another. */

static void
journal_region(journal_replay_t *replay, size_t size)
{
    uint8_t      seed[FK_SEED_SIZE];
    const char  *why;

    if (replay->mem != NULL) {
        (void) munmap(replay->mem, replay->mem_size);
    }

    replay->mem_size = size;
    replay->mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (replay->mem == MAP_FAILED
        || getrandom(seed, sizeof(seed), 0) != (ssize_t) sizeof(seed)
        || fk_format(replay->mem, size, seed) != FK_OK
        || fk_attach(&replay->fk, replay->mem, size, &why) != FK_OK)
    {
        journal_fail("%zu bytes of memory are not to be had", size);
    }
}


/* A shop that sells may replace its snapshot while it is read. */

static int
journal_replay_live(journal_source_t *source,
    const journal_options_t *options, journal_replay_t *replay)
{
    int                 n, status;
    journal_snapshot_t  snapshot;

    for (n = 0; n <= JOURNAL_RESTARTS_MAX; n++) {
        journal_region(replay, options->memory);
        journal_snapshot_find(source, options->shop, &snapshot);
        status = journal_replay(source, options, &snapshot, replay);

        if (status == JOURNAL_GOOD
            || !journal_snapshot_replaced(source, options->shop, &snapshot))
        {
            return status;
        }

        fprintf(stderr, "a new snapshot counts by now, and what was before "
                "it is being removed: reading again\n");
    }

    journal_fail("the shop replaces its snapshots faster than they can be "
                 "read; dump it, and audit the dump");
}


static int
journal_replay(journal_source_t *source, const journal_options_t *options,
    const journal_snapshot_t *snapshot, journal_replay_t *replay)
{
    int        rc;
    char       why[256], part[80], key[JOURNAL_KEY_SIZE_MAX];
    fk_env_t   env;
    fk_code_t  code;

    static const journal_id_t  start = { 0, 0 };

    if (journal_snapshot_cut(source, options->shop, snapshot)) {
        return JOURNAL_BAD;
    }

    env.now_ms = 0;
    replay->place.key = key;
    (void) fk_recover_begin(&replay->fk, JOURNAL_OWNER, 0);

    if (snapshot->name[0] != '\0') {
        if (replay->to_seq < snapshot->end_seq) {
            journal_fail("record %llu is before the end of the snapshot, %llu:"
                         " its shop cannot be had any more",
                         (unsigned long long) replay->to_seq,
                         (unsigned long long) snapshot->end_seq);
        }

        (void) snprintf(part, sizeof(part), "snapshot:%s", snapshot->name);
        journal_key(key, options->shop, part);
        replay->loading = 1;

        rc = journal_read(source, key, &start, journal_replay_entry, replay);
        if (rc != 0) {
            return rc;
        }
    }

    journal_key(key, options->shop, "journal");
    replay->loading = 0;

    rc = journal_read(source, key, &start, journal_replay_entry, replay);
    if (rc != 0 && rc != JOURNAL_ENOUGH) {
        return rc;
    }

    code = fk_recover_end(&replay->fk, &env, JOURNAL_OWNER, 1, why,
                          sizeof(why));

    if (code != FK_OK) {
        fprintf(stderr, "the shop cannot be recovered: %s\n", why);
        return JOURNAL_BAD;
    }

    return JOURNAL_GOOD;
}


static int
journal_replay_entry(void *data, const journal_entry_t *entry)
{
    int                rc;
    uint32_t           i;
    const char        *name;
    journal_replay_t  *replay = data;

    replay->place.id = entry->id;
    replay->place.offset = 0;
    name = replay->loading ? "p" : "b";

    for (i = 0; i < entry->field_count; i++) {
        if (strcmp(entry->field[i].name, name) != 0) {
            continue;
        }

        rc = replay->loading
             ? journal_replay_value(replay, entry->field[i].value,
                                    entry->field[i].size)
             : journal_records(&replay->place, entry->field[i].value,
                               entry->field[i].size, journal_replay_record,
                               replay);
        if (rc != 0) {
            return rc;
        }
    }

    return 0;
}


/* The shop as it was with the last record that is asked for. */

static int
journal_replay_record(void *data, const journal_place_t *place,
    const fk_record_head_t *head, const uint8_t *bytes)
{
    journal_replay_t *replay = data;

    if (head->seq > replay->to_seq) {
        return JOURNAL_ENOUGH;
    }

    replay->place.offset = place->offset;
    return journal_replay_value(replay, bytes, head->size);
}


static int
journal_replay_value(journal_replay_t *replay, const uint8_t *value,
    size_t size)
{
    size_t     at;
    fk_code_t  code;

    code = replay->loading
           ? fk_snapshot_load(&replay->fk, JOURNAL_OWNER, 0, value, size, &at)
           : fk_apply(&replay->fk, JOURNAL_OWNER, 0, value, size, &at);

    if (code == FK_OK) {
        return 0;
    }

    replay->place.offset += at;
    journal_complain(&replay->place, "%s, after record %llu%s",
                     fk_code_info[code].text,
                     (unsigned long long) fk_recover_seq(&replay->fk),
                     code == FK_TABLE_FULL ? "; try a larger --memory" : "");

    /* That is no word on the journal. */
    if (code == FK_TABLE_FULL) {
        exit(JOURNAL_UNREADABLE);
    }

    return code == FK_INCOMPATIBLE ? JOURNAL_NEWER : JOURNAL_BAD;
}


static json_t *
journal_audit_json(fk_t *fk)
{
    int                  ok;
    json_t              *products;
    fk_env_t             env;
    uint32_t             i, n, cursor;
    fk_code_t            code;
    fk_audit_totals_t    totals;
    fk_audit_product_t   product[JOURNAL_PRODUCTS], *p;

    env.now_ms = 0;
    products = json_array();
    ok = 1;
    cursor = 0;

    code = fk_audit_begin(fk, &env, JOURNAL_OWNER);

    while (code == FK_OK || code == FK_AGAIN) {
        code = fk_audit_step(fk, &env, JOURNAL_OWNER, JOURNAL_AUDIT_SLOTS);
        if (code == FK_OK) {
            break;
        }
    }

    if (code != FK_OK) {
        journal_fail("the audit cannot be made: %s", fk_code_info[code].text);
    }

    do {
        n = fk_audit_products(fk, JOURNAL_OWNER, &cursor, product,
                              JOURNAL_PRODUCTS);

        for (i = 0; i < n; i++) {
            p = &product[i];
            ok = ok && p->ok;
            (void) json_array_append_new(products, json_pack(
                "{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
                "sku", p->sku, "kind", fk_kind_word[p->kind],
                "ok", (int) p->ok,
                "imported", (json_int_t) p->imported,
                "available", (json_int_t) p->available,
                "held", (json_int_t) p->held, "sold", (json_int_t) p->sold,
                "void", (json_int_t) p->voided,
                "waiting", (json_int_t) p->owed,
                "orders", (json_int_t) p->orders_count,
                "archived_units", (json_int_t) p->archived_units,
                "archived_orders", (json_int_t) p->archived_orders));
        }
    } while (cursor != 0);

    (void) fk_audit_end(fk, JOURNAL_OWNER, &totals);

    return json_pack("{s:o, s:o, s:{s:I}, s:b}", "products", products,
                     "totals", journal_audit_totals(&totals), "journal",
                     "seq", (json_int_t) fk_last_seq(fk),
                     "ok", totals.ok && ok);
}


static json_t *
journal_audit_totals(const fk_audit_totals_t *totals)
{
    uint32_t  i;
    json_t   *money, *archived, *ledger;

    money = json_object();
    archived = json_object();
    ledger = json_object();

    for (i = 0; i < totals->currency_count; i++) {
        (void) json_object_set_new(money, totals->money[i].currency,
                                   json_integer(totals->money[i].amount));
        (void) json_object_set_new(archived, totals->money[i].currency,
                                   json_integer(totals->money[i]
                                                .archived_amount));
        (void) json_object_set_new(ledger, totals->money[i].currency,
                                   json_integer(totals->money[i].ledger_sum));
    }

    return json_pack("{s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I,"
                     " s:I, s:I, s:I, s:o}",
                     "orders", (json_int_t) totals->orders_count,
                     "cards", (json_int_t) totals->cards_count,
                     "payments_count", (json_int_t) totals->payments_count,
                     "payments_amount", money, "archived_amount", archived,
                     "archived_orders", (json_int_t) totals->archived_orders,
                     "review", (json_int_t) totals->review_count,
                     "refund_due", (json_int_t) totals->refund_due_count,
                     "refunded", (json_int_t) totals->refunded_count,
                     "coupons", (json_int_t) totals->coupons_count,
                     "tallies", (json_int_t) totals->tallies_count,
                     "accounts", (json_int_t) totals->accounts_count,
                     "splits", (json_int_t) totals->splits_count,
                     "withdrawals", (json_int_t) totals->withdrawals_count,
                     "ledger_sum", ledger);
}


/* --- what the running shop said --------------------------------------- */

static json_t *
journal_live(const char *name)
{
    json_t        *live;
    json_error_t   error;

    live = strcmp(name, "-") == 0
           ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error)
           : json_load_file(name, JSON_REJECT_DUPLICATES, &error);

    if (live == NULL) {
        journal_fail("%s is no audit: line %d: %s", name, error.line,
                     error.text);
    }

    return live;
}


/* Only a shop that stood still while it was audited can be compared. */

static uint64_t
journal_live_seq(json_t *live)
{
    json_int_t  begin, end;
    json_t     *journal;

    journal = json_object_get(live, "journal");
    begin = json_integer_value(json_object_get(journal, "begin_seq"));
    end = json_integer_value(json_object_get(journal, "seq"));

    if (!json_is_integer(json_object_get(journal, "seq"))) {
        journal_fail("that is no answer to GET /admin/audit");
    }

    if (begin != end) {
        journal_fail("the shop went from record %lld to %lld while it was "
                     "audited; ask it again in a quieter moment",
                     (long long) begin, (long long) end);
    }

    return (uint64_t) end;
}


/*
 * The live one must have all that ours has, and the same; what only it has is
 * not looked at.  Returns how many values differ, each of which is said.
 */

static int
journal_compare(json_t *live, json_t *ours, const char *path)
{
    int          differs;
    char         below[512], *a, *b;
    size_t       i;
    json_t      *value;
    const char  *name;

    differs = 0;

    if (json_is_object(ours) && json_is_object(live)) {
        json_object_foreach(ours, name, value) {
            (void) snprintf(below, sizeof(below), "%s.%s", path, name);
            differs += journal_compare(json_object_get(live, name), value,
                                       below);
        }

        return differs;
    }

    if (json_is_array(ours) && json_is_array(live)
        && json_array_size(ours) == json_array_size(live))
    {
        json_array_foreach(ours, i, value) {
            (void) snprintf(below, sizeof(below), "%s[%zu]", path, i);
            differs += journal_compare(json_array_get(live, i), value, below);
        }

        return differs;
    }

    if (json_equal(live, ours)) {
        return 0;
    }

    a = live == NULL ? NULL : json_dumps(live, JSON_ENCODE_ANY);
    b = json_dumps(ours, JSON_ENCODE_ANY);
    fprintf(stderr, "%s: live %s, recomputed %s\n", path,
            a != NULL ? a : "nothing", b);
    free(a);
    free(b);

    return 1;
}

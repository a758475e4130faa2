/*
 * The streams of the model: ids that must grow, ranges, trimming.
 */

#include "sim_redis.h"


/* What the real one keeps or drops as a whole, under "~". */
#define NODE_ENTRIES  4


static int id_read(const sim_text_t *text, sim_id_t *id, uint64_t missing);
static int id_cmp(const sim_id_t *a, const sim_id_t *b);
static sim_text_t id_text(sim_t *s, const sim_id_t *id);
static int id_bound(const sim_text_t *text, sim_id_t *id, int is_end);
static void stream_append(sim_t *s, sim_key_t *key, const sim_entry_t *entry);
static void stream_entry(sim_t *s, const sim_entry_t *entry,
    fj_reply_t *reply);
static const fj_reply_t *stream_range(sim_t *s, const redis_call_t *call,
    int is_reverse);


static int
id_cmp(const sim_id_t *a, const sim_id_t *b)
{
    if (a->ms != b->ms) {
        return a->ms < b->ms ? -1 : 1;
    }

    return a->seq < b->seq ? -1 : a->seq > b->seq;
}


/* "123-45", or "123" with the given second part. */

static int
id_read(const sim_text_t *text, sim_id_t *id, uint64_t missing)
{
    size_t      i;
    sim_text_t  part;

    for (i = 0; i < text->size && text->data[i] != '-'; i++) {
        if (text->data[i] < '0' || text->data[i] > '9') {
            return 0;
        }
    }

    if (i == 0) {
        return 0;
    }

    id->ms = redis_number(text);
    id->seq = missing;

    if (i < text->size) {
        part.data = text->data + i + 1;
        part.size = text->size - i - 1;
        id->seq = redis_number(&part);
    }

    return 1;
}


static sim_text_t
id_text(sim_t *s, const sim_id_t *id)
{
    int   size;
    char  text[64];

    size = snprintf(text, sizeof(text), "%" PRIu64 "-%" PRIu64, id->ms,
                    id->seq);
    return (sim_text_t) { sim_copy(s, text, (size_t) size), (size_t) size };
}


/* XADD key [NOMKSTREAM] id field value [field value] */

const fj_reply_t *
redis_xadd(sim_t *s, const redis_call_t *call)
{
    uint32_t     at, i;
    sim_key_t   *key;
    fj_reply_t  *reply;
    sim_entry_t  entry;

    at = 2 + (uint32_t) redis_is(&call->argv[2], "NOMKSTREAM");

    if (!id_read(&call->argv[at], &entry.id, 0)) {
        return redis_error(s, "ERR Invalid stream ID specified as stream "
                              "command argument");
    }

    entry.count = call->argc - at - 1;

    if (entry.count == 0 || entry.count % 2 != 0
        || entry.count > SIM_FIELDS_MAX)
    {
        return redis_error(s, "ERR wrong number of arguments for 'xadd' "
                              "command");
    }

    if (entry.id.ms == 0 && entry.id.seq == 0) {
        return redis_error(s, "ERR The ID specified in XADD must be greater "
                              "than 0-0");
    }

    key = redis_find(s, &call->argv[1]);

    if (key == NULL && at == 3) {
        sim_mark(s, SIM_MARK_NO_STREAM);
        return redis_nil(s);
    }

    if (key == NULL) {
        key = redis_make(s, &call->argv[1], 1);
    }

    if (!key->is_stream) {
        return redis_error(s, REDIS_WRONGTYPE);
    }

    if (id_cmp(&entry.id, &key->top) <= 0) {
        sim_mark(s, SIM_MARK_REFUSED_ID);
        return redis_error(s, "ERR The ID specified in XADD is equal or "
                              "smaller than the target stream top item");
    }

    for (i = 0; i < entry.count; i++) {
        entry.field[i] = call->argv[at + 1 + i];
    }

    stream_append(s, key, &entry);

    if (redis_is(&key->name, SIM_JOURNAL) && !s->redis.replaying) {
        oracle_entry(s, &entry);
    }

    if (redis_is(&key->name, SIM_INDEX) && !s->redis.replaying
        && redis_is(&entry.field[0], "done") && entry.count == 10
        && redis_number(&entry.field[9]) <= s->oracle.last_seq)
    {
        again_snapshot_counts(s);
    }

    reply = sim_alloc(s, sizeof(fj_reply_t));
    redis_put(reply, FJ_REPLY_STRING, id_text(s, &entry.id));
    return reply;
}


static void
stream_append(sim_t *s, sim_key_t *key, const sim_entry_t *entry)
{
    sim_entry_t  *grown;

    if (key->count == key->room) {
        key->room = key->room != 0 ? 2 * key->room : 64;
        grown = sim_alloc(s, key->room * sizeof(sim_entry_t));

        if (key->count != 0) {
            memcpy(grown, key->entry, key->count * sizeof(sim_entry_t));
        }

        key->entry = grown;
    }

    key->entry[key->count++] = *entry;
    key->top = entry->id;
    key->added++;
}


/* "-", "+", an id, or "(" and an id. */

static int
id_bound(const sim_text_t *text, sim_id_t *id, int is_end)
{
    sim_text_t  rest;

    if (redis_is(text, "-")) {
        *id = (sim_id_t) { 0, 0 };
        return 1;
    }

    if (redis_is(text, "+")) {
        *id = (sim_id_t) { UINT64_MAX, UINT64_MAX };
        return 1;
    }

    if (text->size > 1 && text->data[0] == '(') {
        rest.data = text->data + 1;
        rest.size = text->size - 1;

        if (!id_read(&rest, id, 0)) {
            return 0;
        }

        /* The next id, or the one before. */
        if (is_end) {
            id->ms -= id->seq == 0;
            id->seq--;
        } else {
            id->seq++;
            id->ms += id->seq == 0;
        }

        return 1;
    }

    return id_read(text, id, is_end ? UINT64_MAX : 0);
}


static const fj_reply_t *
stream_range(sim_t *s, const redis_call_t *call, int is_reverse)
{
    uint32_t          i, n, count, wanted;
    sim_id_t          from, to;
    fj_reply_t       *item, *reply;
    const sim_key_t  *key;

    if (!id_bound(&call->argv[is_reverse ? 3 : 2], &from, 0)
        || !id_bound(&call->argv[is_reverse ? 2 : 3], &to, 1))
    {
        return redis_error(s, "ERR Invalid stream ID specified as stream "
                              "command argument");
    }

    wanted = UINT32_MAX;

    if (call->argc == 6 && redis_is(&call->argv[4], "COUNT")) {
        wanted = (uint32_t) redis_number(&call->argv[5]);
    }

    key = redis_find(s, &call->argv[1]);

    if (key == NULL) {
        return redis_array(s, 0, &item);
    }

    if (!key->is_stream) {
        return redis_error(s, REDIS_WRONGTYPE);
    }

    count = key->count - key->first;
    reply = redis_array(s, count < wanted ? count : wanted, &item);

    for (i = 0, n = 0; i < count && n < reply->count; i++) {
        const sim_entry_t  *entry;

        entry = &key->entry[is_reverse ? key->count - 1 - i : key->first + i];

        if (id_cmp(&entry->id, &from) >= 0 && id_cmp(&entry->id, &to) <= 0) {
            stream_entry(s, entry, &item[n++]);
        }
    }

    reply->count = n;
    return reply;
}


static void
stream_entry(sim_t *s, const sim_entry_t *entry, fj_reply_t *reply)
{
    uint32_t     i;
    fj_reply_t  *pair, *fields;

    *reply = *redis_array(s, 2, &pair);
    redis_put(&pair[0], FJ_REPLY_STRING, id_text(s, &entry->id));
    pair[1] = *redis_array(s, entry->count, &fields);

    for (i = 0; i < entry->count; i++) {
        redis_put(&fields[i], FJ_REPLY_STRING, entry->field[i]);
    }
}


const fj_reply_t *
redis_xrange(sim_t *s, const redis_call_t *call)
{
    return stream_range(s, call, 0);
}


const fj_reply_t *
redis_xrevrange(sim_t *s, const redis_call_t *call)
{
    return stream_range(s, call, 1);
}


const fj_reply_t *
redis_xinfo(sim_t *s, const redis_call_t *call)
{
    fj_reply_t       *item, *reply;
    const sim_key_t  *key;

    key = redis_find(s, &call->argv[2]);

    if (key == NULL) {
        return redis_error(s, "ERR no such key");
    }

    if (!key->is_stream) {
        return redis_error(s, REDIS_WRONGTYPE);
    }

    reply = redis_array(s, 10, &item);

    redis_put(&item[0], FJ_REPLY_STRING, redis_text("length"));
    item[1].type = FJ_REPLY_INTEGER;
    item[1].number = (int64_t) key->count - key->first;
    redis_put(&item[2], FJ_REPLY_STRING, redis_text("last-generated-id"));
    redis_put(&item[3], FJ_REPLY_STRING, id_text(s, &key->top));
    redis_put(&item[4], FJ_REPLY_STRING, redis_text("max-deleted-entry-id"));

    /* XDEL alone moves it; trimming does not. */
    redis_put(&item[5], FJ_REPLY_STRING, redis_text("0-0"));
    redis_put(&item[6], FJ_REPLY_STRING, redis_text("entries-added"));
    item[7].type = FJ_REPLY_INTEGER;
    item[7].number = (int64_t) key->added;
    redis_put(&item[8], FJ_REPLY_STRING, redis_text("first-entry"));

    if (key->count != key->first) {
        stream_entry(s, &key->entry[key->first], &item[9]);
    }

    return reply;
}


const fj_reply_t *
redis_xlen(sim_t *s, const redis_call_t *call)
{
    const sim_key_t  *key;

    key = redis_find(s, &call->argv[1]);
    return redis_integer(s, key == NULL ? 0
                            : (int64_t) key->count - key->first);
}


/* XTRIM key MINID [=|~] id [LIMIT n] */

const fj_reply_t *
redis_xtrim(sim_t *s, const redis_call_t *call)
{
    int         is_rough;
    uint32_t    at, n, limit;
    sim_id_t    min;
    sim_key_t  *key;

    is_rough = redis_is(&call->argv[3], "~");
    at = 3 + (uint32_t) (is_rough || redis_is(&call->argv[3], "="));

    if (!redis_is(&call->argv[2], "MINID") || at >= call->argc
        || !id_read(&call->argv[at], &min, 0))
    {
        return redis_error(s, "ERR syntax error");
    }

    limit = UINT32_MAX;

    if (at + 2 < call->argc && redis_is(&call->argv[at + 1], "LIMIT")) {
        limit = (uint32_t) redis_number(&call->argv[at + 2]);
    }

    key = redis_find(s, &call->argv[1]);

    if (key == NULL) {
        return redis_integer(s, 0);
    }

    for (n = 0; key->first + n < key->count && n < limit
                && id_cmp(&key->entry[key->first + n].id, &min) < 0; n++)
    {
        /* counts */
    }

    /* Never a part of a node, which is what makes it cheap. */
    if (is_rough) {
        n -= (key->first + n) % NODE_ENTRIES < n
             ? (key->first + n) % NODE_ENTRIES : n;
    }

    if (n != 0) {
        if (redis_is(&key->name, SIM_JOURNAL)) {
            sim_mark(s, SIM_MARK_TRIMMED);
        }

        key->trimmed = key->entry[key->first + n - 1].id;
        key->first += n;
    }

    return redis_integer(s, n);
}

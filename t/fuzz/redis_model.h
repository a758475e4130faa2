/*
 * As much of Redis as the journal's protocol speaks, in one struct that can
 * be copied: streams, one string, and answers in RESP.  It has room for a
 * few hundred entries and then says so, as Redis does without memory.
 */

#ifndef FAKA_FUZZ_REDIS_MODEL_H_INCLUDED_
#define FAKA_FUZZ_REDIS_MODEL_H_INCLUDED_


#include "../../ngx_module/journal/fj_priv.h"
#include "must.h"


#define MODEL_STREAMS  8
#define MODEL_ENTRIES  512
#define MODEL_BYTES    ((size_t) 4 << 20)
#define MODEL_OUT      ((size_t) 8 << 20)


typedef struct {
    int       stream;                  /* -1: deleted */
    fj_id_t   id;
    uint32_t  fields;                  /* names and values */
    size_t    at;                      /* each: its size, its bytes */
} model_entry_t;

typedef struct {
    char           key[MODEL_STREAMS][FJ_KEY_SIZE];    /* "": unused */
    fj_id_t        top[MODEL_STREAMS];
    char           owner[128];
    int64_t        owner_until_ms;                     /* then it expires */
    size_t         used;
    size_t         count;
    model_entry_t  entry[MODEL_ENTRIES];
    uint8_t        bytes[MODEL_BYTES];
} model_t;

/* A command, and where its answer goes. */
typedef struct {
    int                 argc;
    const char *const  *argv;          /* each with a NUL behind it */
    const size_t       *sizes;
    int64_t             now_ms;
    uint8_t            *out;
    size_t              out_size;
} model_call_t;


__attribute__((format(printf, 2, 3)))
static void
model_say(model_call_t *call, const char *fmt, ...)
{
    int      size;
    va_list  args;

    va_start(args, fmt);
    size = vsnprintf((char *) call->out + call->out_size,
                     MODEL_OUT - call->out_size, fmt, args);
    va_end(args);

    MUST(size >= 0 && (size_t) size < MODEL_OUT - call->out_size);
    call->out_size += (size_t) size;
}


static void
model_bulk(model_call_t *call, const void *data, size_t size)
{
    model_say(call, "$%zu\r\n", size);
    MUST(size + 2 < MODEL_OUT - call->out_size);
    memcpy(call->out + call->out_size, data, size);
    call->out_size += size;
    model_say(call, "\r\n");
}


static void
model_id(model_call_t *call, const fj_id_t *id)
{
    char  text[64];

    snprintf(text, sizeof(text), "%" PRIu64 "-%" PRIu64, id->epoch, id->seq);
    model_bulk(call, text, strlen(text));
}


/* "(1-2", "1-2", "1", "-", "+"; *after: 1 if the id itself is left out. */

static fj_id_t
model_read_id(const char *text, int *after)
{
    char     *end;
    fj_id_t   id;

    memset(&id, 0, sizeof(id));
    *after = text[0] == '(';
    text += *after;

    if (text[0] == '+') {
        memset(&id, 0xff, sizeof(id));
    }

    if (text[0] >= '0' && text[0] <= '9') {
        id.epoch = strtoull(text, &end, 10);
        id.seq = *end == '-' ? strtoull(end + 1, NULL, 10) : 0;
    }

    return id;
}


static int
model_stream(model_t *m, const char *key, int make)
{
    int  i, unused;

    unused = -1;

    for (i = 0; i < MODEL_STREAMS; i++) {
        if (strcmp(m->key[i], key) == 0) {
            return i;
        }

        unused = m->key[i][0] == '\0' ? i : unused;
    }

    if (make && unused != -1) {
        snprintf(m->key[unused], FJ_KEY_SIZE, "%s", key);
        memset(&m->top[unused], 0, sizeof(fj_id_t));
        return unused;
    }

    return -1;
}


static void
model_unlink(model_t *m, int stream)
{
    size_t  i;

    for (i = 0; i < m->count; i++) {
        if (m->entry[i].stream == stream) {
            m->entry[i].stream = -1;
        }
    }

    m->key[stream][0] = '\0';
}


/* What was deleted makes room. */

static void
model_pack(model_t *m)
{
    size_t  i, n, at, next, size;

    at = 0;
    n = 0;

    for (i = 0; i < m->count; i++) {
        next = i + 1 < m->count ? m->entry[i + 1].at : m->used;
        size = next - m->entry[i].at;

        if (m->entry[i].stream != -1) {
            memmove(m->bytes + at, m->bytes + m->entry[i].at, size);
            m->entry[n] = m->entry[i];
            m->entry[n++].at = at;
            at += size;
        }
    }

    m->count = n;
    m->used = at;
}


/* The last entries are gone, as if Redis had never had them. */

static void
model_lose(model_t *m, size_t count)
{
    int     i;
    size_t  n;

    model_pack(m);
    m->count -= count < m->count ? count : m->count;
    m->used = m->count > 0 ? m->used : 0;
    memset(m->top, 0, sizeof(m->top));

    for (n = 0; n < m->count; n++) {
        m->top[m->entry[n].stream] = m->entry[n].id;
    }

    for (i = 0; i < MODEL_STREAMS; i++) {
        if (m->top[i].epoch == 0) {
            m->key[i][0] = '\0';
        }
    }
}


static void
model_xadd(model_t *m, model_call_t *call)
{
    int             at, n, stream, after;
    size_t          size;
    fj_id_t         id;
    model_entry_t  *entry;

    at = strcmp(call->argv[2], "NOMKSTREAM") == 0 ? 3 : 2;
    stream = model_stream(m, call->argv[1], at == 2);

    if (stream == -1) {
        model_say(call, "$-1\r\n");
        return;
    }

    id = model_read_id(call->argv[at++], &after);

    if (fj_id_cmp(&id, &m->top[stream]) <= 0) {
        model_say(call, "-ERR The ID specified in XADD is equal or smaller "
                  "than the target stream top item\r\n");
        return;
    }

    for (size = 0, n = at; n < call->argc; n++) {
        size += sizeof(size_t) + call->sizes[n];
    }

    if (m->count == MODEL_ENTRIES || size > MODEL_BYTES - m->used) {
        model_pack(m);
    }

    if (m->count == MODEL_ENTRIES || size > MODEL_BYTES - m->used) {
        model_say(call, "-OOM command not allowed when used memory > "
                  "'maxmemory'.\r\n");
        return;
    }

    entry = &m->entry[m->count++];
    entry->stream = stream;
    entry->id = id;
    entry->fields = (uint32_t) (call->argc - at);
    entry->at = m->used;

    for (n = at; n < call->argc; n++) {
        memcpy(m->bytes + m->used, &call->sizes[n], sizeof(size_t));
        m->used += sizeof(size_t);
        memcpy(m->bytes + m->used, call->argv[n], call->sizes[n]);
        m->used += call->sizes[n];
    }

    m->top[stream] = id;
    model_id(call, &id);
}


static void
model_entry(const model_t *m, const model_entry_t *entry, model_call_t *call)
{
    size_t    at, size;
    uint32_t  n;

    model_say(call, "*2\r\n");
    model_id(call, &entry->id);
    model_say(call, "*%u\r\n", entry->fields);
    at = entry->at;

    for (n = 0; n < entry->fields; n++) {
        memcpy(&size, m->bytes + at, sizeof(size));
        at += sizeof(size);
        model_bulk(call, m->bytes + at, size);
        at += size;
    }
}


/* Entries stand in the order in which they came, which is that of the ids. */

static void
model_range(model_t *m, model_call_t *call, int reverse)
{
    int                   stream, from_after, to_after;
    size_t                i, n, max, found[MODEL_ENTRIES];
    fj_id_t               from, to;
    const model_entry_t  *entry;

    stream = model_stream(m, call->argv[1], 0);
    from = model_read_id(call->argv[reverse ? 3 : 2], &from_after);
    to = model_read_id(call->argv[reverse ? 2 : 3], &to_after);
    max = call->argc > 5 ? strtoull(call->argv[5], NULL, 10) : MODEL_ENTRIES;
    n = 0;

    for (i = 0; i < m->count && n < max; i++) {
        entry = &m->entry[reverse ? m->count - 1 - i : i];

        if (stream != -1 && entry->stream == stream
            && fj_id_cmp(&entry->id, &from) >= from_after
            && fj_id_cmp(&entry->id, &to) <= -to_after)
        {
            found[n++] = (size_t) (entry - m->entry);
        }
    }

    model_say(call, "*%zu\r\n", n);

    for (i = 0; i < n; i++) {
        model_entry(m, &m->entry[found[i]], call);
    }
}


static void
model_trim(model_t *m, model_call_t *call)
{
    int             stream, after;
    size_t          i, count;
    fj_id_t         min;
    model_entry_t  *entry;

    stream = model_stream(m, call->argv[1], 0);
    min = model_read_id(call->argv[call->argv[3][0] == '~' ? 4 : 3], &after);
    count = 0;

    for (i = 0; i < m->count; i++) {
        entry = &m->entry[i];

        if (stream != -1 && entry->stream == stream
            && fj_id_cmp(&entry->id, &min) < 0)
        {
            entry->stream = -1;
            count++;
        }
    }

    model_say(call, ":%zu\r\n", count);
}


static void
model_info(model_t *m, model_call_t *call)
{
    int  stream;

    stream = model_stream(m, call->argv[2], 0);

    if (stream == -1) {
        model_say(call, "-ERR no such key\r\n");
        return;
    }

    model_say(call, "*4\r\n$6\r\nlength\r\n:1\r\n"
              "$17\r\nlast-generated-id\r\n");
    model_id(call, &m->top[stream]);
}


static void
model_config(model_call_t *call)
{
    model_say(call, "*6\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n"
              "$11\r\nappendfsync\r\n$6\r\nalways\r\n"
              "$25\r\nno-appendfsync-on-rewrite\r\n$2\r\nno\r\n");
}


/* Carries the command out; its answer is in call->out. */

static void
model_run(model_t *m, model_call_t *call)
{
    int          n, stream;
    const char  *name;

    name = call->argv[0];
    call->out_size = 0;

    if (strcmp(name, "XADD") == 0) {
        model_xadd(m, call);

    } else if (strcmp(name, "XRANGE") == 0 || strcmp(name, "XREVRANGE") == 0)
    {
        model_range(m, call, strlen(name) > 6);

    } else if (strcmp(name, "XINFO") == 0) {
        model_info(m, call);

    } else if (strcmp(name, "XTRIM") == 0) {
        model_trim(m, call);

    } else if (strcmp(name, "CONFIG") == 0) {
        model_config(call);

    } else if (strcmp(name, "SET") == 0) {
        snprintf(m->owner, sizeof(m->owner), "%s", call->argv[2]);
        m->owner_until_ms = call->now_ms + strtoll(call->argv[4], NULL, 10);
        model_say(call, "+OK\r\n");

    } else if (strcmp(name, "GET") == 0) {
        if (call->now_ms >= m->owner_until_ms) {
            model_say(call, "$-1\r\n");
        } else {
            model_bulk(call, m->owner, strlen(m->owner));
        }

    } else if (strcmp(name, "UNLINK") == 0) {
        for (n = 1; n < call->argc; n++) {
            stream = model_stream(m, call->argv[n], 0);
            if (stream != -1) {
                model_unlink(m, stream);
            }
        }

        model_say(call, ":%d\r\n", call->argc - 1);

    } else if (strcmp(name, "EVAL") == 0) {
        /* The orders, without the keys of the fence. */
        model_say(call, ":%d\r\n", atoi(call->argv[2]) - 2);

    } else if (strcmp(name, "SENTINEL") == 0) {
        model_say(call, "*2\r\n$8\r\n10.0.0.3\r\n$4\r\n6379\r\n");

    } else if (strcmp(name, "ROLE") == 0) {
        model_say(call, "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");

    } else if (strcmp(name, "EXISTS") == 0) {
        model_say(call, ":1\r\n");

    } else if (strcmp(name, "WAIT") == 0) {
        model_say(call, ":1\r\n");

    } else {
        model_say(call, "+OK\r\n");
    }
}


#endif /* FAKA_FUZZ_REDIS_MODEL_H_INCLUDED_ */

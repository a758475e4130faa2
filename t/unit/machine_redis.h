/*
 * As much of Redis in memory as the journal's machine speaks: streams, the
 * owner's key with its time to live, and replicas that answer WAIT.  It does
 * what the words say and answers with a tree of replies; a test may look into
 * it, take from it, and put things there.
 */

#ifndef FAKA_MACHINE_REDIS_H_INCLUDED_
#define FAKA_MACHINE_REDIS_H_INCLUDED_


#include "journal_shop.h"
#include "fj_priv.h"


#define ENTRIES_MAX   4096
#define FIELDS_MAX    24               /* words of an entry */
#define STREAMS_MAX   8
#define NODES_MAX     1024
#define OWNER_KEY     "faka:{main}:owner"


typedef struct {
    fj_id_t   id;
    size_t    words;                   /* names and values in turn */
    size_t    size[FIELDS_MAX];
    char     *data[FIELDS_MAX];        /* each with a NUL behind it */
} entry_t;

typedef struct {
    char      key[FJ_KEY_SIZE];        /* "": unused */
    int       is_there;
    fj_id_t   top;
    size_t    count;
    entry_t  *entry;
} stream_t;

/* The first two are the journal and the index of snapshots. */
static stream_t        streams[STREAMS_MAX];
static stream_t *const  journal = &streams[0];
static stream_t *const  snapshots = &streams[1];

static char     owner_text[160];          /* "": not there */
static int64_t  owner_until_ms;
static int64_t  redis_now_ms;          /* the caller keeps it */
static int      replicas;              /* that answer */
static int      fsyncs_late;           /* CONFIG says so */
static int      evicts;                /* and that */


/* --- replies ---------------------------------------------------------- */

static fj_reply_t  nodes[NODES_MAX];
static size_t      nodes_count;
static char        node_texts[NODES_MAX][FJ_ID_SIZE];


static fj_reply_t *
node_row(size_t count)
{
    shop_must(nodes_count + count <= NODES_MAX, "nodes");
    memset(&nodes[nodes_count], 0, count * sizeof(fj_reply_t));
    nodes_count += count;
    return &nodes[nodes_count - count];
}


static void
node_bytes(fj_reply_t *node, fj_reply_type_t type, const void *data,
    size_t size)
{
    node->type = type;
    node->text = data;
    node->size = size;
}


static void
node_text(fj_reply_t *node, fj_reply_type_t type, const char *text)
{
    node_bytes(node, type, text, strlen(text));
}


static void
node_number(fj_reply_t *node, int64_t number)
{
    node->type = FJ_REPLY_INTEGER;
    node->number = number;
}


static void
node_id(fj_reply_t *node, const fj_id_t *id)
{
    char  *text;

    text = node_texts[node - nodes];
    fj_id_text(text, "", id);
    node_text(node, FJ_REPLY_STRING, text);
}


static fj_reply_t *
node_array(fj_reply_t *node, size_t count)
{
    fj_reply_t  *row;

    row = node_row(count);
    node->type = FJ_REPLY_ARRAY;
    node->item = row;
    node->count = count;
    return row;
}


static void
word_id(const char *word, fj_id_t *id)
{
    fj_reply_t  text;

    node_text(&text, FJ_REPLY_STRING, word);
    shop_must(fj_id_read(&text, id), "an id");
}


/* --- streams ---------------------------------------------------------- */

static stream_t *
stream_of(const char *key)
{
    size_t  i;

    snprintf(journal->key, FJ_KEY_SIZE, "faka:{main}:journal");
    snprintf(snapshots->key, FJ_KEY_SIZE, "faka:{main}:snapshots");

    for (i = 0; i < STREAMS_MAX; i++) {
        if (strcmp(streams[i].key, key) == 0) {
            return &streams[i];
        }

        if (streams[i].key[0] == '\0') {
            snprintf(streams[i].key, FJ_KEY_SIZE, "%s", key);
            return &streams[i];
        }
    }

    shop_must(0, "streams");
    return NULL;
}


/* 0: Redis refuses the id. */
static int
stream_add(stream_t *stream, const fj_id_t *id, size_t words,
    const char *const *data, const size_t *size)
{
    size_t    n;
    entry_t  *entry;

    if (fj_id_cmp(id, &stream->top) <= 0) {
        return 0;
    }

    if (stream->entry == NULL) {
        stream->entry = calloc(ENTRIES_MAX, sizeof(entry_t));
        shop_must(stream->entry != NULL, "memory");
    }

    shop_must(stream->count < ENTRIES_MAX && words <= FIELDS_MAX, "entries");
    entry = &stream->entry[stream->count++];
    entry->id = *id;
    entry->words = words;

    for (n = 0; n < words; n++) {
        entry->size[n] = size[n];
        entry->data[n] = malloc(size[n] + 1);
        shop_must(entry->data[n] != NULL, "memory");
        memcpy(entry->data[n], data[n], size[n]);
        entry->data[n][size[n]] = '\0';
    }

    stream->is_there = 1;
    stream->top = *id;
    return 1;
}


/* The same with texts, the last one NULL; an id such as "3-0". */
__attribute__((unused))
static void
stream_put(stream_t *stream, const char *id_text, ...)
{
    size_t       n, size[FIELDS_MAX];
    fj_id_t      id;
    va_list      args;
    const char  *data[FIELDS_MAX];

    word_id(id_text, &id);
    va_start(args, id_text);

    for (n = 0; n < FIELDS_MAX; n++) {
        data[n] = va_arg(args, const char *);

        if (data[n] == NULL) {
            break;
        }

        size[n] = strlen(data[n]);
    }

    va_end(args);
    shop_must(stream_add(stream, &id, n, data, size), "an id that grows");
}


static void
entry_free(entry_t *entry)
{
    size_t  n;

    for (n = 0; n < entry->words; n++) {
        free(entry->data[n]);
    }
}


/* The last count entries are gone; all of them: so is the stream. */
__attribute__((unused))
static void
stream_lose(stream_t *stream, size_t count)
{
    for ( ; count > 0; count--) {
        entry_free(&stream->entry[--stream->count]);
    }

    stream->is_there = stream->count != 0;
    memset(&stream->top, 0, sizeof(stream->top));

    if (stream->is_there) {
        stream->top = stream->entry[stream->count - 1].id;
    }
}


/* The first count entries are cut off. */
__attribute__((unused))
static void
stream_cut(stream_t *stream, size_t count)
{
    size_t  i;

    for (i = 0; i < count; i++) {
        entry_free(&stream->entry[i]);
    }

    stream->count -= count;
    memmove(stream->entry, stream->entry + count,
            stream->count * sizeof(entry_t));
}


/* FLUSHALL. */
__attribute__((unused))
static void
redis_lose_all(void)
{
    size_t  i;

    for (i = 0; i < STREAMS_MAX; i++) {
        stream_lose(&streams[i], streams[i].count);
    }

    owner_text[0] = '\0';
}


/* The first word of an entry's fields. */
__attribute__((unused))
static const char *
entry_name(const stream_t *stream, size_t n)
{
    shop_must(n < stream->count && stream->entry[n].words > 0, "an entry");
    return stream->entry[n].data[0];
}


/* --- commands --------------------------------------------------------- */

static void
redis_xadd(fj_reply_t *reply, int argc, char *const *argv,
    const size_t *sizes)
{
    int        at;
    fj_id_t    id;
    stream_t  *stream;

    stream = stream_of(argv[1]);
    at = 2;

    if (strcmp(argv[at], "NOMKSTREAM") == 0) {
        if (!stream->is_there) {
            return;
        }

        at++;
    }

    if (strcmp(argv[at], "MAXLEN") == 0) {
        at += 3;
    }

    word_id(argv[at++], &id);

    if (stream_add(stream, &id, (size_t) (argc - at),
                   (const char *const *) argv + at, sizes + at))
    {
        node_id(reply, &id);
        return;
    }

    node_text(reply, FJ_REPLY_ERROR, "ERR The ID specified in XADD is equal "
              "or smaller than the target stream top item");
}


/* From an id or behind it, some entries at most: what the machines ask for. */
static void
redis_xrange(fj_reply_t *reply, char *const *argv)
{
    int             behind;
    size_t          i, n, first, count, count_max;
    fj_id_t         id;
    stream_t       *stream;
    fj_reply_t     *page, *row, *fields;
    const entry_t  *entry;

    count_max = (size_t) atoi(argv[5]);
    shop_must(strcmp(argv[3], "+") == 0 && count_max >= 1 && count_max <= 128,
              "a page");

    stream = stream_of(argv[1]);
    behind = argv[2][0] == '(';
    word_id(argv[2] + behind, &id);

    for (first = 0; first < stream->count; first++) {
        if (fj_id_cmp(&stream->entry[first].id, &id) >= behind) {
            break;
        }
    }

    count = stream->count - first;
    count = count < count_max ? count : count_max;
    page = node_array(reply, count);

    for (i = 0; i < count; i++) {
        entry = &stream->entry[first + i];
        row = node_array(&page[i], 2);
        node_id(&row[0], &entry->id);
        fields = node_array(&row[1], entry->words);

        for (n = 0; n < entry->words; n++) {
            node_bytes(&fields[n], FJ_REPLY_STRING, entry->data[n],
                       entry->size[n]);
        }
    }
}


static void
redis_xinfo(fj_reply_t *reply, char *const *argv)
{
    stream_t    *stream;
    fj_reply_t  *row;

    stream = stream_of(argv[2]);

    if (!stream->is_there) {
        node_text(reply, FJ_REPLY_ERROR, "ERR no such key");
        return;
    }

    row = node_array(reply, 4);
    node_text(&row[0], FJ_REPLY_STRING, "length");
    node_number(&row[1], (int64_t) stream->count);
    node_text(&row[2], FJ_REPLY_STRING, "last-generated-id");
    node_id(&row[3], &stream->top);
}


/* The stream's last id, not before its last entry. */
static void
redis_xsetid(fj_reply_t *reply, char *const *argv)
{
    fj_id_t    id;
    stream_t  *stream;

    stream = stream_of(argv[1]);
    word_id(argv[2], &id);

    if (!stream->is_there) {
        node_text(reply, FJ_REPLY_ERROR, "ERR no such key");

    } else if (stream->count != 0
               && fj_id_cmp(&id, &stream->entry[stream->count - 1].id) < 0)
    {
        node_text(reply, FJ_REPLY_ERROR, "ERR The ID specified in XSETID is "
                  "smaller than the target stream top item");

    } else {
        stream->top = id;
        node_text(reply, FJ_REPLY_STATUS, "OK");
    }
}


static void
redis_config(fj_reply_t *reply)
{
    size_t       i;
    fj_reply_t  *row;

    const char *const  settings[] = {
        "appendonly", "yes", "appendfsync", fsyncs_late ? "everysec"
        : "always", "no-appendfsync-on-rewrite", "no", "maxmemory-policy",
        evicts ? "volatile-lru" : "noeviction"
    };

    row = node_array(reply, 8);

    for (i = 0; i < 8; i++) {
        node_text(&row[i], FJ_REPLY_STRING, settings[i]);
    }
}


/* Carries the command out, and gives the reply that belongs to it. */
__attribute__((unused))
static const fj_reply_t *
redis_answer(int argc, char *const *argv, const size_t *sizes)
{
    fj_reply_t  *reply;

    nodes_count = 0;
    reply = node_row(1);

    if (strcmp(argv[0], "XADD") == 0) {
        redis_xadd(reply, argc, argv, sizes);

    } else if (strcmp(argv[0], "XINFO") == 0) {
        redis_xinfo(reply, argv);

    } else if (strcmp(argv[0], "XRANGE") == 0) {
        redis_xrange(reply, argv);

    } else if (strcmp(argv[0], "XSETID") == 0) {
        redis_xsetid(reply, argv);

    } else if (strcmp(argv[0], "CONFIG") == 0) {
        redis_config(reply);

    } else if (strcmp(argv[0], "WAIT") == 0) {
        node_number(reply, replicas);

    } else if (strcmp(argv[0], "GET") == 0) {
        shop_must(strcmp(argv[1], OWNER_KEY) == 0, "the owner's key");

        if (owner_text[0] != '\0' && redis_now_ms < owner_until_ms) {
            node_text(reply, FJ_REPLY_STRING, owner_text);
        }

    } else if (strcmp(argv[0], "SET") == 0) {
        shop_must(argc == 5 && strcmp(argv[1], OWNER_KEY) == 0
                  && strcmp(argv[3], "PX") == 0, "the owner's key");
        snprintf(owner_text, sizeof(owner_text), "%s", argv[2]);
        owner_until_ms = redis_now_ms + atoll(argv[4]);
        node_text(reply, FJ_REPLY_STATUS, "OK");

    } else {
        node_text(reply, FJ_REPLY_STATUS, "OK");
    }

    return reply;
}


#endif /* FAKA_MACHINE_REDIS_H_INCLUDED_ */

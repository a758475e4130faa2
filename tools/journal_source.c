/*
 * Where entries come from: a Redis, page by page, or a dump file.
 *
 * A dump is what the dump command writes, and what redis-cli --pipe takes:
 * XADD commands as Redis's protocol has them, and one ECHO as its end, without
 * which it was cut.  A stream whose last entry is gone ends with one that says
 * its id and is deleted again (XDEL).  A field of a hash is an HSET.  For each
 * key that is asked for, the file is read again from its beginning, so that it
 * need not fit into memory.
 */

#include <errno.h>
#include <stdlib.h>

#include <hiredis/hiredis.h>

#include "journal.h"


#define JOURNAL_PAGE_COUNT   "16"
#define JOURNAL_CHUNK_SIZE   ((size_t) 1 << 20)


struct journal_source_s {
    redisContext  *redis;              /* NULL: a file */
    FILE          *file;
    const char    *file_name;
    journal_id_t   file_top;           /* of the stream that was read last */
};


static int journal_read_redis(journal_source_t *source, const char *key,
    const journal_id_t *after, journal_entry_pt fn, void *data);
static int journal_read_file(journal_source_t *source, const char *key,
    const journal_id_t *after, journal_entry_pt fn, void *data);
static int journal_hash_redis(journal_source_t *source, const char *key,
    journal_entry_pt fn, void *data);
static int journal_hash_command(journal_source_t *source,
    const redisReply *command, const char *key, journal_entry_pt fn,
    void *data);
static int journal_command(journal_source_t *source,
    const redisReply *command, const char *key, const journal_id_t *after,
    journal_entry_pt fn, void *data);
static int journal_pass(void *data, const journal_entry_t *entry);
static int journal_is_command(const redisReply *command, const char *name);
static int journal_entry_of(redisReply *id, redisReply **words,
    size_t word_count, journal_entry_t *entry);
static int journal_pair_of(redisReply **words, journal_entry_t *entry);
static int journal_id_parse(const char *text, journal_id_t *id);


journal_source_t *
journal_open(const journal_options_t *options)
{
    journal_source_t  *source;

    source = calloc(1, sizeof(journal_source_t));
    if (source == NULL) {
        journal_fail("out of memory");
    }

    if (options->file == NULL) {
        source->redis = journal_connect(options);
        return source;
    }

    source->file_name = options->file;
    source->file = fopen(options->file, "rb");

    if (source->file == NULL) {
        journal_fail("%s: %s", options->file, strerror(errno));
    }

    return source;
}


void
journal_close(journal_source_t *source)
{
    if (source->redis != NULL) {
        redisFree(source->redis);
    } else {
        (void) fclose(source->file);
    }

    free(source);
}


int
journal_is_live(const journal_source_t *source)
{
    return source->redis != NULL;
}


int
journal_read(journal_source_t *source, const char *key,
    const journal_id_t *after, journal_entry_pt fn, void *data)
{
    return source->redis != NULL
           ? journal_read_redis(source, key, after, fn, data)
           : journal_read_file(source, key, after, fn, data);
}


int
journal_read_hash(journal_source_t *source, const char *key,
    journal_entry_pt fn, void *data)
{
    static const journal_id_t  start = { 0, 0 };

    return source->redis != NULL
           ? journal_hash_redis(source, key, fn, data)
           : journal_read_file(source, key, &start, fn, data);
}


void
journal_top(journal_source_t *source, const char *key, journal_id_t *top)
{
    size_t       i;
    redisReply  *reply, **item;

    static const journal_id_t  start = { 0, 0 };

    *top = start;

    if (source->redis == NULL) {
        (void) journal_read_file(source, key, &start, journal_pass, NULL);
        *top = source->file_top;
        return;
    }

    reply = redisCommand(source->redis, "XINFO STREAM %s", key);

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR
        && strcmp(reply->str, "ERR no such key") == 0)
    {
        freeReplyObject(reply);
        return;
    }

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        journal_fail("%s: %s", key,
                     reply == NULL ? source->redis->errstr
                     : reply->type == REDIS_REPLY_ERROR ? reply->str
                     : "redis does not say what stream that is");
    }

    for (i = 0; i + 1 < reply->elements; i += 2) {
        item = &reply->element[i];

        if (item[0]->type == REDIS_REPLY_STRING
            && strcmp(item[0]->str, "last-generated-id") == 0
            && item[1]->type == REDIS_REPLY_STRING
            && journal_id_parse(item[1]->str, top))
        {
            freeReplyObject(reply);
            return;
        }
    }

    journal_fail("%s: redis does not say the stream's last id", key);
}


static int
journal_pass(void *data, const journal_entry_t *entry)
{
    (void) data;
    (void) entry;

    return 0;
}


static int
journal_read_redis(journal_source_t *source, const char *key,
    const journal_id_t *after, journal_entry_pt fn, void *data)
{
    int               rc;
    char              from[64];
    size_t            i, count;
    redisReply       *reply, *item;
    journal_id_t      last;
    journal_entry_t   entry;

    last = *after;
    rc = 0;

    do {
        (void) snprintf(from, sizeof(from), "(%llu-%llu",
                        (unsigned long long) last.epoch,
                        (unsigned long long) last.number);

        reply = redisCommand(source->redis, "XRANGE %s %s + COUNT %s", key,
                             from, JOURNAL_PAGE_COUNT);

        if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
            journal_fail("%s: %s", key,
                         reply == NULL ? source->redis->errstr
                         : reply->type == REDIS_REPLY_ERROR ? reply->str
                         : "redis gives no list of entries");
        }

        count = reply->elements;

        for (i = 0; i < count && rc == 0; i++) {
            item = reply->element[i];

            if (item->type != REDIS_REPLY_ARRAY || item->elements != 2
                || item->element[1]->type != REDIS_REPLY_ARRAY
                || !journal_entry_of(item->element[0],
                                     item->element[1]->element,
                                     item->element[1]->elements, &entry))
            {
                journal_fail("%s: an entry that cannot be read", key);
            }

            last = entry.id;
            rc = fn(data, &entry);
        }

        freeReplyObject(reply);

    } while (count != 0 && rc == 0);

    return rc;
}


static int
journal_hash_redis(journal_source_t *source, const char *key,
    journal_entry_pt fn, void *data)
{
    int               rc;
    char              cursor[32];
    size_t            i;
    redisReply       *reply, *pairs;
    journal_entry_t   entry;

    memset(&entry, 0, sizeof(entry));
    (void) snprintf(cursor, sizeof(cursor), "0");

    do {
        reply = redisCommand(source->redis, "HSCAN %s %s COUNT 512", key,
                             cursor);

        if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
            || reply->elements != 2
            || reply->element[0]->type != REDIS_REPLY_STRING
            || reply->element[1]->type != REDIS_REPLY_ARRAY)
        {
            journal_fail("%s: %s", key,
                         reply == NULL ? source->redis->errstr
                         : reply->type == REDIS_REPLY_ERROR ? reply->str
                         : "redis gives no list of fields");
        }

        rc = 0;
        pairs = reply->element[1];
        (void) snprintf(cursor, sizeof(cursor), "%s",
                        reply->element[0]->str);

        for (i = 0; i + 1 < pairs->elements && rc == 0; i += 2) {
            if (!journal_pair_of(&pairs->element[i], &entry)) {
                journal_fail("%s: a field that cannot be read", key);
            }

            rc = fn(data, &entry);
        }

        freeReplyObject(reply);

    } while (rc == 0 && strcmp(cursor, "0") != 0);

    return rc;
}


static int
journal_read_file(journal_source_t *source, const char *key,
    const journal_id_t *after, journal_entry_pt fn, void *data)
{
    int           rc, ended;
    char         *chunk;
    size_t        size;
    redisReader  *reader;
    redisReply   *command;

    rewind(source->file);
    source->file_top.epoch = 0;
    source->file_top.number = 0;
    chunk = malloc(JOURNAL_CHUNK_SIZE);
    reader = redisReaderCreate();

    if (chunk == NULL || reader == NULL) {
        journal_fail("out of memory");
    }

    rc = 0;
    ended = 0;

    while (rc == 0) {
        if (redisReaderGetReply(reader, (void **) &command) != REDIS_OK) {
            journal_fail("%s is no dump: %s", source->file_name,
                         reader->errstr);
        }

        if (command == NULL) {
            size = fread(chunk, 1, JOURNAL_CHUNK_SIZE, source->file);
            if (size == 0) {
                break;
            }

            (void) redisReaderFeed(reader, chunk, size);
            continue;
        }

        ended = journal_is_command(command, "ECHO");

        if (!ended) {
            rc = journal_command(source, command, key, after, fn, data);
        }

        freeReplyObject(command);
    }

    if (ferror(source->file)) {
        journal_fail("%s: %s", source->file_name, strerror(errno));
    }

    /* Also a cut that fell between two commands. */
    if (rc == 0 && !ended) {
        journal_fail("%s was cut: it has not the end that the dump command "
                     "writes", source->file_name);
    }

    redisReaderFree(reader);
    free(chunk);

    return rc;
}


/* XADD KEY ID FIELD VALUE ..., and XDEL behind that of a stream's top. */

static int
journal_command(journal_source_t *source, const redisReply *command,
    const char *key, const journal_id_t *after, journal_entry_pt fn,
    void *data)
{
    journal_entry_t  entry;

    if (journal_is_command(command, "XDEL")) {
        return 0;
    }

    if (journal_is_command(command, "HSET")) {
        return journal_hash_command(source, command, key, fn, data);
    }

    if (!journal_is_command(command, "XADD") || command->elements < 5
        || command->element[1]->type != REDIS_REPLY_STRING
        || !journal_entry_of(command->element[2], command->element + 3,
                             command->elements - 3, &entry))
    {
        journal_fail("%s is no dump: a command that is no XADD",
                     source->file_name);
    }

    if (strcmp(command->element[1]->str, key) != 0) {
        return 0;
    }

    if (journal_id_after(&entry.id, &source->file_top)) {
        source->file_top = entry.id;
    }

    return journal_field(&entry, JOURNAL_FIELD_TOP) == NULL
           && journal_id_after(&entry.id, after) ? fn(data, &entry) : 0;
}


/* HSET KEY FIELD VALUE. */

static int
journal_hash_command(journal_source_t *source, const redisReply *command,
    const char *key, journal_entry_pt fn, void *data)
{
    journal_entry_t  entry;

    memset(&entry, 0, sizeof(entry));

    if (command->elements != 4
        || command->element[1]->type != REDIS_REPLY_STRING
        || !journal_pair_of(command->element + 2, &entry))
    {
        journal_fail("%s is no dump: an HSET that cannot be read",
                     source->file_name);
    }

    return strcmp(command->element[1]->str, key) == 0 ? fn(data, &entry) : 0;
}


static int
journal_is_command(const redisReply *command, const char *name)
{
    return command->type == REDIS_REPLY_ARRAY && command->elements >= 2
           && command->element[0]->type == REDIS_REPLY_STRING
           && strcmp(command->element[0]->str, name) == 0;
}


/* A field of a hash: an entry without an id. */

static int
journal_pair_of(redisReply **words, journal_entry_t *entry)
{
    if (words[0]->type != REDIS_REPLY_STRING
        || words[1]->type != REDIS_REPLY_STRING)
    {
        return 0;
    }

    entry->field_count = 1;
    entry->field[0].name = words[0]->str;
    entry->field[0].value = (const uint8_t *) words[1]->str;
    entry->field[0].size = (size_t) words[1]->len;

    return 1;
}


static int
journal_entry_of(redisReply *id, redisReply **words, size_t word_count,
    journal_entry_t *entry)
{
    size_t  i;

    if (id->type != REDIS_REPLY_STRING
        || !journal_id_parse(id->str, &entry->id)
        || word_count % 2 != 0 || word_count / 2 > JOURNAL_FIELDS_MAX)
    {
        return 0;
    }

    entry->field_count = (uint32_t) (word_count / 2);

    for (i = 0; i < entry->field_count; i++) {
        if (words[2 * i]->type != REDIS_REPLY_STRING
            || words[2 * i + 1]->type != REDIS_REPLY_STRING)
        {
            return 0;
        }

        entry->field[i].name = words[2 * i]->str;
        entry->field[i].value = (const uint8_t *) words[2 * i + 1]->str;
        entry->field[i].size = (size_t) words[2 * i + 1]->len;
    }

    return 1;
}


static int
journal_id_parse(const char *text, journal_id_t *id)
{
    size_t  size;

    size = journal_decimal(text, &id->epoch);

    if (size == 0 || text[size] != '-') {
        return 0;
    }

    text += size + 1;
    size = journal_decimal(text, &id->number);

    return size != 0 && text[size] == '\0';
}


size_t
journal_decimal(const char *text, uint64_t *number)
{
    size_t    size;
    unsigned  digit;

    *number = 0;

    for (size = 0; text[size] >= '0' && text[size] <= '9'; size++) {
        digit = (unsigned) (text[size] - '0');

        if (*number > (UINT64_MAX - digit) / 10) {
            return 0;
        }

        *number = *number * 10 + digit;
    }

    return size;
}


int
journal_id_after(const journal_id_t *id, const journal_id_t *after)
{
    return id->epoch != after->epoch ? id->epoch > after->epoch
                                     : id->number > after->number;
}


void
journal_key(char key[JOURNAL_KEY_SIZE_MAX], const char *shop,
    const char *part)
{
    (void) snprintf(key, JOURNAL_KEY_SIZE_MAX, "faka:{%s}:%s", shop, part);
}


const journal_field_t *
journal_field(const journal_entry_t *entry, const char *name)
{
    uint32_t  i;

    for (i = 0; i < entry->field_count; i++) {
        if (strcmp(entry->field[i].name, name) == 0) {
            return &entry->field[i];
        }
    }

    return NULL;
}

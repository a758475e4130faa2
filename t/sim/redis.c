/*
 * Redis, as far as faka uses it: streams with ids that must grow, plain keys
 * with a time to live, an append-only file.
 *
 * The state is what the writes in the file make of an empty store, so a crash
 * is a replay of a shorter file.  What is not modelled: replies in parts,
 * memory limits, other scripts than the one, replicas with a tail of their
 * own.  Errors have the words of the real one,
 * as far as somebody reads them.
 */

#include "sim.h"
#include "sim_redis.h"


static const fj_reply_t *redis_dispatch(sim_t *s, uint32_t argc,
    const sim_text_t *argv);
static const fj_reply_t *redis_ok(sim_t *s, const redis_call_t *call);
static const fj_reply_t *redis_config(sim_t *s, const redis_call_t *call);
static const fj_reply_t *redis_set(sim_t *s, const redis_call_t *call);
static const fj_reply_t *redis_get(sim_t *s, const redis_call_t *call);
static const fj_reply_t *redis_del(sim_t *s, const redis_call_t *call);
static const fj_reply_t *redis_flushall(sim_t *s, const redis_call_t *call);
static const fj_reply_t *redis_eval(sim_t *s, const redis_call_t *call);
static void redis_archive(sim_t *s, const sim_text_t *name,
    const sim_text_t *argv, const sim_text_t *text);
static const fj_reply_t *redis_wait(sim_t *s, const redis_call_t *call);
static sim_text_t redis_digits(sim_t *s, uint64_t number);
static void redis_log(sim_t *s, uint32_t argc, const sim_text_t *argv);
static void redis_expire(sim_t *s, int64_t now_us);


static const struct {
    const char  *name;
    uint32_t     argc_min;
    int          is_write;
    const fj_reply_t *(*run)(sim_t *s, const redis_call_t *call);
} redis_commands[] = {
    { "AUTH", 2, 0, redis_ok },
    { "SELECT", 2, 0, redis_ok },
    { "PING", 1, 0, redis_ok },
    { "CONFIG", 3, 0, redis_config },
    { "XADD", 5, 1, redis_xadd },
    { "XRANGE", 4, 0, redis_xrange },
    { "XREVRANGE", 4, 0, redis_xrevrange },
    { "XINFO", 3, 0, redis_xinfo },
    { "XLEN", 2, 0, redis_xlen },
    { "XTRIM", 4, 1, redis_xtrim },
    { "SET", 3, 1, redis_set },
    { "GET", 2, 0, redis_get },
    { "DEL", 2, 1, redis_del },
    { "UNLINK", 2, 1, redis_del },
    { "FLUSHALL", 1, 1, redis_flushall },
    { "EVAL", 4, 1, redis_eval },
    { "WAIT", 3, 0, redis_wait },
};


void
redis_start(sim_t *s)
{
    sim_redis_t  *redis;

    redis = &s->redis;
    memset(redis, 0, sizeof(sim_redis_t));
    redis->up = 1;
    redis->generation = 1;
    redis->log_room = 1024;
    redis->log = sim_alloc(s, redis->log_room * sizeof(sim_command_t));
}


const fj_reply_t *
redis_execute(sim_t *s, uint32_t argc, const sim_text_t *argv)
{
    if (s->redis.loading) {
        return redis_error(s, "LOADING Redis is loading the dataset in "
                              "memory");
    }

    redis_expire(s, s->now_us);
    return redis_dispatch(s, argc, argv);
}


static const fj_reply_t *
redis_dispatch(sim_t *s, uint32_t argc, const sim_text_t *argv)
{
    size_t             i;
    redis_call_t       call;
    const fj_reply_t  *reply;

    assert(argc > 0 && argc <= SIM_ARGS_MAX);

    for (i = 0; i < sizeof(redis_commands) / sizeof(redis_commands[0]); i++) {
        if (!redis_is(&argv[0], redis_commands[i].name)) {
            continue;
        }

        if (argc < redis_commands[i].argc_min) {
            return redis_error(s, "ERR wrong number of arguments");
        }

        if (redis_commands[i].is_write && s->now_us < s->redis.error_until_us
            && !s->redis.replaying)
        {
            return redis_error(s, "MISCONF Redis is configured to save RDB "
                                  "snapshots, but it's currently unable to "
                                  "persist to disk");
        }

        call.argc = argc;
        call.argv = argv;
        reply = redis_commands[i].run(s, &call);

        /* As in the real one: what changed nothing is not in the file. */
        if (redis_commands[i].is_write && reply->type != FJ_REPLY_ERROR
            && reply->type != FJ_REPLY_NIL && !s->redis.replaying)
        {
            redis_log(s, argc, argv);
        }

        return reply;
    }

    return redis_error(s, "ERR unknown command");
}


static void
redis_log(sim_t *s, uint32_t argc, const sim_text_t *argv)
{
    sim_redis_t    *redis;
    sim_command_t  *log;

    redis = &s->redis;

    if (redis->log_count == redis->log_room) {
        log = sim_alloc(s, 2 * redis->log_room * sizeof(sim_command_t));
        memcpy(log, redis->log, redis->log_count * sizeof(sim_command_t));
        redis->log = log;
        redis->log_room *= 2;
    }

    log = &redis->log[redis->log_count++];
    log->argc = argc;
    log->at_us = s->now_us;
    log->argv = sim_copy(s, argv, argc * sizeof(sim_text_t));
}


/* The file is read back; the clock of what expires is the real one. */

void
redis_replay(sim_t *s, uint32_t keep)
{
    int64_t       now_us;
    uint32_t      i;
    sim_redis_t  *redis;

    redis = &s->redis;
    assert(keep <= redis->log_count);

    memset(redis->key, 0, sizeof(redis->key));
    redis->log_count = keep;
    redis->synced_count = keep;
    redis->replaying = 1;
    now_us = s->now_us;

    for (i = 0; i < keep; i++) {
        s->now_us = redis->log[i].at_us;
        (void) redis_dispatch(s, redis->log[i].argc, redis->log[i].argv);
    }

    s->now_us = now_us;
    redis->replaying = 0;

    oracle_journal_again(s);
}


/* --- keys -------------------------------------------------------------- */

const sim_key_t *
redis_key(sim_t *s, const char *name)
{
    sim_text_t  text;

    text = redis_text(name);
    return redis_find(s, &text);
}


sim_key_t *
redis_find(sim_t *s, const sim_text_t *name)
{
    uint32_t    i;
    sim_key_t  *key;

    for (i = 0; i < SIM_KEYS_MAX; i++) {
        key = &s->redis.key[i];

        if (key->used && key->name.size == name->size
            && memcmp(key->name.data, name->data, name->size) == 0)
        {
            return key;
        }
    }

    return NULL;
}


sim_key_t *
redis_make(sim_t *s, const sim_text_t *name, int is_stream)
{
    uint32_t    i;
    sim_key_t  *key;

    for (i = 0; i < SIM_KEYS_MAX; i++) {
        key = &s->redis.key[i];

        if (!key->used) {
            memset(key, 0, sizeof(sim_key_t));
            key->used = 1;
            key->name = *name;
            key->is_stream = is_stream;
            key->expires_us = SIM_NEVER;
            return key;
        }
    }

    sim_wrong(s, "Redis has more keys than the model");
}


static void
redis_expire(sim_t *s, int64_t now_us)
{
    uint32_t  i;

    for (i = 0; i < SIM_KEYS_MAX; i++) {
        if (s->redis.key[i].used && s->redis.key[i].expires_us <= now_us) {
            s->redis.key[i].used = 0;
        }
    }
}


/* --- plain commands ---------------------------------------------------- */

static const fj_reply_t *
redis_ok(sim_t *s, const redis_call_t *call)
{
    return redis_status(s, redis_is(&call->argv[0], "PING") ? "PONG" : "OK");
}


static const fj_reply_t *
redis_config(sim_t *s, const redis_call_t *call)
{
    unsigned     i;
    fj_reply_t  *reply, *item;

    const char *const  pairs[] = {
        "appendonly", "yes",
        "appendfsync", s->redis.lazy ? "everysec" : "always",
        "no-appendfsync-on-rewrite", "no",
        "maxmemory-policy", "noeviction"
    };

    reply = redis_array(s, 8, &item);

    for (i = 0; i < 8; i++) {
        redis_put(&item[i], FJ_REPLY_STRING, redis_text(pairs[i]));
    }

    return reply;
}


/* SET key value [NX|XX] [PX ms|EX s] */

static const fj_reply_t *
redis_set(sim_t *s, const redis_call_t *call)
{
    int         nx, xx;
    int64_t     ttl_us;
    uint32_t    i;
    sim_key_t  *key;

    nx = xx = 0;
    ttl_us = 0;

    for (i = 3; i < call->argc; i++) {
        if (redis_is(&call->argv[i], "NX")) {
            nx = 1;

        } else if (redis_is(&call->argv[i], "XX")) {
            xx = 1;

        } else if (redis_is(&call->argv[i], "PX") && i + 1 < call->argc) {
            ttl_us = (int64_t) redis_number(&call->argv[++i]) * SIM_MS;

        } else if (redis_is(&call->argv[i], "EX") && i + 1 < call->argc) {
            ttl_us = (int64_t) redis_number(&call->argv[++i]) * SIM_S;

        } else {
            return redis_error(s, "ERR syntax error");
        }
    }

    key = redis_find(s, &call->argv[1]);

    if ((nx && key != NULL) || (xx && key == NULL)) {
        return redis_nil(s);
    }

    if (key == NULL) {
        key = redis_make(s, &call->argv[1], 0);
    }

    key->is_stream = 0;
    key->value = call->argv[2];
    key->expires_us = ttl_us != 0 ? s->now_us + ttl_us : SIM_NEVER;

    return redis_status(s, "OK");
}


static const fj_reply_t *
redis_get(sim_t *s, const redis_call_t *call)
{
    fj_reply_t       *reply;
    const sim_key_t  *key;

    key = redis_find(s, &call->argv[1]);

    if (key == NULL) {
        return redis_nil(s);
    }

    if (key->is_stream) {
        return redis_error(s, REDIS_WRONGTYPE);
    }

    reply = sim_alloc(s, sizeof(fj_reply_t));
    redis_put(reply, FJ_REPLY_STRING, key->value);
    return reply;
}


static const fj_reply_t *
redis_del(sim_t *s, const redis_call_t *call)
{
    uint32_t    i;
    int64_t     count;
    sim_key_t  *key;

    count = 0;

    for (i = 1; i < call->argc; i++) {
        key = redis_find(s, &call->argv[i]);

        if (key != NULL) {
            key->used = 0;
            count++;
        }
    }

    return redis_integer(s, count);
}


static const fj_reply_t *
redis_flushall(sim_t *s, const redis_call_t *call)
{
    memset(s->redis.key, 0, sizeof(s->redis.key));
    return redis_status(s, "OK");
}


/*
 * One script is known, by what it does: the orders of an owner whom nobody
 * has replaced, each unless an older state of it would come back.
 */

static const fj_reply_t *
redis_eval(sim_t *s, const redis_call_t *call)
{
    uint32_t          i, n, at;
    fj_reply_t       *reply;
    sim_text_t        last;
    const sim_key_t  *top;

    n = (uint32_t) redis_number(&call->argv[2]);
    at = 3 + n;

    SIM_MUST(s, n >= 2 && call->argc == at + n
                && strstr(call->argv[1].data, "if epoch ~= ARGV[1] or not "
                          "later(seq, new) then  local set = redis.pcall("
                          "'SET', KEYS[i], ARGV[i], 'EX', ARGV[2])") != NULL
                && strstr(call->argv[1].data, "if later(last, ARGV[1]) then "
                          "return last end") != NULL,
             "Redis is asked to run a script that the model does not know");

    top = redis_find(s, &call->argv[3]);
    top = top != NULL ? top : redis_find(s, &call->argv[4]);

    if (top == NULL) {
        return redis_error(s, "ERR the shop has no journal");
    }

    if (top->top.ms > redis_number(&call->argv[at])) {
        sim_mark(s, SIM_MARK_ARCHIVE_REFUSED);
        last = redis_digits(s, top->top.ms);
        reply = sim_alloc(s, sizeof(fj_reply_t));
        redis_put(reply, FJ_REPLY_STRING, last);
        return reply;
    }

    for (i = 2; i < n; i++) {
        redis_archive(s, &call->argv[3 + i], &call->argv[at],
                      &call->argv[at + i]);
    }

    return redis_integer(s, n - 2);
}


static void
redis_archive(sim_t *s, const sim_text_t *name, const sim_text_t *argv,
    const sim_text_t *text)
{
    sim_id_t      was, is;
    sim_key_t    *key;
    sim_text_t    words[5], record;
    redis_call_t  set;

    key = redis_find(s, name);
    archive_text(s, text, &is, &record);

    if (key != NULL) {
        archive_text(s, &key->value, &was, &record);

        if (was.ms == redis_number(&argv[0]) && was.seq > is.seq) {
            sim_mark(s, SIM_MARK_ARCHIVE_REFUSED);
            return;
        }

        if (!s->redis.replaying) {
            oracle_archive(s, &was, &is);
        }
    }

    words[0] = redis_text("SET");
    words[1] = *name;
    words[2] = *text;
    words[3] = redis_text("EX");
    words[4] = argv[1];
    set.argc = 5;
    set.argv = words;
    (void) redis_set(s, &set);
}


/* How many replicas have it: what they lack is not modelled further. */

static const fj_reply_t *
redis_wait(sim_t *s, const redis_call_t *call)
{
    if (s->plan.replicas == 0 || sim_fault(s, SIM_FAULT_REPLICA_LATE)) {
        return redis_integer(s, 0);
    }

    s->oracle.waited_seq = s->oracle.last_seq;
    return redis_integer(s, 1);
}


/* --- words and replies ------------------------------------------------- */

fk_str_t
redis_str(const char *text)
{
    return (fk_str_t) { (const uint8_t *) text, strlen(text) };
}


sim_text_t
redis_text(const char *text)
{
    return (sim_text_t) { text, strlen(text) };
}


int
redis_is(const sim_text_t *text, const char *word)
{
    return text->size == strlen(word)
           && memcmp(text->data, word, text->size) == 0;
}


static sim_text_t
redis_digits(sim_t *s, uint64_t number)
{
    int   size;
    char  text[24];

    size = snprintf(text, sizeof(text), "%" PRIu64, number);
    return (sim_text_t) { sim_copy(s, text, (size_t) size), (size_t) size };
}


uint64_t
redis_number(const sim_text_t *text)
{
    size_t    i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < text->size && text->data[i] >= '0'
                && text->data[i] <= '9'; i++)
    {
        n = n * 10 + (uint64_t) (text->data[i] - '0');
    }

    return n;
}


void
redis_put(fj_reply_t *reply, fj_reply_type_t type, sim_text_t text)
{
    reply->type = type;
    reply->text = text.data;
    reply->size = text.size;
}


fj_reply_t *
redis_array(sim_t *s, size_t count, fj_reply_t **item)
{
    fj_reply_t  *reply;

    reply = sim_alloc(s, (count + 1) * sizeof(fj_reply_t));
    reply->type = FJ_REPLY_ARRAY;
    reply->item = reply + 1;
    reply->count = count;
    *item = reply + 1;

    return reply;
}


const fj_reply_t *
redis_error(sim_t *s, const char *text)
{
    fj_reply_t  *reply;

    reply = sim_alloc(s, sizeof(fj_reply_t));
    redis_put(reply, FJ_REPLY_ERROR, redis_text(text));
    return reply;
}


const fj_reply_t *
redis_status(sim_t *s, const char *text)
{
    fj_reply_t  *reply;

    reply = sim_alloc(s, sizeof(fj_reply_t));
    redis_put(reply, FJ_REPLY_STATUS, redis_text(text));
    return reply;
}


const fj_reply_t *
redis_nil(sim_t *s)
{
    fj_reply_t  *reply;

    reply = sim_alloc(s, sizeof(fj_reply_t));
    reply->type = FJ_REPLY_NIL;
    return reply;
}


const fj_reply_t *
redis_integer(sim_t *s, int64_t number)
{
    fj_reply_t  *reply;

    reply = sim_alloc(s, sizeof(fj_reply_t));
    reply->type = FJ_REPLY_INTEGER;
    reply->number = number;
    return reply;
}

/*
 * Taking a shop over: for an empty region (start, changed size, binary
 * upgrade) one worker makes this server the owner and reads the journal back.
 *
 *     top id E-n  ->  XADD (E+1)-0 t INSTANCE      the fence: from here on
 *                                                  Redis refuses older epochs
 *     XRANGE in pages up to that entry             apply
 *     XADD (E+1)-SEQ o INSTANCE                    the top id now tells how
 *                                                  far the journal reaches
 *     rebuild, check, open
 *
 * A connection lost on the way starts it all again, under a higher epoch; a
 * takeover that landed without our knowledge then fences nobody but itself.
 *
 * A worker that was slow may have lost the recovery to a sibling, whose epoch
 * then looks like another server's.  So it takes an epoch, or fences the
 * shop, only while the engine's recovery lease is its own.
 */

#include "ngx_faka_journal_priv.h"


static void ngx_faka_recover_read(ngx_faka_journal_t *j);
static ngx_int_t ngx_faka_recover_entry(ngx_faka_journal_t *j,
    redisReply *entry);
static ngx_int_t ngx_faka_recover_apply(ngx_faka_journal_t *j,
    redisReply *value);
static void ngx_faka_recover_mark(ngx_faka_journal_t *j);
static void ngx_faka_recover_open(ngx_faka_journal_t *j);
static ngx_uint_t ngx_faka_recover_lost(ngx_faka_journal_t *j);
static ngx_int_t ngx_faka_recover_fenced(ngx_faka_journal_t *j);
static ngx_int_t ngx_faka_recover_refused(ngx_faka_journal_t *j,
    redisReply *reply);


_Static_assert(NGX_FAKA_READ_TIMEOUT_MS < FK_RECOVER_LEASE_MS,
               "a slow page does not cost the lease");


void
ngx_faka_recover_start(ngx_faka_journal_t *j)
{
    uint64_t  owner;

    if (fk_recover_begin(j->fk, j->owner, (int64_t) ngx_current_msec)
        != FK_OK)
    {
        owner = fk_recover_owner(j->fk);

        if (ngx_faka_journal_is_dead(owner)) {
            fk_recover_break(j->fk, owner);
        }

        j->state = NGX_FAKA_JOURNAL_WAITING;
        ngx_add_timer(&j->retry, NGX_FAKA_POLL_MS);
        return;
    }

    j->state = NGX_FAKA_JOURNAL_RECOVERING;
    j->recover_at = ngx_current_msec;
    j->read_id.epoch = 0;
    j->read_id.seq = 0;
    j->read_bytes = 0;

    ngx_faka_journal_ask_top(j, NGX_FAKA_COMMAND_TOP);
}


void
ngx_faka_recover_on_top(ngx_faka_journal_t *j, redisReply *reply)
{
    ngx_faka_stream_id_t  top;

    if (ngx_faka_recover_lost(j)
        || ngx_faka_journal_top(j, reply, &top) != NGX_OK)
    {
        ngx_faka_journal_drop(j);
        return;
    }

    j->epoch = top.epoch + 1;
    ngx_faka_recover_append(j, NGX_FAKA_COMMAND_TAKE, "t", 0);
}


void
ngx_faka_recover_on_take(ngx_faka_journal_t *j, redisReply *reply)
{
    if (ngx_faka_recover_refused(j, reply)) {

        if (ngx_faka_recover_lost(j)) {
            ngx_faka_journal_drop(j);
            return;
        }

        /* Another server was quicker; whoever comes last owns the shop. */
        ngx_faka_journal_ask_top(j, NGX_FAKA_COMMAND_TOP);
        return;
    }

    if (reply->type != REDIS_REPLY_STRING) {
        ngx_faka_journal_log_error(j, reply, "the takeover");
        ngx_faka_journal_drop(j);
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, j->log, 0,
                  "faka: shop \"%V\" taken over under epoch %uL, recovering",
                  &j->options.shop, j->epoch);

    ngx_faka_recover_read(j);
}


static void
ngx_faka_recover_read(ngx_faka_journal_t *j)
{
    u_char       id[2 * NGX_INT64_LEN + 3];
    size_t       argv_size[6];
    const char  *argv[6];

    argv[0] = "XRANGE";
    argv_size[0] = 6;
    argv[1] = (const char *) j->key.data;
    argv_size[1] = j->key.len;
    argv[2] = (const char *) id;
    argv_size[2] = ngx_sprintf(id, "(%uL-%uL", j->read_id.epoch,
                               j->read_id.seq)
                   - id;
    argv[3] = "+";
    argv_size[3] = 1;
    argv[4] = "COUNT";
    argv_size[4] = 5;
    argv[5] = NGX_FAKA_PAGE_COUNT;
    argv_size[5] = sizeof(NGX_FAKA_PAGE_COUNT) - 1;

    ngx_faka_journal_send(j, NGX_FAKA_COMMAND_PAGE, 6, argv, argv_size);
}


void
ngx_faka_recover_on_page(ngx_faka_journal_t *j, redisReply *reply)
{
    size_t  i;

    if (reply->type != REDIS_REPLY_ARRAY) {
        ngx_faka_journal_log_error(j, reply, "XRANGE");
        ngx_faka_journal_drop(j);
        return;
    }

    for (i = 0; i < reply->elements; i++) {

        switch (ngx_faka_recover_entry(j, reply->element[i])) {

        case NGX_OK:
            break;

        case NGX_ABORT:
            ngx_faka_journal_halt(j);
            return;

        default:
            ngx_faka_journal_drop(j);
            return;
        }
    }

    if (reply->elements != 0) {
        ngx_faka_recover_read(j);
        return;
    }

    if (j->read_id.epoch != j->epoch || j->read_id.seq != 0) {
        ngx_log_error(NGX_LOG_EMERG, j->log, 0,
                      "faka: shop \"%V\": the journal in redis \"%V\" ends "
                      "at %uL-%uL, before its own takeover",
                      &j->options.shop, &j->options.redis->address,
                      j->read_id.epoch, j->read_id.seq);
        ngx_faka_journal_drop(j);
        return;
    }

    ngx_faka_recover_mark(j);
}


/*
 * One entry: [id, [field, value, ...]].  NGX_OK; NGX_ABORT when the shop
 * must not open (fenced or damaged), NGX_ERROR to try again later.
 */

static ngx_int_t
ngx_faka_recover_entry(ngx_faka_journal_t *j, redisReply *entry)
{
    size_t                i;
    ngx_int_t             rc;
    redisReply           *fields;
    ngx_faka_stream_id_t  id;

    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2
        || ngx_faka_stream_id(entry->element[0], &id) != NGX_OK
        || entry->element[1]->type != REDIS_REPLY_ARRAY)
    {
        ngx_faka_journal_log_error(j, entry, "a readable entry");
        return NGX_ERROR;
    }

    if (id.epoch > j->epoch) {
        return ngx_faka_recover_fenced(j);
    }

    j->read_id = id;
    fields = entry->element[1];

    for (i = 0; i + 1 < fields->elements; i += 2) {

        if (fields->element[i]->type != REDIS_REPLY_STRING
            || ngx_strcmp(fields->element[i]->str, "b") != 0)
        {
            continue;
        }

        rc = ngx_faka_recover_apply(j, fields->element[i + 1]);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_faka_recover_apply(ngx_faka_journal_t *j, redisReply *value)
{
    size_t     at;
    fk_code_t  code;

    if (value->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    /* A long page must not outlive the lease on a cached clock. */
    ngx_time_update();

    at = 0;
    code = fk_apply(j->fk, j->owner, (int64_t) ngx_current_msec,
                    (const uint8_t *) value->str, (size_t) value->len, &at);

    j->read_bytes += (uint64_t) value->len;

    switch (code) {

    case FK_OK:
        return NGX_OK;

    case FK_CONFLICT:
    case FK_LOCK_TIMEOUT:
        return NGX_ERROR;

    default:
        ngx_log_error(NGX_LOG_EMERG, j->log, 0,
                      "faka: shop \"%V\" cannot recover: %s at journal entry "
                      "%uL-%uL, byte %uz, after record %uL%s",
                      &j->options.shop, fk_code_info[code].text,
                      j->read_id.epoch, j->read_id.seq, at,
                      fk_recover_seq(j->fk),
                      code == FK_TABLE_FULL
                      ? "; give the shop more \"memory\"" : "");

        fk_fail(j->fk, fk_code_info[code].text);
        return NGX_ABORT;
    }
}


static void
ngx_faka_recover_mark(ngx_faka_journal_t *j)
{
    if (fk_recover_seq(j->fk) == 0) {
        ngx_faka_recover_open(j);
        return;
    }

    ngx_faka_recover_append(j, NGX_FAKA_COMMAND_MARK, "o",
                            fk_recover_seq(j->fk));
}


void
ngx_faka_recover_on_mark(ngx_faka_journal_t *j, redisReply *reply)
{
    if (ngx_faka_recover_refused(j, reply)) {

        if (ngx_faka_recover_fenced(j) == NGX_ABORT) {
            ngx_faka_journal_halt(j);

        } else {
            ngx_faka_journal_drop(j);
        }

        return;
    }

    if (reply->type != REDIS_REPLY_STRING) {
        ngx_faka_journal_log_error(j, reply, "the opening");
        ngx_faka_journal_drop(j);
        return;
    }

    ngx_faka_recover_open(j);
}


static void
ngx_faka_recover_open(ngx_faka_journal_t *j)
{
    char        why[256];
    fk_env_t    env;
    fk_code_t   code;
    uint64_t    seq;
    ngx_time_t *tp;

    ngx_time_update();
    tp = ngx_timeofday();
    env.now_ms = (int64_t) tp->sec * 1000 + tp->msec;

    seq = fk_recover_seq(j->fk);
    why[0] = '\0';

    code = fk_recover_end(j->fk, &env, j->owner, j->epoch, why, sizeof(why));

    if (code == FK_CONFLICT || code == FK_LOCK_TIMEOUT) {
        ngx_faka_journal_drop(j);
        return;
    }

    if (code != FK_OK) {
        ngx_log_error(NGX_LOG_EMERG, j->log, 0,
                      "faka: shop \"%V\" cannot open: %s",
                      &j->options.shop, why);
        ngx_faka_journal_halt(j);
        return;
    }

    ngx_time_update();
    fk_stat_add(j->fk, NGX_FAKA_STAT_RECOVERED, seq);

    ngx_log_error(NGX_LOG_NOTICE, j->log, 0,
                  "faka: shop \"%V\" open under epoch %uL: %uL records, %uL "
                  "bytes recovered in %M ms",
                  &j->options.shop, j->epoch, seq, j->read_bytes,
                  ngx_current_msec - j->recover_at);

    ngx_faka_journal_enter(j);
    ngx_faka_journal_wake_all(j);
}


void
ngx_faka_recover_append(ngx_faka_journal_t *j, ngx_faka_command_t command,
    const char *field, uint64_t seq)
{
    u_char       id[2 * NGX_INT64_LEN + 2];
    size_t       argv_size[5];
    const char  *argv[5];

    argv[0] = "XADD";
    argv_size[0] = 4;
    argv[1] = (const char *) j->key.data;
    argv_size[1] = j->key.len;
    argv[2] = (const char *) id;
    argv_size[2] = ngx_sprintf(id, "%uL-%uL", j->epoch, seq) - id;
    argv[3] = field;
    argv_size[3] = ngx_strlen(field);
    argv[4] = j->instance;
    argv_size[4] = ngx_strlen(j->instance);

    ngx_faka_journal_send(j, command, 5, argv, argv_size);
}


static ngx_uint_t
ngx_faka_recover_lost(ngx_faka_journal_t *j)
{
    return fk_recover_owner(j->fk) != j->owner;
}


/* NGX_ABORT: the shop is fenced.  NGX_ERROR: it was not ours to fence. */

static ngx_int_t
ngx_faka_recover_fenced(ngx_faka_journal_t *j)
{
    if (fk_recover_fence(j->fk, j->owner) != FK_FENCED) {
        return NGX_ERROR;
    }

    ngx_log_error(NGX_LOG_ERR, j->log, 0,
                  "faka: shop \"%V\" is fenced while recovering under epoch "
                  "%uL: another server has taken it over later",
                  &j->options.shop, j->epoch);

    return NGX_ABORT;
}


/* Redis refuses an id that does not grow: somebody is ahead of us. */

static ngx_int_t
ngx_faka_recover_refused(ngx_faka_journal_t *j, redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR
           && ngx_strstr(reply->str, "equal or smaller") != NULL;
}

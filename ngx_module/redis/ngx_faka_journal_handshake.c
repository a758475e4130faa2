/*
 * The first words on a new connection: password, database, and whether this
 * Redis fsyncs before it answers.
 *
 * A server that does not is used all the same, for the operator may want it
 * so; but the error log and the metrics say what that means.
 */

#include "ngx_faka_journal_priv.h"


static ngx_int_t ngx_faka_config_is(const redisReply *reply,
    const char *value);
static void ngx_faka_handshake_say_fsync(ngx_faka_journal_t *j);


void
ngx_faka_handshake_next(ngx_faka_journal_t *j, ngx_faka_command_t after)
{
    u_char                       db[NGX_INT_T_LEN + 1];
    const char                  *argv[3];
    size_t                       argv_size[3];
    const ngx_faka_redis_conf_t *conf;

    conf = j->options.redis;

    if (after < NGX_FAKA_COMMAND_AUTH && conf->password.len != 0) {
        argv[0] = "AUTH";
        argv[1] = (const char *) conf->user.data;
        argv[2] = (const char *) conf->password.data;
        argv_size[0] = 4;
        argv_size[1] = conf->user.len;
        argv_size[2] = conf->password.len;

        if (conf->user.len == 0) {
            argv[1] = argv[2];
            argv_size[1] = argv_size[2];
        }

        ngx_faka_journal_send(j, NGX_FAKA_COMMAND_AUTH,
                              conf->user.len == 0 ? 2 : 3, argv, argv_size);
        return;
    }

    if (after < NGX_FAKA_COMMAND_SELECT && conf->db != 0) {
        argv[0] = "SELECT";
        argv[1] = (const char *) db;
        argv_size[0] = 6;
        argv_size[1] = ngx_sprintf(db, "%i", conf->db) - db;

        ngx_faka_journal_send(j, NGX_FAKA_COMMAND_SELECT, 2, argv, argv_size);
        return;
    }

    argv[0] = "CONFIG";
    argv[1] = "GET";
    argv[2] = after < NGX_FAKA_COMMAND_APPENDONLY ? "appendonly"
                                                  : "appendfsync";
    argv_size[0] = 6;
    argv_size[1] = 3;
    argv_size[2] = ngx_strlen(argv[2]);

    ngx_faka_journal_send(j, after < NGX_FAKA_COMMAND_APPENDONLY
                             ? NGX_FAKA_COMMAND_APPENDONLY
                             : NGX_FAKA_COMMAND_APPENDFSYNC,
                          3, argv, argv_size);
}


void
ngx_faka_handshake_on_auth(ngx_faka_journal_t *j, redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_faka_journal_log_error(j, reply, "the password");
        ngx_faka_journal_drop(j);
        return;
    }

    ngx_faka_handshake_next(j, NGX_FAKA_COMMAND_AUTH);
}


void
ngx_faka_handshake_on_select(ngx_faka_journal_t *j, redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_faka_journal_log_error(j, reply, "SELECT");
        ngx_faka_journal_drop(j);
        return;
    }

    ngx_faka_handshake_next(j, NGX_FAKA_COMMAND_SELECT);
}


/* CONFIG GET may be forbidden to our user: then nobody knows (-1). */

static ngx_int_t
ngx_faka_config_is(const redisReply *reply, const char *value)
{
    const redisReply  *got;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
        return -1;
    }

    got = reply->element[1];

    if (got->type != REDIS_REPLY_STRING) {
        return -1;
    }

    return (size_t) got->len == ngx_strlen(value)
           && ngx_memcmp(got->str, value, got->len) == 0;
}


void
ngx_faka_handshake_on_appendonly(ngx_faka_journal_t *j, redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR
        && (ngx_strncmp(reply->str, "NOAUTH", 6) == 0
            || ngx_strncmp(reply->str, "LOADING", 7) == 0))
    {
        ngx_faka_journal_log_error(j, reply, "work");
        ngx_faka_journal_drop(j);
        return;
    }

    j->appendonly = ngx_faka_config_is(reply, "yes");
    ngx_faka_handshake_next(j, NGX_FAKA_COMMAND_APPENDONLY);
}


void
ngx_faka_handshake_on_appendfsync(ngx_faka_journal_t *j, redisReply *reply)
{
    j->fsync = ngx_faka_config_is(reply, "always");
    ngx_faka_handshake_say_fsync(j);

    if (j->state == NGX_FAKA_JOURNAL_HANDSHAKE) {
        ngx_faka_journal_enter(j);
    }
}


static void
ngx_faka_handshake_say_fsync(ngx_faka_journal_t *j)
{
    ngx_int_t   fsync;
    ngx_uint_t  said;

    fsync = ngx_faka_journal_fsync(j);
    said = (ngx_uint_t) (fsync + 2);

    if (said == j->fsync_said) {
        return;
    }

    j->fsync_said = said;

    if (fsync == 0) {
        ngx_log_error(NGX_LOG_ERR, j->log, 0,
                      "faka: shop \"%V\": redis \"%V\" does not fsync before "
                      "it answers: acknowledged orders can be lost with its "
                      "machine; set \"appendonly yes\" and "
                      "\"appendfsync always\"",
                      &j->options.shop, &j->options.redis->address);

    } else if (fsync == -1) {
        ngx_log_error(NGX_LOG_WARN, j->log, 0,
                      "faka: shop \"%V\": redis \"%V\" does not allow CONFIG "
                      "GET; whether it fsyncs is not known",
                      &j->options.shop, &j->options.redis->address);
    }
}

/*
 * The first words on a new connection: password, database, and whether this
 * Redis fsyncs before it answers.
 *
 * A server that does not is used all the same, for the operator may want it
 * so; but the error log and the metrics say what that means.
 */

#include "ngx_faka_journal_priv.h"


static ngx_int_t ngx_faka_handshake_fsync(const redisReply *reply);
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

    /* A pattern: Redis before 7 takes no more than one name. */
    argv[0] = "CONFIG";
    argv[1] = "GET";
    argv[2] = "*append*";
    argv_size[0] = 6;
    argv_size[1] = 3;
    argv_size[2] = 8;

    ngx_faka_journal_send(j, NGX_FAKA_COMMAND_CONFIG, 3, argv, argv_size);
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


void
ngx_faka_handshake_on_config(ngx_faka_journal_t *j, redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR
        && (ngx_strncmp(reply->str, "NOAUTH", 6) == 0
            || ngx_strncmp(reply->str, "LOADING", 7) == 0))
    {
        ngx_faka_journal_log_error(j, reply, "work");
        ngx_faka_journal_drop(j);
        return;
    }

    j->fsync = ngx_faka_handshake_fsync(reply);
    ngx_faka_handshake_say_fsync(j);

    ngx_faka_journal_enter(j);
}


/*
 * 1 when each reply comes after an fsync, 0 when not, and -1 when nobody
 * knows, for CONFIG GET may be forbidden to our user.  The third setting is
 * easily missed: while a child rewrites the file, it turns fsync off, under
 * "always", too.
 */

static ngx_int_t
ngx_faka_handshake_fsync(const redisReply *reply)
{
    size_t             i, n, found;
    const redisReply  *name, *value;

    static const struct {
        const char  *name;
        const char  *value;
    } wanted[] = {
        { "appendonly", "yes" },
        { "appendfsync", "always" },
        { "no-appendfsync-on-rewrite", "no" }
    };

    if (reply->type != REDIS_REPLY_ARRAY) {
        return -1;
    }

    found = 0;

    for (i = 0; i + 1 < reply->elements; i += 2) {
        name = reply->element[i];
        value = reply->element[i + 1];

        if (name->type != REDIS_REPLY_STRING
            || value->type != REDIS_REPLY_STRING)
        {
            return -1;
        }

        for (n = 0; n < sizeof(wanted) / sizeof(wanted[0]); n++) {

            if (ngx_strcmp(name->str, wanted[n].name) != 0) {
                continue;
            }

            if (ngx_strcmp(value->str, wanted[n].value) != 0) {
                return 0;
            }

            found++;
        }
    }

    return found == sizeof(wanted) / sizeof(wanted[0]) ? 1 : -1;
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
                      "machine; set \"appendonly yes\", \"appendfsync "
                      "always\" and \"no-appendfsync-on-rewrite no\"",
                      &j->options.shop, &j->options.redis->address);

    } else if (fsync == -1) {
        ngx_log_error(NGX_LOG_WARN, j->log, 0,
                      "faka: shop \"%V\": redis \"%V\" does not allow CONFIG "
                      "GET; whether it fsyncs is not known",
                      &j->options.shop, &j->options.redis->address);
    }
}

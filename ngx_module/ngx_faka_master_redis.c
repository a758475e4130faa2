/*
 * The redis directive: where the master is, or who knows that, and how to log
 * in there.
 *
 * A host name is resolved here, by the master process, because hiredis would
 * block a worker for it.  Nothing is connected: whether Redis answers is found
 * out by the workers, which start without it and wait.
 */


#include "ngx_faka_master.h"


typedef struct {
    const char  *word;                 /* the first one, or NULL */
    in_port_t    port;                 /* where none is written */
    const char  *options;              /* for messages */
} ngx_faka_redis_mode_t;

typedef struct {
    ngx_str_t    name;                 /* with its = */
    ngx_uint_t   modes;                /* bits: where it may stand */
    ngx_int_t  (*set)(ngx_conf_t *cf, ngx_faka_redis_conf_t *redis,
                      ngx_str_t *value, ngx_str_t *field);
    size_t       offset;               /* of the field */
} ngx_faka_redis_option_t;


static fj_mode_t ngx_faka_redis_mode(const ngx_str_t *word);
static ngx_int_t ngx_faka_redis_add(ngx_conf_t *cf,
    ngx_faka_redis_conf_t *redis, ngx_str_t *written);
static ngx_int_t ngx_faka_redis_address(ngx_conf_t *cf,
    const ngx_faka_redis_mode_t *mode, ngx_str_t *written,
    fj_address_t *address);
static ngx_int_t ngx_faka_redis_option(ngx_conf_t *cf,
    ngx_faka_redis_conf_t *redis, const ngx_str_t *option,
    ngx_uint_t *given);
static ngx_int_t ngx_faka_redis_complete(ngx_conf_t *cf,
    const ngx_faka_redis_conf_t *redis);
static ngx_int_t ngx_faka_redis_set_text(ngx_conf_t *cf,
    ngx_faka_redis_conf_t *redis, ngx_str_t *value, ngx_str_t *field);
static ngx_int_t ngx_faka_redis_set_secret(ngx_conf_t *cf,
    ngx_faka_redis_conf_t *redis, ngx_str_t *value, ngx_str_t *field);
static ngx_int_t ngx_faka_redis_set_db(ngx_conf_t *cf,
    ngx_faka_redis_conf_t *redis, ngx_str_t *value, ngx_str_t *field);
static const char *ngx_faka_redis_text(ngx_conf_t *cf, const u_char *data,
    size_t size);


#define NGX_FAKA_REDIS_DB_MAX             65535
#define NGX_FAKA_REDIS_PASSWORD_SIZE_MIN  8
#define NGX_FAKA_REDIS_PASSWORD_SIZE_MAX  512

#define NGX_FAKA_REDIS_SERVER    (1 << FJ_MODE_SERVER)
#define NGX_FAKA_REDIS_SENTINEL  (1 << FJ_MODE_SENTINEL)
#define NGX_FAKA_REDIS_CLUSTER   (1 << FJ_MODE_CLUSTER)
#define NGX_FAKA_REDIS_ALL       ((1 << FJ_MODE_COUNT) - 1)


static const ngx_faka_redis_mode_t  ngx_faka_redis_modes[] = {
    [FJ_MODE_SERVER] = { NULL, 6379,
        "user=NAME, password_file=FILE and db=NUMBER" },
    [FJ_MODE_SENTINEL] = { "sentinel", 26379,
        "master=NAME, user=NAME, password_file=FILE, db=NUMBER, "
        "sentinel_user=NAME and sentinel_password_file=FILE" },
    [FJ_MODE_CLUSTER] = { "cluster", 6379,
        "user=NAME and password_file=FILE; a cluster has no db" }
};

static const ngx_faka_redis_option_t  ngx_faka_redis_options[] = {
    { ngx_string("user="), NGX_FAKA_REDIS_ALL, ngx_faka_redis_set_text,
      offsetof(ngx_faka_redis_conf_t, user) },
    { ngx_string("password_file="), NGX_FAKA_REDIS_ALL,
      ngx_faka_redis_set_secret, offsetof(ngx_faka_redis_conf_t, password) },
    { ngx_string("db="), NGX_FAKA_REDIS_SERVER|NGX_FAKA_REDIS_SENTINEL,
      ngx_faka_redis_set_db, 0 },
    { ngx_string("master="), NGX_FAKA_REDIS_SENTINEL, ngx_faka_redis_set_text,
      offsetof(ngx_faka_redis_conf_t, master) },
    { ngx_string("sentinel_user="), NGX_FAKA_REDIS_SENTINEL,
      ngx_faka_redis_set_text,
      offsetof(ngx_faka_redis_conf_t, sentinel_user) },
    { ngx_string("sentinel_password_file="), NGX_FAKA_REDIS_SENTINEL,
      ngx_faka_redis_set_secret,
      offsetof(ngx_faka_redis_conf_t, sentinel_password) }
};


char *
ngx_faka_shop_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t              *value;
    ngx_uint_t              i, given;
    ngx_faka_redis_conf_t  *redis;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    redis = &fmcf->shop->redis;
    redis->mode = ngx_faka_redis_mode(&value[1]);
    i = 1;

    if (redis->mode == FJ_MODE_SERVER) {
        if (ngx_faka_redis_add(cf, redis, &value[i++]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

    } else {
        for (i++; i < cf->args->nelts; i++) {

            if (ngx_strchr(value[i].data, '=') != NULL) {
                break;
            }

            if (ngx_faka_redis_add(cf, redis, &value[i]) != NGX_OK) {
                return NGX_CONF_ERROR;
            }
        }
    }

    for (given = 0; i < cf->args->nelts; i++) {
        if (ngx_faka_redis_option(cf, redis, &value[i], &given) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return ngx_faka_redis_complete(cf, redis) == NGX_OK ? NGX_CONF_OK
                                                        : NGX_CONF_ERROR;
}


static fj_mode_t
ngx_faka_redis_mode(const ngx_str_t *word)
{
    ngx_uint_t  i;

    for (i = FJ_MODE_SERVER + 1; i < FJ_MODE_COUNT; i++) {
        if (ngx_strcmp(word->data, ngx_faka_redis_modes[i].word) == 0) {
            return (fj_mode_t) i;
        }
    }

    return FJ_MODE_SERVER;
}


/* --- addresses --------------------------------------------------------- */

static ngx_int_t
ngx_faka_redis_add(ngx_conf_t *cf, ngx_faka_redis_conf_t *redis,
    ngx_str_t *written)
{
    if (redis->address_count == FJ_ADDRESSES_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"redis\" has more than %d addresses; some of "
                           "them will do", FJ_ADDRESSES_MAX);
        return NGX_ERROR;
    }

    return ngx_faka_redis_address(cf, &ngx_faka_redis_modes[redis->mode],
                                  written,
                                  &redis->address[redis->address_count++]);
}


static ngx_int_t
ngx_faka_redis_address(ngx_conf_t *cf, const ngx_faka_redis_mode_t *mode,
    ngx_str_t *written, fj_address_t *address)
{
    u_char     text[NGX_SOCKADDR_STRLEN];
    size_t     size;
    ngx_url_t  u;

    ngx_memzero(&u, sizeof(ngx_url_t));
    u.url = *written;
    u.default_port = mode->port;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK || u.naddrs == 0
        || (u.family == AF_UNIX && mode->word != NULL))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"redis %V\": %s; write %sHOST:PORT", written,
                           u.err != NULL ? u.err : "no address",
                           mode->word == NULL ? "unix:/PATH or " : "");
        return NGX_ERROR;
    }

    address->text = ngx_faka_redis_text(cf, written->data, written->len);

    if (u.family == AF_UNIX) {

        /* where a process was started is no place to look for a socket */

        if (u.host.data[0] != '/') {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"redis %V\" has no absolute path; write "
                               "unix:/PATH", written);
            return NGX_ERROR;
        }

        address->path = ngx_faka_redis_text(cf, u.host.data, u.host.len);

        return address->text != NULL && address->path != NULL ? NGX_OK
                                                              : NGX_ERROR;
    }

    if (u.uri.len > 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"redis %V\" has a path; write HOST:PORT, and the "
                           "number of the database as db=N", written);
        return NGX_ERROR;
    }

    size = ngx_sock_ntop(u.addrs[0].sockaddr, u.addrs[0].socklen, text,
                         sizeof(text), 0);

    address->host = ngx_faka_redis_text(cf, text, size);
    address->port = ngx_inet_get_port(u.addrs[0].sockaddr);

    return address->text != NULL && address->host != NULL ? NGX_OK
                                                          : NGX_ERROR;
}


/* --- options ----------------------------------------------------------- */

static ngx_int_t
ngx_faka_redis_option(ngx_conf_t *cf, ngx_faka_redis_conf_t *redis,
    const ngx_str_t *option, ngx_uint_t *given)
{
    ngx_int_t                       rc;
    ngx_str_t                       value;
    ngx_uint_t                      i, n;
    const ngx_faka_redis_option_t  *row;

    n = sizeof(ngx_faka_redis_options) / sizeof(ngx_faka_redis_options[0]);

    for (i = 0; i < n; i++) {
        row = &ngx_faka_redis_options[i];

        if (option->len > row->name.len
            && ngx_strncmp(option->data, row->name.data, row->name.len) == 0
            && (row->modes & (ngx_uint_t) 1 << redis->mode) != 0
            && (*given & (ngx_uint_t) 1 << i) == 0)
        {
            *given |= (ngx_uint_t) 1 << i;
            value.data = option->data + row->name.len;
            value.len = option->len - row->name.len;

            rc = row->set(cf, redis, &value, (ngx_str_t *) (void *)
                          ((u_char *) redis + row->offset));

            if (rc != NGX_DECLINED) {
                return rc;
            }
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" of \"redis\" is unknown, empty or given twice; "
                       "there are %s", option,
                       ngx_faka_redis_modes[redis->mode].options);

    return NGX_ERROR;
}


static ngx_int_t
ngx_faka_redis_complete(ngx_conf_t *cf, const ngx_faka_redis_conf_t *redis)
{
    if (redis->address_count == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"redis %s\" has no address; write it like redis "
                           "%s HOST:PORT HOST:PORT",
                           ngx_faka_redis_modes[redis->mode].word,
                           ngx_faka_redis_modes[redis->mode].word);
        return NGX_ERROR;
    }

    if (redis->mode == FJ_MODE_SENTINEL && redis->master.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"redis sentinel\" does not say which master; add "
                           "master=NAME");
        return NGX_ERROR;
    }

    if (redis->user.len > 0 && redis->password.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"redis\" has a user without a password; add "
                           "password_file=FILE");
        return NGX_ERROR;
    }

    if (redis->sentinel_user.len > 0 && redis->sentinel_password.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"redis\" has a user for sentinels without a "
                           "password; add sentinel_password_file=FILE");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_faka_redis_set_text(ngx_conf_t *cf, ngx_faka_redis_conf_t *redis,
    ngx_str_t *value, ngx_str_t *field)
{
    /* nginx ends each word of a directive with a NUL */
    *field = *value;
    return NGX_OK;
}


static ngx_int_t
ngx_faka_redis_set_secret(ngx_conf_t *cf, ngx_faka_redis_conf_t *redis,
    ngx_str_t *value, ngx_str_t *field)
{
    return ngx_faka_secret_word(cf, value, NGX_FAKA_REDIS_PASSWORD_SIZE_MIN,
                                NGX_FAKA_REDIS_PASSWORD_SIZE_MAX, field);
}


static ngx_int_t
ngx_faka_redis_set_db(ngx_conf_t *cf, ngx_faka_redis_conf_t *redis,
    ngx_str_t *value, ngx_str_t *field)
{
    redis->db = ngx_atoi(value->data, value->len);

    return redis->db != NGX_ERROR && redis->db <= NGX_FAKA_REDIS_DB_MAX
           ? NGX_OK : NGX_DECLINED;
}


/* A copy with a NUL behind it, for hiredis and log lines. */

static const char *
ngx_faka_redis_text(ngx_conf_t *cf, const u_char *data, size_t size)
{
    char  *text;

    text = ngx_pnalloc(cf->pool, size + 1);
    if (text == NULL) {
        return NULL;
    }

    ngx_memcpy(text, data, size);
    text[size] = '\0';

    return text;
}

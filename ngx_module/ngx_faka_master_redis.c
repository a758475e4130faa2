/*
 * The redis directive: an address, and how to log in there.
 *
 * A host name is resolved here, by the master, because hiredis would block a
 * worker for it.  Nothing is connected: whether Redis answers is found out by
 * the workers, which start without it and wait.
 */


#include "ngx_faka_master.h"


static ngx_int_t ngx_faka_redis_address(ngx_conf_t *cf,
    ngx_faka_redis_conf_t *redis);
static ngx_int_t ngx_faka_redis_option(ngx_conf_t *cf,
    ngx_faka_redis_conf_t *redis, const ngx_str_t *option);
static ngx_int_t ngx_faka_redis_text(ngx_conf_t *cf, const u_char *data,
    size_t size, ngx_str_t *text);


#define NGX_FAKA_REDIS_PORT               6379
#define NGX_FAKA_REDIS_DB_MAX             65535
#define NGX_FAKA_REDIS_PASSWORD_SIZE_MIN  8
#define NGX_FAKA_REDIS_PASSWORD_SIZE_MAX  512


char *
ngx_faka_shop_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t              *value;
    ngx_uint_t              i;
    ngx_faka_redis_conf_t  *redis;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    redis = &fmcf->shop->redis;
    redis->address = value[1];

    if (ngx_faka_redis_address(cf, redis) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_faka_redis_option(cf, redis, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (redis->user.len > 0 && redis->password.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"redis\" has a user without a password; add "
                           "password_file=FILE");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_faka_redis_address(ngx_conf_t *cf, ngx_faka_redis_conf_t *redis)
{
    u_char     text[NGX_SOCKADDR_STRLEN];
    size_t     size;
    ngx_url_t  u;

    ngx_memzero(&u, sizeof(ngx_url_t));
    u.url = redis->address;
    u.default_port = NGX_FAKA_REDIS_PORT;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK || u.naddrs == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"redis %V\": %s; write unix:/PATH or HOST:PORT",
                           &redis->address,
                           u.err != NULL ? u.err : "no address");
        return NGX_ERROR;
    }

    if (u.family == AF_UNIX) {

        /* where a process was started is no place to look for a socket */

        if (u.host.data[0] != '/') {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"redis %V\" has no absolute path; write "
                               "unix:/PATH", &redis->address);
            return NGX_ERROR;
        }

        return ngx_faka_redis_text(cf, u.host.data, u.host.len, &redis->path);
    }

    if (u.uri.len > 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"redis %V\" has a path; write HOST:PORT, and the "
                           "number of the database as db=N", &redis->address);
        return NGX_ERROR;
    }

    redis->port = ngx_inet_get_port(u.addrs[0].sockaddr);

    size = ngx_sock_ntop(u.addrs[0].sockaddr, u.addrs[0].socklen, text,
                         sizeof(text), 0);

    return ngx_faka_redis_text(cf, text, size, &redis->host);
}


static ngx_int_t
ngx_faka_redis_option(ngx_conf_t *cf, ngx_faka_redis_conf_t *redis,
    const ngx_str_t *option)
{
    ngx_str_t  path;

    if (ngx_strncmp(option->data, "user=", 5) == 0
        && option->len > 5 && redis->user.len == 0)
    {
        return ngx_faka_redis_text(cf, option->data + 5, option->len - 5,
                                   &redis->user);
    }

    if (ngx_strncmp(option->data, "password_file=", 14) == 0
        && option->len > 14 && redis->password.len == 0)
    {
        path.data = option->data + 14;
        path.len = option->len - 14;

        return ngx_faka_secret_word(cf, &path,
                                    NGX_FAKA_REDIS_PASSWORD_SIZE_MIN,
                                    NGX_FAKA_REDIS_PASSWORD_SIZE_MAX,
                                    &redis->password);
    }

    if (ngx_strncmp(option->data, "db=", 3) == 0) {

        redis->db = ngx_atoi(option->data + 3, option->len - 3);

        if (redis->db != NGX_ERROR && redis->db <= NGX_FAKA_REDIS_DB_MAX) {
            return NGX_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" of \"redis\" is unknown, empty or given twice; "
                       "there are user=NAME, password_file=FILE and db=NUMBER",
                       option);

    return NGX_ERROR;
}


/* A copy with a NUL behind it: hiredis takes such. */

static ngx_int_t
ngx_faka_redis_text(ngx_conf_t *cf, const u_char *data, size_t size,
    ngx_str_t *text)
{
    text->data = ngx_pnalloc(cf->pool, size + 1);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(text->data, data, size);
    text->data[size] = '\0';
    text->len = size;

    return NGX_OK;
}

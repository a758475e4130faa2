/*
 * The directives that say how a shop's journal is kept: when a snapshot is
 * written, how long finished orders stay, who sells, how many copies an
 * answer waits for, and how many events are kept for others.
 */


#include "ngx_faka_master.h"


static ngx_int_t ngx_faka_conf_seconds(ngx_conf_t *cf, const char *directive,
    ngx_str_t *value, ngx_int_t min_s, ngx_uint_t *seconds);


#define NGX_FAKA_SNAPSHOT_SIZE_MIN  ((off_t) 1 << 20)
#define NGX_FAKA_SNAPSHOT_SIZE_MAX  ((off_t) 64 << 30)
#define NGX_FAKA_SNAPSHOT_S_MIN     10
#define NGX_FAKA_RETENTION_S_MIN    60
#define NGX_FAKA_ARCHIVE_S_MIN      86400
#define NGX_FAKA_SECONDS_MAX        (10 * 365 * 86400)
#define NGX_FAKA_REPLICAS_MAX       8
#define NGX_FAKA_EVENTS_MIN         100
#define NGX_FAKA_EVENTS_LIMIT       10000000


char *
ngx_faka_shop_snapshot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    off_t       size;
    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    size = ngx_parse_offset(&value[1]);

    if (size == NGX_ERROR || size < NGX_FAKA_SNAPSHOT_SIZE_MIN
        || size > NGX_FAKA_SNAPSHOT_SIZE_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"snapshot %V\" is no size from 1m to 64g; write "
                           "it like snapshot 128m 1h", &value[1]);
        return NGX_CONF_ERROR;
    }

    fmcf->shop->snapshot_size = (uint64_t) size;

    if (cf->args->nelts == 3
        && ngx_faka_conf_seconds(cf, "snapshot", &value[2],
                                 NGX_FAKA_SNAPSHOT_S_MIN,
                                 &fmcf->shop->snapshot_s)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_faka_shop_retention(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_faka_conf_seconds(cf, "retention", &value[1],
                              NGX_FAKA_RETENTION_S_MIN,
                              &fmcf->shop->retention_s)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_faka_shop_archive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_faka_conf_seconds(cf, "archive", &value[1],
                              NGX_FAKA_ARCHIVE_S_MIN, &fmcf->shop->archive_s)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_faka_shop_role(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "active") == 0) {
        fmcf->shop->standby = 0;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "standby") == 0) {
        fmcf->shop->standby = 1;
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"role %V\" is unknown; write active or standby",
                       &value[1]);

    return NGX_CONF_ERROR;
}


char *
ngx_faka_shop_replicas(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_int_t   count;
    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    count = ngx_atoi(value[1].data, value[1].len);

    if (count == NGX_ERROR || count > NGX_FAKA_REPLICAS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"replicas %V\" is no number from 0 to %d",
                           &value[1], NGX_FAKA_REPLICAS_MAX);
        return NGX_CONF_ERROR;
    }

    fmcf->shop->replicas = (ngx_uint_t) count;

    return NGX_CONF_OK;
}


char *
ngx_faka_shop_events(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_int_t   count;
    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        fmcf->shop->events_max = 0;
        return NGX_CONF_OK;
    }

    count = ngx_atoi(value[1].data, value[1].len);

    if (count == NGX_ERROR || count < NGX_FAKA_EVENTS_MIN
        || count > NGX_FAKA_EVENTS_LIMIT)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"events %V\" is no number from %d to %d, and not "
                           "off", &value[1], NGX_FAKA_EVENTS_MIN,
                           NGX_FAKA_EVENTS_LIMIT);
        return NGX_CONF_ERROR;
    }

    fmcf->shop->events_max = (ngx_uint_t) count;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_faka_conf_seconds(ngx_conf_t *cf, const char *directive,
    ngx_str_t *value, ngx_int_t min_s, ngx_uint_t *seconds)
{
    ngx_int_t  s;

    s = ngx_parse_time(value, 1);

    if (s == NGX_ERROR || s < min_s || s > NGX_FAKA_SECONDS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" of \"%s\" is no time from %is to %id; "
                           "write it like 90s, 1h or 30d", value, directive,
                           min_s, (ngx_int_t) NGX_FAKA_SECONDS_MAX / 86400);
        return NGX_ERROR;
    }

    *seconds = (ngx_uint_t) s;

    return NGX_OK;
}

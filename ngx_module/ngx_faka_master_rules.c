/*
 * The directives that name the operator's rules.
 *
 * A file is read, compiled and run over its examples here, by nginx -t as
 * well: what is wrong with it is told with its own file and line, and a
 * running configuration goes on with the rules that it has.  Workers get the
 * bytes that were checked, and not what the file holds when they start.
 */

#include "ngx_faka_master.h"


#define NGX_FAKA_SHARE_ALL  10000


static ngx_int_t ngx_faka_rules_load(ngx_conf_t *cf, ngx_str_t *path,
    ngx_faka_rules_file_t *rules);
static ngx_int_t ngx_faka_rules_read(ngx_conf_t *cf, ngx_fd_t fd,
    ngx_faka_rules_file_t *rules);


char *
ngx_faka_shop_rules(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_faka_rules_load(cf, &value[1],
                            &fmcf->shop->rules[NGX_FAKA_RULES_MAIN])
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* rules_canary FILE 5%; or FILE shadow; */

char *
ngx_faka_shop_canary(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_int_t         share;
    ngx_str_t        *value;
    ngx_faka_shop_t  *shop;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    shop = fmcf->shop;

    if (ngx_strcmp(value[2].data, "shadow") == 0) {
        shop->canary_shadow = 1;

    } else {
        share = value[2].len > 1 && value[2].data[value[2].len - 1] == '%'
                ? ngx_atofp(value[2].data, value[2].len - 1, 2) : NGX_ERROR;

        if (share < 1 || share > NGX_FAKA_SHARE_ALL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"rules_canary ... %V\" is no share of the "
                               "buyers; write it like 5%%, or shadow to "
                               "compare without applying", &value[2]);
            return NGX_CONF_ERROR;
        }

        shop->canary_share = (ngx_uint_t) share;
    }

    if (ngx_faka_rules_load(cf, &value[1],
                            &shop->rules[NGX_FAKA_RULES_CANARY])
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_faka_shop_price_fallback(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "list") == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "refuse") == 0) {
        fmcf->shop->price_refuse = 1;
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"price_fallback %V\" is unknown; write list to sell "
                       "at the price before the rule, or refuse", &value[1]);

    return NGX_CONF_ERROR;
}


static ngx_int_t
ngx_faka_rules_load(ngx_conf_t *cf, ngx_str_t *path,
    ngx_faka_rules_file_t *rules)
{
    fl_t       *vm;
    char        err[FL_ERROR_SIZE];
    ngx_fd_t    fd;
    ngx_int_t   rc;

    rules->path = *path;

    if (ngx_conf_full_name(cf->cycle, &rules->path, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    /* NONBLOCK: a FIFO in the place of the file must not hang the master */

    fd = ngx_open_file(rules->path.data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "the rules \"%V\" cannot be opened; make the file, "
                           "or correct the path", &rules->path);
        return NGX_ERROR;
    }

    rc = ngx_faka_rules_read(cf, fd, rules);

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", &rules->path);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    vm = fl_create((char *) rules->path.data, rules->source.data,
                   rules->source.len, err);

    if (vm == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "rules: %s", err);
        return NGX_ERROR;
    }

    fl_destroy(vm);

    return NGX_OK;
}


static ngx_int_t
ngx_faka_rules_read(ngx_conf_t *cf, ngx_fd_t fd, ngx_faka_rules_file_t *rules)
{
    size_t           size, used;
    ssize_t          n;
    ngx_file_info_t  info;

    if (ngx_fd_info(fd, &info) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", &rules->path);
        return NGX_ERROR;
    }

    if (!S_ISREG(info.st_mode) || ngx_file_size(&info) < 1
        || (size_t) ngx_file_size(&info) > FL_FILE_SIZE_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the rules \"%V\" are no regular file of 1 byte "
                           "to %uz KiB", &rules->path,
                           FL_FILE_SIZE_MAX >> 10);
        return NGX_ERROR;
    }

    size = (size_t) ngx_file_size(&info);
    rules->source.data = ngx_pnalloc(cf->pool, size);

    if (rules->source.data == NULL) {
        return NGX_ERROR;
    }

    for (used = 0; used < size; used += n) {
        n = ngx_read_fd(fd, rules->source.data + used, size - used);

        if (n <= 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, n == -1 ? ngx_errno : 0,
                               ngx_read_fd_n " \"%V\" failed, or the file "
                               "was written meanwhile", &rules->path);
            return NGX_ERROR;
        }
    }

    rules->source.len = size;

    return NGX_OK;
}

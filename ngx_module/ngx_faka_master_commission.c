/*
 * The directives about commission: how many agents above a buyer may get some,
 * and how long it is frozen.
 */

#include "ngx_faka_master.h"


/* The platform has a line of its own, and the merchant one of the engine's. */
#define NGX_FAKA_COMMISSION_LEVELS_MAX                                        \
    ngx_min(FK_SPLIT_GIVEN_MAX - 1, FL_LEVELS_MAX)

#define NGX_FAKA_COMMISSION_LEVELS_MANY  3


char *
ngx_faka_shop_commission_levels(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_int_t   levels;
    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    levels = ngx_atoi(value[1].data, value[1].len);

    if (levels == NGX_ERROR || levels > NGX_FAKA_COMMISSION_LEVELS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"commission_levels %V\" is no number from 0 to "
                           "%d", &value[1], NGX_FAKA_COMMISSION_LEVELS_MAX);
        return NGX_CONF_ERROR;
    }

    if (levels >= NGX_FAKA_COMMISSION_LEVELS_MANY) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"commission_levels %V\": paying three or more "
                           "levels of agents may be unlawful where you trade",
                           &value[1]);
    }

    fmcf->shop->commission_levels = (ngx_uint_t) levels;

    return NGX_CONF_OK;
}


char *
ngx_faka_shop_settle_after(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_int_t   settle_s;
    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    settle_s = ngx_parse_time(&value[1], 1);

    if (settle_s == NGX_ERROR || settle_s > FK_SETTLE_S_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"settle_after %V\" is no time up to 400d; write "
                           "it like 7d", &value[1]);
        return NGX_CONF_ERROR;
    }

    fmcf->shop->settle_after_s = (ngx_uint_t) settle_s;

    return NGX_CONF_OK;
}

/*
 * How often gateways are asked about unpaid orders, and whether money goes
 * back without a person.
 */

#include "ngx_faka_master.h"


#define NGX_FAKA_RECONCILE_S_MIN     1
#define NGX_FAKA_RECONCILE_S_MAX     3600
#define NGX_FAKA_RECONCILE_RATE_MAX  1000
#define NGX_FAKA_REFUND_SHORT_S_MAX  (365 * 86400)


#define NGX_FAKA_RECONCILE_REACH                                              \
    (1u << 2 * (NGX_FAKA_RECONCILE_LATE - 1))  /* intervals after a hold */


static ngx_int_t ngx_faka_reconcile_rate(const ngx_str_t *value);


char *
ngx_faka_shop_reconcile(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_int_t         rate, interval_s;
    ngx_str_t        *value;
    ngx_faka_shop_t  *shop;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    shop = fmcf->shop;
    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        shop->reconcile_s = 0;
        return NGX_CONF_OK;
    }

    interval_s = ngx_parse_time(&value[1], 1);

    if (interval_s == NGX_ERROR || interval_s < NGX_FAKA_RECONCILE_S_MIN
        || interval_s > NGX_FAKA_RECONCILE_S_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"reconcile %V\" is no time from 1s to 1h, and "
                           "not off; write it like 30s", &value[1]);
        return NGX_CONF_ERROR;
    }

    shop->reconcile_s = (ngx_uint_t) interval_s;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    rate = ngx_faka_reconcile_rate(&value[2]);

    if (rate == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"reconcile ... %V\" is no rate; write, for "
                           "example, rate=10r/s, at most %d", &value[2],
                           NGX_FAKA_RECONCILE_RATE_MAX);
        return NGX_CONF_ERROR;
    }

    shop->reconcile_rate = (ngx_uint_t) rate;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_faka_reconcile_rate(const ngx_str_t *value)
{
    size_t            size;
    ngx_int_t         rate;
    static const char  prefix[] = "rate=", suffix[] = "r/s";

    size = sizeof(prefix) - 1 + sizeof(suffix) - 1;

    if (value->len <= size
        || ngx_strncmp(value->data, prefix, sizeof(prefix) - 1) != 0
        || ngx_strcmp(value->data + value->len - (sizeof(suffix) - 1), suffix)
           != 0)
    {
        return NGX_ERROR;
    }

    rate = ngx_atoi(value->data + sizeof(prefix) - 1, value->len - size);

    return rate >= 1 && rate <= NGX_FAKA_RECONCILE_RATE_MAX ? rate
                                                            : NGX_ERROR;
}


/* An order is over when its hold is, and leaves memory after "retention". */

void
ngx_faka_reconcile_reaches(ngx_conf_t *cf, const ngx_faka_shop_t *shop)
{
    ngx_uint_t            i, reach_s;
    const pay_channel_t  *channel;

    channel = shop->channels.elts;
    reach_s = NGX_FAKA_RECONCILE_REACH * shop->reconcile_s;

    if (shop->retention_s > reach_s || shop->reconcile_s == 0) {
        return;
    }

    for (i = 0; i < shop->channels.nelts; i++) {

        if (!(pay_channel_asks(&channel[i]) & PAY_ASK_BIT(QUERY))) {
            continue;
        }

        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "faka_shop \"%V\": a gateway is to be asked for "
                           "the last time %ui s after an order's hold "
                           "(%ui times \"reconcile\"), but the order leaves "
                           "memory after %ui s (\"retention\"): write a "
                           "longer retention, or a shorter reconcile",
                           &shop->name, reach_s,
                           (ngx_uint_t) NGX_FAKA_RECONCILE_REACH,
                           shop->retention_s);
        return;
    }
}


char *
ngx_faka_shop_auto_refund(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_int_t          short_s;
    ngx_str_t         *value, time;
    static const char  prefix[] = "short=";

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "on") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"auto_refund %V\" is unknown; write off, on, or "
                           "on short=1d", &value[1]);
        return NGX_CONF_ERROR;
    }

    fmcf->shop->auto_refund = 1;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    short_s = NGX_ERROR;

    if (ngx_strncmp(value[2].data, prefix, sizeof(prefix) - 1) == 0) {
        time.data = value[2].data + sizeof(prefix) - 1;
        time.len = value[2].len - (sizeof(prefix) - 1);
        short_s = ngx_parse_time(&time, 1);
    }

    if (short_s == NGX_ERROR || short_s < 1
        || short_s > NGX_FAKA_REFUND_SHORT_S_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"auto_refund on %V\" has no time from 1s to "
                           "365d; write, for example, short=1d", &value[2]);
        return NGX_CONF_ERROR;
    }

    fmcf->shop->refund_short_s = (ngx_uint_t) short_s;

    return NGX_CONF_OK;
}

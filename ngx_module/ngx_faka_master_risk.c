/*
 * The directives about risk that need no Lua: a sum above which a person
 * looks, limits of orders by key, and who is not sold to.
 */

#include "ngx_faka_master.h"


#define NGX_FAKA_ORDER_LIMITS_MAX    16
#define NGX_FAKA_ORDER_LIMIT_MAX     1000000
#define NGX_FAKA_BLOCK_NETWORKS_MAX  1024
#define NGX_FAKA_BLOCK_DOMAINS_MAX   256
#define NGX_FAKA_DOMAIN_SIZE_MAX     253


static char *ngx_faka_risk_flag(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_faka_main_conf_t *fmcf, ngx_uint_t *flag);
static ngx_int_t ngx_faka_risk_room(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_array_t *array, size_t size, ngx_uint_t more, ngx_uint_t max);
static ngx_int_t ngx_faka_order_limit_parse(const ngx_str_t *text,
    ngx_faka_order_limit_t *limit);


/* What an order_limit may count: words of fk_rate_word. */

static const fk_rate_t  ngx_faka_order_limit_rates[] = {
    FK_RATE_CONTACT, FK_RATE_IP, FK_RATE_AGENT, FK_RATE_SKU
};

static const char *const  ngx_faka_order_limit_spans[FK_SPAN_COUNT] = {
    "1m", "1h", "1d"
};


char *
ngx_faka_shop_review_over(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    off_t       amount;
    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    amount = ngx_atoof(value[1].data, value[1].len);

    if (amount == NGX_ERROR || amount < 1 || amount > FK_AMOUNT_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"review_over %V\" is no amount in minor units; "
                           "write 100000 for 1000.00", &value[1]);
        return NGX_CONF_ERROR;
    }

    fmcf->shop->review_over = amount;

    return NGX_CONF_OK;
}


char *
ngx_faka_shop_review_first(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    return ngx_faka_risk_flag(cf, cmd, fmcf, &fmcf->shop->review_first);
}


/* Also set by what cannot do without it: ngx_faka_shop_complete(). */

char *
ngx_faka_shop_buyer_history(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    return ngx_faka_risk_flag(cf, cmd, fmcf, &fmcf->shop->buyer_history);
}


static char *
ngx_faka_risk_flag(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_faka_main_conf_t *fmcf, ngx_uint_t *flag)
{
    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    *flag = ngx_strcasecmp(value[1].data, (u_char *) "on") == 0;

    if (!*flag && ngx_strcasecmp(value[1].data, (u_char *) "off") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V %V\" is unknown; write on or off",
                           &cmd->name, &value[1]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* order_limit contact 5/1h; or order_limit ip 20/1m review; */

char *
ngx_faka_shop_order_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    u_char                  *text;
    ngx_str_t               *value;
    ngx_uint_t               i;
    ngx_faka_order_limit_t  *limit, parsed;

    value = cf->args->elts;
    ngx_memzero(&parsed, sizeof(ngx_faka_order_limit_t));
    parsed.rate = FK_RATE_COUNT;

    for (i = 0; i < sizeof(ngx_faka_order_limit_rates)
                    / sizeof(ngx_faka_order_limit_rates[0]); i++)
    {
        if (ngx_strcmp(value[1].data,
                       fk_rate_word[ngx_faka_order_limit_rates[i]])
            == 0)
        {
            parsed.rate = ngx_faka_order_limit_rates[i];
        }
    }

    if (parsed.rate == FK_RATE_COUNT) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"order_limit %V\" is unknown; write contact, ip, "
                           "agent or sku", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_faka_order_limit_parse(&value[2], &parsed) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"order_limit ... %V\" is no number of orders in "
                           "a time; write it like 5/1m, 5/1h or 5/1d",
                           &value[2]);
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 4) {
        if (ngx_strcmp(value[3].data, "review") != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is unknown; write review, or nothing "
                               "to refuse", &value[3]);
            return NGX_CONF_ERROR;
        }

        parsed.review = 1;
    }

    if (ngx_faka_risk_room(cf, cmd, &fmcf->shop->order_limits,
                           sizeof(ngx_faka_order_limit_t), 1,
                           NGX_FAKA_ORDER_LIMITS_MAX)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    parsed.text.len = sizeof("order_limit  ") - 1 + value[1].len
                      + value[2].len;
    text = ngx_pnalloc(cf->pool, parsed.text.len);
    limit = ngx_array_push(&fmcf->shop->order_limits);

    if (text == NULL || limit == NULL) {
        return NGX_CONF_ERROR;
    }

    (void) ngx_sprintf(text, "order_limit %V %V", &value[1], &value[2]);
    parsed.text.data = text;
    *limit = parsed;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_faka_order_limit_parse(const ngx_str_t *text,
    ngx_faka_order_limit_t *limit)
{
    u_char      *slash;
    ngx_int_t    max;
    ngx_uint_t   span;

    slash = ngx_strlchr(text->data, text->data + text->len, '/');
    if (slash == NULL) {
        return NGX_ERROR;
    }

    max = ngx_atoi(text->data, slash - text->data);

    if (max < 1 || max > NGX_FAKA_ORDER_LIMIT_MAX) {
        return NGX_ERROR;
    }

    limit->max = (uint32_t) max;

    for (span = 0; span < FK_SPAN_COUNT; span++) {
        if (ngx_strcmp(slash + 1, ngx_faka_order_limit_spans[span]) == 0) {
            limit->span = (fk_span_t) span;
            return NGX_OK;
        }
    }

    return NGX_ERROR;
}


char *
ngx_faka_shop_block_network(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_int_t    rc;
    ngx_str_t   *value;
    ngx_uint_t   i;
    ngx_cidr_t  *cidr;

    value = cf->args->elts;

    if (ngx_faka_risk_room(cf, cmd, &fmcf->shop->block_networks,
                           sizeof(ngx_cidr_t), cf->args->nelts - 1,
                           NGX_FAKA_BLOCK_NETWORKS_MAX)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        cidr = ngx_array_push(&fmcf->shop->block_networks);
        if (cidr == NULL) {
            return NGX_CONF_ERROR;
        }

        rc = ngx_ptocidr(&value[i], cidr);

        if (rc == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"block_network %V\" is no network; write it "
                               "like 192.0.2.0/24 or 2001:db8::/32",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        if (rc == NGX_DONE) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "the low bits of \"block_network %V\" mean "
                               "nothing", &value[i]);
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_faka_shop_block_domain(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t   *value, *domain;
    ngx_uint_t   i;

    value = cf->args->elts;

    if (ngx_faka_risk_room(cf, cmd, &fmcf->shop->block_domains,
                           sizeof(ngx_str_t), cf->args->nelts - 1,
                           NGX_FAKA_BLOCK_DOMAINS_MAX)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (value[i].len > NGX_FAKA_DOMAIN_SIZE_MAX
            || !pay_is_plain_id(pay_str(value[i].data, value[i].len),
                                NGX_FAKA_DOMAIN_SIZE_MAX, ".")
            || value[i].data[0] == '.')
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"block_domain %V\" is no domain; write it "
                               "like mail.example, which means all below it, "
                               "too", &value[i]);
            return NGX_CONF_ERROR;
        }

        domain = ngx_array_push(&fmcf->shop->block_domains);
        if (domain == NULL) {
            return NGX_CONF_ERROR;
        }

        *domain = value[i];
        ngx_strlow(domain->data, domain->data, domain->len);

        /* As contacts are compared: the root's dot is none of a name. */
        while (domain->data[domain->len - 1] == '.') {
            domain->len--;
        }
    }

    return NGX_CONF_OK;
}


/* For so many more; the array is made with the first of them. */

static ngx_int_t
ngx_faka_risk_room(ngx_conf_t *cf, ngx_command_t *cmd, ngx_array_t *array,
    size_t size, ngx_uint_t more, ngx_uint_t max)
{
    if (array->elts == NULL
        && ngx_array_init(array, cf->pool, 4, size) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (array->nelts + more > max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %ui of \"%V\"", max, &cmd->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}

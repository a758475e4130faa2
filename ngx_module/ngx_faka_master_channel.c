/*
 * The channel block: a payment protocol with an operator's account.
 *
 * What a protocol needs, its own check() knows; here only the directives are
 * read, and the check is asked when the block ends.
 */


#include "ngx_faka_master.h"


static pay_channel_t *ngx_faka_channel_create(ngx_conf_t *cf,
    ngx_faka_shop_t *shop, const ngx_str_t *name, const ngx_str_t *protocol);
static ngx_int_t ngx_faka_channel_complete(ngx_conf_t *cf,
    ngx_faka_main_conf_t *fmcf);
static ngx_int_t ngx_faka_channel_key(ngx_conf_t *cf, ngx_str_t *path,
    pay_str_t *key);


static const ngx_faka_required_t  ngx_faka_channel_required[] = {
    { NGX_FAKA_CHANNEL_URL,      "url",      "url https://pay.example/;" },
    { NGX_FAKA_CHANNEL_PID,      "pid",      "pid 1000;" },
    { NGX_FAKA_CHANNEL_KEY_FILE, "key_file", "key_file secrets/epay.key;" },
    { 0, NULL, NULL }
};


char *
ngx_faka_channel_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    char        *rv;
    ngx_str_t   *value;
    ngx_conf_t   save;

    value = cf->args->elts;

    fmcf->channel = ngx_faka_channel_create(cf, fmcf->shop, &value[1],
                                            &value[2]);
    if (fmcf->channel == NULL) {
        return NGX_CONF_ERROR;
    }

    fmcf->channel_given = 0;

    save = *cf;
    cf->cmd_type = NGX_FAKA_CHANNEL_CONF;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    if (rv == NGX_CONF_OK && ngx_faka_channel_complete(cf, fmcf) != NGX_OK) {
        rv = NGX_CONF_ERROR;
    }

    fmcf->channel = NULL;

    return rv;
}


static pay_channel_t *
ngx_faka_channel_create(ngx_conf_t *cf, ngx_faka_shop_t *shop,
    const ngx_str_t *name, const ngx_str_t *protocol)
{
    pay_str_t       own;
    ngx_uint_t      i;
    pay_channel_t  *channel;

    own = pay_str(name->data, name->len);
    channel = shop->channels.elts;

    for (i = 0; i < shop->channels.nelts; i++) {

        if (pay_str_eq(channel[i].name, own)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "there is a channel \"%V\" in this shop "
                               "already; give each a name of its own", name);
            return NULL;
        }
    }

    if (shop->channels.nelts == NGX_FAKA_CHANNELS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a shop has at most %d channels",
                           NGX_FAKA_CHANNELS_MAX);
        return NULL;
    }

    channel = ngx_array_push(&shop->channels);
    if (channel == NULL) {
        return NULL;
    }

    ngx_memzero(channel, sizeof(pay_channel_t));

    channel->name = own;
    channel->protocol = pay_protocol_find(pay_str(protocol->data,
                                                  protocol->len));
    ngx_memcpy(channel->currency, "CNY", sizeof("CNY"));

    if (channel->protocol == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "channel \"%V\" has the unknown protocol \"%V\"; "
                           "known: %s", name, protocol, pay_protocol_names());
        return NULL;
    }

    return channel;
}


static ngx_int_t
ngx_faka_channel_complete(ngx_conf_t *cf, ngx_faka_main_conf_t *fmcf)
{
    char            err[NGX_FAKA_ERROR_SIZE];
    ngx_str_t       name;
    pay_channel_t  *channel;

    channel = fmcf->channel;
    name.data = (u_char *) channel->name.data;
    name.len = channel->name.size;

    if (ngx_faka_conf_required(cf, "channel", &name,
                               ngx_faka_channel_required, fmcf->channel_given)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!pay_channel_check(channel, err, sizeof(err))) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "channel \"%V\": %s", &name,
                           err);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* url, pid, type: kept as they are, checked at the end of the block. */

char *
ngx_faka_channel_text(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    pay_str_t   *text;
    ngx_str_t   *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->channel_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    switch (cmd->offset) {

    case NGX_FAKA_CHANNEL_URL:
        text = &fmcf->channel->url;
        break;

    case NGX_FAKA_CHANNEL_PID:
        text = &fmcf->channel->pid;
        break;

    default: /* NGX_FAKA_CHANNEL_TYPE */
        text = &fmcf->channel->type;
        break;
    }

    value = cf->args->elts;
    *text = pay_str(value[1].data, value[1].len);

    return NGX_CONF_OK;
}


char *
ngx_faka_channel_key_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->channel_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_faka_channel_key(cf, &value[1], &fmcf->channel->key) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 3
        && ngx_faka_channel_key(cf, &value[2], &fmcf->channel->key_previous)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_faka_channel_key(ngx_conf_t *cf, ngx_str_t *path, pay_str_t *key)
{
    char       err[NGX_FAKA_ERROR_SIZE];
    ngx_str_t  content;

    if (ngx_faka_secret_read(cf, path, &content) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!pay_secret_parse(pay_str(content.data, content.len), key, err,
                          sizeof(err)))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"key_file %V\": %s", path,
                           err);
        return NGX_ERROR;
    }

    return NGX_OK;
}


char *
ngx_faka_channel_currency(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    pay_str_t   currency;
    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->channel_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    currency = pay_str(value[1].data, value[1].len);

    if (currency.size != PAY_CURRENCY_SIZE
        || pay_currency_exponent(currency) == -1)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"currency %V\" is unknown; write an ISO 4217 "
                           "code like CNY", &value[1]);
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(fmcf->channel->currency, currency.data, PAY_CURRENCY_SIZE);

    return NGX_CONF_OK;
}


char *
ngx_faka_channel_method(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->channel_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "get") == 0) {
        fmcf->channel->allow_post = false;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "get_post") == 0) {
        fmcf->channel->allow_post = true;
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"notify_method %V\" is unknown; write get or "
                       "get_post", &value[1]);

    return NGX_CONF_ERROR;
}

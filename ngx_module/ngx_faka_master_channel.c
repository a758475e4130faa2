/*
 * The channel block: a payment protocol with an operator's account.
 *
 * What a protocol needs, its own check() knows; here only the directives are
 * read, and the check is asked when the block ends.
 */


#include "ngx_faka_master.h"

#include "custom.h"
#include "pay/utf8.h"


#define NGX_FAKA_LABEL_LENGTH_MAX  64


static pay_channel_t *ngx_faka_channel_create(ngx_conf_t *cf,
    ngx_faka_shop_t *shop, const ngx_str_t *name, const ngx_str_t *protocol);
static pay_channel_t *ngx_faka_channel_named(const ngx_faka_shop_t *shop,
    pay_str_t name);
static const char *ngx_faka_channel_backup_fault(const ngx_faka_shop_t *shop,
    const pay_channel_t *channel);
static ngx_int_t ngx_faka_channel_complete(ngx_conf_t *cf,
    ngx_faka_main_conf_t *fmcf);
static ngx_uint_t ngx_faka_channel_words(ngx_conf_t *cf,
    const char *words[PAY_CUSTOM_ARGS_MAX]);


/* Directives that are kept as they are, and checked at the end of a block; by
 * pay_setting_e. */

static const size_t  ngx_faka_channel_texts[PAY_SETTING_COUNT] = {
    [PAY_SETTING_URL] = offsetof(pay_channel_t, url),
    [PAY_SETTING_PID] = offsetof(pay_channel_t, pid),
    [PAY_SETTING_APP_ID] = offsetof(pay_channel_t, app_id),
    [PAY_SETTING_SELLER_ID] = offsetof(pay_channel_t, seller_id),
    [PAY_SETTING_MCHID] = offsetof(pay_channel_t, mchid),
    [PAY_SETTING_SERIAL] = offsetof(pay_channel_t, serial),
    [PAY_SETTING_PUBLIC_KEY_ID] = offsetof(pay_channel_t, public_key_id),
    [PAY_SETTING_APP_CERTIFICATE] = offsetof(pay_channel_t,
                                             app_certificate),
    [PAY_SETTING_ROOT_CERTIFICATE] = offsetof(pay_channel_t,
                                              root_certificate),
    [PAY_SETTING_TYPE] = offsetof(pay_channel_t, type),
    [PAY_SETTING_BACKUP] = offsetof(pay_channel_t, backup)
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
    pay_channel_t  *channel;

    own = pay_str(name->data, name->len);

    if (ngx_faka_channel_named(shop, own) != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "there is a channel \"%V\" in this shop already; "
                           "give each a name of its own", name);
        return NULL;
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
    channel->label = own;
    channel->protocol = pay_protocol_find(pay_str(protocol->data,
                                                  protocol->len));
    ngx_memcpy(channel->currency, "CNY", sizeof("CNY"));

    if (channel->protocol == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "channel \"%V\" has the unknown protocol \"%V\"; "
                           "known: %s", name, protocol, pay_protocol_names());
        return NULL;
    }

    if (channel->protocol->url != NULL) {
        channel->url = pay_str(channel->protocol->url,
                               ngx_strlen(channel->protocol->url));
    }

    return channel;
}


static pay_channel_t *
ngx_faka_channel_named(const ngx_faka_shop_t *shop, pay_str_t name)
{
    ngx_uint_t      i;
    pay_channel_t  *channel;

    channel = shop->channels.elts;

    for (i = 0; i < shop->channels.nelts; i++) {
        if (pay_str_eq(channel[i].name, name)) {
            return &channel[i];
        }
    }

    return NULL;
}


ngx_int_t
ngx_faka_channel_backups(ngx_conf_t *cf, const ngx_faka_shop_t *shop)
{
    ngx_str_t             name, of;
    ngx_uint_t            i;
    const char           *fault;
    const pay_channel_t  *channel;

    channel = shop->channels.elts;

    for (i = 0; i < shop->channels.nelts; i++) {
        fault = ngx_faka_channel_backup_fault(shop, &channel[i]);

        if (fault == NULL) {
            continue;
        }

        name.data = (u_char *) channel[i].name.data;
        name.len = channel[i].name.size;
        of.data = (u_char *) channel[i].backup.data;
        of.len = channel[i].backup.size;

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "channel \"%V\" is the backup of \"%V\", %s",
                           &name, &of, fault);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* NULL: there is none.  An empty name has data, too. */

static const char *
ngx_faka_channel_backup_fault(const ngx_faka_shop_t *shop,
    const pay_channel_t *channel)
{
    const pay_channel_t  *of, *other;

    if (channel->backup.data == NULL) {
        return NULL;
    }

    of = ngx_faka_channel_named(shop, channel->backup);

    if (of == NULL) {
        return "which is no channel of this shop; write the name of one";
    }

    if (of == channel) {
        return "which is itself; write the name of another one";
    }

    if (of->protocol->behind != PAY_BEHIND_GATEWAY) {
        return "which has no gateway that could fail; take the line out";
    }

    if (ngx_memcmp(of->currency, channel->currency, PAY_CURRENCY_SIZE) != 0) {
        return "which takes another currency; write one that takes the same";
    }

    if (of->backup.data != NULL) {
        return "which is a backup itself; write one that buyers choose";
    }

    for (other = shop->channels.elts; other != channel; other++) {
        if (pay_str_eq(other->backup, channel->backup)) {
            return "which has one already; keep one of them";
        }
    }

    return NULL;
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

    if (!pay_settings_check(channel->protocol, fmcf->channel_given, err,
                            sizeof(err)))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "channel \"%V\" %s", &name,
                           err);
        return NGX_ERROR;
    }

    if ((channel->protocol->load != NULL
         && !channel->protocol->load(channel, ngx_time(), err, sizeof(err)))
        || !pay_channel_check(channel, err, sizeof(err)))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "channel \"%V\": %s", &name,
                           err);
        return NGX_ERROR;
    }

    return NGX_OK;
}


char *
ngx_faka_channel_text(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->channel_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    *ngx_faka_channel_text_of(fmcf->channel, cmd->offset)
        = pay_str(value[1].data, value[1].len);

    return NGX_CONF_OK;
}


pay_str_t *
ngx_faka_channel_text_of(pay_channel_t *channel, ngx_uint_t setting)
{
    ngx_faka_assert(ngx_faka_channel_texts[setting] != 0);

    return (pay_str_t *) ((u_char *) channel
                          + ngx_faka_channel_texts[setting]);
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


char *
ngx_faka_channel_label(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    size_t      length;
    pay_str_t   label;
    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->channel_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    label = pay_str(value[1].data, value[1].len);

    if (!pay_utf8_printable(label)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"label\" is no text for buyers; write it in "
                           "UTF-8, without control characters");
        return NGX_CONF_ERROR;
    }

    length = ngx_utf8_length(value[1].data, value[1].len);

    if (length == 0 || length > NGX_FAKA_LABEL_LENGTH_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"label %V\" has %uz characters; write 1 to %d",
                           &value[1], length, NGX_FAKA_LABEL_LENGTH_MAX);
        return NGX_CONF_ERROR;
    }

    fmcf->channel->label = label;

    return NGX_CONF_OK;
}


char *
ngx_faka_channel_hash(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    char         err[NGX_FAKA_ERROR_SIZE];
    ngx_uint_t   count;
    const char  *words[PAY_CUSTOM_ARGS_MAX];

    if (ngx_faka_conf_once(cf, cmd, &fmcf->channel_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    count = ngx_faka_channel_words(cf, words);

    if (!pay_hash_set(&fmcf->channel->hash, words, count, err, sizeof(err))) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"hash %s\": %s", words[0],
                           err);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* Those of a configured protocol; two of them may come again and again. */

char *
ngx_faka_channel_custom(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    char           err[NGX_FAKA_ERROR_SIZE];
    ngx_uint_t     count;
    const char    *words[PAY_CUSTOM_ARGS_MAX];
    pay_custom_t  *custom;

    if (cmd->offset == PAY_SETTING_SEND || cmd->offset == PAY_SETTING_NOTICE) {
        fmcf->channel_given |= (ngx_uint_t) 1 << cmd->offset;

    } else if (ngx_faka_conf_once(cf, cmd, &fmcf->channel_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (fmcf->channel->custom == NULL) {
        custom = ngx_palloc(cf->pool, sizeof(pay_custom_t));
        if (custom == NULL) {
            return NGX_CONF_ERROR;
        }

        pay_custom_init(custom);
        fmcf->custom = custom;
        fmcf->channel->custom = custom;
    }

    count = ngx_faka_channel_words(cf, words);

    if (count == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" names more than %d fields", &cmd->name,
                           PAY_CUSTOM_ARGS_MAX);
        return NGX_CONF_ERROR;
    }

    if (!pay_custom_set(fmcf->custom, cmd->offset, words, count, err,
                        sizeof(err)))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V %s\": %s", &cmd->name,
                           words[0], err);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* The words behind the directive's name; 0: too many. */

static ngx_uint_t
ngx_faka_channel_words(ngx_conf_t *cf, const char *words[PAY_CUSTOM_ARGS_MAX])
{
    ngx_str_t   *value;
    ngx_uint_t   i, count;

    value = cf->args->elts;
    count = cf->args->nelts - 1;

    if (count > PAY_CUSTOM_ARGS_MAX) {
        return 0;
    }

    for (i = 0; i < count; i++) {
        words[i] = (const char *) value[i + 1].data;
    }

    return count;
}

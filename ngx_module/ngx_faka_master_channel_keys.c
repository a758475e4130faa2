/*
 * The keys and certificates of a channel: read when the configuration is, and
 * kept as long as it is.
 */


#include "ngx_faka_master.h"


static ngx_int_t ngx_faka_channel_key(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_str_t *path, pay_str_t *key);
static ngx_int_t ngx_faka_channel_rsa(ngx_conf_t *cf, ngx_str_t *path,
    ngx_faka_secret_mode_t mode, pay_rsa_t **key);
static ngx_int_t ngx_faka_channel_x509(ngx_conf_t *cf, ngx_str_t *path,
    pay_channel_t *channel, ngx_uint_t index);
static void ngx_faka_channel_rsa_destroy(void *data);


char *
ngx_faka_channel_key_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->channel_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_faka_channel_key(cf, cmd, &value[1], &fmcf->channel->key)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 3
        && ngx_faka_channel_key(cf, cmd, &value[2],
                                &fmcf->channel->key_previous)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_faka_channel_api_key_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->channel_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    return ngx_faka_channel_key(cf, cmd, &value[1], &fmcf->channel->api_key)
           == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_int_t
ngx_faka_channel_key(ngx_conf_t *cf, ngx_command_t *cmd, ngx_str_t *path,
    pay_str_t *key)
{
    char       err[NGX_FAKA_ERROR_SIZE];
    ngx_str_t  content;

    if (ngx_faka_secret_read(cf, path, NGX_FAKA_SECRET, &content) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!pay_secret_parse(pay_str(content.data, content.len), key, err,
                          sizeof(err)))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V %V\": %s",
                           &cmd->name, path, err);
        return NGX_ERROR;
    }

    return NGX_OK;
}


char *
ngx_faka_channel_private_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->channel_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    return ngx_faka_channel_rsa(cf, &value[1], NGX_FAKA_SECRET,
                                &fmcf->channel->private_key)
           == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


char *
ngx_faka_channel_public_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->channel_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_faka_channel_rsa(cf, &value[1], NGX_FAKA_PUBLIC,
                             &fmcf->channel->public_key)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 3
        && ngx_faka_channel_rsa(cf, &value[2], NGX_FAKA_PUBLIC,
                                &fmcf->channel->public_key_previous)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_faka_channel_rsa(ngx_conf_t *cf, ngx_str_t *path,
    ngx_faka_secret_mode_t mode, pay_rsa_t **key)
{
    char                 err[NGX_FAKA_ERROR_SIZE];
    pay_str_t            text;
    ngx_str_t            content;
    ngx_pool_cleanup_t  *cln;

    if (ngx_faka_secret_read(cf, path, mode, &content) != NGX_OK) {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    text = pay_str(content.data, content.len);
    *key = mode == NGX_FAKA_SECRET ? pay_rsa_private(text, err, sizeof(err))
                                   : pay_rsa_public(text, err, sizeof(err));

    if (*key == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "the key file \"%V\": %s",
                           path, err);
        return NGX_ERROR;
    }

    cln->handler = ngx_faka_channel_rsa_destroy;
    cln->data = *key;

    return NGX_OK;
}


static void
ngx_faka_channel_rsa_destroy(void *data)
{
    pay_rsa_destroy(data);
}


char *
ngx_faka_channel_certificate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->channel_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_faka_channel_x509(cf, &value[i], fmcf->channel, i - 1)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* A file that is kept as it is, for the protocol's load(). */

char *
ngx_faka_channel_public_text(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value, content;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->channel_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_faka_secret_read(cf, &value[1], NGX_FAKA_PUBLIC, &content)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    *ngx_faka_channel_text_of(fmcf->channel, cmd->offset)
        = pay_str(content.data, content.len);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_faka_channel_x509(ngx_conf_t *cf, ngx_str_t *path,
    pay_channel_t *channel, ngx_uint_t index)
{
    char                 err[NGX_FAKA_ERROR_SIZE];
    pay_str_t            text;
    ngx_str_t            content;
    ngx_pool_cleanup_t  *cln;
    pay_certificate_t   *certificate;

    if (ngx_faka_secret_read(cf, path, NGX_FAKA_PUBLIC, &content) != NGX_OK) {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    text = pay_str(content.data, content.len);
    certificate = &channel->certificates[index];

    /* Who looks at the chain has it behind the certificate. */

    if (channel->protocol->load != NULL) {
        channel->certificate_texts[index] = text;
        text = pay_certificate_first(text);
    }

    if (!pay_rsa_certificate(text, ngx_time(), certificate, err,
                             sizeof(err)))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "the certificate file "
                           "\"%V\": %s", path, err);
        return NGX_ERROR;
    }

    cln->handler = ngx_faka_channel_rsa_destroy;
    cln->data = certificate->key;

    return NGX_OK;
}

/*
 * Gateways: where the channels' urls lead, and who is trusted there.
 *
 * A name is looked up for each call if http{} has a "resolver", else once,
 * here, as proxy_pass does it.  A name that has no address then stops nobody
 * from selling: there is a warning, and calls end with "resolve".  So does a
 * channel that asks nothing and is not looked up at all: its buyers are only
 * sent there.
 *
 * An address, and "localhost", which no resolver is asked for, are known.
 */


#include "ngx_faka_call.h"
#include "ngx_faka_master.h"


#define NGX_FAKA_TRUST_DEFAULT  "/etc/ssl/certs/ca-certificates.crt"
#define NGX_FAKA_TRUST_DEPTH    4


static ngx_int_t ngx_faka_gateways_init(ngx_conf_t *cf,
    ngx_faka_shop_t *shop);
static void ngx_faka_gateway_is_open(ngx_conf_t *cf,
    const ngx_faka_shop_t *shop, const pay_channel_t *channel);
static ngx_int_t ngx_faka_gateway_parse(ngx_conf_t *cf,
    const ngx_faka_shop_t *shop, const pay_channel_t *channel,
    ngx_faka_gateway_t *gateway);
static ngx_uint_t ngx_faka_gateway_is_host(const ngx_str_t *host);
static ngx_int_t ngx_faka_gateway_name(ngx_conf_t *cf, const ngx_url_t *u,
    ngx_faka_gateway_t *gateway);
static ngx_int_t ngx_faka_gateway_own(ngx_conf_t *cf,
    ngx_faka_gateway_t *gateway);
static void ngx_faka_gateway_resolve(ngx_conf_t *cf,
    const ngx_faka_shop_t *shop, const pay_channel_t *channel,
    ngx_faka_gateway_t *gateway);
static ngx_int_t ngx_faka_gateway_trust(ngx_conf_t *cf,
    ngx_faka_shop_t *shop, ngx_uint_t asks);


char *
ngx_faka_shop_trusted_certificate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"gateway_trusted_certificate\" needs a file of "
                           "certificates in PEM");
        return NGX_CONF_ERROR;
    }

    fmcf->shop->gateway_trust = value[1];

    return NGX_CONF_OK;
}


/* "resolver" may stand behind the shop, so all of http{} has been read. */

ngx_int_t
ngx_faka_calls_postconfiguration(ngx_conf_t *cf)
{
    ngx_uint_t                  i;
    ngx_faka_shop_t           **shops;
    ngx_faka_main_conf_t       *fmcf;
    ngx_http_core_loc_conf_t   *clcf;

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_faka_module);
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    shops = fmcf->shops.elts;

    for (i = 0; i < fmcf->shops.nelts; i++) {

        /* nginx makes one without servers where there is none */

        if (clcf->resolver != NULL && clcf->resolver->connections.nelts != 0) {
            shops[i]->resolver = clcf->resolver;
        }

        if (ngx_faka_gateways_init(cf, shops[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_faka_gateways_init(ngx_conf_t *cf, ngx_faka_shop_t *shop)
{
    ngx_uint_t            i, tls, asks;
    pay_channel_t        *channel;
    ngx_faka_gateway_t   *gateway;

    channel = shop->channels.elts;
    gateway = ngx_pcalloc(cf->pool, shop->channels.nelts
                                    * sizeof(ngx_faka_gateway_t));
    if (gateway == NULL) {
        return NGX_ERROR;
    }

    shop->gateways = gateway;
    tls = 0;
    asks = 0;

    for (i = 0; i < shop->channels.nelts; i++) {

        if (!pay_channel_is_private(&channel[i])) {
            ngx_faka_gateway_is_open(cf, shop, &channel[i]);
            continue;
        }

        if (ngx_faka_gateway_parse(cf, shop, &channel[i], &gateway[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (gateway[i].addrs == NULL && shop->resolver == NULL
            && pay_channel_asks(&channel[i]) != 0)
        {
            ngx_faka_gateway_resolve(cf, shop, &channel[i], &gateway[i]);
        }

        tls |= gateway[i].tls;
        asks |= gateway[i].tls && pay_channel_asks(&channel[i]) != 0;
    }

    if (!tls && shop->gateway_trust.len == 0) {
        return NGX_OK;
    }

    return ngx_faka_gateway_trust(cf, shop, asks);
}


/* Buyers are still taken there: whoever does without the rest may do so. */

static void
ngx_faka_gateway_is_open(ngx_conf_t *cf, const ngx_faka_shop_t *shop,
    const pay_channel_t *channel)
{
    if (channel->protocol->asks == 0) {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "faka_shop \"%V\": the url of channel \"%*s\" is neither "
                  "https nor of this machine, so its gateway is never asked: "
                  "no lost notice is found, no refund asked for, in %s:%ui",
                  &shop->name, channel->name.size, channel->name.data,
                  shop->file, shop->line);
}


const ngx_faka_gateway_t *
ngx_faka_call_gateway(const ngx_faka_shop_t *shop,
    const pay_channel_t *channel)
{
    const ngx_faka_gateway_t  *gateway;

    gateway = &shop->gateways[channel - (pay_channel_t *) shop->channels.elts];

    return gateway->host.len != 0 ? gateway : NULL;
}


/* pay_channel_check() has seen to it that the url is plain. */

static ngx_int_t
ngx_faka_gateway_parse(ngx_conf_t *cf, const ngx_faka_shop_t *shop,
    const pay_channel_t *channel, ngx_faka_gateway_t *gateway)
{
    size_t     scheme;
    ngx_url_t  u;

    gateway->tls = ngx_strncmp(channel->url.data, "https:", 6) == 0;
    scheme = gateway->tls ? sizeof("https://") - 1 : sizeof("http://") - 1;

    ngx_memzero(&u, sizeof(ngx_url_t));
    u.url.data = (u_char *) channel->url.data + scheme;
    u.url.len = channel->url.size - scheme;
    u.default_port = gateway->tls ? 443 : 80;
    u.uri_part = 1;
    u.no_resolve = 1;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK
        || (u.naddrs == 0 && !ngx_faka_gateway_is_host(&u.host)))
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "faka_shop \"%V\": the url of channel \"%*s\" has %s "
                      "where its host should be; write it like "
                      "https://pay.example/ or https://pay.example:8443/, "
                      "in %s:%ui", &shop->name, channel->name.size,
                      channel->name.data, u.err ? u.err : "other characters",
                      shop->file, shop->line);
        return NGX_ERROR;
    }

    gateway->port = u.port;
    gateway->path = u.uri;
    gateway->is_address = u.naddrs != 0;
    gateway->addrs = u.addrs;
    gateway->addr_count = u.naddrs;

    if (gateway->path.len == 0) {
        ngx_str_set(&gateway->path, "/");
    }

    if (ngx_faka_gateway_name(cf, &u, gateway) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_strcmp(gateway->host.data, "localhost") == 0) {
        return ngx_faka_gateway_own(cf, gateway);
    }

    return NGX_OK;
}


/* Nothing but a name: no "user@", nothing escaped. */

static ngx_uint_t
ngx_faka_gateway_is_host(const ngx_str_t *host)
{
    return pay_is_plain_id(pay_str(host->data, host->len), 253, ".");
}


static ngx_int_t
ngx_faka_gateway_name(ngx_conf_t *cf, const ngx_url_t *u,
    ngx_faka_gateway_t *gateway)
{
    u_char     *p;
    ngx_str_t   bare;

    bare = u->host;

    if (bare.data[0] == '[') {
        bare.data++;
        bare.len -= 2;
    }

    gateway->host.len = bare.len;
    gateway->host.data = ngx_pnalloc(cf->pool, bare.len + 1);
    p = ngx_pnalloc(cf->pool, u->host.len + sizeof(":65535") - 1);

    if (gateway->host.data == NULL || p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(gateway->host.data, bare.data, bare.len);
    gateway->host.data[bare.len] = '\0';

    gateway->authority.data = p;
    p = ngx_cpymem(p, u->host.data, u->host.len);

    if (u->port != u->default_port) {
        p = ngx_sprintf(p, ":%ui", (ngx_uint_t) u->port);
    }

    gateway->authority.len = p - gateway->authority.data;

    return NGX_OK;
}


static ngx_int_t
ngx_faka_gateway_own(ngx_conf_t *cf, ngx_faka_gateway_t *gateway)
{
    ngx_uint_t  i;
    ngx_url_t   u;

    static ngx_str_t  own[] = { ngx_string("127.0.0.1"),
                                ngx_string("[::1]") };

    gateway->addrs = ngx_palloc(cf->pool, 2 * sizeof(ngx_addr_t));
    if (gateway->addrs == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < 2; i++) {
        ngx_memzero(&u, sizeof(ngx_url_t));
        u.url = own[i];
        u.default_port = gateway->port;
        u.no_resolve = 1;

        if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
            return NGX_ERROR;
        }

        gateway->addrs[i] = u.addrs[0];
    }

    gateway->addr_count = 2;
    gateway->in_order = 1;

    return NGX_OK;
}


static void
ngx_faka_gateway_resolve(ngx_conf_t *cf, const ngx_faka_shop_t *shop,
    const pay_channel_t *channel, ngx_faka_gateway_t *gateway)
{
    ngx_url_t  u;

    ngx_memzero(&u, sizeof(ngx_url_t));
    u.host = gateway->host;
    u.port = gateway->port;

    if (ngx_inet_resolve_host(cf->pool, &u) == NGX_OK) {
        gateway->addrs = u.addrs;
        gateway->addr_count = u.naddrs;
        return;
    }

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "faka_shop \"%V\": \"%V\" has no address, so nothing is "
                  "asked on channel \"%*s\"; add \"resolver\" to http, or "
                  "reload when it has one, in %s:%ui", &shop->name,
                  &gateway->host, channel->name.size, channel->name.data,
                  shop->file, shop->line);
}


/* The usual file need not be there; one that was written must. */

static ngx_int_t
ngx_faka_gateway_trust(ngx_conf_t *cf, ngx_faka_shop_t *shop,
    ngx_uint_t asks)
{
    ngx_str_t            file;
    ngx_uint_t           level;
    ngx_ssl_t           *tls;
    ngx_pool_cleanup_t  *cln;

    file = shop->gateway_trust;

    if (file.len == 0) {
        ngx_str_set(&file, NGX_FAKA_TRUST_DEFAULT);

        if (access((char *) file.data, R_OK) == -1) {
            level = asks ? NGX_LOG_WARN : NGX_LOG_INFO;
            ngx_log_error(level, cf->log, ngx_errno,
                          "faka_shop \"%V\": \"%V\" cannot be read, so no "
                          "gateway is trusted; install ca-certificates, or "
                          "add: gateway_trusted_certificate FILE; in %s:%ui",
                          &shop->name, &file, shop->file, shop->line);
            return NGX_OK;
        }
    }

    tls = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (tls == NULL) {
        return NGX_ERROR;
    }

    tls->log = cf->log;

    if (ngx_ssl_create(tls, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(tls);
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = tls;

    if (ngx_ssl_trusted_certificate(cf, tls, &file, NGX_FAKA_TRUST_DEPTH)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* What was read does not stay in OpenSSL's buffers. */

    SSL_CTX_set_options(tls->ctx,
                        SSL_OP_CLEANSE_PLAINTEXT|SSL_OP_NO_RENEGOTIATION);
    (void) SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);

    shop->gateway_tls = tls;

    return NGX_OK;
}

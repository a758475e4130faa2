/*
 * GET /channels: the ways to pay that buyers choose from, in the order of the
 * configuration; and which channel takes the place of another one.
 *
 * It reads the configuration, and what gateways have answered lately, so it
 * answers whatever state the shop is in: whether an order can be made, the
 * checkout says.
 */


#include "ngx_faka_gateway.h"


/* A channel with a label of usual length. */
#define NGX_FAKA_CHANNEL_JSON_SIZE  128


static ngx_chain_t *ngx_faka_channels_json(ngx_http_request_t *r,
    const ngx_faka_shop_t *shop);
static void ngx_faka_channels_item(ngx_faka_json_t *json,
    ngx_faka_worker_t *worker, const pay_channel_t *channel);
static ngx_uint_t ngx_faka_channel_is_listed(const pay_channel_t *channel);


ngx_int_t
ngx_faka_channels_handler(ngx_http_request_t *r)
{
    ngx_faka_loc_conf_t  *flcf;

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_faka_module);

    if (ngx_faka_ctx_get(r, flcf->shop) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_faka_no_body(r);

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        ngx_faka_send_not_allowed(r, "GET, HEAD");
        return NGX_DONE;
    }

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_channels_json(r, flcf->shop));

    return NGX_DONE;
}


static ngx_chain_t *
ngx_faka_channels_json(ngx_http_request_t *r, const ngx_faka_shop_t *shop)
{
    ngx_uint_t            i;
    ngx_faka_json_t       json;
    const pay_channel_t  *channel;

    channel = shop->channels.elts;

    ngx_faka_json_begin(&json, r->pool,
                        shop->channels.nelts * NGX_FAKA_CHANNEL_JSON_SIZE);
    ngx_faka_json_array(&json, NULL);

    for (i = 0; i < shop->channels.nelts; i++) {
        if (ngx_faka_channel_is_listed(&channel[i])) {
            ngx_faka_channels_item(&json, shop->worker, &channel[i]);
        }
    }

    ngx_faka_json_array_end(&json);

    return ngx_faka_json_end(&json);
}


static void
ngx_faka_channels_item(ngx_faka_json_t *json, ngx_faka_worker_t *worker,
    const pay_channel_t *channel)
{
    ngx_uint_t            available;
    const pay_channel_t  *backup;

    available = 0;

    if (worker != NULL) {
        backup = ngx_faka_channel_backup(worker->shop, channel);
        available = ngx_faka_gate_is_open(worker, channel)
                    || (backup != NULL
                        && ngx_faka_gate_is_open(worker, backup));
    }

    ngx_faka_json_object(json, NULL);
    ngx_faka_json_string(json, "channel", channel->name.data,
                         channel->name.size);
    ngx_faka_json_string(json, "label", channel->label.data,
                         channel->label.size);
    ngx_faka_json_text(json, "currency", channel->currency);
    ngx_faka_json_bool(json, "available", available);
    ngx_faka_json_object_end(json);
}


/* A backup is no way to pay of its own, and what costs nothing, or is paid
 * from an account, has no gateway. */

static ngx_uint_t
ngx_faka_channel_is_listed(const pay_channel_t *channel)
{
    return channel->backup.size == 0
           && channel->protocol->behind == PAY_BEHIND_GATEWAY;
}


const pay_channel_t *
ngx_faka_channel_default(const ngx_faka_shop_t *shop)
{
    ngx_uint_t            i;
    const pay_channel_t  *channel;

    channel = shop->channels.elts;

    for (i = 0; i < shop->channels.nelts; i++) {
        if (ngx_faka_channel_is_listed(&channel[i])) {
            return &channel[i];
        }
    }

    return NULL;
}


/* Whoever names none takes the first.  Where nothing is to be paid, nobody has
 * to know which one is free. */

const pay_channel_t *
ngx_faka_channel_chosen(const ngx_faka_shop_t *shop, const ngx_str_t *name,
    fk_checkout_t *out)
{
    const pay_channel_t  *channel, *nothing;

    nothing = ngx_faka_channel_by(shop, PAY_BEHIND_NOTHING);

    if (nothing != NULL) {
        ngx_memcpy(out->free_channel, nothing->name.data, nothing->name.size);
    }

    if (name->len != 0) {
        return ngx_faka_channel_find(shop, name->data, name->len);
    }

    channel = ngx_faka_channel_default(shop);

    return channel != NULL ? channel : nothing;
}


const pay_channel_t *
ngx_faka_channel_backup(const ngx_faka_shop_t *shop,
    const pay_channel_t *channel)
{
    ngx_uint_t            i;
    const pay_channel_t  *other;

    other = shop->channels.elts;

    for (i = 0; i < shop->channels.nelts; i++) {
        if (pay_str_eq(other[i].backup, channel->name)) {
            return &other[i];
        }
    }

    return NULL;
}


const pay_channel_t *
ngx_faka_channel_answering(ngx_faka_worker_t *worker,
    const pay_channel_t *channel)
{
    const pay_channel_t  *backup;

    backup = ngx_faka_channel_backup(worker->shop, channel);

    return backup != NULL && ngx_faka_gate_is_open(worker, backup)
           && !ngx_faka_gate_try(worker, channel) ? backup : channel;
}

/*
 * What the handlers share about orders: see ngx_faka_order.h.
 *
 * Nothing here changes an order or waits; payment addresses are made anew
 * each time, for they depend on nothing but the order and its channel.
 */

#include "ngx_faka_order.h"


fk_code_t
ngx_faka_may_read(const ngx_faka_shop_t *shop)
{
    if (shop->worker == NULL || !shop->worker->attached) {
        return FK_NOT_OPEN;
    }

    shop->worker->epoch = fk_epoch(&shop->worker->fk);

    return FK_OK;
}


void
ngx_faka_subpath(ngx_http_request_t *r, ngx_str_t *rest)
{
    ngx_str_t                 *prefix;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    prefix = &clcf->name;

    ngx_str_null(rest);

    if (r->uri.len <= prefix->len
        || ngx_memcmp(r->uri.data, prefix->data, prefix->len) != 0)
    {
        return;
    }

    rest->data = r->uri.data + prefix->len;
    rest->len = r->uri.len - prefix->len;

    if (rest->data[0] == '/') {
        rest->data++;
        rest->len--;
    }
}


ngx_uint_t
ngx_faka_subpath_next(ngx_str_t *rest, ngx_str_t *segment)
{
    u_char  *slash;

    *segment = *rest;

    if (rest->data == NULL) {
        return 0;
    }

    slash = ngx_strlchr(rest->data, rest->data + rest->len, '/');

    if (slash == NULL) {
        ngx_str_null(rest);
        return 1;
    }

    segment->len = slash - rest->data;
    rest->len -= segment->len + 1;
    rest->data = slash + 1;

    return 1;
}


const pay_channel_t *
ngx_faka_channel_find(const ngx_faka_shop_t *shop, const void *name,
    size_t size)
{
    ngx_uint_t            i;
    const pay_channel_t  *channel;

    channel = shop->channels.elts;

    for (i = 0; i < shop->channels.nelts; i++) {
        if (pay_str_eq(channel[i].name, pay_str(name, size))) {
            return &channel[i];
        }
    }

    return NULL;
}


const pay_channel_t *
ngx_faka_channel_by(const ngx_faka_shop_t *shop, pay_behind_e by)
{
    ngx_uint_t            i;
    const pay_channel_t  *channel;

    channel = shop->channels.elts;

    for (i = 0; i < shop->channels.nelts; i++) {
        if (channel[i].protocol->behind == by) {
            return &channel[i];
        }
    }

    return NULL;
}


ngx_int_t
ngx_faka_order_name(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    const fk_order_id_t *id)
{
    char  *text;

    text = ngx_pnalloc(r->pool, FK_ORDER_TEXT_SIZE);
    if (text == NULL) {
        return NGX_ERROR;
    }

    fk_order_id_text(id, text);

    ctx->order_text.data = (u_char *) text;
    ctx->order_text.len = FK_ORDER_TEXT_SIZE;

    return NGX_OK;
}


ngx_uint_t
ngx_faka_pay_urls(const ngx_faka_shop_t *shop, const pay_channel_t *channel,
    pay_str_t order_no, u_char urls[2 * PAY_BASE_URL_SIZE_MAX],
    pay_str_t *notify_url, pay_str_t *return_url)
{
    u_char  *p, *last;

    last = urls + 2 * PAY_BASE_URL_SIZE_MAX;

    p = ngx_slprintf(urls, last, "%V/notify/%*s", &shop->public_url,
                     channel->name.size, channel->name.data);
    *notify_url = pay_str(urls, p - urls);

    return_url->data = p;
    p = ngx_slprintf(p, last, "%V/return/%*s", &shop->public_url,
                     order_no.size, order_no.data);
    return_url->size = p - return_url->data;

    return p != last;
}


pay_start_code_e
ngx_faka_pay_url(ngx_http_request_t *r, const ngx_faka_shop_t *shop,
    const fk_order_view_t *order, ngx_str_t *url)
{
    char                  text[FK_ORDER_TEXT_SIZE];
    char                  out[PAY_START_URL_SIZE_MAX];
    size_t                size;
    pay_start_t           start;
    const pay_channel_t  *channel;
    pay_start_code_e      code;
    u_char                urls[2 * PAY_BASE_URL_SIZE_MAX];

    channel = ngx_faka_channel_find(shop, order->channel,
                                    ngx_strlen(order->channel));
    if (channel == NULL || channel->protocol->behind != PAY_BEHIND_GATEWAY) {
        return PAY_START_CURRENCY;
    }

    fk_order_id_text(&order->id, text);

    start.order_no = pay_str(text, FK_ORDER_TEXT_SIZE);
    start.amount = order->amount;
    ngx_memcpy(start.currency, order->currency, FK_CURRENCY_SIZE);
    start.now_s = ngx_time();
    start.expires_s = order->expires_s;

    if (!ngx_faka_pay_urls(shop, channel, start.order_no, urls,
                           &start.notify_url, &start.return_url))
    {
        return PAY_START_ROOM;
    }

    code = channel->protocol->start(shop->worker->crypto, channel, &start,
                                    out, sizeof(out), &size);
    if (code != PAY_START_OK) {
        return code;
    }

    url->data = ngx_pnalloc(r->pool, size);
    if (url->data == NULL) {
        return PAY_START_INTERNAL;
    }

    ngx_memcpy(url->data, out, size);
    url->len = size;

    return PAY_START_OK;
}


void
ngx_faka_json_time(ngx_faka_json_t *json, const char *key, uint32_t at_s)
{
    if (at_s == 0) {
        ngx_faka_json_null(json, key);

    } else {
        ngx_faka_json_integer(json, key, at_s);
    }
}


void
ngx_faka_json_pay(ngx_faka_json_t *json, const ngx_faka_way_t *way)
{
    ngx_faka_json_object(json, "pay");
    ngx_faka_json_text(json, "method", way->method);

    if (way->url.len != 0) {
        ngx_faka_json_string(json, "url", way->url.data, way->url.len);

    } else {
        ngx_faka_json_null(json, "url");
    }

    ngx_faka_json_object_end(json);
}


void
ngx_faka_order_members(ngx_faka_json_t *json, const fk_order_view_t *order)
{
    char  text[FK_ORDER_TEXT_SIZE];

    fk_order_id_text(&order->id, text);

    ngx_faka_json_string(json, "order", text, sizeof(text));
    ngx_faka_json_text(json, "status", fk_status_word[order->status]);
    ngx_faka_json_text(json, "sku", order->sku);
    ngx_faka_json_text(json, "name", order->name);
    ngx_faka_json_integer(json, "qty", order->qty);
    ngx_faka_json_integer(json, "amount", order->amount);
    ngx_faka_json_text(json, "currency", order->currency);
    ngx_faka_json_integer(json, "created_at", order->created_ms / 1000);
    ngx_faka_json_time(json, "expires_at",
                       order->status == FK_STATUS_AWAITING_PAYMENT
                           ? order->expires_s : 0);
    ngx_faka_json_time(json, "paid_at", order->paid_s);
    ngx_faka_json_text(json, "channel", order->channel);
    ngx_faka_json_string(json, "contact", order->contact,
                         order->contact_size);
}

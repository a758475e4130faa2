/*
 * What the handlers of checkout, orders, notices and the admin share about
 * orders: names, channels, the payment address and the JSON of an order.
 *
 * For workers, inside a request.
 */

#ifndef NGX_FAKA_ORDER_H_INCLUDED_
#define NGX_FAKA_ORDER_H_INCLUDED_


#include "ngx_faka.h"
#include "ngx_faka_json.h"


#define NGX_FAKA_ARRAY_COUNT(a)  (sizeof(a) / sizeof((a)[0]))

/* More than enough for an order without its cards. */
#define NGX_FAKA_ORDER_JSON_SIZE  1024


static ngx_inline fk_str_t
ngx_faka_fk_str(const ngx_str_t *text)
{
    return (fk_str_t) { text->data, text->len };
}


static ngx_inline pay_str_t
ngx_faka_pay_str(const ngx_str_t *text)
{
    return pay_str(text->data, text->len);
}


/*
 * May the region be read at all?  FK_OK, or FK_NOT_OPEN while this worker
 * has not attached to it.  What state the shop is in, the engine answers.
 * This, or ngx_faka_may_write(), comes before ngx_faka_wait_durable().
 */
fk_code_t ngx_faka_may_read(const ngx_faka_shop_t *shop);

/*
 * The path behind the prefix of the location, without a slash at its start:
 * "ID/cancel" for /orders/ID/cancel in "location /orders/".  It is empty in
 * an exact or regular expression location.
 */
void ngx_faka_subpath(ngx_http_request_t *r, ngx_str_t *rest);

/* Cuts the text up to the next slash off rest; 0: rest was empty. */
ngx_uint_t ngx_faka_subpath_next(ngx_str_t *rest, ngx_str_t *segment);

/* The channel of exactly this name, or NULL. */
const pay_channel_t *ngx_faka_channel_find(const ngx_faka_shop_t *shop,
    const void *name, size_t size);

/* The first channel that has this behind it, or NULL. */
const pay_channel_t *ngx_faka_channel_by(const ngx_faka_shop_t *shop,
    pay_behind_e by);

/*
 * ngx_faka_worker_channels.c: the channel of whoever names none; and the one
 * that stands in for this one while its gateway does not answer, NULL: none.
 */
const pay_channel_t *ngx_faka_channel_default(const ngx_faka_shop_t *shop);
const pay_channel_t *ngx_faka_channel_backup(const ngx_faka_shop_t *shop,
    const pay_channel_t *channel);

/*
 * ngx_faka_worker_buyer.c: the form in which contacts are compared, 1 byte at
 * least, which may stand in form; and the domain of such a form, of an e-mail
 * address, size 0: none.  A contact has at most FK_CONTACT_SIZE_MAX bytes.
 */
fk_str_t ngx_faka_contact(fk_str_t contact,
    u_char form[FK_CONTACT_SIZE_MAX]);
fk_str_t ngx_faka_contact_domain(fk_str_t form);

/* Fills in who buys in a checkout, whose sku and coupon are there, and of the
 * buyer only what is not; form: of the contact; limited: 1, the product has a
 * limit.  FK_LOCK_TIMEOUT: not now. */
fk_code_t ngx_faka_buyer_digests(ngx_faka_worker_t *w, fk_str_t form,
    ngx_uint_t limited, fk_checkout_t *out);
/* The digest of the buyer alone. */
fk_code_t ngx_faka_buyer_key(ngx_faka_worker_t *w, fk_str_t form,
    uint8_t out[FK_TALLY_KEY_SIZE]);

/*
 * ngx_faka_worker_idem.c: the request's Idempotency-Key, empty if there is
 * none; FK_INVALID with *error.  Then, with out's content complete, the order
 * that was made by it: FK_EXISTS, FK_IDEM_MISMATCH; FK_OK: go on; any 503.
 * channel: the one that was chosen, whichever stands in for it by now.
 */
fk_code_t ngx_faka_idem_key(ngx_http_request_t *r, ngx_str_t *key,
    ngx_faka_field_error_t *error);
fk_code_t ngx_faka_idem_repeat(ngx_faka_shop_t *shop, const ngx_str_t *key,
    pay_str_t channel, fk_checkout_t *out, fk_order_view_t *order);

/* Keeps the order's id for the log variables.  NGX_ERROR: no memory. */
ngx_int_t ngx_faka_order_name(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    const fk_order_id_t *id);

/* The addresses to which a gateway sends its notices, and the buyer: in urls.
 * 0: too long. */
ngx_uint_t ngx_faka_pay_urls(const ngx_faka_shop_t *shop,
    const pay_channel_t *channel, pay_str_t order_no,
    u_char urls[2 * PAY_BASE_URL_SIZE_MAX], pay_str_t *notify_url,
    pay_str_t *return_url);

/*
 * The address where this order is paid, of the pool.  PAY_START_INTERNAL is
 * also the answer when memory runs out; its channel may be gone from the
 * configuration by now, or have no gateway any more, which is
 * PAY_START_CURRENCY: nobody takes the money.
 * PAY_START_ASK: ngx_faka_pay_find() knows, or asks.
 */
pay_start_code_e ngx_faka_pay_url(ngx_http_request_t *r,
    const ngx_faka_shop_t *shop, const fk_order_view_t *order,
    ngx_str_t *url);

/*
 * The members of a product that its buyers see.  price: for buyers what one
 * unit costs now, for the operator the product's.  on_sale: for buyers whether
 * it can be bought now, for the operator what the switch says.
 */
void ngx_faka_product_members(ngx_faka_json_t *json,
    const fk_product_view_t *product, int64_t price, ngx_uint_t on_sale);

/* The members of an order from "order" to "contact"; no cards. */
void ngx_faka_order_members(ngx_faka_json_t *json,
    const fk_order_view_t *order);

/* "key": seconds, or null for 0. */
void ngx_faka_json_time(ngx_faka_json_t *json, const char *key,
    uint32_t at_s);

/* "pay": the way to pay. */
void ngx_faka_json_pay(ngx_faka_json_t *json, const ngx_faka_way_t *way);


#endif /* NGX_FAKA_ORDER_H_INCLUDED_ */

/*
 * The Idempotency-Key of a checkout: the same key and content find the same
 * order, also across a rotation of the key file and while the journal is down.
 *
 * The client's key and content are kept as keyed digests only.
 */

#include "ngx_faka_order.h"


#define NGX_FAKA_IDEM_KEY_SIZE_MIN   16
#define NGX_FAKA_IDEM_KEY_SIZE_MAX   64

/* Of what is digested: names, separators, values. */
#define NGX_FAKA_IDEM_PARTS_PLAIN    7
#define NGX_FAKA_IDEM_PARTS_TERMS    11
#define NGX_FAKA_IDEM_PARTS          13


static fk_code_t ngx_faka_idem_digest(ngx_faka_worker_t *w,
    pay_key_age_e age, const ngx_str_t *key, pay_str_t channel,
    fk_checkout_t *out);


fk_code_t
ngx_faka_idem_key(ngx_http_request_t *r, ngx_str_t *key,
    ngx_faka_field_error_t *error)
{
    size_t     i;
    ngx_int_t  rc;

    rc = ngx_faka_header(r, "Idempotency-Key", key);
    if (rc == NGX_DECLINED) {
        ngx_str_null(key);
        return FK_OK;
    }

    error->field = "Idempotency-Key";

    if (rc != NGX_OK) {
        error->detail = "this header may be given once";
        return FK_INVALID;
    }

    /* Who knows the key gets the order's token: short keys are guessed. */

    error->detail = "must be 16 to 64 visible ASCII characters that nobody"
                    " can guess, a random UUID for example";

    if (key->len < NGX_FAKA_IDEM_KEY_SIZE_MIN
        || key->len > NGX_FAKA_IDEM_KEY_SIZE_MAX)
    {
        return FK_INVALID;
    }

    for (i = 0; i < key->len; i++) {
        if (key->data[i] <= ' ' || key->data[i] >= 0x7f) {
            return FK_INVALID;
        }
    }

    error->field = NULL;
    error->detail = NULL;

    return FK_OK;
}


/*
 * Is there an order by this key?  FK_OK: go on with the digests in *out; the
 * transaction looks for the current ones once more.  So they are asked for
 * here only if nothing may be written now, and those of the key before, under
 * which an older order is filed, in a rotation.
 */

fk_code_t
ngx_faka_idem_repeat(ngx_faka_shop_t *shop, const ngx_str_t *key,
    pay_str_t channel, fk_checkout_t *out, fk_order_view_t *order)
{
    fk_code_t           code, may_write;
    ngx_faka_worker_t  *w;

    w = shop->worker;

    if (pay_vault_has_previous(w->vault)) {

        code = ngx_faka_idem_digest(w, PAY_KEY_PREVIOUS, key, channel,
                                    out);
        if (code != FK_OK) {
            return code;
        }

        code = fk_order_by_idem(&w->fk, out->idem, out->body, order);
        if (code != FK_NOT_FOUND) {
            return code == FK_OK ? FK_EXISTS : code;
        }
    }

    code = ngx_faka_idem_digest(w, PAY_KEY_CURRENT, key, channel, out);
    if (code != FK_OK) {
        return code;
    }

    out->has_idem = 1;

    may_write = ngx_faka_may_write(shop);
    if (may_write == FK_OK) {
        return FK_OK;
    }

    code = fk_order_by_idem(&w->fk, out->idem, out->body, order);
    if (code == FK_NOT_FOUND) {
        return may_write;
    }

    return code == FK_OK ? FK_EXISTS : code;
}


/* The content is digested as it was understood: JSON or form, spaces and the
 * order of members do not count. */

static fk_code_t
ngx_faka_idem_digest(ngx_faka_worker_t *w, pay_key_age_e age,
    const ngx_str_t *key, pay_str_t channel, fk_checkout_t *out)
{
    size_t     parts;
    u_char     digest[PAY_SHA256_SIZE], qty;
    pay_str_t  key_part[2], body_part[NGX_FAKA_IDEM_PARTS];

    _Static_assert(FK_QTY_MAX < 256, "a quantity is one byte of the digest");

    key_part[0] = PAY_STR("key");
    key_part[1] = ngx_faka_pay_str(key);

    if (!pay_idempotency_tag(w->vault, age, key_part, 2, digest)) {
        return FK_LOCK_TIMEOUT;
    }

    ngx_memcpy(out->idem, digest, FK_IDEM_SIZE);

    /* No part but the last can hold a NUL. */

    qty = (u_char) out->qty;

    parts = NGX_FAKA_IDEM_PARTS_PLAIN;
    body_part[0] = PAY_STR("body");
    body_part[1] = pay_str(&qty, 1);
    body_part[2] = pay_str(out->sku.data, out->sku.size);
    body_part[3] = PAY_STR("\0");
    body_part[4] = channel;
    body_part[5] = PAY_STR("\0");
    body_part[6] = pay_str(out->contact.data, out->contact.size);

    /* A content of its own kind: what was filed without it is found again. */
    if (out->coupon.size != 0 || out->agent.size != 0) {
        body_part[0] = PAY_STR("body with terms");
        body_part[6] = pay_str(out->coupon.data, out->coupon.size);
        body_part[7] = PAY_STR("\0");
        body_part[8] = pay_str(out->agent.data, out->agent.size);
        body_part[9] = PAY_STR("\0");
        body_part[10] = pay_str(out->contact.data, out->contact.size);
        parts = NGX_FAKA_IDEM_PARTS_TERMS;
    }

    if (out->payer.size != 0) {
        body_part[0] = PAY_STR("body with terms and payer");
        body_part[6] = pay_str(out->coupon.data, out->coupon.size);
        body_part[7] = PAY_STR("\0");
        body_part[8] = pay_str(out->agent.data, out->agent.size);
        body_part[9] = PAY_STR("\0");
        body_part[10] = pay_str(out->payer.data, out->payer.size);
        body_part[11] = PAY_STR("\0");
        body_part[12] = pay_str(out->contact.data, out->contact.size);
        parts = NGX_FAKA_IDEM_PARTS;
    }

    if (!pay_idempotency_tag(w->vault, age, body_part, parts, digest)) {
        return FK_LOCK_TIMEOUT;
    }

    ngx_memcpy(out->body, digest, sizeof(out->body));

    return FK_OK;
}

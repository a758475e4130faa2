/*
 * Who a buyer is to the engine: digests of the contact, alone, with the
 * product and with the coupon.
 *
 * They hang on no key: a rotation of key_file must not make every buyer a new
 * one.  They hide nothing, either: the contact stands in each order.  The same
 * contact in other letters is the same buyer; more is not known of it.
 */

#include "ngx_faka_order.h"


static fk_code_t ngx_faka_buyer_digest(ngx_faka_worker_t *w,
    const char *kind, pay_str_t what, pay_str_t who,
    uint8_t out[FK_TALLY_KEY_SIZE]);


fk_code_t
ngx_faka_buyer_key(ngx_faka_worker_t *w, fk_str_t contact,
    uint8_t out[FK_TALLY_KEY_SIZE])
{
    u_char  who[FK_CONTACT_SIZE_MAX];

    ngx_strlow(who, (u_char *) contact.data, contact.size);

    return ngx_faka_buyer_digest(w, "buyer", pay_str("", 0),
                                 pay_str(who, contact.size), out);
}


fk_code_t
ngx_faka_buyer_digests(ngx_faka_worker_t *w, fk_checkout_t *out)
{
    size_t      i;
    u_char      contact[FK_CONTACT_SIZE_MAX], code[FK_COUPON_CODE_SIZE_MAX];
    fk_code_t   rc;
    pay_str_t   who, what;

    ngx_strlow(contact, (u_char *) out->contact.data, out->contact.size);
    who = pay_str(contact, out->contact.size);

    for (i = 0; i < out->coupon.size && i < sizeof(code); i++) {
        code[i] = ngx_toupper(out->coupon.data[i]);
    }

    rc = ngx_faka_buyer_key(w, out->contact, out->buyer);

    if (rc == FK_OK) {
        what = pay_str(out->sku.data, out->sku.size);
        rc = ngx_faka_buyer_digest(w, "quota", what, who, out->quota);
    }

    if (rc == FK_OK) {
        what = pay_str(code, i);
        rc = ngx_faka_buyer_digest(w, "coupon", what, who, out->coupon_use);
    }

    out->has_buyer = rc == FK_OK;

    return rc;
}


static fk_code_t
ngx_faka_buyer_digest(ngx_faka_worker_t *w, const char *kind, pay_str_t what,
    pay_str_t who, uint8_t out[FK_TALLY_KEY_SIZE])
{
    u_char     digest[PAY_SHA256_SIZE];
    pay_str_t  part[5];

    part[0] = pay_str(kind, ngx_strlen(kind));
    part[1] = PAY_STR("\0");
    part[2] = what;
    part[3] = PAY_STR("\0");
    part[4] = who;

    if (!pay_sha256(w->crypto, part, 5, digest)) {
        return FK_LOCK_TIMEOUT;
    }

    ngx_memcpy(out, digest, FK_TALLY_KEY_SIZE);

    return FK_OK;
}

/*
 * Who a buyer is to the engine: digests of the contact, alone, with the
 * product and with the coupon.
 *
 * They hang on no key: a rotation of key_file must not make every buyer a new
 * one.  So anybody can compute them; where one lies in the region depends on
 * the region's own secret, and nobody can make a chain long.  They hide
 * nothing, either: the contact stands in each order.
 *
 * A contact is any text, so one form of it is compared everywhere, by limits,
 * blocklists, the canary and these digests: without what is around it, in
 * lower case (of ASCII), and, where it is an e-mail address, up to the end of
 * its domain.  More is not known of it: two addresses of one mailbox are two
 * buyers.
 */

#include "ngx_faka_order.h"


static ngx_inline size_t ngx_faka_contact_filler(const u_char *p, size_t size);
static size_t ngx_faka_contact_at(const u_char *text, size_t size,
    size_t *end);
static ngx_uint_t ngx_faka_contact_letter(u_char c);
static fk_code_t ngx_faka_buyer_digest(ngx_faka_worker_t *w,
    const char *kind, pay_str_t what, pay_str_t who,
    uint8_t out[FK_TALLY_KEY_SIZE]);


fk_str_t
ngx_faka_contact(fk_str_t contact, u_char form[FK_CONTACT_SIZE_MAX])
{
    size_t  i, n, from, to, end;

    for (from = 0; from < contact.size; from += n) {
        n = ngx_faka_contact_filler(contact.data + from, contact.size - from);
        if (n == 0) {
            break;
        }
    }

    to = from;

    for (i = from; i < contact.size; i += n) {
        n = ngx_faka_contact_filler(contact.data + i, contact.size - i);
        if (n == 0) {
            to = ++i;
        }
    }

    ngx_strlow(form, (u_char *) contact.data + from, to - from);

    (void) ngx_faka_contact_at(form, to - from, &end);

    /* Who writes only blanks is somebody, too, and always the same. */
    if (end == 0) {
        form[0] = ' ';
        end = 1;
    }

    return (fk_str_t) { form, end };
}


fk_str_t
ngx_faka_contact_domain(fk_str_t form)
{
    size_t  at, end;

    at = ngx_faka_contact_at(form.data, form.size, &end);

    return (fk_str_t) { form.data + at, end - at };
}


/*
 * The size of a blank or of punctuation at p that looks like nothing, like one
 * or like the end of a sentence; 0: it is something else.  U+0080 to U+00BF,
 * U+2000 to U+207F, U+3000 to U+303F, U+FEFF.
 */

static ngx_inline size_t
ngx_faka_contact_filler(const u_char *p, size_t size)
{
    /* Nearly all of them, and each order asks for each byte. */
    if (p[0] > ' ' && p[0] < 0x80) {
        return 0;
    }

    if (p[0] == ' ') {
        return 1;
    }

    if (p[0] == 0xc2 && size > 1) {
        return 2;
    }

    return size > 2
           && ((p[0] == 0xe2 && (p[1] == 0x80 || p[1] == 0x81))
               || (p[0] == 0xe3 && p[1] == 0x80)
               || (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)) ? 3 : 0;
}


/*
 * Where the domain begins, behind the last "@" that has one and something
 * before it, and where it ends; without any: both at the end of the text.
 * What begins with "@" is a name somewhere: what follows tells who it is.
 */

static size_t
ngx_faka_contact_at(const u_char *text, size_t size, size_t *end)
{
    size_t  at, i, last;

    for (at = size; at > 1; at--) {

        if (text[at - 1] != '@') {
            continue;
        }

        last = at;

        for (i = at; i < size; i++) {

            if (ngx_faka_contact_letter(text[i])
                && ngx_faka_contact_filler(text + i, size - i) == 0)
            {
                last = i + 1;

            } else if (text[i] != '.' && text[i] != '-' && text[i] != '_') {
                break;
            }
        }

        if (last != at) {
            *end = last;
            return at;
        }
    }

    *end = size;
    return size;
}


/* Of a domain, which may be in any script; full-width forms are in none. */

static ngx_uint_t
ngx_faka_contact_letter(u_char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
           || (c >= 0x80 && c != 0xef);
}


fk_code_t
ngx_faka_buyer_key(ngx_faka_worker_t *w, fk_str_t contact,
    uint8_t out[FK_TALLY_KEY_SIZE])
{
    u_char  who[FK_CONTACT_SIZE_MAX];

    contact = ngx_faka_contact(contact, who);

    return ngx_faka_buyer_digest(w, "buyer", pay_str("", 0),
                                 pay_str(contact.data, contact.size), out);
}


fk_code_t
ngx_faka_buyer_digests(ngx_faka_worker_t *w, fk_checkout_t *out)
{
    size_t      i;
    u_char      form[FK_CONTACT_SIZE_MAX], code[FK_COUPON_CODE_SIZE_MAX];
    fk_str_t    contact;
    fk_code_t   rc;
    pay_str_t   who, what;

    contact = ngx_faka_contact(out->contact, form);
    who = pay_str(contact.data, contact.size);

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

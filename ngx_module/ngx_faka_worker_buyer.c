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


/* "coupon" is the longest kind, an SKU what is longest. */
#define NGX_FAKA_BUYER_TEXT_SIZE                                             \
    (sizeof("coupon") + FK_SKU_SIZE_MAX + 1 + FK_CONTACT_SIZE_MAX)

_Static_assert(FK_COUPON_CODE_SIZE_MAX <= FK_SKU_SIZE_MAX, "a code has room");


static ngx_inline size_t ngx_faka_contact_filler(const u_char *p, size_t size);
static size_t ngx_faka_contact_at(const u_char *text, size_t size,
    size_t *end);
static ngx_uint_t ngx_faka_contact_letter(u_char c);
static fk_code_t ngx_faka_buyer_digest(ngx_faka_worker_t *w,
    const char *kind, fk_str_t what, fk_str_t who,
    uint8_t out[FK_TALLY_KEY_SIZE]);


fk_str_t
ngx_faka_contact(fk_str_t contact, u_char form[FK_CONTACT_SIZE_MAX])
{
    size_t  i, n, size, end;
    u_char  c;

    size = 0;
    end = 0;

    /* What is around it is not copied, or cut off again. */

    for (i = 0; i < contact.size; i += n) {
        n = ngx_faka_contact_filler(contact.data + i, contact.size - i);

        if (n == 0) {
            c = contact.data[i];
            form[size++] = ngx_tolower(c);
            end = size;
            n = 1;

        } else if (size != 0) {
            ngx_strlow(form + size, (u_char *) contact.data + i, n);
            size += n;
        }
    }

    (void) ngx_faka_contact_at(form, end, &end);

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
ngx_faka_buyer_key(ngx_faka_worker_t *w, fk_str_t form,
    uint8_t out[FK_TALLY_KEY_SIZE])
{
    fk_str_t  nothing;

    nothing = (fk_str_t) { (const uint8_t *) "", 0 };

    return ngx_faka_buyer_digest(w, "buyer", nothing, form, out);
}


fk_code_t
ngx_faka_buyer_digests(ngx_faka_worker_t *w, fk_str_t form,
    ngx_uint_t limited, fk_checkout_t *out)
{
    u_char     code[FK_COUPON_CODE_SIZE_MAX];
    size_t     i;
    fk_code_t  rc;

    rc = out->has_buyer ? FK_OK : ngx_faka_buyer_key(w, form, out->buyer);
    out->has_buyer = rc == FK_OK;

    if (rc == FK_OK && limited) {
        rc = ngx_faka_buyer_digest(w, "quota", out->sku, form, out->quota);
        out->has_quota = rc == FK_OK;
    }

    if (rc == FK_OK && out->coupon.size != 0) {
        for (i = 0; i < out->coupon.size && i < sizeof(code); i++) {
            code[i] = ngx_toupper(out->coupon.data[i]);
        }

        rc = ngx_faka_buyer_digest(w, "coupon", (fk_str_t) { code, i }, form,
                                   out->coupon_use);
    }

    return rc;
}


/* Of kind, what and who, with a NUL behind the first two. */

static fk_code_t
ngx_faka_buyer_digest(ngx_faka_worker_t *w, const char *kind, fk_str_t what,
    fk_str_t who, uint8_t out[FK_TALLY_KEY_SIZE])
{
    u_char     *p, digest[PAY_SHA256_SIZE], text[NGX_FAKA_BUYER_TEXT_SIZE];
    pay_str_t   part;

    p = ngx_cpymem(text, kind, ngx_strlen(kind) + 1);
    p = ngx_cpymem(p, what.data, what.size);
    *p++ = '\0';
    p = ngx_cpymem(p, who.data, who.size);
    part = pay_str(text, (size_t) (p - text));

    if (!pay_sha256(w->crypto, &part, 1, digest)) {
        return FK_LOCK_TIMEOUT;
    }

    ngx_memcpy(out, digest, FK_TALLY_KEY_SIZE);

    return FK_OK;
}

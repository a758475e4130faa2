/*
 * Writes the URL that takes a buyer to the gateway.
 */

#include "url.h"

#include "pay.h"

#include <assert.h>


void
pay_url_begin(pay_url_t *url, char *data, size_t room_size)
{
    assert(room_size > 0);

    data[0] = '\0';
    *url = (pay_url_t) { data, 0, room_size - 1, false };
}


void
pay_url_text(pay_url_t *url, pay_str_t text)
{
    if (text.size > url->room_size - url->size) {
        url->full = true;
    }

    if (url->full || text.size == 0) {
        return;
    }

    memcpy(url->data + url->size, text.data, text.size);
    url->size += text.size;
}


void
pay_url_base(pay_url_t *url, pay_str_t base)
{
    while (base.size > 0 && base.data[base.size - 1] == '/') {
        base.size--;
    }

    pay_url_text(url, base);
}


void
pay_url_encoded(pay_url_t *url, pay_str_t value)
{
    char              *p;
    size_t             i, size, room_size;
    unsigned char      c;
    static const char  hex[] = "0123456789ABCDEF";

    size = value.size;
    room_size = url->room_size - url->size;

    /* Looked over once more only where it may not fit. */

    for (i = 0; size <= room_size && room_size / 3 < value.size
                && i < value.size; i++)
    {
        size += pay_class[value.data[i]] & PAY_CLASS_QUERY ? 0 : 2;
    }

    if (size > room_size) {
        url->full = true;
    }

    if (url->full) {
        return;
    }

    p = url->data + url->size;

    for (i = 0; i < value.size; i++) {
        c = value.data[i];

        if (pay_class[c] & PAY_CLASS_QUERY) {
            *p++ = (char) c;
            continue;
        }

        *p++ = '%';
        *p++ = hex[c >> 4];
        *p++ = hex[c & 0xf];
    }

    url->size = (size_t) (p - url->data);
}


void
pay_url_fields(pay_url_t *url, const pay_form_t *form)
{
    size_t  i;

    for (i = 0; i < form->field_count; i++) {
        pay_url_text(url, form->fields[i].name);
        pay_url_text(url, PAY_STR("="));
        pay_url_encoded(url, form->fields[i].value);
        pay_url_text(url, PAY_STR("&"));
    }
}


pay_str_t
pay_url_since(const pay_url_t *url, size_t from)
{
    assert(from <= url->size);

    return pay_str(url->data + from, url->size - from);
}


pay_str_t
pay_url_path(pay_str_t url)
{
    size_t  i, slash_count;

    slash_count = 0;

    for (i = 0; i < url.size; i++) {

        /* two of "://", and the one that ends the host */

        if (url.data[i] == '/' && ++slash_count == 3) {
            break;
        }
    }

    return i < url.size ? pay_str(url.data + i, url.size - i) : PAY_STR("/");
}


bool
pay_url_end(pay_url_t *url, size_t *length)
{
    url->size = url->full ? 0 : url->size;
    url->data[url->size] = '\0';
    *length = url->size;

    return !url->full;
}

/*
 * The JSON writer.
 *
 * Text goes into temporary buffers of the request's pool.  The first one has
 * the size that the handler guessed; when a buffer is full the next one
 * follows, so an answer of any length costs one copy and no reallocation.
 * A piece may end in the middle of a character: buffers are bytes.
 *
 * Objects and arrays are not counted: their brackets are the handler's to
 * pair, and the tests of the interface parse every answer.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_faka_json.h"


#define NGX_FAKA_JSON_BUFFER_SIZE_MIN  256
#define NGX_FAKA_JSON_BUFFER_SIZE      4096


static ngx_buf_t *ngx_faka_json_grow(ngx_faka_json_t *json, size_t size);
static void ngx_faka_json_put(ngx_faka_json_t *json, const void *data,
    size_t size);
static u_char *ngx_faka_json_room(ngx_faka_json_t *json, size_t size);
static void ngx_faka_json_key(ngx_faka_json_t *json, const char *key);
static void ngx_faka_json_raw(ngx_faka_json_t *json, const char *key,
    const void *data, size_t size);
static size_t ngx_faka_json_plain(const u_char *text, size_t size);
static void ngx_faka_json_escape(ngx_faka_json_t *json, u_char byte);


void
ngx_faka_json_begin(ngx_faka_json_t *json, ngx_pool_t *pool, size_t size)
{
    ngx_memzero(json, sizeof(ngx_faka_json_t));

    json->pool = pool;

    (void) ngx_faka_json_grow(json,
                              ngx_max(size, NGX_FAKA_JSON_BUFFER_SIZE_MIN));
}


/* One more empty buffer at the end; NULL marks the writer as failed. */

static ngx_buf_t *
ngx_faka_json_grow(ngx_faka_json_t *json, size_t size)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = ngx_create_temp_buf(json->pool, size);
    cl = ngx_alloc_chain_link(json->pool);

    if (b == NULL || cl == NULL) {
        json->failed = 1;
        return NULL;
    }

    cl->buf = b;
    cl->next = NULL;

    if (json->last != NULL) {
        json->last->next = cl;

    } else {
        json->first = cl;
    }

    json->last = cl;

    return b;
}


static void
ngx_faka_json_put(ngx_faka_json_t *json, const void *data, size_t size)
{
    size_t         room;
    ngx_buf_t     *b;
    const u_char  *from;

    if (json->failed) {
        return;
    }

    b = json->last->buf;
    from = data;

    for ( ;; ) {

        room = ngx_min((size_t) (b->end - b->last), size);
        b->last = ngx_cpymem(b->last, from, room);
        from += room;
        size -= room;

        if (size == 0) {
            return;
        }

        b = ngx_faka_json_grow(json, NGX_FAKA_JSON_BUFFER_SIZE);
        if (b == NULL) {
            return;
        }
    }
}


/* Where so many bytes can be written in one go; NULL: they must be put, piece
 * by piece.  The caller moves b->last. */

static u_char *
ngx_faka_json_room(ngx_faka_json_t *json, size_t size)
{
    ngx_buf_t  *b;

    if (json->failed) {
        return NULL;
    }

    b = json->last->buf;

    return (size_t) (b->end - b->last) >= size ? b->last : NULL;
}


/* What stands before every value: a comma if it is not the first, a name. */

static void
ngx_faka_json_key(ngx_faka_json_t *json, const char *key)
{
    size_t   size;
    u_char  *p;

    size = key != NULL ? ngx_strlen(key) : 0;
    p = ngx_faka_json_room(json, size + sizeof(",\"\":") - 1);

    if (p != NULL) {
        *p = ',';
        p += json->comma;

        if (key != NULL) {
            *p++ = '"';
            p = ngx_cpymem(p, key, size);
            *p++ = '"';
            *p++ = ':';
        }

        json->last->buf->last = p;
        json->comma = 1;
        return;
    }

    if (json->comma) {
        ngx_faka_json_put(json, ",", 1);
    }

    json->comma = 1;

    if (key != NULL) {
        ngx_faka_json_put(json, "\"", 1);
        ngx_faka_json_put(json, key, size);
        ngx_faka_json_put(json, "\":", 2);
    }
}


static void
ngx_faka_json_raw(ngx_faka_json_t *json, const char *key, const void *data,
    size_t size)
{
    ngx_faka_json_key(json, key);
    ngx_faka_json_put(json, data, size);
}


void
ngx_faka_json_object(ngx_faka_json_t *json, const char *key)
{
    ngx_faka_json_raw(json, key, "{", 1);
    json->comma = 0;
}


void
ngx_faka_json_object_end(ngx_faka_json_t *json)
{
    ngx_faka_json_put(json, "}", 1);
    json->comma = 1;
}


void
ngx_faka_json_array(ngx_faka_json_t *json, const char *key)
{
    ngx_faka_json_raw(json, key, "[", 1);
    json->comma = 0;
}


void
ngx_faka_json_array_end(ngx_faka_json_t *json)
{
    ngx_faka_json_put(json, "]", 1);
    json->comma = 1;
}


void
ngx_faka_json_string(ngx_faka_json_t *json, const char *key, const void *data,
    size_t size)
{
    size_t         plain;
    const u_char  *text;

    ngx_faka_json_raw(json, key, "\"", 1);

    text = data;

    for ( ;; ) {
        plain = ngx_faka_json_plain(text, size);
        ngx_faka_json_put(json, text, plain);

        if (plain == size) {
            break;
        }

        ngx_faka_json_escape(json, text[plain]);
        text += plain + 1;
        size -= plain + 1;
    }

    ngx_faka_json_put(json, "\"", 1);
}


/*
 * How many bytes go as they are: up to a control character, a quote or a
 * backslash.  Eight at a time: a byte below 0x20, and one that is zero after
 * an exclusive or, is what borrows when that much is taken from it.
 */

static size_t
ngx_faka_json_plain(const u_char *text, size_t size)
{
    size_t    i;
    uint64_t  word, quote, slash, odd;

    static const uint64_t  ones = 0x0101010101010101u;

    for (i = 0; size - i >= sizeof(word); i += sizeof(word)) {
        ngx_memcpy(&word, text + i, sizeof(word));
        quote = word ^ ones * '"';
        slash = word ^ ones * '\\';
        odd = ((word - ones * ' ') & ~word)
              | ((quote - ones) & ~quote) | ((slash - ones) & ~slash);

        if (odd & ones * 0x80) {
            break;
        }
    }

    while (i < size && text[i] >= ' ' && text[i] != '"' && text[i] != '\\') {
        i++;
    }

    return i;
}


static void
ngx_faka_json_escape(ngx_faka_json_t *json, u_char byte)
{
    u_char  text[6];

    static const u_char  hex[] = "0123456789abcdef";

    text[0] = '\\';

    if (byte >= ' ') {
        text[1] = byte;
        ngx_faka_json_put(json, text, 2);
        return;
    }

    text[1] = 'u';
    text[2] = '0';
    text[3] = '0';
    text[4] = hex[byte >> 4];
    text[5] = hex[byte & 0xf];

    ngx_faka_json_put(json, text, sizeof(text));
}


void
ngx_faka_json_text(ngx_faka_json_t *json, const char *key, const char *text)
{
    if (text == NULL) {
        ngx_faka_json_null(json, key);
        return;
    }

    ngx_faka_json_string(json, key, text, ngx_strlen(text));
}


/* Digits from the right; ngx_sprintf() costs several times as much. */

void
ngx_faka_json_integer(ngx_faka_json_t *json, const char *key, int64_t number)
{
    u_char    *p, text[NGX_INT64_LEN];
    uint64_t   rest;

    rest = number < 0 ? 0 - (uint64_t) number : (uint64_t) number;
    p = text + sizeof(text);

    do {
        *--p = (u_char) ('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);

    if (number < 0) {
        *--p = '-';
    }

    ngx_faka_json_raw(json, key, p, (size_t) (text + sizeof(text) - p));
}


void
ngx_faka_json_bool(ngx_faka_json_t *json, const char *key, ngx_uint_t truth)
{
    if (truth) {
        ngx_faka_json_raw(json, key, "true", 4);

    } else {
        ngx_faka_json_raw(json, key, "false", 5);
    }
}


void
ngx_faka_json_null(ngx_faka_json_t *json, const char *key)
{
    ngx_faka_json_raw(json, key, "null", 4);
}


ngx_chain_t *
ngx_faka_json_end(ngx_faka_json_t *json)
{
    return json->failed ? NULL : json->first;
}

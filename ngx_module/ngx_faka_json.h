/*
 * JSON in and out for the request handlers.
 *
 * The reader takes one flat object and a table that says which members may
 * be in it, of which type and within which limits; it answers with a filled
 * struct or with the name of the member at fault.  Forms are read by the same
 * table, so a call accepts both and checks both alike.
 *
 * The writer puts text straight into buffers of the request's pool.  It
 * remembers a failure and reports it once, at the end.
 *
 * For workers, inside a request.
 */

#ifndef NGX_FAKA_JSON_H_INCLUDED_
#define NGX_FAKA_JSON_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* --- reading ---------------------------------------------------------- */

/*
 * The type says what stands at the offset, and what min and max mean.
 *
 *   WORD     ngx_str_t, min..max bytes of visible ASCII (0x21..0x7e)
 *   TEXT     ngx_str_t, min..max bytes of UTF-8 without control characters
 *   INTEGER  int64_t within min..max; in a form: decimal digits, perhaps
 *            after one minus sign
 *   TIME     int64_t within min..max; JSON null stores 0; in a form: as
 *            INTEGER
 *   BOOL     ngx_uint_t, 0 or 1; in a form: true or false
 *   ARRAY    ngx_faka_list_t, min..max items of item_size bytes each, read by
 *            the table item: objects, closed; or, if its first row is named
 *            "", values of that row; not in a form
 *
 * Strings are copies in the pool, NUL-terminated behind their end.
 */

typedef enum {
    NGX_FAKA_FIELD_WORD = 0,
    NGX_FAKA_FIELD_TEXT,
    NGX_FAKA_FIELD_INTEGER,
    NGX_FAKA_FIELD_TIME,
    NGX_FAKA_FIELD_BOOL,
    NGX_FAKA_FIELD_ARRAY
} ngx_faka_field_type_t;

typedef struct {
    void        *elts;
    ngx_uint_t   nelts;
} ngx_faka_list_t;

typedef struct ngx_faka_field_s  ngx_faka_field_t;

struct ngx_faka_field_s {
    const char             *name;      /* NULL ends the table */
    ngx_faka_field_type_t   type;
    size_t                  offset;    /* offsetof(struct, member) */
    int64_t                 min;
    int64_t                 max;
    ngx_uint_t              required;  /* unsigned: 1 must be given */

    /* ARRAY */
    const ngx_faka_field_t *item;
    size_t                  item_size;
};

#define NGX_FAKA_FIELDS_MAX    32      /* rows of a table: bits of given */

#define NGX_FAKA_FIELDS_OPEN    0      /* unknown members are passed over */
#define NGX_FAKA_FIELDS_CLOSED  1      /* unknown members are refused */


/* Which member is at fault ("" or its name), and what to do about it; both
 * NUL-terminated, static or of the pool. */

typedef struct {
    const char  *field;
    const char  *detail;
} ngx_faka_field_error_t;


/*
 * Reads text into *out; members that are not given keep what *out held
 * before.  *given: bit n is set if row n of the table was there.  JSON null
 * is a value of a wrong type.  A member that is given twice is refused, known
 * or not.
 *
 * NGX_OK; NGX_DECLINED: refused, see *error (answer with FK_INVALID);
 * NGX_ERROR: no memory.
 */

ngx_int_t ngx_faka_json_read(ngx_pool_t *pool, const ngx_str_t *text,
    const ngx_faka_field_t *fields, ngx_uint_t mode, void *out,
    uint32_t *given, ngx_faka_field_error_t *error);

/* The same for application/x-www-form-urlencoded, a body or r->args. */

ngx_int_t ngx_faka_form_read(ngx_pool_t *pool, const ngx_str_t *text,
    const ngx_faka_field_t *fields, ngx_uint_t mode, void *out,
    uint32_t *given, ngx_faka_field_error_t *error);


/*
 * What both readers share (ngx_faka_fields.c): store one value in its place,
 * text for WORD and TEXT, a number for INTEGER and BOOL.  Return as above.
 */

ngx_int_t ngx_faka_field_store_text(ngx_pool_t *pool,
    const ngx_faka_field_t *field, const u_char *data, size_t size,
    void *out, ngx_faka_field_error_t *error);
ngx_int_t ngx_faka_field_store_number(ngx_pool_t *pool,
    const ngx_faka_field_t *field, int64_t number, void *out,
    ngx_faka_field_error_t *error);

/* NGX_DECLINED with a text that names the type and the limits of the row. */

ngx_int_t ngx_faka_field_refuse(ngx_pool_t *pool,
    const ngx_faka_field_t *field, ngx_faka_field_error_t *error);

/* After the last value: are all the required ones there? */

ngx_int_t ngx_faka_fields_required(const ngx_faka_field_t *fields,
    uint32_t given, ngx_faka_field_error_t *error);


/* --- writing ---------------------------------------------------------- */

typedef struct {
    ngx_pool_t    *pool;
    ngx_chain_t   *first;
    ngx_chain_t   *last;
    ngx_uint_t     comma;              /* unsigned: a value stands before */
    ngx_uint_t     failed;             /* unsigned: out of memory */
} ngx_faka_json_t;

/*
 * size: of the first buffer, in bytes.  Guess well and the answer is one
 * buffer; what does not fit goes into further ones.
 */

void ngx_faka_json_begin(ngx_faka_json_t *json, ngx_pool_t *pool,
    size_t size);

/*
 * One value each.  key names it inside an object (our own ASCII words: it is
 * not escaped) and is NULL inside an array and for the outermost value.
 */

void ngx_faka_json_object(ngx_faka_json_t *json, const char *key);
void ngx_faka_json_object_end(ngx_faka_json_t *json);
void ngx_faka_json_array(ngx_faka_json_t *json, const char *key);
void ngx_faka_json_array_end(ngx_faka_json_t *json);

/* Valid UTF-8 of any content; escaped here. */
void ngx_faka_json_string(ngx_faka_json_t *json, const char *key,
    const void *data, size_t size);
/* NUL-terminated, escaped, too; NULL gives null. */
void ngx_faka_json_text(ngx_faka_json_t *json, const char *key,
    const char *text);
void ngx_faka_json_integer(ngx_faka_json_t *json, const char *key,
    int64_t number);
void ngx_faka_json_bool(ngx_faka_json_t *json, const char *key,
    ngx_uint_t truth);
void ngx_faka_json_null(ngx_faka_json_t *json, const char *key);

/*
 * The finished text, for ngx_faka_send_json(); NULL: memory ran out on the
 * way (answer 500).  The writer must not be used any more.
 */

ngx_chain_t *ngx_faka_json_end(ngx_faka_json_t *json);


#endif /* NGX_FAKA_JSON_H_INCLUDED_ */

/*
 * The reply of a gateway as bytes: HTTP/1.x, read strictly as far as it has
 * come, in the memory that it came into.
 *
 * What a reply says decides about money, so nothing in it is guessed.  Lines
 * end with CRLF; a header is NAME ":" VALUE in one line; the end of the body
 * is known in one way only.  Whoever wants a reply that breaks these rules
 * gets BAD, which every caller takes for "not known".
 *
 * What is read does not hang on the pieces in which it comes.  Bytes behind
 * the end of the reply are not looked at: whether they are here yet is chance.
 */

#ifndef FAKA_PAY_REPLY_H_INCLUDED_
#define FAKA_PAY_REPLY_H_INCLUDED_


#include "ask.h"


typedef enum {
    PAY_REPLY_MORE = 0,        /* so far it is right */
    PAY_REPLY_DONE,
    PAY_REPLY_BAD,             /* no HTTP, or nothing that we accept */
    PAY_REPLY_LARGE,           /* it is, or says that it will be, too large */
    PAY_REPLY_CUT              /* the peer closed before the end */
} pay_reply_code_e;

/* Where in the reply the next byte stands. */

typedef enum {
    PAY_REPLY_STATUS = 0,
    PAY_REPLY_HEADER,
    PAY_REPLY_BODY,            /* left bytes */
    PAY_REPLY_BODY_TO_CLOSE,
    PAY_REPLY_CHUNK_SIZE,
    PAY_REPLY_CHUNK,           /* left bytes */
    PAY_REPLY_CHUNK_END,
    PAY_REPLY_TRAILER,
    PAY_REPLY_END
} pay_reply_place_e;

/* The fields are for reply.c alone. */

typedef struct {
    unsigned char      *data;          /* PAY_REPLY_SIZE_MAX bytes */
    size_t              size;          /* that are there */
    size_t              used;          /* that are read */
    size_t              searched;      /* for the end of a line, from used */
    pay_reply_place_e   place;
    pay_reply_code_e    code;

    unsigned            status;
    bool                is_http_1_0;
    pay_header_t        headers[PAY_HEADERS_MAX];
    size_t              header_count;
    size_t              trailer_count;

    bool                has_length;
    bool                is_chunked;
    size_t              length;        /* as it was said */
    size_t              left;
    size_t              body;          /* where it begins */
    size_t              body_size;     /* so far, chunks joined */
} pay_reply_reader_t;


/* data has room for PAY_REPLY_SIZE_MAX bytes, and stays where it is. */

void pay_reply_begin(pay_reply_reader_t *reader, unsigned char *data);

/*
 * The first size bytes of data are there now, and the peer has ended its side
 * if closed.  Interim replies (1xx) are left out.  MORE is never said of a
 * full buffer or of a closed connection; after any other code the reader is
 * not asked again.
 */

pay_reply_code_e pay_reply_read(pay_reply_reader_t *reader, size_t size,
    bool closed);

/* After DONE: what was read, in reader and data.  now_s is left at 0. */

void pay_reply_get(const pay_reply_reader_t *reader, pay_reply_t *reply);


#endif /* FAKA_PAY_REPLY_H_INCLUDED_ */

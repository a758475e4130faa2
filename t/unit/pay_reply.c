/*
 * Replies of gateways: what is read, what is refused, and that neither hangs
 * on the pieces in which the bytes come.
 */

#include "../../ngx_module/pay/reply.h"

#include "tap.h"


#define HEAD  "HTTP/1.1 200 OK\r\n"
#define SIZED(text, size)  HEAD "Content-Length: " size "\r\n\r\n" text
#define CHUNKS(text)  HEAD "Transfer-Encoding: chunked\r\n\r\n" text

typedef struct {
    const char        *what;
    const char        *text;
    size_t             size;
    pay_reply_code_e   code;           /* when the peer has closed */
    unsigned           status;
    const char        *body;
} sample_t;

#define SAMPLE(what, text, ...)  { what, text, sizeof(text) - 1, __VA_ARGS__ }
#define RIGHT(what, text, status, body)                                      \
    SAMPLE(what, text, PAY_REPLY_DONE, status, body)
#define WRONG(what, text)  SAMPLE(what, text, PAY_REPLY_BAD, 0, "")
#define LARGE(what, text)  SAMPLE(what, text, PAY_REPLY_LARGE, 0, "")
#define SHORT(what, text)  SAMPLE(what, text, PAY_REPLY_CUT, 0, "")

static const sample_t  samples[] = {
    RIGHT("a body of a length", SIZED("{\"a\":1}", "7"), 200, "{\"a\":1}"),
    RIGHT("an empty body", SIZED("", "0"), 200, ""),
    RIGHT("zeros before the length", SIZED("ab", "0000000000000002"), 200,
          "ab"),
    RIGHT("a body up to the end", HEAD "\r\nall of it", 200, "all of it"),
    RIGHT("an empty one", HEAD "\r\n", 200, ""),
    RIGHT("one chunk", CHUNKS("3\r\nabc\r\n0\r\n\r\n"), 200, "abc"),
    RIGHT("chunks", CHUNKS("3\r\nabc\r\n0A\r\n0123456789\r\n1\r\nz\r\n"
                           "000\r\n\r\n"), 200, "abc0123456789z"),
    RIGHT("no chunk", CHUNKS("0\r\n\r\n"), 200, ""),
    RIGHT("an extension", CHUNKS("2;a=\"b\";c\r\nab\r\n0;x\r\n\r\n"), 200,
          "ab"),
    RIGHT("trailers", CHUNKS("2\r\nab\r\n0\r\nA: b\r\nContent-Length: 9\r\n"
                             "\r\n"), 200, "ab"),
    RIGHT("chunked in another case", HEAD "TRANSFER-encoding:\tChunked \r\n"
          "\r\n1\r\na\r\n0\r\n\r\n", 200, "a"),
    RIGHT("bytes behind the end", SIZED("abc", "2"), 200, "ab"),
    RIGHT("bytes behind the last chunk", CHUNKS("0\r\n\r\nHTTP/1.1"), 200,
          ""),
    RIGHT("HTTP/1.0", "HTTP/1.0 404 Not Found\r\n\r\nno", 404, "no"),
    RIGHT("no reason", "HTTP/1.1 500\r\n\r\n", 500, ""),
    RIGHT("an empty reason", "HTTP/1.1 302 \r\nLocation: /\r\n\r\n", 302, ""),
    RIGHT("a reason in UTF-8", "HTTP/1.1 200 \xe5\xa5\xbd\r\n\r\n", 200, ""),
    RIGHT("204 has no body", "HTTP/1.1 204 No Content\r\n\r\nabc", 204, ""),
    RIGHT("304 has none, whatever it says", "HTTP/1.1 304 Not Modified\r\n"
          "Content-Length: 5\r\n\r\nabcde", 304, ""),
    RIGHT("interim replies", "HTTP/1.1 100 Continue\r\n\r\n"
          "HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\nLink: x\r\n\r\n"
          SIZED("ab", "2"), 200, "ab"),
    RIGHT("identity", HEAD "Content-Encoding: Identity\r\n"
          "Content-Length: 1\r\n\r\na", 200, "a"),
    RIGHT("any bytes in a body", SIZED("a\0\r\n\xff", "5"), 200, NULL),

    WRONG("another protocol", "HTTP/2.0 200 OK\r\n\r\n"),
    WRONG("HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n"),
    WRONG("small letters", "http/1.1 200 OK\r\n\r\n"),
    WRONG("two blanks", "HTTP/1.1  200 OK\r\n\r\n"),
    WRONG("a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"),
    WRONG("of four", "HTTP/1.1 2000 OK\r\n\r\n"),
    WRONG("of letters", "HTTP/1.1 2x0 OK\r\n\r\n"),
    WRONG("099", "HTTP/1.1 099 OK\r\n\r\n"),
    WRONG("600", "HTTP/1.1 600 OK\r\n\r\n"),
    WRONG("101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    WRONG("an empty line first", "\r\n" SIZED("", "0")),
    WRONG("no HTTP at all", "SSH-2.0-OpenSSH_9.2\r\n"),
    WRONG("LF alone after the status", "HTTP/1.1 200 OK\n\r\n"),
    WRONG("LF alone after a header", HEAD "A: b\n\r\n"),
    WRONG("LF alone at the end of the head", HEAD "A: b\r\n\n"),
    WRONG("a CR within", HEAD "A: b\rc\r\n\r\n"),
    WRONG("a NUL in a value", HEAD "A: b\0c\r\n\r\n"),
    WRONG("a NUL in a name", HEAD "A\0: b\r\n\r\n"),
    WRONG("a control byte", HEAD "A: \x01\r\n\r\n"),
    WRONG("DEL", HEAD "A: \x7f\r\n\r\n"),
    WRONG("a NUL in the reason", "HTTP/1.1 200 O\0K\r\n\r\n"),
    WRONG("a line that goes on", HEAD "A: b\r\n c\r\n\r\n"),
    WRONG("a blank before the first", HEAD " A: b\r\n\r\n"),
    WRONG("a blank before the colon", HEAD "A : b\r\n\r\n"),
    WRONG("no colon", HEAD "Abc\r\n\r\n"),
    WRONG("no name", HEAD ": b\r\n\r\n"),
    WRONG("a name in UTF-8", HEAD "\xc3\xa4: b\r\n\r\n"),
    WRONG("a bracket in a name", HEAD "A(): b\r\n\r\n"),

    WRONG("two lengths", HEAD "Content-Length: 1\r\nContent-Length: 1\r\n"
          "\r\na"),
    WRONG("a list of lengths", SIZED("a", "1, 1")),
    WRONG("no length", SIZED("a", "")),
    WRONG("a negative one", SIZED("a", "-1")),
    WRONG("one with a sign", SIZED("a", "+1")),
    WRONG("in hex", SIZED("a", "0x1")),
    WRONG("with a blank", SIZED("a", "1 1")),
    WRONG("with a letter after many digits", SIZED("a", "99999999999999a")),
    WRONG("length and chunks", HEAD "Content-Length: 1\r\n"
          "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    WRONG("chunks and length", HEAD "Transfer-Encoding: chunked\r\n"
          "Content-Length: 1\r\n\r\n0\r\n\r\n"),
    WRONG("gzip, then chunks", HEAD "Transfer-Encoding: gzip, chunked\r\n"
          "\r\n0\r\n\r\n"),
    WRONG("chunked twice", HEAD "Transfer-Encoding: chunked\r\n"
          "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    WRONG("another transfer", HEAD "Transfer-Encoding: identity\r\n\r\n"),
    WRONG("chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\n"
          "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    WRONG("gzip", HEAD "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\n"
          "a"),
    WRONG("identity and gzip", HEAD "Content-Encoding: identity\r\n"
          "Content-Encoding: br\r\n\r\n"),
    WRONG("no coding", HEAD "Content-Encoding:\r\n\r\n"),

    WRONG("a chunk without size", CHUNKS("\r\n")),
    WRONG("a size that is no hex", CHUNKS("g\r\n")),
    WRONG("a size with 0x", CHUNKS("0x1\r\na\r\n")),
    WRONG("a negative size", CHUNKS("-1\r\na\r\n")),
    WRONG("a size with a blank", CHUNKS("1 \r\na\r\n")),
    WRONG("a size of nine digits", CHUNKS("000000001\r\na\r\n0\r\n\r\n")),
    WRONG("a chunk that is longer", CHUNKS("1\r\nab\r\n0\r\n\r\n")),
    WRONG("a chunk that is shorter", CHUNKS("2\r\na\r\n0\r\n\r\n")),
    WRONG("LF alone after a size", CHUNKS("1\na\r\n")),
    WRONG("LF alone after a chunk", CHUNKS("1\r\na\n0\r\n\r\n")),
    WRONG("a NUL in an extension", CHUNKS("1;\0\r\na\r\n")),
    WRONG("a trailer without colon", CHUNKS("0\r\nabc\r\n\r\n")),
    WRONG("a trailer that goes on", CHUNKS("0\r\nA: b\r\n c\r\n\r\n")),

    LARGE("a length beyond all", SIZED("a", "65537")),
    LARGE("one of 2^64", SIZED("a", "18446744073709551616")),
    LARGE("one of forty digits",
          SIZED("a", "1000000000000000000000000000000000000001")),
    LARGE("a chunk beyond all", CHUNKS("10000\r\n")),
    LARGE("the largest chunk", CHUNKS("ffffffff\r\n")),

    SHORT("nothing", ""),
    SHORT("half a status", "HTTP/1.1 2"),
    SHORT("a status alone", HEAD),
    SHORT("half a header", HEAD "Content-Len"),
    SHORT("half a body", SIZED("ab", "3")),
    SHORT("half a size", CHUNKS("1")),
    SHORT("half a chunk", CHUNKS("3\r\nab")),
    SHORT("a chunk without its end", CHUNKS("3\r\nabc")),
    SHORT("no last chunk", CHUNKS("3\r\nabc\r\n")),
    SHORT("no end of trailers", CHUNKS("0\r\n")),
    SHORT("an interim reply alone", "HTTP/1.1 100 Continue\r\n\r\n")
};

#define SAMPLE_COUNT  (sizeof(samples) / sizeof(samples[0]))


static unsigned char       data[PAY_REPLY_SIZE_MAX];
static pay_reply_reader_t  reader;


/* The bytes up to cut, then step bytes at a time, then the end. */

static pay_reply_code_e
read_all(const char *text, size_t size, size_t cut, size_t step)
{
    size_t            there;
    pay_reply_code_e  code;

    memset(data, 0xee, sizeof(data));
    pay_reply_begin(&reader, data);
    there = 0;
    code = PAY_REPLY_MORE;

    while (code == PAY_REPLY_MORE && there < size) {
        cut = cut < size ? cut : size;
        memcpy(data + there, text + there, cut - there);
        there = cut;
        cut += step;
        code = pay_reply_read(&reader, there, false);
    }

    return code == PAY_REPLY_MORE ? pay_reply_read(&reader, there, true)
                                  : code;
}


static int
is_as_said(const sample_t *sample, size_t cut, size_t step)
{
    pay_reply_t       reply;
    pay_reply_code_e  code;

    code = read_all(sample->text, sample->size, cut, step);

    if (code != sample->code) {
        printf("# cut at %zu: code %u\n", cut, (unsigned) code);
        return 0;
    }

    if (code != PAY_REPLY_DONE) {
        return 1;
    }

    pay_reply_get(&reader, &reply);

    return reply.status == sample->status
           && pay_str_eq(reply.body, sample->body == NULL
                                     ? PAY_STR("a\0\r\n\xff")
                                     : pay_text(sample->body));
}


static void
test_samples(void)
{
    int              good;
    size_t           i, cut;
    const sample_t  *sample;

    for (i = 0; i < SAMPLE_COUNT; i++) {
        sample = &samples[i];
        good = is_as_said(sample, sample->size, 1) && is_as_said(sample, 1, 1);

        for (cut = 1; cut < sample->size; cut++) {
            good = good && is_as_said(sample, cut, sample->size);
        }

        OK(good, "%s: %s", sample->code == PAY_REPLY_DONE ? "right"
                           : sample->code == PAY_REPLY_BAD ? "wrong"
                           : sample->code == PAY_REPLY_LARGE ? "too large"
                           : "cut short", sample->what);
    }
}


static void
test_headers(void)
{
    pay_str_t          value;
    pay_reply_t        reply;
    static const char  text[] =
        "HTTP/1.1 100 Continue\r\nEarly: yes\r\n\r\n"
        HEAD "Wechatpay-Nonce:  a b\t\r\nEmpty:\r\nX-Y!#$%&'*+.^_`|~9: \xff"
        "\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nLate: yes\r\n"
        "\r\n";

    EQ_INT(read_all(text, sizeof(text) - 1, 1, 1), PAY_REPLY_DONE,
           "a reply with headers");
    pay_reply_get(&reader, &reply);

    EQ_INT(reply.header_count, 4, "  its own ones, no others");
    OK(pay_header_find(reply.headers, reply.header_count, "wechatpay-nonce",
                       &value), "  one by its name");
    EQ_MEM(value.data, value.size, "a b", 3, "  without blanks around it");
    OK(pay_header_find(reply.headers, reply.header_count, "empty", &value)
       && value.size == 0, "  an empty one");
    EQ_MEM(reply.headers[2].name.data, reply.headers[2].name.size,
           "X-Y!#$%&'*+.^_`|~9", 18, "  a name of all that may be in it");
    EQ_INT(reply.now_s, 0, "  no time");
}


static void
test_header_count(void)
{
    int          i, extra;
    char         text[PAY_HEADERS_MAX * 8 + 64];
    size_t       size;
    const char  *heads[] = { HEAD, CHUNKS("0\r\n") };

    for (i = 0; i < 4; i++) {
        size = (size_t) sprintf(text, "%s", heads[i / 2]);

        for (extra = 0; extra < PAY_HEADERS_MAX + i % 2; extra++) {
            size += (size_t) sprintf(text + size, "A: b\r\n");
        }

        size += (size_t) sprintf(text + size, "\r\n");

        EQ_INT(read_all(text, size, size, 1),
               i % 2 ? PAY_REPLY_LARGE : PAY_REPLY_DONE, "%d %s",
               extra, i < 2 ? "headers" : "trailers");
    }
}


/* A reply of exactly size bytes: head, as many as fit, tail. */

static pay_reply_code_e
read_filled(const char *head, const char *tail, size_t size)
{
    static char  text[PAY_REPLY_SIZE_MAX];

    memset(text, 'a', size);
    memcpy(text, head, strlen(head));
    memcpy(text + size - strlen(tail), tail, strlen(tail));

    return read_all(text, size, 1, 4093);
}


static void
test_sizes(void)
{
    /* The largest that fit, by length and as a chunk, and one byte more. */

    EQ_INT(read_filled(SIZED("", "65494"), "", PAY_REPLY_SIZE_MAX),
           PAY_REPLY_DONE, "a body that fills the buffer");
    EQ_INT(read_filled(SIZED("", "65495"), "", PAY_REPLY_SIZE_MAX),
           PAY_REPLY_LARGE, "  one byte more");

    EQ_INT(read_filled(CHUNKS("ffc4\r\n"), "\r\n0\r\n\r\n",
                       PAY_REPLY_SIZE_MAX),
           PAY_REPLY_DONE, "a chunk that fills it");
    EQ_INT(read_filled(CHUNKS("ffc5\r\n"), "\r\n0\r\n\r",
                       PAY_REPLY_SIZE_MAX),
           PAY_REPLY_LARGE, "  one byte more");

    EQ_INT(read_filled(HEAD "\r\n", "", PAY_REPLY_SIZE_MAX - 1),
           PAY_REPLY_DONE, "a body up to the end that nearly fills it");
    EQ_INT(read_filled(HEAD "\r\n", "", PAY_REPLY_SIZE_MAX),
           PAY_REPLY_LARGE, "  one that may go on");

    EQ_INT(read_filled(HEAD, "", PAY_REPLY_SIZE_MAX), PAY_REPLY_LARGE,
           "a line without end");
    EQ_INT(read_filled("", "", PAY_REPLY_SIZE_MAX), PAY_REPLY_LARGE,
           "no line at all");
}


int
main(void)
{
    test_samples();
    test_headers();
    test_header_count();
    test_sizes();

    return tap_done();
}

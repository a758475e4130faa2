/*
 * A reply is read place by place: each step takes one line or one piece of
 * the body, or says that the next one is not whole yet.  Every line is
 * searched and looked at once, whatever the pieces are.
 *
 * Chunks are moved together over their frames, so the body is one run of
 * bytes in the end; the head before it stays where it is.
 */

#include "reply.h"

#include <assert.h>
#include <string.h>


#define CHUNK_DIGITS_MAX  8


static pay_reply_code_e take_line(pay_reply_reader_t *reader,
    pay_str_t *line);
static pay_reply_code_e take_body(pay_reply_reader_t *reader);
static pay_reply_code_e fits(const pay_reply_reader_t *reader, size_t size);

static pay_reply_code_e read_status(pay_reply_reader_t *reader,
    pay_str_t line);
static pay_reply_code_e read_header(pay_reply_reader_t *reader,
    pay_str_t line);
static pay_reply_code_e read_head_end(pay_reply_reader_t *reader);
static pay_reply_code_e read_chunk_size(pay_reply_reader_t *reader,
    pay_str_t line);
static pay_reply_code_e read_chunk_end(pay_reply_reader_t *reader,
    pay_str_t line);
static pay_reply_code_e read_trailer(pay_reply_reader_t *reader,
    pay_str_t line);
static pay_reply_code_e read_framing(pay_reply_reader_t *reader,
    const pay_header_t *header);

static bool parse_header(pay_str_t line, pay_header_t *header);
static bool is_token_byte(unsigned char c);
static bool is_text(pay_str_t text);
static bool is_word(pay_str_t text, const char *lower_case);
static pay_str_t without_blanks(pay_str_t text);
static int hex_value(unsigned char c);


/* What the places that take a line do with it. */

static pay_reply_code_e (*const  line_readers[])(pay_reply_reader_t *reader,
    pay_str_t line) =
{
    [PAY_REPLY_STATUS] = read_status,
    [PAY_REPLY_HEADER] = read_header,
    [PAY_REPLY_CHUNK_SIZE] = read_chunk_size,
    [PAY_REPLY_CHUNK_END] = read_chunk_end,
    [PAY_REPLY_TRAILER] = read_trailer,
    [PAY_REPLY_END] = NULL
};


void
pay_reply_begin(pay_reply_reader_t *reader, unsigned char *data)
{
    memset(reader, 0, sizeof(pay_reply_reader_t));
    reader->data = data;
}


pay_reply_code_e
pay_reply_read(pay_reply_reader_t *reader, size_t size, bool closed)
{
    pay_str_t         line;
    pay_reply_code_e  code;

    assert(reader->code == PAY_REPLY_MORE);
    assert(size >= reader->size && size <= PAY_REPLY_SIZE_MAX);

    reader->size = size;
    code = PAY_REPLY_DONE;

    /* DONE: go on.  Each step uses a byte or changes the place. */

    while (code == PAY_REPLY_DONE && reader->place != PAY_REPLY_END) {

        if (line_readers[reader->place] == NULL) {
            code = take_body(reader);
            continue;
        }

        code = take_line(reader, &line);

        if (code == PAY_REPLY_DONE) {
            code = line_readers[reader->place](reader, line);
        }
    }

    if (code == PAY_REPLY_MORE && closed) {

        if (reader->place == PAY_REPLY_BODY_TO_CLOSE) {
            reader->place = PAY_REPLY_END;
            code = PAY_REPLY_DONE;

        } else {
            code = PAY_REPLY_CUT;
        }
    }

    if (code == PAY_REPLY_MORE && size == PAY_REPLY_SIZE_MAX) {
        code = PAY_REPLY_LARGE;
    }

    reader->code = code;

    return code;
}


void
pay_reply_get(const pay_reply_reader_t *reader, pay_reply_t *reply)
{
    assert(reader->code == PAY_REPLY_DONE);

    reply->status = reader->status;
    reply->headers = reader->headers;
    reply->header_count = reader->header_count;
    reply->body = pay_str(reader->data + reader->body, reader->body_size);
    reply->now_s = 0;
}


/* --- pieces -------------------------------------------------------------- */

/* MORE: there is no whole line yet. */

static pay_reply_code_e
take_line(pay_reply_reader_t *reader, pay_str_t *line)
{
    size_t                size;
    const unsigned char  *begin, *end;

    begin = reader->data + reader->used;
    end = memchr(begin + reader->searched, '\n',
                 reader->size - reader->used - reader->searched);

    if (end == NULL) {
        reader->searched = reader->size - reader->used;
        return PAY_REPLY_MORE;
    }

    size = (size_t) (end - begin);
    reader->used += size + 1;
    reader->searched = 0;

    if (size == 0 || end[-1] != '\r') {
        return PAY_REPLY_BAD;
    }

    *line = pay_str(begin, size - 1);

    return is_text(*line) ? PAY_REPLY_DONE : PAY_REPLY_BAD;
}


/* What is there of a body or a chunk goes behind what was before. */

static pay_reply_code_e
take_body(pay_reply_reader_t *reader)
{
    size_t  size;

    size = reader->size - reader->used;

    if (reader->place != PAY_REPLY_BODY_TO_CLOSE && size > reader->left) {
        size = reader->left;
    }

    if (reader->body + reader->body_size != reader->used) {
        memmove(reader->data + reader->body + reader->body_size,
                reader->data + reader->used, size);
    }

    reader->body_size += size;
    reader->used += size;

    if (reader->place == PAY_REPLY_BODY_TO_CLOSE) {
        return PAY_REPLY_MORE;
    }

    reader->left -= size;

    if (reader->left > 0) {
        return PAY_REPLY_MORE;
    }

    reader->place = reader->place == PAY_REPLY_CHUNK ? PAY_REPLY_CHUNK_END
                                                     : PAY_REPLY_END;

    return PAY_REPLY_DONE;
}


/* What was announced ends within the buffer, or it never can. */

static pay_reply_code_e
fits(const pay_reply_reader_t *reader, size_t size)
{
    return size <= PAY_REPLY_SIZE_MAX - reader->used ? PAY_REPLY_DONE
                                                     : PAY_REPLY_LARGE;
}


/* --- the head ------------------------------------------------------------ */

/* "HTTP/1.1 200 OK"; the reason may be empty, and its blank missing. */

static pay_reply_code_e
read_status(pay_reply_reader_t *reader, pay_str_t line)
{
    size_t                i;
    const unsigned char  *p;

    p = line.data;

    if (line.size < sizeof("HTTP/1.1 200") - 1
        || memcmp(p, "HTTP/1.", 7) != 0 || (p[7] != '0' && p[7] != '1')
        || p[8] != ' ' || (line.size > 12 && p[12] != ' '))
    {
        return PAY_REPLY_BAD;
    }

    reader->is_http_1_0 = p[7] == '0';
    reader->status = 0;

    for (i = 9; i < 12; i++) {

        if (p[i] < '0' || p[i] > '9') {
            return PAY_REPLY_BAD;
        }

        reader->status = reader->status * 10 + (unsigned) (p[i] - '0');
    }

    /* Nobody asked for another protocol. */

    if (reader->status < 100 || reader->status > 599
        || reader->status == 101)
    {
        return PAY_REPLY_BAD;
    }

    reader->place = PAY_REPLY_HEADER;

    return PAY_REPLY_DONE;
}


static pay_reply_code_e
read_header(pay_reply_reader_t *reader, pay_str_t line)
{
    pay_header_t  *header;

    if (line.size == 0) {
        return read_head_end(reader);
    }

    if (reader->header_count == PAY_HEADERS_MAX) {
        return PAY_REPLY_LARGE;
    }

    header = &reader->headers[reader->header_count];

    if (!parse_header(line, header)) {
        return PAY_REPLY_BAD;
    }

    reader->header_count++;

    return read_framing(reader, header);
}


/* The headers that say how the body is to be read. */

static pay_reply_code_e
read_framing(pay_reply_reader_t *reader, const pay_header_t *header)
{
    size_t  i;

    if (is_word(header->name, "content-encoding")) {
        return is_word(header->value, "identity") ? PAY_REPLY_DONE
                                                  : PAY_REPLY_BAD;
    }

    if (is_word(header->name, "transfer-encoding")) {

        if (reader->is_chunked || reader->is_http_1_0
            || !is_word(header->value, "chunked"))
        {
            return PAY_REPLY_BAD;
        }

        reader->is_chunked = true;
        return PAY_REPLY_DONE;
    }

    if (!is_word(header->name, "content-length")) {
        return PAY_REPLY_DONE;
    }

    if (reader->has_length || header->value.size == 0) {
        return PAY_REPLY_BAD;
    }

    reader->has_length = true;
    reader->length = 0;

    for (i = 0; i < header->value.size; i++) {

        if (header->value.data[i] < '0' || header->value.data[i] > '9') {
            return PAY_REPLY_BAD;
        }

        /* Larger than the buffer is all that is to be known of it. */

        if (reader->length <= PAY_REPLY_SIZE_MAX) {
            reader->length = reader->length * 10
                             + (size_t) (header->value.data[i] - '0');
        }
    }

    return PAY_REPLY_DONE;
}


static pay_reply_code_e
read_head_end(pay_reply_reader_t *reader)
{
    if (reader->is_chunked && reader->has_length) {
        return PAY_REPLY_BAD;
    }

    if (reader->status < 200) {
        reader->header_count = 0;
        reader->is_chunked = false;
        reader->has_length = false;
        reader->place = PAY_REPLY_STATUS;
        return PAY_REPLY_DONE;
    }

    reader->body = reader->used;

    if (reader->status == 204 || reader->status == 304) {
        reader->place = PAY_REPLY_END;
        return PAY_REPLY_DONE;
    }

    if (reader->is_chunked) {
        reader->place = PAY_REPLY_CHUNK_SIZE;
        return PAY_REPLY_DONE;
    }

    if (!reader->has_length) {
        reader->place = PAY_REPLY_BODY_TO_CLOSE;
        return PAY_REPLY_DONE;
    }

    reader->left = reader->length;
    reader->place = PAY_REPLY_BODY;

    return fits(reader, reader->left);
}


/* --- chunks -------------------------------------------------------------- */

/* Hex digits, and perhaps extensions, which everybody leaves out. */

static pay_reply_code_e
read_chunk_size(pay_reply_reader_t *reader, pay_str_t line)
{
    int     value;
    size_t  i;

    reader->left = 0;

    for (i = 0; i < line.size && i < CHUNK_DIGITS_MAX; i++) {
        value = hex_value(line.data[i]);

        if (value == -1) {
            break;
        }

        reader->left = reader->left * 16 + (size_t) value;
    }

    if (i == 0 || (i < line.size && line.data[i] != ';')) {
        return PAY_REPLY_BAD;
    }

    if (reader->left == 0) {
        reader->place = PAY_REPLY_TRAILER;
        return PAY_REPLY_DONE;
    }

    reader->place = PAY_REPLY_CHUNK;

    return fits(reader, reader->left);
}


static pay_reply_code_e
read_chunk_end(pay_reply_reader_t *reader, pay_str_t line)
{
    if (line.size != 0) {
        return PAY_REPLY_BAD;
    }

    reader->place = PAY_REPLY_CHUNK_SIZE;

    return PAY_REPLY_DONE;
}


static pay_reply_code_e
read_trailer(pay_reply_reader_t *reader, pay_str_t line)
{
    pay_header_t  dropped;

    if (line.size == 0) {
        reader->place = PAY_REPLY_END;
        return PAY_REPLY_DONE;
    }

    if (reader->trailer_count++ == PAY_HEADERS_MAX) {
        return PAY_REPLY_LARGE;
    }

    return parse_header(line, &dropped) ? PAY_REPLY_DONE : PAY_REPLY_BAD;
}


/* --- text ---------------------------------------------------------------- */

/* A line that begins with a blank goes on with the one before, in old HTTP:
 * here its name is no name. */

static bool
parse_header(pay_str_t line, pay_header_t *header)
{
    size_t  i;

    for (i = 0; i < line.size && is_token_byte(line.data[i]); i++) {
        /* the name */
    }

    if (i == 0 || i == line.size || line.data[i] != ':') {
        return false;
    }

    header->name = pay_str(line.data, i);
    header->value = without_blanks(pay_str(line.data + i + 1,
                                           line.size - i - 1));

    return true;
}


static bool
is_token_byte(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
           || (c >= 'a' && c <= 'z')
           || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}


/* Tabs are the only control characters that a line may hold. */

static bool
is_text(pay_str_t text)
{
    size_t  i;

    for (i = 0; i < text.size; i++) {
        if ((text.data[i] < ' ' && text.data[i] != '\t')
            || text.data[i] == 0x7f)
        {
            return false;
        }
    }

    return true;
}


/* The words that frame a reply come in any letter case, as names do. */

static bool
is_word(pay_str_t text, const char *lower_case)
{
    pay_str_t     value;
    pay_header_t  header;

    header = (pay_header_t) { text, PAY_STR("") };

    return pay_header_find(&header, 1, lower_case, &value);
}


static pay_str_t
without_blanks(pay_str_t text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text = pay_str(text.data + 1, text.size - 1);
    }

    while (text.size > 0 && (text.data[text.size - 1] == ' '
                             || text.data[text.size - 1] == '\t'))
    {
        text.size--;
    }

    return text;
}


static int
hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }

    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

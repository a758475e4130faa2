/*
 * Fuzzes the reader of replies.  Build with
 * clang -fsanitize=fuzzer,address,undefined; seeds in corpus/http.
 *
 * The first byte of the input says in which pieces the rest comes.  Whatever
 * comes: the result is the same as of the whole; what is handed out lies in
 * the buffer, within what came, and keeps to the grammar; and the same body
 * framed anew, by length and in chunks, reads the same.
 */

#include "../../ngx_module/pay/reply.h"
#include "must.h"


static unsigned char  whole[PAY_REPLY_SIZE_MAX];
static unsigned char  pieces[PAY_REPLY_SIZE_MAX];
static unsigned char  again[PAY_REPLY_SIZE_MAX];


static pay_reply_code_e
read_all(pay_reply_reader_t *reader, unsigned char *data, fuzz_input_t in,
    size_t step)
{
    size_t            there, next;
    pay_reply_code_e  code;

    memset(data, 0, PAY_REPLY_SIZE_MAX);
    pay_reply_begin(reader, data);
    there = 0;
    code = PAY_REPLY_MORE;

    while (code == PAY_REPLY_MORE && there < in.size) {
        next = in.size - there < step ? in.size : there + step;
        memcpy(data + there, in.data + there, next - there);
        there = next;
        code = pay_reply_read(reader, there, false);
    }

    if (code == PAY_REPLY_MORE) {
        code = pay_reply_read(reader, there, true);
    }

    MUST(code != PAY_REPLY_MORE);

    return code;
}


static void
check_inside(const unsigned char *data, size_t size, pay_str_t part)
{
    MUST(part.data >= data && part.data <= data + size);
    MUST(part.size <= (size_t) (data + size - part.data));
}


static void
check_reply(const unsigned char *data, size_t size, const pay_reply_t *reply)
{
    size_t     i, j;
    pay_str_t  name, value;

    MUST(reply->status >= 200 && reply->status <= 599);
    MUST(reply->header_count <= PAY_HEADERS_MAX);
    check_inside(data, size, reply->body);

    for (i = 0; i < reply->header_count; i++) {
        name = reply->headers[i].name;
        value = reply->headers[i].value;
        check_inside(data, size, name);
        check_inside(data, size, value);
        MUST(name.size > 0);
        MUST(name.data < reply->body.data);

        for (j = 0; j < name.size; j++) {
            MUST(name.data[j] > ' ' && name.data[j] < 0x7f);
            MUST(strchr("\"(),/:;<=>?@[\\]{}", name.data[j]) == NULL);
        }

        for (j = 0; j < value.size; j++) {
            MUST(value.data[j] >= ' ' || value.data[j] == '\t');
        }

        MUST(value.size == 0 || value.data[0] != ' ');
        MUST(value.size == 0 || value.data[value.size - 1] != ' ');
    }
}


static void
check_same(const pay_reply_t *one, const pay_reply_t *other)
{
    size_t  i;

    MUST(one->status == other->status);
    MUST(one->header_count == other->header_count);
    MUST(pay_str_eq(one->body, other->body));

    for (i = 0; i < one->header_count; i++) {
        MUST(pay_str_eq(one->headers[i].name, other->headers[i].name));
        MUST(pay_str_eq(one->headers[i].value, other->headers[i].value));
    }
}


/* The body alone, written by the simplest means. */

static void
check_again(pay_str_t body, size_t chunk)
{
    size_t              i, size, part;
    pay_reply_t         reply;
    fuzz_input_t        in;
    pay_reply_reader_t  reader;

    static char  text[4 * PAY_REPLY_SIZE_MAX];

    if (chunk == 0) {
        size = (size_t) sprintf(text, "HTTP/1.1 200 OK\r\n"
                                "Content-Length: %zu\r\n\r\n", body.size);
        memcpy(text + size, body.data, body.size);
        size += body.size;

    } else {
        size = (size_t) sprintf(text, "HTTP/1.1 200 OK\r\n"
                                "Transfer-Encoding: chunked\r\n\r\n");

        for (i = 0; i < body.size; i += part) {
            part = body.size - i < chunk ? body.size - i : chunk;
            size += (size_t) sprintf(text + size, "%zx\r\n", part);
            memcpy(text + size, body.data + i, part);
            size += part;
            size += (size_t) sprintf(text + size, "\r\n");

            if (size > PAY_REPLY_SIZE_MAX) {
                return;
            }
        }

        size += (size_t) sprintf(text + size, "0\r\n\r\n");
    }

    if (size > PAY_REPLY_SIZE_MAX) {
        return;
    }

    in = (fuzz_input_t) { (const uint8_t *) text, size };
    MUST(read_all(&reader, again, in, 1 + chunk * 3) == PAY_REPLY_DONE);
    pay_reply_get(&reader, &reply);
    MUST(pay_str_eq(reply.body, body));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t              step;
    pay_reply_t         reply, other;
    fuzz_input_t        in = { data, size };
    pay_reply_code_e    code;
    pay_reply_reader_t  reader, slow;

    step = 1 + fuzz_take(&in, 1) % 64;

    if (in.size > PAY_REPLY_SIZE_MAX) {
        in.size = PAY_REPLY_SIZE_MAX;
    }

    code = read_all(&reader, whole, in, PAY_REPLY_SIZE_MAX);
    MUST(read_all(&slow, pieces, in, step) == code);

    if (code != PAY_REPLY_DONE) {
        return 0;
    }

    pay_reply_get(&reader, &reply);
    pay_reply_get(&slow, &other);
    check_reply(whole, in.size, &reply);
    check_same(&reply, &other);
    check_again(reply.body, 0);
    check_again(reply.body, step);

    return 0;
}

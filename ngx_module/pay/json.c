/*
 * A strict reader of JSON.
 *
 * By recursive descent, no deeper than PAY_JSON_DEPTH_MAX.  UTF-8 is checked
 * once over the whole text, so that from then on a sequence is known to be
 * whole.
 */

#include "json_priv.h"

#include "utf8.h"

#include <assert.h>


typedef struct {
    const unsigned char  *at;
    const unsigned char  *end;
    pay_json_token_t     *tokens;
    size_t                token_count;
    size_t                token_count_max;
    unsigned              depth;
} reader_t;


static pay_json_code_e read_value(reader_t *reader);
static pay_json_code_e read_object(reader_t *reader);
static pay_json_code_e read_array(reader_t *reader);
static pay_json_code_e read_string(reader_t *reader);
static pay_json_code_e read_scalar(reader_t *reader);
static bool skip_number(reader_t *reader);
static bool skip_digits(reader_t *reader);
static bool skip_escape(reader_t *reader);
static bool skip_word(reader_t *reader, const char *word);
static bool skip_byte(reader_t *reader, unsigned char c);
static void skip_blanks(reader_t *reader);
static pay_json_token_t *add(reader_t *reader, pay_json_type_e type);
static void finish(reader_t *reader, pay_json_token_t *token);
static bool has_twin(const pay_json_token_t *object,
    const pay_json_token_t *last);
static bool same_text(const pay_json_token_t *a, const pay_json_token_t *b);


pay_json_code_e
pay_json_read(pay_str_t text, pay_json_token_t *tokens,
    size_t token_count_max, size_t *wrong)
{
    reader_t         reader;
    pay_json_code_e  code;

    reader = (reader_t) { text.data, text.data, tokens, 0, token_count_max,
                          0 };
    code = PAY_JSON_MALFORMED;

    if (text.size > PAY_JSON_SIZE_MAX) {
        code = PAY_JSON_TOO_LARGE;

    } else if (!pay_utf8_valid(text)) {
        code = PAY_JSON_UTF8;
        reader.at += pay_utf8_prefix(text);

    } else if (text.size > 0) {
        reader.end += text.size;
        code = read_value(&reader);
        skip_blanks(&reader);

        if (code == PAY_JSON_OK && reader.at < reader.end) {
            code = PAY_JSON_TRAILING;
        }
    }

    if (code != PAY_JSON_OK && wrong != NULL) {
        *wrong = (size_t) (reader.at - text.data);
    }

    return code;
}


static pay_json_code_e
read_value(reader_t *reader)
{
    pay_json_code_e  code;

    skip_blanks(reader);

    if (reader->at == reader->end) {
        return PAY_JSON_MALFORMED;
    }

    if (reader->depth == PAY_JSON_DEPTH_MAX
        && (*reader->at == '{' || *reader->at == '['))
    {
        return PAY_JSON_TOO_DEEP;
    }

    if (reader->token_count == reader->token_count_max) {
        return PAY_JSON_TOO_LARGE;
    }

    reader->depth++;

    switch (*reader->at) {

    case '{':
        code = read_object(reader);
        break;

    case '[':
        code = read_array(reader);
        break;

    case '"':
        code = read_string(reader);
        break;

    default:
        code = read_scalar(reader);
    }

    reader->depth--;

    return code;
}


static pay_json_code_e
read_object(reader_t *reader)
{
    unsigned           member_count;
    pay_json_code_e    code;
    pay_json_token_t  *object, *name;

    member_count = 0;
    object = add(reader, PAY_JSON_OBJECT);
    reader->at++;
    skip_blanks(reader);

    if (!skip_byte(reader, '}')) {
        do {
            skip_blanks(reader);

            if (reader->token_count == reader->token_count_max
                || member_count++ == PAY_JSON_MEMBERS_MAX)
            {
                return PAY_JSON_TOO_LARGE;
            }

            name = &reader->tokens[reader->token_count];
            code = read_string(reader);

            if (code != PAY_JSON_OK) {
                return code;
            }

            if (has_twin(object, name)) {
                return PAY_JSON_DUPLICATE;
            }

            skip_blanks(reader);

            if (!skip_byte(reader, ':')) {
                return PAY_JSON_MALFORMED;
            }

            code = read_value(reader);

            if (code != PAY_JSON_OK) {
                return code;
            }

            skip_blanks(reader);
        } while (skip_byte(reader, ','));

        if (!skip_byte(reader, '}')) {
            return PAY_JSON_MALFORMED;
        }
    }

    finish(reader, object);

    return PAY_JSON_OK;
}


static pay_json_code_e
read_array(reader_t *reader)
{
    pay_json_code_e    code;
    pay_json_token_t  *array;

    array = add(reader, PAY_JSON_ARRAY);
    reader->at++;
    skip_blanks(reader);

    if (!skip_byte(reader, ']')) {
        do {
            code = read_value(reader);

            if (code != PAY_JSON_OK) {
                return code;
            }

            skip_blanks(reader);
        } while (skip_byte(reader, ','));

        if (!skip_byte(reader, ']')) {
            return PAY_JSON_MALFORMED;
        }
    }

    finish(reader, array);

    return PAY_JSON_OK;
}


static pay_json_code_e
read_string(reader_t *reader)
{
    unsigned char      c;
    pay_json_token_t  *token;

    token = add(reader, PAY_JSON_STRING);

    if (!skip_byte(reader, '"')) {
        return PAY_JSON_MALFORMED;
    }

    while (!skip_byte(reader, '"')) {

        if (reader->at == reader->end) {
            return PAY_JSON_MALFORMED;
        }

        c = *reader->at++;

        if (c < 0x20) {
            return PAY_JSON_MALFORMED;
        }

        if (c == '\\') {
            token->escaped = true;

            if (!skip_escape(reader)) {
                return PAY_JSON_MALFORMED;
            }
        }
    }

    finish(reader, token);

    return PAY_JSON_OK;
}


/* Behind the backslash.  Half of a surrogate pair is no character. */

static bool
skip_escape(reader_t *reader)
{
    uint32_t       unit;
    unsigned char  c;

    if (reader->at == reader->end) {
        return false;
    }

    c = *reader->at++;

    if (c != 'u') {
        return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
    }

    if (reader->end - reader->at < 4) {
        return false;
    }

    unit = pay_json_hex(reader->at);
    reader->at += 4;

    if (unit >= 0xd800 && unit <= 0xdbff) {
        if (reader->end - reader->at < 6 || reader->at[0] != '\\'
            || reader->at[1] != 'u')
        {
            return false;
        }

        unit = pay_json_hex(reader->at + 2);
        reader->at += 6;

        return unit >= 0xdc00 && unit <= 0xdfff;
    }

    return unit < 0xdc00 || (unit > 0xdfff && unit <= 0xffff);
}


static pay_json_code_e
read_scalar(reader_t *reader)
{
    bool               right;
    pay_json_token_t  *token;

    token = add(reader, PAY_JSON_NUMBER);

    switch (*reader->at) {

    case 't':
        token->type = PAY_JSON_TRUE;
        right = skip_word(reader, "true");
        break;

    case 'f':
        token->type = PAY_JSON_FALSE;
        right = skip_word(reader, "false");
        break;

    case 'n':
        token->type = PAY_JSON_NULL;
        right = skip_word(reader, "null");
        break;

    default:
        right = skip_number(reader);
    }

    if (!right) {
        return PAY_JSON_MALFORMED;
    }

    finish(reader, token);

    return PAY_JSON_OK;
}


/* A zero before another digit needs no check: what follows it is then neither
 * a comma nor an end, and is refused as such. */

static bool
skip_number(reader_t *reader)
{
    (void) skip_byte(reader, '-');

    if (!skip_byte(reader, '0') && !skip_digits(reader)) {
        return false;
    }

    if (skip_byte(reader, '.') && !skip_digits(reader)) {
        return false;
    }

    if (!skip_byte(reader, 'e') && !skip_byte(reader, 'E')) {
        return true;
    }

    if (!skip_byte(reader, '+')) {
        (void) skip_byte(reader, '-');
    }

    return skip_digits(reader);
}


/* One or more. */

static bool
skip_digits(reader_t *reader)
{
    const unsigned char  *start;

    start = reader->at;

    while (reader->at < reader->end && pay_json_digit(*reader->at)) {
        reader->at++;
    }

    return reader->at > start;
}


static bool
skip_word(reader_t *reader, const char *word)
{
    size_t  size;

    size = strlen(word);

    if ((size_t) (reader->end - reader->at) < size
        || memcmp(reader->at, word, size) != 0)
    {
        return false;
    }

    reader->at += size;

    return true;
}


static bool
skip_byte(reader_t *reader, unsigned char c)
{
    if (reader->at == reader->end || *reader->at != c) {
        return false;
    }

    reader->at++;

    return true;
}


static void
skip_blanks(reader_t *reader)
{
    while (reader->at < reader->end
           && (*reader->at == ' ' || *reader->at == '\t'
               || *reader->at == '\n' || *reader->at == '\r'))
    {
        reader->at++;
    }
}


static pay_json_token_t *
add(reader_t *reader, pay_json_type_e type)
{
    pay_json_token_t  *token;

    assert(reader->token_count < reader->token_count_max);

    token = &reader->tokens[reader->token_count++];
    *token = (pay_json_token_t) { .raw = pay_str(reader->at, 0),
                                  .type = type };

    return token;
}


/* The value ends here: it spans its own token and all that came since. */

static void
finish(reader_t *reader, pay_json_token_t *token)
{
    token->raw.size = (size_t) (reader->at - token->raw.data);
    token->span = (uint32_t) (reader->tokens + reader->token_count - token);
}


/* Another name before last that says the same; every member before it is
 * whole. */

static bool
has_twin(const pay_json_token_t *object, const pay_json_token_t *last)
{
    const pay_json_token_t  *name;

    for (name = object + 1; name < last; name += 1 + name[1].span) {
        if (same_text(name, last)) {
            return true;
        }
    }

    return false;
}


static bool
same_text(const pay_json_token_t *a, const pay_json_token_t *b)
{
    pay_str_t  text, other;

    if (!a->escaped && !b->escaped) {
        return pay_str_eq(a->raw, b->raw);
    }

    text = pay_json_inside(a);
    other = pay_json_inside(b);

    while (text.size > 0 && other.size > 0) {
        if (pay_json_point(&text) != pay_json_point(&other)) {
            return false;
        }
    }

    return text.size == 0 && other.size == 0;
}

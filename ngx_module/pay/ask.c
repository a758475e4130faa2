/*
 * Words of questions and answers, headers by name, and the text of a started
 * payment: "BY REF ADDRESS", with "-" for a REF that is not there.
 */

#include "ask.h"

#include <assert.h>
#include <string.h>


static const char *const  ask_words[PAY_ASK_COUNT] = {
#define X(name, word)  word,
    PAY_ASKS(X)
#undef X
};

static const char *const  answer_words[PAY_ANSWER_COUNT] = {
#define X(name, word, text)  word,
    PAY_ANSWERS(X)
#undef X
};

static const char *const  by_words[PAY_BY_COUNT] = { "redirect", "qr" };


static bool is_header(pay_str_t name, const char *lower_case);
static bool is_visible(pay_str_t text);
static pay_str_t cut_word(pay_str_t *text);


const char *
pay_ask_word(pay_ask_e what)
{
    assert(what < PAY_ASK_COUNT);

    return ask_words[what];
}


const char *
pay_answer_word(pay_answer_e code)
{
    assert(code < PAY_ANSWER_COUNT);

    return answer_words[code];
}


const char *
pay_by_word(pay_by_e by)
{
    assert(by < PAY_BY_COUNT);

    return by_words[by];
}


bool
pay_header_find(const pay_header_t *headers, size_t header_count,
    const char *name, pay_str_t *value)
{
    size_t  i;

    if (pay_header_count(headers, header_count, name) != 1) {
        return false;
    }

    i = 0;

    while (!is_header(headers[i].name, name)) {
        i++;
    }

    *value = headers[i].value;

    return true;
}


size_t
pay_header_count(const pay_header_t *headers, size_t header_count,
    const char *name)
{
    size_t  i, count;

    count = 0;

    for (i = 0; i < header_count; i++) {
        count += is_header(headers[i].name, name);
    }

    return count;
}


static bool
is_header(pay_str_t name, const char *lower_case)
{
    size_t         i;
    unsigned char  c;

    if (name.size != strlen(lower_case)) {
        return false;
    }

    for (i = 0; i < name.size; i++) {
        c = name.data[i];

        if (c >= 'A' && c <= 'Z') {
            c += 'a' - 'A';
        }

        if (c != (unsigned char) lower_case[i]) {
            return false;
        }
    }

    return true;
}


bool
pay_started_write(const pay_started_t *started,
    unsigned char text[PAY_STARTED_SIZE_MAX], size_t *size)
{
    size_t          i;
    unsigned char  *p;
    pay_str_t       words[3];

    words[0] = pay_text(pay_by_word(started->by));
    words[1] = pay_text(started->ref[0] != '\0' ? started->ref : "-");
    words[2] = pay_text(started->address);

    p = text;

    for (i = 0; i < 3; i++) {

        if (!is_visible(words[i])) {
            return false;
        }

        if (i != 0) {
            *p++ = ' ';
        }

        memcpy(p, words[i].data, words[i].size);
        p += words[i].size;
    }

    *size = (size_t) (p - text);

    return true;
}

_Static_assert(sizeof("redirect") + PAY_REF_SIZE_MAX + 1
               + PAY_ADDRESS_SIZE_MAX <= PAY_STARTED_SIZE_MAX,
               "a started payment fits");


bool
pay_started_read(pay_started_t *started, pay_str_t text)
{
    pay_str_t  by, ref;

    by = cut_word(&text);
    ref = cut_word(&text);

    memset(started, 0, sizeof(pay_started_t));

    while (!pay_str_eq(by, pay_text(by_words[started->by]))) {
        if (++started->by == PAY_BY_COUNT) {
            return false;
        }
    }

    if (!is_visible(ref) || ref.size > PAY_REF_SIZE_MAX
        || !is_visible(text) || text.size > PAY_ADDRESS_SIZE_MAX)
    {
        return false;
    }

    if (!pay_str_eq(ref, pay_text("-"))) {
        memcpy(started->ref, ref.data, ref.size);
    }

    memcpy(started->address, text.data, text.size);

    return true;
}


/* Up to the next blank, which goes with it. */

static pay_str_t
cut_word(pay_str_t *text)
{
    size_t     i;
    pay_str_t  word;

    i = 0;

    while (i < text->size && text->data[i] != ' ') {
        i++;
    }

    word = pay_str(text->data, i);
    i += i < text->size;
    *text = pay_str(text->data + i, text->size - i);

    return word;
}


static bool
is_visible(pay_str_t text)
{
    size_t  i;

    for (i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f) {
            return false;
        }
    }

    return text.size != 0;
}

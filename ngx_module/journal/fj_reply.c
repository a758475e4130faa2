/*
 * Replies: questions about a tree whose every type and size was chosen by the
 * other side; and log lines, in which its words may stand.  Nothing here
 * looks beyond a text's size or into a type that is not there.
 */

#include <stdarg.h>
#include <stdio.h>

#include "fj_priv.h"


int
fj_reply_is(const fj_reply_t *reply, const char *text)
{
    size_t  size;

    size = strlen(text);

    return (reply->type == FJ_REPLY_STRING || reply->type == FJ_REPLY_STATUS)
           && reply->size == size && memcmp(reply->text, text, size) == 0;
}


int
fj_reply_ok(const fj_reply_t *reply)
{
    return reply->type == FJ_REPLY_STATUS && fj_reply_is(reply, "OK");
}


int
fj_reply_error(const fj_reply_t *reply, const char *prefix)
{
    size_t  size;

    size = strlen(prefix);

    return reply->type == FJ_REPLY_ERROR && reply->size >= size
           && memcmp(reply->text, prefix, size) == 0;
}


int
fj_reply_says(const fj_reply_t *reply, const char *words)
{
    size_t  i, size;

    if (reply->type != FJ_REPLY_ERROR) {
        return 0;
    }

    size = strlen(words);

    for (i = 0; i + size <= reply->size; i++) {
        if (memcmp(reply->text + i, words, size) == 0) {
            return 1;
        }
    }

    return 0;
}


const fj_reply_t *
fj_reply_field(const fj_reply_t *reply, const char *name)
{
    size_t  i;

    if (reply->type != FJ_REPLY_ARRAY) {
        return NULL;
    }

    for (i = 0; i + 1 < reply->count; i += 2) {
        if (fj_reply_is(&reply->item[i], name)) {
            return &reply->item[i + 1];
        }
    }

    return NULL;
}


int
fj_digits(const char **p, const char *last, unsigned base, uint64_t *number)
{
    static const char  digits[] = "0123456789abcdef";

    uint64_t     value;
    const char  *first, *digit;

    *number = 0;

    for (first = *p; *p < last; (*p)++) {
        digit = memchr(digits, **p, base);

        if (digit == NULL) {
            break;
        }

        value = (uint64_t) (digit - digits);

        if (*number > (UINT64_MAX - value) / base) {
            return 0;
        }

        *number = *number * base + value;
    }

    return *p > first;
}


int
fj_number_read(const fj_reply_t *reply, uint64_t *number)
{
    const char  *p, *last;

    if (reply->type != FJ_REPLY_STRING || reply->size == 0) {
        return 0;
    }

    p = reply->text;
    last = p + reply->size;

    return fj_digits(&p, last, 10, number) && p == last;
}


void
fj_say(fj_link_t *link, fj_log_t level, const char *fmt, ...)
{
    int      head, body;
    char     line[FJ_LOG_SIZE];
    size_t   i;
    va_list  args;

    head = snprintf(line, sizeof(line), "faka: shop \"%s\"",
                    link->conf->shop);
    assert(head > 0 && (size_t) head < sizeof(line));

    va_start(args, fmt);
    body = vsnprintf(line + head, sizeof(line) - (size_t) head, fmt, args);
    va_end(args);
    assert(body >= 0);

    /* Words of Redis must not write lines of their own into the log. */
    for (i = 0; line[i] != '\0'; i++) {
        if ((unsigned char) line[i] < 0x20 || line[i] == 0x7f) {
            line[i] = '?';
        }
    }

    link->shell->log(link->data, level, line);
}

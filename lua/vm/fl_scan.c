/*
 * The literals of a file, before LuaJIT reads it: one of more than
 * FL_STRING_MAX bytes would be a string that is larger than any that rules can
 * make, see fl_vm.c.  What is no Lua is left for the parser to say.
 *
 * The bytes between the quotes are counted, escapes as they are written: the
 * string is never longer than that.
 */

#include "fl_priv.h"


typedef struct {
    const uint8_t  *at;
    const uint8_t  *end;
} fl_source_t;


static int fl_scan_at(const fl_source_t *s, size_t ahead);
static void fl_scan_line(fl_source_t *s);
static void fl_scan_header(fl_source_t *s);
static void fl_scan_comment(fl_source_t *s);
static size_t fl_scan_quoted(fl_source_t *s);
static int fl_scan_long(fl_source_t *s, size_t *length);
static void fl_scan_escape(fl_source_t *s);


uint32_t
fl_scan(const uint8_t *source, size_t size)
{
    size_t          length;
    uint32_t        line;
    fl_source_t     s = { source, source + size };
    const uint8_t  *began;

    fl_scan_header(&s);

    while (s.at < s.end) {
        began = s.at;
        length = 0;

        switch (*s.at) {
        case '-':
            fl_scan_comment(&s);
            break;
        case '"':
        case '\'':
            length = fl_scan_quoted(&s);
            break;
        case '[':
            if (!fl_scan_long(&s, &length)) {
                s.at++;
            }
            break;
        default:
            s.at++;
        }

        if (length > FL_STRING_MAX) {
            for (line = 1; began > source; began--) {
                line += began[-1] == '\n';
            }

            return line;
        }
    }

    return 0;
}


/* -1: the file is over. */

static int
fl_scan_at(const fl_source_t *s, size_t ahead)
{
    return (size_t) (s->end - s->at) > ahead ? s->at[ahead] : -1;
}


static void
fl_scan_line(fl_source_t *s)
{
    while (s->at < s->end && *s->at != '\n' && *s->at != '\r') {
        s->at++;
    }
}


/* What LuaJIT passes over at the beginning: a mark of UTF-8, a "#!" line. */

static void
fl_scan_header(fl_source_t *s)
{
    if (fl_scan_at(s, 0) == 0xef && fl_scan_at(s, 1) == 0xbb
        && fl_scan_at(s, 2) == 0xbf)
    {
        s->at += 3;
    }

    if (fl_scan_at(s, 0) == '#') {
        fl_scan_line(s);
    }
}


static void
fl_scan_comment(fl_source_t *s)
{
    size_t  length;

    if (fl_scan_at(s, 1) != '-') {
        s->at++;
        return;
    }

    s->at += 2;

    if (fl_scan_at(s, 0) != '[' || !fl_scan_long(s, &length)) {
        fl_scan_line(s);
    }
}


static size_t
fl_scan_quoted(fl_source_t *s)
{
    uint8_t         quote = *s->at++;
    const uint8_t  *began = s->at;

    while (s->at < s->end && *s->at != quote && *s->at != '\n'
           && *s->at != '\r')
    {
        if (*s->at == '\\') {
            fl_scan_escape(s);
        } else {
            s->at++;
        }
    }

    /* Behind the quote, or the end of a line, which is an error. */
    s->at += s->at < s->end;

    return (size_t) (s->at - began) - (s->at > began && s->at[-1] == quote);
}


/* A line's end of two bytes is one, and \z passes over many. */

static void
fl_scan_escape(fl_source_t *s)
{
    int  c, next;

    c = fl_scan_at(s, 1);
    next = fl_scan_at(s, 2);
    s->at += c == -1 ? 1 : 2;

    if ((c == '\r' && next == '\n') || (c == '\n' && next == '\r')) {
        s->at++;
    }

    if (c == 'z') {
        while (s->at < s->end && (*s->at == ' ' || (*s->at >= '\t'
                                                    && *s->at <= '\r')))
        {
            s->at++;
        }
    }
}


/* [[, [=[ and so on, to its end; 0: it is none, and nothing was passed. */

static int
fl_scan_long(fl_source_t *s, size_t *length)
{
    size_t          i, level;
    const uint8_t  *began;

    level = 0;

    while (fl_scan_at(s, 1 + level) == '=') {
        level++;
    }

    if (fl_scan_at(s, 1 + level) != '[') {
        return 0;
    }

    s->at += 2 + level;
    began = s->at;

    while (s->at < s->end) {

        if (*s->at != ']') {
            s->at++;
            continue;
        }

        for (i = 1; fl_scan_at(s, i) == '='; i++) {
            /* void */
        }

        if (i - 1 == level && fl_scan_at(s, i) == ']') {
            *length = (size_t) (s->at - began);
            s->at += i + 1;
            return 1;
        }

        s->at += i;
    }

    *length = (size_t) (s->at - began);

    return 1;
}

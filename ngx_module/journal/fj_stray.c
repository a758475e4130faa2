/*
 * Strays: the scripts, and what they answer.
 *
 * A page of them is one text, not an array: how many HSCAN gives is Redis' to
 * decide, and a shell may refuse an array of too many items.
 */

#include "fj_priv.h"
#include "fj_stray.h"


/* KEYS: the hash, that of what is settled; ARGV: field, text, the most that
 * are kept, how long it is known what was settled. */

static const char *const  fj_stray_scripts[FJ_STRAY_DO_COUNT] = {
    [FJ_STRAY_KEEP] =
        "local n = redis.call('HLEN', KEYS[1])\n"
        "if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then"
        " return '2 ' .. n end\n"
        "if n >= tonumber(ARGV[3])"
        " and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then"
        " return '0 ' .. n end\n"
        "return '1 ' .. n"
        " + redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])",

    [FJ_STRAY_DROP] =
        "local n = redis.call('HDEL', KEYS[1], ARGV[1])\n"
        "return n .. ' ' .. redis.call('HLEN', KEYS[1])",

    [FJ_STRAY_SETTLE] =
        /* It goes last: a right that is missing before that changes nothing
         * that it would have to take back. */
        "local n = redis.call('HEXISTS', KEYS[1], ARGV[1])\n"
        "if n == 1 then\n"
        "if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[3]) then"
        " redis.call('UNLINK', KEYS[2]) end\n"
        "redis.call('HSET', KEYS[2], ARGV[1], 1)\n"
        "redis.call('EXPIRE', KEYS[2], ARGV[4])\n"
        "redis.call('HDEL', KEYS[1], ARGV[1])\n"
        "end\n"
        "return n .. ' ' .. redis.call('HLEN', KEYS[1])",

    [FJ_STRAY_COUNT] =
        "return '1 ' .. redis.call('HLEN', KEYS[1])",

    [FJ_STRAY_LIST] =
        "local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', 64)\n"
        "return page[1] .. '\\n' .. table.concat(page[2], '\\n')"
};


void
fj_stray_words(fj_words_t *words, char keys[2][FJ_KEY_SIZE],
    const fj_conf_t *conf, const fj_stray_t *stray)
{
    assert(stray->what < FJ_STRAY_DO_COUNT);

    (void) fj_key(keys[0], conf, "strays", NULL);
    (void) fj_key(keys[1], conf, "settled", NULL);

    words->argc = 0;
    fj_words_text(words, "EVAL");
    fj_words_text(words, fj_stray_scripts[stray->what]);
    fj_words_text(words, "2");
    fj_words_text(words, keys[0]);
    fj_words_text(words, keys[1]);
    fj_words_text(words, stray->field);
    fj_words_text(words, stray->text);
    fj_words_text(words, FJ_STRAYS_MAX);
    fj_words_text(words, FJ_STRAY_SETTLED_S);
}


int
fj_stray_read(const char *text, size_t size, uint64_t *done, uint64_t *count)
{
    const char  *p, *last;

    p = text;
    last = text + size;

    if (!fj_digits(&p, last, 10, done) || p == last || *p != ' ') {
        return 0;
    }

    p++;

    return fj_digits(&p, last, 10, count) && p == last;
}


int
fj_stray_line(const char **text, size_t *size, const char **line,
    size_t *line_size)
{
    const char  *end;

    if (*size == 0) {
        return 0;
    }

    *line = *text;
    end = memchr(*text, '\n', *size);
    *line_size = end != NULL ? (size_t) (end - *text) : *size;

    *text += *line_size;
    *size -= *line_size;

    if (end != NULL) {
        (*text)++;
        (*size)--;
    }

    return 1;
}

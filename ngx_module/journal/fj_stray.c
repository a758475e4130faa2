/*
 * Strays: the scripts, and what they answer.
 *
 * A page of them is one text, not an array: how many HSCAN gives is Redis' to
 * decide, and a shell may refuse an array of too many items.
 */

#include "fj_priv.h"
#include "fj_stray.h"

#include <stdio.h>


/*
 * KEYS: the hash, that of what is settled, the snapshots' index, the journal;
 * ARGV: field, text, the most that are kept, how long it is known what was
 * settled, our epoch.
 *
 * A server that another one has replaced, and that has not heard of it, does
 * not know the orders of that one.  Their payments are no strays: KEEP looks
 * at the epoch of the index, to which each takeover writes, or of the journal,
 * as what is written to the archive does.  Without both, money is kept.  An
 * empty text is all of that, but the keeping.
 */

static const char *const  fj_stray_scripts[FJ_STRAY_DO_COUNT] = {
    [FJ_STRAY_KEEP] =
        "local n = redis.call('HLEN', KEYS[1])\n"
        "local function top(key)\n"
        "local info = redis.pcall('XINFO', 'STREAM', key)\n"
        "for i = 1, #info, 2 do if info[i] == 'last-generated-id' then"
        " return string.match(info[i + 1], '^%d+') end end end\n"
        "local top = top(KEYS[3]) or top(KEYS[4]) or ''\n"
        "if #top > #ARGV[5] or #top == #ARGV[5] and top > ARGV[5] then"
        " return '3 ' .. n end\n"
        "if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then"
        " return '2 ' .. n end\n"
        "if n >= tonumber(ARGV[3])"
        " and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0"
        " or ARGV[2] == '' then return '0 ' .. n end\n"
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
fj_stray_words(fj_words_t *words, fj_stray_room_t *room,
    const fj_conf_t *conf, const fj_stray_t *stray)
{
    unsigned  i;

    static const char *const  names[FJ_STRAY_KEYS] = {
        "strays", "settled", "snapshots", "journal"
    };

    assert(stray->what < FJ_STRAY_DO_COUNT);

    (void) snprintf(room->epoch, sizeof(room->epoch), "%" PRIu64,
                    stray->epoch);

    words->argc = 0;
    fj_words_text(words, "EVAL");
    fj_words_text(words, fj_stray_scripts[stray->what]);
    fj_words_text(words, FJ_STRAY_KEYS_TEXT);

    for (i = 0; i < FJ_STRAY_KEYS; i++) {
        (void) fj_key(room->keys[i], conf, names[i], NULL);
        fj_words_text(words, room->keys[i]);
    }

    fj_words_text(words, stray->field);
    fj_words_text(words, stray->text);
    fj_words_text(words, FJ_STRAYS_MAX);
    fj_words_text(words, FJ_STRAY_SETTLED_S);
    fj_words_text(words, room->epoch);
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

/*
 * The hooks, and what they may answer.  What a rule answers is a proposal:
 * here it is held against what can be known without the shop, and the engine
 * looks at it again.
 */

#include <stdarg.h>

#include "fl_priv.h"


#define FL_RESULTS_MAX  (1 + FL_LEVELS_MAX)


static fl_code_t fl_ask(fl_t *fl, fl_hook_t hook, const fl_input_t *in,
    int results);
static fl_code_t fl_wrong(fl_t *fl, fl_hook_t hook, int index,
    const char *wanted);
static void fl_reason(char reason[FL_TEXT_SIZE_MAX + 1], const char *text,
    size_t size);


const char *const  fl_hook_word[] = {
#define FL_HOOK_WORD(name, word)  word,
    FL_HOOKS(FL_HOOK_WORD)
#undef FL_HOOK_WORD
};

const char *const  fl_risk_word[] = {
#define FL_RISK_WORD(name, word)  word,
    FL_RISKS(FL_RISK_WORD)
#undef FL_RISK_WORD
};


const char *
fl_error(const fl_t *fl)
{
    return fl->error;
}


void
fl_share(fl_t *fl, int64_t *left_ns)
{
    fl->left_ns = left_ns;
}


fl_code_t
fl_price(fl_t *fl, const fl_input_t *in, int64_t limit, int64_t *total)
{
    int        top;
    char       wanted[FL_SHOWN_SIZE];
    fl_code_t  code;

    code = fl_ask(fl, FL_HOOK_PRICE, in, 1);
    if (code != FL_OK) {
        return code;
    }

    top = lua_gettop(fl->L);
    assert(top >= 1);

    if (!fl_whole(fl->L, top, limit, total)) {
        snprintf(wanted, sizeof(wanted), "a whole number, 0 to %lld",
                 (long long) limit);
        code = fl_wrong(fl, FL_HOOK_PRICE, top, wanted);
    }

    lua_settop(fl->L, top - 1);
    return code;
}


fl_code_t
fl_commission(fl_t *fl, const fl_input_t *in, int64_t paid, uint32_t levels,
    fl_split_t *split)
{
    int        base, i, results;
    int64_t    rest, part;
    fl_code_t  code;

    assert(levels <= FL_LEVELS_MAX);
    memset(split, 0, sizeof(fl_split_t));
    results = 1 + (int) levels;

    code = fl_ask(fl, FL_HOOK_COMMISSION, in, results);
    if (code != FL_OK) {
        return code;
    }

    base = lua_gettop(fl->L) - results;
    assert(base >= 0);
    rest = paid;

    for (i = 0; i < results && code == FL_OK; i++) {

        if (i != 0 && lua_isnil(fl->L, base + 1 + i)) {
            continue;
        }

        if (!fl_whole(fl->L, base + 1 + i, rest, &part)) {
            code = fl_wrong(fl, FL_HOOK_COMMISSION, base + 1 + i,
                            "whole numbers, the platform's and one a level, "
                            "together at most what was paid");
            memset(split, 0, sizeof(fl_split_t));
            break;
        }

        rest -= part;
        *(i == 0 ? &split->platform : &split->level[i - 1]) = part;
    }

    lua_settop(fl->L, base);
    return code;
}


fl_code_t
fl_risk(fl_t *fl, const fl_input_t *in, fl_risk_t *verdict,
    char reason[FL_TEXT_SIZE_MAX + 1])
{
    int          base, i;
    size_t       size;
    fl_code_t    code;
    const char  *text;

    reason[0] = '\0';

    code = fl_ask(fl, FL_HOOK_RISK, in, 2);
    if (code != FL_OK) {
        return code;
    }

    base = lua_gettop(fl->L) - 2;
    assert(base >= 0);
    i = FL_RISK_COUNT;

    if (lua_type(fl->L, base + 1) == LUA_TSTRING) {
        text = lua_tostring(fl->L, base + 1);
        for (i = 0; i < FL_RISK_COUNT; i++) {
            if (strcmp(text, fl_risk_word[i]) == 0) {
                break;
            }
        }
    }

    if (i == FL_RISK_COUNT) {
        code = fl_wrong(fl, FL_HOOK_RISK, base + 1,
                        "\"pass\", \"review\" or \"refuse\"");

    } else if (!lua_isnil(fl->L, base + 2)
               && lua_type(fl->L, base + 2) != LUA_TSTRING)
    {
        code = fl_wrong(fl, FL_HOOK_RISK, base + 2, "a text, the reason");

    } else {
        *verdict = (fl_risk_t) i;

        if (*verdict != FL_RISK_PASS && !lua_isnil(fl->L, base + 2)) {
            text = lua_tolstring(fl->L, base + 2, &size);
            fl_reason(reason, text, size);
        }
    }

    lua_settop(fl->L, base);
    return code;
}


/* What fits, up to a whole character, without what breaks a line. */

static void
fl_reason(char reason[FL_TEXT_SIZE_MAX + 1], const char *text, size_t size)
{
    size_t  i;

    if (size > FL_TEXT_SIZE_MAX) {
        for (size = FL_TEXT_SIZE_MAX;
             size > 0 && ((uint8_t) text[size] & 0xc0) == 0x80;
             size--)
        {
            /* void */
        }
    }

    for (i = 0; i < size; i++) {
        reason[i] = (uint8_t) text[i] < 0x20 || text[i] == 0x7f ? ' '
                                                                : text[i];
    }

    reason[size] = '\0';
}


/* --- asking ------------------------------------------------------------ */

static fl_code_t
fl_ask(fl_t *fl, fl_hook_t hook, const fl_input_t *in, int results)
{
    fl_code_t    code;
    fl_budget_t  budget;

    assert(results <= FL_RESULTS_MAX);

    if (fl->ref[hook] == LUA_NOREF) {
        return FL_MISSING;
    }

    if (fl->L == NULL) {
        return FL_MEMORY;
    }

    if (fl->left_ns != NULL && *fl->left_ns <= 0) {
        snprintf(fl->error, sizeof(fl->error), "%s:%d: the time of the "
                 "request was over before %s", fl->name, fl->line[hook],
                 fl_hook_word[hook]);
        return FL_BUDGET;
    }

    fl->in = in;
    fl->hook = hook;
    fl_budget_call(fl, &budget);

    lua_rawgeti(fl->L, LUA_REGISTRYINDEX, fl->ref[hook]);
    lua_rawgeti(fl->L, LUA_REGISTRYINDEX, fl->ref_o);
    code = fl_vm_call(fl, &budget, 1, results);
    fl->in = NULL;

    fl->is_short |= code == FL_MEMORY;

    if (fl->used > fl->collect_at) {
        fl_keep_collect(fl);
    }

    return code;
}


static fl_code_t
fl_wrong(fl_t *fl, fl_hook_t hook, int index, const char *wanted)
{
    char  shown[FL_SHOWN_SIZE];

    fl_shown(fl->L, index, shown);
    snprintf(fl->error, sizeof(fl->error), "%s:%d: %s gives %s, and is to "
             "give %s", fl->name, fl->line[hook], fl_hook_word[hook], shown,
             wanted);
    return FL_ANSWER;
}


void
fl_shown(lua_State *L, int index, char out[FL_SHOWN_SIZE])
{
    switch (lua_type(L, index)) {

    case LUA_TNUMBER:
        snprintf(out, FL_SHOWN_SIZE, "%.14g", lua_tonumber(L, index));
        return;

    case LUA_TSTRING:
        snprintf(out, FL_SHOWN_SIZE, "\"%.40s\"", lua_tostring(L, index));
        fl_one_line(out);
        return;

    case LUA_TBOOLEAN:
        snprintf(out, FL_SHOWN_SIZE, "%s",
                 lua_toboolean(L, index) ? "true" : "false");
        return;

    default:
        snprintf(out, FL_SHOWN_SIZE, "%s", luaL_typename(L, index));
    }
}


/* NaN, a fraction and what is negative are none. */

int
fl_whole(lua_State *L, int index, int64_t max, int64_t *number)
{
    lua_Number  n;

    if (lua_type(L, index) != LUA_TNUMBER) {
        return 0;
    }

    n = lua_tonumber(L, index);

    if (!(n >= 0 && n <= (lua_Number) max)) {
        return 0;
    }

    *number = (int64_t) n;
    return (lua_Number) *number == n;
}

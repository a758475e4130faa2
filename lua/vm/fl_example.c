/*
 * The examples that a file of rules ships:
 *
 *     examples = {
 *         { price = { sku = "a", qty = 3, total = 300 }, gives = 270 },
 *         { commission = { paid = 270, levels = 2 }, gives = { 0, 27, 13 } },
 *         { risk = { first_order = true }, gives = "review" }
 *     }
 *
 * They are read once, raw, inside of the protected run that loads the file,
 * and copied: when the first hook runs, nothing of them is Lua's any more, so
 * no rule can change or free what it is held against.
 *
 * They are run twice, the second time backwards: a rule that keeps something
 * from one call to the next does not give the same twice.
 */

#include "fl_priv.h"


#define FL_EXAMPLES_SIZE_MAX  ((size_t) 16 << 20)


/* What the example wants: one, or a list's. */
typedef struct {
    int       is_known;                /* what a hook could give */
    int64_t   number;                  /* .. of risk: fl_risk_t */
    char      shown[FL_SHOWN_SIZE];
} fl_given_t;

typedef struct fl_signal_s  fl_signal_t;

struct fl_signal_s {
    fl_signal_t  *next;
    fk_str_t      name;
    int64_t       number;
};

struct fl_example_s {
    fl_hook_t     hook;
    fl_input_t    in;
    fl_signal_t  *signals;
    fl_given_t    given[1 + FL_LEVELS_MAX];
};

struct fl_copy_s {
    fl_copy_t  *next;
    uint64_t    bytes[];
};


static void fl_example_read(lua_State *L, fl_t *fl, uint32_t n);
static void fl_example_input(lua_State *L, fl_t *fl, uint32_t n);
static void fl_example_value(lua_State *L, fl_t *fl, uint32_t n, int i);
static void fl_example_signals(lua_State *L, fl_t *fl, uint32_t n);
static int fl_example_signal(void *data, fk_str_t name, int64_t *number);
static void fl_example_given(lua_State *L, fl_t *fl, uint32_t n);
static void fl_example_wanted(lua_State *L, fl_hook_t hook,
    fl_given_t *given);
static int fl_example_run(fl_t *fl, uint32_t n);
static int fl_example_differs(fl_t *fl, const fl_example_t *example, int i,
    int64_t got);
static void *fl_copy(lua_State *L, fl_t *fl, size_t size);
static fk_str_t fl_copy_text(lua_State *L, fl_t *fl, int index);


void
fl_examples_read(lua_State *L, fl_t *fl, int index)
{
    uint32_t  n;

    if (lua_isnil(L, index)) {
        return;
    }

    if (!lua_istable(L, index)) {
        luaL_error(L, "%s: \"examples\" is to be a table", fl->name);
    }

    if (lua_objlen(L, index) > FL_EXAMPLES_MAX) {
        luaL_error(L, "%s: there are more than %d examples", fl->name,
                   FL_EXAMPLES_MAX);
    }

    fl->examples = (uint32_t) lua_objlen(L, index);
    fl->example = fl_copy(L, fl, fl->examples * sizeof(fl_example_t));
    memset(fl->example, 0, fl->examples * sizeof(fl_example_t));

    for (n = 0; n < fl->examples; n++) {
        lua_rawgeti(L, index, (int) n + 1);
        fl_example_read(L, fl, n);
        lua_pop(L, 1);
    }
}


void
fl_examples_free(fl_t *fl)
{
    fl_copy_t  *copy;

    while ((copy = fl->copies) != NULL) {
        fl->copies = copy->next;
        free(copy);
    }

    fl->example = NULL;
}


/* From the table on top. */

static void
fl_example_read(lua_State *L, fl_t *fl, uint32_t n)
{
    int            i, top;
    fl_example_t  *example;

    top = lua_gettop(L);
    example = &fl->example[n];

    for (i = 0; i < FL_HOOK_COUNT && lua_istable(L, top); i++) {
        lua_pushstring(L, fl_hook_word[i]);
        lua_rawget(L, top);

        if (lua_istable(L, -1)) {
            example->hook = (fl_hook_t) i;
            fl_example_input(L, fl, n);
            lua_pushliteral(L, "gives");
            lua_rawget(L, top);
            fl_example_given(L, fl, n);
            lua_settop(L, top);
            return;
        }

        lua_pop(L, 1);
    }

    luaL_error(L, "%s: example %d: is to be { HOOK = { .. }, gives = .. }",
               fl->name, (int) n + 1);
}


static void
fl_example_input(lua_State *L, fl_t *fl, uint32_t n)
{
    int            i, table;
    const char    *word;
    fl_example_t  *example;

    table = lua_gettop(L);
    example = &fl->example[n];
    fl_input_clear(&example->in);

    for (lua_pushnil(L); lua_next(L, table) != 0; lua_settop(L, table + 1)) {

        word = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";

        if (strcmp(word, "signals") == 0 && lua_istable(L, -1)) {
            fl_example_signals(L, fl, n);
            continue;
        }

        for (i = 0; i < FL_FIELD_COUNT; i++) {
            if ((fl_fields[i].hooks >> example->hook & 1u)
                && strcmp(fl_fields[i].word, word) == 0)
            {
                break;
            }
        }

        if (i == FL_FIELD_COUNT) {
            luaL_error(L, "%s: example %d: %s has no field \"%s\"", fl->name,
                       (int) n + 1, fl_hook_word[example->hook], word);
        }

        fl_example_value(L, fl, n, i);
    }
}


/* From the value on top. */

static void
fl_example_value(lua_State *L, fl_t *fl, uint32_t n, int i)
{
    int64_t      number;
    fl_field_t   field = (fl_field_t) i;
    fl_input_t  *in = &fl->example[n].in;

    static const char *const  types[] = {
        "nothing", "a whole number", "true or false", "a text"
    };

    if (fl_fields[i].type == FL_INT && fl_whole(L, -1, FL_NUMBER_MAX, &number))
    {
        fl_input_int(in, field, number);

    } else if (fl_fields[i].type == FL_BOOL && lua_isboolean(L, -1)) {
        fl_input_bool(in, field, lua_toboolean(L, -1));

    } else if (fl_fields[i].type == FL_TEXT
               && lua_type(L, -1) == LUA_TSTRING)
    {
        fl_input_text(in, field, fl_copy_text(L, fl, -1));

    } else {
        luaL_error(L, "%s: example %d: \"%s\" is to be %s", fl->name,
                   (int) n + 1, fl_fields[i].word, types[fl_fields[i].type]);
    }
}


static void
fl_example_signals(lua_State *L, fl_t *fl, uint32_t n)
{
    int            table;
    lua_Number     number;
    fl_signal_t   *signal;
    fl_example_t  *example;

    table = lua_gettop(L);
    example = &fl->example[n];
    example->in.signal = fl_example_signal;
    example->in.data = example;

    for (lua_pushnil(L); lua_next(L, table) != 0; lua_settop(L, table + 1)) {

        number = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0.5;

        if (lua_type(L, -2) != LUA_TSTRING
            || !(number >= -FL_NUMBER_MAX && number <= FL_NUMBER_MAX)
            || (lua_Number) (int64_t) number != number)
        {
            luaL_error(L, "%s: example %d: a signal is to be a name and a "
                       "whole number", fl->name, (int) n + 1);
        }

        signal = fl_copy(L, fl, sizeof(fl_signal_t));
        signal->next = example->signals;
        signal->name = fl_copy_text(L, fl, -2);
        signal->number = (int64_t) number;
        example->signals = signal;
    }
}


static int
fl_example_signal(void *data, fk_str_t name, int64_t *number)
{
    const fl_signal_t   *signal;
    const fl_example_t  *example = data;

    for (signal = example->signals; signal != NULL; signal = signal->next) {
        if (signal->name.size == name.size
            && memcmp(signal->name.data, name.data, name.size) == 0)
        {
            *number = signal->number;
            return 1;
        }
    }

    return 0;
}


/* What is not in a list is 0; else it is nothing that a hook could give. */

static void
fl_example_given(lua_State *L, fl_t *fl, uint32_t n)
{
    int            i, top, is_list;
    fl_example_t  *example;

    top = lua_gettop(L);
    example = &fl->example[n];
    is_list = example->hook == FL_HOOK_COMMISSION && lua_istable(L, top);

    if (!is_list) {
        fl_example_wanted(L, example->hook, &example->given[0]);
    }

    for (i = !is_list; i <= FL_LEVELS_MAX; i++) {
        example->given[i].is_known = 1;

        if (is_list) {
            lua_rawgeti(L, top, i + 1);

            if (!lua_isnil(L, -1)) {
                fl_example_wanted(L, example->hook, &example->given[i]);
            }

            lua_pop(L, 1);
        }

        if (example->given[i].shown[0] == '\0') {
            example->given[i].shown[0] = '0';
        }
    }
}


/* From the value on top. */

static void
fl_example_wanted(lua_State *L, fl_hook_t hook, fl_given_t *given)
{
    int  i;

    fl_shown(L, -1, given->shown);

    if (hook != FL_HOOK_RISK) {
        given->is_known = fl_whole(L, -1, FK_AMOUNT_MAX, &given->number);
        return;
    }

    given->is_known = 0;

    for (i = 0; i < FL_RISK_COUNT; i++) {
        if (lua_type(L, -1) == LUA_TSTRING
            && strcmp(lua_tostring(L, -1), fl_risk_word[i]) == 0)
        {
            given->is_known = 1;
            given->number = i;
        }
    }
}


/* --- running them ------------------------------------------------------ */

int
fl_examples_run(fl_t *fl)
{
    uint32_t  n;

    for (n = 0; n < fl->examples; n++) {
        if (!fl_example_run(fl, n)) {
            return 0;
        }
    }

    while (n-- > 0) {
        if (!fl_example_run(fl, n)) {
            return 0;
        }
    }

    return 1;
}


static int
fl_example_run(fl_t *fl, uint32_t n)
{
    int                  i, same;
    char                 reason[FL_TEXT_SIZE_MAX + 1], why[FL_ERROR_SIZE];
    int64_t              total;
    fl_risk_t            verdict;
    fl_split_t           split;
    const fl_example_t  *example = &fl->example[n];

    if (!fl_has(fl, example->hook)) {
        snprintf(fl->error, sizeof(fl->error), "%s: there is no %s (example "
                 "%u)", fl->name, fl_hook_word[example->hook], n + 1);
        return 0;
    }

    switch (example->hook) {

    case FL_HOOK_PRICE:
        same = fl_price(fl, &example->in, FK_AMOUNT_MAX, &total) == FL_OK
               && !fl_example_differs(fl, example, 0, total);
        break;

    case FL_HOOK_COMMISSION:
        total = example->in.value[FL_FIELD_PAID].number;
        same = fl_commission(fl, &example->in, total, FL_LEVELS_MAX, &split)
               == FL_OK
               && !fl_example_differs(fl, example, 0, split.platform);

        for (i = 0; i < FL_LEVELS_MAX && same; i++) {
            same = !fl_example_differs(fl, example, i + 1, split.level[i]);
        }

        break;

    default:
        same = fl_risk(fl, &example->in, &verdict, reason) == FL_OK
               && !fl_example_differs(fl, example, 0, verdict);
    }

    if (!same) {
        memcpy(why, fl->error, sizeof(why));
        snprintf(fl->error, sizeof(fl->error), "%.400s (example %u)", why,
                 n + 1);
    }

    return same;
}


static int
fl_example_differs(fl_t *fl, const fl_example_t *example, int i, int64_t got)
{
    char               shown[FL_SHOWN_SIZE];
    const fl_given_t  *given = &example->given[i];

    if (given->is_known && given->number == got) {
        return 0;
    }

    if (example->hook == FL_HOOK_RISK) {
        snprintf(shown, sizeof(shown), "\"%s\"", fl_risk_word[got]);

    } else {
        snprintf(shown, sizeof(shown), "%lld", (long long) got);
    }

    snprintf(fl->error, sizeof(fl->error), "%s:%d: %s gives %s%s, and the "
             "example wants %s", fl->name, fl->line[example->hook],
             fl_hook_word[example->hook], shown, i > 0 ? " to a level" : "",
             given->shown);
    return 1;
}


/* --- copies ------------------------------------------------------------ */

/* Of the caller until fl_examples_free(), however the run ends. */

static void *
fl_copy(lua_State *L, fl_t *fl, size_t size)
{
    fl_copy_t  *copy;

    fl->copied += sizeof(fl_copy_t) + size;
    copy = fl->copied <= FL_EXAMPLES_SIZE_MAX
           ? malloc(sizeof(fl_copy_t) + size) : NULL;

    if (copy == NULL) {
        luaL_error(L, "%s: its examples are too large", fl->name);
        return NULL;
    }

    copy->next = fl->copies;
    fl->copies = copy;

    return copy->bytes;
}


static fk_str_t
fl_copy_text(lua_State *L, fl_t *fl, int index)
{
    void        *bytes;
    size_t       size;
    fk_str_t     text;
    const char  *from;

    from = lua_tolstring(L, index, &size);
    bytes = fl_copy(L, fl, size);
    memcpy(bytes, from, size);

    text.data = bytes;
    text.size = size;
    return text;
}

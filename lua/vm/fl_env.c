/*
 * What a rule may use: a list of names, and nothing that is not on it.
 *
 * The functions that LuaJIT brings are taken out of its libraries one by one,
 * into tables of our own; the libraries themselves are then gone.  What can
 * run for long inside of one call (patterns, rep, format, sort, concat), what
 * reaches the outside, what runs code (load, pcall, metatables) and what is
 * not the same each time (random, addresses as text) is not on the list.  The
 * few string tools that rules miss then are here, each linear in what it
 * gets, and no string is larger than FL_STRING_MAX.
 *
 * Libraries and globals are read through views: tables with nothing in them,
 * whose metatable leads to the real one and refuses every store.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE                    /* memmem() */
#endif

#include "fl_priv.h"


#define FL_CONTAINS_STEP  32           /* bytes of it an instruction */
#define FL_NEXT_STEPS     8            /* it may pass over an emptied table */


typedef struct {
    const char         *library;       /* "": a global */
    const char *const  *names;
} fl_allowed_t;


static int fl_readonly(lua_State *L);
static void fl_env_take(lua_State *L, const fl_allowed_t *allowed);
static void fl_env_shut(lua_State *L);
static int fl_tostring(lua_State *L);
static int fl_contains(lua_State *L);
static int fl_starts_with(lua_State *L);
static int fl_ends_with(lua_State *L);
static int fl_percent(lua_State *L);
static int fl_max(lua_State *L);
static int fl_min(lua_State *L);
static int fl_extreme(lua_State *L, int is_max);
static int fl_char(lua_State *L);
static int fl_next(lua_State *L);
static int fl_pairs(lua_State *L);
static int fl_insert(lua_State *L);
static int fl_remove(lua_State *L);
static int fl_length(lua_State *L);


static const char *const  fl_base_names[] = {
    "assert", "error", "ipairs", "select", "tonumber", "type", NULL
};

static const char *const  fl_math_names[] = {
    "abs", "ceil", "exp", "floor", "fmod", "huge", "log", "modf", "pi", "pow",
    "sqrt", NULL
};

static const char *const  fl_string_names[] = {
    "byte", "len", "lower", "reverse", "sub", "upper", NULL
};

static const char *const  fl_table_names[] = { NULL };

static const fl_allowed_t  fl_allowed[] = {
    { "", fl_base_names },
    { "math", fl_math_names },
    { "string", fl_string_names },
    { "table", fl_table_names }
};

static const luaL_Reg  fl_own[] = {
    { "next", fl_next },
    { "percent", fl_percent },
    { "tostring", fl_tostring },
    { NULL, NULL }
};

static const luaL_Reg  fl_own_math[] = {
    { "max", fl_max },
    { "min", fl_min },
    { NULL, NULL }
};

static const luaL_Reg  fl_own_string[] = {
    { "char", fl_char },
    { "contains", fl_contains },
    { "ends_with", fl_ends_with },
    { "starts_with", fl_starts_with },
    { NULL, NULL }
};

static const luaL_Reg  fl_own_table[] = {
    { "insert", fl_insert },
    { "remove", fl_remove },
    { NULL, NULL }
};

/* What LuaJIT's libraries are opened for; debug, ffi, io, jit, os and package
 * never are. */
static const luaL_Reg  fl_opened[] = {
    { "", luaopen_base },
    { LUA_MATHLIBNAME, luaopen_math },
    { LUA_STRLIBNAME, luaopen_string },
    { LUA_TABLIBNAME, luaopen_table }
};

#define FL_COUNT(array)  (sizeof(array) / sizeof((array)[0]))


/*
 * Leaves on the stack a table that reads through to everything allowed, and
 * takes what the chunk defines.
 */

void
fl_env_push(lua_State *L)
{
    size_t  i;

    for (i = 0; i < FL_COUNT(fl_opened); i++) {
        lua_pushcfunction(L, fl_opened[i].func);
        lua_pushstring(L, fl_opened[i].name);
        lua_call(L, 1, 0);
    }

    lua_newtable(L);

    for (i = 0; i < FL_COUNT(fl_allowed); i++) {
        fl_env_take(L, &fl_allowed[i]);
    }

    luaL_register(L, NULL, fl_own);
    lua_getfield(L, -1, "next");
    lua_pushcclosure(L, fl_pairs, 1);
    lua_setfield(L, -2, "pairs");
    fl_env_shut(L);

    lua_newtable(L);
    lua_newtable(L);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}


/* The names of one library go into the table on top, behind a view if they
 * are no globals. */

static void
fl_env_take(lua_State *L, const fl_allowed_t *allowed)
{
    int                 is_global = allowed->library[0] == '\0';
    const char *const  *name;

    if (is_global) {
        lua_pushvalue(L, LUA_GLOBALSINDEX);
        lua_pushvalue(L, -2);

    } else {
        lua_getglobal(L, allowed->library);
        lua_newtable(L);
    }

    for (name = allowed->names; *name != NULL; name++) {
        lua_getfield(L, -2, *name);
        assert(!lua_isnil(L, -1));
        lua_setfield(L, -2, *name);
    }

    lua_remove(L, -2);

    if (is_global) {
        lua_pop(L, 1);
        return;
    }

    if (strcmp(allowed->library, LUA_MATHLIBNAME) == 0) {
        luaL_register(L, NULL, fl_own_math);

    } else if (strcmp(allowed->library, LUA_STRLIBNAME) == 0) {
        luaL_register(L, NULL, fl_own_string);

    } else if (strcmp(allowed->library, LUA_TABLIBNAME) == 0) {
        luaL_register(L, NULL, fl_own_table);
    }

    fl_view(L, allowed->library);
    lua_setfield(L, -2, allowed->library);
}


/*
 * The globals and libraries of LuaJIT's own go.  Strings have a metatable that
 * leads to the real string library; it leads to ours then.
 */

static void
fl_env_shut(lua_State *L)
{
    lua_pushliteral(L, "");

    if (!lua_getmetatable(L, -1)) {
        luaL_error(L, "strings have no metatable");
    }

    lua_getfield(L, -3, LUA_STRLIBNAME);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 2);

    lua_newtable(L);
    lua_replace(L, LUA_GLOBALSINDEX);
    lua_newtable(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "_LOADED");
}


/*
 * What the chunk has defined moves behind a view: from then on a name that is
 * not there is still nil, and a store to a global is an error.
 */

void
fl_env_freeze(lua_State *L, int index)
{
    int  env, all;

    env = index < 0 ? lua_gettop(L) + index + 1 : index;

    if (!lua_getmetatable(L, env)) {
        luaL_error(L, "the environment has no metatable");
    }

    lua_getfield(L, -1, "__index");
    all = lua_gettop(L);

    for (lua_pushnil(L); lua_next(L, env) != 0; /* void */ ) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, all);
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, env);
    }

    lua_pushliteral(L, "a global");
    lua_pushcclosure(L, fl_readonly, 1);
    lua_setfield(L, -3, "__newindex");
    lua_settop(L, all - 2);
}


void
fl_view(lua_State *L, const char *what)
{
    lua_newtable(L);
    lua_newtable(L);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, what);
    lua_pushcclosure(L, fl_readonly, 1);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}


static int
fl_readonly(lua_State *L)
{
    const char  *name;

    name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
    return luaL_error(L, "%s is not to be written to (\"%s\"): a rule keeps "
                      "nothing from one call to the next",
                      lua_tostring(L, lua_upvalueindex(1)), name);
}


/* --- tools ------------------------------------------------------------ */

/* LuaJIT's own shows addresses, which differ from process to process. */

static int
fl_tostring(lua_State *L)
{
    luaL_checkany(L, 1);

    switch (lua_type(L, 1)) {

    case LUA_TSTRING:
    case LUA_TNUMBER:
        (void) lua_tostring(L, 1);
        lua_settop(L, 1);
        break;

    case LUA_TBOOLEAN:
        lua_pushstring(L, lua_toboolean(L, 1) ? "true" : "false");
        break;

    default:
        lua_pushstring(L, luaL_typename(L, 1));
    }

    return 1;
}


static int
fl_contains(lua_State *L)
{
    size_t       size, part_size;
    const char  *text, *part;

    text = luaL_checklstring(L, 1, &size);
    part = luaL_checklstring(L, 2, &part_size);
    fl_charge(L, (size + part_size) / FL_CONTAINS_STEP);
    lua_pushboolean(L, memmem(text, size, part, part_size) != NULL);
    return 1;
}


static int
fl_starts_with(lua_State *L)
{
    size_t       size, part_size;
    const char  *text, *part;

    text = luaL_checklstring(L, 1, &size);
    part = luaL_checklstring(L, 2, &part_size);
    lua_pushboolean(L, size >= part_size
                       && memcmp(text, part, part_size) == 0);
    return 1;
}


static int
fl_ends_with(lua_State *L)
{
    size_t       size, part_size;
    const char  *text, *part;

    text = luaL_checklstring(L, 1, &size);
    part = luaL_checklstring(L, 2, &part_size);
    lua_pushboolean(L, size >= part_size
                       && memcmp(text + size - part_size, part, part_size)
                          == 0);
    return 1;
}


/*
 * percent(amount, n): n hundredths of amount, rounded down.  In whole numbers:
 * 0.07 * 100 is no 7 in a computer's fractions.
 */

static int
fl_percent(lua_State *L)
{
    int64_t  amount, percent;

    if (!fl_whole(L, 1, FK_AMOUNT_MAX, &amount)) {
        return luaL_argerror(L, 1, "a whole number, an amount, is wanted");
    }

    if (!fl_whole(L, 2, 1000, &percent)) {
        return luaL_argerror(L, 2, "a whole number, 0 to 1000, is wanted");
    }

    lua_pushnumber(L, (lua_Number) (amount * percent / 100));
    return 1;
}


/*
 * LuaJIT's own take any number of arguments, and each may be a text that is
 * read as a number, all inside of one instruction.
 */

static int
fl_max(lua_State *L)
{
    return fl_extreme(L, 1);
}


static int
fl_min(lua_State *L)
{
    return fl_extreme(L, 0);
}


static int
fl_extreme(lua_State *L, int is_max)
{
    int         i, count;
    lua_Number  n, best;

    count = lua_gettop(L);
    fl_charge(L, (size_t) count);
    luaL_checktype(L, 1, LUA_TNUMBER);
    best = lua_tonumber(L, 1);

    for (i = 2; i <= count; i++) {
        luaL_checktype(L, i, LUA_TNUMBER);
        n = lua_tonumber(L, i);

        if (is_max ? n > best : n < best) {
            best = n;
        }
    }

    lua_pushnumber(L, best);
    return 1;
}


static int
fl_char(lua_State *L)
{
    int      i, count;
    char     text[FL_STRING_MAX];
    int64_t  byte;

    count = lua_gettop(L);
    fl_charge(L, (size_t) count);
    luaL_argcheck(L, count <= (int) FL_STRING_MAX, count, "too many");

    for (i = 1; i <= count; i++) {
        luaL_argcheck(L, fl_whole(L, i, UINT8_MAX, &byte), i,
                      "a whole number, 0 to 255, is wanted");
        text[i - 1] = (char) byte;
    }

    lua_pushlstring(L, text, (size_t) count);
    return 1;
}


static int
fl_next(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    fl_charge(L, FL_NEXT_STEPS);

    if (lua_next(L, 1)) {
        return 2;
    }

    lua_pushnil(L);
    return 1;
}


/* So that no other next is to be had. */

static int
fl_pairs(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}


/*
 * LuaJIT's own write into views, which have metatables, and move any number of
 * elements as one instruction.
 */

static int
fl_insert(lua_State *L)
{
    int  at, i, n;

    n = fl_length(L);

    if (lua_gettop(L) == 2) {
        lua_rawseti(L, 1, n + 1);
        return 0;
    }

    at = (int) luaL_checkinteger(L, 2);
    luaL_argcheck(L, at >= 1 && at <= n + 1, 2, "it is outside of the table");
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    fl_charge(L, (size_t) (n + 1 - at));

    for (i = n; i >= at; i--) {
        lua_rawgeti(L, 1, i);
        lua_rawseti(L, 1, i + 1);
    }

    lua_rawseti(L, 1, at);
    return 0;
}


static int
fl_remove(lua_State *L)
{
    int  at, i, n;

    n = fl_length(L);
    at = lua_gettop(L) == 1 ? n : (int) luaL_checkinteger(L, 2);

    if (at < 1 || at > n) {
        return 0;
    }

    fl_charge(L, (size_t) (n - at));
    lua_rawgeti(L, 1, at);

    for (i = at; i < n; i++) {
        lua_rawgeti(L, 1, i + 1);
        lua_rawseti(L, 1, i);
    }

    lua_pushnil(L);
    lua_rawseti(L, 1, n);
    return 1;
}


/* Of the table that is the first argument, and may be written to. */

static int
fl_length(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2 - (lua_gettop(L) == 1));

    if (lua_getmetatable(L, 1)) {
        luaL_error(L, "what a rule is shown is not to be written to");
    }

    return (int) lua_objlen(L, 1);
}

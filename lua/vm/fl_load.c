/*
 * A file becomes rules: it is compiled, run once to define its hooks, and
 * shut; then its own examples are held against it.
 */

#include "fl_priv.h"


static fl_t *fl_new(const char *name, const uint8_t *source, size_t size,
    char err[FL_ERROR_SIZE]);
static int fl_check(fl_t *fl);
static int fl_load_run(lua_State *L);
static void fl_load_hooks(lua_State *L, fl_t *fl, int env);


fl_t *
fl_create(const char *name, const uint8_t *source, size_t size,
    char err[FL_ERROR_SIZE])
{
    fl_t  *fl;

    fl = fl_new(name, source, size, err);

    if (fl != NULL && !fl_check(fl)) {
        memcpy(err, fl->error, FL_ERROR_SIZE);
        fl_destroy(fl);
        fl = NULL;
    }

    return fl;
}


/* What is opened without memory for the file's bytes. */
static fl_t  fl_none;


fl_t *
fl_open(const char *name, const uint8_t *source, size_t size,
    char err[FL_ERROR_SIZE])
{
    fl_t  *fl;

    err[0] = '\0';
    fl = fl_new(name, source, size, err);

    if (fl == NULL) {
        memcpy(fl_none.error, err, FL_ERROR_SIZE);
        return &fl_none;
    }

    if (!fl_vm_open(fl) || fl_load(fl) != FL_OK) {
        fl_vm_close(fl);
    }

    memcpy(err, fl->error, FL_ERROR_SIZE);

    return fl;
}


static fl_t *
fl_new(const char *name, const uint8_t *source, size_t size,
    char err[FL_ERROR_SIZE])
{
    fl_t  *fl;

    if (size > FL_FILE_SIZE_MAX) {
        snprintf(err, FL_ERROR_SIZE, "%s: is larger than %zu bytes", name,
                 FL_FILE_SIZE_MAX);
        return NULL;
    }

    fl = calloc(1, sizeof(fl_t));

    if (fl == NULL || (fl->name = strdup(name)) == NULL
        || (fl->source = malloc(size + 1)) == NULL)
    {
        snprintf(err, FL_ERROR_SIZE, "%s: there is no memory", name);
        fl_destroy(fl);
        return NULL;
    }

    if (size != 0) {
        memcpy(fl->source, source, size);
    }

    fl->source_size = size;

    return fl;
}


/*
 * No error of Lua's is raised outside of a protected run.  If one were, in the
 * master, LuaJIT would end the process: here it is an error of the file then,
 * and what that VM holds is left behind.
 */

static int
fl_check(fl_t *fl)
{
    int      good;
    jmp_buf  net;

    if (setjmp(net) != 0) {
        fl->L = NULL;
        fl_examples_free(fl);
        return 0;
    }

    fl->net = &net;
    fl->is_checking = 1;

    good = fl_vm_open(fl) && fl_load(fl) == FL_OK && fl_examples_run(fl);

    fl_examples_free(fl);
    fl->is_checking = 0;
    fl->net = NULL;

    return good;
}


void
fl_destroy(fl_t *fl)
{
    if (fl != NULL && fl != &fl_none) {
        fl_vm_close(fl);
        free(fl->source);
        free(fl->name);
        free(fl);
    }
}


/* FNV-1a of the bytes, folded: to tell versions apart, not to prove them. */

uint32_t
fl_version_of(const uint8_t *source, size_t size)
{
    size_t    i;
    uint32_t  version;
    uint64_t  hash;

    hash = UINT64_C(0xcbf29ce484222325);

    for (i = 0; i < size; i++) {
        hash = (hash ^ source[i]) * UINT64_C(0x100000001b3);
    }

    version = (uint32_t) (hash ^ hash >> 32);
    return version == 0 ? 1 : version;
}


uint32_t
fl_version(const fl_t *fl)
{
    return fl_version_of(fl->source, fl->source_size);
}


int
fl_has(const fl_t *fl, fl_hook_t hook)
{
    return fl->ref[hook] != LUA_NOREF;
}


uint32_t
fl_examples_count(const fl_t *fl)
{
    return fl->examples;
}


fl_code_t
fl_load(fl_t *fl)
{
    fl_code_t  code;

    code = fl_vm_run(fl, &fl_budget_load, fl_load_run);

    return code == FL_OK ? fl_keep_loaded(fl) : code;
}


static int
fl_load_run(lua_State *L)
{
    int        env;
    char       chunk[256];
    fl_t      *fl = lua_touserdata(L, 1);
    uint32_t   line;

    lua_settop(L, 0);
    fl_env_push(L);
    env = lua_gettop(L);

    snprintf(chunk, sizeof(chunk), "@%s", fl->name);

    line = fl_scan(fl->source, fl->source_size);
    if (line != 0) {
        return luaL_error(L, "%s:%d: a string of more than %d bytes",
                          fl->name, (int) line, (int) FL_STRING_MAX);
    }

    /* "t": text.  Bytecode is not checked by anybody, and could do all. */
    if (luaL_loadbufferx(L, (const char *) fl->source, fl->source_size, chunk,
                         "t")
        != 0)
    {
        return lua_error(L);
    }

    lua_pushvalue(L, env);
    (void) lua_setfenv(L, -2);
    lua_call(L, 0, 0);

    fl_load_hooks(L, fl, env);

    lua_pushliteral(L, "examples");
    lua_rawget(L, env);

    if (fl->is_checking) {
        fl_examples_read(L, fl, lua_gettop(L));
    }

    /* Nobody asks for them any more, and a worker has no room for them. */
    lua_pushliteral(L, "examples");
    lua_pushnil(L);
    lua_rawset(L, env);

    fl_env_freeze(L, env);

    fl_input_push(L);
    fl->ref_o = luaL_ref(L, LUA_REGISTRYINDEX);

    return 0;
}


static void
fl_load_hooks(lua_State *L, fl_t *fl, int env)
{
    int        i, count;
    lua_Debug  ar;

    count = 0;

    for (i = 0; i < FL_HOOK_COUNT; i++) {
        lua_pushstring(L, fl_hook_word[i]);
        lua_rawget(L, env);

        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            fl->ref[i] = LUA_NOREF;
            continue;
        }

        if (!lua_isfunction(L, -1) || lua_iscfunction(L, -1)) {
            luaL_error(L, "%s: \"%s\" is to be a function", fl->name,
                       fl_hook_word[i]);
        }

        lua_pushvalue(L, -1);
        (void) lua_getinfo(L, ">S", &ar);
        fl->line[i] = ar.linedefined;
        fl->ref[i] = luaL_ref(L, LUA_REGISTRYINDEX);
        count++;
    }

    if (count == 0) {
        luaL_error(L, "%s: it defines neither price nor commission nor risk",
                   fl->name);
    }
}

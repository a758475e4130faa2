/*
 * The VM: what it may take of memory and time, and the protected call.
 *
 * Memory.  Each allocation is counted by a wrapper around LuaJIT's own
 * allocator.  A call has three limits: what the VM holds, what it asks for
 * altogether, and what it asks for at once.  The last two bound the time of
 * what runs inside of one instruction, and no hook ever sees: joining,
 * copying and comparing strings.
 *
 * Time.  A hook of LuaJIT's looks every FL_STRIDE instructions.  Nothing can
 * catch the error that it raises, for a rule has neither pcall nor coroutines,
 * and no metamethod runs code of its own.  The clock is read at the first look
 * of a call, so that a short rule never pays for it.
 *
 * The compiler is off: compiled traces do not look at hooks.
 */

#include <time.h>

#include "fl_priv.h"


#define FL_NS_A_US  1000u


static void *fl_alloc(void *data, void *block, size_t old_size, size_t size);
static int fl_panic(lua_State *L);
static int fl_vm_setup(lua_State *L);
static void fl_look(lua_State *L, lua_Debug *ar);
static uint64_t fl_now_ns(void);
static void fl_vm_begin(fl_t *fl, const fl_budget_t *budget);
static fl_code_t fl_vm_end(fl_t *fl, int status);
static void fl_vm_error(fl_t *fl, int status);
static void fl_vm_relieve(fl_t *fl);


const char *const  fl_code_word[] = {
#define FL_CODE_WORD(name, word)  word,
    FL_CODES(FL_CODE_WORD)
#undef FL_CODE_WORD
};

const fl_budget_t  fl_budget_load = {
    (size_t) 32 << 20, (size_t) 128 << 20, (size_t) 8 << 20,
    10000000 / FL_STRIDE, (uint64_t) FL_LOAD_MAX_US * FL_NS_A_US
};


void
fl_budget_call(const fl_t *fl, fl_budget_t *budget)
{
    budget->used_max = fl->loaded + FL_MEMORY_MAX;
    budget->alloc_max = FL_ALLOC_MAX;
    budget->block_max = FL_BLOCK_MAX;
    budget->strides_max = FL_INSTRUCTIONS_MAX / FL_STRIDE;
    budget->time_max_ns = (uint64_t) FL_TIME_MAX_US * FL_NS_A_US;
}


/* A state is made by luaL_newstate(): lua_newstate() with an allocator of
 * ours is not to be had on every build of LuaJIT. */

int
fl_vm_open(fl_t *fl)
{
    fl->budget = fl_budget_load;
    fl->L = luaL_newstate();

    if (fl->L == NULL) {
        snprintf(fl->error, sizeof(fl->error), "%s: no memory for LuaJIT",
                 fl->name);
        return 0;
    }

    fl->used = (size_t) lua_gc(fl->L, LUA_GCCOUNT, 0) * 1024
               + (size_t) lua_gc(fl->L, LUA_GCCOUNTB, 0);
    fl->alloc_bytes = 0;
    fl->alloc = lua_getallocf(fl->L, &fl->alloc_data);
    lua_setallocf(fl->L, fl_alloc, fl);
    (void) lua_atpanic(fl->L, fl_panic);

    if (lua_cpcall(fl->L, fl_vm_setup, NULL) != 0) {
        snprintf(fl->error, sizeof(fl->error), "%s: LuaJIT: %s", fl->name,
                 lua_tostring(fl->L, -1));
        fl_vm_close(fl);
        return 0;
    }

    return 1;
}


void
fl_vm_close(fl_t *fl)
{
    if (fl->L != NULL) {
        lua_setallocf(fl->L, fl->alloc, fl->alloc_data);
        lua_close(fl->L);
        fl->L = NULL;
    }
}


/* The last net.  Returning ends the process, which a worker survives: it is
 * not asked for, and another one is started. */

static int
fl_panic(lua_State *L)
{
    fl_t  *fl = fl_of(L);

    snprintf(fl->error, sizeof(fl->error), "%s: LuaJIT raised an error "
             "outside of any call: %.200s", fl->name,
             lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?");

    if (fl->net != NULL) {
        longjmp(*fl->net, 1);
    }

    fprintf(stderr, "faka: %s\n", fl->error);
    return 0;
}


static int
fl_vm_setup(lua_State *L)
{
    if (luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF) == 0) {
        return luaL_error(L, "its compiler cannot be turned off");
    }

    if (lua_sethook(L, fl_look, LUA_MASKCOUNT, FL_STRIDE) == 0) {
        return luaL_error(L, "it takes no hook");
    }

    return 0;
}


fl_t *
fl_of(lua_State *L)
{
    void       *fl;
    lua_Alloc   alloc;

    alloc = lua_getallocf(L, &fl);
    assert(alloc == fl_alloc);
    (void) alloc;

    return fl;
}


static void *
fl_alloc(void *data, void *block, size_t old_size, size_t size)
{
    void  *p;
    fl_t  *fl = data;

    if (size > old_size) {
        if (size > fl->budget.block_max
            || size - old_size > fl->budget.used_max
            || fl->used > fl->budget.used_max - (size - old_size)
            || size > fl->budget.alloc_max - fl->alloc_bytes)
        {
            return NULL;
        }
    }

    p = fl->alloc(fl->alloc_data, block, old_size, size);

    if (p != NULL || size == 0) {
        fl->used = fl->used - old_size + size;
        fl->alloc_bytes += size > old_size ? size : 0;
    }

    return p;
}


static uint64_t
fl_now_ns(void)
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}


static void
fl_look(lua_State *L, lua_Debug *ar)
{
    fl_t      *fl = fl_of(L);
    uint64_t   now_ns;

    fl->strides++;
    now_ns = fl_now_ns();

    if (fl->deadline_ns == 0) {
        fl->deadline_ns = now_ns + fl->budget.time_max_ns;
    }

    if (fl->strides <= fl->budget.strides_max && now_ns < fl->deadline_ns) {
        return;
    }

    fl->stopped = FL_BUDGET;
    (void) lua_getinfo(L, "Sl", ar);
    luaL_error(L, "%s:%d: it was stopped after %s", ar->short_src,
               ar->currentline,
               now_ns < fl->deadline_ns ? "too many instructions"
                                        : "too long a time");
}


fl_code_t
fl_vm_call(fl_t *fl, const fl_budget_t *budget, int argc, int results)
{
    fl_vm_begin(fl, budget);
    return fl_vm_end(fl, lua_pcall(fl->L, argc, results, 0));
}


fl_code_t
fl_vm_run(fl_t *fl, const fl_budget_t *budget, lua_CFunction run)
{
    fl_vm_begin(fl, budget);
    return fl_vm_end(fl, lua_cpcall(fl->L, run, fl));
}


static void
fl_vm_begin(fl_t *fl, const fl_budget_t *budget)
{
    fl->budget = *budget;
    fl->alloc_bytes = 0;
    fl->strides = 0;
    fl->deadline_ns = 0;
    fl->stopped = FL_OK;
}


static fl_code_t
fl_vm_end(fl_t *fl, int status)
{
    fl_code_t  code;

    /* What happens between two runs is our own. */
    fl->budget = fl_budget_load;

    if (status == 0) {
        return FL_OK;
    }

    if (status == LUA_ERRMEM) {
        fl->stopped = FL_MEMORY;

    } else if (fl->stopped == FL_OK) {
        fl->stopped = FL_ERROR;
    }

    fl_vm_error(fl, status);
    lua_settop(fl->L, 0);

    /* Relief may load the file again, which is a run of its own. */
    code = fl->stopped;

    if (status == LUA_ERRMEM) {
        fl_vm_relieve(fl);
    }

    return code;
}


/* An error's value is the rule's: it may be anything. */

static void
fl_vm_error(fl_t *fl, int status)
{
    const char  *text;

    text = lua_type(fl->L, -1) == LUA_TSTRING ? lua_tostring(fl->L, -1)
                                              : NULL;
    /* Where it stood, LuaJIT does not tell then. */
    if (status == LUA_ERRMEM && fl->in != NULL) {
        snprintf(fl->error, sizeof(fl->error),
                 "%s:%d: %s wanted too much memory", fl->name,
                 fl->line[fl->hook], fl_hook_word[fl->hook]);

    } else if (status == LUA_ERRMEM) {
        snprintf(fl->error, sizeof(fl->error), "%s: it wanted too much memory",
                 fl->name);

    } else if (text == NULL) {
        snprintf(fl->error, sizeof(fl->error),
                 "%s: it raised an error that is a %s and no text", fl->name,
                 luaL_typename(fl->L, -1));

    } else {
        snprintf(fl->error, sizeof(fl->error), "%s", text);
    }
}


/*
 * What a stopped call has left is garbage.  If it is not, the rules keep state
 * in their own variables: then the VM begins anew without it.
 */

static void
fl_vm_relieve(fl_t *fl)
{
    char  error[FL_ERROR_SIZE];

    (void) lua_gc(fl->L, LUA_GCCOLLECT, 0);

    /* Not while examples run, which are values of this VM. */
    if (fl->loaded == 0 || fl->is_checking
        || fl->used <= fl->loaded + FL_BLOCK_MAX)
    {
        return;
    }

    memcpy(error, fl->error, sizeof(error));
    fl_vm_close(fl);
    fl->rebuilds++;

    if (fl_vm_open(fl) && fl_load(fl) != FL_OK) {
        fl_vm_close(fl);
    }

    memcpy(fl->error, error, sizeof(error));
}


void
fl_spent(const fl_t *fl, fl_spent_t *spent)
{
    spent->instructions = fl->strides * FL_STRIDE;
    spent->alloc_bytes = fl->alloc_bytes;
    spent->used_bytes = fl->used;
    spent->rebuilds = fl->rebuilds;
}

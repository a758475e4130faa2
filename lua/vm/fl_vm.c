/*
 * The VM: what it may take of memory and time, and the protected call.
 *
 * Memory.  Each allocation is counted by a wrapper around LuaJIT's own
 * allocator.  A call has three limits: what the VM holds, what it asks for
 * altogether, and what it asks for at once.  These bound the time of what runs
 * inside of one instruction, and no hook ever sees.
 *
 * Strings.  LuaJIT makes each in one buffer, before it is a string.  The block
 * of that buffer is known to the allocator, and may not grow to more than
 * FL_STRING_MAX, loading included: no string is ever larger, and joining,
 * copying, comparing and reading one as a number take no longer.
 *
 * Time.  A hook of LuaJIT's looks every FL_STRIDE instructions.  Nothing can
 * catch the error that it raises, for a rule has neither pcall nor coroutines,
 * and no metamethod runs code of its own.  The clock is read at the first look
 * of a call, so that a short rule never pays for it.  A call that has run out
 * of time by the wall's clock, which goes on while others have the processor,
 * is judged by the processor's.
 *
 * The compiler is off: compiled traces do not look at hooks.
 */

#include "fl_priv.h"


#define FL_NS_A_US    1000u
#define FL_LOOKS_CPU  8                /* the look that asks for its clock */
#define FL_WALL       25u              /* times a limit, whoever is to blame */
#define FL_CHECKED    5u               /* times it, for examples */


static void *fl_alloc(void *data, void *block, size_t old_size, size_t size);
static int fl_panic(lua_State *L);
static int fl_vm_setup(lua_State *L);
static void fl_vm_join(lua_State *L, size_t size);
static void fl_look(lua_State *L, lua_Debug *ar);
static void fl_judge(lua_State *L, fl_t *fl, lua_Debug *ar);
static void fl_judge_cpu(fl_t *fl, uint64_t now_ns);
static uint64_t fl_spent_ns(const fl_t *fl, uint64_t now_ns);
static void fl_vm_begin(fl_t *fl, const fl_budget_t *budget);
static fl_code_t fl_vm_end(fl_t *fl, int status);
static void fl_vm_error(fl_t *fl, int status);
static void fl_vm_short(fl_t *fl);


const char *const  fl_code_word[] = {
#define FL_CODE_WORD(name, word)  word,
    FL_CODES(FL_CODE_WORD)
#undef FL_CODE_WORD
};

const fl_budget_t  fl_budget_load = {
    FL_LOAD_MEMORY, (size_t) 128 << 20, FL_LOAD_BLOCK,
    10000000 / FL_STRIDE, (uint64_t) FL_LOAD_MAX_US * FL_NS_A_US
};

const fl_budget_t  fl_budget_own = {
    SIZE_MAX, SIZE_MAX, SIZE_MAX, UINT32_MAX, UINT64_MAX / 2 / FL_WALL
};


void
fl_budget_call(const fl_t *fl, fl_budget_t *budget)
{
    budget->used_max = fl->loaded + FL_MEMORY_MAX + FL_GARBAGE_MAX;
    budget->alloc_max = FL_ALLOC_MAX;
    budget->block_max = FL_BLOCK_MAX;
    budget->strides_max = FL_INSTRUCTIONS_MAX / FL_STRIDE;
    budget->time_max_ns = (uint64_t) FL_TIME_MAX_US * FL_NS_A_US;

    /* The master may be slow; instructions are the same for all. */
    if (fl->is_checking) {
        budget->time_max_ns *= FL_CHECKED;

    } else if (fl->left_ns != NULL
               && *fl->left_ns < (int64_t) budget->time_max_ns)
    {
        budget->time_max_ns = (uint64_t) *fl->left_ns;
    }
}


/* A state is made by luaL_newstate(): lua_newstate() with an allocator of
 * ours is not to be had on every build of LuaJIT. */

int
fl_vm_open(fl_t *fl)
{
    fl->budget = fl_budget_own;
    fl->buffer = NULL;
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
    fl_t  *fl = fl_of(L);

    if (luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF) == 0) {
        return luaL_error(L, "its compiler cannot be turned off");
    }

    if (lua_sethook(L, fl_look, LUA_MASKCOUNT, FL_STRIDE) == 0) {
        return luaL_error(L, "it takes no hook");
    }

    /* The first string makes that there is a buffer, if there was none; the
     * second one makes it grow: that alone is a block which becomes one of
     * that size. */
    fl_vm_join(L, FL_STRING_MAX / 8);
    fl->is_finding = 1;
    fl_vm_join(L, FL_STRING_MAX);
    fl->is_finding = 0;

    if (fl->buffer == NULL) {
        return luaL_error(L, "where it makes strings cannot be seen");
    }

    return 0;
}


/* Makes a string of that size of two. */

static void
fl_vm_join(lua_State *L, size_t size)
{
    char  half[FL_STRING_MAX / 2];

    assert(size / 2 <= sizeof(half));
    memset(half, '-', size / 2);
    lua_pushlstring(L, half, size / 2);
    lua_pushlstring(L, half, size / 2);
    lua_concat(L, 2);
    lua_pop(L, 1);
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


/*
 * A new block of a power of two is the table of all strings, which grows by
 * the one string that is too many, whoever makes it.  A string is never so
 * large: the buffer in which it would be made has not grown to that.
 */

static void *
fl_alloc(void *data, void *block, size_t old_size, size_t size)
{
    int    is_ours;
    void  *p;
    fl_t  *fl = data;

    is_ours = 0;

    if (size > old_size) {
        is_ours = block == NULL && size > FL_BLOCK_MAX
                  && (size & (size - 1)) == 0 && size <= FL_LOAD_BLOCK;

        if ((!is_ours && (size > fl->budget.block_max
                          || fl->alloc_bytes > fl->budget.alloc_max
                          || size > fl->budget.alloc_max - fl->alloc_bytes))
            || size - old_size > fl->budget.used_max
            || fl->used > fl->budget.used_max - (size - old_size))
        {
            return NULL;
        }

        if (block != NULL && block == fl->buffer && size > FL_STRING_MAX) {
            fl->is_long = 1;
            return NULL;
        }
    }

    p = fl->alloc(fl->alloc_data, block, old_size, size);

    if (p != NULL || size == 0) {
        fl->used = fl->used - old_size + size;
        fl->alloc_bytes += size > old_size && !is_ours ? size : 0;

        if (block != NULL && (block == fl->buffer
                              || (fl->is_finding && size == FL_STRING_MAX)))
        {
            fl->buffer = p;
        }
    }

    return p;
}


uint64_t
fl_now_ns(clockid_t clock)
{
    struct timespec  now;

    (void) clock_gettime(clock, &now);
    return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}


static void
fl_look(lua_State *L, lua_Debug *ar)
{
    fl_t  *fl = fl_of(L);

    fl->strides++;
    fl_judge(L, fl, ar);
}


void
fl_charge(lua_State *L, size_t instructions)
{
    fl_t       *fl = fl_of(L);
    size_t      strides;
    lua_Debug   ar;

    fl->charged += (uint32_t) (instructions < UINT16_MAX * FL_STRIDE
                               ? instructions : UINT16_MAX * FL_STRIDE);
    strides = fl->charged / FL_STRIDE;

    if (strides == 0) {
        return;
    }

    fl->charged %= FL_STRIDE;
    fl->strides = strides < fl->budget.strides_max - fl->strides
                  ? fl->strides + (uint32_t) strides
                  : fl->budget.strides_max + 1;

    if (lua_getstack(L, 1, &ar)) {
        fl_judge(L, fl, &ar);
    }
}


/* Goes on, or raises the error that ends the run. */

static void
fl_judge(lua_State *L, fl_t *fl, lua_Debug *ar)
{
    int       is_late;
    uint64_t  now_ns, spent_ns;

    now_ns = fl_now_ns(CLOCK_MONOTONIC);

    if (fl->began_ns == 0) {
        fl->began_ns = now_ns;
        fl->deadline_ns = now_ns + fl->budget.time_max_ns;
    }

    is_late = now_ns >= fl->deadline_ns;

    if (!is_late && fl->strides <= fl->budget.strides_max) {

        if (fl->strides >= FL_LOOKS_CPU && fl->cpu_ns == 0) {
            fl_judge_cpu(fl, now_ns);
        }

        return;
    }

    if (fl->cpu_ns == 0) {
        fl_judge_cpu(fl, now_ns);
    }

    if (is_late && fl->strides <= fl->budget.strides_max
        && now_ns - fl->began_ns < FL_WALL * fl->budget.time_max_ns)
    {
        spent_ns = fl_spent_ns(fl, now_ns);

        if (spent_ns < fl->budget.time_max_ns) {
            fl->deadline_ns = now_ns + fl->budget.time_max_ns - spent_ns;
            return;
        }
    }

    fl->stopped = FL_BUDGET;
    (void) lua_getinfo(L, "Sl", ar);
    lua_pushfstring(L, "%s:%d: it was stopped after %s", ar->short_src,
                    ar->currentline, is_late ? "too long a time"
                                             : "too many instructions");
    (void) lua_error(L);
}


/* Late before that clock was asked, it may have been either: half is its. */

static void
fl_judge_cpu(fl_t *fl, uint64_t now_ns)
{
    fl->before_ns = now_ns - fl->began_ns;

    if (fl->before_ns > fl->budget.time_max_ns / 2) {
        fl->before_ns = fl->budget.time_max_ns / 2;
    }

    fl->cpu_ns = fl_now_ns(CLOCK_THREAD_CPUTIME_ID);
}


/* By the processor's clock, where it was asked. */

static uint64_t
fl_spent_ns(const fl_t *fl, uint64_t now_ns)
{
    if (fl->cpu_ns == 0) {
        return now_ns - fl->began_ns;
    }

    return fl->before_ns + fl_now_ns(CLOCK_THREAD_CPUTIME_ID) - fl->cpu_ns;
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
    fl->charged = 0;
    fl->began_ns = 0;
    fl->cpu_ns = 0;
    fl->stopped = FL_OK;
    fl->is_long = 0;
}


static fl_code_t
fl_vm_end(fl_t *fl, int status)
{
    /* What happens between two runs is our own. */
    fl->budget = fl_budget_own;

    if (fl->began_ns != 0 && fl->left_ns != NULL) {
        *fl->left_ns -= (int64_t) fl_spent_ns(fl,
                                              fl_now_ns(CLOCK_MONOTONIC));
    }

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

    return fl->stopped;
}


/* An error's value is the rule's: it may be anything. */

static void
fl_vm_error(fl_t *fl, int status)
{
    const char  *text;

    text = lua_type(fl->L, -1) == LUA_TSTRING ? lua_tostring(fl->L, -1)
                                              : NULL;
    /* Where it stood, LuaJIT does not tell then. */
    if (status == LUA_ERRMEM) {
        fl_vm_short(fl);

    } else if (text == NULL) {
        snprintf(fl->error, sizeof(fl->error),
                 "%s: it raised an error that is a %s and no text", fl->name,
                 luaL_typename(fl->L, -1));

    } else {
        snprintf(fl->error, sizeof(fl->error), "%s", text);
    }

    fl_one_line(fl->error);
}


void
fl_one_line(char *text)
{
    for ( ; *text != '\0'; text++) {
        if ((uint8_t) *text < 0x20 || *text == 0x7f) {
            *text = ' ';
        }
    }
}


static void
fl_vm_short(fl_t *fl)
{
    char  who[FL_SHOWN_SIZE];

    snprintf(who, sizeof(who), " it");

    if (fl->in != NULL) {
        snprintf(who, sizeof(who), "%d: %s", fl->line[fl->hook],
                 fl_hook_word[fl->hook]);
    }

    snprintf(fl->error, sizeof(fl->error), "%s:%s wanted too much memory",
             fl->name, who);

    if (fl->is_long) {
        snprintf(fl->error, sizeof(fl->error), "%s:%s wanted too much memory, "
                 "a string of more than %zu bytes", fl->name, who,
                 FL_STRING_MAX);
    }
}


void
fl_spent(const fl_t *fl, fl_spent_t *spent)
{
    spent->instructions = fl->strides * FL_STRIDE;
    spent->alloc_bytes = fl->alloc_bytes;
    spent->used_bytes = fl->used;
    spent->rebuilds = fl->rebuilds;
}

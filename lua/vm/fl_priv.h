/*
 * Inside of the sandbox: what its files share.
 *
 *     fl_vm.c      the VM: memory, budget, the protected call
 *     fl_keep.c    what it keeps from call to call: collected, begun anew
 *     fl_env.c     what a rule may use, and nothing else
 *     fl_input.c   the argument o
 *     fl_scan.c    the literals of a file
 *     fl_load.c    a file becomes rules
 *     fl_hooks.c   the hooks, and what they may answer
 *     fl_example.c the examples of a file
 */

#ifndef FL_PRIV_H_INCLUDED_
#define FL_PRIV_H_INCLUDED_


#include <assert.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>
#include <lua.h>
#include <luajit.h>
#include <lualib.h>

#include "fl.h"


#define FL_NUMBER_MAX  (INT64_C(1) << 53)      /* exact as Lua's numbers */
#define FL_SHOWN_SIZE  64                      /* of a value, in an error */
#define FL_WORDS_SIZE  128                     /* of the table of o's words */

_Static_assert(2 * FL_FIELD_COUNT < FL_WORDS_SIZE, "a word is found at once");


typedef struct fl_example_s  fl_example_t;
typedef struct fl_copy_s     fl_copy_t;

/* What a run may take; see fl.h. */
typedef struct {
    size_t    used_max;                /* of the VM */
    size_t    alloc_max;
    size_t    block_max;
    uint32_t  strides_max;
    uint64_t  time_max_ns;             /* of the processor */
} fl_budget_t;

struct fl_s {
    lua_State         *L;
    lua_Alloc          alloc;          /* LuaJIT's own */
    void              *alloc_data;
    const void        *buffer;         /* in which LuaJIT makes strings */
    fl_budget_t        budget;         /* of the run under way */
    size_t             used;           /* bytes, as LuaJIT counts them */
    size_t             loaded;         /* .. after the file was run */
    size_t             alloc_bytes;    /* asked for in this run */
    size_t             collect_at;     /* used, from which on it is done */
    uint64_t           collect_until_ns;
    uint32_t           strides;        /* of this run */
    uint32_t           charged;        /* instructions, less than a stride */
    uint64_t           began_ns;       /* 0: not yet looked at the clock */
    uint64_t           deadline_ns;
    uint64_t           before_ns;      /* of the run, until .. */
    uint64_t           cpu_ns;         /* .. the processor's clock said so */
    int64_t           *left_ns;        /* NULL: nothing is shared */
    fl_code_t          stopped;        /* FL_OK: nothing stopped it */

    unsigned           is_short:1;     /* a call was refused memory */
    unsigned           is_over:1;      /* a collection has left too much */
    unsigned           is_finding:1;   /* the buffer is to be seen */
    unsigned           is_long:1;      /* a string was, in this run */

    const fl_input_t  *in;             /* of the hook under way */
    fl_hook_t          hook;
    int                ref[FL_HOOK_COUNT];     /* LUA_NOREF: there is none */
    int                line[FL_HOOK_COUNT];    /* where it is defined */
    int                ref_o;
    const char        *word[FL_WORDS_SIZE];    /* of o, where they are in L */
    uint8_t            number[FL_WORDS_SIZE];  /* fl_field_t; FL_FIELD_COUNT
                                                  is the operator's signals */
    uint32_t           examples;
    fl_example_t      *example;        /* until they have been run */
    fl_copy_t         *copies;         /* what they are made of */
    size_t             copied;         /* bytes */
    jmp_buf           *net;            /* while a file is checked */
    unsigned           is_checking:1;  /* they are read, and run */
    uint64_t           rebuilds;

    char              *name;
    uint8_t           *source;
    size_t             source_size;
    char               error[FL_ERROR_SIZE];
};


/* --- fl_vm.c ---------------------------------------------------------- */

/* A VM without rules; 0: there is no memory, error says so. */
int fl_vm_open(fl_t *fl);
void fl_vm_close(fl_t *fl);

/* The fl_t of a state. */
fl_t *fl_of(lua_State *L);

/*
 * Calls what lies on the stack with its argc arguments, within the budget;
 * FL_OK with results values in their place, or nothing there and error says
 * why.
 */
fl_code_t fl_vm_call(fl_t *fl, const fl_budget_t *budget, int argc,
    int results);

/* The same for a C function, whose one argument is fl. */
fl_code_t fl_vm_run(fl_t *fl, const fl_budget_t *budget, lua_CFunction run);

/* The budget of a hook's call; of loading; and of what is our own. */
void fl_budget_call(const fl_t *fl, fl_budget_t *budget);
extern const fl_budget_t  fl_budget_load;
extern const fl_budget_t  fl_budget_own;

/* Work inside of one instruction, as that of so many; raises an error when
 * the run is out of time by it. */
void fl_charge(lua_State *L, size_t instructions);

uint64_t fl_now_ns(clockid_t clock);

/* Without control characters: one line of a log, whatever a rule, or the buyer
 * whose words it gives, has put into it. */
void fl_one_line(char *text);

/* --- fl_keep.c -------------------------------------------------------- */

/* The file was run: what it holds is measured, and collected by us from now
 * on. */
fl_code_t fl_keep_loaded(fl_t *fl);

/* Collects for a while, between two calls. */
void fl_keep_collect(fl_t *fl);

/* --- fl_env.c --------------------------------------------------------- */

/* Pushes a new environment for a chunk, to be filled by it. */
void fl_env_push(lua_State *L);

/* What the chunk has put into the environment at index is read-only now. */
void fl_env_freeze(lua_State *L, int index);

/* Replaces the table on top by a read-only view of it; what: for errors. */
void fl_view(lua_State *L, const char *what);

/* --- fl_input.c ------------------------------------------------------- */

/* Pushes o, which shows fl->in. */
void fl_input_push(lua_State *L);

/* --- fl_scan.c -------------------------------------------------------- */

/* The line of a literal of more than FL_STRING_MAX bytes; 0: there is none. */
uint32_t fl_scan(const uint8_t *source, size_t size);

/* --- fl_load.c -------------------------------------------------------- */

/* Runs the source in a VM that is new; its hooks are in ref. */
fl_code_t fl_load(fl_t *fl);

/* --- fl_hooks.c ------------------------------------------------------- */

/* A whole number between 0 and max at index. */
int fl_whole(lua_State *L, int index, int64_t max, int64_t *number);

/* The value at index, for a person, in one line. */
void fl_shown(lua_State *L, int index, char out[FL_SHOWN_SIZE]);

/* --- fl_example.c ----------------------------------------------------- */

/* Copies what is at index, and raises an error where it is no examples; before
 * any hook has run. */
void fl_examples_read(lua_State *L, fl_t *fl, int index);

/* 0: error says which one differs. */
int fl_examples_run(fl_t *fl);
void fl_examples_free(fl_t *fl);


#endif /* FL_PRIV_H_INCLUDED_ */

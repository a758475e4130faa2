/*
 * What a VM keeps from one call to the next.
 *
 * Garbage.  LuaJIT's own collector begins at twice of what is used, and does
 * its work inside of calls; beside a large list it would come later than any
 * limit.  It is off once the file is loaded, and steps are done here, between
 * calls, for at most FL_COLLECT_US each.  A call that asks for nothing finds
 * nothing to do.
 *
 * State.  Rules keep nothing, it is said, but their own locals outlive a call.
 * When a collection leaves more than FL_MEMORY_MAX, or two calls in a row were
 * refused memory, the VM begins anew from the file, before the next call; not
 * if loading took longer than FL_RENEW_US: a worker would stand still.  Such
 * rules give no answer any more until there is a new configuration.
 */

#include "fl_priv.h"


#define FL_COLLECT_US    300           /* between two calls */
#define FL_COLLECT_FROM  ((size_t) 256 << 10)      /* of garbage on */
#define FL_RENEW_US      2000

/* What takes no longer, whatever the clock has made of the first time. */
#define FL_SMALL_STRIDES  (50000 / FL_STRIDE)
#define FL_SMALL_SIZE     ((size_t) 8 << 10)
#define FL_SMALL_MEMORY   ((size_t) 256 << 10)

#define FL_COLLECTIONS_MAX  12         /* of what loading has left */


static int fl_keep_measure(lua_State *L);
static int fl_keep_step(lua_State *L);


fl_code_t
fl_keep_loaded(fl_t *fl)
{
    uint32_t   strides;
    fl_code_t  code;

    strides = fl->strides;
    code = fl_vm_run(fl, &fl_budget_own, fl_keep_measure);

    fl->loaded = fl->used;
    fl->is_small = strides <= FL_SMALL_STRIDES
                   && fl->source_size <= FL_SMALL_SIZE
                   && fl->loaded <= FL_SMALL_MEMORY;
    fl->collect_at = fl->used + FL_COLLECT_FROM;
    fl->memory_errors = 0;
    fl->is_over = 0;
    fl->is_full = 0;
    fl->has_answered = 0;

    return code;
}


/* Each collection halves the stack, which deep calls have made large: what
 * moves all arguments inside of one instruction takes no longer than they. */

static int
fl_keep_measure(lua_State *L)
{
    int     i;
    fl_t   *fl = lua_touserdata(L, 1);
    size_t  size;

    for (i = 0; i < FL_COLLECTIONS_MAX; i++) {
        size = fl->used;
        (void) lua_gc(L, LUA_GCCOLLECT, 0);

        if (fl->used >= size) {
            break;
        }
    }

    (void) lua_gc(L, LUA_GCSTOP, 0);

    return 0;
}


/* --- garbage ----------------------------------------------------------- */

void
fl_keep_collect(fl_t *fl)
{
    size_t    alloc_bytes;
    uint64_t  began_ns;

    alloc_bytes = fl->alloc_bytes;
    began_ns = fl_now_ns(CLOCK_MONOTONIC);
    fl->collect_until_ns = began_ns + FL_COLLECT_US * 1000u;
    fl->budget = fl_budget_own;

    /* Whatever lies on the stack stays there. */
    (void) lua_cpcall(fl->L, fl_keep_step, fl);

    /* What that took is not the call's. */
    fl->alloc_bytes = alloc_bytes;

    if (fl->left_ns != NULL) {
        *fl->left_ns -= (int64_t) (fl_now_ns(CLOCK_MONOTONIC) - began_ns);
    }
}


static int
fl_keep_step(lua_State *L)
{
    int    is_done;
    fl_t  *fl = lua_touserdata(L, 1);

    do {
        is_done = lua_gc(L, LUA_GCSTEP, 0);
    } while (!is_done && fl_now_ns(CLOCK_MONOTONIC) < fl->collect_until_ns);

    (void) lua_gc(L, LUA_GCSTOP, 0);

    if (!is_done) {
        return 0;
    }

    fl->collect_at = fl->used + FL_COLLECT_FROM;

    /* What was made meanwhile is still there: the next one will tell. */
    if (fl->used > fl->loaded + FL_MEMORY_MAX) {
        fl->is_full = fl->is_over;
        fl->is_over = 1;
        fl->collect_at = fl->used;

    } else {
        fl->is_over = 0;
    }

    return 0;
}


/* --- state ------------------------------------------------------------- */

void
fl_keep_ended(fl_t *fl, fl_code_t code)
{
    if (code != FL_MEMORY) {
        fl->memory_errors = 0;
        fl->has_answered |= code == FL_OK;
        return;
    }

    /* Who has never answered since has not filled it: it wants too much. */
    fl->memory_errors++;
    fl->is_full |= fl->memory_errors >= 2 && fl->has_answered;
}


int
fl_keep_ready(fl_t *fl)
{
    uint64_t  began_ns;

    /* Not while examples run: a file is to be right from the beginning. */
    if (fl->L != NULL && (!fl->is_full || fl->is_checking)) {
        return 1;
    }

    if (fl->L == NULL) {
        snprintf(fl->error, sizeof(fl->error), "%s: it is not loaded, since "
                 "there was no memory, or since it kept too much and takes "
                 "too long to load again", fl->name);
        return 0;
    }

    fl_vm_close(fl);

    if (fl->load_ns > FL_RENEW_US * 1000u && !fl->is_small) {
        return fl_keep_ready(fl);
    }

    fl->rebuilds++;
    began_ns = fl_now_ns(CLOCK_MONOTONIC);

    if (fl_vm_open(fl) && fl_load(fl) != FL_OK) {
        fl_vm_close(fl);
    }

    if (fl->left_ns != NULL) {
        *fl->left_ns -= (int64_t) (fl_now_ns(CLOCK_MONOTONIC) - began_ns);
    }

    return fl->L != NULL;
}

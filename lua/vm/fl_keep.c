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
 * When a collection has left more than FL_MEMORY_MAX, or a call was refused
 * memory, somebody is to look between two requests: all garbage is collected
 * then, and what is left is the rules' own.  If it is too much the VM begins
 * anew from its file.  Until then hooks are asked as before.
 */

#include "fl_priv.h"


#define FL_COLLECT_US    300           /* between two calls */
#define FL_COLLECT_FROM  ((size_t) 256 << 10)      /* of garbage on */

/* A call that was refused memory has a reason in what is kept from here on: a
 * table at the limit of a block has as much. */
#define FL_KEPT_MAX      (FL_BLOCK_MAX / 2)

#define FL_COLLECTIONS_MAX  12         /* of what loading has left */


static int fl_keep_measure(lua_State *L);
static int fl_keep_step(lua_State *L);


fl_code_t
fl_keep_loaded(fl_t *fl)
{
    fl_code_t  code;

    code = fl_vm_run(fl, &fl_budget_own, fl_keep_measure);

    fl->loaded = fl->used;
    fl->collect_at = fl->used + FL_COLLECT_FROM;
    fl->is_short = 0;
    fl->is_over = 0;

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

    if (is_done) {
        fl->collect_at = fl->used + FL_COLLECT_FROM;
        fl->is_over |= fl->used > fl->loaded + FL_MEMORY_MAX;
    }

    return 0;
}


/* --- state ------------------------------------------------------------- */

int
fl_wants(const fl_t *fl)
{
    return fl->L == NULL || fl->is_short || fl->is_over;
}


fl_code_t
fl_tend(fl_t *fl)
{
    size_t  kept;

    if (fl->source == NULL) {
        return FL_RULES;
    }

    if (fl->L != NULL) {
        fl->budget = fl_budget_own;
        (void) lua_cpcall(fl->L, fl_keep_measure, fl);

        kept = fl->used > fl->loaded ? fl->used - fl->loaded : 0;

        if (kept <= (fl->is_short ? FL_KEPT_MAX : FL_MEMORY_MAX)) {
            fl->collect_at = fl->used + FL_COLLECT_FROM;
            fl->is_short = 0;
            fl->is_over = 0;
            return FL_OK;
        }

        fl_vm_close(fl);
        fl->rebuilds++;
    }

    if (!fl_vm_open(fl) || fl_load(fl) != FL_OK) {
        fl_vm_close(fl);
        return FL_MEMORY;
    }

    return FL_OK;
}

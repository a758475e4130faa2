/*
 * nginx around one link of the journal's protocol (fj_link_t): its timers are
 * nginx's events, its connection is a line of hiredis, its clock nginx's.
 * What the link is used for is not known here.
 */

#ifndef NGX_FAKA_SHELL_H_INCLUDED_
#define NGX_FAKA_SHELL_H_INCLUDED_


#include "ngx_faka_redis.h"


typedef struct {
    fj_link_t        *link;
    ngx_faka_line_t   line;
    ngx_event_t       timers[FJ_TIMER_COUNT];
    ngx_log_t        *log;
    ngx_uint_t        woken;           /* unsigned: 1 wake() is due */
    ngx_uint_t        was_replaced;    /* unsigned: 1 replaced() is due */
    ngx_uint_t        is_gone;         /* what it is told */

    /* As in ngx_faka_journal_options_t; NULL where it is of no interest. */
    void            (*wake)(void *data);
    void            (*ring)(void *data);
    void            (*replaced)(void *data, ngx_uint_t is_gone);
    void             *data;
} ngx_faka_shell_t;


/* What the machine is started with, together with its shell. */
extern const fj_shell_t  ngx_faka_shell;

/* wake, ring, replaced, data and log are set by the caller. */
void ngx_faka_shell_init(ngx_faka_shell_t *shell, fj_link_t *link);

/* Gone, or dead and not yet asked for by its parent.  Of a process of another
 * user, too. */
ngx_uint_t ngx_faka_process_is_dead(ngx_pid_t pid);


#endif /* NGX_FAKA_SHELL_H_INCLUDED_ */

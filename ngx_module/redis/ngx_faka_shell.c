/*
 * nginx around one link of the journal's protocol.  Each event of nginx or
 * hiredis becomes one call into the machine; when that has returned, whoever
 * waits for what it did is woken, so that nothing comes back into a machine
 * that is at work.
 */

#include "ngx_faka_shell.h"


/* The kernel's PF_EXITING, include/linux/sched.h. */
#define NGX_FAKA_PF_EXITING  0x4

/* In /proc/PID/stat, behind the state. */
#define NGX_FAKA_STAT_FLAGS  6


static void ngx_faka_shell_timer_handler(ngx_event_t *ev);
static void ngx_faka_shell_connected(ngx_faka_line_t *line);
static void ngx_faka_shell_closed(ngx_faka_line_t *line);
static void ngx_faka_shell_replied(ngx_faka_line_t *line,
    const fj_reply_t *reply);
static void ngx_faka_shell_done(ngx_faka_shell_t *shell);
static int64_t ngx_faka_shell_now_ms(void *data);
static int64_t ngx_faka_shell_unix_ms(void *data);
static uint32_t ngx_faka_shell_random(void *data);
static int ngx_faka_shell_is_dead(void *data, uint64_t owner);
static int ngx_faka_shell_is_over(ngx_pid_t pid);
static int ngx_faka_shell_connect(void *data, const fj_address_t *address);
static void ngx_faka_shell_close(void *data);
static int ngx_faka_shell_send(void *data, int argc, const char *const *argv,
    const size_t *sizes);
static void ngx_faka_shell_timer(void *data, fj_timer_t which,
    int64_t delay_ms);
static void ngx_faka_shell_log(void *data, fj_log_t level, const char *text);
static void ngx_faka_shell_wake(void *data);
static void ngx_faka_shell_ring(void *data);
static void ngx_faka_shell_replaced(void *data, int is_gone);


const fj_shell_t  ngx_faka_shell = {
    ngx_faka_shell_now_ms,
    ngx_faka_shell_unix_ms,
    ngx_faka_shell_random,
    ngx_faka_shell_is_dead,
    ngx_faka_shell_connect,
    ngx_faka_shell_close,
    ngx_faka_shell_send,
    ngx_faka_shell_timer,
    ngx_faka_shell_log,
    ngx_faka_shell_wake,
    ngx_faka_shell_ring,
    ngx_faka_shell_replaced
};


void
ngx_faka_shell_init(ngx_faka_shell_t *shell, fj_link_t *link)
{
    ngx_uint_t    i;
    ngx_event_t  *ev;

    shell->link = link;

    shell->line.log = shell->log;
    shell->line.data = shell;
    shell->line.connected = ngx_faka_shell_connected;
    shell->line.closed = ngx_faka_shell_closed;
    shell->line.reply = ngx_faka_shell_replied;

    for (i = 0; i < FJ_TIMER_COUNT; i++) {
        ev = &shell->timers[i];
        ev->handler = ngx_faka_shell_timer_handler;
        ev->data = shell;
        ev->log = shell->log;

        /* A worker that quits waits for a reply and for a drain only. */
        ev->cancelable = i == FJ_TIMER_RETRY || i == FJ_TIMER_PULSE
                         || i == FJ_TIMER_OWNER;
    }
}


/* --- events in --------------------------------------------------------- */

static void
ngx_faka_shell_timer_handler(ngx_event_t *ev)
{
    ngx_faka_shell_t  *shell = ev->data;

    fj_timer(shell->link, (fj_timer_t) (ev - shell->timers));
    ngx_faka_shell_done(shell);
}


static void
ngx_faka_shell_connected(ngx_faka_line_t *line)
{
    ngx_faka_shell_t  *shell = line->data;

    fj_connected(shell->link);
    ngx_faka_shell_done(shell);
}


static void
ngx_faka_shell_closed(ngx_faka_line_t *line)
{
    ngx_faka_shell_t  *shell = line->data;

    fj_closed(shell->link);
    ngx_faka_shell_done(shell);
}


static void
ngx_faka_shell_replied(ngx_faka_line_t *line, const fj_reply_t *reply)
{
    ngx_faka_shell_t  *shell = line->data;

    fj_reply(shell->link, reply);
    ngx_faka_shell_done(shell);
}


static void
ngx_faka_shell_done(ngx_faka_shell_t *shell)
{
    if (shell->woken) {
        shell->woken = 0;
        shell->wake(shell->data);
    }

    if (shell->was_replaced) {
        shell->was_replaced = 0;
        shell->replaced(shell->data, shell->is_gone);
    }
}


/* --- what the machine asks for ----------------------------------------- */

/* nginx's cached time would be late after a long page or a rebuild, and the
 * timers that are set next are counted from it. */

static int64_t
ngx_faka_shell_now_ms(void *data)
{
    ngx_time_update();
    return (int64_t) ngx_current_msec;
}


static int64_t
ngx_faka_shell_unix_ms(void *data)
{
    ngx_time_t  *tp;

    ngx_time_update();
    tp = ngx_timeofday();

    return (int64_t) tp->sec * 1000 + (int64_t) tp->msec;
}


static uint32_t
ngx_faka_shell_random(void *data)
{
    return (uint32_t) ngx_random();
}


/*
 * An owner carries its pid in the upper half.  A pid that was given to another
 * process meanwhile counts as alive: then the lease runs out in its own time.
 */

static int
ngx_faka_shell_is_dead(void *data, uint64_t owner)
{
    return ngx_faka_process_is_dead((ngx_pid_t) (owner >> 32)) != 0;
}


ngx_uint_t
ngx_faka_process_is_dead(ngx_pid_t pid)
{
    if (kill(pid, 0) == -1 && ngx_errno == ESRCH) {
        return 1;
    }

    return ngx_faka_shell_is_over(pid);
}


/*
 * Dead, but its parent has not asked for it: where the first process of a
 * container reaps nobody, that may last for ever.  Or dying: it never runs
 * again, but the kernel takes 10 ms and more to unmap a large shop, for which
 * buyers would wait.  The fields, proc(5), stand behind the name, which may
 * hold any character.
 */

static int
ngx_faka_shell_is_over(ngx_pid_t pid)
{
    u_char      path[sizeof("/proc//stat") + NGX_INT64_LEN], stat[256];
    u_char     *p, *last, *end, state;
    ssize_t     size;
    ngx_fd_t    fd;
    ngx_int_t   flags;
    ngx_uint_t  field;

    ngx_sprintf(path, "/proc/%P/stat%Z", pid);

    fd = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
    if (fd == NGX_INVALID_FILE) {
        return 0;
    }

    size = ngx_read_fd(fd, stat, sizeof(stat));
    (void) ngx_close_file(fd);

    last = stat + ngx_max(size, 0);

    for (p = last; p > stat && p[-1] != ')'; p--) { /* void */ }

    if (p == stat || last - p < 2) {
        return 0;
    }

    state = p[1];

    for (field = 0; field < NGX_FAKA_STAT_FLAGS && p != NULL; field++) {
        p = ngx_strlchr(p + 1, last, ' ');
    }

    end = p == NULL ? NULL : ngx_strlchr(p + 1, last, ' ');
    flags = end == NULL ? NGX_ERROR : ngx_atoi(p + 1, end - p - 1);

    return state == 'Z' || state == 'X'
           || (flags != NGX_ERROR && (flags & NGX_FAKA_PF_EXITING) != 0);
}


static int
ngx_faka_shell_connect(void *data, const fj_address_t *address)
{
    ngx_faka_shell_t  *shell = data;

    return ngx_faka_redis_connect(&shell->line, address) == NGX_OK ? 0 : -1;
}


static void
ngx_faka_shell_close(void *data)
{
    ngx_faka_shell_t  *shell = data;

    ngx_faka_redis_close(&shell->line);
}


static int
ngx_faka_shell_send(void *data, int argc, const char *const *argv,
    const size_t *sizes)
{
    ngx_faka_shell_t  *shell = data;

    return ngx_faka_redis_send(&shell->line, argc, argv, sizes) == NGX_OK
           ? 0 : -1;
}


static void
ngx_faka_shell_timer(void *data, fj_timer_t which, int64_t delay_ms)
{
    ngx_event_t       *ev;
    ngx_faka_shell_t  *shell = data;

    ev = &shell->timers[which];

    if (ev->posted) {
        ngx_delete_posted_event(ev);
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    if (delay_ms > 0) {
        ngx_add_timer(ev, (ngx_msec_t) delay_ms);

    } else if (delay_ms == 0) {
        ngx_post_event(ev, &ngx_posted_events);
    }
}


static void
ngx_faka_shell_log(void *data, fj_log_t level, const char *text)
{
    ngx_faka_shell_t  *shell = data;

    static const ngx_uint_t  levels[] = {
        [FJ_LOG_NOTICE] = NGX_LOG_NOTICE,
        [FJ_LOG_WARN] = NGX_LOG_WARN,
        [FJ_LOG_ERR] = NGX_LOG_ERR,
        [FJ_LOG_EMERG] = NGX_LOG_EMERG
    };

    ngx_log_error(levels[level], shell->log, 0, "%s", text);
}


static void
ngx_faka_shell_wake(void *data)
{
    ngx_faka_shell_t  *shell = data;

    shell->woken = shell->wake != NULL;
}


static void
ngx_faka_shell_ring(void *data)
{
    ngx_faka_shell_t  *shell = data;

    if (shell->ring != NULL) {
        shell->ring(shell->data);
    }
}


static void
ngx_faka_shell_replaced(void *data, int is_gone)
{
    ngx_faka_shell_t  *shell = data;

    shell->was_replaced = shell->replaced != NULL;
    shell->is_gone = is_gone != 0;
}

/*
 * A shell without sockets for the journal's machine and its keeper: a clock,
 * and for each of the two a connection and timers that are plain variables.
 * It holds both to what fj.h says of a shell's calls.
 */

#ifndef FAKA_FUZZ_REPLY_SHELL_H_INCLUDED_
#define FAKA_FUZZ_REPLY_SHELL_H_INCLUDED_


#include "full_shop.h"
#include "must.h"
#include "../../ngx_module/journal/fj.h"


/* One connection and its timers: the shell's side of a link. */
typedef struct {
    fj_link_t     *link;
    int            connecting, is_open;
    int            is_inside, has_closed;
    int64_t        due_ms[FJ_TIMER_COUNT];         /* -1: off */
    int            argc;               /* 0: no command is on its way */
    const char    *argv[FJ_ARGC_MAX];
    size_t         sizes[FJ_ARGC_MAX];
} line_t;


static int64_t   now_ms;
static line_t    lines[2];             /* of the machine, of the keeper */
static uint32_t  serial;
static int       say;


static int64_t
shell_now_ms(void *data)
{
    return now_ms;
}


static int64_t
shell_unix_ms(void *data)
{
    return shop_env.now_ms + now_ms;
}


static uint32_t
shell_random(void *data)
{
    return ++serial * 2654435761u;
}


static int
shell_is_dead(void *data, uint64_t owner)
{
    return owner % 2 == 0;
}


static int
shell_connect(void *data, const fj_address_t *address)
{
    line_t  *line = data;

    MUST(!line->is_open && !line->connecting && line->argc == 0);
    MUST(!line->has_closed);
    line->connecting = 1;
    return 0;
}


static void
line_forget(line_t *line)
{
    line->is_open = 0;
    line->connecting = 0;

    while (line->argc > 0) {
        free((void *) (uintptr_t) line->argv[--line->argc]);
    }
}


static void
shell_close(void *data)
{
    line_t  *line = data;

    MUST(line->is_open || line->connecting);
    line_forget(line);
    line->has_closed = 1;
}


/* Each word gets memory of its own: its size must be right. */

static int
shell_send(void *data, int argc, const char *const *argv, const size_t *sizes)
{
    int      i;
    char    *word;
    line_t  *line = data;

    MUST(line->is_open && line->argc == 0);
    MUST(argc > 0 && argc <= FJ_ARGC_MAX);

    for (i = 0; i < argc; i++) {
        word = malloc(sizes[i] + 1);
        MUST(word != NULL);
        memcpy(word, argv[i], sizes[i]);
        word[sizes[i]] = '\0';
        line->argv[i] = word;
        line->sizes[i] = sizes[i];
    }

    line->argc = argc;

    if (say) {
        fprintf(stderr, "%" PRId64 " %td> %s %.40s %.40s %.40s\n", now_ms,
                line - lines, argv[0], argc > 1 ? line->argv[1] : "",
                argc > 2 ? line->argv[2] : "", argc > 3 ? line->argv[3] : "");
    }

    return 0;
}


static void
shell_timer(void *data, fj_timer_t which, int64_t delay_ms)
{
    line_t  *line = data;

    MUST(delay_ms >= FJ_TIMER_OFF && delay_ms < 3600 * 1000);
    line->due_ms[which] = delay_ms == FJ_TIMER_OFF ? -1 : now_ms + delay_ms;
}


/* Redis's own words are in some lines: none may reach a terminal. */

static void
shell_log(void *data, fj_log_t level, const char *text)
{
    size_t  i;

    MUST(strlen(text) < FJ_LOG_SIZE);

    for (i = 0; text[i] != '\0'; i++) {
        MUST((uint8_t) text[i] >= ' ' && text[i] != 0x7f);
    }

    if (say) {
        fprintf(stderr, "%s\n", text);
    }
}


static void
shell_nothing(void *data)
{
}


static void
shell_replaced(void *data, int is_gone)
{
}


static const fj_shell_t  shell = {
    .now_ms = shell_now_ms,
    .unix_ms = shell_unix_ms,
    .random = shell_random,
    .is_dead = shell_is_dead,
    .connect = shell_connect,
    .close = shell_close,
    .send = shell_send,
    .timer = shell_timer,
    .log = shell_log,
    .wake = shell_nothing,
    .ring = shell_nothing,
    .replaced = shell_replaced
};


#endif /* FAKA_FUZZ_REPLY_SHELL_H_INCLUDED_ */

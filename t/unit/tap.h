/*
 * TAP for the C unit tests: each program prints one line a check and the
 * plan at its end, so that prove runs it like any other test file.  A check
 * that fails says where; the program goes on, and its exit status counts.
 */

#ifndef FAKA_TAP_H_INCLUDED_
#define FAKA_TAP_H_INCLUDED_


#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static int  tap_count;
static int  tap_failed;


__attribute__((format(printf, 4, 5), unused))
static int
tap_ok(int pass, const char *file, int line, const char *fmt, ...)
{
    va_list  args;

    tap_count++;
    printf("%sok %d - ", pass ? "" : "not ", tap_count);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");

    if (!pass) {
        tap_failed++;
        printf("#   failed at %s:%d\n", file, line);
    }

    fflush(stdout);
    return pass;
}


#define OK(cond, ...)  tap_ok(!!(cond), __FILE__, __LINE__, __VA_ARGS__)

#define EQ_INT(got, want, ...)                                               \
    do {                                                                     \
        int64_t  tap_g = (int64_t) (got), tap_w = (int64_t) (want);          \
        if (!tap_ok(tap_g == tap_w, __FILE__, __LINE__, __VA_ARGS__)) {      \
            printf("#   got %" PRId64 ", want %" PRId64 "\n", tap_g, tap_w); \
        }                                                                    \
    } while (0)

#define EQ_MEM(got, got_size, want, want_size, ...)                          \
    do {                                                                     \
        size_t  tap_gs = (got_size), tap_ws = (want_size);                   \
        const void  *tap_g = (got);                                          \
        if (!tap_ok(tap_gs == tap_ws && memcmp(tap_g, (want), tap_ws) == 0,  \
                    __FILE__, __LINE__, __VA_ARGS__))                        \
        {                                                                    \
            printf("#   got %zu bytes \"%.*s\"\n", tap_gs, (int) tap_gs,     \
                   (const char *) tap_g);                                    \
        }                                                                    \
    } while (0)

#define EQ_STR(got, want, ...)                                               \
    do {                                                                     \
        const char  *tap_s = (got);                                          \
        EQ_MEM(tap_s, strlen(tap_s), (want), strlen(want), __VA_ARGS__);     \
    } while (0)


__attribute__((unused))
static int
tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}


#endif /* FAKA_TAP_H_INCLUDED_ */

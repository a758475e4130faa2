/*
 * Rules for the tests: made from a text, and asked with an input that has
 * something in every field.
 */

#ifndef FAKA_RULES_SHOP_H_INCLUDED_
#define FAKA_RULES_SHOP_H_INCLUDED_


#include <stdlib.h>
#include <time.h>

#include "fl.h"
#include "tap.h"


static char        rules_err[FL_ERROR_SIZE];
static fl_input_t  rules_in;


__attribute__((unused))
static fk_str_t
str(const char *text)
{
    fk_str_t  s = { (const uint8_t *) text, strlen(text) };

    return s;
}


__attribute__((unused))
static uint64_t
now_us(void)
{
    struct timespec  now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000u + (uint64_t) now.tv_nsec / 1000;
}


/* Of the processor: what the machine does beside it does not count. */
__attribute__((unused))
static uint64_t
cpu_us(void)
{
    struct timespec  now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t) now.tv_sec * 1000000u + (uint64_t) now.tv_nsec / 1000;
}


/* 1: FAKA_NO_CLOCK is set, for the program runs many times slower than it is:
 * what is stopped after too long a time then says nothing of the rules. */
__attribute__((unused))
static int
is_slow(void)
{
    return getenv("FAKA_NO_CLOCK") != NULL;
}


static int
rules_signal(void *data, fk_str_t name, int64_t *number)
{
    (void) data;

    if (name.size == 4 && memcmp(name.data, "rain", 4) == 0) {
        *number = 12;
        return 1;
    }

    return 0;
}


__attribute__((unused))
static void
rules_input(void)
{
    int  i;

    fl_input_clear(&rules_in);

    for (i = 0; i < FL_FIELD_COUNT; i++) {
        switch (fl_fields[i].type) {
        case FL_INT:
            fl_input_int(&rules_in, (fl_field_t) i, 100 + i);
            break;
        case FL_BOOL:
            fl_input_bool(&rules_in, (fl_field_t) i, 1);
            break;
        default:
            fl_input_text(&rules_in, (fl_field_t) i, str(fl_fields[i].word));
        }
    }

    rules_in.signal = rules_signal;
}


/* NULL: rules_err says why. */
__attribute__((unused))
static fl_t *
rules_of(const char *text)
{
    rules_err[0] = '\0';
    return fl_create("rules.lua", (const uint8_t *) text, strlen(text),
                     rules_err);
}


/* What a price rule with this body answers. */
__attribute__((unused))
static fl_code_t
price_of(fl_t *fl, int64_t *total)
{
    *total = -1;
    return fl_price(fl, &rules_in, 1000000, total);
}


/* What a worker does between two requests. */
__attribute__((unused))
static void
rules_tend(fl_t *fl)
{
    if (fl_wants(fl)) {
        (void) fl_tend(fl);
    }
}


#endif /* FAKA_RULES_SHOP_H_INCLUDED_ */

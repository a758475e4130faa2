/*
 * How long a worker may stand still for a file of rules that loads: data made
 * while loading, as large as may be, and the slowest that can be done with it;
 * that it may be of any size up to that; what collects it; what is shared by
 * the hooks of one request.  And that rules which are good lose no answer by
 * any of it.
 */

#include <signal.h>
#include <sys/time.h>

#include "rules_shop.h"


#define STALL_MAX_US  5000
#define CALLS         40
#define TRIES         4
#define ELSEWHERE_MS  4


typedef struct {
    const char  *name;
    const char  *load;
    const char  *body;                 /* of price(o) */
} slow_t;


#define LONG_STRING  "local a = '1' for i = 1, 12 do a = a .. a end " \
                     "a = a:sub(1, 4095) "
#define TEN(text)    text text text text text text text text text text

#define EMPTIED      "local t = {} for i = 1, 65000 do t[i] = 1 end " \
                     "for i = 1, 65000 do t[i] = nil end "
/* Calls f with as many strings as a call can have. */
#define MANY(f, n)   LONG_STRING "local function g(n, ...) if n == 0 then " \
                     "while true do " TEN(f "(...) ") " end end return " \
                     "g(n - 1, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, " \
                     "a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, ...) end " \
                     "local function deep(n) if n > 0 then return 1 + " \
                     "deep(n - 1) end return 0 end deep(6000) ", \
                     "return g(" n ")"
static const slow_t  slow[] = {
    { "max of many", MANY("math.max", "20") },
    { "min of many", MANY("math.min", "3") },
    { "char of many", MANY("string.char", "20") },
    { "select of many", MANY("select", "40") },
    { "select of what fits", MANY("type(select)", "40") },
    { "assert of many", MANY("assert", "50") },
    { "next that pairs gives", EMPTIED, "local n = pairs({}) while true do "
      TEN(TEN("n(t) ")) " end" },
    { "two numbers of 4 KiB at once", LONG_STRING,
      "local x while true do " TEN(TEN("x = a + a ")) " end" },
    { "what is below a number of 4 KiB", LONG_STRING,
      "local x while true do " TEN(TEN("x = -a ")) " end" },
    { "floor of 4 KiB", LONG_STRING,
      "local f = math.floor while true do " TEN(TEN("f(a) ")) " end" },
    { "pow of 4 KiB", LONG_STRING,
      "local f = math.pow while true do " TEN(TEN("f(a, a) ")) " end" },
    { "a loop from 4 KiB", LONG_STRING,
      "while true do " TEN("for i = a, a, a do break end ") " end" },
    { "a number of 4 KiB", LONG_STRING,
      "local x while true do " TEN(TEN("x = a + 1 ")) " end" },
    { "tonumber of 4 KiB", LONG_STRING,
      "local f = tonumber while true do " TEN("f(a) ") " end" },
    { "comparing 4 KiB", LONG_STRING "local b, c = a .. 'b', a .. 'c' ",
      "local x while true do " TEN(TEN("x = b < c ")) " end" },
    { "contains of 4 KiB", "local function f(...) local c = string.contains "
      "while true do " TEN("c(...) ") " end end "
      "local s = 'x' for i = 1, 12 do s = s .. s end ",
      "f(s, s:sub(1, 10) .. 'y' .. s:sub(1, 53))" },
    { "upper of 4 KiB", LONG_STRING, "while true do "
      TEN("a:upper() ") " end" },
    { "next of an emptied table", "local t = {} for i = 1, 30000 do "
      "t[i + 0.5] = 1 end for k in pairs(t) do t[k] = nil end ",
      "local n = next while true do " TEN("n(t) ") " end" },
    { "next of an emptied list", "local t = {} for i = 1, 60000 do "
      "t[i] = 1 end for i = 1, 60000 do t[i] = nil end ",
      "local n = next while true do " TEN("n(t) ") " end" },
    { "pairs of an emptied list", "local t = {} for i = 1, 60000 do "
      "t[i] = 1 end for i = 1, 60000 do t[i] = nil end ",
      "while true do for k in pairs(t) do end end" },
    { "in front of a long list", "local t = {} for i = 1, 60000 do "
      "t[i] = 1 end ", "while true do table.insert(t, 1, 5) "
      "table.remove(t, 1) end" },
    { "garbage beside a table of all that there is", "local t = {} "
      "for i = 1, 22000 do t['user' .. i .. '.example'] = true end ",
      "local s = 'x' for i = 1, 11 do s = s .. s end local u "
      "for i = 1, 200 do u = s .. s:sub(1, 1900) .. o.qty .. i end "
      "return 5" },
    { "no memory beside it", "local t = {} "
      "for i = 1, 22000 do t['user' .. i .. '.example'] = true end ",
      "local s = 'x' while true do s = s:sub(1, 2000) .. s:sub(1, 2000) "
      ".. #s .. o.qty end" },
    { "state", "local t, n = {}, 0 ",
      "for i = 1, 2000 do n = n + 1 t[n % 1000] = { t[n % 1000] } end "
      "return 5" },
    { "state that takes long to load", "for i = 1, 1e6 do end "
      "local t, n = {}, 0 ",
      "for i = 1, 200 do n = n + 1 t[n] = {} end return 5" },
};

#define SLOW  (sizeof(slow) / sizeof(slow[0]))


/* The longest of so many calls; -1: the file does not load. */
static int64_t
longest_us_of(const char *text, fl_code_t *code)
{
    int        n;
    fl_t      *fl;
    int64_t    total;
    uint64_t   us, worst_us;

    fl = rules_of(text);

    if (fl == NULL) {
        return -1;
    }

    worst_us = 0;

    for (n = 0; n < CALLS; n++) {
        rules_input();
        fl_input_int(&rules_in, FL_FIELD_QTY, n);
        us = cpu_us();
        *code = price_of(fl, &total);
        us = cpu_us() - us;
        worst_us = us > worst_us ? us : worst_us;
    }

    fl_destroy(fl);

    return (int64_t) worst_us;
}


/* What a machine does to one of them it does not do each time; what a file
 * does it does. */
static void
test_slow(const slow_t *s)
{
    int        tries;
    int64_t    us;
    fl_code_t  code;

    static char  text[FL_FILE_SIZE_MAX];

    snprintf(text, sizeof(text), "%s\nfunction price(o) %s end", s->load,
             s->body);
    code = FL_OK;
    us = longest_us_of(text, &code);

    for (tries = 1; us >= STALL_MAX_US && tries < TRIES; tries++) {
        us = longest_us_of(text, &code);
    }

    OK(us >= 0 && (us < STALL_MAX_US || is_slow()), "%s: the longest of %d "
       "takes %" PRId64 " us: %s %s", s->name, CALLS, us, fl_code_word[code],
       us < 0 ? rules_err : "");
}


static void
refused(const char *text, const char *error)
{
    fl_t  *fl;

    fl = rules_of(text);
    OK(fl == NULL && strstr(rules_err, error) != NULL, "%.60s: %s", text,
       rules_err);
    fl_destroy(fl);
}


/* A file with n bytes between two texts. */
static void
literal(int i, const char *before, size_t n, const char *after, int is_good)
{
    fl_t         *fl;
    static char   text[FL_STRING_MAX + 4096];

    snprintf(text, sizeof(text), "%s%*s%s\nfunction price(o) return 1 end",
             before, (int) n, "x", after);
    fl = rules_of(text);
    OK(is_good ? fl != NULL : fl == NULL && strstr(rules_err, "a string of "
                                                   "more than 4096") != NULL,
       "literal %d, %zu bytes: %s", i, n, rules_err);
    fl_destroy(fl);
}


static void
test_literals(void)
{
    int  i;

    static const char *const  string[][2] = {
        { "local a = '", "'" }, { "local a = \"", "\"" },
        { "local a = [[", "]]" }, { "local a = [==[", "]==]" },
        { "#'\nlocal a = '", "'" }, { "\xef\xbb\xbf#[[\nlocal a = '", "'" },
        { "--[==x '\nlocal a = '", "'" }, { "--[[\n']] local a = '", "'" },
        { "local b = '\\'' local a = '", "'" },
        { "local b = '\\\\' local a = '", "'" },
        { "local b = 'x\\\r\ny' local a = '", "'" },
        { "local b = 'x\\z \n y' local a = '", "'" },
        { "local b = [[']=]] local a = '", "'" },
        { "local b = [=[]]]=] local a = '", "'" },
        { "local b = {} local c = b[b] or 5 - 4 local a = '", "'" },
    };

    for (i = 0; i < (int) (sizeof(string) / sizeof(string[0])); i++) {
        literal(i, string[i][0], FL_STRING_MAX, string[i][1], 1);
        literal(i, string[i][0], FL_STRING_MAX + 1, string[i][1], 0);
    }

    literal(-1, "-- '", FL_STRING_MAX + 1, "", 1);
    literal(-2, "--[[ '", FL_STRING_MAX + 1, "]]", 1);
    literal(-3, "local a = ", FL_STRING_MAX + 1, "", 1);
}


static void
test_loading(void)
{
    refused("local a = 'x' for i = 1, 13 do a = a .. a end "
            "function price(o) return #a end", "a string of more than 4096");
    refused("local t, a = {}, 'x' for i = 1, 17 do a = a .. a end t[a] = 1 "
            "function price(o) return t.x end", "a string of more than");
    refused("local a = 'x' for i = 1, 12 do a = a .. a end a = a .. 'y' "
            "function price(o) return 1 end", "a string of more than");
    refused("local t = {} for i = 1, 300000 do t[i] = i end "
            "function price(o) return #t end", "too much memory");
    refused("local t = {} for i = 1, 100000 do t[i] = 'a' .. i end "
            "function price(o) return #t end", "too much memory");
}


/* Each number of strings at which LuaJIT's table of them grows, beside one
 * large table and beside four. */
static void
test_sizes(void)
{
    int   n, strings, tables, bad;
    fl_t *fl;
    char  text[512], first[FL_ERROR_SIZE];

    for (strings = 4096; strings <= 16384; strings *= 2) {
        for (tables = 1; tables <= 4; tables += 3) {
            bad = 0;
            first[0] = '\0';

            for (n = strings - 260; n < strings - 180; n++) {
                snprintf(text, sizeof(text), "local b = { {}, {}, {}, {} } "
                         "for i = 1, %d do local s = 'user' .. i .. '.example'"
                         "for k = 1, %d do b[k][s] = true end end "
                         "function price(o) return b[1].x and 1 or 2 end",
                         n, tables);
                fl = rules_of(text);

                if (fl == NULL && bad++ == 0) {
                    memcpy(first, rules_err, sizeof(first));
                }

                fl_destroy(fl);
            }

            OK(bad == 0, "some %d strings in %d tables: %d of 80 files are "
               "refused: %s", strings, tables, bad, first);
        }
    }
}


/* --- what is good ------------------------------------------------------- */

static void
all_answer(const char *name, const char *text, int calls)
{
    int         n, failed;
    fl_t       *fl;
    int64_t     total;
    fl_code_t   code;
    fl_spent_t  spent;

    fl = rules_of(text);

    if (!OK(fl != NULL, "%s: loads: %s", name, rules_err)) {
        return;
    }

    failed = 0;

    for (n = 0; n < calls; n++) {
        fl_input_int(&rules_in, FL_FIELD_NOW, n);
        code = price_of(fl, &total);
        failed += code != FL_OK && !(code == FL_BUDGET && is_slow());
    }

    fl_spent(fl, &spent);
    OK(failed == 0, "%s: %d of %d calls without answer %s", name, failed,
       calls, fl_error(fl));
    EQ_INT(spent.rebuilds, 0, "and nothing is begun anew");
    OK(spent.used_bytes < FL_LOAD_MEMORY + 2 * FL_MEMORY_MAX, "%zu bytes",
       spent.used_bytes);
    fl_destroy(fl);
}


static void
test_good(void)
{
    rules_input();
    all_answer("a list of 20,000",
               "local bad = {} for i = 1, 20000 do "
               "bad['user' .. i .. '.example'] = true end "
               "function price(o) if bad['x' .. o.now] then return 1 end "
               "return 500 end", 100000);
    all_answer("as many strings as fill their table",
               "local bad = {} for i = 1, 4000 do "
               "bad['user' .. i .. '.example'] = true end "
               "function price(o) if bad['x' .. o.now] then return 1 end "
               "return 500 end", 50000);
    all_answer("20 KiB a call beside it",
               "local bad = {} for i = 1, 20000 do "
               "bad['user' .. i .. '.example'] = true end "
               "function price(o) local t = {} for i = 1, 300 do "
               "t[i] = 'x' .. o.now .. i end return bad.x and 1 or 500 end",
               2000);
    all_answer("a counter", "local n = 0 function price(o) n = n + 1 "
               "return n % 1000 end", 50000);
}


/* A flat table comes to the limit of one block before any other. */
static void
test_flat(void)
{
    int         n, failed, last;
    fl_t       *fl;
    int64_t     total;
    fl_spent_t  spent;

    fl = rules_of("local seen, n = {}, 0 function price(o) n = n + 1 "
                  "seen[n] = true return 500 end");
    OK(fl != NULL, "a flat table: %s", rules_err);
    rules_input();
    failed = 0;
    last = 0;

    for (n = 0; n < 20000; n++) {
        if (price_of(fl, &total) != FL_OK) {
            failed++;
            last = n;
        }

        rules_tend(fl);
    }

    fl_spent(fl, &spent);
    OK(failed > 0 && failed < 100 && last > 10000, "%d of %d calls fail",
       failed, n);
    OK(spent.rebuilds > 1, "it began anew %" PRIu64 " times", spent.rebuilds);
    fl_destroy(fl);

    /* Who never answers has not filled it. */
    fl = rules_of("function price(o) local s = 'x' "
                  "while true do s = s .. s end end");

    for (n = 0; n < 100; n++) {
        (void) price_of(fl, &total);
        rules_tend(fl);
    }

    fl_spent(fl, &spent);
    EQ_INT(spent.rebuilds, 0, "who only wants too much is not loaded again");
    fl_destroy(fl);
}


/* A file that takes long to load.  Some orders are refused memory: the others
 * have their answer, before and after somebody looks.  When it is full it is
 * not loaded again inside of a call, but between two. */
static void
test_long(void)
{
    int         n;
    fl_t       *fl;
    int64_t     total;
    uint64_t    us, longest_us;
    fl_spent_t  spent;

    fl = rules_of("local b, t, c = {}, {}, 0 for i = 1, 22000 do "
                  "b['user' .. i .. '.example'] = true end "
                  "function price(o) local s = { 1 } if o.qty == 1 then "
                  "while true do s[#s + 1] = 1 end end if o.qty == 2 then "
                  "for i = 1, 500 do c = c + 1 t[c] = { c } end end "
                  "return 500 end");
    OK(fl != NULL, "a long list: %s", rules_err);
    rules_input();

    for (n = 0; n < 6; n++) {
        fl_input_int(&rules_in, FL_FIELD_QTY, 1);
        EQ_INT(price_of(fl, &total), FL_MEMORY, "an order without answer");
        EQ_INT(price_of(fl, &total), FL_MEMORY, "and another one");
        OK(fl_wants(fl), "somebody is to look");
        fl_input_int(&rules_in, FL_FIELD_QTY, 3);
        EQ_INT(price_of(fl, &total), FL_OK, "the next one has its answer");
        rules_tend(fl);
        OK(!fl_wants(fl), "and nothing more is wanted");
        EQ_INT(price_of(fl, &total), FL_OK, "nor after it");
    }

    fl_spent(fl, &spent);
    EQ_INT(spent.rebuilds, 0, "it is not loaded again");

    longest_us = 0;
    fl_input_int(&rules_in, FL_FIELD_QTY, 2);

    for (n = 0; n < 200; n++) {
        us = cpu_us();
        (void) price_of(fl, &total);
        us = cpu_us() - us;
        longest_us = us > longest_us ? us : longest_us;
    }

    OK(fl_wants(fl) && price_of(fl, &total) == FL_MEMORY, "full");
    us = cpu_us();
    EQ_INT(fl_tend(fl), FL_OK, "it is loaded again");
    us = cpu_us() - us;
    OK(us > longest_us || is_slow(), "in %" PRIu64 " us; the longest call "
       "took %" PRIu64, us, longest_us);
    EQ_INT(price_of(fl, &total), FL_OK, "and answers");
    fl_spent(fl, &spent);
    EQ_INT(spent.rebuilds, 1, "once");
    fl_destroy(fl);
}


/* --- time --------------------------------------------------------------- */

static void
elsewhere(int number)
{
    struct timespec  time = { 0, ELSEWHERE_MS * 1000000 };

    (void) number;
    (void) nanosleep(&time, NULL);
}


/* Another process has the processor: its time is not the rule's. */
static void
test_preempted(void)
{
    int               n, failed;
    fl_t             *fl;
    int64_t           total;
    uint64_t          us, longest_us;
    struct itimerval  timer = { { 0, 0 }, { 0, 40 } };

    fl = rules_of("function price(o) local n = 0 for i = 1, 30000 do "
                  "n = n + 1 end return n end");
    OK(fl != NULL, "a loop: %s", rules_err);
    rules_input();
    (void) signal(SIGALRM, elsewhere);
    failed = 0;
    longest_us = 0;

    for (n = 0; n < 50; n++) {
        us = now_us();
        (void) setitimer(ITIMER_REAL, &timer, NULL);
        failed += price_of(fl, &total) != FL_OK;
        us = now_us() - us;
        longest_us = us > longest_us ? us : longest_us;
    }

    (void) signal(SIGALRM, SIG_IGN);
    OK(failed <= 1 || is_slow(),
       "%d of %d calls fail", failed, n);
    OK(longest_us >= ELSEWHERE_MS * 1000, "the longest took %" PRIu64 " us",
       longest_us);
    fl_destroy(fl);
}


static void
test_shared(void)
{
    int        n, good;
    fl_t      *fl, *other;
    char       reason[FL_TEXT_SIZE_MAX + 1];
    int64_t    total, left_ns;
    uint64_t   us;
    fl_risk_t  verdict;

    fl = rules_of("local s = 'x' for i = 1, 12 do s = s .. s end "
                  "function price(o) while true do string.contains(s, 'y') "
                  "end end function risk(o) return price(o) end");
    other = rules_of("function price(o) return 5 end");
    OK(fl != NULL && other != NULL, "rules that hang: %s", rules_err);
    rules_input();
    left_ns = FL_TIME_MAX_US * 1000;
    fl_share(fl, &left_ns);
    fl_share(other, &left_ns);

    EQ_INT(price_of(other, &total), FL_OK, "a short call");
    EQ_INT(left_ns, FL_TIME_MAX_US * 1000, "costs nothing");
    us = cpu_us();
    good = 1;

    for (n = 0; n < 60; n++) {
        good = good && price_of(fl, &total) == FL_BUDGET
               && fl_risk(fl, &rules_in, &verdict, reason) == FL_BUDGET;
    }

    us = cpu_us() - us;
    OK(good && left_ns <= 0, "%d calls that hang: %s", 2 * n, fl_error(fl));
    OK(us < STALL_MAX_US || is_slow(),
       "take %" PRIu64 " us together", us);
    EQ_INT(price_of(other, &total), FL_BUDGET, "nor is another one asked");

    left_ns = FL_TIME_MAX_US * 1000;
    EQ_INT(price_of(other, &total), FL_OK, "but in the next request");
    fl_destroy(fl);
    fl_destroy(other);
}


int
main(void)
{
    size_t  i;

    for (i = 0; i < SLOW; i++) {
        test_slow(&slow[i]);
    }

    test_loading();
    test_literals();
    test_sizes();
    test_good();
    test_flat();
    test_long();
    test_preempted();
    test_shared();

    return tap_done();
}

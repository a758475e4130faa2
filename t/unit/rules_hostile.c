/*
 * Rules that mean harm, or were never run: each is stopped within the time
 * that a worker may stand still, says why, and leaves a VM that works.
 */

#include "rules_shop.h"


#define STALL_MAX_US  5000
#define RUNS          5


typedef struct {
    const char  *name;
    const char  *body;                 /* of price(o) */
    fl_code_t    code;                 /* FL_CODE_COUNT: any but FL_OK */
    const char  *error;                /* in it; NULL: whatever */
} hostile_t;


static const hostile_t  hostile[] = {

    /* time */
    { "a loop without end", "while true do end", FL_BUDGET, "rules.lua:1: " },
    { "a long for", "for i = 1, 1e12 do end", FL_BUDGET, "stopped" },
    { "goto", "::a:: goto a", FL_BUDGET, "stopped" },
    { "recursion", "local function f() return 1 + f() end return f()",
      FL_CODE_COUNT, NULL },
    { "tail calls", "local function f() return f() end return f()",
      FL_BUDGET, NULL },
    { "mutual recursion", "local f, g function f(n) return g(n) .. 'x' end "
      "function g(n) return f(n) .. 'y' end return f(1)", FL_CODE_COUNT,
      NULL },
    { "next without end", "local t = {1} while true do "
      "for k in pairs(t) do end end", FL_BUDGET, NULL },
    { "insert in front", "local t = {} for i = 1, 1e9 do "
      "table.insert(t, 1, i) end", FL_CODE_COUNT, NULL },
    { "upper of much", "local s = 'x' for i = 1, 12 do s = s .. s end "
      "while true do s:upper() end", FL_BUDGET, NULL },
    { "contains in much", "local s = 'a' for i = 1, 12 do s = s .. s end "
      "local p = s:sub(1, 2000) .. 'b' while true do s:contains(p) end",
      FL_BUDGET, NULL },
    { "reverse of much", "local s = 'xy' for i = 1, 12 do s = s .. s end "
      "while true do s = s:reverse() end", FL_CODE_COUNT, NULL },
    { "comparing much", "local s = 'x' for i = 1, 11 do s = s .. s end "
      "local a, b = s .. 'a', s .. 'b' while true do local c = a < b end",
      FL_BUDGET, NULL },
    { "tonumber of much", "local s = '1' for i = 1, 12 do s = s .. s end "
      "while true do tonumber(s) end", FL_BUDGET, NULL },

    { "max of a text", "return math.max('5')", FL_ERROR, "number expected" },
    { "min of nothing", "return math.min()", FL_ERROR, "number expected" },
    { "char of a text", "return string.char('65')", FL_ERROR, "0 to 255" },
    { "char of much", "return string.char(256)", FL_ERROR, "0 to 255" },
    { "max of two", "return math.max(2, 5, 3) + math.min(2, 1, 3) * 10 "
      "- (string.char(72, 105) == 'Hi' and 15 or 0)", FL_OK, NULL },
    { "pairs of nothing", "pairs()", FL_ERROR, "table expected" },
    { "LuaJIT's next", "if pairs({}) ~= next then return 1 end error('own')",
      FL_ERROR, "own" },

    /* memory */
    { "doubling", "local s = 'x' while true do s = s .. s end", FL_MEMORY,
      "memory" },
    { "a long string", "local s = ('x'):upper() for i = 1, 11 do s = s .. s "
      "end s = s .. s return (s .. 'x'):len()", FL_MEMORY, "4096 bytes" },
    { "a long string of many", "local s = 'x' for i = 1, 11 do s = s .. s "
      "end return #(s .. s .. s)", FL_MEMORY, "4096 bytes" },
    { "a table that eats", "local t = {} while true do t[#t + 1] = {} end",
      FL_MEMORY, NULL },
    { "many strings", "local t = {} for i = 1, 1e9 do t[i] = 'x' .. i end",
      FL_MEMORY, NULL },
    { "string.rep", "return ('x'):rep(1e9)", FL_ERROR, "rep" },
    { "string.format", "return string.format('%99999d', 1)", FL_ERROR,
      "format" },
    { "closures", "local f for i = 1, 1e9 do local g = f "
      "f = function() return g end end", FL_MEMORY, NULL },

    /* patterns */
    { "find", "return ('aaaaaaaaaaaaaaaaaaaaaaaaaaa'):find('.-.-.-.-b$')",
      FL_ERROR, "find" },
    { "gsub", "return string.gsub('x', 'x', 'y')", FL_ERROR, "gsub" },
    { "gmatch", "for w in ('a b'):gmatch('%a') do end", FL_ERROR, "gmatch" },
    { "table.sort", "table.sort({})", FL_ERROR, "sort" },
    { "table.concat", "table.concat({})", FL_ERROR, "concat" },

    /* what could swallow being stopped */
    { "pcall", "pcall(function() while true do end end)", FL_ERROR, "pcall" },
    { "xpcall", "xpcall(price, price)", FL_ERROR, "xpcall" },
    { "coroutine", "coroutine.wrap(price)()", FL_ERROR, "coroutine" },
    { "yield", "coroutine.yield()", FL_ERROR, "coroutine" },
    { "setmetatable", "setmetatable({}, {})", FL_ERROR, "setmetatable" },
    { "an error that is a table", "error({ code = 1 })", FL_ERROR,
      "is a table" },
    { "an error that is nil", "error()", FL_ERROR, "is a nil" },
    { "an answer of two lines", "return 'a\\n\\027c'", FL_ANSWER,
      "gives \"a  c\"" },
    { "an error of two lines", "error('a\\nb\\tc')", FL_ERROR, "a b c" },
    { "an error that is long", "local s = 'x' for i = 1, 11 do s = s .. s "
      "end error(s)", FL_ERROR, "xxx" },
    { "a bad assert", "assert(false)", FL_ERROR, "assertion failed" },

    /* outside */
    { "io", "return io.open('/etc/passwd')", FL_ERROR, "io" },
    { "os", "return os.time()", FL_ERROR, "os" },
    { "os.exit", "os.exit(1)", FL_ERROR, "os" },
    { "require", "require('os')", FL_ERROR, "require" },
    { "package", "package.loadlib('x', 'y')", FL_ERROR, "package" },
    { "ffi", "require('ffi')", FL_ERROR, "require" },
    { "jit", "jit.on()", FL_ERROR, "jit" },
    { "debug", "debug.sethook()", FL_ERROR, "debug" },
    { "load", "load('return 1')()", FL_ERROR, "load" },
    { "loadstring", "loadstring('return 1')()", FL_ERROR, "loadstring" },
    { "dofile", "dofile('/dev/zero')", FL_ERROR, "dofile" },
    { "getfenv", "getfenv(0)", FL_ERROR, "getfenv" },
    { "setfenv", "setfenv(1, {})", FL_ERROR, "setfenv" },
    { "rawset", "rawset(math, 'floor', nil)", FL_ERROR, "rawset" },
    { "getmetatable", "getmetatable('').__index = nil", FL_ERROR,
      "getmetatable" },
    { "collectgarbage", "collectgarbage('stop')", FL_ERROR,
      "collectgarbage" },
    { "newproxy", "newproxy(true)", FL_ERROR, "newproxy" },
    { "string.dump", "string.dump(price)", FL_ERROR, "dump" },
    { "math.random", "return math.random(10)", FL_ERROR, "random" },
    { "print", "print('x')", FL_ERROR, "print" },
    { "_G", "_G.price = nil", FL_ERROR, "_G" },
    { "unpack", "return unpack({}, 1, 1e8)", FL_ERROR, "unpack" },

    /* what it is not to write to */
    { "a global", "counter = 1", FL_ERROR, "a global" },
    { "its own hook", "price = nil", FL_ERROR, "a global" },
    { "a library", "math.floor = nil", FL_ERROR, "math" },
    { "a new name in a library", "string.rep = 1", FL_ERROR, "string" },
    { "a string's library", "local s = '' s.x = 1", FL_ERROR, NULL },
    { "the order", "o.qty = 1", FL_ERROR, "fields" },
    { "the order, by insert", "table.insert(o, 7)", FL_ERROR, "written to" },
    { "a library, by insert", "table.insert(math, 1, 7)", FL_ERROR,
      "written to" },
    { "a library, by remove", "table.remove(math)", FL_ERROR, "written to" },
    { "far outside of a table", "table.insert({}, -1e9, 1)", FL_ERROR,
      "outside" },
    { "nothing inserted", "table.insert({})", FL_ERROR, "bad argument" },
    { "the signals", "o.signals.rain = 1", FL_ERROR, "fields" },

    /* what is not there */
    { "a field that there is not", "return o.stok", FL_ERROR,
      "no field \"stok\"" },
    { "a field of another hook", "return o.contact_1m", FL_ERROR,
      "price has no field \"contact_1m\"" },
    { "a field by number", "return o[1]", FL_ERROR, "no field" },
    { "a function that there is not", "return discount(o)", FL_ERROR,
      "discount" },
    { "nil's field", "return o.agent.name.x", FL_ERROR, NULL },

    /* absurd */
    { "nothing", "", FL_ANSWER, "price gives nil" },
    { "NaN", "return 0 / 0", FL_ANSWER, "price gives" },
    { "infinity", "return math.huge", FL_ANSWER, "inf" },
    { "a fraction", "return 1.5", FL_ANSWER, "1.5" },
    { "below 0", "return -1", FL_ANSWER, "-1" },
    { "-0 is 0", "return -0", FL_OK, NULL },
    { "above the limit", "return 1000001", FL_ANSWER, "1000001" },
    { "2^60", "return 2^60", FL_ANSWER, NULL },
    { "a text", "return '5'", FL_ANSWER, "\"5\"" },
    { "true", "return true", FL_ANSWER, "true" },
    { "a table", "return {}", FL_ANSWER, "table" },
    { "a function", "return price", FL_ANSWER, "function" },
    { "the order itself", "return o", FL_ANSWER, "table" },
};

#define HOSTILE  (sizeof(hostile) / sizeof(hostile[0]))


static void
test_one(const hostile_t *h)
{
    int        run, good, late;
    fl_t      *fl;
    char       text[1024];
    int64_t    total;
    uint64_t   us, worst_us;
    fl_code_t  code;
    fl_spent_t spent;

    /* Asked for 0 units it does nothing: that is what a VM must still do. */
    snprintf(text, sizeof(text), "local function bad(o) %s end "
             "function price(o) if o.qty == 0 then return 7 end "
             "return bad(o) end", h->body);
    fl = rules_of(text);

    if (!OK(fl != NULL, "%s: loads: %s", h->name, rules_err)) {
        return;
    }

    worst_us = 0;
    late = 0;
    good = 1;
    code = FL_OK;

    for (run = 0; run < RUNS; run++) {
        rules_input();
        us = cpu_us();
        code = price_of(fl, &total);
        us = cpu_us() - us;
        worst_us = us > worst_us ? us : worst_us;
        late += us >= STALL_MAX_US;

        good = good && (code == h->code
                        || (h->code == FL_CODE_COUNT && code != FL_OK)
                        || (code == FL_BUDGET && is_slow()))
               && (h->error == NULL || strstr(fl_error(fl), h->error) != NULL);

        fl_input_int(&rules_in, FL_FIELD_QTY, 0);
        good = good && price_of(fl, &total) == FL_OK && total == 7;
    }

    fl_spent(fl, &spent);
    OK(good, "%s: %s, each time: %.70s", h->name, fl_code_word[code],
       code == FL_OK ? "" : fl_error(fl));

    /* What a machine does to one run it does not do to each. */
    OK(late <= 1 || is_slow(), "%s: over after %" PRIu64 " us at most, %d of "
       "%d runs late", h->name, worst_us, late, RUNS);
    OK(spent.used_bytes < FL_GARBAGE_MAX + 2 * FL_MEMORY_MAX,
       "%s: %zu bytes", h->name, spent.used_bytes);
    fl_destroy(fl);
}


/* --- state ------------------------------------------------------------- */

/* What keeps state, in any hook: whenever there is no answer it says so, and
 * what stood there before is left alone. */
static void
test_state_hooks(void)
{
    int         i, n, good, failed[FL_HOOK_COUNT];
    fl_t       *fl;
    char        reason[FL_TEXT_SIZE_MAX + 1];
    int64_t     total;
    fl_code_t   code;
    fl_risk_t   verdict;
    fl_split_t  split;
    fl_spent_t  spent;

    fl = rules_of("local seen, n = {}, 0 local function keep() "
                  "for i = 1, 200 do n = n + 1 seen[n] = {} end end "
                  "function price(o) keep() return 500 end "
                  "function commission(o) keep() return 1, 2, 3 end "
                  "function risk(o) keep() return 'refuse', 'no' end");
    OK(fl != NULL, "each hook keeps state: %s", rules_err);
    rules_input();
    memset(failed, 0, sizeof(failed));
    good = 1;

    for (n = 0; n < 1000; n++) {

        /* Not in step: it is not to be the same one that is the last. */
        for (i = 0; i < n % 3; i++) {
            failed[FL_HOOK_PRICE] += price_of(fl, &total) != FL_OK;
        }

        code = price_of(fl, &total);
        failed[FL_HOOK_PRICE] += code != FL_OK;
        good = good && (code == FL_OK ? total == 500
                                      : total == -1);

        if (n % 100 == 0) {
            rules_tend(fl);
        }

        code = fl_commission(fl, &rules_in, 1000, FL_LEVELS_MAX, &split);
        failed[FL_HOOK_COMMISSION] += code != FL_OK;
        good = good && (code == FL_OK
                        ? split.platform == 1 && split.level[1] == 3
                        : split.platform == 0
                          && split.level[0] == 0);

        verdict = FL_RISK_PASS;
        code = fl_risk(fl, &rules_in, &verdict, reason);
        failed[FL_HOOK_RISK] += code != FL_OK;
        good = good && (code == FL_OK
                        ? verdict == FL_RISK_REFUSE
                        : verdict == FL_RISK_PASS
                          && reason[0] == '\0');
    }

    OK(good, "an answer, or the word for none");
    OK(failed[FL_HOOK_PRICE] + failed[FL_HOOK_COMMISSION]
       + failed[FL_HOOK_RISK] > 0, "some were without one: %d, %d, %d",
       failed[FL_HOOK_PRICE], failed[FL_HOOK_COMMISSION],
       failed[FL_HOOK_RISK]);
    fl_spent(fl, &spent);
    OK(spent.rebuilds > 0, "it began anew %" PRIu64 " times", spent.rebuilds);
    fl_destroy(fl);

    OK(rules_of("local keep = {} function commission(o) "
                "for i = 1, 1e6 do keep[i] = { i } end return 5 end "
                "examples = { { commission = { paid = 5 }, gives = { 5 } } }")
       == NULL && strstr(rules_err, "memory") != NULL,
       "one that keeps state over its examples: %s", rules_err);
}


/* It grows until it may not, and then begins anew. */
static void
test_state(void)
{
    int         n, failed;
    fl_t       *fl;
    int64_t     total;
    fl_spent_t  spent;

    fl = rules_of("local seen, n = {}, 0 function price(o) "
                  "for i = 1, 200 do n = n + 1 seen[n] = {} end "
                  "return n end");
    OK(fl != NULL, "rules that keep state: %s", rules_err);
    rules_input();
    failed = 0;

    for (n = 0; n < 2000; n++) {
        failed += price_of(fl, &total) != FL_OK;
        rules_tend(fl);
    }

    fl_spent(fl, &spent);
    OK(failed < 1000, "%d of %d calls fail", failed, n);
    OK(spent.rebuilds > 0, "it began anew %" PRIu64 " times", spent.rebuilds);
    OK(spent.used_bytes < FL_GARBAGE_MAX + 2 * FL_MEMORY_MAX,
       "and has %zu bytes", spent.used_bytes);
    fl_destroy(fl);

    OK(rules_of("local n = 0 function price(o) n = n + 1 return n end "
                "examples = { { price = {}, gives = 1 } }") == NULL
       && strstr(rules_err, "gives 2") != NULL,
       "an example that counts: %s", rules_err);
}


/* --- files ------------------------------------------------------------- */

static void
refused(const char *text, const char *error)
{
    fl_t  *fl;

    fl = rules_of(text);
    OK(fl == NULL && strstr(rules_err, error) != NULL, "%.60s: %s", text,
       rules_err);
    fl_destroy(fl);
}


static void
taken(const char *text, const char *what)
{
    fl_t  *fl;

    fl = rules_of(text);
    OK(fl != NULL || (is_slow() && strstr(rules_err, "too long a time")),
       "%s: %s", what, rules_err);
    fl_destroy(fl);
}


/* No hook answers: each says so. */
static void
test_no_answer(fl_t *fl)
{
    char        reason[FL_TEXT_SIZE_MAX + 1];
    int64_t     total;
    fl_risk_t   verdict;
    fl_split_t  split;

    EQ_INT(price_of(fl, &total), FL_MEMORY, "no price");
    EQ_INT(fl_commission(fl, &rules_in, 100, 2, &split), FL_MEMORY,
           "no commission");
    EQ_INT(fl_risk(fl, &rules_in, &verdict, reason), FL_MEMORY, "no verdict");
    OK(fl_error(fl)[0] != '\0', "and why: %s", fl_error(fl));
}


/* They are copied before any hook runs: none can change what it is held
 * against, nor free what o shows. */
static void
test_examples(void)
{
    fl_t  *fl;
    char   err[FL_ERROR_SIZE];

    static const char  opened[] = "function price() return 1 end "
                                  "examples = { { price = {}, gives = 2 } }";

    taken("local ex = { { price = { total = 5 }, gives = 5 }, "
          "{ price = { total = 5 }, gives = 5 } } examples = ex "
          "function price(o) ex[2] = o ex[1].price = o "
          "ex[1].gives = nil return 5 end",
          "a hook that writes to its examples");
    taken("local ex = { { price = { total = 5, "
          "sku = 'abcdefghijklmnopqrstuvwxyz' .. tostring(12345) }, "
          "gives = 5 } } examples = ex function price(o) "
          "if ex[1].price.sku then ex[1].price.sku = nil local z "
          "for i = 1, 4000 do z = 'a' .. i end for i = 1, 4000 do "
          "z = 'abcdefghijklmnopqrstuvwxyz' .. i end end "
          "if o.sku ~= 'abcdefghijklmnopqrstuvwxyz' .. "
          "tostring(o.total + 12340) then error(o.sku) end "
          "return 5 end", "one that forgets a text of theirs");
    taken("function price() return examples and 1 or 2 end "
          "examples = { { price = {}, gives = 2 } }",
          "they are gone when hooks run");
    taken("function commission() return 5 end "
          "examples = { { commission = { paid = 9 }, gives = 5 } }",
          "what the platform gets, and no list");
    taken("function price(o) return o.signals.rain + 5 end "
          "examples = { { price = { signals = { rain = -3 } }, gives = 2 } }",
          "a signal below 0");
    refused("function price(o) return 1 end examples = { { price = { "
            "signals = { rain = 0.5 } }, gives = 1 } }",
            "example 1: a signal is to be a name and a whole number");
    refused("function price(o) return 1 end local e = { price = { "
            "signals = {} }, gives = 1 } for i = 1, 1000 do "
            "e.price.signals['s' .. i] = i end examples = {} "
            "for i = 1, 1000 do examples[i] = e end",
            "its examples are too large");

    fl = fl_open("rules.lua", (const uint8_t *) opened, strlen(opened), err);
    OK(fl != NULL && err[0] == '\0' && fl_examples_count(fl) == 0,
       "a worker takes what was checked, and runs none");
    fl_destroy(fl);

    fl = fl_open("rules.lua", (const uint8_t *) "x = = 1", 7, err);
    OK(fl != NULL && strstr(err, "rules.lua:1:") != NULL,
       "nor does it end without a VM: %s", err);
    OK(fl_has(fl, FL_HOOK_RISK), "whatever the file would have said");
    test_no_answer(fl);
    fl_destroy(fl);
}


static void
test_files(void)
{
    size_t          n;
    static char     large[FL_FILE_SIZE_MAX + 2];
    static uint8_t  bytecode[] = { 0x1b, 'L', 'J', 2, 2, 0 };

    refused("", "neither price nor commission nor risk");
    refused("function price(o", "rules.lua:1:");
    refused("\n\nfunction price(o) return 1 end\nx y", "rules.lua:4:");
    refused("price = 5", "\"price\" is to be a function");
    refused("price = math.floor", "\"price\" is to be a function");
    refused("while true do end", "rules.lua:1: it was stopped");
    refused("local t = {} while true do t[#t + 1] = 'x' .. #t end",
            "rules.lua");
    refused("error('no')", "rules.lua:1: no");
    refused("function price() return 1 end examples = 1",
            "\"examples\" is to be a table");
    refused("function price() return 1 end examples = { 1 }",
            "example 1: is to be");
    refused("function price() return 1 end examples = { { gives = 1 } }",
            "example 1: is to be");
    refused("function price() return 1 end "
            "examples = { { price = { qtty = 1 }, gives = 1 } }",
            "example 1: price has no field \"qtty\"");
    refused("function price() return 1 end "
            "examples = { { price = { qty = 1.5 }, gives = 1 } }",
            "\"qty\" is to be a whole number");
    refused("function price() return 1 end "
            "examples = { { price = { sku = 1 }, gives = 1 } }",
            "\"sku\" is to be a text");
    refused("function risk() return 'pass' end "
            "examples = { { risk = { first_order = 1 }, gives = 'pass' } }",
            "\"first_order\" is to be true or false");
    refused("\nfunction price() return 1 end "
            "examples = { { price = {}, gives = 2 } }",
            "rules.lua:2: price gives 1, and the example wants 2 (example 1)");
    refused("function price() return 1 end "
            "examples = { { price = {} } }", "the example wants nil");
    refused("function price(o) return o.agent.x end "
            "examples = { { price = {}, gives = 2 } }",
            "rules.lua:1: attempt to index");
    refused("function price() return 1 end "
            "examples = { { commission = {}, gives = 2 } }",
            "there is no commission (example 1)");
    refused("function commission() return 1, 2 end "
            "examples = { { commission = { paid = 9, levels = 1 }, "
            "gives = { 1, 3 } } }", "commission gives 2 to a level");
    refused("function risk() return 'review' end "
            "examples = { { risk = {}, gives = 'pass' } }",
            "risk gives \"review\", and the example wants \"pass\"");

    memset(large, ' ', sizeof(large) - 1);
    refused(large, "is larger than");

    for (n = 0; n < 300; n++) {
        large[n] = '(';
    }

    large[n] = '\0';
    refused(large, "rules.lua:1:");

    OK(fl_create("b", bytecode, sizeof(bytecode), rules_err) == NULL
       && strstr(rules_err, "wrong mode") != NULL, "bytecode: %s", rules_err);
}


int
main(void)
{
    size_t  i;

    for (i = 0; i < HOSTILE; i++) {
        test_one(&hostile[i]);
    }

    test_state();
    test_state_hooks();
    test_files();
    test_examples();

    return tap_done();
}

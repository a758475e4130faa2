/*
 * Rules as they should be: what each hook sees of an order, what it may
 * answer, and that a call takes no memory once it is warm.
 */

#include "rules_shop.h"


/* --- what it sees ------------------------------------------------------ */

/* Each field, in each hook: its value where it has it, else an error. */
static void
test_fields(void)
{
    int         i, h, want, good;
    fl_t       *fl;
    char        text[512], reason[FL_TEXT_SIZE_MAX + 1];
    int64_t     total;
    fl_code_t   code;
    fl_risk_t   verdict;
    fl_split_t  split;

    rules_input();

    for (i = 0; i < FL_FIELD_COUNT; i++) {
        snprintf(text, sizeof(text), "local function f(o) "
                 "local v = o.%s return type(v) == 'number' and v or "
                 "v == true and 1 or v == '%s' and 2 or 3 end price = f "
                 "commission = f function risk(o) f(o) return 'pass' end",
                 fl_fields[i].word, fl_fields[i].word);

        /* A hook is a function of the file. */
        fl = rules_of(text);
        want = fl_fields[i].type == FL_INT ? 100 + i
               : fl_fields[i].type == FL_BOOL ? 1 : 2;
        good = fl != NULL;

        for (h = 0; h < FL_HOOK_COUNT && good; h++) {
            switch (h) {
            case FL_HOOK_PRICE:
                code = price_of(fl, &total);
                break;
            case FL_HOOK_COMMISSION:
                code = fl_commission(fl, &rules_in, 1000, 0, &split);
                total = split.platform;
                break;
            default:
                code = fl_risk(fl, &rules_in, &verdict, reason);
                total = want;
            }

            good = fl_fields[i].hooks >> h & 1u
                   ? code == FL_OK && total == want
                   : code == FL_ERROR
                     && strstr(fl_error(fl), "has no field") != NULL;
        }

        OK(good, "%s: %s %s", fl_fields[i].word, rules_err,
           fl == NULL ? "" : fl_error(fl));
        fl_destroy(fl);
    }
}


static int64_t
price_by(const char *body)
{
    fl_t     *fl;
    char      text[1024];
    int64_t   total;

    snprintf(text, sizeof(text), "function price(o) %s end", body);
    fl = rules_of(text);

    if (fl == NULL || price_of(fl, &total) != FL_OK) {
        printf("#   %s %s\n", rules_err, fl == NULL ? "" : fl_error(fl));
        total = -1;
    }

    fl_destroy(fl);
    return total;
}


static void
test_tools(void)
{
    rules_input();
    EQ_INT(price_by("return o.signals.rain"), 12, "a signal");
    EQ_INT(price_by("return o.signals.snow or 5"), 5, "one that there is not");
    fl_input_clear(&rules_in);
    EQ_INT(price_by("return o.signals.rain or 6"), 6, "no signals at all");
    EQ_INT(price_by("return o.agent == nil and o.stock == nil and 1 or 2"), 1,
           "what an order has not is nil");

    EQ_INT(price_by("return percent(1001, 7)"), 70, "percent rounds down");
    EQ_INT(price_by("return percent(1000000000000, 100) / 1e6"), 1000000,
           "of much");
    EQ_INT(price_by("return math.floor(9.9) + math.max(1, 2)"), 11, "math");
    EQ_INT(price_by("return ('abc'):len() + #('x'):upper()"), 4, "strings");
    EQ_INT(price_by("return string.contains('a.b', '.') and 1 or 0"), 1,
           "contains takes no pattern");
    EQ_INT(price_by("return ('abc'):starts_with('ab') and 1 or 0"), 1,
           "starts_with");
    EQ_INT(price_by("return ('abc'):ends_with('bc') and 1 or 0"), 1,
           "ends_with");
    EQ_INT(price_by("return ('c'):ends_with('bc') and 1 or 0"), 0,
           "not what is longer");
    EQ_INT(price_by("return tostring({}) == 'table' and 1 or 0"), 1,
           "a table as text is no address");
    EQ_INT(price_by("return tonumber(tostring(12)) + select('#', 1, 2)"), 14,
           "tonumber, tostring, select");
    EQ_INT(price_by("local t = {3, 4} table.insert(t, 5) local s = 0 "
                    "for _, v in ipairs(t) do s = s + v end return s"), 12,
           "tables");
    EQ_INT(price_by("local t = {3, 4} table.insert(t, 2, 9) "
                    "table.insert(t, 4, 7) return #t == 4 and t[1] * 1000 "
                    "+ t[2] * 100 + t[3] * 10 + t[4]"), 3947,
           "insert in the middle, and behind the last");
    EQ_INT(price_by("local t = {3, 9, 4} local a = table.remove(t, 1) "
                    "local b = table.remove(t) return #t == 1 and t[1] * 100 "
                    "+ a * 10 + b"), 934, "remove the first, and the last");
    EQ_INT(price_by("return table.remove({}) == nil and "
                    "table.remove({1}, 5) == nil and 1 or 0"), 1,
           "remove what is not there");
    EQ_INT(price_by("local s = 0 for k, v in next, {5, x = 6} do s = s + v "
                    "end return next({}) == nil and s"), 11, "next");
}


/* Sets the stock, and leaves what there is not. */

static unsigned  asked[FL_FIELD_COUNT];

static void
later(void *data, fl_field_t field)
{
    asked[field]++;

    if (field == FL_FIELD_STOCK) {
        fl_input_int(data, field, 7);
    }
}


static void
test_later(void)
{
    fl_t     *fl;
    int64_t   total;

    fl = rules_of("function price(o) return o.stock + o.stock "
                  "+ (o.agent or 1) + o.qty end");
    OK(fl != NULL, "loaded: %s", rules_err);

    fl_input_clear(&rules_in);
    fl_input_int(&rules_in, FL_FIELD_QTY, 2);
    rules_in.later = later;
    rules_in.data = &rules_in;

    OK(price_of(fl, &total) == FL_OK && total == 17, "price: %s",
       fl_error(fl));
    EQ_INT(asked[FL_FIELD_STOCK], 1, "what was set is not asked for again");
    EQ_INT(asked[FL_FIELD_AGENT], 1, "what there is not is asked for");
    OK(price_of(fl, &total) == FL_OK && total == 17, "the next call");
    EQ_INT(asked[FL_FIELD_STOCK], 1, "still has it");
    EQ_INT(asked[FL_FIELD_AGENT], 2, "and asks once more for the other");
    EQ_INT(asked[FL_FIELD_QTY] + asked[FL_FIELD_SOLD], 0,
           "nobody asks for what is there, or not read");
    fl_destroy(fl);

    fl = rules_of("function price(o) return o.domain and 1 end");
    EQ_INT(price_of(fl, &total), FL_ERROR, "a field of another hook");
    EQ_INT(asked[FL_FIELD_DOMAIN], 0, "is not asked for");
    fl_destroy(fl);
}


/* --- what it may answer ------------------------------------------------- */

static fl_code_t
split_by(const char *answer, int64_t paid, uint32_t levels, fl_split_t *split)
{
    fl_t       *fl;
    char        text[256];
    fl_code_t   code;

    snprintf(text, sizeof(text), "function commission(o) return %s end",
             answer);
    fl = rules_of(text);
    code = fl == NULL ? FL_RULES
                      : fl_commission(fl, &rules_in, paid, levels, split);
    fl_destroy(fl);
    return code;
}


static void
test_commission(void)
{
    fl_split_t  s;

    EQ_INT(split_by("5, 30, 20", 100, 2, &s), FL_OK, "two levels");
    OK(s.platform == 5 && s.level[0] == 30 && s.level[1] == 20
       && s.level[2] == 0, "to each its own");
    EQ_INT(split_by("5, 30, 20", 100, 1, &s), FL_OK, "where there is one");
    OK(s.level[0] == 30 && s.level[1] == 0, "the second gets nothing");
    EQ_INT(split_by("0", 100, 2, &s), FL_OK, "nobody gets anything");
    EQ_INT(split_by("0, nil, 20", 100, 2, &s), FL_OK, "one is passed over");
    EQ_INT(s.level[1], 20, "and the next is not");
    EQ_INT(split_by("100", 100, 0, &s), FL_OK, "all of it");
    EQ_INT(split_by("1", 1, 2, &s), FL_OK, "the smallest payment");
    EQ_INT(split_by("0, 1, 1", 1, 2, &s), FL_ANSWER, "twice what was paid");
    OK(s.platform == 0 && s.level[0] == 0, "leaves nothing behind");
    EQ_INT(split_by("101", 100, 2, &s), FL_ANSWER, "more than was paid");
    EQ_INT(split_by("-1, 2", 100, 2, &s), FL_ANSWER, "below 0");
    EQ_INT(split_by("0.5", 100, 2, &s), FL_ANSWER, "half a cent");
    EQ_INT(split_by("nil", 100, 2, &s), FL_ANSWER, "nothing");
    EQ_INT(split_by("0, '1'", 100, 2, &s), FL_ANSWER, "a text");
    EQ_INT(split_by("0, 1,1,1,1,1,1,1,1,1,1", 100, FL_LEVELS_MAX, &s), FL_OK,
           "the most levels");
    EQ_INT(s.level[FL_LEVELS_MAX - 1], 1, "down to the last");
}


static fl_code_t
risk_by(const char *answer, fl_risk_t *verdict, char *reason)
{
    fl_t       *fl;
    char        text[1024];
    fl_code_t   code;

    snprintf(text, sizeof(text), "function risk(o) return %s end", answer);
    fl = rules_of(text);
    code = fl == NULL ? FL_RULES : fl_risk(fl, &rules_in, verdict, reason);
    fl_destroy(fl);
    return code;
}


static void
test_risk(void)
{
    int        i;
    char       answer[640], reason[FL_TEXT_SIZE_MAX + 1];
    fl_risk_t  verdict;

    EQ_INT(risk_by("'pass'", &verdict, reason), FL_OK, "pass");
    OK(verdict == FL_RISK_PASS && reason[0] == '\0', "without a reason");
    EQ_INT(risk_by("'review', 'too\\nmany'", &verdict, reason), FL_OK,
           "review");
    EQ_INT(verdict, FL_RISK_REVIEW, "it is");
    EQ_STR(reason, "too many", "with its reason, in one line");
    EQ_INT(risk_by("'refuse'", &verdict, reason), FL_OK, "refuse");
    OK(verdict == FL_RISK_REFUSE && reason[0] == '\0', "it is");

    strcpy(answer, "'refuse', 'a");

    for (i = 0; i < 100; i++) {
        strcat(answer, "\xe5\x88\xb7");
    }

    strcat(answer, "'");
    EQ_INT(risk_by(answer, &verdict, reason), FL_OK, "a long reason");
    EQ_INT(strlen(reason), 127, "is cut behind a whole character");

    EQ_INT(risk_by("0", &verdict, reason), FL_ANSWER, "0");
    EQ_INT(risk_by("false", &verdict, reason), FL_ANSWER, "false");
    EQ_INT(risk_by("nil", &verdict, reason), FL_ANSWER, "nothing");
    EQ_INT(risk_by("'Pass'", &verdict, reason), FL_ANSWER, "another word");
    EQ_INT(risk_by("'review', {}", &verdict, reason), FL_ANSWER,
           "a reason that is no text");
}


/* --- versions, missing hooks, memory ------------------------------------ */

static void
test_life(void)
{
    int         n;
    fl_t       *fl;
    char        reason[FL_TEXT_SIZE_MAX + 1];
    int64_t     total;
    fl_risk_t   verdict;
    fl_split_t  split;
    fl_spent_t  spent;

    static const char  rules[] =
        "local off = { vip = 10, gold = 20 } "
        "function price(o) local t = percent(o.total, 100 - "
        "(off[o.level] or 0)) if o.stock < 10 then t = t + 5 end return t end "
        "function commission(o) if o.own then return 0 end "
        "return percent(o.paid, 1), percent(o.paid, 10), percent(o.paid, 5) "
        "end "
        "function risk(o) if o.first_order and o.total > 100000 then "
        "return 'review', 'a large first order' end return 'pass' end "
        "examples = { { price = { total = 1000, stock = 50, level = 'vip' },"
        " gives = 900 }, { commission = { paid = 1001, own = false }, "
        "gives = { 10, 100, 50 } }, { risk = { first_order = true, "
        "total = 100001, signals = {} }, gives = 'review' } }";

    fl = rules_of(rules);
    OK(fl != NULL, "three hooks: %s", rules_err);
    EQ_INT(fl_examples_count(fl), 3, "three examples");
    OK(fl_version(fl) != 0
       && fl_version(fl) == fl_version_of((const uint8_t *) rules,
                                          strlen(rules))
       && fl_version(fl) != fl_version_of((const uint8_t *) rules,
                                          strlen(rules) - 1),
       "a version of the file's bytes");
    rules_input();
    fl_input_text(&rules_in, FL_FIELD_LEVEL, str("gold"));

    for (n = 0; n < 1000; n++) {
        (void) price_of(fl, &total);
        (void) fl_commission(fl, &rules_in, 1000, 2, &split);
        (void) fl_risk(fl, &rules_in, &verdict, reason);
    }

    EQ_INT(price_of(fl, &total), FL_OK, "a price");
    fl_spent(fl, &spent);
    EQ_INT(spent.alloc_bytes, 0, "takes no memory");
    EQ_INT(fl_commission(fl, &rules_in, 1000, 2, &split), FL_OK,
           "commissions");
    fl_spent(fl, &spent);
    EQ_INT(spent.alloc_bytes, 0, "take none");
    EQ_INT(fl_risk(fl, &rules_in, &verdict, reason), FL_OK, "a verdict");
    fl_spent(fl, &spent);
    EQ_INT(spent.alloc_bytes, 0, "takes none");
    EQ_INT(spent.rebuilds, 0, "and nothing was begun anew");
    fl_destroy(fl);

    fl = rules_of("function price(o) return 1 end");
    OK(fl_has(fl, FL_HOOK_PRICE) && !fl_has(fl, FL_HOOK_RISK), "one hook");
    EQ_INT(fl_risk(fl, &rules_in, &verdict, reason), FL_MISSING,
           "the others are missing");
    EQ_INT(fl_commission(fl, &rules_in, 1, 0, &split), FL_MISSING,
           "both of them");
    EQ_INT(fl_price(fl, &rules_in, 0, &total), FL_ANSWER, "a limit of 0");
    fl_destroy(fl);
    fl_destroy(NULL);
}


int
main(void)
{
    test_fields();
    test_tools();
    test_later();
    test_commission();
    test_risk();
    test_life();

    return tap_done();
}

/*
 * The strict JSON reader: its grammar at every edge, what it gives back, and
 * its limits at and one above.
 */

#include "../../ngx_module/pay/json.h"

#include "tap.h"


#define TOKENS  64


typedef struct {
    const char       *what;
    const char       *text;
    size_t            size;            /* 0: strlen(text) */
    pay_json_code_e   code;
} refusal_t;

#define MALFORMED(what, text)  { what, text, 0, PAY_JSON_MALFORMED }
#define NOT_UTF8(what, text)   { what, text, 0, PAY_JSON_UTF8 }
#define TRAILING(what, text)   { what, text, 0, PAY_JSON_TRAILING }
#define TWINS(what, text)      { what, text, 0, PAY_JSON_DUPLICATE }

static const refusal_t  refusals[] = {
    MALFORMED("nothing", ""),
    MALFORMED("blanks alone", " \n"),
    MALFORMED("a byte order mark", "\xef\xbb\xbf{}"),
    MALFORMED("a form feed as a blank", "\f1"),
    TRAILING("a second value", "{} {}"),
    TRAILING("a comma behind all", "{},"),
    TRAILING("a letter behind all", "1x"),
    { "a NUL behind all", "{}\0", 3, PAY_JSON_TRAILING },
    { "a NUL in a string", "\"a\0b\"", 5, PAY_JSON_MALFORMED },
    MALFORMED("a comma before }", "{\"a\":1,}"),
    MALFORMED("a comma before ]", "[1,]"),
    MALFORMED("a comma first", "[,1]"),
    MALFORMED("no comma", "[1 2]"),
    MALFORMED("no colon", "{\"a\" 1}"),
    MALFORMED("no value", "{\"a\":}"),
    MALFORMED("no name", "{:1}"),
    MALFORMED("a bare name", "{a:1}"),
    MALFORMED("a number for a name", "{1:1}"),
    MALFORMED("single quotes", "{'a':1}"),
    MALFORMED("] for }", "{\"a\":1]"),
    MALFORMED("} for ]", "[1}"),
    MALFORMED("a comment", "/**/1"),
    MALFORMED("True", "True"),
    MALFORMED("nul", "nul"),
    TRAILING("nulll", "nulll"),
    MALFORMED("NaN", "NaN"),
    MALFORMED("Infinity", "-Infinity"),
    MALFORMED("a sign alone", "-"),
    MALFORMED("a plus", "+1"),
    TRAILING("a zero in front", "01"),
    TRAILING("a zero in front, below zero", "-01"),
    MALFORMED("no digit before the point", ".5"),
    MALFORMED("no digit behind the point", "1."),
    MALFORMED("a point before an exponent", "1.e1"),
    MALFORMED("an exponent without digits", "1e"),
    MALFORMED("an exponent of a sign", "1e+"),
    MALFORMED("an exponent of two signs", "1e+-1"),
    TRAILING("hex digits", "0x10"),
    MALFORMED("full-width digits", "\xef\xbc\x91"),
    MALFORMED("a raw newline in a string", "\"a\nb\""),
    MALFORMED("a raw tab in a string", "\"\t\""),
    MALFORMED("an escape of nothing", "\"\\x\""),
    MALFORMED("an escape of an apostrophe", "\"\\'\""),
    { "an escape of a NUL", "\"\\\0\"", 4, PAY_JSON_MALFORMED },
    MALFORMED("an upper-case escape", "\"\\U0041\""),
    MALFORMED("three hex digits", "\"\\u004\""),
    MALFORMED("a letter that is no hex digit", "\"\\u00g0\""),
    MALFORMED("a sign in an escape", "\"\\u+041\""),
    MALFORMED("a high surrogate alone", "\"\\ud800\""),
    MALFORMED("a high surrogate and text", "\"\\ud800abcdef\""),
    MALFORMED("two high surrogates", "\"\\ud800\\ud800\""),
    MALFORMED("a low surrogate alone", "\"\\udc00\""),
    MALFORMED("a pair the wrong way round", "\"\\udc00\\ud800\""),
    MALFORMED("a surrogate and another escape", "\"\\ud800\\nabcd\""),
    MALFORMED("a surrogate and no hex", "\"\\ud800\\uzzzz\""),
    NOT_UTF8("UTF-8 of a surrogate", "\"\xed\xa0\x80\""),
    NOT_UTF8("an overlong slash", "\"\xc0\xaf\""),
    NOT_UTF8("cut UTF-8", "\"\xe4\xbc\""),
    NOT_UTF8("Latin-1", "\"\xe9\""),
    TWINS("two of one name", "{\"a\":1,\"a\":2}"),
    TWINS("two of one name and value", "{\"a\":1,\"b\":2,\"a\":1}"),
    TWINS("two empty names", "{\"\":1,\"\":2}"),
    TWINS("a twin by an escape", "{\"total\":1,\"t\\u006ftal\":2}"),
    TWINS("a twin by another escape", "{\"\\u0061/b\":1,\"a\\/b\":2}"),
    TWINS("a twin by hex of another case", "{\"\\u00E9\":1,\"\\u00e9\":2}"),
    TWINS("a twin by UTF-8", "{\"\\u4f1a\":1,\"\xe4\xbc\x9a\":2}"),
    TWINS("a twin by surrogates",
          "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"),
    TWINS("a twin behind deep values",
          "{\"a\":{\"a\":[1,{\"b\":2}]},\"b\":[],\"a\":1}"),
    TWINS("twins inside", "[{\"x\":{\"a\":1,\"a\":1}}]")
};


static pay_json_token_t  tokens[TOKENS];


static const pay_json_token_t *
read_text(const char *text)
{
    return pay_json_read(pay_text(text), tokens, TOKENS, NULL) == PAY_JSON_OK
           ? tokens : NULL;
}


static void
test_refusals(void)
{
    size_t            i;
    const refusal_t  *refusal;

    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        refusal = &refusals[i];

        EQ_INT(pay_json_read(pay_str(refusal->text, refusal->size != 0
                                                    ? refusal->size
                                                    : strlen(refusal->text)),
                             tokens, TOKENS, NULL),
               refusal->code, "refused: %s", refusal->what);
    }

    OK(read_text("{\"a\":1,\"A\":2,\"b\":{\"a\":3},\"\":4,\"ab\":5}") != NULL,
       "names that differ, or stand elsewhere, are no twins");
}


static const char  sample[] =
    " { \"code\" : \"10000\", \"inner\":{ \"a\" : [1, 2.50 ,{}],\"b\":\"x\" }"
    ",\"n\":28.880,\"t\":true,\"f\":false,\"z\":null,\"list\":[\"p\",[],\"q\"]"
    "}\r\n\t";


static void
test_values(void)
{
    bool                     truth;
    pay_str_t                digits;
    const pay_json_token_t  *root, *inner, *item;

    root = read_text(sample);

    if (!OK(root != NULL, "an object of all that may be")) {
        return;
    }

    EQ_INT(root->type, PAY_JSON_OBJECT, "  is one");
    EQ_MEM(root->raw.data, root->raw.size, sample + 1, sizeof(sample) - 5,
           "  without the blanks around it");

    OK(pay_json_is(pay_json_find(root, "code"), "10000"), "a string");

    inner = pay_json_find(root, "inner");
    static const char  raw[] = "{ \"a\" : [1, 2.50 ,{}],\"b\":\"x\" }";

    if (OK(inner != NULL, "an object inside")) {
        EQ_MEM(inner->raw.data, inner->raw.size, raw, sizeof(raw) - 1,
               "  has its exact bytes");
    }

    OK(pay_json_is(pay_json_find(inner, "b"), "x"), "  and its own members");
    OK(pay_json_find(root, "b") == NULL, "  which are not the outer one's");

    if (OK(pay_json_number(pay_json_find(root, "n"), &digits), "a number")) {
        EQ_MEM(digits.data, digits.size, "28.880", 6, "  as it is written");
    }

    OK(pay_json_bool(pay_json_find(root, "t"), &truth) && truth, "true");
    OK(pay_json_bool(pay_json_find(root, "f"), &truth) && !truth, "false");
    OK(!pay_json_bool(pay_json_find(root, "z"), &truth), "null is neither");
    OK(!pay_json_bool(NULL, &truth), "nor is what is not there");
    EQ_INT(pay_json_find(root, "z")->type, PAY_JSON_NULL, "null");

    item = pay_json_item(pay_json_find(root, "list"), NULL);
    OK(pay_json_is(item, "p"), "the first of an array");
    item = pay_json_item(pay_json_find(root, "list"), item);
    OK(item != NULL && item->type == PAY_JSON_ARRAY, "the second");
    OK(pay_json_item(item, NULL) == NULL, "  is empty");
    item = pay_json_item(pay_json_find(root, "list"), item);
    OK(pay_json_is(item, "q"), "the third");
    OK(pay_json_item(pay_json_find(root, "list"), item) == NULL,
       "and no fourth");

    OK(pay_json_find(root, "Code") == NULL, "names are of exact case");
    OK(pay_json_find(root, "cod") == NULL, "a beginning is no name");
    OK(pay_json_find(NULL, "code") == NULL, "nothing has no members");
    OK(pay_json_find(pay_json_find(root, "code"), "x") == NULL,
       "a string has none");
    OK(pay_json_item(root, NULL) == NULL, "an object has no items");
    OK(pay_json_item(NULL, NULL) == NULL, "nothing has none either");
}


static void
test_walk(void)
{
    size_t                   i;
    const pay_json_token_t  *root, *name, *value;

    static const char *const  names[] = {
        "code", "inner", "n", "t", "f", "z", "list"
    };

    root = read_text(sample);
    name = NULL;

    for (i = 0; pay_json_member(root, &name, &value); i++) {
        OK(i < 7 && pay_json_is(name, names[i]), "member %zu, in order", i);
        OK(value == pay_json_find(root, names[i % 7]), "  with its value");
    }

    EQ_INT(i, 7, "and no more");

    name = NULL;
    OK(!pay_json_member(read_text("{}"), &name, &value), "{} has none");
    OK(!pay_json_member(read_text("[]"), &name, &value), "[] has none");
    OK(!pay_json_member(NULL, &name, &value), "nothing has none");
}


static void
eq_string(const char *text, const char *want, const char *what)
{
    char    out[64];
    size_t  size;

    OK(pay_json_string(read_text(text), out, sizeof(out), &size),
       "a string of %s", what);
    EQ_MEM(out, size, want, strlen(want), "  is decoded");
    OK(pay_json_is(read_text(text), want), "  and compared so");
    OK(!pay_json_is(read_text(text), "other"), "  not with another");
}


static void
test_strings(void)
{
    char    out[8];
    size_t  size;

    eq_string("\"\"", "", "nothing");
    eq_string("\"VIP\xe4\xbc\x9a\"", "VIP\xe4\xbc\x9a", "UTF-8");
    eq_string("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t",
              "short escapes");
    eq_string("\"\\u0041\\u00e9\\u4F1a\"", "A\xc3\xa9\xe4\xbc\x9a",
              "escapes of one, two and three bytes");
    eq_string("\"\\ud83d\\uDE00\\udbff\\udfff\"",
              "\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf", "surrogate pairs");
    eq_string("\"\\u007f\\u0080\\u07ff\\u0800\\ud7ff\\ue000\\uffff\"",
              "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"
              "\xef\xbf\xbf", "each size's first and last");

    OK(pay_json_string(read_text("\"12345678\""), out, 8, &size),
       "a string that just fits");
    OK(!pay_json_string(read_text("\"123456789\""), out, 8, &size),
       "one byte more does not");
    EQ_INT(size, 0, "  and leaves nothing");
    OK(!pay_json_string(read_text("\"123456\xe4\xbc\x9a\""), out, 8, &size),
       "no character is cut");
    OK(!pay_json_string(read_text("\"a\\u0000b\""), out, 8, &size),
       "a NUL is refused");
    OK(!pay_json_is(read_text("\"a\\u0000b\""), "a"), "  and ends no text");
    OK(!pay_json_is(read_text("\"a\\u0062\""), "a"), "longer is not equal");
    OK(!pay_json_is(read_text("\"\\u0061\""), "ab"), "shorter neither");
    OK(!pay_json_string(read_text("5"), out, 8, &size), "5 is no string");
    OK(!pay_json_is(read_text("5"), "5"), "  and says nothing");
    OK(!pay_json_string(NULL, out, 8, &size), "nothing is none");
    OK(!pay_json_is(NULL, ""), "  not even the empty one");
}


static void
test_integers(void)
{
    size_t   i;
    int64_t  value;

    static const struct {
        const char  *text;
        int64_t      value;
    } right[] = {
        { "0", 0 }, { "7", 7 }, { "-1", -1 }, { "990", 990 },
        { "9223372036854775807", INT64_MAX },
        { "-9223372036854775808", INT64_MIN }
    };

    static const char *const  wrong[] = {
        "-0", "1.0", "1e1", "1E0", "0.5", "9223372036854775808",
        "-9223372036854775809", "18446744073709551616",
        "10000000000000000000000000000000000000000", "\"1\"", "null", "true",
        "[1]", "{}"
    };

    for (i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        if (OK(pay_json_integer(read_text(right[i].text), &value),
               "an integer: %s", right[i].text))
        {
            EQ_INT(value, right[i].value, "  is that");
        }
    }

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        OK(read_text(wrong[i]) != NULL
           && !pay_json_integer(tokens, &value), "none: %s", wrong[i]);
    }

    OK(!pay_json_integer(NULL, &value), "nothing is none");
}


/* count times c, a value, count times close. */

static void
nest(char *text, size_t count, const char *open, const char *value,
    const char *close)
{
    size_t  i;

    text[0] = '\0';

    for (i = 0; i < count; i++) {
        strcat(text, open);
    }

    strcat(text, value);

    for (i = 0; i < count; i++) {
        strcat(text, close);
    }
}


static void
test_members(char *text, size_t count, pay_json_code_e code)
{
    size_t                   i, size;
    static pay_json_token_t  many[2 * PAY_JSON_MEMBERS_MAX + 3];

    for (size = 0, i = 0; i < count; i++) {
        size += (size_t) sprintf(text + size, "%s\"%zu\":1",
                                 i > 0 ? "," : "{", i);
    }

    EQ_INT(pay_json_read(pay_text(strcat(text, "}")), many,
                         sizeof(many) / sizeof(many[0]), NULL),
           code, "an object of %zu members", count);
}


/* Where it goes wrong. */

static void
test_wrong(void)
{
    size_t  i, wrong;

    static const struct {
        const char  *text;
        size_t       wrong;
    } cases[] = {
        { "", 0 },
        { "{\"a\":x}", 5 },
        { "{\"a\":1}x", 7 },
        { "{\"a\":1,\"b\":\"\xff\"}", 12 },
        { "{\"a\":1,\"a\":2}", 10 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void) pay_json_read(pay_text(cases[i].text), tokens, TOKENS, &wrong);
        EQ_INT(wrong, cases[i].wrong, "wrong in %s", cases[i].text);
    }
}


static void
test_limits(void)
{
    char    *text;
    size_t   i, size, wrong;

    text = malloc(PAY_JSON_SIZE_MAX + 1);

    nest(text, PAY_JSON_DEPTH_MAX, "[", "1", "]");
    OK(read_text(text) != NULL, "arrays as deep as may be");
    nest(text, PAY_JSON_DEPTH_MAX, "[", "[]", "]");
    OK(read_text(text) == NULL, "one deeper");
    nest(text, PAY_JSON_DEPTH_MAX, "{\"a\":", "1", "}");
    OK(read_text(text) != NULL, "objects as deep as may be");
    nest(text, PAY_JSON_DEPTH_MAX, "{\"a\":", "{}", "}");
    OK(read_text(text) == NULL, "one deeper");

    memset(text, '[', PAY_JSON_SIZE_MAX + 1);
    EQ_INT(pay_json_read(pay_str(text, PAY_JSON_SIZE_MAX), tokens, TOKENS,
                         &wrong),
           PAY_JSON_TOO_DEEP, "no text nests to the end of the stack");
    EQ_INT(wrong, PAY_JSON_DEPTH_MAX, "  it is told where");
    EQ_INT(pay_json_read(pay_str(text, PAY_JSON_SIZE_MAX + 1), tokens,
                         TOKENS, NULL),
           PAY_JSON_TOO_LARGE, "a text of one byte too much");

    text[0] = '"';
    memset(text + 1, 'x', PAY_JSON_SIZE_MAX - 2);
    text[PAY_JSON_SIZE_MAX - 1] = '"';
    EQ_INT(pay_json_read(pay_str(text, PAY_JSON_SIZE_MAX), tokens, 1, NULL),
           PAY_JSON_OK, "a text of the greatest size, one token");

    size = (size_t) sprintf(text, "[0");

    for (i = 1; i < TOKENS - 1; i++) {
        size += (size_t) sprintf(text + size, ",%zu", i);
    }

    EQ_INT(pay_json_read(pay_text(strcat(text, "]")), tokens, TOKENS, NULL),
           PAY_JSON_OK, "as many values as tokens");
    EQ_INT(tokens[0].span, TOKENS, "  all counted");
    text[size] = '\0';
    EQ_INT(pay_json_read(pay_text(strcat(text, ",1]")), tokens, TOKENS, NULL),
           PAY_JSON_TOO_LARGE, "one value more");

    EQ_INT(pay_json_read(PAY_STR("{\"a\":1}"), tokens, 3, NULL), PAY_JSON_OK,
           "a name is a token, too");
    EQ_INT(pay_json_read(PAY_STR("{\"a\":1}"), tokens, 2, NULL),
           PAY_JSON_TOO_LARGE, "no room for the value");
    EQ_INT(pay_json_read(PAY_STR("{\"a\":1}"), tokens, 1, NULL),
           PAY_JSON_TOO_LARGE, "no room for the name");
    EQ_INT(pay_json_read(PAY_STR("1"), tokens, 0, NULL), PAY_JSON_TOO_LARGE,
           "no room at all");

    test_members(text, PAY_JSON_MEMBERS_MAX, PAY_JSON_OK);
    test_members(text, PAY_JSON_MEMBERS_MAX + 1, PAY_JSON_TOO_LARGE);

    free(text);
}


/* The text stands at the very end of its memory, so that a read behind it is
 * seen by the sanitizer and by valgrind. */

static void
test_cut(void)
{
    char               *heap;
    size_t              size, refused;
    static const char   text[] = "{\"a\":[1.5e+10,-0,true],\"\\ud83d\\ude00"
                                 "\xe4\xbc\x9a\":null,\"b\":{\"c\":\"\\n\"}}";

    refused = 0;

    for (size = 0; size < sizeof(text); size++) {
        heap = malloc(size + 1);
        memcpy(heap + 1, text, size);
        refused += pay_json_read(pay_str(heap + 1, size), tokens, TOKENS, NULL)
                   != PAY_JSON_OK;
        free(heap);
    }

    EQ_INT(refused, sizeof(text) - 1, "cut anywhere, it is refused");
}


int
main(void)
{
    test_refusals();
    test_wrong();
    test_values();
    test_walk();
    test_strings();
    test_integers();
    test_limits();
    test_cut();

    return tap_done();
}

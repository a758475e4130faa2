/*
 * The strict form parser: its grammar at every edge, and its limits at one
 * below, at and one above.
 */

#include "../../ngx_module/pay/form.h"

#include "tap.h"


typedef struct {
    const char       *what;
    const char       *input;
    size_t            size;          /* 0: strlen(input) */
    pay_form_mode_e   mode;
    pay_form_code_e   code;
    const char       *offender;
} refusal_t;


static const refusal_t  refusals[] = {
    { "empty pair", "&", 0, PAY_FORM_BYTES, PAY_FORM_NAME, "" },
    { "empty pair in the middle", "a=1&&b=2", 0, PAY_FORM_BYTES,
      PAY_FORM_NAME, "" },
    { "& at the end", "a=1&", 0, PAY_FORM_BYTES, PAY_FORM_NAME, "" },
    { "& at the start", "&a=1", 0, PAY_FORM_BYTES, PAY_FORM_NAME, "" },
    { "empty name", "=1", 0, PAY_FORM_BYTES, PAY_FORM_NAME, "" },
    { "array name", "x[]=1", 0, PAY_FORM_BYTES, PAY_FORM_NAME, "" },
    { "escaped array name", "x%5B%5D=1", 0, PAY_FORM_BYTES, PAY_FORM_NAME,
      "" },
    { "escaped plain name", "%61=1", 0, PAY_FORM_BYTES, PAY_FORM_NAME, "" },
    { "plus in a name", "a+b=1", 0, PAY_FORM_BYTES, PAY_FORM_NAME, "" },
    { "space in a name", "a b=1", 0, PAY_FORM_BYTES, PAY_FORM_NAME, "" },
    { "NUL in a name", "a\0b=1", 5, PAY_FORM_BYTES, PAY_FORM_NAME, "" },
    { "high byte in a name", "\xc3\xa9=1", 0, PAY_FORM_BYTES, PAY_FORM_NAME,
      "" },
    { "semicolon in a name", "a;b=1", 0, PAY_FORM_BYTES, PAY_FORM_NAME, "" },
    { "no equals sign", "a=1&bcd", 0, PAY_FORM_BYTES, PAY_FORM_NO_VALUE,
      "bcd" },
    { "duplicate", "money=0.01&x=1&money=9.90", 0, PAY_FORM_BYTES,
      PAY_FORM_DUPLICATE, "money" },
    { "duplicate of an equal value", "a=1&a=1", 0, PAY_FORM_BYTES,
      PAY_FORM_DUPLICATE, "a" },
    { "duplicate of an empty value", "a=&a=", 0, PAY_FORM_BYTES,
      PAY_FORM_DUPLICATE, "a" },
    { "lone percent", "a=%", 0, PAY_FORM_BYTES, PAY_FORM_ESCAPE, "a" },
    { "escape of a letter beyond F", "a=%G1", 0, PAY_FORM_BYTES,
      PAY_FORM_ESCAPE, "a" },
    { "escape with a bad second digit", "a=%1g", 0, PAY_FORM_BYTES,
      PAY_FORM_ESCAPE, "a" },
    { "cut escape", "a=%2", 0, PAY_FORM_BYTES, PAY_FORM_ESCAPE, "a" },
    { "escape cut by &", "a=%2&b=0", 0, PAY_FORM_BYTES, PAY_FORM_ESCAPE,
      "a" },
    { "escape with a sign", "a=%+1", 0, PAY_FORM_BYTES, PAY_FORM_ESCAPE,
      "a" },
    { "raw space", "a=b c", 0, PAY_FORM_BYTES, PAY_FORM_RAW, "a" },
    { "raw newline", "a=b\n", 0, PAY_FORM_BYTES, PAY_FORM_RAW, "a" },
    { "raw NUL", "a=b\0c", 5, PAY_FORM_BYTES, PAY_FORM_RAW, "a" },
    { "raw DEL", "a=\x7f", 0, PAY_FORM_BYTES, PAY_FORM_RAW, "a" },
    { "NUL in text", "b=1&a=x%00y", 0, PAY_FORM_AS_TEXT, PAY_FORM_TEXT,
      "a" },
    { "overlong UTF-8 in text", "a=%C0%AF", 0, PAY_FORM_AS_TEXT,
      PAY_FORM_TEXT, "a" },
    { "raw invalid UTF-8 in text", "a=\xff", 0, PAY_FORM_AS_TEXT,
      PAY_FORM_TEXT, "a" }
};


static unsigned char  buffer[PAY_FORM_INPUT_SIZE_MAX];


static pay_form_code_e
parse(pay_form_t *form, const char *input, size_t size, pay_form_mode_e mode,
    pay_str_t *offender)
{
    return pay_form_parse(form, pay_str(input, size), mode, buffer,
                          sizeof(buffer), offender);
}


static void
test_refusals(void)
{
    size_t            i, size;
    pay_str_t         offender;
    pay_form_t        form;
    const refusal_t  *refusal;

    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        refusal = &refusals[i];
        size = refusal->size ? refusal->size : strlen(refusal->input);

        EQ_INT(parse(&form, refusal->input, size, refusal->mode, &offender),
               refusal->code, "refused: %s", refusal->what);
        EQ_MEM(offender.data, offender.size, refusal->offender,
               strlen(refusal->offender), "  and names the field");
        EQ_INT(form.field_count, 0, "  and leaves no field behind");
    }
}


static void
eq_value(const pay_form_t *form, const char *name, const char *want,
    size_t want_size)
{
    const pay_field_t  *field;

    field = pay_form_find(form, name);

    if (OK(field != NULL, "there is a field \"%s\"", name)) {
        EQ_MEM(field->value.data, field->value.size, want, want_size,
               "  with the value");
    }
}


static void
test_values(void)
{
    pay_str_t          offender;
    pay_form_t         form;
    static const char  input[] = "plus=a+b&space=a%20b&once=%2526&none="
                                 "&split=x=y=&case=l&CASE=u&nul=a%00b"
                                 "&hex=%e4%BC%9a&raw=\xe4\xbc\x9a"
                                 "&inject=1%26trade_status%3DTRADE_SUCCESS"
                                 "&a.b-c_D9=odd";

    EQ_INT(parse(&form, "", 0, PAY_FORM_BYTES, &offender), PAY_FORM_OK,
           "the empty form is a form");
    EQ_INT(form.field_count, 0, "  of no field");

    EQ_INT(parse(&form, input, sizeof(input) - 1, PAY_FORM_BYTES, &offender),
           PAY_FORM_OK, "a form of all that is allowed");
    EQ_INT(form.field_count, 12, "  has all its fields");
    EQ_INT(offender.size, 0, "  and blames none");

    eq_value(&form, "plus", "a b", 3);
    eq_value(&form, "space", "a b", 3);
    eq_value(&form, "once", "%26", 3);
    eq_value(&form, "none", "", 0);
    eq_value(&form, "split", "x=y=", 4);
    eq_value(&form, "case", "l", 1);
    eq_value(&form, "CASE", "u", 1);
    eq_value(&form, "nul", "a\0b", 3);
    eq_value(&form, "hex", "\xe4\xbc\x9a", 3);
    eq_value(&form, "raw", "\xe4\xbc\x9a", 3);
    eq_value(&form, "inject", "1&trade_status=TRADE_SUCCESS", 28);
    eq_value(&form, "a.b-c_D9", "odd", 3);

    OK(pay_form_find(&form, "Case") == NULL, "names are found by exact case");
    OK(pay_form_find(&form, "cas") == NULL, "a beginning is not the name");
    OK(pay_form_find(&form, "trade_status") == NULL,
       "an escaped & makes no field");
}


/* name_size times 'n', "=", then value_size times unit. */

static size_t
put_pair(char *out, size_t name_size, const char *unit, size_t value_size)
{
    size_t  i, unit_size;

    unit_size = strlen(unit);
    memset(out, 'n', name_size);
    out[name_size] = '=';

    for (i = 0; i < value_size; i++) {
        memcpy(out + name_size + 1 + i * unit_size, unit, unit_size);
    }

    return name_size + 1 + value_size * unit_size;
}


static void
test_sizes(void)
{
    char        input[PAY_FORM_INPUT_SIZE_MAX + 2];
    size_t      size;
    pay_str_t   offender;
    pay_form_t  form;

    size = put_pair(input, PAY_FORM_NAME_SIZE_MAX, "v", 1);
    EQ_INT(parse(&form, input, size, PAY_FORM_BYTES, &offender), PAY_FORM_OK,
           "a name of the greatest size");

    size = put_pair(input, PAY_FORM_NAME_SIZE_MAX + 1, "v", 1);
    EQ_INT(parse(&form, input, size, PAY_FORM_BYTES, &offender),
           PAY_FORM_NAME, "a name of one more");
    EQ_INT(offender.size, 0, "  is not shown");

    size = put_pair(input, 1, "v", PAY_FORM_VALUE_SIZE_MAX);
    EQ_INT(parse(&form, input, size, PAY_FORM_BYTES, &offender), PAY_FORM_OK,
           "a value of the greatest size");

    size = put_pair(input, 1, "v", PAY_FORM_VALUE_SIZE_MAX + 1);
    EQ_INT(parse(&form, input, size, PAY_FORM_BYTES, &offender),
           PAY_FORM_VALUE_SIZE, "a value of one more");
    EQ_MEM(offender.data, offender.size, "n", 1, "  is named");

    size = put_pair(input, 1, "%00", PAY_FORM_VALUE_SIZE_MAX);
    EQ_INT(parse(&form, input, size, PAY_FORM_BYTES, &offender), PAY_FORM_OK,
           "the size of a value counts decoded");

    memset(input, '&', sizeof(input));
    EQ_INT(parse(&form, input, PAY_FORM_INPUT_SIZE_MAX + 1, PAY_FORM_BYTES,
                 &offender),
           PAY_FORM_TOO_LARGE, "an input of one byte too much");
    EQ_INT(parse(&form, input, PAY_FORM_INPUT_SIZE_MAX, PAY_FORM_BYTES,
                 &offender),
           PAY_FORM_NAME, "an input of the greatest size is looked at");
}


static void
test_counts(void)
{
    char        input[1024];
    size_t      i, size;
    pay_str_t   offender;
    pay_form_t  form;

    size = 0;

    for (i = 0; i < PAY_FORM_FIELD_COUNT_MAX; i++) {
        size += (size_t) snprintf(input + size, sizeof(input) - size,
                                  "%sf%zu=%zu", i ? "&" : "", i, i);
    }

    EQ_INT(parse(&form, input, size, PAY_FORM_BYTES, &offender), PAY_FORM_OK,
           "a form of as many fields as may be");
    EQ_INT(form.field_count, PAY_FORM_FIELD_COUNT_MAX, "  has them all");
    eq_value(&form, "f63", "63", 2);

    size += (size_t) snprintf(input + size, sizeof(input) - size, "&x=1");

    EQ_INT(parse(&form, input, size, PAY_FORM_BYTES, &offender),
           PAY_FORM_TOO_MANY, "one field more");
}


/* The input stands at the very end of its memory, so that a read behind it
 * is seen by the sanitizer and by valgrind. */

static void
test_no_read_behind(void)
{
    char               *heap;
    size_t              i, size, refused;
    pay_str_t           offender;
    pay_form_t          form;
    static const char   input[] = "a=%41&b=+&c=%e4%bc%9a&d=";

    EQ_INT(parse(&form, "a=%41", 4, PAY_FORM_BYTES, &offender),
           PAY_FORM_ESCAPE, "the digit behind the end is not read");

    refused = 0;

    for (size = 1; size <= sizeof(input) - 1; size++) {
        heap = malloc(size);
        memcpy(heap, input, size);

        if (parse(&form, heap, size, PAY_FORM_AS_TEXT, &offender)
            != PAY_FORM_OK)
        {
            refused++;
        }

        free(heap);
    }

    /* Cut in a name without "=" (a, b, c, d), behind "&" (3), in an escape
     * (2 for %41, 6 for the Chinese character) or in its UTF-8 (2). */

    EQ_INT(refused, 4 + 3 + 2 + 6 + 2, "a form cut anywhere");

    for (i = 0; i < PAY_FORM_CODE_COUNT; i++) {
        OK(strlen(pay_form_text((pay_form_code_e) i)) > 5,
           "code %zu has a text", i);
    }
}


int
main(void)
{
    test_refusals();
    test_values();
    test_sizes();
    test_counts();
    test_no_read_behind();

    return tap_done();
}

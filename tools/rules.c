/*
 * faka-rules: an operator's rules, tried without a shop.  It loads a file as
 * a worker does, examples and limits included, and prints what each hook
 * gives for an order, and what that took, one line of JSON a hook.
 *
 *     faka-rules rules/shop.lua                 the file and its examples
 *     faka-rules rules/shop.lua order.json      what its hooks give
 *     faka-rules --bench rules/shop.lua [order.json]
 *     faka-rules --fields                       what a hook may ask of o
 */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "fl.h"


#define RULES_GOOD    0
#define RULES_WRONG   1                /* the rules, or an answer of theirs */
#define RULES_USAGE   2                /* .. or a file cannot be read */

#define RULES_CALLS   1000000
#define RULES_ROUNDS  5

#define RULES_PAID    100000           /* of an order that does not say */
#define RULES_LEVELS  2


typedef struct {
    fl_t        *fl;
    fl_input_t   in;
    json_t      *order;                /* keeps its texts */
    int64_t      paid;
    uint32_t     levels;
} rules_t;

/* Calls a hook, and says what it gave. */
typedef fl_code_t (*rules_ask_pt)(rules_t *rules, json_t *out);


static int rules_options(int argc, char *const *argv, int *bench,
    int *fields);
static int rules_usage(void);
static void rules_print_fields(void);
static uint8_t *rules_read(const char *path, size_t *size);
static int rules_order(rules_t *rules, const char *path);
static int rules_field(rules_t *rules, const char *word, json_t *value);
static int rules_signal(void *data, fk_str_t name, int64_t *number);
static fl_code_t rules_price(rules_t *rules, json_t *out);
static fl_code_t rules_commission(rules_t *rules, json_t *out);
static fl_code_t rules_risk(rules_t *rules, json_t *out);
static int rules_print(rules_t *rules, int bench);
static void rules_number(json_t *object, const char *name, uint64_t number);
static double rules_bench(rules_t *rules, rules_ask_pt ask);
static int rules_compare(const void *a, const void *b);


static const rules_ask_pt  rules_asks[FL_HOOK_COUNT] = {
    [FL_HOOK_PRICE] = rules_price,
    [FL_HOOK_COMMISSION] = rules_commission,
    [FL_HOOK_RISK] = rules_risk
};


int
main(int argc, char **argv)
{
    int       rc, bench, fields;
    char      err[FL_ERROR_SIZE];
    size_t    size;
    uint8_t  *source;
    rules_t   rules;

    if (!rules_options(argc, argv, &bench, &fields)) {
        return rules_usage();
    }

    if (fields) {
        rules_print_fields();
        return RULES_GOOD;
    }

    if (optind == argc || argc - optind > 2) {
        return rules_usage();
    }

    memset(&rules, 0, sizeof(rules));
    source = rules_read(argv[optind], &size);

    if (source == NULL) {
        return RULES_USAGE;
    }

    rules.fl = fl_create(argv[optind], source, size, err);
    free(source);

    if (rules.fl == NULL) {
        fprintf(stderr, "faka-rules: %s\n", err);
        return RULES_WRONG;
    }

    printf("{\"rules\": \"%08x\", \"examples\": %u}\n",
           (unsigned) fl_version(rules.fl),
           (unsigned) fl_examples_count(rules.fl));

    rc = RULES_GOOD;

    if (optind + 1 < argc || bench) {
        rc = rules_order(&rules, optind + 1 < argc ? argv[optind + 1] : NULL);
        rc = rc == RULES_GOOD ? rules_print(&rules, bench) : rc;
    }

    json_decref(rules.order);
    fl_destroy(rules.fl);

    return rc;
}


static int
rules_options(int argc, char *const *argv, int *bench, int *fields)
{
    int  c;

    static const struct option  options[] = {
        { "bench",  no_argument, NULL, 'b' },
        { "fields", no_argument, NULL, 'f' },
        { NULL, 0, NULL, 0 }
    };

    *bench = 0;
    *fields = 0;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'b':
            *bench = 1;
            break;
        case 'f':
            *fields = 1;
            break;
        default:
            return 0;
        }
    }

    return 1;
}


static int
rules_usage(void)
{
    fputs("usage: faka-rules [--bench] RULES.lua [ORDER.json]\n"
          "       faka-rules --fields\n", stderr);
    return RULES_USAGE;
}


static void
rules_print_fields(void)
{
    int  i, h;

    static const char *const  types[] = { "", "number", "boolean", "string" };

    for (i = 0; i < FL_FIELD_COUNT; i++) {
        printf("%-13s %-8s", fl_fields[i].word, types[fl_fields[i].type]);

        for (h = 0; h < FL_HOOK_COUNT; h++) {
            printf(" %-10s", fl_fields[i].hooks >> h & 1u ? fl_hook_word[h]
                                                          : "");
        }

        printf(" %s\n", fl_fields[i].text);
    }
}


/* NULL: it has been said why. */

static uint8_t *
rules_read(const char *path, size_t *size)
{
    FILE     *file;
    uint8_t  *bytes;

    file = fopen(path, "rb");
    bytes = malloc(FL_FILE_SIZE_MAX + 1);

    if (file == NULL || bytes == NULL) {
        perror(path);
        goto failed;
    }

    /* A byte more than may be: fl_create() says that it is too large. */
    *size = fread(bytes, 1, FL_FILE_SIZE_MAX + 1, file);

    if (ferror(file)) {
        perror(path);
        goto failed;
    }

    fclose(file);
    return bytes;

failed:

    if (file != NULL) {
        fclose(file);
    }

    free(bytes);
    return NULL;
}


/* --- the order ----------------------------------------------------------- */

static int
rules_order(rules_t *rules, const char *path)
{
    json_t       *value;
    const char   *word;
    json_error_t  error;

    fl_input_clear(&rules->in);
    rules->in.signal = rules_signal;
    rules->in.data = rules;
    rules->levels = RULES_LEVELS;
    rules->paid = RULES_PAID;

    if (path == NULL) {
        fl_input_int(&rules->in, FL_FIELD_TOTAL, RULES_PAID);
        return RULES_GOOD;
    }

    rules->order = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

    if (!json_is_object(rules->order)) {
        fprintf(stderr, "faka-rules: %s:%d: %s\n", path, error.line,
                rules->order == NULL ? error.text : "is to be an object");
        return RULES_USAGE;
    }

    json_object_foreach (rules->order, word, value) {
        if (!rules_field(rules, word, value)) {
            fprintf(stderr, "faka-rules: %s: \"%s\": there is no such field, "
                    "or it is of another kind (faka-rules --fields)\n", path,
                    word);
            return RULES_USAGE;
        }
    }

    return RULES_GOOD;
}


static int
rules_field(rules_t *rules, const char *word, json_t *value)
{
    int       i;
    fk_str_t  text;

    if (strcmp(word, "signals") == 0) {
        return json_is_object(value);
    }

    for (i = 0; i < FL_FIELD_COUNT; i++) {
        if (strcmp(fl_fields[i].word, word) == 0) {
            break;
        }
    }

    if (i == FL_FIELD_COUNT) {
        return 0;
    }

    if (json_is_null(value)) {
        return 1;
    }

    switch (fl_fields[i].type) {

    case FL_INT:
        if (!json_is_integer(value)) {
            return 0;
        }

        fl_input_int(&rules->in, (fl_field_t) i, json_integer_value(value));
        break;

    case FL_BOOL:
        if (!json_is_boolean(value)) {
            return 0;
        }

        fl_input_bool(&rules->in, (fl_field_t) i, json_is_true(value));
        break;

    default:
        if (!json_is_string(value)) {
            return 0;
        }

        text.data = (const uint8_t *) json_string_value(value);
        text.size = json_string_length(value);
        fl_input_text(&rules->in, (fl_field_t) i, text);
    }

    if (i == FL_FIELD_PAID) {
        rules->paid = json_integer_value(value);
        return rules->paid >= 0 && rules->paid <= FK_AMOUNT_MAX;
    }

    if (i == FL_FIELD_LEVELS) {
        rules->levels = (uint32_t) json_integer_value(value);
        return json_integer_value(value) >= 0
               && json_integer_value(value) <= FL_LEVELS_MAX;
    }

    return 1;
}


static int
rules_signal(void *data, fk_str_t name, int64_t *number)
{
    char      word[256];
    json_t   *value;
    rules_t  *rules = data;

    snprintf(word, sizeof(word), "%.*s", (int) name.size,
             (const char *) name.data);
    value = json_object_get(json_object_get(rules->order, "signals"), word);

    if (!json_is_integer(value)) {
        return 0;
    }

    *number = json_integer_value(value);
    return 1;
}


/* --- the hooks ----------------------------------------------------------- */

static fl_code_t
rules_price(rules_t *rules, json_t *out)
{
    int64_t    total;
    fl_code_t  code;

    code = fl_price(rules->fl, &rules->in, FK_AMOUNT_MAX, &total);

    if (code == FL_OK && out != NULL) {
        json_object_set_new(out, "total", json_integer(total));
    }

    return code;
}


static fl_code_t
rules_commission(rules_t *rules, json_t *out)
{
    json_t      *levels;
    int64_t      rest;
    uint32_t     i;
    fl_code_t    code;
    fl_split_t   split;

    code = fl_commission(rules->fl, &rules->in, rules->paid, rules->levels,
                         &split);

    if (code == FL_OK && out != NULL) {
        rest = rules->paid - split.platform;
        levels = json_array();

        for (i = 0; i < rules->levels; i++) {
            rest -= split.level[i];
            json_array_append_new(levels, json_integer(split.level[i]));
        }

        json_object_set_new(out, "platform", json_integer(split.platform));
        json_object_set_new(out, "levels", levels);
        json_object_set_new(out, "merchant", json_integer(rest));
    }

    return code;
}


static fl_code_t
rules_risk(rules_t *rules, json_t *out)
{
    char       reason[FL_TEXT_SIZE_MAX + 1];
    fl_code_t  code;
    fl_risk_t  verdict;

    code = fl_risk(rules->fl, &rules->in, &verdict, reason);

    if (code == FL_OK && out != NULL) {
        json_object_set_new(out, "verdict",
                            json_string(fl_risk_word[verdict]));
        json_object_set_new(out, "reason", json_string(reason));
    }

    return code;
}


static int
rules_print(rules_t *rules, int bench)
{
    int         h, rc;
    json_t     *line;
    fl_code_t   code;
    fl_spent_t  spent;

    rc = RULES_GOOD;

    for (h = 0; h < FL_HOOK_COUNT; h++) {
        line = json_pack("{s:s}", "hook", fl_hook_word[h]);
        code = rules_asks[h](rules, line);
        json_object_set_new(line, "code", json_string(fl_code_word[code]));

        if (code != FL_OK && code != FL_MISSING) {
            json_object_set_new(line, "error",
                                json_string(fl_error(rules->fl)));
            rc = RULES_WRONG;
        }

        if (code != FL_MISSING) {
            fl_spent(rules->fl, &spent);
            rules_number(line, "instructions_below",
                         spent.instructions + FL_STRIDE);
            rules_number(line, "alloc_bytes", spent.alloc_bytes);
            rules_number(line, "used_bytes", spent.used_bytes);
        }

        if (bench && code == FL_OK) {
            rules_number(line, "ns_per_call",
                         rules_bench(rules, rules_asks[h]));
            fl_spent(rules->fl, &spent);
            rules_number(line, "warm_bytes", spent.alloc_bytes);
        }

        json_dumpf(line, stdout, JSON_PRESERVE_ORDER);
        putchar('\n');
        json_decref(line);
    }

    return rc;
}


static void
rules_number(json_t *object, const char *name, uint64_t number)
{
    json_object_set_new(object, name, json_integer((json_int_t) number));
}


/* The median of some rounds. */

static double
rules_bench(rules_t *rules, rules_ask_pt ask)
{
    int              i, n;
    double           ns[RULES_ROUNDS];
    struct timespec  began, ended;

    for (i = 0; i < RULES_ROUNDS; i++) {
        clock_gettime(CLOCK_MONOTONIC, &began);

        for (n = 0; n < RULES_CALLS; n++) {
            (void) ask(rules, NULL);
        }

        clock_gettime(CLOCK_MONOTONIC, &ended);
        ns[i] = ((double) (ended.tv_sec - began.tv_sec) * 1e9
                 + (double) (ended.tv_nsec - began.tv_nsec)) / RULES_CALLS;
    }

    qsort(ns, RULES_ROUNDS, sizeof(ns[0]), rules_compare);
    return ns[RULES_ROUNDS / 2];
}


static int
rules_compare(const void *a, const void *b)
{
    double  left = *(const double *) a, right = *(const double *) b;

    return left < right ? -1 : left > right;
}

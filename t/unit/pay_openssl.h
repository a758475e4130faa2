/*
 * The gateway's side where it signs with RSA: the openssl command makes keys,
 * signs and verifies.
 *
 * It shares no code with ngx_module/pay: the string that is signed is joined
 * here, of fields that this file sorts by itself.  All files lie in a folder
 * of the program's own, which goes with it.  A test without its counterparty
 * has no result, so whatever openssl should have done and did not ends it.
 */

#ifndef FAKA_PAY_OPENSSL_H_INCLUDED_
#define FAKA_PAY_OPENSSL_H_INCLUDED_


#include "pay_signer.h"


#define OPENSSL_SIGN_SIZE  700         /* base64 of 4096 bits, and NUL */
#define OPENSSL_FILE_SIZE  8192


static char  openssl_folder[64];


/* A shell command in that folder; its exit status. */

__attribute__((format(printf, 1, 2), unused))
static int
openssl_shell(const char *fmt, ...)
{
    char     command[1024];
    int      used;
    va_list  args;

    used = snprintf(command, sizeof(command), "cd %s && exec 2>>log; ",
                    openssl_folder);

    va_start(args, fmt);
    (void) vsnprintf(command + used, sizeof(command) - (size_t) used, fmt,
                     args);
    va_end(args);

    return system(command);
}


#define OPENSSL_MUST(...)                                                     \
    do {                                                                      \
        if (openssl_shell(__VA_ARGS__) != 0) {                                \
            printf("Bail out! openssl failed at line %d\n", __LINE__);        \
            exit(EXIT_FAILURE);                                               \
        }                                                                     \
    } while (0)


static void
openssl_leave(void)
{
    char  command[128];

    (void) snprintf(command, sizeof(command), "rm -r %s", openssl_folder);

    if (system(command) != 0) {
        printf("# %s stays behind\n", openssl_folder);
    }
}


__attribute__((unused))
static void
openssl_enter(void)
{
    (void) snprintf(openssl_folder, sizeof(openssl_folder),
                    "/tmp/faka-openssl-XXXXXX");

    if (mkdtemp(openssl_folder) == NULL || atexit(openssl_leave) != 0) {
        printf("Bail out! cannot make %s\n", openssl_folder);
        exit(EXIT_FAILURE);
    }
}


/* --- files of the folder ------------------------------------------------- */

static FILE *
openssl_open(const char *name, const char *mode)
{
    char  path[512];
    FILE *file;

    (void) snprintf(path, sizeof(path), "%s/%s",
                    name[0] != '/' ? openssl_folder : "", name);
    file = fopen(path, mode);

    if (file == NULL) {
        printf("Bail out! cannot open %s\n", path);
        exit(EXIT_FAILURE);
    }

    return file;
}


__attribute__((unused))
static void
openssl_put(const char *name, const void *data, size_t size)
{
    FILE *file;

    file = openssl_open(name, "wb");

    if (fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        printf("Bail out! cannot write %s\n", name);
        exit(EXIT_FAILURE);
    }
}


/* The content, with a NUL behind it; its size. */

__attribute__((unused))
static size_t
openssl_get(const char *name, char out[OPENSSL_FILE_SIZE])
{
    FILE   *file;
    size_t  size;

    file = openssl_open(name, "rb");
    size = fread(out, 1, OPENSSL_FILE_SIZE - 1, file);
    (void) fclose(file);
    out[size] = '\0';

    return size;
}


/* --- keys and signatures ------------------------------------------------- */

/* NAME.key and NAME.pub, in PEM. */

__attribute__((unused))
static void
openssl_make_key(const char *name, int bits)
{
    OPENSSL_MUST("openssl genpkey -quiet -algorithm RSA "
                 "-pkeyopt rsa_keygen_bits:%d -out %s.key "
                 "&& openssl pkey -in %s.key -pubout -out %s.pub",
                 bits, name, name, name);
}


/* The signature of text by NAME.key, in base64. */

__attribute__((unused))
static void
openssl_sign_with(const char *digest, const char *name, const void *text,
    size_t size, char sign[OPENSSL_SIGN_SIZE])
{
    char  base64[OPENSSL_FILE_SIZE];

    openssl_put("text", text, size);
    OPENSSL_MUST("openssl dgst -%s -sign %s.key -out sig text "
                 "&& openssl base64 -A -in sig -out sig.b64", digest, name);

    if (openssl_get("sig.b64", base64) >= OPENSSL_SIGN_SIZE) {
        printf("Bail out! a signature too long\n");
        exit(EXIT_FAILURE);
    }

    memcpy(sign, base64, strlen(base64) + 1);
}


__attribute__((unused))
static void
openssl_sign(const char *name, const void *text, size_t size,
    char sign[OPENSSL_SIGN_SIZE])
{
    openssl_sign_with("sha256", name, text, size, sign);
}


/* Is sign, in base64, that of text by NAME.pub? */

__attribute__((unused))
static int
openssl_verifies(const char *name, const void *text, size_t size,
    const char *sign)
{
    openssl_put("text", text, size);
    openssl_put("sig.b64", sign, strlen(sign));
    OPENSSL_MUST("openssl base64 -d -A -in sig.b64 -out sig");

    return openssl_shell("openssl dgst -sha256 -verify %s.pub -signature sig "
                         "text >>log", name) == 0;
}


/* --- forms --------------------------------------------------------------- */

static int
openssl_by_name(const void *a, const void *b)
{
    return strcmp(((const signer_field_t *) a)->name,
                  ((const signer_field_t *) b)->name);
}


/* The string over fields in any order; its size. */

__attribute__((unused))
static size_t
openssl_text(const signer_field_t *fields, size_t count, int keep_empty,
    char text[SIGNER_RAW_SIZE])
{
    size_t          i, used, size;
    signer_field_t  sorted[SIGNER_FIELDS_MAX];

    memcpy(sorted, fields, count * sizeof(fields[0]));
    qsort(sorted, count, sizeof(sorted[0]), openssl_by_name);
    used = 0;

    for (i = 0; i < count; i++) {
        size = signer_size(&sorted[i]);

        if (size == 0 && !keep_empty) {
            continue;
        }

        used += (size_t) snprintf(text + used, SIGNER_RAW_SIZE - used,
                                  "%s%s=", used ? "&" : "", sorted[i].name);
        memcpy(text + used, sorted[i].value, size);
        used += size;
    }

    return used;
}


/* A raw form of the fields, in this order, with this signature; NULL: without
 * a sign, or a sign_type. */

__attribute__((unused))
static void
openssl_form(const signer_field_t *fields, size_t count, const char *sign,
    const char *sign_type, char raw[SIGNER_RAW_SIZE])
{
    size_t  i, used;

    used = 0;
    raw[0] = '\0';

    for (i = 0; i < count; i++) {
        used = signer_put(raw, used, fields[i].name, fields[i].value,
                          signer_size(&fields[i]));
    }

    if (sign != NULL) {
        used = signer_put(raw, used, "sign", sign, strlen(sign));
    }

    if (sign_type != NULL) {
        (void) signer_put(raw, used, "sign_type", sign_type,
                          strlen(sign_type));
    }
}


#endif /* FAKA_PAY_OPENSSL_H_INCLUDED_ */

/*
 * The gateway's side for the tests of EPay V1: makes notices and signs them.
 *
 * It shares no code with ngx_module/pay: fields are written down in byte
 * order by the test, joined here, and the digest is made by md5sum(1).  So a
 * mistake in our own canonical form cannot hide itself.
 */

#ifndef FAKA_PAY_SIGNER_H_INCLUDED_
#define FAKA_PAY_SIGNER_H_INCLUDED_


#include "tap.h"

#include <unistd.h>


#define SIGNER_KEY          "k9vT2mXw7QpR4sLz8NcD"
#define SIGNER_FIELDS_MAX   16
#define SIGNER_RAW_SIZE     32768


typedef struct {
    const char  *name;
    const char  *value;
    size_t       size;           /* 0: strlen(value); values may hold NUL */
} signer_field_t;


/* md5sum over text and key, as 32 hex digits; exits if it cannot be had:
 * a test without its counterparty has no result. */

__attribute__((unused))
static void
signer_md5(const void *text, size_t size, const char *key, char out[33])
{
    int   fd;
    char  path[] = "/tmp/faka-signer-XXXXXX", command[64];
    FILE *pipe;

    fd = mkstemp(path);

    if (fd == -1
        || write(fd, text, size) != (ssize_t) size
        || write(fd, key, strlen(key)) != (ssize_t) strlen(key)
        || close(fd) == -1)
    {
        printf("Bail out! cannot write %s\n", path);
        exit(EXIT_FAILURE);
    }

    (void) snprintf(command, sizeof(command), "md5sum < %s", path);
    pipe = popen(command, "r");

    if (pipe == NULL || fread(out, 1, 32, pipe) != 32 || pclose(pipe) != 0) {
        printf("Bail out! cannot run md5sum\n");
        exit(EXIT_FAILURE);
    }

    (void) unlink(path);
    out[32] = '\0';
}


static size_t
signer_size(const signer_field_t *field)
{
    return field->size ? field->size : strlen(field->value);
}


/* Appends name=value with each byte of the value escaped. */

static size_t
signer_put(char *raw, size_t used, const char *name, const char *value,
    size_t size)
{
    size_t  i;

    used += (size_t) snprintf(raw + used, SIGNER_RAW_SIZE - used, "%s%s=",
                              used ? "&" : "", name);

    for (i = 0; i < size; i++) {
        used += (size_t) snprintf(raw + used, SIGNER_RAW_SIZE - used,
                                  "%%%02x", (unsigned char) value[i]);
    }

    return used;
}


/* The digest of fields, which stand in byte order; empty ones, sign and
 * sign_type are not signed. */

__attribute__((unused))
static void
signer_sign(const signer_field_t *fields, size_t count, const char *key,
    char out[33])
{
    char    text[SIGNER_RAW_SIZE];
    size_t  i, used, size;

    used = 0;

    for (i = 0; i < count; i++) {
        size = signer_size(&fields[i]);

        if (size == 0) {
            continue;
        }

        used += (size_t) snprintf(text + used, sizeof(text) - used, "%s%s=",
                                  used ? "&" : "", fields[i].name);
        memcpy(text + used, fields[i].value, size);
        used += size;
    }

    signer_md5(text, used, key, out);
}


/* A raw query of the fields with this signature. */

__attribute__((unused))
static void
signer_write(const signer_field_t *fields, size_t count, const char *sign,
    char raw[SIGNER_RAW_SIZE])
{
    size_t  i, used;

    used = 0;
    raw[0] = '\0';

    for (i = 0; i < count; i++) {
        used = signer_put(raw, used, fields[i].name, fields[i].value,
                          signer_size(&fields[i]));
    }

    used = signer_put(raw, used, "sign", sign, strlen(sign));
    (void) signer_put(raw, used, "sign_type", "MD5", 3);
}


/* A notice as the gateway makes it: signed with key, in a raw query. */

__attribute__((unused))
static void
signer_notice(const signer_field_t *fields, size_t count, const char *key,
    char raw[SIGNER_RAW_SIZE])
{
    char  sign[33];

    signer_sign(fields, count, key, sign);
    signer_write(fields, count, sign, raw);
}


#endif /* FAKA_PAY_SIGNER_H_INCLUDED_ */

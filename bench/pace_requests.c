/*
 * The file of requests: for each its size in bytes, a newline, and so many
 * bytes, an HTTP request as it goes over the wire.  They are sent in turn.
 * Where "@@@@@@@@@@" stands, ten of them, goes the number of the request, in
 * ten digits, so that contacts and keys differ; a size does not change by it.
 */

#define _GNU_SOURCE

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pace.h"


#define PACE_PLACE       "@@@@@@@@@@"
#define PACE_PLACE_SIZE  (sizeof(PACE_PLACE) - 1)


static size_t pace_file_read(pace_t *pace);
static void pace_request_add(pace_t *pace, uint8_t *data, size_t size);
static void pace_wrong(const pace_t *pace, const char *what);


void
pace_requests_read(pace_t *pace)
{
    size_t       left, line;
    uint8_t     *at;
    uint64_t     size;
    const char  *end;

    left = pace_file_read(pace);

    for (at = pace->file; left != 0; at += size, left -= size) {
        end = pace_digits((const char *) at, &size);
        line = (size_t) ((const uint8_t *) end - at) + 1;

        if (line == 1 || *end != '\n' || line > left || size == 0
            || size > left - line)
        {
            pace_wrong(pace, "a size and a newline, then so many bytes");
        }

        at += line;
        left -= line;
        pace_request_add(pace, at, size);
    }

    if (pace->request_count == 0) {
        pace_wrong(pace, "at least one request");
    }
}


/* With a 0 behind it, where reading digits ends. */

static size_t
pace_file_read(pace_t *pace)
{
    FILE         *file;
    size_t        size;
    struct stat   st;

    file = fopen(pace->options.requests_path, "rb");
    if (file == NULL || fstat(fileno(file), &st) == -1) {
        pace_fail(pace->options.requests_path);
    }

    size = (size_t) st.st_size;
    pace->file = calloc(1, size + 1);

    if (pace->file == NULL || fread(pace->file, 1, size, file) != size) {
        pace_fail(pace->options.requests_path);
    }

    (void) fclose(file);
    return size;
}


static void
pace_request_add(pace_t *pace, uint8_t *data, size_t size)
{
    uint8_t         *at, *end;
    pace_request_t  *r;

    if (pace->request_count == PACE_REQUESTS_MAX) {
        pace_wrong(pace, "at most 1000000 requests");
    }

    /* Powers of two: the list is as large as it has to be, or twice that. */
    if ((pace->request_count & (pace->request_count - 1)) == 0) {
        pace->request = realloc(pace->request,
                                (pace->request_count ? 2
                                 * (size_t) pace->request_count : 1)
                                * sizeof(pace_request_t));
        if (pace->request == NULL) {
            pace_fail("memory");
        }
    }

    r = &pace->request[pace->request_count++];
    memset(r, 0, sizeof(*r));
    r->data = data;
    r->size = size;
    end = data + size;

    for (at = data; at < end; at += PACE_PLACE_SIZE) {
        at = memmem(at, (size_t) (end - at), PACE_PLACE, PACE_PLACE_SIZE);
        if (at == NULL) {
            return;
        }

        if (r->place_count == PACE_PLACES_MAX) {
            pace_wrong(pace, "at most 8 places for the number a request");
        }

        r->place[r->place_count++] = (uint32_t) (at - data);
    }
}


/* The n-th to be sent, with its number in it, until the next call. */

const pace_request_t *
pace_request(pace_t *pace, uint64_t n)
{
    int              digit;
    uint32_t         i;
    uint64_t         number;
    pace_request_t  *r;

    r = &pace->request[n % pace->request_count];

    for (i = 0; i < r->place_count; i++) {
        number = pace->options.number + n;

        for (digit = (int) PACE_PLACE_SIZE - 1; digit >= 0; digit--) {
            r->data[r->place[i] + digit] = (uint8_t) ('0' + number % 10);
            number /= 10;
        }
    }

    return r;
}


static void
pace_wrong(const pace_t *pace, const char *what)
{
    fprintf(stderr, "pace: --requests %s: wanted %s; request %u\n",
            pace->options.requests_path, what, pace->request_count + 1);
    exit(1);
}

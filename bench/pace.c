/*
 * A load at a constant rate: a request is due every so many microseconds,
 * however long the ones before it take, and its latency counts from the
 * moment when it was due.  So a shop that stands still for a moment is seen
 * by every buyer of that moment, which a closed loop would not have sent.
 *
 *     pace --port P --rate R --seconds S --connections C --requests FILE
 *          [--number N] [--out FILE] [--buckets FILE [--bucket-ms 100]]
 *
 * The latencies of --out are those of every answer, whatever its status: a
 * refusal is an answer that somebody has waited for, too, and its statuses
 * are beside them.  The buckets show what a shop can still do, so "done" and
 * p99 there are of 200 and 201 alone, and "refused" counts the others: one
 * that says 503 to everybody at once must not look quick.
 *
 * It also says whether it was slow itself: see pace_report.c.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "pace.h"


#define PACE_NUMBER_MAX     1000000000000
#define PACE_BUCKET_MS      100
#define PACE_TURN_US        1000        /* how long at most it only listens */
#define PACE_SLACK_NS       1


static void pace_options(pace_options_t *options, int argc, char **argv);
static void pace_usage(void);
static void pace_buckets(pace_t *pace);
static void pace_bucket_end(pace_t *pace);
static void pace_run(pace_t *pace);
static int64_t pace_due_us(const pace_t *pace, uint64_t n);
static void pace_used(pace_t *pace, int sign);
static int64_t pace_runnable_us(void);


static pace_t  pace_one;


int
main(int argc, char **argv)
{
    pace_t  *pace;

    pace = &pace_one;
    pace_options(&pace->options, argc, argv);
    pace->total = pace->options.rate * pace->options.seconds;

    /* Without it the kernel lets a timer be 50 us late. */
    (void) prctl(PR_SET_TIMERSLACK, PACE_SLACK_NS);

    pace_requests_read(pace);
    pace_buckets(pace);
    pace_open(pace);

    pace_used(pace, -1);
    pace_run(pace);
    pace_used(pace, 1);

    if (pace->done == 0) {
        errno = ETIMEDOUT;
        pace_fail("no answer");
    }

    pace_report(pace);
    return 0;
}


static void
pace_options(pace_options_t *options, int argc, char **argv)
{
    int  option;

    static const struct option  table[] = {
        { "port",        required_argument, NULL, 'p' },
        { "rate",        required_argument, NULL, 'r' },
        { "seconds",     required_argument, NULL, 's' },
        { "connections", required_argument, NULL, 'c' },
        { "requests",    required_argument, NULL, 'f' },
        { "number",      required_argument, NULL, 'n' },
        { "out",         required_argument, NULL, 'o' },
        { "buckets",     required_argument, NULL, 'b' },
        { "bucket-ms",   required_argument, NULL, 'm' },
        { NULL, 0, NULL, 0 }
    };

    options->bucket_ms = PACE_BUCKET_MS;

    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
        switch (option) {

        case 'p':
            options->port = (uint16_t) pace_number("port", optarg, 1, 65535);
            break;

        case 'r':
            options->rate = pace_number("rate", optarg, 1, PACE_RATE_MAX);
            break;

        case 's':
            options->seconds = pace_number("seconds", optarg, 1,
                                           PACE_SECONDS_MAX);
            break;

        case 'c':
            options->connection_count = (uint32_t)
                pace_number("connections", optarg, 1, PACE_CONNECTIONS_MAX);
            break;

        case 'n':
            options->number = pace_number("number", optarg, 0, 9999999999);
            break;

        case 'm':
            options->bucket_ms = pace_number("bucket-ms", optarg, 1, 60000);
            break;

        case 'f':
            options->requests_path = optarg;
            break;

        case 'o':
            options->out_path = optarg;
            break;

        case 'b':
            options->buckets_path = optarg;
            break;

        default:
            pace_usage();
        }
    }

    if (optind != argc || options->port == 0 || options->rate == 0
        || options->seconds == 0 || options->connection_count == 0
        || options->requests_path == NULL)
    {
        pace_usage();
    }
}


static void
pace_usage(void)
{
    fprintf(stderr, "usage: pace --port P --rate R --seconds S"
            " --connections C --requests FILE\n            [--number N]"
            " [--out FILE] [--buckets FILE [--bucket-ms 100]]\n");
    exit(2);
}


uint64_t
pace_number(const char *what, const char *text, uint64_t min, uint64_t max)
{
    uint64_t     number;
    const char  *end;

    end = pace_digits(text, &number);

    if (end == text || *end != '\0' || number < min || number > max) {
        fprintf(stderr, "pace: --%s \"%s\" is no number from %llu to %llu\n",
                what, text, (unsigned long long) min,
                (unsigned long long) max);
        exit(2);
    }

    return number;
}


/* Returns what stands behind them; too many are a large number. */

const char *
pace_digits(const char *text, uint64_t *number)
{
    for (*number = 0; *text >= '0' && *text <= '9'; text++) {
        if (*number < PACE_NUMBER_MAX) {
            *number = *number * 10 + (uint64_t) (*text - '0');
        }
    }

    return text;
}


static void
pace_buckets(pace_t *pace)
{
    if (pace->options.buckets_path == NULL) {
        return;
    }

    pace->bucket_max = (uint32_t)
        ((pace->options.seconds * 1000 + PACE_REST_US / 1000)
         / pace->options.bucket_ms + 2);
    pace->bucket = calloc(pace->bucket_max, sizeof(pace_bucket_t));

    if (pace->bucket == NULL) {
        pace_fail("memory");
    }
}


/* What has come since belongs to the bucket that is open now. */

void
pace_bucket_until(pace_t *pace, int64_t now_us)
{
    int64_t  end_us;

    while (pace->bucket_count < pace->bucket_max) {
        end_us = (int64_t) ((pace->bucket_count + 1)
                            * pace->options.bucket_ms * 1000);

        if (now_us - pace->began_us < end_us) {
            return;
        }

        pace_bucket_end(pace);
    }
}


static void
pace_bucket_end(pace_t *pace)
{
    pace_bucket_t  *b;

    if (pace->bucket_count == pace->bucket_max) {
        return;
    }

    b = &pace->bucket[pace->bucket_count++];
    b->done = pace->bucket_us.total;
    b->refused = pace->bucket_refused;
    b->errors = pace->bucket_errors;
    b->p99_us = pace_histogram_at(&pace->bucket_us, 99000);

    pace_histogram_clear(&pace->bucket_us);
    pace->bucket_refused = 0;
    pace->bucket_errors = 0;
}


static void
pace_run(pace_t *pace)
{
    int64_t  now_us, wait_us, until_us;

    pace->began_us = pace_now_us();
    pace->idle_since_us = pace->began_us;
    until_us = pace_due_us(pace, pace->total) + PACE_REST_US;

    for ( ;; ) {
        now_us = pace_now_us();
        pace_retry(pace, now_us);

        while (pace->sent < pace->total && pace->idle.count != 0
               && pace_due_us(pace, pace->sent) <= now_us)
        {
            pace_send(pace, pace_due_us(pace, pace->sent));
        }

        if (pace->done + pace->lost == pace->total || now_us > until_us) {
            break;
        }

        /* With every connection busy only an answer helps. */
        wait_us = PACE_TURN_US;

        if (pace->sent < pace->total && pace->idle.count != 0) {
            wait_us = pace_due_us(pace, pace->sent) - now_us;
        }

        pace_wait(pace, wait_us < 0 ? 0
                        : wait_us < PACE_TURN_US ? wait_us : PACE_TURN_US);
    }

    pace->took_us = pace_now_us() - pace->began_us;
    pace_bucket_until(pace, pace->began_us + pace->took_us);
    pace_bucket_end(pace);
}


static int64_t
pace_due_us(const pace_t *pace, uint64_t n)
{
    return pace->began_us + (int64_t) (n * 1000000 / pace->options.rate);
}


/* Called with -1, then with 1: what lies between. */

static void
pace_used(pace_t *pace, int sign)
{
    struct rusage  use;

    if (getrusage(RUSAGE_SELF, &use) == -1) {
        pace_fail("getrusage");
    }

    pace->user_us += sign * ((int64_t) use.ru_utime.tv_sec * 1000000
                             + use.ru_utime.tv_usec);
    pace->kernel_us += sign * ((int64_t) use.ru_stime.tv_sec * 1000000
                               + use.ru_stime.tv_usec);
    pace->runnable_us += sign * pace_runnable_us();
}


/* The second number there; 0 with a kernel that does not count it. */

static int64_t
pace_runnable_us(void)
{
    char         line[128];
    FILE        *file;
    uint64_t     ns;
    const char  *at;

    file = fopen("/proc/self/schedstat", "r");
    if (file == NULL) {
        return 0;
    }

    at = fgets(line, sizeof(line), file);
    (void) fclose(file);

    if (at == NULL) {
        return 0;
    }

    at = pace_digits(at, &ns);
    (void) pace_digits(*at == ' ' ? at + 1 : at, &ns);

    return (int64_t) (ns / 1000);
}


int64_t
pace_now_us(void)
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}


void
pace_fail(const char *what)
{
    fprintf(stderr, "pace: %s: %s\n", what, strerror(errno));
    exit(1);
}

/*
 * What pace found.  On standard output the line that checkout.lua prints:
 * RESULT requests us refused errors p50_us p99_us p999_us; as JSON with all
 * there is into --out; and each so many milliseconds into --buckets.
 */

#include "pace.h"


static const struct {
    const char  *name;
    uint32_t     per_100000;
} pace_percentiles[] = {
    { "50", 50000 }, { "75", 75000 }, { "90", 90000 }, { "95", 95000 },
    { "99", 99000 }, { "99.5", 99500 }, { "99.9", 99900 },
    { "99.95", 99950 }, { "99.99", 99990 }, { "99.999", 99999 },
    { "100", 100000 }
};

#define PACE_PERCENTILES  (sizeof(pace_percentiles)                          \
                           / sizeof(pace_percentiles[0]))


static void pace_report_line(const pace_t *pace);
static void pace_report_out(const pace_t *pace, FILE *out);
static void pace_report_statuses(const pace_t *pace, FILE *out);
static void pace_report_generator(const pace_t *pace, FILE *out);
static void pace_report_histogram(const pace_histogram_t *h, FILE *out);
static void pace_report_buckets(const pace_t *pace, FILE *out);
static void pace_report_file(const pace_t *pace, const char *path,
    void (*write)(const pace_t *pace, FILE *out));


void
pace_report(const pace_t *pace)
{
    pace_report_file(pace, pace->options.out_path, pace_report_out);
    pace_report_file(pace, pace->options.buckets_path, pace_report_buckets);
    pace_report_line(pace);
}


static void
pace_report_file(const pace_t *pace, const char *path,
    void (*write)(const pace_t *pace, FILE *out))
{
    FILE  *out;

    if (path == NULL) {
        return;
    }

    out = fopen(path, "w");
    if (out == NULL) {
        pace_fail(path);
    }

    write(pace, out);

    if (ferror(out) | fclose(out)) {
        pace_fail(path);
    }
}


static void
pace_report_line(const pace_t *pace)
{
    uint64_t  refused;

    refused = pace->done - pace->status[PACE_200] - pace->status[PACE_201];

    printf("RESULT %llu %lld %llu %llu %u %u %u\n",
           (unsigned long long) pace->done, (long long) pace->took_us,
           (unsigned long long) refused,
           (unsigned long long) (pace->total - pace->done),
           pace_histogram_at(&pace->latency_us, 50000),
           pace_histogram_at(&pace->latency_us, 99000),
           pace_histogram_at(&pace->latency_us, 99900));
}


static void
pace_report_out(const pace_t *pace, FILE *out)
{
    const pace_options_t  *o;

    o = &pace->options;

    fprintf(out, "{ \"rate_per_s\": %llu, \"seconds\": %llu, "
            "\"connections\": %u,\n  \"due\": %llu, \"done\": %llu, "
            "\"took_us\": %lld,\n",
            (unsigned long long) o->rate, (unsigned long long) o->seconds,
            o->connection_count, (unsigned long long) pace->total,
            (unsigned long long) pace->done, (long long) pace->took_us);

    pace_report_statuses(pace, out);
    pace_report_generator(pace, out);
    fprintf(out, "  \"latency_us\": ");
    pace_report_histogram(&pace->latency_us, out);
    fprintf(out, " }\n");
}


/* An error is a request without an answer: its connection was lost, or it
 * has not come, or it could not even be sent. */

static void
pace_report_statuses(const pace_t *pace, FILE *out)
{
    fprintf(out, "  \"status\": {");

#define PACE_STATUS_OUT(code)                                                \
    fprintf(out, " \"" #code "\": %llu,",                                    \
            (unsigned long long) pace->status[PACE_##code]);

    PACE_STATUSES(PACE_STATUS_OUT)
#undef PACE_STATUS_OUT

    fprintf(out, " \"other\": %llu },\n",
            (unsigned long long) pace->status[PACE_OTHER]);
    fprintf(out, "  \"errors\": { \"lost\": %llu, \"unanswered\": %llu, "
            "\"unsent\": %llu },\n  \"reconnects\": %llu, "
            "\"connect_errors\": %llu,\n",
            (unsigned long long) pace->lost,
            (unsigned long long) (pace->sent - pace->done - pace->lost),
            (unsigned long long) (pace->total - pace->sent),
            (unsigned long long) pace->reconnects,
            (unsigned long long) pace->connect_errors);
}


/* Whether it was the generator that was slow. */

static void
pace_report_generator(const pace_t *pace, FILE *out)
{
    fprintf(out, "  \"generator\": { \"cpu_share\": %.4f, "
            "\"user_us\": %lld, \"kernel_us\": %lld,\n"
            "    \"runnable_share\": %.4f, \"no_connection\": %llu,\n"
            "    \"lag_us\": ",
            (double) (pace->user_us + pace->kernel_us)
            / (double) pace->took_us,
            (long long) pace->user_us, (long long) pace->kernel_us,
            (double) pace->runnable_us / (double) pace->took_us,
            (unsigned long long) pace->waited);
    pace_report_histogram(&pace->lag_us, out);
    fprintf(out, " },\n");
}


/* The counters by the highest value that each stands for. */

static void
pace_report_histogram(const pace_histogram_t *h, FILE *out)
{
    size_t       n;
    uint32_t     slot;
    const char  *comma;

    fprintf(out, "{ \"count\": %llu, \"mean\": %.1f, \"max\": %u,\n"
            "    \"percentiles\": [", (unsigned long long) h->total,
            h->total ? (double) h->sum / (double) h->total : 0, h->max);

    for (n = 0; n < PACE_PERCENTILES; n++) {
        fprintf(out, "%s[%s, %u]", n ? ", " : "", pace_percentiles[n].name,
                pace_histogram_at(h, pace_percentiles[n].per_100000));
    }

    fprintf(out, "],\n    \"counts\": [");
    comma = "";

    for (slot = 0; slot < PACE_SLOTS; slot++) {
        if (h->slot[slot] != 0) {
            fprintf(out, "%s[%u,%u]", comma, pace_histogram_value(slot),
                    h->slot[slot]);
            comma = ",";
        }
    }

    fprintf(out, "] }");
}


static void
pace_report_buckets(const pace_t *pace, FILE *out)
{
    uint32_t  i;

    fprintf(out, "{ \"bucket_ms\": %llu, \"buckets\": [",
            (unsigned long long) pace->options.bucket_ms);

    for (i = 0; i < pace->bucket_count; i++) {
        fprintf(out, "%s\n  { \"done\": %llu, \"refused\": %llu, "
                "\"errors\": %llu, \"p99_us\": %u }", i ? "," : "",
                (unsigned long long) pace->bucket[i].done,
                (unsigned long long) pace->bucket[i].refused,
                (unsigned long long) pace->bucket[i].errors,
                pace->bucket[i].p99_us);
    }

    fprintf(out, " ] }\n");
}

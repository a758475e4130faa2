/*
 * pace, the open loop of the bench: what its files share.
 *
 *     pace.c            options, and the loop that sends what is due
 *     pace_http.c       connections, and the answers that come over them
 *     pace_requests.c   the file of requests
 *     pace_histogram.c  latencies, in the layout of HdrHistogram
 *     pace_report.c     what is printed and written at the end
 */

#ifndef FAKA_PACE_H_INCLUDED_
#define FAKA_PACE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <stdio.h>


#define PACE_CONNECTIONS_MAX  4096
#define PACE_RATE_MAX         1000000
#define PACE_SECONDS_MAX      3600
#define PACE_REQUESTS_MAX     1000000     /* of one file */
#define PACE_PLACES_MAX       8           /* for the number, of one request */
#define PACE_ANSWER_SIZE      16384
#define PACE_REST_US          10000000    /* for what is late at the end */


/*
 * HdrHistogram's layout for three significant digits: below 2048 each value
 * has a counter of its own, and each doubling from there on has 1024.
 */

#define PACE_HALF_BITS   10
#define PACE_VALUE_MAX   UINT32_MAX
#define PACE_SLOTS       ((33 - PACE_HALF_BITS) << PACE_HALF_BITS)

typedef struct {
    uint64_t  total;
    uint64_t  sum;
    uint32_t  max;
    uint32_t  slot[PACE_SLOTS];
} pace_histogram_t;


/* What an answer may be; any other status is OTHER. */

#define PACE_STATUSES(X)  X(200) X(201) X(409) X(503)

typedef enum {
#define PACE_STATUS_ENUM(code)  PACE_##code,
    PACE_STATUSES(PACE_STATUS_ENUM)
#undef PACE_STATUS_ENUM
    PACE_OTHER,
    PACE_STATUS_COUNT
} pace_status_t;


typedef struct {
    uint8_t   *data;
    size_t     size;
    uint32_t   place_count;
    uint32_t   place[PACE_PLACES_MAX];   /* where the number goes */
} pace_request_t;

typedef enum {
    PACE_DOWN,
    PACE_CONNECTING,
    PACE_IDLE,
    PACE_BUSY
} pace_state_t;

typedef struct {
    int           fd;
    pace_state_t  state;
    int64_t       due_us;              /* BUSY: its request; DOWN: its retry */
    size_t        used;
    char          answer[PACE_ANSWER_SIZE];
} pace_connection_t;

/* Numbers of connections, first in, first out; each is in it once at most. */

typedef struct {
    uint32_t  first;
    uint32_t  count;
    uint32_t  item[PACE_CONNECTIONS_MAX];
} pace_queue_t;

typedef struct {
    uint64_t  done;                    /* 200 and 201; p99_us is of these */
    uint64_t  refused;                 /* any other status */
    uint64_t  errors;
    uint32_t  p99_us;
} pace_bucket_t;

typedef struct {
    uint16_t           port;
    uint32_t           connection_count;
    uint64_t           rate;
    uint64_t           seconds;
    uint64_t           number;           /* of the first request */
    uint64_t           bucket_ms;
    const char        *requests_path;
    const char        *out_path;         /* or NULL */
    const char        *buckets_path;     /* or NULL */
} pace_options_t;

typedef struct {
    pace_options_t      options;
    int                 epoll;
    int64_t             began_us;
    int64_t             took_us;
    pace_connection_t  *connection;
    pace_queue_t        idle;
    pace_queue_t        down;
    int64_t             idle_since_us;   /* when idle was empty last */
    uint8_t            *file;
    uint32_t            request_count;
    pace_request_t     *request;

    uint64_t            total;
    uint64_t            sent;
    uint64_t            done;
    uint64_t            lost;            /* sent, and their connection died */
    uint64_t            reconnects;
    uint64_t            connect_errors;
    uint64_t            waited;          /* found no connection free */
    uint64_t            status[PACE_STATUS_COUNT];
    pace_histogram_t    latency_us;      /* of every answer */
    pace_histogram_t    lag_us;          /* from due, and a connection free */

    uint32_t            bucket_count;
    uint32_t            bucket_max;
    pace_bucket_t      *bucket;
    uint64_t            bucket_refused;
    uint64_t            bucket_errors;
    pace_histogram_t    bucket_us;       /* of 200 and 201 alone */

    int64_t             user_us;
    int64_t             kernel_us;
    int64_t             runnable_us;     /* ready, without a processor */
} pace_t;


void pace_fail(const char *what);
int64_t pace_now_us(void);
uint64_t pace_number(const char *what, const char *text, uint64_t min,
    uint64_t max);
const char *pace_digits(const char *text, uint64_t *number);

void pace_requests_read(pace_t *pace);
const pace_request_t *pace_request(pace_t *pace, uint64_t n);

void pace_queue_put(pace_queue_t *queue, uint32_t i);
uint32_t pace_queue_take(pace_queue_t *queue);
void pace_open(pace_t *pace);
void pace_retry(pace_t *pace, int64_t now_us);
void pace_send(pace_t *pace, int64_t due_us);
void pace_wait(pace_t *pace, int64_t wait_us);

void pace_bucket_until(pace_t *pace, int64_t now_us);

void pace_histogram_add(pace_histogram_t *h, int64_t value);
uint32_t pace_histogram_at(const pace_histogram_t *h, uint32_t per_100000);
void pace_histogram_clear(pace_histogram_t *h);
uint32_t pace_histogram_value(uint32_t slot);

void pace_report(const pace_t *pace);


#endif /* FAKA_PACE_H_INCLUDED_ */

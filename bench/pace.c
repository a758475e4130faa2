/*
 * A load at a constant rate: an order is due every so many microseconds,
 * however long the ones before it take, and its latency counts from the
 * moment when it was due.  So a shop that stands still for a moment is seen
 * by every order of that moment, which a closed loop would not have sent.
 *
 *     pace PORT SKU CONNECTIONS RATE SECONDS
 *
 * Prints the line that checkout.lua prints:
 * RESULT requests us refused errors p50_us p99_us p999_us
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define PACE_CONNECTIONS_MAX  1024
#define PACE_REQUESTS_MAX     50000000
#define PACE_ANSWER_SIZE      8192
#define PACE_EVENTS           256
#define PACE_NUMBER_MAX       1000000000000
#define PACE_REST_US          10000000   /* for what is late at the end */


typedef struct {
    int       fd;
    int64_t   due_us;
    size_t    used;
    char      answer[PACE_ANSWER_SIZE];
} pace_connection_t;

typedef struct {
    int                 epoll;
    size_t              request_size;
    char                request[512];
    pace_connection_t  *connection;
    uint32_t            idle_count;
    uint32_t            idle[PACE_CONNECTIONS_MAX];
    uint64_t            total;
    uint64_t            sent;
    uint64_t            done;
    uint64_t            refused;
    uint32_t           *latency_us;
} pace_t;


static uint64_t pace_number(const char *text, uint64_t max);
static const char *pace_digits(const char *text, uint64_t *number);
static void pace_connect(pace_t *pace, uint32_t i, uint16_t port);
static void pace_run(pace_t *pace, uint64_t rate);
static int64_t pace_due_us(uint64_t n, uint64_t rate);
static void pace_send(pace_t *pace, int64_t due_us);
static void pace_wait(pace_t *pace, int64_t wait_us);
static void pace_read(pace_t *pace, uint32_t i);
static size_t pace_answer_size(pace_connection_t *c);
static int pace_compare(const void *one, const void *two);
static int64_t pace_now_us(void);
static void pace_fail(const char *what);


int
main(int argc, char **argv)
{
    int        size;
    char       body[256];
    int64_t    began_us;
    pace_t     pace;
    uint32_t   i, count;
    uint64_t   rate;

    if (argc != 6) {
        fprintf(stderr, "usage: pace PORT SKU CONNECTIONS RATE SECONDS\n");
        return 2;
    }

    memset(&pace, 0, sizeof(pace));
    count = (uint32_t) pace_number(argv[3], PACE_CONNECTIONS_MAX);
    rate = pace_number(argv[4], 1000000);
    pace.total = rate * pace_number(argv[5], PACE_REQUESTS_MAX / rate);

    size = snprintf(body, sizeof(body), "{\"sku\":\"%.64s\",\"qty\":1,"
                    "\"contact\":\"buyer@example.com\"}", argv[2]);
    size = snprintf(pace.request, sizeof(pace.request),
                    "POST /checkout HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                    "Content-Type: application/json\r\n"
                    "Content-Length: %d\r\n\r\n%s", size, body);
    pace.request_size = (size_t) size;

    pace.epoll = epoll_create1(0);
    pace.connection = calloc(count, sizeof(pace_connection_t));
    pace.latency_us = calloc(pace.total, sizeof(uint32_t));

    if (pace.epoll == -1 || pace.connection == NULL
        || pace.latency_us == NULL)
    {
        pace_fail("start");
    }

    for (i = 0; i < count; i++) {
        pace_connect(&pace, i, (uint16_t) pace_number(argv[1], 65535));
    }

    began_us = pace_now_us();
    pace_run(&pace, rate);

    if (pace.done == 0) {
        pace_fail("no answer");
    }

    qsort(pace.latency_us, pace.done, sizeof(uint32_t), pace_compare);

    printf("RESULT %llu %lld %llu %llu %u %u %u\n",
           (unsigned long long) pace.done,
           (long long) (pace_now_us() - began_us),
           (unsigned long long) pace.refused,
           (unsigned long long) (pace.total - pace.done),
           pace.latency_us[pace.done / 2],
           pace.latency_us[pace.done * 99 / 100],
           pace.latency_us[pace.done * 999 / 1000]);
    return 0;
}


static uint64_t
pace_number(const char *text, uint64_t max)
{
    uint64_t     number;
    const char  *end;

    end = pace_digits(text, &number);

    if (*end != '\0' || number < 1 || number > max) {
        fprintf(stderr, "pace: \"%s\" is no number from 1 to %llu\n", text,
                (unsigned long long) max);
        exit(2);
    }

    return number;
}


/* Returns what stands behind them; too many are a large number. */

static const char *
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
pace_connect(pace_t *pace, uint32_t i, uint16_t port)
{
    int                 fd, on;
    struct epoll_event  event;
    struct sockaddr_in  address;

    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    event.events = EPOLLIN;
    event.data.u32 = i;
    on = 1;

    fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd == -1
        || connect(fd, (struct sockaddr *) &address, sizeof(address)) == -1
        || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1
        || epoll_ctl(pace->epoll, EPOLL_CTL_ADD, fd, &event) == -1)
    {
        pace_fail("connect");
    }

    pace->connection[i].fd = fd;
    pace->idle[pace->idle_count++] = i;
}


static void
pace_run(pace_t *pace, uint64_t rate)
{
    int64_t  began_us, now_us, wait_us, until_us;

    began_us = pace_now_us();
    until_us = pace_due_us(pace->total, rate) + PACE_REST_US;

    for ( ;; ) {
        now_us = pace_now_us() - began_us;

        while (pace->sent < pace->total && pace->idle_count != 0
               && pace_due_us(pace->sent, rate) <= now_us)
        {
            pace_send(pace, began_us + pace_due_us(pace->sent, rate));
        }

        if (pace->done == pace->total || now_us > until_us) {
            return;
        }

        /* With every connection busy only an answer helps. */
        wait_us = 1000;

        if (pace->sent < pace->total && pace->idle_count != 0) {
            wait_us = pace_due_us(pace->sent, rate) - now_us;
        }

        pace_wait(pace, wait_us < 0 ? 0 : wait_us);
    }
}


static int64_t
pace_due_us(uint64_t n, uint64_t rate)
{
    return (int64_t) (n * 1000000 / rate);
}


static void
pace_send(pace_t *pace, int64_t due_us)
{
    pace_connection_t  *c;

    c = &pace->connection[pace->idle[--pace->idle_count]];
    c->due_us = due_us;
    c->used = 0;
    pace->sent++;

    if (send(c->fd, pace->request, pace->request_size, MSG_NOSIGNAL)
        != (ssize_t) pace->request_size)
    {
        pace_fail("send");
    }
}


static void
pace_wait(pace_t *pace, int64_t wait_us)
{
    int                  i, n;
    struct timespec      wait;
    struct epoll_event   events[PACE_EVENTS];

    wait.tv_sec = wait_us / 1000000;
    wait.tv_nsec = wait_us % 1000000 * 1000;

    n = epoll_pwait2(pace->epoll, events, PACE_EVENTS, &wait, NULL);
    if (n == -1 && errno != EINTR) {
        pace_fail("epoll");
    }

    for (i = 0; i < n; i++) {
        pace_read(pace, events[i].data.u32);
    }
}


static void
pace_read(pace_t *pace, uint32_t i)
{
    size_t              size;
    ssize_t             n;
    pace_connection_t  *c;

    c = &pace->connection[i];

    n = recv(c->fd, c->answer + c->used, PACE_ANSWER_SIZE - 1 - c->used, 0);
    if (n <= 0) {
        pace_fail("the shop closed a connection");
    }

    c->used += (size_t) n;
    c->answer[c->used] = '\0';
    size = pace_answer_size(c);

    if (size == 0 || c->used < size) {
        return;
    }

    if (strncmp(c->answer, "HTTP/1.1 201 ", 13) != 0) {
        pace->refused++;
    }

    pace->latency_us[pace->done++] = (uint32_t) (pace_now_us() - c->due_us);
    pace->idle[pace->idle_count++] = i;
}


/* 0: its head has not come whole. */

static size_t
pace_answer_size(pace_connection_t *c)
{
    char      *end, *length;
    size_t     head;
    uint64_t   size;

    end = strstr(c->answer, "\r\n\r\n");

    if (end == NULL) {
        if (c->used == PACE_ANSWER_SIZE - 1) {
            pace_fail("an answer with a long head");
        }

        return 0;
    }

    head = (size_t) (end + 4 - c->answer);
    length = strstr(c->answer, "\r\nContent-Length: ");

    if (length == NULL || length > end) {
        pace_fail("an answer without a length");
    }

    (void) pace_digits(length + sizeof("\r\nContent-Length: ") - 1, &size);

    return head + size;
}


static int
pace_compare(const void *one, const void *two)
{
    uint32_t  a, b;

    memcpy(&a, one, sizeof(a));
    memcpy(&b, two, sizeof(b));
    return a < b ? -1 : a > b;
}


static int64_t
pace_now_us(void)
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}


static void
pace_fail(const char *what)
{
    fprintf(stderr, "pace: %s: %s\n", what, strerror(errno));
    exit(1);
}

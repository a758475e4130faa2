/*
 * Connections: one request at a time on each, kept between them.  One that
 * is lost is made anew, also while nobody listens, so that a server may be
 * killed under the load; the request that was on it is an error and is not
 * sent again, since nobody knows what became of it.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "pace.h"


#define PACE_EVENTS    256
#define PACE_RETRY_US  10000
#define PACE_OPEN_US   10000000


static void pace_queue_drop(pace_queue_t *queue, uint32_t i);
static void pace_connect(pace_t *pace, uint32_t i, int64_t now_us);
static void pace_connected(pace_t *pace, uint32_t i, int64_t now_us);
static void pace_idle(pace_t *pace, uint32_t i, int64_t now_us);
static void pace_down(pace_t *pace, uint32_t i, int64_t retry_us);
static void pace_lost(pace_t *pace, uint32_t i, int64_t now_us);
static void pace_read(pace_t *pace, uint32_t i);
static void pace_answered(pace_t *pace, uint32_t i);
static size_t pace_answer_size(const pace_connection_t *c);
static pace_status_t pace_answer_status(const pace_connection_t *c);


void
pace_queue_put(pace_queue_t *queue, uint32_t i)
{
    queue->item[(queue->first + queue->count++) % PACE_CONNECTIONS_MAX] = i;
}


uint32_t
pace_queue_take(pace_queue_t *queue)
{
    uint32_t  i;

    i = queue->item[queue->first];
    queue->first = (queue->first + 1) % PACE_CONNECTIONS_MAX;
    queue->count--;

    return i;
}


static void
pace_queue_drop(pace_queue_t *queue, uint32_t i)
{
    uint32_t  n, other;

    for (n = queue->count; n != 0; n--) {
        other = pace_queue_take(queue);
        if (other != i) {
            pace_queue_put(queue, other);
        }
    }
}


/* All of them, before the first request is due. */

void
pace_open(pace_t *pace)
{
    int64_t   until_us;
    uint32_t  i;

    pace->epoll = epoll_create1(0);
    pace->connection = calloc(pace->options.connection_count,
                              sizeof(pace_connection_t));

    if (pace->epoll == -1 || pace->connection == NULL) {
        pace_fail("start");
    }

    until_us = pace_now_us() + PACE_OPEN_US;

    for (i = 0; i < pace->options.connection_count; i++) {
        pace_connect(pace, i, pace_now_us());
    }

    while (pace->idle.count != pace->options.connection_count) {
        if (pace_now_us() > until_us) {
            errno = ETIMEDOUT;
            pace_fail("connect");
        }

        pace_wait(pace, PACE_RETRY_US);
        pace_retry(pace, pace_now_us());
    }

    pace->reconnects = 0;
    pace->connect_errors = 0;
}


static void
pace_connect(pace_t *pace, uint32_t i, int64_t now_us)
{
    int                 fd, on;
    struct epoll_event  event;
    struct sockaddr_in  address;

    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_port = htons(pace->options.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    event.events = EPOLLOUT;
    event.data.u32 = i;
    on = 1;

    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (fd == -1
        || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1
        || epoll_ctl(pace->epoll, EPOLL_CTL_ADD, fd, &event) == -1)
    {
        pace_fail("a connection");
    }

    pace->connection[i].fd = fd;
    pace->connection[i].state = PACE_CONNECTING;

    if (connect(fd, (struct sockaddr *) &address, sizeof(address)) == -1
        && errno != EINPROGRESS)
    {
        pace->connect_errors++;
        pace_down(pace, i, now_us + PACE_RETRY_US);
    }
}


static void
pace_connected(pace_t *pace, uint32_t i, int64_t now_us)
{
    int                 error;
    socklen_t           size;
    struct epoll_event  event;

    error = 0;
    size = sizeof(error);

    if (getsockopt(pace->connection[i].fd, SOL_SOCKET, SO_ERROR, &error,
                   &size) == -1 || error != 0)
    {
        pace->connect_errors++;
        pace_down(pace, i, now_us + PACE_RETRY_US);
        return;
    }

    event.events = EPOLLIN;
    event.data.u32 = i;

    if (epoll_ctl(pace->epoll, EPOLL_CTL_MOD, pace->connection[i].fd, &event)
        == -1)
    {
        pace_fail("a connection");
    }

    pace->reconnects++;
    pace_idle(pace, i, now_us);
}


static void
pace_idle(pace_t *pace, uint32_t i, int64_t now_us)
{
    if (pace->idle.count == 0) {
        pace->idle_since_us = now_us;
    }

    pace->connection[i].state = PACE_IDLE;
    pace_queue_put(&pace->idle, i);
}


static void
pace_down(pace_t *pace, uint32_t i, int64_t retry_us)
{
    (void) close(pace->connection[i].fd);
    pace->connection[i].state = PACE_DOWN;
    pace->connection[i].due_us = retry_us;
    pace_queue_put(&pace->down, i);
}


/* Each at most once a call. */

void
pace_retry(pace_t *pace, int64_t now_us)
{
    uint32_t  n;

    for (n = pace->down.count; n != 0; n--) {
        if (pace->connection[pace->down.item[pace->down.first]].due_us
            > now_us)
        {
            return;
        }

        pace_connect(pace, pace_queue_take(&pace->down), now_us);
    }
}


static void
pace_lost(pace_t *pace, uint32_t i, int64_t now_us)
{
    switch (pace->connection[i].state) {

    case PACE_BUSY:
        pace_bucket_until(pace, now_us);
        pace->lost++;
        pace->bucket_errors++;
        break;

    case PACE_IDLE:
        pace_queue_drop(&pace->idle, i);
        break;

    default:
        break;
    }

    pace_down(pace, i, now_us);
}


/* Its lag is what we are to blame for: there was a connection, and it was
 * due, and it was not sent. */

void
pace_send(pace_t *pace, int64_t due_us)
{
    int64_t                now_us, ready_us;
    uint32_t               i;
    pace_connection_t     *c;
    const pace_request_t  *r;

    r = pace_request(pace, pace->sent);
    i = pace_queue_take(&pace->idle);
    c = &pace->connection[i];

    c->state = PACE_BUSY;
    c->due_us = due_us;
    c->used = 0;

    now_us = pace_now_us();
    ready_us = due_us;

    if (pace->idle_since_us > due_us) {
        ready_us = pace->idle_since_us;
        pace->waited++;
    }

    pace_histogram_add(&pace->lag_us, now_us - ready_us);
    pace->sent++;

    if (send(c->fd, r->data, r->size, MSG_NOSIGNAL) != (ssize_t) r->size) {
        pace_lost(pace, i, now_us);
    }
}


void
pace_wait(pace_t *pace, int64_t wait_us)
{
    int                  i, n;
    uint32_t             at;
    struct timespec      wait;
    struct epoll_event   events[PACE_EVENTS];

    wait.tv_sec = wait_us / 1000000;
    wait.tv_nsec = wait_us % 1000000 * 1000;

    n = epoll_pwait2(pace->epoll, events, PACE_EVENTS, &wait, NULL);
    if (n == -1 && errno != EINTR) {
        pace_fail("epoll");
    }

    for (i = 0; i < n; i++) {
        at = events[i].data.u32;

        if (pace->connection[at].state == PACE_CONNECTING) {
            pace_connected(pace, at, pace_now_us());
        } else {
            pace_read(pace, at);
        }
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

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (n <= 0 || c->state != PACE_BUSY) {
        pace_lost(pace, i, pace_now_us());
        return;
    }

    c->used += (size_t) n;
    c->answer[c->used] = '\0';
    size = pace_answer_size(c);

    if (size >= PACE_ANSWER_SIZE || (size == 0
                                     && c->used == PACE_ANSWER_SIZE - 1))
    {
        errno = EMSGSIZE;
        pace_fail("an answer");
    }

    if (size != 0 && c->used >= size) {
        pace_answered(pace, i);
    }
}


static void
pace_answered(pace_t *pace, uint32_t i)
{
    int64_t             now_us, latency_us;
    pace_status_t       status;
    pace_connection_t  *c;

    c = &pace->connection[i];
    now_us = pace_now_us();
    latency_us = now_us - c->due_us;

    pace_bucket_until(pace, now_us);
    pace->done++;
    status = pace_answer_status(c);
    pace->status[status]++;
    pace_histogram_add(&pace->latency_us, latency_us);

    if (status != PACE_200 && status != PACE_201) {
        pace->bucket_refused++;

    } else if (pace->bucket_max != 0) {
        pace_histogram_add(&pace->bucket_us, latency_us);
    }

    if (strcasestr(c->answer, "\r\nConnection: close\r\n") != NULL) {
        pace_down(pace, i, now_us);
        return;
    }

    pace_idle(pace, i, now_us);
}


/* 0: its head has not come whole. */

static size_t
pace_answer_size(const pace_connection_t *c)
{
    size_t       head;
    uint64_t     size;
    const char  *end, *length;

    end = strstr(c->answer, "\r\n\r\n");
    if (end == NULL) {
        return 0;
    }

    head = (size_t) (end + 4 - c->answer);
    length = strcasestr(c->answer, "\r\nContent-Length: ");

    if (length == NULL || length > end) {
        errno = EPROTO;
        pace_fail("an answer without a length");
    }

    (void) pace_digits(length + sizeof("\r\nContent-Length: ") - 1, &size);

    return head + (size_t) size;
}


static pace_status_t
pace_answer_status(const pace_connection_t *c)
{
#define PACE_STATUS_IS(code)                                                 \
    if (strncmp(c->answer, "HTTP/1.1 " #code " ", 13) == 0) {                \
        return PACE_##code;                                                  \
    }

    PACE_STATUSES(PACE_STATUS_IS)
#undef PACE_STATUS_IS

    return PACE_OTHER;
}

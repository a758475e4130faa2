/*
 * A connection to the Redis that has the journal, found as the module finds
 * it: the server that is named; or the master that a sentinel names; or the
 * node that another one of a cluster points to.
 *
 * Whoever cannot be had ends the program with what each address said.
 */

#include <errno.h>
#include <stdlib.h>

#include <hiredis/hiredis.h>

#include "journal.h"


#define JOURNAL_TIMEOUT_S       30
#define JOURNAL_CONNECT_S       5
#define JOURNAL_REDIRECTS_MAX   5
#define JOURNAL_PORT            6379
#define JOURNAL_SENTINEL_PORT   26379
#define JOURNAL_SECRET_SIZE     1024


static redisContext *journal_connect_address(
    const journal_options_t *options, const char *address);
static redisContext *journal_connect_to(const char *address,
    uint64_t default_port);
static int journal_host_port(const char *address, uint64_t default_port,
    char host[JOURNAL_ADDRESS_SIZE], int *port);
static redisContext *journal_connect_master(
    const journal_options_t *options, redisContext *sentinel,
    const char *address);
static redisContext *journal_connect_moved(const journal_options_t *options,
    redisContext *redis);
static int journal_moved(const char *error,
    char address[JOURNAL_ADDRESS_SIZE]);
static int journal_login(redisContext *redis, const char *address,
    const char *user, const char *password_file);
static void journal_secret(const char *file,
    char secret[JOURNAL_SECRET_SIZE]);
static int journal_done(redisContext *redis, redisReply *reply,
    const char *address, const char *doing);


redisContext *
journal_connect(const journal_options_t *options)
{
    uint32_t       i;
    redisContext  *redis;

    for (i = 0; i < options->address_count; i++) {
        redis = journal_connect_address(options, options->address[i]);
        if (redis != NULL) {
            return journal_connect_moved(options, redis);
        }
    }

    exit(JOURNAL_UNREADABLE);
}


/* NULL: it was said why not. */

static redisContext *
journal_connect_address(const journal_options_t *options, const char *address)
{
    redisContext  *redis;

    redis = journal_connect_to(address, options->sentinel != NULL
                                        ? JOURNAL_SENTINEL_PORT
                                        : JOURNAL_PORT);
    if (redis == NULL) {
        return NULL;
    }

    if (options->sentinel != NULL) {
        if (!journal_login(redis, address, options->sentinel_user,
                           options->sentinel_password_file))
        {
            return NULL;
        }

        return journal_connect_master(options, redis, address);
    }

    if (!journal_login(redis, address, options->user, options->password_file)
        || (options->db != 0
            && !journal_done(redis, redisCommand(redis, "SELECT %d",
                                                 options->db),
                             address, "SELECT")))
    {
        return NULL;
    }

    return redis;
}


static redisContext *
journal_connect_to(const char *address, uint64_t default_port)
{
    int             port;
    char            host[JOURNAL_ADDRESS_SIZE];
    redisContext   *redis;
    struct timeval  connect = { JOURNAL_CONNECT_S, 0 };
    struct timeval  timeout = { JOURNAL_TIMEOUT_S, 0 };

    if (strncmp(address, "unix:", 5) == 0) {
        redis = redisConnectUnixWithTimeout(address + 5, connect);

    } else {
        if (!journal_host_port(address, default_port, host, &port)) {
            journal_fail("\"%s\" is no address; write unix:PATH or HOST:PORT",
                         address);
        }

        redis = redisConnectWithTimeout(host, port, connect);
    }

    if (redis == NULL || redis->err != 0) {
        fprintf(stderr, "faka-journal: redis %s: %s\n", address,
                redis != NULL ? redis->errstr : "out of memory");
        redisFree(redis);
        return NULL;
    }

    (void) redisSetTimeout(redis, timeout);
    return redis;
}


/* HOST, HOST:PORT, [IPV6] or [IPV6]:PORT; 0: it is none of these. */

static int
journal_host_port(const char *address, uint64_t default_port,
    char host[JOURNAL_ADDRESS_SIZE], int *port)
{
    size_t       size;
    uint64_t     number;
    const char  *end;

    number = default_port;

    if (address[0] == '[') {
        address++;
        end = strchr(address, ']');
        size = end == NULL ? 0 : (size_t) (end - address);
        end = end == NULL ? address : end + 1;

    } else {
        size = strcspn(address, ":");
        end = address + size;
    }

    if (*end == ':'
        && (journal_decimal(end + 1, &number) == 0
            || journal_decimal(end + 1, &number) != strlen(end + 1)))
    {
        return 0;
    }

    if (size == 0 || size >= JOURNAL_ADDRESS_SIZE
        || (*end != ':' && *end != '\0') || number < 1 || number > 65535)
    {
        return 0;
    }

    memcpy(host, address, size);
    host[size] = '\0';
    *port = (int) number;

    return 1;
}


static redisContext *
journal_connect_master(const journal_options_t *options,
    redisContext *sentinel, const char *address)
{
    char                master[2 * JOURNAL_ADDRESS_SIZE];
    redisReply         *reply;
    journal_options_t   direct;

    reply = redisCommand(sentinel, "SENTINEL GET-MASTER-ADDR-BY-NAME %s",
                         options->sentinel);

    if (reply != NULL && reply->type == REDIS_REPLY_NIL) {
        fprintf(stderr, "faka-journal: sentinel %s knows no master \"%s\"\n",
                address, options->sentinel);
        freeReplyObject(reply);
        redisFree(sentinel);
        return NULL;
    }

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements != 2
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_STRING)
    {
        if (journal_done(sentinel, reply, address, "SENTINEL")) {
            fprintf(stderr, "faka-journal: sentinel %s says nothing that can "
                    "be read\n", address);
            redisFree(sentinel);
        }

        return NULL;
    }

    (void) snprintf(master, sizeof(master),
                    strchr(reply->element[0]->str, ':') != NULL ? "[%s]:%s"
                                                                : "%s:%s",
                    reply->element[0]->str, reply->element[1]->str);
    freeReplyObject(reply);
    redisFree(sentinel);

    direct = *options;
    direct.sentinel = NULL;

    return journal_connect_address(&direct, master);
}


/* A cluster's node that has not the journal says which one has it. */

static redisContext *
journal_connect_moved(const journal_options_t *options, redisContext *redis)
{
    char         key[JOURNAL_KEY_SIZE_MAX], address[JOURNAL_ADDRESS_SIZE];
    uint32_t     n;
    redisReply  *reply;

    journal_key(key, options->shop, "journal");

    for (n = 0; n < JOURNAL_REDIRECTS_MAX; n++) {
        reply = redisCommand(redis, "EXISTS %s", key);

        if (reply == NULL || reply->type != REDIS_REPLY_ERROR
            || !journal_moved(reply->str, address))
        {
            if (!journal_done(redis, reply, options->address[0], "EXISTS")) {
                exit(JOURNAL_UNREADABLE);
            }

            return redis;
        }

        freeReplyObject(reply);
        redisFree(redis);

        redis = journal_connect_address(options, address);
        if (redis == NULL) {
            exit(JOURNAL_UNREADABLE);
        }
    }

    journal_fail("the nodes of the cluster point to one another; look at "
                 "CLUSTER SLOTS");
}


/* MOVED SLOT HOST:PORT; 0: that is another error. */

static int
journal_moved(const char *error, char address[JOURNAL_ADDRESS_SIZE])
{
    size_t       size;
    const char  *at;

    if (strncmp(error, "MOVED ", 6) != 0) {
        return 0;
    }

    at = strchr(error + 6, ' ');
    size = at == NULL ? 0 : strlen(at + 1);

    if (size == 0 || size >= JOURNAL_ADDRESS_SIZE) {
        return 0;
    }

    memcpy(address, at + 1, size + 1);
    return 1;
}


/* 0: refused; it was said, and the connection is gone. */

static int
journal_login(redisContext *redis, const char *address, const char *user,
    const char *password_file)
{
    char  secret[JOURNAL_SECRET_SIZE];

    if (password_file == NULL) {
        return 1;
    }

    journal_secret(password_file, secret);

    return journal_done(redis, user != NULL
                        ? redisCommand(redis, "AUTH %s %s", user, secret)
                        : redisCommand(redis, "AUTH %s", secret),
                        address, "the password");
}


static void
journal_secret(const char *name, char secret[JOURNAL_SECRET_SIZE])
{
    int      error;
    FILE    *file;
    size_t   size;

    file = fopen(name, "r");
    if (file == NULL) {
        journal_fail("%s: %s", name, strerror(errno));
    }

    errno = 0;
    size = fread(secret, 1, JOURNAL_SECRET_SIZE - 1, file);
    error = errno;
    (void) fclose(file);

    secret[size] = '\0';
    secret[strcspn(secret, "\r\n")] = '\0';

    if (secret[0] == '\0') {
        journal_fail("%s: %s", name, error != 0 ? strerror(error)
                                                : "there is nothing in it");
    }
}


/* Frees the reply.  0: it was an error, the connection is gone. */

static int
journal_done(redisContext *redis, redisReply *reply, const char *address,
    const char *doing)
{
    if (reply != NULL && reply->type != REDIS_REPLY_ERROR) {
        freeReplyObject(reply);
        return 1;
    }

    fprintf(stderr, "faka-journal: redis %s refuses %s: %s\n", address, doing,
            reply != NULL ? reply->str : redis->errstr);

    if (reply != NULL) {
        freeReplyObject(reply);
    }

    redisFree(redis);
    return 0;
}

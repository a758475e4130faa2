/*
 * Where the link goes to.
 *
 *     server    the address of the configuration
 *     sentinel  a sentinel of the configuration -> the master that it names
 *     cluster   a node of the configuration -> MOVED -> the slot's node, which
 *               is kept as long as a connect to it succeeds
 *
 * What goes wrong leads to the backoff and then to the next address of the
 * configuration, in turn.  Told addresses must be numeric, because a name
 * would be looked up blocking; everything else that is told is refused.
 *
 * Nothing here decides what a command that went to the wrong place means: it
 * was lost, and whoever sent it is told that.
 */

#include <arpa/inet.h>
#include <stdio.h>

#include "fj_priv.h"


#define FJ_PORT_DIGITS         5


/* What an error says of the place that it came from. */
typedef enum {
    FJ_ASTRAY_NOT = 0,
    FJ_ASTRAY_MOVED,                   /* another node, by its address */
    FJ_ASTRAY_LEAVE,                   /* look for another one */
    FJ_ASTRAY_WAIT                     /* it will be right in a while */
} fj_astray_t;


static fj_astray_t fj_address_means(const fj_link_t *link,
    const fj_reply_t *error);
static void fj_address_moved(fj_link_t *link, const fj_reply_t *error);
static int fj_address_told(fj_link_t *link, const char *host, size_t size,
    uint16_t port, const char *who);
static void fj_address_unusable(fj_link_t *link, const fj_reply_t *named,
    const char *remedy);
static int fj_address_port(const char *text, size_t size, uint16_t *port);


static const struct {
    const char   *begins;
    int           is_cluster;          /* not in other modes */
    fj_astray_t   means;
} fj_astrays[] = {
    { "MOVED ",      1, FJ_ASTRAY_MOVED },
    { "ASK ",        1, FJ_ASTRAY_WAIT },
    { "TRYAGAIN",    1, FJ_ASTRAY_WAIT },
    { "CLUSTERDOWN", 1, FJ_ASTRAY_LEAVE },
    { "READONLY",    0, FJ_ASTRAY_LEAVE },
    { "NOREPLICAS",  0, FJ_ASTRAY_LEAVE },
    { "MASTERDOWN",  0, FJ_ASTRAY_LEAVE },
    { "LOADING",     0, FJ_ASTRAY_LEAVE }
};


void
fj_address_pick(fj_link_t *link)
{
    const fj_conf_t  *conf;

    conf = link->conf;
    link->leaves = 0;

    if (link->is_told) {
        link->is_sentinel = 0;
        link->address.text = link->told_text;
        link->address.path = NULL;
        link->address.host = link->told_host;
        link->address.port = link->told_port;
        return;
    }

    link->is_sentinel = conf->mode == FJ_MODE_SENTINEL;
    link->address = conf->address[link->turn];
}


void
fj_address_lost(fj_link_t *link, int was_ready)
{
    /* A node of a cluster that served us may well do so again. */
    if (was_ready && !link->leaves && link->conf->mode == FJ_MODE_CLUSTER) {
        return;
    }

    link->is_told = 0;
    link->turn = (link->turn + 1) % link->conf->address_count;
}


/* --- sentinels -------------------------------------------------------- */

void
fj_address_ask(fj_link_t *link)
{
    fj_words_t  words;

    words.argc = 0;
    fj_words_text(&words, "SENTINEL");
    fj_words_text(&words, "GET-MASTER-ADDR-BY-NAME");
    fj_words_text(&words, link->conf->master);
    fj_link_send(link, FJ_COMMAND_SENTINEL, &words);
}


void
fj_address_on_sentinel(fj_link_t *link, const fj_reply_t *reply)
{
    uint16_t           port;
    const fj_reply_t  *host, *number;

    if (reply->type == FJ_REPLY_NIL) {
        fj_say(link, FJ_LOG_ERR, ": sentinel \"%s\" knows no master \"%s\"",
               link->address.text, link->conf->master);
        fj_link_drop(link);
        return;
    }

    if (reply->type != FJ_REPLY_ARRAY || reply->count != 2
        || reply->item[0].type != FJ_REPLY_STRING
        || reply->item[1].type != FJ_REPLY_STRING)
    {
        fj_link_refused(link, reply, fj_commands[FJ_COMMAND_SENTINEL].name);
        return;
    }

    host = &reply->item[0];
    number = &reply->item[1];

    if (!fj_address_port(number->text, number->size, &port)
        || !fj_address_told(link, host->text, host->size, port,
                            "is the master, says sentinel"))
    {
        fj_address_unusable(link, host, "\"resolve-hostnames no\" and "
                            "\"announce-hostnames no\"");
        return;
    }

    fj_link_redirect(link);
}


/* --- a cluster, and servers that are no masters any more --------------- */

int
fj_address_astray(fj_link_t *link, const fj_reply_t *error)
{
    fj_astray_t  means;

    means = fj_address_means(link, error);

    if (means == FJ_ASTRAY_NOT) {
        return 0;
    }

    if (means == FJ_ASTRAY_MOVED && link->redirects < FJ_REDIRECTS_MAX) {
        fj_address_moved(link, error);
        return 1;
    }

    link->leaves = means != FJ_ASTRAY_WAIT;
    fj_link_refused(link, error, fj_doing(link));

    return 1;
}


static fj_astray_t
fj_address_means(const fj_link_t *link, const fj_reply_t *error)
{
    size_t  i;

    for (i = 0; i < sizeof(fj_astrays) / sizeof(fj_astrays[0]); i++) {
        if (fj_reply_error(error, fj_astrays[i].begins)
            && (link->conf->mode == FJ_MODE_CLUSTER
                || !fj_astrays[i].is_cluster))
        {
            return fj_astrays[i].means;
        }
    }

    return FJ_ASTRAY_NOT;
}


/* MOVED slot host:port; without a host it is the one that says so. */

static void
fj_address_moved(fj_link_t *link, const fj_reply_t *error)
{
    uint16_t     port;
    fj_reply_t   named;
    const char  *host, *colon, *last;

    last = error->text + error->size;
    host = error->text + sizeof("MOVED ") - 1;

    while (host < last && *host >= '0' && *host <= '9') {
        host++;
    }

    if (host < last && *host == ' ') {
        host++;
    }

    /* An IPv6 address has colons of its own, and no brackets here. */
    for (colon = last; colon > host && colon[-1] != ':'; colon--) {
        continue;
    }

    memset(&named, 0, sizeof(fj_reply_t));
    named.type = FJ_REPLY_ERROR;
    named.text = host;
    named.size = (size_t) (last - host);

    if (colon == host
        || !fj_address_port(colon, (size_t) (last - colon), &port)
        || !fj_address_told(link, host, (size_t) (colon - 1 - host), port,
                            "has the shop's slot, says"))
    {
        fj_address_unusable(link, &named,
                            "\"cluster-preferred-endpoint-type ip\"");
        return;
    }

    link->redirects++;
    fj_link_redirect(link);
}


/* --- told addresses --------------------------------------------------- */

/* 1: the next connect goes there.  0: it is no numeric address. */

static int
fj_address_told(fj_link_t *link, const char *host, size_t size,
    uint16_t port, const char *who)
{
    int   is_ipv6, length;
    char  copy[FJ_HOST_SIZE], text[FJ_ADDRESS_SIZE];

    struct in6_addr  binary;

    if (size == 0 && !link->is_sentinel && link->address.host != NULL) {
        host = link->address.host;
        size = strlen(host);
    }

    if (size >= sizeof(copy) || memchr(host, '\0', size) != NULL) {
        return 0;
    }

    memcpy(copy, host, size);
    copy[size] = '\0';
    is_ipv6 = inet_pton(AF_INET6, copy, &binary) == 1;

    if (!is_ipv6 && inet_pton(AF_INET, copy, &binary) != 1) {
        return 0;
    }

    length = snprintf(text, sizeof(text), is_ipv6 ? "[%s]:%u" : "%s:%u",
                      copy, (unsigned) port);
    assert(length > 0 && (size_t) length < sizeof(text));

    /* Said once, not at each connect. */
    if (strcmp(text, link->told_text) != 0) {
        fj_say(link, FJ_LOG_NOTICE, ": redis \"%s\" %s \"%s\"", text, who,
               link->address.text);
    }

    memcpy(link->told_host, copy, size + 1);
    memcpy(link->told_text, text, (size_t) length + 1);
    link->told_port = port;
    link->is_told = 1;

    return 1;
}


static void
fj_address_unusable(fj_link_t *link, const fj_reply_t *named,
    const char *remedy)
{
    int  size;

    size = named->size < FJ_LOG_SIZE ? (int) named->size : FJ_LOG_SIZE;

    fj_say(link, FJ_LOG_ERR, ": \"%s\" points to \"%.*s\", which is no "
           "numeric address; set %s there", link->address.text, size,
           named->text, remedy);

    link->refused = 1;
    link->leaves = 1;
    fj_link_drop(link);
}


static int
fj_address_port(const char *text, size_t size, uint16_t *port)
{
    uint64_t     number;
    const char  *p;

    p = text;

    if (size > FJ_PORT_DIGITS || !fj_digits(&p, text + size, 10, &number)
        || p != text + size)
    {
        return 0;
    }

    *port = (uint16_t) number;
    return number > 0 && number <= UINT16_MAX;
}

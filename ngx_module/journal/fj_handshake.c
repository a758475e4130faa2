/*
 * The first words on a new connection: password, database, is this the place
 * to write to, and whether this Redis fsyncs before it answers.  A sentinel
 * hears the password, and is asked for its master.
 *
 * A server that does not is used all the same, for the operator may want it
 * so; but the error log and the metrics say what that means.  They are asked
 * for again from time to time, since CONFIG SET breaks no connection.
 */

#include <stdio.h>

#include "fj_priv.h"


typedef struct {
    const char  *name;
    const char  *value;
} fj_setting_t;


static int fj_handshake_auth(fj_link_t *link);
static void fj_handshake_slot(fj_link_t *link);
static int fj_handshake_are(const fj_reply_t *reply,
    const fj_setting_t *wanted, size_t count);
static void fj_handshake_say_fsync(fj_link_t *link);
static void fj_handshake_say_evicts(fj_link_t *link);


/* The third is easily missed: while a child rewrites the file, it turns fsync
 * off, under "always", too. */
static const fj_setting_t  fj_handshake_durable[] = {
    { "appendonly", "yes" },
    { "appendfsync", "always" },
    { "no-appendfsync-on-rewrite", "no" }
};

/* The others evict what has a time to live, as archived orders do. */
static const fj_setting_t  fj_handshake_kept[] = {
    { "maxmemory-policy", "noeviction" }
};

#define FJ_SETTINGS(table)  (table), sizeof(table) / sizeof((table)[0])


void
fj_handshake_next(fj_link_t *link, fj_command_t after)
{
    char              db[16];
    fj_words_t        words;
    const fj_conf_t  *conf;

    conf = link->conf;
    words.argc = 0;

    if (after < FJ_COMMAND_AUTH && fj_handshake_auth(link)) {
        return;
    }

    if (link->is_sentinel) {
        fj_address_ask(link);
        return;
    }

    if (after < FJ_COMMAND_SELECT && conf->db != 0) {
        (void) snprintf(db, sizeof(db), "%" PRIu32, conf->db);

        fj_words_text(&words, "SELECT");
        fj_words_text(&words, db);
        fj_link_send(link, FJ_COMMAND_SELECT, &words);
        return;
    }

    if (after < FJ_COMMAND_ROLE && conf->mode == FJ_MODE_SENTINEL) {
        fj_words_text(&words, "ROLE");
        fj_link_send(link, FJ_COMMAND_ROLE, &words);
        return;
    }

    if (after < FJ_COMMAND_SLOT && conf->mode == FJ_MODE_CLUSTER) {
        fj_handshake_slot(link);
        return;
    }

    if (!link->upper->asks_fsync) {
        fj_link_up(link);
        return;
    }

    fj_handshake_ask_settings(link, FJ_COMMAND_CONFIG);
}


/* One pattern for the tables below: Redis before 7 takes no more names. */

void
fj_handshake_ask_settings(fj_link_t *link, fj_command_t command)
{
    fj_words_t  words;

    words.argc = 0;
    fj_words_text(&words, "CONFIG");
    fj_words_text(&words, "GET");
    fj_words_text(&words, "*p*y*");
    fj_link_send(link, command, &words);
}


/* 0: there is no password to give. */

static int
fj_handshake_auth(fj_link_t *link)
{
    fj_words_t        words;
    const fk_str_t   *user, *password;
    const fj_conf_t  *conf;

    conf = link->conf;
    user = link->is_sentinel ? &conf->sentinel_user : &conf->user;
    password = link->is_sentinel ? &conf->sentinel_password : &conf->password;

    if (password->size == 0) {
        return 0;
    }

    words.argc = 0;
    fj_words_text(&words, "AUTH");

    if (user->size != 0) {
        fj_words_add(&words, user->data, user->size);
    }

    fj_words_add(&words, password->data, password->size);
    fj_link_send(link, FJ_COMMAND_AUTH, &words);

    return 1;
}


void
fj_handshake_on_auth(fj_link_t *link, const fj_reply_t *reply)
{
    if (!fj_reply_ok(reply)) {
        fj_link_refused(link, reply, "the password");
        return;
    }

    fj_handshake_next(link, FJ_COMMAND_AUTH);
}


void
fj_handshake_on_select(fj_link_t *link, const fj_reply_t *reply)
{
    if (!fj_reply_ok(reply)) {
        fj_link_refused(link, reply, "SELECT");
        return;
    }

    fj_handshake_next(link, FJ_COMMAND_SELECT);
}


/* Sentinels may be behind, and so may a master that comes back be. */

void
fj_handshake_on_role(fj_link_t *link, const fj_reply_t *reply)
{
    if (reply->type != FJ_REPLY_ARRAY || reply->count == 0) {
        fj_link_refused(link, reply, "ROLE");
        return;
    }

    if (!fj_reply_is(&reply->item[0], "master")) {
        fj_say(link, FJ_LOG_WARN, ": redis \"%s\" is no master now; the next "
               "sentinel is asked", link->address.text);
        fj_link_drop(link);
        return;
    }

    fj_handshake_next(link, FJ_COMMAND_ROLE);
}


/* Any key of the shop will do, they have one slot: a node that does not have
 * it points to the one that does. */

static void
fj_handshake_slot(fj_link_t *link)
{
    char        key[FJ_KEY_SIZE];
    fj_words_t  words;

    (void) fj_key(key, link->conf, "journal", NULL);

    words.argc = 0;
    fj_words_text(&words, "EXISTS");
    fj_words_text(&words, key);
    fj_link_send(link, FJ_COMMAND_SLOT, &words);
}


/* Not pointed elsewhere: whether there is such a key, or whether we may ask
 * for it, matters later. */

void
fj_handshake_on_slot(fj_link_t *link, const fj_reply_t *reply)
{
    fj_handshake_next(link, FJ_COMMAND_SLOT);
}


void
fj_handshake_on_config(fj_link_t *link, const fj_reply_t *reply)
{
    if (fj_handshake_settings(link, reply)) {
        fj_link_up(link);
    }
}


/* An error is no obstacle: our user may not be allowed to ask. */

int
fj_handshake_settings(fj_link_t *link, const fj_reply_t *reply)
{
    if (fj_reply_error(reply, "NOAUTH")
        || (reply->type != FJ_REPLY_ERROR && reply->type != FJ_REPLY_ARRAY))
    {
        fj_link_refused(link, reply, "work");
        return 0;
    }

    link->fsync = fj_handshake_are(reply, FJ_SETTINGS(fj_handshake_durable));
    link->evicts = !fj_handshake_are(reply, FJ_SETTINGS(fj_handshake_kept));

    /* The keeper asks for itself. */
    if (link->upper->asks_fsync) {
        fj_handshake_say_fsync(link);
        fj_handshake_say_evicts(link);
    }

    return 1;
}


/* 1: all are as wanted, 0: one is not, -1: nobody knows. */

static int
fj_handshake_are(const fj_reply_t *reply, const fj_setting_t *wanted,
    size_t count)
{
    size_t             n, found;
    const fj_reply_t  *value;

    found = 0;

    for (n = 0; n < count; n++) {
        value = fj_reply_field(reply, wanted[n].name);

        if (value == NULL || value->type != FJ_REPLY_STRING) {
            continue;
        }

        if (!fj_reply_is(value, wanted[n].value)) {
            return 0;
        }

        found++;
    }

    return found == count ? 1 : -1;
}


/* Once each time it changes, not at each connection. */

static void
fj_handshake_say_fsync(fj_link_t *link)
{
    if (link->fsync_said == link->fsync + 2) {
        return;
    }

    link->fsync_said = link->fsync + 2;

    if (link->fsync == 0) {
        fj_say(link, FJ_LOG_ERR,
               ": redis \"%s\" does not fsync before it answers: "
               "acknowledged orders can be lost with its machine; set "
               "\"appendonly yes\", \"appendfsync always\" and "
               "\"no-appendfsync-on-rewrite no\"",
               link->address.text);

    } else if (link->fsync == -1) {
        fj_say(link, FJ_LOG_WARN,
               ": redis \"%s\" does not allow CONFIG GET; whether it fsyncs "
               "is not known", link->address.text);
    }
}


static void
fj_handshake_say_evicts(fj_link_t *link)
{
    if (link->evicts && !link->evicts_said) {
        fj_say(link, FJ_LOG_ERR, ": redis \"%s\" evicts keys when its memory "
               "is full: archived orders would be lost, or the journal; set "
               "\"maxmemory-policy noeviction\"", link->address.text);
    }

    link->evicts_said = link->evicts;
}

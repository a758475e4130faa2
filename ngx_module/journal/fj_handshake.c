/*
 * The first words on a new connection: password, database, is this the place
 * to write to, and whether this Redis fsyncs before it answers.  A sentinel
 * hears the password, and is asked for its master.
 *
 * A server that does not is used all the same, for the operator may want it
 * so; but the error log and the metrics say what that means.
 */

#include <stdio.h>

#include "fj_priv.h"


static int fj_handshake_auth(fj_link_t *link);
static void fj_handshake_slot(fj_link_t *link);
static int fj_handshake_fsync(const fj_reply_t *reply);
static void fj_handshake_say_fsync(fj_link_t *link);


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

    /* A pattern: Redis before 7 takes no more than one name. */
    fj_words_text(&words, "CONFIG");
    fj_words_text(&words, "GET");
    fj_words_text(&words, "*append*");
    fj_link_send(link, FJ_COMMAND_CONFIG, &words);
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
    int         size;
    char        key[FJ_KEY_SIZE];
    fj_words_t  words;

    size = snprintf(key, sizeof(key), "faka:{%s}:journal", link->conf->shop);
    assert(size > 0 && (size_t) size < sizeof(key));

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


/* An error is no obstacle: our user may not be allowed to ask. */

void
fj_handshake_on_config(fj_link_t *link, const fj_reply_t *reply)
{
    if (fj_reply_error(reply, "NOAUTH")
        || (reply->type != FJ_REPLY_ERROR && reply->type != FJ_REPLY_ARRAY))
    {
        fj_link_refused(link, reply, "work");
        return;
    }

    link->fsync = fj_handshake_fsync(reply);
    fj_handshake_say_fsync(link);

    fj_link_up(link);
}


/*
 * 1 when each reply comes after an fsync, 0 when not, and -1 when nobody
 * knows.  The third setting is easily missed: while a child rewrites the
 * file, it turns fsync off, under "always", too.
 */

static int
fj_handshake_fsync(const fj_reply_t *reply)
{
    size_t             n, found;
    const fj_reply_t  *value;

    static const struct {
        const char  *name;
        const char  *value;
    } wanted[] = {
        { "appendonly", "yes" },
        { "appendfsync", "always" },
        { "no-appendfsync-on-rewrite", "no" }
    };

    found = 0;

    for (n = 0; n < sizeof(wanted) / sizeof(wanted[0]); n++) {
        value = fj_reply_field(reply, wanted[n].name);

        if (value == NULL || value->type != FJ_REPLY_STRING) {
            continue;
        }

        if (!fj_reply_is(value, wanted[n].value)) {
            return 0;
        }

        found++;
    }

    return found == sizeof(wanted) / sizeof(wanted[0]) ? 1 : -1;
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

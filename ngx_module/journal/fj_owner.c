/*
 * Who sells: what a server does that is not, or no longer, the owner.
 *
 * The owner's key decides nothing about the journal, where epochs alone
 * count; it tells a server that could take over whether it should.  A new
 * binary inherits the sockets of the old one, so it takes over from it, and
 * the old one leaves the buyers to it.
 *
 * Not before it has what the old one has, though.  A Redis that came back
 * without its tail, or was emptied, is mended by the owner out of its memory,
 * and that is lost if somebody else goes on first.  So who takes over from an
 * owner that lives has heard it say, to this very Redis, how far the journal
 * must reach, and has read that far.
 */

#include "fj_priv.h"


#define FJ_OWNER_GONE_MS   1000
#define FJ_OWNER_AWAY_MS   3000        /* .. or drains, or follows another */
#define FJ_OWNER_SILENT_MS 400         /* two signs of life, at least */
#define FJ_OWNER_LOOK_MS   200         /* that a look counts for, at most */
#define FJ_OWNER_MORE_MS   200         /* that a standby waits longer */
#define FJ_OWNER_SHORT_MS  2500        /* a lost reply, and the backoff */
#define FJ_TAKEOVERS_FREE  4           /* one after the other, then paced */
#define FJ_TAKEOVERS_MAX   10          /* that are counted */
#define FJ_TAKEOVER_MIN_MS 200
#define FJ_TAKEOVER_MAX_MS 5000


/* What the key says. */
typedef enum {
    FJ_OWNER_WRONG = 0,                /* unsaid, or nothing is left to do */
    FJ_OWNER_NOBODY,
    FJ_OWNER_DEAD,                     /* its process is seen to be gone */
    FJ_OWNER_OTHER,                    /* on sockets of its own */
    FJ_OWNER_OURS                      /* on ours: another binary, or cycle */
} fj_owner_t;


static fj_owner_t fj_owner_read(fj_link_t *link, const fj_reply_t *reply,
    fj_sign_t *sign);
static fj_owner_t fj_owner_else(fj_link_t *link, const fj_reply_t *reply,
    fj_sign_t *sign);
static int fj_owner_is_past(const fj_t *j, const fj_sign_t *sign);
static void fj_owner_listen(fj_t *j, int is_heard);
static fj_owner_t fj_owner_believed(fj_t *j, fj_owner_t owner);
static int fj_owner_is_stranger(const fj_t *j);
static int fj_owner_lets(fj_t *j, fj_owner_t owner);
static int fj_owner_has_all(fj_t *j, fj_owner_t owner);
static int fj_owner_is_short(const fj_t *j);
static int fj_owner_is_silent(const fj_t *j);
static int fj_owner_is_wanted(fj_t *j, fj_owner_t owner);
static void fj_owner_damaged(fj_t *j, fj_owner_t owner);
static int fj_owner_is_newer(const fj_t *j, const fj_sign_t *sign);
static void fj_owner_get(fj_t *j, fj_command_t command);
static void fj_fenced_follow(fj_t *j);
static void fj_fenced_alone(fj_t *j, fj_owner_t owner);


/* --- until when an owner is taken to live ------------------------------ */

void
fj_owner_lives(fj_t *j, int64_t ms)
{
    int64_t  until_ms;

    until_ms = fj_now_ms(j) + ms;

    if (until_ms > j->alive_until_ms) {
        j->alive_until_ms = until_ms;
    }
}


/* What was read contradicts itself, as it does when somebody writes at the
 * same time: whoever that is has so long to be heard, also if until now nobody
 * was to be expected. */

void
fj_owner_expect(fj_t *j, int64_t ms)
{
    j->expects = 1;
    fj_owner_lives(j, ms);
}


/*
 * A recovery that begins anew, perhaps after the death of the process that had
 * it, forgets what was read, but not that something was: the region knows
 * whether this server has heard another one, read anything, or sold before.
 * If Redis has nothing of it now, whoever sells may be about to mend it.
 */

void
fj_owner_recall(fj_t *j)
{
    size_t  i;

    static const uint32_t  known[] = {
        FJ_STAT_FOLLOWS, FJ_STAT_READ_BYTES, FJ_STAT_SNAPSHOT_AT_MS
    };

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (fk_stat_get(j->fk, known[i]) != 0) {
            fj_owner_expect(j, 0);
            return;
        }
    }
}


/* --- looking for another ----------------------------------------------- */

/*
 * Whoever sold on our sockets may be about to end, and says once more that it
 * lives.  That is the sign that differs, for who has heard one before it; else
 * it has to run out, and nobody sells until then.  So one is listened to
 * before the shop is read.
 */

void
fj_owner_first(fj_t *j)
{
    if (j->conf->inherits) {
        fj_owner_get(j, FJ_COMMAND_OWNER_FIRST);

    } else {
        fj_follow_start(j);
    }
}


void
fj_owner_on_first(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t        *j = fj_of(link);
    fj_sign_t    sign;
    fj_owner_t   owner;

    owner = fj_owner_else(link, reply, &sign);

    if (owner == FJ_OWNER_WRONG) {
        return;
    }

    if (owner == FJ_OWNER_OURS || owner == FJ_OWNER_OTHER) {
        fj_sign_hear(j, &sign);
    }

    fj_follow_start(j);
}


void
fj_owner_ask(fj_t *j)
{
    fj_owner_get(j, FJ_COMMAND_OWNER_ASK);
}


static void
fj_owner_get(fj_t *j, fj_command_t command)
{
    fj_words_t  words;

    words.argc = 0;
    fj_words_text(&words, "GET");
    fj_words_text(&words, j->owner_key);

    fj_link_send(&j->link, command, &words);
}


void
fj_owner_on_ask(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t        *j = fj_of(link);
    fj_sign_t    sign;
    fj_owner_t   owner;

    owner = fj_owner_else(link, reply, &sign);

    if (owner == FJ_OWNER_WRONG) {
        return;
    }

    if (owner == FJ_OWNER_OURS || owner == FJ_OWNER_OTHER) {
        fj_sign_hear(j, &sign);
        fj_owner_listen(j, !fj_sign_is_still(j));

    } else {
        fj_owner_listen(j, 0);
    }

    if (j->damage.code != FK_OK) {
        fj_owner_damaged(j, owner);
        return;
    }

    owner = fj_owner_believed(j, owner);

    if (fj_owner_lets(j, owner) && fj_now_ms(j) >= j->take_at_ms) {
        fj_recover_take(j);
        return;
    }

    if (owner == FJ_OWNER_OTHER && !j->alive_said) {
        j->alive_said = 1;
        fk_stat_set(j->fk, FJ_STAT_FOLLOWS, 1);
        fj_say(link, FJ_LOG_NOTICE, ": another server sells; this one "
               "follows as its standby");
    }

    fj_owner_wait(j);
}


/*
 * Silence is what was listened to, from look to look: one that finds nobody
 * says nothing of the time before it, in which somebody may have said that
 * he lives, and Redis may have lost it.  However long reading takes, or this
 * process stands still, a look counts little.
 */

static void
fj_owner_listen(fj_t *j, int is_heard)
{
    int64_t  now_ms, since_ms;

    now_ms = fj_now_ms(j);
    since_ms = now_ms - j->looked_at_ms;
    j->looked_at_ms = now_ms;

    if (is_heard) {
        j->silent_ms = -1;

    } else if (j->silent_ms == -1) {
        j->silent_ms = 0;

    } else {
        j->silent_ms += since_ms < FJ_OWNER_LOOK_MS ? since_ms
                                                    : FJ_OWNER_LOOK_MS;
    }
}


/*
 * When a key runs out is for the clock of its Redis to say, and that may be
 * behind, be set back, or be another machine's since a failover.  Who lives
 * says something new long before.
 */

static fj_owner_t
fj_owner_believed(fj_t *j, fj_owner_t owner)
{
    if ((owner != FJ_OWNER_OURS && owner != FJ_OWNER_OTHER)
        || !fj_sign_is_still(j))
    {
        return owner;
    }

    if (!j->still_said) {
        j->still_said = 1;
        fj_say(&j->link, FJ_LOG_WARN, ": the sign of life of its owner in "
               "redis \"%s\" has not changed for %" PRId64 " ms; nobody is "
               "taken to sell", j->link.address.text, j->still_ms);
    }

    return FJ_OWNER_NOBODY;
}


/* 1: this server was fenced, and whoever did that sold elsewhere; known to
 * all of its processes until the shop is open here again. */

static int
fj_owner_is_stranger(const fj_t *j)
{
    return fk_stat_get(j->fk, FJ_STAT_STRANGER) != 0;
}


/* What this region said itself, before it lost its connection. */

static int
fj_owner_is_past(const fj_t *j, const fj_sign_t *sign)
{
    return sign->server == j->conf->server
           && sign->epoch == fk_stat_get(j->fk, FJ_STAT_EPOCH);
}


static int
fj_owner_lets(fj_t *j, fj_owner_t owner)
{
    if (fj_owner_is_wanted(j, owner)) {
        return 1;
    }

    switch (owner) {

    case FJ_OWNER_DEAD:
        return 1;

    case FJ_OWNER_NOBODY:
        return fj_owner_is_silent(j);

    case FJ_OWNER_OURS:
        return fj_owner_has_all(j, owner);

    default:
        return 0;
    }
}


/* 1: whatever an owner that lives has promised was read here.  One whose epoch
 * is over in the journal already knows nothing of who came after it. */

static int
fj_owner_has_all(fj_t *j, fj_owner_t owner)
{
    if ((owner != FJ_OWNER_OURS && owner != FJ_OWNER_OTHER) || j->signs < 2
        || j->sign.epoch == 0 || j->sign.epoch < j->read_id.epoch)
    {
        return 0;
    }

    if (!fj_owner_is_short(j)) {
        return 1;
    }

    if (!j->short_said) {
        j->short_said = 1;
        fj_say(&j->link, FJ_LOG_NOTICE, ": its owner has record %" PRIu64
               " of epoch %" PRIu64 ", the journal in redis \"%s\" is read "
               "up to record %" PRIu64 " of epoch %" PRIu64 "; waiting for "
               "it to come", j->sign.seq, j->sign.epoch,
               j->link.address.text, fk_recover_seq(j->fk),
               j->read_id.epoch);
    }

    return 0;
}


/* 1: the last owner that was heard had more than what was read. */

static int
fj_owner_is_short(const fj_t *j)
{
    return j->read_id.epoch < j->sign.epoch
           || (j->read_id.epoch == j->sign.epoch
               && fk_recover_seq(j->fk) < j->sign.seq);
}


/*
 * A Redis that stood still for a while may have let an owner's sign of life
 * run out while the next one was on its way; one that came back may have been
 * found by us first; and we, before we knew that we were fenced, may have
 * overwritten it with ours.  Whoever lives has said so again by then.
 *
 * Where nobody is to be expected, nobody is waited for; where it is known what
 * would be lost, as long as somebody may need who has lost a reply.
 */

static int
fj_owner_is_silent(const fj_t *j)
{
    int64_t  wait_ms;

    if (!j->expects && !fj_owner_is_stranger(j) && !j->conf->inherits
        && !j->conf->standby)
    {
        return 1;
    }

    wait_ms = fj_owner_is_short(j) ? FJ_OWNER_SHORT_MS : FJ_OWNER_SILENT_MS;

    if (j->conf->standby) {
        wait_ms += FJ_OWNER_MORE_MS;
    }

    return j->silent_ms >= FJ_OWNER_SILENT_MS
           && fj_now_ms(j) - j->alive_until_ms >= wait_ms;
}


/* The operator's word counts more than what may be lost, but not at once; nor
 * for ever, for whoever gave it has done something else by then. */

static int
fj_owner_is_wanted(fj_t *j, fj_owner_t owner)
{
    int64_t  now_ms;

    now_ms = fj_now_ms(j);

    if ((uint64_t) now_ms >= fk_stat_get(j->fk, FJ_STAT_WANTED)) {
        j->wanted_at_ms = 0;
        return 0;
    }

    if (j->wanted_at_ms == 0) {
        j->wanted_at_ms = now_ms;
        fj_say(&j->link, FJ_LOG_NOTICE, ": its operator wants this server to "
               "take it over");
    }

    return fj_owner_has_all(j, owner)
           || now_ms - j->wanted_at_ms >= FJ_OWNER_GONE_MS;
}


/*
 * What was read is damaged, or does not fit.  As long as another server sells
 * that harms nobody, and its next snapshot may be the remedy.  It may also be
 * what has cut the journal under the reader: so the last word has a read that
 * began when nobody sold any more.
 */

static void
fj_owner_damaged(fj_t *j, fj_owner_t owner)
{
    if (owner == FJ_OWNER_DEAD
        || (owner == FJ_OWNER_NOBODY && fj_owner_is_silent(j)))
    {
        if (j->damage.alone) {
            fj_recover_fail(j);
            return;
        }

        j->damage.alone = 1;
        fj_say(&j->link, FJ_LOG_NOTICE, ": what was read is damaged, and "
               "nobody sells any more; it is read once more");
        fj_recover_start(j);
        return;
    }

    if (owner != FJ_OWNER_NOBODY && !j->damage.said) {
        j->damage.said = 1;
        fj_say(&j->link, FJ_LOG_ERR, " cannot be followed: %s at entry %"
               PRIu64 "-%" PRIu64 " of %s, byte %zu, after record %" PRIu64
               "; another server sells it, so it is read again from time to "
               "time", fk_code_info[j->damage.code].text, j->read_id.epoch,
               j->read_id.seq, j->read_key, j->damage.at, j->damage.seq);
    }

    fj_owner_wait(j);
}


void
fj_owner_wait(fj_t *j)
{
    if (fk_recover_renew(j->fk, j->conf->owner, fj_now_ms(j)) != FK_OK) {
        fj_give_up(j);
        return;
    }

    fj_link_timer(&j->link, FJ_TIMER_RETRY, FJ_FOLLOW_MS);
}


/*
 * A takeover that does not lead to an open shop (too few replicas, an entry
 * that Redis refuses) costs an epoch, an entry of each stream, and keeps other
 * servers away.  The first ones come without delay, for a Redis that fails
 * again is common; the others ever later.
 */

void
fj_owner_pace(fj_t *j)
{
    int64_t   wait_ms;
    uint32_t  paced_count;

    if (j->takeovers < FJ_TAKEOVERS_MAX) {
        j->takeovers++;
    }

    if (j->takeovers <= FJ_TAKEOVERS_FREE) {
        return;
    }

    paced_count = j->takeovers - FJ_TAKEOVERS_FREE;
    wait_ms = (int64_t) FJ_TAKEOVER_MIN_MS << (paced_count - 1);

    if (wait_ms > FJ_TAKEOVER_MAX_MS) {
        wait_ms = FJ_TAKEOVER_MAX_MS;
    }

    j->take_at_ms = fj_now_ms(j) + wait_ms;

    if (paced_count == 1) {
        fj_say(&j->link, FJ_LOG_WARN, ": %d takeovers have not opened it; "
               "the next ones are up to %d ms apart", FJ_TAKEOVERS_FREE,
               FJ_TAKEOVER_MAX_MS);
    }
}


/*
 * A key that cannot be read counts as another server's: it runs out soon,
 * unless somebody goes on writing it.
 */

static fj_owner_t
fj_owner_read(fj_link_t *link, const fj_reply_t *reply, fj_sign_t *sign)
{
    fj_t  *j = fj_of(link);

    memset(sign, 0, sizeof(fj_sign_t));

    if (reply->type == FJ_REPLY_NIL) {
        return FJ_OWNER_NOBODY;
    }

    if (reply->type != FJ_REPLY_STRING) {
        fj_link_refused(link, reply, "GET");
        return FJ_OWNER_WRONG;
    }

    if (!fj_sign_read(reply, sign)) {
        return FJ_OWNER_OTHER;
    }

    fj_epoch_seen(j, sign->epoch);

    if (sign->host == j->conf->host
        && link->shell->is_dead(link->data, sign->server))
    {
        return FJ_OWNER_DEAD;
    }

    return sign->generation == j->conf->generation ? FJ_OWNER_OURS
                                                   : FJ_OWNER_OTHER;
}


/* The same for who may take the shop: what this region said is nobody's, and
 * who was fenced leaves to a later generation on its sockets. */

static fj_owner_t
fj_owner_else(fj_link_t *link, const fj_reply_t *reply, fj_sign_t *sign)
{
    fj_t        *j = fj_of(link);
    fj_owner_t   owner;

    owner = fj_owner_read(link, reply, sign);

    if (owner != FJ_OWNER_OURS) {
        return owner;
    }

    if (fj_owner_is_past(j, sign)) {
        return FJ_OWNER_NOBODY;
    }

    /* It took long to be seen: until now it was thought to be gone. */
    if (fj_owner_is_stranger(j) && fj_owner_is_newer(j, sign)) {
        fk_recover_break(j->fk, j->conf->owner);
        fj_fenced(j);
        return FJ_OWNER_WRONG;
    }

    return FJ_OWNER_OURS;
}


/* Later than whatever this region has taken itself: what a server says of
 * itself may stand there still after it has lost the shop. */

static int
fj_owner_is_newer(const fj_t *j, const fj_sign_t *sign)
{
    return sign->epoch > fk_stat_get(j->fk, FJ_STAT_EPOCH);
}


/* --- being replaced ---------------------------------------------------- */

/*
 * The shop is fenced.  By whom, its new owner says: a generation on our own
 * sockets, which then are left to it, or another server, which is followed.
 * A generation that replaced us and sells no more may leave nobody behind who
 * accepts, whoever sells now: then this process ends, and its master starts
 * one that does.
 */

void
fj_fenced(fj_t *j)
{
    if (j->phase != FJ_PHASE_FENCED) {
        j->phase = FJ_PHASE_FENCED;
        j->fenced_at_ms = fj_now_ms(j);
        fj_owner_lives(j, 0);

        /* A wish that came too late to count was not for what is now. */
        fk_stat_set(j->fk, FJ_STAT_WANTED, 0);
        fj_wake_all(j);
    }

    fj_owner_get(j, FJ_COMMAND_FENCED);
}


void
fj_fenced_on_owner(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t        *j = fj_of(link);
    fj_sign_t    sign;
    fj_owner_t   owner;

    owner = fj_owner_read(link, reply, &sign);

    if (owner == FJ_OWNER_WRONG) {
        return;
    }

    /* Its sign may be the last one before Redis is emptied. */
    if (owner == FJ_OWNER_OTHER && !j->replaced) {
        fj_sign_hear(j, &sign);
        fj_fenced_follow(j);
        return;
    }

    if (owner != FJ_OWNER_OURS || !fj_owner_is_newer(j, &sign)) {
        fj_fenced_alone(j, owner);
        return;
    }

    j->fenced_at_ms = fj_now_ms(j);
    j->replaced_by = sign.server;

    if (!j->replaced) {
        j->replaced = 1;
        fj_say(link, FJ_LOG_NOTICE, ": a new generation on the same sockets "
               "sells; this one leaves the buyers to it");
        link->shell->replaced(link->data, 0);
    }

    fj_link_timer(link, FJ_TIMER_RETRY, FJ_FOLLOW_MS);
}


/*
 * Whoever has taken the shop does not say so.  A generation that replaced us
 * and lost it to another server follows, and accepts; or it has been told to
 * quit, and its last request may take for ever.  Both accepting harms nobody,
 * nobody accepting does: so it is waited for, but not for long.
 */

static void
fj_fenced_alone(fj_t *j, fj_owner_t owner)
{
    int64_t  wait_ms;

    wait_ms = owner == FJ_OWNER_OTHER ? FJ_OWNER_AWAY_MS : FJ_OWNER_GONE_MS;

    /* Our sockets came from us: so its pid means something here. */
    if (j->replaced
        && j->link.shell->is_dead(j->link.data, j->replaced_by))
    {
        wait_ms = 0;
    }

    if (fj_now_ms(j) - j->fenced_at_ms < wait_ms) {
        fj_link_timer(&j->link, FJ_TIMER_RETRY, FJ_FOLLOW_MS);
        return;
    }

    if (j->replaced) {
        fj_say(&j->link, FJ_LOG_NOTICE, ": the new generation sells no more; "
               "this process ends, so that another one takes its place");
        fj_halt(j);
        j->link.shell->replaced(j->link.data, 1);
        return;
    }

    fj_fenced_follow(j);
}


static void
fj_fenced_follow(fj_t *j)
{
    fk_stat_set(j->fk, FJ_STAT_STRANGER, 1);
    fj_enter(j);
}

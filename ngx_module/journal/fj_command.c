/*
 * The table of commands: for each one its name, how long a reply may take,
 * and what a reply and a lost reply mean.  A command is on its way from
 * fj_link_send() until exactly one of the two has been called.
 *
 * A lost case have those that hold the lease of the flush: others go on
 * sooner if it is given back with the word "unknown".  Whatever else is lost
 * is asked anew over the next connection.
 */

#include <stdio.h>

#include "fj_priv.h"


const fj_command_info_t  fj_commands[FJ_COMMAND_COUNT] = {
    [FJ_COMMAND_NONE] = { "nothing", 0, NULL, NULL },

    [FJ_COMMAND_AUTH] = {
        "AUTH", FJ_COMMAND_TIMEOUT_MS, fj_handshake_on_auth, NULL },
    [FJ_COMMAND_SENTINEL] = {
        "SENTINEL GET-MASTER-ADDR-BY-NAME", FJ_COMMAND_TIMEOUT_MS,
        fj_address_on_sentinel, NULL },
    [FJ_COMMAND_SELECT] = {
        "SELECT", FJ_COMMAND_TIMEOUT_MS, fj_handshake_on_select, NULL },
    [FJ_COMMAND_ROLE] = {
        "ROLE", FJ_COMMAND_TIMEOUT_MS, fj_handshake_on_role, NULL },
    [FJ_COMMAND_SLOT] = {
        "EXISTS", FJ_COMMAND_TIMEOUT_MS, fj_handshake_on_slot, NULL },
    [FJ_COMMAND_CONFIG] = {
        "CONFIG GET", FJ_COMMAND_TIMEOUT_MS, fj_handshake_on_config, NULL },

    [FJ_COMMAND_SETTINGS] = {
        "CONFIG GET once more", FJ_COMMAND_TIMEOUT_MS, fj_flush_on_settings,
        NULL },
    [FJ_COMMAND_PROBE] = {
        "XINFO for the flush", FJ_COMMAND_TIMEOUT_MS, fj_flush_on_probe,
        fj_flush_lost_probe },
    [FJ_COMMAND_BATCH] = {
        "XADD of a batch", FJ_COMMAND_TIMEOUT_MS, fj_flush_on_batch,
        fj_flush_lost_batch },
    [FJ_COMMAND_BEGIN] = {
        "XADD of a new journal", FJ_COMMAND_TIMEOUT_MS, fj_flush_on_begin,
        NULL },

    [FJ_COMMAND_TOP] = {
        "XINFO for the takeover", FJ_READ_TIMEOUT_MS, fj_recover_on_top,
        NULL },
    [FJ_COMMAND_TAKE] = {
        "XADD of the takeover", FJ_READ_TIMEOUT_MS, fj_recover_on_take,
        NULL },
    [FJ_COMMAND_TAKE_INDEX] = {
        "XADD to the snapshots' index", FJ_READ_TIMEOUT_MS,
        fj_recover_on_take_index, NULL },
    [FJ_COMMAND_TOP_INDEX] = {
        "XINFO of the snapshots' index", FJ_READ_TIMEOUT_MS,
        fj_recover_on_top_index, NULL },
    [FJ_COMMAND_PAGE] = {
        "XRANGE", FJ_READ_TIMEOUT_MS, fj_follow_on_page, NULL },
    [FJ_COMMAND_END] = {
        "XINFO of what was read", FJ_READ_TIMEOUT_MS, fj_follow_on_end,
        NULL },
    [FJ_COMMAND_MARK] = {
        "XADD of the opening", FJ_READ_TIMEOUT_MS, fj_recover_on_mark, NULL },

    [FJ_COMMAND_OWNER_FIRST] = {
        "GET of the first owner", FJ_COMMAND_TIMEOUT_MS, fj_owner_on_first,
        NULL },
    [FJ_COMMAND_OWNER_ASK] = {
        "GET of the owner", FJ_COMMAND_TIMEOUT_MS, fj_owner_on_ask, NULL },
    [FJ_COMMAND_SAY] = {
        "SET of the owner", FJ_COMMAND_TIMEOUT_MS, fj_sign_on_say, NULL },
    [FJ_COMMAND_SAY_TAKEN] = {
        "SET of the takeover", FJ_COMMAND_TIMEOUT_MS, fj_recover_on_taken,
        NULL },
    [FJ_COMMAND_SAY_PROBED] = {
        "SET before a WAIT", FJ_COMMAND_TIMEOUT_MS, fj_flush_on_say,
        fj_flush_lost_probe },
    [FJ_COMMAND_WAIT_BATCH] = {
        "WAIT for a batch", FJ_COMMAND_TIMEOUT_MS, fj_wait_on_batch,
        fj_flush_lost_probe },
    [FJ_COMMAND_WAIT_PROBED] = {
        "WAIT for the flush", FJ_COMMAND_TIMEOUT_MS, fj_wait_on_probed,
        fj_flush_lost_probe },
    [FJ_COMMAND_WAIT_OPEN] = {
        "WAIT for the opening", FJ_COMMAND_TIMEOUT_MS, fj_wait_on_open,
        NULL },
    [FJ_COMMAND_FENCED] = {
        "GET of the new owner", FJ_COMMAND_TIMEOUT_MS, fj_fenced_on_owner,
        NULL },

    [FJ_COMMAND_KEEP_INDEX] = {
        "XINFO of the snapshots", FJ_KEEP_TIMEOUT_MS,
        fj_keeper_on_index, NULL },
    [FJ_COMMAND_KEEP_BEGIN] = {
        "XADD of a snapshot's begin", FJ_KEEP_TIMEOUT_MS,
        fj_keeper_on_begin, NULL },
    [FJ_COMMAND_KEEP_PART] = {
        "XADD of a snapshot's parts", FJ_KEEP_TIMEOUT_MS, fj_keeper_on_part,
        NULL },
    [FJ_COMMAND_KEEP_DONE] = {
        "XADD of a snapshot's end", FJ_KEEP_TIMEOUT_MS, fj_keeper_on_done,
        NULL },
    [FJ_COMMAND_KEEP_MARK] = {
        "XADD behind a snapshot", FJ_KEEP_TIMEOUT_MS, fj_keeper_on_mark,
        NULL },
    [FJ_COMMAND_KEEP_TOP] = {
        "XINFO behind a snapshot", FJ_KEEP_TIMEOUT_MS, fj_keeper_on_top,
        NULL },
    [FJ_COMMAND_KEEP_HEALED] = {
        "XADD of the end of healing", FJ_KEEP_TIMEOUT_MS,
        fj_keeper_on_healed, NULL },
    [FJ_COMMAND_KEEP_TRIM] = {
        "XTRIM of the journal", FJ_KEEP_TIMEOUT_MS, fj_keeper_on_trim, NULL },
    [FJ_COMMAND_KEEP_CLEAN] = {
        "XRANGE of the snapshots", FJ_KEEP_TIMEOUT_MS, fj_keeper_on_clean,
        NULL },
    [FJ_COMMAND_KEEP_UNLINK] = {
        "UNLINK of old snapshots", FJ_KEEP_TIMEOUT_MS, fj_keeper_on_unlink,
        NULL },
    [FJ_COMMAND_KEEP_FORGET] = {
        "XTRIM of the snapshots", FJ_KEEP_TIMEOUT_MS, fj_keeper_on_forget,
        NULL },
    [FJ_COMMAND_KEEP_SETTINGS] = {
        "CONFIG GET of the keeper", FJ_KEEP_TIMEOUT_MS,
        fj_keeper_on_settings, NULL },
    [FJ_COMMAND_KEEP_ORDERS] = {
        "EVAL of the archive", FJ_KEEP_TIMEOUT_MS, fj_keeper_on_orders,
        NULL },
    [FJ_COMMAND_KEEP_WAIT] = {
        "WAIT of the keeper", FJ_KEEP_TIMEOUT_MS, fj_keeper_on_wait, NULL },

    [FJ_COMMAND_READ] = {
        "GET of an archived order", FJ_COMMAND_TIMEOUT_MS, fj_reader_on_read,
        NULL },
    [FJ_COMMAND_STRAY] = {
        "EVAL of a stray payment", FJ_COMMAND_TIMEOUT_MS, fj_reader_on_stray,
        NULL },

    [FJ_COMMAND_FEED_TOP] = {
        "XINFO of the events", FJ_KEEP_TIMEOUT_MS, fj_feed_on_top, NULL },
    [FJ_COMMAND_FEED_PAGE] = {
        "XRANGE for the events", FJ_KEEP_TIMEOUT_MS, fj_feed_on_page, NULL },
    [FJ_COMMAND_FEED_ADD] = {
        "EXEC of events", FJ_KEEP_TIMEOUT_MS, fj_feed_on_add, NULL },
    [FJ_COMMAND_FEED_MARK] = {
        "XSETID of the events", FJ_KEEP_TIMEOUT_MS, fj_feed_on_mark, NULL }
};


const char *
fj_doing(const fj_link_t *link)
{
    assert(link->command < FJ_COMMAND_COUNT);
    return fj_commands[link->command].name;
}


void
fj_words_add(fj_words_t *words, const void *data, size_t size)
{
    assert(words->argc < FJ_ARGC_MAX);

    words->argv[words->argc] = data;
    words->sizes[words->argc] = size;
    words->argc++;
}


void
fj_words_text(fj_words_t *words, const char *text)
{
    fj_words_add(words, text, strlen(text));
}


size_t
fj_key(char key[FJ_KEY_SIZE], const fj_conf_t *conf, const char *name,
    const char *id)
{
    int  size;

    size = snprintf(key, FJ_KEY_SIZE, "faka:{%s}:%s%s%s", conf->shop, name,
                    id != NULL ? ":" : "", id != NULL ? id : "");
    assert(size > 0 && size < FJ_KEY_SIZE);

    return (size_t) size;
}

/*
 * The journal of one worker: the protocol's machine with nginx around it, and
 * the configuration as both want it.
 */

#include "ngx_faka_journal.h"
#include "ngx_faka_shell.h"


struct ngx_faka_journal_s {
    fj_t              machine;
    fj_conf_t         conf;
    ngx_faka_shell_t  shell;
};


static ngx_int_t ngx_faka_journal_fill(ngx_pool_t *pool, fj_conf_t *conf,
    const ngx_faka_journal_options_t *options);
static void ngx_faka_journal_word(fk_str_t *word, const ngx_str_t *from);
static const char *ngx_faka_journal_text(ngx_pool_t *pool,
    const ngx_str_t *text);


ngx_faka_journal_t *
ngx_faka_journal_start(ngx_cycle_t *cycle,
    const ngx_faka_journal_options_t *options)
{
    ngx_faka_journal_t  *j;

    j = ngx_pcalloc(cycle->pool, sizeof(ngx_faka_journal_t));
    if (j == NULL) {
        return NULL;
    }

    if (ngx_faka_journal_fill(cycle->pool, &j->conf, options) != NGX_OK) {
        return NULL;
    }

    j->shell.log = options->log;
    j->shell.wake = options->wake;
    j->shell.ring = options->ring;
    j->shell.replaced = options->replaced;
    j->shell.data = options->data;

    ngx_faka_shell_init(&j->shell, &j->machine.link);
    fj_start(&j->machine, &j->conf, &ngx_faka_shell, &j->shell);

    return j;
}


static ngx_int_t
ngx_faka_journal_fill(ngx_pool_t *pool, fj_conf_t *conf,
    const ngx_faka_journal_options_t *options)
{
    const ngx_faka_redis_conf_t  *redis;

    redis = options->redis;

    conf->fk = options->fk;
    conf->owner = options->owner;
    conf->db = (uint32_t) redis->db;
    conf->mode = redis->mode;
    conf->master = (const char *) redis->master.data;
    conf->address_count = (uint32_t) redis->address_count;
    ngx_memcpy(conf->address, redis->address, sizeof(conf->address));
    conf->pace_ms = (uint32_t) options->pace_ms;
    conf->server = options->server;
    conf->host = options->host;
    conf->generation = options->generation;
    conf->inherits = options->inherits != 0;
    conf->epoch_by_clock = 1;
    conf->standby = options->standby != 0;
    conf->replicas = (uint32_t) options->replicas;

    ngx_faka_journal_word(&conf->user, &redis->user);
    ngx_faka_journal_word(&conf->password, &redis->password);
    ngx_faka_journal_word(&conf->sentinel_user, &redis->sentinel_user);
    ngx_faka_journal_word(&conf->sentinel_password,
                          &redis->sentinel_password);

    conf->shop = ngx_faka_journal_text(pool, &options->shop);

    return conf->shop != NULL ? NGX_OK : NGX_ERROR;
}


static void
ngx_faka_journal_word(fk_str_t *word, const ngx_str_t *from)
{
    word->data = from->data;
    word->size = from->len;
}


static const char *
ngx_faka_journal_text(ngx_pool_t *pool, const ngx_str_t *text)
{
    char  *copy;

    copy = ngx_pnalloc(pool, text->len + 1);
    if (copy == NULL) {
        return NULL;
    }

    ngx_memcpy(copy, text->data, text->len);
    copy[text->len] = '\0';

    return copy;
}


const fj_conf_t *
ngx_faka_journal_conf(const ngx_faka_journal_t *j)
{
    return &j->conf;
}


void
ngx_faka_journal_kick(ngx_faka_journal_t *j)
{
    fj_kick(&j->machine);
}


ngx_uint_t
ngx_faka_journal_ready(const ngx_faka_journal_t *j)
{
    return fj_ready(&j->machine) != 0;
}


ngx_int_t
ngx_faka_journal_fsync(const ngx_faka_journal_t *j)
{
    return fj_fsync(&j->machine);
}


void
ngx_faka_journal_drain(ngx_faka_journal_t *j)
{
    fj_drain(&j->machine);
}


void
ngx_faka_journal_stop(ngx_faka_journal_t *j)
{
    fj_stop(&j->machine);
}

/*
 * The feed of one worker: its machine, with the same shell around it that the
 * journal has, and the journal's configuration.
 */

#include "ngx_faka_feed.h"
#include "ngx_faka_shell.h"


struct ngx_faka_feed_s {
    fj_feed_t          machine;
    fj_feed_conf_t     conf;
    ngx_faka_shell_t   shell;
};


ngx_faka_feed_t *
ngx_faka_feed_start(ngx_cycle_t *cycle, const ngx_faka_journal_t *journal,
    ngx_log_t *log, ngx_uint_t events_max)
{
    ngx_faka_feed_t  *feed;

    feed = ngx_pcalloc(cycle->pool, sizeof(ngx_faka_feed_t));
    if (feed == NULL) {
        return NULL;
    }

    feed->conf.events_max = (uint32_t) events_max;

    feed->conf.room = ngx_palloc(cycle->pool,
                                 FJ_FEED_NEWS_MAX * sizeof(fk_news_t));
    if (feed->conf.room == NULL) {
        return NULL;
    }

    feed->shell.log = log;

    ngx_faka_shell_init(&feed->shell, &feed->machine.link);
    fj_feed_start(&feed->machine, ngx_faka_journal_conf(journal), &feed->conf,
                  &ngx_faka_shell, &feed->shell);

    return feed;
}


void
ngx_faka_feed_stop(ngx_faka_feed_t *feed)
{
    fj_feed_stop(&feed->machine);
}

/*
 * The keeper and the reader of one worker: their machines, with the same
 * shell around each that the journal has, and the journal's configuration.
 */

#include "ngx_faka_keeper.h"
#include "ngx_faka_shell.h"


struct ngx_faka_keeper_s {
    fj_keeper_t                 machine;
    fj_keeper_conf_t            conf;
    ngx_faka_shell_t            shell;
    ngx_faka_keeper_options_t   options;
};

struct ngx_faka_reader_s {
    fj_reader_t                 machine;
    ngx_faka_shell_t            shell;
    fj_answer_pt                answer;
};


static size_t ngx_faka_keeper_text(void *data, const fk_order_view_t *order,
    const uint8_t *record, size_t size, char *out, size_t room);
static void ngx_faka_reader_answer(void *data, fj_ask_t *ask,
    fj_answer_t answer, const char *text, size_t size);


ngx_faka_keeper_t *
ngx_faka_keeper_start(ngx_cycle_t *cycle,
    const ngx_faka_keeper_options_t *options)
{
    ngx_faka_keeper_t  *keeper;

    keeper = ngx_pcalloc(cycle->pool, sizeof(ngx_faka_keeper_t));
    if (keeper == NULL) {
        return NULL;
    }

    keeper->options = *options;
    keeper->conf.snapshot_size = options->snapshot_size;
    keeper->conf.snapshot_s = (uint32_t) options->snapshot_s;
    keeper->conf.retention_s = (uint32_t) options->retention_s;
    keeper->conf.archive_s = (uint32_t) options->archive_s;
    keeper->conf.text = ngx_faka_keeper_text;

    keeper->conf.room = ngx_palloc(cycle->pool, FJ_KEEPER_ROOM);
    if (keeper->conf.room == NULL) {
        return NULL;
    }

    keeper->conf.aging = ngx_palloc(cycle->pool, FJ_KEEPER_AGING
                                                 * sizeof(fj_keeper_order_t));
    if (keeper->conf.aging == NULL) {
        return NULL;
    }

    keeper->shell.log = options->log;
    keeper->shell.wake = options->wake;
    keeper->shell.ring = options->ring;
    keeper->shell.data = options->data;

    ngx_faka_shell_init(&keeper->shell, &keeper->machine.link);
    fj_keeper_start(&keeper->machine, ngx_faka_journal_conf(options->journal),
                    &keeper->conf, &ngx_faka_shell, &keeper->shell);

    return keeper;
}


void
ngx_faka_keeper_stop(ngx_faka_keeper_t *keeper)
{
    fj_keeper_stop(&keeper->machine);
}


static size_t
ngx_faka_keeper_text(void *data, const fk_order_view_t *order,
    const uint8_t *record, size_t size, char *out, size_t room)
{
    ngx_faka_keeper_t  *keeper;

    keeper = (ngx_faka_keeper_t *) (void *)
             ((u_char *) data - offsetof(ngx_faka_keeper_t, shell));

    return keeper->options.text(keeper->options.data, order, record, size,
                                out, room);
}


ngx_faka_reader_t *
ngx_faka_reader_start(ngx_cycle_t *cycle,
    const ngx_faka_reader_options_t *options)
{
    ngx_faka_reader_t  *reader;

    reader = ngx_pcalloc(cycle->pool, sizeof(ngx_faka_reader_t));
    if (reader == NULL) {
        return NULL;
    }

    reader->answer = options->answer;
    reader->shell.log = options->log;
    reader->shell.wake = options->wake;
    reader->shell.data = options->data;

    ngx_faka_shell_init(&reader->shell, &reader->machine.link);
    fj_reader_start(&reader->machine, ngx_faka_journal_conf(options->journal),
                    ngx_faka_reader_answer, &ngx_faka_shell, &reader->shell);

    return reader;
}


static void
ngx_faka_reader_answer(void *data, fj_ask_t *ask, fj_answer_t answer,
    const char *text, size_t size)
{
    ngx_faka_reader_t  *reader;

    reader = (ngx_faka_reader_t *) (void *)
             ((u_char *) data - offsetof(ngx_faka_reader_t, shell));

    reader->answer(reader->shell.data, ask, answer, text, size);
}


ngx_uint_t
ngx_faka_reader_ask(ngx_faka_reader_t *reader, fj_ask_t *ask,
    const fk_order_id_t *id)
{
    return fj_reader_ask(&reader->machine, ask, id) != 0;
}


ngx_uint_t
ngx_faka_reader_stray(ngx_faka_reader_t *reader, fj_ask_t *ask,
    const fj_stray_t *stray)
{
    return fj_reader_stray(&reader->machine, ask, stray) != 0;
}


void
ngx_faka_reader_forget(ngx_faka_reader_t *reader, fj_ask_t *ask)
{
    fj_reader_forget(&reader->machine, ask);
}


void
ngx_faka_reader_stop(ngx_faka_reader_t *reader)
{
    fj_reader_stop(&reader->machine);
}

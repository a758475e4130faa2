/*
 * What a worker does for its shop beside the journal, each over a connection
 * of its own: the keeper writes snapshots and archives finished orders, the
 * reader looks archived ones up.  The protocols are journal/fj_keeper.h and
 * journal/fj_reader.h; this is nginx around them.
 */

#ifndef NGX_FAKA_KEEPER_H_INCLUDED_
#define NGX_FAKA_KEEPER_H_INCLUDED_


#include "../journal/fj_keeper.h"
#include "../journal/fj_reader.h"
#include "ngx_faka_journal.h"


typedef struct ngx_faka_keeper_s  ngx_faka_keeper_t;
typedef struct ngx_faka_reader_s  ngx_faka_reader_t;


typedef struct {
    const ngx_faka_journal_t  *journal;    /* of the same worker */
    ngx_log_t                 *log;
    uint64_t                   snapshot_size;
    ngx_uint_t                 snapshot_s;
    ngx_uint_t                 retention_s;
    ngx_uint_t                 archive_s;

    /* As fj_keeper_conf_t has it, data being the one below. */
    size_t                   (*text)(void *data,
        const fk_order_view_t *order, const uint8_t *record, size_t size,
        char *out, size_t room);
    /* There may be records to send, and answers to give. */
    void                     (*wake)(void *data);
    /* As in ngx_faka_journal_options_t. */
    void                     (*ring)(void *data);
    void                      *data;
} ngx_faka_keeper_options_t;

/* Starts it in a worker, after the journal.  NULL only for lack of memory. */
ngx_faka_keeper_t *ngx_faka_keeper_start(ngx_cycle_t *cycle,
    const ngx_faka_keeper_options_t *options);

/* At once: what is half done, another worker does.  Also a second time. */
void ngx_faka_keeper_stop(ngx_faka_keeper_t *keeper);


typedef struct {
    const ngx_faka_journal_t  *journal;
    ngx_log_t                 *log;

    /* As fj_answer_pt, data being the one below. */
    fj_answer_pt               answer;
    /* After answers; the reader may be used again. */
    void                     (*wake)(void *data);
    void                      *data;
} ngx_faka_reader_options_t;

/* As ngx_faka_keeper_start(). */
ngx_faka_reader_t *ngx_faka_reader_start(ngx_cycle_t *cycle,
    const ngx_faka_reader_options_t *options);

/* As fj_reader_ask(), fj_reader_stray() and fj_reader_forget(). */
ngx_uint_t ngx_faka_reader_ask(ngx_faka_reader_t *reader, fj_ask_t *ask,
    const fk_order_id_t *id);
ngx_uint_t ngx_faka_reader_stray(ngx_faka_reader_t *reader, fj_ask_t *ask,
    const fj_stray_t *stray);
void ngx_faka_reader_forget(ngx_faka_reader_t *reader, fj_ask_t *ask);

/* Closes everything (exit_process). */
void ngx_faka_reader_stop(ngx_faka_reader_t *reader);


#endif /* NGX_FAKA_KEEPER_H_INCLUDED_ */

/*
 * The stream's ids, and the question for the top one.
 */

#include "ngx_faka_journal_priv.h"


static ngx_int_t ngx_faka_stream_number(const char **p, const char *last,
    uint64_t *number);


ngx_int_t
ngx_faka_stream_id(const redisReply *reply, ngx_faka_stream_id_t *id)
{
    const char  *p, *last;

    if (reply->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    p = reply->str;
    last = p + reply->len;

    if (ngx_faka_stream_number(&p, last, &id->epoch) != NGX_OK
        || p == last || *p++ != '-'
        || ngx_faka_stream_number(&p, last, &id->seq) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return p == last ? NGX_OK : NGX_ERROR;
}


/* Decimal digits up to the first other character; 64 bits, no more. */

static ngx_int_t
ngx_faka_stream_number(const char **p, const char *last, uint64_t *number)
{
    unsigned     digit;
    const char  *first;

    *number = 0;

    for (first = *p; *p < last && **p >= '0' && **p <= '9'; (*p)++) {
        digit = (unsigned) (**p - '0');

        if (*number > (UINT64_MAX - digit) / 10) {
            return NGX_ERROR;
        }

        *number = *number * 10 + digit;
    }

    return *p > first ? NGX_OK : NGX_ERROR;
}


void
ngx_faka_journal_ask_top(ngx_faka_journal_t *j, ngx_faka_command_t command)
{
    const char  *argv[3];
    size_t       argv_size[3];

    argv[0] = "XINFO";
    argv[1] = "STREAM";
    argv[2] = (const char *) j->key.data;
    argv_size[0] = 5;
    argv_size[1] = 6;
    argv_size[2] = j->key.len;

    ngx_faka_journal_send(j, command, 3, argv, argv_size);
}


ngx_int_t
ngx_faka_journal_top(ngx_faka_journal_t *j, redisReply *reply,
    ngx_faka_stream_id_t *top)
{
    size_t             i;
    const redisReply  *name;

    if (reply->type == REDIS_REPLY_ERROR
        && ngx_strncmp(reply->str, "ERR no such key", 15) == 0)
    {
        top->epoch = 0;
        top->seq = 0;
        return NGX_OK;
    }

    if (reply->type == REDIS_REPLY_ARRAY) {

        for (i = 0; i + 1 < reply->elements; i += 2) {
            name = reply->element[i];

            if (name->type == REDIS_REPLY_STRING
                && ngx_strcmp(name->str, "last-generated-id") == 0)
            {
                return ngx_faka_stream_id(reply->element[i + 1], top);
            }
        }
    }

    ngx_faka_journal_log_error(j, reply, "XINFO STREAM");
    return NGX_ERROR;
}

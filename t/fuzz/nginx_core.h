/*
 * What the parts of the module that only need a pool take from nginx's core,
 * for a program that is not nginx: Debian packages nginx's headers, not its
 * sources.  The types are nginx's own.
 *
 * Every allocation is one of malloc(), so that AddressSanitizer sees the end
 * of each, which it cannot within a pool's block; and the n-th can be made
 * to fail.  To be included by one file of a program.
 */

#ifndef FAKA_FUZZ_NGINX_CORE_H_INCLUDED_
#define FAKA_FUZZ_NGINX_CORE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "must.h"


/* The next allocation but so many fails, and all after it; -1: none. */
static int          core_allocs_left = -1;
static ngx_uint_t   core_failed;       /* unsigned: one has failed */
static ngx_pool_t   core_pool;


__attribute__((unused))
static void
core_free(void)
{
    ngx_pool_large_t  *large;

    while (core_pool.large != NULL) {
        large = core_pool.large;
        core_pool.large = large->next;
        free(large->alloc);
        free(large);
    }

    core_allocs_left = -1;
    core_failed = 0;
}


void *
ngx_palloc(ngx_pool_t *pool, size_t size)
{
    ngx_pool_large_t  *large;

    MUST(pool == &core_pool);

    if (core_allocs_left == 0) {
        core_failed = 1;
        return NULL;
    }

    if (core_allocs_left > 0) {
        core_allocs_left--;
    }

    large = malloc(sizeof(ngx_pool_large_t));
    MUST(large != NULL);
    large->alloc = malloc(size);
    MUST(large->alloc != NULL);

    /* What is read before it is written should not look like nothing. */
    memset(large->alloc, 0xa5, size);
    large->next = pool->large;
    pool->large = large;

    return large->alloc;
}


void *
ngx_pnalloc(ngx_pool_t *pool, size_t size)
{
    return ngx_palloc(pool, size);
}


void *
ngx_pcalloc(ngx_pool_t *pool, size_t size)
{
    void  *p;

    p = ngx_palloc(pool, size);
    if (p != NULL) {
        memset(p, 0, size);
    }

    return p;
}


/* The caller's to free; not of the pool. */

void *
ngx_alloc(size_t size, ngx_log_t *log)
{
    return malloc(size);
}


/* Never called where the log's level is below every line's. */

void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *fmt, ...)
{
    MUST(0);
}


ngx_buf_t *
ngx_create_temp_buf(ngx_pool_t *pool, size_t size)
{
    ngx_buf_t  *b;

    b = ngx_palloc(pool, sizeof(ngx_buf_t));
    if (b == NULL) {
        return NULL;
    }

    memset(b, 0, sizeof(ngx_buf_t));

    b->start = ngx_palloc(pool, size);
    if (b->start == NULL) {
        return NULL;
    }

    b->pos = b->start;
    b->last = b->start;
    b->end = b->start + size;
    b->temporary = 1;

    return b;
}


ngx_chain_t *
ngx_alloc_chain_link(ngx_pool_t *pool)
{
    return ngx_palloc(pool, sizeof(ngx_chain_t));
}


/* The conversions that the module's texts have, and no other. */

u_char *
ngx_snprintf(u_char *buf, size_t max, const char *fmt, ...)
{
    char         number[NGX_INT64_LEN + 1];
    size_t       used;
    va_list      args;
    const char  *piece;

    used = 0;
    va_start(args, fmt);

    for ( /* void */ ; *fmt != '\0'; fmt++) {
        number[0] = *fmt;
        number[1] = '\0';
        piece = number;

        if (*fmt == '%') {
            switch (*++fmt) {
            case 's':
                piece = va_arg(args, const char *);
                break;
            case 'u':
                MUST(*++fmt == 'i');
                snprintf(number, sizeof(number), "%" PRIuPTR,
                         va_arg(args, ngx_uint_t));
                break;
            case 'L':
                snprintf(number, sizeof(number), "%" PRId64,
                         va_arg(args, int64_t));
                break;
            default:
                MUST(0);
            }
        }

        for ( /* void */ ; *piece != '\0' && used < max; piece++) {
            buf[used++] = (u_char) *piece;
        }
    }

    va_end(args);

    return buf + used;
}


#endif /* FAKA_FUZZ_NGINX_CORE_H_INCLUDED_ */

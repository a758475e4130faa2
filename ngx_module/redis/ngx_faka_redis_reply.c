/*
 * A reply of hiredis as the journal reads it.  Whoever is at the other end
 * chooses its shape, so both numbers that follow from it are bounded before
 * anything is allocated.
 */

#include "ngx_faka_redis.h"


static size_t ngx_faka_redis_count(const redisReply *from, ngx_uint_t depth);
static void ngx_faka_redis_item(const redisReply *from, fj_reply_t *to);


static const fj_reply_type_t  ngx_faka_redis_types[] = {
    [REDIS_REPLY_STRING] = FJ_REPLY_STRING,
    [REDIS_REPLY_ARRAY] = FJ_REPLY_ARRAY,
    [REDIS_REPLY_INTEGER] = FJ_REPLY_INTEGER,
    [REDIS_REPLY_NIL] = FJ_REPLY_NIL,
    [REDIS_REPLY_STATUS] = FJ_REPLY_STATUS,
    [REDIS_REPLY_ERROR] = FJ_REPLY_ERROR
};


fj_reply_t *
ngx_faka_redis_reply(const redisReply *from, fj_reply_t *one, ngx_log_t *log)
{
    size_t              i, n, next, count;
    fj_reply_t         *tree;
    const redisReply  **source;

    if (from->type != REDIS_REPLY_ARRAY) {
        ngx_faka_redis_item(from, one);
        return one;
    }

    count = ngx_faka_redis_count(from, 1);

    if (count > FJ_REPLY_ITEMS_MAX) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "faka: redis sent a reply of too many items");
        return NULL;
    }

    tree = ngx_alloc(count * (sizeof(fj_reply_t) + sizeof(redisReply *)),
                     log);
    if (tree == NULL) {
        return NULL;
    }

    /* Breadth first: the items of one array are neighbours.  Behind the tree
     * stands where each of its items comes from. */

    source = (const redisReply **) (void *) (tree + count);
    source[0] = from;
    next = 1;

    for (i = 0; i < next; i++) {
        ngx_faka_redis_item(source[i], &tree[i]);

        if (tree[i].type == FJ_REPLY_ARRAY) {
            tree[i].item = tree + next;

            for (n = 0; n < tree[i].count; n++) {
                source[next++] = source[i]->element[n];
            }
        }
    }

    return tree;
}


/* Items of the tree with its root; above FJ_REPLY_ITEMS_MAX: no more than
 * that it is too many, or too deep. */

static size_t
ngx_faka_redis_count(const redisReply *from, ngx_uint_t depth)
{
    size_t  i, count;

    count = 1;

    if (from->type != REDIS_REPLY_ARRAY) {
        return count;
    }

    if (depth > FJ_REPLY_DEPTH_MAX) {
        return FJ_REPLY_ITEMS_MAX + 1;
    }

    for (i = 0; i < from->elements && count <= FJ_REPLY_ITEMS_MAX; i++) {
        count += ngx_faka_redis_count(from->element[i], depth + 1);
    }

    return count;
}


static void
ngx_faka_redis_item(const redisReply *from, fj_reply_t *to)
{
    static const size_t  types = sizeof(ngx_faka_redis_types)
                                 / sizeof(ngx_faka_redis_types[0]);

    ngx_memzero(to, sizeof(fj_reply_t));

    /* A type of a later hiredis is no reply that anybody here asked for. */
    to->type = from->type > 0 && (size_t) from->type < types
               ? ngx_faka_redis_types[from->type] : FJ_REPLY_NIL;

    switch (to->type) {

    case FJ_REPLY_STRING:
    case FJ_REPLY_STATUS:
    case FJ_REPLY_ERROR:
        to->text = from->str;
        to->size = (size_t) from->len;
        break;

    case FJ_REPLY_INTEGER:
        to->number = from->integer;
        break;

    case FJ_REPLY_ARRAY:
        to->count = from->elements;
        break;

    default:
        break;
    }
}

/*
 * Inside of the model of Redis: the command table's calls, the keys, and
 * making replies.  Private to redis.c and redis_stream.c.
 */

#ifndef SIM_REDIS_H_INCLUDED_
#define SIM_REDIS_H_INCLUDED_


#include "sim.h"


#define REDIS_WRONGTYPE  "WRONGTYPE Operation against a key holding the "    \
                         "wrong kind of value"

typedef struct {
    uint32_t           argc;
    const sim_text_t  *argv;
} redis_call_t;


/* redis.c */
sim_key_t *redis_find(sim_t *s, const sim_text_t *name);
sim_key_t *redis_make(sim_t *s, const sim_text_t *name, int is_stream);
int redis_is(const sim_text_t *text, const char *word);

void redis_put(fj_reply_t *reply, fj_reply_type_t type, sim_text_t text);
/* *item: its count items, to be filled. */
fj_reply_t *redis_array(sim_t *s, size_t count, fj_reply_t **item);
const fj_reply_t *redis_error(sim_t *s, const char *text);
const fj_reply_t *redis_status(sim_t *s, const char *text);
const fj_reply_t *redis_nil(sim_t *s);
const fj_reply_t *redis_integer(sim_t *s, int64_t number);

/* redis_stream.c */
const fj_reply_t *redis_xadd(sim_t *s, const redis_call_t *call);
const fj_reply_t *redis_xrange(sim_t *s, const redis_call_t *call);
const fj_reply_t *redis_xrevrange(sim_t *s, const redis_call_t *call);
const fj_reply_t *redis_xinfo(sim_t *s, const redis_call_t *call);
const fj_reply_t *redis_xlen(sim_t *s, const redis_call_t *call);
const fj_reply_t *redis_xtrim(sim_t *s, const redis_call_t *call);


#endif /* SIM_REDIS_H_INCLUDED_ */

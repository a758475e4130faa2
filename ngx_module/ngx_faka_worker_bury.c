/*
 * The imports of a worker that died.
 *
 * While one is under way its product takes no other.  An importer that sleeps
 * is waited for, until its lease runs out; one that is dead need not be: the
 * operator sends the text again, and should not be told to wait.  Only what
 * nobody can doubt counts: a pid that has been given to another process since
 * then looks alive, and leaves the batch to its lease.
 */

#include "ngx_faka.h"
#include "redis/ngx_faka_shell.h"


/* Once a second: an import that is not over soon has time. */

void
ngx_faka_worker_bury(ngx_faka_worker_t *worker)
{
    uint32_t   slot;
    uint64_t   owner;
    ngx_pid_t  pid;

    if (worker->buried_at == ngx_time()) {
        return;
    }

    worker->buried_at = ngx_time();
    slot = 0;

    for ( ;; ) {
        owner = fk_import_owner(&worker->fk, &slot);

        if (owner == 0) {
            return;
        }

        pid = (ngx_pid_t) (owner >> 32);

        if (owner != worker->owner && ngx_faka_process_is_dead(pid)) {
            ngx_log_error(NGX_LOG_NOTICE, worker->log, 0,
                          "faka_shop \"%V\": the worker %P died in an "
                          "import; what it brought is dropped",
                          &worker->shop->name, pid);
            fk_import_break(&worker->fk, slot, owner);
        }
    }
}

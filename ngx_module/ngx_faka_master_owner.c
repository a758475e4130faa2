/*
 * Who this server is among those that could sell the same shop: found out in
 * the master, once a cycle, before there are workers.
 *
 * A server is a master process on a machine, which serves a generation of
 * listening sockets.  A binary upgrade hands the generation on with the
 * sockets, and so does a reload that brings another file of the module.  Where
 * that fails nothing breaks: the next binary is then a stranger, which waits
 * for this one to end.
 */

#include "ngx_faka_master.h"


#define NGX_FAKA_BOOT_ID      "/proc/sys/kernel/random/boot_id"
#define NGX_FAKA_PID_NS       "/proc/self/ns/pid"
#define NGX_FAKA_RANDOM       "/dev/urandom"
#define NGX_FAKA_BOOT_ID_SIZE 64
#define NGX_FAKA_GENERATION   "FAKA_GENERATION"    /* "<generation> <pid>" */
#define NGX_FAKA_GENERATION_SIZE  16               /* hexadecimal digits */


static uint64_t ngx_faka_owner_handed(void);
static ngx_uint_t ngx_faka_owner_is_own(ngx_int_t pid);
static void ngx_faka_owner_hand_on(ngx_cycle_t *cycle);
static uint64_t ngx_faka_owner_machine(ngx_log_t *log);
static ssize_t ngx_faka_owner_read(const char *path, void *buf, size_t size);
static uint64_t ngx_faka_owner_mix(uint64_t hash, const void *data,
    size_t size);


ngx_faka_owner_t  ngx_faka_owner;


void
ngx_faka_owner_init_master(ngx_cycle_t *cycle)
{
    uint64_t        now;
    struct timeval  tv;

    /* The same look at its parent tells nginx whether the old binary lives. */
    ngx_faka_owner.old_master = ngx_inherited && ngx_getppid() == ngx_parent
                                ? ngx_parent : 0;

    if (ngx_faka_owner.host == 0) {
        ngx_faka_owner.host = ngx_faka_owner_machine(cycle->log);
    }

    if (ngx_faka_owner.generation != 0) {
        ngx_faka_owner.inherits = 1;

    } else if ((ngx_faka_owner.generation = ngx_faka_owner_handed()) != 0) {
        ngx_faka_owner.inherits = 1;

    } else {
        ngx_gettimeofday(&tv);
        now = (uint64_t) tv.tv_sec * 1000000 + (uint64_t) tv.tv_usec;

        ngx_faka_owner.generation = ngx_faka_owner_mix(
            ngx_faka_owner.host, &now, sizeof(now));
        ngx_faka_owner.generation = ngx_faka_owner_mix(
            ngx_faka_owner.generation, &ngx_pid, sizeof(ngx_pid));

        /* As ngx_hextoi() reads it, and never 0. */
        ngx_faka_owner.generation &= NGX_MAX_INT_T_VALUE;
        ngx_faka_owner.generation |= 1;
    }

    ngx_faka_owner_hand_on(cycle);
}


/*
 * 0: from nobody.  The old binary hands it on beside its sockets; and a new
 * file of the module, loaded by a reload, finds that of its own process.
 */

static uint64_t
ngx_faka_owner_handed(void)
{
    size_t      size;
    u_char     *text;
    ngx_int_t   generation;

    text = (u_char *) getenv(NGX_FAKA_GENERATION);
    size = text != NULL ? ngx_strlen(text) : 0;

    if (size <= NGX_FAKA_GENERATION_SIZE) {
        return 0;
    }

    generation = ngx_hextoi(text, NGX_FAKA_GENERATION_SIZE);
    text += NGX_FAKA_GENERATION_SIZE + 1;
    size -= NGX_FAKA_GENERATION_SIZE + 1;

    return generation != NGX_ERROR
           && (ngx_inherited || ngx_faka_owner_is_own(ngx_atoi(text, size)))
           ? (uint64_t) generation : 0;
}


/* The first file of the module has said it before this process became a
 * daemon, which was that of its parent. */

static ngx_uint_t
ngx_faka_owner_is_own(ngx_int_t pid)
{
    return pid == (ngx_int_t) ngx_pid
           || (ngx_daemonized && pid == (ngx_int_t) ngx_parent);
}


/* Into what getenv() finds here, and into what execve() gets, which nginx
 * makes out of the configuration.  Nothing stands there that has no value. */

static void
ngx_faka_owner_hand_on(ngx_cycle_t *cycle)
{
    ngx_str_t        *name;
    ngx_core_conf_t  *ccf;

    static u_char  text[sizeof(NGX_FAKA_GENERATION) + 64];

    (void) ngx_sprintf(text, NGX_FAKA_GENERATION "=%016xL %P%Z",
                       ngx_faka_owner.generation, ngx_pid);

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);
    name = NULL;

    if (setenv(NGX_FAKA_GENERATION,
               (char *) text + sizeof(NGX_FAKA_GENERATION), 1) == 0)
    {
        name = ngx_array_push(&ccf->env);
    }

    if (name == NULL) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, ngx_errno,
                      "faka: no memory to name the sockets' generation");
        return;
    }

    name->data = text;
    name->len = sizeof(NGX_FAKA_GENERATION) - 1;
}


/*
 * A pid means something on one machine, and there in one name space.  Where
 * that cannot be known, no other server is on it: nobody may take a pid of
 * another machine for a dead one.
 */

static uint64_t
ngx_faka_owner_machine(ngx_log_t *log)
{
    u_char           boot_id[NGX_FAKA_BOOT_ID_SIZE];
    ssize_t          size;
    uint64_t         hash, name;
    const char      *missing;
    ngx_file_info_t  sb;

    hash = UINT64_C(0xcbf29ce484222325);
    missing = NULL;

    size = ngx_faka_owner_read(NGX_FAKA_BOOT_ID, boot_id, sizeof(boot_id));

    if (size > 0) {
        hash = ngx_faka_owner_mix(hash, boot_id, (size_t) size);

    } else {
        missing = NGX_FAKA_BOOT_ID;
    }

    if (ngx_file_info(NGX_FAKA_PID_NS, &sb) != NGX_FILE_ERROR) {
        name = (uint64_t) ngx_file_uniq(&sb);
        hash = ngx_faka_owner_mix(hash, &name, sizeof(name));

    } else {
        missing = NGX_FAKA_PID_NS;
    }

    if (missing == NULL) {
        return hash;
    }

    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "faka: %s cannot be read: to other servers this one is on a "
                  "machine of its own", missing);

    if (ngx_faka_owner_read(NGX_FAKA_RANDOM, &name, sizeof(name))
        != (ssize_t) sizeof(name))
    {
        name = (uint64_t) ngx_time();
    }

    hash = ngx_faka_owner_mix(hash, &ngx_pid, sizeof(ngx_pid));

    return ngx_faka_owner_mix(hash, &name, sizeof(name));
}


static ssize_t
ngx_faka_owner_read(const char *path, void *buf, size_t size)
{
    ssize_t   n;
    ngx_fd_t  fd;

    fd = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return -1;
    }

    n = ngx_read_fd(fd, buf, size);
    (void) ngx_close_file(fd);

    return n;
}


static uint64_t
ngx_faka_owner_mix(uint64_t hash, const void *data, size_t size)
{
    size_t         i;
    const u_char  *bytes = data;

    for (i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }

    return hash;
}

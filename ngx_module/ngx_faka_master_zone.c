/*
 * The shared memory of a shop, as the master prepares it.
 *
 * nginx gives a zone with a slab pool of its own at the front.  One
 * allocation, made once, takes the whole region out of it; the pool is not
 * touched again, for it does not survive the death of a worker in the middle
 * of a change.  Where the region lies is kept in the pool's header.
 *
 * The region is put on huge pages where the kernel has them.  With small ones
 * each worker needs an entry for each 4 KiB, and a dead worker's entries cost
 * the kernel 20 ms and more of CPU per gigabyte, in turns of 4 ms for which
 * Redis, on the same CPU, and so all buyers wait.
 *
 * On reload a zone of the same name and size is handed over as it is, while
 * workers go on using it: then the region is only looked at.  If its layout is
 * another one the reload is refused; the running configuration goes on.
 */

#include "ngx_faka_master.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE          25          /* Linux 6.1 */
#endif

#define NGX_FAKA_HUGE_SIZE     ((size_t) 2 << 20)

/* A gigabyte takes 75 ms or so; on a virtual machine whose host has not yet
 * given it the memory, more than a second. */
#define NGX_FAKA_HUGE_MS       1000

static size_t ngx_faka_zone_size(const ngx_faka_shop_t *shop);
static ngx_int_t ngx_faka_zone_init(ngx_shm_zone_t *zone, void *data);
static ngx_int_t ngx_faka_zone_format(ngx_shm_zone_t *zone,
    ngx_faka_shop_t *shop);
static u_char *ngx_faka_zone_map(ngx_shm_zone_t *zone, u_char *from,
    size_t size);
static ngx_uint_t ngx_faka_zone_is_known(ngx_str_t *name);
static void ngx_faka_zone_bells_close(void *data);


ngx_int_t
ngx_faka_zone_add(ngx_conf_t *cf, ngx_faka_shop_t *shop)
{
    size_t           size;
    ngx_str_t        name;
    ngx_shm_zone_t  *zone;

    static const u_char  prefix[] = "faka_";

    name.len = sizeof(prefix) - 1 + shop->name.len;
    name.data = ngx_pnalloc(cf->pool, name.len);
    if (name.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ngx_cpymem(name.data, prefix, sizeof(prefix) - 1),
               shop->name.data, shop->name.len);

    /*
     * The pool has a header, its slots, and an ngx_slab_page_t for each page:
     * less than 1/128 of the pages and 16 KiB; twice that is left for it.
     */

    size = ngx_faka_zone_size(shop);
    size += size / 64 + 8 * ngx_pagesize;

    zone = ngx_shared_memory_add(cf, &name, ngx_align(size, ngx_pagesize),
                                 &ngx_http_faka_module);
    if (zone == NULL) {
        return NGX_ERROR;
    }

    if (zone->data != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the shared memory zone \"%V\" is in use by "
                           "another directive; rename the shop", &name);
        return NGX_ERROR;
    }

    zone->init = ngx_faka_zone_init;
    zone->data = shop;
    shop->zone = zone;

    return NGX_OK;
}


/* data: the shop of the configuration before, if the memory is the same. */

static ngx_int_t
ngx_faka_zone_init(ngx_shm_zone_t *zone, void *data)
{
    fk_t              fk;
    const char       *why;
    ngx_faka_shop_t  *shop;

    shop = zone->data;

    /* nginx -t has memory of its own, which ends with it: leave it alone */

    if (ngx_test_config) {
        return NGX_OK;
    }

    if (data == NULL) {
        if (ngx_faka_zone_format(zone, shop) != NGX_OK) {
            return NGX_ERROR;
        }

        shop->succeeds = ngx_faka_zone_is_known(&zone->shm.name);
    }

    if (fk_attach(&fk, ngx_faka_zone_region(shop), shop->memory, &why)
        != FK_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                      "faka_shop \"%V\": its memory was made by another "
                      "version of the module (%s); restart nginx instead of "
                      "reloading it, in %s:%ui",
                      &shop->name, why, shop->file, shop->line);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_faka_zone_format(ngx_shm_zone_t *zone, ngx_faka_shop_t *shop)
{
    u_char           *from;
    uint8_t           seed[FK_SEED_SIZE];
    ngx_slab_pool_t  *shpool;

    if (getrandom(seed, sizeof(seed), 0) != (ssize_t) sizeof(seed)) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log, ngx_errno,
                      "faka_shop \"%V\": getrandom() failed, in %s:%ui",
                      &shop->name, shop->file, shop->line);
        return NGX_ERROR;
    }

    shpool = (ngx_slab_pool_t *) zone->shm.addr;
    from = ngx_slab_alloc(shpool, ngx_faka_zone_size(shop));

    shpool->data = from == NULL ? NULL
                   : ngx_faka_zone_map(zone, from, shop->memory);

    if (shpool->data == NULL
        || fk_format(shpool->data, shop->memory, seed) != FK_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log,
                      shpool->data == NULL ? NGX_ENOMEM : 0,
                      "faka_shop \"%V\": its memory cannot be laid out, in "
                      "%s:%ui", &shop->name, shop->file, shop->line);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Of huge pages all of the region, and one that may go before it. */

static size_t
ngx_faka_zone_size(const ngx_faka_shop_t *shop)
{
    return ngx_align(shop->memory, NGX_FAKA_HUGE_SIZE) + NGX_FAKA_HUGE_SIZE;
}


/*
 * Returns where the region lies; NULL without memory.  The zone's own mapping
 * begins where the kernel liked, which fits no huge page: so another, of the
 * same size, is put in its place, for as long as the zone lives.
 * MADV_COLLAPSE asks for huge pages whatever
 * /sys/kernel/mm/transparent_hugepage says (but for "deny"), and for each of
 * them wants one small page to be there.  Where it is refused, or the time is
 * over, small pages serve as well.
 */

static u_char *
ngx_faka_zone_map(ngx_shm_zone_t *zone, u_char *from, size_t size)
{
    u_char      *region, *page;
    ngx_msec_t   started;

    region = ngx_align_ptr(from, NGX_FAKA_HUGE_SIZE);
    size = ngx_align(size, NGX_FAKA_HUGE_SIZE);

    if (mmap(region, size, PROT_READ|PROT_WRITE,
             MAP_SHARED|MAP_ANONYMOUS|MAP_FIXED, -1, 0)
        == MAP_FAILED)
    {
        return NULL;
    }

    started = ngx_current_msec;

    for (page = region;
         page < region + size
         && ngx_current_msec - started < NGX_FAKA_HUGE_MS;
         page += NGX_FAKA_HUGE_SIZE)
    {
        *page = 0;

        if (madvise(page, NGX_FAKA_HUGE_SIZE, MADV_COLLAPSE) == -1) {
            ngx_log_error(NGX_LOG_NOTICE, zone->shm.log, ngx_errno,
                          "no huge pages for \"%V\" beyond %uzM",
                          &zone->shm.name, (size_t) (page - region) >> 20);
            break;
        }

        ngx_time_update();
    }

    return region;
}


/* Of the configuration that runs until this one does: of another size, or of
 * another file of the module. */

static ngx_uint_t
ngx_faka_zone_is_known(ngx_str_t *name)
{
    ngx_uint_t        i;
    ngx_shm_zone_t   *zones;
    ngx_list_part_t  *part;

    for (part = (ngx_list_part_t *) &ngx_cycle->shared_memory.part;
         part != NULL; part = part->next)
    {
        zones = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (zones[i].shm.name.len == name->len
                && ngx_memcmp(zones[i].shm.name.data, name->data, name->len)
                   == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


void *
ngx_faka_zone_region(const ngx_faka_shop_t *shop)
{
    return ((ngx_slab_pool_t *) shop->zone->shm.addr)->data;
}


void
ngx_faka_zone_bells(ngx_cycle_t *cycle, ngx_faka_shop_t *shop)
{
    int                 *fds;
    ngx_uint_t           i, count;
    ngx_core_conf_t     *ccf;
    ngx_pool_cleanup_t  *cln;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    count = ngx_min((ngx_uint_t) ngx_max(ccf->worker_processes, 1),
                    NGX_FAKA_WORKERS_MAX);

    fds = ngx_palloc(cycle->pool, count * sizeof(int));
    cln = ngx_pool_cleanup_add(cycle->pool, 0);

    if (fds == NULL || cln == NULL) {
        return;
    }

    for (i = 0; i < count; i++) {

        fds[i] = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);

        if (fds[i] == -1) {
            ngx_log_error(NGX_LOG_WARN, cycle->log, ngx_errno,
                          "eventfd() failed; workers of faka_shop \"%V\" will "
                          "poll instead of ringing each other", &shop->name);
            break;
        }
    }

    shop->event_fds = fds;
    shop->event_fd_count = i;

    cln->handler = ngx_faka_zone_bells_close;
    cln->data = shop;
}


/* Master and workers each close their own copies with their cycle. */

static void
ngx_faka_zone_bells_close(void *data)
{
    ngx_faka_shop_t *shop = data;

    ngx_uint_t  i;

    for (i = 0; i < shop->event_fd_count; i++) {
        (void) close(shop->event_fds[i]);
    }

    shop->event_fd_count = 0;
}

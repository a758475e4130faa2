/*
 * The faka_shop block and what stands in it, but for redis and channels.
 *
 * Each set function reads one directive and refuses what cannot work; what
 * is missing is found when the block ends, by a table that also says what to
 * write.
 */


#include "ngx_faka_master.h"


static ngx_faka_shop_t *ngx_faka_shop_create(ngx_conf_t *cf,
    ngx_faka_main_conf_t *fmcf, const ngx_str_t *name);
static ngx_int_t ngx_faka_shop_complete(ngx_conf_t *cf,
    ngx_faka_main_conf_t *fmcf);
static ngx_int_t ngx_faka_shop_key(ngx_conf_t *cf, ngx_str_t *path,
    unsigned char key[PAY_MASTER_KEY_SIZE]);


#define NGX_FAKA_HOLD_S          900
#define NGX_FAKA_SNAPSHOT_SIZE   ((uint64_t) 128 << 20)
#define NGX_FAKA_SNAPSHOT_S      3600
#define NGX_FAKA_RETENTION_S     3600
#define NGX_FAKA_RECONCILE_S     30
#define NGX_FAKA_RECONCILE_RATE  10
#define NGX_FAKA_ARCHIVE_S       (365 * 86400)
#define NGX_FAKA_COMMISSION_LEVELS  2
#define NGX_FAKA_SETTLE_AFTER_S  (7 * 86400)
#define NGX_FAKA_TOKEN_SIZE_MIN  32
#define NGX_FAKA_TOKEN_SIZE_MAX  128

/* Gateways are given /notify/CHANNEL and /return/ORDER below it. */

#define NGX_FAKA_PUBLIC_URL_SIZE_MAX                                          \
    (PAY_BASE_URL_SIZE_MAX - (sizeof("/return/") - 1) - FK_ORDER_TEXT_SIZE)

_Static_assert(PAY_CHANNEL_NAME_SIZE_MAX <= FK_ORDER_TEXT_SIZE,
               "/return/ORDER is the longer one");


static const struct {
    ngx_uint_t   bit;
    const char  *name;
    const char  *example;
} ngx_faka_shop_required[] = {
    { NGX_FAKA_SHOP_MEMORY,      "memory",           "memory 64m;" },
    { NGX_FAKA_SHOP_REDIS,       "redis",
                                 "redis unix:/run/faka/redis.sock;" },
    { NGX_FAKA_SHOP_KEY_FILE,    "key_file",
                                 "key_file secrets/cards.key;" },
    { NGX_FAKA_SHOP_PUBLIC_URL,  "public_url",
                                 "public_url https://shop.example;" },
    { NGX_FAKA_SHOP_ADMIN_TOKEN, "admin_token_file",
                                 "admin_token_file secrets/admin.token;" }
};


ngx_int_t
ngx_faka_conf_once(ngx_conf_t *cf, ngx_command_t *cmd, ngx_uint_t *given)
{
    ngx_uint_t  bit;

    bit = (ngx_uint_t) 1 << cmd->offset;

    if (*given & bit) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is given twice in one block; keep one",
                           &cmd->name);
        return NGX_ERROR;
    }

    *given |= bit;

    return NGX_OK;
}


char *
ngx_faka_shop_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    char        *rv;
    ngx_str_t   *value;
    ngx_conf_t   save;

    value = cf->args->elts;

    fmcf->shop = ngx_faka_shop_create(cf, fmcf, &value[1]);
    if (fmcf->shop == NULL) {
        return NGX_CONF_ERROR;
    }

    fmcf->shop_given = 0;

    save = *cf;
    cf->cmd_type = NGX_FAKA_SHOP_CONF;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    if (rv == NGX_CONF_OK && ngx_faka_shop_complete(cf, fmcf) != NGX_OK) {
        rv = NGX_CONF_ERROR;
    }

    fmcf->shop = NULL;

    return rv;
}


static ngx_faka_shop_t *
ngx_faka_shop_create(ngx_conf_t *cf, ngx_faka_main_conf_t *fmcf,
    const ngx_str_t *name)
{
    ngx_uint_t         i;
    ngx_faka_shop_t   *shop, **shops;

    if (!pay_is_plain_id(pay_str(name->data, name->len),
                         NGX_FAKA_SHOP_NAME_SIZE_MAX, ""))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the name of a shop has 1 to %d characters of "
                           "A-Z a-z 0-9 _ -; \"%V\" has others",
                           NGX_FAKA_SHOP_NAME_SIZE_MAX, name);
        return NULL;
    }

    shops = fmcf->shops.elts;

    for (i = 0; i < fmcf->shops.nelts; i++) {

        if (shops[i]->name.len == name->len
            && ngx_memcmp(shops[i]->name.data, name->data, name->len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "there is a faka_shop \"%V\" already, in "
                               "%s:%ui; give each shop a name of its own",
                               name, shops[i]->file, shops[i]->line);
            return NULL;
        }
    }

    if (fmcf->shops.nelts == NGX_FAKA_SHOPS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %d shops; run another nginx for the "
                           "rest", NGX_FAKA_SHOPS_MAX);
        return NULL;
    }

    shop = ngx_pcalloc(cf->pool, sizeof(ngx_faka_shop_t));
    shops = ngx_array_push(&fmcf->shops);

    if (shop == NULL || shops == NULL
        || ngx_array_init(&shop->channels, cf->pool, 2, sizeof(pay_channel_t))
           != NGX_OK)
    {
        return NULL;
    }

    *shops = shop;

    shop->name = *name;
    shop->file = cf->conf_file->file.name.data;
    shop->line = cf->conf_file->line;
    shop->durability = NGX_FAKA_DURABILITY_DISK;
    shop->hold_s = NGX_FAKA_HOLD_S;
    shop->snapshot_size = NGX_FAKA_SNAPSHOT_SIZE;
    shop->snapshot_s = NGX_FAKA_SNAPSHOT_S;
    shop->retention_s = NGX_FAKA_RETENTION_S;
    shop->reconcile_s = NGX_FAKA_RECONCILE_S;
    shop->reconcile_rate = NGX_FAKA_RECONCILE_RATE;
    shop->archive_s = NGX_FAKA_ARCHIVE_S;
    shop->commission_levels = NGX_FAKA_COMMISSION_LEVELS;
    shop->settle_after_s = NGX_FAKA_SETTLE_AFTER_S;

    return shop;
}


static ngx_int_t
ngx_faka_shop_complete(ngx_conf_t *cf, ngx_faka_main_conf_t *fmcf)
{
    ngx_uint_t        i;
    ngx_faka_shop_t  *shop;

    shop = fmcf->shop;

    for (i = 0; i < sizeof(ngx_faka_shop_required)
                    / sizeof(ngx_faka_shop_required[0]); i++)
    {
        if (fmcf->shop_given
            & ((ngx_uint_t) 1 << ngx_faka_shop_required[i].bit))
        {
            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "faka_shop \"%V\" has no \"%s\"; add, for example: "
                           "%s", &shop->name, ngx_faka_shop_required[i].name,
                           ngx_faka_shop_required[i].example);
        return NGX_ERROR;
    }

    if (shop->channels.nelts == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "faka_shop \"%V\" has no \"channel\", so nobody "
                           "could pay; add, for example: channel epay epay "
                           "{ ... }", &shop->name);
        return NGX_ERROR;
    }

    if (ngx_faka_channel_backups(cf, shop) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_faka_reconcile_reaches(cf, shop);

    if (shop->standby && shop->durability == NGX_FAKA_DURABILITY_MEMORY) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"role standby\" needs \"durability disk\": with "
                           "\"memory\", a server that is cut off from Redis "
                           "sells on after the other one has taken over");
        return NGX_ERROR;
    }

    /* Both ask who the buyer is. */
    if (shop->rules[NGX_FAKA_RULES_MAIN].source.len != 0
        || shop->rules[NGX_FAKA_RULES_CANARY].source.len != 0
        || shop->review_first)
    {
        shop->buyer_history = 1;
    }

    return ngx_faka_zone_add(cf, shop);
}


char *
ngx_faka_shop_memory(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    off_t        size;                 /* not ngx_parse_size: it has no g */
    fk_plan_t    plan;
    ngx_str_t   *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    size = ngx_parse_offset(&value[1]);

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"memory %V\" is no size; write it like 64m or 1g",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    if (fk_plan((size_t) size, &plan) != FK_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"memory %V\" is not between %uzm and %uzm; give "
                           "the shop a size within these limits", &value[1],
                           FK_REGION_SIZE_MIN >> 20, FK_REGION_SIZE_MAX >> 20);
        return NGX_CONF_ERROR;
    }

    fmcf->shop->memory = ngx_align((size_t) size, ngx_pagesize);

    return NGX_CONF_OK;
}


char *
ngx_faka_shop_durability(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "disk") == 0) {
        fmcf->shop->durability = NGX_FAKA_DURABILITY_DISK;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "memory") == 0) {
        fmcf->shop->durability = NGX_FAKA_DURABILITY_MEMORY;
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"durability %V\" is unknown; write disk or memory",
                       &value[1]);

    return NGX_CONF_ERROR;
}


char *
ngx_faka_shop_key_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t     *value;
    pay_master_t  *master;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    master = &fmcf->shop->master;

    if (ngx_faka_secret_wipe_later(cf, master, sizeof(pay_master_t)) != NGX_OK
        || ngx_faka_shop_key(cf, &value[1], master->current) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (ngx_faka_shop_key(cf, &value[2], master->previous) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (pay_equal_secret(pay_str(master->current, PAY_MASTER_KEY_SIZE),
                         pay_str(master->previous, PAY_MASTER_KEY_SIZE)))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the two files of \"key_file\" hold the same key; "
                           "write the new key into \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    master->has_previous = true;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_faka_shop_key(ngx_conf_t *cf, ngx_str_t *path,
    unsigned char key[PAY_MASTER_KEY_SIZE])
{
    char       err[NGX_FAKA_ERROR_SIZE];
    ngx_str_t  content;

    if (ngx_faka_secret_read(cf, path, NGX_FAKA_SECRET, &content) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!pay_master_key_parse(pay_str(content.data, content.len), key, err,
                              sizeof(err)))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"key_file %V\": %s", path,
                           err);
        return NGX_ERROR;
    }

    return NGX_OK;
}


char *
ngx_faka_shop_hold(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_int_t   hold_s;
    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    hold_s = ngx_parse_time(&value[1], 1);

    if (hold_s == NGX_ERROR || hold_s < 1 || hold_s > FK_HOLD_S_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"hold %V\" is no time from 1s to 24h; write it "
                           "like 15m", &value[1]);
        return NGX_CONF_ERROR;
    }

    fmcf->shop->hold_s = (ngx_uint_t) hold_s;

    return NGX_CONF_OK;
}


char *
ngx_faka_shop_public_url(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value, url;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    url = value[1];

    if (!pay_is_plain_url(pay_str(url.data, url.len),
                          NGX_FAKA_PUBLIC_URL_SIZE_MAX))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"public_url %V\" is no address that a gateway "
                           "could call; write it like https://shop.example, "
                           "without ? & = #, of at most %uz bytes", &url,
                           NGX_FAKA_PUBLIC_URL_SIZE_MAX);
        return NGX_CONF_ERROR;
    }

    while (url.data[url.len - 1] == '/') {
        url.len--;
    }

    fmcf->shop->public_url = url;

    return NGX_CONF_OK;
}


char *
ngx_faka_shop_admin_token(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (ngx_faka_conf_once(cf, cmd, &fmcf->shop_given) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_faka_secret_word(cf, &value[1], NGX_FAKA_TOKEN_SIZE_MIN,
                             NGX_FAKA_TOKEN_SIZE_MAX,
                             &fmcf->shop->admin_token)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}

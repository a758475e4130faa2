/*
 * The module as nginx sees it: its directives, its configuration and the
 * points at which processes start and end.
 *
 * Directives stand in one table.  Those of a faka_shop block have contexts of
 * their own (ngx_faka_master.h); those of a location name a shop, which may be
 * defined before or after them, for it is looked up when all of http{} has
 * been read.
 */


#include "ngx_faka_call.h"
#include "ngx_faka_master.h"


static ngx_int_t ngx_faka_preconfiguration(ngx_conf_t *cf);
static void *ngx_faka_create_main_conf(ngx_conf_t *cf);
static void *ngx_faka_create_loc_conf(ngx_conf_t *cf);
static char *ngx_faka_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_faka_location(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_uint_t ngx_faka_is_prefix(const ngx_http_core_loc_conf_t *clcf);
static ngx_int_t ngx_faka_init_module(ngx_cycle_t *cycle);


/* A directive inside of a block: the last argument is its bit. */

#define ngx_faka_in_shop(name, args, set, bit)                                \
    { ngx_string(name), NGX_FAKA_SHOP_CONF|(args), set,                       \
      NGX_HTTP_MAIN_CONF_OFFSET, bit, NULL }

#define ngx_faka_in_channel(name, args, set, bit)                             \
    { ngx_string(name), NGX_FAKA_CHANNEL_CONF|(args), set,                    \
      NGX_HTTP_MAIN_CONF_OFFSET, bit, NULL }

/* A directive of a location: the last argument is its row of handlers. */

#define ngx_faka_in_location(name, row)                                       \
    { ngx_string(name), NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1, ngx_faka_location,  \
      NGX_HTTP_LOC_CONF_OFFSET, row, NULL }


static ngx_http_handler_pt  ngx_faka_handlers[] = {
    ngx_faka_products_handler,
    ngx_faka_checkout_handler,
    ngx_faka_orders_handler,
    ngx_faka_notify_handler,
    ngx_faka_admin_handler,
    ngx_faka_metrics_handler,
    ngx_faka_agents_handler,
    ngx_faka_channels_handler
};

/*
 * Handlers that take the rest of the path as a name, with an example of their
 * location.  In one of another kind they would find no name and refuse all.
 */

static const char *const  ngx_faka_below[] = {
    NULL, NULL, "/orders/", "/notify/", "/admin/", NULL, "/agents/", NULL
};


static ngx_command_t  ngx_faka_commands[] = {

    { ngx_string("faka_shop"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_faka_shop_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    ngx_faka_in_shop("memory", NGX_CONF_TAKE1, ngx_faka_shop_memory,
                     NGX_FAKA_SHOP_MEMORY),
    ngx_faka_in_shop("redis", NGX_CONF_1MORE, ngx_faka_shop_redis,
                     NGX_FAKA_SHOP_REDIS),
    ngx_faka_in_shop("durability", NGX_CONF_TAKE1, ngx_faka_shop_durability,
                     NGX_FAKA_SHOP_DURABILITY),
    ngx_faka_in_shop("key_file", NGX_CONF_TAKE12, ngx_faka_shop_key_file,
                     NGX_FAKA_SHOP_KEY_FILE),
    ngx_faka_in_shop("hold", NGX_CONF_TAKE1, ngx_faka_shop_hold,
                     NGX_FAKA_SHOP_HOLD),
    ngx_faka_in_shop("public_url", NGX_CONF_TAKE1, ngx_faka_shop_public_url,
                     NGX_FAKA_SHOP_PUBLIC_URL),
    ngx_faka_in_shop("admin_token_file", NGX_CONF_TAKE1,
                     ngx_faka_shop_admin_token, NGX_FAKA_SHOP_ADMIN_TOKEN),
    ngx_faka_in_shop("snapshot", NGX_CONF_TAKE12, ngx_faka_shop_snapshot,
                     NGX_FAKA_SHOP_SNAPSHOT),
    ngx_faka_in_shop("retention", NGX_CONF_TAKE1, ngx_faka_shop_retention,
                     NGX_FAKA_SHOP_RETENTION),
    ngx_faka_in_shop("archive", NGX_CONF_TAKE1, ngx_faka_shop_archive,
                     NGX_FAKA_SHOP_ARCHIVE),
    ngx_faka_in_shop("role", NGX_CONF_TAKE1, ngx_faka_shop_role,
                     NGX_FAKA_SHOP_ROLE),
    ngx_faka_in_shop("replicas", NGX_CONF_TAKE1, ngx_faka_shop_replicas,
                     NGX_FAKA_SHOP_REPLICAS),
    ngx_faka_in_shop("events", NGX_CONF_TAKE1, ngx_faka_shop_events,
                     NGX_FAKA_SHOP_EVENTS),
    ngx_faka_in_shop("rules", NGX_CONF_TAKE1, ngx_faka_shop_rules,
                     NGX_FAKA_SHOP_RULES),
    ngx_faka_in_shop("rules_canary", NGX_CONF_TAKE2, ngx_faka_shop_canary,
                     NGX_FAKA_SHOP_CANARY),
    ngx_faka_in_shop("price_fallback", NGX_CONF_TAKE1,
                     ngx_faka_shop_price_fallback,
                     NGX_FAKA_SHOP_PRICE_FALLBACK),
    ngx_faka_in_shop("review_over", NGX_CONF_TAKE1,
                     ngx_faka_shop_review_over, NGX_FAKA_SHOP_REVIEW_OVER),
    ngx_faka_in_shop("commission_levels", NGX_CONF_TAKE1,
                     ngx_faka_shop_commission_levels,
                     NGX_FAKA_SHOP_COMMISSION_LEVELS),
    ngx_faka_in_shop("settle_after", NGX_CONF_TAKE1,
                     ngx_faka_shop_settle_after, NGX_FAKA_SHOP_SETTLE_AFTER),
    ngx_faka_in_shop("review_first_order", NGX_CONF_FLAG,
                     ngx_faka_shop_review_first, NGX_FAKA_SHOP_REVIEW_FIRST),
    ngx_faka_in_shop("buyer_history", NGX_CONF_FLAG,
                     ngx_faka_shop_buyer_history,
                     NGX_FAKA_SHOP_BUYER_HISTORY),
    ngx_faka_in_shop("order_limit", NGX_CONF_TAKE23,
                     ngx_faka_shop_order_limit, 0),
    ngx_faka_in_shop("block_network", NGX_CONF_1MORE,
                     ngx_faka_shop_block_network, 0),
    ngx_faka_in_shop("block_domain", NGX_CONF_1MORE,
                     ngx_faka_shop_block_domain, 0),
    ngx_faka_in_shop("gateway_trusted_certificate", NGX_CONF_TAKE1,
                     ngx_faka_shop_trusted_certificate,
                     NGX_FAKA_SHOP_GATEWAY_TRUST),
    ngx_faka_in_shop("auto_refund", NGX_CONF_TAKE12,
                     ngx_faka_shop_auto_refund, NGX_FAKA_SHOP_AUTO_REFUND),
    ngx_faka_in_shop("reconcile", NGX_CONF_TAKE12, ngx_faka_shop_reconcile,
                     NGX_FAKA_SHOP_RECONCILE),
    ngx_faka_in_shop("channel", NGX_CONF_BLOCK|NGX_CONF_TAKE2,
                     ngx_faka_channel_block, 0),

    ngx_faka_in_channel("url", NGX_CONF_TAKE1, ngx_faka_channel_text,
                        PAY_SETTING_URL),
    ngx_faka_in_channel("pid", NGX_CONF_TAKE1, ngx_faka_channel_text,
                        PAY_SETTING_PID),
    ngx_faka_in_channel("app_id", NGX_CONF_TAKE1, ngx_faka_channel_text,
                        PAY_SETTING_APP_ID),
    ngx_faka_in_channel("seller_id", NGX_CONF_TAKE1, ngx_faka_channel_text,
                        PAY_SETTING_SELLER_ID),
    ngx_faka_in_channel("mchid", NGX_CONF_TAKE1, ngx_faka_channel_text,
                        PAY_SETTING_MCHID),
    ngx_faka_in_channel("serial", NGX_CONF_TAKE1, ngx_faka_channel_text,
                        PAY_SETTING_SERIAL),
    ngx_faka_in_channel("key_file", NGX_CONF_TAKE12,
                        ngx_faka_channel_key_file, PAY_SETTING_KEY_FILE),
    ngx_faka_in_channel("api_key_file", NGX_CONF_TAKE1,
                        ngx_faka_channel_api_key_file,
                        PAY_SETTING_API_KEY_FILE),
    ngx_faka_in_channel("private_key_file", NGX_CONF_TAKE1,
                        ngx_faka_channel_private_key,
                        PAY_SETTING_PRIVATE_KEY_FILE),
    ngx_faka_in_channel("public_key_file", NGX_CONF_TAKE12,
                        ngx_faka_channel_public_key,
                        PAY_SETTING_PUBLIC_KEY_FILE),
    ngx_faka_in_channel("public_key_id", NGX_CONF_TAKE1,
                        ngx_faka_channel_text, PAY_SETTING_PUBLIC_KEY_ID),
    ngx_faka_in_channel("certificate_file", NGX_CONF_TAKE12,
                        ngx_faka_channel_certificate,
                        PAY_SETTING_CERTIFICATE_FILE),
    ngx_faka_in_channel("type", NGX_CONF_TAKE1, ngx_faka_channel_text,
                        PAY_SETTING_TYPE),
    ngx_faka_in_channel("currency", NGX_CONF_TAKE1,
                        ngx_faka_channel_currency, PAY_SETTING_CURRENCY),
    ngx_faka_in_channel("notify_method", NGX_CONF_TAKE1,
                        ngx_faka_channel_method, PAY_SETTING_METHOD),
    ngx_faka_in_channel("app_certificate_file", NGX_CONF_TAKE1,
                        ngx_faka_channel_public_text,
                        PAY_SETTING_APP_CERTIFICATE),
    ngx_faka_in_channel("root_certificate_file", NGX_CONF_TAKE1,
                        ngx_faka_channel_public_text,
                        PAY_SETTING_ROOT_CERTIFICATE),
    ngx_faka_in_channel("hash", NGX_CONF_TAKE123, ngx_faka_channel_hash,
                        PAY_SETTING_HASH),
    ngx_faka_in_channel("send", NGX_CONF_TAKE2, ngx_faka_channel_custom,
                        PAY_SETTING_SEND),
    ngx_faka_in_channel("notice", NGX_CONF_TAKE23, ngx_faka_channel_custom,
                        PAY_SETTING_NOTICE),
    ngx_faka_in_channel("sign_field", NGX_CONF_TAKE12,
                        ngx_faka_channel_custom, PAY_SETTING_SIGN_FIELD),
    ngx_faka_in_channel("sign_request", NGX_CONF_1MORE,
                        ngx_faka_channel_custom, PAY_SETTING_SIGN_REQUEST),
    ngx_faka_in_channel("sign_notice", NGX_CONF_1MORE,
                        ngx_faka_channel_custom, PAY_SETTING_SIGN_NOTICE),
    ngx_faka_in_channel("success_body", NGX_CONF_TAKE1,
                        ngx_faka_channel_custom, PAY_SETTING_SUCCESS_BODY),
    ngx_faka_in_channel("label", NGX_CONF_TAKE1, ngx_faka_channel_label,
                        PAY_SETTING_LABEL),
    ngx_faka_in_channel("backup", NGX_CONF_TAKE1, ngx_faka_channel_text,
                        PAY_SETTING_BACKUP),

    ngx_faka_in_location("faka_products", 0),
    ngx_faka_in_location("faka_checkout", 1),
    ngx_faka_in_location("faka_orders", 2),
    ngx_faka_in_location("faka_notify", 3),
    ngx_faka_in_location("faka_admin", 4),
    ngx_faka_in_location("faka_metrics", 5),
    ngx_faka_in_location("faka_agents", 6),
    ngx_faka_in_location("faka_channels", 7),

    ngx_null_command
};


static ngx_http_module_t  ngx_faka_module_ctx = {
    ngx_faka_preconfiguration,             /* preconfiguration */
    ngx_faka_calls_postconfiguration,      /* postconfiguration */

    ngx_faka_create_main_conf,             /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_faka_create_loc_conf,              /* create location configuration */
    ngx_faka_merge_loc_conf                /* merge location configuration */
};


ngx_module_t  ngx_http_faka_module = {
    NGX_MODULE_V1,
    &ngx_faka_module_ctx,                  /* module context */
    ngx_faka_commands,                     /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_faka_init_module,                  /* init module */
    ngx_faka_worker_init,                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_faka_worker_exit,                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_faka_preconfiguration(ngx_conf_t *cf)
{
    return ngx_faka_variables_add(cf);
}


static void *
ngx_faka_create_main_conf(ngx_conf_t *cf)
{
    ngx_faka_main_conf_t  *fmcf;

    fmcf = ngx_pcalloc(cf->pool, sizeof(ngx_faka_main_conf_t));
    if (fmcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&fmcf->shops, cf->pool, 2, sizeof(ngx_faka_shop_t *))
        != NGX_OK)
    {
        return NULL;
    }

    return fmcf;
}


static void *
ngx_faka_create_loc_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_faka_loc_conf_t));
}


/*
 * Runs after all of http{} was read.  A block without a shop of its own has
 * the one around it: "if" and "limit_except" run the outer handler with their
 * own configuration.
 */

static char *
ngx_faka_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_faka_loc_conf_t  *prev = parent;
    ngx_faka_loc_conf_t  *conf = child;

    ngx_uint_t             i;
    ngx_faka_shop_t      **shops;
    ngx_faka_main_conf_t  *fmcf;

    if (conf->shop_name.len == 0) {
        conf->shop = prev->shop;
        return NGX_CONF_OK;
    }

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_faka_module);
    shops = fmcf->shops.elts;

    for (i = 0; i < fmcf->shops.nelts; i++) {

        if (shops[i]->name.len == conf->shop_name.len
            && ngx_memcmp(shops[i]->name.data, conf->shop_name.data,
                          conf->shop_name.len)
               == 0)
        {
            conf->shop = shops[i];
            return NGX_CONF_OK;
        }
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"%V\" names the shop \"%V\", which does not exist; "
                  "define it by faka_shop %V { ... } in http, or correct the "
                  "name, in %s:%ui",
                  &conf->directive, &conf->shop_name, &conf->shop_name,
                  conf->file, conf->line);

    return NGX_CONF_ERROR;
}


static char *
ngx_faka_location(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_faka_loc_conf_t *flcf = conf;

    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;

    value = cf->args->elts;

    if (flcf->shop_name.len > 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" stands beside \"%V\" in one location; "
                           "give each a location of its own",
                           &cmd->name, &flcf->directive);
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (ngx_faka_below[cmd->offset] && !ngx_faka_is_prefix(clcf)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" serves all that is below a path, which "
                           "\"location %V\" does not say; write it like "
                           "location %s { ... }", &cmd->name, &clcf->name,
                           ngx_faka_below[cmd->offset]);
        return NGX_CONF_ERROR;
    }

    if (value[1].len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" needs the name of a shop", &cmd->name);
        return NGX_CONF_ERROR;
    }

    flcf->shop_name = value[1];
    flcf->directive = cmd->name;
    flcf->file = cf->conf_file->file.name.data;
    flcf->line = cf->conf_file->line;

    clcf->handler = ngx_faka_handlers[cmd->offset];

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_faka_is_prefix(const ngx_http_core_loc_conf_t *clcf)
{
#if (NGX_PCRE)
    if (clcf->regex != NULL) {
        return 0;
    }
#endif

    return !clcf->exact_match && !clcf->named && !clcf->noname;
}


/*
 * Runs in the master, once a cycle.  It must not fail: nginx would end at
 * once, in a reload together with all that runs.
 */

static ngx_int_t
ngx_faka_init_module(ngx_cycle_t *cycle)
{
    ngx_uint_t              i;
    ngx_faka_shop_t       **shops;
    ngx_faka_main_conf_t   *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_faka_module);

    if (fmcf == NULL || ngx_test_config) {
        return NGX_OK;
    }

    ngx_faka_owner_init_master(cycle);

    shops = fmcf->shops.elts;

    for (i = 0; i < fmcf->shops.nelts; i++) {
        ngx_faka_zone_bells(cycle, shops[i]);
    }

    return NGX_OK;
}

/*
 * What the files that read the configuration share.  They run in the master,
 * as root, and under nginx -t: nothing here connects to Redis or changes a
 * region that is in use.
 *
 * Every mistake ends in one [emerg] line with file, line and what to do.
 */

#ifndef NGX_FAKA_MASTER_H_INCLUDED_
#define NGX_FAKA_MASTER_H_INCLUDED_


#include "ngx_faka.h"


#define NGX_FAKA_ERROR_SIZE         512
#define NGX_FAKA_SECRET_SIZE_MAX    4096
#define NGX_FAKA_PUBLIC_SIZE_MAX    16384  /* certificates with their chain */
#define NGX_FAKA_SHOP_NAME_SIZE_MAX 32

/*
 * Contexts of our own for directives: bits that nginx leaves free between
 * the flags of arguments and those of its contexts.  So blocks can be nested
 * (a handler as of types{} allows none), and no directive of another module
 * is taken inside of them.
 */

#define NGX_FAKA_SHOP_CONF     0x00100000
#define NGX_FAKA_CHANNEL_CONF  0x00200000


/* Directives of a block, by their bit: given once, given at all. */

typedef enum {
    NGX_FAKA_SHOP_MEMORY = 0,
    NGX_FAKA_SHOP_REDIS,
    NGX_FAKA_SHOP_DURABILITY,
    NGX_FAKA_SHOP_KEY_FILE,
    NGX_FAKA_SHOP_HOLD,
    NGX_FAKA_SHOP_PUBLIC_URL,
    NGX_FAKA_SHOP_ADMIN_TOKEN,
    NGX_FAKA_SHOP_SNAPSHOT,
    NGX_FAKA_SHOP_RETENTION,
    NGX_FAKA_SHOP_ARCHIVE,
    NGX_FAKA_SHOP_ROLE,
    NGX_FAKA_SHOP_REPLICAS,
    NGX_FAKA_SHOP_EVENTS,
    NGX_FAKA_SHOP_RULES,
    NGX_FAKA_SHOP_CANARY,
    NGX_FAKA_SHOP_PRICE_FALLBACK,
    NGX_FAKA_SHOP_REVIEW_OVER,
    NGX_FAKA_SHOP_REVIEW_FIRST,
    NGX_FAKA_SHOP_BUYER_HISTORY,
    NGX_FAKA_SHOP_COMMISSION_LEVELS,
    NGX_FAKA_SHOP_SETTLE_AFTER,
    NGX_FAKA_SHOP_GATEWAY_TRUST,
    NGX_FAKA_SHOP_RECONCILE,
    NGX_FAKA_SHOP_AUTO_REFUND
} ngx_faka_shop_directive_t;

/* Those of a channel are pay_setting_e. */


/* NGX_ERROR, said why: the directive (cmd->offset is its bit) comes again. */
ngx_int_t ngx_faka_conf_once(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_uint_t *given);


/* ngx_faka_master_shop.c: the set functions of faka_shop and inside it. */
char *ngx_faka_shop_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_faka_shop_memory(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_faka_shop_durability(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_shop_key_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_faka_shop_hold(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_faka_shop_public_url(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_shop_admin_token(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* ngx_faka_master_journal.c */
char *ngx_faka_shop_snapshot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_faka_shop_retention(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_shop_archive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_faka_shop_role(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_faka_shop_replicas(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_faka_shop_events(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* ngx_faka_master_rules.c */
char *ngx_faka_shop_rules(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_faka_shop_canary(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_faka_shop_price_fallback(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* ngx_faka_master_commission.c */
char *ngx_faka_shop_commission_levels(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_shop_settle_after(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* ngx_faka_master_risk.c */
char *ngx_faka_shop_review_over(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_shop_review_first(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_shop_buyer_history(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_shop_order_limit(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_shop_block_network(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_shop_block_domain(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* ngx_faka_master_reconcile.c */
/* At the end of a block: warns where the last questions are never asked. */
void ngx_faka_reconcile_reaches(ngx_conf_t *cf, const ngx_faka_shop_t *shop);
char *ngx_faka_shop_reconcile(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_shop_auto_refund(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* ngx_faka_master_redis.c */
char *ngx_faka_shop_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* ngx_faka_master_channel.c, ngx_faka_master_channel_keys.c */
char *ngx_faka_channel_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
/* Where a setting is kept that is a text. */
pay_str_t *ngx_faka_channel_text_of(pay_channel_t *channel,
    ngx_uint_t setting);
char *ngx_faka_channel_text(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_faka_channel_key_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_channel_api_key_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_channel_private_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_channel_public_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_channel_certificate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_channel_currency(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_channel_method(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_channel_public_text(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_channel_hash(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_faka_channel_custom(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_faka_channel_label(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
/* When all channels are known; NGX_ERROR, said why. */
ngx_int_t ngx_faka_channel_backups(ngx_conf_t *cf,
    const ngx_faka_shop_t *shop);


/* Whom a file may be open to besides its owner. */
typedef enum {
    NGX_FAKA_SECRET = 0,               /* to nobody */
    NGX_FAKA_PUBLIC                    /* to read, to all */
} ngx_faka_secret_mode_t;

/*
 * ngx_faka_master_secret.c: the whole content of a file with a key, in memory
 * that is wiped when the configuration goes.  The path is relative to the
 * configuration's folder, and becomes absolute.  Refused with a reason: what
 * is missing, empty, no regular file, longer than NGX_FAKA_SECRET_SIZE_MAX
 * (where all may read it, NGX_FAKA_PUBLIC_SIZE_MAX),
 * more open than mode says, or owned by neither root nor ourselves.
 */
ngx_int_t ngx_faka_secret_read(ngx_conf_t *cf, ngx_str_t *path,
    ngx_faka_secret_mode_t mode, ngx_str_t *content);

/*
 * The same for a secret of size_min..size_max visible ASCII characters and
 * at most one newline; secret is NUL-terminated.
 */
ngx_int_t ngx_faka_secret_word(ngx_conf_t *cf, ngx_str_t *path,
    size_t size_min, size_t size_max, ngx_str_t *secret);

/* Wipes data when the pool of the configuration is destroyed. */
ngx_int_t ngx_faka_secret_wipe_later(ngx_conf_t *cf, void *data, size_t size);


/* ngx_faka_master_zone.c */

/* Asks nginx for the shop's zone; shop->memory is set. */
ngx_int_t ngx_faka_zone_add(ngx_conf_t *cf, ngx_faka_shop_t *shop);

/* init_module: one eventfd a worker.  Without them workers poll. */
void ngx_faka_zone_bells(ngx_cycle_t *cycle, ngx_faka_shop_t *shop);


/* ngx_faka_master_owner.c: once a cycle fills in ngx_faka_owner, and names
 * the sockets' generation to the next binary. */
void ngx_faka_owner_init_master(ngx_cycle_t *cycle);


#endif /* NGX_FAKA_MASTER_H_INCLUDED_ */

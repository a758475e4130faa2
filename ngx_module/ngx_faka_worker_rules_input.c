/*
 * What a rule sees of an order: the argument o, filled in from the shop.
 *
 * Every field that is not allowed to be nil has a value, so that a rule need
 * not ask; counts, which take time, are looked up when it asks for one.  At a
 * payment the network is the gateway's, and tells nothing of the buyer: its
 * counts are 0 then.
 */

#include "ngx_faka_order.h"
#include "ngx_faka_rules.h"


/* A network's bytes: of IPv6, /48; of IPv4 3, /24. */
#define NGX_FAKA_NETWORK_SIZE  6


static void ngx_faka_rules_input_time(ngx_faka_rules_t *rules);
static void ngx_faka_rules_input_buyer(ngx_faka_rules_t *rules,
    const ngx_faka_sale_t *sale);
static void ngx_faka_rules_later(void *data, fl_field_t field);
static int ngx_faka_rules_signal(void *data, fk_str_t name, int64_t *number);
static fk_str_t ngx_faka_rules_network(struct sockaddr *sockaddr,
    u_char network[NGX_FAKA_NETWORK_SIZE]);


/* The fields of a rate stand in a row: in a minute, an hour, a day. */

static const fl_field_t  ngx_faka_rules_first[FK_RATE_COUNT] = {
    [FK_RATE_CONTACT] = FL_FIELD_CONTACT_1M,
    [FK_RATE_IP] = FL_FIELD_IP_1M,
    [FK_RATE_AGENT] = FL_FIELD_AGENT_1M,
    [FK_RATE_SKU] = FL_FIELD_SKU_1M,
    [FK_RATE_PAID] = FL_FIELD_PAID_1M
};


static ngx_inline fk_str_t
ngx_faka_rules_text(const char *text)
{
    return (fk_str_t) { (const uint8_t *) text, ngx_strlen(text) };
}


void
ngx_faka_rules_input(ngx_faka_rules_t *rules, const ngx_faka_sale_t *sale)
{
    fl_input_t               *in;
    const fk_product_view_t  *p;

    in = &rules->input;
    p = sale->product;

    fl_input_clear(in);

    fl_input_text(in, FL_FIELD_SKU, ngx_faka_rules_text(p->sku));
    fl_input_text(in, FL_FIELD_KIND,
                  ngx_faka_rules_text(fk_kind_word[p->kind]));
    fl_input_text(in, FL_FIELD_CURRENCY, ngx_faka_rules_text(p->currency));
    fl_input_int(in, FL_FIELD_QTY, sale->qty);
    fl_input_int(in, FL_FIELD_UNIT_PRICE, p->price);
    fl_input_int(in, FL_FIELD_LIST_TOTAL, sale->step[FK_STEP_LIST]);
    fl_input_int(in, FL_FIELD_TIER_TOTAL, sale->step[FK_STEP_TIER]);
    fl_input_int(in, FL_FIELD_TOTAL, sale->step[FK_STEP_COUPON]);
    fl_input_int(in, FL_FIELD_STOCK, p->sellable);
    fl_input_int(in, FL_FIELD_SOLD, p->sold);

    if (p->sale_from_s != 0) {
        fl_input_int(in, FL_FIELD_SALE_FROM, p->sale_from_s);
    }

    if (p->sale_to_s != 0) {
        fl_input_int(in, FL_FIELD_SALE_TO, p->sale_to_s);
    }

    ngx_faka_rules_input_time(rules);
    ngx_faka_rules_input_buyer(rules, sale);

    in->signal = ngx_faka_rules_signal;
    in->later = ngx_faka_rules_later;
    in->data = rules;
}


/* The shop's time zone is nginx's: env TZ=Asia/Shanghai; */

static void
ngx_faka_rules_input_time(ngx_faka_rules_t *rules)
{
    time_t     now_s;
    struct tm  tm;

    now_s = (time_t) (rules->env.now_ms / 1000);

    if (now_s / 60 != rules->clock_s / 60) {
        ngx_libc_localtime(now_s, &tm);

        rules->clock_s = now_s;
        rules->hour = tm.tm_hour;
        rules->weekday = tm.tm_wday == 0 ? 7 : tm.tm_wday;
    }

    fl_input_int(&rules->input, FL_FIELD_NOW, now_s);
    fl_input_int(&rules->input, FL_FIELD_HOUR, rules->hour);
    fl_input_int(&rules->input, FL_FIELD_WEEKDAY, rules->weekday);
}


static void
ngx_faka_rules_input_buyer(ngx_faka_rules_t *rules,
    const ngx_faka_sale_t *sale)
{
    int64_t                 since_s;
    fl_input_t             *in;
    const fk_buyer_view_t  *buyer;

    in = &rules->input;
    buyer = &sale->buyer;

    fl_input_int(in, FL_FIELD_BUYER_ORDERS, buyer->orders_count);
    fl_input_int(in, FL_FIELD_BUYER_SPENT, buyer->spent);

    if (buyer->last_paid_s != 0) {
        since_s = rules->env.now_ms / 1000 - buyer->last_paid_s;
        fl_input_int(in, FL_FIELD_BUYER_DAYS, ngx_max(since_s, 0) / 86400);
    }

    if (buyer->level[0] != '\0') {
        fl_input_text(in, FL_FIELD_LEVEL, ngx_faka_rules_text(buyer->level));
    }

    if (sale->coupon.size != 0) {
        fl_input_text(in, FL_FIELD_COUPON, sale->coupon);
    }

    if (sale->agent.size != 0) {
        fl_input_text(in, FL_FIELD_AGENT, sale->agent);
    }
}


void
ngx_faka_rules_input_risk(ngx_faka_rules_t *rules,
    const ngx_faka_sale_t *sale)
{
    fk_str_t     domain;
    fk_rate_t    rate;
    ngx_uint_t   n;
    fl_input_t  *in;

    in = &rules->input;

    fl_input_bool(in, FL_FIELD_FIRST_ORDER, sale->buyer.orders_count == 0);

    domain = ngx_faka_contact_domain(sale->contact);

    if (domain.size != 0) {
        fl_input_text(in, FL_FIELD_DOMAIN, domain);
    }

    if (sale->order != NULL) {
        fl_input_int(in, FL_FIELD_PAY_S,
                     ngx_max(rules->env.now_ms - sale->order->created_ms, 0)
                     / 1000);
    }

    for (rate = 0; rate < FK_RATE_COUNT; rate++) {
        for (n = 0; n < FK_SPAN_COUNT; n++) {
            fl_input_later(in, (fl_field_t) (ngx_faka_rules_first[rate] + n));
        }
    }
}


/* A rule asks for one of a rate's fields, and gets all of them. */

static void
ngx_faka_rules_later(void *data, fl_field_t field)
{
    ngx_faka_rules_t *rules = data;

    uint32_t    n, count[FK_SPAN_COUNT];
    uint64_t    key;
    fk_rate_t   rate;

    for (rate = 0; rate < FK_RATE_COUNT - 1; rate++) {
        if ((uint32_t) field - ngx_faka_rules_first[rate] < FK_SPAN_COUNT) {
            break;
        }
    }

    key = ngx_faka_rules_rate(rules, rate);
    ngx_memzero(count, sizeof(count));

    if (key != 0) {
        fk_rate_get(&rules->worker->fk, &rules->env, rate, key, count);
    }

    for (n = 0; n < FK_SPAN_COUNT; n++) {
        fl_input_int(&rules->input,
                     (fl_field_t) (ngx_faka_rules_first[rate] + n), count[n]);
    }
}


uint64_t
ngx_faka_rules_rate(ngx_faka_rules_t *rules, fk_rate_t rate)
{
    u_char            network[NGX_FAKA_NETWORK_SIZE];
    fk_str_t          key;
    ngx_faka_sale_t  *sale;

    sale = &rules->sale;

    if (sale->rate[rate] != 0) {
        return sale->rate[rate];
    }

    switch (rate) {

    case FK_RATE_IP:
        key = ngx_faka_rules_network(sale->sockaddr, network);
        break;

    case FK_RATE_AGENT:
        key = sale->agent;
        break;

    case FK_RATE_SKU:
        key = ngx_faka_rules_text(sale->product->sku);
        break;

    default:
        key = sale->contact;
    }

    if (key.size != 0) {
        sale->rate[rate] = fk_rate_key(&rules->worker->fk, key);
    }

    return sale->rate[rate];
}


static int
ngx_faka_rules_signal(void *data, fk_str_t name, int64_t *number)
{
    ngx_faka_rules_t *rules = data;

    return fk_signal_get(&rules->worker->fk, &rules->env, name, number);
}


/* size 0: there is none. */

static fk_str_t
ngx_faka_rules_network(struct sockaddr *sockaddr,
    u_char network[NGX_FAKA_NETWORK_SIZE])
{
    size_t                size;
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    size = 0;

    if (sockaddr != NULL && sockaddr->sa_family == AF_INET) {
        sin = (struct sockaddr_in *) sockaddr;
        size = 3;
        ngx_memcpy(network, &sin->sin_addr, size);
    }

#if (NGX_HAVE_INET6)

    if (sockaddr != NULL && sockaddr->sa_family == AF_INET6) {
        sin6 = (struct sockaddr_in6 *) sockaddr;

        if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
            size = 3;
            ngx_memcpy(network, &sin6->sin6_addr.s6_addr[12], size);

        } else {
            size = NGX_FAKA_NETWORK_SIZE;
            ngx_memcpy(network, &sin6->sin6_addr, size);
        }
    }

#endif

    return (fk_str_t) { network, size };
}

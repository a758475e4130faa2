/*
 * What a rule sees of an order: the argument o.  A field is looked up when the
 * rule asks for it.
 *
 * Every field that is not allowed to be nil has a value, so that a rule need
 * not ask.  At a payment the network is the gateway's, and tells nothing of
 * the buyer: its counts are 0 then.
 */

#include "ngx_faka_order.h"
#include "ngx_faka_rules.h"


/* A network's bytes: of IPv6, /48; of IPv4 3, /24. */
#define NGX_FAKA_NETWORK_SIZE  6


static void ngx_faka_rules_later(void *data, fl_field_t field);
static fk_str_t ngx_faka_rules_field_text(const ngx_faka_sale_t *sale,
    fl_field_t field);
static ngx_uint_t ngx_faka_rules_field_number(ngx_faka_rules_t *rules,
    fl_field_t field, int64_t *number);
static ngx_uint_t ngx_faka_rules_field_buyer(const ngx_faka_rules_t *rules,
    fl_field_t field, int64_t *number);
static const struct tm *ngx_faka_rules_time(ngx_faka_rules_t *rules);
static ngx_uint_t ngx_faka_rules_field_rate(ngx_faka_rules_t *rules,
    fl_field_t field);
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
ngx_faka_rules_input(ngx_faka_rules_t *rules)
{
    fl_input_t  *in;

    in = &rules->input;

    fl_input_clear(in);
    fl_input_int(in, FL_FIELD_TOTAL, rules->sale.step[FK_STEP_COUPON]);
    in->later = ngx_faka_rules_later;
    in->signal = ngx_faka_rules_signal;
    in->data = rules;
}


static void
ngx_faka_rules_later(void *data, fl_field_t field)
{
    ngx_faka_rules_t *rules = data;

    int64_t      number;
    fk_str_t     text;
    fl_input_t  *in;

    in = &rules->input;

    switch (fl_fields[field].type) {

    case FL_TEXT:
        text = ngx_faka_rules_field_text(&rules->sale, field);

        if (text.size != 0) {
            fl_input_text(in, field, text);
        }

        break;

    case FL_BOOL:
        if (field == FL_FIELD_FIRST_ORDER) {
            fl_input_bool(in, field, rules->sale.buyer.orders_count == 0);
        }

        break;

    default:
        if (ngx_faka_rules_field_rate(rules, field)) {
            break;
        }

        if (ngx_faka_rules_field_number(rules, field, &number)
            || ngx_faka_rules_field_buyer(rules, field, &number))
        {
            fl_input_int(in, field, number);
        }
    }
}


/* size 0: nil. */

static fk_str_t
ngx_faka_rules_field_text(const ngx_faka_sale_t *sale, fl_field_t field)
{
    switch (field) {

    case FL_FIELD_SKU:
        return ngx_faka_rules_text(sale->product->sku);

    case FL_FIELD_KIND:
        return ngx_faka_rules_text(fk_kind_word[sale->product->kind]);

    case FL_FIELD_CURRENCY:
        return ngx_faka_rules_text(sale->product->currency);

    case FL_FIELD_LEVEL:
        return ngx_faka_rules_text(sale->buyer.level);

    case FL_FIELD_AGENT:
        return sale->agent;

    case FL_FIELD_COUPON:
        return sale->coupon;

    case FL_FIELD_DOMAIN:
        return ngx_faka_contact_domain(sale->contact);

    default:
        return (fk_str_t) { NULL, 0 };
    }
}


/* 0: nil, or another's field. */

static ngx_uint_t
ngx_faka_rules_field_number(ngx_faka_rules_t *rules, fl_field_t field,
    int64_t *number)
{
    const ngx_faka_sale_t    *sale;
    const fk_product_view_t  *p;

    sale = &rules->sale;
    p = sale->product;

    switch (field) {

    case FL_FIELD_QTY:
        *number = sale->qty;
        return 1;

    case FL_FIELD_UNIT_PRICE:
        *number = p->price;
        return 1;

    case FL_FIELD_LIST_TOTAL:
        *number = sale->step[FK_STEP_LIST];
        return 1;

    case FL_FIELD_TIER_TOTAL:
        *number = sale->step[FK_STEP_TIER];
        return 1;

    case FL_FIELD_STOCK:
        *number = p->sellable;
        return 1;

    case FL_FIELD_SOLD:
        *number = p->sold;
        return 1;

    case FL_FIELD_SALE_FROM:
        *number = p->sale_from_s;
        return p->sale_from_s != 0;

    case FL_FIELD_SALE_TO:
        *number = p->sale_to_s;
        return p->sale_to_s != 0;

    case FL_FIELD_NOW:
        *number = rules->env.now_ms / 1000;
        return 1;

    case FL_FIELD_HOUR:
        *number = ngx_faka_rules_time(rules)->tm_hour;
        return 1;

    case FL_FIELD_WEEKDAY:
        *number = ngx_faka_rules_time(rules)->tm_wday;
        *number = *number == 0 ? 7 : *number;
        return 1;

    default:
        return 0;
    }
}


static ngx_uint_t
ngx_faka_rules_field_buyer(const ngx_faka_rules_t *rules, fl_field_t field,
    int64_t *number)
{
    const fk_buyer_view_t  *buyer;
    const fk_order_view_t  *order;

    buyer = &rules->sale.buyer;
    order = rules->sale.order;

    switch (field) {

    case FL_FIELD_BUYER_ORDERS:
        *number = buyer->orders_count;
        return 1;

    case FL_FIELD_BUYER_SPENT:
        *number = buyer->spent;
        return 1;

    case FL_FIELD_BUYER_DAYS:
        *number = rules->env.now_ms / 1000 - buyer->last_paid_s;
        *number = ngx_max(*number, 0) / 86400;
        return buyer->last_paid_s != 0;

    case FL_FIELD_PAY_S:
        if (order == NULL) {
            return 0;
        }

        *number = ngx_max(rules->env.now_ms - order->created_ms, 0) / 1000;
        return 1;

    default:
        return 0;
    }
}


/* The shop's time zone is nginx's: env TZ=Asia/Shanghai; */

static const struct tm *
ngx_faka_rules_time(ngx_faka_rules_t *rules)
{
    time_t  now_s;

    now_s = (time_t) (rules->env.now_ms / 1000);

    if (now_s / 60 != rules->clock_s / 60) {
        ngx_libc_localtime(now_s, &rules->clock);
        rules->clock_s = now_s;
    }

    return &rules->clock;
}


/* All of its rate at once; 0: it is none of a rate. */

static ngx_uint_t
ngx_faka_rules_field_rate(ngx_faka_rules_t *rules, fl_field_t field)
{
    uint32_t    n, count[FK_SPAN_COUNT];
    uint64_t    key;
    fk_rate_t   rate;

    for (rate = 0; rate < FK_RATE_COUNT; rate++) {
        if ((uint32_t) field - ngx_faka_rules_first[rate] < FK_SPAN_COUNT) {
            break;
        }
    }

    if (rate == FK_RATE_COUNT) {
        return 0;
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

    return 1;
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

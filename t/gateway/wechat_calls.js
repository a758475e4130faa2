'use strict';

/*
 * The calls of a WeChat Pay merchant.  Each is a method of the protocol that
 * takes a request whose signature holds, with `biz`, the JSON of a POST, and
 * returns what the reply says, or throws.
 */

const php = require('./php.js');
const { WechatError } = require('./wechat_sign.js');
const { watch } = require('./deadline.js');
const { Refusal, STATUS } = require('./trades.js');

const FEN_MAX = 10000000000;
const DAY_MS = 86400000;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/;

/* What an order may have; the rest of what WeChat knows is not played. */

const ORDER_MEMBERS = ['appid', 'mchid', 'description', 'out_trade_no',
    'time_expire', 'attach', 'notify_url', 'goods_tag', 'amount'];
const REFUND_MEMBERS = ['transaction_id', 'out_trade_no', 'out_refund_no',
    'reason', 'notify_url', 'amount'];


function bad(name) {
    return new WechatError(400, 'PARAM_ERROR', `参数错误 (bad ${name})`);
}


function only(object, names, prefix = '') {
    if (typeof object !== 'object' || object === null
        || Array.isArray(object))
    {
        throw bad(prefix || 'JSON');
    }

    const other = Object.keys(object).find((name) => !names.includes(name));

    if (other !== undefined) {
        throw bad(prefix + other);
    }
}


/* A text of that many bytes, '' if it is absent and may be. */

function text(biz, name, least, most, form = /./s) {
    const value = biz[name] ?? (least === 0 ? '' : undefined);
    const size = typeof value === 'string' ? Buffer.byteLength(value) : -1;

    if (size < least || size > most || size > 0 && !form.test(value)) {
        throw bad(name);
    }

    return value;
}


function fenOf(amount, name) {
    const value = amount[name];

    if (!Number.isInteger(value) || value < 1 || value > FEN_MAX) {
        throw bad(`amount.${name}`);
    }

    return BigInt(value);
}


/* The original wants https; a shop on loopback may go without. */

function notifyUrl(biz, least) {
    return php.fromUtf8(
        text(biz, 'notify_url', least, 255, /^https?:\/\/[^/?#\s]+[^?#\s]*$/));
}


function expiryMs(biz, nowMs) {
    const value = text(biz, 'time_expire', 0, 64, TIME);
    const leftMs = Date.parse(value) - nowMs;

    if (value !== '' && !(leftMs > 0 && leftMs <= 7 * DAY_MS)) {
        throw bad('time_expire');
    }

    return value === '' ? null : nowMs + leftMs;
}


/* An order as the book wants it. */

function parseOrder(account, biz) {
    only(biz, ORDER_MEMBERS);
    only(biz.amount, ['total', 'currency'], 'amount.');

    if (biz.mchid !== account.mchid) {
        throw bad('mchid');
    }

    if (biz.appid !== account.appid) {
        throw new WechatError(400, 'APPID_MCHID_NOT_MATCH',
            'appid与mchid不匹配 (appid)');
    }

    if ((biz.amount.currency ?? 'CNY') !== 'CNY') {
        throw bad('amount.currency');
    }

    return {
        out_trade_no: text(biz, 'out_trade_no', 6, 32, /^[0-9A-Za-z_\-|*]+$/),
        type: 'wxpay', name: php.fromUtf8(text(biz, 'description', 1, 127)),
        money_fen: fenOf(biz.amount, 'total'), notify_url: notifyUrl(biz, 1),
        return_url: '', param: php.fromUtf8(text(biz, 'attach', 0, 128)),
        expires_ms: expiryMs(biz, Date.now()), submitted: [],
    };
}


/* The same order gives the same code; a changed or ended one is refused. */

function native({ biz, base }) {
    const wanted = { protocol: this.name, ...parseOrder(this.account, biz) };
    const old = this.trades.findOrder(wanted.out_trade_no, this.name);
    let trade;

    if (old?.status > STATUS.UNPAID) {
        throw new WechatError(400, 'ORDERPAID', '该订单已支付 (paid)');
    }

    if (old?.status === STATUS.CLOSED) {
        throw new WechatError(400, 'ORDER_CLOSED', '订单已关闭 (closed)');
    }

    try {
        trade = this.trades.open(wanted);

    } catch (e) {
        if (!(e instanceof Refusal)) {
            throw e;
        }

        throw new WechatError(403, 'OUT_TRADE_NO_USED',
            `商户订单号重复 (${e.message})`);
    }

    watch(this, trade);

    return { code_url: `${base}/pay/${trade.trade_no}` };
}


function named(protocol, order) {
    const trade = protocol.trades.findOrder(order, protocol.name);

    if (trade === undefined) {
        throw new WechatError(404, 'ORDER_NOT_EXIST', '订单不存在');
    }

    return trade;
}


function query(request) {
    if (request.query.get('mchid') !== this.account.mchid) {
        throw bad('mchid');
    }

    return this.shown(named(this, request.rest));
}


/* null: 204, without a body. */

function close({ biz, rest }) {
    only(biz, ['mchid']);

    if (biz.mchid !== this.account.mchid) {
        throw bad('mchid');
    }

    const trade = named(this, rest);

    if (!this.trades.cancel(trade) && trade.status !== STATUS.CLOSED) {
        throw new WechatError(400, 'ORDERPAID', '该订单已支付 (paid)');
    }

    return null;
}


function parseRefund(biz) {
    only(biz, REFUND_MEMBERS);
    only(biz.amount, ['refund', 'total', 'currency'], 'amount.');
    text(biz, 'reason', 0, 80);

    if (biz.amount.currency !== 'CNY') {
        throw bad('amount.currency');
    }

    return {
        order: text(biz, 'out_trade_no', 0, 32),
        tradeNo: text(biz, 'transaction_id', 0, 32),
        number: text(biz, 'out_refund_no', 1, 64, /^[0-9A-Za-z_\-|*@]+$/),
        fen: fenOf(biz.amount, 'refund'), total: fenOf(biz.amount, 'total'),
        url: notifyUrl(biz, 0),
    };
}


function refundable(protocol, { order, tradeNo, fen, total }) {
    const trade = tradeNo === '' ?
        protocol.trades.findOrder(order, protocol.name) :
        protocol.trades.find(tradeNo);

    if (trade === undefined || trade.protocol !== protocol.name
        || trade.status <= STATUS.UNPAID)
    {
        throw new WechatError(404, 'RESOURCE_NOT_EXISTS',
            '订单不存在或未支付 (not found, or not paid)');
    }

    if (total !== trade.money_fen) {
        throw new WechatError(400, 'INVALID_REQUEST',
            '订单金额不一致 (amount.total)');
    }

    if (fen > trade.money_fen - trade.refunded_fen) {
        throw new WechatError(400, 'INVALID_REQUEST',
            '申请退款金额超过订单可退金额 (amount.refund)');
    }

    return trade;
}


/* A number that was used gives its refund again. */

function refund({ biz, mode }) {
    const wanted = parseRefund(biz);

    if (mode.refund_code !== undefined) {
        throw new WechatError(403, mode.refund_code, '退款失败 (refused)');
    }

    const before = this.trades.findRefund(this.name, wanted.number);

    if (before !== undefined) {
        if (before.refund.fen !== wanted.fen
            || before.trade.money_fen !== wanted.total)
        {
            throw new WechatError(400, 'INVALID_REQUEST',
                '与之前的请求不一致 (not the same refund)');
        }

        return this.shownRefund(before, mode);
    }

    const trade = refundable(this, wanted);
    const made = this.trades.refund(trade, wanted.fen, wanted.number,
        { notify_url: wanted.url });

    this.tellRefund({ trade, refund: made }, mode);

    return this.shownRefund({ trade, refund: made }, mode);
}


function refundQuery({ rest, mode }) {
    const found = this.trades.findRefund(this.name, rest);

    if (found === undefined) {
        throw new WechatError(404, 'RESOURCE_NOT_EXISTS', '退款单不存在');
    }

    return this.shownRefund(found, mode);
}


/* {path: {method: call}}; in a path, rest is what stands for * or behind. */

const CALLS = {
    '/v3/pay/transactions/native': { POST: native },
    '/v3/pay/transactions/out-trade-no/': { GET: query },
    '/v3/pay/transactions/out-trade-no/*/close': { POST: close },
    '/v3/refund/domestic/refunds': { POST: refund },
    '/v3/refund/domestic/refunds/': { GET: refundQuery },
};


module.exports = { CALLS };

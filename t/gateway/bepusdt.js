'use strict';

/*
 * BEpusdt: an order number that comes again rebuilds the order, and notices
 * tell of waiting and of the end as well.
 */

const php = require('./php.js');
const account = require('./account.js');
const money = require('./money.js');
const { UsdtJson } = require('./usdt_json.js');
const { UsdtError, bad } = require('./usdt_sign.js');
const { STATUS_ROUTE } = require('./usdt_status.js');
const { watch } = require('./deadline.js');
const { STATUS } = require('./trades.js');

const BASE = '/api/v1/order';
const TIMEOUT_S = 600;
const TIMEOUT_S_MIN = 120;
const TIMEOUT_S_MAX = 86400;

const FIATS = ['CNY', 'USD', 'EUR', 'GBP', 'JPY'];
const TRADE_TYPES = ['usdt.trc20', 'usdt.erc20', 'usdt.bep20',
    'usdt.polygon', 'tron.trx'];


class Bepusdt extends UsdtJson {
    static options = { 'bepusdt-key-file': ['key', account.secret] };


    constructor(gateway) {
        super(gateway);
        this.name = 'bepusdt';
        this.number = '0';
        this.tells = { refund: false, close: true };
        this.routes = {
            [`${BASE}/create-transaction`]: this.call(this.create),
            [`${BASE}/cancel-transaction`]: this.call(this.cancel),
            ...STATUS_ROUTE,
        };
    }


    create(list, { base, mode }) {
        const order = this.text(list, 'order_id', 1, 128);
        const fiat = this.text(list, 'fiat', 0, 3) || 'CNY';
        const type = this.text(list, 'trade_type', 0, 32) || 'usdt.trc20';
        const seconds = this.seconds(list);
        const wanted = {
            out_trade_no: order, currency: fiat.toLowerCase(),
            money_fen: this.amount(list),
            name: php.fromUtf8(this.text(list, 'name', 0, 128)),
            notify_url: this.url(list, 'notify_url', 1),
            return_url: this.url(list, 'redirect_url', 1),
            expires_ms: Date.now() + seconds * 1000,
        };

        if (!FIATS.includes(fiat)) {
            throw bad('fiat');
        }

        if (!TRADE_TYPES.includes(type)) {
            throw bad('trade_type');
        }

        const trade = this.rebuilt(order, wanted) ?? this.opened(wanted);

        /* a push of waiting, beside the notices that count */
        if (mode.waiting) {
            this.notifier.deliver({ trade }, { ...mode,
                waiting: undefined }).catch(console.error);
        }

        return {
            fiat, trade_id: trade.trade_no, order_id: order,
            amount: money.fixed(trade.money_fen),
            actual_amount: this.actual(trade), status: 1,
            token: this.address, expiration_time: seconds,
            payment_url: `${base}/pay/${trade.trade_no}`,
        };
    }


    seconds(list) {
        const { text, isNumber } = list.get('timeout') ?? {};

        if (text === undefined) {
            return TIMEOUT_S;
        }

        if (!isNumber || !/^\d{1,6}$/.test(text) || text < TIMEOUT_S_MIN
            || text > TIMEOUT_S_MAX)
        {
            throw bad('timeout');
        }

        return Number(text);
    }


    /* The order of that number as it is wanted now, or undefined. */

    rebuilt(order, wanted) {
        const trade = this.trades.findOrder(order, this.name);

        if (trade === undefined) {
            return undefined;
        }

        if (trade.status !== STATUS.UNPAID) {
            throw new UsdtError(400, '订单已支付或已过期 (paid or ended)');
        }

        this.trades.rebuild(trade, wanted);
        watch(this, trade);

        return trade;
    }


    cancel(list) {
        const trade = this.trades.find(this.text(list, 'trade_id', 1, 64));

        if (trade === undefined || trade.protocol !== this.name) {
            throw new UsdtError(400, '订单不存在 (no such order)');
        }

        if (!this.trades.cancel(trade)) {
            throw new UsdtError(400, '订单状态不允许取消 (paid or ended)');
        }

        /* nobody is told, now or after a restart, of what he has done */
        this.trades.noticed({ trade }, 'dropped', 0);

        return { trade_id: trade.trade_no };
    }
}


module.exports = { Bepusdt };

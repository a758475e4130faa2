'use strict';

/* GMPay, the JSON form of epusdt. */

const php = require('./php.js');
const account = require('./account.js');
const json = require('./json.js');
const money = require('./money.js');
const { UsdtJson, NOT_CHOSEN, statusOf } = require('./usdt_json.js');
const { UsdtError, bad } = require('./usdt_sign.js');
const { STATUS_ROUTE } = require('./usdt_status.js');

const CREATE = '/payments/gmpay/v1/order/create-transaction';
const EXPIRY_MS = 600000;

const CURRENCIES = ['cny', 'usd'];
const CHAINS = ['usdt.tron', 'usdt.ethereum', 'usdt.bsc', 'usdc.polygon'];


class Gmpay extends UsdtJson {
    static options = {
        'gmpay-pid': ['pid', account.pid],
        'gmpay-key-file': ['key', account.secret],
    };


    static optional = {
        'gmpay-hash': ['hash', account.oneOf('md5', 'hmac')],
    };


    constructor(gateway) {
        super(gateway);
        this.name = 'gmpay';
        this.number = this.account.pid;
        this.tells = { refund: false, close: false };
        this.routes = { [CREATE]: this.call(this.create),
            ...STATUS_ROUTE };
    }


    create(list, { base }) {
        const order = this.text(list, 'order_id', 1, 32);
        const currency = this.text(list, 'currency', 1, 8).toLowerCase();
        const chain = this.chain(list);

        if (this.text(list, 'pid', 1, 20) !== this.account.pid) {
            throw new UsdtError(401, 'pid 不存在 (unknown pid)');
        }

        if (!CURRENCIES.includes(currency)) {
            throw bad('currency');
        }

        if (this.trades.findOrder(order, this.name) !== undefined) {
            throw new UsdtError(10002, '支付交易已存在 (order_id was used)');
        }

        const trade = this.opened({
            type: chain ?? NOT_CHOSEN, out_trade_no: order, currency, money_fen: this.amount(list),
            name: php.fromUtf8(this.text(list, 'name', 0, 128)),
            notify_url: this.url(list, 'notify_url', 1),
            return_url: this.url(list, 'redirect_url', 0),
            expires_ms: Date.now() + EXPIRY_MS,
        });

        return {
            trade_id: trade.trade_no, order_id: order,
            amount: new json.Raw(Number(money.fixed(trade.money_fen))
                .toString()),
            currency: currency.toUpperCase(),
            actual_amount: new json.Raw(chain ? this.actual(trade) : '0'),
            receive_address: chain ? this.address : '',
            token: chain ? 'USDT' : '', status: statusOf(trade),
            expiration_time: Math.floor(trade.expires_ms / 1000),
            payment_url: `${base}/pay/${trade.trade_no}`,
        };
    }


    /*
     * A chain by token and network; undefined where neither is given, for the
     * buyer to choose.
     */

    chain(list) {
        const [token, network] = ['token', 'network'].map((name) =>
            this.text(list, name, 0, 16).toLowerCase());

        if (token === '' && network === '') {
            return undefined;
        }

        if (token === '' || network === '') {
            throw bad(token === '' ? 'token' : 'network');
        }

        if (!CHAINS.includes(`${token}.${network}`)) {
            throw new UsdtError(10003, '无可用钱包地址 (token, network)');
        }

        return 'usdt';
    }
}


module.exports = { Gmpay };

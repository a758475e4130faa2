'use strict';

/* /pay/check-status/: one address for what the three USDT forms opened. */

const { statusOf } = require('./usdt_json.js');

const CODE_UNKNOWN = 10008;
const FORMS = ['epusdt', 'gmpay', 'bepusdt'];


function checkStatus(trades, number) {
    const trade = trades.find(number);
    const found = trade !== undefined && FORMS.includes(trade.protocol);
    const reply = found ? { status_code: 200, message: 'success',
        data: { trade_id: number, status: statusOf(trade) } } :
        { status_code: CODE_UNKNOWN, message: '订单不存在', data: null };

    return { status: found ? 200 : 400,
        body: JSON.stringify({ ...reply, request_id: '' }),
        headers: { 'Content-Type': 'application/json; charset=UTF-8' } };
}


const STATUS_ROUTE = {
    '/pay/check-status/': function status({ rest }) {
        return checkStatus(this.trades, rest);
    },
};


module.exports = { STATUS_ROUTE };

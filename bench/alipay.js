'use strict';

/*
 * The notices by which Alipay would tell that orders of 9.90 are paid: signed
 * here, for openssl's command takes a process each.
 *
 *     node alipay.js ORDERS PATH KEY OUT app_id N seller_id N
 *
 * ORDERS has an order number on each line, OUT gets "POST PATH FORM".
 */

const fs = require('node:fs');
const { createPrivateKey, createSign } = require('node:crypto');

const [orders, path, keyFile, out, ...account] = process.argv.slice(2);
const key = createPrivateKey(fs.readFileSync(keyFile));
const ours = {};

for (let i = 0; i < account.length; i += 2) {
    ours[account[i]] = account[i + 1];
}


function notice(order, number) {
    const fields = { ...ours,
        buyer_id: '2088102122524333', buyer_pay_amount: '9.90',
        charset: 'utf-8', gmt_create: '2026-01-01 12:00:00',
        fund_bill_list: '[{"amount":"9.90","fundChannel":"ALIPAYACCOUNT"}]',
        gmt_payment: '2026-01-01 12:00:10', invoice_amount: '9.90',
        notify_id: String(number).padStart(34, '0'),
        notify_time: '2026-01-01 12:00:11', notify_type: 'trade_status_sync',
        out_trade_no: order, point_amount: '0.00', receipt_amount: '9.90',
        subject: `order ${order}`, total_amount: '9.90',
        trade_no: `2026010122001${order}`, trade_status: 'TRADE_SUCCESS',
        version: '1.0' };
    const text = Object.keys(fields).sort()
        .map((name) => `${name}=${fields[name]}`).join('&');
    const sign = createSign('RSA-SHA256').update(text).sign(key, 'base64');

    return `POST ${path} `
        + new URLSearchParams({ ...fields, sign, sign_type: 'RSA2' });
}


const numbers = fs.readFileSync(orders, 'latin1').trim().split('\n');

fs.writeFileSync(out, numbers.map(notice).join('\n') + '\n');

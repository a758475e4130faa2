'use strict';

/*
 * WeChat Pay APIv3, Native: signed calls and replies, and what its notices
 * say.  Everything WeChat sends is signed by one of two identities: a
 * platform certificate, or a public key that has an id in its place.
 */

const php = require('./php.js');
const json = require('./json.js');
const account = require('./account.js');
const { CALLS } = require('./wechat_calls.js');
const { WechatError, authorize, encrypted, identity, nonce, signHeaders } =
    require('./wechat_sign.js');
const { tailored, asText } = require('./notice.js');
const { about, aboutJson } = require('./subject.js');
const { watchAll } = require('./deadline.js');
const { Refusal, STATUS, chinaTime } = require('./trades.js');
const { md5 } = require('./sign.js');

const ANSWER_MS_MAX = 5000;
const JSON_TYPE = 'application/json; charset=utf-8';

const SWITCHES = {
    wrong_pid: 'mchid', appid: 'appid', trade_no: 'transaction_id',
    other_order: 'out_trade_no', status: 'trade_state',
    trade_type: 'trade_type', wrong_amount: 'amount.total',
    currency: 'amount.currency', payer_total: 'amount.payer_total',
    refund_fee: 'amount.refund', other_refund: 'out_refund_no',
};

const STATES = {
    [STATUS.CLOSED]: ['CLOSED', '订单已关闭'],
    [STATUS.UNPAID]: ['NOTPAY', '订单未支付'],
    [STATUS.PAID]: ['SUCCESS', '支付成功'],
    [STATUS.REFUNDED]: ['REFUND', '订单发生过退款'],
};


function rfc3339(ms) {
    return chinaTime(ms).replace(' ', 'T') + '+08:00';
}


/* A number in a path may have characters that are escaped there. */

function decoded(rest) {
    try {
        return decodeURIComponent(rest);
    } catch (e) {
        return rest;
    }
}


class Wechat {
    static options = {
        'wechat-mchid': ['mchid', account.number],
        'wechat-appid': ['appid', account.word],
        'wechat-apiv3-key-file': ['apiv3Key', account.secretOf(32)],
        'wechat-private-key': ['privateKey', account.privateKey],
        'wechat-serial': ['serial', account.word],
        'wechat-merchant-public-key': ['merchantKey', account.publicKey],
        'wechat-merchant-serial': ['merchantSerial', account.word],
    };


    static optional = {
        'wechat-public-key-id': ['publicKeyId', account.word],
        'wechat-public-key-private': ['publicKeyPrivate',
            account.privateKey],
    };


    constructor({ trades, notifier, account: own }) {
        this.trades = trades;
        this.notifier = notifier;
        this.account = own;
        this.name = 'wechat';
        this.number = own.mchid;
        this.switches = SWITCHES;
        this.tells = { refund: true, close: false };
        this.routes = {};

        for (const [path, calls] of Object.entries(CALLS)) {
            this.routes[path] = (request) => this.call(calls, request);
        }
    }


    resume() {
        watchAll(this);
    }


    /* What a call is about, trusted or not. */

    subject({ path, rest, body }) {
        if (path.includes('/out-trade-no/')) {
            return about(this, decoded(rest));
        }

        return rest === '' ? aboutJson(this, body, 'out_trade_no',
            'transaction_id') :
            this.trades.findRefund(this.name, decoded(rest))?.trade
                ?? about(this);
    }


    /* A route: its reply is signed, and so is a refusal. */

    call(calls, request) {
        let status, said;

        try {
            const call = this.checked(calls, request);

            said = call.call(this, { ...request, rest: decoded(request.rest),
                biz: request.method === 'POST' ? this.parsed(request) : {} });
            status = said === null ? 204 : 200;

        } catch (e) {
            if (!(e instanceof Refusal)) {
                throw e;
            }

            status = e.status ?? 400;
            said = { code: e.code ?? 'INVALID_REQUEST', message: e.message };
        }

        const body = said === null ? '' : json.render(said);

        return { status, body, headers: {
            ...said !== null && { 'Content-Type': JSON_TYPE },
            'Request-ID': nonce(), ...this.replyHeaders(body, request) } };
    }


    /* Whoever names the key that he has gets a reply signed by that one. */

    replyHeaders(body, { headers, mode }) {
        const asked = headers['wechatpay-serial']
            === this.account.publicKeyId ? 'public_key' : 'certificate';

        return signHeaders(identity(this.account, mode.identity ?? asked),
            body, Date.now() + (mode.call_timestamp_s ?? 0) * 1000,
            { serial: mode.call_serial });
    }


    checked(calls, request) {
        const { accept, 'user-agent': agent, 'wechatpay-serial': serial } =
            request.headers;
        const known = [undefined, this.account.serial,
            this.account.publicKeyId];

        if (calls[request.method] === undefined) {
            throw new WechatError(405, 'METHOD_NOT_ALLOWED', 'method');
        }

        if (!/application\/json|\*\/\*/.test(accept ?? '') || !agent) {
            throw new WechatError(400, 'PARAM_ERROR',
                'Http头缺少Accept或User-Agent');
        }

        if (!known.includes(serial)) {
            throw new WechatError(400, 'PARAM_ERROR',
                'Wechatpay-Serial不正确 (unknown)');
        }

        authorize(this.account, request);

        return calls[request.method];
    }


    parsed({ headers, body }) {
        const [type] = (headers['content-type'] ?? '').split(';');
        const text = body.toString('utf8');

        if (type.trim().toLowerCase() !== 'application/json') {
            throw new WechatError(415, 'PARAM_ERROR', 'Content-Type');
        }

        try {
            const biz = JSON.parse(text);

            if (json.onlyIntegers(text) && Buffer.from(text).equals(body)) {
                return biz;
            }

        } catch (e) {
            if (!(e instanceof SyntaxError)) {
                throw e;
            }
        }

        throw new WechatError(400, 'PARAM_ERROR', '请求体不正确 (JSON)');
    }


    /* What a query says of a trade, and a notice of one that is paid. */

    shown(trade, status = trade.status, nowMs = Date.now()) {
        const total = Number(trade.money_fen);
        const [state, desc] = STATES[status];

        return {
            mchid: this.account.mchid, appid: this.account.appid,
            out_trade_no: trade.out_trade_no,
            ...status > STATUS.UNPAID && {
                transaction_id: trade.trade_no, trade_type: 'NATIVE',
                bank_type: 'OTHERS',
                success_time: rfc3339(trade.paid_ms || nowMs),
            },
            trade_state: state, trade_state_desc: desc,
            attach: php.toUtf8(trade.param),
            payer: status > STATUS.UNPAID ?
                { openid: 'oPRACTICE0000000000000000001' } : {},
            amount: status > STATUS.UNPAID ? { total, payer_total: total,
                currency: 'CNY', payer_currency: 'CNY' } :
                { total, currency: 'CNY' },
        };
    }


    shownRefund({ trade, refund }, { refund_status: status = 'SUCCESS' }) {
        const total = Number(trade.money_fen);
        const fen = Number(refund.fen);

        return {
            refund_id: refund.refund_no, out_refund_no: refund.out_refund_no,
            transaction_id: trade.trade_no, out_trade_no: trade.out_trade_no,
            channel: 'ORIGINAL', user_received_account: '支付用户零钱',
            create_time: rfc3339(refund.at_ms),
            ...status === 'SUCCESS'
                && { success_time: rfc3339(refund.at_ms) },
            status,
            amount: { total, refund: fen, payer_total: total,
                payer_refund: fen, settlement_total: total,
                settlement_refund: fen, discount_refund: 0,
                currency: 'CNY' },
        };
    }


    /* A notice of a refund goes where the refund wanted it, or nowhere. */

    tellRefund(event, { refund_status: status }) {
        if (event.refund.notify_url === '') {
            this.trades.noticed(event, 'dropped', 0);
        } else if (status !== 'PROCESSING') {
            this.notifier.launch(event);
        }
    }


    compose({ trade, refund, mode, nowMs }) {
        const status = mode.refund_status ?? 'SUCCESS';
        const [kind, type, values] = refund === undefined ?
            ['transaction', 'TRANSACTION.SUCCESS',
                this.shown(trade, STATUS.PAID, nowMs)] :
            ['refund', `REFUND.${status}`,
                this.refundValues(trade, refund, status)];
        const body = json.appended(json.render({
            id: this.noticeId(trade, refund),
            create_time: rfc3339(refund?.at_ms ?? (trade.paid_ms || nowMs)),
            resource_type: 'encrypt-resource',
            event_type: php.toUtf8(mode.event_type ?? type),
            summary: refund === undefined ? '支付成功' : '退款结果',
            resource: encrypted(tailored(this, values, mode), kind,
                this.account.apiv3Key, mode.resource),
        }), asText(mode.extra_unsigned_field));

        return {
            url: refund?.notify_url || trade.notify_url, body,
            headers: { 'Content-Type': 'application/json',
                ...signHeaders(identity(this.account, mode.identity), body,
                    nowMs, mode) },
        };
    }


    refundValues(trade, refund, status) {
        const total = Number(trade.money_fen);
        const fen = Number(refund.fen);

        return {
            mchid: this.account.mchid, out_trade_no: trade.out_trade_no,
            transaction_id: trade.trade_no,
            out_refund_no: refund.out_refund_no, refund_id: refund.refund_no,
            refund_status: status,
            ...status === 'SUCCESS'
                && { success_time: rfc3339(refund.at_ms) },
            user_received_account: '支付用户零钱',
            amount: { total, refund: fen, payer_total: total,
                payer_refund: fen },
        };
    }


    /* The same for each copy of one notice. */

    noticeId(trade, refund) {
        return md5(`${trade.trade_no} ${refund?.refund_no ?? 'paid'}`)
            .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    }


    back() {
        return '';
    }


    nameHtml(trade) {
        return php.toUtf8(php.htmlspecialchars(trade.name));
    }


    acknowledged({ status, took_ms: tookMs }) {
        return (status === 200 || status === 204) && tookMs < ANSWER_MS_MAX;
    }
}


module.exports = { Wechat };

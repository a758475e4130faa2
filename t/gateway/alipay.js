'use strict';

/*
 * Alipay: /gateway.do for the pages (through the buyer's browser) and for
 * the calls of alipay_calls.js, and what its notices say.
 *
 * Text of a trade is kept as it came: nothing is escaped here.
 */

const php = require('./php.js');
const money = require('./money.js');
const pages = require('./pages.js');
const account = require('./account.js');
const cert = require('./cert.js');
const { aboutJson } = require('./subject.js');
const { watch, watchAll } = require('./deadline.js');
const { CALLS } = require('./alipay_calls.js');
const { AlipayError, parseChinaTime, parseTrade } =
    require('./alipay_trade.js');
const { Refusal, STATUS, chinaTime } = require('./trades.js');
const { joined, md5, rsaSign, rsaHolds } = require('./sign.js');

/* Wide enough for a slow buyer, and too narrow for another time zone. */

const AGE_MS_MAX = 3600000;

/* The methods through a browser, with the product_code of each. */

const PAGES = {
    'alipay.trade.page.pay': 'FAST_INSTANT_TRADE_PAY',
    'alipay.trade.wap.pay': 'QUICK_WAP_WAY',
};

const SERVICE_MARKET = 'servicemarket_order_notify';

const SWITCHES = {
    wrong_pid: 'app_id', trade_no: 'trade_no', other_order: 'out_trade_no',
    name: 'subject', wrong_amount: 'total_amount', status: 'trade_status',
    seller_id: 'seller_id', notify_type: 'notify_type',
    refund_fee: 'refund_fee', gmt_refund: 'gmt_refund',
};

const BUYER = { id: '2088000000000001', logon: 'buy***@practice.test' };


/* An answer to a call that was not understood or not trusted: unsigned. */

function invalid(subCode, message) {
    return new AlipayError('40002', 'Invalid Arguments', subCode, message);
}


/* Empty values stay outside; sign_type is part of what a merchant signs. */

function requestText(fields) {
    return joined([...fields].filter(([name, value]) =>
        name !== 'sign' && value !== ''));
}


class Alipay {
    static options = {
        'alipay-app-id': ['appId', account.number],
        'alipay-seller-id': ['sellerId', account.number],
        'alipay-private-key': ['privateKey', account.privateKey],
        'alipay-app-public-key': ['appKey', account.publicKey],
    };


    static optional = {
        'alipay-certificate-file': ['certificate', cert.certificate],
        'alipay-app-certificate-file': ['appCertificate', cert.certificate],
        'alipay-root-certificate-file': ['roots', cert.certificates],
    };


    constructor(gateway) {
        this.trades = gateway.trades;
        this.notifier = gateway.notifier;
        this.account = gateway.account;
        this.certificates = cert.certificateMode(this.account);
        this.md5Key = gateway.protocols.get('epay').account.key;
        this.name = 'alipay';
        this.number = this.account.appId;
        this.method = 'POST';
        this.type = 'application/x-www-form-urlencoded; charset=utf-8';
        this.switches = SWITCHES;
        this.tells = { refund: true, close: true };
        this.buyer = BUYER;
        this.routes = { '/gateway.do': this.gateway };
    }


    /* The pages are for the buyer, the other methods are a shop's calls. */

    subject({ query, form }) {
        const fields = new Map([...form, ...query]);
        const biz = fields.get('biz_content');

        return Object.hasOwn(PAGES, fields.get('method') ?? '') ? undefined :
            aboutJson(this, php.toUtf8(typeof biz === 'string' ? biz : ''),
                'out_trade_no', 'trade_no');
    }


    /*
     * biz_content may come in the body; all else, charset above all, belongs
     * in the URL, but the original reads both.
     */

    gateway({ query, form, base, mode }) {
        const fields = new Map([...form, ...query].filter(([, value]) =>
            value !== php.ARRAY));
        const method = fields.get('method') ?? '';
        const isPage = Object.hasOwn(PAGES, method);

        try {
            this.check(fields, query);

            if (isPage) {
                return this.page(method, fields);
            }

            if (!Object.hasOwn(CALLS, method)) {
                throw invalid('isv.invalid-method', '不存在的方法名');
            }

        } catch (e) {
            return this.refused(e, isPage);
        }

        return this.call(method, fields, base, mode);
    }


    /* Throws unless our merchant has signed this, as the gateway wants it. */

    check(fields, query) {
        const atMs = parseChinaTime(fields.get('timestamp'));

        if (fields.get('app_id') !== this.account.appId) {
            throw invalid('isv.invalid-app-id', '无效的AppID参数');
        }

        if (fields.get('sign_type') !== 'RSA2') {
            throw invalid('isv.invalid-signature-type', '无效签名类型');
        }

        if (!/^utf-?8$/i.test(String(query.get('charset')))) {
            throw invalid('isv.invalid-charset', '字符集错误 (in the URL)');
        }

        if (fields.get('version') !== '1.0') {
            throw invalid('isv.missing-version', '缺少版本参数');
        }

        if (!(Math.abs(Date.now() - atMs) <= AGE_MS_MAX)) {
            throw invalid('isv.invalid-timestamp', '非法的时间戳参数');
        }

        for (const [name, serial] of Object.entries(
            this.certificates?.wanted ?? {}))
        {
            if (fields.get(name) !== serial) {
                throw invalid(`isv.invalid-${name.replaceAll('_', '-')}`,
                    `证书序列号不正确 (${name})`);
            }
        }

        if (!rsaHolds(requestText(fields), fields.get('sign') ?? '',
            this.account.appKey))
        {
            throw invalid('isv.invalid-signature', '无效签名');
        }
    }


    page(method, fields) {
        const trade = this.open(fields, PAGES[method]);

        return { status: 302, body: '',
            headers: { Location: `/pay/${trade.trade_no}` } };
    }


    open(fields, productCode) {
        const trade = this.trades.open({ protocol: this.name,
            ...parseTrade(fields, productCode) });

        watch(this, trade);

        return trade;
    }


    resume() {
        watchAll(this);
    }


    refused(e, isPage) {
        if (!(e instanceof Refusal)) {
            throw e;
        }

        if (isPage) {
            return pages.error(200, `${e.message} ${e.reply?.sub_code ?? ''}`);
        }

        return this.json(JSON.stringify({ error_response: e.reply }));
    }


    json(body) {
        return { status: 200, body,
            headers: { 'Content-Type': 'text/html;charset=utf-8' } };
    }


    /* The signature is over the bytes of the inner object as they stand. */

    call(method, fields, base, mode) {
        let reply;

        try {
            reply = { code: '10000', msg: 'Success',
                ...CALLS[method].call(this, fields, base) };

        } catch (e) {
            if (!(e instanceof Refusal)) {
                throw e;
            }

            reply = e.reply ?? AlipayError.business(
                'ACQ.INVALID_PARAMETER', e.message).reply;
        }

        const name = method.replaceAll('.', '_') + '_response';
        const inner = JSON.stringify(reply);
        const sign = rsaSign(php.fromUtf8(inner), this.account.privateKey);

        const serial = this.certificates === null ? '' :
            `"alipay_cert_sn":"${mode.call_serial
                ?? this.certificates.own}",`;

        return this.json(`{"${name}":${inner},${serial}"sign":"${sign}"}`);
    }


    /* What a notice says of a trade, or of one refund of it. */

    values({ trade, refund, nowMs }) {
        const amount = money.fixed(trade.money_fen);
        const paidMs = trade.paid_ms || nowMs;
        const whole = refund?.total_fen === trade.money_fen;
        const closed = trade.status === STATUS.CLOSED;
        const pairs = {
            gmt_create: chinaTime(trade.added_ms), charset: 'utf-8',
            subject: trade.name, version: '1.0',
            notify_id: this.noticeId(trade, refund, closed),
            notify_type: 'trade_status_sync', notify_time: chinaTime(nowMs),
            app_id: this.account.appId, auth_app_id: this.account.appId,
            seller_id: this.account.sellerId,
            trade_no: trade.trade_no, out_trade_no: trade.out_trade_no,
            trade_status: closed || whole ? 'TRADE_CLOSED' : 'TRADE_SUCCESS',
            total_amount: amount,
            ...trade.param && { passback_params: trade.param },
            ...!closed && {
                gmt_payment: chinaTime(paidMs),
                buyer_id: BUYER.id, buyer_logon_id: BUYER.logon,
                receipt_amount: amount, buyer_pay_amount: amount,
                invoice_amount: amount, point_amount: '0.00',
                fund_bill_list: JSON.stringify(
                    [{ amount, fundChannel: 'ALIPAYACCOUNT' }]),
            },
            ...refund && {
                refund_fee: money.fixed(refund.total_fen),
                gmt_refund: `${chinaTime(refund.at_ms)}.000`,
                out_biz_no: refund.out_refund_no,
            },
            ...(closed || whole) && {
                gmt_close: chinaTime(refund?.at_ms ?? trade.closed_ms),
            },
        };

        return Object.entries(pairs);
    }


    /* The same for each copy of one notice. */

    noticeId(trade, refund, closed) {
        const event = refund?.refund_no ?? (closed ? 'closed' : 'paid');

        return md5(`${trade.trade_no} ${event}`) + '00';
    }


    /*
     * Of a notice empty values are part, sign_type is not, unless it is one
     * of the service market.
     */

    seal(pairs, mode) {
        const type = { MD5: 'MD5', SHA1: 'RSA' }[mode.algorithm] ?? 'RSA2';
        const market = pairs.some(([name, value]) =>
            name === 'notify_type' && value === SERVICE_MARKET);
        const text = joined(market || mode.sign_type_signed ?
            [...pairs, ['sign_type', mode.sign_type ?? type]] : [...pairs]);

        return { sign_type: type,
            sign: type === 'MD5' ? md5(text + this.md5Key) :
                rsaSign(text, this.account.privateKey,
                    type === 'RSA' ? 'sha1' : 'sha256') };
    }


    /* The browser takes along what happened to which order, but no status. */

    back(trade) {
        const pairs = [
            ['charset', 'utf-8'], ['out_trade_no', trade.out_trade_no],
            ['method', `${trade.method}.return`],
            ['total_amount', money.fixed(trade.money_fen)],
            ['trade_no', trade.trade_no],
            ['auth_app_id', this.account.appId], ['version', '1.0'],
            ['app_id', this.account.appId],
            ['seller_id', this.account.sellerId],
            ['timestamp', chinaTime(Date.now())],
        ];

        return php.buildQuery([...pairs, ['sign_type', 'RSA2'],
            ['sign', this.seal(pairs, {}).sign]]);
    }


    nameHtml(trade) {
        return php.toUtf8(php.htmlspecialchars(trade.name));
    }


    acknowledged({ status, body }) {
        return status === 200 && body === 'success';
    }
}


module.exports = { Alipay };

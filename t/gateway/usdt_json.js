'use strict';

/*
 * The JSON forms of epusdt: what GMPay has in common with BEpusdt, which kept
 * the older one.
 */

const php = require('./php.js');
const money = require('./money.js');
const json = require('./json.js');
const { md5 } = require('./sign.js');
const { UsdtError, bad, hashed, parsed, shortest, signed } =
    require('./usdt_sign.js');
const { spoilt, asText } = require('./notice.js');
const { about, aboutJson } = require('./subject.js');
const { watch, watchAll } = require('./deadline.js');
const { Refusal, STATUS } = require('./trades.js');

const RATE = 700n;                      /* fen for one USDT */
const ADDRESS = 'TPracticeAddress0000000000000000001';

const SWITCHES = {
    wrong_pid: 'pid', trade_no: 'trade_id', other_order: 'order_id',
    wrong_amount: 'amount', status: 'status', actual_amount: 'actual_amount',
};

/* As a notice prints them. */

const SHOWN = { [STATUS.UNPAID]: 1, [STATUS.PAID]: 2, [STATUS.CLOSED]: 3 };
const CHOOSE = 4;

/* The type of a trade for which the buyer has to choose a chain. */

const NOT_CHOSEN = 'usdt.';


/* As a reply prints it: who pays has chosen. */

function statusOf({ status, type }) {
    return status === STATUS.UNPAID && type === NOT_CHOSEN ? CHOOSE :
        SHOWN[Math.min(status, STATUS.PAID)];
}


class UsdtJson {
    constructor({ trades, notifier, account: own }) {
        this.trades = trades;
        this.notifier = notifier;
        this.account = own;
        this.switches = SWITCHES;
    }


    resume() {
        watchAll(this);
    }


    subject({ rest, body }) {
        return rest === '' ? aboutJson(this, body, 'order_id', 'trade_id') :
            this.trades.find(rest) ?? about(this);
    }


    /* A route: what the merchant has signed, and its reply, unsigned. */

    call(handler) {
        return (request) => {
            let reply;
            let status = 200;

            try {
                reply = { status_code: 200, message: 'success', data:
                    handler.call(this, this.authentic(request), request) };

            } catch (e) {
                if (!(e instanceof Refusal)) {
                    throw e;
                }

                status = e.code === 401 ? 401 : 400;
                reply = { status_code: e.code ?? 400, message: e.message,
                    data: null };
            }

            return { status, body: json.render({ ...reply, request_id: '' }),
                headers: {
                    'Content-Type': 'application/json; charset=UTF-8' } };
        };
    }


    authentic({ method, body }) {
        if (method !== 'POST') {
            throw bad('method');
        }

        const list = parsed(body);

        if (list.get('signature')?.text
            !== hashed(signed(list), this.account.key, this.account.hash))
        {
            throw new UsdtError(401, '签名认证错误 (signature)');
        }

        return list;
    }


    /* A text of that many characters; '' if it is absent and may be. */

    text(list, name, least, most) {
        const given = list.get(name) ?? { text: '', isNumber: false };

        if (given.isNumber || given.text.length < least
            || given.text.length > most)
        {
            throw bad(name);
        }

        return given.text;
    }


    url(list, name, least) {
        const text = this.text(list, name, least, 1024);

        if (text !== '' && !/^https?:\/\/\S+$/.test(text)) {
            throw bad(name);
        }

        return php.fromUtf8(text);
    }


    /* A number of at most two decimals, and more than 0.01. */

    amount(list) {
        const { text, isNumber } = list.get('amount') ?? {};
        const plain = isNumber ? shortest(text) : '';

        if (!/^\d{1,9}(\.\d{1,2})?$/.test(plain)
            || money.parse(plain).fen < 2n)
        {
            throw new UsdtError(10004, '支付金额有误 (amount)');
        }

        return money.parse(plain).fen;
    }


    opened(wanted) {
        const trade = this.trades.create({ protocol: this.name, type: 'usdt',
            param: null, submitted: [], ...wanted });

        watch(this, trade);

        return trade;
    }


    /* What the buyer pays, in the coin: four decimals. */

    actual(trade) {
        const units = (trade.money_fen * 10000n + RATE - 1n) / RATE;
        const digits = units.toString().padStart(5, '0');

        return shortest(digits.slice(0, -4) + '.' + digits.slice(-4));
    }


    get address() {
        return ADDRESS;
    }


    /* {text, isNumber} as the JSON has it, under money_format. */

    printed(fen, mode) {
        const text = mode.money_format === undefined ?
            shortest(money.fixed(fen)) : money.fixed(fen, mode.money_format);

        return { text, isNumber: !mode.json_string };
    }


    pairs(trade, mode) {
        const status = SHOWN[Math.min(trade.status, STATUS.PAID)];

        return new Map([
            ...this.account.pid === undefined ? [] :
                [['pid', { text: this.account.pid }]],
            ['trade_id', { text: trade.trade_no }],
            ['order_id', { text: trade.out_trade_no }],
            ['amount', this.printed(trade.money_fen, mode)],
            ['actual_amount', { text: this.actual(trade), isNumber: true }],
            ...this.account.pid === undefined ? [] :
                [['receive_address', { text: ADDRESS }]],
            ['token', { text: this.account.pid === undefined ? ADDRESS :
                'USDT' }],
            ['block_transaction_id', { text: status === 2 ?
                `0x${md5(trade.trade_no).repeat(2)}` : '' }],
            ['status', { text: String(status), isNumber: true }],
        ]);
    }


    /* The fields under the switches. */

    fields(trade, mode) {
        const fields = this.pairs(trade, mode);
        const given = { ...mode };

        if (mode.wrong_pid === true) {
            given.wrong_pid = String(BigInt(this.number) + 1n);
        }

        for (const [name, field] of Object.entries(SWITCHES)) {
            const old = fields.get(field);

            if (given[name] !== undefined && old !== undefined) {
                fields.set(field, this.literal(php.toUtf8(given[name]), old));
            }
        }

        mode.omit?.forEach((name) => fields.delete(name));

        for (const [name, text] of asText(mode.extra_signed_field)) {
            fields.set(name, { text });
        }

        return fields;
    }


    /* A number's place takes what is JSON as it is, and signs its value. */

    literal(text, { isNumber }) {
        const value = isNumber ? json.literal(text) : text;

        if (!(value instanceof json.Raw)) {
            return { text };
        }

        return text.startsWith('"') ? { text: JSON.parse(text) } :
            { text, isNumber: true };
    }


    compose({ trade, mode }) {
        const fields = this.fields(trade, mode);
        const hash = { MD5: 'md5', HMAC: 'hmac' }[mode.algorithm]
            ?? this.account.hash;
        const sign = spoilt(hashed(signed(fields),
            mode.empty_key_sign ? '' : this.account.key, hash), mode);
        const body = json.appended(json.render({
            ...Object.fromEntries([...fields].map(
                ([name, { text, isNumber }]) =>
                    [name, isNumber ? new json.Raw(text) : text])),
            signature: sign,
        }), asText(mode.extra_unsigned_field));

        return { url: trade.notify_url, body,
            headers: { 'Content-Type': 'application/json' } };
    }


    back() {
        return '';
    }


    nameHtml(trade) {
        return php.toUtf8(php.htmlspecialchars(trade.name));
    }


    acknowledged({ status, body }) {
        return status === 200
            && ['ok', 'success'].includes(body.trim().toLowerCase());
    }
}


module.exports = { UsdtJson, NOT_CHOSEN, statusOf };

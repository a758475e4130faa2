'use strict';

/*
 * epusdt in its EPay form: the parameters, signature and notices of EPay V1,
 * by a program that is not PHP.  It escapes nothing, prints money with four
 * decimals, and wants an exact acknowledgement.
 */

const php = require('./php.js');
const money = require('./money.js');
const account = require('./account.js');
const { EpayForm, text } = require('./epay_form.js');
const { about } = require('./subject.js');
const { STATUS_ROUTE } = require('./usdt_status.js');
const { Refusal } = require('./trades.js');
const { canonical, md5 } = require('./sign.js');

const BASE = '/payments/epay/v1/order/create-transaction';
const DECIMALS = 4;

/* What the operator of this one has enabled. */

const CURRENCIES = ['cny'];
const CHAINS = ['usdt.tron', 'usdt.ethereum', 'usdt.bsc', 'usdc.polygon'];


/* One of the list in any case, or absent; anything else is refused. */

function choice(fields, name, list) {
    const given = text(fields, name).toLowerCase();

    if (given !== '' && !list.includes(given)) {
        throw new Refusal(`${name} 不支持 (not supported)`);
    }

    return given;
}


class Epusdt extends EpayForm {
    static options = {
        'epusdt-pid': ['pid', account.pid],
        'epusdt-key-file': ['key', account.secret],
    };


    constructor(gateway) {
        super(gateway);
        this.name = 'epusdt';
        this.routes = {
            [`${BASE}/submit.php`]: this.submit,
            ...STATUS_ROUTE,
        };
    }


    /* Unlike PHP, it does not read a number out of "1000abc". */

    refusal(fields) {
        if (text(fields, 'pid') !== this.account.pid) {
            return 'pid 必须是数字 (not numeric)';
        }

        return text(fields, 'sign') === this.sign(fields, this.account.key) ?
            null : '签名错误 (bad signature)';
    }


    /* Only empty values stay outside; blanks are values. */

    sign(fields, key) {
        return md5(canonical(fields, (value) => value === '') + key);
    }


    seal(pairs, mode) {
        return { sign_type: 'MD5',
            sign: this.sign(pairs, mode.empty_key_sign ? '' :
                this.account.key) };
    }


    stored(bytes) {
        return bytes;
    }


    nameHtml(trade) {
        return php.toUtf8(php.htmlspecialchars(trade.name));
    }


    subject({ path, rest }) {
        return path.endsWith('/submit.php') ? undefined :
            this.trades.find(rest) ?? about(this);
    }


    /* The chain may come as a type of its own, or as token and network. */

    kind(fields) {
        const type = choice(fields, 'type', ['alipay', ...CHAINS]);
        const token = choice(fields, 'token',
            CHAINS.map((chain) => chain.split('.')[0]));
        const network = choice(fields, 'network',
            CHAINS.map((chain) => chain.split('.')[1]));

        choice(fields, 'currency', CURRENCIES);

        if (token !== '' && network !== ''
            && !CHAINS.includes(`${token}.${network}`))
        {
            throw new Refusal('token 与 network 不匹配 (no such chain)');
        }

        return type;
    }


    printed(fen) {
        return money.fixed(fen, DECIMALS);
    }


    acknowledged({ status, body }) {
        return status === 200
            && ['ok', 'success'].includes(body.trim().toLowerCase());
    }
}


module.exports = { Epusdt };

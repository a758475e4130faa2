'use strict';

/* Alipay: checkNotifySignV2() of alipay-sdk, on what a usual reader of forms
 * makes of the body. */

const crypto = require('node:crypto');
const { AlipaySdk } = require('alipay-sdk');
const { strictForm, strictBase64, isUtf8 } = require('./strict.js');

const PAID = ['TRADE_SUCCESS', 'TRADE_FINISHED'];
const UNPROVED = ['method', 'unsigned', 'algorithm', 'signature'];


function escape(text, dice) {
    return Array.from(Buffer.from(text, 'latin1'), (byte) => {
        const c = String.fromCharCode(byte);

        if (c === ' ') {
            return dice.pick(['+', '%20']);
        }

        return /[A-Za-z0-9_.-]/.test(c) && dice.below(40) > 0 ? c
            : '%' + byte.toString(16).padStart(2, '0')[dice.pick(
                ['toUpperCase', 'toLowerCase'])]();
    }).join('');
}


/* Fields are pairs of names and bytes (latin1). */

function write(fields, dice) {
    return { body: Buffer.from(fields.map(([name, value]) =>
        `${name}=${escape(value, dice)}`).join('&'), 'latin1'),
    headers: [], fields };
}


function text(fields, skip) {
    return fields.filter(([name]) => !skip.includes(name))
        .sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
        .map((pair) => pair.join('=')).join('&');
}


function bytes(unicode) {
    return Buffer.from(unicode, 'utf8').toString('latin1');
}


function readForm(body) {
    return Object.fromEntries(new URLSearchParams(body.toString('utf8')));
}


function fen(amount) {
    const [whole, rest = ''] = amount.split('.');

    return Number(whole) * 100 + Number(rest.padEnd(2, '0').slice(0, 2));
}


exports.make = (keys) => {
    const sdks = [keys.gateway, keys.previous].map((pair) => new AlipaySdk({
        appId: 'x', keyType: 'PKCS8', privateKey: keys.pem(keys.own.privateKey),
        alipayPublicKey: keys.pem(pair.publicKey) }));

    const isSigned = (content, sign) => [keys.gateway, keys.previous].some(
        (pair) => crypto.verify('sha256', Buffer.from(content, 'latin1'),
            pair.publicKey, Buffer.from(sign, 'base64')));

    const sign = (fields, dice, { key = keys.gateway, hash = 'sha256',
        skip = ['sign', 'sign_type'], type = 'RSA2' } = {}) => {
        const bare = fields.filter(([name]) => !/^sign(_type)?$/.test(name));
        const all = [...bare, ['sign_type', type]];
        const made = crypto.sign(hash, Buffer.from(text(all, skip), 'latin1'),
            key.privateKey).toString('base64');

        return write(dice.shuffled([...all, ['sign', made]]), dice);
    };

    const fieldsOf = (dice) => [
        ['app_id', dice.below(30) ? '2021000000000001' : dice.digits(16)],
        ['seller_id', dice.below(30) ? '2088000000000001' : dice.digits(16)],
        ['notify_type', dice.below(30) ? 'trade_status_sync'
            : 'servicemarket_order_notify'],
        ['out_trade_no', dice.text(dice.between(1, 26))],
        ['trade_no', dice.digits(28)],
        ['total_amount', dice.pick([`${dice.between(1, 99999)}.${dice.digits(
            2)}`, `${dice.between(1, 999)}`, `0.${dice.digits(1)}`])],
        ['trade_status', dice.below(8) ? dice.pick(PAID)
            : dice.pick(['WAIT_BUYER_PAY', 'TRADE_CLOSED'])],
        ['gmt_payment', '2026-01-02 03:04:05'],
        ['charset', 'utf-8'],
        ['receipt_amount', '9.90'],
        ['subject', bytes(dice.words())],
        ['body', dice.below(3) ? bytes(dice.words()) : ''],
        ...dice.below(9) ? [] : [['refund_fee', '1.00']],
        ...dice.below(3) ? [] : [[dice.text(dice.between(1, 8)),
            bytes(dice.words())]],
    ];

    /* One field of a genuine notice in another way, signed as it was. */
    const edit = (change) => ({ fields }, dice) => {
        const at = dice.below(fields.length);
        const [name, value] = fields[at];

        return write([...fields.slice(0, at),
            ...change(name, value, dice, fields), ...fields.slice(at + 1)],
        dice);
    };

    const editRaw = (change) => (genuine, dice) => ({ ...genuine,
        body: Buffer.from(change(genuine.body.toString('latin1'), dice),
            'latin1') });

    const editSign = (change) => ({ fields }, dice) => write(fields.map(
        ([name, value]) => [name, name === 'sign' ? change(value, dice)
            : value]), dice);

    const mutations = {
        bytes: (genuine, dice) => ({ ...genuine,
            body: dice.spoil(genuine.body) }),
        value: edit((name, value, dice) => [[name, dice.spoilText(value)]]),
        name: edit((name, value, dice) => [[dice.spoilText(name), value]]),
        dropped: edit(() => []),
        emptied: edit((name) => [[name, '']]),
        doubled: edit((name, value) => [[name, value], [name, value]]),
        doubled_other: edit((name, value, dice) => dice.shuffled(
            [[name, value], [name, dice.text(4)]])),
        recased: edit((name, value) => [[name.toUpperCase(), value]]),
        swapped: edit((name, value, dice, fields) => [[name,
            dice.pick(fields)[1]]]),
        joined: edit((name, value, dice, fields) => [[name,
            `${value}&${dice.pick(fields).join('=')}`]]),
        /* The string that was signed stays what it was. */
        split_elsewhere: ({ fields }, dice) => {
            const [own, sorted] = [fields.filter(([name]) =>
                /^sign/.test(name)), fields.filter(([name]) =>
                !/^sign/.test(name)).sort(([a], [b]) => a < b ? -1 : 1)];
            const at = dice.below(sorted.length - 1);
            const [[name, value], next] = sorted.slice(at, at + 2);

            return write(dice.shuffled([...own, ...sorted.slice(0, at),
                [name, `${value}&${next.join('=')}`],
                ...sorted.slice(at + 2)]), dice);
        },
        added: edit((name, value, dice) => [[name, value],
            [dice.text(5), dice.words().replace(/[^ -~]/g, '')]]),
        no_value: editRaw((body, dice) => body.replace('=',
            dice.pick(['', '%3D', '==']))),
        no_name: editRaw((body, dice) => dice.pick(['&', '=&', '=x&', '?'])
            + body),
        bad_escape: editRaw((body, dice) => body.replace('=',
            dice.pick(['=%', '=%G1', '=%2', '=%u0041', '= ', '=\0']))),
        escaped_twice: editRaw((body) => body.replace(/%/g, '%25')),
        large: editRaw((body) => `${body}&x=${'x'.repeat(16384)}`),
        reordered: ({ fields }, dice) => write(dice.shuffled(fields), dice),
        recoded: ({ fields }, dice) => write(fields, dice),
        sign_spoilt: editSign((value, dice) => dice.spoilText(value)),
        sign_empty: editSign(() => ''),
        sign_recased: editSign((value) => value.toLowerCase()),
        sign_loose: editSign((value, dice) => dice.looseBase64(value)),
        type: ({ fields }, dice) => write(fields.map(([name, value]) => [name,
            name === 'sign_type' ? dice.pick(['', 'RSA', 'rsa2', 'RSA2 ',
                'MD5', 'constructor']) : value]), dice),
        no_type: ({ fields }, dice) => write(fields.filter(
            ([name]) => name !== 'sign_type'), dice),
        other_key: ({ fields }, dice) => sign(fields, dice, { key: dice.pick(
            [keys.own, keys.other]) }),
        previous_key: ({ fields }, dice) => sign(fields, dice,
            { key: keys.previous }),
        sha1: ({ fields }, dice) => sign(fields, dice, { hash: 'sha1',
            type: dice.pick(['RSA', 'RSA2']) }),
        type_signed: ({ fields }, dice) => sign(fields, dice,
            { skip: ['sign'] }),
        empties_unsigned: ({ fields }, dice) => {
            const filled = sign(fields.filter(([, value]) => value !== ''),
                dice);

            return write([...filled.fields, ...fields.filter(
                ([, value]) => value === '')], dice);
        },
        gbk: ({ fields }, dice) => sign(fields.map(([name, value]) =>
            [name, name === 'subject' ? '\xbb\xe1\xd4\xb1' : value]), dice),
        replaced: ({ fields }, dice) => {
            const made = sign(fields.map(([name, value]) => [name,
                name === 'subject' ? bytes('\ufffd') : value]), dice);

            return write(made.fields.map(([name, value]) => [name,
                name === 'subject' ? '\xff' : value]), dice);
        },
        signed_edit: ({ fields }, dice) => {
            const at = dice.below(fields.length);

            return sign(fields.map(([name, value], i) => i === at
                && /^[A-Za-z_]+$/.test(name) ? [name, dice.spoilText(value)]
                : [name, value]), dice);
        },
    };

    const ours = ({ body }, { word }) => !UNPROVED.includes(word)
        && (!['malformed', 'duplicate'].includes(word)
            || strictForm(body) !== null);

    const theirs = ({ body }) => sdks.some((sdk) => {
        try {
            return sdk.checkNotifySignV2(readForm(body));
        } catch {
            return false;
        }
    });

    /* A right signature of what a lenient reader sees. */
    const holds = (fields, skip) => isSigned(text(Object.entries(fields)
        .map(([name, value]) => [name, bytes(value)]), skip), fields.sign);

    const difference = ({ body }, verdict, theyTake) => {
        const fields = readForm(body);
        const strict = strictForm(body);
        const plain = ['sign', 'sign_type'];

        if (!theyTake) {
            return strict !== null && !isUtf8(Buffer.from(
                [...strict.values()].join(''), 'latin1'))
                && isSigned(text([...strict], plain), strict.get('sign'))
                ? 'we hash bytes that are no text' : null;
        }

        if (strict === null) {
            return ['malformed', 'duplicate'].includes(verdict.word)
                ? 'it reads forms that are not well-formed' : null;
        }

        if (verdict.word === 'algorithm') {
            return strict.get('sign_type') === 'RSA' ? 'SHA-1 by the notice'
                : strict.get('sign_type') || !holds(fields, plain) ? null
                    : 'no sign_type is RSA2';
        }

        if (!strictBase64(strict.get('sign'))) {
            return holds(fields, plain) ? 'it reads loose base64' : null;
        }

        if (!isUtf8(Buffer.from([...strict.values()].join(''), 'latin1'))) {
            return holds(fields, plain) ? 'it hashes what is no text as text'
                : null;
        }

        return isSigned(text([...strict], ['sign']), strict.get('sign'))
            ? 'sign_type in the string' : null;
    };

    const says = ({ body }) => {
        const fields = readForm(body);

        if (/refund_fee(=|%3[Dd])(1|%31)/.test(body.toString('latin1'))) {
            return { order: 'none: this is a refund' };
        }

        return { order: fields.out_trade_no, trade: fields.trade_no,
            amount: fen(fields.total_amount), currency: 'CNY' };
    };

    return { genuine: (dice) => sign(fieldsOf(dice), dice), mutations, ours,
        theirs, difference, says, known: ['we hash bytes that are no text',
            'it reads forms that are not well-formed', 'SHA-1 by the notice',
            'no sign_type is RSA2', 'it reads loose base64',
            'it hashes what is no text as text', 'sign_type in the string'] };
};

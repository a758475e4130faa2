'use strict';

/*
 * WeChat Pay: what wechatpay-axios-plugin has for replies, which are signed as
 * notices are, and its AES-GCM.  Right is a notice that both take: signed, and
 * opened.
 */

const { Rsa, Aes, Formatter, Decorator } = require('wechatpay-axios-plugin');
const { strictJson, strictBase64, isUtf8 } = require('./strict.js');

const KEY_ID = 'PUB_KEY_ID_0119000000012024';
const SERIAL = '0A57F09EFDC096DE15EBE81A47057A7232F1B8E1';
const SCHEME = 'WECHATPAY2-SHA256-RSA2048';
const BODY_BYTES_MAX = 16384;
const AGE_S_MAX = 300;
const SEALED_FIELDS = ['nonce', 'associated_data', 'ciphertext'];


/* As node reads them: names in lower case, several of one name joined. */

function readHeaders(headers) {
    const all = {};

    for (const [name, value] of headers) {
        const key = name.toLowerCase();

        all[key] = key in all ? `${all[key]}, ${value}` : value;
    }

    return all;
}


function header(notice, name) {
    return readHeaders(notice.headers)[`wechatpay-${name}`];
}


exports.make = (keys, now) => {
    const pairs = { [KEY_ID]: keys.gateway, [SERIAL]: keys.previous };
    const verifier = Decorator.responseVerifier(Object.fromEntries(
        Object.entries(pairs).map(([name, pair]) => [name, pair.publicKey])));

    Formatter.timestamp = () => now;

    const plainOf = (dice) => ({
        mchid: dice.below(30) ? '1900000001' : dice.digits(10),
        appid: dice.below(30) ? 'wx0123456789abcdef' : dice.text(18),
        out_trade_no: dice.text(dice.between(6, 32)),
        transaction_id: dice.digits(28),
        trade_type: dice.below(20) ? 'NATIVE' : 'JSAPI',
        trade_state: dice.below(9) ? 'SUCCESS'
            : dice.pick(['NOTPAY', 'REFUND', 'CLOSED']),
        attach: dice.words(),
        amount: { total: dice.between(1, 999999),
            payer_total: dice.between(1, 999999),
            currency: dice.below(30) ? 'CNY' : 'USD' },
    });

    /* `facts` are what a notice is made of; a change of them is sealed and
     * signed. */
    const seal = (facts) => {
        const { plain, key, nonce, aad, envelope, resource } = facts;

        return JSON.stringify({ id: 'EV-1', event_type: 'TRANSACTION.SUCCESS',
            resource_type: 'encrypt-resource', summary: '\u652f\u4ed8',
            resource: { original_type: 'transaction',
                algorithm: 'AEAD_AES_256_GCM', nonce, associated_data: aad,
                ciphertext: Aes.AesGcm.encrypt(typeof plain === 'string'
                    ? plain : JSON.stringify(plain), key, nonce, aad || ''),
                ...resource }, ...envelope });
    };

    /* `lines` are signed, the headers sent. */
    const sign = (body, facts) => {
        const { serial, timestamp, nonce2, lines } = facts;
        const made = Rsa.sign(Buffer.concat([Buffer.from(
            `${timestamp}\n${nonce2}\n`, 'latin1'), lines || body,
        Buffer.from('\n')]), (facts.pair || pairs[serial]).privateKey);

        return { body, facts, headers: [
            ['Wechatpay-Timestamp', timestamp], ['Wechatpay-Nonce', nonce2],
            ['Wechatpay-Serial', serial], ['Wechatpay-Signature', made],
            ['Content-Type', 'application/json']] };
    };

    const make = (facts) => sign(Buffer.from(seal(facts), 'utf8'), facts);

    const factsOf = (dice) => ({ plain: plainOf(dice),
        key: keys.apiv3[dice.below(8) ? 0 : 1], nonce: dice.text(12),
        aad: dice.pick(['transaction', '', 'x']),
        serial: dice.pick([KEY_ID, SERIAL]),
        timestamp: String(now + dice.between(-AGE_S_MAX, AGE_S_MAX)),
        nonce2: dice.text(32) });

    const edit = (change) => (genuine, dice) => ({ ...genuine,
        headers: change(genuine.headers, dice) });

    /* One of the four headers in another way. */
    const editOne = (change) => edit((headers, dice) => {
        const at = dice.below(4);

        return [...headers.slice(0, at), ...change(headers[at], dice, headers),
            ...headers.slice(at + 1)];
    });

    const set = (name, change) => edit((headers, dice) => headers.map(
        ([key, value]) => [key, key === `Wechatpay-${name}`
            ? change(value, dice) : value]));

    const editBody = (change) => (genuine, dice) => ({ ...genuine,
        body: change(genuine.body, dice) });

    const again = (change) => ({ facts }, dice) =>
        make({ ...facts, ...change(facts, dice) });

    /* The signature is made anew, over a body that was spoilt. */
    const resigned = (change) => ({ body, facts }, dice) =>
        sign(change(body, dice, facts), facts);

    const mutations = {
        bytes: editBody((body, dice) => dice.spoil(body)),
        newline: editBody((body) => Buffer.concat([body,
            Buffer.from('\n')])),
        rewritten: editBody((body) => Buffer.from(JSON.stringify(
            JSON.parse(body), null, 1))),
        mark: editBody((body) => Buffer.concat([
            Buffer.from('\ufeff'), body])),
        dropped: editOne(() => []),
        doubled: editOne((one) => [one, one]),
        doubled_other: editOne(([name, value], dice) => dice.shuffled(
            [[name, value], [name.toLowerCase(), dice.text(4)]])),
        underscores: editOne(([name, value]) =>
            [[name.replace('-', '_'), value]]),
        recased: editOne(([name, value]) => [[name.toUpperCase(), value]]),
        emptied: editOne(([name]) => [[name, '']]),
        value: editOne(([name, value], dice) => [[name, dice.spoilText(value)
            .replace(/[^ -~]/g, '~')]]),
        swapped: editOne(([name], dice, headers) => [[name,
            dice.pick(headers)[1]]]),
        reordered: edit((headers, dice) => dice.shuffled(headers)),
        probe: set('Signature', (value) => `WECHATPAY/SIGNTEST/${value}`),
        sign_loose: set('Signature', (value, dice) =>
            dice.looseBase64(value)),
        sign_recased: set('Signature', (value) => value.toLowerCase()),
        serial_other: set('Serial', (value, dice) => dice.pick([KEY_ID,
            SERIAL, '5157F09EFDC096DE15EBE81A47057A7232F1B8E1', 'X'])),
        serial_recased: set('Serial', (value) => value.toLowerCase()),
        serial_short: set('Serial', (value) => value.replace(/^0/, '')),
        type: edit((headers, dice) => [...headers, ['Wechatpay-Signature-Type',
            dice.pick([SCHEME, 'WECHATPAY2-SM2-WITH-SM3', ''])]]),
        stale: again((facts, dice) => ({ timestamp: String(now + dice.pick(
            [-86400, -301, -300, 300, 301, 86400])) })),
        time: again(({ timestamp }, dice) => ({ timestamp: dice.pick([
            '', '1e9', `${timestamp}.0`, `${timestamp}x`, `0${timestamp}`,
            '-1', '9'.repeat(20), `+${timestamp}`]) })),
        other_key: again((facts, dice) => ({ pair: dice.pick([keys.own,
            keys.other, ...Object.values(pairs)]) })),
        nonce: again((facts, dice) => ({ nonce2: dice.pick(['', '\xe9',
            'n'.repeat(129), 'a b']) })),
        borders: ({ body, facts }) => sign(body, { ...facts,
            nonce2: facts.nonce2.slice(0, -1),
            lines: Buffer.concat([Buffer.from(facts.nonce2.slice(-1)), body])
        }),
        apiv3: again((facts, dice) => ({ key: dice.text(32) })),
        sealed_nonce: again((facts, dice) => ({ nonce: dice.text(
            dice.pick([1, 11, 13, 16])) })),
        aad_other: again((facts, dice) => ({ resource: { associated_data:
            dice.pick(['other', null, 5, '\u652f', 'x'.repeat(300)]) } })),
        aad_long: again(() => ({ aad: 'x'.repeat(300) })),
        aad_none: again(() => ({ aad: undefined })),
        algorithm: again((facts, dice) => ({ resource: { algorithm: dice.pick(
            ['AEAD_AES_128_GCM', '', null, 'aead_aes_256_gcm']) } })),
        envelope: again((facts, dice) => ({ envelope: dice.pick([
            { resource_type: 'x' }, { event_type: undefined },
            { event_type: 5 }, { resource: null },
            { event_type: 'REFUND.SUCCESS' }, { event_type: 'OTHER' }]) })),
        ciphertext: resigned((body, dice) => Buffer.from(body.toString()
            .replace(/"ciphertext":"(.*?)"/, (all, text) =>
                all.replace(text, dice.spoilText(text)
                    .replace(/[^ -~]|["\\]/g, '~'))))),
        ciphertext_loose: resigned((body, dice) => Buffer.from(body.toString()
            .replace(/"ciphertext":"(.*?)"/, (all, text) => JSON.stringify({
                ciphertext: dice.looseBase64(text) }).slice(1, -1)))),
        ciphertext_short: resigned((body, dice) => Buffer.from(body.toString()
            .replace(/"ciphertext":"(.*?)"/, () =>
                `"ciphertext":"${Buffer.alloc(dice.below(18))
                    .toString('base64')}"`))),
        tag: resigned((body, dice) => Buffer.from(body.toString().replace(
            /"ciphertext":"(.*?)"/, (all, text) => {
                const sealed = Buffer.from(text, 'base64');

                sealed[sealed.length - 1 - dice.below(16)] ^=
                    1 << dice.below(8);

                return `"ciphertext":"${sealed.toString('base64')}"`;
            }))),
        json: resigned((body, dice) => dice.spoil(body)),
        json_doubled: resigned((body, dice, facts) => Buffer.from(
            body.toString().replace(/^\{/, dice.pick(['{"id":1,',
                '{"resource":null,', '{"a":{"b":1,"b":2},'])))),
        json_escaped: resigned((body) => Buffer.from(body.toString().replace(
            '"nonce"', '"\\u006eonce"'))),
        large: resigned((body) => Buffer.from(body.toString().replace(/^\{/,
            `{"x":"${'x'.repeat(BODY_BYTES_MAX)}",`))),
        no_text: resigned((body) => Buffer.from(body.toString('latin1')
            .replace('"summary":"', '"summary":"\xff'), 'latin1')),
        replaced: ({ body, facts }) => {
            const put = (what) => Buffer.concat([Buffer.from('{"x":"'), what,
                Buffer.from('",'), body.subarray(1)]);

            return sign(put(Buffer.from('\xff', 'latin1')), { ...facts,
                lines: put(Buffer.from('\ufffd')) });
        },
        plain: again(({ plain }, dice) => ({ plain: dice.pick([
            '', '{', '[]', '{"a":1,"a":2}', { ...plain, out_trade_no: 5 },
            { ...plain, amount: { ...plain.amount, total: '990' } },
            { ...plain, amount: { ...plain.amount, total: 9.9 } },
            { ...plain, transaction_id: dice.words() },
            { ...plain, trade_state: undefined }]) })),
    };

    const signed = (notice) => {
        const data = notice.body.toString('utf8');

        try {
            return verifier.call({}, data, readHeaders(notice.headers))
                === data;
        } catch {
            return false;
        }
    };

    /* What the SDK finds in it, or null. */
    const opened = ({ body }) => {
        for (const key of keys.apiv3) {
            try {
                const { ciphertext, nonce, associated_data: aad } =
                    JSON.parse(body.toString('utf8')).resource;

                return Aes.AesGcm.decrypt(ciphertext, key, nonce, aad);
            } catch {
                /* by the next key, then */
            }
        }

        return null;
    };

    const ours = ({ body }, { word, field }) => {
        if (word === 'method' || field.startsWith('wechatpay-')
            || body.length > BODY_BYTES_MAX
            || word === 'algorithm' || ['event_type', 'resource_type']
                .includes(field) && word !== 'not_paid' && word !== 'refund') {
            return false;
        }

        return !SEALED_FIELDS.includes(field)
            && (!['malformed', 'duplicate'].includes(word)
                || strictJson(body));
    };

    const theirs = (notice) => signed(notice) && opened(notice) !== null;

    const weTake = (notice) => {
        const serial = header(notice, 'serial');

        if (serial !== SERIAL && serial.toUpperCase().replace(/^0+/, '')
            === SERIAL.replace(/^0+/, '')) {
            return 'we know a serial number in any case, without zeros';
        }

        return null;
    };

    const headersDiffer = (notice, { word, field }) => {
        switch (field) {
        case 'wechatpay-signature-type':
            return 'it does not look at the type of the signature';
        case 'wechatpay-timestamp':
            return word === 'malformed' && !/^\d{1,12}$/.test(
                header(notice, 'timestamp')) || header(notice, 'timestamp')
                === '' ? 'it takes any text for a time' : null;
        case 'wechatpay-nonce':
            return word === 'unsigned' && header(notice, 'nonce') === ''
                || /[^ -~]|.{129}/.test(header(notice, 'nonce'))
                ? 'it takes any nonce' : null;
        case 'wechatpay-signature':
            return strictBase64(header(notice, 'signature'))
                ? isUtf8(notice.body) ? null
                    : 'it hashes what is no text as text'
                : word === 'duplicate' || word === 'signature'
                    ? 'it reads loose base64' : null;
        default:
            return null;
        }
    };

    const difference = (notice, verdict, theyTake) => {
        const { word, field } = verdict;

        if (!theyTake) {
            return weTake(notice);
        }

        if (field.startsWith('wechatpay-')) {
            return headersDiffer(notice, verdict);
        }

        if (notice.body.length > BODY_BYTES_MAX) {
            return 'it reads a body of any size';
        }

        if (field === '') {
            return !strictJson(notice.body) && (word === 'malformed'
                || word === 'duplicate') ? 'it reads JSON that is not strict'
                : null;
        }

        const { resource, event_type, resource_type } = JSON.parse(
            notice.body);

        switch (field) {
        case 'event_type':
            return typeof event_type === 'string' ? null
                : 'it does not look at the envelope';
        case 'resource_type':
            return resource_type === 'encrypt-resource' ? null
                : 'it does not look at the envelope';
        case 'algorithm':
            return resource.algorithm === 'AEAD_AES_256_GCM' ? null
                : 'it does not look at the algorithm';
        case 'nonce':
            return resource.nonce.length === 12 ? null
                : 'it takes a nonce of any size';
        case 'associated_data':
            return resource.associated_data.length > 256
                ? 'it takes associated data of any size' : null;
        case 'ciphertext':
            return !strictBase64(resource.ciphertext) ? 'it reads loose base64'
                : opened(notice) === '' ? 'it opens what is empty' : null;
        default:
            return null;
        }
    };

    const says = (notice) => {
        const plain = JSON.parse(opened(notice));

        return { order: plain.out_trade_no, trade: plain.transaction_id,
            amount: plain.amount.total, currency: plain.amount.currency };
    };

    return { genuine: (dice) => make(factsOf(dice)), mutations, ours, theirs,
        difference, says, known: [
            'we know a serial number in any case, without zeros',
            'it does not look at the type of the signature',
            'it takes any text for a time', 'it takes any nonce',
            'it hashes what is no text as text', 'it reads loose base64',
            'it reads a body of any size', 'it reads JSON that is not strict',
            'it does not look at the envelope',
            'it does not look at the algorithm',
            'it takes a nonce of any size',
            'it takes associated data of any size',
            'it opens what is empty'] };
};

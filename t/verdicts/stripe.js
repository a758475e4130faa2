'use strict';

/* Stripe: constructEvent() of its SDK, with either secret. */

const crypto = require('node:crypto');
const Stripe = require('stripe');
const { isUtf8 } = require('./strict.js');

const AGE_S_MAX = 300;
const BODY_BYTES_MAX = 65536;
const HEADER_BYTES_MAX = 4096;
const SIGNATURES_MAX = 16;
const HEADER = 'stripe-signature';


/* As node reads it: several of one name are joined. */

function readHeader(headers) {
    const all = headers.filter(([name]) => name.toLowerCase() === HEADER);

    return all.length === 0 ? undefined
        : all.map(([, value]) => value).join(', ');
}


/* The elements of the header that begin with this, read strictly. */

function elements(header, name) {
    return header.split(',').filter((one) => one.startsWith(`${name}=`))
        .map((one) => one.slice(name.length + 1));
}


/* Without the mark in front that a reader of text takes off. */

function isText(body) {
    return isUtf8(body)
        && !body.subarray(0, 3).equals(Buffer.from('\ufeff'));
}


exports.make = (keys, now) => {
    const stripe = new Stripe('sk_test_none');

    const mac = (secret, time, body) => crypto.createHmac('sha256', secret)
        .update(`${time}.`).update(body).digest('hex');

    const eventOf = (dice) => ({ id: `evt_${dice.text(8)}`, object: 'event',
        type: dice.below(9) ? dice.pick(['checkout.session.completed',
            'checkout.session.async_payment_succeeded'])
            : dice.pick(['checkout.session.expired', 'customer.created']),
        livemode: !dice.below(30), data: { object: {
            id: `cs_test_${dice.text(30)}`, object: 'checkout.session',
            livemode: !dice.below(30), mode: 'payment',
            payment_status: dice.below(9) ? 'paid' : 'unpaid',
            client_reference_id: dice.text(dice.between(1, 26)),
            payment_intent: `pi_${dice.text(24)}`,
            amount_total: dice.between(1, 999999),
            currency: dice.pick(['cny', 'usd', 'jpy', 'kwd']),
            metadata: { note: dice.words() },
        } } });

    const notice = (body, header) => ({ body, headers: [
        ['Stripe-Signature', header], ['Content-Type', 'application/json']] });

    /* By the SDK itself. */
    const sign = (body, time, secret, scheme = 'v1') =>
        stripe.webhooks.generateTestHeaderString({
            payload: body.toString('utf8'), secret, timestamp: time, scheme });

    const genuine = (dice) => {
        const body = Buffer.from(JSON.stringify(eventOf(dice), null,
            dice.pick([0, 2])), 'utf8');
        const time = now + dice.between(-AGE_S_MAX, AGE_S_MAX);
        const secret = keys.webhook[dice.below(8) ? 0 : 1];

        return { ...notice(body, sign(body, time, secret)), time, secret };
    };

    const editHeader = (change) => (from, dice) => ({ ...from, headers: [
        ['Stripe-Signature', change(from.headers[0][1], dice, from)],
        ...from.headers.slice(1)] });

    const editElements = (change) => editHeader((header, dice, from) =>
        change(header.split(','), dice, from).join(','));

    const editBody = (change) => (from, dice) => ({ ...from,
        body: change(from.body, dice) });

    /* Signed as it is then, or at that time, by whoever. */
    const again = (change) => (from, dice) => {
        const { body, time, secret, scheme } = { ...from,
            ...change(from, dice) };

        return notice(body, `t=${time},${scheme || 'v1'}=${mac(secret, time,
            body)}`);
    };

    const mutations = {
        bytes: editBody((body, dice) => dice.spoil(body)),
        newline: editBody((body) => Buffer.concat([body,
            Buffer.from('\n')])),
        rewritten: editBody((body) => Buffer.from(JSON.stringify(
            JSON.parse(body), null, 3))),
        mark: editBody((body) => Buffer.concat([Buffer.from('\ufeff'),
            body])),
        emptied: editBody(() => Buffer.alloc(0)),
        header: editHeader((header, dice) => dice.spoilText(header)
            .replace(/[^ -~]/g, '~')),
        header_empty: editHeader(() => ''),
        header_none: ({ headers, ...from }) => ({ ...from,
            headers: headers.slice(1) }),
        header_doubled: ({ headers, ...from }, dice) => ({ ...from,
            headers: dice.pick([
                [headers[0], ...headers],
                [['stripe-signature', 't=1,v1=2'], ...headers],
                [...headers, ['STRIPE-SIGNATURE', dice.text(9)]]]) }),
        header_recased: ({ headers, ...from }) => ({ ...from, headers:
            headers.map(([name, value]) => [name.toUpperCase(), value]) }),
        underscore: ({ headers, ...from }) => ({ ...from, headers:
            headers.map(([name, value]) => [name.replace('-', '_'),
                value]) }),
        header_long: editHeader((header, dice) =>
            `${header},v0=${'0'.repeat(dice.pick([3900, 5000]))}`),
        element_dropped: editElements((all, dice) =>
            all.filter((one, i) => i !== dice.below(all.length))),
        element_recased: editElements(([t, v1], dice) => dice.pick([
            [t.toUpperCase(), v1], [t, v1.toUpperCase()],
            [t, `v1=${v1.slice(3).toUpperCase()}`]])),
        elements_swapped: editElements((all) => all.reverse()),
        blank: editElements((all, dice) => all.map((one) =>
            dice.pick([one, ` ${one}`, `${one} `, one.replace('=', '= ')]))),
        other_scheme: editElements(([t, v1], dice) => [t,
            v1.replace('v1', dice.pick(['v0', 'v2', 'v11', 'v', 'v1=v1']))]),
        more_schemes: editElements(([t, v1], dice) => dice.shuffled([t, v1,
            'v0=x', 'v2=y', 'x', '', '='])),
        second_v1: editElements(([t, v1], dice) => [t, ...dice.shuffled([v1,
            ...Array.from({ length: dice.pick([1, 2, 15, 16, 40]) },
                () => `v1=${dice.text(64, '0123456789abcdef')}`)])]),
        v1_spoilt: editElements(([t, v1], dice) => [t, dice.spoilText(v1)
            .replace(/[^ -~]/g, '~')]),
        v1_tail: editElements(([t, v1], dice) => [t, v1 + dice.pick(['=',
            '=x', '==', 'x', '0'])]),
        time_spoilt: editElements(([t, v1], dice) => [dice.spoilText(t)
            .replace(/[^ -~]/g, '~'), v1]),
        time_text: editElements(([t, v1], dice) => [dice.pick([`${t}abc`,
            t.replace('=', '=0'), t.replace('=', '=+'), `${t}.0`, `${t}e0`,
            `${t}=1`]), v1]),
        time_twice: editElements(([t, v1], dice) => [...dice.pick([
            ['t=1', t], [t, 't=1'], [t, t], ['t=x', t]]), v1]),
        stale: again((from, dice) => ({ time: now + dice.pick([-86400, -301,
            -300, 300]) })),
        future: again((from, dice) => ({ time: now + dice.pick([301,
            31536000]) })),
        time_odd: again(({ time }, dice) => ({ time: dice.pick(['', '-1',
            '1e9', `0${time}`, `${time}x`, '9'.repeat(20)]) })),
        other_secret: again((from, dice) => ({ secret: dice.pick(['x',
            `whsec_${dice.text(20)}`, from.secret.slice(6)]) })),
        previous_secret: again(() => ({ secret: keys.webhook[1] })),
        scheme: again((from, dice) => ({ scheme: dice.pick(['v0', 'V1']) })),
        json: again(({ body }, dice) => ({ body: dice.spoil(body) })),
        not_an_event: again((from, dice) => ({ body: Buffer.from(dice.pick(
            ['', '[]', 'null', '{"object":"v2.core.event"}', '{"a":1,"a":2}',
                '{'])) })),
        no_text: again(({ body }) => ({ body: Buffer.concat([body,
            Buffer.from([0xff])]) })),
        replaced: ({ body, time, secret }) => notice(
            Buffer.concat([body, Buffer.from([0xff])]), `t=${time},v1=${mac(
                secret, time, Buffer.concat([body, Buffer.from('\ufffd')]))}`),
        large: again(({ body }) => ({ body: Buffer.concat([body,
            Buffer.alloc(BODY_BYTES_MAX, ' ')]) })),
        odd_value: again(({ body }, dice) => {
            const event = JSON.parse(body);
            const session = event.data.object;
            const name = dice.pick(Object.keys(session));

            session[name] = dice.pick([null, 5, '5', -1, 9.9, true, {}, '',
                undefined]);

            return { body: Buffer.from(JSON.stringify(event)) };
        }),
    };

    const ours = ({ body }, { word, field }) => field !== HEADER
        && word !== 'method' && body.length <= BODY_BYTES_MAX;

    /* What is no JSON, or another kind of event, is refused behind the
     * signature. */
    const theirs = ({ body, headers }) => keys.webhook.some((secret) => {
        try {
            stripe.webhooks.constructEvent(body, readHeader(headers), secret,
                undefined, undefined, now * 1000);

            return true;
        } catch (e) {
            return e instanceof SyntaxError || /thin event/.test(e.message);
        }
    });

    const holds = (body, time, made) => keys.webhook.some((secret) =>
        made.includes(mac(secret, time, body)));

    const weTake = (body, time, made) => {
        if (!holds(body, time, made)) {
            return null;
        }

        return time !== String(Number(time)) ? 'we hash the digits of the time'
            : isText(body) ? null : 'we hash bytes that are no text';
    };

    const difference = ({ body, headers }, { word }, theyTake) => {
        const header = readHeader(headers);
        const times = elements(header, 't');
        const made = elements(header, 'v1');

        if (!theyTake) {
            return times.length === 1 ? weTake(body, times[0], made) : null;
        }

        if (word === 'duplicate') {
            return headers.filter(([name]) => name.toLowerCase() === HEADER)
                .length > 1 ? 'it reads headers that node has joined' : null;
        }

        if (body.length > BODY_BYTES_MAX) {
            return 'it reads a body of any size';
        }

        if (header.length > HEADER_BYTES_MAX) {
            return 'it reads a header of any size';
        }

        if (times.length > 1) {
            return 'it takes the last of two times';
        }

        if (!/^\d{1,12}$/.test(times[0]) || times[0].startsWith('0')) {
            return 'it reads a number at the start of a text';
        }

        if (made.length > SIGNATURES_MAX) {
            return 'it tries any number of signatures';
        }

        if (word === 'stale') {
            return Number(times[0]) > now + AGE_S_MAX
                ? 'it takes a time in the future' : null;
        }

        if (!isText(body)) {
            return holds(Buffer.from(new TextDecoder().decode(body)), times[0],
                made) ? 'it hashes what it made of the bytes' : null;
        }

        return holds(body, times[0], made.map((one) => one.split('=')[0]))
            ? 'it cuts a signature at "="' : null;
    };

    const says = ({ body }) => {
        const session = JSON.parse(body).data.object;

        return { order: session.client_reference_id,
            trade: session.payment_intent, amount: session.amount_total,
            currency: session.currency.toUpperCase() };
    };

    return { genuine, mutations, ours, theirs, difference, says, known: [
        'we hash the digits of the time',
        'we hash bytes that are no text',
        'it reads headers that node has joined',
        'it reads a body of any size', 'it reads a header of any size',
        'it takes the last of two times',
        'it reads a number at the start of a text',
        'it tries any number of signatures', 'it takes a time in the future',
        'it hashes what it made of the bytes',
        'it cuts a signature at "="'] };
};

'use strict';

/*
 * The same notices to our verifiers and to the gateway's own SDK:
 *
 *     verdicts.js JUDGE DIR GATEWAY COUNT SEED
 *
 * GATEWAY is one of the files beside: alipay, wechat, stripe.  Notices are
 * genuine ones, by that seed, and mutants of them.  Both sides say whether
 * the signature is right, and where they differ, the gateway's file has to
 * know why: it looks at the notice for itself and names the difference, or
 * the notice is printed as one that nobody can explain.
 *
 * A line of JSON on stdout: {compared, agreed: {right, wrong}, credited,
 * kinds, differences, unexplained: [..]}.
 */

const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { spawn } = require('node:child_process');
const { Dice } = require('./dice.js');
const { makeKeys } = require('./keys.js');

const NOW_S = 1767323045;
const MUTANTS = 5;
const BATCH = 500;
const UNEXPLAINED_MAX = 5;


/* Number of parts, and each part behind its size. */

function frame(protocol, { body, headers }) {
    const parts = [protocol, body, ...headers.flat()].map((part) =>
        Buffer.isBuffer(part) ? part : Buffer.from(part, 'latin1'));
    const number = (n) => {
        const out = Buffer.alloc(4);

        out.writeUInt32LE(n);

        return out;
    };

    return Buffer.concat([number(parts.length),
        ...parts.flatMap((part) => [number(part.length), part])]);
}


class Judge {
    constructor(program, dir) {
        this.child = spawn(program, [dir, String(NOW_S)],
            { stdio: ['pipe', 'pipe', 'inherit'] });
        this.lines = readline.createInterface(this.child.stdout)[
            Symbol.asyncIterator]();
    }

    async verdicts(protocol, notices) {
        this.child.stdin.write(Buffer.concat(
            notices.map((notice) => frame(protocol, notice))));
        const all = [];

        while (all.length < notices.length) {
            const { value, done } = await this.lines.next();

            if (done) {
                throw new Error('the judge died');
            }

            const [word, ...rest] = value.split(' ');
            const [field, order, trade, amount, currency] =
                rest.map((text) => text === '-' ? '' : text);

            all.push({ word, field, order, trade, amount: Number(amount),
                currency });
        }

        return all;
    }

    end() {
        this.child.stdin.end();
    }
}


/* A genuine notice and its mutants. */

function family(gateway, dice) {
    const genuine = gateway.genuine(dice);
    const names = Object.keys(gateway.mutations);
    const all = [{ ...genuine, kind: 'genuine' }];

    for (let i = 0; i < MUTANTS; i++) {
        const kind = dice.pick(names);

        all.push({ ...gateway.mutations[kind](genuine, dice), kind });
    }

    return all;
}


function add(counts, name) {
    counts[name] = (counts[name] || 0) + 1;
}


function compare(gateway, notice, ours, result) {
    const right = gateway.ours(notice, ours);
    const theirs = gateway.theirs(notice);

    result.compared++;
    add(result.kinds, notice.kind);

    let difference = right === theirs ? null
        : gateway.difference(notice, ours, theirs);

    if (right === theirs) {
        add(result.agreed, right ? 'right' : 'wrong');
    } else if (difference !== null) {
        add(result.differences, difference);
    }

    let wrong = right !== theirs && difference === null
        ? `ours ${right}, the SDK ${theirs}` : null;

    /* Money is credited as what the SDK's reading of the notice says. */
    if (ours.word === 'paid') {
        const says = gateway.says(notice);

        add(result, 'credited');

        if (['order', 'trade', 'amount', 'currency'].some(
            (name) => ours[name] !== says[name])) {
            wrong = `credited ${JSON.stringify(ours)}, `
                + `where the notice says ${JSON.stringify(says)}`;
        }
    }

    if (wrong !== null && result.unexplained.length < UNEXPLAINED_MAX) {
        result.unexplained.push(`${notice.kind}: ${wrong}, `
            + `${JSON.stringify(ours)}: ${JSON.stringify(notice.headers)} `
            + notice.body.toString('latin1').slice(0, 1024));
    }
}


async function main([program, dir, name, count, seed]) {
    const keys = makeKeys();

    for (const [file, content] of Object.entries(keys.files)) {
        fs.writeFileSync(path.join(dir, file), content, { mode: 0o600 });
    }

    const gateway = require(`./${name}.js`).make(keys, NOW_S);
    const dice = new Dice(Number(seed));
    const judge = new Judge(program, dir);
    const result = { compared: 0, credited: 0, agreed: { right: 0, wrong: 0 },
        kinds: {}, differences: {}, unexplained: [] };

    for (const known of gateway.known) {
        result.differences[known] = 0;
    }

    while (result.compared < Number(count)) {
        const notices = [];

        while (notices.length < BATCH) {
            notices.push(...family(gateway, dice));
        }

        const verdicts = await judge.verdicts(name, notices);

        notices.forEach((notice, i) =>
            compare(gateway, notice, verdicts[i], result));
    }

    judge.end();
    console.log(JSON.stringify(result));
}


main(process.argv.slice(2));

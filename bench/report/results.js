'use strict';

/*
 * results.json: read, held against its shape, and asked.  What is wrong is
 * named by its place, as "series[3].rounds[0].ratio: a number is wanted".
 */

const fs = require('node:fs');

const NUMBER = 'a number';
const COUNT = 'a whole number from 0 on';
const TEXT = 'a text';
const BOOLEAN = 'true or false';
const PAIRS = 'pairs of a percentile and microseconds, rising';
const SPREAD = 'three numbers: median, lowest, highest';
const RELATION = '">=" or "<="';
const ANY = 'an object';

/* Whether pace was slow itself, and how many found no connection free. */

const GENERATOR = { lag_p50_us: NUMBER, lag_p99_us: NUMBER,
    lag_p999_us: NUMBER, no_connection: COUNT };

/* A key that ends in "?" may be missing; a list has one shape for all. */

const SHAPE = {
    version: 1,
    commit: TEXT, started_at: NUMBER, took_s: NUMBER,
    machine: { cpu: TEXT, cores: COUNT, memory: TEXT, kernel: TEXT,
        disk: TEXT, versions: ANY },
    settings: ANY,
    series: [{
        scenario: TEXT, subject: TEXT, connections: COUNT, workers: COUNT,
        peer: BOOLEAN,
        rounds: [{ per_s: NUMBER, ratio: NUMBER, 'p50_us?': NUMBER,
            'p99_us?': NUMBER, 'p999_us?': NUMBER,
            'cpu_us?': { nginx_user: NUMBER, nginx_kernel: NUMBER,
                app: NUMBER, store: NUMBER },
            'beside_us?': { generator: NUMBER, idle: NUMBER } }],
    }],
    latency: [{ scenario: TEXT, subject: TEXT, rate_per_s: NUMBER,
        share_of_peak: NUMBER, count: COUNT, percentiles: PAIRS,
        'generator?': GENERATOR }],
    load: [{
        subject: TEXT,
        points: [{ rate_per_s: NUMBER, p50_us: NUMBER, p99_us: NUMBER,
            p999_us: NUMBER, 'redis_commands_per_order?': NUMBER,
            'redis_us_per_order?': NUMBER, 'nginx_user_us?': NUMBER,
            'nginx_kernel_us?': NUMBER, 'generator?': GENERATOR }],
    }],
    fault: [{ subject: TEXT, fault: TEXT, at_ms: NUMBER, bucket_ms: COUNT,
        buckets: [{ done: COUNT, errors: COUNT, p99_us: NUMBER }] }],
    sums: [{ subject: TEXT, stock: COUNT, answered: COUNT, orders: COUNT,
        oversold: COUNT, duplicates: COUNT, ok: BOOLEAN, 'why?': TEXT }],
    micro: [{ name: TEXT, threads: COUNT, ns: NUMBER,
        'instructions?': NUMBER, per_s: NUMBER }],
    aims: [{ name: TEXT, value: SPREAD, aim: NUMBER, relation: RELATION,
        held: BOOLEAN }],
};

const isNumber = (v) => typeof v === 'number' && Number.isFinite(v);

const CHECKS = {
    [NUMBER]: isNumber,
    [COUNT]: (v) => Number.isInteger(v) && v >= 0,
    [TEXT]: (v) => typeof v === 'string',
    [BOOLEAN]: (v) => typeof v === 'boolean',
    [PAIRS]: (v) => Array.isArray(v) && v.length > 0 && v.every((pair, i) =>
        Array.isArray(pair) && pair.length === 2 && pair.every(isNumber)
        && pair[0] >= 0 && pair[0] <= 100
        && (i === 0 || (pair[0] > v[i - 1][0] && pair[1] >= v[i - 1][1]))),
    [SPREAD]: (v) => Array.isArray(v) && v.length === 3 && v.every(isNumber),
    [RELATION]: (v) => v === '>=' || v === '<=',
    [ANY]: (v) => isObject(v),
};


function isObject(v) {
    return typeof v === 'object' && v !== null && !Array.isArray(v);
}


function check(value, shape, place) {
    if (typeof shape === 'string') {
        if (!CHECKS[shape](value)) {
            throw new Error(`${place}: ${shape} is wanted`);
        }
    } else if (typeof shape === 'number') {
        if (value !== shape) {
            throw new Error(`${place}: ${shape} is wanted`);
        }
    } else if (Array.isArray(shape)) {
        if (!Array.isArray(value)) {
            throw new Error(`${place}: a list is wanted`);
        }
        value.forEach((v, i) => check(v, shape[0], `${place}[${i}]`));
    } else {
        checkObject(value, shape, place);
    }
}


/* What it does not know it refuses: mostly a key that is misspelt. */

function checkObject(value, shape, place) {
    if (!isObject(value)) {
        throw new Error(`${place || 'results'}: an object is wanted`);
    }

    const at = (key) => (place ? `${place}.${key}` : key);
    const known = new Set();

    for (const [name, wanted] of Object.entries(shape)) {
        const key = name.replace(/\?$/, '');

        known.add(key);
        if (key in value) {
            check(value[key], wanted, at(key));
        } else if (key === name) {
            throw new Error(`${at(key)}: missing`);
        }
    }

    for (const key of Object.keys(value)) {
        if (!known.has(key)) {
            throw new Error(`${at(key)}: unknown`);
        }
    }
}


function some(list, place) {
    if (list.length === 0) {
        throw new Error(`${place}: at least one is wanted`);
    }
}


/* A series without rounds has no median, and may not stand beside others. */

function checked(results) {
    check(results, SHAPE, '');
    results.series.forEach((s, i) => some(s.rounds, `series[${i}].rounds`));
    results.fault.forEach((f, i) => some(f.buckets, `fault[${i}].buckets`));
    return results;
}


function read(path) {
    let text;

    try {
        text = fs.readFileSync(path, 'utf8');
    } catch (e) {
        fail(`${path}: ${e.code === 'ENOENT' ? 'no such file' : e.message}`);
    }

    try {
        return checked(JSON.parse(text));
    } catch (e) {
        return fail(`${path}: ${e.message}`);
    }
}


function fail(what) {
    process.stderr.write(`bench: ${what}\n`);
    process.exit(2);
}


/* [median, lowest, highest] of what the rounds have; undefined: nothing. */

function spread(values) {
    const s = values.filter((v) => v !== undefined).sort((a, b) => a - b);
    const half = s.length >> 1;

    if (s.length === 0) {
        return undefined;
    }
    return [s.length % 2 ? s[half] : (s[half - 1] + s[half]) / 2,
        s[0], s[s.length - 1]];
}


const cpuSum = (cpu) => (cpu === undefined ? undefined :
    Object.values(cpu).reduce((sum, v) => sum + v, 0));


/* What is known of a series, and which way is better, where one is.  What the
 * generator takes of the processors, and what nobody does, is beside it. */

const METRICS = {
    ratio: { title: 'ratio to R0', better: 'higher', digits: 3,
        of: (round) => round.ratio },
    p50_us: { title: 'p50 us', better: 'lower', digits: 0,
        of: (round) => round.p50_us },
    p99_us: { title: 'p99 us', better: 'lower', digits: 0,
        of: (round) => round.p99_us },
    p999_us: { title: 'p99.9 us', better: 'lower', digits: 0,
        of: (round) => round.p999_us },
    cpu_us: { title: 'CPU us an order', better: 'lower', digits: 1,
        of: (round) => cpuSum(round.cpu_us) },
    generator_us: { title: 'generator us', digits: 1,
        of: (round) => round.beside_us && round.beside_us.generator },
    idle_us: { title: 'idle us', digits: 1,
        of: (round) => round.beside_us && round.beside_us.idle },
};


function metric(series, name) {
    return spread(series.rounds.map(METRICS[name].of));
}


const isFaka = (s) => !s.peer && /^faka\b/.test(s.subject);

const isBetter = (how, one, other) =>
    (how === 'higher' ? one > other : one < other);

const overlaps = (a, b) => a[1] <= b[2] && b[1] <= a[2];


/*
 * Every metric of every scenario where the median of a peer beats that of
 * faka, under the same number of connections and workers.
 */

function beaten(results) {
    const found = [];

    for (const ours of results.series.filter(isFaka)) {
        const theirs = results.series.filter((s) => s.peer
            && s.scenario === ours.scenario
            && s.connections === ours.connections
            && s.workers === ours.workers);

        for (const peer of theirs) {
            for (const [name, { title, better, digits }]
                of Object.entries(METRICS)) {
                const [a, b] = [metric(ours, name), metric(peer, name)];

                if (better && a && b && isBetter(better, b[0], a[0])) {
                    found.push({ scenario: ours.scenario, title, digits,
                        peer: peer.subject, faka: ours.subject,
                        theirs: b, ours: a, within: overlaps(a, b) });
                }
            }
        }
    }

    return found.concat(beatenOpen(results));
}


const OPEN = [50, 99, 99.9];


/* The open loop: at the same share of what each can do at most. */

function beatenOpen(results) {
    const faka = new Set(results.series.filter(isFaka).map((s) => s.subject));
    const peers = new Set(results.series.filter((s) => s.peer)
        .map((s) => s.subject));
    const found = [];

    for (const ours of results.latency.filter((l) => faka.has(l.subject))) {
        for (const peer of results.latency.filter((l) => peers.has(l.subject)
            && l.scenario === ours.scenario
            && l.share_of_peak === ours.share_of_peak)) {
            for (const p of OPEN) {
                const [a, b] = [at(ours, p), at(peer, p)];

                if (a !== undefined && b < a) {
                    found.push({ scenario: ours.scenario, digits: 0,
                        title: `p${p} us at ${share(ours)} of its peak`,
                        peer: `${peer.subject} (${peer.rate_per_s}/s)`,
                        faka: `${ours.subject} (${ours.rate_per_s}/s)`,
                        theirs: [b, b, b], ours: [a, a, a],
                        within: false });
                }
            }
        }
    }

    return found;
}


/* A generator whose own lag is over a tenth of what it measured. */

const lagged = (generator, p99Us) =>
    generator !== undefined && generator.lag_p99_us > p99Us / 10;

const share = (latency) => `${Math.round(latency.share_of_peak * 100)} %`;

const at = (latency, p) =>
    (latency.percentiles.find((pair) => pair[0] === p) || [])[1];


/* 12,345.6, and a spread as the READMEs have it. */

function number(value, digits) {
    return value.toLocaleString('en-US', { minimumFractionDigits: digits,
        maximumFractionDigits: digits });
}


function spreadText(s, digits) {
    if (s === undefined) {
        return '-';
    }

    const [median, low, high] = s.map((v) => number(v, digits));
    return low === high ? median : `${median} [${low} - ${high}]`;
}


const unique = (list) => [...new Set(list)];

const scenarios = (results) => unique(results.series.map((s) => s.scenario));


module.exports = { METRICS, at, beaten, checked, cpuSum, fail, isFaka, lagged,
    metric, number, overlaps, read, scenarios, share, spread, spreadText, unique };

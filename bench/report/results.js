'use strict';

/*
 * results.json: read, held against its shape, and asked.  What is wrong is
 * named by its place, as "series[3].rounds[0].ratio: a number is wanted".
 */

const fs = require('node:fs');

const NUMBER = 'a number';
const SHARE = 'a number from 0 to 1';
const COUNT = 'a whole number from 0 on';
const TEXT = 'a text';
const BOOLEAN = 'true or false';
const PAIRS = 'pairs of a percentile and microseconds, rising';
const SPREAD = 'three numbers: median, lowest, highest';
const RELATION = '">=" or "<="';
const VERDICT = '"held", "missed" or "not certain"';
const ANY = 'an object';

/* Whether pace was slow itself, what it had of a processor and for how long it
 * waited for one (measured, so perhaps a little over 1), and how many requests
 * found no connection free. */

const GENERATOR = { lag_p50_us: NUMBER, lag_p99_us: NUMBER,
    lag_p999_us: NUMBER, no_connection: COUNT, cpu_share: NUMBER,
    runnable_share: NUMBER };

/* A key that ends in "?" may be missing; a list has one shape for all. */

const SHAPE = {
    version: 2,
    commit: TEXT, started_at: NUMBER, took_s: NUMBER,
    machine: { cpu: TEXT, cores: COUNT, memory: TEXT, kernel: TEXT,
        disk: TEXT, 'loadavg?': TEXT, versions: ANY },
    settings: ANY,
    series: [{
        scenario: TEXT, subject: TEXT, connections: COUNT, workers: COUNT,
        peer: BOOLEAN,
        rounds: [{ per_s: NUMBER, ratio: NUMBER, 'refused_share?': SHARE,
            'cpu_us?': { nginx_user: NUMBER, nginx_kernel: NUMBER,
                app: NUMBER, store: NUMBER },
            'beside_us?': { generator: NUMBER, idle: NUMBER } }],
    }],
    latency: [{ scenario: TEXT, subject: TEXT, rate_per_s: NUMBER,
        share_of_peak: NUMBER, count: COUNT, percentiles: PAIRS,
        p99_us: [NUMBER], p999_us: [NUMBER],
        'generator?': GENERATOR }],
    load: [{
        subject: TEXT,
        points: [{ rate_per_s: NUMBER, p50_us: NUMBER, p99_us: NUMBER,
            p999_us: NUMBER, 'redis_commands_per_order?': NUMBER,
            'redis_us_per_order?': NUMBER, 'nginx_user_us?': NUMBER,
            'nginx_kernel_us?': NUMBER, 'generator?': GENERATOR }],
    }],
    fault: [{ subject: TEXT, fault: TEXT, at_ms: NUMBER, bucket_ms: COUNT,
        refused: COUNT, lost: COUNT,
        buckets: [{ done: COUNT, refused: COUNT, errors: COUNT,
            p99_us: NUMBER }] }],
    sums: [{ subject: TEXT, stock: COUNT, answered: COUNT, orders: COUNT,
        oversold: COUNT, duplicates: COUNT, ok: BOOLEAN, 'why?': TEXT }],
    micro: [{ name: TEXT, threads: COUNT, ns: NUMBER,
        'instructions?': NUMBER, per_s: NUMBER }],
    aims: [{ name: TEXT, value: SPREAD, aim: NUMBER, relation: RELATION,
        verdict: VERDICT }],
};

const isNumber = (v) => typeof v === 'number' && Number.isFinite(v);

const CHECKS = {
    [NUMBER]: isNumber,
    [SHARE]: (v) => isNumber(v) && v >= 0 && v <= 1,
    [COUNT]: (v) => Number.isInteger(v) && v >= 0,
    [TEXT]: (v) => typeof v === 'string',
    [BOOLEAN]: (v) => typeof v === 'boolean',
    [PAIRS]: (v) => Array.isArray(v) && v.length > 0 && v.every((pair, i) =>
        Array.isArray(pair) && pair.length === 2 && pair.every(isNumber)
        && pair[0] >= 0 && pair[0] <= 100
        && (i === 0 || (pair[0] > v[i - 1][0] && pair[1] >= v[i - 1][1]))),
    [SPREAD]: (v) => Array.isArray(v) && v.length === 3 && v.every(isNumber),
    [RELATION]: (v) => v === '>=' || v === '<=',
    [VERDICT]: (v) => ['held', 'missed', 'not certain'].includes(v),
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


/* What is a list of measurements has a median, so it may not be empty. */

const MEASURED = { series: ['rounds'], fault: ['buckets'],
    latency: ['p99_us', 'p999_us'] };

function checked(results) {
    check(results, SHAPE, '');

    for (const [list, keys] of Object.entries(MEASURED)) {
        results[list].forEach((v, i) => keys.forEach((key) =>
            some(v[key], `${list}[${i}].${key}`)));
    }

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


const rounds = (of) => (series) => spread(series.rounds.map(of));

const cpuSum = (cpu) => cpu && Object.values(cpu).reduce((a, b) => a + b, 0);


/*
 * What is known of a series, each as a spread of its rounds, and which way is
 * better, where one is.  The servers' CPU has no part of the generator, which
 * every ratio has; what that takes, and what nobody does, is beside it.
 */

const METRICS = {
    per_s: { title: 'a second', digits: 0, of: rounds((r) => r.per_s) },
    ratio: { title: 'ratio to R0', better: 'higher', digits: 3,
        of: rounds((r) => r.ratio) },
    refused: { title: 'refused, %', digits: 1,
        of: rounds((r) => r.refused_share && r.refused_share * 100) },
    servers_us: { title: 'servers, CPU us', better: 'lower', digits: 1,
        of: rounds((r) => cpuSum(r.cpu_us)) },
    generator_us: { title: 'generator us', digits: 1,
        of: rounds((r) => r.beside_us && r.beside_us.generator) },
    idle_us: { title: 'idle us', digits: 1,
        of: rounds((r) => r.beside_us && r.beside_us.idle) },
};


/* Of the open loop: all runs added up, with the lowest and the highest of the
 * runs, where each one's is known. */

const LATENCIES = [[50], [99, 'p99_us'], [99.9, 'p999_us']]
    .map(([p, runs]) => ({ title: `p${p} us`, better: 'lower', digits: 0,
        of: (latency) => {
            const all = at(latency, p);

            return all === undefined ? undefined :
                [all, ...spread(runs ? latency[runs] : [all]).slice(1)];
        } }));


const metric = (series, name) => METRICS[name].of(series);

const isFaka = (s) => !s.peer && /^faka\b/.test(s.subject);

const isBetter = (how, one, other) =>
    (how === 'higher' ? one > other : one < other);

const overlaps = (a, b) => a[1] <= b[2] && b[1] <= a[2];


/* faka and a peer of the list, where they were measured alike. */

function rivals(results, list, alike) {
    const names = (which) => new Set(results.series.filter(which)
        .map((s) => s.subject));
    const [faka, peers] = [names(isFaka), names((s) => s.peer)];

    return list.filter((ours) => faka.has(ours.subject)).flatMap((ours) =>
        list.filter((peer) => peers.has(peer.subject)
            && alike.every((key) => peer[key] === ours[key]))
            .map((peer) => [ours, peer]));
}


/*
 * Every measure of every scenario where the median of a peer beats that of
 * faka: under the same number of connections and workers; in the open loop at
 * the same share of what each can do at most.
 */

function beaten(results) {
    const found = (pairs, measures, where, who) => pairs.flatMap(
        ([ours, peer]) => measures.map(({ title, better, digits, of }) => ({
            scenario: ours.scenario, title: title + where(ours), better,
            digits, peer: who(peer), faka: who(ours), theirs: of(peer),
            ours: of(ours) })))
        .filter((b) => b.better && b.theirs && b.ours
            && isBetter(b.better, b.theirs[0], b.ours[0]))
        .map((b) => ({ ...b, within: overlaps(b.theirs, b.ours) }));

    return [
        ...found(rivals(results, results.series,
            ['scenario', 'connections', 'workers']),
        Object.values(METRICS), () => '', (s) => s.subject),
        ...found(rivals(results, results.latency,
            ['scenario', 'share_of_peak']),
        LATENCIES, (l) => ` at ${share(l)} of its peak`,
        (l) => `${l.subject} (${l.rate_per_s}/s)`),
    ];
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


module.exports = { LATENCIES, METRICS, at, beaten, fail, isBetter, isFaka,
    lagged, metric, number, read, scenarios, share, spread, spreadText,
    unique };

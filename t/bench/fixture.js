'use strict';

/*
 * Results as a run of the bench would leave them.  They are made up: nothing
 * was measured.  The same numbers each time, from a generator of its own.
 *
 *     node t/bench/fixture.js > results.json
 */

let state = 12345;


function noise(part) {
    state = (state * 1103515245 + 12345) % 2147483648;
    return 1 + part * (state / 1073741824 - 1);
}


const SUBJECTS = [
    { subject: 'return 200', peer: false, ratio: 1, us: 600,
        cpu: [3, 9, 0, 0] },
    { subject: 'faka, memory', peer: false, ratio: 0.64, us: 900,
        cpu: [7, 13, 0, 2] },
    { subject: 'faka, disk', peer: false, ratio: 0.47, us: 1500,
        cpu: [8, 14, 0, 4] },
    { subject: 'evalsha <lua>', peer: true, ratio: 0.21, us: 1300,
        cpu: [15, 20, 0, 22] },
    { subject: 'pg-skip & node', peer: true, ratio: 0.04, us: 11000,
        cpu: [0, 0, 150, 240] },
    { subject: 'php-shop', peer: true, ratio: 0.02, us: 30000,
        cpu: [11, 16, 350, 420] },
];

const ROUNDS = 5;
const R0 = 146000;
const PERCENTILES = [[50, 1], [90, 1.6], [99, 3], [99.9, 7], [99.99, 12],
    [100, 20]];


function round(s, slower) {
    const ratio = s.ratio === 1 ? 1 : s.ratio * slower * noise(0.05);
    const [user, kernel, app, store] = s.cpu.map((v) => v * noise(0.04));

    return { per_s: Math.round(R0 * noise(0.08) * ratio), ratio,
        refused_share: slower === 1 ? 0 : 0.25,
        cpu_us: { nginx_user: user, nginx_kernel: kernel, app, store },
        ...(s.subject === 'php-shop' ? {} :
            { beside_us: { generator: 4 * noise(0.1), idle: 1.5 } }) };
}


function series(scenario, slower) {
    return SUBJECTS.map((s) => ({ scenario, subject: s.subject,
        connections: 256, workers: 2, peer: s.peer,
        rounds: Array.from({ length: ROUNDS }, () => round(s, slower)) }));
}


const runs = (us) => [0.9, 1, 1.1].map((part) => Math.round(us * part));


function latency(shareOfPeak) {
    return SUBJECTS.slice(1).map((s) => ({ scenario: 'hot',
        subject: s.subject, share_of_peak: shareOfPeak,
        rate_per_s: Math.round(R0 * s.ratio * shareOfPeak), count: 500000,
        percentiles: PERCENTILES.map(([p, times]) =>
            [p, Math.round(s.us * times * shareOfPeak)]),
        p99_us: runs(s.us * 3 * shareOfPeak),
        p999_us: runs(s.us * 7 * shareOfPeak),
        generator: { lag_p50_us: 8, lag_p99_us: s.peer ? 70 : 9000,
            lag_p999_us: 9900, no_connection: 12, cpu_share: 0.62,
            runnable_share: 0.17 } }));
}


function load() {
    return SUBJECTS.slice(2, 4).map((s) => ({ subject: s.subject,
        points: [0.1, 0.3, 0.5, 0.7, 0.9].map((part) => ({
            rate_per_s: Math.round(R0 * s.ratio * part),
            p50_us: Math.round(s.us * part),
            p99_us: Math.round(s.us * 3 * part / (1.05 - part)),
            p999_us: Math.round(s.us * 6 * part / (1.02 - part)),
            redis_commands_per_order: s.peer ? 1 : 0.01 / part,
            redis_us_per_order: s.peer ? 22 : 1 + 1 / part,
            nginx_user_us: s.cpu[0] / (0.5 + part / 2),
            nginx_kernel_us: s.cpu[1] / (0.5 + part / 2) })) }));
}


function fault() {
    return [{ subject: 'faka, disk', fault: 'kill -9 of a worker',
        at_ms: 1000, bucket_ms: 100, refused: 2468, lost: 77,
        buckets: Array.from({ length: 30 }, (_, i) => ({
            done: i === 10 ? 900 : i === 11 ? 0 :
                Math.round(4000 * noise(0.02)),
            refused: i === 11 ? 2468 : 0, errors: i === 10 ? 77 : 0,
            p99_us: i === 10 ? 90000 : i === 11 ? 0 :
                Math.round(3000 * noise(0.1)) })) }];
}


const sums = SUBJECTS.slice(1).map((s) => ({ subject: s.subject,
    stock: 100000, answered: 100000,
    orders: s.subject === 'php-shop' ? 100031 : 100000,
    oversold: s.subject === 'php-shop' ? 31 : 0,
    duplicates: s.subject === 'php-shop' ? 31 : 0,
    ok: s.subject !== 'php-shop',
    why: s.subject === 'php-shop' ? '31 cards were sold twice' : '' }));

console.log(JSON.stringify({
    version: 2, commit: '0000000', started_at: 1780000000, took_s: 2100,
    machine: { cpu: 'a made-up processor', cores: 2, memory: '8 GiB',
        kernel: '6.1', disk: 'none', loadavg: '0.31 0.20 0.11',
        versions: { nginx: '1.22.1', redis: '7.0.15', node: '18' } },
    settings: { plan: 'full', rounds: ROUNDS, seconds: 2,
        connections: 256, fsync: 'always' },
    series: [...series('hot', 1), ...series('many products', 0.97)],
    latency: [...latency(0.5), ...latency(0.8)],
    load: load(), fault: fault(), sums,
    micro: [
        { name: 'checkout', threads: 1, ns: 640, instructions: 2900,
            per_s: 1562500 },
        { name: 'sold out', threads: 2, ns: 55, per_s: 18181818 }],
    aims: [
        { name: 'checkout, disk, to R0', value: [0.47, 0.44, 0.49],
            aim: 0.45, relation: '>=', verdict: 'held' },
        { name: 'p99.9 at 80 % of the peak, ms', value: [12.5, 11, 14],
            aim: 10, relation: '<=', verdict: 'missed' },
        { name: 'disk to evalsha', value: [2.24, 1.98, 2.31], aim: 2,
            relation: '>=', verdict: 'not certain' }],
}, null, 1));

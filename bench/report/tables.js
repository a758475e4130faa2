'use strict';

/*
 * The tables of page and summary, each { columns, rows }.  A column is a
 * title, or one with numbers: { n: title }; a cell is a text or a Mark.
 */

const { LATENCIES, METRICS, at, beaten, lagged, metric, number, share, spread,
    spreadText } = require('./results.js');


/* A text that is good, bad or unsure. */

class Mark {
    constructor(kind, text) {
        this.kind = kind;
        this.text = text;
    }

    toString() {
        return this.text;
    }
}


/* Each column with what its cell is for one of the list. */

const made = (list, columns) => ({
    columns: columns.map(([title]) => title),
    rows: list.map((one) => columns.map(([, cell]) => cell(one))),
});

const text = (title, key) => [title, (one) => one[key]];

const count = (title, key) => [{ n: title }, (one) => number(one[key], 0)];

const measured = ({ title, digits, of }) =>
    [{ n: title }, (one) => spreadText(of(one), digits)];


function machine(results) {
    const { versions, ...rest } = results.machine;

    return made(Object.entries({ ...rest, ...versions, ...results.settings }),
        [['', ([name]) => name], ['', ([, value]) =>
            (typeof value === 'object' ? JSON.stringify(value) : value)]]);
}


const VERDICTS = { held: 'good', missed: 'bad', 'not certain': 'unsure' };

const aims = (results) => made(results.aims, [
    text('aim', 'name'),
    [{ n: 'is' }, (a) => spreadText(a.value, 3)],
    [{ n: 'aim' }, (a) => `${a.relation} ${a.aim}`],
    ['', (a) => new Mark(VERDICTS[a.verdict], a.verdict)],
]);


const none = (key) => [{ n: key }, (s) =>
    new Mark(s[key] === 0 ? 'good' : 'bad', number(s[key], 0))];

const sums = (results) => made(results.sums, [
    text('subject', 'subject'), count('stock', 'stock'),
    count('answered', 'answered'), count('orders', 'orders'),
    none('oversold'), none('duplicates'),
    ['', (s) => (s.ok ? new Mark('good', 'right') :
        new Mark('bad', `wrong: ${s.why || ''}`))],
]);


/* Measures that nobody has in this scenario have no column. */

function series(results, scenario) {
    const list = results.series.filter((s) => s.scenario === scenario);

    return made(list, [
        text('subject', 'subject'), count('connections', 'connections'),
        ...Object.values(METRICS).filter((m) => list.some(m.of))
            .map(measured),
    ]);
}


/*
 * Where the microseconds of all processors went, for each request.  "nobody"
 * is an idle processor; "all" is what the rate leaves for one request, so it
 * has the kernel's own threads, too.
 */

const BUDGET = ['hot', 'hot, everysec', '10,000 products', 'sold out'];

const part = (title, of) => [{ n: title }, (s) => {
    const [median] = spread(s.rounds.map(of)) || [];

    return median ? number(median, 1) : '-';
}];

const beside = (title, key) => part(title, (r) => r.beside_us?.[key]);

const server = (title, key) => part(title, (r) => r.cpu_us?.[key]);

const budget = (results) => made(
    BUDGET.flatMap((scenario) => results.series.filter((s) =>
        s.scenario === scenario && metric(s, 'generator_us'))), [
        text('scenario', 'scenario'), text('subject', 'subject'),
        beside('generator', 'generator'),
        server('nginx, kernel', 'nginx_kernel'),
        server('nginx, user', 'nginx_user'),
        server('application', 'app'), server('store', 'store'),
        beside('nobody', 'idle'),
        part('all', (r) => results.machine.cores * 1e6 / r.per_s),
    ]);


/* Beside what the generator did: its lag is in the latency, and stays. */

const percent = (value) => `${number(value * 100, 0)} %`;

const generator = (title, of) =>
    [{ n: title }, (l) => (l.generator ? of(l.generator) : '-')];

const open = (results) => made(results.latency, [
    text('subject', 'subject'), ['of its peak', share],
    count('a second', 'rate_per_s'), ...LATENCIES.map(measured),
    generator('generator lag p99 us', (g) => number(g.lag_p99_us, 0)),
    generator('its CPU', (g) => percent(g.cpu_share)),
    generator('ready without one', (g) => percent(g.runnable_share)),
    generator('no connection free', (g) => number(g.no_connection, 0)),
    ['', (l) => (lagged(l.generator, at(l, 99)) ?
        new Mark('bad', 'the generator lagged') : '')],
]);


const faults = (results) => made(results.fault, [
    text('subject', 'subject'), text('fault', 'fault'),
    [{ n: 'answered' }, (f) =>
        number(f.buckets.reduce((sum, b) => sum + b.done, 0), 0)],
    count('refused', 'refused'), count('lost', 'lost'),
]);


const better = (results) => made(beaten(results), [
    text('scenario', 'scenario'), text('measure', 'title'),
    text('peer', 'peer'),
    [{ n: 'has' }, (b) => spreadText(b.theirs, b.digits)],
    text('faka', 'faka'),
    [{ n: 'has' }, (b) => spreadText(b.ours, b.digits)],
    ['', (b) => (b.within ? 'spreads overlap' : '')],
]);


const micro = (results) => made(results.micro, [
    text('operation', 'name'), count('threads', 'threads'), count('ns', 'ns'),
    [{ n: 'instructions' }, (m) => (m.instructions === undefined ? '-' :
        number(m.instructions, 0))],
    count('a second', 'per_s'),
]);


module.exports = { Mark, aims, better, budget, faults, machine, micro, open,
    series, sums };

'use strict';

/* The page: everything within one file, nothing is fetched from anywhere. */

const { METRICS, at, beaten, lagged, metric, number, scenarios, share,
    spreadText } = require('./results.js');
const { escape } = require('./svg.js');

const STYLE = `
:root { color-scheme: light dark; --edge: #8886; --good: #2d8a4e;
    --bad: #c0392b; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem;
    margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
table { border-collapse: collapse; font-size: 14px; margin: 1rem 0; }
div.wide { overflow-x: auto; }
th, td { text-align: left; padding: .25rem .7rem;
    border-bottom: 1px solid var(--edge); vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums;
    white-space: nowrap; }
td:first-child { white-space: nowrap; }
figure { margin: 1.5rem 0; } figure svg { max-width: 100%; height: auto; }
figcaption { opacity: .8; max-width: 44rem; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
@media (prefers-color-scheme: dark) {
    :root { --good: #5cc485; --bad: #ff7a6b; } }
`;


/* A column is a title, or one with numbers: { n: title }. */

function table(columns, rows) {
    if (rows.length === 0) {
        return '<p>None in this run.</p>';
    }

    const cls = columns.map((c) => (c.n === undefined ? '' : ' class="n"'));
    const cell = (tag, text, i) => `<${tag}${cls[i]}>${text}</${tag}>`;

    return `<div class="wide"><table>\n<thead><tr>${columns.map((c, i) =>
        cell('th', escape(c.n ?? c), i)).join('')}</tr></thead>\n<tbody>\n${
        rows.map((row) => `<tr>${row.map((text, i) => cell('td',
            text instanceof Mark ? text.html : escape(text), i)).join('')
        }</tr>`).join('\n')}\n</tbody></table></div>`;
}


class Mark {
    constructor(good, text) {
        this.html = `<span class="${good ? 'good' : 'bad'}">${
            escape(text)}</span>`;
    }
}


function machine(results) {
    const { versions, ...rest } = results.machine;
    const text = (v) => (typeof v === 'object' ? JSON.stringify(v) : v);

    return table(['', ''], [...Object.entries(rest),
        ...Object.entries(versions), ...Object.entries(results.settings)]
        .map(([name, value]) => [name, text(value)]));
}


function aims(results) {
    return table(['aim', { n: 'is' }, { n: 'aim' }, ''],
        results.aims.map((a) => [a.name, spreadText(a.value, 3),
            `${a.relation} ${a.aim}`,
            new Mark(a.held, a.held ? 'held' : 'missed')]));
}


function sums(results) {
    return table(['subject', { n: 'stock' }, { n: 'answered' },
        { n: 'orders' }, { n: 'oversold' }, { n: 'duplicates' }, ''],
    results.sums.map((s) => [s.subject,
        ...['stock', 'answered', 'orders'].map((k) => number(s[k], 0)),
        ...['oversold', 'duplicates'].map((k) =>
            new Mark(s[k] === 0, number(s[k], 0))),
        new Mark(s.ok, s.ok ? 'right' : `wrong: ${s.why || ''}`)]));
}


function series(results, scenario) {
    const names = Object.keys(METRICS);

    return table(['subject', { n: 'connections' }, { n: 'a second' },
        ...names.map((name) => ({ n: METRICS[name].title }))],
    results.series.filter((s) => s.scenario === scenario).map((s) => [
        s.subject, String(s.connections),
        number(perSecond(s), 0),
        ...names.map((name) =>
            spreadText(metric(s, name), METRICS[name].digits))]));
}


function perSecond(s) {
    const rates = s.rounds.map((r) => r.per_s).sort((a, b) => a - b);

    return rates[rates.length >> 1];
}


/* With the generator's own part: its lag is in the latency, never taken off. */

function open(results) {
    return table(['subject', 'of its peak', { n: 'a second' },
        { n: 'p50 us' }, { n: 'p99 us' }, { n: 'p99.9 us' },
        { n: 'generator lag p99 us' }, { n: 'no connection free' }, ''],
    results.latency.map((l) => [l.subject, share(l),
        number(l.rate_per_s, 0), ...[50, 99, 99.9].map((p) =>
            (at(l, p) === undefined ? '-' : number(at(l, p), 0))),
        ...['lag_p99_us', 'no_connection'].map((key) =>
            (l.generator ? number(l.generator[key], 0) : '-')),
        lagged(l.generator, at(l, 99)) ?
            new Mark(false, 'the generator lagged') : '']));
}


function better(results) {
    return table(['scenario', 'measure', 'peer', { n: 'has' }, 'faka',
        { n: 'has' }, ''],
    beaten(results).map((b) => [b.scenario, b.title, b.peer,
        spreadText(b.theirs, b.digits), b.faka, spreadText(b.ours, b.digits),
        b.within ? 'spreads overlap' : '']));
}


function micro(results) {
    return table(['operation', { n: 'threads' }, { n: 'ns' },
        { n: 'instructions' }, { n: 'a second' }],
    results.micro.map((m) => [m.name, String(m.threads), number(m.ns, 0),
        m.instructions === undefined ? '-' : number(m.instructions, 0),
        number(m.per_s, 0)]));
}


const figure = ({ plot, svg }) => `<figure>
${svg}
<figcaption>${escape(plot.about)}</figcaption></figure>`;


/* drawn: each plot with its SVG. */

function page(results, drawn) {
    const when = new Date(results.started_at * 1000).toISOString()
        .slice(0, 16).replace('T', ' ');
    const of = (prefix) => drawn.filter(({ plot }) =>
        plot.name.startsWith(prefix)).map(figure).join('\n');
    const fakaRight = results.sums.every((s) =>
        !/^faka\b/.test(s.subject) || s.ok);

    return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>faka beside others</title>
<style>${STYLE}</style>
</head>
<body>
<h1>faka beside others</h1>
<p>Commit ${escape(results.commit)}, ${when} UTC, ${
    Math.round(results.took_s / 60)} minutes. Everything ran on one machine,
generator, servers and stores; rounds were interleaved, and a ratio is one to
a bare <code>return 200</code> of nginx (R0) in its own round. Figures are
medians of the rounds, in brackets the lowest and the highest.</p>
<h2>Aims</h2>
${aims(results)}
<h2>Sums</h2>
<p>Counted in each one's own store after the load, with plain commands.${
    fakaRight ? '' : ' <strong class="bad">The sums of faka are wrong: no'
    + ' figure of this run counts.</strong>'}</p>
${sums(results)}
<h2>Where a peer is better</h2>
<p>Each measure of each scenario in which the median of a peer beats that of
faka. Who sells more than there is has not won by that: see the sums.</p>
${better(results)}
${scenarios(results).map((scenario) => `<h2>${escape(scenario)}</h2>
${series(results, scenario)}`).join('\n')}
<h2>Throughput and processor time</h2>
${of('ratio-')}
${of('cpu-')}
<h2>Latency</h2>
${open(results)}
${of('latency-')}
${of('load')}
<h2>What an order costs</h2>
${of('cost')}
<h2>Under faults</h2>
${of('fault-')}
<h2>The engine alone</h2>
${micro(results)}
<h2>The machine</h2>
${machine(results)}
</body>
</html>
`;
}


module.exports = { page, perSecond };

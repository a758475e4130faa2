'use strict';

/*
 * The tables of bench/README.md, as Markdown:
 *
 *     node bench/report/summary.js build/bench/results.json
 */

const { METRICS, at, beaten, fail, metric, number, read, scenarios, share,
    spreadText } = require('./results.js');
const { perSecond } = require('./page.js');


function table(columns, rows) {
    const line = (cells) => `| ${cells.map((c) =>
        String(c).replace(/\|/g, '\\|')).join(' | ')} |`;

    return [line(columns), `|${columns.map(() => '---|').join('')}`,
        ...rows.map(line)].join('\n');
}


/* Measures that nobody has in this scenario have no column. */

function scenario(results, name) {
    const series = results.series.filter((s) => s.scenario === name);
    const names = Object.keys(METRICS).filter((m) =>
        series.some((s) => metric(s, m)));

    return table([name, 'connections', 'a second',
        ...names.map((m) => METRICS[m].title)],
    series.map((s) => [s.subject, s.connections, number(perSecond(s), 0),
        ...names.map((m) => spreadText(metric(s, m), METRICS[m].digits))]));
}


function summary(results) {
    const m = results.machine;
    const day = new Date(results.started_at * 1000).toISOString()
        .slice(0, 10);

    return [
        `${m.cpu}, ${m.cores} cores, ${m.memory}; ${day}, commit ${
            results.commit}. Medians of the rounds, in brackets lowest to`
            + ' highest.',
        ...scenarios(results).map((name) => scenario(results, name)),
        table(['open loop', 'of its peak', 'a second', 'p50 us', 'p99 us',
            'p99.9 us', 'generator lag p99 us'], results.latency.map((l) =>
            [l.subject, share(l), number(l.rate_per_s, 0),
                ...[50, 99, 99.9].map((p) => number(at(l, p) ?? NaN, 0)),
                l.generator ? number(l.generator.lag_p99_us, 0) : '-'])),
        table(['aim', 'is', 'aim', ''], results.aims.map((a) => [a.name,
            spreadText(a.value, 3), `${a.relation} ${a.aim}`,
            a.held ? 'held' : 'missed'])),
        table(['sums', 'stock', 'orders', 'oversold', 'duplicates', ''],
            results.sums.map((s) => [s.subject, number(s.stock, 0),
                number(s.orders, 0), s.oversold, s.duplicates,
                s.ok ? 'right' : `wrong: ${s.why || ''}`])),
        table(['where a peer is better', 'measure', 'has', 'faka', 'has'],
            beaten(results).map((b) => [`${b.scenario}: ${b.peer}`, b.title,
                spreadText(b.theirs, b.digits), b.faka,
                spreadText(b.ours, b.digits)])),
    ].join('\n\n');
}


if (process.argv.length !== 3) {
    fail('usage: node summary.js RESULTS.json');
}

console.log(summary(read(process.argv[2])));

'use strict';

/*
 * The tables of bench/README.md, as Markdown:
 *
 *     node bench/report/summary.js build/bench/results.json
 */

const { fail, read, scenarios } = require('./results.js');
const tables = require('./tables.js');


/* The first column's title is the table's name: there is nothing above it. */

function table(name, { columns, rows }) {
    const line = (cells) => `| ${cells.map((c) =>
        String(c).replace(/\|/g, '\\|')).join(' | ')} |`;

    return rows.length === 0 ? `${name}: none in this run.` : [
        line([name, ...columns.slice(1).map((c) => c.n ?? c)]),
        `|${columns.map(() => '---|').join('')}`, ...rows.map(line)]
        .join('\n');
}


function summary(results) {
    const m = results.machine;
    const day = new Date(results.started_at * 1000).toISOString()
        .slice(0, 10);

    return [
        `${m.cpu}, ${m.cores} cores, ${m.memory}; ${day}, commit ${
            results.commit}. Medians of the rounds, in brackets lowest to`
            + ' highest.',
        ...scenarios(results).map((name) =>
            table(name, tables.series(results, name))),
        table('us of all processors a request', tables.budget(results)),
        table('open loop', tables.open(results)),
        table('under faults', tables.faults(results)),
        table('aim', tables.aims(results)),
        table('sums', tables.sums(results)),
        table('where a peer is better', tables.better(results)),
    ].join('\n\n');
}


if (process.argv.length !== 3) {
    fail('usage: node summary.js RESULTS.json');
}

console.log(summary(read(process.argv[2])));

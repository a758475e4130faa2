'use strict';

/* The page: everything within one file, nothing is fetched from anywhere. */

const { scenarios } = require('./results.js');
const { escape } = require('./svg.js');
const tables = require('./tables.js');

const STYLE = `
:root { color-scheme: light dark; --edge: #8886; --good: #2d8a4e;
    --bad: #c0392b; --unsure: #a86a00; }
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
.unsure { color: var(--unsure); }
@media (prefers-color-scheme: dark) {
    :root { --good: #5cc485; --bad: #ff7a6b; --unsure: #e0b050; } }
`;


function table({ columns, rows }) {
    if (rows.length === 0) {
        return '<p>None in this run.</p>';
    }

    const cls = columns.map((c) => (c.n === undefined ? '' : ' class="n"'));
    const cell = (tag, html, i) => `<${tag}${cls[i]}>${html}</${tag}>`;

    return `<div class="wide"><table>\n<thead><tr>${columns.map((c, i) =>
        cell('th', escape(c.n ?? c), i)).join('')}</tr></thead>\n<tbody>\n${
        rows.map((row) => `<tr>${row.map((text, i) => cell('td',
            text instanceof tables.Mark ? marked(text) : escape(text), i))
            .join('')}</tr>`).join('\n')}\n</tbody></table></div>`;
}


const marked = ({ kind, text }) =>
    `<span class="${kind}">${escape(text)}</span>`;


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
${table(tables.aims(results))}
<h2>Sums</h2>
<p>Counted in each one's own store after the load, with plain commands.${
    fakaRight ? '' : ' <strong class="bad">The sums of faka are wrong: no'
    + ' figure of this run counts.</strong>'}</p>
${table(tables.sums(results))}
<h2>Where a peer is better</h2>
<p>Each measure of each scenario in which the median of a peer beats that of
faka. Who sells more than there is has not won by that: see the sums.</p>
${table(tables.better(results))}
${scenarios(results).map((scenario) => `<h2>${escape(scenario)}</h2>
${table(tables.series(results, scenario))}`).join('\n')}
<h2>Throughput and processor time</h2>
${of('ratio-')}
${of('cpu-')}
<h2>Where the time goes</h2>
<p>Microseconds of all processors for each request, medians of the rounds;
"nobody" is an idle processor. They add up to "all" but for the kernel's own
threads.</p>
${table(tables.budget(results))}
<h2>Latency</h2>
<p>Of the open loop, all runs added up; in brackets the lowest and the highest
of the runs.</p>
${table(tables.open(results))}
${of('latency-')}
${of('load')}
<h2>What an order costs</h2>
${of('cost')}
<h2>Under faults</h2>
<p>"Answered" is 200 and 201, "refused" any other status; "lost" is what was
due and never got an answer.</p>
${table(tables.faults(results))}
${of('fault-')}
<h2>The engine alone</h2>
${table(tables.micro(results))}
<h2>The machine</h2>
${table(tables.machine(results))}
</body>
</html>
`;
}


module.exports = { page };

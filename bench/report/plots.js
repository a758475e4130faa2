'use strict';

/*
 * The plots as Vega-Lite, one function for each kind.  A plot is a name, a
 * title, what it says, and a specification; what the results have nothing of
 * has no plot.
 */

const { at, isFaka, lagged, metric, number, scenarios, share, spread,
    unique } = require('./results.js');

const WIDTH = 560;
const HEIGHT = 280;
const PARTS = { nginx_user: 'nginx, user', nginx_kernel: 'nginx, kernel',
    app: 'application', store: 'store' };
const KINDS = { domain: ['faka', 'peer', 'yardstick'],
    range: ['#2a7fd4', '#d9822b', '#8a8f98'] };

const PALETTE = ['#2a7fd4', '#17a2a8', '#d9822b', '#3a9d5d', '#c0392b',
    '#7a5ea8', '#b59a00', '#d46a9f', '#8a8f98'];

const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

const kind = (s) => (isFaka(s) ? 'faka' : s.peer ? 'peer' : 'yardstick');


/* A subject has the same colour in every plot of lines, and no other one has
 * it there. */

function subjectColor(results, shown) {
    const all = unique([...results.latency, ...results.load]
        .map((s) => s.subject));
    const domain = all.filter((name) => shown.some((s) => s.subject === name));

    return { field: 'subject', type: 'nominal', title: null,
        scale: { domain, range: domain.map((name) =>
            PALETTE[all.indexOf(name) % PALETTE.length]) },
        legend: { orient: 'bottom', columns: 3, labelLimit: 240,
            symbolType: 'circle', symbolStrokeWidth: 4 } };
}


const microseconds = (field, title) => ({ field, type: 'quantitative',
    title, scale: { type: 'log', nice: false },
    axis: { format: '~s', tickCount: 6 } });


/* Who has several numbers of connections is told apart by them. */

function labels(series) {
    const several = unique(series.map((s) => s.connections)).length > 1;

    return series.map((s) =>
        (several ? `${s.subject}, ${s.connections}` : s.subject));
}


function ratios(results, scenario) {
    const series = results.series.filter((s) => s.scenario === scenario);
    const names = labels(series);
    const values = series.map((s, i) => {
        const [median, low, high] = metric(s, 'ratio');
        return { name: names[i], kind: kind(s), median, low, high };
    });
    const y = { field: 'name', type: 'nominal', title: null, sort: null,
        axis: { labelLimit: 240 } };

    return {
        name: `ratio-${slug(scenario)}`,
        title: `${scenario}: throughput as a ratio to a bare return 200`,
        about: 'Median of the rounds; the line goes from the lowest round to'
            + ' the highest. Longer is better.',
        spec: { width: WIDTH, height: { step: 26 }, data: { values },
            encoding: { y },
            layer: [
                { mark: { type: 'bar', height: 16 },
                    encoding: {
                        x: { field: 'median', type: 'quantitative',
                            title: 'ratio to R0' },
                        color: { field: 'kind', type: 'nominal', scale: KINDS,
                            title: null, legend: { orient: 'bottom' } } } },
                { mark: { type: 'rule', strokeWidth: 2 },
                    encoding: {
                        x: { field: 'low', type: 'quantitative' },
                        x2: { field: 'high' } } },
                { mark: { type: 'text', align: 'left', dx: 6 },
                    encoding: {
                        x: { field: 'high', type: 'quantitative' },
                        text: { field: 'median', format: '.3f' } } },
            ] },
    };
}


function cpu(results, scenario) {
    const series = results.series.filter((s) => s.scenario === scenario
        && s.rounds.some((r) => r.cpu_us));
    const names = labels(series);
    const order = Object.values(PARTS);
    const values = series.flatMap((s, i) => Object.entries(PARTS)
        .map(([key, part]) => ({ name: names[i], part,
            order: order.indexOf(part),
            us: spread(s.rounds.map((r) => r.cpu_us && r.cpu_us[key]))[0] })));

    return values.length === 0 ? undefined : {
        name: `cpu-${slug(scenario)}`,
        title: `${scenario}: processor time of one order`,
        about: 'Microseconds of both processors, by whom; medians of the'
            + ' rounds. Shorter is better.',
        spec: { width: WIDTH, height: { step: 26 }, data: { values },
            mark: { type: 'bar', height: 16 },
            encoding: {
                y: { field: 'name', type: 'nominal', title: null, sort: null,
                    axis: { labelLimit: 240 } },
                x: { field: 'us', type: 'quantitative', stack: 'zero',
                    title: 'CPU us an order' },
                order: { field: 'order', type: 'quantitative' },
                color: { field: 'part', type: 'nominal', title: null,
                    scale: { domain: order,
                        range: ['#2a7fd4', '#8fbbe8', '#d9822b',
                            '#7a5ea8'] },
                    legend: { orient: 'bottom' } } } },
    };
}


/* Who was measured by a generator that was slow itself. */

function blamed(names) {
    return names.length === 0 ? '' : ' Where the generator lagged itself, by'
        + ` more than a tenth of the p99: ${unique(names).join('; ')}.`;
}


/* The worst one has no percentile below 100: it stands where it would be
 * if it was the last of so many. */

function percentiles(results, scenario, shareText) {
    const shown = results.latency
        .filter((l) => l.scenario === scenario && share(l) === shareText);
    const values = shown.flatMap((l) => l.percentiles.map(([p, us]) => ({
        subject: l.subject, us: Math.max(us, 1),
        x: p === 100 ? Math.max(l.count, 2) : 100 / (100 - p) })));

    return {
        name: `latency-${slug(scenario)}-${slug(shareText)}`,
        title: `${scenario}: latency at ${shareText} of each one's peak`,
        about: 'From when a request was due, at a constant rate. To the'
            + ' right are the rarer and worse ones. Lower is better. Orders a'
            + ` second: ${shown.map((l) => `${l.subject} ${
                number(l.rate_per_s, 0)}`).join('; ')}.`
            + blamed(shown.filter((l) => lagged(l.generator, at(l, 99)))
                .map((l) => l.subject)),
        spec: { width: WIDTH, height: HEIGHT, data: { values },
            mark: { type: 'line', interpolate: 'monotone' },
            encoding: {
                x: { field: 'x', type: 'quantitative',
                    title: 'percentile', scale: { type: 'log', nice: false },
                    axis: { values: [1, 2, 10, 100, 1e3, 1e4, 1e5, 1e6],
                        labelExpr: 'format(1 - 1 / datum.value,'
                            + ' ".4~%")' } },
                y: microseconds('us', 'us'),
                color: subjectColor(results, shown) } },
    };
}


function latencies(results) {
    return unique(results.latency.map((l) =>
        JSON.stringify([l.scenario, share(l)])))
        .map((key) => percentiles(results, ...JSON.parse(key)));
}


/* One panel for each measure; a subject without it is not in its panel. */

function panels(results, measures, y) {
    return Object.entries(measures).map(([field, title]) => ({
        title,
        width: (WIDTH - 40) / 2, height: HEIGHT * 0.7,
        data: { values: results.load.flatMap((l) => l.points
            .filter((point) => point[field] !== undefined)
            .map((point) => ({ subject: l.subject, rate: point.rate_per_s,
                value: point[field] }))) },
        mark: { type: 'line', point: true },
        encoding: {
            x: { field: 'rate', type: 'quantitative',
                title: 'orders a second', axis: { format: '~s',
                    tickCount: 5 } },
            y: y(title),
            color: subjectColor(results, results.load) },
    })).filter((panel) => panel.data.values.length > 0);
}


function overLoad(results, name, title, about, measures, y) {
    const found = panels(results, measures, y);

    return found.length === 0 ? [] : [{ name, title, about,
        spec: { columns: 2, concat: found } }];
}


function loads(results) {
    return overLoad(results, 'load', 'Latency against load',
        'From when an order was due, at constant rates. Lower is better.'
            + blamed(results.load.flatMap((l) => l.points
                .filter((p) => lagged(p.generator, p.p99_us))
                .map((p) => `${l.subject} at ${number(p.rate_per_s, 0)}`))),
        { p50_us: 'p50', p99_us: 'p99', p999_us: 'p99.9' },
        () => microseconds('value', 'us'))
        .concat(overLoad(results, 'cost', 'What one order costs, over load',
            'Whoever waits for the disk together shares it: the more orders'
            + ' a second, the fewer commands each needs.',
            { redis_commands_per_order: 'Redis commands',
                redis_us_per_order: 'Redis, us',
                nginx_user_us: 'nginx, user, us',
                nginx_kernel_us: 'nginx, kernel, us' },
            (title) => ({ field: 'value', type: 'quantitative',
                title: title.replace(/^.*, us$/, 'us')
                    .replace('Redis commands', 'commands') })));
}


/* A strip for each; areas, so that a p99 of 0, where nobody was served, is
 * nothing to be seen. */

const STRIPS = [['done', 'answers', '#2a7fd4'],
    ['refused', 'refused', '#7a5ea8'], ['errors', 'errors', '#c0392b'],
    ['p99_us', 'p99 us', '#d9822b']];


function fault(f, number) {
    const last = f.buckets[f.buckets.length - 1];
    const values = [...f.buckets, last]
        .map((b, i) => ({ ms: i * f.bucket_ms, ...b }));
    const x = { field: 'ms', type: 'quantitative', title: null,
        scale: { nice: false } };
    const strip = ([field, title, color], i) => ({
        width: WIDTH, height: 90, data: { values },
        layer: [
            { mark: { type: 'area', interpolate: 'step-after', color },
                encoding: {
                    x: i === STRIPS.length - 1 ? { ...x, title: 'ms' } : x,
                    y: { field, type: 'quantitative', title } } },
            { data: { values: [{ ms: f.at_ms }] },
                mark: { type: 'rule', strokeDash: [4, 3],
                    color: '#c0392b' },
                encoding: { x } },
        ] });

    return {
        name: `fault-${number + 1}-${slug(f.subject)}`,
        title: `${f.subject}: ${f.fault}`,
        about: 'Answers of 200 and 201 and their p99, refusals (any other'
            + ` status) and errors of every ${f.bucket_ms} ms; the broken line`
            + ' is the fault.',
        spec: { vconcat: STRIPS.map(strip) },
    };
}


function plots(results) {
    return [].concat(
        ...scenarios(results).map((scenario) =>
            [ratios(results, scenario), cpu(results, scenario)]),
        latencies(results), loads(results), results.fault.map(fault))
        .filter((plot) => plot !== undefined);
}


module.exports = { plots };

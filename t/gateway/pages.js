'use strict';

/*
 * The pages that a buyer sees.  The name of what is bought comes as HTML,
 * since some protocols store it escaped and some do not; messages are escaped
 * here.
 */

const php = require('./php.js');
const money = require('./money.js');
const { STATUS, chinaTime } = require('./trades.js');

const METHOD_NAMES = {
    alipay: '支付宝 / Alipay', wxpay: '微信支付 / WeChat Pay',
    qqpay: 'QQ 钱包 / QQ Wallet', bank: '网银 / Bank card',
    jdpay: '京东支付 / JD Pay', usdt: 'USDT', card: '银行卡 / Card',
};

const STYLE = `
:root { color-scheme: light dark; --ink: #1d2433; --soft: #667085;
    --card: #fff; --ground: #eef1f6; --line: #e3e7ee; --go: #1769e0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf4;
    --soft: #98a2b3; --card: #1b2130; --ground: #10141d; --line: #2b3345;
    --go: #3b82f6; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center;
    padding: 16px; background: var(--ground); color: var(--ink);
    font: 16px/1.5 system-ui, "PingFang SC", "Microsoft YaHei", sans-serif; }
main { width: 100%; max-width: 420px; background: var(--card);
    border: 1px solid var(--line); border-radius: 16px; overflow: hidden; }
.practice { margin: 0; padding: 12px 24px; background: #ffd84d;
    color: #3d3000; font-weight: 600; text-align: center; }
.body { padding: 24px; }
h1 { margin: 0; font-size: 16px; font-weight: 500; color: var(--soft); }
.amount { margin: 4px 0 20px; font-size: 44px; font-weight: 700;
    font-variant-numeric: tabular-nums; }
dl { margin: 0 0 24px; border-top: 1px solid var(--line); }
dl div { display: flex; justify-content: space-between; gap: 16px;
    padding: 10px 0; border-bottom: 1px solid var(--line); }
dt { color: var(--soft); white-space: nowrap; }
dd { margin: 0; text-align: right; overflow-wrap: anywhere; }
button, .button { display: block; width: 100%; padding: 14px; border: 0;
    border-radius: 10px; background: var(--go); color: #fff; font: inherit;
    font-weight: 600; text-align: center; text-decoration: none;
    cursor: pointer; }
button:focus-visible, .button:focus-visible { outline: 3px solid #ffd84d; }
`;


function page(status, title, body) {
    return {
        status,
        headers: {
            'Content-Type': 'text/html; charset=UTF-8',
            'Content-Security-Policy': "default-src 'none'; "
                + "style-src 'unsafe-inline'; frame-ancestors 'none'",
        },
        body: `<!DOCTYPE html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<p class="practice">练习用，不是真钱<br>Practice money: nothing is charged</p>
<div class="body">
${body}
</div>
</main>
</body>
</html>
`,
    };
}


function row(label, value) {
    return `<div><dt>${label}</dt><dd>${value}</dd></div>`;
}


function details(trade, nameHtml) {
    const kind = trade.type.split('.', 1)[0];   /* usdt.tron is USDT */

    const amount = money.shown(trade.money_fen, trade.currency);

    return `<p class="amount" id="amount">${amount}</p>
<dl>
${row('商品 / Item', nameHtml)}
${row('订单号 / Order', trade.out_trade_no)}
${row('交易号 / Trade', trade.trade_no)}
${row('方式 / Method', METHOD_NAMES[kind] ?? METHOD_NAMES.alipay)}
${row('时间 / Time', chinaTime(trade.added_ms))}
</dl>`;
}


function cashier(trade, nameHtml) {
    if (trade.status === STATUS.CLOSED) {
        return page(200, '已关闭 / Closed', `<h1>已关闭 / Closed</h1>
${details(trade, nameHtml)}`);
    }

    if (trade.status !== STATUS.UNPAID || trade.deferred_ms > 0) {
        return page(200, '已支付 / Paid', `<h1>已支付 / Paid</h1>
${details(trade, nameHtml)}
<form method="post" action="/pay/${trade.trade_no}/confirm">
<button id="back" type="submit">返回商户 / Back to the shop</button>
</form>`);
    }

    return page(200, '收银台 / Cashier', `<h1>应付金额 / Amount due</h1>
${details(trade, nameHtml)}
<form method="post" action="/pay/${trade.trade_no}/confirm">
<button id="pay" type="submit">支付 / Pay</button>
</form>`);
}


/* For a trade whose merchant gave no usable address to go back to. */

function paid(trade, nameHtml) {
    return page(200, '已支付 / Paid', `<h1>已支付 / Paid</h1>
${details(trade, nameHtml)}`);
}


function error(status, message) {
    return page(status, '提示 / Notice', `<h1>提示 / Notice</h1>
<p id="error">${php.toUtf8(php.htmlspecialchars(php.fromUtf8(message)))}</p>`);
}


function index(paths) {
    return page(200, '练习支付网关 / Practice gateway',
        `<h1>练习支付网关 / Practice gateway</h1>
<p>${paths.map((path) => `<code>${path}</code>`).join('<br>\n')}</p>`);
}


module.exports = { cashier, paid, error, index };

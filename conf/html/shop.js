/*
 * The shop page: products with live stock, checkout, and the buyer's orders.
 *
 * What it guarantees.  A purchase is sent under one Idempotency-Key until an
 * answer came, through network errors and reloads, so it never makes two
 * orders.  Orders and their tokens stay in this browser only.  Data of the
 * server enters the page as text, never as markup.  Waiting is bounded:
 * every poll backs off, and every retry has an end.
 *
 * What it does not do.  It decides nothing: prices, stock and states are the
 * server's, and coming back from the gateway only asks it for the state.
 */

'use strict';

(() => {

const POLL_MS = 2500;
const POLL_MS_MAX = 30000;
const FETCH_MS = 15000;
const TRIES_MAX = 6;
const RETRY_S_MAX = 10;
const ORDERS_MAX = 50;
const FEW = 10;
const PENDING_S_MAX = 900;

const TEXT = {
  en: {
    other: '中文', locale: 'en',
    title: 'Card keys', skip: 'Skip to content', home: 'Shop', back: 'Back to the shop',
    lead: 'Keys, the moment you pay.',
    lead_more: 'Choose, pay, and your key appears here at once. This browser remembers the order, so you can find the key again.',
    products: 'Products', no_products: 'There is nothing on offer at the moment.',
    mine: 'Your orders', mine_more: 'Kept in this browser only.',
    live: 'Live', reconnecting: 'Reconnecting…', opening: 'Opening again…',
    left: n => `${n} in stock`, few: n => `Only ${n} left`, always: 'Always in stock',
    sold_out: 'Sold out', off: 'Not on sale', ended: 'The sale is over',
    opens: t => `Opens in ${t}`, buy: 'Buy', buy_label: n => `Buy ${n}`,
    qty: 'Quantity', less: 'Fewer', more: 'More', total: 'Total', close: 'Close',
    contact: 'E-mail, QQ or phone', contact_more: 'So the shop can reach you about this order.',
    contact_bad: 'Please enter an e-mail address, a QQ number or a phone number.',
    qty_bad: n => `Please choose a quantity from 1 to ${n}.`,
    limit: n => `Up to ${n} an order`,
    submit: 'Order and pay', submit_again: 'Try again', sending: 'Placing your order…',
    resume: 'Finding your unfinished order…',
    going: 'On to payment…', busy: (n, max) => `The shop is busy. Trying again (${n} of ${max})…`,
    keys: 'Your key', keys_many: n => `Your ${n} keys`, copy: 'Copy', copied: 'Copied', copy_all: 'Copy all',
    copy_failed: 'Select and copy it by hand',
    pay: 'Pay now', cancel: 'Cancel order', cancel_sure: 'Really cancel?', link: 'Copy private link',
    link_more: 'Whoever has the private link can see this order and its keys.',
    expires: t => `Reserved for you for ${t}`,
    f_order: 'Order', f_product: 'Product', f_qty: 'Quantity', f_amount: 'Amount',
    f_created: 'Ordered', f_paid: 'Paid', f_contact: 'Contact',
    unknown: 'This order is not known here',
    unknown_more: 'Open it in the browser in which you ordered, or by its private link. If you have paid, nothing is lost.',
    loading: 'Looking for your order…',
    s_awaiting_payment: ['Waiting for payment', 'As soon as the payment arrives, this page shows your key. If you have just paid, it takes a few seconds.'],
    s_expired: ['Not paid in time', 'The reservation has ended. If you did pay, do not pay again: the payment will still be matched, and this page will change.'],
    s_cancelled: ['Cancelled', 'Nothing is owed. If you did pay, the payment will still be matched, and this page will change.'],
    s_under_review: ['Payment under review', 'Your payment arrived, and the shop is looking at it. You need not do anything.'],
    s_waiting_for_stock: ['Paid, waiting for stock', 'Your payment arrived. You are served first when new stock comes.'],
    s_delivered: ['Delivered', 'Thank you for your order.'],
    s_delivered_plain: ['Paid', 'Thank you. Your order is complete.'],
    s_refund_due: ['Refund on its way', 'The shop will give your money back.'],
    s_refunded: ['Refunded', 'Your money has been given back.'],
    e_sold_out: 'Sold out: fewer are left than you asked for.',
    e_limit_reached: 'That is more than one order may have.',
    e_not_on_sale: 'This is not on sale right now.',
    e_not_found: 'This product is no longer offered.',
    e_idempotency_mismatch: 'This order was sent before with other details. Please try again.',
    e_invalid_channel: 'This way of paying is not available.',
    e_refused: 'The shop cannot accept this order.',
    e_slow_down: 'Too many tries. Please wait a moment.',
    e_conflict: 'That is no longer possible: the order has moved on.',
    e_unavailable: 'The shop is busy and did not answer in time. Your order is safe to send again; it is never placed twice.',
    e_recovering: 'The shop is starting up. Please try again in a moment; your order is never placed twice.',
    e_network: 'No connection to the shop. Your order is safe to send again; it is never placed twice.',
    e_field: f => `Please check this: ${f}.`,
    e_other: 'Something went wrong. Please try again.',
  },
  zh: {
    other: 'English', locale: 'zh-CN',
    title: '自动发卡', skip: '跳到内容', home: '商店首页', back: '返回商店',
    lead: '付款即发卡密',
    lead_more: '选好商品并付款，卡密立即显示在本页。此浏览器会记住订单，随时可以找回卡密。',
    products: '商品', no_products: '暂时没有在售商品。',
    mine: '我的订单', mine_more: '仅保存在此浏览器中。',
    live: '库存实时更新', reconnecting: '正在重新连接…', opening: '正在恢复营业…',
    left: n => `库存 ${n}`, few: n => `仅剩 ${n} 件`, always: '长期有货',
    sold_out: '已售罄', off: '暂未开售', ended: '活动已结束',
    opens: t => `${t} 后开售`, buy: '购买', buy_label: n => `购买 ${n}`,
    qty: '数量', less: '减少', more: '增加', total: '合计', close: '关闭',
    contact: '邮箱、QQ 或手机号', contact_more: '仅用于就此订单与您联系。',
    contact_bad: '请填写邮箱、QQ 号或手机号。',
    qty_bad: n => `请选择 1 到 ${n} 之间的数量。`,
    limit: n => `每单限购 ${n} 件`,
    submit: '提交订单并付款', submit_again: '重试', sending: '正在提交订单…',
    resume: '正在找回未完成的订单…',
    going: '正在前往付款…', busy: (n, max) => `商店繁忙，正在重试（${n}/${max}）…`,
    keys: '您的卡密', keys_many: n => `您的 ${n} 个卡密`, copy: '复制', copied: '已复制', copy_all: '复制全部',
    copy_failed: '请手动选择并复制',
    pay: '去付款', cancel: '取消订单', cancel_sure: '确定取消？', link: '复制私密链接',
    link_more: '任何持有私密链接的人都能查看此订单及卡密。',
    expires: t => `已为您保留，剩余 ${t}`,
    f_order: '订单号', f_product: '商品', f_qty: '数量', f_amount: '金额',
    f_created: '下单时间', f_paid: '付款时间', f_contact: '联系方式',
    unknown: '此处找不到该订单',
    unknown_more: '请在下单时所用的浏览器中打开，或使用该订单的私密链接。如已付款，款项不会丢失。',
    loading: '正在查询订单…',
    s_awaiting_payment: ['等待付款', '款项到账后，本页会自动显示卡密。如果刚刚付款，请稍候几秒。'],
    s_expired: ['超时未付款', '预留已结束。如果您已付款，请勿重复付款：款项仍会被匹配，本页会自动更新。'],
    s_cancelled: ['已取消', '无需付款。如果您已付款，款项仍会被匹配，本页会自动更新。'],
    s_under_review: ['付款审核中', '款项已收到，商家正在核对，您无需任何操作。'],
    s_waiting_for_stock: ['已付款，等待补货', '款项已收到。补货后将优先为您发货。'],
    s_delivered: ['已发货', '感谢您的购买。'],
    s_delivered_plain: ['已付款', '感谢购买，订单已完成。'],
    s_refund_due: ['等待退款', '商家将把款项退还给您。'],
    s_refunded: ['已退款', '款项已退还。'],
    e_sold_out: '库存不足，剩余数量少于您所选的数量。',
    e_limit_reached: '超过每单限购数量。',
    e_not_on_sale: '该商品目前不在售。',
    e_not_found: '该商品已下架。',
    e_idempotency_mismatch: '此订单曾以不同内容提交，请重试。',
    e_invalid_channel: '该付款方式不可用。',
    e_refused: '商店无法接受此订单。',
    e_slow_down: '操作过于频繁，请稍候。',
    e_conflict: '订单状态已变化，无法执行此操作。',
    e_unavailable: '商店繁忙，未能及时响应。可以放心重试，不会重复下单。',
    e_recovering: '商店正在启动，请稍后重试，不会重复下单。',
    e_network: '无法连接商店。可以放心重试，不会重复下单。',
    e_field: f => `请检查：${f}。`,
    e_other: '出错了，请重试。',
  },
};

/* How each status looks, and how often to ask for a change (0: final). */
const STATUS = {
  awaiting_payment:  { look: 'wait', poll_ms: 2000 },
  expired:           { look: '',     poll_ms: 15000 },
  cancelled:         { look: '',     poll_ms: 15000 },
  under_review:      { look: 'wait', poll_ms: 10000 },
  waiting_for_stock: { look: 'wait', poll_ms: 5000 },
  delivered:         { look: 'good', poll_ms: 0 },
  refund_due:        { look: 'wait', poll_ms: 30000 },
  refunded:          { look: '',     poll_ms: 0 },
};

const $ = id => document.getElementById(id);


/* --- storage: what must outlive a reload ---------------------------------- */

const store = {
  get(name, otherwise) {
    try {
      return JSON.parse(localStorage.getItem(`faka.${name}`)) ?? otherwise;
    } catch {
      return otherwise;
    }
  },

  /* False where the browser keeps nothing (private windows, full disk). */
  put(name, value) {
    try {
      localStorage.setItem(`faka.${name}`, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  },

  drop(name) {
    try {
      localStorage.removeItem(`faka.${name}`);
    } catch {
      /* Nothing was kept, so nothing is left. */
    }
  },
};

const ownOrders = () => {
  const list = store.get('orders', []);
  return Array.isArray(list) ? list.filter(o => o && o.order && o.token) : [];
};

function keepOrder(order) {
  const rest = ownOrders();
  const old = rest.find(o => o.order === order.order) ?? {};
  const kept = {};

  /* Never the keys themselves: the token finds them again. */
  for (const name of ['order', 'token', 'status', 'sku', 'name', 'qty', 'amount', 'currency', 'created_at']) {
    kept[name] = order[name] ?? old[name];
  }

  const list = [kept, ...rest.filter(o => o.order !== order.order)];
  list.sort((a, b) => (b.created_at ?? 0) - (a.created_at ?? 0));
  return store.put('orders', list.slice(0, ORDERS_MAX));
}


/* --- words ------------------------------------------------------------------ */

let lang = store.get('lang', null);
if (!Object.hasOwn(TEXT, lang ?? '')) {
  lang = (navigator.language || '').toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

function t(name, ...args) {
  const text = TEXT[lang][name];
  return typeof text === 'function' ? text(...args) : text;
}

const number = n => new Intl.NumberFormat(t('locale')).format(n);

function money(amount, currency) {
  try {
    const format = new Intl.NumberFormat(t('locale'),
      { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
    const digits = format.resolvedOptions().maximumFractionDigits;
    return format.format(amount / 10 ** digits);
  } catch {
    return `${amount} ${currency}`;
  }
}

const moment = s => new Intl.DateTimeFormat(t('locale'),
  { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(s * 1000));

function span(s) {
  const pad = n => String(n).padStart(2, '0');
  const rest = Math.max(0, s);
  const days = Math.floor(rest / 86400);
  const hours = Math.floor(rest / 3600) % 24;
  const clock = `${pad(Math.floor(rest / 60) % 60)}:${pad(rest % 60)}`;
  const long = days || hours ? `${pad(hours)}:${clock}` : clock;

  return days ? `${days}${lang === 'zh' ? ' 天 ' : 'd '}${long}` : long;
}

function problemText(problem) {
  if (problem.code === 'invalid_request') {
    if (problem.field === 'contact') return t('contact_bad');
    return problem.field ? t('e_field', problem.field) : t('e_other');
  }
  return t(`e_${problem.code}`) ?? t('e_other');
}

const say = text => { $('said').textContent = text; };


/* --- small DOM ---------------------------------------------------------------- */

function el(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name === 'onclick') node.addEventListener('click', value);
    else if (value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
}

/* The sign of a status: done, waiting, or ended. */
const SIGN = { good: 'M5 10.4l3.4 3.4L15 7', wait: 'M10 5.6V10l3 2', '': 'M6 10h8' };

function sign(look) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  const path = document.createElementNS(space, 'path');

  svg.setAttribute('viewBox', '0 0 20 20');
  path.setAttribute('d', SIGN[look]);
  svg.append(path);
  return el('span', { class: `sign ${look}`, 'aria-hidden': 'true' }, svg);
}

/* A write that changes nothing would still be read aloud and lose selections. */
function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

async function copy(text, button) {
  let done = false;

  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    /* Without TLS there is no clipboard; the old way still works. */
    const area = el('textarea', { class: 'sr', readonly: '' });
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand('copy');
    area.remove();
    button.focus();
  }

  const before = button.dataset.text ?? button.textContent;
  button.dataset.text = before;
  put(button, t(done ? 'copied' : 'copy_failed'));
  say(t(done ? 'copied' : 'copy_failed'));
  setTimeout(() => { put(button, before); }, 1600);
}


/* --- the server ------------------------------------------------------------------ */

let clockOffset_ms = 0;

const now_s = () => Math.floor((Date.now() + clockOffset_ms) / 1000);
const sleep = ms => new Promise(done => setTimeout(done, ms));
const jitter = ms => ms * (0.85 + Math.random() * 0.3);

/* Resolves to {status, body, retry_s}; status 0: no answer at all. */
async function call(path, options = {}) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), FETCH_MS);

  try {
    const response = await fetch(path,
      { cache: 'no-store', credentials: 'same-origin', signal: abort.signal, ...options });
    const date = Date.parse(response.headers.get('Date') ?? '');
    const retry_s = Number(response.headers.get('Retry-After'));

    /* Sale windows open on the server's clock; +500: Date is cut to seconds. */
    if (!Number.isNaN(date)) clockOffset_ms = date + 500 - Date.now();

    const type = response.headers.get('Content-Type') ?? '';
    const body = /\bjson\b/.test(type) ? await response.json() : null;
    return { status: response.status, body, retry_s: retry_s > 0 ? retry_s : 0 };
  } catch {
    return { status: 0, body: null, retry_s: 0 };
  } finally {
    clearTimeout(timer);
  }
}

const bearer = token => ({ Authorization: `Bearer ${token}` });

function problemOf(answer) {
  if (answer.status === 0) return { code: 'network' };
  if (answer.body?.code) return answer.body;
  return { code: answer.status >= 500 ? 'unavailable' : 'other' };
}

/*
 * Calls step() again and again while the page is visible; step resolves to
 * the milliseconds until the next call, 0 to stop.  Returns a way to hurry.
 */
function loop(step) {
  let timer = 0;
  let running = false;

  async function run() {
    clearTimeout(timer);
    if (running || document.hidden) return;
    running = true;
    const wait_ms = await step();
    running = false;
    if (wait_ms > 0) timer = setTimeout(run, jitter(wait_ms));
    else document.removeEventListener('visibilitychange', run);
  }

  document.addEventListener('visibilitychange', run);
  run();
  return run;
}


/* --- products ---------------------------------------------------------------------- */

let products = null;
let liveState = '';
const tiles = new Map();

/* What a buyer can do with a product now: {can, text, look}. */
function offer(product) {
  const now = now_s();

  if (!product.on_sale) {
    if (product.sale_from !== null && product.sale_from > now) {
      return { can: false, text: t('opens', span(product.sale_from - now)), look: 'soon' };
    }
    const over = product.sale_to !== null && product.sale_to <= now;
    return { can: false, text: t(over ? 'ended' : 'off'), look: '' };
  }

  if (product.kind === 'shared') return { can: true, text: t('always'), look: '' };
  if (product.stock === 0) return { can: false, text: t('sold_out'), look: '' };
  if (product.stock <= FEW) return { can: true, text: t('few', number(product.stock)), look: 'few' };
  return { can: true, text: t('left', number(product.stock)), look: '' };
}

function makeTile(sku) {
  const tile = {
    name: el('h3'),
    stock: el('p'),
    price: el('span', { class: 'price' }),
    button: el('button', { type: 'button', class: 'primary', onclick: () => openBuy(sku) }),
  };
  tile.node = el('li', { class: 'product', 'data-sku': sku }, tile.name, tile.stock,
    el('div', { class: 'foot' }, tile.price, tile.button));
  return tile;
}

function fillTile(tile, product) {
  const now = offer(product);

  tile.node.classList.toggle('off', !now.can && now.look !== 'soon');
  tile.stock.className = `stock ${now.look}`;
  tile.button.disabled = !now.can;
  tile.button.setAttribute('aria-label', t('buy_label', product.name));
  put(tile.name, product.name);
  put(tile.stock, now.text);
  put(tile.price, money(product.price, product.currency));
  put(tile.button, t('buy'));
}

/* Tiles are filled in place: replacing them would take the focus away. */
function drawProducts() {
  if (!products) return;

  const list = $('products');
  const skus = new Set(products.map(p => p.sku));

  for (const [sku, tile] of tiles) {
    if (!skus.has(sku)) {
      tile.node.remove();
      tiles.delete(sku);
    }
  }

  products.forEach((product, i) => {
    if (!tiles.has(product.sku)) tiles.set(product.sku, makeTile(product.sku));
    const tile = tiles.get(product.sku);
    if (list.children[i] !== tile.node) list.insertBefore(tile.node, list.children[i] ?? null);
    fillTile(tile, product);
  });

  $('no_products').hidden = products.length > 0;
  if ($('buy').open) drawBuy();
}

function drawLive() {
  const node = $('live');
  node.classList.toggle('waits', liveState !== 'live');
  put(node, liveState ? t(liveState) : '');
}

function watchProducts() {
  let errors = 0;

  loop(async () => {
    const answer = await call('/products');

    if (answer.status === 200 && Array.isArray(answer.body)) {
      errors = 0;
      products = answer.body;
      liveState = 'live';
      drawProducts();
      drawLive();
      return POLL_MS;
    }

    errors++;
    liveState = problemOf(answer).code === 'recovering' ? 'opening' : 'reconnecting';
    drawLive();
    return Math.min(POLL_MS_MAX, Math.max(answer.retry_s * 1000, POLL_MS * 2 ** Math.min(errors - 1, 5)));
  });

  /* Countdowns move between the polls. */
  setInterval(() => { if (!document.hidden) drawProducts(); }, 1000);
}


/* --- checkout -------------------------------------------------------------------------- */

let buying = null;                     /* sku of the open dialog */
let sending = false;
let failed = null;                     /* the problem that the dialog shows */
let progress = '';

const buyProduct = () => (products ?? []).find(p => p.sku === buying);

function qtyMax(product) {
  const stock = product?.stock ?? Infinity;
  return Math.max(1, Math.min(product?.qty_max ?? 1, stock));
}

function qtyChosen() {
  const text = $('buy_qty').value.trim();
  return /^\d{1,3}$/.test(text) ? Number(text) : 0;
}

function drawBuy() {
  const product = buyProduct();
  const max = qtyMax(product);
  const qty = qtyChosen();
  const now = product ? offer(product) : { can: false, text: '', look: '' };
  const single = (product?.qty_max ?? 1) === 1;

  put($('buy_name'), product?.name ?? '');
  put($('buy_stock'), product && product.qty_max > 1
    ? `${now.text} · ${t('limit', product.qty_max)}` : now.text);
  put($('buy_total'), product ? money(product.price * Math.max(1, qty), product.currency) : '');
  $('buy_qty').max = max;
  $('buy_qty_field').hidden = single;
  $('buy_less').disabled = sending || qty <= 1;
  $('buy_more').disabled = sending || qty >= max;
  $('buy_qty').readOnly = sending;
  $('buy_contact').readOnly = sending;
  $('buy_submit').disabled = sending || (!now.can && !store.get('pending', null));
  put($('buy_submit'), t(failed && store.get('pending', null) ? 'submit_again' : 'submit'));
  put($('buy_busy'), progress);

  $('buy_error').hidden = !failed;
  put($('buy_error'), failed ? failed.text ?? problemText(failed) : '');
  $('buy_contact').setAttribute('aria-invalid', String(failed?.field === 'contact'));
  $('buy_qty').setAttribute('aria-invalid', String(failed?.field === 'qty'));
}

function openBuy(sku) {
  buying = sku;
  failed = null;
  progress = '';
  $('buy_qty').value = '1';
  $('buy_contact').value = store.get('contact', '');
  drawBuy();
  $('buy').showModal();

  if ($('buy_contact').value === '') $('buy_contact').focus();
  else $('buy_submit').focus();
}

function refuse(problem) {
  failed = problem;
  progress = '';
  drawBuy();
  if (problem.field === 'contact') $('buy_contact').focus();
  if (problem.field === 'qty') $('buy_qty').focus();
}

function freshKey() {
  if (crypto.randomUUID) return crypto.randomUUID();

  /* randomUUID needs TLS; the random bytes do not. */
  return Array.from(crypto.getRandomValues(new Uint8Array(16)),
    b => b.toString(16).padStart(2, '0')).join('');
}

/* The same purchase keeps its key until an answer came; another one gets a new. */
function pendingFor(sku, qty, contact) {
  const old = store.get('pending', null);
  if (old && old.sku === sku && old.qty === qty && old.contact === contact
      && now_s() - old.at < PENDING_S_MAX)
  {
    return old;
  }
  return { key: freshKey(), sku, qty, contact, at: now_s() };
}

async function submitBuy() {
  const product = buyProduct();
  const qty = product?.qty_max === 1 ? 1 : qtyChosen();
  const contact = $('buy_contact').value.trim();
  const max = qtyMax(product);

  if (sending) return;
  if (contact === '' || new TextEncoder().encode(contact).length > 128) {
    refuse({ field: 'contact', text: t('contact_bad') });
    return;
  }

  /* No more than the limit; whether the stock suffices is the server's word. */
  if (qty < 1 || (product && qty > product.qty_max)) {
    refuse({ field: 'qty', text: t('qty_bad', max) });
    return;
  }

  store.put('contact', contact);
  await send(pendingFor(buying, qty, contact), t('sending'));
}

async function send(pending, words) {
  store.put('pending', pending);
  sending = true;
  failed = null;
  progress = words;
  drawBuy();

  const answer = await tryCheckout(pending);
  sending = false;

  if (answer.status === 200 || answer.status === 201) {
    store.drop('pending');
    finishBuy(answer.body);
    return;
  }

  /* A clear no ends this purchase; no answer, or 503, leaves it open. */
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) store.drop('pending');
  refuse(problemOf(answer));
}

async function tryCheckout(pending) {
  let answer;

  for (let n = 1; n <= TRIES_MAX; n++) {
    answer = await call('/checkout', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': pending.key },
      body: JSON.stringify({ sku: pending.sku, qty: pending.qty, contact: pending.contact }),
    });

    const later = answer.status === 0 || answer.status === 429 || answer.status >= 502;
    if (!later || n === TRIES_MAX) break;

    progress = t('busy', n + 1, TRIES_MAX);
    drawBuy();
    const wait_s = Math.min(RETRY_S_MAX, answer.retry_s || 2 ** (n - 1));
    await sleep(jitter(wait_s * 1000));
  }

  return answer;
}

function finishBuy(order) {
  const name = buyProduct()?.name ?? order.sku;
  const kept = keepOrder({ ...order, name });
  const pay = order.pay?.method === 'redirect' && /^https?:\/\//.test(order.pay.url);

  /* Leaving without a stored token would lose the order: keep it in the
     address then, where only this browser sees it. */
  if (!kept) location.assign(`/return/${order.order}#${order.token}`);
  else if (pay) location.assign(order.pay.url);
  else location.assign(`/return/${order.order}`);

  progress = t('going');
  sending = true;
  drawBuy();
}

/* A purchase that got no answer before the page went away goes on by itself. */
async function resumeBuy() {
  const pending = store.get('pending', null);
  if (!pending) return;

  if (!pending.key || now_s() - pending.at >= PENDING_S_MAX) {
    store.drop('pending');
    return;
  }

  openBuy(pending.sku);
  $('buy_qty').value = String(pending.qty);
  $('buy_contact').value = pending.contact;
  await send(pending, t('resume'));
}

function wireBuy() {
  const step = by => {
    $('buy_qty').value = String(Math.min(qtyMax(buyProduct()), Math.max(1, qtyChosen() + by)));
    drawBuy();
  };

  $('buy_less').addEventListener('click', () => step(-1));
  $('buy_more').addEventListener('click', () => step(1));
  $('buy_qty').addEventListener('input', drawBuy);
  $('buy_close').addEventListener('click', () => $('buy').close());
  $('buy_form').addEventListener('submit', event => {
    event.preventDefault();
    submitBuy();
  });

  /* While an order is on its way the dialog stays: its answer matters. */
  $('buy').addEventListener('cancel', event => { if (sending) event.preventDefault(); });
  $('buy').addEventListener('click', event => {
    if (event.target === $('buy') && !sending) $('buy').close();
  });
}


/* --- own orders -------------------------------------------------------------------------- */

const pill = status => el('span', { class: `pill ${STATUS[status]?.look ?? ''}` },
  (t(`s_${status}`) ?? [''])[0]);

function drawMine() {
  const list = ownOrders();

  $('mine').hidden = list.length === 0;
  $('orders').replaceChildren(...list.map(order => el('li', null,
    el('a', { href: `/return/${encodeURIComponent(order.order)}` },
      el('span', { class: 'what' }, order.qty > 1 ? `${order.name} × ${order.qty}` : `${order.name}`),
      pill(order.status),
      el('span', { class: 'when' }, `${money(order.amount, order.currency)} · ${moment(order.created_at)}`)))));
}

/* One look at the open ones, the newest first; the order's own page polls. */
async function refreshMine() {
  const open = ownOrders().filter(o => STATUS[o.status]?.poll_ms !== 0).slice(0, 10);

  for (const order of open) {
    const answer = await call(`/orders/${encodeURIComponent(order.order)}`, { headers: bearer(order.token) });
    if (answer.status !== 200) continue;
    keepOrder(answer.body);
    if (answer.body.status !== order.status) drawMine();
  }
}


/* --- one order ------------------------------------------------------------------------------ */

let shown = null;                      /* the order on the sheet */
let missing = false;                   /* no token, or the server knows none */
let token = '';
let orderProblem = null;
let hurry = () => {};

function fact(name, value, className) {
  return [el('dt', null, t(name)), el('dd', { class: className }, value)];
}

function facts(order) {
  return el('dl', { class: 'facts' },
    ...fact('f_product', order.name),
    ...fact('f_qty', number(order.qty)),
    ...fact('f_amount', money(order.amount, order.currency)),
    ...fact('f_contact', order.contact),
    ...fact('f_created', moment(order.created_at)),
    ...(order.paid_at ? fact('f_paid', moment(order.paid_at)) : []),
    ...fact('f_order', order.order, 'id'));
}

function keys(order) {
  const cards = order.cards ?? [];
  if (cards.length === 0) return [];

  const all = cards.length > 1
    ? el('button', { type: 'button', class: 'small', id: 'copy_all',
        onclick: event => copy(cards.join('\n'), event.currentTarget) }, t('copy_all'))
    : null;

  return [
    el('div', { class: 'keys-head' },
      el('h2', null, cards.length > 1 ? t('keys_many', number(cards.length)) : t('keys')), all),
    el('ol', { class: 'keys' }, ...cards.map((card, i) => el('li', null,
      el('code', { translate: 'no' }, card),
      el('button', { type: 'button', class: 'small', 'aria-label': `${t('copy')} ${i + 1}`,
        onclick: event => copy(card, event.currentTarget) }, t('copy'))))),
  ];
}

async function cancelOrder(event) {
  const button = event.currentTarget;

  /* The second press is the answer to the question. */
  if (!button.dataset.sure) {
    button.dataset.sure = '1';
    put(button, t('cancel_sure'));
    setTimeout(() => { delete button.dataset.sure; put(button, t('cancel')); }, 4000);
    return;
  }

  button.disabled = true;
  const answer = await call(`/orders/${shown.order}/cancel`, { method: 'POST', headers: bearer(token) });
  button.disabled = false;

  orderProblem = answer.status === 200 ? null : problemOf(answer);
  if (answer.status === 200) takeOrder(answer.body);
  else drawOrder();
  hurry();
}

function actions(order) {
  const list = [];

  if (order.status === 'awaiting_payment') {
    if (order.pay?.method === 'redirect' && /^https?:\/\//.test(order.pay.url)) {
      list.push(el('a', { class: 'button primary', id: 'pay', href: order.pay.url }, t('pay')));
    }
    list.push(el('button', { type: 'button', class: 'danger', id: 'cancel', onclick: cancelOrder }, t('cancel')));
  }

  return list.length ? [el('div', { class: 'actions' }, ...list)] : [];
}

function privateLink(order) {
  const link = `${location.origin}/return/${order.order}#${token}`;

  return el('div', { class: 'again' },
    el('p', { class: 'hint' }, t('link_more')),
    el('button', { type: 'button', class: 'small', id: 'link',
      onclick: event => copy(link, event.currentTarget) }, t('link')));
}

function drawOrder() {
  const sheet = $('sheet');

  if (!shown) {
    const text = missing ? [t('unknown'), t('unknown_more')]
      : [t('loading'), orderProblem ? t('reconnecting') : ''];
    sheet.replaceChildren(el('h1', null, text[0]), el('p', { class: 'say' }, text[1]));
    return;
  }

  const plain = shown.status === 'delivered' && (shown.cards ?? []).length === 0;
  const words = t(`s_${shown.status}${plain ? '_plain' : ''}`) ?? [shown.status, ''];

  sheet.dataset.status = shown.status;
  sheet.replaceChildren(
    el('div', { class: 'state' },
      sign(STATUS[shown.status]?.look ?? ''),
      el('div', null, el('h1', null, words[0]), el('p', { class: 'say' }, words[1]))),
    ...(shown.expires_at ? [el('p', { class: 'clock', id: 'clock' })] : []),
    ...keys(shown),
    ...actions(shown),
    ...(orderProblem ? [el('p', { class: 'error', role: 'alert' }, problemText(orderProblem))] : []),
    facts(shown),
    privateLink(shown));
  drawClock();
}

function drawClock() {
  const clock = $('clock');
  if (clock && shown?.expires_at) put(clock, t('expires', span(shown.expires_at - now_s())));
}

/* Draws only what changed, so that a poll never takes focus or selection. */
function takeOrder(order) {
  const same = shown && shown.status === order.status;
  const before = shown?.status;

  shown = order;
  missing = false;

  /* Once the token is kept it need not stand in the address any more. */
  if (keepOrder({ ...order, token }) && location.hash) {
    history.replaceState(null, '', location.pathname);
  }
  if (same) return;
  drawOrder();
  if (before) say((t(`s_${order.status}`) ?? [''])[0]);
}

function watchOrder(id) {
  let errors = 0;

  drawOrder();
  if (missing) return;

  hurry = loop(async () => {
    const answer = await call(`/orders/${id}`, { headers: bearer(token) });

    if (answer.status === 200) {
      errors = 0;
      liveState = '';
      drawLive();
      takeOrder(answer.body);
      return STATUS[shown.status]?.poll_ms ?? POLL_MS_MAX;
    }

    if (answer.status === 404 && !shown) {
      missing = true;
      drawOrder();
      return 0;
    }

    errors++;
    liveState = 'reconnecting';
    drawLive();
    return Math.min(POLL_MS_MAX, Math.max(answer.retry_s * 1000, 1000 * 2 ** Math.min(errors, 5)));
  });

  setInterval(drawClock, 1000);
}

/* The token: from this browser's orders, or from a private link's fragment,
   which browsers never send to a server. */
function findToken(id) {
  const linked = /^#([A-Za-z0-9_-]{43})$/.exec(location.hash);

  return linked ? linked[1] : ownOrders().find(o => o.order === id)?.token ?? '';
}


/* --- start ------------------------------------------------------------------------------------ */

function drawStatic() {
  document.documentElement.lang = t('locale');
  document.title = `faka · ${t('title')}`;
  for (const node of document.querySelectorAll('[data-t]')) put(node, t(node.dataset.t));
  for (const node of document.querySelectorAll('[data-t-label]')) {
    node.setAttribute('aria-label', t(node.dataset.tLabel));
  }
  $('lang').lang = lang === 'zh' ? 'en' : 'zh-CN';
  put($('lang'), t('other'));
}

function start() {
  const path = /^\/return\/([0-9A-Z]{26})$/.exec(location.pathname);
  const draw = path
    ? () => { drawStatic(); drawLive(); drawOrder(); }
    : () => { drawStatic(); drawLive(); drawProducts(); drawMine(); };

  $('lang').addEventListener('click', () => {
    lang = lang === 'zh' ? 'en' : 'zh';
    store.put('lang', lang);
    draw();
  });

  if (path) {
    token = findToken(path[1]);
    missing = token === '';
    $('order').hidden = false;
    drawStatic();
    watchOrder(path[1]);
    return;
  }

  $('shop').hidden = false;
  draw();
  wireBuy();
  watchProducts();
  refreshMine();
  resumeBuy();

  /* Back from the gateway by the browser's button: a frozen page wakes up. */
  addEventListener('pageshow', event => { if (event.persisted) location.reload(); });
}

start();

})();

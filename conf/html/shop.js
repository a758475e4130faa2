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

const POLL_MS = 2500;
const POLL_MS_MAX = 30000;
const TRIES_MAX = 6;
const RETRY_S_MAX = 10;
const FEW = 10;
const PENDING_S_MAX = 900;


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

/* What so many cost.  By the list and its tiers that is so; when one unit has
   another price, it is taken for all of them, and the order says what is so. */
function totalOf(product, qty) {
  const list = product.tiers.reduce((unit, tier) => (qty >= tier.min_qty ? tier.price : unit), product.list_price) * qty;
  return product.price === product.list_price ? list : Math.ceil(list * (product.price / product.list_price));
}

function tiersText(product) {
  return product.tiers.filter(tier => tier.min_qty <= product.qty_max).map(tier =>
    t('tier', tier.min_qty, money(Math.ceil(totalOf(product, tier.min_qty) / tier.min_qty), product.currency))).join(' · ');
}

function makeTile(sku) {
  const tile = {
    name: el('h3'),
    stock: el('p'),
    tiers: el('p', { class: 'stock' }),
    price: el('span', { class: 'price' }),
    button: el('button', { type: 'button', class: 'primary', onclick: () => openBuy(sku) }),
  };
  tile.node = el('li', { class: 'product', 'data-sku': sku }, tile.name, tile.stock, tile.tiers,
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
  put(tile.tiers, tiersText(product));
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
let hurryChannels = () => {};

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
  put($('buy_tiers'), product ? tiersText(product) : '');
  const total = product ? totalOf(product, Math.max(1, qty)) : 0;
  put($('buy_total'), product ? money(total, product.currency) : '');
  drawWays(product, total, sending);
  $('buy_qty').max = max;
  $('buy_qty_field').hidden = single;
  $('buy_less').disabled = sending || qty <= 1;
  $('buy_more').disabled = sending || qty >= max;
  $('buy_qty').readOnly = sending;
  $('buy_contact').readOnly = sending;
  $('buy_coupon').readOnly = sending;
  $('buy_submit').disabled = sending || (!now.can && !store.get('pending', null));
  put($('buy_submit'), t(failed && store.get('pending', null) ? 'submit_again' : 'submit'));
  put($('buy_busy'), progress);

  $('buy_error').hidden = !failed;
  put($('buy_error'), failed ? failed.text ?? problemText(failed) : '');
  $('buy_contact').setAttribute('aria-invalid', String(failed?.field === 'contact'));
  $('buy_coupon').setAttribute('aria-invalid', String(failed?.field === 'coupon'));
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
  if (problem.field === 'coupon') $('buy_coupon').focus();
}

function freshKey() {
  if (crypto.randomUUID) return crypto.randomUUID();

  /* randomUUID needs TLS; the random bytes do not. */
  return Array.from(crypto.getRandomValues(new Uint8Array(16)),
    b => b.toString(16).padStart(2, '0')).join('');
}

/* Whoever came by an agent's link is his, until another link was followed. */
function ledBy() {
  const agent = new URLSearchParams(location.search).get('agent');
  if (agent && /^[A-Za-z0-9_-]{1,32}$/.test(agent)) store.put('agent', agent);
  return store.get('agent', undefined);
}

/* The same purchase keeps its key until an answer came; another one gets a new. */
function pendingFor(wish) {
  const old = store.get('pending', null);
  const same = old && ['sku', 'qty', 'contact', 'coupon', 'agent', 'channel'].every(k => old[k] === wish[k]);

  if (same && now_s() - old.at < PENDING_S_MAX) return { ...old, shown: wish.shown };
  return { ...wish, key: freshKey(), at: now_s() };
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
  const coupon = $('buy_coupon').value.trim() || undefined;
  const shown = product ? totalOf(product, qty) : undefined;
  const channel = channelOf(product, shown);
  await send(pendingFor({ sku: buying, qty, contact, coupon, agent: ledBy(), channel, shown }), t('sending'));
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
    finishBuy(answer.body, pending.shown);
    return;
  }

  /* An agent who is gone must not keep a buyer from buying. */
  if (problemOf(answer).code === 'invalid_agent' && pending.agent) {
    store.drop('agent');
    await send({ ...pending, agent: undefined, key: freshKey() }, words);
    return;
  }

  /* A clear no ends this purchase; no answer, or 503, leaves it open. */
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) store.drop('pending');
  if (problemOf(answer).code === 'invalid_channel') hurryChannels();
  refuse(problemOf(answer));
}

async function tryCheckout(pending) {
  let answer;

  for (let n = 1; n <= TRIES_MAX; n++) {
    answer = await call('/checkout', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': pending.key },
      body: JSON.stringify({ sku: pending.sku, qty: pending.qty, contact: pending.contact,
        coupon: pending.coupon, agent: pending.agent, channel: pending.channel }),
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

function finishBuy(order, shown) {
  const name = buyProduct()?.name ?? order.sku;
  const kept = keepOrder({ ...order, name });
  const pay = order.pay?.method === 'redirect' && isLink(order.pay.url);

  /* Who is to pay more than was shown sees it before the gateway asks for it. */
  const dearer = order.amount > shown;

  /* Leaving without a stored token would lose the order: keep it in the
     address then, where only this browser sees it. */
  if (!kept) location.assign(`/return/${order.order}#${order.token}`);
  else if (pay && !dearer) location.assign(order.pay.url);
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

  if (pending.channel) store.put('channel', pending.channel);
  openBuy(pending.sku);
  $('buy_qty').value = String(pending.qty);
  $('buy_contact').value = pending.contact;
  $('buy_coupon').value = pending.coupon ?? '';
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
  if (order.status !== 'awaiting_payment') return [];

  return [el('div', { class: 'actions' },
    el('div', { id: 'way' }),
    el('button', { type: 'button', class: 'danger', id: 'cancel', onclick: cancelOrder }, t('cancel')))];
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
  fillWay(shown);
  drawClock();
}

function drawClock() {
  const clock = $('clock');
  if (!clock || !shown?.expires_at) return;

  put(clock, t('expires', span(shown.expires_at - now_s())));

  /* What was reserved is not any more: nobody should begin to pay for it. */
  if ($('qr')) $('qr').hidden = shown.expires_at <= now_s();
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
  if (same) {
    fillWay(order);
    return;
  }
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
  hurryChannels = watchChannels(drawProducts);
  refreshMine();
  ledBy();
  resumeBuy();

  /* Back from the gateway by the browser's button: a frozen page wakes up. */
  addEventListener('pageshow', event => { if (event.persisted) location.reload(); });
}

start();

/*
 * What the pages stand on: storage in the browser, words and numbers, small
 * DOM, and calls to the server.  Everything that waits here is bounded, text
 * of the server becomes text nodes only, and no function knows a page.
 */

'use strict';

const FETCH_MS = 15000;
const ORDERS_MAX = 50;

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

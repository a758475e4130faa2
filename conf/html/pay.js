/*
 * Ways to pay: which ones there are, which one the buyer takes, and what the
 * page of an order shows of it: a link, a code to scan, or that it takes a
 * moment.
 *
 * What it guarantees.  Only a channel that takes the product's currency is
 * offered, and what is not available cannot be chosen.  An address of the
 * server becomes a link only if it is http(s); any other one is text, and the
 * dots of a code.  Polls change in place what has changed, and nothing else.
 *
 * What it does not do.  Without a list of channels nothing is chosen, and the
 * server takes its default.  Without the library of codes the address alone
 * is shown.
 */

'use strict';

const CHANNELS_MS = 20000;
const QR_DOT_PX = 6;


/* --- the choice ------------------------------------------------------------- */

let channels = [];

/* Resolves to the status of the answer. */
async function loadChannels() {
  const answer = await call('/channels');

  if (answer.status === 200 && Array.isArray(answer.body)) channels = answer.body;
  return answer.status;
}

/* Calls changed() after each look; returns a way to look at once. */
function watchChannels(changed) {
  return loop(async () => {
    const status = await loadChannels();
    changed();

    /* An nginx.conf that does not have it will not have it in a moment. */
    return status === 404 ? 0 : CHANNELS_MS;
  });
}

const waysOf = product => channels.filter(way => way.currency === product?.currency);

/* The wished one if it can be had, else the first that can. */
function wayOf(product) {
  const ways = waysOf(product);
  const wish = store.get('channel', null);
  const can = ways.filter(way => way.available);

  return can.find(way => way.channel === wish) ?? can[0] ?? ways[0];
}

/* What a checkout names: nothing where the server's default is as good. */
function channelOf(product, total) {
  const way = wayOf(product);

  return way && total > 0 && (waysOf(product).length > 1 || way !== channels[0]) ? way.channel : undefined;
}

function makeWay(way) {
  const radio = el('input', { type: 'radio', name: 'channel', value: way.channel });

  radio.disabled = !way.available;
  radio.addEventListener('change', () => { store.put('channel', way.channel); });
  return el('label', { class: 'way' }, radio, el('span', null, way.label),
    way.available ? null : el('span', { class: 'hint' }, t('way_off')));
}

/* The radio group; drawn anew only when the list is another one, so that a
   poll never takes the focus. */
function drawWays(product, total, locked) {
  const ways = waysOf(product);
  const list = $('buy_way_list');
  const key = JSON.stringify([lang, ways]);

  $('buy_ways').hidden = ways.length < 2 || total === 0;
  $('buy_ways').disabled = locked;
  if (list.dataset.key !== key) {
    list.dataset.key = key;
    list.replaceChildren(...ways.map(makeWay));
  }

  const taken = wayOf(product)?.channel;
  for (const radio of list.querySelectorAll('input')) radio.checked = radio.value === taken;
}


/* --- the page of an order ---------------------------------------------------- */

const isLink = url => /^https?:\/\//.test(url ?? '');

/* A picture and no drawing: on a phone it is saved and chosen in the app. */
function codeOf(url) {
  try {
    const code = qrcode(0, 'M');
    code.addData(url);
    code.make();
    return el('img', { id: 'qr', alt: t('qr_alt'), src: code.createDataURL(QR_DOT_PX, 4 * QR_DOT_PX) });
  } catch {
    /* No library, or more than a code can hold. */
    return null;
  }
}

const note = name => el('p', { class: 'note', id: 'pay_note' }, t(name));

const link = url => el('a', { class: 'button primary', id: 'pay', href: url }, t('pay'));

const scan = (url, order) => el('section', { class: 'qr', 'aria-labelledby': 'qr_title' },
  el('h2', { id: 'qr_title' }, t('qr_title')),
  el('p', { id: 'qr_do' }, t('qr_do', '')),
  el('p', { class: 'price' }, money(order.amount, order.currency)),
  codeOf(url),
  el('p', { class: 'hint' }, t('qr_phone')),
  el('p', { class: 'address' },
    el('code', { translate: 'no' }, url),
    el('button', { type: 'button', class: 'small', id: 'qr_copy',
      onclick: event => copy(url, event.currentTarget) }, t('qr_copy'))));

/* By method: what is shown of a payment that is to be made. */
const WAYS = {
  redirect: pay => (isLink(pay.url) ? link(pay.url) : note('pay_none')),
  qr: (pay, order) => (pay.url ? scan(pay.url, order) : note('pay_none')),
  pending: () => note('pay_pending'),
  none: () => note('pay_none'),
};

/* Whom the code is for, once that is known. */
async function nameWay(channel) {
  if (channels.length === 0) await loadChannels();

  const label = channels.find(way => way.channel === channel)?.label;
  if ($('qr_do') && label) put($('qr_do'), t('qr_do', label));
}

/* Fills #way.  A link is signed anew with each answer, for some gateways take
   it for minutes only; it changes in place. */
function fillWay(order) {
  const pay = Object.hasOwn(WAYS, order.pay?.method) ? order.pay : { method: 'none' };
  const key = JSON.stringify([lang, pay.method, pay.method === 'redirect' ? isLink(pay.url) : pay.url]);
  const node = $('way');

  if (!node) return;
  if (node.dataset.key !== key) {
    const before = node.dataset.key;

    node.dataset.key = key;
    node.replaceChildren(WAYS[pay.method](pay, order));
    if (pay.method === 'qr') nameWay(order.channel);
    if (before && $('pay_note') === null) say(t('pay_ready'));
  }
  if ($('pay')) $('pay').href = pay.url;
}

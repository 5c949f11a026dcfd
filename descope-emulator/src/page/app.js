// The emulator's page. What others have written, such as names and links, only ever becomes text: never markup.
'use strict';

const $ = (id) => document.getElementById(id);
const KEPT = 300; // As many messages and requests are shown.
const own = '/_emulator';
const world = {
  project: '', key: '', messages: [], requests: [], users: [], total: 0, sessions: [], tenants: [], roles: [], permissions: [],
  faults: [], snapshots: [], operations: [], clock: { now: 0, frozen: false }, read: 0,
};

// An element. Of the properties, `on*` are listeners, `text` is the text, and the others are attributes.
function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'text') element.textContent = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child || child === 0));
  return element;
}
const badge = (text, kind = '') => el('span', { class: `badge ${kind}`, text });
const soft = (text) => text && el('span', { class: 'soft', text });
const button = (text, act, label, kind = 'small') => el('button', { type: 'button', class: kind, text, 'aria-label': label, onclick: act });

// --- Asking ---------------------------------------------------------------------------------------------------------

class Refused extends Error {}

async function ask(method, path, body, headers = {}) {
  const sent = body === undefined ? { method, headers } : { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(path, sent);
  } catch {
    throw new Refused('The emulator does not answer');
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Refused([told.errorMessage || answer.statusText, told.errorCode].filter(Boolean).join(' ')), { status: answer.status });
  return told;
}
const here = (path) => `${own}${path}${path.includes('?') ? '&' : '?'}project=${encodeURIComponent(world.project)}`;
const manage = (method, path, body) => ask(method, path, body, { authorization: `Bearer ${world.project}:${world.key}` });
// The same where something changes; the end of sessions, for one, is no event.
const change = async (...call) => {
  await manage(...call);
  stale(...MANAGED, 'sessions');
};

function trouble(error, place = $('trouble')) {
  place.hidden = !error;
  place.textContent = error ? error.message : '';
}
// Does what somebody has asked for, and says so where it fails.
const attempt = (act, place) => async (event) => {
  event?.preventDefault();
  trouble(null, place);
  try {
    await act(event);
  } catch (error) {
    if (!(error instanceof Refused)) console.error(error);
    trouble(error, place);
  }
};
const say = (text) => { $('said').textContent = text; };

async function copy(text, from) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Where the page was not opened at localhost there is no clipboard but this one.
    const field = el('textarea', { class: 'hidden' });
    field.value = text;
    (from.closest('dialog') || document.body).append(field);
    field.select();
    document.execCommand('copy');
    field.remove();
    from.focus();
  }
  const before = from.textContent;
  from.textContent = 'Copied';
  say('Copied');
  setTimeout(() => { from.textContent = before; }, 1200);
}
const copier = (text, what) => {
  const made = button('Copy', () => copy(text, made), `Copy ${what}`);
  return made;
};

// --- Times ----------------------------------------------------------------------------------------------------------

const emulated = () => world.clock.now + (world.clock.frozen ? 0 : Math.floor((performance.now() - world.read) / 1000));
const two = (number) => String(number).padStart(2, '0');
const local = (epoch) => {
  const date = new Date(epoch * 1000);
  return Number.isNaN(date.getTime()) ? '' : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
};
const iso = (epoch) => { try { return new Date(epoch * 1000).toISOString(); } catch { return ''; } };
function span(seconds) {
  const size = Math.abs(seconds);
  const [unit, name] = [[86400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']].find(([unit]) => size >= unit) || [1, 'second'];
  const count = Math.round(size / unit);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
const until = (epoch) => (epoch > emulated() ? `in ${span(epoch - emulated())}` : `${span(epoch - emulated())} ago`);
// The time alone where it is of today.
function brief(epoch) {
  const [day, time] = local(epoch).split('T');
  return day === local(emulated()).split('T')[0] ? time : `${day} ${time}`;
}
const when = (epoch) => el('time', { class: 'soft end', datetime: iso(epoch), title: iso(epoch), text: brief(epoch) });

// --- Showing --------------------------------------------------------------------------------------------------------

// Makes a list show these items. What has not changed stays as it is, with its focus and what is unfolded in it.
function show(list, items, keyOf, build) {
  const before = new Map([...list.children].map((node) => [node.dataset.key, node]));
  const nodes = items.map((item) => {
    const [key, text] = [String(keyOf(item)), JSON.stringify(item)];
    const old = before.get(key);
    if (old?.shown === text) return old;
    const node = build(item);
    node.dataset.key = key;
    node.shown = text;
    if (old) {
      [...old.querySelectorAll('details')].forEach((details, at) => {
        const same = node.querySelectorAll('details')[at];
        if (same && details.open) same.open = true;
      });
    }
    return node;
  });
  const wanted = new Set(nodes);
  for (const node of [...list.children]) if (!wanted.has(node)) node.remove();
  nodes.forEach((node, at) => { if (list.children[at] !== node) list.insertBefore(node, list.children[at] || null); });
}
const holds = (item, text) => !text || JSON.stringify(item).toLowerCase().includes(text.trim().toLowerCase());
const pre = (value) => el('pre', { text: typeof value === 'string' ? value : JSON.stringify(value, null, 2) });
const isHere = (item) => !item.projectId || item.projectId === world.project;
const readable = (words) => words.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();

// Whether a browser may be sent there: only to the web, so that no link runs anything here.
function leadsToTheWeb(url) {
  try {
    return ['http:', 'https:'].includes(new URL(url).protocol);
  } catch {
    return false;
  }
}
const link = (url, text, label, kind) => el('a', { class: `button ${kind}`, href: url, target: '_blank', rel: 'noopener noreferrer', text, 'aria-label': label });

function messageOf(message) {
  const what = el('div', { class: 'what' });
  if (message.code) what.append(el('span', { class: 'code', text: message.code }), copier(message.code, `the code ${message.code}`));
  const web = message.links.filter(({ url }) => leadsToTheWeb(url));
  if (message.links.some(({ linkId }) => linkId)) {
    what.append(el('div', { class: 'numbers', role: 'group', 'aria-label': 'Links with their numbers' }, message.links.map(({ linkId, url }) => (
      leadsToTheWeb(url) ? link(url, linkId, `Link number ${linkId}`, 'number') : el('span', { class: 'number', text: linkId })
    ))), soft('The right one has the number that the first device shows.'));
  } else {
    for (const { url } of message.links) {
      what.append(...(web.length ? [link(url, 'Open the link', `Open the link to ${message.to}`, '')] : []), el('span', { class: 'url', title: url, text: url }), copier(url, 'the link'));
    }
  }
  if (message.transactionId) what.append(soft('Transaction'), el('code', { text: message.transactionId }), copier(message.transactionId, 'the transaction id'));
  if (!what.firstChild) what.append(soft('A notice without a code or a link'));
  const more = message.links.some(({ linkId }) => linkId) && el('details', {}, el('summary', { class: 'soft', text: 'The links as text' }), message.links.map(({ linkId, url }) => (
    el('div', { class: 'what' }, badge(linkId), el('span', { class: 'url', title: url, text: url }), copier(url, `link ${linkId}`)))));
  return el('li', {},
    el('div', { class: 'line' }, badge(message.channel), el('strong', { text: message.to }), soft(message.loginId === message.to ? '' : `for ${message.loginId}`), soft(readable(message.operation)), when(message.sentAt)),
    what, more);
}

function userOf(user) {
  const login = user.loginIds?.[0] || user.userId;
  const status = user.status || 'enabled';
  const tenants = (user.userTenants || []).map(({ tenantId, tenantName, roleNames }) => badge(`${tenantName || tenantId}${roleNames?.length ? `: ${roleNames.join(', ')}` : ''}`, 'wrap'));
  return el('li', {},
    el('div', { class: 'line' }, el('strong', { text: user.name || login }), badge(status, { enabled: 'good', disabled: 'bad' }[status] || 'warn'), user.test && badge('test user', 'warn'),
      el('span', { class: 'end line' },
        button('Edit', () => edit(user), `Edit ${login}`),
        button('Sign in', attempt(() => signIn(login)), `Sign in as ${login}`),
        button('End sessions', attempt(async () => { await change('POST', '/v1/mgmt/user/logout', { userId: user.userId }); say(`${login} is signed out`); }), `End the sessions of ${login}`),
        button('Delete', attempt(async () => { if (confirm(`Delete ${login}?`)) await change('POST', '/v1/mgmt/user/delete', { loginId: login }); }), `Delete ${login}`, 'small danger'))),
    el('div', { class: 'line' }, (user.loginIds || []).filter((id) => id !== user.email && id !== user.phone).map((id) => el('span', { text: id })),
      user.email && el('span', {}, user.email, ' ', soft(user.verifiedEmail ? 'verified' : 'not verified')), user.phone && el('span', {}, user.phone, ' ', soft(user.verifiedPhone ? 'verified' : 'not verified')),
      (user.roleNames || []).map((role) => badge(role, 'wrap')), tenants),
    el('details', {}, el('summary', { class: 'soft', text: user.userId }), pre(user)));
}

// Header, claims and what the times among them mean.
function tokenOf({ name, header, claims, at, operation }) {
  const times = ['iat', 'nbf', 'exp', 'rexp'].filter((claim) => claim in claims).map((claim) => [claim, typeof claims[claim] === 'number' ? claims[claim] : Date.parse(claims[claim]) / 1000]);
  const end = times.find(([claim]) => claim === 'exp')?.[1];
  return el('details', { class: 'token' },
    el('summary', {}, name, ' ', end && badge(end > emulated() ? 'good' : 'expired', end > emulated() ? 'good' : 'bad'), ' ', soft([operation && readable(operation), at && brief(at)].filter(Boolean).join(', '))),
    el('dl', {}, times.filter(([, time]) => time).flatMap(([claim, time]) => [el('dt', { text: claim }), el('dd', { text: `${local(time).replace('T', ' ')}, ${until(time)}` })])),
    pre({ header, claims }));
}

// The tokens in the answers that are kept, newest first.
const issued = () => world.requests.filter(isHere).flatMap((request) => (request.tokens || []).map((token) => ({ ...token, at: request.at, operation: request.operation, request: request.id })));
const sessionOfToken = ({ claims }) => String(claims.jti || '').split('.')[0];

function sessionOf(session) {
  const claims = Object.keys(session.claims).length || Object.keys(session.clientClaims).length;
  const who = session.loginIds[0] || (session.amr.length ? 'a user who is gone' : 'a visitor');
  return el('li', {},
    el('div', { class: 'line' }, el('strong', { text: who }), badge(session.status, session.status === 'active' ? 'good' : 'bad'), session.amr.map((way) => badge(way)),
      session.tenant && soft(`in ${session.tenant}`), session.actor && badge(`acted by ${session.actor}`, 'warn'),
      session.steppedUpUntil > emulated() && badge('stepped up', 'good'), el('span', { class: 'soft end', title: iso(session.expiresAt), text: `ends ${local(session.expiresAt).replace('T', ' ')}` })),
    claims ? pre({ claims: session.claims, clientClaims: session.clientClaims }) : null,
    session.tokens.map(tokenOf), soft(`${session.id} of ${session.userId}`));
}

function requestOf(request) {
  const bad = request.status === 0 || request.status >= 400;
  const named = request.operation || 'no operation';
  const part = (name, value) => (value === null || value === undefined ? [] : [el('h3', { class: 'soft', text: name }), pre(value)]);
  return el('li', {},
    el('details', {},
      el('summary', { class: 'line' }, badge(request.status || 'cut', bad ? 'bad' : 'good'), el('strong', { text: named }), el('code', { class: 'soft', text: `${request.method} ${request.path}` }),
        soft(request.loginIds.join(', ')), request.fault && badge(`fault ${request.fault}`, 'warn'), when(request.at)),
      el('p', {}, soft(`Credentials: ${request.credentials.map(readable).join(', ') || 'none read'}`), ' ', request.operation && button('Fail the next one', () => { $('fault-operation').value = request.operation; location.hash = '#faults'; $('fault-operation').focus(); })),
      part('Query', request.query), part('Body', request.body), part('Answer', request.reply), request.tokens?.map(tokenOf),
      part('Headers', request.headers.map(([name, value]) => `${name}: ${value}`).join('\n'))),
    request.errorMessage && el('p', { class: 'why' }, request.errorMessage, ' ', soft(request.errorCode)));
}

const tenantOf = (tenant) => el('li', {}, el('div', { class: 'line' }, el('strong', { text: tenant.name }), el('code', { class: 'soft', text: tenant.id }), tenant.disabled && badge('disabled', 'bad'),
  (tenant.selfProvisioningDomains || []).map((domain) => badge(domain)),
  el('span', { class: 'end' }, button('Delete', attempt(async () => { if (confirm(`Delete the tenant ${tenant.name}?`)) await change('POST', '/v1/mgmt/tenant/delete', { id: tenant.id }); }), `Delete the tenant ${tenant.name}`, 'small danger'))));

const roleOf = (role) => el('li', {}, el('div', { class: 'line' }, el('strong', { text: role.name }), role.tenantId && soft(`of ${role.tenantId}`), soft(role.description || ''), (role.permissionNames || []).map((name) => badge(name, 'wrap')),
  el('span', { class: 'end' }, button('Delete', attempt(async () => { if (confirm(`Delete the role ${role.name}?`)) await change('POST', '/v1/mgmt/role/delete', { name: role.name, tenantId: role.tenantId || undefined }); }), `Delete the role ${role.name}`, 'small danger'))));

function faultOf(fault) {
  const { id, happened, operation, loginId, method, path, project, times, ...does } = fault;
  const calls = [operation, method, path, loginId && `of ${loginId}`, project && `in ${project}`].filter(Boolean).join(' ') || 'any call';
  const left = times === undefined || times === null ? 'always' : `${times} more`;
  return el('li', {}, el('div', { class: 'line' }, badge(`${id}`), el('strong', { text: calls }), el('code', { text: Object.entries(does).filter(([name, value]) => value && name !== 'always').map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`).join(', ') }),
    badge(left, 'warn'), soft(`happened ${happened} time${happened === 1 ? '' : 's'}`),
    el('span', { class: 'end' }, button('Withdraw', attempt(() => ask('DELETE', `${own}/faults/${id}`)), `Withdraw fault ${id}`))));
}

const snapshotOf = (name) => el('li', {}, el('div', { class: 'line' }, el('strong', { text: name }), el('span', { class: 'end' },
  button('Restore', attempt(async () => { await ask('POST', here(`/snapshots/${encodeURIComponent(name)}/restore`)); say(`Restored ${name}`); }), `Restore ${name}`))));

const operationsOf = () => $('operations').replaceChildren(...world.operations.map(({ id, path }) => el('option', { value: id, text: path })));

function showClock() {
  const now = emulated();
  $('now').textContent = `${local(now).replace('T', ' ')}${world.clock.frozen ? ' (stopped)' : ''}`;
  $('clock').textContent = local(now).replace('T', ' ');
  const ahead = now - Math.floor(Date.now() / 1000);
  $('clock-ahead').textContent = Math.abs(ahead) < 3 ? 'The same as the computer shows.' : `${span(ahead)} ${ahead > 0 ? 'ahead of' : 'behind'} the computer's clock.`;
  $('frozen').checked = world.clock.frozen;
}

const views = {
  inbox() {
    const messages = world.messages.filter(isHere);
    $('count-inbox').textContent = messages.length || '';
    show($('messages'), messages.filter((message) => holds(message, $('inbox-filter').value)), ({ id }) => id, messageOf);
  },
  users() {
    $('count-users').textContent = world.total || '';
    $('users-more').hidden = world.total <= world.users.length;
    $('users-more').textContent = `The first ${world.users.length} of ${world.total}.`;
    show($('user-list'), world.users, ({ userId }) => userId, userOf);
  },
  sessions() {
    $('count-sessions').textContent = world.sessions.filter(({ status }) => status === 'active').length || '';
    const tokens = issued();
    const known = new Set(world.sessions.map(({ id }) => id));
    const sessions = [...world.sessions].sort((one, other) => (other.status === 'active') - (one.status === 'active'));
    show($('session-list'), sessions.slice(0, KEPT).map((session) => ({ ...session, tokens: tokens.filter((token) => sessionOfToken(token) === session.id).slice(0, 6) })), ({ id }) => id, sessionOf);
    show($('token-list'), tokens.filter((token) => !known.has(sessionOfToken(token))).map((token, at) => ({ ...token, at, time: token.at })), (token) => `${token.request} ${token.at}`, (token) => el('li', {}, tokenOf({ ...token, at: token.time })));
  },
  requests() {
    const requests = world.requests.filter(isHere);
    $('count-requests').textContent = requests.length || '';
    const bad = ({ status }) => status === 0 || status >= 400;
    show($('request-list'), requests.filter((request) => (!$('refused').checked || bad(request)) && holds(request, $('requests-filter').value)), ({ id }) => id, requestOf);
  },
  tenants() {
    show($('tenant-list'), world.tenants, ({ id }) => id, tenantOf);
    show($('role-list'), world.roles, ({ name, tenantId }) => `${tenantId} ${name}`, roleOf);
    $('permission-names').replaceChildren(...world.permissions.map(({ name }) => el('option', { value: name })));
  },
  faults() {
    $('count-faults').textContent = world.faults.length || '';
    $('faults-clear').disabled = !world.faults.length;
    show($('fault-list'), world.faults, ({ id }) => id, faultOf);
  },
  state() {
    showClock();
    show($('snapshot-list'), world.snapshots, (name) => name, snapshotOf);
  },
};

// --- Keeping up to date ---------------------------------------------------------------------------------------------

// What an event has told while the list was on its way stays.
async function merge(name, read) {
  const newest = world[name][0]?.id || 0;
  const found = await read();
  const known = Math.max(newest, found[0]?.id || 0);
  world[name] = [...world[name].filter(({ id }) => id > known), ...found];
}

const reads = {
  async messages() { await merge('messages', async () => (await ask('GET', here(`/inbox?limit=${KEPT}`))).messages); },
  async requests() { await merge('requests', async () => (await ask('GET', `${own}/requests`)).requests.reverse().slice(0, KEPT)); },
  async users() {
    const text = $('users-filter').value.trim();
    const found = await manage('POST', '/v2/mgmt/user/search', { limit: 100, withTestUser: true, ...(text && { text }) });
    [world.users, world.total] = [found.users || [], found.total || 0];
  },
  async sessions() { world.sessions = (await ask('GET', here('/sessions'))).sessions; },
  async tenants() { world.tenants = (await manage('GET', '/v1/mgmt/tenant/all')).tenants || []; },
  async roles() {
    world.roles = (await manage('GET', '/v1/mgmt/role/all')).roles || [];
    world.permissions = (await manage('GET', '/v1/mgmt/permission/all')).permissions || [];
  },
  async faults() { world.faults = (await ask('GET', `${own}/faults`)).faults; },
  async snapshots() { world.snapshots = (await ask('GET', here('/snapshots'))).snapshots; },
  async clock() { [world.clock, world.read] = [await ask('GET', `${own}/clock`), performance.now()]; },
  async projects() {
    const { projects, projectId } = await ask('GET', `${own}/`);
    world.project ||= projectId;
    if (!projects.includes(world.project)) world.project = projectId;
    const shown = [...$('project').options].map(({ value }) => value);
    if (shown.join() !== projects.join()) $('project').replaceChildren(...projects.map((id) => el('option', { value: id, text: id })));
    $('project').value = world.project;
  },
};
const MANAGED = ['users', 'tenants', 'roles'];
const due = new Set();
let timer = 0;
let busy = false;

// Reads these anew, soon: what comes in a burst is read once.
function stale(...names) {
  names.forEach((name) => due.add(name));
  if (due.size && !timer && !busy) timer = setTimeout(renew, 60);
}
const everything = () => stale(...Object.keys(reads));

async function renew() {
  timer = 0;
  busy = true;
  const names = [...due].filter((name) => world.key || !MANAGED.includes(name));
  due.clear();
  try {
    if (names.includes('projects')) await reads.projects();
    await Promise.all(names.filter((name) => name !== 'projects').map((name) => reads[name]()));
  } catch (error) {
    if (error instanceof Refused && error.status) trouble(error);
    else if (!(error instanceof Refused)) console.error(error);
  }
  draw();
  // A server that is under load is asked twice a second.
  setTimeout(() => { busy = false; stale(); }, 440);
}

let drawing = 0;
function draw() {
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    Object.values(views).forEach((view) => view());
  });
}

async function fetchKey(managementKey) {
  try {
    world.key = (await ask('POST', `${own}/page/key`, managementKey ? { managementKey } : {})).key;
    $('key-form').hidden = true;
  } catch (error) {
    world.key = '';
    $('key-form').hidden = false;
    if (managementKey) throw error;
  }
}

let events = null;
function listen() {
  events?.close();
  events = new EventSource(`${own}/events`);
  events.onopen = async () => {
    trouble(null);
    try {
      // It may be another emulator than before, or have gone on meanwhile.
      await reads.projects();
      if (!world.key || !(await stillGood())) await fetchKey();
    } catch (error) {
      trouble(error);
      return;
    }
    $('live').textContent = 'live';
    $('live').classList.add('on');
    everything();
  };
  events.onerror = () => {
    $('live').textContent = 'not connected';
    $('live').classList.remove('on');
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  };
  const on = (kind, act) => events.addEventListener(kind, (event) => { act(JSON.parse(event.data)); draw(); });
  const add = (list, item) => {
    if (list.some(({ id }) => id === item.id && isHere(item))) return;
    list.unshift(item);
    list.length = Math.min(list.length, KEPT);
  };
  on('message', (message) => {
    if (!isHere(message)) return;
    add(world.messages, message);
    say(`Message to ${message.to}`);
  });
  on('request', (request) => {
    add(world.requests, request);
    stale('sessions', 'projects');
  });
  on('record', (record) => { if (isHere(record)) stale('users', 'tenants', 'roles', 'sessions'); });
  on('change', ({ what, projectId }) => {
    if (!isHere({ projectId })) return;
    if (what === 'all') everything();
    else if (what === 'clock') stale('clock', 'sessions');
    else if (what === 'inbox') stale('messages');
    else if (reads[what]) stale(what);
  });
}
const stillGood = () => manage('GET', '/v1/mgmt/permission/all').then(() => true, () => false);

// --- Doing ----------------------------------------------------------------------------------------------------------

const decoded = (text) => {
  const part = (at) => JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text.split('.')[at].replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0))));
  return { name: 'Token', header: part(0), claims: part(1) };
};
const readToken = attempt(async () => {
  const text = $('token').value.trim().replace(/^bearer\s+/i, '').split(':').find((part) => part.split('.').length === 3) || $('token').value.trim();
  let token;
  try {
    token = tokenOf(decoded(text));
  } catch {
    $('decoded').replaceChildren(el('p', { class: 'why', text: 'This is no JWT.' }));
    return;
  }
  token.open = true;
  const { findings } = await ask('POST', `${own}/doctor`, { token: text, projectId: world.project });
  const wrong = findings.filter(({ about }) => about === 'token');
  $('decoded').replaceChildren(...(wrong.length ? wrong.map(({ message }) => el('p', { class: 'why', text: message })) : [el('p', {}, badge('signed by this emulator, and not expired', 'good'))]), token);
});

async function signIn(loginId) {
  const { sessionJwt, created } = await ask('POST', here('/session'), { loginId });
  say(`${loginId} is signed in${created ? ', and new' : ''}`);
  stale('sessions', 'users');
  location.hash = '#sessions';
  $('decoder').open = true;
  $('token').value = sessionJwt;
  await readToken();
}

let edited = null;
function edit(user) {
  edited = user;
  trouble(null, $('u-trouble'));
  $('h-user').textContent = user ? `Edit ${user.name || user.loginIds[0]}` : 'New user';
  $('u-login').value = user?.loginIds[0] || '';
  $('u-login').readOnly = Boolean(user);
  $('u-name').value = user?.name || '';
  for (const [field, ok] of [['email', 'verifiedEmail'], ['phone', 'verifiedPhone']]) {
    $(`u-${field}`).value = user?.[field] || '';
    $(`u-${field}-ok`).checked = Boolean(user?.[ok]);
  }
  $('u-status').value = user?.status || 'enabled';
  const choice = (label, checked, data) => el('label', { class: 'check' }, Object.assign(el('input', { type: 'checkbox', ...data }), { checked }), label);
  const general = world.roles.filter(({ tenantId }) => !tenantId);
  $('u-roles').replaceChildren(...general.map(({ name }) => choice(name, Boolean(user?.roleNames?.includes(name)), { 'data-role': name })));
  const nothing = (list, text) => { if (!list.length) return [soft(text)]; return []; };
  $('u-roles').append(...nothing(general, 'There are no roles.'));
  $('u-tenants').replaceChildren(...nothing(world.tenants, 'There are no tenants.'), ...world.tenants.map((tenant) => {
    const membership = user?.userTenants?.find(({ tenantId }) => tenantId === tenant.id);
    const roles = world.roles.filter(({ tenantId }) => !tenantId || tenantId === tenant.id);
    const own = el('fieldset', { 'data-of': tenant.id }, el('legend', { text: `Roles in ${tenant.name}` }), el('div', {}, roles.map(({ name }) => choice(name, Boolean(membership?.roleNames?.includes(name)), { 'data-tenant-role': name }))));
    own.hidden = !membership || !roles.length;
    const box = choice(tenant.name, Boolean(membership), { 'data-tenant': tenant.id });
    box.firstChild.addEventListener('change', (event) => { own.hidden = !event.target.checked || !roles.length; });
    return [box, own];
  }).flat());
  $('user-dialog').showModal();
}

const chosen = (place, name) => [...place.querySelectorAll(`[data-${name}]`)].filter((box) => box.checked).map((box) => box.getAttribute(`data-${name}`));
const saveUser = attempt(async () => {
  const wanted = {
    name: $('u-name').value.trim(), email: $('u-email').value.trim(), phone: $('u-phone').value.trim(), status: $('u-status').value,
    verifiedEmail: $('u-email-ok').checked, verifiedPhone: $('u-phone-ok').checked, roleNames: chosen($('u-roles'), 'role'),
    userTenants: chosen($('u-tenants'), 'tenant').map((tenantId) => ({
      tenantId, roleNames: chosen([...$('u-tenants').querySelectorAll('[data-of]')].find((part) => part.dataset.of === tenantId), 'tenant-role'),
    })),
  };
  const loginId = $('u-login').value.trim();
  if (edited) {
    // Only what was changed, so that nothing is lost that somebody else has changed meanwhile.
    const before = { ...edited, userTenants: (edited.userTenants || []).map(({ tenantId, roleNames }) => ({ tenantId, roleNames: roleNames || [] })) };
    const sorted = (value) => (Array.isArray(value) ? value.map((item) => (item.tenantId ? { tenantId: item.tenantId, roleNames: item.roleNames.toSorted?.() ?? item.roleNames } : item)).sort((one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other))) : value);
    const changes = Object.entries(wanted).filter(([name, value]) => JSON.stringify(sorted(value)) !== JSON.stringify(sorted(before[name] ?? (Array.isArray(value) ? [] : typeof value === 'boolean' ? false : ''))));
    if (changes.length) await change('PATCH', '/v1/mgmt/user/patch', { loginId, ...(edited.test && { test: true }), ...Object.fromEntries(changes) });
  } else {
    const { status, ...rest } = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== '' && value !== false && value?.length !== 0));
    await change('POST', '/v1/mgmt/user/create', { loginId, ...rest });
    if (status !== 'invited') await change('POST', '/v1/mgmt/user/update/status', { loginId, status });
  }
  $('user-dialog').close();
  say(`${loginId} is saved`);
}, $('u-trouble'));

const addFault = attempt(async () => {
  const what = $('fault-what').value;
  const takes = (id) => !$(id).closest('label').hidden && $(id).value.trim() !== '';
  const fault = {};
  if (takes('fault-operation')) fault.operation = $('fault-operation').value.trim();
  if (takes('fault-login')) fault.loginId = $('fault-login').value.trim();
  if (['close', 'hang', 'endlessBody'].includes(what)) fault.kind = what;
  if (takes('fault-status')) fault.status = Number($('fault-status').value);
  if (takes('fault-code')) fault.errorCode = $('fault-code').value.trim();
  if (takes('fault-message')) fault.errorMessage = $('fault-message').value.trim();
  if (takes('fault-latency')) fault.latencyMillis = Number($('fault-latency').value);
  if (what === 'delay') fault.latencyMillis ??= 1000;
  if ($('fault-times').value) fault.times = Number($('fault-times').value);
  else fault.always = true;
  await ask('POST', `${own}/faults`, fault);
  say('The fault is added');
});
const fitFault = () => document.querySelectorAll('#fault-new [data-for]').forEach((label) => { label.hidden = !label.dataset.for.split(' ').includes($('fault-what').value); });

const setClock = async (body) => {
  [world.clock, world.read] = [await ask('POST', `${own}/clock`, body), performance.now()];
  draw();
};
// Empties the fields when it is done, but for those that somebody has gone on to write in.
const save = (form, act) => $(form).addEventListener('submit', attempt(async () => {
  const sent = [...$(form).querySelectorAll('input')].map((field) => [field, field.value]);
  await act();
  for (const [field, value] of sent) if (field.value === value) field.value = '';
}));

function go() {
  const wanted = location.hash.slice(1);
  if (wanted === 'content') return;
  const name = views[wanted] ? wanted : 'inbox';
  document.querySelectorAll('main > section').forEach((section) => { section.hidden = section.id !== name; });
  document.querySelectorAll('nav a').forEach((anchor) => {
    if (anchor.hash === `#${name}`) {
      anchor.setAttribute('aria-current', 'page');
      anchor.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    } else anchor.removeAttribute('aria-current');
  });
  scrollTo(0, 0);
  if (name === 'faults' && !world.operations.length) ask('GET', `${own}/operations`).then(({ operations }) => { world.operations = operations; operationsOf(); }, trouble);
}

addEventListener('hashchange', go);
$('project').addEventListener('change', () => {
  world.project = $('project').value;
  Object.assign(world, { messages: [], users: [], total: 0, sessions: [], tenants: [], roles: [], snapshots: [] });
  everything();
  draw();
});
$('key-form').addEventListener('submit', attempt(async () => { await fetchKey($('key').value.trim()); $('key').value = ''; everything(); }));
for (const [id, view] of [['inbox-filter', 'inbox'], ['requests-filter', 'requests']]) $(id).addEventListener('input', () => views[view]());
$('refused').addEventListener('change', () => views.requests());
$('users-filter').addEventListener('input', () => stale('users'));
$('inbox-clear').addEventListener('click', attempt(() => ask('DELETE', here('/inbox'))));
$('requests-clear').addEventListener('click', attempt(() => ask('DELETE', `${own}/requests`)));
$('user-new').addEventListener('click', () => edit(null));
$('user-form').addEventListener('submit', saveUser);
$('u-cancel').addEventListener('click', () => $('user-dialog').close());
save('sign-in', () => signIn($('sign-in-id').value.trim()));
$('decode').addEventListener('submit', readToken);
$('token-copy').addEventListener('click', (event) => copy($('token').value, event.target));
save('tenant-new', () => change('POST', '/v1/mgmt/tenant/create', { name: $('tenant-name').value.trim(), ...($('tenant-id').value.trim() && { id: $('tenant-id').value.trim() }) }));
save('role-new', async () => {
  const permissionNames = $('role-permissions').value.split(',').map((name) => name.trim()).filter(Boolean);
  // A permission that a role is to have has to be there.
  for (const name of permissionNames) if (!world.permissions.some((known) => known.name === name)) await change('POST', '/v1/mgmt/permission/create', { name });
  await change('POST', '/v1/mgmt/role/create', { name: $('role-name').value.trim(), permissionNames });
});
$('fault-new').addEventListener('submit', addFault);
$('fault-what').addEventListener('change', fitFault);
$('faults-clear').addEventListener('click', attempt(() => ask('DELETE', `${own}/faults`)));
document.querySelectorAll('[data-advance]').forEach((made) => made.addEventListener('click', attempt(() => setClock({ advanceSeconds: Number(made.dataset.advance) }))));
save('clock-advance', () => setClock({ advanceSeconds: Number($('clock-seconds').value) }));
save('clock-set', () => setClock({ set: Math.floor(new Date($('clock-time').value).getTime() / 1000) }));
$('clock-right').addEventListener('click', attempt(() => setClock({ set: Math.floor(Date.now() / 1000), frozen: false })));
$('frozen').addEventListener('change', attempt(() => setClock({ frozen: $('frozen').checked })));
save('snapshot-new', async () => { const name = $('snapshot-name').value.trim(); await ask('PUT', here(`/snapshots/${encodeURIComponent(name)}`)); say(`Saved ${name}`); });
$('reset').addEventListener('click', attempt(async () => { if (confirm('Forget users, sessions, messages, requests and faults?')) await ask('POST', `${own}/reset`); }));
setInterval(showClock, 1000);
// A browser has six connections to a server; a page that nobody sees keeps none.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) listen();
  else events?.close();
});
fitFault();
if (location.hash === '#content') location.hash = '#inbox';
go();
listen();

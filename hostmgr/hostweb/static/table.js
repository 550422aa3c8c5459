// The table of hosts. The page's address holds the query. Each update asks the server again.
import { clock, find, fill, from, mark, number, span, toHost, write } from './format.js';

const table = find('hosts');
const withAbout = table.dataset.about === 'true', isShared = table.dataset.shared === 'true';
const boxes = [...find('states').querySelectorAll('input')];
const states = () => boxes.filter(b => b.checked).map(b => b.value).join(',');
const asked = {
  search: find('search').value, state: states(), zone: find('zone').value,
  sort: table.dataset.sort, order: table.dataset.order,
  page: Number(table.dataset.page), size: Number(table.dataset.size),
};
const defaults = { search: '', state: '', zone: '', sort: 'state', order: 'desc', page: 1, size: 50 };
const descends = new Set(['state', 'contact', 'joined']); // at the first click

let pending, onPage = () => {}, pages = 1;

// onAnswer calls f with each answer.
export function onAnswer(f) { onPage = f; }

// refresh asks for the page again, unless a request is pending.
export function refresh() { if (!pending) ask(); }

async function ask() {
  const mine = pending = new AbortController();
  try {
    const answer = await fetch('api/hosts?' + new URLSearchParams(asked), { signal: mine.signal });
    const page = await answer.json();
    if (mine !== pending) return;
    if (answer.ok) show(page); else write(find('matched'), page.error);
  } catch (e) {
    // The stream shows that the server is away, or a newer request has replaced this one.
  } finally {
    if (mine === pending) pending = undefined;
  }
}

// setQuery changes the query.
function setQuery(change) {
  Object.assign(asked, { page: 1 }, change);
  if (pending) pending.abort();
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(asked)) {
    if (String(value) === String(defaults[name])) query.delete(name); else query.set(name, value);
  }
  if (asked.order === (asked.sort === 'state' ? 'desc' : 'asc')) query.delete('order'); else query.set('order', asked.order);
  history.replaceState(null, '', (query.size ? '?' + query : location.pathname) + location.hash);
  ask();
}

// follow shows the hosts that a link to this page asks for.
export function follow(query) {
  const change = { search: query.get('search') || '', state: query.get('state') || '', zone: query.get('zone') || '' };
  find('search').value = change.search;
  const wanted = change.state.split(',');
  for (const box of boxes) box.checked = wanted.includes(box.value);
  offer([...find('zone').options].slice(1).map(o => o.value), change.zone);
  setQuery(change);
}

// asks reports whether a query asks for the hosts that are shown.
export function asks(query) {
  return ['search', 'state', 'zone'].every(name => (query.get(name) || '') === asked[name]);
}

function show(page) {
  pages = page.pages;
  asked.page = page.page;
  fill(table.tBodies[0], page.hosts.map(host => line(host, page.at)));
  page.hosts.forEach((host, i) => {
    mark(table.tBodies[0].rows[i], 'data-id', host.id);
    mark(table.tBodies[0].rows[i], 'data-state', host.state);
  });
  write(find('matched'), `${number(page.matched)} of ${number(page.total)}`);
  write(find('page'), `${number(page.page)} of ${number(pages)}`);
  write(find('asof'), notes(page).join(' '));
  find('first').disabled = find('prev').disabled = page.page <= 1;
  find('next').disabled = find('last').disabled = page.page >= pages;
  sorted();
  offer(page.zones.map(z => z.name).filter(Boolean), asked.zone);
  onPage(page);
}

function notes(page) {
  const list = [];
  if (page.unsearched) list.push(`Describe is too slow: ${number(page.unsearched)} hosts were not searched by their metadata.`);
  if (page.took >= 0.05) list.push(`A scan of all hosts takes ${span(page.took)}, so the table is updated every ${span(Math.ceil(page.took * 10))}.`);
  return list;
}

function line(host, now) {
  const time = (t, name = 'n wide') => ({ text: from(t, now), name });
  const held = host.hold && 'held: ' + host.hold + (host.holdUntil ? `, at the latest until ${clock(host.holdUntil)}` : '');
  return [
    { text: host.state, note: held, name: 'state' }, { text: host.id, head: true, to: toHost(host.id) },
    time(host.lastContact, 'n'), host.zone, ...(isShared ? [{ text: host.keeper || 'none', name: 'wide' }] : []),
    time(host.suspectAt), time(host.evictAt), { text: span(host.interval), name: 'n wide' }, time(host.joined),
    ...(withAbout ? [{ text: host.about, name: 'about wide', links: true }] : []),
  ];
}

function sorted() {
  for (const button of table.querySelectorAll('button[data-sort]')) {
    const on = button.dataset.sort === asked.sort;
    mark(button.parentElement, 'aria-sort', !on ? 'none' : asked.order === 'asc' ? 'ascending' : 'descending');
  }
}

// offer offers zones, and the chosen one.
function offer(names, chosen) {
  const select = find('zone');
  if (chosen && !names.includes(chosen)) names = [...names, chosen];
  const offered = [...select.options].slice(1).map(o => o.value);
  if (JSON.stringify(offered) !== JSON.stringify(names)) {
    select.replaceChildren(select.options[0], ...names.map(name => new Option(name, name)));
  }
  select.value = chosen;
}

let typing;
find('search').addEventListener('input', e => {
  clearTimeout(typing);
  typing = setTimeout(() => setQuery({ search: e.target.value }), 200);
});
find('states').addEventListener('change', () => setQuery({ state: states() }));
find('zone').addEventListener('change', e => setQuery({ zone: e.target.value }));
find('first').addEventListener('click', () => setQuery({ page: 1 }));
find('prev').addEventListener('click', () => setQuery({ page: asked.page - 1 }));
find('next').addEventListener('click', () => setQuery({ page: asked.page + 1 }));
find('last').addEventListener('click', () => setQuery({ page: pages }));
table.tHead.addEventListener('click', e => {
  const button = e.target.closest('button[data-sort]');
  if (!button) return;
  const sort = button.dataset.sort, first = descends.has(sort) ? 'desc' : 'asc';
  const order = sort !== asked.sort ? first : asked.order === 'asc' ? 'desc' : 'asc';
  setQuery({ sort, order });
});
sorted();

// The table of hosts. The page's address holds the query. Each update asks the server again.
import { find, fill, from, mark, number, span, write } from './format.js';

const table = find('hosts');
const withAbout = table.dataset.about === 'true', isShared = table.dataset.shared === 'true';
const asked = {
  search: find('search').value, state: find('state').value, zone: find('zone').value,
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
  const query = new URLSearchParams(Object.entries(asked).filter(([k, v]) => String(v) !== String(defaults[k])));
  const order = asked.sort === 'state' ? 'desc' : 'asc';
  if (asked.order === order) query.delete('order'); else query.set('order', asked.order);
  history.replaceState(null, '', query.size ? '?' + query : location.pathname);
  ask();
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
  write(find('asof'), page.took < 0.05 ? '' : `A scan of all hosts takes ${span(page.took)}, so the table is updated every ${span(Math.ceil(page.took * 10))}.`);
  find('first').disabled = find('prev').disabled = page.page <= 1;
  find('next').disabled = find('last').disabled = page.page >= pages;
  sorted();
  zones(page.zones.map(z => z.name).filter(Boolean));
  onPage(page);
}

function line(host, now) {
  const time = t => ({ text: from(t, now), title: t || '', name: 'n' });
  return [
    { text: host.id, title: `incarnation ${host.incarnation}, registration ${host.registration}` + (host.evictions ? `, lately evicted: ${number(host.evictions)}` : '') },
    { text: host.state, note: host.hold && 'held: ' + host.hold, name: 'state' },
    host.zone, ...(isShared ? [{ text: host.keeper || 'none', title: host.keeperId }] : []),
    time(host.lastContact), time(host.suspectAt), time(host.evictAt),
    { text: span(host.interval), name: 'n' }, time(host.joined),
    ...(withAbout ? [{ text: host.about, name: 'about' }] : []),
  ];
}

function sorted() {
  for (const button of table.querySelectorAll('button[data-sort]')) {
    const on = button.dataset.sort === asked.sort;
    mark(button.parentElement, 'aria-sort', !on ? 'none' : asked.order === 'asc' ? 'ascending' : 'descending');
  }
}

// zones offers the zones that have hosts, and the chosen one.
function zones(names) {
  const select = find('zone');
  if (asked.zone && !names.includes(asked.zone)) names = [...names, asked.zone];
  const offered = [...select.options].slice(1).map(o => o.value);
  if (JSON.stringify(offered) === JSON.stringify(names)) return;
  select.replaceChildren(select.options[0], ...names.map(name => new Option(name, name)));
  select.value = asked.zone;
}

let typing;
find('search').addEventListener('input', e => {
  clearTimeout(typing);
  typing = setTimeout(() => setQuery({ search: e.target.value }), 200);
});
find('state').addEventListener('change', e => setQuery({ state: e.target.value }));
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

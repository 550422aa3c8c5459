// The table of hosts: what to show is in the address of the page, and asked of the server anew at
// each update.
import { find, fill, from, mark, number, span, write } from './format.js';

const table = find('hosts');
const withAbout = table.dataset.about === 'true';
const asked = {
  search: find('search').value, state: find('state').value, zone: find('zone').value,
  sort: table.dataset.sort, order: table.dataset.order,
  page: Number(table.dataset.page), size: Number(table.dataset.size),
};
const usual = { search: '', state: '', zone: '', sort: 'state', order: 'desc', page: 1, size: 50 };
const descends = new Set(['state', 'seen', 'joined']); // at the first click

let busy, seen = () => {}, pages = 1;

// zonesOf has a function called with each answer.
export function zonesOf(f) { seen = f; }

// refresh asks for the page again, unless an answer is awaited anyway.
export function refresh() { if (!busy) ask(); }

async function ask() {
  const mine = busy = new AbortController();
  try {
    const answer = await fetch('api/hosts?' + new URLSearchParams(asked), { signal: mine.signal });
    const page = await answer.json();
    if (mine !== busy) return;
    if (answer.ok) show(page); else write(find('matched'), page.error);
  } catch (e) {
    // The stream says that the server is away; or a newer question has replaced this one.
  } finally {
    if (mine === busy) busy = undefined;
  }
}

// turn changes the question.
function turn(change) {
  Object.assign(asked, { page: 1 }, change);
  if (busy) busy.abort();
  const query = new URLSearchParams(Object.entries(asked).filter(([k, v]) => String(v) !== String(usual[k])));
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
  write(find('asof'), page.took < 0.05 ? '' : `looking at all hosts took ${span(page.took)}, so this is renewed each ${span(Math.ceil(page.took * 10))}`);
  find('first').disabled = find('prev').disabled = page.page <= 1;
  find('next').disabled = find('last').disabled = page.page >= pages;
  sorted();
  zones(page.zones.map(z => z.name).filter(Boolean));
  seen(page);
}

function line(host, now) {
  const time = t => ({ text: from(t, now), title: t || '', name: 'n' });
  return [
    { text: host.id, title: `incarnation ${host.incarnation}, life ${host.life}` },
    { text: host.state, note: host.held && 'held: ' + host.held, name: 'state' },
    host.zone, time(host.lastSeen), time(host.suspectAt), time(host.evictAt),
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

// zones offers those that there are, and the chosen one.
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
  typing = setTimeout(() => turn({ search: e.target.value }), 200);
});
find('state').addEventListener('change', e => turn({ state: e.target.value }));
find('zone').addEventListener('change', e => turn({ zone: e.target.value }));
find('first').addEventListener('click', () => turn({ page: 1 }));
find('prev').addEventListener('click', () => turn({ page: asked.page - 1 }));
find('next').addEventListener('click', () => turn({ page: asked.page + 1 }));
find('last').addEventListener('click', () => turn({ page: pages }));
table.tHead.addEventListener('click', e => {
  const button = e.target.closest('button[data-sort]');
  if (!button) return;
  const sort = button.dataset.sort, first = descends.has(sort) ? 'desc' : 'asc';
  const order = sort !== asked.sort ? first : asked.order === 'asc' ? 'desc' : 'asc';
  turn({ sort, order });
});
sorted();

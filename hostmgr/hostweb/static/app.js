// The updates, and all of the page except the chart, the departures, one host and the table of hosts.
import { anchor, away, clock, fill, find, from, make, mark, number, span, toHost, toZone, write } from './format.js';
import { draw } from './chart.js';
import { filterKind, setDepartures } from './departures.js';
import { refreshHost, setHost } from './host.js';
import { Stream } from './stream.js';
import { asks, follow, refresh, onAnswer } from './table.js';

const announceEvery = 15000; // ms, at least, between two texts for screen readers
const staleAfter = 3000;     // ms without an update
const mostDepartures = 200;
const mostPoints = 600;

let points = [], departures = [], latest, paused = false, broken = false;
let heard = performance.now(), heardAt = new Date(); // when the latest update came, or it began to wait for one

let stream = connect();

// connect returns a stream that all tabs share or, if the browser has no such workers, one of this tab.
// Tabs of another build of the page have another worker.
function connect() {
  if (!window.SharedWorker) return alone();
  const worker = new SharedWorker('shared.js?' + document.documentElement.dataset.build, { type: 'module' });
  worker.onerror = () => { stream = alone(); watch(); };
  worker.port.onmessage = e => receive(e.data);
  return { show: () => worker.port.postMessage('show'), hide: () => worker.port.postMessage('hide') };
}

function alone() {
  const own = new Stream();
  return { show: () => own.show(receive), hide: () => own.hide(receive) };
}

function receive(update) {
  broken = !update;
  if (paused || document.hidden || !update) return judge();
  heard = performance.now() - (Date.now() - update.at); // another tab may have got it
  heardAt = new Date(update.at);
  judge();
  apply(update);
}

// judge says whether the page is in touch with the server.
function judge() {
  const late = performance.now() - heard, stale = !paused && !document.hidden && late > staleAfter;
  document.body.classList.toggle('stale', stale);
  find('stale').hidden = !stale;
  if (stale) write(find('stale'), `Out of touch since ${heardAt.toLocaleTimeString('en-GB')}: no update for ${span(Math.floor(late / 1000))}. The figures are old.`);
  if (paused) link('off', `paused since ${heardAt.toLocaleTimeString('en-GB')}`);
  else if (stale || broken || !latest) link('off', latest ? `not live since ${heardAt.toLocaleTimeString('en-GB')}` : 'not live');
  else link('on', 'live');
}

function link(state, text) {
  mark(find('link'), 'data-link', state);
  write(find('link'), text);
}

function apply(update) {
  if (update.all) [points, departures] = [[], []];
  points = points.concat(update.points).slice(-mostPoints);
  departures = departures.concat(update.departures).slice(-mostDepartures);
  latest = update.stats || latest;
  if (!latest) return;
  setDepartures(departures, latest, update.missed);
  if (!update.stats) return;
  judge();
  showAlerts(latest);
  showSettings(latest);
  figures(latest);
  latencies(latest.latency);
  counts(latest);
  flapping(latest);
  secondPolicy(latest);
  if (latest.sharing) sharing(latest.sharing);
  speak(latest.alerts.length && latest.alerts[0].level === 'bad' ? latest.alerts[0].text : latest.summary);
  draw(points, latest);
  refresh();
  refreshHost();
}

function showAlerts(stats) {
  const list = stats.alerts.length ? stats.alerts : [{ level: stats.hosts ? 'well' : 'idle', text: stats.summary, link: '' }];
  const box = find('alerts');
  while (box.children.length > list.length) box.lastElementChild.remove();
  list.forEach((alert, i) => {
    const p = box.children[i] || box.appendChild(make('p'));
    mark(p, 'class', 'alert ' + alert.level);
    const is = p.lastElementChild ? p.lastElementChild.getAttribute('href') : '';
    if (p.textContent === alert.text + (alert.link && ' Show') && is === alert.link) return;
    p.replaceChildren(alert.text);
    if (alert.link) p.append(' ', anchor(alert.link, 'Show'));
  });
}

function showSettings(stats) {
  const lines = [stats.replica, ...stats.settings.map(s => s.text)];
  const items = find('settings').children; // these, up since and the time zone
  lines.forEach((text, i) => write(items[i].lastChild, ' ' + text));
  write(find('began'), clock(stats.began));
}

function figures(stats) {
  const figure = (name, n) => {
    write(find('count-' + name), number(n));
    find('count-' + name).closest('div').classList.toggle('alarm', n > 0);
  };
  figure('hosts', stats.hosts);
  figure('suspects', stats.suspects);
  figure('held', stats.held);
  figure('left', stats.departures.left);
  figure('evicted', stats.departures.evicted);
  figure('rejoined', stats.rejoinedAfterEviction);
  figure('cleanup', stats.cleanup.pending);
  figure('stalls', stats.stalls);
  write(find('advised'), span(stats.advisedInterval));
  find('advised').parentElement.hidden = !stats.advisedInterval;
}

function latencies(distributions) {
  for (const row of find('times').tBodies[0].rows) {
    const s = distributions[row.dataset.spread];
    [number(s.count), ...[s.p50, s.p90, s.p99, s.max].map(v => s.count ? span(v) : '–')]
      .forEach((text, i) => write(row.cells[i + 1], text));
  }
}

function counts(stats) {
  const { replaced, forgotten } = stats.departures;
  const some = (n, text) => n ? [`${number(n)} ${text}`] : []; // what is rare is shown only if it has happened
  write(find('counts'), [
    `${number(stats.joins)} joins`, `${number(replaced)} replaced`, `${number(forgotten)} forgotten`,
    `${number(stats.suspected)} times suspected, ${number(stats.recovered)} recovered`,
    `held: ${number(stats.heldByLimit)} by the eviction limit, ${number(stats.heldByConfirm)} by Confirm`,
    `failed: ${number(stats.cleanup.failures)} cleanups, ${number(stats.confirmFailures)} calls of Confirm`,
    ...some(stats.cleanup.timeouts + stats.confirm.timeouts,
      `calls over their time limit (${number(stats.cleanup.timeouts)} cleanups, ${number(stats.confirm.timeouts)} of Confirm)`),
    ...some(stats.cleanup.givenUp, 'cleanups given up'), ...some(stats.confirm.refused, 'times left out by Confirm'),
    ...some(stats.conflicts, 'conflicts of ids'), ...some(stats.overtaken, 'announces overtaken'),
    `${stats.stallTime ? span(stats.stallTime) : '0 s'} in ${number(stats.stalls)} stalls`, `${number(stats.sweeps)} sweeps`,
    stats.viewers === 1 ? '1 viewer' : `${number(stats.viewers)} viewers`,
  ].join(' · '));
}

// flapping lists the hosts that are evicted and come back. It is hidden while there are none.
function flapping(stats) {
  find('flapping').hidden = !stats.flapping.length;
  fill(find('worst').tBodies[0], stats.flapping.map(host => [
    { text: host.id, head: true, to: toHost(host.id) }, { text: number(host.evictions), name: 'n' },
    { text: from(host.last, stats.now), name: 'n' },
  ]));
}

// secondPolicy compares the policy with the second one. It is hidden until that one would have evicted a host.
function secondPolicy(stats) {
  find('shadow').hidden = !stats.shadow.evictions;
  const [evictions, rejoined] = find('compared').tBodies[0].rows;
  const put = (row, ...figures) => figures.forEach((n, i) => write(row.cells[i + 1], number(n)));
  put(evictions, stats.departures.evicted, stats.shadow.evictions);
  put(rejoined, stats.rejoinedAfterEviction, stats.shadow.rejoined);
}

// sharing lists the members of a shared registry. Without sharing the page has no such section.
function sharing(shared) {
  write(find('shared'), shared.summary);
  const more = shared.memberCount - shared.members.length;
  write(find('more-members'), more > 0 ? `${number(more)} further members are not shown.` : '');
  fill(find('members').tBodies[0], shared.members.map(m => [
    { text: m.name || m.id, head: true, note: m.self ? 'this one' : '' }, m.id,
    { text: number(m.hosts), name: 'n' }, { text: away(-m.age), name: 'n' },
  ]));
}

let spoken = 0;

// speak gives screen readers the most important sentence, but not each second.
function speak(text) {
  if (Date.now() - spoken < announceEvery || find('spoken').textContent === text) return;
  spoken = Date.now();
  write(find('spoken'), text);
}

onAnswer(page => {
  const cell = (n, alarm) => ({ text: number(n), name: n && alarm ? 'n ' + alarm : n ? 'n' : 'n none' });
  fill(find('zones').tBodies[0], page.zones.map(z => [
    { text: z.name || '(none)', head: true, to: z.name && toZone(z.name), note: z.hold },
    cell(z.alive + z.late + z.suspect + z.offline), cell(z.lost.evicted, 'bad'), cell(z.departures.evicted),
    cell(z.departures.left), cell(z.alive), cell(z.late), cell(z.suspect, 'warn'), cell(z.offline, 'bad'), cell(z.held, 'bad'),
  ]));
});

// Links to this page change what it shows, without loading it again.
document.addEventListener('click', e => {
  const a = e.target.closest('a[href]'), href = a && a.getAttribute('href');
  if (!a || e.ctrlKey || e.metaKey || e.shiftKey || !/^[?#]/.test(href)) return;
  if (a.dataset.kind) filterKind(a.dataset.kind);
  if (!href.startsWith('?')) return;
  e.preventDefault();
  const to = new URL(a.href), query = to.searchParams;
  if (query.has('host') || a.id === 'host-close') {
    const now = new URLSearchParams(location.search);
    if (query.has('host')) now.set('host', query.get('host')); else now.delete('host');
    history.pushState(null, '', now.size ? '?' + now : location.pathname);
    setHost(query.get('host') || '');
  } else {
    follow(query);
  }
  const target = to.hash && find(to.hash.slice(1));
  if (target) { target.scrollIntoView(); target.focus({ preventScroll: true }); }
});
addEventListener('popstate', () => {
  const query = new URLSearchParams(location.search);
  setHost(query.get('host') || '');
  if (!asks(query)) follow(query); // else only the part after # is another one
});

function setPaused(now) {
  paused = now;
  mark(find('pause'), 'aria-pressed', String(paused));
  write(find('pause'), paused ? 'Resume' : 'Pause');
  watch();
}

// watch asks for updates if the page is seen: in the background it needs none.
function watch() {
  if (paused || document.hidden) {
    stream.hide();
  } else {
    heard = performance.now();
    stream.show();
  }
  judge();
}

new ResizeObserver(() => { if (latest) draw(points, latest); }).observe(find('chart'));
find('pause').hidden = false;
find('pause').addEventListener('click', () => setPaused(!paused));
document.addEventListener('visibilitychange', watch);
addEventListener('pagehide', () => stream.hide());
addEventListener('pageshow', e => { if (e.persisted) watch(); });
setInterval(judge, 500);
write(find('timezone'), `${Intl.DateTimeFormat().resolvedOptions().timeZone || 'local time'} (${zoneOffset()})`);
watch();

function zoneOffset() {
  const minutes = -new Date().getTimezoneOffset(), abs = Math.abs(minutes);
  return `UTC${minutes < 0 ? '-' : '+'}${Math.floor(abs / 60)}${abs % 60 ? ':' + String(abs % 60).padStart(2, '0') : ''}`;
}

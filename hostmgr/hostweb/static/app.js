// The stream of updates, and all of the page but the chart, the shadow policy and the table of hosts.
import { clock, fill, find, make, mark, number, span, write } from './format.js';
import { draw } from './chart.js';
import { compare } from './shadow.js';
import { refresh, zonesOf } from './table.js';

const retry = 5000;        // ms, when the server has turned us away
const silence = 15000;     // ms between two things that are spoken
const mostDepartures = 200;
const mostPoints = 600;

let stream, again, points = [], latest;

// open begins to listen; the server does all its work only while somebody does.
function open() {
  shut();
  stream = new EventSource('events');
  stream.addEventListener('update', e => { link('on', 'live'); apply(JSON.parse(e.data)); });
  stream.addEventListener('again', open); // no stream lasts for ever
  stream.onerror = () => {
    link('off', latest ? `not live since ${clock(latest.now)}` : 'not live');
    if (stream.readyState === EventSource.CLOSED) again = setTimeout(open, retry);
  };
}

function shut() {
  clearTimeout(again);
  if (stream) stream.close();
}

function link(state, text) {
  mark(find('link'), 'data-link', state);
  write(find('link'), text);
}

function apply(update) {
  if (update.all) {
    points = [];
    find('departures').replaceChildren();
  }
  points = points.concat(update.points).slice(-mostPoints);
  depart(update.departures);
  const missed = find('missed');
  missed.hidden = !update.missed;
  write(missed, `${number(update.missed)} events not shown: they came faster than this page could follow.`);
  if (!update.stats) return;
  latest = update.stats;
  notices(latest);
  figures(latest);
  times(latest);
  compare(latest);
  speak(latest.summary);
  draw(points, latest);
  refresh();
}

function notices(stats) {
  const list = stats.notices.length ? stats.notices : [{ level: 'well', text: stats.summary }];
  const box = find('notices');
  while (box.children.length > list.length) box.lastElementChild.remove();
  list.forEach((notice, i) => {
    const p = box.children[i] || box.appendChild(make('p'));
    mark(p, 'class', 'notice ' + notice.level);
    write(p, notice.text);
  });
}

function figures(stats) {
  const figure = (name, n) => {
    write(find('count-' + name), number(n));
    find('count-' + name).parentElement.classList.toggle('alarm', n > 0);
  };
  figure('hosts', stats.hosts);
  figure('suspects', stats.suspects);
  figure('held', stats.held);
  figure('left', stats.left);
  figure('evicted', stats.evicted);
  figure('returned', stats.returned);
  figure('cleanup', stats.cleanupPending);
  figure('stalls', stats.stalls);
  write(find('advised'), span(stats.advised));
  find('advised').parentElement.hidden = !stats.advised;
}

function times(stats) {
  for (const row of find('times').tBodies[0].rows) {
    const s = stats[row.dataset.spread];
    [number(s.count), ...[s.p50, s.p90, s.p99, s.max].map(v => s.count ? span(v) : '–')]
      .forEach((text, i) => write(row.cells[i + 1], text));
  }
  write(find('counts'), [
    `${number(stats.joins)} joins`, `${number(stats.replaced)} replaced`, `${number(stats.forgotten)} forgotten`,
    `${number(stats.suspected)} times suspected, ${number(stats.recovered)} recovered`,
    `put off: ${number(stats.heldByGuard)} by the guard, ${number(stats.heldByConfirm)} by Confirm`,
    `failed: ${number(stats.cleanupFailures)} cleanups, ${number(stats.confirmFailures)} of Confirm`,
    `${span(stats.excused)} excused in ${number(stats.stalls)} stalls`, `${number(stats.sweeps)} sweeps`,
    `${number(stats.viewers)} looking`,
  ].join(' · '));
}

// depart adds what has departed on top.
function depart(departures) {
  const list = find('departures');
  for (const d of departures) {
    const item = make('li');
    item.dataset.id = d.id;
    item.dataset.kind = d.kind;
    const time = make('time', '', clock(d.at));
    time.dateTime = time.title = d.at;
    const zone = d.zone ? make('span', 'zone', d.zone) : '';
    const about = d.about ? make('span', 'zone', d.about) : '';
    item.append(time, make('b', '', d.id), zone, about, make('p', '', d.why));
    item.title = `incarnation ${d.incarnation}, life ${d.life}; joined ${d.joined}, last seen ${d.lastSeen}`;
    list.prepend(item);
  }
  while (list.children.length > mostDepartures) list.lastElementChild.remove();
  find('nobody').hidden = list.children.length > 0;
}

let spoken = 0;

// speak tells screen readers, but not each second.
function speak(summary) {
  if (Date.now() - spoken < silence || find('spoken').textContent === summary) return;
  spoken = Date.now();
  write(find('spoken'), summary);
}

// zones has the states by a look at all hosts, and why the guard holds whom by the latest stats.
zonesOf(page => {
  const guard = new Map((latest ? latest.zones : []).map(z => [z.name, z.guard]));
  const cell = (n, alarm) => ({ text: number(n), name: n && alarm ? 'n ' + alarm : n ? 'n' : 'n none' });
  fill(find('zones').tBodies[0], page.zones.map(z => [
    { text: z.name || '(none)', title: guard.get(z.name) || '' },
    cell(z.alive + z.late + z.suspect + z.offline), cell(z.alive), cell(z.late),
    cell(z.suspect, 'warn'), cell(z.offline, 'bad'), cell(z.held, 'bad'),
  ]));
});

// Nobody looks at a page in the background.
document.addEventListener('visibilitychange', () => {
  if (document.hidden) {
    shut();
    link('off', 'paused');
  } else {
    open();
  }
});
addEventListener('pagehide', shut);
addEventListener('pageshow', e => { if (e.persisted) open(); });
if (!document.hidden) open();

// The stream of updates, and all of the page except the chart and the table of hosts.
import { away, clock, fill, find, from, make, mark, number, span, write } from './format.js';
import { draw } from './chart.js';
import { refresh, onAnswer } from './table.js';

const retry = 5000;            // ms, after the server refused a stream
const announceEvery = 15000;   // ms, at least, between two texts for screen readers
const mostDepartures = 200;
const mostPoints = 600;

let stream, retryTimer, points = [], latest;

// open starts the stream. The server works only while a stream is open.
function open() {
  shut();
  stream = new EventSource('events');
  stream.addEventListener('update', e => { link('on', 'live'); apply(JSON.parse(e.data)); });
  stream.addEventListener('again', open); // each stream ends after a while
  stream.onerror = () => {
    link('off', latest ? `not live since ${clock(latest.now)}` : 'not live');
    if (stream.readyState === EventSource.CLOSED) retryTimer = setTimeout(open, retry);
  };
}

function shut() {
  clearTimeout(retryTimer);
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
  addDepartures(update.departures);
  const missed = find('missed');
  missed.hidden = !update.missed;
  write(missed, `${number(update.missed)} events are not shown: they came too fast for this page.`);
  if (!update.stats) return;
  latest = update.stats;
  showAlerts(latest);
  figures(latest);
  latencies(latest.latency);
  counts(latest);
  flapping(latest);
  secondPolicy(latest);
  if (latest.sharing) sharing(latest.sharing);
  speak(latest.summary);
  draw(points, latest);
  refresh();
}

function showAlerts(stats) {
  const list = stats.alerts.length ? stats.alerts : [{ level: 'well', text: stats.summary }];
  const box = find('alerts');
  while (box.children.length > list.length) box.lastElementChild.remove();
  list.forEach((alert, i) => {
    const p = box.children[i] || box.appendChild(make('p'));
    mark(p, 'class', 'alert ' + alert.level);
    write(p, alert.text);
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
    `${span(stats.stallTime)} in ${number(stats.stalls)} stalls`, `${number(stats.sweeps)} sweeps`,
    `${number(stats.viewers)} viewers`,
  ].join(' · '));
}

// flapping lists the hosts that are evicted and come back. It is hidden while there are none.
function flapping(stats) {
  find('flapping').hidden = !stats.flapping.length;
  fill(find('worst').tBodies[0], stats.flapping.map(host => [
    host.id, { text: number(host.evictions), name: 'n' }, { text: from(host.last, stats.now), title: host.last || '', name: 'n' },
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
    { text: m.name || m.id, title: m.id, note: m.self ? 'this one' : '' },
    { text: number(m.hosts), name: 'n' }, { text: away(-m.age), name: 'n' },
  ]));
}

// addDepartures adds departures at the top of the list.
function addDepartures(departures) {
  const list = find('departures');
  for (const d of departures) {
    const item = make('li');
    item.dataset.id = d.id;
    item.dataset.kind = d.kind;
    const time = make('time', '', clock(d.at));
    time.dateTime = time.title = d.at;
    const zone = d.zone ? make('span', 'zone', d.zone) : '';
    const about = d.about ? make('span', 'zone', d.about) : '';
    item.append(time, make('b', '', d.id), zone, about, make('p', '', d.reason));
    item.title = `incarnation ${d.incarnation}, registration ${d.registration}; joined ${d.joined}, last contact ${d.lastContact}`;
    list.prepend(item);
  }
  while (list.children.length > mostDepartures) list.lastElementChild.remove();
  find('no-departures').hidden = list.children.length > 0;
}

let spoken = 0;

// speak gives screen readers the summary, but not each second.
function speak(summary) {
  if (Date.now() - spoken < announceEvery || find('spoken').textContent === summary) return;
  spoken = Date.now();
  write(find('spoken'), summary);
}

// The table of zones counts states from the latest scan, and takes hold reasons from the latest stats.
onAnswer(page => {
  const holds = new Map((latest ? latest.zones : []).map(z => [z.name, z.hold]));
  const cell = (n, alarm) => ({ text: number(n), name: n && alarm ? 'n ' + alarm : n ? 'n' : 'n none' });
  fill(find('zones').tBodies[0], page.zones.map(z => [
    { text: z.name || '(none)', title: holds.get(z.name) || '' },
    cell(z.alive + z.late + z.suspect + z.offline), cell(z.alive), cell(z.late),
    cell(z.suspect, 'warn'), cell(z.offline, 'bad'), cell(z.held, 'bad'),
  ]));
});

// A page in the background needs no stream.
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

// The list of departures: it can be searched and copied.
import { anchor, clock, find, make, number, toHost, write } from './format.js';

let all = [], total = 0, missed = 0; // all: the latest first

// departure returns an entry of a list.
export function departure(d) {
  const item = make('li'), time = make('time', '', clock(d.at));
  item.dataset.id = d.id;
  item.dataset.kind = d.kind;
  time.dateTime = d.at;
  item.append(time, anchor(toHost(d.id), d.id));
  for (const text of [d.zone, d.about]) if (text) item.append(make('span', 'zone', text));
  item.append(make('p', '', d.reason));
  return item;
}

// setDepartures replaces the departures. They come with the latest last.
export function setDepartures(list, { departures: { left, evicted, replaced, forgotten } }, notSeen) {
  total = left + evicted + replaced + forgotten;
  missed = notSeen;
  const changed = list.length !== all.length || list.length && list.at(-1).registration !== all[0].registration;
  all = [...list].reverse();
  if (changed) show(); else note(find('departures').children.length);
}

// filterKind shows the departures of a kind.
export function filterKind(kind) {
  find('departures-kind').value = kind;
  show();
}

const query = () => ({ search: find('find-departures').value, kind: find('departures-kind').value });

function show() {
  const { search, kind } = query(), part = search.toLowerCase();
  const found = all.filter(d => (!kind || d.kind === kind)
    && [d.id, d.zone, d.about, d.reason].some(text => text.toLowerCase().includes(part)));
  find('departures').replaceChildren(...found.map(departure));
  note(found.length);
}

function note(found) {
  const kept = found === all.length ? `The latest ${number(all.length)}` : `${number(found)} of the latest ${number(all.length)}`;
  const further = missed ? `; ${number(missed)} came too fast for this page` : '';
  write(find('departures-shown'), total ? `${kept} of ${number(total)} departures since the start${further}.` : 'None since the start.');
}

// copy puts a text into the clipboard. Browsers have navigator.clipboard only on https and localhost.
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.body.appendChild(make('textarea', 'unseen', text));
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (!done) throw new Error('the browser refuses');
}

find('find-departures').addEventListener('input', show);
find('departures-kind').addEventListener('change', show);
for (const link of document.querySelectorAll('.copies a')) {
  link.addEventListener('click', async e => {
    e.preventDefault();
    const format = link.dataset.format;
    try {
      const answer = await fetch('api/departures?' + new URLSearchParams({ ...query(), format }));
      await copy(await answer.text());
      write(find('copied'), 'copied');
    } catch (error) {
      write(find('copied'), `not copied: ${error.message}`);
    }
  });
}

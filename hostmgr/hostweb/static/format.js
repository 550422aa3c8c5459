// The format of numbers and times. It is the same as that of the server's first page: see format.go.

export const number = n => n.toLocaleString('en-US');

// readable rounds nanoseconds up to three digits of a second, then to hundredths of a second, and from a
// minute on to whole seconds, minutes or hours.
function readable(ns) {
  let step = 1;
  if (ns > 48 * 3600e9) step = 3600e9;
  else if (ns > 3600e9) step = 60e9;
  else if (ns > 60e9) step = 1e9;
  else if (ns > 1e9) step = 1e7;
  else while (step * 1000 <= ns) step *= 10;
  return Math.ceil(ns / step) * step;
}

const decimal = x => String(Number(x.toFixed(3)));

// span formats a duration in seconds, rounded up.
export function span(s) {
  if (s === null) return 'never';
  const ns = readable(Math.round(s * 1e9));
  if (ns < 1e6) return decimal(ns / 1e3) + ' µs';
  if (ns < 1e9) return decimal(ns / 1e6) + ' ms';
  if (ns < 60e9) return decimal(ns / 1e9) + ' s';
  if (ns < 3600e9) return pair(ns / 1e9, 60, 'min', 1, 's');
  if (ns < 48 * 3600e9) return pair(ns / 1e9, 3600, 'h', 60, 'min');
  return pair(ns / 1e9, 86400, 'd', 3600, 'h');
}

function pair(s, big, bigName, small, smallName) {
  const n = Math.ceil(s / small), per = big / small;
  const rest = n % per ? ` ${n % per} ${smallName}` : '';
  return `${Math.floor(n / per)} ${bigName}${rest}`;
}

// from says how long before or after now a time is. Both are in the server's format.
export const from = (time, now) => time ? away((Date.parse(time) - Date.parse(now)) / 1000) : 'never';

// away is from for the seconds between.
export function away(seconds) {
  const s = Math.round(seconds * 10) / 10, length = Math.abs(s);
  if (s === 0) return 'now';
  const words = length < 60 ? length.toFixed(1) + ' s' : span(length);
  return s < 0 ? words + ' ago' : 'in ' + words;
}

// clock returns the local time of day, and the date if it is another day.
export function clock(time) {
  const t = new Date(time), day = t.toLocaleDateString('sv-SE');
  const of = t.toLocaleTimeString('en-GB');
  return day === new Date().toLocaleDateString('sv-SE') ? of : `${day} ${of}`;
}

export const find = id => document.getElementById(id);

// write changes an element only if its text differs, so that a selection in it stays.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function mark(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

// make returns an element with a text. Texts of hosts are shown only through make and write, never as HTML.
export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

export function anchor(href, text) {
  const a = make('a', '', text);
  a.setAttribute('href', href);
  return a;
}

// toHost and toZone are the addresses of a host and of the hosts of a zone.
export const toHost = id => '?' + new URLSearchParams({ host: id }) + '#h-host';
export const toZone = name => '?' + new URLSearchParams({ zone: name }) + '#table';

// linked puts a text into an element, with links for the web addresses in it.
export function linked(element, text) {
  if (element.textContent === text) return;
  element.textContent = '';
  for (const part of text.split(/(https?:\/\/[^\s"<>]+)/)) {
    if (!/^https?:\/\//.test(part)) { element.append(part); continue; }
    const a = anchor(part, part);
    a.rel = 'noopener noreferrer';
    a.target = '_blank';
    element.append(a);
  }
}

// fill writes lines into the rows of a table's body, and adds or removes rows to match.
// A line is a list of cells. A cell is a text, or an object with text, name (the class), note (a second
// line), head (it is the heading of its row), to (an address) and links (addresses in the text become links).
export function fill(body, lines) {
  while (body.rows.length > lines.length) body.lastElementChild.remove();
  lines.forEach((line, i) => {
    const row = body.rows[i] || body.insertRow();
    line.forEach((cell, j) => {
      const wanted = cell.text === undefined ? { text: cell } : cell;
      put(row.cells[j] || row.appendChild(blank(wanted.head)), wanted);
    });
  });
}

function put(at, { text, name = '', note = '', to = '', links = false }) {
  mark(at, 'class', name);
  const is = at.firstElementChild;
  if (at.textContent === text + note && (!to || is && is.getAttribute('href') === to)) return;
  at.textContent = '';
  if (links) linked(at, text); else at.append(to ? anchor(to, text) : text);
  if (note) at.append(make('small', '', note));
}

function blank(head) {
  const cell = make(head ? 'th' : 'td');
  if (head) cell.scope = 'row';
  return cell;
}

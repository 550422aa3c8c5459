// The format of numbers and times. It is the same as that of the server's first page: see format.go.

export const number = n => n.toLocaleString('en-US');

// decimal rounds x up to a multiple of 1/parts. Digits below a nanosecond are noise.
const decimal = (x, parts) => String(Math.ceil(Number((x * parts).toFixed(6))) / parts);
const brief = x => decimal(x, x >= 100 ? 1 : x >= 10 ? 10 : 100);

// span formats a duration in seconds, rounded up.
export function span(s) {
  if (s === null) return 'never';
  if (s < 1e-3) return brief(s * 1e6) + ' µs';
  if (s < 1) return brief(s * 1e3) + ' ms';
  if (s < 60) return decimal(s, 1000) + ' s';
  if (s < 3600) return pair(s, 60, 'min', 1, 's');
  if (s < 48 * 3600) return pair(s, 3600, 'h', 60, 'min');
  return pair(s, 86400, 'd', 3600, 'h');
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

// clock returns the local time of day.
export const clock = time => new Date(time).toLocaleTimeString('en-GB');

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

// fill writes lines into the rows of a table's body, and adds or removes rows to match.
// A line is a list of cells. A cell is a text, or an object with text, title, name (the class) and
// note (a second line). The first cell is the heading.
export function fill(body, lines) {
  while (body.rows.length > lines.length) body.lastElementChild.remove();
  lines.forEach((line, i) => {
    const row = body.rows[i] || body.insertRow();
    line.forEach((cell, j) => put(row.cells[j] || row.appendChild(heading(j)), cell));
  });
}

function put(at, cell) {
  const { text, title = '', name = '', note = '' } = cell.text === undefined ? { text: cell } : cell;
  mark(at, 'class', name);
  mark(at, 'title', title);
  if (at.textContent === text + note && !note === !at.lastElementChild) return;
  at.textContent = text;
  if (note) at.append(make('small', '', note));
}

function heading(column) {
  const cell = make(column ? 'td' : 'th');
  if (!column) cell.scope = 'row';
  return cell;
}

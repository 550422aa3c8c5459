// How numbers and times read. The server's first page has the same words: see span and from there.

export const number = n => n.toLocaleString('en-US');

const decimal = x => String(Math.ceil(Number((x * 1000).toFixed(3))) / 1000);

// span is a duration, given in seconds, rounded up.
export function span(s) {
  if (s < 1e-3) return decimal(s * 1e6) + ' µs';
  if (s < 1) return decimal(s * 1e3) + ' ms';
  if (s < 60) return decimal(s) + ' s';
  if (s < 3600) return pair(s, 60, 'min', 1, 's');
  if (s < 48 * 3600) return pair(s, 3600, 'h', 60, 'min');
  return pair(s, 86400, 'd', 3600, 'h');
}

function pair(s, big, bigName, small, smallName) {
  const n = Math.ceil(s / small), per = big / small;
  const rest = n % per ? ` ${n % per} ${smallName}` : '';
  return `${Math.floor(n / per)} ${bigName}${rest}`;
}

// from is how long before or after now a time is; both are as the server writes them.
export function from(time, now) {
  if (!time) return 'never';
  const tenths = Math.round((Date.parse(time) - Date.parse(now)) / 100);
  if (tenths === 0) return 'now';
  return tenths < 0 ? span(-tenths / 10) + ' ago' : 'in ' + span(tenths / 10);
}

// clock is the time of day here.
export const clock = time => new Date(time).toLocaleTimeString('en-GB');

export const find = id => document.getElementById(id);

// write touches the page only where something is new, so that selections stay.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function mark(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

// make is an element with a text. What comes from hosts goes into pages only like this, never as HTML.
export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

// fill writes texts into the rows of a table's body, of which there are then as many as lines.
// Each line is a list of cells: a text, or one with a title and a class. The first is the heading.
export function fill(body, lines) {
  while (body.rows.length > lines.length) body.lastElementChild.remove();
  lines.forEach((line, i) => {
    const row = body.rows[i] || body.insertRow();
    line.forEach((cell, j) => {
      const at = row.cells[j] || row.appendChild(heading(j));
      const { text, title = '', name = '' } = cell.text === undefined ? { text: cell } : cell;
      mark(at, 'class', name);
      mark(at, 'title', title);
      write(at, text);
    });
  });
}

function heading(column) {
  const cell = make(column ? 'td' : 'th');
  if (!column) cell.scope = 'row';
  return cell;
}

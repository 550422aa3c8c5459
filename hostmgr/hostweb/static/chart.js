// The chart: hosts above, departures below. It shows the minutes that have points, up to 10.
import { find, number, span, write } from './format.js';

const widths = [1, 2, 5, 10].map(minutes => minutes * 60_000); // ms that the chart may span
const bars = 100;   // of departures
const gap = 5_000;  // ms without a point: no sweep took a sample
const top = 0.64;   // share of the height for hosts
const kinds = ['left', 'evicted', 'other'];

export function draw(points, stats) {
  const svg = find('chart'), box = svg.getBoundingClientRect();
  const w = Math.max(200, Math.round(box.width)), h = Math.max(100, Math.round(box.height)) - 16;
  const now = Date.parse(stats.now);
  const all = points.map(p => ({ ...p, at: Date.parse(p.at), other: (p.replaced || 0) + (p.forgotten || 0) }))
    .filter(p => now - p.at <= widths.at(-1));
  const age = all.length ? now - all[0].at : 0;
  const width = widths.find(width => age <= width) || widths.at(-1), step = Math.max(1000, width / bars);
  const x = t => w - (now - t) / width * w;
  const stack = sums(all, step), tallest = Math.max(1, ...stack.map(b => kinds.reduce((n, k) => n + b[k], 0)));
  const most = Math.max(1, ...all.map(p => p.hosts));
  svg.setAttribute('viewBox', `0 0 ${w} ${h + 16}`);
  svg.replaceChildren(
    ...grid(w, h, width), ...hosts(all, x, h * top, most), ...stacks(stack, x, step, h, h * (1 - top) - 16, tallest),
    label(`hosts, up to ${number(most)}`, 0, 11),
    label(`departures in ${span(step / 1000)}, up to ${number(tallest)}`, 0, h * top + 14));
  write(find('chart-text'), describe(all));
}

// sums adds up the departures of each bar.
function sums(points, step) {
  const bars = new Map();
  for (const p of points) {
    const at = Math.floor(p.at / step) * step;
    const bar = bars.get(at) || { at, left: 0, evicted: 0, other: 0 };
    for (const kind of kinds) bar[kind] += p[kind] || 0;
    bars.set(at, bar);
  }
  return [...bars.values()];
}

function hosts(points, x, height, most) {
  const y = n => height - n / most * (height - 18);
  let path = '', area = '', last, begin;
  const end = () => { if (last) area += `L${x(last.at)} ${height}L${x(begin.at)} ${height}Z`; };
  for (const p of points) {
    const on = last && p.at - last.at < gap;
    if (!on) { end(); begin = p; }
    path += `${on ? 'L' : 'M'}${x(p.at).toFixed(1)} ${y(p.hosts).toFixed(1)}`;
    area += `${on ? 'L' : `M${x(p.at).toFixed(1)} ${height}L`}${x(p.at).toFixed(1)} ${y(p.hosts).toFixed(1)}`;
    last = p;
  }
  end();
  return [shape('path', { d: area, class: 'area' }), shape('path', { d: path, class: 'line' })];
}

function stacks(bars, x, step, bottom, height, tallest) {
  const list = [];
  for (const bar of bars) {
    let y = bottom;
    for (const kind of kinds) {
      if (!bar[kind]) continue;
      const tall = Math.max(1.5, bar[kind] / tallest * height);
      const wide = Math.max(1.5, x(step) - x(0) - 1);
      list.push(shape('rect', { x: x(bar.at), y: y -= tall, width: wide, height: tall, class: kind }));
    }
  }
  return list;
}

function grid(w, h, width) {
  const list = [h * top, h].map(y => shape('line', { x1: 0, x2: w, y1: y, y2: y, class: 'axis' }));
  for (const [share, anchor] of [[1, 'start'], [0.5, 'middle'], [0, 'end']]) {
    list.push(label(share ? `${span(share * width / 1000)} ago` : 'now', w - share * w, h + 13, anchor));
  }
  return list;
}

function label(text, x, y, anchor = 'start') {
  const element = shape('text', { x, y, 'text-anchor': anchor });
  element.textContent = text;
  return element;
}

function shape(tag, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// describe returns the chart as text.
function describe(points) {
  if (!points.length) return 'No point yet.';
  const counts = points.map(p => p.hosts), sum = kind => points.reduce((n, p) => n + (p[kind] || 0), 0);
  return `${number(counts.at(-1))} hosts now, ${number(Math.min(...counts))} to ${number(Math.max(...counts))} since `
    + `${new Date(points[0].at).toLocaleTimeString('en-GB')}; ${number(sum('left'))} left, `
    + `${number(sum('evicted'))} evicted, ${number(sum('other'))} replaced or forgotten.`;
}

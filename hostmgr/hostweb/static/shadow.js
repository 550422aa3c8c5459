// What a shadow policy would have done; there is something to see only if there is one.
import { fill, find, from, write } from './format.js';

export function compare(stats) {
  const { comparison, shadow } = stats;
  find('shadow').hidden = !comparison;
  if (!comparison) return;
  const n = text => ({ text, name: 'n' }), time = t => ({ text: from(t, stats.now), title: t || '', name: 'n' });
  fill(find('compared').tBodies[0], comparison.lines.map(line =>
    [{ text: line.what, title: line.hint }, n(line.policy), n(line.shadow)]));
  write(find('shadow-text'), comparison.text);
  fill(find('rash').tBodies[0], [...shadow.latest].reverse().map(host =>
    [host.id, time(host.evictAt), time(host.returned)]));
  find('not-rash').hidden = shadow.latest.length > 0;
}

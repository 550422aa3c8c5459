// The section about one host. The page's address holds its id.
import { find, linked, make } from './format.js';
import { departure } from './departures.js';

let id = new URLSearchParams(location.search).get('host') || '', pending;

// setHost shows a host, or no host if the id is empty.
export function setHost(wanted) {
  if (wanted === id) return;
  id = wanted;
  find('host').hidden = !id;
  find('host-id').textContent = id;
  find('host-facts').replaceChildren();
  find('host-departures').replaceChildren();
  refreshHost();
}

// refreshHost asks for the host again, unless a request is pending.
export async function refreshHost() {
  if (!id || pending === id) return;
  const mine = pending = id;
  try {
    const answer = await fetch('api/host?' + new URLSearchParams({ id }));
    const page = await answer.json();
    if (answer.ok && mine === id) show(page);
  } catch (e) {
    // The stream shows that the server is away.
  } finally {
    if (pending === mine) pending = undefined;
  }
}

function show(page) {
  find('host-gone').hidden = Boolean(page.host);
  find('host-facts').hidden = !page.host;
  facts(page.facts);
  find('host-departures').replaceChildren(...page.departures.map(departure));
  find('host-no-departures').hidden = page.departures.length > 0;
  const form = find('host-actions');
  if (!form) return;
  form.hidden = !page.host;
  form.elements.id.value = page.id;
  form.elements.registration.value = page.host ? page.host.registration : '';
}

function facts(list) {
  const dl = find('host-facts');
  while (dl.children.length > list.length) dl.lastElementChild.remove();
  list.forEach(({ name, text }, i) => {
    const group = dl.children[i] || dl.appendChild(make('div'));
    if (!group.firstElementChild || group.firstElementChild.textContent !== name) group.replaceChildren(make('dt', '', name), make('dd'));
    linked(group.lastElementChild, text);
  });
}

linkAll(document.querySelectorAll('#host-facts dd, #hosts .about'));

// linkAll makes links of the web addresses in what the server has sent.
function linkAll(elements) {
  for (const element of elements) {
    const text = element.textContent;
    element.textContent = '';
    linked(element, text);
  }
}

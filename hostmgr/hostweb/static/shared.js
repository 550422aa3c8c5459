// A worker that all tabs of the browser share. It has one stream for all of them, because a browser opens
// only six connections to a server.
import { Stream } from './stream.js';

const stream = new Stream();

onconnect = connection => {
  const port = connection.ports[0], viewer = update => port.postMessage(update);
  port.onmessage = e => { if (e.data === 'show') stream.show(viewer); else stream.hide(viewer); };
};

// A stream of updates, and what it has brought so far. One is enough for all tabs: see shared.js.

const retry = 5000;          // ms, after the server refused a stream
const mostDepartures = 200;
const mostPoints = 600;

export class Stream {
  #viewers = new Set(); // functions that take an update, or undefined when the stream breaks
  #source;
  #timer;
  #state;               // all that has come, as one update

  // show begins to call a viewer. The server works only while there is a viewer.
  show(viewer) {
    this.#viewers.add(viewer);
    if (!this.#source) this.#open();
    else if (this.#state) viewer(this.#state);
  }

  hide(viewer) {
    this.#viewers.delete(viewer);
    if (!this.#viewers.size) this.#shut();
  }

  #open() {
    this.#shut();
    this.#source = new EventSource('events');
    this.#source.addEventListener('update', e => this.#take(JSON.parse(e.data)));
    this.#source.addEventListener('again', () => this.#open()); // each stream ends after a while
    this.#source.onerror = () => {
      this.#tell(undefined);
      if (this.#source.readyState === EventSource.CLOSED) this.#timer = setTimeout(() => this.#open(), retry);
    };
  }

  #shut() {
    clearTimeout(this.#timer);
    if (this.#source) this.#source.close();
    this.#source = this.#state = undefined;
  }

  #take(update) {
    const before = update.all || !this.#state ? { points: [], departures: [] } : this.#state;
    this.#state = {
      all: true,
      stats: update.stats || before.stats,
      points: before.points.concat(update.points).slice(-mostPoints),
      departures: before.departures.concat(update.departures).slice(-mostDepartures),
      missed: update.missed,
      at: Date.now(),
    };
    this.#tell({ ...update, at: this.#state.at });
  }

  #tell(update) {
    for (const viewer of this.#viewers) viewer(update);
  }
}

package hostmgr

import (
	"context"
	"iter"
	"time"
)

const (
	maxQueue  = 4096 // events that wait for a watcher before it has fallen behind
	batchSize = 64   // events that it is handed at once
)

// An Event is a change that a watcher is told of.
type Event[M any] struct {
	// Seq numbers the registry's events. A host of a snapshot carries the number
	// of the last event before it was read. From Synced on no number is left out.
	Seq  uint64
	Kind Kind
	At   time.Time
	Host Host[M] // as it was at that moment; none for Missed and Synced
	// Evidence is that of a departure; of other events it is zero.
	Evidence Evidence
	// Missed is how many events a watcher that fell behind will not get.
	Missed uint64
}

// A watcher is one loop over Watch. All but wake is guarded by Registry.mu; the
// cursor moves under its read lock, and only by the watcher's own goroutine.
type watcher[M any] struct {
	wake   chan struct{} // one slot
	queue  [][]Event[M]  // in batches, so that it grows without being copied
	queued int
	missed uint64
	sweep  uint64 // the latest when it fell behind
	cursor cursor // of the snapshot
	synced bool
	hosts  []Host[M]  // room for a page of it; the goroutine's own
	joined []Event[M] // likewise
}

// Watch yields the hosts that are there (each as Joined), Synced, and then every
// change, until ctx is done or the loop is left. What changes during the snapshot
// of hosts that it has shown already comes before Synced too, so that at Synced
// whoever mirrors the registry has it as it was at that number. Watch subscribes
// when it is ranged over, runs on that goroutine, and may call the registry.
//
// A loop that lets more than 4096 events wait gets one Missed event that says
// how many it will not get, and then starts over: whoever mirrors the registry
// throws the mirror away at Missed and builds it anew. If a sweep was what it could
// not follow, that comes when the sweep is over.
func (r *Registry[M]) Watch(ctx context.Context) iter.Seq[Event[M]] {
	return func(yield func(Event[M]) bool) {
		w := &watcher[M]{wake: make(chan struct{}, 1)}
		r.mu.Lock()
		r.watchers = append(r.watchers[:len(r.watchers):len(r.watchers)], w)
		r.unlock()
		defer r.unwatch(w)

		for {
			events, idle := r.pull(w)
			for _, e := range events {
				if ctx.Err() != nil || !yield(e) {
					return
				}
			}
			if !idle {
				continue
			}
			select {
			case <-ctx.Done():
				return
			case <-w.wake:
			}
		}
	}
}

func (r *Registry[M]) unwatch(w *watcher[M]) {
	r.mu.Lock()
	defer r.unlock()
	var rest []*watcher[M]
	for _, o := range r.watchers {
		if o != w {
			rest = append(rest, o)
		}
	}
	r.watchers = rest
}

// emit queues an event for every watcher that does not find it in its snapshot
// anyway. The caller holds mu, so all watchers see one order; unlock wakes them.
func (r *Registry[M]) emit(k Kind, l life[M], now int64) {
	r.seq++
	if len(r.watchers) == 0 {
		return
	}
	var e *Event[M]
	for _, w := range r.watchers {
		if !r.passed(&w.cursor, l) {
			continue
		}
		if w.missed > 0 || w.queued == maxQueue {
			w.miss(r.counts.Sweeps) // it is awake, or endScan wakes it
			continue
		}
		r.news = true
		if e == nil {
			e = &Event[M]{Seq: r.seq, Kind: k, At: r.time.wall(now)}
			r.show(&e.Host, l, now)
			if k.departure() {
				e.Evidence, _ = r.evidence(l, now)
			}
		}
		w.push(*e)
	}
}

// miss notes that the watcher has fallen behind: then what was queued is no use either.
func (w *watcher[M]) miss(sweep uint64) {
	if w.missed == 0 {
		w.sweep = sweep
	}
	w.missed += uint64(w.queued) + 1
	w.queue, w.queued = nil, 0
}

func (w *watcher[M]) push(e Event[M]) {
	switch {
	case w.queued == 0: // it keeps up: there may be but this one
		w.queue = append(w.queue, nil)
	case w.queued%batchSize == 0:
		w.queue = append(w.queue, make([]Event[M], 0, batchSize))
	}
	last := len(w.queue) - 1
	w.queue[last] = append(w.queue[last], e)
	w.queued++
}

// pop returns the first events that are queued.
func (w *watcher[M]) pop() []Event[M] {
	first := w.queue[0]
	w.queue[0] = nil // what was handed over is not kept
	w.queue = w.queue[1:]
	if w.queued -= len(first); w.queued == 0 {
		w.queue = nil
	}
	return first
}

// pull returns what the watcher is to be told next. It is idle if that is all
// until it is woken.
func (r *Registry[M]) pull(w *watcher[M]) (events []Event[M], idle bool) {
	now := r.lock()
	switch {
	case w.missed > 0 && r.scanning && w.sweep == r.counts.Sweeps:
		idle = true // what it would be shown now is out of date at once
	case w.missed > 0:
		events = []Event[M]{{Kind: Missed, Seq: r.seq, At: r.time.wall(now), Missed: w.missed}}
		w.missed, w.cursor, w.synced = 0, cursor{}, false
		w.hosts, w.joined = nil, nil
	case w.queued > 0:
		events = w.pop()
	case !w.cursor.done:
		r.unlock()
		return r.snap(w), false
	case !w.synced:
		events = []Event[M]{{Kind: Synced, Seq: r.seq, At: r.time.wall(now)}}
		w.synced, w.hosts, w.joined = true, nil, nil
	default:
		idle = true
	}
	r.unlock()
	return events, idle
}

// snap is the next page of the snapshot, in room that is used for every page: a
// registry of millions should not wait for memory under its lock.
func (r *Registry[M]) snap(w *watcher[M]) []Event[M] {
	var seq uint64
	w.hosts, seq = r.advance(&w.cursor, w.hosts[:0])
	w.joined = w.joined[:0]
	for _, h := range w.hosts {
		w.joined = append(w.joined, Event[M]{Seq: seq, Kind: Joined, At: h.Joined, Host: h})
	}
	return w.joined
}

package hostmgr

import (
	"context"
	"iter"
	"time"
)

// maxQueue is how many events wait for a watcher before it has fallen behind.
const maxQueue = 4096

// An Event is a change that a watcher is told of.
type Event[M any] struct {
	// Seq numbers the registry's events. Those of a snapshot all carry the
	// number of the last event before it was begun: what happens while it is read
	// may show in it already, and its event comes after Synced all the same.
	Seq  uint64
	Kind Kind
	At   time.Time
	Host Host[M] // as it was at that moment; none for Missed and Synced
	// Missed is how many events a watcher that fell behind will not get.
	Missed uint64
}

// A watcher is one loop over Watch. All but wake is guarded by Registry.mu.
type watcher[M any] struct {
	wake   chan struct{} // one slot
	queue  []Event[M]
	missed uint64
}

// Watch yields the hosts that are there (each as Joined), Synced, and then every
// change, until ctx is done or the loop is left. It subscribes when it is ranged
// over, runs on that goroutine, and may call the registry.
//
// A loop that lets more than 4096 events wait gets one Missed event that says
// how many it will not get, and then starts over: whoever mirrors the registry
// throws the mirror away at Missed and builds it anew.
func (r *Registry[M]) Watch(ctx context.Context) iter.Seq[Event[M]] {
	return func(yield func(Event[M]) bool) {
		w := &watcher[M]{wake: make(chan struct{}, 1)}
		r.mu.Lock()
		r.watchers = append(r.watchers[:len(r.watchers):len(r.watchers)], w)
		synced, lives := r.mark(Synced), r.roster.list()
		r.unlock()
		defer r.unwatch(w)

		for r.replay(ctx, lives, synced, yield) {
			missed, ok := r.follow(ctx, w, yield)
			if !ok {
				return
			}
			synced, lives = r.resume(w, &missed)
			if !yield(missed) {
				return
			}
		}
	}
}

func (r *Registry[M]) mark(k Kind) Event[M] {
	return Event[M]{Seq: r.seq, Kind: k, At: r.time.wall(r.time.now())}
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

// emit queues an event for every watcher. The caller holds mu, so all watchers
// see one order; unlock wakes them.
func (r *Registry[M]) emit(k Kind, l *life[M], now int64) {
	r.seq++
	if len(r.watchers) == 0 {
		return
	}
	e := Event[M]{Seq: r.seq, Kind: k, At: r.time.wall(now), Host: r.snapshot(l, now)}
	for _, w := range r.watchers {
		w.push(e)
	}
	r.news = true
}

// push queues e, or counts it if the watcher has fallen behind: then what was
// queued is no use either, and goes.
func (w *watcher[M]) push(e Event[M]) {
	if w.missed == 0 && len(w.queue) < maxQueue {
		w.queue = append(w.queue, e)
		return
	}
	w.missed += uint64(len(w.queue)) + 1
	w.queue = nil
}

// replay yields a snapshot. It includes what has departed since it was taken,
// because those departures are still in the queue.
func (r *Registry[M]) replay(ctx context.Context, lives []*life[M], synced Event[M], yield func(Event[M]) bool) bool {
	all := r.each(lives, true, func(h Host[M]) bool {
		return ctx.Err() == nil && yield(Event[M]{Seq: synced.Seq, Kind: Joined, At: h.Joined, Host: h})
	})
	return all && ctx.Err() == nil && yield(synced)
}

// follow yields changes until the watcher falls behind (ok) or is done.
func (r *Registry[M]) follow(ctx context.Context, w *watcher[M], yield func(Event[M]) bool) (missed Event[M], ok bool) {
	for {
		r.mu.Lock()
		queue := w.queue
		w.queue = nil
		behind := w.missed > 0
		r.mu.Unlock()
		if behind {
			return Event[M]{Kind: Missed}, true
		}
		for _, e := range queue {
			if ctx.Err() != nil || !yield(e) {
				return missed, false
			}
		}
		if len(queue) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return missed, false
		case <-w.wake:
		}
	}
}

// resume takes the count of what was missed and the snapshot that makes up for
// it at one moment, so that neither has what the other lacks.
func (r *Registry[M]) resume(w *watcher[M], missed *Event[M]) (synced Event[M], lives []*life[M]) {
	r.mu.Lock()
	defer r.unlock()
	missed.Missed, missed.Seq = w.missed, r.seq
	w.missed = 0
	synced, lives = r.mark(Synced), r.roster.list()
	missed.At = synced.At
	return synced, lives
}

package hostmgr

import (
	"context"
	"iter"
)

// Watch yields each registered host as EventJoined, then EventSynced, and then every change, until
// ctx is done or the loop ends. The events of one host arrive in the order in which they happened.
//
// If kinds are given, Watch yields only events of these kinds, and EventMissed and EventSynced,
// which always come. It takes no snapshot unless EventJoined is one of them: then EventSynced comes
// first. Events of other kinds cost the watcher nothing, so it does not fall behind because of
// them.
//
// Watch subscribes when the loop begins, runs on its goroutine, and may call the registry.
//
// Before EventSynced, Watch also yields the changes of hosts that it has yielded already. So at
// EventSynced a mirror that applies all events equals the registry at that event number.
//
// If more than 4096 events wait for the loop, it gets one EventMissed, with the number of missed
// events. Then Watch starts over: at EventMissed, discard the mirror and build a new one. If the
// watcher fell behind during a sweep, EventMissed comes after the sweep.
//
// Each loop has a queue of its own, so a loop that is slow or hangs delays no other loop, no call
// and no sweep. It costs the memory of its 4096 events. A loop that is slower than the hosts change
// falls behind again and again. If changes come f times as fast as the loop takes events, it still
// gets EventSynced each time, up to about 4096 / f² hosts. With more hosts it gets only EventMissed
// and some of the hosts, again and again.
func (r *Registry[M]) Watch(ctx context.Context, kinds ...EventKind) iter.Seq[Event[M]] {
	ctx = orBackground(ctx)
	set := newKindSet(kinds)
	return func(yield func(Event[M]) bool) {
		w := r.subscribe(set)
		defer r.unsubscribe(w)
		l := watchLoop[M]{r, w}
		for {
			events, idle := l.next()
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

func (r *Registry[M]) subscribe(kinds kindSet) *watcher[M] {
	w := &watcher[M]{kinds: kinds, wake: make(chan struct{}, 1)}
	w.restart()
	s, _ := r.lock()
	defer r.unlock()
	s.watchers = append(s.watchers[:len(s.watchers):len(s.watchers)], w)
	return w
}

func (r *Registry[M]) unsubscribe(w *watcher[M]) {
	s, _ := r.lock()
	defer r.unlock()
	var others []*watcher[M]
	for _, o := range s.watchers {
		if o != w {
			others = append(others, o)
		}
	}
	s.watchers = others
}

// A watchLoop is one loop over Watch.
type watchLoop[M any] struct {
	r *Registry[M]
	*watcher[M]
}

// next returns the next events for the watcher. idle is true if there are no more until it is
// woken.
func (w watchLoop[M]) next() (events []Event[M], idle bool) {
	s, now := w.r.lock()
	if w.missed == 0 && w.cursor.Done() && !w.synced {
		w.sync(Event[M]{Kind: EventSynced, Seq: s.seq, At: s.clock.Wall(now)})
		w.synced, w.hosts, w.joined = true, nil, nil
	}
	switch {
	case w.missed > 0 && s.sweeping && w.sweep == s.counts.Sweeps:
		idle = true // what it would be shown now is out of date at once
	case w.missed > 0:
		events = []Event[M]{{Kind: EventMissed, Seq: s.seq, At: s.clock.Wall(now), Missed: w.missed}}
		w.restart()
	case w.queued > 0:
		events = w.pop()
	case !w.cursor.Done():
		w.r.unlock()
		return w.nextOfSnapshot(), false
	default:
		idle = true
	}
	w.r.unlock()
	return events, idle
}

// nextOfSnapshot returns the next bucket of the snapshot. It uses the same memory for every bucket:
// with millions of hosts, allocation under the lock would take too long.
func (w watchLoop[M]) nextOfSnapshot() []Event[M] {
	var seq uint64
	w.hosts, seq = w.r.advance(&w.cursor, w.hosts[:0])
	w.joined = w.joined[:0]
	for _, h := range w.hosts {
		w.joined = append(w.joined, Event[M]{Seq: seq, Kind: EventJoined, At: h.Joined, Host: h})
	}
	return w.joined
}

package hostmgr

import (
	"slices"
	"strings"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// emit queues an event for each watcher, except watchers that will find the change in their
// snapshot. a is nil if the host was not assessed yet. The caller holds the lock, so all watchers
// get the same order; unlock wakes them.
func (s *state[M]) emit(k EventKind, e index.Entry, a *assessment, now int64) {
	s.seq++
	switch {
	case s.local == nil:
	case k == EventJoined || k == EventUpdated:
		s.local.noteContent(e, &s.todo.wake)
	default:
		s.local.note(e, &s.todo.wake)
	}
	if len(s.watchers) == 0 {
		return
	}
	s.queueEvent(k, e, now, func(event *Event[M]) {
		if a == nil {
			s.ownSnapshot(&event.Host, e, now)
		} else {
			s.show(&event.Host, e, strings.Clone(e.ID()), a)
		}
	})
}

// isAwaited reports whether any watcher will be told of the departure of this host.
func (s *state[M]) isAwaited(e index.Entry) bool {
	return len(s.watchers) > 0 && slices.ContainsFunc(s.watchers, func(w *watcher[M]) bool {
		return w.kinds.has(EventDeparted) && w.keepsUp() && w.cursor.Passed(e)
	})
}

// skipEvent counts a departure that no watcher awaits.
func (s *state[M]) skipEvent(e index.Entry) {
	s.seq++
	for _, w := range s.watchers {
		if w.kinds.has(EventDeparted) && (w.synced || w.cursor.Passed(e)) {
			w.miss(s.counts.Sweeps) // it is awake, or the end of the sweep wakes it
		}
	}
}

// emitDeparture is emit for a departure. d may be nil if isAwaited is false.
func (s *state[M]) emitDeparture(e index.Entry, d *Departure[M], now int64) {
	s.seq++
	if len(s.watchers) == 0 {
		return
	}
	s.queueEvent(EventDeparted, e, now, func(event *Event[M]) {
		event.Host, event.Departure = d.Host, d
	})
}

// queueEvent queues an event for the watchers that want this kind. It calls fill to complete the
// event once, if any watcher needs it.
func (s *state[M]) queueEvent(k EventKind, e index.Entry, now int64, fill func(*Event[M])) {
	var event *Event[M]
	for _, w := range s.watchers {
		switch {
		case !w.kinds.has(k) || !w.cursor.Passed(e):
		case !w.keepsUp():
			w.miss(s.counts.Sweeps) // it is awake, or the end of the sweep wakes it
		default:
			if event == nil {
				event = &Event[M]{Seq: s.seq, Kind: k, At: s.clock.Wall(now)}
				fill(event)
			}
			w.push(*event)
			s.todo.watchers = s.watchers
		}
	}
}

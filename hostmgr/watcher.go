package hostmgr

import "github.com/hostlife/hostlife/hostmgr/internal/index"

const (
	maxQueue  = 4096 // events that may wait for a watcher
	batchSize = 64   // events that it gets at once
)

// A kindSet is a set of kinds of events; the zero kindSet has all kinds.
type kindSet uint16

func newKindSet(kinds []EventKind) (set kindSet) {
	for _, k := range kinds {
		set |= 1<<k | 1 // no kind is 0: a set of unknown kinds has none
	}
	return set
}

func (s kindSet) has(k EventKind) bool { return s == 0 || s&(1<<k) != 0 }

// A watcher is one loop over Watch. Registry.mu guards all but wake. The cursor moves under the
// read lock, but only on the goroutine of the watcher.
type watcher[M any] struct {
	kinds  kindSet       // that it wants; never changes
	wake   chan struct{} // one slot
	queue  [][]Event[M]  // in batches, so that it grows without being copied
	queued int
	marked int // events up to EventSynced in the queue; 0 if that is not there
	missed uint64
	sweep  uint64 // number of the latest sweep when it fell behind
	cursor index.Cursor
	synced bool
	hosts  []Host[M]  // memory for a bucket of the snapshot; only its goroutine uses it
	joined []Event[M] // likewise
}

// restart makes the watcher start over: with a snapshot, if it wants EventJoined.
func (w *watcher[M]) restart() {
	w.missed, w.cursor, w.synced = 0, index.Cursor{}, false
	w.hosts, w.joined = nil, nil
	if !w.kinds.has(EventJoined) {
		w.cursor.End()
	}
}

// keepsUp reports whether the watcher has room for an event.
func (w *watcher[M]) keepsUp() bool { return w.missed == 0 && w.queued < maxQueue }

// miss notes that the watcher has fallen behind, and drops its queue: it gets a new snapshot
// anyway.
func (w *watcher[M]) miss(sweep uint64) {
	if w.missed == 0 {
		w.sweep = sweep
	}
	w.missed += uint64(w.queued) + 1
	if w.marked > 0 {
		w.missed-- // EventSynced is no event of the registry
	}
	w.queue, w.queued, w.marked = nil, 0, 0
}

// sync queues EventSynced behind the changes that the snapshot lacks. So a watcher gets it although
// further changes come faster than the watcher takes them.
func (w *watcher[M]) sync(e Event[M]) {
	w.push(e)
	w.marked = w.queued
}

func (w *watcher[M]) push(e Event[M]) {
	switch {
	case w.queued == 0: // it keeps up: this may be the only one
		w.queue = append(w.queue, nil)
	case w.queued%batchSize == 0:
		w.queue = append(w.queue, make([]Event[M], 0, batchSize))
	}
	last := len(w.queue) - 1
	w.queue[last] = append(w.queue[last], e)
	w.queued++
}

// pop returns the first batch of the queue.
func (w *watcher[M]) pop() []Event[M] {
	first := w.queue[0]
	w.queue[0] = nil // what was handed over is not kept
	w.queue = w.queue[1:]
	w.marked = max(0, w.marked-len(first))
	if w.queued -= len(first); w.queued == 0 {
		w.queue = nil
	}
	return first
}

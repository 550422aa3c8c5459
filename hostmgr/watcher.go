package hostmgr

import "github.com/hostlife/hostlife/hostmgr/internal/index"

const (
	maxQueue  = 4096 // events that wait for a watcher before it has fallen behind
	batchSize = 64   // events that it is handed at once
)

// A watcher is one loop over Watch. All but wake is guarded by Registry.mu; the
// cursor moves under its read lock, and only by the watcher's own goroutine.
type watcher[M any] struct {
	wake   chan struct{} // one slot
	queue  [][]Event[M]  // in batches, so that it grows without being copied
	queued int
	missed uint64
	sweep  uint64 // the latest when it fell behind
	cursor index.Cursor
	synced bool
	hosts  []Host[M]  // room for a bucket of the snapshot; the goroutine's own
	joined []Event[M] // likewise
}

// keepsUp tells whether the watcher has room for an event.
func (w *watcher[M]) keepsUp() bool { return w.missed == 0 && w.queued < maxQueue }

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
	case w.queued == 0: // it keeps up: this may be the only one
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

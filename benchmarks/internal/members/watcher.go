package members

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// A watcher notes when changes and departures become visible in a registry.
type watcher struct {
	end  context.CancelFunc
	done chan struct{}

	mu   sync.Mutex // guards seen
	seen Seen
}

// start begins to watch, from now on. It returns when the first event cannot be missed.
func (w *watcher) start(ctx context.Context, hosts *hostmgr.Registry[Metadata]) {
	w.stop()
	w.seen = Seen{Changes: map[int]int64{}}
	ctx, w.end = context.WithCancel(ctx)
	w.done = make(chan struct{})
	synced := make(chan struct{})
	var once sync.Once // it is synced again after events that were missed
	go func() {
		defer close(w.done)
		for e := range hosts.Watch(ctx, hostmgr.EventUpdated, hostmgr.EventDeparted) {
			if e.Kind == hostmgr.EventSynced {
				once.Do(func() { close(synced) })
			}
			w.note(&e, time.Now().UnixNano())
		}
	}()
	select {
	case <-synced:
	case <-ctx.Done():
	}
}

func (w *watcher) note(e *hostmgr.Event[Metadata], now int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e.Kind {
	case hostmgr.EventUpdated:
		if _, ok := w.seen.Changes[e.Host.Metadata.Change]; !ok {
			w.seen.Changes[e.Host.Metadata.Change] = now
		}
	case hostmgr.EventDeparted:
		w.seen.Departures = append(w.seen.Departures, Departed{e.Host.Metadata.Number, now, e.Departure.Kind.String()})
	case hostmgr.EventMissed:
		w.seen.Missed += e.Missed
	}
}

// look returns what was seen so far.
func (w *watcher) look() Seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Seen{maps.Clone(w.seen.Changes), slices.Clone(w.seen.Departures), w.seen.Missed}
}

func (w *watcher) stop() {
	if w.end != nil {
		w.end()
		<-w.done
	}
}

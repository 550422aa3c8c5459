package sharing

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/hostlife/hostlife/benchmarks/internal/engine"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// observe counts the changes of host records in the feed, from now until the function that it
// returns is called. It is one reader more for the engine.
func (b *bench) observe() (count func() (int64, error), err error) {
	store, closed, err := engine.Open(b.kind, b.engine.Addr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(b.ctx)
	var changes atomic.Int64
	synced, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- store.Feed(ctx, share.Position{}, func(f share.Frame) bool {
			if f.Synced {
				close(synced)
			} else {
				changes.Add(hostChanges(&f))
			}
			return true
		})
	}()
	count = func() (int64, error) {
		n := changes.Load()
		cancel()
		err := <-ended
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		return n, errors.Join(err, closed())
	}
	select {
	case <-synced:
		return count, nil
	case err := <-ended:
		cancel()
		return nil, errors.Join(err, closed())
	}
}

// hostChanges counts the changes of host records in a frame.
func hostChanges(f *share.Frame) (n int64) {
	for i := range f.Changes {
		if strings.HasPrefix(f.Changes[i].Key, "h/") {
			n++
		}
	}
	return n
}

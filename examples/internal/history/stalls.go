package history

import (
	"context"
	"time"
)

const (
	stallTick   = 50 * time.Millisecond
	stallLength = 300 * time.Millisecond // from one tick to the next
)

// WatchStalls writes down when the process has not run for a while, until ctx ends.
func (l *Log) WatchStalls(ctx context.Context) {
	tick := time.NewTicker(stallTick)
	defer tick.Stop()
	for last := Now(); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := Now()
		if now-last > int64(stallLength) {
			l.Add(Entry{Kind: Stalled, Began: last})
		}
		last = now
	}
}

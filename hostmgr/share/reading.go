package share

import (
	"context"
	"time"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
)

const (
	framesAhead  = 4 // that a feed may be ahead of the loop
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
	soundAfter   = 10 * time.Second // a feed that has lasted so long is no repeated failure
	feedGrace    = 2 * time.Second  // after which a feed that does not end is left behind
)

// A reading is the feed that the loop reads.
type reading struct {
	call   *call // nil: there is none
	number int   // of the feed; frames of others are ignored
	begun  int64
	begin  int64 // not before: when the next one begins
	pause  time.Duration
}

// read begins a feed if there is none, and ends one that must begin again.
func (l *loop[M]) read() {
	r := &l.reading
	if r.call != nil && l.m.core.Resync() && r.call.limit > l.now {
		r.call.cancel(errLimit)
		r.call.limit, r.call.give = l.now, l.now+int64(feedGrace)
		r.number++ // its frames do not count any more
	}
	if r.call != nil || l.now < r.begin || l.leftBehind >= maxLeft || l.ctx.Err() != nil {
		return
	}
	r.number++
	r.begun = l.now
	l.m.core.Begin(l.now)
	const forEver = 100 * 365 * 24 * time.Hour
	l.startFeed(Position(l.m.core.Position()), forEver)
}

func (l *loop[M]) startFeed(after Position, limit time.Duration) {
	r, number, room := &l.reading, l.reading.number, make(chan struct{}, framesAhead)
	r.call = l.start(l.ctx, nothing, limit, limit, func(ctx context.Context) error {
		return l.m.cfg.Store.Feed(ctx, after, func(f Frame) bool {
			select {
			case room <- struct{}{}:
			case <-ctx.Done():
				return false
			}
			l.m.inbox.put(func() {
				<-room
				l.apply(number, f)
			})
			return true
		})
	}, l.feedEnded, func() { l.feedEnded(errLimit) })
}

// apply takes a frame. Departures are taken before it: see member.Core.Wants.
func (l *loop[M]) apply(number int, f Frame) {
	r := &l.reading
	if number != r.number {
		return
	}
	l.take()
	if err := l.m.core.Apply(frameOf(f), l.now); err != nil {
		l.feeWarning("", err)
		r.call.cancel(err)
		r.call.limit, r.call.give = l.now, l.now+int64(feedGrace)
		r.number++
		l.m.core.Begin(l.now) // what the feed has shown is not the table
	}
}

// feedEnded is called when a feed has ended, or is left behind.
func (l *loop[M]) feedEnded(err error) {
	r := &l.reading
	r.call = nil
	if l.ctx.Err() == nil && err != nil {
		l.feedErrors++
		l.feeWarning("", err)
	}
	if l.now-r.begun >= int64(soundAfter) {
		r.pause = 0
	}
	r.pause = min(max(2*r.pause, firstPause), longestPause)
	r.begin = l.now + int64(r.pause)
}

func frameOf(f Frame) feed.Frame {
	x := feed.Frame{
		Epoch: f.Epoch, Back: f.Back, Synced: f.Synced, Revision: f.Revision, Version: f.Version,
		PageRevision: f.PageRevision, PageVersion: f.PageVersion,
		Snapshot: make([]feed.Record, len(f.Snapshot)), Changes: make([]feed.Change, len(f.Changes)),
	}
	for i := range f.Snapshot {
		x.Snapshot[i] = feed.Record(f.Snapshot[i])
	}
	for i := range f.Changes {
		x.Changes[i] = feed.Change(f.Changes[i])
	}
	return x
}

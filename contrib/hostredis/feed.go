package hostredis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/hostlife/hostlife/hostmgr/share"
)

const (
	pageRecords  = 500
	pageBytes    = 256 << 10
	entriesAhead = 64 // that one answer has at most
	audited      = 8  // buckets, with each mark: all in half a minute
)

// errDone means that yield has returned false.
var errDone = errors.New("hostredis: done")

// A feed is one call of Feed. Only the goroutine of that call uses it.
type feed struct {
	store  *Store
	ctx    context.Context
	yield  func(share.Frame) bool
	line   *line
	ending func()        // closes the line, and waits until the end of ctx does not
	at     mark          // the latest change that was yielded
	audit  int           // the bucket that is audited next
	pause  time.Duration // before it reconnects
}

// Feed implements share.Store.
func (s *Store) Feed(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
	// The feeds of several members begin their audits at different buckets.
	f := &feed{store: s, ctx: ctx, yield: yield, audit: rand.IntN(buckets/audited) * audited, pause: firstPause}
	err := f.run(after)
	f.hangUp()
	if errors.Is(err, errDone) {
		return nil
	}
	if end := ended(ctx); end != nil {
		return end
	}
	return err
}

// run returns errDone if yield has returned false.
func (f *feed) run(after share.Position) error {
	if err := ended(f.ctx); err != nil {
		return err
	}
	if err := f.connect(); err != nil {
		return err
	}
	f.checkOnce()
	if err := f.snapshot(after); err != nil {
		return err
	}
	return f.follow()
}

// connect opens a line, which the end of the context closes.
func (f *feed) connect() error {
	f.hangUp()
	l, err := f.store.dial(f.ctx)
	if err != nil {
		f.store.outdated(f.ctx)
		return fmt.Errorf("hostredis: %w", err)
	}
	var once sync.Once
	closing := make(chan struct{})
	stop := context.AfterFunc(f.ctx, func() {
		once.Do(l.close)
		close(closing)
	})
	f.line, f.ending = l, func() {
		if !stop() {
			<-closing
		}
		once.Do(l.close)
	}
	return nil
}

// hangUp closes the line, if there is one.
func (f *feed) hangUp() {
	if f.ending != nil {
		f.ending()
		f.ending = nil
	}
}

// snapshot yields all pages, and the changes since the first one.
func (f *feed) snapshot(after share.Position) error {
	read, wide := mark{}, buckets
	for next := 0; next < buckets; {
		p, err := f.page(next, min(wide, buckets-next), after)
		if err != nil {
			return err
		}
		x := share.Frame{Snapshot: p.records, PageRevision: p.at.revision, PageVersion: p.at.version}
		if next == 0 {
			f.at, x.Back = p.at, p.back
		} else if p.at.epoch != f.at.epoch || p.at.revision < read.revision {
			return f.gap("the table has changed its history at revision %d", p.at.revision)
		}
		read, wide = p.at, 2*p.buckets
		next += p.buckets
		x.Synced = next == buckets && read == f.at
		if err := f.send(x, nil); err != nil || x.Synced {
			return err
		}
	}
	return f.catchUp(read.revision)
}

// catchUp yields the changes up to a revision.
func (f *feed) catchUp(revision uint64) error {
	for {
		entries, err := f.mark(false)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return f.gap("the table is below revision %d, which a page has shown", revision)
		}
		reached := entries[len(entries)-1].last().Revision
		if err := f.send(share.Frame{Synced: reached >= revision}, entries); err != nil || reached >= revision {
			return err
		}
	}
}

// send yields a frame with the changes of entries, which must follow the latest change.
func (f *feed) send(x share.Frame, entries []entry) error {
	x.Epoch, x.Revision, x.Version = f.at.epoch, f.at.revision, f.at.version
	for i := range entries {
		e := &entries[i]
		first, last := e.first(), e.last()
		if e.epoch != f.at.epoch || first.Revision != f.at.revision+1 || first.Previous != f.at.version {
			return f.gap("the change at revision %d does not follow", first.Revision)
		}
		x.Changes = append(x.Changes, e.changes...)
		f.at.revision, f.at.version = last.Revision, last.Version
	}
	if err := ended(f.ctx); err != nil {
		return err
	}
	if !f.yield(x) {
		return errDone
	}
	return nil
}

func (f *feed) gap(format string, args ...any) error {
	return fmt.Errorf("hostredis: %w after revision %d: %s", share.ErrGap, f.at.revision, fmt.Sprintf(format, args...))
}

// mark compares the table with the latest change that was yielded, and returns entries after it.
//
// A feed that waits in XREAD for what follows a lost change would wait too long, because the next
// changes use the lost revisions again. So it asks for the mark of the table once a second:
//   - the table has another epoch, a smaller revision, or another version at the same revision: the
//     latest change was lost;
//   - the table has a greater revision: the log has the change that follows, which tells its
//     predecessor, or the log has lost it.
func (f *feed) mark(audit bool) ([]entry, error) {
	keys := f.store.keys.some(0, 0)
	if audit {
		keys = f.store.keys.some(f.audit, audited)
		f.audit = (f.audit + audited) % buckets
	}
	reply, err := f.store.run(f.ctx, f.line.client, keys, "mark", strconv.FormatUint(f.at.revision+1, 10), entriesAhead)
	if err != nil {
		return nil, fmt.Errorf("hostredis: %w", err)
	}
	m, err := markOf(reply)
	if err != nil {
		return nil, err
	}
	entries, err := entriesOf(reply[4])
	if err != nil {
		return nil, err
	}
	return entries, f.compare(m, len(entries) > 0)
}

// compare returns an error if the mark of the table shows that the feed cannot go on.
func (f *feed) compare(m mark, more bool) error {
	switch {
	case m.epoch != f.at.epoch:
		return f.gap("the table has lost records, or has begun empty")
	case m.revision < f.at.revision || m.revision == f.at.revision && m.version != f.at.version:
		return f.gap("the table is at revision %d, and has lost changes", m.revision)
	case m.revision > f.at.revision && !more:
		return f.gap("the log does not have the changes up to revision %d", m.revision)
	}
	return nil
}

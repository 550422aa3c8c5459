package table

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
)

var errBack = fmt.Errorf("%w: the table went back during the snapshot", ErrGap)

// A Cursor is one feed. It is used by one goroutine at a time.
type Cursor struct {
	table    *Table
	after    feed.Position
	epoch    string // empty before the first frame
	at       feed.Mark
	position uint64    // in the log
	page     int       // the next one
	until    feed.Mark // of the table when the latest page was read
	synced   bool
}

// Feed returns a cursor that begins with a snapshot. Its first frame has Back if the table does not
// have the change at a position. The zero Position is that of a reader that has read nothing.
func (t *Table) Feed(after feed.Position) *Cursor { return &Cursor{table: t, after: after} }

// Next returns the next frame of the feed. If there is none yet, Next returns a channel that is
// closed after the next change of the table. The error is ErrGap or ErrDown. Then the feed is over.
func (c *Cursor) Next() (f feed.Frame, wait <-chan struct{}, err error) {
	f, wait, err = c.next()
	slices.SortFunc(f.Snapshot, func(a, b feed.Record) int { return cmp.Compare(a.Key, b.Key) })
	return f, wait, err
}

func (c *Cursor) next() (f feed.Frame, wait <-chan struct{}, err error) {
	t := c.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.down {
		return f, nil, ErrDown
	}
	back := false
	if c.epoch == "" {
		c.epoch, c.at, c.position, c.until = t.epoch(), t.latest, t.position(), t.latest
		back = t.wentBack(c.after)
	}
	f = feed.Frame{Epoch: c.epoch, Back: back, Revision: c.at.Revision, Version: c.at.Version}
	if c.page < len(t.pages) {
		f.Snapshot, err = c.read()
		f.PageRevision, f.PageVersion = c.until.Revision, c.until.Version
		return f, nil, err
	}
	if f.Changes, err = c.changes(); err != nil {
		return feed.Frame{}, nil, err
	}
	if f.Synced, err = c.complete(); err != nil || f.Synced || len(f.Changes) > 0 {
		return f, nil, err
	}
	if t.wake == nil {
		t.wake = make(chan struct{})
	}
	return feed.Frame{}, t.wake, nil
}

// read returns the next page. The table must still have the change at which the page before was
// read.
func (c *Cursor) read() ([]feed.Record, error) {
	t := c.table
	if t.wentBack(feed.Position{Epoch: c.epoch, Revision: c.until.Revision, Version: c.until.Version}) {
		return nil, errBack
	}
	c.until = t.latest
	page := make([]feed.Record, 0, len(t.pages[c.page]))
	for _, r := range t.pages[c.page] {
		page = append(page, *r)
	}
	c.page++
	return page, nil
}

// changes returns the next changes: whole batches.
func (c *Cursor) changes() (changes []feed.Change, err error) {
	t := c.table
	if c.position < t.trimmed {
		return nil, fmt.Errorf("%w: the log has no change before revision %d", ErrGap, t.log[0].Revision)
	}
	from, _ := slices.BinarySearchFunc(t.log, c.position+1, func(e entry, position uint64) int {
		return cmp.Compare(e.position, position)
	})
	for i := from; i < len(t.log); i++ {
		e := &t.log[i]
		changes = append(changes, e.Change)
		if e.last && len(changes) >= t.cfg.Chunk {
			break
		}
	}
	if n := len(changes); n > 0 {
		last := &t.log[from+n-1]
		c.at, c.position = feed.Mark{Revision: last.Revision, Version: last.Version}, last.position
	}
	return changes, nil
}

// complete reports whether the snapshot is complete now, and was not before.
func (c *Cursor) complete() (bool, error) {
	switch {
	case c.synced:
		return false, nil
	case precedes(c.table.latest, c.until), c.at.Revision == c.until.Revision && c.at != c.until:
		return false, errBack
	}
	c.synced = !precedes(c.at, c.until)
	return c.synced, nil
}

func precedes(a, b feed.Mark) bool { return a.Revision < b.Revision }

package storetest

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// A sqlStore is a Store on a database whose transactions take their revisions from a sequence and
// are committed some time later. Its feeds ask for rows above the last revision, again and again.
type sqlStore struct {
	sequence chan struct{} // has an element while a transaction locks the sequence; nil: none does

	rows    sync.Mutex // guards the fields below
	next    uint64
	locked  map[string]bool // keys of transactions that are not committed
	records map[string]share.Record
	log     []share.Change // what is committed, by revision. Previous is left to the feeds
}

// sqlTable makes a broken Store of a sqlStore.
func sqlTable(ordered bool) func(*broken) {
	return func(b *broken) {
		s := &sqlStore{locked: map[string]bool{}, records: map[string]share.Record{}}
		if ordered {
			s.sequence = make(chan struct{}, 1)
		}
		b.put, b.feed = s.Put, s.Feed
	}
}

func (s *sqlStore) Put(ctx context.Context, batch []share.Write) error {
	if err := cmp.Or(share.CheckBatch(batch), ctx.Err()); err != nil || len(batch) == 0 {
		return err
	}
	if s.sequence != nil {
		s.sequence <- struct{}{} // until it is committed
		defer func() { <-s.sequence }()
	}
	revision, err := s.begin(batch)
	if err != nil {
		return err
	}
	time.Sleep(rand.N(3 * time.Millisecond)) // the way to the database
	s.commit(revision, batch)
	return nil
}

// begin locks the rows of a batch, compares their versions, and takes a revision.
func (s *sqlStore) begin(batch []share.Write) (uint64, error) {
	s.rows.Lock()
	defer s.rows.Unlock()
	for _, w := range batch {
		if s.locked[w.Key] || s.records[w.Key].Version != w.Expect {
			return 0, share.ErrVersion
		}
	}
	for _, w := range batch {
		s.locked[w.Key] = true
	}
	s.next++
	return s.next, nil
}

func (s *sqlStore) commit(revision uint64, batch []share.Write) {
	s.rows.Lock()
	defer s.rows.Unlock()
	for _, w := range batch {
		r := share.Record{Key: w.Key, Revision: revision, Version: w.Version, Value: slices.Clone(w.Value)}
		s.log = append(s.log, share.Change{Key: r.Key, Revision: revision, Version: r.Version, Value: r.Value, Deleted: w.Delete})
		if s.records[w.Key] = r; w.Delete {
			delete(s.records, w.Key)
		}
		delete(s.locked, w.Key)
	}
	slices.SortStableFunc(s.log, func(a, b share.Change) int { return cmp.Compare(a.Revision, b.Revision) })
}

func (s *sqlStore) Feed(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
	f := s.snapshot(after)
	for yield(f) {
		at := endOf(&f)
		for f = s.above(at); len(f.Changes) == 0; f = s.above(at) {
			time.Sleep(time.Millisecond)
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

func (s *sqlStore) snapshot(after share.Position) share.Frame {
	s.rows.Lock()
	defer s.rows.Unlock()
	at := mark{}
	known := after == share.Position{} || after == share.Position{Epoch: "sql"}
	for _, c := range s.log {
		at = mark{c.Revision, c.Version}
		known = known || after == share.Position{Epoch: "sql", Revision: at.revision, Version: at.version}
	}
	f := share.Frame{Epoch: "sql", Back: !known, Synced: true, Revision: at.revision, Version: at.version}
	f.PageRevision, f.PageVersion = at.revision, at.version
	for _, r := range s.records {
		f.Snapshot = append(f.Snapshot, r)
	}
	return f
}

// above returns the rows above a revision that are committed.
func (s *sqlStore) above(at mark) share.Frame {
	s.rows.Lock()
	defer s.rows.Unlock()
	f := share.Frame{Epoch: "sql", Revision: at.revision, Version: at.version}
	i := len(s.log)
	for i > 0 && s.log[i-1].Revision > at.revision {
		i--
	}
	f.Changes = slices.Clone(s.log[i:])
	for i := range f.Changes {
		f.Changes[i].Previous = at.version
		at.version = f.Changes[i].Version
	}
	return f
}

// A Store with a sequence is correct if a transaction locks it.
func TestASequenceWithALock(t *testing.T) {
	for _, r := range requirements {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &broken{}
				sqlTable(true)(s)
				newCheck(t, s).run(r.check)
			})
		})
	}
}

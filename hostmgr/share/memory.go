package share

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

// Memory returns a Store of a new table in the memory of this process. It is for tests and
// simulations, and for several registries in one process, which share one value. It has no
// goroutines. Its log has the last 32,768 changes or more: a feed that falls further behind has a
// gap.
func Memory() Store {
	m := &memory{}
	m.Use(table.New(fmt.Sprintf("memory-%d", tables.Add(1)), table.Config{}))
	return m
}

var tables atomic.Uint64 // that Memory has made

// memory is a Store of the table that it uses. The feeds that have begun keep their table.
type memory struct{ table atomic.Pointer[table.Table] }

// Use replaces the table. It is for tests in this module, which have their reasons to lose, wipe
// and fork tables.
func (m *memory) Use(t *table.Table) { m.table.Store(t) }

// Table returns the table.
func (m *memory) Table() *table.Table { return m.table.Load() }

func (m *memory) Put(ctx context.Context, batch []Write) error {
	if err := CheckBatch(batch); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	writes := make([]table.Write, len(batch))
	for i := range batch {
		writes[i] = table.Write(batch[i])
	}
	return translate(m.Table().Put(writes))
}

func (m *memory) Feed(ctx context.Context, after Position, yield func(Frame) bool) error {
	cursor := m.Table().Feed(feed.Position(after))
	for ctx.Err() == nil {
		f, wait, err := cursor.Next()
		switch {
		case err != nil:
			return translate(err)
		case wait != nil:
			select {
			case <-wait:
			case <-ctx.Done():
			}
		case !yield(outer(&f)):
			return nil
		}
	}
	return ctx.Err()
}

// translate returns an error of the table as one of package share.
func translate(err error) error {
	switch {
	case errors.Is(err, table.ErrVersion):
		return fmt.Errorf("%w: %w", ErrVersion, err)
	case errors.Is(err, table.ErrGap):
		return fmt.Errorf("%w: %w", ErrGap, err)
	default:
		return err
	}
}

// outer returns a frame as Stores yield it.
func outer(f *feed.Frame) Frame {
	o := Frame{
		Epoch: f.Epoch, Back: f.Back, Synced: f.Synced, Revision: f.Revision, Version: f.Version,
		PageRevision: f.PageRevision, PageVersion: f.PageVersion,
	}
	if n := len(f.Snapshot); n > 0 {
		o.Snapshot = make([]Record, n)
		for i := range f.Snapshot {
			o.Snapshot[i] = Record(f.Snapshot[i])
		}
	}
	if n := len(f.Changes); n > 0 {
		o.Changes = make([]Change, n)
		for i := range f.Changes {
			o.Changes[i] = Change(f.Changes[i])
		}
	}
	return o
}

package schedulerd

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/hostlife/hostlife/examples/internal/history"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A chronicler is a Store that writes down what its member writes to the table, and reads from it.
type chronicler struct {
	share.Store
	log  *history.Log
	puts atomic.Uint64
}

// historyOfStore returns a Store with a history, if there is one.
func historyOfStore(l *history.Log, s share.Store) share.Store {
	if l == nil {
		return s
	}
	return &chronicler{Store: s, log: l}
}

// Put writes down a batch before the engine gets it, and then the answer.
func (c *chronicler) Put(ctx context.Context, batch []share.Write) error {
	e := history.Entry{Kind: history.Put, Number: c.puts.Add(1)}
	for i := range batch {
		w := &batch[i]
		e.Writes = append(e.Writes, history.Write{Key: w.Key, Expect: w.Expect, Version: w.Version, Deleted: w.Delete})
	}
	e.Began = history.Now()
	c.log.Add(e)
	err := c.Store.Put(ctx, batch)
	c.log.Add(history.Entry{Kind: history.Wrote, Number: e.Number, Began: e.Began, Err: outcome(err)})
	return err
}

// outcome returns what an error of Put says: nothing was written, or that is not known.
func outcome(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, share.ErrVersion):
		return "conflict"
	default:
		return "unclear: " + err.Error()
	}
}

// Feed writes down what the member reads, before the member gets it.
func (c *chronicler) Feed(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
	table, synced, began := map[string]history.Write{}, false, history.Now()
	return c.Store.Feed(ctx, after, func(f share.Frame) bool {
		if f.Back {
			c.log.Add(history.Entry{Kind: history.Back, Epoch: f.Epoch})
		}
		changes := changesOf(f.Changes)
		switch {
		case synced && len(changes) > 0:
			c.log.Add(history.Entry{Kind: history.Seen, Writes: changes})
		case !synced:
			for _, w := range append(recordsOf(f.Snapshot), changes...) {
				if w.Revision >= table[w.Key].Revision {
					table[w.Key] = w
				}
			}
		}
		if f.Synced {
			synced = true
			c.log.Add(snapshot(f.Epoch, table, began))
		}
		return yield(f)
	})
}

func recordsOf(records []share.Record) (all []history.Write) {
	for i := range records {
		r := &records[i]
		all = append(all, history.Write{Key: r.Key, Revision: r.Revision, Version: r.Version})
	}
	return all
}

func changesOf(changes []share.Change) (all []history.Write) {
	for i := range changes {
		x := &changes[i]
		all = append(all, history.Write{
			Key: x.Key, Revision: x.Revision, Version: x.Version, Previous: x.Previous, Deleted: x.Deleted,
		})
	}
	return all
}

// snapshot returns the entry for a table that has been read.
func snapshot(epoch string, table map[string]history.Write, began int64) history.Entry {
	e := history.Entry{Kind: history.Snapshot, Epoch: epoch, Began: began}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if w := table[key]; !w.Deleted {
			e.Writes = append(e.Writes, w)
		}
	}
	return e
}

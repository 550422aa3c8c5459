package storetest

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

// A broken Store is Memory with other methods. Those that are nil are Memory's.
type broken struct {
	share.Store
	put  func(ctx context.Context, batch []share.Write) error
	feed func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error
}

func (b *broken) Put(ctx context.Context, batch []share.Write) error {
	if b.put == nil {
		return b.Store.Put(ctx, batch)
	}
	return b.put(ctx, batch)
}

func (b *broken) Feed(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
	if b.feed == nil {
		return b.Store.Feed(ctx, after, yield)
	}
	return b.feed(ctx, after, yield)
}

// frames makes a broken Store that changes frames.
func frames(change func(*share.Frame)) func(*broken) {
	return func(b *broken) {
		b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
			return b.Store.Feed(ctx, after, func(f share.Frame) bool {
				change(&f)
				return yield(f)
			})
		}
	}
}

// writes makes a broken Store that changes writes. It gets copies.
func writes(change func(*share.Write)) func(*broken) {
	return func(b *broken) {
		b.put = func(ctx context.Context, batch []share.Write) error {
			batch = slices.Clone(batch)
			for i := range batch {
				change(&batch[i])
			}
			return b.Store.Put(ctx, batch)
		}
	}
}

// versions are the records of a Store, by reading it.
func versions(ctx context.Context, s share.Store) map[string]share.Record {
	m := mirror{}
	_ = s.Feed(ctx, share.Position{}, func(f share.Frame) bool {
		m.frame(&f)
		return !f.Synced
	})
	return m.visible("")
}

// epoch returns the epoch of a Store, by reading it.
func epoch(ctx context.Context, s share.Store) (name string) {
	_ = s.Feed(ctx, share.Position{}, func(f share.Frame) bool {
		name = f.Epoch
		return false
	})
	return name
}

// A brokenStore breaks a requirement. The message is a part of what its subtest says.
type brokenStore struct {
	name, requirement, message string
	breaks                     func(*broken)
}

// Each Store breaks a requirement, and the subtest of the requirement says so.
func TestBrokenStores(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range slices.Concat(brokenPuts, brokenFeeds, brokenCalls, brokenEnds) {
		seen[b.requirement] = true
		t.Run(b.name, func(t *testing.T) {
			i := slices.IndexFunc(requirements, func(r requirement) bool { return r.name == b.requirement })
			require.GreaterOrEqual(t, i, 0, "no such requirement")
			synctest.Test(t, func(t *testing.T) {
				s := &broken{Store: memory(table.Config{Pages: 8})}
				b.breaks(s)
				require.Contains(t, failures(t, s, requirements[i].check), b.message)
			})
		})
	}
	for _, r := range requirements {
		require.True(t, seen[r.name], "no broken Store shows that the subtest %q can fail", r.name)
	}
}

// A Store that hides each fault. The log is short where it is to be trimmed.
func TestStoresThatHideFaults(t *testing.T) {
	for name, c := range map[string]struct {
		log     int
		hides   func(*broken)
		message string
	}{
		"lost changes are noticed":                          {0, renumber, "lost changes: the feed goes on without an error"},
		"lost changes are told to the next feed":            {0, tellIfAhead, "after a change that was lost and overwritten: Back is false"},
		"lost changes are told although the log is trimmed": {20, tellIfAhead, "after a change that was lost, from before the log: Back is false"},
		"a lost table is noticed":                           {0, renumber, `the table has the epoch "constant", as before it was lost`},
		"a trimmed log is noticed":                          {20, renumber, "the feed has not ended, and does not show the last change"},
	} {
		t.Run(name, func(t *testing.T) {
			i := slices.IndexFunc(faultRequirements, func(r faultRequirement) bool { return r.name == name })
			r := faultRequirements[i]
			synctest.Test(t, func(t *testing.T) {
				m := memory(table.Config{Log: c.log, Pages: 8})
				s := &broken{Store: m}
				c.hides(s)
				f := Faults{Lose: m.lose, Wipe: m.wipe, Trim: func() {}}
				require.Contains(t, failures(t, s, func(c *check) { r.check(c, r.fault(&f)) }), c.message)
			})
		})
	}
}

// tellIfAhead tells a reader that changes are lost only if the reader is ahead of the table.
func tellIfAhead(b *broken) {
	sayBack(func(f *share.Frame, first bool, after share.Position) bool {
		return first && after.Revision > f.Revision
	})(b)
}

// renumber hides all gaps: it begins another feed, and pretends that it is the same.
func renumber(b *broken) {
	b.feed = func(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
		revision, version, synced := uint64(1), uint64(1), false
		for {
			err := b.Store.Feed(ctx, after, func(f share.Frame) bool {
				f.Epoch, f.Revision, f.Version = "constant", revision, version
				if f.PageRevision, f.PageVersion = revision, version; synced {
					f.Snapshot, f.Synced, f.PageRevision, f.PageVersion = nil, false, 0, 0
				}
				f.Snapshot = slices.Clone(f.Snapshot)
				for i := range f.Snapshot {
					f.Snapshot[i].Revision = 1
				}
				for i := range f.Changes {
					c := &f.Changes[i]
					revision++
					c.Previous, c.Revision, version = version, revision, c.Version
				}
				synced = synced || f.Synced
				return yield(f)
			})
			if err == nil || ctx.Err() != nil {
				return err
			}
		}
	}
}

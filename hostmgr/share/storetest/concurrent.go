package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// current returns the record of a key as a follower sees it, which may be out of date.
func (f *follower) current(key string) (version uint64, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	x := f.mirror[f.check.prefix+key]
	if x.Deleted {
		return 0, ""
	}
	return x.Version, string(x.Value)
}

// increment adds one to the numbers of all keys in one batch. It repeats that until no other writer
// was faster.
func (c *check) increment(ctx context.Context, f *follower, keys ...string) error {
	for {
		batch := make([]share.Write, len(keys))
		for i, key := range keys {
			version, value := f.current(key)
			n, _ := strconv.Atoi(value)
			batch[i] = c.set(key, version, strconv.Itoa(n+1))
		}
		err := c.write(ctx, batch)
		if err != nil && !errors.Is(err, share.ErrVersion) {
			return err
		}
		moved := func() bool { return f.mirror[batch[0].Key].Version != batch[0].Expect }
		if shown := f.reach(ctx, limit, moved); shown != nil {
			return fmt.Errorf("the feed does not show a change of %s: %w", c.names(batch[:1]), shown)
		}
		if err == nil {
			return nil
		}
		if version, _ := f.current(keys[0]); version == batch[0].Version {
			return fmt.Errorf("Put has written what it refused: %w", err)
		}
	}
}

// increments is a feed that follows a writer, and what went wrong.
type increments struct {
	*follower
	err error
}

// incrementMany begins a feed and increments the keys n times.
func (c *check) incrementMany(ctx context.Context, n int, keys ...string) increments {
	f := c.begin(share.Position{}, func(*follower, share.Frame) bool { return true })
	defer f.cancel()
	if err := f.reach(ctx, limit, func() bool { return f.synced }); err != nil {
		return increments{f, fmt.Errorf("the end of the snapshot: %w", err)}
	}
	for range n {
		if err := c.increment(ctx, f, keys...); err != nil {
			return increments{f, err}
		}
	}
	return increments{f, nil}
}

// counter lets writers increment one number by compare-and-set.
func (c *check) counter() {
	c.put(c.set("n", 0, "0"))
	c.concurrently(func(ctx context.Context, _ int) error { return c.incrementMany(ctx, each, "n").err })
	f := c.follow()
	f.waitSynced()
	if got := string(f.records()[c.prefix+"n"].Value); got != strconv.Itoa(writers*each) {
		c.Fatalf("the number is %s after %d increments", got, writers*each)
	}
}

// pairs lets writers change two records in each batch. At the end of the snapshot, and after each
// later frame, each reader has equal values in both.
func (c *check) pairs() {
	c.put(c.set("left", 0, "0"), c.set("right", 0, "0"))
	c.concurrently(func(ctx context.Context, _ int) error {
		for range each / 5 {
			f := c.incrementMany(ctx, 5, "left", "right")
			if err := errors.Join(f.err, f.checkPairs()); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f *follower) checkPairs() error {
	m, synced := mirror{}, false
	for _, x := range f.all() {
		m.frame(&x)
		synced = synced || x.Synced
		left, right := m[f.check.prefix+"left"], m[f.check.prefix+"right"]
		if synced && string(left.Value) != string(right.Value) {
			return errors.New("a frame shows one of two records that were changed in one batch: " + string(left.Value) + ", " + string(right.Value))
		}
	}
	return nil
}

// readers begins feeds one after another while writers write, and ends with all feeds at the same
// change.
func (c *check) readers() (all []*follower) {
	c.Helper()
	reference := c.follow()
	reference.waitSynced()
	all = append(all, reference)
	c.busy(reference, func() {
		for i := range 9 {
			reference.waitForChanges(20 * (i + 1))
			f := c.follow()
			f.waitSynced()
			all = append(all, f)
		}
		reference.waitForChanges(300)
	})
	end := c.set("end", 0, "end")
	c.put(end)
	for _, f := range all {
		f.waitFor("end", end.Version)
		f.end()
	}
	return all
}

func (c *check) oneOrder() {
	all := c.readers()
	order := changes(all[0].all())
	for _, f := range all[1:] {
		mine := changes(f.all())
		at := len(order) - len(mine)
		if at < 0 || !slices.EqualFunc(order[at:], mine, func(a, b share.Change) bool {
			return a.Key == b.Key && a.Version == b.Version && a.Revision == b.Revision && a.Previous == b.Previous
		}) {
			c.Fatalf("two readers see changes in different orders, or not the same ones")
		}
	}
}

// snapshotAndFeed compares what each reader has at the end of its snapshot, and after all changes,
// with what the first reader had at the same mark.
func (c *check) snapshotAndFeed() {
	all := c.readers()
	for _, f := range all[1:] {
		m, at := mirror{}, mark{}
		for _, x := range f.all() {
			m.frame(&x)
			if at = endOf(&x); x.Synced {
				c.requireState("at the end of a snapshot", m, all[0], at)
			}
		}
		c.requireState("after all changes", m, all[0], at)
	}
}

// endOf returns the mark after a frame.
func endOf(x *share.Frame) mark {
	if n := len(x.Changes); n > 0 {
		return mark{x.Changes[n-1].Revision, x.Changes[n-1].Version}
	}
	return mark{x.Revision, x.Version}
}

// requireState compares a mirror with what a reference had at a mark.
func (c *check) requireState(when string, m mirror, reference *follower, at mark) {
	c.Helper()
	want, ok := reference.stateAt(at)
	if !ok {
		c.Fatalf("%s, a reader is at %v, where another one has never been", when, at)
	}
	got, expected := m.visible(c.prefix), want.visible(c.prefix)
	if !maps.EqualFunc(got, expected, func(a, b share.Record) bool {
		return a.Version == b.Version && a.Revision == b.Revision && string(a.Value) == string(b.Value)
	}) {
		c.Fatalf("%s, at %v, a reader has %d records, but the table had %d, or other ones", when, at, len(got), len(expected))
	}
}

// stateAt returns what a follower had at a mark, after its snapshot.
func (f *follower) stateAt(at mark) (mirror, bool) {
	m, synced := mirror{}, false
	for _, x := range f.all() {
		m.frame(&share.Frame{Snapshot: x.Snapshot})
		for _, ch := range x.Changes {
			m.change(ch)
			if synced && at == (mark{ch.Revision, ch.Version}) {
				return m, true
			}
		}
		if synced = synced || x.Synced; synced && at == endOf(&x) {
			return m, true
		}
	}
	return nil, false
}

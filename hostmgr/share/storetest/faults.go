package storetest

import (
	"sync"
	"testing"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// Faults are what a test can do to the engine of a Store. The subtests of those that are nil are
// skipped.
type Faults struct {
	// Lose makes the engine lose at least the last change, and at most the last 40, as a failover
	// to a replica that is behind does.
	Lose func()
	// Wipe makes the engine restart empty.
	Wipe func()
	// Trim makes the engine drop all changes but the latest one from its log. The records stay.
	Trim func()
}

// TestFaults checks that no reader of a Store misses a fault of its engine. Each requirement is a
// subtest, which calls open once. No other process may use the table meanwhile. As in [TestStore],
// the others are skipped after one that has waited in vain.
func TestFaults(t *testing.T, open func(t *testing.T) (share.Store, Faults)) {
	t.Helper()
	var all suite
	for _, r := range faultRequirements {
		t.Run(r.name, func(t *testing.T) {
			t.Helper()
			var f Faults
			all.run(t, r.name, func() (s share.Store) {
				if s, f = open(t); r.fault(&f) == nil {
					t.Skip("the engine cannot do that")
				}
				return s
			}, func(c *check) { r.check(c, r.fault(&f)) })
		})
	}
}

type faultRequirement struct {
	name  string
	fault func(*Faults) func()
	check func(c *check, fault func())
}

var faultRequirements = []faultRequirement{
	{"lost changes are noticed", func(f *Faults) func() { return f.Lose }, (*check).lostChanges},
	{"lost changes are told to the next feed", func(f *Faults) func() { return f.Lose }, (*check).lostAndOverwritten},
	{"lost changes are told although the log is trimmed", loseAndTrim, (*check).lostAndTrimmed},
	{"a lost table is noticed", func(f *Faults) func() { return f.Wipe }, (*check).lostTable},
	{"a trimmed log is noticed", func(f *Faults) func() { return f.Trim }, (*check).trimmedLog},
}

// loseAndTrim returns a fault that loses changes when it is called first, and trims the log then.
func loseAndTrim(f *Faults) func() {
	if f.Lose == nil || f.Trim == nil {
		return nil
	}
	lost := false
	return func() {
		if lost {
			f.Trim()
			return
		}
		lost = true
		f.Lose()
	}
}

// lostChanges writes again after a loss, until the revisions have passed those of the lost changes.
func (c *check) lostChanges(lose func()) {
	writes := c.fill(0, 50)
	f := c.follow()
	f.waitSynced()
	lose()
	left := c.read()
	if last := writes[len(writes)-1]; left[last.Key].Version == last.Version {
		c.Fatal("Faults.Lose has not lost the last change")
	}
	for _, r := range left {
		if string(r.Value) != "value of "+c.bare(r.Key) {
			c.Fatalf("after the loss, %q has the value %.60q", c.short(r.Key), r.Value)
		}
	}
	var after []share.Write
	for i := range 100 {
		after = append(after, c.fill(1000+i, 1)...)
	}
	c.requireNoticed(f, after[len(after)-1], "lost changes")
	if got, want := len(c.read()), len(left)+len(after); got != want {
		c.Fatalf("another feed shows %d records, not %d", got, want)
	}
}

func (c *check) lostTable(wipe func()) {
	c.fill(0, 50)
	f := c.follow()
	f.waitSynced()
	wipe()
	empty := c.follow()
	empty.waitSynced()
	empty.end()
	c.requireSame("after the table was lost", empty.records(), nil)
	if a, b := f.all()[0].Epoch, empty.all()[0].Epoch; a == b {
		c.Fatalf("the table has the epoch %q, as before it was lost", a)
	}
	var after []share.Write
	for i := range 100 {
		after = append(after, c.fill(1000+i, 1)...)
	}
	c.requireNoticed(f, after[len(after)-1], "a lost table")
	c.requireBack("after a change that was lost with the table", f.position(), true)
	c.requireRecords("after the table was lost", after...)
}

// trimmedLog has a reader that waits in yield while changes come and are trimmed. It may have them
// all nevertheless, because its Store had read them before.
func (c *check) trimmedLog(trim func()) {
	writes := c.fill(0, 50)
	f := c.hold()
	defer f.release()
	f.waitSynced()
	for i := range 200 {
		writes = append(writes, c.fill(1000+i, 1)...)
	}
	trim()
	writes = append(writes, c.fill(2000, 10)...)
	f.release()
	if last := writes[len(writes)-1]; !f.notices(last) {
		c.requireSame("in a feed that is behind the log", f.records(), writes)
	}
	c.requireRecords("after the log was trimmed", writes...)
}

// requireNoticed fails the test if a feed goes on to a write as if nothing had happened.
func (c *check) requireNoticed(f *follower, last share.Write, what string) {
	c.Helper()
	switch {
	case !f.notices(last):
		c.Fatalf("%s: the feed goes on without an error, and its changes seem to follow one another", what)
	case f.ended() && f.err == nil:
		c.Fatalf("%s: Feed returned nil", what)
	}
}

// notices waits until a feed has shown a write. It returns true if the feed ends before that, or
// has a change that does not follow the one before.
func (f *follower) notices(last share.Write) bool {
	f.check.Helper()
	broken, shown := false, false
	if f.reach(f.check.ctx, limit, func() bool {
		broken = checkChain(f.copies) != nil
		shown = f.mirror[last.Key].Version == last.Version
		return broken || shown
	}) != nil && !f.ended() {
		f.check.failed()
		f.check.Fatalf("after %v, the feed has not ended, and does not show the last change", limit)
	}
	return broken || !shown
}

func (f *follower) ended() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// read returns the records of the check, from another feed.
func (c *check) read() map[string]share.Record {
	c.Helper()
	f := c.follow()
	f.waitSynced()
	f.end()
	return f.records()
}

// hold begins a feed that waits in yield after its snapshot, until release is called.
func (c *check) hold() *heldFollower {
	release := make(chan struct{})
	f := c.followWith(share.Position{}, func(_ *follower, x share.Frame) bool {
		if x.Synced {
			<-release
		}
		return true
	})
	return &heldFollower{f, sync.OnceFunc(func() { close(release) })}
}

type heldFollower struct {
	*follower
	release func()
}

// Package storetest checks implementations of [share.Store].
//
// A Store in the memory of a process, or on an engine of its own for each test, needs one call:
//
//	func TestStore(t *testing.T) {
//		storetest.TestStore(t, func(t *testing.T) share.Store { return open(t) })
//	}
//
// [TestFaults] checks what a feed shows after the engine has lost changes.
package storetest

import (
	"sync/atomic"
	"testing"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// TestStore checks a Store. Each requirement is a subtest, which calls open once.
//
// The table may have records already, it may be the same for all subtests, and other processes may
// use it meanwhile. The subtests use keys with prefixes of their own, and delete their records.
// They need at most a few thousand calls of Put. Run the test with -race, too.
//
// A subtest waits up to 30 s for what has to happen. After one that has waited in vain, the others
// are skipped, because each may wait as long. The test ends within 60 s of the beginning of that
// wait.
func TestStore(t *testing.T, open func(t *testing.T) share.Store) {
	t.Helper()
	var all suite
	for _, r := range requirements {
		t.Run(r.name, func(t *testing.T) {
			t.Helper()
			all.run(t, r.name, func() share.Store { return open(t) }, r.check)
		})
	}
}

// A suite runs checks, which may be parallel, until one of them has waited in vain.
type suite struct {
	inVain atomic.Pointer[string] // the name of that check
}

func (s *suite) run(t testing.TB, name string, open func() share.Store, f func(*check)) {
	t.Helper()
	if first := s.inVain.Load(); first != nil {
		t.Skipf("see the failure of %q, which has waited in vain: this subtest might, too", *first)
	}
	c := newCheck(t, open())
	defer func() {
		if c.inVain.Load() {
			s.inVain.CompareAndSwap(nil, &name)
		}
	}()
	c.run(f)
}

// A requirement is one subtest.
type requirement struct {
	name  string
	check func(c *check)
}

var requirements = []requirement{
	{"records are created, updated and deleted", (*check).lifeOfARecord},
	{"a write expects a version", (*check).expectedVersions},
	{"a batch is atomic", (*check).atomicBatches},
	{"a batch that is not valid is refused", (*check).invalidBatches},
	{"an empty batch does nothing", (*check).emptyBatch},
	{"a batch may be as large as the limits", (*check).limits},
	{"a key may have any bytes", (*check).anyKeys},
	{"a value may have any bytes or none", (*check).anyValues},
	{"a version may be any number", (*check).anyVersions},
	{"the batch belongs to the caller", (*check).callersBatch},

	{"the snapshot has each record once", (*check).wholeSnapshot},
	{"the snapshot ends without another change", (*check).idleSnapshot},
	{"changes come once and in order", (*check).changesInOrder},
	{"frames follow one another", (*check).chainOfFrames},
	{"a frame has whole batches", (*check).wholeBatches},
	{"a frame is not changed later", (*check).constantFrames},
	{"all feeds number changes alike", (*check).sameNumbers},
	{"feeds may begin again and again", (*check).feedsAgain},
	{"a feed knows whether the table has a change", (*check).positions},
	{"a feed ends when yield returns false", (*check).yieldFalse},
	{"yield runs on the goroutine of Feed", (*check).sameGoroutine},
	{"a slow reader holds up no other call", (*check).slowReader},

	{"a feed ends with its context", (*check).canceledFeed},
	{"Put ends with its context", (*check).canceledPut},

	{"concurrent writers lose nothing", (*check).counter},
	{"concurrent batches stay whole", (*check).pairs},
	{"concurrent readers see one order", (*check).oneOrder},
	{"snapshot and feed fit", (*check).snapshotAndFeed},
}

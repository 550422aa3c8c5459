package feed_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
)

// has reports whether a change is in the history.
func (h *history) has(m feed.Mark) bool {
	for _, batch := range h.batches {
		for _, c := range batch {
			if m == (feed.Mark{Revision: c.Revision, Version: c.Version}) {
				return true
			}
		}
	}
	return false
}

// An absentee is a reader of a table that loses its tail now and then, and goes on to any revision.
type absentee struct {
	*mirror
	table *history
	shown map[feed.Mark]bool // changes that the reader may rely on
	lost  bool               // the table has lost one of them
}

func (a *absentee) show(revision, version uint64) {
	a.shown[feed.Mark{Revision: revision, Version: version}] = true
}

// read reads a feed, while others write. It may break off.
func (a *absentee) read(t *testing.T, breaksOff bool) {
	h := a.table
	for m := range a.shown {
		a.lost = a.lost || !h.has(m)
	}
	a.begin()
	after := a.Position()
	begin := len(h.batches)
	for range h.rnd.IntN(5) {
		h.write()
	}
	frames := h.frames(begin)
	frames[0].Back = after.Epoch != "" && h.at(feed.Mark{Revision: after.Revision, Version: after.Version}) < 0
	if breaksOff {
		frames = frames[:h.rnd.IntN(len(frames))]
	}
	for _, f := range frames {
		require.NoError(t, a.apply(f))
		for _, r := range f.Snapshot {
			a.show(r.Revision, r.Version)
		}
		for _, c := range f.Changes {
			a.show(c.Revision, c.Version)
		}
	}
}

// compare compares what the reader knows with what happened. From now on it relies on what the
// table has.
func (a *absentee) compare(t *testing.T, seen map[string]int) {
	what := map[[2]bool]string{
		{true, true}: "loss", {false, true}: "no loss that matters", {false, false}: "no loss", {true, false}: "unknown loss",
	}[[2]bool{a.lost, a.WentBack()}]
	require.NotEqual(t, "unknown loss", what)
	seen[what]++
	a.lost, a.shown = false, map[feed.Mark]bool{}
	for _, r := range a.records {
		a.show(r.Revision, r.Version)
	}
}

// A table loses its tail between two feeds, and other changes overwrite it. A reader that asks at
// its Position knows whether anything is lost of what it has read, also in feeds that broke off.
func TestALossBetweenFeedsIsKnown(t *testing.T) {
	seen, spurious := map[string]int{}, 0
	seeds(t, 10_000, 2_000_000, func(t *testing.T, rnd *rand.Rand) {
		a := &absentee{mirror: newMirror(), table: newHistory(rnd), shown: map[feed.Mark]bool{}}
		losses := 0
		for n := range 6 {
			for range rnd.IntN(6) {
				a.table.write()
			}
			if all := len(a.table.batches); rnd.IntN(4) == 0 {
				losses++
				a.table = a.table.fork(rnd.IntN(min(5, all+1)), rnd.IntN(8))
			}
			a.read(t, n < 5 && rnd.IntN(2) == 0)
			if !a.Synced() {
				continue
			}
			if a.WentBack() && losses == 0 {
				spurious++
			}
			a.compare(t, seen)
		}
	})
	t.Log(seen, spurious, "without any loss")
	if *oneSeed == 0 {
		require.NotZero(t, seen["loss"])
		require.NotZero(t, seen["no loss"])
	}
}
